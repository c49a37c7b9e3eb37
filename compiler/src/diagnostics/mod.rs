//! Every sentence the compiler can say.
//!
//! Codes: E01xx and E02xx syntax, E03xx types, E04xx names, E05xx operators, joins and aggregates, E06xx parameters of a
//! graph that was not written in Rust, E07xx what later versions can do, E08xx (warnings) what does nothing.

pub(crate) mod aggregate;
pub(crate) mod collections;
pub(crate) mod control;
pub(crate) mod database;
pub(crate) mod generate;
pub(crate) mod generics;
pub(crate) mod guide;
pub(crate) mod library;
pub(crate) mod lists;
pub(crate) mod names;
pub(crate) mod operators;
pub(crate) mod outside;
pub(crate) mod owned;
pub(crate) mod similar;
pub(crate) mod streams;
pub(crate) mod syntax;
pub(crate) mod text;
pub(crate) mod types;
pub(crate) mod unsupported;
pub(crate) mod unused;
pub(crate) mod user_aggregate;
pub(crate) mod written;
