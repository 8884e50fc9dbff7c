//! The service in front of the MCP service: what is under `/control/` is for the driver.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{Either, Full};
use hyper::body::Incoming;
use hyper::service::Service;
use mcp_http::{Changes, McpService, ResponseBody};
use serde_json::{Value, json};

use crate::heap;
use crate::tools::Gates;

/// The MCP service and what steers it.
#[derive(Clone)]
pub struct Controlled {
    service: McpService,
    gates: Arc<Gates>,
    changes: Changes,
}

type Answer = Response<Either<ResponseBody, Full<Bytes>>>;

impl Controlled {
    pub fn new(service: McpService, gates: Arc<Gates>, changes: Changes) -> Self {
        Self { service, gates, changes }
    }

    fn control(&self, what: &str, query: &str) -> Result<Value, (StatusCode, String)> {
        match what {
            "heap" => Ok(heap::figures()),
            "trim" => {
                heap::trim();
                Ok(heap::figures())
            }
            "stats" => Ok(self.stats()),
            // Not by SIGTERM: the listener stays, and what a kept connection is told can be seen.
            "drain" => {
                let ms = parameter(query, "ms").and_then(|ms| ms.parse().ok());
                let ms = ms.ok_or((StatusCode::BAD_REQUEST, "?ms=".to_owned()))?;
                self.service.begin_drain(Duration::from_millis(ms));
                Ok(json!({}))
            }
            "release" => {
                let name = parameter(query, "name");
                let name = name.ok_or((StatusCode::BAD_REQUEST, "?name=".to_owned()))?;
                self.gates.named(name).add_permits(1);
                Ok(json!({}))
            }
            "notify" => {
                let times = parameter(query, "times").and_then(|times| times.parse().ok());
                let times: u64 = times.ok_or((StatusCode::BAD_REQUEST, "?times=".to_owned()))?;
                (0..times).for_each(|_| self.changes.tools_changed());
                Ok(json!({}))
            }
            _ => Err((StatusCode::NOT_FOUND, format!("no /control/{what}"))),
        }
    }

    fn stats(&self) -> Value {
        let stats = self.service.stats();
        let streams = stats.streams.iter().map(|(kind, streams)| {
            let ended = streams.ended.iter().map(|(end, count)| (end.as_str(), count));
            let ended: BTreeMap<_, _> = ended.collect();
            (kind.as_str(), json!({"open": streams.open, "ended": ended}))
        });
        let streams: BTreeMap<_, _> = streams.collect();
        json!({
            "ready": self.service.is_ready(),
            "sessions": stats.sessions,
            "sessions_opened": stats.sessions_opened,
            "sessions_expired": stats.sessions_expired,
            "calls_in_flight": stats.calls,
            "calls_cut_off": stats.calls_cut_off,
            "streams": streams,
            "connections": stats.connections.open,
            "connections_stalled": stats.connections.stalled_writers,
            "refused": stats.refused,
            "replays_hit": stats.replays_hit,
            "replays_over": stats.replays_over,
            "replays_gap": stats.replays_gap,
            "heartbeats_sent": stats.heartbeats_sent,
            "readers_stalled": stats.readers_stalled,
            "bytes_held": stats.bytes_held,
            "bytes_evicted": stats.bytes_evicted,
            "log_bytes": self.service.log_bytes(),
            "discarded_messages": self.service.discarded_messages(),
        })
    }
}

impl Service<Request<Incoming>> for Controlled {
    type Response = Answer;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Answer, Infallible>> + Send>>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        if let Some(what) = request.uri().path().strip_prefix("/control/") {
            let answer = self.control(what, request.uri().query().unwrap_or_default());
            return Box::pin(async { Ok(respond(answer)) });
        }
        let response = self.service.call(request);
        Box::pin(async { Ok(response.await?.map(Either::Left)) })
    }
}

fn respond(answer: Result<Value, (StatusCode, String)>) -> Answer {
    let (status, body) = match answer {
        Ok(value) => (StatusCode::OK, value.to_string()),
        Err(refused) => refused,
    };
    let mut response = Response::new(Either::Right(Full::from(body)));
    *response.status_mut() = status;
    response
}

fn parameter<'a>(query: &'a str, name: &str) -> Option<&'a str> {
    query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))
}
