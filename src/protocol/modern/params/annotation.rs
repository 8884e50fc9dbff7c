//! Reads and validates the `x-mcp-header` annotations of an `inputSchema`.

use std::collections::HashMap;

use http::HeaderName;
use serde_json::{Map, Value};

use super::argument::Node;
use super::{HeaderParams, Param};

/// How deep schemas may stand within each other: deeper than any that a person reads.
const MAX_DEPTH: usize = 64;

/// An `x-mcp-header` annotation that breaks a constraint of 2026-07-28, Tools, `x-mcp-header`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the `x-mcp-header` at `#{pointer}` {fault}")]
pub(crate) struct InvalidAnnotation {
    /// The JSON Pointer of the schema that carries it.
    pointer: String,
    fault: Fault,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
enum Fault {
    #[error("is not a string")]
    NotAString,
    #[error("is empty")]
    Empty,
    #[error("is not an HTTP token: letters, digits and !#$%&'*+-.^_`|~")]
    NotAToken,
    #[error("is too long for the name of a header")]
    TooLong,
    #[error("names the same header as the one at `#{first}`; case does not count")]
    Repeated { first: String },
    #[error(
        "is on a property whose `type` is not \"string\", \"integer\" or \"boolean\" alone; where \
         null is an option, leave it out of `type` and the property out of `required`"
    )]
    NotPrimitive,
    #[error("is not on a property that the root reaches through `properties` alone")]
    NotReachable,
    #[error("cannot be looked for, because schemas are nested deeper than {MAX_DEPTH}")]
    TooDeep,
}

pub(super) fn read(schema: &Value) -> Result<HeaderParams, InvalidAnnotation> {
    let mut reader = Reader::default();
    let root = reader.value(schema, Place::Root)?;
    Ok(HeaderParams { params: reader.params, root })
}

/// Where a schema stands, as "statically reachable" has it (2026-07-28, Streamable HTTP, Schema
/// Extension): "reachable via a chain consisting solely of `properties` keys".
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Root,
    Property,
    Elsewhere,
}

#[derive(Default)]
struct Reader {
    params: Vec<Param>,
    /// The pointers of the annotations so far, by their headers.
    places: HashMap<HeaderName, String>,
    pointer: Vec<String>,
    depth: usize,
}

impl Reader {
    /// Reads a schema, or a list of schemas, or whatever a keyword unknown to us may hold.
    fn value(&mut self, value: &Value, place: Place) -> Result<Node, InvalidAnnotation> {
        if matches!(value, Value::Object(_) | Value::Array(_)) && self.depth == MAX_DEPTH {
            return Err(self.invalid(Fault::TooDeep));
        }
        self.depth += 1;
        let mut node = Node::default();
        match value {
            Value::Object(schema) => node = self.schema(schema, place)?,
            Value::Array(values) => {
                for (index, value) in values.iter().enumerate() {
                    self.within(&index.to_string(), |it| it.value(value, Place::Elsewhere))?;
                }
            }
            _ => {}
        }
        self.depth -= 1;
        Ok(node)
    }

    fn schema(
        &mut self,
        schema: &Map<String, Value>,
        place: Place,
    ) -> Result<Node, InvalidAnnotation> {
        let mut node = Node::default();
        for (keyword, value) in schema {
            match (keyword.as_str(), value) {
                ("x-mcp-header", _) if place == Place::Property => {
                    node.param = Some(self.annotation(value, schema)?);
                }
                ("x-mcp-header", _) => return Err(self.invalid(Fault::NotReachable)),
                ("properties", Value::Object(properties)) => {
                    let place = match place {
                        Place::Root | Place::Property => Place::Property,
                        Place::Elsewhere => Place::Elsewhere,
                    };
                    node.children = self.named(keyword, properties, place)?;
                }
                // Keys of these are names, not keywords.
                (
                    "$defs" | "definitions" | "patternProperties" | "dependentSchemas"
                    | "dependencies",
                    Value::Object(schemas),
                ) => {
                    self.named(keyword, schemas, Place::Elsewhere)?;
                }
                // These hold instances, or names, and no schemas.
                (
                    "const" | "default" | "enum" | "example" | "examples" | "required"
                    | "dependentRequired" | "$vocabulary",
                    _,
                ) => {}
                // All other keywords, also those that do not exist yet: "An `x-mcp-header`
                // annotation anywhere else makes the annotation – and thus the tool definition
                // – invalid."
                _ => {
                    self.within(keyword, |it| it.value(value, Place::Elsewhere))?;
                }
            }
        }
        Ok(node)
    }

