//! The functions of a job as code of their own, to be told of: in a plan they stand where they are called.

use super::Cx;
use super::lower::Lower;
use super::row::columns_from;
use super::types::Ty;
use sabot_ir::diagnostic::Diagnostics;
use sabot_ir::expr::Expr;
use sabot_ir::job_graph::JobGraph;
use sabot_ir::span::Span;
use std::rc::Rc;

/// A function of a job.
#[derive(Clone, Debug)]
pub struct FunctionCode {
    /// `spread_bps(bid: f64, ask: f64) -> f64`.
    pub signature: String,
    /// Its name in the source.
    pub span: Span,
    /// What it gives, a scalar each; its parameters are columns.
    pub code: Vec<Expr>,
}

/// The functions of a job without errors, in the order of the text. What has type parameters is left out: it is another
/// function for each type that it is called with.
#[must_use]
pub fn functions(graph: &JobGraph) -> Vec<FunctionCode> {
    let mut diagnostics = Diagnostics::new();
    let mut cx = Cx::new(&mut diagnostics);
    cx.declare_records(&graph.records);
    cx.declare_code(graph);
    let mut all = Vec::new();
    for position in 0..cx.functions.len() {
        let function = &cx.functions[position];
        let Some(body) = function.body.as_ref().filter(|_| function.generics.is_empty()).map(Rc::clone) else {
            continue;
        };
        let (params, returns, span) = (function.params.clone(), function.returns.clone(), function.span);
        let shown: Vec<String> = params.iter().map(|(name, ty)| format!("{name}: {}", cx.show(ty))).collect();
        let gives_nothing = matches!(&returns, Ty::Tuple(parts) if parts.is_empty());
        let gives = if gives_nothing { String::new() } else { format!(" -> {}", cx.show(&returns)) };
        let signature = format!("{}({}){gives}", function.name, shown.join(", "));
        let mut next = 0;
        let args = params.iter().map(|(_, ty)| columns_from(&cx, ty, &mut next)).collect();
        let value = Lower::new(&mut cx, Vec::new(), span).closure(&body, args);
        if cx.errors > 0 {
            return all; // too large by itself: a job that calls it says so
        }
        all.push(FunctionCode { signature, span, code: value.into_leaves() });
    }
    all.sort_by_key(|function| function.span);
    all
}
