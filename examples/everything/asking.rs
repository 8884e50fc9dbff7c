//! Tools that ask their client, and a resource that does: the person, the model, the roots; several
//! things at once, and one after the other. Each is one handler, for clients of both eras.

use mcp_http::{
    Arguments, BooleanSchema, Context, CreateMessage, Elicit, ElicitForm, Elicited,
    MultiSelectSchema, NumberSchema, ReadRequest, Resource, ServerBuilder, SingleSelectSchema,
    StringSchema, Tool, ToolError,
};
use serde_json::{Map, Value};

/// Adds all of this file.
pub(crate) fn add(builder: ServerBuilder) -> ServerBuilder {
    let builder = one_question(builder);
    let builder = forms(builder);
    let builder = rounds(builder);
    for_real_clients(builder)
}

// ---- what real clients are asked in tests/clients ----

/// Who travels, and how.
#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Traveller {
    /// As in the passport
    name: String,
    #[serde(default = "one")]
    #[schemars(range(min = 1, max = 9))]
    seats: u32,
    class: Class,
}

fn one() -> u32 {
    1
}

#[derive(Debug, serde::Deserialize, schemars::JsonSchema)]
enum Class {
    #[serde(rename = "1")]
    #[schemars(title = "First class")]
    First,
    #[serde(rename = "2")]
    #[schemars(title = "Second class")]
    Second,
}

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Prompt {
    /// What the model is asked
    prompt: String,
}

fn for_real_clients(builder: ServerBuilder) -> ServerBuilder {
    builder
        .tool(
            Tool::new("ask_person").with_description("Asks who travels"),
            async |_: Arguments, cx: Context| {
                let form = Elicit::typed::<Traveller>("Who travels?");
                Ok::<_, ToolError>(match cx.elicit("traveller", form)? {
                    Elicited::Accept(Traveller { name, seats, class }) => {
                        format!("{seats} x {class:?} for {name}")
                    }
                    Elicited::Decline => "declined".to_owned(),
                    Elicited::Cancel => "cancelled".to_owned(),
                })
            },
        )
        .tool(
            Tool::new("ask_page").with_description("Asks to open a page"),
            async |_: Arguments, cx: Context| {
                let page = Elicit::url("Please sign in", "https://example.com/connect")
                    .with_id("connect-1");
                Ok::<_, ToolError>(match cx.elicit("sign-in", page)? {
                    Elicited::Accept(()) => "opened",
                    Elicited::Decline => "declined",
                    Elicited::Cancel => "cancelled",
                })
            },
        )
        .typed_tool(
            "ask_model",
            "Asks the client's model",
            |args: Prompt, cx: Context| async move {
                let answer = cx.sample("answer", CreateMessage::new(args.prompt, 100))?;
                Ok::<_, ToolError>(format!("{} says: {}", answer.model(), answer.text()))
            },
        )
        .tool(
            Tool::new("ask_roots").with_description("Asks for the client's roots"),
            async |_: Arguments, cx: Context| {
                let roots = cx.list_roots("roots")?;
                let uris: Vec<_> = roots.iter().map(|root| root.uri()).collect();
                Ok::<_, ToolError>(uris.join(" "))
            },
        )
        .tool(
            Tool::new("ask_in_rounds").with_description("Asks three times, one after the other"),
            async |_: Arguments, cx: Context| {
                let mut words = Vec::new();
                for key in ["first", "second", "third"] {
                    words.push(answered(&cx, key, field(&format!("The {key} word?"), "word"))?);
                    cx.progress(words.len() as f64, Some(3.0), key);
                }
                Ok::<_, ToolError>(words.join(" "))
            },
        )
        .resource(
            Resource::new("test://asked-resource", "asked-resource")
                .with_description("Asks what it should hold"),
            async |_: ReadRequest, cx: Context| {
                answered(&cx, "content", field("What should it hold?", "word"))
            },
        )
}

// ---- one question of each kind, as the suites have them ----

fn field(message: &str, name: &str) -> ElicitForm {
    Elicit::form(message).with_required(name, StringSchema::new())
}

/// Asks for a form of one field, and tells what is in it.
fn answered(cx: &Context, key: &str, form: ElicitForm) -> Result<String, ToolError> {
    let answer = cx.elicit(key, form)?.accepted().unwrap_or_default();
    let text = answer.values().find_map(Value::as_str);
    Ok(text.unwrap_or("(nothing)").to_owned())
}

fn one_question(builder: ServerBuilder) -> ServerBuilder {
    builder
        .typed_tool(
            "test_sampling",
            "Asks the client's model",
            |args: Prompt, cx: Context| async move {
                let answer = cx.sample("answer", CreateMessage::new(args.prompt, 100))?;
                Ok::<_, ToolError>(format!("LLM response: {}", answer.text()))
            },
        )
        .tool(
            Tool::new("test_input_required_result_elicitation").with_description("Asks for a name"),
            async |_: Arguments, cx: Context| {
                let name = answered(&cx, "user_name", field("What is your name?", "name"))?;
                Ok::<_, ToolError>(format!("Hello, {name}!"))
            },
        )
        .tool(
            Tool::new("test_input_required_result_sampling")
                .with_description("Asks the client's model"),
            async |_: Arguments, cx: Context| {
                let question = CreateMessage::new("What is the capital of France?", 100);
                Ok::<_, ToolError>(cx.sample("capital_question", question)?.text())
            },
        )
        .tool(
            Tool::new("test_input_required_result_list_roots").with_description("Asks for roots"),
            async |_: Arguments, cx: Context| {
                let roots = cx.list_roots("client_roots")?;
                let uris: Vec<_> = roots.iter().map(|root| root.uri()).collect();
                Ok::<_, ToolError>(format!("Roots: {}", uris.join(", ")))
            },
        )
        .tool(
            Tool::new("test_input_required_result_capabilities")
                .with_description("Asks what the client can answer"),
            async |_: Arguments, cx: Context| {
                if cx.client_capabilities().supports("elicitation") {
                    return answered(&cx, "user_name", field("What is your name?", "name"));
                }
                let question = CreateMessage::new("What is the capital of France?", 100);
                Ok::<_, ToolError>(cx.sample("capital_question", question)?.text())
            },
        )
}

