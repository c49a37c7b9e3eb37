//! Pipelines against the plans that they come from, on random jobs; the shape of the pipelines of chosen plans.

mod streams;

use super::operators::fused_with;
use super::{PhysicalCx, pipelines};
use crate::passes::PlanOptimizer;
use sabot_ir::expr::{BinaryOp, Expr, ExprKind, Literal};
use sabot_ir::pipeline::{OperatorId, Pipelines};
use sabot_ir::plan::{
    AggregateCall, AggregateFunction, Connector, ErrorPolicy, JoinKind, Location, Node, NodeId, Operator, Plan,
    Properties, Side, Sink, SinkId, SortKey, Source, SourceId, Statistics,
};
use sabot_ir::span::Span;
use sabot_ir::ty::{Field, Schema, Type};
use sabot_reference::random::{RandomJob, RandomOptions, difference, random_job};
use sabot_reference::{Outputs, run, run_counted, run_pipelines};

#[test]
fn random_plans_and_their_pipelines_give_the_same_rows() {
    let mut rows = 0;
    for seed in 0..1_500 {
        let options = RandomOptions { fallible: seed % 3 == 0, time: seed % 2 == 1, ..RandomOptions::default() };
        let job = random_job(seed, &options);
        let physical = pipelines(&job.plan);
        match agree(&job, &physical) {
            Ok(written) => rows += written,
            Err(difference) => panic!(
                "seed {seed}: {difference}\n{}\n{}",
                sabot_ir::display::plan::plan(&job.plan),
                sabot_ir::display::pipeline::pipelines(&physical)
            ),
        }
    }
    assert!(rows > 5_000, "random jobs write only {rows} rows: they test little");
}

#[test]
fn what_the_optimizer_made_of_a_plan_gives_the_same_rows_as_the_plan() {
    for seed in 10_000..10_400 {
        let job = random_job(seed, &RandomOptions { time: seed % 2 == 1, ..RandomOptions::default() });
        let mut optimized = job.plan.clone();
        PlanOptimizer::default().optimize_plan(&mut optimized);
        let physical = pipelines(&optimized);
        let expected = run(&job.plan, &job.inputs, &job.params);
        let actual = run_pipelines(&physical, &job.inputs, &job.params);
        let wrong = match (expected, actual) {
            (Ok(expected), Ok((actual, _))) => difference(&expected, &actual),
            (Err(_), Err(_)) => None,
            (Ok(_), Err(failure)) => Some(format!("only the pipelines fail: {failure}")),
            (Err(failure), Ok(_)) => Some(format!("only the plan fails: {failure}")),
        };
        if let Some(wrong) = wrong {
            panic!(
                "seed {seed}: {wrong}\n{}\n{}\n{}",
                sabot_ir::display::plan::plan(&job.plan),
                sabot_ir::display::plan::plan(&optimized),
                sabot_ir::display::pipeline::pipelines(&physical)
            );
        }
    }
}

/// The rows that were written, or in which way plan and pipelines differ.
fn agree(job: &RandomJob, physical: &Pipelines) -> Result<usize, String> {
    let expected = run_counted(&job.plan, &job.inputs, &job.params);
    let actual = run_pipelines(physical, &job.inputs, &job.params);
    let ((expected, nodes), (actual, operators)) = match (expected, actual) {
        (Ok(expected), Ok(actual)) => (expected, actual),
        (Err(_), Err(_)) => return Ok(0),
        (Ok(_), Err(failure)) => return Err(format!("only the pipelines fail: {failure}")),
        (Err(failure), Ok(_)) => return Err(format!("only the plan fails: {failure}")),
    };
    if let Some(difference) = difference(&expected, &actual) {
        return Err(difference);
    }
    // The branches of a fork that meet again in a union take turns.
    if !job.plan.nodes.iter().any(|node| node.operator == Operator::Union) && !same_order(&expected, &actual) {
        return Err("the rows are the same, their order is not".to_owned());
    }
    for (operator, node, name) in last_nodes(&job.plan) {
        let (out, expected) = (operators[operator.0 as usize], nodes[node]);
        if out != expected {
            return Err(format!("`{name}` gives {expected} rows, {out} are counted"));
        }
    }
    Ok(expected.values().map(Vec::len).sum())
}

fn same_order(a: &Outputs, b: &Outputs) -> bool {
    a.values().flatten().flatten().zip(b.values().flatten().flatten()).all(|(a, b)| a.is_close_to(b))
}

/// Each operator with the last of the nodes that it consists of.
fn last_nodes(plan: &Plan) -> Vec<(OperatorId, usize, String)> {
    let cx = PhysicalCx::new(plan);
    let operators = super::operators::operators(&cx, &super::cut::cut(&cx));
    let below: Vec<_> = cx.order.iter().filter_map(|id| fused_with(&cx, *id)).collect();
    let last = cx.order.iter().filter(|id| !below.contains(id));
    last.map(|id| (operators.of(*id), id.0 as usize, plan.node(*id).name.clone())).collect()
}

/// Builds plans of a few operators.
#[derive(Default)]
struct Builder {
    plan: Plan,
}

