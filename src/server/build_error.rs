//! Why a server could not be built.

use std::fmt;

/// The server that was described cannot be built; the message names what is wrong with it.
///
/// ```
/// use mcp_http::{Arguments, Context, Server, Tool, ToolError};
///
/// let error = Server::builder("s", "1")
///     .tool(Tool::new("no spaces"), |_: Arguments, _: Context| async { Ok::<_, ToolError>("") })
///     .build()
///     .unwrap_err();
/// assert!(error.to_string().starts_with("tool `no spaces`: a name has"));
/// ```
///
/// Its `Debug` is the same message: that is what a `main` prints that returns it.
#[derive(thiserror::Error)]
#[error(transparent)]
pub struct BuildError {
    kind: BuildErrorKind,
}

#[derive(Debug, thiserror::Error)]
enum BuildErrorKind {
    #[error("tool `{name}`: {reason}")]
    InvalidTool { name: String, reason: String },
    #[error("tool `{name}`: registered twice")]
    DuplicateTool { name: String },
    #[error("prompt `{name}`: {reason}")]
    InvalidPrompt { name: String, reason: String },
    #[error("a server has prompts of its own or a catalogue of prompts, not both")]
    PromptsAndCatalogue,
    #[error("completion of `{argument}` of {reference}: {reason}")]
    InvalidCompletion { reference: String, argument: String, reason: &'static str },
    #[error("a server has tools of its own or a catalogue, not both")]
    ToolsAndCatalogue,
    #[error("resource `{uri}`: {reason}")]
    InvalidResource { uri: String, reason: String },
    #[error("resource template `{template}`: {reason}")]
    InvalidTemplate { template: String, reason: String },
    #[error("a server has resources of its own or a catalogue of resources, not both")]
    ResourcesAndCatalogue,
    #[error("option `{name}`: {reason}")]
    InvalidOption { name: &'static str, reason: String },
}

impl BuildError {
    pub(crate) fn invalid_tool(name: &str, reason: impl fmt::Display) -> Self {
        let (name, reason) = (name.to_owned(), reason.to_string());
        Self { kind: BuildErrorKind::InvalidTool { name, reason } }
    }

    pub(crate) fn duplicate_tool(name: &str) -> Self {
        Self { kind: BuildErrorKind::DuplicateTool { name: name.to_owned() } }
    }

    pub(crate) fn invalid_prompt(name: &str, reason: impl fmt::Display) -> Self {
        let (name, reason) = (name.to_owned(), reason.to_string());
        Self { kind: BuildErrorKind::InvalidPrompt { name, reason } }
    }

    pub(crate) fn prompts_and_catalogue() -> Self {
        Self { kind: BuildErrorKind::PromptsAndCatalogue }
    }

    pub(crate) fn invalid_completion(
        reference: impl fmt::Display,
        argument: &str,
        reason: &'static str,
    ) -> Self {
        let (reference, argument) = (reference.to_string(), argument.to_owned());
        Self { kind: BuildErrorKind::InvalidCompletion { reference, argument, reason } }
    }

    pub(crate) fn invalid_resource(uri: &str, reason: impl fmt::Display) -> Self {
        let (uri, reason) = (uri.to_owned(), reason.to_string());
        Self { kind: BuildErrorKind::InvalidResource { uri, reason } }
    }

    pub(crate) fn invalid_template(template: &str, reason: impl fmt::Display) -> Self {
        let (template, reason) = (template.to_owned(), reason.to_string());
        Self { kind: BuildErrorKind::InvalidTemplate { template, reason } }
    }

    pub(crate) fn resources_and_catalogue() -> Self {
        Self { kind: BuildErrorKind::ResourcesAndCatalogue }
    }

    pub(crate) fn option(name: &'static str, reason: impl fmt::Display) -> Self {
        Self { kind: BuildErrorKind::InvalidOption { name, reason: reason.to_string() } }
    }

    pub(crate) fn tools_and_catalogue() -> Self {
        Self { kind: BuildErrorKind::ToolsAndCatalogue }
    }
}

impl fmt::Debug for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
