//! What may be seen of an evaluation beside its value: row errors, its cost, the order of rows.

use sabot_ir::expr::{BinaryOp, Expr, ExprKind, Function};
use sabot_ir::plan::{AggregateCall, AggregateFunction, ErrorPolicy, Node, Operator, Plan};
use sabot_ir::ty::Type;

/// Whether some row may make an operator report a row error.
pub(super) fn node_can_fail(node: &Node) -> bool {
    let groups = match &node.operator {
        Operator::Aggregate { keys, calls, .. } => {
            calls.iter().any(|call| call_result_can_fail(call) || (keys.is_empty() && takes_a_row(call)))
        }
        Operator::WindowAggregate { calls, .. } => calls.iter().any(call_result_can_fail),
        Operator::Source { .. }
        | Operator::Filter { .. }
        | Operator::Project { .. }
        | Operator::Union
        | Operator::HashJoin { .. }
        | Operator::IntervalJoin { .. }
        | Operator::AsofJoin { .. }
        | Operator::Dedup { .. }
        | Operator::Sort { .. }
        | Operator::Limit { .. }
        | Operator::FlatMap { .. }
        | Operator::OnTime { .. }
        | Operator::Contenders { .. }
        | Operator::Sink { .. } => false,
    };
    groups || node.operator.exprs().into_iter().any(Expr::can_fail)
}

/// Whether an aggregate call may report a row error, of a row or of a whole group. Groups with a key have a row.
pub(super) fn call_can_fail(call: &AggregateCall, has_rows: bool) -> bool {
    call_result_can_fail(call)
        || (!has_rows && takes_a_row(call))
        || call.args.iter().chain(&call.filter).any(Expr::can_fail)
}

fn call_result_can_fail(call: &AggregateCall) -> bool {
    matches!(call.function, AggregateFunction::User(_))
        || (call.function == AggregateFunction::Sum && !call.ty.value_type().is_float())
        || (call.filter.is_some() && takes_a_row(call))
}

/// Whether there is no result without a row.
fn takes_a_row(call: &AggregateCall) -> bool {
    call.function.takes_a_row() && !call.ty.is_option()
}

/// Whether the operator writes the rows that it cannot compute to a sink: then what goes into it can be seen.
pub(super) fn shows_its_input(node: &Node) -> bool {
    matches!(node.on_error, ErrorPolicy::Sink(_)) && node_can_fail(node)
}

/// Whether evaluating it twice costs no more than keeping its value.
pub(super) fn is_cheap(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Literal(_)
        | ExprKind::Column(_)
        | ExprKind::Param(_)
        | ExprKind::Local(_)
        | ExprKind::None
        | ExprKind::Variable(_) => true,
        ExprKind::Some(value) => is_cheap(value),
        ExprKind::Let { .. }
        | ExprKind::Unary(..)
        | ExprKind::Binary(..)
        | ExprKind::Cast(_)
        | ExprKind::If { .. }
        | ExprKind::IsSome(_)
        | ExprKind::IfSome { .. }
        | ExprKind::Compute(..)
        | ExprKind::Fail(_)
        | ExprKind::Call(..) => false,
    }
}

/// About how many simple instructions an expression is for one row.
#[expect(clippy::wildcard_enum_match_arm, reason = "few of the many functions stand out")]
pub(super) fn cost(expr: &Expr) -> u32 {
    let is_text = |expr: &Expr| matches!(expr.ty.value_type(), Type::String | Type::Bytes);
    let here = match &expr.kind {
        ExprKind::Literal(_)
        | ExprKind::Column(_)
        | ExprKind::Param(_)
        | ExprKind::Local(_)
        | ExprKind::None
        | ExprKind::Some(_)
        | ExprKind::Let { .. }
        | ExprKind::IsSome(_) => 0,
        ExprKind::Variable(_) | ExprKind::Fail(_) => 0,
        ExprKind::Compute(body, _) => {
            let inside = body.exprs().into_iter().fold(1_u32, |sum, part| sum.saturating_add(cost(part)));
            inside.saturating_mul(if body.has_loop() { 16 } else { 1 })
        }
        ExprKind::Unary(..) | ExprKind::Cast(_) | ExprKind::If { .. } | ExprKind::IfSome { .. } => 1,
        ExprKind::Binary(BinaryOp::Div | BinaryOp::Rem, left, _) => {
            if left.ty.is_float() {
                4
            } else {
                16
            }
        }
        ExprKind::Binary(_, left, _) => {
            if is_text(left) {
                8
            } else {
                1
            }
        }
        ExprKind::Call(function, args) => match function {
            Function::Len | Function::IsEmpty | Function::UnwrapOr | Function::Abs | Function::Min | Function::Max => 1,
            function if transcendental(*function) => 40,
            _rest => {
                if args.first().is_some_and(is_text) {
                    8
                } else {
                    4
                }
            }
        },
    };
    expr.children().into_iter().fold(here, |sum, child| sum.saturating_add(cost(child)))
}

