//! One function per operator type: its parameters checked, its closures lowered, its nodes added to the plan.

use super::hir::HirClosure;
use super::infer::Body;
use super::lower::Lower;
use super::row::{row_value, strings};
use super::types::Ty;
use super::value::{Presence, Value};
use super::{Cx, region};
use crate::Catalog;
use crate::diagnostics::operators as say;
use sabot_ir::ast;
use sabot_ir::expr::Expr;
use sabot_ir::job_graph::{JobGraph, OperatorId, OperatorType, StreamOperatorNode, Value as Parameter};
use sabot_ir::plan::{Node, NodeId, Operator, Param, Plan, Properties, SinkId};
use sabot_ir::span::Span;
use sabot_ir::ty::Schema;
use std::collections::BTreeMap;

/// The rows that an operator gives.
#[derive(Clone, Debug)]
pub(super) struct Stream {
    /// Their node; none after a mistake.
    pub(super) node: Option<NodeId>,
    /// Their type.
    pub(super) row: Ty,
}

impl Stream {
    /// What comes out of an operator with a mistake.
    pub(super) fn unknown() -> Self {
        Self { node: None, row: Ty::Error }
    }
}

/// The plan that is being made.
pub(super) struct Planner<'a, 'd> {
    pub(super) cx: &'a mut Cx<'d>,
    pub(super) graph: &'a JobGraph,
    pub(super) catalog: &'a Catalog,
    pub(super) plan: Plan,
    streams: BTreeMap<OperatorId, Stream>,
    /// Sinks by the operator's id.
    pub(super) sinks: BTreeMap<OperatorId, SinkId>,
}

/// Makes the plan of a graph whose records and functions are known.
pub(super) fn plan(cx: &mut Cx<'_>, graph: &JobGraph, catalog: &Catalog, params: Vec<Param>) -> Plan {
    let plan = Plan { job: graph.job_name.clone(), params, ..Plan::default() };
    let mut planner = Planner { cx, graph, catalog, plan, streams: BTreeMap::new(), sinks: BTreeMap::new() };
    planner.declare_sinks();
    // Inputs before readers, else in the order of the graph.
    let mut waiting: Vec<(&StreamOperatorNode, bool)> = graph.operators.iter().rev().map(|op| (op, false)).collect();
    let mut open: Vec<&OperatorId> = Vec::new();
    while let Some((operator, inputs_done)) = waiting.pop() {
        if planner.streams.contains_key(&operator.operator_id) {
            continue;
        }
        if !inputs_done && !open.contains(&&operator.operator_id) {
            open.push(&operator.operator_id);
            waiting.push((operator, true));
            let inputs: Vec<_> = graph.inputs(&operator.operator_id).filter_map(|id| graph.operator(id)).collect();
            waiting.extend(inputs.into_iter().rev().map(|input| (input, false)));
            continue;
        }
        let stream = planner.operator(operator);
        planner.streams.insert(operator.operator_id.clone(), stream);
    }
    planner.look_for_unused();
    planner.plan.aggregates = std::mem::take(&mut planner.cx.plan_aggregates);
    planner.plan
}

