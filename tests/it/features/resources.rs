//! Resources.

use std::sync::Arc;

use mcp_http::{
    Context, HandlerError, Head, Principal, ReadRequest, Refusal, Resource, ResourceTemplate,
    ServerBuilder,
};
use serde_json::{Value, json};

use super::{Client, MODERN, REVISIONS};
use crate::support::server::TestServer;

/// A text, some bytes, one that fails, one that panics, one that Alice may read alone, and files
/// below a folder.
fn resources(builder: ServerBuilder) -> ServerBuilder {
    let text = Resource::new("test://text", "text").with_mime_type("text/plain");
    let bytes = Resource::new("test://bytes", "bytes").with_mime_type("image/png");
    builder
        .static_resource(text, "Hello")
        .static_resource(bytes, &[0_u8, 255, 1][..])
        .resource(Resource::new("test://fails", "fails"), |_: ReadRequest, _: Context| async {
            Err::<&str, _>(HandlerError::new("the disk is gone"))
        })
        .resource(Resource::new("test://panics", "panics"), |_: ReadRequest, _: Context| async {
            if std::hint::black_box(true) {
                panic!("as told");
            }
            Ok::<_, HandlerError>("unreachable")
        })
        .resource(
            Resource::new("test://alices", "alices"),
            |request: ReadRequest, cx: Context| async move {
                if cx.principal().name() == Some("alice") {
                    return Ok("hers");
                }
                Err(HandlerError::resource_not_found(request.uri()))
            },
        )
        .resource_template(
            ResourceTemplate::new("file:///{+path}", "files"),
            |request: ReadRequest, _: Context| async move {
                let path = request.variables().relative_path("path")?;
                match path.to_str() {
                    Some("src/main.rs") => Ok("fn main() {}"),
                    _ => Err(HandlerError::resource_not_found(request.uri())),
                }
            },
        )
}

async fn server() -> TestServer {
    TestServer::with_server(resources, |service| service).await
}

fn uri(uri: &str) -> Value {
    json!({ "uri": uri })
}

/// Resources, Capabilities: "Servers that support resources MUST declare the `resources`
/// capability"; 2026-07-28: they "MUST respond to `resources/list` requests with the set of
/// resources currently available". One that has none has no such methods.
#[tokio::test]
async fn who_has_resources_declares_and_lists_them_and_who_has_none_does_neither() {
    let (server, none) = (server().await, TestServer::start().await);
    for revision in REVISIONS {
        let client = Client::of(&server, revision).await;
        assert!(client.capabilities().await["resources"].is_object(), "{revision}");
        let list = client.result("resources/list", json!({})).await;
        let uris: Vec<_> =
            list["resources"].as_array().unwrap().iter().map(|r| &r["uri"]).collect();
        let expected =
            ["test://text", "test://bytes", "test://fails", "test://panics", "test://alices"];
        assert_eq!(uris, expected, "{revision}");
        assert_eq!(list["resources"][1]["mimeType"], "image/png");
        let templates = client.result("resources/templates/list", json!({})).await;
        assert_eq!(templates["resourceTemplates"][0]["uriTemplate"], "file:///{+path}");
        // It does not vary by what was asked on the connection before.
        client.ask("resources/read", uri("test://fails")).await;
        assert_eq!(client.result("resources/list", json!({})).await, list, "{revision}");

        let client = Client::of(&none, revision).await;
        assert_eq!(client.capabilities().await.get("resources"), None, "{revision}");
        for method in ["resources/list", "resources/read", "resources/templates/list"] {
            assert_eq!(client.error(method, uri("test://text")).await["code"], -32601, "{method}");
        }
    }
}

/// Resources, Reading Resources; Resource Contents: text as it is, and "Binary data MUST be
/// properly encoded".
#[tokio::test]
async fn what_is_read_is_text_or_base64_and_says_whose_it_is() {
    let server = server().await;
    for revision in REVISIONS {
        let client = Client::of(&server, revision).await;
        for (read, expected) in [
            (
                "test://text",
                json!({"uri": "test://text", "mimeType": "text/plain", "text": "Hello"}),
            ),
            (
                "test://bytes",
                json!({"uri": "test://bytes", "mimeType": "image/png", "blob": "AP8B"}),
            ),
            ("file:///src/main.rs", json!({"uri": "file:///src/main.rs", "text": "fn main() {}"})),
        ] {
            let result = client.result("resources/read", uri(read)).await;
            assert_eq!(result["contents"], json!([expected]), "{revision}");
            // 2026-07-28, Caching: "Servers MUST include caching hints on results"; earlier ones
            // know none.
            let hints = (result.get("ttlMs"), result.get("cacheScope"));
            let (never, private) = (json!(0), json!("private"));
            let expected = (revision == MODERN).then_some((&never, &private)).unzip();
            assert_eq!(hints, expected, "{revision}");
        }
    }
}

