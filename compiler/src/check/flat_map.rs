//! `.flat_map(|row| Vec<U>)`: the list that the closure gives, as one list per scalar of `U`, and the rows made of their
//! items.

use super::Cx;
use super::operators::{Planner, Stream};
use super::passed_on::passes_on;
use super::types::Ty;
use super::value::{self, Value};
use crate::diagnostics::operators as say;
use sabot_ir::ast;
use sabot_ir::expr::{Expr, ExprKind};
use sabot_ir::job_graph::StreamOperatorNode;
use sabot_ir::plan::{Operator, Properties};
use sabot_ir::span::Span;
use sabot_ir::ty::{Field, Schema, Type};

impl Planner<'_, '_> {
    /// The operator `FLAT_MAP`, whose closure is known.
    pub(super) fn flat_map(&mut self, op: &StreamOperatorNode, closure: &ast::Closure, input: &Stream) -> Stream {
        let Some(typed) = self.infer(closure, std::slice::from_ref(&input.row), None, "`flat_map`") else {
            return Stream::unknown();
        };
        let Ty::List(row) = &typed.body.ty else {
            if !typed.body.ty.is_error() {
                let found = self.cx.show(&typed.body.ty);
                self.cx.say(say::flat_map_needs_list(&found, closure.body.span));
            }
            return Stream::unknown();
        };
        let row = (**row).clone();
        if !self.is_row(&row, closure.body.span) {
            return Stream::unknown();
        }
        if self.refuse_changes(op, std::slice::from_ref(input)) {
            return Stream { node: None, row };
        }
        let lists = self.lower_row(&typed, input, op.span);
        let (Some(lists), Some(node)) = (lists, input.node) else { return Stream { node: None, row } };
        let mut columns = lists.into_leaves();
        for column in &mut columns {
            super::region::finish(column);
        }
        let rows = self.fields_of(&row);
        let is_plain = rows.len() == columns.len() && rows.iter().all(|field| !field.ty.is_option());
        let fields = if is_plain {
            rows
        } else {
            let item = |column: &Expr| column.ty.item_type().cloned().unwrap_or(Type::Unit);
            columns.iter().enumerate().map(|(at, column)| Field::new(format!("item_{at}"), item(column))).collect()
        };
        // Items happened when their row did, if they say so.
        let passed_on = |from: u32| {
            let at = columns.iter().position(|list| passes_on(list, from));
            at.and_then(|at| u32::try_from(at).ok())
        };
        let of_input = &self.plan.node(node).properties;
        let properties = Properties {
            bounded: of_input.bounded,
            updating: of_input.updating,
            keyed_by: Vec::new(),
            event_time: of_input.event_time.and_then(passed_on),
            window_end: of_input.window_end.and_then(passed_on),
            emit_every_us: None,
        };
        let operator = Operator::FlatMap { columns };
        let node = self.add(op, op.name.clone(), operator, vec![node], Schema::new(fields), properties);
        if is_plain {
            return Stream { node: Some(node), row };
        }
        let value = item_of(self.cx, &row, &mut 0);
        self.project(op, format!("{}.map", op.name), Some(node), row, Some(value))
    }
}

/// A value of this type whose scalars are columns: of an `Option` first whether it is there.
fn item_of(cx: &Cx<'_>, ty: &Ty, position: &mut u32) -> Value {
    let mut column = |ty: Type| {
        *position += 1;
        Expr::column(*position - 1, ty)
    };
    match ty {
        Ty::Option(inner) => {
            let present = column(Type::Bool);
            match item_of(cx, inner, position) {
                Value::Scalar(held) if ty.column_type().is_some() => {
                    let ty = held.ty.clone().optional();
                    let some = Expr::new(ExprKind::Some(Box::new(held)), ty.clone(), Span::NONE);
                    let none = Expr::new(ExprKind::None, ty, Span::NONE);
                    Value::Scalar(value::if_(&[], present, some, none, Span::NONE))
                }
                held @ (Value::Scalar(_) | Value::Parts(_) | Value::Option(..)) => {
                    Value::Option(present, Box::new(held))
                }
            }
        }
        Ty::Tuple(parts) if !parts.is_empty() => {
            Value::Parts(parts.iter().map(|part| item_of(cx, part, position)).collect())
        }
        Ty::Record(id) => {
            let fields = cx.record(*id).fields.clone();
            Value::Parts(fields.iter().map(|field| item_of(cx, &field.ty, position)).collect())
        }
        Ty::Error
        | Ty::Never
        | Ty::Scalar(_)
        | Ty::Usize
        | Ty::Isize
        | Ty::Tuple(_)
        | Ty::Result(..)
        | Ty::Failure
        | Ty::List(_)
        | Ty::Generic(_)
        | Ty::Ordering
        | Ty::Of(..)
        | Ty::Group
        | Ty::Var(_) => Value::of_type(cx, ty, &mut column),
    }
}