impl Planner<'_, '_> {
    fn operator(&mut self, op: &StreamOperatorNode) -> Stream {
        let inputs: Vec<Stream> = self
            .graph
            .inputs(&op.operator_id)
            .map(|id| self.streams.get(id).cloned().unwrap_or_else(Stream::unknown))
            .collect();
        let wanted = match op.operator_type {
            OperatorType::Source => 0..=0,
            OperatorType::Union => 2..=usize::MAX,
            OperatorType::HashJoin | OperatorType::AsofJoin => 2..=2,
            OperatorType::Sink if self.is_side_sink(&op.operator_id) => 0..=0,
            OperatorType::Sink
            | OperatorType::Filter
            | OperatorType::Map
            | OperatorType::FilterMap
            | OperatorType::FlatMap
            | OperatorType::Select
            | OperatorType::Aggregate
            | OperatorType::Distinct
            | OperatorType::Dedup
            | OperatorType::TopN
            | OperatorType::OrderBy
            | OperatorType::Limit
            | OperatorType::TumblingWindow
            | OperatorType::SlidingWindow
            | OperatorType::SessionWindow
            | OperatorType::CumulateWindow
            | OperatorType::CountWindow => 1..=1,
        };
        if !wanted.contains(&inputs.len()) {
            self.cx.say(say::wrong_inputs(op.operator_type.name(), &op.name, *wanted.start(), inputs.len(), op.span));
            return Stream::unknown();
        }
        match op.operator_type {
            OperatorType::Source => self.source(op),
            OperatorType::Filter => self.filter(op, &inputs[0]),
            OperatorType::Map => self.map(op, &inputs[0]),
            OperatorType::FilterMap => self.filter_map(op, &inputs[0]),
            OperatorType::Select => self.select(op, &inputs[0]),
            OperatorType::Union => self.union(op, &inputs),
            OperatorType::HashJoin => self.hash_join(op, &inputs[0], &inputs[1]),
            OperatorType::AsofJoin => self.asof_join(op, &inputs[0], &inputs[1]),
            OperatorType::Aggregate => self.aggregate(op, &inputs[0]),
            OperatorType::Distinct | OperatorType::Dedup => self.dedup(op, &inputs[0]),
            OperatorType::TopN => self.top_n(op, &inputs[0]),
            OperatorType::OrderBy => self.order_by(op, &inputs[0]),
            OperatorType::Limit => self.limit(op, &inputs[0]),
            OperatorType::Sink => self.sink(op, inputs.first()),
            OperatorType::FlatMap => match self.required_closure(op) {
                Some(closure) => self.flat_map(op, closure, &inputs[0]),
                None => Stream::unknown(),
            },
            OperatorType::TumblingWindow
            | OperatorType::SlidingWindow
            | OperatorType::SessionWindow
            | OperatorType::CumulateWindow
            | OperatorType::CountWindow => self.window_aggregate(op, &inputs[0]),
        }
    }

    // ---- operators ----

    fn filter(&mut self, op: &StreamOperatorNode, input: &Stream) -> Stream {
        let predicate = match op.get("function") {
            Some(Parameter::Closure(closure)) => self
                .infer(closure, std::slice::from_ref(&input.row), Some(&Ty::BOOL), "`filter`")
                .and_then(|typed| self.lower_row(&typed, input, op.span))
                .and_then(|value| value.into_leaves().pop()),
            _ => self.guide_filter(op, input),
        };
        let (Some(predicate), Some(node)) = (predicate, input.node) else {
            return Stream { node: None, row: input.row.clone() };
        };
        self.same_rows(op, input, node, Operator::Filter { predicate })
    }

    fn map(&mut self, op: &StreamOperatorNode, input: &Stream) -> Stream {
        let Some(closure) = self.required_closure(op) else { return Stream::unknown() };
        let Some(typed) = self.infer(closure, std::slice::from_ref(&input.row), None, "`map`") else {
            return Stream::unknown();
        };
        let row = typed.body.ty.clone();
        if !self.is_row(&row, closure.body.span) {
            return Stream::unknown();
        }
        let value = self.lower_row(&typed, input, op.span);
        self.project(op, op.name.clone(), input.node, row, value)
    }

    fn filter_map(&mut self, op: &StreamOperatorNode, input: &Stream) -> Stream {
        let Some(closure) = self.required_closure(op) else { return Stream::unknown() };
        let Some(typed) = self.infer(closure, std::slice::from_ref(&input.row), None, "`filter_map`") else {
            return Stream::unknown();
        };
        let Ty::Option(row) = &typed.body.ty else {
            if !typed.body.ty.is_error() {
                let found = self.cx.show(&typed.body.ty);
                self.cx.say(say::filter_map_needs_option(&found, closure.body.span));
            }
            return Stream::unknown();
        };
        let row = (**row).clone();
        if !self.is_row(&row, closure.body.span) {
            return Stream::unknown();
        }
        let Some(value) = self.lower_row(&typed, input, op.span) else { return Stream { node: None, row } };
        let (present, value) = match value {
            Value::Option(present, value) => (present, *value),
            Value::Scalar(option) => {
                let default = super::value::default_of(option.ty.value_type());
                let present = super::value::is_some(option.clone(), op.span);
                (present, Value::Scalar(super::value::unwrap_or(option, default, op.span)))
            }
            Value::Parts(_) => return Stream { node: None, row },
        };
        let value = super::value::given(&present, value);
        let Some(node) = input.node else { return Stream { node: None, row } };
        if present == Expr::bool(true) {
            return self.project(op, op.name.clone(), Some(node), row, Some(value)); // it leaves nothing out
        }
        let filtered = self.same_rows(op, input, node, Operator::Filter { predicate: present });
        self.project(op, format!("{}.map", op.name), filtered.node, row, Some(value))
    }

