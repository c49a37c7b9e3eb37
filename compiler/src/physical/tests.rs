//! Pipelines against the plans that they come from, on random jobs; the shape of the pipelines of chosen plans.

use super::operators::fused_with;
use super::{PhysicalCx, pipelines};
use sabot_ir::pipeline::{OperatorId, Pipelines};
use sabot_ir::plan::{Operator, Plan};
use sabot_reference::random::{RandomJob, RandomOptions, difference, random_job};
use sabot_reference::{Outputs, run_counted, run_pipelines};

#[test]
fn random_plans_and_their_pipelines_give_the_same_rows() {
    let mut rows = 0;
    for seed in 0..3_000 {
        let options = RandomOptions { fallible: seed % 3 == 0, ..RandomOptions::default() };
        let job = random_job(seed, &options);
        let physical = pipelines(&job.plan);
        match agree(&job, &physical) {
            Ok(written) => rows += written,
            Err(difference) => panic!(
                "seed {seed}: {difference}\n{}\n{}",
                sabot_ir::display::plan::plan(&job.plan),
                sabot_ir::display::pipeline::pipelines(&physical)
            ),
        }
    }
    assert!(rows > 10_000, "random jobs write only {rows} rows: they test little");
}

/// The rows that were written, or in which way plan and pipelines differ.
fn agree(job: &RandomJob, physical: &Pipelines) -> Result<usize, String> {
    let expected = run_counted(&job.plan, &job.inputs, &job.params);
    let actual = run_pipelines(physical, &job.inputs, &job.params);
    let ((expected, nodes), (actual, operators)) = match (expected, actual) {
        (Ok(expected), Ok(actual)) => (expected, actual),
        (Err(_), Err(_)) => return Ok(0),
        (Ok(_), Err(failure)) => return Err(format!("only the pipelines fail: {failure}")),
        (Err(failure), Ok(_)) => return Err(format!("only the plan fails: {failure}")),
    };
    if let Some(difference) = difference(&expected, &actual) {
        return Err(difference);
    }
    // The branches of a fork that meet again in a union take turns.
    if !job.plan.nodes.iter().any(|node| node.operator == Operator::Union) && !same_order(&expected, &actual) {
        return Err("the rows are the same, their order is not".to_owned());
    }
    for (operator, node, name) in last_nodes(&job.plan) {
        let (out, expected) = (operators[operator.0 as usize], nodes[node]);
        if out != expected {
            return Err(format!("`{name}` gives {expected} rows, {out} are counted"));
        }
    }
    Ok(expected.values().map(Vec::len).sum())
}

fn same_order(a: &Outputs, b: &Outputs) -> bool {
    a.values().flatten().flatten().zip(b.values().flatten().flatten()).all(|(a, b)| a.is_close_to(b))
}

/// Each operator with the last of the nodes that it consists of.
fn last_nodes(plan: &Plan) -> Vec<(OperatorId, usize, String)> {
    let cx = PhysicalCx::new(plan);
    let operators = super::operators::operators(&cx, &super::cut::cut(&cx));
    let below: Vec<_> = cx.order.iter().filter_map(|id| fused_with(&cx, *id)).collect();
    let last = cx.order.iter().filter(|id| !below.contains(id));
    last.map(|id| (operators.of(*id), id.0 as usize, plan.node(*id).name.clone())).collect()
}
