//! Compiled kernels against the reference interpreter: random expressions over random columns, bit for bit, errors too.

mod execute;
mod generate;

use execute::{Outcome, Registers, Texts, run_compute};
use generate::Generator;
use sabot_codegen::{CompileOptions, Cpu};
use sabot_ir::pipeline::{Body, End, OperatorId, OperatorInfo, Origin, Pipeline, Pipelines, Reg, Register, Step};
use sabot_ir::plan::{ErrorPolicy, SourceId};
use sabot_ir::span::Span;
use sabot_reference::random::Rng;
use sabot_reference::{Value, evaluate};
use sabot_runtime::kernel::LoadedArtifact;

/// Numbers of rows that are special to a loop over blocks of 64.
const ROWS: &[usize] = &[1, 2, 63, 64, 65, 127, 200, 1024, 2047, 2048];

fn options(cpu: Cpu) -> CompileOptions {
    CompileOptions { cpu, source_file: "job.rs".to_owned(), ..CompileOptions::default() }
}

fn pipelines(registers: Vec<Register>, steps: Vec<Step>, end: End) -> Pipelines {
    let origin = Origin::Scan { source: SourceId(0), columns: Vec::new(), prune: None, operator: OperatorId(0) };
    Pipelines {
        job: "differential".to_owned(),
        operators: vec![OperatorInfo {
            name: "step".to_owned(),
            kind: "map",
            span: Span::NONE,
            on_error: ErrorPolicy::Skip,
        }],
        pipelines: vec![Pipeline { origin, registers, body: Body { steps, end } }],
        ..Pipelines::default()
    }
}

/// One random step over random rows.
fn check(seed: u64, vector_only: bool) {
    let mut rng = Rng::new(seed);
    let mut generator = Generator::new(&mut rng, vector_only);
    let columns = generator.columns();
    let filter = generator.maybe_filter();
    let outputs = generator.outputs();
    let params = generator.params();
    let rows = *rng.pick(ROWS);
    let density = *rng.pick(&[100, 95, 50, 10, 1]);
    let nulls = *rng.pick(&[0, 0, 3, 50, 100]);
    let data = generate::rows(&mut rng, &columns, rows, nulls);
    let selected: Vec<bool> = (0..rows).map(|_| rng.percent(density)).collect();

    let input_count = columns.len();
    let mut registers: Vec<Register> = columns;
    for (position, output) in outputs.iter().enumerate() {
        registers.push(Register { name: format!("out{position}"), ty: output.ty.clone() });
    }
    let outputs: Vec<_> = (input_count..).zip(outputs).map(|(at, expr)| (Reg(at as u32), expr)).collect();
    let step = Step::Compute {
        filter: filter.clone(),
        outputs: outputs.clone(),
        live: Vec::new(),
        operator: OperatorId(0),
        counts: vec![OperatorId(0)],
    };
    let pipelines = pipelines(registers.clone(), vec![step], End::Nothing);
    let cpu = if seed.is_multiple_of(4) { Cpu::Baseline } else { Cpu::V3 };
    let job = match sabot_codegen::compile_job(&pipelines, &options(cpu)) {
        Ok(job) => job,
        Err(error) => panic!("seed {seed}: {error}\n{filter:?}\n{outputs:?}"),
    };
    if vector_only {
        let scalar: Vec<&String> = job.manifest.kernels.iter().filter(|name| name.ends_with("_rows")).collect();
        assert!(scalar.is_empty(), "seed {seed}: {scalar:?} should be vectors' work: {filter:?} {outputs:?}");
    }
    let artifact = LoadedArtifact::load(&sabot_codegen::artifact::link(&job)).expect("our own artifact can be loaded");
    let types: Vec<_> = registers.iter().map(|register| register.ty.clone()).collect();
    let mut actual = Registers::new(&types, &data, rows, Texts::new(&params, &artifact, &job.constants));
    let outcome = run_compute(&artifact, &mut actual, &selected, &params);

    // The reference, row by row.
    let mut expected = Outcome { kept: vec![false; rows], errors: Vec::new() };
    for row in (0..rows).filter(|row| selected[*row]) {
        let mut values = data[row].clone();
        let keeps = filter.as_ref().map_or(Ok(Value::Bool(true)), |filter| evaluate(filter, &values, &params));
        let result = keeps.and_then(|keeps| {
            if keeps == Value::Bool(true) {
                for (_, expr) in &outputs {
                    let value = evaluate(expr, &values, &params)?;
                    values.push(value);
                }
                Ok(true)
            } else {
                Ok(false)
            }
        });
        match result {
            Ok(true) => {
                expected.kept[row] = true;
                for (register, expr) in &outputs {
                    let value = actual.value(register.0 as usize, row);
                    let wanted = &values[register.0 as usize];
                    assert_eq!(
                        &value, wanted,
                        "seed {seed}, row {row} of {rows}, register {}: {expr:#?}\nfilter {filter:?}\nrow {:?}",
                        register.0, data[row]
                    );
                }
            }
            Ok(false) => {}
            Err(error) => expected.errors.push((row, error.code as u32, error.span)),
        }
    }
    let mut errors = outcome.errors;
    errors.sort_by_key(|(row, ..)| *row);
    assert_eq!(errors, expected.errors, "seed {seed}: filter {filter:#?}\noutputs {outputs:#?}");
    assert_eq!(outcome.kept, expected.kept, "seed {seed}: filter {filter:#?}");
}

fn seeds(default: u64) -> std::ops::Range<u64> {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let first = number("SABOT_SEED").unwrap_or(0);
    first..first + number("SABOT_CASES").unwrap_or(default)
}

#[test]
fn kernels_compute_what_the_reference_computes() {
    for seed in seeds(150) {
        check(seed, false);
    }
}

#[test]
fn vector_kernels_compute_what_the_reference_computes() {
    for seed in seeds(150) {
        check(seed, true);
    }
}
