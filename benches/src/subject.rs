//! A server that is measured: a process of its own, pinned to the first core.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::OnceLock;
use std::time::Duration;

use anyhow::{Context as _, Result};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::time::timeout;

use crate::mcp::Framing;

/// How long a server may take until it listens: interpreters load their packages.
const START: Duration = Duration::from_secs(30);

/// How long it may take to end by itself.
const END: Duration = Duration::from_secs(2);

/// The name of the crate's own server in the records.
pub const OURS: &str = "ours";

/// The name of the baseline in the records.
pub const HYPER: &str = "hyper";

/// The word of a command that stands for the address to listen on.
pub const ADDRESS: &str = "ADDRESS";

/// The word that stands for how calls are to be answered: `json` or `sse`.
const FRAMING: &str = "FRAMING";

/// How a server is started. It prints the address that it listens on and serves until its standard
/// input ends.
#[derive(Clone, Debug)]
pub struct Recipe {
    pub name: String,
    /// The program and its arguments, one of which is [`ADDRESS`].
    pub command: Vec<String>,
}

impl Recipe {
    /// The program of the same name beside another one.
    pub fn beside(mut self, program: &Path) -> Self {
        let name = Path::new(&self.command[0]).file_name().unwrap_or_default();
        self.command[0] = program.with_file_name(name).display().to_string();
        self
    }

    /// The same server, told how to answer calls.
    pub fn answering(&self, framing: Framing) -> Self {
        let word = |word: &String| match word.as_str() {
            FRAMING => framing.as_str().to_owned(),
            _ => word.clone(),
        };
        Self { name: self.name.clone(), command: self.command.iter().map(word).collect() }
    }
}

/// Whether [`ours`] keeps its limits on what one address may open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limits {
    Default,
    Many,
}

/// The crate's own server.
pub fn ours(limits: Limits) -> Result<Recipe> {
    let mut command = vec![program("ours")?.display().to_string(), ADDRESS.to_owned()];
    match limits {
        Limits::Default => {}
        Limits::Many => command.push("--many".to_owned()),
    }
    Ok(Recipe { name: OURS.to_owned(), command })
}

/// The baseline. `version` is `http1` or `http2`; the answer stands in a file.
pub fn hyper(version: &str, kind: &str, answer: &Path) -> Result<Recipe> {
    let program = program("hyper_alone")?.display().to_string();
    let answer = answer.display().to_string();
    let command = [program.as_str(), ADDRESS, version, kind, &answer].map(str::to_owned).to_vec();
    Ok(Recipe { name: HYPER.to_owned(), command })
}

/// Where the programs lie that are measured, if not beside this one.
static PROGRAMS: OnceLock<PathBuf> = OnceLock::new();

/// Has the programs of another folder measured, which were built in another way. Once, at first.
pub fn measure_those_in(folder: PathBuf) {
    PROGRAMS.set(folder).expect("it is said once");
}

/// A program of this package that is measured.
pub fn program(name: &str) -> Result<PathBuf> {
    match PROGRAMS.get() {
        Some(folder) => Ok(folder.join(name)),
        None => beside_this(name),
    }
}

/// A program that was built as this one was.
pub fn beside_this(name: &str) -> Result<PathBuf> {
    Ok(std::env::current_exe()?.with_file_name(name))
}

/// A server that runs. It is killed when this is dropped.
#[derive(Debug)]
pub struct Subject {
    pub name: String,
    pub addr: SocketAddr,
    pub program: PathBuf,
    child: Child,
    stdin: Option<ChildStdin>,
    /// Held, so that what the server says later does not kill it.
    _stdout: BufReader<ChildStdout>,
}

impl Subject {
    pub async fn start(recipe: &Recipe) -> Result<Self> {
        Self::start_recipe(recipe).await.with_context(|| format!("starting {recipe:?}"))
    }

    async fn start_recipe(recipe: &Recipe) -> Result<Self> {
        let mut child = Command::new("taskset")
            .args(["--cpu-list", "0"])
            .args(recipe.command.iter().map(|word| match word.as_str() {
                ADDRESS => "127.0.0.1:0",
                word => word,
            }))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let stdin = child.stdin.take();
        let mut stdout = BufReader::new(child.stdout.take().context("its output is piped")?);
        let mut line = String::new();
        timeout(START, stdout.read_line(&mut line)).await.context("it says no address")??;
        let addr = line.trim().parse().with_context(|| format!("it said {line:?}"))?;
        let (name, program) = (recipe.name.clone(), recipe.command[0].clone().into());
        Ok(Self { name, addr, program, child, stdin, _stdout: stdout })
    }

    /// Its process id; `taskset` became the server.
    pub fn pid(&self) -> i32 {
        let id = self.child.id().expect("it is waited for only by `stop`, which takes it");
        i32::try_from(id).expect("process ids are positive")
    }

    /// Ends the server, by force if it does not end by itself.
    pub async fn stop(mut self) -> Result<()> {
        drop(self.stdin.take());
        if timeout(END, self.child.wait()).await.is_err() {
            self.child.kill().await?;
        }
        Ok(())
    }
}
