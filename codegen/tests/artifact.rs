//! The artifact as others see it: the runtime's loader, the dynamic linker, readelf, gdb, the unwinder.
#![allow(clippy::print_stdout, reason = "a test that skips itself says so")]

mod support;

use sabot_abi::CHUNK_WORDS;
use sabot_abi::function::RuntimeFunction;
use sabot_abi::kernel::{Chunk, Context, InputColumn, OutputColumn, RowError};
use sabot_codegen::artifact::link;
use sabot_runtime::kernel::{LoadedArtifact, call};
use sabot_runtime::load::{LoadError, check_content};
use std::backtrace::Backtrace;
use std::ffi::c_void;
use std::io::Write;
use std::process::Command;
use std::sync::Mutex;
use support::{AARCH64, GROWN, SHIFTED, X86_64, job, job_of, target};

/// The triple of the machine that the tests run on.
const HOST: &str = if cfg!(target_arch = "aarch64") { AARCH64 } else { X86_64 };

/// Calls a kernel with one input and one output of eight bytes a row.
fn run<T: Copy + Default>(
    artifact: &LoadedArtifact,
    kernel: u32,
    functions: *const *const c_void,
    rows: &[T],
) -> Vec<T> {
    assert_eq!(size_of::<T>(), 8);
    let mut output = vec![T::default(); rows.len()];
    let inputs = [InputColumn { values: rows.as_ptr().cast(), validity: std::ptr::null() }];
    let outputs = [OutputColumn { values: output.as_mut_ptr().cast(), validity: std::ptr::null_mut() }];
    let selection = [u64::MAX; CHUNK_WORDS];
    let constants = artifact.constants();
    let mut context = Context {
        functions,
        params: std::ptr::null(),
        constants,
        error: RowError::default(),
        arena: std::ptr::null_mut(),
        row_bytes: 0,
        result: [0; 4],
    };
    let chunk = Chunk {
        rows: rows.len() as u64,
        first_row: 0,
        inputs: inputs.as_ptr(),
        outputs: outputs.as_ptr(),
        selection: selection.as_ptr(),
        selection_out: std::ptr::null_mut(),
        accumulators: std::ptr::null_mut(),
    };
    assert_eq!(call(artifact.kernel(kernel), &mut context, &chunk), 0);
    output
}

#[test]
fn linked_kernels_run() {
    let artifact = LoadedArtifact::load(&link(&job(HOST))).expect("loads");
    assert_eq!(artifact.manifest.kernels, ["map_1_plain", "map_2_rows"]);
    let functions = sabot_runtime::ffi::functions();
    assert_eq!(run(&artifact, SHIFTED, functions, &[1i64, -7, i64::MAX]), [8, 0, i64::MAX.wrapping_add(7)]);
    assert_eq!(run(&artifact, GROWN, functions, &[0.0, 1.5]), [1.0, 1.5f64.exp()]);
}

#[test]
fn artifacts_come_and_go_side_by_side() {
    let functions = sabot_runtime::ffi::functions();
    let with_constant = |constant| {
        let mut job = job(HOST);
        job.constants = vec![constant];
        LoadedArtifact::load(&link(&job)).expect("loads")
    };
    let mut loaded: Vec<(u8, LoadedArtifact)> = Vec::new();
    for constant in 0..40 {
        loaded.push((constant, with_constant(constant)));
        if constant % 3 == 2 {
            loaded.remove(0);
        }
        for (constant, artifact) in &loaded {
            assert_eq!(run(artifact, SHIFTED, functions, &[100i64]), [100 + i64::from(*constant)]);
        }
    }
}

#[test]
fn a_job_without_kernels_loads() {
    let artifact = LoadedArtifact::load(&link(&job_of(&target(HOST), Vec::new()))).expect("loads");
    assert_eq!(artifact.kernel_count(), 0);
}

#[test]
fn the_same_job_gives_the_same_bytes() {
    for triple in [X86_64, AARCH64] {
        assert_eq!(link(&job(triple)), link(&job(triple)));
        check_content(&link(&job(triple))).expect("whole");
    }
    let mut other = job(X86_64);
    other.constants = b"\x08text".to_vec();
    let (one, other) = (link(&job(X86_64)), link(&other));
    assert_ne!(one[472..492], other[472..492], "the build-id is of the content");
}

