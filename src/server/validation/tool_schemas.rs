//! The schemas of one tool, compiled once and kept with it.

use std::fmt;
use std::sync::{Arc, OnceLock};

use serde_json::Value;

use super::Validation;
use super::misfit::Misfit;
use super::schema::Schema;
use crate::server::tool::Tool;

/// Both schemas of a tool, as far as it has them.
#[derive(Debug)]
pub(super) struct ToolSchemas {
    input: Option<Schema>,
    output: Option<Schema>,
}

/// Where a tool keeps its schemas once they are compiled. It is no part of the definition: a copy
/// of the tool has an empty one, and tools are equal whatever is in theirs.
#[derive(Default)]
pub(in crate::server) struct SchemaCell {
    compiled: OnceLock<Result<Arc<ToolSchemas>, String>>,
}

impl ToolSchemas {
    /// The schemas of a tool, compiled now if nobody asked for them before.
    ///
    /// # Errors
    ///
    /// Why one of them cannot be compiled.
    pub(super) fn of(tool: &Tool) -> Result<Arc<Self>, String> {
        tool.schema_cell().compiled.get_or_init(|| Self::compile(tool).map(Arc::new)).clone()
    }

    fn compile(tool: &Tool) -> Result<Self, String> {
        let compile = |schema: Option<&Value>, which: &str| {
            let compiled = schema.map(Schema::compile).transpose();
            compiled.map_err(|reason| {
                format!("the {which} schema cannot be validated against: {reason}")
            })
        };
        Ok(Self {
            input: compile(tool.input_schema(), "input")?,
            output: compile(tool.output_schema(), "output")?,
        })
    }

    /// Holds arguments against the input schema.
    pub(super) fn check_input(&self, json: &str, validation: Validation) -> Result<(), Misfit> {
        match self.input.as_ref().filter(|_| validation.has_input()) {
            Some(schema) => check(schema, json, validation),
            None => Ok(()),
        }
    }

    /// Holds structured content against the output schema.
    pub(super) fn check_output(
        &self,
        json: Option<&str>,
        validation: Validation,
    ) -> Result<(), Misfit> {
        match (self.output.as_ref().filter(|_| validation.has_output()), json) {
            (Some(schema), Some(json)) => check(schema, json, validation),
            (Some(_), None) => Err(Misfit::whole("there is no structured content")),
            (None, _) => Ok(()),
        }
    }
}

fn check(schema: &Schema, json: &str, validation: Validation) -> Result<(), Misfit> {
    if json.len() > validation.max_bytes {
        return Err(Misfit::too_long(json.len(), validation.max_bytes));
    }
    let value: Value =
        serde_json::from_str(json).map_err(|error| Misfit::whole(&error.to_string()))?;
    schema.check(&value)
}

impl Clone for SchemaCell {
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl PartialEq for SchemaCell {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl fmt::Debug for SchemaCell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.compiled.get().is_some() { "compiled" } else { "not compiled" })
    }
}
