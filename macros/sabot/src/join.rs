//! Joins: two streams, their keys, and what is made of a pair.

use crate::stream::Stream;
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
