//! Calls out of generated code: the runtime's side of every function in [`sabot_abi::function`], and the table of them.
//!
//! A kernel gets the table in `Context::functions`. Functions of floats give what std gives on this machine, bit for bit.
//! Functions of strings are in [`text`], of regular expressions in [`regex`], of decimals, times and JSON in [`value`]. None
//! of them panics: unwinding must not reach a kernel's frame (and could not: `extern "C"` aborts first).

mod count;
mod list;
mod regex;
mod split;
mod text;
mod value;

use crate::primitive::math_block::*;
pub use crate::primitive::value_arena::ValueArena;
use list::*;
use regex::*;
use sabot_abi::function::RuntimeFunction;
use sabot_abi::kernel::Context;
use std::cmp::Ordering;
use std::ffi::c_void;
use text::*;
use value::*;

/// The functions by number, for [`sabot_abi::kernel::Context::functions`].
#[must_use]
pub fn functions() -> *const *const c_void {
    TABLE.as_ptr().cast()
}

/// An entry of the table: as a kernel sees it, a pointer.
#[repr(transparent)]
struct Entry(*const c_void);

// SAFETY: it points to a function, which nobody changes.
unsafe impl Sync for Entry {}

macro_rules! c_type {
    (f64) => { f64 };
    (f32) => { f32 };
    (i32) => { i32 };
    (i64) => { i64 };
    (ptr) => { *const u8 };
    (bool) => { bool };
    (ctx) => { &mut Context };
}

macro_rules! table {
    ($($variant:ident $name:ident ($($arg:tt),*) -> $ret:tt, $doc:literal;)*) => {
        static TABLE: [Entry; RuntimeFunction::ALL.len()] = [
            $({
                // The list's signature: an implementation of another one does not compile.
                const FUNCTION: extern "C" fn($(c_type!($arg)),*) -> c_type!($ret) = $name;
                Entry(FUNCTION as *const c_void)
            }),*
        ];
    };
}

sabot_abi::with_runtime_functions!(table);

/// Functions of floats under the names of std's methods, for both widths.
macro_rules! floats {
    ($($f64_name:ident $f32_name:ident $method:ident ($($arg:ident: $arg_ty:tt),*);)*) => {
        $(
            extern "C" fn $f64_name(x: f64 $(, $arg: floats!(@type f64 $arg_ty))*) -> f64 {
                x.$method($($arg),*)
            }

            extern "C" fn $f32_name(x: f32 $(, $arg: floats!(@type f32 $arg_ty))*) -> f32 {
                x.$method($($arg),*)
            }
        )*
    };
    (@type $float:tt same) => { $float };
    (@type $float:tt i32) => { i32 };
}

floats! {
    powi_f64 powi_f32 powi(n: i32);
    powf_f64 powf_f32 powf(n: same);
    mul_add_f64 mul_add_f32 mul_add(b: same, c: same);
    exp_f64 exp_f32 exp();
    exp2_f64 exp2_f32 exp2();
    exp_m1_f64 exp_m1_f32 exp_m1();
    ln_f64 ln_f32 ln();
    ln_1p_f64 ln_1p_f32 ln_1p();
    log2_f64 log2_f32 log2();
    log10_f64 log10_f32 log10();
    log_f64 log_f32 log(base: same);
    sin_f64 sin_f32 sin();
    cos_f64 cos_f32 cos();
    tan_f64 tan_f32 tan();
    asin_f64 asin_f32 asin();
    acos_f64 acos_f32 acos();
    atan_f64 atan_f32 atan();
    atan2_f64 atan2_f32 atan2(b: same);
    sinh_f64 sinh_f32 sinh();
    cosh_f64 cosh_f32 cosh();
    tanh_f64 tanh_f32 tanh();
    cbrt_f64 cbrt_f32 cbrt();
    hypot_f64 hypot_f32 hypot(b: same);
    rem_euclid_f64 rem_euclid_f32 rem_euclid(b: same);
    div_euclid_f64 div_euclid_f32 div_euclid(b: same);
}

