//! Windows of a key's own rows, sessions and numbers of rows: workers part rows by key group, and the state of each partition takes its
//! rows in the order of the input, as those of streams do.

use super::counted::Counted;
use super::kept::KeptEnd;
use super::sessions::Sessions;
use crate::error::RunError;
use crate::operator::aggregate::GroupSpec;
use crate::operator::collect::Rows;
use crate::operator::key::KeyLayout;
use crate::operator::stream::{GivenOrder, StreamState};
use crate::primitive::pool::Pool;
use crate::registers::{Registers, Selection};
use crate::scheduler::JobRun;
use crate::spill::fields;
use crate::watermark::{Clock, Unit};
use sabot_abi::CHUNK_ROWS;
use sabot_abi::manifest::{AggregateInput, BaseType, ColumnType, Field, Reg, TableKind};
use sabot_abi::stream::{LateRows, WindowKind};
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Arc, OnceLock};

/// Times, and watermarks.
pub(super) const TIME: ColumnType = ColumnType { base: BaseType::TimestampUs, nullable: false };

/// What such a table holds.
#[derive(Debug)]
pub(crate) struct KeyedWindows {
    pub(super) groups: GroupSpec,
    pub(super) kind: WindowKind,
    pub(super) allowed_us: i64,
    /// Sessions are given unfinished this often.
    pub(super) emit_every_us: Option<i64>,
    pub(crate) processing_time: bool,
    pub(crate) clock: Arc<Clock>,
    /// How keys are laid out.
    pub(super) layout: KeyLayout,
    shape: OnceLock<Shape>,
}

/// In which columns rows are kept: the key's, what the accumulators take, those of late rows, time, watermark, place.
#[derive(Debug, PartialEq)]
pub(super) struct Shape {
    pub(super) types: Vec<ColumnType>,
    /// The registers that the columns before time and watermark are filled from.
    pub(super) regs: Vec<Reg>,
    /// What the accumulators take, by column.
    pub(super) inputs: Vec<AggregateInput>,
    pub(super) late: Range<usize>,
    sink: Option<u32>,
    pub(super) time: usize,
    pub(super) watermark: usize,
    /// Where each row stood in its morsel, where that shows.
    pub(super) place: Option<usize>,
}

impl KeyedWindows {
    /// None for windows without a length.
    pub(crate) fn new(table: &TableKind, groups: GroupSpec, kind: WindowKind) -> Option<Self> {
        let TableKind::Window { processing_time, allowed_lateness_us, emit_every_us, .. } = table else { return None };
        let has_length = match kind {
            WindowKind::Session { gap_us } => gap_us > 0,
            WindowKind::Count { rows } => rows > 0,
            WindowKind::Tumbling { .. } | WindowKind::Sliding { .. } | WindowKind::Cumulate { .. } => false,
        };
        let layout = KeyLayout::new(&groups.keys, true);
        has_length.then(|| Self {
            groups,
            kind,
            allowed_us: (*allowed_lateness_us).max(0),
            emit_every_us: emit_every_us.filter(|every| *every > 0),
            processing_time: *processing_time,
            clock: Arc::default(),
            layout,
            shape: OnceLock::new(),
        })
    }

    /// Types of what it gives.
    pub(crate) fn columns(&self) -> Vec<ColumnType> {
        let bounds = if matches!(self.kind, WindowKind::Session { .. }) { 2 } else { 0 };
        let calls = self.groups.calls.iter().map(|call| call.ty);
        self.groups.keys.iter().copied().chain(std::iter::repeat_n(TIME, bounds)).chain(calls).collect()
    }

    /// An empty state.
    pub(crate) fn state(windows: &Arc<Self>) -> Box<dyn StreamState> {
        match windows.kind {
            WindowKind::Session { gap_us } => Box::new(Sessions::new(windows, gap_us)),
            WindowKind::Count { rows } => Box::new(Counted::new(windows, rows)),
            WindowKind::Tumbling { .. } | WindowKind::Sliding { .. } | WindowKind::Cumulate { .. } => {
                unreachable!("such windows are made of slices")
            }
        }
    }

