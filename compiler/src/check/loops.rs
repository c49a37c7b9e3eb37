//! Loops and jumps: `while` and `for` become `loop` and `break` here, so that what follows knows one kind of loop.

use super::hir::{BindingId, Hir, HirArm, HirKind, HirPat, HirStatement, LoopId, PatKind, Place};
use super::infer::Body;
use super::types::Ty;
use super::unify::Kind;
use crate::diagnostics::control;
use crate::diagnostics::types::Why;
use sabot_ir::ast::{self, BinaryOp, Condition, ExprKind, Name, Pattern};
use sabot_ir::expr::{Failure, FailureKind, Function, UnaryOp};
use sabot_ir::span::Span;
use sabot_ir::ty::Type;

/// What stands around the code that is being read.
#[derive(Clone, Debug)]
pub(super) struct Around {
    name: Option<String>,
    id: LoopId,
    form: Form,
    /// What a `break` gives; of a `loop` also whether there is one.
    gives: Ty,
    breaks: bool,
}

/// What can be left by `break`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// `loop`, which may give a value.
    Loop,
    /// `while` or `for`, which gives none.
    Counted(&'static str),
    /// A block with a label.
    Block,
}

/// A range that `for` goes over, from the methods on it.
struct Range<'e> {
    start: &'e ast::Expr,
    end: Option<&'e ast::Expr>,
    inclusive: bool,
    reversed: bool,
    step: Option<&'e ast::Expr>,
}

impl Body<'_, '_> {
    fn surround(&mut self, label: Option<&Name>, form: Form, gives: Ty) -> LoopId {
        let id = LoopId(self.next_loop);
        self.next_loop += 1;
        let name = label.map(|label| label.text.clone());
        self.around.push(Around { name, id, form, gives, breaks: false });
        id
    }

    /// `loop { .. }`.
    pub(super) fn loop_(&mut self, label: Option<&Name>, body: &ast::Expr, hint: Option<&Ty>, span: Span) -> Hir {
        let gives = self.table.fresh(Kind::Any);
        if let Some(hint) = hint.filter(|hint| self.table.kind(hint).is_none() && !matches!(hint, Ty::Never)) {
            self.table.unify(&gives, hint);
        }
        let id = self.surround(label, Form::Loop, gives.clone());
        let body = self.expect(body, &Ty::unit(), Why::LoopBody);
        let around = self.around.pop();
        let ty = if around.is_some_and(|around| around.breaks) { gives } else { Ty::Never };
        Hir::new(HirKind::Loop(id, Box::new(body)), ty, span)
    }

    /// `'label: { .. }`.
    pub(super) fn labeled(&mut self, label: &Name, body: &ast::Expr, hint: Option<&Ty>, span: Span) -> Hir {
        let gives = self.table.fresh(Kind::Any);
        if let Some(hint) = hint {
            self.table.unify(&gives, hint);
        }
        let id = self.surround(Some(label), Form::Block, gives.clone());
        let body = self.expect(body, &gives, Why::Labeled);
        self.around.pop();
        Hir::new(HirKind::Labeled(id, Box::new(body)), gives, span)
    }

    /// `while condition { .. }`.
    pub(super) fn while_(&mut self, label: Option<&Name>, condition: &Condition, body: &ast::Expr, span: Span) -> Hir {
        if self.optional_place(condition).is_some() {
            // `loop { if let Some(x) = v.last_mut() { .. } else { break } }`
            let at = |kind| ast::Expr { kind, span };
            let leave = Some(Box::new(at(ExprKind::Break(None, None))));
            let choice = ExprKind::If(Box::new(condition.clone()), Box::new(body.clone()), leave);
            return self.loop_(label, &at(choice), None, span);
        }
        let id = self.surround(label, Form::Counted("while"), Ty::unit());
        let branch = self.conditional(condition, |this| this.expect(body, &Ty::unit(), Why::LoopBody));
        self.around.pop();
        let leave = Hir::new(HirKind::Break(id, None), Ty::Never, span);
        let pass = branch.complete(Some(leave), Ty::unit(), span);
        Hir::new(HirKind::Loop(id, Box::new(pass)), Ty::unit(), span)
    }

