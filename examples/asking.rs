//! Asking the client: a tool that needs to know more before it can do its work. One handler serves
//! the clients of both eras.
//!
//! ```text
//! PORT=8080 cargo run --example asking      (0 takes any free port)
//! ```

use mcp_http::{
    Context, CreateMessage, Elicit, Elicited, McpService, Server, StateKeys, ToolError, serve,
};

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Trip {
    /// Where to
    city: String,
}

/// What the person at the client fills in.
#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Traveller {
    /// As in the passport
    name: String,
    #[schemars(range(min = 1, max = 9))]
    seats: u32,
    class: Class,
}

#[derive(Debug, serde::Deserialize, schemars::JsonSchema)]
enum Class {
    First,
    Second,
}

/// Each `?` that asks ends the run of the handler until the answer is there; then it runs again
/// from the top. So what must happen once stands after the last of them.
async fn book(trip: Trip, cx: Context) -> Result<String, ToolError> {
    let form = Elicit::typed::<Traveller>(format!("Who travels to {}?", trip.city));
    let Elicited::Accept(traveller) = cx.elicit("traveller", form)? else {
        return Ok("Nothing was booked".to_owned());
    };
    // A client without a model can still book.
    let wish = if cx.client_capabilities().supports("sampling") {
        let question =
            format!("Wish {} a good trip to {}, in a sentence", traveller.name, trip.city);
        cx.sample("wish", CreateMessage::new(question, 60))?.text()
    } else {
        "Have a good trip!".to_owned()
    };
    cx.single_use()?; // who sees the request cannot book a second time with it
    let Traveller { name, seats, class } = traveller;
    Ok(format!("{seats} seats in {class:?} class to {} for {name}. {wish}", trip.city))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let server = Server::builder("trips", env!("CARGO_PKG_VERSION"))
        .typed_tool("book", "Books a trip", book)
        .build()?;
    let mut builder = McpService::builder(server);
    // What a client of 2026-07-28 carries from one request to the next is sealed. Instances behind
    // one load balancer share the key: 64 hexadecimal digits.
    if let Ok(key) = std::env::var("STATE_KEY") {
        builder = builder.state_keys(StateKeys::new(read_key(&key).ok_or("not 64 hex digits")?));
    }
    let service = builder.build()?;

    let port = std::env::var("PORT").unwrap_or_else(|_| "8080".to_owned());
    let running = serve(service).bind(format!("127.0.0.1:{port}")).await?;
    println!("http://{}/mcp", running.local_addr());
    running.until_signal().await?;
    Ok(())
}

fn read_key(digits: &str) -> Option<[u8; 32]> {
    let bytes: Option<Vec<u8>> = (0..digits.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(digits.get(at..at + 2)?, 16).ok())
        .collect();
    bytes?.try_into().ok()
}
