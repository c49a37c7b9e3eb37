//! From a file on disk to a compiled plan: reads the job, asks its input files what they hold, runs the compiler's stages,
//! shows the diagnostics.

use crate::arguments::{JobArguments, MessageFormat, Optimization};
use crate::exit::Failure;
use crate::messages::Messages;
use sabot_compiler::passes::{OptimizerStats, PlanOptimizer};
use sabot_compiler::{Catalog, Compiled, SourceFacts, check, parse, physical};
use sabot_ir::diagnostic::{Diagnostic, Diagnostics, Severity};
use sabot_ir::job_graph::{JobGraph, OperatorType, StreamOperatorNode, Value};
use sabot_ir::plan::Plan;
use sabot_runtime::RunError;
use sabot_runtime::connector::{self, ConnectorError};
use std::path::Path;
use std::time::{Duration, Instant};

/// A job that has no errors, and how long each stage took.
#[derive(Debug)]
pub(crate) struct Front {
    /// The job's text.
    pub(crate) source: String,
    /// The file's name, for messages.
    pub(crate) file: String,
    /// What the compiler made of it.
    pub(crate) compiled: Compiled,
    /// Time of parsing and checking.
    pub(crate) checked_in: Duration,
    /// Time of the passes.
    pub(crate) optimized_in: Duration,
    /// Time of the physical stage.
    pub(crate) physical_in: Duration,
}

impl Front {
    /// What the passes did.
    #[must_use]
    pub(crate) fn stats(&self) -> OptimizerStats {
        self.compiled.stats
    }

    /// Says that the job has no errors, and what is in it.
    pub(crate) fn say_checked(&self, messages: &Messages) {
        say_checked(&self.compiled.graph, self.checked_in, messages);
    }

    /// Says what the optimizer did.
    pub(crate) fn say_optimized(&self, messages: &Messages) {
        let stats = self.stats();
        let text = format!(
            "filters pushed: {}, projections pushed: {}, joins reordered: {}, operators fused: {}",
            stats.filters_pushed, stats.projections_pushed, stats.joins_reordered, stats.operators_fused
        );
        messages.done("Optimized", &text, Some(self.optimized_in));
    }
}

/// Says that a job has no errors, and what is in it.
fn say_checked(graph: &JobGraph, time: Duration, messages: &Messages) {
    let count = |kind: OperatorType| graph.operators.iter().filter(|node| node.operator_type == kind).count();
    let number = |count: usize, noun: &str| format!("{count} {noun}{}", if count == 1 { "" } else { "s" });
    let (sources, sinks) = (count(OperatorType::Source), count(OperatorType::Sink));
    let operators = graph.operators.len() - sources - sinks;
    let text = format!(
        "{} ({}, {}, {})",
        graph.job_name,
        number(sources, "source"),
        number(operators, "operator"),
        number(sinks, "sink")
    );
    messages.done("Checked", &text, Some(time));
}

/// What the front end makes of a job's text.
#[derive(Debug)]
pub(crate) struct Checked {
    /// The job as written.
    pub(crate) graph: Option<JobGraph>,
    plan: Option<Plan>,
    /// What is said about it, by place.
    pub(crate) list: Vec<Diagnostic>,
    /// Time of parsing and checking.
    time: Duration,
}

impl Checked {
    /// Whether the job can be built.
    #[must_use]
    pub(crate) fn is_right(&self) -> bool {
        self.plan.is_some() && self.list.iter().all(|diagnostic| diagnostic.severity != Severity::Error)
    }

    /// Shows what is said about the job, and whether it can be built.
    pub(crate) fn show(&self, job: &JobArguments, source: &str, messages: &Messages) {
        messages.diagnostics(job.message_format, source, &job.file.display().to_string(), &self.list);
        // Who reads JSON reads nothing else.
        if let (Some(graph), true) = (&self.graph, self.is_right() && job.message_format != MessageFormat::Json) {
            say_checked(graph, self.time, messages);
        }
    }
}

