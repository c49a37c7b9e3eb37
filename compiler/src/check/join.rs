//! Joins: keys of both sides, and what is made of a pair.
//!
//! After an outer join a side that may be missing is an `Option` of its record. Its columns are optional in the plan, and
//! a `bool` column says whether the side is there; [`Presence`] lets lowering see that a column which was not optional
//! before is null exactly when the side is missing.

use super::operators::{Planner, Stream};
use super::row::{Key, fields_of, strings};
use super::types::{FieldTy, RecordTy, Ty};
use super::value::{Presence, Value, default_of, unwrap_or};
use super::{Cx, unique_name};
use crate::diagnostics::operators as say;
use crate::diagnostics::unsupported;
use sabot_ir::expr::{Expr, ExprKind};
use sabot_ir::job_graph::{StreamOperatorNode, Value as Parameter};
use sabot_ir::plan::{JoinKind, NodeId, Operator, Properties, Side};
use sabot_ir::span::Span;
use sabot_ir::ty::{Field, Schema, Type};
use std::collections::BTreeSet;

/// Name of the column that says whether a join's left side is there.
const LEFT: &str = "$left";
/// Name of the column that says whether a join's right side is there.
const RIGHT: &str = "$right";

impl Planner<'_, '_> {
    pub(super) fn hash_join(&mut self, op: &StreamOperatorNode, left: &Stream, right: &Stream) -> Stream {
        if op.get("within_ms").is_some() {
            self.cx.say(unsupported::interval_join(op.span));
            return Stream::unknown();
        }
        for side in ["left_key", "right_key"] {
            let is_there = match op.get(side) {
                Some(Parameter::Closure(_)) => true,
                names => !strings(names).is_empty(),
            };
            if !is_there {
                self.cx.say(say::join_without_keys(&op.name, op.span));
                return Stream::unknown();
            }
        }
        let kind = match op.get("kind") {
            Some(Parameter::String(kind)) => match kind.as_str() {
                "left" => JoinKind::Left,
                "right" => JoinKind::Right,
                "full" => JoinKind::Full,
                "semi" => JoinKind::Semi,
                "anti" => JoinKind::Anti,
                _ => JoinKind::Inner,
            },
            _ => JoinKind::Inner,
        };
        let left_key = op.get("left_key").and_then(|key| self.key(key, op, "left_key", left, "`on`"));
        let right_key = op.get("right_key").and_then(|key| self.key(key, op, "right_key", right, "`on`"));
        let keys = match (left_key, right_key) {
            (Some(left_key), Some(right_key)) => self.same_keys(op, left_key, right_key),
            (None, _) | (_, None) => None,
        };
        let (left_missing, right_missing) =
            (matches!(kind, JoinKind::Right | JoinKind::Full), matches!(kind, JoinKind::Left | JoinKind::Full));
        let joined = self.join_node(op, kind, left, right, keys);
        if matches!(kind, JoinKind::Semi | JoinKind::Anti) {
            if let Some(function) = op.parameters.get("function") {
                let span = if function.span.is_none() { op.span } else { function.span };
                self.cx.say(say::map_after_semi(span));
            }
            return Stream { node: joined, row: left.row.clone() };
        }
        let left_width = u32::try_from(fields_of(self.cx, &left.row).len()).unwrap_or(u32::MAX);
        let right_width = u32::try_from(fields_of(self.cx, &right.row).len()).unwrap_or(u32::MAX);
        let width = left_width.saturating_add(right_width);
        let mut sides = Vec::new();
        let left_value = side_value(self.cx, &left.row, 0, left_missing.then_some(width), &mut sides);
        let right_flag = right_missing.then(|| width + u32::from(left_missing));
        let right_value = side_value(self.cx, &right.row, left_width, right_flag, &mut sides);
        let optional =
            |row: &Ty, missing: bool| if missing && !row.is_error() { row.clone().option() } else { row.clone() };
        let params = [optional(&left.row, left_missing), optional(&right.row, right_missing)];
        let Some(Parameter::Closure(closure)) = op.get("function") else {
            return self.both_sides(op, joined, (left, left_missing), (right, right_missing));
        };
        let Some(typed) = self.infer(closure, &params, None, "`map`") else { return Stream::unknown() };
        let row = typed.body.ty.clone();
        if !self.is_row(&row, closure.body.span) {
            return Stream::unknown();
        }
        let value = self.lower(&typed, vec![left_value, right_value], sides, op.span);
        self.project(op, format!("{}.map", op.name), joined, row, value)
    }

