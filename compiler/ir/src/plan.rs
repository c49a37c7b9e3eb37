//! The typed plan: operators with the schema and the properties of every edge known.
//!
//! A [`Plan`] is an arena of nodes; roots are its sinks. A node that two others read is a fan-out. Made by the checker
//! from a [`crate::job_graph::JobGraph`], rewritten by the passes, read by the physical stage and by the reference
//! interpreter.

pub use crate::user_aggregate::{UserAggregate, UserPart};

use crate::expr::{Expr, Literal};
use crate::span::Span;
use crate::ty::{Schema, Type};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Index into [`Plan::nodes`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeId(pub u32);

/// Index into [`Plan::sources`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SourceId(pub u32);

/// Index into [`Plan::sinks`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SinkId(pub u32);

/// A job whose types are known.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plan {
    /// The job's name.
    pub job: String,
    /// Parameters of the job, by `ParamId`.
    pub params: Vec<Param>,
    /// What it reads, by `SourceId`.
    pub sources: Vec<Source>,
    /// What it writes, by `SinkId`; error and late sinks too.
    pub sinks: Vec<Sink>,
    /// The operators. Inputs stand before whoever reads them. A node that no sink reaches is dead and is skipped.
    pub nodes: Vec<Node>,
    /// The author's own aggregate functions, which [`AggregateFunction::User`] names by number.
    pub aggregates: Vec<UserAggregate>,
}

/// A parameter of the job.
#[derive(Clone, Debug, PartialEq)]
pub struct Param {
    /// Its name.
    pub name: String,
    /// Its type.
    pub ty: Type,
    /// Its value unless one is set at the start; `None`: it must be set.
    pub default: Option<Literal>,
}

/// How rows are laid out in a file or message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Format {
    /// Arrow IPC, file or stream.
    Arrow,
    /// Parquet.
    Parquet,
    /// CSV with a header.
    Csv,
    /// One JSON object a line.
    Ndjson,
}

impl Format {
    /// Its name in jobs and on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Arrow => "arrow",
            Self::Parquet => "parquet",
            Self::Csv => "csv",
            Self::Ndjson => "ndjson",
        }
    }
}

/// Where rows come from or go to.
#[derive(Clone, Debug, PartialEq)]
pub struct Connector {
    /// The kind and the place.
    pub location: Location,
    /// How rows are laid out there; `None`: by the file's extension.
    pub format: Option<Format>,
    /// Whatever else the builder methods set, by name.
    pub options: BTreeMap<String, String>,
}

/// The kinds of places.
#[derive(Clone, Debug, PartialEq)]
pub enum Location {
    /// A file, a directory, a glob.
    Path(String),
    /// A Kafka topic.
    Kafka(String),
    /// Standard input or output.
    Standard,
    /// A generator that is part of the runtime, by name (`nexmark`, `generate`).
    Generator(String),
    /// A PostgreSQL database, by its URL; the option `table` says which table of it.
    Postgres(String),
}

/// A source of the job.
#[derive(Clone, Debug, PartialEq)]
pub struct Source {
    /// Its name, for `--input`.
    pub name: String,
    /// Where it reads.
    pub connector: Connector,
    /// The whole record; which columns are read is in the node.
    pub schema: Schema,
    /// A `table`: rows are unique by this key (positions in `schema`).
    pub primary_key: Option<Vec<u32>>,
    /// `.event_time(|r| r.at, lateness(d))`.
    pub event_time: Option<EventTime>,
    /// What is known of its contents.
    pub statistics: Statistics,
    /// Where it is declared.
    pub span: Span,
}

/// The time column of a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventTime {
    /// Position in the schema.
    pub column: u32,
    /// How far rows may be behind the latest one.
    pub lateness_us: i64,
}

/// What is known of a source before it is read: from file metadata or from hints in the job.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Statistics {
    /// Number of rows.
    pub rows: Option<u64>,
    /// Number of different values, by column position.
    pub distinct: BTreeMap<u32, u64>,
}

