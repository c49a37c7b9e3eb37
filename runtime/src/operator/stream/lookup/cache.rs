//! What a database has answered: by key its rows, or that there are none, for as long as it is believed.
//!
//! Bounded by a number of rows, where a key without rows counts as one: the keys that were longest not looked at go first. A key that a
//! waiting row needs stays, and so does one that is asked for. What is dead in the columns is moved out when it is more than what lives.

use super::super::Stored;
use super::super::gather::renumber;
use super::desk::Answer;
use sabot_abi::manifest::ColumnType;
use std::collections::{HashMap, VecDeque};
use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};
use xxhash_rust::xxh3::Xxh3Builder;

/// Fewer dead rows are not moved out.
const LEAST_DEAD: usize = if cfg!(test) { 4 } else { 4096 };

/// Bytes of a key beside its own.
const ENTRY_BYTES: usize = 128;

/// What is known of a key.
#[derive(Debug)]
struct Entry {
    key: Arc<[u8]>,
    is_asked: bool,
    /// When the database said so; nothing yet.
    known: Option<Instant>,
    first: u32,
    len: u32,
    /// Waiting pieces that need it.
    pins: u32,
    /// Pieces that wait for its answer.
    waiting: Vec<u64>,
    /// When it was looked at last: a number that rises.
    looked_at: u64,
    /// The piece that looked at it last.
    piece: u64,
}

/// What a piece meets when it looks at a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Met {
    /// Looked at by the same piece before.
    Again,
    /// It is known.
    Known,
    /// Somebody asks for it already.
    Asked,
    /// It is to be asked for, for the first time.
    New,
    /// It is to be asked for again: what was known is too old.
    Old,
}

/// The cache.
#[derive(Debug)]
pub(super) struct Cache {
    by_key: HashMap<Arc<[u8]>, u32, Xxh3Builder>,
    entries: Vec<Option<Entry>>,
    free: Vec<u32>,
    /// Entries in the order in which they were looked at; of those that stand here several times the last counts.
    order: VecDeque<(u64, u32)>,
    ticks: u64,
    stored: Stored,
    /// Rows that no entry has any more.
    dead: usize,
    /// Rows of the entries, those without rows counted as one.
    weight: usize,
    most_rows: usize,
    most_age: Duration,
    key_bytes: usize,
}

impl Cache {
    pub(super) fn new(types: &[ColumnType], most_rows: usize, most_age: Duration) -> Self {
        Self {
            by_key: HashMap::default(),
            entries: Vec::new(),
            free: Vec::new(),
            order: VecDeque::new(),
            ticks: 0,
            stored: Stored::new(types),
            dead: 0,
            weight: 0,
            most_rows,
            most_age,
            key_bytes: 0,
        }
    }

    fn entry(&mut self, number: u32) -> &mut Entry {
        self.entries[number as usize].as_mut().expect("an entry that somebody needs stays")
    }

    /// A piece needs a key: the number of its entry, and what is known of it. Until it is [released](Self::release) it stays.
    pub(super) fn look_at(&mut self, key: &[u8], piece: u64, now: Instant) -> (u32, Met) {
        let number = match self.by_key.get(key) {
            Some(number) => *number,
            None => self.add(key),
        };
        let (most_age, tick) = (self.most_age, self.ticks);
        let entry = self.entry(number);
        if entry.piece == piece {
            return (number, Met::Again);
        }
        entry.piece = piece;
        entry.pins += 1;
        entry.looked_at = tick;
        let met = match entry.known {
            _ if entry.is_asked => Met::Asked,
            None => Met::New,
            Some(known) if now.saturating_duration_since(known) >= most_age => Met::Old,
            Some(_) => Met::Known,
        };
        if met != Met::Known {
            entry.is_asked = true;
            entry.waiting.push(piece);
        }
        self.order.push_back((tick, number));
        self.ticks += 1;
        (number, met)
    }

