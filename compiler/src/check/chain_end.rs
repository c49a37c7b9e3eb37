//! What ends an iterator chain: `sum`, `fold`, `collect`, `for`, … Each is a loop over the chain's items.
#![allow(clippy::wildcard_enum_match_arm, reason = "of many forms, few are of interest here")]

use super::chain::{ADAPTORS, Iter, Pass, block, local, not, option_if, set, truth, when};
use super::hir::{BindingId, Hir, HirKind, HirStatement, LoopId};
use super::infer::Body;
use super::list::{call as list_call, compare, position, wrapping};
use super::option::bind_params;
use super::text_mutation;
use super::types::Ty;
use super::unify::Kind;
use super::wrapper::Wrapper;
use crate::diagnostics::lists as say;
use crate::diagnostics::text as text_say;
use crate::diagnostics::types::Why;
use sabot_ir::ast::{self, BinaryOp, ExprKind, Name, TypeName, TypeNameKind};
use sabot_ir::expr::Function;
use sabot_ir::list::ListFunction;
use sabot_ir::span::Span;
use sabot_ir::text::TextFunction;

/// Methods that end a chain.
pub(super) const ENDS: [&str; 31] = [
    "fold",
    "sum",
    "product",
    "count",
    "any",
    "all",
    "max",
    "min",
    "max_by_key",
    "min_by_key",
    "max_by",
    "min_by",
    "nth",
    "next",
    "last",
    "position",
    "find",
    "find_map",
    "collect",
    "for_each",
    "reduce",
    "unzip",
    "partition",
    "next_back",
    "try_fold",
    "rfind",
    "rfold",
    "rposition",
    "eq",
    "ne",
    "is_sorted",
];

/// A chain that is being run.
struct Run {
    lets: Vec<HirStatement>,
    iter: Iter,
    item: Ty,
    id: LoopId,
    span: Span,
    /// The items are what is left of an iterator in a variable.
    goes_on: bool,
}

impl Run {
    fn leave(&self) -> HirStatement {
        HirStatement::Expr(Hir::new(HirKind::Break(self.id, None), Ty::Never, self.span))
    }
}

impl Body<'_, '_> {
    /// A method on an iterator; nothing if the receiver is none.
    pub(super) fn chain_method(
        &mut self,
        receiver: &ast::Expr,
        name: &Name,
        types: &[TypeName],
        args: &[ast::Expr],
        hint: Option<&Ty>,
        span: Span,
    ) -> Option<Hir> {
        if let Some(hir) = self.held_method(receiver, name, args, span) {
            return Some(hir);
        }
        let is_known = ENDS.contains(&name.text.as_str()) || ADAPTORS.contains(&name.text.as_str());
        // `c.to_uppercase().to_string()`: all of it at once.
        if let (ExprKind::Method(of, case, _, none), false) = (&receiver.kind, is_known)
            && self.is_case(of, case, none)
        {
            return None;
        }
        if !self.is_iterator(receiver) || (matches!(receiver.kind, ExprKind::Range(..)) && !is_known) {
            return None;
        }
        if ADAPTORS.contains(&name.text.as_str()) {
            self.cx.say(text_say::items_alone(&name.text, name.span));
            return Some(Hir::error(span));
        }
        // What has a function of its own.
        if let (ExprKind::Method(text, source, ..), "count" | "last", []) = (&receiver.kind, name.text.as_str(), args)
            && source.text == "chars"
        {
            let text = self.expect(text, &Ty::STRING, Why::Argument { function: "chars", index: 0 });
            let function = if name.text == "count" { TextFunction::CharCount } else { TextFunction::LastChar };
            return Some(super::text::call(function, vec![text], span));
        }
        let mut lets = Vec::new();
        let free = super::collections::is_order_free(receiver, &name.text)
            && (name.text != "collect" || !self.collects_in_order(types, hint));
        let outer = std::mem::replace(&mut self.order_free, free);
        self.wanted_item = None;
        if name.text == "collect" {
            let list = match types {
                [ty] if ty.kind != TypeNameKind::Infer => Some(self.type_with_holes(ty)),
                _ => hint.map(|hint| self.table.resolve(hint)),
            };
            self.wanted_item = match list {
                Some(Ty::List(item)) if self.table.kind(&item) != Some(Kind::Any) => Some(*item),
                _ => None,
            };
        }
        let found = self.iter(receiver, &mut lets);
        self.wanted_item = None;
        self.order_free = outer;
        let Some((iter, item)) = found else { return Some(Hir::error(span)) };
        let known = self.table.deep(&item);
        if free && name.text == "sum" && (known.is_float() || self.table.kind(&known) == Some(Kind::Float)) {
            // Sums of floats are another number in another order: only what has no order may not be summed.
            let mut again = Vec::new();
            if self.iter(receiver, &mut again).is_none() {
                return Some(Hir::error(span));
            }
        }
        let id = self.loop_id();
        let goes_on = self.goes_on(receiver);
        // Of these something stays in the iterator, at its other end.
        if goes_on && matches!(name.text.as_str(), "next_back" | "rfind" | "rposition") {
            self.cx.say(say::no_reverse(name.span));
            return Some(Hir::error(span));
        }
        let run = Run { lets, iter, item, id, span, goes_on };
        Some(self.end_of(run, name, types, args, hint).unwrap_or_else(|| Hir::error(span)))
    }

