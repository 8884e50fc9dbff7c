//! The questions and answers against the specification: its published examples, and the schemas
//! of all revisions.
//!
//! Neither is part of the crate: `MCP_SPEC_DIR` says where they are. Without them these tests say
//! so and pass, except in CI.

use std::path::PathBuf;

use jsonschema::Validator;
use serde_json::{Map, Value, json};

use super::choice::{Choice, MultiSelectSchema, SingleSelectSchema};
use super::elicit::{Elicit, ElicitForm, ElicitUrl, Elicited};
use super::field::{BooleanSchema, FieldSchema, NumberSchema, StringFormat, StringSchema};
use super::message::{SamplingContent, SamplingMessage};
use super::preferences::ModelPreferences;
use super::question::Ask;
use super::roots::ListRoots;
use super::sample::{CreateMessage, IncludeContext, StopReason, ToolChoice};
use super::tool_use::{ToolResult, ToolUse};
use crate::protocol::version::ProtocolVersion;
use crate::server::raw::RawJson;
use crate::server::{ClientCapabilities, Content, Role, Tool};

const ALL: [ProtocolVersion; 4] = [
    ProtocolVersion::V2025_03_26,
    ProtocolVersion::V2025_06_18,
    ProtocolVersion::V2025_11_25,
    ProtocolVersion::V2026_07_28,
];

/// A file of the specification's; `None`, loudly, where it is not there and need not be.
fn read_spec(path: &str) -> Option<Value> {
    let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/spec");
    let folder = std::env::var_os("MCP_SPEC_DIR").map_or_else(|| beside.into(), PathBuf::from);
    let path = folder.join(path);
    match std::fs::read(&path) {
        Ok(text) => {
            Some(serde_json::from_slice(&text).expect("the specification's files are JSON"))
        }
        Err(error) if std::env::var("CI").is_ok_and(|ci| ci == "true") => {
            panic!("{}: {error}", path.display())
        }
        Err(error) => {
            eprintln!("SKIPPED: {}: {error}", path.display());
            None
        }
    }
}

fn example(path: &str) -> Option<Value> {
    read_spec(&format!("2026-07-28/examples/{path}.json"))
}

fn value(json: &RawJson) -> Value {
    json.read().expect("valid JSON")
}

fn raw(value: &Value) -> RawJson {
    RawJson::from_serialize(value).expect("a value is JSON")
}

fn client(members: Value) -> ClientCapabilities {
    ClientCapabilities::new(members.as_object().expect("an object").clone())
}

fn params(question: &impl Ask, version: ProtocolVersion) -> Value {
    value(&question.params(version).expect("the revision can say it"))
}

/// The params of the latest revision are the specification's example.
#[track_caller]
fn assert_example(question: &impl Ask, path: &str) {
    if let Some(example) = example(path) {
        assert_eq!(params(question, ProtocolVersion::LATEST), example, "{path}");
    }
}

// Examples of 2026-07-28.

/// 2026-07-28, examples: ElicitRequestFormParams, ElicitRequestURLParams, ElicitRequest.
#[test]
fn the_examples_of_elicitation_are_what_is_sent() {
    let name = Elicit::form("Please provide your GitHub username")
        .with_required("name", StringSchema::new());
    assert_example(&name, "ElicitRequestFormParams/elicit-single-field");
    let contact = Elicit::form("Please provide your contact information")
        .with_required("name", StringSchema::new().with_description("Your full name"))
        .with_required(
            "email",
            StringSchema::new()
                .with_format(StringFormat::Email)
                .with_description("Your email address"),
        )
        .with_optional("age", NumberSchema::new().with_minimum(18.0).with_description("Your age"));
    assert_example(&contact, "ElicitRequestFormParams/elicit-multiple-fields");
    let url = Elicit::url(
        "Please provide your API key to continue.",
        "https://mcp.example.com/ui/set_api_key",
    );
    assert_example(&url, "ElicitRequestURLParams/elicit-sensitive-data");
}

