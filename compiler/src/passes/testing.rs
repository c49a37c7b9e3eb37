//! Plans for tests, with schemas and expressions written as text.
#![expect(clippy::wildcard_enum_match_arm, reason = "the tests' language is a small part of Rust")]

use super::{Changed, Pass, PassCx, rewrite, run_pass};
use sabot_ir::display::plan::essentials;
use sabot_ir::expr::{BinaryOp, Expr, ExprKind, Function, Literal, LocalId, ParamId, UnaryOp};
use sabot_ir::plan::{
    AggregateCall, AggregateFunction, Connector, ErrorPolicy, JoinKind, Location, Node, NodeId, Operator, Param, Plan,
    Properties, Side, Sink, SinkId, SortKey, Source, SourceId, Statistics,
};
use sabot_ir::span::Span;
use sabot_ir::ty::{Field, Schema, TimeUnit, Type};
use sabot_ir::verify::plan::{join_types, verify};
use std::collections::BTreeMap;

/// Builds a plan node by node; the order of the calls is the order of the nodes.
pub(super) struct Builder {
    pub(super) plan: Plan,
}

impl Builder {
    pub(super) fn new() -> Self {
        Self { plan: Plan { job: String::from("test"), ..Plan::default() } }
    }

    /// A parameter of the job, which expressions may name.
    pub(super) fn param(&mut self, name: &str, ty: &str) {
        self.plan.params.push(Param { name: name.to_owned(), ty: type_of(ty), default: None });
    }

    pub(super) fn source(&mut self, name: &str, schema: &str) -> NodeId {
        let schema = schema_of(schema);
        let source = SourceId(u32::try_from(self.plan.sources.len()).unwrap());
        self.plan.sources.push(Source {
            name: name.to_owned(),
            connector: file(name),
            schema: schema.clone(),
            primary_key: None,
            event_time: None,
            statistics: Statistics::default(),
            span: Span::NONE,
        });
        let columns = (0..u32::try_from(schema.len()).unwrap()).collect();
        let operator = Operator::Source { source, columns, prune: None };
        self.node(name, operator, &[], schema)
    }

    /// Says how many rows the source read by a node has, and by which column they are unique.
    pub(super) fn statistics(&mut self, node: NodeId, rows: u64, primary_key: Option<u32>) {
        let Operator::Source { source, .. } = self.plan.node(node).operator else { panic!("not a source") };
        let source = &mut self.plan.sources[source.0 as usize];
        source.statistics.rows = Some(rows);
        source.primary_key = primary_key.map(|column| vec![column]);
    }

    pub(super) fn filter(&mut self, name: &str, input: NodeId, predicate: &str) -> NodeId {
        let predicate = self.expr(predicate, input, Some(&Type::Bool));
        let schema = self.schema(input);
        self.node(name, Operator::Filter { predicate }, &[input], schema)
    }

    /// `columns`: `id, mid = (bid + ask) / 2.0`.
    pub(super) fn project(&mut self, name: &str, input: NodeId, columns: &str) -> NodeId {
        let (mut exprs, mut fields) = (Vec::new(), Vec::new());
        for column in split(columns) {
            let (name, text) = named(&column);
            let expr = self.expr(&text, input, None);
            fields.push(Field::new(name, expr.ty.clone()));
            exprs.push(expr);
        }
        self.node(name, Operator::Project { columns: exprs }, &[input], Schema::new(fields))
    }

    pub(super) fn union(&mut self, name: &str, inputs: &[NodeId]) -> NodeId {
        let schema = self.schema(inputs[0]);
        self.node(name, Operator::Union, inputs, schema)
    }

    pub(super) fn join(
        &mut self,
        name: &str,
        kind: JoinKind,
        left: NodeId,
        right: NodeId,
        left_keys: &str,
        right_keys: &str,
    ) -> NodeId {
        let keys = |builder: &Self, text: &str, input| {
            split(text).iter().map(|key| builder.expr(key, input, None)).collect::<Vec<_>>()
        };
        let (left_keys, right_keys) = (keys(self, left_keys, left), keys(self, right_keys, right));
        self.join_on(name, kind, left, right, left_keys, right_keys)
    }

