//! Writes Parquet: workers encode and compress whole row groups, the writer puts them one behind the other.

use super::super::built::Feature;
use super::super::convert::in_type;
use super::super::error::ConnectorError;
use super::super::nest::{self, Part};
use super::super::output::{OutputWriter, Target};
use super::super::sink::{Demand, EncodedBatch, Payload, Sink, SinkEncoder, SinkReport, SinkWriter};
use super::chunk::{self, Chunk, Codec};
use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::{DataType, FieldRef, SchemaRef};
use bytes::Bytes;
use parquet::arrow::ArrowSchemaConverter;
use parquet::arrow::add_encoded_arrow_schema_to_metadata;
use parquet::arrow::arrow_writer::{ArrowColumnChunk, ArrowColumnWriter, ArrowRowGroupWriterFactory, compute_leaves};
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterPropertiesPtr};
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::types::{ColumnDescPtr, ColumnPath, SchemaDescriptor};
use sabot_abi::manifest::{BaseType, Field};
use std::sync::Arc;
use std::time::Duration;

/// Rows of a row group: enough that headers and dictionaries cost little, few enough that all cores have one.
const GROUP_ROWS: usize = 128 * 1024;

/// A column of a row group, encoded.
pub(in super::super) enum EncodedColumn {
    /// By [`chunk`].
    Own(Box<Chunk>),
    /// By the general writer, which knows every type and codec.
    General(Box<ArrowColumnChunk>),
}

impl EncodedColumn {
    /// Its size.
    pub(in super::super) fn bytes(&self) -> usize {
        match self {
            Self::Own(chunk) => chunk.bytes.len(),
            Self::General(chunk) => chunk.close().bytes_written as usize,
        }
    }

    fn append_to(self, group: &mut SerializedRowGroupWriter<'_, OutputWriter>) -> Result<(), ParquetError> {
        match self {
            Self::Own(chunk) => group.append_column(&Bytes::from(chunk.bytes), chunk.close),
            Self::General(chunk) => chunk.append_to_row_group(group),
        }
    }
}

/// A Parquet file to be written.
pub(in super::super) struct ParquetSink {
    target: Target,
    fields: Arc<[Field]>,
    parts: Arc<[Part]>,
    schema: SchemaRef,
    properties: WriterPropertiesPtr,
    /// Of the columns that [`chunk`] encodes; none if the compression is the general writer's.
    codec: Option<Codec>,
}

impl ParquetSink {
    /// Prepares a sink; `compression` is `none`, `snappy`, `lz4` or `zstd`.
    pub(in super::super) fn new(
        target: Target,
        fields: &[Field],
        compression_name: Option<&str>,
    ) -> Result<Self, ConnectorError> {
        let compression = match compression_name {
            Some("none") => Compression::UNCOMPRESSED,
            None | Some("snappy") => Compression::SNAPPY,
            Some("lz4") => Compression::LZ4_RAW,
            Some("zstd") => Compression::ZSTD(ZstdLevel::default()),
            Some(other) => {
                return Err(ConnectorError::Unsupported {
                    path: target.name(),
                    detail: format!(
                        "Parquet files are written with compression `none`, `snappy`, `lz4` or `zstd`, not `{other}`"
                    ),
                });
            }
        };
        Feature::check_codec(&target.name(), compression_name)?;
        let schema = nest::file_schema(fields);
        let mut properties = WriterProperties::builder()
            .set_created_by(format!("sabot {}", env!("CARGO_PKG_VERSION")))
            .set_compression(compression)
            .set_dictionary_enabled(false)
            .set_statistics_enabled(EnabledStatistics::Page);
        for field in fields {
            // A dictionary of numbers is rarely smaller than the numbers, and looking each up costs more than writing it.
            let has_dictionary = matches!(field.ty.base, BaseType::String | BaseType::Bytes | BaseType::Date);
            let around = field.within.iter().map(|part| part.name.clone());
            let path = ColumnPath::new(around.chain([field.name.clone()]).collect());
            properties = properties.set_column_dictionary_enabled(path, has_dictionary);
        }
        let mut properties = properties.build();
        add_encoded_arrow_schema_to_metadata(&schema, &mut properties);
        let codec = match compression {
            Compression::UNCOMPRESSED => Some(Codec::None),
            Compression::SNAPPY => Some(Codec::Snappy),
            Compression::GZIP(_)
            | Compression::LZO
            | Compression::BROTLI(_)
            | Compression::LZ4
            | Compression::ZSTD(_)
            | Compression::LZ4_RAW => None,
        };
        let parts = nest::parts(fields).into();
        Ok(Self { target, fields: fields.into(), parts, schema, properties: Arc::new(properties), codec })
    }

