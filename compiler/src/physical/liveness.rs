//! Which registers later steps read: what each step must carry along when rows leave the selection.
//!
//! Walks backwards from the ends. What nobody reads and what cannot be a row error is not computed, not looked up and
//! not read from the origin.

use sabot_ir::expr::Expr;
use sabot_ir::pipeline::{Body, End, Origin, Pipeline, Reg, Step};
use std::collections::BTreeSet;

/// Fills in `live` and `carry`, and drops what nobody reads.
pub(super) fn fill(pipeline: &mut Pipeline) {
    let read = in_body(&mut pipeline.body);
    match &mut pipeline.origin {
        Origin::Scan { columns, event_time, .. } => {
            let time = event_time.as_ref().map(|time| time.column);
            columns.retain(|(column, reg)| read.contains(reg) || Some(*column) == time);
            if let Some(time) = event_time {
                time.watermark = time.watermark.filter(|reg| read.contains(reg));
            }
        }
        Origin::Table { columns, .. } | Origin::BuildRows { columns, .. } => {
            columns.retain(|(_, reg)| read.contains(reg));
        }
    }
}

/// The registers that a body reads and does not write itself.
fn in_body(body: &mut Body) -> BTreeSet<Reg> {
    let mut live = match &mut body.end {
        End::Sink { columns, .. } | End::Collect { columns, .. } => columns.iter().copied().collect(),
        End::Late { late, .. } => late.iter().flat_map(|late| &late.columns).copied().collect(),
        End::Build { keys, payload, .. } => keys.iter().chain(payload.iter()).copied().collect(),
        End::Aggregate { keys, inputs, .. } => {
            let inputs = inputs.iter().flat_map(|input| input.args.iter().chain(&input.filter));
            keys.iter().chain(inputs).copied().collect()
        }
        End::Window { time, watermark, keys, inputs, late, .. } => {
            let inputs = inputs.iter().flat_map(|input| input.args.iter().chain(&input.filter));
            let late = late.iter().flat_map(|late| &late.columns);
            keys.iter().chain(&*time).chain(&*watermark).chain(inputs).chain(late).copied().collect()
        }
        End::Feed { keys, time, columns, .. } => keys.iter().chain(&*time).chain(columns.iter()).copied().collect(),
        End::Fork(branches) => branches.iter_mut().flat_map(in_body).collect(),
        End::Nothing => BTreeSet::new(),
    };
    for step in body.steps.iter_mut().rev() {
        live = before(step, live);
    }
    body.steps.retain(does_something);
    live
}

fn does_something(step: &Step) -> bool {
    match step {
        Step::Compute { filter, outputs, counts, .. } => filter.is_some() || !outputs.is_empty() || !counts.is_empty(),
        Step::Probe { .. } | Step::FlatMap { .. } | Step::Contenders { .. } => true,
    }
}

/// The registers that are live before a step, if these are live behind it.
fn before(step: &mut Step, after: BTreeSet<Reg>) -> BTreeSet<Reg> {
    match step {
        Step::Compute { filter, outputs, live, .. } => {
            let mut read = after.clone();
            let mut kept = Vec::with_capacity(outputs.len());
            for (reg, expr) in outputs.drain(..).rev() {
                if read.contains(&reg) || expr.can_fail() {
                    read.extend(registers(&expr));
                    kept.push((reg, expr));
                }
            }
            kept.reverse();
            *outputs = kept;
            *live = after.into_iter().filter(|reg| !outputs.iter().any(|(output, _)| output == reg)).collect();
            for (output, _) in outputs.iter() {
                read.remove(output);
            }
            read.extend(filter.iter().flat_map(registers));
            read
        }
        Step::Contenders { keys, value, .. } => after.into_iter().chain(keys.iter().copied()).chain([*value]).collect(),
        // All items stay, so that the lists are of one length wherever one looks.
        Step::FlatMap { lists, items, carry, .. } => {
            *carry = after.into_iter().filter(|reg| !items.contains(reg)).collect();
            lists.iter().chain(carry.iter()).copied().collect()
        }
        Step::Probe { keys, carry, payload, matched, .. } => {
            payload.retain(|(_, reg)| after.contains(reg));
            *matched = matched.filter(|reg| after.contains(reg));
            let mut before = after;
            for (_, reg) in payload.iter() {
                before.remove(reg);
            }
            if let Some(reg) = matched {
                before.remove(reg);
            }
            *carry = before.iter().copied().collect();
            before.extend(keys.iter());
            before
        }
    }
}

fn registers(expr: &Expr) -> Vec<Reg> {
    expr.columns().into_iter().map(Reg).collect()
}
