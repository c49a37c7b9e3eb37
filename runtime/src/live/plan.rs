//! Which pipelines run at the same time, and in which order the groups of them do.

use crate::error::RunError;
use sabot_abi::manifest::{Body, End, Manifest, Origin, Step, TableKind};
use std::collections::{BTreeMap, BTreeSet};

/// Pipelines that run at the same time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Group {
    /// By number, in the order of the manifest.
    pub(crate) pipelines: Vec<u32>,
    /// By position in `pipelines`: the live tables that it fills.
    pub(crate) fills: Vec<Vec<u32>>,
    /// By live table: the pipelines that fill it, by number, and which of its inputs each is.
    pub(crate) feeds: BTreeMap<u32, Vec<(u32, u32)>>,
    /// By live table: the pipelines that read it, by position.
    pub(crate) readers: BTreeMap<u32, Vec<usize>>,
}

impl Group {
    /// By pipeline: the tables of these that its rows come to, be it through others.
    pub(crate) fn leads_to<'t, T>(&self, tables: &[(u32, &'t T)]) -> Vec<Vec<&'t T>> {
        let reached = |from: usize| {
            let (mut seen, mut todo) = (BTreeSet::from([from]), vec![from]);
            let mut filled = BTreeSet::new();
            while let Some(next) = todo.pop() {
                for table in &self.fills[next] {
                    filled.insert(*table);
                    let readers = self.readers.get(table).into_iter().flatten();
                    todo.extend(readers.copied().filter(|reader| seen.insert(*reader)));
                }
            }
            tables.iter().filter(|(number, _)| filled.contains(number)).map(|(_, table)| *table).collect()
        };
        (0..self.pipelines.len()).map(reached).collect()
    }
}

/// What a pipeline has to do with tables.
#[derive(Default)]
struct Uses {
    /// Tables that it fills, and which of their inputs it is.
    fills: BTreeSet<(u32, u32)>,
    /// Tables that it reads or probes.
    reads: BTreeSet<u32>,
    /// Tables that it probes.
    probes: BTreeSet<u32>,
    /// The table of which it reads what had matches, or had none: all that probe it come before.
    matches: Option<u32>,
}

/// Whether a table gives rows before all have come.
fn is_live(kind: &TableKind) -> bool {
    match kind {
        TableKind::Window { .. } | TableKind::Stream { .. } => true,
        TableKind::Aggregate { closes, .. } | TableKind::Sort { closes, .. } => closes.is_some(),
        TableKind::Join { .. } | TableKind::Rows { .. } => false,
    }
}

fn uses(body: &Body, uses_of: &mut Uses) {
    for step in &body.steps {
        match step {
            Step::Probe { table, .. } => {
                uses_of.reads.insert(*table);
                uses_of.probes.insert(*table);
            }
            Step::Compute { .. } | Step::Count { .. } | Step::FlatMap { .. } | Step::Contenders { .. } => {}
        }
    }
    match &body.end {
        End::Build { table, .. }
        | End::Aggregate { table, .. }
        | End::Collect { table, .. }
        | End::Window { table, .. } => {
            uses_of.fills.insert((*table, 0));
        }
        End::Feed { table, input, .. } => {
            uses_of.fills.insert((*table, *input));
        }
        End::Fork(branches) => branches.iter().for_each(|branch| uses(branch, uses_of)),
        End::Sink { .. } | End::Late { .. } | End::Nothing => {}
    }
}

/// The groups of a job, in the order in which they run.
pub(crate) fn groups(manifest: &Manifest) -> Result<Vec<Group>, RunError> {
    let bad = |what: String| Err(RunError::BadManifest(what));
    let mut all = Vec::new();
    for pipeline in &manifest.pipelines {
        let mut of = Uses::default();
        uses(&pipeline.body, &mut of);
        match &pipeline.origin {
            Origin::Scan { .. } => {}
            Origin::Table { table, .. } => {
                of.reads.insert(*table);
            }
            Origin::BuildRows { table, .. } => {
                of.reads.insert(*table);
                of.matches = Some(*table);
            }
        }
        all.push(of);
    }
    let live: BTreeSet<u32> =
        (0..).zip(&manifest.tables).filter(|(_, table)| is_live(&table.kind)).map(|(number, _)| number).collect();
    // The group of a pipeline is known by its first member.
    let mut member_of: Vec<usize> = (0..all.len()).collect();
    for table in &live {
        let fills = |of: &Uses| of.fills.iter().any(|(filled, _)| filled == table);
        let members: Vec<usize> =
            (0..all.len()).filter(|at| fills(&all[*at]) || all[*at].reads.contains(table)).collect();
        let groups: BTreeSet<usize> = members.iter().map(|at| member_of[*at]).collect();
        let Some(first) = groups.first().copied() else { continue };
        member_of.iter_mut().filter(|group| groups.contains(group)).for_each(|group| *group = first);
    }
    let mut groups: BTreeMap<usize, Group> = BTreeMap::new();
    for (number, group) in member_of.iter().enumerate() {
        let group = groups.entry(*group).or_default();
        let at = group.pipelines.len();
        group.pipelines.push(number as u32);
        let filled = all[number].fills.iter().filter(|(table, _)| live.contains(table));
        let mut fills = Vec::new();
        for (table, input) in filled {
            group.feeds.entry(*table).or_default().push((number as u32, *input));
            if fills.last() != Some(table) {
                fills.push(*table);
            }
        }
        group.fills.push(fills);
        for table in all[number].reads.intersection(&live) {
            group.readers.entry(*table).or_default().push(at);
        }
    }
    // A group comes when all that it reads is complete: nothing else has to wait for it longer than in the manifest's order.
    let mut waiting: Vec<Group> = groups.into_values().collect();
    waiting.sort_by_key(|group| group.pipelines.last().copied());
    let mut ordered: Vec<Group> = Vec::new();
    let mut done: BTreeSet<u32> = BTreeSet::new();
    while !waiting.is_empty() {
        let needs = |group: &Group| {
            let tables: BTreeSet<u32> =
                group.pipelines.iter().flat_map(|number| &all[*number as usize].reads).copied().collect();
            let tables = tables.difference(&live).copied().collect::<BTreeSet<u32>>();
            let matches: BTreeSet<u32> =
                group.pipelines.iter().filter_map(|number| all[*number as usize].matches).collect();
            let is_filler = |of: &Uses| {
                of.fills.iter().any(|(table, _)| tables.contains(table)) || !of.probes.is_disjoint(&matches)
            };
            (0..).zip(&all).filter(|(_, of)| is_filler(of)).map(|(number, _)| number).collect::<BTreeSet<u32>>()
        };
        let Some(next) = waiting.iter().position(|group| needs(group).is_subset(&done)) else {
            return bad("its pipelines wait for each other".to_owned());
        };
        let next = waiting.remove(next);
        done.extend(&next.pipelines);
        ordered.push(next);
    }
    Ok(ordered)
}
