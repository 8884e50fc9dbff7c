//! Scripts of tasks over injected time: the handler, its client and the sweeper take turns.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::Waker;
use std::time::Duration;

use futures::FutureExt;
use serde_json::{Map, Value, json};

use super::*;
use crate::protocol::jsonrpc::RpcError;
use crate::protocol::principal::Principal;
use crate::protocol::version::ProtocolVersion;
use crate::server::ask::Ask;
use crate::server::client::ClientCapabilities;
use crate::server::context::tests::{context, info, raw, said};
use crate::server::context::{CallInfo, Context};
use crate::server::handler_error::HandlerError;
use crate::server::raw::RawJson;
use crate::server::reply::tests::members;
use crate::server::running::{Outcome, Running, Target};
use crate::server::{Arguments, BoxFuture, CallToolResult, Server, Tool};

/// Asks for a string.
struct Word;

impl Ask for Word {
    type Answer = String;
    const METHOD: &'static str = "word";

    fn requires(&self) -> (&'static str, Map<String, Value>) {
        ("words", Map::new())
    }

    fn is_supported_by(&self, client: &ClientCapabilities) -> bool {
        client.supports("words")
    }

    fn params(&self, _: ProtocolVersion) -> Result<RawJson, HandlerError> {
        Ok(raw(json!({"what": "a word"})))
    }

    fn read(&self, answer: &RawJson) -> Result<String, String> {
        let value: Value = answer.read().ok_or("no JSON")?;
        value["word"].as_str().map(str::to_owned).ok_or_else(|| "it has no word".to_owned())
    }
}

/// The tasks of a test, and its clock.
struct World {
    tasks: Arc<Tasks>,
    now: Arc<AtomicU64>,
    ids: AtomicUsize,
}

const START: u64 = 1_785_234_600_250;

impl World {
    fn new(options: TaskOptions) -> Self {
        let now = Arc::new(AtomicU64::new(START));
        let clock = Arc::clone(&now);
        let clock: Clock = Arc::new(move || Timestamp(clock.load(Ordering::Relaxed)));
        Self { tasks: Tasks::new(options, clock), now, ids: AtomicUsize::new(0) }
    }

    fn pass(&self, time: Duration) {
        self.now.fetch_add(time.as_millis() as u64, Ordering::Relaxed);
    }

    fn seat(&self, name: &str) -> Result<Seat, NoSeat> {
        self.tasks.seat(Account::Principal(name.into()))
    }

    /// Begins a task of `alice` with this handler.
    fn begin<F, Fut>(&self, handler: F) -> Begun
    where
        F: Fn(Context) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<CallToolResult, HandlerError>> + Send + 'static,
    {
        self.try_begin(handler).unwrap()
    }

    fn try_begin<F, Fut>(&self, handler: F) -> Result<Begun, RpcError>
    where
        F: Fn(Context) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<CallToolResult, HandlerError>> + Send + 'static,
    {
        let cx = call();
        cx.plan_task(TaskSupport::allowed().plan());
        let handler = move |_: Arguments, cx: Context| handler(cx);
        let server = Server::builder("s", "1").tool(Tool::new("t"), handler).build().unwrap();
        let running = Running::call(Target::Registered(server, 0), Arguments::empty(), cx.clone());
        let mut random = [0; TaskId::BYTES];
        random[0] = u8::try_from(self.ids.fetch_add(1, Ordering::Relaxed)).unwrap();
        let (id, plan) = (TaskId::from_random(random), cx.planned_task().unwrap());
        let seat = self.seat("alice").unwrap();
        let begun = self.tasks.begin(id, seat, plan, running, Box::new(finish));
        let (task, drive) = now(begun)?;
        Ok(Begun { tasks: Arc::clone(&self.tasks), task, drive: Some(drive), cx })
    }
}

/// A call of `alice`, who can be asked for words and knows tasks.
fn call() -> Context {
    context(CallInfo {
        principal: Principal::named("alice"),
        client_capabilities: Some(raw(json!({"words": {}, "extensions": {EXTENSION: {}}}))),
        progress_token: Some(raw(json!(1))),
        ..info(ProtocolVersion::LATEST)
    })
}

