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
}

impl TextType {
    /// As a type of expressions.
    #[must_use]
    pub fn ty(self) -> Type {
        match self {
            Self::Str => Type::String,
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
        match self {
            Self::Concat => false,
        }
    }
}
