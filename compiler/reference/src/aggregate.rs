//! Aggregate functions over all rows of one group at once.
//!
//! Float sums are compensated (Neumaier), so that they do not depend on the order of the rows but in the last bit of
//! extreme cases; integers are summed in 128 bits and checked at the end. `f32`s are summed as `f64`s and rounded once.

use crate::integer;
use crate::run::Row;
use crate::value::{Value, sort_order};
use sabot_abi::kernel::RowErrorCode;
use sabot_ir::plan::AggregateFunction;
use sabot_ir::ty::Type;
use sabot_library::Quantiles;
use std::cmp::Ordering;
use std::collections::BTreeSet;

/// The value of a function over the arguments of the rows that count, in input order; `ty` is the result's type.
///
/// Rows whose first argument is `None` do not count. Of no rows: counts are 0, what is optional is `None`, sums are 0,
/// `avg` and its like NaN; the value of a row cannot be given.
#[expect(clippy::wildcard_enum_match_arm, reason = "what is not a float is summed as an integer")]
pub(crate) fn aggregate(function: AggregateFunction, ty: &Type, args: &[Row]) -> Result<Value, RowErrorCode> {
    let rows: Vec<&Row> = args.iter().filter(|args| args.first().is_none_or(|arg| !arg.is_null())).collect();
    let count = Value::Int(rows.len() as i128);
    let firsts = || rows.iter().map(|args| &args[0]);
    match function {
        AggregateFunction::Count => Ok(count),
        AggregateFunction::CountDistinct | AggregateFunction::ApproxCountDistinct => {
            Ok(Value::Int(firsts().map(Value::key).collect::<BTreeSet<_>>().len() as i128))
        }
        _ if rows.is_empty() && ty.is_option() => Ok(Value::Null),
        _ if rows.is_empty() && function.takes_a_row() => Err(RowErrorCode::NoRows),
        AggregateFunction::Avg
        | AggregateFunction::Variance
        | AggregateFunction::Stddev
        | AggregateFunction::Median
        | AggregateFunction::Percentile(_)
        | AggregateFunction::ApproxPercentile(_)
            if rows.is_empty() =>
        {
            Ok(Value::Float64(f64::NAN))
        }
        AggregateFunction::Sum => match ty.value_type() {
            Type::Float32 => Ok(Value::Float32(float_sum(firsts().filter_map(Value::as_float)) as f32)),
            Type::Float64 => Ok(Value::Float64(float_sum(firsts().filter_map(Value::as_float)))),
            integer => firsts()
                .filter_map(Value::as_int)
                .try_fold(0i128, i128::checked_add)
                .filter(|sum| integer::fits(*sum, integer))
                .map(Value::Int)
                .ok_or(RowErrorCode::SumOverflow),
        },
        AggregateFunction::Avg => Ok(Value::Float64(sum_as_float(&rows) / rows.len() as f64)),
        AggregateFunction::Variance => Ok(Value::Float64(variance(&rows))),
        AggregateFunction::Stddev => Ok(Value::Float64(variance(&rows).sqrt())),
        AggregateFunction::Median => Ok(Value::Float64(median(&rows))),
        AggregateFunction::Percentile(share) => Ok(Value::Float64(percentile(share.get(), &rows))),
        AggregateFunction::ApproxPercentile(share) => {
            let mut quantiles = Quantiles::default();
            rows.iter().for_each(|args| quantiles.add(as_float(&args[0])));
            Ok(quantiles.at(share.get()).map_or(Value::Float64(f64::NAN), Value::Float64))
        }
        AggregateFunction::Collect => Ok(Value::List(firsts().cloned().collect())),
        AggregateFunction::User(_) => unreachable!("states are made where the aggregates are known"),
        AggregateFunction::First => Ok(rows[0][0].clone()),
        AggregateFunction::Last => Ok(rows[rows.len() - 1][0].clone()),
        AggregateFunction::Min => Ok(rows[best(&rows, Ordering::Less)][0].clone()),
        AggregateFunction::Max => Ok(rows[best(&rows, Ordering::Greater)][0].clone()),
        AggregateFunction::ArgMin => Ok(rows[best(&rows, Ordering::Less)][1].clone()),
        AggregateFunction::ArgMax => Ok(rows[best(&rows, Ordering::Greater)][1].clone()),
    }
}

