//! `String` and `&str`, which are one type to a job and two to rustc: what is surely the one where rustc wants the other is told.
//!
//! Looks at functions as they are written, like `moves.rs`, and follows variables whose declaration says what they are. What is not
//! sure is left to rustc; what `owned.rs` tells of is not told again.
#![allow(clippy::wildcard_enum_match_arm, reason = "of many forms, those of text are of interest here")]

use super::Cx;
use super::snippet;
use crate::diagnostics::owned as say;
use crate::diagnostics::types as types_say;
use sabot_ir::ast::{
    BinaryOp, Condition, Expr, ExprKind, Function, Literal, Pattern, PatternKind, Statement, TypeName, TypeNameKind,
};
use sabot_ir::job_graph::JobGraph;

/// What a text is to rustc.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Unknown,
    /// `String`.
    Owned,
    /// `&str`.
    Borrowed,
    /// `Option<String>`.
    MaybeOwned,
    /// `Option<&str>`.
    MaybeBorrowed,
}

impl Form {
    fn is_text(self) -> bool {
        matches!(self, Self::Owned | Self::Borrowed)
    }

    fn of_type(ty: &TypeName) -> Self {
        match &ty.kind {
            TypeNameKind::Path(name, args) => match (name.as_str(), args.as_slice()) {
                ("String", []) => Self::Owned,
                ("Option", [inner]) => Self::of_type(inner).optional(),
                _ => Self::Unknown,
            },
            TypeNameKind::Reference(inner) => match &inner.kind {
                TypeNameKind::Path(name, _) if name == "str" || name == "String" => Self::Borrowed,
                _ => Self::Unknown,
            },
            _ => Self::Unknown,
        }
    }

    fn optional(self) -> Self {
        match self {
            Self::Owned => Self::MaybeOwned,
            Self::Borrowed => Self::MaybeBorrowed,
            _ => Self::Unknown,
        }
    }

    fn held(self) -> Self {
        match self {
            Self::MaybeOwned => Self::Owned,
            Self::MaybeBorrowed => Self::Borrowed,
            _ => Self::Unknown,
        }
    }
}

/// Methods of text that give a part of it.
const PARTS: [&str; 7] =
    ["as_str", "trim", "trim_start", "trim_end", "trim_matches", "trim_start_matches", "trim_end_matches"];
/// Methods of text that make another one.
const MADE: [&str; 8] = [
    "to_owned",
    "to_uppercase",
    "to_lowercase",
    "to_ascii_uppercase",
    "to_ascii_lowercase",
    "repeat",
    "replace",
    "replacen",
];
/// Methods of text that take another one, which may not be a `String`.
const LOOK: [&str; 13] = [
    "push_str",
    "contains",
    "starts_with",
    "ends_with",
    "find",
    "rfind",
    "split",
    "rsplit",
    "split_once",
    "rsplit_once",
    "strip_prefix",
    "strip_suffix",
    "matches",
];
/// Methods of text that go over parts of it.
const SOURCES: [&str; 9] = [
    "split",
    "rsplit",
    "splitn",
    "rsplitn",
    "lines",
    "split_whitespace",
    "split_ascii_whitespace",
    "split_terminator",
    "split_inclusive",
];
/// Methods of iterators that give the same items.
const KEEP: [&str; 7] = ["filter", "skip", "take", "rev", "skip_while", "take_while", "step_by"];

struct Forms<'a, 'd> {
    cx: &'a mut Cx<'d>,
    graph: &'a JobGraph,
    scope: Vec<(String, Form)>,
    returns: Vec<Option<TypeName>>,
}

/// Checks the functions of a job.
pub(super) fn check_functions(cx: &mut Cx<'_>, graph: &JobGraph) {
    for function in &graph.functions {
        let mut forms = Forms { cx, graph, scope: Vec::new(), returns: vec![Some(function.returns.clone())] };
        for (pattern, ty) in &function.params {
            forms.bind(pattern, Form::of_type(ty));
        }
        forms.walk(&function.body);
        forms.wanted(&function.body, &function.returns);
    }
}

