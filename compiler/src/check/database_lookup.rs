//! `.lookup_join(table)` of a table in a database: it is asked for the rows of each key instead of being read.

use super::join::kind_name;
use super::operators::{Planner, Stream};
use crate::diagnostics::database as say;
use sabot_ir::expr::Expr;
use sabot_ir::job_graph::{StreamOperatorNode, Value as Parameter};
use sabot_ir::plan::{JoinKind, Location, NodeId, Operator, as_column};

impl Planner<'_, '_> {
    /// Whether this join asks the table on its right by key.
    pub(super) fn is_asked(&self, op: &StreamOperatorNode, right: NodeId) -> bool {
        let is_lookup = matches!(op.get("lookup"), Some(Parameter::Bool(true)));
        is_lookup && self.database_below(right).is_some_and(|(_, distance)| distance == 0)
    }

    /// Reports a lookup in a database that cannot be asked what it takes.
    pub(super) fn can_ask(&mut self, op: &StreamOperatorNode, kind: JoinKind, left: &Stream, right: &Stream) -> bool {
        let is_lookup = matches!(op.get("lookup"), Some(Parameter::Bool(true)));
        let (Some(right), true) = (right.node, is_lookup) else { return true };
        let Some((source, distance)) = self.database_below(right) else { return true };
        let span = |name: &str| op.parameters.get(name).map(|found| found.span).filter(|span| !span.is_none());
        if distance > 0 {
            let between = self.plan.node(right);
            let (name, at) = (between.operator.name(), between.span);
            self.cx.say(say::between(op.span, name, at));
            return false;
        }
        if matches!(kind, JoinKind::Right | JoinKind::Full) {
            self.cx.say(say::kind(span("kind").unwrap_or(op.span), kind_name(kind)));
            return false;
        }
        for clause in ["within_ms", "window", "as_of_event_time"] {
            if op.get(clause).is_some() {
                self.cx.say(say::clause(span(clause).unwrap_or(op.span), &source));
                return false;
            }
        }
        if left.node.is_some_and(|left| self.plan.node(left).properties.has_change()) {
            self.cx.say(say::changes(op.span, &source));
            return false;
        }
        true
    }

    /// Reports keys that are no columns of the table.
    pub(super) fn can_ask_by(&mut self, op: &StreamOperatorNode, keys: &[Expr]) -> bool {
        let computed = keys.iter().find(|key| as_column(key).is_none());
        if let Some(key) = computed {
            let at = if key.span.is_none() { op.span } else { key.span };
            self.cx.say(say::computed_key(at));
        }
        computed.is_none()
    }

    /// The table of a database from which rows come, and how many operators stand between.
    fn database_below(&self, mut node: NodeId) -> Option<(String, usize)> {
        for distance in 0.. {
            let this = self.plan.node(node);
            if let Operator::Source { source, .. } = &this.operator {
                let source = &self.plan.sources[source.0 as usize];
                let is_replaced = self.catalog.sources.get(&source.name).is_some_and(|facts| facts.is_replaced);
                let is_database = matches!(source.connector.location, Location::Postgres(_)) && !is_replaced;
                return is_database.then(|| (source.name.clone(), distance));
            }
            node = *this.inputs.first()?;
        }
        None
    }
}
