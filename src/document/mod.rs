//! Managed sections: regions of ours in a Markdown document that is someone else's. A leaf.
//!
//! A region stands between two marker comments, and the first of them carries the digest of what
//! stands between, so that an edit by hand is seen. [`render`] makes a section's text from its
//! source, [`refresh`] puts texts into a document; [`pointers`] are the files that a text sends its
//! reader to. What is outside of every region keeps its bytes.
//! Nothing here writes a file, or knows which document of which project it works on.

mod files;
mod line_ends;
mod markdown;
mod merge;
pub mod path;
mod pointer;
mod refresh;
mod region;
mod render;
mod section;
mod summary;

pub use files::{Folder, ProjectFiles, Without, open_file};
pub use line_ends::{digest_of_text, with_line_feeds};
pub use markdown::{Inline, InlineKind, Line, LineKind, anchor, inlines, lines};
pub use merge::sides;
pub use pointer::{Pointer, pointers};
pub use refresh::{Change, OnEdit, Refreshed, Rendered, eject, refresh};
pub use region::{Document, DocumentError, Region, slug};
pub use render::{RenderError, render};
pub use section::{Section, SectionSource};
pub use summary::summary;
