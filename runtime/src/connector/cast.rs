//! Columns in another type: the pairs of types that [`convert`](super::convert) needs, and no others.
//!
//! `arrow_cast` knows every pair, which is four megabytes of machine code in each executable of a job; it is what the tests
//! compare with. Nulls stay nulls; a value that does not fit is an error, whoever asks finds its row.
#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "Arrow's types are many and not ours: those not named are treated alike"
)]

use arrow_array::builder::BinaryBuilder;
use arrow_array::cast::AsArray;
use arrow_array::types::*;
use arrow_array::{
    Array, ArrayRef, ArrowPrimitiveType, BinaryArray, Decimal128Array, DictionaryArray, GenericByteArray,
    GenericListArray, Int32Array, Int64Array, ListArray, OffsetSizeTrait, RunArray, StringArray, UInt32Array,
    make_array, new_null_array,
};
use arrow_buffer::{ArrowNativeType, NullBuffer, OffsetBuffer};
use arrow_schema::{ArrowError, DataType, FieldRef, TimeUnit};
use arrow_select::take::take;
use sabot_library::text::{write_duration, write_timestamp};
use std::sync::Arc;

/// The column in another type.
pub(super) fn cast(array: &ArrayRef, to: &DataType) -> Result<ArrayRef, ArrowError> {
    let from = array.data_type();
    if from == to {
        return Ok(Arc::clone(array));
    }
    match (from, to) {
        (DataType::Null, _) => return Ok(new_null_array(to, array.len())),
        (DataType::Dictionary(..), DataType::Dictionary(key, value)) if **key == DataType::Int32 => {
            return with_short_keys(array, value);
        }
        (DataType::Dictionary(..), _) => {
            let dictionary = array.as_any_dictionary();
            let values = cast(dictionary.values(), to)?;
            return match keys(array) {
                Some(keys) => take(&values, &keys?, None),
                None => Ok(new_null_array(to, array.len())),
            };
        }
        (DataType::RunEndEncoded(ends, _), _) => {
            return match ends.data_type() {
                DataType::Int16 => without_runs(array.as_run::<Int16Type>(), to),
                DataType::Int32 => without_runs(array.as_run::<Int32Type>(), to),
                _ => without_runs(array.as_run::<Int64Type>(), to),
            };
        }
        (_, DataType::List(field)) => return in_lists(array, field),
        (_, DataType::Utf8) => {
            if let Some((offsets, values, nulls)) = bytes(array)? {
                return Ok(Arc::new(StringArray::try_new(offsets, values, nulls)?));
            }
        }
        (_, DataType::Binary) => {
            if let Some((offsets, values, nulls)) = bytes(array)? {
                return Ok(Arc::new(BinaryArray::try_new(offsets, values, nulls)?));
            }
        }
        (_, DataType::Decimal128(precision, scale)) => {
            if let Some(decimals) = decimals(array, *precision, *scale)? {
                return Ok(decimals);
            }
        }
        (DataType::Date64, DataType::Date32) => {
            let days = ticks(array).try_unary::<_, Int32Type, _>(|at| {
                i32::try_from(at.div_euclid(86_400_000)).map_err(|_| does_not_fit(from, to))
            })?;
            return Ok(make_array(days.to_data().into_builder().data_type(DataType::Date32).build()?));
        }
        _ => {
            if let (Some(had), Some(wanted)) = (per_second(from), per_second(to)) {
                return in_unit(array, had, wanted, to);
            }
            if let Some(widened) = widened(array, to) {
                return Ok(widened);
            }
        }
    }
    Err(ArrowError::CastError(format!("{from} is not read as {to}")))
}

fn does_not_fit(from: &DataType, to: &DataType) -> ArrowError {
    ArrowError::CastError(format!("a value of {from} does not fit {to}"))
}

