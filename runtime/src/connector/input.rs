//! The bytes of one input: a mapped file, or a stream that can be read once. And the fence around foreign decoders.

use super::built::Feature;
use super::error::ConnectorError;
use super::mapped::MappedFile;
use crate::interrupt;
use bytes::Bytes;
use sabot_abi::manifest::Format;
use std::cell::Cell;
use std::fs::File;
use std::io::{self, Read};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::{Arc, Once};
use std::time::Duration;

/// What to read.
pub(super) enum Bytestream {
    /// A regular file, mapped.
    Mapped(Bytes),
    /// A pipe, a terminal, a device; with the bytes that were read to tell its format. A read that would have to wait for
    /// more than a moment says so ([`io::ErrorKind::WouldBlock`]).
    Stream(Box<dyn Read + Send>),
    /// A file that others still write, read in the same way: it has no end.
    Growing(Box<dyn Read + Send>),
}

/// One input, with the name that messages use.
pub(super) struct Input {
    /// As the author wrote it.
    pub(super) name: Arc<str>,
    /// Its bytes.
    pub(super) bytes: Bytestream,
    /// Its first bytes; empty only if it is empty.
    pub(super) start: Vec<u8>,
}

/// Bytes looked at to tell a format.
const START_BYTES: usize = 4096;

impl Input {
    /// Opens a file.
    pub(super) fn open(path: &Path) -> Result<Self, ConnectorError> {
        let name = path.display().to_string();
        let file = File::open(path).map_err(|source| ConnectorError::Read { path: name.clone(), source })?;
        Self::of_file(name, file, true)
    }

    /// Reads a file as a whole, as it is now.
    pub(super) fn read(path: &Path) -> Result<Self, ConnectorError> {
        let name = path.display().to_string();
        let bytes = std::fs::read(path).map_err(|source| ConnectorError::Read { path: name.clone(), source })?;
        let start = bytes[..bytes.len().min(START_BYTES)].to_vec();
        Ok(Self { name: name.into(), bytes: Bytestream::Mapped(bytes.into()), start })
    }

    /// Opens a file that others still write: it is read as it grows, and ends when the process is asked to stop. `waits`: for the first
    /// bytes, which tell the format.
    pub(super) fn follow(path: &Path, waits: bool) -> Result<Self, ConnectorError> {
        let name = path.display().to_string();
        let failed = |source| ConnectorError::Read { path: name.clone(), source };
        let mut file = Growing { file: File::open(path).map_err(failed)?, read: 0 };
        let start = first_bytes(&mut file, waits).or_else(ended_by_interrupt).map_err(failed)?;
        let stream = io::Cursor::new(start.clone()).chain(file);
        Ok(Self { name: name.clone().into(), bytes: Bytestream::Growing(Box::new(stream)), start })
    }

    /// Takes standard input; a file that was redirected there is mapped like any other. `waits`: for the first bytes of a pipe, which tell
    /// the format.
    pub(super) fn standard(waits: bool) -> Result<Self, ConnectorError> {
        use std::os::fd::AsFd;
        let name = "<stdin>".to_owned();
        let file = io::stdin()
            .as_fd()
            .try_clone_to_owned()
            .map(File::from)
            .map_err(|source| ConnectorError::Read { path: name.clone(), source })?;
        Self::of_file(name, file, waits)
    }

    fn of_file(name: String, file: File, waits: bool) -> Result<Self, ConnectorError> {
        let failed = |source| ConnectorError::Read { path: name.clone(), source };
        if file.metadata().map_err(failed)?.is_file() {
            let bytes = map(&file, &name).map_err(failed)?;
            let start = bytes[..bytes.len().min(START_BYTES)].to_vec();
            return Ok(Self { name: name.into(), bytes: Bytestream::Mapped(bytes), start });
        }
        let mut stream = Pipe(file);
        let start = first_bytes(&mut stream, waits).map_err(failed)?;
        let stream = io::Cursor::new(start.clone()).chain(stream);
        Ok(Self { name: name.into(), bytes: Bytestream::Stream(Box::new(stream)), start })
    }
}

