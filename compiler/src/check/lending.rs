//! `&mut`: places that others may change.
//!
//! A function with a `&mut` parameter takes its value and gives it back beside what it returns; who calls it puts that into
//! the place. Nobody else can see the place meanwhile, which is what rustc makes sure of. A variable that is a `&mut` of a
//! place is another name of the place.
#![allow(clippy::wildcard_enum_match_arm, reason = "of many forms, few are places")]

use super::assign::Declared;
use super::hir::{BindingId, Hir, HirClosure, HirKind, HirPat, HirStatement, PatKind};
use super::infer::Body;
use super::types::Ty;
use crate::diagnostics::control;
use sabot_ir::ast::{self, Arm, Condition, Expr, ExprKind, Literal, Name, Pattern, PatternKind, Statement, UnaryOp};
use sabot_ir::span::Span;

/// What goes over places instead of values.
const PLACES: [&str; 1] = ["iter_mut"];
/// What may stand behind `iter_mut()` and keeps a place for each item.
const KEEPS: [&str; 6] = ["enumerate", "zip", "rev", "skip", "take", "step_by"];

impl Body<'_, '_> {
    /// `&mut x` where a value is read: only a call and a `let` know what to do with a place.
    pub(super) fn lent(&mut self, place: &Expr, hint: Option<&Ty>, span: Span) -> Hir {
        self.cx.say(control::place_as_value(span));
        self.expr(place, hint);
        Hir::error(span)
    }

    /// The variable of this name, if it is another name of a place.
    fn alias(&self, name: &str) -> Option<Expr> {
        let (id, _) = self.bound_since(0, name)?;
        self.places.get(&id).cloned()
    }

    /// The place behind the variables that are other names of one, and behind `*` and `&mut`.
    pub(super) fn place_behind(&self, place: &Expr) -> Expr {
        let of = |kind| Expr { kind, span: place.span };
        match &place.kind {
            ExprKind::Name(name) => match self.alias(name) {
                Some(meant) => Expr { span: place.span, ..meant },
                None => place.clone(),
            },
            ExprKind::Unary(UnaryOp::Deref, inner) | ExprKind::MutReference(inner) => self.place_behind(inner),
            ExprKind::Field(base, field) => of(ExprKind::Field(Box::new(self.place_behind(base)), field.clone())),
            ExprKind::Index(base, index) => of(ExprKind::Index(Box::new(self.place_behind(base)), index.clone())),
            _ => place.clone(),
        }
    }

    /// A place whose variables and positions are what they are now, whatever is bound or assigned later; the statements keep
    /// the positions. Nothing if it is no place.
    pub(super) fn held_place(&mut self, place: &Expr, lets: &mut Vec<HirStatement>) -> Option<Expr> {
        let place = self.place_behind(place);
        let of = |kind| Expr { kind, span: place.span };
        Some(match &place.kind {
            ExprKind::Name(name) => {
                let Some((id, ty)) = self.bound_since(0, name) else {
                    self.name(name, place.span);
                    return None;
                };
                let declared = self.declared(id);
                if !declared.mutable && !ty.is_error() {
                    self.cx.say(control::not_mutable(name, place.span, declared.span));
                    return None;
                }
                let hidden = format!("${}", id.0);
                self.bind_alias(&hidden, id);
                of(ExprKind::Name(hidden))
            }
            ExprKind::Field(base, field) => of(ExprKind::Field(Box::new(self.held_place(base, lets)?), field.clone())),
            ExprKind::Index(base, index) => {
                let base = self.held_place(base, lets)?;
                let index = match &index.kind {
                    ExprKind::Literal(_) => (**index).clone(),
                    ExprKind::Range(..) => {
                        self.cx.say(control::part_as_place(place.span));
                        return None;
                    }
                    _ => {
                        let value = self.expect(index, &Ty::Usize, crate::diagnostics::types::Why::Index);
                        let name = format!("$at{}", self.enter());
                        let id = self.bind(&name, Ty::Usize);
                        lets.push(super::chain::bind(id, value));
                        Expr { kind: ExprKind::Name(name), span: index.span }
                    }
                };
                of(ExprKind::Index(Box::new(base), Box::new(index)))
            }
            ExprKind::Error => return None,
            _ if Self::is_entry(&place) => self.held_entry(&place, lets)?,
            _ => {
                self.cx.say(control::not_a_variable("this", place.span));
                return None;
            }
        })
    }

