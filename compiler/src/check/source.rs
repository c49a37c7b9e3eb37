//! Sources and tables: their columns, keys, times and connectors.

use super::Cx;
use super::hir::{Hir, HirKind};
use super::operators::{Planner, Stream};
use super::row::{columns_of, strings};
use super::types::{FieldTy, RecordId, RecordTy, Ty, TypeShape};
use crate::diagnostics::{guide, names, operators as say};
use sabot_ir::job_graph::{StreamOperatorNode, Value as Parameter};
use sabot_ir::plan::{Connector, EventTime, Format, Location, Operator, Properties, Source, SourceId, Statistics};
use sabot_ir::span::Span;
use sabot_ir::ty::{Schema, Type};
use std::collections::BTreeMap;

impl Planner<'_, '_> {
    pub(super) fn source(&mut self, op: &StreamOperatorNode) -> Stream {
        let Some(id) = self.source_record(op) else { return Stream::unknown() };
        let row = Ty::Record(id);
        if !self.is_row(&row, op.span) {
            return Stream::unknown();
        }
        if let Some(first) = self.plan.sources.iter().find(|source| source.name == op.name) {
            let first = first.span;
            self.cx.say(say::source_twice(&op.name, op.span, first));
        }
        let schema = Schema::new(self.fields_of(&row));
        let rows = Stream { node: None, row: row.clone() };
        let primary_key = op.get("primary_key").and_then(|key| {
            let span = op.parameters["primary_key"].span;
            self.plain_columns(key, &rows, "`primary_key`", span)
        });
        let event_time = op.get("event_time").and_then(|time| {
            let span = op.parameters["event_time"].span;
            let columns = self.plain_columns(time, &rows, "`event_time`", span)?;
            let [column] = columns.as_slice() else {
                self.cx.say(say::event_time_of_many(span));
                return None;
            };
            let field = schema.fields.get(*column as usize)?;
            if !matches!(field.ty, Type::Timestamp(_)) {
                let ty = field.ty.to_string();
                self.cx.say(say::event_time_type(&field.name, &ty, span, field.span));
                return None;
            }
            let lateness_us = match op.get("lateness_ms") {
                Some(Parameter::Int(ms)) => ms.saturating_mul(1000),
                _ => 0,
            };
            Some(EventTime { column: *column, lateness_us })
        });
        let Some(mut connector) = self.connector(op) else { return rows };
        if self.cx.has_mistake(id) {
            return rows; // a field of the record is wrong
        }
        self.check_generator(op, &connector, &schema);
        self.check_database(op, &connector, &schema);
        if let Some(Parameter::Int(ms)) = op.get("idle_after_ms") {
            connector.options.insert("idle_after_ms".to_owned(), ms.to_string());
        }
        self.refreshed(op, &mut connector);
        let is_table = matches!(op.get("table"), Some(Parameter::Bool(true)));
        let is_topic = matches!(connector.location, Location::Kafka(_));
        let is_replaced = self.catalog.sources.get(&op.name).is_some_and(|facts| facts.is_replaced);
        let properties = Properties {
            // What is joined with a table starts when all that the table held at first was read.
            bounded: is_table || is_replaced || super::boundedness::ends(&connector),
            updating: is_table && is_topic,
            keyed_by: Vec::new(),
            event_time: event_time.as_ref().map(|time| time.column),
            window_end: None,
            emit_every_us: None,
        };
        let statistics = self.statistics(op, &schema);
        let source = SourceId(u32::try_from(self.plan.sources.len()).expect("fewer than 2^32 sources"));
        let columns = (0..u32::try_from(schema.len()).unwrap_or(u32::MAX)).collect();
        self.plan.sources.push(Source {
            name: op.name.clone(),
            connector,
            schema: schema.clone(),
            primary_key,
            event_time,
            statistics,
            span: op.span,
        });
        let operator = Operator::Source { source, columns, prune: None };
        let node = self.add(op, op.name.clone(), operator, Vec::new(), schema, properties);
        Stream { node: Some(node), row }
    }

    /// The record of a source: declared, from its `schema`, or from the file behind it.
    fn source_record(&mut self, op: &StreamOperatorNode) -> Option<RecordId> {
        if let Some(Parameter::String(name)) = op.get("record") {
            let record = self.cx.record_names.get(name).copied();
            if record.is_none() {
                let known: Vec<&str> = self.cx.record_names.keys().map(String::as_str).collect();
                let diagnostic = names::unknown_record(name, &known, op.parameters["record"].span);
                self.cx.say(diagnostic);
            }
            return record;
        }
        if op.get("schema").is_some() {
            return self.schema_record(op);
        }
        let facts = self.catalog.sources.get(&op.name).and_then(|facts| facts.schema.as_ref());
        let Some(schema) = facts else {
            self.cx.say(guide::columns_unknown(&op.name, op.span));
            return None;
        };
        let fields = schema
            .fields
            .iter()
            .map(|field| FieldTy {
                name: field.wire_name.clone(),
                wire_name: field.wire_name.clone(),
                ty: Ty::of_column(&field.ty),
                span: Span::NONE,
            })
            .collect();
        let name = op.name.clone();
        Some(self.cx.add_record(RecordTy { name, fields, shape: TypeShape::Rows, span: Span::NONE }))
    }

