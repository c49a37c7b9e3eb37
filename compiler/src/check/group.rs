//! `[.key_by(k)][.window(w)].aggregate(f)`: the group's closure checked and lowered, the node of the aggregate, and the
//! projection around it.

use super::infer::{Body, GroupTy, GroupWindow};
use super::lower::Lower;
use super::operators::{Planner, Stream};
use super::row::{Key, columns_from, row_value};
use super::time::TIME;
use super::types::Ty;
use super::value::Value;
use super::{aggregate, unique_name};
use sabot_ir::expr::{Expr, ExprKind};
use sabot_ir::job_graph::{StreamOperatorNode, Value as Parameter};
use sabot_ir::plan::{AggregateCall, NodeId, Operator, Properties, Window};
use sabot_ir::ty::{Field, Schema};

/// What a group's closure comes to.
pub(super) struct GroupCode {
    /// The columns of the key, and their names.
    pub(super) keys: Vec<(Expr, String)>,
    /// The calls of the group's functions.
    pub(super) calls: Vec<AggregateCall>,
    /// What is made of them, over the columns of the aggregate.
    pub(super) value: Value,
    /// Its type.
    pub(super) row: Ty,
}

impl Planner<'_, '_> {
    pub(super) fn aggregate(&mut self, op: &StreamOperatorNode, input: &Stream) -> Stream {
        if let Some(Parameter::Closure(function)) = op.get("reduce") {
            return self.reduce(op, input, function, None);
        }
        let Ok(key) = self.group_key(op, input) else { return self.only_look_at_group(op, input, GroupWindow::No) };
        if !matches!(op.get("function"), Some(Parameter::Closure(_))) {
            return self.guide_aggregate(op, input, key, None);
        }
        match self.group_code(op, input, key, GroupWindow::No) {
            Ok(GroupCode { keys, calls, value, row }) => {
                let grouped = self.grouped(op, input, keys, calls, None);
                self.project(op, format!("{}.map", op.name), grouped, row, Some(value))
            }
            Err(stream) => stream,
        }
    }

    /// The key of a group, if it has one.
    pub(super) fn group_key(&mut self, op: &StreamOperatorNode, input: &Stream) -> Result<Option<Key>, ()> {
        match op.get("key_by") {
            Some(key) => self.key(key, op, "key_by", input, "`key_by`").map(Some).ok_or(()),
            None => Ok(None),
        }
    }

    /// The closure of a group, checked and lowered; after a mistake the rows that would come out.
    pub(super) fn group_code(
        &mut self,
        op: &StreamOperatorNode,
        input: &Stream,
        key: Option<Key>,
        window: GroupWindow,
    ) -> Result<GroupCode, Stream> {
        let Some(Parameter::Closure(closure)) = op.get("function") else { return Err(Stream::unknown()) };
        let group = GroupTy { key: key.as_ref().map(|key| key.ty.clone()), row: input.row.clone(), window };
        let mut body = Body::new(self.cx, true);
        body.group = Some(group);
        let Some(mut typed) = body.closure(closure, &[Ty::Group], None, "`aggregate`") else {
            return Err(Stream::unknown());
        };
        let errors = body.cx.errors;
        body.finish(&mut typed);
        let row = typed.body.ty.clone();
        if self.cx.errors > errors || !self.is_row(&row, closure.body.span) {
            return Err(Stream::unknown());
        }
        let Some(node) = input.node.filter(|_| self.cx.errors == 0) else { return Err(Stream { node: None, row }) };
        let (keys, key_ty) = match key {
            Some(Key { exprs, ty, names }) => (exprs.into_iter().zip(names).collect::<Vec<_>>(), Some(ty)),
            None => (Vec::new(), None),
        };
        let mut position = aggregate::GROUP_BASE;
        let key_value = key_ty.map(|ty| columns_from(self.cx, &ty, &mut position));
        let mut taken = Vec::new();
        for (_, name) in &keys {
            taken.push(unique_name(name, &taken));
        }
        let mut width = u32::try_from(keys.len()).unwrap_or(u32::MAX);
        let times = (window == GroupWindow::OfTime).then(|| {
            let first = aggregate::GROUP_BASE + width;
            width += 2;
            (Expr::column(first, TIME), Expr::column(first + 1, TIME))
        });
        let row_time = self.time_of(node);
        let input_value = row_value(self.cx, &input.row, 0);
        let row_names = self.fields_of(&input.row).into_iter().map(|field| field.name).collect();
        let mut lower = Lower::new(self.cx, Vec::new(), op.span);
        lower.group = Some(aggregate::GroupCx {
            key: key_value,
            keys: width,
            times,
            row_time,
            row: input_value,
            row_names,
            taken: taken.clone(),
            calls: Vec::new(),
        });
        let mut value = lower.closure(&typed, vec![Value::Scalar(Expr::bool(true))]);
        let mut calls = lower.group.take().map(|group| group.calls).unwrap_or_default();
        aggregate::keep_what_is_read(&mut calls, width, &mut value);
        let keys = keys.into_iter().map(|(expr, _)| expr).zip(taken).collect();
        let code = GroupCode { keys, calls, value, row };
        self.refuse_what_cannot_remove(node, &code)?;
        Ok(code)
    }

