//! Resources: text and bytes that are known, some that are read when they are asked for, and
//! templates; and tools that say what has changed.

use std::time::Duration;

use mcp_http::{
    Annotations, Arguments, CacheScope, Changes, Context, HandlerError, ReadRequest, Resource,
    ResourceTemplate, Role, ServerBuilder, Tool, ToolError,
};
use serde_json::json;

use crate::tools::RED_PIXEL;

/// Adds all resources of this file, and their tools.
pub(crate) fn add(builder: ServerBuilder, changes: &Changes) -> ServerBuilder {
    announcing_tools(resources(builder), changes)
}

fn resources(builder: ServerBuilder) -> ServerBuilder {
    builder
        .static_resource(
            Resource::new("test://static-text", "static-text")
                .with_title("A static text")
                .with_description("A text that is always the same")
                .with_mime_type("text/plain")
                .with_annotations(Annotations::new().with_audience([Role::User, Role::Assistant]))
                .with_cache(Duration::from_secs(3_600), CacheScope::Public),
            "This is the content of the static text resource.",
        )
        .static_resource(
            Resource::new("test://static-binary", "static-binary")
                .with_description("A PNG of one red pixel")
                .with_mime_type("image/png"),
            RED_PIXEL,
        )
        .resource(
            Resource::new("test://watched-resource", "watched-resource")
                .with_description("What clients subscribe to")
                .with_mime_type("text/plain"),
            async |_: ReadRequest, cx: Context| {
                Ok::<_, HandlerError>(format!("Read by {}", cx.principal().name().unwrap_or("you")))
            },
        )
        .resource_template(
            ResourceTemplate::new("test://template/{id}/data", "data")
                .with_description("The data of an id")
                .with_mime_type("application/json"),
            async |request: ReadRequest, _: Context| {
                let id = request.variables().get("id");
                let data = format!("Data for ID: {}", id.unwrap_or_default());
                Ok::<_, HandlerError>(
                    json!({"id": id, "templateTest": true, "data": data}).to_string(),
                )
            },
        )
        .typed_resource_template(
            ResourceTemplate::new("test://table/{name}{?from,rows}", "table")
                .with_description("Some rows of a table")
                .with_mime_type("text/csv"),
            rows,
        )
}

#[derive(serde::Deserialize)]
struct Rows {
    name: String,
    #[serde(default)]
    from: u32,
    rows: Option<u8>,
}

async fn rows(wanted: Rows, _: Context) -> Result<String, HandlerError> {
    let Rows { name, from, rows } = wanted;
    let numbers = (from..).take(rows.unwrap_or(3).into());
    Ok(numbers.map(|number| format!("{name},{number}\n")).collect())
}

// ---- tools that change the resources ----

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Updated {
    /// What has changed
    uri: String,
}

/// Nothing changes, but clients that listen or subscribed are told to look.
fn announcing_tools(builder: ServerBuilder, changes: &Changes) -> ServerBuilder {
    let (list, content) = (changes.clone(), changes.clone());
    builder
        .tool(
            Tool::new("test_trigger_resource_change")
                .with_description("Says that the resources have changed"),
            move |_: Arguments, _: Context| {
                list.resources_changed();
                async { Ok::<_, ToolError>("Told all who listen.") }
            },
        )
        .typed_tool(
            "test_trigger_resource_update",
            "Says that a resource has changed",
            move |args: Updated, _: Context| {
                content.resource_updated(args.uri);
                async { Ok::<_, ToolError>("Told all who subscribed.") }
            },
        )
}
