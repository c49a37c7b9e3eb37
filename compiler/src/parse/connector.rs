//! Connectors, `kafka("orders").format(Format::Arrow)`, to the guide's parameters.

use super::operator::Body;
use crate::diagnostics::syntax;
use sabot_ir::ast::Literal;
use sabot_ir::job_graph::{Parameter, Value};
use sabot_ir::span::Span;
use std::collections::BTreeMap;
use syn::ext::IdentExt;

/// The functions that make one.
const CONNECTORS: [&str; 10] =
    ["kafka", "parquet", "arrow", "csv", "ndjson", "nexmark", "generate", "stdin", "stdout", "postgres"];

/// How a table of a database is written.
const POSTGRES: &str = "postgres(\"postgresql://localhost/shop\", \"accounts\")";

/// What `Format::` may be followed by, and its name in parameters.
const FORMATS: [(&str, &str); 5] =
    [("Arrow", "arrow"), ("Parquet", "parquet"), ("Csv", "csv"), ("Ndjson", "ndjson"), ("Json", "ndjson")];

/// Whether rows come out of the connector or go into it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Direction {
    Read,
    Written,
}

/// The parameters of a connector.
pub(super) type Connector = BTreeMap<String, Parameter>;

impl Body<'_, '_> {
    /// Reads a connector; nothing if it was reported.
    pub(super) fn connector(&mut self, written: &syn::Expr, direction: Direction) -> Option<Connector> {
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
        let at = self.reader.span_of(base);
        let (syn::Expr::Call(call), Some(name)) = (base, called(base)) else {
            self.reader.diagnostics.push(syntax::not_a_connector(at));
            return None;
        };
        let name_at = self.reader.span_of(&call.func);
        let mut options = BTreeMap::new();
        let mut connector = self.place(&name, name_at, call, direction, &mut options);
        for call in calls.into_iter().rev() {
            let parameters = connector.get_or_insert_default();
            self.builder(call, parameters, &mut options)?;
        }
        let mut connector = connector?;
        if !options.is_empty() {
            connector.insert("options".to_owned(), Parameter { value: Value::Map(options), span: at });
        }
        Some(connector)
    }

    /// What the connector's own call says.
    fn place(
        &mut self,
        name: &str,
        at: Span,
        call: &syn::ExprCall,
        direction: Direction,
        options: &mut BTreeMap<String, Value>,
    ) -> Option<Connector> {
        let usage = match name {
            "kafka" => "kafka(\"topic\").format(Format::Arrow)".to_owned(),
            "parquet" | "arrow" | "csv" | "ndjson" => format!("{name}(\"orders.{name}\")"),
            "postgres" => POSTGRES.to_owned(),
            _ => format!("{name}()"),
        };
        let (key, value, format) = match name {
            "kafka" => ("kafka_topic", None, None),
            "parquet" | "arrow" | "csv" | "ndjson" => ("path", None, Some(name)),
            "nexmark" | "generate" => ("generator", Some(Value::from(name)), None),
            "stdin" | "stdout" => ("standard", Some(Value::Bool(true)), None),
            "postgres" => ("postgres", None, None),
            _ => {
                self.reader.diagnostics.push(syntax::unknown_connector(at, name, &CONNECTORS));
                return None;
            }
        };
        let wrong = match (name, direction) {
            ("stdout", Direction::Read) => Some(("read", "write `stdin()`")),
            ("stdin", Direction::Written) => Some(("written", "write `stdout()`")),
            ("nexmark" | "generate", Direction::Written) => Some(("written", "it makes rows: use it in a `source`")),
            ("postgres", Direction::Written) => Some(("written", "tables of databases are only read: write a file")),
            _ => None,
        };
        if let Some((wrong, help)) = wrong {
            self.reader.diagnostics.push(syntax::connector_direction(at, name, wrong, help));
            return None;
        }
        let arguments: Vec<&syn::Expr> = call.args.iter().collect();
        let mut connector = Connector::new();
        match (value, arguments.as_slice()) {
            (Some(value), []) => {
                connector.insert(key.to_owned(), Parameter { value, span: at });
            }
            (None, [url, table]) if name == "postgres" => {
                let (text, span) = self.text(url, "the URL of a database", &usage)?;
                let (table, _) = self.text(table, "the name of a table", &usage)?;
                connector.insert(key.to_owned(), Parameter { value: text.into(), span });
                options.insert("table".to_owned(), table.into());
            }
            (None, [argument]) if name != "postgres" => {
                let expected = if key == "path" { "a path" } else { "the name of a topic" };
                let (text, span) = self.text(argument, expected, &usage)?;
                connector.insert(key.to_owned(), Parameter { value: text.into(), span });
            }
            _ => {
                let at = self.reader.span_of(call);
                self.reader.diagnostics.push(syntax::wrong_arguments(at, name, &usage));
                return None;
            }
        }
        if let Some(format) = format {
            connector.insert("format".to_owned(), Parameter { value: format.into(), span: at });
        }
        Some(connector)
    }

