//! Code with loops, several vectors of rows at once: every row goes through every pass until the last one is done, and what a
//! row is no longer concerned with does not change its variables.
//!
//! A mask says which rows statements count for. A branch gives each arm its part of it, a `break` takes rows out until the end
//! of what it leaves, and a loop ends when its mask is empty. Fuel is counted for all rows together, so that it runs out no later than a
//! single row's would: then the rows that are left are suspected of having failed, as ever.

use super::arithmetic::Int;
use super::control::{straight, tested};
use super::range::Range;
use super::{Lanes, VectorCx, division, smallness};
use crate::CodegenError;
use crate::column::Class;
use crate::function::FunctionCx;
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{InstBuilder as _, Value, types};
use cranelift_frontend::Variable;
use sabot_ir::body::{Body, FUEL, LabelId, Statement, VariableId};
use sabot_ir::expr::{Expr, ExprKind, LocalId};
use sabot_ir::ty::Type;
use std::collections::{BTreeMap, BTreeSet};

/// A variable of a body in two rows.
#[derive(Clone, Copy, Debug)]
pub(super) struct Held {
    value: Variable,
    valid: Option<Variable>,
    /// An integer that is held as the float that it is.
    as_float: Option<Int>,
}

impl Held {
    fn new(fx: &mut FunctionCx<'_>, ty: &Type, as_float: Option<Int>) -> Result<Self, CodegenError> {
        let lanes = Class::of(ty).lanes().ok_or_else(|| CodegenError::internal("a variable of no lane type"))?;
        let value = fx.builder.declare_var(if as_float.is_some() { types::F64X2 } else { lanes });
        Ok(Self { value, valid: ty.is_option().then(|| fx.builder.declare_var(types::I64X2)), as_float })
    }

    /// What it holds now.
    pub(super) fn read(self, cx: &mut VectorCx<'_, '_>) -> Lanes {
        let mut value = cx.fx.builder.use_var(self.value);
        if let Some(int) = self.as_float {
            value = division::to_int(cx, value);
            cx.ranges.insert(value, Range::of_type(int).and(division::exact()));
        }
        Lanes { value, valid: self.valid.map(|valid| cx.fx.builder.use_var(valid)) }
    }

    /// Gives it its first value.
    fn begin(self, cx: &mut VectorCx<'_, '_>, new: Lanes) {
        let value = self.to_hold(cx, new.value);
        cx.fx.builder.def_var(self.value, value);
        if let Some(valid) = self.valid {
            let mask = cx.valid(new);
            cx.fx.builder.def_var(valid, mask);
        }
    }

    /// A value as it is held.
    fn to_hold(self, cx: &mut VectorCx<'_, '_>, value: Value) -> Value {
        let Some(int) = self.as_float else { return value };
        division::assume_small(cx, int, value);
        division::to_float(cx, value)
    }

    /// Gives it a new value in the rows of a mask, `None`: in all.
    fn assign(self, cx: &mut VectorCx<'_, '_>, new: Lanes, mask: Option<Value>) {
        let Some(mask) = mask else { return self.begin(cx, new) };
        let value = self.to_hold(cx, new.value);
        let old = cx.fx.builder.use_var(self.value);
        let value = cx.choose(mask, value, old);
        cx.fx.builder.def_var(self.value, value);
        if let Some(valid) = self.valid {
            let (old, new) = (cx.fx.builder.use_var(valid), cx.valid(new));
            let chosen = cx.choose(mask, new, old);
            cx.fx.builder.def_var(valid, chosen);
        }
    }
}

/// What belongs to two rows, of several that go through a body together.
pub(crate) struct Group {
    registers: BTreeMap<u32, Lanes>,
    path: Option<Value>,
    failed: Option<Value>,
    locals: BTreeMap<LocalId, Lanes>,
    ranges: BTreeMap<Value, Range>,
    floats: BTreeMap<Value, Value>,
    ints: BTreeMap<Value, Value>,
    not_zero: BTreeSet<Value>,
    scalars: BTreeMap<Value, [Value; 2]>,
    variables: Vec<Held>,
}

