//! The linked artifact: an ELF shared object with the kernels, the manifest, line tables and unwind information.