    /// A closure, or names, that must be columns as they are.
    fn plain_columns(&mut self, value: &Parameter, rows: &Stream, whose: &str, span: Span) -> Option<Vec<u32>> {
        let Parameter::Closure(closure) = value else {
            let Ty::Record(id) = rows.row else { return None };
            let mut columns = Vec::new();
            for name in strings(Some(value)) {
                let position = self.column(id, &name, span)?;
                let (first, width) = columns_of(self.cx, id, position);
                columns.extend((first..first + width).filter_map(|column| u32::try_from(column).ok()));
            }
            return Some(columns).filter(|columns| !columns.is_empty());
        };
        let typed = self.infer(closure, std::slice::from_ref(&rows.row), None, whose)?;
        if typed.body.ty.is_error() {
            return None;
        }
        let mut columns = Vec::new();
        if !fields_read(self.cx, &typed.body, &mut columns) {
            self.cx.say(say::not_a_column(whose, closure.body.span));
            return None;
        }
        Some(columns)
    }

    fn statistics(&self, op: &StreamOperatorNode, schema: &Schema) -> Statistics {
        let mut statistics = Statistics::default();
        if let Some(facts) = self.catalog.sources.get(&op.name) {
            statistics.rows = facts.statistics.rows;
            if let Some(of_file) = &facts.schema {
                for (column, distinct) in &facts.statistics.distinct {
                    let name = of_file.fields.get(*column as usize).map(|field| field.wire_name.as_str());
                    let position = name.and_then(|name| schema.wire_position(name));
                    if let Some(Ok(position)) = position.map(u32::try_from) {
                        statistics.distinct.insert(position, *distinct);
                    }
                }
            }
        }
        if statistics.rows.is_none()
            && let Some(Parameter::Int(rows)) = op.get("rows")
        {
            statistics.rows = u64::try_from(*rows).ok();
        }
        statistics
    }

    /// Where a source reads or a sink writes.
    pub(super) fn connector(&mut self, op: &StreamOperatorNode) -> Option<Connector> {
        let text = |name: &str| match op.get(name) {
            Some(Parameter::String(text)) => Some(text.clone()),
            _ => None,
        };
        let places = [
            text("kafka_topic").or_else(|| text("topic")).map(Location::Kafka),
            text("path").map(Location::Path),
            matches!(op.get("standard"), Some(Parameter::Bool(true))).then_some(Location::Standard),
            text("generator").map(Location::Generator),
            text("postgres").map(Location::Postgres),
        ];
        let mut places = places.into_iter().flatten();
        let location = match (places.next(), places.next()) {
            (Some(location), None) => location,
            (None, _) => {
                self.cx.say(guide::no_place(op.operator_type.name(), &op.name, op.span));
                return None;
            }
            (Some(_), Some(_)) => {
                self.cx.say(guide::two_places(&op.name, op.span));
                return None;
            }
        };
        let format = match text("format").as_deref() {
            Some("arrow") => Some(Format::Arrow),
            Some("parquet") => Some(Format::Parquet),
            Some("csv") => Some(Format::Csv),
            Some("ndjson" | "json") => Some(Format::Ndjson),
            Some(_) | None => None,
        };
        let mut options = BTreeMap::new();
        if let Some(Parameter::Map(map)) = op.get("options") {
            for (name, value) in map {
                let value = match value {
                    Parameter::String(value) => value.clone(),
                    Parameter::Bool(value) => value.to_string(),
                    Parameter::Int(value) => value.to_string(),
                    Parameter::Float(value) => value.to_string(),
                    Parameter::List(_) | Parameter::Map(_) | Parameter::Closure(_) => continue,
                };
                options.insert(name.clone(), value);
            }
        }
        Some(Connector { location, format, options })
    }
}

/// Gathers the columns that the code gives as they are; says whether it is nothing else.
fn fields_read(cx: &Cx<'_>, hir: &Hir, columns: &mut Vec<u32>) -> bool {
    if let Some((first, width)) = field_read(cx, hir) {
        columns.extend((first..first + width).filter_map(|column| u32::try_from(column).ok()));
        return width > 0;
    }
    if let HirKind::Tuple(parts) = &hir.kind {
        return !parts.is_empty() && parts.iter().all(|part| fields_read(cx, part, columns));
    }
    if let HirKind::Block(statements, Some(tail)) = &hir.kind {
        return statements.is_empty() && fields_read(cx, tail, columns);
    }
    false
}

/// The columns of a field of the row, or of a record in it.
fn field_read(cx: &Cx<'_>, hir: &Hir) -> Option<(usize, usize)> {
    let HirKind::Field(base, position) = &hir.kind else { return None };
    let Ty::Record(id) = base.ty else { return None };
    let (first, width) = columns_of(cx, id, *position);
    if matches!(base.kind, HirKind::Local(_)) {
        return Some((first, width));
    }
    let (before, _) = field_read(cx, base)?;
    Some((before + first, width))
}