/// 2026-07-28, examples: ElicitResult.
#[test]
fn the_examples_of_elicited_answers_are_read() {
    let form = Elicit::form("")
        .with_required("name", StringSchema::new())
        .with_optional("email", StringSchema::new())
        .with_optional("age", NumberSchema::new());
    for name in ["input-single-field", "input-multiple-fields"] {
        let Some(example) = example(&format!("ElicitResult/{name}")) else { return };
        let content = form.read(&raw(&example)).unwrap().accepted().unwrap();
        assert_eq!(json!(content), example["content"], "{name}");
    }
    let Some(example) = example("ElicitResult/accept-url-mode-no-content") else { return };
    assert_eq!(Elicit::url("", "").read(&raw(&example)), Ok(Elicited::Accept(())));
}

/// 2026-07-28, examples: StringSchema, NumberSchema, BooleanSchema, the four kinds of choices.
#[test]
fn the_examples_of_fields_are_read_and_written_as_they_are() {
    for path in [
        "StringSchema/email-input-schema",
        "NumberSchema/number-input-schema",
        "BooleanSchema/boolean-input-schema",
        "UntitledSingleSelectEnumSchema/color-select-schema",
        "TitledSingleSelectEnumSchema/titled-color-select-schema",
        "UntitledMultiSelectEnumSchema/color-multi-select-schema",
        "TitledMultiSelectEnumSchema/titled-color-multi-select-schema",
    ] {
        let Some(example) = example(path) else { return };
        let field = FieldSchema::from_schema(&example).unwrap();
        assert_eq!(field.wire(ProtocolVersion::LATEST), Ok(example.as_object().unwrap().clone()));
    }
}

fn weather_tool(city: Value) -> Tool {
    Tool::new("get_weather").with_description("Get current weather for a city").with_input_schema(
        json!({"type": "object", "properties": {"city": city}, "required": ["city"]}),
    )
}

fn wish(id: &str, city: &str) -> SamplingContent {
    let input = Map::from_iter([("city".to_owned(), city.into())]);
    SamplingContent::tool_use(ToolUse::new(id, "get_weather", input))
}

fn told(id: &str, text: &str) -> SamplingContent {
    SamplingContent::tool_result(ToolResult::new(id).with_content(text))
}

/// 2026-07-28, examples: CreateMessageRequestParams, ModelPreferences.
#[test]
fn the_examples_of_sampling_are_what_is_sent() {
    let capital = CreateMessage::new("What is the capital of France?", 100)
        .with_model_preferences(
            ModelPreferences::new()
                .with_hint("claude-3-sonnet")
                .with_intelligence_priority(0.8)
                .with_speed_priority(0.5),
        )
        .with_system_prompt("You are a helpful assistant.");
    assert_example(&capital, "CreateMessageRequestParams/basic-request");
    let weather = CreateMessage::new("What's the weather like in Paris and London?", 1000);
    let with_tools = weather
        .clone()
        .with_tool(weather_tool(json!({"type": "string", "description": "City name"})))
        .with_tool_choice(ToolChoice::Auto);
    assert_example(&with_tools, "CreateMessageRequestParams/request-with-tools");
    let follow_up = weather
        .with_message(
            SamplingMessage::assistant(wish("call_abc123", "Paris"))
                .with_content(wish("call_def456", "London")),
        )
        .with_message(
            SamplingMessage::user(told("call_abc123", "Weather in Paris: 18°C, partly cloudy"))
                .with_content(told("call_def456", "Weather in London: 15°C, rainy")),
        )
        .with_tool(weather_tool(json!({"type": "string"})));
    assert_example(&follow_up, "CreateMessageRequestParams/follow-up-with-tool-results");
    let preferences = ModelPreferences::new()
        .with_hint("claude-3-sonnet")
        .with_hint("claude")
        .with_cost_priority(0.3)
        .with_speed_priority(0.8)
        .with_intelligence_priority(0.5);
    if let Some(example) = example("ModelPreferences/with-hints-and-priorities") {
        assert_eq!(serde_json::to_value(preferences).unwrap(), example);
    }
}

