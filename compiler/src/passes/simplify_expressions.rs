//! Rewrites expressions to smaller ones with the same value and the same row errors.
//!
//! Before: `{ let x0 = price; if true { x0 > 1.0 && true } else { false } }`, after: `price > 1.0`.
//! What may fail is neither dropped nor moved behind a condition. Floats are left alone: `x + 0.0` is not `x`.

use super::effects::is_cheap;
use super::{Changed, Part, Pass, PassCx, substitute};
use sabot_ir::expr::{BinaryOp, Expr, ExprKind, Function, Literal, LocalId, UnaryOp};
use sabot_ir::plan::Plan;
use sabot_ir::span::Span;
use sabot_ir::ty::Type;

pub(super) const SIMPLIFY_EXPRESSIONS: Pass = Pass { name: "simplify_expressions", part_of: Part::Always, run };

fn run(plan: &mut Plan, _cx: &mut PassCx) -> Changed {
    let mut changed = Changed::No;
    for node in &mut plan.nodes {
        for expr in node.operator.exprs_mut() {
            if simplify(expr) == Changed::Yes {
                changed.note();
            }
        }
    }
    changed
}

/// Applies the rules until none applies.
pub(super) fn simplify(expr: &mut Expr) -> Changed {
    let mut changed = Changed::No;
    loop {
        let mut again = false;
        expr.rewrite(&mut |node| {
            if let ExprKind::Compute(body, _) = &mut node.kind {
                for inner in body.exprs_mut() {
                    again |= simplify(inner) == Changed::Yes;
                }
            }
            while let Some(simpler) = simpler(node) {
                // The author's place stays, whatever stands there now.
                let span = if simpler.span.is_none() { node.span } else { simpler.span };
                *node = Expr { span, ..simpler };
                again = true;
            }
        });
        if !again {
            return changed;
        }
        changed.note();
    }
}

/// What an expression, whose parts are simple, can be replaced by.
fn simpler(expr: &Expr) -> Option<Expr> {
    match &expr.kind {
        ExprKind::Unary(UnaryOp::Not, value) => negated(value),
        ExprKind::Binary(op, left, right) => binary(*op, left, right),
        ExprKind::Cast(value) if value.ty == expr.ty => Some((**value).clone()),
        ExprKind::If { condition, then, otherwise } => conditional(condition, then, otherwise),
        ExprKind::IsSome(option) => is_some(option),
        ExprKind::IfSome { option, local, then, otherwise } => matched(option, *local, then, otherwise, &expr.ty),
        ExprKind::Let { local, value, body } => bound(*local, value, body),
        ExprKind::Call(Function::UnwrapOr, args) => match args.as_slice() {
            [Expr { kind: ExprKind::Some(value), .. }, default] if !default.can_fail() => Some((**value).clone()),
            [Expr { kind: ExprKind::None, .. }, default] => Some(default.clone()),
            _other => None,
        },
        ExprKind::Literal(_)
        | ExprKind::Column(_)
        | ExprKind::Param(_)
        | ExprKind::Local(_)
        | ExprKind::Unary(UnaryOp::Neg, _)
        | ExprKind::Cast(_)
        | ExprKind::Some(_)
        | ExprKind::None
        | ExprKind::Variable(_)
        | ExprKind::Compute(..)
        | ExprKind::Fail(_)
        | ExprKind::Call(..) => None,
    }
}

fn as_bool(expr: &Expr) -> Option<bool> {
    if let Some(Literal::Bool(value)) = expr.as_literal() { Some(*value) } else { None }
}

fn is_int(expr: &Expr, wanted: i128) -> bool {
    expr.ty.is_integer() && expr.as_literal() == Some(&Literal::Int(wanted))
}

fn not(value: Expr) -> Expr {
    let span = value.span;
    Expr::new(ExprKind::Unary(UnaryOp::Not, Box::new(value)), Type::Bool, span)
}

fn logical(op: BinaryOp, left: &Expr, right: &Expr) -> Expr {
    Expr::new(ExprKind::Binary(op, Box::new(left.clone()), Box::new(right.clone())), Type::Bool, Span::NONE)
}