    /// `let r = &mut place;`: statements, and from here on another name.
    pub(super) fn let_place(&mut self, pattern: &Pattern, place: &Expr) -> Vec<HirStatement> {
        let mut lets = Vec::new();
        if let PatternKind::Tuple(parts) = &pattern.kind {
            // A name for each part.
            let Some(held) = self.held_place(place, &mut lets) else { return lets };
            for (at, part) in parts.iter().enumerate() {
                if part.kind == PatternKind::Wild {
                    continue;
                }
                let field = Name { text: at.to_string(), span: part.span };
                let part_of = Expr { kind: ExprKind::Field(Box::new(held.clone()), field), span: part.span };
                lets.extend(self.let_place(part, &part_of));
            }
            return lets;
        }
        let Some(name) = pattern.as_name() else {
            self.cx.say(control::place_as_value(place.span));
            return lets;
        };
        let Some(held) = self.held_place(place, &mut lets) else {
            self.bind(&name.text, Ty::Error);
            return lets;
        };
        self.name_place(&name, held);
        lets
    }

    fn name_place(&mut self, name: &Name, place: Expr) {
        let id = self.bind_as(&name.text, Ty::Error, Declared { span: name.span, mutable: true });
        self.places.insert(id, place);
    }

    /// What is read where a variable is another name of a place; nothing if it is not.
    pub(super) fn read_place(&mut self, name: &str, span: Span) -> Option<Hir> {
        let place = self.alias(name)?;
        let read = self.expr(&place, None);
        Some(Hir { span, ..read })
    }

    /// The call of a function some of whose parameters are `&mut`: `values` are its arguments, `places` where they come from.
    pub(super) fn call_lending(
        &mut self,
        call: impl FnOnce(Vec<Hir>, Ty) -> Hir,
        values: Vec<Hir>,
        places: Vec<(usize, Option<Expr>)>,
        returns: &Ty,
        mut lets: Vec<HirStatement>,
        span: Span,
    ) -> Hir {
        let mut gives = vec![returns.clone()];
        gives.extend(places.iter().map(|(at, _)| values[*at].ty.clone()));
        let gives = Ty::Tuple(gives);
        let whole = self.new_binding(gives.clone());
        let read = |at: usize, ty: &Ty| {
            let whole = Hir::new(HirKind::Local(whole), gives.clone(), span);
            Hir::new(HirKind::Field(Box::new(whole), at), ty.clone(), span)
        };
        let types: Vec<Ty> = places.iter().map(|(at, _)| values[*at].ty.clone()).collect();
        let made = call(values, gives.clone());
        lets.push(super::chain::bind(whole, made));
        for (position, ((_, place), ty)) in places.iter().zip(&types).enumerate() {
            let Some(place) = place else { return Hir::error(span) };
            if let Some(store) = self.store(place, read(position + 1, ty), span) {
                lets.push(HirStatement::Expr(store));
            }
        }
        Hir::new(HirKind::Block(lets, Some(Box::new(read(0, returns)))), returns.clone(), span)
    }

