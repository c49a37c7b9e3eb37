//! `.asof_join(other)`: each row with the one row of another stream that is nearest in time; and `.as_of_event_time()`, the
//! same of a table whose rows replace each other: the row that was in force when the left one happened.

use super::operators::{Planner, Stream};
use super::window::Least;
use crate::diagnostics::streams as say;
use sabot_ir::expr::Expr;
use sabot_ir::job_graph::{StreamOperatorNode, Value as Parameter};
use sabot_ir::plan::{AsofDirection, JoinKind, NodeId, Operator};
use sabot_ir::span::Span;

impl Planner<'_, '_> {
    /// The operator `ASOF_JOIN`.
    pub(super) fn asof_join(&mut self, op: &StreamOperatorNode, left: &Stream, right: &Stream) -> Stream {
        if self.refuse_changes(op, &[left.clone(), right.clone()]) {
            return Stream::unknown();
        }
        let Some(kind) = self.asof_kind(op) else { return Stream::unknown() };
        let direction = match op.get("direction") {
            Some(Parameter::String(word)) if word == "forward" => AsofDirection::Forward,
            Some(Parameter::String(word)) if word == "nearest" => AsofDirection::Nearest,
            _ => AsofDirection::Backward,
        };
        let keys = match (op.get("left_key"), op.get("right_key")) {
            (None, None) => Some((Vec::new(), Vec::new())),
            (Some(_), Some(_)) => self.join_keys(op, left, right),
            (Some(_), None) | (None, Some(_)) => {
                self.cx.say(say::half_a_key(op.span));
                None
            }
        };
        let joined = self.asof_node(op, "an as-of join", (kind, direction), left, right, keys);
        self.pairs(op, joined, kind, (left, right), [0, 0])
    }

    /// `.as_of_event_time()`.
    pub(super) fn temporal_join(
        &mut self,
        op: &StreamOperatorNode,
        left: &Stream,
        right: &Stream,
        keys: Option<(Vec<Expr>, Vec<Expr>)>,
    ) -> Stream {
        for (other, method) in [("within_ms", "within"), ("window", "window"), ("lookup", "lookup_join")] {
            if op.get(other).is_some() {
                self.cx.say(say::clauses_exclude("as_of_event_time", method, op.span));
                return Stream::unknown();
            }
        }
        let Some(kind) = self.asof_kind(op) else { return Stream::unknown() };
        if let Some(node) = right.node
            && let Some((source, declared)) = self.source_without_key(node)
        {
            self.cx.say(say::no_primary_key(op.span, &source, declared));
            return Stream::unknown();
        }
        let of = (kind, AsofDirection::Backward);
        let joined = self.asof_node(op, "a join with the row in force at a time", of, left, right, keys);
        self.pairs(op, joined, kind, (left, right), [0, 0])
    }

    fn asof_kind(&mut self, op: &StreamOperatorNode) -> Option<JoinKind> {
        let kind = super::join::kind_of(op);
        match kind {
            JoinKind::Inner | JoinKind::Left => Some(kind),
            JoinKind::Right | JoinKind::Full | JoinKind::Semi | JoinKind::Anti => {
                let span = op.parameters.get("kind").map(|kind| kind.span).filter(|span| !span.is_none());
                let name = super::join::kind_name(kind);
                self.cx.say(say::kind_not_here("an as-of join", name, span.unwrap_or(op.span)));
                None
            }
        }
    }

    fn asof_node(
        &mut self,
        op: &StreamOperatorNode,
        what: &str,
        (kind, direction): (JoinKind, AsofDirection),
        left: &Stream,
        right: &Stream,
        keys: Option<(Vec<Expr>, Vec<Expr>)>,
    ) -> Option<NodeId> {
        let tolerance_us = self.length(op, "tolerance_ms", Least::Zero)?;
        let left_time = self.needed_time(op, what, left);
        let right_time = self.needed_time(op, what, right);
        let (left_keys, right_keys) = keys?;
        let (left_time, right_time) = (left_time?, right_time?);
        let [left, right] = self.sides_on_time(op, [left, right], [&left_time, &right_time])?;
        let (schema, properties) = self.joined_edge(kind, left, right);
        let operator = Operator::AsofJoin {
            outer: kind == JoinKind::Left,
            left_keys,
            right_keys,
            left_time,
            right_time,
            direction,
            tolerance_us,
        };
        Some(self.add(op, op.name.clone(), operator, vec![left, right], schema, properties))
    }

    /// The source of a node, if it is no table with a key.
    fn source_without_key(&self, mut node: NodeId) -> Option<(String, Span)> {
        loop {
            let this = self.plan.node(node);
            if let Operator::Source { source, .. } = this.operator {
                let source = &self.plan.sources[source.0 as usize];
                return source.primary_key.is_none().then(|| (source.name.clone(), source.span));
            }
            match this.inputs.as_slice() {
                [input] => node = *input,
                _ => return Some((this.name.clone(), this.span)),
            }
        }
    }
}
