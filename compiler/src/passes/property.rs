//! Random plans over random tables give the same rows before and after every pass, and after all of them.
//!
//! Judged by the reference interpreter: every sink has the same rows, in the same order where a sort made one; a plan fails
//! after a pass if and only if it fails before. A failure prints its seed and both plans; `SEED` below reruns it alone.

#![expect(clippy::wildcard_enum_match_arm, reason = "the tests make a few of the types")]

use super::testing::Builder;
use super::unroll_loops::tests::repeat;
use super::{Changed, PASSES, PassCx, PlanOptimizer, rewrite, run_pass};
use sabot_ir::expr::{BinaryOp, Expr, ExprKind, Function, Literal, LocalId, ParamId, UnaryOp};
use sabot_ir::plan::{
    AggregateCall, AggregateFunction, ErrorPolicy, JoinKind, NodeId, Operator, Plan, Side, Sink, SinkId, SortKey,
};
use sabot_ir::span::Span;
use sabot_ir::ty::{Field, Schema, Type};
use sabot_ir::verify::plan::verify;
use sabot_reference::{Inputs, Outputs, Row, Value, run};

/// Run this seed only.
const SEED: Option<u64> = None;
const CASES: u64 = 400;

#[test]
fn passes_keep_the_meaning_of_random_plans() {
    let (mut failing, mut changed_by) = (0_u64, vec![0_u64; PASSES.len()]);
    for seed in SEED.map_or(0..CASES, |seed| seed..seed + 1) {
        let mut generator = Generator::new(seed);
        let mut plan = generator.plan();
        rewrite::compact(&mut plan);
        assert_eq!(verify(&plan), Vec::<String>::new(), "seed {seed}: the test's own plan\n{plan}");
        let inputs = generator.tables(&plan);
        let expected = run(&plan, &inputs, &[Value::Int(1)]).map_err(drop);
        failing += u64::from(expected.is_err());
        let check = |name: &str, after: &Plan| {
            let rows = run(after, &inputs, &[Value::Int(1)]).map_err(drop);
            if !same(&plan, &expected, &rows) {
                panic!(
                    "seed {seed}: {name} changed the meaning\nbefore:\n{plan}\nafter:\n{after}\ntables: {inputs:?}\n\
                     rows before: {expected:?}\nrows after:  {rows:?}"
                );
            }
        };
        for (pass, changed_by) in PASSES.iter().zip(&mut changed_by) {
            let mut after = plan.clone();
            let mut cx = PassCx::new(&plan);
            if run_pass(pass, &mut after, &mut cx) == Changed::Yes {
                *changed_by += 1;
                check(pass.name, &after);
            }
        }
        // The passes one after the other, so that the one at fault is named.
        let (mut after, mut cx) = (plan.clone(), PassCx::new(&plan));
        for pass in PASSES {
            if run_pass(pass, &mut after, &mut cx) == Changed::Yes {
                check(pass.name, &after);
            }
        }
        let mut whole = plan.clone();
        PlanOptimizer::default().optimize_plan(&mut whole);
        assert_eq!(whole.to_string(), after.to_string(), "seed {seed}: the optimizer is its passes in order");
    }
    if SEED.is_none() {
        assert!((CASES / 50..CASES / 2).contains(&failing), "{failing} of {CASES} plans fail: tune the generator");
        for (pass, count) in PASSES.iter().zip(changed_by) {
            // Joins with windows of their own rows are made in `keep_contenders`.
            if pass.name == "keep_contenders" {
                continue;
            }
            assert!(count > 1, "{} changed only {count} plans: tune the generator", pass.name);
        }
    }
}

fn same(plan: &Plan, before: &Result<Outputs, ()>, after: &Result<Outputs, ()>) -> bool {
    let (before, after) = match (before, after) {
        (Ok(before), Ok(after)) => (before, after),
        (before, after) => return before.is_err() == after.is_err(),
    };
    let close = |a: &Row, b: &Row| a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.is_close_to(b));
    plan.sinks.iter().zip(0..).all(|(sink, id)| {
        let (mut a, mut b) = (before[&sink.name].clone(), after[&sink.name].clone());
        if !has_order(plan, SinkId(id)) {
            a.sort();
            b.sort();
        }
        a.len() == b.len() && a.iter().zip(&b).all(|(a, b)| close(a, b))
    })
}

