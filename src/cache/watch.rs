//! What happens to inputs while a gate runs: whether one may have been another in between, although it
//! is again what it was.
//!
//! Times alone can't tell, since a touch changes them too. Where the kernel tells of each change, a touch
//! is told apart from the rest; where it does not, whatever has another time is in doubt. Not seen are a
//! file that comes and goes and is an input at neither end, and a mode that was another in between.

use std::collections::{BTreeMap, BTreeSet};

use rustix::fs::{AtFlags, Dir, fstat, statat};

use super::{
    Kind, Scanner, Scans, Touched, Tree,
    folder::{ancestors, join, split},
    look::{open, open_root},
    seen::{How, Seen},
    stat_index::Stamp,
};

/// So many different paths are remembered.
const MOST: usize = 50_000;

/// Watches the folders of some inputs.
#[derive(Debug)]
pub struct Watch {
    #[cfg(target_os = "linux")]
    inotify: Option<rustix::fd::OwnedFd>,
    // The folders by the numbers of their watches.
    folders: BTreeMap<i32, Box<[u8]>>,
    happened: Happened,
}

/// What the kernel has told.
#[derive(Debug, Default)]
pub struct Happened {
    // Whether it may not have told all.
    lost: bool,
    touched: BTreeSet<Box<[u8]>>,
    written: BTreeSet<Box<[u8]>>,
    // Folders in which anything has happened.
    stirred: BTreeSet<Box<[u8]>>,
}

impl Happened {
    fn add(&mut self, folder: &[u8], name: Option<&[u8]>, only_touched: bool) {
        let path = name.map_or_else(|| folder.into(), |name| join(folder, name));
        self.stirred.insert(folder.into());
        let paths = if only_touched {
            &mut self.touched
        } else {
            &mut self.written
        };
        paths.insert(path);
        self.lost |= self.touched.len() + self.written.len() > MOST;
    }
}

impl Watch {
    /// Ends the watch, and returns what has happened during it.
    pub fn end(mut self) -> Happened {
        self.drain();
        self.forget();
        self.happened
    }
}

impl Scanner {
    /// Watches what happens from now on to the folders that hold `inputs`.
    pub fn watch(&self, inputs: &Tree) -> Watch {
        let mut folders: BTreeSet<&[u8]> = BTreeSet::from([&b""[..]]);
        for folder in inputs.folders() {
            if inputs.within(folder).next().is_some() {
                folders.extend(ancestors(&folder.path));
            }
        }
        Watch::of(self.root(), &folders)
    }

    /// Returns the paths of inputs, and of folders of them, that may have been something else between
    /// the scan that has found them and the end of a watch over them, when their content is what it was.
    /// What was touched since that scan is found out unless it is known.
    pub fn doubtful(
        &self,
        scans: &Scans,
        inputs: &Tree,
        happened: &Happened,
        touched: Option<&Touched>,
    ) -> Vec<Box<[u8]>> {
        let seen = scans.seen().iter().find(|seen| inputs.is_of(&seen.folders));
        let Some(seen) = seen else {
            return vec![b".".as_slice().into()];
        };
        let is_input = |path: &[u8]| inputs.get(path).is_some() || inputs.holds_directory(path);
        let written = happened.written.iter().filter(|path| is_input(path));
        let mut doubtful: BTreeSet<_> = written.cloned().collect();
        match touched {
            Some(touched) => doubtful.extend(unexplained(seen, inputs, happened, touched)),
            None => doubtful.extend(self.moved(seen, inputs, happened)),
        }
        doubtful.into_iter().collect()
    }

    // What has other times, and nobody says why.
    fn moved(&self, seen: &Seen, inputs: &Tree, happened: &Happened) -> Vec<Box<[u8]>> {
        let mut moved = Vec::new();
        let Ok(root) = open_root(self.root()) else {
            return vec![b".".as_slice().into()];
        };
        for (folder, how) in seen.folders.iter().zip(&seen.hows) {
            let path = &folder.path;
            if !inputs.holds_directory(path) {
                continue;
            }
            let directory = open(&root, path).ok().flatten();
            let Some(Ok(fd)) = directory.as_ref().map(Dir::fd) else {
                moved.push(path.clone());
                continue;
            };
            let stands = match how {
                How::Stamped(stamp) => fstat(fd).is_ok_and(|now| Stamp::of(&now) == Some(*stamp)),
                How::Listed(_) | How::Apart => false,
            };
            let is_explained = !happened.lost
                && (happened.stirred.contains(path) || !matches!(how, How::Stamped(_)));
            if !stands && !is_explained {
                moved.push(path.clone());
            }
            let known = seen.index.directory(path);
            let files = inputs.within(folder);
            for file in files.filter(|file| matches!(file.kind, Kind::File { .. })) {
                let path = file.path();
                let known = known
                    .get(file.name())
                    .filter(|_| !seen.young.contains(&path))
                    .map(|(stamp, _)| stamp);
                let now = statat(fd, file.name(), AtFlags::SYMLINK_NOFOLLOW).ok();
                let now = now.and_then(|now| Stamp::of(&now));
                // What was too young to be known then was still watched.
                let is_explained =
                    !happened.lost && (known.is_none() || happened.touched.contains(&path));
                if (known.is_none() || known != now) && !is_explained {
                    moved.push(path);
                }
            }
        }
        moved
    }
}

