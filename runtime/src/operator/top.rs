//! The first rows of each key: a worker keeps, of every key, as many rows as are wanted, and no others.
//!
//! A row that comes is compared with the last of its key's rows; if it takes that one's place, its values are written over
//! it. So memory is that of the rows that are kept, whatever the input. In the end the workers' rows are put together key by
//! key ([`merge`]), and come out in order, equal ones in that of the input.

mod lists;
mod merge;
mod order;

use crate::error::RunError;
use crate::operator::collect::{Order, Rows};
use crate::operator::groups::Groups;
use crate::operator::key::{KeyLayout, KeyReader};
use crate::operator::rank::RankReader;
use crate::operator::rows::{RowsSpec, is_run_due};
use crate::operator::runs::SortedRuns;
use crate::primitive::bitmap;
use crate::primitive::memory::Buf;
use crate::registers::{Registers, Selection};
use crate::spill::Account;
use lists::{Kept, Lists};
use sabot_abi::CHUNK_ROWS;
use sabot_abi::manifest::{ColumnType, Reg};
use std::sync::Arc;

pub(crate) use merge::finish;

/// Keys of which more rows are wanted are sorted instead.
const MOST_ROWS: u64 = 1 << 16;

/// Bytes of strings that were overwritten which are not worth a copy of the others.
const LEAST_WASTE: usize = if cfg!(debug_assertions) { 1 << 10 } else { 4 << 20 };

/// One worker's rows.
#[derive(Debug)]
pub(crate) struct Top {
    spec: RowsSpec,
    regs: Vec<Reg>,
    reader: KeyReader,
    ranks: RankReader,
    part: Part,
    /// Rows of the morsel so far, kept or not.
    seen: u32,
    /// Bytes of the strings that are kept as copies.
    string_bytes: usize,
    /// By column: strings are copies; else they refer to a mapped file, all of them.
    is_copied: Vec<bool>,
    numbers: Buf<u32>,
    /// Rows of the chunk, and the row here that each takes.
    taken: Vec<(u32, u32)>,
    /// By row here: the row of the chunk that took it last.
    owners: Buf<u32>,
    accounted: usize,
}

/// Rows of one worker.
#[derive(Debug)]
pub(crate) struct Part {
    groups: Groups,
    lists: Lists,
    rows: Rows,
    /// Morsels, as they came.
    runs: Vec<Order>,
}

impl Top {
    /// `None` if rows of this kind are better sorted.
    pub(crate) fn new(spec: &RowsSpec, regs: &[Reg]) -> Option<Self> {
        spec.limit.filter(|limit| (1..=MOST_ROWS).contains(limit))?;
        if spec.partition_by.is_empty() {
            return None;
        }
        let at = |position: &u32| *position as usize;
        let keys: Vec<ColumnType> = spec.partition_by.iter().map(|position| spec.types[at(position)]).collect();
        let key_regs: Vec<Reg> = spec.partition_by.iter().map(|position| regs[at(position)]).collect();
        let layout = KeyLayout::of_groups(&keys);
        let ranks = RankReader::new(&spec.types, &spec.by, regs)?;
        Some(Self {
            spec: spec.clone(),
            regs: regs.to_vec(),
            ranks,
            part: Part::new(spec),
            reader: KeyReader::new(layout, &key_regs),
            seen: 0,
            string_bytes: 0,
            is_copied: vec![false; spec.types.len()],
            numbers: Buf::zeroed(CHUNK_ROWS),
            taken: Vec::with_capacity(CHUNK_ROWS),
            owners: Buf::default(),
            accounted: 0,
        })
    }

    pub(crate) fn start(&mut self, order: Order) {
        self.seen = 0;
        self.part.runs.push(order);
    }

    /// Adds the selected rows of a chunk.
    pub(crate) fn add(&mut self, registers: &mut Registers, selection: &Selection) {
        if selection.rows as u64 + u64::from(self.seen) > u64::from(u32::MAX) {
            let order = self.part.runs.last().copied().expect("a morsel was started");
            self.start(order);
        }
        let numbers = &mut self.numbers[..selection.rows];
        let Part { groups, lists, rows, runs } = &mut self.part;
        groups.group(&mut self.reader, registers, selection, numbers);
        lists.resize(groups.len());
        let ranks = self.ranks.read(registers, selection.rows);
        let run = runs.len() as u32 - 1;
        self.taken.clear();
        let mut known = rows.rows as u32;
        for (at, &word) in selection.used().iter().enumerate() {
            bitmap::for_each(&[word], |bit| lists.prefetch(numbers[at * 64 + bit]));
            bitmap::for_each(&[word], |bit| {
                let row = at * 64 + bit;
                let kept = Kept { rank: ranks[row], run, at: self.seen + row as u32, row: known, unused: 0 };
                if let Some(to) = lists.offer(numbers[row], kept, runs) {
                    known += u32::from(to == known);
                    self.taken.push((row as u32, to));
                }
            });
        }
        self.seen += selection.rows as u32;
        self.write(registers, selection.rows, known as usize);
    }

