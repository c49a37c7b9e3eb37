//! [`JobGraph`] to [`Plan`]: names resolved, types inferred, closures taken apart into columns.
//!
//! First the job's records, constants, parameters and functions are read ([`types`], [`udf`]), then its operators, inputs
//! first ([`operators`] and the files it calls). A closure goes two steps: inference makes typed code of it ([`infer`],
//! [`hir`]), lowering makes scalar expressions of that ([`lower`]). Nothing is lowered once there is an error: the rest of
//! the run only looks for more of them, with [`types::Ty::Error`] standing for whatever was reported.

mod aggregate;
mod arithmetic;
mod asof_join;
mod assign;
mod assigned;
mod associated;
mod bits;
mod boundedness;
mod call;
mod chain;
mod chain_count;
mod chain_end;
mod chain_held;
mod chain_more;
mod chain_split;
mod change;
mod choice;
mod collections;
mod constant;
mod database;
mod database_lookup;
mod early;
mod exhaustive;
mod expression;
mod flat_map;
mod flow;
mod format;
mod function_code;
mod generate;
mod generic;
mod group;
mod guide;
mod hir;
mod infer;
mod inside;
mod interval_join;
mod join;
mod join_changes;
mod lending;
mod library;
mod limits;
mod list;
mod list_more;
mod list_mutation;
mod lists;
mod lookup;
mod loops;
mod lower;
mod machine;
mod matches;
mod methods;
mod moves;
mod mutation;
mod numbers;
mod operators;
mod option;
mod outcome;
mod owned;
mod parsed;
mod passed_on;
mod pattern;
mod range;
mod reduce;
mod regex;
mod region;
mod row;
mod sink;
mod slice_pattern;
mod snippet;
mod source;
mod template;
#[cfg(test)]
mod tests;
mod text;
mod text_forms;
mod text_mutation;
mod text_search;
mod time;
mod top;
mod types;
mod udf;
mod unify;
mod unused;
mod user_aggregate;
mod value;
mod variant;
mod window;
mod wrapper;
mod written;

pub use function_code::{FunctionCode, functions};
pub(crate) use inside::tumbling_end;

use crate::Catalog;
use crate::diagnostics::unused::is_of_an_item;
use hir::{ConstId, FunctionId, Hir, HirClosure};
use sabot_ir::diagnostic::{Diagnostic, Diagnostics, Severity};
use sabot_ir::job_graph::JobGraph;
use sabot_ir::plan::{Plan, UserAggregate};
use sabot_ir::span::Span;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use types::{RecordId, RecordTy, Ty};

/// Checks a graph. Returns nothing if there is an error.
pub fn check(graph: &JobGraph, catalog: &Catalog, diagnostics: &mut Diagnostics) -> Option<Plan> {
    let mut cx = Cx::new(diagnostics);
    cx.declare_records(&graph.records);
    let params = cx.declare_code(graph);
    let plan = operators::plan(&mut cx, graph, catalog, params);
    if cx.errors == 0 {
        moves::check_functions(&mut cx, graph);
        text_forms::check_functions(&mut cx, graph);
        for (closure, params) in std::mem::take(&mut cx.owning) {
            moves::check_closure(&mut cx, graph, &closure, &params);
        }
    }
    if cx.errors > 0 {
        // Code with mistakes in it may use more once they are mended.
        diagnostics.retain(|diagnostic| !is_of_an_item(diagnostic));
        return None;
    }
    unused::complain(&mut cx, graph);
    debug_assert_eq!(
        sabot_ir::verify::plan::verify(&plan),
        Vec::<String>::new(),
        "the checker makes well-formed plans"
    );
    Some(plan)
}

