//! Compiled kernels against the reference interpreter: random expressions over random columns, bit for bit, errors too.
#![allow(clippy::wildcard_enum_match_arm, reason = "most types are treated alike here")]

mod bodies;
mod division;
mod execute;
mod generate;
mod loops;
mod text;

use execute::{Outcome, Registers, Texts, run_compute};
use generate::Generator;
use sabot_abi::kernel::Accumulator;
use sabot_codegen::compiled::CompiledJob;
use sabot_codegen::{CompileOptions, Cpu};
use sabot_ir::body::{LabelId, Place, Statement};
use sabot_ir::expr::{BinaryOp, Expr, ExprKind, Literal, LocalId};
use sabot_ir::pipeline::{
    AggregateInput, AggregateSpec, Body, End, OperatorId, OperatorInfo, Origin, Pipeline, Pipelines, Reg, Register,
    Step, Table, TableId, TableKind,
};
use sabot_ir::plan::{AggregateFunction, ErrorPolicy, SourceId};
use sabot_ir::span::Span;
use sabot_ir::ty::Type;
use sabot_reference::random::Rng;
use sabot_reference::{Value, evaluate, sort_order};
use sabot_runtime::kernel::LoadedArtifact;
use std::cmp::Ordering;

/// Numbers of rows that are special to a loop over blocks of 64.
const ROWS: &[usize] = &[1, 2, 63, 64, 65, 127, 200, 1024, 2047, 2048];

fn options(cpu: Cpu) -> CompileOptions {
    CompileOptions { cpu, source_file: "job.rs".to_owned(), ..CompileOptions::default() }
}

