//! Mapped files, by address: a file that is cut short while it is read is named, and the process ends with an error.
//!
//! Reading a mapped page that its file no longer has is a signal, not an error that anyone returns. Files are mapped for
//! speed, so the signal is made to say what happened. Outputs keep their temporary names, as after `kill -9`.

use memmap2::Mmap;
use std::ffi::CString;
use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicPtr, AtomicUsize, Ordering};

/// One mapping; never freed, since the handler may look at it at any time, and used again after it.
struct Entry {
    /// First byte; 0: free.
    start: AtomicUsize,
    len: AtomicUsize,
    /// The file's name; kept while the entry is in use, and given back to the next one that uses it.
    name: AtomicPtr<std::ffi::c_char>,
    next: AtomicPtr<Entry>,
}

/// The first of all mappings.
static FIRST: AtomicPtr<Entry> = AtomicPtr::new(std::ptr::null_mut());

/// A mapped file, known by its address while it lives.
pub(super) struct MappedFile {
    bytes: Mmap,
    entry: &'static Entry,
}

impl MappedFile {
    /// Maps a file that is not empty.
    pub(super) fn new(file: &File, name: &str) -> io::Result<Self> {
        // SAFETY: a mapped file must not be changed while it is read; every reader of mapped files asks that of its users,
        // and what a violation can do here is wrong rows, as the same writes would do to a reader that copies, or the
        // signal that this module is about.
        let bytes = unsafe { Mmap::map(file)? };
        let entry = entry();
        let name = CString::new(name.replace('\0', "?")).unwrap_or_default();
        entry.name.store(name.into_raw(), Ordering::Relaxed);
        entry.len.store(bytes.len(), Ordering::Relaxed);
        entry.start.store(bytes.as_ptr() as usize, Ordering::Release);
        Ok(Self { bytes, entry })
    }
}

impl AsRef<[u8]> for MappedFile {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for MappedFile {
    fn drop(&mut self) {
        // The name stays: the handler of another thread may be reading it. `entry` frees it when it is used again.
        self.entry.len.store(0, Ordering::Relaxed);
        self.entry.start.store(0, Ordering::Release);
    }
}

/// Whether these bytes lie in a mapped file, which costs no memory to keep.
pub(crate) fn holds(bytes: &[u8]) -> bool {
    let address = bytes.as_ptr() as usize;
    let mut at = FIRST.load(Ordering::Acquire);
    // SAFETY: entries are leaked, so every pointer in the list is to one that lives.
    while let Some(entry) = unsafe { at.as_ref() } {
        let (start, len) = (entry.start.load(Ordering::Acquire), entry.len.load(Ordering::Relaxed));
        if start > TAKEN && address >= start && address + bytes.len() <= start.saturating_add(len) {
            return true;
        }
        at = entry.next.load(Ordering::Acquire);
    }
    false
}

/// Files below this size stay in the process's memory as far as they were read.
const LARGE_FILE: usize = 256 << 20;

/// Part of a file, if it is a large mapped one, that will hardly be read again: its pages, which the system still has, are none of
/// the process's memory until then.
pub(super) fn let_go(file: &[u8], part: std::ops::Range<usize>) {
    if file.len() >= LARGE_FILE {
        file.get(part).into_iter().for_each(let_go_of);
    }
}

/// The same of any file.
fn let_go_of(part: &[u8]) {
    #[cfg(all(target_os = "linux", not(miri)))]
    if holds(part) {
        // SAFETY: asks for a number.
        let page = usize::try_from(unsafe { libc::sysconf(libc::_SC_PAGESIZE) }).unwrap_or(1 << 16);
        let start = part.as_ptr() as usize;
        let (first, last) = (start.next_multiple_of(page), (start + part.len()) / page * page);
        if first < last {
            // SAFETY: whole pages of a mapping that is only read. Whoever reads them later is given them anew, from the file.
            unsafe { libc::madvise(first as *mut libc::c_void, last - first, libc::MADV_DONTNEED) };
        }
    }
    #[cfg(not(all(target_os = "linux", not(miri))))]
    let _ = part;
}

/// What the address 1 says of an entry: it is being filled.
const TAKEN: usize = 1;

/// An entry that is free, or a new one.
fn entry() -> &'static Entry {
    let mut at = FIRST.load(Ordering::Acquire);
    // SAFETY: entries are leaked, so every pointer in the list is to one that lives.
    while let Some(entry) = unsafe { at.as_ref() } {
        if entry.start.compare_exchange(0, TAKEN, Ordering::AcqRel, Ordering::Relaxed).is_ok() {
            let name = entry.name.swap(std::ptr::null_mut(), Ordering::AcqRel);
            if !name.is_null() {
                // SAFETY: it came from `into_raw`, and the swap gave it to us alone.
                drop(unsafe { CString::from_raw(name) });
            }
            return entry;
        }
        at = entry.next.load(Ordering::Acquire);
    }
    let entry: &'static Entry = Box::leak(Box::new(Entry {
        start: AtomicUsize::new(TAKEN),
        len: AtomicUsize::new(0),
        name: AtomicPtr::default(),
        next: AtomicPtr::default(),
    }));
    let mut first = FIRST.load(Ordering::Acquire);
    loop {
        entry.next.store(first, Ordering::Release);
        let new = std::ptr::from_ref(entry).cast_mut();
        match FIRST.compare_exchange_weak(first, new, Ordering::AcqRel, Ordering::Acquire) {
            Ok(_) => return entry,
            Err(other) => first = other,
        }
    }
}