/// Numbers in a type that holds all of theirs.
fn widened(array: &ArrayRef, to: &DataType) -> Option<ArrayRef> {
    fn widen<F: ArrowPrimitiveType, T: ArrowPrimitiveType>(array: &ArrayRef) -> ArrayRef
    where
        T::Native: From<F::Native>,
    {
        Arc::new(array.as_primitive::<F>().unary::<_, T>(T::Native::from))
    }
    use DataType as D;
    Some(match (array.data_type(), to) {
        (D::Int8, D::Int16) => widen::<Int8Type, Int16Type>(array),
        (D::UInt8, D::Int16) => widen::<UInt8Type, Int16Type>(array),
        (D::Int8, D::Int32) => widen::<Int8Type, Int32Type>(array),
        (D::UInt8, D::Int32) => widen::<UInt8Type, Int32Type>(array),
        (D::Int16, D::Int32) => widen::<Int16Type, Int32Type>(array),
        (D::UInt16, D::Int32) => widen::<UInt16Type, Int32Type>(array),
        (D::Int8, D::Int64) => widen::<Int8Type, Int64Type>(array),
        (D::UInt8, D::Int64) => widen::<UInt8Type, Int64Type>(array),
        (D::Int16, D::Int64) => widen::<Int16Type, Int64Type>(array),
        (D::UInt16, D::Int64) => widen::<UInt16Type, Int64Type>(array),
        (D::Int32, D::Int64) => widen::<Int32Type, Int64Type>(array),
        (D::UInt32, D::Int64) => widen::<UInt32Type, Int64Type>(array),
        (D::UInt8, D::UInt16) => widen::<UInt8Type, UInt16Type>(array),
        (D::UInt8, D::UInt32) => widen::<UInt8Type, UInt32Type>(array),
        (D::UInt16, D::UInt32) => widen::<UInt16Type, UInt32Type>(array),
        (D::UInt8, D::UInt64) => widen::<UInt8Type, UInt64Type>(array),
        (D::UInt16, D::UInt64) => widen::<UInt16Type, UInt64Type>(array),
        (D::UInt32, D::UInt64) => widen::<UInt32Type, UInt64Type>(array),
        (D::Int8, D::Float32) => widen::<Int8Type, Float32Type>(array),
        (D::UInt8, D::Float32) => widen::<UInt8Type, Float32Type>(array),
        (D::Int16, D::Float32) => widen::<Int16Type, Float32Type>(array),
        (D::UInt16, D::Float32) => widen::<UInt16Type, Float32Type>(array),
        (D::Float16, D::Float32) => widen::<Float16Type, Float32Type>(array),
        (D::Int8, D::Float64) => widen::<Int8Type, Float64Type>(array),
        (D::UInt8, D::Float64) => widen::<UInt8Type, Float64Type>(array),
        (D::Int16, D::Float64) => widen::<Int16Type, Float64Type>(array),
        (D::UInt16, D::Float64) => widen::<UInt16Type, Float64Type>(array),
        (D::Int32, D::Float64) => widen::<Int32Type, Float64Type>(array),
        (D::UInt32, D::Float64) => widen::<UInt32Type, Float64Type>(array),
        (D::Float16, D::Float64) => widen::<Float16Type, Float64Type>(array),
        (D::Float32, D::Float64) => widen::<Float32Type, Float64Type>(array),
        _ => return None,
    })
}

/// Units of a type of times or durations in a second.
fn per_second(data_type: &DataType) -> Option<i64> {
    match data_type {
        DataType::Timestamp(unit, _) | DataType::Duration(unit) => Some(match unit {
            TimeUnit::Second => 1,
            TimeUnit::Millisecond => 1_000,
            TimeUnit::Microsecond => 1_000_000,
            TimeUnit::Nanosecond => 1_000_000_000,
        }),
        _ => None,
    }
}

/// What a column of 64-bit times or durations counts.
pub(super) fn ticks(array: &ArrayRef) -> Int64Array {
    let data = array.to_data().into_builder().data_type(DataType::Int64).build().expect("both are 64 bits wide");
    Int64Array::from(data)
}

fn in_unit(array: &ArrayRef, had: i64, wanted: i64, to: &DataType) -> Result<ArrayRef, ArrowError> {
    let ticks = ticks(array);
    let scaled = if wanted >= had {
        let factor = wanted / had;
        ticks.try_unary::<_, Int64Type, _>(|at| {
            at.checked_mul(factor).ok_or_else(|| does_not_fit(array.data_type(), to))
        })?
    } else {
        let divisor = had / wanted;
        ticks.unary::<_, Int64Type>(|at| at.div_euclid(divisor))
    };
    Ok(make_array(scaled.to_data().into_builder().data_type(to.clone()).build()?))
}

