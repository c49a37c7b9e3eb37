//! A job as its author wrote it: operators with parameters, and the edges between them.
//!
//! Made from job.rs by the parser, by hand through the guide's API (`JobGraph::new`, `StreamOperatorNode::new`,
//! `add_operator`, `connect`), or from the stable JSON form. Logical only: nothing here says how it runs. Parameters are
//! checked against the operator's type when it is added; types of columns are the checker's.

mod parameters;

pub use parameters::{ParameterError, ParameterKind, ParameterSpec, parameters_of};

use crate::ast::{self, Closure};
use crate::span::Span;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// Names an operator of one graph.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct OperatorId(pub String);

impl fmt::Display for OperatorId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What an operator does; the names of the guide.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum OperatorType {
    /// Reads rows.
    Source,
    /// Keeps the rows for which a predicate holds.
    Filter,
    /// Makes one row of each row.
    Map,
    /// Makes one row or none of each row.
    FilterMap,
    /// Makes any number of rows of each row.
    FlatMap,
    /// Keeps some columns.
    Select,
    /// All rows of all inputs.
    Union,
    /// Joins two inputs on equal keys.
    HashJoin,
    /// Joins each row with the one row of another input that is nearest in time.
    AsofJoin,
    /// Groups and aggregates.
    Aggregate,
    /// Keeps one of equal rows.
    Distinct,
    /// Keeps the first row of each key.
    Dedup,
    /// Keeps the greatest rows, of all or of each key.
    TopN,
    /// Sorts a bounded input.
    OrderBy,
    /// Keeps the first rows.
    Limit,
    /// Aggregates by tumbling windows.
    TumblingWindow,
    /// Aggregates by sliding windows.
    SlidingWindow,
    /// Aggregates by session windows.
    SessionWindow,
    /// Aggregates by windows that grow step by step.
    CumulateWindow,
    /// Aggregates by numbers of rows.
    CountWindow,
    /// Writes rows.
    Sink,
}

impl OperatorType {
    /// All of them, in the order of the guide.
    pub const ALL: [Self; 21] = [
        Self::Source,
        Self::Filter,
        Self::Map,
        Self::FilterMap,
        Self::FlatMap,
        Self::Select,
        Self::Union,
        Self::HashJoin,
        Self::AsofJoin,
        Self::Aggregate,
        Self::Distinct,
        Self::Dedup,
        Self::TopN,
        Self::OrderBy,
        Self::Limit,
        Self::TumblingWindow,
        Self::SlidingWindow,
        Self::SessionWindow,
        Self::CumulateWindow,
        Self::CountWindow,
        Self::Sink,
    ];

    /// The name that the operator has in every layer: `hash_join`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Source => "source",
            Self::Filter => "filter",
            Self::Map => "map",
            Self::FilterMap => "filter_map",
            Self::FlatMap => "flat_map",
            Self::Select => "select",
            Self::Union => "union",
            Self::HashJoin => "hash_join",
            Self::AsofJoin => "asof_join",
            Self::Aggregate => "aggregate",
            Self::Distinct => "distinct",
            Self::Dedup => "dedup",
            Self::TopN => "top_n",
            Self::OrderBy => "order_by",
            Self::Limit => "limit",
            Self::TumblingWindow => "tumbling_window",
            Self::SlidingWindow => "sliding_window",
            Self::SessionWindow => "session_window",
            Self::CumulateWindow => "cumulate_window",
            Self::CountWindow => "count_window",
            Self::Sink => "sink",
        }
    }
}

