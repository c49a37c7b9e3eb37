//! Methods that change a list in its place: `v.push(x)` is `v = v + [x]`, and so on; `v[i] = x`.
//!
//! Lists are values: whoever has a copy keeps what it had. An item that is pushed on the list that was made last is
//! appended in place when the job runs.
#![allow(clippy::wildcard_enum_match_arm, reason = "of many forms, few are of interest here")]

use super::chain::{block, local, not, option_if, set, when};
use super::chain_end::either;
use super::hir::{BindingId, Hir, HirKind, HirStatement, LoopId, Place};
use super::infer::Body;
use super::list::{call, compare, len, position, wrapping};
use super::option::bind_params;
use super::types::Ty;
use crate::diagnostics::lists as say;
use crate::diagnostics::types::Why;
use sabot_ir::ast::{self, BinaryOp, ExprKind, Name};
use sabot_ir::expr::Function;
use sabot_ir::list::ListFunction;
use sabot_ir::span::Span;

/// Their names, and how many arguments they take.
pub(super) const METHODS: [(&str, usize); 26] = [
    ("push", 1),
    ("pop", 0),
    ("insert", 2),
    ("remove", 1),
    ("swap_remove", 1),
    ("swap", 2),
    ("clear", 0),
    ("truncate", 1),
    ("resize", 2),
    ("fill", 1),
    ("extend", 1),
    ("extend_from_slice", 1),
    ("append", 1),
    ("reverse", 0),
    ("sort", 0),
    ("sort_unstable", 0),
    ("sort_by", 1),
    ("sort_unstable_by", 1),
    ("sort_by_key", 1),
    ("sort_by_cached_key", 1),
    ("sort_unstable_by_key", 1),
    ("dedup", 0),
    ("dedup_by_key", 1),
    ("retain", 1),
    ("reserve", 1),
    ("shrink_to_fit", 0),
];

fn assign(place: &Place, value: Hir) -> Hir {
    let span = value.span;
    Hir::new(HirKind::Assign(place.clone(), Box::new(value)), Ty::unit(), span)
}

fn looped(id: LoopId, body: Vec<HirStatement>, span: Span) -> HirStatement {
    HirStatement::Expr(Hir::new(HirKind::Loop(id, Box::new(block(body, span))), Ty::unit(), span))
}

fn leave(id: LoopId, span: Span) -> HirStatement {
    HirStatement::Expr(Hir::new(HirKind::Break(id, None), Ty::Never, span))
}

fn then(statements: Vec<HirStatement>, value: Hir) -> Hir {
    let (ty, span) = (value.ty.clone(), value.span);
    Hir::new(HirKind::Block(statements, Some(Box::new(value))), ty, span)
}

/// A list that is changed, with what its type is.
struct Changed {
    place: Place,
    list: Hir,
    item: Ty,
    span: Span,
}

impl Changed {
    fn make(&self, function: ListFunction, args: Vec<Hir>) -> Hir {
        call(function, args, self.list.ty.clone(), self.span)
    }

    fn slice(&self, from: Hir, to: Hir) -> Hir {
        self.make(ListFunction::Slice, vec![self.list.clone(), from, to])
    }

    fn len(&self) -> Hir {
        len(&self.list, self.span)
    }

    fn at(&self, at: Hir) -> Hir {
        item_at(&self.list, &self.item, at)
    }

    fn set(&self, value: Hir) -> Hir {
        assign(&self.place, value)
    }
}

fn item_at(list: &Hir, item: &Ty, at: Hir) -> Hir {
    call(ListFunction::At, vec![list.clone(), at], item.clone(), list.span)
}

impl Body<'_, '_> {
    /// `place.name(args)` where that changes the list; nothing if it is no such method.
    pub(super) fn list_change(
        &mut self,
        receiver: &ast::Expr,
        item: &Ty,
        name: &Name,
        args: &[ast::Expr],
        span: Span,
    ) -> Option<Hir> {
        let (known, arity) = METHODS.iter().find(|(known, _)| *known == name.text)?;
        if args.len() != *arity {
            return Some(self.wrong_arity(known, *arity, args, name.span, span));
        }
        let error = Hir::error(span);
        let behind = self.place_behind(receiver);
        let receiver = &behind;
        if super::assign::is_in_list(receiver) {
            return Some(self.changed_inside(receiver, name, args, span));
        }
        let Some((place, ..)) = self.place(receiver) else { return Some(error) };
        let list = self.expr(receiver, None);
        let changed = Changed { place, list, item: item.clone(), span };
        Some(self.change(known, &changed, name, args).unwrap_or(error))
    }

