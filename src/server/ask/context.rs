//! How a handler asks: the part of [`Context`] that does.

use super::elicit::{ElicitForm, ElicitUrl, Elicited};
use super::inputs::{Answer, Asked, Asking};
use super::question::{Ask, Question};
use super::roots::{ListRoots, Root};
use super::sample::{CreateMessage, CreateMessageResult};
#[cfg(feature = "schemars")]
use super::typed::ElicitTyped;
use crate::server::context::Context;
use crate::server::handler_error::HandlerError;

/// A question to the person at the client: [`ElicitForm`], `ElicitTyped` (feature `schemars`) or
/// [`ElicitUrl`]. [`Elicit`](crate::Elicit) makes them.
///
/// No other type can implement it.
pub trait Elicitation: sealed::Sealed {
    /// What a person who accepts gives.
    type Value;

    #[doc(hidden)]
    fn ask_in(&self, asking: sealed::Asking<'_>) -> Result<Elicited<Self::Value>, HandlerError>;
}

mod sealed {
    use super::Context;

    pub trait Sealed {}

    /// Where the question is asked, and under which key.
    #[derive(Clone, Copy, Debug)]
    pub struct Asking<'a> {
        pub(super) cx: &'a Context,
        pub(super) key: &'a str,
    }
}

/// # Asking the client
///
/// A handler asks under a key of its choice, and is run **again from its beginning** when the
/// answer is there: the method returns an error the first time, which the handler passes on by `?`,
/// and the answer the next time. The client is asked meanwhile, in the way of its revision: by a
/// request on the call's own stream, or by a result that makes it send its request anew (from
/// 2026-07-28 on). One handler serves both.
///
/// **Side effects belong after the last `?` that asks.** Whatever stands before it may be done
/// several times, in another process even.
///
/// ```
/// use mcp_http::{Context, Elicit, Elicited, StringSchema, ToolError};
///
/// async fn book(cx: Context) -> Result<String, ToolError> {
///     // Both are asked at once: first ask, then unwind.
///     let name = cx.elicit("name", Elicit::form("Who travels?").with_required("name", StringSchema::new()));
///     let roots = cx.list_roots("roots");
///     let (name, roots) = (name?, roots?);
///     let Elicited::Accept(name) = name else { return Ok("Nothing was booked".to_owned()) };
///     // From here on everything is known: this is done once.
///     Ok(format!("Booked for {} ({} roots)", name["name"], roots.len()))
/// }
/// ```
///
/// A key has at most 128 bytes and means one question for the whole call: its answer is the same
/// however often the handler is run. At most 16 questions are asked at once, in at most 32 rounds;
/// the answers have at most 1 MiB together, and those of earlier rounds, where they travel with the
/// client, 48 KiB. A client has the time of
/// [`McpServiceBuilder::input_timeout`](crate::McpServiceBuilder::input_timeout).
///
/// The question counts whatever error type it is turned into on its way out of the handler. One
/// that was asked by a handler which then returns a result is dropped. Tools, prompts and resources
/// may ask; lists and completions may not.
///
/// # Errors
///
/// Besides the one that unwinds ([`HandlerError::is_question`]): the client did not declare the
/// capability (`-32021` from 2026-07-28 on, `-32602` before), or cannot be asked because its answer
/// must be JSON or it has no session (`-32602`); its answer does not fit, or is an error
/// ([`HandlerError::is_refused_by_client`]), or did not come in time or could not be asked for at
/// this moment, as from a legacy client that has not yet sent `notifications/initialized`
/// ([`HandlerError::is_unanswered`]). A handler may look at these and go on without the answer.
impl Context {
    /// Asks the person at the client to fill in a form or to open a page.
    ///
    #[cfg_attr(feature = "schemars", doc = "```")]
    #[cfg_attr(not(feature = "schemars"), doc = "```ignore")]
    /// use mcp_http::{Context, Elicit, Elicited, ToolError};
    ///
    /// #[derive(serde::Deserialize, schemars::JsonSchema)]
    /// struct Traveller {
    ///     /// As in the passport
    ///     name: String,
    ///     seats: u8,
    /// }
    ///
    /// async fn book(cx: Context) -> Result<String, ToolError> {
    ///     Ok(match cx.elicit("traveller", Elicit::typed::<Traveller>("Who travels?"))? {
    ///         Elicited::Accept(who) => format!("{} seats for {}", who.seats, who.name),
    ///         Elicited::Decline | Elicited::Cancel => "Nothing was booked".to_owned(),
    ///     })
    /// }
    /// ```
    ///
    /// Source: 2026-07-28, Elicitation; Multi Round-Trip Requests.
    ///
    /// # Errors
    ///
    /// See [above](#asking-the-client).
    pub fn elicit<Q: Elicitation>(
        &self,
        key: impl AsRef<str>,
        question: Q,
    ) -> Result<Elicited<Q::Value>, HandlerError> {
        question.ask_in(sealed::Asking { cx: self, key: key.as_ref() })
    }

