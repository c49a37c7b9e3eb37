//! `sabotc new`: a folder with a job that runs, as a file for `sabotc` or as a package for cargo.

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
    let job = if arguments.lib { "src/lib.rs" } else { "job.rs" };
    for file in templates::files(arguments.template) {
        let path = if file.path == "job.rs" { job } else { file.path };
        write(&folder.join(path), &file.contents.replace("NAME", &pipeline))?;
    }
    if arguments.lib {
        let package = folder.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let dependency = dependency(arguments.sabot.as_deref())?;
        for file in templates::PACKAGE {
            let contents = file
                .contents
                .replace("ARGUMENTS", templates::arguments(arguments.template))
                .replace("DEPENDENCY", &dependency)
                .replace("NAME", &pipeline)
                .replace("PACKAGE", &package);
            write(&folder.join(file.path), &contents)?;
        }
    }
    messages.done("Created", &format!("{}/{job}", folder.display()), None);
    let next = if arguments.lib { "cargo run".to_owned() } else { format!("sabotc run {job}") };
    messages.say(&format!("next: cd {} && {next}", folder.display()));
    Ok(())
}

fn write(path: &Path, contents: &str) -> Result<(), Failure> {
    let fail = |error: std::io::Error| Failure::Failed(format!("{}: cannot be written: {error}", path.display()));
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent).map_err(fail)?;
    }
    std::fs::write(path, contents).map_err(fail)
}

/// Where cargo finds the crate `sabot`: in the checkout that was named or that this program was built in, else in the registry.
fn dependency(checkout: Option<&Path>) -> Result<String, Failure> {
    let facade = |checkout: &Path| checkout.join("macros/sabot");
    let has_facade = |checkout: &Path| facade(checkout).join("Cargo.toml").is_file();
    let found = match checkout {
        Some(checkout) if has_facade(checkout) => Some(checkout.to_owned()),
        Some(checkout) => {
            return Err(Failure::Usage(format!(
                "--sabot {}: there is no macros/sabot in it; name the checkout's folder",
                checkout.display()
            )));
        }
        None => std::env::current_exe()
            .ok()
            .and_then(|program| program.ancestors().find(|folder| has_facade(folder)).map(Path::to_owned)),
    };
    let Some(checkout) = found else { return Ok(format!("version = {:?}", env!("CARGO_PKG_VERSION"))) };
    let path = facade(&checkout);
    let path = path.canonicalize().unwrap_or(path);
    Ok(format!("path = {:?}", path.display().to_string()))
}

/// The folder's name as a Rust function's name.
fn pipeline_name(name: &str) -> Result<String, Failure> {
    let last = Path::new(name).file_name().and_then(|last| last.to_str()).unwrap_or_default();
    let pipeline: String = last.chars().map(|c| if c == '-' { '_' } else { c }).collect();
    let is_a_flag = name.starts_with('-');
    let starts_well = pipeline.starts_with(|c: char| c.is_ascii_lowercase() || c == '_');
    let goes_on_well = pipeline.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    if is_a_flag || !starts_well || !goes_on_well || pipeline == "_" || KEYWORDS.contains(&pipeline.as_str()) {
        return Err(Failure::Usage(format!(
            "`{name}` cannot be the name of a job: use lower-case letters, digits, `_` and `-`, as in `quote_enrichment`"
        )));
    }
    Ok(pipeline)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arguments::{Color, Template};

    #[test]
    fn names_become_functions() {
        assert_eq!(pipeline_name("some/where/my-job").unwrap(), "my_job");
        for bad in ["", "-x", "9lives", "Job", "fn", "a b", "..", "_"] {
            assert!(pipeline_name(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_package_depends_on_a_checkout_or_on_the_version() {
        let checkout = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        assert!(dependency(Some(&checkout)).unwrap().ends_with("macros/sabot\""));
        assert!(dependency(Some(Path::new("/"))).is_err());
    }

    /// As far as it needs no network and no long build: the job compiles as the library that it is, and its tests run.
    #[test]
    fn the_library_of_a_package_compiles() {
        let folder = tempfile::tempdir().unwrap();
        for (template, name) in [(Template::File, "one"), (Template::Join, "two"), (Template::Udf, "three")] {
            let path = folder.path().join(name);
            let arguments = NewArguments { name: path.display().to_string(), template, lib: true, sabot: None };
            run(&arguments, &Messages::new(Color::Never, true)).unwrap();
            let mut rustc = sabot_snapshots::rustc::facade().compiler("rustc", &path);
            let made = rustc.args(["-D", "warnings", "--test", "-o", "tests", "src/lib.rs"]).output().unwrap();
            assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
            assert!(std::process::Command::new(path.join("tests")).output().unwrap().status.success());
            let manifest = std::fs::read_to_string(path.join("Cargo.toml")).unwrap();
            assert!(manifest.contains(&format!("name = \"{name}\"")) && manifest.contains("sabot = { "), "{manifest}");
            let program = std::fs::read_to_string(path.join("src/main.rs")).unwrap();
            assert!(program.contains(&format!("{name}::{name}(")), "{program}");
        }
    }
}
