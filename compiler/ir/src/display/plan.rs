//! The plan as text: a tree for each sink, one node a line, inputs below their reader.
//!
//! ```text
//! sink enriched: kafka "enriched.quotes" arrow
//!   project map: instrument_id, mid = (bid + ask) / 2.0 -> (instrument_id: i64, mid: f64) [bounded] ~670 rows
//!     #1 source quotes: file "quotes.parquet", columns 3 of 7 -> (…) [bounded] ~1000 rows
//! ```
//!
//! A node that several others read has a number and is shown where it is met first. Columns are called by their names
//! in the node's input.

use super::expr::{column_name, expr_over};
use crate::estimate::estimated_rows;
use crate::expr::{Expr, ExprKind};
use crate::plan::{
    AggregateCall, AggregateFunction, AsofDirection, Connector, ErrorPolicy, JoinKind, Location, Node, NodeId,
    Operator, Param, Plan, Side, SortKey, Source, UserAggregate, WindowKind,
};
use crate::span::Span;
use crate::ty::{Field, Schema};
use std::fmt::{self, Write as _};

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&plan(self))
    }
}

/// The plan as text; ends in a newline.
#[must_use]
pub fn plan(plan: &Plan) -> String {
    let consumers = plan.consumers();
    let mut numbers = vec![None; plan.nodes.len()];
    // Numbered in the order in which the text meets them.
    let mut next = 1_u32;
    for id in top_down(plan) {
        if consumers[id.0 as usize].len() > 1 {
            numbers[id.0 as usize] = Some(next);
            next += 1;
        }
    }
    let rows = estimated_rows(plan);
    let mut printer = Printer { plan, numbers, rows, shown: vec![false; plan.nodes.len()], out: String::new() };
    printer.head();
    for root in plan.roots() {
        printer.node(root, 0);
    }
    printer.out
}

