//! Columns of a batch as registers see them: where they lie in their Arrow layout, without a copy.
//!
//! Part of the fence of [`super`]: a view of at most twelve bytes is read where it lies.

use crate::connector::mapped;
use crate::primitive::compress::Level;
use crate::primitive::memory::Str;
use crate::primitive::packed::Packed;
use crate::primitive::spread;
use arrow_array::cast::AsArray;
use arrow_array::types::{ArrowPrimitiveType, Int32Type};
use arrow_array::{Array, ArrayRef};
use arrow_buffer::{ArrowNativeType, Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow_schema::DataType;
use sabot_abi::manifest::Reg;
use std::sync::Arc;

/// A string column in its Arrow layout.
#[derive(Clone, Debug)]
pub(super) enum StringView {
    Offsets32(OffsetBuffer<i32>, Buffer),
    Offsets64(OffsetBuffer<i64>, Buffer),
    Views(ScalarBuffer<u128>, Arc<[Buffer]>),
    Dictionary(ScalarBuffer<i32>, Dictionary),
}

/// The values of a dictionary.
#[derive(Clone, Debug)]
pub(crate) struct Dictionary {
    pub(crate) values: Arc<[Str]>,
    /// Keeps the bytes.
    array: ArrayRef,
}

impl Dictionary {
    /// Whether both are the same array.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.values.len() == other.values.len() && self.array.to_data().ptr_eq(&other.array.to_data())
    }
}

impl StringView {
    #[expect(clippy::wildcard_enum_match_arm, reason = "of Arrow's types, sources give strings as these")]
    fn of(array: &ArrayRef) -> Self {
        match array.data_type() {
            DataType::Utf8 => {
                let array = array.as_string::<i32>();
                Self::Offsets32(array.offsets().clone(), array.values().clone())
            }
            DataType::Binary => {
                let array = array.as_binary::<i32>();
                Self::Offsets32(array.offsets().clone(), array.values().clone())
            }
            DataType::LargeUtf8 => {
                let array = array.as_string::<i64>();
                Self::Offsets64(array.offsets().clone(), array.values().clone())
            }
            DataType::LargeBinary => {
                let array = array.as_binary::<i64>();
                Self::Offsets64(array.offsets().clone(), array.values().clone())
            }
            DataType::Utf8View => {
                let array = array.as_string_view();
                Self::Views(array.views().clone(), Arc::clone(array.data_buffers()))
            }
            DataType::BinaryView => {
                let array = array.as_binary_view();
                Self::Views(array.views().clone(), Arc::clone(array.data_buffers()))
            }
            DataType::Dictionary(..) => {
                let dictionary = array.as_dictionary::<Int32Type>();
                let values = Self::of(dictionary.values());
                let strs: Vec<Str> = (0..dictionary.values().len()).map(|row| values.get(row)).collect();
                let array = Arc::clone(dictionary.values());
                Self::Dictionary(dictionary.keys().values().clone(), Dictionary { values: strs.into(), array })
            }
            other => unreachable!("sources give no strings as {other}"),
        }
    }

    /// Where all bytes lie, if it is one place.
    pub(super) fn data(&self) -> Option<&Buffer> {
        match self {
            Self::Offsets32(_, data) | Self::Offsets64(_, data) => Some(data),
            Self::Views(..) | Self::Dictionary(..) => None,
        }
    }

    #[inline]
    pub(super) fn get(&self, row: usize) -> Str {
        match self {
            Self::Offsets32(offsets, data) => Str::new(&data[offsets[row].as_usize()..offsets[row + 1].as_usize()]),
            Self::Offsets64(offsets, data) => Str::new(&data[offsets[row].as_usize()..offsets[row + 1].as_usize()]),
            Self::Views(views, buffers) => {
                let view = &views[row];
                let len = *view as u32 as usize;
                if len <= 12 {
                    let bytes = std::ptr::from_ref(view).cast::<u8>();
                    // SAFETY: a view of at most 12 bytes holds them behind its length, and lives as long as the batch.
                    return Str::new(unsafe { std::slice::from_raw_parts(bytes.add(4), len) });
                }
                let (buffer, start) = ((*view >> 64) as u32 as usize, (*view >> 96) as u32 as usize);
                Str::new(&buffers[buffer][start..start + len])
            }
            // The key of a null may be anything.
            Self::Dictionary(keys, dictionary) => {
                dictionary.values.get(keys[row] as usize).copied().unwrap_or(Str::new(b""))
            }
        }
    }

    /// Where the rows from `first` on begin, and where the last one ends, with their bytes, if they lie one behind the other.
    pub(super) fn plain(&self, first: usize, rows: usize) -> Option<(&[i32], &[u8])> {
        match self {
            Self::Offsets32(offsets, data) => {
                let ends = &offsets[first..=first + rows];
                Some((ends, &data[ends[0].as_usize()..ends[rows].as_usize()]))
            }
            Self::Offsets64(..) | Self::Views(..) | Self::Dictionary(..) => None,
        }
    }

