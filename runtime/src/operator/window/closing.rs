//! Rows that are sorted, or the first of them picked, window by window: each row says where its window ends, and a window's rows
//! are given when the watermark has passed that.

use super::table::Given;
use crate::live::GIVEN_ROWS;
use crate::morsel::Seq;
use crate::operator::collect::{Order, Rows};
use crate::operator::rows::{self, Collect, RowsSpec};
use crate::primitive::bitmap;
use crate::registers::{Registers, Selection};
use crate::spill::Account;
use crate::watermark::{NEVER, Unit};
use sabot_abi::CHUNK_WORDS;
use sabot_abi::manifest::Reg;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

/// Rows by the end of their window.
type Side = BTreeMap<i64, (Collect, Order)>;

/// A table of rows while the job runs.
#[derive(Debug)]
pub(crate) struct ClosingTable {
    pub(crate) spec: RowsSpec,
    /// Position of the window's end.
    pub(crate) closes: u32,
    sides: Mutex<Vec<Arc<Mutex<Side>>>>,
    accounted: Mutex<usize>,
}

impl ClosingTable {
    pub(crate) fn new(spec: RowsSpec, closes: u32) -> Self {
        Self { spec, closes, sides: Mutex::default(), accounted: Mutex::default() }
    }

    /// A worker's way into it.
    pub(crate) fn end(&self, columns: &[Reg], time: (Reg, Unit)) -> ClosingEnd {
        let side = Arc::<Mutex<Side>>::default();
        self.sides.lock().expect("a worker that panicked ends the job").push(Arc::clone(&side));
        ClosingEnd {
            spec: self.spec.clone(),
            columns: columns.to_vec(),
            time,
            side,
            order: (0, Seq::START),
            watermark: NEVER,
            late: 0,
        }
    }

    /// The watermark has come so far: gives the rows of the windows that it has passed.
    pub(crate) fn advance(&self, watermark: i64, account: &Account) -> Given {
        let sides = self.sides.lock().expect("a worker that panicked ends the job").clone();
        let mut windows: BTreeMap<i64, Vec<Rows>> = BTreeMap::new();
        let mut bytes = 0;
        for side in sides {
            let mut side = side.lock().expect("a worker that panicked ends the job");
            while let Some(window) = side.first_entry().filter(|window| *window.key() <= watermark) {
                let (end, (collect, _)) = window.remove_entry();
                windows.entry(end).or_default().push(collect.into_rows());
            }
            bytes += side.values().map(|(collect, _)| collect.memory_bytes()).sum::<usize>();
        }
        account.update(&mut self.accounted.lock().expect("a worker that panicked ends the job"), bytes);
        let mut given = Given::default();
        for (_, parts) in windows {
            let window = rows::finish(&self.spec, parts, 1);
            match given.rows.last_mut().filter(|last| last.rows < GIVEN_ROWS) {
                Some(last) => last.take_over(window),
                None => given.rows.push(window),
            }
        }
        given
    }

    /// Whether it holds nothing.
    pub(crate) fn is_empty(&self) -> bool {
        let sides = self.sides.lock().expect("a worker that panicked ends the job");
        sides.iter().all(|side| side.lock().is_ok_and(|side| side.is_empty()))
    }
}

/// A worker's way into the table.
#[derive(Debug)]
pub(crate) struct ClosingEnd {
    spec: RowsSpec,
    columns: Vec<Reg>,
    time: (Reg, Unit),
    side: Arc<Mutex<Side>>,
    order: Order,
    watermark: i64,
    /// Of the last chunk: rows that came too late.
    pub(crate) late: usize,
}

impl ClosingEnd {
    /// What comes now is of this morsel.
    pub(crate) fn start(&mut self, order: Order, watermark: i64) {
        self.order = order;
        self.watermark = watermark;
    }

    /// Adds the selected rows of a chunk.
    pub(crate) fn add(&mut self, registers: &mut Registers, selection: &Selection) {
        self.late = 0;
        let (reg, unit) = self.time;
        let mut windows: Vec<(i64, Selection)> = Vec::new();
        {
            let ends = registers.values::<i64>(reg, selection.rows);
            let valid = registers.validity(reg, selection.rows);
            let mut at = usize::MAX;
            bitmap::for_each(selection.used(), |row| {
                let is_valid = valid.is_none_or(|valid| bitmap::get(valid, row));
                let end = if is_valid { unit.to_us(ends[row]) } else { i64::MAX - 1 };
                if end <= self.watermark {
                    self.late += 1;
                    return;
                }
                if windows.get(at).is_none_or(|(other, _)| *other != end) {
                    at = windows.iter().position(|(other, _)| *other == end).unwrap_or_else(|| {
                        windows.push((end, Selection { words: [0; CHUNK_WORDS], rows: selection.rows, count: 0 }));
                        windows.len() - 1
                    });
                }
                let (_, part) = &mut windows[at];
                bitmap::set(&mut part.words, row);
                part.count += 1;
            });
        }
        if windows.len() > 1 {
            self.columns.iter().for_each(|reg| registers.materialise(*reg, selection, false));
        }
        let side = Arc::clone(&self.side);
        let mut side = side.lock().expect("a worker that panicked ends the job");
        for (end, part) in windows {
            let order = self.order;
            let (collect, last) = side.entry(end).or_insert_with(|| {
                let mut collect = Collect::new(&self.spec, &self.columns);
                collect.start(order);
                (collect, order)
            });
            if *last != order {
                collect.prune();
                collect.start(order);
                *last = order;
            }
            collect.add(registers, &part);
        }
    }
}
