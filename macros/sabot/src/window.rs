//! Windows: how a stream is cut, and what is computed of each piece.

use crate::group::{Group, typed};
use crate::stream::{RowCount, Stream};
use sabot_library::{Duration, Timestamp};
use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;

/// How a stream is cut into windows.
#[must_use = "a window stands in `.window(..)`"]
#[derive(Clone, Copy, Debug)]
pub struct Window(());

impl Window {
    /// Where the first window begins, counted from the epoch.
    pub fn offset(self, _by: Duration) -> Self {
        self
    }

    /// By the clock of the machine, not by event time: the result depends on when the job runs.
    pub fn processing_time(self) -> Self {
        self
    }
}

/// One window after the other, of one length.
pub fn tumbling(_size: Duration) -> Window {
    Window(())
}

/// Windows of one length that overlap: a new one begins every `slide`.
pub fn sliding(_size: Duration, _slide: Duration) -> Window {
    Window(())
}

/// Rows of a key that are less than a gap apart.
pub fn session(_gap: Duration) -> Window {
    Window(())
}

/// Windows that begin together and end one step later each, up to a greatest length.
pub fn cumulate(_step: Duration, _max: Duration) -> Window {
    Window(())
}

/// So many rows of a key, as they come.
pub fn count(_rows: impl RowCount) -> Window {
    Window(())
}

/// A stream of rows of type `T`, grouped by a key of type `K`, cut into windows.
#[must_use = "go on with `.aggregate(|window| Record { .. })`"]
pub struct Windowed<T, K> {
    windows: PhantomData<fn() -> (T, K)>,
}

impl<T, K> Clone for Windowed<T, K> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<T, K> Copy for Windowed<T, K> {}

impl<T, K> fmt::Debug for Windowed<T, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Windowed<{}, {}>", std::any::type_name::<T>(), std::any::type_name::<K>())
    }
}

impl<T, K> Windowed<T, K> {
    pub(crate) fn new() -> Self {
        Self { windows: PhantomData }
    }

    /// One row of each window, and of each group in it.
    pub fn aggregate<U>(self, _function: impl Fn(&WindowGroup<T, K>) -> U) -> Stream<U> {
        Stream::new()
    }

    /// One row of each window, and of each group in it, made of two at a time.
    pub fn reduce(self, _function: impl Fn(T, T) -> T) -> Stream<T> {
        Stream::new()
    }

    /// The greatest rows of each window, and of each group in it.
    pub fn top_n<'a, B>(self, _n: impl RowCount, _by: impl Fn(&'a T) -> B) -> Stream<T>
    where
        T: 'a,
    {
        Stream::new()
    }
}

impl<T> Windowed<T, ()> {
    /// The first row of each key in each window.
    pub fn dedup<'a, B>(self, _key: impl Fn(&'a T) -> B) -> Stream<T>
    where
        T: 'a,
    {
        Stream::new()
    }

    /// The first of equal rows in each window.
    pub fn distinct(self) -> Stream<T> {
        Stream::new()
    }
}

/// The rows of one key in one window, inside `aggregate`: a [`Group`] that begins and ends.
pub struct WindowGroup<T, K> {
    group: Group<T, K>,
}

impl<T, K> fmt::Debug for WindowGroup<T, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WindowGroup<{}, {}>", std::any::type_name::<T>(), std::any::type_name::<K>())
    }
}

impl<T, K> Deref for WindowGroup<T, K> {
    type Target = Group<T, K>;

    fn deref(&self) -> &Group<T, K> {
        &self.group
    }
}

impl<T, K> WindowGroup<T, K> {
    /// When the window begins.
    #[must_use]
    pub fn start(&self) -> Timestamp {
        typed()
    }

    /// When the window ends: the first moment that is not in it.
    #[must_use]
    pub fn end(&self) -> Timestamp {
        typed()
    }
}
