//! Physical pipelines: operators fused into loops over chunks of rows, and the tables between the loops.
//!
//! A pipeline takes chunks of up to 2048 rows from its origin, runs its steps over them, and ends in one or more sinks or
//! tables. Columns live in **registers**: each is written by one step and never changed, so a fork is only a second
//! list of steps over the same registers. A chunk also has a **selection**: the rows that filters have left. In
//! `Compute` steps `ExprKind::Column(r)` is register `r`.
//!
//! Made by the physical stage from an optimized [`crate::plan::Plan`], read by codegen.

use crate::expr::Expr;
use crate::plan::{
    AggregateFunction, AsofDirection, ErrorPolicy, JoinKind, Param, Sink, SinkId, Source, SourceId, UserAggregate,
    WindowKind,
};
use crate::span::Span;
use crate::ty::Type;

/// Index into [`Pipelines::pipelines`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PipelineId(pub u32);

/// Index into [`Pipelines::tables`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TableId(pub u32);

/// Index into [`Pipeline::registers`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Reg(pub u32);

/// Index into [`Pipelines::operators`]: whom a step's rows, time and errors are counted for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct OperatorId(pub u32);

/// A whole job, ready for code generation.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Pipelines {
    /// The job's name.
    pub job: String,
    /// Parameters of the job, by `ParamId`.
    pub params: Vec<Param>,
    /// What it reads, by `SourceId`.
    pub sources: Vec<Source>,
    /// What it writes, by `SinkId`.
    pub sinks: Vec<Sink>,
    /// What the run's summary lists, by `OperatorId`, sources first, in the order rows flow.
    pub operators: Vec<OperatorInfo>,
    /// What pipelines leave to later ones, by `TableId`.
    pub tables: Vec<Table>,
    /// In an order such that whoever reads a table stands behind all that fill it.
    pub pipelines: Vec<Pipeline>,
    /// The author's own aggregate functions, by number.
    pub aggregates: Vec<UserAggregate>,
}

/// An operator as the run's summary shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OperatorInfo {
    /// The author's name for it.
    pub name: String,
    /// `filter`, `hash_join`, …
    pub kind: &'static str,
    /// Where it stands in job.rs.
    pub span: Span,
    /// What to do with rows that it cannot compute.
    pub on_error: ErrorPolicy,
}

/// A column of the chunks of one pipeline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Register {
    /// Its name, for people.
    pub name: String,
    /// Its type.
    pub ty: Type,
}

/// What some pipelines fill and later ones read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    /// Its name, for people: the operator's.
    pub name: String,
    /// By which its state is found again when the job is compiled anew.
    pub id: String,
    /// What it holds.
    pub kind: TableKind,
}

