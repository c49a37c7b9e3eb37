//! What stands between the braces of `format!`, and what std makes of it.
//!
//! The compiler writes a specification as the author did (`>8.2`), the code generator packs it into a word, and the
//! runtime unpacks it. Values are written by std with the flags that std's own macros would have; only padding with a
//! character other than zero is done here, as `Formatter::pad_integral` and its like do it.

use std::fmt::{self, Write};

/// Where a value stands in its width.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Align {
    /// `<`
    Left,
    /// `^`
    Center,
    /// `>`
    Right,
}

/// Which of std's traits writes it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Style {
    /// `{}`
    #[default]
    Display,
    /// `{:?}`
    Debug,
    /// `{:x}`
    LowerHex,
    /// `{:X}`
    UpperHex,
    /// `{:b}`
    Binary,
    /// `{:o}`
    Octal,
    /// `{:e}`
    LowerExp,
    /// `{:E}`
    UpperExp,
}

const STYLES: [(Style, &str); 8] = [
    (Style::Display, ""),
    (Style::Debug, "?"),
    (Style::LowerHex, "x"),
    (Style::UpperHex, "X"),
    (Style::Binary, "b"),
    (Style::Octal, "o"),
    (Style::LowerExp, "e"),
    (Style::UpperExp, "E"),
];

/// What stands behind the colon.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FormatSpec {
    /// What fills the width; a space if nothing is said.
    pub fill: Option<char>,
    /// Where the value stands.
    pub align: Option<Align>,
    /// `+`
    pub plus: bool,
    /// `#`
    pub alternate: bool,
    /// `0`
    pub zero: bool,
    /// At least so many characters.
    pub width: Option<u16>,
    /// Digits behind the point, or characters of a string.
    pub precision: Option<u16>,
    /// Which trait.
    pub style: Style,
}

impl FormatSpec {
    /// Reads `>8.2`; nothing if it is none.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut spec = Self::default();
        let mut rest = text;
        let align = |c: char| match c {
            '<' => Some(Align::Left),
            '^' => Some(Align::Center),
            '>' => Some(Align::Right),
            _ => None,
        };
        let mut chars = rest.chars();
        let (first, second) = (chars.next(), chars.next());
        if let (Some(fill), Some(at)) = (first, second.and_then(align)) {
            (spec.fill, spec.align) = (Some(fill), Some(at));
            rest = chars.as_str();
        } else if let Some(at) = first.and_then(align) {
            spec.align = Some(at);
            rest = &rest[1..];
        }
        let mut flag = |symbol: char| match rest.strip_prefix(symbol) {
            Some(after) => {
                rest = after;
                true
            }
            None => false,
        };
        spec.plus = flag('+');
        spec.alternate = flag('#');
        spec.zero = flag('0');
        let number = |rest: &mut &str| {
            let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
            let (number, after) = rest.split_at(digits);
            *rest = after;
            if number.is_empty() { Some(None) } else { number.parse().ok().map(Some) }
        };
        spec.width = number(&mut rest)?;
        if let Some(after) = rest.strip_prefix('.') {
            rest = after;
            spec.precision = Some(number(&mut rest)??);
        }
        spec.style = STYLES.iter().find(|(_, written)| *written == rest)?.0;
        Some(spec)
    }

    /// As one word.
    #[must_use]
    pub fn pack(self) -> u64 {
        let align = match self.align {
            None => 0,
            Some(Align::Left) => 1,
            Some(Align::Center) => 2,
            Some(Align::Right) => 3,
        };
        let style = STYLES.iter().position(|(style, _)| *style == self.style).unwrap_or(0) as u64;
        u64::from(u32::from(self.fill.unwrap_or(' ')))
            | align << 21
            | u64::from(self.plus) << 23
            | u64::from(self.alternate) << 24
            | u64::from(self.zero) << 25
            | style << 26
            | u64::from(self.width.is_some()) << 29
            | u64::from(self.precision.is_some()) << 30
            | u64::from(self.width.unwrap_or(0)) << 31
            | u64::from(self.precision.unwrap_or(0)) << 47
    }

    /// What [`Self::pack`] made.
    #[must_use]
    pub fn unpack(word: u64) -> Self {
        let bit = |at: u32| word >> at & 1 == 1;
        Self {
            fill: char::from_u32((word & 0x1f_ffff) as u32).filter(|fill| *fill != ' '),
            align: match word >> 21 & 3 {
                1 => Some(Align::Left),
                2 => Some(Align::Center),
                3 => Some(Align::Right),
                _ => None,
            },
            plus: bit(23),
            alternate: bit(24),
            zero: bit(25),
            width: bit(29).then_some((word >> 31) as u16),
            precision: bit(30).then_some((word >> 47) as u16),
            style: STYLES[(word >> 26 & 7) as usize].0,
        }
    }
}

