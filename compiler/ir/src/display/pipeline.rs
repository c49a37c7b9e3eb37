//! Pipelines as text: every loop with its origin, steps and ends, then the tables between them.
//!
//! Registers are written by name, with their number where two share the name. The same pipelines give the same text
//! everywhere: `sabotc explain --stage physical` prints it, snapshots hold it.

use super::expr::{Names, column_name, expr, expr_over};
use super::plan::{asof_direction, join_kind, window_kind};
use crate::expr::Expr;
use crate::pipeline::{
    AggregateInput, AggregateSpec, Body, End, Keep, OperatorId, Origin, Pipeline, Pipelines, Reg, Step, StreamOperator,
    TableId, TableKind,
};
use crate::plan::ErrorPolicy;
use crate::ty::{Field, Schema, Type};
use std::fmt::Write as _;

/// All pipelines of a job, in the order they run, and the tables.
#[must_use]
pub fn pipelines(pipelines: &Pipelines) -> String {
    annotated(pipelines, &|_| None)
}

/// The same with a remark beside each operator, wherever it stands: what a run found out about it
/// (`explain --analyze`: rows in and out, time per row).
#[must_use]
pub fn annotated(pipelines: &Pipelines, remark: &dyn Fn(OperatorId) -> Option<String>) -> String {
    let mut out = String::new();
    for (position, pipeline) in pipelines.pipelines.iter().enumerate() {
        let registers = schema(pipeline);
        let mut printer = Printer { pipelines, remark, registers, out: &mut out };
        printer.pipeline(position, pipeline);
    }
    for (position, table) in pipelines.tables.iter().enumerate() {
        let what = table_kind(&table.kind);
        writeln!(out, "table {position} `{}`: {what}", table.name).expect("a String takes any text");
    }
    out
}

/// A pipeline's registers as a schema, so that they are named and checked like columns.
#[must_use]
pub fn schema(pipeline: &Pipeline) -> Schema {
    let field = |register: &crate::pipeline::Register| Field::new(register.name.clone(), register.ty.clone());
    Schema::new(pipeline.registers.iter().map(field).collect())
}

struct Printer<'a> {
    pipelines: &'a Pipelines,
    remark: &'a dyn Fn(OperatorId) -> Option<String>,
    registers: Schema,
    out: &'a mut String,
}

