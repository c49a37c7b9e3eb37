//! Loads an artifact and calls its kernels: the unsafe fence towards generated code.
//!
//! The bytes pass [`crate::load::check`], go into a sealed memory file and from there through the dynamic linker, so that
//! debuggers, profilers and unwinders see an ordinary shared object.

use crate::connector::ignore_file_size_signal;
use crate::load::{self, LoadError};
use sabot_abi::descriptor::DESCRIPTOR_SYMBOL;
use sabot_abi::kernel::{Chunk, Context, KernelFn};
use sabot_abi::manifest::Manifest;
use sabot_abi::{CHUNK_ROWS, CHUNK_WORDS};
use std::ffi::{CStr, CString, c_void};
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{AsRawFd, FromRawFd};

/// An artifact whose kernels can be called.
#[derive(Debug)]
pub struct LoadedArtifact {
    /// The job.
    pub manifest: Manifest,
    /// By their number in the manifest. They may be called as long as `code` lives.
    kernels: Vec<KernelFn>,
    /// Alive as long as `code`.
    constants: *const u8,
    /// What the kernels and constants lie in.
    #[expect(dead_code, reason = "held for its Drop")]
    code: Code,
}

/// Who keeps the code and the constants alive.
#[derive(Debug)]
enum Code {
    /// The dynamic linker.
    Linked {
        #[expect(dead_code, reason = "held for its Drop, before the file's")]
        library: Library,
        /// Open as long as the library: the linker knows libraries by name, and the name has the descriptor's number.
        #[expect(dead_code, reason = "held for its Drop")]
        file: File,
    },
    /// The program itself; the constants are here.
    Own(#[expect(dead_code, reason = "held for its Drop")] Box<[u8]>),
}

// SAFETY: kernels are functions without state of their own, and nobody writes the constants.
unsafe impl Send for LoadedArtifact {}
// SAFETY: as above.
unsafe impl Sync for LoadedArtifact {}

impl LoadedArtifact {
    /// Checks an artifact and makes its kernels callable.
    pub fn load(bytes: &[u8]) -> Result<Self, LoadError> {
        let checked = load::check(bytes)?;
        let file = memory_file(&format!("sabot:{}", checked.manifest.job), bytes)?;
        // By process id and not by `self`: a debugger reads the path too, and `self` would be the debugger.
        let library = Library::open(&format!("/proc/{}/fd/{}", std::process::id(), file.as_raw_fd()))?;
        let descriptor = library.symbol(DESCRIPTOR_SYMBOL)?.cast::<u8>();
        let at = |offset: usize| descriptor.wrapping_add(offset);
        let kernels = checked.kernel_offsets.iter().map(|offset| {
            // SAFETY: `check` has seen that the offset lies in the code, and that nobody changed the file since sabotc
            // wrote a kernel's first instruction there; the linker maps the file at its own distances.
            unsafe { std::mem::transmute::<*const u8, KernelFn>(at(*offset)) }
        });
        Ok(Self {
            kernels: kernels.collect(),
            constants: at(checked.descriptor.constants.offset as usize),
            manifest: checked.manifest,
            code: Code::Linked { library, file },
        })
    }

    /// An artifact whose kernels are functions of this program: for tests of what calls kernels.
    #[must_use]
    pub fn from_parts(manifest: Manifest, kernels: Vec<KernelFn>, constants: &[u8]) -> Self {
        let constants: Box<[u8]> = constants.into();
        Self { manifest, kernels, constants: constants.as_ptr(), code: Code::Own(constants) }
    }

    /// The kernel with this number, to be given to [`call`] as long as the artifact lives.
    ///
    /// # Panics
    /// If the manifest has no such kernel.
    #[must_use]
    pub fn kernel(&self, number: u32) -> KernelFn {
        self.kernels[number as usize]
    }

    /// How many kernels there are.
    #[must_use]
    pub fn kernel_count(&self) -> usize {
        self.kernels.len()
    }

