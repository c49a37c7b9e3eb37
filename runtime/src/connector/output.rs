//! The bytes of one output: a file that appears under its name only when it is complete, a device, or standard output.

use super::error::ConnectorError;
use super::sink::{Demand, SinkOptions};
use crate::out_of_memory;
use std::fs::{self, File};
use std::io::{self, IoSlice, Write};
use std::path::{Path, PathBuf};
use std::sync::Once;

/// Where to write, checked but not opened.
#[derive(Clone, Debug)]
pub(super) enum Target {
    /// A file that is to appear.
    File {
        /// Its final name.
        path: PathBuf,
        /// Replace one that is there.
        overwrite: bool,
        /// Wait until the disk has it before it gets its name.
        sync: bool,
        /// The sink's name, for messages.
        sink: String,
    },
    /// Something that is there and is no file: `/dev/null`, a named pipe.
    Device(PathBuf),
    /// Standard output.
    Standard,
}

impl Target {
    /// Checks that the place can be written to and that nothing is lost by it.
    pub(super) fn file(sink: &str, path: &str, options: SinkOptions, sync: bool) -> Result<Self, ConnectorError> {
        let target = behind_links(Path::new(path));
        let file = |overwrite| Self::File { path: target.clone(), overwrite, sync, sink: sink.to_owned() };
        match fs::metadata(&target) {
            Ok(metadata) if metadata.is_dir() => Err(ConnectorError::Unsupported {
                path: path.to_owned(),
                detail: "is a directory: a sink writes one file, give it a name in there".into(),
            }),
            Ok(metadata) if !metadata.is_file() => Ok(Self::Device(target.clone())),
            Ok(_) if !options.overwrite => {
                Err(ConnectorError::SinkExists { name: sink.to_owned(), path: path.to_owned() })
            }
            Ok(_) => Ok(file(true)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => match parent(&target) {
                Some(parent) if !parent.is_dir() => {
                    Err(ConnectorError::NoParent { path: path.to_owned(), parent: parent.display().to_string() })
                }
                Some(_) | None => Ok(file(options.overwrite)),
            },
            Err(source) => Err(ConnectorError::Write { path: path.to_owned(), written: 0, source }),
        }
    }

    /// The name that messages use.
    pub(super) fn name(&self) -> String {
        match self {
            Self::File { path, .. } | Self::Device(path) => path.display().to_string(),
            Self::Standard => "<stdout>".to_owned(),
        }
    }

    /// Whether somebody else has to read what is written before more can be.
    pub(super) fn may_wait(&self) -> bool {
        matches!(self, Self::Device(_) | Self::Standard)
    }

    /// Starts writing.
    pub(super) fn open(&self) -> Result<Output, ConnectorError> {
        ignore_file_size_signal();
        let failed = |source| ConnectorError::Write { path: self.name(), written: 0, source };
        let (file, temporary) = match self {
            Self::File { path, .. } => {
                remove_abandoned(path);
                let temporary = temporary_name(path);
                let file = File::create(&temporary).map_err(failed)?;
                // Says that somebody is writing it; where the system cannot say that, nobody asks for it either.
                drop(file.try_lock());
                out_of_memory::remember(&temporary);
                (file, Some(temporary))
            }
            Self::Device(path) => (File::options().write(true).open(path).map_err(failed)?, None),
            Self::Standard => {
                use std::os::fd::AsFd;
                (io::stdout().as_fd().try_clone_to_owned().map(File::from).map_err(failed)?, None)
            }
        };
        let reserved = if temporary.is_some() { Reserved::UpTo(0) } else { Reserved::Refused };
        Ok(Output {
            target: self.clone(),
            name: self.name(),
            file,
            temporary,
            written: 0,
            reserved,
            demand: Demand::More,
        })
    }
}

/// Room on the disk that a file was given before it is written to: each page that is written then costs a third less of the
/// system's time, which would otherwise note for every one of them that it still needs a place.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Reserved {
    /// So many bytes from the start.
    UpTo(u64),
    /// Not here, or not any more: the file system cannot, or is nearly full, which the writing itself will tell.
    Refused,
}

