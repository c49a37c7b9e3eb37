//! Which operators keep state while event time goes on, and what their tables hold.
//!
//! A window gives its groups when event time has passed its end, a join of two streams gives pairs as they come: whoever
//! reads such a table runs at the same time as those who fill it. Everything else is complete before it is read.

use super::PhysicalCx;
use sabot_ir::expr::{Expr, ExprKind};
use sabot_ir::pipeline::{AggregateSpec, Keep, StreamInput, StreamOperator, TableKind};
use sabot_ir::plan::as_column;
use sabot_ir::plan::{AggregateCall, AggregateFunction, JoinKind, Node, NodeId, Operator, Plan};
use sabot_ir::ty::Type;
use std::collections::BTreeMap;

/// How an operator keeps state while its input goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Live {
    /// Accumulators by window and key.
    Window,
    /// What it keeps is complete when event time has passed this part of its key.
    Closes(usize),
    /// Rows of both inputs by key.
    Join(Keep),
    /// The nearest row in time.
    Asof,
    /// The keys that were there.
    First,
    /// The first rows of each key.
    Top,
    /// Accumulators by key, given as changes.
    Changes,
    /// Rows of both inputs by key, some of which may be taken back; given as changes.
    JoinChanges,
    /// Rows that wait for what a database answers.
    Lookup,
}

/// How this operator does; nothing if it keeps no state, or needs all of its input first.
pub(super) fn live(plan: &Plan, id: NodeId) -> Option<Live> {
    let node = plan.node(id);
    let input = |at: usize| &plan.node(node.inputs[at]).properties;
    match &node.operator {
        Operator::WindowAggregate { .. } => Some(Live::Window),
        Operator::IntervalJoin { within_us, .. } => Some(Live::Join(Keep::Within { us: *within_us })),
        Operator::AsofJoin { .. } => Some(Live::Asof),
        Operator::HashJoin { lookup: true, .. } => Some(Live::Lookup),
        Operator::HashJoin { kind, .. } if plan.keeps_changes(*kind, node.inputs[0], node.inputs[1]) => {
            Some(Live::JoinChanges)
        }
        Operator::HashJoin { left_keys, right_keys, .. } => {
            let ends = |keys: &[Expr], at: usize| end_among(plan, node, keys, at);
            match (ends(left_keys, 0), ends(right_keys, 1)) {
                (Some(left), Some(right)) if left == right => Some(Live::Join(Keep::Window { end: left as u32 })),
                _ if !input(0).bounded && !input(1).bounded => Some(Live::Join(Keep::Forever)),
                _ => None,
            }
        }
        Operator::Aggregate { keys, .. } => {
            end_among(plan, node, keys, 0).map(Live::Closes).or((!input(0).bounded).then_some(Live::Changes))
        }
        Operator::Dedup { keys } => {
            end_among(plan, node, keys, 0).map(Live::Closes).or((!input(0).bounded).then_some(Live::First))
        }
        Operator::Sort { limit, partition_by, .. } => {
            let is_top = limit.is_some() && !input(0).bounded;
            end_among(plan, node, partition_by, 0).map(Live::Closes).or(is_top.then_some(Live::Top))
        }
        Operator::Source { .. }
        | Operator::Filter { .. }
        | Operator::Project { .. }
        | Operator::FlatMap { .. }
        | Operator::Union
        | Operator::Limit { .. }
        | Operator::OnTime { .. }
        | Operator::Contenders { .. }
        | Operator::Sink { .. } => None,
    }
}

/// The part of a key that is the end of the window that rows of this input belong to.
fn end_among(plan: &Plan, node: &Node, keys: &[Expr], input: usize) -> Option<usize> {
    let end = plan.node(node.inputs[input]).properties.window_end?;
    keys.iter().position(|key| key.kind == ExprKind::Column(end))
}

/// What a stream's table holds of its inputs, and where the columns are that it gives.
pub(super) struct StreamLayout {
    /// By input: its columns over the schema of the input, but for accumulators.
    pub(super) inputs: Vec<Vec<Expr>>,
    /// By needed column of the node: its position in the table.
    pub(super) outputs: BTreeMap<u32, u32>,
    by: Vec<(u32, bool)>,
}

