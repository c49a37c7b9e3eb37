//! Sessions: rows of a key that are less than a gap apart, in any order within the lateness.
//!
//! A row joins the sessions of its key that are open for it, which makes them one; a session is open for a row as long as the
//! watermark before the row has not passed its end (and the lateness that is allowed). Every piece of a session has a group of
//! accumulators; the groups of a session are put together when it fires. A row that no session takes, and that would be one
//! that is closed, is late. Where lateness is allowed, a session fires before the first row that comes behind its end, and again
//! with each of them: what is given does not depend on how the rows were cut into batches.

use super::keyed::KeyedWindows;
use crate::column::{Column, Values};
use crate::error::RunError;
use crate::morsel::Seq;
use crate::operator::accumulate::{self, Accumulators, Refused, Scratch};
use crate::operator::collect::{Order, Rows};
use crate::operator::stream::keyed::Keyed;
use crate::operator::stream::{Output, StreamState};
use crate::primitive::bitmap;
use crate::primitive::hash_table::NONE;
use crate::registers::{AcrossThreads, Registers, Selection};
use crate::spill::fields;
use crate::watermark::{END_OF_TIME, NEVER};
use sabot_abi::manifest::AggregateFunction;
use sabot_abi::{CHUNK_ROWS, CHUNK_WORDS};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};
use std::sync::Arc;

/// Fewer groups of a partition are not looked through for those that were given.
const LEAST_GROUPS: usize = if cfg!(debug_assertions) { 64 } else { 1 << 12 };

/// Where rows came from, where that does not matter.
pub(super) const SOME_ORDER: Order = (0, Seq::START);

/// Rows of a key.
#[derive(Debug)]
struct Session {
    number: u64,
    first: i64,
    last: i64,
    /// Of the accumulators.
    groups: Vec<u32>,
    /// It was given as it was.
    is_fired: bool,
}

/// The state.
pub(super) struct Sessions {
    windows: Arc<KeyedWindows>,
    gap: i64,
    keyed: Keyed,
    /// By key.
    open: Vec<Vec<Session>>,
    sessions: usize,
    next_number: u64,
    groups: usize,
    accumulators: Vec<Accumulators>,
    /// Which rows came when, where that matters for what is put together.
    runs: Vec<Order>,
    next_run: u64,
    /// When to look at a session again: time, key, number.
    timers: BinaryHeap<Reverse<(i64, u32, u64)>>,
    registers: Option<AcrossThreads<Registers>>,
    keys: Vec<u32>,
    scratch: Scratch,
    watermark: i64,
    /// Unfinished sessions were given when event time had come so far.
    given_early: i64,
    depends_on_order: bool,
}

impl Sessions {
    pub(super) fn new(windows: &Arc<KeyedWindows>, gap: i64) -> Self {
        let groups = &windows.groups;
        let depends_on_order = groups.calls.iter().any(|call| match call.function {
            AggregateFunction::First
            | AggregateFunction::Last
            | AggregateFunction::ArgMin
            | AggregateFunction::ArgMax
            | AggregateFunction::Min
            | AggregateFunction::Max
            | AggregateFunction::Collect => true,
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
            | AggregateFunction::User { .. } => false,
        });
        Self {
            gap,
            keyed: Keyed::new(&windows.layout, &groups.keys, true),
            open: Vec::new(),
            sessions: 0,
            next_number: 0,
            groups: 0,
            accumulators: groups.accumulators(),
            runs: vec![SOME_ORDER],
            next_run: 1,
            timers: BinaryHeap::new(),
            registers: None,
            keys: Vec::new(),
            scratch: Scratch::default(),
            watermark: NEVER,
            given_early: NEVER,
            depends_on_order,
            windows: Arc::clone(windows),
        }
    }

    fn end_of(&self, last: i64) -> i64 {
        last.saturating_add(self.gap)
    }

    /// Whether a session takes a row.
    fn takes(&self, time: i64, watermark: i64) -> impl Fn(&Session) -> bool + use<> {
        let (gap, allowed) = (self.gap, self.windows.allowed_us);
        move |session| {
            let end = session.last.saturating_add(gap);
            watermark < end.saturating_add(allowed) && time < end && session.first < time.saturating_add(gap)
        }
    }

    /// The sessions that are to fire before they take a row: event time has passed their ends.
    fn due(&self, key: u32, time: i64, watermark: i64) -> Vec<(i64, u32, u64)> {
        let takes = self.takes(time, watermark);
        let ends = self.open[key as usize].iter().filter(|session| !session.is_fired && takes(session));
        let ends = ends.map(|session| (self.end_of(session.last), key, session.number));
        let mut due: Vec<_> = ends.filter(|(end, ..)| *end <= watermark).collect();
        due.sort_unstable();
        due
    }