    fn select(&mut self, op: &StreamOperatorNode, input: &Stream) -> Stream {
        let names = strings(op.get("columns"));
        let span = op.parameters.get("columns").map_or(op.span, |parameter| parameter.span);
        let Ty::Record(id) = input.row else {
            if !input.row.is_error() {
                let found = self.cx.show(&input.row);
                self.cx.say(say::select_without_record(&found, op.span));
            }
            return Stream::unknown();
        };
        let mut positions: Vec<usize> = Vec::with_capacity(names.len());
        let mut complete = true;
        for name in &names {
            match self.column(id, name, span) {
                Some(position) if positions.contains(&position) => {
                    self.cx.say(say::column_twice(name, span));
                    complete = false;
                }
                Some(position) => positions.push(position),
                None => complete = false,
            }
        }
        if !complete || positions.is_empty() {
            if complete {
                self.cx.say(say::no_columns(span));
            }
            return Stream::unknown();
        }
        let record = self.cx.record(id);
        let fields = positions.iter().map(|position| record.fields[*position].clone()).collect();
        let name = op.name.clone();
        let row = Ty::Record(self.cx.add_record(super::types::RecordTy {
            name,
            fields,
            shape: super::types::TypeShape::Rows,
            span: Span::NONE,
        }));
        let Value::Parts(columns) = row_value(self.cx, &input.row, 0) else { return Stream::unknown() };
        let parts = positions.iter().map(|position| columns[*position].clone()).collect();
        self.project(op, op.name.clone(), input.node, row, Some(Value::Parts(parts)))
    }

    fn union(&mut self, op: &StreamOperatorNode, inputs: &[Stream]) -> Stream {
        let known: Vec<&Stream> = inputs.iter().filter(|input| !input.row.is_error()).collect();
        let Some(first) = known.first() else { return Stream::unknown() };
        let first_fields = self.fields_of(&first.row);
        for other in &known[1..] {
            if other.row == first.row {
                continue;
            }
            let fields = self.fields_of(&other.row);
            let same = fields.len() == first_fields.len()
                && fields.iter().zip(&first_fields).all(|(a, b)| a.same_place(b) && a.ty == b.ty);
            if !same {
                let schemas = [Schema::new(first_fields.clone()).to_string(), Schema::new(fields).to_string()];
                self.cx.say(say::union_of_different(&schemas[0], &schemas[1], op.span));
                return Stream { node: None, row: first.row.clone() };
            }
        }
        let row = first.row.clone();
        let nodes: Option<Vec<NodeId>> = inputs.iter().map(|input| input.node).collect();
        let Some(nodes) = nodes else { return Stream { node: None, row } };
        let Some(nodes) = self.with_changes_alike(op, nodes) else { return Stream { node: None, row } };
        let of = |what: fn(&Properties) -> Option<u32>| {
            let mut columns = nodes.iter().map(|node| what(&self.plan.node(*node).properties));
            let first = columns.next().flatten();
            first.filter(|_| columns.all(|other| other == first))
        };
        let bounded = nodes.iter().all(|node| self.plan.node(*node).properties.bounded);
        let properties = Properties {
            bounded,
            updating: nodes.iter().any(|node| {
                let properties = &self.plan.node(*node).properties;
                properties.has_change() || (bounded && properties.updating)
            }),
            keyed_by: Vec::new(),
            event_time: of(|properties| properties.event_time),
            window_end: of(|properties| properties.window_end),
            emit_every_us: None,
        };
        let schema = self.plan.node(nodes[0]).schema.clone();
        let node = self.add(op, op.name.clone(), Operator::Union, nodes, schema, properties);
        Stream { node: Some(node), row }
    }

    pub(super) fn row_count(&mut self, op: &StreamOperatorNode) -> Option<u64> {
        let Some(Parameter::Int(n)) = op.get("n") else { return None };
        match u64::try_from(*n) {
            Ok(n) => Some(n),
            Err(_) => {
                let span = op.parameters.get("n").map_or(op.span, |parameter| parameter.span);
                self.cx.say(say::negative_count(*n, span));
                None
            }
        }
    }

    // ---- what operators share ----

