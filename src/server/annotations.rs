//! Annotations: whom content is for, and how much it matters.

use serde::{Deserialize, Deserializer, Serialize};

use super::revision::Revision;
use crate::protocol::version::ProtocolVersion;

/// Whom content is for.
///
/// ```
/// use mcp_http::{Annotations, Content, Role};
///
/// let log = Content::text("connected in 3 ms")
///     .with_annotations(Annotations::new().with_audience([Role::User]));
/// # let _ = log;
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Role {
    /// The person who uses the client.
    User,
    /// The model.
    Assistant,
}

/// Hints for the client about content: for whom it is, how important, and how old.
///
/// ```
/// use mcp_http::{Annotations, Content, Role};
///
/// let content = Content::text("Cache rebuilt in 3 s").with_annotations(
///     Annotations::new().with_audience([Role::User]).with_priority(0.2),
/// );
/// # let _ = content;
/// ```
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Annotations {
    #[serde(default)]
    audience: Vec<Role>,
    #[serde(default, deserialize_with = "read_priority")]
    priority: Option<f64>,
    last_modified: Option<String>,
}

/// Annotations as a revision writes them.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct WireAnnotations<'a> {
    #[serde(skip_serializing_if = "<[Role]>::is_empty")]
    audience: &'a [Role],
    #[serde(skip_serializing_if = "Option::is_none")]
    priority: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_modified: Option<&'a str>,
}

impl Annotations {
    /// No hints.
    pub fn new() -> Self {
        Self::default()
    }

    /// Says for whom the content is.
    #[must_use]
    pub fn with_audience(mut self, audience: impl IntoIterator<Item = Role>) -> Self {
        self.audience = audience.into_iter().collect();
        self
    }

    /// Says how important the content is, from 0 (entirely optional) to 1 (effectively
    /// required). What lies outside is moved to the nearer end, and NaN is ignored.
    #[must_use]
    pub fn with_priority(mut self, priority: f64) -> Self {
        self.priority = (!priority.is_nan()).then(|| priority.clamp(0.0, 1.0));
        self
    }

    /// Says when the content was last modified, as ISO 8601: `2025-01-12T15:00:58Z`. (Sent from
    /// revision 2025-06-18 on.)
    #[must_use]
    pub fn with_last_modified(mut self, moment: impl Into<String>) -> Self {
        self.last_modified = Some(moment.into());
        self
    }

    pub(crate) fn wire(&self, version: ProtocolVersion) -> WireAnnotations<'_> {
        let last_modified = self.last_modified.as_deref();
        WireAnnotations {
            audience: &self.audience,
            priority: self.priority,
            last_modified: last_modified.filter(|_| version.knows_titles_and_structure()),
        }
    }
}

/// What another server says may lie outside of what can be said.
fn read_priority<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<f64>, D::Error> {
    let read = Option::deserialize(deserializer)?;
    Ok(read.and_then(|priority| Annotations::new().with_priority(priority).priority))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn last_modified_is_left_out_where_the_revision_does_not_know_it() {
        let annotations = Annotations::new()
            .with_audience([Role::User, Role::Assistant])
            .with_priority(0.5)
            .with_last_modified("2025-01-12T15:00:58Z");
        assert_eq!(
            serde_json::to_value(annotations.wire(ProtocolVersion::V2025_06_18)).unwrap(),
            json!({"audience": ["user", "assistant"], "priority": 0.5, "lastModified": "2025-01-12T15:00:58Z"})
        );
        assert_eq!(
            serde_json::to_value(annotations.wire(ProtocolVersion::V2025_03_26)).unwrap(),
            json!({"audience": ["user", "assistant"], "priority": 0.5})
        );
    }

    /// 2026-07-28, schema, Annotations: priority is a number from 0 to 1.
    #[test]
    fn a_priority_is_always_between_0_and_1() {
        let priority = |p| Annotations::new().with_priority(p).priority;
        assert_eq!(priority(-1.0), Some(0.0));
        assert_eq!(priority(f64::INFINITY), Some(1.0));
        assert_eq!(priority(f64::NAN), None);
        let read = |json| serde_json::from_value::<Annotations>(json).unwrap();
        assert_eq!(read(json!({"priority": 7})).priority, Some(1.0));
        assert_eq!(read(json!({"priority": null})), Annotations::new());
    }
}
