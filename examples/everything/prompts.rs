//! Prompts: with arguments, with every kind of content, and one that asks its client; and what
//! completes their arguments.

use mcp_http::{
    Arguments, Changes, Completion, CompletionRequest, Content, Context, Elicit, Elicited,
    HandlerError, Icon, Prompt, PromptArgument, PromptMessage, ResourceContents, ServerBuilder,
    Tool, ToolError,
};

use crate::tools::RED_PIXEL;

/// Adds all prompts of this file, and their completion.
pub(crate) fn add(builder: ServerBuilder, changes: &Changes) -> ServerBuilder {
    let builder = content_prompts(builder);
    let builder = typed_prompts(builder);
    let builder = completions(builder);
    announcing_tool(builder, changes)
}

// ---- each kind of content ----

fn content_prompts(builder: ServerBuilder) -> ServerBuilder {
    builder
        .prompt(
            Prompt::new("test_simple_prompt")
                .with_title("A simple prompt")
                .with_description("Says a text")
                .with_icon(Icon::new("https://example.com/prompt.svg").with_size("any")),
            async |_: Arguments, _: Context| {
                Ok::<_, HandlerError>("This is a simple prompt for testing.")
            },
        )
        .prompt(
            Prompt::new("test_prompt_with_embedded_resource")
                .with_description("Embeds a resource")
                .with_argument(
                    PromptArgument::required("resourceUri")
                        .with_description("URI of the resource to embed"),
                ),
            embedded_resource,
        )
        .prompt(
            Prompt::new("test_prompt_with_image").with_description("Shows an image"),
            async |_: Arguments, _: Context| {
                Ok::<_, HandlerError>([
                    PromptMessage::user(Content::image(RED_PIXEL, "image/png")),
                    PromptMessage::user("Please analyze the image above."),
                ])
            },
        )
}

async fn embedded_resource(
    arguments: Arguments,
    _cx: Context,
) -> Result<[PromptMessage; 2], HandlerError> {
    #[derive(serde::Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Embedded {
        resource_uri: String,
    }
    let Embedded { resource_uri } = arguments.parse()?;
    let text = "Embedded resource content for testing.";
    let resource = ResourceContents::text(resource_uri, text).with_mime_type("text/plain");
    Ok([
        PromptMessage::user(Content::resource(resource)),
        PromptMessage::user("Please process the embedded resource above."),
    ])
}

// ---- prompts whose arguments are a type ----

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct TwoArguments {
    /// First test argument
    arg1: String,
    /// Second test argument
    arg2: String,
}

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Review {
    /// The code to review
    code: String,
    /// What the code is written in
    language: Option<String>,
    /// What the code is built on
    framework: Option<String>,
    /// How strict to be
    strictness: Option<Strictness>,
    /// At most so many remarks
    remarks: Option<u8>,
}

#[derive(Debug, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Strictness {
    Lenient,
    Pedantic,
}

fn typed_prompts(builder: ServerBuilder) -> ServerBuilder {
    builder
        .typed_prompt(
            "test_prompt_with_arguments",
            "Repeats its arguments",
            async |TwoArguments { arg1, arg2 }, _: Context| {
                Ok::<_, HandlerError>(format!(
                    "Prompt with arguments: arg1='{arg1}', arg2='{arg2}'"
                ))
            },
        )
        .typed_prompt("code_review", "Asks the model for a review", review)
        .prompt(
            Prompt::new("test_input_required_result_prompt")
                .with_description("Asks the client what it should be about"),
            about_what_the_client_says,
        )
}

async fn review(review: Review, _cx: Context) -> Result<Vec<PromptMessage>, HandlerError> {
    let kind = [review.framework, review.language].into_iter().flatten().collect::<Vec<_>>();
    let strictness = review.strictness.unwrap_or(Strictness::Lenient);
    let remarks =
        review.remarks.map_or("any number of".to_owned(), |most| format!("at most {most}"));
    Ok(vec![
        PromptMessage::user(format!(
            "Please review this {} code:\n{}",
            kind.join(" "),
            review.code
        )),
        PromptMessage::assistant(format!("I am {strictness:?} and have {remarks} remarks:")),
    ])
}

async fn about_what_the_client_says(_: Arguments, cx: Context) -> Result<String, HandlerError> {
    #[derive(serde::Deserialize, schemars::JsonSchema)]
    struct About {
        context: String,
    }
    let form = Elicit::typed::<About>("What context should the prompt use?");
    match cx.elicit("user_context", form)? {
        Elicited::Accept(About { context }) => Ok(format!("Use this context: {context}")),
        _ => Err(HandlerError::new("there is no context to use")),
    }
}

// ---- completion ----

fn completions(builder: ServerBuilder) -> ServerBuilder {
    builder
        .complete_prompt("test_prompt_with_arguments", "arg1", ["paris", "park", "party", "test"])
        .complete_prompt("code_review", "language", ["python", "rust", "typescript"])
        .complete_prompt("code_review", "framework", framework)
        .complete_resource("test://template/{id}/data", "id", ["1", "2", "123"])
}

async fn framework(request: CompletionRequest, _cx: Context) -> Result<Completion, HandlerError> {
    let known = match request.resolved("language") {
        Some("python") => &["django", "fastapi", "flask"][..],
        Some("rust") => &["axum", "hyper", "tower"],
        Some("typescript") => &["express", "hono"],
        _ => &[],
    };
    Ok(Completion::matching(request.value(), known.iter().copied()))
}

// ---- a tool that changes the prompts ----

/// Nothing changes, but clients that listen are told to look.
fn announcing_tool(builder: ServerBuilder, changes: &Changes) -> ServerBuilder {
    let announce = changes.clone();
    builder.tool(
        Tool::new("test_trigger_prompt_change")
            .with_description("Says that the prompts have changed"),
        move |_: Arguments, _: Context| {
            announce.prompts_changed();
            async { Ok::<_, ToolError>("Told all who listen.") }
        },
    )
}
