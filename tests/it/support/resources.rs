//! Resources for the tests of both eras.

use mcp_http::{
    CacheScope, Context, HandlerError, ReadRequest, ReadResourceResult, Resource, ResourceTemplate,
    ServerBuilder,
};
use std::time::Duration;

/// The resources:
///
/// - `test://text` and `test://blob` are static, "text" and the bytes 0, 255;
/// - `test://caller` answers with the caller's name, `test://gone` is not found, `test://fails`
///   fails with "it failed", `test://panics` panics;
/// - `test://notes/{id}` answers with the `id` as it was decoded, in brackets;
/// - `file:///{+path}` answers with the path below `/srv` that the variable leads to;
/// - `test://sum{?a,b}` answers with the sum of two numbers.
pub fn resources(builder: ServerBuilder) -> ServerBuilder {
    builder
        .static_resource(
            Resource::new("test://text", "text")
                .with_title("Text")
                .with_mime_type("text/plain")
                .with_cache(Duration::from_secs(60), CacheScope::Public),
            "text",
        )
        .static_resource(
            Resource::new("test://blob", "blob"),
            ReadResourceResult::blob(vec![0, 255]).with_meta("example.com/k", 1),
        )
        .resource(Resource::new("test://caller", "caller"), async |_: ReadRequest, cx: Context| {
            Ok::<_, HandlerError>(cx.principal().name().unwrap_or("nobody").to_owned())
        })
        .resource(Resource::new("test://gone", "gone"), async |request: ReadRequest, _: Context| {
            Err::<String, _>(HandlerError::resource_not_found(request.uri()))
        })
        .resource(Resource::new("test://fails", "fails"), async |_: ReadRequest, _: Context| {
            Err::<String, _>(HandlerError::new("it failed"))
        })
        .resource(Resource::new("test://panics", "panics"), async |_: ReadRequest, _: Context| {
            if std::hint::black_box(true) {
                panic!("as told");
            }
            Ok::<_, HandlerError>("unreachable")
        })
        .resource_template(
            ResourceTemplate::new("test://notes/{id}", "note").with_mime_type("text/plain"),
            async |request: ReadRequest, _: Context| {
                let id = request.variables().get("id").unwrap_or_default();
                Ok::<_, HandlerError>(format!("[{id}]"))
            },
        )
        .resource_template(
            ResourceTemplate::new("file:///{+path}", "file"),
            async |request: ReadRequest, _: Context| {
                let path = request.variables().relative_path("path")?;
                let path = std::path::Path::new("/srv").join(path);
                Ok::<_, HandlerError>(path.display().to_string())
            },
        )
        .typed_resource_template(ResourceTemplate::new("test://sum{?a,b}", "sum"), sum)
}

#[derive(serde::Deserialize)]
struct Summands {
    a: i32,
    b: Option<i32>,
}

async fn sum(summands: Summands, _: Context) -> Result<String, HandlerError> {
    Ok((summands.a + summands.b.unwrap_or_default()).to_string())
}