/// What is known of values, as long as control has passed through where it was found out.
type Known = (BTreeMap<Value, Value>, BTreeMap<Value, Value>, BTreeMap<Value, [Value; 2]>);

impl Group {
    /// Two rows with these registers, which count by this mask.
    pub(crate) fn new(registers: BTreeMap<u32, Lanes>, path: Value) -> Self {
        Self {
            registers,
            path: Some(path),
            failed: None,
            locals: BTreeMap::new(),
            ranges: BTreeMap::new(),
            floats: BTreeMap::new(),
            ints: BTreeMap::new(),
            not_zero: BTreeSet::new(),
            scalars: BTreeMap::new(),
            variables: Vec::new(),
        }
    }
}

impl Group {
    /// Leaves rows out.
    pub(crate) fn narrow(&mut self, cx: &mut VectorCx<'_, '_>, mask: Value) {
        self.path = cx.both(self.path, Some(mask));
    }

    /// The sign bit says that the row failed.
    pub(crate) fn failed(&self) -> Option<Value> {
        self.failed
    }
}

impl VectorCx<'_, '_> {
    /// Does something for these two rows instead of those that it was at.
    pub(crate) fn of_group<T>(&mut self, group: &mut Group, act: impl FnOnce(&mut Self) -> T) -> T {
        self.exchange(group);
        let result = act(self);
        self.exchange(group);
        result
    }

    fn exchange(&mut self, group: &mut Group) {
        std::mem::swap(&mut self.registers, &mut group.registers);
        std::mem::swap(&mut self.path, &mut group.path);
        std::mem::swap(&mut self.failed, &mut group.failed);
        std::mem::swap(&mut self.locals, &mut group.locals);
        std::mem::swap(&mut self.ranges, &mut group.ranges);
        std::mem::swap(&mut self.floats, &mut group.floats);
        std::mem::swap(&mut self.ints, &mut group.ints);
        std::mem::swap(&mut self.not_zero, &mut group.not_zero);
        std::mem::swap(&mut self.scalars, &mut group.scalars);
        std::mem::swap(&mut self.variables, &mut group.variables);
    }
}

/// Runs a body for all groups, and gives its results in each: first by result, then by group. Rows that failed are marked in
/// the groups.
pub(crate) fn run(
    cx: &mut VectorCx<'_, '_>,
    groups: &mut [Group],
    body: &Body,
    args: &[Expr],
    results: &[&Expr],
) -> Result<Vec<Vec<Lanes>>, CodegenError> {
    let mut masks = Vec::with_capacity(groups.len());
    let mut failed = Vec::with_capacity(groups.len());
    let as_floats = smallness::held_as_floats(body);
    for group in &mut *groups {
        let values = args.iter().map(|arg| cx.of_group(group, |cx| cx.lower(arg))).collect::<Result<Vec<_>, _>>()?;
        let mask = group.path.unwrap_or_else(|| cx.mask(true));
        masks.push(mask);
        group.locals.clear();
        let mut all = Vec::with_capacity(body.variables.len());
        for (at, variable) in body.variables.iter().enumerate() {
            let held = Held::new(cx.fx, &variable.ty, as_floats[at])?;
            cx.of_group(group, |cx| -> Result<(), CodegenError> {
                let value = match values.get(at) {
                    Some(value) => *value,
                    None => nothing(cx, &variable.ty)?,
                };
                held.begin(cx, value);
                Ok(())
            })?;
            all.push(held);
        }
        group.variables = all;
        let variable = cx.fx.builder.declare_var(types::I64X2);
        let before = group.failed.take().unwrap_or_else(|| cx.mask(false));
        cx.fx.builder.def_var(variable, before);
        failed.push(variable);
    }
    let fuel = cx.fx.builder.declare_var(types::I64);
    let full = cx.fx.int(types::I64, i64::try_from(FUEL).unwrap_or(i64::MAX));
    cx.fx.builder.def_var(fuel, full);
    cx.fx.note(|| "a body, several rows at once".to_owned());
    let temporary = temporary(body);
    let types: Vec<&Type> = body.variables.iter().map(|variable| &variable.ty).collect();
    let mut runner = Runner { cx, groups, failed, may_fail: false, fuel, labels: Vec::new(), temporary, types };
    runner.statements(&body.block, masks.clone())?;
    let mut all = Vec::with_capacity(results.len());
    for result in results {
        all.push(runner.each(result, &masks)?);
    }
    let Runner { cx, groups, failed, .. } = runner;
    for (group, variable) in groups.iter_mut().zip(failed) {
        group.failed = Some(cx.fx.builder.use_var(variable));
        group.variables.clear();
    }
    Ok(all)
}

