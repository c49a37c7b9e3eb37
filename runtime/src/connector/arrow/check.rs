//! Whether the columns of a decoded batch are what Arrow says they are, found many rows at a time.
//!
//! The decoder would look at every row on its own: that texts lie one behind the other, and that each begins and ends where a
//! character does. Of texts in ASCII, which is seen 64 bytes at a time, every place is one. Columns of other kinds than these are
//! left to the decoder ([`is_known`]). What is wrong is said in the decoder's words.

use arrow_array::cast::AsArray;
use arrow_array::types::ByteArrayType;
use arrow_array::{Array, ArrayRef, GenericByteArray, OffsetSizeTrait, RecordBatch};
use arrow_buffer::ArrowNativeType;
use arrow_ipc::reader::FileDecoder;
use arrow_schema::{ArrowError, DataType};

/// Whether [`check`] knows all that has to hold for columns of a type.
fn is_known(ty: &DataType) -> bool {
    ty.is_primitive() || matches!(ty, DataType::Boolean) || is_bytes(ty)
}

fn is_bytes(ty: &DataType) -> bool {
    matches!(ty, DataType::Utf8 | DataType::LargeUtf8 | DataType::Binary | DataType::LargeBinary)
}

/// The decoder without its own checks, where all of these columns are known; whether they are. Its batches are then to be
/// [`check`]ed.
pub(super) fn left_to_us<'a>(
    decoder: FileDecoder,
    mut types: impl Iterator<Item = &'a DataType>,
) -> (FileDecoder, bool) {
    if !types.all(is_known) {
        return (decoder, false);
    }
    // SAFETY: whoever decodes a batch checks it before its columns go on; until then nothing reads their bytes. That buffers are
    // long enough for their rows is asserted when the arrays are made.
    (unsafe { decoder.with_skip_validation(true) }, true)
}

/// An error if a column is not what it has to be.
pub(super) fn check(batch: &RecordBatch) -> Result<(), ArrowError> {
    batch.columns().iter().try_for_each(|column| {
        if column.len() == batch.num_rows() && is_sound(column) {
            return Ok(());
        }
        column.to_data().validate_full()?;
        Err(ArrowError::InvalidArgumentError("a column that is not as long as its batch, or cannot be read".to_owned()))
    })
}

fn is_sound(column: &ArrayRef) -> bool {
    // The count stands in the file.
    let counts = column.nulls().is_none_or(|nulls| nulls.len() - nulls.inner().count_set_bits() == nulls.null_count());
    let ty = column.data_type();
    counts
        && match () {
            () if *ty == DataType::Utf8 => are_texts(column.as_string::<i32>()),
            () if *ty == DataType::LargeUtf8 => are_texts(column.as_string::<i64>()),
            () if *ty == DataType::Binary => span(column.as_binary::<i32>()).is_some(),
            () if *ty == DataType::LargeBinary => span(column.as_binary::<i64>()).is_some(),
            () => true,
        }
}

/// The bytes from the first to the last value, if the values lie in them one behind the other.
fn span<T: ByteArrayType>(column: &GenericByteArray<T>) -> Option<&[u8]> {
    let offsets: &[T::Offset] = column.offsets();
    let (Some(first), Some(last)) = (offsets.first(), offsets.last()) else { return Some(&[]) };
    let rises = offsets.windows(2).fold(true, |rises, pair| rises & (pair[0] <= pair[1]));
    let (first, last) = (first.to_usize()?, last.to_usize()?);
    column.values().get(first..last).filter(|_| rises)
}

/// Whether each value is UTF-8.
fn are_texts<O: OffsetSizeTrait>(column: &arrow_array::GenericStringArray<O>) -> bool {
    let Some(bytes) = span(column) else { return false };
    if bytes.is_ascii() {
        return true;
    }
    let Ok(text) = std::str::from_utf8(bytes) else { return false };
    let first = column.offsets()[0];
    column.offsets().iter().all(|offset| text.is_char_boundary((*offset - first).as_usize()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow_array::{BinaryArray, StringArray};
    use arrow_buffer::{Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};

    fn offsets(of: &[i32]) -> OffsetBuffer<i32> {
        // SAFETY: nothing but the check reads them.
        unsafe { OffsetBuffer::new_unchecked(ScalarBuffer::from(of.to_vec())) }
    }

    fn texts(of: &[i32], bytes: &[u8]) -> bool {
        // SAFETY: as above.
        is_sound(
            &(std::sync::Arc::new(unsafe {
                StringArray::new_unchecked(offsets(of), Buffer::from(bytes.to_vec()), None)
            }) as ArrayRef),
        )
    }

    #[test]
    fn texts_lie_one_behind_the_other_and_hold_whole_characters() {
        assert!(texts(&[0], b"") && texts(&[3], b"abcdef") && texts(&[0, 2, 2, 5], b"abcde"));
        assert!(texts(&[1, 3, 4], "xäy!".as_bytes()));
        assert!(!texts(&[0, 2, 5], "xäy!".as_bytes()), "in the middle of a character");
        assert!(!texts(&[0, 2], b"a\xff"));
        assert!(texts(&[0, 1], b"a\xff"), "what no row has is nobody's");
        assert!(!texts(&[0, 3, 2], b"abc") && !texts(&[0, 4], b"abc") && !texts(&[-1, 2], b"abc"));
        assert!(!texts(&[0, 3, 2, 3], b"abc") && !texts(&[0, 9, 3], b"abc"));
    }

    #[test]
    fn bytes_need_not_be_text() {
        let of = |ends: &[i32]| {
            // SAFETY: as above.
            let array = unsafe { BinaryArray::new_unchecked(offsets(ends), Buffer::from(vec![0xff_u8; 4]), None) };
            is_sound(&(std::sync::Arc::new(array) as ArrayRef))
        };
        assert!(of(&[0, 1, 4]) && !of(&[0, 2, 1]) && !of(&[0, 5]));
    }

    #[test]
    fn nulls_are_counted() {
        let bits = arrow_buffer::BooleanBuffer::from(vec![true, false, true]);
        for (count, is_right) in [(1, true), (0, false), (2, false)] {
            // SAFETY: as above.
            let nulls = unsafe { NullBuffer::new_unchecked(bits.clone(), count) };
            let array = arrow_array::Int64Array::new(vec![1, 2, 3].into(), Some(nulls));
            assert_eq!(is_sound(&(std::sync::Arc::new(array) as ArrayRef)), is_right);
        }
    }
}