    /// `for x in v.iter_mut()`, `for x in &mut v`: the same over positions, with `x` another name of the item there.
    pub(super) fn for_places(
        &mut self,
        label: Option<&Name>,
        pattern: &Pattern,
        values: &Expr,
        body: &Expr,
        span: Span,
    ) -> Option<Hir> {
        let (list, chain, name) = over_places(pattern, values)?;
        let mut lets = Vec::new();
        let mark = self.enter();
        let Some(list) = self.held_place(&list, &mut lets) else { return Some(Hir::error(span)) };
        let at = |kind| Expr { kind, span: values.span };
        let position = format!("$item{}", self.enter());
        let hold = |kind| Expr { kind, span: name.span };
        let len = Name { text: "len".to_owned(), span: values.span };
        let count = at(ExprKind::Method(Box::new(list.clone()), len, Vec::new(), Vec::new()));
        let zero = at(ExprKind::Literal(Literal::Int(0, Some("usize".to_owned()))));
        let range = at(ExprKind::Range(Some(Box::new(zero)), Some(Box::new(count)), false));
        let item = ExprKind::Index(Box::new(list), Box::new(hold(ExprKind::Name(position.clone()))));
        let lend = Statement::Let(
            Pattern { kind: PatternKind::Bind(name.text.clone(), false, None), span: name.span },
            None,
            hold(ExprKind::MutReference(Box::new(hold(item)))),
        );
        let inner = Expr { kind: ExprKind::Block(vec![lend], Some(Box::new(body.clone()))), span: body.span };
        let positions = chain(range);
        let pattern = renamed(pattern, &name, &position);
        let run = self.for_(label, &pattern, &positions, &inner, span);
        self.leave(mark);
        let ty = run.ty.clone();
        Some(Hir::new(HirKind::Block(lets, Some(Box::new(run))), ty, span))
    }

    /// `v.iter_mut().for_each(|x| ..)` as a loop.
    pub(super) fn for_each_place(&mut self, receiver: &Expr, name: &Name, args: &[Expr], span: Span) -> Option<Hir> {
        let ("for_each", [Expr { kind: ExprKind::Closure(closure), .. }]) = (name.text.as_str(), args) else {
            return None;
        };
        let [(pattern, _)] = closure.params.as_slice() else { return None };
        self.for_places(None, pattern, receiver, &closure.body, span)
    }

    /// `if let Some(x) = v.last_mut() { .. }`: what it asks instead, and the place that `x` is another name of.
    pub(super) fn optional_place(&mut self, condition: &Condition) -> Option<(Condition, Statement)> {
        let Condition::Let(Pattern { kind: PatternKind::Path(path, inner), .. }, value) = condition else {
            return None;
        };
        let ([name], [bound]) = (path.as_slice(), inner.as_slice()) else { return None };
        let (ExprKind::Method(list, method, _, args), "Some") = (&value.kind, name.as_str()) else { return None };
        let at = |kind| Expr { kind, span: value.span };
        let call = |method: &str| {
            let name = Name { text: method.to_owned(), span: value.span };
            at(ExprKind::Method(list.clone(), name, Vec::new(), Vec::new()))
        };
        let int = |value| at(ExprKind::Literal(Literal::Int(value, None)));
        let binary = |op, a, b| at(ExprKind::Binary(op, Box::new(a), Box::new(b)));
        let (asked, position) = match (method.text.as_str(), args.as_slice()) {
            ("first_mut", []) => (binary(ast::BinaryOp::Gt, call("len"), int(0)), int(0)),
            ("last_mut", []) => {
                (binary(ast::BinaryOp::Gt, call("len"), int(0)), binary(ast::BinaryOp::Sub, call("len"), int(1)))
            }
            ("get_mut", [key]) if self.is_map(list) => {
                let with = |method: &str| {
                    let name = Name { text: method.to_owned(), span: value.span };
                    at(ExprKind::Method(list.clone(), name, Vec::new(), vec![key.clone()]))
                };
                let lend = Statement::Let(bound.clone(), None, at(ExprKind::MutReference(Box::new(with("$place")))));
                return Some((Condition::Expr(with("contains_key")), lend));
            }
            ("get_mut", [position]) => (binary(ast::BinaryOp::Lt, position.clone(), call("len")), position.clone()),
            _ => return None,
        };
        let item = at(ExprKind::Index(list.clone(), Box::new(position)));
        let lend = Statement::Let(bound.clone(), None, at(ExprKind::MutReference(Box::new(item))));
        Some((Condition::Expr(asked), lend))
    }