/// Whether a sort made the order of a sink's rows.
fn has_order(plan: &Plan, sink: SinkId) -> bool {
    let root = plan.roots().find(|root| plan.node(*root).operator == Operator::Sink { sink });
    let mut next = root.map(|root| plan.node(root).inputs[0]);
    while let Some(id) = next {
        let node = plan.node(id);
        match node.operator {
            Operator::Sort { .. } => return true,
            Operator::Filter { .. }
            | Operator::Project { .. }
            | Operator::OnTime { .. }
            | Operator::Contenders { .. }
            | Operator::Limit { .. } => next = Some(node.inputs[0]),
            Operator::Source { .. }
            | Operator::Union
            | Operator::HashJoin { .. }
            | Operator::Aggregate { .. }
            | Operator::WindowAggregate { .. }
            | Operator::IntervalJoin { .. }
            | Operator::AsofJoin { .. }
            | Operator::Dedup { .. }
            | Operator::FlatMap { .. }
            | Operator::Sink { .. } => return false,
        }
    }
    false
}

/// Makes plans, tables and expressions out of a seed.
struct Generator {
    state: u64,
    next_local: u32,
    /// Whether expressions may be ones that fail.
    failing: bool,
}

impl Generator {
    fn new(seed: u64) -> Self {
        Self { state: seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ 0xD1B5_4A32_D192_ED03, next_local: 0, failing: false }
    }

    /// xorshift64*.
    fn next(&mut self) -> u64 {
        self.state ^= self.state >> 12;
        self.state ^= self.state << 25;
        self.state ^= self.state >> 27;
        self.state.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from((self.next() >> 33) % u64::try_from(end).unwrap()).unwrap()
    }

    fn percent(&mut self, share: usize) -> bool {
        self.below(100) < share
    }

    fn pick<T: Clone>(&mut self, items: &[T]) -> T {
        items[self.below(items.len())].clone()
    }

    fn plan(&mut self) -> Plan {
        let mut b = Builder::new();
        b.param("p", "i64");
        let schemas = [
            "a: i64, b: i64, x: f64, s: String",
            "k: i64, o: Option<i64>, y: f64, t: bool",
            "a: i64, b: i64, x: f64, s: String",
        ];
        let with_statistics = self.percent(80);
        let mut nodes = Vec::new();
        for (at, schema) in schemas.iter().enumerate() {
            let node = b.source(&format!("source{at}"), schema);
            if with_statistics {
                let rows = self.pick(&[1, 10, 100, 10_000]);
                let key = self.percent(30).then_some(0);
                b.statistics(node, rows, key);
            }
            nodes.push(node);
        }
        let with_error_sink = self.percent(40);
        if with_error_sink {
            b.plan.sinks.push(Sink {
                name: String::from("errors"),
                connector: b.plan.sources[0].connector.clone(),
                schema: Schema::new(vec![Field::new("row", Type::String), Field::new("message", Type::String)]),
                span: Span::NONE,
            });
        }
        let policy = self.policy(with_error_sink);
        let is_join_chain = self.percent(20);
        if is_join_chain {
            self.join_chain(&mut b, &mut nodes);
        }
        let operators = if is_join_chain { self.below(2) } else { 2 + self.below(8) };
        for number in 0..operators {
            self.failing = self.percent(55);
            self.next_local = 0;
            // Mostly what was made last, so that chains arise.
            let recent = nodes.len().saturating_sub(1 + self.below(2));
            let input = if self.percent(75) { nodes[recent] } else { self.pick(&nodes) };
            let node = self.operator(&mut b, &format!("n{number}"), input, &nodes);
            let policy = if self.percent(80) { policy } else { self.policy(with_error_sink) };
            b.plan.node_mut(node).on_error = policy;
            nodes.push(node);
        }
        // What nobody reads goes to a sink, and sometimes something that is read.
        let mut sinks = 0;
        for node in nodes.iter().rev() {
            let is_read = b.plan.nodes.iter().any(|other| other.inputs.contains(node));
            let is_source = b.plan.node(*node).inputs.is_empty();
            if (!is_read && !is_source && sinks < 3) || (is_read && self.percent(8)) {
                b.sink(&format!("sink{sinks}"), *node);
                sinks += 1;
            }
        }
        b.plan
    }

