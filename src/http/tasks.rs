//! The methods of tasks, and how a call becomes one (ext-tasks).

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::{SystemTime, UNIX_EPOCH};

use super::commit::Framing;
use super::endpoint::Admitted;
use super::modern::Answer;
use super::observe;
use super::serve::ShutdownSignal;
use super::service::Shared;
use super::task_watch::TaskWatch;
use crate::protocol::jsonrpc::RpcError;
use crate::protocol::modern::{ModernRequest, Subscription, requested_tasks};
use crate::protocol::refusal::Reason;
use crate::protocol::timestamp::Timestamp;
use crate::server::{
    Account, ClientCapabilities, Context, EXTENSION, Found, LiveTask, NoSeat, Outcome, Reply,
    Running, Seat, Server, TaskId, TaskRequest, Tasks, missing_extension, unknown_task,
};

/// The tasks of a service, if its server has any.
pub(crate) fn of(server: &Server) -> Option<Arc<Tasks>> {
    let now = || {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp(0).after(since)
    };
    server.tasks().map(|options| Tasks::new(options.clone(), Arc::new(now)))
}

/// Serves `tasks/get`, `tasks/update` or `tasks/cancel`.
///
/// It is no call: it takes no [`CallPermit`](super::permits::CallPermit), because a task may wait
/// for it.
///
/// # Errors
///
/// -32601 where there are no tasks, -32021 for a client that does not declare the extension, -32602
/// for a task that is unknown, another's or forgotten, -32603 if the store fails, or if the task
/// runs in another process and only that can do what is asked for.
pub(crate) async fn serve(
    shared: &Shared,
    admitted: &Admitted<'_>,
    modern: &ModernRequest<'_, '_>,
) -> Outcome {
    let method = &*modern.request.method;
    let tasks = shared.tasks.as_ref().ok_or_else(|| RpcError::method_not_found(method))?;
    if !declares_tasks(modern) {
        return Err(missing_extension());
    }
    let owner = &admitted.principal;
    let find = async |id: &str| tasks.find(owner, id).await?.ok_or_else(unknown_task);
    match TaskRequest::read(method, &modern.request.params)? {
        TaskRequest::Get { id } => Ok(Reply::Task(Box::new(match find(&id).await? {
            Found::Live(live) => live.task(),
            Found::Stored(task) => task,
        }))),
        TaskRequest::Update { id, answers } => {
            if let Some(live) = find(&id).await?.live()? {
                live.answer(answers)?;
            }
            Ok(Reply::Empty)
        }
        TaskRequest::Cancel { id } => {
            if let Some(live) = find(&id).await?.live()? {
                live.cancel();
            }
            Ok(Reply::Empty)
        }
    }
}

/// Whether clients can be told of tasks.
pub(crate) fn are_told(shared: &Shared) -> bool {
    // A listen stream is an answer, and could be no other.
    shared.tasks.is_some() && shared.options.framing != Framing::JsonOnly
}

/// Watches the tasks that a subscription asks for, as far as they are the caller's (ext-tasks, Task
/// Status Notifications).
///
/// # Errors
///
/// -32602 if what is asked for is none, -32021 if the client does not declare the extension, -32603
/// if the store fails.
pub(crate) async fn watch(
    shared: &Shared,
    admitted: &Admitted<'_>,
    modern: &ModernRequest<'_, '_>,
    subscription: &mut Subscription,
) -> Result<TaskWatch, RpcError> {
    let Some(tasks) = &shared.tasks else { return Ok(TaskWatch::default()) };
    let Some(asked) = requested_tasks(&modern.request.params)? else {
        return Ok(TaskWatch::default());
    };
    if !declares_tasks(modern) {
        return Err(missing_extension());
    }
    let (mut honoured, mut watched) = (Vec::new(), Vec::new());
    for id in asked {
        // What changes in another process is not heard of here.
        let found = tasks.find(&admitted.principal, &id).await?.filter(Found::is_known_to_the_end);
        if let Some(found) = found {
            honoured.push(id);
            watched.push(found);
        }
    }
    subscription.honour_tasks(honoured);
    Ok(TaskWatch::new(watched))
}

/// Whether the request's client declares the extension: "regardless of prior declarations" (ext-tasks,
/// Capability Negotiation).
fn declares_tasks(modern: &ModernRequest<'_, '_>) -> bool {
    let declared =
        serde_json::from_str(modern.envelope.client_capabilities.get()).unwrap_or_default();
    ClientCapabilities::new(declared).extension(EXTENSION).is_some()
}

/// Takes a place for a call that may become a task, before its handler runs.
pub(crate) fn seat(shared: &Shared, cx: &Context) -> Result<Option<Seat>, Reason> {
    let Some(tasks) = shared.tasks.as_ref().filter(|_| cx.planned_task().is_some()) else {
        return Ok(None);
    };
    if shared.drain.is_draining() {
        return Err(Reason::Draining);
    }
    tasks.seat(Account::of(cx)).map(Some).map_err(|full| match full {
        NoSeat::InAll => Reason::TooManyTasks,
        NoSeat::OfCaller => Reason::TooManyTasksOfCaller,
        NoSeat::Bytes => Reason::TooManyTaskBytes,
    })
}

