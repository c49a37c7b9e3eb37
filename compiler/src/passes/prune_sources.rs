//! Tells a source which rows are wanted, so that its reader can skip whole parts of a file.
//!
//! Before: `filter(price > 10.0) ← source`, after: `filter(price > 10.0) ← source, prune price > 10.0`: the filter stays,
//! because a reader only skips what its statistics rule out. Stands after `merge_filters`; of several filters on one
//! source, their disjunction counts. Only conjuncts up to the first that may fail: a row that it fails on must be seen.

use super::split_filters::conjuncts;
use super::{Author, Changed, Part, Pass, PassCx, substitute};
use sabot_ir::expr::{BinaryOp, Expr, ExprKind};
use sabot_ir::plan::{NodeId, Operator, Plan};
use sabot_ir::span::Span;
use sabot_ir::ty::Type;

pub(super) const PRUNE_SOURCES: Pass = Pass { name: "prune_sources", part_of: Part::FilterPushdown, run };

fn run(plan: &mut Plan, cx: &mut PassCx) -> Changed {
    let mut changed = Changed::No;
    let consumers = plan.consumers();
    for id in plan.bottom_up() {
        let node = plan.node(id);
        let Operator::Source { columns, .. } = &node.operator else { continue };
        if node.properties.updating {
            continue;
        }
        let wanted: Option<Vec<(Expr, Vec<Author>)>> =
            consumers[id.0 as usize].iter().map(|reader| wanted_by(plan, &consumers, *reader, cx)).collect();
        let Some(wanted) = wanted else { continue };
        let (predicates, authors): (Vec<Expr>, Vec<Vec<Author>>) = wanted.into_iter().unzip();
        let Some(mut predicate) = joined(BinaryOp::Or, predicates) else { continue };
        substitute::positions(&mut predicate, &|column| columns[column as usize]);
        let wanted = Some(predicate);
        if let Operator::Source { prune, .. } = &mut plan.node_mut(id).operator
            && *prune != wanted
        {
            *prune = wanted;
            cx.filters_pushed.extend(authors.into_iter().flatten());
            changed.note();
        }
    }
    changed
}

/// What a reader of a source, and the filters right above it, ask of each row; nothing if the reader takes all rows.
fn wanted_by(plan: &Plan, consumers: &[Vec<NodeId>], reader: NodeId, cx: &PassCx) -> Option<(Expr, Vec<Author>)> {
    let (mut parts, mut authors) = (Vec::new(), Vec::new());
    let mut next = Some(reader);
    'chain: while let Some(id) = next {
        let node = plan.node(id);
        let Operator::Filter { predicate } = &node.operator else { break };
        for part in conjuncts(predicate) {
            if part.can_fail() {
                break 'chain;
            }
            parts.push(part);
            authors.extend(cx.authors(node));
        }
        next = match consumers[id.0 as usize].as_slice() {
            [only] => Some(*only),
            _several => None,
        };
    }
    Some((joined(BinaryOp::And, parts)?, authors))
}

fn joined(op: BinaryOp, parts: Vec<Expr>) -> Option<Expr> {
    let mut whole = parts.into_iter().reduce(|left, right| {
        if left == right {
            return left;
        }
        Expr::new(ExprKind::Binary(op, Box::new(left), Box::new(right)), Type::Bool, Span::NONE)
    })?;
    substitute::renumber_locals(&mut whole);
    Some(whole)
}

#[cfg(test)]
mod tests {
    use super::super::testing::check;
    use super::PRUNE_SOURCES;

    #[test]
    fn a_filter_tells_its_source() {
        check(
            PRUNE_SOURCES,
            |b| {
                let source = b.source("s", "a: i64, x: f64");
                b.filter("f", source, "x > 1.0 && a == 2")
            },
            "filter f: x > 1.0 && a == 2\n  source s, prune x > 1.0 && a == 2",
        );
    }

    #[test]
    fn what_stands_behind_a_condition_that_may_fail_prunes_nothing() {
        check(
            PRUNE_SOURCES,
            |b| {
                let source = b.source("s", "a: i64, x: f64");
                b.filter("f", source, "x > 1.0 && 10 / a > 1 && a == 2")
            },
            "filter f: x > 1.0 && 10 / a > 1 && a == 2\n  source s, prune x > 1.0",
        );
    }

    #[test]
    fn a_source_that_others_read_whole_is_not_pruned() {
        check(
            PRUNE_SOURCES,
            |b| {
                let source = b.source("s", "a: i64");
                b.sink("all", source);
                b.filter("f", source, "a > 1")
            },
            "filter f: a > 1\n  source s",
        );
    }

    #[test]
    fn two_filters_want_what_either_wants() {
        check(
            PRUNE_SOURCES,
            |b| {
                let source = b.source("s", "a: i64");
                let other = b.filter("g", source, "a < -1");
                b.sink("all", other);
                b.filter("f", source, "a > 1")
            },
            "filter f: a > 1\n  source s, prune a < -1 || a > 1",
        );
    }
}
