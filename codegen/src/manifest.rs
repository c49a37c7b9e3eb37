//! The job described to the runtime: what is not a kernel is carried over as it is.

mod stream;

use crate::CompileOptions;
use sabot_abi::manifest as abi;
use sabot_abi::state::descriptor;
use sabot_ir::expr::{BinaryOp, Expr, ExprKind, Literal};
use sabot_ir::pipeline::{AggregateInput, AggregateSpec, End, Origin, Pipelines, Reg, Step, Table, TableKind};
use sabot_ir::plan::{AggregateFunction, Connector, ErrorPolicy, Format, JoinKind, Location, UserPart};
use sabot_ir::span::line_column;
use sabot_ir::ty::{Schema, TimeUnit, Type};

/// A type without its `Option`.
pub(crate) fn base_type(ty: &Type) -> abi::BaseType {
    match ty {
        // Never a column; the narrowest stands for it.
        Type::Unit | Type::Bool => abi::BaseType::Bool,
        Type::Int8 => abi::BaseType::Int8,
        Type::Int16 => abi::BaseType::Int16,
        Type::Int32 => abi::BaseType::Int32,
        Type::Int64 => abi::BaseType::Int64,
        Type::UInt8 => abi::BaseType::UInt8,
        Type::UInt16 => abi::BaseType::UInt16,
        Type::UInt32 | Type::Char => abi::BaseType::UInt32,
        Type::UInt64 => abi::BaseType::UInt64,
        Type::Float32 => abi::BaseType::Float32,
        Type::Float64 => abi::BaseType::Float64,
        Type::String => abi::BaseType::String,
        Type::Bytes => abi::BaseType::Bytes,
        Type::Decimal(precision, scale) => abi::BaseType::Decimal(*precision, *scale),
        Type::Date => abi::BaseType::Date,
        Type::Timestamp(TimeUnit::Millisecond) => abi::BaseType::TimestampMs,
        Type::Timestamp(TimeUnit::Microsecond) => abi::BaseType::TimestampUs,
        Type::Timestamp(TimeUnit::Nanosecond) => abi::BaseType::TimestampNs,
        Type::Duration => abi::BaseType::Duration,
        Type::Option(inner) => base_type(inner),
        Type::List(item) => base_type(item).list().expect("code is not nested that deeply"),
    }
}

/// A type.
pub(crate) fn column_type(ty: &Type) -> abi::ColumnType {
    abi::ColumnType { base: base_type(ty), nullable: ty.is_option() }
}

fn column_types(types: &[Type]) -> Vec<abi::ColumnType> {
    types.iter().map(column_type).collect()
}

fn fields(schema: &Schema) -> Vec<abi::Field> {
    let field = |field: &sabot_ir::ty::Field| abi::Field {
        within: field
            .within
            .iter()
            .map(|part| abi::Struct { name: part.wire_name.clone(), nullable: part.optional })
            .collect(),
        is_presence: field.is_presence,
        ..abi::Field::new(field.wire_name.clone(), column_type(&field.ty))
    };
    schema.fields.iter().map(field).collect()
}

fn constant(literal: &Literal) -> Option<abi::Constant> {
    Some(match literal {
        Literal::Bool(value) => abi::Constant::Bool(*value),
        Literal::Int(value) => match i64::try_from(*value) {
            Ok(value) => abi::Constant::Int(value),
            Err(_) => abi::Constant::UInt(u64::try_from(*value).ok()?),
        },
        Literal::Float(value) => abi::Constant::Float(value.to_bits()),
        Literal::String(value) => abi::Constant::String(value.clone()),
        Literal::Bytes(_) | Literal::Unit => return None,
    })
}

fn connector(connector: &Connector) -> abi::Connector {
    abi::Connector {
        location: match &connector.location {
            Location::Path(path) => abi::Location::Path(path.clone()),
            Location::Kafka(topic) => abi::Location::Kafka(topic.clone()),
            Location::Standard => abi::Location::Standard,
            Location::Generator(name) => abi::Location::Generator(name.clone()),
            Location::Postgres(url) => abi::Location::Postgres(url.clone()),
        },
        format: connector.format.map(|format| match format {
            Format::Arrow => abi::Format::Arrow,
            Format::Parquet => abi::Format::Parquet,
            Format::Csv => abi::Format::Csv,
            Format::Ndjson => abi::Format::Ndjson,
        }),
        options: connector.options.clone(),
    }
}

