//! rustc with the crate `sabot` at hand, for tests of what a job is under cargo: no manifest, no lock file, one target
//! folder, a tenth of a second for a file.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The compiled façade.
#[derive(Debug)]
pub struct Facade {
    /// `libsabot.rlib`.
    library: PathBuf,
    /// The folder of what it depends on.
    dependencies: PathBuf,
}

/// The façade, with its default features, built when it is first asked for.
///
/// # Panics
/// It cannot be built.
pub fn facade() -> &'static Facade {
    static FACADE: OnceLock<Facade> = OnceLock::new();
    FACADE.get_or_init(|| {
        let test = std::env::current_exe().expect("a test has a path");
        let profile = test.parent().and_then(Path::parent).expect("tests are in target/PROFILE/deps");
        let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        cargo
            .args(["build", "--locked", "--offline", "--package", "sabot", "--message-format", "json"])
            .arg("--target-dir")
            .arg(profile.parent().expect("tests are in target/PROFILE/deps"))
            .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(".."));
        if profile.ends_with("release") {
            cargo.arg("--release");
        }
        let output = cargo.output().expect("cargo can be started");
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "sabot cannot be built:\n{said}{}", String::from_utf8_lossy(&output.stderr));
        let files =
            said.lines().rev().filter(|line| line.contains("\"name\":\"sabot\"")).flat_map(|line| line.split('"'));
        let mut files = files.map(PathBuf::from);
        // The metadata's name has a hash in it, and so has the library's beside it; the copy above both may be another's.
        let metadata = files
            .find(|file| file.extension().is_some_and(|extension| extension == "rmeta"))
            .expect("cargo names the files it makes");
        let dependencies = metadata.parent().expect("it lies in a folder").to_owned();
        Facade { library: metadata.with_extension("rlib"), dependencies }
    })
}

impl Facade {
    /// A compiler (`rustc`, `clippy-driver`) for files of this folder that may use `sabot`. rustc's caller adds the file and
    /// what is to be made of it.
    #[must_use]
    pub fn compiler(&self, program: &str, folder: &Path) -> Command {
        let mut command = Command::new(program);
        command.current_dir(folder).args(["--edition", "2024", "--color", "never", "--extern"]);
        command.arg(with("sabot=", &self.library)).arg("-L").arg(with("dependency=", &self.dependencies));
        // Where cargo says that there is a package, rustc's advice would be cargo's.
        command.env_remove("CARGO_MANIFEST_DIR").env_remove("RUSTFLAGS").env_remove("CARGO");
        command
    }
}

fn with(text: &str, path: &Path) -> std::ffi::OsString {
    let mut whole = std::ffi::OsString::from(text);
    whole.push(path);
    whole
}
