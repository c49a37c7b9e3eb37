//! `#[sabot::record]`, `#[sabot::udf]` and `#[sabot::pipeline]` under cargo: thin shells around the compiler's front end.
//!
//! An attribute sees the tokens of its own item; a job is a whole file. So each of them reads the file that its item stands
//! in ([`job_file`]), runs parser and checker over all of it, once per file and text, and reports what lies in its own item
//! as errors on the item's tokens ([`report`], which finds them by their order in the file: [`tokens`]). Thus an error is the
//! same error, with the same code, place and help, as `sabotc` shows. rustc then checks the same code again, against the
//! typed façade of the crate `sabot`.
//!
//! What was considered instead: every attribute leaving its tokens behind for the pipeline (a hidden `macro_rules`, or a
//! table in this process) works only for items that stand before the pipeline and loses helpers and constants, which have no
//! attribute; building the graph when the program runs reports mistakes too late.
//!
//! Where no file can be read (older rust-analyzers) the items still expand to what has the right types, so that completion
//! works; rustc without a file is an error.
#![forbid(unsafe_code)]

mod aggregate;
mod fast_math;
mod job_file;
mod pipeline;
mod record;
mod report;
mod signature;
mod tokens;
mod udf;

use proc_macro::TokenStream;

/// A struct whose fields are the columns of a source, a sink or a step between.
///
/// `#[sabot(rename_all = "camelCase")]` on the struct and `#[sabot(rename = "x")]` on a field give the names in files. The
/// struct gets `Clone`, `Debug` and `PartialEq`, unless it derives them itself.
#[proc_macro_attribute]
pub fn record(arguments: TokenStream, item: TokenStream) -> TokenStream {
    record::expand(&arguments, item)
}

/// A function of values that the job's closures may call. It stays the function that it is.
#[proc_macro_attribute]
pub fn udf(arguments: TokenStream, item: TokenStream) -> TokenStream {
    udf::expand(&arguments, item)
}

/// The `impl` block of a record that is an aggregate: `init`, `add`, `merge`, `finish`, and `remove` where rows may be taken back.
/// Groups call it by the record's name: `group.aggregate::<Spread>(|row| row.price)`.
#[proc_macro_attribute]
pub fn aggregate(arguments: TokenStream, item: TokenStream) -> TokenStream {
    aggregate::expand(&arguments, item)
}

/// A job. The function returns its `JobGraph`; its parameters are those of the job.
#[proc_macro_attribute]
pub fn pipeline(arguments: TokenStream, item: TokenStream) -> TokenStream {
    pipeline::expand(&arguments, item)
}
