//! What lints cannot check: every file says what it is for, crates depend on each other only as the map of the tree
//! allows, `unsafe` stays behind its fence, and nothing in the tree knows the machine that it was written on.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Which of our crates each of our crates may use: (crate, dependencies, dependencies of its tests beside those).
/// Anyone's tests may use `sabot-snapshots`.
const MAY_DEPEND_ON: &[(&str, &[&str], &[&str])] = &[
    ("sabot-ir", &[], &[]),
    ("sabot-abi", &[], &[]),
    ("sabot-library", &[], &[]),
    // Of the library its literals: dates, patterns, paths are checked when the job is compiled.
    ("sabot-compiler", &["sabot-ir", "sabot-library"], &["sabot-reference"]),
    // Of the ABI only the list of row error codes.
    ("sabot-reference", &["sabot-ir", "sabot-abi", "sabot-library"], &[]),
    ("sabot-codegen", &["sabot-ir", "sabot-abi"], &["sabot-compiler", "sabot-reference", "sabot-runtime"]),
    ("sabot-runtime", &["sabot-abi", "sabot-library"], &[]),
    ("sabotc", ALL, &[]),
    // What compiles and runs jobs only behind the feature `run`.
    (
        "sabot",
        &["sabot-ir", "sabot-compiler", "sabot-library", "sabot-macros", "sabot-codegen", "sabot-runtime", "sabot-abi"],
        &[],
    ),
    ("sabot-macros", &["sabot-ir", "sabot-compiler"], &[]),
    ("sabot-examples", &["sabot"], ALL),
    ("sabot-snapshots", &[], ALL),
    ("sabot-benches", ALL, &[]),
    // Fuzz targets: not in the workspace.
    ("sabot-fuzz", ALL, &[]),
];

const ALL: &[&str] = &[
    "sabot",
    "sabot-abi",
    "sabot-codegen",
    "sabot-compiler",
    "sabot-examples",
    "sabot-ir",
    "sabot-library",
    "sabot-macros",
    "sabot-reference",
    "sabot-runtime",
    "sabotc",
];

/// The crates that may say `unsafe`.
const BEHIND_THE_FENCE: &[&str] = &["runtime/src", "runtime/abi/src"];

#[test]
fn every_source_file_says_what_it_is_for() {
    let silent: Vec<_> =
        sources().into_iter().filter(|(_, text)| !says_what_it_is_for(text)).map(|(at, _)| at).collect();
    assert!(silent.is_empty(), "these files do not begin with a module doc (`//!`): {silent:#?}");
}

/// A file beside a package's manifest belongs to no target unless the manifest names it.
#[test]
fn no_source_file_lies_where_nothing_builds_it() {
    let files: BTreeMap<String, String> = files().into_iter().collect();
    let is_stray = |at: &&String| {
        let Some((folder, name)) = at.rsplit_once('/').filter(|(_, name)| name.ends_with(".rs")) else { return false };
        let manifest = files.get(&format!("{folder}/Cargo.toml"));
        manifest.is_some_and(|manifest| name != "build.rs" && !manifest.contains(name))
    };
    let strays: Vec<&String> = files.keys().filter(is_stray).collect();
    assert!(strays.is_empty(), "no target has these files: {strays:#?}");
}

fn says_what_it_is_for(text: &str) -> bool {
    text.lines()
        .find(|line| !line.trim().is_empty() && !line.starts_with("#!"))
        .is_some_and(|line| line.starts_with("//!"))
}