    /// `break 'label value`.
    pub(super) fn break_(&mut self, label: Option<&Name>, value: Option<&ast::Expr>, span: Span) -> Hir {
        let Some(at) = self.target(label, "break", span) else {
            if let Some(value) = value {
                self.expr(value, None);
            }
            return Hir::error(span);
        };
        self.around[at].breaks = true;
        let (id, form, gives) = (self.around[at].id, self.around[at].form, self.around[at].gives.clone());
        let value = match (value, form) {
            (Some(value), Form::Counted(word)) => {
                self.cx.say(control::break_with_value(word, value.span));
                self.expr(value, None);
                None
            }
            (Some(value), Form::Loop | Form::Block) => Some(Box::new(self.expect(value, &gives, Why::Break))),
            (None, _) => {
                if !self.table.unify(&gives, &Ty::unit()) {
                    let diagnostic = control::break_without_value(&self.show(&gives), span);
                    self.cx.say(diagnostic);
                }
                None
            }
        };
        Hir::new(HirKind::Break(id, value), Ty::Never, span)
    }

    /// `continue 'label`.
    pub(super) fn continue_(&mut self, label: Option<&Name>, span: Span) -> Hir {
        let Some(at) = self.target(label, "continue", span) else { return Hir::error(span) };
        if self.around[at].form == Form::Block {
            self.cx.say(control::continue_of_block(span));
            return Hir::error(span);
        }
        Hir::new(HirKind::Continue(self.around[at].id), Ty::Never, span)
    }

    fn target(&mut self, label: Option<&Name>, word: &str, span: Span) -> Option<usize> {
        let found = match label {
            Some(label) => self.around.iter().rposition(|around| around.name.as_ref() == Some(&label.text)),
            // A block is left only by its label.
            None => self.around.iter().rposition(|around| around.form != Form::Block),
        };
        if found.is_none() {
            let diagnostic = match label {
                Some(label) => {
                    let known: Vec<&str> = self.around.iter().filter_map(|around| around.name.as_deref()).collect();
                    control::unknown_label(&label.text, &known, span)
                }
                None => control::outside_of_loop(word, span),
            };
            self.cx.say(diagnostic);
        }
        found
    }

    // ---- for ----

    /// `for pattern in values { .. }`.
    pub(super) fn for_(
        &mut self,
        label: Option<&Name>,
        pattern: &Pattern,
        values: &ast::Expr,
        body: &ast::Expr,
        span: Span,
    ) -> Hir {
        if let Some(run) = self.for_places(label, pattern, values, body, span) {
            return run;
        }
        if let Some(range) = range_of(values) {
            return self.for_range(label, pattern, &range, body, span);
        }
        if self.can_be_gone_over(values) {
            let id = self.surround(label, Form::Counted("for"), Ty::unit());
            let run = self.for_items(values, id, pattern, body, span);
            self.around.pop();
            return run.unwrap_or_else(|| Hir::error(span));
        }
        let values_hir = self.expr(values, None);
        let ty = self.table.deep(&values_hir.ty);
        if !ty.is_error() {
            let diagnostic = control::not_iterable(&self.show(&ty), ty.is_integer(), values.span);
            self.cx.say(diagnostic);
        }
        // The body's own mistakes are told all the same.
        let mark = self.enter();
        self.surround(label, Form::Counted("for"), Ty::unit());
        self.pattern(pattern, &Ty::Error);
        self.expr(body, None);
        self.around.pop();
        self.leave(mark);
        Hir::error(span)
    }