    /// An operator that gives the rows of its input, all or some of them.
    pub(super) fn same_rows(
        &mut self,
        op: &StreamOperatorNode,
        input: &Stream,
        node: NodeId,
        operator: Operator,
    ) -> Stream {
        let (schema, properties) = {
            let input = self.plan.node(node);
            (input.schema.clone(), input.properties.clone())
        };
        let mut operator = operator;
        for expr in operator.exprs_mut() {
            region::finish(expr);
        }
        let node = self.add(op, op.name.clone(), operator, vec![node], schema, properties);
        Stream { node: Some(node), row: input.row.clone() }
    }

    /// A projection that gives rows of type `row`.
    pub(super) fn project(
        &mut self,
        op: &StreamOperatorNode,
        name: String,
        input: Option<NodeId>,
        row: Ty,
        value: Option<Value>,
    ) -> Stream {
        let (Some(input), Some(value)) = (input, value) else { return Stream { node: None, row } };
        let fields = self.fields_of(&row);
        let mut value = value;
        // Columns of rows are settled already.
        let made = matches!(self.plan.node(input).operator, Operator::FlatMap { .. } | Operator::Aggregate { .. });
        let is_plain = |leaf: &&Expr| leaf.as_column().is_some();
        if made || !value.leaves().iter().all(is_plain) {
            super::row::settled(&mut value);
        }
        let mut columns = value.into_leaves();
        for column in &mut columns {
            region::finish(column);
        }
        if columns.len() != fields.len() {
            return Stream { node: None, row }; // only after an error
        }
        let of_input = &self.plan.node(input).properties;
        let moved = |from: u32| {
            columns
                .iter()
                .position(|column| column.kind == sabot_ir::expr::ExprKind::Column(from))
                .and_then(|position| u32::try_from(position).ok())
        };
        let keyed_by: Option<Vec<u32>> = of_input.keyed_by.iter().map(|column| moved(*column)).collect();
        let properties = Properties {
            bounded: of_input.bounded,
            updating: of_input.updating,
            keyed_by: keyed_by.unwrap_or_default(),
            event_time: of_input.event_time.and_then(moved),
            window_end: of_input.window_end.and_then(moved),
            emit_every_us: None,
        };
        let mut fields = fields;
        if let Some((column, field)) = self.change(input) {
            columns.push(column);
            fields.push(field);
        }
        let schema = Schema::new(fields);
        let node = self.add(op, name, Operator::Project { columns }, vec![input], schema, properties);
        Stream { node: Some(node), row }
    }

    pub(super) fn add(
        &mut self,
        op: &StreamOperatorNode,
        name: String,
        operator: Operator,
        inputs: Vec<NodeId>,
        schema: Schema,
        properties: Properties,
    ) -> NodeId {
        let on_error = self.error_policy(op);
        self.plan.add(Node { name, operator, inputs, schema, properties, on_error, span: op.span })
    }

    fn required_closure<'b>(&mut self, op: &'b StreamOperatorNode) -> Option<&'b ast::Closure> {
        match op.get("function") {
            Some(Parameter::Closure(closure)) => Some(closure),
            _ => {
                self.cx.say(say::function_missing(op.operator_type.name(), &op.name, op.span));
                None
            }
        }
    }

    /// The typed closure; nothing after a mistake in it.
    pub(super) fn infer(
        &mut self,
        closure: &ast::Closure,
        params: &[Ty],
        result: Option<&Ty>,
        whose: &str,
    ) -> Option<HirClosure> {
        let errors = self.cx.errors;
        if matches!(whose, "`map`" | "`filter_map`" | "`flat_map`") {
            self.cx.owning.push((closure.clone(), params.to_vec()));
        }
        let mut body = Body::new(self.cx, true);
        let mut typed = body.closure(closure, params, result, whose)?;
        body.finish(&mut typed);
        (self.cx.errors == errors || !typed.body.ty.is_error()).then_some(typed)
    }

    /// A closure over one row, lowered; nothing if there has been any mistake.
    pub(super) fn lower_row(&mut self, closure: &HirClosure, input: &Stream, span: Span) -> Option<Value> {
        let row = row_value(self.cx, &input.row, 0);
        self.lower(closure, vec![row], Vec::new(), span)
    }

    /// A closure over these values, lowered; nothing if there has been any mistake.
    pub(super) fn lower(
        &mut self,
        closure: &HirClosure,
        args: Vec<Value>,
        sides: Vec<Presence>,
        span: Span,
    ) -> Option<Value> {
        if self.cx.errors > 0 {
            return None;
        }
        Some(Lower::new(self.cx, sides, span).closure(closure, args))
    }
}
