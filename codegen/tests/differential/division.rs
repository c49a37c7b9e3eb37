//! Division of integers in vectors, by constants and by columns: all widths, edge values against edge values.

use super::check_step;
use sabot_codegen::Cpu;
use sabot_ir::expr::{BinaryOp, Expr, ExprKind, Function, Literal};
use sabot_ir::pipeline::Register;
use sabot_ir::span::Span;
use sabot_ir::ty::Type;
use sabot_reference::Value;
use sabot_reference::random::Rng;

/// The types that are divided, with their bounds.
fn types() -> [(Type, i128, i128); 8] {
    [
        (Type::Int8, i8::MIN.into(), i8::MAX.into()),
        (Type::Int16, i16::MIN.into(), i16::MAX.into()),
        (Type::Int32, i32::MIN.into(), i32::MAX.into()),
        (Type::Int64, i64::MIN.into(), i64::MAX.into()),
        (Type::UInt8, 0, u8::MAX.into()),
        (Type::UInt16, 0, u16::MAX.into()),
        (Type::UInt32, 0, u32::MAX.into()),
        (Type::UInt64, 0, u64::MAX.into()),
    ]
}

/// Numbers about which a division by way of floats might be wrong, as far as the type has them: about zero, the bounds, powers
/// of two, above all about 2^50 to 2^53, and multiples of divisors.
fn values(rng: &mut Rng, least: i128, greatest: i128) -> Vec<i128> {
    let mut all =
        vec![0, 1, 2, 3, 5, 7, 9, 10, 11, 60, 100, 1_000, 86_400_000_000, least, least + 1, greatest, greatest - 1];
    for bit in [7, 8, 15, 16, 31, 32, 48, 49, 50, 51, 52, 53, 62, 63] {
        all.extend([-1, 0, 1].map(|near| (1_i128 << bit) + near));
    }
    for _ in 0..60 {
        let random = i128::from(rng.next_u64().cast_signed()) >> rng.below(64);
        all.extend([random, random * 7, random * 60 - 1]);
    }
    let negative: Vec<i128> = all.iter().map(|value| -value).collect();
    all.extend(negative);
    all.retain(|value| (least..=greatest).contains(value));
    all
}

fn binary(op: BinaryOp, a: Expr, b: Expr) -> Expr {
    let ty = a.ty.clone();
    Expr::new(ExprKind::Binary(op, Box::new(a), Box::new(b)), ty, Span::new(1, 2))
}

fn check(seed: u64, cpu: Cpu, ty: &Type, outputs: Vec<Expr>, rows: &[(i128, i128)], errors_too: bool) {
    let columns = ["a", "b"].map(|name| Register { name: name.to_owned(), ty: ty.clone() }).to_vec();
    let data: Vec<Vec<Value>> = rows.iter().map(|(a, b)| vec![Value::Int(*a), Value::Int(*b)]).collect();
    for part in data.chunks(2_048) {
        let job = check_step(seed, cpu, columns.clone(), None, outputs.clone(), &[], part, &vec![true; part.len()]);
        let rows_only = |name: &String| name.ends_with("_rows");
        assert!(!job.manifest.kernels.iter().any(rows_only), "{ty}: division should be vectors' work");
    }
    assert!(errors_too || !outputs.iter().any(Expr::can_fail));
}

#[test]
fn quotients_by_constants() {
    let mut rng = Rng::new(11);
    for (ty, least, greatest) in types() {
        let column = || Expr::column(0, ty.clone());
        let literal = |value| Expr::literal(Literal::Int(value), ty.clone());
        let numbers = values(&mut rng, least, greatest);
        let mut divisors =
            vec![1, 2, -2, 3, -3, 4, 7, 10, 15, 60, 64, 100, 1_000, 1_440, least, least + 1, greatest, greatest - 1];
        divisors.extend([1_000_000_000, 86_400_000_000, 1 << 31, 1 << 50, (1 << 53) + 1, 1 << 62]);
        divisors.extend((0..12).map(|_| *rng.pick(&numbers)));
        divisors.retain(|by| (least..=greatest).contains(by) && *by != 0 && *by != -1);
        let small = literal(1_000.min(greatest));
        let mut outputs = Vec::new();
        for by in divisors {
            for op in [BinaryOp::Div, BinaryOp::Rem] {
                outputs.push(binary(op, column(), literal(by)));
                // Of what is known to be small, with a sign and without.
                outputs.push(binary(op, binary(BinaryOp::Rem, column(), small.clone()), literal(by)));
                outputs.push(binary(op, binary(BinaryOp::BitAnd, column(), small.clone()), literal(by)));
            }
            if by > 0 {
                for function in [Function::DivEuclid, Function::RemEuclid] {
                    let args = vec![column(), literal(by)];
                    outputs.push(Expr::new(ExprKind::Call(function, args), ty.clone(), Span::new(1, 2)));
                }
            }
        }
        // Multiples of the divisors, and their neighbours, are among the numbers.
        let rows: Vec<(i128, i128)> = numbers.iter().map(|a| (*a, 1)).collect();
        for (number, outputs) in outputs.chunks(12).enumerate() {
            let cpu = if number % 2 == 0 { Cpu::V3 } else { Cpu::Baseline };
            check(number as u64, cpu, &ty, outputs.to_vec(), &rows, false);
        }
    }
}