    /// Whether what is collected into keeps its own order, whatever that of the items is.
    fn collects_in_order(&mut self, types: &[TypeName], hint: Option<&Ty>) -> bool {
        let wanted = match types {
            [TypeName { kind: TypeNameKind::Path(path, _), .. }] => Wrapper::named(path),
            _ => match hint.map(|hint| self.table.resolve(hint)) {
                Some(Ty::Of(wrapper, _)) => Some(wrapper),
                _ => None,
            },
        };
        !wanted.is_some_and(|wrapper| wrapper.is_map() || wrapper.is_set())
    }

    /// The loop with what is done with each item, then the value.
    fn finish_run(
        &mut self,
        run: Run,
        each: impl FnOnce(&mut Self, &Run, Hir, &mut Vec<HirStatement>),
        value: Hir,
    ) -> Hir {
        let span = run.span;
        let go = |kind| Hir::new(kind, Ty::Never, span);
        let pass = Pass { end: go(HirKind::Break(run.id, None)), skip: go(HirKind::Continue(run.id)), span };
        let mut body = Vec::new();
        let item = self.next(&run.iter, &pass, &mut body);
        each(self, &run, item, &mut body);
        let looped = HirKind::Loop(run.id, Box::new(block(body, span)));
        let mut statements = run.lets;
        statements.push(HirStatement::Expr(Hir::new(looped, Ty::unit(), span)));
        let ty = value.ty.clone();
        Hir::new(HirKind::Block(statements, Some(Box::new(value))), ty, span)
    }

    /// The value where the loop was left, and whether it was.
    fn held(&mut self, ty: &Ty, run: &mut Run) -> (BindingId, BindingId) {
        let has = self.state(truth(false, run.span), &mut run.lets);
        let held = self.state(Hir::new(HirKind::Later, ty.clone(), Span::NONE), &mut run.lets);
        (has, held)
    }

