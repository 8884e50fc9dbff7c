//! Prompts to test, and what completes their arguments.

use mcp_http::{
    Annotations, Arguments, Completion, CompletionRequest, Content, Context, HandlerError, Icon,
    Prompt, PromptArgument, PromptMessage, ResourceContents, ResourceLink, Role, ServerBuilder,
};

/// The prompts:
///
/// - `code_review` is that of the specification's examples: `code` is required, `language` and
///   `framework` are completed, the latter by the former, `note` is not; `line` has 150
///   completions;
/// - `content` has a message of each kind of content;
/// - `fail` fails with "it failed".
pub fn prompts(builder: ServerBuilder) -> ServerBuilder {
    let argument = PromptArgument::optional;
    let code_review = Prompt::new("code_review")
        .with_title("Request Code Review")
        .with_description("Asks the LLM to analyze code quality and suggest improvements")
        .with_argument(PromptArgument::required("code").with_description("The code to review"))
        .with_argument(argument("language").with_title("Language"))
        .with_argument(argument("framework"))
        .with_argument(argument("note"))
        .with_argument(argument("line"))
        .with_icon(
            Icon::new("https://example.com/review-icon.svg")
                .with_mime_type("image/svg+xml")
                .with_size("any"),
        )
        .with_meta("com.example/tag", 1);
    builder
        .prompt(code_review, review)
        .prompt(Prompt::new("content"), content)
        .prompt(Prompt::new("fail"), |_: Arguments, _: Context| async {
            Err::<String, _>(HandlerError::new("it failed"))
        })
        .complete_prompt("code_review", "language", ["python", "pytorch", "pyside", "rust"])
        .complete_prompt("code_review", "framework", framework)
        .complete_prompt("code_review", "line", |_: CompletionRequest, _: Context| async {
            Ok::<_, HandlerError>((0..150).map(|n| n.to_string()).collect::<Completion>())
        })
}

async fn review(
    arguments: Arguments,
    _: Context,
) -> Result<mcp_http::GetPromptResult, HandlerError> {
    #[derive(serde::Deserialize)]
    struct Review {
        code: String,
    }
    let Review { code } = arguments.parse()?;
    let text = format!("Please review this Python code:\n{code}");
    Ok(mcp_http::GetPromptResult::new([PromptMessage::user(text)])
        .with_description("Code review prompt"))
}

async fn content(_: Arguments, _: Context) -> Result<Vec<PromptMessage>, HandlerError> {
    let annotations = Annotations::new().with_audience([Role::User]).with_priority(0.5);
    let link = ResourceLink::new("file:///project/src/main.rs", "main.rs")
        .with_description("Primary application entry point")
        .with_mime_type("text/x-rust");
    let text = ResourceContents::text("resource://example", "Resource content")
        .with_mime_type("text/plain");
    let blob = ResourceContents::blob("resource://bytes", vec![255_u8]).with_mime_type("a/b");
    Ok(vec![
        PromptMessage::user(Content::text("text").with_annotations(annotations)),
        PromptMessage::user(Content::image(vec![1_u8, 2], "image/png")),
        PromptMessage::user(Content::audio(vec![3_u8], "audio/wav")),
        PromptMessage::user(Content::resource_link(link)),
        PromptMessage::assistant(Content::resource(text)),
        PromptMessage::assistant(Content::resource(blob)),
    ])
}

async fn framework(
    request: CompletionRequest,
    _: Context,
) -> Result<Vec<&'static str>, HandlerError> {
    Ok(match request.resolved("language") {
        Some("python") => vec!["flask"],
        _ => vec![],
    })
}
