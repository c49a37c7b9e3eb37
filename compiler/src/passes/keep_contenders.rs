//! Drops rows early that a join with the greatest value of the same rows cannot match.
//!
//! Before: `hash_join(rows, tumbling_window(rows: max(price))) on price = max and end = end`, after: the same join behind
//! `contenders(rows)`, which lets no row pass before which one with a greater price came in the same window. The join would
//! have kept every row until its window ends; now it keeps the few that were the greatest when they came. Ties all pass, and
//! what is equal to the greatest is still for the join to say.
//!
//! It holds where every row that comes to the join is among those that are aggregated (filters may stand between the two
//! and the join, none may stand between the rows and the aggregate), in the same window, by the same key, so that the greatest value
//! of the aggregate is not less than that of any row that passes. Neither where a window gives its value more than once (allowed
//! lateness, early results), nor where rows are taken back, nor where the join gives the rows that match nothing.
//!
//! Stands before maps are merged and expressions are moved, while windows look as the checker makes them.

use super::effects::node_can_fail;
use super::fold_constants::fold;
use super::rewrite::redirect_input;
use super::simplify_expressions::simplify;
use super::{Changed, Part, Pass, PassCx, substitute};
use crate::check::tumbling_end;
use sabot_ir::expr::{BinaryOp, Expr, ExprKind, Literal};
use sabot_ir::plan::{AggregateCall, AggregateFunction, JoinKind, Node, NodeId, Operator, Plan, Window, WindowKind};
use sabot_ir::span::Span;
use sabot_ir::ty::{TimeUnit, Type};

pub(super) const KEEP_CONTENDERS: Pass = Pass { name: "keep_contenders", part_of: Part::FilterPushdown, run };

const TIME: Type = Type::Timestamp(TimeUnit::Microsecond);

fn run(plan: &mut Plan, _cx: &mut PassCx) -> Changed {
    let mut changed = Changed::No;
    for join in plan.bottom_up() {
        for side in [0, 1] {
            if let Some(contenders) = contenders(plan, join, side) {
                let input = plan.node(join).inputs[side];
                let (below, of) = (plan.node(input), plan.node(join));
                let node = Node {
                    name: format!("{}.contenders", of.name),
                    operator: contenders,
                    inputs: vec![input],
                    schema: below.schema.clone(),
                    properties: below.properties.clone(),
                    on_error: of.on_error,
                    span: of.span,
                };
                let node = plan.add(node);
                redirect_input(plan, join, side, node);
                changed.note();
            }
        }
    }
    changed
}

/// The filter that may stand before this side of a join.
#[allow(clippy::wildcard_enum_match_arm, reason = "few of the operators and functions are looked through")]
fn contenders(plan: &Plan, id: NodeId, side: usize) -> Option<Operator> {
    let join = plan.node(id);
    let Operator::HashJoin { kind, left_keys, right_keys, lookup: false, .. } = &join.operator else { return None };
    let (rows, other) = (join.inputs[side], join.inputs[1 - side]);
    let is_given_alone = match kind {
        JoinKind::Inner | JoinKind::Semi => false,
        JoinKind::Left | JoinKind::Anti => side == 0,
        JoinKind::Right => side == 1,
        JoinKind::Full => true,
    };
    let updates = |input: NodeId| plan.node(input).properties.updating;
    let is_done = matches!(plan.node(rows).operator, Operator::Contenders { .. });
    if is_given_alone || is_done || updates(rows) || updates(other) {
        return None;
    }
    let (keys, other_keys) = if side == 0 { (left_keys, right_keys) } else { (right_keys, left_keys) };
    let below = aggregate_below(plan, other, other_keys)?;
    let Operator::WindowAggregate { keys: groups, calls, window } = &plan.node(below.node).operator else {
        return None;
    };
    if !adds_every_row(plan.node(below.node)) {
        return None;
    }
    let WindowKind::Tumbling { size_us, offset_us } = window.kind else { return None };
    let end_of = |time: &Expr| plain(tumbling_end(time, size_us, offset_us));
    // The aggregate's columns: keys, start, end, calls.
    let (end, first_call) = (groups.len() as u32 + 1, groups.len() as u32 + 2);
    let (mut values, mut ends, mut of_groups) = (Vec::new(), Vec::new(), vec![None; groups.len()]);
    for (key, other) in keys.iter().zip(&below.exprs) {
        match other.as_column() {
            Some(column) if column >= first_call => values.push((key, &calls[(column - first_call) as usize])),
            Some(column) if (column as usize) < groups.len() => of_groups[column as usize] = Some(key),
            Some(column) if column == end => ends.push(key),
            Some(_) => {}
            None if plain(other.clone()) == end_of(&before_end(end)) => ends.push(key),
            None => {}
        }
    }
    let of_groups = of_groups.into_iter().collect::<Option<Vec<&Expr>>>()?;
    let (value, is_least) = values.iter().find_map(|(key, call)| match call.function {
        AggregateFunction::Max if call.filter.is_none() => Some(((*key, &call.args[0]), false)),
        AggregateFunction::Min if call.filter.is_none() => Some(((*key, &call.args[0]), true)),
        _other => None,
    })?;
    let end = *ends.first()?;
    let mut compared: Vec<Expr> = of_groups.iter().map(|key| (*key).clone()).collect();
    compared.push(end.clone());
    let operator = Operator::Contenders { keys: compared, value: value.0.clone(), is_least };
    let is_plain = |expr: &&Expr| !expr.can_fail() && !expr.ty.is_option();
    if !operator.exprs().iter().all(is_plain) || !has_order(&value.0.ty) {
        return None;
    }
    // Over the rows from which both come: what is aggregated, and what the join compares.
    let time = window.time.as_ref()?;
    let aggregated: Vec<Expr> = groups.iter().chain([value.1, time]).cloned().collect();
    let mut joined: Vec<Expr> = of_groups.into_iter().chain([value.0, end]).cloned().collect();
    let mut is_on_time = false;
    let mut at = rows;
    loop {
        if let Some(mut aggregated) = at_node(plan, plan.node(below.node).inputs[0], at, &aggregated) {
            let end = aggregated.pop().map(|time| end_of(&time));
            aggregated.extend(end);
            let all = joined.iter().cloned().map(plain).eq(aggregated.into_iter().map(plain));
            return (all && is_on_time && gives_once(window)).then_some(operator);
        }
        let node = plan.node(at);
        match &node.operator {
            Operator::Project { columns } => joined.iter_mut().for_each(|expr| substitute::columns(expr, columns)),
            Operator::OnTime { end, .. } => is_on_time |= joined.last() == Some(end),
            Operator::Filter { .. } => {}
            _other => return None,
        }
        at = node.inputs[0];
    }
}

