//! A job graph as a picture: Mermaid, DOT, and an SVG of its own that needs no tool.

use super::job_graph::{type_name, value};
use crate::job_graph::{JobGraph, OperatorType, StreamOperatorNode, Value};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// `graph LR`, as GitHub and many editors show it.
#[must_use]
pub fn mermaid(graph: &JobGraph) -> String {
    let mut text = "flowchart LR\n".to_owned();
    for (index, node) in graph.operators.iter().enumerate() {
        let is_end = matches!(node.operator_type, OperatorType::Source | OperatorType::Sink);
        let (open, close) = if is_end { ("([", "])") } else { ("[", "]") };
        let label = format!("{}<br/>{}", mermaid_text(&node.name), mermaid_text(&subtitle(node)));
        let _ = writeln!(text, "    n{index}{open}\"{label}\"{close}");
    }
    for (from, to, label) in links(graph) {
        let arrow = if label.is_some() { "-.->" } else { "-->" };
        let label = label.map(|label| format!("|{label}|")).unwrap_or_default();
        let _ = writeln!(text, "    n{from} {arrow}{label} n{to}");
    }
    text
}

/// For Graphviz.
#[must_use]
pub fn dot(graph: &JobGraph) -> String {
    let escape = |text: &str| text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', " ");
    let mut text = format!("digraph \"{}\" {{\n", escape(&graph.job_name));
    text.push_str("    rankdir=LR;\n    node [shape=box, style=rounded, fontname=\"sans-serif\"];\n");
    for (index, node) in graph.operators.iter().enumerate() {
        let _ = writeln!(text, "    n{index} [label=\"{}\\n{}\"];", escape(&node.name), escape(&subtitle(node)));
    }
    for (from, to, label) in links(graph) {
        let style = label.map(|label| format!(" [style=dashed, label=\"{label}\"]")).unwrap_or_default();
        let _ = writeln!(text, "    n{from} -> n{to}{style};");
    }
    text.push_str("}\n");
    text
}

/// Mermaid writes entities with `#`.
fn mermaid_text(text: &str) -> String {
    let mut escaped = String::new();
    for character in text.chars() {
        match character {
            '#' => escaped.push_str("#35;"),
            '"' => escaped.push_str("#quot;"),
            '&' => escaped.push_str("#amp;"),
            '<' => escaped.push_str("#lt;"),
            '>' => escaped.push_str("#gt;"),
            '`' => escaped.push_str("#96;"),
            '\n' => escaped.push(' '),
            character => escaped.push(character),
        }
    }
    escaped
}

fn quoted(text: &str) -> String {
    text.replace('&', "&amp;").replace('"', "&quot;").replace('<', "&lt;").replace('>', "&gt;").replace('\n', " ")
}

/// What an operator does, in a line below its name.
fn subtitle(node: &StreamOperatorNode) -> String {
    const LONGEST: usize = 31;
    const TELLING: [&str; 12] = [
        "kafka_topic",
        "topic",
        "path",
        "generator",
        "postgres",
        "kind",
        "columns",
        "n",
        "function",
        "key_by",
        "column",
        "left_key",
    ];
    let plain = |name: &str| match node.get(name)? {
        Value::String(text) => Some(text.clone()),
        Value::List(items) => {
            let items =
                items.iter().map(|item| if let Value::String(text) = item { text.clone() } else { value(item) });
            Some(items.collect::<Vec<_>>().join(", "))
        }
        found @ (Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Map(_) | Value::Closure(_)) => {
            Some(value(found))
        }
    };
    let detail = match (plain("column"), plain("value")) {
        (Some(column), Some(value)) => {
            Some(format!("{column} {} {value}", plain("operator").unwrap_or_else(|| ">".to_owned())))
        }
        _ if node.get("standard").is_some() => {
            Some(if node.operator_type == OperatorType::Source { "stdin" } else { "stdout" }.to_owned())
        }
        _ => TELLING.iter().find_map(|name| plain(name)),
    };
    let Some(detail) = detail else { return type_name(node) };
    let detail = detail.split_whitespace().collect::<Vec<_>>().join(" ");
    let room = LONGEST.saturating_sub(type_name(node).chars().count() + 1);
    let short: String = detail.chars().take(room).collect();
    let dots = if short.len() < detail.len() { "…" } else { "" };
    format!("{} {short}{dots}", type_name(node))
}