/// Makes a task of a call. It runs on by itself, and the reply is its handle.
///
/// # Errors
///
/// -32603 if it could not be kept.
pub(crate) async fn begin(
    shared: &Arc<Shared>,
    running: Running,
    seat: Option<Seat>,
    answer: &Answer,
) -> Outcome {
    let cx = running.context().clone();
    let begun = begin_with(shared, running, seat, answer).await;
    if begun.is_err() {
        // The handler is gone, and what it has left behind is told.
        cx.cancel();
    }
    begun
}

async fn begin_with(
    shared: &Arc<Shared>,
    running: Running,
    seat: Option<Seat>,
    answer: &Answer,
) -> Outcome {
    let seat = seat.expect("a call that may become a task has a seat");
    let plan = running.context().planned_task().expect("a call with a seat is planned as a task");
    let tasks = shared.tasks.as_ref().expect("a seat is one among tasks");
    let mut random = [0; TaskId::BYTES];
    getrandom::fill(&mut random)
        .map_err(|_| RpcError::internal("The server has no randomness for the id of a task"))?;
    let id = TaskId::from_random(random);
    let answer = answer.of_task();
    let finish = Box::new(move |outcome: Outcome| answer.result(outcome));
    // It has no connection for a shutdown to wait for.
    let listener = running.context().extensions().get::<ShutdownSignal>();
    let hold = listener.map(ShutdownSignal::hold);
    let (task, drive) = tasks.begin(id, seat, plan, running, finish).await?;
    tokio::spawn(observe::in_same_span(async move {
        let _until_it_ends = hold;
        drive.await;
    }));
    shared.ensure_sweeper();
    Ok(Reply::TaskBegun(Box::new(task)))
}

/// Runs a call, whose response is a stream by now, to its end or until it becomes a task.
pub(crate) async fn outcome(
    shared: &Arc<Shared>,
    mut running: Running,
    seat: Option<Seat>,
    answer: &Answer,
) -> Outcome {
    let ended = poll_fn(|task| match Pin::new(&mut running).poll(task) {
        Poll::Ready(outcome) => Poll::Ready(Some(outcome)),
        Poll::Pending if running.context().is_task() => Poll::Ready(None),
        Poll::Pending => Poll::Pending,
    });
    match ended.await {
        Some(outcome) => outcome,
        None => Box::pin(begin(shared, running, seat, answer)).await,
    }
}

impl Found {
    /// Whether all that will ever become of it is known here.
    fn is_known_to_the_end(&self) -> bool {
        match self {
            Self::Live(_) => true,
            Self::Stored(task) => task.status().is_terminal(),
        }
    }

    /// The task if it runs here; none if it has ended, so that nothing is to be done.
    fn live(self) -> Result<Option<Arc<LiveTask>>, RpcError> {
        match self {
            Self::Live(live) => Ok(Some(live)),
            Self::Stored(task) if task.status().is_terminal() => Ok(None),
            Self::Stored(_) => Err(RpcError::internal(
                "The task runs in another process: route by the header Mcp-Name, which holds its id",
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::time::Duration;

    use http_body_util::Full;
    use serde_json::json;
    use tokio::time::{Instant, sleep, timeout};

    use crate::http::service::McpService;
    use crate::server::{Arguments, Context, Server, TaskOptions, TaskSupport, Tool, ToolError};

    /// DESIGN, decision 10: no timer per task; the sweeper finds those whose time is up.
    #[tokio::test(start_paused = true)]
    async fn the_sweeper_ends_a_task_whose_time_is_up_and_frees_its_place() {
        static DROPPED: AtomicBool = AtomicBool::new(false);
        struct Alarm;
        impl Drop for Alarm {
            fn drop(&mut self) {
                DROPPED.store(true, Ordering::Relaxed);
            }
        }
        async fn forever(_: Arguments, _: Context) -> Result<(), ToolError> {
            let _alarm = Alarm;
            std::future::pending().await
        }
        let tool = Tool::new("t").with_task(TaskSupport::allowed());
        // Its clock is that of the system, which does not stand still here.
        let options = TaskOptions::new().with_ttl(Duration::from_millis(1));
        let server = Server::builder("s", "1").tool(tool, forever).tasks(options).build().unwrap();
        let service = McpService::builder(server).build().unwrap();
        let capabilities = json!({"extensions": {"io.modelcontextprotocol/tasks": {}}});
        let body = json!({
            "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {
                "name": "t", "_meta": {
                    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
                    "io.modelcontextprotocol/clientCapabilities": capabilities,
                },
            },
        });
        let request = http::Request::post("http://localhost/mcp")
            .header("content-type", "application/json")
            .header("mcp-protocol-version", "2026-07-28")
            .header("mcp-method", "tools/call")
            .header("mcp-name", "t")
            .body(Full::<bytes::Bytes>::from(body.to_string()))
            .unwrap();
        let response = hyper::service::Service::call(&service, request).await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(service.stats().tasks, 1);
        let begun = Instant::now();
        let freed = async {
            while service.stats().tasks > 0 || !DROPPED.load(Ordering::Relaxed) {
                sleep(Duration::from_secs(1)).await;
            }
        };
        timeout(Duration::from_secs(10_000), freed).await.expect("it is swept");
        assert!(begun.elapsed() >= Duration::from_secs(1), "by the sweeper");
    }
}
