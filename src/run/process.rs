//! One child process: a closed environment, a time limit, its output kept.
//!
//! Whatever ends the wait (exit, time limit, cancellation), nothing of the child is left when [`run`]
//! returns, and nothing of it outlives this process: a [`keeper`](super::keeper) sees to that. A child
//! without one, as git is, has a process group of its own, and that group is gone.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    fmt, fs, io,
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _},
    process::{Child, ChildStdin, Command},
    sync::watch,
    task::JoinHandle,
};

use super::charge::{Charge, Record};

/// How long a child is given between the polite signal and the last one.
const GRACE: Duration = Duration::from_secs(3);

/// Who sees to it that a child ends, with all that it started.
#[derive(Debug, Clone)]
pub struct Keeper {
    /// The binary of `factory`.
    pub exe: PathBuf,
    /// The domain in which the child runs, where it is confined: a file with a
    /// [`Policy`](super::confine::Policy).
    pub policy: Option<PathBuf>,
    /// Where it is written down that the child runs.
    pub record: Option<Record>,
}

/// A keeper that is started, and is still to be told what to keep. Where this is dropped, it ends.
#[derive(Debug)]
pub struct Waiting {
    child: Child,
}

impl Waiting {
    /// Starts the binary `exe` of `factory` as a keeper.
    pub fn start(exe: &Path) -> io::Result<Self> {
        let mut command = Command::new(exe);
        command
            .arg("keep")
            .arg(std::process::id().to_string())
            .env_clear()
            // It is to hold no folder up.
            .current_dir("/")
            // It ends by itself when nobody holds its input any more; killed, it could end nothing.
            .kill_on_drop(false);
        let child = spawn(&mut command, true)?;
        Ok(Self { child })
    }
}

/// What is started.
#[derive(Debug)]
pub struct Launch {
    /// The program, looked up on the PATH of `env` when it has no slash.
    pub program: OsString,
    /// Its arguments.
    pub args: Vec<OsString>,
    /// The folder it starts in.
    pub folder: PathBuf,
    /// Its whole environment: nothing is inherited.
    pub env: BTreeMap<OsString, OsString>,
    /// What it reads on standard input; without it, the input is empty.
    pub input: Option<Vec<u8>>,
    /// How long it may run, on a clock that stands still while the machine sleeps.
    pub wall: Duration,
    /// How many bytes of each output stream are kept; the rest is read and dropped.
    pub keep: usize,
    /// Who keeps it; without one, it is no more than a process group.
    pub keeper: Option<Keeper>,
    /// The keeper's process, if it has been started already.
    pub waiting: Option<Waiting>,
}

impl Launch {
    /// Returns the launch of `line` by the POSIX shell.
    pub fn shell(
        line: &str,
        folder: PathBuf,
        env: BTreeMap<OsString, OsString>,
        wall: Duration,
    ) -> Self {
        Self {
            program: "/bin/sh".into(),
            args: vec!["-c".into(), line.into()],
            folder,
            env,
            input: None,
            wall,
            keep: 16 << 20,
            keeper: None,
            waiting: None,
        }
    }
}

/// How a child ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// It exited by itself.
    Code(i32),
    /// A signal that nobody here sent.
    Signal(i32),
    /// It was ended at its time limit.
    TimedOut,
    /// It was ended because the run was.
    Cancelled,
}

impl Exit {
    /// Returns whether it exited by itself with 0.
    pub const fn success(self) -> bool {
        matches!(self, Self::Code(0))
    }

    fn of(status: ExitStatus) -> Self {
        use std::os::unix::process::ExitStatusExt as _;
        match (status.code(), status.signal()) {
            (Some(code), _) => Self::Code(code),
            (None, signal) => Self::Signal(signal.unwrap_or_default()),
        }
    }
}

/// In words that follow the name of what ended.
impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code(code) => write!(f, "exited with {code}"),
            Self::Signal(signal) => write!(f, "was ended by signal {signal}"),
            Self::TimedOut => f.write_str("took too long"),
            Self::Cancelled => f.write_str("was cancelled"),
        }
    }
}

/// What a child left behind.
#[derive(Debug, Clone)]
pub struct Finished {
    /// How it ended.
    pub exit: Exit,
    /// The first bytes of its standard output.
    pub stdout: Vec<u8>,
    /// The first bytes of its standard error.
    pub stderr: Vec<u8>,
    /// Whether output was dropped, or not waited for.
    pub truncated: bool,
    /// How long it ran.
    pub elapsed: Duration,
}

/// A wish that everything ends; cheap to clone, true for ever once true.
#[derive(Debug, Clone)]
pub struct Cancel {
    made: watch::Receiver<bool>,
    // Keeps a wish that nobody can make from being taken for one whose maker is gone.
    _maker: Option<Arc<watch::Sender<bool>>>,
}