/// Whether an iterator goes over parts of a text.
fn goes_over_parts(chain: &Expr) -> bool {
    match &chain.kind {
        ExprKind::Method(of, name, ..) => {
            // `split` of anything else but text takes a closure over items.
            SOURCES.contains(&name.text.as_str()) || (KEEP.contains(&name.text.as_str()) && goes_over_parts(of))
        }
        _ => false,
    }
}

/// A variable or a field: what `first` is called on is a list then.
fn is_variable(expr: &Expr) -> bool {
    matches!(expr.kind, ExprKind::Name(_))
}

/// Whether an iterator goes over references to the items of a list.
fn goes_over_references(chain: &Expr) -> bool {
    match &chain.kind {
        ExprKind::Method(of, name, _, args) => {
            (name.text == "iter" && args.is_empty() && matches!(of.kind, ExprKind::Name(_) | ExprKind::Field(..)))
                || (KEEP.contains(&name.text.as_str()) && goes_over_references(of))
        }
        _ => false,
    }
}

/// What `owned.rs` tells of.
fn is_told(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Literal(_) | ExprKind::Reference(_) => true,
        ExprKind::Method(_, name, ..) => PARTS.contains(&name.text.as_str()) && name.text != "trim_matches",
        _ => false,
    }
}

impl Forms<'_, '_> {
    fn bind(&mut self, pattern: &Pattern, form: Form) {
        match &pattern.kind {
            PatternKind::Bind(name, _, inner) => {
                let form = if inner.is_none() { form } else { Form::Unknown };
                self.scope.push((name.clone(), form));
                if let Some(inner) = inner {
                    self.bind(inner, Form::Unknown);
                }
            }
            PatternKind::Path(path, parts) => {
                let held = if path.last().is_some_and(|name| name == "Some") { form.held() } else { Form::Unknown };
                parts.iter().for_each(|part| self.bind(part, held));
            }
            PatternKind::Or(parts) | PatternKind::Tuple(parts) | PatternKind::Slice(parts) => {
                parts.iter().for_each(|part| self.bind(part, Form::Unknown));
            }
            PatternKind::Reference(inner) => self.bind(inner, Form::Unknown),
            PatternKind::Record(_, fields, _) => fields.iter().for_each(|(_, part)| self.bind(part, Form::Unknown)),
            _ => {}
        }
    }

    /// Whether an expression surely gives an `Option` of a reference to an item.
    fn gives_reference(&self, expr: &Expr) -> bool {
        let ExprKind::Method(of, name, _, args) = &expr.kind else { return false };
        let is_own =
            self.graph.functions.iter().any(|function| function.owner.is_some() && function.name.text == name.text);
        match (name.text.as_str(), args.as_slice()) {
            ("first" | "last", []) if !is_own => is_variable(of),
            ("max" | "min" | "next" | "last" | "next_back", []) | ("nth" | "find", [_]) => goes_over_references(of),
            _ => false,
        }
    }

    fn function(&self, path: &[sabot_ir::ast::Name]) -> Option<&Function> {
        let [name] = path else { return None };
        self.graph.functions.iter().find(|function| function.owner.is_none() && function.name.text == name.text)
    }

    /// What an expression is, as far as it can be told.
    fn form(&self, expr: &Expr) -> Form {
        match &expr.kind {
            ExprKind::Literal(Literal::String(_)) => Form::Borrowed,
            ExprKind::Reference(inner) if self.form(inner).is_text() => Form::Borrowed,
            ExprKind::Name(name) => {
                let found = self.scope.iter().rev().find(|(known, _)| known == name);
                found.map_or(Form::Unknown, |(_, form)| *form)
            }
            ExprKind::Macro(name, _) if name.text == "format" => Form::Owned,
            ExprKind::Binary(BinaryOp::Add, left, _) if self.form(left) == Form::Owned => Form::Owned,
            ExprKind::Call(path, args) => {
                let names: Vec<&str> = path.iter().map(|name| name.text.as_str()).collect();
                match (names.as_slice(), args.as_slice()) {
                    (["String", "from" | "new" | "with_capacity"], _) => Form::Owned,
                    (["Some"], [held]) => self.form(held).optional(),
                    _ => self.function(path).map_or(Form::Unknown, |function| {
                        let is_plain = function.generics.is_empty();
                        if is_plain { Form::of_type(&function.returns) } else { Form::Unknown }
                    }),
                }
            }
            ExprKind::Method(of, name, types, args) => self.method_form(of, &name.text, types, args),
            ExprKind::Block(statements, Some(tail)) if statements.is_empty() => self.form(tail),
            ExprKind::If(_, then, Some(otherwise)) => {
                let (a, b) = (self.form(then), self.form(otherwise));
                if a == b { a } else { Form::Unknown }
            }
            _ => Form::Unknown,
        }
    }

