//! Random jobs for property tests: a well-typed plan with all operators, and small tables of edge values to run it on.
//!
//! The same seed gives the same job. Where the language leaves the order of rows open to the compiler (after a join,
//! whose sides may be swapped, and after a union), no operator stands whose rows would depend on it: the rows of every
//! sink are then the same as a multiset, up to the rounding of float sums ([`Value::is_close_to`]).

mod time;
mod user_aggregate;

use crate::run::{Inputs, Row, default_params};
use crate::value::{Value, sort_order};
use sabot_ir::expr::{BinaryOp, Expr, ExprKind, Function, Literal, LocalId, ParamId, UnaryOp};
use sabot_ir::plan::{
    AggregateCall, AggregateFunction, Connector, ErrorPolicy, Format, JoinKind, Location, Node, NodeId, Operator,
    Param, Plan, Side, Sink, SinkId, SortKey, Source, SourceId, Statistics, UserPart,
};
use sabot_ir::span::Span;
use sabot_ir::text::TextFunction;
use sabot_ir::ty::{Field, Schema, TimeUnit, Type};
use std::cmp::Ordering;
use std::collections::BTreeMap;
use time::Times;
use user_aggregate::user_aggregate;

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

/// A small generator of random numbers (SplitMix64): good enough, and the same everywhere.
#[derive(Clone, Debug)]
pub struct Rng(u64);

impl Rng {
    /// The generator of this seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next 64 bits.
    pub fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `end`, which is not zero.
    pub fn below(&mut self, end: u64) -> u64 {
        self.next_u64() % end
    }

    /// True in so many of a hundred cases.
    pub fn percent(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    /// One of these, of which there is one.
    pub fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len() as u64) as usize]
    }
}