/// A sink of the job.
#[derive(Clone, Debug, PartialEq)]
pub struct Sink {
    /// Its name, for `--output`.
    pub name: String,
    /// Where it writes.
    pub connector: Connector,
    /// The columns it writes.
    pub schema: Schema,
    /// Where it is declared.
    pub span: Span,
}

/// What to do with a row that an operator cannot compute.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ErrorPolicy {
    /// Fail the job.
    #[default]
    Fail,
    /// Count it and go on.
    Skip,
    /// Write it to this sink and go on. The sink's columns are known by name, and it may have any of them: `operator`,
    /// `message` and `row` (the row as text) are `String`s, `code` is an integer.
    Sink(SinkId),
}

/// An operator.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// The author's name for it, or one made of its kind.
    pub name: String,
    /// What it does.
    pub operator: Operator,
    /// Where its rows come from.
    pub inputs: Vec<NodeId>,
    /// The columns of its rows.
    pub schema: Schema,
    /// What else is known of its rows.
    pub properties: Properties,
    /// What to do with rows that it cannot compute.
    pub on_error: ErrorPolicy,
    /// Where it stands in job.rs.
    pub span: Span,
}

/// Facts about the rows on an edge, beside their types.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Properties {
    /// The rows end some time.
    pub bounded: bool,
    /// Rows may be taken back later (upserts).
    pub updating: bool,
    /// The columns that the rows are partitioned by.
    pub keyed_by: Vec<u32>,
    /// The column that holds the event time.
    pub event_time: Option<u32>,
    /// The column that holds the end of the window that a row belongs to: once event time has passed it, no row with it
    /// comes any more. What is grouped by it is complete then.
    pub window_end: Option<u32>,
    /// Changes of a row come at most this often, in microseconds, if the author has said so.
    pub emit_every_us: Option<i64>,
}

impl Properties {
    /// Whether the last column says of each row whether it is added or taken back. A table's rows replace each other by
    /// its primary key instead.
    #[must_use]
    pub fn has_change(&self) -> bool {
        self.updating && !self.bounded
    }
}

