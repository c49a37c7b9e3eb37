//! Which parameters each operator takes, and of which type.

use super::{OperatorType, StreamOperatorNode, Value};
use std::fmt;

/// The type that a parameter must have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParameterKind {
    /// `true` or `false`.
    Bool,
    /// An integer.
    Int,
    /// A number, a string or a bool: what a column is compared with.
    Scalar,
    /// A string.
    String,
    /// A string or a list of strings.
    Strings,
    /// Names with strings.
    StringMap,
    /// Columns with their types: a list of `"price: f64"` in the order of the columns, or a map.
    Schema,
    /// A closure.
    Closure,
    /// A closure, or names of columns.
    ClosureOrStrings,
}

impl ParameterKind {
    /// What was expected, for an error.
    #[must_use]
    pub fn expected(self) -> &'static str {
        match self {
            Self::Bool => "true or false",
            Self::Int => "an integer",
            Self::Scalar => "a number, a string or a bool",
            Self::String => "a string",
            Self::Strings => "a string or a list of strings",
            Self::StringMap => "a map of strings",
            Self::Schema => "a list of `\"name: type\"`, or a map of names with types",
            Self::Closure => "a closure",
            Self::ClosureOrStrings => "a closure, or names of columns",
        }
    }

    fn accepts(self, value: &Value) -> bool {
        let strings = |value: &Value| match value {
            Value::String(_) => true,
            Value::List(items) => items.iter().all(|item| matches!(item, Value::String(_))),
            Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Map(_) | Value::Closure(_) => false,
        };
        let map = |value: &Value| matches!(value, Value::Map(map) if map.values().all(|item| matches!(item, Value::String(_))));
        match self {
            Self::Bool => matches!(value, Value::Bool(_)),
            Self::Int => matches!(value, Value::Int(_)),
            Self::Scalar => matches!(value, Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::String(_)),
            Self::String => matches!(value, Value::String(_)),
            Self::Strings => strings(value),
            Self::StringMap => map(value),
            Self::Schema => map(value) || strings(value),
            Self::Closure => matches!(value, Value::Closure(_)),
            Self::ClosureOrStrings => matches!(value, Value::Closure(_)) || strings(value),
        }
    }
}

/// A parameter that an operator takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParameterSpec {
    /// Its name.
    pub name: &'static str,
    /// Its type.
    pub kind: ParameterKind,
    /// Whether the operator makes no sense without it.
    pub required: bool,
    /// What it says, in a few words.
    pub meaning: &'static str,
}

const fn required(name: &'static str, kind: ParameterKind, meaning: &'static str) -> ParameterSpec {
    ParameterSpec { name, kind, required: true, meaning }
}

const fn optional(name: &'static str, kind: ParameterKind, meaning: &'static str) -> ParameterSpec {
    ParameterSpec { name, kind, required: false, meaning }
}

use ParameterKind::{Bool, Closure, ClosureOrStrings, Int, Scalar, Schema, String as Text, StringMap, Strings};

const CONNECTOR: &[ParameterSpec] = &[
    optional("kafka_topic", Text, "the topic"),
    optional("topic", Text, "the topic (the same as `kafka_topic`)"),
    optional("path", Text, "a file, a directory or a glob"),
    optional("standard", Bool, "standard input or output"),
    optional("generator", Text, "a generator of the runtime, `nexmark` or `generate`"),
    optional("postgres", Text, "the URL of a PostgreSQL database; `table` among the options says which table"),
    optional("format", Text, "`arrow`, `parquet`, `csv` or `ndjson`"),
    optional("options", StringMap, "whatever else the connector takes"),
];

const SOURCE: &[ParameterSpec] = &[
    optional("record", Text, "the record that its rows are"),
    optional("schema", Schema, "its columns with their types, where there is no record"),
    optional("table", Bool, "it is a keyed table"),
    optional("primary_key", ClosureOrStrings, "what its rows are unique by"),
    optional("event_time", ClosureOrStrings, "its time column"),
    optional("lateness_ms", Int, "how far a row may be behind the latest one"),
    optional("idle_after_ms", Int, "silence after which nobody waits for its time any more"),
    optional("refresh_every_ms", Int, "how often the file of a table that is looked up is looked at"),
    optional("rows", Int, "a hint: about how many rows it has"),
];

