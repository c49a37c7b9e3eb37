//! Methods of maps, sets, queues and heaps: each is a piece of the job language over the list that they are.
//!
//! In the code `x` is the list, `k` the key or value that is looked for, `v` what is put in; what changes a collection gives
//! the list that it becomes and the result. Where keys have no order (`HashMap` asks for none) they are looked for one by one.
#![allow(clippy::wildcard_enum_match_arm, reason = "of many forms, few are of interest here")]

use super::hir::{Hir, HirKind, HirStatement};
use super::infer::Body;
use super::types::Ty;
use super::unify::Kind;
use super::wrapper::Wrapper;
use crate::diagnostics::collections as say;
use crate::diagnostics::types::Why;
use sabot_ir::ast::{self, ExprKind, Name};
use sabot_ir::span::Span;

/// Where the key stands, or would stand, in a list in the order of the keys.
const SEARCH: &str = "let mut lo = 0usize; let mut hi = x.len();
    while lo < hi { let mid = (lo + hi) / 2; if x[mid]$K < k { lo = mid + 1; } else { hi = mid; } }";
/// The same where they have no order.
const SCAN: &str = "let mut lo = 0usize; while lo < x.len() && x[lo]$K != k { lo += 1; }";
/// Whether it stands there.
const IS: &str = "(lo < x.len() && x[lo]$K == k)";
/// Puts `$I` there.
const PUT: &str = "if lo == x.len() { x.push($I); } else { x.insert(lo, $I); }";

/// Methods that give items, which chains and `for` go over.
pub(super) const ITEMS: [(&str, usize); 9] = [
    ("keys", 0),
    ("values", 0),
    ("into_keys", 0),
    ("into_values", 0),
    ("range", 1),
    ("union", 1),
    ("intersection", 1),
    ("difference", 1),
    ("symmetric_difference", 1),
];

/// Methods that give items in the collection's order.
const ORDERED: [&str; 13] = [
    "keys",
    "values",
    "into_keys",
    "into_values",
    "iter",
    "into_iter",
    "drain",
    "union",
    "intersection",
    "difference",
    "symmetric_difference",
    "iter_mut",
    "values_mut",
];

/// Whether the end of a chain gives the same for its items in any order.
pub(super) fn is_order_free(chain: &ast::Expr, end: &str) -> bool {
    const PLAIN: [&str; 4] = ["copied", "cloned", "iter", "into_iter"];
    match (&chain.kind, end) {
        (_, "collect") => match &chain.kind {
            ExprKind::Method(_, name, ..) => {
                PLAIN.contains(&name.text.as_str()) || ORDERED.contains(&name.text.as_str())
            }
            _ => false,
        },
        (_, "max" | "min" | "count" | "any" | "all" | "sum") => steps_are_free(chain),
        _ => false,
    }
}

fn steps_are_free(chain: &ast::Expr) -> bool {
    match &chain.kind {
        ExprKind::Method(of, name, ..) => match name.text.as_str() {
            "map" | "filter" | "filter_map" | "copied" | "cloned" => steps_are_free(of),
            name => ORDERED.contains(&name),
        },
        _ => true,
    }
}

/// What a method changes nothing with: of maps and sets (`false`, `true`: only of sets), its arguments, its code.
fn reading(wrapper: Wrapper, method: &str, args: usize) -> Option<&'static str> {
    let (map, set) = (wrapper.is_map(), wrapper.is_set());
    let ordered = !wrapper.is_hashed();
    Some(match (method, args) {
        ("len", 0) => "x.len()",
        ("is_empty", 0) => "x.is_empty()",
        ("get", 1) if map => "$F if $IS { Some(x[lo].1) } else { None }",
        ("get", 1) if set => "$F if $IS { Some(x[lo]) } else { None }",
        ("get_key_value", 1) if map => "$F if $IS { Some(x[lo]) } else { None }",
        ("contains_key", 1) if map => "$F $IS",
        ("contains", 1) if set => "$F $IS",
        ("keys" | "into_keys", 0) if map => "x.iter().map(|p| p.0).collect::<Vec<_>>()",
        ("values" | "into_values", 0) if map => "x.iter().map(|p| p.1).collect::<Vec<_>>()",
        ("first_key_value", 0) if map && ordered => "x.first()",
        ("last_key_value", 0) if map && ordered => "x.last()",
        ("first", 0) if set && ordered => "x.first()",
        ("last", 0) if set && ordered => "x.last()",
        ("peek", 0) if wrapper == Wrapper::BinaryHeap => "x.last()",
        ("into_sorted_vec", 0) if wrapper == Wrapper::BinaryHeap => "x",
        _ => return None,
    })
}

