//! Different words of each group, counted exactly: one set for all calls that count the same column under different conditions.

use super::{Accumulators, Refused, Scratch, State, Users, counted};
use crate::operator::groups::Groups;
use crate::operator::key::canonical;
use crate::primitive::bitmap;
use crate::primitive::distinct_words::DistinctWords;
use crate::primitive::hash::hash_word;
use crate::primitive::hash_table::NONE;
use crate::primitive::memory::Buf;
use crate::registers::{Registers, Selection};
use sabot_abi::CHUNK_WORDS;
use sabot_abi::manifest::{AggregateFunction, AggregateInput, AggregateSpec};

/// Calls that may count into one set: a bit of 32 for each.
const MOST_CONDITIONS: usize = 32;

/// Who keeps what a call counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Share {
    /// It does.
    Own,
    /// It does, for these calls, of which it is the first.
    Leads(Vec<usize>),
    /// That call does, under that condition.
    Follows { leader: usize, condition: usize },
}

/// Whether a call counts different words.
pub(super) fn counts_words(spec: &AggregateSpec) -> bool {
    let width = |spec: &AggregateSpec| spec.args[0].base.register_width().unwrap_or(1);
    spec.function == AggregateFunction::CountDistinct && !spec.args[0].base.is_str() && width(spec) <= 8
}

/// Which calls count into one set: those that read the same register in all pipelines that fill the table.
pub(crate) fn shares(calls: &[AggregateSpec], pipelines: &[&[AggregateInput]]) -> Vec<Share> {
    let mut shares = vec![Share::Own; calls.len()];
    let reads = |call: usize| pipelines.iter().map(move |inputs| inputs.get(call).map(|input| &input.args));
    for leader in 0..calls.len() {
        if shares[leader] != Share::Own || !counts_words(&calls[leader]) {
            continue;
        }
        let is_alike = |other: &usize| {
            shares[*other] == Share::Own
                && counts_words(&calls[*other])
                && calls[*other].args == calls[leader].args
                && reads(leader).eq(reads(*other))
        };
        let members: Vec<usize> = (leader..calls.len()).filter(is_alike).take(MOST_CONDITIONS).collect();
        if members.len() > 1 {
            for (condition, member) in members.iter().enumerate().skip(1) {
                shares[*member] = Share::Follows { leader, condition };
            }
            shares[leader] = Share::Leads(members);
        }
    }
    shares
}

/// What such calls keep.
#[derive(Debug)]
pub(super) struct Distinct {
    set: DistinctWords,
    /// By condition, then by group.
    pub(super) counts: Vec<Buf<u64>>,
    /// By group: a hash of its key where that is known, so that workers have their words in the same order.
    salts: Buf<u64>,
    /// Behind the next part that is merged nothing comes: its words need only be counted.
    is_last: bool,
}

impl Distinct {
    pub(super) fn new(conditions: usize) -> Self {
        let counts = vec![Buf::default(); conditions];
        Self { set: DistinctWords::default(), counts, salts: Buf::default(), is_last: false }
    }

    pub(super) fn resize(&mut self, groups: usize) {
        self.counts.iter_mut().for_each(|counts| counts.resize(groups));
        self.salt(groups, |group| hash_word(group as u64));
    }

    fn salt(&mut self, groups: usize, hash: impl Fn(usize) -> u64) {
        (self.salts.len()..groups).for_each(|group| self.salts.push(hash(group)));
    }

    pub(super) fn memory_bytes(&self) -> usize {
        self.set.memory_bytes() + self.counts.iter().map(Buf::memory_bytes).sum::<usize>()
    }

    fn add(&mut self, words: &[u64], groups: &[u32], seen: &[u32], selection: &[u64]) {
        let counts = &mut self.counts;
        self.set.add(words, groups, seen, selection, &self.salts, |group, new| count_each(counts, group, new));
    }

