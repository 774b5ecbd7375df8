//! Line ends: git may change them on the way to a checkout, so they are no edit of anyone's.

use std::borrow::Cow;

use crate::cache::Digest;

/// Returns `text` with the line ends of Unix.
pub fn with_line_feeds(text: &str) -> Cow<'_, str> {
    if text.contains("\r\n") {
        Cow::Owned(text.replace("\r\n", "\n"))
    } else {
        Cow::Borrowed(text)
    }
}

/// Returns the digest of `text`, whatever its line ends.
///
/// ```
/// use factory::document::digest_of_text;
/// assert_eq!(digest_of_text("a\r\nb\r\n"), digest_of_text("a\nb\n"));
/// ```
pub fn digest_of_text(text: &str) -> Digest {
    Digest::of(with_line_feeds(text).as_bytes())
}
