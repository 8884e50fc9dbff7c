//! Benchmarks of mcp-http: what starts servers, drives them and measures them.
//!
//! `drive` runs scenarios and writes what it measured as lines of JSON; `report` makes a page of
//! them. `scripts/bench` runs both.

pub mod batches;
pub mod environment;
pub mod h2_load;
pub mod load;
pub mod mcp;
pub mod measure;
pub mod open_loop;
pub mod records;
pub mod report;
pub mod scale;
pub mod scenarios;
pub mod sessions;
pub mod subject;
pub mod wire;
