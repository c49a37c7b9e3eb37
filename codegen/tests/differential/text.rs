//! Every function of strings, characters and bytes, compiled and by the reference, over values on the edges.

use super::{check_step, generate};
use sabot_codegen::Cpu;
use sabot_ir::expr::{Expr, ExprKind, Function, Literal};
use sabot_ir::pipeline::Register;
use sabot_ir::span::Span;
use sabot_ir::text::TextFunction;
use sabot_ir::ty::Type;
use sabot_reference::Value;
use sabot_reference::random::Rng;

/// So many arguments of a type stand beside each other.
const COPIES: usize = 3;

fn check(name: &str, function: Function, args: &[Type], result: Type, spec: Option<&str>) {
    let mut columns = Vec::new();
    let mut exprs = Vec::new();
    for ty in args {
        exprs.push(Expr::column(columns.len() as u32, ty.clone()));
        columns.push(Register { name: format!("c{}", columns.len()), ty: ty.clone() });
    }
    // A specification is the last argument, a pattern the second.
    if let Some(literal) = spec {
        let at = if function == Function::Append { exprs.len() } else { 1 };
        exprs.insert(at, Expr::literal(Literal::String(literal.to_owned()), Type::String));
    }
    let mut rng = Rng::new(name.len() as u64);
    let data: Vec<Vec<Value>> = (0..600)
        .map(|_| {
            let value = |rng: &mut Rng, ty: &Type| match ty {
                // Mostly a position in a string.
                Type::UInt64 if rng.percent(90) => Value::Int(rng.below(20).into()),
                Type::UInt32 if rng.percent(70) => Value::Int(rng.below(40).into()),
                Type::Bytes if rng.percent(20) => {
                    Value::Bytes((*rng.pick(&[&b"\xff"[..], b"a\xc3", b"\xe6\x97\xa5x"])).to_vec())
                }
                ty => generate::value(rng, ty),
            };
            args.iter().map(|ty| value(&mut rng, ty)).collect()
        })
        .collect();
    let outputs: Vec<Expr> = (0..COPIES)
        .map(|copy| {
            Expr::new(ExprKind::Call(function, exprs.clone()), result.clone(), Span::new(copy * 2, copy * 2 + 1))
        })
        .collect();
    check_step(0, Cpu::V3, columns, None, outputs, &[], &data, &vec![true; data.len()]);
}

#[test]
fn every_function_of_the_table_gives_what_std_gives() {
    for function in TextFunction::ALL {
        let mut args: Vec<Type> = function.args().iter().map(|arg| arg.ty()).collect();
        let patterns: &[Option<&str>] = if function.name().starts_with("regex_") {
            args.remove(1);
            &generate::PATTERNS.map(Some)
        } else {
            &[None]
        };
        for pattern in patterns {
            check(function.name(), Function::Text(*function), &args, function.result().ty(), *pattern);
        }
    }
}

fn scalars() -> Vec<Type> {
    vec![
        Type::Bool,
        Type::Char,
        Type::Int8,
        Type::Int16,
        Type::Int32,
        Type::Int64,
        Type::UInt8,
        Type::UInt16,
        Type::UInt32,
        Type::UInt64,
        Type::Float32,
        Type::Float64,
        Type::String,
    ]
}

#[test]
fn values_are_read_and_written_as_std_does() {
    for ty in scalars() {
        check("parse", Function::Parse, &[Type::String], ty.clone().optional(), None);
        let specs: &[&str] = match &ty {
            ty if ty.is_integer() => &["", "?", "x", "#010b", ">12", "+", "o", "*^9", "05", "#X", "e"],
            ty if ty.is_float() => &["", "?", ".2", "10.3", "+e", "08.1", "<20", ".0", "+.3E"],
            _ => &["", "?", "4", ">6", "^5", ".2", "\u{e4}<7.3"],
        };
        for spec in specs {
            check(spec, Function::Append, &[Type::String, ty.clone()], Type::String, Some(spec));
        }
    }
}

#[test]
fn rows_that_need_much_memory_keep_what_they_give() {
    let text = |text: &str| Expr::literal(Literal::String(text.to_owned()), Type::String);
    let node = |function, args, ty: Type| Expr::new(ExprKind::Call(function, args), ty, Span::new(2, 3));
    let column = Expr::column(0, Type::String);
    let times = Expr::literal(Literal::Int(30_000), Type::UInt64);
    let long = node(Function::Text(TextFunction::Repeat), vec![column.clone(), times], Type::String);
    let short = node(Function::Text(TextFunction::Replace), vec![long.clone(), column.clone(), text("")], Type::String);
    let marked = node(Function::Text(TextFunction::Concat), vec![short, column.clone()], Type::String);
    let count = node(Function::Text(TextFunction::CharCount), vec![long.clone()], Type::UInt64);
    let digits = vec![text("#"), count, text("")];
    let counted = node(Function::Append, digits, Type::String);
    let last = node(Function::Text(TextFunction::LastChar), vec![long], Type::Char.optional());
    let columns = vec![Register { name: "c0".to_owned(), ty: Type::String }];
    let mut rng = Rng::new(7);
    let data: Vec<Vec<Value>> = (0..300).map(|_| vec![generate::value(&mut rng, &Type::String)]).collect();
    check_step(0, Cpu::V3, columns, None, vec![marked, column, counted, last], &[], &data, &vec![true; data.len()]);
}