    /// The rows from `first` on, packed.
    pub(super) fn pack(&self, first: usize, to: &mut [Packed], level: Level) {
        let rows = to.len();
        match self {
            Self::Offsets32(offsets, data) => {
                for (at, to) in to.chunks_mut(64).enumerate() {
                    let ends = &offsets[first + at * 64..=first + at * 64 + to.len()];
                    if let (Ok(ends), Ok(to)) = (ends.try_into(), <&mut [Packed; 64]>::try_from(&mut *to))
                        && spread::pack_64(ends, data, to, level)
                    {
                        continue;
                    }
                    for (to, ends) in to.iter_mut().zip(ends.windows(2)) {
                        *to = Packed::of_range(data, ends[0].as_usize(), ends[1].as_usize());
                    }
                }
            }
            Self::Offsets64(offsets, data) => {
                for (to, ends) in to.iter_mut().zip(offsets[first..=first + rows].windows(2)) {
                    *to = Packed::of_range(data, ends[0].as_usize(), ends[1].as_usize());
                }
            }
            Self::Views(views, _) => {
                for (row, (to, view)) in to.iter_mut().zip(&views[first..first + rows]).enumerate() {
                    *to = Packed::of_view(*view).unwrap_or_else(|| Packed::new(self.get(first + row).bytes()));
                }
            }
            Self::Dictionary(..) => {
                to.iter_mut().enumerate().for_each(|(row, to)| *to = Packed::new(self.get(first + row).bytes()));
            }
        }
    }

    pub(super) fn get_each(&self, first: usize, rows: impl Iterator<Item = usize>, to: &mut [Str]) {
        for (to, row) in to.iter_mut().zip(rows) {
            *to = self.get(first + row);
        }
    }
}

/// How a column of a batch becomes a register.
#[derive(Debug)]
pub(super) enum ColumnView {
    Fixed {
        values: Buffer,
        width: usize,
    },
    Bits {
        bits: Buffer,
        offset: usize,
    },
    /// And whether they lie in a mapped file.
    Strings(StringView, bool),
}

/// A batch as the registers see it.
#[derive(Debug, Default)]
pub(crate) struct BatchView {
    pub(super) columns: Vec<(Reg, ColumnView, Option<NullBuffer>)>,
}

impl BatchView {
    /// The columns of a batch and the registers they are read into.
    pub(crate) fn new(columns: &[ArrayRef], registers: impl Iterator<Item = Reg>) -> Self {
        let view = |(array, reg): (&ArrayRef, Reg)| (reg, column_view(array), array.logical_nulls());
        Self { columns: columns.iter().zip(registers).map(view).collect() }
    }
}

fn fixed<T: ArrowPrimitiveType>(array: &ArrayRef) -> ColumnView {
    let values = array.as_primitive::<T>().values();
    ColumnView::Fixed { values: values.inner().clone(), width: size_of::<T::Native>() }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "of Arrow's types, sources give these and strings")]
fn column_view(array: &ArrayRef) -> ColumnView {
    use arrow_array::types::*;
    use arrow_schema::TimeUnit;
    match array.data_type() {
        DataType::Boolean => {
            let values = array.as_boolean().values();
            ColumnView::Bits { bits: values.inner().clone(), offset: values.offset() }
        }
        DataType::Int8 => fixed::<Int8Type>(array),
        DataType::Int16 => fixed::<Int16Type>(array),
        DataType::Int32 => fixed::<Int32Type>(array),
        DataType::Int64 => fixed::<Int64Type>(array),
        DataType::UInt8 => fixed::<UInt8Type>(array),
        DataType::UInt16 => fixed::<UInt16Type>(array),
        DataType::UInt32 => fixed::<UInt32Type>(array),
        DataType::UInt64 => fixed::<UInt64Type>(array),
        DataType::Float32 => fixed::<Float32Type>(array),
        DataType::Float64 => fixed::<Float64Type>(array),
        DataType::Date32 => fixed::<Date32Type>(array),
        DataType::Decimal128(..) => fixed::<Decimal128Type>(array),
        DataType::Timestamp(TimeUnit::Millisecond, _) => fixed::<TimestampMillisecondType>(array),
        DataType::Timestamp(TimeUnit::Microsecond, _) => fixed::<TimestampMicrosecondType>(array),
        DataType::Timestamp(TimeUnit::Nanosecond, _) => fixed::<TimestampNanosecondType>(array),
        DataType::Duration(TimeUnit::Microsecond) => fixed::<DurationMicrosecondType>(array),
        _ => {
            let view = StringView::of(array);
            let lasts = view.data().is_some_and(|data| mapped::holds(data));
            ColumnView::Strings(view, lasts)
        }
    }
}
