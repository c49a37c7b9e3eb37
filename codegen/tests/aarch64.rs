//! Kernels compiled for aarch64 on any machine run there, and give what they give here.
#![allow(clippy::print_stdout, reason = "a test that skips itself says so")]
#![allow(clippy::wildcard_enum_match_arm, reason = "most types are treated alike here")]

mod support;

use sabot_abi::CHUNK_ROWS;
use sabot_abi::kernel::Accumulator;
use sabot_abi::manifest::{self, BaseType, ColumnType, End as ManifestEnd, Field, Kernel, Step as ManifestStep};
use sabot_codegen::artifact::link;
use sabot_codegen::{CompileOptions, Cpu, compile};
use sabot_ir::expr::{BinaryOp, Expr, ExprKind, Function, Literal, LocalId};
use sabot_ir::pipeline::{
    AggregateInput, AggregateSpec, Body, End, OperatorId, OperatorInfo, Origin, Pipeline, Pipelines, Reg, Register,
    Step, Table, TableId, TableKind,
};
use sabot_ir::plan::{AggregateFunction, ErrorPolicy, SourceId};
use sabot_ir::span::Span;
use sabot_ir::text::TextFunction;
use sabot_ir::ty::Type;
use sabot_runtime::kernel::LoadedArtifact;
use support::frame::{Column, Frame, Outcome};
use support::qemu::Machine;
use support::{AARCH64, GROWN, SHIFTED, X86_64, job};

#[test]
fn hand_made_kernels_give_the_same_on_both_machines() {
    let Some(machine) = Machine::start() else { return };
    let here = LoadedArtifact::load(&link(&job(X86_64))).expect("loads");
    let there = link(&job(AARCH64));

    let frame = Frame::new(100, vec![Column::of_words((0..100).map(|row| row * row))], 1);
    let (shifted, _) = machine.call(&there, SHIFTED, &frame);
    assert_eq!(shifted, frame.call(&here, SHIFTED));
    assert_eq!(shifted.outputs[0].values[..3], [7, 8, 11]);

    let frame = Frame::new(3, vec![Column::of_floats([0.0, f64::NEG_INFINITY, 1.0])], 1);
    let (grown, said) = machine.call(&there, GROWN, &frame);
    assert_eq!(grown.outputs[0].values[..2], [1f64.to_bits(), 0f64.to_bits()]);
    let frames: Vec<&str> = said.lines().collect();
    assert!(frames.contains(&"frame: shift::map_2_rows"), "unwound to the kernel: {frames:?}");
    assert!(frames.contains(&"frame: main"), "unwound through the kernel: {frames:?}");
}

/// The registers that every job below reads, by position.
fn inputs() -> Vec<(&'static str, Type)> {
    vec![
        ("price", Type::Float64),
        ("size", Type::Int64),
        ("lot", Type::Int32),
        ("bid", Type::Float64.optional()),
        ("filled", Type::Int64.optional()),
        ("symbol", Type::String),
        ("open", Type::Bool),
        ("tick", Type::UInt8),
        ("rate", Type::Float32),
    ]
}

fn column(name: &str) -> Expr {
    let position = inputs().iter().position(|(known, _)| *known == name).expect("an input");
    Expr::column(position as u32, inputs()[position].1.clone())
}

fn float(value: f64) -> Expr {
    Expr::literal(Literal::Float(value), Type::Float64)
}

fn int(value: i128, ty: Type) -> Expr {
    Expr::literal(Literal::Int(value), ty)
}

fn binary(op: BinaryOp, left: Expr, right: Expr) -> Expr {
    let comparison = matches!(
        op,
        BinaryOp::Eq
            | BinaryOp::Ne
            | BinaryOp::Lt
            | BinaryOp::Le
            | BinaryOp::Gt
            | BinaryOp::Ge
            | BinaryOp::And
            | BinaryOp::Or
    );
    let ty = if comparison { Type::Bool } else { left.ty.clone() };
    Expr::new(ExprKind::Binary(op, Box::new(left), Box::new(right)), ty, Span::NONE)
}