    fn writer<W: std::io::Write + Send>(&self, output: W) -> Result<SerializedFileWriter<W>, ParquetError> {
        let schema = ArrowSchemaConverter::new().convert(&self.schema)?;
        SerializedFileWriter::new(output, schema.root_schema_ptr(), Arc::clone(&self.properties))
    }
}

fn encode_error(path: &str, error: &ParquetError) -> ConnectorError {
    ConnectorError::Encode { path: path.to_owned(), detail: error.to_string() }
}

impl Sink for ParquetSink {
    fn preferred_rows(&self) -> usize {
        GROUP_ROWS
    }

    fn flush_after(&self) -> Option<Duration> {
        None
    }

    fn may_wait(&self) -> bool {
        self.target.may_wait()
    }

    fn encoder(&self) -> Box<dyn SinkEncoder> {
        let general = self.writer(Vec::new()).map(|writer| {
            let factory = ArrowRowGroupWriterFactory::new(&writer, Arc::clone(&self.schema));
            (factory, writer.schema_descr().clone())
        });
        Box::new(ParquetEncoder {
            path: self.target.name(),
            fields: Arc::clone(&self.fields),
            parts: Arc::clone(&self.parts),
            schema: Arc::clone(&self.schema),
            codec: self.codec,
            general,
        })
    }

    fn open(&self) -> Result<Box<dyn SinkWriter>, ConnectorError> {
        let output = OutputWriter::new(self.target.open()?);
        let path = self.target.name();
        let writer = self.writer(output).map_err(|error| encode_error(&path, &error))?;
        Ok(Box::new(ParquetWriter { path, writer, rows: 0 }))
    }
}

struct ParquetEncoder {
    path: String,
    fields: Arc<[Field]>,
    parts: Arc<[Part]>,
    schema: SchemaRef,
    codec: Option<Codec>,
    general: Result<(ArrowRowGroupWriterFactory, SchemaDescriptor), ParquetError>,
}

impl ParquetEncoder {
    fn columns(&self, batches: &[RecordBatch]) -> Result<Vec<EncodedColumn>, ParquetError> {
        let (factory, descriptor) = self.general.as_ref().map_err(|error| ParquetError::General(error.to_string()))?;
        let mut general = factory.create_column_writers(0)?.into_iter().zip(descriptor.columns());
        let mut columns = Vec::with_capacity(self.fields.len());
        for (part, arrow_field) in self.parts.iter().zip(self.schema.fields()) {
            self.column(part, arrow_field, batches, &mut general, &mut columns)?;
        }
        Ok(columns)
    }

