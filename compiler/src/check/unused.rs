//! What an author wrote and nothing comes of: variables that are not read, `mut` without a change, code behind `return`.
//!
//! Looks at the code as it was written, once all of it is right. Names that begin with `_` are left alone, as in rustc.

use super::Cx;
use crate::diagnostics::unused as say;
use sabot_ir::ast::{
    Arm, Closure, Condition, Expr, ExprKind, Function, Literal, Name, Pattern, PatternKind, RangeBound, Statement,
};
use sabot_ir::diagnostic::Diagnostic;
use sabot_ir::job_graph::{JobGraph, Value};
use sabot_ir::span::Span;
use std::collections::BTreeSet;

/// Methods that change the value they are called on.
const CHANGING: [&str; 47] = [
    "push",
    "push_str",
    "pop",
    "insert",
    "insert_str",
    "remove",
    "clear",
    "truncate",
    "retain",
    "extend",
    "extend_from_slice",
    "append",
    "sort",
    "sort_by",
    "sort_by_key",
    "sort_unstable",
    "sort_unstable_by",
    "sort_unstable_by_key",
    "reverse",
    "dedup",
    "swap",
    "drain",
    "next",
    "iter_mut",
    "fill",
    "resize",
    "rotate_left",
    "rotate_right",
    "split_off",
    "swap_remove",
    "dedup_by_key",
    "last_mut",
    "first_mut",
    "get_mut",
    "copy_from_slice",
    "clone_from_slice",
    "entry",
    "remove_entry",
    "pop_first",
    "pop_last",
    "pop_front",
    "pop_back",
    "push_front",
    "push_back",
    "values_mut",
    "next_back",
    "nth",
];

/// Tells of what is unused in a graph's code.
pub(super) fn complain(cx: &mut Cx<'_>, graph: &JobGraph) {
    let lends = |function: &&Function| {
        function.params.first().is_some_and(|(_, ty)| matches!(ty.kind, sabot_ir::ast::TypeNameKind::MutReference(_)))
    };
    let changing = graph.functions.iter().filter(lends).map(|function| function.name.text.clone()).collect();
    let mut usage = Usage { changing, ..Usage::default() };
    for function in &graph.functions {
        usage.function(function);
    }
    for constant in &graph.consts {
        usage.expr(&constant.value);
    }
    usage.free.clear(); // functions and constants do not see the job's parameters
    for operator in &graph.operators {
        for parameter in operator.parameters.values() {
            if let Value::Closure(closure) = &parameter.value {
                usage.closure(closure);
            }
        }
    }
    for param in &graph.params {
        let name = &param.name;
        if !usage.free.contains(&name.text) && !name.text.starts_with('_') && !name.span.is_none() {
            usage.found.push(say::parameter(&name.text, name.span));
        }
    }
    for diagnostic in usage.found {
        cx.say(diagnostic);
    }
}

/// A variable in scope.
struct Variable {
    name: String,
    span: Span,
    is_mut: bool,
    /// `Quote { id, .. }`.
    in_field: bool,
    is_read: bool,
    is_changed: bool,
    /// It got its value behind its `let`, or is one of several of its name.
    is_exempt: bool,
}

#[derive(Default)]
struct Usage {
    scope: Vec<Variable>,
    /// Names that are read and bound nowhere in the code.
    free: BTreeSet<String>,
    /// The job's methods that take `&mut self`.
    changing: BTreeSet<String>,
    found: Vec<Diagnostic>,
}

impl Usage {
    fn function(&mut self, function: &Function) {
        let mark = self.scope.len();
        for (pattern, ty) in &function.params {
            // What is called may change what it has captured.
            self.bind_in(pattern, false, super::template::function_type(ty).is_some());
        }
        self.expr(&function.body);
        self.leave(mark);
    }

    fn closure(&mut self, closure: &Closure) {
        let mark = self.scope.len();
        for (pattern, _) in &closure.params {
            self.bind(pattern);
        }
        self.expr(&closure.body);
        self.leave(mark);
    }

