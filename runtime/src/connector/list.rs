//! Lists of files as the strings of bytes that they are inside the runtime ([`sabot_abi::list`]), and back.

use super::schema::arrow_type;
use arrow_array::builder::BinaryBuilder;
use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, BinaryArray, BooleanArray, ListArray, make_array};
use arrow_buffer::{Buffer, NullBuffer, OffsetBuffer};
use arrow_data::ArrayData;
use arrow_schema::{ArrowError, DataType};
use sabot_abi::list::{item_width, pack, unpack};
use sabot_abi::manifest::BaseType;
use std::sync::Arc;

/// A list column whose type is exactly [`arrow_type`]'s, as bytes; `item` is what its lists hold.
pub(crate) fn packed(array: &ArrayRef, item: BaseType) -> BinaryArray {
    let list = array.as_list::<i32>();
    let offsets = list.value_offsets();
    let rows = offsets.windows(2).map(|pair| pair[0] as usize..pair[1] as usize);
    let mut builder = BinaryBuilder::with_capacity(list.len(), list.values().len());
    let mut bytes = Vec::new();
    let of_items: Box<dyn Fn(std::ops::Range<usize>, &mut Vec<u8>)> = match (item.item(), item_width(item)) {
        (Some(inner), _) => {
            let items = packed(list.values(), inner);
            Box::new(move |range, to| pack(range.map(|at| items.value(at)), to))
        }
        (None, None) => {
            let items = as_binary(list.values());
            Box::new(move |range, to| pack(range.map(|at| items.value(at)), to))
        }
        (None, Some(_)) if item == BaseType::Bool => {
            let items = list.values().as_boolean().clone();
            Box::new(move |range, to| to.extend(range.map(|at| u8::from(items.value(at)))))
        }
        (None, Some(width)) => {
            let data = list.values().to_data();
            let (from, values) = (data.offset(), data.buffers()[0].clone());
            Box::new(move |range: std::ops::Range<usize>, to| {
                to.extend_from_slice(&values[(from + range.start) * width..(from + range.end) * width]);
            })
        }
    };
    for (row, range) in rows.enumerate() {
        if list.is_null(row) {
            builder.append_null();
            continue;
        }
        bytes.clear();
        of_items(range, &mut bytes);
        builder.append_value(&bytes);
    }
    builder.finish()
}

/// Strings and bytes without what tells them apart.
fn as_binary(array: &ArrayRef) -> BinaryArray {
    if let Some(strings) = array.as_string_opt::<i32>() {
        let (offsets, values, nulls) = strings.clone().into_parts();
        return BinaryArray::new(offsets, values, nulls);
    }
    array.as_binary::<i32>().clone()
}

/// Lists as bytes, as a column of lists that hold `item`.
pub(crate) fn unpacked(array: &BinaryArray, item: BaseType) -> Result<ListArray, ArrowError> {
    let DataType::List(field) = list_type(item) else {
        return Err(ArrowError::CastError("lists are not nested that deeply".into()));
    };
    let mut ends = Vec::with_capacity(array.len() + 1);
    ends.push(0_i32);
    let mut count = 0_usize;
    let mut push = |items: usize| {
        count += items;
        i32::try_from(count).map(|end| ends.push(end)).map_err(|_| ArrowError::OffsetOverflowError(count))
    };
    let rows = (0..array.len()).map(|row| if array.is_null(row) { &[][..] } else { array.value(row) });
    let values: ArrayRef = match item_width(item) {
        Some(width) => {
            let mut bytes = Vec::new();
            for row in rows {
                push(row.len() / width)?;
                bytes.extend_from_slice(row);
            }
            if item == BaseType::Bool {
                Arc::new(bytes.iter().map(|byte| Some(*byte != 0)).collect::<BooleanArray>())
            } else {
                let len = bytes.len() / width;
                let data = ArrayData::builder(arrow_type(item)).len(len).add_buffer(Buffer::from_vec(bytes));
                make_array(data.align_buffers(true).build()?)
            }
        }
        None => {
            let mut builder = BinaryBuilder::new();
            for row in rows {
                let items = unpack(row);
                push(items.len())?;
                items.for_each(|item| builder.append_value(item));
            }
            let items = builder.finish();
            match item.item() {
                Some(inner) => Arc::new(unpacked(&items, inner)?),
                None if item == BaseType::String => {
                    let (offsets, values, nulls) = items.into_parts();
                    Arc::new(arrow_array::StringArray::try_new(offsets, values, nulls)?)
                }
                None => Arc::new(items),
            }
        }
    };
    let nulls: Option<NullBuffer> = array.nulls().cloned();
    ListArray::try_new(field, OffsetBuffer::new(ends.into()), values, nulls)
}

/// The Arrow type of lists that hold `item`.
pub(crate) fn list_type(item: BaseType) -> DataType {
    DataType::List(Arc::new(arrow_schema::Field::new("item", arrow_type(item), false)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow_array::types::Int64Type;

    #[test]
    fn lists_become_bytes_and_lists_again() {
        let numbers = vec![Some(vec![Some(1), Some(-2)]), None, Some(vec![])];
        let numbers = ListArray::from_iter_primitive::<Int64Type, _, _>(numbers);
        let numbers = arrow_cast::cast(&numbers, &list_type(BaseType::Int64)).unwrap();
        let bytes = packed(&numbers, BaseType::Int64);
        assert_eq!(bytes.value(0).len(), 16);
        assert!(bytes.is_null(1));
        assert_eq!(unpacked(&bytes, BaseType::Int64).unwrap(), *numbers.as_list::<i32>());
        assert_eq!(packed(&(Arc::new(numbers.slice(2, 1)) as ArrayRef), BaseType::Int64).value(0), b"");

        let mut words = arrow_array::builder::ListBuilder::new(arrow_array::builder::StringBuilder::new())
            .with_field(arrow_schema::Field::new("item", DataType::Utf8, false));
        words.append_value([Some("a"), Some(""), Some("bcé")]);
        words.append_value([] as [Option<&str>; 0]);
        let words: ArrayRef = Arc::new(words.finish());
        let bytes = packed(&words, BaseType::String);
        assert_eq!(unpacked(&bytes, BaseType::String).unwrap(), *words.as_list::<i32>());

        let pairs = ListArray::try_new(
            Arc::new(arrow_schema::Field::new("item", list_type(BaseType::String), false)),
            OffsetBuffer::from_lengths([2, 0]),
            words,
            None,
        );
        let pairs: ArrayRef = Arc::new(pairs.unwrap());
        let item = BaseType::String.list().unwrap();
        let bytes = packed(&pairs, item);
        assert_eq!(unpacked(&bytes, item).unwrap(), *pairs.as_list::<i32>());
    }
}
