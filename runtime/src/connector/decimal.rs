//! Decimals of a file that have more digits than the record's, as long as no value uses them: Spark writes 38 digits, 18
//! of them after the point, whatever the values are.

use arrow_array::cast::AsArray;
use arrow_array::types::{Decimal128Type, Decimal256Type};
use arrow_array::{Array, ArrayRef, Decimal128Array};
use arrow_buffer::i256;
use arrow_schema::DataType;
use std::sync::Arc;

/// The column with so many digits, so many of them after the point; else the first row whose value has no such form.
#[expect(clippy::wildcard_enum_match_arm, reason = "Arrow's types are many and not ours")]
pub(super) fn rescaled(array: &ArrayRef, precision: u8, scale: i8) -> Result<ArrayRef, usize> {
    let (from, value): (i8, Box<dyn Fn(usize) -> i256 + '_>) = match array.data_type() {
        DataType::Decimal128(_, from) => {
            let values = array.as_primitive::<Decimal128Type>();
            (*from, Box::new(|row| i256::from_i128(values.value(row))))
        }
        DataType::Decimal256(_, from) => {
            let values = array.as_primitive::<Decimal256Type>();
            (*from, Box::new(|row| values.value(row)))
        }
        other => unreachable!("only decimals are rescaled, not {other}"),
    };
    let ten = i256::from_i128(10);
    let factor = ten.checked_pow(u32::from(from.abs_diff(scale)));
    let limit = 10_i128.checked_pow(precision.into()).unwrap_or(i128::MAX);
    let rescale = |row: usize| {
        let value = value(row);
        let Some(factor) = factor else { return (value == i256::ZERO).then_some(0) };
        let value = if scale >= from {
            value.checked_mul(factor)?
        } else {
            (value.checked_rem(factor)? == i256::ZERO).then(|| value.checked_div(factor))??
        };
        value.to_i128().filter(|value| -limit < *value && *value < limit)
    };
    let mut values = Vec::with_capacity(array.len());
    for row in 0..array.len() {
        values.push(if array.is_null(row) { 0 } else { rescale(row).ok_or(row)? });
    }
    let rescaled = Decimal128Array::new(values.into(), array.logical_nulls());
    let rescaled = rescaled.with_precision_and_scale(precision, scale).expect("a type that records have");
    Ok(Arc::new(rescaled))
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow_array::Decimal256Array;

    fn decimals(values: &[Option<i128>], scale: i8) -> ArrayRef {
        let values = Decimal128Array::from(values.to_vec());
        Arc::new(values.with_precision_and_scale(38, scale).unwrap())
    }

    fn check(array: &ArrayRef, expected: Result<&[Option<i128>], usize>) {
        let rescaled = rescaled(array, 38, 9);
        let values = rescaled.as_ref().map(|array| array.as_primitive::<Decimal128Type>().iter().collect::<Vec<_>>());
        assert_eq!(values.map_err(|row| *row), expected.map(<[_]>::to_vec));
    }

    #[test]
    fn digits_that_are_zero_are_left_out_and_others_refused() {
        let one = 10_i128.pow(18);
        check(&decimals(&[Some(one), None, Some(-one / 2)], 18), Ok(&[Some(1_000_000_000), None, Some(-500_000_000)]));
        check(&decimals(&[Some(one), Some(one + 1)], 18), Err(1));
        check(&decimals(&[Some(5)], 0), Ok(&[Some(5_000_000_000)]));
        check(&decimals(&[Some(10_i128.pow(29) - 1)], 0), Ok(&[Some((10_i128.pow(29) - 1) * 1_000_000_000)]));
        check(&decimals(&[Some(10_i128.pow(29))], 0), Err(0));
        check(&decimals(&[Some(7)], -2), Ok(&[Some(700_000_000_000)]));
        let wide = Decimal256Array::from(vec![i256::from_i128(one) * i256::from_i128(one)]);
        let wide: ArrayRef = Arc::new(wide.with_precision_and_scale(76, 36).unwrap());
        check(&wide, Ok(&[Some(1_000_000_000)]));
    }
}
