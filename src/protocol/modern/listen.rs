//! `subscriptions/listen`: what a client asks to be told, what of it is honoured, and the messages
//! of its stream (2026-07-28, Subscriptions).

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::protocol::change::{Change, ChangeSet, Subject, SubscriptionLimits, write_members};
use crate::protocol::jsonrpc::{
    ErrorCode, ObjectWriter, Params, Raw, RequestId, RpcError, SOME_MEMBERS, encode_notification,
    encode_result, string,
};

/// The method.
pub(crate) const LISTEN: &str = "subscriptions/listen";

/// The longest id of a subscription, in bytes of JSON: it is held for as long as the subscription
/// is, and stands in each of its messages.
const LONGEST_ID: usize = 256;

/// How many tasks one subscription may name.
const MAX_TASKS: usize = 256;

const SUBSCRIPTION_ID: &str = "io.modelcontextprotocol/subscriptionId";

/// A subscription: whose it is, and what its client is told of. It never changes.
#[derive(Debug)]
pub(crate) struct Subscription {
    id: RequestId,
    /// What is honoured, in the order in which it is acknowledged.
    subjects: Vec<Subject>,
    places: BTreeMap<Subject, Place>,
    /// The ids of the tasks that are honoured. What is told of them is not noted here.
    tasks: Vec<String>,
}

/// Which of the subjects of a subscription.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place(usize);

/// What the client of a subscription is still to be told, oldest first.
///
/// It is a set of subjects and no queue of messages: a change whose subject waits adds nothing, so
/// there is never more of it than the subscription has subjects. What waits is the newest of each.
#[derive(Debug, Default)]
pub(crate) struct Backlog {
    order: VecDeque<Place>,
    /// By place: the members of the notification's params.
    waiting: Vec<Option<Bytes>>,
}

/// What a change means for a subscription.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Noted {
    /// There is something to be told now.
    Fresh,
    /// The client is to be told of it already.
    Waiting,
}

impl Subscription {
    /// The subscription that a request opens, where the server can tell of `supported`: of what is
    /// asked for, the rest is omitted.
    ///
    /// # Errors
    ///
    /// -32602 if the filter is missing or has a member of another type than the schema's, or if it
    /// names more resources than one subscription may have; -32600 if the id is too long.
    pub(crate) fn open(
        id: RequestId,
        params: &Params<'_>,
        supported: ChangeSet,
        limits: SubscriptionLimits,
    ) -> Result<Self, RpcError> {
        if id.as_json().len() > LONGEST_ID {
            let message = format!("the id of a subscription may have {LONGEST_ID} bytes");
            return Err(RpcError::new(ErrorCode::InvalidRequest, message));
        }
        let (subjects, places, tasks) = Default::default();
        let mut subscription = Self { id, subjects, places, tasks };
        subscription.honour(Filter::of(params)?, supported, limits)?;
        Ok(subscription)
    }

    /// Takes in what is asked for and can be told.
    fn honour(
        &mut self,
        filter: Filter<'_>,
        supported: ChangeSet,
        limits: SubscriptionLimits,
    ) -> Result<(), RpcError> {
        let lists = [
            (Subject::Tools, filter.tools_list_changed),
            (Subject::Prompts, filter.prompts_list_changed),
            (Subject::Resources, filter.resources_list_changed),
        ];
        for (list, asked) in lists {
            if asked == Some(true) && supported.contains(list.change()) {
                self.add(list);
            }
        }
        let (mut uris, mut bytes) = (0, 0);
        for uri in filter.resource_subscriptions.unwrap_or_default() {
            let Some(uri) = string(uri) else {
                let message = "`notifications.resourceSubscriptions` must hold strings";
                return Err(RpcError::invalid_params(message));
            };
            let subject = Subject::Resource(Arc::from(&*uri));
            // What stands there twice is one.
            if !supported.contains(Change::Updates) || self.places.contains_key(&subject) {
                continue;
            }
            limits
                .admit(uris, bytes, &uri)
                .map_err(|it| it.error("open another subscription for the rest"))?;
            (uris, bytes) = (uris + 1, bytes + uri.len());
            self.add(subject);
        }
        Ok(())
    }