fn cast(value: Expr, ty: Type) -> Expr {
    Expr::new(ExprKind::Cast(Box::new(value)), ty, Span::NONE)
}

fn call(function: Function, arguments: Vec<Expr>, ty: Type) -> Expr {
    Expr::new(ExprKind::Call(function, arguments), ty, Span::NONE)
}

fn either(condition: Expr, then: Expr, otherwise: Expr) -> Expr {
    let ty = then.ty.clone();
    let kind = ExprKind::If { condition: Box::new(condition), then: Box::new(then), otherwise: Box::new(otherwise) };
    Expr::new(kind, ty, Span::NONE)
}

/// A job of one step and an end.
fn pipelines(filter: Option<Expr>, outputs: Vec<Expr>, aggregate: Vec<(AggregateFunction, Option<u32>)>) -> Pipelines {
    let mut registers: Vec<Register> =
        inputs().into_iter().map(|(name, ty)| Register { name: name.to_owned(), ty }).collect();
    let first = registers.len() as u32;
    let outputs: Vec<(Reg, Expr)> = (first..).map(Reg).zip(outputs).collect();
    registers
        .extend(outputs.iter().map(|(reg, expr)| Register { name: format!("out_{}", reg.0), ty: expr.ty.clone() }));
    let register_type = |register: u32| registers[register as usize].ty.clone();
    let result = |function, arg: Option<u32>| match function {
        AggregateFunction::Count => Type::Int64,
        AggregateFunction::Avg => Type::Float64,
        _ => register_type(arg.expect("all others have an argument")),
    };
    let calls = aggregate.iter().map(|(function, arg)| AggregateSpec {
        function: *function,
        args: arg.iter().map(|register| register_type(*register)).collect(),
        ty: result(*function, *arg),
    });
    let tables = if aggregate.is_empty() {
        Vec::new()
    } else {
        let kind = TableKind::Aggregate { keys: Vec::new(), calls: calls.collect(), closes: None };
        vec![Table { name: "totals".to_owned(), id: "totals".to_owned(), kind }]
    };
    let end = if aggregate.is_empty() {
        End::Nothing
    } else {
        let input =
            |arg: &Option<u32>| AggregateInput { args: arg.iter().map(|reg| Reg(*reg)).collect(), filter: None };
        let inputs = aggregate.iter().map(|(_, arg)| input(arg)).collect();
        End::Aggregate { table: TableId(0), keys: Vec::new(), inputs, operator: OperatorId(0) }
    };
    let step =
        Step::Compute { filter, outputs, live: Vec::new(), operator: OperatorId(0), counts: vec![OperatorId(0)] };
    let origin = Origin::Scan {
        source: SourceId(0),
        columns: Vec::new(),
        prune: None,
        event_time: None,
        operator: OperatorId(0),
    };
    Pipelines {
        job: "both".to_owned(),
        operators: vec![OperatorInfo {
            name: "step".to_owned(),
            kind: "map",
            span: Span::NONE,
            on_error: ErrorPolicy::Skip,
        }],
        tables,
        pipelines: vec![Pipeline { origin, registers, body: Body { steps: vec![step], end } }],
        ..Pipelines::default()
    }
}

#[test]
fn filters_give_the_same_on_both_machines() {
    let Some(machine) = Machine::start() else { return };
    let cheap = binary(BinaryOp::Lt, column("price"), float(100.0));
    let small = binary(BinaryOp::Le, column("size"), int(1 << 40, Type::Int64));
    let named = call(
        Function::StartsWith,
        vec![column("symbol"), Expr::literal(Literal::String("AB".to_owned()), Type::String)],
        Type::Bool,
    );
    compare_vectors(&machine, &pipelines(Some(binary(BinaryOp::And, cheap.clone(), small)), Vec::new(), Vec::new()));
    compare(&machine, &pipelines(Some(binary(BinaryOp::Or, cheap, column("open"))), Vec::new(), Vec::new()));
    compare(&machine, &pipelines(Some(named), Vec::new(), Vec::new()));
}

