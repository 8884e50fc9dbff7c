//! Asking the client's model: `sampling/createMessage`.

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::answer::{Object, parse};
use super::message::{SamplingContent, SamplingMessage};
use super::preferences::ModelPreferences;
use super::question::{Ask, unknown_to_the_revision};
use crate::protocol::version::ProtocolVersion;
use crate::server::raw::RawJson;
use crate::server::revision::Revision;
use crate::server::tool::WireTool;
use crate::server::{ClientCapabilities, Role, Tool, ToolError};

/// Asks the client's model to continue a conversation (client page "Sampling" of each revision).
///
/// The answer is a [`CreateMessageResult`]. The person at the client may look at both, change them
/// and decline. 2026-07-28 deprecates sampling in favour of the interfaces that models have
/// themselves.
///
/// The client must have declared the capability `sampling`, and with tools `sampling.tools`.
///
/// ```
/// use mcp_http::{CreateMessage, ModelPreferences};
///
/// let question = CreateMessage::new("What is the capital of France?", 100)
///     .with_system_prompt("You are a helpful assistant.")
///     .with_model_preferences(ModelPreferences::new().with_speed_priority(0.8));
/// # let _ = question;
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct CreateMessage {
    messages: Vec<SamplingMessage>,
    max_tokens: u32,
    model_preferences: Option<ModelPreferences>,
    system_prompt: Option<String>,
    include_context: Option<IncludeContext>,
    temperature: Option<f64>,
    stop_sequences: Vec<String>,
    metadata: Option<Map<String, Value>>,
    tools: Vec<Tool>,
    tool_choice: Option<ToolChoice>,
}

/// Which context the client is to add to the conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum IncludeContext {
    /// None.
    None,
    /// What this server gave. (Deprecated by 2025-11-25.)
    ThisServer,
    /// What all servers gave. (Deprecated by 2025-11-25.)
    AllServers,
}

/// Whether the model may use the tools.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum ToolChoice {
    /// As it likes.
    Auto,
    /// It must use one at least.
    Required,
    /// It must not.
    None,
}

/// What the client's model said.
///
/// ```
/// use mcp_http::{CreateMessageResult, StopReason};
///
/// fn tell(answer: &CreateMessageResult) -> String {
///     let end = if answer.stop_reason() == Some(&StopReason::MaxTokens) { " …" } else { "" };
///     format!("{}: {}{end}", answer.model(), answer.text())
/// }
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct CreateMessageResult {
    message: SamplingMessage,
    model: String,
    stop_reason: Option<StopReason>,
}

/// Why the model stopped.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StopReason {
    /// It had said what it had to say.
    EndTurn,
    /// One of the sequences that end it came up.
    StopSequence,
    /// It had said as much as it was allowed to.
    MaxTokens,
    /// It wants to use tools.
    ToolUse,
    /// Something that the specification does not name.
    Other(String),
}

/// The request as a revision writes it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Wire<'a> {
    messages: Vec<Value>,
    max_tokens: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    model_preferences: Option<&'a ModelPreferences>,
    #[serde(skip_serializing_if = "Option::is_none")]
    system_prompt: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    include_context: Option<IncludeContext>,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f64>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    stop_sequences: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<&'a Map<String, Value>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tools: Vec<WireTool<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_choice: Option<WireToolChoice>,
}

#[derive(Serialize)]
struct WireToolChoice {
    mode: ToolChoice,
}

impl CreateMessage {
    /// A conversation that begins with this message (a text is the user's), to be continued by at
    /// most so many tokens.
    pub fn new(message: impl Into<SamplingMessage>, max_tokens: u32) -> Self {
        Self {
            messages: vec![message.into()],
            max_tokens,
            model_preferences: None,
            system_prompt: None,
            include_context: None,
            temperature: None,
            stop_sequences: Vec::new(),
            metadata: None,
            tools: Vec::new(),
            tool_choice: None,
        }
    }