/// The layout of this operator's table.
pub(super) fn stream_layout(cx: &PhysicalCx<'_>, id: NodeId) -> StreamLayout {
    let node = cx.plan.node(id);
    let width = |at: usize| cx.plan.node(node.inputs[at]).schema.len() as u32;
    let column = |input: usize, at: u32| {
        let schema = &cx.plan.node(node.inputs[input]).schema;
        Expr::column(at, schema.fields[at as usize].ty.clone())
    };
    let needed = cx.needed(id);
    let mut layout = StreamLayout { inputs: Vec::new(), outputs: BTreeMap::new(), by: Vec::new() };
    match &node.operator {
        Operator::HashJoin { kind, .. } if live(cx.plan, id) == Some(Live::JoinChanges) => {
            let only_left = matches!(kind, JoinKind::Semi | JoinKind::Anti);
            // The inputs' changes stand behind all that is given.
            let changes = [0, 1].map(|at| change_of(cx.plan, node.inputs[at]));
            let of_sides = [changes[0], changes[1].filter(|_| !only_left).map(|at| at + width(0))];
            let wanted = needed.iter().copied().filter(|at| !of_sides.contains(&Some(*at)));
            layout.sides(&wanted.collect(), [width(0), if only_left { 0 } else { width(1) }], column);
            for (side, change) in changes.into_iter().enumerate() {
                layout.inputs[side].extend(change.map(|at| column(side, at)));
            }
            let flags = match kind {
                JoinKind::Inner | JoinKind::Semi | JoinKind::Anti => 0,
                JoinKind::Left | JoinKind::Right => 1,
                JoinKind::Full => 2,
            };
            let own = layout
                .inputs
                .iter()
                .zip(changes)
                .map(|(columns, change)| columns.len() - usize::from(change.is_some()));
            let change = own.sum::<usize>() as u32 + flags;
            layout.outputs.insert(node.schema.len() as u32 - 1, change);
        }
        Operator::HashJoin { kind, .. } | Operator::IntervalJoin { kind, .. } => {
            let only_left = matches!(kind, JoinKind::Semi | JoinKind::Anti);
            layout.sides(needed, [width(0), if only_left { 0 } else { width(1) }], column);
        }
        Operator::AsofJoin { .. } => layout.sides(needed, [width(0), width(1)], column),
        Operator::Dedup { .. } | Operator::Sort { .. } => {
            let change = change_of(cx.plan, node.inputs[0]);
            let own = width(0);
            let mut columns: Vec<Expr> = Vec::new();
            for at in needed.iter().copied().filter(|at| *at < own).chain(change) {
                if columns.iter().all(|other| other.kind != ExprKind::Column(at)) {
                    layout.outputs.insert(at, columns.len() as u32);
                    columns.push(column(0, at));
                }
            }
            if let Operator::Sort { by, .. } = &node.operator {
                for key in by {
                    let position = columns.iter().position(|column| *column == key.expr).unwrap_or_else(|| {
                        columns.push(key.expr.clone());
                        columns.len() - 1
                    });
                    layout.by.push((position as u32, key.descending));
                }
            }
            if change.is_none() && (own as usize) < node.schema.len() {
                layout.outputs.insert(own, columns.len() as u32);
            }
            layout.inputs.push(columns);
        }
        Operator::Aggregate { .. } => {
            layout.inputs.push(Vec::new());
            layout.outputs.extend((0..node.schema.len() as u32).map(|at| (at, at)));
        }
        Operator::Source { .. }
        | Operator::Filter { .. }
        | Operator::Project { .. }
        | Operator::FlatMap { .. }
        | Operator::Union
        | Operator::WindowAggregate { .. }
        | Operator::Limit { .. }
        | Operator::OnTime { .. }
        | Operator::Contenders { .. }
        | Operator::Sink { .. } => unreachable!("`{}` has no table of a stream", node.operator.name()),
    }
    layout
}

impl StreamLayout {
    /// Two sides and the flags behind them.
    fn sides(
        &mut self,
        needed: &std::collections::BTreeSet<u32>,
        widths: [u32; 2],
        column: impl Fn(usize, u32) -> Expr,
    ) {
        let mut position = 0;
        let mut before = 0;
        for (side, width) in widths.into_iter().enumerate() {
            let mut columns = Vec::new();
            for at in needed.range(before..before + width) {
                self.outputs.insert(*at, position);
                columns.push(column(side, at - before));
                position += 1;
            }
            before += width;
            self.inputs.push(columns);
        }
        // The flags all are there, wanted or not.
        for flag in needed.range(before..) {
            self.outputs.insert(*flag, position + (flag - before));
        }
    }
}

/// The column of an updating stream that says whether a row is added or taken back.
pub(super) fn change_of(plan: &Plan, node: NodeId) -> Option<u32> {
    let node = plan.node(node);
    node.properties.has_change().then(|| node.schema.len() as u32 - 1)
}

