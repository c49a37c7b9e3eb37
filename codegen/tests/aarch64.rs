//! Kernels compiled for aarch64 on any machine run there, and give what they give here.
#![allow(clippy::print_stdout, reason = "a test that skips itself says so")]

mod support;

use sabot_codegen::artifact::link;
use sabot_runtime::kernel::LoadedArtifact;
use support::frame::{Column, Frame};
use support::qemu::Machine;
use support::{AARCH64, GROWN, SHIFTED, X86_64, job};

#[test]
fn hand_made_kernels_give_the_same_on_both_machines() {
    let Some(machine) = Machine::start() else { return };
    if cfg!(not(target_arch = "x86_64")) {
        return;
    }
    let here = LoadedArtifact::load(&link(&job(X86_64))).expect("loads");
    let there = link(&job(AARCH64));

    let frame = Frame::new(100, vec![Column::of_words((0..100).map(|row| row * row))], 1);
    let (shifted, _) = machine.call(&there, SHIFTED, &frame);
    assert_eq!(shifted, frame.call(&here, SHIFTED));
    assert_eq!(shifted.outputs[0].values[..3], [7, 8, 11]);

    let frame = Frame::new(3, vec![Column::of_floats([0.0, f64::NEG_INFINITY, 1.0])], 1);
    let (grown, said) = machine.call(&there, GROWN, &frame);
    assert_eq!(grown.outputs[0].values[..2], [1f64.to_bits(), 0f64.to_bits()]);
    let frames: Vec<&str> = said.lines().collect();
    assert!(frames.contains(&"frame: shift::map_2#scalar"), "unwound to the kernel: {frames:?}");
    assert!(frames.contains(&"frame: main"), "unwound through the kernel: {frames:?}");
}