/// 2026-07-28, examples: CreateMessageResult, SamplingMessage, ToolUseContent, ToolResultContent.
#[test]
fn the_examples_of_messages_are_read_and_written_as_they_are() {
    let question = CreateMessage::new("", 1);
    for name in ["text-response", "final-response", "tool-use-response"] {
        let Some(mut example) = example(&format!("CreateMessageResult/{name}")) else { return };
        let result = question.read(&raw(&example)).unwrap();
        assert_eq!(result.role(), Role::Assistant);
        assert_eq!(result.model(), "claude-3-sonnet-20240307");
        let uses_tools = *result.stop_reason().unwrap() == StopReason::ToolUse;
        assert_eq!(uses_tools, name == "tool-use-response");
        let members = example.as_object_mut().unwrap();
        members.retain(|name, _| name == "role" || name == "content");
        assert_eq!(result.into_message().wire(ProtocolVersion::LATEST), [example]);
    }
    let mut messages = Vec::new();
    for name in ["single-content-block", "multiple-content-blocks"] {
        messages.extend(example(&format!("SamplingMessage/{name}")));
    }
    for path in ["ToolUseContent/get-weather-tool-use", "ToolResultContent/get-weather-tool-result"]
    {
        messages.extend(example(path).map(|block| json!({"role": "user", "content": block})));
    }
    for example in messages {
        let object = super::answer::Object::new(&example, "").unwrap();
        let message = SamplingMessage::read(object).unwrap();
        assert_eq!(message.wire(ProtocolVersion::LATEST), [example]);
    }
}

/// 2026-07-28, examples: ListRootsResult.
#[test]
fn the_examples_of_roots_are_read() {
    for name in ["single-root-directory", "multiple-root-directories"] {
        let Some(example) = example(&format!("ListRootsResult/{name}")) else { return };
        let roots = ListRoots::new().read(&raw(&example)).unwrap();
        let written = |root: &super::roots::Root| json!({"uri": root.uri(), "name": root.name()});
        let written: Vec<Value> = roots.iter().map(written).collect();
        assert_eq!(json!({"roots": written}), example);
    }
}

/// 2026-07-28, examples: InputRequests, InputResponses (MRTR, Core Types).
#[test]
fn the_examples_of_several_questions_at_once_are_sent_and_read() {
    let login = Elicit::form("Please provide your GitHub username")
        .with_required("name", StringSchema::new());
    let capital = CreateMessage::new("What is the capital of France?", 100);
    fn request<Q: Ask>(question: &Q) -> Value {
        json!({"method": Q::METHOD, "params": params(question, ProtocolVersion::LATEST)})
    }
    let requests = json!({"github_login": request(&login), "capital_of_france": request(&capital)});
    let name = "elicitation-and-sampling-input-requests";
    let Some(example_requests) = example(&format!("InputRequests/{name}")) else { return };
    assert_eq!(requests, example_requests);
    let name = "elicitation-and-sampling-input-responses";
    let Some(responses) = example(&format!("InputResponses/{name}")) else { return };
    let answer = login.read(&raw(&responses["github_login"])).unwrap();
    assert_eq!(answer.accepted().unwrap()["name"], "octocat");
    let answer = capital.read(&raw(&responses["capital_of_france"])).unwrap();
    assert_eq!(answer.text(), "The capital of France is Paris.");
}

// The schemas of all revisions.

fn validator(version: ProtocolVersion, definition: &str) -> Option<Validator> {
    let mut schema = read_spec(&format!("{version}/schema.json"))?;
    let definitions = if schema.get("$defs").is_some() { "$defs" } else { "definitions" };
    schema["$ref"] = json!(format!("#/{definitions}/{definition}"));
    let options = jsonschema::options().should_validate_formats(true);
    Some(options.build(&schema).expect("the specification's schema is one"))
}

/// The request, as far as the revision has it, fits its schema; `known` says where it has.
#[track_caller]
fn assert_schema<Q: Ask>(question: &Q, definition: &str, known: [bool; 4]) {
    for (version, known) in ALL.into_iter().zip(known) {
        let sent = question.params(version);
        assert_eq!(sent.is_ok(), known, "{definition} in {version}: {sent:?}");
        let (Ok(sent), Some(validator)) =
            (sent, known.then(|| validator(version, definition)).flatten())
        else {
            continue;
        };
        let request =
            json!({"jsonrpc": "2.0", "id": 1, "method": Q::METHOD, "params": value(&sent)});
        let faults: Vec<_> = validator.iter_errors(&request).map(|e| e.to_string()).collect();
        assert!(faults.is_empty(), "{version}: {faults:#?}\n{request:#}");
    }
}