/// What a method changes: its code gives the list and the result.
fn changing(wrapper: Wrapper, method: &str, args: usize) -> Option<&'static str> {
    let (map, set) = (wrapper.is_map(), wrapper.is_set());
    let ordered = !wrapper.is_hashed();
    Some(match (method, args) {
        ("insert", 2) if map => "$F if $IS { let old = x[lo].1; x[lo] = (k, v); (x, Some(old)) } else { $P (x, None) }",
        ("insert", 1) if set => "$F if $IS { (x, false) } else { $P (x, true) }",
        ("replace", 1) if set => "$F if $IS { (x, Some(k)) } else { $P (x, None) }",
        ("remove", 1) if map => "$F if $IS { let old = x.remove(lo); (x, Some(old.1)) } else { (x, None) }",
        ("remove_entry", 1) if map => "$F if $IS { let old = x.remove(lo); (x, Some(old)) } else { (x, None) }",
        ("remove", 1) if set => "$F if $IS { x.remove(lo); (x, true) } else { (x, false) }",
        ("take", 1) if set => "$F if $IS { let old = x.remove(lo); (x, Some(old)) } else { (x, None) }",
        ("pop_first", 0) if (map || set) && ordered => {
            "if x.is_empty() { (x, None) } else { let first = x.remove(0); (x, Some(first)) }"
        }
        ("pop_last", 0) if (map || set) && ordered => "let last = x.pop(); (x, last)",
        ("clear", 0) => "x.clear(); (x, ())",
        ("pop_front", 0) if wrapper == Wrapper::VecDeque => {
            "if x.is_empty() { (x, None) } else { let first = x[0]; (x[1..].to_vec(), Some(first)) }"
        }
        ("pop_back", 0) if wrapper == Wrapper::VecDeque => "let last = x.pop(); (x, last)",
        ("pop", 0) if wrapper == Wrapper::BinaryHeap => "let last = x.pop(); (x, last)",
        ("push", 1) if wrapper == Wrapper::BinaryHeap => "$F $P (x, ())",
        _ => return None,
    })
}

/// Methods of a queue that lists have under this name.
fn of_queue(method: &str) -> Option<&'static str> {
    Some(match method {
        "push_back" => "push",
        "front" => "first",
        "back" => "last",
        "contains" => "contains",
        "get" => "get",
        "truncate" => "truncate",
        "retain" => "retain",
        "extend" => "extend",
        "swap" => "swap",
        "insert" => "insert",
        _ => return None,
    })
}

/// A value as the list that it is.
pub(super) fn as_list(value: Hir, wrapper: Wrapper, inner: &Ty) -> Hir {
    Hir { ty: wrapper.inside(inner), ..value }
}

impl Body<'_, '_> {
    /// The code for this collection: how keys are found, and what is put in.
    fn collection_code(&self, wrapper: Wrapper, inner: &Ty, code: &str) -> String {
        let key = if wrapper.is_map() { ".0" } else { "" };
        let put = if wrapper.is_map() { "(k, v)" } else { "k" };
        let search = if self.has_order(wrapper, inner) { SEARCH } else { SCAN };
        let code = code.replace("$F", search).replace("$IS", IS).replace("$P", PUT);
        format!("{{ {} }}", code.replace("$K", key).replace("$I", put))
    }

    fn key_of(&self, wrapper: Wrapper, inner: &Ty) -> Ty {
        match self.table.resolve(inner) {
            Ty::Tuple(parts) if wrapper.is_map() => parts[0].clone(),
            key => key,
        }
    }

    fn has_order(&self, wrapper: Wrapper, inner: &Ty) -> bool {
        let key = self.table.deep(&self.key_of(wrapper, inner));
        !wrapper.is_hashed() || self.is_comparable(&key, false)
    }

    /// A key must be what std asks for; `false` after a mistake.
    fn fits_as_key(&mut self, wrapper: Wrapper, inner: &Ty, at: Span) -> bool {
        let key = self.table.deep(&self.key_of(wrapper, inner));
        if key.is_error() {
            return false;
        }
        if self.has_float(&key) || !self.is_comparable(&key, wrapper.is_hashed()) {
            let shown = self.show(&key);
            self.cx.say(say::no_key(wrapper.name(), &shown, self.has_float(&key), wrapper.is_hashed(), at));
            return false;
        }
        true
    }