    pub(super) fn join_on(
        &mut self,
        name: &str,
        kind: JoinKind,
        left: NodeId,
        right: NodeId,
        left_keys: Vec<Expr>,
        right_keys: Vec<Expr>,
    ) -> NodeId {
        let (left_schema, right_schema) = (self.schema(left), self.schema(right));
        let types = join_types(kind, &left_schema, &right_schema);
        let mut names: Vec<String> = left_schema.fields.iter().map(|field| field.name.clone()).collect();
        match kind {
            JoinKind::Semi | JoinKind::Anti => {}
            JoinKind::Inner | JoinKind::Left | JoinKind::Right | JoinKind::Full => {
                names.extend(right_schema.fields.iter().map(|field| field.name.clone()));
            }
        }
        let flags: &[&str] = match kind {
            JoinKind::Left => &["$right"],
            JoinKind::Right => &["$left"],
            JoinKind::Full => &["$left", "$right"],
            JoinKind::Inner | JoinKind::Semi | JoinKind::Anti => &[],
        };
        names.extend(flags.iter().map(ToString::to_string));
        let schema = Schema::new(names.into_iter().zip(types).map(|(name, ty)| Field::new(name, ty)).collect());
        self.node(
            name,
            Operator::HashJoin { kind, left_keys, right_keys, build: Side::Right, lookup: false },
            &[left, right],
            schema,
        )
    }

    /// `calls`: `n = count(), total = sum(a)`.
    pub(super) fn aggregate(&mut self, name: &str, input: NodeId, keys: &str, calls: &str) -> NodeId {
        let mut fields = Vec::new();
        let mut key_exprs = Vec::new();
        for key in split(keys) {
            let (name, text) = named(&key);
            let expr = self.expr(&text, input, None);
            fields.push(Field::new(name, expr.ty.clone()));
            key_exprs.push(expr);
        }
        let mut call_list = Vec::new();
        for call in split(calls) {
            let (name, text) = named(&call);
            let (function, args) = text.trim_end_matches(')').split_once('(').expect("f(x)");
            let args: Vec<Expr> = split(args).iter().map(|arg| self.expr(arg, input, None)).collect();
            let function = aggregate_function(function);
            let ty = match function {
                AggregateFunction::Count
                | AggregateFunction::CountDistinct
                | AggregateFunction::ApproxCountDistinct => Type::Int64,
                AggregateFunction::Sum
                | AggregateFunction::Min
                | AggregateFunction::Max
                | AggregateFunction::First
                | AggregateFunction::Last => args[0].ty.clone(),
                AggregateFunction::ArgMin | AggregateFunction::ArgMax => args[1].ty.clone(),
                AggregateFunction::Avg
                | AggregateFunction::Variance
                | AggregateFunction::Stddev
                | AggregateFunction::Median
                | AggregateFunction::Percentile(_)
                | AggregateFunction::ApproxPercentile(_) => Type::Float64,
                AggregateFunction::Collect | AggregateFunction::User(_) => {
                    unreachable!("`{}` is not read", function.name())
                }
            };
            fields.push(Field::new(name.clone(), ty.clone()));
            call_list.push(AggregateCall { function, args, filter: None, name, ty, span: Span::NONE });
        }
        let operator = Operator::Aggregate { keys: key_exprs, calls: call_list };
        self.node(name, operator, &[input], Schema::new(fields))
    }

    pub(super) fn dedup(&mut self, name: &str, input: NodeId, keys: &str) -> NodeId {
        let keys = split(keys).iter().map(|key| self.expr(key, input, None)).collect();
        let schema = self.schema(input);
        self.node(name, Operator::Dedup { keys }, &[input], schema)
    }

    /// `by`: `-a, b`, where `-` is descending.
    pub(super) fn sort(
        &mut self,
        name: &str,
        input: NodeId,
        by: &str,
        limit: Option<u64>,
        partition_by: &str,
    ) -> NodeId {
        let key = |text: &String| {
            let descending = text.starts_with('-');
            SortKey { expr: self.expr(text.trim_start_matches('-'), input, None), descending }
        };
        let by = split(by).iter().map(key).collect();
        let partition_by = split(partition_by).iter().map(|key| self.expr(key, input, None)).collect();
        let schema = self.schema(input);
        self.node(name, Operator::Sort { by, limit, partition_by }, &[input], schema)
    }

