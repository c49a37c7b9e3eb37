//! The runtime functions that generated code may call: one list, from which indices, names and signatures are made.
//!
//! Kernels reach them through `Context::functions`, so an artifact has no imports. The runtime's side of each is in
//! `sabot-runtime`'s `ffi.rs`, which builds its table from the same list ([`crate::with_runtime_functions`]).

/// A type in the signature of a runtime function, all passed by value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AbiType {
    /// `f64`.
    F64,
    /// `f32`.
    F32,
    /// `i32`.
    I32,
    /// `i64`, `u64`, and lengths.
    I64,
    /// A pointer.
    Ptr,
    /// `bool` as a byte, 0 or 1.
    Bool,
    /// The context that the kernel was called with: the function allocates, may fail, or gives more than one word. Its
    /// result is then a status; see [`crate::kernel::Context::result`].
    Context,
}

/// What a runtime function that takes the context gives: 0 for a value, which stands in `Context::result`;
/// [`STATUS_NONE`] for `None`; else the [`crate::kernel::RowErrorCode`] of a row that cannot be computed.
pub const STATUS_OK: i64 = 0;

/// The status of a function whose value is `None`.
pub const STATUS_NONE: i64 = -1;

/// Hands the list of runtime functions to the macro `$with`: one line each of variant, symbol, argument types, result type
/// and what it computes.
#[macro_export]
macro_rules! with_runtime_functions {
    ($with:ident) => {
        $with! {
            RemF64 rem_f64 (f64, f64) -> f64, "`a % b`";
            RemF32 rem_f32 (f32, f32) -> f32, "`a % b`";
            PowiF64 powi_f64 (f64, i32) -> f64, "`a.powi(n)`";
            PowiF32 powi_f32 (f32, i32) -> f32, "`a.powi(n)`";
            PowfF64 powf_f64 (f64, f64) -> f64, "`a.powf(b)`";
            PowfF32 powf_f32 (f32, f32) -> f32, "`a.powf(b)`";
            MulAddF64 mul_add_f64 (f64, f64, f64) -> f64, "`a.mul_add(b, c)`";
            MulAddF32 mul_add_f32 (f32, f32, f32) -> f32, "`a.mul_add(b, c)`";
            ExpF64 exp_f64 (f64) -> f64, "`x.exp()`";
            ExpF32 exp_f32 (f32) -> f32, "`x.exp()`";
            Exp2F64 exp2_f64 (f64) -> f64, "`x.exp2()`";
            Exp2F32 exp2_f32 (f32) -> f32, "`x.exp2()`";
            ExpM1F64 exp_m1_f64 (f64) -> f64, "`x.exp_m1()`";
            ExpM1F32 exp_m1_f32 (f32) -> f32, "`x.exp_m1()`";
            LnF64 ln_f64 (f64) -> f64, "`x.ln()`";
            LnF32 ln_f32 (f32) -> f32, "`x.ln()`";
            Ln1pF64 ln_1p_f64 (f64) -> f64, "`x.ln_1p()`";
            Ln1pF32 ln_1p_f32 (f32) -> f32, "`x.ln_1p()`";
            Log2F64 log2_f64 (f64) -> f64, "`x.log2()`";
            Log2F32 log2_f32 (f32) -> f32, "`x.log2()`";
            Log10F64 log10_f64 (f64) -> f64, "`x.log10()`";
            Log10F32 log10_f32 (f32) -> f32, "`x.log10()`";
            LogF64 log_f64 (f64, f64) -> f64, "`x.log(base)`";
            LogF32 log_f32 (f32, f32) -> f32, "`x.log(base)`";
            SinF64 sin_f64 (f64) -> f64, "`x.sin()`";
            SinF32 sin_f32 (f32) -> f32, "`x.sin()`";
            CosF64 cos_f64 (f64) -> f64, "`x.cos()`";
            CosF32 cos_f32 (f32) -> f32, "`x.cos()`";
            TanF64 tan_f64 (f64) -> f64, "`x.tan()`";
            TanF32 tan_f32 (f32) -> f32, "`x.tan()`";
            AsinF64 asin_f64 (f64) -> f64, "`x.asin()`";
            AsinF32 asin_f32 (f32) -> f32, "`x.asin()`";
            AcosF64 acos_f64 (f64) -> f64, "`x.acos()`";
            AcosF32 acos_f32 (f32) -> f32, "`x.acos()`";
            AtanF64 atan_f64 (f64) -> f64, "`x.atan()`";
            AtanF32 atan_f32 (f32) -> f32, "`x.atan()`";
            Atan2F64 atan2_f64 (f64, f64) -> f64, "`a.atan2(b)`";
            Atan2F32 atan2_f32 (f32, f32) -> f32, "`a.atan2(b)`";
            SinhF64 sinh_f64 (f64) -> f64, "`x.sinh()`";
            SinhF32 sinh_f32 (f32) -> f32, "`x.sinh()`";
            CoshF64 cosh_f64 (f64) -> f64, "`x.cosh()`";
            CoshF32 cosh_f32 (f32) -> f32, "`x.cosh()`";
            TanhF64 tanh_f64 (f64) -> f64, "`x.tanh()`";
            TanhF32 tanh_f32 (f32) -> f32, "`x.tanh()`";
            CbrtF64 cbrt_f64 (f64) -> f64, "`x.cbrt()`";
            CbrtF32 cbrt_f32 (f32) -> f32, "`x.cbrt()`";
            HypotF64 hypot_f64 (f64, f64) -> f64, "`a.hypot(b)`";
            HypotF32 hypot_f32 (f32, f32) -> f32, "`a.hypot(b)`";
            RemEuclidF64 rem_euclid_f64 (f64, f64) -> f64, "`a.rem_euclid(b)`";
            RemEuclidF32 rem_euclid_f32 (f32, f32) -> f32, "`a.rem_euclid(b)`";
            DivEuclidF64 div_euclid_f64 (f64, f64) -> f64, "`a.div_euclid(b)`";
            DivEuclidF32 div_euclid_f32 (f32, f32) -> f32, "`a.div_euclid(b)`";
            StrEq str_eq (ptr, i64, ptr, i64) -> bool, "`a == b`";
            StrCompare str_compare (ptr, i64, ptr, i64) -> i32, "`a.cmp(b)`: -1, 0 or 1";
            StrStartsWith str_starts_with (ptr, i64, ptr, i64) -> bool, "`a.starts_with(b)`";
            StrEndsWith str_ends_with (ptr, i64, ptr, i64) -> bool, "`a.ends_with(b)`";
            StrContains str_contains (ptr, i64, ptr, i64) -> bool, "`a.contains(b)`";
            StrConcat str_concat (ctx, ptr, i64, ptr, i64) -> i64, "`a + b`";
            StrFind str_find (ctx, ptr, i64, ptr, i64) -> i64, "`s.find(t)`";
            StrFindFrom str_find_from (ctx, ptr, i64, ptr, i64, i64) -> i64, "The first place from a position on at which a string stands, for `split` and its like.";
            StrRfind str_rfind (ctx, ptr, i64, ptr, i64) -> i64, "`s.rfind(t)`";
            StrTrim str_trim (ctx, ptr, i64) -> i64, "`s.trim()`";
            StrTrimStart str_trim_start (ctx, ptr, i64) -> i64, "`s.trim_start()`";
            StrTrimEnd str_trim_end (ctx, ptr, i64) -> i64, "`s.trim_end()`";
            StrTrimStartMatches str_trim_start_matches (ctx, ptr, i64, ptr, i64) -> i64, "`s.trim_start_matches(t)`";
            StrTrimEndMatches str_trim_end_matches (ctx, ptr, i64, ptr, i64) -> i64, "`s.trim_end_matches(t)`";
            StrStripPrefix str_strip_prefix (ctx, ptr, i64, ptr, i64) -> i64, "`s.strip_prefix(t)`";
            StrStripSuffix str_strip_suffix (ctx, ptr, i64, ptr, i64) -> i64, "`s.strip_suffix(t)`";
            StrToUppercase str_to_uppercase (ctx, ptr, i64) -> i64, "`s.to_uppercase()`";
            StrToLowercase str_to_lowercase (ctx, ptr, i64) -> i64, "`s.to_lowercase()`";
            StrToAsciiUppercase str_to_ascii_uppercase (ctx, ptr, i64) -> i64, "`s.to_ascii_uppercase()`";
            StrToAsciiLowercase str_to_ascii_lowercase (ctx, ptr, i64) -> i64, "`s.to_ascii_lowercase()`";
            StrEqIgnoreAsciiCase str_eq_ignore_ascii_case (ptr, i64, ptr, i64) -> bool, "`s.eq_ignore_ascii_case(t)`";
            StrReplace str_replace (ctx, ptr, i64, ptr, i64, ptr, i64) -> i64, "`s.replace(from, to)`";
            StrReplacen str_replacen (ctx, ptr, i64, ptr, i64, ptr, i64, i64) -> i64, "`s.replacen(from, to, n)`";
            StrRepeat str_repeat (ctx, ptr, i64, i64) -> i64, "`s.repeat(n)`";
            StrSlice str_slice (ctx, ptr, i64, i64, i64) -> i64, "`&s[a..b]`: a row error where it is out of range or cuts a character.";
            StrGet str_get (ctx, ptr, i64, i64, i64) -> i64, "`s.get(a..b)`";
            StrIsCharBoundary str_is_char_boundary (ptr, i64, i64) -> bool, "`s.is_char_boundary(n)`";
            StrCharCount str_char_count (ptr, i64) -> i64, "`s.chars().count()`";
            StrNthChar str_nth_char (ctx, ptr, i64, i64) -> i64, "`s.chars().nth(n)`";
            StrLastChar str_last_char (ctx, ptr, i64) -> i64, "`s.chars().last()`";
            StrReversed str_reversed (ctx, ptr, i64) -> i64, "`s.chars().rev().collect::<String>()`";
            StrCharAt str_char_at (ctx, ptr, i64, i64) -> i64, "The character that begins at a position; a row error where none does.";
            StrCharBefore str_char_before (ctx, ptr, i64, i64) -> i64, "The character that ends at a position; a row error where none does.";
            StrSkipWhitespace str_skip_whitespace (ptr, i64, i64) -> i64, "The first position from one on that is no white space, or the length.";
            StrFindWhitespace str_find_whitespace (ptr, i64, i64) -> i64, "The first position from one on that is white space, or the length.";
            StrFromUtf8 str_from_utf8 (ctx, ptr, i64) -> i64, "`String::from_utf8(b).ok()`";
            StrFromUtf8Lossy str_from_utf8_lossy (ctx, ptr, i64) -> i64, "`String::from_utf8_lossy(&b)`";
            BytesSlice bytes_slice (ctx, ptr, i64, i64, i64) -> i64, "`&b[a..b]`: a row error where it is out of range.";
            BytesContain bytes_contain (ptr, i64, i32) -> bool, "`b.contains(&byte)`";
            CharToString char_to_string (ctx, i32) -> i64, "`c.to_string()`";
            CharToUppercase char_to_uppercase (ctx, i32) -> i64, "`c.to_uppercase()`, all of it.";
            CharToLowercase char_to_lowercase (ctx, i32) -> i64, "`c.to_lowercase()`, all of it.";
            CharToDigit char_to_digit (ctx, i32, i32) -> i64, "`c.to_digit(radix)`: a row error where the radix is over 36.";
            CharFromDigit char_from_digit (ctx, i32, i32) -> i64, "`char::from_digit(n, radix)`: a row error where the radix is over 36.";
            CharFromU32 char_from_u32 (ctx, i32) -> i64, "`char::from_u32(n)`";
            CharIsAlphabetic char_is_alphabetic (i32) -> bool, "`c.is_alphabetic()`";
            CharIsNumeric char_is_numeric (i32) -> bool, "`c.is_numeric()`";
            CharIsAlphanumeric char_is_alphanumeric (i32) -> bool, "`c.is_alphanumeric()`";
            CharIsWhitespace char_is_whitespace (i32) -> bool, "`c.is_whitespace()`";
            CharIsControl char_is_control (i32) -> bool, "`c.is_control()`";
            CharIsUppercase char_is_uppercase (i32) -> bool, "`c.is_uppercase()`";
            CharIsLowercase char_is_lowercase (i32) -> bool, "`c.is_lowercase()`";
            ParseInt parse_int (ctx, ptr, i64, i64) -> i64, "`s.parse()` of the integer type with this number of bits, negative if it is signed.";
            ParseF64 parse_f64 (ctx, ptr, i64) -> i64, "`s.parse::<f64>()`";
            ParseF32 parse_f32 (ctx, ptr, i64) -> i64, "`s.parse::<f32>()`";
            ParseBool parse_bool (ctx, ptr, i64) -> i64, "`s.parse::<bool>()`";
            ParseChar parse_char (ctx, ptr, i64) -> i64, "`s.parse::<char>()`";
            AppendInt append_int (ctx, ptr, i64, i64, i64) -> i64, "A string and behind it an integer, by a [`FormatSpec`](crate::format::FormatSpec).";
            AppendUint append_uint (ctx, ptr, i64, i64, i64) -> i64, "A string and behind it an unsigned integer, or the bits of one.";
            AppendF64 append_f64 (ctx, ptr, i64, f64, i64) -> i64, "A string and behind it an `f64`.";
            AppendF32 append_f32 (ctx, ptr, i64, f32, i64) -> i64, "A string and behind it an `f32`.";
            AppendBool append_bool (ctx, ptr, i64, bool, i64) -> i64, "A string and behind it a `bool`.";
            AppendChar append_char (ctx, ptr, i64, i32, i64) -> i64, "A string and behind it a `char`.";
            AppendStr append_str (ctx, ptr, i64, ptr, i64, i64) -> i64, "A string and behind it another one.";
            RegexIsMatch regex_is_match (ptr, i64, ptr, i64) -> bool, "`regex!(p).is_match(&s)`";
            RegexFind regex_find (ctx, ptr, i64, ptr, i64) -> i64, "`regex!(p).find(&s)`";
            RegexCapture regex_capture (ctx, ptr, i64, ptr, i64, i64) -> i64, "`regex!(p).capture(&s, n)`";
            RegexReplaceAll regex_replace_all (ctx, ptr, i64, ptr, i64, ptr, i64) -> i64, "`regex!(p).replace_all(&s, with)`";
            RegexCount regex_count (ptr, i64, ptr, i64) -> i64, "`regex!(p).count(&s)`";
            DecimalMul decimal_mul (ctx, i64, i64, i64, i64) -> i64, "`a.checked_mul(b)` of decimals";
            DecimalDiv decimal_div (ctx, i64, i64, i64, i64) -> i64, "`a.checked_div(b)` of decimals";
            DecimalRem decimal_rem (ctx, i64, i64, i64, i64) -> i64, "`a.checked_rem(b)` of decimals";
            DecimalNew decimal_new (ctx, i64, i64) -> i64, "`Decimal::new(number, scale)`";
            DecimalFromF64 decimal_from_f64 (ctx, f64) -> i64, "`Decimal::from_f64(x)`";
            DecimalToF64 decimal_to_f64 (ctx, i64, i64) -> i64, "`d.to_f64()`";
            DecimalToI64 decimal_to_i64 (ctx, i64, i64) -> i64, "`d.to_i64()`";
            DecimalRound decimal_round (ctx, i64, i64, i64) -> i64, "`d.round(digits)`";
            DecimalTrunc decimal_trunc (ctx, i64, i64) -> i64, "`d.trunc()`";
            DecimalFract decimal_fract (ctx, i64, i64) -> i64, "`d.fract()`";
            DecimalFloor decimal_floor (ctx, i64, i64) -> i64, "`d.floor()`";
            DecimalCeil decimal_ceil (ctx, i64, i64) -> i64, "`d.ceil()`";
            DecimalText decimal_text (ctx, i64, i64) -> i64, "`d.to_string()`";
            DecimalFormatted decimal_formatted (ctx, i64, i64, ptr, i64) -> i64, "A decimal in `format!`, by a specification.";
            DecimalParse decimal_parse (ctx, ptr, i64) -> i64, "`Decimal::parse(s)`";
            DateFromYmd date_from_ymd (ctx, i64, i64, i64) -> i64, "`Date::from_ymd(year, month, day)`";
            DateDayOfYear date_day_of_year (ctx, i64) -> i64, "`d.day_of_year()`";
            DateIsoWeek date_iso_week (ctx, i64) -> i64, "`d.iso_week()`";
            DateIsoYear date_iso_year (ctx, i64) -> i64, "`d.iso_year()`";
            DateIsLeapYear date_is_leap_year (ctx, i64) -> i64, "`d.is_leap_year()`";
            DateAddDays date_add_days (ctx, i64, i64) -> i64, "`d.add_days(n)`";
            DateAddMonths date_add_months (ctx, i64, i64) -> i64, "`d.add_months(n)`";
            DateTrunc date_trunc (ctx, i64, i64) -> i64, "`d.trunc(unit)`";
            DateFormat date_format (ctx, i64, ptr, i64) -> i64, "`d.format(pattern)`";
            DateText date_text (ctx, i64) -> i64, "`d.to_string()`";
            DateParse date_parse (ctx, ptr, i64) -> i64, "`Date::parse(s)`";
            TimeAddMonths time_add_months (ctx, i64, i64) -> i64, "`t.add_months(n)`";
            TimeTrunc time_trunc (ctx, i64, i64) -> i64, "`t.trunc(unit)`";
            TimeFloorTo time_floor_to (ctx, i64, i64) -> i64, "`t.floor_to(step)`";
            TimeFormat time_format (ctx, i64, ptr, i64) -> i64, "`t.format(pattern)`";
            TimeText time_text (ctx, i64) -> i64, "`t.to_string()`";
            TimeParse time_parse (ctx, ptr, i64) -> i64, "`Timestamp::parse(s)`";
            DurationText duration_text (ctx, i64) -> i64, "`d.to_string()`";
            DurationParse duration_parse (ctx, ptr, i64) -> i64, "`Duration::parse(s)`";
            JsonGet get_json (ctx, ptr, i64, ptr, i64) -> i64, "`json_get(s, path)`";
            JsonGetI64 get_json_i64 (ctx, ptr, i64, ptr, i64) -> i64, "`json_get_i64(s, path)`";
            JsonGetF64 get_json_f64 (ctx, ptr, i64, ptr, i64) -> i64, "`json_get_f64(s, path)`";
            JsonGetBool get_json_bool (ctx, ptr, i64, ptr, i64) -> i64, "`json_get_bool(s, path)`";
            ListNew list_new (ctx, i64, i64) -> i64, "room for that many items of a width";
            ListRepeat list_repeat (ctx, i64, i64, i64, i64) -> i64, "`vec![x; n]`";
            ListGrow list_grow (ctx, ptr, i64, i64) -> i64, "the list, and room for one item behind it";
            ListConcat list_concat (ctx, ptr, i64, ptr, i64, i64) -> i64, "the items of one list, then those of another";
            ListReverse list_reverse (ctx, ptr, i64, i64) -> i64, "the items from last to first";
            ListOrder list_order (ctx, ptr, i64, i64, ptr) -> i64, "the positions of the items in sorted order";
            ListTake list_take (ctx, ptr, i64, i64, ptr, i64) -> i64, "the items at these positions";
            ListContains list_contains (ptr, i64, i64, i64, i64) -> bool, "`v.contains(&x)`";
            ListCompare list_compare (ptr, i64, ptr, i64, i64) -> i32, "-1, 0, 1, or 2 if two items are unordered";
            ListJoin list_join (ctx, ptr, i64, ptr, i64) -> i64, "`v.join(separator)`";
            ListOpen list_open (ctx, ptr, i64, i64) -> i64, "a list of strings or lists as a kernel has it";
            ListClose list_close (ctx, ptr, i64, i64) -> i64, "a list of strings or lists as a register has it";
            ExpBlock exp_block (ptr, ptr) -> i64, "`x.exp()` of 64 values, into the second.";
            Exp2Block exp2_block (ptr, ptr) -> i64, "`x.exp2()` of 64 values, into the second.";
            ExpM1Block exp_m1_block (ptr, ptr) -> i64, "`x.exp_m1()` of 64 values, into the second.";
            LnBlock ln_block (ptr, ptr) -> i64, "`x.ln()` of 64 values, into the second.";
            Ln1pBlock ln_1p_block (ptr, ptr) -> i64, "`x.ln_1p()` of 64 values, into the second.";
            Log2Block log2_block (ptr, ptr) -> i64, "`x.log2()` of 64 values, into the second.";
            Log10Block log10_block (ptr, ptr) -> i64, "`x.log10()` of 64 values, into the second.";
            SinBlock sin_block (ptr, ptr) -> i64, "`x.sin()` of 64 values, into the second.";
            CosBlock cos_block (ptr, ptr) -> i64, "`x.cos()` of 64 values, into the second.";
            TanBlock tan_block (ptr, ptr) -> i64, "`x.tan()` of 64 values, into the second.";
            AsinBlock asin_block (ptr, ptr) -> i64, "`x.asin()` of 64 values, into the second.";
            AcosBlock acos_block (ptr, ptr) -> i64, "`x.acos()` of 64 values, into the second.";
            AtanBlock atan_block (ptr, ptr) -> i64, "`x.atan()` of 64 values, into the second.";
            SinhBlock sinh_block (ptr, ptr) -> i64, "`x.sinh()` of 64 values, into the second.";
            CoshBlock cosh_block (ptr, ptr) -> i64, "`x.cosh()` of 64 values, into the second.";
            TanhBlock tanh_block (ptr, ptr) -> i64, "`x.tanh()` of 64 values, into the second.";
            CbrtBlock cbrt_block (ptr, ptr) -> i64, "`x.cbrt()` of 64 values, into the second.";
            PowfBlock powf_block (ptr, ptr, ptr) -> i64, "`a.powf(b)` of 64 pairs, into the third.";
            Atan2Block atan2_block (ptr, ptr, ptr) -> i64, "`a.atan2(b)` of 64 pairs, into the third.";
            HypotBlock hypot_block (ptr, ptr, ptr) -> i64, "`a.hypot(b)` of 64 pairs, into the third.";
            FastExp fast_exp (f64) -> f64, "`math::exp(x)`";
            FastExp2 fast_exp2 (f64) -> f64, "`math::exp2(x)`";
            FastExpM1 fast_exp_m1 (f64) -> f64, "`math::exp_m1(x)`";
            FastLn fast_ln (f64) -> f64, "`math::ln(x)`";
            FastLn1p fast_ln_1p (f64) -> f64, "`math::ln_1p(x)`";
            FastLog2 fast_log2 (f64) -> f64, "`math::log2(x)`";
            FastLog10 fast_log10 (f64) -> f64, "`math::log10(x)`";
            FastSin fast_sin (f64) -> f64, "`math::sin(x)`";
            FastCos fast_cos (f64) -> f64, "`math::cos(x)`";
            FastTan fast_tan (f64) -> f64, "`math::tan(x)`";
            FastSinh fast_sinh (f64) -> f64, "`math::sinh(x)`";
            FastCosh fast_cosh (f64) -> f64, "`math::cosh(x)`";
            FastTanh fast_tanh (f64) -> f64, "`math::tanh(x)`";
            FastPow fast_pow (f64, f64) -> f64, "`math::pow(x, y)`";
            FastExpBlock fast_exp_block (ptr, ptr) -> i64, "`math::exp(x)` of 64 values, into the second.";
            FastExp2Block fast_exp2_block (ptr, ptr) -> i64, "`math::exp2(x)` of 64 values, into the second.";
            FastExpM1Block fast_exp_m1_block (ptr, ptr) -> i64, "`math::exp_m1(x)` of 64 values, into the second.";
            FastLnBlock fast_ln_block (ptr, ptr) -> i64, "`math::ln(x)` of 64 values, into the second.";
            FastLn1pBlock fast_ln_1p_block (ptr, ptr) -> i64, "`math::ln_1p(x)` of 64 values, into the second.";
            FastLog2Block fast_log2_block (ptr, ptr) -> i64, "`math::log2(x)` of 64 values, into the second.";
            FastLog10Block fast_log10_block (ptr, ptr) -> i64, "`math::log10(x)` of 64 values, into the second.";
            FastSinBlock fast_sin_block (ptr, ptr) -> i64, "`math::sin(x)` of 64 values, into the second.";
            FastCosBlock fast_cos_block (ptr, ptr) -> i64, "`math::cos(x)` of 64 values, into the second.";
            FastTanBlock fast_tan_block (ptr, ptr) -> i64, "`math::tan(x)` of 64 values, into the second.";
            FastSinhBlock fast_sinh_block (ptr, ptr) -> i64, "`math::sinh(x)` of 64 values, into the second.";
            FastCoshBlock fast_cosh_block (ptr, ptr) -> i64, "`math::cosh(x)` of 64 values, into the second.";
            FastTanhBlock fast_tanh_block (ptr, ptr) -> i64, "`math::tanh(x)` of 64 values, into the second.";
            FastPowBlock fast_pow_block (ptr, ptr, ptr) -> i64, "`math::pow(x, y)` of 64 pairs, into the third.";
            KeepRow keep_row (ctx, ptr, i64, i64) -> i64, "Gives back what a row has taken but for its outputs that are strings: `Chunk::outputs`, the row, a bit for each.";
            StrSplitNth str_split_nth (ctx, ptr, i64, ptr, i64, i64) -> i64, "`s.split(t).nth(n)`";
            RegexPlaces regex_places (ctx, ptr, i64, ptr, i64, bool) -> i64, "where all groups of a pattern stand in a text, as a list";
            RegexReplacen regex_replacen (ctx, ptr, i64, ptr, i64, ptr, i64, i64) -> i64, "`regex!(p).replacen(&s, n, with)`";
            StrCountOf str_count_of (ptr, i64, i32) -> i64, "`s.chars().filter(|c| *c == wanted).count()`";
        }
    };
}

