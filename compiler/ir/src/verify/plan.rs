//! What must hold of a [`Plan`], listed where it does not.
//!
//! - inputs stand before their readers, and each operator has as many as it takes;
//! - every column that an expression reads is one of its input, with the type it has there;
//! - every node of an expression has the type that its form gives it; locals are bound once and used in their scope;
//! - a node's schema has the types that its operator gives; the two sides of a join have equal key types, the inputs of
//!   a union equal schemas, a sink the schema of its input;
//! - sources read columns that they have, ascending.
//!
//! Names of columns do not count, but at sinks, whose files show them.

use super::expr::{Scope, check_expr};
use crate::expr::Expr;
use crate::plan::{AggregateCall, AggregateFunction, ErrorPolicy, JoinKind, NodeId, Operator, Plan, UserAggregate};
use crate::ty::{Field, Schema, TimeUnit, Type};

/// Everything that is wrong with a plan, a sentence each; none if it is well formed. Dead nodes are not looked at.
#[must_use]
pub fn verify(plan: &Plan) -> Vec<String> {
    let mut verifier = Verifier { plan, wrong: Vec::new() };
    if !verifier.inputs_stand_first() {
        // Nothing else can be said of a graph with circles or dangling edges.
        return verifier.wrong;
    }
    let mut written = vec![0_u32; plan.sinks.len()];
    for id in plan.bottom_up() {
        verifier.node(id);
        if let Operator::Sink { sink } = plan.node(id).operator
            && let Some(count) = written.get_mut(sink.0 as usize)
        {
            *count += 1;
        }
    }
    for (sink, count) in plan.sinks.iter().zip(written) {
        if count > 1 {
            verifier.wrong.push(format!("sink `{}` is written by {count} nodes", sink.name));
        }
    }
    plan.aggregates.iter().for_each(|aggregate| verifier.aggregate(aggregate));
    for source in &plan.sources {
        let fields = source.schema.len();
        let in_range = |column: &u32| (*column as usize) < fields;
        if !source.primary_key.iter().flatten().all(in_range)
            || !source.event_time.iter().all(|time| in_range(&time.column))
        {
            verifier.wrong.push(format!("source `{}`: its key or time is not among its columns", source.name));
        }
    }
    verifier.wrong
}

struct Verifier<'a> {
    plan: &'a Plan,
    wrong: Vec<String>,
}