/// Numbers as decimals with more digits, or with more of them after the point.
fn decimals(array: &ArrayRef, precision: u8, scale: i8) -> Result<Option<ArrayRef>, ArrowError> {
    use DataType as D;
    let to = D::Decimal128(precision, scale);
    let factor = |had: i8| 10_i128.checked_pow(u32::try_from(scale - had).ok()?);
    let limit = 10_i128.checked_pow(precision.into()).unwrap_or(i128::MAX);
    let scaled = |had: i8| -> Result<Decimal128Array, ArrowError> {
        let misfit = || does_not_fit(array.data_type(), &to);
        let factor = factor(had).ok_or_else(misfit)?;
        let one = |value: i128| {
            value.checked_mul(factor).filter(|value| -limit < *value && *value < limit).ok_or_else(misfit)
        };
        match array.data_type() {
            D::Int8 => array.as_primitive::<Int8Type>().try_unary(|value| one(value.into())),
            D::UInt8 => array.as_primitive::<UInt8Type>().try_unary(|value| one(value.into())),
            D::Int16 => array.as_primitive::<Int16Type>().try_unary(|value| one(value.into())),
            D::UInt16 => array.as_primitive::<UInt16Type>().try_unary(|value| one(value.into())),
            D::Int32 => array.as_primitive::<Int32Type>().try_unary(|value| one(value.into())),
            D::UInt32 => array.as_primitive::<UInt32Type>().try_unary(|value| one(value.into())),
            D::Int64 => array.as_primitive::<Int64Type>().try_unary(|value| one(value.into())),
            D::UInt64 => array.as_primitive::<UInt64Type>().try_unary(|value| one(value.into())),
            D::Decimal32(..) => array.as_primitive::<Decimal32Type>().try_unary(|value| one(value.into())),
            D::Decimal64(..) => array.as_primitive::<Decimal64Type>().try_unary(|value| one(value.into())),
            _ => array.as_primitive::<Decimal128Type>().try_unary(one),
        }
    };
    let had = match array.data_type() {
        D::Decimal32(_, had) | D::Decimal64(_, had) | D::Decimal128(_, had) => *had,
        D::Int8 | D::UInt8 | D::Int16 | D::UInt16 | D::Int32 | D::UInt32 | D::Int64 | D::UInt64 => 0,
        _ => return Ok(None),
    };
    Ok(Some(Arc::new(scaled(had)?.with_precision_and_scale(precision, scale)?)))
}

/// Offsets, values and nulls of strings or bytes.
type Bytes = (OffsetBuffer<i32>, arrow_buffer::Buffer, Option<NullBuffer>);

/// Strings and bytes of any layout in the one of `Utf8` and `Binary`; nothing for other types.
fn bytes(array: &ArrayRef) -> Result<Option<Bytes>, ArrowError> {
    let gathered = |rows: &mut dyn Iterator<Item = Option<&[u8]>>| {
        let mut builder = BinaryBuilder::with_capacity(array.len(), 0);
        for row in rows {
            let length = row.map_or(0, <[u8]>::len);
            if builder.values_slice().len() + length > i32::MAX as usize {
                return Err(ArrowError::OffsetOverflowError(builder.values_slice().len() + length));
            }
            builder.append_option(row);
        }
        Ok(Some(builder.finish().into_parts()))
    };
    match array.data_type() {
        DataType::Utf8 => Ok(Some(array.as_string::<i32>().clone().into_parts())),
        DataType::Binary => Ok(Some(array.as_binary::<i32>().clone().into_parts())),
        DataType::LargeUtf8 => with_short_offsets(array.as_string::<i64>()).map(Some),
        DataType::LargeBinary => with_short_offsets(array.as_binary::<i64>()).map(Some),
        DataType::Utf8View => gathered(&mut array.as_string_view().iter().map(|row| row.map(str::as_bytes))),
        DataType::BinaryView => gathered(&mut array.as_binary_view().iter()),
        DataType::FixedSizeBinary(_) => gathered(&mut array.as_fixed_size_binary().iter()),
        _ => Ok(None),
    }
}

