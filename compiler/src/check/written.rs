//! Methods of strings and lists that are said in terms of others: each is a piece of the job language itself.
//!
//! In the code `x` is the receiver, `p` the text that is looked for or the argument, `f` the condition, `n` the number. What std
//! does, panics included, the code does, with the span of the call.
#![allow(clippy::wildcard_enum_match_arm, reason = "of many forms, few are of interest here")]

use super::hir::{BindingId, Hir, HirKind, HirPat, HirStatement, PatKind};
use super::infer::Body;
use super::text_search::condition_of;
use super::types::Ty;
use crate::diagnostics::types::Why;
use crate::parse::library_block;
use sabot_ir::ast::{self, ExprKind, Name, PatternKind};
use sabot_ir::span::Span;

/// Methods of strings that give their parts: one after the other for std, all at once here, which is the same but for the
/// time it takes. Name, whether a number comes first.
pub(super) const PARTS: [(&str, bool); 11] = [
    ("rsplit", false),
    ("splitn", true),
    ("rsplitn", true),
    ("split_inclusive", false),
    ("rsplit_terminator", false),
    ("matches", false),
    ("rmatches", false),
    ("match_indices", false),
    ("rmatch_indices", false),
    ("split", false),
    ("split_terminator", false),
];

/// Where the text `p` stands in `x`, first to last. The empty text stands before every character and at the end.
const PLACES: &str = "let mut at: Vec<(usize, usize)> = Vec::new();
    if p.is_empty() {
        for (i, _) in x.char_indices() { at.push((i, i)); }
        at.push((x.len(), x.len()));
    } else {
        let mut from = 0usize;
        while let Some(i) = x[from..].find(p) { at.push((from + i, from + i + p.len())); from += i + p.len(); }
    }";

/// The same from the last to the first, where what overlaps is found from the end.
const PLACES_BACK: &str = "let mut at: Vec<(usize, usize)> = Vec::new();
    if p.is_empty() {
        at.push((x.len(), x.len()));
        for (i, _) in x.char_indices().rev() { at.push((i, i)); }
    } else {
        let mut to = x.len();
        while let Some(i) = x[..to].rfind(p) { at.push((i, i + p.len())); to = i; }
    }";

/// Where the characters stand of which `f` holds.
const HOLDS: &str = "let mut at: Vec<(usize, usize)> = Vec::new();
    for (i, c) in x.char_indices() { if f(c) { at.push((i, i + c.len_utf8())); } }";

const HOLDS_BACK: &str = "let mut at: Vec<(usize, usize)> = Vec::new();
    for (i, c) in x.char_indices().rev() { if f(c) { at.push((i, i + c.len_utf8())); } }";