/// What a variable begins with that has no argument.
fn nothing(cx: &mut VectorCx<'_, '_>, ty: &Type) -> Result<Lanes, CodegenError> {
    let lanes = Class::of(ty).lanes().ok_or_else(|| CodegenError::internal("a variable of no lane type"))?;
    let valid = ty.is_option().then(|| cx.mask(false));
    Ok(Lanes { value: cx.fx.lanes(lanes, 0, 0), valid })
}

/// Which rows of each group statements count for.
type Masks = Vec<Value>;

/// A block or loop that rows may leave.
struct Label {
    id: LabelId,
    /// Rows that have left it, where that is asked.
    left: Option<Vec<Variable>>,
    /// Rows that wait for its next pass.
    waiting: Option<Vec<Variable>>,
}

struct Runner<'r, 'f, 'a> {
    cx: &'r mut VectorCx<'f, 'a>,
    groups: &'r mut [Group],
    failed: Vec<Variable>,
    /// Whether something so far may have.
    may_fail: bool,
    fuel: Variable,
    labels: Vec<Label>,
    /// Variables that a row reads only after it has assigned them in the same pass.
    temporary: BTreeSet<VariableId>,
    types: Vec<&'r Type>,
}

impl Runner<'_, '_, '_> {
    /// An expression in every group, under these masks.
    fn each(&mut self, expr: &Expr, masks: &Masks) -> Result<Vec<Lanes>, CodegenError> {
        let mut values = Vec::with_capacity(self.groups.len());
        for (at, mask) in masks.iter().enumerate() {
            let group = &mut self.groups[at];
            group.path = Some(*mask);
            let mark = self.cx.assumed.len();
            values.push(self.cx.of_group(group, |cx| {
                let value = cx.lower(expr);
                cx.forget_since(mark);
                value
            })?);
            self.note_failed(at);
        }
        Ok(values)
    }

    /// Rows of a group that have just failed, with those before.
    fn note_failed(&mut self, at: usize) {
        if let Some(bad) = self.groups[at].failed.take() {
            let before = self.cx.fx.builder.use_var(self.failed[at]);
            let after = self.cx.fx.builder.ins().bor(before, bad);
            self.cx.fx.builder.def_var(self.failed[at], after);
            self.may_fail = true;
        }
    }

    /// Masks as variables, empty at first.
    fn empty(&mut self) -> Vec<Variable> {
        let none = self.cx.mask(false);
        let declare = |_: &Group| {
            let variable = self.cx.fx.builder.declare_var(types::I64X2);
            self.cx.fx.builder.def_var(variable, none);
            variable
        };
        self.groups.iter().map(declare).collect()
    }

    fn read(&mut self, variables: &[Variable]) -> Masks {
        variables.iter().map(|variable| self.cx.fx.builder.use_var(*variable)).collect()
    }

    /// Adds rows to masks.
    fn add(&mut self, variables: &[Variable], masks: &Masks) {
        for (variable, mask) in variables.iter().zip(masks) {
            let before = self.cx.fx.builder.use_var(*variable);
            let after = self.cx.fx.builder.ins().bor(before, *mask);
            self.cx.fx.builder.def_var(*variable, after);
        }
    }

    fn union(&mut self, a: Option<Masks>, b: Option<Masks>) -> Option<Masks> {
        match (a, b) {
            (Some(a), Some(b)) => Some(a.into_iter().zip(b).map(|(a, b)| self.cx.fx.builder.ins().bor(a, b)).collect()),
            (one, None) | (None, one) => one,
        }
    }

    /// Does statements; the rows that go on behind them, `None`: never any.
    fn statements(&mut self, list: &[Statement], masks: Masks) -> Result<Option<Masks>, CodegenError> {
        let mut masks = masks;
        for statement in list {
            match self.statement(statement, masks)? {
                Some(left) => masks = left,
                None => return Ok(None),
            }
        }
        Ok(Some(masks))
    }

    fn statement(&mut self, statement: &Statement, masks: Masks) -> Result<Option<Masks>, CodegenError> {
        match statement {
            Statement::Assign(id, value) => {
                let new = self.each(value, &masks)?;
                self.set(*id, &new, &masks)?;
                Ok(Some(masks))
            }
            Statement::Evaluate(value) => {
                self.each(value, &masks)?;
                Ok(Some(masks))
            }
            Statement::If { condition, then, otherwise } => {
                let (condition, then, otherwise) = straight(condition, then.as_slice(), otherwise.as_slice());
                let holds = self.each(&condition, &masks)?.into_iter().map(|lanes| lanes.value).collect();
                let tested = self.groups.iter_mut().map(|group| self.cx.of_group(group, |cx| tested(cx, &condition)));
                let tested = tested.collect::<Result<Vec<_>, _>>()?;
                let arms = [
                    (then, tested.iter().map(|(yes, _)| *yes).collect()),
                    (otherwise, tested.iter().map(|(_, no)| *no).collect()),
                ];
                self.branch(holds, None, arms, masks)
            }
            Statement::IfSome { option, variable, then, otherwise } => {
                let option = self.each(option, &masks)?;
                let holds = option.iter().map(|lanes| self.cx.valid(*lanes)).collect();
                let inner = option.into_iter().map(|lanes| Lanes::plain(lanes.value)).collect();
                self.branch(holds, Some((*variable, inner)), [(then, Vec::new()), (otherwise, Vec::new())], masks)
            }
            Statement::Block { label, body } => {
                let left = jumps(body, &|jump| jump == Jump::Break(*label)).then(|| self.empty());
                self.labels.push(Label { id: *label, left: left.clone(), waiting: None });
                let after = self.statements(body, masks);
                self.labels.pop();
                let left = left.map(|left| self.read(&left));
                Ok(self.union(after?, left))
            }
            Statement::Loop { label, body, .. } => self.repeat(*label, body, masks),
            Statement::Break(id) => {
                if let Some(left) = self.label(*id)?.left.clone() {
                    self.add(&left, &masks);
                }
                Ok(None)
            }
            Statement::Continue(id) => {
                let waiting = self.label(*id)?.waiting.clone();
                let waiting = waiting.ok_or_else(|| CodegenError::internal("a continue of a block"))?;
                self.add(&waiting, &masks);
                Ok(None)
            }
        }
    }

    fn label(&self, id: LabelId) -> Result<&Label, CodegenError> {
        let found = self.labels.iter().rev().find(|label| label.id == id);
        found.ok_or_else(|| CodegenError::internal("a jump to a label that is not around it"))
    }

    /// Gives a variable its new value in these rows.
    fn set(&mut self, id: VariableId, new: &[Lanes], masks: &Masks) -> Result<(), CodegenError> {
        let is_option = self.types.get(id.0 as usize).is_some_and(|ty| ty.is_option());
        for (at, mask) in masks.iter().enumerate() {
            let group = &mut self.groups[at];
            let held = *group
                .variables
                .get(id.0 as usize)
                .ok_or_else(|| CodegenError::internal("an unknown variable is assigned to"))?;
            let new = Lanes { valid: new[at].valid.filter(|_| is_option), ..new[at] };
            group.path = Some(*mask);
            let mask = (!self.temporary.contains(&id)).then_some(*mask);
            let mark = self.cx.assumed.len();
            self.cx.of_group(group, |cx| {
                held.assign(cx, new, mask);
                cx.forget_since(mark);
            });
            self.note_failed(at);
        }
        Ok(())
    }

    fn branch(
        &mut self,
        holds: Masks,
        bound: Option<(VariableId, Vec<Lanes>)>,
        [(then, then_not_zero), (otherwise, otherwise_not_zero)]: [(&[Statement], Vec<Option<Value>>); 2],
        masks: Masks,
    ) -> Result<Option<Masks>, CodegenError> {
        let both = masks.iter().zip(&holds);
        let (mut yes, mut no) = (Vec::with_capacity(masks.len()), Vec::with_capacity(masks.len()));
        for (mask, holds) in both {
            yes.push(self.cx.fx.builder.ins().band(*mask, *holds));
            no.push(self.cx.fx.builder.ins().band_not(*mask, *holds));
        }
        if let Some((id, values)) = bound {
            self.set(id, &values, &yes)?;
        }
        let then_after = self.arm(then, &then_not_zero, yes.clone())?;
        let otherwise_after = self.arm(otherwise, &otherwise_not_zero, no.clone())?;
        if then_after.as_ref() == Some(&yes) && otherwise_after.as_ref() == Some(&no) {
            return Ok(Some(masks)); // nobody has left
        }
        Ok(self.union(then_after, otherwise_after))
    }

    /// Statements that come behind a test for zero.
    fn arm(
        &mut self,
        list: &[Statement],
        not_zero: &[Option<Value>],
        masks: Masks,
    ) -> Result<Option<Masks>, CodegenError> {
        let before: Vec<_> = self.groups.iter().map(|group| group.not_zero.clone()).collect();
        for (group, value) in self.groups.iter_mut().zip(not_zero) {
            group.not_zero.extend(*value);
        }
        let after = self.statements(list, masks);
        for (group, before) in self.groups.iter_mut().zip(before) {
            group.not_zero = before;
        }
        after
    }

    fn repeat(&mut self, label: LabelId, body: &[Statement], masks: Masks) -> Result<Option<Masks>, CodegenError> {
        // Where nothing jumps past the loop's end, all rows come out there.
        let escapes = jumps(body, &|jump| !matches!(jump, Jump::Break(to) | Jump::Continue(to) if to == label));
        let left = escapes.then(|| self.empty());
        let active = self.empty();
        for (variable, mask) in active.iter().zip(&masks) {
            self.cx.fx.builder.def_var(*variable, *mask);
        }
        let (head, go, exit) = {
            let builder = &mut self.cx.fx.builder;
            (builder.create_block(), builder.create_block(), builder.create_block())
        };
        let out = self.cx.fx.cold_block();
        let known: Vec<Known> =
            self.groups.iter().map(|group| (group.floats.clone(), group.ints.clone(), group.scalars.clone())).collect();
        let failed_before = std::mem::replace(&mut self.may_fail, false);
        self.cx.fx.builder.ins().jump(head, &[]);

        self.cx.fx.builder.switch_to_block(head);
        let fuel = self.cx.fx.builder.use_var(self.fuel);
        let is_empty = self.cx.fx.builder.ins().icmp_imm_s(IntCC::SignedLessThanOrEqual, fuel, 0);
        let now = self.read(&active);
        self.cx.fx.builder.ins().brif(is_empty, out, &[], go, &[]);

        self.cx.fx.builder.switch_to_block(go);
        let less = self.cx.fx.builder.ins().iadd_imm_s(fuel, -1);
        self.cx.fx.builder.def_var(self.fuel, less);
        let waiting = jumps(body, &|jump| jump == Jump::Continue(label)).then(|| self.empty());
        self.labels.push(Label { id: label, left: left.clone(), waiting: waiting.clone() });
        let after = self.statements(body, now.clone());
        self.labels.pop();
        let again = waiting.map(|waiting| self.read(&waiting));
        let mut next = self.union(after?, again);
        if let Some(next) = &mut next
            && self.may_fail
        {
            // Who has failed is done.
            let zero = self.cx.int(0);
            for (mask, failed) in next.iter_mut().zip(&self.failed) {
                let failed = self.cx.fx.builder.use_var(*failed);
                let failed = self.cx.fx.builder.ins().icmp(IntCC::SignedLessThan, failed, zero);
                *mask = self.cx.fx.builder.ins().band_not(*mask, failed);
            }
        }
        match next {
            Some(next) => {
                let mut any = None;
                for (variable, mask) in active.iter().zip(&next) {
                    self.cx.fx.builder.def_var(*variable, *mask);
                    any = self.cx.either(any, *mask);
                }
                let any = any.ok_or_else(|| CodegenError::internal("a body without rows"))?;
                let any = self.cx.fx.builder.ins().vany_true(any);
                self.cx.fx.builder.ins().brif(any, head, &[], exit, &[]);
            }
            None => {
                self.cx.fx.builder.ins().jump(exit, &[]);
            }
        }

        self.cx.fx.builder.switch_to_block(out);
        let failed = self.failed.clone();
        self.add(&failed, &now);
        self.cx.fx.builder.ins().jump(exit, &[]);

        self.cx.fx.builder.switch_to_block(exit);
        // Fuel may have run out before any of it was done.
        for (group, (floats, ints, scalars)) in self.groups.iter_mut().zip(known) {
            (group.floats, group.ints, group.scalars) = (floats, ints, scalars);
        }
        self.may_fail |= failed_before;
        Ok(Some(match left {
            Some(left) => self.read(&left),
            None => masks,
        }))
    }
}

