//! Asking the person at the client: `elicitation/create`, as a form or by a URL.

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use serde_json::{Map, Value, json};

use super::answer::{Object, parse};
use super::check::is_uri;
use super::field::FieldSchema;
use super::question::{Ask, unknown_to_the_revision};
#[cfg(feature = "schemars")]
use super::typed::ElicitTyped;
use crate::protocol::version::ProtocolVersion;
use crate::server::raw::RawJson;
use crate::server::revision::Revision;
use crate::server::{ClientCapabilities, ToolError};

/// Where questions to the person at the client begin.
///
/// ```
/// use mcp_http::{Elicit, StringSchema};
///
/// let form = Elicit::form("Who are you?").with_required("name", StringSchema::new());
/// let page = Elicit::url("Please sign in", "https://example.com/connect/7");
/// # let _ = (form, page);
/// ```
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Elicit {}

/// A form that the person at the client fills in (2026-07-28, Elicitation, Form Mode; from
/// revision 2025-06-18 on).
///
/// The answer is [`Elicited`] with the fields' values by name, and it fits the form: values have
/// the type and format that was asked for, are within its limits and among its choices, and
/// nothing that is required is missing. What the client sends beyond the form is dropped, and so
/// is `null` in an optional field.
///
/// A form must not ask for secrets (passwords, keys, tokens, payment data); that is what
/// [`ElicitUrl`] is for.
///
/// ```
/// use mcp_http::{BooleanSchema, Elicit, NumberSchema, SingleSelectSchema, StringFormat, StringSchema};
///
/// let form = Elicit::form("Where shall the ticket go?")
///     .with_required("email", StringSchema::new().with_format(StringFormat::Email))
///     .with_required("class", SingleSelectSchema::new([("1", "First"), ("2", "Second")]))
///     .with_optional("seats", NumberSchema::integer().with_minimum(1.0).with_default(1.0))
///     .with_optional("newsletter", BooleanSchema::new());
/// # let _ = form;
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct ElicitForm {
    message: String,
    fields: Vec<Field>,
}

#[derive(Clone, Debug, PartialEq)]
struct Field {
    name: String,
    schema: FieldSchema,
    presence: Presence,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Presence {
    Required,
    Optional,
}

/// A page that the person at the client is asked to open, for what must not pass through the
/// client: a sign-in, a payment, a key (2026-07-28, Elicitation, URL Mode; from revision
/// 2025-11-25 on).
///
/// The answer is [`Elicited`] without a value. `Accept` says that the person agreed to open the
/// page, **not** that anything was done there; and whoever opens it must be shown to be the
/// person who was asked, since a URL can be passed on (Elicitation, Phishing).
///
/// The URL must hold nothing secret about the person and must not be authenticated beforehand
/// (Elicitation, Safe URL Handling). To ask with one that has no scheme or no host is an error.
///
/// ```
/// use mcp_http::Elicit;
///
/// let page = Elicit::url("Please connect your calendar", "https://example.com/connect/7")
///     .with_id("7");
/// # let _ = page;
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ElicitUrl {
    message: String,
    url: String,
    id: Option<String>,
}

/// What the person at the client did with a question.
///
/// ```
/// use mcp_http::Elicited;
///
/// fn greeting(answer: Elicited<String>) -> String {
///     match answer {
///         Elicited::Accept(name) => format!("Hello, {name}"),
///         Elicited::Decline => "As you like".to_owned(),
///         Elicited::Cancel => "Another time, then".to_owned(),
///     }
/// }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Elicited<T> {
    /// Answered.
    Accept(T),
    /// Declined on purpose.
    Decline,
    /// Dismissed without a choice.
    Cancel,
}

impl Elicit {
    /// A form with this message and no fields yet.
    pub fn form(message: impl Into<String>) -> ElicitForm {
        ElicitForm { message: message.into(), fields: Vec::new() }
    }

    /// A form with the fields of a type, which the answer is read as.
    #[cfg(feature = "schemars")]
    pub fn typed<T>(message: impl Into<String>) -> ElicitTyped<T>
    where
        T: schemars::JsonSchema + serde::de::DeserializeOwned,
    {
        ElicitTyped::new(message)
    }

    /// A page to be opened, and why.
    pub fn url(message: impl Into<String>, url: impl Into<String>) -> ElicitUrl {
        ElicitUrl { message: message.into(), url: url.into(), id: None }
    }
}

