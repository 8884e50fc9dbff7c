//! Serving the legacy era: sessions, their calls, and the streams that resume.

mod answer;
mod asking;
mod calls;
mod drive;
mod listen;
mod post;
mod session;
mod subscribe;

pub(crate) use listen::get;
pub(crate) use post::post;
pub(crate) use session::{delete, initialize};
