//! What the command line says: diagnostics in three forms, progress lines, failures. Talk goes to standard error; standard
//! output is for data.

use crate::arguments::{Color, MessageFormat};
use crate::message_json;
use sabot_ir::diagnostic::{Diagnostic, Severity};
use sabot_ir::display;
use sabot_ir::span::line_column;
use std::io::{IsTerminal, Write};

/// Where messages go, and how.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Messages {
    color: bool,
    /// Whether what is printed on standard output is coloured.
    color_output: bool,
    quiet: bool,
}

impl Messages {
    /// Messages on standard error.
    #[must_use]
    pub(crate) fn new(color: Color, quiet: bool) -> Self {
        let is_wanted = |is_terminal: bool| match color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()) && is_terminal,
        };
        Self {
            color: is_wanted(std::io::stderr().is_terminal()),
            color_output: is_wanted(std::io::stdout().is_terminal()),
            quiet,
        }
    }

    /// Clears the terminal, if messages go to one.
    pub(crate) fn clear(&self) {
        if std::io::stderr().is_terminal() {
            let _ = write!(std::io::stderr(), "\x1b[2J\x1b[3J\x1b[H");
        }
    }

    /// Text for standard output, in this colour if that is coloured.
    pub(crate) fn paint_output(&self, text: &str, code: &str) -> String {
        if self.color_output { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }

    /// `     Checked quote_enrichment (…)        3 ms`: a stage that is done.
    pub(crate) fn done(&self, verb: &str, what: &str, time: Option<std::time::Duration>) {
        if self.quiet {
            return;
        }
        let verb = format!("{verb:>12}");
        let verb = self.paint(&verb, "1;32");
        let line = match time {
            Some(time) => format!("{verb} {what:<72} {}", milliseconds(time)),
            None => format!("{verb} {what}"),
        };
        write_line(line.trim_end());
    }

    /// Whether only what went wrong is said.
    #[must_use]
    pub(crate) fn is_quiet(&self) -> bool {
        self.quiet
    }

    /// A line that was asked for.
    pub(crate) fn line(&self, text: &str) {
        write_line(text);
    }

    /// A line of talk.
    pub(crate) fn say(&self, text: &str) {
        if !self.quiet {
            write_line(text);
        }
    }

    /// Something that went wrong outside the program.
    pub(crate) fn error(&self, text: &str) {
        write_line(&format!("{}: {text}", self.paint("error", "1;31")));
    }

    /// All diagnostics of one run.
    pub(crate) fn diagnostics(&self, format: MessageFormat, source: &str, file: &str, list: &[Diagnostic]) {
        for diagnostic in list.iter().filter(|diagnostic| self.is_said(diagnostic, format)) {
            match format {
                MessageFormat::Human => {
                    write_line(&self.paint_diagnostic(&rendered(source, file, diagnostic), diagnostic.severity));
                }
                MessageFormat::Short => write_line(&short(source, file, diagnostic)),
                MessageFormat::Json => write_line(&message_json::diagnostic(source, file, diagnostic).to_string()),
            }
        }
        if format == MessageFormat::Json {
            return;
        }
        let count = |severity| list.iter().filter(|diagnostic| diagnostic.severity == severity).count();
        let plural = |count: usize| if count == 1 { "" } else { "s" };
        let (errors, warnings) = (count(Severity::Error), count(Severity::Warning));
        if errors > 0 {
            self.error(&format!("{file}: {errors} error{}", plural(errors)));
        } else if warnings > 0 {
            self.say(&format!("{file}: {warnings} warning{}", plural(warnings)));
        }
    }

    /// Who wants to know only what went wrong has no use for warnings; tools read all of them.
    fn is_said(&self, diagnostic: &Diagnostic, format: MessageFormat) -> bool {
        !self.quiet || diagnostic.severity == Severity::Error || format == MessageFormat::Json
    }

    /// Colours the parts of a rendered diagnostic that stand for themselves: its first line, and the gutter.
    fn paint_diagnostic(&self, text: &str, severity: Severity) -> String {
        if !self.color {
            return text.to_owned();
        }
        let head = match severity {
            Severity::Error => "1;31",
            Severity::Warning => "1;33",
        };
        let mut lines = Vec::new();
        for (number, line) in text.lines().enumerate() {
            let painted = match (number, line.split_once(':'), line.split_once('|')) {
                (0, Some((kind, message)), _) => format!("{}\x1b[1m:{message}\x1b[0m", self.paint(kind, head)),
                (_, _, Some((gutter, code))) if gutter.trim().chars().all(|c| c.is_ascii_digit()) => {
                    let code = match code.find(['^', '-']) {
                        Some(_) if code.trim_start().starts_with(['^', '-']) => self.paint(code, head),
                        Some(_) | None => code.to_owned(),
                    };
                    format!("{}{code}", self.paint(&format!("{gutter}|"), "1;34"))
                }
                (_, Some(("more", rest)), _) => format!("{}:{rest}", self.paint("more", "2")),
                (_, Some(("help", rest)), _) => format!("{}:{rest}", self.paint("help", "1;36")),
                (_, Some(("note", rest)), _) => format!("{}:{rest}", self.paint("note", "1;32")),
                (..) => line.to_owned(),
            };
            lines.push(painted);
        }
        lines.join("\n")
    }

    fn paint(&self, text: &str, code: &str) -> String {
        if self.color { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }
}

/// Standard error may be closed; there is nobody left to tell then.
fn write_line(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

fn milliseconds(time: std::time::Duration) -> String {
    let ms = time.as_secs_f64() * 1e3;
    if ms < 9.95 { format!("{ms:.1} ms") } else { format!("{ms:.0} ms") }
}

/// As rustc says it.
#[must_use]
pub(crate) fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    }
}

fn short(source: &str, file: &str, diagnostic: &Diagnostic) -> String {
    let (line, column) = line_column(source, diagnostic.labels.first().map_or(0, |label| label.span.start));
    format!("{file}:{line}:{column}: {}[{}]: {}", level(diagnostic.severity), diagnostic.code, diagnostic.message)
}

/// As people read it, with the way to the code's page at the end.
#[must_use]
pub(crate) fn rendered(source: &str, file: &str, diagnostic: &Diagnostic) -> String {
    let text = display::diagnostic::render(source, file, diagnostic);
    format!("{text}more: sabotc explain {}\n", diagnostic.code)
}

#[cfg(test)]
mod tests {
    use super::*;
    use sabot_ir::span::Span;

    #[test]
    fn a_line_names_place_and_code() {
        let diagnostic = Diagnostic::error("E0301", "types differ").label(Span::new(3, 5), "here");
        assert_eq!(short("a\nbcde\n", "job.rs", &diagnostic), "job.rs:2:2: error[E0301]: types differ");
    }
}
