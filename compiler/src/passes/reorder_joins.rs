//! Puts the joins of a chain in the order that makes the fewest rows on the way.
//!
//! Before: `(orders ⋈ lines) ⋈ few_customers`, after: `(orders ⋈ few_customers) ⋈ lines`. A chain is a tree of inner joins,
//! with nothing between them but maps that choose columns, over at least three other nodes; each key belongs to one of
//! those. Every order in which each step joins one more node by a key is compared by the sum, over its joins, of the rows
//! they give, those they probe with and twice those they build (the smaller side), all from the sources' statistics
//! (`sabot_ir::estimate`). It must be better by a tenth, or nothing changes. A map on top restores the columns' order.
//!
//! Not if a key may fail, if others read a join in the middle, or if an operator above depends on the order of rows.

use super::effects::order_matters;
use super::rewrite::has_one_reader;
use super::{Changed, Part, Pass, PassCx, author, substitute};
use sabot_ir::estimate::{distinct_keys, estimated_rows, join_rows};
use sabot_ir::expr::Expr;
use sabot_ir::plan::{JoinKind, Node, NodeId, Operator, Plan, Side};
use sabot_ir::ty::Schema;

pub(super) const REORDER_JOINS: Pass = Pass { name: "reorder_joins", part_of: Part::JoinReordering, run };

/// More nodes than this have too many orders to try.
const MOST_LEAVES: usize = 8;

fn run(plan: &mut Plan, cx: &mut PassCx) -> Changed {
    let mut changed = Changed::No;
    let order_matters = order_matters(plan);
    let mut done: Vec<NodeId> = Vec::new();
    for id in plan.bottom_up().into_iter().rev() {
        if order_matters[id.0 as usize] || done.contains(&id) {
            continue;
        }
        let Some(chain) = Chain::at(plan, id) else { continue };
        done.extend(&chain.joins);
        let Some(order) = chain.better_order(plan) else { continue };
        cx.joins_reordered.extend(chain.joins.iter().map(|join| author(plan.node(*join))));
        chain.rebuild(plan, id, &order);
        changed.note();
    }
    changed
}

/// A tree of inner joins taken apart. Columns are counted over all leaves together, in the order of `leaves`.
#[derive(Default)]
struct Chain {
    leaves: Vec<Leaf>,
    conditions: Vec<Condition>,
    /// The joins, the top one first.
    joins: Vec<NodeId>,
    /// The columns that the top join gives.
    output: Vec<u32>,
}

struct Leaf {
    node: NodeId,
    /// Its first column.
    offset: u32,
    width: u32,
}

/// Two expressions, of one leaf each, that must be equal.
#[derive(Clone)]
struct Condition {
    leaves: [usize; 2],
    keys: [Expr; 2],
}

impl Chain {
    fn at(plan: &Plan, top: NodeId) -> Option<Self> {
        let consumers = plan.consumers();
        let mut chain = Self::default();
        if !is_reorderable(plan.node(top)) {
            return None;
        }
        chain.output = chain.take_apart(plan, &consumers, top, true)?;
        (3..=MOST_LEAVES).contains(&chain.leaves.len()).then_some(chain)
    }

