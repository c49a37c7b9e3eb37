//! The example jobs; each folder beside `src/` is one, and `tests/` runs them all: as files for `sabotc`, and as the modules
//! of this crate that they are for cargo.
#![forbid(unsafe_code)]

#[path = "../drawdown/job.rs"]
pub mod drawdown;
#[path = "../fan_out/job.rs"]
pub mod fan_out;
#[path = "../invoices/job.rs"]
pub mod invoices;
pub mod nexmark;
#[path = "../quote_enrichment/job.rs"]
pub mod quote_enrichment;
pub mod sample_data;
#[path = "../spread_udf/job.rs"]
pub mod spread_udf;
#[path = "../volume_by_symbol/job.rs"]
pub mod volume_by_symbol;
#[path = "../word_count/job.rs"]
pub mod word_count;
