//! The items of a job file.
//!
//! Helper functions and constants that no job uses may hold any Rust (a `fn main`, say): what they do wrong is only told
//! if a job reaches them.

use super::attribute::{is_test, marker};
use super::function::is_aggregate;
use super::{Reader, imports, operator, unused};
use crate::diagnostics::syntax;
use sabot_ir::ast::{Const, Function, Name, Record, TypeName};
use sabot_ir::diagnostic::{Diagnostic, Diagnostics};
use sabot_ir::job_graph::{JobGraph, JobParam};
use std::collections::{BTreeMap, BTreeSet};

/// A function or constant that was read aside: its complaints count only if a job mentions it.
struct Aside<T> {
    item: Option<T>,
    complaints: Vec<Diagnostic>,
    mentioned: BTreeSet<String>,
    /// `#[sabot::udf]` says that it is meant for jobs.
    is_wanted: bool,
}

/// What pipelines may name.
#[derive(Default)]
pub(super) struct Items {
    pub(super) records: Vec<Record>,
    functions: BTreeMap<String, Aside<Function>>,
    consts: BTreeMap<String, Aside<Const>>,
    /// Structs without `#[sabot::record]`, and `enum`s.
    types: BTreeMap<String, Aside<Record>>,
    /// Where each name of a function, constant or struct was first defined.
    defined: BTreeMap<String, Name>,
}

impl Items {
    /// The constant of this name.
    pub(super) fn constant(&self, name: &str) -> Option<&Const> {
        self.consts.get(name).and_then(|aside| aside.item.as_ref())
    }

    /// The function of this name.
    pub(super) fn function(&self, name: &str) -> Option<&Function> {
        self.functions.get(name).and_then(|aside| aside.item.as_ref())
    }
}

/// All jobs of a file.
pub(super) fn job(reader: &mut Reader<'_>, file: &syn::File) -> Vec<JobGraph> {
    reader.imports = imports::of(file);
    reader.aliases = aliases(file);
    let mut items = Items::default();
    let mut pipelines = Vec::new();
    let inner = inner_functions(&file.items);
    reader.inner = inner.iter().map(|item| reader.span_of(*item).start).collect();
    for item in inner.into_iter().chain(&file.items) {
        match item {
            syn::Item::Fn(function) if is_test(&function.attrs) || function.sig.ident == "main" => {}
            syn::Item::Fn(function) if marker(&function.attrs, "pipeline").is_some() => pipelines.push(function),
            other => items.add(reader, other),
        }
    }
    if pipelines.is_empty() && !reader.diagnostics.has_errors() {
        reader.diagnostics.push(syntax::no_pipeline());
    }
    let mut graphs: Vec<JobGraph> = Vec::new();
    let (mut used, mut mentions) = (BTreeSet::new(), Vec::new());
    for function in pipelines {
        let (graph, mentioned) = pipeline(reader, &items, function);
        let name = reader.name(&function.sig.ident);
        if graphs.iter().any(|first| first.job_name == graph.job_name) {
            let first = items.defined.get(&name.text).map_or(name.span, |first| first.span);
            reader.diagnostics.push(syntax::defined_twice(name.span, first, "job", &name.text));
        }
        items.defined.entry(name.text.clone()).or_insert(name);
        used.extend(mentioned.iter().cloned());
        graphs.push(graph);
        mentions.push(mentioned);
    }
    items.give(&mut graphs, mentions);
    unused::complain(reader, file, &items, &used);
    items.complain(reader, &used);
    graphs
}

/// What `type Name = T;` says.
fn aliases(file: &syn::File) -> BTreeMap<String, syn::Type> {
    let items = file.items.iter().filter_map(|item| match item {
        syn::Item::Type(item) if item.generics.params.is_empty() => Some((item.ident.to_string(), (*item.ty).clone())),
        _ => None,
    });
    items.collect()
}

