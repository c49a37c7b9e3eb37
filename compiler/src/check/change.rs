//! Streams whose rows may be taken back: the column that says so, and who cannot take such rows.
//!
//! An aggregate without a window over rows that never end gives a row again whenever it changes: it takes the old one back
//! and adds the new one. The last column of such a stream, [`CHANGE`], is positive where a row is added and negative where
//! it is taken back; no closure sees it.

use super::operators::{Planner, Stream};
use super::window::Least;
use crate::diagnostics::streams as say;
use sabot_ir::expr::{BinaryOp, Expr, ExprKind, Literal};
use sabot_ir::job_graph::StreamOperatorNode;
use sabot_ir::plan::{AggregateCall, AggregateFunction, Location, NodeId, Operator, Properties};
use sabot_ir::span::Span;
use sabot_ir::ty::{Field, Schema, Type};

/// Name of the column.
pub(super) const CHANGE: &str = "$change";

/// Changes, and what a sink calls them; the last stands for all others. What nobody tells apart is `+I` or `-D`.
const KINDS: [(i128, &str); 3] = [(1, "+I"), (2, "+U"), (-2, "-U")];
const DELETE: &str = "-D";

/// The column that says whether a row is added or taken back.
pub(super) fn field() -> Field {
    Field::new(CHANGE, Type::Int8)
}

impl Planner<'_, '_> {
    /// Properties with what `.emit_every(d)` says: how often changes are given. Of rows that end it says nothing.
    pub(super) fn with_emission(&mut self, op: &StreamOperatorNode, properties: Properties) -> Option<Properties> {
        let emit_every_us = self.length(op, "emit_every_ms", Least::Positive)?;
        if emit_every_us.is_some() && !properties.updating && !properties.bounded {
            let span = op.parameters.get("emit_every_ms").map_or(op.span, |parameter| parameter.span);
            self.cx.say(say::never_changes(op.operator_type.name(), span));
            return None;
        }
        Some(Properties { emit_every_us: emit_every_us.filter(|_| properties.has_change()), ..properties })
    }

    /// The change of a node's rows, if they may be taken back.
    pub(super) fn change(&self, node: NodeId) -> Option<(Expr, Field)> {
        let node = self.plan.node(node);
        let position = u32::try_from(node.schema.len().checked_sub(1)?).ok()?;
        node.properties.has_change().then(|| (Expr::column(position, Type::Int8), field()))
    }

    /// The first of these whose rows may be taken back.
    pub(super) fn change_among(&self, inputs: &[Stream]) -> Option<NodeId> {
        inputs.iter().filter_map(|input| input.node).find(|node| self.change(*node).is_some())
    }

    /// Whether an operator that cannot take rows back gets such rows; reports it.
    pub(super) fn refuse_changes(&mut self, op: &StreamOperatorNode, inputs: &[Stream]) -> bool {
        let Some(node) = self.change_among(inputs) else { return false };
        let (name, at) = self.origin_of_changes(node);
        self.cx.say(say::changes_not_taken(op.operator_type.name(), &op.name, op.span, &name, at));
        true
    }

    /// Whether an aggregate of rows that may be taken back asks which of them came first or last; reports it.
    pub(super) fn refuse_order_of_changes(
        &mut self,
        op: &StreamOperatorNode,
        input: NodeId,
        calls: &[AggregateCall],
    ) -> bool {
        if self.change(input).is_none() {
            return false;
        }
        let is_of_order =
            |call: &&AggregateCall| matches!(call.function, AggregateFunction::First | AggregateFunction::Last);
        let Some(call) = calls.iter().find(is_of_order) else { return false };
        let (name, made) = self.origin_of_changes(input);
        self.cx.say(say::order_of_changes(call.function.name(), &op.name, call.span, &name, made));
        true
    }

    /// The operator that made a stream updating.
    pub(super) fn origin_of_changes(&self, mut node: NodeId) -> (String, Span) {
        loop {
            let this = self.plan.node(node);
            match this.inputs.iter().find(|input| self.plan.node(**input).properties.has_change()) {
                Some(input) => node = *input,
                None => return (self.written_name(node).to_owned(), this.span),
            }
        }
    }

    /// The inputs of a union, all with a change if one has it: rows of the others are added.
    pub(super) fn with_changes_alike(&mut self, op: &StreamOperatorNode, nodes: Vec<NodeId>) -> Option<Vec<NodeId>> {
        if !nodes.iter().any(|node| self.change(*node).is_some()) {
            return Some(nodes);
        }
        let mut alike = Vec::with_capacity(nodes.len());
        for node in nodes {
            if self.change(node).is_some() {
                alike.push(node);
                continue;
            }
            let (mut columns, mut fields, properties) = self.all_columns(node);
            columns.push(Expr::new(ExprKind::Literal(Literal::Int(1)), Type::Int8, op.span));
            fields.push(field());
            let properties = Properties { updating: true, ..properties };
            let operator = Operator::Project { columns };
            alike.push(self.add(
                op,
                format!("{}.added", op.name),
                operator,
                vec![node],
                Schema::new(fields),
                properties,
            ));
        }
        Some(alike)
    }

    /// The columns of a node as they are.
    pub(super) fn all_columns(&self, node: NodeId) -> (Vec<Expr>, Vec<Field>, Properties) {
        let node = self.plan.node(node);
        let columns = (0_u32..).zip(&node.schema.fields).map(|(at, field)| Expr::column(at, field.ty.clone()));
        (columns.collect(), node.schema.fields.clone(), node.properties.clone())
    }

    /// What a sink writes of rows that may be taken back: a column `op` before the others.
    pub(super) fn changelog(&mut self, op: &StreamOperatorNode, node: NodeId) -> Option<NodeId> {
        let Some((change, _)) = self.change(node) else { return Some(node) };
        let sink = self.sinks.get(&op.operator_id)?;
        if let Location::Kafka(_) = self.plan.sinks[sink.0 as usize].connector.location {
            let (name, at) = self.origin_of_changes(node);
            self.cx.say(say::sink_without_changes(&op.name, op.span, &name, at));
            return None;
        }
        let text = |kind: &str| Expr::new(ExprKind::Literal(Literal::String(kind.to_owned())), Type::String, op.span);
        let kind = KINDS.iter().rev().fold(text(DELETE), |otherwise, (code, kind)| {
            let code = Expr::new(ExprKind::Literal(Literal::Int(*code)), Type::Int8, op.span);
            let is_it = super::value::binary(BinaryOp::Eq, change.clone(), code, Type::Bool, op.span);
            super::value::if_(&[], is_it, text(kind), otherwise, op.span)
        });
        let (mut columns, mut fields, properties) = self.all_columns(node);
        columns.pop();
        fields.pop();
        columns.insert(0, kind);
        fields.insert(0, Field::new("op", Type::String));
        let moved = |column: u32| column + 1;
        let properties = Properties {
            bounded: properties.bounded,
            updating: false,
            keyed_by: properties.keyed_by.into_iter().map(moved).collect(),
            event_time: properties.event_time.map(moved),
            window_end: properties.window_end.map(moved),
            emit_every_us: None,
        };
        let operator = Operator::Project { columns };
        Some(self.add(op, format!("{}.changes", op.name), operator, vec![node], Schema::new(fields), properties))
    }
}
