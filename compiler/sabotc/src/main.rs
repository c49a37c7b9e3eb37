//! `sabotc`, the Sabot compiler.

use std::process::ExitCode;

fn main() -> ExitCode {
    sabotc::main()
}
