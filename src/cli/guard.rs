//! `factory guard`

use std::{
    ffi::OsString,
    io::{IsTerminal as _, Read as _, Write},
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use super::{ExitStatus, ancestry::is_below_a_client};
use crate::{
    client::{PASSED, REFUSED},
    guard::{
        Setting, answer, context,
        observed::{self, LONGEST},
    },
    plan::Plan,
};

/// Decide one tool call of a client: its hook calls this
///
/// Reads the hook's input on standard input. A refused call ends with exit code 2 and the reason on
/// standard error, in the words that the model is given; whatever goes wrong in a role's session is a
/// refusal. A person's own session is left as it is, and only asked before it changes what the factory
/// is made of.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Lock to decide by; the project's unless it is named
    #[arg(long, value_name = "FILE")]
    plan: Option<PathBuf>,

    /// Root of the project or of the clone that the call happens in
    #[arg(long, value_name = "DIR")]
    root: Option<PathBuf>,

    /// Say to a role's session what it may do, in place of deciding: for the start of a session
    #[arg(long)]
    context: bool,

    /// Role whose session it is, whatever the call says
    #[arg(long)]
    role: Option<String>,

    /// Agent in whose file the hook stands: the call is that agent's
    #[arg(long, value_name = "NAME", conflicts_with = "role", hide = true)]
    agent: Option<String>,

    /// End as the hooks that `factory build` writes want it: in a way that no other program does
    #[arg(long, hide = true)]
    hook: bool,

    /// Folder beside the clone that may be read
    #[arg(long, value_name = "DIR", hide = true)]
    private: Option<PathBuf>,

    /// File to which each refusal is added
    #[arg(long, value_name = "FILE", hide = true)]
    refusals: Option<PathBuf>,

    #[command(subcommand)]
    action: Option<Action>,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Let everything pass for a while; only from a person's terminal
    Off {
        /// For how long, as in `30m` or `2h`; a day at most
        #[arg(long = "for", value_name = "TIME", value_parser = duration)]
        time: Duration,
    },
    /// Judge every call again
    On,
}

fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || "write a number and `s`, `m`, or `h`, as in `30m`".to_owned();
    let at = text.find(|c: char| !c.is_ascii_digit()).ok_or_else(wrong)?;
    let (number, unit) = text.split_at_checked(at).ok_or_else(wrong)?;
    let number: u32 = number.parse().map_err(|_| wrong())?;
    let unit = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        _ => return Err(wrong()),
    };
    let time = Duration::from_secs(u64::from(number) * unit);
    match time {
        Duration::ZERO => Err(wrong()),
        time if time > LONGEST => Err("a day is the most".to_owned()),
        time => Ok(time),
    }
}

// Whether a person types this, as far as it can be seen: a terminal on all sides, nothing of what a
// client gives to the programs that its agents start, and no client among those that started this.
fn is_persons() -> bool {
    let ours = |(name, _): (OsString, OsString)| is_of_a_client(&name.to_string_lossy());
    on_terminal() && !std::env::vars_os().any(ours) && !is_below_a_client()
}

/// Returns whether a client, or an agent of ours, sets the variable `name` for what it starts.
pub(super) fn is_of_a_client(name: &str) -> bool {
    matches!(name, "CLAUDECODE" | "CLAUDE_PROJECT_DIR") || name.starts_with("CLAUDE_CODE_")
}

fn on_terminal() -> bool {
    std::io::stdin().is_terminal()
        && std::io::stdout().is_terminal()
        && std::io::stderr().is_terminal()
}

fn switch(action: &Action, root: Option<&Path>, out: &mut dyn Write, err: &mut dyn Write) -> u8 {
    let here = std::env::current_dir().unwrap_or_default();
    let start = root.unwrap_or(&here);
    let Some(root) = start
        .ancestors()
        .find(|folder| folder.join(Plan::LOCK).is_file())
    else {
        let _ = writeln!(err, "no `{}` here or above", Plan::LOCK);
        return ExitStatus::Failed.code();
    };
    if !is_persons() {
        let _ = writeln!(
            err,
            "the guard is turned off and on by a person, at a terminal, and nobody else"
        );
        return 2;
    }
    let done = match action {
        Action::Off { time } => observed::turn_off(root, *time).map(|()| {
            format!(
                "the guard lets everything pass for {} minutes; `factory guard on` ends that\n",
                time.as_secs().div_ceil(60)
            )
        }),
        Action::On => observed::turn_on(root).map(|()| "the guard judges every call\n".to_owned()),
    };
    match done {
        Ok(text) => {
            let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
            0
        }
        Err(error) => {
            let _ = writeln!(err, "{error}; nothing has changed");
            ExitStatus::Failed.code()
        }
    }
}

/// How long a decision may take. A client lets the tool run whose hook takes longer than the minute that
/// `factory build` gives it.
const PATIENCE: Duration = Duration::from_secs(40);

// Ends the process with a refusal where it has not decided in time.
fn refuse_in_time(code: u8) {
    let refuse = move || {
        thread::sleep(PATIENCE);
        let seconds = PATIENCE.as_secs();
        let _ = writeln!(
            std::io::stderr(),
            "factory could not decide this call in {seconds} seconds, so it is refused"
        );
        std::process::exit(code.into());
    };
    // Where no thread is to be had, the work itself is bounded still.
    let _ = thread::Builder::new().name("watch".into()).spawn(refuse);
}

/// Answers the hook; the code is for the client and not one of [`super::ExitStatus`].
pub(super) fn run(args: &Args, out: &mut dyn Write, err: &mut dyn Write) -> u8 {
    if let Some(action) = &args.action {
        return switch(action, args.root.as_deref(), out, err);
    }
    let setting = Setting {
        plan: args.plan.clone(),
        root: args.root.clone(),
        role: args.role.clone(),
        agent: args.agent.clone(),
        private: args.private.clone(),
        refusals: args.refusals.clone(),
        environment: std::env::vars_os().collect(),
    };
    let mut input = Vec::new();
    // An input that can't be read is no tool call, and is refused as such.
    let _ = std::io::stdin().read_to_end(&mut input);
    if args.context {
        // Nothing depends on these words, so nothing is wrong where they can't be said.
        let _ = out
            .write_all(context(&input, &setting).as_bytes())
            .and_then(|()| out.flush());
        return 0;
    }
    refuse_in_time(if args.hook { REFUSED } else { 2 });
    let reply = answer(&input, &setting);
    let said = out
        .write_all(reply.stdout.as_bytes())
        .and_then(|()| out.flush());
    let _ = err.write_all(reply.stderr.as_bytes());
    // A reason that nobody could read is still a refusal; an `ask` that nobody could read is one too.
    let code = if said.is_err() { 2 } else { reply.code };
    match (args.hook, code) {
        (false, code) => code,
        (true, 0) => PASSED,
        (true, _) => REFUSED,
    }
}