/// What is made of the places.
fn parts_of(method: &str) -> Option<&'static str> {
    Some(match method {
        "split" => {
            "let mut parts: Vec<String> = Vec::new(); let mut start = 0usize;
             for (i, j) in at { parts.push(x[start..i].to_string()); start = j; }
             parts.push(x[start..].to_string()); parts"
        }
        "split_terminator" => {
            "let mut parts: Vec<String> = Vec::new(); let mut start = 0usize;
             for (i, j) in at { parts.push(x[start..i].to_string()); start = j; }
             if start < x.len() { parts.push(x[start..].to_string()); } parts"
        }
        "split_inclusive" => {
            "let mut parts: Vec<String> = Vec::new(); let mut start = 0usize;
             for (_, j) in at { parts.push(x[start..j].to_string()); start = j; }
             if start < x.len() { parts.push(x[start..].to_string()); } parts"
        }
        "splitn" => {
            "let mut parts: Vec<String> = Vec::new(); let mut start = 0usize;
             if n > 0 {
                 for (i, j) in at {
                     if parts.len() + 1 == n { break; }
                     parts.push(x[start..i].to_string()); start = j;
                 }
                 parts.push(x[start..].to_string());
             }
             parts"
        }
        "rsplit" => {
            "let mut parts: Vec<String> = Vec::new(); let mut end = x.len();
             for (i, j) in at { parts.push(x[j..end].to_string()); end = i; }
             parts.push(x[..end].to_string()); parts"
        }
        "rsplit_terminator" => {
            "let mut parts: Vec<String> = Vec::new(); let mut end = x.len();
             for (i, j) in at { if j < x.len() { parts.push(x[j..end].to_string()); } end = i; }
             if end > 0 || x.len() > 0 { parts.push(x[..end].to_string()); } parts"
        }
        "rsplitn" => {
            "let mut parts: Vec<String> = Vec::new(); let mut end = x.len();
             if n > 0 {
                 for (i, j) in at {
                     if parts.len() + 1 == n { break; }
                     parts.push(x[j..end].to_string()); end = i;
                 }
                 parts.push(x[..end].to_string());
             }
             parts"
        }
        "matches" | "rmatches" => {
            "let mut parts: Vec<String> = Vec::new();
             for (i, j) in at { parts.push(x[i..j].to_string()); } parts"
        }
        "match_indices" | "rmatch_indices" => {
            "let mut parts: Vec<(usize, String)> = Vec::new();
             for (i, j) in at { parts.push((i, x[i..j].to_string())); } parts"
        }
        "split_once" | "rsplit_once" => {
            "match at.first() { Some((i, j)) => Some((x[..i].to_string(), x[j..].to_string())), None => None }"
        }
        "strip_prefix" => {
            "match x.chars().next() { Some(c) if f(c) => Some(x[c.len_utf8()..].to_string()), _ => None }"
        }
        "strip_suffix" => {
            "match x.chars().last() { Some(c) if f(c) => Some(x[..x.len() - c.len_utf8()].to_string()), _ => None }"
        }
        "replace" => {
            "let mut text = String::new(); for c in x.chars() { if f(c) { text.push_str(p); } else { text.push(c); } } text"
        }
        _ => return None,
    })
}

/// Methods of lists, each with its number of arguments, which are positions.
const OF_LISTS: [(&str, usize, &str); 6] = [
    ("concat", 0, "let mut y = Vec::new(); for part in x { for item in part { y.push(item); } } y"),
    ("split_at", 1, "(x[..n].to_vec(), x[n..].to_vec())"),
    ("split_first", 0, "if x.is_empty() { None } else { Some((x[0], x[1..].to_vec())) }"),
    ("split_last", 0, "if x.is_empty() { None } else { Some((x[x.len() - 1], x[..x.len() - 1].to_vec())) }"),
    ("is_sorted", 0, "x.windows(2).all(|w| w[0] <= w[1])"),
    ("repeat", 1, "let mut y = x[..0].to_vec(); for _ in 0..n { for item in x { y.push(item); } } y"),
];

/// Methods that change the list or the string `x`, with a position: the code is what they give.
const CHANGING: [(&str, bool, &str); 5] = [
    ("split_off", true, "let tail = x[n..].to_vec(); x.truncate(n); tail"),
    (
        "rotate_left",
        true,
        "if n > x.len() { panic!(\"assertion failed: mid <= self.len()\") } let front = x[..n].to_vec(); x = x[n..].to_vec(); x.extend(front);",
    ),
    (
        "rotate_right",
        true,
        "if n > x.len() { panic!(\"assertion failed: k <= self.len()\") } let back = x[x.len() - n..].to_vec(); let front = x[..x.len() - n].to_vec(); x = back; x.extend(front);",
    ),
    ("split_off", false, "let tail = x[n..].to_string(); x = x[..n].to_string(); tail"),
    ("retain", false, "let mut kept = String::new(); for c in x.chars() { if f(c) { kept.push(c); } } x = kept;"),
];

/// The closure that a condition is.
fn closure_of(condition: &ast::Expr) -> Option<ast::Closure> {
    match &condition.kind {
        ExprKind::Closure(closure) => Some(closure.clone()),
        ExprKind::Path(path) => {
            let span = condition.span;
            let at = |kind| ast::Expr { kind, span };
            let name = Name { text: path.last()?.clone(), span };
            let read = at(ExprKind::Name("a character".to_owned()));
            let body = Box::new(at(ExprKind::Method(Box::new(read), name, Vec::new(), Vec::new())));
            let kind = PatternKind::Bind("a character".to_owned(), false, None);
            let params = vec![(ast::Pattern { kind, span }, None)];
            Some(ast::Closure { params, body, returns: None, moves: false, span })
        }
        _ => None,
    }
}