/// What an operator does, on one line, without its schema: `inner on id = ID, build right`.
#[must_use]
pub fn essentials(plan: &Plan, id: NodeId) -> String {
    let node = plan.node(id);
    let params = &plan.params;
    let input = node.inputs.first().map(|input| &plan.node(*input).schema);
    let text = |value: &Expr| input.map_or_else(|| value.to_string(), |schema| expr_over(value, schema, params));
    let list = |values: &[Expr]| values.iter().map(text).collect::<Vec<_>>().join(", ");
    let mut line = match &node.operator {
        Operator::Source { source, columns, prune } => match plan.sources.get(source.0 as usize) {
            Some(source) => {
                let name = if source.name == node.name { String::new() } else { format!("as {}, ", source.name) };
                name + &self::source(source, columns, prune.as_ref(), params)
            }
            None => String::from("unknown source"),
        },
        Operator::Filter { predicate } => text(predicate),
        Operator::Contenders { keys, value, is_least } => {
            let which = if *is_least { "least" } else { "greatest" };
            let keys: Vec<String> = keys.iter().map(&text).collect();
            format!("that may have the {which} {} of ({})", text(value), keys.join(", "))
        }
        Operator::OnTime { end, late, .. } => {
            let sink = late.and_then(|late| plan.sinks.get(late.0 as usize));
            let sink = sink.map_or_else(String::new, |sink| format!(", late rows to {}", sink.name));
            format!("before {}{sink}", text(end))
        }
        Operator::Project { columns } | Operator::FlatMap { columns } => {
            let named = columns.iter().zip(&node.schema.fields).map(|(value, field)| {
                let value = text(value);
                if value == field.name { value } else { format!("{} = {value}", field.name) }
            });
            named.collect::<Vec<_>>().join(", ")
        }
        Operator::Union => String::from("all"),
        Operator::HashJoin { kind, left_keys, right_keys, build, lookup } => {
            let right = node.inputs.get(1).map(|input| &plan.node(*input).schema);
            let right_text =
                |value: &Expr| right.map_or_else(|| value.to_string(), |schema| expr_over(value, schema, params));
            let pairs = left_keys.iter().zip(right_keys).map(|(a, b)| format!("{} = {}", text(a), right_text(b)));
            let pairs = pairs.collect::<Vec<_>>().join(" and ");
            if *lookup {
                return format!("{} on {pairs}, asked by key", join_kind(*kind));
            }
            format!("{} on {pairs}, build {}", join_kind(*kind), side(*build))
        }
        Operator::Aggregate { keys, calls } => {
            let calls = calls.iter().map(|call| aggregate_call(plan, call, &text)).collect::<Vec<_>>().join(", ");
            if keys.is_empty() { calls } else { format!("{calls} by {}", list(keys)) }
        }
        Operator::WindowAggregate { keys, calls, window } => {
            let calls = calls.iter().map(|call| aggregate_call(plan, call, &text)).collect::<Vec<_>>().join(", ");
            let by = if keys.is_empty() { String::new() } else { format!(" by {}", list(keys)) };
            let time = window.time.as_ref().map_or_else(|| "the clock".to_owned(), &text);
            let at = if window.kind.has_times() { format!(" at {time}") } else { String::new() };
            let mut line = format!("{calls}{by} in {}{at}", window_kind(window.kind));
            if window.allowed_lateness_us > 0 {
                let _ = write!(line, ", takes rows for {}us more", window.allowed_lateness_us);
            }
            if let Some(every) = window.emit_every_us {
                let _ = write!(line, ", given every {every}us");
            }
            if let Some(sink) = window.late {
                let name = plan.sinks.get(sink.0 as usize).map_or("unknown", |sink| sink.name.as_str());
                let _ = write!(line, ", late rows to {name}");
            }
            line
        }
        Operator::IntervalJoin { kind, left_keys, right_keys, left_time, right_time, within_us } => {
            let right = node.inputs.get(1).map(|input| &plan.node(*input).schema);
            let right_text =
                |value: &Expr| right.map_or_else(|| value.to_string(), |schema| expr_over(value, schema, params));
            let pairs = left_keys.iter().zip(right_keys).map(|(a, b)| format!("{} = {}", text(a), right_text(b)));
            let pairs = pairs.collect::<Vec<_>>().join(" and ");
            let (left_time, right_time) = (text(left_time), right_text(right_time));
            format!("{} on {pairs}, {left_time} and {right_time} within {within_us}us", join_kind(*kind))
        }
        Operator::AsofJoin { outer, left_keys, right_keys, left_time, right_time, direction, tolerance_us } => {
            let right = node.inputs.get(1).map(|input| &plan.node(*input).schema);
            let right_text =
                |value: &Expr| right.map_or_else(|| value.to_string(), |schema| expr_over(value, schema, params));
            let pairs = left_keys.iter().zip(right_keys).map(|(a, b)| format!("{} = {}", text(a), right_text(b)));
            let mut pairs = pairs.collect::<Vec<_>>().join(" and ");
            if !pairs.is_empty() {
                pairs = format!(" on {pairs},");
            }
            let outer = if *outer { "left" } else { "inner" };
            let (left_time, right_time) = (text(left_time), right_text(right_time));
            let mut line = format!("{outer}{pairs} {left_time} {} {right_time}", asof_direction(*direction));
            if let Some(us) = tolerance_us {
                let _ = write!(line, " within {us}us");
            }
            line
        }
        Operator::Dedup { keys } => format!("by {}", list(keys)),
        Operator::Sort { by, limit, partition_by } => {
            let keys = by.iter().map(|key| sort_key(key, &text)).collect::<Vec<_>>().join(", ");
            let mut line = format!("by {keys}");
            if let Some(limit) = limit {
                let _ = write!(line, ", first {limit}");
            }
            if !partition_by.is_empty() {
                let _ = write!(line, " of each {}", list(partition_by));
            }
            line
        }
        Operator::Limit { rows } => format!("first {rows}"),
        Operator::Sink { sink } => match plan.sinks.get(sink.0 as usize) {
            Some(sink) if sink.name == node.name => connector(&sink.connector),
            Some(sink) => format!("as {}, {}", sink.name, connector(&sink.connector)),
            None => String::from("unknown sink"),
        },
    };
    match node.on_error {
        ErrorPolicy::Fail => {}
        ErrorPolicy::Skip => line.push_str(", on error skip"),
        ErrorPolicy::Sink(sink) => {
            let name = plan.sinks.get(sink.0 as usize).map_or("unknown", |sink| sink.name.as_str());
            let _ = write!(line, ", on error to {name}");
        }
    }
    line
}

/// The kind of a join in the words of the job language.
#[must_use]
pub fn join_kind(kind: JoinKind) -> &'static str {
    match kind {
        JoinKind::Inner => "inner",
        JoinKind::Left => "left",
        JoinKind::Right => "right",
        JoinKind::Full => "full",
        JoinKind::Semi => "semi",
        JoinKind::Anti => "anti",
    }
}

