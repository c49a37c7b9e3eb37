//! More methods of lists, each a piece of the job language: searches, parts by a condition, changes of a part in its place.
//!
//! In the code `x` is the list, `a` the value that is looked for, `n` a position, `f` the closure.
#![allow(clippy::wildcard_enum_match_arm, reason = "of many forms, few are of interest here")]

use super::hir::{Hir, HirKind, HirStatement};
use super::infer::Body;
use super::types::Ty;
use crate::diagnostics::types::Why;
use sabot_ir::ast::{self, ExprKind, Name, Pattern, PatternKind};
use sabot_ir::span::Span;

/// What the arguments of a method are.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Args {
    /// An item.
    Item,
    /// A closure.
    Closure,
    /// A value, and a closure that gives one to compare it with.
    KeyAndClosure,
    /// A position.
    Position,
    /// None.
    None,
}

/// As std searches, so that of equal items the same one is found. `$O` says whether `x[at]` goes before, is or goes behind what
/// is looked for.
const SEARCH: &str = "let mut size = x.len(); let mut base = 0usize;
    while size > 1 { let half = size / 2; let at = base + half; if !($O).is_gt() { base = at; } size -= half; }
    let found: Result<usize, usize> = if x.is_empty() { Err(0usize) } else {
        let at = base; let order = $O;
        if order.is_eq() { Ok(base) } else if order.is_lt() { Err(base + 1) } else { Err(base) }
    }; found";

const METHODS: [(&str, Args, &str); 14] = [
    ("binary_search", Args::Item, "x[at].cmp(&a)"),
    ("binary_search_by", Args::Closure, "f(&x[at])"),
    ("binary_search_by_key", Args::KeyAndClosure, "f(&x[at]).cmp(&a)"),
    (
        "partition_point",
        Args::Closure,
        "let mut size = x.len(); let mut base = 0usize;
         while size > 1 { let half = size / 2; if f(&x[base + half]) { base += half; } size -= half; }
         if x.is_empty() { 0 } else if f(&x[base]) { base + 1 } else { base }",
    ),
    (
        "rchunks",
        Args::Position,
        "if n == 0 { panic!(\"chunk size must be non-zero\") } let mut parts = Vec::new(); let mut to = x.len();
         while to > 0 { let from = to.saturating_sub(n); parts.push(x[from..to].to_vec()); to = from; } parts",
    ),
    (
        "split",
        Args::Closure,
        "let mut parts = Vec::new(); let mut from = 0usize;
         for i in 0..x.len() { if f(&x[i]) { parts.push(x[from..i].to_vec()); from = i + 1; } }
         parts.push(x[from..].to_vec()); parts",
    ),
    (
        "split_inclusive",
        Args::Closure,
        "let mut parts = Vec::new(); let mut from = 0usize;
         for i in 0..x.len() { if f(&x[i]) { parts.push(x[from..i + 1].to_vec()); from = i + 1; } }
         if from < x.len() { parts.push(x[from..].to_vec()); } parts",
    ),
    (
        "chunk_by",
        Args::Closure,
        "let mut parts = Vec::new(); let mut from = 0usize;
         for i in 1..x.len() { if !f(&x[i - 1], &x[i]) { parts.push(x[from..i].to_vec()); from = i; } }
         if !x.is_empty() { parts.push(x[from..].to_vec()); } parts",
    ),
    ("is_sorted_by_key", Args::Closure, "x.windows(2).all(|w| f(w[0]) <= f(w[1]))"),
    ("is_sorted_by", Args::Closure, "x.windows(2).all(|w| f(w[0], w[1]))"),
    ("to_ascii_uppercase", Args::None, "x.iter().map(|b| b.to_ascii_uppercase()).collect::<Vec<_>>()"),
    ("to_ascii_lowercase", Args::None, "x.iter().map(|b| b.to_ascii_lowercase()).collect::<Vec<_>>()"),
    ("is_ascii", Args::None, "x.iter().all(|b| b.is_ascii())"),
    (
        "trim_ascii",
        Args::None,
        "let mut from = 0usize; let mut to = x.len();
         while from < to && x[from].is_ascii_whitespace() { from += 1; }
         while to > from && x[to - 1].is_ascii_whitespace() { to -= 1; } x[from..to].to_vec()",
    ),
];

