//! The windows of all workers: slices become complete as the watermark passes, windows are made of them in the order of their
//! ends.
//!
//! When the watermark reaches the end of a slice's first window, all rows that are on time for the slice are there, since
//! whoever comes later is late for that window and goes into a pane of its own. So workers may go on with later morsels while
//! a window is made: what they add is never part of it.

use super::again::{Again, Refirings};
use super::assign::Assign;
use super::build::PaneKey;
use super::merged::{Brought, BroughtKeys, Complete, Sets, Window, WindowKeys};
use super::side::Side;
use crate::error::RunError;
use crate::live::{Feed, GIVEN_ROWS};
use crate::operator::accumulate::RefusedGroup;
use crate::operator::aggregate::{GroupSpec, KeySet, Pane};
use crate::operator::collect::{Order, Rows};
use crate::spill::Account;
use crate::watermark::{Clock, END_OF_TIME, NEVER};
use sabot_abi::manifest::{AggregateFunction, BaseType, ColumnType};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

/// What a table of windows holds.
#[derive(Debug)]
pub(crate) struct WindowSpec {
    pub(crate) groups: GroupSpec,
    pub(crate) assign: Assign,
    pub(crate) allowed_us: i64,
    pub(crate) emit_every_us: Option<i64>,
    pub(crate) processing_time: bool,
    /// Start and end of the window stand behind the keys.
    pub(crate) gives_bounds: bool,
}

impl WindowSpec {
    /// Whether it matters in which order rows of several slices came.
    pub(crate) fn depends_on_order(&self) -> bool {
        self.groups.calls.iter().any(|call| match call.function {
            AggregateFunction::First
            | AggregateFunction::Last
            | AggregateFunction::ArgMin
            | AggregateFunction::ArgMax
            | AggregateFunction::Collect => true,
            // Of two zeros the first wins.
            AggregateFunction::Min | AggregateFunction::Max => {
                call.args.iter().any(|arg| matches!(arg.base, BaseType::Float32 | BaseType::Float64))
            }
            AggregateFunction::Count
            | AggregateFunction::Sum
            | AggregateFunction::Avg
            | AggregateFunction::CountDistinct
            | AggregateFunction::ApproxCountDistinct
            | AggregateFunction::Variance
            | AggregateFunction::Stddev
            | AggregateFunction::Median
            | AggregateFunction::Percentile(_)
            | AggregateFunction::ApproxPercentile(_)
            // Within a slice rows are added as they come, and slices are merged in the order of time.
            | AggregateFunction::User { .. } => false,
        })
    }

    /// Types of what it gives.
    fn types(&self) -> impl Iterator<Item = ColumnType> {
        let time = ColumnType { base: BaseType::TimestampUs, nullable: false };
        let bounds = if self.gives_bounds { 2 } else { 0 };
        let calls = self.groups.calls.iter().map(|call| call.ty);
        self.groups.keys.iter().copied().chain(std::iter::repeat_n(time, bounds)).chain(calls)
    }
}

#[cfg(test)]
pub(super) fn test_spec(assign: Assign, allowed_us: i64) -> WindowSpec {
    let groups = GroupSpec::new(&[], &[], &crate::operator::accumulate::Users::default());
    WindowSpec { groups, assign, allowed_us, emit_every_us: None, processing_time: false, gives_bounds: true }
}

/// A table of windows while the job runs.
#[derive(Debug)]
pub(crate) struct WindowTable {
    pub(crate) spec: Arc<WindowSpec>,
    sides: Mutex<Vec<Arc<Mutex<Side>>>>,
    /// Of windows of the machine's time: the morsels that are worked on.
    pub(crate) clock: Arc<Clock>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    watermark: i64,
    /// End of the last window that has fired.
    fired: i64,
    slices: BTreeMap<i64, Vec<Complete>>,
    /// What they count by.
    sets: Sets,
    /// Rows for which windows fire again, as soon as they have fired once.
    again: Vec<Again>,
    /// When unfinished windows were given last.
    given_early: i64,
    accounted: usize,
}

