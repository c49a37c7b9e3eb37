//! The body of a pipeline: chains of methods to operators and edges.
//!
//! Every operator and the parameters it leaves here with. A closure is `Value::Closure`; `?` marks what may be missing.
//! From JSON or the guide's API the same parameters come, with names of columns (as in files, or else as in code) where a
//! closure stands here.
//!
//! | method | type | parameters |
//! | --- | --- | --- |
//! | `source::<T>(name, c)`, `table` | SOURCE | `record`: "T", `table`?: true, connector; `.primary_key(f)` → `primary_key`?: `\|r\| key`; `.event_time(f, lateness(d))` → `event_time`?: `\|r\| time`, `lateness_ms`?; `.rows(n)` → `rows`? |
//! | `.filter(f)` | FILTER | `function`: `\|r\| bool`; the guide's form instead: `column`, `operator`? (default `>`), `value` |
//! | `.map(f)`, `.filter_map(f)`, `.flat_map(f)` | MAP, FILTER_MAP, FLAT_MAP | `function`: `\|r\| value` |
//! | `.select(fields![a, b])` | SELECT | `columns`: list of names |
//! | `.union(other)` | UNION | none; two inputs |
//! | `.hash_join(other).on(l, r)` | HASH_JOIN | `left_key`: `\|l\| key`, `right_key`: `\|r\| key`, `kind`?: "left", "right", "full", "semi", "anti" (missing: inner), `within_ms`?; the `.map(\|l, r\| ..)` behind it is the same operator's `function`?: never there for semi and anti, always there for the others if they come from job.rs |
//! | `[.key_by(k)].aggregate(f)` | AGGREGATE | `key_by`?: `\|r\| key`, `function`: `\|g\| value`; the guide's form instead: `aggregate`, `column`? |
//! | `[.key_by(k)].reduce(f)` | AGGREGATE | `key_by`?, `reduce`: `\|a, b\| row` |
//! | `.distinct()` | DISTINCT | none |
//! | `.dedup(k)` | DEDUP | `key_by`: `\|r\| key` |
//! | `[.key_by(k)].top_n(n, by)` | TOP_N | `key_by`?, `n`, `by`: `\|r\| value` |
//! | `.order_by(by)`, `.order_by_desc(by)` | ORDER_BY | `by`: `\|r\| value`, `descending`?: true |
//! | `.limit(n)` | LIMIT | `n` |
//! | `[.key_by(k)].window(w).aggregate(f)` | TUMBLING_WINDOW, … | `key_by`?, `function`: `\|w\| value`; `window_size_ms` (tumbling, sliding, cumulate's max), `slide_ms` (sliding), `gap_ms` (session), `step_ms` (cumulate), `count` (count); `.late(name, c)` → `late`?: name of a SINK without inputs |
//! | `.sink(name, c)` | SINK | connector |
//!
//! A connector is `kafka_topic` (`kafka(t)`), `path` and `format` (`parquet(p)`, `arrow`, `csv`, `ndjson`), `generator`
//! (`nexmark()`, `generate()`) or `standard`: true (`stdin()`, `stdout()`); `.format(Format::Csv)` sets `format`, every
//! other builder method goes to `options`?, a map from its name to its argument as text.
//!
//! Every operator also takes `errors`?: name of a SINK without inputs (`.errors(name, c)`), or `on_error`?: "skip"
//! (`.skip_errors()`). The first input of a join or union is what the method was called on, the second its argument.
//! Names (and ids) are the author's for sources and sinks and after `.named(..)`, else `filter_1`, `filter_2`, ….
//! A span of a parameter is its value's, a span of an operator its method's name. Closures are as written: a function's
//! name in place of a closure has become `|x| f(x)`.

