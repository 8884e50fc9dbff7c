//! Which model a question to the client wishes for.

use serde::Serialize;

/// Which model is wished for: hints, of which the first that fits counts, and what matters how
/// much, from 0 (not at all) to 1 (most). What lies outside is moved to the nearer end, and NaN is
/// ignored.
///
/// ```
/// use mcp_http::ModelPreferences;
///
/// let wish = ModelPreferences::new().with_hint("sonnet").with_intelligence_priority(0.8);
/// # let _ = wish;
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ModelPreferences {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    hints: Vec<ModelHint>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cost_priority: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    speed_priority: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    intelligence_priority: Option<f64>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct ModelHint {
    name: String,
}

impl ModelPreferences {
    /// No wishes.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a part of a model's name; earlier ones count more.
    #[must_use]
    pub fn with_hint(mut self, name: impl Into<String>) -> Self {
        self.hints.push(ModelHint { name: name.into() });
        self
    }

    /// How much a low price matters.
    #[must_use]
    pub fn with_cost_priority(mut self, priority: f64) -> Self {
        self.cost_priority = share(priority);
        self
    }

    /// How much speed matters.
    #[must_use]
    pub fn with_speed_priority(mut self, priority: f64) -> Self {
        self.speed_priority = share(priority);
        self
    }

    /// How much capability matters.
    #[must_use]
    pub fn with_intelligence_priority(mut self, priority: f64) -> Self {
        self.intelligence_priority = share(priority);
        self
    }
}

/// 2026-07-28, schema, ModelPreferences: priorities are numbers from 0 to 1.
fn share(priority: f64) -> Option<f64> {
    (!priority.is_nan()).then(|| priority.clamp(0.0, 1.0))
}