    fn method_form(&self, of: &Expr, name: &str, types: &[TypeName], args: &[Expr]) -> Form {
        let text = self.form(of);
        match (name, args) {
            ("to_string", []) => Form::Owned,
            ("clone", []) => text,
            ("collect", []) => types.first().map_or(Form::Unknown, Form::of_type),
            ("next" | "last" | "next_back", []) | ("nth", [_]) if goes_over_parts(of) => Form::MaybeBorrowed,
            ("strip_prefix" | "strip_suffix", [_]) if text.is_text() => Form::MaybeBorrowed,
            ("as_deref", []) if text == Form::MaybeOwned => Form::MaybeBorrowed,
            ("unwrap" | "unwrap_or_default", []) | ("unwrap_or" | "expect", [_]) => text.held(),
            (name, _) if PARTS.contains(&name) && text.is_text() => Form::Borrowed,
            (name, _) if MADE.contains(&name) && text.is_text() => Form::Owned,
            _ => Form::Unknown,
        }
    }

    /// An expression gives a value of a type that is written.
    fn wanted(&mut self, expr: &Expr, ty: &TypeName) {
        match (&expr.kind, &ty.kind) {
            (ExprKind::Block(statements, Some(tail)), _) => {
                if statements.is_empty() {
                    self.wanted(tail, ty);
                } else {
                    // Its variables are seen again.
                    let mark = self.scope.len();
                    statements.iter().for_each(|statement| self.declare(statement));
                    self.wanted(tail, ty);
                    self.scope.truncate(mark);
                }
            }
            (ExprKind::If(_, then, Some(otherwise)), _) => {
                self.wanted(then, ty);
                self.wanted(otherwise, ty);
            }
            (ExprKind::Match(..), _) => {}
            (ExprKind::Method(of, name, types, _), TypeNameKind::Path(collection, items))
                if name.text == "collect"
                    && types.is_empty()
                    && matches!(collection.as_str(), "Vec" | "VecDeque" | "BTreeSet" | "HashSet")
                    && items.first().map(Form::of_type) == Some(Form::Owned)
                    && goes_over_parts(of) =>
            {
                self.cx.say(say::parts_are_borrowed(name.span));
            }
            (_, TypeNameKind::Path(option, held))
                if option == "Option"
                    && held.iter().all(|held| {
                        !matches!(held.kind, TypeNameKind::Reference(_)) && Form::of_type(held) == Form::Unknown
                    })
                    && self.gives_reference(expr) =>
            {
                self.cx.say(say::held_reference(expr.span));
            }
            _ => match (self.form(expr), Form::of_type(ty)) {
                (Form::Borrowed, Form::Owned) if !is_told(expr) => {
                    self.cx.say(say::owned_wanted(expr.span, &snippet::place(expr)));
                }
                (Form::MaybeBorrowed, Form::MaybeOwned) if !matches!(expr.kind, ExprKind::Call(..)) => {
                    self.cx.say(say::held_text_is_borrowed(expr.span));
                }
                (Form::Owned, Form::Borrowed) => self.cx.say(say::borrowed_wanted(expr.span, &snippet::place(expr))),
                _ => {}
            },
        }
    }