use super::Reader;
use super::connector::{Direction, called};
use super::job::Items;
use super::literal;
use super::stream::{Draft, DraftId, Drafts};
use crate::diagnostics::syntax;
use sabot_ir::ast::{self, Closure, Expr, ExprKind, Literal, Name, Pattern, PatternKind};
use sabot_ir::job_graph::{JobGraph, OperatorType, Parameter, Value};
use sabot_ir::span::Span;
use std::collections::BTreeMap;
use syn::punctuated::Punctuated;

/// The methods of a stream, each as it is written.
const STREAM: [(&str, &str); 24] = [
    ("filter", ".filter(|row| row.price > 100.0)"),
    ("map", ".map(|row| Record { .. })"),
    ("filter_map", ".filter_map(|row| option_of_a_record)"),
    ("flat_map", ".flat_map(|row| vec![..])"),
    ("select", ".select(fields![id, price])"),
    ("union", ".union(other)"),
    ("hash_join", ".hash_join(other).on(|left| left.id, |right| right.id)"),
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
    ("sink", ".sink(\"rows\", parquet(\"rows.parquet\"))"),
    ("errors", ".errors(\"bad_rows\", ndjson(\"bad.ndjson\"))"),
    ("skip_errors", ".skip_errors()"),
    ("named", ".named(\"what it does\")"),
    ("event_time", ".event_time(|row| row.at, lateness(seconds(5)))"),
    ("rows", ".rows(1_000_000)"),
];

/// What else a table has.
const PRIMARY_KEY: &str = ".primary_key(|row| row.id)";

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
const LATER: [(&str, &str); 3] = [
    ("asof_join", "join on equal keys with `.hash_join(other).on(l, r)`"),
    ("lookup_join", "read the table as a source and join it with `.hash_join(table).on(l, r)`"),
    ("process", "use `.map(..)`, `.filter_map(..)` or `.aggregate(..)`"),
];

/// What a chain of methods has come to.
#[derive(Clone)]
enum Flow {
    /// The rows of an operator.
    Stream(DraftId),
    /// `stream.key_by(k)`.
    Keyed { input: DraftId, key: Parameter, span: Span },
    /// `[.key_by(k)].window(w)`.
    Windowed { input: DraftId, key: Option<Parameter>, window: Window, span: Span },
    /// `left.hash_join(right)`.
    Join { left: DraftId, right: DraftId, span: Span },
    /// `left.hash_join(right).on(l, r)`, which needs a `.map(..)`.
    Joined { parameters: BTreeMap<String, Parameter>, left: DraftId, right: DraftId, span: Span },
    /// Behind a sink.
    Ended(Span),
    /// Something was reported.
    Broken,
}

/// A window before its aggregate.
#[derive(Clone)]
struct Window {
    operator_type: OperatorType,
    parameters: BTreeMap<String, Parameter>,
}

/// A `let`.
struct Binding {
    name: Name,
    flow: Flow,
    is_used: bool,
}

/// A pipeline's body while it is read.
pub(super) struct Body<'b, 'r, 'i> {
    pub(super) reader: &'b mut Reader<'r>,
    items: &'b Items<'i>,
    drafts: Drafts,
    scope: Vec<Binding>,
}

/// Reads the body of a pipeline.
pub(super) fn body(reader: &mut Reader<'_>, items: &Items<'_>, job: &Name, block: &syn::Block) -> JobGraph {
    let errors = |reader: &Reader<'_>| reader.diagnostics.as_slice().len();
    let before = errors(reader);
    let mut body = Body { reader, items, drafts: Drafts::default(), scope: Vec::new() };
    for statement in &block.stmts {
        body.statement(statement);
    }
    let scope = std::mem::take(&mut body.scope);
    scope.iter().filter(|binding| !binding.is_used).for_each(|binding| body.finished(&binding.flow));
    let drafts = body.drafts;
    if errors(reader) == before {
        drafts.complain(reader, job);
    }
    drafts.finish(reader, job)
}

