//! Windows around operators that are not aggregates: the end of its window stands beside each row, and is a part of the key.
//!
//! So a join, `top_n` or `dedup` inside windows is the same operator over one column more; what it keeps of a window is
//! complete when event time has passed the window's end. Where windows overlap, a row stands there once for each.

use super::operators::{Planner, Stream};
use super::time::TIME;
use super::value::{self, default_of};
use crate::diagnostics::streams as say;
use sabot_ir::body::{Body, LabelId, Place, Statement, Variable, VariableId};
use sabot_ir::expr::{BinaryOp, Expr, ExprKind, Function, Literal};
use sabot_ir::job_graph::{OperatorType, StreamOperatorNode, Value as Parameter};
use sabot_ir::list::ListFunction;
use sabot_ir::plan::{NodeId, Operator, Properties, SinkId, WindowKind};
use sabot_ir::span::Span;
use sabot_ir::ty::{Field, Schema, Type};

/// Name of the column with the end of a row's window.
const END: &str = "$window_end";

impl Planner<'_, '_> {
    /// The window around an operator, if it has one; nothing after a mistake.
    pub(super) fn window_around(&mut self, op: &StreamOperatorNode) -> Option<Option<WindowKind>> {
        let Some(Parameter::String(word)) = op.get("window") else {
            for name in ["late", "late_right"] {
                let Some(parameter) = op.parameters.get(name) else { continue };
                let span = if parameter.span.is_none() { op.span } else { parameter.span };
                self.cx.say(say::late_without_window(name, op.operator_type.name(), span));
                return None;
            }
            return Some(None);
        };
        let operator_type = match word.as_str() {
            "sliding" => OperatorType::SlidingWindow,
            "cumulate" => OperatorType::CumulateWindow,
            _ => OperatorType::TumblingWindow,
        };
        self.window_kind(op, operator_type).map(Some)
    }

    /// The rows of a stream with the end of their window as last column, once for each window that they are in. Those that come
    /// too late for all of them are gone; `late` is the parameter that says where.
    pub(super) fn with_window_end(
        &mut self,
        op: &StreamOperatorNode,
        late: &str,
        input: &Stream,
        kind: WindowKind,
    ) -> Option<NodeId> {
        if self.refuse_changes(op, std::slice::from_ref(input)) {
            return None;
        }
        let time = self.needed_time(op, "a window", input)?;
        let node = input.node?;
        let late = self.late_sink(op, late, input)?;
        // The ends of the windows of a row, in microseconds: the first, the last, and how far apart they are.
        let (first, last, step_us) = match kind {
            WindowKind::Tumbling { size_us, offset_us } => {
                let end = next_multiple(&time, offset_us, size_us);
                (end.clone(), end, None)
            }
            WindowKind::Sliding { size_us, slide_us, offset_us } => {
                let first = next_multiple(&time, offset_us + size_us, slide_us);
                let last = plus(next_multiple(&time, offset_us, slide_us), size_us - slide_us);
                (first, last, Some(slide_us))
            }
            WindowKind::Cumulate { step_us, max_us, offset_us } => {
                (next_multiple(&time, offset_us, step_us), next_multiple(&time, offset_us, max_us), Some(step_us))
            }
            WindowKind::Session { .. } | WindowKind::Count { .. } => return None, // the parameters have no such word
        };
        let on_time = self.on_time(op, node, last.clone(), late)?;
        let Some(step_us) = step_us else { return Some(on_time) };
        let (columns, mut fields, properties) = self.all_columns(node);
        let end = u32::try_from(columns.len()).ok()?;
        fields.push(Field::new(END, TIME));
        let ends = ends_of(first, last, step_us, op.span);
        let name = format!("{}.windows", op.name);
        let properties = Properties { window_end: Some(end), ..properties };
        let copies = self.copies(op, name, on_time, columns, fields, ends, properties);
        Some(self.only_on_time(op, "open", copies, None, true))
    }

    /// The rows of a node with the end of their last window, but for those that come too late for it.
    fn on_time(&mut self, op: &StreamOperatorNode, node: NodeId, end: Expr, late: Option<SinkId>) -> Option<NodeId> {
        let (mut columns, mut fields, properties) = self.all_columns(node);
        let properties = Properties { window_end: Some(u32::try_from(columns.len()).ok()?), ..properties };
        columns.push(finished(as_time(end)));
        fields.push(Field::new(END, TIME));
        let (name, operator) = (format!("{}.window", op.name), Operator::Project { columns });
        let with_end = self.add(op, name, operator, vec![node], Schema::new(fields), properties);
        Some(self.only_on_time(op, "on_time", with_end, late, false))
    }