    fn change(&mut self, name: &'static str, of: &Changed, at: &Name, args: &[ast::Expr]) -> Option<Hir> {
        let span = of.span;
        let zero = || position(0, span);
        let why = |index| Why::Argument { function: name, index };
        let mut lets = Vec::new();
        Some(match (name, args) {
            ("push", [item]) => {
                let item = self.argument(item, &of.item, why(0), &mut lets);
                let push = of.set(of.make(ListFunction::Push, vec![of.list.clone(), item]));
                with(lets, push)
            }
            ("pop", _) => {
                let n = self.kept(of.len(), &mut lets);
                let has = self.kept(compare(BinaryOp::Gt, n.clone(), zero(), span), &mut lets);
                let last = wrapping(Function::WrappingSub, n, position(1, span));
                let popped = self.kept(option_if(has.clone(), of.at(last.clone()), span), &mut lets);
                lets.push(when(has, vec![HirStatement::Expr(of.set(of.slice(zero(), last)))]));
                then(lets, popped)
            }
            ("insert", [index, item]) => {
                let index = self.expect(index, &Ty::Usize, why(0));
                let index = self.kept(index, &mut lets);
                let item = self.argument(item, &of.item, why(1), &mut lets);
                let front = of.make(ListFunction::Push, vec![of.slice(zero(), index.clone()), item]);
                let whole = of.make(ListFunction::Concat, vec![front, of.slice(index, of.len())]);
                with(lets, of.set(whole))
            }
            ("remove" | "swap_remove", [index]) => {
                let index = self.expect(index, &Ty::Usize, why(0));
                let index = self.kept(index, &mut lets);
                let removed = self.kept(of.at(index.clone()), &mut lets);
                let whole = if name == "remove" {
                    let behind = wrapping(Function::WrappingAdd, index.clone(), position(1, span));
                    of.make(ListFunction::Concat, vec![of.slice(zero(), index), of.slice(behind, of.len())])
                } else {
                    let last = wrapping(Function::WrappingSub, of.len(), position(1, span));
                    let last = self.kept(last, &mut lets);
                    let moved = of.make(ListFunction::Set, vec![of.list.clone(), index, of.at(last.clone())]);
                    of.make(ListFunction::Slice, vec![moved, zero(), last])
                };
                lets.push(HirStatement::Expr(of.set(whole)));
                then(lets, removed)
            }
            ("swap", [a, b]) => {
                let a = self.expect(a, &Ty::Usize, why(0));
                let a = self.kept(a, &mut lets);
                let b = self.expect(b, &Ty::Usize, why(1));
                let b = self.kept(b, &mut lets);
                let first = self.kept(of.at(a.clone()), &mut lets);
                let second = self.kept(of.at(b.clone()), &mut lets);
                let once = of.make(ListFunction::Set, vec![of.list.clone(), a, second]);
                with(lets, of.set(of.make(ListFunction::Set, vec![once, b, first])))
            }
            ("clear", _) => of.set(of.make(ListFunction::Of, Vec::new())),
            ("truncate", [most]) => {
                let most = self.expect(most, &Ty::Usize, why(0));
                let to = Hir::new(HirKind::Call(Function::Min, vec![most, of.len()]), Ty::Usize, span);
                of.set(of.slice(zero(), to))
            }
            ("resize", [count, item]) => {
                let count = self.expect(count, &Ty::Usize, why(0));
                let count = self.kept(count, &mut lets);
                let item = self.expect(item, &of.item, why(1));
                let item = self.kept(item, &mut lets);
                let to = Hir::new(HirKind::Call(Function::Min, vec![count.clone(), of.len()]), Ty::Usize, span);
                let more = Hir::new(HirKind::Call(Function::SaturatingSub, vec![count, of.len()]), Ty::Usize, span);
                let more = of.make(ListFunction::Repeat, vec![item, more]);
                with(lets, of.set(of.make(ListFunction::Concat, vec![of.slice(zero(), to), more])))
            }
            ("fill", [item]) => {
                let item = self.argument(item, &of.item, why(0), &mut lets);
                with(lets, of.set(of.make(ListFunction::Repeat, vec![item, of.len()])))
            }
            ("extend" | "extend_from_slice", [more]) => return self.extend(of, more, lets),
            ("append", [more]) => {
                let more = match &more.kind {
                    ExprKind::Reference(more) => more,
                    _ => more,
                };
                let (other, ..) = self.place(more)?;
                let more = self.expect(more, &of.list.ty, why(0));
                lets.push(HirStatement::Expr(of.set(of.make(ListFunction::Concat, vec![of.list.clone(), more]))));
                with(lets, assign(&other, of.make(ListFunction::Of, Vec::new())))
            }
            ("reverse", _) => of.set(of.make(ListFunction::Reverse, vec![of.list.clone()])),
            ("sort" | "sort_unstable", _) => {
                let known = self.table.deep(&of.item);
                self.must_be_ordered(name, &known, at)?;
                if is_plain(&known) {
                    let positions = Ty::List(Box::new(Ty::Usize));
                    let order = call(ListFunction::Order, vec![of.list.clone()], positions, span);
                    return Some(of.set(of.make(ListFunction::Take, vec![of.list.clone(), order])));
                }
                self.sort(of, |_, right, left, _| compare(BinaryOp::Lt, right, left, span))
            }
            ("sort_by" | "sort_unstable_by", [f]) => {
                let each = self.callback(f, &[of.item.clone(), of.item.clone()], Some(&Ty::Ordering), name)?;
                let merged = self.sort(of, |_, right, left, _| {
                    let zero = Hir::new(HirKind::Int(0), Ty::Ordering, span);
                    compare(BinaryOp::Gt, bind_params(each, vec![left, right], span), zero, span)
                });
                match self.sorted_one_by_one(of.list.clone(), f, span) {
                    None => merged,
                    Some(few) => {
                        let is_short = compare(BinaryOp::Le, of.len(), position(20, span), span);
                        let few = vec![HirStatement::Expr(of.set(few))];
                        block(vec![either(is_short, few, vec![HirStatement::Expr(merged)], span)], span)
                    }
                }
            }
            ("sort_by_key" | "sort_by_cached_key" | "sort_unstable_by_key", [f]) => {
                let f = self.callback(f, std::slice::from_ref(&of.item), None, name)?;
                let known = self.table.deep(&f.body.ty);
                self.must_be_ordered(name, &known, at)?;
                self.sort(of, |_, right, left, _| {
                    let (right, left) = (bind_params(f.clone(), vec![right], span), bind_params(f, vec![left], span));
                    compare(BinaryOp::Lt, right, left, span)
                })
            }
            ("dedup", _) => {
                let known = self.table.deep(&of.item);
                if !self.is_comparable(&known, true) {
                    let shown = self.show(&known);
                    self.cx.say(say::items_do_not_compare(name, &shown, at.span));
                    return None;
                }
                self.keep(of, |_, item, last, _| compare(BinaryOp::Ne, item, last, span))
            }
            ("dedup_by_key", [f]) => {
                let f = self.callback(f, std::slice::from_ref(&of.item), None, name)?;
                let known = self.table.deep(&f.body.ty);
                if !self.is_comparable(&known, true) {
                    let shown = self.show(&known);
                    self.cx.say(say::items_do_not_compare(name, &shown, at.span));
                    return None;
                }
                self.keep(of, |_, item, last, _| {
                    let (item, last) = (bind_params(f.clone(), vec![item], span), bind_params(f, vec![last], span));
                    compare(BinaryOp::Ne, item, last, span)
                })
            }
            ("retain", [f]) => {
                let f = self.callback(f, std::slice::from_ref(&of.item), Some(&Ty::BOOL), name)?;
                self.retain(of, f)
            }
            // Room that is made or given back.
            _ => {
                for arg in args {
                    self.expect(arg, &Ty::Usize, why(0));
                }
                Hir::new(HirKind::Tuple(Vec::new()), Ty::unit(), span)
            }
        })
    }