impl Reserved {
    /// What a file is given at once; smaller files are not given any.
    const STEP: u64 = 32 << 20;

    /// Reserves for a file of which `written` bytes are there and `more` are to be written.
    fn extend(&mut self, file: &File, written: u64, more: u64) {
        use std::os::fd::AsRawFd;
        let Self::UpTo(end) = *self else { return };
        let wanted = written + more;
        if wanted < Self::STEP / 2 || wanted <= end {
            return;
        }
        let first = end.max(written);
        let new_end = wanted.next_multiple_of(Self::STEP);
        // SAFETY: the descriptor is open for as long as `file` is, and the call touches no memory of ours. Both numbers are
        // far below 2^63. The file keeps its length.
        let result = unsafe {
            libc::fallocate(file.as_raw_fd(), libc::FALLOC_FL_KEEP_SIZE, first as i64, (new_end - first) as i64)
        };
        *self = if result == 0 { Self::UpTo(new_end) } else { Self::Refused };
    }

    /// Gives back what is not written to.
    fn release(&mut self, file: &File, written: u64) -> io::Result<()> {
        match std::mem::replace(self, Self::Refused) {
            Self::UpTo(end) if end > written => file.set_len(written),
            Self::UpTo(_) | Self::Refused => Ok(()),
        }
    }
}

/// A file that grows above the user's limit is told by the failing write; without this a signal would end the process.
pub(crate) fn ignore_file_size_signal() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // SAFETY: setting a signal to be ignored installs no handler and touches no memory of ours.
        unsafe { libc::signal(libc::SIGXFSZ, libc::SIG_IGN) };
    });
}

/// What a link points to, so that the file appears there and the link stays: also if nothing is there yet.
pub(super) fn behind_links(path: &Path) -> PathBuf {
    const MOST_LINKS: usize = 40; // as the system has it
    let mut path = path.to_owned();
    for _ in 0..MOST_LINKS {
        match fs::read_link(&path) {
            Ok(to) => path = path.parent().map_or(to.clone(), |parent| parent.join(to)),
            Err(_) => break,
        }
    }
    path
}

fn parent(path: &Path) -> Option<&Path> {
    path.parent().filter(|parent| !parent.as_os_str().is_empty())
}

/// `.NAME.sabot-tmp-PID`, beside the final name so that giving the file that name moves no bytes.
fn temporary_name(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.sabot-tmp-{}", std::process::id()))
}

/// Removes what runs have left beside `path` that were killed while they wrote it: files whose process is gone, here and on
/// every machine that sees the directory.
fn remove_abandoned(path: &Path) {
    let (Some(name), directory) = (path.file_name(), parent(path).unwrap_or(Path::new("."))) else { return };
    let prefix = format!(".{}.sabot-tmp-", name.to_string_lossy());
    let is_gone = |process: &str| {
        let is_number = !process.is_empty() && process.bytes().all(|byte| byte.is_ascii_digit());
        is_number && Path::new("/proc/self").exists() && !Path::new("/proc").join(process).exists()
    };
    let Ok(entries) = fs::read_dir(directory) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let Some(process) = name.to_str().and_then(|name| name.strip_prefix(&prefix)) else { continue };
        let is_abandoned = || File::open(entry.path()).is_ok_and(|file| file.try_lock().is_ok());
        if is_gone(process) && is_abandoned() {
            // Only tidiness: the run itself does not need it.
            drop(fs::remove_file(entry.path()));
        }
    }
}

/// An output that is being written. Dropping it leaves no file behind.
pub(super) struct Output {
    target: Target,
    name: String,
    file: File,
    temporary: Option<PathBuf>,
    written: u64,
    reserved: Reserved,
    demand: Demand,
}

impl Output {
    /// Bytes written so far.
    pub(super) fn written(&self) -> u64 {
        self.written
    }

    /// Writes bytes; says whether anyone still reads.
    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<Demand, ConnectorError> {
        self.write_pieces(&[bytes])
    }