/// The kinds of tables.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TableKind {
    /// Rows by key: the build side of a join.
    Join {
        /// Types of the key's parts, without `Option` (the registers that are built and probed with may be options); a
        /// null part matches nothing, so such rows are not found, but they stand among the unmatched.
        keys: Vec<Type>,
        /// Types of the columns kept beside the key.
        payload: Vec<Type>,
        /// Rows without a match are wanted afterwards (`Right` with the right side built, `Full`, …), or which rows
        /// had one is (`Semi` and `Anti` with the left side built).
        track_matches: bool,
    },
    /// Accumulators by key; no keys: one group, even of no rows. A key is given back as the first row of its group had it.
    Aggregate {
        /// Types of the key's parts.
        keys: Vec<Type>,
        /// The accumulators.
        calls: Vec<AggregateSpec>,
        /// The part of the key that is the end of a window: its groups are given when event time has passed it.
        closes: Option<u32>,
    },
    /// Rows to be sorted.
    Sort {
        /// Types of the columns.
        columns: Vec<Type>,
        /// Positions in `columns`, with `descending`.
        by: Vec<(u32, bool)>,
        /// Keep this many, of each partition.
        limit: Option<u64>,
        /// Positions in `columns` of the partition's key.
        partition_by: Vec<u32>,
        /// Position in `columns` of the end of a window: its rows are given when event time has passed it.
        closes: Option<u32>,
    },
    /// Rows in input order, where a later pipeline must see all of them, or only the first.
    Rows {
        /// Types of the columns.
        columns: Vec<Type>,
        /// Keep this many.
        limit: Option<u64>,
    },
    /// Accumulators by window and key, given when event time has passed the window's end. Columns: the keys, then start and
    /// end of the window (missing for windows of a number of rows), then the calls.
    Window {
        /// Types of the key's parts.
        keys: Vec<Type>,
        /// The accumulators.
        calls: Vec<AggregateSpec>,
        /// Which windows.
        kind: WindowKind,
        /// The windows are of the machine's clock.
        processing_time: bool,
        /// How long after its end a window still takes rows.
        allowed_lateness_us: i64,
        /// Give unfinished windows this often.
        emit_every_us: Option<i64>,
    },
    /// State by key that takes rows one after the other and gives rows at once, or when event time has passed. Its columns
    /// depend on the operator.
    Stream {
        /// Types of the key's parts, without `Option` for joins.
        keys: Vec<Type>,
        /// By input: the types of its columns.
        inputs: Vec<Vec<Type>>,
        /// What it does.
        operator: StreamOperator,
        /// Gives changes at most this often, in microseconds.
        emit_every_us: Option<i64>,
    },
}

/// What a [`TableKind::Stream`] does with the rows of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StreamOperator {
    /// Pairs of rows of the two inputs; a null in a key matches nothing. Columns: left, then right (optional where the kind
    /// says so), then a `bool` for each side that may be missing, left before right; `Semi`, `Anti`: left.
    Join {
        /// Which rows it gives.
        kind: JoinKind,
        /// How long rows are kept.
        keep: Keep,
    },
    /// Each left row with the right row nearest in time. Columns: left, then right (optional if `outer`), then if `outer` a
    /// `bool`: whether there is one.
    Asof {
        /// Also left rows that match nothing.
        outer: bool,
        /// On which side in time the right row stands.
        direction: AsofDirection,
        /// How far apart they may be.
        tolerance_us: Option<i64>,
    },
    /// The first row of each key, at once. Columns: those of the input.
    First,
    /// The first rows of each key in this order, as changes. Columns: those of the input, then, unless it is among them,
    /// `change`: 1 adds a row, -1 takes it back; 2 and -2 where both are the update of one row.
    Top {
        /// Positions in the columns, with `descending`.
        by: Vec<(u32, bool)>,
        /// How many.
        limit: u64,
        /// Position in the input's columns of the change that a row is; none: all are added.
        change: Option<u32>,
    },
    /// Accumulators by key, as changes. Columns: the keys, the calls, then `change`.
    Aggregate {
        /// The accumulators.
        calls: Vec<AggregateSpec>,
        /// By call: positions in the input's columns.
        inputs: Vec<StreamInput>,
        /// Position in the input's columns of the change that a row is; none: all are added.
        change: Option<u32>,
    },
    /// Pairs of rows of the two inputs, of which some may be taken back, as changes; a null in a key matches nothing. Columns: as
    /// of a join, but for the inputs' changes, then `change`.
    JoinChanges {
        /// Which rows it gives.
        kind: JoinKind,
        /// By input: position in its columns, behind all others, of the change that a row is; none: all are added.
        changes: [Option<u32>; 2],
    },
    /// Rows of the first input with the rows of a table in a database that have their key, which it is asked for; the second input are
    /// the columns of that table. A null in a key matches nothing. Columns: as of a join.
    Lookup {
        /// Which rows it gives: no right rows without a left one.
        kind: JoinKind,
        /// What is asked.
        source: SourceId,
        /// Positions in its schema of the columns that are given.
        columns: Vec<u32>,
        /// Positions in its schema of the key.
        keys: Vec<u32>,
    },
}

/// What an accumulator takes of each row, by position in the input's columns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamInput {
    /// Its arguments.
    pub args: Vec<u32>,
    /// Only rows for which it holds.
    pub filter: Option<u32>,
}

