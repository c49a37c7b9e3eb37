//! Artifacts with bytes changed, left out, added and mixed: loading one is an error with a message, or it loads and is let go
//! again; never a panic, a crash, or a wait. And executables that lost a part of their end.
//!
//! Half of the changed artifacts get the length and the hash that fit them, as whoever changes one on purpose would do: else
//! nothing but the hash would be tested. Kernels are not called: whoever may write code into an artifact may do anything.
//! `SABOT_MUTATIONS=100000 cargo test -p sabot-snapshots --test artifact_mutations` tries more of them,
//! `SABOT_MUTATIONS_FROM` others. The fuzz target `artifact_loader` does the same where libFuzzer is at hand.

use sabot_abi::descriptor::{BUILD_ID_LEN, BUILD_ID_OFFSET, DESCRIPTOR_OFFSET, MAGIC};
use sabot_codegen::CompileOptions;
use sabot_compiler::passes::PlanOptimizer;
use sabot_compiler::{Catalog, compile, parse};
use sabot_ir::diagnostic::Diagnostics;
use sabot_reference::random::Rng;
use sabot_runtime::executable::{append, read_attached};
use sabot_runtime::kernel::LoadedArtifact;
use std::panic::catch_unwind;
use std::path::Path;

/// How many changed artifacts are tried by default.
const ARTIFACTS: u64 = 1_500;

/// What sabotc makes of some examples: with a table, with a window, with functions.
fn artifacts() -> Vec<Vec<u8>> {
    let artifact = |example: &&str| {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples").join(example).join("job.rs");
        let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let mut diagnostics = Diagnostics::new();
        let graphs = parse::parse(&text, &mut diagnostics);
        let compiled = compile(&graphs[0], &Catalog::default(), &mut PlanOptimizer::default(), &mut diagnostics);
        let pipelines = compiled.expect("an example has no mistakes").pipelines;
        sabot_codegen::compile(&pipelines, &CompileOptions::default()).expect("an example gets code").bytes
    };
    ["quote_enrichment", "volume_by_symbol", "spread_udf"].iter().map(artifact).collect()
}

/// Writes the length and the hash that the bytes have.
fn mend(bytes: &mut [u8]) {
    let file_len = DESCRIPTOR_OFFSET + MAGIC.len() + 8;
    if bytes.len() < file_len + 8 {
        return;
    }
    let len = bytes.len() as u64;
    bytes[file_len..file_len + 8].copy_from_slice(&len.to_le_bytes());
    let id = BUILD_ID_OFFSET..BUILD_ID_OFFSET + BUILD_ID_LEN;
    bytes[id.clone()].fill(0);
    let hash = blake3::hash(bytes);
    bytes[id].copy_from_slice(&hash.as_bytes()[..BUILD_ID_LEN]);
}

/// The artifact of a number.
fn mutated(artifacts: &[Vec<u8>], seed: u64) -> Vec<u8> {
    let mut rng = Rng::new(seed);
    let mut bytes = rng.pick(artifacts).clone();
    for _ in 0..=rng.below(4) {
        let len = bytes.len() as u64;
        if len == 0 {
            break;
        }
        // The headers and the manifest are read when an artifact is loaded, the code between them is not.
        let at = match rng.below(3) {
            0 => rng.below(len.min(1_024)),
            1 => len - 1 - rng.below(len.min(16_384)),
            _ => rng.below(len),
        } as usize;
        let most = bytes.len() - at;
        match rng.below(8) {
            0 => bytes.truncate(at),
            1 => bytes[at] ^= 1 << rng.below(8),
            2 => bytes[at] = rng.next_u64() as u8,
            3 | 4 => {
                let width = (*rng.pick(&[1, 2, 4, 8])).min(most);
                let edges =
                    [0, 1, len, len - 1, u64::MAX, 1 << 63, i32::MAX as u64, u64::from(u32::MAX), 4_096, len / 2];
                let value = rng.pick(&edges).to_le_bytes();
                let at = if rng.percent(70) { at / 8 * 8 } else { at };
                let width = width.min(bytes.len() - at);
                bytes[at..at + width].copy_from_slice(&value[..width]);
            }
            5 => {
                let count = most.min(1 + rng.below(64) as usize);
                bytes[at..at + count].fill(if rng.percent(50) { 0 } else { 0xff });
            }
            6 => {
                let from = rng.below(len) as usize;
                let count = most.min(bytes.len() - from).min(1 + rng.below(256) as usize);
                bytes.copy_within(from..from + count, at);
            }
            _ => {
                let more: Vec<u8> = (0..rng.below(40)).map(|_| rng.next_u64() as u8).collect();
                bytes.splice(at..at, more);
            }
        }
    }
    if rng.percent(50) {
        mend(&mut bytes);
    }
    bytes
}

