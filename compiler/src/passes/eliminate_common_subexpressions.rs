//! Computes once what the expressions of one operator compute several times.
//!
//! Before: `project(mid = (bid + ask) / 2.0, share = spread / ((bid + ask) / 2.0))`, after: a map below it computes
//! `(bid + ask) / 2.0`, and both read it. What a filter and the map on top of it share is computed below the filter. Only
//! what costs something, and only what every row computes anyway: one of the places must not depend on a condition.
//! Stands behind all that merges maps.

use super::effects::{cost, is_cheap, shows_its_input};
use super::merge_projects::is_conditional;
use super::rewrite::has_one_reader;
use super::{Changed, Part, Pass, PassCx, author, substitute};
use sabot_ir::expr::{Expr, ExprKind, LocalId};
use sabot_ir::plan::{Node, NodeId, Operator, Plan, Properties};
use sabot_ir::ty::{Field, Schema};
use std::collections::{BTreeSet, HashMap};

pub(super) const ELIMINATE_COMMON_SUBEXPRESSIONS: Pass =
    Pass { name: "eliminate_common_subexpressions", part_of: Part::Always, run };

/// Below this, reading a value again costs as much as computing it again.
const LEAST_COST: u32 = 2;

/// The same between a filter and a map: the value must be kept for rows that the filter takes away, too.
const LEAST_COST_BESIDE_FILTER: u32 = 8;

fn run(plan: &mut Plan, cx: &mut PassCx) -> Changed {
    let mut changed = Changed::No;
    let mut waiting = plan.bottom_up();
    waiting.reverse();
    while let Some(id) = waiting.pop() {
        if let Some(shared) = share(plan, id) {
            // A part of its reader, in the author's eyes.
            let authors = cx.authors(plan.node(id));
            cx.merged.insert(author(plan.node(shared)), authors);
            // There may be more to share, also within what is shared.
            waiting.push(id);
            waiting.push(shared);
            changed.note();
        }
    }
    changed
}

/// Puts a map with what is shared below an operator; its id.
fn share(plan: &mut Plan, id: NodeId) -> Option<NodeId> {
    let node = plan.node(id);
    match &node.operator {
        Operator::Project { .. } => {
            let input = node.inputs[0];
            let below = plan.node(input);
            if matches!(below.operator, Operator::Filter { .. }) && has_one_reader(&plan.consumers(), input) {
                share_with_filter(plan, id, input).or_else(|| share_below(plan, id))
            } else {
                share_below(plan, id)
            }
        }
        // Late rows are shown as they come in.
        Operator::WindowAggregate { window, .. } if window.late.is_some() => None,
        Operator::Aggregate { .. } | Operator::WindowAggregate { .. } => share_below(plan, id),
        Operator::Source { .. }
        | Operator::Filter { .. }
        | Operator::OnTime { .. }
        | Operator::Contenders { .. }
        | Operator::Union
        | Operator::HashJoin { .. }
        | Operator::IntervalJoin { .. }
        | Operator::AsofJoin { .. }
        | Operator::Dedup { .. }
        | Operator::Sort { .. }
        | Operator::Limit { .. }
        | Operator::FlatMap { .. }
        | Operator::Sink { .. } => None,
    }
}

/// Below a map or an aggregate: it reads the input's columns and the shared values.
fn share_below(plan: &mut Plan, id: NodeId) -> Option<NodeId> {
    let node = plan.node(id);
    if shows_its_input(node) {
        return None;
    }
    let places = places(&node.operator);
    let shared = shared_values(&places, LEAST_COST);
    if shared.is_empty() {
        return None;
    }
    let mut operator = node.operator.clone();
    let below = insert_below(plan, id, &shared, &mut [&mut operator]);
    plan.node_mut(id).operator = operator;
    Some(below)
}

