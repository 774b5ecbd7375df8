//! `factory gate`

use std::{
    cell::RefCell,
    fmt::Write as _,
    io::{self, Write},
    sync::Arc,
};

use serde_json::{Value, json};

use super::{
    Context, ExitStatus, build, count, exec, interrupt::Interrupt, locked, plain::visible, why,
};
use crate::{
    plan::Plan,
    run::{
        Commands, Moment,
        gate::{Checkout, GateCache, Judge, Outcome, Progress, Verdict},
        process::Cancel,
    },
    spec::nearest,
};

/// Run gates on the working tree, with the cache that `exec` uses
///
/// A gate whose inputs, command, tools, and variables are what they were when it passed is not run
/// again: its output is replayed, and what it made is put back. `factory why` tells what has changed.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Gates to run; all unless some are named
    #[arg(value_name = "NAME")]
    gates: Vec<String>,

    /// Run them whatever is known, and keep what they say
    #[arg(long)]
    force: bool,

    /// Run nothing; tell what would run, and why
    #[arg(short = 'n', long)]
    dry_run: bool,

    #[command(flatten)]
    style: Style,
}

/// How what gates say is written.
#[derive(Debug, clap::Args)]
struct Style {
    /// Show what gates print also where they pass
    #[arg(short, long)]
    verbose: bool,

    /// Write what gates print byte for byte, and what there is to tell of them to standard error
    #[arg(long, conflicts_with_all = ["verbose", "json"])]
    raw: bool,

    /// One JSON object
    #[arg(long)]
    json: bool,
}

pub(super) fn run(
    args: &Args,
    context: &Context,
    out: &mut dyn Write,
) -> miette::Result<ExitStatus> {
    let (plan, note) = plan(context)?;
    if let Some(note) = note {
        let _ = writeln!(io::stderr(), "note: {note}");
    }
    let names = names(&args.gates, &plan)?;
    if args.dry_run {
        let all = args.gates.is_empty();
        return why::tell(&names, all, plan, args.style.json, context, out);
    }
    let mut cache = GateCache::new(context.store()?);
    if args.force {
        cache = cache.asking_anew();
    }
    let interrupt = Interrupt::heard()?;
    exec::asynchronous(async {
        let checkout = Checkout::of_person(&context.root).await;
        let judge = judge(plan, cache, interrupt.cancel());
        let names = ordered(&names, args.gates.is_empty(), &judge);
        let width = names.iter().map(String::len).max().unwrap_or_default();
        let said = RefCell::new(out);
        let tell = |progress: Progress<'_>| {
            let (name, verdict) = match progress {
                Progress::Finished(name, verdict) => (name, verdict),
                Progress::Waiting(name, process) => {
                    let _ = writeln!(io::stderr(), "{}", waiting(name, process));
                    return;
                }
                Progress::Started(_) => return,
            };
            let mut out = said.borrow_mut();
            // The verdicts count also where nobody reads them.
            let _ = if args.style.json {
                Ok(())
            } else if args.style.raw {
                raw(name, verdict, width, context.colour_err, *out)
            } else {
                let text = show(name, verdict, width, context.colour_out, args.style.verbose);
                out.write_all(text.as_bytes()).and_then(|()| out.flush())
            };
        };
        let verdicts = judge.judge_all(&names, &checkout, &tell).await;
        let red = verdicts
            .iter()
            .filter(|(_, verdict)| !verdict.outcome.lets_pass())
            .count();
        let out = said.into_inner();
        let status = if red == 0 {
            ExitStatus::Success
        } else {
            ExitStatus::Findings
        };
        let last = if args.style.json {
            let gates: Vec<Value> = verdicts.iter().map(as_json).collect();
            format!("{:#}\n", json!({ "gates": gates }))
        } else if args.style.raw {
            let _ = write!(io::stderr(), "{}", summary(&verdicts));
            String::new()
        } else {
            summary(&verdicts)
        };
        super::conclude(out, &last, status)
    })
}

/// Returns the plan whose gates are asked: the lock's, or what the spec says now where there is no
/// lock or it was made from another spec; then with a note that tells so.
pub(super) fn plan(context: &Context) -> miette::Result<(Plan, Option<&'static str>)> {
    match locked::read(context) {
        Ok(Some(plan)) if locked::changed(context, &plan).is_empty() => Ok((plan, None)),
        Ok(Some(_)) => {
            let note =
                "the spec has changed since `factory build`; its gates are asked as they are now";
            Ok((build::plan(context)?, Some(note)))
        }
        // Gates are as well defined before the first build.
        Ok(None) => Ok((build::plan(context)?, None)),
        Err(error) => Err(error),
    }
}

/// Returns the gates in the order that they are asked in: what one makes is there before another looks
/// at it, where nobody has said in which order.
pub(super) fn ordered(names: &[String], all: bool, judge: &Judge) -> Vec<String> {
    if all {
        judge.in_order(names)
    } else {
        names.to_vec()
    }
}

