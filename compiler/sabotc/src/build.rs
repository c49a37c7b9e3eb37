//! `sabotc build`: a job becomes an executable, an artifact, or the text of a stage.

use crate::arguments::{BuildArguments, Cpu, Emit, TargetArguments};
use crate::cache::JobCache;
use crate::exit::Failure;
use crate::front::{self, Front};
use crate::messages::Messages;
use crate::output;
use sabot_codegen::{Artifact, CodegenError, CompileOptions};
use sabot_ir::diagnostic::Diagnostic;
use sabot_ir::display;
use sabot_runtime::executable;
use std::ffi::OsString;
use std::fs;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Compiles the job and writes what was asked for.
pub(crate) fn run(arguments: &BuildArguments, messages: &Messages) -> Result<(), Failure> {
    let front = front::load(&arguments.job, messages)?;
    front.say_checked(messages);
    front.say_optimized(messages);
    match arguments.emit {
        Emit::Exe | Emit::Artifact => link(arguments, &front, messages),
        Emit::Plan => text(arguments, &front, messages, || Ok(display::plan::plan(&front.compiled.optimized))),
        Emit::Clif => text(arguments, &front, messages, || kernels(&front, &arguments.target, |kernel| kernel.clif)),
        Emit::Asm => text(arguments, &front, messages, || kernels(&front, &arguments.target, |kernel| kernel.assembly)),
        Emit::Obj => object(arguments, &front, messages),
    }
}

/// How long compiling took, and how many kernels were there already.
pub(crate) struct Compiled {
    time: Duration,
    found: usize,
}

/// Compiles a checked job to an artifact, and says so.
pub(crate) fn artifact(
    front: &Front,
    target: &TargetArguments,
    messages: &Messages,
) -> Result<(Artifact, Compiled), Failure> {
    let started = Instant::now();
    let options = options(front, target);
    let cache = match target.no_cache {
        true => JobCache::none(),
        false => JobCache::open(&front.file, &format!("{:?} {:?}", options.target, options.cpu)),
    };
    let made = sabot_codegen::compile_cached(&front.compiled.pipelines, &options, &cache)
        .map_err(|error| refused(front, &error, messages))?;
    let time = started.elapsed();
    let found = cache.found();
    cache.store();
    let architecture = made.manifest.target.split('-').next().unwrap_or_default().replace('_', "-");
    let count = made.manifest.kernels.len();
    let text = format!(
        "{count} kernel{}, {} of {architecture} code and manifest",
        if count == 1 { "" } else { "s" },
        size(made.bytes.len())
    );
    messages.done("Compiled", &text, Some(time));
    Ok((made, Compiled { time, found }))
}

/// The text of every kernel.
pub(crate) fn kernels(
    front: &Front,
    target: &TargetArguments,
    text: impl Fn(sabot_codegen::KernelText) -> String,
) -> Result<String, Failure> {
    let kernels = sabot_codegen::explain(&front.compiled.pipelines, &options(front, target))
        .map_err(|error| Failure::Failed(error.to_string()))?;
    let mut all = String::new();
    for kernel in kernels {
        all += &format!("; {}\n", kernel.name);
        all += text(kernel).trim_end();
        all += "\n\n";
    }
    Ok(all)
}

/// What a job is compiled for.
pub(crate) fn options(front: &Front, target: &TargetArguments) -> CompileOptions {
    let native_target = target.target.is_none();
    CompileOptions {
        target: target.target.clone(),
        cpu: match target.cpu {
            Some(Cpu::Baseline) => sabot_codegen::Cpu::Baseline,
            Some(Cpu::Native) if native_target => sabot_codegen::Cpu::Native,
            Some(Cpu::V3 | Cpu::Native) | None => sabot_codegen::Cpu::V3,
        },
        // Without its folder: the same job gives the same bytes wherever it lies and however it is named.
        source_file: file_name(&front.file),
        source_text: front.source.clone(),
        threads: std::thread::available_parallelism().map_or(1, usize::from),
    }
}

fn file_name(path: &str) -> String {
    Path::new(path).file_name().map_or_else(|| path.to_owned(), |name| name.to_string_lossy().into_owned())
}

/// What codegen has no code for is shown like any other mistake in the program.
fn refused(front: &Front, error: &CodegenError, messages: &Messages) -> Failure {
    match error {
        CodegenError::Unsupported { what, span } => {
            let diagnostic = Diagnostic::error("E0700", format!("no code can be made for {what}"))
                .label(*span, "this")
                .help("`sabotc run --interpret` runs it without compiling");
            messages.diagnostics(crate::arguments::MessageFormat::Human, &front.source, &front.file, &[diagnostic]);
            Failure::Program
        }
        CodegenError::Target(_) => Failure::Usage(error.to_string()),
        CodegenError::Internal(_) => Failure::Failed(error.to_string()),
    }
}

fn link(arguments: &BuildArguments, front: &Front, messages: &Messages) -> Result<(), Failure> {
    let (made, compiled) = artifact(front, &arguments.target, messages)?;
    let kernels = made.manifest.kernels.len();
    let started = Instant::now();
    let (runtime, bytes, what, extension) = match arguments.emit {
        Emit::Artifact => (None, made.bytes, "artifact", "sabot"),
        Emit::Exe | Emit::Plan | Emit::Clif | Emit::Asm | Emit::Obj => {
            if arguments.target.target.as_deref().is_some_and(|target| !is_this_machine(target)) {
                return Err(Failure::Usage(format!(
                    "an executable for {} needs that machine's sabot-rt: pass `--emit artifact`, which makes the part that is compiled",
                    made.manifest.target
                )));
            }
            (Some(runtime()?), executable::append(&[], &made.bytes), "executable", "")
        }
    };
    let path = output_path(arguments, front, extension)?;
    let written = write_file(&path, runtime.as_deref(), &bytes)?;
    messages.done("Linked", &format!("{} ({what}, {})", path.display(), size(written)), Some(started.elapsed()));
    if arguments.timings {
        timings(front, compiled.time, started.elapsed(), messages);
        messages.say(&format!("{:>20} {:>8} of {kernels}", "cached kernels", compiled.found));
    }
    Ok(())
}

