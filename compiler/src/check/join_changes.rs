//! `.hash_join(other).on(l, r)` where rows of one side, or of both, may be taken back later: so may pairs.
//!
//! The join gives its sides' columns, the changes of both among them, which no closure sees, and behind all others its own
//! change; one that gives left rows only has the left one's.

use super::operators::{Planner, Stream};
use crate::diagnostics::streams as say;
use sabot_ir::job_graph::StreamOperatorNode;
use sabot_ir::plan::{JoinKind, NodeId, Operator, Properties, Side};
use sabot_ir::ty::Schema;

impl Planner<'_, '_> {
    /// The join, and what is made of its pairs.
    pub(super) fn join_changes(
        &mut self,
        op: &StreamOperatorNode,
        kind: JoinKind,
        left: &Stream,
        right: &Stream,
    ) -> Stream {
        let keys = self.join_keys(op, left, right);
        let (Some((left_keys, right_keys)), Some(of_left), Some(of_right)) = (keys, left.node, right.node) else {
            return Stream::unknown();
        };
        if !self.lookup_ends(op, of_right) {
            return Stream::unknown();
        }
        self.warn_of_growth(op, kind, of_left, of_right);
        let is_left_only = matches!(kind, JoinKind::Semi | JoinKind::Anti);
        let has_change = [of_left, of_right].map(|side| self.change(side).is_some());
        let (schema, properties) = self.joined_edge(kind, of_left, of_right);
        let mut fields = schema.fields;
        if !(is_left_only && has_change[0]) {
            fields.push(super::change::field());
        }
        let build = if self.is_bounded(of_left) { Side::Left } else { Side::Right };
        let operator = Operator::HashJoin { kind, left_keys, right_keys, build, lookup: false };
        let properties = Properties { updating: true, event_time: None, window_end: None, ..properties };
        let joined = self.add(op, op.name.clone(), operator, vec![of_left, of_right], Schema::new(fields), properties);
        self.pairs(op, Some(joined), kind, (left, right), has_change.map(u32::from))
    }

    /// Rows that never are taken back stay for ever, where those of the other side come and go.
    fn warn_of_growth(&mut self, op: &StreamOperatorNode, kind: JoinKind, left: NodeId, right: NodeId) {
        if !self.plan.keeps_changes(kind, left, right) {
            return;
        }
        // Of the right rows of a semi or anti join only their number by key is kept.
        let is_counted = matches!(kind, JoinKind::Semi | JoinKind::Anti);
        for (side, name) in [(left, "left"), (right, "right")] {
            let grows = !self.is_bounded(side) && self.change(side).is_none();
            if grows && !(is_counted && name == "right") {
                self.cx.say(say::side_grows(op.span, name));
            }
        }
    }
}