/// Parses and checks a job's text.
///
/// # Errors
/// What the command line says of the job makes no sense, or an input cannot be read.
pub(crate) fn check(job: &JobArguments, source: &str) -> Result<Checked, Failure> {
    let started = Instant::now();
    let mut diagnostics = Diagnostics::new();
    let graph = graph_of(job, source, &mut diagnostics)?;
    let mut plan = None;
    if let Some(graph) = &graph {
        let catalog = catalog(graph, &job.input)?;
        plan = check::check(graph, &catalog, &mut diagnostics);
    }
    let time = started.elapsed();
    Ok(Checked { graph, plan, list: judge(diagnostics, job.deny.is_some()), time })
}

/// Reads a job and runs the front end and the optimizer over it.
///
/// # Errors
/// The file cannot be read, or the program has errors (which were shown).
pub(crate) fn load(job: &JobArguments, messages: &Messages) -> Result<Front, Failure> {
    given_once("--input", &job.input)?;
    let file = job.file.display().to_string();
    let source = read(&job.file)?;
    let checked = check(job, &source)?;
    messages.diagnostics(job.message_format, &source, &file, &checked.list);
    let is_right = checked.is_right();
    let Checked { graph: Some(graph), plan: Some(plan), time: checked_in, .. } = checked else {
        return Err(Failure::Program);
    };
    if !is_right {
        return Err(Failure::Program);
    }

    let mut optimizer = optimizer(&job.disable);
    let mut optimized = plan.clone();
    let started = Instant::now();
    optimizer.optimize_plan(&mut optimized);
    let optimized_in = started.elapsed();
    let started = Instant::now();
    let pipelines = physical::pipelines(&optimized);
    let physical_in = started.elapsed();
    let compiled = Compiled { graph, plan, optimized, stats: optimizer.get_stats(), pipelines };
    Ok(Front { source, file, compiled, checked_in, optimized_in, physical_in })
}

/// Refuses a name that is given twice with the same flag: one of the two would be passed over.
///
/// # Errors
/// Some name is given twice.
pub(crate) fn given_once(flag: &str, list: &[(String, String)]) -> Result<(), Failure> {
    for (at, (name, value)) in list.iter().enumerate() {
        if let Some((_, earlier)) = list[..at].iter().find(|(other, _)| other == name) {
            return Err(Failure::Usage(format!(
                "`{flag} {name}={value}`: `{name}` is given twice, first as `{earlier}`"
            )));
        }
    }
    Ok(())
}

/// Reads a job only as far as its graph; for `sabotc graph`, which draws jobs with errors too if it can.
///
/// # Errors
/// The file cannot be read, or has no graph in it.
pub(crate) fn load_graph(job: &JobArguments, messages: &Messages) -> Result<JobGraph, Failure> {
    let source = read(&job.file)?;
    let mut diagnostics = Diagnostics::new();
    let graph = graph_of(job, &source, &mut diagnostics)?;
    let list = judge(diagnostics, job.deny.is_some());
    messages.diagnostics(job.message_format, &source, &job.file.display().to_string(), &list);
    match graph {
        Some(graph) if list.iter().all(|diagnostic| diagnostic.severity != Severity::Error) => Ok(graph),
        Some(_) | None => Err(Failure::Program),
    }
}

/// Largest job that is read; more is a mistake (a data file in place of the job).
const MAX_SOURCE_BYTES: u64 = 16 << 20;

/// The text of a job.
///
/// # Errors
/// The file cannot be read, or is no text.
pub(crate) fn read(path: &Path) -> Result<String, Failure> {
    let fail = |what: &str| Failure::Failed(format!("{}: {what}", path.display()));
    let metadata = std::fs::metadata(path).map_err(|error| {
        if error.kind() == std::io::ErrorKind::NotFound {
            fail("there is no such file; `sabotc new NAME` makes a job")
        } else {
            fail(&format!("cannot be read: {error}"))
        }
    })?;
    if metadata.is_dir() {
        return Err(fail("is a directory; name the job's file"));
    }
    if metadata.len() > MAX_SOURCE_BYTES {
        return Err(fail("is larger than 16 MiB, which no job is"));
    }
    let bytes = std::fs::read(path).map_err(|error| fail(&format!("cannot be read: {error}")))?;
    String::from_utf8(bytes)
        .map_err(|error| fail(&format!("is not UTF-8 text at byte {}", error.utf8_error().valid_up_to())))
}

