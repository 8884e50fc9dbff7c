//! What clients ask of tasks: `tasks/get`, `tasks/update`, `tasks/cancel`.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::json;
use serde_json::value::RawValue;

use super::EXTENSION;
use crate::protocol::jsonrpc::{ErrorCode, Params, Raw, RpcError, string};
use crate::server::raw::RawJson;

/// A request about a task.
#[derive(Debug, PartialEq)]
pub(crate) enum TaskRequest<'a> {
    Get { id: Cow<'a, str> },
    Update { id: Cow<'a, str>, answers: Vec<(String, RawJson)> },
    Cancel { id: Cow<'a, str> },
}

impl<'a> TaskRequest<'a> {
    /// Whether a method is one of them.
    pub(crate) fn has_method(method: &str) -> bool {
        matches!(method, "tasks/get" | "tasks/update" | "tasks/cancel")
    }

    /// Reads one.
    ///
    /// # Errors
    ///
    /// -32602 if a parameter is missing or of another type.
    pub(crate) fn read(method: &str, params: &Params<'a>) -> Result<Self, RpcError> {
        let id = params.get("taskId").and_then(string);
        let id = id.ok_or_else(|| {
            RpcError::invalid_params("`taskId` must be a string: the id of the task")
        })?;
        match method {
            "tasks/get" => Ok(Self::Get { id }),
            "tasks/update" => Ok(Self::Update { id, answers: answers(params)? }),
            "tasks/cancel" => Ok(Self::Cancel { id }),
            method => Err(RpcError::method_not_found(method)),
        }
    }
}

/// The answers to questions, by their keys. Each is the result of a request, an object.
fn answers(params: &Params<'_>) -> Result<Vec<(String, RawJson)>, RpcError> {
    let raw = params.get("inputResponses").map(Raw::get);
    let Some(raw) = raw.filter(|text| text.starts_with('{')) else {
        let message = "`inputResponses` must be an object: the answers by their keys";
        return Err(RpcError::invalid_params(message));
    };
    let by_key: BTreeMap<String, &RawValue> = serde_json::from_str(raw)
        .map_err(|error| RpcError::invalid_params(format!("`inputResponses`: {error}")))?;
    let object = |(key, answer): (String, &RawValue)| match answer.get().starts_with('{') {
        // It outlives the request's body.
        true => Ok((key, RawJson::copy(answer))),
        false => Err(RpcError::invalid_params("each of `inputResponses` must be an object")),
    };
    by_key.into_iter().map(object).collect()
}

/// The answer to one who asks for a task that does not exist, is another's, or has been forgotten:
/// the same for all (ext-tasks, Protocol Errors: `-32602`).
pub(crate) fn unknown_task() -> RpcError {
    RpcError::invalid_params("Task not found: it never was, or its time to live has passed")
}

/// The answer to a client that does not declare the extension (ext-tasks, Protocol Errors).
pub(crate) fn missing_extension() -> RpcError {
    let required = json!({"requiredCapabilities": {"extensions": {EXTENSION: {}}}});
    let message = "Missing required client capability: the extension io.modelcontextprotocol/tasks";
    RpcError::new(ErrorCode::MissingRequiredClientCapability, message).with_data(required)
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn read(method: &str, params: Value) -> Result<TaskRequest<'static>, RpcError> {
        let text: &'static str = Box::leak(params.to_string().into_boxed_str());
        let raw: BTreeMap<&str, &RawValue> = serde_json::from_str(text).unwrap();
        TaskRequest::read(method, &Params::new(raw.into_iter().collect()))
    }

    #[test]
    fn a_request_names_its_task_and_an_update_has_answers_that_are_objects() {
        let id = || Cow::Borrowed("t");
        assert_eq!(read("tasks/get", json!({"taskId": "t"})), Ok(TaskRequest::Get { id: id() }));
        assert_eq!(
            read("tasks/cancel", json!({"taskId": "t"})),
            Ok(TaskRequest::Cancel { id: id() })
        );
        let answers = json!({"b": {"x": 1}, "a": {}});
        assert_eq!(
            read("tasks/update", json!({"taskId": "t", "inputResponses": answers})),
            Ok(TaskRequest::Update {
                id: id(),
                answers: vec![
                    ("a".to_owned(), RawJson::from_serialize(&json!({})).unwrap()),
                    ("b".to_owned(), RawJson::from_serialize(&json!({"x": 1})).unwrap()),
                ],
            })
        );
    }

    #[test]
    fn what_is_missing_or_of_another_type_is_named() {
        for (method, params, named) in [
            ("tasks/get", json!({}), "`taskId`"),
            ("tasks/get", json!({"taskId": 1}), "`taskId`"),
            ("tasks/cancel", json!({"taskId": null}), "`taskId`"),
            ("tasks/update", json!({"inputResponses": {}}), "`taskId`"),
            ("tasks/update", json!({"taskId": "t"}), "`inputResponses`"),
            ("tasks/update", json!({"taskId": "t", "inputResponses": []}), "`inputResponses`"),
            ("tasks/update", json!({"taskId": "t", "inputResponses": {"a": 1}}), "an object"),
        ] {
            let error = read(method, params.clone()).unwrap_err();
            assert_eq!(error.code, ErrorCode::InvalidParams, "{params}");
            assert!(error.message.contains(named), "{}", error.message);
        }
    }
}
