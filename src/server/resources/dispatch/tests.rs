//! Requests of clients, against servers that have resources.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use futures::FutureExt;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::*;
use crate::protocol::jsonrpc::{ErrorCode, Params};
use crate::protocol::version::ProtocolVersion;
use crate::server::ask::Answer as ClientAnswer;
use crate::server::context::tests::{context, info, raw};
use crate::server::reply::CacheScope;
use crate::server::reply::tests::members;
use crate::server::{
    ReadRequest, Resource, ResourceContents, ResourceTemplate, Server, ServerBuilder,
};

fn cx() -> Context {
    context(info(ProtocolVersion::LATEST))
}

/// The reply to a request whose handler never waits.
fn reply(server: &Server, method: &str, params: Value, cx: Context) -> Result<Reply, RpcError> {
    let body = Bytes::from(params.to_string());
    let raw: BTreeMap<&str, &RawValue> = serde_json::from_slice(&body).unwrap();
    let params = Params::new(raw.into_iter().collect());
    match server.dispatch(&Request { method, params: &params, body: &body }, cx) {
        Dispatched::Ready(reply) => reply,
        Dispatched::Running(running) => running.now_or_never().expect("it does not wait"),
    }
}

fn answer(server: &Server, method: &str, params: Value) -> Result<Value, RpcError> {
    let reply = reply(server, method, params, cx());
    reply.map(|reply| members(&reply, ProtocolVersion::LATEST))
}

fn read(server: &Server, uri: &str) -> Result<Value, RpcError> {
    answer(server, "resources/read", json!({ "uri": uri })).map(|result| result["contents"].clone())
}

fn hint(server: &Server, uri: &str) -> CacheHint {
    let reply = reply(server, "resources/read", json!({ "uri": uri }), cx()).unwrap();
    reply.cache_hint().expect("what is read has a hint")
}

fn builder() -> ServerBuilder {
    Server::builder("s", "1")
}

async fn echo(request: ReadRequest, _: Context) -> Result<String, HandlerError> {
    Ok(format!("{} {:?}", request.uri(), request.variables()))
}

fn server() -> Server {
    builder()
        .static_resource(Resource::new("a:text", "text").with_mime_type("text/plain"), "é")
        .static_resource(Resource::new("a:blob", "blob"), vec![1_u8, 2])
        .resource(Resource::new("a:now", "now").with_mime_type("text/x"), echo)
        .resource_template(ResourceTemplate::new("a:t/{x}", "t").with_mime_type("text/y"), echo)
        .resource_template(ResourceTemplate::new("a:t/{+rest}", "rest"), echo)
        .build()
        .unwrap()
}

#[test]
fn resources_and_templates_are_listed_in_their_order() {
    assert_eq!(
        answer(&server(), "resources/list", json!({})),
        Ok(json!({"resources": [
            {"uri": "a:text", "name": "text", "mimeType": "text/plain", "size": 2},
            {"uri": "a:blob", "name": "blob", "size": 2},
            {"uri": "a:now", "name": "now", "mimeType": "text/x"},
        ]}))
    );
    assert_eq!(
        answer(&server(), "resources/templates/list", json!({})),
        Ok(json!({"resourceTemplates": [
            {"uriTemplate": "a:t/{x}", "name": "t", "mimeType": "text/y"},
            {"uriTemplate": "a:t/{+rest}", "name": "rest"},
        ]}))
    );
    // 2026-07-28, Resources, Capabilities: "This set MAY be empty".
    let only = builder().static_resource(Resource::new("a:b", "b"), "").build().unwrap();
    assert_eq!(
        answer(&only, "resources/templates/list", json!({})),
        Ok(json!({"resourceTemplates": []}))
    );
}