fn finish(outcome: Outcome) -> Result<RawJson, RpcError> {
    outcome.map(|reply| raw(members(&reply, ProtocolVersion::LATEST)))
}

struct Begun {
    tasks: Arc<Tasks>,
    task: Task,
    drive: Option<drive::Drive>,
    cx: Context,
}

impl Begun {
    fn id(&self) -> &str {
        self.task.id().as_str()
    }

    /// Lets it run until it waits; whether it has ended.
    fn run(&mut self) -> bool {
        let drive = self.drive.as_mut().expect("it is polled until it ends");
        drive.now_or_never().map(|()| self.drive = None).is_some()
    }

    fn found(&self, owner: &str) -> Option<Found> {
        now(self.tasks.find(&Principal::named(owner), self.id())).unwrap()
    }

    fn live(&self) -> Arc<LiveTask> {
        match self.found("alice") {
            Some(Found::Live(live)) => live,
            Some(Found::Stored(task)) => panic!("{task:?} has ended"),
            None => panic!("it is not there"),
        }
    }

    /// What `alice` is told of it.
    fn get(&self) -> Value {
        match self.found("alice") {
            Some(Found::Live(live)) => json!(live.task()),
            Some(Found::Stored(task)) => json!(task),
            None => Value::Null,
        }
    }

    fn status(&self) -> Value {
        self.get()["status"].take()
    }

    fn answer(&self, answers: Value) -> Result<(), RpcError> {
        let answers = answers.as_object().unwrap().clone();
        self.live().answer(answers.into_iter().map(|(key, value)| (key, raw(value))).collect())
    }
}

/// The output of a future that does not wait.
fn now<F: Future>(future: F) -> F::Output {
    future.now_or_never().expect("it does not wait")
}

async fn forever(cx: Context) -> Result<CallToolResult, HandlerError> {
    let _alive = cx;
    std::future::pending().await
}

/// ext-tasks, Task Polling, Response, 1 and 3; Task Execution Errors: `result` is what the request
/// would have returned.
#[test]
fn a_task_works_until_its_handler_ends_and_keeps_its_result() {
    let world = World::new(TaskOptions::new());
    let (release, released) = futures::channel::oneshot::channel::<()>();
    let released = released.shared();
    let mut task = world.begin(move |_| {
        let released = released.clone();
        async move {
            let _ = released.await;
            Ok(CallToolResult::text("done"))
        }
    });
    assert!(!task.run());
    let working = task.get();
    assert_eq!(working["status"], "working");
    assert_eq!(working["createdAt"], "2026-07-28T10:30:00.250Z");
    assert_eq!(working["ttlMs"], 3_600_000);
    assert_eq!(working["pollIntervalMs"], 1_000);
    world.pass(Duration::from_secs(5));
    release.send(()).unwrap();
    assert!(task.run());
    let ended = task.get();
    assert_eq!(ended["status"], "completed");
    assert_eq!(ended["lastUpdatedAt"], "2026-07-28T10:30:05.250Z");
    assert_eq!(ended["createdAt"], working["createdAt"]);
    assert_eq!(ended["result"], json!({"content": [{"type": "text", "text": "done"}]}));
    assert!(matches!(task.found("alice"), Some(Found::Stored(_))), "it is in the store");
}

/// ext-tasks, Task Status: `completed` "includes tool calls that returned results with
/// `isError: true`"; `failed` "MUST NOT be used for non-JSON-RPC errors".
#[test]
fn a_failure_of_the_tool_completes_and_a_protocol_error_or_a_panic_fails() {
    let world = World::new(TaskOptions::new());
    let mut failing = world.begin(|_| async { Err(HandlerError::new("no paper")) });
    assert!(failing.run());
    assert_eq!(failing.status(), "completed");
    assert_eq!(failing.get()["result"]["isError"], true);
    let mut wrong =
        world.begin(|_| async { Err(HandlerError::protocol(-32000, "rate limit", None)) });
    assert!(wrong.run());
    let told = wrong.get();
    assert_eq!((&told["status"], &told["statusMessage"]), (&json!("failed"), &json!("rate limit")));
    assert_eq!(told["error"], json!({"code": -32000, "message": "rate limit"}));
    assert!(told.get("result").is_none());
    let mut panicking = world.begin(|_| async { panic!("in a task") });
    assert!(panicking.run());
    assert_eq!(panicking.get()["error"]["code"], -32603);
}

