//! Loops: typed code to the statements of a [`sabot_ir::body::Body`].
//!
//! A loop, or a block that is left by its label, becomes one body. The variables around that it names come in as its first
//! variables, and those that it assigns to come out as results: one `Compute` each, which differ only in the result. A
//! `return` inside sets a flag and leaves the whole; who called looks at the flag.
//!
//! While a body is made, what would be a `let` becomes a statement, so that everything happens in the order it is written.
//! Code inside that neither assigns nor jumps is lowered as anywhere else, to one expression. Records, tuples and options of
//! them are taken apart into scalar variables.

use super::hir::{BindingId, Hir, HirArm, HirKind, HirStatement, LoopId, Place};
use super::lower::{Lower, unit};
use super::region::{self, Region};
use super::types::Ty;
use super::value::{Value, is_never};
use sabot_ir::ast::BinaryOp;
use sabot_ir::body::{self, Body, LabelId, Statement, Variable, VariableId};
use sabot_ir::expr::{Expr, ExprKind, LocalId, ParamId};
use sabot_ir::span::Span;
use sabot_ir::ty::Type;
use std::collections::{BTreeMap, BTreeSet};

/// A body that is being made.
pub(super) struct Machine {
    /// How many regions are around it: while there are no more, statements are made.
    base: usize,
    /// Its variables, those that come in with what they are outside.
    variables: Vec<(Variable, Option<Expr>)>,
    /// Variables whose value stays once it is there, as long as anyone reads it.
    stable: BTreeSet<VariableId>,
    /// Statements, of the innermost block last.
    lists: Vec<Vec<Statement>>,
    next_label: u32,
    /// Loops and labelled blocks around, with where their values go.
    loops: Vec<(LoopId, LabelId, Option<Value>)>,
    /// Where `return` goes, of the innermost closure last.
    returns: Vec<Leave>,
    /// Variables of the code that are assigned to.
    changing: BTreeSet<BindingId>,
    /// Parameters of the job that came in.
    params: BTreeMap<ParamId, VariableId>,
}

/// What a `return` does.
#[derive(Clone)]
struct Leave {
    label: LabelId,
    value: Option<Value>,
    /// Set where the whole body is left.
    flag: Option<VariableId>,
}

/// What a body has given.
pub(super) struct Ran {
    /// Its value.
    pub(super) value: Value,
    /// Whether a `return` has left it, and with which value.
    pub(super) returned: Option<(Expr, Value)>,
}

impl Machine {
    fn variable(&mut self, name: &str, ty: Type, span: Span, initial: Option<Expr>) -> VariableId {
        let id = VariableId(u32::try_from(self.variables.len()).unwrap_or(u32::MAX));
        self.variables.push((Variable { name: name.to_owned(), ty, span }, initial));
        id
    }

    fn label(&mut self) -> LabelId {
        self.next_label += 1;
        LabelId(self.next_label - 1)
    }

    fn emit(&mut self, statement: Statement) {
        if let Some(list) = self.lists.last_mut() {
            list.push(statement);
        }
    }

    fn is_stable(&self, expr: &Expr) -> bool {
        match &expr.kind {
            ExprKind::Literal(_) | ExprKind::None => true,
            ExprKind::Variable(id) => self.stable.contains(id),
            ExprKind::Some(inner) => self.is_stable(inner),
            ExprKind::Column(_)
            | ExprKind::Param(_)
            | ExprKind::Local(_)
            | ExprKind::Let { .. }
            | ExprKind::Unary(..)
            | ExprKind::Binary(..)
            | ExprKind::Cast(_)
            | ExprKind::If { .. }
            | ExprKind::IsSome(_)
            | ExprKind::IfSome { .. }
            | ExprKind::Call(..)
            | ExprKind::Compute(..)
            | ExprKind::Fail(_) => false,
        }
    }
}

fn read(id: VariableId, ty: Type, span: Span) -> Expr {
    Expr::new(ExprKind::Variable(id), ty, span)
}

impl Lower<'_, '_> {
    /// Whether statements are being made here.
    pub(super) fn in_machine(&self) -> bool {
        self.machines.last().is_some_and(|machine| machine.base == self.regions.len())
    }

    fn machine(&mut self) -> &mut Machine {
        self.machines.last_mut().expect("a body is being made")
    }