impl ElicitForm {
    /// Adds a field that must be filled in. One of the same name is replaced.
    #[must_use]
    pub fn with_required(self, name: impl Into<String>, schema: impl Into<FieldSchema>) -> Self {
        self.with(name.into(), schema.into(), Presence::Required)
    }

    /// Adds a field that may stay empty. One of the same name is replaced.
    #[must_use]
    pub fn with_optional(self, name: impl Into<String>, schema: impl Into<FieldSchema>) -> Self {
        self.with(name.into(), schema.into(), Presence::Optional)
    }

    fn with(mut self, name: String, schema: FieldSchema, presence: Presence) -> Self {
        self.fields.retain(|field| field.name != name);
        self.fields.push(Field { name, schema, presence });
        self
    }

    /// The values that fit the form, or what is wrong with them.
    fn check(&self, mut content: Map<String, Value>) -> Result<Map<String, Value>, String> {
        let mut checked = Map::new();
        for Field { name, schema, presence } in &self.fields {
            match (content.remove(name), presence) {
                (None, Presence::Required) => return Err(format!("`{name}` is missing")),
                (None | Some(Value::Null), Presence::Optional) => {}
                (Some(value), _) => {
                    let value = schema.check(value).map_err(|error| format!("`{name}` {error}"))?;
                    checked.insert(name.clone(), value);
                }
            }
        }
        Ok(checked)
    }

    fn wire_fields(&self, version: ProtocolVersion) -> Result<WireFields<'_>, ToolError> {
        let wire = |field: &'_ Field| match field.schema.wire(version) {
            Ok(schema) => Ok((field.name.clone(), schema)),
            Err(error) => Err(ToolError::new(format!("field `{}` of a form: {error}", field.name))),
        };
        let properties = self.fields.iter().map(wire).collect::<Result<_, _>>()?;
        let is_required = |field: &&Field| field.presence == Presence::Required;
        let required = self.fields.iter().filter(is_required).map(|field| field.name.as_str());
        Ok(WireFields {
            kind: "object",
            properties: InOrder(properties),
            required: required.collect(),
        })
    }
}

impl ElicitUrl {
    /// Sets the `elicitationId`, which revision 2025-11-25 alone has: what tells this question
    /// from the client's others. Without one it is the URL itself.
    #[must_use]
    pub fn with_id(mut self, id: impl Into<String>) -> Self {
        self.id = Some(id.into());
        self
    }

    /// The `elicitationId` in revision 2025-11-25.
    pub fn id(&self) -> &str {
        self.id.as_deref().unwrap_or(&self.url)
    }
}

impl<T> Elicited<T> {
    /// The answer, if there is one.
    pub fn accepted(self) -> Option<T> {
        match self {
            Self::Accept(answer) => Some(answer),
            Self::Decline | Self::Cancel => None,
        }
    }

    /// Whether there is an answer.
    pub fn is_accepted(&self) -> bool {
        matches!(self, Self::Accept(_))
    }

    /// The same, with another answer made of this one.
    pub fn map<U>(self, answer: impl FnOnce(T) -> U) -> Elicited<U> {
        match self {
            Self::Accept(value) => Elicited::Accept(answer(value)),
            Self::Decline => Elicited::Decline,
            Self::Cancel => Elicited::Cancel,
        }
    }
}

impl Ask for ElicitForm {
    type Answer = Elicited<Map<String, Value>>;

    const METHOD: &'static str = "elicitation/create";

    /// A client that declared the other mode alone is told which it lacks.
    fn requires(&self) -> (&'static str, Map<String, Value>) {
        ("elicitation", Map::from_iter([("form".to_owned(), json!({}))]))
    }

    /// 2026-07-28, Elicitation, Capabilities: "an empty capabilities object is equivalent to
    /// declaring support for `form` mode only", and "Servers MUST NOT send elicitation requests
    /// with modes that are not supported by the client."
    fn is_supported_by(&self, client: &ClientCapabilities) -> bool {
        client.get("elicitation").is_some_and(|modes| has(modes, "form") || !has(modes, "url"))
    }

    fn params(&self, version: ProtocolVersion) -> Result<RawJson, ToolError> {
        if !version.knows_elicitation() {
            return Err(unknown_to_the_revision(self));
        }
        let params = WireForm {
            mode: version.knows_elicitation_modes().then_some("form"),
            message: &self.message,
            requested_schema: self.wire_fields(version)?,
        };
        Ok(RawJson::from_serialize(&params)?)
    }