    /// The node of an aggregate: keys with their names, the times of a window, then calls.
    pub(super) fn grouped(
        &mut self,
        op: &StreamOperatorNode,
        input: &Stream,
        keys: Vec<(Expr, String)>,
        calls: Vec<AggregateCall>,
        window: Option<Window>,
    ) -> Option<NodeId> {
        let node = input.node?;
        if self.refuse_order_of_changes(op, node, &calls) {
            return None;
        }
        let of_input = self.plan.node(node).properties.clone();
        let (mut exprs, names): (Vec<Expr>, Vec<String>) = keys.into_iter().unzip();
        self.with_known_end(node, &mut exprs);
        let keys: Vec<(Expr, String)> = exprs.into_iter().zip(names).collect();
        let width = u32::try_from(keys.len()).unwrap_or(u32::MAX);
        let mut fields = Vec::with_capacity(keys.len() + calls.len() + 2);
        for (key, name) in &keys {
            fields.push(Field { span: key.span, ..Field::new(name.clone(), key.ty.clone()) });
        }
        let has_times = window.as_ref().is_some_and(|window| window.kind.has_times());
        if has_times {
            let mut taken: Vec<String> = keys.iter().map(|(_, name)| name.clone()).collect();
            taken.extend(calls.iter().map(|call| call.name.clone()));
            for name in ["window_start", "window_end"] {
                fields.push(Field::new(unique_name(name, &taken), TIME));
            }
        }
        for call in &calls {
            fields.push(Field { span: call.span, ..Field::new(call.name.clone(), call.ty.clone()) });
        }
        let end = match &window {
            // The clock says nothing of event time.
            Some(window) => (has_times && window.time.is_some()).then_some(width + 1),
            None => of_input.window_end.and_then(|end| {
                let position = keys.iter().position(|(key, _)| key.kind == ExprKind::Column(end))?;
                u32::try_from(position).ok()
            }),
        };
        let properties = Properties {
            bounded: of_input.bounded,
            // What is grouped by the end of a window is complete once, as is a window.
            updating: window.is_none() && end.is_none() && !of_input.bounded,
            keyed_by: (0..width).collect(),
            event_time: end,
            window_end: end,
            emit_every_us: None,
        };
        let properties = match window {
            Some(_) => properties,
            None => self.with_emission(op, properties)?,
        };
        if properties.updating {
            fields.push(super::change::field());
        }
        let keys = keys.into_iter().map(|(key, _)| key).collect();
        let operator = match window {
            Some(window) => Operator::WindowAggregate { keys, calls, window },
            None => Operator::Aggregate { keys, calls },
        };
        Some(self.add(op, op.name.clone(), operator, vec![node], Schema::new(fields), properties))
    }

    /// After a mistake in the key: the closure is checked all the same.
    pub(super) fn only_look_at_group(
        &mut self,
        op: &StreamOperatorNode,
        input: &Stream,
        window: GroupWindow,
    ) -> Stream {
        let Some(Parameter::Closure(closure)) = op.get("function") else { return Stream::unknown() };
        let mut body = Body::new(self.cx, true);
        body.group = Some(GroupTy { key: Some(Ty::Error), row: input.row.clone(), window });
        let Some(mut typed) = body.closure(closure, &[Ty::Group], None, "`aggregate`") else {
            return Stream::unknown();
        };
        body.finish(&mut typed);
        Stream { node: None, row: typed.body.ty }
    }
}
