//! Templates against URIs, both ways.

use std::collections::BTreeMap;

use iri_string::spec::UriSpec;
use iri_string::template::UriTemplateStr;
use iri_string::template::simple_context::{SimpleContext, Value as ExpandedValue};

use super::*;

fn template(text: &str) -> UriTemplate {
    UriTemplate::parse(text).unwrap()
}

/// The variables of a URI, a list with `|` between its values.
fn found(text: &str, uri: &str) -> Option<String> {
    let variables = template(text).matches(uri)?;
    let mut all: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (name, value) in variables.iter() {
        all.entry(name.to_owned()).or_default().push(value.to_owned());
    }
    let all = all.into_iter().map(|(name, values)| format!("{name}={}", values.join("|")));
    Some(all.collect::<Vec<_>>().join(" "))
}

#[track_caller]
fn matches(text: &str, uri: &str, variables: &str) {
    assert_eq!(found(text, uri).as_deref(), Some(variables), "{text} {uri}");
}

#[track_caller]
fn differs(text: &str, uri: &str) {
    assert_eq!(found(text, uri), None, "{text} {uri}");
}

#[test]
fn a_variable_takes_a_segment_and_never_a_slash() {
    let text = "test://template/{id}/data";
    matches(text, "test://template/123/data", "id=123");
    matches(text, "test://template/%C3%BC%2F/data", "id=ü/");
    matches(text, "test://template/a:b@c+d,e!/data", "id=a:b@c+d,e!");
    for uri in [
        "test://template//data",
        "test://template/a/b/data",
        "test://template/a/data/",
        "test://template/a/dat",
        "test://template/a/data?x",
        "test://template/a/data#x",
        "test://template/a?b/data",
        "Test://template/a/data",
        "xtest://template/a/data",
        "",
    ] {
        differs(text, uri);
    }
}

#[test]
fn a_reserved_variable_takes_slashes_too() {
    matches("file:///{+path}", "file:///a/b/c.rs", "path=a/b/c.rs");
    matches("file:///{+path}", "file:///a?b#c", "path=a?b#c");
    matches("proxy://{+uri}", "proxy://https://a.b/c?d=e&f", "uri=https://a.b/c?d=e&f");
    matches("f:{+path}/{name}", "f:a/b/c", "name=c path=a/b");
    matches("f:{+path}{?q}{#at}", "f:a/b?q=1#x?", "at=x? path=a/b q=1");
    matches("f:{+path}{?q}{#at}", "f:a/b", "path=a/b");
    matches("f:{+path}?x={x}", "f:a/b?x=1", "path=a/b x=1");
    differs("file:///{+path}", "file:///");
    differs("f:{+path}{?q}", "f:a?b");
}

#[test]
fn the_delimiters_that_a_template_writes_are_no_part_of_its_variables() {
    matches("geo:{lat},{lon}", "geo:46.9,7.4", "lat=46.9 lon=7.4");
    matches("geo:{lat,lon}", "geo:46.9,7.4", "lat=46.9 lon=7.4");
    matches("geo:{lat,lon}", "geo:46.9", "lat=46.9");
    matches("mail://{user}@{host}", "mail://a.b@c.d", "host=c.d user=a.b");
    matches("mail://{address}", "mail://a.b@c.d", "address=a.b@c.d");
    differs("geo:{lat},{lon}", "geo:1,2,3");
    differs("mail://{user}@{host}", "mail://a@b@c");
    matches("mail://{user}@{host}", "mail://a%40b@c", "host=c user=a@b");
}

#[test]
fn text_behind_a_variable_is_found_from_the_end() {
    matches("f:{name}.json", "f:a.json", "name=a");
    matches("f:{name}.json", "f:a.json.json", "name=a.json");
    matches("f:{+path}.json", "f:a/b.json", "path=a/b");
    differs("f:{name}.json", "f:.json");
    differs("f:{name}.json", "f:a.jsonl");
    matches("f:{/path*}/edit", "f:/a/edit/edit", "path=a|edit");
}