fn with_short_offsets<T: ByteArrayType<Offset = i64>>(array: &GenericByteArray<T>) -> Result<Bytes, ArrowError> {
    let (offsets, length) = short(array.offsets())?;
    let first = array.value_offsets()[0] as usize;
    Ok((offsets, array.values().slice_with_length(first, length), array.nulls().cloned()))
}

/// Offsets that begin at 0, and what they end with.
fn short<O: OffsetSizeTrait>(offsets: &OffsetBuffer<O>) -> Result<(OffsetBuffer<i32>, usize), ArrowError> {
    let first = offsets[0].as_usize();
    let length = offsets[offsets.len() - 1].as_usize() - first;
    i32::try_from(length).map_err(|_| ArrowError::OffsetOverflowError(length))?;
    let offsets: Vec<i32> = offsets.iter().map(|end| (end.as_usize() - first) as i32).collect();
    Ok((OffsetBuffer::new(offsets.into()), length))
}

/// A dictionary's keys, all within its values; nothing where there is no value that a key could stand for.
fn keys(array: &ArrayRef) -> Option<Result<Int32Array, ArrowError>> {
    let dictionary = array.as_any_dictionary();
    let count = dictionary.values().len();
    if count == 0 {
        return None;
    }
    if i32::try_from(count).is_err() {
        return Some(Err(ArrowError::DictionaryKeyOverflowError));
    }
    let keys: Vec<i32> = dictionary.normalized_keys().into_iter().map(|key| key as i32).collect();
    Some(Int32Array::try_new(keys.into(), dictionary.keys().nulls().cloned()))
}

fn with_short_keys(array: &ArrayRef, value: &DataType) -> Result<ArrayRef, ArrowError> {
    let dictionary = array.as_any_dictionary();
    let values = cast(dictionary.values(), value)?;
    let keys = match keys(array) {
        Some(keys) => keys?,
        None => Int32Array::new_null(array.len()),
    };
    Ok(Arc::new(DictionaryArray::try_new(keys, values)?))
}

fn without_runs<R: RunEndIndexType>(array: &RunArray<R>, to: &DataType) -> Result<ArrayRef, ArrowError> {
    let values = cast(array.values(), to)?;
    let ends = array.run_ends();
    let mut run = if array.is_empty() { 0 } else { ends.get_start_physical_index() };
    let mut runs = Vec::with_capacity(array.len());
    for row in 0..array.len() {
        while ends.values()[run].as_usize() <= ends.offset() + row {
            run += 1;
        }
        runs.push(run as u32);
    }
    take(&values, &UInt32Array::from(runs), None)
}

fn in_lists(array: &ArrayRef, field: &FieldRef) -> Result<ArrayRef, ArrowError> {
    fn of<O: OffsetSizeTrait>(list: &GenericListArray<O>, field: &FieldRef) -> Result<ArrayRef, ArrowError> {
        let (offsets, length) = short(list.offsets())?;
        let values = list.values().slice(list.offsets()[0].as_usize(), length);
        let values = cast(&values, field.data_type())?;
        Ok(Arc::new(ListArray::try_new(Arc::clone(field), offsets, values, list.nulls().cloned())?))
    }
    match array.data_type() {
        DataType::List(_) => of(array.as_list::<i32>(), field),
        DataType::LargeList(_) => of(array.as_list::<i64>(), field),
        DataType::FixedSizeList(_, width) => {
            let list = array.as_fixed_size_list();
            let width = usize::try_from(*width).unwrap_or(0);
            // What stands where there is no list may be nulls, which a list's items are not.
            let of_row = |row: usize| if list.is_null(row) { 0 } else { width };
            let present = (0..list.len()).filter(|row| list.is_valid(*row));
            let items: Vec<u32> = present.flat_map(|row| row * width..(row + 1) * width).map(|at| at as u32).collect();
            let values = take(list.values(), &UInt32Array::from(items), None)?;
            let offsets = OffsetBuffer::from_lengths((0..list.len()).map(of_row));
            let values = cast(&values, field.data_type())?;
            Ok(Arc::new(ListArray::try_new(Arc::clone(field), offsets, values, list.nulls().cloned())?))
        }
        other => Err(ArrowError::CastError(format!("{other} is not read as lists"))),
    }
}