    /// A row was placed in the session with this group: whether it fires at once, since event time has passed its end. If a row
    /// has moved the end on, it is open again.
    fn fires_with(&mut self, key: u32, group: u32, watermark: i64) -> Option<(i64, u32, u64)> {
        let gap = self.gap;
        let session = self.open[key as usize].iter_mut().find(|session| session.groups.contains(&group))?;
        let fired = (session.last.saturating_add(gap), key, session.number);
        if fired.0 > watermark && std::mem::take(&mut session.is_fired) {
            self.timers.push(Reverse(fired));
        }
        (fired.0 <= watermark).then_some(fired)
    }

    /// The group that a row is added to; `None`: it is late.
    fn place(&mut self, key: u32, time: i64, watermark: i64) -> Option<u32> {
        let (gap, allowed) = (self.gap, self.windows.allowed_us);
        let takes = self.takes(time, watermark);
        let of_key = &mut self.open[key as usize];
        let Some(at) = of_key.iter().position(&takes) else {
            let end = time.saturating_add(gap);
            if watermark >= end.saturating_add(allowed) {
                return None;
            }
            let (number, group) = (self.next_number, self.groups as u32);
            self.next_number += 1;
            self.groups += 1;
            self.sessions += 1;
            of_key.push(Session { number, first: time, last: time, groups: vec![group], is_fired: false });
            self.timers.push(Reverse((end, key, number)));
            return Some(group);
        };
        let group = of_key[at].groups[0];
        if time > of_key[at].first && time <= of_key[at].last && !of_key[at].is_fired {
            return Some(group);
        }
        // A row that stands between two sessions makes them one.
        let mut is_merged = false;
        let mut other = at + 1;
        while other < of_key.len() {
            if takes(&of_key[other]) {
                let merged = of_key.remove(other);
                self.sessions -= 1;
                let session = &mut of_key[at];
                session.first = session.first.min(merged.first);
                session.last = session.last.max(merged.last);
                session.groups.extend(merged.groups);
                session.is_fired &= merged.is_fired;
                is_merged = true;
            } else {
                other += 1;
            }
        }
        let session = &mut of_key[at];
        session.first = session.first.min(time);
        session.last = session.last.max(time);
        // It may have got further than its timer, which looks again then; that of a session that is one with it now is gone.
        if is_merged {
            self.timers.push(Reverse((session.last.saturating_add(gap), key, session.number)));
        }
        Some(group)
    }

    /// Adds the rows of a chunk, which the registers hold, to the groups.
    fn update(&mut self, groups: &[u32], selection: &Selection, keys: &[u32], out: &mut Output) {
        let windows = Arc::clone(&self.windows);
        let registers = self.registers.as_mut().expect("rows were loaded").get();
        let run = self.runs.len() as u32 - 1;
        for (accumulators, input) in self.accumulators.iter_mut().zip(&windows.known_shape().inputs) {
            accumulators.resize(self.groups);
            accumulators.update(input, groups, registers, selection, &mut self.scratch, run);
        }
        let failed = std::mem::take(&mut self.scratch.failed);
        out.refuse_rows(&failed, |row| self.keyed.columns(&[keys[row.row as usize]]));
    }

    /// Adds the rows of a chunk that were placed so far, before what they are in is given.
    fn add_so_far(&mut self, groups: &[u32], selection: &mut Selection, keys: &[u32], out: &mut Output) {
        self.update(groups, selection, keys, out);
        if self.depends_on_order {
            self.new_run();
        }
        *selection = Selection { words: [0; CHUNK_WORDS], rows: selection.rows, count: 0 };
    }

    /// Gives the sessions that have begun and not ended, as they are now, if it is time.
    fn give_early(&mut self, out: &mut Output) {
        let Some(every) = self.windows.emit_every_us else { return };
        if self.watermark == NEVER || self.watermark == END_OF_TIME {
            return;
        }
        let now = self.watermark - self.watermark.rem_euclid(every);
        if now <= self.given_early {
            return;
        }
        self.given_early = now;
        let mut open = Vec::new();
        for (key, sessions) in (0..).zip(&self.open) {
            let unfinished = sessions.iter().filter(|session| !session.is_fired && session.first < now);
            open.extend(unfinished.map(|session| (self.end_of(session.last), key, session.number)));
        }
        open.retain(|(end, ..)| *end > self.watermark);
        self.give(&open, false, out);
    }

