//! Streams and tables: what `source` and `table` give, and every step until a sink.
//!
//! All of it is types. A pipeline's body is checked by rustc and never called: its graph is made of its text. So a stream
//! holds nothing, can be copied, and a method's closure says only what goes in and what comes out: `filter`, key and
//! aggregate closures borrow the row, `map`, `filter_map` and `flat_map` own it.

use crate::connector::{Connector, Lateness};
use crate::group::{Group, Keyed};
use crate::join::{AsofJoin, Join};
use crate::window::{Window, Windowed};
use sabot_library::Duration;
use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;

/// A struct with `#[sabot::record]`: the columns of a row.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a record",
    label = "a source gives records",
    note = "write `#[sabot::record]` in front of `struct {Self}`"
)]
pub trait Record {}

/// The rows of a file or topic, as records of type `T`. The name is what `--input` says.
pub fn source<T: Record>(_name: &str, _connector: Connector) -> Stream<T> {
    Stream::new()
}

/// A keyed relation: a bounded file, or a topic read as upserts.
pub fn table<T: Record>(_name: &str, _connector: Connector) -> Table<T> {
    Table { stream: Stream::new() }
}

/// Rows of type `T`: a name for data, not data, so it can be used as often as you like.
#[must_use = "rows that go nowhere are not computed: end the stream with `.sink(..)`"]
pub struct Stream<T> {
    rows: PhantomData<fn() -> T>,
}

impl<T> Clone for Stream<T> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<T> Copy for Stream<T> {}

impl<T> fmt::Debug for Stream<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Stream<{}>", std::any::type_name::<T>())
    }
}

/// A keyed relation: a [`Stream`] with a primary key.
#[must_use = "rows that go nowhere are not computed: end the stream with `.sink(..)`"]
pub struct Table<T> {
    stream: Stream<T>,
}

impl<T> Clone for Table<T> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<T> Copy for Table<T> {}

impl<T> fmt::Debug for Table<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Table<{}>", std::any::type_name::<T>())
    }
}

impl<T> Deref for Table<T> {
    type Target = Stream<T>;

    fn deref(&self) -> &Stream<T> {
        &self.stream
    }
}

impl<T> Table<T> {
    /// The columns whose values are different in every row.
    pub fn primary_key<'a, K>(self, _key: impl Fn(&'a T) -> K) -> Self
    where
        T: 'a,
    {
        self
    }

    /// When each row happened, and how late rows may come.
    pub fn event_time<'a, K>(self, _time: impl Fn(&'a T) -> K, _lateness: Lateness) -> Self
    where
        T: 'a,
    {
        self
    }

    /// How long the table may be silent until nobody waits for its time any more.
    pub fn idle_after(self, _silence: Duration) -> Self {
        self
    }

    /// How often its file is looked at, where a stream that does not end looks it up ([`Stream::lookup_join`]): it is read again when it
    /// has changed.
    pub fn refresh_every(self, _interval: Duration) -> Self {
        self
    }

    /// About how many rows there are: a hint for the optimizer.
    pub fn rows(self, _count: impl RowCount) -> Self {
        self
    }
}

/// A stream or a table, where either may stand.
pub trait Relation {
    /// What its rows are.
    type Row;
}
impl<T> Relation for Stream<T> {
    type Row = T;
}
impl<T> Relation for Table<T> {
    type Row = T;
}
impl<R: Relation> Relation for &R {
    type Row = R::Row;
}

/// A number of rows: any integer.
pub trait RowCount {}
macro_rules! row_count {
    ($($integer:ty)*) => { $(impl RowCount for $integer {})* };
}
row_count!(i8 i16 i32 i64 isize u8 u16 u32 u64 usize);

impl<T> Stream<T> {
    pub(crate) fn new() -> Self {
        Self { rows: PhantomData }
    }

