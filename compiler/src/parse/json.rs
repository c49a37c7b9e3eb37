//! The JSON form of a job graph, as written by `JobGraph::to_json` or by hand.
//!
//! The form is described in `sabot_ir::display::json`. By hand less is enough: an operator's `id` is its `name` unless it says
//! otherwise, `parameters` may be missing, the guide's `function`, `key_by` and `stateful` may stand beside them, and the
//! default of a job's parameter may be a plain value.

use super::Reader;
use super::json_text::{Node, NodeKind, Text, read};
use crate::diagnostics::similar::closest;
use crate::diagnostics::syntax;
use sabot_ir::ast::{
    Closure, Const, Expr, ExprKind, Function, Literal, Name, Record, RecordField, Shape, TypeName, UnaryOp,
};
use sabot_ir::diagnostic::Diagnostics;
use sabot_ir::display::json::VERSION;
use sabot_ir::job_graph::{
    GraphError, JobGraph, JobParam, OperatorId, OperatorType, Parameter, ParameterError, ParameterKind,
    StreamOperatorNode, Value, parameters_of,
};
use sabot_ir::span::Span;
use std::collections::BTreeMap;

/// Reads the JSON form of a graph.
///
/// # Errors
/// The text is not JSON, or not a graph: every mistake with its place and its path in the JSON.
pub fn graph_from_json(text: &str) -> Result<JobGraph, Diagnostics> {
    let mut form = Form { diagnostics: Diagnostics::new() };
    if text.len() > super::LONGEST_TEXT {
        form.diagnostics.push(syntax::file_too_large());
        return Err(form.diagnostics);
    }
    let graph = match read(text) {
        Ok(root) => form.graph(&root),
        Err(diagnostic) => {
            form.diagnostics.push(diagnostic);
            None
        }
    };
    match graph {
        Some(graph) if !form.diagnostics.has_errors() => Ok(graph),
        _ => Err(form.diagnostics),
    }
}

/// Reads values into the graph's parts, and keeps the complaints.
struct Form {
    diagnostics: Diagnostics,
}

/// An object and the way to it: `operators[2].parameters`.
struct Object<'a> {
    path: String,
    span: Span,
    entries: &'a [(Text, Node)],
}

impl<'a> Object<'a> {
    fn get(&self, key: &str) -> Option<&'a Node> {
        self.entries.iter().find(|(name, _)| name.value == key).map(|(_, node)| node)
    }

    fn path_of(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    /// The object's own path, for a message.
    fn own_path(&self) -> &str {
        if self.path.is_empty() { "the job graph" } else { &self.path }
    }
}

impl Form {
    fn wrong(&mut self, node: &Node, path: &str, expected: &str) {
        self.diagnostics.push(syntax::json_shape(node.span, path, expected, node.describe()));
    }