    fn end_of(
        &mut self,
        mut run: Run,
        name: &Name,
        types: &[TypeName],
        args: &[ast::Expr],
        hint: Option<&Ty>,
    ) -> Option<Hir> {
        let (span, item) = (run.span, run.item.clone());
        let of_item = std::slice::from_ref(&item);
        let method = name.text.as_str();
        let yes = || truth(true, span);
        if let (false, Some(states), "next" | "nth", [] | [_]) = (run.goes_on, run.iter.split_states(), method, args) {
            return Some(self.split_part((run.iter, run.lets), states, args.first(), span));
        }
        if let (false, Some(alike), "count", []) = (run.goes_on, run.iter.alike(), method, args) {
            return Some(self.count_alike(run.lets, alike, span));
        }
        Some(match (method, args) {
            ("fold", [init, f]) => {
                let init = self.expr(init, hint);
                let ty = init.ty.clone();
                let acc = self.state(init, &mut run.lets);
                let f = self.callback(f, &[ty.clone(), item], Some(&ty), method)?;
                let result = local(acc, &ty, span);
                let each = |_: &mut Self, _: &Run, item: Hir, body: &mut Vec<HirStatement>| {
                    body.push(set(acc, bind_params(f, vec![local(acc, &ty, span), item], span)));
                };
                self.finish_run(run, each, result)
            }
            ("try_fold", [init, f]) => {
                let init = self.expr(init, None);
                let ty = init.ty.clone();
                let acc = self.state(init, &mut run.lets);
                let f = self.callback(f, &[ty.clone(), item], None, method)?;
                let gives = self.table.deep(&f.body.ty);
                let held = match &gives {
                    Ty::Option(held) => (**held).clone(),
                    Ty::Result(held, error) if error.is_silent() => (**held).clone(),
                    Ty::Error | Ty::Never => return None,
                    _ => {
                        let shown = self.show(&gives);
                        self.cx.say(say::no_option(method, &shown, name.span));
                        return None;
                    }
                };
                if !self.table.unify(&ty, &held) {
                    let (expected, found) = (self.show(&ty), self.show(&held));
                    self.cx.say(say::other_items(&expected, &found, name.span));
                    return None;
                }
                let all = self.state(yes(), &mut run.lets);
                let result = option_if(local(all, &Ty::BOOL, span), local(acc, &ty, span), span);
                let result = Hir { ty: gives.clone(), ..result };
                let each = |this: &mut Self, run: &Run, item: Hir, body: &mut Vec<HirStatement>| {
                    let step = bind_params(f, vec![local(acc, &ty, span), item], span);
                    if let Some(held) = this.held_or_leave(step, all, run.leave(), body) {
                        body.push(set(acc, held));
                    }
                };
                self.finish_run(run, each, result)
            }
            ("rfind" | "rfold", _) => {
                let Some(iter) = self.turned(run.iter, &item, run.goes_on, &mut run.lets, span) else {
                    self.cx.say(say::no_reverse(name.span));
                    return None;
                };
                run.iter = iter;
                let forwards = Name { text: method[1..].to_owned(), span: name.span };
                return self.end_of(run, &forwards, types, args, hint);
            }
            ("rposition", [p]) => {
                let p = p.clone();
                let list = self.collected(run, name)?;
                return self.last_position(list, &p, span);
            }
            ("eq" | "ne", [other]) => {
                let all = self.collected(run, name)?;
                let other = self.all_of(other)?;
                if !self.table.unify(&all.ty, &other.ty) {
                    let (expected, found) = (self.show(&all.ty), self.show(&other.ty));
                    self.cx.say(say::other_items(&expected, &found, name.span));
                    return None;
                }
                let op = if method == "eq" { BinaryOp::Eq } else { BinaryOp::Ne };
                compare(op, all, other, span)
            }
            ("is_sorted", []) => {
                let list = self.collected(run, name)?;
                let ty = list.ty.clone();
                self.written(vec![("x", list, ty)], &[], "{ x.is_sorted() }", span)
            }
            ("reduce", [f]) => {
                let f = self.callback(f, &[item.clone(), item.clone()], Some(&item), method)?;
                let (has, acc) = self.held(&item, &mut run);
                let result = option_if(local(has, &Ty::BOOL, span), local(acc, &item, span), span);
                let each = |_: &mut Self, _: &Run, next: Hir, body: &mut Vec<HirStatement>| {
                    let reduced = bind_params(f, vec![local(acc, &item, span), next.clone()], span);
                    body.push(either(
                        local(has, &Ty::BOOL, span),
                        vec![set(acc, reduced)],
                        vec![set(acc, next), set(has, yes())],
                        span,
                    ));
                };
                self.finish_run(run, each, result)
            }
            ("sum" | "product", []) => {
                let ty = match types {
                    [ty] if ty.kind != TypeNameKind::Infer => {
                        let ty = self.type_with_holes(ty);
                        self.table.unify(&ty, &item);
                        ty
                    }
                    _ => {
                        if let Some(hint) = hint {
                            self.table.unify(&item, hint);
                        }
                        item.clone()
                    }
                };
                let known = self.table.deep(&ty);
                if known.is_error() {
                    return None;
                }
                let is_silent = !matches!(&known, Ty::Result(_, error) if !error.is_silent());
                if let (Ty::Option(inner) | Ty::Result(inner, _), true) = (&known, is_silent)
                    && self.table.unify(&known, &item)
                {
                    let inner = (**inner).clone();
                    return self.sum_of_all(run, method, &known, &inner, name);
                }
                if !self.table.clone().unify(&known, &item) || !self.has_arithmetic(BinaryOp::Add, &known) {
                    let shown = self.show(&item);
                    self.cx.say(say::no_sum(method, &shown, name.span));
                    return None;
                }
                let is_float = known.is_float() || self.table.kind(&known) == Some(Kind::Float);
                // As std: the sum of no floats is -0.0, which changes no other sum.
                let first = match (is_float, method) {
                    (true, "sum") => HirKind::Float(-0.0),
                    (true, _) => HirKind::Float(1.0),
                    (false, "sum") => HirKind::Int(0),
                    (false, _) => HirKind::Int(1),
                };
                let op = if method == "sum" { BinaryOp::Add } else { BinaryOp::Mul };
                let acc = self.state(Hir::new(first, ty.clone(), span), &mut run.lets);
                let result = local(acc, &ty, span);
                let each = |_: &mut Self, _: &Run, item: Hir, body: &mut Vec<HirStatement>| {
                    let sum = HirKind::Binary(op, Box::new(local(acc, &ty, span)), Box::new(item));
                    body.push(set(acc, Hir::new(sum, ty.clone(), span)));
                };
                self.finish_run(run, each, result)
            }
            ("count", []) => {
                let count = self.state(position(0, span), &mut run.lets);
                let here = || local(count, &Ty::Usize, span);
                let each = |_: &mut Self, _: &Run, _: Hir, body: &mut Vec<HirStatement>| {
                    body.push(set(count, wrapping(Function::WrappingAdd, here(), position(1, span))));
                };
                self.finish_run(run, each, here())
            }
            ("any" | "all", [p]) => {
                let p = self.callback(p, of_item, Some(&Ty::BOOL), method)?;
                let is_any = method == "any";
                let result = self.state(truth(!is_any, span), &mut run.lets);
                let each = |_: &mut Self, run: &Run, item: Hir, body: &mut Vec<HirStatement>| {
                    let holds = bind_params(p, vec![item], span);
                    let decides = if is_any { holds } else { not(holds) };
                    body.push(when(decides, vec![set(result, truth(is_any, span)), run.leave()]));
                };
                self.finish_run(run, each, local(result, &Ty::BOOL, span))
            }
            ("max" | "min", []) => {
                let known = self.table.deep(&item);
                if self.has_float(&known) || !self.is_comparable(&known, false) {
                    let shown = self.show(&known);
                    self.cx.say(say::no_greatest(method, &shown, self.has_float(&known), name.span));
                    return None;
                }
                // Of equal items the last is the greatest, and the first the least.
                let op = if method == "max" { BinaryOp::Ge } else { BinaryOp::Lt };
                let (has, best) = self.held(&item, &mut run);
                let result = option_if(local(has, &Ty::BOOL, span), local(best, &item, span), span);
                let each = |_: &mut Self, _: &Run, next: Hir, body: &mut Vec<HirStatement>| {
                    let better = compare(op, next.clone(), local(best, &item, span), span);
                    let first = not(local(has, &Ty::BOOL, span));
                    let takes =
                        Hir::new(HirKind::Binary(BinaryOp::Or, Box::new(first), Box::new(better)), Ty::BOOL, span);
                    body.push(when(takes, vec![set(best, next), set(has, yes())]));
                };
                self.finish_run(run, each, result)
            }
            ("max_by_key" | "min_by_key", [f]) => {
                let f = self.callback(f, of_item, None, method)?;
                let key = f.body.ty.clone();
                let known = self.table.deep(&key);
                if self.has_float(&known) || !self.is_comparable(&known, false) {
                    let shown = self.show(&known);
                    self.cx.say(say::no_greatest(method, &shown, self.has_float(&known), name.span));
                    return None;
                }
                let op = if method == "max_by_key" { BinaryOp::Ge } else { BinaryOp::Lt };
                let (has, best) = self.held(&item, &mut run);
                let best_key = self.state(Hir::new(HirKind::Later, key.clone(), Span::NONE), &mut run.lets);
                let result = option_if(local(has, &Ty::BOOL, span), local(best, &item, span), span);
                let each = |this: &mut Self, _: &Run, next: Hir, body: &mut Vec<HirStatement>| {
                    let own = this.kept(bind_params(f, vec![next.clone()], span), body);
                    let better = compare(op, own.clone(), local(best_key, &key, span), span);
                    let first = not(local(has, &Ty::BOOL, span));
                    let takes =
                        Hir::new(HirKind::Binary(BinaryOp::Or, Box::new(first), Box::new(better)), Ty::BOOL, span);
                    body.push(when(takes, vec![set(best, next), set(best_key, own), set(has, yes())]));
                };
                self.finish_run(run, each, result)
            }
            ("max_by" | "min_by", [f]) => {
                let f = self.callback(f, &[item.clone(), item.clone()], Some(&Ty::Ordering), method)?;
                let is_max = method == "max_by";
                let (has, best) = self.held(&item, &mut run);
                let result = option_if(local(has, &Ty::BOOL, span), local(best, &item, span), span);
                let each = |_: &mut Self, _: &Run, next: Hir, body: &mut Vec<HirStatement>| {
                    let order = bind_params(f, vec![local(best, &item, span), next.clone()], span);
                    let zero = Hir::new(HirKind::Int(0), Ty::Ordering, span);
                    // Of equal ones `max_by` takes the last, `min_by` the first.
                    let op = if is_max { BinaryOp::Le } else { BinaryOp::Gt };
                    let better = compare(op, order, zero, span);
                    let replace = when(better, vec![set(best, next.clone())]);
                    body.push(either(
                        local(has, &Ty::BOOL, span),
                        vec![replace],
                        vec![set(best, next), set(has, yes())],
                        span,
                    ));
                };
                self.finish_run(run, each, result)
            }
            ("next", []) | ("last", []) | ("nth", [_]) => {
                let (has, held) = self.held(&item, &mut run);
                let left = match args {
                    [n] => {
                        let n = self.expect(n, &Ty::Usize, Why::Index);
                        Some(self.state(n, &mut run.lets))
                    }
                    _ => None,
                };
                let result = option_if(local(has, &Ty::BOOL, span), local(held, &item, span), span);
                let leaves = method != "last";
                let each = |_: &mut Self, run: &Run, next: Hir, body: &mut Vec<HirStatement>| {
                    if let Some(left) = left {
                        let here = || local(left, &Ty::Usize, span);
                        let one = set(left, wrapping(Function::WrappingSub, here(), position(1, span)));
                        let again = Hir::new(HirKind::Continue(run.id), Ty::Never, span);
                        let waiting = compare(BinaryOp::Gt, here(), position(0, span), span);
                        body.push(when(waiting, vec![one, HirStatement::Expr(again)]));
                    }
                    body.extend([set(held, next), set(has, yes())]);
                    if leaves {
                        body.push(run.leave());
                    }
                };
                self.finish_run(run, each, result)
            }
            ("next_back", []) => {
                let Some(iter) = self.turned(run.iter, &item, run.goes_on, &mut run.lets, span) else {
                    self.cx.say(say::no_reverse(name.span));
                    return None;
                };
                run.iter = iter;
                let next = Name { text: "next".to_owned(), span: name.span };
                return self.end_of(run, &next, types, args, hint);
            }
            ("position", [p]) => {
                let p = self.callback(p, of_item, Some(&Ty::BOOL), method)?;
                let at = self.state(position(0, span), &mut run.lets);
                let has = self.state(truth(false, span), &mut run.lets);
                let here = || local(at, &Ty::Usize, span);
                let result = option_if(local(has, &Ty::BOOL, span), here(), span);
                let each = |_: &mut Self, run: &Run, item: Hir, body: &mut Vec<HirStatement>| {
                    body.push(when(bind_params(p, vec![item], span), vec![set(has, yes()), run.leave()]));
                    body.push(set(at, wrapping(Function::WrappingAdd, here(), position(1, span))));
                };
                self.finish_run(run, each, result)
            }
            ("find", [p]) => {
                let p = self.callback(p, of_item, Some(&Ty::BOOL), method)?;
                let (has, held) = self.held(&item, &mut run);
                let result = option_if(local(has, &Ty::BOOL, span), local(held, &item, span), span);
                let each = |_: &mut Self, run: &Run, item: Hir, body: &mut Vec<HirStatement>| {
                    let holds = bind_params(p, vec![item.clone()], span);
                    body.push(when(holds, vec![set(held, item), set(has, yes()), run.leave()]));
                };
                self.finish_run(run, each, result)
            }
            ("find_map", [f]) => {
                let gives = self.table.fresh(Kind::Any);
                let f = self.callback(f, of_item, Some(&gives.clone().option()), method)?;
                run.iter = Iter::FilterMap(Box::new(run.iter), f, false);
                run.item = gives.clone();
                let (has, held) = self.held(&gives, &mut run);
                let result = option_if(local(has, &Ty::BOOL, span), local(held, &gives, span), span);
                let each = |_: &mut Self, run: &Run, item: Hir, body: &mut Vec<HirStatement>| {
                    body.extend([set(held, item), set(has, yes()), run.leave()]);
                };
                self.finish_run(run, each, result)
            }
            ("for_each", [f]) => {
                let f = self.callback(f, of_item, Some(&Ty::unit()), method)?;
                let each = |_: &mut Self, _: &Run, item: Hir, body: &mut Vec<HirStatement>| {
                    body.push(HirStatement::Expr(bind_params(f, vec![item], span)));
                };
                let nothing = Hir::new(HirKind::Tuple(Vec::new()), Ty::unit(), span);
                self.finish_run(run, each, nothing)
            }
            ("collect", []) => self.collect(run, types, hint, name)?,
            ("unzip", []) => {
                let Ty::Tuple(parts) = self.table.deep(&item) else {
                    let shown = self.show(&item);
                    self.cx.say(say::no_pairs(&shown, name.span));
                    return None;
                };
                let [a, b] = parts.as_slice() else {
                    let shown = self.show(&item);
                    self.cx.say(say::no_pairs(&shown, name.span));
                    return None;
                };
                let (a, b) = (a.clone(), b.clone());
                let (left, right) = (self.new_list(&a, &mut run), self.new_list(&b, &mut run));
                let result = lists(&[(left, &a), (right, &b)], span);
                let each = |this: &mut Self, _: &Run, item: Hir, body: &mut Vec<HirStatement>| {
                    let item = this.kept(item, body);
                    let part = |at, ty: &Ty| Hir::new(HirKind::Field(Box::new(item.clone()), at), ty.clone(), span);
                    body.push(push(left, &a, part(0, &a), span));
                    body.push(push(right, &b, part(1, &b), span));
                };
                self.finish_run(run, each, result)
            }
            ("partition", [p]) => {
                let p = self.callback(p, of_item, Some(&Ty::BOOL), method)?;
                if let Some(Ty::Tuple(parts)) = hint.map(|hint| self.table.deep(hint))
                    && parts.iter().all(|part| *part == Ty::STRING)
                    && self.table.resolve(&item) == Ty::CHAR
                {
                    // `(String, String)`: the characters of each.
                    let (left, right) = (self.new_list(&item, &mut run), self.new_list(&item, &mut run));
                    let ty = Ty::List(Box::new(item.clone()));
                    let values = vec![("a", local(left, &ty, span), ty.clone()), ("b", local(right, &ty, span), ty)];
                    let code = "{ (a.iter().collect::<String>(), b.iter().collect::<String>()) }";
                    let texts = self.written(values, &[], code, span);
                    let each = |_: &mut Self, _: &Run, next: Hir, body: &mut Vec<HirStatement>| {
                        let holds = bind_params(p, vec![next.clone()], span);
                        let (then, otherwise) = (push(left, &item, next.clone(), span), push(right, &item, next, span));
                        body.push(either(holds, vec![then], vec![otherwise], span));
                    };
                    return Some(self.finish_run(run, each, texts));
                }
                let (left, right) = (self.new_list(&item, &mut run), self.new_list(&item, &mut run));
                let result = lists(&[(left, &item), (right, &item)], span);
                let each = |_: &mut Self, _: &Run, next: Hir, body: &mut Vec<HirStatement>| {
                    let holds = bind_params(p, vec![next.clone()], span);
                    let (then, otherwise) = (push(left, &item, next.clone(), span), push(right, &item, next, span));
                    body.push(either(holds, vec![then], vec![otherwise], span));
                };
                self.finish_run(run, each, result)
            }
            _ => {
                for arg in args {
                    if !matches!(arg.kind, ExprKind::Closure(_)) {
                        self.expr(arg, None);
                    }
                }
                self.cx.say(text_say::unknown_step(method, &ENDS, name.span));
                return None;
            }
        })
    }

