//! Results of reading, and what turns into one.

use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use super::contents::{ResourceContents, ResourceData};
use crate::server::handler_error::HandlerError;
use crate::server::reply::{CacheHint, CacheScope};

/// What reading a resource results in: contents, and how long they may be cached.
///
/// ```
/// use std::time::Duration;
/// use mcp_http::{CacheScope, ReadResourceResult};
///
/// let rates = ReadResourceResult::text(r#"{"EUR":0.94}"#)
///     .with_cache(Duration::from_secs(60), CacheScope::Public);
/// # let _ = rates;
/// ```
///
/// Contents without a URI of their own are those of the resource that is read, and have its media
/// type. There may be several, of other resources too: those in a directory, say. Without any, the
/// resource is there and empty; one that is not there is
/// [`HandlerError::resource_not_found`] ("Servers MUST NOT return an empty `contents` array for a
/// non-existent resource": 2026-07-28, Resources, Error Handling).
///
/// It is read from JSON as a server sends it, for gateways. What it is read with in `_meta` under
/// the protocol's own keys, such as the name of that server, is left out.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ReadResourceResult {
    contents: Vec<ResourceContents>,
    cache: Option<CacheHint>,
    meta: Option<Map<String, Value>>,
}

/// What a resource's handler may return: text, bytes, contents, or a whole [`ReadResourceResult`].
///
/// ```
/// use mcp_http::{HandlerError, IntoResourceResult, ReadResourceResult};
///
/// struct Celsius(f32);
///
/// impl IntoResourceResult for Celsius {
///     fn into_resource_result(self) -> Result<ReadResourceResult, HandlerError> {
///         Ok(ReadResourceResult::text(format!("{} °C", self.0)))
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not what reading a resource can result in",
    label = "no result of a resource",
    note = "return `String`, `&'static str`, `Bytes`, `Vec<u8>`, `&'static [u8]`, \
            `ResourceContents`, `Vec<ResourceContents>` or `ReadResourceResult`"
)]
pub trait IntoResourceResult {
    /// Makes the result.
    ///
    /// # Errors
    ///
    /// If it cannot be made; none of the types of this crate fails.
    fn into_resource_result(self) -> Result<ReadResourceResult, HandlerError>;
}

impl ReadResourceResult {
    /// A result without contents: the resource is there, and empty.
    pub fn empty() -> Self {
        Self::default()
    }

    /// The text of the resource that is read.
    pub fn text(text: impl Into<String>) -> Self {
        Self::of(ResourceData::Text(text.into()))
    }

    /// The bytes of the resource that is read; they are sent as Base64.
    pub fn blob(bytes: impl Into<Bytes>) -> Self {
        Self::of(ResourceData::Blob(bytes.into()))
    }

    /// Adds contents.
    #[must_use]
    pub fn with_contents(mut self, contents: ResourceContents) -> Self {
        self.contents.push(contents);
        self
    }

    /// How long clients may take it for fresh, and who may cache it (2026-07-28, Caching). Default:
    /// what the resource says, and if it says nothing not at all, and privately.
    ///
    /// What is public may be shown to every caller, whoever read it. Of a result for which the
    /// client was asked something it has no effect: "Results produced by retrying a request ...
    /// MUST NOT be cached".
    #[must_use]
    pub fn with_cache(mut self, ttl: Duration, scope: CacheScope) -> Self {
        self.cache = Some(CacheHint::new(ttl, scope));
        self
    }

    /// Adds a member to the result's `_meta`. Keys that begin with `io.modelcontextprotocol/` are
    /// the protocol's.
    #[must_use]
    pub fn with_meta(mut self, key: impl Into<String>, value: impl Into<Value>) -> Self {
        self.meta.get_or_insert_default().insert(key.into(), value.into());
        self
    }

    /// The contents. The URI of those of the resource that is read is empty until it is sent.
    pub fn contents(&self) -> &[ResourceContents] {
        &self.contents
    }

    /// The application's members of `_meta`.
    pub fn meta(&self) -> Option<&Map<String, Value>> {
        self.meta.as_ref()
    }

    /// How long it may be cached, if it says so itself.
    pub(super) fn cache(&self) -> Option<CacheHint> {
        self.cache
    }

    /// The same with what the resource that was read adds.
    pub(super) fn of_resource(mut self, uri: &str, mime_type: Option<&str>) -> Self {
        for contents in &mut self.contents {
            contents.complete(uri, mime_type);
        }
        self
    }

    /// The same, to be cached in this way unless it says otherwise of itself.
    pub(super) fn or_cache(mut self, hint: CacheHint) -> Self {
        self.cache.get_or_insert(hint);
        self
    }

    /// How long the resource is, if this is the whole of it.
    pub(super) fn size(&self) -> Option<u64> {
        match &self.contents[..] {
            [contents] if contents.uri().is_empty() => Some(contents.size()),
            _ => None,
        }
    }

    fn of(data: ResourceData) -> Self {
        Self::empty().with_contents(ResourceContents::new(String::new(), data))
    }
}

impl<'de> Deserialize<'de> for ReadResourceResult {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Read {
            contents: Vec<ResourceContents>,
            ttl_ms: Option<i64>,
            cache_scope: Option<CacheScope>,
            #[serde(rename = "_meta")]
            meta: Option<Map<String, Value>>,
        }
        let Read { contents, ttl_ms, cache_scope, meta } = Read::deserialize(deserializer)?;
        // 2026-07-28, Caching: "If `ttlMs` is negative, clients SHOULD ignore it and treat it as `0`".
        let ttl = ttl_ms.map(|ms| Duration::from_millis(u64::try_from(ms).unwrap_or(0)));
        let cache = ttl.map(|ttl| CacheHint::new(ttl, cache_scope.unwrap_or_default()));
        let meta = meta.map(|mut meta| {
            meta.retain(|key, _| !key.starts_with("io.modelcontextprotocol/"));
            meta
        });
        Ok(Self { contents, cache, meta: meta.filter(|meta| !meta.is_empty()) })
    }
}

