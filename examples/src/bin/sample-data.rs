//! Makes quotes and securities of any size, the same bytes every time: what the demo and the benchmarks read.
#![forbid(unsafe_code)]

use sabot_examples::sample_data::{self, FileFormat};
use std::path::PathBuf;
use std::process::ExitCode;

const USAGE: &str = "usage: sample-data DIR [--quotes N] [--securities N] [--format parquet|arrow] [--row-group ROWS]";

fn main() -> ExitCode {
    match parse(std::env::args().skip(1)) {
        Ok(request) => match sample_data::write(&request) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => fail(&format!("{}: {error}", request.directory.display()), 1),
        },
        Err(message) => fail(&format!("{message}\n{USAGE}"), 2),
    }
}

#[allow(clippy::print_stderr, reason = "this is a command line")]
fn fail(message: &str, code: u8) -> ExitCode {
    eprintln!("sample-data: {message}");
    ExitCode::from(code)
}

fn parse(arguments: impl Iterator<Item = String>) -> Result<sample_data::Request, String> {
    let mut request = sample_data::Request {
        directory: PathBuf::new(),
        quotes: 1_000,
        securities: 10_000,
        format: FileFormat::Parquet,
        row_group_rows: 1 << 20,
    };
    let mut arguments = arguments;
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or(format!("{argument} takes a value"));
        match argument.as_str() {
            "--quotes" => request.quotes = number(&value()?)?,
            "--securities" => request.securities = number(&value()?)?,
            "--row-group" => request.row_group_rows = number(&value()?)?.max(1),
            "--format" => {
                request.format = match value()?.as_str() {
                    "parquet" => FileFormat::Parquet,
                    "arrow" => FileFormat::Arrow,
                    other => return Err(format!("unknown format `{other}`")),
                }
            }
            flag if flag.starts_with("--") => return Err(format!("unknown flag `{flag}`")),
            directory => request.directory = PathBuf::from(directory),
        }
    }
    if request.directory.as_os_str().is_empty() {
        return Err("where to?".to_owned());
    }
    Ok(request)
}

fn number(text: &str) -> Result<usize, String> {
    text.replace('_', "").parse().map_err(|_| format!("`{text}` is not a number of rows"))
}
