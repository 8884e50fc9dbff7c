//! Small calls once more, by servers as cargo builds them for release when nothing else is said.

use anyhow::Result;

use super::Bench;
use super::calls::CONNECTIONS;
use super::contest::{Case, contenders, rounds, stop};
use crate::mcp::{Call, Era, Framing};
use crate::subject::{Limits, beside_this, ours};

pub(super) async fn run(bench: &mut Bench) -> Result<()> {
    for era in Era::BOTH {
        for framing in [Framing::Adaptive, Framing::Sse] {
            let (name, framing_name) = (era.as_str().to_owned(), framing.as_str().to_owned());
            let case = Case::new("profiles", [("era", name), ("framing", framing_name)]);
            let ours = ours(Limits::Default)?.beside(&beside_this("ours")?);
            let call = Call::small(era, framing);
            let contenders = contenders(bench, &case, &ours, &call, CONNECTIONS, &[]).await?;
            let window = bench.scale.window();
            rounds(bench, &case, &contenders, window, bench.scale.rounds()).await?;
            stop(contenders).await?;
        }
    }
    Ok(())
}
