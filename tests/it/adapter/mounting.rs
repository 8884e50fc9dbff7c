//! The places in which the service can stand: no socket at all, a hyper server of the user's own,
//! axum.

use std::convert::Infallible;
use std::time::Duration;

use bytes::Bytes;
use futures::stream;
use http::{Request, StatusCode};
use http_body::Frame;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::service::Service;
use hyper_util::rt::{TokioIo, TokioTimer};
use mcp_http::{Arguments, Context, McpService, Principal, Server, Tool, ToolError, WriteDeadline};
use serde_json::{Value, json};

use crate::support::h2::parsed;
use crate::support::messages::{initialize, modern, modern_call, post, stream_head};
use crate::support::server::{Probe, TestServer, tools};
use crate::support::wire::Wire;

fn service(probe: &Probe) -> McpService {
    let server = tools(Server::builder("mounted", "1"), probe).build().expect("a server");
    McpService::builder(server).build().expect("a service")
}

async fn json_body(body: mcp_http::ResponseBody) -> Value {
    let bytes = body.collect().await.expect("infallible").to_bytes();
    serde_json::from_slice(&bytes).expect("JSON")
}

#[test]
fn the_service_is_cloned_shared_and_sent() {
    fn wants<T: Clone + Send + Sync + 'static>(_: &T) {}
    fn body<T: http_body::Body<Data = Bytes> + Send + 'static>() {}
    // No runtime is there, and none is needed to build.
    wants(&service(&Probe::default()));
    body::<mcp_http::ResponseBody>();
}

/// All clones are one: a session that one opened is known to another.
#[tokio::test]
async fn clones_share_their_sessions() {
    let one = service(&Probe::default());
    let other = one.clone();
    let opened = one.call(parsed(&post(&[], &initialize("2025-11-25")))).await.expect("infallible");
    assert_eq!((opened.status(), other.sessions()), (StatusCode::OK, 1));
    let id = opened.headers()["mcp-session-id"].to_str().expect("ASCII").to_owned();
    let ping = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;
    let pinged = other.call(parsed(&post(&[("Mcp-Session-Id", &id)], ping))).await;
    assert_eq!(pinged.expect("infallible").status(), 200);
}

