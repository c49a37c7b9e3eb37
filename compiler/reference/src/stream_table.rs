//! What a `Stream` table of physical pipelines gives when all its rows are there: what the rows that it gives one after
//! the other come to.

use crate::asof_join::asof_join;
use crate::interval_join::{TimedRow, interval_join};
use crate::join::{Keyed, join};
use crate::run::{Row, key_of, match_key, sort_positions};
use crate::user_aggregate::{Call, Users};
use crate::value::{Value, sort_order};
use sabot_abi::kernel::RowErrorCode;
use sabot_ir::pipeline::{AggregateSpec, Keep, StreamInput, StreamOperator};
use sabot_ir::plan::{AggregateFunction, Side};
use sabot_ir::span::Span;
use std::collections::{BTreeMap, BTreeSet};

/// A row of one of the inputs.
#[derive(Clone, Debug)]
pub(crate) struct FedRow {
    pub key: Row,
    /// In microseconds; zero where nobody looks at it.
    pub time: i128,
    pub columns: Row,
}

/// The rows that a table gives, and the keys of those groups that cannot be computed.
pub(crate) struct Given {
    pub rows: Vec<Row>,
    pub refused: Vec<(Row, RowErrorCode)>,
}

/// All that a table gives whose keys have so many parts; `inputs` are by input, in the order they came, `widths` the numbers of their columns.
pub(crate) fn given(
    operator: &StreamOperator,
    keys: usize,
    inputs: &[Vec<FedRow>],
    widths: &[usize],
    users: Users<'_>,
) -> Given {
    let timed = |input: usize| -> Vec<TimedRow> {
        let timed = |fed: &FedRow| TimedRow { row: fed.columns.clone(), key: match_key(&fed.key), time: fed.time };
        inputs[input].iter().map(timed).collect()
    };
    let keyed = |input: usize| -> Vec<Keyed> {
        inputs[input].iter().map(|fed| (fed.columns.clone(), match_key(&fed.key))).collect()
    };
    let rows = match operator {
        StreamOperator::Join { kind, keep: Keep::Within { us } } => {
            interval_join(*kind, *us, &timed(0), &timed(1), (widths[0], widths[1]))
        }
        StreamOperator::Join { kind, keep: Keep::Forever | Keep::Window { .. } }
        | StreamOperator::Lookup { kind, .. } => join(*kind, Side::Right, &keyed(0), &keyed(1), widths[0], widths[1]),
        StreamOperator::Asof { outer, direction, tolerance_us } => {
            asof_join(*outer, *direction, *tolerance_us, &timed(0), &timed(1), widths[1])
        }
        StreamOperator::JoinChanges { kind, changes } => {
            let side = |input: usize| -> Vec<Keyed> {
                let rows = netted(&inputs[input], changes[input]).into_iter();
                rows.map(|mut fed| {
                    fed.columns.truncate(widths[input] - usize::from(changes[input].is_some()));
                    (fed.columns, match_key(&fed.key))
                })
                .collect()
            };
            let width = |input: usize| widths[input] - usize::from(changes[input].is_some());
            let mut rows = join(*kind, Side::Right, &side(0), &side(1), width(0), width(1));
            rows.iter_mut().for_each(|row| row.push(Value::Int(1)));
            rows
        }
        StreamOperator::First => {
            let mut seen = BTreeSet::new();
            inputs[0].iter().filter(|fed| seen.insert(key_of(&fed.key))).map(|fed| fed.columns.clone()).collect()
        }
        StreamOperator::Top { by, limit, change } => {
            let rows = netted(&inputs[0], *change);
            // The key stands behind the columns for the time of the sorting.
            let width = widths[0] as u32;
            let parts = rows.first().map_or(0, |fed| fed.key.len() as u32);
            let wide: Vec<Row> = rows.iter().map(|fed| [&fed.columns[..], &fed.key].concat()).collect();
            let partition: Vec<u32> = (width..width + parts).collect();
            let mut by = by.clone();
            if let Some(change) = change {
                by.extend((0..width).filter(|at| at != change).map(|at| (at, false)));
            }
            let mut rows = sort_positions(&wide, &by, Some(*limit), &partition);
            for row in &mut rows {
                row.truncate(widths[0]);
                match change {
                    Some(change) => row[*change as usize] = Value::Int(1),
                    None => row.push(Value::Int(1)),
                }
            }
            rows
        }
        StreamOperator::Aggregate { calls, inputs: of_calls, change } => {
            let rows = netted(&inputs[0], *change);
            return aggregated(calls, of_calls, &rows, (keys == 0, change.is_some()), users);
        }
    };
    Given { rows, refused: Vec::new() }
}