const FILTER: &[ParameterSpec] = &[
    optional("function", Closure, "the predicate"),
    optional("column", Text, "the column to compare"),
    optional("operator", Text, "`>`, `>=`, `<`, `<=`, `==` or `!=`; `>` if it is missing"),
    optional("value", Scalar, "what the column is compared with"),
];

const FUNCTION: &[ParameterSpec] = &[required("function", Closure, "what is computed of each row")];

const SELECT: &[ParameterSpec] = &[required("columns", Strings, "the columns to keep")];

const JOIN: &[ParameterSpec] = &[
    required("left_key", ClosureOrStrings, "the key of the left input"),
    required("right_key", ClosureOrStrings, "the key of the right input"),
    optional("kind", Text, "`inner` (default), `left`, `right`, `full`, `semi` or `anti`"),
    optional("function", Closure, "what is computed of each pair"),
    optional("within_ms", Int, "how far apart in event time a pair may be"),
    optional("as_of_event_time", Bool, "the row of the right input that is in force at the time of the left row"),
    optional("lookup", Bool, "the right input is a table that is read as a whole first"),
    optional(
        "late_right",
        Text,
        "of a join in windows or in time: the sink that takes rows of the right input that came too late",
    ),
];

const ASOF_JOIN: &[ParameterSpec] = &[
    optional("left_key", ClosureOrStrings, "the key of the left input"),
    optional("right_key", ClosureOrStrings, "the key of the right input"),
    optional("direction", Text, "`backward` (default), `forward` or `nearest`"),
    optional("tolerance_ms", Int, "how far apart in event time a pair may be"),
    optional("kind", Text, "`inner` (default) or `left`"),
    optional("function", Closure, "what is computed of each pair"),
    optional("late", Text, "the sink that takes rows of the left input that came too late"),
    optional("late_right", Text, "the sink that takes rows of the right input that came too late"),
];

/// A window around an operator that is not an aggregate.
const INSIDE: &[ParameterSpec] = &[
    optional("window", Text, "`tumbling`, `sliding` or `cumulate`: the operator works inside each window"),
    optional("window_size_ms", Int, "length of a window"),
    optional("slide_ms", Int, "distance between windows"),
    optional("step_ms", Int, "by how much a cumulating window grows"),
    optional("offset_ms", Int, "where the first window begins, after the epoch"),
    optional("late", Text, "the sink that takes rows that came too late, of a join those of the left input"),
];

const AGGREGATE: &[ParameterSpec] = &[
    optional("key_by", ClosureOrStrings, "what the rows are grouped by"),
    optional("function", Closure, "what is computed of each group"),
    optional("reduce", Closure, "what becomes of two rows of a group"),
    optional("aggregate", Text, "`sum`, `count`, `min`, `max` or `avg`"),
    optional("column", Text, "the column to aggregate"),
    optional("emit_every_ms", Int, "give changes of a result at most this often"),
];

const KEYED: &[ParameterSpec] = &[required("key_by", ClosureOrStrings, "the key")];

const TOP_N: &[ParameterSpec] = &[
    required("n", Int, "how many rows"),
    required("by", ClosureOrStrings, "what they are compared by"),
    optional("key_by", ClosureOrStrings, "take that many of each key"),
    optional("emit_every_ms", Int, "give changes of a result at most this often"),
];

const ORDER_BY: &[ParameterSpec] =
    &[required("by", ClosureOrStrings, "what the rows are sorted by"), optional("descending", Bool, "greatest first")];

const LIMIT: &[ParameterSpec] = &[required("n", Int, "how many rows")];

