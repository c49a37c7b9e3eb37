//! Arguments of methods and connectors: closures, constants, durations, names of columns.

use super::Body;
use crate::diagnostics::syntax;
use crate::parse::connector::called;
use crate::parse::literal;
use sabot_ir::ast::{Closure, Expr, ExprKind, Literal, Name, Pattern, PatternKind, TypeName};
use sabot_ir::job_graph::{Parameter, Value};
use sabot_ir::span::Span;
use syn::punctuated::Punctuated;

impl Body<'_, '_> {
    /// Exactly that many arguments.
    pub(in crate::parse) fn arguments<'e, const N: usize>(
        &mut self,
        call: &'e syn::ExprMethodCall,
        usage: &str,
    ) -> Option<[&'e syn::Expr; N]> {
        let arguments: Vec<&syn::Expr> = call.args.iter().collect();
        match arguments.try_into() {
            Ok(arguments) => Some(arguments),
            Err(_) => {
                let name = self.reader.name(&call.method);
                let at = self.reader.span(call.paren_token.span.join());
                self.reader.diagnostics.push(syntax::wrong_arguments(at, &name.text, usage));
                None
            }
        }
    }

    /// The only argument, a closure.
    pub(super) fn closure_of(&mut self, call: &syn::ExprMethodCall, arity: usize, usage: &str) -> Option<Parameter> {
        let [function] = self.arguments(call, usage)?;
        self.function(function, &call.method.to_string(), arity, usage)
    }

    /// A closure, or the name of a function that stands for one.
    pub(super) fn function(
        &mut self,
        argument: &syn::Expr,
        method: &str,
        arity: usize,
        usage: &str,
    ) -> Option<Parameter> {
        let mut argument = argument;
        loop {
            match argument {
                syn::Expr::Paren(inner) => argument = &inner.expr,
                syn::Expr::Group(inner) => argument = &inner.expr,
                syn::Expr::Reference(inner) => argument = &inner.expr,
                _ => break,
            }
        }
        let at = self.reader.expr_span(argument);
        let closure = match argument {
            syn::Expr::Closure(closure) => self.reader.closure(closure),
            syn::Expr::Path(path) => match path.path.get_ident().map(|ident| self.reader.name(ident)) {
                Some(name) if self.items.function(&name.text).is_some() => self.call_of(name),
                Some(_) | None => {
                    let diagnostic = syntax::wrong_argument(at, "a closure, or a function of this file", usage);
                    self.reader.diagnostics.push(diagnostic);
                    return None;
                }
            },
            _ => {
                self.reader.diagnostics.push(syntax::wrong_argument(at, "a closure", usage));
                return None;
            }
        };
        if closure.params.len() != arity {
            let found = closure.params.len();
            self.reader.diagnostics.push(syntax::closure_arity(at, method, arity, found, usage));
            return None;
        }
        Some(Parameter { span: closure.span, value: Value::Closure(closure) })
    }

    /// `|a, b| f(a, b)` for `f`.
    fn call_of(&mut self, name: Name) -> Closure {
        let span = name.span;
        let names: Vec<String> = match self.items.function(&name.text) {
            Some(function) => {
                let named = |(at, (bound, _)): (usize, &(Pattern, TypeName))| {
                    bound.as_name().map_or_else(|| format!("argument_{at}"), |name| name.text)
                };
                function.params.iter().enumerate().map(named).collect()
            }
            None => Vec::new(),
        };
        self.reader.mentioned.insert(name.text.clone());
        let pattern = |name: &String| Pattern { kind: PatternKind::Bind(name.clone(), false, None), span };
        let params = names.iter().map(|name| (pattern(name), None)).collect();
        let arguments = names.into_iter().map(|name| Expr { kind: ExprKind::Name(name), span }).collect();
        let body = Box::new(Expr { kind: ExprKind::Call(vec![name], arguments), span });
        Closure { params, body, returns: None, moves: false, span }
    }

    /// A literal, or a constant that is one.
    pub(in crate::parse) fn constant(&mut self, argument: &syn::Expr) -> (Option<Literal>, Span) {
        let at = self.reader.expr_span(argument);
        let is_plain = matches!(
            argument,
            syn::Expr::Lit(_) | syn::Expr::Path(_) | syn::Expr::Unary(_) | syn::Expr::Paren(_) | syn::Expr::Group(_)
        );
        if !is_plain {
            return (None, at);
        }
        let expr = self.reader.expr(argument);
        let value = match &expr.kind {
            ExprKind::Name(name) => self.items.constant(name).and_then(|item| literal::constant(&item.value)),
            _ => literal::constant(&expr),
        };
        (value, at)
    }

    /// A string.
    pub(in crate::parse) fn text(
        &mut self,
        argument: &syn::Expr,
        expected: &str,
        usage: &str,
    ) -> Option<(String, Span)> {
        match self.constant(argument) {
            (Some(Literal::String(text)), at) => Some((text, at)),
            (_, at) => {
                let diagnostic = syntax::wrong_argument(at, &format!("{expected}: a string or a constant"), usage);
                self.reader.diagnostics.push(diagnostic);
                None
            }
        }
    }

    /// The name of a source, sink or operator.
    pub(super) fn operator_name(&mut self, argument: &syn::Expr, usage: &str) -> Option<Name> {
        let (text, span) = self.text(argument, "a name", usage)?;
        if text.trim().is_empty() {
            self.reader.diagnostics.push(syntax::wrong_argument(span, "a name that is not empty", usage));
            return None;
        }
        Some(Name { text, span })
    }

    /// A number of rows.
    pub(super) fn int(&mut self, argument: &syn::Expr, usage: &str) -> Option<(i64, Span)> {
        match self.constant(argument) {
            (Some(Literal::Int(value, _)), at) if (0..=i128::from(i64::MAX)).contains(&value) => {
                Some((i64::try_from(value).unwrap_or(i64::MAX), at))
            }
            (_, at) => {
                self.reader.diagnostics.push(syntax::wrong_argument(
                    at,
                    "a number of rows: an integer or a constant",
                    usage,
                ));
                None
            }
        }
    }

    /// `seconds(5)`, in milliseconds.
    pub(in crate::parse) fn duration_ms(&mut self, argument: &syn::Expr, usage: &str) -> Option<(i64, Span)> {
        self.duration_from(0, argument, usage)
    }

    /// As [`Self::duration_ms`], of a length that may point backwards.
    pub(super) fn signed_duration_ms(&mut self, argument: &syn::Expr, usage: &str) -> Option<(i64, Span)> {
        self.duration_from(i128::MIN, argument, usage)
    }

    fn duration_from(&mut self, least: i128, argument: &syn::Expr, usage: &str) -> Option<(i64, Span)> {
        let at = self.reader.expr_span(argument);
        let unit = match called(argument).as_deref() {
            Some("millis" | "milliseconds") => Some(1),
            Some("seconds") => Some(1_000),
            Some("minutes") => Some(60_000),
            Some("hours") => Some(3_600_000),
            Some("days") => Some(86_400_000),
            _ => None,
        };
        let value = match (unit, argument) {
            (Some(unit), syn::Expr::Call(call)) if call.args.len() == 1 => match self.constant(&call.args[0]).0 {
                Some(Literal::Int(value, _)) => {
                    value.checked_mul(unit).filter(|value| *value >= least).and_then(|value| i64::try_from(value).ok())
                }
                _ => None,
            },
            _ => None,
        };
        if value.is_none() {
            let expected =
                "a duration, such as `milliseconds(500)`, `seconds(5)`, `minutes(5)`, `hours(1)` or `days(1)`";
            self.reader.diagnostics.push(syntax::wrong_argument(at, expected, usage));
        }
        value.map(|value| (value, at))
    }

    /// `fields![a, b]`.
    pub(super) fn fields(&mut self, argument: &syn::Expr, usage: &str) -> Option<(Value, Span)> {
        let at = self.reader.expr_span(argument);
        let names = match argument {
            syn::Expr::Macro(call) if call.mac.path.segments.last().is_some_and(|last| last.ident == "fields") => {
                call.mac.parse_body_with(Punctuated::<syn::Ident, syn::Token![,]>::parse_terminated).ok()
            }
            _ => None,
        };
        match names {
            Some(names) if !names.is_empty() => {
                let names: Vec<String> = names.iter().map(|ident| self.reader.name(ident).text).collect();
                Some((names.into(), at))
            }
            _ => {
                self.reader.diagnostics.push(syntax::wrong_argument(at, "the names of columns", usage));
                None
            }
        }
    }
}
