//! Where a loop ends in state that goes on with event time: windows, and the tables of streams.

use super::body::BodyBuilder;
use super::fuse::{Owner, Stream};
use super::live::{Live, change_of, stream_layout};
use sabot_ir::expr::Expr;
use sabot_ir::pipeline::{End, LateRows, Reg};
use sabot_ir::plan::{AggregateCall, NodeId, Operator, Window};

impl BodyBuilder<'_> {
    /// Rows go into the accumulators of their windows.
    pub(super) fn window(
        &mut self,
        id: NodeId,
        (keys, calls, window): (&[Expr], &[AggregateCall], &Window),
        owner: Owner,
        stream: &mut Stream,
    ) -> End {
        let input = self.cx.plan.node(id).inputs[0];
        let schema = &self.cx.plan.node(input).schema;
        let keys = self.keys(schema, keys, owner, stream);
        let time = window.time.as_ref().filter(|_| window.kind.has_times());
        let time = time.map(|time| stream.register(&mut self.registers, "time", time, owner));
        let inputs = self.inputs(calls, owner, stream);
        let late = window.late.map(|sink| {
            let columns = (0u32..).zip(&schema.fields).map(|(at, field)| {
                let column = Expr::column(at, field.ty.clone());
                stream.register(&mut self.registers, &field.name, &column, owner)
            });
            LateRows { sink, columns: columns.collect() }
        });
        let watermark = time.and(stream.watermark);
        let table = self.cut.state(id);
        End::Window { table, time, watermark, keys, inputs, late, operator: owner.operator }
    }

    /// Rows go into a table of streams.
    pub(super) fn feed(&mut self, id: NodeId, port: usize, live: Live, owner: Owner, stream: &mut Stream) -> End {
        let node = self.cx.plan.node(id);
        let schema = &self.cx.plan.node(node.inputs[port]).schema;
        let (keys, time): (&[Expr], Option<&Expr>) = match &node.operator {
            Operator::IntervalJoin { left_keys, right_keys, left_time, right_time, .. }
            | Operator::AsofJoin { left_keys, right_keys, left_time, right_time, .. } => {
                if port == 0 {
                    (left_keys, Some(left_time))
                } else {
                    (right_keys, Some(right_time))
                }
            }
            Operator::HashJoin { left_keys, right_keys, .. } => (if port == 0 { left_keys } else { right_keys }, None),
            Operator::Aggregate { keys, .. } | Operator::Dedup { keys } => (keys, None),
            Operator::Sort { partition_by, .. } => (partition_by, None),
            Operator::Source { .. }
            | Operator::Filter { .. }
            | Operator::Project { .. }
            | Operator::FlatMap { .. }
            | Operator::Union
            | Operator::WindowAggregate { .. }
            | Operator::Limit { .. }
            | Operator::OnTime { .. }
            | Operator::Contenders { .. }
            | Operator::Sink { .. } => unreachable!("`{}` has no table of a stream", node.operator.name()),
        };
        let is_join = matches!(live, Live::Join(_) | Live::Asof | Live::JoinChanges | Live::Lookup);
        let keys = if is_join {
            self.keys(schema, keys.iter().map(unwrapped), owner, stream)
        } else {
            self.keys(schema, keys, owner, stream)
        };
        let time = time.map(|time| stream.register(&mut self.registers, "time", time, owner));
        let columns = self.feed_columns(id, port, owner, stream);
        End::Feed { table: self.cut.state(id), input: port as u32, keys, time, columns, operator: owner.operator }
    }

    fn feed_columns(&mut self, id: NodeId, port: usize, owner: Owner, stream: &mut Stream) -> Vec<Reg> {
        let node = self.cx.plan.node(id);
        let input = node.inputs[port];
        let schema = &self.cx.plan.node(input).schema;
        if let Operator::Aggregate { calls, .. } = &node.operator {
            let mut columns = Vec::new();
            for input in self.inputs(calls, owner, stream) {
                columns.extend(input.args.into_iter().chain(input.filter));
            }
            columns.extend(change_of(self.cx.plan, input).map(|at| {
                let column = Expr::column(at, schema.fields[at as usize].ty.clone());
                stream.register(&mut self.registers, "change", &column, owner)
            }));
            return columns;
        }
        let layout = stream_layout(self.cx, id);
        let columns = layout.inputs[port].iter().map(|column| {
            let name = super::body::column_name(schema, column);
            stream.register(&mut self.registers, &name, column, owner)
        });
        columns.collect()
    }
}

/// A table's keys are no options: where one side of a join has them, the other need not be wrapped.
fn unwrapped(key: &Expr) -> &Expr {
    if let sabot_ir::expr::ExprKind::Some(inner) = &key.kind { inner } else { key }
}