/// A value for a message.
pub(super) fn shown(array: &ArrayRef, row: usize) -> String {
    if array.is_null(row) {
        return "null".into();
    }
    let text = |write: &dyn Fn(&mut Vec<u8>)| {
        let mut text = Vec::new();
        write(&mut text);
        String::from_utf8_lossy(&text).into_owned()
    };
    fn number<T: ArrowPrimitiveType<Native: std::fmt::Display>>(array: &ArrayRef, row: usize) -> String {
        array.as_primitive::<T>().value(row).to_string()
    }
    use DataType as D;
    match array.data_type() {
        D::Timestamp(..) => {
            let units = per_second(array.data_type()).unwrap_or(1);
            text(&|out| write_timestamp(out, ticks(array).value(row), units))
        }
        D::Date64 => text(&|out| write_timestamp(out, ticks(array).value(row), 1_000)),
        D::Duration(_) => {
            let nanos = i128::from(ticks(array).value(row))
                * i128::from(1_000_000_000 / per_second(array.data_type()).unwrap_or(1));
            match i64::try_from(nanos / 1_000) {
                Ok(micros) if nanos % 1_000 == 0 => text(&|out| write_duration(out, micros)),
                Ok(_) | Err(_) => format!("{nanos} nanoseconds"),
            }
        }
        D::Decimal128(precision, scale) => {
            Decimal128Type::format_decimal(array.as_primitive::<Decimal128Type>().value(row), *precision, *scale)
        }
        D::Decimal256(precision, scale) => {
            Decimal256Type::format_decimal(array.as_primitive::<Decimal256Type>().value(row), *precision, *scale)
        }
        D::Int8 => number::<Int8Type>(array, row),
        D::Int16 => number::<Int16Type>(array, row),
        D::Int32 => number::<Int32Type>(array, row),
        D::Int64 => number::<Int64Type>(array, row),
        D::UInt8 => number::<UInt8Type>(array, row),
        D::UInt16 => number::<UInt16Type>(array, row),
        D::UInt32 => number::<UInt32Type>(array, row),
        D::UInt64 => number::<UInt64Type>(array, row),
        D::Dictionary(..) => {
            let dictionary = array.as_any_dictionary();
            shown(dictionary.values(), dictionary.normalized_keys()[row])
        }
        _ => match bytes(&array.slice(row, 1)) {
            Ok(Some((_, values, _))) if array.data_type() != &D::Binary => quoted(&values),
            Ok(_) if *array.data_type() == D::Binary => quoted(array.as_binary::<i32>().value(row)),
            Ok(_) | Err(_) => "a value that cannot be shown".into(),
        },
    }
}