    /// Says what rows are made of; whether all ways into the table agree.
    pub(crate) fn shape(
        &self,
        keys: &[Reg],
        inputs: &[AggregateInput],
        has_time: bool,
        late: Option<&LateRows>,
        registers: &[Field],
    ) -> bool {
        let needs_time = matches!(self.kind, WindowKind::Session { .. }) && !self.processing_time;
        if needs_time && !has_time || keys.len() != self.groups.keys.len() {
            return false;
        }
        let mut regs = keys.to_vec();
        let mut of_columns = Vec::new();
        let mut place: BTreeMap<Reg, Reg> = BTreeMap::new();
        for input in inputs {
            let mut column = |reg: Reg| {
                *place.entry(reg).or_insert_with(|| {
                    regs.push(reg);
                    regs.len() as Reg - 1
                })
            };
            let args = input.args.iter().map(|reg| column(*reg)).collect();
            of_columns.push(AggregateInput { args, filter: input.filter.map(&mut column) });
        }
        let first_late = regs.len();
        regs.extend(late.iter().flat_map(|late| &late.columns));
        let Some(types) = regs.iter().map(|reg| Some(registers.get(*reg as usize)?.ty)).collect::<Option<Vec<_>>>()
        else {
            return false;
        };
        let time = types.len();
        let is_placed = late.is_some() || matches!(self.kind, WindowKind::Count { .. });
        let place = is_placed.then_some(ColumnType { base: BaseType::Int64, nullable: false });
        let shape = Shape {
            types: types.into_iter().chain([TIME; 2]).chain(place).collect(),
            late: first_late..regs.len(),
            regs,
            inputs: of_columns,
            sink: late.map(|late| late.sink),
            time,
            watermark: time + 1,
            place: is_placed.then_some(time + 2),
        };
        let types = shape.types.clone();
        self.shape.get_or_init(|| shape).types == types
    }

    pub(super) fn known_shape(&self) -> &Shape {
        self.shape.get().expect("a pipeline that fills the table was resolved")
    }

    /// Where rows go that come too late.
    pub(crate) fn late_sink(&self) -> Option<u32> {
        self.known_shape().sink
    }

    /// A worker's way into it.
    pub(crate) fn end(&self, time: Option<(Reg, Unit)>, watermark: Option<Reg>) -> KeptEnd {
        KeptEnd::new(self, time, watermark)
    }

    /// How the windows of all partitions are ordered: by end and key, those of numbers of rows by their last row.
    pub(crate) fn order(&self) -> GivenOrder {
        let keys = self.groups.keys.len() as u32;
        let by_key = (0..keys).map(|position| (position, false));
        match self.kind {
            WindowKind::Count { .. } => GivenOrder::Places(by_key.collect()),
            WindowKind::Session { .. }
            | WindowKind::Tumbling { .. }
            | WindowKind::Sliding { .. }
            | WindowKind::Cumulate { .. } => {
                GivenOrder::Columns(std::iter::once((keys + 1, false)).chain(by_key).collect())
            }
        }
    }

    /// Writes rows that came too late.
    pub(crate) fn write_late(&self, rows: &Rows, job: &JobRun<'_>) -> Result<(), RunError> {
        let Some(sink) = self.late_sink().and_then(|sink| job.sinks.get(sink as usize)) else { return Ok(()) };
        let types: Vec<ColumnType> = rows.columns.iter().map(|column| column.ty).collect();
        let regs: Vec<Reg> = (0..types.len() as Reg).collect();
        let mut registers = Registers::new(&fields(&types));
        let mut end = sink.end(&regs, &Arc::<Pool>::default());
        for first in (0..rows.rows).step_by(CHUNK_ROWS) {
            let count = (rows.rows - first).min(CHUNK_ROWS);
            registers.load_rows((0..).zip(&rows.columns), first, count);
            end.add(&mut registers, &Selection::all(count));
        }
        Ok(sink.deliver_now(end.take_batches(), &mut *sink.encoder(), &job.waiting_bytes)?)
    }
}