/// The words for a direction.
#[must_use]
pub fn asof_direction(direction: AsofDirection) -> &'static str {
    match direction {
        AsofDirection::Backward => "backward",
        AsofDirection::Forward => "forward",
        AsofDirection::Nearest => "nearest",
    }
}

/// A kind of windows: `tumbling 300000000us`.
#[must_use]
pub fn window_kind(kind: WindowKind) -> String {
    let offset = |us: i64| if us == 0 { String::new() } else { format!(" from {us}us") };
    match kind {
        WindowKind::Tumbling { size_us, offset_us } => format!("tumbling {size_us}us{}", offset(offset_us)),
        WindowKind::Sliding { size_us, slide_us, offset_us } => {
            format!("sliding {size_us}us every {slide_us}us{}", offset(offset_us))
        }
        WindowKind::Session { gap_us } => format!("session {gap_us}us"),
        WindowKind::Cumulate { step_us, max_us, offset_us } => {
            format!("cumulate {step_us}us up to {max_us}us{}", offset(offset_us))
        }
        WindowKind::Count { rows } => format!("count {rows}"),
    }
}

/// A side of a join as a word.
#[must_use]
pub fn side(side: Side) -> &'static str {
    match side {
        Side::Left => "left",
        Side::Right => "right",
    }
}

/// A connector as text: `file "quotes.parquet"`, `kafka "market.quotes" arrow`.
#[must_use]
pub fn connector(connector: &Connector) -> String {
    let mut line = match &connector.location {
        Location::Path(path) => format!("file {path:?}"),
        Location::Kafka(topic) => format!("kafka {topic:?}"),
        Location::Standard => String::from("standard"),
        Location::Generator(name) => format!("generator {name:?}"),
        Location::Postgres(url) => format!("postgres {url:?}"),
    };
    if let Some(format) = connector.format {
        let _ = write!(line, " {}", format.name());
    }
    for (name, value) in &connector.options {
        let _ = write!(line, " {name}={value:?}");
    }
    line
}

/// Each node once, readers before their inputs, in the order of the text.
fn top_down(plan: &Plan) -> Vec<NodeId> {
    let mut order = Vec::new();
    let mut seen = vec![false; plan.nodes.len()];
    let mut stack: Vec<NodeId> = plan.roots().collect();
    stack.reverse();
    while let Some(id) = stack.pop() {
        if !std::mem::replace(&mut seen[id.0 as usize], true) {
            order.push(id);
            stack.extend(plan.node(id).inputs.iter().rev());
        }
    }
    order
}

fn source(source: &Source, columns: &[u32], prune: Option<&Expr>, params: &[Param]) -> String {
    let mut line = connector(&source.connector);
    if columns.len() < source.schema.len() {
        let _ = write!(line, ", columns {} of {}", columns.len(), source.schema.len());
    }
    if let Some(key) = &source.primary_key {
        let names: Vec<String> = key.iter().map(|column| column_name(&source.schema, *column)).collect();
        let _ = write!(line, ", primary key {}", names.join(", "));
    }
    if let Some(time) = &source.event_time {
        let name = column_name(&source.schema, time.column);
        let _ = write!(line, ", event time {name} lateness {}us", time.lateness_us);
    }
    if let Some(prune) = prune {
        let _ = write!(line, ", prune {}", expr_over(prune, &source.schema, params));
    }
    line
}

fn aggregate_call(plan: &Plan, call: &AggregateCall, text: &impl Fn(&Expr) -> String) -> String {
    let share = match call.function {
        AggregateFunction::Percentile(share) | AggregateFunction::ApproxPercentile(share) => {
            Some(share.get().to_string())
        }
        AggregateFunction::Count
        | AggregateFunction::Sum
        | AggregateFunction::Min
        | AggregateFunction::Max
        | AggregateFunction::Avg
        | AggregateFunction::First
        | AggregateFunction::Last
        | AggregateFunction::ArgMin
        | AggregateFunction::ArgMax
        | AggregateFunction::CountDistinct
        | AggregateFunction::ApproxCountDistinct
        | AggregateFunction::Variance
        | AggregateFunction::Stddev
        | AggregateFunction::Median
        | AggregateFunction::Collect
        | AggregateFunction::User(_) => None,
    };
    let args = share.into_iter().chain(call.args.iter().map(text)).collect::<Vec<_>>().join(", ");
    let filter = call.filter.as_ref().map_or_else(String::new, |filter| format!(" if {}", text(filter)));
    let of_user = if let AggregateFunction::User(part) = call.function { plan.user_part(part) } else { None };
    let function = of_user.map_or_else(|| call.function.name().to_owned(), |(of, column)| format!("{of}.{column}"));
    format!("{} = {function}({args}){filter}", call.name)
}

