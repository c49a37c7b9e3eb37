//! Functions of strings, characters and bytes: one table of what they take and give.
//!
//! Positions and lengths are in bytes, `u64`s (Rust's `usize`). A function that makes a string may run out of the memory that
//! a row may take; that is a row error too, but none that [`Expr::can_fail`](crate::expr::Expr::can_fail) counts: no job means it.

use crate::ty::Type;

/// A type in the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextType {
    /// `String`, `&str`.
    Str,
    /// `Bytes`, `&[u8]`.
    Bytes,
    /// `bool`.
    Bool,
    /// `char`.
    Char,
    /// `u8`.
    U8,
    /// `u32`.
    U32,
    /// `usize`.
    U64,
    /// `Option<&str>`.
    OptStr,
    /// `Option<char>`.
    OptChar,
    /// `Option<u8>`.
    OptU8,
    /// `Option<u32>`.
    OptU32,
    /// `Option<usize>`.
    OptU64,
    /// A list of positions; of no argument.
    Places,
}

impl TextType {
    /// As a type of expressions.
    #[must_use]
    pub fn ty(self) -> Type {
        match self {
            Self::Str => Type::String,
            Self::Bytes => Type::Bytes,
            Self::Bool => Type::Bool,
            Self::Char => Type::Char,
            Self::U8 => Type::UInt8,
            Self::U32 => Type::UInt32,
            Self::U64 => Type::UInt64,
            Self::OptStr => Type::String.optional(),
            Self::OptChar => Type::Char.optional(),
            Self::OptU8 => Type::UInt8.optional(),
            Self::OptU32 => Type::UInt32.optional(),
            Self::OptU64 => Type::UInt64.optional(),
            Self::Places => Type::List(Box::new(Type::UInt64)),
        }
    }
}

macro_rules! text_functions {
    ($($variant:ident $name:literal ($($arg:ident),*) -> $result:ident, $doc:literal;)*) => {
        /// A function of strings, characters or bytes.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum TextFunction {
            $(#[doc = $doc] $variant,)*
        }

        impl TextFunction {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// The method's name in the job language.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }

            /// What it takes.
            #[must_use]
            pub fn args(self) -> &'static [TextType] {
                match self {
                    $(Self::$variant => &[$(TextType::$arg),*],)*
                }
            }

            /// What it gives.
            #[must_use]
            pub fn result(self) -> TextType {
                match self {
                    $(Self::$variant => TextType::$result,)*
                }
            }
        }
    };
}

