//! `generate()`: a column as a function of its row's number.
//!
//! What a column holds is said in a few words, `"uniform:0..100"`; the compiler asks whether they make sense for the
//! column's type, and the runtime makes the values. A value depends on the words, the column's name and the row's number
//! alone, so any piece of the rows can be made alone, twice, by anybody.

use crate::math;

/// The first moment of generated times: 2024-01-01T00:00:00Z.
const FIRST_TIME_US: i64 = 1_704_067_200_000_000;

/// From one row to the next, unless somebody says.
const STEP_US: i64 = 1_000;

/// So many different values a skewed column may have: their weights are kept.
const MOST_RANKS: u64 = 1_000_000;

/// What can be generated, as far as words tell.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    /// `bool`.
    Bool,
    /// Integers between these two.
    Int {
        /// The least.
        least: i64,
        /// The greatest.
        greatest: i64,
    },
    /// `f32`, `f64`.
    Float,
    /// `String`.
    Text,
    /// `Timestamp`.
    Time,
}

/// A column of `generate()`.
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    salt: u64,
    values: Values,
    /// How many rows of 2^64 have no value.
    none: u64,
}

#[derive(Clone, Debug, PartialEq)]
enum Values {
    Sequence(i64),
    Ints {
        low: i64,
        width: u64,
    },
    Floats {
        low: f64,
        width: f64,
    },
    /// Ranks by weight: the sums of the weights, the last 1.
    Skewed(Vec<f64>),
    /// One of these.
    Choice(Vec<String>),
    /// A prefix and a number, that of a rank.
    Names(String, Vec<f64>),
    /// A prefix and a number below this.
    Named(String, u64),
    Times {
        step_us: i64,
        jitter_us: u64,
    },
    /// How many rows of 2^64 are `true`.
    Chance(u64),
}

