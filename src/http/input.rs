//! Asking a modern client: the questions that a result holds, and the answers that come with the
//! next request (2026-07-28, Multi Round-Trip Requests).

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use serde::de::{Deserializer as _, MapAccess, Visitor};
use serde::{Serialize, Serializer as _};
use serde_json::value::RawValue;

use super::service::Shared;
use super::spent::Spending;
use crate::protocol::jsonrpc::{
    Message, ObjectWriter, Parsed, Raw, Request, RpcError, parse, string,
};
use crate::protocol::modern::ModernRequest;
use crate::protocol::modern::state::{self, Binding, Nonce, State, StateKeys};
use crate::protocol::principal::Principal;
use crate::server::{Answer, BuildError, Context, NotUsable, Question, RawJson, UseOnce};

/// At most so many answers come with a request; a handler asks 16 questions at once at most.
const MAX_RESPONSES: usize = 256;

/// The member of `params` that names what a request is for, of those whose result may be questions
/// (Supported Requests).
fn subject_of(method: &str) -> Option<&'static str> {
    match method {
        "tools/call" | "prompts/get" => Some("name"),
        "resources/read" => Some("uri"),
        _ => None,
    }
}

/// Gives `with` what a state of this request is bound to: the same when it is sealed and when it
/// comes back.
fn bound<T>(
    shared: &Shared,
    principal: &Principal,
    request: &Request<'_>,
    with: impl FnOnce(&Binding<'_>) -> T,
) -> T {
    let subject = subject_of(&request.method).and_then(|name| request.params.get_str(name));
    with(&Binding {
        server: shared.server.name(),
        principal,
        method: &request.method,
        subject: &subject.unwrap_or_default(),
        arguments: request.params.get("arguments").map(Raw::get),
    })
}

/// What a request brings of the client's input, before its handler asks for it.
#[derive(Default)]
pub(super) struct Input {
    state: Option<State>,
    responses: Vec<(String, RawJson)>,
}

impl Input {
    /// Reads what a request brings.
    ///
    /// What was not asked for is taken as well: it is the client's own business what it answers,
    /// and only what a handler asks for is looked at (Error Handling: "the server SHOULD ignore any
    /// information it does not recognize or need").
    ///
    /// # Errors
    ///
    /// -32602 if the state was not sealed here for this request, or is stale or used up (Server
    /// Requirements, 4: "MUST reject state that fails verification"), or if what came is no object.
    pub(super) fn of(
        shared: &Shared,
        principal: &Principal,
        modern: &ModernRequest<'_, '_>,
    ) -> Result<Self, RpcError> {
        let (request, params) = (modern.request, &modern.request.params);
        let (state, responses) = (params.get("requestState"), params.get("inputResponses"));
        if state.is_none() && responses.is_none() {
            return Ok(Self::default());
        }
        if subject_of(&request.method).is_none() {
            return Ok(Self::default());
        }
        let state = match state {
            None => None,
            Some(sealed) => {
                let sealed = string(sealed)
                    .ok_or_else(|| RpcError::invalid_params("`requestState` must be a string"))?;
                Some(bound(shared, principal, request, |it| open(shared, &sealed, it))?)
            }
        };
        let responses = responses.map(read_responses).transpose()?.unwrap_or_default();
        Ok(Self { state, responses })
    }

    /// What makes sure that it is used once, if the handler wants that.
    pub(super) fn once(&self, shared: &Arc<Shared>) -> Option<Arc<dyn UseOnce>> {
        let chain = self.state.as_ref()?.chain;
        Some(Arc::new(Once { shared: Arc::clone(shared), chain, used: AtomicBool::new(false) }))
    }

    /// Gives it to the call. What was answered in earlier rounds stays as it was. Returns the chain
    /// that the request belongs to, if it is not the first of one.
    ///
    /// # Errors
    ///
    /// -32602 if it is more than a call may hold.
    pub(super) fn give(self, cx: &Context) -> Result<Option<Nonce>, RpcError> {
        if self.state.is_none() && self.responses.is_empty() {
            return Ok(None);
        }
        let (round, chain, earlier) = match self.state {
            None => (0, None, Vec::new()),
            Some(state) => (state.round, Some(state.chain), state.answers),
        };
        let earlier =
            earlier.into_iter().map(|(key, raw)| (key, Answer::Result(RawJson::copy(&*raw))));
        let latest = self.responses.into_iter().map(|(key, raw)| (key, Answer::Result(raw)));
        let inputs = cx.inputs();
        inputs
            .restore(round, earlier)
            .and_then(|()| inputs.offer(latest))
            .map_err(|full| RpcError::invalid_params(full.to_string()))?;
        Ok(chain)
    }
}

fn open(shared: &Shared, sealed: &str, binding: &Binding<'_>) -> Result<State, RpcError> {
    let state = state::open(&shared.state_keys, sealed, binding, now())
        .map_err(|bad| RpcError::invalid_params(format!("`requestState`: {bad}")))?;
    check_unspent(shared, &state.chain)?;
    Ok(state)
}

fn check_unspent(shared: &Shared, chain: &Nonce) -> Result<(), RpcError> {
    if shared.spent.contains(chain) {
        let message = "`requestState`: it was used before, and is to be used once";
        return Err(RpcError::invalid_params(message));
    }
    Ok(())
}

/// The answers in `inputResponses`, raw. Whether one fits its question, the question knows.
fn read_responses(raw: Raw<'_>) -> Result<Vec<(String, RawJson)>, RpcError> {
    serde_json::Deserializer::from_str(raw.get()).deserialize_any(Responses).map_err(|error| {
        RpcError::invalid_params(format!("`inputResponses` must be an object: {error}"))
    })
}

struct Responses;

impl<'de> Visitor<'de> for Responses {
    type Value = Vec<(String, RawJson)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an answer for each key, at most {MAX_RESPONSES}")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut responses = Vec::new();
        while let Some((key, raw)) = map.next_entry::<String, &RawValue>()? {
            if responses.len() == MAX_RESPONSES {
                return Err(serde::de::Error::invalid_length(MAX_RESPONSES + 1, &self));
            }
            responses.push((key, RawJson::copy(raw)));
        }
        Ok(responses)
    }
}

