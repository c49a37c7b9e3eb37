//! The interpreter against Rust itself: every operator of every integer and float type on edge values, where a panic of
//! rustc's debug build must be a row error, and anything else the same value.

use sabot_ir::expr::{BinaryOp, Expr, ExprKind, Function, Literal, UnaryOp};
use sabot_ir::span::Span;
use sabot_ir::ty::Type;
use sabot_reference::{RowErrorCode, Value, evaluate};
use std::panic::catch_unwind;

fn column(position: u32, ty: &Type) -> Box<Expr> {
    Box::new(Expr::column(position, ty.clone()))
}

fn binary(op: BinaryOp, operand: &Type, result: &Type, a: Value, b: Value) -> Result<Value, RowErrorCode> {
    let kind = ExprKind::Binary(op, column(0, operand), column(1, operand));
    evaluate(&Expr::new(kind, result.clone(), Span::NONE), &[a, b], &[]).map_err(|error| error.code)
}

fn call(function: Function, ty: &Type, args: &[Value]) -> Result<Value, RowErrorCode> {
    let columns = (0u32..).zip(args).map(|(position, _)| Expr::column(position, ty.clone())).collect();
    let expr = Expr::new(ExprKind::Call(function, columns), ty.clone(), Span::NONE);
    evaluate(&expr, args, &[]).map_err(|error| error.code)
}

fn cast(from: &Type, to: &Type, value: Value) -> Value {
    let expr = Expr::new(ExprKind::Cast(column(0, from)), to.clone(), Span::NONE);
    evaluate(&expr, &[value], &[]).expect("a cast cannot fail")
}

macro_rules! integers {
    ($(($name:ident, $t:ident, $ty:ident)),*) => {$(
        #[test]
        fn $name() {
            // Panics are what is tested; their messages would only fill the log.
            std::panic::set_hook(Box::new(|_| {}));
            let ty = Type::$ty;
            let edges: [$t; 9] = [0, 1, 2, 3, 7, $t::MAX, $t::MAX - 1, $t::MIN, $t::MIN + 1];
            let value = |x: $t| Value::Int(i128::from(x));
            for a in edges {
                for b in edges.into_iter().chain([0 as $t].map(|zero: $t| zero.wrapping_sub(1))) {
                    let check = |op: BinaryOp, rust: fn($t, $t) -> $t| {
                        let rust = catch_unwind(|| rust(a, b)).ok().map(value);
                        assert_eq!(binary(op, &ty, &ty, value(a), value(b)).ok(), rust, "{a} {} {b}", op.symbol());
                    };
                    check(BinaryOp::Add, |a, b| a + b);
                    check(BinaryOp::Sub, |a, b| a - b);
                    check(BinaryOp::Mul, |a, b| a * b);
                    check(BinaryOp::Div, |a, b| a / b);
                    check(BinaryOp::Rem, |a, b| a % b);
                    check(BinaryOp::BitAnd, |a, b| a & b);
                    check(BinaryOp::BitOr, |a, b| a | b);
                    check(BinaryOp::BitXor, |a, b| a ^ b);
                    check(BinaryOp::Shl, |a, b| a << b);
                    check(BinaryOp::Shr, |a, b| a >> b);
                    let check = |op: BinaryOp, rust: bool| {
                        assert_eq!(binary(op, &ty, &Type::Bool, value(a), value(b)), Ok(Value::Bool(rust)));
                    };
                    check(BinaryOp::Eq, a == b);
                    check(BinaryOp::Ne, a != b);
                    check(BinaryOp::Lt, a < b);
                    check(BinaryOp::Le, a <= b);
                    check(BinaryOp::Gt, a > b);
                    check(BinaryOp::Ge, a >= b);
                    let check = |function: Function, rust: fn($t, $t) -> $t| {
                        let rust = catch_unwind(|| rust(a, b)).ok().map(value);
                        assert_eq!(call(function, &ty, &[value(a), value(b)]).ok(), rust, "{function:?} {a} {b}");
                    };
                    check(Function::WrappingAdd, $t::wrapping_add);
                    check(Function::WrappingMul, $t::wrapping_mul);
                    check(Function::SaturatingSub, $t::saturating_sub);
                    check(Function::SaturatingMul, $t::saturating_mul);
                    check(Function::RemEuclid, $t::rem_euclid);
                    check(Function::DivEuclid, $t::div_euclid);
                    check(Function::Min, Ord::min);
                    let check = |function: Function, rust: fn($t, $t) -> Option<$t>| {
                        let rust = rust(a, b).map_or(Value::Null, value);
                        assert_eq!(call(function, &ty, &[value(a), value(b)]), Ok(rust), "{function:?} {a} {b}");
                    };
                    check(Function::CheckedAdd, $t::checked_add);
                    check(Function::CheckedDiv, $t::checked_div);
                    check(Function::CheckedRem, $t::checked_rem);
                    let difference = Value::Int(a.abs_diff(b) as i128);
                    assert_eq!(call(Function::AbsDiff, &ty, &[value(a), value(b)]), Ok(difference));
                    let clamped = catch_unwind(|| 3.clamp(a, b)).ok().map(value);
                    assert_eq!(call(Function::Clamp, &ty, &[value(3), value(a), value(b)]).ok(), clamped);
                }
                for exponent in [0u32, 1, 2, 7, 64] {
                    let rust = catch_unwind(|| a.pow(exponent)).ok().map(value);
                    let exponent = Value::Int(i128::from(exponent));
                    assert_eq!(call(Function::Pow, &ty, &[value(a), exponent.clone()]).ok(), rust, "{a}^{exponent}");
                }
                assert_eq!(cast(&ty, &Type::Int8, value(a)), Value::Int(i128::from(a as i8)));
                assert_eq!(cast(&ty, &Type::UInt32, value(a)), Value::Int(i128::from(a as u32)));
                assert_eq!(cast(&ty, &Type::Int64, value(a)), Value::Int(i128::from(a as i64)));
                assert_eq!(cast(&ty, &Type::Float32, value(a)), Value::Float32(a as f32));
                assert_eq!(cast(&ty, &Type::Float64, value(a)), Value::Float64(a as f64));
                let ones = Value::Int(i128::from(a.leading_zeros()));
                assert_eq!(call(Function::LeadingZeros, &ty, &[value(a)]), Ok(ones));
                let not = Expr::new(ExprKind::Unary(UnaryOp::Not, column(0, &ty)), ty.clone(), Span::NONE);
                assert_eq!(evaluate(&not, &[value(a)], &[]), Ok(value(!a)));
            }
        }
    )*};
}