/// Writes with the flags of a specification: std's macros want them in the text.
macro_rules! write_flags {
    ($out:expr, $value:expr, $spec:expr, $ty:literal, $alternate:expr, $precision:expr) => {{
        let width = if $spec.zero { $spec.width } else { None }.map(usize::from);
        let precision: Option<usize> = $precision;
        match ($spec.plus, $alternate, width, precision) {
            (false, false, None, None) => write!($out, concat!("{:", $ty, "}"), $value),
            (true, false, None, None) => write!($out, concat!("{:+", $ty, "}"), $value),
            (false, true, None, None) => write!($out, concat!("{:#", $ty, "}"), $value),
            (true, true, None, None) => write!($out, concat!("{:+#", $ty, "}"), $value),
            (false, false, Some(w), None) => write!($out, concat!("{:0w$", $ty, "}"), $value, w = w),
            (true, false, Some(w), None) => write!($out, concat!("{:+0w$", $ty, "}"), $value, w = w),
            (false, true, Some(w), None) => write!($out, concat!("{:#0w$", $ty, "}"), $value, w = w),
            (true, true, Some(w), None) => write!($out, concat!("{:+#0w$", $ty, "}"), $value, w = w),
            (false, _, None, Some(p)) => write!($out, concat!("{:.p$", $ty, "}"), $value, p = p),
            (true, _, None, Some(p)) => write!($out, concat!("{:+.p$", $ty, "}"), $value, p = p),
            (false, _, Some(w), Some(p)) => write!($out, concat!("{:0w$.p$", $ty, "}"), $value, w = w, p = p),
            (true, _, Some(w), Some(p)) => write!($out, concat!("{:+0w$.p$", $ty, "}"), $value, w = w, p = p),
        }
    }};
}

macro_rules! write_integer {
    ($(#[$doc:meta] $name:ident $ty:ty;)*) => { $(
        #[$doc]
        ///
        /// # Errors
        /// If the writer takes no more.
        pub fn $name(out: &mut impl Write, value: $ty, spec: FormatSpec) -> fmt::Result {
            padded(out, spec, Align::Right, |out| {
                let digits = spec.precision.map(usize::from);
                match spec.style {
                    Style::Display | Style::Debug => write_flags!(out, value, spec, "", false, None),
                    Style::LowerHex => write_flags!(out, value, spec, "x", spec.alternate, None),
                    Style::UpperHex => write_flags!(out, value, spec, "X", spec.alternate, None),
                    Style::Binary => write_flags!(out, value, spec, "b", spec.alternate, None),
                    Style::Octal => write_flags!(out, value, spec, "o", spec.alternate, None),
                    Style::LowerExp => write_flags!(out, value, spec, "e", false, digits),
                    Style::UpperExp => write_flags!(out, value, spec, "E", false, digits),
                }
            })
        }
    )* };
}

write_integer! {
    /// A signed integer; where its bits are wanted, see [`write_unsigned`].
    write_signed i64;
    /// An unsigned integer, or the bits of any integer.
    write_unsigned u64;
}

