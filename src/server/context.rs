//! The context of a call: what a handler sees of its request, and how it speaks meanwhile.

use core::net::IpAddr;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Waker;

use futures::task::{ArcWake, AtomicWaker, WakerRef, waker_ref};
use serde::Serialize;

use super::ask::{Asking, Inputs, UseOnce};
use super::cancel::{Cancellation, Cancelled};
use super::client::ClientCapabilities;
use super::implementation::Implementation;
use super::notification;
use super::outbox::{Outbox, OutboxRoom};
use super::raw::RawJson;
use super::tasks::{LiveTask, TaskPlan, TaskSlot};
use crate::protocol::cancel::Cancel;
use crate::protocol::head::Head;
use crate::protocol::log_level::LogLevel;
use crate::protocol::principal::Principal;
use crate::protocol::version::ProtocolVersion;

/// What a handler sees of the request that it serves, and how it speaks before its answer.
///
/// It is cheap to clone, and may be given to tasks. What is said through it after the answer goes
/// nowhere.
///
/// ```
/// use mcp_http::{Context, LogLevel, ToolError};
///
/// async fn import(rows: Vec<String>, cx: Context) -> Result<String, ToolError> {
///     let total = rows.len();
///     for (done, row) in rows.iter().enumerate() {
///         cx.progress(done as f64, Some(total as f64), "importing");
///         if row.is_empty() {
///             cx.log(LogLevel::Warning, format!("row {done} is empty"));
///         }
///     }
///     Ok(format!("{total} rows"))
/// }
/// ```
#[derive(Clone)]
pub struct Context {
    call: Arc<Call>,
}

struct Call {
    info: CallInfo,
    inputs: Inputs,
    outbox: Outbox,
    cancellation: Cancellation,
    wake: HandlerWake,
    task: TaskSlot,
}

/// Tells the wake-ups of the handler from those of the task that polls it.
///
/// A connection polls its requests for reasons of its own: a reset, a deadline, bytes that came.
/// None of these may poll a handler, least of all one whose client has just left (2026-07-28,
/// Streamable HTTP, Cancellation).
struct HandlerWake {
    woken: AtomicBool,
    driver: AtomicWaker,
}

impl ArcWake for Call {
    fn wake_by_ref(this: &Arc<Self>) {
        this.wake.woken.store(true, Ordering::Release);
        this.wake.driver.wake();
    }
}

impl Cancel for Call {
    fn cancel(&self) {
        self.cancellation.cancel();
        // The handler is not to be polled, so it is not woken: whoever drives it looks.
        self.wake.driver.wake();
    }
}

/// What a call is told of its request.
pub(crate) struct CallInfo {
    /// The request's head, which the calls of a batch share.
    pub(crate) head: Arc<Head>,
    /// The revision that the call is served by.
    pub(crate) version: ProtocolVersion,
    pub(crate) principal: Principal,
    /// The token that the client wants progress under: a string or an integer.
    pub(crate) progress_token: Option<RawJson>,
    /// The least level that the client wants to hear of; `None` for no log messages, also where
    /// the server does not declare the capability.
    pub(crate) log_level: Option<LogLevel>,
    /// What the client said who it is.
    pub(crate) client_info: Option<RawJson>,
    /// The capabilities that the client declared.
    pub(crate) client_capabilities: Option<RawJson>,
    pub(crate) polling: Polling,
    pub(crate) asking: Asking,
    /// What the answers came with that the client has given before, where that can come again.
    pub(crate) once: Option<Arc<dyn UseOnce>>,
}

/// Whether the connection of a call's stream may end before the call's answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Polling {
    /// The client comes back for the rest.
    Possible,
    Impossible,
}

impl Context {
    pub(crate) fn new(info: CallInfo, room: Arc<OutboxRoom>) -> Self {
        // The client hears of dropped messages at a level that it asked for.
        let gap_level = info.log_level.unwrap_or(LogLevel::Warning).max(LogLevel::Warning);
        let outbox = Outbox::new(room, gap_level);
        let wake = HandlerWake { woken: AtomicBool::new(true), driver: AtomicWaker::new() };
        let (inputs, cancellation) = (Inputs::default(), Cancellation::default());
        let task = TaskSlot::default();
        Self { call: Arc::new(Call { info, inputs, outbox, cancellation, wake, task }) }
    }