    pub(super) fn limit(&mut self, name: &str, input: NodeId, rows: u64) -> NodeId {
        let schema = self.schema(input);
        self.node(name, Operator::Limit { rows }, &[input], schema)
    }

    pub(super) fn sink(&mut self, name: &str, input: NodeId) -> NodeId {
        let schema = self.schema(input);
        let sink = SinkId(u32::try_from(self.plan.sinks.len()).unwrap());
        self.plan.sinks.push(Sink {
            name: name.to_owned(),
            connector: file(name),
            schema: schema.clone(),
            span: Span::NONE,
        });
        self.node(name, Operator::Sink { sink }, &[input], schema)
    }

    /// A typed expression over the columns of a node; see [`Reader`].
    pub(super) fn expr(&self, text: &str, input: NodeId, wanted: Option<&Type>) -> Expr {
        let schema = &self.plan.node(input).schema;
        let mut reader = Reader { schema, params: &self.plan.params, locals: Vec::new() };
        let syntax = syn::parse_str::<syn::Expr>(text).unwrap_or_else(|error| panic!("`{text}`: {error}"));
        reader.expr(&syntax, wanted)
    }

    pub(super) fn schema(&self, node: NodeId) -> Schema {
        self.plan.node(node).schema.clone()
    }

    pub(super) fn node(&mut self, name: &str, operator: Operator, inputs: &[NodeId], schema: Schema) -> NodeId {
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
}

fn file(name: &str) -> Connector {
    Connector { location: Location::Path(name.to_owned()), format: None, options: BTreeMap::new() }
}

fn split(list: &str) -> Vec<String> {
    let (mut parts, mut depth) = (vec![String::new()], 0);
    for character in list.chars() {
        match character {
            '(' | '{' => depth += 1,
            ')' | '}' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(String::new());
                continue;
            }
            _other => {}
        }
        parts.last_mut().unwrap().push(character);
    }
    parts.into_iter().map(|part| part.trim().to_owned()).filter(|part| !part.is_empty()).collect()
}

/// `name = text`, or text that names itself.
fn named(column: &str) -> (String, String) {
    match column.split_once(" = ") {
        Some((name, text)) => (name.to_owned(), text.to_owned()),
        None => (column.to_owned(), column.to_owned()),
    }
}

fn schema_of(text: &str) -> Schema {
    let field = |column: &String| {
        let (name, ty) = column.split_once(": ").expect("name: type");
        Field::new(name, type_of(ty))
    };
    Schema::new(split(text).iter().map(field).collect())
}

fn type_of(text: &str) -> Type {
    match text {
        "bool" => Type::Bool,
        "i32" => Type::Int32,
        "i64" => Type::Int64,
        "u8" => Type::UInt8,
        "u32" => Type::UInt32,
        "u64" => Type::UInt64,
        "f32" => Type::Float32,
        "f64" => Type::Float64,
        "String" => Type::String,
        "Timestamp" => Type::Timestamp(TimeUnit::Microsecond),
        other => match other.strip_prefix("Option<").and_then(|inner| inner.strip_suffix('>')) {
            Some(inner) => type_of(inner).optional(),
            None => panic!("type {other}"),
        },
    }
}

fn aggregate_function(name: &str) -> AggregateFunction {
    [
        AggregateFunction::Count,
        AggregateFunction::Sum,
        AggregateFunction::Min,
        AggregateFunction::Max,
        AggregateFunction::Avg,
        AggregateFunction::First,
        AggregateFunction::Last,
        AggregateFunction::ArgMax,
        AggregateFunction::CountDistinct,
    ]
    .into_iter()
    .find(|function| function.name() == name)
    .unwrap_or_else(|| panic!("aggregate function {name}"))
}

/// Reads Rust text as a typed expression. Literals are `i64` and `f64` where no suffix and no other side says otherwise.
struct Reader<'a> {
    schema: &'a Schema,
    params: &'a [Param],
    locals: Vec<(String, LocalId, Type)>,
}