/// The whole job around its loops.
pub(crate) fn job(
    pipelines: &Pipelines,
    options: &CompileOptions,
    target: &str,
    loops: Vec<abi::Pipeline>,
    aggregates: Vec<abi::UserAggregate>,
    kernels: Vec<String>,
) -> abi::Manifest {
    abi::Manifest {
        abi_version: sabot_abi::ABI_VERSION,
        job: pipelines.job.clone(),
        source_file: options.source_file.clone(),
        source_text: options.source_text.clone(),
        target: target.to_owned(),
        params: pipelines
            .params
            .iter()
            .map(|param| abi::Param {
                name: param.name.clone(),
                ty: base_type(&param.ty),
                default: param.default.as_ref().and_then(constant),
            })
            .collect(),
        sources: pipelines
            .sources
            .iter()
            .map(|source| abi::Source {
                name: source.name.clone(),
                connector: connector(&source.connector),
                fields: fields(&source.schema),
            })
            .collect(),
        sinks: pipelines
            .sinks
            .iter()
            .map(|sink| abi::Sink {
                name: sink.name.clone(),
                connector: connector(&sink.connector),
                fields: fields(&sink.schema),
            })
            .collect(),
        operators: pipelines
            .operators
            .iter()
            .map(|operator| abi::Operator {
                name: operator.name.clone(),
                kind: operator.kind.to_owned(),
                line: if operator.span.is_none() || options.source_text.is_empty() {
                    0
                } else {
                    line_column(&options.source_text, operator.span.start).0
                },
                on_error: match operator.on_error {
                    ErrorPolicy::Fail => abi::ErrorPolicy::Fail,
                    ErrorPolicy::Skip => abi::ErrorPolicy::Skip,
                    ErrorPolicy::Sink(sink) => abi::ErrorPolicy::Sink(sink.0),
                },
            })
            .collect(),
        tables: pipelines.tables.iter().map(table).collect(),
        states: (0..)
            .zip(&pipelines.tables)
            .filter_map(|(at, of)| Some((at, descriptor(&table(of), of.id.clone())?)))
            .collect(),
        pipelines: loops,
        aggregates,
        kernels,
    }
}

fn table(table: &Table) -> abi::Table {
    let kind = match &table.kind {
        TableKind::Join { keys, payload, track_matches } => abi::TableKind::Join {
            keys: column_types(keys),
            payload: column_types(payload),
            track_matches: *track_matches,
        },
        TableKind::Aggregate { keys, calls, closes } => abi::TableKind::Aggregate {
            keys: column_types(keys),
            calls: calls.iter().map(aggregate_spec).collect(),
            closes: *closes,
        },
        TableKind::Window { keys, calls, kind, processing_time, allowed_lateness_us, emit_every_us } => {
            abi::TableKind::Window {
                keys: column_types(keys),
                calls: calls.iter().map(aggregate_spec).collect(),
                kind: stream::window_kind(*kind),
                processing_time: *processing_time,
                allowed_lateness_us: *allowed_lateness_us,
                emit_every_us: *emit_every_us,
            }
        }
        TableKind::Stream { keys, inputs, operator, emit_every_us } => {
            stream::stream((keys, inputs), operator, *emit_every_us)
        }
        TableKind::Sort { columns, by, limit, partition_by, closes } => abi::TableKind::Sort {
            columns: column_types(columns),
            by: by.clone(),
            limit: *limit,
            partition_by: partition_by.clone(),
            closes: *closes,
        },
        TableKind::Rows { columns, limit } => abi::TableKind::Rows { columns: column_types(columns), limit: *limit },
    };
    abi::Table { name: table.name.clone(), kind }
}

fn aggregate_spec(call: &AggregateSpec) -> abi::AggregateSpec {
    abi::AggregateSpec {
        function: aggregate_function(call.function),
        args: column_types(&call.args),
        ty: column_type(&call.ty),
    }
}