impl Body<'_, '_> {
    /// The library's code over values and functions that have names in it.
    pub(super) fn written(
        &mut self,
        values: Vec<(&str, Hir, Ty)>,
        functions: &[(&str, ast::Closure)],
        code: &str,
        span: Span,
    ) -> Hir {
        self.written_of(None, values, functions, code, span)
    }

    /// The same, where `x` is a variable of the author's.
    fn written_of(
        &mut self,
        variable: Option<BindingId>,
        values: Vec<(&str, Hir, Ty)>,
        functions: &[(&str, ast::Closure)],
        code: &str,
        span: Span,
    ) -> Hir {
        let mark = self.enter();
        let mut statements = Vec::new();
        // The author's functions do not see the names of the library.
        for (name, closure) in functions {
            let kind = PatternKind::Bind((*name).to_owned(), false, None);
            statements.extend(self.let_closure(&ast::Pattern { kind, span }, closure));
        }
        if let Some(id) = variable {
            self.bind_alias("x", id);
        }
        for (name, value, ty) in values {
            let id = self.bind(name, ty.clone());
            statements.push(HirStatement::Let(HirPat::new(PatKind::Bind(id, None), ty, value.span), value));
        }
        let value = self.expr(&library_block(code, span), None);
        self.leave(mark);
        let ty = value.ty.clone();
        Hir::new(HirKind::Block(statements, Some(Box::new(value))), ty, span)
    }

    /// The parts of a text, as a list; nothing if the method gives none.
    pub(super) fn text_parts(&mut self, text: Hir, name: &Name, args: &[ast::Expr], span: Span) -> Option<Hir> {
        let method = name.text.as_str();
        let (_, counted) = PARTS.iter().find(|(known, _)| *known == method)?;
        let (count, looked_for) = match args {
            [count, looked_for] if *counted => (Some(count), looked_for),
            [looked_for] if !*counted => (None, looked_for),
            _ => return Some(self.wrong_arity(method, 1 + usize::from(*counted), args, name.span, span)),
        };
        self.by_places(text, method, count, looked_for, span)
    }

    /// A method of strings that looks for a condition and is no loop of its own; nothing if there is none of this name.
    pub(super) fn text_written(&mut self, text: &Hir, name: &Name, args: &[ast::Expr], span: Span) -> Option<Hir> {
        match (name.text.as_str(), args) {
            ("split_at", [at]) => {
                let at = self.expect(at, &Ty::Usize, Why::Index);
                let values = vec![("x", text.clone(), Ty::STRING), ("n", at, Ty::Usize)];
                Some(self.written(values, &[], "{ (x[..n].to_string(), x[n..].to_string()) }", span))
            }
            (method @ ("split_once" | "rsplit_once" | "strip_prefix" | "strip_suffix"), [condition]) => {
                condition_of(condition)?;
                self.by_places(text.clone(), method, None, condition, span)
            }
            ("replace", [condition, with]) => {
                let closure = closure_of(&condition_of(condition)?)?;
                let with = self.expect(with, &Ty::STRING, Why::Argument { function: "replace", index: 1 });
                let values = vec![("x", text.clone(), Ty::STRING), ("p", with, Ty::STRING)];
                let code = format!("{{ {} }}", parts_of("replace")?);
                Some(self.written(values, &[("f", closure)], &code, span))
            }
            _ => None,
        }
    }

    fn by_places(
        &mut self,
        text: Hir,
        method: &str,
        count: Option<&ast::Expr>,
        looked_for: &ast::Expr,
        span: Span,
    ) -> Option<Hir> {
        let made = parts_of(method)?;
        let backwards = method.starts_with('r');
        let mut values = Vec::new();
        if let Some(count) = count {
            values.push(("n", self.expect(count, &Ty::Usize, Why::Index), Ty::Usize));
        }
        values.push(("x", text, Ty::STRING));
        if let Some(condition) = condition_of(looked_for) {
            let closure = closure_of(&condition)?;
            let places = match (method, backwards) {
                ("strip_prefix" | "strip_suffix", _) => "",
                (_, true) => HOLDS_BACK,
                (_, false) => HOLDS,
            };
            return Some(self.written(values, &[("f", closure)], &format!("{{ {places} {made} }}"), span));
        }
        let known = PARTS.iter().map(|(name, _)| *name).find(|name| *name == method)?;
        let pattern = self.text_pattern(looked_for, known)?;
        values.push(("p", pattern, Ty::STRING));
        let places = if backwards { PLACES_BACK } else { PLACES };
        Some(self.written(values, &[], &format!("{{ {places} {made} }}"), span))
    }

