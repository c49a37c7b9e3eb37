//! Any text as the JSON form of a graph: what is read is written and read again the same, and compiled.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sabot_compiler::parse::graph_from_json;
use sabot_compiler::passes::PlanOptimizer;
use sabot_compiler::{Catalog, compile};
use sabot_ir::diagnostic::Diagnostics;
use sabot_ir::display::diagnostic::render_all;

fuzz_target!(|text: &str| {
    match graph_from_json(text) {
        Ok(graph) => {
            let written = graph.to_json();
            let again = graph_from_json(&written).expect("what was written can be read");
            assert_eq!(again.to_json(), written);
            let _ = compile(&graph, &Catalog::default(), &mut PlanOptimizer::default(), &mut Diagnostics::new());
        }
        Err(diagnostics) => {
            let _ = render_all(text, "graph.json", &diagnostics);
        }
    }
    // proc-macro2 keeps every text of a thread for its spans; a long run would fill the memory.
    proc_macro2::extra::invalidate_current_thread_spans();
});