/// The start of bytes, as Rust writes them.
fn quoted(bytes: &[u8]) -> String {
    const MOST: usize = 40;
    let more = if bytes.len() > MOST { "…" } else { "" };
    format!("b\"{}{more}\"", bytes[..bytes.len().min(MOST)].escape_ascii())
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow_array::types::Int16Type;
    use arrow_array::{
        BinaryViewArray, Date64Array, Decimal64Array, FixedSizeBinaryArray, FixedSizeListArray, Float16Array,
        Float32Array, Int8Array, Int16Array, LargeBinaryArray, LargeListArray, LargeStringArray, StringViewArray,
        TimestampMillisecondArray, UInt8Array, UInt16Array, UInt64Array,
    };
    use arrow_cast::{CastOptions, cast_with_options};
    use arrow_schema::Field;
    type Half = <Float16Type as ArrowPrimitiveType>::Native;

    /// As `arrow_cast` does it, whole, sliced and empty.
    fn check(array: impl Array + 'static, to: &DataType) {
        let array: ArrayRef = Arc::new(array);
        let options = CastOptions { safe: false, ..CastOptions::default() };
        for (first, count) in [(0, array.len()), (1, array.len() - 1), (1, 1), (array.len(), 0)] {
            let array = array.slice(first, count);
            let wanted = cast_with_options(&array, to, &options);
            match (cast(&array, to), wanted) {
                (Ok(found), Ok(wanted)) => assert_eq!(&found, &wanted, "{} as {to}", array.data_type()),
                (Err(_), Err(_)) => {}
                (found, wanted) => panic!("{} as {to}: {found:?}, not {wanted:?}", array.data_type()),
            }
        }
    }

    fn utf8(bytes: &[&[u8]]) -> BinaryArray {
        BinaryArray::from_vec(bytes.to_vec())
    }

    #[test]
    fn numbers_become_wider_as_arrow_has_it() {
        for to in [DataType::Int16, DataType::Int32, DataType::Int64, DataType::Float32, DataType::Float64] {
            check(Int8Array::from(vec![Some(i8::MIN), None, Some(i8::MAX)]), &to);
        }
        for to in [DataType::UInt16, DataType::UInt32, DataType::UInt64, DataType::Int16, DataType::Float32] {
            check(UInt8Array::from(vec![Some(0), None, Some(u8::MAX)]), &to);
        }
        for to in [DataType::Int32, DataType::Int64, DataType::Float32, DataType::Float64, DataType::UInt64] {
            check(UInt16Array::from(vec![Some(0), None, Some(u16::MAX)]), &to);
        }
        for to in [DataType::Int64, DataType::Float64] {
            check(Int32Array::from(vec![Some(i32::MIN), None, Some(i32::MAX)]), &to);
            check(UInt32Array::from(vec![Some(0), None, Some(u32::MAX)]), &to);
        }
        check(Float16Array::from(vec![Half::MAX, Half::MIN_POSITIVE]), &DataType::Float32);
        check(Float16Array::from(vec![Half::MAX, Half::MIN_POSITIVE]), &DataType::Float64);
        check(Float32Array::from(vec![Some(1.1), None, Some(f32::INFINITY)]), &DataType::Float64);
    }

    #[test]
    fn decimals_and_times_are_scaled_as_arrow_has_it() {
        let wide = DataType::Decimal128(38, 9);
        check(Int64Array::from(vec![Some(i64::MIN), None, Some(7)]), &wide);
        check(UInt64Array::from(vec![Some(u64::MAX), None, Some(7)]), &DataType::Decimal128(24, 3));
        check(Int16Array::from(vec![Some(-3), None]), &wide);
        let decimals = Decimal64Array::from(vec![Some(-123), None, Some(i64::MAX)]);
        check(decimals.with_precision_and_scale(18, 4).unwrap(), &wide);
        let decimals = Decimal128Array::from(vec![Some(10_i128.pow(30)), None, Some(1)]);
        check(decimals.clone().with_precision_and_scale(38, 2).unwrap(), &wide);
        check(decimals.with_precision_and_scale(31, 2).unwrap(), &DataType::Decimal128(36, 2));
        let times = TimestampMillisecondArray::from(vec![Some(-1), None, Some(1_700_000_000_123)]);
        for unit in [TimeUnit::Millisecond, TimeUnit::Microsecond, TimeUnit::Nanosecond] {
            check(times.clone(), &DataType::Timestamp(unit, None));
            check(times.clone().with_timezone("UTC"), &DataType::Timestamp(unit, Some("UTC".into())));
        }
        check(TimestampMillisecondArray::from(vec![i64::MAX, 1]), &DataType::Timestamp(TimeUnit::Nanosecond, None));
        check(Date64Array::from(vec![Some(-86_400_000), None, Some(86_400_000 * 20_000)]), &DataType::Date32);
    }

    #[test]
    fn strings_change_their_layout_as_arrow_has_it() {
        let texts = [Some("a"), None, Some(""), Some("a text of more than twelve bytes"), Some("é")];
        let (strings, bytes) = (DataType::Utf8, DataType::Binary);
        for to in [&strings, &bytes] {
            check(LargeStringArray::from_iter(texts), to);
            check(StringViewArray::from_iter(texts), to);
            check(StringArray::from_iter(texts), to);
            check(LargeBinaryArray::from_iter(texts), to);
        }
        check(BinaryViewArray::from_iter(texts.map(|text| text.map(str::as_bytes))), &bytes);
        check(utf8(&[b"a", b"\xc3\xa9"]), &strings);
        check(utf8(&[b"a", b"\xc3"]), &strings);
        check(FixedSizeBinaryArray::try_from_iter([b"abc", b"def"].iter()).unwrap(), &bytes);
    }

    #[test]
    fn codes_and_runs_are_resolved_as_arrow_has_it() {
        let texts = [Some("a"), None, Some("b"), Some("b"), Some("a")];
        let coded = DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
        let short: DictionaryArray<Int8Type> = texts.into_iter().collect();
        check(short.clone(), &coded);
        check(short.clone(), &DataType::Utf8);
        let large = LargeStringArray::from(vec![Some("b"), Some("a"), None]);
        let keys = UInt64Array::from(vec![Some(2), Some(0), None, Some(1)]);
        check(DictionaryArray::new(keys, Arc::new(large)), &coded);
        check(DictionaryArray::<Int8Type>::new(Int8Array::new_null(3), Arc::new(StringArray::new_null(0))), &coded);
        check(
            DictionaryArray::<Int8Type>::new(Int8Array::new_null(3), Arc::new(Int64Array::new_null(0))),
            &DataType::Int64,
        );
        let runs: RunArray<Int16Type> = texts.into_iter().collect();
        check(runs.clone(), &DataType::Utf8);
        let from_middle: ArrayRef = Arc::new(runs.slice(2, 3));
        assert_eq!(
            cast(&from_middle, &DataType::Utf8).unwrap().as_string::<i32>(),
            &StringArray::from(vec!["b", "b", "a"])
        );
    }

    #[test]
    fn lists_hold_items_of_the_type() {
        let rows = || vec![Some(vec![Some(1), Some(2)]), None, Some(vec![]), Some(vec![Some(3), Some(4)])];
        let item = |nullable| DataType::List(Arc::new(Field::new("item", DataType::Int64, nullable)));
        check(ListArray::from_iter_primitive::<Int32Type, _, _>(rows()), &item(false));
        check(LargeListArray::from_iter_primitive::<Int32Type, _, _>(rows()), &item(false));
        let with_null = ListArray::from_iter_primitive::<Int32Type, _, _>([Some(vec![Some(1)]), Some(vec![None])]);
        check(with_null.clone(), &item(true));
        let with_null: ArrayRef = Arc::new(with_null);
        assert!(cast(&with_null, &item(false)).is_err());
        assert!(cast(&with_null.slice(0, 1), &item(false)).is_ok(), "the null lies in another row");

        let pairs = [Some(vec![Some(1), Some(2)]), None, Some(vec![Some(3), Some(4)])];
        let pairs: ArrayRef = Arc::new(FixedSizeListArray::from_iter_primitive::<Int32Type, _, _>(pairs, 2));
        let found = cast(&pairs, &item(false)).unwrap();
        assert_eq!(found.as_list::<i32>().value_offsets(), [0, 2, 2, 4]);
        assert_eq!(cast(&pairs.slice(1, 2), &item(false)).unwrap().as_list::<i32>().value_offsets(), [0, 0, 2]);
    }

    #[test]
    fn values_are_shown() {
        let shows = |array: ArrayRef, wanted: &str| assert_eq!(shown(&array, 0), wanted);
        shows(Arc::new(TimestampMillisecondArray::from(vec![1])), "1970-01-01T00:00:00.001Z");
        shows(Arc::new(utf8(&[b"a\xff"])), "b\"a\\xff\"");
        shows(Arc::new(Decimal128Array::from(vec![-150]).with_precision_and_scale(9, 2).unwrap()), "-1.50");
        shows(Arc::new(Int64Array::from(vec![None])), "null");
        shows(Arc::new(["a"].into_iter().collect::<DictionaryArray<Int8Type>>()), "b\"a\"");
    }
}
