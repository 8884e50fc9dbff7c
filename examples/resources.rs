//! Resources: what a server lets its clients read, and watch.
//!
//! ```text
//! PORT=8080 cargo run --example resources      (0 takes any free port)
//! ```
//!
//! A client lists `note://about`, knows from a template that there is `note://{title}`, reads
//! either, and is told when a note that it has subscribed to is written anew.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use mcp_http::{
    Changes, Context, HandlerError, McpService, ReadRequest, Resource, ResourceTemplate, Server,
    ToolError, serve,
};

/// The notes by their titles.
#[derive(Clone, Default)]
struct Notes(Arc<Mutex<BTreeMap<String, String>>>);

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Note {
    /// The title, which is its address
    title: String,
    /// What is written
    text: String,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (notes, changes) = (Notes::default(), Changes::new());
    let (read, written, announce) = (notes.clone(), notes, changes.clone());
    let server = Server::builder("notes", env!("CARGO_PKG_VERSION"))
        // Known beforehand: the size is filled in, and nothing runs when it is read.
        .static_resource(
            Resource::new("note://about", "about").with_mime_type("text/markdown"),
            "# Notes\nWrite one with `write`, and read it at `note://{title}`.",
        )
        // One handler for all that a template names.
        .resource_template(
            ResourceTemplate::new("note://{title}", "note").with_mime_type("text/plain"),
            move |request: ReadRequest, _: Context| {
                let note = read.get(request.variables().get("title").unwrap_or_default());
                let uri = request.uri().to_owned();
                // Not found has a code of its own in each revision.
                async move { note.ok_or_else(|| HandlerError::resource_not_found(uri)) }
            },
        )
        .typed_tool("write", "Writes a note", move |note: Note, _: Context| {
            let uri = format!("note://{}", note.title);
            written.put(note);
            announce.resource_updated(&uri); // whoever has subscribed to it is told
            async move { Ok::<_, ToolError>(uri) }
        })
        .changes(&changes)
        .build()?;
    let service = McpService::builder(server).build()?;

    let port = std::env::var("PORT").unwrap_or_else(|_| "8080".to_owned());
    let running = serve(service).bind(format!("127.0.0.1:{port}")).await?;
    println!("http://{}/mcp", running.local_addr());
    running.until_signal().await?;
    Ok(())
}

impl Notes {
    fn get(&self, title: &str) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(title).cloned()
    }

    fn put(&self, Note { title, text }: Note) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(title, text);
    }
}