    /// A collection whose items somebody goes over, as their list; nothing if their order would be chance.
    pub(super) fn gone_over(&mut self, value: Hir, wrapper: Wrapper, inner: &Ty, at: Span) -> Option<Hir> {
        if wrapper.is_hashed() && !self.order_free {
            self.cx.say(say::hash_order(wrapper.name(), at));
            return None;
        }
        if wrapper == Wrapper::BinaryHeap && !self.order_free {
            self.cx.say(say::heap_order(at));
            return None;
        }
        (wrapper != Wrapper::Reverse).then(|| as_list(value, wrapper, inner))
    }

    /// `receiver.name(args)` of a collection.
    pub(super) fn collection_method(
        &mut self,
        receiver_hir: Hir,
        (wrapper, inner): (Wrapper, &Ty),
        receiver: &ast::Expr,
        name: &Name,
        args: &[ast::Expr],
        span: Span,
    ) -> Hir {
        let method = name.text.as_str();
        if wrapper == Wrapper::Reverse
            && let Some(order) = self.ordering_of(&receiver_hir, name, args, span)
        {
            return order;
        }
        if wrapper.is_hashed() && !self.order_free && ORDERED.contains(&method) {
            self.cx.say(say::hash_order(wrapper.name(), name.span));
            return Hir::error(span);
        }
        if let Some(code) = reading(wrapper, method, args.len()) {
            return self.read_collection(receiver_hir, wrapper, inner, args, code, span);
        }
        if let Some(code) = changing(wrapper, method, args.len()) {
            return self.change_collection(receiver, wrapper, inner, args, code, span);
        }
        let list = as_list(receiver_hir.clone(), wrapper, inner);
        match (method, args) {
            ("push_front", [item]) if wrapper == Wrapper::VecDeque => {
                let code = "x.insert(0, k); (x, ())";
                self.change_collection(receiver, wrapper, inner, std::slice::from_ref(item), code, span)
            }
            ("retain", [f]) if wrapper.is_map() || wrapper.is_set() => {
                let ExprKind::Closure(closure) = &f.kind else {
                    self.cx.say(crate::diagnostics::unsupported::not_a_closure("retain", f.span));
                    return Hir::error(span);
                };
                let code = if wrapper.is_map() {
                    "let mut y = x[..0].to_vec(); for p in x { if f(p.0, p.1) { y.push(p); } } (y, ())"
                } else {
                    "let mut y = x[..0].to_vec(); for p in x { if f(p) { y.push(p); } } (y, ())"
                };
                self.changed_by(receiver, wrapper, inner, Vec::new(), &[("f", closure.clone())], code, span)
            }
            ("extend", [more]) if wrapper.is_map() || wrapper.is_set() || wrapper == Wrapper::BinaryHeap => {
                let Some(more) = self.items_of(more) else { return Hir::error(span) };
                let ty = wrapper.inside(inner);
                if !self.table.unify(&more.ty, &ty) {
                    let (expected, found) = (self.show(&ty), self.show(&more.ty));
                    self.cx.say(crate::diagnostics::lists::other_items(&expected, &found, more.span));
                    return Hir::error(span);
                }
                let each = if wrapper.is_map() { "let k = p.0; let v = p.1;" } else { "let k = p;" };
                let code = if wrapper.is_map() {
                    format!("for p in m {{ {each} $F if $IS {{ x[lo] = (k, v); }} else {{ $P }} }} (x, ())")
                } else if wrapper.is_set() {
                    format!("for p in m {{ {each} $F if !$IS {{ $P }} }} (x, ())")
                } else {
                    format!("for p in m {{ {each} $F $P }} (x, ())")
                };
                let more_ty = more.ty.clone();
                self.changed_by(receiver, wrapper, inner, vec![("m", more, more_ty)], &[], &code, span)
            }
            ("range", [range]) if wrapper == Wrapper::BTreeMap || wrapper == Wrapper::BTreeSet => {
                self.key_range(list, wrapper, inner, range, span)
            }
            (
                "union"
                | "intersection"
                | "difference"
                | "symmetric_difference"
                | "is_subset"
                | "is_superset"
                | "is_disjoint",
                [other],
            ) if wrapper.is_set() => {
                let other = self.expect(
                    other,
                    &Ty::Of(wrapper, Box::new(inner.clone())),
                    Why::Argument { function: "union", index: 0 },
                );
                let other = as_list(other, wrapper, inner);
                let ty = list.ty.clone();
                // Both are in order: what is in both is found from the front.
                let code = match method {
                    "union" => "let mut y = x; for i in o { if !y.contains(&i) { y.push(i); } } y.sort(); y",
                    "intersection" => "x.iter().filter(|i| o.contains(i)).collect::<Vec<_>>()",
                    "difference" => "x.iter().filter(|i| !o.contains(i)).collect::<Vec<_>>()",
                    "symmetric_difference" => {
                        "let mut y = x.iter().filter(|i| !o.contains(i)).collect::<Vec<_>>(); for i in o { if !x.contains(&i) { y.push(i); } } y.sort(); y"
                    }
                    "is_subset" => "x.iter().all(|i| o.contains(i))",
                    "is_superset" => "o.iter().all(|i| x.contains(i))",
                    _ => "!x.iter().any(|i| o.contains(i))",
                };
                self.written(vec![("x", list, ty.clone()), ("o", other, ty)], &[], &format!("{{ {code} }}"), span)
            }
            _ if wrapper == Wrapper::VecDeque && of_queue(method).is_some() => {
                let list_name = Name { text: of_queue(method).unwrap_or_default().to_owned(), span: name.span };
                if let Some(hir) = self.list_change(receiver, inner, &list_name, args, span) {
                    return hir;
                }
                let found = self.list_method(&list, inner, &list_name, args, span);
                found.unwrap_or_else(|| Hir::error(span))
            }
            _ => {
                for arg in args {
                    if !matches!(arg.kind, ExprKind::Closure(_)) {
                        self.expr(arg, None);
                    }
                }
                let shown = self.show(&Ty::Of(wrapper, Box::new(inner.clone())));
                let known = known(wrapper);
                self.cx.say(crate::diagnostics::lists::no_method(&shown, method, &known, name.span));
                Hir::error(span)
            }
        }
    }