/// The value of an operator's parameter.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// `true`.
    Bool(bool),
    /// `300000`.
    Int(i64),
    /// `100.0`.
    Float(f64),
    /// `"price"`.
    String(String),
    /// `["ID", "CUSIP"]`.
    List(Vec<Value>),
    /// `{"price": "f64"}`.
    Map(BTreeMap<String, Value>),
    /// Code: `|q| q.price > 100.0`. In JSON `{"rust": "|q| q.price > 100.0"}`.
    Closure(Closure),
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}
impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}
impl From<i32> for Value {
    fn from(value: i32) -> Self {
        Self::Int(value.into())
    }
}
impl From<f64> for Value {
    fn from(value: f64) -> Self {
        Self::Float(value)
    }
}
impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::String(value.to_owned())
    }
}
impl From<String> for Value {
    fn from(value: String) -> Self {
        Self::String(value)
    }
}
impl<T: Into<Value>, const N: usize> From<[T; N]> for Value {
    fn from(values: [T; N]) -> Self {
        Self::List(values.into_iter().map(Into::into).collect())
    }
}
impl<T: Into<Value>> From<Vec<T>> for Value {
    fn from(values: Vec<T>) -> Self {
        Self::List(values.into_iter().map(Into::into).collect())
    }
}

/// A parameter and where its author wrote it.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameter {
    /// Its value.
    pub value: Value,
    /// Where it stands.
    pub span: Span,
}

/// An operator of a [`JobGraph`].
#[derive(Clone, Debug, PartialEq)]
pub struct StreamOperatorNode {
    /// Names the operator in its graph; made of its name.
    pub operator_id: OperatorId,
    /// What it does.
    pub operator_type: OperatorType,
    /// The author's name for it.
    pub name: String,
    /// Its parameters by name.
    pub parameters: BTreeMap<String, Parameter>,
    /// Where it stands in job.rs: the method's name.
    pub span: Span,
}

impl StreamOperatorNode {
    /// An operator without parameters.
    #[must_use]
    pub fn new(operator_type: OperatorType, name: impl Into<String>) -> Self {
        let name = name.into();
        Self {
            operator_id: OperatorId(name.clone()),
            operator_type,
            name,
            parameters: BTreeMap::new(),
            span: Span::NONE,
        }
    }

    /// Sets a parameter.
    #[must_use]
    pub fn param(self, name: &str, value: impl Into<Value>) -> Self {
        self.param_at(name, value.into(), Span::NONE)
    }

    /// Sets a parameter that stands at `span` in job.rs.
    #[must_use]
    pub fn param_at(mut self, name: &str, value: Value, span: Span) -> Self {
        self.parameters.insert(name.to_owned(), Parameter { value, span });
        self
    }

    /// The columns that the rows are grouped by: the guide's `key_by=['symbol']`.
    #[must_use]
    pub fn key_by<const N: usize>(self, columns: [&str; N]) -> Self {
        self.param("key_by", columns)
    }

    /// The value of a parameter.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.parameters.get(name).map(|parameter| &parameter.value)
    }
}

/// Rows flow from one operator to another. The inputs of an operator are its edges in the order they were connected:
/// the first input of a join is its left side.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Edge {
    /// Who makes the rows.
    pub from: OperatorId,
    /// Who takes them.
    pub to: OperatorId,
}

/// A parameter of the whole job: `fn job(#[sabot(default = 100.0)] min_price: f64)`.
#[derive(Clone, Debug, PartialEq)]
pub struct JobParam {
    /// Its name.
    pub name: ast::Name,
    /// Its type as written.
    pub ty: ast::TypeName,
    /// Its value unless `--set` gives another.
    pub default: Option<ast::Expr>,
}

/// A job: a directed acyclic graph of operators, and the code that they use.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct JobGraph {
    /// The job's name.
    pub job_name: String,
    /// Parameters of the job.
    pub params: Vec<JobParam>,
    /// Records that sources and closures name.
    pub records: Vec<ast::Record>,
    /// UDFs that closures call.
    pub functions: Vec<ast::Function>,
    /// Constants.
    pub consts: Vec<ast::Const>,
    /// The operators in the order they were added.
    pub operators: Vec<StreamOperatorNode>,
    /// The edges in the order they were connected.
    pub edges: Vec<Edge>,
    /// The text that spans count in, where whoever made the graph gave it.
    pub source: Option<SourceText>,
}

