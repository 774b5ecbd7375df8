//! The keeper: a process between the runner and what it starts, so that nothing of that outlives its
//! time, or the runner.
//!
//! The keeper hears from the runner what to start, starts it, and ends as it ends.
//! Whatever the child has left running by then, in its group or out of it, is ended first: on Linux
//! orphans become the keeper's own, so a daemon can't slip away. A byte on the pipe asks the child to
//! end; the end of the pipe ends everything at once, and it comes by itself where the runner dies.
//!
//! While something runs there is a locked record of it. One that nobody has locked is left by a keeper
//! that was killed: what it kept may still be there.

use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::OsStr,
    fs::{self, File},
    io::{self, Read as _, Write as _},
    os::unix::process::CommandExt as _,
    path::{Path, PathBuf},
    process::{Command, ExitCode, Stdio},
    thread,
    time::{Duration, Instant},
};

use rustix::{
    io::Errno,
    process::{
        Pid, Resource, Rlimit, Signal, WaitOptions, WaitStatus, getpid, getppid, kill_process,
        kill_process_group, setrlimit, wait,
    },
};

use super::charge::{Charge, Record};

/// How long what is left of a child is ended again and again.
const STUBBORN: Duration = Duration::from_secs(5);

/// How long one waits for the keepers of a process that is gone.
const PATIENCE: Duration = Duration::from_secs(10);

/// The exit code of a keeper that could not do its work.
pub const UNABLE: u8 = 127;

/// Keeps what process `runner` says on standard input, a [`Charge`], until it has ended, and ends as it
/// did.
///
/// # Errors
///
/// Where the child can't be started or waited for.
pub fn keep(runner: u32) -> io::Result<ExitCode> {
    #[cfg(target_os = "linux")]
    rustix::process::set_child_subreaper(Some(getpid()))?;
    // What becomes the child gets ready meanwhile; where nothing is said it ends with its keeper.
    let mut child = Command::new(myself()?)
        .args(["confine", &std::process::id().to_string()])
        .stdin(Stdio::piped())
        .spawn()?;
    let Some((charge, input)) = charged()? else {
        return Ok(ExitCode::from(UNABLE));
    };
    let record = match &charge.record {
        Some(record) => Some(Written::down(record)?),
        None => None,
    };
    // Whoever comes after a runner that is gone looks at the records, so it is looked for now.
    if parent() != Some(runner) {
        return Ok(ExitCode::from(UNABLE));
    }
    let charge = charge.to_bytes()?;
    if let Some(mut pipe) = child.stdin.take() {
        // A child that is gone already, or does not read its input to the end, is not thereby at fault.
        let told = pipe.write_all(&charge);
        if told.is_ok() && !input.is_empty() {
            thread::spawn(move || pipe.write_all(&input));
        }
    }
    let id = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    thread::spawn(move || obey(id));
    let status = loop {
        match wait(WaitOptions::empty()) {
            Ok(Some((pid, status))) if Some(pid) == id => break status,
            // An orphan of the child's has ended.
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    };
    sweep();
    drop(record);
    Ok(end_as(status))
}

/// Returns the process that started this one.
pub(super) fn parent() -> Option<u32> {
    getppid().map(|pid| pid.as_raw_nonzero().get().unsigned_abs())
}

// What the runner says first, with what the child is to read; nothing where it is gone, or has changed
// its mind.
fn charged() -> io::Result<Option<(Charge, Vec<u8>)>> {
    let mut stdin = io::stdin().lock();
    let Some(charge) = Charge::read(&mut stdin)? else {
        return Ok(None);
    };
    let count = charge.input.unwrap_or_default();
    let mut input = Vec::new();
    let read = stdin.take(count).read_to_end(&mut input)?;
    Ok((read as u64 == count).then_some((charge, input)))
}

// Does what the runner says of the child.
fn obey(child: Option<Pid>) {
    let mut byte = [0];
    while let Ok(1..) = io::stdin().lock().read(&mut byte) {
        signal(child, Signal::TERM);
    }
    signal(child, Signal::KILL);
    // It may have moved out of its group, and what it started may hold it up.
    for pid in descendants() {
        let _ = kill_process(pid, Signal::KILL);
    }
}

// A child that has only just begun leads no group yet.
fn signal(child: Option<Pid>, signal: Signal) {
    if let Some(child) = child
        && kill_process_group(child, signal).is_err()
    {
        let _ = kill_process(child, signal);
    }
}

// Ends whatever the child has left, however often that begins anew.
fn sweep() {
    let started = Instant::now();
    let mut pause = Duration::from_millis(1);
    loop {
        loop {
            match wait(WaitOptions::NOHANG) {
                Ok(Some(_)) => {}
                Ok(None) => break,
                // Nobody is left.
                Err(_) => return,
            }
        }
        if started.elapsed() > STUBBORN {
            return;
        }
        for pid in descendants() {
            let _ = kill_process(pid, Signal::KILL);
        }
        thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(50));
    }
}

