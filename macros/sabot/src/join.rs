//! Joins: two streams, their keys, how far apart in time, and what is made of a pair.

use crate::stream::Stream;
use crate::window::Window;
use sabot_library::Duration;
use std::fmt;
use std::marker::PhantomData;

/// `left.hash_join(right)`, which needs its keys.
#[must_use = "go on with `.on(|left| left.id, |right| right.id)`"]
pub struct Join<L, R> {
    sides: PhantomData<fn() -> (L, R)>,
}

impl<L, R> fmt::Debug for Join<L, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Join<{}, {}>", std::any::type_name::<L>(), std::any::type_name::<R>())
    }
}

impl<L, R> Join<L, R> {
    pub(crate) fn new() -> Self {
        Self { sides: PhantomData }
    }

    /// The keys of both sides. `None` matches nothing.
    pub fn on<'a, K>(self, _left: impl Fn(&'a L) -> K, _right: impl Fn(&'a R) -> K) -> Joined<L, L, R>
    where
        L: 'a,
        R: 'a,
    {
        Joined::new()
    }
}

/// Pairs of rows whose keys are equal: a left row of type `L` or `Option<L>`, a right one of type `R` or `Option<R>`, where
/// the left stream has rows of type `Row`.
#[must_use = "make rows of the pairs: `.map(|left, right| Record { .. })`"]
pub struct Joined<Row, L, R> {
    sides: PhantomData<fn() -> (Row, L, R)>,
}

impl<Row, L, R> fmt::Debug for Joined<Row, L, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Joined<{}, {}>", std::any::type_name::<L>(), std::any::type_name::<R>())
    }
}

impl<Row, L, R> Joined<Row, L, R> {
    fn new() -> Self {
        Self { sides: PhantomData }
    }

    /// Pairs that happened at most so far apart, in either direction.
    pub fn within(self, _at_most: Duration) -> Self {
        self
    }

    /// Pairs of one window.
    pub fn window(self, _window: Window) -> Self {
        self
    }

    /// With the row of the table that was in force when the left row happened.
    pub fn as_of_event_time(self) -> Self {
        self
    }

    /// One row of each pair.
    pub fn map<U>(self, _function: impl Fn(L, R) -> U) -> Stream<U> {
        Stream::new()
    }
}

impl<L, R> Joined<L, L, R> {
    /// Left rows without a partner too: the right side becomes an `Option`.
    pub fn left(self) -> Joined<L, L, Option<R>> {
        Joined::new()
    }

    /// Right rows without a partner too: the left side becomes an `Option`.
    pub fn right(self) -> Joined<L, Option<L>, R> {
        Joined::new()
    }

    /// All rows of both sides: both become an `Option`.
    pub fn full(self) -> Joined<L, Option<L>, Option<R>> {
        Joined::new()
    }

    /// The left rows that have a partner.
    pub fn semi(self) -> Stream<L> {
        Stream::new()
    }

    /// The left rows that have none.
    pub fn anti(self) -> Stream<L> {
        Stream::new()
    }
}

/// Each row with the one row of another stream that is nearest in time: `left.asof_join(right)`.
#[must_use = "make rows of the pairs: `.map(|left, right| Record { .. })`"]
pub struct AsofJoin<Left, L, R, Right = R> {
    sides: PhantomData<fn() -> (Left, L, R, Right)>,
}

impl<Left, L, R, Right> fmt::Debug for AsofJoin<Left, L, R, Right> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AsofJoin<{}, {}>", std::any::type_name::<L>(), std::any::type_name::<R>())
    }
}

impl<Left, L, R, Right> AsofJoin<Left, L, R, Right> {
    pub(crate) fn new() -> Self {
        Self { sides: PhantomData }
    }

    /// The keys of both sides, which are equal in a pair. `None` matches nothing.
    pub fn on<'a, K>(self, _left: impl Fn(&'a Left) -> K, _right: impl Fn(&'a Right) -> K) -> Self
    where
        Left: 'a,
        Right: 'a,
    {
        self
    }

    /// The last right row at or before the left one, which is what is done if nothing is said.
    pub fn backward(self) -> Self {
        self
    }

    /// The first right row at or after the left one.
    pub fn forward(self) -> Self {
        self
    }

    /// The nearest right row; of two equally near the earlier.
    pub fn nearest(self) -> Self {
        self
    }

    /// Pairs that happened at most so far apart.
    pub fn tolerance(self, _at_most: Duration) -> Self {
        self
    }

    /// One row of each pair.
    pub fn map<U>(self, _function: impl Fn(L, R) -> U) -> Stream<U> {
        Stream::new()
    }
}

impl<L, R> AsofJoin<L, L, R, R> {
    /// Left rows without a partner too: the right side becomes an `Option`.
    pub fn left(self) -> AsofJoin<L, L, Option<R>, R> {
        AsofJoin::new()
    }
}
