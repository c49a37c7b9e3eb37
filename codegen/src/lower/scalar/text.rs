//! Functions of strings, characters and bytes: calls into the runtime, and what is a few instructions.
//!
//! Those that make strings, may fail or may give `None` take the context and give a status; see
//! [`sabot_abi::kernel::Context::result`].

use super::{Scalar, ScalarCx};
use crate::CodegenError;
use crate::column::Class;
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{BlockArg, InstBuilder as _, MemFlagsData, Value, types};
use sabot_abi::format::{FormatSpec, Style};
use sabot_abi::function::{AbiType, RuntimeFunction};
use sabot_abi::kernel::RowErrorCode;
use sabot_ir::expr::{Expr, Function, Literal};
use sabot_ir::span::Span;
use sabot_ir::text::TextFunction;
use sabot_ir::ty::Type;

/// `function(args)`.
pub(super) fn call(cx: &mut ScalarCx<'_, '_>, function: TextFunction, args: &[Scalar], expr: &Expr) -> Scalar {
    let called = match function {
        TextFunction::AsBytes => return Scalar { valid: None, ..args[0] },
        TextFunction::ByteAt => return byte_at(cx, args[0], args[1].value, expr.span),
        TextFunction::GetByte => return get_byte(cx, args[0], args[1].value),
        TextFunction::CharLen => return char_len(cx, args[0].value),
        TextFunction::CharToAsciiUppercase => return other_case(cx, args[0].value, 'a', -32),
        TextFunction::CharToAsciiLowercase => return other_case(cx, args[0].value, 'A', 32),
        TextFunction::IsAscii
        | TextFunction::IsAsciiAlphabetic
        | TextFunction::IsAsciiDigit
        | TextFunction::IsAsciiHexdigit
        | TextFunction::IsAsciiAlphanumeric
        | TextFunction::IsAsciiUppercase
        | TextFunction::IsAsciiLowercase
        | TextFunction::IsAsciiPunctuation
        | TextFunction::IsAsciiGraphic
        | TextFunction::IsAsciiWhitespace
        | TextFunction::IsAsciiControl => return Scalar::plain(is_in(cx, args[0].value, ascii_ranges(function))),
        TextFunction::Concat => RuntimeFunction::StrConcat,
        TextFunction::Find => RuntimeFunction::StrFind,
        TextFunction::FindFrom => RuntimeFunction::StrFindFrom,
        TextFunction::RFind => RuntimeFunction::StrRfind,
        TextFunction::Trim => RuntimeFunction::StrTrim,
        TextFunction::TrimStart => RuntimeFunction::StrTrimStart,
        TextFunction::TrimEnd => RuntimeFunction::StrTrimEnd,
        TextFunction::TrimStartMatches => RuntimeFunction::StrTrimStartMatches,
        TextFunction::TrimEndMatches => RuntimeFunction::StrTrimEndMatches,
        TextFunction::StripPrefix => RuntimeFunction::StrStripPrefix,
        TextFunction::StripSuffix => RuntimeFunction::StrStripSuffix,
        TextFunction::ToUppercase => RuntimeFunction::StrToUppercase,
        TextFunction::ToLowercase => RuntimeFunction::StrToLowercase,
        TextFunction::ToAsciiUppercase => RuntimeFunction::StrToAsciiUppercase,
        TextFunction::ToAsciiLowercase => RuntimeFunction::StrToAsciiLowercase,
        TextFunction::EqIgnoreAsciiCase => RuntimeFunction::StrEqIgnoreAsciiCase,
        TextFunction::Replace => RuntimeFunction::StrReplace,
        TextFunction::Replacen => RuntimeFunction::StrReplacen,
        TextFunction::Repeat => RuntimeFunction::StrRepeat,
        TextFunction::Slice => RuntimeFunction::StrSlice,
        TextFunction::Get => RuntimeFunction::StrGet,
        TextFunction::IsCharBoundary => RuntimeFunction::StrIsCharBoundary,
        TextFunction::CharCount => RuntimeFunction::StrCharCount,
        TextFunction::NthChar => RuntimeFunction::StrNthChar,
        TextFunction::LastChar => RuntimeFunction::StrLastChar,
        TextFunction::Reversed => RuntimeFunction::StrReversed,
        TextFunction::CharAt => return char_at(cx, args[0], args[1].value, expr),
        TextFunction::CharBefore => RuntimeFunction::StrCharBefore,
        TextFunction::SkipWhitespace => RuntimeFunction::StrSkipWhitespace,
        TextFunction::FindWhitespace => RuntimeFunction::StrFindWhitespace,
        TextFunction::FromUtf8 => RuntimeFunction::StrFromUtf8,
        TextFunction::FromUtf8Lossy => RuntimeFunction::StrFromUtf8Lossy,
        TextFunction::BytesSlice => RuntimeFunction::BytesSlice,
        TextFunction::BytesStartWith => RuntimeFunction::StrStartsWith,
        TextFunction::BytesEndWith => RuntimeFunction::StrEndsWith,
        TextFunction::BytesContain => RuntimeFunction::BytesContain,
        TextFunction::CharToString => RuntimeFunction::CharToString,
        TextFunction::CharToUppercase => RuntimeFunction::CharToUppercase,
        TextFunction::CharToLowercase => RuntimeFunction::CharToLowercase,
        TextFunction::CharToDigit => RuntimeFunction::CharToDigit,
        TextFunction::CharFromDigit => RuntimeFunction::CharFromDigit,
        TextFunction::CharFromU32 => RuntimeFunction::CharFromU32,
        TextFunction::IsAlphabetic => RuntimeFunction::CharIsAlphabetic,
        TextFunction::IsNumeric => RuntimeFunction::CharIsNumeric,
        TextFunction::IsAlphanumeric => RuntimeFunction::CharIsAlphanumeric,
        TextFunction::IsWhitespace => RuntimeFunction::CharIsWhitespace,
        TextFunction::IsControl => RuntimeFunction::CharIsControl,
        TextFunction::IsUppercase => RuntimeFunction::CharIsUppercase,
        TextFunction::IsLowercase => RuntimeFunction::CharIsLowercase,
        TextFunction::RegexIsMatch => RuntimeFunction::RegexIsMatch,
        TextFunction::RegexFind => RuntimeFunction::RegexFind,
        TextFunction::RegexCapture => RuntimeFunction::RegexCapture,
        TextFunction::RegexReplaceAll => RuntimeFunction::RegexReplaceAll,
        TextFunction::RegexCount => RuntimeFunction::RegexCount,
        TextFunction::SplitNth => RuntimeFunction::StrSplitNth,
        TextFunction::CountOf => RuntimeFunction::StrCountOf,
        TextFunction::RegexPlaces => RuntimeFunction::RegexPlaces,
        TextFunction::RegexReplacen => RuntimeFunction::RegexReplacen,
    };
    let words: Vec<Value> = args.iter().flat_map(|arg| std::iter::once(arg.value).chain(arg.len)).collect();
    call_runtime(cx, called, words, expr)
}

