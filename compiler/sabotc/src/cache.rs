//! Kernels that were compiled by an earlier `sabotc`: a file per job in the user's cache folder.
//!
//! `SABOT_CACHE_DIR`, or `sabot` in the folder that XDG names for caches. A build keeps what it used and forgets the rest, so
//! the file does not grow. It is written under its final name when it is complete, and read only if its hash is right; what
//! is wrong with it costs time, never a build.

use sabot_codegen::cache::{KernelCache, Key, digest};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::UNIX_EPOCH;

/// The kernels of one job, from its last build.
pub(crate) struct JobCache {
    file: Option<PathBuf>,
    before: BTreeMap<Key, Vec<u8>>,
    used: Mutex<Used>,
}

#[derive(Default)]
struct Used {
    kernels: BTreeMap<Key, Vec<u8>>,
    new: usize,
    found: usize,
}

impl JobCache {
    /// The kernels of this job for this machine (`variant`: anything that separates builds of one job); empty if there are
    /// none, or if nothing can be kept here.
    pub(crate) fn open(job: &str, variant: &str) -> Self {
        let file = folder().and_then(|folder| {
            let job = fs::canonicalize(job).ok()?;
            let name = digest(format!("{}\n{variant}\n{}", job.display(), this_build()?).as_bytes());
            let name: String = name[..16].iter().map(|byte| format!("{byte:02x}")).collect();
            Some(folder.join(name))
        });
        let before = file.as_deref().and_then(|file| fs::read(file).ok()).and_then(|bytes| read(&bytes));
        Self { file, before: before.unwrap_or_default(), used: Mutex::new(Used::default()) }
    }

    /// Keeps nothing.
    pub(crate) fn none() -> Self {
        Self { file: None, before: BTreeMap::new(), used: Mutex::new(Used::default()) }
    }

    /// How many kernels were there.
    pub(crate) fn found(&self) -> usize {
        self.used.lock().unwrap_or_else(std::sync::PoisonError::into_inner).found
    }

    /// Keeps what was used. A cache that cannot be written is none: no message, no failure.
    pub(crate) fn store(self) {
        let used = self.used.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
        let Some(file) = self.file else { return };
        if used.new == 0 && used.kernels.len() == self.before.len() {
            return;
        }
        let Some(folder) = file.parent() else { return };
        let _ = fs::create_dir_all(folder).and_then(|()| write(&file, &to_bytes(&used.kernels)));
    }
}

impl KernelCache for JobCache {
    fn get(&self, key: &Key) -> Option<Vec<u8>> {
        let code = self.before.get(key)?;
        let mut used = self.used.lock().ok()?;
        used.kernels.insert(*key, code.clone());
        used.found += 1;
        Some(code.clone())
    }

    fn put(&self, key: &Key, code: &[u8]) {
        if let Ok(mut used) = self.used.lock() {
            used.kernels.insert(*key, code.to_vec());
            used.new += 1;
        }
    }
}

fn folder() -> Option<PathBuf> {
    let from = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    from("SABOT_CACHE_DIR")
        .or_else(|| from("XDG_CACHE_HOME").map(|folder| folder.join("sabot")))
        .or_else(|| from("HOME").map(|folder| folder.join(".cache/sabot")))
}

/// This very compiler: code of another one is not its own.
fn this_build() -> Option<String> {
    let file = fs::metadata(std::env::current_exe().ok()?).ok()?;
    let modified = file.modified().ok()?.duration_since(UNIX_EPOCH).ok()?;
    Some(format!("{} {} {}", env!("CARGO_PKG_VERSION"), file.len(), modified.as_nanos()))
}

fn to_bytes(kernels: &BTreeMap<Key, Vec<u8>>) -> Vec<u8> {
    let mut bytes = vec![0; size_of::<Key>()];
    for (key, code) in kernels {
        bytes.extend_from_slice(key);
        bytes.extend((code.len() as u64).to_le_bytes());
        bytes.extend_from_slice(code);
    }
    let hash = digest(&bytes[size_of::<Key>()..]);
    bytes[..size_of::<Key>()].copy_from_slice(&hash);
    bytes
}

fn read(mut bytes: &[u8]) -> Option<BTreeMap<Key, Vec<u8>>> {
    let hash = bytes.split_off(..size_of::<Key>())?;
    if digest(bytes) != hash {
        return None;
    }
    let mut kernels = BTreeMap::new();
    while !bytes.is_empty() {
        let key = *bytes.split_off(..size_of::<Key>())?.first_chunk()?;
        let len = u64::from_le_bytes(*bytes.split_off(..8)?.first_chunk()?);
        let code = bytes.split_off(..usize::try_from(len).ok()?)?;
        kernels.insert(key, code.to_vec());
    }
    Some(kernels)
}

fn write(file: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut name = file.file_name().map_or_else(OsString::new, OsString::from);
    name.push(format!(".{}", std::process::id()));
    let temporary = file.with_file_name(name);
    let written = fs::write(&temporary, bytes).and_then(|()| fs::rename(&temporary, file));
    if written.is_err() {
        let _ = fs::remove_file(&temporary);
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_and_damage_is_noticed() {
        let kernels: BTreeMap<Key, Vec<u8>> = [([1; 32], vec![1, 2, 3]), ([2; 32], Vec::new())].into();
        let bytes = to_bytes(&kernels);
        assert_eq!(read(&bytes), Some(kernels));
        assert_eq!(read(&bytes[..bytes.len() - 1]), None);
        for at in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[at] ^= 1;
            assert_eq!(read(&damaged), None, "{at}");
        }
        assert_eq!(read(&[]), None);
    }
}
