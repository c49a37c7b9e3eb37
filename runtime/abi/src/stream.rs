//! What tables of streams do: windows, joins of two streams, changes. Part of the manifest.

use crate::manifest::{AggregateSpec, Reg};
use serde::{Deserialize, Serialize};

/// How time, or the rows, are cut into windows; lengths are in microseconds and positive. See the compiler's
/// `plan::WindowKind`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
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

/// How long a join of two streams keeps a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Keep {
    /// For ever.
    Forever,
    /// Until event time is so far behind it that nothing can match it.
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

/// What a stream's table does with the rows of a key; the columns that it gives are in the compiler's
/// `pipeline::StreamOperator`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StreamOperator {
    /// Pairs of rows of the two inputs.
    Join {
        /// Which rows it gives.
        kind: JoinKind,
        /// How long rows are kept.
        keep: Keep,
    },
    /// Each left row with the right row nearest in time.
    Asof {
        /// Also left rows that match nothing.
        outer: bool,
        /// On which side in time the right row stands.
        direction: AsofDirection,
        /// How far apart they may be.
        tolerance_us: Option<i64>,
    },
    /// The first row of each key, at once.
    First,
    /// The first rows of each key in this order, as changes.
    Top {
        /// Positions in the columns, with `descending`.
        by: Vec<(u32, bool)>,
        /// How many.
        limit: u64,
        /// Position in the input's columns of the change that a row is; none: all are added.
        change: Option<u32>,
    },
    /// Accumulators by key, as changes.
    Aggregate {
        /// The accumulators.
        calls: Vec<AggregateSpec>,
        /// By call: positions in the input's columns.
        inputs: Vec<StreamInput>,
        /// Position in the input's columns of the change that a row is; none: all are added.
        change: Option<u32>,
    },
    /// Pairs of rows of the two inputs, as changes.
    JoinChanges {
        /// Which rows it gives.
        kind: JoinKind,
        /// By input: position in its columns, behind all others, of the change that a row is; none: all are added.
        changes: [Option<u32>; 2],
    },
    /// Rows of the first input with the rows of a database's table that have their key.
    Lookup {
        /// Which rows it gives.
        kind: JoinKind,
        /// The source that is asked.
        source: u32,
        /// Positions in its fields of the columns that are given.
        columns: Vec<u32>,
        /// Positions in its fields of the key.
        keys: Vec<u32>,
    },
}

/// What an accumulator takes of each row, by position in the input's columns.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StreamInput {
    /// Its arguments.
    pub args: Vec<u32>,
    /// Only rows for which it holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filter: Option<u32>,
}

/// Rows that come too late for their window.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LateRows {
    /// The sink they go to.
    pub sink: u32,
    /// One register per column of the sink.
    pub columns: Vec<Reg>,
}

/// Event time of what a pipeline reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScanTime {
    /// Position in the source's fields; it is among the scanned columns.
    pub column: u32,
    /// How far a row may be behind the latest one of its partition.
    pub lateness_us: i64,
    /// The register that is filled with the watermark before each row, in microseconds (`i64`): the greatest event time of
    /// the rows before it in its partition, less the lateness; `i64::MIN` before the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub watermark: Option<Reg>,
}
