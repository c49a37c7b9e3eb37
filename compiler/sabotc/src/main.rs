//! `sabotc`, the Sabot compiler.
#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    sabotc::main()
}
