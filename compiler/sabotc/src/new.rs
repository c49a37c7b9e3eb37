//! `sabotc new`: a folder with a job that runs.

use crate::arguments::NewArguments;
use crate::exit::Failure;
use crate::messages::Messages;
use crate::templates;
use std::path::Path;

/// Words that Rust keeps for itself, so that no pipeline can be named by them.
const KEYWORDS: &[&str] = &[
    "as", "async", "await", "break", "const", "continue", "crate", "dyn", "else", "enum", "extern", "false", "fn",
    "for", "gen", "if", "impl", "in", "let", "loop", "match", "mod", "move", "mut", "pub", "ref", "return", "self",
    "static", "struct", "super", "trait", "true", "type", "unsafe", "use", "where", "while", "abstract", "become",
    "box", "do", "final", "macro", "override", "priv", "try", "typeof", "unsized", "virtual", "yield",
];

/// Makes the folder.
///
/// # Errors
/// The name cannot be a pipeline's name, the folder exists, or it cannot be written.
pub(crate) fn run(arguments: &NewArguments, messages: &Messages) -> Result<(), Failure> {
    let pipeline = pipeline_name(&arguments.name)?;
    let folder = Path::new(&arguments.name);
    if folder.exists() {
        return Err(Failure::Failed(format!("{}: exists already; choose another name", folder.display())));
    }
    for file in templates::files(arguments.template) {
        let path = folder.join(file.path);
        let fail = |error: std::io::Error| Failure::Failed(format!("{}: cannot be written: {error}", path.display()));
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent).map_err(fail)?;
        }
        std::fs::write(&path, file.contents.replace("NAME", &pipeline)).map_err(fail)?;
    }
    messages.done("Created", &format!("{}/job.rs", folder.display()), None);
    messages.say(&format!("next: cd {} && sabotc run job.rs", folder.display()));
    Ok(())
}

/// The folder's name as a Rust function's name.
fn pipeline_name(name: &str) -> Result<String, Failure> {
    let last = Path::new(name).file_name().and_then(|last| last.to_str()).unwrap_or_default();
    let pipeline: String = last.chars().map(|c| if c == '-' { '_' } else { c }).collect();
    let starts_well = pipeline.starts_with(|c: char| c.is_ascii_lowercase() || c == '_');
    let goes_on_well = pipeline.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    if !starts_well || !goes_on_well || pipeline == "_" || KEYWORDS.contains(&pipeline.as_str()) {
        return Err(Failure::Usage(format!(
            "`{name}` cannot be the name of a job: use lower-case letters, digits, `_` and `-`, as in `quote_enrichment`"
        )));
    }
    Ok(pipeline)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_functions() {
        assert_eq!(pipeline_name("some/where/my-job").unwrap(), "my_job");
        for bad in ["", "9lives", "Job", "fn", "a b", "..", "_"] {
            assert!(pipeline_name(bad).is_err(), "{bad:?}");
        }
    }
}
