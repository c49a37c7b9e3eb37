//! The command line: commands, flags, and what they say of themselves.

use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;
use std::time::Duration;

/// Compiles streaming and batch jobs written as one Rust file to native code.
#[derive(Debug, Parser)]
#[command(name = "sabotc", version, propagate_version = true, max_term_width = 100)]
#[command(after_help = "exit status: 0 ok, 1 failed, 2 wrong usage, 3 errors in the program, 130 interrupted")]
pub struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,

    /// When to colour messages.
    #[arg(long, global = true, value_enum, default_value_t = Color::Auto, value_name = "WHEN")]
    pub color: Color,

    /// Say only what went wrong.
    #[arg(short, long, global = true)]
    pub quiet: bool,
}

/// When to colour messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal, unless `NO_COLOR` is set.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Makes a job that runs: a folder with job.rs and a little input.
    New(NewArguments),
    /// Finds every mistake in a job without building it.
    Check(CheckArguments),
    /// Compiles a job to a native executable.
    Build(BuildArguments),
    /// Compiles a job and runs it here.
    Run(RunArguments),
    /// Shows what the compiler makes of a job, stage by stage; or what an error code means: `explain E0301`.
    Explain(ExplainArguments),
    /// Draws a job's operators and edges.
    Graph(GraphArguments),
}

/// Which job.
#[derive(Args, Clone, Debug)]
pub struct JobArguments {
    /// The job: a Rust file, or a job graph as JSON.
    #[arg(value_name = "FILE", default_value = "job.rs")]
    pub file: PathBuf,

    /// Which pipeline of the file, where it has several.
    #[arg(long, value_name = "NAME")]
    pub pipeline: Option<String>,

    /// Read this file, directory or glob (`-`: standard input) in place of the source's connector.
    #[arg(long, value_name = "SOURCE=FILE", value_parser = sabot_runtime::arguments::assignment)]
    pub input: Vec<(String, String)>,

    /// How messages are written.
    #[arg(long, value_enum, default_value_t = MessageFormat::Human, value_name = "FORMAT")]
    pub message_format: MessageFormat,

    /// An optimization to leave out; may be given several times.
    #[arg(long, value_enum, value_name = "OPTIMIZATION")]
    pub disable: Vec<Optimization>,

    /// Treat warnings as errors: `-D warnings`.
    #[arg(short = 'D', value_name = "warnings", value_parser = ["warnings"])]
    pub deny: Option<String>,
}

/// How messages are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum MessageFormat {
    /// With the source and the places in it.
    Human,
    /// One line each.
    Short,
    /// One JSON object a line, in the form that rustc uses.
    Json,
}

/// The optimizations of the guide.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Optimization {
    /// Filters move closer to sources.
    FilterPushdown,
    /// Only the columns that are used are read.
    ProjectionPushdown,
    /// Joins are ordered by size.
    JoinReordering,
    /// Operators are combined.
    OperatorFusion,
}

/// `sabotc new`.
#[derive(Args, Debug)]
pub struct NewArguments {
    /// Name of the job, and of the folder that is made.
    pub name: String,

    /// What kind of job.
    #[arg(long, value_enum, default_value_t = Template::File)]
    pub template: Template,

    /// Make a cargo package: the job as its library, and a program that compiles and runs it.
    #[arg(long)]
    pub lib: bool,

    /// The checkout of Sabot that the package depends on; without it, the one that this sabotc was built in, or the
    /// published version.
    #[arg(long, value_name = "DIR", requires = "lib")]
    pub sabot: Option<PathBuf>,
}

/// Kinds of new jobs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Template {
    /// Reads a CSV file, filters, aggregates, writes.
    File,
    /// Joins a stream of orders with a table of customers.
    Join,
    /// Computes columns with functions.
    Udf,
}

/// `sabotc check`.
#[derive(Args, Debug)]
pub struct CheckArguments {
    /// Which job.
    #[command(flatten)]
    pub job: JobArguments,

    /// Check again whenever the file changes, until Ctrl-C.
    #[arg(long)]
    pub watch: bool,

    /// Say what is known of each function.
    #[arg(short, long, conflicts_with = "watch")]
    pub verbose: bool,
}

/// For which machine.
#[derive(Args, Clone, Debug, Default)]
pub struct TargetArguments {
    /// Compile for this machine: `x86_64-unknown-linux-gnu`, `aarch64-unknown-linux-gnu`.
    #[arg(long, value_name = "TRIPLE")]
    pub target: Option<String>,

    /// Which processor features kernels may use.
    #[arg(long, value_enum, value_name = "CPU")]
    pub cpu: Option<Cpu>,

    /// Compile every kernel anew, and keep none for the next time.
    #[arg(long)]
    pub no_cache: bool,
}

/// Which processor features kernels may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Cpu {
    /// What every machine of the target has.
    Baseline,
    /// x86-64-v3: AVX2, FMA, BMI.
    #[value(name = "x86-64-v3")]
    V3,
    /// What this machine has.
    Native,
}

/// `sabotc build`.
#[derive(Args, Debug)]
pub struct BuildArguments {
    /// Which job.
    #[command(flatten)]
    pub job: JobArguments,

    /// For which machine.
    #[command(flatten)]
    pub target: TargetArguments,

    /// Where the result is written (default: `target/sabot/` and the job's name).
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,

    /// What is made.
    #[arg(long, value_enum, default_value_t = Emit::Exe)]
    pub emit: Emit,

    /// Show how long each stage took.
    #[arg(long)]
    pub timings: bool,
}

/// What `build` makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Emit {
    /// An executable that runs by itself.
    Exe,
    /// The shared object that agents and executables load.
    Artifact,
    /// The optimized plan as text.
    Plan,
    /// Kernels as Cranelift's intermediate code.
    Clif,
    /// Kernels as machine code listing.
    Asm,
    /// Kernels as a relocatable object, for a linker.
    Obj,
}