    /// Writes the rows that were taken; there are `known` rows then.
    fn write(&mut self, registers: &Registers, chunk_rows: usize, known: usize) {
        // Of several rows that took one place, the last has it.
        self.owners.resize(known);
        self.taken.iter().for_each(|(row, to)| self.owners[*to as usize] = *row);
        self.taken.retain(|(row, to)| self.owners[*to as usize] == *row);
        let Rows { columns, rows, strings, .. } = &mut self.part.rows;
        for ((column, reg), is_copied) in columns.iter_mut().zip(&self.regs).zip(&mut self.is_copied) {
            let lasting = registers.lasting(*reg).filter(|_| !*is_copied);
            if lasting.is_none() && !*is_copied {
                // From now on strings are written over.
                column.keep_strings(0, strings);
                self.string_bytes += column.string_bytes();
                *is_copied = true;
            }
            column.grow(known - *rows);
            if let Some(bytes) = lasting {
                strings.keep(bytes);
                registers.write_over(*reg, chunk_rows, &self.taken, column, None);
            } else {
                let (before, now) = registers.write_over(*reg, chunk_rows, &self.taken, column, Some(strings));
                self.string_bytes = self.string_bytes + now - before;
            }
        }
        *rows = known;
        if strings.memory_bytes() > 2 * self.string_bytes + LEAST_WASTE {
            let mut copies = strings.another();
            let copied = columns.iter_mut().zip(&self.is_copied).filter(|(_, is_copied)| **is_copied);
            copied.for_each(|(column, _)| column.keep_strings(0, &mut copies));
            *strings = copies;
        }
    }

    /// Says how much it holds. If all tables together hold too much, the rows become a run in a file.
    pub(crate) fn end_morsel(
        &mut self,
        account: &Account,
        runs: impl FnOnce() -> Result<Arc<SortedRuns>, RunError>,
    ) -> Result<(), RunError> {
        let bytes = self.part.memory_bytes() + self.owners.memory_bytes();
        account.update(&mut self.accounted, bytes);
        if self.part.rows.rows > 0 && is_run_due(bytes, account) {
            let part = std::mem::replace(&mut self.part, Part::new(&self.spec));
            self.spec.add_run(&part.into_rows(), &*runs()?)?;
            self.is_copied.fill(false);
            self.string_bytes = 0;
            self.owners = Buf::default();
            account.update(&mut self.accounted, 0);
        }
        Ok(())
    }

    pub(crate) fn rows(&self) -> usize {
        self.part.rows.rows
    }

    pub(crate) fn into_part(self) -> Part {
        self.part
    }
}

impl Part {
    fn new(spec: &RowsSpec) -> Self {
        let keys: Vec<ColumnType> = spec.partition_by.iter().map(|position| spec.types[*position as usize]).collect();
        let limit = spec.limit.map_or(0, |limit| limit.min(MOST_ROWS));
        Self {
            groups: Groups::new(&keys, &KeyLayout::of_groups(&keys)),
            lists: Lists::new(limit as u32),
            rows: Rows::new(spec.types.iter().copied()),
            runs: Vec::new(),
        }
    }

    /// The rows that are kept, as they came.
    pub(crate) fn into_rows(self) -> Rows {
        let Self { groups, lists, rows, runs } = self;
        let kept = (0..groups.len()).flat_map(|group| lists.of(group));
        let mut places: Vec<(Order, u32, u32, u32)> =
            kept.map(|kept| (runs[kept.run as usize], kept.run, kept.at, kept.row)).collect();
        places.sort_unstable();
        let order: Vec<u32> = places.iter().map(|(.., row)| *row).collect();
        let mut here = Vec::new();
        for (at, (order, ..)) in places.iter().enumerate() {
            if here.last().is_none_or(|(last, _)| last != order) {
                here.push((*order, at));
            }
        }
        let columns = rows.columns.iter().map(|column| column.take(&order)).collect();
        Rows { columns, rows: order.len(), strings: rows.strings, runs: here }
    }

    /// Bytes held.
    fn memory_bytes(&self) -> usize {
        self.groups.memory_bytes() + self.lists.memory_bytes() + self.rows.memory_bytes()
    }

