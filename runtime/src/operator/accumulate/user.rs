//! The job's own aggregates: the state of each group in columns, which the aggregate's kernels read and write.
//!
//! Rows are added by one call of a kernel for a chunk. A part that has no rows of a group takes over what the other part has
//! of it, so `init` is never merged. What strings hold lives in memory of the group: after every call that of groups that
//! were touched is copied there.

use super::cell::Cell;
use super::refused::{Refusal, Refused};
use crate::column::{Column, extend};
use crate::error::RunError;
use crate::kernel;
use crate::primitive::bitmap;
use crate::primitive::hash_table::NONE;
use crate::primitive::memory::{Buf, Str};
use crate::primitive::value_arena::ValueArena;
use sabot_abi::kernel::{Chunk, Context, InputColumn, KernelFn, OutputColumn, RowError};
use sabot_abi::manifest::{self, AggregateFunction, AggregateSpec, BaseType, ColumnType, Manifest, UserFunction};
use sabot_abi::{CHUNK_ROWS, CHUNK_WORDS};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

/// Where a function of an aggregate has failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct UserError {
    /// Which aggregate.
    pub(crate) aggregate: u32,
    pub(crate) step: UserStep,
    pub(crate) error: RowError,
}

/// The functions of an aggregate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum UserStep {
    Init,
    Add,
    Merge,
    Remove,
}

impl UserError {
    /// The function that has failed.
    pub(crate) fn function<'a>(&self, manifest: &'a Manifest) -> Option<&'a UserFunction> {
        let of = manifest.aggregates.get(self.aggregate as usize)?;
        match self.step {
            UserStep::Init => Some(&of.init),
            UserStep::Add => Some(&of.add),
            UserStep::Merge => Some(&of.merge),
            UserStep::Remove => of.remove.as_ref(),
        }
    }
}

/// A row that could not be added.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FailedRow {
    /// In the chunk.
    pub(crate) row: u32,
    pub(crate) group: u32,
    pub(crate) error: UserError,
}

/// The job's own aggregates, by number.
#[derive(Clone, Debug, Default)]
pub(crate) struct Users(Arc<[Arc<UserCode>]>);

/// One of them.
#[derive(Debug)]
pub(crate) struct UserCode {
    number: u32,
    state: Vec<ColumnType>,
    init: KernelFn,
    add: KernelFn,
    merge: KernelFn,
    remove: Option<KernelFn>,
    /// What [`Context::constants`] is to be, exposed.
    constants: usize,
    params: Vec<[u64; 2]>,
}

impl Users {
    /// The aggregates of an artifact, which lives as long as the job runs, as the parameters do.
    pub(crate) fn new(artifact: &kernel::LoadedArtifact, params: &[[u64; 2]]) -> Result<Self, RunError> {
        let code = |(number, of): (u32, &manifest::UserAggregate)| {
            let kernel = |function: &UserFunction| {
                let is_there = (function.kernel as usize) < artifact.kernel_count();
                let missing = || RunError::BadManifest(format!("the aggregate `{}` has no kernel", of.name));
                is_there.then(|| artifact.kernel(function.kernel)).ok_or_else(missing)
            };
            Ok(Arc::new(UserCode {
                number,
                state: of.state.clone(),
                init: kernel(&of.init)?,
                add: kernel(&of.add)?,
                merge: kernel(&of.merge)?,
                remove: of.remove.as_ref().map(kernel).transpose()?,
                constants: artifact.constants().expose_provenance(),
                params: params.to_vec(),
            }))
        };
        Ok(Self((0..).zip(&artifact.manifest.aggregates).map(code).collect::<Result<_, RunError>>()?))
    }

    /// That the calls name aggregates and columns that there are.
    pub(crate) fn check(&self, calls: &[AggregateSpec]) -> Result<(), RunError> {
        let is_sound = |(at, call): (usize, &AggregateSpec)| {
            let AggregateFunction::User { aggregate, part, kept_by } = call.function else { return true };
            let keeper = kept_by.map(|at| at as usize);
            let of_keeper = keeper.map(|at| calls.get(at).map(|call| call.function));
            let is_kept = of_keeper.is_none_or(|of| {
                matches!(of, Some(AggregateFunction::User { aggregate: other, kept_by: None, .. }) if other == aggregate)
            });
            let has_part = self.0.get(aggregate as usize).is_some_and(|of| (part as usize) < of.state.len());
            keeper.is_none_or(|keeper| keeper < at) && is_kept && has_part
        };
        if calls.iter().enumerate().all(is_sound) {
            return Ok(());
        }
        Err(RunError::BadManifest("a call names an aggregate that it does not have".to_owned()))
    }

    /// The aggregate with this number.
    ///
    /// # Panics
    /// If there is none: the manifest was checked.
    pub(super) fn code(&self, number: u32) -> Arc<UserCode> {
        Arc::clone(&self.0[number as usize])
    }
}

