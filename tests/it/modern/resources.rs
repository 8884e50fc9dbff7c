//! 2026-07-28, Resources, and what Caching and Pagination say of them.

use std::sync::Arc;

use mcp_http::{
    Arguments, BoxFuture, Changes, Context, HandlerError, Head, McpService, McpServiceBuilder,
    Principal, ReadRequest, ReadResourceResult, Refusal, Resource, ResourceCatalogue, ResourcePage,
    ResourceSet, Server, ServerBuilder, Tool, ToolError, ToolSet, serve,
};
use serde_json::{Value, json};

use crate::support::messages::{assert_serves, listen, modern, modern_call, stream_head};
use crate::support::resources::resources;
use crate::support::server::TestServer;
use crate::support::wire::{Answer, Wire};

async fn server() -> TestServer {
    TestServer::with_server(resources, |service| service).await
}

async fn ask(server: &TestServer, method: &str, params: Value) -> Answer {
    server.connect().await.send(&modern(1, method, params, &[])).await
}

async fn result(server: &TestServer, method: &str, params: Value) -> Value {
    let answer = ask(server, method, params).await;
    assert_eq!(answer.status(), 200, "{}", answer.text());
    answer.json()["result"].clone()
}

async fn read(server: &TestServer, uri: &str) -> Answer {
    ask(server, "resources/read", json!({ "uri": uri })).await
}

/// 2026-07-28, Resources, Capabilities: "Servers that support resources MUST declare the
/// `resources` capability"; Listing Resources; Resource Templates.
#[tokio::test]
async fn resources_are_declared_and_listed() {
    let server = server().await;
    let discovered = result(&server, "server/discover", json!({})).await;
    assert_eq!(discovered["capabilities"]["resources"], json!({}));
    let list = result(&server, "resources/list", json!({})).await;
    assert_eq!(
        list["resources"][0],
        json!({
            "uri": "test://text", "name": "text", "title": "Text", "mimeType": "text/plain",
            "size": 4,
        })
    );
    let templates = result(&server, "resources/templates/list", json!({})).await;
    assert_eq!(templates["resourceTemplates"][1]["uriTemplate"], "file:///{+path}");
    let none = TestServer::start().await;
    for method in ["resources/list", "resources/templates/list", "resources/read"] {
        let answer = ask(&none, method, json!({"uri": "test://text"})).await;
        assert_eq!((answer.status(), answer.code()), (404, Some(-32601)), "{method}");
    }
}

/// 2026-07-28, Resources, Reading Resources; Resource Contents.
#[tokio::test]
async fn text_and_bytes_are_read_by_uri_and_by_template() {
    let server = server().await;
    for (uri, expected) in [
        ("test://text", json!({"mimeType": "text/plain", "text": "text"})),
        ("test://blob", json!({"blob": "AP8="})),
        ("test://notes/a%2Fb", json!({"mimeType": "text/plain", "text": "[a/b]"})),
        ("test://sum?b=2&a=40", json!({"text": "42"})),
        ("file:///a/b.txt", json!({"text": "/srv/a/b.txt"})),
    ] {
        let mut expected = expected;
        expected["uri"] = json!(uri);
        let result = read(&server, uri).await.json()["result"].clone();
        assert_eq!(result["contents"], json!([expected]));
        assert_eq!(result["resultType"], "complete");
    }
    let meta = read(&server, "test://blob").await.json()["result"]["_meta"].clone();
    assert_eq!(meta["example.com/k"], 1);
    assert!(meta["io.modelcontextprotocol/serverInfo"].is_object());
}

/// 2026-07-28, Resources, Error Handling: "If the requested resource does not exist, servers MUST
/// return a JSON-RPC error with code `-32602`"; "Servers MUST NOT return an empty `contents` array
/// for a non-existent resource"; "Servers SHOULD return `-32603` for internal errors."
#[tokio::test]
async fn a_resource_that_is_not_there_is_32602_and_names_its_uri() {
    let server = server().await;
    for uri in ["test://nothing", "test://gone", "test://notes/", "test://notes/a/b", "urn:x:y"] {
        let answer = read(&server, uri).await;
        assert_eq!((answer.status(), answer.code()), (200, Some(-32602)), "{uri}");
        assert_eq!(answer.json()["error"]["data"], json!({ "uri": uri }));
    }
    for (uri, code) in
        [("test://fails", -32603), ("test://panics", -32603), ("test://sum?a=x", -32602)]
    {
        let answer = read(&server, uri).await;
        assert_eq!(answer.code(), Some(code), "{uri}");
        assert_eq!(answer.json()["error"].get("data"), None);
    }
    assert_serves(&server).await;
}

