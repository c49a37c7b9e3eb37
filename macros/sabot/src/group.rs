//! Groups: `key_by`, and the functions of `aggregate`.

use crate::aggregate::{By, Number, UserAggregate, Value};
use crate::stream::{RowCount, Stream};
use crate::window::{Window, Windowed};
use std::fmt;
use std::marker::PhantomData;

/// Rows of type `T`, grouped by a key of type `K`.
#[must_use = "go on with `.aggregate(|group| Record { .. })`"]
pub struct Keyed<T, K> {
    groups: PhantomData<fn() -> (T, K)>,
}

impl<T, K> Clone for Keyed<T, K> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<T, K> Copy for Keyed<T, K> {}

impl<T, K> fmt::Debug for Keyed<T, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Keyed<{}, {}>", std::any::type_name::<T>(), std::any::type_name::<K>())
    }
}

impl<T, K> Keyed<T, K> {
    pub(crate) fn new() -> Self {
        Self { groups: PhantomData }
    }

    /// One row of each group.
    pub fn aggregate<U>(self, _function: impl Fn(&Group<T, K>) -> U) -> Stream<U> {
        Stream::new()
    }

    /// One row of each group, made of two at a time.
    pub fn reduce(self, _function: impl Fn(T, T) -> T) -> Stream<T> {
        Stream::new()
    }

    /// Cuts each group into windows.
    pub fn window(self, _window: Window) -> Windowed<T, K> {
        Windowed::new()
    }

    /// The greatest rows of each group.
    pub fn top_n<'a, B>(self, _n: impl RowCount, _by: impl Fn(&'a T) -> B) -> Stream<T>
    where
        T: 'a,
    {
        Stream::new()
    }
}

/// The rows of one key, inside `aggregate`.
pub struct Group<T, K> {
    rows: PhantomData<fn() -> (T, K)>,
}

impl<T, K> fmt::Debug for Group<T, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Group<{}, {}>", std::any::type_name::<T>(), std::any::type_name::<K>())
    }
}

/// What a group's function gives: a type, never a value. No group ever exists outside of compiled code.
pub(crate) fn typed<V>() -> V {
    unreachable!("the closures of a pipeline are compiled, not called")
}

macro_rules! functions {
    ($($(#[$doc:meta])* $name:ident $filtered:ident => $result:ty $(where $bound:ident)?;)*) => { $(
        $(#[$doc])*
        pub fn $name<'a, V $(: $bound)?>(&'a self, _value: impl Fn(&'a T) -> V) -> $result {
            typed()
        }

        $(#[$doc])*
        ///
        /// Of the rows for which the condition holds.
        pub fn $filtered<'a, V $(: $bound)?>(
            &'a self,
            _value: impl Fn(&'a T) -> V,
            _condition: impl Fn(&'a T) -> bool,
        ) -> $result {
            typed()
        }
    )* };
}

impl<T, K> Group<T, K> {
    /// The key that these rows have.
    #[must_use]
    pub fn key(&self) -> K {
        typed()
    }

    /// How many rows there are.
    #[must_use]
    pub fn count(&self) -> i64 {
        typed()
    }

    /// How many rows there are for which the condition holds.
    pub fn count_if<'a>(&'a self, _condition: impl Fn(&'a T) -> bool) -> i64 {
        typed()
    }

    functions! {
        /// The sum; that of integers is an error if it does not fit.
        sum sum_if => V;
        /// The least value.
        min min_if => V;
        /// The greatest value.
        max max_if => V;
        /// The mean.
        avg avg_if => V::Mean where Number;
        /// The value of the first row.
        first first_if => V;
        /// The value of the last row.
        last last_if => V;
        /// How many different values there are, `None` not counted.
        count_distinct count_distinct_if => i64;
        /// About how many different values there are, `None` not counted.
        approx_count_distinct approx_count_distinct_if => i64;
        /// The variance of the sample.
        variance variance_if => V::Mean where Number;
        /// The standard deviation of the sample.
        stddev stddev_if => V::Mean where Number;
        /// The middle value, or the mean of the middle two.
        median median_if => V::Mean where Number;
        /// All values, in input order.
        collect collect_if => Vec<V>;
    }

    /// What one of the job's own aggregates makes of the rows: `aggregate::<Spread>(|row| row.price)`, and a tuple where its
    /// `add` takes several values.
    pub fn aggregate<'a, A: UserAggregate>(&'a self, _values: impl Fn(&'a T) -> A::Input) -> A::Output {
        typed()
    }

    /// What one of the job's own aggregates makes of the rows for which the condition holds.
    pub fn aggregate_if<'a, A: UserAggregate>(
        &'a self,
        _values: impl Fn(&'a T) -> A::Input,
        _condition: impl Fn(&'a T) -> bool,
    ) -> A::Output {
        typed()
    }

    /// About the value that a share of the rows does not exceed, in little memory: at most 1/256 of the value off, and exact
    /// for up to 256 rows.
    pub fn approx_percentile<'a, V: Number>(&'a self, _share: f64, _value: impl Fn(&'a T) -> V) -> V::Mean {
        typed()
    }

    /// About the value that a share of the rows does not exceed, of the rows for which the condition holds.
    pub fn approx_percentile_if<'a, V: Number>(
        &'a self,
        _share: f64,
        _value: impl Fn(&'a T) -> V,
        _condition: impl Fn(&'a T) -> bool,
    ) -> V::Mean {
        typed()
    }

    /// The value that a share of the rows, from 0 to 1, does not exceed: `percentile(0.95, |row| row.latency)`. It lies on the line
    /// between the two nearest values.
    pub fn percentile<'a, V: Number>(&'a self, _share: f64, _value: impl Fn(&'a T) -> V) -> V::Mean {
        typed()
    }

    /// The value that a share of the rows does not exceed, of the rows for which the condition holds.
    pub fn percentile_if<'a, V: Number>(
        &'a self,
        _share: f64,
        _value: impl Fn(&'a T) -> V,
        _condition: impl Fn(&'a T) -> bool,
    ) -> V::Mean {
        typed()
    }

    /// The value of the row whose `by` is least; of several the first.
    pub fn arg_min<'a, B: By, V: Value>(
        &'a self,
        _by: impl Fn(&'a T) -> B,
        _value: impl Fn(&'a T) -> V,
    ) -> B::Result<V> {
        typed()
    }

    /// The value of the row whose `by` is least, of the rows for which the condition holds.
    pub fn arg_min_if<'a, B: By, V: Value>(
        &'a self,
        _by: impl Fn(&'a T) -> B,
        _value: impl Fn(&'a T) -> V,
        _condition: impl Fn(&'a T) -> bool,
    ) -> B::Result<V> {
        typed()
    }

    /// The value of the row whose `by` is greatest; of several the first.
    pub fn arg_max<'a, B: By, V: Value>(
        &'a self,
        _by: impl Fn(&'a T) -> B,
        _value: impl Fn(&'a T) -> V,
    ) -> B::Result<V> {
        typed()
    }

    /// The value of the row whose `by` is greatest, of the rows for which the condition holds.
    pub fn arg_max_if<'a, B: By, V: Value>(
        &'a self,
        _by: impl Fn(&'a T) -> B,
        _value: impl Fn(&'a T) -> V,
        _condition: impl Fn(&'a T) -> bool,
    ) -> B::Result<V> {
        typed()
    }
}