    /// Adds the selected rows, under the condition of each input.
    pub(super) fn update<'a>(
        &mut self,
        inputs: impl Iterator<Item = &'a AggregateInput>,
        groups: &[u32],
        registers: &mut Registers,
        selection: &Selection,
        scratch: &mut Scratch,
    ) {
        let rows = selection.rows;
        let seen = &mut scratch.numbers[..rows];
        seen.fill(0);
        let mut any = [0; CHUNK_WORDS];
        let mut of = None;
        for (condition, input) in inputs.enumerate() {
            let counted = counted(input, registers, selection);
            any.iter_mut().zip(&counted).for_each(|(any, counted)| *any |= counted);
            bitmap::for_each(&counted[..bitmap::words_of(rows)], |row| seen[row] |= 1 << condition);
            of = Some(input.args[0]);
        }
        let Some(reg) = of else { return };
        let base = registers.ty(reg).base;
        registers.words_into(reg, rows, &mut scratch.words);
        let words = &mut scratch.words[..rows];
        words.iter_mut().for_each(|word| *word = canonical(base, *word));
        self.add(words, groups, seen, &any[..bitmap::words_of(rows)]);
    }

    /// Groups that are new here have the salts that they had there.
    pub(super) fn salt_as(&mut self, other: &Self, numbers: &[u32]) {
        let known = self.salts.len();
        for (salt, to) in other.salts.iter().zip(numbers).filter(|(_, to)| **to != NONE && **to as usize >= known) {
            let to = *to as usize;
            self.salts.resize(self.salts.len().max(to + 1));
            self.salts[to] = *salt;
        }
    }

    /// Adds another part's groups, which have these numbers here.
    pub(super) fn merge(&mut self, other: &Self, numbers: &[u32]) {
        if !self.is_last {
            // Words come in the order of their places. A table that grows as they come would fill up from one end.
            let is_here = |group: &&u32| numbers[**group as usize] != NONE;
            let mut count = 0;
            other.set.each(|_, groups, _| count += groups.iter().filter(is_here).count());
            self.set.reserve(count, &self.salts);
        }
        let (mut here, mut selection) = (Vec::new(), Vec::new());
        other.set.each(|words, groups, seen| {
            here.clear();
            here.extend(groups.iter().map(|group| numbers[*group as usize]));
            selection.clear();
            selection.resize(bitmap::words_of(here.len()), 0);
            here.iter()
                .enumerate()
                .filter(|(_, group)| **group != NONE)
                .for_each(|(row, _)| bitmap::set(&mut selection, row));
            if !self.is_last {
                return self.add(words, &here, seen, &selection);
            }
            // What is larger than all parts need not be made: fresh memory is dear.
            let counts = &mut self.counts;
            self.set.compare(words, &here, seen, &selection, &self.salts, |group, new| {
                count_each(counts, group, new);
            });
        });
    }
}

/// Counts a word under each of the conditions that it is new for.
fn count_each(counts: &mut [Buf<u64>], group: u32, mut new: u32) {
    while new != 0 {
        counts[new.trailing_zeros() as usize][group as usize] += 1;
        new &= new - 1;
    }
}

impl Accumulators {
    /// As [`new`](Self::new), for a call that shares what it keeps.
    pub(crate) fn sharing(spec: &AggregateSpec, share: &Share, users: &Users) -> Self {
        match share {
            Share::Own => Self::new(spec, users),
            Share::Leads(members) => {
                Self { spec: spec.clone(), state: State::DistinctWords(Box::new(Distinct::new(members.len()))) }
            }
            Share::Follows { .. } => Self { spec: spec.clone(), state: State::Elsewhere },
        }
    }

    /// Before the other's groups are merged, and room is made for them.
    pub(crate) fn before_merge(&mut self, other: &Self, groups: &[u32]) {
        if let (State::DistinctWords(ours), State::DistinctWords(theirs)) = (&mut self.state, &other.state) {
            ours.salt_as(theirs, groups);
        }
    }

