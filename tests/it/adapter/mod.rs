//! The adapter over real sockets: what happens to a request before the protocol sees it, and the
//! places in which the service can stand.

mod admission;
mod bodies;
mod client_addr;
mod cors;
mod drain;
mod media;
mod memory;
mod mounting;
mod paths;
mod platform;
mod protocols;
mod rebinding;
mod shutdown;
