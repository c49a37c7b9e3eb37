//! The languages of the compiler: the author's code ([`ast`]) in a [`job_graph`], the typed [`plan`] over [`expr`],
//! the physical [`pipeline`]s.
//!
//! They can be built, printed ([`display`]) and verified ([`verify`]), no more: everything that decides is in
//! `sabot-compiler`.
#![forbid(unsafe_code)]

pub mod ast;
pub mod body;
mod changes;
pub mod diagnostic;
pub mod display;
pub mod estimate;
pub mod expr;
pub mod facts;
pub mod job_graph;
pub mod list;
pub mod math;
pub mod pipeline;
pub mod plan;
pub mod span;
pub mod text;
pub mod ty;
pub mod user_aggregate;
pub mod value;
pub mod verify;