    /// Reads schemas by name; what comes back are those that lead to an annotation.
    fn named(
        &mut self,
        keyword: &str,
        schemas: &Map<String, Value>,
        place: Place,
    ) -> Result<Vec<(Box<str>, Node)>, InvalidAnnotation> {
        self.within(keyword, |it| {
            let mut nodes = Vec::new();
            for (name, schema) in schemas {
                let node = it.within(name, |it| it.value(schema, place))?;
                if !node.is_empty() {
                    nodes.push((name.as_str().into(), node));
                }
            }
            Ok(nodes)
        })
    }

    /// Takes up one annotation on a property, and gives its index.
    fn annotation(
        &mut self,
        name: &Value,
        schema: &Map<String, Value>,
    ) -> Result<usize, InvalidAnnotation> {
        let Value::String(name) = name else { return Err(self.invalid(Fault::NotAString)) };
        if name.is_empty() {
            return Err(self.invalid(Fault::Empty));
        }
        if !is_token(name.as_bytes()) {
            return Err(self.invalid(Fault::NotAToken));
        }
        // A list of types is refused, `["string", "null"]` too: the constraint speaks of
        // primitive types, and clients take it by the letter and drop the tool.
        let kind = schema.get("type").and_then(Value::as_str);
        if !matches!(kind, Some("string" | "integer" | "boolean")) {
            return Err(self.invalid(Fault::NotPrimitive));
        }
        let shown_name = format!("Mcp-Param-{name}");
        let header = HeaderName::from_bytes(shown_name.as_bytes())
            .map_err(|_| self.invalid(Fault::TooLong))?;
        if let Some(first) = self.places.insert(header.clone(), self.pointer()) {
            return Err(self.invalid(Fault::Repeated { first }));
        }
        self.params.push(Param { header, shown_name: shown_name.into() });
        Ok(self.params.len() - 1)
    }

    fn within<T>(&mut self, segment: &str, read: impl FnOnce(&mut Self) -> T) -> T {
        self.pointer.push(segment.replace('~', "~0").replace('/', "~1"));
        let read = read(self);
        self.pointer.pop();
        read
    }

    fn pointer(&self) -> String {
        self.pointer.iter().flat_map(|segment| ["/", segment]).collect()
    }

    fn invalid(&self, fault: Fault) -> InvalidAnnotation {
        InvalidAnnotation { pointer: self.pointer(), fault }
    }
}