    /// Writes pieces one after the other, without joining them first.
    pub(super) fn write_pieces(&mut self, pieces: &[&[u8]]) -> Result<Demand, ConnectorError> {
        const PIECES_AT_ONCE: usize = 512;
        self.reserved.extend(&self.file, self.written, pieces.iter().map(|piece| piece.len() as u64).sum());
        for pieces in pieces.chunks(PIECES_AT_ONCE) {
            let mut slices: Vec<IoSlice<'_>> = pieces.iter().map(|piece| IoSlice::new(piece)).collect();
            let mut slices = &mut slices[..];
            IoSlice::advance_slices(&mut slices, 0); // leaves out empty pieces
            while !slices.is_empty() && self.demand == Demand::More {
                match self.file.write_vectored(slices) {
                    Ok(0) => return Err(self.failed(io::ErrorKind::WriteZero.into())),
                    Ok(count) => {
                        self.written += count as u64;
                        IoSlice::advance_slices(&mut slices, count);
                    }
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(error) if error.kind() == io::ErrorKind::BrokenPipe => self.demand = Demand::Enough,
                    Err(error) => return Err(self.failed(error)),
                }
            }
        }
        Ok(self.demand)
    }

    fn failed(&self, source: io::Error) -> ConnectorError {
        ConnectorError::Write { path: self.name.clone(), written: self.written, source }
    }

    /// Completes the output; gives the files' final names.
    pub(super) fn finish(mut self) -> Result<Vec<String>, ConnectorError> {
        self.file.flush().map_err(|error| self.failed(error))?;
        let Target::File { path, overwrite, sync, sink } = &self.target else {
            return Ok(Vec::new());
        };
        let Some(temporary) = self.temporary.clone() else { return Ok(Vec::new()) };
        self.reserved.release(&self.file, self.written).map_err(|error| self.failed(error))?;
        if *sync {
            self.file.sync_all().map_err(|error| self.failed(error))?;
        }
        if !*overwrite && path.exists() {
            return Err(ConnectorError::SinkExists { name: sink.clone(), path: self.name.clone() });
        }
        fs::rename(&temporary, path).map_err(|error| self.failed(error))?;
        out_of_memory::forget(&temporary);
        self.temporary = None;
        Ok(vec![self.name.clone()])
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        if let Some(temporary) = self.temporary.take() {
            // What cannot be removed now is left to whoever cleans up: there is nobody to tell.
            drop(fs::remove_file(&temporary));
            out_of_memory::forget(&temporary);
        }
    }
}

/// For `parquet`, which writes through this trait and buffers in front of it; what went wrong is kept for the caller.
pub(super) struct OutputWriter {
    output: Option<Output>,
    error: Option<ConnectorError>,
}

impl OutputWriter {
    /// Takes an output over.
    pub(super) fn new(output: Output) -> Self {
        Self { output: Some(output), error: None }
    }

    /// Gives it back; later writes fail.
    pub(super) fn take_output(&mut self) -> Option<Output> {
        self.output.take()
    }

    /// The first error of the system.
    pub(super) fn take_error(&mut self) -> Option<ConnectorError> {
        self.error.take()
    }

    /// Whether anyone still reads.
    pub(super) fn demand(&self) -> Demand {
        self.output.as_ref().map_or(Demand::More, |output| output.demand)
    }
}