fn one_of_each() -> ElicitForm {
    Elicit::form("All")
        .with_required("text", StringSchema::new().with_min_length(1).with_default("a"))
        .with_required("moment", StringSchema::new().with_format(StringFormat::DateTime))
        .with_optional("number", NumberSchema::new().with_maximum(1.5).with_default(0.5))
        .with_optional("integer", NumberSchema::integer().with_title("I").with_default(7.0))
        .with_optional("boolean", BooleanSchema::new().with_default(true))
        .with_optional("plain", SingleSelectSchema::new(["a", "b"]).with_default("b"))
        .with_optional("titled", SingleSelectSchema::new([("a", "A"), ("b", "B")]))
        .with_optional("named", SingleSelectSchema::new([("a", "A")]).with_enum_names())
}

#[test]
fn every_question_fits_the_schema_of_each_revision_that_knows_it() {
    let elicit = "ElicitRequest";
    assert_schema(&one_of_each(), elicit, [false, true, true, true]);
    assert_schema(&Elicit::form("Agreed?"), elicit, [false, true, true, true]);
    let several = MultiSelectSchema::new([("a", "A"), ("b", "B")]).with_max_items(2);
    let form = one_of_each().with_required("several", several.with_default(["b"]));
    assert_schema(&form, elicit, [false, false, true, true]);
    let page = Elicit::url("Sign in", "https://example.com/7");
    assert_schema(&page, elicit, [false, false, true, true]);
    let sample = "CreateMessageRequest";
    let picture = CreateMessage::new("What is this?", 10)
        .with_message(
            SamplingMessage::user(SamplingContent::image(&b"\xff"[..], "image/png"))
                .with_content(SamplingContent::audio(&b"\xff"[..], "audio/wav").with_meta("k", 1)),
        )
        .with_include_context(IncludeContext::ThisServer)
        .with_temperature(0.5)
        .with_stop_sequence("END")
        .with_metadata("k", 1)
        .with_model_preferences(ModelPreferences::new().with_cost_priority(7.0));
    assert_schema(&picture, sample, [true; 4]);
    let content = Content::image(&b"\xff"[..], "image/png");
    let result = ToolResult::new("1").with_content(content).with_structured(json!({})).failed();
    let tools = CreateMessage::new("?", 10)
        .with_message(SamplingMessage::assistant(wish("1", "Paris")))
        .with_message(SamplingMessage::user(SamplingContent::tool_result(result)))
        .with_tool(Tool::new("t"))
        .with_tool_choice(ToolChoice::Required);
    assert_schema(&tools, sample, [false, false, true, true]);
    assert_schema(&ListRoots::new(), "ListRootsRequest", [true; 4]);
}

// What each revision can hold.

fn field(schema: impl Into<FieldSchema>, version: ProtocolVersion) -> Value {
    schema.into().wire(version).expect("the revision can say it").into()
}

/// 2025-06-18, schema, PrimitiveSchemaDefinition: a default for booleans alone, titles in
/// `enumNames`; 2025-11-25, Key Changes: `oneOf`, and defaults for all.
#[test]
fn a_field_is_written_as_the_revision_has_it() {
    let [_, old, new, latest] = ALL;
    let titled = SingleSelectSchema::new([("a", "A"), ("b", "B")]).with_default("a");
    let names = json!({"type": "string", "enum": ["a", "b"], "enumNames": ["A", "B"]});
    assert_eq!(field(titled.clone(), old), names);
    let one_of = json!([{"const": "a", "title": "A"}, {"const": "b", "title": "B"}]);
    for version in [new, latest] {
        assert_eq!(
            field(titled.clone(), version),
            json!({"type": "string", "oneOf": one_of, "default": "a"})
        );
        let named = titled.clone().with_enum_names();
        assert_eq!(field(named, version)["enumNames"], json!(["A", "B"]));
    }
    assert_eq!(field(StringSchema::new().with_default("a"), old), json!({"type": "string"}));
    assert_eq!(field(NumberSchema::new().with_default(1.0), old), json!({"type": "number"}));
    assert_eq!(field(BooleanSchema::new().with_default(true), old)["default"], true);
    let partly = SingleSelectSchema::new([Choice::from("a"), Choice::titled("b", "B")]);
    assert_eq!(field(partly, latest)["oneOf"][0], json!({"const": "a", "title": "a"}));
}