impl Verifier<'_> {
    fn inputs_stand_first(&mut self) -> bool {
        for (id, node) in (0_u32..).zip(&self.plan.nodes) {
            for input in &node.inputs {
                if input.0 >= id {
                    self.wrong.push(format!("node {id} `{}` stands before its input {}", node.name, input.0));
                }
            }
        }
        self.wrong.is_empty()
    }

    fn say(&mut self, id: NodeId, what: impl AsRef<str>) {
        let node = self.plan.node(id);
        let at = format!("{} `{}` (node {})", node.operator.name(), node.name, id.0);
        self.wrong.push(format!("{at}: {}", what.as_ref()));
    }

    fn node(&mut self, id: NodeId) {
        let plan = self.plan;
        let node = plan.node(id);
        let takes = match &node.operator {
            Operator::Source { .. } => 0..=0,
            Operator::Union => 1..=usize::MAX,
            Operator::HashJoin { .. } | Operator::IntervalJoin { .. } | Operator::AsofJoin { .. } => 2..=2,
            Operator::Filter { .. }
            | Operator::OnTime { .. }
            | Operator::Contenders { .. }
            | Operator::Project { .. }
            | Operator::FlatMap { .. }
            | Operator::Aggregate { .. }
            | Operator::WindowAggregate { .. }
            | Operator::Dedup { .. }
            | Operator::Sort { .. }
            | Operator::Limit { .. }
            | Operator::Sink { .. } => 1..=1,
        };
        if !takes.contains(&node.inputs.len()) {
            self.say(id, format!("has {} inputs", node.inputs.len()));
            return;
        }
        let empty = Schema::default();
        let schema_of = |position: usize| node.inputs.get(position).map_or(&empty, |input| &plan.node(*input).schema);
        let input = schema_of(0);
        match &node.operator {
            Operator::Source { source, columns, prune } => {
                let Some(source) = plan.sources.get(source.0 as usize) else {
                    return self.say(id, "reads a source that the plan does not have");
                };
                if !columns.is_sorted_by(|a, b| a < b) {
                    self.say(id, "its columns do not ascend");
                }
                let fields: Vec<_> = columns.iter().filter_map(|at| source.schema.fields.get(*at as usize)).collect();
                if fields.len() != columns.len() {
                    self.say(id, "reads a column that its source does not have");
                }
                self.types(id, &fields.iter().map(|field| field.ty.clone()).collect::<Vec<_>>());
                if let Some(prune) = prune {
                    self.expr(id, "prune", prune, &source.schema, Some(&Type::Bool));
                }
            }
            Operator::Filter { predicate } => {
                self.expr(id, "predicate", predicate, input, Some(&Type::Bool));
                self.types(id, &types(input));
            }
            Operator::Contenders { keys, value, is_least: _ } => {
                for key in keys {
                    self.expr(id, "key", key, input, None);
                }
                self.expr(id, "value", value, input, None);
                self.types(id, &types(input));
                if keys.iter().chain([value]).any(|expr| expr.ty.is_option()) {
                    self.say(id, "compares what may be missing");
                }
            }
            Operator::OnTime { end, late, .. } => {
                self.expr(id, "end", end, input, Some(&TIME));
                self.types(id, &types(input));
                match late.map(|sink| plan.sinks.get(sink.0 as usize)) {
                    Some(Some(sink)) if sink.schema.len() > input.len() => {
                        self.say(id, "its late rows are narrower than their sink");
                    }
                    Some(None) => self.say(id, "sends late rows to a sink that the plan does not have"),
                    Some(Some(_)) | None => {}
                }
            }
            Operator::Project { columns } => {
                for column in columns {
                    self.expr(id, "column", column, input, None);
                }
                self.types(id, &columns.iter().map(|column| column.ty.clone()).collect::<Vec<_>>());
            }
            Operator::FlatMap { columns } => {
                for column in columns {
                    self.expr(id, "list", column, input, None);
                }
                if columns.is_empty() {
                    self.say(id, "has no list to count by");
                }
                let items = columns.iter().map(|column| column.ty.item_type().cloned().unwrap_or(Type::Unit));
                self.types(id, &items.collect::<Vec<_>>());
            }
            Operator::Union => {
                for position in 0..node.inputs.len() {
                    self.types(id, &types(schema_of(position)));
                }
            }
            Operator::HashJoin { kind, left_keys, right_keys, lookup, .. } => {
                let right = schema_of(1);
                let asked = matches!(plan.node(node.inputs[1]).operator, Operator::Source { .. });
                let is_column = |key: &Expr| crate::plan::as_column(key).is_some();
                let has_right = matches!(kind, JoinKind::Right | JoinKind::Full);
                if *lookup && (!asked || has_right || !right_keys.iter().all(is_column)) {
                    self.say(id, "asks by key what cannot be asked so");
                }
                self.keys(id, left_keys, input);
                self.keys(id, right_keys, right);
                let pairs = left_keys.iter().zip(right_keys);
                if left_keys.len() != right_keys.len() || pairs.clone().any(|(a, b)| a.ty != b.ty) {
                    self.say(id, "the keys of its sides differ in type");
                }
                let mut columns = join_types(*kind, input, right);
                let takes_back = node.inputs.iter().any(|input| plan.node(*input).properties.has_change());
                columns.extend((takes_back && node.schema.len() > columns.len()).then_some(Type::Int8));
                self.types(id, &columns);
            }
            Operator::IntervalJoin { kind, left_keys, right_keys, left_time, right_time, within_us } => {
                self.timed_join(id, [left_keys, right_keys], [left_time, right_time], [input, schema_of(1)]);
                if *within_us < 0 {
                    self.say(id, "its rows are less than nothing apart");
                }
                self.types(id, &join_types(*kind, input, schema_of(1)));
            }
            Operator::AsofJoin { outer, left_keys, right_keys, left_time, right_time, .. } => {
                self.timed_join(id, [left_keys, right_keys], [left_time, right_time], [input, schema_of(1)]);
                let kind = if *outer { JoinKind::Left } else { JoinKind::Inner };
                self.types(id, &join_types(kind, input, schema_of(1)));
            }
            Operator::WindowAggregate { keys, calls, window } => {
                self.keys(id, keys, input);
                for call in calls {
                    self.call(id, call, input);
                }
                if let Some(time) = &window.time {
                    self.expr(id, "time", time, input, Some(&TIME));
                }
                let times = if window.kind.has_times() { 2 } else { 0 };
                let columns = keys.iter().map(|key| key.ty.clone()).chain(std::iter::repeat_n(TIME, times));
                let columns: Vec<Type> = columns.chain(calls.iter().map(|call| call.ty.clone())).collect();
                self.types(id, &columns);
                if let Some(sink) = window.late {
                    match plan.sinks.get(sink.0 as usize) {
                        Some(sink) if !sink.schema.same_shape(input) => {
                            self.say(id, format!("its late rows are ({input}), their sink writes ({})", sink.schema));
                        }
                        Some(_) => {}
                        None => self.say(id, "sends late rows to a sink that the plan does not have"),
                    }
                }
            }
            Operator::Aggregate { keys, calls } => {
                self.keys(id, keys, input);
                for call in calls {
                    self.call(id, call, input);
                }
                let columns = keys.iter().map(|key| &key.ty).chain(calls.iter().map(|call| &call.ty));
                let change = (node.schema.len() > keys.len() + calls.len()).then_some(&Type::Int8);
                self.types(id, &columns.chain(change).cloned().collect::<Vec<_>>());
            }
            Operator::Dedup { keys } => {
                self.keys(id, keys, input);
                self.types(id, &types(input));
            }
            Operator::Sort { by, partition_by, .. } => {
                for key in by {
                    self.expr(id, "sort key", &key.expr, input, None);
                }
                self.keys(id, partition_by, input);
                let mut columns = types(input);
                columns.extend((node.schema.len() > columns.len()).then_some(Type::Int8));
                self.types(id, &columns);
            }
            Operator::Limit { .. } => self.types(id, &types(input)),
            Operator::Sink { sink } => match plan.sinks.get(sink.0 as usize) {
                Some(sink) if !sink.schema.same_shape(input) => {
                    self.say(id, format!("writes ({}), its input is ({input})", sink.schema));
                }
                Some(_) => {}
                None => self.say(id, "writes a sink that the plan does not have"),
            },
        }
        let properties = &node.properties;
        let columns = properties.keyed_by.iter().chain(&properties.event_time).chain(&properties.window_end);
        if !matches!(node.operator, Operator::Sink { .. })
            && columns.into_iter().any(|column| *column as usize >= node.schema.len())
        {
            self.say(id, "is keyed or timed by a column that it does not have");
        }
        if let ErrorPolicy::Sink(sink) = node.on_error
            && sink.0 as usize >= plan.sinks.len()
        {
            self.say(id, "sends errors to a sink that the plan does not have");
        }
    }

    fn expr(&mut self, id: NodeId, what: &str, expr: &Expr, input: &Schema, ty: Option<&Type>) {
        let mut scope = Scope::new(input, &self.plan.params);
        check_expr(expr, &mut scope);
        for wrong in scope.into_wrong() {
            self.say(id, format!("{what} `{expr}`: {wrong}"));
        }
        if let Some(ty) = ty
            && expr.ty != *ty
        {
            self.say(id, format!("{what} `{expr}` is {}, must be {ty}", expr.ty));
        }
    }

    fn aggregate(&mut self, aggregate: &UserAggregate) {
        for (name, columns, reads) in aggregate.functions() {
            let read = reads.into_iter().map(|ty| Field::new(String::new(), ty.clone())).collect();
            let read = Schema::new(read);
            if columns.len() != aggregate.state.len() {
                self.wrong.push(format!("`{}::{name}` gives {} columns", aggregate.name, columns.len()));
            }
            for (column, field) in columns.iter().zip(&aggregate.state) {
                let mut scope = Scope::new(&read, &self.plan.params);
                check_expr(column, &mut scope);
                let mut wrong = scope.into_wrong();
                if column.ty != field.ty {
                    wrong.push(format!("it is {}, must be {}", column.ty, field.ty));
                }
                let at = format!("`{}::{name}`, `{}`: `{column}`", aggregate.name, field.name);
                self.wrong.extend(wrong.into_iter().map(|what| format!("{at}: {what}")));
            }
        }
    }

    fn timed_join(&mut self, id: NodeId, keys: [&[Expr]; 2], times: [&Expr; 2], schemas: [&Schema; 2]) {
        for ((keys, time), schema) in keys.iter().zip(times).zip(schemas) {
            self.keys(id, keys, schema);
            self.expr(id, "time", time, schema, Some(&TIME));
        }
        if keys[0].len() != keys[1].len() || keys[0].iter().zip(keys[1]).any(|(a, b)| a.ty != b.ty) {
            self.say(id, "the keys of its sides differ in type");
        }
    }

    fn keys(&mut self, id: NodeId, keys: &[Expr], input: &Schema) {
        for key in keys {
            self.expr(id, "key", key, input, None);
        }
    }

    fn types(&mut self, id: NodeId, computed: &[Type]) {
        let schema = &self.plan.node(id).schema;
        if schema.fields.len() != computed.len() {
            self.say(id, format!("its schema has {} columns, it makes {}", schema.fields.len(), computed.len()));
            return;
        }
        for (field, ty) in schema.fields.iter().zip(computed) {
            if field.ty != *ty {
                self.say(id, format!("its schema says `{}: {}`, it makes {ty}", field.name, field.ty));
            }
        }
    }

    fn call(&mut self, id: NodeId, call: &AggregateCall, input: &Schema) {
        for arg in &call.args {
            self.expr(id, call.function.name(), arg, input, None);
        }
        if let Some(filter) = &call.filter {
            self.expr(id, "aggregate filter", filter, input, Some(&Type::Bool));
        }
        let args: Vec<&Type> = call.args.iter().map(|arg| &arg.ty).collect();
        let fits = |value: &Type| call.ty.value_type() == value.value_type();
        let right = match (call.function, args.as_slice()) {
            (AggregateFunction::Count, [] | [_])
            | (AggregateFunction::CountDistinct | AggregateFunction::ApproxCountDistinct, [_]) => {
                call.ty == Type::Int64
            }
            (
                AggregateFunction::Sum
                | AggregateFunction::Min
                | AggregateFunction::Max
                | AggregateFunction::First
                | AggregateFunction::Last,
                [arg],
            ) => fits(arg),
            (AggregateFunction::ArgMin | AggregateFunction::ArgMax, [_, value]) => fits(value),
            (
                AggregateFunction::Avg
                | AggregateFunction::Variance
                | AggregateFunction::Stddev
                | AggregateFunction::Median
                | AggregateFunction::Percentile(_)
                | AggregateFunction::ApproxPercentile(_),
                [_],
            ) => fits(&Type::Float64),
            (AggregateFunction::Collect, [arg]) => call.ty == Type::List(Box::new((*arg).clone())),
            (AggregateFunction::User(user), args) => {
                self.plan.aggregates.get(user.aggregate as usize).is_some_and(|of| {
                    let takes = of.args.iter().eq(args.iter().copied());
                    takes && of.state.get(user.part as usize).is_some_and(|field| field.ty == call.ty)
                })
            }
            (
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
                | AggregateFunction::Percentile(_)
                | AggregateFunction::ApproxPercentile(_)
                | AggregateFunction::Collect,
                _,
            ) => false,
        };
        if !right {
            let args = args.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
            self.say(id, format!("`{}({args})` does not give {}", call.function.name(), call.ty));
        }
    }
}

/// Times of windows.
const TIME: Type = Type::Timestamp(TimeUnit::Microsecond);

fn types(schema: &Schema) -> Vec<Type> {
    schema.fields.iter().map(|field| field.ty.clone()).collect()
}

/// The types of the columns that a join gives.
#[must_use]
pub fn join_types(kind: JoinKind, left: &Schema, right: &Schema) -> Vec<Type> {
    let optional = |schema: &Schema| types(schema).into_iter().map(Type::optional).collect::<Vec<_>>();
    let (left, right, flags) = match kind {
        JoinKind::Inner => (types(left), types(right), 0),
        JoinKind::Left => (types(left), optional(right), 1),
        JoinKind::Right => (optional(left), types(right), 1),
        JoinKind::Full => (optional(left), optional(right), 2),
        JoinKind::Semi | JoinKind::Anti => (types(left), Vec::new(), 0),
    };
    left.into_iter().chain(right).chain(std::iter::repeat_n(Type::Bool, flags)).collect()
}
