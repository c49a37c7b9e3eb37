//! What each table holds: decided once, for the loop that fills it and the loop that reads it.

use super::PhysicalCx;
use super::cut::{Cut, JoinShape, Purpose, join_shape};
use super::identity::identities;
use super::live::{Live, live, specs};
use sabot_ir::expr::{Expr, ExprKind};
use sabot_ir::pipeline::{AggregateSpec, Table, TableKind};
use sabot_ir::plan::{AggregateFunction, JoinKind, NodeId, Operator};
use sabot_ir::ty::Type;
use std::collections::BTreeMap;

/// What the table of a join holds beside the key.
pub(super) struct JoinLayout {
    /// How it is computed.
    pub(super) shape: JoinShape,
    /// Columns of the building side that are kept.
    pub(super) payload: Vec<u32>,
    /// Columns of the building side that equal this part of the key and are taken from the probing side.
    pub(super) from_key: BTreeMap<u32, usize>,
}

/// The layout of this join.
pub(super) fn join_layout(cx: &PhysicalCx<'_>, join: NodeId) -> JoinLayout {
    let node = cx.plan.node(join);
    let Operator::HashJoin { kind, left_keys, right_keys, build, .. } = &node.operator else {
        unreachable!("only joins have this layout");
    };
    let shape = join_shape(*kind, *build);
    let build_keys = if shape.build == 0 { left_keys } else { right_keys };
    let left_width = cx.plan.node(node.inputs[0]).schema.len() as u32;
    let build_width = cx.plan.node(node.inputs[shape.build]).schema.len() as u32;
    let offset = if shape.build == 0 { 0 } else { left_width };
    // Of a semi or anti join there are only left columns.
    let has_build_columns = shape.build == 0 || !matches!(kind, JoinKind::Semi | JoinKind::Anti);
    let wanted = cx.needed(join).range(offset..offset + build_width).map(|column| column - offset);
    let mut layout = JoinLayout { shape, payload: Vec::new(), from_key: BTreeMap::new() };
    if !has_build_columns {
        return layout;
    }
    for column in wanted {
        // Equal floats need not be the same (`0.0` and `-0.0`); rows without a match have no other side.
        let same_key = |key: &Expr| key.kind == ExprKind::Column(column) && !key.ty.value_type().is_float();
        match build_keys.iter().position(same_key) {
            Some(key) if *kind == JoinKind::Inner => {
                layout.from_key.insert(column, key);
            }
            Some(_) | None => layout.payload.push(column),
        }
    }
    layout
}

/// How a dedup is computed: as an aggregate that keeps the first row of each key.
pub(super) struct DedupLayout {
    /// By needed column: its position in the table.
    pub(super) positions: BTreeMap<u32, u32>,
    /// Columns that are accumulators, in the order of the calls.
    pub(super) payload: Vec<u32>,
}

/// The layout of this dedup. Without a key it is a limit of one row, and has none.
pub(super) fn dedup_layout(cx: &PhysicalCx<'_>, dedup: NodeId) -> Option<DedupLayout> {
    let node = cx.plan.node(dedup);
    let Operator::Dedup { keys } = &node.operator else { unreachable!("only a dedup has this layout") };
    if keys.is_empty() {
        return None;
    }
    let mut layout = DedupLayout { positions: BTreeMap::new(), payload: Vec::new() };
    for column in cx.needed(dedup) {
        let key = keys.iter().position(|key| key.kind == ExprKind::Column(*column));
        let position = key.unwrap_or_else(|| {
            layout.payload.push(*column);
            keys.len() + layout.payload.len() - 1
        });
        layout.positions.insert(*column, position as u32);
    }
    Some(layout)
}

/// The columns of a table of rows, as expressions over the input.
pub(super) struct RowsLayout {
    /// The node whose schema `columns` count in.
    pub(super) of: NodeId,
    /// First the needed columns of the node, ascending, then what is only sorted by.
    pub(super) columns: Vec<Expr>,
    /// Positions of the sort keys in `columns`, with `descending`.
    by: Vec<(u32, bool)>,
    /// Positions of the partition's key in `columns`.
    partition_by: Vec<u32>,
}

/// The layout of the table of this sort or limit, or of the rows held before this node.
pub(super) fn rows_layout(cx: &PhysicalCx<'_>, purpose: Purpose) -> RowsLayout {
    let of = match purpose {
        Purpose::State(node) => node,
        Purpose::Held(node) => {
            let held = cx.plan.node(node);
            if let Operator::HashJoin { kind, build, .. } = &held.operator {
                held.inputs[join_shape(*kind, *build).probe]
            } else {
                node
            }
        }
    };
    let schema = &cx.plan.node(of).schema;
    let column = |at: &u32| Expr::column(*at, schema.fields[*at as usize].ty.clone());
    // Of a join's probing side, only what the join reads; others may read more of the node.
    let needed: Vec<u32> = match purpose {
        Purpose::State(_) => cx.needed(of).iter().copied().collect(),
        Purpose::Held(node) if node == of => cx.needed(of).iter().copied().collect(),
        Purpose::Held(join) => probe_columns(cx, join),
    };
    let mut layout =
        RowsLayout { of, columns: needed.iter().map(column).collect(), by: Vec::new(), partition_by: Vec::new() };
    if let (Purpose::State(_), Operator::Sort { by, partition_by, .. }) = (purpose, &cx.plan.node(of).operator) {
        for key in by {
            let position = layout.position(&key.expr);
            layout.by.push((position, key.descending));
        }
        for key in partition_by {
            let position = layout.position(key);
            layout.partition_by.push(position);
        }
    }
    layout
}

