//! One loop: from its origin through the operators to its ends.

use super::PhysicalCx;
use super::cut::{Cut, Purpose, Start};
use super::fuse::{Owner, Stream};
use super::live::{Live, live, stream_layout};
use super::needed::flat_map_lists;
use super::operators::Operators;
use super::registers::{Registers, renumber};
use super::tables::{JoinLayout, dedup_layout, join_layout, rows_layout};
use super::{liveness, tables};
use sabot_ir::expr::{Expr, ExprKind, Function, Literal};
use sabot_ir::list::ListFunction;
use sabot_ir::pipeline::{AggregateInput, Body, End, Origin, Pipeline, Reg, ScanTime, Step, TableId};
use sabot_ir::plan::{AggregateCall, AggregateFunction, JoinKind, NodeId, Operator};
use sabot_ir::span::Span;
use sabot_ir::ty::{Schema, Type};

/// The pipeline that begins here.
pub(super) fn pipeline(cx: &PhysicalCx<'_>, cut: &Cut, operators: &Operators, start: Start) -> Pipeline {
    let mut builder = BodyBuilder { cx, cut, operators, registers: Registers::default() };
    let (origin, body) = builder.start(start);
    let mut pipeline = Pipeline { origin, registers: builder.registers.list, body };
    liveness::fill(&mut pipeline);
    renumber(&mut pipeline);
    pipeline
}

pub(super) struct BodyBuilder<'a> {
    pub(super) cx: &'a PhysicalCx<'a>,
    pub(super) cut: &'a Cut,
    operators: &'a Operators,
    pub(super) registers: Registers,
}

/// What stands behind an operator: its own readers, or the end of the loop.
pub(super) enum Next {
    Readers,
    End(End),
}

impl<'a> BodyBuilder<'a> {
    fn owner(&self, node: NodeId) -> Owner {
        Owner { operator: self.operators.of(node), on_error: self.cx.plan.node(node).on_error }
    }

    fn start(&mut self, start: Start) -> (Origin, Body) {
        match start {
            Start::Source(id) => self.scan(id),
            Start::Table(id) => self.table(id),
            Start::Held(id) => self.held(id),
            Start::BuildRows(id) => self.build_rows(id),
        }
    }

    fn scan(&mut self, id: NodeId) -> (Origin, Body) {
        let node = self.cx.plan.node(id);
        let Operator::Source { source, columns, prune } = &node.operator else {
            unreachable!("only a source is scanned");
        };
        let mut stream = Stream::new(vec![None; columns.len()]);
        let mut read = Vec::new();
        for position in self.cx.needed(id) {
            let field = &node.schema.fields[*position as usize];
            let (register, value) = self.registers.column(&field.name, &field.ty);
            read.push((columns[*position as usize], register));
            stream.columns[*position as usize] = Some(value);
        }
        let operator = self.operators.of(id);
        let event_time = self.cx.plan.sources[source.0 as usize].event_time.as_ref().filter(|_| self.cx.waits);
        let event_time = event_time.map(|time| {
            let watermark = self.registers.add("watermark", &Type::Int64);
            stream.watermark = Some(watermark);
            ScanTime { column: time.column, lateness_us: time.lateness_us, watermark: Some(watermark) }
        });
        // Rows that are skipped must not be missing from the watermark.
        let prune = prune.clone().filter(|_| event_time.is_none());
        let origin = Origin::Scan { source: *source, columns: read, prune, event_time, operator };
        (origin, self.body(id, stream))
    }

