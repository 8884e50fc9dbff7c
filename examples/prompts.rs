//! Prompts: messages that a server prepares for its users; and completion, while one types an
//! argument.
//!
//! ```text
//! PORT=8080 cargo run --example prompts      (0 takes any free port)
//! ```

use mcp_http::{
    CompletionRequest, Context, HandlerError, McpService, PromptMessage, Server, serve,
};

const LANGUAGES: [&str; 6] = ["C", "Go", "Java", "JavaScript", "Python", "Rust"];

/// The arguments of a prompt come from its type: the fields that are no `Option` are required, and
/// clients read the comments.
#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Review {
    /// The code to review
    code: String,
    /// What it is written in
    language: Option<String>,
    /// How strict to be
    strictness: Option<Strictness>,
}

/// What an enum can be is completed without another word.
#[derive(Clone, Copy, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Strictness {
    Lenient,
    Pedantic,
}

async fn review(args: Review, _: Context) -> Result<Vec<PromptMessage>, HandlerError> {
    let tone = match args.strictness.unwrap_or(Strictness::Lenient) {
        Strictness::Lenient => "Name what is good, too.",
        Strictness::Pedantic => "Let nothing pass.",
    };
    let language = args.language.unwrap_or_default();
    Ok(vec![
        PromptMessage::assistant(format!("I review code. {tone}")),
        PromptMessage::user(format!("```{language}\n{}\n```", args.code)),
    ])
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let server = Server::builder("reviewer", env!("CARGO_PKG_VERSION"))
        .typed_prompt("review", "Asks for a review of code", review)
        .complete_prompt("review", "language", |request: CompletionRequest, _: Context| {
            let typed = request.value().to_lowercase();
            let fits = |language: &&str| language.to_lowercase().starts_with(&typed);
            let found: Vec<String> =
                LANGUAGES.iter().copied().filter(fits).map(str::to_owned).collect();
            async move { Ok::<_, HandlerError>(found) }
        })
        .build()?;
    let service = McpService::builder(server).build()?;

    let port = std::env::var("PORT").unwrap_or_else(|_| "8080".to_owned());
    let running = serve(service).bind(format!("127.0.0.1:{port}")).await?;
    println!("http://{}/mcp", running.local_addr());
    running.until_signal().await?;
    Ok(())
}