#[test]
fn crates_depend_on_each_other_as_the_map_allows() {
    let mut wrong = Vec::new();
    // A peer that is measured is a workspace of its own.
    let is_ours = |at: &str| at.ends_with("Cargo.toml") && at != "Cargo.toml" && at != "benches/renoir/Cargo.toml";
    for (at, text) in files().into_iter().filter(|(at, _)| is_ours(at)) {
        let manifest = Manifest::read(&text);
        let Some((_, normal, tests)) = MAY_DEPEND_ON.iter().find(|(name, ..)| *name == manifest.name) else {
            wrong.push(format!("{at}: the crate `{}` is not on the map", manifest.name));
            continue;
        };
        for dependency in &manifest.dependencies {
            if !normal.contains(&dependency.as_str()) {
                wrong.push(format!("{at}: `{}` must not depend on `{dependency}`", manifest.name));
            }
        }
        for dependency in &manifest.dev_dependencies {
            let dependency = dependency.as_str();
            if !normal.contains(&dependency) && !tests.contains(&dependency) && dependency != "sabot-snapshots" {
                wrong.push(format!("{at}: the tests of `{}` must not depend on `{dependency}`", manifest.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Where the runtime may be unsafe: ARCHITECTURE.md says why each is.
const UNSAFE_IN_THE_RUNTIME: &[&str] = &[
    "runtime/src/kernel.rs",
    "runtime/src/ffi.rs",
    "runtime/src/registers",
    "runtime/src/ffi/",
    "runtime/src/interrupt.rs",
    "runtime/src/out_of_memory.rs",
    "runtime/src/primitive/",
    "runtime/src/connector/mapped.rs",
    "runtime/src/connector/arrow/check.rs",
    "runtime/src/connector/output.rs",
    "runtime/src/connector/tests/",
];

#[test]
fn the_runtime_is_unsafe_only_where_it_says_so() {
    let listed = |at: &str| UNSAFE_IN_THE_RUNTIME.iter().any(|place| at.starts_with(place));
    let is_unsafe = |text: &str| ["unsafe {", "unsafe fn", "unsafe impl"].iter().any(|word| text.contains(word));
    let wrong: Vec<_> = sources()
        .into_iter()
        .filter(|(at, text)| at.starts_with("runtime/src/") && !listed(at) && is_unsafe(text))
        .map(|(at, _)| at)
        .collect();
    assert!(wrong.is_empty(), "unsafe code outside the fences: {wrong:#?}");
}

#[test]
fn unsafe_code_stays_in_the_runtime() {
    let behind = |at: &str| BEHIND_THE_FENCE.iter().any(|fence| at.starts_with(fence));
    let mut wrong = Vec::new();
    for (at, text) in sources().into_iter().filter(|(at, _)| !behind(at)) {
        let is_root = at.ends_with("src/lib.rs") || at.ends_with("src/main.rs") || at.contains("/src/bin/");
        if is_root && !text.contains("#![forbid(unsafe_code)]") {
            wrong.push(format!("{at}: the root of a crate forbids `unsafe_code`"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Paths of the machine that a file was written on do not exist on the next one.
#[test]
fn no_file_knows_the_machine_it_was_written_on() {
    // In parts, so that this file does not hold them.
    let paths = [
        concat!("/wo", "rk/"),
        concat!("/ho", "me/"),
        concat!("/ro", "ot/"),
        concat!("/tmp", "/w/"),
        concat!("/tmp", "/t/"),
    ];
    let mut wrong = Vec::new();
    for (at, text) in files() {
        for (line, content) in (1..).zip(text.lines()) {
            if paths.iter().any(|path| has_path(content, path)) {
                wrong.push(format!("{at}:{line}: {}", content.trim()));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Whether a line holds this path from its root (`/net/work/` is another one).
fn has_path(line: &str, path: &str) -> bool {
    let continues = |at: usize| line[..at].ends_with(|c: char| c.is_alphanumeric() || "._-}*)~".contains(c));
    line.match_indices(path).any(|(at, _)| !continues(at))
}

struct Manifest {
    name: String,
    /// Of our own crates.
    dependencies: Vec<String>,
    dev_dependencies: Vec<String>,
}

impl Manifest {
    fn read(text: &str) -> Self {
        let mut sections: BTreeMap<&str, Vec<(&str, &str)>> = BTreeMap::new();
        let mut section = "";
        for line in text.lines().map(str::trim) {
            if let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
                section = name;
            } else if let Some((key, value)) = line.split_once('=') {
                sections.entry(section).or_default().push((key.trim(), value.trim()));
            }
        }
        let of = |section: &str| sections.get(section).map_or(&[][..], Vec::as_slice);
        let ours = |section: &str| {
            let names = of(section).iter().map(|(key, _)| key.split('.').next().unwrap_or(key).to_owned());
            names.filter(|name| name == "sabot" || name == "sabotc" || name.starts_with("sabot-")).collect()
        };
        let name = of("package").iter().find(|(key, _)| *key == "name").map_or("", |(_, value)| value);
        Self {
            name: name.trim_matches('"').to_owned(),
            dependencies: ours("dependencies"),
            dev_dependencies: ours("dev-dependencies"),
        }
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the package lies in the workspace").to_path_buf()
}

/// The Rust sources of the workspace, by their path in it.
fn sources() -> Vec<(String, String)> {
    files().into_iter().filter(|(at, _)| at.ends_with(".rs")).collect()
}

/// The text files of the workspace, by their path in it.
fn files() -> Vec<(String, String)> {
    let root = root();
    let mut files = Vec::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        let entries = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
        for entry in entries.map(|entry| entry.expect("the folder was there a moment ago")) {
            let path = entry.path();
            let name = entry.file_name();
            let name = name.to_string_lossy();
            let kind = entry.file_type().expect("the file was there a moment ago");
            if kind.is_dir() {
                let built = matches!(&*name, "target" | ".git" | ".venv" | "node_modules" | "data" | "corpus");
                if !built {
                    folders.push(path);
                }
                continue;
            }
            let is_text = [".rs", ".md", ".toml", ".py", ".c", ".snap", ".json"].iter().any(|end| name.ends_with(end))
                || !name.contains('.');
            // What cannot be read as text is none.
            if let (true, true, Ok(text)) = (kind.is_file(), is_text, fs::read_to_string(&path)) {
                let at = path.strip_prefix(&root).expect("found below it").to_string_lossy().into_owned();
                files.push((at, text));
            }
        }
    }
    files.sort();
    files
}

#[test]
fn manifests_and_paths_are_read_as_they_are_meant() {
    let manifest = Manifest::read(
        "[package]\nname = \"x\"\n[dependencies]\nsabot-ir.workspace = true\nserde = \"1\"\n[dev-dependencies]\nsabot = {}\n",
    );
    assert_eq!((manifest.name.as_str(), manifest.dependencies.as_slice()), ("x", &["sabot-ir".to_owned()][..]));
    assert_eq!(manifest.dev_dependencies, ["sabot"]);
    let path = concat!("/wo", "rk/");
    assert!(has_path(&format!("cd {path}main"), path));
    assert!(!has_path(&format!("a/net{path}main"), path));
    assert!(says_what_it_is_for("#![allow(x)]\n//! A file.\n"));
    assert!(!says_what_it_is_for("use x;\n//! Late.\n"));
}
