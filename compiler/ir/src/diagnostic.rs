//! What the compiler has to say to the author of a job, as plain data.
//!
//! Only a front (the command line, an attribute macro) renders a diagnostic. Stages push into
//! [`Diagnostics`] and go on, so that one run shows every mistake.

use crate::span::Span;
use serde::Serialize;
use std::fmt;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The job cannot be built.
    Error,
    /// The job can be built, and probably does not do what its author wants.
    Warning,
}

/// A place in the source and what is there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Label {
    /// The place.
    pub span: Span,
    /// What is there, in the author's words.
    pub text: String,
}

/// Other text in place of a part of the source; an empty part is where it is put in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Edit {
    /// What is replaced.
    pub span: Span,
    /// By what.
    pub text: String,
}

impl Edit {
    /// `text` in place of `span`.
    #[must_use]
    pub fn replace(span: Span, text: impl Into<String>) -> Self {
        Self { span, text: text.into() }
    }

    /// `text` at an offset.
    #[must_use]
    pub fn insert(offset: u32, text: impl Into<String>) -> Self {
        Self::replace(Span { start: offset, end: offset }, text)
    }

    /// The source with some edits made; nothing if they overlap, or lie outside of it.
    #[must_use]
    pub fn apply(edits: &[Self], source: &str) -> Option<String> {
        let mut sorted: Vec<&Self> = edits.iter().collect();
        sorted.sort_by_key(|edit| (edit.span.start, edit.span.end));
        let mut text = String::with_capacity(source.len());
        let mut done = 0;
        for edit in sorted {
            text.push_str(source.get(done..edit.span.start as usize)?);
            text.push_str(&edit.text);
            done = edit.span.end as usize;
        }
        text.push_str(source.get(done..)?);
        Some(text)
    }
}

/// Whether a tool may make an edit without asking; rustc's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Applicability {
    /// It is what the author meant.
    MachineApplicable,
    /// It is probably what the author meant, and can be compiled.
    MaybeIncorrect,
}

impl Applicability {
    /// As rustc's JSON says it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::MachineApplicable => "MachineApplicable",
            Self::MaybeIncorrect => "MaybeIncorrect",
        }
    }
}

/// What to type.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Help {
    /// In words.
    pub text: String,
    /// The same as edits, if a tool can make them.
    pub edits: Vec<Edit>,
    /// Whether it may make them without asking.
    pub applicability: Applicability,
}

impl fmt::Display for Help {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// One message. The first label is the primary one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Diagnostic {
    /// Stable code, `E0304`.
    pub code: &'static str,
    /// Error or warning.
    pub severity: Severity,
    /// One lowercase clause without a full stop; names in backticks.
    pub message: String,
    /// Where; the first is the primary place.
    pub labels: Vec<Label>,
    /// Facts that explain the message.
    pub notes: Vec<String>,
    /// What to type.
    pub help: Vec<Help>,
}

impl Diagnostic {
    /// An error with this code and message.
    #[must_use]
    pub fn error(code: &'static str, message: impl Into<String>) -> Self {
        Self {
            code,
            severity: Severity::Error,
            message: message.into(),
            labels: Vec::new(),
            notes: Vec::new(),
            help: Vec::new(),
        }
    }

    /// A warning with this code and message.
    #[must_use]
    pub fn warning(code: &'static str, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(code, message) }
    }

    /// Adds a place and what is there.
    #[must_use]
    pub fn label(mut self, span: Span, text: impl Into<String>) -> Self {
        self.labels.push(Label { span, text: text.into() });
        self
    }

    /// Adds a fact that explains the message.
    #[must_use]
    pub fn note(mut self, text: impl Into<String>) -> Self {
        self.notes.push(text.into());
        self
    }

    /// Adds what to type, in words.
    #[must_use]
    pub fn help(self, text: impl Into<String>) -> Self {
        self.suggest(text, Vec::new())
    }

    /// Adds what to type, and the edits that type it: probably what the author meant.
    #[must_use]
    pub fn suggest(mut self, text: impl Into<String>, edits: Vec<Edit>) -> Self {
        self.help.push(Help { text: text.into(), edits, applicability: Applicability::MaybeIncorrect });
        self
    }

    /// Adds what to type, and the edits that type it: nothing else can be meant.
    #[must_use]
    pub fn mend(mut self, text: impl Into<String>, edits: Vec<Edit>) -> Self {
        self.help.push(Help { text: text.into(), edits, applicability: Applicability::MachineApplicable });
        self
    }
}

/// All messages of one run, in the order they were found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Diagnostics {
    list: Vec<Diagnostic>,
}

impl Diagnostics {
    /// No messages yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Keeps a message; one that says the same at the same place is kept once.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        if !self.list.contains(&diagnostic) {
            self.list.push(diagnostic);
        }
    }

    /// Forgets the messages for which this is not so.
    pub fn retain(&mut self, is_kept: impl FnMut(&Diagnostic) -> bool) {
        self.list.retain(is_kept);
    }

    /// Whether one of them is an error.
    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.list.iter().any(|diagnostic| diagnostic.severity == Severity::Error)
    }

    /// The messages in the order they were found.
    #[must_use]
    pub fn as_slice(&self) -> &[Diagnostic] {
        &self.list
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// The messages by place in the source.
    #[must_use]
    pub fn into_sorted(mut self) -> Vec<Diagnostic> {
        self.list.sort_by_key(|diagnostic| diagnostic.labels.first().map_or(Span::NONE, |label| label.span));
        self.list
    }
}