/// What is kept of a request whose handler may ask, for the state that its questions go with.
pub(super) struct Origin {
    cx: Context,
    /// The handler's arguments share it anyway.
    body: Bytes,
    chain: Option<Nonce>,
}

impl Origin {
    /// Keeps what is needed if the client can be asked anything.
    pub(super) fn keep(
        cx: &Context,
        body: &Bytes,
        modern: &ModernRequest<'_, '_>,
        chain: Option<Nonce>,
    ) -> Option<Self> {
        let declared = modern.envelope.client_capabilities.get().as_bytes();
        // A name may be written with escapes. Most declare nothing.
        let may_ask = declared != b"{}"
            && ["elicitation", "sampling", "roots", "\\"]
                .iter()
                .any(|name| memchr::memmem::find(declared, name.as_bytes()).is_some());
        may_ask.then(|| Self { cx: cx.clone(), body: body.clone(), chain })
    }

    /// What a result holds that asks (Core Types, InputRequiredResult).
    ///
    /// # Errors
    ///
    /// -32603 if what was answered so far is too long for a state, or there is no randomness; -32602
    /// if the answers were used up meanwhile, as what may be used once.
    pub(super) fn ask(
        &self,
        shared: &Shared,
        questions: &[Question],
    ) -> Result<InputRequired, RpcError> {
        let mut requests = Vec::new();
        let mut object = serde_json::Serializer::new(&mut requests);
        let asked = questions.iter().map(|question| (&question.key, WireQuestion::of(question)));
        object.collect_map(asked).map_err(|error| RpcError::internal(error.to_string()))?;
        Ok(InputRequired { requests, state: self.seal(shared)? })
    }

    fn seal(&self, shared: &Shared) -> Result<String, RpcError> {
        // It would be refused when it comes; and as what was used is forgotten when all that was
        // sealed until then is stale, nothing of the same chain may be sealed later.
        if let Some(chain) = &self.chain {
            check_unspent(shared, chain)?;
        }
        let mut nonce = Nonce::default();
        getrandom::fill(&mut nonce).map_err(|error| RpcError::internal(error.to_string()))?;
        let issued = now();
        let (round, answers) = self.cx.inputs().answers();
        let answers = answers.into_iter().filter_map(|(key, answer)| match answer {
            Answer::Result(raw) => Some((key, raw.to_raw_value())),
            // There are no others in this era.
            Answer::Refused { .. } | Answer::TimedOut | Answer::Unavailable(_) => None,
        });
        let state = State {
            issued,
            expires: issued.saturating_add(millis(shared.registry.limits().input_timeout)),
            round,
            chain: self.chain.unwrap_or(nonce),
            answers: answers.collect(),
        };
        // Nothing is kept of the request but its body, which was read once already.
        let Ok(Parsed::Single(Message::Request(request))) = parse(&self.body, shared.options.parse)
        else {
            return Err(RpcError::internal("the request cannot be read again"));
        };
        bound(shared, self.cx.principal(), &request, |it| {
            state::seal(&shared.state_keys, nonce, it, &state)
        })
        .map_err(|too_long| RpcError::internal(too_long.to_string()))
    }
}

/// The members of a result that asks, but for `resultType` and `_meta`.
pub(super) struct InputRequired {
    requests: Vec<u8>,
    state: String,
}

impl InputRequired {
    pub(super) fn write(&self, object: &mut ObjectWriter<'_>) -> Result<(), serde_json::Error> {
        object.raw_member("inputRequests", &self.requests);
        object.member("requestState", &self.state)
    }
}

/// A question as it stands in `inputRequests`: a request without an id.
#[derive(Serialize)]
struct WireQuestion<'a> {
    method: &'static str,
    params: &'a RawJson,
}

impl<'a> WireQuestion<'a> {
    fn of(question: &'a Question) -> Self {
        Self { method: question.method, params: &question.params }
    }
}

/// A state that may be used once.
struct Once {
    shared: Arc<Shared>,
    chain: Nonce,
    /// By this call.
    used: AtomicBool,
}

impl UseOnce for Once {
    fn use_up(&self) -> Result<(), NotUsable> {
        if self.used.load(Ordering::Relaxed) {
            return Ok(());
        }
        let now = now();
        // What was sealed up to now is stale by then.
        let until = now.saturating_add(millis(self.shared.registry.limits().input_timeout));
        match self.shared.spent.spend(self.chain, now, until) {
            Spending::Done => {
                self.used.store(true, Ordering::Relaxed);
                Ok(())
            }
            Spending::Before => Err(NotUsable::UsedBefore),
            Spending::NoRoom => Err(NotUsable::NoRoom),
        }
    }
}

/// Keys of a service's own.
///
/// # Errors
///
/// If the operating system has no randomness: a key that could be guessed would be worse than none.
pub(super) fn drawn_keys() -> Result<StateKeys, BuildError> {
    let mut key = [0; 32];
    getrandom::fill(&mut key).map_err(|error| BuildError::option("state_keys", error))?;
    Ok(StateKeys::new(key))
}

/// Milliseconds of the wall clock, which other instances share and a restart does not set back.
fn now() -> u64 {
    millis(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default())
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