    /// Adds the next message.
    #[must_use]
    pub fn with_message(mut self, message: impl Into<SamplingMessage>) -> Self {
        self.messages.push(message.into());
        self
    }

    /// Says which model is wished for.
    #[must_use]
    pub fn with_model_preferences(mut self, preferences: ModelPreferences) -> Self {
        self.model_preferences = Some(preferences);
        self
    }

    /// Sets the system prompt, which the client may change.
    #[must_use]
    pub fn with_system_prompt(mut self, prompt: impl Into<String>) -> Self {
        self.system_prompt = Some(prompt.into());
        self
    }

    /// Asks the client to add context. From revision 2025-11-25 on a client that did not declare
    /// `sampling.context` is not asked for any: the question goes to it without. See
    /// [`Context::client_capabilities`](crate::Context::client_capabilities).
    ///
    /// Source: 2026-07-28, Sampling, Capabilities (deprecated there).
    #[must_use]
    pub fn with_include_context(mut self, context: IncludeContext) -> Self {
        self.include_context = Some(context);
        self
    }

    /// Sets how random the answer may be. What is not finite is ignored.
    #[must_use]
    pub fn with_temperature(mut self, temperature: f64) -> Self {
        self.temperature = temperature.is_finite().then_some(temperature);
        self
    }

    /// Adds a sequence that ends the answer.
    #[must_use]
    pub fn with_stop_sequence(mut self, sequence: impl Into<String>) -> Self {
        self.stop_sequences.push(sequence.into());
        self
    }

    /// Adds a member to what is handed to the provider of the model.
    #[must_use]
    pub fn with_metadata(mut self, key: impl Into<String>, value: impl Into<Value>) -> Self {
        self.metadata.get_or_insert_default().insert(key.into(), value.into());
        self
    }

    /// Adds a tool that the model may use; it need not be one of the server's (from revision
    /// 2025-11-25 on).
    #[must_use]
    pub fn with_tool(mut self, tool: Tool) -> Self {
        self.tools.push(tool);
        self
    }

    /// Says whether the model may use the tools (from revision 2025-11-25 on).
    #[must_use]
    pub fn with_tool_choice(mut self, choice: ToolChoice) -> Self {
        self.tool_choice = Some(choice);
        self
    }

    /// The question without what this client should not be asked.
    ///
    /// 2026-07-28 (and 2025-11-25), Sampling, Capabilities: servers "SHOULD NOT use" the values of
    /// `includeContext` other than `none` "unless the client declares `sampling.context`".
    pub(super) fn fit_for(
        mut self,
        version: ProtocolVersion,
        client: impl FnOnce() -> ClientCapabilities,
    ) -> Self {
        let wants_context = self.include_context.is_some_and(|it| it != IncludeContext::None);
        let declares_context = || {
            let client = client();
            let context = client.get("sampling").and_then(|settings| settings.get("context"));
            context.is_some_and(Value::is_object)
        };
        if wants_context && version.declares_context_in_sampling() && !declares_context() {
            self.include_context = None;
        }
        self
    }

    fn needs_tools(&self) -> bool {
        !self.tools.is_empty()
            || self.tool_choice.is_some()
            || self.messages.iter().any(SamplingMessage::has_tools)
    }

    /// 2026-07-28, Sampling, Message Content Constraints: results of tools stand alone, and each
    /// use of a tool is followed by its result before any other message.
    fn check_balance(&self) -> Result<(), &'static str> {
        let mut open: Vec<&str> = Vec::new();
        for message in &self.messages {
            let results: Vec<&str> = message.tool_results().map(|r| r.tool_use_id()).collect();
            let is_mixed = !results.is_empty() && results.len() != message.content().len();
            if is_mixed || (!results.is_empty() && message.role() != Role::User) {
                return Err("results of tools stand in a message of the user's of their own");
            }
            if !is_same(&open, &results) {
                return Err("each use of a tool is followed by its result, and by nothing else");
            }
            open = message.tool_uses().map(|tool_use| tool_use.id()).collect();
            if !open.is_empty() && message.role() != Role::Assistant {
                return Err("only the assistant uses tools");
            }
        }
        if open.is_empty() { Ok(()) } else { Err("the last use of a tool has no result") }
    }
}