    /// For [`Context::constants`].
    #[must_use]
    pub fn constants(&self) -> *const u8 {
        self.constants
    }
}

/// Calls a kernel: the one place where control passes into generated code.
///
/// A safe function by decree, so that the operators around it need no `unsafe`; what the types cannot say is owed by
/// whoever fills in the structs (the morsel loop's frame, and nobody else outside of tests):
/// - `kernel` is of a [`LoadedArtifact`] that is alive, and the chunk has the registers that its manifest lists for it;
/// - buffers reach to the next multiple of 64 rows, as [`sabot_abi::kernel`] says, and the outputs are nobody else's;
/// - every `StrRef` in a selected, valid row of an input is alive;
/// - the context's tables are those of [`crate::ffi::functions`], the job's parameters and the artifact's constants, its
///   arena is a [`crate::ffi::ValueArena`]'s that lives until nobody reads the outputs any more.
#[must_use]
pub fn call(kernel: KernelFn, context: &mut Context, chunk: &Chunk) -> i64 {
    debug_assert!((1..=CHUNK_ROWS as u64).contains(&chunk.rows), "{} rows in a chunk", chunk.rows);
    debug_assert!(!context.functions.is_null(), "kernels call the runtime through the table");
    debug_assert!(chunk.selection.is_null() || chunk.selection.is_aligned(), "bitmaps are words");
    debug_assert!(chunk.rows.div_ceil(64) <= CHUNK_WORDS as u64, "a chunk's bitmap has a fixed size");
    // SAFETY: the list above, kept by the caller.
    unsafe { kernel(context, chunk) }
}

/// A library that the dynamic linker has mapped.
#[derive(Debug)]
struct Library(*mut c_void);

impl Library {
    fn open(path: &str) -> Result<Self, LoadError> {
        let path = CString::new(path).expect("paths of descriptors hold no zero");
        // SAFETY: the path is a C string, and an artifact has no initialisers that would run.
        let handle = unsafe { libc::dlopen(path.as_ptr(), libc::RTLD_NOW | libc::RTLD_LOCAL) };
        if handle.is_null() { Err(LoadError::Link(linker_error())) } else { Ok(Self(handle)) }
    }

