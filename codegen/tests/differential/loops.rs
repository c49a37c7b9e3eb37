//! Loops of unknown length in vectors: rows that leave early and late, fail, run out of fuel, are not selected.

use super::check_step;
use sabot_codegen::Cpu;
use sabot_ir::body::{Body, LabelId, Place, Statement, Variable, VariableId};
use sabot_ir::expr::{BinaryOp, Expr, ExprKind, Function, Literal};
use sabot_ir::pipeline::Register;
use sabot_ir::span::Span;
use sabot_ir::ty::Type;
use sabot_reference::Value;
use sabot_reference::random::Rng;

const LOOP: LabelId = LabelId(0);

fn variable(id: u32, ty: &Type) -> Expr {
    Expr::new(ExprKind::Variable(VariableId(id)), ty.clone(), Span::NONE)
}

fn int(value: i128, ty: &Type) -> Expr {
    Expr::literal(Literal::Int(value), ty.clone())
}

fn binary(op: BinaryOp, a: Expr, b: Expr) -> Expr {
    let is_test = matches!(op, BinaryOp::Eq | BinaryOp::Ne | BinaryOp::Lt | BinaryOp::Gt | BinaryOp::Or);
    let ty = if is_test { Type::Bool } else { a.ty.clone() };
    Expr::new(ExprKind::Binary(op, Box::new(a), Box::new(b)), ty, Span::new(1, 2))
}

fn assign(id: u32, value: Expr) -> Statement {
    Statement::Assign(VariableId(id), value)
}

fn if_(condition: Expr, then: Vec<Statement>, otherwise: Vec<Statement>) -> Statement {
    Statement::If { condition, then, otherwise }
}

fn repeat(label: LabelId, body: Vec<Statement>) -> Statement {
    Statement::Loop { label, body, place: Place(Span::new(3, 4)) }
}

fn body(types: &[&Type], block: Vec<Statement>, result: Expr) -> Body {
    let variables = types.iter().map(|ty| Variable { name: "v".to_owned(), ty: (*ty).clone(), span: Span::NONE });
    Body { variables: variables.collect(), block, result }
}

/// Bodies of two columns, as one step over random rows of which some are selected.
fn check(bodies: Vec<Body>, ty: &Type, rows: &[(Value, Value)], seed: u64) {
    let args = || vec![Expr::column(0, ty.clone()), Expr::column(1, ty.clone())];
    let outputs = bodies.into_iter().map(|body| {
        let of = body.result.ty.clone();
        Expr::new(ExprKind::Compute(Box::new(body), args()), of, Span::new(1, 2))
    });
    let outputs: Vec<Expr> = outputs.collect();
    let columns = ["a", "b"].map(|name| Register { name: name.to_owned(), ty: ty.clone() }).to_vec();
    let data: Vec<Vec<Value>> = rows.iter().map(|(a, b)| vec![a.clone(), b.clone()]).collect();
    let mut rng = Rng::new(seed);
    let selected: Vec<bool> = rows.iter().map(|_| seed == 0 || rng.percent(70)).collect();
    for cpu in [Cpu::V3, Cpu::Baseline] {
        let job = check_step(seed, cpu, columns.clone(), None, outputs.clone(), &[], &data, &selected);
        assert!(job.manifest.kernels.iter().any(|name| name.ends_with("_plain")), "{:?}", job.manifest.kernels);
    }
}

fn ints(rng: &mut Rng, rows: usize, great: bool) -> Vec<(Value, Value)> {
    let mut one = || {
        let bits = if great { 64 } else { 40 };
        let value = i128::from(rng.next_u64().cast_signed()) >> (64 - 1 - rng.below(bits).min(62));
        Value::Int(value)
    };
    (0..rows).map(|_| (one(), one())).collect()
}

/// `while b != 0 { (a, b) = (b, a % b) }`, with what `b` was at the end as a second result of the same loop.
fn gcd(ty: &Type) -> Vec<Body> {
    let (a, b, rest) = (variable(0, ty), variable(1, ty), variable(2, ty));
    let step =
        vec![assign(2, binary(BinaryOp::Rem, a.clone(), b.clone())), assign(0, b.clone()), assign(1, rest.clone())];
    let not_zero = binary(BinaryOp::Ne, b.clone(), int(0, ty));
    let block = vec![repeat(LOOP, vec![if_(not_zero, step, vec![Statement::Break(LOOP)])])];
    let with = |result: Expr| body(&[ty, ty, ty], block.clone(), result);
    vec![with(a.clone()), with(binary(BinaryOp::BitXor, a, b))]
}