    /// Tells the client how far the call is: `progress` of `total`, and what is going on.
    ///
    /// It goes nowhere if the client did not ask for progress, if it is not greater than the
    /// progress before, or if it is not finite. An empty message is left out. This never waits;
    /// while the client reads slowly, later progress takes the place of earlier progress.
    ///
    /// Progress that is sent makes the response an event stream, if that is not decided yet. Of a
    /// task ([`TaskSupport`](crate::TaskSupport)) the message becomes the status message, whether
    /// the client asked for progress or not.
    ///
    /// Source: 2026-07-28, Progress.
    pub fn progress(&self, progress: f64, total: Option<f64>, message: impl AsRef<str>) {
        if self.is_task() {
            return self.call.task.note_progress(progress, message.as_ref());
        }
        let Some(token) = &self.call.info.progress_token else { return };
        if progress.is_finite() {
            let bytes = notification::progress(token, progress, total, message.as_ref());
            self.call.outbox.send_progress(progress, bytes);
        }
    }

    /// Sends a log message to the client: text, or any data that can be JSON.
    ///
    /// It goes nowhere if the client did not ask for messages of this level. This never waits; if
    /// the client reads so slowly that messages must be dropped, one message says how many.
    ///
    /// A log message that is sent makes the response an event stream, if that is not decided yet.
    ///
    /// ```
    /// use mcp_http::{Context, LogLevel, ToolError};
    /// use serde_json::json;
    ///
    /// async fn import(rows: Vec<String>, cx: Context) -> Result<(), ToolError> {
    ///     cx.log(LogLevel::Info, "the import begins");
    ///     cx.log_from("database", LogLevel::Error, json!({"error": "Connection failed", "port": 5432}));
    ///     if cx.log_enabled(LogLevel::Debug) {
    ///         cx.log(LogLevel::Debug, rows); // costly only for who wants to know
    ///     }
    ///     Ok(())
    /// }
    /// ```
    ///
    /// Which level a client asks for is its own affair: before 2026-07-28 by `logging/setLevel` for
    /// all calls of its session that begin from then on, and from that revision on in the `_meta`
    /// of each request. Who asks for none gets none. It is the person at the client who reads the
    /// messages: no secrets, nothing personal and no internals belong into them. What operates the
    /// server is better told by `tracing`.
    ///
    /// Source: 2026-07-28, Logging (deprecated there in favour of telemetry); before, Logging.
    pub fn log(&self, level: LogLevel, data: impl Serialize) {
        self.send_log(None, level, &data);
    }

    /// Sends a log message to the client in the name of a logger. See [`log`](Self::log).
    pub fn log_from(&self, logger: impl AsRef<str>, level: LogLevel, data: impl Serialize) {
        self.send_log(Some(logger.as_ref()), level, &data);
    }

    /// Whether a log message of this level would be sent, for data that is costly to gather.
    pub fn log_enabled(&self, level: LogLevel) -> bool {
        self.call.info.log_level.is_some_and(|asked| level >= asked)
    }