    /// The rows of a node whose last column, an end of a window, event time had not passed before them.
    fn only_on_time(
        &mut self,
        op: &StreamOperatorNode,
        name: &str,
        node: NodeId,
        late: Option<SinkId>,
        of_copies: bool,
    ) -> NodeId {
        let (columns, fields, properties) = self.all_columns(node);
        let end = columns.last().cloned().unwrap_or_else(|| Expr::bool(true));
        let operator = Operator::OnTime { end, late, of_copies };
        self.add(op, format!("{}.{name}", op.name), operator, vec![node], Schema::new(fields), properties)
    }

    /// Both sides of a join in time without the rows that are behind the watermark: what such a row could have met may be gone
    /// or not, which would depend on batches. Rows of windows are never late.
    pub(super) fn sides_on_time(
        &mut self,
        op: &StreamOperatorNode,
        sides: [&Stream; 2],
        times: [&Expr; 2],
    ) -> Option<[NodeId; 2]> {
        let late = [self.late_sink(op, "late", sides[0]), self.late_sink(op, "late_right", sides[1])];
        let mut on_time = |side: usize| {
            let (node, late) = (sides[side].node?, late[side]?);
            let (_, fields, properties) = self.all_columns(node);
            if properties.window_end.is_some() {
                return Some(node);
            }
            // The watermark is behind a row as long as it is at most its time.
            let next = ExprKind::Call(Function::SaturatingAdd, vec![micros(times[side]), int(1)]);
            let end = finished(as_time(Expr::new(next, Type::Int64, Span::NONE)));
            let operator = Operator::OnTime { end, late, of_copies: false };
            Some(self.add(op, format!("{}.on_time", op.name), operator, vec![node], Schema::new(fields), properties))
        };
        Some([on_time(0)?, on_time(1)?])
    }

    /// Each row once for every item of a list, which becomes its last column.
    #[expect(clippy::too_many_arguments, reason = "the parts of one node")]
    fn copies(
        &mut self,
        op: &StreamOperatorNode,
        name: String,
        node: NodeId,
        columns: Vec<Expr>,
        fields: Vec<Field>,
        ends: Expr,
        properties: Properties,
    ) -> NodeId {
        let count = Expr::new(ExprKind::Call(list(ListFunction::Len), vec![ends.clone()]), Type::UInt64, op.span);
        let mut lists = Vec::new();
        let mut items = Vec::new();
        let mut back = Vec::new();
        let mut copied = |value: Expr, field: &Field, items: &mut Vec<Field>| {
            let item = value.ty.clone();
            let kind = ExprKind::Call(list(ListFunction::Repeat), vec![value, count.clone()]);
            lists.push(Expr::new(kind, Type::List(Box::new(item.clone())), op.span));
            let column = Expr::column(u32::try_from(items.len()).unwrap_or(u32::MAX), item.clone());
            items.push(Field { ty: item, ..field.clone() });
            column
        };
        for (column, field) in columns.into_iter().zip(&fields) {
            if !column.ty.is_option() {
                back.push(copied(column, field, &mut items));
                continue;
            }
            // A list holds no `Option`s: whether it is there, and what it is.
            let inner = column.ty.value_type().clone();
            let present = copied(value::is_some(column.clone(), op.span), field, &mut items);
            let held = copied(value::unwrap_or(column, default_of(&inner), op.span), field, &mut items);
            let some = Expr::new(ExprKind::Some(Box::new(held)), field.ty.clone(), Span::NONE);
            let none = Expr::new(ExprKind::None, field.ty.clone(), Span::NONE);
            back.push(value::if_(&[], present, some, none, Span::NONE));
        }
        let width = items.len();
        back.push(Expr::column(u32::try_from(width).unwrap_or(u32::MAX), TIME));
        lists.push(ends);
        lists.iter_mut().for_each(super::region::finish);
        items.push(Field::new(END, TIME));
        let is_plain = width + 1 == fields.len();
        let operator = Operator::FlatMap { columns: lists };
        let of_items = if is_plain {
            properties.clone()
        } else {
            Properties { bounded: properties.bounded, ..Properties::default() }
        };
        let copied = self.add(op, name.clone(), operator, vec![node], Schema::new(items), of_items);
        if is_plain {
            return copied;
        }
        let operator = Operator::Project { columns: back };
        self.add(op, format!("{name}.map"), operator, vec![copied], Schema::new(fields), properties)
    }

