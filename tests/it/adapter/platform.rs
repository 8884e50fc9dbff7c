//! What a platform asks beside the protocol: routes in front of a service, and Cloud Run's settings.

use std::convert::Infallible;
use std::time::Duration;

use bytes::Bytes;
use http::header::{ALLOW, HeaderValue};
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::{Service, service_fn};
use mcp_http::{CloudRun, Front, McpService, Running, Server, ShutdownSignal, WithRoutes, serve};
use serde_json::json;

use crate::support::messages::{initialize, modern_call, post};
use crate::support::server::{Probe, tools};
use crate::support::wire::{Answer, Wire};

fn mcp(probe: &Probe) -> McpService {
    let server = tools(Server::builder("routed", "1"), probe).build().expect("a server");
    McpService::builder(server).build().expect("a service")
}

async fn ask(running: &Running, method: &str, path: &str, host: &str) -> Answer {
    let mut wire = Wire::connect(running.local_addr()).await;
    let request = format!("{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    wire.write(request.as_bytes()).await;
    let head = wire.head().await.expect("a response");
    Answer { head, body: wire.remainder().await }
}

#[tokio::test]
async fn a_health_check_answers_any_host_and_leaves_all_else_to_the_service() {
    let mcp = mcp(&Probe::default());
    let service = WithRoutes::new(mcp.clone()).health("/health", &mcp);
    let running = serve(service).bind("127.0.0.1:0").await.expect("a free port");
    for host in ["localhost", "169.254.8.1:8080", "evil.example"] {
        let health = ask(&running, "GET", "/health", host).await;
        assert_eq!((health.status(), health.text()), (200, "ok"), "{host}");
        assert_eq!(health.header("cache-control"), Some("no-store"));
    }
    let head = ask(&running, "HEAD", "/health", "x").await;
    assert_eq!((head.status(), head.text(), head.header("content-length")), (200, "", Some("2")));
    let wrong = ask(&running, "POST", "/health", "x").await;
    assert_eq!((wrong.status(), wrong.header(ALLOW.as_str())), (405, Some("GET, HEAD")));

    // A path is exactly that, and what is no route is the service's.
    for path in ["/health/", "/healthy", "/Health", "/x/health"] {
        assert_eq!(ask(&running, "GET", path, "localhost").await.status(), 404, "{path}");
    }
    assert_eq!(ask(&running, "GET", "/health/mcp", "evil.example").await.status(), 403);
    let mut wire = Wire::connect(running.local_addr()).await;
    let answer = wire.send(&modern_call(1, "echo", json!({}))).await;
    assert_eq!((answer.status(), answer.header("content-type")), (200, Some("application/json")));
    let opened = wire.send(&post(&[], &initialize("2025-11-25"))).await;
    assert_eq!((opened.status(), mcp.sessions()), (200, 1));
}

#[tokio::test]
async fn a_service_that_drains_is_not_healthy() {
    let mcp = mcp(&Probe::default());
    let service = WithRoutes::new(mcp.clone()).health("/health", &mcp);
    let running = serve(service).bind("127.0.0.1:0").await.expect("a free port");
    assert_eq!(ask(&running, "GET", "/health", "x").await.status(), 200);
    mcp.begin_drain(Duration::from_secs(8));
    let health = ask(&running, "GET", "/health", "x").await;
    assert_eq!((health.status(), health.text()), (503, "draining"));
}

/// The listener tells, too: a service that nobody has called has not learned of it.
#[tokio::test]
async fn a_service_that_nobody_called_is_not_healthy_once_its_listener_ends() {
    let mcp = mcp(&Probe::default());
    let service = WithRoutes::new(mcp.clone()).health("/health", &mcp);
    let listener = ShutdownSignal::default();
    let ask = async || {
        let mut request = Request::get("/health").body(Full::<Bytes>::default()).expect("one");
        request.extensions_mut().insert(listener.clone());
        service.call(request).await.expect("infallible").status()
    };
    assert_eq!(ask().await, 200);
    listener.trigger();
    assert_eq!((ask().await.as_u16(), mcp.is_ready()), (503, true));
}

#[tokio::test]
async fn routes_stand_in_front_of_any_service_and_the_first_of_a_path_answers() {
    let own = service_fn(async |_: Request<Incoming>| {
        Ok::<_, Infallible>(Response::new(Full::new(Bytes::from("own"))))
    });
    let answer = |text: &'static str| {
        move |head: &mcp_http::Head| {
            let mut response = Response::new(Bytes::from(text));
            let query = head.uri().query().unwrap_or("none");
            let query = HeaderValue::from_str(query).expect("a query is visible ASCII");
            response.headers_mut().insert("x-query", query);
            response
        }
    };
    let service = WithRoutes::new(own)
        .route("/a", answer("first"))
        .route("/a", answer("second"))
        .route("/b", answer("third"));
    let running = serve(service).bind("127.0.0.1:0").await.expect("a free port");
    for (path, expected) in [("/a", "first"), ("/a?q=1", "first"), ("/b", "third"), ("/c", "own")] {
        assert_eq!(ask(&running, "GET", path, "x").await.text(), expected, "{path}");
    }
    assert_eq!(ask(&running, "GET", "/a?q=1", "x").await.header("x-query"), Some("q=1"));
}

/// The steps that `CloudRun::start` takes can be taken one by one.
#[tokio::test]
async fn cloud_runs_settings_make_a_service_for_its_hosts_and_its_front() {
    let platform = CloudRun::new()
        .port(0)
        .allow_host("tools.example.com")
        .allow_origin("https://app.example.com")
        .front(Front::LoadBalancer)
        .health_path("/up")
        .metrics_path("/metrics");
    let server = tools(Server::builder("cloud", "1"), &Probe::default()).build().expect("a server");
    let builder = McpService::builder(server).max_sessions_per_address(1);
    let mcp = platform.configure(builder).expect("good settings").build().expect("a service");
    let service = platform.routes(&mcp, mcp.clone());
    let running = platform.serve(service).bind(platform.addr()).await.expect("a free port");
    let mut wire = Wire::connect(([127, 0, 0, 1], running.local_addr().port()).into()).await;
    let open = |client: &str| {
        let forwarded = format!("192.0.2.66, {client}, 35.191.0.1");
        let headers = [("Host", "tools.example.com"), ("X-Forwarded-For", &*forwarded)];
        post(&headers, &initialize("2025-11-25"))
    };
    for (client, status) in [("203.0.113.1", 200), ("203.0.113.1", 503), ("203.0.113.2", 200)] {
        assert_eq!(wire.send(&open(client)).await.status(), status, "{client}");
    }
    let ping = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;
    for (host, origin, status) in [
        ("tools.example.com", "https://app.example.com", 404), // its session is unknown
        ("tools.example.com", "https://evil.example", 403),
        ("evil.example", "https://app.example.com", 403),
    ] {
        let unknown = ("Mcp-Session-Id", "unknown");
        let request = post(&[("Host", host), ("Origin", origin), unknown], ping);
        assert_eq!(wire.send(&request).await.status(), status, "{host} {origin}");
    }
    for (path, said) in [("/up", "ok"), ("/metrics", "mcp_")] {
        wire.write(format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n").as_bytes()).await;
        let answer = wire.answer().await;
        assert!(answer.status() == 200 && answer.text().contains(said), "{}", answer.text());
    }
}