/// 2026-07-28, Caching, Cacheable Results: "Servers MUST include caching hints" on lists and on
/// what is read. A server whose lists are public has not said that of what its resources hold.
#[tokio::test]
async fn every_list_and_read_has_hints_and_what_is_read_is_private_unless_it_says_otherwise() {
    use mcp_http::CacheScope;
    let public = |builder: ServerBuilder| {
        resources(builder).cache(std::time::Duration::from_secs(9), CacheScope::Public)
    };
    let server = TestServer::with_server(public, |service| service).await;
    let hints = |result: &Value| (result["ttlMs"].clone(), result["cacheScope"].clone());
    for method in ["resources/list", "resources/templates/list", "tools/list"] {
        let list = result(&server, method, json!({})).await;
        assert_eq!(hints(&list), (json!(9_000), json!("public")), "{method}");
    }
    for (uri, ttl, scope) in [
        ("test://text", 60_000, "public"),
        ("test://blob", 0, "private"),
        ("test://caller", 0, "private"),
        ("test://notes/1", 0, "private"),
    ] {
        let read = read(&server, uri).await.json()["result"].clone();
        assert_eq!(hints(&read), (json!(ttl), json!(scope)), "{uri}");
    }
}

/// 2026-07-28, Pagination: Response Format, Request Format; Error Handling: "Invalid cursors SHOULD
/// result in an error with code -32602"; Caching, Interaction with Pagination: "Servers MUST apply
/// the same `cacheScope` to all response pages".
#[tokio::test]
async fn all_pages_together_are_the_list_each_with_the_same_hints() {
    let paged = |builder| resources(builder).page_size(2);
    let server = TestServer::with_server(paged, |service| service).await;
    let whole = self::server().await;
    for (method, member) in [
        ("resources/list", "resources"),
        ("resources/templates/list", "resourceTemplates"),
        ("tools/list", "tools"),
    ] {
        let (mut entries, mut params) = (Vec::new(), json!({}));
        loop {
            let page = result(&server, method, params).await;
            assert_eq!((&page["ttlMs"], &page["cacheScope"]), (&json!(0), &json!("private")));
            entries.extend(page[member].as_array().expect("a list").iter().cloned());
            let Some(cursor) = page.get("nextCursor") else { break };
            params = json!({ "cursor": cursor });
        }
        assert_eq!(json!(entries), result(&whole, method, json!({})).await[member], "{method}");
        for cursor in [json!(""), json!("2"), json!("eyJwYWdlIjogMn0="), json!(2), json!({})] {
            let answer = ask(&server, method, json!({ "cursor": cursor })).await;
            assert_eq!(answer.code(), Some(-32602), "{method} {cursor}");
        }
        assert!(result(&server, method, json!({"cursor": null})).await[member].is_array());
    }
}

/// 2026-07-28, Resources, Security Considerations: "Servers MUST validate all resource URIs";
/// "Servers MUST sanitize file paths to prevent directory traversal attacks when serving `file://`
/// resources".
#[tokio::test]
async fn hostile_uris_are_refused_and_lead_nowhere() {
    let server = server().await;
    for uri in ["no uri", "/etc/passwd", "file:///a b", "file:///%", "test://notes/{id}", "?", "a"]
    {
        let answer = read(&server, uri).await;
        assert_eq!(answer.code(), Some(-32602), "{uri:?}: {}", answer.text());
        assert_eq!(answer.json()["error"].get("data"), None, "nobody was asked for it: {uri:?}");
    }
    for path in [
        "../etc/passwd",
        "a/../../etc/passwd",
        "%2e%2e/etc/passwd",
        "..%2fetc%2fpasswd",
        "a/%2E%2E/%2E%2E/b",
        "%2Fetc/passwd",
        "/etc/passwd",
        "a//b",
        "a%00b",
        "./a",
        "a/",
    ] {
        let answer = read(&server, &format!("file:///{path}")).await;
        assert_eq!(answer.code(), Some(-32602), "{path}: {}", answer.text());
    }
    assert_eq!(
        read(&server, "file:///...a/b").await.json()["result"]["contents"][0]["text"],
        "/srv/...a/b"
    );
    assert_serves(&server).await;
}