#[test]
fn a_resource_is_read_by_its_uri_and_others_by_the_first_template_that_they_match() {
    let server = server();
    let contents = |uri: &str, mime: Option<&str>, text: &str| {
        let mut contents = json!({"uri": uri, "text": text});
        contents.as_object_mut().unwrap().extend(mime.map(|it| ("mimeType".into(), it.into())));
        Ok(json!([contents]))
    };
    assert_eq!(read(&server, "a:text"), contents("a:text", Some("text/plain"), "é"));
    assert_eq!(read(&server, "a:blob"), Ok(json!([{"uri": "a:blob", "blob": "AQI="}])));
    assert_eq!(read(&server, "a:now"), contents("a:now", Some("text/x"), "a:now {}"));
    assert_eq!(
        read(&server, "a:t/%31"),
        contents("a:t/%31", Some("text/y"), r#"a:t/%31 {"x": "1"}"#)
    );
    assert_eq!(read(&server, "a:t/1/2"), contents("a:t/1/2", None, r#"a:t/1/2 {"rest": "1/2"}"#));
    let exact = builder()
        .resource_template(ResourceTemplate::new("a:{x}", "x"), echo)
        .static_resource(Resource::new("a:b", "b"), "exact")
        .build()
        .unwrap();
    assert_eq!(read(&exact, "a:b").unwrap()[0]["text"], "exact", "whichever came first");
}

/// 2026-07-28, Resources, Error Handling: "servers MUST return a JSON-RPC error with code `-32602`".
#[test]
fn a_uri_of_nothing_that_is_registered_is_not_found() {
    for uri in ["a:x", "a:t/", "A:text", "a:text/", "a:text?", "b:", "a:t/%FF"] {
        let error = read(&server(), uri).unwrap_err();
        assert_eq!(error.code, ErrorCode::InvalidParams, "{uri}");
        assert_eq!(error.message, format!("Resource not found: {uri}"));
        assert_eq!(error.data, Some(Box::new(json!({ "uri": uri }))));
    }
    let old = context(info(ProtocolVersion::V2025_11_25));
    let error = reply(&server(), "resources/read", json!({"uri": "a:x"}), old).unwrap_err();
    assert_eq!(error.code.as_i32(), -32002);
}

/// 2026-07-28, Resources, Security Considerations: "Servers MUST validate all resource URIs".
#[test]
fn what_is_no_uri_reaches_no_handler() {
    let server =
        builder().resource_template(ResourceTemplate::new("{+all}", "all"), echo).build().unwrap();
    let refused = |params: Value| {
        let error = answer(&server, "resources/read", params).unwrap_err();
        assert_eq!((error.code, error.data), (ErrorCode::InvalidParams, None));
        error.message
    };
    for uri in ["", "relative", "/etc/passwd", "a:b c", "a:ü", "a:%", "a:b\0", "a:\u{202e}"] {
        assert_eq!(refused(json!({ "uri": uri })), "`uri`: not a URI (RFC 3986)", "{uri:?}");
    }
    for uri in [json!(null), json!(1), json!(["a:b"])] {
        assert_eq!(refused(json!({ "uri": uri })), "`uri` must be a string: the resource's URI");
    }
    let longest = format!("a:{}", "x".repeat(uri::MAX_URI - 2));
    assert!(read(&server, &longest).is_ok());
    assert_eq!(refused(json!({"uri": longest + "x"})), "`uri`: longer than 8000 bytes");
}

#[test]
fn variables_that_do_not_fit_their_type_never_reach_the_handler() {
    #[derive(serde::Deserialize)]
    struct Page {
        number: u8,
    }
    let server = builder()
        .typed_resource_template(
            ResourceTemplate::new("a:{number}", "page"),
            |page: Page, _: Context| async move { Ok::<_, HandlerError>(page.number.to_string()) },
        )
        .build()
        .unwrap();
    assert_eq!(read(&server, "a:7").unwrap()[0]["text"], "7");
    let error = read(&server, "a:x").unwrap_err();
    assert_eq!(error.code, ErrorCode::InvalidParams);
    assert_eq!(error.message, "`number`: invalid value: string \"x\", expected u8");
}

#[test]
fn what_a_handler_fails_with_is_the_error_that_it_becomes() {
    let server = builder()
        .resource(Resource::new("a:gone", "gone"), |request: ReadRequest, _: Context| async move {
            Err::<(), _>(HandlerError::resource_not_found(request.uri())).map(|()| String::new())
        })
        .resource(Resource::new("a:fails", "fails"), |_: ReadRequest, _: Context| async {
            Err::<String, _>(HandlerError::new("the disk is on fire"))
        })
        .resource(Resource::new("a:panics", "panics"), |_: ReadRequest, _: Context| async {
            if std::hint::black_box(true) {
                panic!("as told");
            }
            Ok::<_, HandlerError>("")
        })
        .build()
        .unwrap();
    assert_eq!(read(&server, "a:gone").unwrap_err().data, Some(Box::new(json!({"uri": "a:gone"}))));
    // 2026-07-28, Resources, Error Handling: "Servers SHOULD return `-32603` for internal errors."
    assert_eq!(read(&server, "a:fails"), Err(RpcError::internal("the disk is on fire")));
    assert_eq!(read(&server, "a:panics"), Err(RpcError::internal("the handler panicked")));
}

/// 2026-07-28, Caching, Choosing a Cache Scope. What is public may be shown to everybody, so that a
/// server must say it of what is read, and not only of its lists.
#[test]
fn what_is_read_is_private_and_stale_unless_it_or_its_resource_says_otherwise() {
    let minute = Duration::from_secs(60);
    let public = |name: &str| {
        Resource::new(format!("a:{name}"), name).with_cache(minute, CacheScope::Public)
    };
    let of_its_own = |_: ReadRequest, _: Context| async {
        let result = ReadResourceResult::text("").with_cache(Duration::ZERO, CacheScope::Private);
        Ok::<_, HandlerError>(result)
    };
    let server = builder()
        .cache(minute, CacheScope::Public)
        .static_resource(Resource::new("a:static", "s"), "")
        .resource(Resource::new("a:read", "r"), echo)
        .static_resource(public("static-public"), "")
        .resource(public("read-public"), echo)
        .resource(public("read-private"), of_its_own)
        .static_resource(
            public("static-private"),
            ReadResourceResult::text("").with_cache(Duration::ZERO, CacheScope::Private),
        )
        .resource_template(
            ResourceTemplate::new("b:{x}", "b").with_cache(minute, CacheScope::Public),
            echo,
        )
        .build()
        .unwrap();
    let (none, public) = (CacheHint::default(), CacheHint::new(minute, CacheScope::Public));
    for (uri, expected) in [
        ("a:static", none),
        ("a:read", none),
        ("a:static-public", public),
        ("a:read-public", public),
        ("a:read-private", none),
        ("a:static-private", none),
        ("b:1", public),
    ] {
        assert_eq!(hint(&server, uri), expected, "{uri}");
    }
    for method in ["resources/list", "resources/templates/list"] {
        let list = reply(&server, method, json!({}), cx()).unwrap();
        assert_eq!(list.cache_hint(), Some(public), "{method}");
    }
}

/// 2026-07-28, Caching, Cache Key: results of requests that carry the client's input "MUST NOT be
/// cached, as they depend on inputs that are not part of the cache key".
#[test]
fn what_rests_on_the_answers_of_a_client_is_not_cached() {
    let resource = || Resource::new("a:b", "b").with_cache(Duration::MAX, CacheScope::Public);
    let server = builder().resource(resource(), echo).build().unwrap();
    assert_eq!(hint(&server, "a:b").scope, CacheScope::Public);
    let answers = || [("key".to_owned(), ClientAnswer::Result(raw(json!(1))))];
    // What came of itself was no less part of the request.
    let (asked, unasked) = (cx(), cx());
    asked.inputs().restore(1, answers()).unwrap();
    unasked.inputs().offer(answers()).unwrap();
    for cx in [asked, unasked] {
        let read = reply(&server, "resources/read", json!({"uri": "a:b"}), cx).unwrap();
        assert_eq!(read.cache_hint(), Some(CacheHint::default()));
    }
}

/// 2026-07-28, Pagination: all lists of a server are cut in the same way.
#[test]
fn lists_come_in_pages_of_the_size_that_the_server_has() {
    let server = ["a:1", "a:2", "a:3"]
        .into_iter()
        .fold(builder().page_size(2), |builder, uri| {
            builder
                .static_resource(Resource::new(uri, "n"), "")
                .resource_template(ResourceTemplate::new(format!("{uri}/{{x}}"), "n"), echo)
        })
        .build()
        .unwrap();
    for (method, member, key) in [
        ("resources/list", "resources", "uri"),
        ("resources/templates/list", "resourceTemplates", "uriTemplate"),
    ] {
        let first = answer(&server, method, json!({})).unwrap();
        assert_eq!(first[member].as_array().unwrap().len(), 2);
        let cursor = &first["nextCursor"];
        let second = answer(&server, method, json!({ "cursor": cursor })).unwrap();
        assert_eq!(second[member].as_array().unwrap().len(), 1);
        assert!(second[member][0][key].as_str().unwrap().starts_with("a:3"));
        assert_eq!(second.get("nextCursor"), None);
        let error = answer(&server, method, json!({"cursor": "?"})).unwrap_err();
        assert_eq!(error, RpcError::invalid_params("Invalid cursor"));
        let other =
            if member == "resources" { "resources/templates/list" } else { "resources/list" };
        assert!(answer(&server, other, json!({ "cursor": cursor })).is_err(), "of another list");
    }
}

/// Two pages; the resource is its caller's alone, and templates there are none.
struct Catalogue;

impl ResourceCatalogue for Catalogue {
    fn list(
        self: Arc<Self>,
        cursor: Option<String>,
        _: Context,
    ) -> BoxFuture<'static, Result<ResourcePage, HandlerError>> {
        Box::pin(async move {
            let page = |uri: &str| ResourcePage::new([Arc::new(Resource::new(uri, "n"))]);
            match cursor.as_deref() {
                None => Ok(page("a:1").with_next_cursor("2")),
                Some("2") => Ok(page("a:2")),
                Some(_) => Err(HandlerError::protocol(-32602, "Invalid cursor", None)),
            }
        })
    }

    fn read(
        self: Arc<Self>,
        uri: String,
        _: Context,
    ) -> BoxFuture<'static, Result<ReadResourceResult, HandlerError>> {
        Box::pin(async move {
            match uri.as_str() {
                "a:1" => Ok(ReadResourceResult::text("one")
                    .with_contents(ResourceContents::text("a:1/x", "part"))
                    .with_meta("example.com/k", 1)),
                _ => Err(HandlerError::resource_not_found(uri)),
            }
        })
    }
}

#[test]
fn a_catalogue_lists_its_pages_and_reads() {
    let server = builder().resource_catalogue(Catalogue).build().unwrap();
    let list = |params| answer(&server, "resources/list", params);
    let one = |uri: &str| json!([{"uri": uri, "name": "n"}]);
    assert_eq!(list(json!({})), Ok(json!({"resources": one("a:1"), "nextCursor": "2"})));
    assert_eq!(list(json!({"cursor": "2"})), Ok(json!({"resources": one("a:2")})));
    assert_eq!(list(json!({"cursor": "3"})), Err(RpcError::invalid_params("Invalid cursor")));
    let templates = |params| answer(&server, "resources/templates/list", params);
    assert_eq!(templates(json!({})), Ok(json!({"resourceTemplates": []})));
    assert!(templates(json!({"cursor": "2"})).is_err());
    assert_eq!(
        read(&server, "a:1"),
        Ok(json!([{"uri": "a:1", "text": "one"}, {"uri": "a:1/x", "text": "part"}]))
    );
    let read_reply = reply(&server, "resources/read", json!({"uri": "a:1"}), cx()).unwrap();
    assert_eq!(json!(read_reply.meta()), json!({"example.com/k": 1}));
    assert_eq!(read(&server, "a:2").unwrap_err().code, ErrorCode::InvalidParams);
    assert_eq!(read(&server, "no uri").unwrap_err().message, "`uri`: not a URI (RFC 3986)");
    assert_eq!(json!(server.capabilities())["resources"], json!({}));
}

#[test]
fn a_server_has_resources_of_its_own_or_a_catalogue() {
    let template = ResourceTemplate::new("a:{b}", "b");
    for both in [
        builder().static_resource(Resource::new("a:b", "b"), ""),
        builder().resource_template(template, echo),
    ] {
        let error = both.resource_catalogue(Catalogue).build().unwrap_err();
        assert_eq!(
            error.to_string(),
            "a server has resources of its own or a catalogue of resources, not both"
        );
    }
}

#[test]
fn a_server_without_resources_has_none_of_their_methods() {
    let server = builder().build().unwrap();
    for method in ["resources/list", "resources/read", "resources/templates/list"] {
        let error = answer(&server, method, json!({"uri": "a:b"})).unwrap_err();
        assert_eq!(error.code, ErrorCode::MethodNotFound, "{method}");
    }
}