/// The functions that stand in the bodies of others: they see nothing of them, so they may as well stand beside them.
fn inner_functions(items: &[syn::Item]) -> Vec<&syn::Item> {
    let mut found = Vec::new();
    let mut waiting: Vec<&syn::Block> = Vec::new();
    for item in items {
        match item {
            syn::Item::Fn(function) if !is_test(&function.attrs) && marker(&function.attrs, "pipeline").is_none() => {
                waiting.push(&function.block);
            }
            syn::Item::Impl(block) if !is_test(&block.attrs) => {
                waiting.extend(block.items.iter().filter_map(|item| match item {
                    syn::ImplItem::Fn(function) => Some(&function.block),
                    _ => None,
                }));
            }
            _ => {}
        }
    }
    while let Some(block) = waiting.pop() {
        for statement in &block.stmts {
            match statement {
                syn::Stmt::Item(item @ syn::Item::Fn(function)) => {
                    found.push(item);
                    waiting.push(&function.block);
                }
                syn::Stmt::Item(item @ (syn::Item::Struct(_) | syn::Item::Enum(_) | syn::Item::Impl(_))) => {
                    found.push(item);
                }
                _ => {}
            }
        }
    }
    found
}

impl Items {
    fn add(&mut self, reader: &mut Reader<'_>, item: &syn::Item) {
        match item {
            syn::Item::Struct(item) if marker(&item.attrs, "record").is_some() => {
                if let Some(record) = reader.record(item) {
                    self.define(reader, &record.name, "record");
                    self.records.push(record);
                }
            }
            syn::Item::Struct(syn::ItemStruct { attrs, ident, .. })
            | syn::Item::Enum(syn::ItemEnum { attrs, ident, .. })
                if !is_test(attrs) =>
            {
                let aside = read_aside(reader, false, |reader| reader.value_type(item));
                let name = reader.name(ident);
                if self.define(reader, &name, "type") {
                    self.types.insert(name.text, aside);
                }
            }
            syn::Item::Fn(function) => {
                let is_wanted = marker(&function.attrs, "udf").is_some();
                let aside = read_aside(reader, is_wanted, |reader| reader.function(function));
                let name = reader.name(&function.sig.ident);
                if self.define(reader, &name, "function") {
                    self.functions.insert(name.text, aside);
                }
            }
            syn::Item::Const(item) => {
                let aside = read_aside(reader, false, |reader| reader.constant_item(item));
                let name = reader.name(&item.ident);
                if name.text != "_" && self.define(reader, &name, "constant") {
                    self.consts.insert(name.text, aside);
                }
            }
            syn::Item::Static(item) if matches!(item.mutability, syn::StaticMutability::None) => {
                let aside = read_aside(reader, false, |reader| reader.static_item(item));
                let name = reader.name(&item.ident);
                if self.define(reader, &name, "constant") {
                    self.consts.insert(name.text, aside);
                }
            }
            syn::Item::Type(item) if item.generics.params.is_empty() => {}
            syn::Item::Impl(block) if !is_test(&block.attrs) => self.add_impl(reader, block),
            syn::Item::Use(_) | syn::Item::ExternCrate(_) => {}
            other => {
                let Some((attributes, form, instead)) = outside(other) else { return };
                if !is_test(attributes) {
                    let at = reader.span_of(other);
                    reader.diagnostics.push(syntax::unsupported_item(at, form, instead));
                }
            }
        }
    }

    /// The functions and constants of an `impl` block, by `Record.name`.
    fn add_impl(&mut self, reader: &mut Reader<'_>, block: &syn::ItemImpl) {
        let Some(owner) = reader.owner(block) else { return };
        for item in reader.items_of(block) {
            match item {
                syn::ImplItem::Fn(function) => {
                    let of_aggregate = is_aggregate(block);
                    let is_wanted = of_aggregate || marker(&function.attrs, "udf").is_some();
                    let aside =
                        read_aside(reader, is_wanted, |reader| reader.owned_function(&owner, of_aggregate, function));
                    let name = reader.name(&function.sig.ident);
                    let name = Name { text: format!("{}.{}", owner.text, name.text), span: name.span };
                    if self.define(reader, &name, "function") {
                        self.functions.insert(name.text, aside);
                    }
                }
                syn::ImplItem::Const(constant) => {
                    let aside = read_aside(reader, false, |reader| reader.owned_const(&owner, constant));
                    let name = reader.name(&constant.ident);
                    let name = Name { text: format!("{}.{}", owner.text, name.text), span: name.span };
                    if self.define(reader, &name, "constant") {
                        self.consts.insert(name.text, aside);
                    }
                }
                _ => {} // reported
            }
        }
    }

