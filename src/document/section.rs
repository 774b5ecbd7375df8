//! What a managed section is made of.

use serde::{Deserialize, Serialize};

use crate::boundary::{Entry, PathPattern};

/// One managed section of a document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Section {
    /// The heading, without its `#`s.
    pub title: String,
    /// Where its text comes from.
    pub source: SectionSource,
}

/// Where the text of a managed section comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "from", rename_all = "kebab-case", deny_unknown_fields)]
pub enum SectionSource {
    /// Text that the spec alone decides: a rendered template.
    Text {
        /// The Markdown.
        text: String,
    },
    /// The content of a file of the project.
    File {
        /// Its path.
        path: String,
    },
    /// A list of files with the first line of each one's documentation.
    Files {
        /// Which files.
        patterns: Vec<Entry<PathPattern>>,
        /// The most entries.
        max: usize,
    },
}
