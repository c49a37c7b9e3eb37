//! `sabotc graph`: a job's operators and edges as a picture.

use crate::arguments::{GraphArguments, GraphFormat};
use crate::exit::Failure;
use crate::front;
use crate::messages::Messages;
use crate::output;
use sabot_ir::display;
use sabot_ir::job_graph::JobGraph;
use std::path::Path;
use std::process::{Command, Stdio};

/// Prints the picture.
pub(crate) fn run(arguments: &GraphArguments, messages: &Messages) -> Result<(), Failure> {
    let graph = front::load_graph(&arguments.job, messages)?;
    if arguments.open {
        return open(&graph, messages);
    }
    output::print(&match arguments.format {
        GraphFormat::Svg => display::diagram::svg(&graph),
        GraphFormat::Dot => display::diagram::dot(&graph),
        GraphFormat::Mermaid => display::diagram::mermaid(&graph),
        GraphFormat::Json => graph.to_json(),
    })
}

/// Writes the picture where `build` writes too, and hands it to what the desktop opens pictures with.
fn open(graph: &JobGraph, messages: &Messages) -> Result<(), Failure> {
    let folder = Path::new("target/sabot");
    let path = folder.join(&graph.job_name).with_extension("svg");
    let fail = |error| Failure::Failed(format!("{}: cannot be written: {error}", path.display()));
    std::fs::create_dir_all(folder).and_then(|()| std::fs::write(&path, display::diagram::svg(graph))).map_err(fail)?;
    messages.done("Drew", &path.display().to_string(), None);
    let opener = std::env::var_os("BROWSER").unwrap_or_else(|| "xdg-open".into());
    let quiet =
        Command::new(&opener).arg(&path).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
    match quiet {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(Failure::Failed(format!("{}: {status}; open {} by hand", opener.display(), path.display()))),
        Err(error) => Err(Failure::Failed(format!(
            "{}: cannot be started: {error}; open {} by hand, or set BROWSER",
            opener.display(),
            path.display()
        ))),
    }
}