#[test]
fn a_loop_that_divides_until_nothing_is_left() {
    let mut rng = Rng::new(5);
    let small = ints(&mut rng, 1_000, false);
    check(gcd(&Type::Int64), &Type::Int64, &small, 0);
    check(gcd(&Type::Int64), &Type::Int64, &small, 1);
    // Numbers that are no floats are left to the rows' kernel; so is the remainder that overflows.
    let mut great = ints(&mut rng, 300, true);
    let edges = [i64::MIN, i64::MAX, -1, 0, 1, (1 << 51) - 1, 1 << 51, (1 << 53) + 1].map(i128::from);
    great.extend(edges.iter().flat_map(|a| edges.iter().map(|b| (Value::Int(*a), Value::Int(*b)))));
    check(gcd(&Type::Int64), &Type::Int64, &great, 0);
    let narrow: Vec<(Value, Value)> = [-128_i128, -1, 0, 1, 2, 60, 127]
        .iter()
        .flat_map(|a| [-128_i128, -7, -1, 0, 3, 48, 127].map(|b| (Value::Int(*a), Value::Int(b))))
        .collect();
    check(gcd(&Type::Int8), &Type::Int8, &narrow, 0);
}

#[test]
fn a_loop_with_branches_continues_and_a_way_out() {
    // How often: n = n / 2 or 3 * n + 1, until 1; numbers of 7 go round without being counted; after 90 passes it is over.
    let ty = Type::Int64;
    let (n, steps) = (variable(0, &ty), variable(1, &ty));
    let outer = LabelId(1);
    let halve = vec![assign(0, binary(BinaryOp::Div, n.clone(), int(2, &ty)))];
    let triple = binary(BinaryOp::Add, binary(BinaryOp::Mul, n.clone(), int(3, &ty)), int(1, &ty));
    let even = binary(BinaryOp::Eq, binary(BinaryOp::Rem, n.clone(), int(2, &ty)), int(0, &ty));
    let of_seven = binary(BinaryOp::Eq, binary(BinaryOp::Rem, n.clone(), int(7, &ty)), int(0, &ty));
    let passes = variable(2, &ty);
    let block = vec![
        assign(1, int(0, &ty)),
        Statement::Block {
            label: outer,
            body: vec![
                repeat(
                    LOOP,
                    vec![
                        if_(binary(BinaryOp::Eq, n.clone(), int(1, &ty)), vec![Statement::Break(LOOP)], Vec::new()),
                        assign(2, binary(BinaryOp::Add, passes.clone(), int(1, &ty))),
                        if_(
                            binary(BinaryOp::Gt, passes.clone(), int(90, &ty)),
                            vec![Statement::Break(outer)],
                            Vec::new(),
                        ),
                        if_(even, halve, vec![assign(0, triple)]),
                        if_(of_seven, vec![Statement::Continue(LOOP)], Vec::new()),
                        assign(1, binary(BinaryOp::Add, steps.clone(), int(1, &ty))),
                    ],
                ),
                // Only who came to 1 comes here.
                assign(1, binary(BinaryOp::Add, steps.clone(), int(1_000, &ty))),
            ],
        },
    ];
    let all = body(&[&ty, &ty, &ty], block, steps);
    let rows: Vec<(Value, Value)> = (-50..950).map(|n| (Value::Int(n), Value::Int(n * n))).collect();
    check(vec![all.clone()], &ty, &rows, 0);
    check(vec![all], &ty, &rows, 3);
}

