//! What sessions, open streams and finished streams hold in resident memory.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Result;
use tokio::time::sleep;

use super::contest::Case;
use super::{Bench, check};
use crate::batches::in_batches;
use crate::mcp::{self, Call, Era, Framing};
use crate::measure::resident;
use crate::sessions;
use crate::subject::{HYPER, Limits, OURS, Recipe, Subject, ours};
use crate::wire::Wire;

/// How many sessions a peer has: what one session holds shows with fewer.
const OF_PEERS: usize = 1000;

/// How many finished streams a session of ours retains by default.
const RETAINED: usize = 64;

/// How long a server has to come to rest before it is measured.
const REST: Duration = Duration::from_millis(500);

/// Longer than the period in which the server sweeps what is over.
const SWEEP: Duration = Duration::from_secs(16);

/// What makes resident memory comparable from one time to the next: each byte is touched when it is
/// allocated (glibc hands out buffers in another order each time, of which only parts are used, so
/// that what is resident creeps up to what was once allocated), there is one heap, and what is large
/// is mapped apart from it each time, not only the first (mallopt(3)).
const EVERY_PAGE_TOUCHED: [&str; 3] =
    ["MALLOC_PERTURB_=165", "MALLOC_ARENA_MAX=1", "MALLOC_MMAP_THRESHOLD_=131072"];

pub(super) async fn run(bench: &mut Bench) -> Result<()> {
    let sessions = bench.scale.of(64, 2048, 8192);
    for round in 0..bench.scale.of(1, 1, 3) {
        idle(bench, &ours(Limits::Many)?, sessions, round).await?;
        finished(bench, sessions / RETAINED, round).await?;
    }
    with_stream(bench, sessions).await?;
    opened_and_closed(bench, sessions).await?;
    for peer in bench.peers.clone() {
        let peer = peer.answering(Framing::Adaptive);
        if let Err(error) = of_peer(bench, &peer).await {
            bench.output.failure("memory", &peer.name, &error)?;
        }
    }
    Ok(())
}

/// Sessions whose clients have no connection.
async fn idle(bench: &mut Bench, recipe: &Recipe, sessions: usize, round: usize) -> Result<()> {
    let subject = Subject::start(recipe).await?;
    warm(&subject).await?;
    let before = at_rest(&subject).await?;
    sessions::open(&subject, sessions).await?;
    let after = at_rest(&subject).await?;
    per(bench, "idle session", &subject, round, sessions, after - before)?;
    subject.stop().await
}

/// Streams that answered their call and are kept for clients that were away.
async fn finished(bench: &mut Bench, sessions: usize, round: usize) -> Result<()> {
    let subject = Subject::start(&ours(Limits::Many)?).await?;
    warm(&subject).await?;
    let ids = sessions::open(&subject, sessions).await?;
    let call = Call::small(Era::Legacy, Framing::Sse);
    let mut wire = Wire::connect(subject.addr).await?;
    let before = at_rest(&subject).await?;
    for id in &ids {
        let request = call.request(id.as_deref());
        for _ in 0..RETAINED {
            wire.call(&request).await?;
        }
    }
    let after = at_rest(&subject).await?;
    per(bench, "finished stream", &subject, round, sessions * RETAINED, after - before)?;
    subject.stop().await
}

/// Sessions with a connection for calls and an open stream; and the same connections of the
/// baseline.
async fn with_stream(bench: &mut Bench, sessions: usize) -> Result<()> {
    let subject = Subject::start(&ours(Limits::Many)?).await?;
    let baseline = bench.baseline("http1", &subject, &mcp::initialize()).await?;
    warm(&subject).await?;
    check(&baseline, &Call::small(Era::Legacy, Framing::Adaptive), None).await?;
    for subject in [&baseline, &subject] {
        let before = at_rest(subject).await?;
        let parked = park(subject, sessions).await?;
        let full = at_rest(subject).await?;
        per(bench, "session with a stream", subject, 0, sessions, full - before)?;
        leave(parked).await?;
    }
    baseline.stop().await?;
    subject.stop().await
}

