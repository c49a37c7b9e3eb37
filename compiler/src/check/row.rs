//! Rows and keys: which types they may have, and the columns they are.

use super::Cx;
use super::operators::{Planner, Stream};
use super::types::{RecordId, Ty};
use super::value::{Value, default_of, if_};
use crate::diagnostics::{guide, operators as say};
use sabot_ir::expr::{Expr, ExprKind};
use sabot_ir::job_graph::{StreamOperatorNode, Value as Parameter};
use sabot_ir::span::Span;
use sabot_ir::ty::{Field, Struct, Type};

/// The key of an operator.
pub(super) struct Key {
    /// Its columns.
    pub(super) exprs: Vec<Expr>,
    /// Its type.
    pub(super) ty: Ty,
    /// Names for its columns.
    pub(super) names: Vec<String>,
}

impl Planner<'_, '_> {
    /// Keys given as a closure or as names of columns.
    pub(super) fn key(
        &mut self,
        key: &Parameter,
        op: &StreamOperatorNode,
        name: &str,
        input: &Stream,
        whose: &str,
    ) -> Option<Key> {
        let span = op.parameters.get(name).map_or(op.span, |parameter| parameter.span);
        match key {
            Parameter::Closure(closure) => {
                let typed = self.infer(closure, std::slice::from_ref(&input.row), None, whose)?;
                let ty = typed.body.ty.clone();
                if ty.is_error() {
                    return None;
                }
                if !self.is_key(&ty) {
                    let found = self.cx.show(&ty);
                    self.cx.say(say::not_a_key(&found, closure.body.span));
                    return None;
                }
                let exprs = self.lower_row(&typed, input, span).map(Value::into_leaves).unwrap_or_default();
                let fields = self.fields_of(&input.row);
                let plain = self.fields_of(&ty);
                let names = exprs
                    .iter()
                    .zip(&plain)
                    .map(|(expr, of_type)| {
                        if let ExprKind::Column(column) = expr.kind {
                            return fields.get(column as usize).map_or_else(String::new, |field| field.name.clone());
                        }
                        match of_type.name.as_str() {
                            "value" => "key".to_owned(),
                            digits if digits.parse::<usize>().is_ok() => format!("key_{digits}"),
                            name => name.to_owned(),
                        }
                    })
                    .collect();
                Some(Key { exprs, ty, names })
            }
            Parameter::Bool(_)
            | Parameter::Int(_)
            | Parameter::Float(_)
            | Parameter::String(_)
            | Parameter::List(_)
            | Parameter::Map(_) => {
                let names = strings(Some(key));
                self.guide_key(&names, span, input)
            }
        }
    }

    fn is_key(&self, ty: &Ty) -> bool {
        ty.column_type().is_some()
            || match ty {
                Ty::Tuple(parts) => !parts.is_empty() && parts.iter().all(|part| self.is_key(part)),
                Ty::Record(id) => {
                    let record = self.cx.record(*id);
                    record.shape.derives().is_none() && record.fields.iter().all(|field| self.is_key(&field.ty))
                }
                Ty::Error
                | Ty::Never
                | Ty::Scalar(_)
                | Ty::Usize
                | Ty::Isize
                | Ty::Option(_)
                | Ty::Result(..)
                | Ty::Failure
                | Ty::Group
                | Ty::List(_)
                | Ty::Generic(_)
                | Ty::Ordering
                | Ty::Of(..)
                | Ty::Var(_) => false,
            }
    }

    /// Whether a stream can have rows of this type; reports it if not.
    pub(super) fn is_row(&mut self, ty: &Ty, span: Span) -> bool {
        let fits = match ty {
            Ty::Error => return false,
            Ty::Record(id) if self.cx.record(*id).shape.derives().is_some() => {
                let record = self.cx.record(*id);
                let diagnostic = if let super::types::TypeShape::Plain(_, whole) = &record.shape {
                    crate::diagnostics::syntax::struct_is_no_record(span, record.span, *whole, &record.name)
                } else {
                    crate::diagnostics::syntax::enum_is_no_record(span, record.span, &record.name)
                };
                self.cx.say(diagnostic);
                return false;
            }
            Ty::Record(id) => return !self.cx.has_mistake(*id),
            Ty::Tuple(parts) => !parts.is_empty() && parts.iter().all(|part| part.column_type().is_some()),
            other @ (Ty::Never
            | Ty::Scalar(_)
            | Ty::Usize
            | Ty::Isize
            | Ty::Option(_)
            | Ty::Group
            | Ty::List(_)
            | Ty::Result(..)
            | Ty::Failure
            | Ty::Generic(_)
            | Ty::Ordering
            | Ty::Of(..)
            | Ty::Var(_)) => other.column_type().is_some(),
        };
        if !fits && !ty.is_error() {
            let found = self.cx.show(ty);
            self.cx.say(say::not_a_row(&found, span));
        }
        fits
    }