    fn read_collection(
        &mut self,
        receiver: Hir,
        wrapper: Wrapper,
        inner: &Ty,
        args: &[ast::Expr],
        code: &str,
        span: Span,
    ) -> Hir {
        let mut values = Vec::new();
        if let [key] = args {
            let ty = self.key_of(wrapper, inner);
            let key = self.expect(key, &ty, Why::Argument { function: "get", index: 0 });
            if !self.fits_as_key(wrapper, inner, span) {
                return Hir::error(span);
            }
            values.push(("k", key, ty));
        }
        let ty = wrapper.inside(inner);
        values.push(("x", as_list(receiver, wrapper, inner), ty));
        let code = self.collection_code(wrapper, inner, code);
        self.written(values, &[], &code, span)
    }

    fn change_collection(
        &mut self,
        receiver: &ast::Expr,
        wrapper: Wrapper,
        inner: &Ty,
        args: &[ast::Expr],
        code: &str,
        span: Span,
    ) -> Hir {
        let mut values = Vec::new();
        let value = match self.table.resolve(inner) {
            Ty::Tuple(parts) if wrapper.is_map() => parts[1].clone(),
            _ => Ty::unit(),
        };
        let types = [("k", self.key_of(wrapper, inner)), ("v", value)];
        for (index, (arg, (name, ty))) in args.iter().zip(types).enumerate() {
            let value = self.expect(arg, &ty, Why::Argument { function: "insert", index });
            values.push((name, value, ty));
        }
        let asks = !args.is_empty() && wrapper != Wrapper::VecDeque;
        if asks && !self.fits_as_key(wrapper, inner, span) {
            return Hir::error(span);
        }
        self.changed_by(receiver, wrapper, inner, values, &[], code, span)
    }

    /// The collection at a place becomes what the code gives first; the value is what it gives then.
    #[expect(clippy::too_many_arguments, reason = "the parts of one change")]
    fn changed_by(
        &mut self,
        receiver: &ast::Expr,
        wrapper: Wrapper,
        inner: &Ty,
        values: Vec<(&str, Hir, Ty)>,
        functions: &[(&str, ast::Closure)],
        code: &str,
        span: Span,
    ) -> Hir {
        let mark = self.enter();
        let mut lets = Vec::new();
        let Some(place) = self.held_place(receiver, &mut lets) else { return Hir::error(span) };
        let Some((_, result)) = self.stored_change(&place, wrapper, inner, values, functions, code, &mut lets, span)
        else {
            return Hir::error(span);
        };
        self.leave(mark);
        let ty = result.ty.clone();
        Hir::new(HirKind::Block(lets, Some(Box::new(result))), ty, span)
    }

