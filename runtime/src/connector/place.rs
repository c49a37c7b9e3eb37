//! What a job or a command line names (`quotes/*.parquet`, `-`, `csv:data`) as files and formats.

use super::error::ConnectorError;
use super::schema::similar;
use sabot_abi::manifest::Format;
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// A place with its format, where that is said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// `-` is standard input or output.
    pub(super) path: String,
    /// By a `FORMAT:` prefix or by what the job says.
    pub(super) format: Option<Format>,
}

impl Place {
    /// Reads `[FORMAT:]PATH`. A file that is really named so wins over the prefix.
    pub(super) fn parse(text: &str) -> Self {
        let prefix = text.split_once(':').and_then(|(name, path)| Some((format_by_name(name)?, path)));
        match prefix {
            Some((format, path)) if !Path::new(text).exists() => Self { path: path.to_owned(), format: Some(format) },
            Some(_) | None => Self { path: text.to_owned(), format: None },
        }
    }

    /// Whether it is standard input or output.
    pub(super) fn is_standard(&self) -> bool {
        self.path == "-"
    }
}

fn format_by_name(name: &str) -> Option<Format> {
    Some(match name {
        "arrow" => Format::Arrow,
        "parquet" => Format::Parquet,
        "csv" => Format::Csv,
        "ndjson" => Format::Ndjson,
        _ => return None,
    })
}

/// The format that a file's extension stands for.
pub(super) fn format_by_extension(path: &Path) -> Option<Format> {
    let extension = path.extension()?.to_str()?.to_ascii_lowercase();
    Some(match extension.as_str() {
        "arrow" | "arrows" | "ipc" | "feather" => Format::Arrow,
        "parquet" | "pq" => Format::Parquet,
        "csv" => Format::Csv,
        "ndjson" | "jsonl" | "json" => Format::Ndjson,
        _ => return None,
    })
}

/// The format that the first bytes of a file stand for; text that is not JSON is taken for CSV.
pub(super) fn format_by_content(start: &[u8]) -> Option<Format> {
    if start.starts_with(b"ARROW1") || start.starts_with(&[0xff; 4]) {
        return Some(Format::Arrow);
    }
    if start.starts_with(b"PAR1") {
        return Some(Format::Parquet);
    }
    let text = start.strip_prefix(b"\xef\xbb\xbf").unwrap_or(start).trim_ascii_start();
    match text.first()? {
        b'{' => Some(Format::Ndjson),
        byte if byte.is_ascii_control() => None,
        _ => Some(Format::Csv),
    }
}

/// The files at a path, directory or glob, by name.
pub(super) fn files(path: &str) -> Result<Vec<PathBuf>, ConnectorError> {
    let as_path = Path::new(path);
    match fs::metadata(as_path) {
        Ok(metadata) if metadata.is_dir() => files_in(as_path, path),
        Ok(_) => Ok(vec![as_path.to_owned()]),
        Err(error) if error.kind() == io::ErrorKind::NotFound && path.contains(['*', '?', '[']) => matching(path),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Err(ConnectorError::NotFound { path: path.to_owned(), similar: similar_file(as_path) })
        }
        Err(source) => Err(ConnectorError::Read { path: path.to_owned(), source }),
    }
}

fn files_in(directory: &Path, path: &str) -> Result<Vec<PathBuf>, ConnectorError> {
    let failed = |source| ConnectorError::Read { path: path.to_owned(), source };
    let mut files = Vec::new();
    for entry in fs::read_dir(directory).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let hidden = entry.file_name().to_string_lossy().starts_with(['.', '_']);
        if !hidden && entry.path().is_file() {
            files.push(entry.path());
        }
    }
    files.sort();
    if files.is_empty() { Err(ConnectorError::EmptyDirectory { path: path.to_owned() }) } else { Ok(files) }
}

fn matching(pattern: &str) -> Result<Vec<PathBuf>, ConnectorError> {
    let bad = |detail| ConnectorError::BadPattern { pattern: pattern.to_owned(), detail };
    let mut files = Vec::new();
    // As in a shell: names that begin with a dot are meant only where the pattern has the dot.
    let options = glob::MatchOptions { require_literal_leading_dot: true, ..glob::MatchOptions::default() };
    for found in glob::glob_with(pattern, options).map_err(|error| bad(error.to_string()))? {
        let found = found
            .map_err(|error| ConnectorError::Read { path: error.path().display().to_string(), source: error.into() })?;
        if found.is_file() {
            files.push(found);
        }
    }
    files.sort();
    if pattern.contains("**") {
        leave_out_links_to_the_same(&mut files);
    }
    if files.is_empty() { Err(ConnectorError::NoMatch { pattern: pattern.to_owned() }) } else { Ok(files) }
}

