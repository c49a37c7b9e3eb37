//! Event time along the operators: when a row happened, and who has lost it.

use super::operators::{Planner, Stream};
use super::passed_on::passes_on;
use super::value::default_of;
use crate::diagnostics::streams as say;
use sabot_ir::expr::{BinaryOp, Expr, ExprKind, Failure, FailureKind, Function, Literal, LocalId};
use sabot_ir::job_graph::{StreamOperatorNode, Value as Parameter};
use sabot_ir::plan::{EventTime, JoinKind, NodeId, Operator};
use sabot_ir::span::Span;
use sabot_ir::ty::{TimeUnit, Type};

/// Times in the code of operators.
pub(super) const TIME: Type = Type::Timestamp(TimeUnit::Microsecond);

/// The lateness of a bounded source whose author gave none, through the guide: no row is ever late, and windows close at the
/// end. So far below the range of times that a time less it is one.
const NEVER_LATE_US: i64 = 1 << 61;

impl Planner<'_, '_> {
    /// When a row of this node happened: a `Timestamp` in microseconds over its columns. A row without a time is a row error.
    pub(super) fn time_of(&self, node: NodeId) -> Option<Expr> {
        let node = self.plan.node(node);
        let column = node.properties.event_time?;
        let ty = node.schema.fields.get(column as usize)?.ty.clone();
        let time = Expr::column(column, ty.clone());
        let time = if ty.is_option() {
            let local = LocalId(0);
            let inner = in_micros(Expr::new(ExprKind::Local(local), ty.value_type().clone(), Span::NONE));
            let failure = Failure { kind: FailureKind::UnwrapNone, message: "this row has no event time".to_owned() };
            let otherwise = Expr::new(ExprKind::Fail(failure), TIME, Span::NONE);
            let (option, then, otherwise) = (Box::new(time), Box::new(inner), Box::new(otherwise));
            Expr::new(ExprKind::IfSome { option, local, then, otherwise }, TIME, Span::NONE)
        } else {
            in_micros(time)
        };
        if node.properties.window_end != Some(column) {
            return Some(time);
        }
        // What comes of a window happened in it, and its end is not in it.
        let last = Expr::new(ExprKind::Literal(Literal::Int(1)), Type::Duration, Span::NONE);
        Some(Expr::new(ExprKind::Binary(BinaryOp::Sub, Box::new(time), Box::new(last)), TIME, Span::NONE))
    }

    /// When a row of this stream happened; says what to do where nobody knows.
    pub(super) fn needed_time(&mut self, op: &StreamOperatorNode, what: &str, input: &Stream) -> Option<Expr> {
        let node = input.node?;
        if let Some(time) = self.time_of(node) {
            return Some(time);
        }
        let diagnostic = match self.lost_time(node) {
            Lost::Never(source) => {
                let source = self.plan.node(source);
                say::time_missing(what, op.span, &source.name, source.span)
            }
            Lost::At(node) => say::time_lost(what, op.span, self.written_name(node), self.plan.node(node).span),
        };
        self.cx.say(diagnostic);
        None
    }

    /// Keys in which the end of a window is the column that is known as such, where the key names a copy of it.
    pub(super) fn with_known_end(&self, node: NodeId, keys: &mut [Expr]) {
        let Some(end) = self.plan.node(node).properties.window_end else { return };
        let mut made = self.plan.node(node);
        while let (Operator::Filter { .. } | Operator::Limit { .. }, [input]) = (&made.operator, made.inputs.as_slice())
        {
            made = self.plan.node(*input);
        }
        let Operator::Project { columns } = &made.operator else { return };
        let Some(known) = columns.get(end as usize) else { return };
        for key in keys {
            if let ExprKind::Column(column) = key.kind
                && columns.get(column as usize) == Some(known)
            {
                key.kind = ExprKind::Column(end);
            }
        }
    }

    /// The operator that does not give the event time of its input, or a source that has none.
    fn lost_time(&self, mut node: NodeId) -> Lost {
        loop {
            let this = self.plan.node(node);
            let has_time = |input: &NodeId| self.plan.node(*input).properties.event_time.is_some();
            let is_union = matches!(this.operator, Operator::Union);
            let Some(first) = this.inputs.first() else { return Lost::Never(node) };
            if !is_union && has_time(first) {
                return Lost::At(node);
            }
            // Of a union the one without a time is at fault.
            match this.inputs.iter().find(|input| !has_time(input)) {
                Some(input) => node = *input,
                None => return Lost::At(node),
            }
        }
    }

