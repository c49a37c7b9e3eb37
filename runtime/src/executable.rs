//! The per-job executable: the runtime's own executable with an artifact behind it.
//!
//! `[runtime][artifact][length of the artifact: u64, little-endian]["SABOTART"]`. The system loads the front as it always
//! did and never looks at the rest; the runtime finds its job by reading the end of its own file.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

/// What a per-job executable ends with.
const MAGIC: &[u8; 8] = b"SABOTART";

/// Length and magic.
const TRAILER_LEN: usize = 16;

/// The runtime with this artifact as its job. A job that the runtime already has is replaced.
#[must_use]
pub fn append(runtime: &[u8], artifact: &[u8]) -> Vec<u8> {
    let runtime = &runtime[..runtime_len(runtime)];
    let mut executable = Vec::with_capacity(runtime.len() + artifact.len() + TRAILER_LEN);
    executable.extend_from_slice(runtime);
    executable.extend_from_slice(artifact);
    executable.extend_from_slice(&(artifact.len() as u64).to_le_bytes());
    executable.extend_from_slice(MAGIC);
    executable
}

/// Number of bytes before the artifact, if there is one.
fn runtime_len(executable: &[u8]) -> usize {
    let attached = executable.split_last_chunk::<TRAILER_LEN>().and_then(|(before, trailer)| {
        let artifact_len = usize::try_from(trailer_len(trailer)?).ok()?;
        before.len().checked_sub(artifact_len)
    });
    attached.unwrap_or(executable.len())
}

/// The length in a trailer; `None` if it is none.
fn trailer_len(trailer: &[u8; TRAILER_LEN]) -> Option<u64> {
    let (len, magic) = trailer.split_first_chunk::<8>()?;
    (magic == MAGIC).then(|| u64::from_le_bytes(*len))
}

/// The artifact behind the program that is running; `None` if it is the bare runtime.
pub fn attached_artifact() -> io::Result<Option<Vec<u8>>> {
    read_attached(Path::new("/proc/self/exe"))
}

/// The artifact behind an executable.
pub fn read_attached(executable: &Path) -> io::Result<Option<Vec<u8>>> {
    let mut file = File::open(executable)?;
    let file_len = file.seek(SeekFrom::End(0))?;
    let Some(before_trailer) = file_len.checked_sub(TRAILER_LEN as u64) else {
        return Ok(None);
    };
    file.seek(SeekFrom::Start(before_trailer))?;
    let mut trailer = [0; TRAILER_LEN];
    file.read_exact(&mut trailer)?;
    let Some(artifact_len) = trailer_len(&trailer) else {
        return Ok(None);
    };
    let Some(start) = before_trailer.checked_sub(artifact_len) else {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "the executable is shorter than the job in it"));
    };
    file.seek(SeekFrom::Start(start))?;
    let mut artifact = Vec::with_capacity(artifact_len as usize);
    file.take(artifact_len).read_to_end(&mut artifact)?;
    Ok(Some(artifact))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn attached(executable: &[u8]) -> io::Result<Option<Vec<u8>>> {
        let mut file = tempfile::NamedTempFile::new()?;
        file.write_all(executable)?;
        read_attached(file.path())
    }

    #[test]
    fn what_is_appended_is_found() {
        for artifact in [b"".as_slice(), b"artifact"] {
            let executable = append(b"runtime", artifact);
            assert_eq!(attached(&executable).expect("read"), Some(artifact.to_vec()));
        }
    }

    #[test]
    fn a_second_artifact_replaces_the_first() {
        let executable = append(&append(b"runtime", b"one"), b"another");
        assert_eq!(executable, append(b"runtime", b"another"));
    }

    #[test]
    fn the_bare_runtime_has_none() {
        assert_eq!(attached(b"").expect("read"), None);
        assert_eq!(attached(b"a runtime without a job, longer than a trailer").expect("read"), None);
        assert_eq!(attached_artifact().expect("the test's own file"), None);
    }

    #[test]
    fn an_executable_that_lost_its_front_is_refused() {
        let executable = append(b"runtime", b"a long artifact");
        let error = attached(&executable[20..]).expect_err("too short");
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
        assert_eq!(runtime_len(&executable[20..]), executable.len() - 20);
    }
}