macro_rules! abi_type {
    (f64) => {
        AbiType::F64
    };
    (f32) => {
        AbiType::F32
    };
    (i32) => {
        AbiType::I32
    };
    (i64) => {
        AbiType::I64
    };
    (ptr) => {
        AbiType::Ptr
    };
    (bool) => {
        AbiType::Bool
    };
    (ctx) => {
        AbiType::Context
    };
}

macro_rules! runtime_functions {
    ($($variant:ident $name:ident ($($arg:tt),*) -> $ret:tt, $doc:literal;)*) => {
        /// A function of the runtime; the number is its place in `Context::functions`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u32)]
        pub enum RuntimeFunction {
            $(#[doc = $doc] $variant,)*
        }

        impl RuntimeFunction {
            /// All of them, in the order of the table.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// Its symbol name.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => stringify!($name),)*
                }
            }

            /// Types of its arguments.
            #[must_use]
            pub fn args(self) -> &'static [AbiType] {
                match self {
                    $(Self::$variant => &[$(abi_type!($arg)),*],)*
                }
            }

            /// Type of its result.
            #[must_use]
            pub fn returns(self) -> AbiType {
                match self {
                    $(Self::$variant => abi_type!($ret),)*
                }
            }
        }
    };
}

with_runtime_functions!(runtime_functions);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::RowErrorCode;

    #[test]
    fn a_status_is_a_value_or_none_or_an_error() {
        for code in RowErrorCode::ALL {
            assert!(![STATUS_OK, STATUS_NONE].contains(&i64::from(code as u32)));
        }
    }

    #[test]
    fn functions_with_a_context_take_it_first_and_give_a_status() {
        for function in RuntimeFunction::ALL {
            if let Some(at) = function.args().iter().position(|arg| *arg == AbiType::Context) {
                assert_eq!((at, function.returns()), (0, AbiType::I64), "{}", function.name());
            }
        }
    }
}