    /// An object whose keys are known and stand there once.
    fn object<'a>(&mut self, node: &'a Node, path: &str, known: &[&str]) -> Option<Object<'a>> {
        let NodeKind::Object(entries) = &node.kind else {
            let path = if path.is_empty() { "the job graph" } else { path };
            self.wrong(
                node,
                path,
                "an object: `{\"sabot_job_graph\": 1, \"job_name\": .., \"operators\": [..], \"edges\": [..]}`",
            );
            return None;
        };
        let object = Object { path: path.to_owned(), span: node.span, entries };
        let mut seen: BTreeMap<&str, Span> = BTreeMap::new();
        for (key, _) in entries {
            if let Some(first) = seen.insert(&key.value, key.span) {
                self.diagnostics.push(syntax::defined_twice(key.span, first, "key", &object.path_of(&key.value)));
            }
            if !known.is_empty() && !known.contains(&key.value.as_str()) {
                self.diagnostics.push(syntax::json_unknown_key(key.span, object.own_path(), &key.value, known));
            }
        }
        Some(object)
    }

    fn required<'a>(&mut self, object: &Object<'a>, key: &str, example: &str) -> Option<&'a Node> {
        let node = object.get(key);
        if node.is_none() {
            self.diagnostics.push(syntax::json_missing(start_of(object.span), object.own_path(), key, example));
        }
        node
    }

    fn text<'a>(&mut self, node: &'a Node, path: &str) -> Option<&'a Text> {
        if let NodeKind::String(text) = &node.kind {
            return Some(text);
        }
        self.wrong(node, path, "a string");
        None
    }

    fn required_text<'a>(&mut self, object: &Object<'a>, key: &str, example: &str) -> Option<&'a Text> {
        let node = self.required(object, key, example)?;
        self.text(node, &object.path_of(key))
    }

    /// The items of a list with their paths; nothing if the key is missing.
    fn items<'a>(&mut self, object: &Object<'a>, key: &str) -> Vec<(&'a Node, String)> {
        let path = object.path_of(key);
        let Some(node) = object.get(key) else { return Vec::new() };
        let NodeKind::List(items) = &node.kind else {
            self.wrong(node, &path, "a list");
            return Vec::new();
        };
        items.iter().enumerate().map(|(index, item)| (item, format!("{path}[{index}]"))).collect()
    }

    fn graph(&mut self, root: &Node) -> Option<JobGraph> {
        const KEYS: [&str; 8] =
            ["sabot_job_graph", "job_name", "operators", "edges", "params", "records", "functions", "consts"];
        let object = self.object(root, "", &KEYS)?;
        if let Some(version) = self.required(&object, "sabot_job_graph", "`\"sabot_job_graph\": 1`") {
            match &version.kind {
                NodeKind::Int(number) if u64::try_from(*number) == Ok(VERSION) => {}
                NodeKind::Int(number) => {
                    self.diagnostics.push(syntax::json_version(version.span, &number.to_string()));
                    return None;
                }
                _ => self.wrong(version, "sabot_job_graph", "the version of the form, 1"),
            }
        }
        let name = self.required_text(&object, "job_name", "`\"job_name\": \"my_job\"`");
        if let Some(name) = name.filter(|name| name.value.trim().is_empty()) {
            self.diagnostics.push(syntax::json_shape(name.span, "job_name", "the name of the job", "empty"));
        }
        let mut graph = JobGraph::new(name.map_or_else(String::new, |name| name.value.clone()));
        for (item, path) in self.items(&object, "params") {
            graph.params.extend(self.param(item, &path));
        }
        for (item, path) in self.items(&object, "records") {
            let is_code =
                matches!(&item.kind, NodeKind::Object(entries) if entries.iter().any(|(key, _)| key.value == "rust"));
            graph.records.extend(if is_code {
                self.code(item, &path, |reader, item: &syn::Item| reader.value_type(item))
            } else {
                self.record(item, &path)
            });
        }
        for (item, path) in self.items(&object, "functions") {
            graph.functions.extend(self.code(item, &path, |reader, item: &syn::Item| reader.function_item(item)));
        }
        for (item, path) in self.items(&object, "consts") {
            graph.consts.extend(self.code(item, &path, |reader, item: &syn::Item| reader.const_item(item)));
        }
        self.unique(graph.params.iter().map(|param| &param.name), "parameter");
        self.unique(graph.records.iter().map(|record: &Record| &record.name), "record");
        self.unique(
            graph.functions.iter().filter(|item: &&Function| item.owner.is_none()).map(|item| &item.name),
            "function",
        );
        self.unique(
            graph.consts.iter().filter(|item: &&Const| item.owner.is_none()).map(|item| &item.name),
            "constant",
        );
        self.required(
            &object,
            "operators",
            "`\"operators\": [{\"type\": \"SOURCE\", \"name\": \"rows\", \"parameters\": {..}}, ..]`",
        );
        for (item, path) in self.items(&object, "operators") {
            self.operator(item, &path, &mut graph);
        }
        for (item, path) in self.items(&object, "edges") {
            self.edge(item, &path, &mut graph);
        }
        self.side_sinks(&graph);
        Some(graph)
    }

    fn unique<'n>(&mut self, names: impl Iterator<Item = &'n Name>, what: &str) {
        let mut seen: BTreeMap<&str, Span> = BTreeMap::new();
        for name in names {
            if let Some(first) = seen.insert(&name.text, name.span) {
                self.diagnostics.push(syntax::defined_twice(name.span, first, what, &name.text));
            }
        }
    }

    /// Parameters that name error and late sinks.
    fn side_sinks(&mut self, graph: &JobGraph) {
        for node in &graph.operators {
            for key in ["errors", "late", "late_right"] {
                let Some(Parameter { value: Value::String(sink), span }) = node.parameters.get(key) else { continue };
                let found = graph.operators.iter().find(|operator| operator.operator_id.0 == *sink);
                let reason = match found.map(|operator| operator.operator_type) {
                    Some(OperatorType::Sink) => continue,
                    Some(_) => format!("operator `{}`: `{key}` names `{sink}`, which is not a SINK", node.name),
                    None => format!("operator `{}`: `{key}` names `{sink}`, which the graph does not have", node.name),
                };
                self.diagnostics.push(syntax::graph_refused(
                    *span,
                    &format!("{}.parameters.{key}", node.name),
                    &reason,
                ));
            }
        }
    }

    fn operator(&mut self, node: &Node, path: &str, graph: &mut JobGraph) {
        const KEYS: [&str; 8] = ["id", "type", "operator_type", "name", "parameters", "function", "key_by", "stateful"];
        let Some(object) = self.object(node, path, &KEYS) else { return };
        let type_key = if object.get("operator_type").is_some() { "operator_type" } else { "type" };
        let operator_type = self.required_text(&object, type_key, "`\"type\": \"FILTER\"`").and_then(|text| {
            let known = OperatorType::ALL.map(|known| known.name().to_ascii_uppercase());
            let found = known.iter().position(|known| *known == text.value);
            if found.is_none() {
                let known: Vec<&str> = known.iter().map(String::as_str).collect();
                let path = object.path_of(type_key);
                self.diagnostics.push(syntax::json_operator_type(text.span, &path, &text.value, &known));
            }
            found.map(|position| OperatorType::ALL[position])
        });
        let name = self.required_text(&object, "name", "`\"name\": \"what it does\"`");
        let id = match object.get("id") {
            Some(id) => self.text(id, &object.path_of("id")),
            None => name,
        };
        let (Some(operator_type), Some(name), Some(id)) = (operator_type, name, id) else { return };
        if name.value.trim().is_empty() || id.value.trim().is_empty() {
            self.diagnostics.push(syntax::json_shape(name.span, &object.path_of("name"), "a name", "empty"));
            return;
        }
        let before = self.diagnostics.as_slice().len();
        let mut operator = StreamOperatorNode::new(operator_type, name.value.clone());
        operator.operator_id = OperatorId(id.value.clone());
        operator.span = name.span;
        let mut places: BTreeMap<String, (String, Span)> = BTreeMap::new();
        let parameters_path = object.path_of("parameters");
        let parameters = object.get("parameters").and_then(|node| self.object(node, &parameters_path, &[]));
        let inside = parameters.iter().flat_map(|parameters| {
            parameters
                .entries
                .iter()
                .map(|(key, node)| (key.value.as_str(), parameters.path_of(&key.value), key.span, node))
        });
        let beside = ["function", "key_by", "stateful"].into_iter().filter_map(|key| {
            let node = object.get(key)?;
            Some((key, object.path_of(key), node.span, node))
        });
        for (key, path, span, node) in inside.chain(beside) {
            let kind = parameters_of(operator_type).find(|spec| spec.name == key).map(|spec| spec.kind);
            if let Some(parameter) = self.parameter(node, &path, kind) {
                operator.parameters.insert(key.to_owned(), parameter);
            }
            places.insert(key.to_owned(), (path, span));
        }
        if self.diagnostics.as_slice().len() > before {
            // A parameter is missing here because of what was told of it. The operator stays, for the edges.
            graph.operators.push(operator);
            return;
        }
        if let Err(error) = graph.add_operator(operator.clone()) {
            self.refused(&error, &operator, &places, &object, id.span);
            if !matches!(error, GraphError::DuplicateOperator(_)) {
                graph.operators.push(operator);
            }
        }
    }

    fn refused(
        &mut self,
        error: &GraphError,
        operator: &StreamOperatorNode,
        places: &BTreeMap<String, (String, Span)>,
        object: &Object<'_>,
        id: Span,
    ) {
        let known_place = |name: &str| places.get(name).map(|(path, span)| (path.as_str(), *span));
        let diagnostic = match error {
            GraphError::Parameter(_, ParameterError::Unknown { name, known }) => {
                let (path, span) = known_place(name).unwrap_or((object.own_path(), id));
                syntax::graph_refused(span, path, &format!("operator `{}` has no parameter `{name}`", operator.name))
                    .help(match closest(name, known.iter().copied()) {
                        Some(found) => format!("did you mean `{found}`?"),
                        None => format!("it can be {}", syntax::one_of(known)),
                    })
            }
            GraphError::Parameter(
                _,
                ParameterError::WrongType { name, .. } | ParameterError::WrongWord { name, .. },
            ) => {
                let span = operator.parameters.get(name).map_or(id, |parameter| parameter.span);
                let path = known_place(name).map_or(object.own_path(), |(path, _)| path);
                syntax::graph_refused(span, path, &error.to_string())
            }
            GraphError::Parameter(_, ParameterError::Missing { .. })
            | GraphError::DuplicateOperator(_)
            | GraphError::UnknownOperator(_)
            | GraphError::Cycle(..)
            | GraphError::WrongDirection(..) => syntax::graph_refused(id, object.own_path(), &error.to_string()),
        };
        self.diagnostics.push(diagnostic);
    }

    fn edge(&mut self, node: &Node, path: &str, graph: &mut JobGraph) {
        let Some(object) = self.object(node, path, &["from", "to"]) else { return };
        let from = self.required_text(&object, "from", "`\"from\": \"quotes\"`");
        let to = self.required_text(&object, "to", "`\"to\": \"filter_1\"`");
        let (Some(from), Some(to)) = (from, to) else { return };
        let Err(error) = graph.connect(&OperatorId(from.value.clone()), &OperatorId(to.value.clone())) else { return };
        let known: Vec<&str> = graph.operators.iter().map(|node| node.operator_id.0.as_str()).collect();
        let (key, text) = match &error {
            GraphError::UnknownOperator(id) | GraphError::WrongDirection(id, _) if id.0 != from.value => ("to", to),
            GraphError::DuplicateOperator(_)
            | GraphError::UnknownOperator(_)
            | GraphError::WrongDirection(..)
            | GraphError::Cycle(..)
            | GraphError::Parameter(..) => ("from", from),
        };
        let mut diagnostic = syntax::graph_refused(text.span, &object.path_of(key), &error.to_string());
        if let (GraphError::UnknownOperator(_), Some(found)) = (&error, closest(&text.value, known)) {
            diagnostic = diagnostic.help(format!("did you mean `{found}`?"));
        }
        self.diagnostics.push(diagnostic);
    }

    /// A parameter's value; code where the parameter takes code.
    fn parameter(&mut self, node: &Node, path: &str, kind: Option<ParameterKind>) -> Option<Parameter> {
        let takes_code = matches!(kind, Some(ParameterKind::Closure | ParameterKind::ClosureOrStrings));
        if takes_code && matches!(node.kind, NodeKind::Object(_)) {
            let closure: Closure = self.code(node, path, |reader, closure| Some(reader.closure(closure)))?;
            return Some(Parameter { span: closure.span, value: Value::Closure(closure) });
        }
        if kind == Some(ParameterKind::Closure) && matches!(node.kind, NodeKind::String(_)) {
            self.wrong(node, path, "code: `{\"rust\": \"|row| ..\"}`");
            return None;
        }
        let mut value = self.value(node, path)?;
        if let (Some(ParameterKind::Schema), NodeKind::Object(entries), Value::Map(map)) = (kind, &node.kind, &value)
            && map.values().all(|ty| matches!(ty, Value::String(_)))
        {
            // A map has no order, and columns have one: that of the text.
            let column = |(name, _): &(Text, Node)| match map.get(&name.value) {
                Some(Value::String(ty)) => Some(format!("{}: {ty}", name.value)),
                Some(_) | None => None,
            };
            value = Value::from(entries.iter().filter_map(column).collect::<Vec<_>>());
        }
        Some(Parameter { value, span: node.span })
    }

    fn value(&mut self, node: &Node, path: &str) -> Option<Value> {
        Some(match &node.kind {
            NodeKind::Null => {
                self.wrong(node, path, "a value; leave the parameter away to say nothing");
                return None;
            }
            NodeKind::Bool(value) => Value::Bool(*value),
            NodeKind::Int(value) => Value::Int(*value),
            NodeKind::Float(value) => Value::Float(*value),
            NodeKind::String(text) => Value::String(text.value.clone()),
            NodeKind::List(items) => {
                let items = items.iter().enumerate().map(|(index, item)| self.value(item, &format!("{path}[{index}]")));
                Value::List(items.collect::<Option<_>>()?)
            }
            NodeKind::Object(entries) => {
                let object = self.object(node, path, &[])?;
                let mut map = BTreeMap::new();
                for (key, item) in entries {
                    map.insert(key.value.clone(), self.value(item, &object.path_of(&key.value))?);
                }
                Value::Map(map)
            }
        })
    }

    fn rust<S: syn::parse::Parse, T>(
        &mut self,
        text: &Text,
        lower: impl FnOnce(&mut Reader<'_>, &S) -> Option<T>,
    ) -> Option<T> {
        let mut reader = Reader::new(text.spans.clone(), &mut self.diagnostics);
        let syntax = reader.syntax::<S>(&text.value)?;
        lower(&mut reader, &syntax)
    }

    /// `{"rust": text}`.
    fn code<S: syn::parse::Parse, T>(
        &mut self,
        node: &Node,
        path: &str,
        lower: impl FnOnce(&mut Reader<'_>, &S) -> Option<T>,
    ) -> Option<T> {
        if !matches!(node.kind, NodeKind::Object(_)) {
            self.wrong(node, path, "code: `{\"rust\": \"..\"}`");
            return None;
        }
        let object = self.object(node, path, &["rust"])?;
        let text = self.required_text(&object, "rust", "`\"rust\": \"..\"`")?;
        self.rust(text, lower)
    }

    fn type_name(&mut self, object: &Object<'_>) -> Option<TypeName> {
        let text = self.required_text(object, "type", "`\"type\": \"f64\"`")?;
        self.rust(text, |reader, ty: &syn::Type| Some(reader.ty(ty)))
    }

    fn param(&mut self, node: &Node, path: &str) -> Option<JobParam> {
        let object = self.object(node, path, &["name", "type", "default"])?;
        let name = self.required_text(&object, "name", "`\"name\": \"min_price\"`").map(name_of);
        let ty = self.type_name(&object);
        let default = match object.get("default") {
            None => None,
            Some(node @ Node { kind: NodeKind::Object(_), .. }) => {
                let path = object.path_of("default");
                Some(self.code(node, &path, |reader, expr: &syn::Expr| Some(reader.expr(expr)))?)
            }
            Some(node) => Some(self.plain(node, &object.path_of("default"))?),
        };
        Some(JobParam { name: name?, ty: ty?, default })
    }

    /// A plain value as the code that means it.
    fn plain(&mut self, node: &Node, path: &str) -> Option<Expr> {
        let expr = |kind| Expr { kind, span: node.span };
        let (literal, is_negative) = match &node.kind {
            NodeKind::Bool(value) => (Literal::Bool(*value), false),
            NodeKind::Int(value) => (Literal::Int(i128::from(*value).abs(), None), *value < 0),
            NodeKind::Float(value) => (Literal::Float(value.abs(), None), value.is_sign_negative()),
            NodeKind::String(text) => (Literal::String(text.value.clone()), false),
            NodeKind::Null | NodeKind::List(_) | NodeKind::Object(_) => {
                self.wrong(node, path, "a number, a string, a bool or code: `{\"rust\": \"..\"}`");
                return None;
            }
        };
        let literal = expr(ExprKind::Literal(literal));
        Some(if is_negative { expr(ExprKind::Unary(UnaryOp::Neg, Box::new(literal))) } else { literal })
    }

    fn record(&mut self, node: &Node, path: &str) -> Option<Record> {
        let object = self.object(node, path, &["name", "fields"])?;
        let name = self.required_text(&object, "name", "`\"name\": \"Quote\"`").map(name_of);
        self.required(&object, "fields", "`\"fields\": [{\"name\": \"price\", \"type\": \"f64\"}]`");
        let mut fields = Vec::new();
        for (item, path) in self.items(&object, "fields") {
            fields.extend(self.field(item, &path));
        }
        self.unique(fields.iter().map(|field: &RecordField| &field.name), "field");
        Some(Record { name: name?, fields, shape: Shape::Rows, span: node.span })
    }

    fn field(&mut self, node: &Node, path: &str) -> Option<RecordField> {
        let object = self.object(node, path, &["name", "wire_name", "type"])?;
        let name = self.required_text(&object, "name", "`\"name\": \"price\"`").map(name_of);
        let wire_name = match object.get("wire_name") {
            Some(node) => Some(self.text(node, &object.path_of("wire_name"))?.value.clone()),
            None => name.as_ref().map(|name| name.text.clone()),
        };
        let ty = self.type_name(&object);
        Some(RecordField { name: name?, wire_name: wire_name?, ty: ty? })
    }
}

fn name_of(text: &Text) -> Name {
    Name { text: text.value.clone(), span: text.span }
}

/// The opening bracket of an object, where something is missing.
fn start_of(span: Span) -> Span {
    Span { start: span.start, end: span.start + 1 }
}