    /// `sum` and `product` of items that are `Option`s or `Result`s.
    fn sum_of_all(&mut self, mut run: Run, method: &str, whole: &Ty, inner: &Ty, name: &Name) -> Option<Hir> {
        let span = run.span;
        if !self.has_arithmetic(BinaryOp::Add, inner) {
            let shown = self.show(inner);
            self.cx.say(say::no_sum(method, &shown, name.span));
            return None;
        }
        let is_float = inner.is_float() || self.table.kind(inner) == Some(Kind::Float);
        let first = match (is_float, method) {
            (true, "sum") => HirKind::Float(-0.0),
            (true, _) => HirKind::Float(1.0),
            (false, "sum") => HirKind::Int(0),
            (false, _) => HirKind::Int(1),
        };
        let op = if method == "sum" { BinaryOp::Add } else { BinaryOp::Mul };
        let acc = self.state(Hir::new(first, inner.clone(), span), &mut run.lets);
        let all = self.state(truth(true, span), &mut run.lets);
        let result = option_if(local(all, &Ty::BOOL, span), local(acc, inner, span), span);
        let each = |this: &mut Self, run: &Run, item: Hir, body: &mut Vec<HirStatement>| {
            if let Some(held) = this.held_or_leave(item, all, run.leave(), body) {
                let sum = HirKind::Binary(op, Box::new(local(acc, inner, span)), Box::new(held));
                body.push(set(acc, Hir::new(sum, inner.clone(), span)));
            }
        };
        let sum = self.finish_run(run, each, result);
        Some(Hir { ty: whole.clone(), ..sum })
    }