    fn join_node(
        &mut self,
        op: &StreamOperatorNode,
        kind: JoinKind,
        left: &Stream,
        right: &Stream,
        keys: Option<(Vec<Expr>, Vec<Expr>)>,
    ) -> Option<NodeId> {
        let (left, right, (left_keys, right_keys)) = (left.node?, right.node?, keys?);
        let (left_node, right_node) = (self.plan.node(left), self.plan.node(right));
        let optional = |schema: &Schema| -> Vec<Field> {
            schema.fields.iter().map(|field| Field { ty: field.ty.clone().optional(), ..field.clone() }).collect()
        };
        let (left_missing, right_missing) =
            (matches!(kind, JoinKind::Right | JoinKind::Full), matches!(kind, JoinKind::Left | JoinKind::Full));
        let mut fields = if left_missing { optional(&left_node.schema) } else { left_node.schema.fields.clone() };
        if !matches!(kind, JoinKind::Semi | JoinKind::Anti) {
            fields.extend(if right_missing { optional(&right_node.schema) } else { right_node.schema.fields.clone() });
        }
        if left_missing {
            fields.push(Field::new(LEFT, Type::Bool));
        }
        if right_missing {
            fields.push(Field::new(RIGHT, Type::Bool));
        }
        let properties = Properties {
            bounded: left_node.properties.bounded && right_node.properties.bounded,
            updating: left_node.properties.updating || right_node.properties.updating,
            keyed_by: Vec::new(),
            event_time: if left_missing { None } else { left_node.properties.event_time },
            window_end: if left_missing { None } else { left_node.properties.window_end },
        };
        // A stream that goes on cannot be built first.
        let build = match (left_node.properties.bounded, right_node.properties.bounded) {
            (true, false) => Side::Left,
            (true, true) | (false, _) => Side::Right,
        };
        let operator = Operator::HashJoin { kind, left_keys, right_keys, build };
        Some(self.add(op, op.name.clone(), operator, vec![left, right], Schema::new(fields), properties))
    }

    /// The columns of both keys, pairwise of one type.
    fn same_keys(&mut self, op: &StreamOperatorNode, left: Key, right: Key) -> Option<(Vec<Expr>, Vec<Expr>)> {
        let span = |name: &str| match op.get(name) {
            Some(Parameter::Closure(closure)) => closure.body.span,
            _ => op.parameters.get(name).map_or(op.span, |parameter| parameter.span),
        };
        let by_name = |name: &str| !matches!(op.get(name), Some(Parameter::Closure(_)));
        let (mut left, mut right) = (left, right);
        if left.ty != right.ty {
            let names = by_name("left_key") || by_name("right_key");
            // Columns by name cannot be wrapped by their author.
            if !(names && same_but_options(&left.ty, &right.ty)) {
                let (left_ty, right_ty) = (self.cx.show(&left.ty), self.cx.show(&right.ty));
                let side = match (&left.ty, &right.ty) {
                    (Ty::Option(inner), other) if **inner == *other => Some("right"),
                    (other, Ty::Option(inner)) if **inner == *other => Some("left"),
                    _ => None,
                };
                let wider =
                    match (super::types::is_lossless(&left.ty, &right.ty), left.ty.is_number() && right.ty.is_number())
                    {
                        (true, true) => Some(right_ty.as_str()),
                        (false, true) => Some(left_ty.as_str()),
                        (_, false) => None,
                    };
                let diagnostic =
                    say::join_keys_differ((&left_ty, span("left_key")), (&right_ty, span("right_key")), side, wider);
                self.cx.say(diagnostic);
                return None;
            }
            for (a, b) in left.exprs.iter_mut().zip(&mut right.exprs) {
                match (a.ty.is_option(), b.ty.is_option()) {
                    (true, false) => some(b),
                    (false, true) => some(a),
                    (true, true) | (false, false) => {}
                }
            }
        }
        if self.cx.errors > 0 {
            return None;
        }
        for key in left.exprs.iter_mut().chain(&mut right.exprs) {
            super::region::finish(key);
        }
        Some((left.exprs, right.exprs))
    }