impl Cancel {
    /// Returns a wish and the way to make it.
    pub fn new() -> (watch::Sender<bool>, Self) {
        let (sender, receiver) = watch::channel(false);
        (
            sender,
            Self {
                made: receiver,
                _maker: None,
            },
        )
    }

    /// Returns a wish that is never made.
    pub fn never() -> Self {
        let (sender, receiver) = watch::channel(false);
        Self {
            made: receiver,
            _maker: Some(Arc::new(sender)),
        }
    }

    /// Returns whether it was made.
    pub fn is_made(&self) -> bool {
        *self.made.borrow()
    }

    /// Waits until it is made.
    pub async fn made(&mut self) {
        if self.made.wait_for(|made| *made).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

/// Starts a child and waits for its end.
///
/// # Errors
///
/// Where the program can't be started or its pipes fail.
pub async fn run(mut launch: Launch, mut cancel: Cancel) -> io::Result<Finished> {
    let started = Instant::now();
    if cancel.is_made() {
        return Ok(Finished {
            exit: Exit::Cancelled,
            stdout: Vec::new(),
            stderr: Vec::new(),
            truncated: false,
            elapsed: Duration::ZERO,
        });
    }
    let (mut child, mut hand) = match launch.keeper.take() {
        Some(keeper) => kept(keeper, &mut launch)?,
        None => bare(&mut launch)?,
    };
    let stdout = Stream::collect(child.stdout.take(), launch.keep);
    let stderr = Stream::collect(child.stderr.take(), launch.keep);

    let exit = tokio::select! {
        status = child.wait() => Exit::of(status?),
        () = tokio::time::sleep(launch.wall) => Exit::TimedOut,
        () = cancel.made() => Exit::Cancelled,
    };
    if matches!(exit, Exit::TimedOut | Exit::Cancelled) {
        hand.ask_to_end().await;
        if tokio::time::timeout(GRACE, child.wait()).await.is_err() {
            hand.end();
            // A keeper has still to end the others; it is the last one to be ended by force.
            if tokio::time::timeout(GRACE, child.wait()).await.is_err() {
                Group::of(&child).signal(Signal::KILL);
                child.wait().await?;
            }
        }
    }
    // What the child left running would hold the pipes open, and is not its owner's wish.
    hand.end();
    let (stdout, more_out) = stdout.finish().await;
    let (stderr, more_err) = stderr.finish().await;
    Ok(Finished {
        exit,
        stdout,
        stderr,
        truncated: more_out || more_err,
        elapsed: started.elapsed(),
    })
}

// Starts a keeper, if none is, and tells it what to keep.
fn kept(keeper: Keeper, launch: &mut Launch) -> io::Result<(Child, Hand)> {
    let input = launch.input.take();
    let charge = Charge {
        program: std::mem::take(&mut launch.program),
        args: std::mem::take(&mut launch.args),
        folder: std::mem::take(&mut launch.folder),
        env: std::mem::take(&mut launch.env),
        policy: keeper.policy,
        record: keeper.record,
        input: input.as_ref().map(|input| input.len() as u64),
    };
    // Said here as the system says it; who becomes the program could only say it to its readers.
    fs::metadata(&charge.folder)?;
    let charge = charge.to_bytes()?;
    let mut child = match launch.waiting.take() {
        Some(waiting) => waiting.child,
        None => Waiting::start(&keeper.exe)?.child,
    };
    let pipe = child.stdin.take();
    let hand = Hand::Keeper {
        charging: pipe.map(|pipe| tokio::spawn(tell(pipe, charge, input.unwrap_or_default()))),
        pipe: None,
    };
    Ok((child, hand))
}

// The pipe stays open for as long as the child may run.
async fn tell(mut pipe: ChildStdin, charge: Vec<u8>, input: Vec<u8>) -> Option<ChildStdin> {
    pipe.write_all(&charge).await.ok()?;
    pipe.write_all(&input).await.ok()?;
    Some(pipe)
}

fn bare(launch: &mut Launch) -> io::Result<(Child, Hand)> {
    let mut command = Command::new(&launch.program);
    command
        .args(&launch.args)
        .current_dir(&launch.folder)
        .env_clear()
        .envs(&launch.env)
        .kill_on_drop(true);
    let input = launch.input.take();
    let mut child = spawn(&mut command, input.is_some())?;
    if let (Some(input), Some(mut pipe)) = (input, child.stdin.take()) {
        // A child that does not read its input to the end is not thereby at fault.
        tokio::spawn(async move {
            let _ = pipe.write_all(&input).await;
        });
    }
    let group = Group::of(&child);
    Ok((child, Hand::Group(group)))
}

fn spawn(command: &mut Command, has_input: bool) -> io::Result<Child> {
    command
        .stdin(if has_input {
            Stdio::piped()
        } else {
            Stdio::null()
        })
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .spawn()
}

// How a child is made to end.
enum Hand {
    // Its keeper hears of it by a byte, and by the end of the pipe.
    Keeper {
        charging: Option<JoinHandle<Option<ChildStdin>>>,
        pipe: Option<ChildStdin>,
    },
    Group(Group),
}

impl Hand {
    async fn ask_to_end(&mut self) {
        match self {
            Self::Keeper { charging, pipe } => {
                if let Some(charging) = charging.take() {
                    // A keeper that has not even heard all is told by the end of the pipe.
                    charging.abort();
                    *pipe = charging.await.ok().flatten();
                }
                if let Some(pipe) = pipe {
                    let _ = pipe.write_all(b"e").await;
                }
            }
            Self::Group(group) => group.signal(Signal::TERM),
        }
    }

    fn end(&mut self) {
        match self {
            Self::Keeper { charging, pipe } => {
                if let Some(charging) = charging.take() {
                    charging.abort();
                }
                *pipe = None;
            }
            Self::Group(group) => group.signal(Signal::KILL),
        }
    }
}

struct Group(Option<Pid>);

impl Group {
    fn of(child: &Child) -> Self {
        Self(
            child
                .id()
                .and_then(|id| Pid::from_raw(i32::try_from(id).ok()?)),
        )
    }

    fn signal(&self, signal: Signal) {
        if let Some(pid) = self.0 {
            // The group may be gone already, which is what is wanted.
            let _ = kill_process_group(pid, signal);
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.signal(Signal::KILL);
    }
}

// One output stream, read while the child runs.
struct Stream {
    kept: Arc<Mutex<(Vec<u8>, bool)>>,
    reader: JoinHandle<()>,
}

impl Stream {
    fn collect(pipe: Option<impl AsyncRead + Unpin + Send + 'static>, keep: usize) -> Self {
        let kept = Arc::new(Mutex::new((Vec::new(), false)));
        let sink = Arc::clone(&kept);
        let reader = tokio::spawn(async move {
            let Some(mut pipe) = pipe else { return };
            let mut buffer = Vec::with_capacity(64 << 10);
            while let Ok(count @ 1..) = pipe.read_buf(&mut buffer).await {
                let mut sink = sink.lock().unwrap_or_else(PoisonError::into_inner);
                let room = keep.saturating_sub(sink.0.len());
                let kept = buffer.get(..count.min(room)).unwrap_or_default();
                sink.0.extend_from_slice(kept);
                sink.1 |= count > room;
                buffer.clear();
            }
        });
        Self { kept, reader }
    }

    // Whoever left the group may hold the pipe open for ever; it is not waited for.
    async fn finish(mut self) -> (Vec<u8>, bool) {
        let cut = tokio::time::timeout(GRACE, &mut self.reader).await.is_err();
        if cut {
            self.reader.abort();
        }
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let (said, truncated) = std::mem::take(&mut *kept);
        (said, truncated || cut)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env() -> BTreeMap<OsString, OsString> {
        BTreeMap::from([("PATH".into(), "/usr/bin:/bin".into())])
    }

    async fn shell(line: &str, wall: Duration) -> Finished {
        let launch = Launch::shell(line, std::env::temp_dir(), env(), wall);
        run(launch, Cancel::never()).await.unwrap()
    }

    #[tokio::test]
    async fn a_child_sees_only_the_environment_it_is_given() {
        let finished = shell("env", Duration::from_secs(10)).await;
        let text = String::from_utf8(finished.stdout).unwrap();
        assert!(!text.contains("HOME=") && !text.contains("CARGO"), "{text}");
        assert!(finished.exit.success());
    }

    #[tokio::test]
    async fn what_a_child_leaves_running_is_ended_with_it() {
        let started = Instant::now();
        let finished = shell("sleep 60 & echo $!", Duration::from_secs(30)).await;
        assert!(started.elapsed() < Duration::from_secs(20));
        let pid = String::from_utf8(finished.stdout).unwrap();
        // Until its new parent has looked after it, what was ended is a zombie.
        let look = format!("sleep 0.2; ps -o stat= -p {}", pid.trim());
        let state = shell(&look, Duration::from_secs(5)).await.stdout;
        assert!(state.is_empty() || state.starts_with(b"Z"), "{state:?}");
    }

    #[tokio::test]
    async fn time_limits_and_signals_are_no_exit_codes() {
        assert_eq!(
            shell("sleep 60", Duration::from_millis(100)).await.exit,
            Exit::TimedOut
        );
        assert_eq!(
            shell("kill -9 $$", Duration::from_secs(10)).await.exit,
            Exit::Signal(9)
        );
        assert_eq!(
            shell("exit 3", Duration::from_secs(10)).await.exit,
            Exit::Code(3)
        );
    }
}
