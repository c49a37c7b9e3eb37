//! A table of windows of a key's own rows: what workers bring is put in order again, and given to the one state as far as the
//! frontiers of the pipelines have come, with the watermark behind it.

use super::Given;
use super::keyed::{KeptEnd, KeyedWindows};
use crate::error::RunError;
use crate::live::Feed;
use crate::operator::collect::{Order, Rows};
use crate::operator::stream::{Output, StreamState};
use crate::scheduler::JobRun;
use crate::watermark::NEVER;
use sabot_abi::manifest::ColumnType;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

/// The table while the job runs.
pub(crate) struct KeyedTable {
    pub(crate) windows: Arc<KeyedWindows>,
    columns: Vec<ColumnType>,
    inbox: Mutex<BTreeMap<(Order, usize), Rows>>,
    state: Mutex<State>,
}

struct State {
    windows: Box<dyn StreamState>,
    watermark: i64,
    accounted: usize,
}

impl std::fmt::Debug for KeyedTable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KeyedTable").field("windows", &self.windows).finish_non_exhaustive()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("a worker that panicked ends the job")
}

impl KeyedTable {
    pub(crate) fn new(windows: KeyedWindows) -> Self {
        let windows = Arc::new(windows);
        let state = State { windows: KeyedWindows::state(&windows), watermark: NEVER, accounted: 0 };
        Self { columns: windows.columns(), windows, inbox: Mutex::default(), state: Mutex::new(state) }
    }

    /// Takes the rows of a morsel; `end` tells the ends of a pipeline apart.
    pub(crate) fn bring(&self, order: Order, end: usize, kept: &mut KeptEnd, waiting_bytes: &AtomicUsize) {
        let Some(rows) = kept.take() else {
            self.windows.clock.end(order);
            return;
        };
        waiting_bytes.fetch_add(rows.memory_bytes(), Ordering::Relaxed);
        lock(&self.inbox).insert((order, end), rows);
    }

    /// Gives the state what has come in order, and the watermark; gives the windows that this completes.
    pub(crate) fn advance(&self, watermark: i64, feeds: &[Feed], job: &JobRun<'_>) -> Result<Given, RunError> {
        let mut state = lock(&self.state);
        let is_done = |((pipeline, seq), _): &(Order, usize)| {
            let is_past = |feed: &Feed| *seq < feed.progress.frontier || feed.progress.is_complete;
            feeds.iter().any(|feed| feed.pipeline == *pipeline && is_past(feed))
        };
        let brought: Vec<((Order, usize), Rows)> =
            lock(&self.inbox).extract_if(.., |place, _| is_done(place)).collect();
        let mut output = Output::new(&self.columns);
        for ((order, _), rows) in &brought {
            self.windows.clock.end(*order);
            state.windows.rows(0, rows, &mut output)?;
            job.waiting_bytes.fetch_sub(rows.memory_bytes(), Ordering::Relaxed);
        }
        if watermark > state.watermark {
            state.windows.watermark(&[watermark], &mut output)?;
            state.watermark = watermark;
        }
        let bytes = state.windows.memory_bytes();
        job.account.update(&mut state.accounted, bytes);
        if let Some(late) = &output.late_rows {
            self.windows.write_late(late, job)?;
        }
        let rows = if output.rows.rows > 0 { vec![output.rows] } else { Vec::new() };
        Ok(Given { rows, refused_groups: output.refused_groups, late: output.late })
    }

    /// Whether it holds nothing.
    pub(crate) fn is_empty(&self) -> bool {
        lock(&self.inbox).is_empty() && lock(&self.state).windows.is_empty()
    }
}