    /// Whether the form or the type says that there are items.
    fn can_be_gone_over(&mut self, values: &ast::Expr) -> bool {
        if self.is_iterator(values) {
            return true;
        }
        // Only looked at: what it says is said again where it is read.
        let said = self.cx.diagnostics.as_slice().len();
        let deferred = self.deferred.len();
        let value = self.expr(values, None);
        self.deferred.truncate(deferred);
        self.cx.diagnostics.as_slice().len() == said
            && matches!(self.table.resolve(&value.ty), Ty::List(_) | Ty::Option(_) | Ty::Of(..))
    }

    /// Goes over the integers of a range. The variable changes before the body, so that `continue` needs no care; it never
    /// leaves the range, so that nothing overflows at its end.
    fn for_range(
        &mut self,
        label: Option<&Name>,
        pattern: &Pattern,
        range: &Range<'_>,
        body: &ast::Expr,
        span: Span,
    ) -> Hir {
        let ty = self.table.fresh(Kind::Integer);
        let mut lets = Vec::new();
        let start = self.expect(range.start, &ty, Why::Range);
        let start = self.named(start, &ty, &mut lets);
        let end = match range.end {
            Some(end) => {
                let end = self.expect(end, &ty, Why::Range);
                self.named(end, &ty, &mut lets)
            }
            None => start.clone(),
        };
        let step = match range.step {
            Some(step) => {
                let step = self.expect(step, &Ty::Usize, Why::Argument { function: "step_by", index: 0 });
                Some(self.named(step, &Ty::Usize, &mut lets))
            }
            None => None,
        };
        let parts = Steps { ty: ty.clone(), start, end, span };
        if let Some(step) = &step {
            let zero = parts.int(0, &Ty::Usize);
            let is_zero = parts.compare(BinaryOp::Eq, step.clone(), zero);
            let message = "assertion failed: step != 0".to_owned();
            let fail = Hir::new(HirKind::Fail(Failure { kind: FailureKind::Panic, message }), Ty::Never, span);
            lets.push(HirStatement::Expr(parts.when(is_zero, fail)));
        }
        let current = self.new_binding(ty.clone());
        let done = self.new_binding(Ty::BOOL);
        let read = Hir::new(HirKind::Local(current), ty.clone(), span);
        // Where it begins, and whether there is nothing to go over.
        let is_open = range.end.is_none();
        let order = if range.inclusive { BinaryOp::Le } else { BinaryOp::Lt };
        let is_empty = if is_open {
            Hir::new(HirKind::Bool(false), Ty::BOOL, span)
        } else {
            parts.not(parts.compare(order, parts.start.clone(), parts.end.clone()))
        };
        let first = if range.reversed { parts.last(range.inclusive) } else { parts.start.clone() };
        lets.push(parts.bind(current, &ty, first));
        if range.inclusive || range.reversed || step.is_some() || is_open {
            lets.push(parts.bind(done, &Ty::BOOL, is_empty));
        }

        let id = self.surround(label, Form::Counted("for"), Ty::unit());
        let leave = Hir::new(HirKind::Break(id, None), Ty::Never, span);
        let is_plain = !range.inclusive && !range.reversed && step.is_none() && !is_open;
        let is_done = if is_plain {
            parts.not(parts.compare(BinaryOp::Lt, read.clone(), parts.end.clone()))
        } else {
            Hir::new(HirKind::Local(done), Ty::BOOL, span)
        };
        let mut pass = vec![HirStatement::Expr(parts.when(is_done, leave))];
        let mark = self.enter();
        let item = self.pattern(pattern, &ty);
        self.must_match_all(&item, "`for`");
        pass.push(HirStatement::Let(item, read.clone()));
        let next = if is_plain {
            // Below the end there is a next one.
            let sum = parts.call(Function::WrappingAdd, read.clone(), parts.int(1, &ty));
            parts.set(current, sum)
        } else {
            parts.next(range, step.as_ref(), &read, current, done)
        };
        pass.push(HirStatement::Expr(next));
        let body = self.expect(body, &Ty::unit(), Why::LoopBody);
        self.leave(mark);
        self.around.pop();
        pass.push(HirStatement::Expr(body));
        let pass = Hir::new(HirKind::Block(pass, None), Ty::unit(), span);
        lets.push(HirStatement::Expr(Hir::new(HirKind::Loop(id, Box::new(pass)), Ty::unit(), span)));
        Hir::new(HirKind::Block(lets, None), Ty::unit(), span)
    }