#[test]
fn an_artifact_for_another_machine_is_refused() {
    let other = if HOST == X86_64 { AARCH64 } else { X86_64 };
    let error = LoadedArtifact::load(&link(&job(other))).expect_err("refused");
    assert!(matches!(&error, LoadError::Target { found, .. } if found == other), "{error}");
    if HOST == X86_64 {
        let mut picky = job(HOST);
        picky.cpu_features = vec!["has_lse".to_owned()];
        let error = LoadedArtifact::load(&link(&picky)).expect_err("refused");
        assert_eq!(
            error.to_string(),
            "the artifact needs what this processor does not have: lse; build it with `--cpu baseline`"
        );
    }
}

#[test]
fn damaged_artifacts_are_refused() {
    let intact = link(&job(HOST));
    let classes = [0..64, 64..456, 456..492, 492..512, 512..688]; // headers, segments, note, gap, descriptor and table
    let positions = classes.into_iter().flatten().chain((688..intact.len()).step_by(97));
    for at in positions {
        let mut damaged = intact.clone();
        damaged[at] ^= 1 << (at % 8);
        assert!(LoadedArtifact::load(&damaged).is_err(), "flipped at {at}");
    }
    for len in [0, 1, 3, 4, 63, 64, 471, 472, 504, 511, 512, 519, 520, 600, 4095, 4096, intact.len() - 1] {
        assert!(LoadedArtifact::load(&intact[..len]).is_err(), "cut to {len}");
    }
}

/// The artifact with the build-id of what it holds now: as one who changes it on purpose would have it.
fn mended(mut artifact: Vec<u8>) -> Vec<u8> {
    use sabot_abi::descriptor::{BUILD_ID_LEN, BUILD_ID_OFFSET};
    let id = BUILD_ID_OFFSET..BUILD_ID_OFFSET + BUILD_ID_LEN;
    artifact[id.clone()].fill(0);
    let hash = blake3::hash(&artifact);
    artifact[id].copy_from_slice(&hash.as_bytes()[..BUILD_ID_LEN]);
    artifact
}

/// Where the dynamic section begins: with the library's name.
fn dynamic_section(artifact: &[u8]) -> usize {
    artifact.windows(8).rposition(|window| window == 14u64.to_le_bytes()).expect("a dynamic section")
}

/// What the linker reads may hold anything: it is refused, or it is loaded and does no harm. Code is not called.
#[test]
fn tables_of_the_linker_that_were_changed_on_purpose_do_no_harm() {
    let intact = link(&job(HOST));
    LoadedArtifact::load(&mended(intact.clone())).expect("mending changes nothing");
    let strings = intact.windows(14).position(|window| window == b"sabot_artifact").expect("in the string table");
    let dynamic = dynamic_section(&intact);
    let places = (0..456).chain((512..strings + 512).step_by(2)).chain(dynamic..dynamic + 112);
    let mut refused = 0;
    for at in places {
        for byte in [0, 0xff, intact[at] ^ 0x10] {
            let mut changed = intact.clone();
            changed[at] = byte;
            refused += usize::from(byte != intact[at] && LoadedArtifact::load(&mended(changed)).is_err());
        }
    }
    assert!(refused > 500, "{refused}");
}

#[test]
fn an_initialiser_is_refused() {
    let mut artifact = link(&job(HOST));
    let dynamic = dynamic_section(&artifact);
    artifact[dynamic] = 12; // DT_INIT
    let error = LoadedArtifact::load(&mended(artifact)).expect_err("refused");
    assert_eq!(error.to_string(), "the artifact contradicts itself: its dynamic section is not as sabotc writes it");
}

/// Output of a tool; `None`, and a line that says so, if it is not installed.
fn tool(program: &str, arguments: &[&str]) -> Option<(String, String)> {
    match Command::new(program).args(arguments).output() {
        Ok(output) => Some((
            String::from_utf8_lossy(&output.stdout).into_owned(),
            String::from_utf8_lossy(&output.stderr).into_owned(),
        )),
        Err(_) => {
            println!("skipped: {program} is not installed");
            None
        }
    }
}

