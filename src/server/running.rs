//! Handlers that run: their futures, with panics caught, questions put, and errors turned into
//! answers.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll};

use super::arguments::Arguments;
use super::ask::{Asking, Question};
use super::catalogue::ToolCatalogue;
use super::context::Context;
use super::handler::BoxFuture;
use super::handler_error::HandlerError;
use super::outcome;
use super::registry::Server;
use super::reply::Reply;
use super::result::CallToolResult;
use super::tool::Tool;
use crate::protocol::jsonrpc::RpcError;

/// What a request ends with: the reply, or the error to answer.
pub(crate) type Outcome = Result<Reply, RpcError>;

/// A request that is being served: the handler's own future, not boxed a second time.
///
/// It ends with the reply, or with the error to answer. A panic ends it with `-32603` (DESIGN,
/// decision 13). When it ends, its outbox is closed, so that nothing is said after the answer,
/// not even by tasks that the handler has left behind (2026-07-28, Progress: "Progress
/// notifications MUST stop after completion").
///
/// A handler that unwinds with questions (DESIGN, decision 14) ends it with those as the reply, or
/// makes it wait: whoever polls it then takes the questions by
/// [`take_questions`](Self::take_questions), brings the answers to the call's
/// [`Inputs`](super::ask::Inputs) and wakes the handler, which is run anew.
pub(crate) struct Running {
    work: Work,
    stage: Stage,
    cx: Context,
}

enum Work {
    /// The one that is called most has its future as the handler made it.
    Call { target: Target, arguments: Option<Arguments>, handler: Guarded<CallToolResult> },
    /// Any other that may ask its client.
    Request { begin: Begin, handler: Guarded<Reply> },
    /// What may not (2026-07-28, Multi Round-Trip Requests, Supported Requests).
    List { handler: Guarded<Reply> },
}

/// Makes the future of a request, as often as it is to be run.
type Begin = Box<dyn Fn(Context) -> BoxFuture<'static, Result<Reply, HandlerError>> + Send>;

/// The tool that is called.
pub(crate) enum Target {
    /// By its place among those that are registered.
    Registered(Server, usize),
    Catalogue(Arc<dyn ToolCatalogue>, String),
}

enum Stage {
    /// The handler runs.
    Handling,
    /// It has unwound, and nobody has taken its questions yet.
    Asking(Vec<Question>),
    /// They were taken, and are to be answered.
    Waiting,
}

/// How a handler has ended.
enum Ended {
    Answered(Outcome),
    Asks(Vec<Question>),
}

/// A catalogue that looks for a tool.
pub(crate) struct Finding {
    search: Guarded<Option<Arc<Tool>>>,
    cx: Context,
}

/// A future of the application's, whose panics do not pass.
struct Guarded<T> {
    /// None once it ended or panicked, which it may do before there is a future.
    future: Option<BoxFuture<'static, Result<T, HandlerError>>>,
}

struct Panicked;

impl Running {
    /// Calls a tool.
    pub(crate) fn call(target: Target, arguments: Arguments, cx: Context) -> Self {
        // What may have to be run again keeps its arguments, and with them the request's body.
        let kept = cx.may_run_anew().then(|| arguments.clone());
        let handler = Guarded::begin(|| target.call(arguments, cx.clone()));
        Self { work: Work::Call { target, arguments: kept, handler }, stage: Stage::Handling, cx }
    }

    /// Serves a request for a prompt or a resource.
    pub(crate) fn request(
        cx: Context,
        begin: impl Fn(Context) -> BoxFuture<'static, Result<Reply, HandlerError>> + Send + 'static,
    ) -> Self {
        let handler = Guarded::begin(|| begin(cx.clone()));
        let work = Work::Request { begin: Box::new(begin), handler };
        Self { work, stage: Stage::Handling, cx }
    }

    /// Serves a request that cannot wait for its client: a list, a completion.
    pub(crate) fn list(
        cx: Context,
        begin: impl FnOnce(Context) -> BoxFuture<'static, Result<Reply, HandlerError>>,
    ) -> Self {
        let handler = Guarded::begin(|| begin(cx.clone()));
        Self { work: Work::List { handler }, stage: Stage::Handling, cx }
    }