/// ext-tasks, Task Update Requests: `inputRequests` MUST hold all that is outstanding; partial
/// answers; keys that are not outstanding SHOULD be ignored.
#[test]
fn a_task_asks_by_its_state_and_goes_on_when_all_is_answered() {
    let world = World::new(TaskOptions::new());
    let mut task = world.begin(|cx| async move {
        let (a, b) = (cx.ask("a", &Word), cx.ask("b", &Word));
        let (a, b) = (a?, b?);
        let c = cx.ask("c", &Word)?;
        Ok(CallToolResult::text(format!("{a}{b}{c}")))
    });
    assert!(!task.run());
    let request = json!({"method": "word", "params": {"what": "a word"}});
    assert_eq!(task.status(), "input_required");
    assert_eq!(task.get()["inputRequests"], json!({"a": request, "b": request}));
    // Never asked, not asked yet.
    task.answer(json!({"x": {}, "c": {"word": "early"}})).unwrap();
    assert!(!task.run());
    assert_eq!(task.get()["inputRequests"], json!({"a": request, "b": request}));
    task.answer(json!({"b": {"word": "y"}})).unwrap();
    assert!(!task.run());
    assert_eq!(task.status(), "input_required");
    assert_eq!(task.get()["inputRequests"], json!({"a": request}));
    // Answered already.
    task.answer(json!({"b": {"word": "z"}, "a": {"word": "x"}})).unwrap();
    assert_eq!(task.status(), "working");
    assert!(!task.run());
    assert_eq!(task.get()["inputRequests"], json!({"c": request}));
    task.answer(json!({"c": {"word": "!"}, "a": {"word": "again"}})).unwrap();
    assert!(task.run());
    assert_eq!(task.get()["result"]["content"][0]["text"], "xy!");
}

/// ext-tasks, Task Update Requests: "A server MUST NOT reuse a key for a subsequent
/// server-to-client request after a response for that key has been delivered".
#[test]
fn a_key_is_asked_once_in_the_life_of_a_task() {
    let world = World::new(TaskOptions::new());
    let seen = Arc::new(Mutex::new(Vec::new()));
    let keys = ["a", "b", "a", "c", "b", "a"];
    let mut task = world.begin(move |cx| async move {
        for key in keys {
            cx.ask(key, &Word)?;
        }
        Ok(CallToolResult::text("all"))
    });
    while !task.run() {
        let asked: Vec<String> =
            task.get()["inputRequests"].as_object().unwrap().keys().cloned().collect();
        for key in asked {
            task.answer(json!({&key: {"word": "w"}})).unwrap();
            seen.lock().unwrap().push(key);
        }
    }
    assert_eq!(*seen.lock().unwrap(), ["a", "b", "c"]);
}

/// ext-tasks, Task Cancellation; DESIGN: the handler is dropped, and its tasks are told.
#[test]
fn a_cancelled_task_drops_its_handler_and_tells_what_that_left_behind() {
    struct Alarm(Arc<AtomicUsize>);
    impl Drop for Alarm {
        fn drop(&mut self) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
    let world = World::new(TaskOptions::new());
    let dropped = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&dropped);
    let mut task = world.begin(move |cx| {
        let alarm = Alarm(Arc::clone(&counted));
        async move {
            let _alarm = alarm;
            cx.progress(1.0, None, "half way");
            std::future::pending().await
        }
    });
    assert!(!task.run());
    let cancelled = task.cx.cancelled();
    task.live().cancel();
    assert!(cancelled.now_or_never().is_some());
    assert_eq!(task.status(), "cancelled");
    assert!(task.run());
    assert_eq!(dropped.load(Ordering::Relaxed), 1);
    assert_eq!(task.get()["statusMessage"], "The client cancelled the task");
}

