//! Pipelines against the plans that they come from, on random jobs; the shape of the pipelines of chosen plans.

use super::pipelines;
use sabot_reference::random::{RandomOptions, difference, random_job};
use sabot_reference::{run, run_pipelines};

#[test]
fn random_plans_and_their_pipelines_give_the_same_rows() {
    for seed in 0..3_000 {
        let options = RandomOptions { fallible: seed % 3 == 0, ..RandomOptions::default() };
        let job = random_job(seed, &options);
        let physical = pipelines(&job.plan);
        let expected = run(&job.plan, &job.inputs, &job.params);
        let actual = run_pipelines(&physical, &job.inputs, &job.params);
        let text = || {
            format!(
                "{}\n{}",
                sabot_ir::display::plan::plan(&job.plan),
                sabot_ir::display::pipeline::pipelines(&physical)
            )
        };
        match (expected, actual) {
            (Ok(expected), Ok(actual)) => {
                if let Some(difference) = difference(&expected, &actual) {
                    panic!("seed {seed}: {difference}\n{}", text());
                }
            }
            (Err(_), Err(_)) => {}
            (Ok(_), Err(failure)) => panic!("seed {seed}: only the pipelines fail: {failure}\n{}", text()),
            (Err(failure), Ok(_)) => panic!("seed {seed}: only the plan fails: {failure}\n{}", text()),
        }
    }
}