/// `**` goes through links to directories, and one that points upwards shows every file again and again: of the ways to a
/// file the shortest stays.
fn leave_out_links_to_the_same(files: &mut Vec<PathBuf>) {
    let mut shortest: BTreeMap<PathBuf, PathBuf> = BTreeMap::new();
    for file in files.iter() {
        let real = fs::canonicalize(file).unwrap_or_else(|_| file.clone());
        let length = |path: &Path| (path.components().count(), path.to_owned());
        match shortest.entry(real) {
            Entry::Vacant(entry) => drop(entry.insert(file.clone())),
            Entry::Occupied(mut entry) if length(file) < length(entry.get()) => drop(entry.insert(file.clone())),
            Entry::Occupied(_) => {}
        }
    }
    let kept: BTreeSet<PathBuf> = shortest.into_values().collect();
    files.retain(|file| kept.contains(file));
}

/// A name in the same directory that looks like the one asked for.
fn similar_file(path: &Path) -> Option<String> {
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    let wanted = path.file_name()?.to_str()?;
    let mut names: Vec<String> = fs::read_dir(directory.unwrap_or(Path::new(".")))
        .ok()?
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| !name.starts_with('.'))
        .collect();
    names.sort();
    let best = similar(wanted, names.iter().map(String::as_str))?;
    Some(directory.map_or(best.clone(), |directory| directory.join(&best).display().to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_names_the_format() {
        assert_eq!(Place::parse("csv:-"), Place { path: "-".into(), format: Some(Format::Csv) });
        assert_eq!(Place::parse("data/q.csv"), Place { path: "data/q.csv".into(), format: None });
        assert_eq!(Place::parse("s3:x"), Place { path: "s3:x".into(), format: None });
    }

    #[test]
    fn the_first_bytes_tell_the_format() {
        assert_eq!(format_by_content(b"ARROW1\0\0"), Some(Format::Arrow));
        assert_eq!(format_by_content(b"\xff\xff\xff\xff\x10"), Some(Format::Arrow));
        assert_eq!(format_by_content(b"PAR1"), Some(Format::Parquet));
        assert_eq!(format_by_content(b"\xef\xbb\xbf {\"a\":1}"), Some(Format::Ndjson));
        assert_eq!(format_by_content(b"a,b\n"), Some(Format::Csv));
        assert_eq!(format_by_content(b""), None);
        assert_eq!(format_by_content(b"\0\0"), None);
    }

    #[test]
    fn directories_and_globs_are_sorted_and_leave_hidden_files_out() {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path();
        for name in ["b.csv", "a.csv", ".hidden", "_SUCCESS", "c.txt"] {
            fs::write(root.join(name), "x").unwrap();
        }
        let names = |path: &Path| -> Vec<String> {
            let found = files(path.to_str().unwrap()).unwrap();
            found.iter().map(|path| path.file_name().unwrap().to_str().unwrap().to_owned()).collect()
        };
        assert_eq!(names(root), ["a.csv", "b.csv", "c.txt"]);
        assert_eq!(names(&root.join("*.csv")), ["a.csv", "b.csv"]);
        fs::write(root.join(".late.csv"), "x").unwrap();
        fs::create_dir(root.join("below")).unwrap();
        std::os::unix::fs::symlink(root, root.join("below/up")).unwrap();
        assert_eq!(names(&root.join("*.csv")), ["a.csv", "b.csv"], "no hidden ones");
        assert_eq!(names(&root.join("**/*.csv")), ["a.csv", "b.csv"], "each once");
        let error = |path: &Path| files(path.to_str().unwrap()).unwrap_err();
        assert!(matches!(error(&root.join("*.parquet")), ConnectorError::NoMatch { .. }));
        assert!(error(&root.join("bb.csv")).to_string().contains("b.csv`?)"));
        fs::create_dir(root.join("empty")).unwrap();
        assert!(matches!(error(&root.join("empty")), ConnectorError::EmptyDirectory { .. }));
    }
}
