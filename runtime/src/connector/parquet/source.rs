//! Reads Parquet: a split per row group, only the columns asked for, without the row groups and pages that cannot match.
//!
//! Strings stay dictionaries where the whole file has them so, and views into the pages elsewhere: no string is copied.

use super::super::built::Feature;
use super::super::convert::Conversions;
use super::super::error::{ConnectorError, Place};
use super::super::input::decode;
use super::super::mapped;
use super::super::schema::{match_columns, record_fields};
use super::super::source::{Position, Scan, Source, SourceStatistics, SplitReader};
use super::prune::Pruner;
use arrow_array::RecordBatch;
use arrow_schema::{DataType, Field as ArrowField, Schema};
use bytes::Bytes;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder, RowSelection,
};
use parquet::basic::{Compression, Encoding, PageType};
use parquet::file::metadata::{ColumnChunkMetaData, PageIndexPolicy, ParquetMetaData, RowGroupMetaData};
use sabot_abi::manifest::{Field, Format};
use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

/// Rows of one row group, at most: more is a lie.
const MAX_GROUP_ROWS: i64 = 1 << 31;

/// Pages are left out if that saves at least one row in so many: finding the others costs too.
const WORTHWHILE_SHARE: usize = 16;

/// A mapped Parquet file.
pub(in super::super) struct ParquetSource {
    shared: Arc<Shared>,
    splits: Vec<Split>,
    statistics: SourceStatistics,
}

struct Shared {
    path: Arc<str>,
    bytes: Bytes,
    metadata: ArrowReaderMetadata,
    projection: ProjectionMask,
    /// For each column of the scan, its place in the projection.
    places: Vec<usize>,
    conversions: Conversions,
    batch_rows: usize,
}

/// Rows of one row group.
#[derive(Clone)]
struct Split {
    row_group: usize,
    /// Number in the file of the row group's first row, from 0.
    first_row: u64,
    /// Rows of the group to read, in order; `None`: all.
    kept: Option<Vec<Range<usize>>>,
    rows: u64,
    bytes: u64,
}

/// Fields, rows and number of row groups of a mapped file.
pub(in super::super) fn facts(path: &str, bytes: &Bytes) -> Result<(Vec<Field>, u64, usize), ConnectorError> {
    let metadata = load(path, bytes, PageIndexPolicy::Skip)?;
    let rows = metadata.metadata().row_groups().iter().map(|group| group.num_rows().max(0) as u64).sum();
    Ok((record_fields(metadata.schema()), rows, metadata.metadata().num_row_groups()))
}

fn load(path: &str, bytes: &Bytes, page_index: PageIndexPolicy) -> Result<ArrowReaderMetadata, ConnectorError> {
    let corrupt = |detail: String| ConnectorError::Corrupt {
        path: path.to_owned(),
        format: Format::Parquet,
        place: None,
        detail,
    };
    if !bytes.starts_with(b"PAR1") {
        return Err(corrupt("it does not begin with `PAR1`".into()));
    }
    if !bytes.ends_with(b"PAR1") {
        return Err(corrupt("it has no footer: it ends in the middle".into()));
    }
    let options = ArrowReaderOptions::new().with_page_index_policy(page_index);
    let metadata = decode(path, Format::Parquet, || ArrowReaderMetadata::load(bytes, options))?;
    for (number, group) in metadata.metadata().row_groups().iter().enumerate() {
        let rows = group.num_rows();
        if !(0..=MAX_GROUP_ROWS).contains(&rows) {
            return Err(corrupt(format!("row group {number} claims {rows} rows")));
        }
        for column in group.columns() {
            let (start, length) = decode(path, Format::Parquet, || Ok::<_, String>(column.byte_range()))?;
            let is_flat = column.column_descr().max_rep_level() == 0;
            if is_flat && column.num_values() != rows {
                let detail =
                    format!("row group {number} claims {rows} rows, and {} of one column", column.num_values());
                return Err(corrupt(detail));
            }
            if start.checked_add(length).is_none_or(|end| end > bytes.len() as u64) {
                return Err(corrupt(format!("row group {number} lies outside the file: it ends in the middle")));
            }
        }
    }
    Ok(metadata)
}