    /// The statements that change the collection at a held place; gives the result, which they keep.
    #[expect(clippy::too_many_arguments, reason = "the parts of one change")]
    fn stored_change(
        &mut self,
        place: &ast::Expr,
        wrapper: Wrapper,
        inner: &Ty,
        mut values: Vec<(&str, Hir, Ty)>,
        functions: &[(&str, ast::Closure)],
        code: &str,
        lets: &mut Vec<HirStatement>,
        span: Span,
    ) -> Option<(Hir, Hir)> {
        let old = self.expr(place, None);
        let whole_ty = old.ty.clone();
        let ty = wrapper.inside(inner);
        values.push(("x", as_list(old, wrapper, inner), ty.clone()));
        let code = self.collection_code(wrapper, inner, &format!("let mut x = x; {code}"));
        let whole = self.written(values, functions, &code, span);
        let Ty::Tuple(parts) = self.table.resolve(&whole.ty) else { return None };
        let [_, result] = parts.as_slice() else { return None };
        let whole = self.kept(whole, lets);
        let part = |at, ty: Ty| Hir::new(HirKind::Field(Box::new(whole.clone()), at), ty, span);
        let new = part(0, whole_ty);
        let store = self.store(place, new.clone(), span)?;
        lets.push(HirStatement::Expr(store));
        Some((new, part(1, result.clone())))
    }

    /// All items of what can be gone over, as a list.
    fn items_of(&mut self, more: &ast::Expr) -> Option<Hir> {
        let mut lets = Vec::new();
        let (iter, item) = self.iter(more, &mut lets)?;
        Some(self.listed(iter, item, lets, more.span))
    }

    /// The pairs of a map, the values of a set, whose keys lie in a range.
    fn key_range(&mut self, list: Hir, wrapper: Wrapper, inner: &Ty, range: &ast::Expr, span: Span) -> Hir {
        let ExprKind::Range(from, to, inclusive) = &range.kind else {
            self.cx.say(say::no_range(range.span));
            return Hir::error(span);
        };
        let key = self.key_of(wrapper, inner);
        let mut values = Vec::new();
        let mut conditions = vec!["true"];
        if let Some(from) = from {
            values.push(("a", self.expect(from, &key, Why::Range), key.clone()));
            conditions.push("p$K >= a");
        }
        if let Some(to) = to {
            values.push(("b", self.expect(to, &key, Why::Range), key.clone()));
            conditions.push(if *inclusive { "p$K <= b" } else { "p$K < b" });
        }
        let ty = list.ty.clone();
        values.push(("x", list, ty));
        let turned = if from.is_some() && to.is_some() {
            "if a > b { panic!(\"range start is greater than range end in BTreeMap\") }"
        } else {
            ""
        };
        let code = format!("{turned} x.iter().filter(|p| {}).collect::<Vec<_>>()", conditions.join(" && "));
        let code = self.collection_code(wrapper, inner, &code);
        self.written(values, &[], &code, span)
    }

    /// `map[&key]`, `queue[at]`.
    pub(super) fn collection_index(
        &mut self,
        base: Hir,
        (wrapper, inner): (Wrapper, &Ty),
        index: &ast::Expr,
        span: Span,
    ) -> Hir {
        let positional = matches!(&index.kind, ExprKind::Name(name) if name.starts_with('$'));
        if positional || wrapper == Wrapper::VecDeque {
            let at = self.expect(index, &Ty::Usize, Why::Index);
            let list = as_list(base, wrapper, inner);
            return super::list::call(sabot_ir::list::ListFunction::At, vec![list, at], inner.clone(), span);
        }
        if wrapper.is_map() {
            let code = "$F if $IS { x[lo].1 } else { panic!(\"no entry found for key\") }";
            return self.read_collection(base, wrapper, inner, std::slice::from_ref(index), code, span);
        }
        self.cx.say(crate::diagnostics::unsupported::form("an index of this type", span));
        Hir::error(span)
    }

    /// The collection of the items of a list.
    pub(super) fn collection_of(&mut self, items: Hir, wrapper: Wrapper, span: Span) -> Hir {
        let Ty::List(inner) = self.table.resolve(&items.ty) else { return Hir::error(span) };
        let inner = (*inner).clone();
        if wrapper == Wrapper::VecDeque {
            return Hir { ty: Ty::Of(wrapper, Box::new(inner)), ..items };
        }
        if wrapper.is_map() {
            let pair = Ty::Tuple(vec![self.table.fresh(Kind::Any), self.table.fresh(Kind::Any)]);
            if !self.table.unify(&pair, &inner) {
                let shown = self.show(&inner);
                self.cx.say(crate::diagnostics::lists::no_pairs(&shown, span));
                return Hir::error(span);
            }
        }
        if !self.fits_as_key(wrapper, &inner, span) {
            return Hir::error(span);
        }
        let code = if wrapper == Wrapper::BinaryHeap {
            "let mut x = l; x.sort(); x"
        } else if !self.has_order(wrapper, &inner) {
            if wrapper.is_map() {
                "let mut x = l[..0].to_vec(); for p in l { let k = p.0; let v = p.1; $F if $IS { x[lo] = (k, v); } else { $P } } x"
            } else {
                "let mut x = l[..0].to_vec(); for k in l { $F if !$IS { $P } } x"
            }
        } else if wrapper.is_map() {
            "let mut s = l; s.sort_by_key(|p| p.0); let mut x = s[..0].to_vec();
             for p in s { if !x.is_empty() && x[x.len() - 1].0 == p.0 { x.pop(); } x.push(p); } x"
        } else {
            "let mut x = l; x.sort(); x.dedup(); x"
        };
        let ty = items.ty.clone();
        let code = self.collection_code(wrapper, &inner, code);
        let made = self.written(vec![("l", items, ty)], &[], &code, span);
        Hir { ty: Ty::Of(wrapper, Box::new(inner)), ..made }
    }