    /// Gives a value a variable; what it is read by.
    pub(super) fn named(&mut self, value: Hir, ty: &Ty, lets: &mut Vec<HirStatement>) -> Hir {
        let id = self.new_binding(ty.clone());
        let span = value.span;
        let pattern = HirPat::new(PatKind::Bind(id, None), ty.clone(), span);
        lets.push(HirStatement::Let(pattern, value));
        Hir::new(HirKind::Local(id), ty.clone(), span)
    }
}

/// `a..b`, `(a..=b).rev()`, `(a..b).step_by(n)`.
fn range_of(values: &ast::Expr) -> Option<Range<'_>> {
    if let ExprKind::Range(Some(start), end, inclusive) = &values.kind {
        let end = end.as_deref();
        return Some(Range { start, end, inclusive: *inclusive, reversed: false, step: None });
    }
    let ExprKind::Method(base, name, types, args) = &values.kind else { return None };
    if !types.is_empty() {
        return None;
    }
    let range = range_of(base)?;
    match (name.text.as_str(), args.as_slice()) {
        // The other way round it would begin where the last step ends.
        ("rev", []) if range.end.is_some() && range.step.is_none() => {
            Some(Range { reversed: !range.reversed, ..range })
        }
        ("step_by", [step]) if range.step.is_none() => Some(Range { step: Some(step), ..range }),
        ("into_iter", []) => Some(range),
        _ => None,
    }
}

/// The pieces that a loop over a range is made of.
struct Steps {
    ty: Ty,
    start: Hir,
    end: Hir,
    span: Span,
}

impl Steps {
    fn int(&self, value: i128, ty: &Ty) -> Hir {
        Hir::new(HirKind::Int(value), ty.clone(), self.span)
    }

    fn compare(&self, op: BinaryOp, a: Hir, b: Hir) -> Hir {
        Hir::new(HirKind::Binary(op, Box::new(a), Box::new(b)), Ty::BOOL, self.span)
    }

    fn not(&self, x: Hir) -> Hir {
        Hir::new(HirKind::Unary(UnaryOp::Not, Box::new(x)), Ty::BOOL, self.span)
    }

    fn call(&self, function: Function, a: Hir, b: Hir) -> Hir {
        let ty = a.ty.clone();
        Hir::new(HirKind::Call(function, vec![a, b]), ty, self.span)
    }

    fn cast(&self, x: Hir, ty: &Ty) -> Hir {
        Hir::new(HirKind::Cast(Box::new(x)), ty.clone(), self.span)
    }

    fn when(&self, condition: Hir, then: Hir) -> Hir {
        Hir::new(HirKind::If(Box::new(condition), Box::new(then), None), Ty::unit(), self.span)
    }

    fn bind(&self, id: BindingId, ty: &Ty, value: Hir) -> HirStatement {
        HirStatement::Let(HirPat::new(PatKind::Bind(id, None), ty.clone(), self.span), value)
    }

    fn set(&self, binding: BindingId, value: Hir) -> Hir {
        let place = Place { binding, fields: Vec::new() };
        Hir::new(HirKind::Assign(place, Box::new(value)), Ty::unit(), self.span)
    }

    /// The last value of a range that is not empty.
    fn last(&self, inclusive: bool) -> Hir {
        if inclusive {
            return self.end.clone();
        }
        self.call(Function::WrappingSub, self.end.clone(), self.int(1, &self.ty))
    }

