//! A task as messages and stores have it (ext-tasks, Tasks).

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

use super::id::TaskId;
use crate::protocol::timestamp::Timestamp;
use crate::server::ask::Question;
use crate::server::raw::RawJson;

/// A task at one moment: what a [`TaskStore`](crate::TaskStore) keeps, and what clients are told.
///
/// As JSON it is the `DetailedTask` of the extension's schema, whose `result` is what the call
/// would have been answered with.
///
/// ```
/// use mcp_http::{Task, TaskStatus};
///
/// let task: Task = serde_json::from_str(r#"{
///     "taskId": "786512e2-9e0d-44bd-8f29-789f320fe840", "status": "cancelled",
///     "createdAt": "2026-07-28T10:30:00.000Z", "lastUpdatedAt": "2026-07-28T10:31:00.000Z",
///     "ttlMs": 60000
/// }"#)?;
/// assert_eq!(task.status(), TaskStatus::Cancelled);
/// assert!(task.status().is_terminal());
/// # Ok::<(), serde_json::Error>(())
/// ```
///
/// Source: ext-tasks, Tasks.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", try_from = "Wire")]
pub struct Task {
    pub(super) task_id: TaskId,
    #[serde(flatten)]
    pub(super) state: State,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) status_message: Option<String>,
    pub(super) created_at: Timestamp,
    pub(super) last_updated_at: Timestamp,
    pub(super) ttl_ms: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) poll_interval_ms: Option<u64>,
}

/// What a task is doing.
///
/// Source: ext-tasks, Task Status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum TaskStatus {
    /// The handler runs.
    Working,
    /// It waits for what it has asked its client.
    InputRequired,
    /// It has a result, be it one with `isError`.
    Completed,
    /// It ended with a JSON-RPC error.
    Failed,
    /// It was cancelled before it ended.
    Cancelled,
}

/// The same, with what belongs to it.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "status", rename_all = "snake_case", rename_all_fields = "camelCase")]
pub(crate) enum State {
    Working,
    InputRequired { input_requests: RawJson },
    Completed { result: RawJson },
    Failed { error: RawJson },
    Cancelled,
}

impl TaskStatus {
    /// Whether it never changes again.
    pub fn is_terminal(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Cancelled)
    }
}

impl State {
    pub(crate) fn status(&self) -> TaskStatus {
        match self {
            Self::Working => TaskStatus::Working,
            Self::InputRequired { .. } => TaskStatus::InputRequired,
            Self::Completed { .. } => TaskStatus::Completed,
            Self::Failed { .. } => TaskStatus::Failed,
            Self::Cancelled => TaskStatus::Cancelled,
        }
    }

    /// What waits for the client to answer it.
    pub(super) fn asking(questions: &[Question]) -> Self {
        Self::InputRequired { input_requests: written(&Asked(questions)) }
    }

    /// The bytes that belong to it.
    pub(super) fn bytes(&self) -> usize {
        match self {
            Self::Working | Self::Cancelled => 0,
            Self::InputRequired { input_requests: json }
            | Self::Completed { result: json }
            | Self::Failed { error: json } => json.as_bytes().len(),
        }
    }
}

impl Task {
    /// A task that begins now.
    pub(crate) fn new(id: TaskId, now: Timestamp, ttl: Duration, poll_interval: Duration) -> Self {
        Self {
            task_id: id,
            state: State::Working,
            status_message: None,
            created_at: now,
            last_updated_at: now,
            ttl_ms: Timestamp(0).after(ttl).0,
            poll_interval_ms: Some(Timestamp(0).after(poll_interval).0),
        }
    }

    /// The id.
    pub fn id(&self) -> &TaskId {
        &self.task_id
    }

    /// What it is doing.
    pub fn status(&self) -> TaskStatus {
        self.state.status()
    }

    /// What it says of its state, for people or the model.
    pub fn status_message(&self) -> Option<&str> {
        self.status_message.as_deref()
    }

    /// How long it is kept from its creation on.
    pub fn ttl(&self) -> Duration {
        Duration::from_millis(self.ttl_ms)
    }

    /// When it may be forgotten.
    pub(crate) fn expires_at(&self) -> Timestamp {
        self.created_at.after(self.ttl())
    }

    /// Its members, for an object that has others: a result, or the params of a notification.
    pub(crate) fn members(&self) -> Vec<u8> {
        trimmed(written(self))
    }

    /// The members of the handle that its creation answers with: what belongs to its status is for
    /// `tasks/get` to tell (ext-tasks, Task Creation).
    pub(crate) fn handle(&self) -> Vec<u8> {
        let state = State::Working;
        trimmed(written(&Self { state, ..self.clone() }))
    }
}

/// Without the braces.
fn trimmed(object: RawJson) -> Vec<u8> {
    let json = object.as_bytes();
    json[1..json.len() - 1].to_vec()
}

fn written<T: Serialize>(value: &T) -> RawJson {
    RawJson::from_serialize(value).expect("strings, numbers and JSON are JSON")
}

