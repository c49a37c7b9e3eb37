//! How many rows flow on each edge of a plan, estimated from what is known of its sources.
//!
//! A deliberately small model, in which everything is independent of everything:
//!
//! | operator | rows |
//! | --- | --- |
//! | source | as its statistics say; unknown otherwise |
//! | filter | input × selectivity: `==` one of the column's different values (else 1/10), `!=` the rest, other comparisons 1/3, `&&` the product, anything else 1/2 |
//! | inner join | left × right ÷ the greater number of different keys; where neither side's is known, the greater side |
//! | outer join | as inner, at least the rows of the kept side |
//! | semi join | left × share of its keys that the right side has (else 1/2); anti: the rest |
//! | aggregate, dedup | different keys, at most the input; where they are not known, 1/10 of the input |
//! | limit, sort | at most the limit |
//!
//! The physical stage and the display may use it too: it decides nothing.

use crate::expr::{BinaryOp, Expr, ExprKind, Literal, UnaryOp};
use crate::plan::{JoinKind, NodeId, Operator, Plan};

/// Rows of each node by its id; `None` where a source's size is not known.
#[must_use]
pub fn estimated_rows(plan: &Plan) -> Vec<Option<f64>> {
    let mut rows = vec![None; plan.nodes.len()];
    for id in plan.bottom_up() {
        rows[id.0 as usize] = node_rows(plan, id, &rows);
    }
    rows
}

fn node_rows(plan: &Plan, id: NodeId, rows: &[Option<f64>]) -> Option<f64> {
    let node = plan.node(id);
    let input = |position: usize| node.inputs.get(position).and_then(|input| rows[input.0 as usize]);
    match &node.operator {
        #[allow(clippy::cast_precision_loss, reason = "an estimate")]
        Operator::Source { source, .. } => plan.sources.get(source.0 as usize)?.statistics.rows.map(|rows| rows as f64),
        Operator::Filter { predicate } => Some(input(0)? * selectivity(plan, *node.inputs.first()?, predicate)),
        Operator::Project { .. } | Operator::OnTime { .. } | Operator::Contenders { .. } | Operator::Sink { .. } => {
            input(0)
        }
        Operator::Union => (0..node.inputs.len()).map(input).sum(),
        Operator::HashJoin { kind, left_keys, right_keys, .. } => {
            let (left, right) = (input(0)?, input(1)?);
            let left_distinct = distinct_keys(plan, *node.inputs.first()?, left_keys, left);
            let right_distinct = distinct_keys(plan, *node.inputs.get(1)?, right_keys, right);
            let inner = join_rows(left, right, left_distinct, right_distinct);
            let share = match (left_distinct, right_distinct) {
                (Some(left), Some(right)) => (right / left.max(1.0)).min(1.0),
                (None, _) | (_, None) => 0.5,
            };
            Some(match kind {
                JoinKind::Inner => inner,
                JoinKind::Left => inner.max(left),
                JoinKind::Right => inner.max(right),
                JoinKind::Full => inner.max(left).max(right),
                JoinKind::Semi => left * share,
                JoinKind::Anti => left * (1.0 - share),
            })
        }
        Operator::IntervalJoin { .. } => Some(input(0)?.max(input(1)?)),
        Operator::AsofJoin { .. } => input(0),
        Operator::WindowAggregate { .. } => Some((input(0)? / 10.0).max(1.0)),
        // Nobody knows; a few of each.
        Operator::FlatMap { .. } => Some(input(0)? * 4.0),
        Operator::Aggregate { keys, .. } if keys.is_empty() => Some(1.0),
        Operator::Aggregate { keys, .. } | Operator::Dedup { keys } => {
            let input_rows = input(0)?;
            let distinct = distinct_keys(plan, *node.inputs.first()?, keys, input_rows);
            Some(distinct.unwrap_or((input_rows / 10.0).max(1.0)).min(input_rows))
        }
        #[allow(clippy::cast_precision_loss, reason = "an estimate")]
        Operator::Sort { limit, partition_by, .. } => match limit {
            Some(limit) if partition_by.is_empty() => Some(input(0)?.min(*limit as f64)),
            Some(_) | None => input(0),
        },
        #[allow(clippy::cast_precision_loss, reason = "an estimate")]
        Operator::Limit { rows } => Some(input(0)?.min(*rows as f64)),
    }
}