    /// Whether a place holds a map.
    fn is_map(&mut self, place: &Expr) -> bool {
        let place = self.place_behind(place);
        let is_plain = |expr: &Expr| matches!(expr.kind, ExprKind::Name(_) | ExprKind::Field(..) | ExprKind::Index(..));
        is_plain(&place) && {
            let ty = self.expr(&place, None).ty;
            matches!(self.table.resolve(&ty), Ty::Of(wrapper, _) if wrapper.is_map())
        }
    }

    /// `std::mem::take(&mut a)`, `replace(&mut a, b)`, `swap(&mut a, &mut b)`; nothing if it is another call.
    pub(super) fn memory_call(&mut self, path: &[Name], args: &[Expr], span: Span) -> Option<Hir> {
        let [.., module, name] = path else { return None };
        let place = |arg: &Expr| match &arg.kind {
            ExprKind::MutReference(place) => Some((**place).clone()),
            ExprKind::Name(name) => self.alias(name),
            _ => None,
        };
        if module.text != "mem" {
            return None;
        }
        let places: Option<Vec<Expr>> = match (name.text.as_str(), args) {
            ("take", [a]) | ("replace", [a, _]) => place(a).map(|a| vec![a]),
            ("swap", [a, b]) => place(a).zip(place(b)).map(|(a, b)| vec![a, b]),
            _ => return None,
        };
        let Some(places) = places else {
            self.cx.say(control::place_wanted(&format!("mem::{}", name.text), args[0].span));
            return Some(Hir::error(span));
        };
        let mark = self.enter();
        let mut lets = Vec::new();
        let mut held = Vec::new();
        for place in &places {
            let Some(place) = self.held_place(place, &mut lets) else { return Some(Hir::error(span)) };
            held.push(place);
        }
        let first = self.expr(&held[0], None);
        let ty = first.ty.clone();
        let new = match args {
            [_, b] if name.text == "replace" => {
                let why = crate::diagnostics::types::Why::Argument { function: "replace", index: 1 };
                self.expect(b, &ty, why)
            }
            _ if name.text == "take" => self.taken(&ty, name.span, span),
            _ => self.expr(&held[1], None),
        };
        let new = self.kept(new, &mut lets);
        let old = self.kept(first, &mut lets);
        if name.text == "swap" && !self.table.unify(&ty, &new.ty) {
            self.cx.say(control::place_wanted("mem::swap", args[1].span));
            return Some(Hir::error(span));
        }
        lets.extend(self.store(&held[0], new, span).map(HirStatement::Expr));
        let value = if name.text == "swap" {
            lets.extend(self.store(&held[1], old, span).map(HirStatement::Expr));
            Hir::new(HirKind::Tuple(Vec::new()), Ty::unit(), span)
        } else {
            old
        };
        self.leave(mark);
        let ty = value.ty.clone();
        Some(Hir::new(HirKind::Block(lets, Some(Box::new(value))), ty, span))
    }