    /// Runs code in a body of its own; variables around get the values that it leaves.
    pub(super) fn run(&mut self, hir: &Hir) -> Ran {
        let (mut named, mut changing) = (BTreeSet::new(), BTreeSet::new());
        hir.named(&mut named);
        hir.assigned(&mut changing);
        let mut machine = Machine {
            base: self.regions.len(),
            variables: Vec::new(),
            stable: BTreeSet::new(),
            lists: vec![Vec::new()],
            next_label: 0,
            loops: Vec::new(),
            returns: Vec::new(),
            changing: changing.clone(),
            params: BTreeMap::new(),
        };
        let mut frame = BTreeMap::new();
        for id in named {
            let Some(held) = self.frame().get(&id).cloned() else { continue };
            let changes = changing.contains(&id);
            let mut inside = self.bind_value(held);
            for leaf in inside.leaves_mut() {
                if leaf.as_literal().is_some() && !changes {
                    continue;
                }
                let (ty, span) = (leaf.ty.clone(), leaf.span);
                let variable = machine.variable("", ty.clone(), span, Some(leaf.clone()));
                if !changes {
                    machine.stable.insert(variable);
                }
                *leaf = read(variable, ty, span);
            }
            frame.insert(id, inside);
        }
        let exit = machine.label();
        self.machines.push(machine);
        self.frames.push(frame);
        let leaves = return_type(hir);
        let leave = leaves.map(|ty| {
            let value = self.slots(&ty, hir.span);
            let flag = self.machine().variable("returned", Type::Bool, hir.span, None);
            Leave { label: exit, value, flag: Some(flag) }
        });
        self.machine().returns.extend(leave.clone());
        let value = self.value(hir);
        // What comes out is variables: after a `return` nothing more is computed.
        let value = if is_never_value(&value) {
            self.discard(value);
            unit()
        } else {
            self.bind_value(value)
        };
        let frame = self.frames.pop().unwrap_or_default();
        let Some(mut machine) = self.machines.pop() else { return Ran { value: unit(), returned: None } };
        let mut block = machine.lists.pop().unwrap_or_default();
        if leave.is_some() {
            block = vec![Statement::Block { label: exit, body: block }];
        }
        let outside: Vec<BindingId> = changing.into_iter().filter(|id| self.frame().contains_key(id)).collect();
        let mut results = vec![value];
        results.extend(outside.iter().map(|id| frame.get(id).cloned().unwrap_or_else(unit)));
        if let Some(leave) = &leave {
            let flag = leave.flag.unwrap_or(VariableId(0));
            results.push(Value::Scalar(read(flag, Type::Bool, hir.span)));
            results.push(leave.value.clone().unwrap_or_else(unit));
        }
        let mut results = Value::Parts(results);
        self.results(machine, block, &mut results, hir.span);
        let Value::Parts(results) = results else { return Ran { value: unit(), returned: None } };
        let mut results = results.into_iter();
        let value = results.next().unwrap_or_else(unit);
        for id in outside {
            let held = results.next().unwrap_or_else(unit);
            self.frame().insert(id, held);
        }
        self.changes += 1;
        let returned = match (results.next(), results.next()) {
            (Some(Value::Scalar(flag)), Some(value)) => Some((flag, value)),
            _ => None,
        };
        Ran { value, returned }
    }

    /// Makes of each result, which is a variable or a literal, what it is outside: a run of the body.
    fn results(&mut self, machine: Machine, mut block: Vec<Statement>, results: &mut Value, span: Span) {
        // Only variables that somebody names stay, those that come in first.
        let mut used = BTreeSet::new();
        let mut assigned = BTreeSet::new();
        mentioned(&block, &mut used, &mut assigned);
        for leaf in results.leaves() {
            variables_in(leaf, &mut used);
        }
        used.extend(assigned.iter().copied());
        let (incoming, own): (Vec<VariableId>, Vec<VariableId>) =
            used.into_iter().partition(|id| machine.variables[id.0 as usize].1.is_some());
        let order: Vec<VariableId> = incoming.iter().chain(&own).copied().collect();
        let numbers: BTreeMap<VariableId, VariableId> =
            order.iter().zip(0..).map(|(old, new)| (*old, VariableId(new))).collect();
        let variables: Vec<Variable> = order.iter().map(|id| machine.variables[id.0 as usize].0.clone()).collect();
        let args: Vec<Expr> = incoming.iter().filter_map(|id| machine.variables[id.0 as usize].1.clone()).collect();
        renumber(&mut block, &numbers);
        let code = Body { variables, block, result: Expr::bool(true) };
        let mut is_run = false;
        let mut runs: BTreeMap<VariableId, Expr> = BTreeMap::new();
        for leaf in results.leaves_mut() {
            let ExprKind::Variable(id) = leaf.kind else { continue };
            if let (Some(outside), false) = (&machine.variables[id.0 as usize].1, assigned.contains(&id)) {
                *leaf = outside.clone();
                continue;
            }
            is_run = true;
            if let Some(known) = runs.get(&id) {
                *leaf = known.clone();
                continue;
            }
            let mut code = code.clone();
            code.result = read(numbers[&id], leaf.ty.clone(), leaf.span);
            let run = Expr::new(ExprKind::Compute(Box::new(code), args.clone()), leaf.ty.clone(), span);
            *leaf = self.bind_expr(run);
            runs.insert(id, leaf.clone());
        }
        if !is_run && code.can_fail() {
            self.bind_expr(Expr::new(ExprKind::Compute(Box::new(code), args), Type::Bool, span));
        }
    }