/// The job.rs that a graph was made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceText {
    /// Its name without its folder.
    pub file: String,
    /// What it holds.
    pub text: String,
}

/// What `add_operator` and `connect` refuse.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GraphError {
    /// Two operators of one name.
    DuplicateOperator(OperatorId),
    /// An edge from or to an operator that was not added.
    UnknownOperator(OperatorId),
    /// An edge that would close a circle.
    Cycle(OperatorId, OperatorId),
    /// An edge out of a sink or into a source.
    WrongDirection(OperatorId, &'static str),
    /// A parameter that the operator does not take, lacks, or takes in another type.
    Parameter(OperatorId, ParameterError),
}

impl fmt::Display for GraphError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DuplicateOperator(id) => write!(f, "the graph already has an operator named `{id}`"),
            Self::UnknownOperator(id) => {
                write!(f, "the graph has no operator `{id}`: add it before connecting it")
            }
            Self::Cycle(from, to) => write!(f, "an edge from `{from}` to `{to}` would close a circle"),
            Self::WrongDirection(id, why) => write!(f, "`{id}` {why}"),
            Self::Parameter(id, error) => write!(f, "operator `{id}`: {error}"),
        }
    }
}

impl std::error::Error for GraphError {}

impl JobGraph {
    /// A job without operators.
    #[must_use]
    pub fn new(job_name: impl Into<String>) -> Self {
        Self { job_name: job_name.into(), ..Self::default() }
    }

    /// Adds an operator, whose parameters must fit its type.
    ///
    /// # Errors
    /// An operator of this name exists, or a parameter is unknown, missing or ill-typed.
    pub fn add_operator(&mut self, node: StreamOperatorNode) -> Result<OperatorId, GraphError> {
        if self.operator(&node.operator_id).is_some() {
            return Err(GraphError::DuplicateOperator(node.operator_id));
        }
        parameters::check(&node).map_err(|error| GraphError::Parameter(node.operator_id.clone(), error))?;
        let id = node.operator_id.clone();
        self.operators.push(node);
        Ok(id)
    }

    /// Lets the rows of `from` flow to `to`.
    ///
    /// # Errors
    /// One of them is not in the graph, or the edge makes no sense.
    pub fn connect(&mut self, from: &OperatorId, to: &OperatorId) -> Result<(), GraphError> {
        let source = self.operator(from).ok_or_else(|| GraphError::UnknownOperator(from.clone()))?;
        let target = self.operator(to).ok_or_else(|| GraphError::UnknownOperator(to.clone()))?;
        if source.operator_type == OperatorType::Sink {
            return Err(GraphError::WrongDirection(from.clone(), "is a sink: nothing flows out of it"));
        }
        if target.operator_type == OperatorType::Source {
            return Err(GraphError::WrongDirection(to.clone(), "is a source: nothing flows into it"));
        }
        if self.reaches(to, from) {
            return Err(GraphError::Cycle(from.clone(), to.clone()));
        }
        self.edges.push(Edge { from: from.clone(), to: to.clone() });
        Ok(())
    }

    /// The operator with this id.
    #[must_use]
    pub fn operator(&self, id: &OperatorId) -> Option<&StreamOperatorNode> {
        self.operators.iter().find(|node| node.operator_id == *id)
    }

    /// The operators whose rows flow into `id`, in the order of its inputs.
    pub fn inputs<'a>(&'a self, id: &'a OperatorId) -> impl Iterator<Item = &'a OperatorId> {
        self.edges.iter().filter(move |edge| edge.to == *id).map(|edge| &edge.from)
    }

    fn reaches(&self, from: &OperatorId, to: &OperatorId) -> bool {
        let mut waiting = vec![from];
        let mut seen = Vec::new();
        while let Some(id) = waiting.pop() {
            if id == to {
                return true;
            }
            if seen.contains(&id) {
                continue;
            }
            seen.push(id);
            waiting.extend(self.edges.iter().filter(|edge| edge.from == *id).map(|edge| &edge.to));
        }
        false
    }
}
