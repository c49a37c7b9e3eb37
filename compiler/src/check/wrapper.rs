//! Types of std that are a list, or a value, with another meaning: maps, sets, queues, `Reverse`.
//!
//! A map is the list of its pairs and a set the list of its values, both in the order of the keys, so that what is the same
//! is equal; a queue is its items, a heap its items in order. `Reverse` is the value itself, compared the other way round.

use super::types::Ty;
use super::value::{self, Value};
use sabot_ir::ast::BinaryOp;
use sabot_ir::expr::Expr;
use sabot_ir::span::Span;
use sabot_ir::ty::Type;

/// Which of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wrapper {
    /// `BTreeMap<K, V>`: of pairs.
    BTreeMap,
    /// `HashMap<K, V>`: of pairs. Nobody goes over it: the order of that would be chance.
    HashMap,
    /// `BTreeSet<T>`.
    BTreeSet,
    /// `HashSet<T>`: see `HashMap`.
    HashSet,
    /// `VecDeque<T>`.
    VecDeque,
    /// `BinaryHeap<T>`: the greatest last.
    BinaryHeap,
    /// `std::cmp::Reverse<T>`.
    Reverse,
}

impl Wrapper {
    const ALL: [Self; 7] =
        [Self::BTreeMap, Self::HashMap, Self::BTreeSet, Self::HashSet, Self::VecDeque, Self::BinaryHeap, Self::Reverse];

    /// Its name in std.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::BTreeMap => "BTreeMap",
            Self::HashMap => "HashMap",
            Self::BTreeSet => "BTreeSet",
            Self::HashSet => "HashSet",
            Self::VecDeque => "VecDeque",
            Self::BinaryHeap => "BinaryHeap",
            Self::Reverse => "Reverse",
        }
    }

    /// The one of this name.
    pub(super) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|wrapper| wrapper.name() == name)
    }

    /// The number of its type parameters.
    pub(super) fn arity(self) -> usize {
        1 + usize::from(self.is_map())
    }

    /// Whether it has keys and values.
    pub(super) fn is_map(self) -> bool {
        matches!(self, Self::BTreeMap | Self::HashMap)
    }

    /// Whether it has values that are there or not.
    pub(super) fn is_set(self) -> bool {
        matches!(self, Self::BTreeSet | Self::HashSet)
    }

    /// Whether std goes over it in an order of its own.
    pub(super) fn is_hashed(self) -> bool {
        matches!(self, Self::HashMap | Self::HashSet)
    }

    /// The type with these parameters.
    pub(super) fn of(self, mut params: Vec<Ty>) -> Ty {
        let inner = if self.is_map() { Ty::Tuple(params) } else { params.swap_remove(0) };
        Ty::Of(self, Box::new(inner))
    }

    /// What a value of it is made of.
    pub(super) fn inside(self, inner: &Ty) -> Ty {
        match self {
            Self::Reverse => inner.clone(),
            Self::BTreeMap | Self::HashMap | Self::BTreeSet | Self::HashSet | Self::VecDeque | Self::BinaryHeap => {
                Ty::List(Box::new(inner.clone()))
            }
        }
    }
}

/// Whether some part of a value is compared the other way round.
pub(super) fn has_reverse(ty: &Ty) -> bool {
    if let Ty::Tuple(parts) = ty { parts.iter().any(has_reverse) } else { matches!(ty, Ty::Of(Wrapper::Reverse, _)) }
}

/// `a op b` of values some parts of which are compared the other way round; every scalar of them is a name.
pub(super) fn compare(op: BinaryOp, ty: &Ty, a: &Value, b: &Value, span: Span) -> Expr {
    match op {
        BinaryOp::Lt => less(ty, a, b, span),
        BinaryOp::Gt => less(ty, b, a, span),
        BinaryOp::Le => value::not(less(ty, b, a, span), span),
        BinaryOp::Ge => value::not(less(ty, a, b, span), span),
        BinaryOp::Eq
        | BinaryOp::Ne
        | BinaryOp::Add
        | BinaryOp::Sub
        | BinaryOp::Mul
        | BinaryOp::Div
        | BinaryOp::Rem
        | BinaryOp::BitAnd
        | BinaryOp::BitOr
        | BinaryOp::BitXor
        | BinaryOp::Shl
        | BinaryOp::Shr
        | BinaryOp::And
        | BinaryOp::Or => value::compare(op, a, b, span),
    }
}

fn less(ty: &Ty, a: &Value, b: &Value, span: Span) -> Expr {
    match (ty, a, b) {
        (Ty::Of(Wrapper::Reverse, inner), ..) => less(inner, b, a, span),
        (Ty::Tuple(types), Value::Parts(left), Value::Parts(right)) => {
            let parts = types.iter().zip(left).zip(right).rev();
            parts.fold(Expr::bool(false), |rest, ((ty, a), b)| {
                let same = value::compare(BinaryOp::Eq, a, b, span);
                let further = value::binary(BinaryOp::And, same, rest, Type::Bool, span);
                value::binary(BinaryOp::Or, less(ty, a, b, span), further, Type::Bool, span)
            })
        }
        _ => value::compare(BinaryOp::Lt, a, b, span),
    }
}