/// What is known of the job, for every part of the checker.
struct Cx<'d> {
    records: Vec<RecordTy>,
    record_names: BTreeMap<String, RecordId>,
    functions: Vec<FunctionTy>,
    function_names: BTreeMap<String, FunctionId>,
    consts: Vec<ConstTy>,
    const_names: BTreeMap<String, ConstId>,
    params: Vec<ParamTy>,
    /// The type parameters of all functions.
    generics: Vec<generic::GenericTy>,
    /// Those of the function that is being read, by name.
    generic_scope: Vec<(String, types::GenericId)>,
    /// What type parameters stand for in a function that is put in where it is called.
    generic_types: Vec<(String, Ty)>,
    /// What a match of a regular expression is.
    match_record: Option<RecordId>,
    /// Patterns, what their captures are, and the names of their groups.
    captures: Vec<(String, RecordId, Vec<Option<String>>)>,
    /// Closures whose rows are their own, with the types of those.
    owning: Vec<(sabot_ir::ast::Closure, Vec<Ty>)>,
    diagnostics: &'d mut Diagnostics,
    /// The records that are aggregates.
    aggregates: Vec<user_aggregate::AggregateTy>,
    /// Those that would be, but for a mistake that was told.
    broken_aggregates: BTreeSet<RecordId>,
    /// Those that something uses, as the plan has them.
    plan_aggregates: Vec<UserAggregate>,
    /// How many messages there were before the checker began.
    parsed: usize,
    /// How many errors there are; those of the parser count as one.
    errors: usize,
}

/// A function of the job.
struct FunctionTy {
    name: String,
    /// Its type parameters.
    generics: Vec<types::GenericId>,
    params: Vec<(String, Ty)>,
    /// Which of them are `String`s, not `&str`.
    owned: Vec<bool>,
    /// Which of them are `&mut`.
    lent: Vec<bool>,
    returns: Ty,
    /// `None` if there is a mistake in it.
    body: Option<Rc<HirClosure>>,
    /// The function as written, where a parameter is a function: it is put in where it is called.
    template: Option<Rc<sabot_ir::ast::Function>>,
    span: Span,
}

/// A constant of the job.
struct ConstTy {
    ty: Ty,
    /// `None` if there is a mistake in it.
    body: Option<Rc<HirClosure>>,
    /// Its value, where it is plain enough for a pattern.
    literal: Option<Hir>,
    span: Span,
}

/// A parameter of the job.
struct ParamTy {
    name: String,
    ty: Ty,
    span: Span,
}

impl<'d> Cx<'d> {
    /// Nothing declared yet.
    fn new(diagnostics: &'d mut Diagnostics) -> Self {
        // What the parser has refused stands in the graph as `Error`: nothing is lowered then.
        let errors = usize::from(diagnostics.has_errors());
        Self {
            records: Vec::new(),
            record_names: BTreeMap::new(),
            functions: Vec::new(),
            function_names: BTreeMap::new(),
            consts: Vec::new(),
            const_names: BTreeMap::new(),
            params: Vec::new(),
            aggregates: Vec::new(),
            broken_aggregates: BTreeSet::new(),
            plan_aggregates: Vec::new(),
            parsed: diagnostics.as_slice().len(),
            generics: Vec::new(),
            generic_scope: Vec::new(),
            generic_types: Vec::new(),
            match_record: None,
            captures: Vec::new(),
            owning: Vec::new(),
            diagnostics,
            errors,
        }
    }
}

impl Cx<'_> {
    /// Tells the author, unless the parser has refused the same place already.
    fn say(&mut self, diagnostic: Diagnostic) {
        let place = |diagnostic: &Diagnostic| diagnostic.labels.first().map(|label| label.span);
        let at = place(&diagnostic).filter(|span| !span.is_none());
        let refused = &self.diagnostics.as_slice()[..self.parsed];
        if at.is_some() && refused.iter().any(|earlier| earlier.severity == Severity::Error && place(earlier) == at) {
            return;
        }
        if diagnostic.severity == Severity::Error {
            self.errors += 1;
        }
        self.diagnostics.push(diagnostic);
    }
}

/// `name`, or `name_2`, … if that is taken.
fn unique_name(name: &str, taken: &[String]) -> String {
    let is_taken = |name: &str| taken.iter().any(|other| other == name);
    if !is_taken(name) {
        return name.to_owned();
    }
    (2_u32..).map(|n| format!("{name}_{n}")).find(|name| !is_taken(name)).unwrap_or_default()
}