    fn policy(&mut self, with_error_sink: bool) -> ErrorPolicy {
        match self.below(4) {
            0 | 1 => ErrorPolicy::Fail,
            2 if with_error_sink => ErrorPolicy::Sink(SinkId(0)),
            _skip => ErrorPolicy::Skip,
        }
    }

    fn operator(&mut self, b: &mut Builder, name: &str, input: NodeId, nodes: &[NodeId]) -> NodeId {
        let schema = b.schema(input);
        match self.below(21) {
            0..=4 => {
                let mut predicate = self.expr(&Type::Bool, &schema, 2);
                if self.percent(30) {
                    let other = self.expr(&Type::Bool, &schema, 1);
                    predicate = binary(BinaryOp::And, predicate, other, Type::Bool);
                }
                b.node(name, Operator::Filter { predicate }, &[input], schema)
            }
            5..=8 => self.project(b, name, input),
            9 => {
                // The same once more.
                let of = self.pick(nodes);
                let twin = b.plan.node(of).clone();
                if twin.inputs.is_empty() {
                    return self.project(b, name, input);
                }
                let node = b.node(name, twin.operator, &twin.inputs, twin.schema);
                b.plan.node_mut(node).on_error = twin.on_error;
                node
            }
            10 => {
                let other = self.pick(nodes);
                let types = |schema: &Schema| schema.fields.iter().map(|field| field.ty.clone()).collect::<Vec<_>>();
                let fits = types(&schema) == types(&b.schema(other));
                let other = if fits { other } else { input };
                let inputs = [input, other];
                b.node(name, Operator::Union, &inputs, schema)
            }
            11..=14 => self.join(b, name, input, nodes),
            15 | 16 => self.aggregate(b, name, input),
            17 => {
                let mut keys = self.keys(&schema, 1);
                if self.percent(30) {
                    let columns = schema.fields.iter().zip(0..);
                    keys = columns.map(|(field, at)| Expr::column(at, field.ty.clone())).collect();
                }
                b.node(name, Operator::Dedup { keys }, &[input], schema)
            }
            18 | 19 => {
                let mut by = Vec::new();
                for expr in self.keys(&schema, 1) {
                    by.push(SortKey { expr, descending: self.percent(50) });
                }
                let limit = self.percent(60).then(|| 1 + self.next() % 6);
                let partition_by = if limit.is_some() && self.percent(40) { self.keys(&schema, 1) } else { Vec::new() };
                b.node(name, Operator::Sort { by, limit, partition_by }, &[input], schema)
            }
            _limit => {
                let rows = self.next() % 8;
                b.limit(name, input, rows)
            }
        }
    }

    fn project(&mut self, b: &mut Builder, name: &str, input: NodeId) -> NodeId {
        let schema = b.schema(input);
        let (mut columns, mut fields) = (Vec::new(), Vec::new());
        self.next_local = 0;
        let shared = if self.failing && self.percent(50) {
            let column = self.column(&schema);
            binary(BinaryOp::Rem, int(6), column, Type::Int64)
        } else {
            self.expr(&Type::Int64, &schema, 2)
        };
        if self.percent(20) {
            // All columns as they are.
            for (field, at) in schema.fields.iter().zip(0..) {
                columns.push(Expr::column(at, field.ty.clone()));
                fields.push(field.clone());
            }
        } else {
            for at in 0..=self.below(4) {
                let column = if self.percent(50) && !schema.is_empty() {
                    let at = self.below(schema.len());
                    Expr::column(u32::try_from(at).unwrap(), schema.fields[at].ty.clone())
                } else if self.percent(30) {
                    // Computed for some rows only, and perhaps for other rows in another column.
                    self.next_local = 0;
                    let value = if shared.ty == Type::Int64 && self.percent(60) {
                        shared.clone()
                    } else {
                        self.expr(&Type::Int64, &schema, 0)
                    };
                    self.next_local = 100;
                    let condition = Box::new(self.expr(&Type::Bool, &schema, 1));
                    let kind = ExprKind::If { condition, then: Box::new(value), otherwise: Box::new(int(0)) };
                    Expr::new(kind, Type::Int64, Span::NONE)
                } else if self.percent(25) && !columns.is_empty() {
                    // Something to share.
                    let known: Expr = self.pick(&columns);
                    if known.ty == Type::Float64 {
                        let more = self.expr(&Type::Float64, &schema, 1);
                        binary(BinaryOp::Add, known, more, Type::Float64)
                    } else {
                        known
                    }
                } else {
                    let ty = self.pick(&[Type::Int64, Type::Float64, Type::Bool, Type::String, Type::Int64.optional()]);
                    self.next_local = 0;
                    self.expr(&ty, &schema, 3)
                };
                fields.push(Field::new(format!("c{at}"), column.ty.clone()));
                columns.push(column);
            }
        }
        b.node(name, Operator::Project { columns }, &[input], Schema::new(fields))
    }

