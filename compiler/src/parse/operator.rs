//! The body of a pipeline: chains of methods to operators and edges.
//!
//! Every operator and the parameters it leaves here with. A closure is `Value::Closure`; `?` marks what may be missing.
//! From JSON or the guide's API the same parameters come, with names of columns (as in files, or else as in code) where a
//! closure stands here.
//!
//! | method | type | parameters |
//! | --- | --- | --- |
//! | `source::<T>(name, c)`, `table` | SOURCE | `record`: "T", `table`?: true, connector; `.primary_key(f)` → `primary_key`?: `\|r\| key`; `.event_time(f, lateness(d))` → `event_time`?: `\|r\| time`, `lateness_ms`?; `.idle_after(d)` → `idle_after_ms`?; `.rows(n)` → `rows`? |
//! | `.filter(f)` | FILTER | `function`: `\|r\| bool`; the guide's form instead: `column`, `operator`? (default `>`), `value` |
//! | `.map(f)`, `.filter_map(f)`, `.flat_map(f)` | MAP, FILTER_MAP, FLAT_MAP | `function`: `\|r\| value` |
//! | `.select(fields![a, b])` | SELECT | `columns`: list of names |
//! | `.union(other)` | UNION | none; two inputs |
//! | `.hash_join(other).on(l, r)` | HASH_JOIN | `left_key`: `\|l\| key`, `right_key`: `\|r\| key`, `kind`?: "left", "right", "full", "semi", "anti" (missing: inner), `.within(d)` → `within_ms`?, `.window(w)` → as of DEDUP, `.as_of_event_time()` → `as_of_event_time`?: true; `.lookup_join(other)` → `lookup`?: true; the `.map(\|l, r\| ..)` behind it is the same operator's `function`?: never there for semi and anti, always there for the others if they come from job.rs |
//! | `.asof_join(other)[.on(l, r)]` | ASOF_JOIN | `left_key`?, `right_key`?, `direction`?: "backward" (or missing), "forward", "nearest", `tolerance_ms`?, `kind`?: "left"; `.map(\|l, r\| ..)` → `function`? |
//! | `[.key_by(k)].aggregate(f)` | AGGREGATE | `key_by`?: `\|r\| key`, `function`: `\|g\| value`; the guide's form instead: `aggregate`, `column`? |
//! | `[.key_by(k)].reduce(f)` | AGGREGATE | `key_by`?, `reduce`: `\|a, b\| row` |
//! | `[.window(w)].distinct()` | DISTINCT | in a window: `window`?: "tumbling", "sliding" or "cumulate", with its lengths as below |
//! | `[.window(w)].dedup(k)` | DEDUP | `key_by`: `\|r\| key`; in a window as DISTINCT |
//! | `[.key_by(k)][.window(w)].top_n(n, by)` | TOP_N | `key_by`?, `n`, `by`: `\|r\| value`; in a window as DISTINCT |
//! | `.order_by(by)`, `.order_by_desc(by)` | ORDER_BY | `by`: `\|r\| value`, `descending`?: true |
//! | `.limit(n)` | LIMIT | `n` |
//! | `[.key_by(k)].window(w).aggregate(f)` | TUMBLING_WINDOW, … | `key_by`?, `function`: `\|w\| value`; `window_size_ms` (tumbling, sliding, cumulate's max), `slide_ms` (sliding), `gap_ms` (session), `step_ms` (cumulate), `count` (count), `offset_ms`?, `processing_time`?: true; `.allowed_lateness(d)` → `allowed_lateness_ms`?, `.emit_every(d)` → `emit_every_ms`?, `.late(name, c)` → `late`?: name of a SINK without inputs |
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

mod arguments;
mod join;
mod methods;
mod window;

use super::Reader;
use super::connector::{Direction, called};
use super::job::Items;
use super::stream::{Draft, DraftId, Drafts};
use crate::diagnostics::similar::closest;
use crate::diagnostics::syntax;
use methods::LATER;
use sabot_ir::ast::{Name, TypeName, TypeNameKind};
use sabot_ir::job_graph::{JobGraph, OperatorType, Parameter};
use sabot_ir::span::Span;
use std::collections::BTreeMap;

/// What a chain of methods has come to.
#[derive(Clone)]
enum Flow {
    /// The rows of an operator.
    Stream(DraftId),
    /// `stream.key_by(k)`.
    Keyed { input: DraftId, key: Parameter, span: Span },
    /// `[.key_by(k)].window(w)`.
    Windowed { input: DraftId, key: Option<Parameter>, window: Window, span: Span },
    /// `left.hash_join(right)`, `left.lookup_join(right)`.
    Join { left: DraftId, right: DraftId, lookup: bool, span: Span },
    /// `left.hash_join(right).on(l, r)`, `left.asof_join(right)`, which need a `.map(..)`.
    Joined {
        operator_type: OperatorType,
        parameters: BTreeMap<String, Parameter>,
        left: DraftId,
        right: DraftId,
        span: Span,
    },
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
pub(super) struct Body<'b, 'r> {
    pub(super) reader: &'b mut Reader<'r>,
    items: &'b Items,
    drafts: Drafts,
    scope: Vec<Binding>,
}

/// Reads the body of a pipeline.
pub(super) fn body(reader: &mut Reader<'_>, items: &Items, job: &Name, block: &syn::Block) -> JobGraph {
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

impl Body<'_, '_> {
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
                    self.reader.diagnostics.push(match closest(name, ["source", "table"]) {
                        Some(found) => {
                            syntax::wrong_argument(at, "a stream", &format!("{found}::<Record>(\"name\", connector)"))
                        }
                        None => syntax::not_a_stream(at, "what this function gives"),
                    });
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
            [TypeName { kind: TypeNameKind::Path(name, inner), span }] if inner.is_empty() => {
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
            Flow::Windowed { input, key, window, span } => self.window_method(input, key, window, span, call, &name),
            Flow::Join { left, right, lookup, span } => match name.text.as_str() {
                "on" => self.on(left, right, lookup, span, call),
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
            Flow::Joined { operator_type, parameters, left, right, span } => {
                let join = join::Begun { operator_type, parameters, left, right, span };
                self.joined_method(join, call, &name)
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
            ("sink" | "errors" | "late" | "late_right", [_, connector]) => {
                self.connector(connector, Direction::Written);
            }
            ("union" | "hash_join" | "asof_join" | "lookup_join", [other]) => {
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
}