/// All of them opened and ended, several times.
async fn opened_and_closed(bench: &mut Bench, sessions: usize) -> Result<()> {
    let recipe = ours(Limits::Many)?;
    let command = ["env"].iter().chain(&EVERY_PAGE_TOUCHED).map(|word| (*word).to_owned());
    let command = command.chain(recipe.command).collect();
    let subject = Subject::start(&Recipe { name: recipe.name, command }).await?;
    let empty = at_rest(&subject).await?;
    for round in 0..2 {
        let parked = park(&subject, sessions).await?;
        let open = at_rest(&subject).await?;
        leave(parked).await?;
        sleep(bench.scale.of(REST, SWEEP, SWEEP)).await;
        let closed = at_rest(&subject).await?;
        let case = Case::new("memory", [("of", "all".to_owned())]);
        let figures = [
            ("empty_kib", empty),
            ("open_kib", open),
            ("closed_kib", closed),
            ("sessions", sessions as f64),
        ];
        bench.output.record(case.record(&subject.name, round, figures))?;
    }
    subject.stop().await
}

async fn of_peer(bench: &mut Bench, peer: &Recipe) -> Result<()> {
    let sessions = bench.scale.of(64, OF_PEERS, OF_PEERS);
    idle(bench, peer, sessions, 0).await?;
    let subject = Subject::start(peer).await?;
    warm(&subject).await?;
    let before = at_rest(&subject).await?;
    let parked = park(&subject, sessions).await?;
    let full = at_rest(&subject).await?;
    per(bench, "session with a stream", &subject, 0, sessions, full - before)?;
    leave(parked).await?;
    subject.stop().await
}

/// A client of a session, as clients are: one connection for its calls and one for its stream.
struct Parked {
    session: Option<String>,
    calls: Wire,
    stream: Wire,
}

async fn park(subject: &Subject, sessions: usize) -> Result<Vec<Parked>> {
    let addr = subject.addr;
    in_batches(sessions, |_| park_one(addr)).await
}

async fn park_one(addr: SocketAddr) -> Result<Parked> {
    let mut calls = Wire::connect(addr).await?;
    let session = sessions::open_one(&mut calls).await?;
    calls.shrink();
    let mut stream = Wire::connect(addr).await?;
    stream.open(&mcp::get(session.as_deref())).await?;
    stream.shrink();
    Ok(Parked { session, calls, stream })
}

async fn leave(parked: Vec<Parked>) -> Result<()> {
    let mut parked: Vec<_> = parked.into_iter().map(Some).collect();
    let ended = in_batches(parked.len(), |number| {
        let one = parked[number].take();
        async move {
            let Some(Parked { session, mut calls, stream }) = one else { return Ok(()) };
            calls.exchange(&mcp::delete(session.as_deref())).await?;
            drop(stream);
            Ok(())
        }
    });
    ended.await.map(drop)
}

/// Whatever a server allocates with its first requests is no session's.
async fn warm(subject: &Subject) -> Result<()> {
    for session in sessions::open(subject, 100).await? {
        let mut wire = Wire::connect(subject.addr).await?;
        wire.exchange(&mcp::delete(session.as_deref())).await?;
    }
    Ok(())
}

async fn at_rest(subject: &Subject) -> Result<f64> {
    sleep(REST).await;
    Ok(resident(subject.pid())? as f64)
}

fn per(
    bench: &mut Bench,
    what: &str,
    subject: &Subject,
    round: usize,
    count: usize,
    kib: f64,
) -> Result<()> {
    let name = subject.name.as_str();
    // The baseline has neither sessions nor anything that it keeps.
    debug_assert!(name != HYPER || what == "session with a stream");
    debug_assert!(name == OURS || what != "finished stream");
    let case = Case::new("memory", [("of", what.to_owned())]);
    let figures = [("bytes", kib * 1024.0 / count as f64), ("count", count as f64)];
    bench.output.record(case.record(name, round, figures))
}