    /// `write!(text, "..", x)`: the text grows, and nothing can fail.
    pub(super) fn write(&mut self, macro_name: &str, args: &[Expr], span: Span) -> Hir {
        let Some((target, args)) = args.split_first() else {
            return self.wrong_arity(macro_name, 2, args, span, span);
        };
        let target = self.place_behind(target);
        let mut statements = Vec::new();
        let mark = self.enter();
        let newline = Expr { kind: ExprKind::Literal(Literal::Char('\n')), span };
        let mut push = |this: &mut Self, method: &str, value: &Expr| {
            let name = Name { text: method.to_owned(), span };
            let pushed = this.method(&target, &name, &[], std::slice::from_ref(value), None, span);
            statements.push(HirStatement::Expr(pushed));
        };
        if !args.is_empty() {
            let text = self.format(args, span);
            let id = self.bind("$text", Ty::STRING);
            let value = Expr { kind: ExprKind::Name("$text".to_owned()), span };
            let keep = super::chain::bind(id, text);
            push(self, "push_str", &value);
            statements.insert(0, keep);
        }
        if macro_name == "writeln" {
            let name = Name { text: "push".to_owned(), span };
            let pushed = self.method(&target, &name, &[], &[newline], None, span);
            statements.push(HirStatement::Expr(pushed));
        }
        self.leave(mark);
        let ty = Ty::Result(Box::new(Ty::unit()), Box::new(Ty::Failure));
        let done = Hir::new(HirKind::Tuple(Vec::new()), Ty::unit(), span);
        let done = super::outcome::outcome(true, done, &ty, span);
        Hir::new(HirKind::Block(statements, Some(Box::new(done))), ty, span)
    }

    /// What `Default` gives of a type.
    fn taken(&mut self, ty: &Ty, at: Span, span: Span) -> Hir {
        let ty = self.table.deep(ty);
        if let Ty::List(_) = &ty {
            return super::list::call(sabot_ir::list::ListFunction::Of, Vec::new(), ty, span);
        }
        match super::option::default_of(&ty, span) {
            Some(value) => value,
            None => {
                let shown = self.show(&ty);
                self.cx.say(crate::diagnostics::unsupported::no_default(&shown, at));
                Hir::error(span)
            }
        }
    }
}

/// The body of a function that also gives the values that its `&mut` parameters have in the end.
pub(super) fn giving_back(closure: &mut HirClosure, lent: &[usize], returns: &Ty) {
    let mut given: Vec<(BindingId, Ty)> = Vec::new();
    for at in lent {
        match &closure.params[*at] {
            HirPat { kind: PatKind::Bind(id, None), ty, .. } => given.push((*id, ty.clone())),
            _ => return,
        }
    }
    let mut types = vec![returns.clone()];
    types.extend(given.iter().map(|(_, ty)| ty.clone()));
    let whole = Ty::Tuple(types);
    let with = |value: Hir| {
        let span = value.span;
        let mut parts = vec![value];
        parts.extend(given.iter().map(|(id, ty)| Hir::new(HirKind::Local(*id), ty.clone(), span)));
        Hir::new(HirKind::Tuple(parts), whole.clone(), span)
    };
    // The value first: it may change what is given back.
    let ordered = |value: Hir, next: &mut u32| {
        let (ty, span) = (value.ty.clone(), value.span);
        if ty == Ty::Never {
            return Hir::new(HirKind::Never(Box::new(value)), whole.clone(), span);
        }
        *next -= 1;
        let id = BindingId(*next);
        let bound = HirPat::new(PatKind::Bind(id, None), ty.clone(), span);
        let lets = vec![HirStatement::Let(bound, value)];
        let tail = with(Hir::new(HirKind::Local(id), ty, span));
        Hir::new(HirKind::Block(lets, Some(Box::new(tail))), whole.clone(), span)
    };
    let mut next = u32::MAX / 2;
    returning(&mut closure.body, &mut |value| {
        let span = value.as_ref().map_or(Span::NONE, |value| value.span);
        let value = value.map_or_else(|| Hir::new(HirKind::Tuple(Vec::new()), Ty::unit(), span), |value| *value);
        Some(Box::new(ordered(value, &mut next)))
    });
    let body = std::mem::replace(&mut closure.body, Hir::error(Span::NONE));
    let body = if body.ty == *returns || body.ty == Ty::Never { body } else { Hir { ty: returns.clone(), ..body } };
    closure.body = ordered(body, &mut next);
}