fn write_artifact(triple: &str) -> tempfile::NamedTempFile {
    let mut file = tempfile::Builder::new().suffix(".so").tempfile().expect("a temporary file");
    file.write_all(&link(&job(triple))).expect("written");
    file
}

#[test]
fn readelf_reads_all_of_it_without_a_warning() {
    for triple in [X86_64, AARCH64] {
        let file = write_artifact(triple);
        let path = file.path().to_str().expect("a path of text");
        let Some((all, warnings)) = tool("readelf", &["--all", "--wide", path]) else { return };
        assert_eq!(warnings, "");
        for part in
            ["shift::map_1_plain", "Build ID: ", "NOTE", "GNU_EH_FRAME", "[shift.so]", "There are no relocations"]
        {
            assert!(all.contains(part), "no {part:?} in\n{all}");
        }
        assert!(!all.to_lowercase().contains("corrupt") && !all.contains("TEXTREL"), "{all}");
        let (lines, warnings) = tool("readelf", &["--debug-dump=decodedline,info,frames", path]).expect("as before");
        assert_eq!(warnings, "");
        for part in ["job.rs", "shift::map_2_rows", "DW_CFA_def_cfa"] {
            assert!(lines.contains(part), "no {part:?} in\n{lines}");
        }
    }
}

/// The backtrace taken in [`exp_with_backtrace`].
static BACKTRACE: Mutex<Option<String>> = Mutex::new(None);

extern "C" fn exp_with_backtrace(x: f64) -> f64 {
    *BACKTRACE.lock().expect("nobody panics with it") = Some(Backtrace::force_capture().to_string());
    x.exp()
}

#[test]
fn a_backtrace_goes_through_kernels_and_names_them() {
    let artifact = LoadedArtifact::load(&link(&job(HOST))).expect("loads");
    let mut functions = vec![std::ptr::null(); RuntimeFunction::ALL.len()];
    functions[RuntimeFunction::ExpF64 as usize] = exp_with_backtrace as *const c_void;
    run(&artifact, GROWN, functions.as_ptr(), &[1.0]);
    let backtrace = BACKTRACE.lock().expect("nobody panics with it").take().expect("the kernel has called it");
    assert!(backtrace.contains("shift::map_2_rows"), "{backtrace}");
    assert!(backtrace.contains("job.rs:6:5"), "{backtrace}");
    assert!(backtrace.contains("a_backtrace_goes_through_kernels"), "the frames behind the kernel:\n{backtrace}");
}

/// What the debugger runs in the test below: a process that loads an artifact, says so and calls a kernel.
#[test]
fn kernel_for_the_debugger() {
    let artifact = LoadedArtifact::load(&link(&job(HOST))).expect("loads");
    assert_eq!(run(&artifact, SHIFTED, sabot_runtime::ffi::functions(), &[1i64]), [8]);
}

#[test]
fn gdb_stops_at_a_line_of_the_job_and_names_the_kernel() {
    let this = std::env::current_exe().expect("the test's own path");
    let this = this.to_str().expect("a path of text");
    let commands = ["set breakpoint pending on", "set auto-solib-add on", "break job.rs:2", "run", "backtrace", "kill"];
    let mut arguments = vec!["-batch", "-nx"];
    arguments.extend(commands.iter().flat_map(|command| ["-ex", command]));
    arguments.extend(["--args", this, "--exact", "kernel_for_the_debugger", "--test-threads=1"]);
    let Some((output, errors)) = tool("gdb", &arguments) else { return };
    if errors.contains("ptrace") {
        println!("skipped: gdb may not trace here");
        return;
    }
    assert!(output.contains("shift::map_1_plain"), "{output}\n{errors}");
    assert!(output.contains("job.rs:2"), "{output}\n{errors}");
    assert!(output.contains("kernel_for_the_debugger"), "the frames behind the kernel:\n{output}\n{errors}");
}
