//! `sabotc`, the Sabot compiler.
#![forbid(unsafe_code)]

use std::process::ExitCode;

/// Ends the process with a word when there is no memory left.
#[global_allocator]
static ALLOCATOR: sabot_runtime::SystemOrExit = sabot_runtime::SystemOrExit;

fn main() -> ExitCode {
    sabotc::main()
}