    /// `BTreeMap::new()`, `HashSet::from([..])`; nothing if the path is another.
    pub(super) fn collection_call(
        &mut self,
        path: &[&str],
        args: &[ast::Expr],
        hint: Option<&Ty>,
        span: Span,
    ) -> Option<Hir> {
        if let ([.., "Reverse"], [value]) = (path, args) {
            let hint = match hint.map(|hint| self.table.resolve(hint)) {
                Some(Ty::Of(Wrapper::Reverse, inner)) => Some(*inner),
                _ => None,
            };
            let value = self.expr(value, hint.as_ref());
            let ty = Ty::Of(Wrapper::Reverse, Box::new(value.ty.clone()));
            return Some(Hir { ty, ..value });
        }
        let [.., owner, function] = path else { return None };
        let wrapper = Wrapper::named(owner).filter(|wrapper| *wrapper != Wrapper::Reverse)?;
        match (*function, args) {
            ("new" | "default", []) | ("with_capacity", [_]) => {
                for room in args {
                    self.expect(room, &Ty::Usize, Why::Index);
                }
                let params = (0..wrapper.arity()).map(|_| self.table.fresh(Kind::Any)).collect();
                let ty = wrapper.of(params);
                Some(super::list::call(sabot_ir::list::ListFunction::Of, Vec::new(), ty, span))
            }
            ("from" | "from_iter", [items]) => {
                let Some(items) = self.items_of(items) else { return Some(Hir::error(span)) };
                Some(self.collection_of(items, wrapper, span))
            }
            _ => None,
        }
    }

    // ---- places inside of maps ----

    /// Whether an expression is a place in a map, `m.entry(k).or_insert(v)`, or inside of one.
    pub(super) fn is_entry(place: &ast::Expr) -> bool {
        match &place.kind {
            ExprKind::Unary(ast::UnaryOp::Deref, inner)
            | ExprKind::MutReference(inner)
            | ExprKind::Field(inner, _)
            | ExprKind::Index(inner, _) => Self::is_entry(inner),
            ExprKind::Method(receiver, name, ..) => Self::gives_entry(receiver, &name.text),
            _ => false,
        }
    }

    /// Whether `receiver.name(..)` is a place in a map.
    pub(super) fn gives_entry(receiver: &ast::Expr, name: &str) -> bool {
        match (name, &receiver.kind) {
            ("or_insert" | "or_insert_with" | "or_default", ExprKind::Method(inner, of, ..)) => {
                of.text == "entry"
                    || (of.text == "and_modify"
                        && matches!(&inner.kind, ExprKind::Method(_, of, ..) if of.text == "entry"))
            }
            ("unwrap" | "expect", ExprKind::Method(_, of, _, args)) => match of.text.as_str() {
                "get_mut" => args.len() == 1,
                "last_mut" | "first_mut" | "back_mut" | "front_mut" => args.is_empty(),
                _ => false,
            },
            ("$place", _) => true,
            _ => false,
        }
    }

