//! What a table of state by key is of: an operator on streams, or windows of a key's own rows.

use super::{StreamSpec, StreamState};
use crate::operator::window::KeyedWindows;
use sabot_abi::manifest::ColumnType;
use std::sync::Arc;

/// How what the partitions give together is ordered.
#[derive(Debug)]
pub(crate) enum GivenOrder {
    /// Partition by partition.
    Partitions,
    /// By columns.
    Columns(Vec<(u32, bool)>),
    /// As the rows stood in the input that made the states give theirs; those that the end made them give come last, by columns.
    Places(Vec<(u32, bool)>),
}

/// The kinds of state.
#[derive(Debug)]
pub(crate) enum StateOf {
    /// An operator on streams.
    Stream(StreamSpec),
    /// Windows of a key's own rows.
    Windows(Arc<KeyedWindows>),
}

impl StateOf {
    /// How many inputs there are.
    pub(super) fn inputs(&self) -> usize {
        match self {
            Self::Stream(spec) => spec.inputs.len(),
            Self::Windows(_) => 1,
        }
    }

    /// Types of what is given.
    pub(super) fn columns(&self) -> Vec<ColumnType> {
        match self {
            Self::Stream(spec) => spec.columns(),
            Self::Windows(windows) => windows.columns(),
        }
    }

    /// An empty state for a partition.
    pub(super) fn state(&self, partition: usize) -> Box<dyn StreamState> {
        match self {
            Self::Stream(spec) => spec.state(partition),
            Self::Windows(windows) => KeyedWindows::state(windows),
        }
    }

    /// Whether it gives changes, which wait for a flush.
    pub(super) fn gives_changes(&self) -> bool {
        match self {
            Self::Stream(spec) => spec.gives_changes(),
            Self::Windows(_) => false,
        }
    }

    /// How often changes of a key are given at most, in microseconds, if the job says so.
    pub(super) fn emit_every_us(&self) -> Option<u64> {
        match self {
            Self::Stream(spec) => spec.emit_every_us.and_then(|every| u64::try_from(every).ok()),
            Self::Windows(_) => None,
        }
    }

    /// Whether it goes by the machine's time.
    pub(super) fn has_clock(&self) -> bool {
        match self {
            Self::Stream(_) => false,
            Self::Windows(windows) => windows.processing_time,
        }
    }

    /// How what is given is ordered.
    pub(super) fn order(&self) -> GivenOrder {
        match self {
            Self::Stream(_) => GivenOrder::Partitions,
            Self::Windows(windows) => windows.order(),
        }
    }
}
