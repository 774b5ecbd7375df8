//! `factory guard`

use std::{
    io::{Read as _, Write},
    path::PathBuf,
};

use crate::guard::{Setting, answer, context};

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

    /// Folder beside the clone that may be read
    #[arg(long, value_name = "DIR", hide = true)]
    private: Option<PathBuf>,

    /// File to which each refusal is added
    #[arg(long, value_name = "FILE", hide = true)]
    refusals: Option<PathBuf>,
}

/// Answers the hook; the code is for the client and not one of [`super::ExitStatus`].
pub(super) fn run(args: &Args, out: &mut dyn Write, err: &mut dyn Write) -> u8 {
    let setting = Setting {
        plan: args.plan.clone(),
        root: args.root.clone(),
        role: args.role.clone(),
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
    let reply = answer(&input, &setting);
    let said = out
        .write_all(reply.stdout.as_bytes())
        .and_then(|()| out.flush());
    let _ = err.write_all(reply.stderr.as_bytes());
    // A reason that nobody could read is still a refusal; an `ask` that nobody could read is one too.
    if said.is_err() { 2 } else { reply.code }
}