/// The table of an operator that keeps state while its input goes on.
pub(super) fn table(cx: &PhysicalCx<'_>, id: NodeId, live: Live) -> Option<TableKind> {
    let node = cx.plan.node(id);
    let types = |exprs: &[Expr]| exprs.iter().map(|expr| expr.ty.clone()).collect::<Vec<Type>>();
    let values = |exprs: &[Expr]| exprs.iter().map(|expr| expr.ty.value_type().clone()).collect::<Vec<Type>>();
    if live == Live::Window {
        let Operator::WindowAggregate { keys, calls, window } = &node.operator else { return None };
        return Some(TableKind::Window {
            keys: types(keys),
            calls: specs(calls),
            kind: window.kind,
            processing_time: window.time.is_none() && window.kind.has_times(),
            allowed_lateness_us: window.allowed_lateness_us,
            emit_every_us: window.emit_every_us,
        });
    }
    let layout = match live {
        Live::Closes(_) | Live::Window => return None,
        Live::Join(_) | Live::Asof | Live::First | Live::Top | Live::Changes | Live::JoinChanges | Live::Lookup => {
            stream_layout(cx, id)
        }
    };
    let mut inputs: Vec<Vec<Type>> = layout.inputs.iter().map(|columns| types(columns)).collect();
    let change = |layout: &StreamLayout| {
        change_of(cx.plan, node.inputs[0]).and_then(|column| layout.outputs.get(&column).copied())
    };
    let (keys, operator) = match (&node.operator, live) {
        (
            Operator::HashJoin { kind, left_keys, .. } | Operator::IntervalJoin { kind, left_keys, .. },
            Live::Join(keep),
        ) => (values(left_keys), StreamOperator::Join { kind: *kind, keep }),
        (Operator::HashJoin { kind, left_keys, right_keys, .. }, Live::Lookup) => {
            (values(left_keys), lookup(cx, node, *kind, right_keys, &layout.inputs[1])?)
        }
        (Operator::HashJoin { kind, left_keys, .. }, Live::JoinChanges) => {
            let change = |at: usize| change_of(cx.plan, node.inputs[at]).map(|_| inputs[at].len() as u32 - 1);
            (values(left_keys), StreamOperator::JoinChanges { kind: *kind, changes: [change(0), change(1)] })
        }
        (Operator::AsofJoin { outer, left_keys, direction, tolerance_us, .. }, _) => (
            values(left_keys),
            StreamOperator::Asof { outer: *outer, direction: *direction, tolerance_us: *tolerance_us },
        ),
        (Operator::Dedup { keys }, _) => (types(keys), StreamOperator::First),
        (Operator::Sort { limit: Some(limit), partition_by, .. }, _) => {
            let change = change(&layout);
            (types(partition_by), StreamOperator::Top { by: layout.by, limit: *limit, change })
        }
        (Operator::Aggregate { keys, calls }, _) => {
            let columns = &mut inputs[0];
            let mut column = |ty: Type| {
                columns.push(ty);
                columns.len() as u32 - 1
            };
            let mut input = |at: usize| {
                if keeper(calls, at).is_some() {
                    return StreamInput { args: Vec::new(), filter: None };
                }
                let call: &AggregateCall = &calls[at];
                StreamInput {
                    args: call.args.iter().map(|arg| column(arg.ty.clone())).collect(),
                    filter: call.filter.as_ref().map(|_| column(Type::Bool)),
                }
            };
            let inputs = (0..calls.len()).map(&mut input).collect();
            let change = change_of(cx.plan, node.inputs[0]).map(|_| column(Type::Int8));
            (types(keys), StreamOperator::Aggregate { calls: specs(calls), inputs, change })
        }
        _ => return None,
    };
    let emit_every_us = match live {
        Live::Changes | Live::Top => node.properties.emit_every_us,
        Live::Closes(_)
        | Live::Window
        | Live::Join(_)
        | Live::Asof
        | Live::First
        | Live::JoinChanges
        | Live::Lookup => None,
    };
    Some(TableKind::Stream { keys, inputs, operator, emit_every_us })
}

/// What is asked of the source on the right: the columns that are given, and the key, by their positions in its schema.
fn lookup(cx: &PhysicalCx<'_>, node: &Node, kind: JoinKind, keys: &[Expr], given: &[Expr]) -> Option<StreamOperator> {
    let Operator::Source { source, columns, .. } = &cx.plan.node(node.inputs[1]).operator else { return None };
    let position = |expr: &Expr| as_column(expr).map(|at| columns[at as usize]);
    let keys = keys.iter().map(position).collect::<Option<Vec<u32>>>()?;
    let columns = given.iter().map(position).collect::<Option<Vec<u32>>>()?;
    Some(StreamOperator::Lookup { kind, source: *source, columns, keys })
}

/// The accumulators of calls. Of the calls of one of the author's aggregates on the same rows, the first keeps the state.
pub(super) fn specs(calls: &[AggregateCall]) -> Vec<AggregateSpec> {
    let spec = |at: usize| {
        let call = &calls[at];
        let Some(keeper) = keeper(calls, at) else {
            let args = call.args.iter().map(|arg| arg.ty.clone()).collect();
            return AggregateSpec { function: call.function, args, ty: call.ty.clone() };
        };
        let mut function = call.function;
        if let AggregateFunction::User(part) = &mut function {
            part.kept_by = Some(keeper as u32);
        }
        AggregateSpec { function, args: Vec::new(), ty: call.ty.clone() }
    };
    (0..calls.len()).map(spec).collect()
}

/// The call that keeps the state that this one gives a part of, if that is another one.
pub(super) fn keeper(calls: &[AggregateCall], at: usize) -> Option<usize> {
    let call = &calls[at];
    let aggregate = |call: &AggregateCall| {
        if let AggregateFunction::User(part) = call.function { Some(part.aggregate) } else { None }
    };
    let own = aggregate(call)?;
    let is_same =
        |other: &AggregateCall| aggregate(other) == Some(own) && other.args == call.args && other.filter == call.filter;
    calls[..at].iter().position(is_same)
}