    /// A method of lists; nothing if there is none of this name.
    pub(super) fn list_written(&mut self, list: &Hir, name: &Name, args: &[ast::Expr], span: Span) -> Option<Hir> {
        let ty = list.ty.clone();
        if let ("map", [f]) = (name.text.as_str(), args) {
            // Of an array: a list of what is made of each.
            let at = |kind| ast::Expr { kind, span };
            let method = |of, text: &str, args| {
                at(ExprKind::Method(Box::new(of), Name { text: text.to_owned(), span: name.span }, Vec::new(), args))
            };
            let mark = self.enter();
            let id = self.bind("a list", ty.clone());
            let bind = HirStatement::Let(HirPat::new(PatKind::Bind(id, None), ty, span), list.clone());
            let items = method(at(ExprKind::Name("a list".to_owned())), "into_iter", Vec::new());
            let mapped = method(items, "map", vec![f.clone()]);
            let item = self.table.fresh(super::unify::Kind::Any);
            let value = self.expr(&method(mapped, "collect", Vec::new()), Some(&Ty::List(Box::new(item))));
            self.leave(mark);
            let ty = value.ty.clone();
            return Some(Hir::new(HirKind::Block(vec![bind], Some(Box::new(value))), ty, span));
        }
        let (known, arity, code) = OF_LISTS.iter().find(|(known, ..)| *known == name.text)?;
        if args.len() != *arity {
            return Some(self.wrong_arity(known, *arity, args, name.span, span));
        }
        let mut values = vec![("x", list.clone(), ty)];
        if let [n] = args {
            values.push(("n", self.expect(n, &Ty::Usize, Why::Index), Ty::Usize));
        }
        Some(self.written(values, &[], &format!("{{ {code} }}"), span))
    }

    /// A method that changes a list or a string in a variable; nothing if there is none of this name.
    pub(super) fn changed_by_code(
        &mut self,
        receiver: &ast::Expr,
        ty: &Ty,
        name: &Name,
        args: &[ast::Expr],
        span: Span,
    ) -> Option<Hir> {
        let is_list = matches!(ty, Ty::List(_));
        if let ("extend", false, [more]) = (name.text.as_str(), is_list, args) {
            return Some(self.extended_text(receiver, name, more, span));
        }
        let (known, _, code) = CHANGING.iter().find(|(known, list, _)| *known == name.text && *list == is_list)?;
        let [arg] = args else { return Some(self.wrong_arity(known, 1, args, name.span, span)) };
        // The variable itself stands behind the library's name.
        let ExprKind::Name(variable) = &receiver.kind else {
            return Some(self.changed_inside(receiver, name, args, span));
        };
        self.place(receiver)?;
        let (id, _) = self.bound_since(0, variable)?;
        let (mut values, mut functions) = (Vec::new(), Vec::new());
        if *known == "retain" {
            functions.push(("f", closure_of(&condition_of(arg)?)?));
        } else {
            values.push(("n", self.expect(arg, &Ty::Usize, Why::Index), Ty::Usize));
        }
        Some(self.written_of(Some(id), values, &functions, &format!("{{ {code} }}"), span))
    }

    /// `text.extend(items)`: the items are collected and put behind.
    fn extended_text(&mut self, receiver: &ast::Expr, name: &Name, more: &ast::Expr, span: Span) -> Hir {
        let at = |kind| ast::Expr { kind, span };
        let call = |of: ast::Expr, text: &str, types, args| {
            at(ExprKind::Method(Box::new(of), Name { text: text.to_owned(), span: name.span }, types, args))
        };
        let items =
            if self.is_iterator(more) { more.clone() } else { call(more.clone(), "into_iter", Vec::new(), Vec::new()) };
        let string = ast::TypeName { kind: ast::TypeNameKind::Path("String".to_owned(), Vec::new()), span };
        let text = call(items, "collect", vec![string], Vec::new());
        let text = at(ExprKind::Reference(Box::new(text)));
        self.expr(&call(receiver.clone(), "push_str", Vec::new(), vec![text]), None)
    }
}