/// The window aggregate that these rows come from, and the expressions over its columns.
struct Below {
    node: NodeId,
    exprs: Vec<Expr>,
}

/// Through maps, and what drops whole results.
#[allow(clippy::wildcard_enum_match_arm, reason = "few of the operators and functions are looked through")]
fn aggregate_below(plan: &Plan, mut at: NodeId, exprs: &[Expr]) -> Option<Below> {
    let mut exprs = exprs.to_vec();
    loop {
        let node = plan.node(at);
        match &node.operator {
            Operator::WindowAggregate { .. } => return Some(Below { node: at, exprs }),
            Operator::Project { columns } => exprs.iter_mut().for_each(|expr| substitute::columns(expr, columns)),
            Operator::OnTime { .. } | Operator::Filter { .. } => {}
            _other => return None,
        }
        at = node.inputs[0];
    }
}

/// These expressions over the rows of `wanted`, if all of its rows come here through nothing but maps.
fn at_node(plan: &Plan, mut from: NodeId, wanted: NodeId, exprs: &[Expr]) -> Option<Vec<Expr>> {
    let mut exprs = exprs.to_vec();
    while from != wanted {
        let node = plan.node(from);
        let Operator::Project { columns } = &node.operator else { return None };
        if node_can_fail(node) {
            return None;
        }
        exprs.iter_mut().for_each(|expr| substitute::columns(expr, columns));
        from = node.inputs[0];
    }
    Some(exprs)
}

/// When the result of a window that ends at this column happened.
fn before_end(end: u32) -> Expr {
    let one = Expr::new(ExprKind::Literal(Literal::Int(1)), Type::Duration, Span::NONE);
    let end = Box::new(Expr::column(end, TIME));
    Expr::new(ExprKind::Binary(BinaryOp::Sub, end, Box::new(one)), TIME, Span::NONE)
}

/// Without what has come together of constants.
fn plain(mut expr: Expr) -> Expr {
    simplify(&mut expr);
    fold(&mut expr, &mut Changed::No);
    expr
}

/// Whether no row that comes to an aggregate can be left out for an error.
fn adds_every_row(aggregate: &Node) -> bool {
    let Operator::WindowAggregate { calls, .. } = &aggregate.operator else { return false };
    let is_user = |call: &AggregateCall| matches!(call.function, AggregateFunction::User(_));
    !aggregate.operator.exprs().into_iter().any(Expr::can_fail) && !calls.iter().any(is_user)
}

/// Whether a window gives each of its groups once, complete but for the rows that were too late.
fn gives_once(window: &Window) -> bool {
    window.allowed_lateness_us == 0 && window.emit_every_us.is_none()
}

/// Numbers and times of at most eight bytes.
fn has_order(ty: &Type) -> bool {
    match ty {
        Type::Int8
        | Type::Int16
        | Type::Int32
        | Type::Int64
        | Type::UInt8
        | Type::UInt16
        | Type::UInt32
        | Type::UInt64
        | Type::Float32
        | Type::Float64
        | Type::Date
        | Type::Timestamp(_)
        | Type::Duration => true,
        Type::Unit
        | Type::Bool
        | Type::Char
        | Type::Decimal(..)
        | Type::String
        | Type::Bytes
        | Type::Option(_)
        | Type::List(_) => false,
    }
}
