//! A job graph as text: what `explain` prints and snapshots hold.

use super::ast;
use crate::job_graph::{JobGraph, StreamOperatorNode, Value};
use std::fmt::Write as _;

/// The whole graph: parameters, the names of its code, and its operators with their inputs.
///
/// Operators stand in the order in which they were added; each line is `name: TYPE ← inputs`, with its parameters below.
#[must_use]
pub fn text(graph: &JobGraph) -> String {
    let mut text = format!("job {}\n", graph.job_name);
    for param in &graph.params {
        let default = param.default.as_ref().map(|value| format!(" = {}", ast::expr(value))).unwrap_or_default();
        let _ = writeln!(text, "  param {}: {}{default}", param.name.text, ast::type_name(&param.ty));
    }
    for node in &graph.operators {
        operator(graph, node, &mut text);
    }
    text
}

/// The code that the graph's closures use: records, constants, functions.
#[must_use]
pub fn code(graph: &JobGraph) -> String {
    let mut items: Vec<String> = graph.records.iter().map(ast::record).collect();
    items.extend(graph.consts.iter().map(ast::constant));
    items.extend(graph.functions.iter().map(ast::function));
    items.join("\n\n")
}

fn operator(graph: &JobGraph, node: &StreamOperatorNode, text: &mut String) {
    let inputs: Vec<&str> = graph.inputs(&node.operator_id).map(|id| id.0.as_str()).collect();
    let arrow = if inputs.is_empty() { String::new() } else { format!(" ← {}", inputs.join(", ")) };
    let kind = type_name(node);
    let _ = writeln!(text, "\n{}: {kind}{arrow}", node.operator_id);
    for (name, parameter) in &node.parameters {
        let value = value(&parameter.value).replace('\n', "\n    ");
        let _ = writeln!(text, "    {name} = {value}");
    }
}

/// The guide's name of the operator's type: `HASH_JOIN`.
#[must_use]
pub fn type_name(node: &StreamOperatorNode) -> String {
    node.operator_type.name().to_ascii_uppercase()
}

/// A parameter's value on as few lines as it needs.
#[must_use]
pub fn value(value: &Value) -> String {
    match value {
        Value::Bool(value) => value.to_string(),
        Value::Int(value) => value.to_string(),
        Value::Float(value) => format!("{value:?}"),
        Value::String(value) => format!("{value:?}"),
        Value::List(items) => format!("[{}]", items.iter().map(self::value).collect::<Vec<_>>().join(", ")),
        Value::Map(map) => {
            let items: Vec<String> = map.iter().map(|(key, item)| format!("{key}: {}", self::value(item))).collect();
            format!("{{{}}}", items.join(", "))
        }
        Value::Closure(closure) => ast::closure(closure),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job_graph::OperatorType;

    #[test]
    fn operators_with_inputs_and_parameters() {
        let mut graph = JobGraph::new("prices");
        let quotes = StreamOperatorNode::new(OperatorType::Source, "quotes").param("kafka_topic", "market.quotes");
        let quotes = graph.add_operator(quotes).unwrap();
        let filter =
            StreamOperatorNode::new(OperatorType::Filter, "high").param("column", "price").param("value", 100.0);
        let filter = graph.add_operator(filter).unwrap();
        graph.connect(&quotes, &filter).unwrap();
        let expected = "job prices\n\nquotes: SOURCE\n    kafka_topic = \"market.quotes\"\n\n\
                        high: FILTER ← quotes\n    column = \"price\"\n    value = 100.0\n";
        assert_eq!(text(&graph), expected);
    }
}
