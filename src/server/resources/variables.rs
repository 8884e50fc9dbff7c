//! Variables: what a URI template finds in a URI.

use std::fmt;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use serde::de::DeserializeOwned;

use super::values::Values;
use crate::server::handler_error::HandlerError;
use crate::server::raw::excerpt;

/// At most so many bytes of an error's message are told: it may quote the value.
const MESSAGE_LIMIT: usize = 512;

/// The variables of a [`UriTemplate`](crate::UriTemplate) in a URI, percent-decoded.
///
/// ```
/// use mcp_http::UriTemplate;
///
/// #[derive(serde::Deserialize)]
/// struct Forecast { city: String, days: Option<u8> }
///
/// let template = UriTemplate::parse("weather://{city}{?days}")?;
/// let variables = template.matches("weather://Bern?days=3").unwrap();
/// assert_eq!(variables.get("city"), Some("Bern"));
/// let Forecast { city, days } = variables.parse().unwrap();
/// assert_eq!((city.as_str(), days), ("Bern", Some(3)));
/// # Ok::<(), mcp_http::BuildError>(())
/// ```
///
/// # Security
///
/// A value is what the client wrote. It may hold **anything** once it is decoded: `/` and `..`
/// (from `%2F` and `%2E`), a NUL, line ends. "Servers **MUST** sanitize file paths to prevent
/// directory traversal attacks" (2026-07-28, Resources, Security Considerations): a value is not
/// to be joined to a path as it is, and not to be put into SQL, a command or another URI. For
/// paths there is [`relative_path`](Self::relative_path).
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Variables {
    values: Arc<[(Arc<str>, Value)]>,
}

/// The value of a variable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value {
    One(String),
    /// Of `{var*}`; not empty.
    Many(Vec<String>),
}

impl Variables {
    pub(super) fn new(values: Vec<(Arc<str>, Value)>) -> Self {
        Self { values: values.into() }
    }

    /// The value of a variable; of a list (`{var*}`), the first. `None` if the template has no such
    /// variable, or the URI leaves it out.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.get_all(name).first().map(String::as_str)
    }

    /// All values of a list (`{var*}`), or the one of another variable; none if there is none.
    pub fn get_all(&self, name: &str) -> &[String] {
        match self.value(name) {
            None => &[],
            Some(Value::One(value)) => std::slice::from_ref(value),
            Some(Value::Many(values)) => values,
        }
    }

    /// Reads the variables as a type of the handler's: a struct with a field for each. Numbers,
    /// booleans and enums are read from their text, lists (`{var*}`) as sequences, and what a URI
    /// may leave out as an `Option` or with `#[serde(default)]`.
    ///
    /// # Errors
    ///
    /// If they do not fit: the error names the variable, and answers with `-32602`.
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T, HandlerError> {
        serde_path_to_error::deserialize(Values::new(&self.values)).map_err(|error| {
            let path = error.path().to_string();
            let message = error.inner().to_string();
            let message = excerpt(&message, MESSAGE_LIMIT);
            // A missing variable is named by the message.
            if path == "." {
                HandlerError::invalid_arguments(message)
            } else {
                HandlerError::invalid_argument(path, message)
            }
        })
    }

    /// The value of a variable as a path that stays below the directory that it is joined to:
    /// `{+path}`, with `/` in it, or the segments of `{/path*}`.
    ///
    /// ```
    /// use mcp_http::UriTemplate;
    ///
    /// let template = UriTemplate::parse("file:///{+path}")?;
    /// let path = |uri| template.matches(uri).unwrap().relative_path("path").ok();
    /// assert_eq!(path("file:///src/main.rs"), Some("src/main.rs".into()));
    /// assert_eq!(path("file:///src/%2E%2E/%2E%2E/etc/passwd"), None);
    /// # Ok::<(), mcp_http::BuildError>(())
    /// ```
    ///
    /// It looks at the text alone. A symbolic link below the directory may still lead out of it:
    /// where somebody else may make links there, compare what `std::fs::canonicalize` gives.
    ///
    /// # Errors
    ///
    /// If there is no such variable, or it is no such path: if it is absolute, or has an empty
    /// segment, `.`, `..`, a NUL, or what leads elsewhere on this platform (on Windows `\` and
    /// `:`). The error names the variable, and answers with `-32602`.
    pub fn relative_path(&self, name: &str) -> Result<PathBuf, HandlerError> {
        let refused = |why| Err(HandlerError::invalid_argument(name, why));
        let mut path = PathBuf::new();
        let segments: Vec<&str> = match self.value(name) {
            None => return refused("is missing"),
            Some(Value::One(value)) => value.split('/').collect(),
            Some(Value::Many(values)) => values.iter().map(String::as_str).collect(),
        };
        for segment in segments {
            if !is_plain(segment) {
                return refused("is no path below its directory");
            }
            path.push(segment);
        }
        Ok(path)
    }

    /// Names and values, in the order of the template; a list once for each of its values.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.values.iter().flat_map(|(name, value)| {
            let values = match value {
                Value::One(value) => std::slice::from_ref(value),
                Value::Many(values) => values,
            };
            values.iter().map(move |value| (&**name, value.as_str()))
        })
    }

    fn value(&self, name: &str) -> Option<&Value> {
        self.values.iter().find(|(known, _)| **known == *name).map(|(_, value)| value)
    }
}