impl Write for OutputWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let output = self.output.as_mut().ok_or(io::ErrorKind::BrokenPipe)?;
        match output.write(bytes) {
            Ok(_) => Ok(bytes.len()),
            Err(error) => {
                self.error.get_or_insert(error);
                Err(io::ErrorKind::Other.into())
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(directory: &Path) -> Vec<String> {
        fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    #[test]
    fn a_file_appears_only_when_it_is_complete() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("out.csv");
        let path = path.to_str().unwrap();
        let target = Target::file("out", path, SinkOptions::default(), false).unwrap();
        let mut output = target.open().unwrap();
        assert_eq!(output.write_pieces(&[b"a", b"", b"b\n"]).unwrap(), Demand::More);
        assert_eq!(names(directory.path()), [format!(".out.csv.sabot-tmp-{}", std::process::id())]);
        assert_eq!(output.finish().unwrap(), [path]);
        assert_eq!(names(directory.path()), ["out.csv"]);
        assert_eq!(fs::read(path).unwrap(), b"ab\n");

        let error = Target::file("out", path, SinkOptions::default(), false).unwrap_err();
        assert!(matches!(error, ConnectorError::SinkExists { .. }), "{error}");
        let target = Target::file("out", path, SinkOptions { overwrite: true }, true).unwrap();
        drop(target.open().unwrap());
        assert_eq!(fs::read(path).unwrap(), b"ab\n", "an abandoned output changes nothing");
        assert_eq!(names(directory.path()), ["out.csv"]);
    }

    #[test]
    fn room_that_was_reserved_and_not_used_is_given_back() {
        use std::os::unix::fs::MetadataExt;
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("out.csv");
        let target = Target::file("out", path.to_str().unwrap(), SinkOptions::default(), false).unwrap();
        let mut output = target.open().unwrap();
        let block = vec![7; 5 << 20];
        for _ in 0..8 {
            output.write(&block).unwrap();
        }
        assert_ne!(output.reserved, Reserved::UpTo(0));
        output.finish().unwrap();
        let metadata = fs::metadata(&path).unwrap();
        assert_eq!(metadata.len(), 40 << 20);
        assert!(metadata.blocks() * 512 <= 41 << 20, "{} blocks", metadata.blocks());
        assert!(fs::read(&path).unwrap().iter().all(|byte| *byte == 7));
    }

    #[test]
    fn what_a_killed_run_has_left_is_removed() {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path();
        let own = format!(".out.csv.sabot-tmp-{}", std::process::id());
        // No process has such a number; the others are another sink's, and nobody's.
        let gone = ".out.csv.sabot-tmp-999999999";
        let others = [".more.csv.sabot-tmp-999999999", ".out.csv.sabot-tmp-1", ".out.csv.sabot-tmp-x"];
        for name in others.iter().chain([&gone, &".out.csv.sabot-tmp-999999998"]) {
            fs::write(root.join(name), "half").unwrap();
        }
        let written = File::open(root.join(".out.csv.sabot-tmp-999999998")).unwrap();
        written.try_lock().unwrap(); // as a process on another machine
        let path = root.join("out.csv");
        let output =
            Target::file("out", path.to_str().unwrap(), SinkOptions::default(), false).unwrap().open().unwrap();
        let mut left = names(root);
        left.sort();
        let mut expected = vec![own.as_str(), ".out.csv.sabot-tmp-999999998"];
        expected.extend(others);
        expected.sort_unstable();
        assert_eq!(left, expected);
        drop(output);
    }

    #[test]
    fn a_link_stays_one() {
        let directory = tempfile::tempdir().unwrap();
        let link = directory.path().join("out.csv");
        std::os::unix::fs::symlink("below/real.csv", &link).unwrap();
        fs::create_dir(directory.path().join("below")).unwrap();
        for overwrite in [false, true] {
            let options = SinkOptions { overwrite };
            let target = Target::file("out", link.to_str().unwrap(), options, false).unwrap();
            let mut output = target.open().unwrap();
            output.write(b"rows\n").unwrap();
            output.finish().unwrap();
            assert!(link.is_symlink());
            assert_eq!(fs::read(directory.path().join("below/real.csv")).unwrap(), b"rows\n");
        }
    }

    #[test]
    fn a_missing_directory_and_a_directory_are_refused() {
        let directory = tempfile::tempdir().unwrap();
        let missing = directory.path().join("no/out.csv");
        let error = Target::file("out", missing.to_str().unwrap(), SinkOptions::default(), false).unwrap_err();
        assert!(matches!(error, ConnectorError::NoParent { .. }), "{error}");
        let error = Target::file("out", directory.path().to_str().unwrap(), SinkOptions::default(), false).unwrap_err();
        assert!(error.to_string().contains("is a directory"), "{error}");
    }

    #[test]
    fn a_full_disk_says_how_far_it_came() {
        let mut output = Target::file("out", "/dev/full", SinkOptions::default(), false).unwrap().open().unwrap();
        let error = output.write(&[0; 100]).unwrap_err();
        assert!(error.to_string().contains("free space on that disk"), "{error}");
    }
}