// What was touched, and nobody says why.
fn unexplained(
    seen: &Seen,
    inputs: &Tree,
    happened: &Happened,
    touched: &Touched,
) -> Vec<Box<[u8]>> {
    // What was too young to be known was still watched.
    let is_explained = |path: &[u8]| {
        let (folder, name) = split(path);
        let is_known = seen.index.directory(folder).get(name).is_some();
        let is_young = !is_known || seen.young.contains(path);
        !happened.lost && (is_young || happened.touched.contains(path))
    };
    let is_file = |path: &[u8]| {
        let input = inputs.get(path);
        input.is_some_and(|input| matches!(input.kind, Kind::File { .. }))
    };
    let folders = touched.folders.iter().filter(|_| happened.lost);
    let folders = folders.filter(|path| inputs.holds_directory(path));
    let files = touched.files.iter().filter(|path| is_file(path));
    folders
        .chain(files.filter(|path| !is_explained(path)))
        .cloned()
        .collect()
}

#[cfg(target_os = "linux")]
mod kernel {
    use std::{
        ffi::OsStr, mem::MaybeUninit, os::unix::ffi::OsStrExt as _, path::Path, thread,
        time::Duration,
    };

    use rustix::{
        fs::inotify::{CreateFlags, ReadFlags, Reader, WatchFlags, add_watch, init, remove_watch},
        io::Errno,
    };

    use super::{BTreeMap, BTreeSet, Happened, Watch};

    /// How long the kernel is given to forget folders, which it does in the background.
    const FORGOTTEN: Duration = Duration::from_millis(50);

    impl Watch {
        pub(super) fn of(root: &Path, folders: &BTreeSet<&[u8]>) -> Self {
            let mut watch = Self {
                inotify: init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC).ok(),
                folders: BTreeMap::new(),
                happened: Happened::default(),
            };
            let Some(inotify) = &watch.inotify else {
                watch.happened.lost = true;
                return watch;
            };
            let flags = WatchFlags::ATTRIB
                | WatchFlags::MODIFY
                | WatchFlags::CREATE
                | WatchFlags::DELETE
                | WatchFlags::DELETE_SELF
                | WatchFlags::MOVE
                | WatchFlags::MOVE_SELF
                | WatchFlags::ONLYDIR
                | WatchFlags::DONT_FOLLOW;
            for folder in folders {
                let place = root.join(OsStr::from_bytes(folder));
                let number = add_watch(inotify, &place, flags);
                let first = number.is_ok_and(|number| {
                    // The same folder under two names tells of one of them.
                    watch.folders.insert(number, (*folder).into()).is_none()
                });
                if !first {
                    watch.happened.lost = true;
                    break;
                }
            }
            watch
        }

        // The kernel takes its time to forget the folders, and whoever closes the watch, or ends as a
        // process that has it open, waits for that: up to 20 ms where the processors have other work. So it
        // is told at once, and closed when it has had the time.
        pub(super) fn forget(&mut self) {
            let Some(inotify) = self.inotify.take() else {
                return;
            };
            let folders = std::mem::take(&mut self.folders);
            let forget = move || {
                for number in folders.into_keys() {
                    let _ = remove_watch(&inotify, number);
                }
                thread::sleep(FORGOTTEN);
            };
            let _ = thread::Builder::new().name("unwatch".into()).spawn(forget);
        }

        /// Takes note of what has happened so far, so that the kernel need not remember it.
        pub fn drain(&mut self) {
            let Some(inotify) = self.inotify.as_ref().filter(|_| !self.happened.lost) else {
                return;
            };
            let mut buffer = [MaybeUninit::uninit(); 16 << 10];
            let mut events = Reader::new(inotify, &mut buffer);
            loop {
                let event = match events.next() {
                    Ok(event) => event,
                    Err(Errno::INTR) => continue,
                    Err(error) => {
                        self.happened.lost |= error != Errno::AGAIN;
                        return;
                    }
                };
                let Some(folder) = self.folders.get(&event.wd()) else {
                    // There was more than it can remember.
                    self.happened.lost = true;
                    return;
                };
                let only_touched = (event.events() - ReadFlags::ISDIR) == ReadFlags::ATTRIB;
                let name = event.file_name().map(std::ffi::CStr::to_bytes);
                self.happened.add(folder, name, only_touched);
            }
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod kernel {
    use std::path::Path;

    use super::{BTreeMap, BTreeSet, Happened, Watch};

    impl Watch {
        pub(super) fn of(_root: &Path, _folders: &BTreeSet<&[u8]>) -> Self {
            let lost = true;
            Self {
                folders: BTreeMap::new(),
                happened: Happened {
                    lost,
                    ..Happened::default()
                },
            }
        }

        // There is nothing to forget.
        pub(super) fn forget(&mut self) {
            self.folders.clear();
        }

        /// Takes note of what has happened so far: nothing is told here.
        pub fn drain(&mut self) {
            self.folders.clear();
        }
    }
}