    /// Makes the call a task from here on, where its tool leaves that to the handler
    /// ([`TaskSupport::begun_by_handler`](crate::TaskSupport::begun_by_handler)) and its client
    /// knows tasks: the client is answered with the task's handle when the handler waits next, and
    /// the handler runs on. Anywhere else it does nothing, and the handler is the same.
    ///
    /// What the handler asks its client before is asked as part of the call, what it asks from here
    /// on as part of the task. A handler that has all its answers and ends without waiting answers
    /// the call itself.
    ///
    /// ```
    /// use mcp_http::{Arguments, Context, Server, TaskSupport, Tool, ToolError};
    ///
    /// async fn deploy(_: Arguments, cx: Context) -> Result<String, ToolError> {
    ///     check()?; // a mistake is answered at once, and no task is made of it
    ///     cx.begin_task();
    ///     cx.progress(0.1, Some(1.0), "building"); // the task's status message
    ///     tokio::time::sleep(std::time::Duration::from_secs(600)).await;
    ///     Ok("deployed".to_owned())
    /// }
    ///
    /// # fn check() -> Result<(), ToolError> { Ok(()) }
    /// let tool = Tool::new("deploy").with_task(TaskSupport::allowed().begun_by_handler());
    /// let server = Server::builder("deployer", "1.0.0").tool(tool, deploy).build()?;
    /// # Ok::<(), mcp_http::BuildError>(())
    /// ```
    ///
    /// Source: ext-tasks, Task Creation: all exchanges before a task "SHOULD" be resolved before it
    /// is told of.
    pub fn begin_task(&self) {
        if !self.call.task.is_wanted() && self.call.task.want() {
            // It may be a task of the handler's that says so, while the handler waits.
            self.wake_handler();
        }
    }

    /// Ends the connection that the call's answer is awaited on, once all that was said before is
    /// on it. The client comes back for the rest after the `retry` that it is told
    /// ([`McpServiceBuilder::retry`](crate::McpServiceBuilder::retry)), and asks again by GET until
    /// the answer is there; the call runs on meanwhile. So a long call holds no connection open.
    ///
    /// It may be called repeatedly: each call ends the connection of that moment. It does nothing
    /// where the client could not come back: in the revisions before 2025-11-25 and from 2026-07-28
    /// on, without sessions, and where the response is to be JSON.
    ///
    /// ```
    /// use std::time::Duration;
    /// use mcp_http::{Context, ToolError};
    ///
    /// async fn report(cx: Context) -> Result<String, ToolError> {
    ///     cx.close_stream();
    ///     tokio::time::sleep(Duration::from_secs(600)).await; // hours, if need be
    ///     Ok("done".to_owned())
    /// }
    /// ```
    ///
    /// Source: 2025-11-25, Transports, Sending Messages to the Server, 6 (SEP-1699).
    pub fn close_stream(&self) {
        if self.call.info.polling == Polling::Possible {
            self.call.outbox.close_stream();
        }
    }

