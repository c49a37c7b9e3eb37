//! The CLIF of the smallest kernels, as people read it: `snapshots/clif/`.

use sabot_codegen::{CompileOptions, Cpu, explain};
use sabot_ir::expr::{BinaryOp, Expr, ExprKind, Function, Literal, LocalId, ParamId};
use sabot_ir::pipeline::{
    AggregateInput, AggregateSpec, Body, End, OperatorId, OperatorInfo, Origin, Pipeline, Pipelines, Reg, Register,
    Step, Table, TableId, TableKind,
};
use sabot_ir::plan::{AggregateFunction, ErrorPolicy, SourceId};
use sabot_ir::span::Span;
use sabot_ir::ty::Type;
use sabot_snapshots::assert_stage;

/// The registers that all kernels here are over, by name.
const REGISTERS: [(&str, Type); 5] = [
    ("price", Type::Float64),
    ("volume", Type::Int64),
    ("symbol", Type::String),
    ("value", Type::Float64),
    ("small", Type::Int32),
];

fn register(name: &str) -> Expr {
    let at = REGISTERS.iter().position(|(known, _)| *known == name).expect("a register");
    Expr::column(at as u32, REGISTERS[at].1.clone())
}

fn binary(op: BinaryOp, a: Expr, b: Expr, ty: Type) -> Expr {
    Expr::new(ExprKind::Binary(op, Box::new(a), Box::new(b)), ty, Span::new(10, 20))
}

fn float(value: f64) -> Expr {
    Expr::literal(Literal::Float(value), Type::Float64)
}

fn job(filter: Option<Expr>, outputs: Vec<(u32, Expr)>, end: End, tables: Vec<Table>) -> Pipelines {
    let registers = REGISTERS.map(|(name, ty)| Register { name: name.to_owned(), ty });
    let step = Step::Compute {
        filter,
        outputs: outputs.into_iter().map(|(register, expr)| (Reg(register), expr)).collect(),
        live: Vec::new(),
        operator: OperatorId(0),
        counts: vec![OperatorId(0)],
    };
    let origin = Origin::Scan {
        source: SourceId(0),
        columns: Vec::new(),
        prune: None,
        event_time: None,
        operator: OperatorId(0),
    };
    Pipelines {
        job: "clif".to_owned(),
        operators: vec![OperatorInfo {
            name: "step".to_owned(),
            kind: "map",
            span: Span::NONE,
            on_error: ErrorPolicy::Fail,
        }],
        tables,
        pipelines: vec![Pipeline { origin, registers: registers.to_vec(), body: Body { steps: vec![step], end } }],
        ..Pipelines::default()
    }
}

fn check(name: &str, job: &Pipelines) {
    let options = CompileOptions {
        target: Some("x86_64-unknown-linux-gnu".to_owned()),
        cpu: Cpu::V3,
        ..CompileOptions::default()
    };
    let kernels = explain(job, &options).expect("these have code");
    let text: Vec<String> = kernels.into_iter().map(|kernel| kernel.clif).collect();
    assert_stage!("clif", name, text.join("\n"));
}

#[test]
fn filter_of_a_float_and_a_parameter() {
    let limit = Expr::new(ExprKind::Param(ParamId(0)), Type::Float64, Span::NONE);
    let filter = binary(BinaryOp::Gt, register("price"), limit, Type::Bool);
    check("filter_float", &job(Some(filter), Vec::new(), End::Nothing, Vec::new()));
}

#[test]
fn sum_that_may_overflow_has_a_replay_kernel() {
    let sum = binary(BinaryOp::Add, register("small"), Expr::literal(Literal::Int(1), Type::Int32), Type::Int32);
    check("add_checked", &job(None, vec![(4, sum)], End::Nothing, Vec::new()));
}

#[test]
fn option_of_a_float_has_a_kernel_with_nulls() {
    let mut option = register("price");
    option.ty = option.ty.optional();
    let x = Expr::new(ExprKind::Local(LocalId(0)), Type::Float64, Span::NONE);
    let body = ExprKind::IfSome {
        option: Box::new(option),
        local: LocalId(0),
        then: Box::new(Expr::new(ExprKind::Call(Function::Sqrt, vec![x]), Type::Float64, Span::NONE)),
        otherwise: Box::new(float(0.0)),
    };
    let mut job = job(None, vec![(3, Expr::new(body, Type::Float64, Span::NONE))], End::Nothing, Vec::new());
    job.pipelines[0].registers[0].ty = Type::Float64.optional();
    check("if_some", &job);
}

#[test]
fn string_comparison_goes_row_by_row() {
    let text = Expr::literal(Literal::String("ACME".to_owned()), Type::String);
    let filter = binary(BinaryOp::Eq, register("symbol"), text, Type::Bool);
    check("filter_string", &job(Some(filter), Vec::new(), End::Nothing, Vec::new()));
}

#[test]
fn sum_of_a_filtered_product_is_one_kernel() {
    let filter = binary(BinaryOp::Gt, register("price"), float(100.0), Type::Bool);
    let volume = Expr::new(ExprKind::Cast(Box::new(register("volume"))), Type::Float64, Span::NONE);
    let value = binary(BinaryOp::Mul, register("price"), volume, Type::Float64);
    let calls = [(AggregateFunction::Sum, Some(Reg(3))), (AggregateFunction::Count, None)];
    let end = End::Aggregate {
        table: TableId(0),
        keys: Vec::new(),
        inputs: calls
            .iter()
            .map(|(_, arg)| AggregateInput { args: arg.iter().copied().collect(), filter: None })
            .collect(),
        operator: OperatorId(0),
    };
    let calls = calls
        .iter()
        .map(|(function, _)| AggregateSpec { function: *function, args: Vec::new(), ty: Type::Float64 })
        .collect();
    let kind = TableKind::Aggregate { keys: Vec::new(), calls, closes: None };
    let table = Table { name: "totals".to_owned(), id: "totals".to_owned(), kind };
    check("fused_sum", &job(Some(filter), vec![(3, value)], end, vec![table]));
}

/// Cranelift makes loads operands of `cmppd`, which without AVX traps where memory is not aligned, as columns are not.
#[test]
fn without_avx_floats_are_not_loaded_as_floats() {
    let filter = binary(BinaryOp::Gt, register("price"), float(100.0), Type::Bool);
    let job = job(Some(filter), Vec::new(), End::Nothing, Vec::new());
    for (cpu, expected) in [(Cpu::Baseline, false), (Cpu::V3, true)] {
        let target = Some("x86_64-unknown-linux-gnu".to_owned());
        let options = CompileOptions { target, cpu, ..CompileOptions::default() };
        let kernels = explain(&job, &options).expect("it has code");
        assert_eq!(kernels[0].clif.contains("load.f64x2"), expected, "{cpu:?}");
    }
}
