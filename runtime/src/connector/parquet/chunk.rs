//! Encodes one column of a row group: the common types, faster than the general writer does it.
//!
//! A column has a dictionary where that makes it smaller. Its pages hold the same rows as those of the other columns, so that
//! a reader that skips some rows skips whole pages. Statistics stand in the chunk and, by page, in the column index.

use super::bits::{width_of, write_bits, write_hybrid, write_run};
use super::dictionary::{NumberDictionary, StringDictionary, index_near};
use arrow_array::cast::AsArray;
use arrow_array::types::Int32Type;
use arrow_array::{Array, ArrayRef};
use arrow_buffer::{ArrowNativeType, BooleanBuffer, BooleanBufferBuilder};
use arrow_schema::DataType;
use parquet::basic::{Compression, Encoding, EncodingMask, PageType, Type};
use parquet::column::page::{CompressedPage, Page, PageWriteSpec, PageWriter};
use parquet::column::writer::ColumnCloseResult;
use parquet::data_type::ByteArray;
use parquet::errors::ParquetError;
use parquet::file::metadata::{ColumnChunkMetaData, ColumnIndexBuilder, OffsetIndexBuilder, PageEncodingStats};
use parquet::file::statistics::{Statistics, ValueStatistics};
use parquet::file::writer::{SerializedPageWriter, TrackedWrite};
use parquet::schema::types::ColumnDescPtr;
use sabot_abi::manifest::BaseType;
use std::ops::Range;

/// Rows of a page.
const PAGE_ROWS: usize = 32 * 1024;

/// Bytes of a dictionary of strings, at most.
const DICTIONARY_BYTES: u32 = 1 << 20;

/// Integers within a range below this need no search to be numbered.
const NEAR: usize = 1 << 17;

/// Longer least and greatest strings are not written into statistics.
const STATISTICS_BYTES: usize = 64;

/// How a chunk's pages are compressed here; other codecs are the general writer's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Codec {
    None,
    Snappy,
}

/// How the bits of a number are ordered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    Signed,
    Unsigned,
    /// NaN is left out unless there is nothing else.
    Float,
}

/// Whether this module encodes columns of the type.
pub(super) fn encodes(base: BaseType) -> bool {
    order_of(base).is_some() || base == BaseType::String
}

fn order_of(base: BaseType) -> Option<Order> {
    match base {
        BaseType::Int32
        | BaseType::Int64
        | BaseType::Date
        | BaseType::TimestampMs
        | BaseType::TimestampUs
        | BaseType::TimestampNs
        | BaseType::Duration => Some(Order::Signed),
        BaseType::UInt32 | BaseType::UInt64 => Some(Order::Unsigned),
        BaseType::Float32 | BaseType::Float64 => Some(Order::Float),
        BaseType::Bool
        | BaseType::Int8
        | BaseType::Int16
        | BaseType::UInt8
        | BaseType::UInt16
        | BaseType::String
        | BaseType::Bytes
        | BaseType::Decimal(..)
        | BaseType::List(..) => None,
    }
}

/// A column of a row group, ready to be appended.
pub(in super::super) struct Chunk {
    pub(super) bytes: Vec<u8>,
    pub(super) close: ColumnCloseResult,
}

/// Encodes the arrays, one after the other, as one chunk; they have the type of the column, strings in any layout.
pub(super) fn encode(
    column: &ColumnDescPtr,
    base: BaseType,
    arrays: &[ArrayRef],
    codec: Codec,
) -> Result<Chunk, ParquetError> {
    let rows = arrays.iter().map(Array::len).sum();
    let validity = validity(arrays, rows);
    let mut writer = ChunkWriter::new(column, rows, validity, codec);
    match (order_of(base), column.physical_type()) {
        (Some(order), Type::INT64 | Type::DOUBLE) => writer.numbers(&numbers::<u64>(arrays), order)?,
        (Some(order), _) => writer.numbers(&numbers::<u32>(arrays), order)?,
        (None, _) => writer.strings(&strings(arrays)?)?,
    }
    writer.finish()
}

/// The bits of the rows that are not null; nothing if all are not.
fn validity(arrays: &[ArrayRef], rows: usize) -> Option<BooleanBuffer> {
    if arrays.iter().all(|array| array.logical_null_count() == 0) {
        return None;
    }
    let mut builder = BooleanBufferBuilder::new(rows);
    for array in arrays {
        match array.logical_nulls() {
            Some(nulls) => builder.append_buffer(nulls.inner()),
            None => builder.append_n(array.len(), true),
        }
    }
    Some(builder.finish())
}