    /// Ends when the call is cancelled. This is for the tasks that a handler spawns: the handler's
    /// own future is dropped at that moment, and does not see it.
    ///
    /// A call is cancelled when its client closes the response (2026-07-28), when
    /// `notifications/cancelled` names it, or when DELETE ends its session (revisions before). A
    /// broken connection is no cancellation in the revisions before 2026-07-28. A cancelled call
    /// gets no answer. So it is, too, when the server's runtime ends before the handler does.
    ///
    /// # Cancel safety
    ///
    /// It can be dropped and called again.
    ///
    /// ```
    /// use mcp_http::{Context, ToolError};
    /// use futures::future::{Either, select};
    ///
    /// async fn transcode(cx: Context) -> Result<String, ToolError> {
    ///     let cancelled = cx.cancelled();
    ///     // A task goes on when the handler is dropped, so it can tidy up.
    ///     let task = tokio::spawn(async move {
    ///         match select(Box::pin(work()), cancelled).await {
    ///             Either::Left((done, _)) => done,
    ///             Either::Right(_) => {
    ///                 remove_what_is_half_done().await;
    ///                 String::new() // nobody waits for it
    ///             }
    ///         }
    ///     });
    ///     Ok(task.await?)
    /// }
    /// # async fn work() -> String { String::new() }
    /// # async fn remove_what_is_half_done() {}
    /// ```
    pub fn cancelled(&self) -> impl Future<Output = ()> + Send + Sync + Unpin + 'static + use<> {
        Cancelled::new(CallRef(self.call.clone()))
    }

    /// Whether the call is cancelled: for work on a thread of its own, which nothing drops.
    ///
    /// ```
    /// use mcp_http::{Context, ToolError};
    ///
    /// async fn crunch(cx: Context) -> Result<String, ToolError> {
    ///     let steps = tokio::task::spawn_blocking(move || {
    ///         (0..1_000_000_u64).take_while(|_| !cx.is_cancelled()).count()
    ///     });
    ///     Ok(format!("{} steps", steps.await?))
    /// }
    /// ```
    pub fn is_cancelled(&self) -> bool {
        self.call.cancellation.is_cancelled()
    }

    /// The headers of the HTTP request, among them what a client sends as a credential. Over HTTP/2
    /// there is no `Host`: it is the [`uri`](Self::uri)'s authority.
    pub fn headers(&self) -> &http::HeaderMap {
        self.call.info.head.headers()
    }

    /// The URI of the HTTP request.
    pub fn uri(&self) -> &http::Uri {
        self.call.info.head.uri()
    }

    /// The extensions of the HTTP request: what `serve()` and the layers in front of the service
    /// put there.
    pub fn extensions(&self) -> &http::Extensions {
        self.call.info.head.extensions()
    }

    /// The client's address: what the proxies that
    /// [`trusted_hops`](crate::McpServiceBuilder::trusted_hops) declares say of it, else the peer's
    /// ([`PeerAddr`](crate::PeerAddr)). `None` where the service is mounted in a server that tells
    /// neither. It proves no identity.
    ///
    /// ```
    /// use mcp_http::{Context, ToolError};
    ///
    /// async fn whoami(cx: Context) -> Result<String, ToolError> {
    ///     Ok(match cx.client_addr() {
    ///         Some(addr) => format!("You come from {addr}"),
    ///         None => "Nobody told me where you come from".to_owned(),
    ///     })
    /// }
    /// ```
    pub fn client_addr(&self) -> Option<IpAddr> {
        self.call.info.head.client_addr()
    }

    /// On whose behalf the call is made.
    pub fn principal(&self) -> &Principal {
        &self.call.info.principal
    }

    /// The revision of the protocol that the call is served by.
    pub fn protocol_version(&self) -> ProtocolVersion {
        self.call.info.version
    }

    /// What the client says who it is, if it does. It proves nothing: see
    /// [`principal`](Self::principal).
    pub fn client_info(&self) -> Option<Implementation> {
        // Serde's derived structs also read themselves from arrays.
        self.call.info.client_info.as_ref().filter(|info| info.is_object())?.read()
    }

    /// What the client declared that it can do; nothing, if it declared nothing.
    pub fn client_capabilities(&self) -> ClientCapabilities {
        let declared = self.call.info.client_capabilities.as_ref();
        ClientCapabilities::new(declared.and_then(RawJson::read).unwrap_or_default())
    }

    /// Whether the client said what it can do.
    pub(crate) fn declares_capabilities(&self) -> bool {
        self.call.info.client_capabilities.is_some()
    }

    /// Cancels the call.
    pub(crate) fn cancel(&self) {
        self.call.cancel();
    }

    /// What cancels the call, for those who know nothing else of it.
    pub(crate) fn canceller(&self) -> Arc<dyn Cancel> {
        Arc::clone(&self.call) as Arc<dyn Cancel>
    }

    /// The waker to poll the handler with, if there is reason to poll it: it never was, or it was
    /// woken since.
    pub(crate) fn handler_waker(&self) -> Option<WakerRef<'_>> {
        let woken = self.call.wake.woken.swap(false, Ordering::AcqRel);
        woken.then(|| waker_ref(&self.call))
    }

    /// From here on the task of `driver` is woken when the handler is, and when the call is
    /// cancelled. Whether that has happened already is to be looked at afterwards;
    /// [`is_woken`](Self::is_woken) and [`is_cancelled`](Self::is_cancelled) tell.
    pub(crate) fn drive_by(&self, driver: &Waker) {
        self.call.wake.driver.register(driver);
    }

    /// Whether there is reason to poll the handler.
    pub(crate) fn is_woken(&self) -> bool {
        self.call.wake.woken.load(Ordering::Acquire)
    }

    /// How the client can be asked.
    pub(crate) fn asking(&self) -> Asking {
        match self.call.task.is_wanted() {
            // ext-tasks, Task Update Requests: by `tasks/get`, while the task waits.
            true => Asking::Meanwhile,
            false => self.call.info.asking,
        }
    }

    /// Whether the call may be run anew by the one who runs it now.
    pub(crate) fn may_run_anew(&self) -> bool {
        self.asking() == Asking::Meanwhile || self.call.task.planned().is_some()
    }

    /// The call may become a task, by this plan.
    pub(crate) fn plan_task(&self, plan: TaskPlan) {
        self.call.task.plan(plan);
    }

    /// How the call may become a task, if it may.
    pub(crate) fn planned_task(&self) -> Option<TaskPlan> {
        self.call.task.planned()
    }

    /// Whether the call is a task, or is to be one now.
    pub(crate) fn is_task(&self) -> bool {
        self.call.task.is_wanted()
    }

    /// The call has become a task. What it says from here on is heard on no stream (ext-tasks, Task
    /// Status Notifications: progress and log messages "are not supported on tasks").
    pub(crate) fn becomes(&self, task: &Arc<LiveTask>) {
        self.call.task.becomes(task);
        self.call.outbox.close();
    }

    /// What makes sure that the answers are used once.
    pub(crate) fn once(&self) -> Option<&dyn UseOnce> {
        self.call.info.once.as_deref()
    }

    /// What the client was asked, and what it answered.
    pub(crate) fn inputs(&self) -> &Inputs {
        &self.call.inputs
    }

    /// Has the handler polled: there is news for it that its own waker does not know of.
    pub(crate) fn wake_handler(&self) {
        Call::wake_by_ref(&self.call);
    }

    /// What the handler says.
    pub(crate) fn outbox(&self) -> &Outbox {
        &self.call.outbox
    }

    fn send_log<T: Serialize>(&self, logger: Option<&str>, level: LogLevel, data: &T) {
        if !self.log_enabled(level) {
            return;
        }
        let bytes = notification::message(level, logger, data).unwrap_or_else(|error| {
            // Said rather than swallowed: the one who reads the log is the one who can tell.
            let text = format!("a log message could not be written as JSON: {error}");
            notification::message(level, logger, &text).expect("text is JSON")
        });
        self.call.outbox.send_log(bytes);
    }
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context")
            .field("protocol_version", &self.protocol_version())
            .field("principal", self.principal())
            .field("is_cancelled", &self.is_cancelled())
            .finish_non_exhaustive()
    }
}