    // ---- what would be a `let` ----

    /// A value that stays, whatever is assigned to afterwards.
    pub(super) fn keep(&mut self, expr: Expr) -> Expr {
        if self.machine().is_stable(&expr) {
            return expr;
        }
        let (ty, span) = (expr.ty.clone(), expr.span);
        let id = self.machine().variable("", ty.clone(), span, None);
        self.machine().stable.insert(id);
        self.machine().emit(Statement::Assign(id, finished(expr)));
        read(id, ty, span)
    }

    /// Evaluates what nothing reads.
    pub(super) fn evaluate(&mut self, expr: Expr) {
        self.machine().emit(Statement::Evaluate(finished(expr)));
    }

    /// Bindings that belong to several scalars become variables.
    pub(super) fn flush(&mut self, region: Region, value: &mut Value) {
        let mut known: BTreeMap<LocalId, Expr> = BTreeMap::new();
        for (local, mut expr) in region {
            substitute(&mut expr, &known);
            let kept = self.keep(expr);
            known.insert(local, kept);
        }
        for leaf in value.leaves_mut() {
            substitute(leaf, &known);
        }
    }

    /// A parameter of the job inside a body.
    pub(super) fn param_inside(&mut self, id: ParamId, ty: &Type, span: Span) -> Expr {
        let mut outside = Expr::new(ExprKind::Param(id), ty.clone(), span);
        for machine in &mut self.machines {
            let variable = match machine.params.get(&id) {
                Some(known) => *known,
                None => {
                    let variable = machine.variable("param", ty.clone(), span, Some(outside));
                    machine.stable.insert(variable);
                    machine.params.insert(id, variable);
                    variable
                }
            };
            outside = read(variable, ty.clone(), span);
        }
        outside
    }

    /// A value of the outside inside a body.
    pub(super) fn value_inside(&mut self, mut value: Value) -> Value {
        for leaf in value.leaves_mut() {
            if leaf.as_literal().is_some() {
                continue;
            }
            for machine in &mut self.machines {
                let (ty, span) = (leaf.ty.clone(), leaf.span);
                let outside = std::mem::replace(leaf, Expr::bool(true));
                let variable = machine.variable("key", ty.clone(), span, Some(outside));
                machine.stable.insert(variable);
                *leaf = read(variable, ty, span);
            }
        }
        value
    }

    /// Gives a variable of the code variables of the body that can change.
    pub(super) fn declare_changing(&mut self, id: BindingId, value: Value, span: Span) -> bool {
        if !self.in_machine() || !self.machine().changing.contains(&id) {
            return false;
        }
        let mut value = if value.leaves().len() > 1 { self.bind_value(value) } else { value };
        for leaf in value.leaves_mut() {
            let ty = leaf.ty.clone();
            let variable = self.machine().variable("", ty.clone(), span, None);
            let first = std::mem::replace(leaf, read(variable, ty, span));
            self.machine().emit(Statement::Assign(variable, finished(first)));
        }
        self.frame().insert(id, value);
        true
    }

    // ---- statements ----