/// How long a join of two streams keeps a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// For ever.
    Forever,
    /// Until event time is so far behind it that nothing can match it: pairs are at most so far apart.
    Within {
        /// In microseconds.
        us: i64,
    },
    /// Until event time has passed the end of its window, which is a part of the key.
    Window {
        /// Which part of the key.
        end: u32,
    },
}

/// An accumulator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AggregateSpec {
    /// Which function.
    pub function: AggregateFunction,
    /// Types of its arguments.
    pub args: Vec<Type>,
    /// Type of its value.
    pub ty: Type,
}

/// A loop over chunks.
#[derive(Clone, Debug, PartialEq)]
pub struct Pipeline {
    /// Where rows come from.
    pub origin: Origin,
    /// All registers, of all branches.
    pub registers: Vec<Register>,
    /// What is done with each chunk.
    pub body: Body,
}

/// Steps and where they end.
#[derive(Clone, Debug, PartialEq)]
pub struct Body {
    /// In order.
    pub steps: Vec<Step>,
    /// Then.
    pub end: End,
}

/// Where the rows of a pipeline come from.
#[derive(Clone, Debug, PartialEq)]
pub enum Origin {
    /// A source.
    Scan {
        /// Which.
        source: SourceId,
        /// Position in the source's schema, and the register it is read into.
        columns: Vec<(u32, Reg)>,
        /// Over positions in the source's schema: readers may skip what cannot satisfy it.
        prune: Option<Expr>,
        /// Event time, where something in the job waits for it.
        event_time: Option<ScanTime>,
        /// Whom the rows are counted for.
        operator: OperatorId,
    },
    /// The groups of an `Aggregate` table in the order they first came, the rows of a `Sort` table in order, of a
    /// `Rows` table in input order, what a `Window` or `Stream` table gives.
    Table {
        /// Which.
        table: TableId,
        /// Position in the table's columns (aggregate: keys, then calls) and its register.
        columns: Vec<(u32, Reg)>,
        /// Whom the rows are counted for.
        operator: OperatorId,
    },
    /// The rows of a `Join` table, after probing, by whether they had a match.
    BuildRows {
        /// Which.
        table: TableId,
        /// Those with a match (`true`: semi join) or those without (`false`: anti and outer joins).
        matched: bool,
        /// Position in the table's payload and its register.
        columns: Vec<(u32, Reg)>,
        /// Whom the rows are counted for.
        operator: OperatorId,
    },
}

/// One step of a pipeline.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// Narrows the selection, then computes registers of the rows that are left. Without `filter` and `outputs` it only
    /// counts rows for `counts`: a map that only renames columns.
    Compute {
        /// A `bool`; rows for which it is false leave the selection.
        filter: Option<Expr>,
        /// Registers and their values, in order; a later one may read an earlier one.
        outputs: Vec<(Reg, Expr)>,
        /// Registers that later steps read, and that a compaction here must carry along; without `outputs`.
        live: Vec<Reg>,
        /// Whom time and errors are counted for. All that is fused into the step has this operator's error policy.
        operator: OperatorId,
        /// The operators whose outgoing rows are the selection after this step: its filter and the maps behind it. Empty
        /// where the step only prepares keys or arguments for what follows.
        counts: Vec<OperatorId>,
    },
    /// Looks rows up in a `Join` table. Afterwards only `carry`, `payload` and `matched` may be read.
    Probe {
        /// Which.
        table: TableId,
        /// Which rows it gives, seen from the probing side as the left one: `Inner`, `Left` (also rows without a
        /// match), `Semi`, `Anti`.
        kind: JoinKind,
        /// The key.
        keys: Vec<Reg>,
        /// Registers that later steps read.
        carry: Vec<Reg>,
        /// Position in the table's payload, and the register that it is read into (for `Left` optional).
        payload: Vec<(u32, Reg)>,
        /// For `Left`: the `bool` register that says whether there was a match.
        matched: Option<Reg>,
        /// Only mark the build rows that match; no rows come out (`Semi`, `Anti` with the left side built).
        mark_only: bool,
        /// Whom it is counted for.
        operator: OperatorId,
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
        operator: OperatorId,
    },
    /// Makes a row of each item of the lists in these registers, which have one length. Afterwards only `items` and `carry`
    /// may be read.
    FlatMap {
        /// The lists.
        lists: Vec<Reg>,
        /// The registers of their items, in the same order.
        items: Vec<Reg>,
        /// Registers that later steps read, the same for all items of a row.
        carry: Vec<Reg>,
        /// Whom it is counted for.
        operator: OperatorId,
    },
}

