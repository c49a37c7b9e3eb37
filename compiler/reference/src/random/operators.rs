//! The operators of a random job.

use super::user_aggregate::user_aggregate;
use super::{Builder, Stream};
use sabot_ir::expr::Expr;
use sabot_ir::plan::{AggregateCall, AggregateFunction, JoinKind, Operator, Side, SortKey, UserPart};
use sabot_ir::span::Span;
use sabot_ir::ty::{Schema, Type};

impl Builder {
    pub(super) fn operator(&mut self) {
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

    pub(super) fn project(&mut self, input: usize, columns: Vec<Expr>) -> usize {
        let Stream { ordered, rows, .. } = self.streams[input];
        let schema = self.schema(columns.iter().map(|column| column.ty.clone()).collect());
        let name = self.name("map");
        self.add(name, Operator::Project { columns }, &[input], schema, ordered, rows);
        self.streams.len() - 1
    }

    /// Of this stream and of another that is made to fit.
    pub(super) fn union(&mut self, input: usize) {
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

    pub(super) fn join(&mut self, left: usize) {
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
        let operator = Operator::HashJoin { kind, left_keys, right_keys, build, lookup: false };
        self.add(name, operator, &[left, right], schema, keeps_order, rows);
    }

    pub(super) fn aggregate(&mut self, input: usize) {
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
    pub(super) fn user_calls(&mut self, schema: &Schema) -> Vec<AggregateCall> {
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

    pub(super) fn call(&mut self, schema: &Schema, ordered: bool) -> AggregateCall {
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

    pub(super) fn keys(&mut self, schema: &Schema, most: u64) -> Vec<Expr> {
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
}