    /// An argument that is there before the list is read.
    fn argument(&mut self, arg: &ast::Expr, ty: &Ty, why: Why<'_>, lets: &mut Vec<HirStatement>) -> Hir {
        let arg = self.expect(arg, ty, why);
        if arg.is_active() { self.kept(arg, lets) } else { arg }
    }

    fn must_be_ordered(&mut self, method: &str, ty: &Ty, at: &Name) -> Option<()> {
        if ty.is_error() {
            return None;
        }
        if self.has_float(ty) || !self.is_comparable(ty, false) {
            let shown = self.show(ty);
            self.cx.say(say::no_order(method, &shown, self.has_float(ty), at.span));
            return None;
        }
        Some(())
    }

    fn extend(&mut self, of: &Changed, more: &ast::Expr, mut lets: Vec<HirStatement>) -> Option<Hir> {
        let span = of.span;
        let (iter, item) = self.iter(more, &mut lets)?;
        if !self.table.unify(&of.item, &item) {
            let (expected, found) = (self.show(&of.item), self.show(&item));
            self.cx.say(say::other_items(&expected, &found, more.span));
            return None;
        }
        let id = self.loop_id();
        let go = |kind| Hir::new(kind, Ty::Never, span);
        let pass = super::chain::Pass { end: go(HirKind::Break(id, None)), skip: go(HirKind::Continue(id)), span };
        let mut body = Vec::new();
        let next = self.next(&iter, &pass, &mut body);
        let next = self.kept(next, &mut body);
        body.push(HirStatement::Expr(of.set(of.make(ListFunction::Push, vec![of.list.clone(), next]))));
        lets.push(looped(id, body, span));
        Some(block(lets, span))
    }