/// Rows of an inner join of so many rows with so many different keys.
#[must_use]
pub fn join_rows(left: f64, right: f64, left_distinct: Option<f64>, right_distinct: Option<f64>) -> f64 {
    match (left_distinct, right_distinct) {
        (None, None) => left.max(right),
        (left_distinct, right_distinct) => {
            left * right / left_distinct.unwrap_or(1.0).max(right_distinct.unwrap_or(1.0)).max(1.0)
        }
    }
}

/// Number of different values of a composite key over the rows of a node, at most `rows`.
#[must_use]
pub fn distinct_keys(plan: &Plan, node: NodeId, keys: &[Expr], rows: f64) -> Option<f64> {
    let mut product = 1.0_f64;
    let mut columns = Vec::new();
    for key in keys {
        columns.push(key.as_column()?);
    }
    if is_unique(plan, node, &columns) {
        return Some(rows);
    }
    for column in columns {
        product *= distinct(plan, node, column)?;
    }
    Some(product.min(rows))
}

/// Whether no two rows of a node are equal in all of these columns, as far as declared keys tell.
#[must_use]
pub fn is_unique(plan: &Plan, node: NodeId, columns: &[u32]) -> bool {
    let below = plan.node(node);
    let input = below.inputs.first();
    match &below.operator {
        Operator::Source { source, columns: read, .. } => {
            let key = plan.sources.get(source.0 as usize).and_then(|source| source.primary_key.as_ref());
            key.is_some_and(|key| {
                key.iter().all(|part| columns.iter().any(|column| read.get(*column as usize) == Some(part)))
            })
        }
        Operator::Filter { .. }
        | Operator::OnTime { .. }
        | Operator::Contenders { .. }
        | Operator::Sort { .. }
        | Operator::Limit { .. }
        | Operator::Sink { .. } => input.is_some_and(|input| is_unique(plan, *input, columns)),
        Operator::Project { columns: computed } => {
            let plain: Vec<u32> =
                columns.iter().filter_map(|column| computed.get(*column as usize)?.as_column()).collect();
            input.is_some_and(|input| is_unique(plan, *input, &plain))
        }
        Operator::Aggregate { keys, .. } => (0..keys.len()).all(|key| columns.iter().any(|at| *at as usize == key)),
        Operator::Dedup { keys } => {
            let plain = |key: &Expr| matches!(key.kind, ExprKind::Column(column) if columns.contains(&column));
            keys.iter().all(plain) || input.is_some_and(|input| is_unique(plan, *input, columns))
        }
        Operator::HashJoin { kind: JoinKind::Semi | JoinKind::Anti, .. } => {
            input.is_some_and(|input| is_unique(plan, *input, columns))
        }
        Operator::HashJoin { kind: JoinKind::Inner | JoinKind::Left | JoinKind::Right | JoinKind::Full, .. }
        | Operator::FlatMap { .. }
        | Operator::IntervalJoin { .. }
        | Operator::AsofJoin { .. }
        | Operator::WindowAggregate { .. }
        | Operator::Union => false,
    }
}