/// Below a filter that only a map reads: what both compute, or the filter twice.
fn share_with_filter(plan: &mut Plan, project: NodeId, filter: NodeId) -> Option<NodeId> {
    let (upper, lower) = (plan.node(project), plan.node(filter));
    if shows_its_input(upper) || shows_its_input(lower) {
        return None;
    }
    let of_filter = places(&lower.operator);
    let mut places: Vec<(&Expr, bool)> = of_filter.clone();
    // The map sees fewer rows.
    places.extend(self::places(&upper.operator).into_iter().map(|(expr, _)| (expr, false)));
    let shared = shared_values(&places, LEAST_COST_BESIDE_FILTER);
    if shared.is_empty() {
        return None;
    }
    let (mut upper_operator, mut lower_operator) = (upper.operator.clone(), lower.operator.clone());
    let below = insert_below(plan, filter, &shared, &mut [&mut lower_operator, &mut upper_operator]);
    let (schema, properties) = (plan.node(below).schema.clone(), plan.node(below).properties.clone());
    let lower = plan.node_mut(filter);
    lower.operator = lower_operator;
    lower.schema = schema;
    lower.properties = properties;
    plan.node_mut(project).operator = upper_operator;
    Some(below)
}

/// The expressions of an operator, and whether every row computes them.
fn places(operator: &Operator) -> Vec<(&Expr, bool)> {
    if let Operator::Aggregate { keys, calls } = operator {
        let keys = keys.iter().map(|key| (key, true));
        let calls = calls.iter().flat_map(|call| {
            let args = call.args.iter().map(|arg| (arg, call.filter.is_none()));
            call.filter.iter().map(|filter| (filter, true)).chain(args)
        });
        return keys.chain(calls).collect();
    }
    operator.exprs().into_iter().map(|expr| (expr, true)).collect()
}

/// Where a value is computed.
struct Occurrences {
    all: usize,
    always: usize,
    /// The order in which values are met.
    first: usize,
}

/// What is worth sharing, the costliest first, none a part of another's every place.
fn shared_values(places: &[(&Expr, bool)], least_cost: u32) -> Vec<Expr> {
    let mut shared: Vec<Expr> = Vec::new();
    let mut exprs: Vec<(Expr, bool)> = places.iter().map(|(expr, always)| ((*expr).clone(), *always)).collect();
    loop {
        let mut found: HashMap<Expr, Occurrences> = HashMap::new();
        for (expr, always) in &exprs {
            collect(expr, *always, least_cost, &mut found);
        }
        let worth = |(_, occurrences): &(Expr, Occurrences)| occurrences.all > 1 && occurrences.always > 0;
        #[allow(clippy::iter_over_hash_type, reason = "the greatest is unique: no two are met first at one place")]
        let best = found
            .into_iter()
            .filter(worth)
            .max_by_key(|(value, occurrences)| (cost(value), std::cmp::Reverse(occurrences.first)));
        let Some((value, _)) = best else { return shared };
        // A column that no input has stands for it from now on.
        let column = u32::MAX - u32::try_from(shared.len()).unwrap_or(0);
        for (expr, _) in &mut exprs {
            replace(expr, &value, column);
        }
        shared.push(value);
    }
}

fn collect(expr: &Expr, always: bool, least_cost: u32, found: &mut HashMap<Expr, Occurrences>) {
    if !is_cheap(expr) && cost(expr) >= least_cost && is_closed(expr) {
        let mut value = expr.clone();
        substitute::renumber_locals(&mut value);
        let first = found.len();
        let occurrences = found.entry(value).or_insert(Occurrences { all: 0, always: 0, first });
        occurrences.all += 1;
        occurrences.always += usize::from(always);
    }
    for (position, child) in expr.children().into_iter().enumerate() {
        collect(child, always && !is_conditional(expr, position), least_cost, found);
    }
}

/// Whether it uses no local that is bound outside of it, and no value that is already shared.
fn is_closed(expr: &Expr) -> bool {
    let mut bound: BTreeSet<LocalId> = BTreeSet::new();
    let mut used: BTreeSet<LocalId> = BTreeSet::new();
    let mut reads_shared = false;
    expr.walk(&mut |node| match &node.kind {
        ExprKind::Let { local, .. } | ExprKind::IfSome { local, .. } => {
            bound.insert(*local);
        }
        ExprKind::Local(local) => {
            used.insert(*local);
        }
        ExprKind::Column(column) => reads_shared |= *column > u32::MAX / 2,
        ExprKind::Literal(_)
        | ExprKind::Param(_)
        | ExprKind::Unary(..)
        | ExprKind::Binary(..)
        | ExprKind::Cast(_)
        | ExprKind::If { .. }
        | ExprKind::Some(_)
        | ExprKind::None
        | ExprKind::IsSome(_)
        | ExprKind::Variable(_)
        | ExprKind::Compute(..)
        | ExprKind::Fail(_)
        | ExprKind::Call(..) => {}
    });
    !reads_shared && used.is_subset(&bound)
}