#[test]
fn lists_have_their_separators() {
    matches("a:{list*}", "a:1", "list=1");
    matches("a:{list*}", "a:1,2,3", "list=1|2|3");
    differs("a:{list*}", "a:1,,3");
    matches("a:x{/list*}", "a:x/1/2%2F3", "list=1|2/3");
    matches("a:x{/list*}", "a:x", "");
    differs("a:x{/list*}", "a:x/");
    matches("a:x{.list*}", "a:x.1.2", "list=1|2");
    matches("a:x{/one,two}", "a:x/1/2", "one=1 two=2");
    matches("a:x{/one,two}", "a:x/1", "one=1");
    matches("a:x{.format}", "a:x.json", "format=json");
    matches("a:x{;v,w}", "a:x;w=1", "w=1");
    matches("a:x{;v,w}", "a:x;v;w=1", "v= w=1");
    differs("a:x{;v,w}", "a:x;w=1;v=1");
}

#[test]
fn parameters_of_a_query_come_in_any_order_each_once_and_no_others() {
    let text = "w:x{?q,lang}";
    matches(text, "w:x", "");
    matches(text, "w:x?q=1", "q=1");
    matches(text, "w:x?lang=2", "lang=2");
    matches(text, "w:x?q=1&lang=2", "lang=2 q=1");
    matches(text, "w:x?lang=2&q=1", "lang=2 q=1");
    matches(text, "w:x?q=&lang", "lang= q=");
    matches(text, "w:x?q=a%26b%3D/?:=c+d", "q=a&b=/?:=c+d");
    for uri in ["w:x?", "w:x?q=1&", "w:x?&q=1", "w:x?q=1&q=1", "w:x?Q=1", "w:x?q=1&z=2", "w:x?z"] {
        differs(text, uri);
    }
    matches("w:x{?tags*,q}", "w:x?tags=a&q=1&tags=&tags=b", "q=1 tags=a||b");
    matches("w:x?v=1{&q}", "w:x?v=1&q=2", "q=2");
    matches("w:x?v=1{&q}", "w:x?v=1", "");
    matches("w:x?v={v}{&q}", "w:x?v=a&q=b", "q=b v=a");
    matches("w:x{?a,ab}", "w:x?ab=1&a=2", "a=2 ab=1");
    matches("w:x{?a}{&b}", "w:x?a=1&b=2", "a=1 b=2");
}

#[test]
fn what_is_encoded_in_the_template_is_encoded_in_the_uri() {
    matches("f:a%2Fb/{x}", "f:a%2fb/1", "x=1");
    matches("f:a%2fb/{x}", "f:a%2Fb/1", "x=1");
    differs("f:a%2Fb/{x}", "f:a/b/1");
    differs("f:afb/{x}", "f:aFb/1");
}

#[test]
fn values_are_decoded_once_and_are_utf_8() {
    matches("f:{x}", "f:%252F", "x=%2F");
    matches("f:{x}", "f:a%00%0A", "x=a\0\n");
    differs("f:{x}", "f:%FF");
    differs("f:{x}", "f:%C3");
    differs("f:{x}", "f:%");
    differs("f:{x}", "f:%4");
    differs("f:{x}", "f:ü");
}

/// What is matched is what RFC 6570 makes of the variables: its expansion by another crate.
#[test]
fn what_a_template_expands_to_it_matches_with_the_same_variables() {
    let values = ["a", "a b", "ü/ä?#&=,;.:@%2F", "..", "100%", "{x}", "\u{1F600}\n\0"];
    for text in [
        "t:{one}",
        "t://h/{one}/{two}",
        "t:{one},{two}",
        "t:{one,two}",
        "t:x{/one,two}",
        "t:x{;one,two}",
        "t:x{?one,two}",
        "t:x?f=1{&one,two}",
        "t:{one}{?two}",
        "t:{one}{/two}.json",
        "t:x{/one}{;two}",
    ] {
        for one in values {
            for two in values {
                let mut context = SimpleContext::new();
                context.insert("one", one);
                context.insert("two", two);
                let expanded = UriTemplateStr::new(text).unwrap();
                let uri = expanded.expand::<UriSpec, _>(&context).unwrap().to_string();
                let variables = template(text).matches(&uri);
                let variables = variables.unwrap_or_else(|| panic!("{text} {uri}"));
                assert_eq!(variables.get("one"), Some(one), "{text} {uri}");
                if text.contains("two") {
                    assert_eq!(variables.get("two"), Some(two), "{text} {uri}");
                }
            }
        }
    }
}

