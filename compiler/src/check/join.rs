//! Joins: keys of both sides, and what is made of a pair.
//!
//! After an outer join a side that may be missing is an `Option` of its record. Its columns are optional in the plan, and
//! a `bool` column says whether the side is there; [`Presence`] lets lowering see that a column which was not optional
//! before is null exactly when the side is missing.

use super::operators::{Planner, Stream};
use super::row::{Key, fields_of, strings};
use super::types::{FieldTy, RecordTy, Ty, TypeShape};
use super::value::{Presence, Value, default_of, unwrap_or};
use super::{Cx, unique_name};
use crate::diagnostics::operators as say;
use sabot_ir::expr::{Expr, ExprKind};
use sabot_ir::job_graph::{StreamOperatorNode, Value as Parameter};
use sabot_ir::plan::{JoinKind, NodeId, Operator, Properties, Side, WindowKind};
use sabot_ir::span::Span;
use sabot_ir::ty::{Field, Schema, Type};
use std::collections::BTreeSet;

/// Name of the column that says whether a join's left side is there.
const LEFT: &str = "$left";
/// Name of the column that says whether a join's right side is there.
const RIGHT: &str = "$right";

impl Planner<'_, '_> {
    pub(super) fn hash_join(&mut self, op: &StreamOperatorNode, left: &Stream, right: &Stream) -> Stream {
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
        let inputs = [left.clone(), right.clone()];
        let kind = kind_of(op);
        if !self.can_look_up(op, left, right) || !self.can_ask(op, kind, left, right) {
            return Stream::unknown();
        }
        if self.change_among(&inputs).is_some() {
            let in_time = ["within_ms", "window", "as_of_event_time"].iter().any(|clause| op.get(clause).is_some());
            if in_time && self.refuse_changes(op, &inputs) {
                return Stream::unknown();
            }
            return self.join_changes(op, kind, left, right);
        }
        let keys = self.join_keys(op, left, right);
        if matches!(op.get("as_of_event_time"), Some(Parameter::Bool(true))) {
            return self.temporal_join(op, left, right, keys);
        }
        if op.get("within_ms").is_some() {
            let joined = self.interval_join(op, kind, left, right, keys);
            return self.pairs(op, joined, kind, (left, right), [0; 2]);
        }
        let Some(window) = self.window_around(op) else { return Stream::unknown() };
        let joined = self.join_node(op, kind, left, right, keys, window);
        let is_semi = matches!(kind, JoinKind::Semi | JoinKind::Anti);
        if let (Some(node), true, Some(_)) = (joined, is_semi, window) {
            return self.without_window_end(op, node, left);
        }
        self.pairs(op, joined, kind, (left, right), [u32::from(window.is_some()); 2])
    }

    /// The keys of both sides.
    pub(super) fn join_keys(
        &mut self,
        op: &StreamOperatorNode,
        left: &Stream,
        right: &Stream,
    ) -> Option<(Vec<Expr>, Vec<Expr>)> {
        let left_key = op.get("left_key").and_then(|key| self.key(key, op, "left_key", left, "`on`"));
        let right_key = op.get("right_key").and_then(|key| self.key(key, op, "right_key", right, "`on`"));
        self.same_keys(op, left_key?, right_key?)
    }