/// `sabotc run`.
#[derive(Args, Debug)]
pub struct RunArguments {
    /// Which job.
    #[command(flatten)]
    pub job: JobArguments,

    /// Which processor features kernels may use.
    #[arg(long, value_enum, default_value_t = Cpu::Native, value_name = "CPU")]
    pub cpu: Cpu,

    /// Compile every kernel anew, and keep none for the next time.
    #[arg(long)]
    pub no_cache: bool,

    /// Write this file (`-`: standard output) in place of the sink's connector.
    #[arg(long, value_name = "SINK=FILE", value_parser = sabot_runtime::arguments::assignment)]
    pub output: Vec<(String, String)>,

    /// Set a parameter of the job.
    #[arg(long, value_name = "PARAM=VALUE", value_parser = sabot_runtime::arguments::assignment)]
    pub set: Vec<(String, String)>,

    /// Number of worker threads (default: all cores).
    #[arg(short = 'p', long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1024))]
    pub parallelism: Option<u32>,

    /// Spill joins with tables, aggregates and sorts of bounded input to disk beyond this much memory: `512M`, `4G`. What
    /// windows and joins of streams keep stays in memory: a job that needs more for them fails and says so.
    #[arg(long, value_name = "SIZE", value_parser = sabot_runtime::arguments::memory)]
    pub memory: Option<u64>,

    /// Where to spill to (default: the system's directory for temporary files).
    #[arg(long, value_name = "DIRECTORY")]
    pub spill_dir: Option<PathBuf>,

    /// Read at most this many rows of each source.
    #[arg(long, value_name = "ROWS")]
    pub limit: Option<u64>,

    /// Wait so long for the event time of a source that is silent: 500ms, 10s, 5m (default: what the job says, else 30s).
    #[arg(long, value_name = "DURATION", value_parser = sabot_runtime::arguments::duration)]
    pub idle_after: Option<Duration>,

    /// Put a barrier through the streams so often (default: none; nothing is saved at one yet).
    #[arg(long, value_name = "DURATION", value_parser = sabot_runtime::arguments::duration)]
    pub barrier_every: Option<Duration>,

    /// Give the changes of a key at most so often (default: what the job says, else 100ms).
    #[arg(long, value_name = "DURATION", value_parser = sabot_runtime::arguments::duration)]
    pub flush_every: Option<Duration>,

    /// Rows that sources give at once; nothing depends on it but speed.
    #[arg(long, value_name = "ROWS", hide = true)]
    pub batch_rows: Option<usize>,

    /// Replace outputs that exist.
    #[arg(long)]
    pub overwrite: bool,

    /// Run the reference interpreter, row by row, in place of compiled kernels.
    #[arg(long)]
    pub interpret: bool,

    /// How the summary at the end is written (default: as text).
    #[arg(long, value_enum, value_name = "FORMAT")]
    pub summary: Option<Summary>,
}

/// How the summary of a run is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Summary {
    /// A line per operator.
    Text,
    /// One JSON object on one line.
    Json,
}

/// `sabotc explain`.
#[derive(Args, Debug)]
pub struct ExplainArguments {
    /// Which job.
    #[command(flatten)]
    pub job: JobArguments,

    /// For which machine.
    #[command(flatten)]
    pub target: TargetArguments,

    /// Which stage.
    #[arg(long, value_enum, default_value_t = Stage::Optimized)]
    pub stage: Stage,

    /// Show what is known of each function in place of a stage: how a row can fail in it, whether it goes in vectors, its
    /// loops.
    #[arg(long, conflicts_with_all = ["stage", "state", "analyze"])]
    pub functions: bool,

    /// List the error codes, each with what it means in a line.
    #[arg(long, conflicts_with_all = ["analyze", "stage"])]
    pub list: bool,

    /// Run the job, and show rows and time of every operator; outputs are thrown away.
    #[arg(long)]
    pub analyze: bool,

    /// Show what the job keeps in memory in place of a stage: which tables, for how long, how many bytes.
    #[arg(long, conflicts_with = "stage")]
    pub state: bool,

    /// Set a parameter of the job, for `--analyze`.
    #[arg(long, value_name = "PARAM=VALUE", value_parser = sabot_runtime::arguments::assignment)]
    pub set: Vec<(String, String)>,

    /// Number of worker threads, for `--analyze`.
    #[arg(short = 'p', long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1024))]
    pub parallelism: Option<u32>,
}

/// A stage of the compiler.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Stage {
    /// The job graph as written.
    Graph,
    /// The plan with types, before any pass.
    Logical,
    /// The plan after the passes.
    Optimized,
    /// The pipelines.
    Physical,
    /// Kernels as Cranelift's intermediate code.
    Clif,
    /// Kernels as machine code listing.
    Asm,
    /// The job described to the runtime.
    Manifest,
}

/// `sabotc graph`.
#[derive(Args, Debug)]
pub struct GraphArguments {
    /// Which job.
    #[command(flatten)]
    pub job: JobArguments,

    /// How it is drawn.
    #[arg(long, value_enum, default_value_t = GraphFormat::Mermaid)]
    pub format: GraphFormat,

    /// Write the picture (SVG) into a file and open it in the browser.
    #[arg(long, conflicts_with = "format")]
    pub open: bool,
}

/// How a job is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum GraphFormat {
    /// A picture for browsers.
    Svg,
    /// Graphviz.
    Dot,
    /// Mermaid, as Markdown pages show it.
    Mermaid,
    /// The stable JSON form, which `sabotc build` takes too.
    Json,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_well_formed() {
        Arguments::command().debug_assert();
    }
}