/// ext-tasks, Task Status, state diagram: what is terminal stays.
#[test]
fn what_has_ended_never_changes_again() {
    let world = World::new(TaskOptions::new());
    let mut task = world.begin(forever);
    assert!(!task.run());
    let live = task.live();
    live.cancel();
    let cancelled = json!(live.task());
    world.pass(Duration::from_secs(1));
    live.finish(Ok(raw(json!({}))));
    live.abort("too late");
    live.note_progress(9.0, "too late");
    live.ask(Vec::new());
    live.answer(vec![("a".into(), raw(json!({})))]).unwrap();
    live.cancel();
    assert_eq!(json!(live.task()), cancelled);
}

/// ext-tasks, Task Status Notifications: progress and log messages "are not supported on tasks".
#[test]
fn progress_becomes_the_status_message_and_nothing_is_said_on_a_stream() {
    let world = World::new(TaskOptions::new());
    let mut task = world.begin(forever);
    assert!(!task.run());
    let message = |progress, text: &str| {
        task.cx.progress(progress, None, text);
        task.get()["statusMessage"].take()
    };
    assert_eq!(message(1.0, "first"), "first");
    assert_eq!(message(2.0, ""), "first");
    assert_eq!(message(2.0, "does not rise"), "first");
    assert_eq!(message(f64::NAN, "is no number"), "first");
    assert_eq!(message(3.0, &"é".repeat(600)), "é".repeat(512), "it has a limit");
    task.cx.log(crate::protocol::log_level::LogLevel::Emergency, "unheard");
    assert!(said(&task.cx).is_empty());
}

/// ext-tasks, Security Considerations, Auth binding.
#[test]
fn a_task_of_another_principal_is_not_there() {
    let world = World::new(TaskOptions::new());
    let mut task = world.begin(|_| async { Ok(CallToolResult::text("mine")) });
    assert!(task.found("bob").is_none());
    assert!(task.run());
    assert!(task.found("bob").is_none(), "nor in the store");
    assert!(task.found("alice").is_some());
    let anonymous = Principal::anonymous();
    assert!(now(world.tasks.find(&anonymous, task.id())).unwrap().is_none());
}

/// ext-tasks, Tasks, `ttlMs`: "from creation".
#[test]
fn a_task_is_kept_for_its_time_and_forgotten_then_whether_it_runs_or_not() {
    let ttl = Duration::from_secs(60);
    let world = World::new(TaskOptions::new().with_ttl(ttl));
    let mut ended = world.begin(|_| async { Ok(CallToolResult::text("done")) });
    let mut running = world.begin(forever);
    assert!(ended.run() && !running.run());
    world.pass(ttl - Duration::from_millis(1));
    assert!(world.tasks.sweep().is_empty());
    assert_eq!((ended.status(), running.status()), (json!("completed"), json!("working")));
    world.pass(Duration::from_millis(1));
    // Before the sweeper comes as well.
    assert_eq!((ended.get(), running.get()), (Value::Null, Value::Null));
    let live = running.cx.cancelled();
    let swept = world.tasks.sweep();
    assert_eq!(swept.len(), 2);
    assert!(live.now_or_never().is_some(), "what runs is aborted");
    assert!(running.run());
    assert_eq!(world.tasks.count(), 0);
    now(Arc::clone(&world.tasks).remove(swept));
    assert_eq!((ended.get(), running.get()), (Value::Null, Value::Null));
}

/// DESIGN, decision 8: everything has a limit, a default and a test at the limit.
#[test]
fn there_are_no_more_tasks_than_may_be_in_all_and_of_one_caller() {
    let options = TaskOptions::new().with_max_tasks(3).with_max_tasks_per_principal(2);
    let world = World::new(options);
    let alice = [world.seat("alice"), world.seat("alice")].map(|seat| seat.ok().unwrap());
    assert_eq!(world.seat("alice").err(), Some(NoSeat::OfCaller));
    let bob = world.seat("bob").ok().unwrap();
    assert_eq!(world.seat("carol").err(), Some(NoSeat::InAll));
    drop(alice);
    assert!(world.seat("carol").is_ok());
    drop(bob);
    assert_eq!(world.tasks.count(), 0);
    // Where neither a name nor an address is known, the limit in all is what holds.
    let unknown: Vec<_> = std::iter::from_fn(|| world.tasks.seat(Account::Unknown).ok()).collect();
    assert_eq!(unknown.len(), 3);
}

