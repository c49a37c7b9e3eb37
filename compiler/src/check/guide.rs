//! The parameter forms of the guide, where names of columns stand instead of closures.

use super::operators::{Planner, Stream};
use super::row::{Key, columns_of, row_value, strings};
use super::time::TIME;
use super::types::{FieldTy, RecordId, RecordTy, Ty, TypeShape};
use super::value::{self, Value, default_of};
use crate::diagnostics::guide as say;
use sabot_ir::expr::{BinaryOp, Expr, ExprKind, Literal};
use sabot_ir::job_graph::{StreamOperatorNode, Value as Parameter};
use sabot_ir::plan::{AggregateCall, AggregateFunction, Window};
use sabot_ir::span::Span;
use sabot_ir::ty::Type;

impl Planner<'_, '_> {
    /// `column`, `operator`, `value`. A row whose column is null is not kept.
    pub(super) fn guide_filter(&mut self, op: &StreamOperatorNode, input: &Stream) -> Option<Expr> {
        let Ty::Record(id) = input.row else { return None };
        let (Some(Parameter::String(name)), Some(wanted)) = (op.get("column"), op.get("value")) else {
            self.cx.say(say::filter_without_column(&op.name, op.span));
            return None;
        };
        let column = self.column_expr(op, "column", id, name)?;
        let compare = match op.get("operator") {
            Some(Parameter::String(symbol)) => match symbol.as_str() {
                ">=" => BinaryOp::Ge,
                "<" => BinaryOp::Lt,
                "<=" => BinaryOp::Le,
                "==" => BinaryOp::Eq,
                "!=" => BinaryOp::Ne,
                _ => BinaryOp::Gt,
            },
            _ => BinaryOp::Gt,
        };
        let ty = column.ty.value_type().clone();
        let Some(literal) = literal_of(wanted, &ty) else {
            let span = op.parameters.get("value").map_or(op.span, |parameter| parameter.span);
            self.cx.say(say::value_of_other_type(name, &ty.to_string(), describe(wanted), span));
            return None;
        };
        let constant = Expr::new(ExprKind::Literal(literal), ty.clone(), op.span);
        let ask = |column: Expr| value::binary(compare, column, constant, Type::Bool, op.span);
        if !column.ty.is_option() {
            return Some(ask(column));
        }
        let present = value::is_some(column.clone(), op.span);
        let held = value::unwrap_or(column, default_of(&ty), op.span);
        Some(value::binary(BinaryOp::And, present, ask(held), Type::Bool, op.span))
    }

