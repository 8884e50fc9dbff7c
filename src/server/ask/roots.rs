//! Asking for the client's roots: `roots/list`.

use serde_json::{Map, Value};

use super::answer::{Object, parse};
use super::question::Ask;
use crate::protocol::version::ProtocolVersion;
use crate::server::raw::RawJson;
use crate::server::{ClientCapabilities, ToolError};

/// Asks the client which directories and files it works on (client page "Roots" of each
/// revision).
///
/// The answer is a list of [`Root`]s. They are guidance, no access control: a server checks the
/// paths that it touches itself. 2026-07-28 deprecates roots in favour of arguments of tools and
/// URIs of resources.
///
/// The client must have declared the capability `roots`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListRoots {}

/// A directory or file that the client works on.
///
/// ```
/// use mcp_http::Root;
///
/// fn listed(roots: &[Root]) -> String {
///     let names: Vec<&str> = roots.iter().map(|root| root.name().unwrap_or(root.uri())).collect();
///     names.join(", ")
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Root {
    uri: String,
    name: Option<String>,
}

impl ListRoots {
    /// Asks for all roots: there is nothing to choose.
    pub fn new() -> Self {
        Self::default()
    }
}

impl Root {
    /// The `file://` URI.
    pub fn uri(&self) -> &str {
        &self.uri
    }

    /// The name that people read.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    fn read(value: &Value, at: &str) -> Result<Self, String> {
        let object = Object::new(value, at)?;
        let uri = object.string("uri")?;
        // 2026-07-28, Roots, Root: "This MUST be a `file://` URI in the current specification."
        // The scheme's case does not matter (RFC 3986, section 3.1).
        let is_file = uri.get(..7).is_some_and(|start| start.eq_ignore_ascii_case("file://"));
        if !is_file {
            return Err(format!("`{}` is no file:// URI", object.place("uri")));
        }
        let name = object.optional_string("name")?.map(str::to_owned);
        Ok(Self { uri: uri.to_owned(), name })
    }
}

impl Ask for ListRoots {
    type Answer = Vec<Root>;

    const METHOD: &'static str = "roots/list";

    fn requires(&self) -> (&'static str, Map<String, Value>) {
        ("roots", Map::new())
    }

    fn is_supported_by(&self, client: &ClientCapabilities) -> bool {
        client.supports("roots")
    }

    fn params(&self, _version: ProtocolVersion) -> Result<RawJson, ToolError> {
        Ok(RawJson::empty_object())
    }

    fn read(&self, answer: &RawJson) -> Result<Vec<Root>, String> {
        let answer = parse(answer)?;
        let roots = Object::new(&answer, "")?.array("roots")?;
        let read = |(index, root)| Root::read(root, &format!("roots[{index}]."));
        roots.iter().enumerate().map(read).collect()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(answer: Value) -> Result<Vec<Root>, String> {
        ListRoots::new().read(&RawJson::from_serialize(&answer).unwrap())
    }

    /// 2026-07-28, Roots, Root: `uri` is there and a `file://` URI, `name` may be.
    #[test]
    fn roots_are_file_uris_with_or_without_a_name() {
        let answer = json!({"roots": [
            {"uri": "file:///a", "name": "A", "_meta": {}}, {"uri": "FILE:///b"},
        ], "more": 1});
        let roots = read(answer).unwrap();
        let told: Vec<_> = roots.iter().map(|root| (root.uri(), root.name())).collect();
        assert_eq!(told, [("file:///a", Some("A")), ("FILE:///b", None)]);
        assert_eq!(read(json!({"roots": []})), Ok(vec![]));
    }

    #[test]
    fn an_answer_of_another_shape_is_refused_by_name() {
        for (answer, error) in [
            (json!({}), "`roots` is missing"),
            (json!([[]]), "the answer is an array, not an object"),
            (json!({"roots": {}}), "`roots` is an object, not an array"),
            (json!({"roots": [["file:///a"]]}), "`roots[0]` is an array, not an object"),
            (json!({"roots": [{"name": "A"}]}), "`roots[0].uri` is missing"),
            (
                json!({"roots": [{"uri": "file:///a"}, {"uri": "https://a"}]}),
                "`roots[1].uri` is no file:// URI",
            ),
            (json!({"roots": [{"uri": "file:"}]}), "`roots[0].uri` is no file:// URI"),
            (
                json!({"roots": [{"uri": "file:///a", "name": 1}]}),
                "`roots[0].name` is a number, not a string",
            ),
        ] {
            assert_eq!(read(answer).unwrap_err(), error);
        }
    }

    #[test]
    fn only_a_client_that_declared_roots_is_asked() {
        let client = |members: Value| ClientCapabilities::new(members.as_object().unwrap().clone());
        assert!(ListRoots::new().is_supported_by(&client(json!({"roots": {"listChanged": true}}))));
        assert!(!ListRoots::new().is_supported_by(&client(json!({"sampling": {}}))));
    }
}
