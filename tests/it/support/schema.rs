//! The `schema.json` of each revision, and what its definitions say of messages.
//!
//! The schemas are the specification's own and not part of the crate: `MCP_SPEC_DIR` says where they
//! are. Error bodies without an id are excepted in 2025-03-26 and 2025-06-18, whose schemas have
//! none, although their transport pages allow them ("a JSON-RPC error response that has no `id`").

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use jsonschema::{Registry, Validator};
use serde_json::{Value, json};

/// The revisions, oldest first.
pub const REVISIONS: [&str; 4] = ["2025-03-26", "2025-06-18", "2025-11-25", "2026-07-28"];

/// The extension of the latest revision that the crate serves.
const TASKS: &str = "ext-tasks";

/// By which the registry knows the schema.
const URI: &str = "urn:schema";

/// The schema of one revision.
pub struct Schema {
    pub version: &'static str,
    root: Value,
    registry: Registry<'static>,
    /// The definitions of requests and notifications, by their methods.
    by_method: HashMap<String, String>,
    /// The validators made so far, by the definitions they are for.
    validators: Mutex<HashMap<String, Arc<Validator>>>,
}

static SCHEMAS: LazyLock<[Option<Schema>; REVISIONS.len()]> =
    LazyLock::new(|| REVISIONS.map(Schema::read));
static EXTENSION: LazyLock<Option<Schema>> = LazyLock::new(|| Schema::read(TASKS));

