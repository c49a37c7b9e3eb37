//! Makes one node of two that do the same with the same input.
//!
//! Before: `filter(a) ← s` for one sink and `filter(a) ← s` for another, after: one filter that both read. An operator whose
//! row errors are counted or written somewhere stays, because they would be reported once instead of twice.

use super::effects::node_can_fail;
use super::rewrite::redirect;
use super::{Changed, Part, Pass, PassCx};
use sabot_ir::plan::{ErrorPolicy, Node, NodeId, Operator, Plan};

pub(super) const MERGE_IDENTICAL_NODES: Pass = Pass { name: "merge_identical_nodes", part_of: Part::Always, run };

fn run(plan: &mut Plan, _cx: &mut PassCx) -> Changed {
    let mut changed = Changed::No;
    let mut kept: Vec<NodeId> = Vec::new();
    for id in plan.bottom_up() {
        let node = plan.node(id);
        match kept.iter().find(|other| is_same(plan.node(**other), node)) {
            Some(first) => {
                let first = *first;
                redirect(plan, id, first);
                changed.note();
            }
            None => kept.push(id),
        }
    }
    changed
}

fn is_same(a: &Node, b: &Node) -> bool {
    !matches!(a.operator, Operator::Sink { .. })
        && a.inputs == b.inputs
        && a.operator == b.operator
        && a.on_error == b.on_error
        && (a.on_error == ErrorPolicy::Fail || !node_can_fail(a))
        && a.schema.same_names(&b.schema)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Builder, outline};
    use super::super::{Changed, PassCx, run_pass};
    use super::MERGE_IDENTICAL_NODES;

    #[test]
    fn equal_branches_become_one() {
        let mut b = Builder::new();
        let source = b.source("s", "a: i64");
        for (filter, project, sink, value) in
            [("f", "p", "one", "a + 1"), ("g", "q", "two", "a + 1"), ("h", "r", "three", "a")]
        {
            let filter = b.filter(filter, source, "a > 1");
            let project = b.project(project, filter, &format!("b = {value}"));
            b.sink(sink, project);
        }
        let cx = &mut PassCx::new(&b.plan);
        assert_eq!(run_pass(&MERGE_IDENTICAL_NODES, &mut b.plan, cx), Changed::Yes);
        assert_eq!(b.plan.nodes.len(), 7, "{}", outline(&b.plan));
        assert_eq!(run_pass(&MERGE_IDENTICAL_NODES, &mut b.plan, cx), Changed::No);
    }
}
