//! The service in front of the MCP service: what is under `/control/` is for the driver.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{Either, Full};
use hyper::body::Incoming;
use hyper::service::Service;
use mcp_http::{McpService, ResponseBody};
use serde_json::{Value, json};

use crate::heap;
use crate::tools::Gates;

/// The MCP service and what steers it.
#[derive(Clone)]
pub struct Controlled {
    service: McpService,
    gates: Arc<Gates>,
}

type Answer = Response<Either<ResponseBody, Full<Bytes>>>;

impl Controlled {
    pub fn new(service: McpService, gates: Arc<Gates>) -> Self {
        Self { service, gates }
    }

    fn control(&self, what: &str, query: &str) -> Result<Value, (StatusCode, String)> {
        match what {
            "heap" => Ok(heap::figures()),
            "stats" => Ok(self.stats()),
            "release" => {
                let name = parameter(query, "name");
                let name = name.ok_or((StatusCode::BAD_REQUEST, "?name=".to_owned()))?;
                self.gates.named(name).add_permits(1);
                Ok(json!({}))
            }
            // The place of announcements to all sessions: `tools_changed`, `times` times.
            "notify" => {
                let todo = "todo: the crate cannot announce changes yet";
                Err((StatusCode::NOT_IMPLEMENTED, todo.to_owned()))
            }
            _ => Err((StatusCode::NOT_FOUND, format!("no /control/{what}"))),
        }
    }

    fn stats(&self) -> Value {
        json!({
            "sessions": self.service.sessions(),
            "calls_in_flight": self.service.calls_in_flight(),
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
