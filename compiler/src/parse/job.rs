//! The items of a job file.
//!
//! Helper functions and constants that no job uses may hold any Rust (a `fn main`, say): what they do wrong is only told
//! if a job reaches them.

use super::attribute::{is_test, marker};
use super::{Reader, operator};
use crate::diagnostics::syntax;
use sabot_ir::ast::{Const, Function, Name, Record, TypeName, TypeNameKind};
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
pub(super) struct Items<'a> {
    pub(super) records: Vec<Record>,
    functions: BTreeMap<String, Aside<Function>>,
    consts: BTreeMap<String, Aside<Const>>,
    /// Structs without `#[sabot::record]`.
    structs: BTreeMap<String, &'a syn::ItemStruct>,
    /// Where each name of a function, constant or struct was first defined.
    defined: BTreeMap<String, Name>,
}

impl Items<'_> {
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
    let mut items = Items::default();
    let mut pipelines = Vec::new();
    for item in &file.items {
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
    let mut used = BTreeSet::new();
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
        let last = graphs.len() - 1;
        items.give_to(&mut graphs[last], mentioned);
    }
    items.complain(reader, &used, &mut graphs);
    graphs
}

impl<'a> Items<'a> {
    fn add(&mut self, reader: &mut Reader<'_>, item: &'a syn::Item) {
        match item {
            syn::Item::Struct(item) if marker(&item.attrs, "record").is_some() => {
                if let Some(record) = reader.record(item) {
                    self.define(reader, &record.name, "record");
                    self.records.push(record);
                }
            }
            syn::Item::Struct(item) => {
                self.structs.insert(item.ident.to_string(), item);
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
    fn reached(&self, mentioned: BTreeSet<String>) -> BTreeSet<String> {
        let mut waiting: Vec<String> = mentioned.into_iter().collect();
        let mut reached = BTreeSet::new();
        while let Some(name) = waiting.pop() {
            let further = [
                self.functions.get(&name).map(|aside| &aside.mentioned),
                self.consts.get(&name).map(|aside| &aside.mentioned),
            ];
            if reached.insert(name) {
                waiting.extend(further.into_iter().flatten().flatten().cloned());
            }
        }
        reached
    }

    /// Copies into a graph the code that it uses, in the order of the names.
    fn give_to(&self, graph: &mut JobGraph, mentioned: BTreeSet<String>) {
        let reached = self.reached(mentioned);
        graph.records = self.records.clone();
        let functions = self.functions.iter().filter(|(name, aside)| aside.is_wanted || reached.contains(*name));
        graph.functions = functions.filter_map(|(_, aside)| aside.item.clone()).collect();
        graph.functions.sort_by_key(|function| function.span);
        let wanted: BTreeSet<String> = graph.functions.iter().map(|function| function.name.text.clone()).collect();
        let reached = self.reached(reached.into_iter().chain(wanted).collect());
        let consts = self.consts.iter().filter(|(name, _)| reached.contains(*name));
        graph.consts = consts.filter_map(|(_, aside)| aside.item.clone()).collect();
        graph.consts.sort_by_key(|constant| constant.name.span);
    }

    /// Tells what is wrong with helpers that jobs use, and with structs that they take for records.
    fn complain(mut self, reader: &mut Reader<'_>, used: &BTreeSet<String>, graphs: &mut [JobGraph]) {
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
        for (name, item) in &self.structs {
            if reached.contains(name) && !self.records.iter().any(|record| record.name.text == *name) {
                let at = reader.span(item.ident.span());
                reader.diagnostics.push(syntax::struct_is_no_record(at, name));
                if let Some(record) = reader.record(item) {
                    graphs.iter_mut().for_each(|graph| graph.records.push(record.clone()));
                }
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
        syn::Item::Impl(item) => (&item.attrs, "an `impl` block", function),
        syn::Item::Enum(item) => (&item.attrs, "an enum", "use a `String` or integer column and `match` on it"),
        syn::Item::Union(item) => (&item.attrs, "a union", "use a `#[sabot::record] struct` with `Option` fields"),
        syn::Item::Static(item) => (&item.attrs, "a `static`", "write a `const`, or a parameter of the pipeline"),
        syn::Item::Type(item) => (&item.attrs, "a type alias", "write the type itself"),
        syn::Item::Mod(item) => (&item.attrs, "a module", "a job is one file: move its items to the top of this one"),
        syn::Item::Macro(item) => (&item.attrs, "a macro", "write a `#[sabot::udf] fn`"),
        syn::Item::ForeignMod(item) => (&item.attrs, "an `extern` block", "write the function itself, in safe Rust"),
        syn::Item::Verbatim(_) => (&[], "this item", "a job has records, functions, constants and pipelines"),
        _ => return None,
    })
}

impl Reader<'_> {
    /// A constant.
    pub(super) fn constant_item(&mut self, item: &syn::ItemConst) -> Option<Const> {
        Some(Const { name: self.name(&item.ident), ty: self.ty(&item.ty), value: self.expr(&item.expr) })
    }

    /// A UDF or helper.
    pub(super) fn function(&mut self, item: &syn::ItemFn) -> Option<Function> {
        self.signature(&item.sig, "a function of a job");
        let mut fast_math = false;
        if let Some(attribute) = marker(&item.attrs, "udf") {
            let mut settings = Vec::new();
            self.settings_of(attribute, &["math"], &mut settings);
            settings.extend(self.settings(&item.attrs, &["math"]));
            for setting in settings {
                match setting.text().as_deref() {
                    Some("fast") => fast_math = true,
                    Some("exact") => fast_math = false,
                    _ => self
                        .diagnostics
                        .push(syntax::attribute_value(setting.at, "`math = \"fast\"` or `math = \"exact\"`")),
                }
            }
        }
        let mut params: Vec<(Name, TypeName)> = Vec::new();
        for input in &item.sig.inputs {
            let Some((name, ty)) = self.param(input) else { continue };
            if let Some((first, _)) = params.iter().find(|(first, _)| first.text == name.text) {
                self.diagnostics.push(syntax::defined_twice(name.span, first.span, "parameter", &name.text));
            }
            params.push((name, ty));
        }
        let returns = match &item.sig.output {
            syn::ReturnType::Default => {
                TypeName { kind: TypeNameKind::Tuple(Vec::new()), span: self.span_of(&item.sig) }
            }
            syn::ReturnType::Type(_, ty) => self.ty(ty),
        };
        let body = self.block(&item.block);
        let span = self.span_of(item);
        Some(Function { name: self.name(&item.sig.ident), params, returns, body, fast_math, span })
    }

    fn signature(&mut self, signature: &syn::Signature, what: &str) {
        let mut refuse = |at: proc_macro2::Span, form: &str, help: &str| {
            let at = self.span(at);
            self.diagnostics.push(syntax::signature(at, &format!("{what} cannot be {form}"), help));
        };
        if let Some(token) = &signature.asyncness {
            refuse(token.span, "async", "leave `async` away: a job waits for nothing inside a row");
        }
        if let Some(token) = &signature.unsafety {
            refuse(token.span, "unsafe", "write it in safe Rust");
        }
        if let Some(abi) = &signature.abi {
            refuse(abi.extern_token.span, "extern", "leave `extern` away");
        }
        if let Some(token) = signature.generics.lt_token
            && signature.generics.params.iter().any(|param| !matches!(param, syn::GenericParam::Lifetime(_)))
        {
            refuse(token.span, "generic", "write the types, or one function for each type");
        }
        if let Some(variadic) = &signature.variadic {
            refuse(variadic.dots.spans[0], "variadic", "write the parameters");
        }
    }

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
                self.diagnostics.push(syntax::signature(at, "there is no `self` in a job", "write `name: Type`"));
                None
            }
        }
    }
}

/// One job and the names that its code mentions.
fn pipeline(reader: &mut Reader<'_>, items: &Items<'_>, function: &syn::ItemFn) -> (JobGraph, BTreeSet<String>) {
    reader.take_mentioned();
    reader.signature(&function.sig, "a pipeline");
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
