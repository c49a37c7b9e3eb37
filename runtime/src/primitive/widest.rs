//! Functions that are compiled for the widest vectors that the processor has: the compiler finds them in plain loops.

/// Makes a function of an inlined one of the same arguments.
macro_rules! in_widest_vectors {
    ($(#[$doc:meta])* $vis:vis $name:ident($($arg:ident: $ty:ty),*) -> $out:ty = $inlined:ident) => {
        $(#[$doc])*
        $vis fn $name($($arg: $ty),*) -> $out {
            #[cfg(all(target_arch = "x86_64", not(miri)))]
            {
                #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,bmi2")]
                fn in_512($($arg: $ty),*) -> $out {
                    $inlined($($arg),*)
                }
                #[target_feature(enable = "avx2,bmi2")]
                fn in_256($($arg: $ty),*) -> $out {
                    $inlined($($arg),*)
                }
                if is_x86_feature_detected!("avx512bw")
                    && is_x86_feature_detected!("avx512dq")
                    && is_x86_feature_detected!("avx512vl")
                    && is_x86_feature_detected!("bmi2")
                {
                    // SAFETY: the processor has what the function is compiled for.
                    return unsafe { in_512($($arg),*) };
                }
                if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("bmi2") {
                    // SAFETY: the processor has what the function is compiled for.
                    return unsafe { in_256($($arg),*) };
                }
            }
            $inlined($($arg),*)
        }
    };
}
pub(crate) use in_widest_vectors;
