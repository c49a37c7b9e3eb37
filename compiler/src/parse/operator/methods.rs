//! The methods of streams and groups; those of windows are in [`super::window`], those of joins in [`super::join`].

use super::{Body, Flow};
use crate::diagnostics::syntax;
use crate::parse::connector::called;
use crate::parse::stream::{Draft, DraftId};
use sabot_ir::ast::Name;
use sabot_ir::job_graph::{OperatorType, Parameter};
use sabot_ir::span::Span;
use std::collections::BTreeMap;

/// The methods of a stream, each as it is written.
pub(super) const STREAM: [(&str, &str); 30] = [
    ("filter", ".filter(|row| row.price > 100.0)"),
    ("map", ".map(|row| Record { .. })"),
    ("filter_map", ".filter_map(|row| option_of_a_record)"),
    ("flat_map", ".flat_map(|row| vec![..])"),
    ("select", ".select(fields![id, price])"),
    ("union", ".union(other)"),
    ("hash_join", ".hash_join(other).on(|left| left.id, |right| right.id)"),
    ("asof_join", ".asof_join(other).on(|left| left.id, |right| right.id)"),
    ("lookup_join", ".lookup_join(table).on(|left| left.id, |right| right.id)"),
    ("key_by", ".key_by(|row| row.symbol)"),
    ("aggregate", ".aggregate(|group| Record { total: group.sum(|row| row.amount) })"),
    ("reduce", ".reduce(|a, b| ..)"),
    ("distinct", ".distinct()"),
    ("dedup", ".dedup(|row| row.id)"),
    ("top_n", ".top_n(10, |row| row.price)"),
    ("order_by", ".order_by(|row| row.price)"),
    ("order_by_desc", ".order_by_desc(|row| row.price)"),
    ("limit", ".limit(10)"),
    ("window", ".window(tumbling(minutes(5)))"),
    ("late", ".late(\"late_rows\", parquet(\"late.parquet\"))"),
    ("late_right", ".late_right(\"late_rows\", parquet(\"late.parquet\"))"),
    ("allowed_lateness", ".allowed_lateness(minutes(1))"),
    ("emit_every", ".emit_every(seconds(10))"),
    ("sink", ".sink(\"rows\", parquet(\"rows.parquet\"))"),
    ("errors", ".errors(\"bad_rows\", ndjson(\"bad.ndjson\"))"),
    ("skip_errors", ".skip_errors()"),
    ("named", ".named(\"what it does\")"),
    ("event_time", ".event_time(|row| row.at, lateness(seconds(5)))"),
    ("idle_after", ".idle_after(seconds(30))"),
    ("rows", ".rows(1_000_000)"),
];

/// What else a table has.
const PRIMARY_KEY: &str = ".primary_key(|row| row.id)";
const REFRESH_EVERY: &str = ".refresh_every(minutes(1))";

/// Methods that other libraries have, and what they are here.
const ELSEWHERE: [(&str, &str); 27] = [
    ("join", ".hash_join(other).on(|left| left.id, |right| right.id)"),
    ("inner_join", ".hash_join(other).on(|left| left.id, |right| right.id)"),
    ("left_join", ".hash_join(other).on(|left| left.id, |right| right.id).left()"),
    ("group_by", ".key_by(|row| row.symbol)"),
    ("keyed", ".key_by(|row| row.symbol)"),
    ("agg", ".aggregate(|group| Record { .. })"),
    ("sum", ".aggregate(|group| Record { total: group.sum(|row| row.amount) })"),
    ("count", ".aggregate(|group| Record { rows: group.count() })"),
    ("min", ".aggregate(|group| Record { least: group.min(|row| row.amount) })"),
    ("max", ".aggregate(|group| Record { most: group.max(|row| row.amount) })"),
    ("avg", ".aggregate(|group| Record { mean: group.avg(|row| row.amount) })"),
    ("fold", ".aggregate(|group| Record { .. })"),
    ("sort", ".order_by(|row| row.price)"),
    ("sort_by", ".order_by(|row| row.price)"),
    ("sort_by_key", ".order_by(|row| row.price)"),
    ("take", ".limit(10)"),
    ("head", ".limit(10)"),
    ("concat", ".union(other)"),
    ("merge", ".union(other)"),
    ("chain", ".union(other)"),
    ("unique", ".distinct()"),
    ("project", ".select(fields![id, price])"),
    ("columns", ".select(fields![id, price])"),
    ("collect", ".sink(\"rows\", stdout())"),
    ("for_each", ".sink(\"rows\", stdout())"),
    ("write", ".sink(\"rows\", parquet(\"rows.parquet\"))"),
    ("to", ".sink(\"rows\", parquet(\"rows.parquet\"))"),
];

