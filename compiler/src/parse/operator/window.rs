//! Windows, `sliding(minutes(5), minutes(1)).offset(seconds(10))`, and what is done inside them.

use super::{Body, Flow, Window};
use crate::diagnostics::syntax;
use crate::parse::connector::called;
use crate::parse::stream::{Draft, DraftId};
use sabot_ir::ast::Name;
use sabot_ir::job_graph::{OperatorType, Parameter};
use sabot_ir::span::Span;
use std::collections::BTreeMap;

/// The functions that make one.
const WINDOWS: [&str; 5] = ["tumbling", "sliding", "session", "cumulate", "count"];

/// What can be done inside a window, each as it is written.
const INSIDE: [(&str, &str); 5] = [
    ("aggregate", ".aggregate(|window| Record { end: window.end() })"),
    ("reduce", ".reduce(|a, b| ..)"),
    ("top_n", ".top_n(10, |row| row.price)"),
    ("dedup", ".dedup(|row| row.id)"),
    ("distinct", ".distinct()"),
];

impl Window {
    /// Its name in a parameter, where it stands around an operator that is not an aggregate.
    fn word(&self) -> Option<&'static str> {
        let words = [
            (OperatorType::TumblingWindow, "tumbling"),
            (OperatorType::SlidingWindow, "sliding"),
            (OperatorType::CumulateWindow, "cumulate"),
        ];
        words.into_iter().find(|(operator_type, _)| *operator_type == self.operator_type).map(|(_, word)| word)
    }
}

impl Body<'_, '_> {
    /// A method behind `[.key_by(k)].window(w)`.
    pub(super) fn window_method(
        &mut self,
        input: DraftId,
        key: Option<Parameter>,
        window: Window,
        span: Span,
        call: &syn::ExprMethodCall,
        name: &Name,
    ) -> Option<Flow> {
        let usage = INSIDE.iter().find(|(method, _)| *method == name.text).map_or("", |(_, usage)| *usage);
        let draft = match name.text.as_str() {
            "aggregate" | "reduce" => {
                let (parameter, arity) = if name.text == "reduce" { ("reduce", 2) } else { ("function", 1) };
                let function = self.closure_of(call, arity, usage)?;
                let mut draft = Draft::new(window.operator_type, span).input(input);
                draft.parameters = window.parameters;
                let draft = draft.with_closure(parameter, function);
                return Some(self.keyed_draft(draft, key));
            }
            "dedup" | "distinct" if key.is_some() => {
                self.reader.diagnostics.push(syntax::misplaced_method(
                    name.span,
                    &name.text,
                    span,
                    "works on rows, not on groups",
                    "leave `.key_by(..)` away, and write the key here: `.window(..).dedup(|row| row.id)`",
                ));
                return None;
            }
            "top_n" => self.top_n(Draft::new(OperatorType::TopN, name.span).input(input), call, usage)?,
            "dedup" => {
                let key = self.closure_of(call, 1, usage)?;
                Draft::new(OperatorType::Dedup, name.span).input(input).with_closure("key_by", key)
            }
            "distinct" => {
                let [] = self.arguments(call, usage)?;
                Draft::new(OperatorType::Distinct, name.span).input(input)
            }
            _ => return self.unknown(name, "a window", &INSIDE.map(|(method, _)| method)),
        };
        let mut draft = draft;
        draft.parameters.extend(self.inside(window, &name.text, span)?);
        Some(self.keyed_draft(draft, key))
    }

    fn keyed_draft(&mut self, mut draft: Draft, key: Option<Parameter>) -> Flow {
        draft.parameters.extend(key.map(|key| ("key_by".to_owned(), key)));
        Flow::Stream(self.drafts.add(draft))
    }

    /// The parameters of a window around an operator that is not an aggregate.
    pub(super) fn inside(&mut self, window: Window, operator: &str, span: Span) -> Option<BTreeMap<String, Parameter>> {
        let word = window.word();
        let mut parameters = window.parameters;
        let (Some(word), None) = (word, parameters.get("processing_time")) else {
            self.reader.diagnostics.push(syntax::window_of_other_kind(span, operator));
            return None;
        };
        parameters.insert("window".to_owned(), Parameter { value: word.into(), span });
        Some(parameters)
    }

