//! The job described to the runtime: what to read, which kernels to call on which registers, what to write.
//!
//! Stored in the artifact as JSON: it is small, it is read once, and people can read it too. Expressions have become kernels
//! by number; everything else mirrors the compiler's physical pipelines, with which it shares the words.

use crate::state::StateDescriptor;
use crate::stream::{LateRows, ScanTime, StreamOperator, WindowKind};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A whole job.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// [`crate::ABI_VERSION`] of the compiler that made it.
    pub abi_version: u32,
    /// The job's name.
    pub job: String,
    /// Name of the source file, for messages.
    pub source_file: String,
    /// The job's source text, so that errors can show the line.
    pub source_text: String,
    /// Target triple of the kernels.
    pub target: String,
    /// Parameters of the job.
    pub params: Vec<Param>,
    /// What it reads.
    pub sources: Vec<Source>,
    /// What it writes.
    pub sinks: Vec<Sink>,
    /// What the run's summary lists, sources first, in the order rows flow.
    pub operators: Vec<Operator>,
    /// What pipelines leave to later ones.
    pub tables: Vec<Table>,
    /// What the job keeps, by table.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub states: BTreeMap<u32, StateDescriptor>,
    /// In an order such that whoever reads a table stands behind all that fill it.
    pub pipelines: Vec<Pipeline>,
    /// The job's own aggregate functions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub aggregates: Vec<UserAggregate>,
    /// Names of the kernels, by number; a kernel's symbol has the job's name and `::` in front.
    pub kernels: Vec<String>,
}

/// Type of a column without its nullability.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BaseType {
    /// `bool`.
    Bool,
    /// `i8`.
    Int8,
    /// `i16`.
    Int16,
    /// `i32`.
    Int32,
    /// `i64`.
    Int64,
    /// `u8`.
    UInt8,
    /// `u16`.
    UInt16,
    /// `u32`.
    UInt32,
    /// `u64`.
    UInt64,
    /// `f32`.
    Float32,
    /// `f64`.
    Float64,
    /// UTF-8.
    String,
    /// Any bytes.
    Bytes,
    /// Decimal with precision and scale.
    Decimal(u8, i8),
    /// Days since 1970-01-01.
    Date,
    /// Milliseconds since 1970-01-01T00:00:00 UTC.
    TimestampMs,
    /// Microseconds since 1970-01-01T00:00:00 UTC.
    TimestampUs,
    /// Nanoseconds since 1970-01-01T00:00:00 UTC.
    TimestampNs,
    /// Microseconds.
    Duration,
    /// Lists of lists of so many levels (0: a plain list) of items. In a register and in the runtime's memory a list is
    /// a string of bytes, see [`crate::list`].
    List(Item, u8),
}

impl BaseType {
    /// Bytes of one value in a register; `None` for bits (`bool`).
    #[must_use]
    #[inline]
    pub fn register_width(self) -> Option<usize> {
        match self {
            Self::Bool => None,
            Self::Int8 | Self::UInt8 => Some(1),
            Self::Int16 | Self::UInt16 => Some(2),
            Self::Int32 | Self::UInt32 | Self::Float32 | Self::Date => Some(4),
            Self::Int64
            | Self::UInt64
            | Self::Float64
            | Self::TimestampMs
            | Self::TimestampUs
            | Self::TimestampNs
            | Self::Duration => Some(8),
            Self::String | Self::Bytes | Self::Decimal(..) | Self::List(..) => Some(16),
        }
    }

    /// Whether a register holds `StrRef`s.
    #[must_use]
    #[inline]
    pub fn is_str(self) -> bool {
        matches!(self, Self::String | Self::Bytes | Self::List(..))
    }
}

