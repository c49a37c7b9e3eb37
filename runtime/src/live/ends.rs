//! Where rows end in live tables: resolved, and as a worker's side.

use super::table::{LiveKind, LiveTable};
use crate::error::RunError;
use crate::operator::collect::Order;
use crate::operator::stream::StreamTable;
use crate::operator::window::{KeptEnd, KeyedWindows, WindowEnd, WindowTable};
use crate::scheduler::EndSpec;
use crate::spill::Account;
use crate::watermark::Unit;
use sabot_abi::manifest::{AggregateInput, Field, Reg};
use sabot_abi::stream::LateRows;
use std::sync::atomic::AtomicUsize;

/// What workers make their sides of windows of.
pub(crate) struct WindowSpecs<'a> {
    table: &'a WindowTable,
    pub(crate) account: &'a Account,
    time: Option<(Reg, Unit)>,
    watermark: Option<Reg>,
    keys: &'a [Reg],
    inputs: &'a [AggregateInput],
    pub(crate) late: Option<&'a LateRows>,
}

impl WindowSpecs<'_> {
    /// A worker's side.
    pub(crate) fn end(&self) -> WindowEnd {
        let reads = (self.keys, self.inputs, self.late.map_or(&[][..], |late| &late.columns));
        WindowEnd::new((&self.table.spec, &self.table.clock), self.table.new_side(), self.time, self.watermark, reads)
    }
}

fn bad(what: &str) -> RunError {
    RunError::BadManifest(what.to_owned())
}

/// A register that holds times.
fn time_of(reg: Reg, registers: &[Field]) -> Result<(Reg, Unit), RunError> {
    let unit = registers.get(reg as usize).and_then(|field| Unit::of(field.ty.base));
    Ok((reg, unit.ok_or_else(|| bad("it takes for a time what is none"))?))
}

/// What workers make their ways into windows of a key's rows of.
pub(crate) struct KeptSpec<'a> {
    table: &'a StreamTable,
    pub(crate) windows: &'a KeyedWindows,
    time: Option<(Reg, Unit)>,
    watermark: Option<Reg>,
}

impl KeptSpec<'_> {
    /// A worker's way.
    pub(crate) fn end(&self) -> KeptEnd {
        self.windows.end(self.time, self.watermark)
    }

    /// Brings the rows of a morsel; `end` tells the ends of a pipeline apart.
    pub(crate) fn bring(&self, order: Order, end: usize, kept: &mut KeptEnd, waiting_bytes: &AtomicUsize) {
        self.table.bring(order, 0, kept.take(end), waiting_bytes);
    }
}

impl LiveTable {
    /// The end of rows in windows: their time, the watermark before them, and where they go when they are late.
    pub(crate) fn window_end<'a>(
        &'a self,
        (time, watermark, late): (Option<Reg>, Option<Reg>, Option<&'a LateRows>),
        keys: &'a [Reg],
        inputs: &'a [AggregateInput],
        registers: &[Field],
    ) -> Result<EndSpec<'a>, RunError> {
        if let LiveKind::Stream(table) = &self.kind
            && let Some(windows) = table.windows()
        {
            let time = time.map(|reg| time_of(reg, registers)).transpose()?;
            if !windows.shape(keys, inputs, time.is_some(), late, registers) {
                return Err(bad("what fills windows of a key's rows differs from way to way, or has no time"));
            }
            return Ok(EndSpec::Kept(KeptSpec { table, windows, time, watermark }));
        }
        let LiveKind::Window(table) = &self.kind else { return Err(bad("it fills a table that has no windows")) };
        if time.is_none() && !table.spec.processing_time {
            return Err(bad("rows without a time go into a window of time"));
        }
        let time = time.filter(|_| !table.spec.processing_time).map(|reg| time_of(reg, registers)).transpose()?;
        let watermark = watermark.filter(|_| !table.spec.processing_time);
        Ok(EndSpec::Window(WindowSpecs { table, account: &self.account, time, watermark, keys, inputs, late }))
    }

    /// The end of rows in accumulators by the end of their window.
    pub(crate) fn aggregate_end<'a>(
        &'a self,
        keys: &'a [Reg],
        inputs: &'a [AggregateInput],
        registers: &[Field],
    ) -> Result<EndSpec<'a>, RunError> {
        let LiveKind::Window(table) = &self.kind else { return Err(bad("it aggregates into a table of rows")) };
        let reg = self.closes.and_then(|closes| keys.get(closes as usize));
        let time = Some(time_of(*reg.ok_or_else(|| bad("a table closes by a key that it does not have"))?, registers)?);
        Ok(EndSpec::Window(WindowSpecs {
            table,
            account: &self.account,
            time,
            watermark: None,
            keys,
            inputs,
            late: None,
        }))
    }

    /// The end of rows that are sorted by the end of their window.
    pub(crate) fn closing_end<'a>(&'a self, columns: &'a [Reg], registers: &[Field]) -> Result<EndSpec<'a>, RunError> {
        let LiveKind::Rows(table) = &self.kind else { return Err(bad("it collects into a table of groups")) };
        let reg = columns.get(table.closes as usize);
        let time = time_of(*reg.ok_or_else(|| bad("a table closes by a column that it does not have"))?, registers)?;
        Ok(EndSpec::Closing { table, columns, time })
    }
}