macro_rules! write_float {
    ($(#[$doc:meta] $name:ident $ty:ty;)*) => { $(
        #[$doc]
        ///
        /// # Errors
        /// If the writer takes no more.
        pub fn $name(out: &mut impl Write, value: $ty, spec: FormatSpec) -> fmt::Result {
            padded(out, spec, Align::Right, |out| {
                let digits = spec.precision.map(usize::from);
                match spec.style {
                    Style::Debug => write_flags!(out, value, spec, "?", false, digits),
                    Style::LowerExp => write_flags!(out, value, spec, "e", false, digits),
                    Style::UpperExp => write_flags!(out, value, spec, "E", false, digits),
                    // Floats have no digits in other bases: the checker says so.
                    Style::Display | Style::LowerHex | Style::UpperHex | Style::Binary | Style::Octal => {
                        write_flags!(out, value, spec, "", false, digits)
                    }
                }
            })
        }
    )* };
}

write_float! {
    /// An `f64`.
    write_f64 f64;
    /// An `f32`.
    write_f32 f32;
}

/// A number of another type, whose `Display` knows signs, zeros and digits behind the point; `{:?}` writes it the same way.
///
/// # Errors
/// If the writer takes no more.
pub fn write_number(out: &mut impl Write, value: impl fmt::Display + Copy, spec: FormatSpec) -> fmt::Result {
    padded(out, spec, Align::Right, |out| write_flags!(out, value, spec, "", false, spec.precision.map(usize::from)))
}

/// A string. Its precision is the greatest number of characters; `{:?}` knows neither width nor precision.
///
/// # Errors
/// If the writer takes no more.
pub fn write_str(out: &mut impl Write, value: &str, spec: FormatSpec) -> fmt::Result {
    if spec.style == Style::Debug {
        return write!(out, "{value:?}");
    }
    let value = match spec.precision {
        Some(most) => value.char_indices().nth(most.into()).map_or(value, |(end, _)| &value[..end]),
        None => value,
    };
    let Some(width) = spec.width else { return out.write_str(value) };
    fill(out, spec, Align::Left, usize::from(width).saturating_sub(value.chars().count()), value)
}

/// A `bool`.
///
/// # Errors
/// If the writer takes no more.
pub fn write_bool(out: &mut impl Write, value: bool, spec: FormatSpec) -> fmt::Result {
    write_str(out, if value { "true" } else { "false" }, FormatSpec { style: Style::Display, ..spec })
}

/// A `char`.
///
/// # Errors
/// If the writer takes no more.
pub fn write_char(out: &mut impl Write, value: char, spec: FormatSpec) -> fmt::Result {
    if spec.style == Style::Debug {
        write!(out, "{value:?}")
    } else {
        write_str(out, value.encode_utf8(&mut [0; 4]), spec)
    }
}

/// What `write` writes, in the width. With `0` it has seen to the width itself.
///
/// # Errors
/// If the writer takes no more.
pub fn padded<W: Write>(
    out: &mut W,
    spec: FormatSpec,
    default: Align,
    write: impl Fn(&mut dyn Write) -> fmt::Result,
) -> fmt::Result {
    let Some(width) = spec.width.filter(|_| !spec.zero) else { return write(out) };
    let mut short = Short::default();
    if write(&mut short).is_ok() {
        let text = short.as_str();
        return fill(out, spec, default, usize::from(width).saturating_sub(text.chars().count()), text);
    }
    let mut text = String::new();
    write(&mut text)?;
    fill(out, spec, default, usize::from(width).saturating_sub(text.chars().count()), &text)
}

fn fill(out: &mut impl Write, spec: FormatSpec, default: Align, missing: usize, text: &str) -> fmt::Result {
    let before = match spec.align.unwrap_or(default) {
        Align::Left => 0,
        Align::Center => missing / 2,
        Align::Right => missing,
    };
    let fill = spec.fill.unwrap_or(' ');
    for _ in 0..before {
        out.write_char(fill)?;
    }
    out.write_str(text)?;
    for _ in before..missing {
        out.write_char(fill)?;
    }
    Ok(())
}