impl Printer<'_> {
    fn line(&mut self, depth: usize, text: &str) {
        writeln!(self.out, "{:width$}{text}", "", width = depth * 2).expect("a String takes any text");
    }

    fn pipeline(&mut self, position: usize, pipeline: &Pipeline) {
        let (from, columns, operator) = match &pipeline.origin {
            Origin::Scan { source, columns, operator, .. } => {
                let name = self.pipelines.sources.get(source.0 as usize).map_or("?", |source| source.name.as_str());
                (format!("scan `{name}`"), columns, *operator)
            }
            Origin::Table { table, columns, operator } => {
                (format!("rows of {}", self.table(*table)), columns, *operator)
            }
            Origin::BuildRows { table, matched, columns, operator } => {
                let which = if *matched { "matched" } else { "unmatched" };
                (format!("{which} rows of {}", self.table(*table)), columns, *operator)
            }
        };
        let operator = self.operator(operator);
        self.line(0, &format!("pipeline {position}: {from}  [{operator}]"));
        let columns: Vec<String> = columns.iter().map(|(at, reg)| format!("{}@{at}", self.typed(*reg))).collect();
        self.line(1, &format!("read {}", list(&columns)));
        if let Origin::Scan { source, prune: Some(prune), .. } = &pipeline.origin {
            let prune = match self.pipelines.sources.get(source.0 as usize) {
                Some(source) => expr_over(prune, &source.schema, &self.pipelines.params),
                None => prune.to_string(),
            };
            self.line(1, &format!("skip what cannot be {prune}"));
        }
        self.body(1, &pipeline.body);
    }

    fn body(&mut self, depth: usize, body: &Body) {
        for step in &body.steps {
            self.step(depth, step);
        }
        self.end(depth, &body.end);
    }

    fn step(&mut self, depth: usize, step: &Step) {
        match step {
            Step::Compute { filter, outputs, live, operator, counts } => {
                let what = match (filter, outputs.is_empty()) {
                    (Some(filter), _) => format!("filter {}", self.expr(filter)),
                    (None, false) => "compute".to_owned(),
                    (None, true) => "count".to_owned(),
                };
                let counted: Vec<String> = counts.iter().map(|counted| self.operator(*counted)).collect();
                let owner = self.operator(*operator);
                let whose = match (counted.as_slice(), *counts == [*operator]) {
                    (_, true) => owner,
                    ([], _) => format!("for {owner}"),
                    (counted, _) if counts.contains(operator) => counted.join(", "),
                    (counted, _) => format!("{} for {owner}", counted.join(", ")),
                };
                let policy = self.policy(*operator);
                self.line(depth, &format!("{what}  [{whose}{policy}]"));
                for (reg, value) in outputs {
                    let text = format!("{} = {}", self.typed(*reg), self.expr(value));
                    self.line(depth + 1, &text);
                }
                if !live.is_empty() && (filter.is_some() || !outputs.is_empty()) {
                    let text = format!("live {}", self.names(live));
                    self.line(depth + 1, &text);
                }
            }
            Step::Contenders { keys, value, is_least, operator } => {
                let (owner, which) = (self.operator(*operator), if *is_least { "least" } else { "greatest" });
                let (value, keys) = (self.names(std::slice::from_ref(value)), self.names(keys));
                self.line(depth, &format!("keep what may be the {which} {value} of {keys}  [{owner}]"));
            }
            Step::FlatMap { lists, items, carry, operator } => {
                let owner = self.operator(*operator);
                self.line(depth, &format!("flat map {}  [{owner}]", self.names(lists)));
                let items: Vec<String> = items.iter().map(|reg| self.typed(*reg)).collect();
                self.line(depth + 1, &format!("items {}", list(&items)));
                if !carry.is_empty() {
                    self.line(depth + 1, &format!("carry {}", self.names(carry)));
                }
            }
            Step::Probe { table, kind, keys, carry, payload, matched, mark_only, operator } => {
                let what = if *mark_only { "mark matches in" } else { "probe" };
                let owner = self.operator(*operator);
                let text =
                    format!("{what} {} ({}) on {}  [{owner}]", self.table(*table), join_kind(*kind), self.names(keys));
                self.line(depth, &text);
                let mut read: Vec<String> =
                    payload.iter().map(|(at, reg)| format!("{}@{at}", self.typed(*reg))).collect();
                read.extend(matched.iter().map(|reg| format!("{} (whether it matched)", self.typed(*reg))));
                if !read.is_empty() {
                    self.line(depth + 1, &format!("read {}", list(&read)));
                }
                if !carry.is_empty() {
                    let text = format!("carry {}", self.names(carry));
                    self.line(depth + 1, &text);
                }
            }
        }
    }

    fn end(&mut self, depth: usize, end: &End) {
        match end {
            End::Sink { sink, columns, operator } => {
                let sink = self.pipelines.sinks.get(sink.0 as usize);
                let columns: Vec<String> = columns
                    .iter()
                    .enumerate()
                    .map(|(at, reg)| {
                        let register = self.name(*reg);
                        match sink.and_then(|sink| sink.schema.fields.get(at)) {
                            Some(field) if field.wire_name != register => format!("{} = {register}", field.wire_name),
                            Some(_) | None => register,
                        }
                    })
                    .collect();
                let name = sink.map_or("?", |sink| sink.name.as_str());
                let text = format!("write `{name}` {}  [{}]", list(&columns), self.operator(*operator));
                self.line(depth, &text);
            }
            End::Build { table, keys, payload, operator } => {
                let text = format!(
                    "build {} on {} with {}  [{}]",
                    self.table(*table),
                    self.names(keys),
                    self.names(payload),
                    self.operator(*operator)
                );
                self.line(depth, &text);
            }
            End::Aggregate { table, keys, inputs, operator } => {
                let text = format!(
                    "aggregate into {} by {}  [{}]",
                    self.table(*table),
                    self.names(keys),
                    self.operator(*operator)
                );
                self.line(depth, &text);
                let kind = self.pipelines.tables.get(table.0 as usize).map(|table| &table.kind);
                for (position, input) in inputs.iter().enumerate() {
                    let spec = match kind {
                        Some(TableKind::Aggregate { calls, .. }) => calls.get(position),
                        Some(
                            TableKind::Join { .. }
                            | TableKind::Sort { .. }
                            | TableKind::Rows { .. }
                            | TableKind::Window { .. }
                            | TableKind::Stream { .. },
                        )
                        | None => None,
                    };
                    let text = self.input(spec, input);
                    self.line(depth + 1, &text);
                }
            }
            End::Collect { table, columns, operator } => {
                let text = format!(
                    "collect {} in {}  [{}]",
                    self.names(columns),
                    self.table(*table),
                    self.operator(*operator)
                );
                self.line(depth, &text);
            }
            End::Late { late, operator } => {
                let owner = self.operator(*operator);
                let text = match late {
                    Some(late) => {
                        let sink = self.pipelines.sinks.get(late.sink.0 as usize);
                        let sink = sink.map_or("?", |sink| sink.name.as_str());
                        format!("late rows to `{sink}` ({})  [{owner}]", self.names(&late.columns))
                    }
                    None => format!("count late rows  [{owner}]"),
                };
                self.line(depth, &text);
            }
            End::Window { table, time, watermark, keys, inputs, late, operator } => {
                let time = time.map_or_else(String::new, |time| format!(" at {}", self.name(time)));
                let text = format!(
                    "aggregate into {} by {}{time}  [{}]",
                    self.table(*table),
                    self.names(keys),
                    self.operator(*operator)
                );
                self.line(depth, &text);
                let kind = self.pipelines.tables.get(table.0 as usize).map(|table| &table.kind);
                for (position, input) in inputs.iter().enumerate() {
                    let spec = match kind {
                        Some(TableKind::Window { calls, .. }) => calls.get(position),
                        Some(
                            TableKind::Join { .. }
                            | TableKind::Sort { .. }
                            | TableKind::Rows { .. }
                            | TableKind::Aggregate { .. }
                            | TableKind::Stream { .. },
                        )
                        | None => None,
                    };
                    let text = self.input(spec, input);
                    self.line(depth + 1, &text);
                }
                if let Some(watermark) = watermark {
                    let text = format!("late by {}", self.name(*watermark));
                    self.line(depth + 1, &text);
                }
                if let Some(late) = late {
                    let name = self.pipelines.sinks.get(late.sink.0 as usize).map_or("?", |sink| sink.name.as_str());
                    let text = format!("late rows to `{name}` {}", self.names(&late.columns));
                    self.line(depth + 1, &text);
                }
            }
            End::Feed { table, input, keys, time, columns, operator } => {
                let time = time.map_or_else(String::new, |time| format!(" at {}", self.name(time)));
                let text = format!(
                    "feed {} of {} by {}{time} with {}  [{}]",
                    if *input == 0 { "left" } else { "right" },
                    self.table(*table),
                    self.names(keys),
                    self.names(columns),
                    self.operator(*operator)
                );
                self.line(depth, &text);
            }
            End::Fork(branches) => {
                for (position, branch) in branches.iter().enumerate() {
                    self.line(depth, &format!("branch {position}"));
                    self.body(depth + 1, branch);
                }
            }
            End::Nothing => self.line(depth, "nothing"),
        }
    }

    fn input(&self, spec: Option<&AggregateSpec>, input: &AggregateInput) -> String {
        let name = spec.map_or("?", |spec| spec.function.name());
        let ty = spec.map_or_else(String::new, |spec| format!(": {}", spec.ty));
        let filter = input.filter.map_or_else(String::new, |filter| format!(" if {}", self.name(filter)));
        format!("{name}{}{filter}{ty}", self.names(&input.args))
    }

    fn expr(&self, value: &Expr) -> String {
        let names = |column: u32| column_name(&self.registers, column);
        expr(value, Names { columns: Some(&names), params: &self.pipelines.params })
    }

    fn name(&self, reg: Reg) -> String {
        column_name(&self.registers, reg.0)
    }

    fn names(&self, regs: &[Reg]) -> String {
        list(&regs.iter().map(|reg| self.name(*reg)).collect::<Vec<_>>())
    }

    fn typed(&self, reg: Reg) -> String {
        let ty = self.registers.fields.get(reg.0 as usize).map_or_else(|| "?".to_owned(), |field| field.ty.to_string());
        format!("{}: {ty}", self.name(reg))
    }

    fn table(&self, table: TableId) -> String {
        let name = self.pipelines.tables.get(table.0 as usize).map_or("?", |table| table.name.as_str());
        format!("table {} `{name}`", table.0)
    }

    fn operator(&self, operator: OperatorId) -> String {
        let name = self.pipelines.operators.get(operator.0 as usize).map_or("?", |info| info.name.as_str());
        (self.remark)(operator).map_or_else(|| name.to_owned(), |remark| format!("{name}: {remark}"))
    }

    fn policy(&self, operator: OperatorId) -> String {
        match self.pipelines.operators.get(operator.0 as usize).map(|info| info.on_error) {
            Some(ErrorPolicy::Fail) | None => String::new(),
            Some(ErrorPolicy::Skip) => ", skips errors".to_owned(),
            Some(ErrorPolicy::Sink(sink)) => {
                let name = self.pipelines.sinks.get(sink.0 as usize).map_or("?", |sink| sink.name.as_str());
                format!(", errors to `{name}`")
            }
        }
    }
}

