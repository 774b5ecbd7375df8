//! What no cache that looks at the files can be faster than: two threads that do nothing else.

use std::{
    os::fd::AsFd as _,
    path::Path,
    sync::{
        Condvar, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    thread,
};

use rustix::{
    fs::{AtFlags, Dir, FileType, Mode, OFlags, open, openat, statat},
    io::read,
};
use sha2::{Digest as _, Sha256};

/// What is done to each file.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Floor {
    /// A: looked at.
    Stat,
    /// B: read and hashed.
    Hash,
}

struct Queue {
    folders: Vec<Vec<u8>>,
    working: usize,
}

/// Walks over `root` with two threads; `.git` is left out.
pub fn walk(root: &Path, floor: Floor) {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let root = open(root, flags, Mode::empty()).expect("a folder");
    let queue = Mutex::new(Queue {
        folders: vec![b".".to_vec()],
        working: 0,
    });
    let (ready, sum) = (Condvar::new(), AtomicU64::new(0));
    let work = || {
        let mut buffer = vec![0; 128 * 1024];
        loop {
            let folder = {
                let mut held = queue.lock().expect("no thread panics");
                loop {
                    if let Some(folder) = held.folders.pop() {
                        held.working += 1;
                        break folder;
                    }
                    if held.working == 0 {
                        ready.notify_all();
                        return;
                    }
                    held = ready.wait(held).expect("no thread panics");
                }
            };
            let fd = openat(&root, &folder[..], flags, Mode::empty()).expect("a folder");
            let mut below = Vec::new();
            let mut dir = Dir::new(fd).expect("a folder");
            let mut files = Vec::new();
            while let Some(entry) = dir.read() {
                let entry = entry.expect("an entry");
                let name = entry.file_name();
                if matches!(name.to_bytes(), b"." | b".." | b".git") {
                    continue;
                }
                if entry.file_type() == FileType::Directory {
                    below.push([&folder[..], b"/", name.to_bytes()].concat());
                } else {
                    files.push(name.to_owned());
                }
            }
            {
                let mut held = queue.lock().expect("no thread panics");
                held.folders.extend(below);
            }
            ready.notify_all();
            let fd = dir.fd().expect("a folder");
            for name in files {
                match floor {
                    Floor::Stat => {
                        let stat = statat(fd, &name, AtFlags::SYMLINK_NOFOLLOW).expect("a file");
                        sum.fetch_add(stat.st_size.unsigned_abs(), Ordering::Relaxed);
                    }
                    Floor::Hash => {
                        let flags = OFlags::RDONLY | OFlags::CLOEXEC;
                        let file = openat(fd, &name, flags, Mode::empty()).expect("a file");
                        let mut hasher = Sha256::new();
                        loop {
                            let count = read(file.as_fd(), &mut buffer).expect("bytes");
                            if count == 0 {
                                break;
                            }
                            hasher.update(&buffer[..count]);
                        }
                        let first = u64::from(hasher.finalize()[0]);
                        sum.fetch_add(first, Ordering::Relaxed);
                    }
                }
            }
            queue.lock().expect("no thread panics").working -= 1;
            ready.notify_all();
        }
    };
    thread::scope(|scope| {
        scope.spawn(work);
        work();
    });
    assert!(sum.load(Ordering::Relaxed) > 0, "there are files");
}
