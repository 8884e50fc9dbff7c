use std::fmt;

use serde::de::{MapAccess, Visitor};
use serde_json::value::RawValue;

use super::*;
use crate::protocol::jsonrpc::parse::tests::mutated;

/// A text that is one value, without the whitespace around it.
fn scanned(text: &str) -> Option<&str> {
    let mut scanner = Scanner::new(text, DEEPEST);
    let value = scanner.value().ok()?;
    scanner.end().ok()?;
    Some(value.get())
}

/// The same, as serde_json has it.
fn skipped(text: &str) -> Option<&str> {
    serde_json::from_str::<&RawValue>(text).ok().map(RawValue::get)
}

/// The members of an object.
fn members(text: &str) -> Option<Vec<(String, &str)>> {
    let mut scanner = Scanner::new(text, DEEPEST);
    let mut members = Vec::new();
    let walk = scanner.object(|scanner| {
        let key = scanner.key()?;
        members.push((key.decoded()?.into_owned(), scanner.value()?.get()));
        Ok(())
    });
    walk.and_then(|()| scanner.end()).ok()?;
    Some(members)
}

/// The same, as serde_json has them.
fn read(text: &str) -> Option<Vec<(String, &str)>> {
    struct Members;

    impl<'de> Visitor<'de> for Members {
        type Value = Vec<(String, &'de str)>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut members = Vec::new();
            while let Some((key, value)) = map.next_entry::<_, &RawValue>()? {
                members.push((key, value.get()));
            }
            Ok(members)
        }
    }

    let mut deserializer = serde_json::Deserializer::from_str(text);
    let members = serde::Deserializer::deserialize_map(&mut deserializer, Members).ok()?;
    deserializer.end().ok()?;
    Some(members)
}

fn assert_agrees(text: &str) {
    assert_eq!(scanned(text), skipped(text), "{text:?}");
    assert_eq!(members(text), read(text), "{text:?}");
}

/// RFC 8259, sections 2 to 7: each rule with what keeps it and what breaks it.
#[test]
fn what_serde_json_takes_is_taken_and_nothing_else() {
    #[rustfmt::skip]
    let cases = [
        "", " ", "null", "nul", "nulL", "nullx", "true", "tru", "false", "fals", "falsee", "Null",
        "0", "-0", "00", "01", "-01", "1", "-", "--1", "+1", "12345678901234567890123", "1.", ".1",
        "1.5", "1.5.1", "1e", "1e+", "1e-", "1e5", "1E+05", "1e5.1", "0e0", "0.0", "-0.0e-0", "1e999",
        "1_0", "0x1", "1 2", "NaN", "Infinity", "-Infinity", "1f", "1.e1", "-a", "0-",
        r#""""#, r#"""#, r#""a"#, r#""\""#, r#""\\""#, r#""\\\""#, r#""\a""#, r#""\u""#,
        r#""\u12""#, r#""\u123g""#, r#""\uD800""#, r#""\ud83d\ude00""#, r#""\u0000""#, r#""\"\\\/\b\f\n\r\t""#,
        "\"\t\"", "\"\n\"", "\"\0\"", "\"\u{1f}\"", "\"\u{7f}\"", "\"\u{80}é世😀\"", "'a'", "\"a\"b",
        "\"\\\0\"", "\"\\é\"", "\"\\u00é\"", "\"\u{feff}\"", "\u{feff}1", "\u{a0}1", "\u{b}1", "1\0", "\0",
        "[]", "[ ]", "[,]", "[1,]", "[,1]", "[1 2]", "[1,,2]", "[1", "[", "]", "[]]", "[[]", "[[],[]]",
        "[1}", "{]", "{}", "{ }", "{,}", r#"{"a"}"#, r#"{"a":}"#, r#"{"a":1,}"#, r#"{,"a":1}"#,
        r#"{"a":1 "b":2}"#, r#"{"a":1,"b":2}"#, r#"{"a" 1}"#, r#"{a:1}"#, r#"{1:1}"#, r#"{"a":1"#,
        r#"{"a":1,"#, r#"{"a"#, r#"{"a":"#, r#"{"a"::1}"#, r#"{"a":1}}"#, r#"{"a":[{"b":[{}]}]}"#,
        r#"{"a":[1}"#, r#"{"a":{"b":1]}"#, r#"[{"a":1],2}"#, r#"{"a":1,"a":2}"#, r#"{"":0}"#,
        r#"{"\u0061":1}"#, r#"{"\ud800":1}"#, r#"{"a":"\ud800"}"#, r#"{"a":{"\ud800":1}}"#, "{\"a\n\":1}",
        " \t\r\n{ \"a\" : [ 1 , 2 ] , \"b\" : { } } \n", "[1]\u{c}", "// a\n1", "[1/**/]", "tr ue", "[nulltrue]",
        r#"["a" "b"]"#, r#"["a":1]"#, r#"{"a","b"}"#, "{null:1}", "{\"a\":nul}", "[-]", "[1.]", "{}{}", "[[1,2],[3,[4]],{}]",
    ];
    cases.into_iter().for_each(assert_agrees);
}

