//! What happens when the system has no more memory to give: the process says what would help, leaves no half-written
//! outputs, and ends with status 1.
//!
//! Rust's own answer is to abort. An allocator that asks the system's and looks at the answer can do better, as long as it
//! needs no memory itself: the names of files are kept ready for that moment. What asks for memory in another way
//! ([`crate::primitive::memory`]) calls [`exit`], too.

use std::alloc::{GlobalAlloc, Layout, System};
use std::ffi::CString;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::Mutex;

/// The system's allocator; where it has nothing left, the process ends.
///
/// ```
/// #[global_allocator]
/// static ALLOCATOR: sabot_runtime::SystemOrExit = sabot_runtime::SystemOrExit;
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemOrExit;

/// Files that are to go if the process ends before they are complete.
static TEMPORARY_FILES: Mutex<Vec<CString>> = Mutex::new(Vec::new());

/// Remembers a file that is being written.
pub(crate) fn remember(file: &Path) {
    let Ok(name) = CString::new(file.as_os_str().as_bytes()) else { return };
    TEMPORARY_FILES.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(name);
}

/// Forgets a file that is complete or gone.
pub(crate) fn forget(file: &Path) {
    let mut files = TEMPORARY_FILES.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    files.retain(|name| name.as_bytes() != file.as_os_str().as_bytes());
}

// SAFETY: every call is the system allocator's; what it gives is handed on unless it is null, and then nothing returns.
unsafe impl GlobalAlloc for SystemOrExit {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promise is the one that is asked for.
        given(unsafe { System.alloc(layout) }, layout.size())
    }

    #[inline]
    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: as above; what is given back came from the system's allocator.
        unsafe { System.dealloc(pointer, layout) }
    }

    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as above.
        given(unsafe { System.alloc_zeroed(layout) }, layout.size())
    }

    #[inline]
    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: as above.
        given(unsafe { System.realloc(pointer, layout, size) }, size)
    }
}

#[inline]
fn given(pointer: *mut u8, size: usize) -> *mut u8 {
    if pointer.is_null() {
        exit(size);
    }
    pointer
}

/// Ends the process without asking for memory: no formatting, no buffers, no destructors.
#[cold]
#[inline(never)]
pub(crate) fn exit(size: usize) -> ! {
    let mut digits = [0; 20];
    for text in [
        "error: out of memory: the system does not give ".as_bytes(),
        decimal(size as u64, &mut digits),
        b" more bytes\n  give joins and aggregates a limit beyond which they spill to disk, below what this process may \
          have: `--memory 256M`; fewer workers (`-p 1`) need less, too\n",
    ] {
        // SAFETY: the text lives through the call.
        unsafe { libc::write(2, text.as_ptr().cast(), text.len()) };
    }
    remove_files();
    // SAFETY: ends the process at once; nothing of ours runs after it.
    unsafe { libc::_exit(1) }
}

/// Removes the files that are being written, without asking for memory or waiting: also in a signal handler.
pub(crate) fn remove_files() {
    // Whoever holds the lock may be the one that cannot go on: then the files stay, and the next run removes them.
    if let Ok(files) = TEMPORARY_FILES.try_lock() {
        for name in files.iter() {
            // SAFETY: the name ends with a zero and lives through the call.
            unsafe { libc::unlink(name.as_ptr()) };
        }
    }
}

/// A number as text, in memory that is there.
fn decimal(mut number: u64, digits: &mut [u8; 20]) -> &[u8] {
    let mut first = digits.len();
    loop {
        first -= 1;
        digits[first] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            return &digits[first..];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_without_memory() {
        for number in [0, 7, 10, 4096, u64::MAX] {
            assert_eq!(decimal(number, &mut [0; 20]), number.to_string().as_bytes());
        }
    }

    #[test]
    fn files_are_remembered_until_they_are_complete() {
        let [one, two] = ["/tmp/.one.sabot-tmp-0", "/tmp/.two.sabot-tmp-0"].map(Path::new);
        let is_known = |file: &Path| {
            let files = TEMPORARY_FILES.lock().unwrap();
            files.iter().any(|name| name.as_bytes() == file.as_os_str().as_bytes())
        };
        remember(one);
        remember(two);
        forget(one);
        assert!(!is_known(one) && is_known(two));
        forget(two);
        assert!(!is_known(two));
    }
}