/// `!!x` is `x`; a negated comparison is the opposite one, but for the order of floats, which NaN has no place in.
fn negated(value: &Expr) -> Option<Expr> {
    match &value.kind {
        ExprKind::Unary(UnaryOp::Not, inner) => Some((**inner).clone()),
        ExprKind::Binary(op, left, right) => {
            let ordered = !left.ty.value_type().is_float();
            let opposite = match op {
                BinaryOp::Eq => BinaryOp::Ne,
                BinaryOp::Ne => BinaryOp::Eq,
                BinaryOp::Lt if ordered => BinaryOp::Ge,
                BinaryOp::Le if ordered => BinaryOp::Gt,
                BinaryOp::Gt if ordered => BinaryOp::Le,
                BinaryOp::Ge if ordered => BinaryOp::Lt,
                BinaryOp::Lt
                | BinaryOp::Le
                | BinaryOp::Gt
                | BinaryOp::Ge
                | BinaryOp::Add
                | BinaryOp::Sub
                | BinaryOp::Mul
                | BinaryOp::Div
                | BinaryOp::Rem
                | BinaryOp::BitAnd
                | BinaryOp::BitOr
                | BinaryOp::BitXor
                | BinaryOp::Shl
                | BinaryOp::Shr
                | BinaryOp::And
                | BinaryOp::Or => return None,
            };
            Some(Expr { span: value.span, ..logical(opposite, left, right) })
        }
        ExprKind::Literal(_)
        | ExprKind::Column(_)
        | ExprKind::Param(_)
        | ExprKind::Local(_)
        | ExprKind::Let { .. }
        | ExprKind::Unary(UnaryOp::Neg, _)
        | ExprKind::Cast(_)
        | ExprKind::If { .. }
        | ExprKind::Some(_)
        | ExprKind::None
        | ExprKind::IsSome(_)
        | ExprKind::IfSome { .. }
        | ExprKind::Variable(_)
        | ExprKind::Compute(..)
        | ExprKind::Fail(_)
        | ExprKind::Call(..) => None,
    }
}

fn binary(op: BinaryOp, left: &Expr, right: &Expr) -> Option<Expr> {
    let (keep_left, keep_right) = (|| Some(left.clone()), || Some(right.clone()));
    match op {
        BinaryOp::And => match (as_bool(left), as_bool(right)) {
            (Some(true), _) => keep_right(),
            (Some(false), _) | (_, Some(true)) => keep_left(),
            (_, Some(false)) if !left.can_fail() => keep_right(),
            _other if left == right && !left.can_fail() => keep_left(),
            _other => None,
        },
        BinaryOp::Or => match (as_bool(left), as_bool(right)) {
            (Some(false), _) => keep_right(),
            (Some(true), _) | (_, Some(false)) => keep_left(),
            (_, Some(true)) if !left.can_fail() => keep_right(),
            _other if left == right && !left.can_fail() => keep_left(),
            _other => None,
        },
        BinaryOp::Eq => match (as_bool(left), as_bool(right)) {
            (Some(true), _) => keep_right(),
            (_, Some(true)) => keep_left(),
            (Some(false), _) => Some(not(right.clone())),
            (_, Some(false)) => Some(not(left.clone())),
            (None, None) => None,
        },
        BinaryOp::Ne => match (as_bool(left), as_bool(right)) {
            (Some(false), _) => keep_right(),
            (_, Some(false)) => keep_left(),
            (Some(true), _) => Some(not(right.clone())),
            (_, Some(true)) => Some(not(left.clone())),
            (None, None) => None,
        },
        BinaryOp::Add | BinaryOp::BitOr | BinaryOp::BitXor if is_int(left, 0) => keep_right(),
        BinaryOp::Add | BinaryOp::Sub | BinaryOp::BitOr | BinaryOp::BitXor if is_int(right, 0) => keep_left(),
        BinaryOp::Shl | BinaryOp::Shr if is_int(right, 0) => keep_left(),
        BinaryOp::Mul if is_int(left, 1) => keep_right(),
        BinaryOp::Mul | BinaryOp::Div if is_int(right, 1) => keep_left(),
        BinaryOp::Add
        | BinaryOp::Sub
        | BinaryOp::Mul
        | BinaryOp::Div
        | BinaryOp::Rem
        | BinaryOp::BitAnd
        | BinaryOp::BitOr
        | BinaryOp::BitXor
        | BinaryOp::Shl
        | BinaryOp::Shr
        | BinaryOp::Lt
        | BinaryOp::Le
        | BinaryOp::Gt
        | BinaryOp::Ge => None,
    }
}

fn conditional(condition: &Expr, then: &Expr, otherwise: &Expr) -> Option<Expr> {
    match as_bool(condition) {
        Some(true) => return Some(then.clone()),
        Some(false) => return Some(otherwise.clone()),
        None => {}
    }
    if then == otherwise && !condition.can_fail() {
        return Some(then.clone());
    }
    match (as_bool(then), as_bool(otherwise)) {
        (Some(true), Some(false)) => Some(condition.clone()),
        (Some(false), Some(true)) => Some(not(condition.clone())),
        (None, Some(false)) => Some(logical(BinaryOp::And, condition, then)),
        (Some(true), None) => Some(logical(BinaryOp::Or, condition, otherwise)),
        (None, None) => {
            let ExprKind::Unary(UnaryOp::Not, inner) = &condition.kind else { return None };
            let kind = ExprKind::If {
                condition: inner.clone(),
                then: Box::new(otherwise.clone()),
                otherwise: Box::new(then.clone()),
            };
            Some(Expr::new(kind, then.ty.clone(), Span::NONE))
        }
        (Some(_), Some(_)) | (None, Some(true)) | (Some(false), None) => None,
    }
}