impl Schema {
    /// The schema of a revision, or of the tasks extension; `None`, loudly, where it is not there
    /// and need not be.
    pub fn of(version: &str) -> Option<&'static Self> {
        let all = SCHEMAS.iter().chain([&*EXTENSION]);
        all.flatten().find(|schema| schema.version == version)
    }

    /// That of the extension for tasks.
    pub fn of_tasks() -> Option<&'static Self> {
        EXTENSION.as_ref()
    }

    fn read(version: &'static str) -> Option<Self> {
        let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/spec");
        let folder = std::env::var_os("MCP_SPEC_DIR").map_or_else(|| beside.into(), PathBuf::from);
        let path = folder.join(version).join("schema.json");
        match std::fs::read(&path) {
            Ok(text) => Some(Self::new(version, serde_json::from_slice(&text).expect("JSON"))),
            Err(error) if std::env::var("CI").is_ok_and(|ci| ci == "true") => {
                panic!("{}: {error}", path.display())
            }
            Err(error) => {
                eprintln!("SKIPPED: messages of {version} against {}: {error}", path.display());
                None
            }
        }
    }

    fn new(version: &'static str, root: Value) -> Self {
        let builder = Registry::new().add(URI, root.clone()).expect("the schema is one");
        let registry = builder.prepare().expect("the schema refers to itself alone");
        let definitions = root[definitions(&root)].as_object().expect("definitions");
        let method =
            |part: &Value| part["properties"]["method"]["const"].as_str().map(str::to_owned);
        let of_method = |(name, definition): (&String, &Value)| {
            let parts = definition["allOf"].as_array().into_iter().flatten();
            let method = method(definition).or_else(|| parts.filter_map(method).next())?;
            Some((method, name.clone()))
        };
        let mut by_method: HashMap<_, _> = definitions.iter().filter_map(of_method).collect();
        // 2026-07-28 has another definition, a union of one, with the same method.
        let cancelled = "CancelledNotification";
        if definitions.contains_key(cancelled) {
            by_method.insert("notifications/cancelled".to_owned(), cancelled.to_owned());
        }
        Self { version, root, registry, by_method, validators: Mutex::default() }
    }

    pub fn has(&self, definition: &str) -> bool {
        self.root[definitions(&self.root)].get(definition).is_some()
    }

    /// What is wrong with a value, if anything is.
    pub fn faults(&self, definition: &str, value: &Value) -> Vec<String> {
        let named = |error: jsonschema::ValidationError<'_>| {
            format!("{} {definition}{}: {error}", self.version, error.instance_path())
        };
        self.validator(definition).iter_errors(value).map(named).collect()
    }

    fn validator(&self, definition: &str) -> Arc<Validator> {
        let mut validators = self.validators.lock().unwrap_or_else(PoisonError::into_inner);
        let make = || Arc::new(self.compile(definition));
        validators.entry(definition.to_owned()).or_insert_with(make).clone()
    }

    fn compile(&self, definition: &str) -> Validator {
        assert!(self.has(definition), "{}: no definition of {definition}", self.version);
        let reference = format!("{URI}#/{}/{definition}", definitions(&self.root));
        let schema = json!({"$schema": self.root["$schema"], "$ref": reference});
        let options = jsonschema::options().should_validate_formats(true);
        options.with_registry(&self.registry).build(&schema).expect("a definition is a schema")
    }

    /// What is wrong with a message of the server's that answers one of these methods, if it
    /// answers any.
    pub fn faults_of_message(&self, asked: &[&str], message: &Value) -> Vec<String> {
        let has = |member: &str| message.get(member).is_some();
        match (has("method"), has("result"), has("error")) {
            (true, false, false) => self.faults_of_method(message),
            (false, true, false) => self.faults_of_result(asked, message),
            (false, false, true) => self.faults_of_error(message),
            _ => vec![format!("{}: neither or several at once: {message}", self.version)],
        }
    }

    /// A notification, or a request to the client.
    fn faults_of_method(&self, message: &Value) -> Vec<String> {
        let whole = if message.get("id").is_some() { "Request" } else { "Notification" };
        let mut faults = self.faults(&format!("JSONRPC{whole}"), message);
        let method = message["method"].as_str().unwrap_or_default();
        match self.of_method(method) {
            Some((schema, definition)) if definition.ends_with(whole) => {
                faults.extend(schema.faults(definition, message));
            }
            _ => faults.push(format!("{}: no {whole} is {method:?}", self.version)),
        }
        faults
    }

    fn faults_of_result(&self, asked: &[&str], message: &Value) -> Vec<String> {
        let whole = ["JSONRPCResultResponse", "JSONRPCResponse"];
        let whole = whole.into_iter().find(|name| self.has(name)).expect("one of the names");
        let mut faults = self.faults(whole, message);
        // Clients that send the same id twice at once are answered twice, in any order.
        let results = asked.iter().map(|method| self.faults_of(method, &message["result"]));
        faults.extend(results.min_by_key(Vec::len).unwrap_or_default());
        faults
    }

    /// What is wrong with the result of a method.
    fn faults_of(&self, method: &str, result: &Value) -> Vec<String> {
        let Some((schema, request)) = self.of_method(method) else {
            return vec![format!("{}: {method} has a result", self.version)];
        };
        let (schema, definition) = match (result["resultType"].as_str(), &*EXTENSION) {
            (Some("input_required"), _) => (schema, "InputRequiredResult".to_owned()),
            (Some("task"), Some(tasks)) => (tasks, "CreateTaskResult".to_owned()),
            _ => (schema, request.replace("Request", "Result")),
        };
        if schema.has(&definition) {
            schema.faults(&definition, result)
        } else {
            self.faults("EmptyResult", result)
        }
    }

    /// The definition of a request or a notification, which may be the extension's.
    fn of_method(&self, method: &str) -> Option<(&Self, &str)> {
        let extension = EXTENSION.as_ref().filter(|_| self.version == REVISIONS[3]);
        let mut schemas = std::iter::once(self).chain(extension);
        schemas.find_map(|schema| Some((schema, &**schema.by_method.get(method)?)))
    }

    fn faults_of_error(&self, message: &Value) -> Vec<String> {
        let (name, id_may_be_missing) = match self.has("JSONRPCErrorResponse") {
            true => ("JSONRPCErrorResponse", true),
            false => ("JSONRPCError", false),
        };
        let mut faults = Vec::new();
        if id_may_be_missing || message.get("id").is_some() {
            faults.extend(self.faults(name, message));
        }
        // The typed errors of 2026-07-28; some are whole messages, some the error alone.
        let typed = match message["error"]["code"].as_i64() {
            Some(-32020) => "HeaderMismatchError",
            Some(-32021) => "MissingRequiredClientCapabilityError",
            Some(-32022) => "UnsupportedProtocolVersionError",
            Some(-32700) => "ParseError",
            Some(-32600) => "InvalidRequestError",
            Some(-32601) => "MethodNotFoundError",
            Some(-32602) => "InvalidParamsError",
            Some(-32603) => "InternalError",
            // A code of an application's own.
            _ => return faults,
        };
        if self.has(typed) {
            let definition = &self.root[definitions(&self.root)][typed];
            let whole = definition["properties"].get("error").is_some();
            faults.extend(self.faults(typed, if whole { message } else { &message["error"] }));
        }
        faults
    }
}

fn definitions(root: &Value) -> &'static str {
    if root.get("$defs").is_some() { "$defs" } else { "definitions" }
}