extern "C" fn on_fault(_signal: libc::c_int, info: *mut libc::siginfo_t, _context: *mut libc::c_void) {
    // SAFETY: the system hands a handler that was installed with SA_SIGINFO a filled-in struct.
    let address = unsafe { (*info).si_addr() } as usize;
    let mut at = FIRST.load(Ordering::Acquire);
    // SAFETY: entries are leaked, so every pointer in the list is to one that lives.
    while let Some(entry) = unsafe { at.as_ref() } {
        let (start, len) = (entry.start.load(Ordering::Acquire), entry.len.load(Ordering::Relaxed));
        let name = entry.name.load(Ordering::Relaxed);
        if start > TAKEN && (start..start.saturating_add(len)).contains(&address) && !name.is_null() {
            // SAFETY: the name is a C string, and lives as long as its entry is in use, as it is: its bytes are being read.
            let name = unsafe { std::ffi::CStr::from_ptr(name) };
            for piece in [
                b"error: ".as_slice(),
                name.to_bytes(),
                b": was cut short while it was read, or its disk failed; run the job again\n",
            ] {
                // SAFETY: `write` may be called in a signal handler, and the bytes live.
                unsafe { libc::write(2, piece.as_ptr().cast(), piece.len()) };
            }
            crate::out_of_memory::remove_files();
            // SAFETY: `_exit` may be called in a signal handler.
            unsafe { libc::_exit(1) };
        }
        at = entry.next.load(Ordering::Acquire);
    }
    // Not ours: the instruction runs again and ends the process as it would have.
    // SAFETY: `signal` may be called in a signal handler; the default action touches no memory of ours.
    unsafe { libc::signal(libc::SIGBUS, libc::SIG_DFL) };
}

/// From now on a mapped input that is cut short while it is read ends the process with status 1 and a message that names
/// it. For binaries: it is the process's signal handler.
pub fn name_files_that_are_cut_short() {
    // SAFETY: all zeros is a valid `sigaction`: no flags, an empty mask.
    let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
    action.sa_sigaction = on_fault as *const () as usize;
    action.sa_flags = libc::SA_SIGINFO;
    // SAFETY: the handler only reads atomics and leaked memory and makes calls that handlers may make. The old action is
    // not asked for.
    unsafe { libc::sigaction(libc::SIGBUS, &action, std::ptr::null_mut()) };
}

/// Whether a path is a regular file or does not exist (which then says so itself).
pub(super) fn is_mapped(path: &Path) -> bool {
    std::fs::metadata(path).map_or(true, |metadata| metadata.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn what_was_let_go_is_read_again() {
        let mut file = tempfile::tempfile().unwrap();
        let bytes: Vec<u8> = (0..100_000u32).map(|at| (at % 251) as u8).collect();
        file.write_all(&bytes).unwrap();
        let mapped = MappedFile::new(&file, "file").unwrap();
        assert_eq!(mapped.as_ref(), bytes);
        for range in [0..100_000, 1..99_999, 5000..5001, 4096..8192, 10..10] {
            let_go_of(&mapped.as_ref()[range.clone()]);
            assert_eq!(mapped.as_ref(), bytes, "{range:?}");
            // What is no mapped file stays as it is.
            let_go_of(&bytes[range]);
        }
        assert_eq!(mapped.as_ref(), bytes);
    }

    #[test]
    fn entries_are_used_again() {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(b"abc").unwrap();
        let first = MappedFile::new(&file, "one\0two").unwrap();
        assert_eq!(first.as_ref(), b"abc");
        assert!(holds(first.as_ref()) && holds(&first.as_ref()[1..]) && !holds(b"abc"));
        let second = MappedFile::new(&file, "second").unwrap();
        assert!(!std::ptr::eq(first.entry, second.entry));
        let entry = first.entry;
        drop(first);
        let reused: Vec<MappedFile> = (0..50).map(|_| MappedFile::new(&file, "again").unwrap()).collect();
        assert!(
            reused.iter().any(|mapped| std::ptr::eq(mapped.entry, entry)) || entry.start.load(Ordering::Relaxed) > 0
        );
    }
}