integers!(
    (of_i8, i8, Int8),
    (of_i16, i16, Int16),
    (of_i32, i32, Int32),
    (of_i64, i64, Int64),
    (of_u8, u8, UInt8),
    (of_u16, u16, UInt16),
    (of_u32, u32, UInt32),
    (of_u64, u64, UInt64)
);

#[test]
fn minima_of_signed_types() {
    let minimum = Value::Int(i128::from(i32::MIN));
    let neg = Expr::new(ExprKind::Unary(UnaryOp::Neg, column(0, &Type::Int32)), Type::Int32, Span::new(3, 5));
    let error = evaluate(&neg, std::slice::from_ref(&minimum), &[]).expect_err("-MIN panics");
    assert_eq!((error.code, error.span), (RowErrorCode::NegOverflow, Span::new(3, 5)));
    assert_eq!(call(Function::Abs, &Type::Int32, std::slice::from_ref(&minimum)), Err(RowErrorCode::AbsOverflow));
    assert_eq!(call(Function::WrappingAbs, &Type::Int32, std::slice::from_ref(&minimum)), Ok(minimum.clone()));
    let by = |op, b| binary(op, &Type::Int32, &Type::Int32, minimum.clone(), Value::Int(b));
    assert_eq!(by(BinaryOp::Div, -1), Err(RowErrorCode::DivOverflow));
    assert_eq!(by(BinaryOp::Rem, -1), Err(RowErrorCode::RemOverflow));
    assert_eq!(by(BinaryOp::Div, 0), Err(RowErrorCode::DivByZero));
    assert_eq!(by(BinaryOp::Shl, 32), Err(RowErrorCode::ShlOverflow));
}