    /// The call that it serves.
    pub(crate) fn context(&self) -> &Context {
        &self.cx
    }

    /// Drops the handler, if that has not ended.
    pub(crate) fn into_context(self) -> Context {
        self.cx
    }

    /// Polls the handler, if there is reason to: it never was, or it was woken since. If it does not
    /// end, this is to be polled as a future, which tells the handler's wake-ups, those included
    /// that have come since.
    pub(crate) fn run_if_woken(&mut self) -> Option<Outcome> {
        let waker = self.cx.handler_waker()?;
        let handler = &mut TaskContext::from_waker(&waker);
        let Poll::Ready(outcome) = self.stage.step(&mut self.work, handler, &self.cx) else {
            return None;
        };
        self.cx.outbox().close();
        Some(outcome)
    }

    /// The questions that its handler has unwound with, once. A driver looks after each poll that
    /// was pending, and nobody else wakes what then waits.
    pub(crate) fn take_questions(&mut self) -> Option<Vec<Question>> {
        if !matches!(self.stage, Stage::Asking(_)) {
            return None;
        }
        match std::mem::replace(&mut self.stage, Stage::Waiting) {
            Stage::Asking(questions) => Some(questions),
            Stage::Handling | Stage::Waiting => None,
        }
    }
}

impl Future for Running {
    type Output = Outcome;

    fn poll(self: Pin<&mut Self>, task: &mut TaskContext<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        if let Some(outcome) = this.run_if_woken() {
            return Poll::Ready(outcome);
        }
        // Only what waits needs to be woken. It may have been meanwhile.
        this.cx.drive_by(task.waker());
        if this.cx.is_woken() {
            task.waker().wake_by_ref();
        }
        Poll::Pending
    }
}

impl Stage {
    /// Polls the handler, if it is its turn.
    fn step(
        &mut self,
        work: &mut Work,
        handler: &mut TaskContext<'_>,
        cx: &Context,
    ) -> Poll<Outcome> {
        match self {
            Self::Handling => {}
            Self::Waiting if cx.inputs().is_answered() => {
                work.begin_again(cx);
                *self = Self::Handling;
            }
            Self::Waiting | Self::Asking(_) => return Poll::Pending,
        }
        Poll::Ready(match std::task::ready!(work.poll(handler, cx)) {
            Ended::Answered(outcome) => outcome,
            Ended::Asks(questions) if cx.asking() == Asking::Meanwhile => {
                *self = Self::Asking(questions);
                return Poll::Pending;
            }
            Ended::Asks(questions) => Ok(Reply::InputRequired(questions)),
        })
    }
}

impl Work {
    fn poll(&mut self, task: &mut TaskContext<'_>, cx: &Context) -> Poll<Ended> {
        let version = cx.protocol_version();
        let ended = match self {
            Self::Call { target, handler, .. } => handler.poll(task, |result| {
                end(cx, result, |result| {
                    let result = result.or_else(|error| {
                        outcome::call_outcome(error, target.name(), version, cx.asking())
                    })?;
                    Ok(Reply::CallTool(result))
                })
            }),
            Self::Request { handler, .. } => handler.poll(task, |reply| {
                end(cx, reply, |reply| {
                    reply.map_err(|error| outcome::request_error(error, version))
                })
            }),
            Self::List { handler } => handler.poll(task, |reply| {
                Ended::Answered(reply.map_err(|error| outcome::request_error(error, version)))
            }),
        };
        ended
            .map(|ended| ended.unwrap_or_else(|Panicked| Ended::Answered(Err(outcome::panicked()))))
    }

    fn begin_again(&mut self, cx: &Context) {
        match self {
            Self::Call { target, arguments, handler } => {
                let arguments = arguments.clone().expect("a call that waits keeps its arguments");
                *handler = Guarded::begin(|| target.call(arguments, cx.clone()));
            }
            Self::Request { begin, handler } => *handler = Guarded::begin(|| begin(cx.clone())),
            Self::List { .. } => unreachable!("what may not ask does not wait"),
        }
    }
}

