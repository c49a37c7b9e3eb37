//! Holds the smaller side of a join in its hash table.
//!
//! Before: `join(few, many), build right`, after: `build left`. A side is chosen over the one that the plan has only if it is
//! estimated to have at most half as many rows; a quarter where the table must also remember its matches (all but inner
//! joins), or where the present side is unique by its key, so that a probe ends at its first match. Sizes come from the
//! sources' statistics, and without them nothing changes. The order of the join's rows follows the side that is probed,
//! so nothing changes where an operator above depends on the order.

use super::effects::order_matters;
use super::{Changed, Part, Pass, PassCx, author};
use sabot_ir::estimate::{estimated_rows, is_unique};
use sabot_ir::expr::Expr;
use sabot_ir::plan::{JoinKind, Operator, Plan, Side};

pub(super) const CHOOSE_BUILD_SIDE: Pass = Pass { name: "choose_build_side", part_of: Part::JoinReordering, run };

fn run(plan: &mut Plan, cx: &mut PassCx) -> Changed {
    let mut changed = Changed::No;
    let rows = estimated_rows(plan);
    let order_matters = order_matters(plan);
    for id in plan.bottom_up() {
        let node = plan.node(id);
        let Operator::HashJoin { kind, build, left_keys, right_keys, lookup: false } = &node.operator else { continue };
        // A stream that goes on cannot be built first.
        if !node.inputs.iter().all(|input| plan.node(*input).properties.bounded) {
            continue;
        }
        let (left, right) = (rows[node.inputs[0].0 as usize], rows[node.inputs[1].0 as usize]);
        let (Some(left), Some(right)) = (left, right) else { continue };
        let (built, keys) = match build {
            Side::Left => (node.inputs[0], left_keys),
            Side::Right => (node.inputs[1], right_keys),
        };
        let columns: Option<Vec<u32>> = keys.iter().map(Expr::as_column).collect();
        let built_is_unique = columns.is_some_and(|columns| is_unique(plan, built, &columns));
        let times = if *kind == JoinKind::Inner && !built_is_unique { 2.0 } else { 4.0 };
        let better = match build {
            Side::Right if left * times <= right => Side::Left,
            Side::Left if right * times <= left => Side::Right,
            Side::Left | Side::Right => *build,
        };
        if better == *build || order_matters[id.0 as usize] {
            continue;
        }
        cx.joins_reordered.insert(author(node));
        if let Operator::HashJoin { build, .. } = &mut plan.node_mut(id).operator {
            *build = better;
        }
        changed.note();
    }
    changed
}

#[cfg(test)]
mod tests {
    use super::super::testing::check;
    use super::CHOOSE_BUILD_SIDE;
    use sabot_ir::plan::JoinKind;

    #[track_caller]
    fn check_sizes(kind: JoinKind, left_rows: u64, right_rows: u64, expected: &str) {
        check(
            CHOOSE_BUILD_SIDE,
            |b| {
                let (left, right) = (b.source("l", "id: i64"), b.source("r", "key: i64"));
                b.statistics(left, left_rows, None);
                b.statistics(right, right_rows, None);
                b.join("j", kind, left, right, "id", "key")
            },
            &format!("hash_join j: {expected}\n  source l\n  source r"),
        );
    }

    #[test]
    fn the_smaller_side_is_built() {
        check_sizes(JoinKind::Inner, 10, 1000, "inner on id = key, build left");
        check_sizes(JoinKind::Inner, 1000, 10, "inner on id = key, build right");
        check_sizes(JoinKind::Left, 10, 1000, "left on id = key, build left");
    }

    #[test]
    fn a_little_smaller_is_not_enough() {
        check_sizes(JoinKind::Inner, 900, 1000, "inner on id = key, build right");
        check_sizes(JoinKind::Semi, 400, 1000, "semi on id = key, build right");
    }

    #[test]
    fn a_unique_side_stays_until_it_is_much_greater() {
        for (left_rows, build) in [(400, "right"), (250, "left")] {
            check(
                CHOOSE_BUILD_SIDE,
                |b| {
                    let (left, right) = (b.source("l", "id: i64"), b.source("r", "key: i64"));
                    b.statistics(left, left_rows, None);
                    b.statistics(right, 1000, Some(0));
                    b.join("j", JoinKind::Inner, left, right, "id", "key")
                },
                &format!("hash_join j: inner on id = key, build {build}\n  source l\n  source r, primary key key"),
            );
        }
    }

    #[test]
    fn not_where_the_order_of_rows_matters() {
        check(
            CHOOSE_BUILD_SIDE,
            |b| {
                let (left, right) = (b.source("l", "id: i64"), b.source("r", "key: i64"));
                b.statistics(left, 10, None);
                b.statistics(right, 1000, None);
                let join = b.join("j", JoinKind::Inner, left, right, "id", "key");
                b.limit("first", join, 5)
            },
            "limit first: first 5\n  hash_join j: inner on id = key, build right\n    source l\n    source r",
        );
    }

    #[test]
    fn not_without_statistics() {
        check(
            CHOOSE_BUILD_SIDE,
            |b| {
                let (left, right) = (b.source("l", "id: i64"), b.source("r", "key: i64"));
                b.statistics(left, 10, None);
                b.join("j", JoinKind::Inner, left, right, "id", "key")
            },
            "hash_join j: inner on id = key, build right\n  source l\n  source r",
        );
    }
}
