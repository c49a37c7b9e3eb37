//! The kernels of the author's own aggregates: one for each of its functions, which goes over rows and changes the state of
//! each row's group.

use super::Planner;
use crate::kernel::{Form, KernelBody};
use crate::manifest::column_type;
use crate::spans::Spans;
use sabot_abi::manifest as abi;
use sabot_ir::expr::Expr;
use sabot_ir::plan::UserAggregate;
use sabot_ir::ty::Type;
use std::sync::Arc;

impl Planner<'_> {
    /// The kernels of an aggregate.
    pub(super) fn user_aggregate(&mut self, aggregate: &UserAggregate) -> abi::UserAggregate {
        let width = aggregate.state.len();
        let mut made: Vec<abi::UserFunction> = Vec::new();
        for (name, columns, reads) in aggregate.functions() {
            let args = reads.get(width..).unwrap_or_default();
            made.push(self.user_function(&format!("{}_{name}", aggregate.name), columns, width, args));
        }
        let mut made = made.into_iter();
        let mut next = || made.next().expect("an aggregate has its functions");
        abi::UserAggregate {
            name: aggregate.name.clone(),
            state: aggregate.state.iter().map(|field| column_type(&field.ty)).collect(),
            init: next(),
            add: next(),
            merge: next(),
            remove: aggregate.remove.as_ref().map(|_| next()),
        }
    }

    fn user_function(&mut self, name: &str, columns: &[Expr], width: usize, args: &[&Type]) -> abi::UserFunction {
        columns.iter().for_each(|column| self.pool.add(column));
        let number = |at: usize| u32::try_from(at).expect("a state has fewer than 2^32 columns");
        let body = Arc::new(KernelBody {
            inputs: args.iter().enumerate().map(|(at, ty)| (number(width + at), (*ty).clone())).collect(),
            filter: None,
            outputs: columns.iter().enumerate().map(|(at, column)| (number(at), column.clone())).collect(),
            aggregate: None,
        });
        let spans = Arc::new(Spans::of(&body));
        self.parts += 1;
        let kernel = self.function(format!("{name}_{}", self.parts), Form::Grouped, &body, &spans);
        abi::UserFunction { kernel, spans: spans.ranges(), messages: spans.messages() }
    }
}