/// What the innermost lists of a [`BaseType::List`] hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Item {
    /// `bool`.
    Bool,
    /// `i8`.
    Int8,
    /// `i16`.
    Int16,
    /// `i32`.
    Int32,
    /// `i64`.
    Int64,
    /// `u8`.
    UInt8,
    /// `u16`.
    UInt16,
    /// `u32`.
    UInt32,
    /// `u64`.
    UInt64,
    /// `f32`.
    Float32,
    /// `f64`.
    Float64,
    /// UTF-8.
    String,
    /// Any bytes.
    Bytes,
    /// Decimal with precision and scale.
    Decimal(u8, i8),
    /// Days since 1970-01-01.
    Date,
    /// Milliseconds since 1970-01-01T00:00:00 UTC.
    TimestampMs,
    /// Microseconds since 1970-01-01T00:00:00 UTC.
    TimestampUs,
    /// Nanoseconds since 1970-01-01T00:00:00 UTC.
    TimestampNs,
    /// Microseconds.
    Duration,
}

impl Item {
    /// As a type of columns.
    #[must_use]
    pub fn base(self) -> BaseType {
        match self {
            Self::Bool => BaseType::Bool,
            Self::Int8 => BaseType::Int8,
            Self::Int16 => BaseType::Int16,
            Self::Int32 => BaseType::Int32,
            Self::Int64 => BaseType::Int64,
            Self::UInt8 => BaseType::UInt8,
            Self::UInt16 => BaseType::UInt16,
            Self::UInt32 => BaseType::UInt32,
            Self::UInt64 => BaseType::UInt64,
            Self::Float32 => BaseType::Float32,
            Self::Float64 => BaseType::Float64,
            Self::String => BaseType::String,
            Self::Bytes => BaseType::Bytes,
            Self::Decimal(precision, scale) => BaseType::Decimal(precision, scale),
            Self::Date => BaseType::Date,
            Self::TimestampMs => BaseType::TimestampMs,
            Self::TimestampUs => BaseType::TimestampUs,
            Self::TimestampNs => BaseType::TimestampNs,
            Self::Duration => BaseType::Duration,
        }
    }
}

impl BaseType {
    /// What a list of this type holds; `None` of what is no list.
    #[must_use]
    pub fn item(self) -> Option<Self> {
        match self {
            Self::List(item, 0) => Some(item.base()),
            Self::List(item, depth) => Some(Self::List(item, depth - 1)),
            Self::Bool
            | Self::Int8
            | Self::Int16
            | Self::Int32
            | Self::Int64
            | Self::UInt8
            | Self::UInt16
            | Self::UInt32
            | Self::UInt64
            | Self::Float32
            | Self::Float64
            | Self::String
            | Self::Bytes
            | Self::Decimal(..)
            | Self::Date
            | Self::TimestampMs
            | Self::TimestampUs
            | Self::TimestampNs
            | Self::Duration => None,
        }
    }

    /// A list of this; nothing if it would be too deep.
    #[must_use]
    pub fn list(self) -> Option<Self> {
        let item = match self {
            Self::List(item, depth) => return Some(Self::List(item, depth.checked_add(1)?)),
            Self::Bool => Item::Bool,
            Self::Int8 => Item::Int8,
            Self::Int16 => Item::Int16,
            Self::Int32 => Item::Int32,
            Self::Int64 => Item::Int64,
            Self::UInt8 => Item::UInt8,
            Self::UInt16 => Item::UInt16,
            Self::UInt32 => Item::UInt32,
            Self::UInt64 => Item::UInt64,
            Self::Float32 => Item::Float32,
            Self::Float64 => Item::Float64,
            Self::String => Item::String,
            Self::Bytes => Item::Bytes,
            Self::Decimal(precision, scale) => Item::Decimal(precision, scale),
            Self::Date => Item::Date,
            Self::TimestampMs => Item::TimestampMs,
            Self::TimestampUs => Item::TimestampUs,
            Self::TimestampNs => Item::TimestampNs,
            Self::Duration => Item::Duration,
        };
        Some(Self::List(item, 0))
    }
}

/// Type of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ColumnType {
    /// Without its nullability.
    pub base: BaseType,
    /// Whether it may hold nulls.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub nullable: bool,
}

/// A column.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Field {
    /// Name in files and topics.
    pub name: String,
    /// Its type.
    pub ty: ColumnType,
    /// The structs around it in files, outermost first. The fields of a struct stand next to each other.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub within: Vec<Struct>,
    /// It is no field of the innermost struct, which is nullable: it says whether that is there. What stands in the
    /// struct's fields where it is not is null, or the zero of a type that has no null.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_presence: bool,
}