/// Writes the kernels as a relocatable object, and names their symbols.
fn object(arguments: &BuildArguments, front: &Front, messages: &Messages) -> Result<(), Failure> {
    let started = Instant::now();
    let made = sabot_codegen::compile_object(&front.compiled.pipelines, &options(front, &arguments.target))
        .map_err(|error| refused(front, &error, messages))?;
    let compiled_in = started.elapsed();
    let path = output_path(arguments, front, "o")?;
    let started = Instant::now();
    let written = write_file(&path, None, &made.bytes)?;
    let text = format!("{} (relocatable object, {})", path.display(), size(written));
    messages.done("Wrote", &text, Some(compiled_in + started.elapsed()));
    for symbol in &made.symbols {
        messages.say(&format!("      symbol {symbol}"));
    }
    if !made.cpu_features.is_empty() {
        let features: Vec<_> = made.cpu_features.iter().map(|flag| flag.trim_start_matches("has_")).collect();
        messages.say(&format!("       needs {}", features.join(" ")));
    }
    if arguments.timings {
        timings(front, compiled_in, started.elapsed(), messages);
    }
    Ok(())
}

/// Where the result is written.
fn output_path(arguments: &BuildArguments, front: &Front, extension: &str) -> Result<PathBuf, Failure> {
    if let Some(path) = &arguments.output {
        return Ok(path.clone());
    }
    let fail = |error| Failure::Failed(format!("target/sabot: cannot be made: {error}"));
    fs::create_dir_all("target/sabot").map_err(fail)?;
    Ok(Path::new("target/sabot").join(&front.compiled.graph.job_name).with_extension(extension))
}

fn timings(front: &Front, compiled_in: Duration, written_in: Duration, messages: &Messages) {
    for (stage, time) in [
        ("parse and check", front.checked_in),
        ("optimize", front.optimized_in),
        ("pipelines", front.physical_in),
        ("compile kernels", compiled_in),
        ("link and write", written_in),
    ] {
        messages.say(&format!("{stage:>20} {:8.3} ms", time.as_secs_f64() * 1e3));
    }
}

fn is_this_machine(target: &str) -> bool {
    target.starts_with(std::env::consts::ARCH) && target.contains("linux")
}

/// The executable that per-job executables are made of: it is installed beside this one.
fn runtime() -> Result<PathBuf, Failure> {
    let here =
        std::env::current_exe().map_err(|error| Failure::Failed(format!("cannot find this executable: {error}")))?;
    let path = here.with_file_name("sabot-rt");
    match fs::metadata(&path) {
        Ok(_) => Ok(path),
        Err(error) => Err(Failure::Failed(format!(
            "{}: cannot be read: {error}; sabot-rt is installed beside sabotc (`make install` does both)",
            path.display()
        ))),
    }
}

/// Writes a file under its final name only when it is complete: these bytes, behind a copy of the runtime if there is one (a
/// copy inside the kernel: the runtime's bytes never pass through this process). Returns its size.
fn write_file(path: &Path, runtime: Option<&Path>, bytes: &[u8]) -> Result<usize, Failure> {
    let mut name = path.file_name().map_or_else(OsString::new, OsString::from);
    name.push(".tmp");
    let temporary: PathBuf = path.with_file_name(name);
    let write = || -> std::io::Result<usize> {
        let _ = fs::remove_file(&temporary);
        let mode = if runtime.is_some() { 0o755 } else { 0o644 };
        let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(mode).open(&temporary)?;
        let copied = match runtime {
            Some(runtime) => std::io::copy(&mut fs::File::open(runtime)?, &mut file)?,
            None => 0,
        };
        file.write_all(bytes)?;
        file.flush()?;
        drop(file);
        fs::rename(&temporary, path)?;
        Ok(usize::try_from(copied).unwrap_or(usize::MAX).saturating_add(bytes.len()))
    };
    write().map_err(|error| {
        let _ = fs::remove_file(&temporary);
        Failure::Failed(format!("{}: cannot be written: {error}", path.display()))
    })
}

/// Writes the text of a stage into the file that was asked for, or prints it.
fn text(
    arguments: &BuildArguments,
    front: &Front,
    messages: &Messages,
    make: impl FnOnce() -> Result<String, Failure>,
) -> Result<(), Failure> {
    let started = Instant::now();
    let text = make()?;
    let made_in = started.elapsed();
    let started = Instant::now();
    match &arguments.output {
        Some(path) => write_file(path, None, text.as_bytes()).map(drop)?,
        None => output::print(&text)?,
    }
    if arguments.timings {
        timings(front, made_in, started.elapsed(), messages);
    }
    Ok(())
}

fn size(bytes: usize) -> String {
    const KIB: f64 = 1024.0;
    let bytes = bytes as f64;
    if bytes < KIB * KIB { format!("{:.1} KiB", bytes / KIB) } else { format!("{:.1} MiB", bytes / KIB / KIB) }
}
