//! The little of the protocol buffer encoding that the Remote Execution messages need.
//!
//! Canonical: fields in the order of their numbers, default values left out, as the Remote
//! Execution API asks for of everything that is hashed.

use super::Digest;

/// The bytes of one message, written field by field.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Message {
    bytes: Vec<u8>,
}

/// The digest and the length of a blob: what the messages call a `Digest`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct BlobRef {
    pub(super) digest: Digest,
    pub(super) size: u64,
}

impl Message {
    /// Appends a string or bytes field; nothing if it is empty.
    pub(super) fn bytes(&mut self, field: u32, value: &[u8]) {
        if !value.is_empty() {
            self.item(field, value);
        }
    }

    /// Appends one item of a repeated field, or a submessage: also when it is empty.
    pub(super) fn item(&mut self, field: u32, value: &[u8]) {
        self.varint(u64::from(field << 3 | 2));
        self.varint(value.len() as u64);
        self.bytes.extend_from_slice(value);
    }

    /// Appends a submessage.
    pub(super) fn message(&mut self, field: u32, value: &Self) {
        self.item(field, &value.bytes);
    }

    /// Appends an integer field; nothing if it is zero.
    pub(super) fn integer(&mut self, field: u32, value: u64) {
        if value != 0 {
            self.varint(u64::from(field << 3));
            self.varint(value);
        }
    }

    /// Appends a `Digest` submessage.
    pub(super) fn blob(&mut self, field: u32, blob: BlobRef) {
        let size_length = if blob.size == 0 {
            0
        } else {
            1 + varint_length(blob.size)
        };
        self.varint(u64::from(field << 3 | 2));
        self.varint(2 + 64 + size_length);
        self.item(1, &blob.digest.to_hex());
        self.integer(2, blob.size);
    }

    /// Appends the bytes of messages that are written already.
    pub(super) fn append(&mut self, fields: &Self) {
        self.bytes.extend_from_slice(&fields.bytes);
    }

    /// Empties the message and keeps its room.
    pub(super) fn clear(&mut self) {
        self.bytes.clear();
    }

    /// Returns what is written so far.
    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Returns the digest and the length of the message.
    pub(super) fn blob_ref(&self) -> BlobRef {
        BlobRef {
            digest: Digest::of(&self.bytes),
            size: self.bytes.len() as u64,
        }
    }

    fn varint(&mut self, value: u64) {
        write_varint(&mut self.bytes, value);
    }
}

/// Appends a number as protocol buffers do: seven bits a byte, the lowest first.
pub(super) fn write_varint(bytes: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        bytes.push(low_byte(value) | 0x80);
        value >>= 7;
    }
    bytes.push(low_byte(value));
}

const fn low_byte(value: u64) -> u8 {
    let [low, ..] = value.to_le_bytes();
    low
}

fn varint_length(value: u64) -> u64 {
    u64::from((70 - (value | 1).leading_zeros()) / 7)
}

/// Returns `bytes` as the text of a `string` field, and whether the field holds them all.
///
/// A `string` must be UTF-8: every byte that is not becomes `\xNN`, and so does the backslash of what
/// looks like that already, so that no two names become one. The caller adds a property with the true
/// bytes.
pub(super) fn text(bytes: &[u8]) -> (std::borrow::Cow<'_, str>, bool) {
    match std::str::from_utf8(bytes) {
        Ok(text) if !text.contains("\\x") => (text.into(), true),
        Ok(_) | Err(_) => (escape(bytes).into(), false),
    }
}

fn escape(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    let mut text = String::new();
    for chunk in bytes.utf8_chunks() {
        text.push_str(&chunk.valid().replace("\\x", "\\x5cx"));
        for byte in chunk.invalid() {
            // Writing to a string does not fail.
            let _ = write!(text, "\\x{byte:02x}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{BlobRef, Digest, Message, text};

    #[test]
    fn a_message_is_encoded_as_protoc_does() {
        // Given `Digest { hash: "ab", size_bytes: 300 }` within field 4, as protoc writes it.
        let mut digest = Message::default();
        digest.bytes(1, b"ab");
        digest.integer(2, 300);
        let mut outer = Message::default();
        outer.message(4, &digest);
        outer.integer(5, 0);
        outer.bytes(6, b"");
        assert_eq!(
            outer.as_bytes(),
            [0x22, 0x07, 0x0a, 0x02, b'a', b'b', 0x10, 0xac, 0x02]
        );
    }

    #[test]
    fn a_blob_is_a_message_of_the_length_it_claims() {
        for size in [0, 1, 127, 128, 16383, 16384, u64::from(u32::MAX), u64::MAX] {
            let blob = BlobRef {
                digest: Digest::of("x"),
                size,
            };
            let mut inner = Message::default();
            inner.item(1, &blob.digest.to_hex());
            inner.integer(2, size);
            let (mut plain, mut quick) = (Message::default(), Message::default());
            plain.message(3, &inner);
            quick.blob(3, blob);
            assert_eq!(quick, plain, "{size}");
        }
    }

    #[test]
    fn bytes_that_are_no_text_are_escaped_and_said_to_be() {
        assert_eq!(text(b"caf\xc3\xa9"), ("café".into(), true));
        assert_eq!(text(b"caf\xe9"), ("caf\\xe9".into(), false));
        assert_eq!(text(b"caf\\xe9"), ("caf\\x5cxe9".into(), false));
        assert_eq!(text(b"caf\\e9"), ("caf\\e9".into(), true));
    }
}
