//! What is measured. Each scenario starts its servers, measures them in alternating rounds and ends
//! them.

use std::path::PathBuf;

use anyhow::{Context as _, Result, bail};

use crate::mcp::Call;
use crate::records::Output;
use crate::scale::Scale;
use crate::subject::{Recipe, Subject, hyper};
use crate::wire::Wire;

mod calls;
mod churn;
mod contest;
mod fan_out;
mod growth;
mod h2c;
mod latency;
mod memory;
mod profiles;
mod threads;

/// In the order in which they run.
pub const NAMES: [&str; 9] =
    ["calls", "profiles", "h2c", "latency", "fan-out", "churn", "memory", "growth", "threads"];

/// What all scenarios share.
pub struct Bench {
    pub scale: Scale,
    pub output: Output,
    pub peers: Vec<Recipe>,
    /// A folder for what the baseline is to answer.
    pub scratch: PathBuf,
    /// How many answers are in it.
    pub answers: usize,
}

impl Bench {
    pub async fn run(&mut self, name: &str) -> Result<()> {
        match name {
            "calls" => calls::run(self).await,
            "profiles" => profiles::run(self).await,
            "h2c" => h2c::run(self).await,
            "latency" => latency::run(self).await,
            "fan-out" => fan_out::run(self).await,
            "churn" => churn::run(self).await,
            "memory" => memory::run(self).await,
            "growth" => growth::run(self).await,
            "threads" => threads::run(self).await,
            other => bail!("no such scenario: {other}"),
        }
        .with_context(|| format!("in {name}"))
    }

    /// Starts the baseline, built as the server is, with the answer that this gives to a call.
    async fn baseline(
        &mut self,
        version: &str,
        server: &Subject,
        request: &[u8],
    ) -> Result<Subject> {
        let (head, body) = Wire::connect(server.addr).await?.exchange(request).await?;
        let file = self.scratch.join(format!("answer-{}", self.answers));
        self.answers += 1;
        std::fs::write(&file, body)?;
        Subject::start(&hyper(version, &head.kind, &file)?.beside(&server.program)).await
    }
}

/// Whether a server answers a call as it should.
async fn check(server: &Subject, call: &Call, session: Option<&str>) -> Result<String> {
    let (head, body) = Wire::connect(server.addr).await?.exchange(&call.request(session)).await?;
    let body = String::from_utf8_lossy(&body);
    if !body.contains("\"result\"") || body.contains("\"isError\":true") {
        bail!("it answers {body:.500}");
    }
    Ok(head.kind)
}