    /// All items of a chain in a list.
    pub(super) fn listed(&mut self, iter: Iter, item: Ty, lets: Vec<HirStatement>, span: Span) -> Hir {
        let id = self.loop_id();
        let run = Run { lets, iter, item, id, span, goes_on: false };
        let name = Name { text: "collect".to_owned(), span };
        self.collected(run, &name).unwrap_or_else(|| Hir::error(span))
    }

    /// All items in a list.
    fn collected(&mut self, run: Run, name: &Name) -> Option<Hir> {
        let list = Ty::List(Box::new(run.item.clone()));
        self.collect(run, &[], Some(&list), name)
    }

    /// All items of an argument that is an iterator or a list.
    fn all_of(&mut self, other: &ast::Expr) -> Option<Hir> {
        let mut lets = Vec::new();
        let (iter, item) = self.iter(other, &mut lets)?;
        let id = self.loop_id();
        let run = Run { lets, iter, item, id, span: other.span, goes_on: false };
        self.collected(run, &Name { text: "eq".to_owned(), span: other.span })
    }

    /// The position of the last item of a list that holds.
    fn last_position(&mut self, list: Hir, p: &ast::Expr, span: Span) -> Option<Hir> {
        let ExprKind::Closure(closure) = &p.kind else {
            self.cx.say(crate::diagnostics::unsupported::not_a_closure("rposition", p.span));
            return None;
        };
        let ty = list.ty.clone();
        let code = "{ let mut found: Option<usize> = None; let mut i = x.len();
            while i > 0 { i -= 1; if f(x[i]) { found = Some(i); break; } } found }";
        Some(self.written(vec![("x", list, ty)], &[("f", closure.clone())], code, span))
    }

    fn new_list(&mut self, item: &Ty, run: &mut Run) -> BindingId {
        let ty = Ty::List(Box::new(item.clone()));
        self.state(list_call(ListFunction::Of, Vec::new(), ty, run.span), &mut run.lets)
    }

    fn collect(&mut self, mut run: Run, types: &[TypeName], hint: Option<&Ty>, name: &Name) -> Option<Hir> {
        let (span, item) = (run.span, run.item.clone());
        let wanted = match types {
            [TypeName { kind: TypeNameKind::Path(path, inner), .. }]
                if path == "Vec" && matches!(inner.as_slice(), [TypeName { kind: TypeNameKind::Infer, .. }]) =>
            {
                Some(Ty::List(Box::new(item.clone())))
            }
            [TypeName { kind: TypeNameKind::Path(path, inner), .. }]
                if matches!(path.as_str(), "Option" | "Result") && !inner.is_empty() =>
            {
                let whole = self.type_with_holes(&inner[0]);
                Some(match (path.as_str(), inner.get(1)) {
                    ("Option", _) => whole.option(),
                    (_, Some(error)) => {
                        let error = self.type_with_holes(error);
                        Ty::Result(Box::new(whole), Box::new(error))
                    }
                    (_, None) => Ty::Result(Box::new(whole), Box::new(self.table.fresh(Kind::Any))),
                })
            }
            [ty] if ty.kind != TypeNameKind::Infer => Some(self.type_with_holes(ty)),
            _ => hint.map(|hint| self.table.resolve(hint)),
        };
        if let (Some(Ty::Result(whole, error)), Ty::Result(held, of_item)) = (&wanted, self.table.deep(&item))
            && self.table.unify(error, &of_item)
            && !of_item.is_silent()
        {
            return self.collect_or_fail(run, whole, &held, &of_item, name);
        }
        if let Some(Ty::Option(whole) | Ty::Result(whole, _)) = &wanted
            && let Ty::Option(held) | Ty::Result(held, _) = self.table.deep(&item)
        {
            let whole = match self.table.resolve(whole) {
                Ty::Var(_) => Ty::List(held.clone()),
                whole => whole,
            };
            let ty = if let Some(Ty::Result(..)) = &wanted {
                Ty::Result(Box::new(whole.clone()), Box::new(Ty::Failure))
            } else {
                whole.clone().option()
            };
            return self.collect_all(run, &whole, &held, ty, name);
        }
        match wanted {
            Some(Ty::List(wanted)) => {
                if !self.table.unify(&wanted, &item) {
                    let (expected, found) = (self.show(&wanted), self.show(&item));
                    self.cx.say(say::other_items(&expected, &found, name.span));
                    return None;
                }
                let list = self.new_list(&item, &mut run);
                let result = local(list, &Ty::List(Box::new(item.clone())), span);
                let each = |_: &mut Self, _: &Run, next: Hir, body: &mut Vec<HirStatement>| {
                    body.push(push(list, &item, next, span));
                };
                Some(self.finish_run(run, each, result))
            }
            Some(ty) if ty == Ty::STRING => {
                let known = self.table.resolve(&item);
                if known != Ty::STRING && known != Ty::CHAR {
                    let shown = self.show(&known);
                    self.cx.say(say::other_items("char", &shown, name.span));
                    return None;
                }
                let empty = Hir::new(HirKind::Str(String::new()), Ty::STRING, span);
                let text = self.state(empty, &mut run.lets);
                let here = || local(text, &Ty::STRING, span);
                let each = |_: &mut Self, _: &Run, next: Hir, body: &mut Vec<HirStatement>| {
                    let more = if known == Ty::CHAR {
                        text_mutation::push(here(), next, span)
                    } else {
                        super::text::call(TextFunction::Concat, vec![here(), next], span)
                    };
                    body.push(set(text, more));
                };
                Some(self.finish_run(run, each, here()))
            }
            Some(Ty::Of(wrapper, inner)) if wrapper != Wrapper::Reverse => {
                if !self.table.unify(&inner, &item) {
                    let (expected, found) = (self.show(&inner), self.show(&item));
                    self.cx.say(say::other_items(&expected, &found, name.span));
                    return None;
                }
                let items = self.collected(run, name)?;
                Some(self.collection_of(items, wrapper, span))
            }
            Some(Ty::Error) => None,
            Some(other) if self.table.kind(&other).is_none() => {
                let shown = self.show(&other);
                self.cx.say(say::collects_into(&shown, name.span));
                None
            }
            Some(_) | None => {
                self.cx.say(say::collect_into_what(name.span));
                None
            }
        }
    }

    /// `collect` into a `Result` of a list or a string: of all items, or the first error.
    fn collect_or_fail(&mut self, mut run: Run, whole: &Ty, held: &Ty, error: &Ty, name: &Name) -> Option<Hir> {
        let span = run.span;
        let whole = match self.table.resolve(whole) {
            Ty::Var(_) => Ty::List(Box::new(held.clone())),
            whole => whole,
        };
        let ty = Ty::Result(Box::new(whole.clone()), Box::new(error.clone()));
        let of_error = error.clone().option();
        let failed = self.state(Hir::new(HirKind::None, of_error.clone(), span), &mut run.lets);
        let (list, is_text) = match &whole {
            Ty::List(item) if self.table.unify(item, held) => (self.new_list(held, &mut run), false),
            ty if *ty == Ty::STRING && (*held == Ty::STRING || *held == Ty::CHAR) => {
                let empty = Hir::new(HirKind::Str(String::new()), Ty::STRING, span);
                (self.state(empty, &mut run.lets), true)
            }
            _ => {
                let shown = self.show(&ty);
                self.cx.say(say::collects_into(&shown, name.span));
                return None;
            }
        };
        let held = held.clone();
        let each = |this: &mut Self, run: &Run, item: Hir, body: &mut Vec<HirStatement>| {
            let Some(item) = this.held_or_fail(item, failed, run.leave(), body) else { return };
            if !is_text {
                body.push(push(list, &held, item, span));
                return;
            }
            let here = local(list, &Ty::STRING, span);
            let more = if held == Ty::CHAR {
                text_mutation::push(here, item, span)
            } else {
                super::text::call(TextFunction::Concat, vec![here, item], span)
            };
            body.push(set(list, more));
        };
        let values =
            vec![("x", local(list, &whole, span), whole.clone()), ("e", local(failed, &of_error, span), of_error)];
        let given = self.written(values, &[], "{ match e { Some(e) => Err(e), None => Ok(x) } }", span);
        self.table.unify(&given.ty, &ty);
        Some(self.finish_run(run, each, given))
    }

    /// A written type in which `_` may stand for a part.
    pub(super) fn type_with_holes(&mut self, written: &TypeName) -> Ty {
        if !has_hole(written) {
            return self.cx.resolve_type(written);
        }
        match &written.kind {
            TypeNameKind::Infer => self.table.fresh(Kind::Any),
            TypeNameKind::Path(path, parts) => match (path.as_str(), parts.as_slice()) {
                ("Vec", [TypeName { kind: TypeNameKind::Path(byte, none), .. }]) if byte == "u8" && none.is_empty() => {
                    Ty::bytes()
                }
                ("Vec", [item]) => Ty::List(Box::new(self.type_with_holes(item))),
                ("Option", [inner]) => self.type_with_holes(inner).option(),
                (collection, params)
                    if Wrapper::named(collection).is_some_and(|wrapper| wrapper.arity() == params.len()) =>
                {
                    let params = params.iter().map(|param| self.type_with_holes(param)).collect();
                    Wrapper::named(collection).map_or(Ty::Error, |wrapper| wrapper.of(params))
                }
                ("Result", [inner, error]) => {
                    let (inner, error) = (self.type_with_holes(inner), self.type_with_holes(error));
                    Ty::Result(Box::new(inner), Box::new(error))
                }
                _ => self.cx.resolve_type(written),
            },
            TypeNameKind::Tuple(parts) => Ty::Tuple(parts.iter().map(|part| self.type_with_holes(part)).collect()),
            TypeNameKind::Reference(inner) => self.type_with_holes(inner),
            TypeNameKind::MutReference(_) | TypeNameKind::Slice(_) | TypeNameKind::Array(..) => {
                self.cx.resolve_type(written)
            }
        }
    }

    /// `collect` into an `Option` or a `Result` of a list or a string: of all items, or nothing.
    fn collect_all(&mut self, mut run: Run, whole: &Ty, held: &Ty, ty: Ty, name: &Name) -> Option<Hir> {
        let span = run.span;
        let all = self.state(truth(true, span), &mut run.lets);
        let mut lets = std::mem::take(&mut run.lets);
        // The items that are there, up to the first that is not.
        let (iter, inner) = (run.iter, held.clone());
        let id = self.new_binding(run.item.clone());
        let param = super::hir::HirPat::new(super::hir::PatKind::Bind(id, None), run.item.clone(), span);
        let read = local(id, &run.item, span);
        let mut body = Vec::new();
        let option = Hir { ty: inner.clone().option(), ..read };
        let missing = super::text::is_some(option.clone(), span);
        body.push(when(not(missing), vec![set(all, truth(false, span))]));
        let value = Hir::new(HirKind::Block(body, Some(Box::new(option))), inner.clone().option(), span);
        let until = super::hir::HirClosure { params: vec![param], body: value };
        let run = Run { iter: Iter::FilterMap(Box::new(iter), until, true), item: inner, lets: Vec::new(), ..run };
        let collected = self.collect(run, &[], Some(whole), name)?;
        let made = collected.ty.clone();
        let collected = self.named(collected, &made, &mut lets);
        let result = option_if(local(all, &Ty::BOOL, span), collected, span);
        let result = Hir { ty: ty.clone(), ..result };
        Some(Hir::new(HirKind::Block(lets, Some(Box::new(result))), ty, span))
    }

    /// `for pattern in chain { .. }`, where the values are no plain range; nothing if they cannot be gone over.
    pub(super) fn for_items(
        &mut self,
        values: &ast::Expr,
        id: LoopId,
        pattern: &ast::Pattern,
        body: &ast::Expr,
        span: Span,
    ) -> Option<Hir> {
        let mut lets = Vec::new();
        let (iter, item) = self.iter(values, &mut lets)?;
        let go = |kind| Hir::new(kind, Ty::Never, span);
        let pass = Pass { end: go(HirKind::Break(id, None)), skip: go(HirKind::Continue(id)), span };
        let mut each = Vec::new();
        let next = self.next(&iter, &pass, &mut each);
        let mark = self.enter();
        let pattern = self.pattern(pattern, &item);
        self.must_match_all(&pattern, "`for`");
        each.push(HirStatement::Let(pattern, next));
        let body = self.expect(body, &Ty::unit(), Why::LoopBody);
        self.leave(mark);
        each.push(HirStatement::Expr(body));
        let looped = HirKind::Loop(id, Box::new(block(each, span)));
        lets.push(HirStatement::Expr(Hir::new(looped, Ty::unit(), span)));
        Some(block(lets, span))
    }
}