    /// The next part is the last that is merged.
    pub(crate) fn nothing_follows(&mut self) {
        if let State::DistinctWords(distinct) = &mut self.state {
            distinct.is_last = true;
        }
    }

    /// Different words of all groups.
    pub(crate) fn words(&self) -> usize {
        if let State::DistinctWords(distinct) = &self.state { distinct.set.len() } else { 0 }
    }
}

/// Adds the selected rows to the accumulators of all calls; see [`Accumulators::update`].
#[expect(clippy::too_many_arguments, reason = "what a chunk is, and whose it is")]
pub(crate) fn update_all(
    accumulators: &mut [Accumulators],
    shares: &[Share],
    inputs: &[AggregateInput],
    (numbers, groups): (&[u32], &Groups),
    registers: &mut Registers,
    selection: &Selection,
    scratch: &mut Scratch,
    run: u32,
) {
    for ((call, input), share) in accumulators.iter_mut().zip(inputs).zip(shares) {
        if let State::DistinctWords(distinct) = &mut call.state {
            distinct.salt(groups.len(), |group| groups.hash(group));
        }
        call.resize(groups.len());
        match (share, &mut call.state) {
            (Share::Leads(members), State::DistinctWords(distinct)) => {
                distinct.update(members.iter().map(|member| &inputs[*member]), numbers, registers, selection, scratch);
            }
            (Share::Follows { .. }, _) => {}
            (Share::Own | Share::Leads(_), _) => call.update(input, numbers, registers, selection, scratch, run),
        }
    }
}

/// The columns of all calls. Groups that cannot be computed go to `failed`.
pub(crate) fn finish_all(
    accumulators: &mut [Accumulators],
    shares: &[Share],
    groups: usize,
    refused: &mut Refused,
) -> Vec<crate::column::Column> {
    accumulators.iter_mut().for_each(|call| call.resize(groups));
    let mut columns = Vec::with_capacity(accumulators.len());
    for (call, share) in shares.iter().enumerate() {
        columns.push(match share {
            Share::Own | Share::Leads(_) => super::column(accumulators, call, 0..groups, refused),
            Share::Follows { leader, condition } => {
                let State::DistinctWords(distinct) = &accumulators[*leader].state else {
                    unreachable!("it leads others")
                };
                let mut column = crate::column::Column::new(accumulators[call].spec.ty);
                distinct.counts[*condition][..groups].iter().for_each(|count| column.push_word(*count));
                column
            }
        });
    }
    columns
}

#[cfg(test)]
mod tests {
    use super::*;
    use sabot_abi::manifest::{BaseType, ColumnType, Reg};

    #[test]
    fn calls_that_count_one_register_share_a_set() {
        let of = |function, base| AggregateSpec {
            function,
            args: vec![ColumnType { base, nullable: false }],
            ty: ColumnType { base: BaseType::Int64, nullable: false },
        };
        let distinct = |base| of(AggregateFunction::CountDistinct, base);
        let calls = [
            distinct(BaseType::Int64),
            of(AggregateFunction::Sum, BaseType::Int64),
            distinct(BaseType::Int64),
            distinct(BaseType::String),
            distinct(BaseType::String),
            distinct(BaseType::Int64),
        ];
        let inputs = |regs: [Reg; 6]| regs.map(|reg| AggregateInput { args: vec![reg], filter: None }).to_vec();
        let one = inputs([1, 1, 1, 3, 3, 2]);
        let follows = Share::Follows { leader: 0, condition: 1 };
        let shared = vec![Share::Leads(vec![0, 2]), Share::Own, follows, Share::Own, Share::Own, Share::Own];
        assert_eq!(shares(&calls, &[&one]), shared);
        let other = inputs([1, 1, 2, 3, 3, 1]);
        assert!(shares(&calls, &[&one, &other]).iter().all(|share| *share == Share::Own));
    }
}