    /// One column of the file, which is several columns of Parquet where it is a struct.
    fn column(
        &self,
        part: &Part,
        arrow_field: &FieldRef,
        batches: &[RecordBatch],
        general: &mut dyn Iterator<Item = (ArrowColumnWriter, &ColumnDescPtr)>,
        columns: &mut Vec<EncodedColumn>,
    ) -> Result<(), ParquetError> {
        let no_writer = || ParquetError::General(format!("no writer for column `{}`", arrow_field.name()));
        if let (Part::Struct { parts, presence: None, .. }, DataType::Struct(inside)) = (part, arrow_field.data_type())
        {
            // A struct that is always there adds nothing to its fields.
            for (part, arrow_field) in parts.iter().zip(inside) {
                self.column(part, arrow_field, batches, general, columns)?;
            }
            return Ok(());
        }
        if let (Part::Column(at), Some(codec)) = (part, self.codec)
            && let base = self.fields[*at].ty.base
            && chunk::encodes(base)
        {
            let (_, descriptor) = general.next().ok_or_else(no_writer)?;
            let arrays = batches.iter().map(|batch| as_written(batch.column(*at), arrow_field));
            let arrays = arrays.collect::<Result<Vec<ArrayRef>, _>>()?;
            let chunk = chunk::encode(descriptor, base, &arrays, codec)?;
            columns.push(EncodedColumn::Own(Box::new(chunk)));
            return Ok(());
        }
        let mut writers: Vec<ArrowColumnWriter> = Vec::new();
        for batch in batches {
            let array = match part {
                Part::Column(at) => as_written(batch.column(*at), arrow_field)?,
                Part::Struct { .. } => nest::array_of(part, arrow_field, batch)?,
            };
            for (number, leaf) in compute_leaves(arrow_field, &array)?.iter().enumerate() {
                if number == writers.len() {
                    writers.push(general.next().ok_or_else(no_writer)?.0);
                }
                writers[number].write(leaf)?;
            }
        }
        for writer in writers {
            columns.push(EncodedColumn::General(Box::new(writer.close()?)));
        }
        Ok(())
    }
}

impl SinkEncoder for ParquetEncoder {
    fn encode(&mut self, batches: &[RecordBatch]) -> Result<EncodedBatch, ConnectorError> {
        let rows: usize = batches.iter().map(RecordBatch::num_rows).sum();
        let columns = if rows == 0 { Ok(Vec::new()) } else { self.columns(batches) };
        let columns = columns.map_err(|error| encode_error(&self.path, &error))?;
        Ok(EncodedBatch { rows: rows as u64, payload: Payload::RowGroup(columns) })
    }
}

/// The column with the sink's type; strings are written from any layout.
fn as_written(array: &ArrayRef, field: &FieldRef) -> Result<ArrayRef, ParquetError> {
    let found = array.data_type();
    let is_string = matches!(found, DataType::LargeUtf8 | DataType::Utf8View | DataType::Dictionary(..));
    if found == field.data_type() || (*field.data_type() == DataType::Utf8 && is_string) {
        return Ok(Arc::clone(array));
    }
    Ok(in_type(array, field.data_type())?)
}

struct ParquetWriter {
    path: String,
    writer: SerializedFileWriter<OutputWriter>,
    rows: u64,
}

impl ParquetWriter {
    /// The system's reason, if that was it, else the encoder's.
    fn failed(&mut self, error: &ParquetError) -> ConnectorError {
        self.writer.inner_mut().take_error().unwrap_or_else(|| encode_error(&self.path, error))
    }
}

impl SinkWriter for ParquetWriter {
    fn append(&mut self, batch: EncodedBatch) -> Result<Demand, ConnectorError> {
        let Payload::RowGroup(columns) = batch.payload else {
            unreachable!("a writer is given what the encoders of its own sink made");
        };
        if batch.rows > 0 {
            let write = || {
                let mut group = self.writer.next_row_group()?;
                for column in columns {
                    column.append_to(&mut group)?;
                }
                group.close().map(drop)
            };
            if let Err(error) = write() {
                return Err(self.failed(&error));
            }
            self.rows += batch.rows;
        }
        Ok(self.writer.inner().demand())
    }

    fn finish(mut self: Box<Self>) -> Result<SinkReport, ConnectorError> {
        let rows = self.rows;
        if let Err(error) = self.writer.finish() {
            return Err(self.failed(&error));
        }
        let output = self.writer.inner_mut().take_output();
        let Some(output) = output else { return Ok(SinkReport::default()) };
        Ok(SinkReport { rows, bytes: output.written(), files: output.finish()? })
    }

    fn abort(self: Box<Self>) {
        drop(self);
    }
}
