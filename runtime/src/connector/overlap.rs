//! Places that a run may not have twice: two sinks on one file or on standard output would each undo what the other did, and
//! a sink that replaces what a source reads would destroy it, at once or for the next run.
//!
//! Files are compared by what they are behind links, so that neither a directory, a glob nor another way to write a name
//! hides one. What cannot be found here is left to whoever opens it, and says so.

use super::error::{ConnectorError, Direction};
use super::{mapped, output_file, place, resolve};
use sabot_abi::manifest::{Location, Sink, Source};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Refuses sinks that write what another one writes, or what a source reads. With each source and sink what replaces its
/// connector.
pub fn check_overlap<'a>(
    sources: impl Iterator<Item = (&'a Source, Option<&'a str>)>,
    sinks: impl Iterator<Item = (&'a Sink, Option<&'a str>)>,
) -> Result<(), ConnectorError> {
    let refuse = |path: String, detail: String| Err(ConnectorError::Unsupported { path, detail });
    let mut files: BTreeMap<PathBuf, &str> = BTreeMap::new();
    let mut standard: Option<&str> = None;
    for (sink, replacement) in sinks {
        if is_standard(sink, replacement) {
            if let Some(other) = standard.replace(&sink.name) {
                let detail = format!("the sinks `{other}` and `{}` both write it: give one of them a file", sink.name);
                return refuse("standard output".to_owned(), detail);
            }
            continue;
        }
        let Some(file) = output_file(sink, replacement) else { continue };
        if let Some(other) = files.insert(real(&file), &sink.name) {
            let detail =
                format!("the sinks `{other}` and `{}` both write it: give one of them another file", sink.name);
            return refuse(file.display().to_string(), detail);
        }
    }
    if files.is_empty() {
        return Ok(());
    }
    for (source, replacement) in sources {
        for file in input_files(source, replacement) {
            if let Some(sink) = files.get(&real(&file)) {
                let detail = format!(
                    "the source `{}` reads it, and the sink `{sink}` would replace it: give the sink another file",
                    source.name
                );
                return refuse(file.display().to_string(), detail);
            }
        }
    }
    Ok(())
}

fn is_standard(sink: &Sink, replacement: Option<&str>) -> bool {
    resolve(&sink.connector, replacement, &sink.name, Direction::Output).is_ok_and(|place| place.is_standard())
}

/// The files that a source reads, as far as they can be found.
fn input_files(source: &Source, replacement: Option<&str>) -> Vec<PathBuf> {
    if replacement.is_none() && !matches!(source.connector.location, Location::Path(_)) {
        return Vec::new();
    }
    let place = resolve(&source.connector, replacement, &source.name, Direction::Input);
    let Some(place) = place.ok().filter(|place| !place.is_standard()) else { return Vec::new() };
    let files = place::files(&place.path).unwrap_or_default();
    files.into_iter().filter(|file| mapped::is_mapped(file)).collect()
}

/// What a name stands for; of a file that is not there yet, the name in the directory's real place.
fn real(file: &Path) -> PathBuf {
    if let Ok(real) = fs::canonicalize(file) {
        return real;
    }
    let parent = file.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    match (fs::canonicalize(parent), file.file_name()) {
        (Ok(parent), Some(name)) => parent.join(name),
        (Ok(_) | Err(_), _) => file.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sabot_abi::manifest::{Connector, Format};

    fn connector(path: &str) -> Connector {
        Connector { location: Location::Path(path.to_owned()), format: Some(Format::Csv), options: BTreeMap::new() }
    }

    /// What is said of a job that reads and writes these places.
    fn said(inputs: &[&str], outputs: &[&str]) -> String {
        let source = |path: &&str| Source { name: "in".into(), connector: connector(path), fields: Vec::new() };
        let sources: Vec<Source> = inputs.iter().map(source).collect();
        let sinks: Vec<Sink> = ["out", "more"]
            .iter()
            .zip(outputs)
            .map(|(name, path)| Sink { name: (*name).into(), connector: connector(path), fields: Vec::new() })
            .collect();
        let checked = check_overlap(sources.iter().map(|source| (source, None)), sinks.iter().map(|sink| (sink, None)));
        checked.map_or_else(|error| error.to_string(), |()| String::new())
    }

    #[test]
    fn a_sink_does_not_replace_what_is_read() {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path();
        fs::create_dir(root.join("data")).unwrap();
        fs::write(root.join("data/a.csv"), "x\n1\n").unwrap();
        std::os::unix::fs::symlink(root.join("data/a.csv"), root.join("link.csv")).unwrap();
        std::os::unix::fs::symlink(root.join("data"), root.join("too")).unwrap();
        let path = |name: &str| root.join(name).display().to_string();
        let names = ["data/a.csv", "data/../data/a.csv", "link.csv", "too/a.csv"].map(path);
        for input in names.iter().chain(&["data", "data/*.csv", "*/a.csv", "too"].map(path)) {
            for output in &names {
                let said = said(&[input], &[output]);
                assert!(said.contains("the source `in` reads it"), "{input} {output}: {said}");
            }
            assert_eq!(said(&[input], &[&path("data/b.csv")]), "", "{input}");
        }
        assert_eq!(said(&["-"], &[&path("data/a.csv")]), "");
        assert_eq!(said(&[&path("missing.csv")], &[&path("missing.csv")]), "", "whoever opens it says so");
    }

    #[test]
    fn two_sinks_do_not_share_a_place() {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path();
        std::os::unix::fs::symlink(root, root.join("again")).unwrap();
        let path = |name: &str| root.join(name).display().to_string();
        assert!(said(&[], &["-", "csv:-"]).contains("`out` and `more` both write it"), "standard output");
        assert_eq!(said(&[], &["-", &path("a.csv")]), "");
        assert!(said(&[], &[&path("a.csv"), &path("again/a.csv")]).contains("both write it"));
        assert_eq!(said(&[], &["/dev/null", "/dev/null"]), "");
    }
}