    /// Gives sessions, in this order; `is_end`: they have fired with it.
    fn give(&mut self, fired: &[(i64, u32, u64)], is_end: bool, out: &mut Output) {
        if fired.is_empty() {
            return;
        }
        let keys: Vec<u32> = fired.iter().map(|(_, key, _)| *key).collect();
        let mut given = self.keyed.columns(&keys);
        let mut ends = Column::new(super::keyed::TIME);
        fired.iter().for_each(|(end, ..)| ends.push_word(*end as u64));
        let mut map = vec![NONE; self.groups];
        let mut starts = Column::new(super::keyed::TIME);
        for (row, (_, key, number)) in fired.iter().enumerate() {
            let session = self.open[*key as usize].iter_mut().find(|session| session.number == *number);
            let session = session.expect("a session that fires is there");
            session.is_fired |= is_end;
            session.groups.iter().for_each(|group| map[*group as usize] = row as u32);
            starts.push_word(session.first as u64);
        }
        let mut refused = Refused::default();
        given.extend([starts, ends]);
        let mut all = self.windows.groups.accumulators(); // keep strings
        for (accumulators, of_fired) in self.accumulators.iter_mut().zip(&mut all) {
            accumulators.resize(self.groups);
            of_fired.resize(fired.len());
            of_fired.merge(accumulators, &map, &[], &self.runs);
        }
        given.extend(accumulate::columns(&mut all, 0..fired.len(), &mut refused));
        let (left_out, kept): (Vec<u32>, Vec<u32>) = (0..fired.len() as u32).partition(|row| refused.contains(*row));
        let parts = self.windows.groups.keys.len();
        let show = |row: &u32| given[..parts].iter().map(|column| column.show(*row as usize)).collect();
        out.refused.extend(left_out.iter().map(|row| refused.with_key(*row, show(row))));
        for (to, from) in out.rows.columns.iter_mut().zip(&given) {
            to.extend_rows(from, &kept);
        }
        out.added(kept.len());
    }

    /// Forgets the groups of sessions that are gone, and the keys without one, if there are more of them than others.
    fn compact(&mut self) {
        let living: usize = self.open.iter().flatten().map(|session| session.groups.len()).sum();
        let is_worth_it = |count: usize| count >= (living * 2).max(LEAST_GROUPS);
        if !is_worth_it(self.groups) && !is_worth_it(self.keyed.len()) && !is_worth_it(self.runs.len()) {
            return;
        }
        let mut map = vec![NONE; self.groups];
        let (mut kept, mut groups) = (Vec::new(), 0);
        let mut new_keys = BTreeMap::new();
        let mut open = Vec::new();
        for (key, mut sessions) in std::mem::take(&mut self.open).into_iter().enumerate() {
            if sessions.is_empty() {
                continue;
            }
            for group in sessions.iter_mut().flat_map(|session| &mut session.groups) {
                map[*group as usize] = groups;
                *group = groups;
                groups += 1;
            }
            new_keys.insert(key as u32, kept.len() as u32);
            kept.push(key as u32);
            open.push(sessions);
        }
        self.open = open;
        self.groups = groups as usize;
        self.keyed.keep(&kept);
        let new_key = |key: &u32| new_keys.get(key).copied();
        self.timers = self
            .timers
            .drain()
            .filter_map(|Reverse((at, key, number))| Some(Reverse((at, new_key(&key)?, number))))
            .collect();
        for (accumulators, mut fresh) in self.accumulators.iter_mut().zip(self.windows.groups.accumulators()) {
            fresh.resize(self.groups);
            accumulators.resize(map.len());
            fresh.merge(accumulators, &map, &[], &self.runs);
            *accumulators = fresh;
        }
        if self.depends_on_order {
            let mut used = BTreeSet::from([1]);
            self.accumulators.iter_mut().for_each(|accumulators| {
                accumulators.each_run(|run| {
                    used.insert(*run);
                });
            });
            let used: Vec<u32> = used.into_iter().collect();
            let place = |run: u32| used.binary_search(&run).map_or(1, |at| at as u32 + 1);
            self.accumulators.iter_mut().for_each(|accumulators| accumulators.each_run(|run| *run = place(*run)));
            self.runs = used.iter().map(|run| self.runs[*run as usize - 1]).collect();
            // What comes now is behind all of them.
            self.new_run();
        }
    }
}