    /// The place, where an entry that is missing is put in by the statements.
    pub(super) fn held_entry(&mut self, place: &ast::Expr, lets: &mut Vec<HirStatement>) -> Option<ast::Expr> {
        let of = |kind| ast::Expr { kind, span: place.span };
        match &place.kind {
            ExprKind::Unary(ast::UnaryOp::Deref, inner) | ExprKind::MutReference(inner) => self.held_entry(inner, lets),
            ExprKind::Field(base, field) => {
                Some(of(ExprKind::Field(Box::new(self.held_entry(base, lets)?), field.clone())))
            }
            ExprKind::Index(base, index) => {
                Some(of(ExprKind::Index(Box::new(self.held_entry(base, lets)?), index.clone())))
            }
            ExprKind::Method(receiver, name, _, args) => {
                let (found, modify) = match &receiver.kind {
                    ExprKind::Method(inner, of, _, closure) if of.text == "and_modify" => {
                        (inner.as_ref(), closure.first())
                    }
                    _ => (if name.text == "$place" { place } else { receiver.as_ref() }, None),
                };
                let ExprKind::Method(map, of, _, key) = &found.kind else { return None };
                let [key] = key.as_slice() else { return self.end_of_list(map, &of.text, place.span, lets) };
                self.entry_of(map, key, modify, name, args, place.span, lets)
            }
            _ => None,
        }
    }

    /// `v.last_mut().unwrap()`.
    fn end_of_list(
        &mut self,
        list: &ast::Expr,
        end: &str,
        span: Span,
        lets: &mut Vec<HirStatement>,
    ) -> Option<ast::Expr> {
        let held = self.held_place(list, lets)?;
        let list = self.expr(&held, None);
        let list = match self.table.resolve(&list.ty) {
            Ty::Of(Wrapper::VecDeque, inner) => as_list(list, Wrapper::VecDeque, &inner),
            _ => list,
        };
        let ty = list.ty.clone();
        let code = if matches!(end, "last_mut" | "back_mut") { "x.len() - 1" } else { "0usize" };
        let code =
            format!("{{ if x.is_empty() {{ panic!(\"called `Option::unwrap()` on a `None` value\") }} {code} }}");
        let position = self.written(vec![("x", list, ty)], &[], &code, span);
        let at = format!("$at{}", self.enter());
        let id = self.bind(&at, Ty::Usize);
        lets.push(super::chain::bind(id, position));
        let kind = ExprKind::Index(Box::new(held), Box::new(ast::Expr { kind: ExprKind::Name(at), span }));
        Some(ast::Expr { kind, span })
    }

    #[expect(clippy::too_many_arguments, reason = "the parts of one form")]
    fn entry_of(
        &mut self,
        map: &ast::Expr,
        key: &ast::Expr,
        modify: Option<&ast::Expr>,
        name: &Name,
        args: &[ast::Expr],
        span: Span,
        lets: &mut Vec<HirStatement>,
    ) -> Option<ast::Expr> {
        let held = self.held_place(map, lets)?;
        let ty = self.expr(&held, None).ty;
        let (wrapper, inner) = match self.table.resolve(&ty) {
            Ty::Of(wrapper, inner) if wrapper.is_map() => (wrapper, *inner),
            Ty::List(_) => {
                // `v.get_mut(i).unwrap()` of a list.
                let at = format!("$at{}", self.enter());
                let index = self.expect(key, &Ty::Usize, Why::Index);
                let id = self.bind(&at, Ty::Usize);
                lets.push(super::chain::bind(id, index));
                let kind = ExprKind::Index(Box::new(held), Box::new(ast::Expr { kind: ExprKind::Name(at), span }));
                return Some(ast::Expr { kind, span });
            }
            other => {
                let shown = self.show(&other);
                let known = super::list::NAMES;
                self.cx.say(crate::diagnostics::lists::no_method(&shown, "entry", &known, name.span));
                return None;
            }
        };
        let Ty::Tuple(parts) = self.table.resolve(&inner) else { return None };
        let (key_ty, value_ty) = (parts[0].clone(), parts[1].clone());
        let key = self.expect(key, &key_ty, Why::Argument { function: "entry", index: 0 });
        let key = self.kept(key, lets);
        if !self.fits_as_key(wrapper, &inner, span) {
            return None;
        }
        let mut values = vec![("k", key, key_ty)];
        let mut functions = Vec::new();
        let missing = match (name.text.as_str(), args) {
            ("or_insert", [value]) => {
                let value = self.expect(value, &value_ty, Why::Argument { function: "or_insert", index: 0 });
                values.push(("v", value, value_ty.clone()));
                "$P"
            }
            ("or_insert_with", [f]) => {
                if let ExprKind::Closure(closure) = &f.kind {
                    functions.push(("f", closure.clone()));
                } else {
                    let path: Vec<Name> = match &f.kind {
                        ExprKind::Path(path) => path.iter().map(|text| Name { text: text.clone(), span }).collect(),
                        ExprKind::Name(text) => vec![Name { text: text.clone(), span }],
                        _ => Vec::new(),
                    };
                    let body = Box::new(ast::Expr { kind: ExprKind::Call(path, Vec::new()), span });
                    functions.push(("f", ast::Closure { params: Vec::new(), body, returns: None, moves: false, span }));
                }
                "let v = f(); $P"
            }
            ("or_default", []) => {
                let known = self.table.deep(&value_ty);
                let number = self.table.kind(&known).is_some();
                if !number && !known.is_error() && super::option::default_of(&known, span).is_none() {
                    let shown = self.show(&known);
                    self.cx.say(crate::diagnostics::unsupported::no_default(&shown, name.span));
                    return None;
                }
                values.push(("v", Hir::new(HirKind::Default, value_ty.clone(), span), value_ty.clone()));
                "$P"
            }
            ("unwrap" | "expect", _) => "panic!(\"called `Option::unwrap()` on a `None` value\");",
            ("$place", _) => "panic!(\"no entry found for key\");",
            _ => return None,
        };
        let found = if modify.is_some() { "let there = $IS;" } else { "" };
        let gives = if modify.is_some() { "(x, (lo, there))" } else { "(x, (lo, true))" };
        let code = format!("$F {found} if !$IS {{ {missing} }} {gives}");
        let (_, result) = self.stored_change(&held, wrapper, &inner, values, &functions, &code, lets, span)?;
        let at = format!("$at{}", self.enter());
        let position = Hir::new(HirKind::Field(Box::new(result.clone()), 0), Ty::Usize, span);
        let id = self.bind(&at, Ty::Usize);
        lets.push(super::chain::bind(id, position));
        let e = |kind| ast::Expr { kind, span };
        let item = e(ExprKind::Index(Box::new(held), Box::new(e(ExprKind::Name(at)))));
        let entry = e(ExprKind::Field(Box::new(item), Name { text: "1".to_owned(), span }));
        if let Some(modify) = modify {
            let ExprKind::Closure(closure) = &modify.kind else {
                self.cx.say(crate::diagnostics::unsupported::not_a_closure("and_modify", modify.span));
                return None;
            };
            let [(pattern, _)] = closure.params.as_slice() else { return None };
            let lend = ast::Statement::Let(pattern.clone(), None, e(ExprKind::MutReference(Box::new(entry.clone()))));
            let run = e(ExprKind::Block(vec![lend, ast::Statement::Expr((*closure.body).clone())], None));
            let run = self.expr(&run, None);
            let there = Hir::new(HirKind::Field(Box::new(result), 1), Ty::BOOL, span);
            lets.push(super::chain::when(there, vec![HirStatement::Expr(run)]));
        }
        Some(entry)
    }