#[test]
fn no_artifact_makes_a_panic() {
    let number = |name: &str, otherwise: u64| {
        std::env::var(name).map_or(otherwise, |text| text.parse().expect("a number of artifacts"))
    };
    let artifacts = artifacts();
    for artifact in &artifacts {
        LoadedArtifact::load(artifact).expect("what was compiled can be loaded");
        let mut same = artifact.clone();
        mend(&mut same);
        assert_eq!(same, *artifact, "mending changes nothing of what is whole");
    }
    let first = number("SABOT_MUTATIONS_FROM", 0);
    let kept = std::env::temp_dir().join(format!("sabot-artifact-{}", std::process::id()));
    let (mut failed, mut refused) = (Vec::new(), 0_u64);
    let count = number("SABOT_MUTATIONS", ARTIFACTS);
    for seed in first..first + count {
        let bytes = mutated(&artifacts, seed);
        // A crash would end the process: then this file is what did it.
        std::fs::write(&kept, &bytes).expect("written");
        match catch_unwind(|| LoadedArtifact::load(&bytes).err().map(|error| error.to_string())) {
            Ok(Some(message)) => {
                assert!(!message.is_empty(), "number {seed} is refused without a word");
                refused += 1;
            }
            Ok(None) => {}
            Err(_) => failed.push(seed),
        }
    }
    let _ = std::fs::remove_file(&kept);
    assert!(failed.is_empty(), "the artifacts of these numbers make a panic: {failed:?}");
    assert!(refused > count / 3, "only {refused} of {count} were refused: is anything looked at?");
}

#[test]
fn executables_that_lost_something_have_no_job_or_a_refused_one() {
    let artifact = artifacts().swap_remove(0);
    let executable = append(&b"the runtime's own program, as far as this test goes".repeat(20), &artifact);
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("job");
    let attached = |bytes: &[u8]| {
        std::fs::write(&path, bytes).expect("written");
        read_attached(&path)
    };
    let whole = attached(&executable).expect("readable").expect("a job");
    LoadedArtifact::load(&whole).expect("what was appended can be loaded");
    let mut rng = Rng::new(0x7a11);
    for case in 0..400_usize {
        let mut bytes = executable.clone();
        let len = bytes.len();
        match case % 4 {
            0 => bytes.truncate(len - 1 - case / 4),
            1 => {
                let edges = [0, 1, len as u64, len as u64 - 1, u64::MAX, 1 << 63, len as u64 - 16, len as u64 - 17];
                let edge = *rng.pick(&edges);
                bytes[len - 16..len - 8].copy_from_slice(&edge.to_le_bytes());
            }
            2 => {
                let at = len - 1 - rng.below(64) as usize;
                bytes[at] ^= 1 << rng.below(8);
            }
            _ => {
                let from = rng.below(len as u64) as usize;
                bytes.drain(from..(from + 1 + rng.below(5_000) as usize).min(len));
            }
        }
        match attached(&bytes) {
            Err(error) => assert!(!error.to_string().is_empty(), "case {case}"),
            Ok(None) => {}
            Ok(Some(job)) => assert!(LoadedArtifact::load(&job).is_err() || job == whole, "case {case} is another job"),
        }
    }
}