/// The row whose first argument is least (or greatest); NaN only if there is nothing else; the first of equals.
fn best(rows: &[&Row], wanted: Ordering) -> usize {
    let mut best = 0;
    for (position, row) in rows.iter().enumerate() {
        let is_better = match (row[0].is_nan(), rows[best][0].is_nan()) {
            (true, _) => false,
            (false, true) => true,
            (false, false) => sort_order(&row[0], &rows[best][0]) == wanted,
        };
        if is_better {
            best = position;
        }
    }
    best
}

/// Neumaier's sum.
fn float_sum(values: impl Iterator<Item = f64>) -> f64 {
    let (mut sum, mut compensation) = (0.0f64, 0.0f64);
    for value in values {
        let next = sum + value;
        compensation += if sum.abs() >= value.abs() { (sum - next) + value } else { (value - next) + sum };
        sum = next;
    }
    // An infinite sum has a compensation of NaN.
    if sum.is_finite() { sum + compensation } else { sum }
}

fn sum_as_float(rows: &[&Row]) -> f64 {
    if rows.iter().any(|args| args[0].as_float().is_some()) {
        float_sum(rows.iter().filter_map(|args| args[0].as_float()))
    } else {
        rows.iter().filter_map(|args| args[0].as_int()).sum::<i128>() as f64
    }
}

fn as_float(value: &Value) -> f64 {
    value.as_float().or_else(|| value.as_int().map(|int| int as f64)).expect("the checker wants numbers here")
}

/// Of the sample: divided by one less than the number of rows; NaN of fewer than two.
fn variance(rows: &[&Row]) -> f64 {
    if rows.len() < 2 {
        return f64::NAN;
    }
    let mean = sum_as_float(rows) / rows.len() as f64;
    let squares = rows.iter().map(|args| {
        let difference = as_float(&args[0]) - mean;
        difference * difference
    });
    float_sum(squares) / (rows.len() - 1) as f64
}

/// The middle value; of an even number, the mean of the middle two.
fn median(rows: &[&Row]) -> f64 {
    let mut values: Vec<&Value> = rows.iter().map(|args| &args[0]).collect();
    values.sort_by(|a, b| sort_order(a, b));
    let middle = values.len() / 2;
    if values.len() % 2 == 1 {
        as_float(values[middle])
    } else {
        (as_float(values[middle - 1]) + as_float(values[middle])) / 2.0
    }
}