    /// What comes after the value that `read` gives: the next one, or the end.
    fn next(&self, range: &Range<'_>, step: Option<&Hir>, read: &Hir, current: BindingId, done: BindingId) -> Hir {
        let yes = || Hir::new(HirKind::Bool(true), Ty::BOOL, self.span);
        let function = if range.reversed { Function::WrappingSub } else { Function::WrappingAdd };
        let wide = Ty::Scalar(Type::UInt64);
        let by = match step {
            Some(step) => self.cast(step.clone(), &self.ty),
            None => self.int(1, &self.ty),
        };
        let advance = self.set(current, self.call(function, read.clone(), by));
        let Some(step) = step else {
            if range.end.is_none() {
                // `a..` has no end: as in std it is an error to go beyond the type's.
                let one = self.int(1, &self.ty);
                let sum = HirKind::Binary(BinaryOp::Add, Box::new(read.clone()), Box::new(one));
                return self.set(current, Hir::new(sum, self.ty.clone(), self.span));
            }
            // The next value is there, or this one was the last.
            let last = if range.reversed { self.start.clone() } else { self.last(range.inclusive) };
            let is_last = self.compare(BinaryOp::Eq, read.clone(), last);
            return self.either(is_last, self.set(done, yes()), advance);
        };
        if range.end.is_none() {
            let by = self.cast(step.clone(), &self.ty);
            let sum = HirKind::Binary(BinaryOp::Add, Box::new(read.clone()), Box::new(by));
            return self.set(current, Hir::new(sum, self.ty.clone(), self.span));
        }
        // How far it is to the last value: exact modulo 2^64, whatever the type.
        let last = if range.reversed { self.start.clone() } else { self.last(range.inclusive) };
        let bits = |x: Hir| self.cast(x, &Ty::I64);
        let (from, to) = if range.reversed { (last, read.clone()) } else { (read.clone(), last) };
        let distance = self.cast(self.call(Function::WrappingSub, bits(to), bits(from)), &wide);
        let is_last = self.compare(BinaryOp::Lt, distance, self.cast(step.clone(), &wide));
        self.either(is_last, self.set(done, yes()), advance)
    }

    fn either(&self, condition: Hir, then: Hir, otherwise: Hir) -> Hir {
        let kind = HirKind::If(Box::new(condition), Box::new(then), Some(Box::new(otherwise)));
        Hir::new(kind, Ty::unit(), self.span)
    }
}

/// A condition with what is done where it holds.
pub(super) struct Branch {
    head: Head,
    then: Hir,
}

enum Head {
    If(Hir),
    Match(Hir, HirPat, Option<Hir>),
}

impl Branch {
    /// What is done where the condition holds.
    pub(super) fn then(&self) -> &Hir {
        &self.then
    }

    /// With what is done where it does not.
    pub(super) fn complete(self, otherwise: Option<Hir>, ty: Ty, span: Span) -> Hir {
        let kind = match self.head {
            Head::If(condition) => HirKind::If(Box::new(condition), Box::new(self.then), otherwise.map(Box::new)),
            Head::Match(value, pattern, guard) => {
                let wild = HirPat::new(PatKind::Wild, value.ty.clone(), span);
                let otherwise = otherwise.unwrap_or_else(|| Hir::new(HirKind::Tuple(Vec::new()), Ty::unit(), span));
                let arms = vec![
                    HirArm { pattern, guard, body: self.then },
                    HirArm { pattern: wild, guard: None, body: otherwise },
                ];
                HirKind::Match(Box::new(value), arms)
            }
        };
        Hir::new(kind, ty, span)
    }
}

impl Body<'_, '_> {
    /// A condition, and `then` with what it binds.
    pub(super) fn conditional(&mut self, condition: &Condition, then: impl FnOnce(&mut Self) -> Hir) -> Branch {
        if let Some(asked) = Self::slices_asked(condition) {
            return self.conditional(&asked, then);
        }
        let mark = self.enter();
        let head = match condition {
            Condition::Expr(condition) => Head::If(self.expect(condition, &Ty::BOOL, Why::Condition)),
            Condition::Let(pattern, value) => {
                let (value, pattern) = self.tested(pattern, value);
                Head::Match(value, pattern, None)
            }
            Condition::All(parts) => self.chain(parts),
        };
        let then = then(self);
        self.leave(mark);
        Branch { head, then }
    }

