//! The server under test as a child process: started with its knobs, asked for its figures,
//! signalled, and ended by its id.

use std::fs::File;
use std::io::{Read, Seek};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};
use serde::Deserialize;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};
use tokio::time::timeout;

use crate::client::Target;
use crate::wire::Wire;

const START: Duration = Duration::from_secs(20);

/// A server that runs. It is killed when this is dropped.
#[derive(Debug)]
pub struct Subject {
    child: Child,
    addr: SocketAddr,
    stdout: Lines<BufReader<ChildStdout>>,
    stderr: File,
}

/// What a server holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub struct Heap {
    /// Bytes that are allocated at this moment.
    pub live: u64,
    /// Allocations that are live at this moment.
    pub blocks: u64,
    /// Resident memory in bytes.
    pub resident: u64,
}

impl Subject {
    /// Starts a server with these knobs: `&["--heartbeat", "1"]`. See `subject --help`.
    pub async fn start(knobs: &[&str]) -> Result<Self> {
        let path = Self::path()?;
        Self::start_with(Command::new(&path).args(knobs))
            .await
            .with_context(|| format!("starting {} {}", path.display(), knobs.join(" ")))
    }

    /// The server's binary.
    pub fn path() -> Result<PathBuf> {
        // Both are binaries of one package.
        Ok(std::env::current_exe()?.with_file_name("subject"))
    }

    /// Starts a server by a command that ends in running it, in a network namespace, say.
    pub async fn start_with(command: &mut Command) -> Result<Self> {
        let stderr = unlinked_file()?;
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(stderr.try_clone()?)
            .kill_on_drop(true)
            .spawn()?;
        let stdout = child.stdout.take().context("its output is piped")?;
        let mut stdout = BufReader::new(stdout).lines();
        let line = timeout(START, stdout.next_line()).await.context("waiting for its line")??;
        let addr = line.as_deref().and_then(|line| {
            line.strip_prefix("listening on http://")?.strip_suffix("/mcp")?.parse().ok()
        });
        let mut subject = Self { child, addr: ([127, 0, 0, 1], 0).into(), stdout, stderr };
        let Some(addr) = addr else { bail!("it said {line:?} and {}", subject.stderr()?) };
        subject.addr = addr;
        Ok(subject)
    }

    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Where it is reached directly.
    pub fn target(&self) -> Target {
        Target::new(self.addr)
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id().expect("it is waited for only by `stop`, which takes it")
    }

    /// Its live heap and resident memory.
    pub async fn heap(&self) -> Result<Heap> {
        Ok(serde_json::from_value(self.control("heap").await?)?)
    }

    /// The same after the allocator gave back what it kept for later.
    pub async fn trimmed_heap(&self) -> Result<Heap> {
        Ok(serde_json::from_value(self.control("trim").await?)?)
    }

    /// What the service tells of itself.
    pub async fn stats(&self) -> Result<Value> {
        self.control("stats").await
    }

    /// Lets the tool `gate` of this name go on, once.
    pub async fn release(&self, name: &str) -> Result<()> {
        self.control(&format!("release?name={name}")).await.map(drop)
    }

    /// Announces to all sessions that the tools have changed, so many times.
    pub async fn notify(&self, times: u64) -> Result<()> {
        self.control(&format!("notify?times={times}")).await.map(drop)
    }

    /// A request of `/control/`, on a connection of its own.
    pub async fn control(&self, what: &str) -> Result<Value> {
        let request = format!(
            "GET /control/{what} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n",
            self.addr
        );
        let mut wire = Wire::connect(self.addr).await?;
        let head = wire.send(request.as_bytes()).await?;
        let body = wire.rest().await?;
        let text = String::from_utf8_lossy(&body);
        ensure!(head.status == 200, "/control/{what}: {} {text}", head.status);
        serde_json::from_slice(&body).with_context(|| format!("/control/{what}: {text}"))
    }