    /// A window with its methods.
    pub(super) fn window(&mut self, written: &syn::Expr, usage: &str) -> Option<Window> {
        let mut calls = Vec::new();
        let mut base = written;
        loop {
            match base {
                syn::Expr::MethodCall(call) => {
                    calls.push(call);
                    base = &call.receiver;
                }
                syn::Expr::Paren(inner) => base = &inner.expr,
                syn::Expr::Group(inner) => base = &inner.expr,
                _ => break,
            }
        }
        let mut window = self.bare_window(base, usage)?;
        for call in calls.into_iter().rev() {
            let name = self.reader.name(&call.method);
            let (parameter, value) = match name.text.as_str() {
                "offset" => {
                    let usage = "tumbling(hours(24)).offset(hours(8))";
                    let [offset] = self.arguments(call, usage)?;
                    let (value, span) = self.signed_duration_ms(offset, usage)?;
                    ("offset_ms", Parameter { value: value.into(), span })
                }
                "processing_time" => {
                    let [] = self.arguments(call, "tumbling(minutes(5)).processing_time()")?;
                    ("processing_time", Parameter { value: true.into(), span: name.span })
                }
                _ => {
                    let known = ["offset", "processing_time"];
                    self.reader.diagnostics.push(syntax::unknown_method(name.span, &name.text, "a window", &known));
                    return None;
                }
            };
            let takes = window.operator_type != OperatorType::CountWindow
                && (window.operator_type != OperatorType::SessionWindow || parameter != "offset_ms");
            if !takes {
                let at = self.reader.span_of(base);
                self.reader.diagnostics.push(syntax::misplaced_method(
                    name.span,
                    &name.text,
                    at,
                    "these windows begin with a row, not at a time",
                    "leave it away",
                ));
                return None;
            }
            if window.parameters.insert(parameter.to_owned(), value).is_some() {
                self.reader.diagnostics.push(syntax::said_twice(name.span, &format!("`{}`", name.text)));
            }
        }
        Some(window)
    }

    fn bare_window(&mut self, window: &syn::Expr, usage: &str) -> Option<Window> {
        let at = self.reader.span_of(window);
        let (Some(name), syn::Expr::Call(call)) = (called(window), window) else {
            self.reader.diagnostics.push(syntax::wrong_argument(at, "a window", usage));
            return None;
        };
        let arguments: Vec<&syn::Expr> = call.args.iter().collect();
        let (operator_type, names): (_, &[&str]) = match name.as_str() {
            "tumbling" => (OperatorType::TumblingWindow, &["window_size_ms"]),
            "sliding" => (OperatorType::SlidingWindow, &["window_size_ms", "slide_ms"]),
            "session" => (OperatorType::SessionWindow, &["gap_ms"]),
            "cumulate" => (OperatorType::CumulateWindow, &["step_ms", "window_size_ms"]),
            "count" => (OperatorType::CountWindow, &["count"]),
            _ => {
                let at = self.reader.span_of(&call.func);
                self.reader.diagnostics.push(syntax::unknown_method(at, &name, "the language", &WINDOWS));
                return None;
            }
        };
        if arguments.len() != names.len() {
            let usage = match name.as_str() {
                "sliding" => "sliding(minutes(5), minutes(1))",
                "session" => "session(minutes(30))",
                "cumulate" => "cumulate(minutes(1), hours(1))",
                "count" => "count(100)",
                _ => "tumbling(minutes(5))",
            };
            self.reader.diagnostics.push(syntax::wrong_arguments(at, &name, usage));
            return None;
        }
        let mut parameters = BTreeMap::new();
        for (parameter, argument) in names.iter().zip(arguments) {
            let (value, span) = match *parameter {
                "count" => self.int(argument, usage)?,
                _ => self.duration_ms(argument, usage)?,
            };
            parameters.insert((*parameter).to_owned(), Parameter { value: value.into(), span });
        }
        Some(Window { operator_type, parameters })
    }
}
