//! The checker's types: those of columns, and what exists only while checking (records, tuples, variables, `!`).

use super::Cx;
use super::variant::VariantTy;
use super::wrapper::Wrapper;
use crate::diagnostics::outside::outside;
use crate::diagnostics::{names, syntax, types as say};
use sabot_ir::ast::{self, TypeNameKind};
use sabot_ir::span::Span;
use sabot_ir::ty::{TimeUnit, Type};
use std::collections::{BTreeMap, BTreeSet};

/// Columns of a record that is a field, at most.
const MAX_COLUMNS: usize = 4096;

/// Index into [`Cx::records`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct RecordId(pub(super) u32);

/// Index into [`Cx::generics`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct GenericId(pub(super) u32);

/// A variable of one body's [`super::unify::Table`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TyVar(pub(super) u32);

/// A type while checking.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Ty {
    /// Of what has been reported: fits everything, so that one mistake gives one message.
    Error,
    /// `!`: of `return`; fits everything.
    Never,
    /// A type of columns; neither `Option` nor `()`.
    Scalar(Type),
    /// `usize`: a `u64` in the plan, but as in Rust another type than `u64`.
    Usize,
    /// `isize`.
    Isize,
    /// `Option<T>`.
    Option(Box<Ty>),
    /// `Result<T, E>`. Where the error says nothing, as of `parse`, it is an `Option` in the plan.
    Result(Box<Ty>, Box<Ty>),
    /// The error of `parse` and its like: it is there, and says nothing.
    Failure,
    /// `(A, B)`; `()` is the empty one.
    Tuple(Vec<Ty>),
    /// A record, declared or made of columns.
    Record(RecordId),
    /// `Vec<T>`, arrays and slices.
    List(Box<Ty>),
    /// A type parameter of the function that is being checked.
    Generic(GenericId),
    /// `std::cmp::Ordering`: -1, 0 or 1.
    Ordering,
    /// What is a list, or a value, with another meaning: `BTreeMap<K, V>`, `Reverse<T>`.
    Of(Wrapper, Box<Ty>),
    /// The rows of one key, inside an aggregate.
    Group,
    /// Not yet known.
    Var(TyVar),
}

impl Ty {
    /// `bool`.
    pub(super) const BOOL: Self = Self::Scalar(Type::Bool);
    /// `i64`.
    pub(super) const I64: Self = Self::Scalar(Type::Int64);
    /// `f64`.
    pub(super) const F64: Self = Self::Scalar(Type::Float64);
    /// `u32`.
    pub(super) const U32: Self = Self::Scalar(Type::UInt32);
    /// `i32`.
    pub(super) const I32: Self = Self::Scalar(Type::Int32);
    /// `u8`.
    pub(super) const U8: Self = Self::Scalar(Type::UInt8);
    /// `char`.
    pub(super) const CHAR: Self = Self::Scalar(Type::Char);
    /// `String`.
    pub(super) const STRING: Self = Self::Scalar(Type::String);
    /// `Duration`.
    pub(super) const DURATION: Self = Self::Scalar(Type::Duration);

    /// `Decimal`.
    pub(super) const DECIMAL: Self = Self::Scalar(Type::DECIMAL);

    /// `()`.
    pub(super) fn unit() -> Self {
        Self::Tuple(Vec::new())
    }

    /// `Bytes`, which is `Vec<u8>`: a list like any other, and one column.
    pub(super) fn bytes() -> Self {
        Self::List(Box::new(Self::U8))
    }

    /// `Option<self>`.
    pub(super) fn option(self) -> Self {
        Self::Option(Box::new(self))
    }

    /// The type of a column as the checker's.
    pub(super) fn of_column(ty: &Type) -> Self {
        match ty {
            Type::Unit => Self::unit(),
            Type::Option(inner) => Self::of_column(inner).option(),
            Type::List(item) => Self::List(Box::new(Self::of_column(item))),
            Type::Bytes => Self::bytes(),
            scalar @ (Type::Bool
            | Type::Int8
            | Type::Int16
            | Type::Int32
            | Type::Int64
            | Type::UInt8
            | Type::UInt16
            | Type::UInt32
            | Type::UInt64
            | Type::Char
            | Type::Float32
            | Type::Float64
            | Type::String
            | Type::Decimal(..)
            | Type::Date
            | Type::Timestamp(_)
            | Type::Duration) => Self::Scalar(scalar.clone()),
        }
    }