    fn add(&mut self, key: &[u8]) -> u32 {
        let key: Arc<[u8]> = key.into();
        self.key_bytes += key.len() + ENTRY_BYTES;
        let entry = Entry {
            key: Arc::clone(&key),
            is_asked: false,
            known: None,
            first: 0,
            len: 0,
            pins: 0,
            waiting: Vec::new(),
            looked_at: 0,
            piece: u64::MAX,
        };
        let number = match self.free.pop() {
            Some(number) => {
                self.entries[number as usize] = Some(entry);
                number
            }
            None => {
                self.entries.push(Some(entry));
                self.entries.len() as u32 - 1
            }
        };
        self.weight += 1;
        self.by_key.insert(key, number);
        number
    }

    /// The key of an entry.
    pub(super) fn key(&self, number: u32) -> Arc<[u8]> {
        let entry = self.entries[number as usize].as_ref();
        Arc::clone(&entry.expect("an entry that somebody needs stays").key)
    }

    /// What an entry takes beside its rows.
    pub(super) fn key_bytes_of(&self, number: u32) -> usize {
        self.entries[number as usize].as_ref().map_or(0, |entry| entry.key.len() + ENTRY_BYTES)
    }

    /// Takes an answer over; gives the pieces that wait for one key less, each as often as it does.
    pub(super) fn learn(&mut self, answer: &Answer, now: Instant) -> Vec<u64> {
        let mut rows: Vec<u32> = (0..answer.rows.rows as u32).collect();
        // Rows of one key stand together, in the order in which they came.
        rows.sort_by_key(|row| answer.of[*row as usize]);
        let mut first = self.stored.add_some(&answer.rows.columns, &rows) as u32;
        let mut counts: HashMap<u32, (u32, u32), Xxh3Builder> = HashMap::default();
        for of in rows.chunk_by(|a, b| answer.of[*a as usize] == answer.of[*b as usize]) {
            counts.insert(answer.of[of[0] as usize], (first, of.len() as u32));
            first += of.len() as u32;
        }
        let mut waiting = Vec::new();
        for number in &answer.asked {
            let (first, len) = counts.get(number).copied().unwrap_or_default();
            let entry = self.entry(*number);
            let before = std::mem::replace(&mut entry.len, len);
            entry.first = first;
            entry.known = Some(now);
            entry.is_asked = false;
            waiting.append(&mut entry.waiting);
            self.dead += before as usize;
            self.weight = self.weight + (len as usize).max(1) - (before as usize).max(1);
        }
        waiting
    }

    /// The numbers of a key's rows.
    pub(super) fn rows(&self, number: u32) -> Range<u32> {
        let entry = self.entries[number as usize].as_ref().expect("an entry that somebody needs stays");
        entry.first..entry.first + entry.len
    }

    /// The columns in which the rows are.
    pub(super) fn columns(&self) -> &[crate::column::Column] {
        &self.stored.columns
    }

    /// A piece needs a key no more.
    pub(super) fn release(&mut self, number: u32) {
        self.entry(number).pins -= 1;
    }

    /// Forgets what is too much: `most` rows stay, at most, but for what somebody needs.
    pub(super) fn shrink(&mut self, most: Option<usize>) {
        let most = most.unwrap_or(self.most_rows).min(self.most_rows);
        let mut left = self.order.len();
        while self.weight > most && left > 0 {
            left -= 1;
            let Some((tick, number)) = self.order.pop_front() else { break };
            let Some(entry) = &self.entries[number as usize] else { continue };
            if entry.looked_at != tick {
                continue;
            }
            if entry.pins > 0 || entry.is_asked {
                self.order.push_back((tick, number));
                continue;
            }
            let entry = self.entries[number as usize].take().expect("just seen");
            self.by_key.remove(&entry.key);
            self.free.push(number);
            self.dead += entry.len as usize;
            self.weight -= (entry.len as usize).max(1);
            self.key_bytes -= entry.key.len() + ENTRY_BYTES;
        }
        if self.order.len() > 4 * self.by_key.len() + 1024 {
            let entries = &self.entries;
            let is_last = |(tick, number): &(u64, u32)| {
                entries[*number as usize].as_ref().is_some_and(|entry| entry.looked_at == *tick)
            };
            self.order.retain(is_last);
        }
        if self.dead > LEAST_DEAD.max(self.stored.rows / 2) {
            self.compact();
        }
    }