/// Text that most numbers fit in.
struct Short {
    bytes: [u8; 64],
    len: usize,
}

impl Default for Short {
    fn default() -> Self {
        Self { bytes: [0; 64], len: 0 }
    }
}

impl Short {
    fn as_str(&self) -> &str {
        std::str::from_utf8(&self.bytes[..self.len]).unwrap_or("")
    }
}

impl Write for Short {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let to = self.bytes.get_mut(self.len..self.len + text.len()).ok_or(fmt::Error)?;
        to.copy_from_slice(text.as_bytes());
        self.len += text.len();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FLOATS: [f64; 16] = [
        0.0,
        -0.0,
        1.0,
        -1.5,
        0.1,
        1e15,
        1e16,
        1e-5,
        123_456.789,
        f64::MAX,
        f64::MIN_POSITIVE,
        5e-324,
        f64::INFINITY,
        f64::NEG_INFINITY,
        f64::NAN,
        0.5,
    ];
    const INTS: [i64; 7] = [0, 1, -1, 42, -12345, i64::MAX, i64::MIN];
    const TEXTS: [&str; 6] = ["", "a", "äöü", "a\"b\\\n", "日本語 text", "\u{1f600}"];

    fn spec(text: &str) -> FormatSpec {
        let spec = FormatSpec::parse(text).unwrap_or_else(|| panic!("{text:?} is a specification"));
        let unpacked = FormatSpec::unpack(spec.pack());
        assert_eq!(unpacked, FormatSpec { fill: spec.fill.filter(|fill| *fill != ' '), ..spec }, "{text:?}");
        unpacked
    }

    macro_rules! check {
        ($values:expr, $write:ident, $($spec:literal)*) => { $(
            for value in $values {
                let mut written = String::new();
                $write(&mut written, value, spec($spec)).expect("a String takes anything");
                assert_eq!(written, format!(concat!("{:", $spec, "}"), value), "{value:?} with {:?}", $spec);
            }
        )* };
    }

    #[test]
    fn numbers_are_written_as_std_writes_them() {
        check!(FLOATS, write_f64, "" "?" "e" "E" "+" ".0" ".3" "8.2" ">8.2" "<12" "^12.1" "*^12" "08.3" "+08.3" "+.1e" "012" "020?" ".2?" "12?" "-<9.1" "ä>9.1" "0400" "400");
        check!(FLOATS.map(|x| x as f32), write_f32, "" "?" "e" "+" ".3" ">10.2" "010.1" "+?" "E");
        check!(INTS, write_signed, "" "?" "+" "5" "<5" "^5" "05" "+05" "x^9" "#5" "e" "E" ".2e" ">30" "030" ".3" "#?");
        check!(INTS.map(|x| x as u64), write_unsigned, "" "x" "X" "#x" "#X" "b" "#b" "o" "#o" "08x" "#010x" "#70b" "<20x" "*^20X" "+x" "+#x" "_>#8o");
    }

    #[test]
    fn texts_are_written_as_std_writes_them() {
        check!(TEXTS, write_str, "" "?" "5" "<5" ">5" "^5" "*^7" ".2" "6.2" ">6.2" "05" ".0" "10?" "ß>4" "+5");
        check!([true, false], write_bool, "" "?" "7" ">7" ".2" "^9?" "06");
        check!(['a', 'ä', '\'', '\n', '\u{10ffff}'], write_char, "" "?" "3" ">3" "^4" ".0" "5?" "-^5");
    }

    #[test]
    fn what_is_no_specification_is_refused() {
        for text in ["z", "1.", ".", "5$", "w$", ".*", "x?", "99999", "+-", "  ", "..2", "5 "] {
            assert_eq!(FormatSpec::parse(text), None, "{text:?}");
        }
    }
}
