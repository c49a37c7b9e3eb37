//! The operators of a pipeline while its body is read: numbered, not yet named.
//!
//! Names come last, since `.named(..)` stands behind an operator, and a made-up name must not take an author's.

use super::Reader;
use crate::diagnostics::syntax;
use sabot_ir::ast::Name;
use sabot_ir::job_graph::{JobGraph, OperatorId, OperatorType, Parameter, StreamOperatorNode, Value};
use sabot_ir::span::Span;
use std::collections::BTreeMap;

/// Position of an operator in [`Drafts`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct DraftId(usize);

/// An operator without a name of its own.
pub(super) struct Draft {
    pub(super) operator_type: OperatorType,
    /// The author's name for it.
    pub(super) name: Option<Name>,
    pub(super) parameters: BTreeMap<String, Parameter>,
    /// Whose rows it takes, in order.
    pub(super) inputs: Vec<DraftId>,
    /// The method's name in the source.
    pub(super) span: Span,
    /// Whether another operator takes its rows.
    is_read: bool,
}

impl Draft {
    pub(super) fn new(operator_type: OperatorType, span: Span) -> Self {
        Self { operator_type, name: None, parameters: BTreeMap::new(), inputs: Vec::new(), span, is_read: false }
    }

    pub(super) fn named(mut self, name: Name) -> Self {
        self.name = Some(name);
        self
    }

    pub(super) fn input(mut self, input: DraftId) -> Self {
        self.inputs.push(input);
        self
    }

    pub(super) fn with(mut self, name: &str, value: impl Into<Value>, span: Span) -> Self {
        self.set(name, value, span);
        self
    }

    pub(super) fn set(&mut self, name: &str, value: impl Into<Value>, span: Span) {
        self.parameters.insert(name.to_owned(), Parameter { value: value.into(), span });
    }
}

/// The operators of one pipeline.
#[derive(Default)]
pub(super) struct Drafts {
    list: Vec<Draft>,
}

impl Drafts {
    /// Adds an operator; its inputs are now read.
    pub(super) fn add(&mut self, draft: Draft) -> DraftId {
        for input in &draft.inputs {
            self.list[input.0].is_read = true;
        }
        self.list.push(draft);
        DraftId(self.list.len() - 1)
    }

    pub(super) fn get(&self, id: DraftId) -> &Draft {
        &self.list[id.0]
    }

    pub(super) fn get_mut(&mut self, id: DraftId) -> &mut Draft {
        &mut self.list[id.0]
    }

    /// What nobody reads, and jobs that write nothing. To be asked only of a body without errors.
    pub(super) fn complain(&self, reader: &mut Reader<'_>, job: &Name) {
        let is_sink = |draft: &Draft| draft.operator_type == OperatorType::Sink;
        if !self.list.iter().any(|draft| is_sink(draft) && !draft.inputs.is_empty()) {
            reader.diagnostics.push(syntax::writes_nothing(job.span, &job.text));
            return;
        }
        for draft in self.list.iter().filter(|draft| !draft.is_read && !is_sink(draft)) {
            let what = match &draft.name {
                Some(name) => format!("`{}`", name.text),
                None => format!("this `{}`", draft.operator_type.name()),
            };
            reader.diagnostics.push(syntax::rows_go_nowhere(draft.span, &what));
        }
    }

    /// The graph, with a name for every operator.
    pub(super) fn finish(self, reader: &mut Reader<'_>, job: &Name) -> JobGraph {
        let names = self.names(reader);
        let mut graph = JobGraph::new(job.text.clone());
        for (draft, name) in self.list.iter().zip(&names) {
            let Some(name) = name else { continue };
            let node = StreamOperatorNode {
                operator_id: OperatorId(name.clone()),
                operator_type: draft.operator_type,
                name: name.clone(),
                parameters: draft.parameters.clone(),
                span: draft.span,
            };
            if let Err(error) = graph.add_operator(node) {
                reader.diagnostics.push(syntax::graph_refused(draft.span, name, &error.to_string()));
            }
        }
        for (draft, name) in self.list.iter().zip(&names) {
            for input in &draft.inputs {
                let (Some(from), Some(to)) = (&names[input.0], name) else { continue };
                let (from, to) = (OperatorId(from.clone()), OperatorId(to.clone()));
                // What `add_operator` refused has been told of; its edges go with it.
                if graph.operator(&from).is_none() || graph.operator(&to).is_none() {
                    continue;
                }
                if let Err(error) = graph.connect(&from, &to) {
                    reader.diagnostics.push(syntax::graph_refused(draft.span, &to.0, &error.to_string()));
                }
            }
        }
        graph
    }

    /// A name for each operator; none for one whose name is taken, which is told.
    fn names(&self, reader: &mut Reader<'_>) -> Vec<Option<String>> {
        let mut taken: BTreeMap<&str, Span> = BTreeMap::new();
        let mut is_twice = vec![false; self.list.len()];
        for (position, draft) in self.list.iter().enumerate() {
            let Some(name) = &draft.name else { continue };
            match taken.get(name.text.as_str()) {
                Some(first) => {
                    reader.diagnostics.push(syntax::duplicate_operator(name.span, *first, &name.text));
                    is_twice[position] = true;
                }
                None => {
                    taken.insert(&name.text, name.span);
                }
            }
        }
        let mut counts: BTreeMap<OperatorType, usize> = BTreeMap::new();
        let mut names = Vec::new();
        for (draft, is_twice) in self.list.iter().zip(is_twice) {
            names.push(match &draft.name {
                Some(_) if is_twice => None,
                Some(name) => Some(name.text.clone()),
                None => {
                    let count = counts.entry(draft.operator_type).or_default();
                    loop {
                        *count += 1;
                        let name = format!("{}_{count}", draft.operator_type.name());
                        if !taken.contains_key(name.as_str()) {
                            break Some(name);
                        }
                    }
                }
            });
        }
        names
    }
}