    /// From the table of an aggregate, a dedup, a sort or a limit.
    fn table(&mut self, id: NodeId) -> (Origin, Body) {
        let node = self.cx.plan.node(id);
        let is_dedup = matches!(node.operator, Operator::Dedup { .. });
        let dedup = if is_dedup { dedup_layout(self.cx, id) } else { None };
        let is_aggregate = matches!(node.operator, Operator::Aggregate { .. } | Operator::WindowAggregate { .. });
        let streams = match live(self.cx.plan, id) {
            Some(
                Live::Join(_) | Live::Asof | Live::First | Live::Top | Live::Changes | Live::JoinChanges | Live::Lookup,
            ) => Some(stream_layout(self.cx, id)),
            Some(Live::Window | Live::Closes(_)) | None => None,
        };
        let mut stream = Stream::new(vec![None; node.schema.len()]);
        let mut read = Vec::new();
        for (among_needed, column) in (0u32..).zip(self.cx.needed(id)) {
            let position = match &dedup {
                _ if streams.is_some() => streams.as_ref().map_or(0, |layout| layout.outputs[column]),
                Some(layout) => layout.positions[column],
                None if is_aggregate => *column,
                None => among_needed,
            };
            let field = &node.schema.fields[*column as usize];
            let (register, value) = self.registers.column(&field.name, &field.ty);
            read.push((position, register));
            stream.columns[*column as usize] = Some(value);
        }
        let origin = Origin::Table { table: self.cut.state(id), columns: read, operator: self.operators.of(id) };
        (origin, self.body(id, stream))
    }

    /// From the rows that are held before a join or a union.
    fn held(&mut self, id: NodeId) -> (Origin, Body) {
        let layout = rows_layout(self.cx, Purpose::Held(id));
        let is_join = layout.of != id;
        let schema = &self.cx.plan.node(layout.of).schema;
        let mut stream = Stream::new(vec![None; schema.len()]);
        let mut read = Vec::new();
        for (position, column) in (0u32..).zip(&layout.columns) {
            let ExprKind::Column(column) = column.kind else { unreachable!("only columns are held") };
            let field = &schema.fields[column as usize];
            let (register, value) = self.registers.column(&field.name, &field.ty);
            read.push((position, register));
            stream.columns[column as usize] = Some(value);
        }
        let table = self.cut.held(id).expect("`cut` made the table with the loop");
        let origin = Origin::Table { table, columns: read, operator: self.operators.of_held(id) };
        let body = if is_join {
            match self.probe(id, &mut stream) {
                Next::Readers => self.body(id, stream),
                Next::End(end) => Body { steps: stream.take_steps(), end },
            }
        } else {
            stream.count(self.owner(id));
            self.body(id, stream)
        };
        (origin, body)
    }

    /// From the rows of a join's table, after probing.
    fn build_rows(&mut self, id: NodeId) -> (Origin, Body) {
        let layout = join_layout(self.cx, id);
        let matched = layout.shape.build_rows.expect("`cut` begins a loop only where rows are given");
        let mut read = Vec::new();
        let build = self.payload(id, &layout, false, &mut read);
        let columns = self.join_columns(id, &layout, None, &build, None);
        let table = self.cut.state(id);
        let origin = Origin::BuildRows { table, matched, columns: read, operator: self.operators.of(id) };
        (origin, self.body(id, Stream::new(columns)))
    }

    /// What happens to rows that a node gives.
    pub(super) fn body(&mut self, mut node: NodeId, mut stream: Stream) -> Body {
        loop {
            let cx = self.cx;
            let readers = cx.readers(node);
            let &[(reader, port)] = readers else {
                let steps = stream.take_steps();
                let branch = |(reader, port): &(NodeId, usize)| self.branch(*reader, *port, stream.branch());
                return Body { steps, end: End::Fork(readers.iter().map(branch).collect()) };
            };
            match self.operator(reader, port, &mut stream) {
                Next::Readers => node = reader,
                Next::End(end) => return Body { steps: stream.take_steps(), end },
            }
        }
    }

    fn branch(&mut self, reader: NodeId, port: usize, mut stream: Stream) -> Body {
        match self.operator(reader, port, &mut stream) {
            Next::Readers => self.body(reader, stream),
            Next::End(end) => Body { steps: stream.take_steps(), end },
        }
    }

