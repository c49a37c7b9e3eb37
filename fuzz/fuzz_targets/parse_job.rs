//! Any text as a job.rs: parsed, checked, optimized, cut into pipelines; messages are rendered.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sabot_compiler::passes::PlanOptimizer;
use sabot_compiler::{Catalog, compile, parse};
use sabot_ir::diagnostic::Diagnostics;
use sabot_ir::display::diagnostic::render_all;

fuzz_target!(|text: &str| {
    let mut diagnostics = Diagnostics::new();
    for graph in parse::parse(text, &mut diagnostics) {
        let _ = compile(&graph, &Catalog::default(), &mut PlanOptimizer::default(), &mut diagnostics);
    }
    let _ = render_all(text, "job.rs", &diagnostics);
    // proc-macro2 keeps every text of a thread for its spans; a long run would fill the memory.
    proc_macro2::extra::invalidate_current_thread_spans();
});