const WINDOW: &[ParameterSpec] = &[
    optional("window_size_ms", Int, "length of a window"),
    optional("slide_ms", Int, "distance between windows"),
    optional("gap_ms", Int, "silence that ends a session"),
    optional("step_ms", Int, "by how much a cumulating window grows"),
    optional("count", Int, "how many rows make a counting window"),
    optional("offset_ms", Int, "where the first window begins, after the epoch"),
    optional("processing_time", Bool, "windows of the machine's clock"),
    optional("allowed_lateness_ms", Int, "how long after its end a window still takes rows"),
    optional("emit_every_ms", Int, "give unfinished windows this often"),
    optional("late", Text, "the sink that takes rows that came too late"),
    optional("timestamp_column", Text, "the time column"),
    optional("key_by", ClosureOrStrings, "what the rows are grouped by"),
    optional("function", Closure, "what is computed of each window"),
    optional("reduce", Closure, "what becomes of two rows of a window"),
    optional("aggregate", Text, "`sum`, `count`, `min`, `max` or `avg`"),
    optional("aggregate_column", Text, "the column to aggregate"),
    optional("column", Text, "the column to aggregate (the same as `aggregate_column`)"),
];

/// What every operator takes beside its own.
const ANY: &[ParameterSpec] = &[
    optional("errors", Text, "the sink that takes rows it cannot compute"),
    optional("on_error", Text, "`fail` (default) or `skip`"),
    optional("stateful", Bool, "noted, not needed: the compiler sees which operators keep state"),
];

/// The parameters that an operator takes.
pub fn parameters_of(operator_type: OperatorType) -> impl Iterator<Item = &'static ParameterSpec> {
    let own: [&[ParameterSpec]; 2] = match operator_type {
        OperatorType::Source => [CONNECTOR, SOURCE],
        OperatorType::Sink => [CONNECTOR, &[]],
        OperatorType::Filter => [FILTER, &[]],
        OperatorType::Map | OperatorType::FilterMap | OperatorType::FlatMap => [FUNCTION, &[]],
        OperatorType::Select => [SELECT, &[]],
        OperatorType::HashJoin => [JOIN, INSIDE],
        OperatorType::AsofJoin => [ASOF_JOIN, &[]],
        OperatorType::Aggregate => [AGGREGATE, &[]],
        OperatorType::Dedup => [KEYED, INSIDE],
        OperatorType::Distinct => [&[], INSIDE],
        OperatorType::TopN => [TOP_N, INSIDE],
        OperatorType::OrderBy => [ORDER_BY, &[]],
        OperatorType::Limit => [LIMIT, &[]],
        OperatorType::TumblingWindow
        | OperatorType::SlidingWindow
        | OperatorType::SessionWindow
        | OperatorType::CumulateWindow
        | OperatorType::CountWindow => [WINDOW, &[]],
        OperatorType::Union => [&[], &[]],
    };
    own.into_iter().flatten().chain(ANY)
}

/// A parameter that does not fit its operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ParameterError {
    /// The operator takes no such parameter.
    Unknown {
        /// Its name.
        name: String,
        /// What the operator takes.
        known: Vec<&'static str>,
    },
    /// The operator makes no sense without it.
    Missing {
        /// Its name.
        name: &'static str,
        /// What it says.
        meaning: &'static str,
    },
    /// Its value has the wrong type.
    WrongType {
        /// Its name.
        name: String,
        /// What was expected.
        expected: &'static str,
        /// What it is.
        found: &'static str,
    },
    /// One of a few words was expected.
    WrongWord {
        /// Its name.
        name: String,
        /// What it says.
        found: String,
        /// What it may say.
        expected: &'static [&'static str],
    },
}

impl fmt::Display for ParameterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown { name, known } => {
                write!(f, "there is no parameter `{name}`; it takes `{}`", known.join("`, `"))
            }
            Self::Missing { name, meaning } => write!(f, "parameter `{name}` is missing: {meaning}"),
            Self::WrongType { name, expected, found } => {
                write!(f, "parameter `{name}` is {found}, where {expected} was expected")
            }
            Self::WrongWord { name, found, expected } => {
                write!(f, "parameter `{name}` is `{found}`, where one of `{}` was expected", expected.join("`, `"))
            }
        }
    }
}

