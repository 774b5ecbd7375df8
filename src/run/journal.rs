//! The journal: an append-only file of events, one JSON object a line.
//!
//! An event is in the file before what follows from it is done, and on the disk where forgetting it
//! would lose work. A line that a killed process left unfinished is dropped by the next one.

use std::{
    fs::{File, OpenOptions},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use super::{clock::Moment, event::Event};

/// An event and when it happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// When.
    pub at: Moment,
    /// What.
    #[serde(flatten)]
    pub event: Event,
}

/// A journal that is written to.
#[derive(Debug)]
pub struct Journal {
    file: File,
    path: PathBuf,
}

/// What can be wrong with a journal.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// It can't be read or written.
    #[error("can't use the journal `{}`", path.display())]
    File {
        /// Where it lies.
        path: PathBuf,
        /// Why.
        #[source]
        cause: io::Error,
    },
    /// A line that is not the last is no event.
    #[error("line {line} of the journal `{}` is no event", path.display())]
    Corrupt {
        /// Where it lies.
        path: PathBuf,
        /// Which line, counted from 1.
        line: usize,
        /// Why.
        #[source]
        cause: serde_json::Error,
    },
}

/// Returns the events of the journal at `path`. What a killed process left unfinished is no event.
///
/// # Errors
///
/// Where the file can't be read, or holds a line before the last that is no event.
pub fn read(path: &Path) -> Result<Vec<Entry>, JournalError> {
    Ok(read_whole(path)?.0)
}

// The events, and how many bytes they take.
fn read_whole(path: &Path) -> Result<(Vec<Entry>, u64), JournalError> {
    let bytes = std::fs::read(path).map_err(|cause| JournalError::File {
        path: path.to_owned(),
        cause,
    })?;
    let mut entries = Vec::new();
    let mut whole = 0;
    let lines: Vec<&[u8]> = bytes.split_inclusive(|byte| *byte == b'\n').collect();
    for (index, line) in lines.iter().enumerate() {
        let Some(text) = line.strip_suffix(b"\n") else {
            break;
        };
        match serde_json::from_slice(text) {
            Ok(entry) => entries.push(entry),
            // The disk may have kept the length of the last line and not its content.
            Err(_) if index + 1 == lines.len() => break,
            Err(cause) => {
                return Err(JournalError::Corrupt {
                    path: path.to_owned(),
                    line: index + 1,
                    cause,
                });
            }
        }
        whole += line.len() as u64;
    }
    Ok((entries, whole))
}

impl Journal {
    /// Makes a new journal at `path`.
    ///
    /// # Errors
    ///
    /// Where there is a file already, or none can be made.
    pub fn create(path: &Path) -> Result<Self, JournalError> {
        let file = OpenOptions::new()
            .append(true)
            .create_new(true)
            .open(path)
            .map_err(|cause| JournalError::File {
                path: path.to_owned(),
                cause,
            })?;
        let path = path.to_owned();
        Ok(Self { file, path })
    }

    /// Opens the journal at `path` to go on with it; returns what it holds.
    ///
    /// # Errors
    ///
    /// As [`read`], or where the file can't be written.
    pub fn open(path: &Path) -> Result<(Self, Vec<Entry>), JournalError> {
        let (entries, whole) = read_whole(path)?;
        let open = || {
            let file = OpenOptions::new().append(true).open(path)?;
            file.set_len(whole)?;
            Ok(file)
        };
        let file = open().map_err(|cause| JournalError::File {
            path: path.to_owned(),
            cause,
        })?;
        let path = path.to_owned();
        Ok((Self { file, path }, entries))
    }

    /// Returns the same journal, which has another place now.
    #[must_use]
    pub fn at(self, path: PathBuf) -> Self {
        Self { path, ..self }
    }

    /// Writes one event down.
    ///
    /// # Errors
    ///
    /// Where it can't be written: whatever follows from it must not be done.
    pub fn append(&mut self, event: &Event) -> Result<Moment, JournalError> {
        let at = Moment::now();
        self.write(at, event).map_err(|cause| JournalError::File {
            path: self.path.clone(),
            cause,
        })?;
        Ok(at)
    }

    fn write(&mut self, at: Moment, event: &Event) -> io::Result<()> {
        let mut line = serde_json::to_vec(&Entry {
            at,
            event: event.clone(),
        })?;
        line.push(b'\n');
        self.file.write_all(&line)?;
        if event.matters() {
            self.file.sync_data()?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::{Event, Journal, JournalError, read};

    fn note(text: &str) -> Event {
        Event::Note { text: text.into() }
    }

    #[test]
    fn what_a_killed_process_left_unfinished_is_dropped() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.jsonl");
        let mut journal = Journal::create(&path).unwrap();
        journal.append(&note("one")).unwrap();
        journal.append(&note("two\n")).unwrap();
        drop(journal);
        assert!(Journal::create(&path).is_err());
        let whole = fs::read(&path).unwrap();
        // (what stands behind the whole lines, where it stands)
        for torn in ["{\"at\":\"2026", "{\"at\":\"2026\n", "\0\0\0\0", "\0\0\n"] {
            fs::write(&path, [&whole[..], torn.as_bytes()].concat()).unwrap();
            assert_eq!(read(&path).unwrap().len(), 2, "{torn:?}");
            let (mut journal, entries) = Journal::open(&path).unwrap();
            assert_eq!(entries[1].event, note("two\n"));
            journal.append(&note("three")).unwrap();
            let events: Vec<_> = read(&path)
                .unwrap()
                .into_iter()
                .map(|entry| entry.event)
                .collect();
            assert_eq!(
                events,
                [note("one"), note("two\n"), note("three")],
                "{torn:?}"
            );
        }
    }

    #[test]
    fn a_line_that_is_no_event_is_not_passed_over() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.jsonl");
        let mut journal = Journal::create(&path).unwrap();
        journal.append(&note("one")).unwrap();
        let whole = fs::read_to_string(&path).unwrap();
        fs::write(&path, format!("{whole}{{\"event\":\"paid\"}}\n{whole}")).unwrap();
        assert!(matches!(
            Journal::open(&path),
            Err(JournalError::Corrupt { line: 2, .. })
        ));
    }
}
