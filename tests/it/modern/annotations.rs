//! 2026-07-28, Tools, x-mcp-header: a definition that clients would reject is refused when the
//! service is built, and the error names the tool and the place.

use mcp_http::{Arguments, Context, McpService, Server, Tool, ToolError};
use serde_json::{Value, json};

/// Builds a service whose one tool has this schema; the error's text if it is refused.
fn build(schema: Value) -> Result<McpService, String> {
    let tool = Tool::new("subject").with_input_schema(schema);
    let server = Server::builder("s", "1")
        .tool(tool, |_: Arguments, _: Context| async { Ok::<_, ToolError>("") })
        .build()
        .map_err(|error| error.to_string())?;
    McpService::builder(server).build().map_err(|error| error.to_string())
}

/// The error for a schema with this one property, `p`.
fn refusal(property: Value) -> String {
    build(json!({"type": "object", "properties": {"p": property}})).expect_err("refused")
}

fn assert_names(error: &str, place: &str) {
    assert!(error.contains("subject") && error.contains(place), "{place}: {error}");
}

/// "MUST only be applied to parameters with primitive types (integer, string, boolean)", to
/// "properties that are statically reachable"; nested ones are.
#[test]
fn annotations_within_the_rules_are_accepted() {
    for kind in ["string", "integer", "boolean"] {
        let schema = json!({"type": "object", "properties": {
            "p": {"type": kind, "x-mcp-header": "A"},
            "x-mcp-header": {"type": "string"},
            "q": {"type": "object", "properties": {
                "r": {"type": "object", "properties": {"s": {"type": kind, "x-mcp-header": "!#$%&'*+-.^_`|~9z"}}}
            }}
        }});
        assert!(build(schema).is_ok(), "{kind}");
    }
}

/// "MUST NOT be empty", "MUST match HTTP field-name token syntax", "MUST NOT contain control
/// characters, including carriage return ... or line feed".
#[test]
fn a_name_that_is_no_token_is_refused() {
    for name in [
        "",
        " ",
        "My Region",
        "Region:Primary",
        "Région",
        "a\r\nb",
        "a\n",
        "\t",
        "a\0",
        "(a)",
        "a/b",
    ] {
        assert_names(&refusal(json!({"type": "string", "x-mcp-header": name})), "/properties/p");
    }
    for name in [json!(null), json!(1), json!(true), json!(["A"]), json!({})] {
        assert_names(&refusal(json!({"type": "string", "x-mcp-header": name})), "/properties/p");
    }
}

/// "MUST be case-insensitively unique among all `x-mcp-header` values in the `inputSchema`".
#[test]
fn two_annotations_of_one_name_are_refused_whatever_their_case() {
    for (first, second) in [("Region", "Region"), ("Region", "REGION"), ("region", "Region")] {
        let error = build(json!({"type": "object", "properties": {
            "a": {"type": "string", "x-mcp-header": first},
            "b": {"type": "object", "properties": {"c": {"type": "integer", "x-mcp-header": second}}}
        }}))
        .expect_err("refused");
        assert_names(&error, "/properties/b/properties/c");
        assert_names(&error, "/properties/a");
    }
}

/// "Parameters with type `number` are not permitted"; nor are structures, unions, or no type.
#[test]
fn an_annotation_on_what_is_not_primitive_is_refused() {
    for property in [
        json!({"type": "number", "x-mcp-header": "A"}),
        json!({"type": "object", "x-mcp-header": "A"}),
        json!({"type": "array", "items": {"type": "string"}, "x-mcp-header": "A"}),
        json!({"type": "null", "x-mcp-header": "A"}),
        json!({"type": ["string", "number"], "x-mcp-header": "A"}),
        json!({"enum": ["a", "b"], "x-mcp-header": "A"}),
        json!({"x-mcp-header": "A"}),
    ] {
        assert_names(&refusal(property), "/properties/p");
    }
}

/// "The chain MUST NOT pass through `items` (or any other array keyword), composition keywords
/// (`oneOf`, `anyOf`, `allOf`, `not`), conditional keywords (`if`/`then`/`else`), or `$ref`."
#[test]
fn an_annotation_that_properties_alone_do_not_reach_is_refused() {
    let leaf = json!({"type": "string", "x-mcp-header": "A"});
    let object = json!({"type": "object", "properties": {"z": leaf}});
    for (property, place) in [
        (json!({"type": "array", "items": leaf}), "/properties/p/items"),
        (json!({"type": "array", "items": object}), "/properties/p/items/properties/z"),
        (json!({"type": "array", "prefixItems": [leaf]}), "/properties/p/prefixItems/0"),
        (json!({"type": "array", "contains": leaf}), "/properties/p/contains"),
        (json!({"oneOf": [{"type": "null"}, leaf]}), "/properties/p/oneOf/1"),
        (json!({"anyOf": [leaf]}), "/properties/p/anyOf/0"),
        (json!({"allOf": [object]}), "/properties/p/allOf/0/properties/z"),
        (json!({"not": leaf}), "/properties/p/not"),
        (json!({"if": leaf}), "/properties/p/if"),
        (json!({"then": object}), "/properties/p/then/properties/z"),
        (json!({"else": leaf}), "/properties/p/else"),
        (json!({"additionalProperties": leaf}), "/properties/p/additionalProperties"),
        (json!({"patternProperties": {"^a": leaf}}), "/properties/p/patternProperties/^a"),
    ] {
        assert_names(&refusal(property), place);
    }
    for (keyword, place) in [("$defs", "/$defs/d"), ("definitions", "/definitions/d")] {
        let schema = json!({"type": "object", "properties": {"p": {"$ref": format!("#{place}")}},
            keyword: {"d": leaf}});
        assert_names(&build(schema).expect_err("refused"), place);
    }
    let root = json!({"type": "object", "x-mcp-header": "A"});
    assert_names(&build(root).expect_err("refused"), "#");
}

/// What only looks like an annotation is none: the name of a property, and plain data.
#[test]
fn a_property_or_a_value_that_is_called_so_is_no_annotation() {
    let schema = json!({"type": "object",
        "properties": {"x-mcp-header": {"type": "number"}},
        "default": {"x-mcp-header": ""},
        "examples": [{"x-mcp-header": "A B"}],
        "required": ["x-mcp-header"]
    });
    assert!(build(schema).is_ok());
}