fn list(items: &[String]) -> String {
    format!("({})", items.join(", "))
}

fn types(types: &[Type]) -> String {
    list(&types.iter().map(ToString::to_string).collect::<Vec<_>>())
}

fn table_kind(kind: &TableKind) -> String {
    match kind {
        TableKind::Join { keys, payload, track_matches } => {
            let tracks = if *track_matches { ", remembers matches" } else { "" };
            format!("join on {} with {}{tracks}", types(keys), types(payload))
        }
        TableKind::Aggregate { keys, calls, closes } => {
            format!("aggregate by {} of {}{}", types(keys), specs(calls), closing(*closes))
        }
        TableKind::Sort { columns, by, limit, partition_by, closes } => {
            let key = |(at, descending): &(u32, bool)| format!("@{at}{}", if *descending { " descending" } else { "" });
            let by = list(&by.iter().map(key).collect::<Vec<_>>());
            let limit = limit.map_or_else(String::new, |limit| format!(", first {limit}"));
            let partition = if partition_by.is_empty() {
                String::new()
            } else {
                format!(" of each {}", list(&partition_by.iter().map(|at| format!("@{at}")).collect::<Vec<_>>()))
            };
            format!("sort {} by {by}{limit}{partition}{}", types(columns), closing(*closes))
        }
        TableKind::Rows { columns, limit } => {
            let limit = limit.map_or_else(String::new, |limit| format!(", first {limit}"));
            format!("rows {}{limit}", types(columns))
        }
        TableKind::Window { keys, calls, kind, processing_time, allowed_lateness_us, emit_every_us } => {
            let mut text = format!("{} by {} of {}", window_kind(*kind), types(keys), specs(calls));
            if *processing_time {
                text.push_str(", by the machine's clock");
            }
            if *allowed_lateness_us > 0 {
                text.push_str(&format!(", takes rows for {allowed_lateness_us}us more"));
            }
            if let Some(every) = emit_every_us {
                text.push_str(&format!(", given every {every}us"));
            }
            text
        }
        TableKind::Stream { keys, inputs, operator, emit_every_us } => {
            let inputs = inputs.iter().map(|input| types(input)).collect::<Vec<_>>().join(" and ");
            let every = emit_every_us.map_or_else(String::new, |every| format!(", changes given every {every}us"));
            format!("{} by {} with {inputs}{every}", stream_operator(operator), types(keys))
        }
    }
}