    /// The type of the one column that holds a value of this type, if one column can.
    pub(super) fn column_type(&self) -> Option<Type> {
        match self {
            Self::Scalar(ty) => Some(ty.clone()),
            Self::Usize => Some(Type::UInt64),
            Self::Isize => Some(Type::Int64),
            Self::Ordering => Some(Type::Int8),
            Self::Of(wrapper, inner) => wrapper.inside(inner).column_type(),
            Self::Option(inner) => inner.column_type().filter(|ty| !ty.is_option()).map(Type::optional),
            Self::Result(inner, error) if error.is_silent() => {
                inner.column_type().filter(|ty| !ty.is_option()).map(Type::optional)
            }
            Self::List(item) if **item == Self::U8 => Some(Type::Bytes),
            Self::List(item) => item.column_type().filter(|ty| !ty.is_option()).map(|ty| Type::List(Box::new(ty))),
            Self::Error
            | Self::Never
            | Self::Tuple(_)
            | Self::Record(_)
            | Self::Result(..)
            | Self::Failure
            | Self::Group
            | Self::Generic(_)
            | Self::Var(_) => None,
        }
    }

    /// Whether an error of this type says no more than that there is one.
    pub(super) fn is_silent(&self) -> bool {
        matches!(self, Self::Failure) || *self == Self::unit()
    }

    /// The record that a field of this type is, also as an `Option`.
    pub(super) fn record_inside(&self) -> Option<RecordId> {
        match self {
            Self::Record(id) => Some(*id),
            Self::Option(inner) => inner.record_inside(),
            Self::Error
            | Self::Never
            | Self::Scalar(_)
            | Self::Usize
            | Self::Isize
            | Self::Tuple(_)
            | Self::Result(..)
            | Self::Failure
            | Self::Group
            | Self::List(_)
            | Self::Generic(_)
            | Self::Ordering
            | Self::Of(..)
            | Self::Var(_) => None,
        }
    }

    /// Whether it is an integer type.
    pub(super) fn is_integer(&self) -> bool {
        match self {
            Self::Scalar(ty) => ty.is_integer(),
            Self::Usize | Self::Isize => true,
            Self::Error
            | Self::Never
            | Self::Option(_)
            | Self::Tuple(_)
            | Self::Record(_)
            | Self::Result(..)
            | Self::Failure
            | Self::Group
            | Self::List(_)
            | Self::Generic(_)
            | Self::Ordering
            | Self::Of(..)
            | Self::Var(_) => false,
        }
    }

    /// Whether it is a signed integer type.
    pub(super) fn is_signed(&self) -> bool {
        matches!(self, Self::Isize) || matches!(self, Self::Scalar(ty) if ty.is_signed_integer())
    }

    /// Whether it is `f32` or `f64`.
    pub(super) fn is_float(&self) -> bool {
        matches!(self, Self::Scalar(ty) if ty.is_float())
    }

    /// Whether it is a number.
    pub(super) fn is_number(&self) -> bool {
        self.is_integer() || self.is_float()
    }

    /// Whether a mistake is already reported about it.
    pub(super) fn is_error(&self) -> bool {
        match self {
            Self::Error => true,
            Self::Option(inner) | Self::List(inner) | Self::Of(_, inner) => inner.is_error(),
            Self::Result(inner, error) => inner.is_error() || error.is_error(),
            Self::Tuple(parts) => parts.iter().any(Self::is_error),
            Self::Never
            | Self::Scalar(_)
            | Self::Usize
            | Self::Isize
            | Self::Record(_)
            | Self::Failure
            | Self::Group
            | Self::Generic(_)
            | Self::Ordering
            | Self::Var(_) => false,
        }
    }
}

/// A record: declared in the job, or the columns that an operator gives.
#[derive(Clone, Debug)]
pub(super) struct RecordTy {
    /// Its name, or what it is.
    pub(super) name: String,
    /// Its fields in order.
    pub(super) fields: Vec<FieldTy>,
    /// What it is.
    pub(super) shape: TypeShape,
    /// Where it is declared; none if it is made of columns.
    pub(super) span: Span,
}