impl ParquetSource {
    /// Opens a mapped file.
    pub(in super::super) fn new(
        path: Arc<str>,
        bytes: Bytes,
        fields: &[Field],
        scan: &Scan,
    ) -> Result<Self, ConnectorError> {
        let page_index = if scan.prune.is_empty() { PageIndexPolicy::Skip } else { PageIndexPolicy::Optional };
        let metadata = load(&path, &bytes, page_index)?;
        let wanted = || scan.columns.iter().filter_map(|column| fields.get(*column as usize));
        let names: Vec<String> = metadata.schema().fields().iter().map(|field| field.name().clone()).collect();
        let positions = match_columns(&path, wanted(), &names)?;

        let leaves = leaves(&metadata, wanted(), &positions);
        check_codecs(&path, &metadata, &leaves)?;
        let splits = splits(&metadata, fields, scan, &leaves);
        let metadata = with_late_strings(&path, &metadata)?;

        let mut read = positions.clone();
        read.sort_unstable();
        read.dedup();
        let places = positions.iter().map(|position| read.partition_point(|other| other < position)).collect();
        let projection = ProjectionMask::leaves(metadata.parquet_schema(), leaves);
        let found = positions.iter().map(|position| metadata.schema().field(*position).data_type());
        let conversions = Conversions::new(Arc::clone(&path), wanted(), found)?;

        let all_rows: u64 = metadata.metadata().row_groups().iter().map(|group| group.num_rows() as u64).sum();
        let rows = splits.iter().map(|split| split.rows).sum();
        let statistics = SourceStatistics {
            rows: Some(rows),
            bytes: Some(splits.iter().map(|split| split.bytes).sum()),
            pruned_rows: all_rows - rows,
            files: 1,
        };
        let batch_rows = scan.batch_rows.max(1);
        let shared = Shared { path, bytes, metadata, projection, places, conversions, batch_rows };
        Ok(Self { shared: Arc::new(shared), splits, statistics })
    }
}

/// Refuses codecs that are not built in, before the first row group is met that has them.
fn check_codecs(path: &str, metadata: &ArrowReaderMetadata, leaves: &[usize]) -> Result<(), ConnectorError> {
    let groups = metadata.metadata().row_groups().iter();
    for column in groups.flat_map(|group| columns_at(group, leaves)) {
        let name = match column.compression() {
            Compression::BROTLI(_) => "Brotli",
            Compression::LZO => "LZO",
            Compression::UNCOMPRESSED | Compression::SNAPPY => continue,
            Compression::GZIP(_) => {
                Feature::Gzip.check(path)?;
                continue;
            }
            Compression::LZ4 | Compression::LZ4_RAW => {
                Feature::Lz4.check(path)?;
                continue;
            }
            Compression::ZSTD(_) => {
                Feature::Zstd.check(path)?;
                continue;
            }
        };
        let detail = format!("is compressed with {name}, which is not read: write it with snappy, gzip, lz4 or zstd");
        return Err(ConnectorError::Unsupported { path: path.to_owned(), detail });
    }
    Ok(())
}

fn splits(metadata: &ArrowReaderMetadata, fields: &[Field], scan: &Scan, leaves: &[usize]) -> Vec<Split> {
    let pruner = Pruner::new(metadata, fields, &scan.prune);
    let mut splits = Vec::new();
    let mut first_row = 0;
    for (number, group) in metadata.metadata().row_groups().iter().enumerate() {
        let rows = group.num_rows() as u64;
        let start = first_row;
        first_row += rows;
        if rows == 0 || !pruner.keeps_row_group(number) {
            continue;
        }
        let kept = if pruner.is_empty() { None } else { pruner.kept_rows(number) };
        let kept_rows = kept.as_ref().map_or(rows as usize, |kept| kept.iter().map(ExactSizeIterator::len).sum());
        let saved = rows as usize - kept_rows;
        let kept = kept.filter(|_| saved * WORTHWHILE_SHARE >= rows as usize);
        let rows = if kept.is_some() { kept_rows as u64 } else { rows };
        if rows == 0 {
            continue;
        }
        let bytes: i64 = columns_at(group, leaves).map(ColumnChunkMetaData::compressed_size).sum();
        let bytes = (bytes.max(0) as u128 * u128::from(rows) / group.num_rows() as u128) as u64;
        splits.push(Split { row_group: number, first_row: start, kept, rows, bytes });
    }
    splits
}

