//! The digests of programs outside of a project, which are not read again while their state stays
//! the same.

use std::{
    collections::BTreeMap,
    os::unix::ffi::OsStrExt as _,
    path::{Path, PathBuf},
};

use rustix::fs::{AtFlags, FileType, Mode, OFlags, open, statat};

use super::{
    Digest, Store,
    content::Reader,
    stat_index::{Besides, Stamp, StatIndex, Writer, file_time},
};

/// What was read, by folder and name.
type Learnt = BTreeMap<Vec<u8>, BTreeMap<Vec<u8>, (Stamp, Digest)>>;

impl Store {
    /// Returns the digest of each of these files, which are given by absolute paths without a link;
    /// nothing for one that can't be read.
    pub fn digests_of_programs(&self, files: &[PathBuf]) -> Vec<Option<Digest>> {
        digests(
            Some(&self.folder().join("stats").join("programs")),
            self.writes(),
            files,
        )
    }
}

/// Returns the digests of files, without anything being known or learnt.
pub fn digests_of_programs(files: &[PathBuf]) -> Vec<Option<Digest>> {
    digests(None, false, files)
}

fn digests(index_file: Option<&Path>, writes: bool, files: &[PathBuf]) -> Vec<Option<Digest>> {
    let start = file_time();
    let index = index_file.map(StatIndex::load).unwrap_or_default();
    let mut learnt: Learnt = BTreeMap::new();
    let mut reader = None;
    let mut look = |file: &PathBuf| {
        let folder_path = file.parent()?;
        let name = file.file_name()?.as_bytes();
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let folder = open(folder_path, flags, Mode::empty()).ok()?;
        let stat = statat(&folder, name, AtFlags::SYMLINK_NOFOLLOW).ok()?;
        if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
            return None;
        }
        let folder_path = folder_path.as_os_str().as_bytes();
        let known = index.directory(folder_path).get(name);
        if let Some((stamp, digest)) = known
            && Some(stamp) == Stamp::of(&stat)
        {
            return Some(digest);
        }
        let reader = reader.get_or_insert_with(Reader::new);
        let content = reader
            .read(rustix::fd::AsFd::as_fd(&folder), name, &stat)
            .ok()?;
        if let Some(stamp) = content.stamp.filter(|stamp| stamp.is_older_than(start)) {
            let names = learnt.entry(folder_path.to_vec()).or_default();
            names.insert(name.to_vec(), (stamp, content.digest));
        }
        Some(content.digest)
    };
    let digests = files.iter().map(&mut look).collect();
    if let (false, true, Some(file)) = (learnt.is_empty(), writes, index_file) {
        write(&index, learnt, file);
    }
    digests
}

fn write(index: &StatIndex, learnt: Learnt, file: &Path) {
    let mut writer = Writer::new(index, learnt.len());
    for (path, block) in index.blocks() {
        if !learnt.contains_key(path) {
            writer.copy(block);
        }
    }
    for (path, mut names) in learnt {
        let known = index.directory(&path);
        for (name, stamp, digest) in (0..known.len()).filter_map(|at| known.at(at)) {
            names.entry(name.to_vec()).or_insert((stamp, digest));
        }
        let entries = names
            .iter()
            .map(|(name, (stamp, digest))| (&name[..], *stamp, *digest));
        writer.directory(&path, entries.collect(), Besides::default());
    }
    writer.finish().write(file);
}