macro_rules! floats {
    ($name:ident, $t:ident, $ty:ident) => {
        #[test]
        fn $name() {
            let ty = Type::$ty;
            let edges: [$t; 14] = [
                0.0,
                -0.0,
                1.0,
                -1.5,
                0.1,
                2.5,
                $t::MAX,
                $t::MIN,
                $t::MIN_POSITIVE,
                $t::EPSILON,
                $t::INFINITY,
                $t::NEG_INFINITY,
                $t::NAN,
                9007199254740993.0,
            ];
            for a in edges {
                for b in edges {
                    let args = [Value::$ty(a), Value::$ty(b)];
                    let check = |op: BinaryOp, rust: $t| {
                        assert_eq!(binary(op, &ty, &ty, args[0].clone(), args[1].clone()), Ok(Value::$ty(rust)));
                    };
                    check(BinaryOp::Add, a + b);
                    check(BinaryOp::Sub, a - b);
                    check(BinaryOp::Mul, a * b);
                    check(BinaryOp::Div, a / b);
                    check(BinaryOp::Rem, a % b);
                    let check = |op: BinaryOp, rust: bool| {
                        let truth = Value::Bool(rust);
                        assert_eq!(binary(op, &ty, &Type::Bool, args[0].clone(), args[1].clone()), Ok(truth));
                    };
                    check(BinaryOp::Eq, a == b);
                    check(BinaryOp::Ne, a != b);
                    check(BinaryOp::Lt, a < b);
                    check(BinaryOp::Ge, a >= b);
                    assert_eq!(call(Function::Max, &ty, &args), Ok(Value::$ty(a.max(b))));
                    assert_eq!(call(Function::Copysign, &ty, &args), Ok(Value::$ty(a.copysign(b))));
                    assert_eq!(call(Function::RemEuclid, &ty, &args), Ok(Value::$ty(a.rem_euclid(b))));
                    assert_eq!(call(Function::Powf, &ty, &args), Ok(Value::$ty(a.powf(b))));
                }
                let value = || Value::$ty(a);
                assert_eq!(cast(&ty, &Type::Int8, value()), Value::Int(i128::from(a as i8)));
                assert_eq!(cast(&ty, &Type::UInt64, value()), Value::Int(i128::from(a as u64)));
                assert_eq!(cast(&ty, &Type::Int64, value()), Value::Int(i128::from(a as i64)));
                assert_eq!(cast(&ty, &Type::Float32, value()), Value::Float32(a as f32));
                assert_eq!(cast(&ty, &Type::Float64, value()), Value::Float64(a as f64));
                assert_eq!(call(Function::Round, &ty, &[value()]), Ok(Value::$ty(a.round())));
                assert_eq!(call(Function::Signum, &ty, &[value()]), Ok(Value::$ty(a.signum())));
                assert_eq!(call(Function::Ln, &ty, &[value()]), Ok(Value::$ty(a.ln())));
                assert_eq!(
                    call(Function::Powi, &ty, &[value(), Value::Int(-3)]),
                    Ok(Value::$ty(a.powi(std::hint::black_box(-3))))
                );
            }
        }
    };
}

floats!(of_f32, f32, Float32);
floats!(of_f64, f64, Float64);

#[test]
fn clamp_of_floats_wants_bounds_in_order() {
    let clamp = |low: f64, high: f64| call(Function::Clamp, &Type::Float64, &[7.0, low, high].map(Value::Float64));
    assert_eq!(clamp(1.0, 2.0), Ok(Value::Float64(2.0)));
    assert_eq!(clamp(2.0, 1.0), Err(RowErrorCode::ClampBounds));
    assert_eq!(clamp(f64::NAN, 1.0), Err(RowErrorCode::ClampBounds));
}

#[test]
fn strings_and_options() {
    let text = |s: &str| Value::String(s.to_owned());
    assert_eq!(call(Function::Len, &Type::String, &[text("äb")]), Ok(Value::Int(3)));
    assert_eq!(call(Function::Contains, &Type::String, &[text("äb"), text("")]), Ok(Value::Bool(true)));
    assert_eq!(call(Function::EndsWith, &Type::String, &[text("äb"), text("äb ")]), Ok(Value::Bool(false)));
    let option = Type::Int64.optional();
    assert_eq!(call(Function::UnwrapOr, &option, &[Value::Null, Value::Int(4)]), Ok(Value::Int(4)));
    assert_eq!(
        binary(BinaryOp::Lt, &option, &Type::Bool, Value::Null, Value::Int(i128::from(i64::MIN))),
        Ok(Value::Bool(None < Some(i64::MIN)))
    );
}

#[test]
fn only_what_is_needed_is_evaluated() {
    let zero = Expr::new(ExprKind::Literal(Literal::Int(0)), Type::Int64, Span::NONE);
    let division = Expr::new(
        ExprKind::Binary(BinaryOp::Div, Box::new(zero.clone()), Box::new(zero.clone())),
        Type::Int64,
        Span::NONE,
    );
    let fails = Expr::new(ExprKind::Binary(BinaryOp::Eq, Box::new(division), Box::new(zero)), Type::Bool, Span::NONE);
    let lazy = |op, first| ExprKind::Binary(op, Box::new(Expr::bool(first)), Box::new(fails.clone()));
    let truth = |kind| evaluate(&Expr::new(kind, Type::Bool, Span::NONE), &[], &[]).map_err(|error| error.code);
    assert_eq!(truth(lazy(BinaryOp::And, false)), Ok(Value::Bool(false)));
    assert_eq!(truth(lazy(BinaryOp::Or, true)), Ok(Value::Bool(true)));
    assert_eq!(truth(lazy(BinaryOp::And, true)), Err(RowErrorCode::DivByZero));
}