fn pipelines(registers: Vec<Register>, steps: Vec<Step>, end: End) -> Pipelines {
    let origin = Origin::Scan {
        source: SourceId(0),
        columns: Vec::new(),
        prune: None,
        event_time: None,
        operator: OperatorId(0),
    };
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

/// One random step has code for ARM too.
fn check_compiles_for_arm(seed: u64) {
    let mut rng = Rng::new(seed);
    let mut generator = Generator::new(&mut rng, seed.is_multiple_of(2));
    let mut registers = generator.columns();
    let filter = generator.maybe_filter();
    let outputs = generator.outputs();
    let input_count = registers.len();
    registers.extend(outputs.iter().map(|output| Register { name: "out".to_owned(), ty: output.ty.clone() }));
    let outputs = (input_count..).zip(outputs).map(|(at, expr)| (Reg(at as u32), expr)).collect();
    let step =
        Step::Compute { filter, outputs, live: Vec::new(), operator: OperatorId(0), counts: vec![OperatorId(0)] };
    let pipelines = pipelines(registers, vec![step], End::Nothing);
    let options = CompileOptions { target: Some("aarch64-unknown-linux-gnu".to_owned()), ..options(Cpu::Baseline) };
    if let Err(error) = sabot_codegen::compile_job(&pipelines, &options) {
        panic!("seed {seed}: {error}");
    }
}

/// One random step over random rows.
fn check(seed: u64, vector_only: bool, bodies: bool) {
    let mut rng = Rng::new(seed);
    let mut generator = Generator::new(&mut rng, vector_only);
    if bodies {
        generator = generator.with_bodies();
    }
    let columns = generator.columns();
    let filter = generator.maybe_filter();
    let outputs = generator.outputs();
    let params = generator.params();
    let rows = *rng.pick(ROWS);
    let density = *rng.pick(&[100, 95, 50, 10, 1]);
    let nulls = *rng.pick(&[0, 0, 3, 50, 100]);
    let data = generate::rows(&mut rng, &columns, rows, nulls);
    let selected: Vec<bool> = (0..rows).map(|_| rng.percent(density)).collect();
    let cpu = if seed.is_multiple_of(4) { Cpu::Baseline } else { Cpu::V3 };
    let job = check_step(seed, cpu, columns, filter.as_ref(), outputs, &params, &data, &selected);
    if vector_only && !bodies {
        let scalar: Vec<&String> = job.manifest.kernels.iter().filter(|name| name.ends_with("_rows")).collect();
        assert!(scalar.is_empty(), "seed {seed}: {scalar:?} should be vectors' work");
    }
}

/// A step over rows, compiled and by the reference. Gives what was compiled.
#[expect(clippy::too_many_arguments, reason = "all that a step is")]
fn check_step(
    seed: u64,
    cpu: Cpu,
    columns: Vec<Register>,
    filter: Option<&Expr>,
    outputs: Vec<Expr>,
    params: &[Value],
    data: &[Vec<Value>],
    selected: &[bool],
) -> CompiledJob {
    let rows = data.len();
    let input_count = columns.len();
    let mut registers: Vec<Register> = columns;
    for (position, output) in outputs.iter().enumerate() {
        registers.push(Register { name: format!("out{position}"), ty: output.ty.clone() });
    }
    let outputs: Vec<_> = (input_count..).zip(outputs).map(|(at, expr)| (Reg(at as u32), expr)).collect();
    let step = Step::Compute {
        filter: filter.cloned(),
        outputs: outputs.clone(),
        live: Vec::new(),
        operator: OperatorId(0),
        counts: vec![OperatorId(0)],
    };
    let pipelines = pipelines(registers.clone(), vec![step], End::Nothing);
    let job = match sabot_codegen::compile_job(&pipelines, &options(cpu)) {
        Ok(job) => job,
        Err(error) => panic!("seed {seed}: {error}\n{filter:?}\n{outputs:?}"),
    };
    let artifact = LoadedArtifact::load(&sabot_codegen::artifact::link(&job)).expect("our own artifact can be loaded");
    let types: Vec<_> = registers.iter().map(|register| register.ty.clone()).collect();
    let mut actual = Registers::new(&types, data, rows, Texts::new(params, &artifact, &job.constants));
    let outcome = run_compute(&artifact, &mut actual, selected, params);

    // The reference, row by row.
    let mut expected = Outcome { kept: vec![false; rows], errors: Vec::new() };
    for row in (0..rows).filter(|row| selected[*row]) {
        let mut values = data[row].clone();
        let keeps = filter.map_or(Ok(Value::Bool(true)), |filter| evaluate(filter, &values, params));
        let result = keeps.and_then(|keeps| {
            if keeps == Value::Bool(true) {
                for (_, expr) in &outputs {
                    let value = evaluate(expr, &values, params)?;
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
    job
}

/// What a call of an aggregate leaves in its accumulator.
fn accumulate(function: AggregateFunction, ty: &Type, values: &[Value]) -> Accumulator {
    let mut accumulator = Accumulator { count: values.len() as u64, ..Accumulator::default() };
    let is_float = ty.value_type().is_float();
    match function {
        AggregateFunction::Sum | AggregateFunction::Avg if is_float => {
            let (mut sum, mut rest) = (0.0f64, 0.0f64);
            for value in values.iter().filter_map(Value::as_float) {
                let next = sum + value;
                rest += if sum.abs() >= value.abs() { (sum - next) + value } else { (value - next) + sum };
                sum = next;
            }
            accumulator.sum = [sum.to_bits(), rest.to_bits()];
        }
        AggregateFunction::Sum | AggregateFunction::Avg => {
            let sum: i128 = values.iter().filter_map(Value::as_int).sum();
            accumulator.sum = [sum as u64, (sum >> 64) as u64];
        }
        AggregateFunction::Min | AggregateFunction::Max => {
            let wanted = if function == AggregateFunction::Min { Ordering::Less } else { Ordering::Greater };
            let mut best: Option<&Value> = None;
            for value in values {
                let better =
                    best.is_none_or(|best| !value.is_nan() && (best.is_nan() || sort_order(value, best) == wanted));
                if better {
                    best = Some(value);
                }
            }
            accumulator.sum[0] = match best {
                Some(Value::Float64(value)) => value.to_bits(),
                Some(Value::Int(value)) => *value as u64,
                _ => 0,
            };
        }
        _ => {}
    }
    accumulator
}

/// The same accumulator, up to the order in which floats were added.
fn is_same(function: AggregateFunction, ty: &Type, a: Accumulator, b: Accumulator) -> bool {
    if a.count != b.count || !ty.value_type().is_float() || function == AggregateFunction::Count {
        return a == b || a.count == 0 && b.count == 0;
    }
    let result = |accumulator: Accumulator| {
        let [sum, rest] = accumulator.sum.map(f64::from_bits);
        if sum.is_finite() && !matches!(function, AggregateFunction::Min | AggregateFunction::Max) {
            sum + rest
        } else {
            sum
        }
    };
    let (a, b) = (result(a), result(b));
    // Which zero is the least is not decided, and infinite intermediate sums depend on the order.
    a.count_as(b)
}

trait CountAs {
    fn count_as(self, other: Self) -> bool;
}

impl CountAs for f64 {
    fn count_as(self, other: Self) -> bool {
        self == other
            || self.is_nan() && other.is_nan()
            || (self - other).abs() <= 1e-12 * self.abs().max(other.abs())
            || self.abs().max(other.abs()) > 1e300
    }
}

/// A random step and an aggregate without keys behind it, over several chunks.
fn check_aggregate(seed: u64) {
    let mut rng = Rng::new(seed);
    let mut generator = Generator::new(&mut rng, seed.is_multiple_of(3));
    let columns = generator.columns();
    let filter = generator.maybe_filter();
    let mut outputs = generator.outputs();
    outputs.push(generator.filter());
    let params = generator.params();
    let input_count = columns.len();
    let mut registers = columns.clone();
    for (position, output) in outputs.iter().enumerate() {
        registers.push(Register { name: format!("out{position}"), ty: output.ty.clone() });
    }
    let mut calls = vec![(AggregateFunction::Count, None, None)];
    for (number, register) in (0u32..).zip(&registers) {
        let ty = register.ty.value_type();
        let is_number = ty.is_integer() || ty.is_float();
        let mut functions = Vec::new();
        if is_number {
            functions.extend([AggregateFunction::Sum, AggregateFunction::Avg, AggregateFunction::Count]);
        }
        if is_number && *ty != Type::Float32 {
            functions.extend([AggregateFunction::Min, AggregateFunction::Max]);
        }
        if !functions.is_empty() {
            let filter = rng.percent(30).then(|| Reg(registers.len() as u32 - 1));
            calls.push((*rng.pick(&functions), Some(Reg(number)), filter));
        }
    }
    let outputs: Vec<_> = (input_count..).zip(outputs).map(|(at, expr)| (Reg(at as u32), expr)).collect();
    let step = Step::Compute {
        filter: filter.clone(),
        outputs: outputs.clone(),
        live: Vec::new(),
        operator: OperatorId(0),
        counts: vec![OperatorId(0)],
    };
    let type_of =
        |register: &Option<Reg>| register.map_or(Type::Int64, |register| registers[register.0 as usize].ty.clone());
    let inputs = calls
        .iter()
        .map(|(_, arg, filter)| AggregateInput { args: arg.iter().copied().collect(), filter: *filter })
        .collect();
    let end = End::Aggregate { table: TableId(0), keys: Vec::new(), inputs, operator: OperatorId(0) };
    let mut pipelines = pipelines(registers.clone(), vec![step], end);
    pipelines.tables.push(Table {
        name: "totals".to_owned(),
        id: "totals".to_owned(),
        kind: TableKind::Aggregate {
            keys: Vec::new(),
            calls: calls
                .iter()
                .map(|(function, arg, _)| AggregateSpec {
                    function: *function,
                    args: arg.iter().map(|_| type_of(arg)).collect(),
                    ty: type_of(arg),
                })
                .collect(),
            closes: None,
        },
    });
    let job = sabot_codegen::compile_job(&pipelines, &options(Cpu::V3)).expect("fused kernels compile");
    let artifact = LoadedArtifact::load(&sabot_codegen::artifact::link(&job)).expect("our own artifact can be loaded");
    let types: Vec<_> = registers.iter().map(|register| register.ty.clone()).collect();
    let mut accumulators = vec![Accumulator::default(); calls.len()];
    let mut taken: Vec<Vec<Value>> = vec![Vec::new(); calls.len()];
    for _ in 0..3 {
        let rows = *rng.pick(ROWS);
        let density = *rng.pick(&[100, 50, 1, 0]);
        let nulls = *rng.pick(&[0, 3, 100]);
        let data = generate::rows(&mut rng, &columns, rows, nulls);
        let selected: Vec<bool> = (0..rows).map(|_| rng.percent(density)).collect();
        let mut chunk = Registers::new(&types, &data, rows, Texts::new(&params, &artifact, &job.constants));
        let outcome = execute::run_aggregate(&artifact, &mut chunk, &selected, &params, &mut accumulators);
        let mut errors = Vec::new();
        for row in (0..rows).filter(|row| selected[*row]) {
            let mut values = data[row].clone();
            let result = filter.iter().map(|filter| evaluate(filter, &values, &params)).next();
            let keeps = result.unwrap_or(Ok(Value::Bool(true)));
            let result = keeps.and_then(|keeps| {
                let keeps = keeps == Value::Bool(true);
                for (_, expr) in outputs.iter().filter(|_| keeps) {
                    let value = evaluate(expr, &values, &params)?;
                    values.push(value);
                }
                Ok(keeps)
            });
            match result {
                Ok(keeps) => {
                    assert_eq!(outcome.kept[row], keeps, "seed {seed}, row {row}");
                    for ((_, arg, filter), taken) in calls.iter().zip(&mut taken).filter(|_| keeps) {
                        let passes = filter.is_none_or(|filter| values[filter.0 as usize] == Value::Bool(true));
                        let value = arg.map_or(Value::Bool(true), |arg| values[arg.0 as usize].clone());
                        if passes && value != Value::Null {
                            taken.push(value);
                        }
                    }
                }
                Err(error) => errors.push((row, error.code as u32, error.span)),
            }
        }
        let mut found = outcome.errors;
        found.sort_by_key(|(row, ..)| *row);
        assert_eq!(found, errors, "seed {seed}");
    }
    for (((function, arg, condition), actual), taken) in calls.iter().zip(&accumulators).zip(&taken) {
        let ty = type_of(arg);
        let expected = accumulate(*function, &ty, taken);
        assert!(
            is_same(*function, &ty, *actual, expected),
            "seed {seed}: {function:?} of {arg:?} {ty} if {condition:?}: {actual:?} is not {expected:?}"
        );
    }
}

fn seeds(default: u64) -> std::ops::Range<u64> {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let first = number("SABOT_SEED").unwrap_or(0);
    first..first + number("SABOT_CASES").unwrap_or(default)
}

#[test]
fn kernels_compute_what_the_reference_computes() {
    for seed in seeds(150) {
        check(seed, false, false);
    }
}

#[test]
fn loops_do_what_the_reference_does() {
    for seed in seeds(200) {
        check(seed, false, true);
    }
}

#[test]
fn loops_in_vectors_do_what_the_reference_does() {
    for seed in seeds(300) {
        check(seed, true, true);
    }
}

#[test]
fn a_loop_without_end_is_an_error_of_the_row() {
    let (label, ty) = (LabelId(0), Type::Int64);
    let body = sabot_ir::body::Body {
        variables: Vec::new(),
        block: vec![Statement::Loop { label, body: Vec::new(), place: Place(Span::new(40, 44)) }],
        result: Expr::literal(Literal::Int(1), ty.clone()),
    };
    let expr = Expr::new(ExprKind::Compute(Box::new(body), Vec::new()), ty.clone(), Span::new(40, 44));
    let step = Step::Compute {
        filter: None,
        outputs: vec![(Reg(0), expr.clone())],
        live: Vec::new(),
        operator: OperatorId(0),
        counts: vec![OperatorId(0)],
    };
    let pipelines = pipelines(vec![Register { name: "out".to_owned(), ty: ty.clone() }], vec![step], End::Nothing);
    let job = sabot_codegen::compile_job(&pipelines, &options(Cpu::Baseline)).expect("it compiles");
    let artifact = LoadedArtifact::load(&sabot_codegen::artifact::link(&job)).expect("our own artifact can be loaded");
    let mut registers = Registers::new(&[ty], &[Vec::new()], 1, Texts::new(&[], &artifact, &job.constants));
    let outcome = run_compute(&artifact, &mut registers, &[true], &[]);
    let error = evaluate(&expr, &[], &[]).expect_err("it never ends");
    assert_eq!(error.code, sabot_abi::kernel::RowErrorCode::OutOfFuel);
    assert_eq!(outcome.errors.len(), 1);
    assert_eq!((outcome.errors[0].1, outcome.errors[0].2), (error.code as u32, error.span));
}

#[test]
fn vector_kernels_compute_what_the_reference_computes() {
    for seed in seeds(150) {
        check(seed, true, false);
    }
}

#[test]
fn fused_aggregates_take_what_the_reference_takes() {
    for seed in seeds(100) {
        check_aggregate(seed);
    }
}

#[test]
fn every_kernel_has_code_for_arm() {
    for seed in seeds(60) {
        check_compiles_for_arm(seed);
    }
}

#[test]
fn deep_expressions_do_not_exhaust_the_stack() {
    let mut deep = Expr::column(0, Type::Float64);
    for number in 0..1_500 {
        let one = Box::new(Expr::literal(Literal::Float(1.0), Type::Float64));
        let kind = if number % 2 == 0 {
            ExprKind::Binary(BinaryOp::Add, Box::new(deep), one)
        } else {
            let local = LocalId(number);
            ExprKind::Let { local, value: one, body: Box::new(deep) }
        };
        deep = Expr::new(kind, Type::Float64, Span::NONE);
    }
    let registers = ["in", "out"].map(|name| Register { name: name.to_owned(), ty: Type::Float64 }).to_vec();
    let step = Step::Compute {
        filter: None,
        outputs: vec![(Reg(1), deep)],
        live: Vec::new(),
        operator: OperatorId(0),
        counts: Vec::new(),
    };
    let pipelines = pipelines(registers, vec![step], End::Nothing);
    assert!(sabot_codegen::compile_job(&pipelines, &options(Cpu::V3)).is_ok());
    assert!(sabot_codegen::explain(&pipelines, &options(Cpu::V3)).is_ok());
}

#[test]
fn the_same_job_gives_the_same_bytes_on_any_number_of_threads() {
    for seed in 0..5 {
        let mut rng = Rng::new(seed);
        let mut generator = Generator::new(&mut rng, false);
        let mut registers = generator.columns();
        let filter = generator.maybe_filter();
        let outputs = generator.outputs();
        let input_count = registers.len();
        registers.extend(outputs.iter().map(|output| Register { name: "out".to_owned(), ty: output.ty.clone() }));
        let outputs = (input_count..).zip(outputs).map(|(at, expr)| (Reg(at as u32), expr)).collect();
        let step =
            Step::Compute { filter, outputs, live: Vec::new(), operator: OperatorId(0), counts: vec![OperatorId(0)] };
        let pipelines = pipelines(registers, vec![step], End::Nothing);
        let bytes = |threads| {
            let options = CompileOptions { threads, ..options(Cpu::V3) };
            sabot_codegen::compile(&pipelines, &options).expect("it has code").bytes
        };
        assert!(bytes(1) == bytes(4), "seed {seed}");
    }
}

/// Old processors trap where a vector in memory is not aligned: here the load of a column became the operand of a
/// comparison, where nothing stood between them.
#[test]
fn columns_of_floats_need_not_be_aligned() {
    check(501_480, true, false);
}