/// Calls a function of the runtime that gives a value of the expression's type.
fn call_runtime(cx: &mut ScalarCx<'_, '_>, called: RuntimeFunction, mut words: Vec<Value>, expr: &Expr) -> Scalar {
    let takes_context = called.args().first() == Some(&AbiType::Context);
    for (word, ty) in words.iter_mut().zip(called.args().iter().skip(usize::from(takes_context))) {
        // Bytes are handed over as `i32`.
        if *ty == AbiType::I32 && cx.fx.type_of(*word) == types::I8 {
            *word = cx.fx.builder.ins().uextend(types::I32, *word);
        }
    }
    if takes_context {
        cx.call_with_result(called, &words, &expr.ty, expr.span)
    } else {
        Scalar::plain(cx.fx.call(called, &words))
    }
}

/// `s.parse::<T>()`.
pub(super) fn parse(cx: &mut ScalarCx<'_, '_>, text: Scalar, expr: &Expr) -> Result<Scalar, CodegenError> {
    let mut words: Vec<Value> = std::iter::once(text.value).chain(text.len).collect();
    let ty = expr.ty.value_type();
    let called = match (ty, Class::of(ty)) {
        (Type::Char, _) => RuntimeFunction::ParseChar,
        (ty, Class::Int { bits, signed }) if ty.is_integer() => {
            let bits = i64::from(bits);
            words.push(cx.fx.int(types::I64, if signed { -bits } else { bits }));
            RuntimeFunction::ParseInt
        }
        (_, Class::Bool) => RuntimeFunction::ParseBool,
        (_, Class::F32) => RuntimeFunction::ParseF32,
        (_, Class::F64) => RuntimeFunction::ParseF64,
        (_, Class::Str) => return Ok(Scalar { valid: Some(cx.fx.int(types::I8, 1)), ..text }),
        (_, Class::Unit | Class::Int { .. } | Class::List(_) | Class::Decimal) => {
            return Err(CodegenError::unsupported(&format!("reading `{ty}` from text"), expr.span));
        }
    };
    Ok(call_runtime(cx, called, words, expr))
}