/// Methods that the design has and this version has not.
pub(super) const LATER: [(&str, &str); 1] = [("process", "use `.map(..)`, `.filter_map(..)` or `.aggregate(..)`")];

impl Body<'_, '_> {
    pub(super) fn stream_method(&mut self, input: DraftId, call: &syn::ExprMethodCall, name: &Name) -> Option<Flow> {
        let usage = STREAM.iter().find(|(method, _)| *method == name.text).map_or("", |(_, usage)| *usage);
        let new = |operator_type| Draft::new(operator_type, name.span).input(input);
        let draft =
            match name.text.as_str() {
                "filter" => new(OperatorType::Filter).with_closure("function", self.closure_of(call, 1, usage)?),
                "map" => new(OperatorType::Map).with_closure("function", self.closure_of(call, 1, usage)?),
                "filter_map" => new(OperatorType::FilterMap).with_closure("function", self.closure_of(call, 1, usage)?),
                "flat_map" => new(OperatorType::FlatMap).with_closure("function", self.closure_of(call, 1, usage)?),
                "aggregate" => new(OperatorType::Aggregate).with_closure("function", self.closure_of(call, 1, usage)?),
                "reduce" => new(OperatorType::Aggregate).with_closure("reduce", self.closure_of(call, 2, usage)?),
                "dedup" => new(OperatorType::Dedup).with_closure("key_by", self.closure_of(call, 1, usage)?),
                "order_by" => new(OperatorType::OrderBy).with_closure("by", self.closure_of(call, 1, usage)?),
                "order_by_desc" => new(OperatorType::OrderBy)
                    .with_closure("by", self.closure_of(call, 1, usage)?)
                    .with("descending", true, name.span),
                "select" => {
                    let [fields] = self.arguments(call, usage)?;
                    let (columns, at) = self.fields(fields, usage)?;
                    new(OperatorType::Select).with("columns", columns, at)
                }
                "top_n" => self.top_n(new(OperatorType::TopN), call, usage)?,
                "limit" => {
                    let [n] = self.arguments(call, usage)?;
                    let (n, at) = self.int(n, usage)?;
                    new(OperatorType::Limit).with("n", n, at)
                }
                "distinct" => {
                    let [] = self.arguments(call, usage)?;
                    new(OperatorType::Distinct)
                }
                "union" => {
                    let [other] = self.arguments(call, usage)?;
                    new(OperatorType::Union).input(self.other(other)?)
                }
                "hash_join" => {
                    let [other] = self.arguments(call, usage)?;
                    return Some(Flow::Join { left: input, right: self.other(other)?, lookup: false, span: name.span });
                }
                "lookup_join" => {
                    let [other] = self.arguments(call, usage)?;
                    return Some(Flow::Join { left: input, right: self.other(other)?, lookup: true, span: name.span });
                }
                "asof_join" => {
                    let [other] = self.arguments(call, usage)?;
                    let right = self.other(other)?;
                    let operator_type = OperatorType::AsofJoin;
                    let parameters = BTreeMap::new();
                    return Some(Flow::Joined { operator_type, parameters, left: input, right, span: name.span });
                }
                "key_by" => {
                    let key = self.closure_of(call, 1, usage)?;
                    return Some(Flow::Keyed { input, key, span: name.span });
                }
                "window" => {
                    let [window] = self.arguments(call, usage)?;
                    let window = self.window(window, usage)?;
                    return Some(Flow::Windowed { input, key: None, window, span: name.span });
                }
                "sink" => {
                    let [sink, connector] = self.arguments(call, usage)?;
                    let draft = self.sink(sink, connector, name.span, usage)?.input(input);
                    self.drafts.add(draft);
                    return Some(Flow::Ended(name.span));
                }
                "clone" => {
                    let [] = self.arguments(call, ".clone()")?;
                    return Some(Flow::Stream(input));
                }
                _ => return self.setting(input, call, name, usage).then_some(Flow::Stream(input)),
            };
        Some(Flow::Stream(self.drafts.add(draft)))
    }