/// The value that a share of the rows does not exceed.
fn percentile(share: f64, rows: &[&Row]) -> f64 {
    let mut values: Vec<&Value> = rows.iter().map(|args| &args[0]).collect();
    values.sort_by(|a, b| sort_order(a, b));
    sabot_library::percentile(share, values.len(), |at| as_float(values[at]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn floats(values: &[f64]) -> Vec<Row> {
        values.iter().map(|value| vec![Value::Float64(*value)]).collect()
    }

    fn ints(values: &[i128]) -> Vec<Row> {
        values.iter().map(|value| vec![Value::Int(*value)]).collect()
    }

    #[test]
    fn float_sums_do_not_lose_small_terms() {
        let rows = floats(&[1e100, 1.0, -1e100, 1.0]);
        assert_eq!(aggregate(AggregateFunction::Sum, &Type::Float64, &rows), Ok(Value::Float64(2.0)));
        let rows = floats(&[f64::INFINITY, 1.0]);
        assert_eq!(aggregate(AggregateFunction::Sum, &Type::Float64, &rows), Ok(Value::Float64(f64::INFINITY)));
        let rows = floats(&[f64::INFINITY, f64::NEG_INFINITY]);
        assert_eq!(aggregate(AggregateFunction::Sum, &Type::Float64, &rows), Ok(Value::Float64(f64::NAN)));
    }

    #[test]
    fn integer_sums_may_leave_their_type_on_the_way_but_not_at_the_end() {
        let rows = ints(&[100, 100, -100]);
        assert_eq!(aggregate(AggregateFunction::Sum, &Type::Int8, &rows), Ok(Value::Int(100)));
        let rows = ints(&[100, 100]);
        assert_eq!(aggregate(AggregateFunction::Sum, &Type::Int8, &rows), Err(RowErrorCode::SumOverflow));
    }

    #[test]
    fn min_and_max_give_nan_only_if_there_is_nothing_else() {
        let rows = floats(&[f64::NAN, 2.0, 1.0]);
        assert_eq!(aggregate(AggregateFunction::Min, &Type::Float64, &rows), Ok(Value::Float64(1.0)));
        assert_eq!(aggregate(AggregateFunction::Max, &Type::Float64, &rows), Ok(Value::Float64(2.0)));
        let rows = floats(&[f64::NAN]);
        assert_eq!(aggregate(AggregateFunction::Max, &Type::Float64, &rows), Ok(Value::Float64(f64::NAN)));
    }

    #[test]
    fn none_is_skipped_and_of_nothing_there_is_none() {
        let ty = Type::Int64.optional();
        let rows = vec![vec![Value::Null], vec![Value::Int(3)]];
        assert_eq!(aggregate(AggregateFunction::First, &ty, &rows), Ok(Value::Int(3)));
        assert_eq!(aggregate(AggregateFunction::Count, &Type::Int64, &rows), Ok(Value::Int(1)));
        assert_eq!(aggregate(AggregateFunction::Sum, &ty, &rows[..1]), Ok(Value::Null));
        assert_eq!(aggregate(AggregateFunction::Sum, &Type::Int64, &[]), Ok(Value::Int(0)));
        assert_eq!(aggregate(AggregateFunction::Max, &ty, &[]), Ok(Value::Null));
    }

    #[test]
    fn there_is_no_value_of_a_row_without_rows() {
        for function in [AggregateFunction::Max, AggregateFunction::First, AggregateFunction::ArgMin] {
            for ty in [Type::Int64, Type::Float64, Type::String] {
                assert_eq!(aggregate(function, &ty, &[]), Err(RowErrorCode::NoRows));
            }
        }
        assert_eq!(aggregate(AggregateFunction::Avg, &Type::Float64, &[]), Ok(Value::Float64(f64::NAN)));
    }

    #[test]
    fn arg_min_takes_the_first_of_equals_and_keeps_none_values() {
        let row = |by: i128, value: Value| vec![Value::Int(by), value];
        let rows = vec![row(2, Value::Int(9)), row(1, Value::Null), row(1, Value::Int(7))];
        assert_eq!(aggregate(AggregateFunction::ArgMin, &Type::Int64.optional(), &rows), Ok(Value::Null));
        assert_eq!(aggregate(AggregateFunction::ArgMax, &Type::Int64.optional(), &rows), Ok(Value::Int(9)));
    }

    #[test]
    fn median_and_variance_of_few_rows() {
        assert_eq!(aggregate(AggregateFunction::Median, &Type::Float64, &ints(&[4, 1, 2, 3])), Ok(Value::Float64(2.5)));
        assert_eq!(aggregate(AggregateFunction::Variance, &Type::Float64, &ints(&[1, 2, 3])), Ok(Value::Float64(1.0)));
        assert_eq!(aggregate(AggregateFunction::Variance, &Type::Float64, &ints(&[1])), Ok(Value::Float64(f64::NAN)));
    }
}
