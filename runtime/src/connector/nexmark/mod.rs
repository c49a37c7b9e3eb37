//! `nexmark()`: the events of the Nexmark benchmark, an auction house, made from their number.
//!
//! Of 50 events in a row the first is a new person, the next three are new auctions, the others bids. Each of the three is a
//! stream of its own, `nexmark().bids()`; reading one costs nothing of the others, and a column that nobody reads is not made.
//! A row is a pure function of its event's number: any piece can be made alone, twice, by anybody.
//!
//! Without a number of events it never ends. With a rate, events come so many a second; when they happened does not depend on
//! it.
//!
//! Proportions, hot items and texts are those of the benchmark's published defaults (Apache Beam's `GeneratorConfig`); the random
//! numbers are our own.

mod channel;
mod event;
mod many;
mod text;

use super::error::ConnectorError;
use super::pace::Pace;
use super::schema::{arrow_type, match_columns, rust_name};
use super::source::{Polled, Position, Scan, Source, SourceStatistics, SplitReader};
use arrow_array::{ArrayRef, Int64Array, RecordBatch, RecordBatchOptions, StringArray, TimestampMicrosecondArray};
use arrow_buffer::{Buffer, OffsetBuffer};
use arrow_schema::{Field as ArrowField, Schema, SchemaRef};
use event::{Auction, Kind, Person};
use sabot_abi::manifest::{BaseType, Field};
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;
use text::Texts;

/// Rows of a split at full speed: few, for the batches of a split are made one after the other.
const SPLIT_ROWS: u64 = 1 << 17;

/// More splits nobody counts.
const MOST_SPLITS: u64 = u32::MAX as u64;

/// What a column holds, by row number of its stream.
#[derive(Clone, Copy)]
enum Column {
    Int(fn(Range<u64>, &mut Vec<i64>)),
    Time(fn(Range<u64>, &mut Vec<i64>)),
    /// Bytes of a text, about, and what makes them.
    Text(usize, fn(Range<u64>, &mut Texts)),
}

impl Column {
    fn base(self) -> BaseType {
        match self {
            Self::Int(_) => BaseType::Int64,
            Self::Time(_) => BaseType::TimestampUs,
            Self::Text(..) => BaseType::String,
        }
    }

    fn array(self, rows: Range<u64>) -> ArrayRef {
        let len = usize::try_from(rows.end - rows.start).unwrap_or(0);
        let mut values = Vec::new();
        match self {
            Self::Int(make) => {
                values.reserve_exact(len);
                make(rows, &mut values);
                Arc::new(Int64Array::from(values))
            }
            Self::Time(make) => {
                values.reserve_exact(len);
                make(rows, &mut values);
                Arc::new(TimestampMicrosecondArray::from(values).with_timezone("UTC"))
            }
            Self::Text(about, make) => {
                let mut texts = Texts::with_room(len, about);
                make(rows, &mut texts);
                let offsets = OffsetBuffer::new(texts.offsets.into());
                Arc::new(StringArray::new(offsets, Buffer::from(texts.bytes), None))
            }
        }
    }
}