/// The rows that were added and not taken back.
fn netted(rows: &[FedRow], change: Option<u32>) -> Vec<FedRow> {
    let Some(change) = change else { return rows.to_vec() };
    let mut left: Vec<FedRow> = Vec::new();
    for row in rows {
        let mut row = row.clone();
        let added = row.columns[change as usize].as_int().is_some_and(|change| change > 0);
        row.columns[change as usize] = Value::Int(1);
        if added {
            left.push(row);
        } else if let Some(at) = left.iter().position(|other| other.columns == row.columns) {
            left.remove(at);
        }
    }
    left
}

/// `is_one`: there is one group, even of no rows; `changes`: when a row came says nothing, so of equals the least value counts.
fn aggregated(
    calls: &[AggregateSpec],
    inputs: &[StreamInput],
    rows: &[FedRow],
    (is_one, changes): (bool, bool),
    users: Users<'_>,
) -> Given {
    let mut groups: Vec<(Row, Vec<&FedRow>)> = Vec::new();
    let mut positions: BTreeMap<Row, usize> = BTreeMap::new();
    if is_one {
        groups.push((Row::new(), Vec::new()));
        positions.insert(Row::new(), 0);
    }
    for row in rows {
        let group = *positions.entry(key_of(&row.key)).or_insert_with(|| {
            groups.push((row.key.clone(), Vec::new()));
            groups.len() - 1
        });
        groups[group].1.push(row);
    }
    let mut given = Given { rows: Vec::new(), refused: Vec::new() };
    for (key, rows) in groups {
        let of_call = |(call, input): (&AggregateSpec, &StreamInput)| -> Vec<Row> {
            let counts = rows.iter().filter(|fed| input.filter.is_none_or(|at| fed.columns[at as usize].is_true()));
            let args = |fed: &&FedRow| input.args.iter().map(|at| fed.columns[*at as usize].clone()).collect();
            let mut args: Vec<Row> = counts.map(args).collect();
            if changes && matches!(call.function, AggregateFunction::ArgMin | AggregateFunction::ArgMax) {
                args.sort_by(|a, b| sort_order(&a[1], &b[1]));
            }
            args
        };
        let args: Vec<Vec<Row>> = calls.iter().zip(inputs).map(of_call).collect();
        let calls = calls.iter().map(|call| Call { function: call.function, ty: &call.ty, span: Span::NONE });
        match users.finished(&key, calls, &args) {
            Ok(mut finished) => {
                finished.row.push(Value::Int(1));
                given.rows.push(finished.row);
                given.refused.extend(finished.refused.into_iter().map(|(row, error)| (row, error.code)));
            }
            Err(error) => given.refused.push((key, error.code)),
        }
    }
    given
}

#[cfg(test)]
mod tests {
    use super::*;
    use sabot_ir::plan::AggregateFunction;
    use sabot_ir::ty::Type;

    #[test]
    fn what_is_taken_back_does_not_count() {
        let fed = |key: i128, value: i128, change: i128| FedRow {
            key: vec![Value::Int(key)],
            time: 0,
            columns: vec![Value::Int(value), Value::Int(change)],
        };
        let rows = vec![vec![fed(1, 5, 1), fed(1, 7, 1), fed(2, 9, 1), fed(1, 5, -1), fed(2, 9, -1)]];
        let call = AggregateSpec { function: AggregateFunction::Sum, args: vec![Type::Int64], ty: Type::Int64 };
        let inputs = vec![StreamInput { args: vec![0], filter: None }];
        let sum = StreamOperator::Aggregate { calls: vec![call], inputs, change: Some(1) };
        let users = Users { aggregates: &[], params: &[] };
        let row = |of: &[i128]| of.iter().map(|value| Value::Int(*value)).collect::<Row>();
        assert_eq!(given(&sum, 1, &rows, &[2], users).rows, [row(&[1, 7, 1])]);
        let top = StreamOperator::Top { by: vec![(0, true)], limit: 1, change: Some(1) };
        assert_eq!(given(&top, 1, &rows, &[2], users).rows, [row(&[7, 1])]);
    }
}
