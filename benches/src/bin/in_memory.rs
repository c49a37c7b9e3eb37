//! Runs a job over Arrow data that is in memory already, once for every line on standard input; prints one line of JSON per
//! run: `{"wall_ms": …, "answer": …}`. The peers' script drives it, so that engines take turns.
//!
//! `in_memory JOB [--input SOURCE=FILE]... [-p N]`: the files are Arrow IPC, read before the first run. A sink named `answer`
//! is printed; what other sinks are given is counted and dropped.

#![forbid(unsafe_code)]
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a measurement talks to the script that drives it")]

use arrow_ipc::reader::FileReader;
use sabot_benches::in_memory::{Data, Dropped, compile, sources};
use sabot_runtime::connector::Sink;
use sabot_runtime::{Connections, RunOptions};
use std::error::Error;
use std::fs::File;
use std::io::{BufRead, Write};

fn main() -> Result<(), Box<dyn Error>> {
    let mut words = std::env::args().skip(1);
    let file = words.next().ok_or("usage: in_memory JOB [--input SOURCE=FILE]... [-p N]")?;
    let mut options = RunOptions { overwrite: true, ..RunOptions::default() };
    let mut data = Data::new();
    while let Some(word) = words.next() {
        let value = words.next().ok_or("a flag needs its value")?;
        match word.as_str() {
            "--input" => {
                let (name, path) = value.split_once('=').ok_or("--input SOURCE=FILE")?;
                let batches = FileReader::try_new(File::open(path)?, None)?.collect::<Result<Vec<_>, _>>()?;
                data.insert(name.to_owned(), batches);
            }
            "-p" => options.parallelism = Some(value.parse()?),
            other => return Err(format!("unknown flag {other}").into()),
        }
    }
    let job = compile(&file, &std::fs::read_to_string(&file)?, None, &data)?;
    let sources = sources(job.manifest(), &data)?;
    let answer = std::env::temp_dir().join(format!("sabot-answer-{}.ndjson", std::process::id()));
    options.outputs.insert("answer".to_owned(), answer.display().to_string());
    options.outputs.retain(|name, _| job.manifest().sinks.iter().any(|sink| sink.name == *name));
    for line in std::io::stdin().lock().lines() {
        line?;
        let sinks = job.manifest().sinks.iter().filter(|sink| sink.name != "answer");
        let sinks = sinks.map(|sink| (sink.name.clone(), Box::new(Dropped) as Box<dyn Sink>)).collect();
        let summary = job.run_with(&options, Connections { sources: sources.clone(), sinks })?;
        let text = std::fs::read_to_string(&answer).unwrap_or_else(|_| "null".to_owned());
        println!("{{\"wall_ms\": {}, \"answer\": {}}}", summary.wall.as_secs_f64() * 1e3, text.trim());
        std::io::stdout().flush()?;
    }
    let _ = std::fs::remove_file(answer);
    Ok(())
}