    /// The columns of a node, over all leaves.
    fn take_apart(&mut self, plan: &Plan, consumers: &[Vec<NodeId>], id: NodeId, is_top: bool) -> Option<Vec<u32>> {
        let node = plan.node(id);
        let is_ours = is_top || has_one_reader(consumers, id);
        match &node.operator {
            Operator::HashJoin { left_keys, right_keys, .. } if is_ours && is_reorderable(node) => {
                self.joins.push(id);
                let left = self.take_apart(plan, consumers, node.inputs[0], false)?;
                let right = self.take_apart(plan, consumers, node.inputs[1], false)?;
                for (left_key, right_key) in left_keys.iter().zip(right_keys) {
                    let (mut left_key, mut right_key) = (left_key.clone(), right_key.clone());
                    substitute::positions(&mut left_key, &|column| left[column as usize]);
                    substitute::positions(&mut right_key, &|column| right[column as usize]);
                    let leaves = [self.leaf_of(&left_key)?, self.leaf_of(&right_key)?];
                    self.conditions.push(Condition { leaves, keys: [left_key, right_key] });
                }
                Some([left, right].concat())
            }
            Operator::Project { columns }
                if is_ours
                    && columns.iter().all(|column| column.as_column().is_some())
                    && self.leads_to_join(plan, node) =>
            {
                let below = self.take_apart(plan, consumers, node.inputs[0], false)?;
                Some(columns.iter().filter_map(Expr::as_column).map(|column| below[column as usize]).collect())
            }
            Operator::Source { .. }
            | Operator::Filter { .. }
            | Operator::Project { .. }
            | Operator::Union
            | Operator::HashJoin { .. }
            | Operator::Aggregate { .. }
            | Operator::WindowAggregate { .. }
            | Operator::IntervalJoin { .. }
            | Operator::AsofJoin { .. }
            | Operator::Dedup { .. }
            | Operator::Sort { .. }
            | Operator::Limit { .. }
            | Operator::FlatMap { .. }
            | Operator::OnTime { .. }
            | Operator::Contenders { .. }
            | Operator::Sink { .. } => {
                let offset = self.leaves.last().map_or(0, |leaf| leaf.offset + leaf.width);
                let width = u32::try_from(node.schema.len()).ok()?;
                self.leaves.push(Leaf { node: id, offset, width });
                Some((offset..offset + width).collect())
            }
        }
    }

    fn leads_to_join(&self, plan: &Plan, node: &Node) -> bool {
        is_reorderable(plan.node(node.inputs[0]))
    }

    /// The one leaf whose columns a key reads.
    fn leaf_of(&self, key: &Expr) -> Option<usize> {
        let columns = key.columns();
        let first = columns.first()?;
        let leaf = self.leaves.iter().position(|leaf| (leaf.offset..leaf.offset + leaf.width).contains(first))?;
        let whole = self.leaves[leaf].offset..self.leaves[leaf].offset + self.leaves[leaf].width;
        columns.iter().all(|column| whole.contains(column)).then_some(leaf)
    }

    /// An order of the leaves that costs less than the present tree.
    fn better_order(&self, plan: &Plan) -> Option<Vec<usize>> {
        let rows = estimated_rows(plan);
        let leaf_rows: Vec<f64> = self.leaves.iter().map(|leaf| rows[leaf.node.0 as usize]).collect::<Option<_>>()?;
        let shares = self.shares(plan, &leaf_rows);
        let size = |set: usize| -> f64 {
            let leaves = (0..self.leaves.len()).filter(|leaf| set & (1 << leaf) != 0);
            let product: f64 = leaves.map(|leaf| leaf_rows[leaf]).product();
            let inside = shares.iter().filter(|(pair, _)| set & pair == *pair).map(|(_, share)| share);
            inside.fold(product, |rows, share| rows * share)
        };
        let present = self.present_cost(plan, *self.joins.first()?, &mut 0, &size).1;
        let all = (1_usize << self.leaves.len()) - 1;
        // The cheapest way to each set of leaves.
        let mut best: Vec<Option<(f64, Vec<usize>)>> = vec![None; all + 1];
        for leaf in 0..self.leaves.len() {
            best[1 << leaf] = Some((0.0, vec![leaf]));
        }
        for set in 1..=all {
            let Some((cost, order)) = best[set].clone() else { continue };
            for (leaf, rows) in leaf_rows.iter().enumerate() {
                let joined = set | (1 << leaf);
                let has_key =
                    shares.iter().any(|(pair, _)| pair & (1 << leaf) != 0 && pair & set != 0 && joined & pair == *pair);
                if joined == set || !has_key {
                    continue;
                }
                let cost = cost + join_cost(size(set), *rows, size(joined));
                if best[joined].as_ref().is_none_or(|(least, _)| cost < *least) {
                    best[joined] = Some((cost, [order.as_slice(), &[leaf]].concat()));
                }
            }
        }
        let (cost, order) = best[all].take()?;
        (cost < present * 0.9).then_some(order)
    }