/// 2026-07-28, Resources, Security Considerations: "Access controls SHOULD be implemented for
/// sensitive resources"; "Resource permissions SHOULD be checked before operations". To who may not
/// read it a resource is one that is not there.
#[tokio::test]
async fn a_handler_knows_who_reads_and_hides_what_is_not_theirs() {
    let hers = |builder: ServerBuilder| {
        let read = async |request: ReadRequest, cx: Context| match cx.principal().name() {
            Some("alice") => Ok("hers"),
            _ => Err(HandlerError::resource_not_found(request.uri())),
        };
        builder.resource(Resource::new("test://hers", "hers"), read)
    };
    let by_header = |service: McpServiceBuilder| {
        service.admit(|head: Arc<Head>| async move {
            let user = head.headers().get("x-user").and_then(|user| user.to_str().ok());
            Ok::<_, Refusal>(user.map_or_else(Principal::anonymous, Principal::named))
        })
    };
    let server = TestServer::with_server(hers, by_header).await;
    let read = async |user: &str, uri: &str| {
        let request = modern(1, "resources/read", json!({ "uri": uri }), &[("X-User", user)]);
        server.connect().await.send(&request).await.json()
    };
    assert_eq!(read("alice", "test://hers").await["result"]["contents"][0]["text"], "hers");
    let (hidden, unknown) = (read("bob", "test://hers").await, read("bob", "test://else").await);
    assert_eq!(hidden["error"]["data"], json!({"uri": "test://hers"}));
    assert_eq!(hidden["error"]["code"], unknown["error"]["code"]);
}

/// A catalogue whose resource is its caller's.
struct Mine;

impl ResourceCatalogue for Mine {
    fn list(
        self: Arc<Self>,
        cursor: Option<String>,
        _: Context,
    ) -> BoxFuture<'static, Result<ResourcePage, HandlerError>> {
        Box::pin(async move {
            let page = |uri: &str| ResourcePage::new([Arc::new(Resource::new(uri, "n"))]);
            match cursor.as_deref() {
                None => Ok(page("test://1").with_next_cursor("")),
                Some("") => Ok(page("test://2")),
                Some(_) => Err(HandlerError::protocol(-32602, "Invalid cursor", None)),
            }
        })
    }

    fn read(
        self: Arc<Self>,
        uri: String,
        cx: Context,
    ) -> BoxFuture<'static, Result<ReadResourceResult, HandlerError>> {
        Box::pin(async move {
            tokio::task::yield_now().await;
            match (uri.as_str(), cx.principal().name()) {
                ("test://1", name) => Ok(ReadResourceResult::text(name.unwrap_or("nobody"))),
                _ => Err(HandlerError::resource_not_found(uri)),
            }
        })
    }
}

/// 2026-07-28, Resources, Capabilities: the set "MAY vary by the authorization presented on the
/// request"; Pagination, Implementation Guidelines: "an empty string is a valid cursor".
#[tokio::test]
async fn a_catalogue_serves_resources_in_its_own_pages() {
    let catalogue = |builder: ServerBuilder| builder.resource_catalogue(Mine);
    let server = TestServer::with_server(catalogue, |service| service).await;
    let first = result(&server, "resources/list", json!({})).await;
    assert_eq!(
        (&first["resources"][0]["uri"], &first["nextCursor"]),
        (&json!("test://1"), &json!(""))
    );
    let second = result(&server, "resources/list", json!({"cursor": ""})).await;
    assert_eq!(second["resources"][0]["uri"], "test://2");
    let templates = result(&server, "resources/templates/list", json!({})).await;
    assert_eq!(templates["resourceTemplates"], json!([]));
    let read_one = read(&server, "test://1").await.json()["result"].clone();
    assert_eq!(read_one["contents"], json!([{"uri": "test://1", "text": "nobody"}]));
    assert_eq!(read_one["cacheScope"], "private");
    assert_eq!(read(&server, "test://2").await.code(), Some(-32602));
}

