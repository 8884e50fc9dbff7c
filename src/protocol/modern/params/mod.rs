//! `x-mcp-header`: parameters of a tool that a call repeats in `Mcp-Param-*` headers.
//!
//! The annotations are read from a tool's `inputSchema` once, when it is registered
//! ([`HeaderParams::from_schema`]), and every call is held against them
//! ([`HeaderParams::check`]).

mod annotation;
mod argument;
mod number;

use std::borrow::Cow;

use http::{HeaderMap, HeaderName};
use serde_json::Value;

pub(crate) use annotation::InvalidAnnotation;

use super::mismatch::{HeaderMismatch, Shown, single};
use super::sentinel;
use argument::{Argument, Found, Node, Scalar};

/// The parameters of one tool that are mirrored in headers.
#[derive(Clone, Debug, Default)]
pub(crate) struct HeaderParams {
    params: Vec<Param>,
    /// The paths to them; a node's `param` is an index into `params`.
    root: Node,
}

#[derive(Clone, Debug)]
struct Param {
    header: HeaderName,
    /// The name as its author wrote it, for messages.
    shown_name: Box<str>,
}

impl HeaderParams {
    /// Reads the annotations of an `inputSchema`.
    ///
    /// # Errors
    ///
    /// An annotation breaks one of the constraints of 2026-07-28, Tools, `x-mcp-header`. Clients
    /// would drop the tool from their list without a word, so it must not be registered.
    pub(crate) fn from_schema(schema: &Value) -> Result<Self, InvalidAnnotation> {
        annotation::read(schema)
    }

    /// Whether no parameter is annotated.
    pub(crate) fn is_empty(&self) -> bool {
        self.params.is_empty()
    }

    /// Holds the headers of a call against its arguments, given as the JSON that the body has.
    ///
    /// A value is compared as its own JSON type is written in a header (2026-07-28, Streamable
    /// HTTP, Value Encoding, "Type conversion"), whatever type the schema declares: that header
    /// and body agree is the transport's question, that the value fits the schema is the tool's,
    /// whose answer tells the model what to correct. So:
    ///
    /// | in the body | header | |
    /// |---|---|---|
    /// | absent or `null` | absent | passes |
    /// | absent or `null` | present | refused: an intermediary would act on a value that the call does not have |
    /// | string, boolean | the same text | passes |
    /// | integer up to ±(2^53 − 1) | the same number, however written | passes |
    /// | number with a fraction | the same text | passes, for the tool to refuse |
    /// | any of these | absent, or other | refused |
    /// | integer beyond ±(2^53 − 1) | any or none | refused |
    /// | object or array | absent | passes, for the tool to refuse: it has no form in a header |
    /// | object or array | present | refused |
    /// | a key on the path twice | any or none | refused: parsers differ in which they take |
    ///
    /// Headers that no annotation names are ignored.
    ///
    /// # Errors
    ///
    /// The first annotated parameter whose header is not what the table asks for, or is repeated
    /// or malformed.
    pub(crate) fn check(
        &self,
        headers: &HeaderMap,
        arguments: Option<&str>,
    ) -> Result<(), HeaderMismatch> {
        let Some(first) = self.params.first() else { return Ok(()) };
        let mut found = vec![Found::Absent; self.params.len()];
        if let Some(arguments) = arguments {
            self.root.find(arguments.trim_ascii(), &mut found).map_err(|_| {
                let fault = "cannot be compared, because the arguments are not valid JSON";
                HeaderMismatch::new(&first.shown_name, fault)
            })?;
        }
        self.params.iter().zip(found).try_for_each(|(param, found)| param.check(headers, found))
    }
}

impl Param {
    fn check(&self, headers: &HeaderMap, found: Found<'_>) -> Result<(), HeaderMismatch> {
        let header = self.decoded(headers)?;
        match (Argument::read(found), header) {
            (Argument::Absent | Argument::Structure, None) => Ok(()),
            (Argument::Absent, Some(header)) => {
                let fault = format!("value {} has no value in the body", Shown(&header));
                Err(HeaderMismatch::new(&self.shown_name, fault))
            }
            (Argument::Structure, Some(header)) => {
                let fault = format!(
                    "value {} does not match body value, which is an object or an array",
                    Shown(&header)
                );
                Err(HeaderMismatch::new(&self.shown_name, fault))
            }
            (Argument::Unusable(fault), _) => Err(HeaderMismatch::new(&self.shown_name, fault)),
            (Argument::Scalar(_), None) => Err(HeaderMismatch::missing(&self.shown_name)),
            (Argument::Scalar(scalar), Some(header)) => self.compare(&scalar, &header),
        }
    }

    fn decoded<'h>(&self, headers: &'h HeaderMap) -> Result<Option<Cow<'h, str>>, HeaderMismatch> {
        let line = single(headers, &self.header, &self.shown_name)?;
        let decoded = line.map(sentinel::decode).transpose();
        decoded.map_err(|_| HeaderMismatch::invalid(&self.shown_name))
    }

    fn compare(&self, scalar: &Scalar<'_>, header: &str) -> Result<(), HeaderMismatch> {
        if scalar.is_written_as(header) {
            Ok(())
        } else {
            Err(HeaderMismatch::differs(&self.shown_name, header, scalar.text()))
        }
    }
}

#[cfg(test)]
mod tests;