    /// What is made of the pairs of a join. The sides have so many `extra` columns behind their own that no closure sees.
    pub(super) fn pairs(
        &mut self,
        op: &StreamOperatorNode,
        joined: Option<NodeId>,
        kind: JoinKind,
        (left, right): (&Stream, &Stream),
        extra: [u32; 2],
    ) -> Stream {
        let (left_missing, right_missing) =
            (matches!(kind, JoinKind::Right | JoinKind::Full), matches!(kind, JoinKind::Left | JoinKind::Full));
        if matches!(kind, JoinKind::Semi | JoinKind::Anti) {
            if let Some(function) = op.parameters.get("function") {
                let span = if function.span.is_none() { op.span } else { function.span };
                self.cx.say(say::map_after_semi(span));
            }
            return Stream { node: joined, row: left.row.clone() };
        }
        let left_width =
            u32::try_from(fields_of(self.cx, &left.row).len()).unwrap_or(u32::MAX).saturating_add(extra[0]);
        let right_width =
            u32::try_from(fields_of(self.cx, &right.row).len()).unwrap_or(u32::MAX).saturating_add(extra[1]);
        let width = left_width.saturating_add(right_width);
        let mut sides = Vec::new();
        let left_value = side_value(self.cx, &left.row, 0, left_missing.then_some(width), &mut sides);
        let right_flag = right_missing.then(|| width + u32::from(left_missing));
        let right_value = side_value(self.cx, &right.row, left_width, right_flag, &mut sides);
        let optional =
            |row: &Ty, missing: bool| if missing && !row.is_error() { row.clone().option() } else { row.clone() };
        let params = [optional(&left.row, left_missing), optional(&right.row, right_missing)];
        let Some(Parameter::Closure(closure)) = op.get("function") else {
            return self.both_sides(op, joined, (left, left_missing), (right, right_missing), extra);
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
        window: Option<WindowKind>,
    ) -> Option<NodeId> {
        let (left, right, in_window) = match window {
            Some(window) => {
                let left = self.with_window_end(op, "late", left, window);
                let right = self.with_window_end(op, "late_right", right, window);
                (left?, right?, true)
            }
            None => (left.node?, right.node?, false),
        };
        let (mut left_keys, mut right_keys) = keys?;
        self.with_known_end(left, &mut left_keys);
        self.with_known_end(right, &mut right_keys);
        if in_window {
            left_keys.extend(self.last_column(left));
            right_keys.extend(self.last_column(right));
        }
        let ends = |node: NodeId, keys: &[Expr]| {
            let end = self.plan.node(node).properties.window_end?;
            keys.iter().position(|key| key.kind == ExprKind::Column(end))
        };
        let of_left = ends(left, &left_keys);
        let closes = of_left.is_some() && of_left == ends(right, &right_keys);
        if !self.can_join(op, kind, (left, right), closes) {
            return None;
        }
        let (schema, mut properties) = self.joined_edge(kind, left, right);
        let (of_left, of_right) = (&self.plan.node(left).properties, &self.plan.node(right).properties);
        // A stream that goes on cannot be built first.
        let build = if of_left.bounded && !of_right.bounded { Side::Left } else { Side::Right };
        if closes {
            // Pairs come when their window ends.
            properties.event_time = properties.window_end;
        } else if !of_left.bounded && !of_right.bounded {
            // Pairs of rows of any age.
            properties.event_time = None;
            properties.window_end = None;
        }
        let lookup = self.is_asked(op, right);
        if lookup && !self.can_ask_by(op, &right_keys) {
            return None;
        }
        let operator = Operator::HashJoin { kind, left_keys, right_keys, build, lookup };
        Some(self.add(op, op.name.clone(), operator, vec![left, right], schema, properties))
    }

    /// The columns that a join gives, and what is known of them: time is the left row's, or that of the side that goes on.
    pub(super) fn joined_edge(&self, kind: JoinKind, left: NodeId, right: NodeId) -> (Schema, Properties) {
        let (left, right) = (self.plan.node(left), self.plan.node(right));
        let optional = |schema: &Schema| -> Vec<Field> {
            schema.fields.iter().map(|field| Field { ty: field.ty.clone().optional(), ..field.clone() }).collect()
        };
        let (left_missing, right_missing) =
            (matches!(kind, JoinKind::Right | JoinKind::Full), matches!(kind, JoinKind::Left | JoinKind::Full));
        let is_semi = matches!(kind, JoinKind::Semi | JoinKind::Anti);
        let mut fields = if left_missing { optional(&left.schema) } else { left.schema.fields.clone() };
        if !is_semi {
            fields.extend(if right_missing { optional(&right.schema) } else { right.schema.fields.clone() });
        }
        if left_missing {
            fields.push(Field::new(LEFT, Type::Bool));
        }
        if right_missing {
            fields.push(Field::new(RIGHT, Type::Bool));
        }
        let of_right = left.properties.bounded && !right.properties.bounded;
        let width = u32::try_from(left.schema.len()).unwrap_or(u32::MAX);
        let shifted = |column: u32| column + width;
        let (event_time, window_end) = match (of_right, left_missing, right_missing || is_semi) {
            (false, false, _) => (left.properties.event_time, left.properties.window_end),
            (true, _, false) => (right.properties.event_time.map(shifted), right.properties.window_end.map(shifted)),
            (false, true, _) | (true, _, true) => (None, None),
        };
        let properties = Properties {
            bounded: left.properties.bounded && right.properties.bounded,
            updating: false,
            keyed_by: Vec::new(),
            event_time,
            window_end,
            emit_every_us: None,
        };
        (Schema::new(fields), properties)
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
        extra: [u32; 2],
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
        let of_left = fields_of(self.cx, &left.0.row).len();
        let columns: Vec<Value> = (0_u32..)
            .zip(&fields)
            .filter_map(|(position, field)| {
                let skipped = if (position as usize) < of_left { 0 } else { extra[0] };
                Some(Value::Scalar(Expr::column(position + skipped, field.ty.column_type()?)))
            })
            .collect();
        let has_more = left.1 || right.1 || extra != [0, 0];
        let renamed = names.iter().any(|name| name.contains("_right"));
        let record = RecordTy { name: op.name.clone(), fields, shape: TypeShape::Rows, span: Span::NONE };
        let row = Ty::Record(self.cx.add_record(record));
        if has_more || renamed {
            return self.project(op, format!("{}.map", op.name), joined, row, Some(Value::Parts(columns)));
        }
        Stream { node: joined, row }
    }
}

/// The kind that an operator's parameters say.
pub(super) fn kind_of(op: &StreamOperatorNode) -> JoinKind {
    match op.get("kind") {
        Some(Parameter::String(kind)) => match kind.as_str() {
            "left" => JoinKind::Left,
            "right" => JoinKind::Right,
            "full" => JoinKind::Full,
            "semi" => JoinKind::Semi,
            "anti" => JoinKind::Anti,
            _ => JoinKind::Inner,
        },
        _ => JoinKind::Inner,
    }
}

/// Its name in the job language.
pub(super) fn kind_name(kind: JoinKind) -> &'static str {
    match kind {
        JoinKind::Inner => "inner",
        JoinKind::Left => "left",
        JoinKind::Right => "right",
        JoinKind::Full => "full",
        JoinKind::Semi => "semi",
        JoinKind::Anti => "anti",
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
            | Ty::Result(..)
            | Ty::Failure
            | Ty::Group
            | Ty::List(_)
            | Ty::Generic(_)
            | Ty::Ordering
            | Ty::Of(..)
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