#[test]
fn maps_give_the_same_on_both_machines() {
    let Some(machine) = Machine::start() else { return };
    let unwrapped = call(Function::UnwrapOr, vec![column("bid"), float(-1.0)], Type::Float64);
    let spread = binary(BinaryOp::Sub, column("price"), unwrapped.clone());
    let mid = binary(BinaryOp::Div, binary(BinaryOp::Add, column("price"), unwrapped), float(2.0));
    let points = either(
        binary(BinaryOp::Gt, mid.clone(), float(0.0)),
        binary(BinaryOp::Mul, binary(BinaryOp::Div, spread.clone(), mid.clone()), float(10_000.0)),
        call(Function::Sqrt, vec![call(Function::Abs, vec![spread.clone()], Type::Float64)], Type::Float64),
    );
    let filled = Expr::new(
        ExprKind::IfSome {
            option: Box::new(column("filled")),
            local: LocalId(0),
            then: Box::new(binary(
                BinaryOp::Sub,
                Expr::new(ExprKind::Local(LocalId(0)), Type::Int64, Span::NONE),
                int(3, Type::Int64),
            )),
            otherwise: Box::new(int(0, Type::Int64)),
        },
        Type::Int64,
        Span::NONE,
    );
    compare_vectors(&machine, &pipelines(None, vec![spread, mid, points], Vec::new()));
    compare(&machine, &pipelines(Some(column("open")), vec![filled], Vec::new()));
    let lot = || column("lot");
    compare(
        &machine,
        &pipelines(
            None,
            vec![
                binary(BinaryOp::Div, lot(), int(7, Type::Int32)),
                cast(column("price"), Type::Int32),
                cast(column("price"), Type::UInt8),
                cast(column("size"), Type::Float64),
                cast(column("rate"), Type::Float64),
                binary(BinaryOp::BitXor, cast(column("tick"), Type::Int32), lot()),
                call(Function::WrappingMul, vec![column("size"), column("size")], Type::Int64),
                call(Function::Min, vec![column("price"), float(2.5)], Type::Float64),
                call(Function::Round, vec![column("price")], Type::Float64),
                call(Function::Len, vec![column("symbol")], Type::UInt64),
            ],
            Vec::new(),
        ),
    );
    compare(&machine, &pipelines(None, vec![binary(BinaryOp::Mul, column("size"), column("size"))], Vec::new()));
}

#[test]
fn strings_that_kernels_make_are_the_same_on_both_machines() {
    let Some(machine) = Machine::start() else { return };
    let text = |text: &str| Expr::literal(Literal::String(text.to_owned()), Type::String);
    let concat = |a, b| call(Function::Text(TextFunction::Concat), vec![a, b], Type::String);
    let marked = concat(concat(text("<"), column("symbol")), text(">"));
    let outputs = vec![
        call(Function::Len, vec![marked.clone()], Type::UInt64),
        binary(BinaryOp::Eq, marked.clone(), text("<AB>")),
        call(Function::StartsWith, vec![marked, text("<CD")], Type::Bool),
    ];
    compare(&machine, &pipelines(None, outputs, Vec::new()));
}

#[test]
fn fused_aggregates_give_the_same_on_both_machines() {
    let Some(machine) = Machine::start() else { return };
    let value = binary(BinaryOp::Mul, column("price"), cast(column("lot"), Type::Float64));
    let first = inputs().len() as u32;
    let aggregate = vec![
        (AggregateFunction::Count, None),
        (AggregateFunction::Sum, Some(first)),
        (AggregateFunction::Min, Some(first)),
        (AggregateFunction::Max, Some(1)),
        (AggregateFunction::Sum, Some(2)),
        (AggregateFunction::Avg, Some(first)),
    ];
    let cheap = binary(BinaryOp::Lt, column("price"), float(100.0));
    compare_vectors(&machine, &pipelines(Some(cheap), vec![value], aggregate));
}