/// The bits of the values that are not null.
fn numbers<T: ArrowNativeType>(arrays: &[ArrayRef]) -> Vec<T> {
    let mut values = Vec::with_capacity(arrays.iter().map(Array::len).sum());
    for array in arrays {
        let data = array.to_data();
        let all = &data.buffers()[0].typed_data::<T>()[data.offset()..data.offset() + data.len()];
        match data.nulls().filter(|nulls| nulls.null_count() > 0) {
            Some(nulls) => values.extend(nulls.valid_indices().map(|row| all[row])),
            None => values.extend_from_slice(all),
        }
    }
    values
}

/// The bytes of the values that are not null.
fn strings(arrays: &[ArrayRef]) -> Result<Vec<&[u8]>, ParquetError> {
    let mut values: Vec<&[u8]> = Vec::with_capacity(arrays.iter().map(Array::len).sum());
    for array in arrays {
        if let Some(strings) = array.as_string_opt::<i32>() {
            values.extend(strings.iter().flatten().map(str::as_bytes));
        } else if let Some(strings) = array.as_string_opt::<i64>() {
            values.extend(strings.iter().flatten().map(str::as_bytes));
        } else if let Some(strings) = array.as_string_view_opt() {
            values.extend(strings.iter().flatten().map(str::as_bytes));
        } else if let Some(dictionary) = array.as_dictionary_opt::<Int32Type>()
            && let Some(entries) = dictionary.values().as_string_opt::<i32>()
        {
            let is_some = |key: &i32| entries.is_valid(*key as usize);
            let keys = dictionary.keys().iter().flatten().filter(is_some);
            values.extend(keys.map(|key| entries.value(key as usize).as_bytes()));
        } else {
            let found: &DataType = array.data_type();
            return Err(ParquetError::General(format!("a column of strings is {found}")));
        }
    }
    Ok(values)
}

/// Least and greatest value of a page or chunk.
#[derive(Clone, Debug)]
struct Bounds {
    /// As Parquet writes them; nothing if there is no value, or if they are too long.
    min_max: Option<(Vec<u8>, Vec<u8>)>,
    /// Of floats.
    nans: Option<u64>,
}

/// A number's bits.
trait Bits: Copy + Eq + Into<u64> + ArrowNativeType {
    const WIDTH: u32;
    fn bytes(self) -> Vec<u8>;
    fn of(bytes: &[u8]) -> Option<Self>;
    /// How far it is from one that is not greater, whatever their signs.
    fn minus(self, other: Self) -> u64;
}

impl Bits for u64 {
    const WIDTH: u32 = 64;
    fn bytes(self) -> Vec<u8> {
        self.to_le_bytes().to_vec()
    }
    fn of(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self::from_le_bytes)
    }
    fn minus(self, other: Self) -> u64 {
        self.wrapping_sub(other)
    }
}

impl Bits for u32 {
    const WIDTH: u32 = 32;
    fn bytes(self) -> Vec<u8> {
        self.to_le_bytes().to_vec()
    }
    fn of(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self::from_le_bytes)
    }
    fn minus(self, other: Self) -> u64 {
        self.wrapping_sub(other).into()
    }
}

