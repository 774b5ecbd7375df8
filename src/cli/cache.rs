//! `factory cache`

use std::{io::Write, time::Duration};

use clap::Subcommand;
use serde_json::json;

use super::{Context, ExitStatus, count};
use crate::cache::{Limits, Store, Swept, age_of, bytes};

/// Look after what is known of gates: how much it is, what of it goes
///
/// It lies in `FACTORY_CACHE_DIR`, else in `factory` in the user's cache folder, and may be deleted at
/// any time. By itself it keeps below 2 GiB and 30 days without use; `FACTORY_CACHE_SIZE=500MiB` and
/// `FACTORY_CACHE_AGE=7d` say otherwise.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Tell how much there is
    Stats {
        /// One JSON object
        #[arg(long)]
        json: bool,
    },
    /// Take away what was used least recently, until the rest is within the limits
    Gc {
        /// The most that may stay, such as 500MiB
        #[arg(long, value_name = "SIZE", value_parser = size)]
        size: Option<u64>,
        /// For how long something may stay that nobody uses, such as 30d
        #[arg(long, value_name = "TIME", value_parser = age)]
        age: Option<Duration>,
    },
    /// Read every byte and tell what is damaged
    Verify {
        /// One JSON object
        #[arg(long)]
        json: bool,
    },
    /// Take everything away
    Clear,
}

fn size(text: &str) -> Result<u64, String> {
    bytes(text).ok_or_else(|| "write a size as 500MiB or 2GiB".to_owned())
}

fn age(text: &str) -> Result<Duration, String> {
    age_of(text).ok_or_else(|| "write a time as 12h or 30d".to_owned())
}

pub(super) fn run(
    args: &Args,
    context: &Context,
    out: &mut dyn Write,
) -> miette::Result<ExitStatus> {
    let store = context.store()?.ok_or_else(|| {
        miette::miette!(
            help = "set FACTORY_CACHE_DIR, or HOME",
            "no folder is known for the cache"
        )
    })?;
    match &args.action {
        Action::Stats { json } => stats(&store, *json, out),
        Action::Gc { size, age } => {
            let limits = Limits {
                bytes: size.unwrap_or(store.limits().bytes),
                age: age.unwrap_or(store.limits().age),
            };
            swept(store.gc(&limits).map_err(super::chain)?, &store, out)
        }
        Action::Verify { json } => verify(&store, *json, out),
        Action::Clear => swept(store.clear().map_err(super::chain)?, &store, out),
    }
}

fn stats(store: &Store, as_json: bool, out: &mut dyn Write) -> miette::Result<ExitStatus> {
    let stats = store.stats();
    let limits = store.limits();
    let days = limits.age.as_secs() / (24 * 3600);
    let text = if as_json {
        let stats = json!({
            "folder": store.folder().to_string_lossy(),
            "records": stats.records,
            "blobs": stats.blobs,
            "indices": stats.indices,
            "bytes": stats.bytes,
            "limit_bytes": limits.bytes,
            "limit_seconds": limits.age.as_secs(),
        });
        format!("{stats:#}\n")
    } else {
        format!(
            "{}\n{}, {}, {}: {} of at most {}, {} without use\n",
            store.folder().display(),
            count(stats.records, "kept pass").replace("passs", "passes"),
            count(stats.blobs, "blob"),
            match stats.indices {
                1 => "1 stat index".to_owned(),
                number => format!("{number} stat indices"),
            },
            shown(stats.bytes),
            shown(limits.bytes),
            count(usize::try_from(days).unwrap_or(usize::MAX), "day"),
        )
    };
    super::print(out, &text)?;
    Ok(ExitStatus::Success)
}

fn verify(store: &Store, as_json: bool, out: &mut dyn Write) -> miette::Result<ExitStatus> {
    let verified = store.verify();
    let mut text = String::new();
    if as_json {
        let damaged: Vec<_> = verified
            .damaged
            .iter()
            .map(|(file, reason)| json!({"file": file.to_string_lossy(), "reason": reason}))
            .collect();
        text = format!(
            "{:#}\n",
            json!({"sound": verified.sound, "damaged": damaged})
        );
    } else {
        for (file, reason) in &verified.damaged {
            text.push_str(&format!("{}: {reason}\n", file.display()));
        }
        text.push_str(&format!(
            "{} sound, {} damaged\n",
            verified.sound,
            verified.damaged.len()
        ));
        if !verified.damaged.is_empty() {
            text.push_str(
                "what is damaged is never replayed; the next pass of its gate puts it right\n",
            );
        }
    }
    super::print(out, &text)?;
    Ok(if verified.damaged.is_empty() {
        ExitStatus::Success
    } else {
        ExitStatus::Findings
    })
}

fn swept(swept: Swept, store: &Store, out: &mut dyn Write) -> miette::Result<ExitStatus> {
    let text = format!(
        "{} taken away, {} free; {} left\n",
        count(swept.records, "kept pass").replace("passs", "passes"),
        shown(swept.bytes),
        shown(store.stats().bytes),
    );
    super::print(out, &text)?;
    Ok(ExitStatus::Success)
}

// A number of bytes for people, rounded down.
fn shown(bytes: u64) -> String {
    let units = [(30, "GiB"), (20, "MiB"), (10, "KiB")];
    let unit = units.into_iter().find(|(shift, _)| bytes >> shift > 0);
    unit.map_or_else(
        || format!("{bytes} B"),
        |(shift, unit)| {
            let tenths = (bytes >> (shift - 10)) * 10 / 1024;
            format!("{}.{} {unit}", tenths / 10, tenths % 10)
        },
    )
}