// ---- forms ----

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Message {
    /// What the person is asked
    message: String,
}

/// What was done with a form, in words.
fn told(answer: Elicited<Map<String, Value>>) -> String {
    match answer {
        Elicited::Accept(content) => format!("action=accept, content={}", Value::Object(content)),
        Elicited::Decline => "action=decline, content={}".to_owned(),
        Elicited::Cancel => "action=cancel, content={}".to_owned(),
    }
}

fn forms(builder: ServerBuilder) -> ServerBuilder {
    builder
        .typed_tool(
            "test_elicitation",
            "Asks the person",
            |args: Message, cx: Context| async move {
                let form = Elicit::form(args.message)
                    .with_required(
                        "username",
                        StringSchema::new().with_description("User's response"),
                    )
                    .with_required(
                        "email",
                        StringSchema::new().with_description("User's email address"),
                    );
                Ok::<_, ToolError>(format!("User response: {}", told(cx.elicit("user", form)?)))
            },
        )
        .tool(
            Tool::new("test_elicitation_sep1034_defaults")
                .with_description("Asks with a default for each kind of field"),
            async |_: Arguments, cx: Context| {
                let status = SingleSelectSchema::new(["active", "inactive", "pending"]);
                let form = Elicit::form("Please check the details")
                    .with_optional("name", StringSchema::new().with_default("John Doe"))
                    .with_optional("age", NumberSchema::integer().with_default(30.0))
                    .with_optional("score", NumberSchema::new().with_default(95.5))
                    .with_optional("status", status.with_default("active"))
                    .with_optional("verified", BooleanSchema::new().with_default(true));
                let told = told(cx.elicit("details", form)?);
                Ok::<_, ToolError>(format!("Elicitation completed: {told}"))
            },
        )
        .tool(
            Tool::new("test_elicitation_sep1330_enums")
                .with_description("Asks with each kind of choice"),
            async |_: Arguments, cx: Context| {
                let told = told(cx.elicit("choices", choices())?);
                Ok::<_, ToolError>(format!("Elicitation completed: {told}"))
            },
        )
}

fn choices() -> ElicitForm {
    let options = ["option1", "option2", "option3"];
    let values = |kind: &str| {
        [("value1", "First"), ("value2", "Second"), ("value3", "Third")]
            .map(|(value, title)| (value, format!("{title} {kind}")))
    };
    let named = [("opt1", "Option One"), ("opt2", "Option Two"), ("opt3", "Option Three")];
    Elicit::form("Please choose")
        .with_optional("untitledSingle", SingleSelectSchema::new(options))
        .with_optional("titledSingle", SingleSelectSchema::new(values("Option")))
        .with_optional("legacyEnum", SingleSelectSchema::new(named).with_enum_names())
        .with_optional("untitledMulti", MultiSelectSchema::new(options))
        .with_optional("titledMulti", MultiSelectSchema::new(values("Choice")))
}

// ---- several questions ----

fn rounds(builder: ServerBuilder) -> ServerBuilder {
    builder
        .tool(
            Tool::new("test_input_required_result_request_state")
                .with_description("Asks to confirm, with a state"),
            async |_: Arguments, cx: Context| {
                let form = Elicit::form("Please confirm").with_required("ok", BooleanSchema::new());
                cx.elicit("confirm", form)?;
                Ok::<_, ToolError>("state-ok: the state came back as it was")
            },
        )
        .tool(
            Tool::new("test_input_required_result_tampered_state")
                .with_description("Asks to confirm, with a state that nobody can change"),
            async |_: Arguments, cx: Context| {
                let form = Elicit::form("Please confirm").with_required("ok", BooleanSchema::new());
                cx.elicit("confirm", form)?;
                Ok::<_, ToolError>("confirmed")
            },
        )
        .tool(
            Tool::new("test_input_required_result_multiple_inputs")
                .with_description("Asks three things at once"),
            async |_: Arguments, cx: Context| {
                // First ask for all, then unwind.
                let name = answered(&cx, "user_name", field("What is your name?", "name"));
                let greeting = cx.sample("greeting", CreateMessage::new("Generate a greeting", 50));
                let roots = cx.list_roots("client_roots");
                let (name, greeting, roots) = (name?, greeting?, roots?);
                Ok::<_, ToolError>(format!("{} {name}: {} roots", greeting.text(), roots.len()))
            },
        )
        .tool(
            Tool::new("test_input_required_result_multi_round")
                .with_description("Asks one thing after the other"),
            async |_: Arguments, cx: Context| {
                let name = answered(&cx, "step1", field("Step 1: What is your name?", "name"))?;
                let color =
                    answered(&cx, "step2", field("Step 2: What is your favorite color?", "color"))?;
                Ok::<_, ToolError>(format!("{name} likes {color}"))
            },
        )
}
