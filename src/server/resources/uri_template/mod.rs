//! URI templates (RFC 6570) read backwards: from a URI to the variables that it was made with.
//!
//! `syntax` parses a template, `meaning` says which URIs it is taken to match, `pattern` decides
//! whether a URI is one of them, in time linear in its length, and whether that is ever ambiguous.

mod meaning;
mod pattern;
mod syntax;

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use percent_encoding::percent_decode_str;

use super::variables::{Value, Variables};
use crate::server::build_error::BuildError;
use pattern::Pattern;
use syntax::Arity;

/// The longest template, in bytes.
const MAX_TEMPLATE: usize = 2048;

/// A URI template (RFC 6570) that tells the variables of a URI: what a
/// [`ResourceTemplate`](crate::ResourceTemplate) is matched with.
///
/// ```
/// use mcp_http::UriTemplate;
///
/// let template = UriTemplate::parse("weather://{country}/{city}{?days,units}")?;
/// let variables = template.matches("weather://ch/Z%C3%BCrich?units=si").unwrap();
/// assert_eq!(variables.get("city"), Some("Zürich"));
/// assert_eq!(variables.get("units"), Some("si"));
/// assert_eq!(variables.get("days"), None);
/// assert_eq!(template.matches("weather://ch/Bern/Mitte"), None);
/// # Ok::<(), mcp_http::BuildError>(())
/// ```
///
/// RFC 6570 tells how a template becomes a URI, and not the way back. Here it is this:
///
/// | | takes | |
/// |---|---|---|
/// | `{var}` | at least one character of a path segment | never `/`, `?` or `#` |
/// | `{+var}` | at least one character, whichever | up to the first `?` or `#` where the template itself has a query or a fragment behind it |
/// | `{var*}`, `{/var*}`, `{.var*}` | a list: its members, with `,`, `/` or `.` between them | |
/// | `{/var}`, `{.var}`, `{;var}`, `{#var}` | with the character in front, or not at all | |
/// | `{?a,b}`, `{&a,b}` | any of the parameters, in any order, each once; `{?a*}` takes several | no parameter of another name |
///
/// A reserved character that the template itself writes after the scheme is a delimiter and no
/// part of a `{var}`: `geo://{lat},{lon}` has two numbers. All others may come as they are or
/// percent-encoded. Values are percent-decoded, once; a URI whose values are not UTF-8 then is no
/// match. What is not a variable has to be the same to the letter.
///
/// Matching takes time linear in the length of the URI, whatever the URI.
#[derive(Clone)]
pub struct UriTemplate {
    inner: Arc<Inner>,
}

struct Inner {
    text: String,
    variables: Vec<Variable>,
    pattern: Pattern,
}

/// A variable of a template.
struct Variable {
    name: Arc<str>,
    arity: Arity,
}

impl UriTemplate {
    /// Reads a template.
    ///
    /// # Errors
    ///
    /// If it is none by RFC 6570, is longer than 2,048 bytes, names a variable twice or has a
    /// prefix (`{var:3}`), or if some URI would be matched in two ways, as with `{a}{b}` or
    /// `{name}.{extension}`: it could not be told which variable has what. The message says which
    /// it is.
    pub fn parse(template: impl Into<String>) -> Result<Self, BuildError> {
        let text = template.into();
        let invalid = |reason: Cow<'static, str>| BuildError::invalid_template(&text, reason);
        if text.len() > MAX_TEMPLATE {
            return Err(invalid(format!("longer than {MAX_TEMPLATE} bytes").into()));
        }
        let pieces = syntax::parse(&text).map_err(invalid)?;
        let (variables, node) = meaning::of(&pieces).map_err(invalid)?;
        let pattern = Pattern::new(&node);
        if pattern.is_ambiguous() {
            return Err(invalid("a URI could be matched in two ways".into()));
        }
        Ok(Self { inner: Arc::new(Inner { text, variables, pattern }) })
    }

    /// The variables of a URI; `None` if it is none of this template's.
    pub fn matches(&self, uri: &str) -> Option<Variables> {
        let known = &self.inner.variables;
        let mut found: Vec<Vec<String>> = vec![Vec::new(); known.len()];
        for (variable, range) in self.inner.pattern.matches(uri)? {
            let values = &mut found[variable];
            // A parameter may stand in any place of a query, but once.
            if known[variable].arity == Arity::One && !values.is_empty() {
                return None;
            }
            values.push(percent_decode_str(&uri[range]).decode_utf8().ok()?.into_owned());
        }
        let variables = known.iter().zip(found).filter_map(|(variable, mut values)| {
            let value = match variable.arity {
                Arity::One => Value::One(values.pop()?),
                Arity::Many if values.is_empty() => return None,
                Arity::Many => Value::Many(values),
            };
            Some((Arc::clone(&variable.name), value))
        });
        Some(Variables::new(variables.collect()))
    }

    /// The names of the variables, in their order.
    pub fn variables(&self) -> impl Iterator<Item = &str> {
        self.inner.variables.iter().map(|variable| &*variable.name)
    }

    /// The template as it was given.
    pub fn as_str(&self) -> &str {
        &self.inner.text
    }
}

impl fmt::Debug for UriTemplate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("UriTemplate").field(&self.as_str()).finish()
    }
}

#[cfg(test)]
mod tests;
