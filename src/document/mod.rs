//! Managed sections: regions of ours in a document that is someone else's. A leaf.

mod section;

pub use section::{Section, SectionSource};
