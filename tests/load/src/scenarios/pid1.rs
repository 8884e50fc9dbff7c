//! The server as the first process of a container: SIGTERM has no default there, and nobody else
//! handles it.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use rustix::process::{Pid, Signal, geteuid, kill_process};
use tokio::process::Command;

use crate::client::{Revision, Session};
use crate::report::Run;
use crate::subject::Subject;

const KILLED: Duration = Duration::from_secs(10);

pub(super) async fn run(run: &mut Run) -> Result<()> {
    const WHAT: &str = "SIGTERM to PID 1 ends with 0";
    if !geteuid().is_root() {
        run.skip(WHAT, "a PID namespace needs root");
        return Ok(());
    }
    let mut command = Command::new("unshare");
    // Where this dies, the server does.
    command.args(["--pid", "--fork", "--kill-child", "--mount-proc", "--"]);
    let subject = match Subject::start_with(command.arg(Subject::path()?)).await {
        Ok(subject) => subject,
        Err(error) => {
            run.skip(WHAT, format!("no PID namespace here: {error:#}"));
            return Ok(());
        }
    };
    let server = only_child(subject.pid())?;
    let first = is_first(server)?;
    let target = subject.target();
    let mut wire = target.connect().await?;
    let session = Session::open(&target, &mut wire, Revision::V2025_11_25).await?;
    session.listen(&mut wire).await?;
    wire.event().await?.context("a stream that ended at once")?;

    let begun = Instant::now();
    kill_process(Pid::from_raw(server).context("a process id")?, Signal::TERM)?;
    let mut retry = None;
    while let Some(event) = wire.event().await? {
        retry = event.retry;
    }
    let ended = subject.finish(KILLED).await;
    let how = match &ended {
        Ok(_) => "exit code 0".to_owned(),
        Err(error) => format!("{error:#}"),
    };
    run.check(
        WHAT,
        first && ended.as_ref().is_ok_and(|aborted| *aborted == 0) && retry.is_some(),
        format!(
            "PID 1: {first}; {how} after {:.2} s; its stream was told to wait {retry:?} ms",
            begun.elapsed().as_secs_f64()
        ),
    );
    Ok(())
}

/// The process that `unshare` forked (proc_pid_task(5)).
fn only_child(pid: u32) -> Result<i32> {
    let children = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"))?;
    children.trim().parse().with_context(|| format!("{children:?} are the children of {pid}"))
}

/// Whether it is the first of its namespace (proc_pid_status(5), NSpid).
fn is_first(pid: i32) -> Result<bool> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("NSpid:"));
    Ok(line.context("a kernel with PID namespaces")?.split_whitespace().last() == Some("1"))
}