#[test]
fn mutated_documents_are_judged_as_serde_json_judges_them() {
    let (mut valid, mut objects) = (0, 0);
    mutated(100_000, |text| {
        assert_agrees(text);
        valid += usize::from(scanned(text).is_some());
        objects += usize::from(members(text).is_some());
    });
    // Or nothing was compared but refusals.
    assert!((20_000..80_000).contains(&valid), "{valid}");
    assert!((5_000..valid).contains(&objects), "{objects}");
}

/// However a string is looked through, eight bytes at a time or more, nothing in it is missed.
#[test]
fn a_string_ends_at_the_first_byte_that_means_something() {
    for length in 0..120 {
        for special in ['"', '\\', '\0', '\u{1f}'] {
            let text = format!("{}{special}{}", "x".repeat(length), "\"\\\n".repeat(20));
            assert_eq!(end_of_plain(text.as_bytes(), 0), length, "{special:?}");
        }
        for plain in [" ", "!", "#", "[", "]", "\u{7f}", "é", "世", "\u{10ffff}"] {
            let text = format!("x{}", plain.repeat(length));
            assert_eq!(end_of_plain(text.as_bytes(), 1), text.len(), "{plain:?}");
            let ended = format!("{text}\"{plain}");
            assert_eq!(end_of_plain(ended.as_bytes(), 1), text.len(), "{plain:?}");
        }
    }
}

#[test]
fn containers_are_counted_by_how_many_are_open_at_once() {
    let nested = |depth: usize| [["[", r#"{"a":"#][depth % 2]].concat().repeat(depth) + "1";
    let close = |depth: usize| [["]", "}"][depth % 2]].concat().repeat(depth);
    for limit in [1, 2, 7, 8, DEEPEST - 1, DEEPEST] {
        let walk = |depth: usize| {
            let text = nested(depth) + &close(depth) + "," + &nested(depth) + &close(depth);
            let text = format!("[{text}]");
            Scanner::new(&text, limit).value().map(drop)
        };
        assert_eq!(walk(limit - 1), Ok(()), "{limit}");
        assert_eq!(walk(limit), Err(Malformed), "{limit}");
    }
    // What has been walked through is open no more, in whichever way it was.
    let mut scanner = Scanner::new("[[1],[[2]]]", 3);
    let walk = scanner.array(|scanner| scanner.value().map(drop));
    assert_eq!(walk.and_then(|()| scanner.end()), Ok(()));
    let mut scanner = Scanner::new("[[1],[[[2]]]]", 3);
    assert_eq!(scanner.array(|scanner| scanner.value().map(drop)), Err(Malformed));
    assert_eq!(Scanner::new("{}", 0).object(|_| Ok(())), Err(Malformed));
    assert_eq!(Scanner::new("{}", 0).value(), Err(Malformed));
    assert_eq!(Scanner::new("[{}]", 1).array(|scanner| scanner.value().map(drop)), Err(Malformed));
}
