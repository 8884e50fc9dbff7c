//! What reading a resource is answered with.

use std::sync::Arc;

use serde_json::{Map, Value};

use bytes::Bytes;

use super::contents::WireContents;
use super::result::ReadResourceResult;
use crate::protocol::jsonrpc::ObjectWriter;
use crate::protocol::version::ProtocolVersion;
use crate::server::reply::CacheHint;

/// The result of `resources/read`.
#[derive(Debug, PartialEq)]
pub(crate) struct ReadReply {
    contents: Contents,
    hint: CacheHint,
}

#[derive(Debug, PartialEq)]
enum Contents {
    Written(Arc<WrittenRead>),
    Read(Box<ReadResourceResult>),
}

/// A result that was known when the server was built: written once, and shared by all who read it.
#[derive(Debug, PartialEq)]
pub(super) struct WrittenRead {
    /// In the order of [`ProtocolVersion::ALL`]. Those that are the same are shared.
    contents: [Bytes; ProtocolVersion::ALL.len()],
    meta: Option<Map<String, Value>>,
}

impl ReadReply {
    /// What a handler has read.
    pub(super) fn read(result: ReadResourceResult, hint: CacheHint) -> Self {
        Self { contents: Contents::Read(Box::new(result)), hint }
    }

    /// What was written beforehand.
    pub(super) fn written(written: &Arc<WrittenRead>, hint: CacheHint) -> Self {
        Self { contents: Contents::Written(Arc::clone(written)), hint }
    }

    /// Writes the members of the result, but for `_meta` and what the era adds.
    pub(crate) fn write(
        &self,
        version: ProtocolVersion,
        object: &mut ObjectWriter<'_>,
    ) -> Result<(), serde_json::Error> {
        match &self.contents {
            Contents::Read(result) => object.member("contents", &wire(result, version)),
            Contents::Written(written) => {
                let index = ProtocolVersion::ALL.iter().position(|&known| known == version);
                let json = &written.contents[index.expect("ALL has every version")];
                object.raw_member("contents", json);
                Ok(())
            }
        }
    }

    pub(crate) fn meta(&self) -> Option<&Map<String, Value>> {
        match &self.contents {
            Contents::Read(result) => result.meta(),
            Contents::Written(written) => written.meta.as_ref(),
        }
    }

    pub(crate) fn cache_hint(&self) -> CacheHint {
        self.hint
    }
}

impl WrittenRead {
    pub(super) fn new(result: &ReadResourceResult) -> Self {
        let mut last = Bytes::new();
        let contents = ProtocolVersion::ALL.map(|version| {
            let json = serde_json::to_vec(&wire(result, version)).expect("text and JSON values");
            if json != last {
                last = json.into();
            }
            last.clone()
        });
        Self { contents, meta: result.meta().cloned() }
    }
}

fn wire(result: &ReadResourceResult, version: ProtocolVersion) -> Vec<WireContents<'_>> {
    result.contents().iter().map(|contents| contents.wire(version)).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::server::ResourceContents;

    fn members(reply: &ReadReply, version: ProtocolVersion) -> Value {
        let mut buffer = Vec::new();
        let mut object = ObjectWriter::begin(&mut buffer);
        reply.write(version, &mut object).unwrap();
        object.end();
        serde_json::from_slice(&buffer).unwrap()
    }

    #[test]
    fn what_is_written_beforehand_is_what_is_written_then() {
        let plain = ReadResourceResult::text("x").of_resource("a:b", None).with_meta("a.b/c", 1);
        let contents = ResourceContents::blob("a:b", vec![1]).with_meta("a.b/c", 2);
        let with_meta = ReadResourceResult::empty().with_contents(contents);
        for result in [plain, with_meta, ReadResourceResult::empty()] {
            let hint = CacheHint::default();
            let written = ReadReply::written(&Arc::new(WrittenRead::new(&result)), hint);
            let read = ReadReply::read(result, hint);
            assert_eq!(json!(written.meta()), json!(read.meta()));
            for version in ProtocolVersion::ALL {
                assert_eq!(members(&written, version), members(&read, version));
            }
        }
    }

    #[test]
    fn what_is_the_same_in_all_revisions_is_kept_once() {
        let written = WrittenRead::new(&ReadResourceResult::text("x"));
        let [first, others @ ..] = &written.contents;
        assert!(others.iter().all(|other| other.as_ptr() == first.as_ptr()));
    }
}
