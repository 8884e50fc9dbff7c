//! Completion: `completion/complete` in each revision.

use serde_json::{Value, json};

use super::{VERSIONS, json_gist};
use crate::support::messages::{Session, request};
use crate::support::prompts::prompts;
use crate::support::server::TestServer;
use crate::support::wire::Answer;

async fn complete(server: &TestServer, session: &Session, params: Value) -> Answer {
    session.send(server, &request(1, "completion/complete", params)).await
}

fn of_prompt(name: &str, argument: &str, value: &str) -> Value {
    json!({
        "ref": {"type": "ref/prompt", "name": name},
        "argument": {"name": argument, "value": value},
    })
}

/// 2025-11-25 (and 2025-03-26, 2025-06-18), Completion, Requesting Completions and Completion
/// Results: values "ranked by relevance", "Maximum 100 items per response", how many there are,
/// and whether there are more.
#[tokio::test]
async fn suggestions_are_ranked_counted_and_at_most_100() {
    let server = TestServer::with_server(prompts, |service| service).await;
    for version in VERSIONS {
        let session = Session::open(&server, version).await;
        let completion = async |argument: &str, value: &str| {
            let answer =
                complete(&server, &session, of_prompt("code_review", argument, value)).await;
            answer.json()["result"]["completion"].clone()
        };
        assert_eq!(
            completion("language", "py").await,
            json!({"values": ["python", "pytorch", "pyside"], "total": 3, "hasMore": false}),
            "{version}"
        );
        let nothing = json!({"values": [], "total": 0, "hasMore": false});
        assert_eq!(completion("language", "cobol").await, nothing, "{version}");
        assert_eq!(completion("note", "x").await, nothing, "{version}: nothing completes it");
        let many = completion("line", "").await;
        assert_eq!(many["values"].as_array().map(Vec::len), Some(100), "{version}");
        assert_eq!((&many["total"], &many["hasMore"]), (&json!(150), &json!(true)), "{version}");
    }
}

/// 2025-11-25 and 2025-06-18, Completion, Requesting Completions: "clients should include previous
/// completions in the `context.arguments` object to provide context".
#[tokio::test]
async fn the_other_arguments_are_context() {
    let server = TestServer::with_server(prompts, |service| service).await;
    for version in &VERSIONS[1..] {
        let session = Session::open(&server, version).await;
        let mut params = of_prompt("code_review", "framework", "fla");
        let values = |answer: Answer| answer.json()["result"]["completion"]["values"].clone();
        assert_eq!(values(complete(&server, &session, params.clone()).await), json!([]));
        params["context"] = json!({"arguments": {"language": "python"}});
        let answer = complete(&server, &session, params).await;
        assert_eq!(values(answer), json!(["flask"]), "{version}");
    }
}

/// 2025-11-25 (and 2025-03-26, 2025-06-18), Completion, Error Handling: "Invalid prompt name:
/// `-32602`", "Missing required arguments: `-32602`"; Security: implementations MUST "Validate all
/// completion inputs".
#[tokio::test]
async fn what_is_not_there_or_does_not_fit_is_invalid() {
    let server = TestServer::with_server(prompts, |service| service).await;
    for version in VERSIONS {
        let session = Session::open(&server, version).await;
        let good = || of_prompt("code_review", "language", "");
        let with = |member: &str, value: Value| {
            let mut params = good();
            params[member] = value;
            params
        };
        for params in [
            of_prompt("nobody", "language", ""),
            of_prompt("code_review", "nothing", ""),
            of_prompt("code_review", "language", &"x".repeat(8 * 1024 + 1)),
            with("ref", json!({"type": "ref/resource", "uri": "file:///{path}"})),
            with("ref", json!({"type": "ref/tool", "name": "echo"})),
            with("ref", json!(["ref/prompt", "code_review"])),
            with("argument", json!({"name": "language"})),
            with("argument", json!({"name": "language", "value": 1})),
            with("context", json!({"arguments": {"language": 1}})),
            json!({}),
        ] {
            let answer = complete(&server, &session, params.clone()).await;
            assert_eq!(json_gist(&answer), "1!-32602", "{version}: {params}");
        }
        let longest = of_prompt("code_review", "language", &"x".repeat(8 * 1024));
        assert_eq!(complete(&server, &session, longest).await.code(), None, "{version}");
    }
}

/// 2025-11-25 (and 2025-03-26, 2025-06-18), Completion, Error Handling: "Method not found: `-32601`
/// (Capability not supported)".
#[tokio::test]
async fn a_server_that_completes_nothing_has_no_such_method() {
    let server = TestServer::start().await;
    for version in VERSIONS {
        let session = Session::open(&server, version).await;
        let answer = complete(&server, &session, of_prompt("code_review", "language", "")).await;
        assert_eq!(json_gist(&answer), "1!-32601", "{version}");
    }
}