    fn compact(&mut self) {
        let mut stays = vec![false; self.stored.rows];
        for entry in self.entries.iter().flatten() {
            stays[entry.first as usize..(entry.first + entry.len) as usize].fill(true);
        }
        let (new, kept) = renumber(&stays);
        for entry in self.entries.iter_mut().flatten().filter(|entry| entry.len > 0) {
            entry.first = new[entry.first as usize];
        }
        self.stored.keep(&kept);
        self.dead = 0;
    }

    /// Keys that it has.
    #[cfg(test)]
    pub(super) fn keys(&self) -> usize {
        self.by_key.len()
    }

    pub(super) fn memory_bytes(&self) -> usize {
        self.stored.memory_bytes() + self.key_bytes + self.order.capacity() * size_of::<(u64, u32)>()
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::Output;
    use super::*;
    use sabot_abi::manifest::BaseType;

    const INT: ColumnType = ColumnType { base: BaseType::Int64, nullable: false };

    /// So many rows of each of these entries, whose value is `value`.
    fn answer(asked: &[(u32, u32)], value: u64) -> Answer {
        let mut out = Output::new(&[INT]);
        let mut of = Vec::new();
        for round in 0..asked.iter().map(|(_, rows)| *rows).max().unwrap_or(0) {
            for (number, _) in asked.iter().filter(|(_, rows)| *rows > round) {
                out.rows.columns[0].push_word(value);
                out.rows.rows += 1;
                of.push(*number);
            }
        }
        Answer { asked: asked.iter().map(|(number, _)| *number).collect(), rows: out.rows, of }
    }

    fn values(cache: &Cache, number: u32) -> Vec<u64> {
        cache.rows(number).map(|row| cache.columns()[0].word(row as usize)).collect()
    }

    #[test]
    fn a_key_is_asked_for_once_and_again_when_it_is_old() {
        let start = Instant::now();
        let mut cache = Cache::new(&[INT], 100, Duration::from_secs(1));
        let (a, met) = cache.look_at(b"a", 0, start);
        assert_eq!(met, Met::New);
        assert_eq!(cache.look_at(b"a", 0, start), (a, Met::Again));
        assert_eq!(cache.look_at(b"a", 1, start), (a, Met::Asked));
        let (b, _) = cache.look_at(b"b", 1, start);
        assert_eq!(cache.learn(&answer(&[(a, 2), (b, 0)], 7), start), [0, 1, 1]);
        assert_eq!((values(&cache, a), values(&cache, b)), (vec![7, 7], vec![]));
        assert_eq!(cache.look_at(b"b", 2, start).1, Met::Known, "that there are no rows is known, too");
        let later = start + Duration::from_secs(1);
        assert_eq!(cache.look_at(b"a", 3, later).1, Met::Old);
        assert_eq!(values(&cache, a), [7, 7], "the old rows are there until the new ones are");
        assert_eq!(cache.learn(&answer(&[(a, 1)], 8), later), [3]);
        assert_eq!(values(&cache, a), [8]);
    }

    #[test]
    fn what_was_longest_not_looked_at_goes_first() {
        let now = Instant::now();
        let mut cache = Cache::new(&[INT], 20, Duration::from_secs(1));
        for piece in 0..50u64 {
            let (number, met) = cache.look_at(&[piece as u8], piece, now);
            assert_eq!(met, Met::New);
            cache.learn(&answer(&[(number, 2)], piece), now);
            // The first one is wanted again and again, the second one by a row that waits.
            if piece > 1 {
                let (first, met) = cache.look_at(&[0], 1000 + piece, now);
                assert_eq!(met, Met::Known);
                cache.release(first);
            }
            if piece != 1 {
                cache.release(number);
            }
            cache.shrink(None);
            assert!(cache.weight <= 20 && cache.stored.rows <= 40, "{} {}", cache.weight, cache.stored.rows);
        }
        assert_eq!(cache.keys(), 10);
        for (key, value) in [(0, Some(0)), (1, Some(1)), (2, None), (41, None), (42, Some(42)), (49, Some(49))] {
            let found = cache.by_key.get(&[key][..]).map(|number| values(&cache, *number));
            assert_eq!(found, value.map(|value| vec![value, value]), "{key}");
        }
        cache.shrink(Some(0));
        assert_eq!(cache.keys(), 1, "what a row waits for stays");
    }
}