    /// Keeps the rows for which the predicate holds.
    pub fn filter<'a>(self, _predicate: impl Fn(&'a T) -> bool) -> Self
    where
        T: 'a,
    {
        self
    }

    /// Makes one row of each row.
    pub fn map<U>(self, _function: impl Fn(T) -> U) -> Stream<U> {
        Stream::new()
    }

    /// Makes one row or none of each row.
    pub fn filter_map<U>(self, _function: impl Fn(T) -> Option<U>) -> Stream<U> {
        Stream::new()
    }

    /// Makes any number of rows of each row.
    pub fn flat_map<U>(self, _function: impl Fn(T) -> Vec<U>) -> Stream<U> {
        Stream::new()
    }

    /// Keeps some columns: `.select(fields![id, price])`.
    pub fn select(self, _fields: impl Fn(&T)) -> Self {
        self
    }

    /// All rows of this one, then all of the other.
    pub fn union(self, _other: impl Relation) -> Self {
        self
    }

    /// Joins on equal keys: go on with `.on(|left| left.id, |right| right.id)`.
    pub fn hash_join<R: Relation>(self, _other: R) -> Join<T, R::Row> {
        Join::new()
    }

    /// Joins with a table that is read as a whole first: go on with `.on(|left| left.id, |right| right.id)`.
    pub fn lookup_join<R: Relation>(self, _other: R) -> Join<T, R::Row> {
        Join::new()
    }

    /// Joins each row with the one row of the other stream that is nearest in time.
    pub fn asof_join<R: Relation>(self, _other: R) -> AsofJoin<T, T, R::Row> {
        AsofJoin::new()
    }

    /// Cuts the stream into windows: go on with `.aggregate(|window| Record { .. })`.
    pub fn window(self, _window: Window) -> Windowed<T, ()> {
        Windowed::new()
    }

    /// Groups rows of equal key.
    pub fn key_by<'a, K>(self, _key: impl Fn(&'a T) -> K) -> Keyed<T, K>
    where
        T: 'a,
    {
        Keyed::new()
    }

    /// One row made of all, two at a time; none of none.
    pub fn reduce(self, _function: impl Fn(T, T) -> T) -> Stream<T> {
        Stream::new()
    }

    /// One row, computed of all.
    pub fn aggregate<U>(self, _function: impl Fn(&Group<T, ()>) -> U) -> Stream<U> {
        Stream::new()
    }

    /// The first of equal rows.
    pub fn distinct(self) -> Self {
        self
    }

    /// The first row of each key.
    pub fn dedup<'a, K>(self, _key: impl Fn(&'a T) -> K) -> Self
    where
        T: 'a,
    {
        self
    }

    /// The greatest rows, greatest first.
    pub fn top_n<'a, K>(self, _n: impl RowCount, _by: impl Fn(&'a T) -> K) -> Self
    where
        T: 'a,
    {
        self
    }

    /// Sorts, least first.
    pub fn order_by<'a, K>(self, _by: impl Fn(&'a T) -> K) -> Self
    where
        T: 'a,
    {
        self
    }

    /// Sorts, greatest first.
    pub fn order_by_desc<'a, K>(self, _by: impl Fn(&'a T) -> K) -> Self
    where
        T: 'a,
    {
        self
    }

    /// The first rows.
    pub fn limit(self, _n: impl RowCount) -> Self {
        self
    }

    /// Writes the rows. The name is what `--output` says.
    pub fn sink(self, _name: &str, _connector: Connector) {}

    /// Where rows go that the operator before could not compute: the row, where it came from, code and message.
    pub fn errors(self, _name: &str, _connector: Connector) -> Self {
        self
    }

    /// Where rows go that come too late for their window, as they are. Said of the aggregate of a window, of `top_n`, `dedup` and
    /// joins in windows, and of joins in time; of a join, its left rows.
    pub fn late(self, _name: &str, _connector: Connector) -> Self {
        self
    }

    /// Where right rows go that come too late for a join in windows or in time.
    pub fn late_right(self, _name: &str, _connector: Connector) -> Self {
        self
    }

    /// How long after its end a window still takes rows; it is given again with each. Said of the aggregate of a window, as is the
    /// next one.
    pub fn allowed_lateness(self, _at_most: Duration) -> Self {
        self
    }

    /// Gives unfinished windows this often, in event time. Of an aggregate or `top_n` without a window over a stream that never ends: gives
    /// changes of a row at most this often, by the clock.
    pub fn emit_every(self, _interval: Duration) -> Self {
        self
    }

    /// Counts and leaves out the rows that the operator before could not compute.
    pub fn skip_errors(self) -> Self {
        self
    }

    /// Gives the operator before a name, which messages and plans then show.
    pub fn named(self, _name: &str) -> Self {
        self
    }

    /// When each row happened, and how late rows may come. Said of a source.
    pub fn event_time<'a, K>(self, _time: impl Fn(&'a T) -> K, _lateness: Lateness) -> Self
    where
        T: 'a,
    {
        self
    }

    /// How long a source may be silent until nobody waits for its time any more. Said of a source.
    pub fn idle_after(self, _silence: Duration) -> Self {
        self
    }

    /// About how many rows there are: a hint for the optimizer. Said of a source.
    pub fn rows(self, _count: impl RowCount) -> Self {
        self
    }
}

/// Names of columns: `fields![id, price]`.
#[macro_export]
macro_rules! fields {
    ($($field:ident),+ $(,)?) => {
        |row| {
            $(let _ = &row.$field;)+
        }
    };
}