/// A value of this type: mostly small, so that keys meet, sometimes an edge of the type.
pub fn random_value(rng: &mut Rng, ty: &Type) -> Value {
    const STRINGS: [&str; 8] = ["", "a", "b", "ab", "äö", "abcdefghijklm", "abcdefghijklmnop", "A"];
    let edge = rng.percent(12);
    let signed = |rng: &mut Rng, bits: u32| {
        let (min, max) = (-(1i128 << (bits - 1)), (1i128 << (bits - 1)) - 1);
        if edge { *rng.pick(&[min, max, min + 1, -1]) } else { i128::from(rng.below(6)) - 1 }
    };
    let unsigned = |rng: &mut Rng, bits: u32| {
        if edge { *rng.pick(&[0, (1i128 << bits) - 1]) } else { i128::from(rng.below(5)) }
    };
    match ty {
        Type::Unit => Value::Unit,
        Type::Bool => Value::Bool(rng.percent(50)),
        Type::Int8 => Value::Int(signed(rng, 8)),
        Type::Int16 => Value::Int(signed(rng, 16)),
        Type::Int32 => Value::Int(signed(rng, 32)),
        Type::Int64 => Value::Int(signed(rng, 64)),
        Type::UInt8 => Value::Int(unsigned(rng, 8)),
        Type::UInt16 => Value::Int(unsigned(rng, 16)),
        Type::Char => Value::Int(i128::from(b'a') + i128::from(rng.below(26))),
        Type::UInt32 => Value::Int(unsigned(rng, 32)),
        Type::UInt64 => Value::Int(unsigned(rng, 64)),
        Type::Float32 if edge => Value::Float32(*rng.pick(&[f32::NAN, f32::INFINITY, -0.0, 0.1])),
        Type::Float64 if edge => Value::Float64(*rng.pick(&[f64::NAN, f64::INFINITY, -0.0, 0.1, -1e15])),
        Type::Float32 => Value::Float32((rng.below(9) as f32 - 2.0) / 2.0),
        Type::Float64 => Value::Float64((rng.below(9) as f64 - 2.0) / 2.0),
        Type::String => Value::String((*rng.pick(&STRINGS)).to_owned()),
        Type::Bytes => Value::Bytes(rng.pick(&STRINGS).as_bytes().to_vec()),
        Type::Decimal(..) | Type::Date | Type::Timestamp(_) | Type::Duration => Value::Int(i128::from(rng.below(5))),
        Type::Option(_) if rng.percent(25) => Value::Null,
        Type::Option(inner) => random_value(rng, inner),
        Type::List(item) => Value::List((0..rng.below(4)).map(|_| random_value(rng, item)).collect()),
    }
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

    fn operator(&mut self) {
        let input = self.pick();
        if self.options.time && self.rng.percent(40) {
            return self.operator_of_time(input);
        }
        let Stream { ordered, rows, .. } = self.streams[input];
        let schema = self.schema_of(input);
        match self.rng.below(12) {
            0 | 1 => {
                let predicate = self.expr(&schema, &Type::Bool, 3);
                let name = self.name("filter");
                self.add(name, Operator::Filter { predicate }, &[input], schema, ordered, rows);
            }
            2 | 3 => {
                let columns: Vec<Expr> = (0..=self.rng.below(5))
                    .map(|_| {
                        let ty = self.ty();
                        if self.rng.percent(60) { self.column(&schema) } else { self.expr(&schema, &ty, 3) }
                    })
                    .collect();
                self.project(input, columns);
            }
            4 => self.union(input),
            5..=7 => self.join(input),
            8 => self.aggregate(input),
            9 => {
                // Without an order, which of the rows of one key is kept would depend on the compiler.
                let all = (0u32..).zip(&schema.fields).map(|(at, field)| Expr::column(at, field.ty.clone())).collect();
                let has_float = schema.fields.iter().any(|field| field.ty.value_type().is_float());
                let keys = if ordered { self.keys(&schema, 2) } else { all };
                if ordered || !has_float {
                    let name = self.name("dedup");
                    self.add(name, Operator::Dedup { keys }, &[input], schema, ordered, rows);
                }
            }
            10 => {
                let by = (0..=self.rng.below(2))
                    .map(|_| {
                        let expr = if self.rng.percent(70) {
                            self.column(&schema)
                        } else {
                            let ty = self.ty();
                            self.expr(&schema, &ty, 2)
                        };
                        SortKey { expr, descending: self.rng.percent(50) }
                    })
                    .collect();
                let limited = ordered && self.rng.percent(50);
                let limit = limited.then(|| self.rng.below(6));
                let partition_by = if limited && self.rng.percent(40) { self.keys(&schema, 1) } else { Vec::new() };
                let name = self.name("sort");
                self.add(name, Operator::Sort { by, limit, partition_by }, &[input], schema, ordered, rows);
            }
            _ if ordered => {
                let name = self.name("limit");
                let limit = self.rng.below(8);
                self.add(name, Operator::Limit { rows: limit }, &[input], schema, ordered, rows);
            }
            _ => {}
        }
    }

    fn project(&mut self, input: usize, columns: Vec<Expr>) -> usize {
        let Stream { ordered, rows, .. } = self.streams[input];
        let schema = self.schema(columns.iter().map(|column| column.ty.clone()).collect());
        let name = self.name("map");
        self.add(name, Operator::Project { columns }, &[input], schema, ordered, rows);
        self.streams.len() - 1
    }

    /// Of this stream and of another that is made to fit.
    fn union(&mut self, input: usize) {
        let schema = self.schema_of(input);
        let other = self.pick();
        let other_schema = self.schema_of(other);
        let rows = self.streams[input].rows + self.streams[other].rows;
        let columns = schema.fields.iter().map(|field| self.expr(&other_schema, &field.ty, 1)).collect();
        let mut inputs = vec![input, self.project(other, columns)];
        if self.rng.percent(30) {
            inputs.push(input);
        }
        let name = self.name("union");
        self.add(name, Operator::Union, &inputs, schema, false, rows * 2);
    }

    fn join(&mut self, left: usize) {
        let right = self.pick();
        let (left_schema, right_schema) = (self.schema_of(left), self.schema_of(right));
        let (l, r) = (self.streams[left].rows, self.streams[right].rows);
        let rows = l * r + l + r;
        if rows > 2_000 {
            return;
        }
        let pairs: Vec<(u32, u32)> = (0u32..)
            .zip(&left_schema.fields)
            .flat_map(|(a, x)| {
                let same = (0u32..).zip(&right_schema.fields).filter(|(_, y)| x.ty == y.ty);
                same.map(move |(b, _)| (a, b)).collect::<Vec<_>>()
            })
            .collect();
        let (mut left_keys, mut right_keys) = (Vec::new(), Vec::new());
        for _ in 0..=self.rng.below(2) {
            if !pairs.is_empty() && self.rng.percent(80) {
                let (a, b) = *self.rng.pick(&pairs);
                left_keys.push(Expr::column(a, left_schema.fields[a as usize].ty.clone()));
                right_keys.push(Expr::column(b, right_schema.fields[b as usize].ty.clone()));
            } else {
                let ty = self.ty();
                left_keys.push(self.expr(&left_schema, &ty, 2));
                right_keys.push(self.expr(&right_schema, &ty, 2));
            }
        }
        let kinds = [JoinKind::Inner, JoinKind::Left, JoinKind::Right, JoinKind::Full, JoinKind::Semi, JoinKind::Anti];
        let kind = *self.rng.pick(&kinds);
        let build = *self.rng.pick(&[Side::Left, Side::Right]);
        let schema = self.schema(sabot_ir::verify::plan::join_types(kind, &left_schema, &right_schema));
        let keeps_order = matches!(kind, JoinKind::Semi | JoinKind::Anti) && self.streams[left].ordered;
        let name = self.name("join");
        let operator = Operator::HashJoin { kind, left_keys, right_keys, build };
        self.add(name, operator, &[left, right], schema, keeps_order, rows);
    }

    fn aggregate(&mut self, input: usize) {
        let Stream { ordered, rows, .. } = self.streams[input];
        let schema = self.schema_of(input);
        let keys = if self.rng.percent(25) { Vec::new() } else { self.keys(&schema, 2) };
        // Of keys that are equal and not the same, the first is given back.
        let keys: Vec<Expr> = keys.into_iter().filter(|key| ordered || !key.ty.value_type().is_float()).collect();
        let mut calls: Vec<AggregateCall> = (0..self.rng.below(4)).map(|_| self.call(&schema, ordered)).collect();
        if self.rng.percent(30) {
            calls.extend(self.user_calls(&schema));
        }
        if keys.is_empty() && calls.is_empty() {
            return;
        }
        let types = keys.iter().map(|key| key.ty.clone()).chain(calls.iter().map(|call| call.ty.clone())).collect();
        let schema = self.schema(types);
        let rows = if keys.is_empty() { 1 } else { rows };
        let name = self.name("aggregate");
        self.add(name, Operator::Aggregate { keys, calls }, &[input], schema, ordered, rows);
    }

    /// Some columns of the state of an aggregate of the author's, to which the order of rows and parts is the same.
    fn user_calls(&mut self, schema: &Schema) -> Vec<AggregateCall> {
        if self.plan.aggregates.is_empty() {
            self.plan.aggregates.push(user_aggregate());
        }
        let args: Vec<Expr> = self.plan.aggregates[0].args.clone().iter().map(|ty| self.expr(schema, ty, 2)).collect();
        let filter = self.rng.percent(25).then(|| self.expr(schema, &Type::Bool, 2));
        let mut calls = Vec::new();
        for (part, field) in (0..).zip(self.plan.aggregates[0].state.clone()) {
            if self.rng.percent(20) {
                continue;
            }
            let function = AggregateFunction::User(UserPart { aggregate: 0, part, kept_by: None });
            let (args, filter) = (args.clone(), filter.clone());
            calls.push(AggregateCall { function, args, filter, name: self.name("c"), ty: field.ty, span: Span::NONE });
        }
        calls
    }

    fn call(&mut self, schema: &Schema, ordered: bool) -> AggregateCall {
        use AggregateFunction as F;
        let mut functions = vec![F::Count, F::Sum, F::Min, F::Max, F::Avg, F::CountDistinct, F::Variance, F::Stddev];
        functions.push(F::Median);
        if ordered {
            functions.extend([F::First, F::Last, F::ArgMin, F::ArgMax]);
        }
        let function = match (*self.rng.pick(&functions), sabot_ir::plan::Share::new(0.9)) {
            // The median is a percentile, too.
            (F::Median, Some(share)) if schema.len().is_multiple_of(3) => F::ApproxPercentile(share),
            (F::Median, Some(share)) if schema.len().is_multiple_of(2) => F::Percentile(share),
            (function, _) => function,
        };
        let number = |ty: &Type| ty.value_type().is_integer() || ty.value_type().is_float();
        let any = self.ty();
        let mut numeric = self.ty();
        while !number(&numeric) {
            numeric = if self.options.types.iter().any(number) { self.ty() } else { Type::Int64 };
        }
        let (args, ty) = match function {
            F::Count if self.rng.percent(60) => (Vec::new(), Type::Int64),
            F::Count | F::CountDistinct | F::ApproxCountDistinct => (vec![any], Type::Int64),
            F::Min | F::Max | F::First | F::Last => (vec![any.clone()], any),
            F::Sum => (vec![numeric.clone()], numeric),
            F::Avg | F::Variance | F::Stddev | F::Median | F::Percentile(_) | F::ApproxPercentile(_) => {
                let ty = if numeric.is_option() { Type::Float64.optional() } else { Type::Float64 };
                (vec![numeric], ty)
            }
            F::Collect | F::User(_) => unreachable!("`{}` is not among them", function.name()),
            F::ArgMin | F::ArgMax => {
                let value = self.ty();
                let ty = if any.is_option() { value.clone().optional() } else { value.clone() };
                (vec![any, value], ty)
            }
        };
        let args = args
            .iter()
            .map(|ty| match self.columns_of(schema, ty) {
                columns if !columns.is_empty() && self.rng.percent(70) => self.rng.pick(&columns).clone(),
                _none => self.expr(schema, ty, 2),
            })
            .collect();
        let filter = self.rng.percent(25).then(|| self.expr(schema, &Type::Bool, 2));
        // Groups without a value are row errors: few of them are enough.
        let needs_a_row = function.takes_a_row() && !ty.is_option();
        let filter = filter.filter(|_| !needs_a_row || (self.options.fallible && self.rng.percent(20)));
        AggregateCall { function, args, filter, name: self.name("c"), ty, span: Span::NONE }
    }

    fn keys(&mut self, schema: &Schema, most: u64) -> Vec<Expr> {
        (0..=self.rng.below(most))
            .map(|_| {
                if self.rng.percent(80) {
                    self.column(schema)
                } else {
                    let ty = self.ty();
                    self.expr(schema, &ty, 2)
                }
            })
            .collect()
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

/// Makes one expression.
struct ExprBuilder<'a> {
    rng: &'a mut Rng,
    types: Vec<Type>,
    params: Vec<Type>,
    schema: &'a Schema,
    fallible: bool,
    /// In scope.
    locals: Vec<(LocalId, Type)>,
    next_local: u32,
}

impl ExprBuilder<'_> {
    fn expr(&mut self, ty: &Type, depth: u32) -> Expr {
        let kind = if depth == 0 || self.rng.percent(20) { self.leaf(ty) } else { self.kind(ty, depth - 1) };
        Expr::new(kind, ty.clone(), Span::NONE)
    }

    fn boxed(&mut self, ty: &Type, depth: u32) -> Box<Expr> {
        Box::new(self.expr(ty, depth))
    }

    fn any_type(&mut self) -> Type {
        let ty = self.rng.pick(&self.types).clone();
        if self.rng.percent(25) { ty.optional() } else { ty }
    }

    fn leaf(&mut self, ty: &Type) -> ExprKind {
        let mut leaves: Vec<ExprKind> = (0u32..)
            .zip(&self.schema.fields)
            .filter(|(_, field)| field.ty == *ty)
            .map(|(at, _)| ExprKind::Column(at))
            .collect();
        leaves.extend(self.locals.iter().filter(|(_, of)| of == ty).map(|(local, _)| ExprKind::Local(*local)));
        if self.rng.percent(30) {
            let params = (0u32..).zip(&self.params).filter(|(_, of)| *of == ty);
            leaves.extend(params.map(|(at, _)| ExprKind::Param(ParamId(at))));
        }
        if !leaves.is_empty() && self.rng.percent(75) {
            return self.rng.pick(&leaves).clone();
        }
        if let Type::Option(inner) = ty {
            return if self.rng.percent(40) { ExprKind::None } else { ExprKind::Some(self.boxed(inner, 0)) };
        }
        ExprKind::Literal(match random_value(self.rng, ty) {
            Value::Bool(value) => Literal::Bool(value),
            Value::Int(value) => Literal::Int(value),
            Value::Float32(value) => Literal::Float(f64::from(value)),
            Value::Float64(value) => Literal::Float(value),
            Value::String(value) => Literal::String(value),
            Value::Bytes(value) => Literal::Bytes(value),
            Value::Unit | Value::Null | Value::List(_) => Literal::Unit,
        })
    }

    fn kind(&mut self, ty: &Type, depth: u32) -> ExprKind {
        match self.rng.below(10) {
            0 => ExprKind::If {
                condition: self.boxed(&Type::Bool, depth),
                then: self.boxed(ty, depth),
                otherwise: self.boxed(ty, depth),
            },
            1 => {
                let of = self.any_type();
                let value = self.boxed(&of, depth);
                let (local, body) = self.with_local(of, ty, depth);
                ExprKind::Let { local, value, body }
            }
            2 => {
                let of = self.any_type().optional();
                let option = self.boxed(&of, depth);
                let (local, then) = self.with_local(of.value_type().clone(), ty, depth);
                ExprKind::IfSome { option, local, then, otherwise: self.boxed(ty, depth) }
            }
            3 if !ty.is_option() => {
                let args = vec![self.expr(&ty.clone().optional(), depth), self.expr(ty, depth)];
                ExprKind::Call(Function::UnwrapOr, args)
            }
            _ => self.of_type(ty, depth),
        }
    }

    fn with_local(&mut self, of: Type, ty: &Type, depth: u32) -> (LocalId, Box<Expr>) {
        let local = LocalId(self.next_local);
        self.next_local += 1;
        self.locals.push((local, of));
        let body = self.boxed(ty, depth);
        self.locals.pop();
        (local, body)
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "what has no operators of its own is a leaf")]
    fn of_type(&mut self, ty: &Type, depth: u32) -> ExprKind {
        match ty {
            Type::Bool => self.truth(depth),
            Type::Option(inner) if inner.is_integer() && self.rng.percent(50) => {
                let functions =
                    [Function::CheckedAdd, Function::CheckedSub, Function::CheckedDiv, Function::CheckedRem];
                let function = *self.rng.pick(&functions);
                ExprKind::Call(function, vec![self.expr(inner, depth), self.expr(inner, depth)])
            }
            Type::Option(inner) => ExprKind::Some(self.boxed(inner, depth)),
            ty if ty.is_integer() => self.integer(ty, depth),
            ty if ty.is_float() => self.float(ty, depth),
            Type::String => self.text(depth),
            ty => self.leaf(ty),
        }
    }

    /// A string that is made, or a part of one.
    fn text(&mut self, depth: u32) -> ExprKind {
        let functions = [
            TextFunction::Concat,
            TextFunction::Trim,
            TextFunction::ToUppercase,
            TextFunction::Reversed,
            TextFunction::Replace,
            TextFunction::TrimStartMatches,
        ];
        let function = *self.rng.pick(&functions);
        let args = function.args().iter().map(|arg| self.expr(&arg.ty(), depth)).collect();
        ExprKind::Call(Function::Text(function), args)
    }

    fn truth(&mut self, depth: u32) -> ExprKind {
        match self.rng.below(10) {
            0 => ExprKind::Unary(UnaryOp::Not, self.boxed(&Type::Bool, depth)),
            1 | 2 => {
                let op = *self.rng.pick(&[BinaryOp::And, BinaryOp::Or]);
                ExprKind::Binary(op, self.boxed(&Type::Bool, depth), self.boxed(&Type::Bool, depth))
            }
            3 => {
                let of = self.any_type().optional();
                ExprKind::IsSome(self.boxed(&of, depth))
            }
            4 if self.types.contains(&Type::String) => {
                let functions = [Function::StartsWith, Function::EndsWith, Function::Contains];
                let function = *self.rng.pick(&functions);
                ExprKind::Call(function, vec![self.expr(&Type::String, depth), self.expr(&Type::String, depth)])
            }
            5 if self.types.contains(&Type::Float64) => {
                // Not the sign: that of a NaN is no value of the language.
                let function = *self.rng.pick(&[Function::IsNan, Function::IsFinite]);
                ExprKind::Call(function, vec![self.expr(&Type::Float64, depth)])
            }
            _ => {
                let ops = [BinaryOp::Eq, BinaryOp::Ne, BinaryOp::Lt, BinaryOp::Le, BinaryOp::Gt, BinaryOp::Ge];
                let op = *self.rng.pick(&ops);
                let of = self.any_type();
                ExprKind::Binary(op, self.boxed(&of, depth), self.boxed(&of, depth))
            }
        }
    }

    fn integer(&mut self, ty: &Type, depth: u32) -> ExprKind {
        match self.rng.below(8) {
            0 | 1 if self.fallible => {
                let ops = [BinaryOp::Add, BinaryOp::Sub, BinaryOp::Mul, BinaryOp::Div, BinaryOp::Rem];
                let op = *self.rng.pick(&ops);
                ExprKind::Binary(op, self.boxed(ty, depth), self.boxed(ty, depth))
            }
            2 => {
                let op = *self.rng.pick(&[BinaryOp::BitAnd, BinaryOp::BitOr, BinaryOp::BitXor]);
                ExprKind::Binary(op, self.boxed(ty, depth), self.boxed(ty, depth))
            }
            3 => {
                let from = self.any_type().value_type().clone();
                let castable = from.is_integer() || from.is_float() || from == Type::Bool;
                let from = if castable { from } else { Type::Int64 };
                ExprKind::Cast(self.boxed(&from, depth))
            }
            4 if *ty == Type::UInt64 && self.types.contains(&Type::String) => {
                ExprKind::Call(Function::Len, vec![self.expr(&Type::String, depth)])
            }
            _ => {
                let functions = [
                    Function::WrappingAdd,
                    Function::WrappingSub,
                    Function::WrappingMul,
                    Function::SaturatingAdd,
                    Function::SaturatingSub,
                    Function::Min,
                    Function::Max,
                ];
                let function = *self.rng.pick(&functions);
                ExprKind::Call(function, vec![self.expr(ty, depth), self.expr(ty, depth)])
            }
        }
    }

    fn float(&mut self, ty: &Type, depth: u32) -> ExprKind {
        match self.rng.below(8) {
            0 => {
                let functions = [Function::Floor, Function::Sqrt, Function::Round, Function::Trunc, Function::Abs];
                let function = *self.rng.pick(&functions);
                ExprKind::Call(function, vec![self.expr(ty, depth)])
            }
            1 => {
                let from = self.rng.pick(&[Type::Int64, Type::Float64]).clone();
                ExprKind::Cast(self.boxed(&from, depth))
            }
            2 => ExprKind::Unary(UnaryOp::Neg, self.boxed(ty, depth)),
            3 => {
                let function = *self.rng.pick(&[Function::Min, Function::Max]);
                // Which zero `min` gives is not decided: neither side has two of them.
                let one = Expr::new(ExprKind::Literal(Literal::Float(1.0)), ty.clone(), Span::NONE);
                ExprKind::Call(function, vec![self.expr(ty, depth), one])
            }
            _ => {
                let op = *self.rng.pick(&[BinaryOp::Add, BinaryOp::Sub, BinaryOp::Mul, BinaryOp::Div]);
                ExprKind::Binary(op, self.boxed(ty, depth), self.boxed(ty, depth))
            }
        }
    }
}

