//! `sabotc graph`: a job's operators and edges as a picture.

use crate::arguments::{GraphArguments, GraphFormat};
use crate::exit::Failure;
use crate::front;
use crate::messages::Messages;
use crate::output;
use sabot_ir::display;

/// Prints the picture.
pub(crate) fn run(arguments: &GraphArguments, messages: &Messages) -> Result<(), Failure> {
    let graph = front::load_graph(&arguments.job, messages)?;
    output::print(&match arguments.format {
        GraphFormat::Svg => display::diagram::svg(&graph),
        GraphFormat::Dot => display::diagram::dot(&graph),
        GraphFormat::Mermaid => display::diagram::mermaid(&graph),
        GraphFormat::Json => graph.to_json(),
    })
}