/// Whether both hold the same ids, in any order.
fn is_same(uses: &[&str], results: &[&str]) -> bool {
    fn sorted<'a>(ids: &[&'a str]) -> Vec<&'a str> {
        let mut ids = ids.to_vec();
        ids.sort_unstable();
        ids
    }
    sorted(uses) == sorted(results)
}

impl CreateMessageResult {
    /// Who says it: the assistant, as a rule.
    pub fn role(&self) -> Role {
        self.message.role()
    }

    /// What it says.
    pub fn content(&self) -> &[SamplingContent] {
        self.message.content()
    }

    /// The text of all its blocks that are text.
    pub fn text(&self) -> String {
        self.content().iter().filter_map(SamplingContent::as_text).collect()
    }

    /// The name of the model that said it.
    pub fn model(&self) -> &str {
        &self.model
    }

    /// Why it stopped, if the client knows.
    pub fn stop_reason(&self) -> Option<&StopReason> {
        self.stop_reason.as_ref()
    }

    /// The message, to be put into the next question.
    pub fn into_message(self) -> SamplingMessage {
        self.message
    }
}

impl StopReason {
    fn read(text: &str) -> Self {
        match text {
            "endTurn" => Self::EndTurn,
            "stopSequence" => Self::StopSequence,
            "maxTokens" => Self::MaxTokens,
            "toolUse" => Self::ToolUse,
            other => Self::Other(other.to_owned()),
        }
    }
}

impl Ask for CreateMessage {
    type Answer = CreateMessageResult;

    const METHOD: &'static str = "sampling/createMessage";

    fn requires(&self) -> (&'static str, Map<String, Value>) {
        let tools = self.needs_tools().then(|| ("tools".to_owned(), json!({})));
        ("sampling", Map::from_iter(tools))
    }

    /// 2026-07-28, Sampling, Tools in Sampling: "Servers MUST NOT send tool-enabled sampling
    /// requests to Clients that have not declared support for tool use via the `sampling.tools`
    /// capability."
    fn is_supported_by(&self, client: &ClientCapabilities) -> bool {
        client.get("sampling").is_some_and(|settings| {
            !self.needs_tools() || settings.get("tools").is_some_and(Value::is_object)
        })
    }

    fn params(&self, version: ProtocolVersion) -> Result<RawJson, ToolError> {
        if self.needs_tools() && !version.knows_tools_in_sampling() {
            return Err(unknown_to_the_revision(self));
        }
        let refused =
            |reason: &str| ToolError::new(format!("the client's model cannot be asked: {reason}"));
        self.check_balance().map_err(refused)?;
        for tool in &self.tools {
            tool.validate()?;
        }
        let wire = Wire {
            messages: self.messages.iter().flat_map(|message| message.wire(version)).collect(),
            max_tokens: self.max_tokens,
            model_preferences: self.model_preferences.as_ref(),
            system_prompt: self.system_prompt.as_deref(),
            include_context: self.include_context,
            temperature: self.temperature,
            stop_sequences: &self.stop_sequences,
            metadata: self.metadata.as_ref(),
            tools: self.tools.iter().map(|tool| tool.wire(version)).collect(),
            tool_choice: self.tool_choice.map(|mode| WireToolChoice { mode }),
        };
        Ok(RawJson::from_serialize(&wire)?)
    }

    fn read(&self, answer: &RawJson) -> Result<CreateMessageResult, String> {
        let answer = parse(answer)?;
        let object = Object::new(&answer, "")?;
        Ok(CreateMessageResult {
            message: SamplingMessage::read(object)?,
            model: object.string("model")?.to_owned(),
            stop_reason: object.optional_string("stopReason")?.map(StopReason::read),
        })
    }
}