/// What a table gives, and the keys of groups that it cannot.
#[derive(Debug, Default)]
pub(crate) struct Given {
    pub(crate) rows: Vec<Rows>,
    pub(crate) refused: Vec<RefusedGroup>,
    /// Rows that came too late, where the workers did not count them.
    pub(crate) late: u64,
}

impl WindowTable {
    pub(crate) fn new(spec: WindowSpec) -> Self {
        let state = State {
            watermark: NEVER,
            fired: NEVER,
            slices: BTreeMap::new(),
            sets: Sets::default(),
            again: Vec::new(),
            given_early: NEVER,
            accounted: 0,
        };
        Self { spec: Arc::new(spec), sides: Mutex::default(), clock: Arc::default(), state: Mutex::new(state) }
    }

    /// The side of one more worker.
    pub(crate) fn new_side(&self) -> Arc<Mutex<Side>> {
        let side = Arc::<Mutex<Side>>::default();
        self.sides.lock().expect("a worker that panicked ends the job").push(Arc::clone(&side));
        side
    }

    /// The watermark has come so far: gives the windows that it has passed.
    pub(crate) fn advance(&self, watermark: i64, feeds: &[Feed], account: &Account) -> Result<Given, RunError> {
        let mut state = self.state.lock().expect("a worker that panicked ends the job");
        state.watermark = state.watermark.max(watermark);
        self.seal(&mut state, feeds);
        let mut giving = Giving { spec: &self.spec, given: Given::default(), rows: None };
        while let Some(end) = state.next_end(&self.spec.assign).filter(|end| *end <= state.watermark) {
            let mut window = state.window(&self.spec, end, |key| key.on_time_from <= end);
            let (from, to) = self.spec.assign.slices_of(end);
            let State { again, sets, .. } = &mut *state;
            for row in again.iter().filter(|row| row.is_on_time_for(end, from..to)) {
                window.get_or_insert_with(|| Window::new(&self.spec.groups)).add(row, sets);
            }
            giving.add(end, window, &mut state.sets);
            state.fired = end;
            if state.again.is_empty() {
                state.drop_passed(&self.spec);
            }
        }
        state.fire_again(&self.spec, &mut giving);
        state.drop_passed(&self.spec);
        if let Some(every) = self.spec.emit_every_us.filter(|every| *every > 0 && !is_at_end(watermark)) {
            let due = watermark.saturating_sub(watermark.rem_euclid(every));
            if due > state.given_early {
                state.given_early = due;
                self.give_early(&mut state, due, &mut giving);
            }
        }
        let panes = state.slices.values().flatten().map(|complete| complete.pane.memory_bytes()).sum::<usize>();
        let again = state.again.iter().map(Again::memory_bytes).sum::<usize>();
        let bytes = panes + again + state.sets.memory_bytes();
        account.update(&mut state.accounted, bytes);
        Ok(giving.finish())
    }

    /// Gives the windows that have begun and not ended, as they are now.
    fn give_early(&self, state: &mut State, now: i64, giving: &mut Giving<'_>) {
        let (spec, assign) = (&self.spec, &self.spec.assign);
        let mut windows: BTreeMap<i64, (KeySet, Pane)> = BTreeMap::new();
        let mut take = |key: &PaneKey, pane: &Pane, set: &KeySet| {
            let mut end = key.from_end.max(assign.end_from(state.watermark.saturating_add(1)));
            while end <= assign.last_end(key.slice) && assign.start_of(end) < now {
                let new = || (KeySet::new(&spec.groups), Pane::new(&spec.groups));
                let (keys, window) = windows.entry(end).or_insert_with(new);
                window.add_of(keys, pane, set);
                end = assign.end_from(end.saturating_add(1));
            }
        };
        let complete = state.slices.values().flatten();
        complete.for_each(|complete| take(&complete.key, &complete.pane, state.sets.get(complete.set)));
        for side in self.sides.lock().expect("a worker that panicked ends the job").iter() {
            let side = side.lock().expect("a worker that panicked ends the job");
            side.panes.iter().for_each(|(key, filled)| take(key, &filled.pane, &side.sets[&filled.set]));
        }
        let refused = giving.given.refused.len();
        for (end, (keys, pane)) in windows {
            let window = Window { keys: WindowKeys::Own(Box::new(keys)), pane };
            giving.add(end, Some(window), &mut state.sets);
        }
        // What has no value yet may still get one.
        giving.given.refused.truncate(refused);
    }