fn replace(expr: &mut Expr, value: &Expr, column: u32) {
    if expr.ty == value.ty && is_closed(expr) {
        let mut same = expr.clone();
        substitute::renumber_locals(&mut same);
        if same == *value {
            expr.kind = ExprKind::Column(column);
            return;
        }
    }
    for child in expr.children_mut() {
        replace(child, value, column);
    }
}

/// Puts a map below a node that passes on what the operators still read, and computes the shared values; the operators
/// then read its columns. The first operator is the node's own.
fn insert_below(plan: &mut Plan, id: NodeId, shared: &[Expr], operators: &mut [&mut Operator]) -> NodeId {
    let node = plan.node(id).clone();
    let input = node.inputs[0];
    let below = plan.node(input);
    let mut passed: BTreeSet<u32> = BTreeSet::new();
    for operator in &mut *operators {
        for expr in operator.exprs_mut() {
            for (value, at) in shared.iter().zip(0_u32..) {
                replace(expr, value, u32::MAX - at);
            }
            passed.extend(expr.columns().into_iter().filter(|column| *column <= u32::MAX / 2));
        }
    }
    // Whether a row is taken back stands behind all others.
    let change = below.properties.has_change().then(|| u32::try_from(below.schema.len()).unwrap_or(u32::MAX) - 1);
    let passed: Vec<u32> = passed.into_iter().filter(|column| Some(*column) != change).collect();
    let width = u32::try_from(passed.len()).unwrap_or(u32::MAX);
    let count = u32::try_from(shared.len()).unwrap_or(u32::MAX);
    let moved = |column: u32| {
        if column > u32::MAX / 2 {
            return width + (u32::MAX - column);
        }
        if Some(column) == change {
            return width + count;
        }
        passed.iter().position(|kept| *kept == column).and_then(|at| u32::try_from(at).ok()).unwrap_or(u32::MAX)
    };
    for operator in operators {
        for expr in operator.exprs_mut() {
            substitute::positions(expr, &moved);
        }
    }
    let mut fields: Vec<Field> = passed.iter().map(|column| below.schema.fields[*column as usize].clone()).collect();
    let mut columns: Vec<Expr> =
        passed.iter().zip(&fields).map(|(column, field)| Expr::column(*column, field.ty.clone())).collect();
    for (value, number) in shared.iter().zip(0_u32..) {
        fields.push(Field::new(free_name(&below.schema, number), value.ty.clone()));
        columns.push(value.clone());
    }
    if let Some(change) = change {
        let field = below.schema.fields[change as usize].clone();
        columns.push(Expr::column(change, field.ty.clone()));
        fields.push(field);
    }
    let still = |column: Option<u32>| column.filter(|column| passed.contains(column)).map(moved);
    let event_time = still(below.properties.event_time);
    let window_end = still(below.properties.window_end);
    let keyed_by = &below.properties.keyed_by;
    let is_kept = keyed_by.iter().all(|column| passed.contains(column));
    let properties = Properties {
        keyed_by: if is_kept { keyed_by.iter().map(|column| moved(*column)).collect() } else { Vec::new() },
        event_time,
        window_end,
        ..below.properties.clone()
    };
    let map = Node {
        name: format!("{}.shared", node.name),
        operator: Operator::Project { columns },
        inputs: vec![input],
        schema: Schema::new(fields),
        properties,
        on_error: node.on_error,
        span: node.span,
    };
    let map = plan.add(map);
    plan.node_mut(id).inputs = vec![map];
    map
}

fn free_name(schema: &Schema, number: u32) -> String {
    let mut name = format!("shared{number}");
    while schema.position(&name).is_some() {
        name.push('_');
    }
    name
}

#[cfg(test)]
mod tests {
    use super::super::testing::check;
    use super::ELIMINATE_COMMON_SUBEXPRESSIONS;