fn is_some(option: &Expr) -> Option<Expr> {
    if let ExprKind::Some(value) = &option.kind {
        return (!value.can_fail()).then(|| Expr::bool(true));
    }
    matches!(option.kind, ExprKind::None).then(|| Expr::bool(false))
}

fn matched(option: &Expr, local: LocalId, then: &Expr, otherwise: &Expr, ty: &Type) -> Option<Expr> {
    if let ExprKind::Some(value) = &option.kind {
        let kind = ExprKind::Let { local, value: value.clone(), body: Box::new(then.clone()) };
        return Some(Expr::new(kind, ty.clone(), Span::NONE));
    }
    if matches!(option.kind, ExprKind::None) {
        return Some(otherwise.clone());
    }
    // A default that costs nothing needs no branch.
    let is_default = matches!(then.kind, ExprKind::Local(used) if used == local) && is_cheap(otherwise);
    is_default.then(|| {
        let args = vec![option.clone(), otherwise.clone()];
        Expr::new(ExprKind::Call(Function::UnwrapOr, args), ty.clone(), Span::NONE)
    })
}

/// A value that is cheap or used once moves to its use; one that is not used goes. Both only if it cannot fail.
fn bound(local: LocalId, value: &Expr, body: &Expr) -> Option<Expr> {
    let mut uses = 0;
    body.walk(&mut |node| uses += usize::from(matches!(node.kind, ExprKind::Local(used) if used == local)));
    if value.can_fail() || (uses > 1 && !is_cheap(value)) {
        return None;
    }
    let mut body = body.clone();
    substitute::local(&mut body, local, value);
    Some(body)
}

#[cfg(test)]
mod tests {
    use super::super::testing::check_expr;
    use super::SIMPLIFY_EXPRESSIONS;

    #[track_caller]
    fn check(before: &str, after: &str) {
        check_expr(SIMPLIFY_EXPRESSIONS, before, after);
    }

    #[test]
    fn logic() {
        check("t && true", "t");
        check("a > 1 && false", "false");
        check("false || a > 1", "a > 1");
        check("t && t", "t");
        check("!!t", "t");
        check("t == false", "!t");
        check("!(a < b)", "a >= b");
        check("!(x == 1.0)", "x != 1.0");
    }

    #[test]
    fn branches() {
        check("if true { a } else { b }", "a");
        check("if t { a } else { a }", "a");
        check("if a > 1 { true } else { false }", "a > 1");
        check("if a > 1 { x > 1.0 } else { false }", "a > 1 && x > 1.0");
        check("if a > 1 { true } else { x > 1.0 }", "a > 1 || x > 1.0");
        check("if !t { a } else { b }", "if t { b } else { a }");
    }

    #[test]
    fn lets() {
        check("{ let v = x; v * v }", "x * x");
        check("{ let v = x + 1.0; v * 2.0 }", "(x + 1.0) * 2.0");
        check("{ let v = x + 1.0; x }", "x");
        check("{ let v = x + 1.0; v * v }", "{ let x0 = x + 1.0; x0 * x0 }");
    }

    #[test]
    fn options() {
        check("Some(a).unwrap_or(1)", "a");
        check("Some(a).is_some()", "true");
        check("match Some(a) { Some(v) => v > 1, None => false }", "a > 1");
        check("match o { Some(v) => v, None => 0 }", "o.unwrap_or(0)");
    }

    #[test]
    fn integers_but_not_floats() {
        check("a + 0", "a");
        check("1 * a / 1", "a");
        check("x + 0.0", "x + 0.0");
        check("x * 1.0", "x * 1.0");
        check("!(x < 1.0)", "!(x < 1.0)");
    }

    #[test]
    fn what_may_fail_is_evaluated_as_before() {
        check("10 / a > 1 && false", "10 / a > 1 && false");
        check("{ let v = 10 / a; if t { v } else { 0 } }", "{ let x0 = 10 / a; if t { x0 } else { 0 } }");
        check("{ let v = 10 / a; b }", "{ let x0 = 10 / a; b }");
        check("if 10 / a > 1 { b } else { b }", "if 10 / a > 1 { b } else { b }");
        check("Some(10 / a).is_some()", "Some(10 / a).is_some()");
    }
}