/// Calls every kernel of a job, in each of its forms, on both machines. At least one kernel must be of vectors.
fn compare_vectors(machine: &Machine, pipelines: &Pipelines) {
    assert!(compare(machine, pipelines) > 0, "all of this can be done in vectors");
}

/// As above, whatever kernels there are: how many are of vectors.
fn compare(machine: &Machine, pipelines: &Pipelines) -> usize {
    let compiled = |triple: &str| {
        let options =
            CompileOptions { target: Some(triple.to_owned()), cpu: Cpu::Baseline, ..CompileOptions::default() };
        compile(pipelines, &options).expect("compiles")
    };
    let here = LoadedArtifact::load(&compiled(X86_64).bytes).expect("loads");
    let there = compiled(AARCH64);
    let body = &here.manifest.pipelines[0].body;
    let registers = &here.manifest.pipelines[0].registers;
    let steps = body.steps.iter().filter_map(|step| match step {
        ManifestStep::Compute { kernel, .. } => Some((kernel, 0)),
        ManifestStep::Probe { .. }
        | ManifestStep::FlatMap { .. }
        | ManifestStep::Contenders { .. }
        | ManifestStep::Count { .. } => None,
    });
    let fused = match (&body.end, here.manifest.tables.first().map(|table| &table.kind)) {
        (ManifestEnd::Aggregate { fused: Some(fused), .. }, Some(manifest::TableKind::Aggregate { calls, .. })) => {
            Some((&fused.kernel, calls.len()))
        }
        _ => None,
    };
    let kernels: Vec<(&Kernel, usize)> = steps.chain(fused).collect();
    assert!(!kernels.is_empty(), "the job has kernels");
    let vectors = kernels.iter().filter(|(kernel, _)| kernel.vector).count();
    for (kernel, accumulators) in kernels {
        for (number, with_nulls, vector) in [
            (Some(kernel.plain), false, kernel.vector),
            (Some(kernel.nullable), true, kernel.vector),
            (kernel.replay, true, false),
        ] {
            let Some(number) = number else { continue };
            for rows in [1, 64, 100, CHUNK_ROWS as u64] {
                let frame = frame(kernel, registers, rows, with_nulls, accumulators);
                let ours = frame.call(&here, number);
                let (theirs, _) = machine.call(&there.bytes, number, &frame);
                let what = format!("{} over {rows} rows", here.manifest.kernels[number as usize]);
                compare_outcomes(&what, kernel, vector, registers, &frame, &ours, &theirs);
            }
        }
    }
    vectors
}

/// Values at the edges of their types and others between, the same in every run.
fn frame(kernel: &Kernel, registers: &[Field], rows: u64, with_nulls: bool, accumulators: usize) -> Frame {
    let heap = b"ABCDEFGHABABxyz".to_vec();
    let mut state = 0x9e37_79b9_7f4a_7c15u64;
    let mut random = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let mut column = |ty: ColumnType| {
        let mut column = Column::empty();
        column.is_text = ty.base.is_str();
        for word in &mut column.validity {
            *word = if with_nulls && ty.nullable { random() } else { u64::MAX };
        }
        let mut bytes: Vec<u8> = Vec::new();
        match ty.base.register_width() {
            None => (0..CHUNK_ROWS / 64).for_each(|_| bytes.extend(random().to_le_bytes())),
            Some(width) => {
                for _ in 0..CHUNK_ROWS {
                    bytes.extend(&value(ty.base, random()).to_le_bytes()[..width]);
                }
            }
        }
        for (word, bytes) in column.values.iter_mut().zip(bytes.as_chunks::<8>().0) {
            *word = u64::from_le_bytes(*bytes);
        }
        column
    };
    let columns = kernel.inputs.iter().map(|register| column(registers[*register as usize].ty)).collect();
    let mut frame = Frame::new(rows, columns, kernel.outputs.len());
    for word in &mut frame.selection {
        *word &= random() | random();
    }
    frame.selection[0] |= 1;
    frame.heap = heap;
    frame.accumulators = vec![Accumulator::default(); accumulators];
    frame
}

