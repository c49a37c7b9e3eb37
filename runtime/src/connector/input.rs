//! The bytes of one input: a mapped file, or a stream that can be read once. And the fence around foreign decoders.

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
    /// A pipe, a terminal, a device; with the bytes that were read to tell its format.
    Stream(Box<dyn Read + Send>),
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
        Self::of_file(name, file)
    }

    /// Opens a file that others still write: it is read as it grows, and ends when the process is asked to stop.
    pub(super) fn follow(path: &Path) -> Result<Self, ConnectorError> {
        let name = path.display().to_string();
        let failed = |source| ConnectorError::Read { path: name.clone(), source };
        let mut file = Growing(File::open(path).map_err(failed)?);
        let mut start = vec![0; START_BYTES];
        let count = loop {
            match file.read(&mut start) {
                Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => {}
                result => break result.map_err(failed)?,
            }
        };
        start.truncate(count);
        let stream = io::Cursor::new(start.clone()).chain(file);
        Ok(Self { name: name.clone().into(), bytes: Bytestream::Stream(Box::new(stream)), start })
    }

    /// Takes standard input; a file that was redirected there is mapped like any other.
    pub(super) fn standard() -> Result<Self, ConnectorError> {
        use std::os::fd::AsFd;
        let name = "<stdin>".to_owned();
        let file = io::stdin()
            .as_fd()
            .try_clone_to_owned()
            .map(File::from)
            .map_err(|source| ConnectorError::Read { path: name.clone(), source })?;
        Self::of_file(name, file)
    }

    fn of_file(name: String, file: File) -> Result<Self, ConnectorError> {
        let failed = |source| ConnectorError::Read { path: name.clone(), source };
        if file.metadata().map_err(failed)?.is_file() {
            let bytes = map(&file, &name).map_err(failed)?;
            let start = bytes[..bytes.len().min(START_BYTES)].to_vec();
            return Ok(Self { name: name.into(), bytes: Bytestream::Mapped(bytes), start });
        }
        let mut stream = Interruptible(file);
        let mut start = Vec::with_capacity(START_BYTES);
        // One read that gives something: waiting for all 4096 bytes would hold back a slow pipe.
        while start.is_empty() {
            let mut block = [0; START_BYTES];
            match stream.read(&mut block) {
                Ok(0) => break,
                Ok(count) => start.extend_from_slice(&block[..count]),
                Err(source) => return Err(failed(source)),
            }
        }
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

/// A file that grows. At its end it waits for a moment, and then says that a read would have to wait for more.
struct Growing(File);

impl Read for Growing {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        const LOOK_AGAIN_AFTER: Duration = Duration::from_millis(20);
        match self.0.read(bytes) {
            Ok(0) if !bytes.is_empty() && !interrupt::is_requested() => {
                std::thread::sleep(LOOK_AGAIN_AFTER);
                Err(io::ErrorKind::WouldBlock.into())
            }
            result => result,
        }
    }
}

/// A pipe or a device: who waits for its next bytes stops waiting when the run is asked to stop.
struct Interruptible(File);

impl Read for Interruptible {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        loop {
            if !interrupt::wait_until_readable(&self.0)? {
                return Err(io::Error::other("interrupted while waiting for more"));
            }
            match self.0.read(bytes) {
                Err(error) if matches!(error.kind(), io::ErrorKind::Interrupted | io::ErrorKind::WouldBlock) => {}
                result => return result,
            }
        }
    }
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
        Ok(result) => result.map_err(|error| corrupt(error.to_string())),
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
