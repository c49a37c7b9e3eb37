//! Random jobs for property tests: a well-typed plan with all operators, and small tables of edge values to run it on.
//!
//! The same seed gives the same job. Where the language leaves the order of rows open to the compiler (after a join,
//! whose sides may be swapped, and after a union), no operator stands whose rows would depend on it: the rows of every
//! sink are then the same as a multiset, up to the rounding of float sums ([`Value::is_close_to`]).

mod compare;
mod expression;
mod operators;
mod time;
mod user_aggregate;
mod value;

pub use compare::difference;
pub use value::{Rng, random_value};

use crate::run::{Inputs, Row, default_params};
use crate::value::Value;
use expression::ExprBuilder;
use sabot_ir::expr::{Expr, Literal};
use sabot_ir::plan::{
    Connector, ErrorPolicy, Format, Location, Node, NodeId, Operator, Param, Plan, Sink, SinkId, Source, SourceId,
    Statistics,
};
use sabot_ir::span::Span;
use sabot_ir::ty::{Field, Schema, TimeUnit, Type};
use std::collections::BTreeMap;
use time::Times;

/// What random jobs are made of.
#[derive(Clone, Debug)]
pub struct RandomOptions {
    /// At most so many operators between sources and sinks.
    pub operators: u32,
    /// At most so many rows in a source.
    pub rows: u32,
    /// Expressions that can be row errors, and operators that skip rows.
    pub fallible: bool,
    /// Event time, windows, joins in time.
    pub time: bool,
    /// Types of the columns; each also as an `Option`.
    pub types: Vec<Type>,
}

impl Default for RandomOptions {
    fn default() -> Self {
        Self {
            operators: 8,
            rows: 12,
            fallible: true,
            time: false,
            types: vec![
                Type::Bool,
                Type::Int8,
                Type::Int16,
                Type::Int32,
                Type::Int64,
                Type::Int64,
                Type::UInt8,
                Type::UInt16,
                Type::UInt32,
                Type::UInt64,
                Type::Float32,
                Type::Float64,
                Type::Float64,
                Type::String,
                Type::String,
                Type::Date,
                Type::Timestamp(TimeUnit::Microsecond),
                Type::Timestamp(TimeUnit::Nanosecond),
                Type::Duration,
                Type::Decimal(10, 2),
                Type::Bytes,
            ],
        }
    }
}

/// A plan and what to run it on.
#[derive(Clone, Debug)]
pub struct RandomJob {
    /// Well-typed; every operator is reached by a sink.
    pub plan: Plan,
    /// Rows of its sources.
    pub inputs: Inputs,
    /// Values of its parameters.
    pub params: Vec<Value>,
}

/// The job of this seed.
#[must_use]
pub fn random_job(seed: u64, options: &RandomOptions) -> RandomJob {
    let mut builder = Builder {
        rng: Rng::new(seed),
        options: options.clone(),
        plan: Plan { job: format!("random_{seed}"), ..Plan::default() },
        streams: Vec::new(),
        inputs: Inputs::new(),
        names: 0,
        errors: SinkId(0),
    };
    builder.params();
    if options.fallible {
        builder.error_sink();
    }
    for _ in 0..=builder.rng.below(3) {
        builder.source();
    }
    for _ in 0..builder.rng.below(u64::from(options.operators) + 1) {
        builder.operator();
    }
    builder.sinks();
    let params = default_params(&builder.plan).expect("all have defaults");
    RandomJob { plan: builder.plan, inputs: builder.inputs, params }
}

/// A stream of rows that operators may read.
#[derive(Clone)]
struct Stream {
    node: NodeId,
    /// The order of its rows does not depend on what the compiler does.
    ordered: bool,
    /// No more rows than this.
    rows: u64,
    readers: u32,
    times: Times,
}

struct Builder {
    rng: Rng,
    options: RandomOptions,
    plan: Plan,
    streams: Vec<Stream>,
    inputs: Inputs,
    names: u32,
    /// Where refused rows go.
    errors: SinkId,
}

impl Builder {
    fn name(&mut self, what: &str) -> String {
        self.names += 1;
        format!("{what}{}", self.names)
    }

    fn ty(&mut self) -> Type {
        let ty = self.rng.pick(&self.options.types).clone();
        if self.rng.percent(25) { ty.optional() } else { ty }
    }

    fn schema(&mut self, types: Vec<Type>) -> Schema {
        Schema::new(types.into_iter().map(|ty| Field::new(self.name("c"), ty)).collect())
    }

    fn schema_of(&self, stream: usize) -> Schema {
        self.plan.node(self.streams[stream].node).schema.clone()
    }

    fn connector(name: &str) -> Connector {
        Connector {
            location: Location::Path(format!("{name}.arrow")),
            format: Some(Format::Arrow),
            options: BTreeMap::new(),
        }
    }

    fn params(&mut self) {
        for ty in [Type::Int64, Type::Float64] {
            let value = random_value(&mut self.rng, &ty);
            let default = value.as_int().map(Literal::Int).or_else(|| value.as_float().map(Literal::Float));
            let default = default.expect("both are numbers");
            let name = self.name("p");
            self.plan.params.push(Param { name, ty, default: Some(default) });
        }
    }

    /// Only what does not depend on the names that operators have, and on how rows are written as text.
    fn error_sink(&mut self) {
        let schema = Schema::new(vec![Field::new("code", Type::Int64), Field::new("message", Type::String)]);
        let connector = Self::connector("errors");
        self.errors = SinkId(self.plan.sinks.len() as u32);
        self.plan.sinks.push(Sink { name: "errors".to_owned(), connector, schema, span: Span::NONE });
    }