    /// A method that says something of the operator before it. Whether it could.
    fn setting(&mut self, id: DraftId, call: &syn::ExprMethodCall, name: &Name, usage: &str) -> bool {
        let operator_type = self.drafts.get(id).operator_type;
        let is_source = operator_type == OperatorType::Source;
        let is_table = self.drafts.get(id).parameters.contains_key("table");
        let before = self.drafts.get(id).span;
        let mut misplaced = |why: &str, help: &str| {
            let diagnostic = syntax::misplaced_method(name.span, &name.text, before, why, help);
            self.reader.diagnostics.push(diagnostic);
            false
        };
        let says = |parameter: &str| self.drafts.get(id).parameters.contains_key(parameter);
        let in_window = says("window");
        let is_asof = operator_type == OperatorType::AsofJoin;
        let is_join = is_asof || operator_type == OperatorType::HashJoin;
        let in_time = in_window || is_asof || says("within_ms") || says("as_of_event_time");
        match name.text.as_str() {
            "event_time" | "idle_after" | "rows" | "primary_key" | "refresh_every" if !is_source => misplaced(
                "said of a source only",
                "write it directly behind `source::<Record>(..)` or `table::<Record>(..)`",
            ),
            "primary_key" if !is_table => misplaced(
                "said of a table only",
                "begin with `table::<Record>(..)`, whose rows replace each other by key",
            ),
            "refresh_every" if !is_table => misplaced(
                "said of a table only",
                "begin with `table::<Record>(..)`, and look its rows up: `.lookup_join(table).on(..)`",
            ),
            "late_right" if !(is_join && in_time) => misplaced(
                "said of a join in windows or in time",
                "write it behind `.hash_join(..).on(..).window(..).map(..)`",
            ),
            "late" if !is_window(operator_type) && !in_time => misplaced(
                "said of what works in windows or in time",
                "write it directly behind `.window(..).aggregate(..)`, or a join, `top_n` or `dedup` with a window",
            ),
            "allowed_lateness" if !is_window(operator_type) => {
                misplaced("said of the aggregate of a window", "write it directly behind `.window(..).aggregate(..)`")
            }
            "emit_every" if !is_window(operator_type) && (in_window || !gives_changes(operator_type)) => misplaced(
                "said of an aggregate, or of `top_n` without a window",
                "write it directly behind `.aggregate(..)`, `.reduce(..)` or `.top_n(..)`",
            ),
            "allowed_lateness" | "emit_every" | "idle_after" => self.length_of(id, call, usage).is_some(),
            "named" if is_source => {
                misplaced("a source has its name", "change the name in `source::<Record>(\"name\", ..)`")
            }
            "refresh_every" => self.length_of(id, call, REFRESH_EVERY).is_some(),
            "event_time" => self.event_time(id, call, usage).is_some(),
            "primary_key" => match self.closure_of(call, 1, PRIMARY_KEY) {
                Some(key) => self.set(id, "primary_key", key, name),
                None => false,
            },
            "rows" => match self.arguments(call, usage).and_then(|[n]| self.int(n, usage)) {
                Some((n, span)) => self.set(id, "rows", Parameter { value: n.into(), span }, name),
                None => false,
            },
            "named" => match self.arguments(call, usage).and_then(|[text]| self.operator_name(text, usage)) {
                Some(operator_name) => {
                    if self.drafts.get(id).name.is_some() {
                        self.reader.diagnostics.push(syntax::said_twice(name.span, "the operator's name"));
                    }
                    self.drafts.get_mut(id).name = Some(operator_name);
                    true
                }
                None => false,
            },
            "skip_errors" => self.arguments(call, usage).is_some_and(|[]| {
                self.no_policy_yet(id, name);
                self.set(id, "on_error", Parameter { value: "skip".into(), span: name.span }, name)
            }),
            "errors" | "late" | "late_right" => {
                let Some([sink, connector]) = self.arguments(call, usage) else { return false };
                let Some(draft) = self.sink(sink, connector, name.span, usage) else { return false };
                let Some(sink) = draft.name.clone() else { return false };
                if name.text == "errors" {
                    self.no_policy_yet(id, name);
                }
                let known = self.set(id, &name.text, Parameter { value: sink.text.into(), span: sink.span }, name);
                self.drafts.add(draft);
                known
            }
            _ => {
                if let Some((_, instead)) = ELSEWHERE.iter().find(|(method, _)| *method == name.text) {
                    let diagnostic = syntax::method_has_other_name(name.span, &name.text, "a stream", instead);
                    self.reader.diagnostics.push(diagnostic);
                    return false;
                }
                let mut known: Vec<&str> = STREAM.iter().map(|(method, _)| *method).collect();
                if is_table {
                    known.extend(["primary_key", "refresh_every"]);
                }
                self.unknown(name, if is_table { "a table" } else { "a stream" }, &known);
                false
            }
        }
    }

