//! Between which bounds integers lie: what cannot overflow need not be looked at.
//!
//! `id % 7 * 10` is at most 60. Bounds hold in rows that have not failed and that evaluation has come to; of others nobody
//! reads the value.

use super::arithmetic::Int;
use crate::column::{greatest, least};
use sabot_ir::expr::BinaryOp;

/// The least and the greatest value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Range {
    least: i128,
    greatest: i128,
}

impl Range {
    /// One value.
    pub(super) fn of(value: i128) -> Self {
        Self { least: value, greatest: value }
    }

    /// All values whose distance from zero is below this.
    pub(super) fn below(limit: i128) -> Self {
        Self { least: 1 - limit, greatest: limit - 1 }
    }

    /// All values from zero on that are below this.
    pub(super) fn from_zero_to(limit: i128) -> Self {
        Self { least: 0, greatest: limit - 1 }
    }

    /// Of `x.div_euclid(by)` by a positive constant.
    pub(super) fn div_euclid(self, by: i128) -> Self {
        Self { least: self.least.div_euclid(by), greatest: self.greatest.div_euclid(by) }
    }

    /// The one value that it is.
    pub(super) fn single(self) -> Option<i128> {
        (self.least == self.greatest).then_some(self.least)
    }

    /// What lies in both, which have something in common.
    pub(super) fn and(self, other: Self) -> Self {
        Self { least: self.least.max(other.least), greatest: self.greatest.min(other.greatest) }
    }

    /// What lies in either.
    pub(super) fn or(self, other: Self) -> Self {
        Self { least: self.least.min(other.least), greatest: self.greatest.max(other.greatest) }
    }

    /// What is no farther from zero, with either sign if there are signs.
    pub(super) fn to_zero_and_opposite(self, signed: bool) -> Self {
        let most = self.least.abs().max(self.greatest.abs());
        Self { least: if signed { -most } else { 0 }, greatest: most }
    }

    /// Whether a value lies in it.
    pub(super) fn contains(self, value: i128) -> bool {
        self.least <= value && value <= self.greatest
    }

    /// All values of a type.
    pub(super) fn of_type(int: Int) -> Self {
        if int.signed {
            return Self { least: least(int.bits, true).into(), greatest: greatest(int.bits, true).into() };
        }
        Self { least: 0, greatest: (1 << int.bits) - 1 }
    }

    fn new(bounds: [i128; 4]) -> Self {
        let [first, others @ ..] = bounds;
        others.iter().fold(Self::of(first), |range, bound| Self {
            least: range.least.min(*bound),
            greatest: range.greatest.max(*bound),
        })
    }

    /// Whether all of it lies in the other one.
    pub(super) fn is_in(self, other: Self) -> bool {
        other.least <= self.least && self.greatest <= other.greatest
    }

    /// Whether no value is below zero.
    pub(super) fn is_positive(self) -> bool {
        self.least >= 0
    }

    /// Of `a op b`, exact; `None` if nothing is known of it.
    pub(super) fn after(op: BinaryOp, a: Self, b: Self) -> Option<Self> {
        match op {
            BinaryOp::Add => Some(Self { least: a.least + b.least, greatest: a.greatest + b.greatest }),
            BinaryOp::Sub => Some(Self { least: a.least - b.greatest, greatest: a.greatest - b.least }),
            BinaryOp::Mul => {
                let bound = |x: i128, y: i128| x.checked_mul(y);
                Some(Self::new([
                    bound(a.least, b.least)?,
                    bound(a.least, b.greatest)?,
                    bound(a.greatest, b.least)?,
                    bound(a.greatest, b.greatest)?,
                ]))
            }
            // By a constant that is neither 0 nor -1.
            BinaryOp::Div if b.least == b.greatest && !matches!(b.least, 0 | -1) => {
                let (x, y) = (a.least / b.least, a.greatest / b.least);
                Some(Self { least: x.min(y), greatest: x.max(y) })
            }
            // The remainder has the sign of what is divided, and is no farther from zero than that.
            BinaryOp::Rem if b.least == b.greatest && !matches!(b.least, 0 | -1) => {
                let most = b.least.unsigned_abs().cast_signed() - 1;
                Some(Self { least: a.least.clamp(-most, 0), greatest: a.greatest.clamp(0, most) })
            }
            BinaryOp::Shr if b.least == b.greatest && (0..64).contains(&b.least) => {
                Some(Self { least: a.least >> b.least, greatest: a.greatest >> b.least })
            }
            BinaryOp::BitAnd if b.least >= 0 => Some(Self { least: 0, greatest: b.greatest }),
            BinaryOp::BitAnd if a.least >= 0 => Some(Self { least: 0, greatest: a.greatest }),
            BinaryOp::Div
            | BinaryOp::Rem
            | BinaryOp::Shr
            | BinaryOp::BitAnd
            | BinaryOp::BitOr
            | BinaryOp::BitXor
            | BinaryOp::Shl
            | BinaryOp::Eq
            | BinaryOp::Ne
            | BinaryOp::Lt
            | BinaryOp::Le
            | BinaryOp::Gt
            | BinaryOp::Ge
            | BinaryOp::And
            | BinaryOp::Or => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bounds of ranges that contain zero, touch it, or do not.
    const BOUNDS: [(i128, i128); 7] = [(0, 0), (0, 9), (-7, 5), (-9, -3), (4, 11), (3, 3), (-4, -4)];

    #[test]
    fn every_result_lies_within_the_bounds() {
        let ranges = BOUNDS.map(|(least, greatest)| Range { least, greatest });
        for (a, b) in ranges.iter().flat_map(|a| ranges.iter().map(move |b| (*a, *b))) {
            let ops = [
                BinaryOp::Add,
                BinaryOp::Sub,
                BinaryOp::Mul,
                BinaryOp::Div,
                BinaryOp::Rem,
                BinaryOp::Shr,
                BinaryOp::BitAnd,
            ];
            for op in ops {
                let Some(range) = Range::after(op, a, b) else { continue };
                let pairs = (a.least..=a.greatest).flat_map(|x| (b.least..=b.greatest).map(move |y| (x, y)));
                let mut met = Vec::new();
                for (x, y) in pairs {
                    #[expect(clippy::wildcard_enum_match_arm, reason = "a test of these")]
                    met.push(match op {
                        BinaryOp::Add => x + y,
                        BinaryOp::Sub => x - y,
                        BinaryOp::Mul => x * y,
                        BinaryOp::Div => x / y,
                        BinaryOp::Rem => x % y,
                        BinaryOp::Shr => x >> y,
                        _and => x & y,
                    });
                }
                assert!(met.iter().all(|x| Range::of(*x).is_in(range)), "{a:?} {op:?} {b:?}: {range:?}");
                if !matches!(op, BinaryOp::Rem | BinaryOp::BitAnd) {
                    assert!(met.contains(&range.least) && met.contains(&range.greatest), "{a:?} {op:?} {b:?}");
                }
            }
        }
    }

    #[test]
    fn types_have_bounds() {
        let byte = Range::of_type(Int { bits: 8, signed: true });
        assert_eq!((byte.least, byte.greatest), (-128, 127));
        let long = Range::of_type(Int { bits: 64, signed: false });
        assert_eq!((long.least, long.greatest), (0, u64::MAX.into()));
        assert!(long.is_positive() && !byte.is_positive());
    }
}