/// A struct around a column in files.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Struct {
    /// Its name in files and topics.
    pub name: String,
    /// Whether it may be null.
    pub nullable: bool,
}

impl Field {
    /// A column that lies in no struct.
    #[must_use]
    pub fn new(name: impl Into<String>, ty: ColumnType) -> Self {
        Self { name: name.into(), ty, within: Vec::new(), is_presence: false }
    }

    /// Its place in a row, as messages show it: `venue.name`.
    #[must_use]
    pub fn path(&self) -> String {
        let mut path: String = self.within.iter().map(|part| format!("{}.", part.name)).collect();
        if self.is_presence {
            path.pop();
        } else {
            path.push_str(&self.name);
        }
        path
    }
}

/// A constant.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Constant {
    /// `bool`.
    Bool(bool),
    /// Integers, times, durations.
    Int(i64),
    /// `u64` above `i64::MAX`.
    UInt(u64),
    /// Floats, by their bits (`f64`).
    Float(u64),
    /// Strings.
    String(String),
}

/// A parameter of the job.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Param {
    /// Its name, for `--set`.
    pub name: String,
    /// Its type.
    pub ty: BaseType,
    /// Its value unless one is set.
    pub default: Option<Constant>,
}

/// How rows are laid out in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
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

/// Where rows come from or go to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Location {
    /// A file, a directory, a glob.
    Path(String),
    /// A Kafka topic.
    Kafka(String),
    /// Standard input or output.
    Standard,
    /// A generator of the runtime.
    Generator(String),
    /// A PostgreSQL database, by its URL without a password; the option `table` says which table of it.
    Postgres(String),
}

/// Where rows come from or go to, and how they are laid out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Connector {
    /// The place.
    pub location: Location,
    /// `None`: by the file's extension.
    pub format: Option<Format>,
    /// What else the job set.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub options: BTreeMap<String, String>,
}

/// A source.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Source {
    /// Its name, for `--input`.
    pub name: String,
    /// Where it reads.
    pub connector: Connector,
    /// The whole record.
    pub fields: Vec<Field>,
}

/// A sink.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sink {
    /// Its name, for `--output`.
    pub name: String,
    /// Where it writes.
    pub connector: Connector,
    /// Its columns.
    pub fields: Vec<Field>,
}

/// What to do with a row that cannot be computed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorPolicy {
    /// Fail the job.
    #[default]
    Fail,
    /// Count it and go on.
    Skip,
    /// Write it to this sink and go on.
    Sink(u32),
}

/// An operator as the run's summary shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Operator {
    /// The author's name for it.
    pub name: String,
    /// `filter`, `hash_join`, …
    pub kind: String,
    /// Line in job.rs, from 1; 0 where there is none.
    pub line: u32,
    /// What to do with rows that it cannot compute.
    pub on_error: ErrorPolicy,
}

/// What some pipelines fill and later ones read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Table {
    /// Its name, for people.
    pub name: String,
    /// What it holds.
    pub kind: TableKind,
}

/// The kinds of tables; see the compiler's `pipeline::TableKind`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TableKind {
    /// Rows by key.
    Join {
        /// Types of the key's parts; rows with a null in one are not found.
        keys: Vec<ColumnType>,
        /// Types of the columns beside the key.
        payload: Vec<ColumnType>,
        /// Which rows had a match is asked afterwards.
        track_matches: bool,
    },
    /// Accumulators by key.
    Aggregate {
        /// Types of the key's parts.
        keys: Vec<ColumnType>,
        /// The accumulators.
        calls: Vec<AggregateSpec>,
        /// The part of the key that is the end of a window: its groups are given when event time has passed it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        closes: Option<u32>,
    },
    /// Rows to be sorted.
    Sort {
        /// Types of the columns.
        columns: Vec<ColumnType>,
        /// Position, descending.
        by: Vec<(u32, bool)>,
        /// Keep this many, of each partition.
        limit: Option<u64>,
        /// Positions of the partition's key.
        partition_by: Vec<u32>,
        /// Position of the end of a window: its rows are given when event time has passed it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        closes: Option<u32>,
    },
    /// Rows in input order.
    Rows {
        /// Types of the columns.
        columns: Vec<ColumnType>,
        /// Keep this many.
        limit: Option<u64>,
    },
    /// Accumulators by window and key, given when event time has passed the window's end. Columns: the keys, then start and
    /// end of the window (missing for windows of a number of rows), then the calls.
    Window {
        /// Types of the key's parts.
        keys: Vec<ColumnType>,
        /// The accumulators.
        calls: Vec<AggregateSpec>,
        /// Which windows.
        kind: WindowKind,
        /// The windows are of the machine's clock.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        processing_time: bool,
        /// How long after its end a window still takes rows, in microseconds.
        allowed_lateness_us: i64,
        /// Give unfinished windows this often.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        emit_every_us: Option<i64>,
    },
    /// State by key that takes rows one after the other.
    Stream {
        /// Types of the key's parts.
        keys: Vec<ColumnType>,
        /// By input: the types of its columns.
        inputs: Vec<Vec<ColumnType>>,
        /// What it does.
        operator: StreamOperator,
        /// Give changes at most this often, in microseconds.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        emit_every_us: Option<i64>,
    },
}

