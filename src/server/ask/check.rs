//! Whether a value fits the field that asked for it.
//!
//! 2026-07-28, Elicitation, Form Mode Security: "Servers SHOULD validate received data matches
//! the requested schema".

use serde_json::Value;

use super::answer::kind;
use super::choice::{Choice, MultiSelectSchema};
use super::field::{FieldSchema, NumberKind, NumberSchema, StringFormat, StringSchema, as_integer};

impl FieldSchema {
    /// Checks a value and gives it back, an integer without a fraction. The error says what is
    /// wrong and is read after the field's name; it never repeats the value, which people typed.
    pub(super) fn check(&self, value: Value) -> Result<Value, String> {
        match self {
            Self::String(schema) => schema.check(value),
            Self::Number(schema) => schema.check(value),
            Self::Boolean(_) if value.is_boolean() => Ok(value),
            Self::Boolean(_) => Err(misfit(&value, "a boolean")),
            Self::SingleSelect(schema) => {
                check_choice(&schema.choices, &value)?;
                Ok(value)
            }
            Self::MultiSelect(schema) => schema.check(value),
        }
    }
}

impl StringSchema {
    fn check(&self, value: Value) -> Result<Value, String> {
        let text = value.as_str().ok_or_else(|| misfit(&value, "a string"))?;
        // JSON Schema counts characters, not bytes (2020-12, Validation, section 6.3).
        let length = text.chars().count();
        match (self.min_length, self.max_length, self.format) {
            (Some(least), _, _) if length < least as usize => {
                Err(format!("is shorter than {least} characters"))
            }
            (_, Some(most), _) if length > most as usize => {
                Err(format!("is longer than {most} characters"))
            }
            (_, _, Some(format)) if !format.fits(text) => {
                Err(format!("is not of the format {format}"))
            }
            _ => Ok(value),
        }
    }
}

impl NumberSchema {
    fn check(&self, value: Value) -> Result<Value, String> {
        let number = match &value {
            Value::Number(number) => number.as_f64(),
            _ => None,
        };
        let number = number.ok_or_else(|| misfit(&value, "a number"))?;
        if self.minimum.is_some_and(|least| number < least) {
            return Err(format!("is less than {}", self.minimum.unwrap_or_default()));
        }
        if self.maximum.is_some_and(|most| number > most) {
            return Err(format!("is more than {}", self.maximum.unwrap_or_default()));
        }
        match self.kind {
            NumberKind::Number => Ok(value),
            NumberKind::Integer if value.is_i64() || value.is_u64() => Ok(value),
            // JSON Schema: 3.0 is an integer. Rust's integers are not read from it.
            NumberKind::Integer => {
                as_integer(number).map(Value::from).ok_or_else(|| "is not an integer".to_owned())
            }
        }
    }
}

impl MultiSelectSchema {
    fn check(&self, value: Value) -> Result<Value, String> {
        let chosen = value.as_array().ok_or_else(|| misfit(&value, "an array"))?;
        for (at, choice) in chosen.iter().enumerate() {
            check_choice(&self.choices, choice)?;
            if chosen[..at].contains(choice) {
                return Err("has a choice twice".to_owned());
            }
        }
        if let Some(least) = self.min_items.filter(|least| chosen.len() < *least as usize) {
            return Err(format!("has fewer than {least} choices"));
        }
        if let Some(most) = self.max_items.filter(|most| chosen.len() > *most as usize) {
            return Err(format!("has more than {most} choices"));
        }
        Ok(value)
    }
}

fn check_choice(choices: &[Choice], value: &Value) -> Result<(), String> {
    let text = value.as_str().ok_or_else(|| misfit(value, "a string"))?;
    let is_offered = choices.iter().any(|choice| choice.value == text);
    is_offered.then_some(()).ok_or_else(|| "is none of the choices".to_owned())
}

fn misfit(value: &Value, expected: &str) -> String {
    format!("is {}, not {expected}", kind(value))
}

impl StringFormat {
    /// Whether a text is of the format, as far as its shape tells: nobody is asked whether a
    /// mail address or a URI leads anywhere.
    fn fits(self, text: &str) -> bool {
        match self {
            Self::Email => is_email(text),
            Self::Uri => is_uri(text),
            Self::Date => is_date(text),
            Self::DateTime => is_date_time(text),
        }
    }
}

