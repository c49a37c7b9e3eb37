//! What a job keeps, described so that another version of the job can take it over.
//!
//! State is written as rows of Arrow columns: the key's parts, then what is kept beside them. Nothing of it depends on how
//! generated code lays values out in memory, on the machine or on the number of workers: [`StateDescriptor::columns`] is all
//! that a reader must know. Rows belong to a key group, [`KEY_GROUPS`] in all, which exchanges and state compute by one function.

use crate::manifest::{AggregateFunction, AggregateSpec, BaseType, ColumnType, Table, TableKind};
use crate::stream::{Keep, StreamOperator, WindowKind};
use serde::{Deserialize, Serialize};

/// Version of the rows that state is written as.
pub const STATE_CODEC: u32 = 1;

/// Parts into which keys are divided: what moves when a job is run by more or fewer tasks.
pub const KEY_GROUPS: u16 = 128;

/// What one operator keeps.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StateDescriptor {
    /// By which it is found again: the author's name, or what the operator does, by which key and of whose rows.
    pub id: String,
    /// [`STATE_CODEC`] of the compiler that made it.
    pub codec: u32,
    /// What it is: `window`, `join`, `groups`, …, with what its meaning depends on.
    pub kind: String,
    /// The key, by which rows are divided into key groups.
    pub key: Vec<ColumnType>,
    /// What is kept beside it.
    pub columns: Vec<StateColumn>,
}

/// A column of state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StateColumn {
    /// What it holds.
    pub name: String,
    /// Its type.
    pub ty: ColumnType,
}

/// What becomes of an operator's state in another version of the job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It is taken over as it is.
    Carried,
    /// It begins empty.
    New,
    /// Nobody takes it over.
    Dropped,
    /// The operator is there, but what it keeps is another thing.
    Changed {
        /// What differs.
        why: String,
    },
}

/// What a table keeps; nothing of one that is complete before it is read, and is filled again by reading the input again.
#[must_use]
pub fn descriptor(table: &Table, id: String) -> Option<StateDescriptor> {
    let state = |kind: String, key: &[ColumnType], columns: Vec<StateColumn>| {
        Some(StateDescriptor { id, codec: STATE_CODEC, kind, key: key.to_vec(), columns })
    };
    match &table.kind {
        TableKind::Join { .. } | TableKind::Rows { .. } => None,
        TableKind::Aggregate { closes: None, .. } | TableKind::Sort { closes: None, .. } => None,
        TableKind::Aggregate { keys, calls, closes: Some(_) } => {
            state("groups of windows".to_owned(), keys, accumulators(calls))
        }
        TableKind::Sort { columns, partition_by, closes: Some(_), .. } => {
            let key: Vec<ColumnType> = partition_by.iter().map(|at| columns[*at as usize]).collect();
            state("rows of windows".to_owned(), &key, numbered("column", columns))
        }
        TableKind::Window { keys, calls, kind, .. } => {
            let mut columns = Vec::new();
            match kind {
                WindowKind::Count { .. } => columns.push(column("rows", BaseType::Int64)),
                WindowKind::Session { .. } => {
                    columns.push(column("first", BaseType::TimestampUs));
                    columns.push(column("last", BaseType::TimestampUs));
                }
                WindowKind::Tumbling { .. } | WindowKind::Sliding { .. } | WindowKind::Cumulate { .. } => {
                    columns.push(column("slice_end", BaseType::TimestampUs));
                }
            }
            columns.extend(accumulators(calls));
            state(format!("windows {kind:?}"), keys, columns)
        }
        // What a database has said, it says again.
        TableKind::Stream { operator: StreamOperator::Lookup { .. }, .. } => None,
        TableKind::Stream { keys, inputs, operator, emit_every_us: _ } => {
            let (kind, columns) = stream(inputs, operator);
            state(kind, keys, columns)
        }
    }
}