/// The graph that is meant: of a JSON file, or the pipeline of a Rust file.
fn graph_of(job: &JobArguments, source: &str, diagnostics: &mut Diagnostics) -> Result<Option<JobGraph>, Failure> {
    if job.file.extension().is_some_and(|extension| extension == "json") {
        return Ok(match parse::graph_from_json(source) {
            Ok(graph) => Some(graph),
            Err(found) => {
                for diagnostic in found.as_slice() {
                    diagnostics.push(diagnostic.clone());
                }
                None
            }
        });
    }
    let mut graphs = parse::parse(source, diagnostics);
    let names: Vec<String> = graphs.iter().map(|graph| graph.job_name.clone()).collect();
    let position = match &job.pipeline {
        Some(wanted) => match names.iter().position(|name| name == wanted) {
            Some(position) => position,
            None if diagnostics.has_errors() => return Ok(None),
            None => {
                let known = names.join("`, `");
                return Err(Failure::Usage(format!(
                    "{}: there is no pipeline `{wanted}`; it has `{known}`",
                    job.file.display()
                )));
            }
        },
        None if graphs.len() > 1 => {
            let known = names.join("`, `");
            return Err(Failure::Usage(format!(
                "{}: there are several pipelines; choose one with --pipeline: `{known}`",
                job.file.display()
            )));
        }
        None if graphs.is_empty() => return Ok(None),
        None => 0,
    };
    Ok(Some(graphs.swap_remove(position)))
}

/// Sorts the messages, and turns warnings into errors where that is asked for.
fn judge(diagnostics: Diagnostics, deny_warnings: bool) -> Vec<Diagnostic> {
    let mut list = diagnostics.into_sorted();
    if deny_warnings {
        for diagnostic in &mut list {
            diagnostic.severity = Severity::Error;
        }
    }
    list
}

fn optimizer(disabled: &[Optimization]) -> PlanOptimizer {
    let mut optimizer = PlanOptimizer::default();
    for optimization in disabled {
        match optimization {
            Optimization::FilterPushdown => optimizer.enable_filter_pushdown = false,
            Optimization::ProjectionPushdown => optimizer.enable_projection_pushdown = false,
            Optimization::JoinReordering => optimizer.enable_join_reordering = false,
            Optimization::OperatorFusion => optimizer.enable_operator_fusion = false,
        }
    }
    optimizer
}

/// What the files behind the sources say of themselves. A file that is not there yet says nothing; one that `--input`
/// names must be there.
fn catalog(graph: &JobGraph, inputs: &[(String, String)]) -> Result<Catalog, Failure> {
    let sources: Vec<&StreamOperatorNode> =
        graph.operators.iter().filter(|node| node.operator_type == OperatorType::Source).collect();
    for (name, _) in inputs {
        if !sources.iter().any(|node| node.name == *name) {
            let known = sources.iter().map(|node| node.name.clone()).collect();
            let error = RunError::UnknownName { what: "source", name: name.clone(), known };
            return Err(Failure::Usage(format!("--input {name}=…: {error}")));
        }
    }
    let mut catalog = Catalog::default();
    for node in sources {
        let replacement = inputs.iter().find(|(name, _)| *name == node.name).map(|(_, path)| path.as_str());
        if replacement.is_some() {
            // What is put in the place of a source ends.
            catalog.sources.entry(node.name.clone()).or_default().is_replaced = true;
        }
        let facts = match (replacement, node.get("path")) {
            // Standard input, with or without its format in front, can be read only once.
            (Some(path), _) if path == "-" || path.ends_with(":-") => continue,
            (Some(path), _) => match connector::inspect(path, None) {
                Ok(facts) => facts,
                Err(ConnectorError::OnlyOnce { .. }) => continue, // the run reads it
                Err(error) => return Err(Failure::Failed(error.to_string())),
            },
            (None, Some(Value::String(path))) => match connector::inspect(path, None) {
                Ok(facts) => facts,
                Err(_) => continue,
            },
            (None, _) => continue,
        };
        let facts = SourceFacts { is_replaced: replacement.is_some(), ..sabot::run::source_facts(&facts) };
        catalog.sources.insert(node.name.clone(), facts);
    }
    Ok(catalog)
}
