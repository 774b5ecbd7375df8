//! Opens files of a store. They may be anything by now: what is no regular file is never waited for,
//! and nothing is read without end.

use std::{
    fs::{self, File},
    io::{self, Read as _},
    path::Path,
};

use rustix::{
    fs::{FileType, Mode, OFlags, fstat},
    io::Errno,
};

const QUIET: OFlags = OFlags::NONBLOCK
    .union(OFlags::NOCTTY)
    .union(OFlags::CLOEXEC);

/// Opens a file to read it.
pub(super) fn open(path: &Path) -> io::Result<File> {
    regular(rustix::fs::open(
        path,
        OFlags::RDONLY.union(QUIET),
        Mode::empty(),
    )?)
}

/// Reads a file that is no longer than `most`.
pub(super) fn read(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    let file = open(path)?;
    // All at once: a long index that grew as it is read would be copied again and again.
    let length = file.metadata()?.len().min(most);
    let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or_default() + 1);
    file.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most {
        return Err(io::Error::other("it is too long"));
    }
    Ok(bytes)
}

/// Opens a file to write behind what is in it. It is made if it is not there; what stands in its place
/// and is no file goes, unless it is a folder.
pub(super) fn open_to_append(path: &Path) -> io::Result<File> {
    let flags = OFlags::WRONLY
        .union(OFlags::CREATE)
        .union(OFlags::APPEND)
        .union(QUIET);
    let open = || rustix::fs::open(path, flags, Mode::from_raw_mode(0o600));
    match open() {
        Ok(opened) => match regular(opened) {
            Ok(file) => return Ok(file),
            Err(_) => fs::remove_file(path)?,
        },
        // A pipe that nobody reads, or a link into nothing.
        Err(Errno::NXIO | Errno::NOENT | Errno::LOOP) if fs::symlink_metadata(path).is_ok() => {
            fs::remove_file(path)?;
        }
        Err(error) => return Err(error.into()),
    }
    regular(open()?)
}

fn regular(opened: rustix::fd::OwnedFd) -> io::Result<File> {
    if FileType::from_raw_mode(fstat(&opened)?.st_mode) == FileType::RegularFile {
        Ok(File::from(opened))
    } else {
        Err(io::Error::other("it is no file"))
    }
}