impl Reader<'_> {
    fn expr(&mut self, syntax: &syn::Expr, wanted: Option<&Type>) -> Expr {
        match syntax {
            syn::Expr::Paren(inner) => self.expr(&inner.expr, wanted),
            syn::Expr::Lit(literal) => Self::literal(&literal.lit, wanted),
            syn::Expr::Path(path) => self.name(&path.path.get_ident().expect("a name").to_string(), wanted),
            syn::Expr::Unary(unary) => {
                let value = self.expr(&unary.expr, wanted);
                let op = if matches!(unary.op, syn::UnOp::Neg(_)) { UnaryOp::Neg } else { UnaryOp::Not };
                // A negative number is one literal.
                let kind = match (op, &value.kind) {
                    (UnaryOp::Neg, ExprKind::Literal(Literal::Int(int))) => ExprKind::Literal(Literal::Int(-int)),
                    (UnaryOp::Neg, ExprKind::Literal(Literal::Float(x))) => ExprKind::Literal(Literal::Float(-x)),
                    _other => ExprKind::Unary(op, Box::new(value.clone())),
                };
                node(kind, value.ty)
            }
            syn::Expr::Binary(binary) => {
                let op = binary_op(&binary.op);
                let left = self.expr(&binary.left, None);
                let right = self.expr(&binary.right, Some(&left.ty));
                let ty = match op {
                    BinaryOp::Eq | BinaryOp::Ne | BinaryOp::Lt | BinaryOp::Le | BinaryOp::Gt | BinaryOp::Ge => {
                        Type::Bool
                    }
                    _other => left.ty.clone(),
                };
                node(ExprKind::Binary(op, Box::new(left), Box::new(right)), ty)
            }
            syn::Expr::Cast(cast) => {
                let syn::Type::Path(path) = &*cast.ty else { panic!("cast") };
                let ty = type_of(&path.path.get_ident().expect("a type").to_string());
                node(ExprKind::Cast(Box::new(self.expr(&cast.expr, None))), ty)
            }
            syn::Expr::If(conditional) => {
                let condition = self.expr(&conditional.cond, Some(&Type::Bool));
                let then = self.block(&conditional.then_branch, wanted);
                let otherwise = &conditional.else_branch.as_ref().expect("else").1;
                let otherwise = self.expr(otherwise, Some(&then.ty));
                let ty = then.ty.clone();
                let kind = ExprKind::If {
                    condition: Box::new(condition),
                    then: Box::new(then),
                    otherwise: Box::new(otherwise),
                };
                node(kind, ty)
            }
            syn::Expr::Block(block) => self.block(&block.block, wanted),
            syn::Expr::Match(matched) => self.matched(matched, wanted),
            syn::Expr::Call(call) => {
                let value = self.expr(&call.args[0], None);
                let ty = value.ty.clone().optional();
                node(ExprKind::Some(Box::new(value)), ty)
            }
            syn::Expr::MethodCall(call) => self.method(call),
            other => panic!("the tests' expressions have no {other:?}"),
        }
    }

    fn literal(literal: &syn::Lit, wanted: Option<&Type>) -> Expr {
        let suffix = |suffix: &str, default: Type| match (suffix, wanted) {
            ("", Some(ty)) if ty.is_integer() == default.is_integer() && ty.is_float() == default.is_float() => {
                ty.clone()
            }
            ("", _) => default,
            (suffix, _) => type_of(suffix),
        };
        match literal {
            syn::Lit::Bool(value) => Expr::bool(value.value),
            syn::Lit::Int(value) => {
                Expr::literal(Literal::Int(value.base10_parse().unwrap()), suffix(value.suffix(), Type::Int64))
            }
            syn::Lit::Float(value) => {
                let ty = suffix(value.suffix(), Type::Float64);
                let parsed: f64 = if ty == Type::Float32 {
                    f64::from(value.base10_parse::<f32>().unwrap())
                } else {
                    value.base10_parse().unwrap()
                };
                Expr::literal(Literal::Float(parsed), ty)
            }
            syn::Lit::Str(value) => Expr::literal(Literal::String(value.value()), Type::String),
            other => panic!("literal {other:?}"),
        }
    }

    fn name(&self, name: &str, wanted: Option<&Type>) -> Expr {
        if name == "None" {
            return node(ExprKind::None, wanted.cloned().unwrap_or_else(|| Type::Int64.optional()));
        }
        if let Some((_, local, ty)) = self.locals.iter().rev().find(|(local, ..)| local == name) {
            return node(ExprKind::Local(*local), ty.clone());
        }
        if let Some(position) = self.schema.position(name) {
            return Expr::column(u32::try_from(position).unwrap(), self.schema.fields[position].ty.clone());
        }
        let param = self.params.iter().position(|param| param.name == name).unwrap_or_else(|| panic!("no {name}"));
        node(ExprKind::Param(ParamId(u32::try_from(param).unwrap())), self.params[param].ty.clone())
    }

    fn bind(&mut self, name: &syn::Pat, ty: Type) -> LocalId {
        let syn::Pat::Ident(ident) = name else { panic!("pattern") };
        let local = LocalId(u32::try_from(self.locals.len()).unwrap());
        self.locals.push((ident.ident.to_string(), local, ty));
        local
    }

    fn block(&mut self, block: &syn::Block, wanted: Option<&Type>) -> Expr {
        let mut bound = Vec::new();
        for statement in &block.stmts {
            match statement {
                syn::Stmt::Local(binding) => {
                    let value = self.expr(&binding.init.as_ref().unwrap().expr, None);
                    let local = self.bind(&binding.pat, value.ty.clone());
                    bound.push((local, value));
                }
                syn::Stmt::Expr(tail, None) => {
                    let mut result = self.expr(tail, wanted);
                    for (local, value) in bound.into_iter().rev() {
                        let ty = result.ty.clone();
                        let kind = ExprKind::Let { local, value: Box::new(value), body: Box::new(result) };
                        result = node(kind, ty);
                    }
                    return result;
                }
                other => panic!("statement {other:?}"),
            }
        }
        panic!("a block without a value")
    }

    /// `match option { Some(x) => a, None => b }`.
    fn matched(&mut self, matched: &syn::ExprMatch, wanted: Option<&Type>) -> Expr {
        let option = self.expr(&matched.expr, None);
        let syn::Pat::TupleStruct(some) = &matched.arms[0].pat else { panic!("Some(x) first") };
        let local = self.bind(&some.elems[0], option.ty.value_type().clone());
        let then = self.expr(&matched.arms[0].body, wanted);
        let otherwise = self.expr(&matched.arms[1].body, Some(&then.ty));
        let ty = then.ty.clone();
        let kind =
            ExprKind::IfSome { option: Box::new(option), local, then: Box::new(then), otherwise: Box::new(otherwise) };
        node(kind, ty)
    }

    fn method(&mut self, call: &syn::ExprMethodCall) -> Expr {
        let receiver = self.expr(&call.receiver, None);
        let name = call.method.to_string();
        if name == "is_some" {
            return node(ExprKind::IsSome(Box::new(receiver)), Type::Bool);
        }
        let (function, ty) = match name.as_str() {
            "abs" => (Function::Abs, receiver.ty.clone()),
            "sqrt" => (Function::Sqrt, receiver.ty.clone()),
            "exp" => (Function::Exp, receiver.ty.clone()),
            "ln" => (Function::Ln, receiver.ty.clone()),
            "pow" => (Function::Pow, receiver.ty.clone()),
            "min" => (Function::Min, receiver.ty.clone()),
            "len" => (Function::Len, Type::UInt64),
            "is_nan" => (Function::IsNan, Type::Bool),
            "starts_with" => (Function::StartsWith, Type::Bool),
            "contains" => (Function::Contains, Type::Bool),
            "checked_add" => (Function::CheckedAdd, receiver.ty.clone().optional()),
            "unwrap_or" => (Function::UnwrapOr, receiver.ty.value_type().clone()),
            other => panic!("method {other}"),
        };
        let wanted = receiver.ty.value_type().clone();
        let mut args = vec![receiver];
        args.extend(call.args.iter().map(|arg| self.expr(arg, Some(&wanted))));
        node(ExprKind::Call(function, args), ty)
    }
}