    /// The items for which `keeps(item, the last one kept)` holds, and the first one.
    fn keep(&mut self, of: &Changed, keeps: impl FnOnce(&mut Self, Hir, Hir, &mut Vec<HirStatement>) -> Hir) -> Hir {
        let span = of.span;
        let (mut lets, mut body) = (Vec::new(), Vec::new());
        let kept = self.state(of.make(ListFunction::Of, Vec::new()), &mut lets);
        let at = self.state(position(0, span), &mut lets);
        let id = self.loop_id();
        let result = || local(kept, &of.list.ty, span);
        let here = || local(at, &Ty::Usize, span);
        body.push(when(compare(BinaryOp::Ge, here(), of.len(), span), vec![leave(id, span)]));
        let item = self.kept(of.at(here()), &mut body);
        body.push(set(at, wrapping(Function::WrappingAdd, here(), position(1, span))));
        let push = || set(kept, of.make(ListFunction::Push, vec![result(), item.clone()]));
        let is_first = compare(BinaryOp::Eq, len(&result(), span), position(0, span), span);
        let mut other = Vec::new();
        let last = wrapping(Function::WrappingSub, len(&result(), span), position(1, span));
        let last = self.kept(item_at(&result(), &of.item, last), &mut other);
        let holds = keeps(self, item.clone(), last, &mut other);
        other.push(when(holds, vec![push()]));
        body.push(either(is_first, vec![push()], other, span));
        lets.push(looped(id, body, span));
        lets.push(HirStatement::Expr(of.set(result())));
        block(lets, span)
    }

    fn retain(&mut self, of: &Changed, f: super::hir::HirClosure) -> Hir {
        let span = of.span;
        let (mut lets, mut body) = (Vec::new(), Vec::new());
        let kept = self.state(of.make(ListFunction::Of, Vec::new()), &mut lets);
        let at = self.state(position(0, span), &mut lets);
        let id = self.loop_id();
        let result = || local(kept, &of.list.ty, span);
        let here = || local(at, &Ty::Usize, span);
        body.push(when(compare(BinaryOp::Ge, here(), of.len(), span), vec![leave(id, span)]));
        let item = self.kept(of.at(here()), &mut body);
        body.push(set(at, wrapping(Function::WrappingAdd, here(), position(1, span))));
        let holds = bind_params(f, vec![item.clone()], span);
        body.push(when(holds, vec![set(kept, of.make(ListFunction::Push, vec![result(), item]))]));
        lets.push(looped(id, body, span));
        lets.push(HirStatement::Expr(of.set(result())));
        block(lets, span)
    }

