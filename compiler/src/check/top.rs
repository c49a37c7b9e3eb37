//! Operators that keep some of their input's rows: `dedup`, `distinct`, `top_n`, `order_by`, `limit`; the first three also
//! inside windows.

use super::operators::{Planner, Stream};
use super::row::row_value;
use sabot_ir::expr::{Expr, ExprKind};
use sabot_ir::job_graph::{StreamOperatorNode, Value as Parameter};
use sabot_ir::plan::{NodeId, Operator, Properties, SortKey};
use sabot_ir::ty::Schema;

impl Planner<'_, '_> {
    pub(super) fn dedup(&mut self, op: &StreamOperatorNode, input: &Stream) -> Stream {
        let keys = match op.get("key_by") {
            Some(key) => self.key(key, op, "key_by", input, "`dedup`").map(|key| key.exprs),
            None => Some(row_value(self.cx, &input.row, 0).into_leaves()),
        };
        let unknown = Stream { node: None, row: input.row.clone() };
        let (Some(mut keys), Some(node)) = (keys, input.node) else { return unknown };
        let Some(window) = self.window_around(op) else { return unknown };
        let Some(kind) = window else {
            if self.refuse_changes(op, std::slice::from_ref(input)) {
                return unknown;
            }
            self.with_known_end(node, &mut keys);
            return self.same_rows(op, input, node, Operator::Dedup { keys });
        };
        let Some(node) = self.with_window_end(op, "late", input, kind) else { return unknown };
        keys.extend(self.last_column(node));
        let kept = self.same_rows(op, input, node, Operator::Dedup { keys });
        kept.node.map_or(unknown, |node| self.without_window_end(op, node, input))
    }

    pub(super) fn top_n(&mut self, op: &StreamOperatorNode, input: &Stream) -> Stream {
        let partition_by = match op.get("key_by") {
            Some(key) => self.key(key, op, "key_by", input, "`key_by`").map(|key| key.exprs),
            None => Some(Vec::new()),
        };
        let by = op.get("by").and_then(|by| self.key(by, op, "by", input, "`top_n`"));
        let rows = self.row_count(op);
        let unknown = Stream { node: None, row: input.row.clone() };
        let (Some(mut partition_by), Some(by), Some(limit), Some(node)) = (partition_by, by, rows, input.node) else {
            return unknown;
        };
        let by = by.exprs.into_iter().map(|expr| SortKey { expr, descending: true }).collect();
        let Some(window) = self.window_around(op) else { return unknown };
        let Some(kind) = window else { return self.top(op, input, node, (by, limit, partition_by)) };
        let Some(node) = self.with_window_end(op, "late", input, kind) else { return unknown };
        partition_by.extend(self.last_column(node));
        let kept = self.same_rows(op, input, node, Operator::Sort { by, limit: Some(limit), partition_by });
        kept.node.map_or(unknown, |node| self.without_window_end(op, node, input))
    }

    /// The first rows of each key. Over rows that never end they change, unless the key holds the end of their window.
    fn top(
        &mut self,
        op: &StreamOperatorNode,
        input: &Stream,
        node: NodeId,
        (by, limit, partition_by): (Vec<SortKey>, u64, Vec<Expr>),
    ) -> Stream {
        let of_input = self.plan.node(node).properties.clone();
        let mut partition_by = partition_by;
        self.with_known_end(node, &mut partition_by);
        let is_end = |key: &Expr| of_input.window_end.is_some_and(|end| key.kind == ExprKind::Column(end));
        let is_complete = of_input.bounded || partition_by.iter().any(is_end);
        let mut operator = Operator::Sort { by, limit: Some(limit), partition_by };
        if is_complete {
            if self.with_emission(op, Properties { updating: false, ..of_input }).is_none() {
                return Stream { node: None, row: input.row.clone() };
            }
            return self.same_rows(op, input, node, operator);
        }
        operator.exprs_mut().into_iter().for_each(super::region::finish);
        let mut fields = self.plan.node(node).schema.fields.clone();
        if !of_input.has_change() {
            fields.push(super::change::field());
        }
        let properties = Properties { updating: true, event_time: None, window_end: None, ..of_input };
        let Some(properties) = self.with_emission(op, properties) else {
            return Stream { node: None, row: input.row.clone() };
        };
        let node = self.add(op, op.name.clone(), operator, vec![node], Schema::new(fields), properties);
        Stream { node: Some(node), row: input.row.clone() }
    }

    pub(super) fn order_by(&mut self, op: &StreamOperatorNode, input: &Stream) -> Stream {
        let descending = matches!(op.get("descending"), Some(Parameter::Bool(true)));
        let by = op.get("by").and_then(|by| self.key(by, op, "by", input, "`order_by`"));
        let (Some(by), Some(node)) = (by, input.node) else {
            return Stream { node: None, row: input.row.clone() };
        };
        if !self.must_end(op, node) {
            return Stream { node: None, row: input.row.clone() };
        }
        let by = by.exprs.into_iter().map(|expr| SortKey { expr, descending }).collect();
        self.same_rows(op, input, node, Operator::Sort { by, limit: None, partition_by: Vec::new() })
    }

    pub(super) fn limit(&mut self, op: &StreamOperatorNode, input: &Stream) -> Stream {
        match (self.row_count(op), input.node) {
            (Some(rows), Some(node)) if !self.refuse_changes(op, std::slice::from_ref(input)) => {
                self.same_rows(op, input, node, Operator::Limit { rows })
            }
            _ => Stream { node: None, row: input.row.clone() },
        }
    }

    /// The last column of a node.
    pub(super) fn last_column(&self, node: NodeId) -> Option<Expr> {
        let fields = &self.plan.node(node).schema.fields;
        let field = fields.last()?;
        Some(Expr::column(u32::try_from(fields.len() - 1).ok()?, field.ty.clone()))
    }
}