/// The columns of a stream by name.
fn columns_of(kind: Kind) -> &'static [(&'static str, Column)] {
    match kind {
        Kind::Person => &[
            ("id", Column::Int(|rows, out| out.extend(rows.map(Person::id)))),
            ("name", Column::Text(14, |rows, out| text::each(rows, out, Person::name))),
            ("email_address", Column::Text(17, |rows, out| text::each(rows, out, Person::email_address))),
            ("credit_card", Column::Text(19, |rows, out| text::each(rows, out, Person::credit_card))),
            ("city", Column::Text(10, |rows, out| text::each(rows, out, Person::city))),
            ("state", Column::Text(2, |rows, out| text::each(rows, out, Person::state))),
            ("date_time", Column::Time(|rows, out| many::times(Kind::Person, rows, out))),
            ("extra", Column::Text(130, |rows, out| text::extras(Kind::Person, rows, 200, out))),
        ],
        Kind::Auction => &[
            ("id", Column::Int(|rows, out| out.extend(rows.map(Auction::id)))),
            ("item_name", Column::Text(25, |rows, out| text::each(rows, out, Auction::item_name))),
            ("description", Column::Text(110, |rows, out| text::each(rows, out, Auction::description))),
            ("initial_bid", Column::Int(|rows, out| out.extend(rows.map(Auction::initial_bid)))),
            ("reserve", Column::Int(|rows, out| out.extend(rows.map(Auction::reserve)))),
            ("date_time", Column::Time(|rows, out| many::times(Kind::Auction, rows, out))),
            ("expires", Column::Time(|rows, out| out.extend(rows.map(Auction::expires)))),
            ("seller", Column::Int(|rows, out| out.extend(rows.map(Auction::seller)))),
            ("category", Column::Int(|rows, out| out.extend(rows.map(Auction::category)))),
            ("extra", Column::Text(320, |rows, out| text::extras(Kind::Auction, rows, 500, out))),
        ],
        Kind::Bid => &[
            ("auction", Column::Int(many::auctions)),
            ("bidder", Column::Int(many::bidders)),
            ("price", Column::Int(many::prices)),
            ("channel", Column::Text(12, channel::names)),
            ("url", Column::Text(72, channel::urls)),
            ("date_time", Column::Time(|rows, out| many::times(Kind::Bid, rows, out))),
            ("extra", Column::Text(64, |rows, out| text::extras(Kind::Bid, rows, 100, out))),
        ],
    }
}

/// One of the three streams.
pub(super) struct NexmarkSource {
    columns: Vec<Column>,
    schema: SchemaRef,
    kind: Kind,
    /// By field of the record: whether it says when the event happened.
    times: Vec<bool>,
    /// All rows.
    rows: u64,
    /// Whether somebody said how many.
    is_bounded: bool,
    split_rows: u64,
    batch_rows: u64,
    pace: Option<Arc<Pace>>,
    name: Arc<str>,
}

impl NexmarkSource {
    /// The stream that the options name, as far as they say.
    pub(super) fn open(
        options: &BTreeMap<String, String>,
        fields: &[Field],
        scan: &Scan,
    ) -> Result<Box<dyn Source>, ConnectorError> {
        let refuse = |detail: String| ConnectorError::Unsupported { path: "nexmark()".into(), detail };
        let mut kinds = Vec::new();
        let mut events = None;
        for (option, value) in options {
            match option.as_str() {
                "persons" => kinds.push(Kind::Person),
                "auctions" => kinds.push(Kind::Auction),
                "bids" => kinds.push(Kind::Bid),
                "events" => {
                    let number = value.parse::<u64>().ok().filter(|number| *number <= event::MOST_EVENTS);
                    let most = event::MOST_EVENTS;
                    events = Some(
                        number.ok_or_else(|| refuse(format!("`events` is a number up to {most}, not `{value}`")))?,
                    );
                }
                "rate" => {}
                other => {
                    let detail = format!(
                        "has no option `{other}`; there are `events`, `rate`, `persons`, `auctions` and `bids`"
                    );
                    return Err(refuse(detail));
                }
            }
        }
        let [kind] = kinds[..] else {
            return Err(refuse("say which of its streams: `nexmark().bids()`, `.auctions()` or `.persons()`".into()));
        };
        let pace = Pace::of(options.get("rate"), "nexmark()")?;
        let name: Arc<str> = format!("nexmark().{}()", kind.name()).into();
        let all = columns_of(kind);
        let has: Vec<String> = all.iter().map(|(name, _)| (*name).to_owned()).collect();
        let wanted: Vec<&Field> = scan.columns.iter().map(|column| &fields[*column as usize]).collect();
        let positions = match_columns(&name, wanted.iter().copied(), &has)?;
        let columns: Vec<Column> = positions.iter().map(|position| all[*position].1).collect();
        for (field, column) in wanted.iter().zip(&columns) {
            if field.ty.base != column.base() {
                return Err(ConnectorError::WrongType {
                    path: name.to_string(),
                    column: field.name.clone(),
                    found: rust_name(column.base()),
                    expected: rust_name(field.ty.base),
                    advice: format!("declare it `{}`", rust_name(column.base())),
                });
            }
        }
        let arrow =
            wanted.iter().map(|field| ArrowField::new(&field.name, arrow_type(field.ty.base), field.ty.nullable));
        Ok(Box::new(Self {
            columns,
            schema: Arc::new(Schema::new(arrow.collect::<Vec<_>>())),
            kind,
            times: fields.iter().map(|field| field.name == "date_time").collect(),
            rows: kind.rows_of(events.unwrap_or(event::MOST_EVENTS)),
            is_bounded: events.is_some(),
            split_rows: pace.as_ref().map_or(SPLIT_ROWS, |pace| kind.rows_of(pace.piece()).clamp(1, SPLIT_ROWS)),
            batch_rows: (scan.batch_rows as u64).clamp(1, SPLIT_ROWS),
            pace: pace.map(Arc::new),
            name,
        }))
    }
}

