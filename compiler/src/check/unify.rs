//! Unification: type variables of one body, among them `{integer}` and `{float}`, and what they turn out to be.

use super::types::{Ty, TyVar};

/// What a free variable may become.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Anything.
    Any,
    /// An integer type; `i32` if nothing says which.
    Integer,
    /// A float type; `f64` if nothing says which.
    Float,
}

#[derive(Clone, Debug)]
enum Slot {
    Free(Kind),
    Bound(Ty),
}

/// The variables of one body.
#[derive(Clone, Debug, Default)]
pub(super) struct Table {
    slots: Vec<Slot>,
}

impl Table {
    /// A new variable.
    pub(super) fn fresh(&mut self, kind: Kind) -> Ty {
        let var = TyVar(u32::try_from(self.slots.len()).expect("fewer than 2^32 variables"));
        self.slots.push(Slot::Free(kind));
        Ty::Var(var)
    }

    /// The type with its outermost variable followed; a variable that comes back is free.
    pub(super) fn resolve(&self, ty: &Ty) -> Ty {
        let mut ty = ty;
        while let Ty::Var(var) = ty {
            match &self.slots[var.0 as usize] {
                Slot::Free(_) => break,
                Slot::Bound(to) => ty = to,
            }
        }
        ty.clone()
    }

    /// What the free variable `ty` may become; `None` if it is known.
    pub(super) fn kind(&self, ty: &Ty) -> Option<Kind> {
        match self.resolve(ty) {
            Ty::Var(var) => match self.slots[var.0 as usize] {
                Slot::Free(kind) => Some(kind),
                Slot::Bound(_) => None,
            },
            Ty::Error
            | Ty::Never
            | Ty::Scalar(_)
            | Ty::Usize
            | Ty::Isize
            | Ty::Option(_)
            | Ty::Result(..)
            | Ty::Failure
            | Ty::Tuple(_)
            | Ty::Record(_)
            | Ty::Group
            | Ty::List(_)
            | Ty::Generic(_)
            | Ty::Ordering
            | Ty::Of(..) => None,
        }
    }

    /// The type with all known variables replaced.
    pub(super) fn deep(&self, ty: &Ty) -> Ty {
        match self.resolve(ty) {
            Ty::Option(inner) => self.deep(&inner).option(),
            Ty::Result(inner, error) => Ty::Result(Box::new(self.deep(&inner)), Box::new(self.deep(&error))),
            Ty::List(item) => Ty::List(Box::new(self.deep(&item))),
            Ty::Of(wrapper, inner) => Ty::Of(wrapper, Box::new(self.deep(&inner))),
            Ty::Tuple(parts) => Ty::Tuple(parts.iter().map(|part| self.deep(part)).collect()),
            other @ (Ty::Error
            | Ty::Never
            | Ty::Scalar(_)
            | Ty::Usize
            | Ty::Isize
            | Ty::Record(_)
            | Ty::Failure
            | Ty::Group
            | Ty::Generic(_)
            | Ty::Ordering
            | Ty::Var(_)) => other,
        }
    }

    /// The type at the end of the body: number variables have become `i32` or `f64`; others that are left stay.
    pub(super) fn finish(&self, ty: &Ty) -> Ty {
        match self.resolve(ty) {
            Ty::Option(inner) => self.finish(&inner).option(),
            Ty::Result(inner, error) => Ty::Result(Box::new(self.finish(&inner)), Box::new(self.finish(&error))),
            Ty::List(item) => Ty::List(Box::new(self.finish(&item))),
            Ty::Of(wrapper, inner) => Ty::Of(wrapper, Box::new(self.finish(&inner))),
            Ty::Tuple(parts) => Ty::Tuple(parts.iter().map(|part| self.finish(part)).collect()),
            Ty::Var(var) => match self.slots[var.0 as usize] {
                Slot::Free(Kind::Integer) => Ty::I32,
                Slot::Free(Kind::Float) => Ty::F64,
                Slot::Free(Kind::Any) | Slot::Bound(_) => Ty::Var(var),
            },
            other @ (Ty::Error
            | Ty::Never
            | Ty::Scalar(_)
            | Ty::Usize
            | Ty::Isize
            | Ty::Record(_)
            | Ty::Failure
            | Ty::Group
            | Ty::Generic(_)
            | Ty::Ordering) => other,
        }
    }