    /// Sets a parameter that may be set once. Always true: the stream goes on in any case.
    fn set(&mut self, id: DraftId, parameter: &str, value: Parameter, method: &Name) -> bool {
        if self.drafts.get(id).parameters.contains_key(parameter) {
            self.reader.diagnostics.push(syntax::said_twice(method.span, &format!("`{}`", method.text)));
        }
        self.drafts.get_mut(id).parameters.insert(parameter.to_owned(), value);
        true
    }

    /// Rows with errors go to one place.
    fn no_policy_yet(&mut self, id: DraftId, method: &Name) {
        let other = if method.text == "errors" { "on_error" } else { "errors" };
        if self.drafts.get(id).parameters.contains_key(other) {
            self.reader.diagnostics.push(syntax::said_twice(method.span, "what happens to rows with errors"));
        }
    }

    fn event_time(&mut self, id: DraftId, call: &syn::ExprMethodCall, usage: &str) -> Option<()> {
        let name = self.reader.name(&call.method);
        let [time, lateness] = self.arguments(call, usage)?;
        let time = self.function(time, &name.text, 1, usage)?;
        let at = self.reader.span_of(lateness);
        let lateness = match lateness {
            syn::Expr::Call(inner) if called(lateness).as_deref() == Some("lateness") && inner.args.len() == 1 => {
                self.duration_ms(&inner.args[0], usage)?
            }
            _ => {
                self.reader.diagnostics.push(syntax::wrong_argument(at, "how late rows may be", usage));
                return None;
            }
        };
        self.set(id, "event_time", time, &name);
        self.drafts.get_mut(id).set("lateness_ms", lateness.0, lateness.1);
        Some(())
    }

    /// `.allowed_lateness(d)`, `.emit_every(d)`, `.idle_after(d)`.
    fn length_of(&mut self, id: DraftId, call: &syn::ExprMethodCall, usage: &str) -> Option<()> {
        let name = self.reader.name(&call.method);
        let [length] = self.arguments(call, usage)?;
        let (value, span) = self.duration_ms(length, usage)?;
        self.set(id, &format!("{}_ms", name.text), Parameter { value: value.into(), span }, &name);
        Some(())
    }

    pub(super) fn top_n(&mut self, draft: Draft, call: &syn::ExprMethodCall, usage: &str) -> Option<Draft> {
        let [n, by] = self.arguments(call, usage)?;
        let (n, at) = self.int(n, usage)?;
        Some(draft.with("n", n, at).with_closure("by", self.function(by, "top_n", 1, usage)?))
    }

    pub(super) fn keyed_method(
        &mut self,
        input: DraftId,
        key: Parameter,
        span: Span,
        call: &syn::ExprMethodCall,
        name: &Name,
    ) -> Option<Flow> {
        let usage = STREAM.iter().find(|(method, _)| *method == name.text).map_or("", |(_, usage)| *usage);
        let new = |operator_type| Draft::new(operator_type, name.span).input(input);
        let draft = match name.text.as_str() {
            "aggregate" => new(OperatorType::Aggregate).with_closure("function", self.closure_of(call, 1, usage)?),
            "reduce" => new(OperatorType::Aggregate).with_closure("reduce", self.closure_of(call, 2, usage)?),
            "top_n" => self.top_n(new(OperatorType::TopN), call, usage)?,
            "window" => {
                let [window] = self.arguments(call, usage)?;
                let window = self.window(window, usage)?;
                return Some(Flow::Windowed { input, key: Some(key), window, span: name.span });
            }
            known if STREAM.iter().any(|(method, _)| *method == known) => {
                self.reader.diagnostics.push(syntax::misplaced_method(
                    name.span,
                    known,
                    span,
                    "works on rows, not on groups",
                    "write it before `.key_by(..)`, or aggregate the groups first",
                ));
                return None;
            }
            _ => return self.unknown(name, "a group", &["aggregate", "reduce", "top_n", "window"]),
        };
        let draft = draft.with_closure("key_by", key);
        Some(Flow::Stream(self.drafts.add(draft)))
    }
}

impl Draft {
    pub(super) fn with_closure(mut self, name: &str, closure: Parameter) -> Self {
        self.parameters.insert(name.to_owned(), closure);
        self
    }
}

/// Whether it gives its rows again when they change, without a window over a stream that never ends.
fn gives_changes(operator_type: OperatorType) -> bool {
    matches!(operator_type, OperatorType::Aggregate | OperatorType::TopN)
}

fn is_window(operator_type: OperatorType) -> bool {
    matches!(
        operator_type,
        OperatorType::TumblingWindow
            | OperatorType::SlidingWindow
            | OperatorType::SessionWindow
            | OperatorType::CumulateWindow
            | OperatorType::CountWindow
    )
}