    /// The value of code that assigns, loops or jumps.
    pub(super) fn act(&mut self, hir: &Hir) -> Value {
        let span = hir.span;
        match &hir.kind {
            HirKind::Assign(place, value) => self.set(place, value),
            HirKind::Block(statements, tail) => self.act_block(statements, tail.as_deref()),
            HirKind::If(condition, then, otherwise) => self.act_if(condition, then, otherwise.as_deref(), hir),
            HirKind::Binary(op @ (BinaryOp::And | BinaryOp::Or), a, b) => {
                let decided = Hir::new(HirKind::Bool(*op == BinaryOp::Or), hir.ty.clone(), span);
                let (then, otherwise) = if *op == BinaryOp::And { (&**b, &decided) } else { (&decided, &**b) };
                self.act_if(a, then, Some(otherwise), hir)
            }
            HirKind::Match(value, arms) => self.act_match(value, arms, hir),
            HirKind::Loop(id, code) => {
                let slots = self.slots(&hir.ty, span);
                let label = self.machine().label();
                self.machine().loops.push((*id, label, slots.clone()));
                let (code, ()) = self.nested(|lower| {
                    let value = lower.value(code);
                    lower.discard(value);
                });
                self.machine().loops.pop();
                self.machine().emit(Statement::Loop { label, body: code, place: body::Place(span) });
                slots.unwrap_or_else(unit)
            }
            HirKind::Labeled(id, code) => {
                let slots = self.slots(&hir.ty, span);
                let label = self.machine().label();
                self.machine().loops.push((*id, label, slots.clone()));
                let (code, ()) = self.nested(|lower| {
                    let value = lower.value(code);
                    lower.store(slots.as_ref(), value);
                });
                self.machine().loops.pop();
                self.machine().emit(Statement::Block { label, body: code });
                slots.unwrap_or_else(unit)
            }
            HirKind::Body(code) => {
                let slots = self.slots(&hir.ty, span);
                let label = self.machine().label();
                let leave = Leave { label, value: slots.clone(), flag: None };
                self.machine().returns.push(leave);
                let (code, ()) = self.nested(|lower| {
                    let value = lower.value(code);
                    lower.store(slots.as_ref(), value);
                });
                self.machine().returns.pop();
                self.machine().emit(Statement::Block { label, body: code });
                slots.unwrap_or_else(unit)
            }
            HirKind::Break(id, value) => {
                let target = self.machine().loops.iter().rev().find(|(known, ..)| known == id).cloned();
                let value = value.as_ref().map(|value| self.value(value));
                if let Some((_, label, slots)) = target {
                    self.store(slots.as_ref(), value.unwrap_or_else(unit));
                    self.machine().emit(Statement::Break(label));
                }
                unit()
            }
            HirKind::Continue(id) => {
                let target = self.machine().loops.iter().rev().find(|(known, ..)| known == id).cloned();
                if let Some((_, label, _)) = target {
                    self.machine().emit(Statement::Continue(label));
                }
                unit()
            }
            HirKind::Return(value) => {
                let value = value.as_ref().map(|value| self.value(value));
                if let Some(leave) = self.machine().returns.last().cloned() {
                    self.store(leave.value.as_ref(), value.unwrap_or_else(unit));
                    if let Some(flag) = leave.flag {
                        self.machine().emit(Statement::Assign(flag, Expr::bool(true)));
                    }
                    self.machine().emit(Statement::Break(leave.label));
                }
                unit()
            }
            HirKind::Never(code) => {
                let value = self.value(code);
                self.never_value(value, &hir.ty)
            }
            HirKind::Error
            | HirKind::Int(_)
            | HirKind::Float(_)
            | HirKind::Bool(_)
            | HirKind::Str(_)
            | HirKind::Bytes(_)
            | HirKind::Local(_)
            | HirKind::Param(_)
            | HirKind::Const(_)
            | HirKind::Field(..)
            | HirKind::Unary(..)
            | HirKind::Binary(..)
            | HirKind::Cast(_)
            | HirKind::Record(..)
            | HirKind::Tuple(_)
            | HirKind::Some(_)
            | HirKind::None
            | HirKind::Call(..)
            | HirKind::Udf(..)
            | HirKind::Into(_)
            | HirKind::Default
            | HirKind::Group(_)
            | HirKind::Aggregate(_)
            | HirKind::Fail(_)
            | HirKind::Later => match self.named_parts(hir) {
                Some(value) => value,
                None => Value::default_of(self.cx, &hir.ty),
            },
        }
    }

    /// Statements of an inner block.
    fn nested<T>(&mut self, run: impl FnOnce(&mut Self) -> T) -> (Vec<Statement>, T) {
        self.machine().lists.push(Vec::new());
        let value = run(self);
        (self.machine().lists.pop().unwrap_or_default(), value)
    }

