//! What a keeper, and whoever becomes the program that it keeps, are told on their standard input: what to
//! start, and how. So they can be started before that is known.

use std::{
    collections::BTreeMap,
    ffi::{OsStr, OsString},
    io::{self, Read},
    os::unix::ffi::{OsStrExt as _, OsStringExt as _},
    path::PathBuf,
};

/// What is to be started, and how.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Charge {
    /// The program, looked up on the PATH of `env` when it has no slash.
    pub program: OsString,
    /// Its arguments.
    pub args: Vec<OsString>,
    /// The folder it starts in.
    pub folder: PathBuf,
    /// Its whole environment: nothing is inherited.
    pub env: BTreeMap<OsString, OsString>,
    /// The domain in which it runs, where it is confined: a file with a
    /// [`Policy`](super::confine::Policy).
    pub policy: Option<PathBuf>,
    /// Where it is written down that it runs.
    pub record: Option<Record>,
    /// How many bytes it reads on standard input, which follow; without them its input is empty.
    pub input: Option<u64>,
}

/// Where it is written down that something runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// The folder of records.
    pub folder: PathBuf,
    /// What runs, as a file name.
    pub name: String,
}

impl Charge {
    /// Returns its bytes: their number, and words with a zero byte behind each. A word that holds one is an
    /// error, as it is where the system is asked to start something.
    pub fn to_bytes(&self) -> io::Result<Vec<u8>> {
        let input = self
            .input
            .map_or_else(String::new, |count| count.to_string());
        let record = self.record.as_ref();
        let argc = self.args.len().to_string();
        let head = [
            self.folder.as_os_str(),
            self.policy
                .as_ref()
                .map_or(OsStr::new(""), |it| it.as_os_str()),
            record.map_or(OsStr::new(""), |it| it.folder.as_os_str()),
            OsStr::new(record.map_or("", |it| &it.name)),
            OsStr::new(&input),
            OsStr::new(&argc),
            &self.program,
        ];
        let mut words = Vec::new();
        for word in head
            .into_iter()
            .chain(self.args.iter().map(OsString::as_os_str))
        {
            push(&mut words, &[word.as_bytes()])?;
        }
        for (name, value) in &self.env {
            push(&mut words, &[name.as_bytes(), b"=", value.as_bytes()])?;
        }
        let mut bytes = (words.len() as u64).to_le_bytes().to_vec();
        bytes.append(&mut words);
        Ok(bytes)
    }

    /// Reads one; nothing where it ends before one begins, as it does where it was not needed.
    pub fn read(from: &mut impl Read) -> io::Result<Option<Self>> {
        let mut length = [0; 8];
        match from.read_exact(&mut length) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
            other => other?,
        }
        let length = u64::from_le_bytes(length);
        let mut words = Vec::new();
        let all = from.take(length).read_to_end(&mut words)? as u64 == length;
        let parsed = all.then(|| Self::parse(&words)).flatten();
        let parsed = parsed.ok_or_else(|| io::Error::other("what to start is not understood"))?;
        Ok(Some(parsed))
    }

    fn parse(words: &[u8]) -> Option<Self> {
        let mut words = words.strip_suffix(b"\0")?.split(|byte| *byte == 0);
        let mut next = || words.next();
        let folder = path(next()?)?;
        let policy = path(next()?);
        let record = (path(next()?), text(next()?)?);
        let record = match record {
            (Some(folder), name) => Some(Record {
                folder,
                name: name.to_owned(),
            }),
            (None, _) => None,
        };
        let input = match text(next()?)? {
            "" => None,
            count => Some(count.parse().ok()?),
        };
        let argc: usize = text(next()?)?.parse().ok()?;
        let program = word(next()?);
        let args: Vec<_> = words.by_ref().take(argc).map(word).collect();
        let variable = |pair: &[u8]| {
            // The name of one may begin with the sign.
            let end = 1 + pair.get(1..)?.iter().position(|byte| *byte == b'=')?;
            Some((word(pair.get(..end)?), word(pair.get(end + 1..)?)))
        };
        Some(Self {
            program,
            folder,
            env: words.map(variable).collect::<Option<_>>()?,
            policy,
            record,
            input,
            args: (args.len() == argc).then_some(args)?,
        })
    }
}

fn push(words: &mut Vec<u8>, parts: &[&[u8]]) -> io::Result<()> {
    if parts.iter().any(|part| part.contains(&0)) {
        let why = "there is a zero byte in what is to be started";
        return Err(io::Error::new(io::ErrorKind::InvalidInput, why));
    }
    words.extend(parts.concat());
    words.push(0);
    Ok(())
}

fn word(bytes: &[u8]) -> OsString {
    OsString::from_vec(bytes.to_vec())
}

fn path(bytes: &[u8]) -> Option<PathBuf> {
    (!bytes.is_empty()).then(|| word(bytes).into())
}

fn text(bytes: &[u8]) -> Option<&str> {
    std::str::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn charges() -> [Charge; 3] {
        let bare = Charge {
            program: "sh".into(),
            folder: "/work".into(),
            ..Charge::default()
        };
        let full = Charge {
            args: vec!["".into(), "-c".into(), word(b"a \xff\nb"), "A=b".into()],
            env: BTreeMap::from([
                ("A".into(), "".into()),
                ("B".into(), word(b"=\xfe\n= ")),
                ("=C".into(), "c".into()),
            ]),
            policy: Some("/policy".into()),
            record: Some(Record {
                folder: "/records".into(),
                name: "task.step".to_owned(),
            }),
            input: Some(12),
            ..bare.clone()
        };
        let fed = Charge {
            input: Some(0),
            ..bare.clone()
        };
        [bare, full, fed]
    }

    #[test]
    fn what_is_told_is_heard_and_no_byte_more() {
        for charge in charges() {
            let mut told = charge.to_bytes().unwrap();
            told.extend(b"more");
            let mut left = &told[..];
            assert_eq!(Charge::read(&mut left).unwrap(), Some(charge));
            assert_eq!(left, b"more");
        }
    }

    #[test]
    fn what_breaks_off_starts_nothing() {
        for charge in charges() {
            let told = charge.to_bytes().unwrap();
            for end in 0..told.len() {
                let heard = Charge::read(&mut &told[..end]);
                assert!(!matches!(heard, Ok(Some(_))), "{end}");
            }
        }
        assert_eq!(Charge::read(&mut &[][..]).unwrap(), None);
    }

    #[test]
    fn a_zero_byte_is_refused() {
        let [bare, ..] = charges();
        let spoilt = [
            Charge {
                args: vec![word(b"a\0b")],
                ..bare.clone()
            },
            Charge {
                env: BTreeMap::from([("A".into(), word(b"\0"))]),
                ..bare
            },
        ];
        for charge in spoilt {
            let error = charge.to_bytes().unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
        }
    }
}