// What descends from this process, as far as the system tells.
fn descendants() -> Vec<Pid> {
    let mut children: BTreeMap<i32, Vec<i32>> = BTreeMap::new();
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let name = entry.file_name();
        let Some(pid) = name.to_str().and_then(|name| name.parse().ok()) else {
            continue;
        };
        if let Some(parent) = parent_of(pid) {
            children.entry(parent).or_default().push(pid);
        }
    }
    let mut found = Vec::new();
    let mut next = vec![getpid().as_raw_nonzero().get()];
    while let Some(parent) = next.pop() {
        let of = children.remove(&parent).unwrap_or_default();
        found.extend(of.iter().copied().filter_map(Pid::from_raw));
        next.extend(of);
    }
    found
}

// The field behind the name, which may hold anything, and the state.
fn parent_of(pid: i32) -> Option<i32> {
    let text = fs::read(format!("/proc/{pid}/stat")).ok()?;
    let text = String::from_utf8_lossy(&text);
    let (_, rest) = text.rsplit_once(')')?;
    rest.split_ascii_whitespace().nth(1)?.parse().ok()
}

// This very program, whatever has become of its file meanwhile.
fn myself() -> io::Result<PathBuf> {
    if cfg!(target_os = "linux") {
        return Ok("/proc/self/exe".into());
    }
    std::env::current_exe()
}

fn end_as(status: WaitStatus) -> ExitCode {
    if let Some(code) = status.exit_status() {
        return ExitCode::from(u8::try_from(code & 0xff).unwrap_or(UNABLE));
    }
    let number = status.terminating_signal().unwrap_or_default();
    if let Some(signal) = Signal::from_named_raw(number) {
        // The core that there may be is the child's.
        let none = Rlimit {
            current: Some(0),
            maximum: Some(0),
        };
        let _ = setrlimit(Resource::Core, none);
        // Rust's own answer to some of them gives way to the system's only after the first time.
        for _ in 0..2 {
            let _ = kill_process(getpid(), signal);
        }
    }
    let code = 128 + number;
    // A signal that every Rust program ignores, as the one of a broken pipe, it gives back to what it
    // becomes.
    let mut shell = Command::new("/bin/sh");
    shell.args(["-c", "kill -$0 $$; exit $1"]);
    shell.args([number.to_string(), code.to_string()]);
    let _ = shell.exec();
    // As a shell says it, where not even that is to be had.
    ExitCode::from(u8::try_from(code).unwrap_or(UNABLE))
}

// A record that is there, and locked, for as long as something runs.
struct Written {
    path: PathBuf,
    _locked: File,
}

impl Written {
    fn down(record: &Record) -> io::Result<Self> {
        let Record { folder, name } = record;
        fs::create_dir_all(folder)?;
        let path = folder.join(format!("{name}{SEPARATOR}{}", std::process::id()));
        let file = File::create(&path)?;
        file.lock()?;
        Ok(Self {
            path,
            _locked: file,
        })
    }
}

impl Drop for Written {
    fn drop(&mut self) {
        // One that stays is looked into by whoever comes next.
        let _ = fs::remove_file(&self.path);
    }
}

/// Between the name of a record and the process that wrote it.
const SEPARATOR: char = '~';

/// Waits until nothing runs any more of which there is a record in `folder`: what a runner that is gone
/// has started is about to end. Returns the names of the records whose keepers were killed: what they
/// kept may go on.
///
/// # Errors
///
/// Where a keeper does not end, or the records can't be read.
pub(super) fn end_all(folder: &Path) -> io::Result<BTreeSet<String>> {
    let started = Instant::now();
    let mut killed = BTreeSet::new();
    loop {
        let mut left = None;
        let entries = match fs::read_dir(folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(killed),
            Err(error) => return Err(error),
        };
        for entry in entries {
            let path = entry?.path();
            let file = match File::open(&path) {
                Ok(file) => file,
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(error),
            };
            match file.try_lock() {
                Ok(()) => {
                    killed.extend(name_of(&path));
                    fs::remove_file(&path)?;
                }
                // Its runner is gone, so it is about to end; nobody else has the lock.
                Err(fs::TryLockError::WouldBlock) => left = Some(path),
                Err(fs::TryLockError::Error(error)) => return Err(error),
            }
        }
        let Some(left) = left else {
            return Ok(killed);
        };
        if started.elapsed() > PATIENCE {
            let name = name_of(&left).unwrap_or_default();
            let text = format!("what an earlier process started for `{name}` does not end");
            return Err(io::Error::new(io::ErrorKind::TimedOut, text));
        }
        thread::sleep(Duration::from_millis(10));
    }
}

fn name_of(path: &Path) -> Option<String> {
    let name = path.file_name().and_then(OsStr::to_str)?;
    let (name, _) = name.rsplit_once(SEPARATOR)?;
    Some(name.to_owned())
}