impl Source for NexmarkSource {
    fn splits(&self) -> usize {
        usize::try_from(self.rows.div_ceil(self.split_rows).min(MOST_SPLITS)).unwrap_or(usize::MAX)
    }

    fn open(&self, split: usize) -> Result<Box<dyn SplitReader>, ConnectorError> {
        let first = split as u64 * self.split_rows;
        Ok(Box::new(NexmarkReader {
            columns: self.columns.clone(),
            schema: Arc::clone(&self.schema),
            kind: self.kind,
            rows: first..(first + self.split_rows).min(self.rows),
            batch_rows: self.batch_rows,
            batch: first,
            pace: self.pace.clone(),
            name: Arc::clone(&self.name),
        }))
    }

    fn greatest_time(&self, split: usize, column: u32) -> Option<i64> {
        if self.times.get(column as usize) != Some(&true) {
            return None;
        }
        // Times go up with the number of the event.
        let end = (split as u64 + 1).saturating_mul(self.split_rows).min(self.rows);
        Some(end.checked_sub(1).map_or(i64::MIN, |last| self.kind.time(last)))
    }

    fn is_bounded(&self) -> bool {
        self.is_bounded
    }

    fn statistics(&self) -> SourceStatistics {
        SourceStatistics { rows: self.is_bounded.then_some(self.rows), ..SourceStatistics::default() }
    }
}

/// A piece of one of the streams.
struct NexmarkReader {
    columns: Vec<Column>,
    schema: SchemaRef,
    kind: Kind,
    /// Those that are left.
    rows: Range<u64>,
    batch_rows: u64,
    /// First row of the last batch.
    batch: u64,
    pace: Option<Arc<Pace>>,
    name: Arc<str>,
}

impl NexmarkReader {
    /// The rows of the next batch.
    fn following(&self) -> Range<u64> {
        self.rows.start..(self.rows.start + self.batch_rows).min(self.rows.end)
    }
}

impl SplitReader for NexmarkReader {
    fn next(&mut self) -> Result<Option<RecordBatch>, ConnectorError> {
        let rows = self.following();
        if let (Some(pace), false) = (&self.pace, rows.is_empty()) {
            pace.wait_for(self.kind.event(rows.end - 1));
        }
        match self.poll()? {
            Polled::Batch(batch) => Ok(Some(batch)),
            Polled::Nothing | Polled::End => Ok(None),
        }
    }

    fn poll(&mut self) -> Result<Polled, ConnectorError> {
        let rows = self.following();
        if rows.is_empty() {
            return Ok(Polled::End);
        }
        if self.pace.as_ref().is_some_and(|pace| !pace.is_due(self.kind.event(rows.end - 1))) {
            return Ok(Polled::Nothing);
        }
        self.rows.start = rows.end;
        self.batch = rows.start;
        let len = usize::try_from(rows.end - rows.start).expect("a batch is smaller than a split");
        let columns = self.columns.iter().map(|column| column.array(rows.clone())).collect();
        let options = RecordBatchOptions::new().with_row_count(Some(len));
        let batch = RecordBatch::try_new_with_options(Arc::clone(&self.schema), columns, &options);
        Ok(Polled::Batch(batch.expect("columns are made by their types")))
    }

    fn bytes_read(&self) -> u64 {
        0
    }

    fn position(&self) -> Position {
        Position::contiguous(Arc::clone(&self.name), self.batch)
    }
}

#[cfg(test)]
mod tests;