    #[test]
    fn what_two_columns_compute_is_computed_once() {
        check(
            ELIMINATE_COMMON_SUBEXPRESSIONS,
            |b| {
                let source = b.source("s", "bid: f64, ask: f64, id: i64");
                b.project("p", source, "mid = (bid + ask) / 2.0, rel = (ask - bid) / ((bid + ask) / 2.0), id")
            },
            "project p: mid = shared0, rel = (ask - bid) / shared0, id\n  \
             project p.shared: bid, ask, id, shared0 = (bid + ask) / 2.0\n    source s",
        );
    }

    #[test]
    fn a_filter_and_the_map_on_it() {
        check(
            ELIMINATE_COMMON_SUBEXPRESSIONS,
            |b| {
                let source = b.source("s", "x: f64, y: f64");
                let filter = b.filter("f", source, "x.ln() > 1.0");
                b.project("p", filter, "z = x.ln() + y")
            },
            "project p: z = shared0 + y\n  filter f: shared0 > 1.0\n    project f.shared: y, shared0 = x.ln()\n      source s",
        );
    }

    #[test]
    fn not_what_a_map_computes_again_as_fast_as_it_reads_it() {
        check(
            ELIMINATE_COMMON_SUBEXPRESSIONS,
            |b| {
                let source = b.source("s", "x: f64, y: f64");
                let filter = b.filter("f", source, "x * y + 1.0 > 2.0");
                b.project("p", filter, "a = x * y + 1.0")
            },
            "project p: a = x * y + 1.0\n  filter f: x * y + 1.0 > 2.0\n    source s",
        );
    }

    #[test]
    fn a_map_shares_its_own_besides_what_it_shares_with_a_filter() {
        check(
            ELIMINATE_COMMON_SUBEXPRESSIONS,
            |b| {
                let source = b.source("s", "x: f64, y: f64");
                let filter = b.filter("f", source, "x.ln() > 1.0");
                b.project("p", filter, "a = x.ln() + y.exp(), b = y.exp()")
            },
            "project p: a = shared0 + shared0_, b = shared0_\n  \
             project p.shared: shared0, shared0_ = y.exp()\n    filter f: shared0 > 1.0\n      \
             project f.shared: y, shared0 = x.ln()\n        source s",
        );
    }

    #[test]
    fn arguments_of_aggregates() {
        check(
            ELIMINATE_COMMON_SUBEXPRESSIONS,
            |b| {
                let source = b.source("s", "k: i64, x: f64, y: f64");
                b.aggregate("g", source, "k", "a = sum(x * y + 1.0), b = max(x * y + 1.0)")
            },
            "aggregate g: a = sum(shared0), b = max(shared0) by k\n  project g.shared: k, shared0 = x * y + 1.0\n    source s",
        );
    }

    #[test]
    fn not_what_only_some_rows_compute() {
        let columns = "a = if x > 0.0 { x.ln() + 1.0 } else { 0.0 }, b = if y > 0.0 { x.ln() + 1.0 } else { 0.0 }";
        check(
            ELIMINATE_COMMON_SUBEXPRESSIONS,
            |b| {
                let source = b.source("s", "x: f64, y: f64");
                b.project("p", source, columns)
            },
            &format!("project p: {columns}\n  source s"),
        );
    }

    #[test]
    fn not_what_costs_nothing() {
        check(
            ELIMINATE_COMMON_SUBEXPRESSIONS,
            |b| {
                let source = b.source("s", "x: f64, y: f64");
                b.project("p", source, "a = x + y, b = x + y")
            },
            "project p: a = x + y, b = x + y\n  source s",
        );
    }

    #[test]
    fn bodies_of_one_function_that_name_their_locals_differently() {
        check(
            ELIMINATE_COMMON_SUBEXPRESSIONS,
            |b| {
                let source = b.source("s", "x: f64");
                b.project(
                    "p",
                    source,
                    "a = { let m = x.ln(); m * m } + 1.0, b = { let n = 1.0; ({ let m = x.ln(); m * m }) / n }",
                )
            },
            "project p: a = shared0 + 1.0, b = { let x0 = 1.0; shared0 / x0 }\n  \
             project p.shared: shared0 = { let x0 = x.ln(); x0 * x0 }\n    source s",
        );
    }
}