/// Something before an `@`, and a host after the last one. RFC 5321 allows far more than any
/// server that mail goes through, so nothing stricter is asked.
fn is_email(text: &str) -> bool {
    let Some((local, host)) = text.rsplit_once('@') else { return false };
    let is_clean = |part: &str| {
        !part.is_empty() && !part.contains(|c: char| c.is_whitespace() || c.is_control())
    };
    is_clean(local) && is_clean(host)
}

/// A scheme, a colon, and characters that a URI can have (RFC 3986, sections 2 and 3.1).
pub(super) fn is_uri(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once(':') else { return false };
    let is_scheme = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b));
    is_scheme && rest.bytes().all(|b| b.is_ascii_graphic() && !b"\"<>\\^`{|}".contains(&b))
}

/// RFC 3339, section 5.6: `full-date`.
fn is_date(text: &str) -> bool {
    let [year, month, day] = match text.split('-').collect::<Vec<_>>()[..] {
        [year, month, day] => [digits(year, 4), digits(month, 2), digits(day, 2)],
        _ => return false,
    };
    let (Some(year), Some(month), Some(day)) = (year, month, day) else { return false };
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        4 | 6 | 9 | 11 => 30,
        2 if is_leap => 29,
        2 => 28,
        _ => 31,
    };
    (1..=12).contains(&month) && (1..=days).contains(&day)
}

/// RFC 3339, section 5.6: `date-time`, a leap second included.
fn is_date_time(text: &str) -> bool {
    let Some((date, time)) = text.split_once(['T', 't']) else { return false };
    let (time, offset) = match time.strip_suffix(['Z', 'z']) {
        Some(time) => (time, "00:00"),
        None => match time.rfind(['+', '-']) {
            Some(at) => (&time[..at], &time[at + 1..]),
            None => return false,
        },
    };
    let (whole, is_fraction_fine) = match time.split_once('.') {
        Some((whole, fraction)) => (whole, digits(fraction, fraction.len()).is_some()),
        None => (time, true),
    };
    is_date(date)
        && is_fraction_fine
        && is_clock(whole, &[23, 59, 60])
        && is_clock(offset, &[23, 59])
}

/// Pairs of digits with colons between, none beyond its limit.
fn is_clock(text: &str, limits: &[u32]) -> bool {
    let parts: Vec<&str> = text.split(':').collect();
    let fits =
        |(part, limit): (&&str, &u32)| digits(part, 2).is_some_and(|number| number <= *limit);
    parts.len() == limits.len() && parts.iter().zip(limits).all(fits)
}