    fn join(&mut self, b: &mut Builder, name: &str, left: NodeId, nodes: &[NodeId]) -> NodeId {
        let right = if self.percent(60) { nodes[self.below(3)] } else { self.pick(nodes) };
        let kind = self.pick(&[
            JoinKind::Inner,
            JoinKind::Inner,
            JoinKind::Inner,
            JoinKind::Left,
            JoinKind::Right,
            JoinKind::Full,
            JoinKind::Semi,
            JoinKind::Anti,
        ]);
        let (left_schema, right_schema) = (b.schema(left), b.schema(right));
        let (mut left_keys, mut right_keys) = (Vec::new(), Vec::new());
        for _ in 0..=usize::from(self.percent(20)) {
            let ty = self.pick(&[Type::Int64, Type::Int64, Type::String, Type::Int64.optional(), Type::Float64]);
            let depth = usize::from(self.percent(15));
            left_keys.push(self.expr(&ty, &left_schema, depth));
            right_keys.push(self.expr(&ty, &right_schema, depth));
        }
        let join = b.join_on(name, kind, left, right, left_keys, right_keys);
        if self.percent(20)
            && let Operator::HashJoin { build, .. } = &mut b.plan.node_mut(join).operator
        {
            *build = Side::Left;
        }
        join
    }

    /// Inner joins of all sources by plain columns, with maps between them that choose columns.
    fn join_chain(&mut self, b: &mut Builder, nodes: &mut Vec<NodeId>) {
        let mut chain = self.pick(nodes);
        for at in 0..2 + self.below(2) {
            let right = nodes[self.below(3)];
            let (left_key, right_key) = (self.column(&b.schema(chain)), self.column(&b.schema(right)));
            chain = b.join_on(&format!("join{at}"), JoinKind::Inner, chain, right, vec![left_key], vec![right_key]);
            if self.percent(30) {
                let schema = b.schema(chain);
                let kept: Vec<u32> = (0..u32::try_from(schema.len()).unwrap()).rev().step_by(2).collect();
                let fields: Vec<Field> = kept.iter().map(|at| schema.fields[*at as usize].clone()).collect();
                let columns = kept.iter().zip(&fields).map(|(at, field)| Expr::column(*at, field.ty.clone())).collect();
                chain = b.node(&format!("map{at}"), Operator::Project { columns }, &[chain], Schema::new(fields));
            }
        }
        nodes.push(chain);
    }

    /// A plain integer column, if there is one.
    fn column(&mut self, schema: &Schema) -> Expr {
        let columns = schema.fields.iter().zip(0..).filter(|(field, _)| field.ty == Type::Int64);
        let columns: Vec<u32> = columns.map(|(_, at)| at).collect();
        if columns.is_empty() { int(1) } else { Expr::column(self.pick(&columns), Type::Int64) }
    }