impl Body<'_, '_, '_> {
    fn statement(&mut self, statement: &syn::Stmt) {
        match statement {
            syn::Stmt::Local(local) => self.local(local),
            syn::Stmt::Expr(expr, _) => {
                let flow = self.flow(expr);
                self.finished(&flow);
            }
            syn::Stmt::Macro(call) => {
                let at = self.reader.span_of(&call.mac);
                self.reader.diagnostics.push(syntax::not_a_stream(at, "a macro"));
            }
            syn::Stmt::Item(syn::Item::Use(_)) => {}
            syn::Stmt::Item(item) => {
                let at = self.reader.span_of(item);
                self.reader.diagnostics.push(syntax::unsupported_item(
                    at,
                    "an item inside a pipeline",
                    "move it out of the pipeline, to the top of the file",
                ));
            }
        }
    }

    fn local(&mut self, local: &syn::Local) {
        let at = self.reader.span_of(&local.pat);
        let Some(init) = &local.init else {
            self.reader.diagnostics.push(syntax::not_a_stream(at, "a `let` without a value"));
            return;
        };
        let flow = self.flow(&init.expr);
        let mut pattern = &local.pat;
        while let syn::Pat::Type(typed) = pattern {
            pattern = &typed.pat;
        }
        match pattern {
            syn::Pat::Ident(bind) => {
                let name = self.reader.name(&bind.ident);
                self.scope.push(Binding { name, flow, is_used: false });
            }
            syn::Pat::Wild(_) => self.finished(&flow),
            _ => self.reader.diagnostics.push(syntax::unsupported_pattern(
                at,
                "a pattern around a stream",
                "give each stream a name with its own `let`",
            )),
        }
    }

    /// Tells of what was begun and not finished.
    fn finished(&mut self, flow: &Flow) {
        let (at, what, missing, help) = match flow {
            Flow::Stream(_) | Flow::Ended(_) | Flow::Broken => return,
            Flow::Keyed { span, .. } => {
                (*span, "this group", "nothing is computed of it", "go on with `.aggregate(|group| Record { .. })`")
            }
            Flow::Windowed { span, .. } => {
                (*span, "this window", "nothing is computed of it", "go on with `.aggregate(|window| Record { .. })`")
            }
            Flow::Join { span, .. } => {
                (*span, "this join", "has no keys", "go on with `.on(|left| left.id, |right| right.id)`")
            }
            Flow::Joined { span, .. } => (
                *span,
                "this join",
                "nothing is made of its pairs",
                "go on with `.map(|left, right| Record { .. })`, or keep the left rows with `.semi()`",
            ),
        };
        self.reader.diagnostics.push(syntax::unfinished(at, what, missing, help));
    }

    /// What an expression comes to: a chain of methods behind a source or a name.
    fn flow(&mut self, expr: &syn::Expr) -> Flow {
        let mut calls = Vec::new();
        let mut base = expr;
        loop {
            match base {
                syn::Expr::MethodCall(call) => {
                    calls.push(call);
                    base = &call.receiver;
                }
                syn::Expr::Paren(inner) => base = &inner.expr,
                syn::Expr::Group(inner) => base = &inner.expr,
                syn::Expr::Reference(inner) => base = &inner.expr,
                _ => break,
            }
        }
        let mut flow = self.base(base);
        for call in calls.into_iter().rev() {
            flow = self.method(flow, call);
        }
        flow
    }

    fn base(&mut self, base: &syn::Expr) -> Flow {
        let at = self.reader.span_of(base);
        match base {
            syn::Expr::Path(path) if path.qself.is_none() => match path.path.get_ident() {
                Some(ident) => self.bound(&self.reader.name(ident)),
                None => {
                    self.reader.diagnostics.push(syntax::not_a_stream(at, "a path"));
                    Flow::Broken
                }
            },
            syn::Expr::Call(call) => match called(base).as_deref() {
                Some(name @ ("source" | "table")) => self.source(name, call).map_or(Flow::Broken, Flow::Stream),
                Some(name) => {
                    let at = self.reader.span_of(&call.func);
                    self.reader.diagnostics.push(
                        match crate::diagnostics::similar::closest(name, ["source", "table"]) {
                            Some(found) => syntax::wrong_argument(
                                at,
                                "a stream",
                                &format!("{found}::<Record>(\"name\", connector)"),
                            ),
                            None => syntax::not_a_stream(at, "what this function gives"),
                        },
                    );
                    Flow::Broken
                }
                None => {
                    self.reader.diagnostics.push(syntax::not_a_stream(at, "this call"));
                    Flow::Broken
                }
            },
            other => {
                let found = match other {
                    syn::Expr::Lit(_) => "a literal",
                    syn::Expr::If(_) | syn::Expr::Match(_) => "a decision",
                    syn::Expr::ForLoop(_) | syn::Expr::While(_) | syn::Expr::Loop(_) => "a loop",
                    syn::Expr::Closure(_) => "a closure",
                    syn::Expr::Block(_) => "a block",
                    syn::Expr::Macro(_) => "a macro",
                    _ => "this expression",
                };
                self.reader.diagnostics.push(syntax::not_a_stream(at, found));
                Flow::Broken
            }
        }
    }

    fn bound(&mut self, name: &Name) -> Flow {
        if let Some(binding) = self.scope.iter_mut().rfind(|binding| binding.name.text == name.text) {
            binding.is_used = true;
            return binding.flow.clone();
        }
        let known: Vec<&str> = self.scope.iter().map(|binding| binding.name.text.as_str()).collect();
        self.reader.diagnostics.push(syntax::unknown_stream(name.span, &name.text, &known));
        Flow::Broken
    }

    /// `source::<T>(name, connector)`, `table::<T>(name, connector)`.
    fn source(&mut self, function: &str, call: &syn::ExprCall) -> Option<DraftId> {
        let usage = format!("{function}::<Record>(\"name\", parquet(\"rows.parquet\"))");
        let at = self.reader.span_of(&call.func);
        let syn::Expr::Path(path) = &*call.func else { return None };
        let segment = path.path.segments.last()?;
        let types = match &segment.arguments {
            syn::PathArguments::AngleBracketed(types) => self.reader.generic_arguments(types),
            syn::PathArguments::None | syn::PathArguments::Parenthesized(_) => Vec::new(),
        };
        let record = match types.as_slice() {
            [ast::TypeName { kind: ast::TypeNameKind::Path(name, inner), span }] if inner.is_empty() => {
                Some((name.clone(), *span))
            }
            _ => {
                self.reader.diagnostics.push(syntax::wrong_argument(at, "the record that its rows are", &usage));
                None
            }
        };
        let arguments: Vec<&syn::Expr> = call.args.iter().collect();
        let [name, connector] = arguments.as_slice() else {
            let at = self.reader.span(call.paren_token.span.join());
            self.reader.diagnostics.push(syntax::wrong_arguments(at, function, &usage));
            return None;
        };
        let name = self.operator_name(name, &usage);
        let connector = self.connector(connector, Direction::Read);
        let (record, record_at) = record?;
        self.reader.mentioned.insert(record.clone());
        let mut draft = Draft::new(OperatorType::Source, self.reader.span(segment.ident.span())).named(name?);
        draft.parameters = connector?;
        draft.set("record", record, record_at);
        if function == "table" {
            draft.set("table", true, at);
        }
        Some(self.drafts.add(draft))
    }

    /// The flow behind one more method.
    fn method(&mut self, flow: Flow, call: &syn::ExprMethodCall) -> Flow {
        let name = self.reader.name(&call.method);
        if let Some(types) = &call.turbofish {
            let at = self.reader.span_of(types);
            self.reader.diagnostics.push(syntax::wrong_argument(at, "no types here", &format!(".{}(..)", name.text)));
        }
        let next = match flow {
            Flow::Stream(input) => self.stream_method(input, call, &name),
            Flow::Keyed { input, key, span } => self.keyed_method(input, key, span, call, &name),
            Flow::Windowed { input, key, window, span } => match name.text.as_str() {
                "aggregate" => self.window_aggregate(input, key, window, span, call),
                _ => self.unknown(&name, "a window", &["aggregate"]),
            },
            Flow::Join { left, right, span } => match name.text.as_str() {
                "on" => self.on(left, right, span, call),
                _ => {
                    self.reader.diagnostics.push(syntax::misplaced_method(
                        name.span,
                        &name.text,
                        span,
                        "the join has no keys yet",
                        "write `.on(|left| left.id, |right| right.id)` first",
                    ));
                    None
                }
            },
            Flow::Joined { parameters, left, right, span } => {
                self.joined_method(parameters, (left, right), span, call, &name)
            }
            Flow::Ended(span) => {
                self.reader.diagnostics.push(syntax::misplaced_method(
                    name.span,
                    &name.text,
                    span,
                    "nothing comes out of a sink",
                    "give the stream a name with `let` and use it twice",
                ));
                None
            }
            Flow::Broken => {
                self.streams_and_sinks_only(call, &name);
                None
            }
        };
        if next.is_none() {
            self.closures_only(call);
        }
        next.unwrap_or(Flow::Broken)
    }

    /// The code in a call that is otherwise lost: what is wrong with it can be told all the same, and what it mentions
    /// is in use. What was told before is told once.
    fn closures_only(&mut self, call: &syn::ExprMethodCall) {
        for argument in &call.args {
            if let syn::Expr::Closure(closure) = argument {
                self.reader.closure(closure);
            }
        }
    }

    /// What a method behind something broken names can be looked at all the same.
    fn streams_and_sinks_only(&mut self, call: &syn::ExprMethodCall, name: &Name) {
        match (name.text.as_str(), call.args.iter().collect::<Vec<_>>().as_slice()) {
            ("sink" | "errors" | "late", [_, connector]) => {
                self.connector(connector, Direction::Written);
            }
            ("union" | "hash_join", [other]) => {
                self.other(other);
            }
            _ => {}
        }
    }

    fn unknown(&mut self, name: &Name, what: &str, known: &[&str]) -> Option<Flow> {
        let diagnostic = if let Some((_, instead)) = LATER.iter().find(|(later, _)| *later == name.text) {
            syntax::not_yet(name.span, &format!("`.{}(..)`", name.text), instead)
        } else {
            syntax::unknown_method(name.span, &name.text, what, known)
        };
        self.reader.diagnostics.push(diagnostic);
        None
    }

    fn stream_method(&mut self, input: DraftId, call: &syn::ExprMethodCall, name: &Name) -> Option<Flow> {
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
                    return Some(Flow::Join { left: input, right: self.other(other)?, span: name.span });
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
        match name.text.as_str() {
            "event_time" | "rows" | "primary_key" if !is_source => misplaced(
                "said of a source only",
                "write it directly behind `source::<Record>(..)` or `table::<Record>(..)`",
            ),
            "primary_key" if !is_table => misplaced(
                "said of a table only",
                "begin with `table::<Record>(..)`, whose rows replace each other by key",
            ),
            "late" if !is_window(operator_type) => {
                misplaced("only a window refuses late rows", "write it directly behind `.window(..).aggregate(..)`")
            }
            "named" if is_source => {
                misplaced("a source has its name", "change the name in `source::<Record>(\"name\", ..)`")
            }
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
            "errors" | "late" => {
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
                    known.push("primary_key");
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

    fn top_n(&mut self, draft: Draft, call: &syn::ExprMethodCall, usage: &str) -> Option<Draft> {
        let [n, by] = self.arguments(call, usage)?;
        let (n, at) = self.int(n, usage)?;
        Some(draft.with("n", n, at).with_closure("by", self.function(by, "top_n", 1, usage)?))
    }

    fn keyed_method(
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

    fn window_aggregate(
        &mut self,
        input: DraftId,
        key: Option<Parameter>,
        window: Window,
        span: Span,
        call: &syn::ExprMethodCall,
    ) -> Option<Flow> {
        let function = self.closure_of(call, 1, ".aggregate(|window| Record { end: window.end() })")?;
        let mut draft = Draft::new(window.operator_type, span).input(input);
        draft.parameters = window.parameters;
        draft.parameters.extend(key.map(|key| ("key_by".to_owned(), key)));
        let draft = draft.with_closure("function", function);
        Some(Flow::Stream(self.drafts.add(draft)))
    }

    fn window(&mut self, window: &syn::Expr, usage: &str) -> Option<Window> {
        let at = self.reader.span_of(window);
        const WINDOWS: [&str; 5] = ["tumbling", "sliding", "session", "cumulate", "count"];
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

    fn on(&mut self, left: DraftId, right: DraftId, span: Span, call: &syn::ExprMethodCall) -> Option<Flow> {
        let usage = ".on(|left| left.id, |right| right.id)";
        let [left_key, right_key] = self.arguments(call, usage)?;
        let left_key = self.function(left_key, "on", 1, usage);
        let right_key = self.function(right_key, "on", 1, usage);
        let parameters = BTreeMap::from([("left_key".to_owned(), left_key?), ("right_key".to_owned(), right_key?)]);
        Some(Flow::Joined { parameters, left, right, span })
    }

    fn joined_method(
        &mut self,
        mut parameters: BTreeMap<String, Parameter>,
        (left, right): (DraftId, DraftId),
        span: Span,
        call: &syn::ExprMethodCall,
        name: &Name,
    ) -> Option<Flow> {
        let method = name.text.as_str();
        match method {
            "left" | "right" | "full" | "semi" | "anti" => {
                let [] = self.arguments(call, &format!(".{method}()"))?;
                if parameters.contains_key("kind") {
                    self.reader.diagnostics.push(syntax::said_twice(name.span, "the kind of this join"));
                }
                parameters.insert("kind".to_owned(), Parameter { value: method.into(), span: name.span });
                if !matches!(method, "semi" | "anti") {
                    return Some(Flow::Joined { parameters, left, right, span });
                }
            }
            "within" => {
                let usage = ".within(minutes(5))";
                let [distance] = self.arguments(call, usage)?;
                let (value, at) = self.duration_ms(distance, usage)?;
                parameters.insert("within_ms".to_owned(), Parameter { value: value.into(), span: at });
                return Some(Flow::Joined { parameters, left, right, span });
            }
            "map" => {
                let function = self.closure_of(call, 2, ".map(|left, right| Record { .. })")?;
                parameters.insert("function".to_owned(), function);
            }
            "window" => {
                self.reader.diagnostics.push(syntax::not_yet(
                    name.span,
                    "a join inside windows",
                    "join within a time with `.within(minutes(5))`",
                ));
                return None;
            }
            known if STREAM.iter().any(|(stream_method, _)| *stream_method == known) => {
                self.reader.diagnostics.push(syntax::misplaced_method(
                    name.span,
                    known,
                    span,
                    "works on rows, not on pairs",
                    "make one row of each pair first: `.map(|left, right| Record { .. })`",
                ));
                return None;
            }
            _ => {
                return self.unknown(name, "a join", &["map", "left", "right", "full", "semi", "anti", "within"]);
            }
        }
        let mut draft = Draft::new(OperatorType::HashJoin, span).input(left).input(right);
        draft.parameters = parameters;
        Some(Flow::Stream(self.drafts.add(draft)))
    }

    /// A stream that is an argument.
    fn other(&mut self, argument: &syn::Expr) -> Option<DraftId> {
        match self.flow(argument) {
            Flow::Stream(id) => Some(id),
            Flow::Ended(span) => {
                let at = self.reader.span_of(argument);
                self.reader
                    .diagnostics
                    .push(syntax::not_a_stream(at, "what ends in a sink").label(span, "the stream ends here"));
                None
            }
            Flow::Broken => None,
            other => {
                self.finished(&other);
                None
            }
        }
    }

    /// A sink without inputs.
    fn sink(&mut self, name: &syn::Expr, connector: &syn::Expr, at: Span, usage: &str) -> Option<Draft> {
        let name = self.operator_name(name, usage);
        let connector = self.connector(connector, Direction::Written);
        let mut draft = Draft::new(OperatorType::Sink, at).named(name?);
        draft.parameters = connector?;
        Some(draft)
    }

    /// Exactly that many arguments.
    pub(super) fn arguments<'e, const N: usize>(
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
    fn closure_of(&mut self, call: &syn::ExprMethodCall, arity: usize, usage: &str) -> Option<Parameter> {
        let [function] = self.arguments(call, usage)?;
        self.function(function, &call.method.to_string(), arity, usage)
    }

    /// A closure, or the name of a function that stands for one.
    fn function(&mut self, argument: &syn::Expr, method: &str, arity: usize, usage: &str) -> Option<Parameter> {
        let mut argument = argument;
        loop {
            match argument {
                syn::Expr::Paren(inner) => argument = &inner.expr,
                syn::Expr::Group(inner) => argument = &inner.expr,
                syn::Expr::Reference(inner) => argument = &inner.expr,
                _ => break,
            }
        }
        let at = self.reader.span_of(argument);
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
            Some(function) => function.params.iter().map(|(name, _)| name.text.clone()).collect(),
            None => Vec::new(),
        };
        self.reader.mentioned.insert(name.text.clone());
        let pattern = |name: &String| Pattern { kind: PatternKind::Bind(name.clone(), false, None), span };
        let params = names.iter().map(|name| (pattern(name), None)).collect();
        let arguments = names.into_iter().map(|name| Expr { kind: ExprKind::Name(name), span }).collect();
        let body = Box::new(Expr { kind: ExprKind::Call(vec![name], arguments), span });
        Closure { params, body, span }
    }

    /// A literal, or a constant that is one.
    pub(super) fn constant(&mut self, argument: &syn::Expr) -> (Option<Literal>, Span) {
        let at = self.reader.span_of(argument);
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
    pub(super) fn text(&mut self, argument: &syn::Expr, expected: &str, usage: &str) -> Option<(String, Span)> {
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
    fn operator_name(&mut self, argument: &syn::Expr, usage: &str) -> Option<Name> {
        let (text, span) = self.text(argument, "a name", usage)?;
        if text.trim().is_empty() {
            self.reader.diagnostics.push(syntax::wrong_argument(span, "a name that is not empty", usage));
            return None;
        }
        Some(Name { text, span })
    }

    /// A number of rows.
    fn int(&mut self, argument: &syn::Expr, usage: &str) -> Option<(i64, Span)> {
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
    pub(super) fn duration_ms(&mut self, argument: &syn::Expr, usage: &str) -> Option<(i64, Span)> {
        let at = self.reader.span_of(argument);
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
                    value.checked_mul(unit).filter(|value| *value >= 0).and_then(|value| i64::try_from(value).ok())
                }
                _ => None,
            },
            _ => None,
        };
        if value.is_none() {
            let expected = "a duration, such as `millis(500)`, `seconds(5)`, `minutes(5)`, `hours(1)` or `days(1)`";
            self.reader.diagnostics.push(syntax::wrong_argument(at, expected, usage));
        }
        value.map(|value| (value, at))
    }

    /// `fields![a, b]`.
    fn fields(&mut self, argument: &syn::Expr, usage: &str) -> Option<(Value, Span)> {
        let at = self.reader.span_of(argument);
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

impl Draft {
    fn with_closure(mut self, name: &str, closure: Parameter) -> Self {
        self.parameters.insert(name.to_owned(), closure);
        self
    }
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
