//! What a kernel may need of the processor beyond its architecture's baseline: a set of bits in the artifact's descriptor.

use std::fmt;

macro_rules! cpu_features {
    ($($variant:ident $bit:literal $clif:literal $name:literal;)*) => {
        /// A feature of the processor; the number is its bit in [`CpuFeatures`] and never changes.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        #[repr(u8)]
        pub enum CpuFeature {
            $(#[doc = concat!("`", $name, "`.")] $variant = $bit,)*
        }

        impl CpuFeature {
            /// All of them, by bit.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// The name that people and rustc use.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }

            /// The code generator's flag for it.
            #[must_use]
            pub fn flag(self) -> &'static str {
                match self {
                    $(Self::$variant => $clif,)*
                }
            }
        }
    };
}

cpu_features! {
    Sse3 0 "has_sse3" "sse3";
    Ssse3 1 "has_ssse3" "ssse3";
    Sse41 2 "has_sse41" "sse4.1";
    Sse42 3 "has_sse42" "sse4.2";
    Cmpxchg16b 4 "has_cmpxchg16b" "cmpxchg16b";
    Popcnt 5 "has_popcnt" "popcnt";
    Avx 6 "has_avx" "avx";
    Avx2 7 "has_avx2" "avx2";
    Fma 8 "has_fma" "fma";
    Bmi1 9 "has_bmi1" "bmi1";
    Bmi2 10 "has_bmi2" "bmi2";
    Lzcnt 11 "has_lzcnt" "lzcnt";
    Avx512F 12 "has_avx512f" "avx512f";
    Avx512Dq 13 "has_avx512dq" "avx512dq";
    Avx512Vl 14 "has_avx512vl" "avx512vl";
    Avx512Bitalg 15 "has_avx512bitalg" "avx512bitalg";
    Avx512Vbmi 16 "has_avx512vbmi" "avx512vbmi";
    Lse 32 "has_lse" "lse";
    Pauth 33 "has_pauth" "paca";
    Fp16 34 "has_fp16" "fp16";
}

impl CpuFeature {
    /// The feature that the code generator calls so.
    #[must_use]
    pub fn from_flag(flag: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|known| known.flag() == flag)
    }
}

/// A set of features.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct CpuFeatures(pub u64);

impl CpuFeatures {
    /// With one more.
    #[must_use]
    pub fn with(self, feature: CpuFeature) -> Self {
        Self(self.0 | 1 << feature as u8)
    }

    /// Whether it is in the set.
    #[must_use]
    pub fn contains(self, feature: CpuFeature) -> bool {
        self.0 >> feature as u8 & 1 == 1
    }

    /// What is in this set and not in `other`; bits without a name stay in.
    #[must_use]
    pub fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Whether nothing is in the set.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }
}

impl FromIterator<CpuFeature> for CpuFeatures {
    fn from_iter<I: IntoIterator<Item = CpuFeature>>(features: I) -> Self {
        features.into_iter().fold(Self::default(), Self::with)
    }
}

impl fmt::Display for CpuFeatures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.0;
        let mut separator = "";
        for feature in CpuFeature::ALL {
            if self.contains(*feature) {
                write!(f, "{separator}{}", feature.name())?;
                separator = ", ";
                rest &= !(1 << *feature as u8);
            }
        }
        if rest != 0 {
            write!(f, "{separator}unknown features {rest:#x}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for CpuFeatures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{{{self}}}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_prints_its_members_and_what_it_does_not_know() {
        let set: CpuFeatures = [CpuFeature::Avx2, CpuFeature::Fma].into_iter().collect();
        assert_eq!(set.to_string(), "avx2, fma");
        assert_eq!(CpuFeatures(1 << 7 | 1 << 60).to_string(), "avx2, unknown features 0x1000000000000000");
        assert_eq!(set.without(CpuFeatures::default().with(CpuFeature::Fma)).to_string(), "avx2");
    }

    #[test]
    fn every_feature_has_its_own_bit_and_flag() {
        let all: CpuFeatures = CpuFeature::ALL.iter().copied().collect();
        assert_eq!(all.0.count_ones() as usize, CpuFeature::ALL.len());
        for feature in CpuFeature::ALL {
            assert_eq!(CpuFeature::from_flag(feature.flag()), Some(*feature));
        }
    }
}
