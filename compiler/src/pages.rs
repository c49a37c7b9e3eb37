//! The page of every error code: what the message means, why it is said, a wrong and a right example.
//!
//! A page is `docs/errors/E0123.md`. A test compiles its examples, and demands a page for every code that the compiler can
//! say. Examples that are not whole files say behind which text they stand: see [`Kind`].

/// The page of one error code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    /// `E0301`.
    pub code: &'static str,
    /// The page as Markdown.
    pub text: &'static str,
}

/// What an example's text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `rust`: a whole job.rs.
    File,
    /// `rust items`: items beside those of a job.
    Items,
    /// `rust pipeline`: statements of a pipeline that has the streams `quotes` and `securities`.
    Pipeline,
    /// `rust value`: an expression over a row `q` of `quotes`.
    Value,
    /// `json`: a whole job graph.
    Json,
}

/// An example of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Example {
    /// Whether it shows how it is done, and not the mistake.
    pub is_right: bool,
    /// What the text is.
    pub kind: Kind,
    /// As it stands on the page.
    pub text: &'static str,
}

/// The records of the examples that are not whole files.
pub const RECORDS: &str = "#[sabot::record]
struct Quote {
    id: i64,
    symbol: String,
    price: f64,
    volume: i64,
    lots: u32,
    venue: Option<String>,
    bid: Option<f64>,
    at: Timestamp,
}

#[sabot::record]
struct Security {
    id: i64,
    name: String,
    sector: Option<String>,
}

#[sabot::record]
struct Out {
    symbol: String,
    value: f64,
}
";

macro_rules! pages {
    ($($code:ident)*) => {
        &[$(Page {
            code: stringify!($code),
            text: include_str!(concat!("../docs/errors/", stringify!($code), ".md")),
        }),*]
    };
}

/// By their codes, ascending.
const PAGES: &[Page] = pages! {
    E0100 E0101 E0102 E0103 E0104
    E0200 E0201 E0202 E0203 E0204 E0205 E0206 E0207 E0208 E0209
    E0210 E0211 E0212 E0213 E0214 E0215 E0216 E0217 E0218 E0219
    E0220 E0221 E0222
    E0230 E0231 E0232 E0233 E0234 E0235
    E0301 E0302 E0303 E0305 E0306 E0307 E0308 E0309
    E0310 E0311 E0312 E0313 E0314
    E0320 E0321 E0322
    E0330 E0331 E0333 E0334 E0335 E0336 E0337 E0338
    E0401 E0402 E0403 E0404 E0405 E0407 E0408 E0409
    E0410 E0411
    E0420 E0421 E0422 E0423 E0424 E0425 E0426 E0427
    E0500 E0501 E0502 E0503 E0505 E0506 E0507 E0508 E0509
    E0510 E0511 E0512
    E0520 E0521 E0522 E0523 E0524 E0525 E0526 E0528
    E0530 E0531 E0532 E0533 E0534 E0535 E0536 E0537 E0538 E0539 E0540
    E0600 E0601 E0602 E0603 E0605 E0606 E0607
    E0700 E0701 E0702 E0703 E0704 E0705 E0706 E0707
    E0710 E0711 E0712 E0713 E0714 E0715 E0716 E0717 E0718 E0719
    E0720 E0721 E0722 E0723 E0724 E0725 E0726 E0727
    E0740 E0741 E0742 E0743 E0744
    E0800 E0801 E0802 E0803 E0804 E0805 E0806 E0807
    E0810
};

/// Every page, by its code.
#[must_use]
pub fn pages() -> &'static [Page] {
    PAGES
}

/// The page of a code; its letter may be small, and may be missing.
#[must_use]
pub fn page(code: &str) -> Option<&'static Page> {
    let wanted = normal(code)?;
    PAGES.iter().find(|page| page.code == wanted)
}

/// Whether a word has the form of a code: `E0301`, `e301`, `0301`.
#[must_use]
pub fn is_code(word: &str) -> bool {
    normal(word).is_some()
}

