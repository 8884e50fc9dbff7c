//! What a server can complete.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use super::handler::CompletionHandler;
use super::request::{CompletionReference, CompletionRequest};
use crate::server::build_error::BuildError;
use crate::server::prompts::Prompts;
use crate::server::resources::Resources;

/// What completes an argument.
type Completer = Arc<dyn CompletionHandler>;

/// The completers that a builder gathers.
#[derive(Default)]
pub(crate) struct CompletionsBuilder {
    given: Vec<(CompletionReference, String, Completer)>,
    /// From the types of arguments; one that is given takes the place of such a one.
    derived: Vec<(CompletionReference, String, Completer)>,
    rest: Option<Completer>,
}

/// What a server can complete.
pub(crate) struct Completions {
    /// By whose argument it is, and the argument's name.
    completers: HashMap<CompletionReference, HashMap<String, Completer>>,
    /// What completes all that has no completer of its own.
    rest: Option<Completer>,
}

/// Whether a server has what is to be completed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Known {
    Both,
    /// No such prompt or template.
    NoReference,
    /// It is there, but has no such argument.
    NoArgument,
    /// It depends on the caller.
    Maybe,
}

/// Whether a server has an argument of this name of what is referred to.
pub(super) fn known(
    reference: &CompletionReference,
    argument: &str,
    prompts: &Prompts,
    resources: &Resources,
) -> Known {
    match reference {
        CompletionReference::Prompt(name) => prompts.knows(name, argument),
        CompletionReference::Resource(template) => resources.knows(template, argument),
    }
}

impl CompletionsBuilder {
    pub(super) fn add(
        &mut self,
        reference: CompletionReference,
        argument: String,
        handler: impl CompletionHandler,
    ) {
        self.given.push((reference, argument, Arc::new(handler)));
    }

    pub(super) fn add_rest(&mut self, handler: impl CompletionHandler) {
        self.rest = Some(Arc::new(handler));
    }

    /// Adds what the type of a prompt's argument tells that it can be.
    #[cfg_attr(not(feature = "schemars"), expect(dead_code, reason = "for what is derived"))]
    pub(in crate::server) fn derive(&mut self, prompt: &str, argument: &str, values: Vec<String>) {
        let reference = CompletionReference::Prompt(prompt.to_owned());
        self.derived.push((reference, argument.to_owned(), Arc::new(values)));
    }

    /// # Errors
    ///
    /// If there is a completer for what is not there, or two for one argument.
    pub(crate) fn build(
        self,
        prompts: &Prompts,
        resources: &Resources,
    ) -> Result<Completions, BuildError> {
        let mut completers: HashMap<_, HashMap<_, _>> = HashMap::new();
        for (reference, argument, completer) in self.given {
            let invalid =
                |reason| Err(BuildError::invalid_completion(&reference, &argument, reason));
            match known(&reference, &argument, prompts, resources) {
                Known::Both | Known::Maybe => {}
                Known::NoReference => return invalid("the server has no such thing"),
                Known::NoArgument => return invalid("it takes no such argument"),
            }
            if completers.get(&reference).is_some_and(|known| known.contains_key(&argument)) {
                return invalid("registered twice");
            }
            completers.entry(reference).or_default().insert(argument, completer);
        }
        for (reference, argument, completer) in self.derived {
            if let Entry::Vacant(place) = completers.entry(reference).or_default().entry(argument) {
                place.insert(completer);
            }
        }
        Ok(Completions { completers, rest: self.rest })
    }
}

impl Completions {
    /// Whether there is nothing that it can complete.
    pub(crate) fn is_none(&self) -> bool {
        self.completers.is_empty() && self.rest.is_none()
    }

    /// What completes this.
    pub(super) fn find(&self, request: &CompletionRequest) -> Option<&Completer> {
        let own = self.completers.get(request.reference());
        own.and_then(|own| own.get(request.argument())).or(self.rest.as_ref())
    }
}
