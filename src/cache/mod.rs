//! Digests, keys, the stat index, and the store of gate results. A leaf.

mod digest;

pub use digest::{Digest, DigestError};