fn bounds<T: Bits>(values: &[T], order: Order) -> Bounds {
    let extend = |bits: T| (bits.into() << (64 - T::WIDTH)).cast_signed() >> (64 - T::WIDTH);
    // Of equal sign floats are ordered like integers, below zero the other way round; undone by doing it again.
    let key = |bits: T| match order {
        Order::Signed => extend(bits),
        Order::Unsigned => (bits.into() ^ 1 << 63).cast_signed(),
        Order::Float => extend(bits) ^ ((extend(bits) >> 63).cast_unsigned() >> 1).cast_signed(),
    };
    let back = |key: i64| match order {
        Order::Signed => key,
        Order::Unsigned => key ^ i64::MIN,
        Order::Float => key ^ ((key >> 63).cast_unsigned() >> 1).cast_signed(),
    };
    let infinity = if T::WIDTH == 64 { f64::INFINITY.to_bits() } else { f32::INFINITY.to_bits().into() };
    let is_nan = |bits: T| order == Order::Float && (bits.into() & (u64::MAX >> (65 - T::WIDTH))) > infinity;
    let (mut min, mut max, mut nans) = (i64::MAX, i64::MIN, 0_u64);
    for bits in values {
        let (key, is_nan) = (key(*bits), is_nan(*bits));
        min = min.min(if is_nan { i64::MAX } else { key });
        max = max.max(if is_nan { i64::MIN } else { key });
        nans += u64::from(is_nan);
    }
    if nans == values.len() as u64 {
        min = values.iter().map(|bits| key(*bits)).min().unwrap_or(0);
        max = values.iter().map(|bits| key(*bits)).max().unwrap_or(0);
    }
    let bytes = |key: i64| back(key).to_le_bytes()[..T::WIDTH as usize / 8].to_vec();
    Bounds {
        min_max: (!values.is_empty()).then(|| (bytes(min), bytes(max))),
        nans: (order == Order::Float).then_some(nans),
    }
}

fn string_bounds<'a>(values: impl Iterator<Item = &'a [u8]>) -> Bounds {
    let bounds = values.fold(None, |bounds: Option<(&[u8], &[u8])>, value| match bounds {
        None => Some((value, value)),
        Some((min, max)) => Some((min.min(value), max.max(value))),
    });
    let short = bounds.filter(|(min, max)| min.len() <= STATISTICS_BYTES && max.len() <= STATISTICS_BYTES);
    Bounds { min_max: short.map(|(min, max)| (min.to_vec(), max.to_vec())), nans: None }
}

/// Writes the pages of one chunk.
struct ChunkWriter {
    column: ColumnDescPtr,
    rows: usize,
    validity: Option<BooleanBuffer>,
    codec: Codec,
    snappy: snap::raw::Encoder,
    sink: TrackedWrite<Vec<u8>>,
    uncompressed: usize,
    compressed: usize,
    dictionary_offset: Option<i64>,
    data_offset: i64,
    encodings: Vec<Encoding>,
    pages: i32,
    data_encoding: Encoding,
    column_index: ColumnIndexBuilder,
    offset_index: OffsetIndexBuilder,
    bounds: Bounds,
    body: Vec<u8>,
}

impl ChunkWriter {
    fn new(column: &ColumnDescPtr, rows: usize, validity: Option<BooleanBuffer>, codec: Codec) -> Self {
        Self {
            column: ColumnDescPtr::clone(column),
            rows,
            validity,
            codec,
            snappy: snap::raw::Encoder::new(),
            sink: TrackedWrite::new(Vec::new()),
            uncompressed: 0,
            compressed: 0,
            dictionary_offset: None,
            data_offset: 0,
            encodings: vec![Encoding::PLAIN, Encoding::RLE],
            pages: 0,
            data_encoding: Encoding::PLAIN,
            column_index: ColumnIndexBuilder::new(column.physical_type()),
            offset_index: OffsetIndexBuilder::new(),
            bounds: Bounds { min_max: None, nans: None },
            body: Vec::new(),
        }
    }

    fn numbers<T: Bits>(&mut self, values: &[T], order: Order) -> Result<(), ParquetError> {
        self.bounds = bounds(values, order);
        // With more different values than this, their numbers and themselves are not smaller than all of them.
        let limit = values.len() / 3;
        let near = self.bounds.min_max.as_ref().filter(|_| order != Order::Float).and_then(|(min, max)| {
            let (min, max) = (T::of(min)?, T::of(max)?);
            Some((min, usize::try_from(max.minus(min)).ok().filter(|range| *range < NEAR)?))
        });
        let dictionary = match near {
            Some((min, range)) => index_near(values, |value| value.minus(min) as usize, range, limit),
            None => NumberDictionary::index(values, limit),
        };
        if let Some((entries, numbers)) = dictionary {
            let plain: Vec<u8> = entries.iter().flat_map(|entry| entry.bytes()).collect();
            self.dictionary_page(plain, entries.len())?;
            let width = width_of(entries.len());
            return self.data_pages(|body, part| {
                body.push(width as u8);
                write_hybrid(body, &numbers[part.clone()], width);
                bounds(&values[part], order)
            });
        }
        self.data_pages(|body, part| {
            write_numbers(body, &values[part.clone()]);
            bounds(&values[part], order)
        })
    }