    /// For each pair of leaves with keys between them, as a set: which share of their product has equal keys.
    fn shares(&self, plan: &Plan, leaf_rows: &[f64]) -> Vec<(usize, f64)> {
        let mut shares: Vec<(usize, f64)> = Vec::new();
        for condition in &self.conditions {
            let [first, second] = condition.leaves;
            let pair = (1 << first) | (1 << second);
            if shares.iter().any(|(known, _)| *known == pair) {
                continue;
            }
            let distinct = |leaf: usize| {
                let keys: Vec<Expr> = self.keys_between(leaf, if leaf == first { second } else { first });
                distinct_keys(plan, self.leaves[leaf].node, &keys, leaf_rows[leaf])
            };
            let (left, right) = (leaf_rows[first], leaf_rows[second]);
            let rows = join_rows(left, right, distinct(first), distinct(second));
            shares.push((pair, rows / (left * right).max(1.0)));
        }
        shares
    }

    /// The keys of `leaf` that meet keys of `other`, counted in the leaf's own columns.
    fn keys_between(&self, leaf: usize, other: usize) -> Vec<Expr> {
        let mut keys = Vec::new();
        for condition in &self.conditions {
            for (side, key) in condition.keys.iter().enumerate() {
                if condition.leaves[side] == leaf && condition.leaves[1 - side] == other {
                    let mut key = key.clone();
                    substitute::positions(&mut key, &|column| column - self.leaves[leaf].offset);
                    keys.push(key);
                }
            }
        }
        keys
    }

    /// The leaves below a node as a set, and the cost of the joins there; `next` is the first of its leaves.
    fn present_cost(&self, plan: &Plan, id: NodeId, next: &mut usize, size: &impl Fn(usize) -> f64) -> (usize, f64) {
        let inputs = &plan.node(id).inputs;
        if self.joins.contains(&id) {
            let (left, left_cost) = self.present_cost(plan, inputs[0], next, size);
            let (right, right_cost) = self.present_cost(plan, inputs[1], next, size);
            let joined = left | right;
            (joined, left_cost + right_cost + join_cost(size(left), size(right), size(joined)))
        } else if self.leaves[*next].node == id {
            *next += 1;
            (1 << (*next - 1), 0.0)
        } else {
            // A map between two joins.
            self.present_cost(plan, inputs[0], next, size)
        }
    }

    /// Joins the leaves in this order; `top` becomes the map that restores the columns.
    fn rebuild(&self, plan: &mut Plan, top: NodeId, order: &[usize]) {
        // The names of the joins, from the bottom.
        let mut names: Vec<Node> = self.joins.iter().map(|join| plan.node(*join).clone()).collect();
        let mut joined = vec![order[0]];
        let mut current = self.leaves[order[0]].node;
        let mut columns = self.columns_of(order[0]);
        for leaf in &order[1..] {
            let like = names.pop().expect("one join fewer than leaves");
            let (mut left_keys, mut right_keys) = (Vec::new(), Vec::new());
            for condition in &self.conditions {
                for (side, key) in condition.keys.iter().enumerate() {
                    if condition.leaves[side] == *leaf && joined.contains(&condition.leaves[1 - side]) {
                        let (mut right, mut left) = (key.clone(), condition.keys[1 - side].clone());
                        substitute::positions(&mut right, &|column| column - self.leaves[*leaf].offset);
                        substitute::positions(&mut left, &|column| position(&columns, column));
                        left_keys.push(left);
                        right_keys.push(right);
                    }
                }
            }
            let right = self.leaves[*leaf].node;
            let (left_schema, right_schema) = (&plan.node(current).schema, &plan.node(right).schema);
            let fields = left_schema.fields.iter().chain(&right_schema.fields).cloned().collect();
            let mut properties = like.properties.clone();
            properties.keyed_by.clear();
            properties.event_time = None;
            properties.window_end = None;
            current = plan.add(Node {
                operator: Operator::HashJoin {
                    kind: JoinKind::Inner,
                    left_keys,
                    right_keys,
                    build: Side::Right,
                    lookup: false,
                },
                inputs: vec![current, right],
                schema: Schema::new(fields),
                properties,
                ..like
            });
            columns.extend(self.columns_of(*leaf));
            joined.push(*leaf);
        }
        let fields = plan.node(top).schema.fields.iter();
        let restored = self.output.iter().zip(fields);
        let restored = restored.map(|(column, field)| Expr::column(position(&columns, *column), field.ty.clone()));
        let operator = Operator::Project { columns: restored.collect() };
        let top = plan.node_mut(top);
        top.operator = operator;
        top.inputs = vec![current];
        top.name.push_str(".columns");
    }