    /// A join without a closure: all columns of both sides; those of a side that may be missing are optional.
    fn both_sides(
        &mut self,
        op: &StreamOperatorNode,
        joined: Option<NodeId>,
        left: (&Stream, bool),
        right: (&Stream, bool),
    ) -> Stream {
        if left.0.row.is_error() || right.0.row.is_error() {
            return Stream::unknown();
        }
        let mut fields: Vec<FieldTy> = Vec::new();
        let mut names: Vec<String> = Vec::new();
        let mut wire_names: Vec<String> = Vec::new();
        for (position, (stream, missing)) in [left, right].into_iter().enumerate() {
            for field in fields_of(self.cx, &stream.row) {
                let pick = |name: &str, taken: &[String]| {
                    if position == 1 && taken.iter().any(|other| other == name) {
                        unique_name(&format!("{name}_right"), taken)
                    } else {
                        name.to_owned()
                    }
                };
                let name = pick(&field.name, &names);
                // Columns of records in a record become columns of their own here.
                let written = if field.within.is_empty() { &field.wire_name } else { &field.name };
                let wire_name = pick(written, &wire_names);
                names.push(name.clone());
                wire_names.push(wire_name.clone());
                let ty = if missing { field.ty.optional() } else { field.ty };
                fields.push(FieldTy { name, wire_name, ty: Ty::of_column(&ty), span: field.span });
            }
        }
        let columns: Vec<Value> = (0_u32..)
            .zip(&fields)
            .filter_map(|(position, field)| Some(Value::Scalar(Expr::column(position, field.ty.column_type()?))))
            .collect();
        let has_flags = left.1 || right.1;
        let renamed = names.iter().any(|name| name.contains("_right"));
        let record = RecordTy { name: op.name.clone(), fields, span: Span::NONE };
        let row = Ty::Record(self.cx.add_record(record));
        if has_flags || renamed {
            return self.project(op, format!("{}.map", op.name), joined, row, Some(Value::Parts(columns)));
        }
        Stream { node: joined, row }
    }
}

/// `Some(key)`.
fn some(key: &mut Expr) {
    let inner = std::mem::replace(key, Expr::bool(true));
    let (ty, span) = (inner.ty.clone().optional(), inner.span);
    *key = Expr::new(ExprKind::Some(Box::new(inner)), ty, span);
}

fn same_but_options(a: &Ty, b: &Ty) -> bool {
    match (a, b) {
        (Ty::Option(a), Ty::Option(b)) => a == b,
        (Ty::Option(a), b) => **a == *b,
        (a, Ty::Option(b)) => *a == **b,
        (Ty::Tuple(a), Ty::Tuple(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same_but_options(a, b)),
        (
            Ty::Error
            | Ty::Never
            | Ty::Scalar(_)
            | Ty::Usize
            | Ty::Isize
            | Ty::Tuple(_)
            | Ty::Record(_)
            | Ty::Result(_)
            | Ty::Group
            | Ty::List(_)
            | Ty::Generic(_)
            | Ty::Ordering
            | Ty::Var(_),
            _,
        ) => a == b,
    }
}

/// One side's row after the join; `flag` is the column that says whether it is there, if it may be missing.
fn side_value(cx: &Cx<'_>, row: &Ty, first: u32, flag: Option<u32>, sides: &mut Vec<Presence>) -> Value {
    let Some(flag) = flag else { return super::row::row_value(cx, row, first) };
    let mut position = first;
    let (mut exact, mut all) = (BTreeSet::new(), BTreeSet::new());
    let value = Value::of_type(cx, row, &mut |ty| {
        let at = position;
        position += 1;
        all.insert(at);
        if ty.is_option() {
            return Expr::column(at, ty);
        }
        exact.insert(at);
        unwrap_or(Expr::column(at, ty.clone().optional()), default_of(&ty), Span::NONE)
    });
    sides.push(Presence { column: flag, exact, all });
    match row.clone().option().column_type() {
        // A side whose rows are scalars: its one column is the `Option`.
        Some(ty) => Value::Scalar(Expr::column(first, ty)),
        None => Value::Option(Expr::column(flag, Type::Bool), Box::new(value)),
    }
}
