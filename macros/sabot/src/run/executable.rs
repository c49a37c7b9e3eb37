//! Files of a built job: the artifact, or `sabot-rt` with the artifact behind it.

use super::JobError;
use sabot_runtime::executable;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// The runtime's executable, which job executables begin with: beside this program or in a folder above (where cargo puts
/// tests and examples), or on the search path.
pub(super) fn runtime() -> Result<PathBuf, JobError> {
    let mut folders: Vec<PathBuf> = Vec::new();
    if let Ok(program) = std::env::current_exe() {
        folders.extend(program.ancestors().skip(1).take(3).map(Path::to_owned));
    }
    if let Some(path) = std::env::var_os("PATH") {
        folders.extend(std::env::split_paths(&path));
    }
    match folders.iter().map(|folder| folder.join("sabot-rt")).find(|file| file.is_file()) {
        Some(runtime) => Ok(runtime),
        None => Err(JobError::NoRuntime(folders)),
    }
}

pub(super) fn write(path: &Path, runtime: &Path, artifact: &[u8]) -> Result<(), JobError> {
    let bytes = fs::read(runtime).map_err(|error| JobError::Write(runtime.to_owned(), error))?;
    write_file(path, &executable::append(&bytes, artifact), 0o755)
}

pub(super) fn write_artifact(path: &Path, artifact: &[u8]) -> Result<(), JobError> {
    write_file(path, artifact, 0o644)
}

/// Writes a file under its final name only when it is complete.
fn write_file(path: &Path, bytes: &[u8], mode: u32) -> Result<(), JobError> {
    let mut name = path.file_name().map_or_else(OsString::new, OsString::from);
    name.push(".tmp");
    let temporary = path.with_file_name(name);
    let write = || -> io::Result<()> {
        let _ = fs::remove_file(&temporary);
        let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(mode).open(&temporary)?;
        io::Write::write_all(&mut file, bytes)?;
        drop(file);
        fs::rename(&temporary, path)
    };
    write().map_err(|error| {
        let _ = fs::remove_file(&temporary);
        JobError::Write(path.to_owned(), error)
    })
}
