//! Aggregates behind a join: where a row's group follows from the row of the build side that it matched, that row's number goes
//! with it through the loop, and groups are remembered by number instead of looked for by key.
//!
//! Tables that are read again while the job runs are met by streams that do not end only, whose aggregates are no such tables.
//!
//! It pays where the key is that of the join, so that there are about as many groups as build rows, or holds a string.

use crate::scheduler::{EndSpec, Resolver, Step};
use sabot_abi::manifest::{BaseType, ColumnType, Field, ProbeKind, Reg};
use std::borrow::Cow;

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
        // The register behind all others is that of places.
        let reg = (self.registers.len() + self.more_registers.len()) as Reg;
        self.more_registers.push(Field::new("build row", NUMBER));
        self.probes[*number].spec.rows = Some(reg);
        for step in behind {
            if let Step::Compute { live, .. } = step {
                let mut all = live.to_vec();
                all.push(reg);
                *live = Cow::Owned(all);
            }
        }
        if let EndSpec::Aggregate { by_row, .. } = &mut self.ends[end] {
            *by_row = Some(reg);
        }
    }
}
