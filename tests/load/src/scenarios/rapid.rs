//! Many sessions that call as fast as they can, each with its stream held: every call is answered,
//! and connections are kept.

use std::sync::Arc;

use anyhow::{Context as _, Result, ensure};
use serde_json::json;
use tokio::sync::Barrier;
use tokio::task::JoinSet;

use crate::client::{Revision, Session, Target};
use crate::report::Run;
use crate::subject::Subject;

const SESSIONS: usize = 100;
const CALLS: usize = 50;

pub(super) async fn run(run: &mut Run) -> Result<()> {
    let subject = Subject::start(&[]).await?;
    let mut clients = JoinSet::new();
    let together = Arc::new(Barrier::new(SESSIONS));
    for number in 0..SESSIONS {
        let revision = Revision::LEGACY[number % Revision::LEGACY.len()];
        clients.spawn(client(subject.target(), revision, number, Arc::clone(&together)));
    }
    let (mut answered, mut connections, mut errors) = (0, 0, Vec::new());
    while let Some(done) = clients.join_next().await {
        let done = done?;
        answered += done.answered;
        connections += done.connections;
        errors.extend(done.error);
    }
    let figures = format!(
        "{answered} of {} calls over {connections} connections in {:.1} s{}",
        SESSIONS * CALLS,
        run.elapsed().as_secs_f64(),
        errors
            .first()
            .map(|error| format!("; {} failed: {error:#}", errors.len()))
            .unwrap_or_default(),
    );
    run.check(
        "every call is answered",
        answered == SESSIONS * CALLS && errors.is_empty(),
        &figures,
    );
    // One for the stream, one for all the calls.
    run.check("connections are kept", connections == 2 * SESSIONS, &figures);
    let aborted = subject.stop(std::time::Duration::from_secs(20)).await?;
    run.check("nothing is left", aborted == 0, format!("{aborted} connections aborted"));
    Ok(())
}

#[derive(Default)]
struct Done {
    answered: usize,
    connections: usize,
    error: Option<anyhow::Error>,
}

async fn client(target: Target, revision: Revision, number: usize, together: Arc<Barrier>) -> Done {
    let mut done = Done::default();
    done.error = session(&target, revision, number, &together, &mut done).await.err();
    done
}

async fn session(
    target: &Target,
    revision: Revision,
    number: usize,
    together: &Barrier,
    done: &mut Done,
) -> Result<()> {
    let mut wire = target.connect().await?;
    done.connections += 1;
    let session = Session::open(target, &mut wire, revision).await?;
    let mut stream = target.connect().await?;
    done.connections += 1;
    session.listen(&mut stream).await?;
    // A client that failed before this would keep all others waiting: the scenario's limit ends it.
    together.wait().await;
    for call in 0..CALLS {
        if wire.expect_silence().is_err() {
            wire = target.connect().await?;
            done.connections += 1;
        }
        let text = format!("{number}/{call}");
        let answer = session.call(&mut wire, 1, "echo", json!({"text": text})).await;
        let answer = answer.with_context(|| format!("call {text}"))?;
        ensure!(answer.text()? == text, "{text} was answered with {answer:?}");
        done.answered += 1;
    }
    session.end(&mut wire).await?;
    while let Some(event) = stream.event().await? {
        ensure!(event.message()?.is_none(), "the stream said {event:?}");
    }
    stream.close().await?;
    wire.close().await?;
    Ok(())
}
