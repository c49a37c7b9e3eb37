//! The ways of workers into the tables of streams: rows of chunks, morsel by morsel.

use super::{Feed, LookupTable, StateOf, StreamSpec, StreamTable};
use crate::error::RunError;
use crate::operator::collect::{Order, Rows};
use crate::registers::{Registers, Selection};
use sabot_abi::manifest::Reg;
use std::sync::atomic::AtomicUsize;

/// Where a way leads.
#[derive(Clone, Copy)]
pub(crate) enum To<'a> {
    /// Parted by key.
    Stream(&'a StreamTable),
    /// As they stand.
    Lookup(&'a LookupTable),
}

/// What workers make their ways into a table of.
pub(crate) struct FeedSpec<'a> {
    to: To<'a>,
    spec: &'a StreamSpec,
    input: u32,
    keys: &'a [Reg],
    time: Option<Reg>,
    columns: &'a [Reg],
}

impl<'a> FeedSpec<'a> {
    /// An error if the rows are not what the input takes.
    pub(crate) fn new(
        to: To<'a>,
        input: u32,
        keys: &'a [Reg],
        time: Option<Reg>,
        columns: &'a [Reg],
    ) -> Result<Self, RunError> {
        let spec = match to {
            To::Stream(table) => match &table.of {
                StateOf::Stream(spec) => spec,
                StateOf::Windows(_) => {
                    return Err(RunError::BadManifest("rows without a window go into a table of windows".into()));
                }
            },
            To::Lookup(_) if input != 0 => {
                return Err(RunError::BadManifest("rows go into what is asked by key".into()));
            }
            To::Lookup(table) => &table.spec,
        };
        spec.check_feed(input, keys.len(), time.is_some(), columns.len())?;
        Ok(Self { to, spec, input, keys, time, columns })
    }

    /// A worker's side.
    pub(crate) fn end(&self) -> FeedEnd<'a> {
        let way = match self.to {
            To::Stream(table) => {
                Way::Parted(table, Box::new(Feed::new(self.spec, self.input, self.keys, self.time, self.columns)))
            }
            To::Lookup(table) => {
                let regs = self.keys.iter().chain(self.columns).copied().collect();
                Way::Whole { table, regs, rows: table.empty() }
            }
        };
        FeedEnd { input: self.input, way, order: None }
    }
}

enum Way<'a> {
    Parted(&'a StreamTable, Box<Feed>),
    Whole { table: &'a LookupTable, regs: Vec<Reg>, rows: Rows },
}

/// A worker's way into a table.
pub(crate) struct FeedEnd<'a> {
    input: u32,
    way: Way<'a>,
    order: Option<Order>,
}

impl FeedEnd<'_> {
    /// What comes now is of this morsel.
    pub(crate) fn start(&mut self, order: Order) {
        self.order = Some(order);
        match &mut self.way {
            Way::Parted(_, feed) => feed.start(order),
            Way::Whole { rows, .. } => rows.start(order),
        }
    }

    /// Adds the selected rows of a chunk.
    pub(crate) fn add(&mut self, registers: &mut Registers, selection: &Selection) {
        match &mut self.way {
            Way::Parted(_, feed) => feed.add(registers, selection),
            Way::Whole { regs, rows, .. } => rows.add(regs, registers, selection),
        }
    }

    /// Brings what the morsel has.
    pub(crate) fn end_morsel(&mut self, waiting_bytes: &AtomicUsize) {
        let Some(order) = self.order else { return };
        match &mut self.way {
            Way::Parted(table, feed) => table.bring(order, self.input, feed.take(), waiting_bytes),
            Way::Whole { table, rows, .. } => table.bring(order, std::mem::replace(rows, table.empty())),
        }
    }
}
