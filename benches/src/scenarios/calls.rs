//! `tools/call` over HTTP/1.1: both eras, both framings, small and large, over few and many
//! connections.

use anyhow::Result;

use super::Bench;
use super::contest::{Case, contenders, rounds, stop};
use crate::mcp::{Call, Era, Framing};
use crate::subject::{Limits, Recipe, ours};

/// How many connections there are where nothing else is said.
pub const CONNECTIONS: usize = 50;

/// What is large.
const LARGE: usize = 64 * 1024;

pub(super) async fn run(bench: &mut Bench) -> Result<()> {
    let peers = bench.peers.clone();
    for era in Era::BOTH {
        for framing in [Framing::Adaptive, Framing::Sse] {
            let call = Call::small(era, framing);
            compare(bench, &call, "small", CONNECTIONS, &peers).await?;
        }
        let many = bench.scale.of(100, 1000, 1000);
        for connections in [1, many] {
            let call = Call::small(era, Framing::Adaptive);
            compare(bench, &call, "small", connections, &[]).await?;
        }
        for framing in [Framing::Adaptive, Framing::Sse] {
            let call = Call::with_arguments(era, framing, LARGE);
            compare(bench, &call, "arguments of 64 KiB", CONNECTIONS, &[]).await?;
            let call = Call::with_result(era, framing, LARGE);
            compare(bench, &call, "result of 64 KiB", CONNECTIONS, &[]).await?;
        }
    }
    Ok(())
}

async fn compare(
    bench: &mut Bench,
    call: &Call,
    size: &str,
    connections: usize,
    peers: &[Recipe],
) -> Result<()> {
    let case = Case::new(
        "calls",
        [
            ("era", call.era.as_str().to_owned()),
            ("framing", call.framing.as_str().to_owned()),
            ("size", size.to_owned()),
            ("connections", connections.to_string()),
        ],
    );
    let ours = ours(Limits::Default)?;
    let contenders = contenders(bench, &case, &ours, call, connections, peers).await?;
    let window = bench.scale.window();
    let times = if size == "small" && connections == CONNECTIONS { 3 } else { 1 };
    rounds(bench, &case, &contenders, window, times * bench.scale.rounds()).await?;
    stop(contenders).await
}