    /// The rows of a node without the end of their window: they come when it ends, and do not say when that was.
    pub(super) fn without_window_end(&mut self, op: &StreamOperatorNode, node: NodeId, row: &Stream) -> Stream {
        let (mut columns, mut fields, properties) = self.all_columns(node);
        columns.pop();
        fields.pop();
        let properties = Properties { event_time: None, window_end: None, ..properties };
        let operator = Operator::Project { columns };
        let node = self.add(op, format!("{}.map", op.name), operator, vec![node], Schema::new(fields), properties);
        Stream { node: Some(node), row: row.row.clone() }
    }
}

fn finished(mut expr: Expr) -> Expr {
    super::region::finish(&mut expr);
    expr
}

fn list(function: ListFunction) -> Function {
    Function::List(function)
}

fn int(value: i64) -> Expr {
    Expr::new(ExprKind::Literal(Literal::Int(value.into())), Type::Int64, Span::NONE)
}

fn binary(op: BinaryOp, a: Expr, b: Expr) -> Expr {
    let ty = if op == BinaryOp::Gt { Type::Bool } else { Type::Int64 };
    Expr::new(ExprKind::Binary(op, Box::new(a), Box::new(b)), ty, Span::NONE)
}

fn plus(a: Expr, us: i64) -> Expr {
    binary(BinaryOp::Add, a, int(us))
}

/// A time as a number of microseconds.
fn micros(time: &Expr) -> Expr {
    Expr::new(ExprKind::Cast(Box::new(time.clone())), Type::Int64, Span::NONE)
}

/// A number of microseconds as a time.
fn as_time(micros: Expr) -> Expr {
    Expr::new(ExprKind::Cast(Box::new(micros)), TIME, Span::NONE)
}

/// The first of `offset + n * step` behind a time, in microseconds.
fn next_multiple(time: &Expr, offset_us: i64, step_us: i64) -> Expr {
    let offset_us = offset_us.rem_euclid(step_us);
    let since = if offset_us == 0 { micros(time) } else { binary(BinaryOp::Sub, micros(time), int(offset_us)) };
    let rest = Expr::new(ExprKind::Call(Function::RemEuclid, vec![since, int(step_us)]), Type::Int64, Span::NONE);
    plus(binary(BinaryOp::Sub, micros(time), rest), step_us)
}

/// The end of the tumbling window that a time is in.
pub(crate) fn tumbling_end(time: &Expr, size_us: i64, offset_us: i64) -> Expr {
    finished(as_time(next_multiple(time, offset_us, size_us)))
}

/// The times from `first` to `last`, each `step_us` after the one before.
fn ends_of(first: Expr, last: Expr, step_us: i64, span: Span) -> Expr {
    let times = Type::List(Box::new(TIME));
    let (end, stop, ends) = (VariableId(0), VariableId(1), VariableId(2));
    let read = |id: VariableId, ty: &Type| Expr::new(ExprKind::Variable(id), ty.clone(), Span::NONE);
    let now = || read(end, &Type::Int64);
    let label = LabelId(0);
    let push = ExprKind::Call(list(ListFunction::Push), vec![read(ends, &times), as_time(now())]);
    let variable = |name: &str, ty: &Type| Variable { name: name.to_owned(), ty: ty.clone(), span: Span::NONE };
    let body = Body {
        variables: vec![variable("end", &Type::Int64), variable("last", &Type::Int64), variable("ends", &times)],
        block: vec![Statement::Loop {
            label,
            body: vec![
                Statement::If {
                    condition: binary(BinaryOp::Gt, now(), read(stop, &Type::Int64)),
                    then: vec![Statement::Break(label)],
                    otherwise: Vec::new(),
                },
                Statement::Assign(ends, Expr::new(push, times.clone(), Span::NONE)),
                Statement::Assign(end, plus(now(), step_us)),
            ],
            place: Place(span),
        }],
        result: read(ends, &times),
    };
    Expr::new(ExprKind::Compute(Box::new(body), vec![first, last]), times, span)
}