/// Where a list of steps ends.
#[derive(Clone, Debug, PartialEq)]
pub enum End {
    /// Rows are written.
    Sink {
        /// Where to.
        sink: SinkId,
        /// One register per column of the sink's schema.
        columns: Vec<Reg>,
        /// Whom it is counted for.
        operator: OperatorId,
    },
    /// Rows go into a `Join` table.
    Build {
        /// Which.
        table: TableId,
        /// The key.
        keys: Vec<Reg>,
        /// The columns beside it.
        payload: Vec<Reg>,
        /// Whom it is counted for.
        operator: OperatorId,
    },
    /// Rows go into accumulators.
    Aggregate {
        /// Which table.
        table: TableId,
        /// The key.
        keys: Vec<Reg>,
        /// One per call of the table.
        inputs: Vec<AggregateInput>,
        /// Whom it is counted for.
        operator: OperatorId,
    },
    /// Rows go into a `Sort` or `Rows` table.
    Collect {
        /// Which.
        table: TableId,
        /// One register per column.
        columns: Vec<Reg>,
        /// Whom it is counted for.
        operator: OperatorId,
    },
    /// Rows go into the accumulators of their windows.
    Window {
        /// Which table.
        table: TableId,
        /// Time of the row: a `Timestamp` in microseconds; none for windows of a number of rows and of the machine's clock.
        time: Option<Reg>,
        /// The watermark of the row's source partition before the row, in microseconds; none: the table's own is all that
        /// says what is late.
        watermark: Option<Reg>,
        /// The key.
        keys: Vec<Reg>,
        /// One per call of the table.
        inputs: Vec<AggregateInput>,
        /// Where rows go that are too late.
        late: Option<LateRows>,
        /// Whom it is counted for.
        operator: OperatorId,
    },
    /// Rows go into a `Stream` table.
    Feed {
        /// Which.
        table: TableId,
        /// Which of its inputs.
        input: u32,
        /// The key.
        keys: Vec<Reg>,
        /// Event time of the row, a `Timestamp` in microseconds, where the table's operator looks at it.
        time: Option<Reg>,
        /// One register per column of the input.
        columns: Vec<Reg>,
        /// Whom it is counted for.
        operator: OperatorId,
    },
    /// Rows come too late: they are counted, and written where somebody wants them.
    Late {
        /// Where they go.
        late: Option<LateRows>,
        /// Whom it is counted for.
        operator: OperatorId,
    },
    /// Rows go several ways.
    Fork(Vec<Body>),
    /// Rows were only needed for their effect on a table (a `Probe` that marks).
    Nothing,
}

/// Rows that come too late for their window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LateRows {
    /// Where they go.
    pub sink: SinkId,
    /// One register per column of the sink's schema.
    pub columns: Vec<Reg>,
}

/// Event time of what a pipeline reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScanTime {
    /// Position in the source's schema; it is among the scanned columns.
    pub column: u32,
    /// How far a row may be behind the latest one of its partition.
    pub lateness_us: i64,
    /// The register that is filled with the watermark before each row, in microseconds (`i64`); only where someone reads it.
    pub watermark: Option<Reg>,
}

/// What one accumulator takes of each row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AggregateInput {
    /// Its arguments.
    pub args: Vec<Reg>,
    /// A `bool` register: only rows for which it holds.
    pub filter: Option<Reg>,
}
