//! Functions of lists, one group inside [`crate::expr::Function`].
//!
//! A list is a value: what changes one gives another. Positions and lengths are `u64`. An item is what
//! [`Type::List`] allows; lists of anything else are several lists of one length, which the checker makes.

use crate::ty::Type;

/// A function of lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ListFunction {
    /// `vec![a, b]`: its arguments are the items.
    Of,
    /// `vec![x; n]`.
    Repeat,
    /// `v.len()`.
    Len,
    /// `v[i]`; out of range is a row error.
    At,
    /// The list with one item more at its end.
    Push,
    /// The list with another item at a position; out of range is a row error.
    Set,
    /// `v[a..b]`; out of range, or `a > b`, is a row error.
    Slice,
    /// The items of the first, then those of the second.
    Concat,
    /// The items from last to first.
    Reverse,
    /// The positions of the items in sorted order, a `Vec<u64>`; stable, floats as `total_cmp`. Of several lists of one
    /// length: by the first, where that is equal by the second, and so on.
    Order,
    /// The items at these positions, in this order; out of range is a row error.
    Take,
    /// `v.contains(&x)`.
    Contains,
    /// `v.join(separator)` of a list of strings.
    Join,
    /// The order of two lists: -1, 0, 1, or 2 if two items are unordered (an `i8`).
    Compare,
}

impl ListFunction {
    /// All of them.
    pub const ALL: [Self; 14] = [
        Self::Of,
        Self::Repeat,
        Self::Len,
        Self::At,
        Self::Push,
        Self::Set,
        Self::Slice,
        Self::Concat,
        Self::Reverse,
        Self::Order,
        Self::Take,
        Self::Contains,
        Self::Join,
        Self::Compare,
    ];

    /// The name that it is printed with.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Of => "vec",
            Self::Repeat => "vec_repeat",
            Self::Len => "len",
            Self::At => "at",
            Self::Push => "push",
            Self::Set => "set",
            Self::Slice => "slice",
            Self::Concat => "concat",
            Self::Reverse => "reverse",
            Self::Order => "order",
            Self::Take => "take",
            Self::Contains => "contains",
            Self::Join => "join",
            Self::Compare => "compare",
        }
    }

    /// Whether some arguments make it a row error, other than by the memory that a row may take.
    #[must_use]
    pub fn can_fail(self) -> bool {
        match self {
            Self::At | Self::Set | Self::Slice | Self::Take => true,
            Self::Of
            | Self::Repeat
            | Self::Len
            | Self::Push
            | Self::Concat
            | Self::Reverse
            | Self::Order
            | Self::Contains
            | Self::Join
            | Self::Compare => false,
        }
    }

    /// Whether it takes arguments of these types and gives a result of this one.
    #[must_use]
    pub fn fits(self, args: &[&Type], result: &Type) -> bool {
        let item = |list: &Type| list.item_type().cloned();
        match (self, args) {
            (Self::Of, items) => items.iter().all(|arg| result.item_type() == Some(arg)),
            (Self::Repeat, [x, n]) => result.item_type() == Some(x) && **n == Type::UInt64,
            (Self::Len, [list]) => item(list).is_some() && *result == Type::UInt64,
            (Self::At, [list, i]) => list.item_type() == Some(result) && **i == Type::UInt64,
            (Self::Push, [list, x]) => *list == result && list.item_type() == Some(x),
            (Self::Set, [list, i, x]) => *list == result && list.item_type() == Some(x) && **i == Type::UInt64,
            (Self::Reverse, [list]) => item(list).is_some() && *list == result,
            (Self::Slice, [list, from, to]) => {
                item(list).is_some() && *list == result && [from, to].iter().all(|at| ***at == Type::UInt64)
            }
            (Self::Concat, [a, b]) => item(a).is_some() && a == b && *a == result,
            (Self::Order, [_, ..]) => {
                args.iter().all(|list| item(list).is_some()) && item(result) == Some(Type::UInt64)
            }
            (Self::Take, [list, order]) => item(list).is_some() && *list == result && item(order) == Some(Type::UInt64),
            (Self::Contains, [list, x]) => list.item_type() == Some(x) && *result == Type::Bool,
            (Self::Join, [list, separator]) => {
                item(list) == Some(Type::String) && **separator == Type::String && *result == Type::String
            }
            (Self::Compare, [a, b]) => item(a).is_some() && a == b && *result == Type::Int8,
            (
                Self::Repeat
                | Self::Len
                | Self::At
                | Self::Push
                | Self::Set
                | Self::Slice
                | Self::Concat
                | Self::Reverse
                | Self::Order
                | Self::Take
                | Self::Contains
                | Self::Join
                | Self::Compare,
                _,
            ) => false,
        }
    }
}
