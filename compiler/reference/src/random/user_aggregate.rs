//! An aggregate of the author's for random plans.

use sabot_ir::expr::{BinaryOp, Expr, ExprKind, Function, Literal, LocalId};
use sabot_ir::plan::UserAggregate;
use sabot_ir::span::Span;
use sabot_ir::ty::{Field, Type};

/// A sum that wraps, the least value so far, whether there were two of one parity, and the greatest text.
pub(super) fn user_aggregate() -> UserAggregate {
    let int = |at| Expr::column(at, Type::Int64);
    let least = |at| Expr::column(at, Type::Int64.optional());
    let (flag, text) = (|at| Expr::column(at, Type::Bool), |at| Expr::column(at, Type::String));
    let at = Span::NONE;
    let call = |function, args, ty| Expr::new(ExprKind::Call(function, args), ty, at);
    let added = |a, b| call(Function::WrappingAdd, vec![a, b], Type::Int64);
    let lesser = |a: Expr, b: Expr| {
        let (local, ty) = (LocalId(0), Type::Int64.optional());
        let (own, other) = (Expr::new(ExprKind::Local(local), Type::Int64, at), b.clone());
        let smaller =
            call(Function::Min, vec![own.clone(), call(Function::UnwrapOr, vec![b, own], Type::Int64)], Type::Int64);
        let then = Box::new(Expr::new(ExprKind::Some(Box::new(smaller)), ty.clone(), at));
        let kind = ExprKind::IfSome { option: Box::new(a), local, then, otherwise: Box::new(other) };
        Expr::new(kind, ty, at)
    };
    let either = |a: Expr, b: Expr| Expr::new(ExprKind::Binary(BinaryOp::Or, Box::new(a), Box::new(b)), Type::Bool, at);
    let greater = |a: Expr, b: Expr| {
        let condition = ExprKind::Binary(BinaryOp::Ge, Box::new(a.clone()), Box::new(b.clone()));
        let condition = Box::new(Expr::new(condition, Type::Bool, at));
        Expr::new(ExprKind::If { condition, then: Box::new(a), otherwise: Box::new(b) }, Type::String, at)
    };
    let some = |x: Expr| Expr::new(ExprKind::Some(Box::new(x)), Type::Int64.optional(), at);
    let literal = |literal, ty| Expr::new(ExprKind::Literal(literal), ty, at);
    let is_odd = |x: Expr| {
        let one = literal(Literal::Int(1), Type::Int64);
        let bit = Expr::new(ExprKind::Binary(BinaryOp::BitAnd, Box::new(x), Box::new(one.clone())), Type::Int64, at);
        Expr::new(ExprKind::Binary(BinaryOp::Eq, Box::new(bit), Box::new(one)), Type::Bool, at)
    };
    let field = |name: &str, ty| Field::new(name, ty);
    UserAggregate {
        name: "summary".to_owned(),
        state: vec![
            field("total", Type::Int64),
            field("least", Type::Int64.optional()),
            field("odd", Type::Bool),
            field("text", Type::String),
        ],
        args: vec![Type::Int64, Type::String],
        init: vec![
            literal(Literal::Int(0), Type::Int64),
            Expr::new(ExprKind::None, Type::Int64.optional(), at),
            literal(Literal::Bool(false), Type::Bool),
            literal(Literal::String(String::new()), Type::String),
        ],
        add: vec![
            added(int(0), int(4)),
            lesser(least(1), some(int(4))),
            either(flag(2), is_odd(int(4))),
            greater(text(3), text(5)),
        ],
        merge: vec![
            added(int(0), int(4)),
            lesser(least(1), least(5)),
            either(flag(2), flag(6)),
            greater(text(3), text(7)),
        ],
        remove: None,
    }
}