/// The operators of a plan. `ExprKind::Column` counts in the schema of the input; where there are two inputs, in the
/// left one's columns and then the right one's.
#[derive(Clone, Debug, PartialEq)]
pub enum Operator {
    /// Reads a source.
    Source {
        /// Which.
        source: SourceId,
        /// The columns it reads, as positions in the source's schema, ascending; they are the node's schema.
        columns: Vec<u32>,
        /// Holds for every row that is wanted: readers may skip what cannot satisfy it, and need not check it. Cannot
        /// fail; its columns count in the source's whole schema, as `columns` does.
        prune: Option<Expr>,
    },
    /// Keeps the rows for which the predicate holds. (`FILTER`)
    Filter {
        /// A `bool`.
        predicate: Expr,
    },
    /// Computes each column of the schema. (`MAP`, `SELECT`, the `map` after a join, the outside of an aggregate)
    Project {
        /// One expression per column.
        columns: Vec<Expr>,
    },
    /// Makes a row of each item of some lists. (`FLAT_MAP`)
    ///
    /// Schema: the type of each list's items. The rows of one row stand where it stood, in the order of the items.
    FlatMap {
        /// One list per column, all of one length.
        columns: Vec<Expr>,
    },
    /// All rows of all inputs, which have the same shape.
    Union,
    /// Joins rows with equal keys; a null in a key matches nothing.
    ///
    /// Schema: `Inner`: left columns, right columns. `Left`, `Right`, `Full`: the same, then a `bool` column for each
    /// side that may be missing (`$left` before `$right`: whether the row has that side), and that side's columns are
    /// optional. `Semi`, `Anti`: left columns. Where rows of a side may be taken back, behind all others the join's own
    /// `$change`, unless the last column is the left rows'.
    HashJoin {
        /// Which rows it gives.
        kind: JoinKind,
        /// Keys over the left columns, counted in the left schema.
        left_keys: Vec<Expr>,
        /// Keys over the right columns, counted in the right schema; pairwise the types of `left_keys`.
        right_keys: Vec<Expr>,
        /// The side that is held in the hash table.
        build: Side,
        /// The right side is a table of a database, which is asked for the rows of each left row's key instead of being read; `build` says
        /// nothing then.
        lookup: bool,
    },
    /// Groups by key. Schema: the keys, then the calls. Without keys: one row, even of no rows.
    Aggregate {
        /// What the rows are grouped by; `None` is one group.
        keys: Vec<Expr>,
        /// What is computed of each group.
        calls: Vec<AggregateCall>,
    },
    /// Groups by window and key; a window is given when event time has passed its end. Schema: the keys, then the window's
    /// `start` and `end` (`Timestamp`s in microseconds; missing for windows of a number of rows), then the calls.
    WindowAggregate {
        /// What the rows of a window are grouped by.
        keys: Vec<Expr>,
        /// What is computed of each group.
        calls: Vec<AggregateCall>,
        /// Which windows.
        window: Window,
    },
    /// Joins rows with equal keys that are at most so far apart in time. Schema: as of a hash join.
    IntervalJoin {
        /// Which rows it gives.
        kind: JoinKind,
        /// Keys over the left columns.
        left_keys: Vec<Expr>,
        /// Keys over the right columns; pairwise the types of `left_keys`.
        right_keys: Vec<Expr>,
        /// Event time of a left row: a `Timestamp` in microseconds.
        left_time: Expr,
        /// Event time of a right row.
        right_time: Expr,
        /// How far apart they may be, in either direction, inclusive.
        within_us: i64,
    },
    /// Joins each left row with the one right row of equal key that is nearest in time; of those at one time the last in
    /// input order. Schema: as of a hash join of kind `Inner` or `Left`.
    AsofJoin {
        /// Also gives left rows that match nothing.
        outer: bool,
        /// Keys over the left columns; may be none.
        left_keys: Vec<Expr>,
        /// Keys over the right columns; pairwise the types of `left_keys`.
        right_keys: Vec<Expr>,
        /// Event time of a left row: a `Timestamp` in microseconds.
        left_time: Expr,
        /// Event time of a right row.
        right_time: Expr,
        /// On which side in time the right row stands.
        direction: AsofDirection,
        /// How far apart they may be, inclusive.
        tolerance_us: Option<i64>,
    },
    /// Keeps the first row of each key, in input order. (`DISTINCT`: the key is the whole row.)
    Dedup {
        /// The key.
        keys: Vec<Expr>,
    },
    /// Sorts, and keeps the first rows where a limit is given. Rows that are equal keep their order.
    Sort {
        /// The most important first.
        by: Vec<SortKey>,
        /// Keep this many, of each partition.
        limit: Option<u64>,
        /// `top_n` after `key_by`: sort and limit rows of equal key on their own.
        partition_by: Vec<Expr>,
    },
    /// Keeps the first rows in input order.
    Limit {
        /// How many.
        rows: u64,
    },
    /// Keeps the rows that do not come too late: before which, in the partition of their source, event time has not passed this
    /// moment. Where nobody knows how far it was before a row, the row is kept.
    OnTime {
        /// The end of the last window that the row belongs to, a `Timestamp` in microseconds.
        end: Expr,
        /// Where the others go: the first columns of them.
        late: Option<SinkId>,
        /// Rows are copies of one row for several windows, of which some may be over: the others do not count as late.
        of_copies: bool,
    },
    /// Writes to a sink; no rows come out.
    Sink {
        /// Which.
        sink: SinkId,
    },
    /// Drops rows before which one of equal key with a greater value has come. All those with the greatest value of their key stay;
    /// of the others it may drop any.
    Contenders {
        /// Rows of one key are compared; never null.
        keys: Vec<Expr>,
        /// A number or a time, never null.
        value: Expr,
        /// The least value counts in place of the greatest.
        is_least: bool,
    },
}