/// 2025-06-18, Elicitation: there is one mode and no word for it.
#[test]
fn a_mode_is_said_where_there_are_two() {
    let form = Elicit::form("?");
    let modes: Vec<_> =
        ALL[1..].iter().map(|version| params(&form, *version).get("mode").cloned()).collect();
    assert_eq!(modes, [None, Some(json!("form")), Some(json!("form"))]);
}

/// 2025-11-25, Elicitation, URL Mode: `elicitationId`; 2026-07-28 has none.
#[test]
fn a_page_has_an_id_in_2025_11_25_alone() {
    let page = Elicit::url("?", "https://example.com/7");
    let sent = |page: &ElicitUrl, version| params(page, version).get("elicitationId").cloned();
    assert_eq!(sent(&page, ALL[2]), Some(json!("https://example.com/7")));
    assert_eq!(sent(&page.clone().with_id("7"), ALL[2]), Some(json!("7")));
    assert_eq!(sent(&page.with_id("7"), ALL[3]), None);
}

/// 2025-06-18, schema, SamplingMessage: one block each.
#[test]
fn a_message_of_several_blocks_is_several_messages_before_2025_11_25() {
    let message = SamplingMessage::user("a").with_content("b");
    let text = |text: &str| json!({"type": "text", "text": text});
    for version in [ALL[0], ALL[1]] {
        assert_eq!(
            message.wire(version),
            [
                json!({"role": "user", "content": text("a")}),
                json!({"role": "user", "content": text("b")})
            ]
        );
    }
    assert_eq!(message.wire(ALL[2]), [json!({"role": "user", "content": [text("a"), text("b")]})]);
}

#[test]
fn fields_come_in_the_order_in_which_they_were_added() {
    let form = Elicit::form("?")
        .with_required("z", StringSchema::new())
        .with_optional("a", StringSchema::new())
        .with_required("m", StringSchema::new())
        .with_optional("a", BooleanSchema::new());
    let sent = form.params(ProtocolVersion::LATEST).unwrap();
    assert_eq!(
        sent.as_str(),
        r#"{"mode":"form","message":"?","requestedSchema":{"type":"object","properties":{"z":{"type":"string"},"m":{"type":"string"},"a":{"type":"boolean"}},"required":["z","m"]}}"#
    );
}

// Whom may be asked.

/// 2026-07-28, Elicitation, Capabilities: "an empty capabilities object is equivalent to declaring
/// support for `form` mode only"; "Servers MUST NOT send elicitation requests with modes that are
/// not supported by the client."
#[test]
fn a_client_is_asked_in_the_modes_that_it_declared() {
    let (form, page) = (Elicit::form("?"), Elicit::url("?", "a:b"));
    for (declared, forms, pages) in [
        (json!({}), false, false),
        (json!({"elicitation": null}), false, false),
        (json!({"elicitation": {}}), true, false),
        (json!({"elicitation": {"form": {}}}), true, false),
        (json!({"elicitation": {"url": {}}}), false, true),
        (json!({"elicitation": {"form": {}, "url": {}}}), true, true),
        (json!({"elicitation": {"url": false}}), true, false),
        (json!({"sampling": {}, "roots": {}}), false, false),
    ] {
        let client = client(declared.clone());
        assert_eq!(form.is_supported_by(&client), forms, "{declared}");
        assert_eq!(page.is_supported_by(&client), pages, "{declared}");
    }
    assert_eq!(json!(form.requires()), json!(["elicitation", {"form": {}}]));
    assert_eq!(json!(page.requires()), json!(["elicitation", {"url": {}}]));
}