    /// Code with the place of an entry in it, once the entry is there.
    pub(super) fn with_entry(
        &mut self,
        place: &ast::Expr,
        span: Span,
        make: impl FnOnce(&mut Self, &ast::Expr) -> Hir,
    ) -> Hir {
        let mark = self.enter();
        let mut lets = Vec::new();
        let Some(held) = self.held_entry(place, &mut lets) else {
            self.leave(mark);
            return Hir::error(span);
        };
        let made = make(self, &held);
        self.leave(mark);
        let ty = made.ty.clone();
        Hir::new(HirKind::Block(lets, Some(Box::new(made))), ty, span)
    }
}

/// The methods of a collection, for messages.
fn known(wrapper: Wrapper) -> Vec<&'static str> {
    const ALL: [(&str, usize); 31] = [
        ("len", 0),
        ("is_empty", 0),
        ("get", 1),
        ("contains_key", 1),
        ("contains", 1),
        ("insert", 2),
        ("insert", 1),
        ("remove", 1),
        ("keys", 0),
        ("values", 0),
        ("first_key_value", 0),
        ("last_key_value", 0),
        ("first", 0),
        ("last", 0),
        ("pop_first", 0),
        ("pop_last", 0),
        ("push_back", 9),
        ("push_front", 9),
        ("pop_front", 0),
        ("pop_back", 0),
        ("front", 9),
        ("back", 9),
        ("push", 1),
        ("pop", 0),
        ("peek", 0),
        ("clear", 0),
        ("entry", 8),
        ("retain", 7),
        ("extend", 7),
        ("union", 6),
        ("intersection", 6),
    ];
    let is_known = |(name, args): &&(&str, usize)| match args {
        9 => wrapper == Wrapper::VecDeque,
        8 => wrapper.is_map(),
        7 => wrapper.is_map() || wrapper.is_set(),
        6 => wrapper == Wrapper::BTreeSet,
        _ => reading(wrapper, name, *args).or_else(|| changing(wrapper, name, *args)).is_some(),
    };
    ALL.iter().filter(is_known).map(|(name, _)| *name).collect()
}
