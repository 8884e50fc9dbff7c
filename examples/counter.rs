//! The counter of docs/from-rmcp.md: the same server as one of the official SDK's examples.

use std::sync::Arc;

use mcp_http::{
    Arguments, Context, Elicit, Elicited, HandlerError, McpService, PromptMessage, Resource,
    Server, Tool, ToolError, serve,
};
use tokio::sync::Mutex;

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Sum {
    a: i32,
    b: i32,
}

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct CounterAnalysis {
    /// The target value you're trying to reach
    goal: i32,
    /// Preferred strategy: 'fast' or 'careful'
    strategy: Option<String>,
}

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct UserInfo {
    /// User's name
    name: String,
}

#[derive(Clone, Default)]
struct Counter(Arc<Mutex<i32>>);

impl Counter {
    async fn add(&self, step: i32) -> String {
        let mut counter = self.0.lock().await;
        *counter += step;
        counter.to_string()
    }

    async fn analysis(&self, args: CounterAnalysis) -> Vec<PromptMessage> {
        let current = *self.0.lock().await;
        let strategy = args.strategy.as_deref().unwrap_or("careful");
        vec![
            PromptMessage::assistant("I'll analyze the counter situation."),
            PromptMessage::user(format!(
                "Current: {current}. Goal: {}. Difference: {}. Strategy: {strategy}.",
                args.goal,
                args.goal - current,
            )),
        ]
    }
}

fn server() -> Result<Server, mcp_http::BuildError> {
    let counter = Counter::default();
    let (up, down, analysed) = (counter.clone(), counter.clone(), counter);
    Server::builder("counter", env!("CARGO_PKG_VERSION"))
        .tool(
            Tool::new("increment").with_description("Increment the counter by 1"),
            move |_: Arguments, _: Context| {
                let counter = up.clone();
                async move { Ok::<_, ToolError>(counter.add(1).await) }
            },
        )
        .tool(
            Tool::new("decrement").with_description("Decrement the counter by 1"),
            move |_: Arguments, _: Context| {
                let counter = down.clone();
                async move { Ok::<_, ToolError>(counter.add(-1).await) }
            },
        )
        .tool(
            Tool::new("echo").with_description("Repeat what you say"),
            async |arguments: Arguments, _: Context| Ok::<_, ToolError>(arguments.raw().to_owned()),
        )
        .typed_tool("sum", "Calculate the sum of two numbers", async |Sum { a, b }, _: Context| {
            Ok::<_, ToolError>((a + b).to_string())
        })
        .tool(
            Tool::new("greet_user").with_description("Greet user with name collection"),
            async |_: Arguments, cx: Context| {
                let question = Elicit::typed::<UserInfo>("Please provide your name");
                Ok::<_, ToolError>(match cx.elicit("user", question)? {
                    Elicited::Accept(user) => format!("Hello {}!", user.name),
                    Elicited::Decline | Elicited::Cancel => "Hello Guest!".to_owned(),
                })
            },
        )
        .typed_prompt(
            "counter_analysis",
            "Analyze the current counter value and suggest next steps",
            move |args: CounterAnalysis, _: Context| {
                let counter = analysed.clone();
                async move { Ok::<_, HandlerError>(counter.analysis(args).await) }
            },
        )
        .static_resource(
            Resource::new("memo://insights", "memo-name"),
            "Business Intelligence Memo\n\nAnalysis has revealed 5 key insights ...",
        )
        .build()
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let service = McpService::builder(server()?).build()?;
    let port = std::env::var("PORT").unwrap_or_else(|_| "8000".to_owned());
    let running = serve(service).bind(format!("127.0.0.1:{port}")).await?;
    println!("http://{}/mcp", running.local_addr());
    running.until_signal().await?;
    Ok(())
}