/// 2026-07-28, Sampling, Tools in Sampling: "Servers MUST NOT send tool-enabled sampling requests
/// to Clients that have not declared support for tool use via the `sampling.tools` capability."
#[test]
fn tools_are_sent_only_to_a_client_that_declared_sampling_tools() {
    let plain = CreateMessage::new("?", 1);
    let results = SamplingMessage::user(told("1", ""));
    for question in [
        plain.clone().with_tool(Tool::new("t")),
        plain.clone().with_tool_choice(ToolChoice::None),
        plain.clone().with_message(SamplingMessage::assistant(wish("1", ""))).with_message(results),
    ] {
        assert!(!question.is_supported_by(&client(json!({"sampling": {}}))));
        assert!(!question.is_supported_by(&client(json!({"sampling": {"tools": true}}))));
        assert!(question.is_supported_by(&client(json!({"sampling": {"tools": {}}}))));
        assert_eq!(json!(question.requires()), json!(["sampling", {"tools": {}}]));
        let error = question.params(ProtocolVersion::V2025_06_18).unwrap_err();
        assert_eq!(error.to_string(), "The client did not declare what this needs: sampling");
    }
    assert!(plain.is_supported_by(&client(json!({"sampling": {}}))));
    assert!(!plain.is_supported_by(&client(json!({"elicitation": {}}))));
    assert_eq!(json!(plain.requires()), json!(["sampling", {}]));
}

// Answers.

fn form_error(form: &ElicitForm, answer: Value) -> String {
    form.read(&raw(&answer)).unwrap_err()
}

/// 2026-07-28, Elicitation, Response Actions.
#[test]
fn an_answer_is_an_action_with_content_where_it_is_accepted() {
    let form = Elicit::form("?").with_required("name", StringSchema::new());
    let read = |answer: Value| form.read(&raw(&answer));
    assert_eq!(read(json!({"action": "decline", "content": {}})), Ok(Elicited::Decline));
    assert_eq!(read(json!({"action": "cancel", "content": null})), Ok(Elicited::Cancel));
    let accepted = read(json!({"action": "accept", "content": {"name": "a"}, "more": 1})).unwrap();
    assert!(accepted.is_accepted());
    assert_eq!(accepted.map(|content| content.len()), Elicited::Accept(1));
    for (answer, error) in [
        (json!(["accept", {"name": "a"}]), "the answer is an array, not an object"),
        (json!({"content": {"name": "a"}}), "`action` is missing"),
        (json!({"action": 1}), "`action` is a number, not a string"),
        (json!({"action": "Accept"}), "`action` is none of accept, decline and cancel"),
        (json!({"action": "accept"}), "`name` is missing"),
        (json!({"action": "accept", "content": ["a"]}), "`content` is an array, not an object"),
        (json!({"action": "accept", "content": {}}), "`name` is missing"),
        (json!({"action": "accept", "content": {"name": null}}), "`name` is null, not a string"),
        (json!({"action": "accept", "content": {"name": 7}}), "`name` is a number, not a string"),
    ] {
        assert_eq!(form_error(&form, answer), error);
    }
    assert_eq!(
        Elicit::form("Agreed?").read(&raw(&json!({"action": "accept"}))).unwrap(),
        Elicited::Accept(Map::new())
    );
}

/// 2026-07-28, Elicitation, Form Mode Security: "Servers SHOULD validate received data matches
/// the requested schema".
#[test]
fn what_was_not_asked_for_is_dropped_and_what_was_is_held_against_its_field() {
    let form = Elicit::form("?")
        .with_optional("age", NumberSchema::integer().with_minimum(18.0))
        .with_optional("size", SingleSelectSchema::new([("s", "Small")]))
        .with_optional("tags", MultiSelectSchema::new(["a", "b"]).with_max_items(1));
    let accept = |content: Value| json!({"action": "accept", "content": content});
    let read = |content| form.read(&raw(&accept(content))).map(Elicited::accepted);
    assert_eq!(
        json!(read(json!({"age": 18.0, "size": "s", "tags": ["a"], "role": "admin"}))),
        json!({"Ok": {"age": 18, "size": "s", "tags": ["a"]}})
    );
    assert_eq!(json!(read(json!({"age": null}))), json!({"Ok": {}}));
    for (content, error) in [
        (json!({"age": 17}), "`age` is less than 18"),
        (json!({"size": "Small"}), "`size` is none of the choices"),
        (json!({"tags": ["a", "b"]}), "`tags` has more than 1 choices"),
    ] {
        assert_eq!(form_error(&form, accept(content)), error);
    }
}

