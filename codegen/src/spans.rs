//! The places in job.rs that a kernel's code speaks of, by number.
//!
//! Machine code holds numbers, never byte offsets: text that moves because something before it was edited leaves the code of
//! a kernel as it was, and the kernel is found in the cache. The manifest and the line table turn numbers into places.

use crate::kernel::KernelBody;
use sabot_ir::expr::{Expr, ExprKind};
use sabot_ir::span::Span;
use std::collections::BTreeMap;

/// What stands for a place that has no number.
pub(crate) const NO_SPAN: u32 = u32::MAX;

/// The places of one kernel body, in the order in which its expressions are walked, each once.
#[derive(Clone, Debug, Default)]
pub(crate) struct Spans {
    places: Vec<Span>,
    numbers: BTreeMap<Span, u32>,
    /// What is said where a row fails there.
    messages: BTreeMap<u32, String>,
}

impl Spans {
    /// The places of a body.
    pub(crate) fn of(body: &KernelBody) -> Self {
        let mut spans = Self::default();
        for expr in body.expressions() {
            expr.walk_all(&mut |node: &Expr| {
                let number = spans.add(node.span);
                if let ExprKind::Fail(failure) = &node.kind
                    && !failure.message.is_empty()
                {
                    spans.messages.insert(number, failure.message.clone());
                }
                if let ExprKind::Compute(body, _) = &node.kind {
                    body.for_each_loop(&mut |span| {
                        spans.add(span);
                    });
                }
            });
        }
        spans
    }

    /// The number of a place, which it is given if it has none.
    fn add(&mut self, span: Span) -> u32 {
        let next = u32::try_from(self.places.len()).unwrap_or(NO_SPAN);
        let places = &mut self.places;
        *self.numbers.entry(span).or_insert_with(|| {
            places.push(span);
            next
        })
    }

    /// The number of a place.
    pub(crate) fn number(&self, span: Span) -> u32 {
        if span.is_none() { NO_SPAN } else { self.numbers.get(&span).copied().unwrap_or(NO_SPAN) }
    }

    /// The place with a number.
    pub(crate) fn place(&self, number: u32) -> Option<Span> {
        self.places.get(number as usize).copied()
    }

    /// What the author says about failures, by the number of their place.
    pub(crate) fn messages(&self) -> Vec<(u32, String)> {
        self.messages.iter().map(|(number, message)| (*number, message.clone())).collect()
    }

    /// First and last byte of each place, by its number.
    pub(crate) fn ranges(&self) -> Vec<(u32, u32)> {
        self.places.iter().map(|span| (span.start, span.end)).collect()
    }
}