impl Column {
    /// The column of this name, as the words say; without words, what its kind makes most sense as.
    ///
    /// # Errors
    /// What is wrong with the words, as a clause.
    pub fn parse(name: &str, words: Option<&str>, kind: Kind) -> Result<Self, String> {
        let words = words.unwrap_or(match kind {
            Kind::Bool => "chance:0.5",
            Kind::Int { .. } => "uniform:0..100",
            Kind::Float => "uniform:0..1",
            Kind::Text => "name:s:100",
            Kind::Time => "time",
        });
        let (words, none) = match words.split_once('?') {
            Some((words, share)) => (words.trim(), chance(share.trim())?),
            None => (words.trim(), 0),
        };
        let (what, more) = words.split_once(':').unwrap_or((words, ""));
        let values = match (what, kind) {
            ("sequence", Kind::Int { .. }) if more.is_empty() => Values::Sequence(0),
            ("sequence", Kind::Int { least, greatest }) => {
                let first: i64 = number(more)?;
                within(first, least, greatest)?;
                Values::Sequence(first)
            }
            ("uniform", Kind::Int { least, greatest }) => {
                let (low, high): (i64, i64) = range(more)?;
                let width = high.checked_sub(low).filter(|width| *width > 0);
                let Some(width) = width else { return Err(format!("`{more}` holds no number")) };
                within(low, least, greatest)?;
                within(high - 1, least, greatest)?;
                Values::Ints { low, width: width.unsigned_abs() }
            }
            ("uniform", Kind::Float) => {
                let (low, high): (f64, f64) = range(more)?;
                let width = high - low;
                if !(width > 0.0 && width.is_finite()) {
                    return Err(format!("`{more}` holds no number"));
                }
                Values::Floats { low, width }
            }
            ("zipf", Kind::Int { least, greatest }) => {
                let ranks = ranks(more)?;
                within(0, least, greatest)?;
                within(i64::try_from(ranks.len()).unwrap_or(i64::MAX) - 1, least, greatest)?;
                Values::Skewed(ranks)
            }
            ("choice", Kind::Text) if !more.is_empty() => Values::Choice(more.split('|').map(str::to_owned).collect()),
            ("name", Kind::Text) => {
                let (prefix, more) = more.split_once(':').ok_or("it is written `name:PREFIX:COUNT`")?;
                match more.split_once(":zipf") {
                    None => {
                        let count: u64 = number(more)?;
                        if count == 0 {
                            return Err("it has no name".to_owned());
                        }
                        Values::Named(prefix.to_owned(), count)
                    }
                    Some((count, exponent)) => Values::Names(prefix.to_owned(), ranks(&format!("{count}{exponent}"))?),
                }
            }
            ("time", Kind::Time) => {
                let (step, jitter) = more.split_once(':').unwrap_or((more, "0us"));
                let step_us = if step.is_empty() { STEP_US } else { length(step)? };
                Values::Times { step_us, jitter_us: length(jitter)?.unsigned_abs() }
            }
            ("chance", Kind::Bool) => Values::Chance(chance(more)?),
            ("sequence" | "uniform" | "zipf" | "choice" | "name" | "time" | "chance", _) => {
                return Err(format!("`{what}` does not make values of this type"));
            }
            _ => {
                return Err(format!(
                    "there is no generator `{what}`; there are `sequence`, `uniform`, `zipf`, `choice`, `name`, `time` and `chance`"
                ));
            }
        };
        let salt = name.bytes().fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
        });
        Ok(Self { salt, values, none })
    }

    /// Whether the row has no value here, where the column allows that.
    #[must_use]
    pub fn is_none(&self, row: u64) -> bool {
        self.none > 0 && draw(row, !self.salt) < self.none
    }

    /// Whether the values never get less from one row to the next.
    #[must_use]
    pub fn is_rising(&self) -> bool {
        self.none == 0
            && match self.values {
                Values::Sequence(_) => true,
                Values::Times { jitter_us, .. } => jitter_us == 0,
                Values::Ints { .. }
                | Values::Floats { .. }
                | Values::Skewed(_)
                | Values::Choice(_)
                | Values::Names(..)
                | Values::Named(..)
                | Values::Chance(_) => false,
            }
    }

    /// An integer, or a time in microseconds.
    #[must_use]
    pub fn int(&self, row: u64) -> i64 {
        match &self.values {
            Values::Sequence(first) => first.wrapping_add_unsigned(row),
            Values::Ints { low, width } => low.wrapping_add_unsigned(below(draw(row, self.salt), *width)),
            Values::Skewed(sums) => i64::try_from(self.rank(row, sums)).unwrap_or(i64::MAX),
            Values::Times { step_us, jitter_us } => {
                let back = below(draw(row, self.salt), jitter_us + 1);
                let since = i64::try_from(row).unwrap_or(i64::MAX).wrapping_mul(*step_us);
                FIRST_TIME_US.wrapping_add(since).wrapping_sub_unsigned(back)
            }
            Values::Floats { .. } | Values::Choice(_) | Values::Names(..) | Values::Named(..) | Values::Chance(_) => 0,
        }
    }

    /// A float.
    #[must_use]
    pub fn float(&self, row: u64) -> f64 {
        match &self.values {
            Values::Floats { low, width } => low + unit(draw(row, self.salt)) * width,
            Values::Sequence(_)
            | Values::Ints { .. }
            | Values::Skewed(_)
            | Values::Choice(_)
            | Values::Names(..)
            | Values::Named(..)
            | Values::Times { .. }
            | Values::Chance(_) => 0.0,
        }
    }

    /// Whether it is `true`.
    #[must_use]
    pub fn truth(&self, row: u64) -> bool {
        matches!(self.values, Values::Chance(share) if draw(row, self.salt) < share)
    }

    /// A text, behind what `out` holds.
    pub fn text(&self, row: u64, out: &mut String) {
        match &self.values {
            Values::Choice(words) => {
                let at = below(draw(row, self.salt), words.len() as u64);
                out.push_str(words.get(usize::try_from(at).unwrap_or(0)).map_or("", String::as_str));
            }
            Values::Named(prefix, count) => {
                out.push_str(prefix);
                out.push_str(&below(draw(row, self.salt), *count).to_string());
            }
            Values::Names(prefix, sums) => {
                out.push_str(prefix);
                out.push_str(&self.rank(row, sums).to_string());
            }
            Values::Sequence(_)
            | Values::Ints { .. }
            | Values::Floats { .. }
            | Values::Skewed(_)
            | Values::Times { .. }
            | Values::Chance(_) => {}
        }
    }

    fn rank(&self, row: u64, sums: &[f64]) -> usize {
        let at = unit(draw(row, self.salt));
        sums.partition_point(|sum| *sum <= at).min(sums.len() - 1)
    }
}

