//! Utilities, Pagination: of all lists that are registered.

use mcp_http::{
    Arguments, Context, HandlerError, ReadRequest, Resource, ResourceTemplate, ServerBuilder, Tool,
};
use serde_json::{Value, json};

use super::{Client, MODERN, REVISIONS};
use crate::support::server::TestServer;

/// The lists: their methods, their members, and what their entries are known by.
const LISTS: [(&str, &str, &str); 3] = [
    ("tools/list", "tools", "name"),
    ("resources/list", "resources", "uri"),
    ("resources/templates/list", "resourceTemplates", "uriTemplate"),
];

/// Five of each kind and more tools, two a page.
fn five_of_each(mut builder: ServerBuilder) -> ServerBuilder {
    for n in 0..5 {
        let template = ResourceTemplate::new(format!("test://{n}/{{x}}"), format!("t{n}"));
        builder = builder
            .tool(Tool::new(format!("t{n}")), |_: Arguments, _: Context| async {
                Ok::<_, HandlerError>(())
            })
            .static_resource(Resource::new(format!("test://{n}"), format!("r{n}")), "")
            .resource_template(template, |_: ReadRequest, _: Context| async {
                Ok::<_, HandlerError>("")
            });
    }
    builder.page_size(2)
}

/// All entries of a list, by their keys, page after page; and how many pages there were.
async fn walk(
    client: &Client<'_>,
    (method, member, key): (&str, &str, &str),
) -> (Vec<String>, usize) {
    let (mut keys, mut pages, mut params) = (Vec::new(), 0, json!({}));
    loop {
        let page = client.result(method, params).await;
        let entries = page[member].as_array().expect("a list");
        assert!((1..=2).contains(&entries.len()), "{page}");
        keys.extend(entries.iter().map(|entry| entry[key].as_str().expect("a key").to_owned()));
        pages += 1;
        // 2026-07-28, Caching: the same hints on each page.
        if client.revision == MODERN {
            assert_eq!((&page["ttlMs"], &page["cacheScope"]), (&json!(0), &json!("private")));
        }
        match page.get("nextCursor") {
            Some(cursor) => params = json!({ "cursor": cursor }),
            None => return (keys, pages),
        }
    }
}

/// Response Format: "An optional `nextCursor` field if more results exist"; Implementation
/// Guidelines: "Provide stable cursors", which mean the same to another process.
#[tokio::test]
async fn every_entry_of_a_list_is_on_one_of_its_pages() {
    let server = TestServer::with_server(five_of_each, |service| service).await;
    let other = TestServer::with_server(five_of_each, |service| service).await;
    for revision in REVISIONS {
        let client = Client::of(&server, revision).await;
        for list in LISTS {
            let (keys, pages) = walk(&client, list).await;
            let mut distinct = keys.clone();
            distinct.sort_unstable();
            distinct.dedup();
            assert_eq!(distinct.len(), keys.len(), "{revision}, {}", list.0);
            assert!(keys.len() >= 5 && pages == keys.len().div_ceil(2), "{revision}, {}", list.0);
            let first = client.result(list.0, json!({})).await;
            let second = json!({"cursor": first["nextCursor"]});
            let here = client.result(list.0, second.clone()).await;
            let there = Client::of(&other, revision).await.result(list.0, second).await;
            assert_eq!(here[list.1], there[list.1], "{revision}, {}", list.0);
        }
    }
}

/// Error Handling: "Invalid cursors SHOULD result in an error with code -32602 (Invalid params)";
/// Implementation Guidelines: "Handle invalid cursors gracefully".
#[tokio::test]
async fn a_cursor_that_this_list_never_gave_is_invalid_params() {
    let server = TestServer::with_server(five_of_each, |service| service).await;
    for revision in REVISIONS {
        let client = Client::of(&server, revision).await;
        for (method, _, _) in LISTS {
            let of_another = LISTS.iter().find(|list| list.0 != method).expect("another list").0;
            let of_another = client.result(of_another, json!({})).await["nextCursor"].clone();
            let bad =
                [json!(""), json!("1"), json!("nonsense"), json!(1), json!(["x"]), of_another];
            for cursor in bad {
                let error = client.error(method, json!({ "cursor": cursor })).await;
                assert_eq!(error["code"], -32602, "{revision}, {method}, {cursor}: {error}");
            }
            assert!(client.result(method, json!({"cursor": Value::Null})).await.is_object());
        }
    }
}
