//! `subscriptions/listen`: what a client asks to be told, what of it is honoured, and the messages
//! of its stream (2026-07-28, Subscriptions).

use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::protocol::change::{Change, ChangeSet};
use crate::protocol::jsonrpc::{
    ErrorCode, ObjectWriter, Params, RequestId, RpcError, encode_notification, encode_result,
};

/// The method.
pub(crate) const LISTEN: &str = "subscriptions/listen";

/// The longest id of a subscription, in bytes of JSON: it is held for as long as the subscription
/// is, and stands in each of its messages.
const LONGEST_ID: usize = 256;

const SUBSCRIPTION_ID: &str = "io.modelcontextprotocol/subscriptionId";

/// A subscription: what its client is still to be told. Changes that come while one of their kind
/// waits add nothing to it, so that at most one of each kind waits.
#[derive(Debug)]
pub(crate) struct Subscription {
    id: RequestId,
    honoured: ChangeSet,
    unsent: ChangeSet,
}

/// What a change means for a subscription.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Noted {
    /// There is something to be told now.
    Fresh,
    /// The client did not ask for it, or is to be told of it already.
    Nothing,
}

impl Subscription {
    /// The subscription that a request opens, where the server can tell of `supported`: of what is
    /// asked for, the rest is omitted.
    ///
    /// # Errors
    ///
    /// -32602 if the filter is missing or has a member of another type than the schema's, -32600 if
    /// the id is too long.
    pub(crate) fn open(
        id: RequestId,
        params: &Params<'_>,
        supported: ChangeSet,
    ) -> Result<Self, RpcError> {
        if id.as_json().len() > LONGEST_ID {
            let message = format!("the id of a subscription may have {LONGEST_ID} bytes");
            return Err(RpcError::new(ErrorCode::InvalidRequest, message));
        }
        let honoured = requested(params)?.intersection(supported);
        Ok(Self { id, honoured, unsent: ChangeSet::EMPTY })
    }

    /// Whether nothing that is asked for can ever be told.
    pub(crate) fn is_vain(&self) -> bool {
        self.honoured.is_empty()
    }

    /// Takes note of a change. "The server MUST NOT send notification types the client has not
    /// explicitly requested" (Opening a Stream).
    pub(crate) fn note(&mut self, change: Change) -> Noted {
        if !self.honoured.contains(change) || self.unsent.contains(change) {
            return Noted::Nothing;
        }
        self.unsent.insert(change);
        Noted::Fresh
    }

    /// The next notification, if there is one to be sent.
    pub(crate) fn next(&mut self) -> Option<Bytes> {
        let change = self.unsent.take()?;
        let message = encode_notification(change.method(), |params| {
            params.raw_member("_meta", &self.meta(|_| Ok(()))?);
            Ok(())
        });
        Some(message.expect("strings are JSON"))
    }

    /// The first message of the stream: "the subset the server agreed to honor" (Acknowledgment).
    pub(crate) fn acknowledgement(&self) -> Bytes {
        let message = encode_notification("notifications/subscriptions/acknowledged", |params| {
            params.raw_member("_meta", &self.meta(|_| Ok(()))?);
            let mut filter = Vec::new();
            let mut object = ObjectWriter::begin(&mut filter);
            for change in self.honoured.iter() {
                object.member(filter_key(change), &true)?;
            }
            object.end();
            params.raw_member("notifications", &filter);
            Ok(())
        });
        message.expect("strings and booleans are JSON")
    }

