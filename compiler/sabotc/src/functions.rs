//! `sabotc explain --functions`, `sabotc check -v`: what the compiler knows of each function of the job.

use crate::exit::Failure;
use sabot_codegen::CompileOptions;
use sabot_compiler::check;
use sabot_ir::body::FUEL;
use sabot_ir::expr::Expr;
use sabot_ir::facts::Facts;
use sabot_ir::job_graph::JobGraph;
use sabot_ir::span::{Span, line_column};
use sabot_ir::ty::Type;

/// Longer parts of the source are shown by their beginning.
const LONGEST_PART: usize = 40;

/// A paragraph for each function.
///
/// # Errors
/// There is no such target.
pub(crate) fn describe(
    graph: &JobGraph,
    source: &str,
    file: &str,
    options: &CompileOptions,
) -> Result<String, Failure> {
    let mut text = String::new();
    for function in check::functions(graph) {
        let (line, _) = line_column(source, function.span.start);
        text += &format!("{}   ({file}:{line})\n", function.signature);
        let facts = Facts::of(&function.code);
        for fact in
            [pure(&facts), errors(&facts), vectors(&function.code, source, options)?, loops(&facts), memory(&facts)]
        {
            if !fact.is_empty() {
                text += &format!("    {fact}\n");
            }
        }
    }
    if text.is_empty() {
        text = "the job has no functions without type parameters\n".to_owned();
    }
    Ok(text)
}

fn pure(facts: &Facts) -> String {
    let pure = "pure and deterministic: reads its arguments and nothing else";
    if facts.machine_math.is_empty() {
        return pure.to_owned();
    }
    let functions: Vec<String> = facts.machine_math.iter().map(|name| format!("`{name}`")).collect();
    format!("{pure}; the last bit of {} is std's on the machine that runs it", functions.join(", "))
}

fn errors(facts: &Facts) -> String {
    if facts.errors.is_empty() {
        return "cannot fail".to_owned();
    }
    let errors: Vec<&str> = facts.errors.iter().map(String::as_str).collect();
    format!("a row is an error on {}", errors.join(", "))
}

fn vectors(code: &[Expr], source: &str, options: &CompileOptions) -> Result<String, Failure> {
    for expr in code {
        let part = sabot_codegen::scalar_part(expr, options).map_err(|error| Failure::Usage(error.to_string()))?;
        if let Some(part) = part {
            let why = match (part.ty.value_type(), shown(part.span, source)) {
                (Type::String, _) => "it works on text".to_owned(),
                (Type::Bytes, _) => "it works on bytes".to_owned(),
                (Type::List(_), _) => "it works on lists".to_owned(),
                (_, Some(part)) => format!("`{part}` has no form in vectors"),
                (_, None) => "a part of it has no form in vectors".to_owned(),
            };
            return Ok(format!("row by row: {why}"));
        }
    }
    Ok("in vectors: several rows at once".to_owned())
}

fn loops(facts: &Facts) -> String {
    match facts.loops {
        0 => String::new(),
        1 => format!("1 loop, of at most {} passes a row", millions()),
        loops => format!("{loops} loops, of at most {} passes a row together", millions()),
    }
}

fn millions() -> String {
    format!("{} million", FUEL / 1_000_000)
}

fn memory(facts: &Facts) -> String {
    if facts.allocates { "makes text, bytes or lists, of at most 64 MiB a row".to_owned() } else { String::new() }
}

/// The source of a part, on one line.
fn shown(span: Span, source: &str) -> Option<String> {
    let text = source.get(span.start as usize..span.end as usize).filter(|text| !text.is_empty())?;
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if text.chars().count() <= LONGEST_PART {
        return Some(text);
    }
    Some(format!("{} …", text.chars().take(LONGEST_PART).collect::<String>().trim_end()))
}
