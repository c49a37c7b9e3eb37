//! The relocatable object as linkers and tools see it.
#![allow(clippy::print_stdout, reason = "a test that skips itself says so")]

mod support;

use sabot_codegen::relocatable::{object, symbol_names};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use support::{AARCH64, X86_64, job, job_of, target};

/// Runs a tool; `None`, and a line that says so, if it is not installed.
fn tool(program: &str, arguments: &[&str]) -> Option<Output> {
    let output = Command::new(program).args(arguments).output();
    if output.is_err() {
        println!("skipped: {program} is not installed");
    }
    output.ok()
}

fn said(output: &Output) -> (String, String) {
    (String::from_utf8_lossy(&output.stdout).into_owned(), String::from_utf8_lossy(&output.stderr).into_owned())
}

fn written(folder: &Path, triple: &str) -> PathBuf {
    let path = folder.join("shift.o");
    std::fs::write(&path, object(&job(triple))).expect("written");
    path
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a path of text")
}

#[test]
fn the_same_job_gives_the_same_bytes() {
    for triple in [X86_64, AARCH64] {
        assert_eq!(object(&job(triple)), object(&job(triple)));
    }
}

#[test]
fn symbols_are_names_that_c_takes_and_no_two_are_the_same() {
    let mut job = job(X86_64);
    job.manifest.job = "2_quotes".to_owned();
    for (function, name) in job.functions.iter_mut().zip(["größe 1", "gr__e_1"]) {
        function.name = name.to_owned();
    }
    assert_eq!(symbol_names(&job), ["_2_quotes__gr__e_1", "_2_quotes__gr__e_1_1"]);
    job.functions[0].name = "manifest".to_owned();
    assert_eq!(symbol_names(&job)[0], "_2_quotes__manifest_0");
}

#[test]
fn readelf_and_objdump_read_all_of_it_without_a_warning() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for triple in [X86_64, AARCH64] {
        let path = written(folder.path(), triple);
        let Some(output) = tool("readelf", &["--all", "--wide", text(&path)]) else { return };
        let (all, warnings) = said(&output);
        assert_eq!(warnings, "", "{all}");
        for part in [
            "REL (Relocatable file)",
            "FUNC    GLOBAL DEFAULT    1 shift__map_1_plain",
            "FUNC    GLOBAL DEFAULT    1 shift__map_2_rows",
            "shift__constants",
            "shift__manifest",
            "shift__abi_version",
            ".note.GNU-stack",
            "Relocation section '.rela.eh_frame'",
            "Relocation section '.rela.debug_line'",
        ] {
            assert!(all.contains(part), "no {part:?} in\n{all}");
        }
        let output = tool("readelf", &["--debug-dump=decodedline,info,frames", text(&path)]).expect("as before");
        let (lines, warnings) = said(&output);
        assert_eq!(warnings, "");
        assert!(lines.contains("job.rs") && lines.contains("DW_CFA_def_cfa"), "{lines}");
        let program = if triple == X86_64 { "objdump" } else { "aarch64-linux-gnu-objdump" };
        let Some(output) = tool(program, &["-d", "-l", text(&path)]) else { continue };
        let (code, warnings) = said(&output);
        assert_eq!(warnings, "");
        assert!(code.contains("<shift__map_1_plain>:") && code.contains("job.rs:2"), "{code}");
    }
}

/// Links the object into a C program that calls both kernels, and runs it.
fn linked_program(triple: &str, compiler: &str, runner: &[&str], job: &sabot_codegen::compiled::CompiledJob) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("shift.o");
    std::fs::write(&path, object(job)).expect("written");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support/link_kernels.c");
    let program = folder.path().join("program");
    for flags in [&["-pie"][..], &["-no-pie"], &["-static"], &["-pie", "-Wl,--gc-sections"]] {
        let mut arguments = vec!["-O1", "-Wall", "-Werror", "-Wl,--fatal-warnings"];
        arguments.extend(flags);
        arguments.extend([text(&source), text(&path), "-o", text(&program), "-lm"]);
        let Some(output) = tool(compiler, &arguments) else { return };
        assert!(output.status.success(), "{triple} {flags:?}: {}", said(&output).1);
        let mut command: Vec<&str> = runner.to_vec();
        command.push(text(&program));
        let Some(output) = tool(command[0], &command[1..]) else { return };
        let (out, errors) = said(&output);
        assert!(output.status.success(), "{triple} {flags:?}: {}: {errors}", output.status);
        assert_eq!(out, "8 0 7\n1 2.718281828\n");
    }
}

#[test]
fn a_c_program_calls_linked_kernels() {
    if cfg!(target_arch = "x86_64") {
        linked_program(X86_64, "cc", &[], &job(X86_64));
    }
    linked_program(AARCH64, "aarch64-linux-gnu-gcc", &["qemu-aarch64", "-L", "/usr/aarch64-linux-gnu"], &job(AARCH64));
}

#[test]
fn a_shared_library_takes_the_object_without_text_relocations() {
    if cfg!(not(target_arch = "x86_64")) {
        return;
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = written(folder.path(), X86_64);
    let library = folder.path().join("libshift.so");
    let arguments = ["-shared", "-Wl,--fatal-warnings", "-Wl,-z,text", text(&path), "-o", text(&library)];
    let Some(output) = tool("cc", &arguments) else { return };
    assert!(output.status.success(), "{}", said(&output).1);
    let Some(output) = tool("readelf", &["--dyn-syms", "--wide", text(&library)]) else { return };
    assert!(said(&output).0.contains("shift__map_1_plain"), "{}", said(&output).0);
}

#[test]
fn a_job_without_kernels_links_too() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("none.o");
    std::fs::write(&path, object(&job_of(&target(X86_64), Vec::new()))).expect("written");
    let Some(output) = tool("readelf", &["--all", "--wide", text(&path)]) else { return };
    assert_eq!(said(&output).1, "");
}
