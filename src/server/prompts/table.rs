//! Where the prompts of a server are.

use std::collections::HashMap;
use std::sync::Arc;

use super::catalogue::PromptCatalogue;
use super::handler::PromptHandler;
use super::prompt::Prompt;
use crate::protocol::jsonrpc::RpcError;
use crate::server::arguments::Arguments;
use crate::server::build_error::BuildError;
use crate::server::completion::Known;
use crate::server::outcome::missing_argument;
use crate::server::page::{PageSize, WrittenList};

/// Where the prompts are.
#[derive(Default)]
pub(crate) enum Prompts {
    #[default]
    None,
    Registered(Box<PromptTable>),
    Catalogue(Arc<dyn PromptCatalogue>),
}

/// Prompts that were registered, in that order.
pub(crate) struct PromptTable {
    prompts: Vec<Arc<RegisteredPrompt>>,
    by_name: HashMap<String, usize>,
    pub(super) list: WrittenList,
}

pub(crate) struct RegisteredPrompt {
    pub(super) prompt: Arc<Prompt>,
    pub(super) handler: Box<dyn PromptHandler>,
}

impl Prompts {
    /// Whether there are none, and cannot be any.
    pub(crate) fn is_none(&self) -> bool {
        matches!(self, Self::None)
    }

    /// Whether there is a prompt of this name, with this argument.
    pub(crate) fn knows(&self, name: &str, argument: &str) -> Known {
        match self {
            Self::None => Known::NoReference,
            Self::Catalogue(_) => Known::Maybe,
            Self::Registered(table) => match table.get(name) {
                None => Known::NoReference,
                Some(found) if !found.prompt.takes(argument) => Known::NoArgument,
                Some(_) => Known::Both,
            },
        }
    }
}

impl PromptTable {
    /// Takes prompts whose definitions are sound and whose names differ.
    pub(super) fn new(
        prompts: Vec<RegisteredPrompt>,
        page_size: PageSize,
    ) -> Result<Self, BuildError> {
        let mut by_name = HashMap::with_capacity(prompts.len());
        for (index, RegisteredPrompt { prompt, .. }) in prompts.iter().enumerate() {
            prompt.validate()?;
            if by_name.insert(prompt.name().to_owned(), index).is_some() {
                return Err(BuildError::invalid_prompt(prompt.name(), "registered twice"));
            }
        }
        let list = WrittenList::new(prompts.iter().map(|it| &*it.prompt), page_size);
        Ok(Self { prompts: prompts.into_iter().map(Arc::new).collect(), by_name, list })
    }

    pub(super) fn get(&self, name: &str) -> Option<&Arc<RegisteredPrompt>> {
        self.by_name.get(name).map(|&index| &self.prompts[index])
    }
}

impl RegisteredPrompt {
    /// Demands what the prompt requires (2026-07-28, Prompts, Error Handling: "Missing required
    /// arguments: `-32602`").
    pub(super) fn check(&self, arguments: &Arguments) -> Result<(), RpcError> {
        let texts = arguments.texts()?;
        let mut required = self.prompt.arguments().iter().filter(|it| it.is_required());
        match required.find(|argument| !texts.contains_key(argument.name())) {
            Some(missing) => Err(missing_argument(missing.name())),
            None => Ok(()),
        }
    }
}