    /// The columns that rows of this type have.
    pub(super) fn fields_of(&self, row: &Ty) -> Vec<Field> {
        fields_of(self.cx, row)
    }

    /// The position of a column that a parameter names; reports it if there is none.
    pub(super) fn column(&mut self, id: RecordId, name: &str, span: Span) -> Option<usize> {
        let record = self.cx.record(id);
        let position = record.column(name);
        if position.is_none() {
            let known: Vec<&str> = record.fields.iter().map(|field| field.wire_name.as_str()).collect();
            let diagnostic = guide::unknown_column(name, &record.name, &known, span);
            self.cx.say(diagnostic);
        }
        position
    }
}

/// The columns that rows of this type have.
pub(super) fn fields_of(cx: &Cx<'_>, row: &Ty) -> Vec<Field> {
    match row {
        Ty::Record(id) => {
            let mut fields = Vec::new();
            record_fields(cx, *id, "", &[], &mut fields);
            fields
        }
        Ty::Tuple(parts) => parts
            .iter()
            .enumerate()
            .filter_map(|(position, part)| Some(Field::new(position.to_string(), part.column_type()?)))
            .collect(),
        other @ (Ty::Error
        | Ty::Never
        | Ty::Scalar(_)
        | Ty::Usize
        | Ty::Isize
        | Ty::Option(_)
        | Ty::Result(..)
        | Ty::Failure
        | Ty::Group
        | Ty::List(_)
        | Ty::Generic(_)
        | Ty::Ordering
        | Ty::Of(..)
        | Ty::Var(_)) => other.column_type().map(|ty| Field::new("value", ty)).into_iter().collect(),
    }
}

/// The columns of a record; those of a record in it stand in its place, of one that may be missing behind a column that
/// says whether it is there.
fn record_fields(cx: &Cx<'_>, id: RecordId, before: &str, within: &[Struct], fields: &mut Vec<Field>) {
    for field in &cx.record(id).fields {
        let name = format!("{before}{}", field.name);
        let Some(inner) = field.ty.record_inside() else {
            fields.extend(field.ty.column_type().map(|ty| Field {
                wire_name: field.wire_name.clone(),
                span: field.span,
                within: within.to_vec(),
                ..Field::new(name, ty)
            }));
            continue;
        };
        let optional = matches!(field.ty, Ty::Option(_));
        let mut within = within.to_vec();
        within.push(Struct { wire_name: field.wire_name.clone(), optional });
        if optional {
            fields.push(Field {
                wire_name: field.wire_name.clone(),
                span: field.span,
                within: within.clone(),
                is_presence: true,
                ..Field::new(format!("{name}.is_some"), Type::Bool)
            });
        }
        record_fields(cx, inner, &format!("{name}."), &within, fields);
    }
}

/// The place among the columns of a record that a field begins at, and how many columns it is.
pub(super) fn columns_of(cx: &Cx<'_>, id: RecordId, position: usize) -> (usize, usize) {
    let width = |ty: &Ty| row_value(cx, ty, 0).leaves().len();
    let fields = &cx.record(id).fields;
    (fields[..position].iter().map(|field| width(&field.ty)).sum(), width(&fields[position].ty))
}

/// A value as a row keeps it: what stands in a record that is missing is the same whatever made it, so that equal rows are
/// equal column by column.
pub(super) fn settled(value: &mut Value) {
    match value {
        Value::Scalar(_) => {}
        Value::Parts(parts) => parts.iter_mut().for_each(settled),
        Value::Option(present, held) => {
            settled(held);
            for leaf in held.leaves_mut() {
                let default = default_of(&leaf.ty);
                let span = leaf.span;
                let inner = std::mem::replace(leaf, Expr::bool(true));
                *leaf = if_(&[], present.clone(), inner, default, span);
            }
        }
    }
}

/// A row whose columns count from `first`.
pub(super) fn row_value(cx: &Cx<'_>, row: &Ty, first: u32) -> Value {
    let mut position = first;
    columns_from(cx, row, &mut position)
}

pub(super) fn columns_from(cx: &Cx<'_>, ty: &Ty, position: &mut u32) -> Value {
    Value::of_type(cx, ty, &mut |ty| {
        let column = Expr::column(*position, ty);
        *position += 1;
        column
    })
}

/// A string, or a list of them.
pub(super) fn strings(value: Option<&Parameter>) -> Vec<String> {
    match value {
        Some(Parameter::String(one)) => vec![one.clone()],
        Some(Parameter::List(items)) => items.iter().flat_map(|item| strings(Some(item))).collect(),
        Some(
            Parameter::Bool(_) | Parameter::Int(_) | Parameter::Float(_) | Parameter::Map(_) | Parameter::Closure(_),
        )
        | None => Vec::new(),
    }
}