    fn tested(&mut self, pattern: &Pattern, value: &ast::Expr) -> (Hir, HirPat) {
        let value = self.expr(value, None);
        let ty = value.ty.clone();
        let pattern = self.pattern(pattern, &ty);
        (value, pattern)
    }

    /// `a && let p = b && c`.
    fn chain(&mut self, parts: &[Condition]) -> Head {
        let Some((first, rest)) = parts.split_first() else {
            return Head::If(Hir::error(Span::NONE));
        };
        if let Condition::Let(pattern, value) = first
            && rest.iter().all(|part| matches!(part, Condition::Expr(_)))
        {
            let (value, pattern) = self.tested(pattern, value);
            let mut guard: Option<Hir> = None;
            for part in rest {
                let Condition::Expr(part) = part else { continue };
                let part = self.expect(part, &Ty::BOOL, Why::Condition);
                guard = Some(match guard {
                    Some(before) => {
                        let span = before.span.to(part.span);
                        let both = HirKind::Binary(BinaryOp::And, Box::new(before), Box::new(part));
                        Hir::new(both, Ty::BOOL, span)
                    }
                    None => part,
                });
            }
            return Head::Match(value, pattern, guard);
        }
        // What the patterns bind is handed on in a tuple: `Some((x, y))` if all of it holds.
        let mark = self.enter();
        let found = self.table.fresh(Kind::Any);
        let option = found.clone().option();
        let mut names: Vec<(String, BindingId, Ty)> = Vec::new();
        let value = self.links(parts, mark, &option, &mut names);
        let tuple = Ty::Tuple(names.iter().map(|(_, _, ty)| ty.clone()).collect());
        self.table.unify(&found, &tuple);
        self.leave(mark);
        let span = value.span;
        let bound = names
            .into_iter()
            .map(|(name, old, ty)| {
                let id = self.bind_again(&name, old, ty.clone());
                HirPat::new(PatKind::Bind(id, None), ty, span)
            })
            .collect();
        let tuple = HirPat::new(PatKind::Tuple(bound), tuple, span);
        Head::Match(value, HirPat::new(PatKind::Some(Box::new(tuple)), option, span), None)
    }

    fn links(
        &mut self,
        parts: &[Condition],
        mark: usize,
        option: &Ty,
        names: &mut Vec<(String, BindingId, Ty)>,
    ) -> Hir {
        let none = |span| Hir::new(HirKind::None, option.clone(), span);
        let Some((first, rest)) = parts.split_first() else {
            *names = self.visible_since(mark);
            let reads = names.iter().map(|(_, id, ty)| Hir::new(HirKind::Local(*id), ty.clone(), Span::NONE));
            let ty = Ty::Tuple(names.iter().map(|(_, _, ty)| ty.clone()).collect());
            let tuple = Hir::new(HirKind::Tuple(reads.collect()), ty.clone(), Span::NONE);
            return Hir::new(HirKind::Some(Box::new(tuple)), ty.option(), Span::NONE);
        };
        match first {
            Condition::Let(pattern, value) => {
                let span = value.span;
                let (value, pattern) = self.tested(pattern, value);
                let then = self.links(rest, mark, option, names);
                Branch { head: Head::Match(value, pattern, None), then }.complete(
                    Some(none(span)),
                    option.clone(),
                    span,
                )
            }
            Condition::Expr(condition) => {
                let span = condition.span;
                let condition = self.expect(condition, &Ty::BOOL, Why::Condition);
                let then = self.links(rest, mark, option, names);
                Branch { head: Head::If(condition), then }.complete(Some(none(span)), option.clone(), span)
            }
            Condition::All(_) => none(Span::NONE),
        }
    }
}