    fn symbol(&self, name: &str) -> Result<*const c_void, LoadError> {
        let name = CString::new(name).expect("names of symbols hold no zero");
        // SAFETY: the handle is open, the name is a C string.
        let address = unsafe { libc::dlsym(self.0, name.as_ptr()) };
        if address.is_null() { Err(LoadError::Link(linker_error())) } else { Ok(address.cast_const()) }
    }
}

impl Drop for Library {
    fn drop(&mut self) {
        // SAFETY: the handle is open, and whoever holds a kernel or the constants holds the artifact that owns this.
        unsafe { libc::dlclose(self.0) };
    }
}

fn linker_error() -> String {
    // SAFETY: asks for this thread's last error: null or a C string that lives until the thread's next call of the linker.
    unsafe {
        let message = libc::dlerror();
        if message.is_null() {
            "the dynamic linker gives no reason".to_owned()
        } else {
            CStr::from_ptr(message).to_string_lossy().into_owned()
        }
    }
}

/// A file without a place in any directory, which nobody can change any more.
fn memory_file(name: &str, content: &[u8]) -> Result<File, LoadError> {
    let system = |what| move |cause| LoadError::System { what, cause };
    let name: Vec<u8> = name.bytes().filter(|byte| *byte != 0).take(200).collect();
    let name = CString::new(name).expect("no zero is left");
    let flags = libc::MFD_CLOEXEC | libc::MFD_ALLOW_SEALING;
    let create = |flags| {
        // SAFETY: the name is a C string.
        let descriptor = unsafe { libc::memfd_create(name.as_ptr(), flags) };
        if descriptor < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the kernel has just opened it for us alone.
        Ok(unsafe { File::from_raw_fd(descriptor) })
    };
    // Some systems only allow memory files that promise not to be started as programs; that does not keep us from mapping.
    let file = create(flags).or_else(|_| create(flags | libc::MFD_NOEXEC_SEAL));
    let mut file = file.map_err(system("make a memory file for the artifact"))?;
    without_file_size_limit(|| file.write_all(content)).map_err(|cause| {
        let is_limit = cause.kind() == io::ErrorKind::FileTooLarge;
        let what = "write the artifact to a memory file";
        system(if is_limit { "write the artifact to a memory file (`ulimit -f` is below its size)" } else { what })(
            cause,
        )
    })?;
    let seals = libc::F_SEAL_WRITE | libc::F_SEAL_SHRINK | libc::F_SEAL_GROW | libc::F_SEAL_SEAL;
    // SAFETY: the descriptor is open, and the command takes an integer.
    if unsafe { libc::fcntl(file.as_raw_fd(), libc::F_ADD_SEALS, seals) } < 0 {
        return Err(system("seal the artifact's memory file")(io::Error::last_os_error()));
    }
    Ok(file)
}

/// Does something while files may become as large as the user can allow: a soft limit is meant for outputs, and the artifact
/// is a file in memory only.
fn without_file_size_limit<T>(work: impl FnOnce() -> T) -> T {
    ignore_file_size_signal();
    let mut before = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: fills in the limits that it is given.
    let is_known = unsafe { libc::getrlimit(libc::RLIMIT_FSIZE, &raw mut before) } == 0;
    let set = |limit: &libc::rlimit| {
        // SAFETY: reads the limits that it is given; the soft one is not above the hard one.
        unsafe { libc::setrlimit(libc::RLIMIT_FSIZE, &raw const *limit) }
    };
    let is_raised = is_known && before.rlim_cur < before.rlim_max;
    if is_raised {
        set(&libc::rlimit { rlim_cur: before.rlim_max, ..before });
    }
    let done = work();
    if is_raised {
        set(&before);
    }
    done
}

#[cfg(test)]
mod tests {
    use super::*;
    use sabot_abi::kernel::{InputColumn, OutputColumn, RowError};

    unsafe extern "C" fn double(context: *mut Context, chunk: *const Chunk) -> i64 {
        // SAFETY: called below with one input and one output of i64, and with a constant.
        unsafe {
            let (chunk, add) = (&*chunk, i64::from(*(*context).constants));
            let input = (*chunk.inputs).values.cast::<i64>();
            let output = (*chunk.outputs).values.cast::<i64>();
            for row in 0..chunk.rows as usize {
                *output.add(row) = *input.add(row) * 2 + add;
            }
        }
        0
    }

    #[test]
    fn kernels_in_rust_stand_in_for_generated_ones() {
        let artifact = LoadedArtifact::from_parts(Manifest::default(), vec![double], &[7]);
        let (input, mut output) = ([1i64, 2, 3], [0i64; 3]);
        let inputs = [InputColumn { values: input.as_ptr().cast(), validity: std::ptr::null() }];
        let outputs = [OutputColumn { values: output.as_mut_ptr().cast(), validity: std::ptr::null_mut() }];
        let selection = [0b111u64; CHUNK_WORDS];
        let mut context = Context {
            functions: crate::ffi::functions(),
            params: std::ptr::null(),
            constants: artifact.constants(),
            error: RowError::default(),
            arena: std::ptr::null_mut(),
            row_bytes: 0,
            result: [0; 4],
        };
        let chunk = Chunk {
            rows: 3,
            first_row: 0,
            inputs: inputs.as_ptr(),
            outputs: outputs.as_ptr(),
            selection: selection.as_ptr(),
            selection_out: std::ptr::null_mut(),
            accumulators: std::ptr::null_mut(),
        };
        assert_eq!(call(artifact.kernel(0), &mut context, &chunk), 0);
        assert_eq!(output, [9, 11, 13]);
    }

    #[test]
    fn a_memory_file_cannot_be_changed() {
        let mut file = memory_file("sabot:te\0st", b"content").expect("a memory file");
        assert!(file.write_all(b"more").is_err());
        assert!(file.set_len(0).is_err());
    }
}