    fn columns_of(&self, leaf: usize) -> Vec<u32> {
        let leaf = &self.leaves[leaf];
        (leaf.offset..leaf.offset + leaf.width).collect()
    }
}

/// What is joined as it comes is joined in the order of the author.
fn is_reorderable(node: &Node) -> bool {
    matches!(node.operator, Operator::HashJoin { kind: JoinKind::Inner, lookup: false, .. })
        && node.properties.bounded
        && node.properties.window_end.is_none()
        && !node.operator.exprs().into_iter().any(Expr::can_fail)
}

fn join_cost(left: f64, right: f64, joined: f64) -> f64 {
    left + right + left.min(right) + joined
}

fn position(columns: &[u32], column: u32) -> u32 {
    let position = columns.iter().position(|known| *known == column).expect("a key reads leaves that are joined");
    u32::try_from(position).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Builder, check};
    use super::REORDER_JOINS;
    use sabot_ir::plan::{JoinKind, NodeId};

    /// `(lines ⋈ orders) ⋈ customers`, of which there are few.
    fn chain(b: &mut Builder, customers: u64) -> NodeId {
        let lines = b.source("lines", "line: i64, of_order: i64");
        let orders = b.source("orders", "order: i64, of_customer: i64");
        let some = b.source("customers", "customer: i64, name: String");
        b.statistics(lines, 1_000_000, Some(0));
        b.statistics(orders, 100_000, Some(0));
        b.statistics(some, customers, Some(0));
        let orders_statistics = &mut b.plan.sources[1].statistics;
        orders_statistics.distinct.insert(1, 10_000);
        let first = b.join("first", JoinKind::Inner, lines, orders, "of_order", "order");
        b.join("second", JoinKind::Inner, first, some, "of_customer", "customer")
    }

    #[test]
    fn the_selective_join_comes_first() {
        check(
            REORDER_JOINS,
            |b| chain(b, 10),
            "project second.columns: line, of_order, order, of_customer, customer, name\n  \
             hash_join second: inner on order = of_order, build right\n    \
             hash_join first: inner on of_customer = customer, build right\n      \
             source orders, primary key order\n      source customers, primary key customer\n    \
             source lines, primary key line",
        );
    }

    #[test]
    fn a_good_order_stays() {
        check(
            REORDER_JOINS,
            |b| {
                let orders = b.source("orders", "order: i64, of_customer: i64");
                let some = b.source("customers", "customer: i64");
                let lines = b.source("lines", "of_order: i64");
                b.statistics(orders, 1000, Some(0));
                b.statistics(some, 10, Some(0));
                b.statistics(lines, 100_000, None);
                let first = b.join("first", JoinKind::Inner, orders, some, "of_customer", "customer");
                b.join("second", JoinKind::Inner, first, lines, "order", "of_order")
            },
            "hash_join second: inner on order = of_order, build right\n  \
             hash_join first: inner on of_customer = customer, build right\n    \
             source orders, primary key order\n    source customers, primary key customer\n  source lines",
        );
    }

    #[test]
    fn not_where_the_order_of_rows_matters() {
        check(
            REORDER_JOINS,
            |b| {
                let top = chain(b, 10);
                let dedup = b.dedup("d", top, "name");
                b.project("p", dedup, "name")
            },
            "project p: name\n  dedup d: by name\n    hash_join second: inner on of_customer = customer, build right\n      \
             hash_join first: inner on of_order = order, build right\n        source lines, primary key line\n        \
             source orders, primary key order\n      source customers, primary key customer",
        );
    }
}