    fn source(&mut self) {
        let mut types: Vec<Type> = (0..=self.rng.below(6)).map(|_| self.ty()).collect();
        if self.options.time {
            types.insert(0, Type::Timestamp(TimeUnit::Microsecond));
        }
        let schema = self.schema(types);
        let name = self.name("source");
        let count = self.rng.below(u64::from(self.options.rows) + 1);
        let mut rows: Vec<Row> = (0..count)
            .map(|_| schema.fields.iter().map(|field| random_value(&mut self.rng, &field.ty)).collect())
            .collect();
        let timed = self.options.time.then(|| self.event_time(&mut rows));
        self.inputs.insert(name.clone(), rows);
        let source = SourceId(self.plan.sources.len() as u32);
        self.plan.sources.push(Source {
            connector: Self::connector(&name),
            name: name.clone(),
            schema: schema.clone(),
            primary_key: None,
            event_time: timed.as_ref().map(|(event_time, _)| event_time.clone()),
            statistics: Statistics { rows: self.rng.percent(50).then_some(count), distinct: BTreeMap::new() },
            span: Span::NONE,
        });
        let columns = (0..schema.len() as u32).collect();
        let node = self.add(name, Operator::Source { source, columns, prune: None }, &[], schema, true, count);
        if let (Some((_, times)), Some(stream)) = (timed, self.streams.last_mut()) {
            stream.times = times;
            self.plan.node_mut(node).properties = Self::properties(times);
        }
    }

    /// Adds an operator; its rows become a stream.
    fn add(
        &mut self,
        name: String,
        operator: Operator,
        inputs: &[usize],
        schema: Schema,
        ordered: bool,
        rows: u64,
    ) -> NodeId {
        let nodes = inputs.iter().map(|stream| self.streams[*stream].node).collect();
        for stream in inputs {
            self.streams[*stream].readers += 1;
        }
        let skips = self.options.fallible && !matches!(operator, Operator::Source { .. } | Operator::Sink { .. });
        let on_error = match self.rng.below(10) {
            0..2 if skips => ErrorPolicy::Skip,
            2..4 if skips => ErrorPolicy::Sink(self.errors),
            _ => ErrorPolicy::Fail,
        };
        let times = self.times_after(&operator, inputs);
        let node = self.plan.add(Node {
            name,
            operator,
            inputs: nodes,
            schema,
            properties: Self::properties(times),
            on_error,
            span: Span::NONE,
        });
        self.streams.push(Stream { node, ordered, rows, readers: 0, times });
        node
    }

    /// A stream; mostly one that nobody reads yet.
    fn pick(&mut self) -> usize {
        let unread: Vec<usize> = (0..self.streams.len()).filter(|at| self.streams[*at].readers == 0).collect();
        if !unread.is_empty() && self.rng.percent(80) {
            *self.rng.pick(&unread)
        } else {
            self.rng.below(self.streams.len() as u64) as usize
        }
    }

    /// Every stream that nobody reads is written, and some that are read.
    fn sinks(&mut self) {
        for stream in 0..self.streams.len() {
            if self.streams[stream].readers > 0 && !self.rng.percent(15) {
                continue;
            }
            let name = self.name("sink");
            let schema = self.schema_of(stream);
            let sink = SinkId(self.plan.sinks.len() as u32);
            let connector = Self::connector(&name);
            self.plan.sinks.push(Sink { name: name.clone(), connector, schema: schema.clone(), span: Span::NONE });
            self.add(name, Operator::Sink { sink }, &[stream], schema, true, 0);
            self.streams.pop();
        }
    }

    fn columns_of(&self, schema: &Schema, ty: &Type) -> Vec<Expr> {
        let columns = (0u32..).zip(&schema.fields).filter(|(_, field)| field.ty == *ty);
        columns.map(|(at, field)| Expr::column(at, field.ty.clone())).collect()
    }

    fn column(&mut self, schema: &Schema) -> Expr {
        let at = self.rng.below(schema.len() as u64) as usize;
        Expr::column(at as u32, schema.fields[at].ty.clone())
    }

    fn expr(&mut self, schema: &Schema, ty: &Type, depth: u32) -> Expr {
        let types = self.options.types.clone();
        let fallible = self.options.fallible;
        let params = self.plan.params.iter().map(|param| param.ty.clone()).collect();
        let mut rng = self.rng.clone();
        let expr = ExprBuilder { rng: &mut rng, types, params, schema, fallible, locals: Vec::new(), next_local: 0 }
            .expr(ty, depth);
        self.rng = rng;
        expr
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::run;

    #[test]
    fn random_jobs_are_well_typed_and_run() {
        let mut succeeded = 0;
        for seed in 0..500 {
            let job = random_job(seed, &RandomOptions::default());
            assert_eq!(sabot_ir::verify::plan::verify(&job.plan), Vec::<String>::new(), "seed {seed}");
            succeeded += u32::from(run(&job.plan, &job.inputs, &job.params).is_ok());
        }
        assert!(succeeded > 250, "only {succeeded} of 500 random jobs succeed: the others test little");
    }

    #[test]
    fn without_fallible_operations_only_groups_can_fail() {
        let options = RandomOptions { fallible: false, ..RandomOptions::default() };
        for seed in 0..300 {
            let job = random_job(seed, &options);
            if let Err(failure) = run(&job.plan, &job.inputs, &job.params) {
                let of_group = [crate::RowErrorCode::SumOverflow, crate::RowErrorCode::NoRows];
                assert!(of_group.contains(&failure.error.code), "seed {seed}: {failure}");
            }
        }
    }
}