/// Where a jump leads.
#[derive(Clone, Copy, PartialEq)]
enum Jump {
    Break(LabelId),
    Continue(LabelId),
}

/// Whether some jump out of these statements is one of those asked for.
fn jumps(list: &[Statement], asked: &dyn Fn(Jump) -> bool) -> bool {
    list.iter().any(|statement| match statement {
        Statement::Break(id) => asked(Jump::Break(*id)),
        Statement::Continue(id) => asked(Jump::Continue(*id)),
        Statement::If { then, otherwise, .. } | Statement::IfSome { then, otherwise, .. } => {
            jumps(then, asked) || jumps(otherwise, asked)
        }
        // What jumps to this one does not leave the statements.
        Statement::Block { label, body } | Statement::Loop { label, body, .. } => jumps(body, &|jump| {
            let (Jump::Break(to) | Jump::Continue(to)) = jump;
            to != *label && asked(jump)
        }),
        Statement::Assign(..) | Statement::Evaluate(_) => false,
    })
}

/// Variables that are assigned in one place, and read only behind it, by rows that have come through it: what other rows hold
/// in them is never seen.
fn temporary(body: &Body) -> BTreeSet<VariableId> {
    let mut finder = Finder { assigned: BTreeMap::new(), early: BTreeSet::new() };
    finder.list(&body.block, &mut BTreeSet::new());
    finder.reads(&body.result, &BTreeSet::new());
    let Finder { assigned, early } = finder;
    assigned.into_iter().filter(|(id, count)| *count == 1 && !early.contains(id)).map(|(id, _)| id).collect()
}