/// A column of the state, by group.
#[derive(Debug)]
struct StateColumn {
    ty: ColumnType,
    /// As many bytes for each group as its type takes, or bits.
    words: Buf<u64>,
    strs: Buf<Str>,
    validity: Buf<u64>,
    /// What the strings hold.
    owned: Vec<Vec<u8>>,
}

impl StateColumn {
    fn new(ty: ColumnType) -> Self {
        let (words, strs, validity) = (Buf::default(), Buf::default(), Buf::default());
        Self { ty, words, strs, validity, owned: Vec::new() }
    }

    fn width(&self) -> Option<usize> {
        self.ty.base.register_width()
    }

    fn resize(&mut self, groups: usize) {
        if self.ty.base.is_str() {
            self.strs.resize(groups);
            self.owned.resize(groups, Vec::new());
        } else {
            self.words.resize(self.width().map_or(groups.div_ceil(64), |width| (groups * width).div_ceil(8)));
        }
        if self.ty.nullable {
            self.validity.resize(groups.div_ceil(64));
        }
    }

    fn output(&mut self) -> OutputColumn {
        let is_str = self.ty.base.is_str();
        OutputColumn {
            values: if is_str { self.strs.as_mut_ptr().cast() } else { self.words.as_mut_ptr().cast() },
            validity: if self.ty.nullable { self.validity.as_mut_ptr() } else { std::ptr::null_mut() },
        }
    }

    /// The groups from one on, a multiple of 64, as a kernel reads them.
    fn input(&self, first: usize) -> InputColumn {
        let values: *const u8 = if self.ty.base.is_str() {
            self.strs.as_ptr().wrapping_add(first).cast()
        } else {
            let bytes = self.width().map_or(first / 8, |width| first * width);
            self.words.as_ptr().cast::<u8>().wrapping_add(bytes)
        };
        let validity = self.validity.as_ptr().wrapping_add(first / 64);
        InputColumn { values, validity: if self.ty.nullable { validity } else { std::ptr::null() } }
    }

    /// The bits of a group's value that is no string: words as they lie there.
    fn bits(&self, group: usize) -> u128 {
        let word = |at: usize| self.words[at];
        match self.width() {
            None => u128::from(bitmap::get(&self.words, group)),
            Some(16) => u128::from(word(group * 2)) | u128::from(word(group * 2 + 1)) << 64,
            Some(width) => {
                let at = group * width;
                let mask = u64::MAX >> (64 - 8 * width);
                u128::from(word(at / 8) >> (at % 8 * 8) & mask)
            }
        }
    }

    fn set_bits(&mut self, group: usize, bits: u128) {
        match self.width() {
            None if bits == 0 => bitmap::clear(&mut self.words, group),
            None => bitmap::set(&mut self.words, group),
            Some(16) => {
                self.words[group * 2] = bits as u64;
                self.words[group * 2 + 1] = (bits >> 64) as u64;
            }
            Some(width) => {
                let (at, shift) = (group * width / 8, group * width % 8 * 8);
                let mask = u64::MAX >> (64 - 8 * width);
                self.words[at] = self.words[at] & !(mask << shift) | (bits as u64 & mask) << shift;
            }
        }
    }

    /// A group gets the value that a group of another part has.
    fn copy(&mut self, to: usize, other: &Self, from: usize) {
        if self.ty.nullable {
            let is_valid = bitmap::get(&other.validity, from);
            if is_valid { bitmap::set(&mut self.validity, to) } else { bitmap::clear(&mut self.validity, to) }
        }
        if self.ty.base.is_str() {
            self.strs[to] = other.strs[from];
        } else {
            self.set_bits(to, other.bits(from));
        }
    }

    fn is_valid(&self, group: usize) -> bool {
        !self.ty.nullable || bitmap::get(&self.validity, group)
    }

    /// Copies a group's string to memory of its own, unless it is there.
    fn keep(&mut self, group: usize) {
        let own = &mut self.owned[group];
        if self.ty.nullable && !bitmap::get(&self.validity, group) {
            self.strs[group] = Str::new(b"");
            own.clear();
            return;
        }
        let bytes = self.strs[group].bytes();
        let is_own = bytes.len() == own.len() && std::ptr::eq(bytes.as_ptr(), own.as_ptr());
        if !is_own {
            *own = bytes.to_vec();
            self.strs[group] = Str::new(own);
        }
    }