    fn read(&self, answer: &RawJson) -> Result<Self::Answer, String> {
        match read(answer)? {
            // Clients omit it where nothing was filled in, so it counts as empty.
            Elicited::Accept(content) => {
                self.check(content.unwrap_or_default()).map(Elicited::Accept)
            }
            Elicited::Decline => Ok(Elicited::Decline),
            Elicited::Cancel => Ok(Elicited::Cancel),
        }
    }
}

impl Ask for ElicitUrl {
    type Answer = Elicited<()>;

    const METHOD: &'static str = "elicitation/create";

    fn requires(&self) -> (&'static str, Map<String, Value>) {
        ("elicitation", Map::from_iter([("url".to_owned(), json!({}))]))
    }

    fn is_supported_by(&self, client: &ClientCapabilities) -> bool {
        client.get("elicitation").is_some_and(|modes| has(modes, "url"))
    }

    fn params(&self, version: ProtocolVersion) -> Result<RawJson, ToolError> {
        if !version.knows_elicitation_modes() {
            return Err(unknown_to_the_revision(self));
        }
        if !is_url(&self.url) {
            return Err(ToolError::new("the page that a client is asked to open has no valid URL"));
        }
        let params = WireUrl {
            mode: "url",
            message: &self.message,
            url: &self.url,
            elicitation_id: version.has_elicitation_ids().then(|| self.id()),
        };
        Ok(RawJson::from_serialize(&params)?)
    }

    fn read(&self, answer: &RawJson) -> Result<Self::Answer, String> {
        Ok(read(answer)?.map(|_| ()))
    }
}

/// Whether a person can be sent there (2026-07-28, Elicitation, URL Mode Elicitation Requests: "The
/// `url` parameter MUST contain a valid URL"): a URI with a host.
fn is_url(text: &str) -> bool {
    let host = text.split_once("://").map(|(_, rest)| rest);
    is_uri(text) && host.is_some_and(|host| !host.is_empty() && !host.starts_with(['/', '?', '#']))
}

/// Whether a mode is declared: by an object, as every capability.
fn has(modes: &Map<String, Value>, mode: &str) -> bool {
    modes.get(mode).is_some_and(Value::is_object)
}

/// Reads what was done, and the content that came with it if it was accepted.
fn read(answer: &RawJson) -> Result<Elicited<Option<Map<String, Value>>>, String> {
    let answer = parse(answer)?;
    let object = Object::new(&answer, "")?;
    match object.string("action")? {
        "accept" => Ok(Elicited::Accept(object.optional_map("content")?.cloned())),
        "decline" => Ok(Elicited::Decline),
        "cancel" => Ok(Elicited::Cancel),
        _ => Err("`action` is none of accept, decline and cancel".to_owned()),
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct WireForm<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    mode: Option<&'static str>,
    message: &'a str,
    requested_schema: WireFields<'a>,
}

#[derive(Serialize)]
struct WireFields<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    properties: InOrder,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    required: Vec<&'a str>,
}

/// An object whose members stay in order: clients show a form's fields as they come.
struct InOrder(Vec<(String, Map<String, Value>)>);

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct WireUrl<'a> {
    mode: &'static str,
    message: &'a str,
    url: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    elicitation_id: Option<&'a str>,
}

impl Serialize for InOrder {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_map(Some(self.0.len()))?;
        for (name, schema) in &self.0 {
            object.serialize_entry(name, schema)?;
        }
        object.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2025-11-25 and 2026-07-28, Elicitation, URL Mode Elicitation Requests: "The `url` parameter
    /// MUST contain a valid URL."
    #[test]
    fn a_page_that_has_no_valid_url_is_not_asked_for() {
        let params = |url: &str| Elicit::url("Open", url).params(ProtocolVersion::LATEST);
        for url in ["https://example.com/connect/7?a=b#c", "http://localhost:8080", "x-app://a/b"] {
            assert!(params(url).is_ok(), "{url}");
        }
        for url in [
            "",
            "example.com",
            "/connect",
            "//a",
            "https:",
            "https://",
            "https:///a",
            "https://a b",
        ] {
            let error = params(url).unwrap_err().to_string();
            assert_eq!(error, "the page that a client is asked to open has no valid URL", "{url}");
        }
    }
}