impl StreamState for Sessions {
    fn rows(&mut self, _: usize, rows: &Rows, out: &mut Output) -> Result<(), RunError> {
        let mut keys = std::mem::take(&mut self.keys);
        self.keyed.number(rows, &mut keys);
        self.open.resize_with(self.keyed.len(), Vec::new);
        let windows = Arc::clone(&self.windows);
        let shape = windows.known_shape();
        let (Values::Eight(times), Values::Eight(watermarks)) =
            (&rows.columns[shape.time].values, &rows.columns[shape.watermark].values)
        else {
            unreachable!("times take eight bytes")
        };
        let mut late = Vec::new();
        for (first, keys) in (0..rows.rows).step_by(CHUNK_ROWS).zip(keys.chunks(CHUNK_ROWS)) {
            let new = || AcrossThreads(Registers::new(&fields(&shape.types)));
            self.registers.get_or_insert_with(new).get().load_rows((0..).zip(&rows.columns), first, keys.len());
            let none = || Selection { words: [0; CHUNK_WORDS], rows: keys.len(), count: 0 };
            let mut groups = [0; CHUNK_ROWS];
            let mut selection = none();
            let mut last_group = NONE;
            for (row, key) in keys.iter().enumerate() {
                let (time, watermark) = (times[first + row] as i64, watermarks[first + row] as i64);
                if windows.allowed_us > 0 {
                    let due = self.due(*key, time, watermark);
                    if !due.is_empty() {
                        self.add_so_far(&groups[..keys.len()], &mut selection, keys, out);
                        last_group = NONE;
                        self.give(&due, true, out);
                    }
                }
                let Some(group) = self.place(*key, time, watermark) else {
                    late.push((first + row) as u32);
                    continue;
                };
                if self.depends_on_order && last_group != NONE && group != last_group {
                    // Pieces of one session may have been touched in turns: each turn is known by its place.
                    self.update(&groups[..keys.len()], &selection, keys, out);
                    self.new_run();
                    selection = none();
                }
                last_group = group;
                groups[row] = group;
                bitmap::set(&mut selection.words, row);
                selection.count += 1;
                if windows.allowed_us > 0
                    && let Some(fired) = self.fires_with(*key, group, watermark)
                {
                    self.add_so_far(&groups[..keys.len()], &mut selection, keys, out);
                    last_group = NONE;
                    self.give(&[fired], true, out);
                }
            }
            self.update(&groups[..keys.len()], &selection, keys, out);
            if self.depends_on_order {
                self.new_run();
            }
        }
        out.late += late.len() as u64;
        if !late.is_empty() && !shape.late.is_empty() {
            let types = shape.types[shape.late.clone()].iter().copied();
            let to = out.late_rows.get_or_insert_with(|| Rows::new(types));
            for (to_column, from) in to.columns.iter_mut().zip(&rows.columns[shape.late.clone()]) {
                to_column.extend_rows(from, &late);
                to_column.keep_strings(to.rows, &mut to.strings);
            }
            to.rows += late.len();
            if let Some(Values::Eight(places)) = shape.place.map(|place| &rows.columns[place].values) {
                let order = rows.order();
                out.late_places.extend(late.iter().map(|row| (order, places[*row as usize])));
            }
        }
        self.keys = keys;
        Ok(())
    }

    fn watermark(&mut self, watermarks: &[i64], out: &mut Output) -> Result<i64, RunError> {
        self.watermark = self.watermark.max(watermarks[0]);
        let mut fired = Vec::new();
        let mut gone = Vec::new();
        while let Some(Reverse((at, key, number))) =
            self.timers.peek().copied().filter(|timer| timer.0.0 <= self.watermark)
        {
            self.timers.pop();
            let Some(session) = self.open[key as usize].iter().find(|session| session.number == number) else {
                continue;
            };
            let end = self.end_of(session.last);
            if end > at && !session.is_fired && end > self.watermark {
                self.timers.push(Reverse((end, key, number)));
                continue;
            }
            if !session.is_fired {
                fired.push((end, key, number));
            }
            let passed = end.saturating_add(self.windows.allowed_us);
            if passed <= self.watermark {
                gone.push((key, number));
            } else {
                self.timers.push(Reverse((passed, key, number)));
            }
        }
        fired.sort_unstable();
        fired.dedup();
        self.give(&fired, true, out);
        for (key, number) in gone {
            let of_key = &mut self.open[key as usize];
            let before = of_key.len();
            of_key.retain(|session| session.number != number);
            self.sessions -= before - of_key.len();
        }
        self.give_early(out);
        self.compact();
        Ok(self.watermark)
    }

    fn flush(&mut self, _: &mut Output) -> Result<(), RunError> {
        Ok(())
    }

    fn memory_bytes(&self) -> usize {
        let accumulators = self.accumulators.iter().map(Accumulators::memory_bytes).sum::<usize>();
        self.keyed.memory_bytes()
            + accumulators
            + self.sessions * (size_of::<Session>() + size_of::<u32>())
            + self.timers.capacity() * 24
            + self.open.capacity() * size_of::<Vec<Session>>()
            + self.runs.capacity() * size_of::<Order>()
    }

    fn is_empty(&self) -> bool {
        self.sessions == 0
    }
}

impl Sessions {
    fn new_run(&mut self) {
        self.runs.push((0, Seq::at(self.next_run)));
        self.next_run += 1;
    }
}