/// 2026-07-28 and 2025-11-25, Sampling, Capabilities: servers "SHOULD NOT use" `thisServer` and
/// `allServers` "unless the client declares `sampling.context` capability".
#[test]
fn only_a_client_that_declared_it_is_asked_to_include_context() {
    let sent = |context, version, declared: Value| {
        let question = CreateMessage::new("?", 1).with_include_context(context);
        let question = question.fit_for(version, || client(json!({"sampling": declared})));
        params(&question, version).get("includeContext").cloned()
    };
    for version in ALL {
        let is_declared = version >= ProtocolVersion::V2025_11_25;
        for (context, wire) in
            [(IncludeContext::ThisServer, "thisServer"), (IncludeContext::AllServers, "allServers")]
        {
            let wire = Some(json!(wire));
            assert_eq!(sent(context, version, json!({"context": {}})), wire, "{version}");
            for declared in [json!({}), json!({"context": true}), json!({"tools": {}})] {
                let expected = wire.clone().filter(|_| !is_declared);
                assert_eq!(sent(context, version, declared), expected, "{version}");
            }
        }
        assert_eq!(sent(IncludeContext::None, version, json!({})), Some(json!("none")));
    }
}

/// A form that nobody could fill in is the server's mistake, and is told as such.
#[test]
fn a_form_that_cannot_be_is_an_error_that_names_the_field() {
    let error = |schema: FieldSchema| {
        let form = Elicit::form("?").with_required("f", schema);
        form.params(ProtocolVersion::LATEST).unwrap_err().to_string()
    };
    let text = StringSchema::new().with_format(StringFormat::Date).with_default("today");
    assert_eq!(error(text.into()), "field `f` of a form: the default is not of the format date");
    let choice = SingleSelectSchema::new(["a"]).with_default("b");
    assert_eq!(error(choice.into()), "field `f` of a form: the default is none of the choices");
    let nothing = SingleSelectSchema::new(Vec::<String>::new());
    assert_eq!(error(nothing.into()), "field `f` of a form: there is nothing to choose from");
    let twice = MultiSelectSchema::new([("a", "A"), ("a", "B")]);
    assert_eq!(error(twice.into()), "field `f` of a form: a choice is there twice");
}

/// 2026-07-28, schema, CreateMessageResult.
#[test]
fn what_the_model_says_is_read_strictly_and_unknown_members_are_ignored() {
    let read = |answer: Value| CreateMessage::new("?", 1).read(&raw(&answer));
    let result = read(json!({
        "role": "assistant", "model": "m", "stopReason": "bored", "more": 1, "_meta": {"k": 1},
        "content": [
            {"type": "text", "text": "a", "annotations": {"priority": 1}, "more": 1},
            {"type": "image", "data": "AQI=", "mimeType": "image/png"},
            {"type": "audio", "data": "", "mimeType": "audio/wav"},
            {"type": "text", "text": "b", "_meta": {"cache": true}},
        ],
    }))
    .unwrap();
    assert_eq!((result.role(), result.text().as_str()), (Role::Assistant, "ab"));
    assert_eq!(result.stop_reason(), Some(&StopReason::Other("bored".to_owned())));
    assert_eq!(result.content()[1].as_image(), Some((&b"\x01\x02"[..], "image/png")));
    assert_eq!(result.content()[2].as_audio(), Some((&b""[..], "audio/wav")));
    // 2026-07-28, schema, ToolUseContent: `_meta` is preserved for the client's caches.
    let back = &result.into_message().wire(ProtocolVersion::LATEST)[0];
    assert_eq!(back["_meta"], json!({"k": 1}));
    assert_eq!(back["content"][3]["_meta"], json!({"cache": true}));
    assert_eq!(back["content"][0]["annotations"], json!({"priority": 1}));
    let text = json!({"type": "text", "text": "a"});
    for (answer, error) in [
        (json!(["assistant", "m", text]), "the answer is an array, not an object"),
        (json!({"role": "assistant", "content": text}), "`model` is missing"),
        (
            json!({"role": "system", "content": text, "model": "m"}),
            "`role` is neither user nor assistant",
        ),
        (json!({"role": "user", "model": "m"}), "`content` is missing"),
        (
            json!({"role": "user", "model": "m", "content": "a"}),
            "`content` is a string, not an object",
        ),
        (
            json!({"role": "user", "model": "m", "content": [text, ["text", "a"]]}),
            "`content[1]` is an array, not an object",
        ),
        (
            json!({"role": "user", "model": "m", "content": {"type": "text"}}),
            "`content.text` is missing",
        ),
        (
            json!({"role": "user", "model": "m", "content": {"type": "video"}}),
            "`content.type` is no kind of content in sampling",
        ),
        (
            json!({"role": "user", "model": "m", "content": [{"type": "image", "data": "?", "mimeType": "a/b"}]}),
            "`content[0].data` is no Base64",
        ),
        (
            json!({"role": "user", "model": "m", "content": {"type": "tool_use", "id": "1", "name": "t", "input": []}}),
            "`content.input` is an array, not an object",
        ),
        (
            json!({"role": "user", "model": "m", "content": text, "stopReason": 1}),
            "`stopReason` is a number, not a string",
        ),
    ] {
        assert_eq!(read(answer).unwrap_err(), error);
    }
}