    /// Rows come into an operator at one of its inputs.
    fn operator(&mut self, id: NodeId, port: usize, stream: &mut Stream) -> Next {
        let node = self.cx.plan.node(id);
        let owner = self.owner(id);
        match live(self.cx.plan, id) {
            Some(
                live @ (Live::Join(_)
                | Live::Asof
                | Live::First
                | Live::Top
                | Live::Changes
                | Live::JoinChanges
                | Live::Lookup),
            ) => {
                return Next::End(self.feed(id, port, live, owner, stream));
            }
            Some(Live::Window | Live::Closes(_)) | None => {}
        }
        match &node.operator {
            Operator::Source { .. } => unreachable!("a source has no inputs"),
            Operator::IntervalJoin { .. } | Operator::AsofJoin { .. } => unreachable!("they join as rows come"),
            Operator::WindowAggregate { keys, calls, window } => {
                Next::End(self.window(id, (keys, calls, window), owner, stream))
            }
            Operator::Filter { predicate } => {
                stream.filter(predicate, owner);
                Next::Readers
            }
            Operator::Project { columns } => {
                self.project(id, columns, owner, stream);
                Next::Readers
            }
            Operator::OnTime { end, late, of_copies } => self.on_time(id, (end, *late, *of_copies), owner, stream),
            Operator::Contenders { keys, value, is_least } => {
                let schema = &self.cx.plan.node(node.inputs[0]).schema;
                let keys = self.keys(schema, keys, owner, stream);
                let value = stream.register(&mut self.registers, "value", value, owner);
                stream.push(Step::Contenders { keys, value, is_least: *is_least, operator: owner.operator });
                Next::Readers
            }
            Operator::FlatMap { columns } => {
                self.flat_map(id, columns, owner, stream);
                Next::Readers
            }
            Operator::Union => {
                if let Some(table) = self.cut.held(id) {
                    return Next::End(self.collect(id, Purpose::Held(id), table, stream));
                }
                stream.count(owner);
                Next::Readers
            }
            Operator::HashJoin { .. } => self.join(id, port, stream),
            Operator::Aggregate { keys, calls } => Next::End(self.aggregate(id, keys, calls, owner, stream)),
            Operator::Dedup { keys } => Next::End(self.dedup(id, keys, owner, stream)),
            Operator::Sort { .. } | Operator::Limit { .. } => {
                Next::End(self.collect(id, Purpose::State(id), self.cut.state(id), stream))
            }
            Operator::Sink { sink } => {
                let columns = self.cx.plan.node(node.inputs[0]).schema.fields.iter().zip(0u32..);
                let columns = columns
                    .map(|(field, at)| {
                        let column = Expr::column(at, field.ty.clone());
                        stream.register(&mut self.registers, &field.name, &column, owner)
                    })
                    .collect();
                Next::End(End::Sink { sink: *sink, columns, operator: owner.operator })
            }
        }
    }

    fn project(&mut self, id: NodeId, columns: &[Expr], owner: Owner, stream: &mut Stream) {
        let node = self.cx.plan.node(id);
        let needed = self.cx.needed(id);
        let mut values = Vec::with_capacity(columns.len());
        for ((position, column), field) in (0u32..).zip(columns).zip(&node.schema.fields) {
            let wanted = needed.contains(&position) || column.can_fail();
            let mut value = || stream.value(&mut self.registers, &field.name, column, owner);
            values.push(wanted.then(&mut value));
        }
        stream.columns = values;
        stream.count(owner);
    }

    /// Lists become registers, their items others: only those may be read afterwards.
    fn flat_map(&mut self, id: NodeId, columns: &[Expr], owner: Owner, stream: &mut Stream) {
        let node = self.cx.plan.node(id);
        let mut lists = Vec::new();
        let mut items = Vec::new();
        let mut values = vec![None; columns.len()];
        for at in flat_map_lists(columns, self.cx.needed(id)) {
            let field = &node.schema.fields[at];
            lists.push(stream.register(&mut self.registers, &field.name, &columns[at], owner));
            let (item, value) = self.registers.column(&field.name, &field.ty);
            items.push(item);
            values[at] = Some(value);
        }
        stream.push(Step::FlatMap { lists, items, carry: Vec::new(), operator: owner.operator });
        stream.columns = values;
    }