/// Whether `_` stands somewhere in a type.
fn has_hole(written: &TypeName) -> bool {
    match &written.kind {
        TypeNameKind::Infer => true,
        TypeNameKind::Path(_, parts) | TypeNameKind::Tuple(parts) => parts.iter().any(has_hole),
        TypeNameKind::Reference(inner)
        | TypeNameKind::MutReference(inner)
        | TypeNameKind::Slice(inner)
        | TypeNameKind::Array(inner, _) => has_hole(inner),
    }
}

pub(super) fn either(
    condition: Hir,
    then: Vec<HirStatement>,
    otherwise: Vec<HirStatement>,
    span: Span,
) -> HirStatement {
    let (then, otherwise) = (Box::new(block(then, span)), Some(Box::new(block(otherwise, span))));
    HirStatement::Expr(Hir::new(HirKind::If(Box::new(condition), then, otherwise), Ty::unit(), span))
}

/// `list.push(item);`
pub(super) fn push(list: BindingId, item: &Ty, value: Hir, span: Span) -> HirStatement {
    let ty = Ty::List(Box::new(item.clone()));
    set(list, list_call(ListFunction::Push, vec![local(list, &ty, span), value], ty.clone(), span))
}

fn lists(parts: &[(BindingId, &Ty)], span: Span) -> Hir {
    let parts: Vec<Hir> =
        parts.iter().map(|(id, item)| local(*id, &Ty::List(Box::new((*item).clone())), span)).collect();
    let ty = Ty::Tuple(parts.iter().map(|part| part.ty.clone()).collect());
    Hir::new(HirKind::Tuple(parts), ty, span)
}