fn aggregate_function(function: AggregateFunction) -> abi::AggregateFunction {
    match function {
        AggregateFunction::Count => abi::AggregateFunction::Count,
        AggregateFunction::Sum => abi::AggregateFunction::Sum,
        AggregateFunction::Min => abi::AggregateFunction::Min,
        AggregateFunction::Max => abi::AggregateFunction::Max,
        AggregateFunction::Avg => abi::AggregateFunction::Avg,
        AggregateFunction::First => abi::AggregateFunction::First,
        AggregateFunction::Last => abi::AggregateFunction::Last,
        AggregateFunction::ArgMin => abi::AggregateFunction::ArgMin,
        AggregateFunction::ArgMax => abi::AggregateFunction::ArgMax,
        AggregateFunction::CountDistinct => abi::AggregateFunction::CountDistinct,
        AggregateFunction::ApproxCountDistinct => abi::AggregateFunction::ApproxCountDistinct,
        AggregateFunction::Variance => abi::AggregateFunction::Variance,
        AggregateFunction::Stddev => abi::AggregateFunction::Stddev,
        AggregateFunction::Median => abi::AggregateFunction::Median,
        AggregateFunction::Percentile(share) => abi::AggregateFunction::Percentile(share.get().to_bits()),
        AggregateFunction::ApproxPercentile(share) => abi::AggregateFunction::ApproxPercentile(share.get().to_bits()),
        AggregateFunction::Collect => abi::AggregateFunction::Collect,
        AggregateFunction::User(UserPart { aggregate, part, kept_by }) => {
            abi::AggregateFunction::User { aggregate, part, kept_by }
        }
    }
}

fn regs(registers: &[Reg]) -> Vec<abi::Reg> {
    registers.iter().map(|register| register.0).collect()
}

fn positions(columns: &[(u32, Reg)]) -> Vec<(u32, abi::Reg)> {
    columns.iter().map(|(position, register)| (*position, register.0)).collect()
}

/// Where the rows of a pipeline come from.
pub(crate) fn origin(origin: &Origin) -> abi::Origin {
    match origin {
        Origin::Scan { source, columns, prune, event_time, operator } => {
            let mut terms = Vec::new();
            if let Some(prune) = prune {
                prune_terms(prune, &mut terms);
            }
            abi::Origin::Scan {
                source: source.0,
                columns: positions(columns),
                prune: terms,
                event_time: event_time.map(stream::scan_time),
                operator: operator.0,
            }
        }
        Origin::Table { table, columns, operator } => {
            abi::Origin::Table { table: table.0, columns: positions(columns), operator: operator.0 }
        }
        Origin::BuildRows { table, matched, columns, operator } => abi::Origin::BuildRows {
            table: table.0,
            matched: *matched,
            columns: positions(columns),
            operator: operator.0,
        },
    }
}

/// The conditions among `a && b && …` that readers understand; leaving one out is safe.
fn prune_terms(expr: &Expr, terms: &mut Vec<abi::PruneTerm>) {
    match &expr.kind {
        ExprKind::Binary(BinaryOp::And, a, b) => {
            prune_terms(a, terms);
            prune_terms(b, terms);
        }
        ExprKind::Binary(op, a, b) => terms.extend(comparison(*op, a, b)),
        ExprKind::IsSome(x) => {
            terms.extend(x.as_column().map(|column| abi::PruneTerm { column, op: abi::PruneOp::IsSome, value: None }))
        }
        ExprKind::Column(column) => terms.push(abi::PruneTerm {
            column: *column,
            op: abi::PruneOp::Eq,
            value: Some(abi::PruneValue::Constant(abi::Constant::Bool(true))),
        }),
        ExprKind::Literal(_)
        | ExprKind::Param(_)
        | ExprKind::Local(_)
        | ExprKind::Let { .. }
        | ExprKind::Unary(..)
        | ExprKind::Cast(_)
        | ExprKind::If { .. }
        | ExprKind::Some(_)
        | ExprKind::None
        | ExprKind::IfSome { .. }
        | ExprKind::Variable(_)
        | ExprKind::Compute(..)
        | ExprKind::Fail(_)
        | ExprKind::Call(..) => {}
    }
}

