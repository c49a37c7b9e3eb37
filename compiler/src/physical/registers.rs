//! The registers of one pipeline.

use sabot_ir::expr::{Expr, ExprKind};
use sabot_ir::pipeline::{AggregateInput, Body, End, Origin, Pipeline, Reg, Register, Step};
use sabot_ir::ty::Type;
use std::collections::{BTreeMap, BTreeSet};

/// Registers in the order they were first needed.
#[derive(Default)]
pub(super) struct Registers {
    pub(super) list: Vec<Register>,
}

impl Registers {
    /// A new register.
    pub(super) fn add(&mut self, name: &str, ty: &Type) -> Reg {
        let reg = Reg(u32::try_from(self.list.len()).expect("a pipeline has fewer than 2^32 registers"));
        self.list.push(Register { name: name.to_owned(), ty: ty.clone() });
        reg
    }

    /// A new register, as an expression that reads it.
    pub(super) fn column(&mut self, name: &str, ty: &Type) -> (Reg, Expr) {
        let reg = self.add(name, ty);
        (reg, Expr::column(reg.0, ty.clone()))
    }
}

/// Numbers the registers that are left anew, without gaps.
pub(super) fn renumber(pipeline: &mut Pipeline) {
    let mut used = BTreeSet::new();
    each_register(pipeline, &mut |reg| {
        used.insert(*reg);
    });
    let numbers: BTreeMap<Reg, Reg> = used.iter().copied().zip((0u32..).map(Reg)).collect();
    each_register(pipeline, &mut |reg| *reg = numbers[reg]);
    let mut position = 0;
    pipeline.registers.retain(|_| {
        position += 1;
        used.contains(&Reg(position - 1))
    });
}

fn each_register(pipeline: &mut Pipeline, change: &mut impl FnMut(&mut Reg)) {
    match &mut pipeline.origin {
        Origin::Scan { columns, event_time, .. } => {
            columns.iter_mut().for_each(|(_, reg)| change(reg));
            if let Some(reg) = event_time.as_mut().and_then(|time| time.watermark.as_mut()) {
                change(reg);
            }
        }
        Origin::Table { columns, .. } | Origin::BuildRows { columns, .. } => {
            columns.iter_mut().for_each(|(_, reg)| change(reg));
        }
    }
    in_body(&mut pipeline.body, change);
}

fn in_body(body: &mut Body, change: &mut impl FnMut(&mut Reg)) {
    for step in &mut body.steps {
        match step {
            Step::Compute { filter, outputs, live, operator: _, counts: _ } => {
                filter.iter_mut().for_each(|expr| in_expr(expr, change));
                for (reg, expr) in outputs {
                    change(reg);
                    in_expr(expr, change);
                }
                live.iter_mut().for_each(&mut *change);
            }
            Step::Contenders { keys, value, is_least: _, operator: _ } => {
                keys.iter_mut().chain([value]).for_each(&mut *change);
            }
            Step::FlatMap { lists, items, carry, operator: _ } => {
                lists.iter_mut().chain(items).chain(carry).for_each(&mut *change);
            }
            Step::Probe { table: _, kind: _, keys, carry, payload, matched, mark_only: _, operator: _ } => {
                keys.iter_mut().for_each(&mut *change);
                carry.iter_mut().for_each(&mut *change);
                payload.iter_mut().for_each(|(_, reg)| change(reg));
                matched.iter_mut().for_each(&mut *change);
            }
        }
    }
    match &mut body.end {
        End::Sink { columns, .. } | End::Collect { columns, .. } => columns.iter_mut().for_each(change),
        End::Late { late, .. } => late.iter_mut().flat_map(|late| &mut late.columns).for_each(change),
        End::Build { keys, payload, .. } => keys.iter_mut().chain(payload).for_each(change),
        End::Aggregate { keys, inputs, .. } => {
            keys.iter_mut().for_each(&mut *change);
            for AggregateInput { args, filter } in inputs {
                args.iter_mut().chain(filter).for_each(&mut *change);
            }
        }
        End::Window { table: _, time, watermark, keys, inputs, late, operator: _ } => {
            keys.iter_mut().chain(time).chain(watermark).for_each(&mut *change);
            for AggregateInput { args, filter } in inputs {
                args.iter_mut().chain(filter).for_each(&mut *change);
            }
            late.iter_mut().flat_map(|late| &mut late.columns).for_each(&mut *change);
        }
        End::Feed { table: _, input: _, keys, time, columns, operator: _ } => {
            keys.iter_mut().chain(time).chain(columns).for_each(change);
        }
        End::Fork(branches) => branches.iter_mut().for_each(|branch| in_body(branch, change)),
        End::Nothing => {}
    }
}

fn in_expr(expr: &mut Expr, change: &mut impl FnMut(&mut Reg)) {
    expr.rewrite(&mut |node| {
        if let ExprKind::Column(column) = &mut node.kind {
            let mut reg = Reg(*column);
            change(&mut reg);
            *column = reg.0;
        }
    });
}