/// Edges as positions of operators; those to error and late sinks have a label.
fn links(graph: &JobGraph) -> Vec<(usize, usize, Option<&'static str>)> {
    let position: BTreeMap<&str, usize> =
        graph.operators.iter().enumerate().map(|(index, node)| (node.operator_id.0.as_str(), index)).collect();
    let mut links = Vec::new();
    for edge in &graph.edges {
        if let (Some(from), Some(to)) = (position.get(edge.from.0.as_str()), position.get(edge.to.0.as_str())) {
            links.push((*from, *to, None));
        }
    }
    for (from, node) in graph.operators.iter().enumerate() {
        for label in ["errors", "late", "late_right"] {
            if let Some(Value::String(sink)) = node.get(label)
                && let Some(to) = position.get(sink.as_str())
            {
                links.push((from, *to, Some(label)));
            }
        }
    }
    links
}

const BOX_WIDTH: f64 = 216.0;
const BOX_HEIGHT: f64 = 48.0;
const GAP_X: f64 = 64.0;
const GAP_Y: f64 = 22.0;
const MARGIN: f64 = 24.0;
const HEAD: f64 = 36.0;

/// A drawing in layers, from sources on the left to sinks on the right.
#[must_use]
pub fn svg(graph: &JobGraph) -> String {
    let links = links(graph);
    let layout = Layers::new(graph.operators.len(), &links);
    let rows = layout.layers.iter().map(Vec::len).max().unwrap_or(1).max(1);
    let columns = layout.layers.len().max(1);
    let width = MARGIN * 2.0 + columns as f64 * BOX_WIDTH + (columns - 1) as f64 * GAP_X;
    let height = MARGIN * 2.0 + HEAD + rows as f64 * BOX_HEIGHT + (rows - 1) as f64 * GAP_Y;
    let mut text = String::new();
    let _ = writeln!(
        text,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\" \
         font-family=\"system-ui, sans-serif\">"
    );
    text.push_str(STYLE);
    let _ = writeln!(text, "<rect class=\"page\" width=\"{width}\" height=\"{height}\"/>");
    let title = quoted(&graph.job_name);
    let _ = writeln!(text, "<title>{title}</title>");
    let _ = writeln!(text, "<text class=\"job\" x=\"{MARGIN}\" y=\"{}\">{title}</text>", MARGIN + 14.0);
    let place = |slot: Slot| {
        let (layer, row) = slot;
        let in_layer = layout.layers[layer].len() as f64;
        let free = height - MARGIN * 2.0 - HEAD - in_layer * BOX_HEIGHT - (in_layer - 1.0) * GAP_Y;
        let x = MARGIN + layer as f64 * (BOX_WIDTH + GAP_X);
        (x, MARGIN + HEAD + free / 2.0 + row as f64 * (BOX_HEIGHT + GAP_Y))
    };
    for route in &layout.routes {
        draw_route(&mut text, route, &place);
    }
    for (index, node) in graph.operators.iter().enumerate() {
        let (x, y) = place(layout.slots[index]);
        draw_box(&mut text, node, x, y);
    }
    text.push_str("</svg>\n");
    text
}