    /// Its figures once they have come to rest: several in a row that hardly differ.
    pub async fn settled_heap(&self) -> Result<Heap> {
        const IN_A_ROW: usize = 5;
        const LIMIT: Duration = Duration::from_secs(20);
        let begun = std::time::Instant::now();
        let (mut last, mut alike) = (self.heap().await?, 0);
        while alike < IN_A_ROW && begun.elapsed() < LIMIT {
            tokio::time::sleep(Duration::from_millis(100)).await;
            let heap = self.heap().await?;
            let rests = heap.live.abs_diff(last.live) <= last.live / 500;
            alike = if rests { alike + 1 } else { 0 };
            last = heap;
        }
        Ok(last)
    }

    /// Waits until `heap` has come down to at most this many live bytes, or a time is over; gives
    /// the last figures either way.
    pub async fn heap_at_most(&self, live: u64, limit: Duration) -> Result<Heap> {
        let begun = std::time::Instant::now();
        loop {
            let heap = self.heap().await?;
            if heap.live <= live || begun.elapsed() >= limit {
                return Ok(heap);
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Waits until a figure of [`stats`](Self::stats) is what it should be.
    pub async fn wait_stat(&self, name: &str, value: u64, limit: Duration) -> Result<()> {
        let begun = std::time::Instant::now();
        loop {
            let stats = self.stats().await?;
            if stats[name].as_u64() == Some(value) {
                return Ok(());
            }
            ensure!(begun.elapsed() < limit, "{name} is not {value} after {limit:?}: {stats}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Sends a signal to it.
    pub fn signal(&self, signal: Signal) -> Result<()> {
        let pid = i32::try_from(self.pid()).ok().and_then(Pid::from_raw);
        Ok(kill_process(pid.context("a process id")?, signal)?)
    }

    /// Waits until it ends.
    pub async fn ended(&mut self, limit: Duration) -> Result<ExitStatus> {
        Ok(timeout(limit, self.child.wait()).await.context("waiting for its end")??)
    }

    /// Ends it by SIGTERM: it must exit with 0 within a time, and must not have panicked. Gives the
    /// number of connections that were open at its deadline.
    pub async fn stop(self, limit: Duration) -> Result<u64> {
        self.signal(Signal::TERM)?;
        self.finish(limit).await
    }

    /// The same of one that was signalled already.
    pub async fn finish(mut self, limit: Duration) -> Result<u64> {
        let status = self.ended(limit).await?;
        let stderr = self.stderr()?;
        ensure!(status.success(), "it ended with {status}: {stderr}");
        ensure!(!stderr.contains("panicked"), "it panicked: {stderr}");
        let line = self.stdout.next_line().await?;
        let aborted = line.as_deref().and_then(|line| line.strip_prefix("aborted ")?.parse().ok());
        aborted.with_context(|| format!("it said {line:?} at its end"))
    }

    /// That it runs and has not panicked.
    pub fn expect_health(&mut self) -> Result<()> {
        let stderr = self.stderr()?;
        ensure!(!stderr.contains("panicked"), "it panicked: {stderr}");
        ensure!(self.child.try_wait()?.is_none(), "it has died: {stderr}");
        Ok(())
    }

    /// What it has said on its standard error so far.
    pub fn stderr(&mut self) -> Result<String> {
        let mut said = Vec::new();
        self.stderr.rewind()?;
        self.stderr.read_to_end(&mut said)?;
        Ok(String::from_utf8_lossy(&said).into_owned())
    }
}

/// A file that goes with its last handle.
fn unlinked_file() -> Result<File> {
    use std::sync::atomic::{AtomicU32, Ordering};

    static COUNT: AtomicU32 = AtomicU32::new(0);
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    let name = format!("mcp-http-load-{}-{number}", std::process::id());
    let path = std::env::temp_dir().join(name);
    // The child appends, so that reading here does not move where it writes.
    let file = File::options().read(true).append(true).create_new(true).open(&path)?;
    std::fs::remove_file(&path)?;
    Ok(file)
}
