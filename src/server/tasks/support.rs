//! What a tool says of tasks: whether its calls may become some, and when.

use std::time::Duration;

/// That the calls of a tool may become tasks, for work that takes longer than a client should hold
/// a request open.
///
/// A client that declares the extension `io.modelcontextprotocol/tasks` is answered with the handle
/// of a task, while the handler runs on; it then asks for the result by `tasks/get`. The handler is
/// the same as everywhere. To any other client the call is answered as usual, or refused.
///
/// ```
/// use std::time::Duration;
/// use mcp_http::{TaskSupport, Tool};
///
/// let report = Tool::new("report").with_task(TaskSupport::allowed());
/// let import = Tool::new("import")
///     .with_task(TaskSupport::required().with_ttl(Duration::from_secs(24 * 60 * 60)));
/// ```
///
/// What the handler asks its client for (see [`Context`](crate::Context)) is put to it by
/// `tasks/get` and answered by `tasks/update`, and the handler is run anew with the answers as
/// elsewhere. What it says as progress becomes the task's status message; log messages go nowhere
/// (ext-tasks, Task Status Notifications: neither is "supported on tasks"). Tasks are cancelled by
/// `tasks/cancel`, which drops the handler, and end with the process: a shutdown of
/// [`serve()`](crate::serve()) waits for those that run until its deadline, and those that have not
/// ended shortly before have failed.
///
/// It does nothing in the revisions before 2026-07-28, which know no such tasks.
///
/// Source: ext-tasks, Capability Negotiation and Task Creation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TaskSupport {
    need: Need,
    plan: TaskPlan,
}

/// What becomes of a call whose client knows no tasks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Need {
    Allowed,
    Required,
}

/// How a call becomes a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TaskPlan {
    pub(crate) start: Start,
    pub(crate) ttl: Option<Duration>,
    pub(crate) poll_interval: Option<Duration>,
}

/// When it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Start {
    /// Before the handler runs.
    AtOnce,
    /// When the handler says so.
    ByHandler,
}

impl TaskSupport {
    /// A call becomes a task where its client declares the extension. To any other client it is
    /// answered with its result.
    pub fn allowed() -> Self {
        Self::new(Need::Allowed)
    }

    /// A call becomes a task. A client that does not declare the extension is refused with
    /// `-32021`, whose data names it; in the revisions before 2026-07-28 with `-32602`, unless the
    /// tool is one of a [`ToolCatalogue`](crate::ToolCatalogue), which is not asked there.
    pub fn required() -> Self {
        Self::new(Need::Required)
    }

    /// Lets the handler say when the call becomes a task, by
    /// [`Context::begin_task`](crate::Context::begin_task), in place of the moment it comes in. If
    /// it answers before, there is no task; what it asks before is asked as if there were none.
    #[must_use]
    pub fn begun_by_handler(mut self) -> Self {
        self.plan.start = Start::ByHandler;
        self
    }

    /// How long a task is kept from its creation on, whether it has ended or not: one that still
    /// runs then is aborted. Default: that of [`TaskOptions`](crate::TaskOptions::with_ttl).
    #[must_use]
    pub fn with_ttl(mut self, ttl: Duration) -> Self {
        self.plan.ttl = Some(ttl);
        self
    }

    /// How long a client should wait between two looks at a task. Default: that of
    /// [`TaskOptions`](crate::TaskOptions::with_poll_interval).
    #[must_use]
    pub fn with_poll_interval(mut self, interval: Duration) -> Self {
        self.plan.poll_interval = Some(interval);
        self
    }

    pub(crate) fn need(&self) -> Need {
        self.need
    }

    pub(crate) fn plan(&self) -> TaskPlan {
        self.plan
    }

    fn new(need: Need) -> Self {
        let plan = TaskPlan { start: Start::AtOnce, ttl: None, poll_interval: None };
        Self { need, plan }
    }
}