fn comparison(op: BinaryOp, a: &Expr, b: &Expr) -> Option<abi::PruneTerm> {
    if a.ty.is_option() || b.ty.is_option() {
        return None;
    }
    let (column, other, turned) = match (a.as_column(), b.as_column()) {
        (Some(column), None) => (column, b, false),
        (None, Some(column)) => (column, a, true),
        (Some(_), Some(_)) | (None, None) => return None,
    };
    let value = if let ExprKind::Param(param) = other.kind {
        abi::PruneValue::Param(param.0)
    } else {
        abi::PruneValue::Constant(constant(other.as_literal()?)?)
    };
    let op = match (op, turned) {
        (BinaryOp::Eq, _) => abi::PruneOp::Eq,
        (BinaryOp::Lt, false) | (BinaryOp::Gt, true) => abi::PruneOp::Lt,
        (BinaryOp::Le, false) | (BinaryOp::Ge, true) => abi::PruneOp::Le,
        (BinaryOp::Gt, false) | (BinaryOp::Lt, true) => abi::PruneOp::Gt,
        (BinaryOp::Ge, false) | (BinaryOp::Le, true) => abi::PruneOp::Ge,
        (
            BinaryOp::Ne
            | BinaryOp::Add
            | BinaryOp::Sub
            | BinaryOp::Mul
            | BinaryOp::Div
            | BinaryOp::Rem
            | BinaryOp::BitAnd
            | BinaryOp::BitOr
            | BinaryOp::BitXor
            | BinaryOp::Shl
            | BinaryOp::Shr
            | BinaryOp::And
            | BinaryOp::Or,
            _,
        ) => return None,
    };
    Some(abi::PruneTerm { column, op, value: Some(value) })
}

/// A step that calls no kernel.
pub(crate) fn probe(step: &Step) -> abi::Step {
    match step {
        Step::Probe { table, kind, keys, carry, payload, matched, mark_only, operator } => abi::Step::Probe {
            table: table.0,
            kind: match kind {
                JoinKind::Inner => abi::ProbeKind::Inner,
                // The rows of the build side that match nothing come from a pipeline of their own.
                JoinKind::Left | JoinKind::Full => abi::ProbeKind::Left,
                JoinKind::Right => abi::ProbeKind::Inner,
                JoinKind::Semi => abi::ProbeKind::Semi,
                JoinKind::Anti => abi::ProbeKind::Anti,
            },
            keys: regs(keys),
            carry: regs(carry),
            payload: positions(payload),
            matched: matched.map(|register| register.0),
            mark_only: *mark_only,
            operator: operator.0,
        },
        Step::Contenders { keys, value, is_least, operator } => {
            abi::Step::Contenders { keys: regs(keys), value: value.0, is_least: *is_least, operator: operator.0 }
        }
        Step::FlatMap { lists, items, carry, operator } => {
            abi::Step::FlatMap { lists: regs(lists), items: regs(items), carry: regs(carry), operator: operator.0 }
        }
        Step::Compute { counts, .. } => {
            abi::Step::Count { operators: counts.iter().map(|operator| operator.0).collect() }
        }
    }
}

fn aggregate_inputs(inputs: &[AggregateInput]) -> Vec<abi::AggregateInput> {
    let input = |input: &AggregateInput| abi::AggregateInput {
        args: regs(&input.args),
        filter: input.filter.map(|register| register.0),
    };
    inputs.iter().map(input).collect()
}

/// Where a list of steps ends; branches of a fork and fused kernels are filled in by the caller.
pub(crate) fn end(end: &End) -> abi::End {
    match end {
        End::Sink { sink, columns, operator } => {
            abi::End::Sink { sink: sink.0, columns: regs(columns), operator: operator.0 }
        }
        End::Build { table, keys, payload, operator } => {
            abi::End::Build { table: table.0, keys: regs(keys), payload: regs(payload), operator: operator.0 }
        }
        End::Aggregate { table, keys, inputs, operator } => abi::End::Aggregate {
            table: table.0,
            keys: regs(keys),
            inputs: aggregate_inputs(inputs),
            fused: None,
            operator: operator.0,
        },
        End::Late { late, operator } => {
            abi::End::Late { late: late.as_ref().map(stream::late_rows), operator: operator.0 }
        }
        End::Window { table, time, watermark, keys, inputs, late, operator } => abi::End::Window {
            table: table.0,
            time: time.map(|register| register.0),
            watermark: watermark.map(|register| register.0),
            keys: regs(keys),
            inputs: aggregate_inputs(inputs),
            late: late.as_ref().map(stream::late_rows),
            operator: operator.0,
        },
        End::Feed { table, input, keys, time, columns, operator } => abi::End::Feed {
            table: table.0,
            input: *input,
            keys: regs(keys),
            time: time.map(|register| register.0),
            columns: regs(columns),
            operator: operator.0,
        },
        End::Collect { table, columns, operator } => {
            abi::End::Collect { table: table.0, columns: regs(columns), operator: operator.0 }
        }
        End::Fork(_) => abi::End::Fork(Vec::new()),
        End::Nothing => abi::End::Nothing,
    }
}