    /// Whether the name is new; if not, that is told.
    fn define(&mut self, reader: &mut Reader<'_>, name: &Name, what: &str) -> bool {
        match self.defined.get(&name.text) {
            Some(first) => {
                reader.diagnostics.push(syntax::defined_twice(name.span, first.span, what, &name.text));
                false
            }
            None => {
                self.defined.insert(name.text.clone(), name.clone());
                true
            }
        }
    }

    /// Everything that is mentioned, directly or by what is mentioned.
    pub(super) fn reached(&self, mentioned: BTreeSet<String>) -> BTreeSet<String> {
        let mut waiting: Vec<String> = mentioned.into_iter().collect();
        let mut reached = BTreeSet::new();
        while let Some(name) = waiting.pop() {
            if name.starts_with('.') {
                // A method or `Record::name`: of which record, only the checker knows.
                let owned = self.functions.keys().chain(self.consts.keys()).filter(|owned| owned.ends_with(&name));
                waiting.extend(owned.cloned());
            }
            let further = [
                self.functions.get(&name).map(|aside| &aside.mentioned),
                self.consts.get(&name).map(|aside| &aside.mentioned),
                self.types.get(&name).map(|aside| &aside.mentioned),
            ];
            if reached.insert(name) {
                waiting.extend(further.into_iter().flatten().flatten().cloned());
            }
        }
        reached
    }

    /// Copies into each graph the code that it uses. What is meant for jobs but used by none goes into the first one, so that
    /// it is checked, and only once.
    fn give(&self, graphs: &mut [JobGraph], mentions: Vec<BTreeSet<String>>) {
        let mut reached: Vec<BTreeSet<String>> = mentions.into_iter().map(|names| self.reached(names)).collect();
        let is_reached = |name: &str| reached.iter().any(|names| names.contains(name));
        let wanted = self.functions.iter().filter(|(name, aside)| aside.is_wanted && !is_reached(name));
        let unused = self.reached(wanted.map(|(name, _)| name.clone()).collect());
        if let Some(first) = reached.first_mut() {
            first.extend(unused);
        }
        for (graph, reached) in graphs.iter_mut().zip(&reached) {
            self.give_to(graph, reached);
        }
    }

    /// Copies into a graph this code, in the order of its places.
    fn give_to(&self, graph: &mut JobGraph, reached: &BTreeSet<String>) {
        graph.records = self.records.clone();
        let types = self.types.iter().filter(|(name, _)| reached.contains(*name));
        let mut types: Vec<Record> = types.filter_map(|(_, aside)| aside.item.clone()).collect();
        types.sort_by_key(|item| item.name.span);
        graph.records.extend(types);
        let functions = self.functions.iter().filter(|(name, _)| reached.contains(*name));
        graph.functions = functions.filter_map(|(_, aside)| aside.item.clone()).collect();
        graph.functions.sort_by_key(|function| function.span);
        let consts = self.consts.iter().filter(|(name, _)| reached.contains(*name));
        graph.consts = consts.filter_map(|(_, aside)| aside.item.clone()).collect();
        graph.consts.sort_by_key(|constant| constant.name.span);
    }

    /// Tells what is wrong with the helpers and types that jobs use.
    fn complain(mut self, reader: &mut Reader<'_>, used: &BTreeSet<String>) {
        let wanted = self.functions.iter().filter(|(_, aside)| aside.is_wanted).map(|(name, _)| name.clone());
        let reached = self.reached(used.iter().cloned().chain(wanted).collect());
        for (name, aside) in std::mem::take(&mut self.functions) {
            if reached.contains(&name) {
                aside.complaints.into_iter().for_each(|complaint| reader.diagnostics.push(complaint));
            }
        }
        for (name, aside) in std::mem::take(&mut self.consts) {
            if reached.contains(&name) {
                aside.complaints.into_iter().for_each(|complaint| reader.diagnostics.push(complaint));
            }
        }
        for (name, aside) in std::mem::take(&mut self.types) {
            if reached.contains(&name) {
                aside.complaints.into_iter().for_each(|complaint| reader.diagnostics.push(complaint));
            }
        }
    }
}