    /// Variables for a value of this type; nothing where it has none.
    fn slots(&mut self, ty: &Ty, span: Span) -> Option<Value> {
        let is_unit = matches!(ty, Ty::Tuple(parts) if parts.is_empty());
        if is_unit || matches!(ty, Ty::Never | Ty::Error) {
            return None;
        }
        let mut slots = Value::default_of(self.cx, ty);
        for leaf in slots.leaves_mut() {
            let ty = leaf.ty.clone();
            let id = self.machine().variable("", ty.clone(), span, None);
            self.machine().stable.insert(id);
            *leaf = read(id, ty, span);
        }
        Some(slots)
    }

    /// Puts a value where it is read from later.
    fn store(&mut self, slots: Option<&Value>, value: Value) {
        let Some(slots) = slots else {
            self.discard(value);
            return;
        };
        if is_never_value(&value) {
            self.discard(value);
            return;
        }
        let value = if value.leaves().len() > 1 { self.bind_value(value) } else { value };
        let targets: Vec<Expr> = slots.leaves().into_iter().cloned().collect();
        for (target, leaf) in targets.into_iter().zip(value.into_leaves()) {
            // A jump leaves nothing to store: its value is `()`.
            if let ExprKind::Variable(id) = target.kind
                && target.ty == leaf.ty
            {
                self.machine().emit(Statement::Assign(id, finished(leaf)));
            }
        }
    }

    fn set(&mut self, place: &Place, value: &Hir) -> Value {
        let value = self.value(value);
        let target = self.frame().get(&place.binding).cloned();
        let mut target = target.as_ref();
        for field in &place.fields {
            target = match target {
                Some(Value::Parts(parts)) => parts.get(*field),
                Some(Value::Scalar(_) | Value::Option(..)) | None => None,
            };
        }
        self.store(Some(&target.cloned().unwrap_or_else(unit)), value);
        unit()
    }

    fn act_block(&mut self, statements: &[HirStatement], tail: Option<&Hir>) -> Value {
        for statement in statements {
            match statement {
                HirStatement::Let(..) | HirStatement::Expr(_) => self.statement(statement),
                HirStatement::LetElse(pattern, value, otherwise) => {
                    let value = self.value(value);
                    let value = self.bind_value(value);
                    if let Some(test) = self.test(pattern, &value) {
                        let (otherwise, ()) = self.nested(|lower| {
                            let value = lower.value(otherwise);
                            lower.discard(value);
                        });
                        self.machine().emit(Statement::If { condition: finished(test), then: Vec::new(), otherwise });
                    }
                    self.bind_pattern(pattern, &value);
                }
            }
        }
        match tail {
            Some(tail) => self.value(tail),
            None => unit(),
        }
    }

    fn act_if(&mut self, condition: &Hir, then: &Hir, otherwise: Option<&Hir>, hir: &Hir) -> Value {
        let Value::Scalar(condition) = self.value(condition) else { return unit() };
        let condition = if is_never(&condition) {
            self.evaluate(condition);
            Expr::bool(true)
        } else {
            condition
        };
        let slots = self.slots(&hir.ty, hir.span);
        // The condition is computed before the branches are.
        let condition = finished(condition);
        let (then, ()) = self.nested(|lower| {
            let value = lower.value(then);
            lower.store(slots.as_ref(), value);
        });
        let (otherwise, ()) = self.nested(|lower| {
            let value = otherwise.map_or_else(unit, |otherwise| lower.value(otherwise));
            lower.store(slots.as_ref(), value);
        });
        self.machine().emit(Statement::If { condition, then, otherwise });
        slots.unwrap_or_else(unit)
    }

    /// Arms one behind the other; the one that is taken leaves the whole.
    fn act_match(&mut self, value: &Hir, arms: &[HirArm], hir: &Hir) -> Value {
        let value = self.value(value);
        let value = self.bind_value(value);
        let slots = self.slots(&hir.ty, hir.span);
        let label = self.machine().label();
        let (code, ()) = self.nested(|lower| {
            for (position, arm) in arms.iter().enumerate() {
                let is_last = position + 1 == arms.len() && arm.guard.is_none();
                let test = if is_last { None } else { lower.test(&arm.pattern, &value) };
                let (taken, ()) = lower.nested(|lower| lower.act_arm(arm, &value, slots.as_ref(), label));
                match test {
                    Some(test) => {
                        let condition = finished(test);
                        lower.machine().emit(Statement::If { condition, then: taken, otherwise: Vec::new() });
                    }
                    None => taken.into_iter().for_each(|statement| lower.machine().emit(statement)),
                }
            }
        });
        self.machine().emit(Statement::Block { label, body: code });
        slots.unwrap_or_else(unit)
    }