/// RFC 6570, section 3.2: how a list is expanded where its variable is exploded.
#[test]
fn lists_that_a_template_expands_to_it_matches() {
    for text in ["t:{list*}", "t:x{/list*}", "t:x{?list*}", "t:x?f{&list*}", "t:x{;list*}"] {
        let list = ["a", "b/c", "d,e&f"];
        let mut context = SimpleContext::new();
        context.insert("list", ExpandedValue::List(list.map(str::to_owned).to_vec()));
        let expanded = UriTemplateStr::new(text).unwrap();
        let uri = expanded.expand::<UriSpec, _>(&context).unwrap().to_string();
        let variables = template(text).matches(&uri).unwrap_or_else(|| panic!("{text} {uri}"));
        assert_eq!(variables.get_all("list"), list, "{text} {uri}");
    }
}

#[test]
fn a_template_that_could_be_read_in_two_ways_is_refused() {
    for text in [
        "a:{x}{y}",
        "a:{x}{+y}",
        "a:{x}.{y}",
        "a:{x}-{y}",
        "a:{x}{.y}",
        "a:{+x}/{+y}",
        "a:{+x,y}",
        "a:{+x*}",
        "a:{#x,y}",
        "a:{+x}{/y}",
        "a:{/x*}{/y}",
        "a:{/x,y}{/z}",
        "a:x{?q}{?r*}?",
        "a:{;x*}{;y}{+z}",
        "a:x{&q}{&r,q2*}{+z}",
    ] {
        let error = UriTemplate::parse(text).unwrap_err().to_string();
        assert_eq!(
            error,
            format!("resource template `{text}`: a URI could be matched in two ways"),
        );
    }
}

#[test]
fn what_is_no_template_or_names_a_variable_twice_is_refused() {
    let told = |text: &str| UriTemplate::parse(text).unwrap_err().to_string();
    assert!(told("a:{x").starts_with("resource template `a:{x`: invalid URI template"));
    assert_eq!(told("a:{x}/{x}"), "resource template `a:{x}/{x}`: `x`: named twice");
    assert!(told("a:{x:3}").contains("a prefix does not tell the variable"));
    assert!(told("a:ü{x}").contains("not ASCII"));
    let at_most = format!("a:{}", "x".repeat(MAX_TEMPLATE - 2));
    assert!(UriTemplate::parse(at_most.clone()).is_ok());
    assert!(told(&(at_most + "x")).contains("longer than 2048 bytes"));
}

/// No URI makes matching slow: the work is counted, since time cannot be.
#[test]
fn the_work_is_linear_in_the_length_of_the_uri() {
    for (text, hostile) in [
        ("a:{x}/{y}/{z}.json", "a:aaaa.jso/a.jso"),
        ("a:{+x}.a.a.a.a.a", "a:.a.a.a.a"),
        ("a:{+x}/{y}", "a://///a/a"),
        ("a:{x*}", "a:a,a,a,a"),
        ("a:x{/x*}/a/a/a", "a:x/a/a/a/a"),
        ("a:x{?a,aa,aaa*}", "a:x?aaa=a&aaa=&aaa&"),
        ("a:{x}", "a:%41%41%4"),
    ] {
        let pattern = &template(text).inner.pattern;
        let work = |times: usize| pattern.work(&(hostile.to_owned() + &hostile[2..].repeat(times)));
        let (small, large) = (work(100), work(1_000));
        assert!(large <= 11 * small, "{text}: {small} steps for 100, {large} for 1,000");
    }
}