impl std::error::Error for ParameterError {}

/// Words that a parameter of type string may say.
const WORDS: &[(&str, &[&str])] = &[
    ("format", &["arrow", "parquet", "csv", "ndjson", "json"]),
    ("kind", &["inner", "left", "right", "full", "semi", "anti"]),
    ("operator", &[">", ">=", "<", "<=", "==", "!="]),
    ("aggregate", &["sum", "count", "min", "max", "avg"]),
    ("on_error", &["fail", "skip"]),
    ("direction", &["backward", "forward", "nearest"]),
    ("window", &["tumbling", "sliding", "cumulate"]),
];

/// Whether the node's parameters fit its type.
pub(super) fn check(node: &StreamOperatorNode) -> Result<(), ParameterError> {
    for (name, parameter) in &node.parameters {
        let Some(spec) = parameters_of(node.operator_type).find(|spec| spec.name == name) else {
            let known = parameters_of(node.operator_type).map(|spec| spec.name).collect();
            return Err(ParameterError::Unknown { name: name.clone(), known });
        };
        if !spec.kind.accepts(&parameter.value) {
            return Err(ParameterError::WrongType {
                name: name.clone(),
                expected: spec.kind.expected(),
                found: describe(&parameter.value),
            });
        }
        if let (Some((_, words)), Value::String(word)) =
            (WORDS.iter().find(|(parameter, _)| parameter == name), &parameter.value)
            && !words.contains(&word.as_str())
        {
            return Err(ParameterError::WrongWord { name: name.clone(), found: word.clone(), expected: words });
        }
    }
    for spec in parameters_of(node.operator_type).filter(|spec| spec.required) {
        if !node.parameters.contains_key(spec.name) {
            return Err(ParameterError::Missing { name: spec.name, meaning: spec.meaning });
        }
    }
    if node.operator_type == OperatorType::Filter && node.get("function").is_none() {
        for name in ["column", "value"] {
            if node.get(name).is_none() {
                let spec = FILTER.iter().find(|spec| spec.name == name).expect("both are listed");
                return Err(ParameterError::Missing { name: spec.name, meaning: spec.meaning });
            }
        }
    }
    Ok(())
}

fn describe(value: &Value) -> &'static str {
    match value {
        Value::Bool(_) => "a bool",
        Value::Int(_) => "an integer",
        Value::Float(_) => "a number",
        Value::String(_) => "a string",
        Value::List(_) => "a list",
        Value::Map(_) => "a map",
        Value::Closure(_) => "a closure",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guide_parameters_are_accepted() {
        let filter =
            StreamOperatorNode::new(OperatorType::Filter, "expensive").param("column", "price").param("value", 100.0);
        assert_eq!(check(&filter), Ok(()));
        let join = StreamOperatorNode::new(OperatorType::HashJoin, "enrich")
            .param("left_key", "instrumentId")
            .param("right_key", "ID");
        assert_eq!(check(&join), Ok(()));
    }

    #[test]
    fn errors_name_parameter_and_expectation() {
        let unknown = StreamOperatorNode::new(OperatorType::Limit, "l").param("count", 3);
        assert!(check(&unknown).unwrap_err().to_string().starts_with("there is no parameter `count`; it takes `n`"));
        let missing = StreamOperatorNode::new(OperatorType::Filter, "f").param("column", "price");
        assert_eq!(
            check(&missing).unwrap_err().to_string(),
            "parameter `value` is missing: what the column is compared with"
        );
        let wrong = StreamOperatorNode::new(OperatorType::Limit, "l").param("n", "three");
        assert_eq!(check(&wrong).unwrap_err().to_string(), "parameter `n` is a string, where an integer was expected");
    }
}
