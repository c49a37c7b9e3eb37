//! A column of strings in the making, in the layout that Arrow gives them: offsets, and bytes one behind the other.

use super::memory::Str;
use super::pool::{Lent, Pool};
use arrow_array::types::{BinaryType, ByteArrayType, Utf8Type};
use arrow_array::{ArrayRef, GenericByteArray};
use arrow_buffer::{NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow_schema::DataType;
use std::sync::Arc;

/// Strings in memory that is used again.
#[derive(Debug)]
pub(crate) struct LentStrings {
    /// Zero, then where each string ends.
    offsets: Lent,
    bytes: Lent,
}

impl LentStrings {
    /// For about that many strings.
    pub(crate) fn new(pool: &Arc<Pool>, rows: usize) -> Self {
        Self::start(Lent::new(pool, rows * size_of::<i32>()), Lent::new(pool, 0))
    }

    fn start(mut offsets: Lent, bytes: Lent) -> Self {
        offsets.extend(&0i32.to_le_bytes());
        Self { offsets, bytes }
    }

    /// The next column, when this one is full.
    pub(crate) fn next(&self) -> Self {
        Self::start(self.offsets.next(), self.bytes.next())
    }

    /// Bytes of all strings.
    pub(crate) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Adds that many strings of so many bytes: those for which `each_str` calls, `None` standing for an empty one.
    pub(crate) fn extend(&mut self, count: usize, bytes: usize, each_str: impl FnOnce(&mut dyn FnMut(Option<&Str>))) {
        let start = self.bytes.len();
        assert!(i32::try_from(start + bytes).is_ok(), "a batch is complete before its offsets are not enough");
        let (offsets, to) = (self.offsets.spare::<i32>(count), self.bytes.spare::<u8>(bytes));
        let (mut at, mut row) = (0, 0);
        each_str(&mut |value| {
            if let Some(value) = value {
                to[at..at + value.len()].copy_from_slice(value.bytes());
                at += value.len();
            }
            offsets[row] = (start + at) as i32;
            row += 1;
        });
        assert!(row == count && at == bytes, "as many as were announced");
        self.offsets.advance(count * size_of::<i32>());
        self.bytes.advance(bytes);
    }

    /// Adds strings that lie one behind the other: where they begin and where the last one ends, and the bytes between.
    pub(crate) fn extend_plain(&mut self, ends: &[i32], bytes: &[u8]) {
        let start = self.bytes.len();
        assert!(i32::try_from(start + bytes.len()).is_ok(), "a batch is complete before its offsets are not enough");
        let Some((first, ends)) = ends.split_first() else { return };
        let move_by = (start as i32).wrapping_sub(*first);
        let offsets = self.offsets.spare::<i32>(ends.len());
        offsets.iter_mut().zip(ends).for_each(|(to, end)| *to = end.wrapping_add(move_by));
        assert!(
            offsets.last().is_none_or(|last| *last as usize == start + bytes.len()),
            "the bytes are those of the strings"
        );
        self.offsets.advance(size_of_val(ends));
        self.bytes.extend(bytes);
    }

    /// The column.
    pub(crate) fn into_array(self, ty: &DataType, nulls: Option<NullBuffer>) -> ArrayRef {
        if *ty == DataType::Binary { self.array_of::<BinaryType>(nulls) } else { self.array_of::<Utf8Type>(nulls) }
    }

    fn array_of<T: ByteArrayType<Offset = i32>>(self, nulls: Option<NullBuffer>) -> ArrayRef {
        let offsets = ScalarBuffer::<i32>::from(self.offsets.into_buffer());
        // SAFETY: offsets start with a zero, rise with every string, or as those of an Arrow array do, and the last is the number of
        // bytes. What is between two of them is a string of a register of this type: sources and kernels put nothing there
        // that is not UTF-8.
        let array = unsafe {
            GenericByteArray::<T>::new_unchecked(OffsetBuffer::new_unchecked(offsets), self.bytes.into_buffer(), nulls)
        };
        Arc::new(array)
    }
}