/// A task counts until it is forgotten: nothing unread gives way.
#[test]
fn a_task_that_has_ended_counts_until_its_time_is_up() {
    let ttl = Duration::from_secs(1);
    let world = World::new(TaskOptions::new().with_max_tasks(1).with_ttl(ttl));
    let mut task = world.begin(|_| async { Ok(CallToolResult::text("done")) });
    assert!(task.run());
    assert_eq!(world.seat("bob").err(), Some(NoSeat::InAll));
    world.pass(ttl);
    drop(world.tasks.sweep());
    assert!(world.seat("bob").is_ok());
}

#[test]
fn a_result_that_is_too_long_is_told_as_a_failure() {
    // {"content":[{"type":"text","text":"…"}]}
    let frame = json!({"content": [{"type": "text", "text": ""}]}).to_string().len();
    let world = World::new(TaskOptions::new().with_max_result_bytes(frame + 10));
    let text = |length| move |_| async move { Ok(CallToolResult::text("x".repeat(length))) };
    let mut fits = world.begin(text(10));
    assert!(fits.run());
    assert_eq!(fits.status(), "completed");
    let mut too_long = world.begin(text(11));
    assert!(too_long.run());
    let told = too_long.get();
    assert_eq!(told["error"]["code"], -32603);
    let limit = format!("{} bytes", frame + 10);
    assert!(told["statusMessage"].as_str().unwrap().contains(&limit), "{told}");
}

#[test]
fn all_results_have_a_limit_together_and_give_their_room_back() {
    let ttl = Duration::from_secs(1);
    let world = World::new(TaskOptions::new().with_max_bytes(1_000).with_ttl(ttl));
    let long = |_| async { Ok(CallToolResult::text("x".repeat(600))) };
    let (mut first, mut second) = (world.begin(long), world.begin(long));
    assert!(first.run() && second.run());
    assert_eq!((first.status(), second.status()), (json!("completed"), json!("failed")));
    let mut third = world.begin(|_| async { Ok(CallToolResult::text("x".repeat(150))) });
    assert!(third.run());
    assert_eq!(third.status(), "completed");
    assert_eq!(world.seat("bob").err(), Some(NoSeat::Bytes), "seven eighths are taken");
    world.pass(ttl);
    drop(world.tasks.sweep());
    assert!(world.seat("bob").is_ok());
}

#[test]
fn a_task_whose_runtime_ends_has_failed() {
    let world = World::new(TaskOptions::new());
    let mut task = world.begin(forever);
    assert!(!task.run());
    let cancelled = task.cx.cancelled();
    task.drive = None;
    assert_eq!(task.status(), "failed");
    assert!(cancelled.now_or_never().is_some());
}

#[test]
fn a_drain_without_time_ends_what_runs_and_leaves_what_has_ended() {
    let world = World::new(TaskOptions::new());
    let mut ended = world.begin(|_| async { Ok(CallToolResult::text("done")) });
    let mut running = world.begin(forever);
    assert!(ended.run() && !running.run());
    assert_eq!(world.tasks.cut_off(), 1);
    assert_eq!(running.get()["statusMessage"], "The server is shutting down");
    assert_eq!(ended.status(), "completed");
    assert!(running.run());
}

/// A store that can be slow, and that can fail.
#[derive(Default)]
struct Moody {
    memory: Arc<store::MemoryTaskStore>,
    mood: Arc<Mutex<Mood>>,
    updates: Arc<AtomicUsize>,
}

#[derive(Clone, Copy, Debug, Default)]
enum Mood {
    #[default]
    Good,
    Fails,
    Panics,
    /// Before there is a future.
    PanicsAtOnce,
}

impl Mood {
    const BAD: [Self; 3] = [Self::Fails, Self::Panics, Self::PanicsAtOnce];
}