    fn declare(&mut self, statement: &Statement) {
        match statement {
            Statement::Let(pattern, ty, value) | Statement::LetElse(pattern, ty, value, _) => {
                let form = match ty {
                    Some(ty) if ty.kind != TypeNameKind::Infer => Form::of_type(ty),
                    _ => self.form(value),
                };
                self.bind(pattern, form);
            }
            Statement::Declare(pattern, ty) => {
                self.bind(pattern, ty.as_ref().map_or(Form::Unknown, Form::of_type));
            }
            Statement::Expr(_) | Statement::Const(_) => {}
        }
    }

    fn condition(&mut self, condition: &Condition) {
        match condition {
            Condition::Expr(expr) => self.walk(expr),
            Condition::Let(pattern, value) => {
                self.walk(value);
                let form = self.form(value);
                self.bind(pattern, form);
            }
            Condition::All(parts) => parts.iter().for_each(|part| self.condition(part)),
        }
    }

    /// Looks at everything inside of an expression.
    fn walk(&mut self, expr: &Expr) {
        let mark = self.scope.len();
        match &expr.kind {
            ExprKind::Block(statements, tail) => {
                for statement in statements {
                    match statement {
                        Statement::Let(_, ty, value) | Statement::LetElse(_, ty, value, _) => {
                            self.walk(value);
                            if let Some(ty) = ty {
                                self.wanted(value, ty);
                            }
                            if let Statement::LetElse(.., otherwise) = statement {
                                self.walk(otherwise);
                            }
                        }
                        Statement::Expr(value) => self.walk(value),
                        Statement::Declare(..) | Statement::Const(_) => {}
                    }
                    self.declare(statement);
                }
                if let Some(tail) = tail {
                    self.walk(tail);
                }
            }
            ExprKind::If(condition, then, otherwise) => {
                self.condition(condition);
                self.walk(then);
                self.scope.truncate(mark);
                if let Some(otherwise) = otherwise {
                    self.walk(otherwise);
                }
            }
            ExprKind::While(_, condition, body) => {
                self.condition(condition);
                self.walk(body);
            }
            ExprKind::For(_, pattern, values, body) => {
                self.walk(values);
                let form = if goes_over_parts(values) { Form::Borrowed } else { Form::Unknown };
                self.bind(pattern, form);
                self.walk(body);
            }
            ExprKind::Match(value, arms) => {
                self.walk(value);
                let form = self.form(value);
                for arm in arms {
                    self.arm_of(value, form, &arm.pattern);
                    self.bind(&arm.pattern, form);
                    if let Some(guard) = &arm.guard {
                        self.walk(guard);
                    }
                    self.walk(&arm.body);
                    self.scope.truncate(mark);
                }
            }
            ExprKind::Closure(closure) => {
                for (pattern, ty) in &closure.params {
                    self.bind(pattern, ty.as_ref().map_or(Form::Unknown, Form::of_type));
                }
                self.returns.push(closure.returns.clone());
                self.walk(&closure.body);
                self.returns.pop();
            }
            ExprKind::Return(value) => {
                if let Some(value) = value {
                    self.walk(value);
                    if let Some(Some(ty)) = self.returns.last().cloned() {
                        self.wanted(value, &ty);
                    }
                }
            }
            ExprKind::Binary(op, left, right) => {
                self.walk(left);
                self.walk(right);
                match (op, self.form(left), self.form(right)) {
                    (BinaryOp::Add, Form::Borrowed, right) if right != Form::Unknown => {
                        self.cx.say(say::borrowed_plus(left.span, &snippet::place(left)));
                    }
                    (BinaryOp::Add, Form::Owned, Form::Owned) => {
                        self.cx.say(say::borrowed_wanted(right.span, &snippet::place(right)));
                    }
                    _ => {}
                }
            }
            ExprKind::Assign(place, op, value) => {
                self.walk(place);
                self.walk(value);
                if *op == Some(BinaryOp::Add) && self.form(value) == Form::Owned {
                    self.cx.say(say::borrowed_wanted(value.span, &snippet::place(value)));
                }
            }
            ExprKind::Method(of, name, _, args) => {
                self.walk(of);
                args.iter().for_each(|arg| self.walk(arg));
                let text = self.form(of);
                let is_number = |arg: &Expr| {
                    matches!(arg.kind, ExprKind::Literal(Literal::Int(..) | Literal::Float(..) | Literal::Bool(_)))
                };
                match args.as_slice() {
                    [arg]
                        if is_number(arg)
                            && (name.text == "contains" || name.text == "contains_key")
                            && !matches!(of.kind, ExprKind::Range(..)) =>
                    {
                        self.cx.say(say::reference_wanted(&name.text, arg.span, &snippet::place(arg)));
                    }
                    [arg] if is_number(arg) && name.text == "unwrap_or" && self.gives_reference(of) => {
                        self.cx.say(say::reference_wanted(&name.text, arg.span, &snippet::place(arg)));
                    }
                    [arg, ..]
                        if LOOK.contains(&name.text.as_str())
                            && (text.is_text() || name.text == "push_str")
                            && self.form(arg) == Form::Owned =>
                    {
                        self.cx.say(say::borrowed_wanted(arg.span, &snippet::place(arg)));
                    }
                    [arg] if name.text == "unwrap_or" => match (text, self.form(arg)) {
                        (Form::MaybeOwned, Form::Borrowed) => {
                            self.cx.say(say::owned_wanted(arg.span, &snippet::place(arg)));
                        }
                        (Form::MaybeBorrowed, Form::Owned) => {
                            self.cx.say(say::borrowed_wanted(arg.span, &snippet::place(arg)));
                        }
                        _ => {}
                    },
                    _ => {}
                }
            }
            ExprKind::Call(path, args) => {
                args.iter().for_each(|arg| self.walk(arg));
                let types: Vec<TypeName> = match self.function(path) {
                    Some(function) if function.generics.is_empty() => {
                        function.params.iter().map(|(_, ty)| ty.clone()).collect()
                    }
                    _ => Vec::new(),
                };
                for (arg, ty) in args.iter().zip(&types) {
                    self.wanted(arg, ty);
                }
            }
            _ => self.parts(expr),
        }
        self.scope.truncate(mark);
    }