    fn act_arm(&mut self, arm: &HirArm, value: &Value, slots: Option<&Value>, label: LabelId) {
        self.bind_pattern(&arm.pattern, value);
        let Some(guard) = &arm.guard else {
            let value = self.value(&arm.body);
            self.store(slots, value);
            self.machine().emit(Statement::Break(label));
            return;
        };
        let Value::Scalar(guard) = self.value(guard) else { return };
        let condition = finished(guard);
        let (then, ()) = self.nested(|lower| {
            let value = lower.value(&arm.body);
            lower.store(slots, value);
            lower.machine().emit(Statement::Break(label));
        });
        self.machine().emit(Statement::If { condition, then, otherwise: Vec::new() });
    }
}

/// Whether it is the value of code that never gives one.
fn is_never_value(value: &Value) -> bool {
    matches!(value, Value::Scalar(expr) if is_never(expr))
}

/// The type of what `return` gives in it, if there is one.
pub(super) fn return_type(hir: &Hir) -> Option<Ty> {
    if let HirKind::Return(value) = &hir.kind {
        return Some(value.as_ref().map_or_else(Ty::unit, |value| value.ty.clone()));
    }
    if matches!(hir.kind, HirKind::Body(_) | HirKind::Aggregate(_)) {
        return None;
    }
    let mut found = None;
    hir.for_each_child(&mut |child| {
        // One that never gives a value says nothing of its type.
        if found.as_ref().is_none_or(|ty| matches!(ty, Ty::Never)) {
            found = return_type(child).or(found.take());
        }
    });
    found
}

/// An expression of a statement: each of its binders once.
fn finished(mut expr: Expr) -> Expr {
    region::finish(&mut expr);
    expr
}

fn substitute(expr: &mut Expr, known: &BTreeMap<LocalId, Expr>) {
    if known.is_empty() {
        return;
    }
    expr.rewrite(&mut |node| {
        if let ExprKind::Local(local) = node.kind
            && let Some(kept) = known.get(&local)
        {
            *node = kept.clone();
        }
    });
}

fn variables_in(expr: &Expr, found: &mut BTreeSet<VariableId>) {
    expr.walk(&mut |node| {
        if let ExprKind::Variable(id) = node.kind {
            found.insert(id);
        }
    });
}

/// The variables that statements read, and those that they assign to.
fn mentioned(statements: &[Statement], reads: &mut BTreeSet<VariableId>, assigns: &mut BTreeSet<VariableId>) {
    for statement in statements {
        match statement {
            Statement::Assign(id, value) => {
                assigns.insert(*id);
                variables_in(value, reads);
            }
            Statement::Evaluate(value) => variables_in(value, reads),
            Statement::If { condition, then, otherwise } => {
                variables_in(condition, reads);
                mentioned(then, reads, assigns);
                mentioned(otherwise, reads, assigns);
            }
            Statement::IfSome { option, variable, then, otherwise } => {
                variables_in(option, reads);
                assigns.insert(*variable);
                mentioned(then, reads, assigns);
                mentioned(otherwise, reads, assigns);
            }
            Statement::Block { body, .. } | Statement::Loop { body, .. } => mentioned(body, reads, assigns),
            Statement::Break(_) | Statement::Continue(_) => {}
        }
    }
}

fn renumber(statements: &mut [Statement], numbers: &BTreeMap<VariableId, VariableId>) {
    let in_expr = |expr: &mut Expr| {
        expr.rewrite(&mut |node| {
            if let ExprKind::Variable(id) = &mut node.kind
                && let Some(new) = numbers.get(id)
            {
                *id = *new;
            }
        });
    };
    for statement in statements {
        match statement {
            Statement::Assign(id, value) => {
                *id = numbers.get(id).copied().unwrap_or(*id);
                in_expr(value);
            }
            Statement::Evaluate(value) => in_expr(value),
            Statement::If { condition, then, otherwise } => {
                in_expr(condition);
                renumber(then, numbers);
                renumber(otherwise, numbers);
            }
            Statement::IfSome { option, variable, then, otherwise } => {
                in_expr(option);
                *variable = numbers.get(variable).copied().unwrap_or(*variable);
                renumber(then, numbers);
                renumber(otherwise, numbers);
            }
            Statement::Block { body, .. } | Statement::Loop { body, .. } => renumber(body, numbers),
            Statement::Break(_) | Statement::Continue(_) => {}
        }
    }
}