fn waiting(name: &str, process: Option<u32>) -> String {
    let who = process.map_or_else(
        || "another process".to_owned(),
        |process| format!("process {process}"),
    );
    format!("waiting for {who}, which is at gate `{name}` on the same work")
}

/// Returns who judges a person's files.
pub(super) fn judge(plan: Plan, cache: GateCache, cancel: Cancel) -> Judge {
    Judge {
        plan: Arc::new(plan),
        cache: Arc::new(cache),
        owner: std::env::vars_os().collect(),
        extra: std::collections::BTreeMap::new(),
        // Where this program can't be found its gates have nobody who keeps them.
        commands: std::env::current_exe().map_or_else(|_| Commands::default(), Commands::kept_by),
        cancel,
        probes: true,
    }
}

// What the gate printed is on its two streams what it was there.
fn raw(
    name: &str,
    verdict: &Verdict,
    width: usize,
    colour: bool,
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut err = io::stderr();
    out.write_all(&verdict.stdout)?;
    out.flush()?;
    err.write_all(&verdict.stderr)?;
    let bare = Verdict {
        stdout: Vec::new(),
        stderr: Vec::new(),
        ..verdict.clone()
    };
    err.write_all(show(name, &bare, width, colour, false).as_bytes())
}

fn as_json((name, verdict): &(String, Verdict)) -> Value {
    let (word, reason) = match &verdict.outcome {
        Outcome::Pass => ("pass", None),
        Outcome::Fail => ("fail", None),
        Outcome::Nothing(why) => ("nothing", Some(why)),
        Outcome::Broken(why) => ("broken", Some(why)),
    };
    json!({
        "gate": name,
        "verdict": word,
        "reason": reason,
        "replayed": verdict.replayed.map(|when| Moment::from(when).to_string()),
        "millis": u64::try_from(verdict.elapsed.as_millis()).unwrap_or(u64::MAX),
        "key": verdict.key.map(|key| key.to_string()),
        "stdout": String::from_utf8_lossy(&verdict.stdout),
        "stderr": String::from_utf8_lossy(&verdict.stderr),
        "notes": verdict.notes,
    })
}

fn summary(verdicts: &[(String, Verdict)]) -> String {
    let number =
        |is: &dyn Fn(&Verdict) -> bool| verdicts.iter().filter(|(_, verdict)| is(verdict)).count();
    let nothing = |verdict: &Verdict| matches!(verdict.outcome, Outcome::Nothing(_));
    let parts = [
        (number(&|verdict| !verdict.outcome.lets_pass()), "red"),
        (
            number(&|verdict| verdict.replayed.is_some()),
            "replayed from the cache",
        ),
        (number(&nothing), "with nothing to check"),
        (
            number(&|verdict| verdict.outcome == Outcome::Pass && verdict.replayed.is_none()),
            "passed now",
        ),
    ];
    let parts: Vec<_> = parts
        .into_iter()
        .filter(|(number, _)| *number > 0)
        .map(|(number, what)| format!("{number} {what}"))
        .collect();
    format!("{}: {}\n", count(verdicts.len(), "gate"), parts.join(", "))
}

/// Returns the gates that are asked for, or all; an error with the nearest name for one there is not.
pub(super) fn names(asked: &[String], plan: &Plan) -> miette::Result<Vec<String>> {
    for name in asked {
        if !plan.gates.contains_key(name) {
            let known = || plan.gates.keys().map(String::as_str);
            let help = nearest(name, known()).map_or_else(
                || format!("there is {}", known().collect::<Vec<_>>().join(", ")),
                |near| format!("did you mean `{near}`?"),
            );
            return Err(miette::miette!(help = help, "no gate called `{name}`"));
        }
    }
    Ok(if asked.is_empty() {
        plan.gates.keys().cloned().collect()
    } else {
        asked.to_vec()
    })
}

fn show(name: &str, verdict: &Verdict, width: usize, colour: bool, verbose: bool) -> String {
    let (code, word, why) = match &verdict.outcome {
        Outcome::Pass => ("32", "pass", None),
        Outcome::Fail => ("31", "FAIL", None),
        Outcome::Nothing(why) => ("2", "nothing to check", Some(why)),
        Outcome::Broken(why) => ("31", "BROKEN", Some(why)),
    };
    let painted = if colour {
        format!("\u{1b}[{code}m{word}\u{1b}[0m")
    } else {
        word.to_owned()
    };
    let mut text = format!("{name:width$}  {painted}");
    if let Some(why) = why {
        let _ = write!(text, ": {}", visible(why));
    }
    let millis = verdict.elapsed.as_millis();
    let _ = match verdict.replayed {
        Some(when) => writeln!(text, "  (replayed from {})", Moment::from(when)),
        None => writeln!(text, "  ({millis} ms)"),
    };
    if verbose || !verdict.outcome.lets_pass() {
        for bytes in [&verdict.stdout, &verdict.stderr] {
            for line in visible(&String::from_utf8_lossy(bytes)).lines() {
                let _ = writeln!(text, "  | {line}");
            }
        }
    }
    for note in &verdict.notes {
        let _ = writeln!(text, "  note: {}", visible(note));
    }
    text
}