#[test]
fn small_quotients_by_all_small_constants() {
    let rows: Vec<(i128, i128)> = (-1_024..1_024).map(|a| (a * 977, 1)).collect();
    let column = || Expr::column(0, Type::Int64);
    let outputs: Vec<Expr> = (2..200_i128)
        .flat_map(|by| [by, -by])
        .flat_map(|by| [BinaryOp::Div, BinaryOp::Rem].map(|op| (op, by)))
        .map(|(op, by)| binary(op, column(), Expr::literal(Literal::Int(by), Type::Int64)))
        .collect();
    for (number, outputs) in outputs.chunks(40).enumerate() {
        check(number as u64, Cpu::V3, &Type::Int64, outputs.to_vec(), &rows, false);
    }
}

#[test]
fn quotients_of_two_columns() {
    let mut rng = Rng::new(12);
    for (ty, least, greatest) in types() {
        let numbers = values(&mut rng, least, greatest);
        let (a, b) = (Expr::column(0, ty.clone()), Expr::column(1, ty.clone()));
        let outputs: Vec<Expr> = [BinaryOp::Div, BinaryOp::Rem].map(|op| binary(op, a.clone(), b.clone())).to_vec();
        // Without errors, so that vectors decide; then some rows that fail.
        let minus_one = if least < 0 { -1 } else { 1 };
        let mut rows: Vec<(i128, i128)> = (0..4_096).map(|_| (*rng.pick(&numbers), *rng.pick(&numbers))).collect();
        rows.retain(|(a, b)| *b != 0 && !(*a == least && *b == minus_one));
        check(1, Cpu::V3, &ty, outputs.clone(), &rows, true);
        for wrong in [(1, 0), (least, minus_one), (0, 0)] {
            rows.insert(rng.below(rows.len() as u64) as usize, wrong);
        }
        check(2, Cpu::Baseline, &ty, outputs, &rows, true);
    }
}

#[test]
fn a_number_that_is_great_where_it_is_not_divided() {
    let mut rng = Rng::new(13);
    let numbers = values(&mut rng, i64::MIN.into(), i64::MAX.into());
    let (a, b) = (Expr::column(0, Type::Int64), Expr::column(1, Type::Int64));
    let literal = |value: i128| Expr::literal(Literal::Int(value), Type::Int64);
    let test =
        |op, a: Expr, b: Expr| Expr::new(ExprKind::Binary(op, Box::new(a), Box::new(b)), Type::Bool, Span::new(1, 2));
    let choose = |condition: Expr, then: Expr, otherwise: Expr| {
        let kind =
            ExprKind::If { condition: Box::new(condition), then: Box::new(then), otherwise: Box::new(otherwise) };
        Expr::new(kind, Type::Int64, Span::new(1, 2))
    };
    let small = || test(BinaryOp::Gt, b.clone(), literal(0));
    let divided = || binary(BinaryOp::Div, a.clone(), literal(7));
    let compared = choose(test(BinaryOp::Lt, a.clone(), literal(-5)), literal(1), literal(2));
    let added = binary(BinaryOp::BitXor, a.clone(), literal(3));
    let outputs = vec![
        choose(small(), divided(), compared.clone()),
        choose(small(), divided(), added.clone()),
        choose(test(BinaryOp::Gt, divided(), literal(100)), compared, added),
    ];
    // Only where it is small is it divided: vectors decide.
    let rows: Vec<(i128, i128)> = numbers.iter().map(|a| (*a, i128::from(a.abs() < 1 << 51))).collect();
    check(3, Cpu::V3, &Type::Int64, outputs[..2].to_vec(), &rows, true);
    check(4, Cpu::V3, &Type::Int64, outputs, &rows, true);
}
