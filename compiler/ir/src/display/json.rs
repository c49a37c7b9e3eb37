//! The stable JSON form of a job graph, version 1.
//!
//! ```json
//! {"sabot_job_graph": 1, "job_name": "prices",
//!  "operators": [{"id": "quotes", "type": "SOURCE", "name": "quotes", "parameters": {"kafka_topic": "market.quotes"}}],
//!  "edges": [{"from": "quotes", "to": "filter_1"}],
//!  "params": [{"name": "min_price", "type": "f64", "default": {"rust": "100.0"}}],
//!  "records": [{"name": "Quote", "fields": [{"name": "instrument_id", "wire_name": "instrumentId", "type": "i64"}]}],
//!  "functions": [{"rust": "fn mid(bid: f64, ask: f64) -> f64 { (bid + ask) / 2.0 }"}],
//!  "consts": [{"rust": "const LIMIT: i64 = 10;"}]}
//! ```
//!
//! Code is `{"rust": text}`. What is empty is left away, so is a `wire_name` that says nothing new. Read by
//! `sabot_compiler::parse::graph_from_json`. Places in the source are not part of it.

use super::ast;
use crate::ast::Shape;
use crate::job_graph::{JobGraph, Value};
use serde_json::{Map, Value as Json, json};

/// The version that is written.
pub const VERSION: u64 = 1;

impl JobGraph {
    /// The graph as JSON text, indented, ending in a newline.
    #[must_use]
    pub fn to_json(&self) -> String {
        let mut text = serde_json::to_string_pretty(&graph(self)).unwrap_or_default();
        text.push('\n');
        text
    }
}

fn graph(graph: &JobGraph) -> Json {
    let operators: Vec<Json> = graph
        .operators
        .iter()
        .map(|node| {
            let parameters: Map<String, Json> =
                node.parameters.iter().map(|(name, parameter)| (name.clone(), value(&parameter.value))).collect();
            json!({
                "id": node.operator_id.0,
                "type": node.operator_type,
                "name": node.name,
                "parameters": parameters,
            })
        })
        .collect();
    let edges: Vec<Json> = graph.edges.iter().map(|edge| json!({"from": edge.from, "to": edge.to})).collect();
    let mut form = json!({
        "sabot_job_graph": VERSION,
        "job_name": graph.job_name,
        "operators": operators,
        "edges": edges,
    });
    let params = graph.params.iter().map(|param| {
        let mut form = json!({"name": param.name.text, "type": ast::type_name(&param.ty)});
        if let Some(default) = &param.default {
            form["default"] = rust(ast::expr(default));
        }
        form
    });
    let records = graph.records.iter().map(|record| {
        if record.shape != Shape::Rows {
            return rust(ast::record(record));
        }
        let fields: Vec<Json> = record
            .fields
            .iter()
            .map(|field| {
                let mut form = json!({"name": field.name.text});
                if field.wire_name != field.name.text {
                    form["wire_name"] = json!(field.wire_name);
                }
                form["type"] = json!(ast::type_name(&field.ty));
                form
            })
            .collect();
        json!({"name": record.name.text, "fields": fields})
    });
    let lists: [(&str, Vec<Json>); 4] = [
        ("params", params.collect()),
        ("records", records.collect()),
        ("functions", graph.functions.iter().map(|function| rust(ast::function(function))).collect()),
        ("consts", graph.consts.iter().map(|constant| rust(ast::constant(constant))).collect()),
    ];
    for (key, list) in lists {
        if !list.is_empty() {
            form[key] = Json::Array(list);
        }
    }
    form
}

fn rust(text: String) -> Json {
    json!({ "rust": text })
}

fn value(value: &Value) -> Json {
    match value {
        Value::Bool(value) => json!(value),
        Value::Int(value) => json!(value),
        // JSON has no other numbers; the parser makes none.
        Value::Float(value) if value.is_finite() => json!(value),
        Value::Float(value) => json!(value.to_string()),
        Value::String(value) => json!(value),
        Value::List(items) => Json::Array(items.iter().map(self::value).collect()),
        Value::Map(map) => Json::Object(map.iter().map(|(key, item)| (key.clone(), self::value(item))).collect()),
        Value::Closure(closure) => rust(ast::closure(closure)),
    }
}