/// Whether a segment of a path is the name of something in a directory.
fn is_plain(segment: &str) -> bool {
    let mut components = Path::new(segment).components();
    let is_name = matches!(components.next(), Some(Component::Normal(name)) if name == segment);
    let leads_elsewhere = segment.contains('\0') || (cfg!(windows) && segment.contains(':'));
    is_name && components.next().is_none() && !leads_elsewhere
}

impl fmt::Debug for Variables {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::super::uri_template::UriTemplate;
    use super::*;

    fn variables(template: &str, uri: &str) -> Variables {
        UriTemplate::parse(template).unwrap().matches(uri).expect("it matches")
    }

    #[derive(Debug, Deserialize, PartialEq)]
    struct Trip {
        city: String,
        days: u8,
        night: Option<bool>,
        #[serde(default)]
        stops: Vec<u32>,
        unit: Option<Unit>,
    }

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(rename_all = "lowercase")]
    enum Unit {
        Si,
    }

    const TRIP: &str = "trip://{city}/{days}{?night,unit,stops*}";

    #[test]
    fn variables_are_read_as_the_types_that_fields_have() {
        let all = variables(TRIP, "trip://Bern/3?stops=1&unit=si&stops=2&night=true");
        let expected = Trip {
            city: "Bern".into(),
            days: 3,
            night: Some(true),
            stops: vec![1, 2],
            unit: Some(Unit::Si),
        };
        assert_eq!(all.parse::<Trip>().unwrap(), expected);
        let few = variables(TRIP, "trip://7/3").parse::<Trip>().unwrap();
        let expected =
            Trip { city: "7".into(), days: 3, night: None, stops: Vec::new(), unit: None };
        assert_eq!(few, expected);
    }

    #[test]
    fn what_does_not_fit_is_named() {
        let told = |uri| variables(TRIP, uri).parse::<Trip>().unwrap_err().to_string();
        assert_eq!(told("trip://a/300"), "`days`: invalid value: string \"300\", expected u8");
        assert_eq!(
            told("trip://a/3?night=yes"),
            "`night`: invalid value: string \"yes\", expected a boolean"
        );
        assert_eq!(
            told("trip://a/3?stops=1&stops=x"),
            "`stops[1]`: invalid value: string \"x\", expected u32"
        );
        assert_eq!(told("trip://a/3?unit=x"), "`unit`: unknown variant `x`, expected `si`");
        let missing = variables("trip://{city}", "trip://a").parse::<Trip>().unwrap_err();
        assert_eq!(missing.to_string(), "missing field `days`");
        let long = format!("trip://a/{}", "9".repeat(8_000));
        assert!(told(&long).len() <= "`days`: ".len() + MESSAGE_LIMIT);
    }

    #[test]
    fn a_map_takes_them_all() {
        let map: std::collections::BTreeMap<String, String> =
            variables("a:{x}{?y,z}", "a:1?z=2").parse().unwrap();
        assert_eq!(map, [("x".into(), "1".into()), ("z".into(), "2".into())].into());
    }

    #[test]
    fn a_list_has_several_values_and_any_other_variable_one() {
        let found = variables("a:{x}{/list*}", "a:1/2/3");
        assert_eq!(
            (found.get("x"), found.get("list"), found.get("y")),
            (Some("1"), Some("2"), None)
        );
        assert_eq!(found.get_all("x"), ["1"]);
        assert_eq!(found.get_all("list"), ["2", "3"]);
        assert_eq!(found.get_all("y"), [""; 0]);
        assert!(found.iter().eq([("x", "1"), ("list", "2"), ("list", "3")]));
    }

    /// 2026-07-28, Resources, Security Considerations: "Servers MUST sanitize file paths to prevent
    /// directory traversal attacks when serving `file://` resources".
    #[test]
    fn a_relative_path_never_leads_out_of_its_directory() {
        for hostile in [
            "..",
            "../x",
            "a/../../x",
            "a/..",
            "%2E%2E",
            "%2e%2e/x",
            "a%2F..%2F..%2Fx",
            "/etc/passwd",
            "//etc",
            "a//b",
            "%2Fetc",
            "./a",
            "a/.",
            "a/",
            "a%00b",
            ".",
        ] {
            let found = variables("f:{+path}", &format!("f:{hostile}"));
            let error = found.relative_path("path").unwrap_err();
            assert_eq!(error.to_string(), "`path`: is no path below its directory", "{hostile}");
        }
        for hostile in ["a%2Fb", "..", "%2E%2E", "a%00", "."] {
            let found = variables("f:{/path*}", &format!("f:/a/{hostile}/b"));
            assert!(found.relative_path("path").is_err(), "{hostile}");
        }
        let path = |template, uri| variables(template, uri).relative_path("path").unwrap();
        assert_eq!(path("f:{+path}", "f:a/b%20c/...d"), Path::new("a/b c/...d"));
        assert_eq!(path("f:{/path*}", "f:/a/b"), Path::new("a/b"));
        let missing = variables("f:{+path}", "f:a").relative_path("other").unwrap_err();
        assert_eq!(missing.to_string(), "`other`: is missing");
    }

    #[cfg(windows)]
    #[test]
    fn a_relative_path_has_nothing_that_windows_takes_for_more() {
        for hostile in ["C:", "C:%5Cx", "a%5C..%5Cb", "a:stream"] {
            assert!(variables("f:{+path}", &format!("f:{hostile}")).relative_path("path").is_err());
        }
    }
}