fn stream(inputs: &[Vec<ColumnType>], operator: &StreamOperator) -> (String, Vec<StateColumn>) {
    let mut columns = Vec::new();
    let kind = match operator {
        StreamOperator::Join { kind, keep } => {
            columns.push(column("side", BaseType::Int8));
            columns.push(column("matched", BaseType::Bool));
            if matches!(keep, Keep::Within { .. }) {
                columns.push(column("time", BaseType::TimestampUs));
            }
            format!("join {kind:?}, keeps {keep:?}")
        }
        StreamOperator::Asof { direction, .. } => {
            columns.push(column("side", BaseType::Int8));
            columns.push(column("time", BaseType::TimestampUs));
            format!("asof join {direction:?}")
        }
        StreamOperator::JoinChanges { kind, .. } => {
            columns.push(column("side", BaseType::Int8));
            columns.push(column("rows", BaseType::Int64));
            format!("join {kind:?}, of changes")
        }
        StreamOperator::Lookup { .. } => "lookup".to_owned(),
        StreamOperator::First => return ("keys that were there".to_owned(), columns),
        StreamOperator::Top { by, limit, .. } => format!("first {limit} by {by:?}"),
        StreamOperator::Aggregate { calls, .. } => {
            columns.push(column("rows", BaseType::Int64));
            columns.extend(accumulators(calls));
            return ("groups".to_owned(), columns);
        }
    };
    for (number, input) in inputs.iter().enumerate() {
        columns.extend(numbered(if number == 0 { "left" } else { "right" }, input));
    }
    (kind, columns)
}

fn numbered(name: &str, types: &[ColumnType]) -> Vec<StateColumn> {
    types.iter().enumerate().map(|(at, ty)| StateColumn { name: format!("{name}.{at}"), ty: *ty }).collect()
}

fn column(name: &str, base: BaseType) -> StateColumn {
    StateColumn { name: name.to_owned(), ty: ColumnType { base, nullable: false } }
}

/// What accumulators hold, as columns.
fn accumulators(calls: &[AggregateSpec]) -> Vec<StateColumn> {
    calls.iter().enumerate().flat_map(|(at, call)| accumulator(at, call)).collect()
}

fn accumulator(at: usize, call: &AggregateSpec) -> Vec<StateColumn> {
    let named = |what: &str, base: BaseType, nullable: bool| StateColumn {
        name: format!("{at}.{what}"),
        ty: ColumnType { base, nullable },
    };
    let arg = |position: usize| call.args.get(position).map_or(BaseType::Bool, |ty| ty.base);
    let count = named("count", BaseType::Int64, false);
    match call.function {
        AggregateFunction::Count => vec![count],
        // A sum with its compensation, or the low and the high word of one with 128 bits.
        AggregateFunction::Sum | AggregateFunction::Avg => match arg(0) {
            BaseType::Float32 | BaseType::Float64 => {
                vec![named("sum", BaseType::Float64, false), named("compensation", BaseType::Float64, false), count]
            }
            BaseType::Bool
            | BaseType::Int8
            | BaseType::Int16
            | BaseType::Int32
            | BaseType::Int64
            | BaseType::UInt8
            | BaseType::UInt16
            | BaseType::UInt32
            | BaseType::UInt64
            | BaseType::String
            | BaseType::Bytes
            | BaseType::Decimal(..)
            | BaseType::Date
            | BaseType::TimestampMs
            | BaseType::TimestampUs
            | BaseType::TimestampNs
            | BaseType::Duration
            | BaseType::List(..) => {
                vec![named("low", BaseType::UInt64, false), named("high", BaseType::Int64, false), count]
            }
        },
        AggregateFunction::Variance | AggregateFunction::Stddev => {
            vec![named("mean", BaseType::Float64, false), named("squares", BaseType::Float64, false), count]
        }
        AggregateFunction::Min | AggregateFunction::Max => vec![named("value", arg(0), true)],
        AggregateFunction::First | AggregateFunction::Last => {
            vec![named("place", BaseType::UInt64, false), named("value", arg(0), true)]
        }
        AggregateFunction::ArgMin | AggregateFunction::ArgMax => {
            vec![named("place", BaseType::UInt64, false), named("by", arg(0), true), named("value", arg(1), true)]
        }
        AggregateFunction::CountDistinct
        | AggregateFunction::Median
        | AggregateFunction::Percentile(_)
        | AggregateFunction::Collect => {
            vec![named("values", arg(0).list().unwrap_or(BaseType::Bytes), false)]
        }
        AggregateFunction::ApproxCountDistinct | AggregateFunction::ApproxPercentile(_) => {
            vec![named("sketch", BaseType::Bytes, false)]
        }
        // Each call has a column of the state.
        AggregateFunction::User { .. } => vec![StateColumn { name: format!("{at}.state"), ty: call.ty }],
    }
}

