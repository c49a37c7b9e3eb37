//! The file that an item stands in, checked as a job.
//!
//! All attributes of a file share one check: it is kept for as long as the file's text stays the same. (An editor's process
//! lives long, and the text changes under it.)

use crate::tokens::{self, MarkedItem, Token};
use sabot_compiler::Catalog;
use sabot_compiler::check::check;
use sabot_compiler::parse::parse;
use sabot_ir::diagnostic::{Diagnostic, Diagnostics};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Mutex, PoisonError};

/// A file and what the front end says of it.
pub(crate) struct JobFile {
    /// Its name without its folder, for messages.
    pub(crate) name: String,
    /// Its text.
    pub(crate) text: String,
    /// Its tokens in order.
    pub(crate) tokens: Vec<Token>,
    /// The token behind the item that was found last.
    pub(crate) next: AtomicUsize,
    /// The items with an attribute of ours, in order.
    pub(crate) items: Vec<MarkedItem>,
    /// Everything that the front end has to say, by place.
    pub(crate) diagnostics: Vec<Diagnostic>,
}

/// Stands behind a file that has no pipeline, so that its functions are checked all the same.
const NO_PIPELINE: &str = "\n#[sabot::pipeline]\nfn job() {}\n";

impl JobFile {
    /// The file of the item that is being expanded; nothing if the compiler does not tell, or it cannot be read.
    pub(crate) fn current() -> Option<Arc<Self>> {
        let path = proc_macro::Span::call_site().local_file()?;
        let text = std::fs::read_to_string(&path).ok()?;
        static CHECKED: Mutex<BTreeMap<PathBuf, Arc<JobFile>>> = Mutex::new(BTreeMap::new());
        let mut checked = CHECKED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(file) = checked.get(&path)
            && file.text == text
        {
            return Some(Arc::clone(file));
        }
        let file = Arc::new(Self::check(&path, text));
        checked.insert(path, Arc::clone(&file));
        Some(file)
    }

    fn check(path: &Path, text: String) -> Self {
        // The front end counts bytes, which only proc-macro2's own lexer tells; nothing here gives it the compiler's tokens.
        proc_macro2::fallback::force();
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let mut diagnostics = Diagnostics::new();
        let mut graphs = parse(&text, &mut diagnostics);
        let has_pipeline = !graphs.is_empty();
        if !has_pipeline {
            diagnostics = Diagnostics::new();
            graphs = parse(&format!("{text}{NO_PIPELINE}"), &mut diagnostics);
        }
        for graph in &graphs {
            check(graph, &Catalog::default(), &mut diagnostics);
        }
        let mut diagnostics = diagnostics.into_sorted();
        if !has_pipeline {
            let is_in_text = |diagnostic: &Diagnostic| {
                let place = diagnostic.labels.first();
                place.is_some_and(|label| !label.span.is_none() && (label.span.start as usize) < text.len())
            };
            diagnostics.retain(is_in_text);
        }
        let tokens = tokens::of_text(&text);
        let items = tokens::marked_items(&tokens);
        Self { name, text, tokens, next: AtomicUsize::new(0), items, diagnostics }
    }
}