#[test]
fn a_loop_inside_a_loop_and_errors_of_some_rows() {
    // The sum of a / k for k from b down to 1, twice: where b is below zero k comes to zero, which is an error.
    let ty = Type::Int32;
    let (a, b, k, sum, round) =
        (variable(0, &ty), variable(1, &ty), variable(2, &ty), variable(3, &ty), variable(4, &ty));
    let inner = LabelId(1);
    let done = binary(BinaryOp::Eq, k.clone(), int(0, &ty));
    let is_negative = binary(BinaryOp::Lt, b.clone(), int(0, &ty));
    let fails = binary(BinaryOp::Div, a.clone(), k.clone());
    let block = vec![repeat(
        LOOP,
        vec![
            if_(binary(BinaryOp::Gt, round.clone(), int(1, &ty)), vec![Statement::Break(LOOP)], Vec::new()),
            assign(4, binary(BinaryOp::Add, round.clone(), int(1, &ty))),
            assign(2, b.clone()),
            repeat(
                inner,
                vec![
                    if_(
                        done,
                        vec![if_(is_negative, vec![Statement::Evaluate(fails)], Vec::new()), Statement::Break(inner)],
                        Vec::new(),
                    ),
                    assign(3, binary(BinaryOp::Add, sum.clone(), binary(BinaryOp::Div, a.clone(), k.clone()))),
                    if_(
                        binary(BinaryOp::Lt, k.clone(), int(0, &ty)),
                        vec![assign(2, binary(BinaryOp::Add, k.clone(), int(1, &ty)))],
                        vec![assign(2, binary(BinaryOp::Sub, k.clone(), int(1, &ty)))],
                    ),
                ],
            ),
        ],
    )];
    let all = body(&[&ty; 5], block, sum);
    let row = |a: i32, b: i32| (Value::Int(a.into()), Value::Int(b.into()));
    let fine: Vec<_> = (0..400).map(|n| row(n * 7_919, n % 23)).collect();
    let some: Vec<_> =
        (0..400).map(|n| row(n * 7_919 - 1_000_000, if n % 61 == 0 { -(n % 5) } else { n % 9 })).collect();
    check(vec![all.clone()], &ty, &fine, 0);
    check(vec![all.clone()], &ty, &some, 0);
    check(vec![all], &ty, &some, 4);
}

#[test]
fn a_root_that_converges() {
    let ty = Type::Float64;
    let (x, guess, next) = (variable(0, &ty), variable(1, &ty), variable(2, &ty));
    let count = variable(3, &Type::Int64);
    let mean = binary(
        BinaryOp::Div,
        binary(BinaryOp::Add, guess.clone(), binary(BinaryOp::Div, x.clone(), guess.clone())),
        Expr::literal(Literal::Float(2.0), ty.clone()),
    );
    let away = Expr::new(
        ExprKind::Call(Function::Abs, vec![binary(BinaryOp::Sub, next.clone(), guess.clone())]),
        ty.clone(),
        Span::NONE,
    );
    let near = binary(BinaryOp::Lt, away, Expr::literal(Literal::Float(1e-9), ty.clone()));
    let often = binary(BinaryOp::Gt, count.clone(), int(60, &Type::Int64));
    let block = vec![repeat(
        LOOP,
        vec![
            assign(2, mean),
            assign(3, binary(BinaryOp::Add, count, int(1, &Type::Int64))),
            if_(binary(BinaryOp::Or, near, often), vec![Statement::Break(LOOP)], Vec::new()),
            assign(1, next.clone()),
        ],
    )];
    let all = body(&[&ty, &ty, &ty, &Type::Int64], block, next);
    let edges = [0.0, -0.0, 1.0, -1.0, f64::NAN, f64::INFINITY, f64::MIN_POSITIVE, f64::MAX, 2.0, 1e-300];
    let mut rows: Vec<(Value, Value)> =
        edges.iter().flat_map(|a| edges.map(|b| (Value::Float64(*a), Value::Float64(b)))).collect();
    rows.extend((0..500).map(|n| (Value::Float64(f64::from(n) * 1.37), Value::Float64(f64::from(n % 17) + 0.5))));
    check(vec![all.clone()], &ty, &rows, 0);
    check(vec![all], &ty, &rows, 2);
}

#[test]
fn a_row_that_never_ends_fails_alone() {
    let ty = Type::Int64;
    let ends = if_(binary(BinaryOp::Ne, variable(0, &ty), int(0, &ty)), vec![Statement::Break(LOOP)], Vec::new());
    let all = body(&[&ty, &ty], vec![repeat(LOOP, vec![ends])], variable(1, &ty));
    let rows: Vec<(Value, Value)> = (0..130).map(|n| (Value::Int(n - 77), Value::Int(n))).collect();
    check(vec![all], &ty, &rows, 0);
}
