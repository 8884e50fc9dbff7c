//! Opening many sessions before something is measured.

use anyhow::{Context as _, Result};

use crate::mcp;
use crate::subject::Subject;
use crate::wire::Wire;

/// Opens so many sessions over one connection. A server may have none: then there is no id.
pub async fn open(subject: &Subject, count: usize) -> Result<Vec<Option<String>>> {
    let mut wire = Wire::connect(subject.addr).await?;
    let mut sessions = Vec::with_capacity(count);
    for _ in 0..count {
        sessions.push(open_one(&mut wire).await.context("opening a session")?);
    }
    Ok(sessions)
}

/// Opens a session on a connection that goes on to be used.
pub async fn open_one(wire: &mut Wire) -> Result<Option<String>> {
    let (head, _) = wire.exchange(&mcp::initialize()).await?;
    wire.exchange(&mcp::initialized(head.session.as_deref())).await?;
    Ok(head.session)
}
