//! Definitions of prompts and their arguments.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::protocol::version::ProtocolVersion;
use crate::server::build_error::BuildError;
use crate::server::implementation::{Icon, wire_icons};
use crate::server::page::Listed;
use crate::server::revision::Revision;

/// The definition of a prompt: what a client shows to the user who chooses one.
///
/// ```
/// use mcp_http::{Prompt, PromptArgument};
///
/// let prompt = Prompt::new("code_review")
///     .with_title("Request a code review")
///     .with_description("Asks the model what could be better")
///     .with_argument(PromptArgument::required("code").with_description("The code to review"))
///     .with_argument(PromptArgument::optional("language"));
/// assert_eq!(prompt.name(), "code_review");
/// ```
///
/// A gateway reads those of another server from their JSON.
///
/// ```
/// use mcp_http::Prompt;
///
/// let json = r#"{"name": "greet", "arguments": [{"name": "whom", "required": true}]}"#;
/// let prompt: Prompt = serde_json::from_str(json)?;
/// assert!(prompt.arguments()[0].is_required());
/// # Ok::<(), serde_json::Error>(())
/// ```
///
/// Source: 2026-07-28, Prompts, Data Types.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Prompt {
    name: String,
    title: Option<String>,
    description: Option<String>,
    #[serde(default)]
    arguments: Vec<PromptArgument>,
    #[serde(default)]
    icons: Vec<Icon>,
    #[serde(rename = "_meta")]
    meta: Option<Map<String, Value>>,
}

/// An argument of a prompt, whose value is a string.
///
/// ```
/// use mcp_http::PromptArgument;
///
/// let language = PromptArgument::optional("language")
///     .with_title("Programming language")
///     .with_description("What the code is written in");
/// assert!(!language.is_required());
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct PromptArgument {
    name: String,
    title: Option<String>,
    description: Option<String>,
    #[serde(default)]
    required: bool,
}

/// A prompt as a revision writes it.
#[derive(Serialize)]
pub(crate) struct WirePrompt<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    arguments: Vec<WireArgument<'a>>,
    #[serde(skip_serializing_if = "<[Icon]>::is_empty")]
    icons: &'a [Icon],
    #[serde(rename = "_meta", skip_serializing_if = "Option::is_none")]
    meta: Option<&'a Map<String, Value>>,
}

#[derive(Serialize)]
struct WireArgument<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    required: Option<bool>,
}

impl Prompt {
    /// A prompt of this name, without arguments.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            title: None,
            description: None,
            arguments: Vec::new(),
            icons: Vec::new(),
            meta: None,
        }
    }

    /// Adds the name that people read (sent from revision 2025-06-18 on).
    #[must_use]
    pub fn with_title(mut self, title: impl Into<String>) -> Self {
        self.title = Some(title.into());
        self
    }

    /// Adds what the prompt is for.
    #[must_use]
    pub fn with_description(mut self, description: impl Into<String>) -> Self {
        self.description = Some(description.into());
        self
    }

    /// Adds an argument. Some clients take their values by place, so the order matters.
    #[must_use]
    pub fn with_argument(mut self, argument: PromptArgument) -> Self {
        self.arguments.push(argument);
        self
    }

    /// Adds a picture (sent from revision 2025-11-25 on).
    #[must_use]
    pub fn with_icon(mut self, icon: Icon) -> Self {
        self.icons.push(icon);
        self
    }

    /// Adds a member to the prompt's `_meta` (sent from revision 2025-06-18 on).
    #[must_use]
    pub fn with_meta(mut self, key: impl Into<String>, value: impl Into<Value>) -> Self {
        self.meta.get_or_insert_default().insert(key.into(), value.into());
        self
    }

    /// The name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The name that people read, if there is one.
    pub fn title(&self) -> Option<&str> {
        self.title.as_deref()
    }

    /// What the prompt is for, if that is said.
    pub fn description(&self) -> Option<&str> {
        self.description.as_deref()
    }

    /// The arguments, in their order.
    pub fn arguments(&self) -> &[PromptArgument] {
        &self.arguments
    }

    /// Whether there is an argument of this name.
    pub(crate) fn takes(&self, argument: &str) -> bool {
        self.arguments.iter().any(|known| known.name == argument)
    }

    /// Checks what all clients take for granted: there are names, and arguments differ in theirs.
    pub(crate) fn validate(&self) -> Result<(), BuildError> {
        let invalid = |reason: String| Err(BuildError::invalid_prompt(&self.name, reason));
        if self.name.is_empty() {
            return invalid("its name is empty".to_owned());
        }
        let mut seen = HashSet::new();
        for PromptArgument { name, .. } in &self.arguments {
            if name.is_empty() {
                return invalid("the name of an argument is empty".to_owned());
            }
            if !seen.insert(name) {
                return invalid(format!("it has two arguments `{name}`"));
            }
        }
        Ok(())
    }
}

impl Listed for Prompt {
    const MEMBER: &'static str = "prompts";
    type Wire<'a> = WirePrompt<'a>;

    fn key(&self) -> &str {
        &self.name
    }