impl fmt::Debug for Task {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Neither what was asked nor what came of it is for logs.
        f.debug_struct("Task").field("status", &self.status()).finish_non_exhaustive()
    }
}

/// Questions as `InputRequests`.
struct Asked<'a>(&'a [Question]);

impl Serialize for Asked<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct InputRequest<'a> {
            method: &'a str,
            params: &'a RawJson,
        }
        serializer.collect_map(
            self.0
                .iter()
                .map(|Question { key, method, params }| (key, InputRequest { method, params })),
        )
    }
}

impl<'de> Deserialize<'de> for RawJson {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Box::<RawValue>::deserialize(deserializer).map(|raw| Self::copy(&*raw))
    }
}

/// A task as it is read: what belongs to which status is held against it then.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wire {
    task_id: TaskId,
    status: TaskStatus,
    status_message: Option<String>,
    created_at: Timestamp,
    last_updated_at: Timestamp,
    ttl_ms: u64,
    poll_interval_ms: Option<u64>,
    input_requests: Option<RawJson>,
    result: Option<RawJson>,
    error: Option<RawJson>,
}

impl TryFrom<Wire> for Task {
    type Error = &'static str;

    fn try_from(wire: Wire) -> Result<Self, &'static str> {
        let object =
            |member: Option<RawJson>, missing| member.filter(RawJson::is_object).ok_or(missing);
        let state = match wire.status {
            TaskStatus::Working => State::Working,
            TaskStatus::Cancelled => State::Cancelled,
            TaskStatus::InputRequired => State::InputRequired {
                input_requests: object(wire.input_requests, "`inputRequests` must be an object")?,
            },
            TaskStatus::Completed => {
                State::Completed { result: object(wire.result, "`result` must be an object")? }
            }
            TaskStatus::Failed => {
                State::Failed { error: object(wire.error, "`error` must be an object")? }
            }
        };
        Ok(Self {
            task_id: wire.task_id,
            state,
            status_message: wire.status_message,
            created_at: wire.created_at,
            last_updated_at: wire.last_updated_at,
            ttl_ms: wire.ttl_ms,
            poll_interval_ms: wire.poll_interval_ms,
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::server::context::tests::raw;

    const NOW: Timestamp = Timestamp(1_785_234_600_250);

    fn task(state: State) -> Task {
        let id = TaskId::from_random([0; TaskId::BYTES]);
        let task = Task::new(id, NOW, Duration::from_secs(60), Duration::from_millis(500));
        Task { state, ..task }
    }

    fn members(status: &str) -> Value {
        json!({
            "taskId": "A".repeat(32), "status": status,
            "createdAt": "2026-07-28T10:30:00.250Z", "lastUpdatedAt": "2026-07-28T10:30:00.250Z",
            "ttlMs": 60000, "pollIntervalMs": 500,
        })
    }

    /// ext-tasks, Task Status: the members of each status, and no other's.
    #[test]
    fn a_task_has_what_belongs_to_its_status_and_reads_itself() {
        let question =
            Question { key: "name".into(), method: "elicitation/create", params: raw(json!({})) };
        let asked = json!({"name": {"method": "elicitation/create", "params": {}}});
        for (state, member) in [
            (State::Working, None),
            (State::Cancelled, None),
            (State::asking(&[question]), Some(("inputRequests", asked))),
            (State::Completed { result: raw(json!({"a": 1})) }, Some(("result", json!({"a": 1})))),
            (State::Failed { error: raw(json!({"code": 1})) }, Some(("error", json!({"code": 1})))),
        ] {
            let status = json!(state.status());
            let mut expected = members(status.as_str().unwrap());
            if let Some((key, value)) = member {
                expected[key] = value;
            }
            let written = serde_json::to_value(task(state)).unwrap();
            assert_eq!(written, expected);
            let read: Task = serde_json::from_str(&expected.to_string()).unwrap();
            assert_eq!(serde_json::to_value(read).unwrap(), expected);
        }
    }

    #[test]
    fn what_lacks_what_belongs_to_its_status_is_no_task() {
        for status in ["input_required", "completed", "failed", "asleep"] {
            assert!(serde_json::from_value::<Task>(members(status)).is_err(), "{status}");
        }
        let mut completed = members("completed");
        completed["result"] = json!([]);
        assert!(serde_json::from_value::<Task>(completed).is_err());
    }

    /// ext-tasks, Task Creation: `CreateTaskResult` is `Result & Task`.
    #[test]
    fn a_handle_has_no_more_than_a_task_that_works() {
        let ended = task(State::Completed { result: raw(json!({})) });
        let handle = format!("{{{}}}", String::from_utf8(ended.handle()).unwrap());
        assert_eq!(serde_json::from_str::<Value>(&handle).unwrap(), members("working"));
    }

    #[test]
    fn debug_shows_neither_the_id_nor_the_result() {
        let shown = format!("{:?}", task(State::Completed { result: raw(json!({"s": "ecret"})) }));
        assert_eq!(shown, "Task { status: Completed, .. }");
    }
}
