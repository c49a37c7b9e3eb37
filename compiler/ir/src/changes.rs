//! Joins of rows that may be taken back: which of them can look rows up in a table, and which keep both sides.

use crate::plan::{JoinKind, NodeId, Plan};

impl Plan {
    /// Whether a join of these two keeps the rows of both sides, since some may be taken back: not if rows that are taken
    /// back only probe what ends and is complete before, and what matches nothing there is theirs.
    #[must_use]
    pub fn keeps_changes(&self, kind: JoinKind, left: NodeId, right: NodeId) -> bool {
        let (left, right) = (&self.node(left).properties, &self.node(right).properties);
        match (left.has_change(), right.has_change()) {
            (false, false) => false,
            (true, _) if right.bounded => matches!(kind, JoinKind::Right | JoinKind::Full),
            (_, true) if left.bounded => {
                matches!(kind, JoinKind::Left | JoinKind::Full | JoinKind::Semi | JoinKind::Anti)
            }
            (true | false, true) | (true, false) => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{Node, Operator, Properties};
    use crate::span::Span;
    use crate::ty::Schema;

    #[test]
    fn what_probes_a_table_is_not_kept() {
        let mut plan = Plan::default();
        let mut side = |bounded: bool, updating: bool| {
            plan.add(Node {
                name: String::new(),
                operator: Operator::Union,
                inputs: Vec::new(),
                schema: Schema::new(Vec::new()),
                properties: Properties { bounded, updating, ..Properties::default() },
                on_error: crate::plan::ErrorPolicy::Fail,
                span: Span::NONE,
            })
        };
        let (table, stream, changes) = (side(true, false), side(false, false), side(false, true));
        for kind in [JoinKind::Inner, JoinKind::Left, JoinKind::Right, JoinKind::Full, JoinKind::Semi, JoinKind::Anti] {
            assert!(!plan.keeps_changes(kind, stream, stream), "{kind:?}");
            assert!(plan.keeps_changes(kind, changes, stream), "{kind:?}");
            assert!(plan.keeps_changes(kind, stream, changes), "{kind:?}");
            let may_lack_left = matches!(kind, JoinKind::Right | JoinKind::Full);
            assert_eq!(plan.keeps_changes(kind, changes, table), may_lack_left, "{kind:?}");
            let is_free = matches!(kind, JoinKind::Inner | JoinKind::Right);
            assert_eq!(plan.keeps_changes(kind, table, changes), !is_free, "{kind:?}");
        }
    }
}
