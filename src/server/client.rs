//! What a client declared about itself.

use serde_json::{Map, Value};

/// The capabilities that a client declared.
///
/// ```
/// use mcp_http::Context;
///
/// fn can_ask(cx: &Context) -> bool {
///     cx.client_capabilities().supports("elicitation")
/// }
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ClientCapabilities {
    members: Map<String, Value>,
}

impl ClientCapabilities {
    pub(crate) fn new(members: Map<String, Value>) -> Self {
        Self { members }
    }

    /// Whether the client declared the capability: `sampling`, `elicitation`, `roots`.
    pub fn supports(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// The settings of a capability, or `None` if the client did not declare it.
    pub fn get(&self, name: &str) -> Option<&Map<String, Value>> {
        self.members.get(name)?.as_object()
    }

    /// The settings of an extension, or `None` if the client did not declare it:
    /// `io.modelcontextprotocol/tasks`.
    pub fn extension(&self, name: &str) -> Option<&Map<String, Value>> {
        self.get("extensions")?.get(name)?.as_object()
    }

    /// All that the client declared, as it came.
    pub fn as_map(&self) -> &Map<String, Value> {
        &self.members
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// 2026-07-28, schema, ClientCapabilities: a capability is declared by an object.
    #[test]
    fn a_capability_is_declared_by_an_object() {
        let members = json!({"sampling": {}, "roots": null, "x": true, "elicitation": {"url": {}}});
        let capabilities = ClientCapabilities::new(members.as_object().unwrap().clone());
        assert!(capabilities.supports("sampling"));
        assert!(capabilities.get("elicitation").unwrap().contains_key("url"));
        for name in ["roots", "x", "tasks"] {
            assert!(!capabilities.supports(name), "{name}");
        }
    }
}
