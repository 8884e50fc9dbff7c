//! Asking the client: a handler's questions as requests on the call's own stream (DESIGN,
//! decision 14), and the way of the answers back.

use std::sync::Arc;

use super::calls::{Call, Post};
use crate::http::commit::Framing;
use crate::protocol::budget::{Budget, Share};
use crate::protocol::jsonrpc::{Raw, Response, encode_request};
use crate::protocol::legacy::{Asker, Heard, Reply, Session, Unsent};
use crate::server::{
    Answer as Input, Asking, Context, InputsFull, MAX_ANSWER_BYTES, Open, Question, RawJson,
    RequestRefused,
};

/// How the calls of a POST can ask their client. `offered` is the framing before the client's
/// `Accept` had its say.
pub(super) fn asking(session: Option<&Session>, offered: Framing, framing: Framing) -> Asking {
    Asking::Impossible(match (session, offered, framing) {
        (None, ..) => "this server keeps no sessions, in which an answer could find its request",
        (_, Framing::JsonOnly, _) => {
            "this server answers with JSON alone, and a request to the client needs a stream"
        }
        (_, _, Framing::JsonOnly) => {
            "a request to the client needs a stream: send `Accept: application/json, \
             text/event-stream`"
        }
        (Some(session), ..) if session.can_be_asked() => return Asking::Meanwhile,
        (Some(_), ..) => "it declared nothing that it could be asked for",
    })
}

impl Post<'_> {
    /// Takes the client's answer to a request. It is never refused for capacity (decision 8).
    pub(super) fn take_answer(&self, session: &Session, answer: &Response<'_>) {
        let (Ok(raw) | Err(raw)) = answer.outcome;
        if !self.mount.shared.registry.budget().has_last_room(raw.get().len()) {
            self.mount.shared.relieve();
        }
        if session.take_answer(answer) == Heard::Unexpected {
            self.mount.shared.counters.unexpected_answers.add(1);
        }
    }
}

impl Call {
    /// Puts a handler's questions to the client, on the call's own stream. Those that cannot be put
    /// are answered with that, so that the handler learns of it.
    pub(super) fn ask(&self, questions: Vec<Question>) {
        let (Some(cx), Some(ticket), Some(budget)) = (self.cx(), &self.ticket, self.budget())
        else {
            debug_assert!(false, "only a call in a session, and with a handler, can ask");
            return;
        };
        for Question { key, method, params } in questions {
            let asked = Asked { cx: cx.clone(), key, budget: Arc::clone(budget) };
            let asker = Arc::new(asked);
            let id = match ticket.ask(Arc::clone(&asker) as Arc<dyn Asker>) {
                Ok(id) => id,
                Err(why) => {
                    asker.hear(Reply::Unsent(why));
                    continue;
                }
            };
            let message = encode_request(id, method, params.as_bytes());
            match cx.outbox().send_request(id, message) {
                Ok(()) => {}
                Err(RequestRefused::NoRoom) => ticket.fail_request(id, Unsent::NoRoom),
                Err(RequestRefused::Closed) => ticket.fail_request(id, Unsent::NoStream),
            }
        }
    }

    /// No stream will ever be there for what was asked: its client has left before there was one.
    pub(super) fn fail_questions(&self) {
        if let Some(ticket) = &self.ticket {
            ticket.fail_requests(Unsent::NoStream);
        }
    }
}

/// One question of a call, which waits for its answer.
struct Asked {
    cx: Context,
    key: String,
    budget: Arc<Budget>,
}

impl Asker for Asked {
    fn hear(&self, reply: Reply<'_>) {
        let inputs = self.cx.inputs();
        let answered = match self.input(reply) {
            Ok((input, share)) => {
                let answered = inputs.answer(&self.key, input);
                // What is not kept holds nothing.
                if answered.is_ok() {
                    share.into_iter().for_each(|share| inputs.hold(share));
                }
                answered
            }
            Err(NoMemory) => {
                inputs.answer(&self.key, Input::Unavailable("the server has no memory for it"))
            }
        };
        let answered = answered.or_else(|InputsFull| {
            const { assert!(MAX_ANSWER_BYTES == 1024 * 1024) }
            let why = "the client's answers to this request are more than 1 MiB";
            inputs.answer(&self.key, Input::Unavailable(why))
        });
        debug_assert!(answered.is_ok(), "there is always room to say that there is no answer");
        if answered == Ok(Open::None) {
            self.cx.wake_handler();
        }
    }
}

/// There is no memory to keep an answer in.
struct NoMemory;

impl Asked {
    /// What the handler is told, and the room that it takes for as long as its call runs.
    fn input(&self, reply: Reply<'_>) -> Result<(Input, Option<Share>), NoMemory> {
        let why = match reply {
            Reply::Result(result) => {
                let share = self.room_for(result)?;
                return Ok((Input::Result(RawJson::copy(result)), Some(share)));
            }
            Reply::Error(error) => {
                let share = self.room_for(error)?;
                let RpcFailure { code, message } = RpcFailure::read(error);
                return Ok((Input::Refused { code, message }, Some(share)));
            }
            Reply::TimedOut => return Ok((Input::TimedOut, None)),
            Reply::Unsent(why) => why,
        };
        let why = match why {
            Unsent::Uninitialized => {
                "it has not sent `notifications/initialized`, before which it is asked nothing"
            }
            Unsent::TooMany => "too many requests to this client are open",
            Unsent::NoRoom => "there is no room for a request to the client on its stream",
            Unsent::NoStream => "there is no stream on which the client could be asked",
        };
        Ok((Input::Unavailable(why), None))
    }

    fn room_for(&self, raw: Raw<'_>) -> Result<Share, NoMemory> {
        let bytes = raw.get().len();
        if !self.budget.has_last_room(bytes) {
            self.budget.press();
            return Err(NoMemory);
        }
        let mut share = Share::of(&self.budget);
        share.grow(bytes);
        Ok(share)
    }
}

/// What a client's `error` says.
struct RpcFailure {
    code: i64,
    message: String,
}

impl RpcFailure {
    /// Reads an `error`. What it does not say is left open, since that it is one says enough.
    fn read(error: Raw<'_>) -> Self {
        let error: serde_json::Value = serde_json::from_str(error.get()).unwrap_or_default();
        let message = error["message"].as_str().unwrap_or("no reason was given");
        Self { code: error["code"].as_i64().unwrap_or(-32603), message: message.to_owned() }
    }
}