/// RFC 9110, section 5.6.2: `token = 1*tchar`. (`HeaderName` knows, but does not tell a wrong
/// letter from a name that is too long.)
fn is_token(text: &[u8]) -> bool {
    let is_tchar = |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte);
    !text.is_empty() && text.iter().all(is_tchar)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn property(schema: Value) -> Value {
        json!({"type": "object", "properties": {"p": schema}})
    }

    fn headers(schema: &Value) -> Vec<String> {
        let params = HeaderParams::from_schema(schema).unwrap();
        params.params.iter().map(|param| param.header.to_string()).collect()
    }

    fn fault(schema: &Value) -> (String, Fault) {
        let error = HeaderParams::from_schema(schema).unwrap_err();
        (error.pointer, error.fault)
    }

    /// Tools, `x-mcp-header`, "Example tool definition".
    #[test]
    fn the_example_of_the_specification_is_valid() {
        let schema = json!({
            "type": "object",
            "properties": {
                "region": {
                    "type": "string",
                    "description": "The region to execute the query in",
                    "x-mcp-header": "Region"
                },
                "query": {"type": "string", "description": "The SQL query to execute"}
            },
            "required": ["region", "query"]
        });
        assert_eq!(headers(&schema), ["mcp-param-region"]);
        let params = HeaderParams::from_schema(&schema).unwrap();
        assert!(!params.is_empty());
        // What leads to no annotation is not looked for in calls.
        let kept: Vec<_> = params.root.children.iter().map(|(name, _)| &**name).collect();
        assert_eq!(kept, ["region"]);
    }

    #[test]
    fn schemas_without_annotations_have_none() {
        for schema in [
            json!({"type": "object"}),
            json!({"type": "object", "additionalProperties": false}),
            json!(true),
            json!(null),
            property(json!({"type": "string"})),
            property(json!(true)),
        ] {
            assert!(HeaderParams::from_schema(&schema).unwrap().is_empty());
        }
    }

    /// "MUST NOT be empty", "MUST match HTTP field-name token syntax", "MUST NOT contain control
    /// characters".
    #[test]
    fn the_name_is_a_token() {
        for (name, expected) in [
            (json!(""), Fault::Empty),
            (json!("My Region"), Fault::NotAToken),
            (json!("Region:Primary"), Fault::NotAToken),
            (json!("R\u{e9}gion"), Fault::NotAToken),
            (json!("Region\t1"), Fault::NotAToken),
            (json!("Region\r\nX: y"), Fault::NotAToken),
            (json!("a/b"), Fault::NotAToken),
            (json!("\"a\""), Fault::NotAToken),
            (json!("x".repeat(70_000)), Fault::TooLong),
            (json!(null), Fault::NotAString),
            (json!(1), Fault::NotAString),
            (json!(["Region"]), Fault::NotAString),
            (json!({"name": "Region"}), Fault::NotAString),
        ] {
            let schema = property(json!({"type": "string", "x-mcp-header": name}));
            assert_eq!(fault(&schema), ("/properties/p".to_owned(), expected), "{name}");
        }
        for name in ["Region", "x", "9", "a-b_c.d", "!#$%&'*+-.^_`|~"] {
            let schema = property(json!({"type": "string", "x-mcp-header": name}));
            assert_eq!(headers(&schema), [format!("mcp-param-{}", name.to_lowercase())]);
        }
    }

    /// "MUST be case-insensitively unique among all `x-mcp-header` values in the `inputSchema`".
    #[test]
    fn names_are_unique_whatever_their_case() {
        let schema = json!({"properties": {
            "a": {"type": "string", "x-mcp-header": "Region"},
            "b": {"properties": {"c": {"type": "string", "x-mcp-header": "REGION"}}},
        }});
        let error = HeaderParams::from_schema(&schema).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the `x-mcp-header` at `#/properties/b/properties/c` names the same header as the \
             one at `#/properties/a`; case does not count"
        );
    }

    /// "MUST only be applied to parameters with primitive types (integer, string, boolean).
    /// Parameters with type `number` are not permitted."
    #[test]
    fn only_primitive_types_are_annotated() {
        for kind in ["string", "integer", "boolean"] {
            let schema = property(json!({"type": kind, "x-mcp-header": "P"}));
            assert_eq!(headers(&schema), ["mcp-param-p"]);
        }
        for kind in [
            json!("number"),
            json!("object"),
            json!("array"),
            json!("null"),
            json!("String"),
            json!(["string", "null"]),
            json!(["string"]),
            json!(["string", "integer"]),
            json!(null),
        ] {
            let schema = property(json!({"type": kind, "x-mcp-header": "P"}));
            assert_eq!(fault(&schema), ("/properties/p".to_owned(), Fault::NotPrimitive), "{kind}");
        }
        for untyped in [
            json!({"x-mcp-header": "P"}),
            json!({"enum": ["a"], "x-mcp-header": "P"}),
            json!({"$ref": "#/$defs/s", "x-mcp-header": "P"}),
        ] {
            assert_eq!(fault(&property(untyped)).1, Fault::NotPrimitive);
        }
    }

    /// Schema Extension: "Nested object properties are permitted as long as every step in the
    /// chain is a `properties` key."
    #[test]
    fn nested_properties_are_reachable() {
        let schema = json!({"properties": {
            "a": {"type": "object", "properties": {
                "b": {"type": "object", "properties": {
                    "c": {"type": "integer", "x-mcp-header": "Deep"},
                }},
            }},
            "z": {"type": "boolean", "x-mcp-header": "Flag"},
        }});
        assert_eq!(headers(&schema), ["mcp-param-deep", "mcp-param-flag"]);
    }

    /// Schema Extension: "The chain MUST NOT pass through `items` (or any other array keyword),
    /// composition keywords (`oneOf`, `anyOf`, `allOf`, `not`), conditional keywords
    /// (`if`/`then`/`else`), or `$ref`. … An `x-mcp-header` annotation anywhere else makes the
    /// annotation – and thus the tool definition – invalid."
    #[test]
    fn an_annotation_anywhere_else_is_named_by_its_pointer() {
        let annotated = json!({"type": "string", "x-mcp-header": "P"});
        let one = [
            "items",
            "contains",
            "additionalItems",
            "unevaluatedItems",
            "not",
            "if",
            "then",
            "else",
            "additionalProperties",
            "unevaluatedProperties",
            "propertyNames",
            "contentSchema",
            "x-unknown",
        ];
        let listed = ["prefixItems", "allOf", "anyOf", "oneOf", "items"];
        let named =
            ["$defs", "definitions", "patternProperties", "dependentSchemas", "dependencies"];
        let mut places = Vec::new();
        for keyword in one {
            places.push((json!({keyword: annotated}), format!("/{keyword}")));
            let property = json!({keyword: {"properties": {"q": annotated}}});
            places.push((property, format!("/{keyword}/properties/q")));
        }
        for keyword in listed {
            places.push((json!({keyword: [true, annotated]}), format!("/{keyword}/1")));
        }
        for keyword in named {
            places.push((json!({keyword: {"a/b~": annotated}}), format!("/{keyword}/a~1b~0")));
        }
        for (schema, pointer) in places {
            assert_eq!(fault(&schema), (pointer.clone(), Fault::NotReachable));
            let pointer = format!("/properties/p{pointer}");
            assert_eq!(fault(&property(schema)), (pointer, Fault::NotReachable));
        }
        // The root is no property.
        let root = HeaderParams::from_schema(&annotated).unwrap_err();
        assert_eq!(
            root.to_string(),
            "the `x-mcp-header` at `#` is not on a property that the root reaches through \
             `properties` alone"
        );
    }

    #[test]
    fn a_property_or_a_value_that_is_called_so_is_no_annotation() {
        let schema = json!({
            "properties": {
                "x-mcp-header": {"type": "string", "x-mcp-header": "Odd"},
                "p": {
                    "type": "object",
                    "default": {"x-mcp-header": "a"},
                    "const": {"x-mcp-header": "a"},
                    "enum": [{"x-mcp-header": "a"}],
                    "examples": [{"x-mcp-header": "a"}],
                },
                "q": {"patternProperties": {"x-mcp-header": {"type": "string"}}},
            },
            "$defs": {"x-mcp-header": {"type": "string"}},
            "dependentRequired": {"x-mcp-header": ["p"]},
            "required": ["x-mcp-header"],
        });
        assert_eq!(headers(&schema), ["mcp-param-odd"]);
    }

    #[test]
    fn nesting_is_bounded() {
        let nested = |levels: usize| {
            let leaf = json!({"type": "string", "x-mcp-header": "P"});
            (0..levels).fold(leaf, |schema, _| property(schema))
        };
        assert_eq!(headers(&nested(MAX_DEPTH - 1)), ["mcp-param-p"]);
        assert_eq!(fault(&nested(MAX_DEPTH)).1, Fault::TooDeep);
        let unreachable = (0..MAX_DEPTH).fold(json!({}), |schema, _| json!({"allOf": [schema]}));
        assert_eq!(fault(&unreachable).1, Fault::TooDeep);
        // Side by side is not within.
        for schema in [json!({}), json!({"properties": {"a": {}, "b": {}}})] {
            let wide = (0..2 * MAX_DEPTH).map(|n| (format!("p{n}"), schema.clone()));
            assert_eq!(headers(&json!({"properties": Value::Object(wide.collect())})), [""; 0]);
        }
    }
}
