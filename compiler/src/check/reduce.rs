//! `[.key_by(k)][.window(w)].reduce(|a, b| ..)`: an aggregate whose state is a row, or that there was none yet.

use super::group::GroupCode;
use super::hir::HirClosure;
use super::lower::Lower;
use super::operators::{Planner, Stream};
use super::region;
use super::row::{Key, columns_from, row_value};
use super::types::Ty;
use super::value::{Value, default_of, if_};
use crate::diagnostics::user_aggregate as say;
use sabot_ir::ast;
use sabot_ir::expr::Expr;
use sabot_ir::job_graph::StreamOperatorNode;
use sabot_ir::plan::{AggregateCall, AggregateFunction, Operator, UserAggregate, UserPart, Window};
use sabot_ir::span::Span;
use sabot_ir::ty::{Field, Type};

impl Planner<'_, '_> {
    /// One row of each group, made of two at a time.
    pub(super) fn reduce(
        &mut self,
        op: &StreamOperatorNode,
        input: &Stream,
        function: &ast::Closure,
        window: Option<Window>,
    ) -> Stream {
        let (key, row) = (self.group_key(op, input), input.row.clone());
        let typed = self.infer(function, &[row.clone(), row.clone()], Some(&row), "`reduce`");
        let (Ok(key), Some(typed), Some(node)) = (key, typed, input.node) else { return Stream { node: None, row } };
        if self.cx.errors > 0 {
            return Stream { node: None, row };
        }
        let fields = self.fields_of(&row);
        let aggregate = self.reducer(&row, &typed, &fields, op.span);
        let args: Vec<Expr> = row_value(self.cx, &row, 0).into_leaves();
        let mut calls = Vec::new();
        let (exprs, names) = key.map_or_else(Default::default, |Key { exprs, names, .. }| (exprs, names));
        let mut taken: Vec<String> = Vec::new();
        for name in &names {
            taken.push(super::unique_name(name, &taken));
        }
        let keys: Vec<(Expr, String)> = exprs.into_iter().zip(taken.clone()).collect();
        for (part, column) in (0..).zip(&aggregate.state) {
            let name = super::unique_name(&column.name, &taken);
            taken.push(name.clone());
            let part = UserPart { aggregate: u32::MAX, part, kept_by: None };
            let (args, ty) = (args.clone(), column.ty.clone());
            let function = AggregateFunction::User(part);
            calls.push(AggregateCall { function, args, filter: None, name, ty, span: op.span });
        }
        let number = self.cx.add_aggregate(aggregate);
        for call in &mut calls {
            if let AggregateFunction::User(part) = &mut call.function {
                part.aggregate = number;
            }
        }
        let has_times = window.as_ref().is_some_and(|window| window.kind.has_times());
        let is_global = keys.is_empty() && window.is_none();
        let mut first = u32::try_from(keys.len()).unwrap_or(u32::MAX) + if has_times { 2 } else { 0 };
        let present = first + u32::try_from(calls.len().saturating_sub(1)).unwrap_or(u32::MAX);
        let code = GroupCode { keys, calls, value: Value::Scalar(Expr::bool(true)), row: row.clone() };
        if let Err(stream) = self.refuse_what_cannot_remove(node, &code) {
            return stream;
        }
        let mut grouped = self.grouped(op, input, code.keys, code.calls, window);
        if let (true, Some(all)) = (is_global, grouped) {
            // Of no rows there is none.
            let schema = self.plan.node(all).schema.clone();
            let properties = self.plan.node(all).properties.clone();
            let operator = Operator::Filter { predicate: Expr::column(present, Type::Bool) };
            grouped = Some(self.add(op, format!("{}.any", op.name), operator, vec![all], schema, properties));
        }
        let value = columns_from(self.cx, &row, &mut first);
        self.project(op, format!("{}.row", op.name), grouped, row, Some(value))
    }

    /// The state: the columns of a row, and whether there is one.
    fn reducer(&mut self, row: &Ty, function: &HirClosure, fields: &[Field], span: Span) -> UserAggregate {
        let width = u32::try_from(fields.len()).unwrap_or(u32::MAX);
        let present = Expr::column(width, Type::Bool);
        let mut lower = Lower::new(self.cx, Vec::new(), span);
        let mut reduced = |first: u32| {
            let (mut own, mut other) = (0, first);
            let args = vec![columns_from(lower.cx, row, &mut own), columns_from(lower.cx, row, &mut other)];
            let mut columns = lower.closure(function, args).into_leaves();
            columns.iter_mut().for_each(region::finish);
            columns
        };
        let reduced = reduced(width + 1);
        let column = |at: u32, field: &Field| Expr::column(at, field.ty.clone());
        let added = |(column, other): (Expr, Expr)| if_(&[], present.clone(), column, other, span);
        let others = || (width + 1..).zip(fields).map(|(at, field)| column(at, field));
        let mut add: Vec<Expr> = reduced.iter().cloned().zip(others()).map(added).collect();
        add.push(Expr::bool(true));
        let other_present = Expr::column(width * 2 + 1, Type::Bool);
        let own = (0..).zip(fields).map(|(at, field)| column(at, field));
        let merged = |((column, other), own): ((Expr, Expr), Expr)| {
            let both = if_(&[], present.clone(), column, other, span);
            if_(&[], other_present.clone(), both, own, span)
        };
        let mut merge: Vec<Expr> = reduced.into_iter().zip(others()).zip(own).map(merged).collect();
        let either = ast::BinaryOp::Or;
        merge.push(super::value::binary(either, present.clone(), other_present.clone(), Type::Bool, span));
        let mut state = fields.to_vec();
        state.iter_mut().for_each(|field| *field = Field::new(field.name.clone(), field.ty.clone()));
        state.push(Field::new("$any", Type::Bool));
        UserAggregate {
            name: "reduce".to_owned(),
            init: state.iter().map(|field| default_of(&field.ty)).collect(),
            add,
            merge,
            remove: None,
            args: fields.iter().map(|field| field.ty.clone()).collect(),
            state,
        }
    }

    /// Tells of calls that cannot take rows back where rows may be taken back.
    pub(super) fn refuse_what_cannot_remove(
        &mut self,
        input: sabot_ir::plan::NodeId,
        code: &GroupCode,
    ) -> Result<(), Stream> {
        if self.change(input).is_none() {
            return Ok(());
        }
        let Some((aggregate, at)) = super::user_aggregate::without_remove(self.cx, code) else { return Ok(()) };
        let aggregate = aggregate.to_owned();
        let (name, origin) = self.origin_of_changes(input);
        self.cx.say(say::cannot_remove(&aggregate, at, &name, origin));
        Err(Stream { node: None, row: code.row.clone() })
    }
}
