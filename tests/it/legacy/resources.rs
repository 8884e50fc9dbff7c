//! Resources, of the three revisions of the era.

use serde_json::{Value, json};

use super::VERSIONS;
use crate::support::messages::{Session, request};
use crate::support::resources::resources;
use crate::support::server::TestServer;

async fn server() -> TestServer {
    TestServer::with_server(resources, |service| service).await
}

/// The message that answers a request, with HTTP 200 (decision 15).
async fn ask(server: &TestServer, session: &Session, method: &str, params: Value) -> Value {
    let answer = session.send(server, &request(1, method, params)).await;
    assert_eq!(answer.status(), 200, "{}", answer.text());
    answer.json()
}

async fn read(server: &TestServer, session: &Session, uri: &str) -> Value {
    ask(server, session, "resources/read", json!({ "uri": uri })).await
}

/// 2025-11-25 (and 2025-03-26, 2025-06-18), Resources, Capabilities: "Servers that support
/// resources MUST declare the `resources` capability"; Listing Resources; Resource Templates.
#[tokio::test]
async fn resources_are_declared_and_listed_as_the_revision_has_them() {
    let server = server().await;
    for version in VERSIONS {
        let opened = crate::support::messages::initialize(version);
        let opened = crate::support::messages::post(&[], &opened);
        let opened = server.connect().await.send(&opened).await;
        assert_eq!(opened.json()["result"]["capabilities"]["resources"], json!({}), "{version}");
        let session = Session::open(&server, version).await;
        let list = ask(&server, &session, "resources/list", json!({})).await;
        let mut text =
            json!({"uri": "test://text", "name": "text", "mimeType": "text/plain", "size": 4});
        if version != "2025-03-26" {
            text["title"] = json!("Text");
        }
        assert_eq!(list["result"]["resources"][0], text, "{version}");
        assert_eq!(list["result"]["resources"].as_array().map(Vec::len), Some(6));
        // Hints for caches are of a later revision.
        assert_eq!(list["result"].as_object().map(|members| members.len()), Some(1), "{list}");
        let templates = ask(&server, &session, "resources/templates/list", json!({})).await;
        let note =
            json!({"uriTemplate": "test://notes/{id}", "name": "note", "mimeType": "text/plain"});
        assert_eq!(templates["result"]["resourceTemplates"][0], note, "{version}");
    }
}

/// 2025-11-25 (and 2025-03-26, 2025-06-18), Resources, Reading Resources; Resource Contents.
#[tokio::test]
async fn text_and_bytes_are_read_by_uri_and_by_template() {
    let server = server().await;
    for version in VERSIONS {
        let session = Session::open(&server, version).await;
        for (uri, expected) in [
            ("test://text", json!({"mimeType": "text/plain", "text": "text"})),
            ("test://blob", json!({"blob": "AP8="})),
            ("test://caller", json!({"text": "nobody"})),
            ("test://notes/a%2Fb", json!({"mimeType": "text/plain", "text": "[a/b]"})),
            ("test://sum?b=2&a=40", json!({"text": "42"})),
            ("file:///a/b.txt", json!({"text": "/srv/a/b.txt"})),
        ] {
            let mut expected = expected;
            expected["uri"] = json!(uri);
            let message = read(&server, &session, uri).await;
            assert_eq!(message["result"]["contents"], json!([expected]), "{version}");
            assert_eq!(message["result"].get("ttlMs"), None, "{version}");
        }
        let message = read(&server, &session, "test://blob").await;
        assert_eq!(message["result"]["_meta"], json!({"example.com/k": 1}), "{version}");
    }
}

/// 2025-11-25 (and 2025-03-26, 2025-06-18), Resources, Error Handling: "Resource not found:
/// `-32002`", "Internal errors: `-32603`".
#[tokio::test]
async fn a_resource_that_is_not_there_is_32002_and_names_its_uri() {
    let server = server().await;
    for version in VERSIONS {
        let session = Session::open(&server, version).await;
        for uri in ["test://nothing", "test://gone", "test://notes/", "test://notes/a/b"] {
            let error = &read(&server, &session, uri).await["error"];
            assert_eq!(error["code"], -32002, "{version}: {uri}");
            assert_eq!(error["data"], json!({ "uri": uri }));
        }
        for (uri, code) in [
            ("test://fails", -32603),
            ("test://panics", -32603),
            ("test://sum?a=x", -32602),
            ("no uri", -32602),
            ("", -32602),
            ("file:///\u{0}", -32602),
            ("file:///ü", -32602),
            (&format!("test://notes/{}", "x".repeat(8_000)), -32602),
            ("file:///%2E%2E/etc/passwd", -32602),
        ] {
            let message = read(&server, &session, uri).await;
            assert_eq!(message["error"]["code"], code, "{version}: {message}");
        }
    }
}

/// 2025-11-25, Utilities, Pagination, Operations Supporting Pagination; Implementation Guidelines:
/// "Provide stable cursors"; Error Handling: "Invalid cursors SHOULD result in an error with code
/// -32602".
#[tokio::test]
async fn a_cursor_is_good_in_another_session_and_in_another_process() {
    let paged = |builder| resources(builder).page_size(4);
    let first = TestServer::with_server(paged, |service| service).await;
    let second = TestServer::with_server(paged, |service| service).await;
    for version in VERSIONS {
        let session = Session::open(&first, version).await;
        let other = Session::open(&second, version).await;
        for (method, member, total) in
            [("tools/list", "tools", 7), ("resources/list", "resources", 6)]
        {
            let page = ask(&first, &session, method, json!({})).await;
            assert_eq!(page["result"][member].as_array().map(Vec::len), Some(4), "{method}");
            let cursor = &page["result"]["nextCursor"];
            let rest = ask(&second, &other, method, json!({ "cursor": cursor })).await;
            let left = rest["result"][member].as_array().map(Vec::len);
            assert_eq!(left, Some(total - 4), "{method}: {rest}");
            assert_eq!(rest["result"].get("nextCursor"), None);
            let wrong = ask(&second, &other, method, json!({"cursor": "eyJwYWdlIjogM30="})).await;
            assert_eq!(wrong["error"]["code"], -32602, "{method}");
        }
    }
}