/// Any `http_body::Body` will do, and no socket is needed.
#[tokio::test]
async fn a_request_needs_no_socket_and_no_body_of_hypers() {
    let service = service(&Probe::default());
    let text = modern_call(1, "echo", json!({"x": 1}));
    let response = service.call(parsed(&text)).await.expect("infallible");
    assert_eq!(response.headers()["content-type"], "application/json");
    assert_eq!(json_body(response.into_body()).await["result"]["content"][0]["text"], r#"{"x":1}"#);

    let (parts, body) = parsed(&text).into_parts();
    let bytes = body.collect().await.expect("infallible").to_bytes();
    let pieces: Vec<_> = bytes
        .chunks(7)
        .map(|piece| Ok::<_, Infallible>(Frame::data(Bytes::copy_from_slice(piece))))
        .collect();
    let request = Request::from_parts(parts, StreamBody::new(stream::iter(pieces)));
    assert_eq!(service.call(request).await.expect("infallible").status(), 200);
}

/// A body that is dropped is a client that has left, whoever drops it.
#[tokio::test]
async fn a_response_that_is_dropped_cancels_without_a_socket_too() {
    let probe = Probe::default();
    let service = service(&probe);
    let meta = json!({"progressToken": 1});
    let params = json!({"name": "wait", "arguments": {"progress": 1}, "_meta": meta});
    let text = modern(1, "tools/call", params, &[]);
    let response = service.call(parsed(&text)).await.expect("infallible");
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    drop(response);
    probe.dropped(1).await;

    let before = tokio::spawn(service.call(parsed(&modern_call(2, "wait", json!({})))));
    probe.started(2).await;
    before.abort();
    probe.dropped(2).await;
    assert_eq!(probe.finished_now(), 0);
}

/// What a layer in front leaves in the extensions reaches the handler; a `Principal` among them is
/// the caller, as long as there is no `admit`.
#[tokio::test]
async fn extensions_of_the_request_reach_the_handler() {
    #[derive(Clone)]
    struct TraceId(u64);
    let tool = Tool::new("seen").with_description("Tells what it sees");
    let server = Server::builder("s", "1")
        .tool(tool, |_: Arguments, cx: Context| async move {
            let trace = cx.extensions().get::<TraceId>().map(|id| id.0);
            Ok::<_, ToolError>(json!([trace, cx.principal().name()]).to_string())
        })
        .build()
        .expect("a server");
    let service = McpService::builder(server).build().expect("a service");
    let mut request = parsed(&modern_call(1, "seen", json!({})));
    request.extensions_mut().insert(TraceId(42));
    request.extensions_mut().insert(Principal::named("alice"));
    let response = service.call(request).await.expect("infallible");
    let body = json_body(response.into_body()).await;
    assert_eq!(body["result"]["content"][0]["text"], r#"[42,"alice"]"#);
}

/// `serve` on port 0 says which it was given.
#[tokio::test]
async fn a_server_on_port_zero_tells_its_address() {
    let (one, other) = (TestServer::start().await, TestServer::start().await);
    assert!(one.addr.ip().is_loopback() && one.addr.port() != 0);
    assert_ne!(one.addr, other.addr);
    let answer = one.connect().await.send(&modern_call(1, "echo", json!({}))).await;
    assert_eq!(answer.status(), 200);
}

/// What every mounting is held to, over a socket: an answer, a stream, and a disconnect.
async fn assert_serves_at(addr: std::net::SocketAddr, probe: &Probe, path: &str) {
    let at = |text: String| text.replace("POST /mcp ", &format!("POST {path} "));
    let answer = Wire::connect(addr).await.send(&at(modern_call(1, "echo", json!({})))).await;
    assert_eq!((answer.status(), answer.json()["id"].clone()), (200, json!(1)), "{path}");
    let meta = json!({"progressToken": 1});
    let params = json!({"name": "progress", "arguments": {"count": 2}, "_meta": meta});
    let answer = Wire::connect(addr).await.send(&at(modern(2, "tools/call", params, &[]))).await;
    assert_eq!(answer.messages().len(), 3, "{path}");
    let left = probe.dropped_now();
    let meta = json!({"progressToken": 1});
    let params = json!({"name": "wait", "arguments": {"progress": 1}, "_meta": meta});
    let mut wire = Wire::connect(addr).await;
    wire.write(at(modern(3, "tools/call", params, &[])).as_bytes()).await;
    stream_head(&mut wire).await;
    wire.reset();
    probe.dropped(left + 1).await;
    assert_eq!(probe.finished_now(), 0);
}

#[tokio::test]
async fn a_hyper_server_of_ones_own_mounts_the_service() {
    let probe = Probe::default();
    let service = service(&probe);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let addr = listener.local_addr().expect("an address");
    let accepting = tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let io = WriteDeadline::new(TokioIo::new(stream), Duration::from_secs(30));
            let connection = hyper::server::conn::http1::Builder::new()
                .timer(TokioTimer::new())
                .half_close(false)
                .serve_connection(io, service.clone());
            tokio::spawn(connection);
        }
    });
    assert_serves_at(addr, &probe, "/mcp").await;
    accepting.abort();
}