    fn collect(&mut self, id: NodeId, purpose: Purpose, table: TableId, stream: &mut Stream) -> End {
        let layout = rows_layout(self.cx, purpose);
        let owner = self.owner(id);
        let columns = layout
            .columns
            .iter()
            .map(|column| {
                let name = column_name(&self.cx.plan.node(layout.of).schema, column);
                stream.register(&mut self.registers, &name, column, owner)
            })
            .collect();
        let operator = match purpose {
            Purpose::State(_) => owner.operator,
            Purpose::Held(_) => self.operators.of_held(id),
        };
        End::Collect { table, columns, operator }
    }

    fn aggregate(
        &mut self,
        id: NodeId,
        keys: &[Expr],
        calls: &[AggregateCall],
        owner: Owner,
        stream: &mut Stream,
    ) -> End {
        let schema = &self.cx.plan.node(self.cx.plan.node(id).inputs[0]).schema;
        let keys = self.keys(schema, keys, owner, stream);
        let inputs = self.inputs(calls, owner, stream);
        End::Aggregate { table: self.cut.state(id), keys, inputs, operator: owner.operator }
    }

    /// What the accumulators of calls take of each row.
    pub(super) fn inputs(&mut self, calls: &[AggregateCall], owner: Owner, stream: &mut Stream) -> Vec<AggregateInput> {
        let input = |at: usize| match super::live::keeper(calls, at) {
            Some(_) => AggregateInput { args: Vec::new(), filter: None },
            None => self.input(&calls[at], owner, stream),
        };
        (0..calls.len()).map(input).collect()
    }

    fn input(&mut self, call: &AggregateCall, owner: Owner, stream: &mut Stream) -> AggregateInput {
        let registers = &mut self.registers;
        let name = |what: &str| format!("{}.{what}", call.name);
        let filter = call.filter.as_ref().map(|filter| stream.register(registers, &name("if"), filter, owner));
        let args = call
            .args
            .iter()
            .map(|arg| match filter {
                // Evaluated only for rows that count: the others must not be errors.
                Some(filter) if arg.can_fail() => {
                    let guarded = ExprKind::If {
                        condition: Box::new(Expr::column(filter.0, Type::Bool)),
                        then: Box::new(stream.resolve(arg)),
                        otherwise: Box::new(anything(&arg.ty)),
                    };
                    let guarded = Expr::new(guarded, arg.ty.clone(), arg.span);
                    stream.compute(registers, &name("of"), guarded, owner)
                }
                Some(_) | None => stream.register(registers, &name("of"), arg, owner),
            })
            .collect();
        AggregateInput { args, filter }
    }

    fn dedup(&mut self, id: NodeId, keys: &[Expr], owner: Owner, stream: &mut Stream) -> End {
        let table = self.cut.state(id);
        let Some(layout) = dedup_layout(self.cx, id) else {
            return self.collect(id, Purpose::State(id), table, stream);
        };
        let schema = &self.cx.plan.node(id).schema;
        let keys = self.keys(schema, keys, owner, stream);
        let mut inputs = Vec::new();
        for column in &layout.payload {
            let field = &schema.fields[*column as usize];
            let column = Expr::column(*column, field.ty.clone());
            let value = stream.register(&mut self.registers, &field.name, &column, owner);
            let args = if tables::first_row_call(&field.ty).function == AggregateFunction::ArgMin {
                let constant = anything(&Type::Int64);
                vec![stream.compute(&mut self.registers, "constant", constant, owner), value]
            } else {
                vec![value]
            };
            inputs.push(AggregateInput { args, filter: None });
        }
        End::Aggregate { table, keys, inputs, operator: owner.operator }
    }

