//! The service in process, without sockets, driven by one thread or two: each is pinned to a core
//! and has a runtime and a session of its own.
//!
//! `threads legacy|modern COUNT SECONDS [apart]`; it prints a line of JSON. Apart each has a service
//! of its own as well and shares nothing: what is missing then, the machine does not give.

use std::sync::Barrier;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Body;
use hyper::service::Service;
use mcp_http::{Arguments, Context, McpService, Server, Tool, ToolError};
use mcp_http_bench::mcp::{Call, Era, Framing};
use nix::sched::{CpuSet, sched_setaffinity};
use nix::unistd::Pid;

/// How many calls there are between two looks at the clock.
const BATCH: u64 = 64;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (era, threads, seconds, apart) = match &arguments[..] {
        [era, threads, seconds] => (era, threads, seconds, false),
        [era, threads, seconds, apart] if apart == "apart" => (era, threads, seconds, true),
        _ => bail!("threads ERA COUNT SECONDS [apart]"),
    };
    let era = Era::BOTH.into_iter().find(|it| it.as_str() == era).context("no such era")?;
    let (threads, time) = (threads.parse()?, Duration::from_secs_f64(seconds.parse()?));
    let first = service()?;
    let services = (0..threads).map(|_| if apart { service() } else { Ok(first.clone()) });
    let services = services.collect::<Result<Vec<_>>>()?;
    let together = Barrier::new(threads);
    let rates = std::thread::scope(|scope| {
        let drivers: Vec<_> = services
            .into_iter()
            .enumerate()
            .map(|(core, service)| {
                let together = &together;
                scope.spawn(move || drive(service, era, core, time, together))
            })
            .collect();
        let rates = drivers.into_iter().map(|driver| driver.join().expect("it does not panic"));
        rates.collect::<Result<Vec<f64>>>()
    })?;
    let calls_per_s: f64 = rates.iter().sum();
    let ns_per_call = threads as f64 * 1e9 / calls_per_s;
    println!(
        "{}",
        serde_json::json!({"threads": threads, "calls_per_s": calls_per_s, "ns_per_call": ns_per_call})
    );
    Ok(())
}

fn service() -> Result<McpService> {
    let server = Server::builder("bench", "1.0.0")
        .tool(Tool::new("test_simple_text"), async |_: Arguments, _: Context| {
            Ok::<_, ToolError>("This is a simple text response for testing.".to_owned())
        })
        .build()?;
    Ok(McpService::builder(server).build()?)
}

/// How many calls a second one thread makes.
fn drive(
    service: McpService,
    era: Era,
    core: usize,
    time: Duration,
    together: &Barrier,
) -> Result<f64> {
    let mut cores = CpuSet::new();
    cores.set(core)?;
    sched_setaffinity(Pid::from_raw(0), &cores)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let call = Call::small(era, Framing::Adaptive);
        let session = match era {
            Era::Legacy => Some(session(&service).await?),
            Era::Modern => None,
        };
        let body = Bytes::from(call.body());
        let mut request = Request::post("http://localhost/mcp").header("host", "localhost");
        for (name, value) in call.fields(session.as_deref()) {
            request = request.header(name, value);
        }
        let request = request.body(Full::new(body))?;
        together.wait();
        run(&service, &request, time / 10).await?;
        together.wait();
        run(&service, &request, time).await
    })
}

async fn run(service: &McpService, request: &Request<Full<Bytes>>, time: Duration) -> Result<f64> {
    let (began, mut calls) = (Instant::now(), 0);
    while began.elapsed() < time {
        for _ in 0..BATCH {
            let response = whole(service.call(request.clone()).await).await?;
            ensure!(response.status().is_success(), "{response:?}");
        }
        calls += BATCH;
    }
    Ok(calls as f64 / began.elapsed().as_secs_f64())
}

async fn session(service: &McpService) -> Result<String> {
    let body = r#"{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"bench","version":"1"}}}"#;
    let request = Request::post("http://localhost/mcp")
        .header("host", "localhost")
        .header("content-type", "application/json")
        .header("accept", "application/json, text/event-stream")
        .body(Full::new(Bytes::from_static(body.as_bytes())))?;
    let response = whole(service.call(request).await).await?;
    let id = response.headers().get("mcp-session-id").context("no session")?;
    Ok(id.to_str()?.to_owned())
}

/// A response whose body has been read.
async fn whole<B, E>(response: Result<Response<B>, E>) -> Result<Response<Bytes>>
where
    B: Body,
    B::Error: std::error::Error + Send + Sync + 'static,
    E: std::error::Error + Send + Sync + 'static,
{
    let (parts, body) = response?.into_parts();
    Ok(Response::from_parts(parts, body.collect().await?.to_bytes()))
}
