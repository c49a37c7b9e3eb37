//! Any bytes as an artifact: refused with an error, or loaded without harm. Length and build-id are mended first, as whoever
//! changes an artifact on purpose would: otherwise nothing but the hash would be tested. Kernels are not called.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sabot_abi::descriptor::{BUILD_ID_LEN, BUILD_ID_OFFSET, DESCRIPTOR_OFFSET, MAGIC};
use sabot_runtime::kernel::LoadedArtifact;

fuzz_target!(|bytes: &[u8]| {
    let _ = LoadedArtifact::load(bytes);
    let file_len = DESCRIPTOR_OFFSET + MAGIC.len() + 8;
    let mut mended = bytes.to_vec();
    if mended.len() >= file_len + 8 {
        let len = mended.len() as u64;
        mended[file_len..file_len + 8].copy_from_slice(&len.to_le_bytes());
        let id = BUILD_ID_OFFSET..BUILD_ID_OFFSET + BUILD_ID_LEN;
        mended[id.clone()].fill(0);
        let hash = blake3::hash(&mended);
        mended[id].copy_from_slice(&hash.as_bytes()[..BUILD_ID_LEN]);
        let _ = LoadedArtifact::load(&mended);
    }
});