const STYLE: &str = "<style>
.page { fill: #ffffff }
.job { font-size: 15px; font-weight: 600; fill: #1f2933 }
.box { fill: #f5f7fa; stroke: #7b8794; stroke-width: 1.2 }
.source { fill: #e3f2ea; stroke: #2f855a }
.sink { fill: #e6effa; stroke: #2b6cb0 }
.state { fill: #fdf3e1; stroke: #b7791f }
.name { font-size: 13px; font-weight: 600; fill: #1f2933 }
.kind { font-size: 11px; fill: #52606d }
.edge { fill: none; stroke: #7b8794; stroke-width: 1.4 }
.aside { stroke-dasharray: 4 3 }
.tip { fill: #7b8794 }
@media (prefers-color-scheme: dark) {
.page { fill: #14181d } .job, .name { fill: #e4e7eb } .kind { fill: #9aa5b1 }
.box { fill: #1f2730 } .source { fill: #16302a } .sink { fill: #172a42 } .state { fill: #35290f }
}
</style>
";

fn draw_box(text: &mut String, node: &StreamOperatorNode, x: f64, y: f64) {
    let class = match node.operator_type {
        OperatorType::Source => "box source",
        OperatorType::Sink => "box sink",
        OperatorType::HashJoin
        | OperatorType::AsofJoin
        | OperatorType::Aggregate
        | OperatorType::Distinct
        | OperatorType::Dedup
        | OperatorType::TopN
        | OperatorType::OrderBy
        | OperatorType::TumblingWindow
        | OperatorType::SlidingWindow
        | OperatorType::SessionWindow
        | OperatorType::CumulateWindow
        | OperatorType::CountWindow => "box state",
        OperatorType::Filter
        | OperatorType::Map
        | OperatorType::FilterMap
        | OperatorType::FlatMap
        | OperatorType::Select
        | OperatorType::Union
        | OperatorType::Limit => "box",
    };
    let full = quoted(&format!("{}: {}", node.name, type_name(node)));
    let name: String = node.name.chars().take(26).collect();
    let dots = if name.len() < node.name.len() { "…" } else { "" };
    let _ = writeln!(text, "<g><title>{full}</title>");
    let _ = writeln!(
        text,
        "<rect class=\"{class}\" x=\"{x}\" y=\"{y}\" width=\"{BOX_WIDTH}\" height=\"{BOX_HEIGHT}\" rx=\"7\"/>"
    );
    let _ = writeln!(text, "<text class=\"name\" x=\"{}\" y=\"{}\">{}{dots}</text>", x + 12.0, y + 20.0, quoted(&name));
    let kind = quoted(&subtitle(node));
    let _ = writeln!(text, "<text class=\"kind\" x=\"{}\" y=\"{}\">{kind}</text></g>", x + 12.0, y + 37.0);
}

/// A curve from box to box, straight through the layers between them.
fn draw_route(text: &mut String, route: &Route, place: &impl Fn(Slot) -> (f64, f64)) {
    let middle = |slot: Slot| {
        let (x, y) = place(slot);
        (x, y + BOX_HEIGHT / 2.0)
    };
    let (Some(first), Some(last)) = (route.slots.first(), route.slots.last()) else { return };
    let (x, y) = middle(*first);
    let mut path = format!("M {} {y}", x + BOX_WIDTH);
    let mut from = (x + BOX_WIDTH, y);
    for slot in &route.slots[1..] {
        let (x, y) = middle(*slot);
        let end = if slot == last { x - 6.0 } else { x };
        let bend = (end - from.0) / 2.0;
        let _ = write!(path, " C {} {} {} {y} {end} {y}", from.0 + bend, from.1, end - bend);
        from = (end, y);
        if slot != last {
            let _ = write!(path, " L {} {y}", x + BOX_WIDTH);
            from = (x + BOX_WIDTH, y);
        }
    }
    let class = if route.label.is_some() { "edge aside" } else { "edge" };
    let _ = writeln!(text, "<path class=\"{class}\" d=\"{path}\"/>");
    let (x, y) = middle(*last);
    let _ = writeln!(text, "<path class=\"tip\" d=\"M {x} {y} l -8 -4 v 8 z\"/>");
    if let Some(label) = route.label {
        let _ = writeln!(
            text,
            "<text class=\"kind\" x=\"{}\" y=\"{}\" text-anchor=\"end\">{label}</text>",
            x - 10.0,
            y - 6.0
        );
    }
}

/// Layer and row of a box, or of the point where an edge crosses a layer.
type Slot = (usize, usize);

/// An edge and the slots it goes through.
struct Route {
    slots: Vec<Slot>,
    label: Option<&'static str>,
}

/// Sugiyama's method in small: longest paths give layers, edges that cross layers get points in them, and a few sweeps
/// order each layer by the middle of its neighbours.
struct Layers {
    /// Operators, and points of edges, by layer from top to bottom; points are numbered behind the operators.
    layers: Vec<Vec<usize>>,
    /// By operator.
    slots: Vec<Slot>,
    routes: Vec<Route>,
}

impl Layers {
    fn new(count: usize, links: &[(usize, usize, Option<&'static str>)]) -> Self {
        let mut depth = vec![0; count];
        // The graph has no circles, so that as many rounds as there are operators are enough.
        for _ in 0..count {
            let mut changed = false;
            for (from, to, _) in links {
                if depth[*to] <= depth[*from] && from != to {
                    depth[*to] = (depth[*from] + 1).min(count);
                    changed = true;
                }
            }
            if !changed {
                break;
            }
        }
        // A source stands right before its first reader: long edges carry less across.
        for index in 0..count {
            if !links.iter().any(|(_, to, _)| *to == index)
                && let Some(first) = links.iter().filter(|(from, ..)| *from == index).map(|(_, to, _)| depth[*to]).min()
            {
                depth[index] = first.saturating_sub(1);
            }
        }
        let mut layers: Vec<Vec<usize>> = vec![Vec::new(); depth.iter().max().map_or(1, |deepest| deepest + 1)];
        for (index, layer) in depth.iter().enumerate() {
            layers[*layer].push(index);
        }
        let mut points = count;
        let mut chains: Vec<Vec<usize>> = Vec::new();
        for (from, to, _) in links {
            let mut chain = vec![*from];
            for layer in layers.iter_mut().take(depth[*to]).skip(depth[*from] + 1) {
                layer.push(points);
                chain.push(points);
                points += 1;
            }
            chain.push(*to);
            chains.push(chain);
        }
        order(&mut layers, &chains, points);
        let mut slots = vec![(0, 0); points];
        for (layer, members) in layers.iter().enumerate() {
            for (row, member) in members.iter().enumerate() {
                slots[*member] = (layer, row);
            }
        }
        let routes = chains
            .iter()
            .zip(links)
            .map(|(chain, (_, _, label))| Route {
                slots: chain.iter().map(|member| slots[*member]).collect(),
                label: *label,
            })
            .collect();
        slots.truncate(count);
        Self { layers, slots, routes }
    }
}

fn order(layers: &mut [Vec<usize>], chains: &[Vec<usize>], points: usize) {
    const SWEEPS: usize = 8;
    let mut row = vec![0.0; points];
    let settle = |layer: &[usize], row: &mut [f64]| {
        let top = -(layer.len() as f64) / 2.0;
        layer.iter().enumerate().for_each(|(position, member)| row[*member] = top + position as f64);
    };
    layers.iter().for_each(|layer| settle(layer, &mut row));
    for sweep in 0..SWEEPS {
        let forward = sweep % 2 == 0;
        let mut neighbours: Vec<Vec<usize>> = vec![Vec::new(); points];
        for pair in chains.iter().flat_map(|chain| chain.windows(2)) {
            if forward { neighbours[pair[1]].push(pair[0]) } else { neighbours[pair[0]].push(pair[1]) }
        }
        let count = layers.len();
        for step in 0..count {
            let layer = &mut layers[if forward { step } else { count - 1 - step }];
            let middle = |member: usize| {
                let near = &neighbours[member];
                if near.is_empty() {
                    row[member]
                } else {
                    near.iter().map(|near| row[*near]).sum::<f64>() / near.len() as f64
                }
            };
            let mut keyed: Vec<(f64, usize)> = layer.iter().map(|member| (middle(*member), *member)).collect();
            keyed.sort_by(|left, right| left.0.total_cmp(&right.0));
            *layer = keyed.into_iter().map(|(_, member)| member).collect();
            settle(layer, &mut row);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn join() -> JobGraph {
        let mut graph = JobGraph::new("a <b>");
        for (operator_type, name) in
            [(OperatorType::Source, "left"), (OperatorType::Source, "right"), (OperatorType::Union, "both \"x\"")]
        {
            graph.add_operator(StreamOperatorNode::new(operator_type, name)).unwrap();
        }
        let ids: Vec<_> = graph.operators.iter().map(|node| node.operator_id.clone()).collect();
        graph.connect(&ids[0], &ids[2]).unwrap();
        graph.connect(&ids[1], &ids[2]).unwrap();
        graph
    }

    #[test]
    fn names_are_escaped() {
        assert_eq!(
            mermaid(&join()),
            "flowchart LR\n    n0([\"left<br/>SOURCE\"])\n    n1([\"right<br/>SOURCE\"])\n    \
             n2[\"both #quot;x#quot;<br/>UNION\"]\n    n0 --> n2\n    n1 --> n2\n"
        );
        assert!(dot(&join()).contains("n2 [label=\"both \\\"x\\\"\\nUNION\"];"));
        assert!(svg(&join()).contains("<title>a &lt;b&gt;</title>"));
    }

    #[test]
    fn boxes_do_not_overlap() {
        let mut graph = JobGraph::new("wide");
        let mut ids = Vec::new();
        for index in 0..50 {
            let kind = if index < 5 { OperatorType::Source } else { OperatorType::Union };
            ids.push(graph.add_operator(StreamOperatorNode::new(kind, format!("n{index}"))).unwrap());
        }
        for index in 5..50_usize {
            graph.connect(&ids[index / 2], &ids[index]).unwrap();
            graph.connect(&ids[index % 5], &ids[index]).unwrap();
        }
        let links = links(&graph);
        let layout = Layers::new(50, &links);
        let mut slots = layout.slots.clone();
        slots.sort_unstable();
        slots.dedup();
        assert_eq!(slots.len(), 50);
        for route in &layout.routes {
            assert!(route.slots.windows(2).all(|pair| pair[0].0 + 1 == pair[1].0));
        }
        assert!(svg(&graph).ends_with("</svg>\n"));
        assert!(svg(&JobGraph::new("empty")).ends_with("</svg>\n"));
    }
}