    fn strings(&mut self, values: &[&[u8]]) -> Result<(), ParquetError> {
        if let Some((dictionary, numbers)) = StringDictionary::index(values, values.len() / 2, DICTIONARY_BYTES) {
            let entries: Vec<&[u8]> = dictionary.entries().collect();
            self.bounds = string_bounds(entries.iter().copied());
            let mut plain = Vec::new();
            write_strings(&mut plain, &entries);
            self.dictionary_page(plain, entries.len())?;
            let width = width_of(entries.len());
            let mut is_seen = vec![false; entries.len()];
            return self.data_pages(|body, part| {
                body.push(width as u8);
                write_hybrid(body, &numbers[part.clone()], width);
                is_seen.fill(false);
                numbers[part].iter().for_each(|number| is_seen[*number as usize] = true);
                string_bounds(entries.iter().zip(&is_seen).filter(|(_, is_seen)| **is_seen).map(|(entry, _)| *entry))
            });
        }
        self.bounds = string_bounds(values.iter().copied());
        self.data_pages(|body, part| {
            write_strings(body, &values[part.clone()]);
            string_bounds(values[part].iter().copied())
        })
    }

    fn dictionary_page(&mut self, plain: Vec<u8>, entries: usize) -> Result<(), ParquetError> {
        let uncompressed = plain.len();
        let buf = self.compress(&plain)?.into();
        let page =
            Page::DictionaryPage { buf, num_values: entries as u32, encoding: Encoding::PLAIN, is_sorted: false };
        let spec = self.write(page, uncompressed)?;
        self.dictionary_offset = Some(spec.offset as i64);
        self.data_encoding = Encoding::RLE_DICTIONARY;
        self.encodings.push(Encoding::RLE_DICTIONARY);
        Ok(())
    }

    /// Writes the rows page by page: `values` appends those of a range of values that are not null, and gives their bounds.
    fn data_pages(&mut self, mut values: impl FnMut(&mut Vec<u8>, Range<usize>) -> Bounds) -> Result<(), ParquetError> {
        let mut first_value = 0;
        for first in (0..self.rows).step_by(PAGE_ROWS) {
            let rows = PAGE_ROWS.min(self.rows - first);
            let mut body = std::mem::take(&mut self.body);
            body.clear();
            let valid = self.write_levels(&mut body, first, rows);
            let bounds = values(&mut body, first_value..first_value + valid);
            first_value += valid;
            let page = Page::DataPage {
                buf: self.compress(&body)?.into(),
                num_values: rows as u32,
                encoding: self.data_encoding,
                def_level_encoding: Encoding::RLE,
                rep_level_encoding: Encoding::RLE,
                statistics: None,
            };
            let spec = self.write(page, body.len())?;
            self.body = body;
            if self.pages == 0 {
                self.data_offset = spec.offset as i64;
            }
            self.pages += 1;
            self.offset_index.append_row_count(rows as i64);
            self.offset_index.append_offset_and_size(spec.offset as i64, spec.compressed_size as i32);
            let nans = bounds.nans.map(|nans| nans as i64);
            let nulls = (rows - valid) as i64;
            match bounds.min_max {
                Some((min, max)) => self.column_index.append(false, min, max, nulls, nans),
                None if valid == 0 => self.column_index.append(true, Vec::new(), Vec::new(), nulls, nans),
                None => self.column_index.to_invalid(),
            }
        }
        Ok(())
    }

    /// Writes which rows of a page are not null, if the column may hold nulls; gives their number.
    fn write_levels(&self, body: &mut Vec<u8>, first: usize, rows: usize) -> usize {
        if self.column.max_def_level() == 0 {
            return rows;
        }
        body.extend_from_slice(&[0; 4]);
        let page = self.validity.as_ref().map(|validity| validity.slice(first, rows));
        let valid = page.as_ref().map_or(rows, BooleanBuffer::count_set_bits);
        match page.filter(|_| valid > 0 && valid < rows) {
            Some(page) => write_bits(body, page.sliced().as_slice(), rows),
            None => write_run(body, rows, u32::from(valid > 0), 1),
        }
        let length = (body.len() - 4) as u32;
        body[..4].copy_from_slice(&length.to_le_bytes());
        valid
    }

