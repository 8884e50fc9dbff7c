//! Prompts that come and go while the server runs.

use std::fmt;
use std::sync::Arc;

use super::catalogue::{PromptCatalogue, PromptPage};
use super::handler::PromptHandler;
use super::prompt::Prompt;
use super::result::GetPromptResult;
use super::table::RegisteredPrompt;
use crate::server::arguments::Arguments;
use crate::server::build_error::BuildError;
use crate::server::changes::Changes;
use crate::server::context::Context;
use crate::server::handler::BoxFuture;
use crate::server::handler_error::HandlerError;
use crate::server::named::NamedSet;
use crate::server::outcome::unknown_prompt;

/// Prompts that are added and removed while the server runs, the same for every caller: a
/// [`PromptCatalogue`] that tells clients by itself when it has changed. Cheap to clone.
///
/// ```
/// use mcp_http::{Arguments, Changes, Context, HandlerError, Prompt, PromptSet, Server};
///
/// let changes = Changes::new();
/// let prompts = PromptSet::new(&changes);
/// let server = Server::builder("library", "1.0.0")
///     .prompt_catalogue(prompts.clone())
///     .changes(&changes)
///     .build()?;
///
/// // At any time, from any thread:
/// prompts.insert(Prompt::new("greet"), |_: Arguments, _cx: Context| async {
///     Ok::<_, HandlerError>("Greet me.")
/// })?;
/// assert!(prompts.remove("greet"));
/// # Ok::<(), mcp_http::BuildError>(())
/// ```
///
/// They are listed in the order of their names. A request that runs goes on when its prompt is
/// removed, but is not run again once it has asked its client. Nothing here waits for a client.
#[derive(Clone)]
pub struct PromptSet {
    prompts: NamedSet<RegisteredPrompt>,
    changes: Changes,
}

impl PromptSet {
    /// A set without prompts, which tells of its changes by this handle. The server must be given
    /// the same one ([`ServerBuilder::changes`](crate::ServerBuilder::changes)).
    pub fn new(changes: &Changes) -> Self {
        Self { prompts: NamedSet::default(), changes: changes.clone() }
    }

    /// How many prompts a page of the list has at most, and at least one. Default: no limit. See
    /// [`ServerBuilder::page_size`](crate::ServerBuilder::page_size).
    #[must_use]
    pub fn with_page_size(mut self, prompts: usize) -> Self {
        self.prompts.set_page_size(prompts);
        self
    }

    /// Adds a prompt, in place of one of the same name.
    ///
    /// # Errors
    ///
    /// If a name is empty, or two of its arguments have one name. Then nothing has changed.
    pub fn insert(&self, prompt: Prompt, handler: impl PromptHandler) -> Result<(), BuildError> {
        prompt.validate()?;
        let name = prompt.name().to_owned();
        let registered = RegisteredPrompt { prompt: Arc::new(prompt), handler: Box::new(handler) };
        self.prompts.insert(name, registered);
        self.changes.prompts_changed();
        Ok(())
    }

    /// Removes a prompt. False if there is none of this name.
    pub fn remove(&self, name: &str) -> bool {
        let is_changed = self.prompts.remove(name);
        if is_changed {
            self.changes.prompts_changed();
        }
        is_changed
    }

    /// Whether there is a prompt of this name.
    pub fn contains(&self, name: &str) -> bool {
        self.prompts.contains(name)
    }
}

impl PromptCatalogue for PromptSet {
    fn list(
        self: Arc<Self>,
        cursor: Option<String>,
        _cx: Context,
    ) -> BoxFuture<'static, Result<PromptPage, HandlerError>> {
        let page = self.prompts.page(cursor.as_deref(), |registered| &registered.prompt);
        let page = page.map(|(prompts, next_cursor)| PromptPage { prompts, next_cursor });
        Box::pin(std::future::ready(page.map_err(HandlerError::from_rpc)))
    }

    fn get(
        self: Arc<Self>,
        name: String,
        arguments: Arguments,
        cx: Context,
    ) -> BoxFuture<'static, Result<GetPromptResult, HandlerError>> {
        let found = self.prompts.get(&name);
        let fits = found
            .ok_or_else(|| unknown_prompt(&name))
            .and_then(|found| found.check(&arguments).map(|()| found));
        match fits {
            Ok(found) => found.handler.get(arguments, cx),
            Err(error) => Box::pin(std::future::ready(Err(HandlerError::from_rpc(error)))),
        }
    }
}