/// What a [`RecordTy`] is.
#[derive(Clone, Debug)]
pub(super) enum TypeShape {
    /// What rows can be.
    Rows,
    /// A struct that only functions know, with the traits that it derives, and all of its text.
    Plain(Vec<String>, Span),
    /// An `enum`, with the traits that it derives. Its first field says which variant a value is.
    Enum(Vec<VariantTy>, Vec<String>),
}

impl TypeShape {
    /// The variants of an `enum`.
    pub(super) fn variants(&self) -> &[VariantTy] {
        match self {
            Self::Rows | Self::Plain(..) => &[],
            Self::Enum(variants, _) => variants,
        }
    }

    /// What the author derives; nothing for what has what rows have.
    pub(super) fn derives(&self) -> Option<&[String]> {
        match self {
            Self::Rows => None,
            Self::Plain(derives, _) | Self::Enum(_, derives) => Some(derives),
        }
    }

    /// Whether values can be asked for equality, or for order.
    pub(super) fn compares(&self, equality: bool) -> bool {
        let wanted = if equality { "PartialEq" } else { "PartialOrd" };
        match self.derives() {
            Some(derives) => derives.iter().any(|known| known == wanted),
            None => equality,
        }
    }
}

/// A field of a record.
#[derive(Clone, Debug)]
pub(super) struct FieldTy {
    /// Name in code.
    pub(super) name: String,
    /// Name in files.
    pub(super) wire_name: String,
    /// Its type.
    pub(super) ty: Ty,
    /// Where it is declared.
    pub(super) span: Span,
}

impl RecordTy {
    /// Position of the field with this name in code.
    pub(super) fn position(&self, name: &str) -> Option<usize> {
        self.fields.iter().position(|field| field.name == name)
    }

    /// Position of the column with this name in code, or else in files.
    pub(super) fn column(&self, name: &str) -> Option<usize> {
        self.position(name).or_else(|| self.fields.iter().position(|field| field.wire_name == name))
    }
}

/// Names of the types of numbers, as written.
const NUMBERS: [(&str, Type); 10] = [
    ("i8", Type::Int8),
    ("i16", Type::Int16),
    ("i32", Type::Int32),
    ("i64", Type::Int64),
    ("u8", Type::UInt8),
    ("u16", Type::UInt16),
    ("u32", Type::UInt32),
    ("u64", Type::UInt64),
    ("f32", Type::Float32),
    ("f64", Type::Float64),
];

/// The scalar type of this name.
pub(super) fn scalar_named(name: &str) -> Option<Ty> {
    if let Some((_, ty)) = NUMBERS.iter().find(|(number, _)| *number == name) {
        return Some(Ty::Scalar(ty.clone()));
    }
    match name {
        "bool" => Some(Ty::BOOL),
        "usize" => Some(Ty::Usize),
        "isize" => Some(Ty::Isize),
        "char" => Some(Ty::CHAR),
        "String" | "str" => Some(Ty::STRING),
        "Bytes" => Some(Ty::bytes()),
        "Decimal" => Some(Ty::Scalar(Type::DECIMAL)),
        "Date" => Some(Ty::Scalar(Type::Date)),
        "Timestamp" => Some(Ty::Scalar(Type::Timestamp(TimeUnit::Microsecond))),
        "Duration" => Some(Ty::DURATION),
        _ => None,
    }
}

/// What a suffix of a number says.
pub(super) fn number_suffix(suffix: &str) -> Option<Ty> {
    match suffix {
        "usize" => Some(Ty::Usize),
        "isize" => Some(Ty::Isize),
        _ => NUMBERS.iter().find(|(number, _)| *number == suffix).map(|(_, ty)| Ty::Scalar(ty.clone())),
    }
}