/// `E0301` for `e301`; nothing if the word is no code.
fn normal(word: &str) -> Option<String> {
    const DIGITS: usize = 4;
    let digits = word.strip_prefix(['E', 'e']).unwrap_or(word);
    let is_number = !digits.is_empty() && digits.len() <= DIGITS && digits.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| format!("E{digits:0>DIGITS$}"))
}

impl Page {
    /// `a value has another type than is needed`.
    #[must_use]
    pub fn title(&self) -> &'static str {
        let head = self.text.lines().next().unwrap_or_default();
        head.split_once(": ").map_or(head, |(_, title)| title)
    }

    /// The examples in the order of the page.
    #[must_use]
    pub fn examples(&self) -> Vec<Example> {
        let mut examples = Vec::new();
        let mut is_right = false;
        let mut rest = self.text;
        while let Some((line, after)) = rest.split_once('\n') {
            rest = after;
            match line {
                "## Wrong" => is_right = false,
                "## Right" => is_right = true,
                _ => {}
            }
            let Some(kind) = line.strip_prefix("```").and_then(Kind::of_fence) else { continue };
            let Some((text, after)) = rest.split_once("```") else { break };
            rest = after;
            examples.push(Example { is_right, kind, text });
        }
        examples
    }
}

impl Kind {
    /// What a Markdown fence with this behind it holds.
    fn of_fence(info: &str) -> Option<Self> {
        match info {
            "rust" => Some(Self::File),
            "rust items" => Some(Self::Items),
            "rust pipeline" => Some(Self::Pipeline),
            "rust value" => Some(Self::Value),
            "json" => Some(Self::Json),
            _ => None,
        }
    }
}

impl Example {
    /// The example as a whole file.
    #[must_use]
    pub fn whole(&self) -> String {
        const BEGIN: &str = "#[sabot::pipeline]
fn example() {
    let quotes = source::<Quote>(\"quotes\", csv(\"quotes.csv\"));
    let securities = table::<Security>(\"securities\", csv(\"securities.csv\"));
";
        const END: &str = "    quotes.sink(\"all_quotes\", csv(\"all_quotes.csv\"));
    securities.sink(\"all_securities\", csv(\"all_securities.csv\"));
}
";
        let indented = |text: &str| text.lines().map(|line| format!("    {line}\n")).collect::<String>();
        let job = |items: &str, statements: &str| {
            format!("use sabot::prelude::*;\n\n{RECORDS}\n{items}{BEGIN}{statements}{END}")
        };
        match self.kind {
            Kind::File | Kind::Json => self.text.to_owned(),
            Kind::Items => job(&format!("{}\n", self.text), ""),
            Kind::Pipeline => job("", &indented(self.text)),
            Kind::Value => {
                let statement = format!(
                    "quotes\n    .filter(|q| {{\n        let _value = {};\n        q.id > 0\n    }})\n    .sink(\"out\", csv(\"out.csv\"));",
                    self.text.trim_end()
                );
                job("", &indented(&statement))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_found_however_they_are_written() {
        assert_eq!(page("E0301").map(|page| page.code), Some("E0301"));
        assert_eq!(page("e301").map(|page| page.code), Some("E0301"));
        assert_eq!(page("0301").map(|page| page.code), Some("E0301"));
        assert_eq!(page("E0399"), None);
        assert!(!is_code("job.rs") && !is_code("E03011") && !is_code("E") && !is_code("E03x1"));
    }

    #[test]
    fn examples_are_read_with_what_they_are() {
        let page = Page {
            code: "E0999",
            text: "# E0999: t\n\n## Wrong\n\n```rust value\n1 +\n```\n\n## Right\n\n```json\n{}\n```\n",
        };
        assert_eq!(page.title(), "t");
        let examples = page.examples();
        assert_eq!(examples[0], Example { is_right: false, kind: Kind::Value, text: "1 +\n" });
        assert_eq!(examples[1], Example { is_right: true, kind: Kind::Json, text: "{}\n" });
        assert!(examples[0].whole().contains("let _value = 1 +;"));
    }
}