/// Resources, Error Handling: "Resource not found: `-32002`"; 2026-07-28: "servers MUST return a
/// JSON-RPC error with code `-32602`" and "MUST NOT return an empty `contents` array for a
/// non-existent resource".
#[tokio::test]
async fn what_is_not_there_is_an_error_that_names_it() {
    let server = server().await;
    for revision in REVISIONS {
        let client = Client::of(&server, revision).await;
        let code = if revision == MODERN { -32602 } else { -32002 };
        for missing in ["test://other", "test://TEXT", "test://text/", "file:///src/lib.rs"] {
            let error = client.error("resources/read", uri(missing)).await;
            assert_eq!(error["code"], code, "{revision}: {error}");
            assert_eq!(error["data"]["uri"], missing, "{revision}: {error}");
        }
    }
}

/// Resources, Error Handling: "Internal errors: `-32603`".
#[tokio::test]
async fn what_cannot_be_read_is_an_internal_error() {
    let server = server().await;
    for revision in REVISIONS {
        let client = Client::of(&server, revision).await;
        for failing in ["test://fails", "test://panics"] {
            let error = client.error("resources/read", uri(failing)).await;
            assert_eq!(error["code"], -32603, "{revision}: {error}");
        }
        client.result("resources/read", uri("test://text")).await;
    }
}

/// Resources, Security Considerations: "Servers MUST validate all resource URIs".
#[tokio::test]
async fn what_is_no_uri_is_invalid_params() {
    let server = server().await;
    for revision in REVISIONS {
        let client = Client::of(&server, revision).await;
        for bad in [
            json!({}),
            json!({"uri": null}),
            json!({"uri": 1}),
            json!({"uri": ["test://text"]}),
            uri(""),
            uri("text"),
            uri("/etc/passwd"),
            uri("file:///a b"),
            uri("file:///%zz"),
            uri("test://{x}"),
            uri(&format!("test://{}", "x".repeat(9_000))),
        ] {
            // In the modern era a header must say the same, which what is no URI may not even fit.
            if revision == MODERN && !bad["uri"].is_string() {
                continue;
            }
            let error = client.error("resources/read", bad.clone()).await;
            assert_eq!(error["code"], -32602, "{revision}, {bad}: {error}");
        }
    }
}

/// 2026-07-28, Resources, Security Considerations: "Servers MUST sanitize file paths to prevent
/// directory traversal attacks when serving `file://` resources".
#[tokio::test]
async fn no_path_leads_out_of_its_folder() {
    let server = server().await;
    for revision in REVISIONS {
        let client = Client::of(&server, revision).await;
        for path in [
            "../etc/passwd",
            "src/../../etc/passwd",
            "%2e%2e/etc/passwd",
            "src/%2E%2E%2f%2e%2E/etc/passwd",
            "/etc/passwd",
            "%2Fetc/passwd",
            "src//main.rs",
            "src/./main.rs",
            "src/main.rs%00.txt",
            "..",
        ] {
            let error = client.error("resources/read", uri(&format!("file:///{path}"))).await;
            assert_eq!(error["code"], -32602, "{revision}, {path}: {error}");
            let message = error["message"].as_str().expect("a message");
            assert!(message.contains("path"), "{revision}, {path}: {error}");
        }
    }
}

/// Resources, Security Considerations: "Access controls SHOULD be implemented for sensitive
/// resources", "Resource permissions SHOULD be checked before operations". To who may not read it a
/// resource is one that is not there.
#[tokio::test]
async fn a_handler_knows_who_reads() {
    let admit = |head: Arc<Head>| async move {
        match head.headers().get("x-user").and_then(|user| user.to_str().ok()) {
            Some("") => Err(Refusal::unauthorized("Who are you?")),
            Some(user) => Ok(Principal::named(user)),
            None => Ok(Principal::anonymous()),
        }
    };
    let server = TestServer::with_server(resources, |service| service.admit(admit)).await;
    let by = async |user| Client::of(&server, MODERN).await.with_header("X-User", user);
    let read = by("alice").await.result("resources/read", uri("test://alices")).await;
    assert_eq!(read["contents"][0]["text"], "hers");
    let bobs = by("bob").await.error("resources/read", uri("test://alices")).await;
    let unknown = by("bob").await.error("resources/read", uri("test://unknown")).await;
    assert_eq!(bobs["code"], unknown["code"]);
    assert_eq!(bobs["data"], json!({"uri": "test://alices"}));
}