    /// Literal patterns stand against `&str`.
    fn arm_of(&mut self, value: &Expr, form: Form, pattern: &Pattern) {
        let is_literal = |pattern: &Pattern| matches!(pattern.kind, PatternKind::Literal(Literal::String(_)));
        match &pattern.kind {
            PatternKind::Or(parts) => {
                if let Some(part) = parts.first() {
                    self.arm_of(value, form, part);
                }
            }
            PatternKind::Literal(Literal::String(_)) if form == Form::Owned => {
                self.cx.say(types_say::text_pattern_of_string(pattern.span, &snippet::place(value)));
            }
            PatternKind::Path(path, parts)
                if form == Form::MaybeOwned
                    && path.last().is_some_and(|name| name == "Some")
                    && parts.iter().any(is_literal) =>
            {
                self.cx.say(say::pattern_of_held_string(pattern.span, &snippet::place(value)));
            }
            _ => {}
        }
    }

    fn parts(&mut self, expr: &Expr) {
        match &expr.kind {
            ExprKind::Field(x, _)
            | ExprKind::Unary(_, x)
            | ExprKind::Reference(x)
            | ExprKind::MutReference(x)
            | ExprKind::Cast(x, _)
            | ExprKind::Loop(_, x)
            | ExprKind::Labeled(_, x)
            | ExprKind::Try(x) => self.walk(x),
            ExprKind::Index(a, b) | ExprKind::Repeat(_, a, b) => {
                self.walk(a);
                self.walk(b);
            }
            ExprKind::Range(a, b, _) => {
                a.iter().for_each(|x| self.walk(x));
                b.iter().for_each(|x| self.walk(x));
            }
            ExprKind::Break(_, value) => value.iter().for_each(|x| self.walk(x)),
            ExprKind::Record(_, fields, base) => {
                fields.iter().for_each(|(_, x)| self.walk(x));
                base.iter().for_each(|x| self.walk(x));
            }
            ExprKind::Tuple(parts) | ExprKind::Array(parts) | ExprKind::Macro(_, parts) => {
                parts.iter().for_each(|x| self.walk(x));
            }
            _ => {}
        }
    }
}