/// The windows of a [`Operator::WindowAggregate`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window {
    /// How time, or the rows, are cut.
    pub kind: WindowKind,
    /// Time of a row over the input, a `Timestamp` in microseconds; `None`: the clock of the machine when the row comes.
    /// Windows of a number of rows do not look at it.
    pub time: Option<Expr>,
    /// How long after its end a window still takes rows: each then gives it once more.
    pub allowed_lateness_us: i64,
    /// Give unfinished windows this often, in event time.
    pub emit_every_us: Option<i64>,
    /// Where rows go that come too late, as the input has them; they are counted in any case.
    pub late: Option<SinkId>,
}

/// The kinds of windows. Lengths are in microseconds and positive; windows of time begin at the epoch plus the offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WindowKind {
    /// One window after the other.
    Tumbling {
        /// Length.
        size_us: i64,
        /// Where the first begins.
        offset_us: i64,
    },
    /// Windows that overlap.
    Sliding {
        /// Length.
        size_us: i64,
        /// From the start of one to the start of the next; not more than `size_us`.
        slide_us: i64,
        /// Where the first begins.
        offset_us: i64,
    },
    /// Rows of a key that are less than a gap apart; from the first row's time to the last one's plus the gap.
    Session {
        /// The gap.
        gap_us: i64,
    },
    /// Windows that begin together and end one step later each, up to `max_us`.
    Cumulate {
        /// By how much a window is longer than the one before.
        step_us: i64,
        /// Length of the longest; a multiple of the step.
        max_us: i64,
        /// Where the first begins.
        offset_us: i64,
    },
    /// So many rows of a key, as they come.
    Count {
        /// How many.
        rows: u64,
    },
}

/// On which side in time the right row of an as-of join stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AsofDirection {
    /// At or before the left one.
    Backward,
    /// At or after it.
    Forward,
    /// Either; of two equally near the earlier.
    Nearest,
}

/// Which rows a join gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum JoinKind {
    /// Pairs that match.
    Inner,
    /// And left rows that match nothing.
    Left,
    /// And right rows that match nothing.
    Right,
    /// And both.
    Full,
    /// Left rows that match something.
    Semi,
    /// Left rows that match nothing.
    Anti,
}

/// A side of a join.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Side {
    /// The first input.
    Left,
    /// The second input.
    Right,
}

/// A column to sort by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SortKey {
    /// Its value.
    pub expr: Expr,
    /// Greatest first. `None` is less than any `Some`; NaN is greater than any number; the two zeros are equal.
    pub descending: bool,
}

/// One aggregate function over the rows of a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AggregateCall {
    /// Which.
    pub function: AggregateFunction,
    /// Its arguments: none for `Count`, two for `ArgMin` and `ArgMax` (`by`, `value`), else one.
    pub args: Vec<Expr>,
    /// Only rows for which this holds count (`count_if`, `sum_if`, …).
    pub filter: Option<Expr>,
    /// Name of its column.
    pub name: String,
    /// Type of its value.
    pub ty: Type,
    /// Where it stands in job.rs.
    pub span: Span,
}

