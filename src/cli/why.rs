//! `factory why`

use std::{
    fmt::Write as _,
    io::{self, Write},
};

use serde_json::{Value, json};

use super::{Context, ExitStatus, exec, gate};
use crate::{
    cache::{Diff, Differences, ShownPath},
    plan::Plan,
    run::{
        Moment,
        gate::{Checkout, Explanation, GateCache, Standing},
        process::Cancel,
    },
};

/// How many paths of one kind are shown to people.
const SHOWN: usize = 10;

/// Tell whether a gate would run now, and what has changed since it passed
///
/// Compares with the earlier pass that differs least. Runs no gate and changes nothing; only the
/// `tool` and `key` commands are asked. Of variables the names are told, never the values.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Gates to tell of; all unless some are named
    #[arg(value_name = "GATE")]
    gates: Vec<String>,

    /// One JSON object
    #[arg(long)]
    json: bool,
}

pub(super) fn run(
    args: &Args,
    context: &Context,
    out: &mut dyn Write,
) -> miette::Result<ExitStatus> {
    let (plan, note) = gate::plan(context)?;
    if let Some(note) = note {
        let _ = writeln!(io::stderr(), "note: {note}");
    }
    let names = gate::names(&args.gates, &plan)?;
    tell(&names, args.gates.is_empty(), plan, args.json, context, out)
}

/// Tells what would become of the gates `names`, which nobody has put in an order if they are all.
pub(super) fn tell(
    names: &[String],
    all: bool,
    plan: Plan,
    as_json: bool,
    context: &Context,
    out: &mut dyn Write,
) -> miette::Result<ExitStatus> {
    let store = context.store()?.map(crate::cache::Store::only_looking);
    let judge = gate::judge(plan, GateCache::new(store), Cancel::never());
    let names = gate::ordered(names, all, &judge);
    let explanations = exec::asynchronous(async {
        let checkout = Checkout::of_person(&context.root).await;
        Ok(judge.explain_all(&names, &checkout).await)
    })?;
    let text = if as_json {
        let gates: Vec<Value> = explanations.iter().map(object).collect();
        format!("{:#}\n", json!({ "gates": gates }))
    } else {
        explanations.iter().map(words).collect()
    };
    super::print(out, &text)?;
    Ok(ExitStatus::Success)
}

fn words(explanation: &Explanation) -> String {
    let gate = &explanation.gate;
    let mut text = match &explanation.standing {
        Standing::Replayed { passed, puts_back } => {
            let when = Moment::from(*passed);
            let more = if *puts_back {
                ", and what it made put back"
            } else {
                ""
            };
            return format!("{gate}: hit; the pass of {when} would be replayed{more}\n");
        }
        Standing::Unkept(when, why) => {
            let when = Moment::from(*when);
            return format!("{gate}: miss; would run: its pass of {when} was not kept: {why}\n");
        }
        Standing::Depends(on) => {
            return format!("{gate}: depends on what `{on}` makes, which comes first\n");
        }
        Standing::Broken(why) => return format!("{gate}: could not be run: {why}\n"),
        Standing::AlwaysRuns(why) => format!("{gate}: would run: {why}\n"),
        Standing::Runs(Some(why)) => {
            format!("{gate}: miss; would run: a kept verdict can't be used: {why}\n")
        }
        Standing::Runs(None) => format!("{gate}: miss; would run\n"),
    };
    let Some((started, differences)) = &explanation.nearest else {
        if explanation.key.is_some() {
            text.push_str("  it has no earlier pass to compare with\n");
        }
        return text;
    };
    let when = Moment::from(*started);
    if differences.is_empty() {
        let _ = writeln!(text, "  all is as it was at its pass of {when}");
        return text;
    }
    let _ = writeln!(text, "  since its pass of {when}:");
    for (what, names) in named(differences) {
        for name in names.iter().take(SHOWN) {
            let _ = writeln!(text, "  {what:16} {name}");
        }
        if let more @ 1.. = names.len().saturating_sub(SHOWN) {
            let _ = writeln!(text, "  {what:16} … and {more} more");
        }
    }
    text
}

// What differs, each kind with the names of what it is.
fn named(differences: &Differences) -> Vec<(&'static str, Vec<String>)> {
    let Differences {
        inputs: Diff {
            added,
            removed,
            changed,
        },
        environment,
        tools,
        definition,
        platform,
        sealed,
    } = differences;
    let paths = |paths: &[Box<[u8]>]| {
        paths
            .iter()
            .map(|path| ShownPath(path).to_string())
            .collect()
    };
    let flag = |is: bool, name: &str| {
        if is {
            vec![name.to_owned()]
        } else {
            Vec::new()
        }
    };
    vec![
        (
            "definition",
            definition.iter().map(|part| (*part).to_owned()).collect(),
        ),
        (
            "platform",
            flag(*platform, "another system or architecture"),
        ),
        ("sealed files", flag(*sealed, "others")),
        ("variable", environment.clone()),
        ("tool", tools.clone()),
        ("file changed", paths(changed)),
        ("file added", paths(added)),
        ("file removed", paths(removed)),
    ]
}

fn object(explanation: &Explanation) -> Value {
    let (standing, reason, replays) = match &explanation.standing {
        Standing::Replayed { passed, .. } => ("hit", None, Some(Moment::from(*passed).to_string())),
        Standing::Runs(why) => ("miss", why.clone(), None),
        Standing::Unkept(when, why) => {
            let when = Moment::from(*when);
            let why = format!("its pass of {when} was not kept: {why}");
            ("miss", Some(why), None)
        }
        Standing::Depends(on) => {
            let on = format!("it depends on what `{on}` makes");
            ("depends", Some(on), None)
        }
        Standing::AlwaysRuns(why) => ("always-runs", Some(why.clone()), None),
        Standing::Broken(why) => ("broken", Some(why.clone()), None),
    };
    let nearest = explanation.nearest.as_ref().map(|(started, differences)| {
        let paths = |paths: &[Box<[u8]>]| -> Vec<String> {
            paths
                .iter()
                .map(|path| ShownPath(path).to_string())
                .collect()
        };
        json!({
            "started": Moment::from(*started).to_string(),
            "definition": differences.definition,
            "platform": differences.platform,
            "sealed": differences.sealed,
            "variables": differences.environment,
            "tools": differences.tools,
            "changed": paths(&differences.inputs.changed),
            "added": paths(&differences.inputs.added),
            "removed": paths(&differences.inputs.removed),
        })
    });
    json!({
        "gate": explanation.gate,
        "standing": standing,
        "reason": reason,
        "replays": replays,
        "puts_back": matches!(explanation.standing, Standing::Replayed { puts_back: true, .. }),
        "key": explanation.key.map(|key| key.to_string()),
        "nearest": nearest,
    })
}