struct Finder {
    /// How often each is assigned.
    assigned: BTreeMap<VariableId, usize>,
    /// Those that are read where they may not have been.
    early: BTreeSet<VariableId>,
}

impl Finder {
    fn reads(&mut self, expr: &Expr, before: &BTreeSet<VariableId>) {
        expr.walk_all(&mut |node| {
            if let ExprKind::Variable(id) = node.kind
                && !before.contains(&id)
            {
                self.early.insert(id);
            }
        });
    }

    fn list(&mut self, list: &[Statement], before: &mut BTreeSet<VariableId>) {
        for statement in list {
            match statement {
                Statement::Assign(id, value) => {
                    self.reads(value, before);
                    *self.assigned.entry(*id).or_default() += 1;
                    before.insert(*id);
                }
                Statement::Evaluate(value) => self.reads(value, before),
                Statement::If { condition, then, otherwise } => {
                    self.reads(condition, before);
                    self.list(then, &mut before.clone());
                    self.list(otherwise, &mut before.clone());
                }
                Statement::IfSome { option, variable, then, otherwise } => {
                    self.reads(option, before);
                    *self.assigned.entry(*variable).or_default() += 1;
                    let mut inner = before.clone();
                    inner.insert(*variable);
                    self.list(then, &mut inner);
                    self.list(otherwise, &mut before.clone());
                }
                Statement::Block { body, .. } | Statement::Loop { body, .. } => self.list(body, &mut before.clone()),
                Statement::Break(_) | Statement::Continue(_) => {}
            }
        }
    }
}