    /// Forgets the variables since `mark`, and tells which of them did nothing.
    fn leave(&mut self, mark: usize) {
        for variable in self.scope.split_off(mark) {
            let has_place = !variable.span.is_none() && !variable.is_exempt;
            if variable.name.starts_with(['_', '$']) || variable.name == "self" || !has_place {
                continue;
            }
            if !variable.is_read {
                let is_assigned = variable.is_changed;
                self.found.push(say::variable(&variable.name, variable.span, is_assigned, variable.in_field));
            } else if variable.is_mut && !variable.is_changed {
                self.found.push(say::mutable(&variable.name, variable.span));
            }
        }
    }

    fn variable(&mut self, name: &str) -> Option<&mut Variable> {
        self.scope.iter_mut().rev().find(|variable| variable.name == name)
    }

    fn read(&mut self, name: &str) {
        match self.variable(name) {
            Some(variable) => variable.is_read = true,
            None => {
                self.free.insert(name.to_owned());
            }
        }
    }

    /// The variable that a place is in is changed; with a field or an element of it, the rest of it is read.
    fn change(&mut self, place: &Expr) {
        match &place.kind {
            ExprKind::Name(name) => {
                if let Some(variable) = self.variable(name) {
                    variable.is_changed = true;
                }
            }
            ExprKind::Field(base, _)
            | ExprKind::Reference(base)
            | ExprKind::MutReference(base)
            | ExprKind::Unary(_, base) => {
                self.change(base);
                self.expr(base);
            }
            ExprKind::Index(base, index) => {
                self.change(base);
                self.expr(base);
                self.expr(index);
            }
            ExprKind::Tuple(parts) => parts.iter().for_each(|part| self.change(part)),
            ExprKind::Method(base, ..) => self.change(base),
            ExprKind::Literal(_)
            | ExprKind::Path(_)
            | ExprKind::Binary(..)
            | ExprKind::Cast(..)
            | ExprKind::If(..)
            | ExprKind::Match(..)
            | ExprKind::Call(..)
            | ExprKind::Record(..)
            | ExprKind::Block(..)
            | ExprKind::Closure(_)
            | ExprKind::Return(_)
            | ExprKind::Macro(..)
            | ExprKind::Assign(..)
            | ExprKind::Range(..)
            | ExprKind::Array(_)
            | ExprKind::Repeat(..)
            | ExprKind::While(..)
            | ExprKind::For(..)
            | ExprKind::Loop(..)
            | ExprKind::Labeled(..)
            | ExprKind::Break(..)
            | ExprKind::Continue(_)
            | ExprKind::Try(_)
            | ExprKind::Error => self.expr(place),
        }
    }

    fn bind(&mut self, pattern: &Pattern) {
        self.bind_in(pattern, false, false);
    }

    fn bind_in(&mut self, pattern: &Pattern, in_field: bool, is_exempt: bool) {
        match &pattern.kind {
            PatternKind::Bind(name, is_mut, inner) => {
                // `x @ pattern`: the name is not the end of the pattern's text.
                let is_exempt = is_exempt || inner.is_some();
                self.scope.push(Variable {
                    name: name.clone(),
                    span: pattern.span,
                    is_mut: *is_mut,
                    in_field,
                    is_read: false,
                    is_changed: false,
                    is_exempt,
                });
                if let Some(inner) = inner {
                    self.bind_in(inner, false, is_exempt);
                }
            }
            // The alternatives bind the same names: those of the first stand for all, and where they stand is not one place.
            PatternKind::Or(parts) => {
                if let Some(first) = parts.first() {
                    self.bind_in(first, in_field, true);
                }
            }
            PatternKind::Path(path, parts) => {
                if let [name] = path.as_slice() {
                    self.read(name);
                }
                parts.iter().for_each(|part| self.bind_in(part, false, is_exempt));
            }
            PatternKind::Tuple(parts) | PatternKind::Slice(parts) => {
                parts.iter().for_each(|part| self.bind_in(part, false, is_exempt));
            }
            PatternKind::Reference(inner) => self.bind_in(inner, false, is_exempt),
            PatternKind::Record(_, fields, _) => {
                for (field, part) in fields {
                    let is_short = part.span == field.span;
                    self.bind_in(part, is_short, is_exempt);
                }
            }
            PatternKind::Range(from, to, _) => {
                for bound in [from, to].into_iter().flatten() {
                    if let RangeBound::Path(path) = bound
                        && let [name] = path.as_slice()
                    {
                        self.read(name);
                    }
                }
            }
            PatternKind::Wild | PatternKind::Literal(_) | PatternKind::Rest | PatternKind::Error => {}
        }
    }

