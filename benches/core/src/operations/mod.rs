//! What is measured: each operation by its name, and how to get ready for it.

mod calls;
pub mod contention;
mod core;
mod sessions;
mod wire;

/// One operation.
pub struct Operation {
    /// Its name. Those of one operation at several sizes end in ` @` and the size.
    pub name: &'static str,
    /// How often it is done where its instructions are counted.
    pub times: u32,
    /// Prepares it. What is returned does it once.
    pub prepare: fn() -> Box<dyn FnMut()>,
}

/// All operations, in the order of the report.
pub fn all() -> Vec<Operation> {
    [core::operations(), calls::operations(), sessions::operations()]
        .into_iter()
        .flatten()
        .collect()
}

fn operation(name: &'static str, times: u32, prepare: fn() -> Box<dyn FnMut()>) -> Operation {
    Operation { name, times, prepare }
}