    /// Makes both types one; says whether they can be.
    pub(super) fn unify(&mut self, a: &Ty, b: &Ty) -> bool {
        let (a, b) = (self.resolve(a), self.resolve(b));
        match (&a, &b) {
            (Ty::Error | Ty::Never, _) | (_, Ty::Error | Ty::Never) => true,
            (Ty::Var(x), Ty::Var(y)) if x == y => true,
            (Ty::Var(x), Ty::Var(y)) => {
                // The more special of the two stays.
                match (self.kind(&a), self.kind(&b)) {
                    (Some(Kind::Any), _) => self.bind(*x, b),
                    (_, Some(Kind::Any)) => self.bind(*y, a),
                    (kind_a, kind_b) if kind_a == kind_b => self.bind(*x, b),
                    _ => return false,
                }
                true
            }
            (Ty::Var(var), other) | (other, Ty::Var(var)) => {
                let fits = match self.kind(&Ty::Var(*var)) {
                    Some(Kind::Integer) => other.is_integer(),
                    Some(Kind::Float) => other.is_float(),
                    Some(Kind::Any) | None => !self.occurs(*var, other),
                };
                if fits {
                    let other = other.clone();
                    self.bind(*var, other);
                }
                fits
            }
            (Ty::Option(x), Ty::Option(y)) | (Ty::List(x), Ty::List(y)) => self.unify(x, y),
            (Ty::Of(a, x), Ty::Of(b, y)) if a == b => self.unify(x, y),
            (Ty::Failure, Ty::Failure) => true,
            (Ty::Result(x, e), Ty::Result(y, f)) => {
                let fits = self.unify(x, y);
                self.unify(e, f) && fits
            }
            (Ty::Tuple(xs), Ty::Tuple(ys)) => {
                xs.len() == ys.len() && xs.iter().zip(ys).fold(true, |fits, (x, y)| self.unify(x, y) && fits)
            }
            (
                Ty::Scalar(_)
                | Ty::Usize
                | Ty::Isize
                | Ty::Option(_)
                | Ty::Tuple(_)
                | Ty::Record(_)
                | Ty::Group
                | Ty::List(_)
                | Ty::Result(..)
                | Ty::Failure
                | Ty::Generic(_)
                | Ty::Ordering
                | Ty::Of(..),
                Ty::Scalar(_)
                | Ty::Usize
                | Ty::Isize
                | Ty::Option(_)
                | Ty::Tuple(_)
                | Ty::Record(_)
                | Ty::Group
                | Ty::List(_)
                | Ty::Result(..)
                | Ty::Failure
                | Ty::Generic(_)
                | Ty::Ordering
                | Ty::Of(..),
            ) => a == b,
        }
    }

    fn bind(&mut self, var: TyVar, to: Ty) {
        self.slots[var.0 as usize] = Slot::Bound(to);
    }

    fn occurs(&self, var: TyVar, ty: &Ty) -> bool {
        match self.resolve(ty) {
            Ty::Var(other) => other == var,
            Ty::Option(inner) | Ty::List(inner) | Ty::Of(_, inner) => self.occurs(var, &inner),
            Ty::Result(inner, error) => self.occurs(var, &inner) || self.occurs(var, &error),
            Ty::Tuple(parts) => parts.iter().any(|part| self.occurs(var, part)),
            Ty::Error
            | Ty::Never
            | Ty::Scalar(_)
            | Ty::Usize
            | Ty::Isize
            | Ty::Record(_)
            | Ty::Failure
            | Ty::Group
            | Ty::Generic(_)
            | Ty::Ordering => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn number_variables_take_only_their_kind() {
        let mut table = Table::default();
        let int = table.fresh(Kind::Integer);
        assert!(!table.unify(&int, &Ty::F64));
        let float = table.fresh(Kind::Float);
        assert!(!table.unify(&int, &float));
        assert!(table.unify(&int, &Ty::I64));
        assert_eq!(table.finish(&int), Ty::I64);
        assert_eq!(table.finish(&float), Ty::F64);
    }

    #[test]
    fn a_general_variable_takes_the_kind_of_the_other() {
        let mut table = Table::default();
        let (any, int) = (table.fresh(Kind::Any), table.fresh(Kind::Integer));
        assert!(table.unify(&int, &any));
        assert!(!table.unify(&any, &Ty::STRING));
        assert_eq!(table.finish(&any.option()), Ty::I32.option());
    }

    #[test]
    fn a_type_cannot_hold_itself() {
        let mut table = Table::default();
        let any = table.fresh(Kind::Any);
        assert!(!table.unify(&any, &any.clone().option()));
    }

    #[test]
    fn tuples_and_options_unify_inside() {
        let mut table = Table::default();
        let int = table.fresh(Kind::Integer);
        let left = Ty::Tuple(vec![int.clone().option(), Ty::BOOL]);
        assert!(table.unify(&left, &Ty::Tuple(vec![Ty::U32.option(), Ty::BOOL])));
        assert_eq!(table.finish(&int), Ty::U32);
        assert!(!table.unify(&left, &Ty::Tuple(vec![Ty::U32.option()])));
    }
}