/// Exactly so many digits, one at least. Of a long row only the last matter to nobody.
fn digits(text: &str, length: usize) -> Option<u32> {
    let are_digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let number = text.bytes().fold(0_u32, |number, digit| {
        number.wrapping_mul(10).wrapping_add(u32::from(digit.wrapping_sub(b'0')))
    });
    (are_digits && text.len() == length).then_some(number)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::server::ask::choice::SingleSelectSchema;
    use crate::server::ask::field::BooleanSchema;

    #[track_caller]
    fn fits(field: impl Into<FieldSchema>, values: impl IntoIterator<Item = Value>) {
        let field = field.into();
        for value in values {
            assert_eq!(field.check(value.clone()), Ok(value));
        }
    }

    #[track_caller]
    fn misfits(
        field: impl Into<FieldSchema>,
        cases: impl IntoIterator<Item = (Value, &'static str)>,
    ) {
        let field = field.into();
        for (value, error) in cases {
            assert_eq!(field.check(value), Err(error.to_owned()));
        }
    }

    #[test]
    fn the_length_of_a_text_is_counted_in_characters_and_holds_at_the_limit() {
        let field = StringSchema::new().with_min_length(2).with_max_length(3);
        fits(field.clone(), [json!("éé"), json!("🦀🦀🦀")]);
        misfits(
            field,
            [
                (json!("é"), "is shorter than 2 characters"),
                (json!("🦀🦀🦀🦀"), "is longer than 3 characters"),
                (json!(12), "is a number, not a string"),
                (json!(null), "is null, not a string"),
                (json!(["ab"]), "is an array, not a string"),
            ],
        );
    }

    #[test]
    fn a_number_holds_at_its_limits_and_an_integer_has_no_fraction() {
        let field = NumberSchema::new().with_minimum(0.5).with_maximum(2.0);
        fits(field.clone(), [json!(0.5), json!(1), json!(2.0)]);
        misfits(
            field,
            [
                (json!(0.25), "is less than 0.5"),
                (json!(2.5), "is more than 2"),
                (json!("1"), "is a string, not a number"),
            ],
        );
        let field = FieldSchema::from(NumberSchema::integer());
        assert_eq!(field.check(json!(3.0)), Ok(json!(3)));
        assert_eq!(field.check(json!(u64::MAX)), Ok(json!(u64::MAX)));
        misfits(field, [(json!(3.5), "is not an integer"), (json!(1e300), "is not an integer")]);
    }

    #[test]
    fn a_boolean_is_true_or_false() {
        fits(BooleanSchema::new(), [json!(true), json!(false)]);
        misfits(
            BooleanSchema::new(),
            [
                (json!("true"), "is a string, not a boolean"),
                (json!(1), "is a number, not a boolean"),
            ],
        );
    }

    #[test]
    fn a_choice_is_one_of_those_offered_by_its_value() {
        let field = SingleSelectSchema::new([("a", "A"), ("b", "B")]);
        fits(field.clone(), [json!("a"), json!("b")]);
        misfits(
            field,
            [(json!("A"), "is none of the choices"), (json!(["a"]), "is an array, not a string")],
        );
    }

    #[test]
    fn several_choices_hold_at_their_limits_and_each_is_made_once() {
        let field = MultiSelectSchema::new(["a", "b", "c"]).with_min_items(1).with_max_items(2);
        fits(field.clone(), [json!(["a"]), json!(["c", "b"])]);
        misfits(
            field,
            [
                (json!([]), "has fewer than 1 choices"),
                (json!(["a", "b", "c"]), "has more than 2 choices"),
                (json!(["a", "a"]), "has a choice twice"),
                (json!(["d"]), "is none of the choices"),
                (json!([1]), "is a number, not a string"),
                (json!("a"), "is a string, not an array"),
            ],
        );
    }

    #[track_caller]
    fn format(format: StringFormat, good: &[&str], bad: &[&str]) {
        for text in good {
            assert!(format.fits(text), "{text}");
        }
        for text in bad {
            assert!(!format.fits(text), "{text}");
        }
    }

    /// 2026-07-28, Elicitation, Requested Schema: "Supported formats: `email`, `uri`, `date`,
    /// `date-time`".
    #[test]
    fn a_text_is_of_its_format() {
        format(
            StringFormat::Email,
            &["octocat@github.com", "a@localhost", "é@ü.example", "\"a@b\"@c"],
            &["", "a", "@b", "a@", "a b@c", "a@b\n"],
        );
        format(
            StringFormat::Uri,
            &["https://a/b?c#d", "mailto:a@b", "urn:x:y", "a+b-c.d:"],
            &["", "a", "/a", "1a:b", ":a", "a b:c", "http://a b", "http://é", "a:<b>"],
        );
        format(
            StringFormat::Date,
            &["2026-07-28", "2024-02-29", "2000-02-29", "0001-12-31"],
            &[
                "",
                "2026-7-28",
                "2026-13-01",
                "2026-00-01",
                "2026-04-31",
                "2023-02-29",
                "1900-02-29",
                "2026-01-00",
                "2026-01-32",
                "26-01-01",
                "2026-01-01Z",
                "2026-01",
                "+026-01-01",
            ],
        );
        format(
            StringFormat::DateTime,
            &[
                "2026-07-28T09:30:00Z",
                "2026-07-28t23:59:60.123456789123z",
                "2026-07-28T09:30:00+02:00",
                "2026-07-28T09:30:00.5-11:30",
            ],
            &[
                "",
                "2026-07-28",
                "2026-07-28T09:30:00",
                "2026-07-28 09:30:00Z",
                "2026-07-28T24:00:00Z",
                "2026-07-28T09:60:00Z",
                "2026-07-28T09:30Z",
                "2026-07-28T09:30:00.Z",
                "2026-07-28T09:30:00+0200",
                "2026-07-28T09:30:00+24:00",
                "2026-02-30T09:30:00Z",
            ],
        );
    }
}