impl Moody {
    fn then<T: Send + 'static>(
        &self,
        good: BoxFuture<'static, Result<T, HandlerError>>,
    ) -> BoxFuture<'static, Result<T, HandlerError>> {
        let mood = *self.mood.lock().unwrap();
        assert!(!matches!(mood, Mood::PanicsAtOnce), "a store");
        Box::pin(async move {
            match mood {
                Mood::Good => good.await,
                Mood::Fails => Err(HandlerError::new("the password of the database is hunter2")),
                Mood::Panics | Mood::PanicsAtOnce => panic!("a store"),
            }
        })
    }
}

impl TaskStore for Moody {
    fn create(
        self: Arc<Self>,
        owner: Principal,
        task: Task,
    ) -> BoxFuture<'static, Result<(), HandlerError>> {
        self.then(self.memory.clone().create(owner, task))
    }

    fn get(
        self: Arc<Self>,
        owner: Principal,
        id: String,
    ) -> BoxFuture<'static, Result<Option<Task>, HandlerError>> {
        self.then(self.memory.clone().get(owner, id))
    }

    fn update(
        self: Arc<Self>,
        owner: Principal,
        task: Task,
    ) -> BoxFuture<'static, Result<(), HandlerError>> {
        self.updates.fetch_add(1, Ordering::Relaxed);
        self.then(self.memory.clone().update(owner, task))
    }

    fn remove(
        self: Arc<Self>,
        owner: Principal,
        id: TaskId,
    ) -> BoxFuture<'static, Result<(), HandlerError>> {
        self.then(self.memory.clone().remove(owner, id))
    }
}

/// ext-tasks, Task Creation: no handle before the task is durably created.
#[test]
fn a_task_that_cannot_be_kept_is_none_and_why_is_not_told() {
    for mood in Mood::BAD {
        let store = Moody::default();
        *store.mood.lock().unwrap() = mood;
        let world = World::new(TaskOptions::new().with_store(store));
        let error = world.try_begin(forever).err().unwrap();
        assert_eq!(error, RpcError::internal("The store of tasks failed"));
        assert_eq!(world.tasks.count(), 0, "its place is free again");
    }
}

#[test]
fn what_the_store_does_not_take_is_answered_from_here() {
    for mood in Mood::BAD {
        let store = Moody::default();
        let turns = Arc::clone(&store.mood);
        let world = World::new(TaskOptions::new().with_store(store));
        let mut task = world.begin(|_| async { Ok(CallToolResult::text("done")) });
        *turns.lock().unwrap() = mood;
        assert!(task.run());
        assert_eq!(task.status(), "completed");
        assert!(matches!(task.found("alice"), Some(Found::Live(_))));
    }
}

/// ext-tasks, Protocol Errors: "Internal errors: `-32603`".
#[test]
fn a_store_that_fails_to_find_or_to_forget_is_an_error_and_never_a_panic() {
    for mood in Mood::BAD {
        let store = Moody::default();
        let turns = Arc::clone(&store.mood);
        let world = World::new(TaskOptions::new().with_store(store));
        let mut ended = world.begin(|_| async { Ok(CallToolResult::text("done")) });
        assert!(ended.run());
        *turns.lock().unwrap() = mood;
        let found = now(world.tasks.find(&Principal::named("alice"), ended.id()));
        assert_eq!(found.err(), Some(RpcError::internal("The store of tasks failed")));
        world.pass(TaskOptions::new().ttl);
        now(Arc::clone(&world.tasks).remove(world.tasks.sweep()));
        assert_eq!(world.tasks.count(), 0, "{mood:?}");
    }
}

#[test]
fn many_changes_between_two_writes_are_written_once() {
    let store = Moody::default();
    let updates = Arc::clone(&store.updates);
    let world = World::new(TaskOptions::new().with_store(store));
    let mut task = world.begin(forever);
    assert!(!task.run());
    for progress in 1..1_000 {
        task.cx.progress(progress.into(), None, progress.to_string());
    }
    assert!(!task.run());
    assert_eq!(updates.load(Ordering::Relaxed), 1);
}