    fn get(&self, group: usize) -> Cell<'_> {
        if !self.is_valid(group) {
            return Cell::Null;
        }
        if self.ty.base.is_str() {
            return Cell::Bytes(self.strs[group].bytes());
        }
        let bits = self.bits(group);
        match self.width() {
            Some(16) => Cell::Wide(bits),
            None => Cell::Word(bits as u64),
            Some(_) if self.ty.base == BaseType::Float32 => Cell::Word(bits as u64),
            Some(_) => Cell::Word(extend(self.ty.base, bits as u64)),
        }
    }

    fn memory_bytes(&self) -> usize {
        let owned: usize = self.owned.iter().map(|own| own.capacity() + size_of::<Vec<u8>>()).sum();
        self.words.memory_bytes() + self.strs.memory_bytes() + self.validity.memory_bytes() + owned
    }
}

fn lent(arena: &mut Mutex<ValueArena>) -> &mut ValueArena {
    arena.get_mut().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// The state of an aggregate for all groups.
#[derive(Debug)]
pub(super) struct UserState {
    code: Arc<UserCode>,
    columns: Vec<StateColumn>,
    /// By group: whether a row was added.
    is_seen: Vec<bool>,
    has_strings: bool,
    /// Only for whoever may change the state; others see that it is there.
    arena: Mutex<ValueArena>,
    /// Groups whose state could not be made.
    failed: BTreeMap<u32, UserError>,
}

impl UserState {
    pub(super) fn new(code: Arc<UserCode>) -> Self {
        let columns: Vec<StateColumn> = code.state.iter().map(|ty| StateColumn::new(*ty)).collect();
        Self {
            has_strings: columns.iter().any(|column| column.ty.base.is_str()),
            columns,
            is_seen: Vec::new(),
            arena: Mutex::default(),
            failed: BTreeMap::new(),
            code,
        }
    }

    /// Makes room for that many groups; new ones begin with what `init` gives.
    pub(super) fn resize(&mut self, groups: usize) {
        let before = self.is_seen.len();
        if groups <= before {
            return;
        }
        self.is_seen.resize(groups, false);
        self.columns.iter_mut().for_each(|column| column.resize(groups));
        let new: Vec<u32> = (before as u32..groups as u32).collect();
        for groups in new.chunks(CHUNK_ROWS) {
            let all = crate::registers::Selection::all(groups.len());
            if let Some(error) = self.run(self.code.init, &[], groups, &all.words, 0) {
                // It has no arguments: if it fails once, it fails for all.
                let error = self.error(UserStep::Init, error);
                self.failed.extend(groups.iter().map(|group| (*group, error)));
            }
            self.keep_strings(groups.iter().copied());
        }
    }

    fn error(&self, step: UserStep, error: RowError) -> UserError {
        UserError { aggregate: self.code.number, step, error }
    }

    /// Calls a kernel for the selected rows from one on; gives the row that cannot be computed, if there is one: the rows
    /// before it are done.
    fn run(
        &mut self,
        kernel: KernelFn,
        args: &[InputColumn],
        groups: &[u32],
        selection: &[u64; CHUNK_WORDS],
        first_row: usize,
    ) -> Option<RowError> {
        let of_groups = InputColumn { values: groups.as_ptr().cast(), validity: std::ptr::null() };
        let inputs: Vec<InputColumn> = std::iter::once(of_groups).chain(args.iter().copied()).collect();
        let outputs: Vec<OutputColumn> = self.columns.iter_mut().map(StateColumn::output).collect();
        let mut context = Context {
            functions: crate::ffi::functions(),
            params: self.code.params.as_ptr(),
            constants: std::ptr::with_exposed_provenance(self.code.constants),
            error: RowError::default(),
            arena: lent(&mut self.arena).as_ptr(),
            row_bytes: 0,
            result: [0; 4],
        };
        let chunk = Chunk {
            rows: groups.len() as u64,
            first_row: first_row as u64,
            inputs: inputs.as_ptr(),
            outputs: outputs.as_ptr(),
            selection: selection.as_ptr(),
            selection_out: std::ptr::null_mut(),
            accumulators: std::ptr::null_mut(),
        };
        let is_failed = kernel::call(kernel, &mut context, &chunk) != 0;
        is_failed.then_some(context.error)
    }

    /// Calls a kernel for all selected rows; `failed` is told of each that cannot be computed.
    fn run_all(
        &mut self,
        kernel: KernelFn,
        args: &[InputColumn],
        groups: &[u32],
        selection: &[u64; CHUNK_WORDS],
        mut failed: impl FnMut(&mut Self, RowError),
    ) {
        let mut first = 0;
        while let Some(error) = self.run(kernel, args, groups, selection, first) {
            first = error.row as usize + 1;
            assert!(first <= groups.len(), "a kernel names a row of the chunk");
            failed(self, error);
            if first == groups.len() {
                return;
            }
        }
    }

    fn keep_strings(&mut self, groups: impl Iterator<Item = u32> + Clone) {
        if self.has_strings {
            for column in self.columns.iter_mut().filter(|column| column.ty.base.is_str()) {
                groups.clone().for_each(|group| column.keep(group as usize));
            }
        }
        lent(&mut self.arena).reset();
    }

    /// Adds the selected rows, or takes them back.
    pub(super) fn update(
        &mut self,
        takes_back: bool,
        args: &[InputColumn],
        groups: &[u32],
        selection: &[u64; CHUNK_WORDS],
        failed: &mut Vec<FailedRow>,
    ) {
        let step = if takes_back { UserStep::Remove } else { UserStep::Add };
        let kernel = if takes_back { self.code.remove } else { Some(self.code.add) };
        let kernel = kernel.expect("rows are only taken back from aggregates that say how");
        let mut added = *selection;
        self.run_all(kernel, args, groups, selection, |state, error| {
            let row = error.row as usize;
            bitmap::clear(&mut added, row);
            failed.push(FailedRow { row: row as u32, group: groups[row], error: state.error(step, error) });
        });
        let used = &added[..bitmap::words_of(groups.len())];
        bitmap::for_each(used, |row| self.is_seen[groups[row] as usize] = true);
        let mut touched = Vec::new();
        if self.has_strings {
            bitmap::for_each(used, |row| touched.push(groups[row]));
        }
        self.keep_strings(touched.iter().copied());
    }

    /// Adds what a later part has; `groups[i]` is the group that its group `i` is here, or `NONE`.
    pub(super) fn merge(&mut self, other: &Self, groups: &[u32]) {
        for (first, groups) in (0..groups.len()).step_by(CHUNK_ROWS).zip(groups.chunks(CHUNK_ROWS)) {
            let mut both = [0; CHUNK_WORDS];
            let mut has_both = false;
            for (row, to) in groups.iter().enumerate().filter(|(_, to)| **to != NONE) {
                let (from, here) = (first + row, *to as usize);
                if let Some(error) = other.failed.get(&(from as u32)) {
                    self.failed.entry(*to).or_insert(*error);
                }
                if !other.is_seen[from] {
                    continue;
                }
                if std::mem::replace(&mut self.is_seen[here], true) {
                    bitmap::set(&mut both, row);
                    has_both = true;
                } else {
                    self.columns.iter_mut().zip(&other.columns).for_each(|(to, of)| to.copy(here, of, from));
                }
            }
            if has_both {
                let args: Vec<InputColumn> = other.columns.iter().map(|column| column.input(first)).collect();
                self.run_all(self.code.merge, &args, groups, &both, |state, error| {
                    let failed = state.error(UserStep::Merge, error);
                    state.failed.entry(groups[error.row as usize]).or_insert(failed);
                });
            }
            self.keep_strings(groups.iter().copied().filter(|group| *group != NONE));
        }
    }

    /// A column of the state for these groups.
    pub(super) fn values(&self, part: usize, groups: impl Iterator<Item = usize>, refused: &mut Refused) -> Column {
        self.failed.iter().for_each(|(group, error)| refused.add(*group, Refusal::User(*error)));
        let of = &self.columns[part];
        let mut column = Column::new(of.ty);
        for group in groups {
            match of.get(group) {
                Cell::Null => column.push_null(),
                Cell::Word(word) => column.push_word(word),
                Cell::Wide(value) => column.push_wide(value),
                Cell::Bytes(bytes) => column.push_str(Str::new(bytes)),
            }
        }
        column
    }

    pub(super) fn memory_bytes(&self) -> usize {
        self.is_seen.capacity() + self.columns.iter().map(StateColumn::memory_bytes).sum::<usize>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_every_width_lie_side_by_side() {
        for base in [
            BaseType::Bool,
            BaseType::Int8,
            BaseType::UInt16,
            BaseType::Float32,
            BaseType::Int64,
            BaseType::Decimal(38, 9),
        ] {
            let mut column = StateColumn::new(ColumnType { base, nullable: false });
            column.resize(130);
            let bits = 8 * base.register_width().unwrap_or(1).min(2);
            let mask = if base == BaseType::Bool { 1 } else { (1 << bits) - 1 };
            let value = |group: usize| (group as u128 * 0x0103) & mask;
            (0..130).rev().for_each(|group| column.set_bits(group, value(group)));
            let found: Vec<u128> = (0..130).map(|group| column.bits(group)).collect();
            assert_eq!(found, (0..130).map(value).collect::<Vec<_>>(), "{base:?}");
        }
    }

    #[test]
    fn strings_are_kept_by_their_group() {
        let mut column = StateColumn::new(ColumnType { base: BaseType::String, nullable: true });
        column.resize(2);
        let text = String::from("made by a kernel");
        bitmap::set(&mut column.validity, 1);
        column.strs[1] = Str::new(text.as_bytes());
        column.keep(0);
        column.keep(1);
        drop(text);
        assert!(matches!(column.get(0), Cell::Null));
        assert!(matches!(column.get(1), Cell::Bytes(b"made by a kernel")));
    }
}