fn map(file: &File, name: &str) -> io::Result<Bytes> {
    if file.metadata()?.len() == 0 {
        return Ok(Bytes::new());
    }
    Ok(Bytes::from_owner(MappedFile::new(file, name)?))
}

/// The first bytes of a stream; those that are there, if nobody is to wait.
fn first_bytes(stream: &mut impl Read, waits: bool) -> io::Result<Vec<u8>> {
    let mut start = vec![0; START_BYTES];
    // One read that gives something: waiting for all 4096 bytes would hold back a slow pipe.
    let count = if waits { Patient(stream).read(&mut start) } else { stream.read(&mut start) };
    let is_later = |error: &io::Error| matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted);
    let count = match count {
        Err(error) if !waits && is_later(&error) => 0,
        count => count?,
    };
    start.truncate(count);
    Ok(start)
}

/// A file that grows: where others would end, a read would have to wait for more.
struct Growing {
    file: File,
    /// Bytes so far.
    read: u64,
}

impl Read for Growing {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read(bytes)?;
        self.read += count as u64;
        if count > 0 || bytes.is_empty() {
            return Ok(count);
        }
        let left = self.file.metadata()?.len();
        if left < self.read {
            let what = format!("it was cut to {left} bytes while it was followed, {} were read", self.read);
            return Err(io::Error::other(what));
        }
        Err(io::ErrorKind::WouldBlock.into())
    }
}

/// A pipe or a device. A read waits for a moment only, so that whoever writes at full speed is not slowed down.
struct Pipe(File);

impl Read for Pipe {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        const MOMENT: Duration = Duration::from_millis(4);
        if !interrupt::is_readable_within(&self.0, MOMENT)? {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        self.0.read(bytes)
    }
}

/// Waits for bytes, however long they take, unless the process is asked to stop: then it fails.
pub(super) struct Patient<R>(pub(super) R);

impl<R: Read> Read for Patient<R> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        const LOOK_AGAIN_AFTER: Duration = Duration::from_millis(2);
        loop {
            match self.0.read(bytes) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    if interrupt::is_requested() {
                        return Err(io::Error::new(io::ErrorKind::TimedOut, "interrupted while waiting for more"));
                    }
                    std::thread::sleep(LOOK_AGAIN_AFTER);
                }
                result => return result,
            }
        }
    }
}

/// Who is asked to stop before the first byte has come has read nothing, and all of it.
fn ended_by_interrupt(error: io::Error) -> io::Result<Vec<u8>> {
    if error.kind() == io::ErrorKind::TimedOut { Ok(Vec::new()) } else { Err(error) }
}

/// Calls a decoder of another crate on bytes that may be anything: its errors and its panics become [`ConnectorError`]s.
pub(super) fn decode<T, E: std::fmt::Display>(
    path: &str,
    format: Format,
    decode: impl FnOnce() -> Result<T, E>,
) -> Result<T, ConnectorError> {
    let corrupt = |detail| ConnectorError::Corrupt { path: path.to_owned(), format, place: None, detail };
    let result = {
        let _quiet = Quiet::enter();
        catch_unwind(AssertUnwindSafe(decode))
    };
    match result {
        Ok(result) => result.map_err(|error| {
            let text = error.to_string();
            Feature::named_by_decoder(&text).map_or_else(|| corrupt(text), |feature| feature.is_missing(path))
        }),
        Err(panic) => {
            let text = panic.downcast_ref::<String>().map(String::as_str);
            let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
            Err(corrupt(text.unwrap_or("the decoder gave up").to_owned()))
        }
    }
}

thread_local! {
    /// Decoders that are running on this thread, one inside the other.
    static DECODING: Cell<u32> = const { Cell::new(0) };
}

/// While it lives, a panic on this thread prints nothing: it is about to become an error.
struct Quiet;

impl Quiet {
    fn enter() -> Self {
        static HOOK: Once = Once::new();
        HOOK.call_once(|| {
            let others = std::panic::take_hook();
            std::panic::set_hook(Box::new(move |info| {
                if DECODING.get() == 0 {
                    others(info);
                }
            }));
        });
        DECODING.set(DECODING.get() + 1);
        Self
    }
}

impl Drop for Quiet {
    fn drop(&mut self) {
        DECODING.set(DECODING.get() - 1);
    }
}