    fn aggregate(&mut self, b: &mut Builder, name: &str, input: NodeId) -> NodeId {
        let schema = b.schema(input);
        let keys = if self.percent(75) { self.keys(&schema, 1) } else { Vec::new() };
        let mut fields: Vec<Field> =
            keys.iter().zip(0..).map(|(key, at)| Field::new(format!("k{at}"), key.ty.clone())).collect();
        let mut calls = Vec::new();
        for at in 0..self.below(4) {
            let int = self.percent(40);
            let ty = if int { Type::Int64 } else { Type::Float64 };
            self.next_local = 0;
            let arg = self.expr(&ty, &schema, 1);
            let (function, args, ty) = match self.below(8) {
                0 => (AggregateFunction::Count, vec![], Type::Int64),
                1 => (AggregateFunction::Sum, vec![arg], ty),
                2 => (AggregateFunction::Max, vec![arg], ty),
                3 => (AggregateFunction::Avg, vec![arg], Type::Float64),
                4 => (AggregateFunction::First, vec![arg], ty),
                5 => (AggregateFunction::Last, vec![arg], ty),
                6 => (AggregateFunction::CountDistinct, vec![arg], Type::Int64),
                _arg_max => {
                    let value = self.expr(&Type::String, &schema, 0);
                    (AggregateFunction::ArgMax, vec![arg, value], Type::String)
                }
            };
            let filter = self.percent(20).then(|| self.expr(&Type::Bool, &schema, 1));
            let name = format!("v{at}");
            fields.push(Field::new(name.clone(), ty.clone()));
            calls.push(AggregateCall { function, args, filter, name, ty, span: Span::NONE });
        }
        if fields.is_empty() {
            return self.project(b, name, input);
        }
        b.node(name, Operator::Aggregate { keys, calls }, &[input], Schema::new(fields))
    }

    /// One or two keys, mostly plain columns.
    fn keys(&mut self, schema: &Schema, depth: usize) -> Vec<Expr> {
        let mut keys = Vec::new();
        for _ in 0..=usize::from(self.percent(30)) {
            let ty = self.pick(&[Type::Int64, Type::Int64, Type::String, Type::Float64, Type::Int64.optional()]);
            let depth = if self.percent(20) { depth } else { 0 };
            keys.push(self.expr(&ty, schema, depth));
        }
        keys
    }

    fn expr(&mut self, ty: &Type, schema: &Schema, depth: usize) -> Expr {
        self.scoped(ty, schema, depth, &mut Vec::new())
    }