/// Methods that leave a list as long as it is, which may be called on a part of it in its place.
const IN_PLACE: [&str; 14] = [
    "sort",
    "sort_unstable",
    "sort_by",
    "sort_unstable_by",
    "sort_by_key",
    "sort_unstable_by_key",
    "reverse",
    "swap",
    "fill",
    "rotate_left",
    "rotate_right",
    "copy_from_slice",
    "clone_from_slice",
    "make_ascii_uppercase",
];

/// Methods here that give items to a chain, with one argument.
pub(super) const ITEMS: [&str; 4] = ["rchunks", "split", "split_inclusive", "chunk_by"];

impl Body<'_, '_> {
    /// A method of a list; nothing if there is none of this name here.
    pub(super) fn list_more(
        &mut self,
        list: &Hir,
        item: &Ty,
        name: &Name,
        args: &[ast::Expr],
        span: Span,
    ) -> Option<Hir> {
        let (known, wants, code) = METHODS.iter().find(|(known, ..)| *known == name.text)?;
        let only_bytes = *wants == Args::None;
        if only_bytes && self.table.resolve(item) != Ty::U8 {
            return None;
        }
        let count = match wants {
            Args::KeyAndClosure => 2,
            Args::None => 0,
            Args::Item | Args::Closure | Args::Position => 1,
        };
        if args.len() != count {
            return Some(self.wrong_arity(known, count, args, name.span, span));
        }
        let ty = list.ty.clone();
        let mut values = vec![("x", list.clone(), ty)];
        let mut functions = Vec::new();
        match (wants, args) {
            (Args::Item, [arg]) => {
                values.push(("a", self.expect(arg, item, Why::Argument { function: known, index: 0 }), item.clone()));
            }
            (Args::Position, [arg]) => values.push(("n", self.expect(arg, &Ty::Usize, Why::Index), Ty::Usize)),
            (Args::Closure, [f]) => functions.push(("f", self.closure_argument(f, known)?)),
            (Args::KeyAndClosure, [key, f]) => {
                let key = self.expr(key, None);
                let ty = key.ty.clone();
                values.push(("a", key, ty));
                functions.push(("f", self.closure_argument(f, known)?));
            }
            _ => {}
        }
        let code = if known.starts_with("binary_search") { SEARCH.replace("$O", code) } else { (*code).to_owned() };
        Some(self.written(values, &functions, &format!("{{ {code} }}"), span))
    }

    /// A closure, or one that calls the function that is named.
    fn closure_argument(&mut self, f: &ast::Expr, method: &str) -> Option<ast::Closure> {
        match &f.kind {
            ExprKind::Closure(closure) => Some(closure.clone()),
            ExprKind::Path(_) | ExprKind::Name(_) => {
                let path = match &f.kind {
                    ExprKind::Path(path) => path.clone(),
                    ExprKind::Name(name) => vec![name.clone()],
                    _ => Vec::new(),
                };
                let span = f.span;
                let at = |kind| ast::Expr { kind, span };
                let read = at(ExprKind::Name("$item".to_owned()));
                let path = path.into_iter().map(|text| Name { text, span }).collect();
                let param = Pattern { kind: PatternKind::Bind("$item".to_owned(), false, None), span };
                let body = Box::new(at(ExprKind::Call(path, vec![read])));
                Some(ast::Closure { params: vec![(param, None)], body, returns: None, moves: false, span })
            }
            _ => {
                self.cx.say(crate::diagnostics::unsupported::not_a_closure(method, f.span));
                None
            }
        }
    }