/// The functions of a group. A first argument of type `Option` has its `None`s skipped, and the result is then an
/// `Option` (but for counts).
///
/// Of no rows: counts are 0; what is an `Option` is `None`; else sums are 0, means and their like NaN, and the value of a row
/// ([`Self::takes_a_row`]) is a row error. `f32`s are summed as `f64`s and rounded once. Equal are values that are one key: the two float
/// zeros are equal, and `Min`, `ArgMin`, … keep the first of equals.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum AggregateFunction {
    /// Rows (`i64`), or `Some`s of its argument.
    Count,
    /// Sum in the type of the argument; integer overflow is a row error; floats are summed with compensation, so that
    /// the result does not depend on the order of the rows but in the last bit of extreme cases.
    Sum,
    /// The least; NaN only if there is nothing else.
    Min,
    /// The greatest; NaN only if there is nothing else.
    Max,
    /// Mean as `f64`.
    Avg,
    /// The first in input order.
    First,
    /// The last in input order.
    Last,
    /// `value` where `by` is least; the first of equals. A `value` of `None` counts; NaN as in `Min`.
    ArgMin,
    /// `value` where `by` is greatest; the first of equals. A `value` of `None` counts; NaN as in `Max`.
    ArgMax,
    /// Number of different values (`i64`).
    CountDistinct,
    /// Number of different values, estimated by HyperLogLog++ (`i64`).
    ApproxCountDistinct,
    /// Variance of the sample (`f64`); NaN of fewer than two.
    Variance,
    /// Square root of `Variance`.
    Stddev,
    /// Middle value (`f64`); of an even number, the mean of the middle two.
    Median,
    /// The value that this share of all values, from 0 to 1, does not exceed (`f64`): on the line between the two nearest.
    Percentile(Share),
    /// About that value, as `f64`: at most 1/256 of the value off, see `sabot_library::Quantiles`.
    ApproxPercentile(Share),
    /// All values, in input order.
    Collect,
    /// A part of the state of one of the author's own aggregates. All rows count.
    User(UserPart),
}

/// A number from 0 to 1, by its bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Share(u64);

impl Share {
    /// The share; nothing if it is none.
    #[must_use]
    pub fn new(share: f64) -> Option<Self> {
        // The bits of one zero only.
        (0.0..=1.0).contains(&share).then(|| Self((share + 0.0).to_bits()))
    }

    /// As a number.
    #[must_use]
    pub fn get(self) -> f64 {
        f64::from_bits(self.0)
    }
}

impl AggregateFunction {
    /// Whether its value is that of one of the rows.
    #[must_use]
    pub fn takes_a_row(self) -> bool {
        match self {
            Self::Min | Self::Max | Self::First | Self::Last | Self::ArgMin | Self::ArgMax => true,
            Self::Count
            | Self::Sum
            | Self::Avg
            | Self::CountDistinct
            | Self::ApproxCountDistinct
            | Self::Variance
            | Self::Stddev
            | Self::Median
            | Self::Percentile(_)
            | Self::ApproxPercentile(_)
            | Self::Collect
            | Self::User(_) => false,
        }
    }

    /// Its name in the job language.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Count => "count",
            Self::Sum => "sum",
            Self::Min => "min",
            Self::Max => "max",
            Self::Avg => "avg",
            Self::First => "first",
            Self::Last => "last",
            Self::ArgMin => "arg_min",
            Self::ArgMax => "arg_max",
            Self::CountDistinct => "count_distinct",
            Self::ApproxCountDistinct => "approx_count_distinct",
            Self::Variance => "variance",
            Self::Stddev => "stddev",
            Self::Median => "median",
            Self::Percentile(_) => "percentile",
            Self::ApproxPercentile(_) => "approx_percentile",
            Self::Collect => "collect",
            Self::User(_) => "aggregate",
        }
    }
}

impl WindowKind {
    /// The name that the operator has in every layer.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Tumbling { .. } => "tumbling_window",
            Self::Sliding { .. } => "sliding_window",
            Self::Session { .. } => "session_window",
            Self::Cumulate { .. } => "cumulate_window",
            Self::Count { .. } => "count_window",
        }
    }

    /// Whether its windows have a start and an end in time.
    #[must_use]
    pub fn has_times(self) -> bool {
        !matches!(self, Self::Count { .. })
    }
}

