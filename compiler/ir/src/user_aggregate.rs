//! The author's own aggregates: a record with `init`, `add`, `merge` and `finish`.
//!
//! The record is taken apart like any other: its scalars are the columns of the state, and the four functions are
//! expressions over them, one for each column. `finish` is no part of it: it is computed of the columns by whoever reads
//! them, as anything else is.

use crate::expr::Expr;
use crate::ty::{Field, Type};

/// What is kept of a group, and how rows and other states go into it.
#[derive(Clone, Debug, PartialEq)]
pub struct UserAggregate {
    /// The record's name.
    pub name: String,
    /// The columns of the state.
    pub state: Vec<Field>,
    /// The types of what `add` takes of a row.
    pub args: Vec<Type>,
    /// The state of no rows.
    pub init: Vec<Expr>,
    /// The state with one row more. Columns: the state, then what is taken of the row.
    pub add: Vec<Expr>,
    /// The state of two pieces. Columns: the state of the earlier piece, then that of the later one.
    pub merge: Vec<Expr>,
    /// The state with one row less, where the author says how. Columns: as of `add`.
    pub remove: Option<Vec<Expr>>,
}

impl UserAggregate {
    /// Its code: what it is called, its expressions, and the types of the columns that they read.
    #[must_use]
    pub fn functions(&self) -> Vec<(&'static str, &[Expr], Vec<&Type>)> {
        let state = || self.state.iter().map(|field| &field.ty);
        let with_args = || state().chain(&self.args).collect::<Vec<_>>();
        let mut functions = vec![
            ("init", self.init.as_slice(), Vec::new()),
            ("add", self.add.as_slice(), with_args()),
            ("merge", self.merge.as_slice(), state().chain(state()).collect()),
        ];
        functions.extend(self.remove.as_deref().map(|remove| ("remove", remove, with_args())));
        functions
    }
}

/// One column of the state of one of the author's aggregates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct UserPart {
    /// Which aggregate, by its place in the plan.
    pub aggregate: u32,
    /// Which column of its state.
    pub part: u32,
    /// In pipelines: the place of the call that keeps the state, where that is another one; the call then takes nothing of
    /// the rows itself.
    pub kept_by: Option<u32>,
}