/// 2026-07-28, Tools, List Changed Notification. Insertion and removal are told, and take effect,
/// without the server's being built anew.
#[tokio::test]
async fn a_set_of_tools_changes_while_the_server_runs_and_says_so() {
    let changes = Changes::new();
    let set = ToolSet::new(&changes);
    // Tools that are registered and a catalogue are not had at once.
    let server = Server::builder("s", "1").catalogue(set.clone()).changes(&changes);
    let service = McpService::builder(server.build().unwrap()).build().unwrap();
    let running = serve(service).bind("127.0.0.1:0").await.unwrap();
    let mut listening = Wire::connect(running.local_addr()).await;
    listening.write(listen(1, json!({"toolsListChanged": true})).as_bytes()).await;
    stream_head(&mut listening).await;
    let (mut held, mut wire) = (Vec::new(), Wire::connect(running.local_addr()).await);
    let acknowledged = listening.event(&mut held).await.unwrap().message().unwrap();
    assert_eq!(acknowledged["method"], "notifications/subscriptions/acknowledged");
    let call = modern_call(1, "late", json!({}));
    assert_eq!(wire.send(&call).await.code(), Some(-32602));
    set.insert(Tool::new("late"), async |_: Arguments, _: Context| Ok::<_, ToolError>("came"))
        .unwrap();
    let told = listening.event(&mut held).await.unwrap().message().unwrap();
    assert_eq!(told["method"], "notifications/tools/list_changed");
    let list = wire.send(&modern(1, "tools/list", json!({}), &[])).await.json();
    assert_eq!(list["result"]["tools"][0]["name"], "late");
    let text = wire.send(&call).await.json()["result"]["content"][0]["text"].clone();
    assert_eq!(text, "came");
    assert!(set.remove("late"));
    let told = listening.event(&mut held).await.unwrap().message().unwrap();
    assert_eq!(told["method"], "notifications/tools/list_changed");
    assert_eq!(wire.send(&call).await.code(), Some(-32602));
}

/// 2026-07-28, Resources, List Changed Notification, and the same of resources.
#[tokio::test]
async fn a_set_of_resources_changes_while_the_server_runs_and_says_so() {
    let changes = Changes::new();
    let set = ResourceSet::new(&changes);
    let with_set =
        |builder: ServerBuilder| builder.resource_catalogue(set.clone()).changes(&changes);
    let server = TestServer::with_server(with_set, |service| service).await;
    let (mut listening, mut held) = (server.connect().await, Vec::new());
    listening.write(listen(1, json!({"resourcesListChanged": true})).as_bytes()).await;
    stream_head(&mut listening).await;
    let acknowledged = listening.event(&mut held).await.unwrap().message().unwrap();
    assert_eq!(acknowledged["method"], "notifications/subscriptions/acknowledged");
    assert_eq!(read(&server, "test://late").await.code(), Some(-32602));
    set.insert_static(Resource::new("test://late", "late"), "came").unwrap();
    let told = listening.event(&mut held).await.unwrap().message().unwrap();
    assert_eq!(told["method"], "notifications/resources/list_changed");
    let list = result(&server, "resources/list", json!({})).await;
    assert_eq!(list["resources"], json!([{"uri": "test://late", "name": "late", "size": 4}]));
    let contents = read(&server, "test://late").await.json()["result"]["contents"].clone();
    assert_eq!(contents, json!([{"uri": "test://late", "text": "came"}]));
    assert!(set.remove("test://late"));
    let told = listening.event(&mut held).await.unwrap().message().unwrap();
    assert_eq!(told["method"], "notifications/resources/list_changed");
    assert_eq!(read(&server, "test://late").await.code(), Some(-32602));
}