/// A string and behind it a value, by a specification: `format!`.
pub(super) fn append(
    cx: &mut ScalarCx<'_, '_>,
    args: &[Expr],
    values: &[Scalar],
    expr: &Expr,
) -> Result<Scalar, CodegenError> {
    let ([_, arg, spec, ..], [prefix, value, _, computed @ ..]) = (args, values) else {
        return Err(CodegenError::internal("`append` takes a string, a value and a specification"));
    };
    let spec = match spec.as_literal() {
        Some(Literal::String(text)) => FormatSpec::parse(text),
        Some(Literal::Bool(_) | Literal::Int(_) | Literal::Float(_) | Literal::Bytes(_) | Literal::Unit) | None => None,
    };
    let spec = spec.ok_or_else(|| CodegenError::internal("a specification is a literal that the checker knows"))?;
    let class = Class::of(&arg.ty);
    let mut shown = value.value;
    let called = match class {
        Class::Bool => RuntimeFunction::AppendBool,
        Class::F32 => RuntimeFunction::AppendF32,
        Class::F64 => RuntimeFunction::AppendF64,
        Class::Str if arg.ty == Type::String => RuntimeFunction::AppendStr,
        Class::Int { .. } if arg.ty == Type::Char => RuntimeFunction::AppendChar,
        Class::Int { bits, signed } if arg.ty.is_integer() => {
            let is_number = matches!(spec.style, Style::Display | Style::Debug | Style::LowerExp | Style::UpperExp);
            let signed = signed && is_number;
            shown = super::cast::int_to_int(cx.fx, shown, bits, signed, 64);
            if signed { RuntimeFunction::AppendInt } else { RuntimeFunction::AppendUint }
        }
        Class::Unit | Class::Int { .. } | Class::Str | Class::List(_) | Class::Decimal => {
            return Err(CodegenError::unsupported(&format!("writing `{}` as text", arg.ty), expr.span));
        }
    };
    if called == RuntimeFunction::AppendStr && spec == FormatSpec::default() && computed.is_empty() {
        return Ok(call(cx, TextFunction::Concat, &[*prefix, *value], expr));
    }
    let mut words: Vec<Value> = std::iter::once(prefix.value).chain(prefix.len).collect();
    words.push(shown);
    words.extend(value.len);
    let mut word = cx.fx.int(types::I64, spec.pack().cast_signed());
    // Width and precision have a bit that says whether they are there, and their places in the word.
    for (number, (flag, place)) in computed.iter().zip([(29, 31), (30, 47)]) {
        let most = i64::try_from(Function::NO_WIDTH).expect("a small number");
        let is_there = cx.fx.builder.ins().icmp_imm_u(IntCC::UnsignedLessThan, number.value, most);
        let moved = cx.fx.builder.ins().ishl_imm_u(number.value, place);
        let flag = cx.fx.int(types::I64, 1 << flag);
        let flagged = cx.fx.builder.ins().bor(moved, flag);
        let zero = cx.fx.int(types::I64, 0);
        let part = cx.fx.builder.ins().select(is_there, flagged, zero);
        word = cx.fx.builder.ins().bor(word, part);
    }
    words.push(word);
    Ok(call_runtime(cx, called, words, expr))
}

fn length(value: Scalar) -> Value {
    value.len.expect("bytes have a length")
}

fn load_byte(cx: &mut ScalarCx<'_, '_>, bytes: Scalar, at: Value) -> Value {
    let at = cx.fx.builder.ins().iadd(bytes.value, at);
    // Only where the position is in range may it be read: not moved, not before.
    cx.fx.builder.ins().load(types::I8, MemFlagsData::new().with_notrap().with_readonly(), at, 0)
}