/// The service of one connection may be behind a function of the user's own, which routes.
#[tokio::test]
async fn a_router_of_ones_own_passes_what_is_the_endpoints() {
    let probe = Probe::default();
    let service = service(&probe);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let addr = listener.local_addr().expect("an address");
    let accepting = tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let service = service.clone();
            let route =
                hyper::service::service_fn(move |request: Request<hyper::body::Incoming>| {
                    let service = service.clone();
                    async move {
                        if request.uri().path() == "/health" {
                            let ok = http::Response::new(
                                Full::from("ok").map_err(|never| match never {}).boxed(),
                            );
                            return Ok::<_, Infallible>(ok);
                        }
                        let response = service.call(request).await?;
                        Ok(response.map(|body| body.boxed()))
                    }
                });
            let connection = hyper::server::conn::http1::Builder::new()
                .timer(TokioTimer::new())
                .serve_connection(TokioIo::new(stream), route);
            tokio::spawn(connection);
        }
    });
    let health = Wire::connect(addr).await.send("GET /health HTTP/1.1\r\nHost: x\r\n\r\n").await;
    assert_eq!((health.status(), health.text()), (200, "ok"));
    let answer = Wire::connect(addr).await.send(&modern_call(1, "echo", json!({}))).await;
    assert_eq!(answer.status(), 200);
    accepting.abort();
}

/// With the feature `tower`, axum mounts it at a prefix, which it strips, and beside other routes.
#[cfg(feature = "tower")]
#[tokio::test]
async fn axum_mounts_the_service_at_a_prefix() {
    use axum::Router;
    use axum::routing::get;

    let probe = Probe::default();
    let service = service(&probe);
    let app = Router::new()
        .route("/health", get(|| async { "ok" }))
        .nest_service("/mcp", service.clone())
        .nest_service("/tenants/one", service.clone())
        .nest_service("/api", service);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let addr = listener.local_addr().expect("an address");
    let serving = tokio::spawn(async move { axum::serve(listener, app).await });
    for path in ["/mcp", "/mcp/", "/tenants/one", "/tenants/one/", "/api/mcp", "/api/v1/mcp/"] {
        assert_serves_at(addr, &probe, path).await;
    }
    let health = Wire::connect(addr).await.send("GET /health HTTP/1.1\r\nHost: x\r\n\r\n").await;
    assert_eq!((health.status(), health.text()), (200, "ok"));
    let elsewhere = modern_call(1, "echo", json!({})).replace("/mcp ", "/api/elsewhere ");
    assert_eq!(Wire::connect(addr).await.send(&elsewhere).await.status(), 404);
    serving.abort();
}

/// The same behind the whole of a route, with a layer that says who calls.
#[cfg(feature = "tower")]
#[tokio::test]
async fn a_layer_of_axum_may_say_who_calls() {
    use axum::Router;
    use axum::extract::Request;
    use axum::middleware::{Next, from_fn};

    let tool = Tool::new("whoami").with_description("Tells who calls");
    let server = Server::builder("s", "1")
        .tool(tool, |_: Arguments, cx: Context| async move {
            Ok::<_, ToolError>(cx.principal().name().unwrap_or("nobody").to_owned())
        })
        .build()
        .expect("a server");
    let service = McpService::builder(server).build().expect("a service");
    let layer = from_fn(async |mut request: Request, next: Next| {
        request.extensions_mut().insert(Principal::named("from-axum"));
        next.run(request).await
    });
    let app = Router::new().route_service("/mcp", service).layer(layer);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let addr = listener.local_addr().expect("an address");
    let serving = tokio::spawn(async move { axum::serve(listener, app).await });
    let answer = Wire::connect(addr).await.send(&modern_call(1, "whoami", json!({}))).await;
    assert_eq!(answer.json()["result"]["content"][0]["text"], "from-axum");
    serving.abort();
}

/// A tower service is always ready: what is too much is refused with 503, so that clients learn.
#[cfg(feature = "tower")]
#[tokio::test]
async fn the_tower_service_is_always_ready_and_answers() {
    let mut service = service(&Probe::default());
    let ready = std::future::poll_fn(|cx| {
        tower_service::Service::<Request<Full<Bytes>>>::poll_ready(&mut service, cx)
    });
    tokio::time::timeout(crate::support::wire::PATIENCE, ready)
        .await
        .expect("ready at once")
        .expect("infallible");
    let text = modern_call(1, "echo", json!({}));
    let response = tower_service::Service::call(&mut service, parsed(&text)).await;
    assert_eq!(response.expect("infallible").status(), 200);
}