    /// A stable sort, runs of 1, 2, 4, … items being merged. `less(right, left)` says that the right one goes first.
    fn sort(&mut self, of: &Changed, less: impl FnOnce(&mut Self, Hir, Hir, &mut Vec<HirStatement>) -> Hir) -> Hir {
        let span = of.span;
        let ty = of.list.ty.clone();
        let count = |id: BindingId| local(id, &Ty::Usize, span);
        let min = |a: Hir, b: Hir| Hir::new(HirKind::Call(Function::Min, vec![a, b]), Ty::Usize, span);
        let plus = |a: Hir, b: Hir| wrapping(Function::WrappingAdd, a, b);
        let ge = |a: Hir, b: Hir| compare(BinaryOp::Ge, a, b, span);
        let (passes, runs, merge) = (self.loop_id(), self.loop_id(), self.loop_id());
        let mut lets = Vec::new();
        let from = self.state(of.list.clone(), &mut lets);
        let source = || local(from, &ty, span);
        let n = self.kept(len(&source(), span), &mut lets);
        let width = self.state(position(1, span), &mut lets);

        let mut pass = vec![when(ge(count(width), n.clone()), vec![leave(passes, span)])];
        let to = self.state(of.make(ListFunction::Of, Vec::new()), &mut pass);
        let low = self.state(position(0, span), &mut pass);

        let mut run = vec![when(ge(count(low), n.clone()), vec![leave(runs, span)])];
        let middle = self.kept(min(plus(count(low), count(width)), n.clone()), &mut run);
        let high = self.kept(min(plus(middle.clone(), count(width)), n), &mut run);
        let left = self.state(count(low), &mut run);
        let right = self.state(middle.clone(), &mut run);

        let mut one = Vec::new();
        let no_left = self.kept(ge(count(left), middle), &mut one);
        let no_right = self.kept(ge(count(right), high.clone()), &mut one);
        let both = Hir::new(
            HirKind::Binary(BinaryOp::And, Box::new(no_left.clone()), Box::new(no_right.clone())),
            Ty::BOOL,
            span,
        );
        one.push(when(both, vec![leave(merge, span)]));
        let takes_right = self.state(no_left.clone(), &mut one);
        let neither = Hir::new(HirKind::Binary(BinaryOp::Or, Box::new(no_left), Box::new(no_right)), Ty::BOOL, span);
        let mut inside = Vec::new();
        let right_item = self.kept(item_at(&source(), &of.item, count(right)), &mut inside);
        let left_item = self.kept(item_at(&source(), &of.item, count(left)), &mut inside);
        let goes_first = less(self, right_item, left_item, &mut inside);
        inside.push(set(takes_right, goes_first));
        one.push(when(not(neither), inside));
        let take = |at: BindingId| {
            let item = item_at(&source(), &of.item, count(at));
            let push = of.make(ListFunction::Push, vec![local(to, &ty, span), item]);
            vec![set(to, push), set(at, plus(count(at), position(1, span)))]
        };
        one.push(either(local(takes_right, &Ty::BOOL, span), take(right), take(left), span));

        run.push(looped(merge, one, span));
        run.push(set(low, high));
        pass.push(looped(runs, run, span));
        pass.push(set(from, local(to, &ty, span)));
        pass.push(set(width, plus(count(width), count(width))));
        lets.push(looped(passes, pass, span));
        lets.push(HirStatement::Expr(of.set(source())));
        block(lets, span)
    }

    /// `base[index] = value`, `base[index] += value`.
    pub(super) fn assign_item(
        &mut self,
        place: &ast::Expr,
        op: Option<BinaryOp>,
        value: &ast::Expr,
        span: Span,
    ) -> Hir {
        let old = self.expr(place, None);
        if old.ty.is_error() {
            self.expr(value, None);
            return Hir::error(span);
        }
        let mut lets = Vec::new();
        let new = match op {
            None => {
                let hir = self.expr(value, Some(&old.ty));
                self.coerce(hir, &old.ty, Why::Assigned(place.span), Some(value))
            }
            Some(op) => {
                let result = self.binary(op, place, value, span);
                if !self.table.unify(&old.ty, &result.ty) {
                    let (expected, found) = (self.show(&old.ty), self.show(&result.ty));
                    self.cx.say(crate::diagnostics::types::mismatch(
                        value.span,
                        &expected,
                        &found,
                        Why::Assigned(place.span),
                        None,
                    ));
                    return Hir::error(span);
                }
                result
            }
        };
        let new = if new.is_active() { self.kept(new, &mut lets) } else { new };
        match self.store(place, new, span) {
            Some(store) => with(lets, store),
            None => Hir::error(span),
        }
    }

