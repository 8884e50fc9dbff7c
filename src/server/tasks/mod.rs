//! Tasks: calls whose clients ask for the result later (the extension
//! `io.modelcontextprotocol/tasks`, ext-tasks).
//!
//! A call becomes a [`LiveTask`](live::LiveTask), which holds the newest of it, and a
//! [`Drive`](drive::Drive), which polls its handler and writes what changes to the
//! [`TaskStore`]. [`Tasks`] knows all that were begun here. Ids, the time and whatever runs the
//! futures come from outside.

mod drive;
mod id;
mod live;
mod options;
mod requests;
mod slot;
mod store;
mod support;
mod table;
mod task;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use crate::protocol::timestamp::Timestamp;

pub use id::TaskId;
pub use options::TaskOptions;
pub use store::TaskStore;
pub use support::TaskSupport;
pub use task::{Task, TaskStatus};

pub(crate) use live::{LiveTask, Version};
pub(crate) use options::check_time;
pub(crate) use requests::{TaskRequest, missing_extension, unknown_task};
pub(crate) use slot::TaskSlot;
pub(crate) use support::{Need, TaskPlan};
pub(crate) use table::{Account, Found, NoSeat, Seat, Tasks};

/// The extension's name among capabilities.
pub(crate) const EXTENSION: &str = "io.modelcontextprotocol/tasks";

/// The time, as whoever runs tasks reads it.
pub(crate) type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;