    /// Takes in the tasks that can be told of, of those that are asked for.
    pub(crate) fn honour_tasks(&mut self, ids: Vec<String>) {
        self.tasks = ids;
    }

    /// Adds a subject that is not there yet.
    fn add(&mut self, subject: Subject) {
        self.places.insert(subject.clone(), Place(self.subjects.len()));
        self.subjects.push(subject);
    }

    /// Whether nothing that is asked for can ever be told.
    pub(crate) fn is_vain(&self) -> bool {
        self.subjects.is_empty() && self.tasks.is_empty()
    }

    /// Whether it tells of tasks alone, so that it is over with them.
    pub(crate) fn is_of_tasks_alone(&self) -> bool {
        self.subjects.is_empty()
    }

    /// Where a change is noted for its client, if it asked for it. "The server MUST NOT send
    /// notification types the client has not explicitly requested" (Opening a Stream).
    pub(crate) fn place(&self, subject: &Subject) -> Option<Place> {
        self.places.get(subject).copied()
    }

    /// The names of what it is subscribed to, of all kinds.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.subjects.iter().filter_map(Subject::name).chain(self.tasks.iter().map(String::as_str))
    }

    /// The next notification, if there is one to be sent.
    pub(crate) fn next(&self, backlog: &mut Backlog) -> Option<Bytes> {
        let (place, members) = backlog.take()?;
        let message = encode_notification(self.subjects[place.0].method(), |params| {
            params.raw_member("_meta", &self.meta(|_| Ok(()))?);
            write_members(&members, params);
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
            for change in Change::ALL {
                let honoured = || self.subjects.iter().filter(|it| it.change() == change);
                if honoured().next().is_none() {
                    continue;
                }
                match change.list() {
                    Some(_) => object.member(filter_key(change), &true)?,
                    None => {
                        let names: Vec<_> = honoured().filter_map(Subject::name).collect();
                        object.member(filter_key(change), &names)?;
                    }
                }
            }
            if !self.tasks.is_empty() {
                // ext-tasks, Task Status Notifications: those "it has agreed to send".
                object.member("taskIds", &self.tasks)?;
            }
            object.end();
            params.raw_member("notifications", &filter);
            Ok(())
        });
        message.expect("strings and booleans are JSON")
    }

    /// The notification of a task, of which these are the members (ext-tasks, Task Status
    /// Notifications: "a complete `DetailedTask`").
    pub(crate) fn task(&self, members: &[u8]) -> Bytes {
        let message = encode_notification("notifications/tasks", |params| {
            params.raw_member("_meta", &self.meta(|_| Ok(()))?);
            params.raw_members(members);
            Ok(())
        });
        message.expect("strings are JSON")
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
        let message = encode_result(&self.id, SOME_MEMBERS, |result| {
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

impl Backlog {
    /// Takes note of a change, which is told by these members.
    pub(crate) fn note(&mut self, place: Place, members: &Bytes) -> Noted {
        if self.waiting.len() <= place.0 {
            self.waiting.resize(place.0 + 1, None);
        }
        match self.waiting[place.0].replace(members.clone()) {
            Some(_) => Noted::Waiting,
            None => {
                self.order.push_back(place);
                Noted::Fresh
            }
        }
    }

    fn take(&mut self) -> Option<(Place, Bytes)> {
        let place = self.order.pop_front()?;
        let members = self.waiting[place.0].take().expect("a place in order is one that waits");
        Some((place, members))
    }
}

/// The tasks that a request asks to be told of, each once; `None` if it does not ask for any
/// (ext-tasks, Task Status Notifications).
///
/// # Errors
///
/// -32602 if the filter is none, or names more tasks than one subscription may.
pub(crate) fn requested_tasks(params: &Params<'_>) -> Result<Option<Vec<String>>, RpcError> {
    let Some(asked) = Filter::of(params)?.task_ids else { return Ok(None) };
    let mut ids = BTreeSet::new();
    for id in asked {
        let id = string(id).ok_or_else(|| {
            RpcError::invalid_params("`notifications.taskIds` must hold strings: ids of tasks")
        })?;
        ids.insert(id.into_owned());
        if ids.len() > MAX_TASKS {
            let message = format!("at most {MAX_TASKS} tasks may be listened to: open another");
            return Err(RpcError::invalid_params(message));
        }
    }
    Ok(Some(ids.into_iter().collect()))
}

/// The filter as the schema has it. Members that it does not have are not looked at, and neither
/// are those that nothing here can tell of: they are omitted from the acknowledgement.
#[derive(Deserialize)]
struct Filter<'a> {
    #[serde(rename = "toolsListChanged")]
    tools_list_changed: Option<bool>,
    #[serde(rename = "promptsListChanged")]
    prompts_list_changed: Option<bool>,
    #[serde(rename = "resourcesListChanged")]
    resources_list_changed: Option<bool>,
    #[serde(rename = "resourceSubscriptions", borrow)]
    resource_subscriptions: Option<Vec<&'a RawValue>>,
    /// Of the extension for tasks.
    #[serde(rename = "taskIds", borrow)]
    task_ids: Option<Vec<&'a RawValue>>,
}

fn filter_key(change: Change) -> &'static str {
    match change {
        Change::Tools => "toolsListChanged",
        Change::Prompts => "promptsListChanged",
        Change::Resources => "resourcesListChanged",
        Change::Updates => "resourceSubscriptions",
    }
}

impl<'a> Filter<'a> {
    /// What the client asks for. "Omitting a field is equivalent to not subscribing to that
    /// notification type" (Notification Filter), and so is `false`.
    fn of(params: &Params<'a>) -> Result<Self, RpcError> {
        let filter = params.get("notifications").map(Raw::get);
        // A derived struct would take an array too.
        let Some(filter) = filter.filter(|text| text.starts_with('{')) else {
            let message = "`notifications` must be an object: what to listen for";
            return Err(RpcError::invalid_params(message));
        };
        serde_json::from_str(filter)
            .map_err(|error| RpcError::invalid_params(format!("`notifications`: {error}")))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::protocol::change::Notice;

    fn tools() -> ChangeSet {
        [Change::Tools].into_iter().collect()
    }

    fn all() -> ChangeSet {
        Change::ALL.into_iter().collect()
    }

    fn open_with(
        id: &str,
        filter: &str,
        supported: ChangeSet,
        limits: SubscriptionLimits,
    ) -> Result<Subscription, RpcError> {
        let id = RequestId::from_raw(&*RawValue::from_string(id.to_owned()).unwrap()).unwrap();
        let filter = RawValue::from_string(filter.to_owned()).unwrap();
        Subscription::open(id, &Params::new(vec![("notifications", &filter)]), supported, limits)
    }

    fn open(id: &str, filter: Value, supported: ChangeSet) -> Result<Subscription, RpcError> {
        open_with(id, &filter.to_string(), supported, SubscriptionLimits::default())
    }

    fn value(message: &[u8]) -> Value {
        serde_json::from_slice(message).unwrap()
    }

    fn tasks(filter: Value) -> Result<Option<Vec<String>>, RpcError> {
        let filter = RawValue::from_string(filter.to_string()).unwrap();
        requested_tasks(&Params::new(vec![("notifications", &filter)]))
    }

    /// ext-tasks, Task Status Notifications. That none is asked for is another thing than that tasks
    /// are not asked for.
    #[test]
    fn tasks_are_asked_for_by_their_ids_each_once_and_not_too_many() {
        assert_eq!(tasks(json!({"toolsListChanged": true})), Ok(None));
        assert_eq!(tasks(json!({"taskIds": null})), Ok(None));
        assert_eq!(tasks(json!({"taskIds": []})), Ok(Some(Vec::new())));
        let twice = tasks(json!({"taskIds": ["b", "a", "b"]}));
        assert_eq!(twice, Ok(Some(vec!["a".to_owned(), "b".to_owned()])));
        let ids = |count: usize| json!({"taskIds": (0..count).map(|id| id.to_string()).collect::<Vec<_>>()});
        assert_eq!(tasks(ids(MAX_TASKS)).unwrap().map(|ids| ids.len()), Some(MAX_TASKS));
        for wrong in [ids(MAX_TASKS + 1), json!({"taskIds": [1]}), json!({"taskIds": "a"})] {
            assert_eq!(tasks(wrong).unwrap_err().code, ErrorCode::InvalidParams);
        }
    }

    /// ext-tasks, Task Status Notifications: the acknowledgement has those that it agreed to; each
    /// notification is the task, with the id of the subscription.
    #[test]
    fn honoured_tasks_are_acknowledged_and_told_whole() {
        let mut subscription = open("7", json!({"taskIds": ["a"]}), ChangeSet::EMPTY).unwrap();
        assert!(subscription.is_vain());
        subscription.honour_tasks(vec!["a".to_owned()]);
        assert!(!subscription.is_vain() && subscription.is_of_tasks_alone());
        let acknowledged = value(&subscription.acknowledgement());
        assert_eq!(acknowledged["params"]["notifications"], json!({"taskIds": ["a"]}));
        let params = json!({"_meta": {SUBSCRIPTION_ID: 7}, "taskId": "a", "status": "working"});
        assert_eq!(
            value(&subscription.task(br#""taskId":"a","status":"working""#)),
            json!({"jsonrpc": "2.0", "method": "notifications/tasks", "params": params})
        );
    }

    /// A client that listens, as its stream sees it.
    struct Client(Subscription, Backlog);

    impl Client {
        fn new(id: &str, filter: Value) -> Self {
            Self(open(id, filter, all()).unwrap(), Backlog::default())
        }

        /// `None` says that it does not concern it.
        fn hear(&mut self, subject: Subject) -> Option<Noted> {
            let place = self.0.place(&subject)?;
            Some(self.1.note(place, Notice::of(subject).members()))
        }

        fn next(&mut self) -> Option<Value> {
            self.0.next(&mut self.1).map(|message| value(&message))
        }
    }

    fn resource(uri: &str) -> Subject {
        Subject::Resource(uri.into())
    }

    fn told(method: &str) -> Value {
        let params = json!({"_meta": {SUBSCRIPTION_ID: 1}});
        json!({"jsonrpc": "2.0", "method": method, "params": params})
    }

    fn updated(uri: &str) -> Value {
        let params = json!({"_meta": {SUBSCRIPTION_ID: 1}, "uri": uri});
        json!({"jsonrpc": "2.0", "method": "notifications/resources/updated", "params": params})
    }

    /// 2026-07-28, Subscriptions, Acknowledgment: "Notification types the server does not support
    /// are omitted."
    #[test]
    fn what_is_asked_for_and_supported_is_acknowledged_and_nothing_else() {
        let everything = json!({
            "toolsListChanged": true, "promptsListChanged": true, "resourcesListChanged": true,
            "resourceSubscriptions": ["file:///b", "file:///a"], "com.example/unknown": {"a": [1]},
        });
        let known = json!({
            "toolsListChanged": true, "promptsListChanged": true, "resourcesListChanged": true,
            "resourceSubscriptions": ["file:///b", "file:///a"],
        });
        let uris = json!({"resourceSubscriptions": ["b", "a", "b", "", "a"]});
        for (filter, supported, honoured) in [
            (everything.clone(), all(), known),
            (everything.clone(), tools(), json!({"toolsListChanged": true})),
            (everything, ChangeSet::EMPTY, json!({})),
            (json!({"toolsListChanged": false}), all(), json!({})),
            (json!({"toolsListChanged": null}), all(), json!({})),
            (json!({"ToolsListChanged": true}), all(), json!({})),
            (json!({"promptsListChanged": true}), tools(), json!({})),
            (json!({"promptsListChanged": true}), all(), json!({"promptsListChanged": true})),
            (json!({"resourcesListChanged": true}), all(), json!({"resourcesListChanged": true})),
            (uris.clone(), all(), json!({"resourceSubscriptions": ["b", "a", ""]})),
            (uris, tools(), json!({})),
            (json!({"resourceSubscriptions": []}), all(), json!({})),
            (json!({"resourceSubscriptions": null}), all(), json!({})),
            (json!({}), all(), json!({})),
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
            json!({"promptsListChanged": 1}),
            json!({"resourcesListChanged": []}),
            json!({"resourceSubscriptions": "file:///a"}),
            json!({"resourceSubscriptions": {"uri": "file:///a"}}),
            json!({"resourceSubscriptions": ["file:///a", 1]}),
            json!({"resourceSubscriptions": [null]}),
            json!({"resourceSubscriptions": [["file:///a"]]}),
        ] {
            for supported in [tools(), all()] {
                let error = open("1", filter.clone(), supported).unwrap_err();
                assert_eq!(error.code, ErrorCode::InvalidParams, "{filter}");
                assert!(error.message.contains("`notifications"), "{}", error.message);
            }
        }
        let limits = SubscriptionLimits::default();
        let missing = Subscription::open(RequestId::from(1), &Params::default(), tools(), limits);
        assert_eq!(missing.unwrap_err().code, ErrorCode::InvalidParams);
        let twice = r#"{"resourceSubscriptions":["a"],"resourceSubscriptions":["b"]}"#;
        let error = open_with("1", twice, all(), limits).unwrap_err();
        assert_eq!(error.code, ErrorCode::InvalidParams);
    }

    /// 2026-07-28, Subscriptions, Receiving Notifications; the id as it came, whatever it is.
    #[test]
    fn every_message_carries_the_id_of_the_request() {
        for id in ["1", "-7", "123456789012345678901234567890", r#""""#, r#""li\u0073ten\n""#] {
            let filter = json!({"toolsListChanged": true, "resourceSubscriptions": ["a"]});
            let mut client = Client::new(id, filter);
            assert_eq!(client.hear(Subject::Tools), Some(Noted::Fresh));
            assert_eq!(client.hear(resource("a")), Some(Noted::Fresh));
            let Client(subscription, backlog) = &mut client;
            let tagged = format!(r#""_meta":{{"{SUBSCRIPTION_ID}":{id}"#);
            let result = subscription.result(|meta| meta.member("a", "b"));
            let messages = [
                subscription.acknowledgement(),
                subscription.next(backlog).unwrap(),
                subscription.next(backlog).unwrap(),
                result.clone(),
            ];
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

    /// 2026-07-28, Subscriptions, Receiving Notifications, and its example; what is escaped in the
    /// filter is the same URI.
    #[test]
    fn an_update_names_the_resource_and_so_do_its_escapes() {
        let filter = r#"{"resourceSubscriptions":["file:\/\/\/a\u0062"]}"#;
        let subscription = open_with("1", filter, all(), SubscriptionLimits::default()).unwrap();
        let mut client = Client(subscription, Backlog::default());
        assert_eq!(client.hear(resource("file:///ab")), Some(Noted::Fresh));
        assert_eq!(client.next(), Some(updated("file:///ab")));
    }

    /// DESIGN, decision 8: everything has a limit. Here it is one notification of each subject, and
    /// they come in the order in which the first changes of each came.
    #[test]
    fn of_each_subject_one_notification_waits_however_often_it_changes() {
        let mut client = Client::new(
            "1",
            json!({"toolsListChanged": true, "resourceSubscriptions": ["a", "b"]}),
        );
        assert_eq!(client.next(), None);
        for subject in [resource("b"), Subject::Tools, resource("a")] {
            assert_eq!(client.hear(subject), Some(Noted::Fresh));
        }
        for _ in 0..1_000 {
            for subject in [resource("a"), resource("b"), Subject::Tools] {
                assert_eq!(client.hear(subject), Some(Noted::Waiting));
            }
        }
        assert_eq!(client.1.order.len(), 3);
        assert_eq!(client.next(), Some(updated("b")));
        // What changes after it was sent is another change, and waits behind the others.
        assert_eq!(client.hear(resource("b")), Some(Noted::Fresh));
        assert_eq!(client.next(), Some(told("notifications/tools/list_changed")));
        assert_eq!(client.next(), Some(updated("a")));
        assert_eq!(client.next(), Some(updated("b")));
        assert_eq!(client.next(), None);
    }

    #[test]
    fn what_is_told_of_a_subject_is_the_newest() {
        let Client(subscription, mut backlog) =
            Client::new("1", json!({"resourceSubscriptions": ["a"]}));
        let place = subscription.place(&resource("a")).unwrap();
        for members in [r#""uri":"old""#, r#""uri":"new""#] {
            backlog.note(place, &Bytes::from(members));
        }
        assert_eq!(value(&subscription.next(&mut backlog).unwrap()), updated("new"));
    }

    /// DESIGN, decision 8: everything has a limit and a test at the limit.
    #[test]
    fn an_id_that_is_held_for_long_has_a_limit() {
        let id = |bytes: usize| format!(r#""{}""#, "x".repeat(bytes - 2));
        assert!(open(&id(LONGEST_ID), json!({}), tools()).is_ok());
        let error = open(&id(LONGEST_ID + 1), json!({}), tools()).unwrap_err();
        assert_eq!(error.code, ErrorCode::InvalidRequest);
    }

    /// DESIGN, decision 8: everything has a limit and a test at the limit.
    #[test]
    fn as_many_resources_may_be_named_as_the_limit_says_and_no_more() {
        let limits = SubscriptionLimits { uris: 3, bytes: 10 };
        let open = |uris: Value| {
            let filter = json!({ "resourceSubscriptions": uris }).to_string();
            open_with("1", &filter, all(), limits)
        };
        let most = open(json!(["a", "a", "bb", "a", "1234567"])).unwrap();
        assert_eq!(most.names().collect::<Vec<_>>(), ["a", "bb", "1234567"]);
        for (uris, says) in [
            (json!(["a", "b", "c", "d"]), "3 subscriptions"),
            (json!(["a", "bb", "12345678"]), "10 bytes"),
        ] {
            let error = open(uris).unwrap_err();
            assert_eq!(error.code, ErrorCode::InvalidParams);
            assert!(error.message.contains(says), "{}", error.message);
            assert!(error.message.contains("open another subscription"), "{}", error.message);
        }
        // Where it cannot be told anyway, it is omitted, however much it is.
        let filter =
            json!({"toolsListChanged": true, "resourceSubscriptions": ["a", "b", "c", "d"]});
        let omitted = open_with("1", &filter.to_string(), tools(), limits).unwrap();
        assert_eq!(omitted.names().count(), 0);
    }

    /// 2026-07-28, Subscriptions, Opening a Stream.
    #[test]
    fn what_was_not_asked_for_is_never_sent() {
        let mut client =
            Client::new("1", json!({"toolsListChanged": false, "resourceSubscriptions": ["a"]}));
        let others = [Subject::Tools, Subject::Prompts, Subject::Resources, resource("b")];
        for subject in others.into_iter().chain([resource("a/b"), resource("A")]) {
            assert_eq!(client.hear(subject), None);
        }
        assert_eq!(client.next(), None);
    }
}
