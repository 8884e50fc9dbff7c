//! JSON-RPC 2.0 as MCP narrows it: messages parsed once from bytes, and encoded once.

mod encode;
mod error;
mod id;

pub(crate) use encode::{
    ObjectWriter, encode_error, encode_notification, encode_result, single_line,
};
pub(crate) use error::{ErrorCode, RpcError};
pub(crate) use id::RequestId;