    /// A method that changes an item of a list, or what is in one: it changes a copy, which then takes the item's place.
    pub(super) fn changed_inside(&mut self, receiver: &ast::Expr, name: &Name, args: &[ast::Expr], span: Span) -> Hir {
        let mark = self.enter();
        let mut lets = Vec::new();
        let Some(place) = self.held_place(receiver, &mut lets) else { return Hir::error(span) };
        let item = self.expr(&place, None);
        let ty = item.ty.clone();
        let copy = self.changing(item, &mut lets);
        let hidden = format!("${}", copy.0);
        self.bind_alias(&hidden, copy);
        let written = ast::Expr { kind: ExprKind::Name(hidden), span: receiver.span };
        let value = self.method(&written, name, &[], args, None, span);
        let given = value.ty.clone();
        let value = self.kept(value, &mut lets);
        let changed = Hir::new(HirKind::Local(copy), ty, span);
        lets.extend(self.store(&place, changed, span).map(HirStatement::Expr));
        self.leave(mark);
        Hir::new(HirKind::Block(lets, Some(Box::new(value))), given, span)
    }

    /// What puts a value at a place, which may be an item of an item.
    pub(super) fn store(&mut self, place: &ast::Expr, value: Hir, span: Span) -> Option<Hir> {
        let behind = self.place_behind(place);
        let place = &behind;
        if let ExprKind::Field(base, field) = &place.kind
            && super::assign::is_in_list(base)
        {
            // The record around it takes its place, with another field.
            let mut lets = Vec::new();
            let around = self.expr(base, None);
            let copy = self.changing(around.clone(), &mut lets);
            let read = Hir::new(HirKind::Local(copy), around.ty.clone(), span);
            let HirKind::Field(_, position) = self.field_of(read.clone(), base, field, place.span).kind else {
                return None;
            };
            let at = Place { binding: copy, fields: vec![position] };
            lets.push(HirStatement::Expr(assign(&at, value)));
            let store = self.store(base, read, span)?;
            return Some(with(lets, store));
        }
        let ExprKind::Index(base, index) = &place.kind else {
            let (place, ..) = self.place(place)?;
            return Some(assign(&place, value));
        };
        let list = self.expr(base, None);
        let ty = self.table.deep(&list.ty);
        if !matches!(ty, Ty::List(_) | Ty::Of(..)) || matches!(index.kind, ExprKind::Range(..)) {
            self.cx.say(crate::diagnostics::unsupported::form("assignment to a part", place.span));
            return None;
        }
        let at = self.expect(index, &Ty::Usize, Why::Index);
        let changed = call(ListFunction::Set, vec![list, at, value], ty, span);
        self.store(base, changed, span)
    }
}

/// What runs after the others.
fn with(mut lets: Vec<HirStatement>, last: Hir) -> Hir {
    if lets.is_empty() {
        return last;
    }
    let span = last.span;
    lets.push(HirStatement::Expr(last));
    block(lets, span)
}

/// Whether the order of items is the order of their lists, one after the other.
fn is_plain(item: &Ty) -> bool {
    match item {
        Ty::Scalar(ty) => !ty.is_option() && !matches!(ty, sabot_ir::ty::Type::List(_)),
        Ty::Usize | Ty::Isize => true,
        Ty::Tuple(parts) => parts.iter().all(is_plain),
        Ty::Error
        | Ty::Never
        | Ty::Option(_)
        | Ty::Result(..)
        | Ty::Failure
        | Ty::Record(_)
        | Ty::List(_)
        | Ty::Generic(_)
        | Ty::Ordering
        | Ty::Of(..)
        | Ty::Group
        | Ty::Var(_) => false,
    }
}
