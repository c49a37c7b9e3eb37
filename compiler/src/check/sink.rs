//! Sinks: those of rows, and those that take what operators refuse.

use super::operators::{Planner, Stream};
use super::types::Ty;
use crate::diagnostics::operators as say;
use crate::diagnostics::syntax::tells_what_is_not_read;
use sabot_ir::job_graph::{OperatorId, OperatorType, StreamOperatorNode, Value as Parameter};
use sabot_ir::plan::{ErrorPolicy, Operator, Sink, SinkId};
use sabot_ir::span::Span;
use sabot_ir::ty::{Field, Schema, Type};
use std::collections::BTreeMap;

impl Planner<'_, '_> {
    pub(super) fn declare_sinks(&mut self) {
        let mut names: BTreeMap<&str, Span> = BTreeMap::new();
        for op in self.graph.operators.iter().filter(|op| op.operator_type == OperatorType::Sink) {
            if let Some(first) = names.insert(&op.name, op.span) {
                self.cx.say(say::sink_twice(&op.name, op.span, first));
            }
            let id = SinkId(u32::try_from(self.plan.sinks.len()).expect("fewer than 2^32 sinks"));
            let Some(connector) = self.connector(op) else { continue };
            let schema = if self.is_side_sink(&op.operator_id) { error_schema() } else { Schema::default() };
            self.plan.sinks.push(Sink { name: op.name.clone(), connector, schema, span: op.span });
            self.sinks.insert(op.operator_id.clone(), id);
        }
        if !self.graph.operators.iter().any(|op| op.operator_type == OperatorType::Sink) && self.nobody_has_looked() {
            self.cx.say(say::no_sink(&self.graph.job_name));
        }
    }

    /// Whether the sink takes what operators refuse, not rows.
    pub(super) fn is_side_sink(&self, id: &OperatorId) -> bool {
        self.graph.inputs(id).next().is_none()
            && self.graph.operators.iter().any(|op| {
                ["errors", "late", "late_right"]
                    .iter()
                    .any(|name| matches!(op.get(name), Some(Parameter::String(sink)) if *sink == id.0))
            })
    }

    /// Whether nobody has looked for operators that are not read before: the parser of a job.rs does, once the rest of the
    /// text is right.
    fn nobody_has_looked(&self) -> bool {
        let is_by_hand = self.graph.operators.iter().all(|op| op.span.is_none());
        is_by_hand || (self.cx.errors == 0 && !self.cx.diagnostics.as_slice().iter().any(tells_what_is_not_read))
    }

    pub(super) fn sink(&mut self, op: &StreamOperatorNode, input: Option<&Stream>) -> Stream {
        let Some(input) = input else { return Stream::unknown() };
        if !matches!(input.row, Ty::Record(_)) {
            if !input.row.is_error() {
                let found = self.cx.show(&input.row);
                self.cx.say(say::sink_needs_record(&found, &op.name, op.span));
            }
            return Stream::unknown();
        }
        let (Some(node), Some(&id)) = (input.node, self.sinks.get(&op.operator_id)) else { return Stream::unknown() };
        let Some(node) = self.changelog(op, node) else { return Stream::unknown() };
        let schema = self.plan.node(node).schema.clone();
        let properties = self.plan.node(node).properties.clone();
        let mut wire: BTreeMap<(Vec<&str>, bool, &str), ()> = BTreeMap::new();
        for field in &schema.fields {
            let around = field.within.iter().map(|part| part.wire_name.as_str()).collect();
            if wire.insert((around, field.is_presence, &field.wire_name), ()).is_some() {
                self.cx.say(say::sink_column_twice(&op.name, &field.wire_name, op.span));
            }
        }
        self.plan.sinks[id.0 as usize].schema = schema.clone();
        let node = self.add(op, op.name.clone(), Operator::Sink { sink: id }, vec![node], schema, properties);
        Stream { node: Some(node), row: input.row.clone() }
    }

    pub(super) fn look_for_unused(&mut self) {
        if !self.nobody_has_looked() {
            return;
        }
        for op in &self.graph.operators {
            let is_read = self.graph.edges.iter().any(|edge| edge.from == op.operator_id);
            if op.operator_type != OperatorType::Sink && !is_read {
                self.cx.say(say::nothing_reads(op.operator_type.name(), &op.name, op.span));
            }
        }
    }

    pub(super) fn error_policy(&mut self, op: &StreamOperatorNode) -> ErrorPolicy {
        if let Some(Parameter::String(name)) = op.get("errors") {
            return match self.sinks.get(&OperatorId(name.clone())) {
                Some(sink) => ErrorPolicy::Sink(*sink),
                None => {
                    let span = op.parameters.get("errors").map_or(op.span, |parameter| parameter.span);
                    let known: Vec<&str> = self.plan.sinks.iter().map(|sink| sink.name.as_str()).collect();
                    let diagnostic = say::unknown_error_sink(name, "errors", &known, span);
                    self.cx.say(diagnostic);
                    ErrorPolicy::Fail
                }
            };
        }
        match op.get("on_error") {
            Some(Parameter::String(policy)) if policy == "skip" => ErrorPolicy::Skip,
            _ => ErrorPolicy::Fail,
        }
    }
}

/// What an error sink is written.
fn error_schema() -> Schema {
    Schema::new(vec![
        Field::new("operator", Type::String),
        Field::new("code", Type::Int64),
        Field::new("message", Type::String),
        Field::new("row", Type::String),
    ])
}
