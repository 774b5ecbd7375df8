//! A tree as bytes, to be kept with a result for the day someone asks what has changed since.
//!
//! A line of magic, then every input in the order of the tree: how many bytes of the path it shares
//! with the one before, the rest of the path, a letter for the kind, and what the kind has. Numbers
//! are variable-length as in protocol buffers, texts have their length before them.

use std::io::{self, Write};

use super::{Digest, Input, Kind, Special, Tree, proto::write_varint};

const MAGIC: &[u8] = b"factory-tree 1\n";

/// Writes the bytes of a tree, and flushes them.
pub(super) fn write(tree: &Tree, to: &mut impl Write) -> io::Result<()> {
    to.write_all(MAGIC)?;
    let (mut before, mut path, mut line) = (Vec::new(), Vec::new(), Vec::new());
    for input in tree.inputs() {
        input.write_path(&mut path);
        let shared = common_prefix(&before, &path);
        line.clear();
        write_varint(&mut line, shared as u64);
        write_text(&mut line, path.get(shared..).unwrap_or_default());
        match input.kind {
            Kind::File {
                digest,
                size,
                executable,
            } => {
                line.push(if *executable { b'x' } else { b'f' });
                line.extend_from_slice(digest.as_bytes());
                write_varint(&mut line, *size);
            }
            Kind::Link { text, dangling } => {
                line.push(if *dangling { b'd' } else { b'l' });
                write_text(&mut line, text);
            }
            Kind::Other(special) => {
                line.push(b'o');
                write_text(&mut line, special.name().as_bytes());
            }
        }
        to.write_all(&line)?;
        std::mem::swap(&mut before, &mut path);
    }
    to.flush()
}

/// Returns how many bytes both begin with.
fn common_prefix(a: &[u8], b: &[u8]) -> usize {
    // Whole words first: paths of one folder share much.
    let words = a.chunks_exact(8).zip(b.chunks_exact(8));
    let start = 8 * words.take_while(|(a, b)| a == b).count();
    let rest = a.iter().zip(b).skip(start);
    start + rest.take_while(|(a, b)| a == b).count()
}

/// Returns the tree that these are the bytes of, if they are.
pub(super) fn decode(bytes: &[u8]) -> Option<Tree> {
    let mut rest = bytes.strip_prefix(MAGIC)?;
    let mut inputs: Vec<Input> = Vec::new();
    while !rest.is_empty() {
        let shared = usize::try_from(read_number(&mut rest)?).ok()?;
        let before = inputs.last().map_or(&[][..], |input| &input.path);
        let path = [before.get(..shared)?, read_text(&mut rest)?]
            .concat()
            .into();
        let kind = match *rest.split_off_first()? {
            letter @ (b'x' | b'f') => {
                let digest = Digest::from_bytes(*rest.split_off(..32)?.first_chunk()?);
                let size = read_number(&mut rest)?;
                Kind::File {
                    digest,
                    size,
                    executable: letter == b'x',
                }
            }
            letter @ (b'd' | b'l') => Kind::Link {
                text: read_text(&mut rest)?.into(),
                dangling: letter == b'd',
            },
            b'o' => Kind::Other(Special::named(read_text(&mut rest)?)?),
            _ => return None,
        };
        inputs.push(Input { path, kind });
    }
    Some(inputs.into_iter().collect())
}

fn read_number(rest: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let byte = *rest.split_off_first()?;
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

fn write_text(bytes: &mut Vec<u8>, text: &[u8]) {
    write_varint(bytes, text.len() as u64);
    bytes.extend_from_slice(text);
}

fn read_text<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = usize::try_from(read_number(rest)?).ok()?;
    rest.split_off(..length)
}

#[cfg(test)]
mod tests {
    use super::{Digest, Input, Kind, Special, Tree, decode, write};

    #[test]
    fn a_tree_reads_back_as_written_and_never_from_less() {
        let file = |size, executable| Kind::File {
            digest: Digest::of("x"),
            size,
            executable,
        };
        let link = |dangling| Kind::Link {
            text: b"../\xff".as_slice().into(),
            dangling,
        };
        let tree: Tree = [
            ("a/b", file(0, false)),
            ("a/bc", file(300, true)),
            ("a/b\n", link(false)),
            ("z", link(true)),
            ("pipe", Kind::Other(Special::Fifo)),
        ]
        .into_iter()
        .map(|(path, kind)| Input {
            path: path.as_bytes().into(),
            kind,
        })
        .collect();
        let mut bytes = Vec::new();
        write(&tree, &mut bytes).unwrap();
        assert_eq!(decode(&bytes), Some(tree.clone()));
        for end in 0..bytes.len() {
            assert_ne!(decode(&bytes[..end]), Some(tree.clone()), "{end}");
        }
    }
}