fn specs(calls: &[AggregateSpec]) -> String {
    let call = |call: &AggregateSpec| format!("{}{}: {}", call.function.name(), types(&call.args), call.ty);
    list(&calls.iter().map(call).collect::<Vec<_>>())
}

fn closing(closes: Option<u32>) -> String {
    closes.map_or_else(String::new, |at| format!(", given when the window that ends at @{at} is complete"))
}

/// A stateful operator and what it depends on: `inner join within 1000us`.
fn stream_operator(operator: &StreamOperator) -> String {
    match operator {
        StreamOperator::Join { kind, keep } => {
            let keep = match keep {
                Keep::Forever => String::new(),
                Keep::Within { us } => format!(" within {us}us"),
                Keep::Window { end } => format!(" of one window, which ends at @{end}"),
            };
            format!("{} join{keep}", join_kind(*kind))
        }
        StreamOperator::Asof { outer, direction, tolerance_us } => {
            let outer = if *outer { "left " } else { "" };
            let tolerance = tolerance_us.map_or_else(String::new, |us| format!(" within {us}us"));
            format!("{outer}asof join {}{tolerance}", asof_direction(*direction))
        }
        StreamOperator::JoinChanges { kind, changes: [left, right] } => {
            let of = |side: &str, change: Option<u32>| {
                change.map_or_else(String::new, |at| format!(", {side} of changes @{at}"))
            };
            format!("changes of {} join{}{}", join_kind(*kind), of("left", *left), of("right", *right))
        }
        StreamOperator::Lookup { kind, source, columns, keys } => {
            let list = |of: &[u32]| of.iter().map(|at| format!("@{at}")).collect::<Vec<_>>().join(" ");
            let source = source.0;
            format!("{} lookup in source {source} by {}, gives {}", join_kind(*kind), list(keys), list(columns))
        }
        StreamOperator::First => "first row".to_owned(),
        StreamOperator::Top { by, limit, change } => {
            let key = |(at, descending): &(u32, bool)| format!("@{at}{}", if *descending { " descending" } else { "" });
            let by = list(&by.iter().map(key).collect::<Vec<_>>());
            format!("first {limit} by {by}{}", changing(*change))
        }
        StreamOperator::Aggregate { calls, inputs: _, change } => {
            format!("changes of {}{}", specs(calls), changing(*change))
        }
    }
}

fn changing(change: Option<u32>) -> String {
    change.map_or_else(String::new, |at| format!(", of changes @{at}"))
}
