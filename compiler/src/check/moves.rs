//! Values that are used after they were moved, as rustc's borrow checker sees it: the language itself has values only, but
//! the same file must compile under cargo.
//!
//! Looks at code as it is written. A variable is followed where its declaration says that its type moves: `String`, `Vec`, a
//! record with one of them, a type without `Copy`; what is not sure is left to rustc. Branches meet in the union of what they
//! move, loops are gone through twice, what leaves takes its moves along.
#![allow(clippy::wildcard_enum_match_arm, reason = "of many forms, those that move are of interest here")]

use super::Cx;
use super::types::{Ty, TypeShape};
use super::wrapper::Wrapper;
use crate::diagnostics::control as say;
use sabot_ir::ast::{
    Arm, BinaryOp, Closure, Condition, Expr, ExprKind, Function, Literal, Name, Pattern, PatternKind, Statement,
    TypeName, TypeNameKind, UnaryOp,
};
use sabot_ir::job_graph::JobGraph;
use sabot_ir::span::Span;
use sabot_ir::ty::Type;
use std::collections::{BTreeMap, BTreeSet};

/// Methods of std that take what they are called on.
const TAKE: [&str; 26] = [
    "into_iter",
    "into_bytes",
    "into",
    "unwrap",
    "expect",
    "unwrap_or",
    "unwrap_or_else",
    "unwrap_or_default",
    "map",
    "map_or",
    "map_or_else",
    "map_err",
    "and_then",
    "or",
    "or_else",
    "ok_or",
    "ok_or_else",
    "ok",
    "err",
    "filter",
    "xor",
    "zip",
    "flatten",
    "is_some_and",
    "is_none_or",
    "is_ok_and",
];

/// What is known of a type's values.
#[derive(Clone, Debug, PartialEq)]
enum Kind {
    /// A copy is left behind.
    Copies,
    /// Nothing is left behind; the record, for its fields.
    Moves(Option<String>),
    /// Not sure.
    Unknown,
}

impl Kind {
    fn moves(&self) -> bool {
        matches!(self, Self::Moves(_))
    }
}

/// A variable with the fields behind it.
type Path = Vec<String>;

/// What was moved, and where.
type Moved = BTreeMap<Path, Span>;

struct Variable {
    name: String,
    kind: Kind,
}

struct Moves<'a, 'd> {
    cx: &'a mut Cx<'d>,
    graph: &'a JobGraph,
    scope: Vec<Variable>,
    /// `None` where code is not reached.
    moved: Option<Moved>,
    generics: BTreeSet<String>,
    said: BTreeSet<Span>,
}

/// Checks the functions of a job.
pub(super) fn check_functions(cx: &mut Cx<'_>, graph: &JobGraph) {
    for function in &graph.functions {
        let mut moves = Moves::new(cx, graph);
        moves.function(function);
    }
}

/// Checks a closure over rows that are its own.
pub(super) fn check_closure(cx: &mut Cx<'_>, graph: &JobGraph, closure: &Closure, params: &[Ty]) {
    let mut moves = Moves::new(cx, graph);
    for ((pattern, _), ty) in closure.params.iter().zip(params) {
        let kind = moves.kind_of_ty(ty);
        moves.bind(pattern, kind);
    }
    moves.value(&closure.body);
}

impl<'a, 'd> Moves<'a, 'd> {
    fn new(cx: &'a mut Cx<'d>, graph: &'a JobGraph) -> Self {
        Self {
            cx,
            graph,
            scope: Vec::new(),
            moved: Some(Moved::new()),
            generics: BTreeSet::new(),
            said: BTreeSet::new(),
        }
    }

    fn function(&mut self, function: &Function) {
        let copy = |bound: &TypeName| matches!(&bound.kind, TypeNameKind::Path(name, _) if name == "Copy");
        let generics = function.generics.iter().filter(|generic| !generic.bounds.iter().any(copy));
        self.generics = generics.map(|generic| generic.name.text.clone()).collect();
        for (pattern, ty) in &function.params {
            let kind = self.kind_of(ty);
            self.bind(pattern, kind);
        }
        self.value(&function.body);
    }

