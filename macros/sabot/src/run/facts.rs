//! What the files behind a job's sources say of themselves, in the compiler's words.
//!
//! Here the runtime, which reads files, meets the compiler, which knows none. `sabotc` does the same with this.

use sabot_abi::manifest::BaseType;
use sabot_compiler::{Catalog, SourceFacts};
use sabot_ir::job_graph::{JobGraph, OperatorType, Value};
use sabot_ir::plan::Statistics;
use sabot_ir::ty::{Field, Schema, TimeUnit, Type};
use sabot_runtime::connector::{self, FileFacts};
use std::collections::BTreeMap;

/// The facts of all sources. A file that is not there yet says nothing.
pub(super) fn catalog(graph: &JobGraph) -> Catalog {
    let mut catalog = Catalog::default();
    for node in graph.operators.iter().filter(|node| node.operator_type == OperatorType::Source) {
        if let Some(Value::String(path)) = node.get("path")
            && let Ok(facts) = connector::inspect(path, None)
        {
            catalog.sources.insert(node.name.clone(), source_facts(&facts));
        }
    }
    catalog
}

/// A file's columns and size.
#[must_use]
pub fn source_facts(facts: &FileFacts) -> SourceFacts {
    let fields: Vec<Field> = facts
        .fields
        .iter()
        .map(|field| {
            let base = language_type(field.ty.base);
            Field::new(&field.name, if field.ty.nullable { base.optional() } else { base })
        })
        .collect();
    SourceFacts {
        schema: (!fields.is_empty()).then(|| Schema::new(fields)),
        statistics: Statistics { rows: facts.rows, distinct: BTreeMap::new() },
        is_replaced: false,
    }
}

fn language_type(base: BaseType) -> Type {
    match base {
        BaseType::Bool => Type::Bool,
        BaseType::Int8 => Type::Int8,
        BaseType::Int16 => Type::Int16,
        BaseType::Int32 => Type::Int32,
        BaseType::Int64 => Type::Int64,
        BaseType::UInt8 => Type::UInt8,
        BaseType::UInt16 => Type::UInt16,
        BaseType::UInt32 => Type::UInt32,
        BaseType::UInt64 => Type::UInt64,
        BaseType::Float32 => Type::Float32,
        BaseType::Float64 => Type::Float64,
        BaseType::String => Type::String,
        BaseType::Bytes => Type::Bytes,
        BaseType::Decimal(precision, scale) => Type::Decimal(precision, scale),
        BaseType::Date => Type::Date,
        BaseType::TimestampMs => Type::Timestamp(TimeUnit::Millisecond),
        BaseType::TimestampUs => Type::Timestamp(TimeUnit::Microsecond),
        BaseType::TimestampNs => Type::Timestamp(TimeUnit::Nanosecond),
        BaseType::Duration => Type::Duration,
        BaseType::List(..) => Type::List(Box::new(base.item().map_or(Type::Bytes, language_type))),
    }
}
