//! Tables of streams, described to the runtime.

use super::{aggregate_spec, column_types};
use sabot_abi::manifest as abi_manifest;
use sabot_abi::stream as abi;
use sabot_ir::pipeline::{Keep, LateRows, ScanTime, StreamInput, StreamOperator};
use sabot_ir::plan::{AsofDirection, JoinKind, WindowKind};
use sabot_ir::ty::Type;

/// Which windows.
pub(super) fn window_kind(kind: WindowKind) -> abi::WindowKind {
    match kind {
        WindowKind::Tumbling { size_us, offset_us } => abi::WindowKind::Tumbling { size_us, offset_us },
        WindowKind::Sliding { size_us, slide_us, offset_us } => {
            abi::WindowKind::Sliding { size_us, slide_us, offset_us }
        }
        WindowKind::Session { gap_us } => abi::WindowKind::Session { gap_us },
        WindowKind::Cumulate { step_us, max_us, offset_us } => abi::WindowKind::Cumulate { step_us, max_us, offset_us },
        WindowKind::Count { rows } => abi::WindowKind::Count { rows },
    }
}

/// State by key.
pub(super) fn stream(
    (keys, inputs): (&[Type], &[Vec<Type>]),
    operator: &StreamOperator,
    emit_every_us: Option<i64>,
) -> abi_manifest::TableKind {
    abi_manifest::TableKind::Stream {
        keys: column_types(keys),
        inputs: inputs.iter().map(|input| column_types(input)).collect(),
        operator: stream_operator(operator),
        emit_every_us,
    }
}

fn join_kind(kind: JoinKind) -> abi::JoinKind {
    match kind {
        JoinKind::Inner => abi::JoinKind::Inner,
        JoinKind::Left => abi::JoinKind::Left,
        JoinKind::Right => abi::JoinKind::Right,
        JoinKind::Full => abi::JoinKind::Full,
        JoinKind::Semi => abi::JoinKind::Semi,
        JoinKind::Anti => abi::JoinKind::Anti,
    }
}

fn stream_operator(operator: &StreamOperator) -> abi::StreamOperator {
    match operator {
        StreamOperator::Join { kind, keep } => abi::StreamOperator::Join {
            kind: join_kind(*kind),
            keep: match *keep {
                Keep::Forever => abi::Keep::Forever,
                Keep::Within { us } => abi::Keep::Within { us },
                Keep::Window { end } => abi::Keep::Window { end },
            },
        },
        StreamOperator::Asof { outer, direction, tolerance_us } => abi::StreamOperator::Asof {
            outer: *outer,
            direction: match direction {
                AsofDirection::Backward => abi::AsofDirection::Backward,
                AsofDirection::Forward => abi::AsofDirection::Forward,
                AsofDirection::Nearest => abi::AsofDirection::Nearest,
            },
            tolerance_us: *tolerance_us,
        },
        StreamOperator::JoinChanges { kind, changes } => {
            abi::StreamOperator::JoinChanges { kind: join_kind(*kind), changes: *changes }
        }
        StreamOperator::Lookup { kind, source, columns, keys } => abi::StreamOperator::Lookup {
            kind: join_kind(*kind),
            source: source.0,
            columns: columns.clone(),
            keys: keys.clone(),
        },
        StreamOperator::First => abi::StreamOperator::First,
        StreamOperator::Top { by, limit, change } => {
            abi::StreamOperator::Top { by: by.clone(), limit: *limit, change: *change }
        }
        StreamOperator::Aggregate { calls, inputs, change } => abi::StreamOperator::Aggregate {
            calls: calls.iter().map(aggregate_spec).collect(),
            inputs: inputs
                .iter()
                .map(|StreamInput { args, filter }| abi::StreamInput { args: args.clone(), filter: *filter })
                .collect(),
            change: *change,
        },
    }
}

/// Rows that come too late.
pub(super) fn late_rows(late: &LateRows) -> abi::LateRows {
    abi::LateRows { sink: late.sink.0, columns: super::regs(&late.columns) }
}

/// Event time of what is read.
pub(super) fn scan_time(time: ScanTime) -> abi::ScanTime {
    abi::ScanTime {
        column: time.column,
        lateness_us: time.lateness_us,
        watermark: time.watermark.map(|register| register.0),
    }
}
