//! One child process: its own process group, a closed environment, a time limit, its output kept.
//!
//! Whatever ends the wait (exit, time limit, cancellation), the whole group is gone when [`run`]
//! returns. What a child moved out of its group on purpose is not known here; the kernel's rules for
//! an agent hold for it all the same.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    io,
    path::PathBuf,
    process::{ExitStatus, Stdio},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _},
    process::{Child, Command},
    sync::watch,
    task::JoinHandle,
};

/// How long a group is given between the polite signal and the last one.
const GRACE: Duration = Duration::from_secs(3);

/// What is started.
#[derive(Debug, Clone)]
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

/// What a child left behind.
#[derive(Debug, Clone)]
pub struct Finished {
    /// How it ended.
    pub exit: Exit,
    /// The first bytes of its standard output.
    pub stdout: Vec<u8>,
    /// The first bytes of its standard error.
    pub stderr: Vec<u8>,
    /// Whether output was dropped.
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
pub async fn run(launch: Launch, mut cancel: Cancel) -> io::Result<Finished> {
    let started = Instant::now();
    let mut command = Command::new(&launch.program);
    command
        .args(&launch.args)
        .current_dir(&launch.folder)
        .env_clear()
        .envs(&launch.env)
        .stdin(if launch.input.is_some() {
            Stdio::piped()
        } else {
            Stdio::null()
        })
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true);
    let mut child = command.spawn()?;
    let group = Group::of(&child);
    if let (Some(input), Some(mut pipe)) = (launch.input, child.stdin.take()) {
        // A child that does not read its input to the end is not thereby at fault.
        tokio::spawn(async move {
            let _ = pipe.write_all(&input).await;
        });
    }
    let stdout = Stream::collect(child.stdout.take(), launch.keep);
    let stderr = Stream::collect(child.stderr.take(), launch.keep);

    let exit = tokio::select! {
        status = child.wait() => Exit::of(status?),
        () = tokio::time::sleep(launch.wall) => Exit::TimedOut,
        () = cancel.made() => Exit::Cancelled,
    };
    if matches!(exit, Exit::TimedOut | Exit::Cancelled) {
        group.signal(Signal::TERM);
        if tokio::time::timeout(GRACE, child.wait()).await.is_err() {
            group.signal(Signal::KILL);
            child.wait().await?;
        }
    }
    // What the child left running would hold the pipes open, and is not its owner's wish.
    group.signal(Signal::KILL);
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
            let mut buffer = vec![0; 64 << 10];
            while let Ok(count @ 1..) = pipe.read(&mut buffer).await {
                let mut sink = sink.lock().unwrap_or_else(PoisonError::into_inner);
                let room = keep.saturating_sub(sink.0.len());
                sink.0.extend(buffer.iter().take(count.min(room)));
                sink.1 |= count > room;
            }
        });
        Self { kept, reader }
    }

    // Whoever left the group may hold the pipe open for ever; it is not waited for.
    async fn finish(mut self) -> (Vec<u8>, bool) {
        if tokio::time::timeout(GRACE, &mut self.reader).await.is_err() {
            self.reader.abort();
        }
        std::mem::take(&mut *self.kept.lock().unwrap_or_else(PoisonError::into_inner))
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