    fn condition(&mut self, condition: &Condition) {
        match condition {
            Condition::Expr(expr) => self.expr(expr),
            Condition::Let(pattern, value) => {
                self.expr(value);
                self.bind(pattern);
            }
            Condition::All(conditions) => conditions.iter().for_each(|condition| self.condition(condition)),
        }
    }

    fn statement(&mut self, statement: &Statement) {
        match statement {
            Statement::Let(pattern, _, value) => {
                self.expr(value);
                self.bind(pattern);
            }
            Statement::LetElse(pattern, _, value, otherwise) => {
                self.expr(value);
                self.expr(otherwise);
                self.bind(pattern);
            }
            Statement::Declare(pattern, _) => self.bind_in(pattern, false, true),
            Statement::Expr(value) => self.expr(value),
            Statement::Const(constant) => self.expr(&constant.value),
        }
    }

    fn arm(&mut self, arm: &Arm) {
        let mark = self.scope.len();
        self.bind(&arm.pattern);
        if let Some(guard) = &arm.guard {
            self.expr(guard);
        }
        self.expr(&arm.body);
        self.leave(mark);
    }

    fn maybe(&mut self, expr: Option<&Expr>) {
        if let Some(expr) = expr {
            self.expr(expr);
        }
    }

    fn expr(&mut self, expr: &Expr) {
        match &expr.kind {
            ExprKind::Literal(_) | ExprKind::Path(_) | ExprKind::Continue(_) | ExprKind::Error => {}
            ExprKind::Name(name) => self.read(name),
            ExprKind::Field(inner, _)
            | ExprKind::Unary(_, inner)
            | ExprKind::Reference(inner)
            | ExprKind::Cast(inner, _)
            | ExprKind::Try(inner) => self.expr(inner),
            ExprKind::MutReference(place) => {
                self.change(place);
                self.expr(place);
            }
            ExprKind::Loop(_, body) | ExprKind::Labeled(_, body) => self.expr(body),
            ExprKind::Binary(_, a, b) | ExprKind::Index(a, b) | ExprKind::Repeat(_, a, b) => {
                self.expr(a);
                self.expr(b);
            }
            ExprKind::If(condition, then, otherwise) => {
                let mark = self.scope.len();
                self.condition(condition);
                self.expr(then);
                self.leave(mark);
                self.maybe(otherwise.as_deref());
            }
            ExprKind::While(_, condition, body) => {
                let mark = self.scope.len();
                self.condition(condition);
                self.expr(body);
                self.leave(mark);
            }
            ExprKind::For(_, pattern, values, body) => {
                self.expr(values);
                let mark = self.scope.len();
                self.bind(pattern);
                self.expr(body);
                self.leave(mark);
            }
            ExprKind::Match(value, arms) => {
                self.expr(value);
                arms.iter().for_each(|arm| self.arm(arm));
            }
            ExprKind::Call(path, args) => {
                if let [Name { text, .. }] = path.as_slice() {
                    self.read(text);
                }
                args.iter().for_each(|arg| self.expr(arg));
            }
            ExprKind::Method(receiver, name, _, args) => {
                if CHANGING.contains(&name.text.as_str()) || self.changing.contains(&name.text) {
                    self.change(receiver);
                }
                self.expr(receiver);
                args.iter().for_each(|arg| self.expr(arg));
            }
            ExprKind::Record(_, fields, base) => {
                fields.iter().for_each(|(_, value)| self.expr(value));
                self.maybe(base.as_deref());
            }
            ExprKind::Tuple(parts) | ExprKind::Array(parts) => parts.iter().for_each(|part| self.expr(part)),
            ExprKind::Block(statements, tail) => self.block(statements, tail.as_deref()),
            ExprKind::Closure(closure) => self.closure(closure),
            ExprKind::Return(value) | ExprKind::Break(_, value) => self.maybe(value.as_deref()),
            ExprKind::Macro(_, args) => {
                for arg in args {
                    if let ExprKind::Literal(Literal::String(text)) = &arg.kind {
                        captured(text).into_iter().for_each(|name| self.read(name));
                    }
                    self.expr(arg);
                }
            }
            ExprKind::Assign(place, _, value) => {
                self.expr(value);
                self.change(place);
            }
            ExprKind::Range(from, to, _) => {
                self.maybe(from.as_deref());
                self.maybe(to.as_deref());
            }
        }
    }