/// The aggregate functions; see the compiler's `plan::AggregateFunction`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AggregateFunction {
    /// Rows, or non-null arguments.
    Count,
    /// Sum.
    Sum,
    /// Least.
    Min,
    /// Greatest.
    Max,
    /// Mean.
    Avg,
    /// First in input order.
    First,
    /// Last in input order.
    Last,
    /// Second argument where the first is least.
    ArgMin,
    /// Second argument where the first is greatest.
    ArgMax,
    /// Number of different values.
    CountDistinct,
    /// The same, estimated.
    ApproxCountDistinct,
    /// Variance of the sample.
    Variance,
    /// Its square root.
    Stddev,
    /// Middle value.
    Median,
    /// The value that a share of all does not exceed: the bits of an `f64` from 0 to 1.
    Percentile(u64),
    /// About that value.
    ApproxPercentile(u64),
    /// All values, in input order.
    Collect,
    /// A column of the state of one of the job's own aggregates.
    User {
        /// Which of [`Manifest::aggregates`].
        aggregate: u32,
        /// Which column.
        part: u32,
        /// The place of the call that keeps the state, if that is another one; this one then takes nothing of the rows.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        kept_by: Option<u32>,
    },
}

/// One of the job's own aggregates: the columns of its state, and the kernels that change it.
///
/// Such a kernel goes row by row. Its first input is the group of each row, a `u32`; the others are its arguments, by row.
/// Its outputs are the columns of the state, by group: it reads a group's state there, and writes the new one when all of it
/// is computed. A row that fails leaves the state as it was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserAggregate {
    /// Its name.
    pub name: String,
    /// Types of the state's columns.
    pub state: Vec<ColumnType>,
    /// Makes the state of no rows; without arguments.
    pub init: UserFunction,
    /// Adds a row.
    pub add: UserFunction,
    /// Adds a later state; its columns are the arguments.
    pub merge: UserFunction,
    /// Takes a row back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remove: Option<UserFunction>,
}

/// A function of an aggregate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserFunction {
    /// Number of its kernel.
    pub kernel: u32,
    /// As of a [`Kernel`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub spans: Vec<(u32, u32)>,
    /// As of a [`Kernel`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub messages: Vec<(u32, String)>,
}

/// An accumulator.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AggregateSpec {
    /// Which function.
    pub function: AggregateFunction,
    /// Types of its arguments.
    pub args: Vec<ColumnType>,
    /// Type of its value.
    pub ty: ColumnType,
}

/// Number of a register of a pipeline.
pub type Reg = u32;

/// A loop over chunks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Pipeline {
    /// Where rows come from.
    pub origin: Origin,
    /// Names and types of the registers.
    pub registers: Vec<Field>,
    /// What is done with each chunk.
    pub body: Body,
}

/// Steps and where they end.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Body {
    /// In order.
    pub steps: Vec<Step>,
    /// Then.
    pub end: End,
}

/// How a column is compared with a constant, to skip what cannot match.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PruneOp {
    /// `==`
    Eq,
    /// `<`
    Lt,
    /// `<=`
    Le,
    /// `>`
    Gt,
    /// `>=`
    Ge,
    /// Not null.
    IsSome,
}