    /// `aggregate` and `column` after `key_by`: the keys, then the aggregate.
    pub(super) fn guide_aggregate(
        &mut self,
        op: &StreamOperatorNode,
        input: &Stream,
        key: Option<Key>,
        window: Option<Window>,
    ) -> Stream {
        let Ty::Record(id) = input.row else { return Stream::unknown() };
        let function = match op.get("aggregate") {
            Some(Parameter::String(name)) if name == "count" => AggregateFunction::Count,
            Some(Parameter::String(name)) => match super::aggregate::function_named(name) {
                Some(function) => function,
                None => return Stream::unknown(), // the parameter's check has refused it
            },
            _ => {
                self.cx.say(say::aggregate_without_function(&op.name, op.span));
                return Stream::unknown();
            }
        };
        let named = if op.get("aggregate_column").is_some() { "aggregate_column" } else { "column" };
        let column = match op.get(named) {
            Some(Parameter::String(name)) => match self.column_expr(op, named, id, name) {
                Some(column) => Some((column, name.clone())),
                None => return Stream::unknown(),
            },
            _ if function == AggregateFunction::Count => None,
            _ => {
                self.cx.say(say::aggregate_without_column(function.name(), &op.name, op.span));
                return Stream::unknown();
            }
        };
        let is_number = column.as_ref().is_some_and(|(column, _)| Ty::of_column(column.ty.value_type()).is_number());
        if let (AggregateFunction::Sum | AggregateFunction::Avg, Some((column, name)), false) =
            (function, &column, is_number)
        {
            let ty = column.ty.to_string();
            self.cx.say(say::aggregate_of_other_type(function.name(), name, &ty, op.span));
            return Stream::unknown();
        }
        let arg = column.as_ref().map(|(column, _)| column.clone());
        let optional = |ty: Type| match &arg {
            Some(arg) if arg.ty.is_option() => ty.optional(),
            Some(_) | None => ty,
        };
        let ty = match function {
            AggregateFunction::Count | AggregateFunction::CountDistinct | AggregateFunction::ApproxCountDistinct => {
                Type::Int64
            }
            AggregateFunction::Avg
            | AggregateFunction::Variance
            | AggregateFunction::Stddev
            | AggregateFunction::Median
            | AggregateFunction::Percentile(_)
            | AggregateFunction::ApproxPercentile(_) => optional(Type::Float64),
            AggregateFunction::Sum
            | AggregateFunction::Min
            | AggregateFunction::Max
            | AggregateFunction::First
            | AggregateFunction::Last
            | AggregateFunction::ArgMin
            | AggregateFunction::ArgMax
            | AggregateFunction::Collect
            | AggregateFunction::User(_) => arg.as_ref().map_or(Type::Int64, |arg| arg.ty.clone()),
        };
        let keys: Vec<(Expr, String)> = match key {
            Some(key) => key.exprs.into_iter().zip(key.names).collect(),
            None => Vec::new(),
        };
        let mut taken: Vec<String> = keys.iter().map(|(_, name)| name.clone()).collect();
        let name = match &column {
            Some((_, column)) => format!("{}_{column}", function.name()),
            None => function.name().to_owned(),
        };
        let name = super::unique_name(&name, &taken);
        taken.push(name.clone());
        let call = AggregateCall {
            function,
            args: arg.into_iter().collect(),
            filter: None,
            name: name.clone(),
            ty: ty.clone(),
            span: op.span,
        };
        // The key columns keep their names in files.
        let record = self.cx.record(id);
        let mut fields: Vec<FieldTy> = keys
            .iter()
            .map(|(key, name)| {
                let wire_name = record.position(name).map_or(name, |at| &record.fields[at].wire_name).clone();
                FieldTy { name: name.clone(), wire_name, ty: Ty::of_column(&key.ty), span: Span::NONE }
            })
            .collect();
        if window.as_ref().is_some_and(|window| window.kind.has_times()) {
            for name in ["window_start", "window_end"] {
                let name = super::unique_name(name, &taken);
                fields.push(FieldTy { wire_name: name.clone(), name, ty: Ty::of_column(&TIME), span: Span::NONE });
            }
        }
        fields.push(FieldTy { wire_name: name.clone(), name, ty: Ty::of_column(&ty), span: Span::NONE });
        let columns = (0_u32..)
            .zip(&fields)
            .filter_map(|(at, field)| Some(Value::Scalar(Expr::column(at, field.ty.column_type()?))))
            .collect();
        let renamed = fields.iter().any(|field| field.name != field.wire_name);
        let record = RecordTy { name: op.name.clone(), fields, shape: TypeShape::Rows, span: Span::NONE };
        let row = Ty::Record(self.cx.add_record(record));
        if self.cx.errors > 0 {
            return Stream { node: None, row };
        }
        let grouped = self.grouped(op, input, keys, vec![call], window);
        if renamed {
            return self.project(op, format!("{}.map", op.name), grouped, row, Some(Value::Parts(columns)));
        }
        Stream { node: grouped, row }
    }

    /// Columns by name, as a key.
    pub(super) fn guide_key(&mut self, names: &[String], span: Span, input: &Stream) -> Option<Key> {
        let Ty::Record(id) = input.row else { return None };
        let mut positions = Vec::with_capacity(names.len());
        for name in names {
            let position = self.column(id, name, span)?;
            if self.cx.record(id).fields[position].ty.column_type().is_none() {
                self.cx.say(say::record_as_column(name, span));
                return None;
            }
            positions.push(position);
        }
        let Value::Parts(columns) = row_value(self.cx, &input.row, 0) else { return None };
        let record = self.cx.record(id);
        let types: Vec<Ty> = positions.iter().map(|at| record.fields[*at].ty.clone()).collect();
        let names = positions.iter().map(|at| record.fields[*at].name.clone()).collect();
        let exprs = positions.iter().flat_map(|at| columns[*at].clone().into_leaves()).collect();
        let ty = match types.as_slice() {
            [one] => one.clone(),
            _ => Ty::Tuple(types),
        };
        Some(Key { exprs, ty, names })
    }