impl fmt::Debug for PromptSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PromptSet").field(&self.prompts).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use futures::FutureExt;
    use serde_json::json;

    use super::*;
    use crate::protocol::change::{Notice, Subject};
    use crate::protocol::version::ProtocolVersion;
    use crate::server::context::tests::{context, info};
    use crate::server::{Audience, PromptArgument, PromptMessage};

    #[derive(Default)]
    struct Heard(Mutex<usize>);

    impl Audience for Heard {
        fn hear(&self, notice: &Notice) {
            assert_eq!(*notice.subject(), Subject::Prompts);
            *self.0.lock().unwrap() += 1;
        }
    }

    async fn old(_: Arguments, _: Context) -> Result<&'static str, HandlerError> {
        Ok("old")
    }

    fn cx() -> Context {
        context(info(ProtocolVersion::LATEST))
    }

    fn list(
        set: &PromptSet,
        cursor: Option<&str>,
    ) -> Result<(Vec<String>, Option<String>), HandlerError> {
        let page = Arc::new(set.clone()).list(cursor.map(str::to_owned), cx());
        page.now_or_never().expect("it does not wait").map(|page| {
            let names = page.prompts.iter().map(|prompt| prompt.name().to_owned());
            (names.collect(), page.next_cursor)
        })
    }

    fn get(set: &PromptSet, name: &str) -> Result<GetPromptResult, HandlerError> {
        let arguments = Arguments::new(&json!({"a": "x"})).unwrap();
        let get = Arc::new(set.clone()).get(name.into(), arguments, cx());
        get.now_or_never().expect("it does not wait")
    }

    fn said(text: &str) -> GetPromptResult {
        GetPromptResult::new([PromptMessage::user(text)])
    }

    #[test]
    fn what_is_inserted_and_removed_is_listed_served_and_told() {
        let changes = Changes::new();
        let heard = Arc::new(Heard::default());
        changes.add(&heard);
        let told = || std::mem::take(&mut *heard.0.lock().unwrap());
        let set = PromptSet::new(&changes);
        set.insert(Prompt::new("b"), old).unwrap();
        set.clone().insert(Prompt::new("a"), old).unwrap();
        assert_eq!(told(), 2);
        assert_eq!(list(&set, None).unwrap(), (vec!["a".into(), "b".into()], None));
        assert_eq!(get(&set, "a").unwrap(), said("old"));
        let new = |_: Arguments, _: Context| async { Ok::<_, HandlerError>("new") };
        set.insert(Prompt::new("a"), new).unwrap();
        assert_eq!(get(&set, "a").unwrap(), said("new"));
        assert_eq!(told(), 1);
        assert!(set.remove("a"));
        assert_eq!(told(), 1);
        assert!(!set.remove("a"));
        assert!(set.insert(Prompt::new(""), old).is_err());
        assert_eq!(told(), 0, "nothing has changed");
        assert_eq!(get(&set, "a").unwrap_err().to_string(), "Unknown prompt: a");
        assert!(set.contains("b") && !set.contains("a"));
    }

    /// 2026-07-28, Prompts, Error Handling: "Missing required arguments: `-32602`".
    #[test]
    fn what_a_prompt_of_the_set_requires_is_demanded() {
        let set = PromptSet::new(&Changes::new());
        let prompt = |name| Prompt::new("p").with_argument(PromptArgument::required(name));
        set.insert(prompt("a"), old).unwrap();
        assert_eq!(get(&set, "p").unwrap(), said("old"));
        set.insert(prompt("z"), old).unwrap();
        let error = get(&set, "p").unwrap_err();
        assert_eq!(error.to_string(), "`z`: missing required argument");
    }

    #[test]
    fn a_prompt_that_is_removed_between_two_pages_hides_no_other() {
        let set = PromptSet::new(&Changes::new()).with_page_size(2);
        for name in ["a", "b", "c", "d"] {
            set.insert(Prompt::new(name), old).unwrap();
        }
        let (first, cursor) = list(&set, None).unwrap();
        assert_eq!(first, ["a", "b"]);
        set.remove("b");
        set.remove("c");
        assert_eq!(list(&set, cursor.as_deref()).unwrap(), (vec!["d".into()], None));
        assert_eq!(list(&set, Some("?")).unwrap_err().to_string(), "Invalid cursor");
    }
}