extern "C" fn rem_f64(a: f64, b: f64) -> f64 {
    a % b
}

extern "C" fn rem_f32(a: f32, b: f32) -> f32 {
    a % b
}

extern "C" fn str_eq(a: *const u8, a_len: i64, b: *const u8, b_len: i64) -> bool {
    bytes(&a, a_len) == bytes(&b, b_len)
}

extern "C" fn str_compare(a: *const u8, a_len: i64, b: *const u8, b_len: i64) -> i32 {
    match bytes(&a, a_len).cmp(bytes(&b, b_len)) {
        Ordering::Less => -1,
        Ordering::Equal => 0,
        Ordering::Greater => 1,
    }
}

extern "C" fn str_starts_with(a: *const u8, a_len: i64, b: *const u8, b_len: i64) -> bool {
    bytes(&a, a_len).starts_with(bytes(&b, b_len))
}

extern "C" fn str_ends_with(a: *const u8, a_len: i64, b: *const u8, b_len: i64) -> bool {
    bytes(&a, a_len).ends_with(bytes(&b, b_len))
}

extern "C" fn str_contains(a: *const u8, a_len: i64, b: *const u8, b_len: i64) -> bool {
    text(&a, a_len).contains(text(&b, b_len))
}

/// The bytes of a value. The borrow of the pointer keeps the slice inside the call.
fn bytes(data: &*const u8, len: i64) -> &[u8] {
    // What was never written has no address.
    if len == 0 {
        return &[];
    }
    // SAFETY: kernels pass on the pointer and length of a `StrRef`, which its maker promises to be a live, non-null
    // stretch of bytes for as long as the chunk is worked on, or those of a literal in the artifact's constants.
    unsafe { std::slice::from_raw_parts(*data, len as usize) }
}

/// The text of a value of type `String`.
fn text(data: &*const u8, len: i64) -> &str {
    // SAFETY: only values of type `String` get here. Sources check that their text columns are UTF-8 when they read them,
    // literals come out of job.rs, and no kernel cuts a string elsewhere than std would.
    unsafe { std::str::from_utf8_unchecked(bytes(data, len)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call_float(function: RuntimeFunction, x: f64) -> f64 {
        // SAFETY: the number is one of the table's, and the type is that of the list for the functions asked for below.
        unsafe {
            let pointer = *functions().add(function as usize);
            std::mem::transmute::<*const c_void, extern "C" fn(f64) -> f64>(pointer)(x)
        }
    }

    #[test]
    fn the_table_is_in_the_order_of_the_list() {
        assert_eq!(call_float(RuntimeFunction::ExpF64, 1.25), 1.25f64.exp());
        assert_eq!(call_float(RuntimeFunction::Log10F64, 1000.0), 1000f64.log10());
        assert_eq!(call_float(RuntimeFunction::CbrtF64, 27.0), 27f64.cbrt());
        assert!(call_float(RuntimeFunction::LnF64, -1.0).is_nan());
    }

    #[test]
    fn strings_compare_as_std_does() {
        let values = ["", "a", "ab", "b", "ß", "aß", "\u{10ffff}", "a\0"];
        for a in values {
            for b in values {
                let (x, x_len, y, y_len) = (a.as_ptr(), a.len() as i64, b.as_ptr(), b.len() as i64);
                assert_eq!(str_eq(x, x_len, y, y_len), a == b, "{a:?} {b:?}");
                assert_eq!(str_compare(x, x_len, y, y_len), a.cmp(b) as i32, "{a:?} {b:?}");
                assert_eq!(str_starts_with(x, x_len, y, y_len), a.starts_with(b), "{a:?} {b:?}");
                assert_eq!(str_ends_with(x, x_len, y, y_len), a.ends_with(b), "{a:?} {b:?}");
                assert_eq!(str_contains(x, x_len, y, y_len), a.contains(b), "{a:?} {b:?}");
            }
        }
    }
}