    /// Takes the panes of the workers that are complete, and those that windows are to take that have fired before.
    fn seal(&self, state: &mut State, feeds: &[Feed]) {
        let sides = self.sides.lock().expect("a worker that panicked ends the job").clone();
        let mut sealed: BTreeMap<PaneKey, Vec<Brought>> = BTreeMap::new();
        let is_done =
            |(pipeline, seq): Order| feeds.iter().any(|feed| feed.pipeline == pipeline && seq < feed.progress.frontier);
        let mut has_begun = false;
        for (number, side) in sides.iter().enumerate() {
            let mut side = side.lock().expect("a worker that panicked ends the job");
            state.again.extend(side.again.extract_if(.., |row| is_done(row.order)));
            let is_complete = |key: &PaneKey| key.on_time_from <= state.watermark;
            let keys: Vec<PaneKey> = side.panes.keys().filter(|key| is_complete(key)).copied().collect();
            for key in keys {
                let Some((filled, own)) = side.take(&key) else { continue };
                let keys = match own {
                    Some(set) => BroughtKeys::Own(Box::new(set)),
                    None => {
                        if !std::mem::replace(&mut has_begun, true) {
                            state.sets.begin(&self.spec.groups);
                        }
                        let of = (number, filled.set);
                        state.sets.learn(of, &side.sets[&filled.set]);
                        BroughtKeys::Of(of)
                    }
                };
                sealed.entry(key).or_default().push(Brought { pane: filled.pane, keys });
            }
        }
        // Rows of one morsel are one worker's, and in order.
        state.again.sort_by_key(|row| row.order);
        for row in &state.again {
            state.slices.entry(row.key.slice).or_default();
        }
        for (key, panes) in sealed {
            let complete = state.sets.complete(&self.spec.groups, key, panes);
            state.slices.entry(key.slice).or_default().push(complete);
        }
        if has_begun {
            let is_there = |(number, set): (usize, u32)| {
                let side = sides[number].lock().expect("a worker that panicked ends the job");
                side.sets.contains_key(&set)
            };
            state.sets.forget(is_there);
        }
    }

    /// Whether it holds nothing: at the end of the job nothing may be left.
    pub(crate) fn is_empty(&self) -> bool {
        let sides = self.sides.lock().expect("a worker that panicked ends the job");
        let is_empty =
            |side: &Arc<Mutex<Side>>| side.lock().is_ok_and(|side| side.panes.is_empty() && side.again.is_empty());
        let has_given = |state: &State| state.slices.is_empty() && state.again.is_empty();
        sides.iter().all(is_empty) && self.state.lock().is_ok_and(|state| has_given(&state))
    }
}

fn is_at_end(watermark: i64) -> bool {
    watermark == NEVER || watermark == END_OF_TIME
}

impl State {
    /// End of the next window that some slice is a part of.
    fn next_end(&self, assign: &Assign) -> Option<i64> {
        let slice = self.slices.keys().find(|slice| self.fired == NEVER || assign.last_end(**slice) > self.fired)?;
        let first = assign.first_end(*slice);
        Some(if self.fired < first { first } else { assign.end_from(self.fired.saturating_add(1)) })
    }

    /// The groups of the window with an end, of those panes that are wanted. Panes that no other window takes are used up.
    fn window(&mut self, spec: &WindowSpec, end: i64, is_wanted: impl Fn(&PaneKey) -> bool) -> Option<Window> {
        let (from, to) = spec.assign.slices_of(end);
        let mut own = Vec::new();
        for (slice, panes) in self.slices.range_mut(from..to) {
            if spec.allowed_us == 0 && spec.assign.last_end(*slice) <= end {
                own.extend(panes.extract_if(.., |complete| is_wanted(&complete.key)));
            }
        }
        let shared = self.slices.range(from..to).flat_map(|(_, panes)| panes);
        let shared: Vec<&Complete> = shared.filter(|complete| is_wanted(&complete.key)).collect();
        self.sets.window(&spec.groups, own, &shared)
    }