text_functions! {
    Concat "+" (Str, Str) -> Str, "`a + &b`";
    Find "find" (Str, Str) -> OptU64, "`s.find(t)`";
    FindFrom "find_from" (Str, Str, U64) -> OptU64, "The first place from a position on at which a string stands, for `split` and its like.";
    RFind "rfind" (Str, Str) -> OptU64, "`s.rfind(t)`";
    Trim "trim" (Str) -> Str, "`s.trim()`";
    TrimStart "trim_start" (Str) -> Str, "`s.trim_start()`";
    TrimEnd "trim_end" (Str) -> Str, "`s.trim_end()`";
    TrimStartMatches "trim_start_matches" (Str, Str) -> Str, "`s.trim_start_matches(t)`";
    TrimEndMatches "trim_end_matches" (Str, Str) -> Str, "`s.trim_end_matches(t)`";
    StripPrefix "strip_prefix" (Str, Str) -> OptStr, "`s.strip_prefix(t)`";
    StripSuffix "strip_suffix" (Str, Str) -> OptStr, "`s.strip_suffix(t)`";
    ToUppercase "to_uppercase" (Str) -> Str, "`s.to_uppercase()`";
    ToLowercase "to_lowercase" (Str) -> Str, "`s.to_lowercase()`";
    ToAsciiUppercase "to_ascii_uppercase" (Str) -> Str, "`s.to_ascii_uppercase()`";
    ToAsciiLowercase "to_ascii_lowercase" (Str) -> Str, "`s.to_ascii_lowercase()`";
    EqIgnoreAsciiCase "eq_ignore_ascii_case" (Str, Str) -> Bool, "`s.eq_ignore_ascii_case(t)`";
    Replace "replace" (Str, Str, Str) -> Str, "`s.replace(from, to)`";
    Replacen "replacen" (Str, Str, Str, U64) -> Str, "`s.replacen(from, to, n)`";
    Repeat "repeat" (Str, U64) -> Str, "`s.repeat(n)`";
    Slice "slice" (Str, U64, U64) -> Str, "`&s[a..b]`: a row error where it is out of range or cuts a character.";
    Get "get" (Str, U64, U64) -> OptStr, "`s.get(a..b)`";
    IsCharBoundary "is_char_boundary" (Str, U64) -> Bool, "`s.is_char_boundary(n)`";
    CharCount "char_count" (Str) -> U64, "`s.chars().count()`";
    NthChar "nth_char" (Str, U64) -> OptChar, "`s.chars().nth(n)`";
    LastChar "last_char" (Str) -> OptChar, "`s.chars().last()`";
    Reversed "reversed" (Str) -> Str, "`s.chars().rev().collect::<String>()`";
    CharAt "char_at" (Str, U64) -> Char, "The character that begins at a position; a row error where none does.";
    CharBefore "char_before" (Str, U64) -> Char, "The character that ends at a position; a row error where none does.";
    SkipWhitespace "skip_whitespace" (Str, U64) -> U64, "The first position from one on that is no white space, or the length.";
    FindWhitespace "find_whitespace" (Str, U64) -> U64, "The first position from one on that is white space, or the length.";
    AsBytes "as_bytes" (Str) -> Bytes, "`s.as_bytes()`";
    FromUtf8 "from_utf8" (Bytes) -> OptStr, "`String::from_utf8(b).ok()`";
    FromUtf8Lossy "from_utf8_lossy" (Bytes) -> Str, "`String::from_utf8_lossy(&b)`";
    ByteAt "byte_at" (Bytes, U64) -> U8, "`b[n]`: a row error where it is out of range.";
    GetByte "get_byte" (Bytes, U64) -> OptU8, "`b.get(n)`";
    BytesSlice "bytes_slice" (Bytes, U64, U64) -> Bytes, "`&b[a..b]`: a row error where it is out of range.";
    BytesStartWith "bytes_start_with" (Bytes, Bytes) -> Bool, "`b.starts_with(c)`";
    BytesEndWith "bytes_end_with" (Bytes, Bytes) -> Bool, "`b.ends_with(c)`";
    BytesContain "bytes_contain" (Bytes, U8) -> Bool, "`b.contains(&byte)`";
    CharToString "char_to_string" (Char) -> Str, "`c.to_string()`";
    CharToUppercase "char_to_uppercase" (Char) -> Str, "`c.to_uppercase()`, all of it.";
    CharToLowercase "char_to_lowercase" (Char) -> Str, "`c.to_lowercase()`, all of it.";
    CharLen "len_utf8" (Char) -> U64, "`c.len_utf8()`";
    CharToDigit "to_digit" (Char, U32) -> OptU32, "`c.to_digit(radix)`: a row error where the radix is over 36.";
    CharFromDigit "from_digit" (U32, U32) -> OptChar, "`char::from_digit(n, radix)`: a row error where the radix is over 36.";
    CharFromU32 "from_u32" (U32) -> OptChar, "`char::from_u32(n)`";
    IsAlphabetic "is_alphabetic" (Char) -> Bool, "`c.is_alphabetic()`";
    IsNumeric "is_numeric" (Char) -> Bool, "`c.is_numeric()`";
    IsAlphanumeric "is_alphanumeric" (Char) -> Bool, "`c.is_alphanumeric()`";
    IsWhitespace "is_whitespace" (Char) -> Bool, "`c.is_whitespace()`";
    IsControl "is_control" (Char) -> Bool, "`c.is_control()`";
    IsUppercase "is_uppercase" (Char) -> Bool, "`c.is_uppercase()`";
    IsLowercase "is_lowercase" (Char) -> Bool, "`c.is_lowercase()`";
    IsAscii "is_ascii" (Char) -> Bool, "`c.is_ascii()`";
    IsAsciiAlphabetic "is_ascii_alphabetic" (Char) -> Bool, "`c.is_ascii_alphabetic()`";
    IsAsciiDigit "is_ascii_digit" (Char) -> Bool, "`c.is_ascii_digit()`";
    IsAsciiHexdigit "is_ascii_hexdigit" (Char) -> Bool, "`c.is_ascii_hexdigit()`";
    IsAsciiAlphanumeric "is_ascii_alphanumeric" (Char) -> Bool, "`c.is_ascii_alphanumeric()`";
    IsAsciiUppercase "is_ascii_uppercase" (Char) -> Bool, "`c.is_ascii_uppercase()`";
    IsAsciiLowercase "is_ascii_lowercase" (Char) -> Bool, "`c.is_ascii_lowercase()`";
    IsAsciiPunctuation "is_ascii_punctuation" (Char) -> Bool, "`c.is_ascii_punctuation()`";
    IsAsciiGraphic "is_ascii_graphic" (Char) -> Bool, "`c.is_ascii_graphic()`";
    IsAsciiWhitespace "is_ascii_whitespace" (Char) -> Bool, "`c.is_ascii_whitespace()`";
    IsAsciiControl "is_ascii_control" (Char) -> Bool, "`c.is_ascii_control()`";
    RegexIsMatch "regex_is_match" (Str, Str) -> Bool, "`regex!(\"..\").is_match(&s)`; the pattern is a literal.";
    RegexFind "regex_find" (Str, Str) -> OptStr, "`regex!(\"..\").find(&s)`";
    RegexCapture "regex_capture" (Str, Str, U64) -> OptStr, "`regex!(\"..\").capture(&s, n)`";
    RegexReplaceAll "regex_replace_all" (Str, Str, Str) -> Str, "`regex!(\"..\").replace_all(&s, with)`";
    RegexCount "regex_count" (Str, Str) -> U64, "`regex!(\"..\").count(&s)`";
    RegexPlaces "regex_places" (Str, Str, Bool) -> Places, "Where all groups of a pattern stand in a text, of every match or the first.";
    RegexReplacen "regex_replacen" (Str, Str, Str, U64) -> Str, "`regex!(\"..\").replacen(&s, n, with)`";
    CharToAsciiUppercase "char_to_ascii_uppercase" (Char) -> Char, "`c.to_ascii_uppercase()`";
    CharToAsciiLowercase "char_to_ascii_lowercase" (Char) -> Char, "`c.to_ascii_lowercase()`";
    SplitNth "split_nth" (Str, Str, U64) -> OptStr, "`s.split(t).nth(n)`";
    CountOf "count_of" (Str, Char) -> U64, "`s.chars().filter(|c| *c == wanted).count()`";
}

impl TextFunction {
    /// Whether it takes arguments of these types and gives this one.
    #[must_use]
    pub fn fits(self, args: &[&Type], result: &Type) -> bool {
        args.len() == self.args().len()
            && self.args().iter().zip(args).all(|(takes, arg)| takes.ty() == **arg)
            && self.result().ty() == *result
    }

    /// Whether some row may make it a row error, beside its want of memory.
    #[must_use]
    pub fn can_fail(self) -> bool {
        matches!(
            self,
            Self::Slice
                | Self::CharAt
                | Self::CharBefore
                | Self::ByteAt
                | Self::BytesSlice
                | Self::CharToDigit
                | Self::CharFromDigit
        )
    }
}

/// Whether values of the type can be read from a string: `s.parse::<T>()`.
#[must_use]
pub fn is_parsed(ty: &Type) -> bool {
    ty.is_integer() || ty.is_float() || matches!(ty, Type::Bool | Type::Char | Type::String)
}

/// Whether values of the type can be written into a string: `format!`, `to_string`.
#[must_use]
pub fn is_formatted(ty: &Type) -> bool {
    is_parsed(ty)
}