impl Operator {
    /// The name that the operator has in every layer.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Source { .. } => "source",
            Self::Filter { .. } => "filter",
            Self::Project { .. } => "project",
            Self::FlatMap { .. } => "flat_map",
            Self::Union => "union",
            Self::HashJoin { .. } => "hash_join",
            Self::Aggregate { .. } => "aggregate",
            Self::WindowAggregate { window, .. } => window.kind.name(),
            Self::IntervalJoin { .. } => "interval_join",
            Self::AsofJoin { .. } => "asof_join",
            Self::Dedup { .. } => "dedup",
            Self::Sort { .. } => "sort",
            Self::Limit { .. } => "limit",
            Self::OnTime { of_copies: false, .. } => "on_time",
            Self::OnTime { of_copies: true, .. } => "open_windows",
            Self::Sink { .. } => "sink",
            Self::Contenders { .. } => "contenders",
        }
    }
}

impl Operator {
    /// The expressions that it evaluates over its inputs, in the order of evaluation; not a source's `prune`.
    #[must_use]
    pub fn exprs(&self) -> Vec<&Expr> {
        match self {
            Self::Source { .. } | Self::Union | Self::Limit { .. } | Self::Sink { .. } => Vec::new(),
            Self::Filter { predicate } => vec![predicate],
            Self::OnTime { end, .. } => vec![end],
            Self::Project { columns } | Self::FlatMap { columns } => columns.iter().collect(),
            Self::HashJoin { left_keys, right_keys, .. } => left_keys.iter().chain(right_keys).collect(),
            Self::Aggregate { keys, calls } => {
                let of_calls = calls.iter().flat_map(|call| call.filter.iter().chain(&call.args));
                keys.iter().chain(of_calls).collect()
            }
            Self::WindowAggregate { keys, calls, window } => {
                let of_calls = calls.iter().flat_map(|call| call.filter.iter().chain(&call.args));
                keys.iter().chain(&window.time).chain(of_calls).collect()
            }
            Self::IntervalJoin { left_keys, right_keys, left_time, right_time, .. }
            | Self::AsofJoin { left_keys, right_keys, left_time, right_time, .. } => {
                left_keys.iter().chain([left_time]).chain(right_keys).chain([right_time]).collect()
            }
            Self::Dedup { keys } => keys.iter().collect(),
            Self::Sort { by, partition_by, .. } => by.iter().map(|key| &key.expr).chain(partition_by).collect(),
            Self::Contenders { keys, value, .. } => keys.iter().chain([value]).collect(),
        }
    }

    /// The expressions of [`Self::exprs`], to be changed.
    pub fn exprs_mut(&mut self) -> Vec<&mut Expr> {
        match self {
            Self::Source { .. } | Self::Union | Self::Limit { .. } | Self::Sink { .. } => Vec::new(),
            Self::Filter { predicate } => vec![predicate],
            Self::OnTime { end, .. } => vec![end],
            Self::Project { columns } | Self::FlatMap { columns } => columns.iter_mut().collect(),
            Self::HashJoin { left_keys, right_keys, .. } => left_keys.iter_mut().chain(right_keys).collect(),
            Self::Aggregate { keys, calls } => {
                let of_calls = calls.iter_mut().flat_map(|call| call.filter.iter_mut().chain(&mut call.args));
                keys.iter_mut().chain(of_calls).collect()
            }
            Self::WindowAggregate { keys, calls, window } => {
                let of_calls = calls.iter_mut().flat_map(|call| call.filter.iter_mut().chain(&mut call.args));
                keys.iter_mut().chain(&mut window.time).chain(of_calls).collect()
            }
            Self::IntervalJoin { left_keys, right_keys, left_time, right_time, .. }
            | Self::AsofJoin { left_keys, right_keys, left_time, right_time, .. } => {
                left_keys.iter_mut().chain([left_time]).chain(right_keys).chain([right_time]).collect()
            }
            Self::Dedup { keys } => keys.iter_mut().collect(),
            Self::Sort { by, partition_by, .. } => by.iter_mut().map(|key| &mut key.expr).chain(partition_by).collect(),
            Self::Contenders { keys, value, .. } => keys.iter_mut().chain([value]).collect(),
        }
    }
}

