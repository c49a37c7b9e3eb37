//! Every code that the compiler can say has a page; the page's wrong example earns exactly that code, its right example
//! nothing; what is said about the wrong example is a snapshot, one for each code.
//!
//! A new code needs: `docs/errors/E0123.md` (copy a neighbour), its place in the list in `src/pages.rs`, and a run with
//! `INSTA_UPDATE=always`.
#![allow(missing_docs, reason = "a test")]

use sabot_compiler::Catalog;
use sabot_compiler::check::check;
use sabot_compiler::pages::{Example, Kind, Page, pages};
use sabot_compiler::parse::{graph_from_json, parse};
use sabot_ir::diagnostic::{Diagnostic, Diagnostics};
use sabot_ir::display::diagnostic::render_all;
use sabot_snapshots::assert_stage;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Codes whose example would be too large for a page.
const WITHOUT_EXAMPLE: &[&str] = &["E0104"];

/// Warnings of what is declared and not used: fragments of a file may.
const UNUSED: &[&str] = &["E0800", "E0801", "E0802", "E0803"];

/// What is said about an example, by its place.
fn said(example: &Example, code: &str) -> (Diagnostics, Vec<Diagnostic>) {
    let text = example.whole();
    let mut diagnostics = Diagnostics::new();
    let graphs = if example.kind == Kind::Json {
        match graph_from_json(&text) {
            Ok(graph) => vec![graph],
            Err(found) => {
                diagnostics = found;
                Vec::new()
            }
        }
    } else {
        parse(&text, &mut diagnostics)
    };
    let mut is_plan = !graphs.is_empty();
    for graph in &graphs {
        is_plan &= check(graph, &Catalog::default(), &mut diagnostics).is_some();
    }
    assert!(is_plan || diagnostics.has_errors(), "no plan, and nothing is said:\n{text}");
    let is_whole = matches!(example.kind, Kind::File | Kind::Json);
    let list = diagnostics.clone().into_sorted();
    let is_meant = |diagnostic: &Diagnostic| is_whole || diagnostic.code == code || !UNUSED.contains(&diagnostic.code);
    let list = list.into_iter().filter(is_meant).collect();
    (diagnostics, list)
}

fn codes(list: &[Diagnostic]) -> Vec<&'static str> {
    list.iter().map(|diagnostic| diagnostic.code).collect()
}

fn wrong_and_right(page: &Page) -> (Vec<Example>, Vec<Example>) {
    page.examples().into_iter().partition(|example| !example.is_right)
}

#[test]
fn wrong_examples_earn_their_code_and_right_ones_nothing() {
    let mut mistakes = Vec::new();
    for page in pages().iter().filter(|page| !WITHOUT_EXAMPLE.contains(&page.code)) {
        let (wrong, right) = wrong_and_right(page);
        if wrong.is_empty() || right.is_empty() {
            mistakes.push(format!("{}: needs a wrong and a right example", page.code));
        }
        for example in &wrong {
            let (all, list) = said(example, page.code);
            if list.is_empty() || codes(&list).iter().any(|code| *code != page.code) {
                let rendered = render_all(&example.whole(), "job.rs", &all);
                mistakes.push(format!("{}: the wrong example earns {:?}\n{rendered}", page.code, codes(&list)));
            }
        }
        for example in &right {
            let (all, list) = said(example, page.code);
            if !list.is_empty() {
                let rendered = render_all(&example.whole(), "job.rs", &all);
                mistakes.push(format!("{}: the right example earns {:?}\n{rendered}", page.code, codes(&list)));
            }
        }
    }
    assert!(mistakes.is_empty(), "{}", mistakes.join("\n"));
}