    fn scoped(&mut self, ty: &Type, schema: &Schema, depth: usize, locals: &mut Vec<(LocalId, Type)>) -> Expr {
        if depth == 0 {
            return self.leaf(ty, schema, locals);
        }
        let depth = depth - 1;
        if self.percent(20) {
            return self.control(ty, schema, depth, locals);
        }
        let mut sub = |this: &mut Self, ty: &Type| this.scoped(ty, schema, depth, locals);
        match ty {
            Type::Int64 if self.failing && self.percent(60) => match self.below(6) {
                0..=2 => {
                    let (left, right) = (sub(self, ty), self.column(schema));
                    let op = self.pick(&[BinaryOp::Div, BinaryOp::Rem]);
                    binary(op, left, right, Type::Int64)
                }
                3 | 4 => {
                    let (left, right) = (sub(self, ty), sub(self, ty));
                    let op = self.pick(&[BinaryOp::Add, BinaryOp::Sub, BinaryOp::Mul, BinaryOp::Div, BinaryOp::Rem]);
                    binary(op, left, right, Type::Int64)
                }
                _abs => call(Function::Abs, vec![sub(self, ty)], Type::Int64),
            },
            Type::Int64 => match self.below(8) {
                0 | 1 => {
                    let by = self.pick(&[2, 3, -4]);
                    let left = sub(self, ty);
                    binary(BinaryOp::Div, left, int(by), Type::Int64)
                }
                3 => {
                    let (left, right) = (sub(self, ty), sub(self, ty));
                    let op = self.pick(&[BinaryOp::BitAnd, BinaryOp::BitOr, BinaryOp::BitXor]);
                    binary(op, left, right, Type::Int64)
                }
                4 => {
                    let from = self.pick(&[Type::Float64, Type::Bool]);
                    Expr::new(ExprKind::Cast(Box::new(sub(self, &from))), Type::Int64, Span::NONE)
                }
                5 => {
                    let (option, default) = (sub(self, &Type::Int64.optional()), sub(self, ty));
                    call(Function::UnwrapOr, vec![option, default], Type::Int64)
                }
                6 => {
                    let (left, right) = (sub(self, ty), sub(self, ty));
                    let function = self.pick(&[Function::Min, Function::SaturatingAdd, Function::WrappingMul]);
                    call(function, vec![left, right], Type::Int64)
                }
                _leaf => self.leaf(ty, schema, locals),
            },
            Type::Float64 => match self.below(if self.failing { 3 } else { 5 }) {
                0 | 1 => {
                    let (left, right) = (sub(self, ty), sub(self, ty));
                    let op = self.pick(&[BinaryOp::Add, BinaryOp::Sub, BinaryOp::Mul]);
                    binary(op, left, right, Type::Float64)
                }
                2 => Expr::new(ExprKind::Cast(Box::new(sub(self, &Type::Int64))), Type::Float64, Span::NONE),
                3 => {
                    let value = sub(self, ty);
                    let function = self.pick(&[Function::Abs, Function::Floor, Function::Sqrt]);
                    call(function, vec![value], Type::Float64)
                }
                _leaf => self.leaf(ty, schema, locals),
            },
            Type::Bool => match self.below(8) {
                0..=3 => {
                    let of = self.pick(&[Type::Int64, Type::Float64, Type::String, Type::Int64.optional()]);
                    let (left, right) = (sub(self, &of), sub(self, &of));
                    let comparisons =
                        [BinaryOp::Eq, BinaryOp::Ne, BinaryOp::Lt, BinaryOp::Le, BinaryOp::Gt, BinaryOp::Ge];
                    let op = self.pick(&comparisons);
                    binary(op, left, right, Type::Bool)
                }
                4 => {
                    let (left, right) = (sub(self, ty), sub(self, ty));
                    let op = self.pick(&[BinaryOp::And, BinaryOp::Or, BinaryOp::Or]);
                    binary(op, left, right, Type::Bool)
                }
                5 => Expr::new(ExprKind::Unary(UnaryOp::Not, Box::new(sub(self, ty))), Type::Bool, Span::NONE),
                6 => {
                    let option = sub(self, &Type::Int64.optional());
                    Expr::new(ExprKind::IsSome(Box::new(option)), Type::Bool, Span::NONE)
                }
                _starts_with => {
                    let (left, right) = (sub(self, &Type::String), sub(self, &Type::String));
                    call(Function::StartsWith, vec![left, right], Type::Bool)
                }
            },
            Type::Option(_) => match self.below(3) {
                0 => Expr::new(ExprKind::Some(Box::new(sub(self, &Type::Int64))), ty.clone(), Span::NONE),
                1 => {
                    let (left, right) = (sub(self, &Type::Int64), sub(self, &Type::Int64));
                    call(Function::CheckedAdd, vec![left, right], ty.clone())
                }
                _leaf => self.leaf(ty, schema, locals),
            },
            _string => self.leaf(ty, schema, locals),
        }
    }

    fn control(&mut self, ty: &Type, schema: &Schema, depth: usize, locals: &mut Vec<(LocalId, Type)>) -> Expr {
        if matches!(ty, Type::Int64 | Type::Float64) && self.percent(15) {
            let (by, from) = (self.scoped(ty, schema, depth, locals), self.scoped(ty, schema, depth, locals));
            let passes = int(self.pick(&[0, 1, 3, 2000]));
            return repeat(by, from, passes, |before, by| match ty {
                Type::Float64 => binary(BinaryOp::Sub, by, before, Type::Float64),
                _ => call(Function::WrappingSub, vec![by, before], Type::Int64),
            });
        }
        let kind = match self.below(3) {
            0 => ExprKind::If {
                condition: Box::new(self.scoped(&Type::Bool, schema, depth, locals)),
                then: Box::new(self.scoped(ty, schema, depth, locals)),
                otherwise: Box::new(self.scoped(ty, schema, depth, locals)),
            },
            1 => {
                let value_ty = self.pick(&[Type::Int64, Type::Float64, ty.clone()]);
                let value = Box::new(self.scoped(&value_ty, schema, depth, locals));
                let local = self.local();
                locals.push((local, value_ty));
                let body = Box::new(self.scoped(ty, schema, depth, locals));
                locals.pop();
                ExprKind::Let { local, value, body }
            }
            _if_some => {
                let option = Box::new(self.scoped(&Type::Int64.optional(), schema, depth, locals));
                let local = self.local();
                locals.push((local, Type::Int64));
                let then = Box::new(self.scoped(ty, schema, depth, locals));
                locals.pop();
                let otherwise = Box::new(self.scoped(ty, schema, depth, locals));
                ExprKind::IfSome { option, local, then, otherwise }
            }
        };
        Expr::new(kind, ty.clone(), Span::NONE)
    }