    /// Rows that it has.
    pub(crate) fn rows(&self) -> usize {
        self.rows.rows
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::column::Column;
    use crate::morsel::Seq;
    use crate::operator::rows::{Collect, finish as sort};
    use crate::primitive::hash::hash_word;
    use crate::primitive::memory::Str;
    use crate::spill::fields;
    use sabot_abi::manifest::BaseType;

    /// What two workers, one of which takes an early morsel late, keep of pseudo-random rows.
    fn check(by: &[(u32, bool)], partition_by: &[u32], limit: u64) {
        let ty = |base, nullable| ColumnType { base, nullable };
        let types = vec![
            ty(BaseType::Int64, false),
            ty(BaseType::Float64, true),
            ty(BaseType::String, true),
            ty(BaseType::UInt8, false),
            ty(BaseType::Bool, true),
            ty(BaseType::Decimal(38, 9), false),
            ty(BaseType::Int64, false),
        ];
        let spec =
            RowsSpec { types: types.clone(), by: by.to_vec(), limit: Some(limit), partition_by: partition_by.to_vec() };
        let regs: Vec<Reg> = (0..types.len() as Reg).collect();
        let texts: Vec<String> = (0..100).map(|n| "long ".repeat(n % 9) + &n.to_string()).collect();
        let mut registers = Registers::new(&fields(&types));
        let mut tops: Vec<Top> = (0..2).map(|_| Top::new(&spec, &regs).expect("such rows are kept")).collect();
        let mut collects: Vec<Collect> = (0..2).map(|_| Collect::new(&spec, &regs)).collect();
        let morsels = if cfg!(miri) { 4 } else { 12u64 };
        for number in 0..morsels {
            let random = |row: u64, salt: u64| hash_word(number << 32 | row << 8 | salt);
            let mut columns: Vec<Column> = types.iter().map(|ty| Column::new(*ty)).collect();
            let rows = if cfg!(miri) { 40 } else { 700 + random(0, 9) % 1000 };
            for row in 0..rows {
                columns[0].push_word(random(row, 0) % 90);
                let floats = [0.0, -0.0, f64::NAN, 1.5, -2.0];
                match random(row, 1) % 7 {
                    at @ 0..5 => columns[1].push_word(floats[at as usize].to_bits()),
                    _ => columns[1].push_null(),
                }
                match random(row, 2) % 120 {
                    at @ 0..100 => columns[2].push_str(Str::new(texts[at as usize].as_bytes())),
                    _ => columns[2].push_null(),
                }
                columns[3].push_word(random(row, 3) % 4);
                match random(row, 4) % 3 {
                    2 => columns[4].push_null(),
                    bit => columns[4].push_word(bit),
                }
                columns[5].push_wide(random(row, 5) as u128 % 10);
                columns[6].push_word(number << 32 | row);
            }
            let worker = (random(0, 10) % 2) as usize;
            // The last morsel is the first of the input.
            let order = (0, if number + 1 == morsels { Seq::START } else { Seq::at(number + 1) });
            tops[worker].start(order);
            collects[worker].start(order);
            for first in (0..rows as usize).step_by(CHUNK_ROWS) {
                let count = (rows as usize - first).min(CHUNK_ROWS);
                registers.load_rows((0..).zip(&columns), first, count);
                let mut selection = Selection::all(count);
                selection.words.iter_mut().for_each(|word| *word &= 0xffff_ff0f_ffff_fff7);
                selection.recount();
                tops[worker].add(&mut registers, &selection);
                collects[worker].add(&mut registers, &selection);
            }
        }
        let kept: usize = tops.iter().map(Top::rows).sum();
        let tops: Vec<Part> = tops.into_iter().map(Top::into_part).collect();
        let collects: Vec<Rows> = collects.into_iter().map(Collect::into_rows).collect();
        let ((rows, order), expected) = (finish(&spec, tops, 3), sort(&spec, collects, 1));
        assert_eq!(order.len(), expected.rows, "{by:?} {partition_by:?} {limit}");
        assert!(kept < 3 * expected.rows + 1, "{kept} rows for {}", expected.rows);
        for (found, expected) in rows.columns.iter().zip(&expected.columns) {
            for (at, row) in order.iter().enumerate() {
                assert_eq!(found.show(*row as usize), expected.show(at), "{by:?} {partition_by:?} {limit}: {at}");
            }
        }
    }

    #[test]
    fn what_is_kept_is_what_sorting_gives() {
        for limit in [1, 2, 10, 1000] {
            check(&[(3, true)], &[0], limit);
            check(&[(1, true), (3, false)], &[0, 6], limit.min(2));
            check(&[(1, false), (3, true)], &[2], limit);
            check(&[(5, true)], &[1, 4], limit);
            check(&[], &[3, 0], limit);
        }
    }

    #[test]
    fn what_has_no_rank_is_sorted() {
        let types = vec![ColumnType { base: BaseType::String, nullable: false }; 2];
        let spec = |by: &[(u32, bool)], limit, partition_by: &[u32]| RowsSpec {
            types: types.clone(),
            by: by.to_vec(),
            limit,
            partition_by: partition_by.to_vec(),
        };
        assert!(Top::new(&spec(&[(0, false)], Some(1), &[1]), &[0, 1]).is_none());
        assert!(Top::new(&spec(&[], None, &[1]), &[0, 1]).is_none());
        assert!(Top::new(&spec(&[], Some(1), &[]), &[0, 1]).is_none());
        assert!(Top::new(&spec(&[], Some(1), &[1]), &[0, 1]).is_some());
    }
}