/// A random number of a row; `salt` keeps columns apart. The finalizer of SplitMix64 (Steele, Lea, Flood 2014).
fn draw(row: u64, salt: u64) -> u64 {
    let mut x = row.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(salt);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

fn below(random: u64, n: u64) -> u64 {
    u64::try_from((u128::from(random) * u128::from(n)) >> 64).unwrap_or(0)
}

/// A number from 0 up to 1, which it is not.
fn unit(random: u64) -> f64 {
    (random >> 11) as f64 / (1_u64 << 53) as f64
}

fn number<T: std::str::FromStr>(text: &str) -> Result<T, String> {
    text.trim().replace('_', "").parse().map_err(|_| format!("`{text}` is no number that fits"))
}

fn range<T: std::str::FromStr>(text: &str) -> Result<(T, T), String> {
    let (low, high) = text.split_once("..").ok_or("it is written `uniform:LOW..HIGH`")?;
    Ok((number(low)?, number(high)?))
}

fn within(value: i64, least: i64, greatest: i64) -> Result<(), String> {
    if (least..=greatest).contains(&value) { Ok(()) } else { Err(format!("{value} does not fit the column's type")) }
}

/// A share of all rows, as a part of 2^64.
fn chance(text: &str) -> Result<u64, String> {
    let share: f64 = number(text)?;
    if !(0.0..=1.0).contains(&share) {
        return Err(format!("`{text}` is no share: it is between 0 and 1"));
    }
    // All of them is one less than 2^64: nobody sees the difference.
    Ok((share * 18_446_744_073_709_551_616.0) as u64)
}

/// `250us`, `1ms`, `5s`.
fn length(text: &str) -> Result<i64, String> {
    let text = text.trim();
    let (digits, unit_us) = match (text.strip_suffix("us"), text.strip_suffix("ms"), text.strip_suffix('s')) {
        (Some(digits), _, _) => (digits, 1),
        (None, Some(digits), _) => (digits, 1_000),
        (None, None, Some(digits)) => (digits, 1_000_000),
        (None, None, None) => return Err(format!("`{text}` is no length of time: `250us`, `1ms`, `5s`")),
    };
    let count: i64 = number(digits)?;
    let fits = |us: &i64| (0..=86_400_000_000_000).contains(us);
    count.checked_mul(unit_us).filter(fits).ok_or_else(|| format!("`{text}` is no length of time below 1000 days"))
}

/// `1000` or `1000:1.2`: the sums of the weights of so many ranks, each 1 over its number to the power of the exponent.
fn ranks(text: &str) -> Result<Vec<f64>, String> {
    let (count, exponent) = text.split_once(':').unwrap_or((text, "1"));
    let count: u64 = number(count)?;
    let exponent: f64 = number(exponent)?;
    if count == 0 || count > MOST_RANKS {
        return Err(format!("it has 1 to {MOST_RANKS} values"));
    }
    if !(0.0..=10.0).contains(&exponent) {
        return Err("its exponent is between 0 and 10".to_owned());
    }
    let mut sums: Vec<f64> = Vec::new();
    let mut sum = 0.0;
    for rank in 1..=count {
        sum += math::exp(-exponent * math::ln(rank as f64));
        sums.push(sum);
    }
    sums.iter_mut().for_each(|part| *part /= sum);
    Ok(sums)
}

#[cfg(test)]
mod tests {
    use super::*;

    const INT: Kind = Kind::Int { least: i64::MIN, greatest: i64::MAX };

    fn column(words: &str, kind: Kind) -> Column {
        Column::parse("c", Some(words), kind).unwrap_or_else(|error| panic!("{words}: {error}"))
    }

    #[test]
    fn numbers_are_where_they_are_said_to_be() {
        let uniform = column("uniform:-5..5", INT);
        let values: Vec<i64> = (0..10_000).map(|row| uniform.int(row)).collect();
        assert!(values.iter().all(|value| (-5..5).contains(value)));
        for wanted in -5..5 {
            let count = values.iter().filter(|value| **value == wanted).count();
            assert!((800..1200).contains(&count), "{wanted}: {count}");
        }
        assert_eq!((0..3).map(|row| column("sequence:7", INT).int(row)).collect::<Vec<_>>(), [7, 8, 9]);
        let float = column("uniform:1.5..2.5", Kind::Float);
        assert!((0..1000).all(|row| (1.5..2.5).contains(&float.float(row))));
    }

    #[test]
    fn a_skewed_column_has_its_first_value_most_often() {
        let zipf = column("zipf:100:1.2", INT);
        let mut counts = [0_u32; 100];
        (0..100_000).for_each(|row| counts[usize::try_from(zipf.int(row)).expect("a rank")] += 1);
        assert!(counts[0] > 2 * counts[1] && counts[1] > counts[10] && counts[99] > 0, "{counts:?}");
        let names = column("name:sym:10:zipf:2", Kind::Text);
        let mut text = String::new();
        names.text(3, &mut text);
        assert!(text.starts_with("sym"), "{text}");
    }

    #[test]
    fn times_go_on_step_by_step_but_for_their_jitter() {
        let time = column("time:1ms", Kind::Time);
        assert_eq!(time.int(1000) - time.int(0), 1_000_000);
        let jitter = column("time:1ms:5ms", Kind::Time);
        assert!((0..1000).all(|row| (0..=5_000).contains(&(time.int(row) - jitter.int(row)))));
        assert!((0..1000).any(|row| jitter.int(row + 1) < jitter.int(row)));
    }

    #[test]
    fn some_rows_have_no_value_and_columns_differ() {
        let sparse = column("uniform:0..10 ?0.25", INT);
        let none = (0..10_000).filter(|row| sparse.is_none(*row)).count();
        assert!((2_300..2_700).contains(&none), "{none}");
        let other = Column::parse("d", Some("uniform:0..10"), INT).expect("words");
        assert!((0..100).any(|row| sparse.int(row) != other.int(row)));
    }

    #[test]
    fn what_makes_no_sense_is_said() {
        let small = Kind::Int { least: 0, greatest: 255 };
        for (words, kind) in [
            ("uniform:0..0", INT),
            ("uniform:5", INT),
            ("uniform:0..300", small),
            ("sequence:-1", small),
            ("zipf:0", INT),
            ("zipf:300", small),
            ("zipf:10:99", INT),
            ("name:s", Kind::Text),
            ("choice:", Kind::Text),
            ("time:5", Kind::Time),
            ("time", INT),
            ("chance:2", Kind::Bool),
            ("normal:0", Kind::Float),
            ("uniform:0..1?7", Kind::Float),
        ] {
            assert!(Column::parse("c", Some(words), kind).is_err(), "{words}");
        }
    }
}