/// 2026-07-28, Sampling, Tool Result Messages: "it MUST contain ONLY tool results"; Tool Use and
/// Result Balance: "each tool use … matched by a corresponding tool result …, before any other
/// message."
#[test]
fn each_use_of_a_tool_is_followed_by_its_result_and_nothing_else() {
    let ask = |messages: Vec<SamplingMessage>| {
        let question = CreateMessage::new("?", 1);
        let question = messages.into_iter().fold(question, CreateMessage::with_message);
        question.params(ProtocolVersion::LATEST).map(|_| ()).map_err(|error| error.to_string())
    };
    let uses = || {
        SamplingMessage::assistant("Let me see")
            .with_content(wish("1", "a"))
            .with_content(wish("2", "b"))
    };
    let results = || SamplingMessage::user(told("2", "b")).with_content(told("1", "a"));
    assert_eq!(ask(vec![uses(), results()]), Ok(()));
    assert_eq!(ask(vec![uses(), results(), uses(), results(), "More?".into()]), Ok(()));
    let prefix = "the client's model cannot be asked: ";
    let followed = "each use of a tool is followed by its result, and by nothing else";
    let alone = "results of tools stand in a message of the user's of their own";
    for (messages, error) in [
        (vec![uses()], "the last use of a tool has no result"),
        (vec![uses(), "And?".into(), results()], followed),
        (vec![uses(), SamplingMessage::user(told("1", "a"))], followed),
        (vec![uses(), results().with_content(told("3", ""))], followed),
        (vec![uses(), results().with_content(told("1", ""))], followed),
        (vec![results()], followed),
        (vec![uses(), results().with_content("there")], alone),
        (
            vec![uses(), SamplingMessage::assistant(told("1", "a")).with_content(told("2", ""))],
            alone,
        ),
        (vec![SamplingMessage::user(wish("1", "a"))], "only the assistant uses tools"),
    ] {
        assert_eq!(ask(messages), Err(format!("{prefix}{error}")));
    }
}

/// 2026-07-28, schema, ModelPreferences: priorities are numbers from 0 to 1.
#[test]
fn a_preference_is_from_0_to_1() {
    let wishes = ModelPreferences::new()
        .with_cost_priority(-1.0)
        .with_speed_priority(f64::INFINITY)
        .with_intelligence_priority(f64::NAN);
    let wishes = serde_json::to_value(wishes).unwrap();
    assert_eq!(wishes, json!({"costPriority": 0.0, "speedPriority": 1.0}));
    let question = CreateMessage::new("?", 1).with_temperature(f64::NAN);
    assert_eq!(params(&question, ProtocolVersion::LATEST).get("temperature"), None);
}
