//! Loads an artifact and calls its kernels: the unsafe fence towards generated code.
