//! Any bytes as an artifact: refused with an error, never mapped unchecked.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sabot_runtime::kernel::LoadedArtifact;

fuzz_target!(|bytes: &[u8]| {
    let _ = LoadedArtifact::load(bytes);
});