    /// Each row that came late gives the windows that have fired once more, with its key; windows to come take it as well.
    fn fire_again(&mut self, spec: &WindowSpec, giving: &mut Giving<'_>) {
        if self.again.is_empty() {
            return;
        }
        let last_again = |key: &PaneKey| spec.assign.last_end(key.slice).min(key.on_time_from.saturating_sub(1));
        // Where other partitions are behind, the window has yet to fire.
        let watermark = self.watermark;
        let has_fired = |row: &mut Again| {
            let first_later = spec.assign.end_from(watermark.saturating_add(1));
            first_later > last_again(&row.key)
        };
        let rows: Vec<Again> = self.again.extract_if(.., has_fired).collect();
        let mut refirings = Refirings::default();
        let mut give =
            |end, window: &mut Window, wanted: &[u8], sets: &mut Sets| giving.give(end, window, wanted, sets);
        for row in &rows {
            let mut end = row.key.from_end;
            while end <= last_again(&row.key) {
                let (from, to) = spec.assign.slices_of(end);
                let before = self.slices.range(from..to).flat_map(|(_, panes)| panes);
                let before: Vec<&Complete> = before.filter(|complete| complete.key.from_end <= end).collect();
                let make = |sets: &mut Sets| {
                    let window = sets.window(&spec.groups, Vec::new(), &before);
                    let mut window = window.unwrap_or_else(|| Window::new(&spec.groups));
                    let others = rows.iter().chain(&self.again).filter(|row| row.is_on_time_for(end, from..to));
                    others.for_each(|row| window.add(row, sets));
                    window
                };
                refirings.add(end, row, &mut self.sets, make, &mut give);
                end = spec.assign.end_from(end.saturating_add(1));
            }
        }
        refirings.finish(&mut self.sets, give);
        for row in rows {
            self.sets.keep_row(self.slices.entry(row.key.slice).or_default(), row);
        }
    }

    /// Drops the slices that no window takes any more.
    fn drop_passed(&mut self, spec: &WindowSpec) {
        let (fired, watermark) = (self.fired, self.watermark);
        let is_passed = |slice: i64| {
            let last = spec.assign.last_end(slice);
            last <= fired && last.saturating_add(spec.allowed_us) <= watermark
        };
        while let Some(slice) = self.slices.first_entry().filter(|slice| is_passed(*slice.key())) {
            slice.remove();
        }
        self.sets.keep(self.slices.values().flatten().map(|complete| complete.set));
    }
}

/// Windows on their way out.
struct Giving<'a> {
    spec: &'a WindowSpec,
    given: Given,
    rows: Option<Rows>,
}

impl Giving<'_> {
    fn add(&mut self, end: i64, window: Option<Window>, sets: &mut Sets) {
        let Some(mut window) = window else { return };
        let wanted = window.pane.take_seen();
        self.give(end, &mut window, &wanted, sets);
    }

    /// Gives the groups of a window that are wanted, by number.
    fn give(&mut self, end: i64, window: &mut Window, wanted: &[u8], sets: &mut Sets) {
        let (set, pane) = window.set(sets);
        let rows = self.rows.get_or_insert_with(|| Rows::new(self.spec.types()));
        let bounds = self.spec.gives_bounds.then(|| (self.spec.assign.start_of(end), end));
        pane.give(set, &self.spec.groups, wanted, bounds, rows, &mut self.given.refused);
        if rows.rows >= GIVEN_ROWS {
            self.given.rows.extend(self.rows.take());
        }
    }

    fn finish(mut self) -> Given {
        self.given.rows.extend(self.rows.take().filter(|rows| rows.rows > 0));
        self.given
    }
}