    // ---- types ----

    fn kind_of(&self, ty: &TypeName) -> Kind {
        match &ty.kind {
            TypeNameKind::Reference(_) => Kind::Copies,
            TypeNameKind::MutReference(_) | TypeNameKind::Infer | TypeNameKind::Slice(_) => Kind::Unknown,
            TypeNameKind::Array(item, _) => self.kind_of(item),
            TypeNameKind::Tuple(parts) => Self::together(parts.iter().map(|part| self.kind_of(part))),
            TypeNameKind::Path(name, args) => match (name.as_str(), args.as_slice()) {
                (
                    "String" | "Vec" | "Bytes" | "BTreeMap" | "HashMap" | "BTreeSet" | "HashSet" | "VecDeque"
                    | "BinaryHeap",
                    _,
                ) => Kind::Moves(None),
                ("Option", [inner]) => self.kind_of(inner),
                ("Result", parts) => Self::together(parts.iter().map(|part| self.kind_of(part))),
                (name, []) if super::types::scalar_named(name).is_some() => Kind::Copies,
                (name, []) if self.generics.contains(name) => Kind::Moves(None),
                (name, []) => self.kind_of_record(name),
                _ => Kind::Unknown,
            },
        }
    }

    /// Several values in one.
    fn together(parts: impl Iterator<Item = Kind>) -> Kind {
        let parts: Vec<Kind> = parts.collect();
        if parts.iter().any(Kind::moves) {
            return Kind::Moves(None);
        }
        if parts.iter().all(|part| *part == Kind::Copies) { Kind::Copies } else { Kind::Unknown }
    }

    fn kind_of_record(&self, name: &str) -> Kind {
        let Some(&id) = self.cx.record_names.get(name) else { return Kind::Unknown };
        let record = self.cx.record(id);
        let moves = Kind::Moves(Some(name.to_owned()));
        match &record.shape {
            TypeShape::Plain(derives, _) | TypeShape::Enum(_, derives) => {
                if derives.iter().any(|known| known == "Copy") { Kind::Copies } else { moves }
            }
            // Whether it derives `Copy` is not known; with such a field it cannot.
            TypeShape::Rows => {
                let has_owner = record.fields.iter().any(|field| self.kind_of_ty(&field.ty).moves());
                if has_owner { moves } else { Kind::Unknown }
            }
        }
    }

    /// Of a column's type.
    fn kind_of_ty(&self, ty: &Ty) -> Kind {
        match ty {
            Ty::Scalar(Type::String) | Ty::List(_) => Kind::Moves(None),
            Ty::Of(Wrapper::Reverse, inner) => self.kind_of_ty(inner),
            Ty::Of(..) => Kind::Moves(None),
            Ty::Scalar(_) | Ty::Usize | Ty::Isize | Ty::Ordering => Kind::Copies,
            Ty::Option(inner) => self.kind_of_ty(inner),
            Ty::Record(id) => {
                let name = self.cx.record(*id).name.clone();
                if self.cx.record_names.get(&name) == Some(id) { self.kind_of_record(&name) } else { Kind::Unknown }
            }
            Ty::Tuple(parts) => Self::together(parts.iter().map(|part| self.kind_of_ty(part))),
            _ => Kind::Unknown,
        }
    }

    fn field_kind(&self, of: &Kind, field: &str) -> Kind {
        let Kind::Moves(Some(name)) = of else { return Kind::Unknown };
        let Some(&id) = self.cx.record_names.get(name) else { return Kind::Unknown };
        let record = self.cx.record(id);
        record.position(field).map_or(Kind::Unknown, |at| self.kind_of_ty(&record.fields[at].ty))
    }