/// Changes what each `return` of a body gives; those of closures inside are not its own.
fn returning(hir: &mut Hir, change: &mut dyn FnMut(Option<Box<Hir>>) -> Option<Box<Hir>>) {
    if matches!(hir.kind, HirKind::Body(_)) {
        return;
    }
    hir.for_each_child_mut(&mut |child| returning(child, change));
    if let HirKind::Return(value) = &mut hir.kind {
        *value = change(value.take());
    }
}

/// The list whose places a loop goes over, the chain around it, and what an item is called.
#[expect(clippy::type_complexity, reason = "three parts of one loop")]
fn over_places(pattern: &Pattern, values: &Expr) -> Option<(Expr, Box<dyn FnOnce(Expr) -> Expr>, Name)> {
    match &values.kind {
        ExprKind::MutReference(list) => Some(((**list).clone(), Box::new(|range| range), plain_name(pattern)?)),
        ExprKind::Method(list, method, _, args) if PLACES.contains(&method.text.as_str()) && args.is_empty() => {
            Some(((**list).clone(), Box::new(|range| range), plain_name(pattern)?))
        }
        ExprKind::Method(receiver, method, types, args) if KEEPS.contains(&method.text.as_str()) => {
            let part = match (&pattern.kind, method.text.as_str()) {
                (PatternKind::Tuple(parts), "enumerate") if parts.len() == 2 => &parts[1],
                (PatternKind::Tuple(parts), "zip") if parts.len() == 2 => &parts[0],
                (_, "enumerate" | "zip") => return None,
                _ => pattern,
            };
            let (list, inner, name) = over_places(part, receiver)?;
            let (method, types, args, span) = (method.clone(), types.clone(), args.clone(), values.span);
            let outer = move |range: Expr| {
                // A range of `usize` has the same methods as what goes over places.
                Expr { kind: ExprKind::Method(Box::new(inner(range)), method, types, args), span }
            };
            Some((list, Box::new(outer), name))
        }
        _ => None,
    }
}

/// `match v.last_mut() { Some(x) => .., None => .. }` as an `if let`, whose variables are other names of places.
pub(super) fn match_place(value: &Expr, arms: &[Arm], span: Span) -> Option<Expr> {
    let ExprKind::Method(_, method, ..) = &value.kind else { return None };
    if !matches!(method.text.as_str(), "last_mut" | "first_mut" | "get_mut") {
        return None;
    }
    let is_some = |arm: &Arm| matches!(&arm.pattern.kind, PatternKind::Path(path, _) if path.last().is_some_and(|name| name == "Some"));
    let (some, none) = match arms {
        [some, none] if is_some(some) && !is_some(none) => (some, none),
        [none, some] if is_some(some) && !is_some(none) && some.guard.is_none() => (some, none),
        _ => return None,
    };
    let (pattern, otherwise) = (some.pattern.clone(), Some(Box::new(none.body.clone())));
    let then = match &some.guard {
        None => some.body.clone(),
        Some(guard) => {
            let condition = Box::new(Condition::Expr(guard.clone()));
            let kind = ExprKind::If(condition, Box::new(some.body.clone()), otherwise.clone());
            Expr { kind, span }
        }
    };
    let condition = Box::new(Condition::Let(pattern, value.clone()));
    Some(Expr { kind: ExprKind::If(condition, Box::new(then), otherwise), span })
}

fn plain_name(pattern: &Pattern) -> Option<Name> {
    pattern.as_name()
}

/// The pattern with another name in the place of one.
fn renamed(pattern: &Pattern, name: &Name, to: &str) -> Pattern {
    let kind = match &pattern.kind {
        PatternKind::Bind(text, _, None) if *text == name.text => PatternKind::Bind(to.to_owned(), false, None),
        PatternKind::Tuple(parts) => PatternKind::Tuple(parts.iter().map(|part| renamed(part, name, to)).collect()),
        other => other.clone(),
    };
    Pattern { kind, span: pattern.span }
}