impl Builder {
    fn node(&mut self, name: &str, operator: Operator, inputs: &[NodeId], schema: Schema) -> NodeId {
        self.plan.add(Node {
            name: name.to_owned(),
            operator,
            inputs: inputs.to_vec(),
            schema,
            properties: Properties { bounded: true, ..Properties::default() },
            on_error: ErrorPolicy::Fail,
            span: Span::NONE,
        })
    }

    fn connector(name: &str) -> Connector {
        let location = Location::Path(format!("{name}.parquet"));
        Connector { location, format: None, options: std::collections::BTreeMap::new() }
    }

    fn source(&mut self, name: &str, columns: &[(&str, Type)]) -> NodeId {
        let schema = Schema::new(columns.iter().map(|(name, ty)| Field::new(*name, ty.clone())).collect());
        let source = SourceId(self.plan.sources.len() as u32);
        self.plan.sources.push(Source {
            name: name.to_owned(),
            connector: Self::connector(name),
            schema: schema.clone(),
            primary_key: None,
            event_time: None,
            statistics: Statistics::default(),
            span: Span::NONE,
        });
        let columns = (0..schema.len() as u32).collect();
        self.node(name, Operator::Source { source, columns, prune: None }, &[], schema)
    }

    fn quotes(&mut self) -> NodeId {
        let columns = [("id", Type::Int64), ("price", Type::Float64), ("note", Type::String.optional())];
        self.source("quotes", &columns)
    }

    fn securities(&mut self) -> NodeId {
        self.source("securities", &[("security", Type::Int64), ("cusip", Type::String)])
    }

    fn column(&self, of: NodeId, name: &str) -> Expr {
        let schema = &self.plan.node(of).schema;
        let at = schema.position(name).expect("the test names a column that is there");
        Expr::column(at as u32, schema.fields[at].ty.clone())
    }

    fn above(&self, of: NodeId, name: &str, limit: f64) -> Expr {
        let limit = Expr::new(ExprKind::Literal(Literal::Float(limit)), Type::Float64, Span::NONE);
        binary(BinaryOp::Gt, self.column(of, name), limit, Type::Bool)
    }

    fn filter(&mut self, name: &str, input: NodeId, predicate: Expr) -> NodeId {
        let schema = self.plan.node(input).schema.clone();
        self.node(name, Operator::Filter { predicate }, &[input], schema)
    }

    fn project(&mut self, name: &str, input: NodeId, columns: Vec<(&str, Expr)>) -> NodeId {
        let fields = columns.iter().map(|(name, expr)| Field::new(*name, expr.ty.clone())).collect();
        let columns = columns.into_iter().map(|(_, expr)| expr).collect();
        self.node(name, Operator::Project { columns }, &[input], Schema::new(fields))
    }

    fn join(&mut self, kind: JoinKind, build: Side, left: NodeId, right: NodeId, on: (&str, &str)) -> NodeId {
        let (left_schema, right_schema) = (&self.plan.node(left).schema, &self.plan.node(right).schema);
        let types = sabot_ir::verify::plan::join_types(kind, left_schema, right_schema);
        let flags = ["$left", "$right"].map(str::to_owned);
        let flags = if kind == JoinKind::Left { &flags[1..] } else { &flags[..] };
        let names = left_schema.fields.iter().chain(&right_schema.fields).map(|field| field.name.clone());
        let fields = names.chain(flags.iter().cloned()).zip(types).map(|(name, ty)| Field::new(name, ty)).collect();
        let (left_keys, right_keys) = (vec![self.column(left, on.0)], vec![self.column(right, on.1)]);
        let operator = Operator::HashJoin { kind, left_keys, right_keys, build, lookup: false };
        self.node("enrich", operator, &[left, right], Schema::new(fields))
    }

    fn same_schema(&mut self, name: &str, operator: Operator, inputs: &[NodeId]) -> NodeId {
        let schema = self.plan.node(inputs[0]).schema.clone();
        self.node(name, operator, inputs, schema)
    }

    fn sink(&mut self, name: &str, input: NodeId) {
        let schema = self.plan.node(input).schema.clone();
        let sink = SinkId(self.plan.sinks.len() as u32);
        let connector = Self::connector(name);
        self.plan.sinks.push(Sink { name: name.to_owned(), connector, schema: schema.clone(), span: Span::NONE });
        self.node(name, Operator::Sink { sink }, &[input], schema);
    }

    /// Compares the pipelines with a snapshot that shows the plan, too.
    #[track_caller]
    fn check(self, name: &str) {
        assert_eq!(sabot_ir::verify::plan::verify(&self.plan), Vec::<String>::new());
        let physical = pipelines(&self.plan);
        let plan = sabot_ir::display::plan::plan(&self.plan);
        let text = sabot_ir::display::pipeline::pipelines(&physical);
        sabot_snapshots::assert_stage!("physical", name, format!("{plan}\n{text}"));
    }
}

fn binary(op: BinaryOp, a: Expr, b: Expr, ty: Type) -> Expr {
    Expr::new(ExprKind::Binary(op, Box::new(a), Box::new(b)), ty, Span::NONE)
}