    /// What the author calls the operator of a node.
    pub(super) fn written_name(&self, node: NodeId) -> &'static str {
        let node = self.plan.node(node);
        let written = self.graph.operators.iter().find(|op| !op.span.is_none() && op.span == node.span);
        written.map_or(node.operator.name(), |op| op.operator_type.name())
    }

    /// The guide's `timestamp_column`: the column becomes the event time, from its source on.
    pub(super) fn timestamp_column(&mut self, op: &StreamOperatorNode, input: &Stream) -> bool {
        let Some(Parameter::String(name)) = op.get("timestamp_column") else { return true };
        let span = op.parameters.get("timestamp_column").map_or(op.span, |parameter| parameter.span);
        let (super::types::Ty::Record(id), Some(node)) = (&input.row, input.node) else { return false };
        let Some(field) = self.column(*id, name, span) else { return false };
        let name_of_field = self.cx.record(*id).fields[field].name.clone();
        let schema = &self.plan.node(node).schema;
        let Some(column) = schema.fields.iter().position(|field| field.name == name_of_field) else { return false };
        if !matches!(schema.fields[column].ty.value_type(), Type::Timestamp(_)) {
            let ty = schema.fields[column].ty.to_string();
            self.cx.say(say::no_time_column(name, &ty, span));
            return false;
        }
        let column = u32::try_from(column).unwrap_or(u32::MAX);
        if !self.adopt_time(node, column) {
            self.cx.say(say::time_column_is_made(name, span));
            return false;
        }
        true
    }

    /// Makes a column the event time of a node and of all before it; whether it comes out of a source as it is.
    fn adopt_time(&mut self, node: NodeId, column: u32) -> bool {
        let this = self.plan.node(node);
        if this.properties.event_time == Some(column) {
            return true;
        }
        let inputs = this.inputs.clone();
        let left_width = inputs.first().map_or(0, |input| self.plan.node(*input).schema.len());
        let left_width = u32::try_from(left_width).unwrap_or(u32::MAX);
        let bounded = this.properties.bounded;
        let comes = match &this.operator {
            Operator::Source { source, columns, .. } => {
                let Some(of_source) = columns.get(column as usize).copied() else { return false };
                let source = source.0 as usize;
                let source = &mut self.plan.sources[source];
                if source.event_time.is_some() {
                    return false;
                }
                let lateness_us = if bounded { NEVER_LATE_US } else { 0 };
                source.event_time = Some(EventTime { column: of_source, lateness_us });
                true
            }
            Operator::Filter { .. } | Operator::Dedup { .. } | Operator::Limit { .. } => {
                self.adopt_time(inputs[0], column)
            }
            Operator::Union => inputs.into_iter().all(|input| self.adopt_time(input, column)),
            Operator::Project { columns } => match columns.get(column as usize).map(|column| &column.kind) {
                Some(ExprKind::Column(from)) => {
                    let from = *from;
                    self.adopt_time(inputs[0], from)
                }
                Some(_) | None => false,
            },
            Operator::HashJoin { kind, .. } => {
                let keeps = !matches!(kind, JoinKind::Right | JoinKind::Full);
                keeps && column < left_width && self.adopt_time(inputs[0], column)
            }
            Operator::FlatMap { columns } => {
                let list = columns.get(column as usize).cloned();
                let width = u32::try_from(self.plan.node(inputs[0]).schema.len()).unwrap_or(u32::MAX);
                let from = list.and_then(|list| (0..width).find(|from| passes_on(&list, *from)));
                from.is_some_and(|from| self.adopt_time(inputs[0], from))
            }
            Operator::OnTime { .. }
            | Operator::Contenders { .. }
            | Operator::Aggregate { .. }
            | Operator::WindowAggregate { .. }
            | Operator::IntervalJoin { .. }
            | Operator::AsofJoin { .. }
            | Operator::Sort { .. }
            | Operator::Sink { .. } => false,
        };
        if comes {
            self.plan.node_mut(node).properties.event_time = Some(column);
        }
        comes
    }
}

/// Where the event time of a stream is.
enum Lost {
    /// This source never had one.
    Never(NodeId),
    /// This operator has one before it, and none behind it.
    At(NodeId),
}

/// A timestamp in microseconds, whatever its unit was.
fn in_micros(time: Expr) -> Expr {
    let (factor, op) = if time.ty == Type::Timestamp(TimeUnit::Millisecond) {
        (1000, None)
    } else if time.ty == Type::Timestamp(TimeUnit::Nanosecond) {
        (1000, Some(Function::DivEuclid))
    } else {
        return time;
    };
    let number = Expr::new(ExprKind::Cast(Box::new(time)), Type::Int64, Span::NONE);
    let factor = Expr { kind: ExprKind::Literal(Literal::Int(factor)), ..default_of(&Type::Int64) };
    let kind = match op {
        None => ExprKind::Binary(BinaryOp::Mul, Box::new(number), Box::new(factor)),
        Some(divide) => ExprKind::Call(divide, vec![number, factor]),
    };
    let micros = Expr::new(kind, Type::Int64, Span::NONE);
    Expr::new(ExprKind::Cast(Box::new(micros)), TIME, Span::NONE)
}