fn byte_at(cx: &mut ScalarCx<'_, '_>, bytes: Scalar, at: Value, span: Span) -> Scalar {
    let bad = cx.fx.builder.ins().icmp(IntCC::UnsignedGreaterThanOrEqual, at, length(bytes));
    cx.fail_if(bad, RowErrorCode::OutOfRange, span);
    Scalar::plain(load_byte(cx, bytes, at))
}

fn get_byte(cx: &mut ScalarCx<'_, '_>, bytes: Scalar, at: Value) -> Scalar {
    let there = cx.fx.builder.ins().icmp(IntCC::UnsignedLessThan, at, length(bytes));
    let look = cx.fx.builder.create_block();
    let merge = cx.fx.builder.create_block();
    let value = cx.fx.builder.append_block_param(merge, types::I8);
    let nothing = cx.fx.int(types::I8, 0);
    cx.fx.builder.ins().brif(there, look, &[], merge, &[BlockArg::Value(nothing)]);
    cx.fx.builder.switch_to_block(look);
    let byte = load_byte(cx, bytes, at);
    cx.fx.builder.ins().jump(merge, &[BlockArg::Value(byte)]);
    cx.fx.builder.switch_to_block(merge);
    Scalar { value, len: None, valid: Some(there) }
}

/// A character of one byte is read on the spot, any other by the runtime, which knows what is none.
fn char_at(cx: &mut ScalarCx<'_, '_>, text: Scalar, at: Value, expr: &Expr) -> Scalar {
    let there = cx.fx.builder.ins().icmp(IntCC::UnsignedLessThan, at, length(text));
    let [look, call, merge] = [(); 3].map(|()| cx.fx.builder.create_block());
    let value = cx.fx.builder.append_block_param(merge, types::I32);
    cx.fx.builder.ins().brif(there, look, &[], call, &[]);
    cx.fx.builder.switch_to_block(look);
    let byte = load_byte(cx, text, at);
    let is_ascii = cx.fx.builder.ins().icmp_imm_u(IntCC::UnsignedLessThan, byte, 0x80);
    let wide = cx.fx.builder.ins().uextend(types::I32, byte);
    cx.fx.builder.ins().brif(is_ascii, merge, &[BlockArg::Value(wide)], call, &[]);
    cx.fx.builder.switch_to_block(call);
    let words: Vec<Value> = std::iter::once(text.value).chain(text.len).chain([at]).collect();
    let called = call_runtime(cx, RuntimeFunction::StrCharAt, words, expr);
    cx.fx.builder.ins().jump(merge, &[BlockArg::Value(called.value)]);
    cx.fx.builder.switch_to_block(merge);
    Scalar::plain(value)
}

/// 1, and one more from each of three numbers on. Behind a branch, because the next character's place depends on it: most are of
/// one byte, and so the next one need not wait for this one.
fn char_len(cx: &mut ScalarCx<'_, '_>, c: Value) -> Scalar {
    let [longer, done] = [(); 2].map(|()| cx.fx.builder.create_block());
    let len = cx.fx.builder.append_block_param(done, types::I64);
    let one = cx.fx.int(types::I64, 1);
    let is_ascii = cx.fx.builder.ins().icmp_imm_u(IntCC::UnsignedLessThan, c, 0x80);
    cx.fx.builder.ins().brif(is_ascii, done, &[BlockArg::Value(one)], longer, &[]);
    cx.fx.builder.switch_to_block(longer);
    let mut more = cx.fx.int(types::I64, 2);
    for first in [0x800, 0x1_0000] {
        let longer = cx.fx.builder.ins().icmp_imm_u(IntCC::UnsignedGreaterThanOrEqual, c, first);
        let longer = cx.fx.builder.ins().uextend(types::I64, longer);
        more = cx.fx.builder.ins().iadd(more, longer);
    }
    cx.fx.builder.ins().jump(done, &[BlockArg::Value(more)]);
    cx.fx.builder.switch_to_block(done);
    Scalar::plain(len)
}

/// 26 letters from `first` on go elsewhere, everything else stays.
fn other_case(cx: &mut ScalarCx<'_, '_>, c: Value, first: char, distance: i64) -> Scalar {
    let last = char::from_u32(u32::from(first) + 25).unwrap_or(first);
    let is_letter = is_in(cx, c, &[(first, last)]);
    let moved = cx.fx.builder.ins().iadd_imm_s(c, distance);
    Scalar::plain(cx.fx.builder.ins().select(is_letter, moved, c))
}