    /// Asks the client's model to go on with a conversation.
    ///
    /// ```
    /// use mcp_http::{Context, CreateMessage, ToolError};
    ///
    /// async fn summary(text: String, cx: Context) -> Result<String, ToolError> {
    ///     let question = CreateMessage::new(format!("In one sentence: {text}"), 200);
    ///     Ok(cx.sample("summary", question)?.text())
    /// }
    /// ```
    ///
    /// Source: 2026-07-28, Sampling (deprecated there).
    ///
    /// # Errors
    ///
    /// See [above](#asking-the-client).
    pub fn sample(
        &self,
        key: impl AsRef<str>,
        question: CreateMessage,
    ) -> Result<CreateMessageResult, HandlerError> {
        let client = || self.client_capabilities();
        self.ask(key.as_ref(), &question.fit_for(self.protocol_version(), client))
    }

    /// Asks the client for its roots: the folders that it works in.
    ///
    /// ```
    /// use mcp_http::{Context, ToolError};
    ///
    /// async fn folders(cx: Context) -> Result<String, ToolError> {
    ///     let roots = cx.list_roots("roots")?;
    ///     Ok(roots.iter().map(|root| root.uri()).collect::<Vec<_>>().join("\n"))
    /// }
    /// ```
    ///
    /// Source: 2026-07-28, Roots (deprecated there).
    ///
    /// # Errors
    ///
    /// See [above](#asking-the-client).
    pub fn list_roots(&self, key: impl AsRef<str>) -> Result<Vec<Root>, HandlerError> {
        self.ask(key.as_ref(), &ListRoots::new())
    }

    /// The answer to a question, or the error that makes the handler unwind until it is there.
    pub(crate) fn ask<A: Ask>(&self, key: &str, question: &A) -> Result<A::Answer, HandlerError> {
        let is_supported = question.is_supported_by(&self.client_capabilities());
        match self.asking() {
            // A client that could say what it can do, and did not say this, is told so first: no
            // other way of asking would help.
            Asking::Impossible(why) if is_supported || !self.declares_capabilities() => {
                return Err(HandlerError::cannot_ask(why));
            }
            _ if !is_supported => {
                let (name, settings) = question.requires();
                return Err(HandlerError::missing_client_capabilities([(name, settings.into())]));
            }
            Asking::ByResult | Asking::Meanwhile | Asking::Impossible(_) => {}
        }
        let params = question.params(self.protocol_version())?;
        let note = || Question { key: key.to_owned(), method: A::METHOD, params };
        match self.inputs().ask(key, note) {
            Asked::Noted => Err(HandlerError::awaits_input(key)),
            Asked::Refused(why) => Err(HandlerError::new(why)),
            Asked::Answered(Answer::Result(raw)) => {
                question.read(&raw).map_err(|reason| HandlerError::unusable_input(key, reason))
            }
            Asked::Answered(Answer::Refused { code, message }) => {
                Err(HandlerError::refused_input(key, code, message))
            }
            Asked::Answered(Answer::TimedOut) => Err(HandlerError::no_input(key)),
            Asked::Answered(Answer::Unavailable(why)) => {
                Err(HandlerError::unavailable_input(key, why))
            }
        }
    }
}

impl sealed::Sealed for ElicitForm {}

impl Elicitation for ElicitForm {
    type Value = serde_json::Map<String, serde_json::Value>;

    fn ask_in(&self, asking: sealed::Asking<'_>) -> Result<Elicited<Self::Value>, HandlerError> {
        asking.cx.ask(asking.key, self)
    }
}

impl sealed::Sealed for ElicitUrl {}

impl Elicitation for ElicitUrl {
    type Value = ();

    fn ask_in(&self, asking: sealed::Asking<'_>) -> Result<Elicited<()>, HandlerError> {
        asking.cx.ask(asking.key, self)
    }
}

#[cfg(feature = "schemars")]
impl<T> sealed::Sealed for ElicitTyped<T> {}

#[cfg(feature = "schemars")]
impl<T: schemars::JsonSchema + serde::de::DeserializeOwned> Elicitation for ElicitTyped<T> {
    type Value = T;

    fn ask_in(&self, asking: sealed::Asking<'_>) -> Result<Elicited<T>, HandlerError> {
        asking.cx.ask(asking.key, self)
    }
}