/// Reads an item with complaints and mentions of its own.
fn read_aside<T>(
    reader: &mut Reader<'_>,
    is_wanted: bool,
    read: impl FnOnce(&mut Reader<'_>) -> Option<T>,
) -> Aside<T> {
    let mut complaints = Diagnostics::new();
    let mut own = Reader::new(reader.spans.clone(), &mut complaints);
    own.imports = reader.imports.clone();
    own.inner = reader.inner.clone();
    own.aliases = reader.aliases.clone();
    let item = read(&mut own);
    let mentioned = own.take_mentioned();
    Aside { item, complaints: complaints.as_slice().to_vec(), mentioned, is_wanted }
}

/// An item that is none of a job's, with its attributes, its form and what to write instead.
fn outside(item: &syn::Item) -> Option<(&[syn::Attribute], &'static str, &'static str)> {
    let function = "write a `#[sabot::udf] fn` that takes the values it needs";
    Some(match item {
        syn::Item::Trait(item) => (&item.attrs, "a trait", function),
        syn::Item::TraitAlias(item) => (&item.attrs, "a trait", function),
        syn::Item::Union(item) => (&item.attrs, "a union", "use a `#[sabot::record] struct` with `Option` fields"),
        syn::Item::Static(item) => (&item.attrs, "a `static mut`", "write a `const`, or a parameter of the pipeline"),
        syn::Item::Type(item) => (&item.attrs, "a type alias with parameters", "write the type itself"),
        syn::Item::Mod(item) => (&item.attrs, "a module", "a job is one file: move its items to the top of this one"),
        syn::Item::Macro(item) => (&item.attrs, "a macro", "write a `#[sabot::udf] fn`"),
        syn::Item::ForeignMod(item) => (&item.attrs, "an `extern` block", "write the function itself, in safe Rust"),
        syn::Item::Verbatim(_) => (&[], "this item", "a job has records, functions, constants and pipelines"),
        _ => return None,
    })
}

impl Reader<'_> {
    /// A parameter of a pipeline.
    fn param(&mut self, input: &syn::FnArg) -> Option<(Name, TypeName)> {
        let at = self.span_of(input);
        match input {
            syn::FnArg::Typed(typed) => match &*typed.pat {
                syn::Pat::Ident(bind) if bind.by_ref.is_none() && bind.subpat.is_none() => {
                    Some((self.name(&bind.ident), self.ty(&typed.ty)))
                }
                _ => {
                    self.diagnostics.push(syntax::signature(
                        at,
                        "a parameter must have a name",
                        "write `name: Type` and take the value apart in the body",
                    ));
                    None
                }
            },
            syn::FnArg::Receiver(_) => {
                self.diagnostics.push(syntax::signature(at, "a pipeline has no `self`", "write `name: Type`"));
                None
            }
        }
    }
}

/// One job and the names that its code mentions.
fn pipeline(reader: &mut Reader<'_>, items: &Items, function: &syn::ItemFn) -> (JobGraph, BTreeSet<String>) {
    reader.take_mentioned();
    reader.signature(&function.sig, "a pipeline");
    if let Some(token) = function.sig.generics.lt_token {
        let at = reader.span(token.span);
        let help = "write the types; helper functions may be generic";
        reader.diagnostics.push(syntax::signature(at, "a pipeline cannot be generic", help));
    }
    if let syn::ReturnType::Type(_, ty) = &function.sig.output {
        let at = reader.span_of(ty);
        reader.diagnostics.push(syntax::signature(
            at,
            "a pipeline returns nothing",
            "end its streams with `.sink(..)`",
        ));
    }
    let name = reader.name(&function.sig.ident);
    let mut params: Vec<JobParam> = Vec::new();
    for input in &function.sig.inputs {
        let Some((name, ty)) = reader.param(input) else { continue };
        let attributes: &[syn::Attribute] = match input {
            syn::FnArg::Typed(typed) => &typed.attrs,
            syn::FnArg::Receiver(_) => &[],
        };
        let default = reader.settings(attributes, &["default"]).pop().map(|setting| reader.expr(&setting.value));
        if let Some(first) = params.iter().find(|first| first.name.text == name.text) {
            reader.diagnostics.push(syntax::defined_twice(name.span, first.name.span, "parameter", &name.text));
            continue;
        }
        params.push(JobParam { name, ty, default });
    }
    let mut graph = operator::body(reader, items, &name, &function.block);
    graph.params = params;
    (graph, reader.take_mentioned())
}
