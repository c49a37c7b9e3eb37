//! `.hash_join(other).on(l, r).within(d)`: pairs that happened at most so far apart.

use super::operators::{Planner, Stream};
use super::window::Least;
use crate::diagnostics::streams as say;
use sabot_ir::expr::Expr;
use sabot_ir::job_graph::StreamOperatorNode;
use sabot_ir::plan::{JoinKind, NodeId, Operator};

impl Planner<'_, '_> {
    /// The node of the join.
    pub(super) fn interval_join(
        &mut self,
        op: &StreamOperatorNode,
        kind: JoinKind,
        left: &Stream,
        right: &Stream,
        keys: Option<(Vec<Expr>, Vec<Expr>)>,
    ) -> Option<NodeId> {
        if op.get("window").is_some() {
            self.cx.say(say::clauses_exclude("within", "window", op.span));
            return None;
        }
        let within = self.length(op, "within_ms", Least::Zero)?;
        let left_time = self.needed_time(op, "a join `within` a time", left);
        let right_time = self.needed_time(op, "a join `within` a time", right);
        let (left_keys, right_keys) = keys?;
        let (left_time, right_time, within_us) = (left_time?, right_time?, within?);
        let [left, right] = self.sides_on_time(op, [left, right], [&left_time, &right_time])?;
        let (schema, properties) = self.joined_edge(kind, left, right);
        let operator = Operator::IntervalJoin { kind, left_keys, right_keys, left_time, right_time, within_us };
        Some(self.add(op, op.name.clone(), operator, vec![left, right], schema, properties))
    }
}