#[test]
fn who_watches_a_task_is_told_the_newest_once() {
    let world = World::new(TaskOptions::new());
    let mut task = world.begin(forever);
    assert!(!task.run());
    let live = task.live();
    let (mut seen, mut slot) = (Version::default(), None);
    let mut next = |live: &LiveTask| match live.poll_newer(seen, &mut slot, Waker::noop()) {
        std::task::Poll::Ready((version, task)) => {
            seen = version;
            Some(task.status_message().unwrap_or_default().to_owned())
        }
        std::task::Poll::Pending => None,
    };
    assert_eq!(next(&live).as_deref(), Some(""), "what it is at first");
    assert_eq!(next(&live), None);
    for (progress, message) in [(1.0, "one"), (2.0, "two"), (3.0, "three")] {
        task.cx.progress(progress, None, message);
    }
    assert_eq!(next(&live).as_deref(), Some("three"));
    assert_eq!(next(&live), None);
    live.leave(slot.unwrap());
    live.leave(7);
}

/// `Context::begin_task`: what is said after it is the task's, though it begins when the handler waits.
#[test]
fn progress_between_the_word_and_the_beginning_of_a_task_is_its_status_message() {
    let world = World::new(TaskOptions::new());
    let cx = call();
    cx.plan_task(TaskSupport::allowed().begun_by_handler().plan());
    let handler = |_: Arguments, cx: Context| async move {
        cx.begin_task();
        cx.progress(1.0, None, "one");
        cx.progress(2.0, None, "two");
        cx.progress(1.5, None, "no rise");
        cx.progress(3.0, None, "");
        forever(cx).await
    };
    let server = Server::builder("s", "1").tool(Tool::new("t"), handler).build().unwrap();
    let target = Target::Registered(server, 0);
    let mut running = Running::call(target, Arguments::empty(), cx.clone());
    assert!((&mut running).now_or_never().is_none() && cx.is_task());
    let (id, plan) = (TaskId::from_random([7; TaskId::BYTES]), cx.planned_task().unwrap());
    let seat = world.seat("alice").unwrap();
    let begun = now(world.tasks.begin(id, seat, plan, running, Box::new(finish)));
    let (task, mut drive) = begun.unwrap();
    assert_eq!(task.status_message(), Some("two"), "the handle tells it");
    assert!((&mut drive).now_or_never().is_none());
    let stored = now(world.tasks.store().get(Principal::named("alice"), task.id().as_str().into()));
    assert_eq!(stored.unwrap().unwrap().status_message(), Some("two"), "it is kept");
    assert_eq!(said(&cx), [] as [Value; 0], "and said nowhere else");
}

/// One who watches, as a stream does: told at its newest, woken by the next change.
#[derive(Default)]
struct Watcher {
    seen: Version,
    slot: Option<usize>,
    woken: Arc<Woken>,
}

#[derive(Default)]
struct Woken(AtomicBool);

impl std::task::Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Watcher {
    fn is_told(&mut self, live: &LiveTask) -> bool {
        let waker = Waker::from(Arc::clone(&self.woken));
        match live.poll_newer(self.seen, &mut self.slot, &waker) {
            std::task::Poll::Ready((version, _)) => {
                self.seen = version;
                true
            }
            std::task::Poll::Pending => false,
        }
    }

    fn was_woken(&self) -> bool {
        self.woken.0.swap(false, Ordering::Relaxed)
    }
}

#[test]
fn a_watcher_keeps_its_place_while_it_is_woken_whoever_comes_meanwhile() {
    let world = World::new(TaskOptions::new());
    let mut task = world.begin(forever);
    assert!(!task.run());
    let live = task.live();
    let (mut first, mut second) = (Watcher::default(), Watcher::default());
    assert!(first.is_told(&live) && !first.is_told(&live));
    task.cx.progress(1.0, None, "one");
    // The first was woken, and has not looked yet.
    assert!(second.is_told(&live) && !second.is_told(&live));
    assert!(first.is_told(&live) && !first.is_told(&live));
    task.cx.progress(2.0, None, "two");
    assert!(first.was_woken() && second.was_woken());
    live.leave(first.slot.unwrap());
    assert!(second.is_told(&live) && !second.is_told(&live));
    let mut third = Watcher::default();
    assert!(third.is_told(&live) && !third.is_told(&live));
    assert_eq!(third.slot, first.slot, "what was left is given to others");
    live.cancel();
    assert!(second.was_woken() && third.was_woken());
}