/// Why two results are not the same rows, up to order and the rounding of float sums; nothing if they are.
#[must_use]
pub fn difference(expected: &BTreeMap<String, Vec<Row>>, actual: &BTreeMap<String, Vec<Row>>) -> Option<String> {
    if !expected.keys().eq(actual.keys()) {
        return Some(format!("sinks {:?} and {:?}", expected.keys(), actual.keys()));
    }
    for (sink, expected) in expected {
        let actual = &actual[sink];
        let differs = expected.len() != actual.len() || {
            let (expected, actual) = (sorted(expected), sorted(actual));
            let same = |a: &Row, b: &Row| a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.is_close_to(b));
            !expected.iter().zip(&actual).all(|(a, b)| same(a, b))
        };
        if differs {
            let show = |rows: &[Row]| {
                let line = |row: &Row| row.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
                rows.iter().map(line).collect::<Vec<_>>().join("\n  ")
            };
            return Some(format!(
                "sink {sink}: expected {} rows\n  {}\ngot {} rows\n  {}",
                expected.len(),
                show(expected),
                actual.len(),
                show(actual)
            ));
        }
    }
    None
}

/// Sorted so that rows that differ by the rounding of a sum stand in the same place: floats count last.
fn sorted(rows: &[Row]) -> Vec<Row> {
    let mut rows = rows.to_vec();
    let exact = |row: &Row| row.iter().filter(|value| value.as_float().is_none()).cloned().collect::<Row>();
    rows.sort_by(|a, b| {
        exact(a).cmp(&exact(b)).then_with(|| {
            a.iter()
                .zip(b)
                .map(|(a, b)| sort_order(a, b))
                .find(|order| *order != Ordering::Equal)
                .unwrap_or(Ordering::Equal)
        })
    });
    rows
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