fn node(kind: ExprKind, ty: Type) -> Expr {
    Expr::new(kind, ty, Span::NONE)
}

fn binary_op(op: &syn::BinOp) -> BinaryOp {
    match op {
        syn::BinOp::Add(_) => BinaryOp::Add,
        syn::BinOp::Sub(_) => BinaryOp::Sub,
        syn::BinOp::Mul(_) => BinaryOp::Mul,
        syn::BinOp::Div(_) => BinaryOp::Div,
        syn::BinOp::Rem(_) => BinaryOp::Rem,
        syn::BinOp::And(_) => BinaryOp::And,
        syn::BinOp::Or(_) => BinaryOp::Or,
        syn::BinOp::BitXor(_) => BinaryOp::BitXor,
        syn::BinOp::BitAnd(_) => BinaryOp::BitAnd,
        syn::BinOp::BitOr(_) => BinaryOp::BitOr,
        syn::BinOp::Shl(_) => BinaryOp::Shl,
        syn::BinOp::Shr(_) => BinaryOp::Shr,
        syn::BinOp::Eq(_) => BinaryOp::Eq,
        syn::BinOp::Lt(_) => BinaryOp::Lt,
        syn::BinOp::Le(_) => BinaryOp::Le,
        syn::BinOp::Ne(_) => BinaryOp::Ne,
        syn::BinOp::Ge(_) => BinaryOp::Ge,
        syn::BinOp::Gt(_) => BinaryOp::Gt,
        other => panic!("operator {other:?}"),
    }
}