    fn local(&mut self) -> LocalId {
        self.next_local += 1;
        LocalId(self.next_local)
    }

    fn leaf(&mut self, ty: &Type, schema: &Schema, locals: &[(LocalId, Type)]) -> Expr {
        let of_locals: Vec<LocalId> = locals.iter().filter(|(_, of)| of == ty).map(|(local, _)| *local).collect();
        if !of_locals.is_empty() && self.percent(50) {
            return Expr::new(ExprKind::Local(self.pick(&of_locals)), ty.clone(), Span::NONE);
        }
        let columns: Vec<u32> =
            schema.fields.iter().zip(0..).filter(|(field, _)| field.ty == *ty).map(|(_, at)| at).collect();
        if !columns.is_empty() && self.percent(75) {
            return Expr::column(self.pick(&columns), ty.clone());
        }
        let literal = match ty {
            Type::Int64 if self.percent(15) => return Expr::new(ExprKind::Param(ParamId(0)), ty.clone(), Span::NONE),
            Type::Int64 if self.failing && self.percent(20) => Literal::Int(i64::MAX.into()),
            Type::Int64 => Literal::Int(self.pick(&[0, 1, 1, 2, -1])),
            Type::Float64 => Literal::Float(self.pick(&[0.0, -0.0, 1.0, 1.5, f64::NAN])),
            Type::Bool => Literal::Bool(self.percent(50)),
            Type::Option(_) if self.percent(40) => return Expr::new(ExprKind::None, ty.clone(), Span::NONE),
            Type::Option(_) => {
                let value = int(self.pick(&[0, 1, 2]));
                return Expr::new(ExprKind::Some(Box::new(value)), ty.clone(), Span::NONE);
            }
            _string => Literal::String(self.pick(&["", "a", "ab"]).to_owned()),
        };
        Expr::literal(literal, ty.clone())
    }

    fn tables(&mut self, plan: &Plan) -> Inputs {
        let mut inputs = Inputs::new();
        for source in &plan.sources {
            let rows = if self.percent(10) { 0 } else { 2 + self.below(9) };
            let row = |this: &mut Self| source.schema.fields.iter().map(|field| this.value(&field.ty)).collect();
            let rows = (0..rows).map(|_| row(self)).collect();
            inputs.insert(source.name.clone(), rows);
        }
        inputs
    }

    fn value(&mut self, ty: &Type) -> Value {
        match ty {
            Type::Int64 if self.percent(8) => Value::Int(i64::MAX.into()),
            Type::Int64 => Value::Int(self.pick(&[0, 1, 1, 2, 3, -1, -2])),
            Type::Float64 => Value::Float64(self.pick(&[0.0, -0.0, 1.0, 1.5, -2.0, 3.0, f64::NAN, f64::INFINITY])),
            Type::Bool => Value::Bool(self.percent(50)),
            Type::Option(_) if self.percent(30) => Value::Null,
            Type::Option(inner) => self.value(inner),
            _string => Value::String(self.pick(&["", "a", "ab", "b"]).to_owned()),
        }
    }
}

fn int(value: i128) -> Expr {
    Expr::literal(Literal::Int(value), Type::Int64)
}

fn binary(op: BinaryOp, left: Expr, right: Expr, ty: Type) -> Expr {
    Expr::new(ExprKind::Binary(op, Box::new(left), Box::new(right)), ty, Span::NONE)
}

fn call(function: Function, args: Vec<Expr>, ty: Type) -> Expr {
    Expr::new(ExprKind::Call(function, args), ty, Span::NONE)
}