/// The column that an expression is, be it in a `Some`: a key of a lookup join is one.
#[must_use]
pub fn as_column(expr: &Expr) -> Option<u32> {
    if let crate::expr::ExprKind::Some(inner) = &expr.kind { inner.as_column() } else { expr.as_column() }
}

impl Plan {
    /// The name of one of the author's own aggregates, and that of a column of its state.
    #[must_use]
    pub fn user_part(&self, part: UserPart) -> Option<(&str, &str)> {
        let of = self.aggregates.get(part.aggregate as usize)?;
        Some((of.name.as_str(), of.state.get(part.part as usize)?.name.as_str()))
    }

    /// The node with this id.
    #[must_use]
    pub fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id.0 as usize]
    }

    /// The node with this id, to be changed.
    pub fn node_mut(&mut self, id: NodeId) -> &mut Node {
        &mut self.nodes[id.0 as usize]
    }

    /// Adds a node.
    pub fn add(&mut self, node: Node) -> NodeId {
        let id = NodeId(u32::try_from(self.nodes.len()).expect("a plan has fewer than 2^32 nodes"));
        self.nodes.push(node);
        id
    }

    /// The sinks' nodes, in the order of the plan.
    pub fn roots(&self) -> impl Iterator<Item = NodeId> {
        (0u32..)
            .zip(&self.nodes)
            .filter(|(_, node)| matches!(node.operator, Operator::Sink { .. }))
            .map(|(id, _)| NodeId(id))
    }

    /// The nodes that a sink reaches, inputs before whoever reads them, each once.
    #[must_use]
    pub fn bottom_up(&self) -> Vec<NodeId> {
        let mut order = Vec::with_capacity(self.nodes.len());
        let mut seen = vec![false; self.nodes.len()];
        // (node, whether its inputs are done)
        let mut stack: Vec<(NodeId, bool)> = self.roots().map(|root| (root, false)).collect();
        stack.reverse();
        while let Some((id, inputs_done)) = stack.pop() {
            if inputs_done {
                order.push(id);
                continue;
            }
            if std::mem::replace(&mut seen[id.0 as usize], true) {
                continue;
            }
            stack.push((id, true));
            for input in self.node(id).inputs.iter().rev() {
                stack.push((*input, false));
            }
        }
        order
    }

    /// Whether something in it waits for event time.
    #[must_use]
    pub fn waits_for_time(&self) -> bool {
        self.bottom_up().into_iter().any(|id| {
            let node = self.node(id);
            let waits = match &node.operator {
                Operator::WindowAggregate { window, .. } => window.time.is_some() && window.kind.has_times(),
                Operator::IntervalJoin { .. } | Operator::AsofJoin { .. } => true,
                Operator::Source { .. }
                | Operator::Filter { .. }
                | Operator::Project { .. }
                | Operator::FlatMap { .. }
                | Operator::Union
                | Operator::HashJoin { .. }
                | Operator::Aggregate { .. }
                | Operator::Dedup { .. }
                | Operator::Sort { .. }
                | Operator::Limit { .. }
                | Operator::Contenders { .. }
                | Operator::Sink { .. } => false,
                Operator::OnTime { .. } => true,
            };
            waits || node.properties.window_end.is_some()
        })
    }

    /// Who reads each node, counting only nodes that a sink reaches; by node.
    #[must_use]
    pub fn consumers(&self) -> Vec<Vec<NodeId>> {
        let mut consumers = vec![Vec::new(); self.nodes.len()];
        for id in self.bottom_up() {
            for input in &self.node(id).inputs {
                consumers[input.0 as usize].push(id);
            }
        }
        consumers
    }
}