/// The plan as its operators only, without schemas: what a pass changes. A shared node is shown wherever it is read.
pub(super) fn outline(plan: &Plan) -> String {
    let mut text = String::new();
    for root in plan.roots() {
        outline_node(plan, root, 0, &mut text);
    }
    text
}

fn outline_node(plan: &Plan, id: NodeId, depth: usize, text: &mut String) {
    let node = plan.node(id);
    let line = format!("{}{} {}: {}", "  ".repeat(depth), node.operator.name(), node.name, essentials(plan, id));
    text.push_str(&line);
    text.push('\n');
    for input in &node.inputs {
        outline_node(plan, *input, depth + 1, text);
    }
}

/// Builds a plan with a sink `out` on the node that `build` returns, runs a pass, and compares what stands below that
/// sink. The file of a source is not shown, because it is named as the source is.
#[track_caller]
pub(super) fn check(pass: Pass, build: impl FnOnce(&mut Builder) -> NodeId, expected: &str) {
    let mut b = Builder::new();
    let top = build(&mut b);
    b.sink("out", top);
    assert_eq!(verify(&b.plan), Vec::<String>::new(), "the test's own plan");
    let mut plan = b.plan;
    rewrite::compact(&mut plan);
    let mut cx = PassCx::new(&plan);
    let before = plan.clone();
    let changed = run_pass(&pass, &mut plan, &mut cx);
    assert_eq!(changed == Changed::Yes, before != plan);
    let root = plan.roots().find(|root| plan.node(*root).name == "out").expect("no pass removes a sink");
    let mut text = String::new();
    outline_node(&plan, plan.node(root).inputs[0], 0, &mut text);
    for source in &plan.sources {
        text = text.replace(&format!(": file \"{}\"", source.name), "");
    }
    assert_eq!(text.trim_end(), expected, "\nbefore:\n{}", outline(&before));
}

/// Runs a pass over one expression with the columns `a: i64, b: i64, x: f64, s: String, o: Option<i64>, t: bool`.
#[track_caller]
pub(super) fn check_expr(pass: Pass, before: &str, after: &str) {
    let mut b = Builder::new();
    b.param("limit", "f64");
    let source = b.source("s", "a: i64, b: i64, x: f64, s: String, o: Option<i64>, t: bool");
    let expr = b.expr(before, source, None);
    let schema = Schema::new(vec![Field::new("result", expr.ty.clone())]);
    let project = b.node("p", Operator::Project { columns: vec![expr] }, &[source], schema);
    b.sink("out", project);
    assert_eq!(verify(&b.plan), Vec::<String>::new(), "the test's own plan");
    let mut plan = b.plan;
    let mut cx = PassCx::new(&plan);
    run_pass(&pass, &mut plan, &mut cx);
    let text = essentials(&plan, project);
    assert_eq!(text.strip_prefix("result = ").unwrap_or(&text), after);
}