    /// The last message of the stream, which tells the client that the server ends it: "a
    /// successful `subscriptions/listen` response" (Graceful Closure). `more` adds to its `_meta`.
    ///
    /// Over HTTP there is no `notifications/cancelled` beside it: the schema of that notification
    /// keeps it for stdio.
    pub(crate) fn result(
        &self,
        more: impl FnOnce(&mut ObjectWriter<'_>) -> Result<(), serde_json::Error>,
    ) -> Bytes {
        let message = encode_result(&self.id, |result| {
            result.raw_member("resultType", b"\"complete\"");
            result.raw_member("_meta", &self.meta(more)?);
            Ok(())
        });
        message.expect("what is in a result's `_meta` is JSON")
    }

    /// "All notifications delivered on the stream carry `io.modelcontextprotocol/subscriptionId`
    /// in `_meta` ... The value is the JSON-RPC ID of the `subscriptions/listen` request"
    /// (Receiving Notifications).
    fn meta(
        &self,
        more: impl FnOnce(&mut ObjectWriter<'_>) -> Result<(), serde_json::Error>,
    ) -> Result<Vec<u8>, serde_json::Error> {
        let mut meta = Vec::with_capacity(64);
        let mut object = ObjectWriter::begin(&mut meta);
        object.raw_member(SUBSCRIPTION_ID, self.id.as_json().as_bytes());
        more(&mut object)?;
        object.end();
        Ok(meta)
    }
}

/// The filter as the schema has it. Members that it does not have, or that nothing here can tell
/// of, are not looked at: they are omitted from the acknowledgement.
#[derive(Deserialize)]
struct Filter {
    #[serde(rename = "toolsListChanged")]
    tools_list_changed: Option<bool>,
}

fn filter_key(change: Change) -> &'static str {
    match change {
        Change::Tools => "toolsListChanged",
    }
}

/// What the client asks for. "Omitting a field is equivalent to not subscribing to that
/// notification type" (Notification Filter), and so is `false`.
fn requested(params: &Params<'_>) -> Result<ChangeSet, RpcError> {
    let filter = params.get("notifications").map(RawValue::get);
    // A derived struct would take an array too.
    let Some(filter) = filter.filter(|text| text.starts_with('{')) else {
        let message = "`notifications` must be an object: what to listen for";
        return Err(RpcError::invalid_params(message));
    };
    let Filter { tools_list_changed } = serde_json::from_str(filter)
        .map_err(|error| RpcError::invalid_params(format!("`notifications`: {error}")))?;
    let asked = [(Change::Tools, tools_list_changed)];
    Ok(asked.into_iter().filter(|(_, asked)| *asked == Some(true)).map(|(it, _)| it).collect())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn tools() -> ChangeSet {
        [Change::Tools].into_iter().collect()
    }

    fn open(id: &str, filter: Value, supported: ChangeSet) -> Result<Subscription, RpcError> {
        let id = RequestId::from_raw(&RawValue::from_string(id.to_owned()).unwrap()).unwrap();
        let filter = RawValue::from_string(filter.to_string()).unwrap();
        Subscription::open(id, &Params::new(vec![("notifications", &filter)]), supported)
    }

    fn value(message: &[u8]) -> Value {
        serde_json::from_slice(message).unwrap()
    }

    /// 2026-07-28, Subscriptions, Acknowledgment: "Notification types the server does not support
    /// are omitted."
    #[test]
    fn what_is_asked_for_and_supported_is_acknowledged_and_nothing_else() {
        let all = json!({
            "toolsListChanged": true, "promptsListChanged": true, "resourcesListChanged": true,
            "resourceSubscriptions": ["file:///a"], "com.example/unknown": {"a": [1]},
        });
        for (filter, supported, honoured) in [
            (all.clone(), tools(), json!({"toolsListChanged": true})),
            (all, ChangeSet::EMPTY, json!({})),
            (json!({"toolsListChanged": false}), tools(), json!({})),
            (json!({"toolsListChanged": null}), tools(), json!({})),
            (json!({"ToolsListChanged": true}), tools(), json!({})),
            (json!({"promptsListChanged": true}), tools(), json!({})),
            (json!({}), tools(), json!({})),
        ] {
            let subscription = open("1", filter.clone(), supported).unwrap();
            assert_eq!(subscription.is_vain(), honoured == json!({}), "{filter}");
            assert_eq!(
                value(&subscription.acknowledgement()),
                json!({
                    "jsonrpc": "2.0",
                    "method": "notifications/subscriptions/acknowledged",
                    "params": {"_meta": {SUBSCRIPTION_ID: 1}, "notifications": honoured},
                }),
                "{filter}"
            );
        }
    }

    #[test]
    fn a_filter_that_is_none_is_an_error_that_says_so() {
        for filter in [
            json!([]),
            json!([true]),
            json!(null),
            json!("toolsListChanged"),
            json!({"toolsListChanged": "true"}),
            json!({"toolsListChanged": 1}),
        ] {
            let error = open("1", filter.clone(), tools()).unwrap_err();
            assert_eq!(error.code, ErrorCode::InvalidParams, "{filter}");
            assert!(error.message.contains("`notifications`"), "{}", error.message);
        }
        let missing = Subscription::open(RequestId::from(1), &Params::default(), tools());
        assert_eq!(missing.unwrap_err().code, ErrorCode::InvalidParams);
    }

    /// 2026-07-28, Subscriptions, Receiving Notifications; the id as it came, whatever it is.
    #[test]
    fn every_message_carries_the_id_of_the_request() {
        for id in ["1", "-7", "123456789012345678901234567890", r#""""#, r#""li\u0073ten\n""#] {
            let mut subscription = open(id, json!({"toolsListChanged": true}), tools()).unwrap();
            assert_eq!(subscription.note(Change::Tools), Noted::Fresh);
            let tagged = format!(r#""_meta":{{"{SUBSCRIPTION_ID}":{id}"#);
            let result = subscription.result(|meta| meta.member("a", "b"));
            let messages =
                [subscription.acknowledgement(), subscription.next().unwrap(), result.clone()];
            for message in messages {
                let text = String::from_utf8(message.to_vec()).unwrap();
                assert!(text.contains(&tagged), "{text}");
            }
            assert_eq!(
                result,
                format!(
                    r#"{{"jsonrpc":"2.0","id":{id},"result":{{"resultType":"complete",{tagged},"a":"b"}}}}}}"#
                )
            );
        }
    }

    /// DESIGN, decision 8: everything has a limit. Here it is one notification of each kind.
    #[test]
    fn of_each_kind_one_notification_waits_however_often_it_changes() {
        let mut subscription = open("1", json!({"toolsListChanged": true}), tools()).unwrap();
        assert_eq!(subscription.next(), None);
        assert_eq!(subscription.note(Change::Tools), Noted::Fresh);
        for _ in 0..1_000 {
            assert_eq!(subscription.note(Change::Tools), Noted::Nothing);
        }
        assert_eq!(
            value(&subscription.next().unwrap()),
            json!({
                "jsonrpc": "2.0",
                "method": "notifications/tools/list_changed",
                "params": {"_meta": {SUBSCRIPTION_ID: 1}},
            })
        );
        assert_eq!(subscription.next(), None);
        // What changes after it was sent is another change.
        assert_eq!(subscription.note(Change::Tools), Noted::Fresh);
    }

    /// DESIGN, decision 8: everything has a limit and a test at the limit.
    #[test]
    fn an_id_that_is_held_for_long_has_a_limit() {
        let id = |bytes: usize| format!(r#""{}""#, "x".repeat(bytes - 2));
        assert!(open(&id(LONGEST_ID), json!({}), tools()).is_ok());
        let error = open(&id(LONGEST_ID + 1), json!({}), tools()).unwrap_err();
        assert_eq!(error.code, ErrorCode::InvalidRequest);
    }

    /// 2026-07-28, Subscriptions, Opening a Stream.
    #[test]
    fn what_was_not_asked_for_is_never_sent() {
        for filter in [json!({}), json!({"toolsListChanged": false})] {
            let mut subscription = open("1", filter, tools()).unwrap();
            assert_eq!(subscription.note(Change::Tools), Noted::Nothing);
            assert_eq!(subscription.next(), None);
        }
    }
}
