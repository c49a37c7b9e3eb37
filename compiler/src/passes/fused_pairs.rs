//! Counts the filters that run in one loop with the map that follows: the physical stage makes one step of them.

use super::{PassCx, rewrite};
use sabot_ir::plan::{Operator, Plan};

/// Counts the pairs of the author's operators.
pub(super) fn count(plan: &Plan, cx: &mut PassCx) {
    let consumers = plan.consumers();
    for id in plan.bottom_up() {
        let node = plan.node(id);
        let [input] = node.inputs.as_slice() else { continue };
        let below = plan.node(*input);
        let is_pair = matches!(node.operator, Operator::Project { .. })
            && matches!(below.operator, Operator::Filter { .. })
            && node.on_error == below.on_error;
        if is_pair && rewrite::has_one_reader(&consumers, *input) {
            cx.fused(node, below);
        }
    }
}