    /// What an expression gives.
    fn kind_of_expr(&self, expr: &Expr) -> Kind {
        match &expr.kind {
            ExprKind::Literal(_) | ExprKind::Reference(_) => Kind::Copies,
            ExprKind::Name(name) => self.variable(name).map_or(Kind::Unknown, |variable| variable.kind.clone()),
            ExprKind::Field(base, field) => self.field_kind(&self.kind_of_expr(base), &field.text),
            ExprKind::Macro(name, _) if matches!(name.text.as_str(), "format" | "vec") => Kind::Moves(None),
            ExprKind::Record(name, ..) => self.kind_of_record(name.text.split("::").next().unwrap_or_default()),
            ExprKind::Path(path) => match path.as_slice() {
                [.., owner, _] => self.kind_of_record(owner),
                _ => Kind::Unknown,
            },
            ExprKind::Call(path, args) => self.kind_of_call(path, args),
            ExprKind::Method(_, name, types, _) => match (name.text.as_str(), types.as_slice()) {
                ("to_string" | "repeat" | "join" | "to_vec", _) => Kind::Moves(None),
                ("collect", [ty]) => match &ty.kind {
                    TypeNameKind::Path(name, _) if name == "String" || name == "Vec" => Kind::Moves(None),
                    _ => Kind::Unknown,
                },
                (name, _) => match self.only_method(name) {
                    Some(function) => self.kind_of(&function.returns),
                    None => Kind::Unknown,
                },
            },
            ExprKind::Block(_, Some(tail)) => {
                // What a block declares is not in scope here.
                if matches!(tail.kind, ExprKind::Name(_) | ExprKind::Field(..)) {
                    Kind::Unknown
                } else {
                    self.kind_of_expr(tail)
                }
            }
            _ => Kind::Unknown,
        }
    }

    fn kind_of_call(&self, path: &[Name], args: &[Expr]) -> Kind {
        let path: Vec<&str> = path.iter().map(|name| name.text.as_str()).collect();
        match (path.as_slice(), args) {
            (["Some"], [inner]) => self.kind_of_expr(inner),
            (["String", "new" | "from" | "with_capacity"] | ["Vec", "new" | "with_capacity" | "from"], _) => {
                Kind::Moves(None)
            }
            _ => {
                let full = path.join("::");
                if let Some(function) = self.graph.functions.iter().find(|function| function.full_name() == full) {
                    return self.kind_of(&function.returns);
                }
                match path.as_slice() {
                    [owner, _] if self.cx.variant_named(owner, path[1]).is_some() => self.kind_of_record(owner),
                    [name] => self.kind_of_record(name),
                    _ => Kind::Unknown,
                }
            }
        }
    }