    fn block(&mut self, statements: &[Statement], tail: Option<&Expr>) {
        let mark = self.scope.len();
        let mut end: Option<Span> = None;
        let mut is_told = false;
        for statement in statements {
            let (at, value) = place_and_value(statement);
            if let (Some(behind), false) = (end, is_told) {
                self.found.push(say::unreachable(at, behind));
                is_told = true;
            }
            end = end.or_else(|| value.filter(|value| never_ends(value)).map(|value| value.span));
            self.statement(statement);
        }
        if let Some(tail) = tail {
            if let (Some(behind), false) = (end, is_told) {
                self.found.push(say::unreachable(tail.span, behind));
            }
            self.expr(tail);
        }
        self.leave(mark);
    }
}

/// Where a statement stands, and what it evaluates.
fn place_and_value(statement: &Statement) -> (Span, Option<&Expr>) {
    match statement {
        Statement::Let(pattern, _, value) | Statement::LetElse(pattern, _, value, _) => {
            (pattern.span.to(value.span), Some(value))
        }
        Statement::Declare(pattern, _) => (pattern.span, None),
        Statement::Expr(value) => (value.span, Some(value)),
        Statement::Const(constant) => (constant.name.span, None),
    }
}

/// Whether nothing goes on behind the expression. `loop` may be left by a `break` inside, so it is not looked at.
fn never_ends(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Return(_) | ExprKind::Break(..) | ExprKind::Continue(_) => true,
        ExprKind::Macro(name, _) => matches!(name.text.as_str(), "panic" | "unreachable" | "todo" | "unimplemented"),
        ExprKind::If(_, then, Some(otherwise)) => never_ends(then) && never_ends(otherwise),
        ExprKind::Match(_, arms) => !arms.is_empty() && arms.iter().all(|arm| never_ends(&arm.body)),
        ExprKind::Block(statements, tail) => {
            statements.iter().any(|statement| place_and_value(statement).1.is_some_and(never_ends))
                || tail.as_ref().is_some_and(|tail| never_ends(tail))
        }
        ExprKind::Literal(_)
        | ExprKind::Name(_)
        | ExprKind::Path(_)
        | ExprKind::Field(..)
        | ExprKind::Unary(..)
        | ExprKind::Reference(_)
        | ExprKind::MutReference(_)
        | ExprKind::Binary(..)
        | ExprKind::Cast(..)
        | ExprKind::If(..)
        | ExprKind::Call(..)
        | ExprKind::Method(..)
        | ExprKind::Record(..)
        | ExprKind::Tuple(_)
        | ExprKind::Closure(_)
        | ExprKind::Assign(..)
        | ExprKind::Index(..)
        | ExprKind::Range(..)
        | ExprKind::Array(_)
        | ExprKind::Repeat(..)
        | ExprKind::While(..)
        | ExprKind::For(..)
        | ExprKind::Loop(..)
        | ExprKind::Labeled(..)
        | ExprKind::Try(_)
        | ExprKind::Error => false,
    }
}

/// The names in the braces of a format string: `x` of `"{x:>8}"`.
pub(super) fn captured(text: &str) -> Vec<&str> {
    let mut names = Vec::new();
    let mut rest = text;
    while let Some((_, after)) = rest.split_once('{') {
        rest = after;
        if let Some(escaped) = rest.strip_prefix('{') {
            rest = escaped;
            continue;
        }
        let inside = rest.split('}').next().unwrap_or_default();
        // Width and precision may be names too: `{x:width$}`.
        names.extend(inside.split([':', '$', '.', '>', '<', '^', '*']).filter(|word| !word.is_empty()));
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_format_strings_are_found() {
        assert_eq!(captured("{a} {{b}} {c:>width$.2}"), ["a", "c", "width", "2"]);
        assert_eq!(captured("{}"), Vec::<&str>::new());
    }
}
