//! The author's own aggregates: `init`, then `add` for one row after the other. Nothing is ever merged here.

use crate::aggregate::aggregate;
use crate::evaluate::{RowError, evaluate};
use crate::run::Row;
use crate::value::Value;
use sabot_ir::expr::Expr;
use sabot_ir::plan::{AggregateFunction, UserAggregate};
use sabot_ir::span::Span;
use sabot_ir::ty::Type;

/// The aggregates of a job, and the values of its parameters.
#[derive(Clone, Copy)]
pub(crate) struct Users<'a> {
    pub aggregates: &'a [UserAggregate],
    pub params: &'a [Value],
}

/// A call, as plans and pipelines have it.
pub(crate) struct Call<'a> {
    pub function: AggregateFunction,
    pub ty: &'a Type,
    pub span: Span,
}

/// What a group comes to.
pub(crate) struct Finished {
    /// What it begins with, then the values of the calls.
    pub row: Row,
    /// What could not be added to a state, and why.
    pub refused: Vec<(Row, RowError)>,
}

impl Users<'_> {
    fn columns(&self, columns: &[Expr], row: &[Value]) -> Result<Row, RowError> {
        columns.iter().map(|column| evaluate(column, row, self.params)).collect()
    }

    /// The state of these rows, and those that could not be added.
    fn state(&self, aggregate: u32, rows: &[Row]) -> Result<(Row, Vec<(Row, RowError)>), RowError> {
        let of = &self.aggregates[aggregate as usize];
        let mut state = self.columns(&of.init, &[])?;
        let mut refused = Vec::new();
        for row in rows {
            match self.columns(&of.add, &[&state[..], row].concat()) {
                Ok(new) => state = new,
                Err(error) => refused.push((row.clone(), error)),
            }
        }
        Ok((state, refused))
    }

    /// The values of the calls, behind what a group begins with; `args` are by call those of the rows that count.
    pub(crate) fn finished<'c>(
        &self,
        begin: &[Value],
        calls: impl Iterator<Item = Call<'c>>,
        args: &[Vec<Row>],
    ) -> Result<Finished, RowError> {
        let mut row = begin.to_vec();
        let mut all_refused = Vec::new();
        for (call, args_of_call) in calls.zip(args) {
            let AggregateFunction::User(part) = call.function else {
                let at = |code| RowError { code, span: call.span };
                row.push(aggregate(call.function, call.ty, args_of_call).map_err(at)?);
                continue;
            };
            let rows = part.kept_by.map_or(args_of_call, |keeper| &args[keeper as usize]);
            let (state, refused) = self.state(part.aggregate, rows)?;
            row.push(state[part.part as usize].clone());
            // All columns of a state say the same.
            if all_refused.is_empty() {
                all_refused = refused;
            }
        }
        Ok(Finished { row, refused: all_refused })
    }
}