    fn wire(&self, version: ProtocolVersion) -> WirePrompt<'_> {
        let known = version.knows_titles_and_structure();
        WirePrompt {
            name: &self.name,
            title: self.title.as_deref().filter(|_| known),
            description: self.description.as_deref(),
            arguments: self.arguments.iter().map(|argument| argument.wire(version)).collect(),
            icons: wire_icons(&self.icons, version),
            meta: self.meta.as_ref().filter(|_| known),
        }
    }
}

impl PromptArgument {
    /// An argument that must be given: a request without it never reaches the handler.
    pub fn required(name: impl Into<String>) -> Self {
        Self { required: true, ..Self::optional(name) }
    }

    /// An argument that may be left out.
    pub fn optional(name: impl Into<String>) -> Self {
        Self { name: name.into(), title: None, description: None, required: false }
    }

    /// Adds the name that people read (sent from revision 2025-06-18 on).
    #[must_use]
    pub fn with_title(mut self, title: impl Into<String>) -> Self {
        self.title = Some(title.into());
        self
    }

    /// Adds what the argument means.
    #[must_use]
    pub fn with_description(mut self, description: impl Into<String>) -> Self {
        self.description = Some(description.into());
        self
    }

    /// The name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The name that people read, if there is one.
    pub fn title(&self) -> Option<&str> {
        self.title.as_deref()
    }

    /// What the argument means, if that is said.
    pub fn description(&self) -> Option<&str> {
        self.description.as_deref()
    }

    /// Whether it must be given.
    pub fn is_required(&self) -> bool {
        self.required
    }

    fn wire(&self, version: ProtocolVersion) -> WireArgument<'_> {
        WireArgument {
            name: &self.name,
            title: self.title.as_deref().filter(|_| version.knows_titles_and_structure()),
            description: self.description.as_deref(),
            required: self.required.then_some(true),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn wire(prompt: &Prompt, version: ProtocolVersion) -> Value {
        serde_json::to_value(prompt.wire(version)).unwrap()
    }

    #[test]
    fn a_prompt_has_the_members_that_the_revision_knows() {
        let prompt = Prompt::new("p")
            .with_title("P")
            .with_description("d")
            .with_argument(PromptArgument::required("a").with_title("A").with_description("e"))
            .with_argument(PromptArgument::optional("b"))
            .with_icon(Icon::new("data:,"))
            .with_meta("example.com/k", 1);
        let mut expected = json!({
            "name": "p", "title": "P", "description": "d",
            "arguments": [
                {"name": "a", "title": "A", "description": "e", "required": true},
                {"name": "b"},
            ],
            "icons": [{"src": "data:,"}], "_meta": {"example.com/k": 1},
        });
        assert_eq!(wire(&prompt, ProtocolVersion::V2026_07_28), expected);
        assert_eq!(wire(&prompt, ProtocolVersion::V2025_11_25), expected);
        expected.as_object_mut().unwrap().remove("icons");
        assert_eq!(wire(&prompt, ProtocolVersion::V2025_06_18), expected);
        for member in ["title", "_meta"] {
            expected.as_object_mut().unwrap().remove(member);
        }
        expected["arguments"][0].as_object_mut().unwrap().remove("title");
        assert_eq!(wire(&prompt, ProtocolVersion::V2025_03_26), expected);
        let bare = wire(&Prompt::new("p"), ProtocolVersion::LATEST);
        assert_eq!(bare, json!({"name": "p"}));
    }

    #[test]
    fn what_is_read_is_written_again() {
        let published = json!({
            "name": "code_review",
            "title": "Request Code Review",
            "description": "Asks the LLM to analyze code quality and suggest improvements",
            "arguments": [
                {"name": "code", "description": "The code to review", "required": true},
            ],
            "icons": [{
                "src": "https://example.com/review-icon.svg",
                "mimeType": "image/svg+xml",
                "sizes": ["any"],
            }],
        });
        let prompt: Prompt = serde_json::from_value(published.clone()).unwrap();
        assert_eq!(wire(&prompt, ProtocolVersion::LATEST), published);
        let bare: Prompt = serde_json::from_value(json!({"name": "p", "x": 1})).unwrap();
        assert_eq!(bare, Prompt::new("p"));
        assert!(serde_json::from_value::<Prompt>(json!({"title": "P"})).is_err());
    }

    #[test]
    fn names_are_not_empty_and_those_of_arguments_differ() {
        let error = |prompt: Prompt| prompt.validate().unwrap_err().to_string();
        let argument = PromptArgument::optional;
        assert_eq!(error(Prompt::new("")), "prompt ``: its name is empty");
        let twice = Prompt::new("p").with_argument(argument("a")).with_argument(argument("a"));
        assert_eq!(error(twice), "prompt `p`: it has two arguments `a`");
        let nameless = Prompt::new("p").with_argument(argument(""));
        assert_eq!(error(nameless), "prompt `p`: the name of an argument is empty");
        assert!(Prompt::new("any name: é/ü").with_argument(argument("b c")).validate().is_ok());
    }
}