/// The columns of Parquet that the fields need: of a struct only the parts that are read, and one where only its presence is.
fn leaves<'a>(
    metadata: &ArrowReaderMetadata,
    wanted: impl Iterator<Item = &'a Field>,
    positions: &[usize],
) -> Vec<usize> {
    let schema = metadata.parquet_schema();
    let all = || 0..schema.num_columns();
    let mut leaves = BTreeSet::new();
    for (field, position) in wanted.zip(positions) {
        let of_root = all().filter(|leaf| schema.get_column_root_idx(*leaf) == *position);
        if field.within.is_empty() {
            leaves.extend(of_root);
            continue;
        }
        let last = (!field.is_presence).then_some(&field.name);
        let path: Vec<&String> = field.within.iter().map(|part| &part.name).chain(last).collect();
        let is_below = |leaf: &usize| {
            let parts = schema.column(*leaf).path().parts().to_vec();
            parts.len() >= path.len() && parts.iter().zip(&path).all(|(a, b)| a == *b)
        };
        if field.is_presence {
            leaves.extend(of_root.into_iter().find(is_below));
        } else {
            leaves.extend(of_root.into_iter().filter(is_below));
        }
    }
    leaves.into_iter().collect()
}

/// The chunks of a row group that are read.
fn columns_at<'a>(group: &'a RowGroupMetaData, leaves: &'a [usize]) -> impl Iterator<Item = &'a ColumnChunkMetaData> {
    group.columns().iter().enumerate().filter(|(leaf, _)| leaves.contains(leaf)).map(|(_, column)| column)
}

/// The metadata with strings read as dictionaries where every page of them is one, as views else.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "Arrow's types are many and not ours: those not named are treated alike"
)]
fn with_late_strings(path: &str, metadata: &ArrowReaderMetadata) -> Result<ArrowReaderMetadata, ConnectorError> {
    let field = |field: &Arc<ArrowField>| {
        let data_type = match field.data_type() {
            DataType::Dictionary(_, value) if is_string(value) => late_type(metadata.metadata(), field.name()),
            data_type if is_string(data_type) => late_type(metadata.metadata(), field.name()),
            data_type => data_type.clone(),
        };
        ArrowField::new(field.name(), data_type, field.is_nullable()).with_metadata(field.metadata().clone())
    };
    let schema = Arc::new(Schema::new(metadata.schema().fields().iter().map(field).collect::<Vec<_>>()));
    let options = ArrowReaderOptions::new().with_schema(schema);
    decode(path, Format::Parquet, || ArrowReaderMetadata::try_new(Arc::clone(metadata.metadata()), options))
}

fn is_string(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View)
}

fn late_type(metadata: &ParquetMetaData, name: &str) -> DataType {
    let chunks = metadata.row_groups().iter().flat_map(|group| group.columns());
    let mut chunks = chunks.filter(|column| column.column_path().parts() == [name]).peekable();
    if chunks.peek().is_some() && chunks.all(is_dictionary) {
        DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8))
    } else {
        DataType::Utf8View
    }
}

/// Whether all data pages of a chunk refer to its dictionary; the footer lists encodings by kind of page.
fn is_dictionary(column: &ColumnChunkMetaData) -> bool {
    let of_dictionary = |encoding| matches!(encoding, Encoding::RLE_DICTIONARY | Encoding::PLAIN_DICTIONARY);
    if column.dictionary_page_offset().is_none() {
        return false;
    }
    if let Some(mask) = column.page_encoding_stats_mask() {
        return mask.is_only(Encoding::RLE_DICTIONARY) || mask.is_only(Encoding::PLAIN_DICTIONARY);
    }
    if let Some(stats) = column.page_encoding_stats() {
        let data = |kind| matches!(kind, PageType::DATA_PAGE | PageType::DATA_PAGE_V2);
        return stats.iter().filter(|stat| data(stat.page_type)).all(|stat| of_dictionary(stat.encoding));
    }
    false
}

