//! An expression as its author wrote it: its text for the help of a message, its place for the edits that do what the help
//! says.

use sabot_ir::diagnostic::Edit;
use sabot_ir::span::Span;

/// An expression of the author.
#[derive(Clone, Debug)]
pub(crate) struct Written {
    /// Its text, if it is short.
    pub(crate) text: Option<String>,
    /// Where it stands; none if it cannot be edited.
    pub(crate) span: Span,
    /// Whether `.method()` can stand behind it as it is.
    pub(crate) is_closed: bool,
    /// Whether ` as T` can stand behind it as it is.
    pub(crate) can_be_cast: bool,
}

impl Written {
    /// The text, or this.
    pub(crate) fn text_or<'a>(&'a self, other: &'a str) -> &'a str {
        self.text.as_deref().unwrap_or(other)
    }

    /// Whether the author's text is `text`, to the letter.
    pub(crate) fn is_plain(&self) -> bool {
        self.text.as_ref().is_some_and(|text| text.len() == (self.span.end - self.span.start) as usize)
    }

    /// The same where something that begins with `<` follows, which would read as the type's arguments.
    pub(crate) fn before_less_than(self) -> Self {
        Self { can_be_cast: false, ..self }
    }

    /// Puts `before` and `after` around it.
    pub(crate) fn wrap(&self, before: &str, after: &str) -> Vec<Edit> {
        if self.span.is_none() {
            return Vec::new();
        }
        let before = (!before.is_empty()).then(|| Edit::insert(self.span.start, before));
        before.into_iter().chain([Edit::insert(self.span.end, after)]).collect()
    }

    /// Calls a method on it: `.unwrap_or(0)`.
    pub(crate) fn call(&self, method: &str) -> Vec<Edit> {
        if self.is_closed { self.wrap("", method) } else { self.wrap("(", &format!("){method}")) }
    }

    /// `x as T`.
    pub(crate) fn cast(&self, ty: &str) -> Vec<Edit> {
        if self.can_be_cast {
            return self.wrap("", &format!(" as {ty}"));
        }
        if self.is_closed { self.wrap("(", &format!(" as {ty})")) } else { self.wrap("((", &format!(") as {ty})")) }
    }

    /// Other text in its place.
    pub(crate) fn replace(&self, text: &str) -> Vec<Edit> {
        if self.span.is_none() { Vec::new() } else { vec![Edit::replace(self.span, text)] }
    }
}
