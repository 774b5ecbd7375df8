//! `factory gate`

use std::{cell::RefCell, fmt::Write as _, io::Write, sync::Arc};

use super::{Context, ExitStatus, build, count, exec, locked};
use crate::{
    cache::Store,
    plan::Plan,
    run::{
        gate::{Checkout, GateCache, Judge, Outcome, Progress, Verdict},
        process::Cancel,
    },
    spec::nearest,
};

/// Run gates on the working tree, with the cache that `exec` uses
///
/// A gate whose inputs, command, tools, and variables are what they were when it passed is not run
/// again: its output is replayed.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Gates to run; all unless some are named
    #[arg(value_name = "NAME")]
    gates: Vec<String>,

    /// Run them whatever is known, and keep what they say
    #[arg(long)]
    force: bool,

    /// Show what gates print also where they pass
    #[arg(short, long)]
    verbose: bool,
}

pub(super) fn run(
    args: &Args,
    context: &Context,
    out: &mut dyn Write,
) -> miette::Result<ExitStatus> {
    let plan = match locked::read(context)? {
        Some(plan) => plan,
        // Gates are as well defined before the first build.
        None => build::plan(context)?,
    };
    let names = names(&args.gates, &plan)?;
    let mut cache = GateCache::new(context.store().map(Store::open));
    if args.force {
        cache = cache.asking_anew();
    }
    exec::asynchronous(async {
        let checkout = Checkout::of_person(&context.root)
            .await
            .map_err(super::chain)?;
        let (stop, cancel) = Cancel::new();
        tokio::spawn(async move {
            if tokio::signal::ctrl_c().await.is_ok() {
                let _ = stop.send(true);
                std::future::pending::<()>().await;
            }
        });
        let judge = Judge {
            plan: Arc::new(plan),
            cache: Arc::new(cache),
            owner: std::env::vars_os().collect(),
            extra: std::collections::BTreeMap::new(),
            cancel,
        };
        let width = names.iter().map(String::len).max().unwrap_or_default();
        let said = RefCell::new(out);
        let tell = |progress: Progress<'_>| {
            let Progress::Finished(name, verdict) = progress else {
                return;
            };
            let text = show(name, verdict, width, context.colour_out, args.verbose);
            let mut out = said.borrow_mut();
            // The verdicts count also where nobody reads them.
            let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
        };
        let verdicts = judge.judge_all(&names, &checkout, &tell).await;
        let red = verdicts
            .iter()
            .filter(|(_, verdict)| !verdict.outcome.lets_pass())
            .count();
        let text = summary(&verdicts);
        let out = said.into_inner();
        super::print(out, &text)?;
        Ok(if red == 0 {
            ExitStatus::Success
        } else {
            ExitStatus::Findings
        })
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

fn names(asked: &[String], plan: &Plan) -> miette::Result<Vec<String>> {
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
        let _ = write!(text, ": {why}");
    }
    let millis = verdict.elapsed.as_millis();
    let _ = match verdict.replayed {
        Some(when) => writeln!(text, "  (replayed from {})", crate::run::Moment::from(when)),
        None => writeln!(text, "  ({millis} ms)"),
    };
    if verbose || !verdict.outcome.lets_pass() {
        for bytes in [&verdict.stdout, &verdict.stderr] {
            for line in String::from_utf8_lossy(bytes).lines() {
                let _ = writeln!(text, "  | {line}");
            }
        }
    }
    for note in &verdict.notes {
        let _ = writeln!(text, "  note: {note}");
    }
    text
}