    /// A builder method. `.column(name, words)` is the option `column.NAME`.
    fn builder(
        &mut self,
        call: &syn::ExprMethodCall,
        connector: &mut Connector,
        options: &mut BTreeMap<String, Value>,
    ) -> Option<()> {
        let name = self.reader.name(&call.method);
        if name.text == "format" {
            let usage = ".format(Format::Arrow)";
            let [argument] = self.arguments(call, usage)?;
            let (format, span) = self.format(argument, usage)?;
            if let Some(known) = connector.get("format")
                && known.value != Value::from(format)
            {
                self.reader.diagnostics.push(syntax::connector_option(
                    name.span,
                    "this connector already says its format",
                    "leave `.format(..)` away",
                ));
                return None;
            }
            connector.insert("format".to_owned(), Parameter { value: format.into(), span });
            return Some(());
        }
        if name.text == "column" {
            let usage = ".column(\"price\", \"uniform:10..20\")";
            let [column, words] = self.arguments(call, usage)?;
            let (column, at) = self.text(column, "the name of a column", usage)?;
            let (words, _) = self.text(words, "what it holds", usage)?;
            if options.insert(format!("column.{column}"), words.into()).is_some() {
                self.reader.diagnostics.push(syntax::said_twice(at, &format!("the column `{column}`")));
            }
            return Some(());
        }
        if name.text == "cache" {
            let usage = ".cache(100_000, minutes(1))";
            let [rows, age] = self.arguments(call, usage)?;
            let rows = self.option(rows)?;
            let (age, _) = self.duration_ms(age, usage)?;
            if options.insert("cache".to_owned(), rows.into()).is_some() {
                self.reader.diagnostics.push(syntax::said_twice(name.span, "`cache`"));
            }
            options.insert("cache_ms".to_owned(), age.to_string().into());
            return Some(());
        }
        let value = match call.args.iter().collect::<Vec<_>>().as_slice() {
            [] => "true".to_owned(),
            [argument] => self.option(argument)?,
            _ => {
                let at = self.reader.span(call.paren_token.span.join());
                self.reader.diagnostics.push(syntax::connector_option(
                    at,
                    "an option of a connector has one value",
                    "write one method for each option: `.delimiter(\";\").header(true)`",
                ));
                return None;
            }
        };
        if options.insert(name.text.clone(), value.into()).is_some() {
            self.reader.diagnostics.push(syntax::said_twice(name.span, &format!("`{}`", name.text)));
        }
        Some(())
    }

    fn format(&mut self, argument: &syn::Expr, usage: &str) -> Option<(&'static str, Span)> {
        let at = self.reader.span_of(argument);
        let word = match argument {
            syn::Expr::Path(path) => path.path.segments.last().map(|segment| segment.ident.unraw().to_string()),
            _ => None,
        };
        let Some(word) = word else {
            self.reader.diagnostics.push(syntax::wrong_argument(at, "a format", usage));
            return None;
        };
        match FORMATS.iter().find(|(written, _)| *written == word) {
            Some((_, format)) => Some((format, at)),
            None => {
                self.reader.diagnostics.push(syntax::unknown_format(at, &word, &FORMATS.map(|(written, _)| written)));
                None
            }
        }
    }

    /// The value of an option as text: a literal, a constant, a duration (its milliseconds) or the last word of a path.
    fn option(&mut self, argument: &syn::Expr) -> Option<String> {
        if let syn::Expr::Call(_) = argument {
            return self.duration_ms(argument, ".option(seconds(5))").map(|(value, _)| value.to_string());
        }
        if let syn::Expr::Path(path) = argument
            && path.path.segments.len() > 1
        {
            return path.path.segments.last().map(|segment| segment.ident.unraw().to_string());
        }
        let (literal, at) = self.constant(argument);
        match literal {
            Some(Literal::Bool(value)) => Some(value.to_string()),
            Some(Literal::Int(value, _)) => Some(value.to_string()),
            Some(Literal::Float(value, _)) => Some(value.to_string()),
            Some(Literal::String(value)) => Some(value),
            Some(Literal::Char(value)) => Some(value.to_string()),
            Some(Literal::Bytes(_)) | None => {
                self.reader.diagnostics.push(syntax::wrong_argument(
                    at,
                    "a literal or a constant",
                    ".option(\"value\")",
                ));
                None
            }
        }
    }
}

/// The last word of a called path.
pub(super) fn called(expr: &syn::Expr) -> Option<String> {
    let syn::Expr::Call(call) = expr else { return None };
    match &*call.func {
        syn::Expr::Path(path) => path.path.segments.last().map(|segment| segment.ident.unraw().to_string()),
        _ => None,
    }
}