/// Whether a character lies in one of the ranges, both ends included.
fn is_in(cx: &mut ScalarCx<'_, '_>, c: Value, ranges: &[(char, char)]) -> Value {
    let mut found = None;
    for (first, last) in ranges {
        let above = cx.fx.builder.ins().iadd_imm_s(c, -i64::from(u32::from(*first)));
        let width = i64::from(u32::from(*last) - u32::from(*first));
        let here = cx.fx.builder.ins().icmp_imm_u(IntCC::UnsignedLessThanOrEqual, above, width);
        found = Some(match found {
            Some(before) => cx.fx.builder.ins().bor(before, here),
            None => here,
        });
    }
    found.unwrap_or_else(|| cx.fx.int(types::I8, 0))
}

/// The characters that a function of ASCII is true of.
#[expect(clippy::wildcard_enum_match_arm, reason = "few of the many functions are of ASCII alone")]
fn ascii_ranges(function: TextFunction) -> &'static [(char, char)] {
    match function {
        TextFunction::IsAscii => &[('\u{0}', '\u{7f}')],
        TextFunction::IsAsciiAlphabetic => &[('A', 'Z'), ('a', 'z')],
        TextFunction::IsAsciiDigit => &[('0', '9')],
        TextFunction::IsAsciiHexdigit => &[('0', '9'), ('A', 'F'), ('a', 'f')],
        TextFunction::IsAsciiAlphanumeric => &[('0', '9'), ('A', 'Z'), ('a', 'z')],
        TextFunction::IsAsciiUppercase => &[('A', 'Z')],
        TextFunction::IsAsciiLowercase => &[('a', 'z')],
        TextFunction::IsAsciiPunctuation => &[('!', '/'), (':', '@'), ('[', '`'), ('{', '~')],
        TextFunction::IsAsciiGraphic => &[('!', '~')],
        TextFunction::IsAsciiWhitespace => &[('\u{9}', '\u{a}'), ('\u{c}', '\u{d}'), ('\u{20}', '\u{20}')],
        TextFunction::IsAsciiControl => &[('\u{0}', '\u{1f}'), ('\u{7f}', '\u{7f}')],
        _ => &[],
    }
}

impl ScalarCx<'_, '_> {
    /// Calls a runtime function that takes the context, and gives its value, which is of type `ty`. Where its status is an
    /// error, the row cannot be computed; `None` it may only be of an `Option`.
    pub(super) fn call_with_result(
        &mut self,
        function: RuntimeFunction,
        args: &[Value],
        ty: &Type,
        span: Span,
    ) -> Scalar {
        let status = self.fx.call(function, args);
        let is_error =
            if ty.is_option() { self.fx.builder.ins().icmp_imm_s(IntCC::SignedGreaterThan, status, 0) } else { status };
        let failed = self.fx.cold_block();
        let next = self.fx.builder.create_block();
        self.fx.builder.ins().brif(is_error, failed, &[], next, &[]);
        self.fx.builder.switch_to_block(failed);
        let code = self.fx.builder.ins().ireduce(types::I32, status);
        self.fail_here(code, span);
        self.fx.builder.switch_to_block(next);
        let mut value = self.result(Class::of(ty));
        if ty.is_option() {
            value.valid = Some(self.fx.is_zero(status));
        }
        value
    }

    /// What `Context::result` holds.
    fn result(&mut self, class: Class) -> Scalar {
        match class {
            Class::Unit => Scalar::plain(self.fx.int(types::I8, 0)),
            Class::Bool | Class::Int { .. } | Class::F32 | Class::F64 => {
                Scalar::plain(self.fx.result(class.scalar(), 0))
            }
            Class::Str | Class::List(_) => {
                let value = self.fx.result(types::I64, 0);
                Scalar { value, len: Some(self.fx.result(types::I64, 1)), valid: None }
            }
            Class::Decimal => {
                let (low, high) = (self.fx.result(types::I64, 0), self.fx.result(types::I64, 1));
                Scalar::plain(self.fx.builder.ins().iconcat(low, high))
            }
        }
    }
}