#[test]
fn what_is_said_about_wrong_examples() {
    let mut names = BTreeSet::new();
    for page in pages() {
        let (wrong, _) = wrong_and_right(page);
        for (number, example) in (1..).zip(&wrong) {
            let name = if number == 1 { page.code.to_owned() } else { format!("{}_{number}", page.code) };
            let (all, _) = said(example, page.code);
            assert_stage!("errors", name.as_str(), render_all(&example.whole(), "job.rs", &all));
            names.insert(name);
        }
    }
    for entry in fs::read_dir(sabot_snapshots::path("errors")).expect("the snapshots are there") {
        let path = entry.expect("the folder was there a moment ago").path();
        let name = path.file_stem().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let is_pending = path.extension().is_some_and(|extension| extension != "snap");
        assert!(is_pending || names.contains(&name), "{}: no page has this example", path.display());
    }
}

#[test]
fn pages_have_one_form() {
    const LONGEST_LINE: usize = 140;
    for page in pages() {
        let code = page.code;
        let title = page.title();
        assert!(page.text.starts_with(&format!("# {code}: {title}\n\n")), "{code}: begins with `# {code}: title`");
        assert!(!title.is_empty() && !title.ends_with('.'), "{code}: a title is a clause without a full stop");
        assert!(page.text.contains("\n## Why\n"), "{code}: says why");
        assert!(page.text.ends_with('\n') && !page.text.ends_with("\n\n"), "{code}: ends with one newline");
        let fences = page.text.matches("```").count();
        assert_eq!(fences, 2 * page.examples().len(), "{code}: every fence is an example of a known kind");
        let prose = page.text.split("```").step_by(2);
        for line in prose.flat_map(str::lines) {
            assert!(line.chars().count() <= LONGEST_LINE, "{code}: this line is too long: {line}");
        }
    }
    assert!(pages().is_sorted_by(|a, b| a.code < b.code), "pages stand by their codes, each once");
}

#[test]
fn every_code_has_a_page_and_every_page_a_code() {
    let used = codes_in_sources();
    let known: BTreeSet<&str> = pages().iter().map(|page| page.code).collect();
    let without: Vec<_> = used.iter().filter(|(code, _)| !known.contains(code.as_str())).collect();
    assert!(without.is_empty(), "these codes have no page in compiler/docs/errors: {without:#?}");
    let unused: Vec<_> = known.iter().filter(|code| !used.contains_key(**code)).collect();
    assert!(unused.is_empty(), "these pages are of codes that nothing says: {unused:?}");
    let files: BTreeSet<String> = files(&root().join("docs/errors"), "md")
        .iter()
        .filter_map(|path| Some(path.file_stem()?.to_string_lossy().into_owned()))
        .collect();
    let listed: BTreeSet<String> = known.iter().map(|&code| code.to_owned()).collect();
    assert_eq!(files, listed, "the files in docs/errors are those in the list of src/pages.rs");
}

/// Every `"E0123"` in the sources of the compiler and of its command line, with the file that says it; tests left out.
fn codes_in_sources() -> BTreeMap<String, String> {
    const LENGTH: usize = "\"E0123\"".len();
    let mut codes = BTreeMap::new();
    for path in [root().join("src"), root().join("sabotc/src")].iter().flat_map(|folder| files(folder, "rs")) {
        let text = fs::read_to_string(&path).expect("a source file is text");
        let text = text.split("#[cfg(test)]").next().unwrap_or_default();
        for (at, _) in text.match_indices("\"E0") {
            let word = text.get(at..at + LENGTH).unwrap_or_default();
            let digits = word.strip_prefix("\"E").and_then(|word| word.strip_suffix('"'));
            if digits.is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_digit())) {
                codes.insert(word.trim_matches('"').to_owned(), path.display().to_string());
            }
        }
    }
    codes
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_path_buf()
}

/// The files below a folder whose name ends so; folders of tests left out.
fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("the folder is there") {
        let path = entry.expect("the folder was there a moment ago").path();
        if path.is_dir() && !path.ends_with("tests") {
            found.extend(files(&path, extension));
        } else if path.extension().is_some_and(|found| found == extension) {
            found.push(path);
        }
    }
    found.sort();
    found
}
