//! JSON-RPC 2.0 as MCP narrows it: messages parsed once from bytes, and encoded once.

mod encode;
mod error;
mod id;
mod params;
mod parse;
mod raw;
mod scan;
mod strict;
mod text;

pub(crate) use encode::{
    ObjectWriter, SOME_MEMBERS, encode_error, encode_notification, encode_request, encode_result,
    single_line,
};
pub(crate) use error::{ErrorCode, RpcError, excerpt};
pub(crate) use id::RequestId;
pub(crate) use params::{CLIENT_CAPABILITIES, CLIENT_INFO, LOG_LEVEL, PROTOCOL_VERSION, Params};
pub(crate) use parse::{
    Invalid, Message, Notification, ParseLimits, Parsed, Request, Response, parse,
};
pub(crate) use raw::{Raw, string};