struct CallRef(Arc<Call>);

impl AsRef<Cancellation> for CallRef {
    fn as_ref(&self) -> &Cancellation {
        &self.0.cancellation
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::task::Poll;

    use futures::FutureExt;
    use futures::task::noop_waker;
    use serde_json::value::RawValue;
    use serde_json::{Value, json};

    use super::*;
    use crate::protocol::budget::Budget;
    use crate::server::outbox::OutboxLimits;

    /// A call of this revision, without anything that the client asked for.
    pub(crate) fn info(version: ProtocolVersion) -> CallInfo {
        CallInfo {
            head: Arc::default(),
            version,
            principal: Principal::anonymous(),
            progress_token: None,
            log_level: None,
            client_info: None,
            client_capabilities: None,
            polling: Polling::Impossible,
            asking: Asking::ByResult,
            once: None,
        }
    }

    pub(crate) fn context(info: CallInfo) -> Context {
        in_room(info, OutboxLimits::default())
    }

    fn in_room(info: CallInfo, limits: OutboxLimits) -> Context {
        let budget = Budget::new(usize::MAX);
        Context::new(info, Arc::new(OutboxRoom { limits, budget }))
    }

    pub(crate) fn raw(value: Value) -> RawJson {
        RawJson::copy(&*serde_json::from_value::<Box<RawValue>>(value).unwrap())
    }

    fn latest() -> CallInfo {
        info(ProtocolVersion::LATEST)
    }

    /// The params of all messages that were said.
    pub(crate) fn said(cx: &Context) -> Vec<Value> {
        let next = || match cx.outbox().poll_next(&noop_waker()) {
            Poll::Ready(message) => message,
            Poll::Pending => None,
        };
        let params =
            |bytes: &[u8]| serde_json::from_slice::<Value>(bytes).unwrap()["params"].take();
        std::iter::from_fn(next).map(|message| params(&message.bytes)).collect()
    }

    /// DESIGN, decision 1: what the client did not ask for is dropped before it can choose SSE.
    #[test]
    fn what_the_client_did_not_ask_for_goes_nowhere() {
        let cx = context(latest());
        cx.progress(1.0, None, "a");
        cx.log(LogLevel::Emergency, "a");
        assert!(!cx.outbox().has_messages());
        assert!(!cx.log_enabled(LogLevel::Emergency));
    }

    #[test]
    fn progress_is_sent_under_the_token_if_it_is_finite_and_rises() {
        let cx = context(CallInfo { progress_token: Some(raw(json!("t"))), ..latest() });
        for progress in [f64::NAN, f64::NEG_INFINITY, 0.0, 0.0, f64::INFINITY, 1.5, 1.0] {
            cx.progress(progress, Some(2.0), "");
        }
        assert_eq!(
            said(&cx),
            [
                json!({"progressToken": "t", "progress": 0, "total": 2}),
                json!({"progressToken": "t", "progress": 1.5, "total": 2}),
            ]
        );
    }

    /// 2026-07-28, Logging: messages "at or above the requested level".
    #[test]
    fn log_messages_below_the_level_asked_for_go_nowhere() {
        let cx = context(CallInfo { log_level: Some(LogLevel::Warning), ..latest() });
        cx.log(LogLevel::Notice, "too low");
        cx.log(LogLevel::Warning, "w");
        cx.log_from("db", LogLevel::Error, json!({"n": 1}));
        assert_eq!(
            said(&cx),
            [
                json!({"level": "warning", "data": "w"}),
                json!({"level": "error", "logger": "db", "data": {"n": 1}}),
            ]
        );
    }

    #[test]
    fn dropped_log_messages_are_told_at_a_level_that_the_client_asked_for() {
        for (asked, told) in [(LogLevel::Debug, "warning"), (LogLevel::Alert, "alert")] {
            let info = CallInfo { log_level: Some(asked), ..latest() };
            let cx = in_room(info, OutboxLimits { messages: 0, bytes: 0 });
            cx.log(asked, "no room");
            let marker = json!({"level": told, "logger": "mcp-http", "data": {"dropped": 1}});
            assert_eq!(said(&cx), [marker]);
        }
    }

    #[test]
    fn log_data_that_cannot_be_json_is_reported_in_its_place() {
        let cx = context(CallInfo { log_level: Some(LogLevel::Debug), ..latest() });
        cx.log(LogLevel::Info, std::collections::HashMap::from([((1, 2), 3)]));
        let text = "a log message could not be written as JSON: key must be a string";
        assert_eq!(said(&cx), [json!({"level": "info", "data": text})]);
    }

    #[test]
    fn cancellation_reaches_every_clone() {
        let cx = context(latest());
        let mut cancelled = cx.clone().cancelled();
        assert!((&mut cancelled).now_or_never().is_none());
        cx.cancel();
        assert!(cancelled.now_or_never().is_some());
        assert!(cx.clone().is_cancelled());
    }

    #[test]
    fn what_the_client_said_of_itself_is_read_when_asked_for() {
        let cx = context(CallInfo {
            client_info: Some(raw(json!({"name": "c", "version": "2", "title": "C"}))),
            client_capabilities: Some(raw(json!({"sampling": {}}))),
            ..latest()
        });
        let client = cx.client_info().unwrap();
        assert_eq!((client.name.as_str(), client.version.as_str()), ("c", "2"));
        assert!(cx.client_capabilities().supports("sampling"));
        let cx = context(CallInfo {
            client_info: Some(raw(json!(["c", "2", null, null, null, []]))),
            client_capabilities: Some(raw(json!(1))),
            ..latest()
        });
        assert_eq!(cx.client_info(), None);
        assert_eq!(cx.client_capabilities(), ClientCapabilities::default());
    }
}