impl Source for ParquetSource {
    fn splits(&self) -> usize {
        self.splits.len()
    }

    fn open(&self, split: usize) -> Result<Box<dyn SplitReader>, ConnectorError> {
        let split = self.splits[split].clone();
        let shared = Arc::clone(&self.shared);
        let selection = split.kept.as_ref().map(|kept| {
            let rows = shared.metadata.metadata().row_group(split.row_group).num_rows() as usize;
            RowSelection::from_consecutive_ranges(kept.iter().cloned(), rows)
        });
        let reader = decode(&shared.path, Format::Parquet, || {
            let mut builder =
                ParquetRecordBatchReaderBuilder::new_with_metadata(shared.bytes.clone(), shared.metadata.clone())
                    .with_row_groups(vec![split.row_group])
                    .with_projection(shared.projection.clone())
                    .with_batch_size(shared.batch_rows);
            if let Some(selection) = selection {
                builder = builder.with_row_selection(selection);
            }
            builder.build()
        })?;
        Ok(Box::new(GroupReader { shared, split, reader, rows_read: 0, batch_rows: 0 }))
    }

    fn statistics(&self) -> SourceStatistics {
        self.statistics
    }
}

/// Reads one row group.
struct GroupReader {
    shared: Arc<Shared>,
    split: Split,
    reader: ParquetRecordBatchReader,
    /// Rows given so far.
    rows_read: u64,
    /// Rows of the batch that was given last; they are part of `rows_read`.
    batch_rows: u64,
}

impl GroupReader {
    fn failed(&self, detail: String) -> ConnectorError {
        let place = Some(Place::Row(self.split.first_row + self.rows_read + 1));
        ConnectorError::Corrupt { path: self.shared.path.to_string(), format: Format::Parquet, place, detail }
    }
}

/// A row group is mostly read once: of a large file it is not to stay in memory.
impl Drop for GroupReader {
    fn drop(&mut self) {
        let Shared { bytes, metadata, projection, .. } = &*self.shared;
        let columns = metadata.metadata().row_group(self.split.row_group).columns();
        for (_, column) in columns.iter().enumerate().filter(|(leaf, _)| projection.leaf_included(*leaf)) {
            let (start, length) = column.byte_range();
            mapped::let_go(bytes, start as usize..(start + length) as usize);
        }
    }
}

impl SplitReader for GroupReader {
    fn next(&mut self) -> Result<Option<RecordBatch>, ConnectorError> {
        let next = decode(&self.shared.path, Format::Parquet, || self.reader.next().transpose());
        let next =
            next.map_err(
                |error| {
                    if let ConnectorError::Corrupt { detail, .. } = error { self.failed(detail) } else { error }
                },
            )?;
        let Some(batch) = next else {
            if self.rows_read == self.split.rows {
                return Ok(None);
            }
            let (read, claimed) = (self.rows_read, self.split.rows);
            return Err(self.failed(format!("row group {} holds {read} of {claimed} rows", self.split.row_group)));
        };
        self.batch_rows = batch.num_rows() as u64;
        self.rows_read += self.batch_rows;
        let columns = self.shared.places.iter().map(|place| Arc::clone(batch.column(*place))).collect();
        self.shared.conversions.apply(columns, batch.num_rows(), &self.position()).map(Some)
    }

    fn bytes_read(&self) -> u64 {
        (u128::from(self.split.bytes) * u128::from(self.rows_read) / u128::from(self.split.rows.max(1))) as u64
    }

    fn position(&self) -> Position {
        let file = Arc::clone(&self.shared.path);
        let start = self.rows_read - self.batch_rows;
        let Some(kept) = &self.split.kept else {
            return Position::contiguous(file, self.split.first_row + start);
        };
        let mut pieces = Vec::new();
        let mut before = 0;
        for range in kept {
            let end = before + range.len() as u64;
            if end > start && before < self.rows_read {
                let skipped = start.saturating_sub(before);
                let in_batch = (before + skipped - start) as usize;
                pieces.push((in_batch, self.split.first_row + range.start as u64 + skipped));
            }
            before = end;
        }
        Position::pieces(file, pieces.into())
    }
}