    /// The job's method of this name, if there is only one.
    fn only_method(&self, name: &str) -> Option<&'a Function> {
        let mut found =
            self.graph.functions.iter().filter(|function| function.owner.is_some() && function.name.text == name);
        let first = found.next()?;
        if found.next().is_some() { None } else { Some(first) }
    }

    // ---- variables ----

    fn variable(&self, name: &str) -> Option<&Variable> {
        self.scope.iter().rev().find(|variable| variable.name == name)
    }

    /// The variables of a pattern; what a name alone is bound to has this kind.
    fn bind(&mut self, pattern: &Pattern, kind: Kind) {
        match &pattern.kind {
            PatternKind::Bind(name, _, inner) => {
                self.restored(std::slice::from_ref(name));
                self.scope.push(Variable { name: name.clone(), kind });
                if let Some(inner) = inner {
                    self.bind(inner, Kind::Unknown);
                }
            }
            PatternKind::Path(_, parts) | PatternKind::Tuple(parts) | PatternKind::Slice(parts) => {
                parts.iter().for_each(|part| self.bind(part, Kind::Unknown));
            }
            PatternKind::Or(parts) => {
                if let Some(first) = parts.first() {
                    self.bind(first, Kind::Unknown);
                }
            }
            PatternKind::Reference(inner) => self.bind(inner, Kind::Unknown),
            PatternKind::Record(_, fields, _) => fields.iter().for_each(|(_, part)| self.bind(part, Kind::Unknown)),
            PatternKind::Wild
            | PatternKind::Literal(_)
            | PatternKind::Range(..)
            | PatternKind::Rest
            | PatternKind::Error => {}
        }
    }

    /// Names hide others of the same name: what was moved of those is not what is meant from here on.
    fn restored(&mut self, path: &[String]) {
        if let Some(moved) = &mut self.moved {
            moved.retain(|known, _| !known.starts_with(path));
        }
    }

    /// In a scope of its own. What hides another name brings that name's moves back at the end.
    fn scoped(&mut self, run: impl FnOnce(&mut Self)) {
        let (mark, before) = (self.scope.len(), self.moved.clone());
        run(self);
        let hidden: Vec<String> = self.scope.split_off(mark).into_iter().map(|variable| variable.name).collect();
        if let (Some(moved), Some(before)) = (&mut self.moved, before) {
            moved.retain(|path, _| !path.first().is_some_and(|name| hidden.contains(name)));
            moved.extend(before.into_iter().filter(|(path, _)| path.first().is_some_and(|name| hidden.contains(name))));
        }
    }

    fn path_of(expr: &Expr) -> Option<Path> {
        match &expr.kind {
            ExprKind::Name(name) => Some(vec![name.clone()]),
            ExprKind::Field(base, field) => {
                let mut path = Self::path_of(base)?;
                path.push(field.text.clone());
                Some(path)
            }
            _ => None,
        }
    }

    /// A place is looked at.
    fn read(&mut self, path: &Path, span: Span) {
        let Some(moved) = &self.moved else { return };
        let overlap = moved.iter().find(|(known, _)| known.starts_with(path) || path.starts_with(known));
        if let Some((known, at)) = overlap
            && self.said.insert(span)
        {
            let diagnostic = say::moved_before(&path.join("."), &known.join("."), span, *at);
            self.cx.say(diagnostic);
        }
    }

    /// A place's value goes somewhere else.
    fn take(&mut self, expr: &Expr) {
        let Some(path) = Self::path_of(expr) else { return };
        self.read(&path, expr.span);
        if self.kind_of_expr(expr).moves()
            && let Some(moved) = &mut self.moved
        {
            moved.insert(path, expr.span);
        }
    }

    // ---- code ----

    /// An expression whose value is used up.
    fn value(&mut self, expr: &Expr) {
        match &expr.kind {
            ExprKind::Name(_) | ExprKind::Field(..) if Self::path_of(expr).is_some() => self.take(expr),
            ExprKind::If(condition, then, otherwise) => self.if_(condition, then, otherwise.as_deref(), true),
            ExprKind::Match(value, arms) => self.match_(value, arms, true),
            ExprKind::Block(statements, tail) => self.block(statements, tail.as_deref(), true),
            _ => self.look(expr),
        }
    }

    /// An expression that is evaluated, its place only looked at.
    fn look(&mut self, expr: &Expr) {
        match &expr.kind {
            ExprKind::Name(_) | ExprKind::Field(..) => match Self::path_of(expr) {
                Some(path) => self.read(&path, expr.span),
                None => {
                    if let ExprKind::Field(base, _) = &expr.kind {
                        self.look(base);
                    }
                }
            },
            ExprKind::Unary(UnaryOp::Deref | UnaryOp::Not | UnaryOp::Neg, x)
            | ExprKind::Reference(x)
            | ExprKind::MutReference(x)
            | ExprKind::Cast(x, _) => self.look(x),
            ExprKind::Try(x) => {
                self.value(x);
            }
            ExprKind::Binary(op, a, b) => {
                let is_sum = *op == BinaryOp::Add;
                if is_sum {
                    self.value(a)
                } else {
                    self.look(a)
                }
                if matches!(op, BinaryOp::And | BinaryOp::Or) {
                    let before = self.moved.clone();
                    self.look(b);
                    self.meet(before);
                } else {
                    self.look(b);
                }
            }
            ExprKind::If(condition, then, otherwise) => self.if_(condition, then, otherwise.as_deref(), false),
            ExprKind::Match(value, arms) => self.match_(value, arms, false),
            ExprKind::Block(statements, tail) => self.block(statements, tail.as_deref(), false),
            ExprKind::Call(path, args) => self.call(path, args),
            ExprKind::Method(receiver, name, _, args) => {
                let own = self
                    .only_method(&name.text)
                    .filter(|_| matches!(self.kind_of_expr(receiver), Kind::Moves(Some(_))));
                let takes = match own {
                    Some(function) => function.params.first().is_some_and(|(_, ty)| {
                        !matches!(ty.kind, TypeNameKind::Reference(_) | TypeNameKind::MutReference(_))
                    }),
                    None => TAKE.contains(&name.text.as_str()) && self.kind_of_expr(receiver).moves(),
                };
                if takes {
                    self.value(receiver)
                } else {
                    self.look(receiver)
                }
                args.iter().for_each(|arg| self.value(arg));
            }
            ExprKind::Record(_, fields, base) => {
                fields.iter().for_each(|(_, value)| self.value(value));
                if let Some(base) = base {
                    self.rest_of(base, fields);
                }
            }
            ExprKind::Tuple(parts) | ExprKind::Array(parts) => parts.iter().for_each(|part| self.value(part)),
            ExprKind::Repeat(_, item, count) => {
                self.value(item);
                self.look(count);
            }
            ExprKind::Macro(name, args) => {
                let takes = name.text == "vec";
                for arg in args {
                    let arg = if let ExprKind::Assign(_, None, value) = &arg.kind { value } else { arg };
                    if takes {
                        self.value(arg)
                    } else {
                        self.look(arg)
                    }
                    if let ExprKind::Literal(Literal::String(text)) = &arg.kind
                        && !takes
                    {
                        for name in super::unused::captured(text) {
                            self.read(&vec![name.to_owned()], arg.span);
                        }
                    }
                }
            }
            ExprKind::Closure(closure) => self.scoped(|this| {
                for (pattern, ty) in &closure.params {
                    let kind = ty.as_ref().map_or(Kind::Unknown, |ty| this.kind_of(ty));
                    this.bind(pattern, kind);
                }
                // When it is called is not known here, nor how often: what it moves is not followed.
                let before = this.moved.clone();
                this.look(&closure.body);
                this.moved = before;
                if closure.moves {
                    // What it names of its surroundings is its own from here on.
                    this.moved_into(&closure.body);
                }
            }),
            ExprKind::Return(value) | ExprKind::Break(_, value) => {
                if let Some(value) = value {
                    self.value(value);
                }
                self.moved = None;
            }
            ExprKind::Continue(_) => self.moved = None,
            ExprKind::Assign(place, op, value) => {
                if op.is_some() {
                    self.look(value)
                } else {
                    self.value(value)
                }
                match Self::path_of(place) {
                    Some(path) if op.is_none() => self.restored(&path),
                    _ => self.look(place),
                }
            }
            ExprKind::Index(base, index) => {
                self.look(base);
                self.look(index);
            }
            ExprKind::Range(from, to, _) => {
                for bound in [from, to].into_iter().flatten() {
                    self.look(bound);
                }
            }
            ExprKind::While(_, condition, body) => self.twice(|this| {
                let before = this.moved.clone();
                this.scoped(|this| {
                    this.condition(condition);
                    this.look(body);
                });
                this.meet(before);
            }),
            ExprKind::For(_, pattern, values, body) => {
                self.value(values);
                self.twice(|this| {
                    let before = this.moved.clone();
                    this.scoped(|this| {
                        this.bind(pattern, Kind::Unknown);
                        this.look(body);
                    });
                    this.meet(before);
                });
            }
            ExprKind::Loop(_, body) => {
                // Where it is left is not followed: what is moved before a `break` is forgotten.
                let before = self.moved.clone();
                self.twice(|this| {
                    let before = this.moved.clone();
                    this.look(body);
                    this.meet(before);
                });
                self.moved = before;
            }
            ExprKind::Labeled(_, body) => {
                let before = self.moved.clone();
                self.look(body);
                self.moved = before;
            }
            ExprKind::Literal(_) | ExprKind::Path(_) | ExprKind::Error => {}
        }
    }

    /// `..base`: the fields that are not given are taken out of it.
    fn rest_of(&mut self, base: &Expr, given: &[(Name, Expr)]) {
        let Kind::Moves(Some(name)) = self.kind_of_expr(base) else {
            if Self::path_of(base).is_none() {
                self.look(base);
            }
            return;
        };
        let Some(&id) = self.cx.record_names.get(&name) else { return };
        if Self::path_of(base).is_none() {
            self.look(base);
            return;
        }
        let fields: Vec<String> = self.cx.record(id).fields.iter().map(|field| field.name.clone()).collect();
        for field in fields.into_iter().filter(|field| !given.iter().any(|(known, _)| known.text == *field)) {
            let name = Name { text: field, span: base.span };
            let part = Expr { kind: ExprKind::Field(Box::new(base.clone()), name), span: base.span };
            self.take(&part);
        }
    }

    fn call(&mut self, path: &[Name], args: &[Expr]) {
        let full = path.iter().map(|name| name.text.as_str()).collect::<Vec<_>>().join("::");
        let is_local = path.len() == 1 && self.variable(&full).is_some();
        for arg in args {
            // What a closure with a name is handed, its own code says.
            if is_local { self.look(arg) } else { self.value(arg) }
        }
    }

    /// What a branch left over meets what there was before.
    fn meet(&mut self, other: Option<Moved>) {
        self.moved = match (self.moved.take(), other) {
            (Some(mut a), Some(b)) => {
                for (path, at) in b {
                    a.entry(path).or_insert(at);
                }
                Some(a)
            }
            (one, None) | (None, one) => one,
        };
    }

    fn twice(&mut self, mut run: impl FnMut(&mut Self)) {
        run(self);
        run(self);
    }

    fn condition(&mut self, condition: &Condition) {
        match condition {
            Condition::Expr(condition) => self.look(condition),
            Condition::Let(pattern, value) => {
                self.matched(value, &[pattern]);
                let kind = self.kind_inside(value, pattern);
                self.bind_inside(pattern, kind);
            }
            Condition::All(parts) => parts.iter().for_each(|part| self.condition(part)),
        }
    }

    /// What is matched: a place is moved where a pattern takes a part of it that moves.
    fn matched(&mut self, value: &Expr, patterns: &[&Pattern]) {
        if Self::path_of(value).is_none() {
            self.look(value);
            return;
        }
        let kind = self.kind_of_expr(value);
        let takes = kind.moves() && patterns.iter().any(|pattern| self.takes(pattern, &kind));
        if takes { self.take(value) } else { self.look(value) }
    }

    /// Whether a pattern binds a part that moves, of a value of this kind.
    fn takes(&self, pattern: &Pattern, kind: &Kind) -> bool {
        match &pattern.kind {
            PatternKind::Bind(_, _, None) => kind.moves(),
            PatternKind::Path(path, parts) => match (path.last().map(String::as_str), parts.as_slice()) {
                (Some("Some"), [part]) => self.takes(part, kind),
                _ => false,
            },
            PatternKind::Record(_, fields, _) => {
                fields.iter().any(|(field, part)| self.takes(part, &self.field_kind(kind, &field.text)))
            }
            PatternKind::Or(parts) => parts.iter().any(|part| self.takes(part, kind)),
            _ => false,
        }
    }

    fn kind_inside(&self, value: &Expr, _pattern: &Pattern) -> Kind {
        if Self::path_of(value).is_some() { self.kind_of_expr(value) } else { Kind::Unknown }
    }

    /// `Some(x)` of an owned `Option`: `x` is owned as it was.
    fn bind_inside(&mut self, pattern: &Pattern, kind: Kind) {
        match &pattern.kind {
            PatternKind::Path(path, parts) if path.last().is_some_and(|last| last == "Some") && parts.len() == 1 => {
                self.bind(&parts[0], kind);
            }
            _ => self.bind(pattern, Kind::Unknown),
        }
    }

    fn if_(&mut self, condition: &Condition, then: &Expr, otherwise: Option<&Expr>, takes: bool) {
        let mut after_then = None;
        let before = self.moved.clone();
        self.scoped(|this| {
            this.condition(condition);
            if takes { this.value(then) } else { this.look(then) }
        });
        std::mem::swap(&mut after_then, &mut self.moved);
        self.moved = before;
        // The condition is evaluated on this way, too; what its patterns take is taken only where they match.
        match otherwise {
            Some(otherwise) if takes => self.value(otherwise),
            Some(otherwise) => self.look(otherwise),
            None => {}
        }
        self.meet(after_then);
    }

    fn match_(&mut self, value: &Expr, arms: &[Arm], takes: bool) {
        let patterns: Vec<&Pattern> = arms.iter().map(|arm| &arm.pattern).collect();
        let kind = arms.first().map_or(Kind::Unknown, |arm| self.kind_inside(value, &arm.pattern));
        self.matched(value, &patterns);
        let before = self.moved.clone();
        let mut after = None;
        for arm in arms {
            self.moved = before.clone();
            self.scoped(|this| {
                this.bind_inside(&arm.pattern, kind.clone());
                if let Some(guard) = &arm.guard {
                    this.look(guard);
                }
                if takes { this.value(&arm.body) } else { this.look(&arm.body) }
            });
            self.meet(after.take());
            after = self.moved.take();
        }
        self.moved = after;
    }

    fn block(&mut self, statements: &[Statement], tail: Option<&Expr>, takes: bool) {
        self.scoped(|this| {
            for statement in statements {
                match statement {
                    Statement::Let(pattern, ty, value) => this.let_(pattern, ty.as_ref(), value),
                    Statement::LetElse(pattern, ty, value, otherwise) => {
                        this.let_(pattern, ty.as_ref(), value);
                        let before = this.moved.clone();
                        this.look(otherwise);
                        this.moved = before;
                    }
                    Statement::Declare(pattern, ty) => {
                        let kind = ty.as_ref().map_or(Kind::Unknown, |ty| this.kind_of(ty));
                        this.bind(pattern, kind);
                    }
                    Statement::Expr(value) => this.look(value),
                    Statement::Const(_) => {}
                }
            }
            if let Some(tail) = tail {
                if takes { this.value(tail) } else { this.look(tail) }
            }
        });
    }

    /// The variables that a `move` closure names by themselves are moved.
    fn moved_into(&mut self, body: &Expr) {
        match &body.kind {
            ExprKind::Name(_) => self.take(body),
            ExprKind::Method(of, _, _, args) => {
                self.moved_into(of);
                args.iter().for_each(|arg| self.moved_into(arg));
            }
            ExprKind::Call(_, args) | ExprKind::Macro(_, args) | ExprKind::Tuple(args) => {
                args.iter().for_each(|arg| self.moved_into(arg));
            }
            ExprKind::Binary(_, a, b) => {
                self.moved_into(a);
                self.moved_into(b);
            }
            ExprKind::Unary(_, x) | ExprKind::Reference(x) | ExprKind::Cast(x, _) | ExprKind::Field(x, _) => {
                self.moved_into(x);
            }
            _ => {}
        }
    }

    fn let_(&mut self, pattern: &Pattern, ty: Option<&TypeName>, value: &Expr) {
        let is_name = matches!(pattern.kind, PatternKind::Bind(_, _, None));
        let kind = match ty {
            Some(ty) if ty.kind != TypeNameKind::Infer => self.kind_of(ty),
            _ => self.kind_of_expr(value),
        };
        if matches!(value.kind, ExprKind::Closure(_)) {
            self.look(value);
            self.bind(pattern, Kind::Unknown);
            return;
        }
        if is_name || Self::path_of(value).is_none() {
            self.value(value);
        } else {
            self.matched(value, &[pattern]);
        }
        if is_name {
            self.bind(pattern, kind);
        } else {
            self.bind_inside(pattern, Kind::Unknown);
        }
    }
}