    fn join(&mut self, id: NodeId, port: usize, stream: &mut Stream) -> Next {
        let layout = join_layout(self.cx, id);
        if port == layout.shape.probe {
            return match self.cut.held(id) {
                Some(table) => Next::End(self.collect(id, Purpose::Held(id), table, stream)),
                None => self.probe(id, stream),
            };
        }
        let owner = self.owner(id);
        let keys = self.join_keys(id, port, owner, stream);
        let schema = &self.cx.plan.node(self.cx.plan.node(id).inputs[port]).schema;
        let payload = layout
            .payload
            .iter()
            .map(|column| {
                let field = &schema.fields[*column as usize];
                let column = Expr::column(*column, field.ty.clone());
                stream.register(&mut self.registers, &field.name, &column, owner)
            })
            .collect();
        Next::End(End::Build { table: self.cut.state(id), keys, payload, operator: owner.operator })
    }

    fn probe(&mut self, id: NodeId, stream: &mut Stream) -> Next {
        let layout = join_layout(self.cx, id);
        let owner = self.owner(id);
        let keys = self.join_keys(id, layout.shape.probe, owner, stream);
        let kind = layout.shape.kind;
        let is_left = kind == JoinKind::Left;
        let mut payload = Vec::new();
        let build = if layout.shape.mark_only || matches!(kind, JoinKind::Semi | JoinKind::Anti) {
            Vec::new()
        } else {
            let mut build = self.payload(id, &layout, is_left, &mut payload);
            for (column, key) in &layout.from_key {
                let ty = self.registers.list[keys[*key].0 as usize].ty.clone();
                build[*column as usize] = Some(Expr::column(keys[*key].0, ty));
            }
            build
        };
        let matched = is_left.then(|| self.registers.add("matched", &Type::Bool));
        stream.push(Step::Probe {
            table: self.cut.state(id),
            kind,
            keys,
            carry: Vec::new(),
            payload,
            matched,
            mark_only: layout.shape.mark_only,
            operator: owner.operator,
        });
        if layout.shape.mark_only {
            return Next::End(End::Nothing);
        }
        let probe = std::mem::take(&mut stream.columns);
        stream.columns = self.join_columns(id, &layout, Some(&probe), &build, matched);
        Next::Readers
    }

    fn join_keys(&mut self, id: NodeId, port: usize, owner: Owner, stream: &mut Stream) -> Vec<Reg> {
        let Operator::HashJoin { left_keys, right_keys, .. } = &self.cx.plan.node(id).operator else {
            unreachable!("only joins have these keys");
        };
        let schema = &self.cx.plan.node(self.cx.plan.node(id).inputs[port]).schema;
        let keys = if port == 0 { left_keys } else { right_keys };
        // A table's keys are no options: where one side has them, the other need not be wrapped.
        let unwrapped = |key: &'a Expr| if let ExprKind::Some(inner) = &key.kind { &**inner } else { key };
        self.keys(schema, keys.iter().map(unwrapped), owner, stream)
    }