/// The least and the greatest value of an integer type.
pub(super) fn integer_range(ty: &Ty) -> Option<(i128, i128)> {
    match ty {
        Ty::Usize => Some((0, u64::MAX.into())),
        Ty::Of(Wrapper::Reverse, inner) => integer_range(inner),
        Ty::Of(..) => None,
        Ty::Ordering => Some((-1, 1)),
        Ty::Isize => Some((i64::MIN.into(), i64::MAX.into())),
        Ty::Scalar(Type::Char) => Some((0, u32::from(char::MAX).into())),
        Ty::Scalar(Type::Int8) => Some((i8::MIN.into(), i8::MAX.into())),
        Ty::Scalar(Type::Int16) => Some((i16::MIN.into(), i16::MAX.into())),
        Ty::Scalar(Type::Int32) => Some((i32::MIN.into(), i32::MAX.into())),
        Ty::Scalar(Type::Int64) => Some((i64::MIN.into(), i64::MAX.into())),
        Ty::Scalar(Type::UInt8) => Some((0, u8::MAX.into())),
        Ty::Scalar(Type::UInt16) => Some((0, u16::MAX.into())),
        Ty::Scalar(Type::UInt32) => Some((0, u32::MAX.into())),
        Ty::Scalar(Type::UInt64) => Some((0, u64::MAX.into())),
        Ty::Scalar(_)
        | Ty::Error
        | Ty::Never
        | Ty::Option(_)
        | Ty::Tuple(_)
        | Ty::Record(_)
        | Ty::Result(..)
        | Ty::Failure
        | Ty::Group
        | Ty::List(_)
        | Ty::Generic(_)
        | Ty::Var(_) => None,
    }
}

/// Whether `from` converts to `to` without loss, as `From` of the standard library does.
pub(super) fn is_lossless(from: &Ty, to: &Ty) -> bool {
    if from == to || (*from == Ty::CHAR && matches!(to, Ty::Scalar(Type::UInt32 | Type::UInt64))) {
        return true;
    }
    let bits = |ty: &Ty| match ty {
        Ty::Scalar(ty) => ty.width().map(|width| width * 8),
        Ty::Error
        | Ty::Never
        | Ty::Usize
        | Ty::Isize
        | Ty::Option(_)
        | Ty::Tuple(_)
        | Ty::Record(_)
        | Ty::Result(..)
        | Ty::Failure
        | Ty::Group
        | Ty::List(_)
        | Ty::Generic(_)
        | Ty::Ordering
        | Ty::Of(..)
        | Ty::Var(_) => None,
    };
    if *to == Ty::Scalar(Type::DECIMAL) {
        // The façade converts those whose width is known.
        return from.is_integer() && !matches!(from, Ty::Usize | Ty::Isize);
    }
    if *from == Ty::BOOL {
        return to.is_integer();
    }
    let (Some(from_bits), Some(to_bits)) = (bits(from), bits(to)) else { return false };
    match (from.is_integer(), to.is_integer()) {
        (true, true) => from_bits < to_bits && (!from.is_signed() || to.is_signed()),
        (true, false) => to.is_float() && from_bits * 2 <= to_bits,
        (false, true) => false,
        (false, false) => from.is_float() && to.is_float() && from_bits < to_bits,
    }
}

