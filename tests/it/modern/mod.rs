//! 2026-07-28 over real sockets: one file for each chapter of its Streamable HTTP page.

mod annotations;
mod cancellation;
mod completion;
mod discovery;
mod envelope;
mod errors;
mod framing;
mod input;
mod listen;
mod messages;
mod notifications;
mod params;
mod prompts;
mod resources;
mod tasks;
mod updates;