impl IntoResourceResult for ReadResourceResult {
    fn into_resource_result(self) -> Result<ReadResourceResult, HandlerError> {
        Ok(self)
    }
}

impl IntoResourceResult for String {
    fn into_resource_result(self) -> Result<ReadResourceResult, HandlerError> {
        Ok(ReadResourceResult::text(self))
    }
}

impl IntoResourceResult for &'static str {
    fn into_resource_result(self) -> Result<ReadResourceResult, HandlerError> {
        Ok(ReadResourceResult::text(self))
    }
}

impl IntoResourceResult for Bytes {
    fn into_resource_result(self) -> Result<ReadResourceResult, HandlerError> {
        Ok(ReadResourceResult::blob(self))
    }
}

impl IntoResourceResult for Vec<u8> {
    fn into_resource_result(self) -> Result<ReadResourceResult, HandlerError> {
        Ok(ReadResourceResult::blob(self))
    }
}

impl IntoResourceResult for &'static [u8] {
    fn into_resource_result(self) -> Result<ReadResourceResult, HandlerError> {
        Ok(ReadResourceResult::blob(self))
    }
}

impl IntoResourceResult for ResourceContents {
    fn into_resource_result(self) -> Result<ReadResourceResult, HandlerError> {
        Ok(ReadResourceResult::empty().with_contents(self))
    }
}

impl IntoResourceResult for Vec<ResourceContents> {
    fn into_resource_result(self) -> Result<ReadResourceResult, HandlerError> {
        Ok(ReadResourceResult { contents: self, ..ReadResourceResult::empty() })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::protocol::version::ProtocolVersion;

    fn wire(result: Result<ReadResourceResult, HandlerError>) -> Value {
        let result = result.unwrap().of_resource("a:b", Some("text/x"));
        let contents = result.contents().iter();
        contents.map(|it| json!(it.wire(ProtocolVersion::LATEST))).collect()
    }

    #[test]
    fn what_a_handler_returns_becomes_contents_of_what_is_read() {
        let text = json!([{"uri": "a:b", "mimeType": "text/x", "text": "x"}]);
        assert_eq!(wire("x".into_resource_result()), text);
        assert_eq!(wire("x".to_owned().into_resource_result()), text);
        assert_eq!(wire(ReadResourceResult::text("x").into_resource_result()), text);
        let blob = json!([{"uri": "a:b", "mimeType": "text/x", "blob": "AQI="}]);
        assert_eq!(wire(vec![1, 2].into_resource_result()), blob);
        assert_eq!(wire(Bytes::from_static(&[1, 2]).into_resource_result()), blob);
        assert_eq!(wire((&[1, 2][..]).into_resource_result()), blob);
    }

    #[test]
    fn contents_that_say_whose_they_are_stay_as_they_are() {
        let other = ResourceContents::text("a:c", "x");
        let other_wire = json!({"uri": "a:c", "text": "x"});
        assert_eq!(wire(other.clone().into_resource_result()), json!([other_wire]));
        let own = ResourceContents::text("a:b", "y");
        let typed = ResourceContents::text("a:b", "z").with_mime_type("text/y");
        assert_eq!(
            wire(vec![other, own, typed].into_resource_result()),
            json!([
                other_wire,
                {"uri": "a:b", "mimeType": "text/x", "text": "y"},
                {"uri": "a:b", "mimeType": "text/y", "text": "z"},
            ])
        );
        assert_eq!(wire(Vec::<ResourceContents>::new().into_resource_result()), json!([]));
    }

    #[test]
    fn the_size_is_known_of_the_whole_of_one_resource() {
        assert_eq!(ReadResourceResult::text("é").size(), Some(2));
        assert_eq!(ReadResourceResult::blob(vec![0; 3]).size(), Some(3));
        let other = ResourceContents::text("a:c", "x");
        assert_eq!(ReadResourceResult::text("x").with_contents(other.clone()).size(), None);
        assert_eq!(ReadResourceResult::empty().with_contents(other).size(), None);
    }

    /// The published example: 2026-07-28, `examples/ReadResourceResult`.
    #[test]
    fn a_result_is_read_as_a_server_sends_it() {
        let read = |json: Value| serde_json::from_value::<ReadResourceResult>(json).unwrap();
        let contents = json!([{
            "uri": "file:///project/src/main.rs", "mimeType": "text/x-rust",
            "text": "fn main() {\n    println!(\"Hello world!\");\n}",
        }]);
        let result = read(json!({
            "resultType": "complete", "contents": &contents, "ttlMs": 60000,
            "cacheScope": "private",
        }));
        assert_eq!(
            result.cache(),
            Some(CacheHint::new(Duration::from_secs(60), CacheScope::Private))
        );
        assert_eq!(wire(Ok(result)), contents);
        let result = read(json!({
            "contents": [], "ttlMs": -1, "cacheScope": "public",
            "_meta": {"io.modelcontextprotocol/serverInfo": {"name": "s"}, "example.com/k": 1},
        }));
        assert_eq!(result.cache(), Some(CacheHint::new(Duration::ZERO, CacheScope::Public)));
        assert_eq!(json!(result.meta()), json!({"example.com/k": 1}));
        assert_eq!(read(json!({"contents": []})), ReadResourceResult::empty());
    }
}
