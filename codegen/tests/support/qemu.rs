//! Calls kernels compiled for aarch64 on whatever machine the tests run on: qemu's user mode, and a small driver in C.

use super::frame::{Frame, Outcome};
use sabot_abi::function::RuntimeFunction;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use tempfile::TempDir;

/// The functions that the driver has.
const DRIVER_FUNCTIONS: [RuntimeFunction; 6] = [
    RuntimeFunction::ExpF64,
    RuntimeFunction::StrEq,
    RuntimeFunction::StrCompare,
    RuntimeFunction::StrStartsWith,
    RuntimeFunction::StrEndsWith,
    RuntimeFunction::StrConcat,
];

/// A machine on which kernels for aarch64 run.
pub struct Machine {
    folder: TempDir,
    driver: PathBuf,
}

impl Machine {
    /// `None`, and a line that says so, where qemu or the cross compiler is missing; with `SABOT_REQUIRE_QEMU=1`, as in CI,
    /// that is a failure. Also `None` where there is nothing to compare: kernels are made for x86-64 and aarch64 alone.
    pub fn start() -> Option<Self> {
        if cfg!(not(target_arch = "x86_64")) {
            println!("skipped: compares x86-64 with aarch64, and this is not x86-64");
            return None;
        }
        let missing = |program| Command::new(program).arg("--version").stdout(Stdio::null()).status().is_err();
        for program in ["qemu-aarch64", "aarch64-linux-gnu-gcc"] {
            if missing(program) {
                let required = std::env::var_os("SABOT_REQUIRE_QEMU").is_some_and(|value| value == "1");
                assert!(
                    !required,
                    "SABOT_REQUIRE_QEMU=1, and {program} is not installed (apt: qemu-user gcc-aarch64-linux-gnu)"
                );
                println!("skipped: {program} is not installed (apt: qemu-user gcc-aarch64-linux-gnu)");
                return None;
            }
        }
        let folder = tempfile::tempdir().expect("a temporary folder");
        let driver = folder.path().join("call_kernel");
        let table: Vec<&str> = RuntimeFunction::ALL
            .iter()
            .map(|function| if DRIVER_FUNCTIONS.contains(function) { function.name() } else { "0" })
            .collect();
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support/call_kernel.c");
        let compiled = Command::new("aarch64-linux-gnu-gcc")
            .args(["-O1", "-g", "-D_GNU_SOURCE", "-Wall", "-Werror", "-rdynamic", "-funwind-tables"])
            .arg(format!("-DFUNCTIONS={}", table.join(",")))
            .arg(source)
            .arg("-o")
            .arg(&driver)
            .args(["-ldl", "-lm"])
            .output()
            .expect("the cross compiler starts");
        assert!(compiled.status.success(), "{}", String::from_utf8_lossy(&compiled.stderr));
        Some(Self { folder, driver })
    }

    /// Calls a kernel of an artifact: what it left, and what the driver says.
    pub fn call(&self, artifact: &[u8], kernel: u32, frame: &Frame) -> (Outcome, String) {
        let path = self.folder.path().join(format!("{}.so", blake3::hash(artifact).to_hex()));
        std::fs::write(&path, artifact).expect("written");
        let request = self.folder.path().join("request");
        std::fs::File::create(&request).and_then(|mut file| file.write_all(&frame.to_request())).expect("written");
        let output = Command::new("qemu-aarch64")
            .args(["-L", "/usr/aarch64-linux-gnu"])
            .arg(&self.driver)
            .arg(&path)
            .arg(kernel.to_string())
            .stdin(std::fs::File::open(&request).expect("readable"))
            .output()
            .expect("qemu starts");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{}: {said}", output.status);
        (frame.read_response(&output.stdout), said)
    }
}