fn call(function: AggregateFunction, args: Vec<Expr>, filter: Option<Expr>, name: &str, ty: Type) -> AggregateCall {
    AggregateCall { function, args, filter, name: name.to_owned(), ty, span: Span::NONE }
}

#[test]
fn filter_and_map_are_one_step_and_an_inner_join_takes_its_key_from_the_probing_side() {
    let mut b = Builder::default();
    let quotes = b.quotes();
    let securities = b.securities();
    let predicate = b.above(quotes, "price", 100.0);
    let dear = b.filter("dear", quotes, predicate);
    let double = binary(BinaryOp::Add, b.column(dear, "price"), b.column(dear, "price"), Type::Float64);
    let id = b.column(dear, "id");
    let map = b.project("double", dear, vec![("id", id), ("double", double)]);
    let join = b.join(JoinKind::Inner, Side::Right, map, securities, ("id", "security"));
    let columns = ["double", "security", "cusip"].map(|name| (name, b.column(join, name))).to_vec();
    let select = b.project("columns", join, columns);
    b.sink("enriched", select);
    b.check("filter_map_join");
}

#[test]
fn a_stream_joined_with_an_aggregate_of_itself_is_held() {
    let mut b = Builder::default();
    let quotes = b.quotes();
    let id = b.column(quotes, "id");
    let calls = vec![call(AggregateFunction::Count, vec![], None, "trades", Type::Int64)];
    let schema = Schema::new(vec![Field::new("of", Type::Int64), Field::new("trades", Type::Int64)]);
    let counts = b.node("per_id", Operator::Aggregate { keys: vec![id], calls }, &[quotes], schema);
    let join = b.join(JoinKind::Left, Side::Right, quotes, counts, ("id", "of"));
    b.sink("with_counts", join);
    b.check("self_join_is_held");
}

#[test]
fn a_full_join_gives_the_rows_that_only_the_table_has_at_the_end() {
    let mut b = Builder::default();
    let quotes = b.quotes();
    let securities = b.securities();
    let join = b.join(JoinKind::Full, Side::Right, quotes, securities, ("id", "security"));
    b.sink("all", join);
    b.check("full_join");
}

#[test]
fn a_semi_join_that_builds_its_left_side_only_marks() {
    let mut b = Builder::default();
    let quotes = b.quotes();
    let securities = b.securities();
    let join = b.join(JoinKind::Semi, Side::Left, quotes, securities, ("id", "security"));
    b.sink("known", join);
    b.check("semi_join_build_left");
}

#[test]
fn several_readers_make_a_fork_and_an_argument_that_can_fail_is_guarded_by_its_filter() {
    let mut b = Builder::default();
    let quotes = b.quotes();
    let predicate = b.above(quotes, "price", 0.0);
    let real = b.filter("real", quotes, predicate);
    b.sink("real_quotes", real);
    let squared = binary(BinaryOp::Mul, b.column(real, "id"), b.column(real, "id"), Type::Int64);
    let filter = b.above(real, "price", 10.0);
    let calls = vec![
        call(AggregateFunction::Sum, vec![squared], Some(filter), "squares", Type::Int64),
        call(AggregateFunction::Max, vec![b.column(real, "price")], None, "most", Type::Float64),
    ];
    let schema = Schema::new(vec![Field::new("squares", Type::Int64), Field::new("most", Type::Float64)]);
    let total = b.node("total", Operator::Aggregate { keys: vec![], calls }, &[real], schema);
    b.sink("totals", total);
    b.check("fork_and_aggregate");
}

#[test]
fn dedup_keeps_a_none_of_the_first_row() {
    let mut b = Builder::default();
    let quotes = b.quotes();
    let keys = vec![b.column(quotes, "id")];
    let first = b.same_schema("first", Operator::Dedup { keys }, &[quotes]);
    b.sink("firsts", first);
    b.check("dedup");
}

#[test]
fn a_union_copies_what_follows_and_a_sort_ends_each_copy() {
    let mut b = Builder::default();
    let (a, c) = (b.quotes(), b.quotes());
    let both = b.same_schema("both", Operator::Union, &[a, c]);
    let doubled = binary(BinaryOp::Add, b.column(both, "price"), b.column(both, "price"), Type::Float64);
    let by = vec![SortKey { expr: doubled, descending: true }];
    let partition_by = vec![b.column(both, "id")];
    let top = b.same_schema("top", Operator::Sort { by, limit: Some(3), partition_by }, &[both]);
    let few = b.same_schema("few", Operator::Limit { rows: 10 }, &[top]);
    b.sink("best", few);
    b.check("union_sort_limit");
}

#[test]
fn unions_of_unions_of_one_stream_do_not_explode() {
    let mut b = Builder::default();
    let mut stream = b.quotes();
    for _ in 0..64 {
        stream = b.same_schema("twice", Operator::Union, &[stream, stream]);
    }
    b.sink("many", stream);
    let physical = pipelines(&b.plan);
    assert!(physical.pipelines.len() < 20, "{} pipelines", physical.pipelines.len());
}
