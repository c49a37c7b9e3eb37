//! When the first rows of the input are enough: of a source, or of what the morsels of a pipeline have brought in input order.

use crate::connector::{ConnectorError, Position, Source, SourceStatistics, SplitReader};
use crate::morsel::Seq;
use arrow_array::RecordBatch;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

/// A number of rows that are wanted.
#[derive(Debug)]
pub(crate) struct Limit {
    wanted: u64,
    state: Mutex<(u64, BTreeMap<Seq, u64>)>,
}

impl Limit {
    pub(crate) fn new(wanted: u64) -> Self {
        Self { wanted, state: Mutex::default() }
    }

    /// A morsel has brought that many.
    pub(crate) fn add(&self, seq: Seq, rows: u64) {
        self.state.lock().expect("a worker that panicked ends the job").1.insert(seq, rows);
    }

    /// Whether the morsels before `frontier`, which are all done, have brought enough.
    pub(crate) fn is_reached(&self, frontier: Seq) -> bool {
        let mut state = self.state.lock().expect("a worker that panicked ends the job");
        let (in_order, later) = &mut *state;
        while later.first_key_value().is_some_and(|(seq, _)| *seq < frontier) {
            *in_order += later.pop_first().map_or(0, |(_, rows)| rows);
        }
        *in_order >= self.wanted
    }
}

/// The first rows of a source: its splits one after the other, until there are enough.
pub(crate) struct FirstRows {
    source: Arc<dyn Source>,
    rows: u64,
}

impl FirstRows {
    pub(crate) fn new(source: Box<dyn Source>, rows: u64) -> Self {
        Self { source: Arc::from(source), rows }
    }
}

impl Source for FirstRows {
    fn splits(&self) -> usize {
        1
    }

    fn open(&self, _split: usize) -> Result<Box<dyn SplitReader>, ConnectorError> {
        Ok(Box::new(FirstRowsReader {
            source: Arc::clone(&self.source),
            left: self.rows,
            next_split: 0,
            reader: None,
            bytes_before: 0,
            position: Position::contiguous("".into(), 0),
        }))
    }

    fn statistics(&self) -> SourceStatistics {
        let statistics = self.source.statistics();
        SourceStatistics { rows: statistics.rows.map(|rows| rows.min(self.rows)), bytes: None, ..statistics }
    }
}

struct FirstRowsReader {
    source: Arc<dyn Source>,
    left: u64,
    next_split: usize,
    reader: Option<Box<dyn SplitReader>>,
    bytes_before: u64,
    position: Position,
}

impl SplitReader for FirstRowsReader {
    fn next(&mut self) -> Result<Option<RecordBatch>, ConnectorError> {
        while self.left > 0 {
            let reader = match &mut self.reader {
                Some(reader) => reader,
                None if self.next_split == self.source.splits() => return Ok(None),
                None => {
                    self.next_split += 1;
                    self.reader.insert(self.source.open(self.next_split - 1)?)
                }
            };
            if let Some(batch) = reader.next()? {
                self.position = reader.position();
                let rows = self.left.min(batch.num_rows() as u64);
                self.left -= rows;
                return Ok(Some(batch.slice(0, rows as usize)));
            }
            self.bytes_before += reader.bytes_read();
            self.reader = None;
        }
        Ok(None)
    }

    fn bytes_read(&self) -> u64 {
        self.bytes_before + self.reader.as_ref().map_or(0, |reader| reader.bytes_read())
    }

    fn position(&self) -> Position {
        self.position.clone()
    }
}
