//! Rows that come too late leave the loop: they are counted, and written where the author wants them.
//!
//! How far event time was before a row is known where its source is read in the same loop. Behind a table all rows go on: what
//! a table gives comes with a time that has not passed.

use super::body::{BodyBuilder, Next};
use super::fuse::{Owner, Stream};
use sabot_ir::expr::{BinaryOp, Expr, ExprKind, UnaryOp};
use sabot_ir::pipeline::{Body, End, LateRows, Step};
use sabot_ir::plan::{NodeId, SinkId};
use sabot_ir::span::Span;
use sabot_ir::ty::Type;

impl BodyBuilder<'_> {
    /// Parts the rows into those in time and the others.
    pub(super) fn on_time(
        &mut self,
        id: NodeId,
        (end, late, of_copies): (&Expr, Option<SinkId>, bool),
        owner: Owner,
        stream: &mut Stream,
    ) -> Next {
        let Some(watermark) = stream.watermark else {
            stream.count(owner);
            return Next::Readers;
        };
        // The watermark stands behind the columns for the time of the comparison.
        let width = stream.columns.len();
        stream.columns.push(Some(Expr::column(watermark.0, Type::Int64)));
        let end = Expr::new(ExprKind::Cast(Box::new(end.clone())), Type::Int64, Span::NONE);
        let watermark = Expr::column(width as u32, Type::Int64);
        let kind = ExprKind::Binary(BinaryOp::Ge, Box::new(watermark), Box::new(end));
        let is_late = Expr::new(kind, Type::Bool, Span::NONE);
        let is_on_time = Expr::new(ExprKind::Unary(UnaryOp::Not, Box::new(is_late.clone())), Type::Bool, Span::NONE);
        if of_copies {
            stream.filter(&is_on_time, owner);
            stream.columns.truncate(width);
            return Next::Readers;
        }
        let steps = stream.take_steps();
        let (mut lost, mut kept) = (stream.branch(), stream.branch());
        let filter = Some(lost.resolve(&is_late));
        lost.push(Step::Compute {
            filter,
            outputs: Vec::new(),
            live: Vec::new(),
            operator: owner.operator,
            counts: Vec::new(),
        });
        let late = late.map(|sink| self.late_rows(id, sink, owner, &mut lost));
        let lost = Body { steps: lost.take_steps(), end: End::Late { late, operator: owner.operator } };
        kept.filter(&is_on_time, owner);
        kept.columns.truncate(width);
        let kept = self.body(id, kept);
        // The steps so far are of both.
        steps.into_iter().for_each(|step| stream.push(step));
        Next::End(End::Fork(vec![lost, kept]))
    }

    fn late_rows(&mut self, id: NodeId, sink: SinkId, owner: Owner, stream: &mut Stream) -> LateRows {
        let plan = self.cx.plan;
        let schema = &plan.node(plan.node(id).inputs[0]).schema;
        let count = plan.sinks[sink.0 as usize].schema.len();
        let columns = (0u32..).zip(&schema.fields).take(count).map(|(at, field)| {
            let column = Expr::column(at, field.ty.clone());
            stream.register(&mut self.registers, &field.name, &column, owner)
        });
        LateRows { sink, columns: columns.collect() }
    }
}