/// What a handler has ended with: "the question is recorded ... and honoured whatever error type
/// the handler returns" (DESIGN, decision 14). But for an error that no answer could mend: then
/// the client is not asked in vain.
fn end<T>(
    cx: &Context,
    result: Result<T, HandlerError>,
    answer: impl FnOnce(Result<T, HandlerError>) -> Outcome,
) -> Ended {
    if let Err(error) = &result
        && !error.is_beyond_input()
    {
        let questions = cx.inputs().put();
        if !questions.is_empty() {
            return Ended::Asks(questions);
        }
    }
    Ended::Answered(answer(result))
}

impl Target {
    fn name(&self) -> &str {
        match self {
            Self::Registered(server, index) => server.registered(*index).tool.name(),
            Self::Catalogue(_, name) => name,
        }
    }

    fn call(
        &self,
        arguments: Arguments,
        cx: Context,
    ) -> BoxFuture<'static, Result<CallToolResult, HandlerError>> {
        match self {
            Self::Registered(server, index) => {
                server.registered(*index).handler.call(arguments, cx)
            }
            Self::Catalogue(catalogue, name) => {
                Arc::clone(catalogue).call(name.clone(), arguments, cx)
            }
        }
    }
}

impl Finding {
    pub(crate) fn begin(catalogue: Arc<dyn ToolCatalogue>, name: &str, cx: &Context) -> Self {
        let search = Guarded::begin(|| catalogue.find(name.to_owned(), cx.clone()));
        Self { search, cx: cx.clone() }
    }
}

impl Future for Finding {
    type Output = Result<Option<Arc<Tool>>, RpcError>;

    fn poll(self: Pin<&mut Self>, task: &mut TaskContext<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        let version = this.cx.protocol_version();
        let found = this
            .search
            .poll(task, |found| found.map_err(|error| outcome::request_error(error, version)));
        found.map(|found| found.unwrap_or_else(|Panicked| Err(outcome::panicked())))
    }
}

impl<T> Guarded<T> {
    fn begin(begin: impl FnOnce() -> BoxFuture<'static, Result<T, HandlerError>>) -> Self {
        Self { future: catch_unwind(AssertUnwindSafe(begin)).ok() }
    }

    /// Polls the future. `finish` runs under the guard too: it may run the application's code,
    /// such as an error's `Display`.
    ///
    /// Unwind safety is asserted because nothing looks at the future after a panic.
    fn poll<R>(
        &mut self,
        task: &mut TaskContext<'_>,
        finish: impl FnOnce(Result<T, HandlerError>) -> R,
    ) -> Poll<Result<R, Panicked>> {
        let Some(future) = &mut self.future else { return Poll::Ready(Err(Panicked)) };
        let poll = || future.as_mut().poll(task).map(finish);
        let ended = match catch_unwind(AssertUnwindSafe(poll)) {
            Ok(Poll::Pending) => return Poll::Pending,
            Ok(Poll::Ready(ended)) => Ok(ended),
            Err(_) => Err(Panicked),
        };
        self.end();
        Poll::Ready(ended)
    }

    /// Drops the future. A panic in that changes no answer and ends no connection.
    fn end(&mut self) {
        if let Some(future) = self.future.take() {
            let _ = catch_unwind(AssertUnwindSafe(|| drop(future)));
        }
    }
}

impl<T> Drop for Guarded<T> {
    fn drop(&mut self) {
        self.end();
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::Waker;

    use futures::FutureExt;
    use futures::task::{ArcWake, waker};
    use serde_json::{Map, Value};

    use super::*;
    use crate::protocol::version::ProtocolVersion;
    use crate::server::ask::{Answer, Ask};
    use crate::server::client::ClientCapabilities;
    use crate::server::context::CallInfo;
    use crate::server::context::tests::{context, info, raw};
    use crate::server::raw::RawJson;
    use crate::server::{Server, Tool};

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
            Ok(RawJson::empty_object())
        }