    pub(super) fn keys<'k>(
        &mut self,
        schema: &Schema,
        keys: impl IntoIterator<Item = &'k Expr>,
        owner: Owner,
        stream: &mut Stream,
    ) -> Vec<Reg> {
        keys.into_iter()
            .map(|key| {
                let name = column_name(schema, key);
                stream.register(&mut self.registers, &name, key, owner)
            })
            .collect()
    }

    /// Registers for a join's payload, as columns of the building side.
    fn payload(
        &mut self,
        id: NodeId,
        layout: &JoinLayout,
        optional: bool,
        read: &mut Vec<(u32, Reg)>,
    ) -> Vec<Option<Expr>> {
        let schema = &self.cx.plan.node(self.cx.plan.node(id).inputs[layout.shape.build]).schema;
        let mut columns = vec![None; schema.len()];
        for (position, column) in (0u32..).zip(&layout.payload) {
            let field = &schema.fields[*column as usize];
            let ty = if optional { field.ty.clone().optional() } else { field.ty.clone() };
            let (register, value) = self.registers.column(&field.name, &ty);
            read.push((position, register));
            columns[*column as usize] = Some(value);
        }
        columns
    }

    /// The columns that a join gives. `probe` is missing for rows of the table that had no match; `matched` says of
    /// each row whether it has the building side.
    fn join_columns(
        &self,
        id: NodeId,
        layout: &JoinLayout,
        probe: Option<&[Option<Expr>]>,
        build: &[Option<Expr>],
        matched: Option<Reg>,
    ) -> Vec<Option<Expr>> {
        let node = self.cx.plan.node(id);
        let width = |port: usize| self.cx.plan.node(node.inputs[port]).schema.len();
        let Operator::HashJoin { kind, .. } = &node.operator else { unreachable!("only joins have these columns") };
        let only_left = matches!(kind, JoinKind::Semi | JoinKind::Anti);
        // Where each column comes from: a side and a position, or the flag of a side.
        let mut origins: Vec<(usize, Option<usize>)> = Vec::with_capacity(node.schema.len());
        origins.extend((0..width(0)).map(|column| (0, Some(column))));
        if !only_left {
            origins.extend((0..width(1)).map(|column| (1, Some(column))));
        }
        if matches!(kind, JoinKind::Right | JoinKind::Full) {
            origins.push((0, None));
        }
        if matches!(kind, JoinKind::Left | JoinKind::Full) {
            origins.push((1, None));
        }
        // Pairs are taken back with the rows that probe.
        if origins.len() < node.schema.len() {
            origins.push((layout.shape.probe, Some(width(layout.shape.probe) - 1)));
        }
        let value = |(position, (side, column)): (usize, &(usize, Option<usize>))| {
            let field = &node.schema.fields[position];
            if !self.cx.needed(id).contains(&(position as u32)) {
                return None;
            }
            let built = *side == layout.shape.build;
            let Some(column) = *column else {
                return Some(match (built, matched) {
                    (true, Some(matched)) => Expr::column(matched.0, Type::Bool),
                    (true, None) => Expr::bool(true),
                    (false, _) => Expr::bool(probe.is_some()),
                });
            };
            let columns = if built { Some(build) } else { probe };
            let value = match columns {
                None => Expr::new(ExprKind::None, field.ty.clone(), Span::NONE),
                Some(columns) => columns[column].clone().expect("what a join gives its inputs need"),
            };
            Some(fit(value, &field.ty))
        };
        origins.iter().enumerate().map(value).collect()
    }
}

/// What to call the register of an expression over these columns.
pub(super) fn column_name(schema: &Schema, expr: &Expr) -> String {
    if let ExprKind::Column(column) = expr.kind {
        schema.fields[column as usize].name.clone()
    } else {
        "key".to_owned()
    }
}

/// The value as one of this type, which may be its `Option`.
fn fit(value: Expr, ty: &Type) -> Expr {
    if value.ty == *ty {
        return value;
    }
    let span = value.span;
    Expr::new(ExprKind::Some(Box::new(value)), ty.clone(), span)
}

/// Some value of a type, where nobody looks at it.
fn anything(ty: &Type) -> Expr {
    let kind = match ty {
        Type::Unit => ExprKind::Literal(Literal::Unit),
        Type::Bool => ExprKind::Literal(Literal::Bool(false)),
        Type::Int8
        | Type::Int16
        | Type::Int32
        | Type::Int64
        | Type::UInt8
        | Type::UInt16
        | Type::UInt32
        | Type::UInt64
        | Type::Char
        | Type::Decimal(..)
        | Type::Date
        | Type::Timestamp(_)
        | Type::Duration => ExprKind::Literal(Literal::Int(0)),
        Type::Float32 | Type::Float64 => ExprKind::Literal(Literal::Float(0.0)),
        Type::String => ExprKind::Literal(Literal::String(String::new())),
        Type::Bytes => ExprKind::Literal(Literal::Bytes(Vec::new())),
        Type::Option(_) => ExprKind::None,
        Type::List(_) => ExprKind::Call(Function::List(ListFunction::Of), Vec::new()),
    };
    Expr::new(kind, ty.clone(), Span::NONE)
}