    /// `v[a..b].sort()`: a part of a list is taken out, changed, and put back. Nothing if it is another method.
    pub(super) fn change_of_part(
        &mut self,
        receiver: &ast::Expr,
        name: &Name,
        args: &[ast::Expr],
        span: Span,
    ) -> Option<Hir> {
        let ExprKind::Index(base, range) = &receiver.kind else { return None };
        let ExprKind::Range(from, to, inclusive) = &range.kind else { return None };
        if !IN_PLACE.contains(&name.text.as_str()) {
            return None;
        }
        let mark = self.enter();
        let mut lets: Vec<HirStatement> = Vec::new();
        let held = self.held_place(base, &mut lets)?;
        let list = self.expr(&held, None);
        if !matches!(self.table.resolve(&list.ty), Ty::List(_)) {
            return None;
        }
        let at = |kind| ast::Expr { kind, span };
        let mut bound = |this: &mut Self, name: &str, value: Option<&ast::Expr>, otherwise: &ast::Expr| {
            let value = this.expect(value.unwrap_or(otherwise), &Ty::Usize, Why::Index);
            let id = this.bind(name, Ty::Usize);
            lets.push(super::chain::bind(id, value));
            at(ExprKind::Name(name.to_owned()))
        };
        let zero = at(ExprKind::Literal(ast::Literal::Int(0, Some("usize".to_owned()))));
        let len = Name { text: "len".to_owned(), span };
        let len = at(ExprKind::Method(Box::new(held.clone()), len, Vec::new(), Vec::new()));
        let from = bound(self, "$from", from.as_deref(), &zero);
        let to = bound(self, "$to", to.as_deref(), &len);
        let part = |from: Option<&ast::Expr>, to: Option<&ast::Expr>, inclusive| {
            let range = ExprKind::Range(from.cloned().map(Box::new), to.cloned().map(Box::new), inclusive);
            at(ExprKind::Index(Box::new(held.clone()), Box::new(at(range))))
        };
        let part_ty = list.ty.clone();
        let taken = self.expr(&part(Some(&from), Some(&to), *inclusive), None);
        let id = self.changing(taken, &mut lets);
        self.bind_alias("$part", id);
        let changed = at(ExprKind::Name("$part".to_owned()));
        let copies = matches!(name.text.as_str(), "copy_from_slice" | "clone_from_slice");
        if let (true, [other]) = (copies, args) {
            let other = self.expect(other, &part_ty, Why::Argument { function: "copy_from_slice", index: 0 });
            let read = Hir::new(HirKind::Local(id), part_ty.clone(), span);
            let values = vec![("x", read, part_ty.clone()), ("o", other, part_ty.clone())];
            let code = "{ if x.len() != o.len() { panic!(\"copy_from_slice: source slice length does not match destination slice length\") } o }";
            let copied = self.written(values, &[], code, span);
            lets.push(super::chain::set(id, copied));
        } else {
            let run = self.method(&changed, name, &[], args, None, span);
            lets.push(HirStatement::Expr(run));
        }
        // What stood before it, the part, and what stands behind it.
        let front = self.expr(&part(None, Some(&from), false), None);
        let read = Hir::new(HirKind::Local(id), part_ty.clone(), span);
        let end =
            at(ExprKind::Method(Box::new(changed), Name { text: "len".to_owned(), span }, Vec::new(), Vec::new()));
        let end = at(ExprKind::Binary(ast::BinaryOp::Add, Box::new(from), Box::new(end)));
        let behind = self.expr(&part(Some(&end), None, false), None);
        let concat =
            |a: Hir, b: Hir| super::list::call(sabot_ir::list::ListFunction::Concat, vec![a, b], part_ty.clone(), span);
        let whole = concat(concat(front, read), behind);
        lets.extend(self.store(&held, whole, span).map(HirStatement::Expr));
        self.leave(mark);
        Some(super::chain::block(lets, span))
    }

    /// The list sorted by a closure, as std sorts lists of up to 20 items: one after the other is put in its place, from the
    /// end. What a closure says that is no order (of NaN, that it is equal to all) has that order, too.
    pub(super) fn sorted_one_by_one(&mut self, list: Hir, f: &ast::Expr, span: Span) -> Option<Hir> {
        let ExprKind::Closure(closure) = &f.kind else { return None };
        let ty = list.ty.clone();
        let code = "{ let mut y = x[..0].to_vec();
            for item in x {
                let mut at = y.len();
                while at > 0 && f(&item, &y[at - 1]).is_lt() { at -= 1; }
                if at == y.len() { y.push(item); } else { y.insert(at, item); }
            } y }";
        Some(self.written(vec![("x", list, ty)], &[("f", closure.clone())], code, span))
    }

    /// `v.drain(a..b);` where nobody takes the items.
    pub(super) fn drained_away(&mut self, receiver: &ast::Expr, range: &ast::Expr, span: Span) -> Hir {
        let mut lets = Vec::new();
        match self.drained(receiver, range, &mut lets, span) {
            Some(_) => super::chain::block(lets, span),
            None => Hir::error(span),
        }
    }
}