        fn read(&self, answer: &RawJson) -> Result<String, String> {
            answer.read().ok_or_else(|| "it is no string".to_owned())
        }
    }

    fn asking(asking: Asking) -> Context {
        let client_capabilities = Some(raw(serde_json::json!({"words": {}})));
        context(CallInfo { asking, client_capabilities, ..info(ProtocolVersion::LATEST) })
    }

    /// A call of a tool that asks for `a` and `b` at once and then for `c`, and counts its runs.
    fn call(cx: &Context) -> (Running, Arc<AtomicUsize>) {
        let runs = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&runs);
        let handler = move |_: Arguments, cx: Context| {
            counted.fetch_add(1, Ordering::Relaxed);
            async move {
                let (a, b) = (cx.ask("a", &Word), cx.ask("b", &Word));
                let (a, b) = (a?, b?);
                // Whatever the error is turned into, the question is honoured.
                let c =
                    cx.ask("c", &Word).map_err(|error| std::io::Error::other(error.to_string()))?;
                Ok::<_, HandlerError>(format!("{a}{b}{c}"))
            }
        };
        let server = Server::builder("s", "1").tool(Tool::new("t"), handler).build().unwrap();
        (Running::call(Target::Registered(server, 0), Arguments::empty(), cx.clone()), runs)
    }

    #[derive(Default)]
    struct Wakes(AtomicUsize);

    impl ArcWake for Wakes {
        fn wake_by_ref(wakes: &Arc<Self>) {
            wakes.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    impl Wakes {
        fn count(&self) -> usize {
            self.0.load(Ordering::Relaxed)
        }
    }

    /// A call whose handler ends when it is polled again.
    fn yielding(cx: &Context, meanwhile: fn(&Waker)) -> Running {
        let handler = move |_: Arguments, _: Context| async move {
            let mut polled = false;
            let yielded = poll_fn(|task| match std::mem::replace(&mut polled, true) {
                true => Poll::Ready(()),
                false => {
                    meanwhile(task.waker());
                    Poll::Pending
                }
            });
            yielded.await;
            Ok::<_, HandlerError>("done".to_owned())
        };
        let server = Server::builder("s", "1").tool(Tool::new("t"), handler).build().unwrap();
        Running::call(Target::Registered(server, 0), Arguments::empty(), cx.clone())
    }

    /// A handler is polled before anyone waits for it, and may be woken before anyone does.
    #[test]
    fn whoever_begins_to_drive_a_handler_is_told_that_it_was_woken_before() {
        let cx = asking(Asking::ByResult);
        let mut running = yielding(&cx, Waker::wake_by_ref);
        let wakes = Arc::new(Wakes::default());
        let (waker, mut running) = (waker(Arc::clone(&wakes)), Pin::new(&mut running));
        let mut task = TaskContext::from_waker(&waker);
        assert!(running.as_mut().poll(&mut task).is_pending());
        assert_eq!(wakes.count(), 1);
        assert!(running.poll(&mut task).is_ready());
    }

    /// Whoever drives a call sees to its end; the handler is not to be polled again.
    #[test]
    fn a_cancellation_wakes_who_drives_the_call_and_not_its_handler() {
        let cx = asking(Asking::ByResult);
        let mut running = yielding(&cx, |_| ());
        let wakes = Arc::new(Wakes::default());
        let (waker, mut running) = (waker(Arc::clone(&wakes)), Pin::new(&mut running));
        let mut task = TaskContext::from_waker(&waker);
        assert!(running.as_mut().poll(&mut task).is_pending());
        assert_eq!(wakes.count(), 0);
        cx.canceller().cancel();
        assert_eq!((wakes.count(), cx.is_cancelled()), (1, true));
        assert!(running.as_mut().poll(&mut task).is_pending());
        assert_eq!(wakes.count(), 1);
        cx.wake_handler();
        assert!(running.poll(&mut task).is_ready());
    }

    fn keys(questions: &[Question]) -> Vec<&str> {
        questions.iter().map(|question| question.key.as_str()).collect()
    }

    fn word(word: &str) -> Answer {
        Answer::Result(raw(word.into()))
    }

    /// DESIGN, decision 14.
    #[test]
    fn a_handler_is_run_anew_once_all_its_questions_are_answered() {
        let cx = asking(Asking::Meanwhile);
        let (mut running, runs) = call(&cx);
        assert!((&mut running).now_or_never().is_none());
        assert_eq!(keys(&running.take_questions().unwrap()), ["a", "b"]);
        assert_eq!(running.take_questions(), None);
        cx.inputs().answer("a", word("x")).unwrap();
        cx.wake_handler();
        assert!((&mut running).now_or_never().is_none());
        assert_eq!(runs.load(Ordering::Relaxed), 1, "one answer is still missing");
        cx.inputs().answer("b", word("y")).unwrap();
        cx.wake_handler();
        assert!((&mut running).now_or_never().is_none());
        assert_eq!(keys(&running.take_questions().unwrap()), ["c"]);
        cx.inputs().answer("c", word("z")).unwrap();
        cx.wake_handler();
        let reply = running.now_or_never().unwrap();
        assert_eq!(reply, Ok(Reply::CallTool(CallToolResult::text("xyz"))));
        assert_eq!(runs.load(Ordering::Relaxed), 3);
    }

    #[test]
    fn where_the_request_comes_again_the_questions_are_its_result() {
        let cx = asking(Asking::ByResult);
        let Ok(Reply::InputRequired(questions)) = call(&cx).0.now_or_never().unwrap() else {
            panic!("no questions")
        };
        assert_eq!(keys(&questions), ["a", "b"]);
        let next = asking(Asking::ByResult);
        next.inputs().restore(1, [("a".into(), word("x")), ("b".into(), word("y"))]).unwrap();
        let Ok(Reply::InputRequired(questions)) = call(&next).0.now_or_never().unwrap() else {
            panic!("no questions")
        };
        assert_eq!(keys(&questions), ["c"]);
    }

    /// What it cannot do is said first; but of a client that was not asked what it can do, nothing
    /// is known.
    #[test]
    fn a_client_that_cannot_be_asked_is_told_why() {
        let told = |client_capabilities: Option<Value>, asking| {
            let client_capabilities = client_capabilities.map(raw);
            let info = info(ProtocolVersion::LATEST);
            let cx = context(CallInfo { asking, client_capabilities, ..info });
            call(&cx).0.now_or_never().unwrap().unwrap_err().message
        };
        let (able, unable) = (serde_json::json!({"words": {}}), serde_json::json!({}));
        let (deaf, missing) = (Asking::Impossible("it is deaf"), "did not declare");
        assert!(told(Some(able), deaf).ends_with("it is deaf"));
        assert!(told(None, deaf).ends_with("it is deaf"));
        for asking in [deaf, Asking::Meanwhile, Asking::ByResult] {
            assert!(told(Some(unable.clone()), asking).contains(missing));
        }
        assert!(told(None, Asking::Meanwhile).contains(missing));
    }

    #[test]
    fn an_answer_that_does_not_fit_is_told_by_its_key() {
        for (answer, told) in [
            (Answer::Result(raw(1.into())), "`a` does not fit: it is no string"),
            (Answer::Refused { code: -1, message: "no".into() }, "refused the input `a`: no (-1)"),
            (Answer::TimedOut, "did not give the input `a` in time"),
            (Answer::Unavailable("no room"), "input `a` could not be had: no room"),
        ] {
            let cx = asking(Asking::Meanwhile);
            cx.inputs().restore(1, [("a".into(), answer), ("b".into(), word("y"))]).unwrap();
            let text = match call(&cx).0.now_or_never().unwrap() {
                Ok(Reply::CallTool(result)) => result.content()[0].as_text().unwrap().to_owned(),
                Ok(other) => panic!("{other:?}"),
                Err(error) => error.message,
            };
            assert!(text.contains(told), "{text}");
        }
    }
}
