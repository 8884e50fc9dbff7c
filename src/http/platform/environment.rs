//! The settings of a service on Cloud Run, as its environment has them.

use std::env;
use std::ffi::OsString;
use std::str::FromStr;
use std::time::Duration;

use super::error::CloudRunError;

/// What the environment says. What it does not say is `None`, or an empty list.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Environment {
    pub(super) port: Option<u16>,
    pub(super) hosts: Vec<String>,
    pub(super) origins: Vec<String>,
    pub(super) request_timeout: Option<Duration>,
    pub(super) concurrency: Option<usize>,
    pub(super) trusted_hops: Option<usize>,
    pub(super) metrics_path: Option<String>,
    pub(super) project: Option<String>,
    pub(super) service: Option<String>,
}

impl Environment {
    /// The process's.
    pub(super) fn read() -> Result<Self, CloudRunError> {
        Self::from_lookup(|name| env::var_os(name))
    }

    /// One that is looked up here. A variable that is empty is as good as none: that is how one
    /// is unset in a manifest.
    fn from_lookup(lookup: impl Fn(&str) -> Option<OsString>) -> Result<Self, CloudRunError> {
        let text = |name: &'static str| match lookup(name).map(OsString::into_string).transpose() {
            Ok(text) => Ok(text.map(|it| it.trim().to_owned()).filter(|it| !it.is_empty())),
            Err(_) => Err(CloudRunError::setting(name, "is not UTF-8")),
        };
        Ok(Self {
            port: number("PORT", "a port, such as 8080", text("PORT")?)?,
            hosts: list(text("MCP_ALLOWED_HOSTS")?),
            origins: list(text("MCP_ALLOWED_ORIGINS")?),
            request_timeout: number(
                "MCP_REQUEST_TIMEOUT",
                "the service's request timeout in whole seconds, such as 3600",
                text("MCP_REQUEST_TIMEOUT")?,
            )?
            .map(Duration::from_secs),
            concurrency: number(
                "MCP_CONCURRENCY",
                "how many requests Cloud Run gives an instance at once, such as 80",
                text("MCP_CONCURRENCY")?,
            )?,
            trusted_hops: number(
                "MCP_TRUSTED_HOPS",
                "how many proxies append to X-Forwarded-For: 1 on Cloud Run, 2 behind its load \
                 balancer",
                text("MCP_TRUSTED_HOPS")?,
            )?,
            metrics_path: text("MCP_METRICS_PATH")?,
            project: text("GOOGLE_CLOUD_PROJECT")?,
            service: text("K_SERVICE")?,
        })
    }
}

fn number<T: FromStr>(
    name: &'static str,
    expected: &str,
    text: Option<String>,
) -> Result<Option<T>, CloudRunError> {
    let Some(text) = text else { return Ok(None) };
    match text.parse() {
        Ok(number) => Ok(Some(number)),
        Err(_) => Err(CloudRunError::setting(name, format!("is `{text}`, and must be {expected}"))),
    }
}

fn list(text: Option<String>) -> Vec<String> {
    let text = text.unwrap_or_default();
    text.split(',').map(str::trim).filter(|it| !it.is_empty()).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Result<Environment, CloudRunError> {
        Environment::from_lookup(|name| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| value.into())
        })
    }

    #[test]
    fn what_is_unset_or_empty_is_left_to_the_defaults() {
        assert_eq!(read(&[]).unwrap(), Environment::default());
        let empty = ["PORT", "MCP_ALLOWED_HOSTS", "MCP_ALLOWED_ORIGINS", "MCP_REQUEST_TIMEOUT"];
        assert_eq!(read(&empty.map(|name| (name, " "))).unwrap(), Environment::default());
    }

    #[test]
    fn every_variable_is_read() {
        let read = read(&[
            ("PORT", "9000"),
            ("MCP_ALLOWED_HOSTS", "a.example, b.example:8443,,"),
            ("MCP_ALLOWED_ORIGINS", "https://c.example"),
            ("MCP_REQUEST_TIMEOUT", "3600"),
            ("MCP_CONCURRENCY", "1000"),
            ("MCP_TRUSTED_HOPS", "2"),
            ("MCP_METRICS_PATH", "/metrics"),
            ("GOOGLE_CLOUD_PROJECT", "my-project"),
            ("K_SERVICE", "weather"),
        ]);
        let expected = Environment {
            port: Some(9000),
            hosts: vec!["a.example".to_owned(), "b.example:8443".to_owned()],
            origins: vec!["https://c.example".to_owned()],
            request_timeout: Some(Duration::from_secs(3600)),
            concurrency: Some(1000),
            trusted_hops: Some(2),
            metrics_path: Some("/metrics".to_owned()),
            project: Some("my-project".to_owned()),
            service: Some("weather".to_owned()),
        };
        assert_eq!(read.unwrap(), expected);
    }

    #[test]
    fn an_error_names_the_variable_and_what_it_must_be() {
        for (name, value, said) in [
            ("PORT", "http", "PORT: is `http`, and must be a port"),
            ("PORT", "65536", "PORT: is `65536`"),
            ("MCP_REQUEST_TIMEOUT", "300s", "MCP_REQUEST_TIMEOUT: is `300s`"),
            ("MCP_REQUEST_TIMEOUT", "-1", "MCP_REQUEST_TIMEOUT: is `-1`"),
            ("MCP_CONCURRENCY", "-1", "MCP_CONCURRENCY: is `-1`"),
            ("MCP_TRUSTED_HOPS", "one", "MCP_TRUSTED_HOPS: is `one`"),
        ] {
            let error = read(&[(name, value)]).unwrap_err();
            assert!(error.to_string().starts_with(said), "{error}");
            assert!(error.is_invalid_setting() && !error.is_hosts_not_named());
        }
    }

    #[cfg(unix)]
    #[test]
    fn what_is_no_text_is_an_error_too() {
        use std::os::unix::ffi::OsStringExt;

        let broken = |_: &str| Some(OsString::from_vec(vec![0xff]));
        assert_eq!(Environment::from_lookup(broken).unwrap_err().to_string(), "PORT: is not UTF-8");
    }
}