fn sort_key(key: &SortKey, text: &impl Fn(&Expr) -> String) -> String {
    let direction = if key.descending { " descending" } else { "" };
    format!("{}{direction}", text(&key.expr))
}

/// What else is known of the rows: `[bounded, keyed by symbol]`.
fn properties(node: &Node) -> String {
    let properties = &node.properties;
    let mut words = vec![String::from(if properties.bounded { "bounded" } else { "unbounded" })];
    if properties.updating {
        words.push(String::from("updating"));
    }
    if !properties.keyed_by.is_empty() {
        let names: Vec<String> = properties.keyed_by.iter().map(|column| column_name(&node.schema, *column)).collect();
        words.push(format!("keyed by {}", names.join(", ")));
    }
    if let Some(column) = properties.event_time {
        words.push(format!("event time {}", column_name(&node.schema, column)));
    }
    if let Some(column) = properties.window_end {
        words.push(format!("window ends {}", column_name(&node.schema, column)));
    }
    if let Some(every) = properties.emit_every_us {
        words.push(format!("changes every {every}us"));
    }
    words.join(", ")
}

struct Printer<'a> {
    plan: &'a Plan,
    numbers: Vec<Option<u32>>,
    rows: Vec<Option<f64>>,
    shown: Vec<bool>,
    out: String,
}

impl Printer<'_> {
    fn head(&mut self) {
        self.out.push_str("job ");
        self.out.push_str(&self.plan.job);
        if !self.plan.params.is_empty() {
            let params: Vec<String> = self.plan.params.iter().map(parameter).collect();
            let _ = write!(self.out, "({})", params.join(", "));
        }
        self.out.push('\n');
        for aggregate in &self.plan.aggregates {
            self.aggregate(aggregate);
        }
    }

    fn aggregate(&mut self, aggregate: &UserAggregate) {
        let state: Vec<String> = aggregate.state.iter().map(|of| format!("{}: {}", of.name, of.ty)).collect();
        let _ = writeln!(self.out, "aggregate {} ({})", aggregate.name, state.join(", "));
        let names = |prefix: &str| -> Vec<Field> {
            let named = |of: &Field| Field::new(format!("{prefix}{}", of.name), of.ty.clone());
            aggregate.state.iter().map(named).collect()
        };
        for (function, columns, reads) in aggregate.functions() {
            let mut read = if function == "init" { Vec::new() } else { names("") };
            if function == "merge" {
                read.extend(names("other."));
            }
            let args = reads.into_iter().skip(read.len()).enumerate();
            let args: Vec<Field> = args.map(|(at, ty)| Field::new(format!("arg.{at}"), ty.clone())).collect();
            read.extend(args);
            let read = Schema::new(read);
            let columns: Vec<String> =
                columns.iter().map(|column| expr_over(column, &read, &self.plan.params)).collect();
            let _ = writeln!(self.out, "  {function}: {}", columns.join(", "));
        }
    }

    fn node(&mut self, id: NodeId, depth: usize) {
        let at = id.0 as usize;
        for _ in 0..depth {
            self.out.push_str("  ");
        }
        if let Some(number) = self.numbers[at] {
            let _ = write!(self.out, "#{number} ");
        }
        let node = self.plan.node(id);
        let _ = write!(self.out, "{} {}", node.operator.name(), node.name);
        if std::mem::replace(&mut self.shown[at], true) {
            self.out.push_str(" (shown above)\n");
            return;
        }
        let _ = write!(self.out, ": {}", essentials(self.plan, id));
        if !matches!(node.operator, Operator::Sink { .. }) {
            let _ = write!(self.out, " -> ({}) [{}]", node.schema, properties(node));
        }
        if let Some(rows) = self.rows[at] {
            let _ = write!(self.out, " ~{rows:.0} rows");
        }
        self.out.push('\n');
        for input in &node.inputs {
            self.node(*input, depth + 1);
        }
    }
}

fn parameter(param: &Param) -> String {
    let default = param.default.as_ref().map_or_else(String::new, |literal| {
        let kind = ExprKind::Literal(literal.clone());
        format!(" = {}", Expr::new(kind, param.ty.clone(), Span::NONE))
    });
    format!("{}: {}{default}", param.name, param.ty)
}
