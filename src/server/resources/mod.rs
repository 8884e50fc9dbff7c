//! Resources: what a server lets its clients read.
//!
//! A resource is [registered](ResourcesBuilder) by its URI or by a [template](UriTemplate) of URIs,
//! or a [catalogue](ResourceCatalogue) has it. [`Resources`] finds it when it is asked for.

mod builder;
mod catalogue;
mod contents;
mod definition;
mod dispatch;
mod handler;
mod link;
mod reply;
mod result;
mod served;
mod set;
mod table;
mod uri;
mod uri_template;
mod values;
mod variables;

pub use catalogue::{ResourceCatalogue, ResourcePage, ResourceTemplatePage};
pub use contents::ResourceContents;
pub use definition::{Resource, ResourceTemplate};
pub use handler::{ReadRequest, ResourceHandler};
pub use link::ResourceLink;
pub use result::{IntoResourceResult, ReadResourceResult};
pub use set::ResourceSet;
pub use uri_template::UriTemplate;
pub use variables::Variables;

pub(crate) use builder::ResourcesBuilder;
pub(crate) use contents::{Base64, read_base64};
pub(crate) use reply::ReadReply;
pub(crate) use table::Resources;
pub(crate) use uri::MAX_URI;