impl Cx<'_> {
    /// The record with this id.
    pub(super) fn record(&self, id: RecordId) -> &RecordTy {
        &self.records[id.0 as usize]
    }

    /// Whether it is a record that rows can be.
    pub(super) fn is_of_rows(&self, ty: &Ty) -> bool {
        matches!(ty, Ty::Record(id) if self.record(*id).shape.derives().is_none())
    }

    /// Adds a record that is made of columns.
    pub(super) fn add_record(&mut self, record: RecordTy) -> RecordId {
        let id = RecordId(u32::try_from(self.records.len()).expect("fewer than 2^32 records"));
        self.records.push(record);
        id
    }

    /// Reads the declared records: first their names, then their fields.
    pub(super) fn declare_records(&mut self, records: &[ast::Record]) {
        for record in records {
            let name = &record.name;
            if let Some(&first) = self.record_names.get(&name.text) {
                let first = self.record(first).span;
                self.say(syntax::defined_twice(name.span, first, "record", &name.text));
                continue;
            }
            let shape = match &record.shape {
                ast::Shape::Rows => TypeShape::Rows,
                ast::Shape::Plain(derives) => TypeShape::Plain(derives.clone(), record.span),
                ast::Shape::Enum(_, derives) => TypeShape::Enum(Vec::new(), derives.clone()),
            };
            let id = self.add_record(RecordTy { name: name.text.clone(), fields: Vec::new(), shape, span: name.span });
            self.record_names.insert(name.text.clone(), id);
        }
        for record in records {
            let id = self.record_names[&record.name.text];
            if self.record(id).span != record.name.span || !self.record(id).fields.is_empty() {
                continue; // a second declaration of the name
            }
            if record.shape != ast::Shape::Rows {
                self.declare_value_type(id, record);
                continue;
            }
            let mut seen: BTreeMap<&str, Span> = BTreeMap::new();
            let mut wire: BTreeMap<&str, Span> = BTreeMap::new();
            let mut fields = Vec::with_capacity(record.fields.len());
            for field in &record.fields {
                if let Some(first) = seen.insert(&field.name.text, field.name.span) {
                    self.say(syntax::defined_twice(field.name.span, first, "field", &field.name.text));
                    continue;
                }
                if let Some(first) = wire.insert(&field.wire_name, field.name.span) {
                    self.say(syntax::column_twice(field.name.span, first, &field.wire_name));
                }
                let mut ty = self.resolve_type(&field.ty);
                let is_record = ty.record_inside().is_some_and(|id| matches!(self.record(id).shape, TypeShape::Rows))
                    && !matches!(&ty, Ty::Option(inner) if matches!(**inner, Ty::Option(_)));
                if !ty.is_error()
                    && !is_record
                    && (ty.column_type().is_none()
                        || matches!(ty, Ty::Usize | Ty::Isize | Ty::Scalar(Type::Char) | Ty::Of(..)))
                {
                    self.say(say::not_a_column(&self.show(&ty), &field.name.text, field.ty.span));
                    ty = Ty::Error;
                }
                fields.push(FieldTy {
                    name: field.name.text.clone(),
                    wire_name: field.wire_name.clone(),
                    ty,
                    span: field.name.span,
                });
            }
            self.records[id.0 as usize].fields = fields;
        }
        self.refuse_endless_records();
    }

    /// The fields of a struct that only functions know, the variants of an `enum`.
    fn declare_value_type(&mut self, id: RecordId, record: &ast::Record) {
        let mut fields: Vec<FieldTy> = Vec::new();
        let read = |this: &mut Self, field: &ast::RecordField, name: String| FieldTy {
            wire_name: name.clone(),
            name,
            ty: this.resolve_type(&field.ty),
            span: field.name.span,
        };
        if let ast::Shape::Enum(variants, derives) = &record.shape {
            // First which variant it is: their order is that of their numbers.
            fields.push(FieldTy {
                name: "#".to_owned(),
                wire_name: "#".to_owned(),
                ty: Ty::I32,
                span: record.name.span,
            });
            let mut known = Vec::with_capacity(variants.len());
            for variant in variants {
                let mut of_variant = Vec::with_capacity(variant.fields.len());
                for field in &variant.fields {
                    of_variant.push((field.name.text.clone(), fields.len()));
                    let name = format!("{}.{}", variant.name.text, field.name.text);
                    let field = read(self, field, name);
                    fields.push(field);
                }
                let name = variant.name.text.clone();
                known.push(VariantTy { name, fields: of_variant, discriminant: variant.discriminant });
            }
            known.sort_by_key(|variant| variant.discriminant);
            self.records[id.0 as usize].shape = TypeShape::Enum(known, derives.clone());
        } else {
            for field in &record.fields {
                let field = read(self, field, field.name.text.clone());
                fields.push(field);
            }
        }
        self.records[id.0 as usize].fields = fields;
    }

    /// A record that holds itself, by whatever way, has no end: its field is taken for a mistake. So is one that makes more
    /// columns than anybody has.
    fn refuse_endless_records(&mut self) {
        for id in (0..self.records.len()).filter_map(|id| u32::try_from(id).ok().map(RecordId)) {
            for position in 0..self.record(id).fields.len() {
                let field = &self.record(id).fields[position];
                let Some(inner) = field.ty.record_inside() else { continue };
                if self.parts_of(inner).contains(&id) {
                    let diagnostic = say::endless_record(&self.record(id).name, &field.name, field.span);
                    self.say(diagnostic);
                    self.records[id.0 as usize].fields[position].ty = Ty::Error;
                }
            }
        }
        let mut widths = BTreeMap::new();
        let mut is_said = false;
        for id in (0..self.records.len()).filter_map(|id| u32::try_from(id).ok().map(RecordId)) {
            for position in 0..self.record(id).fields.len() {
                let field = &self.record(id).fields[position];
                let Some(inner) = field.ty.record_inside() else { continue };
                if self.width(inner, &mut widths) <= MAX_COLUMNS {
                    continue;
                }
                if !is_said {
                    let diagnostic = say::too_many_columns(&field.name, MAX_COLUMNS, field.span);
                    self.say(diagnostic);
                }
                is_said = true;
                self.records[id.0 as usize].fields[position].ty = Ty::Error;
            }
        }
    }

    /// The record and all that are inside it.
    fn parts_of(&self, record: RecordId) -> BTreeSet<RecordId> {
        let mut parts = BTreeSet::from([record]);
        let mut waiting = vec![record];
        while let Some(id) = waiting.pop() {
            let inside = self.record(id).fields.iter().filter_map(|field| field.ty.record_inside());
            waiting.extend(inside.filter(|inner| parts.insert(*inner)));
        }
        parts
    }

    /// The number of columns of a record that has an end.
    fn width(&self, id: RecordId, known: &mut BTreeMap<RecordId, usize>) -> usize {
        if let Some(width) = known.get(&id) {
            return *width;
        }
        let mut width = 0_usize;
        for field in &self.record(id).fields {
            let of_field = field.ty.record_inside().map_or(0, |inner| self.width(inner, known));
            width = width.saturating_add(of_field).saturating_add(1);
        }
        known.insert(id, width);
        width
    }

    /// Whether there is a mistake in a field, also of a record that is a field.
    pub(super) fn has_mistake(&self, id: RecordId) -> bool {
        self.record(id).fields.iter().any(|field| match field.ty.record_inside() {
            Some(inner) => self.has_mistake(inner),
            None => field.ty.is_error(),
        })
    }

    /// What a written type means; `_` is the error type (callers that allow it look for it first).
    pub(super) fn resolve_type(&mut self, name: &ast::TypeName) -> Ty {
        match &name.kind {
            TypeNameKind::Infer => {
                self.say(say::type_left_out(name.span));
                Ty::Error
            }
            TypeNameKind::Reference(inner) | TypeNameKind::MutReference(inner) => self.resolve_type(inner),
            TypeNameKind::Slice(item) | TypeNameKind::Array(item, _) => self.resolve_list(item),
            TypeNameKind::Tuple(parts) => Ty::Tuple(parts.iter().map(|part| self.resolve_type(part)).collect()),
            TypeNameKind::Path(path, args) => self.resolve_path(path, args, name.span),
        }
    }

    /// `Vec<T>`, `[T]`, `[T; n]`.
    fn resolve_list(&mut self, written: &ast::TypeName) -> Ty {
        if let TypeNameKind::Path(byte, none) = &written.kind
            && byte == "u8"
            && none.is_empty()
        {
            return Ty::bytes();
        }
        let item = self.resolve_type(written);
        if item == Ty::unit() {
            self.say(crate::diagnostics::lists::list_of_nothing(written.span));
            return Ty::Error;
        }
        if item.is_error() { Ty::Error } else { Ty::List(Box::new(item)) }
    }

    fn resolve_path(&mut self, path: &str, args: &[ast::TypeName], span: Span) -> Ty {
        match (path, args) {
            ("Option", [inner]) => {
                let inner = self.resolve_type(inner);
                return if inner.is_error() { Ty::Error } else { inner.option() };
            }
            ("Option", _) => {
                self.say(say::option_of_what(span));
                return Ty::Error;
            }
            ("Result", [inner, error]) => {
                let (inner, error) = (self.resolve_type(inner), self.resolve_type(error));
                let is_error = inner.is_error() || error.is_error();
                return if is_error { Ty::Error } else { Ty::Result(Box::new(inner), Box::new(error)) };
            }
            (
                "ParseIntError" | "ParseFloatError" | "ParseBoolError" | "ParseCharError" | "TryFromIntError"
                | "CharTryFromError" | "FromUtf8Error" | "Utf8Error",
                [],
            ) => return Ty::Failure,
            ("Vec", [ast::TypeName { kind: TypeNameKind::Path(byte, none), .. }])
                if byte == "u8" && none.is_empty() =>
            {
                return Ty::bytes();
            }
            _ => {}
        }
        if args.is_empty()
            && let Some((_, ty)) = self.generic_types.iter().rev().find(|(name, _)| name == path)
        {
            return ty.clone();
        }
        if path == "Fn" && args.len() == 2 {
            self.say(syntax::unsupported_type(
                span,
                "a function type",
                "only a parameter of a function may be one: `fn twice(f: impl Fn(f64) -> f64, x: f64) -> f64`",
            ));
            return Ty::Error;
        }
        if args.is_empty()
            && let Some((_, id)) = self.generic_scope.iter().rev().find(|(name, _)| name == path)
        {
            return Ty::Generic(*id);
        }
        if let Some(scalar) = scalar_named(path) {
            return scalar;
        }
        if let Some(record) = self.record_names.get(path) {
            return Ty::Record(*record);
        }
        if let ("Vec", [item]) = (path, args) {
            return self.resolve_list(item);
        }
        if let Some(wrapper) = Wrapper::named(path).filter(|wrapper| wrapper.arity() == args.len()) {
            let params: Vec<Ty> = args.iter().map(|arg| self.resolve_type(arg)).collect();
            return if params.iter().any(Ty::is_error) { Ty::Error } else { wrapper.of(params) };
        }
        if path == "Ordering" && args.is_empty() {
            return Ty::Ordering;
        }
        if let Some(diagnostic) = outside(path, span) {
            self.say(diagnostic);
        } else if matches!(path, "Vec" | "i128" | "u128") {
            self.say(say::type_not_supported(path, span));
        } else {
            let known: Vec<&str> = self
                .record_names
                .keys()
                .map(String::as_str)
                .chain(NUMBERS.iter().map(|(name, _)| *name))
                .chain(["bool", "String", "Bytes", "Decimal", "Date", "Timestamp", "Duration", "Option"])
                .collect();
            let diagnostic = names::unknown_type(path, &known, span);
            self.say(diagnostic);
        }
        Ty::Error
    }

    /// The type as the author writes it; variables print as `_`.
    pub(super) fn show(&self, ty: &Ty) -> String {
        match ty {
            Ty::Error | Ty::Var(_) => "_".to_owned(),
            Ty::Never => "!".to_owned(),
            Ty::Scalar(ty) => ty.to_string(),
            Ty::Usize => "usize".to_owned(),
            Ty::Isize => "isize".to_owned(),
            Ty::Option(inner) => format!("Option<{}>", self.show(inner)),
            Ty::Result(inner, error) => format!("Result<{}, {}>", self.show(inner), self.show(error)),
            Ty::Failure => "_".to_owned(),
            Ty::Tuple(parts) => match parts.as_slice() {
                [one] => format!("({},)", self.show(one)),
                parts => {
                    let parts: Vec<String> = parts.iter().map(|part| self.show(part)).collect();
                    format!("({})", parts.join(", "))
                }
            },
            Ty::Record(id) => self.record(*id).name.clone(),
            Ty::Group => "group".to_owned(),
            Ty::List(item) => format!("Vec<{}>", self.show(item)),
            Ty::Generic(id) => self.generics[id.0 as usize].name.clone(),
            Ty::Ordering => "Ordering".to_owned(),
            Ty::Of(wrapper, inner) => {
                let shown = self.show(inner);
                let params = if wrapper.is_map() { shown.trim_matches(['(', ')']) } else { &shown };
                format!("{}<{params}>", wrapper.name())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_column_holds_a_scalar_or_an_option_of_one() {
        assert_eq!(Ty::F64.option().column_type(), Some(Type::Float64.optional()));
        assert_eq!(Ty::F64.option().option().column_type(), None);
        assert_eq!(Ty::Tuple(vec![Ty::F64]).column_type(), None);
        assert_eq!(Ty::Usize.column_type(), Some(Type::UInt64));
    }

    #[test]
    fn lossless_is_what_from_of_std_does() {
        let ty = |name| number_suffix(name).unwrap();
        assert!(is_lossless(&ty("i32"), &ty("i64")) && is_lossless(&ty("u32"), &ty("i64")));
        assert!(is_lossless(&ty("i32"), &ty("f64")) && is_lossless(&ty("f32"), &ty("f64")));
        assert!(!is_lossless(&ty("i64"), &ty("f64")) && !is_lossless(&ty("i32"), &ty("u64")));
        assert!(!is_lossless(&ty("u32"), &ty("i32")) && !is_lossless(&ty("f64"), &ty("f32")));
        assert!(is_lossless(&Ty::BOOL, &ty("u8")) && !is_lossless(&Ty::BOOL, &ty("f64")));
    }
}