/// What becomes of each operator's state when `new` takes over from `old`, by id: first in the order of `new`, then what is
/// dropped.
#[must_use]
pub fn fates(old: &[StateDescriptor], new: &[StateDescriptor]) -> Vec<(String, Fate)> {
    let mut fates = Vec::new();
    for state in new {
        let fate = match old.iter().find(|other| other.id == state.id) {
            None => Fate::New,
            Some(other) => difference(other, state).map_or(Fate::Carried, |why| Fate::Changed { why }),
        };
        fates.push((state.id.clone(), fate));
    }
    let dropped = old.iter().filter(|state| new.iter().all(|other| other.id != state.id));
    fates.extend(dropped.map(|state| (state.id.clone(), Fate::Dropped)));
    fates
}

fn difference(old: &StateDescriptor, new: &StateDescriptor) -> Option<String> {
    if old.codec != new.codec {
        return Some(format!("it is written in version {}, not {}", old.codec, new.codec));
    }
    if old.kind != new.kind {
        return Some(format!("it was {}, and is {}", old.kind, new.kind));
    }
    if old.key != new.key {
        return Some("its key has other types".to_owned());
    }
    (old.columns != new.columns).then(|| "what it keeps beside the key has other types".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn int() -> ColumnType {
        ColumnType { base: BaseType::Int64, nullable: false }
    }

    fn window(size_us: i64, function: AggregateFunction) -> StateDescriptor {
        let call = AggregateSpec { function, args: vec![int()], ty: int() };
        let kind = TableKind::Window {
            keys: vec![int()],
            calls: vec![call],
            kind: WindowKind::Tumbling { size_us, offset_us: 0 },
            processing_time: false,
            allowed_lateness_us: 0,
            emit_every_us: None,
        };
        descriptor(&Table { name: "w".to_owned(), kind }, "volumes".to_owned()).expect("windows keep something")
    }

    #[test]
    fn what_is_read_again_is_not_kept() {
        let kind = TableKind::Rows { columns: vec![int()], limit: None };
        assert_eq!(descriptor(&Table { name: "r".to_owned(), kind }, "r".to_owned()), None);
    }

    #[test]
    fn state_is_carried_only_if_it_means_the_same() {
        let old = [window(10, AggregateFunction::Sum)];
        assert_eq!(fates(&old, &old), [("volumes".to_owned(), Fate::Carried)]);
        assert_eq!(fates(&old, &[]), [("volumes".to_owned(), Fate::Dropped)]);
        assert_eq!(fates(&[], &old), [("volumes".to_owned(), Fate::New)]);
        for other in [window(20, AggregateFunction::Sum), window(10, AggregateFunction::Max)] {
            assert!(matches!(fates(&old, &[other])[0].1, Fate::Changed { .. }));
        }
    }

    #[test]
    fn descriptors_survive_json() {
        let state = window(10, AggregateFunction::Avg);
        let text = serde_json::to_string(&state).expect("descriptors are plain data");
        assert_eq!(serde_json::from_str::<StateDescriptor>(&text).expect("as it was written"), state);
        let names: Vec<&str> = state.columns.iter().map(|column| column.name.as_str()).collect();
        assert_eq!(names, ["slice_end", "0.low", "0.high", "0.count"]);
    }
}