impl RowsLayout {
    fn position(&mut self, expr: &Expr) -> u32 {
        let position = self.columns.iter().position(|column| column == expr).unwrap_or_else(|| {
            self.columns.push(expr.clone());
            self.columns.len() - 1
        });
        position as u32
    }

    fn types(&self) -> Vec<Type> {
        self.columns.iter().map(|column| column.ty.clone()).collect()
    }
}

/// The columns of its probing side that a join reads, ascending.
fn probe_columns(cx: &PhysicalCx<'_>, join: NodeId) -> Vec<u32> {
    let node = cx.plan.node(join);
    let Operator::HashJoin { kind, left_keys, right_keys, build, .. } = &node.operator else {
        unreachable!("only joins have a probing side");
    };
    let shape = join_shape(*kind, *build);
    let left_width = cx.plan.node(node.inputs[0]).schema.len() as u32;
    let right_width = cx.plan.node(node.inputs[1]).schema.len() as u32;
    let keys = if shape.probe == 0 { left_keys } else { right_keys };
    let mut columns: Vec<u32> = if shape.probe == 0 {
        cx.needed(join).range(..left_width).copied().collect()
    } else if matches!(kind, JoinKind::Semi | JoinKind::Anti) {
        Vec::new()
    } else {
        cx.needed(join).range(left_width..left_width + right_width).map(|column| column - left_width).collect()
    };
    columns.extend(keys.iter().flat_map(|key| key.columns()));
    columns.sort_unstable();
    columns.dedup();
    columns
}

/// The tables of a plan.
pub(super) fn tables(cx: &PhysicalCx<'_>, cut: &Cut) -> Vec<Table> {
    let ids = identities(cx);
    cut.tables.iter().map(|purpose| table(cx, *purpose, &ids)).collect()
}

fn table(cx: &PhysicalCx<'_>, purpose: Purpose, ids: &BTreeMap<NodeId, String>) -> Table {
    let id = match purpose {
        Purpose::State(id) => id,
        Purpose::Held(id) => {
            let columns = rows_layout(cx, purpose).types();
            let name = format!("{} (held)", cx.plan.node(id).name);
            let id = format!("rows before {}", ids[&id]);
            return Table { name, id, kind: TableKind::Rows { columns, limit: None } };
        }
    };
    let node = cx.plan.node(id);
    let live = live(cx.plan, id);
    if let Some(kind) = live.and_then(|live| super::live::table(cx, id, live)) {
        return Table { name: node.name.clone(), id: ids[&id].clone(), kind };
    }
    let closes = match live {
        Some(Live::Closes(part)) => Some(part as u32),
        Some(
            Live::Window
            | Live::Join(_)
            | Live::Asof
            | Live::First
            | Live::Top
            | Live::Changes
            | Live::JoinChanges
            | Live::Lookup,
        )
        | None => None,
    };
    let rows = |limit: Option<u64>| TableKind::Rows { columns: rows_layout(cx, purpose).types(), limit };
    let kind = match &node.operator {
        Operator::HashJoin { left_keys, .. } => {
            let layout = join_layout(cx, id);
            let schema = &cx.plan.node(node.inputs[layout.shape.build]).schema;
            TableKind::Join {
                keys: left_keys.iter().map(|key| key.ty.value_type().clone()).collect(),
                payload: layout.payload.iter().map(|column| schema.fields[*column as usize].ty.clone()).collect(),
                track_matches: layout.shape.build_rows.is_some(),
            }
        }
        Operator::Aggregate { keys, calls } => {
            TableKind::Aggregate { keys: keys.iter().map(|key| key.ty.clone()).collect(), calls: specs(calls), closes }
        }
        Operator::Dedup { keys } => match dedup_layout(cx, id) {
            None => rows(Some(1)),
            Some(layout) => TableKind::Aggregate {
                keys: keys.iter().map(|key| key.ty.clone()).collect(),
                calls: layout
                    .payload
                    .iter()
                    .map(|column| first_row_call(&node.schema.fields[*column as usize].ty))
                    .collect(),
                closes,
            },
        },
        Operator::Sort { limit, .. } => {
            let layout = rows_layout(cx, purpose);
            let closes = closes.map(|part| layout.partition_by[part as usize]);
            let (columns, by, partition_by) = (layout.types(), layout.by, layout.partition_by);
            TableKind::Sort { columns, by, limit: *limit, partition_by, closes }
        }
        Operator::Limit { rows: limit } => rows(Some(*limit)),
        Operator::Source { .. }
        | Operator::Filter { .. }
        | Operator::Project { .. }
        | Operator::FlatMap { .. }
        | Operator::Union
        | Operator::WindowAggregate { .. }
        | Operator::IntervalJoin { .. }
        | Operator::AsofJoin { .. }
        | Operator::OnTime { .. }
        | Operator::Contenders { .. }
        | Operator::Sink { .. } => unreachable!("`{}` keeps nothing", node.operator.name()),
    };
    Table { name: node.name.clone(), id: ids[&id].clone(), kind }
}

/// The accumulator that keeps a column of the first row. `first` skips `None`; the value where a constant is least does
/// not.
pub(super) fn first_row_call(ty: &Type) -> AggregateSpec {
    if ty.is_option() {
        AggregateSpec { function: AggregateFunction::ArgMin, args: vec![Type::Int64, ty.clone()], ty: ty.clone() }
    } else {
        AggregateSpec { function: AggregateFunction::First, args: vec![ty.clone()], ty: ty.clone() }
    }
}
