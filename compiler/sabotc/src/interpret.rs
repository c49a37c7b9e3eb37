//! `sabotc run --interpret`: the reference interpreter over the same files. Slow, and right.

use crate::arguments::RunArguments;
use crate::exit::Failure;
use crate::rows;
use sabot_abi::manifest::Manifest;
use sabot_ir::expr::Literal;
use sabot_ir::plan::{Param, Plan};
use sabot_ir::span::line_column;
use sabot_ir::ty::Type;
use sabot_reference::{Inputs, Value};
use sabot_runtime::connector::{self, Scan, SinkOptions};

/// Reads every source, runs the plan as it was before any pass, writes every sink.
pub(crate) fn run(plan: &Plan, manifest: &Manifest, source: &str, arguments: &RunArguments) -> Result<(), Failure> {
    let params = plan.params.iter().map(|param| param_value(param, &arguments.set)).collect::<Result<Vec<_>, _>>()?;
    connector::check_overlap(
        manifest.sources.iter().map(|source| (source, replacement(&arguments.job.input, &source.name))),
        manifest.sinks.iter().map(|sink| (sink, replacement(&arguments.output, &sink.name))),
    )
    .map_err(failed)?;
    let mut inputs = Inputs::new();
    for source in &manifest.sources {
        inputs.insert(source.name.clone(), read(source, arguments)?);
    }
    let outputs = sabot_reference::run(plan, &inputs, &params).map_err(|failure| {
        let (line, column) = line_column(source, failure.error.span.start);
        Failure::Failed(format!("{}:{line}:{column}: {failure}", arguments.job.file.display()))
    })?;
    for sink in &manifest.sinks {
        let rows = outputs.get(&sink.name).map_or(&[][..], Vec::as_slice);
        write(sink, rows, arguments)?;
    }
    Ok(())
}

fn failed(error: impl std::fmt::Display) -> Failure {
    Failure::Failed(error.to_string())
}

fn read(source: &sabot_abi::manifest::Source, arguments: &RunArguments) -> Result<Vec<sabot_reference::Row>, Failure> {
    let columns = (0u32..).take(source.fields.len()).collect();
    let opened = connector::open_source(source, replacement(&arguments.job.input, &source.name), &Scan::of(columns))
        .map_err(failed)?;
    let mut all = Vec::new();
    for split in 0..opened.splits() {
        let mut reader = opened.open(split).map_err(failed)?;
        while let Some(batch) = reader.next().map_err(failed)? {
            all.extend(rows::from_batch(&batch, &source.fields).map_err(failed)?);
        }
    }
    if let Some(limit) = arguments.limit {
        all.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    }
    Ok(all)
}

fn write(
    sink: &sabot_abi::manifest::Sink,
    rows: &[sabot_reference::Row],
    arguments: &RunArguments,
) -> Result<(), Failure> {
    let options = SinkOptions { overwrite: arguments.overwrite };
    let opened = connector::open_sink(sink, replacement(&arguments.output, &sink.name), options).map_err(failed)?;
    let mut encoder = opened.encoder();
    let mut writer = opened.open().map_err(failed)?;
    if !rows.is_empty() {
        let batch = rows::to_batch(rows, &sink.fields).map_err(failed)?;
        writer.append(encoder.encode(&[batch]).map_err(failed)?).map_err(failed)?;
    }
    writer.finish().map_err(failed)?;
    Ok(())
}

fn replacement<'a>(flags: &'a [(String, String)], name: &str) -> Option<&'a str> {
    flags.iter().find(|(flag, _)| flag == name).map(|(_, path)| path.as_str())
}

/// The value of a parameter: from `--set`, else its default.
fn param_value(param: &Param, set: &[(String, String)]) -> Result<Value, Failure> {
    let Some((_, text)) = set.iter().find(|(name, _)| *name == param.name) else {
        return match &param.default {
            Some(literal) => Ok(Value::literal(literal, &param.ty)),
            None => Err(Failure::Usage(format!("parameter `{0}` has no default: pass `--set {0}=VALUE`", param.name))),
        };
    };
    let bad = || Failure::Usage(format!("--set {}={text}: not a {}", param.name, param.ty));
    let literal = match &param.ty {
        Type::Bool => Literal::Bool(text.parse().map_err(|_| bad())?),
        Type::Float32 | Type::Float64 => Literal::Float(text.parse().map_err(|_| bad())?),
        Type::String => Literal::String(text.clone()),
        ty if ty.is_integer() || *ty == Type::Duration => Literal::Int(text.parse().map_err(|_| bad())?),
        Type::Unit
        | Type::Int8
        | Type::Int16
        | Type::Int32
        | Type::Int64
        | Type::UInt8
        | Type::UInt16
        | Type::UInt32
        | Type::UInt64
        | Type::Char
        | Type::Bytes
        | Type::Decimal(..)
        | Type::Date
        | Type::Timestamp(_)
        | Type::Duration
        | Type::Option(_)
        | Type::List(_) => {
            return Err(Failure::Usage(format!(
                "--set {}: a {} cannot be set from the command line",
                param.name, param.ty
            )));
        }
    };
    Ok(Value::literal(&literal, &param.ty))
}