fn value(ty: BaseType, random: u64) -> u128 {
    const FLOATS: [f64; 8] = [0.0, -0.0, 1.5, -2.5, 99.99, 1e300, f64::INFINITY, 0.1];
    let choice = random >> 32;
    match ty {
        BaseType::Float64 if choice.is_multiple_of(3) => u128::from(FLOATS[random as usize % 8].to_bits()),
        BaseType::Float64 => u128::from(((random % 200_000) as f64 / 1000.0).to_bits()),
        BaseType::Float32 => u128::from(((random % 20_000) as f32 / 100.0 - 50.0).to_bits()),
        BaseType::Int64 if choice.is_multiple_of(50) => i64::MIN as u64 as u128,
        BaseType::Int64 => u128::from((random as i64 >> 34) as u64),
        BaseType::String | BaseType::Bytes | BaseType::List(..) => {
            u128::from(random % 8) | u128::from(choice % 8) << 64
        }
        _ => u128::from(random),
    }
}

/// What the runtime looks at after a call must be the same.
fn compare_outcomes(
    what: &str,
    kernel: &Kernel,
    vector: bool,
    registers: &[Field],
    frame: &Frame,
    ours: &Outcome,
    theirs: &Outcome,
) {
    assert_eq!(ours.result, theirs.result, "{what}");
    if ours.result != 0 && vector {
        return;
    }
    assert_eq!(ours.error, theirs.error, "{what}");
    let end = if ours.result == 0 { frame.rows } else { ours.error.row };
    let selection = if kernel.filter { &ours.selection } else { &frame.selection };
    if ours.result == 0 {
        assert_eq!(ours.accumulators, theirs.accumulators, "{what}");
        if kernel.filter && frame.accumulators.is_empty() {
            assert_eq!(ours.selection, theirs.selection, "{what}");
        }
    }
    let bit = |words: &[u64], row: u64| words[row as usize / 64] >> (row % 64) & 1 == 1;
    for (position, register) in kernel.outputs.iter().enumerate() {
        let ty = registers[*register as usize].ty;
        let (left, right) = (&ours.outputs[position], &theirs.outputs[position]);
        for row in (0..end).filter(|row| bit(selection, *row)) {
            let what = format!("{what}, output {position}, row {row}");
            if ty.nullable {
                assert_eq!(bit(&left.validity, row), bit(&right.validity, row), "{what}");
            }
            if (!ty.nullable || bit(&left.validity, row)) && !ty.base.is_str() {
                assert_eq!(read(left, ty.base, row), read(right, ty.base, row), "{what}");
            }
        }
    }
}

/// A value by its bits, all NaNs as one.
fn read(column: &Column, ty: BaseType, row: u64) -> u128 {
    let Some(width) = ty.register_width() else {
        return u128::from(column.values[row as usize / 64] >> (row % 64) & 1);
    };
    // Widths divide a word, or are two words.
    let at = row as usize * width;
    let word = |offset: usize| u128::from(column.values[(at + offset) / 8] >> (at % 8 * 8));
    let value = match width {
        16 => word(0) | word(8) << 64,
        width => word(0) & ((1 << (width * 8)) - 1),
    };
    let is_nan = match ty {
        BaseType::Float64 => f64::from_bits(value as u64).is_nan(),
        BaseType::Float32 => f32::from_bits(value as u32).is_nan(),
        _ => false,
    };
    if is_nan { u128::MAX } else { value }
}
