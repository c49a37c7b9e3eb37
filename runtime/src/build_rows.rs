//! Aggregates behind a join: where a row's group follows from the row of the build side that it matched, that row's number goes
//! with it through the loop, and groups are remembered by number instead of looked for by key.
//!
//! Tables that are read again while the job runs are met by streams that do not end only, whose aggregates are no such tables.
//!
//! It pays where the key is that of the join, so that there are about as many groups as build rows, or holds a string. Where the
//! key holds that of the join, and no two build rows have one key, the rows are the groups: then keys are not even read.

use crate::operator::groups::KeyOf;
use crate::scheduler::{EndSpec, Probing, Resolver, Step};
use sabot_abi::manifest::{self, AggregateInput, BaseType, ColumnType, Field, ProbeKind, Reg};
use std::borrow::Cow;

/// How rows are grouped by the build rows that they matched.
#[derive(Clone, Debug)]
pub(crate) struct BuildRows {
    /// The register with the build rows' numbers.
    pub(crate) reg: Reg,
    /// Which of the pipeline's probes writes it.
    pub(crate) probe: usize,
    /// If the build rows are the groups.
    pub(crate) groups: Option<RowsAreGroups>,
}

/// Groups that are build rows.
#[derive(Clone, Debug)]
pub(crate) struct RowsAreGroups {
    /// How many there are.
    pub(crate) build_rows: usize,
    /// Where the groups' keys come from.
    pub(crate) keys: Vec<KeyOf>,
}

/// Type of a row's number.
const NUMBER: ColumnType = ColumnType { base: BaseType::UInt32, nullable: false };

impl Resolver<'_> {
    /// Lets the last probe before an aggregate number its rows, if that says which group they are in.
    pub(crate) fn group_by_build_row(&mut self, steps: &mut [Step<'_>], end: usize) {
        let EndSpec::Aggregate { keys, .. } = &self.ends[end] else { return };
        let Some(at) = steps.iter().rposition(|step| matches!(step, Step::Probe(_))) else { return };
        let (before, behind) = steps.split_at_mut(at + 1);
        let Some(Step::Probe(number)) = before.last() else { return };
        let probing = &self.probes[*number];
        let is_given = |reg: &Reg| probing.spec.payload.iter().any(|(_, other)| other == reg);
        let ty = |reg: &Reg| self.registers.get(*reg as usize).map(|field| field.ty);
        // Zeros of either sign are one key.
        let is_float = |reg: &Reg| ty(reg).is_none_or(|ty| matches!(ty.base, BaseType::Float32 | BaseType::Float64));
        let is_joined = |reg: &Reg| probing.keys.contains(reg) && !is_float(reg);
        let is_text = |reg: &Reg| ty(reg).is_some_and(|ty| ty.base.is_str());
        let pays = probing.keys.iter().all(|reg| keys.contains(reg)) || keys.iter().any(is_text);
        let follows = !keys.is_empty() && keys.iter().all(|reg| is_given(reg) || is_joined(reg));
        let is_plain = probing.spec.kind == ProbeKind::Inner && !probing.spec.mark_only && probing.away.is_none();
        if !pays || !follows || !is_plain || behind.iter().any(|step| matches!(step, Step::FlatMap { .. })) {
            return;
        }
        let groups = self.rows_that_are_groups(probing, end);
        // Keys that nobody else reads are not brought along.
        let idle = if groups.is_some() { self.only_in_keys(probing, behind, end) } else { Vec::new() };
        // The register behind all others is that of places.
        let reg = (self.registers.len() + self.more_registers.len()) as Reg;
        self.more_registers.push(Field::new("build row", NUMBER));
        let number = *number;
        self.probes[number].spec.rows = Some(reg);
        self.probes[number].spec.payload.retain(|(_, reg)| !idle.contains(reg));
        for step in behind {
            if let Step::Compute { live, .. } = step {
                let kept = live.iter().copied().filter(|reg| !idle.contains(reg));
                *live = Cow::Owned(kept.chain([reg]).collect());
            }
        }
        if let EndSpec::Aggregate { by_row, .. } = &mut self.ends[end] {
            *by_row = Some(BuildRows { reg, probe: number, groups });
        }
    }

    /// Whether the build rows are the groups, and where their keys come from then.
    fn rows_that_are_groups(&self, probing: &Probing<'_>, end: usize) -> Option<RowsAreGroups> {
        let EndSpec::Aggregate { table, spec, keys, .. } = &self.ends[end] else { return None };
        let key_of = |reg: &Reg| {
            if let Some((position, _)) = probing.spec.payload.iter().find(|(_, other)| other == reg) {
                return Some(KeyOf::Payload(*position));
            }
            let is_text = self.registers.get(*reg as usize).is_none_or(|field| field.ty.base.is_str());
            (!is_text).then_some(KeyOf::Register(*reg))
        };
        let is_of_the_join = probing.keys.iter().all(|reg| keys.contains(reg)) && probing.table.is_unique();
        // Other ways into the table know its keys, and so do files and pieces.
        let fillers = self.job.artifact.manifest.pipelines.iter().map(|pipeline| fillers(&pipeline.body, *table));
        let is_alone = fillers.sum::<usize>() == 1 && !self.job.account.has_budget() && !spec.is_in_pieces;
        let keys = keys.iter().map(key_of).collect::<Option<Vec<_>>>()?;
        (is_of_the_join && is_alone).then(|| RowsAreGroups { build_rows: probing.table.rows(), keys })
    }

    /// What the build side gives for keys alone.
    fn only_in_keys(&self, probing: &Probing<'_>, behind: &[Step<'_>], end: usize) -> Vec<Reg> {
        let EndSpec::Aggregate { keys, inputs, .. } = &self.ends[end] else { return Vec::new() };
        let in_calls = |reg: &Reg| inputs.iter().any(|input| is_read(input, *reg));
        let in_steps = |reg: &Reg| {
            behind.iter().any(|step| match step {
                Step::Compute { call, .. } => call.kernel.inputs.contains(reg),
                Step::Count(_) => false,
                Step::Probe(_) | Step::FlatMap { .. } | Step::Contenders(_) => true,
            })
        };
        let given = probing.spec.payload.iter().map(|(_, reg)| *reg);
        given.filter(|reg| keys.contains(reg) && !in_calls(reg) && !in_steps(reg)).collect()
    }
}

fn is_read(input: &AggregateInput, reg: Reg) -> bool {
    input.args.contains(&reg) || input.filter == Some(reg)
}

/// In how many places a table is filled.
fn fillers(body: &manifest::Body, number: u32) -> usize {
    match &body.end {
        manifest::End::Aggregate { table, .. } => usize::from(*table == number),
        manifest::End::Fork(branches) => branches.iter().map(|branch| fillers(branch, number)).sum(),
        manifest::End::Build { .. }
        | manifest::End::Collect { .. }
        | manifest::End::Window { .. }
        | manifest::End::Feed { .. }
        | manifest::End::Sink { .. }
        | manifest::End::Late { .. }
        | manifest::End::Nothing => 0,
    }
}