/// Whether a function is one of those whose results are the machine's own.
pub(super) fn transcendental(function: Function) -> bool {
    matches!(
        function,
        Function::Powf
            | Function::Powi
            | Function::Exp
            | Function::Exp2
            | Function::ExpM1
            | Function::Ln
            | Function::Ln1p
            | Function::Log2
            | Function::Log10
            | Function::Log
            | Function::Sin
            | Function::Cos
            | Function::Tan
            | Function::Asin
            | Function::Acos
            | Function::Atan
            | Function::Atan2
            | Function::Sinh
            | Function::Cosh
            | Function::Tanh
            | Function::Cbrt
            | Function::Hypot
    )
}

/// For each node, whether other rows reach a sink if its rows come in another order. Their order in the sink does not
/// count: no operator of the author made it.
pub(super) fn order_matters(plan: &Plan) -> Vec<bool> {
    let mut matters = vec![false; plan.nodes.len()];
    for id in plan.bottom_up().into_iter().rev() {
        let node = plan.node(id);
        let of_inputs = matters[id.0 as usize]
            || match &node.operator {
                Operator::Source { .. }
                | Operator::Filter { .. }
                | Operator::Project { .. }
                | Operator::FlatMap { .. }
                | Operator::Union
                | Operator::HashJoin { .. }
                | Operator::Contenders { .. }
                | Operator::Sink { .. } => false,
                // The first row stands for its group, but where all rows of a group are the same row.
                Operator::Dedup { keys } => !is_whole_row(keys, node.schema.len()),
                // Equal rows keep their order.
                Operator::Sort { .. } | Operator::Limit { .. } => true,
                // What is late depends on what came before; of equal times the last counts.
                Operator::WindowAggregate { .. }
                | Operator::IntervalJoin { .. }
                | Operator::AsofJoin { .. }
                | Operator::OnTime { .. } => true,
                Operator::Aggregate { keys, calls } => {
                    keys.iter().any(|key| !has_one_form(&key.ty))
                        || calls.iter().any(|call| takes_the_first(call.function))
                }
            };
        if of_inputs {
            for input in &node.inputs {
                matters[input.0 as usize] = true;
            }
        }
    }
    matters
}

fn is_whole_row(keys: &[Expr], width: usize) -> bool {
    (0..width).all(|at| keys.iter().any(|key| key.as_column().is_some_and(|column| column as usize == at)))
        && keys.iter().all(|key| has_one_form(&key.ty))
}

/// Whether values of the type that are equal as keys are the same value; of floats, `0.0` and `-0.0` are not.
pub(super) fn has_one_form(ty: &Type) -> bool {
    !ty.value_type().is_float()
}

fn takes_the_first(function: AggregateFunction) -> bool {
    match function {
        AggregateFunction::First
        | AggregateFunction::Last
        | AggregateFunction::ArgMin
        | AggregateFunction::ArgMax
        | AggregateFunction::Collect
        | AggregateFunction::User(_) => true,
        AggregateFunction::Count
        | AggregateFunction::Sum
        | AggregateFunction::Min
        | AggregateFunction::Max
        | AggregateFunction::Avg
        | AggregateFunction::CountDistinct
        | AggregateFunction::ApproxCountDistinct
        | AggregateFunction::Variance
        | AggregateFunction::Stddev
        | AggregateFunction::Median
        | AggregateFunction::Percentile(_)
        | AggregateFunction::ApproxPercentile(_) => false,
    }
}