    fn compress(&mut self, bytes: &[u8]) -> Result<Vec<u8>, ParquetError> {
        match self.codec {
            Codec::None => Ok(bytes.to_vec()),
            Codec::Snappy => {
                Ok(self.snappy.compress_vec(bytes).map_err(|error| ParquetError::External(error.into()))?)
            }
        }
    }

    fn write(&mut self, page: Page, uncompressed: usize) -> Result<PageWriteSpec, ParquetError> {
        let spec = SerializedPageWriter::new(&mut self.sink).write_page(CompressedPage::new(page, uncompressed))?;
        self.uncompressed += spec.uncompressed_size;
        self.compressed += spec.compressed_size;
        Ok(spec)
    }

    fn finish(self) -> Result<Chunk, ParquetError> {
        let nulls = self.validity.as_ref().map_or(0, |validity| validity.len() - validity.count_set_bits());
        let statistics = statistics(self.column.physical_type(), &self.bounds, nulls as u64);
        let mut encoding_stats =
            vec![PageEncodingStats { page_type: PageType::DATA_PAGE, encoding: self.data_encoding, count: self.pages }];
        if self.dictionary_offset.is_some() {
            let page = PageType::DICTIONARY_PAGE;
            encoding_stats.insert(0, PageEncodingStats { page_type: page, encoding: Encoding::PLAIN, count: 1 });
        }
        let compression = match self.codec {
            Codec::None => Compression::UNCOMPRESSED,
            Codec::Snappy => Compression::SNAPPY,
        };
        let mut metadata = ColumnChunkMetaData::builder(self.column)
            .set_compression(compression)
            .set_encodings_mask(EncodingMask::new_from_encodings(self.encodings.iter()))
            .set_page_encoding_stats(encoding_stats)
            .set_total_compressed_size(self.compressed as i64)
            .set_total_uncompressed_size(self.uncompressed as i64)
            .set_num_values(self.rows as i64)
            .set_data_page_offset(self.data_offset)
            .set_dictionary_page_offset(self.dictionary_offset);
        if let Some(statistics) = statistics {
            metadata = metadata.set_statistics(statistics);
        }
        let bytes = self.sink.into_inner()?;
        let close = ColumnCloseResult {
            bytes_written: bytes.len() as u64,
            rows_written: self.rows as u64,
            metadata: metadata.build()?,
            bloom_filter: None,
            column_index: if self.column_index.valid() { Some(self.column_index.build()?) } else { None },
            offset_index: Some(self.offset_index.build()),
        };
        Ok(Chunk { bytes, close })
    }
}

fn write_numbers<T: ArrowNativeType>(body: &mut Vec<u8>, values: &[T]) {
    // Numbers stand in memory as they do in the file: least byte first, as on every machine that runs jobs.
    const { assert!(cfg!(target_endian = "little")) };
    body.extend_from_slice(arrow_buffer::ToByteSlice::to_byte_slice(values));
}

fn write_strings(body: &mut Vec<u8>, values: &[&[u8]]) {
    body.reserve(values.iter().map(|value| value.len() + 4).sum());
    for value in values {
        body.extend_from_slice(&(value.len() as u32).to_le_bytes());
        body.extend_from_slice(value);
    }
}

fn statistics(physical: Type, bounds: &Bounds, nulls: u64) -> Option<Statistics> {
    macro_rules! number {
        ($kind:ty) => {{
            let value = |bytes: &[u8]| bytes.try_into().map(<$kind>::from_le_bytes).ok();
            let (min, max) = bounds.min_max.as_ref().map(|(min, max)| (value(min), value(max))).unwrap_or_default();
            let statistics = ValueStatistics::new(min, max, None, Some(nulls), false);
            Some(statistics.with_nan_count(bounds.nans).into())
        }};
    }
    match physical {
        Type::INT32 => number!(i32),
        Type::INT64 => number!(i64),
        Type::FLOAT => number!(f32),
        Type::DOUBLE => number!(f64),
        Type::BYTE_ARRAY => {
            let (min, max) = bounds.min_max.clone().unzip();
            Some(Statistics::new(min.map(ByteArray::from), max.map(ByteArray::from), None, Some(nulls), false))
        }
        Type::BOOLEAN | Type::INT96 | Type::FIXED_LEN_BYTE_ARRAY => None,
    }
}
