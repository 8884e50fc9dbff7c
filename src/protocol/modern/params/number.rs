//! Integers as JSON writes them, read exactly: no float is made of them.

/// The largest integer that IEEE 754 doubles hold together with its neighbours: 2^53 − 1.
pub(super) const MAX_SAFE: u64 = (1 << 53) - 1;

/// A JSON number, as far as it matters here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Number {
    /// An integer from −(2^53 − 1) to 2^53 − 1, however it was written: `42`, `42.0`, `4.2e1`.
    Safe(i64),
    /// An integer beyond.
    Unsafe,
    /// No integer.
    Fraction,
}

/// Reads a number by JSON's grammar (RFC 8259, section 6); `None` if it is none.
pub(super) fn number(text: &str) -> Option<Number> {
    let (negative, magnitude) = match text.strip_prefix('-') {
        Some(magnitude) => (true, magnitude),
        None => (false, text),
    };
    let (mantissa, exponent) = match magnitude.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent_of(exponent)?),
        None => (magnitude, 0),
    };
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (mantissa, None),
    };
    let leading_zero = whole.len() > 1 && whole.starts_with('0');
    if !is_digits(whole) || leading_zero || fraction.is_some_and(|digits| !is_digits(digits)) {
        return None;
    }
    Some(match magnitude_of(whole, fraction.unwrap_or_default(), exponent) {
        None => Number::Fraction,
        Some(magnitude) if magnitude > MAX_SAFE => Number::Unsafe,
        Some(magnitude) => {
            let integer = i64::try_from(magnitude).expect("at most 2^53 - 1");
            Number::Safe(if negative { -integer } else { integer })
        }
    })
}

/// `whole.fraction × 10^exponent` if that is an integer; everything beyond the safe range is
/// `MAX_SAFE + 1`.
fn magnitude_of(whole: &str, fraction: &str, exponent: i64) -> Option<u64> {
    // How many of the digits stand before the point once the exponent has moved it.
    let point = i64::try_from(whole.len()).unwrap_or(i64::MAX).saturating_add(exponent);
    let digits = whole.bytes().chain(fraction.bytes()).map(|digit| u64::from(digit - b'0'));
    let mut magnitude = 0;
    let mut before_point = point;
    for digit in digits {
        if before_point > 0 {
            magnitude = (magnitude * 10 + digit).min(MAX_SAFE + 1);
            before_point -= 1;
        } else if digit != 0 {
            return None;
        }
    }
    // The exponent may ask for more zeros than anyone could count; few change the outcome.
    while before_point > 0 && (1..=MAX_SAFE).contains(&magnitude) {
        magnitude = (magnitude * 10).min(MAX_SAFE + 1);
        before_point -= 1;
    }
    Some(magnitude)
}

/// An exponent after its `e`, as near as 64 bits come.
fn exponent_of(text: &str) -> Option<i64> {
    let (negative, digits) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    if !is_digits(digits) {
        return None;
    }
    let magnitude = digits.bytes().fold(0_i64, |exponent, digit| {
        exponent.saturating_mul(10).saturating_add(i64::from(digit - b'0'))
    });
    Some(if negative { -magnitude } else { magnitude })
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_are_read_however_they_are_written() {
        for (text, integer) in [
            ("0", 0),
            ("-0", 0),
            ("0.0", 0),
            ("-0.000e5", 0),
            ("0e999999999999999999999", 0),
            ("0.0e-999999999999999999999", 0),
            ("42", 42),
            ("-7", -7),
            ("42.0", 42),
            ("42.000", 42),
            ("4.2e1", 42),
            ("4.2E+1", 42),
            ("0.42e2", 42),
            ("0.042e3", 42),
            ("420e-1", 42),
            ("4200.00e-2", 42),
            ("42e0", 42),
            ("42e-0", 42),
            ("1e15", 1_000_000_000_000_000),
            ("9007199254740991", 9_007_199_254_740_991),
            ("-9007199254740991", -9_007_199_254_740_991),
            ("9007199254740991.0", 9_007_199_254_740_991),
            ("9.007199254740991e15", 9_007_199_254_740_991),
            ("90071992547409910e-1", 9_007_199_254_740_991),
        ] {
            assert_eq!(number(text), Some(Number::Safe(integer)), "{text}");
        }
    }

    /// Tools, `x-mcp-header`: "within the safe range … (−2^53+1 to 2^53−1)".
    #[test]
    fn integers_beyond_the_safe_range_are_told_apart() {
        for text in [
            "9007199254740992",
            "-9007199254740992",
            "9007199254740993.0",
            "9.007199254740992e15",
            "1e16",
            "1e400",
            "1e99999999999999999999",
            "123456789012345678901234567890",
        ] {
            assert_eq!(number(text), Some(Number::Unsafe), "{text}");
        }
    }

    #[test]
    fn fractions_are_no_integers() {
        for text in
            ["0.5", "42.1", "-1.5e0", "42e-1", "1e-400", "1e-99999999999999999999", "1.23e1"]
        {
            assert_eq!(number(text), Some(Number::Fraction), "{text}");
        }
    }

    #[test]
    fn what_json_does_not_call_a_number_is_none() {
        for text in [
            "", "-", "+42", "042", "-042", "00", ".5", "42.", "4.e1", "42e", "42e+", "e1", "0x2a",
            "4 2", " 42", "42 ", "--1", "1e1.0", "1e--1", "NaN", "Infinity", "４２", "1_000",
        ] {
            assert_eq!(number(text), None, "{text}");
        }
    }

    #[test]
    fn any_shift_of_the_point_that_the_exponent_undoes_is_the_same_integer() {
        for integer in [0_i64, 1, -1, 7, 10, 42, -999, 1_000_000, 9_007_199_254_740_991] {
            for shift in 0..20 {
                let zeros = "0".repeat(shift);
                let right = format!("{integer}{zeros}e-{shift}");
                // Zero takes no zeros behind it.
                let expected = (integer != 0 || shift == 0).then_some(Number::Safe(integer));
                assert_eq!(number(&right), expected, "{right}");
                let sign = if integer < 0 { "-" } else { "" };
                let digits = format!("{:0>24}", integer.unsigned_abs());
                let left = format!("{sign}0.{digits}{zeros}e24");
                assert_eq!(number(&left), Some(Number::Safe(integer)), "{left}");
            }
        }
    }
}