    fn column_expr(&mut self, op: &StreamOperatorNode, parameter: &str, id: RecordId, name: &str) -> Option<Expr> {
        let span = op.parameters.get(parameter).map_or(op.span, |parameter| parameter.span);
        let position = self.column(id, name, span)?;
        let Some(ty) = self.cx.record(id).fields[position].ty.column_type() else {
            self.cx.say(say::record_as_column(name, span));
            return None;
        };
        let (column, _) = columns_of(self.cx, id, position);
        Some(Expr::column(u32::try_from(column).ok()?, ty))
    }

    /// The record of a source that declares its columns in `schema`: `"price: f64"` each, or a map.
    pub(super) fn schema_record(&mut self, op: &StreamOperatorNode) -> Option<RecordId> {
        let parameter = op.parameters.get("schema")?;
        let columns: Vec<(String, String)> = match &parameter.value {
            Parameter::Map(map) => {
                map.iter().map(|(name, ty)| (name.clone(), strings(Some(ty)).pop().unwrap_or_default())).collect()
            }
            list @ (Parameter::List(_) | Parameter::String(_)) => strings(Some(list))
                .into_iter()
                .map(|column| match column.split_once(':') {
                    Some((name, ty)) => (name.trim().to_owned(), ty.trim().to_owned()),
                    None => (column.trim().to_owned(), String::new()),
                })
                .collect(),
            Parameter::Bool(_) | Parameter::Int(_) | Parameter::Float(_) | Parameter::Closure(_) => return None,
        };
        let mut fields: Vec<FieldTy> = Vec::with_capacity(columns.len());
        for (name, written) in columns {
            let (inner, is_option) = match written.strip_prefix("Option<").and_then(|written| written.strip_suffix('>'))
            {
                Some(inner) => (inner.trim(), true),
                None => (written.as_str(), false),
            };
            let ty = super::types::scalar_named(inner).filter(|ty| !matches!(ty, Ty::Usize | Ty::Isize));
            let Some(ty) = ty else {
                self.cx.say(say::unknown_column_type(&op.name, &name, &written, parameter.span));
                return None;
            };
            if fields.iter().any(|field| field.name == name) {
                self.cx.say(say::schema_column_twice(&op.name, &name, parameter.span));
                return None;
            }
            let ty = if is_option { ty.option() } else { ty };
            fields.push(FieldTy { wire_name: name.clone(), name, ty, span: Span::NONE });
        }
        let name = op.name.clone();
        Some(self.cx.add_record(RecordTy { name, fields, shape: TypeShape::Rows, span: Span::NONE }))
    }
}

/// The parameter as a constant of the column's type.
fn literal_of(value: &Parameter, ty: &Type) -> Option<Literal> {
    let range = super::types::integer_range(&Ty::of_column(ty));
    match value {
        Parameter::Bool(value) => (*ty == Type::Bool).then_some(Literal::Bool(*value)),
        Parameter::String(value) => (*ty == Type::String).then(|| Literal::String(value.clone())),
        Parameter::Int(value) => match range {
            Some((least, greatest)) => {
                let value = i128::from(*value);
                (least..=greatest).contains(&value).then_some(Literal::Int(value))
            }
            #[expect(clippy::cast_precision_loss, reason = "a number in a parameter has no type of its own")]
            None if ty.is_float() => float_literal(*value as f64, ty),
            None => None,
        },
        Parameter::Float(value) if ty.is_float() => float_literal(*value, ty),
        Parameter::Float(value) => match range {
            // JSON does not tell `100.0` from `100`.
            Some((least, greatest)) if value.fract() == 0.0 && value.abs() < 9e15 => {
                #[expect(clippy::cast_possible_truncation, reason = "a whole number below 2^53")]
                let value = *value as i128;
                (least..=greatest).contains(&value).then_some(Literal::Int(value))
            }
            Some(_) | None => None,
        },
        Parameter::List(_) | Parameter::Map(_) | Parameter::Closure(_) => None,
    }
}

fn float_literal(value: f64, ty: &Type) -> Option<Literal> {
    #[expect(clippy::cast_possible_truncation, reason = "the constant of an `f32` is one")]
    let value = if *ty == Type::Float32 { f64::from(value as f32) } else { value };
    Some(Literal::Float(value))
}

fn describe(value: &Parameter) -> &'static str {
    match value {
        Parameter::Bool(_) => "a bool",
        Parameter::Int(_) => "an integer",
        Parameter::Float(_) => "a number",
        Parameter::String(_) => "a string",
        Parameter::List(_) => "a list",
        Parameter::Map(_) => "a map",
        Parameter::Closure(_) => "a closure",
    }
}