/// The other side of a comparison.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PruneValue {
    /// A constant.
    Constant(Constant),
    /// A parameter of the job.
    Param(u32),
}

/// Holds for every row that is wanted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PruneTerm {
    /// Position in the source's fields.
    pub column: u32,
    /// How it is compared.
    pub op: PruneOp,
    /// With what; nothing for `IsSome`.
    pub value: Option<PruneValue>,
}

/// Where the rows of a pipeline come from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// A source.
    Scan {
        /// Which.
        source: u32,
        /// Position in the source's fields, and its register.
        columns: Vec<(u32, Reg)>,
        /// All hold for every row that is wanted.
        prune: Vec<PruneTerm>,
        /// Event time, where something in the job waits for it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        event_time: Option<ScanTime>,
        /// Whom the rows are counted for.
        operator: u32,
    },
    /// The rows of an `Aggregate`, `Sort` or `Rows` table, or what a `Window` or `Stream` table gives.
    Table {
        /// Which.
        table: u32,
        /// Position in its columns (aggregate: keys, then calls), and its register.
        columns: Vec<(u32, Reg)>,
        /// Whom the rows are counted for.
        operator: u32,
    },
    /// The rows of a `Join` table by whether they had a match.
    BuildRows {
        /// Which.
        table: u32,
        /// Those with, or those without.
        matched: bool,
        /// Position in its payload, and its register.
        columns: Vec<(u32, Reg)>,
        /// Whom the rows are counted for.
        operator: u32,
    },
}

/// A kernel and the registers that it is called with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Kernel {
    /// Number of the kernel to call when no input holds a null.
    pub plain: u32,
    /// Number of the kernel to call else; the same where no input may be null.
    pub nullable: u32,
    /// Number of the scalar kernel that decides, row by row, after a vector kernel has returned 1; none for a kernel that
    /// cannot fail or is scalar itself.
    pub replay: Option<u32>,
    /// It computes whole blocks of 64 rows, selected or not; else it visits the selected rows one by one.
    pub vector: bool,
    /// It narrows the selection.
    pub filter: bool,
    /// Cost of a row in about nanoseconds times ten: dear kernels are worth compacting their inputs for.
    pub cost: u32,
    /// Registers that it reads, in the order of `Chunk::inputs`.
    pub inputs: Vec<Reg>,
    /// Registers that it writes, in the order of `Chunk::outputs`.
    pub outputs: Vec<Reg>,
    /// Where the expressions that may fail stand in job.rs, first byte and the byte behind the last: `RowError::span` counts
    /// in it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub spans: Vec<(u32, u32)>,
    /// What the author says about failures, by the number of their place: the texts of `panic!` and its kin.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub messages: Vec<(u32, String)>,
}

/// One step of a pipeline.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// Calls a kernel.
    Compute {
        /// Which, and with what.
        kernel: Kernel,
        /// Registers beside the kernel's outputs that later steps read: what a compaction before the kernel must carry,
        /// together with the kernel's inputs.
        live: Vec<Reg>,
        /// Whom its time and its errors are counted for.
        operator: u32,
        /// The operators whose outgoing rows are the selection after this kernel; empty unless it is the last kernel of a
        /// step.
        counts: Vec<u32>,
    },
    /// Counts the selected rows as outgoing rows of these operators, which do nothing else (a map that only renames columns).
    Count {
        /// Whose.
        operators: Vec<u32>,
    },
    /// Looks rows up in a `Join` table; see the compiler's `pipeline::Step::Probe`.
    Probe {
        /// Which.
        table: u32,
        /// Which rows it gives.
        kind: ProbeKind,
        /// The key.
        keys: Vec<Reg>,
        /// Registers that later steps read.
        carry: Vec<Reg>,
        /// Position in the table's payload, and its register.
        payload: Vec<(u32, Reg)>,
        /// For `Left`: the `bool` register that says whether there was a match.
        matched: Option<Reg>,
        /// Only mark the build rows that match.
        mark_only: bool,
        /// Whom it is counted for.
        operator: u32,
    },
    /// Rows leave the selection that cannot have the greatest value of their key: a greater one came before, as far as the
    /// worker remembers.
    Contenders {
        /// Rows of one key are compared.
        keys: Vec<Reg>,
        /// Their values: numbers or times of at most eight bytes.
        value: Reg,
        /// The least value counts in place of the greatest.
        is_least: bool,
        /// Whom it is counted for.
        operator: u32,
    },
    /// Makes a row of each item of the lists in these registers, which have one length. Afterwards only `items` and `carry`
    /// may be read.
    FlatMap {
        /// The lists.
        lists: Vec<Reg>,
        /// The registers of their items, in the same order.
        items: Vec<Reg>,
        /// Registers that later steps read, the same for all items of a row.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        carry: Vec<Reg>,
        /// Whom it is counted for.
        operator: u32,
    },
}