/// Number of different values of a column of a node, as far as the statistics of the sources tell.
#[must_use]
pub fn distinct(plan: &Plan, node: NodeId, column: u32) -> Option<f64> {
    let below = plan.node(node);
    match &below.operator {
        #[allow(clippy::cast_precision_loss, reason = "an estimate")]
        Operator::Source { source, columns, .. } => {
            let source = plan.sources.get(source.0 as usize)?;
            let position = columns.get(column as usize)?;
            let unique = source.primary_key.as_deref() == Some(std::slice::from_ref(position));
            let known = source.statistics.distinct.get(position).copied();
            known.or(if unique { source.statistics.rows } else { None }).map(|count| count as f64)
        }
        Operator::Filter { .. }
        | Operator::OnTime { .. }
        | Operator::Contenders { .. }
        | Operator::Dedup { .. }
        | Operator::Sort { .. }
        | Operator::Limit { .. }
        | Operator::Sink { .. } => distinct(plan, *below.inputs.first()?, column),
        Operator::Project { columns } => {
            let value = columns.get(column as usize)?;
            if matches!(value.kind, ExprKind::Literal(_) | ExprKind::Param(_)) {
                return Some(1.0);
            }
            distinct(plan, *below.inputs.first()?, value.as_column()?)
        }
        Operator::Union
        | Operator::FlatMap { .. }
        | Operator::IntervalJoin { .. }
        | Operator::AsofJoin { .. }
        | Operator::WindowAggregate { .. } => None,
        Operator::HashJoin { .. } => {
            let (left, right) = (*below.inputs.first()?, *below.inputs.get(1)?);
            let left_columns = u32::try_from(plan.node(left).schema.len()).ok()?;
            if column < left_columns {
                return distinct(plan, left, column);
            }
            let of_right = column - left_columns;
            ((of_right as usize) < plan.node(right).schema.len()).then(|| distinct(plan, right, of_right))?
        }
        Operator::Aggregate { keys, .. } => {
            distinct(plan, *below.inputs.first()?, keys.get(column as usize)?.as_column()?)
        }
    }
}

/// Share of a node's rows for which a predicate over them holds.
#[must_use]
pub fn selectivity(plan: &Plan, node: NodeId, predicate: &Expr) -> f64 {
    match &predicate.kind {
        ExprKind::Literal(Literal::Bool(value)) => f64::from(u8::from(*value)),
        ExprKind::Unary(UnaryOp::Not, inner) => 1.0 - selectivity(plan, node, inner),
        ExprKind::Binary(op, left, right) => {
            let both = || (selectivity(plan, node, left), selectivity(plan, node, right));
            match op {
                BinaryOp::And => {
                    let (left, right) = both();
                    left * right
                }
                BinaryOp::Or => {
                    let (left, right) = both();
                    left + right - left * right
                }
                BinaryOp::Eq => equality(plan, node, left, right),
                BinaryOp::Ne => 1.0 - equality(plan, node, left, right),
                BinaryOp::Lt | BinaryOp::Le | BinaryOp::Gt | BinaryOp::Ge => 1.0 / 3.0,
                BinaryOp::Add
                | BinaryOp::Sub
                | BinaryOp::Mul
                | BinaryOp::Div
                | BinaryOp::Rem
                | BinaryOp::BitAnd
                | BinaryOp::BitOr
                | BinaryOp::BitXor
                | BinaryOp::Shl
                | BinaryOp::Shr => 0.5,
            }
        }
        ExprKind::Let { body, .. } => selectivity(plan, node, body),
        ExprKind::Literal(_)
        | ExprKind::Column(_)
        | ExprKind::Param(_)
        | ExprKind::Local(_)
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
        | ExprKind::Call(..) => 0.5,
    }
}

fn equality(plan: &Plan, node: NodeId, left: &Expr, right: &Expr) -> f64 {
    let of = |side: &Expr| distinct(plan, node, side.as_column()?);
    match (of(left), of(right)) {
        (Some(left), Some(right)) => 1.0 / left.max(right).max(1.0),
        (Some(count), None) | (None, Some(count)) => 1.0 / count.max(1.0),
        (None, None) => 0.1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_join_with_a_unique_key_gives_the_rows_of_the_other_side() {
        assert_eq!(join_rows(1000.0, 50.0, None, Some(50.0)), 1000.0);
        assert_eq!(join_rows(1000.0, 50.0, Some(10.0), Some(50.0)), 1000.0);
        assert_eq!(join_rows(1000.0, 50.0, None, None), 1000.0);
        assert_eq!(join_rows(0.0, 50.0, Some(0.0), Some(50.0)), 0.0);
    }
}
