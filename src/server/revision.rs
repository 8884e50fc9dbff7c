//! What each revision of the protocol knows: the one place that tells which members the
//! messages of a revision can hold.
//!
//! The schemas leave their objects open, so a member too many would not make a message invalid;
//! it is left out all the same, because clients of older revisions exist that refuse what they
//! do not know.

use crate::protocol::version::ProtocolVersion;

/// What the messages of a revision can say.
pub(crate) trait Revision: Copy {
    /// `title`, `_meta` on definitions and content, `lastModified`, resource links, `outputSchema`
    /// and `structuredContent` (2025-06-18, Key Changes).
    fn knows_titles_and_structure(self) -> bool;

    /// `icons`, and the `description` and `websiteUrl` of an implementation (2025-11-25, Key
    /// Changes).
    fn knows_icons(self) -> bool;

    /// Arguments that do not fit are a result with `isError`, which the model sees and can mend
    /// (2025-11-25, Tools, Error Handling: "Input validation errors"); before, a protocol error
    /// (2025-06-18, Tools, Error Handling: "Invalid arguments").
    fn reports_bad_arguments_to_the_model(self) -> bool;

    /// Structured content and its schema may be any JSON value, not objects alone, and the
    /// properties in a schema may be boolean schemas (2026-07-28, Tools, Structured Content; the
    /// schema of `Tool`).
    fn structure_is_free(self) -> bool;

    /// The error code `-32021` exists (2026-07-28, Base Protocol, Error Codes).
    fn knows_missing_client_capability(self) -> bool;

    /// A resource that is not there has a code of its own, `-32002` (2025-11-25, Resources, Error
    /// Handling); from 2026-07-28 on it is `-32602` like any other wrong parameter.
    fn knows_resource_not_found(self) -> bool;

    /// A call may become a task of the extension `io.modelcontextprotocol/tasks`, which builds on
    /// what requests say of themselves (ext-tasks, Capability Negotiation). The experimental tasks
    /// of 2025-11-25 are others.
    fn knows_tasks(self) -> bool;

    /// What a server asks for is a result, and what the client gives comes with the next request
    /// (2026-07-28, Multi Round-Trip Requests); before, requests and answers of their own.
    fn has_input_in_requests(self) -> bool;

    /// `elicitation/create` (2025-06-18, Key Changes).
    fn knows_elicitation(self) -> bool;

    /// `mode`, and the one that is `url`; several choices, titles of choices in `oneOf`, and
    /// defaults of all kinds of fields (2025-11-25, Key Changes).
    fn knows_elicitation_modes(self) -> bool;

    /// `elicitationId` (2025-11-25, Elicitation, URL Mode; gone from 2026-07-28).
    fn has_elicitation_ids(self) -> bool;

    /// `tools` and `toolChoice` in sampling; `tool_use`, `tool_result`, several blocks and `_meta`
    /// in its messages (2025-11-25, Key Changes).
    fn knows_tools_in_sampling(self) -> bool;

    /// 2025-11-25: `sampling.context`, without which a client should not be asked to include any.
    fn declares_context_in_sampling(self) -> bool;
}

impl Revision for ProtocolVersion {
    fn knows_titles_and_structure(self) -> bool {
        self >= Self::V2025_06_18
    }

    fn knows_icons(self) -> bool {
        self >= Self::V2025_11_25
    }

    fn reports_bad_arguments_to_the_model(self) -> bool {
        self >= Self::V2025_11_25
    }

    fn structure_is_free(self) -> bool {
        self >= Self::V2026_07_28
    }

    fn knows_missing_client_capability(self) -> bool {
        self >= Self::V2026_07_28
    }

    fn knows_resource_not_found(self) -> bool {
        self < Self::V2026_07_28
    }

    fn knows_tasks(self) -> bool {
        self >= Self::V2026_07_28
    }

    fn has_input_in_requests(self) -> bool {
        self >= Self::V2026_07_28
    }

    fn knows_elicitation(self) -> bool {
        self >= Self::V2025_06_18
    }

    fn knows_elicitation_modes(self) -> bool {
        self >= Self::V2025_11_25
    }

    fn has_elicitation_ids(self) -> bool {
        self == Self::V2025_11_25
    }

    fn knows_tools_in_sampling(self) -> bool {
        self >= Self::V2025_11_25
    }

    fn declares_context_in_sampling(self) -> bool {
        self >= Self::V2025_11_25
    }
}