/// Which rows a probe gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProbeKind {
    /// Pairs that match.
    Inner,
    /// And probing rows without a match.
    Left,
    /// Probing rows with a match.
    Semi,
    /// Probing rows without a match.
    Anti,
}

/// Where a list of steps ends; see the compiler's `pipeline::End`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum End {
    /// Rows are written.
    Sink {
        /// Where to.
        sink: u32,
        /// One per column.
        columns: Vec<Reg>,
        /// Whom it is counted for.
        operator: u32,
    },
    /// Rows go into a `Join` table.
    Build {
        /// Which.
        table: u32,
        /// The key.
        keys: Vec<Reg>,
        /// The columns beside it.
        payload: Vec<Reg>,
        /// Whom it is counted for.
        operator: u32,
    },
    /// Rows go into accumulators.
    Aggregate {
        /// Which table.
        table: u32,
        /// The key.
        keys: Vec<Reg>,
        /// One per call.
        inputs: Vec<AggregateInput>,
        /// A kernel that computes what goes in and updates `Chunk::accumulators`, one per call; only without keys, and
        /// `inputs` is then empty. It leaves the accumulators as they were when it returns 1; its replay kernel, row by
        /// row, updates them too.
        fused: Option<FusedAggregate>,
        /// Whom it is counted for.
        operator: u32,
    },
    /// Rows go into a `Sort` or `Rows` table.
    Collect {
        /// Which.
        table: u32,
        /// One per column.
        columns: Vec<Reg>,
        /// Whom it is counted for.
        operator: u32,
    },
    /// Rows go into the accumulators of their windows.
    Window {
        /// Which table.
        table: u32,
        /// Time of the row in microseconds; none for windows of a number of rows and of the machine's clock.
        time: Option<Reg>,
        /// The watermark before the row, see [`ScanTime::watermark`]; none: only the table's own says what is late.
        watermark: Option<Reg>,
        /// The key.
        keys: Vec<Reg>,
        /// One per call.
        inputs: Vec<AggregateInput>,
        /// Where rows go that are too late.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        late: Option<LateRows>,
        /// Whom it is counted for.
        operator: u32,
    },
    /// Rows go into a `Stream` table.
    Feed {
        /// Which.
        table: u32,
        /// Which of its inputs.
        input: u32,
        /// The key.
        keys: Vec<Reg>,
        /// Event time of the row in microseconds, where the table's operator looks at it.
        time: Option<Reg>,
        /// One per column of the input.
        columns: Vec<Reg>,
        /// Whom it is counted for.
        operator: u32,
    },
    /// Rows come too late: they are counted, and written where somebody wants them.
    Late {
        /// Where they go.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        late: Option<LateRows>,
        /// Whom it is counted for.
        operator: u32,
    },
    /// Rows go several ways.
    Fork(Vec<Body>),
    /// Nowhere.
    Nothing,
}

/// The last step of a pipeline and its aggregate as one kernel.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FusedAggregate {
    /// Which, and with what; it has no outputs.
    pub kernel: Kernel,
    /// The operators of the step that went into it: their outgoing rows are the selection after the kernel.
    pub counts: Vec<u32>,
}

/// What one accumulator takes of each row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AggregateInput {
    /// Its arguments.
    pub args: Vec<Reg>,
    /// A `bool` register: only rows for which it holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filter: Option<Reg>,
}
