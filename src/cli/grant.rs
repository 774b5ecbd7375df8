//! `factory grant`

use std::{collections::BTreeMap, fmt::Write as _, io::Write};

use super::{
    Context, ExitStatus,
    can::{Verb, role},
    check::{self, load_over},
    rewrite::{self, Rewrite},
};
use crate::{
    boundary::{Boundary, Capability, Entry, Grant, TooComplex, is_opaque},
    check::Checked,
    diagnostics::{Findings, Level, Sources},
    model::Role,
    spec::granted,
};

/// Give a role a grant: edits the spec in place, and says what that opens
///
/// Comments and everything else stay as they are. A grant that the rules or lints forbid, or that opens
/// nothing, is not written.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The role
    role: String,

    /// Of what the grant is
    #[arg(value_enum)]
    capability: Verb,

    /// The pattern, or `@set`
    pattern: String,

    /// Show it, and write nothing
    #[arg(long)]
    dry_run: bool,
}

pub(super) fn run(
    args: &Args,
    context: &Context,
    out: &mut dyn Write,
) -> miette::Result<ExitStatus> {
    let capability = args.capability.capability();
    if capability == Capability::Read {
        return Err(miette::miette!(
            help = "reading in the project is allowed unless a `never` takes it away: narrow that",
            "there is no grant to read"
        ));
    }
    let loaded = check::load_checked(context, check::SPEC)?;
    let before: Vec<String> = loaded.findings.iter().map(ToString::to_string).collect();
    let (checked, sources) = check::passed(context, loaded)?;
    let id = role(&checked, &args.role)?;
    let old = checked.model().role(id);
    let source = sources.of(old.span);
    let edited = source.and_then(|source| {
        let text = granted(source.text(), &args.role, capability.word(), &args.pattern)?;
        Some(Rewrite {
            path: source.path().to_owned(),
            before: source.text().to_owned(),
            after: text,
        })
    });
    let Some(rewrite) = edited else {
        return Err(miette::miette!(
            help = format!("add `may {{ {capability} \"…\"; }}` to the role by hand"),
            "the role `{}` is not written in a way that can be edited",
            args.role
        ));
    };
    let over = BTreeMap::from([(rewrite.path.clone(), rewrite.after.clone())]);
    let mut after = load_over(context, over)?;
    super::print(out, &rewrite.diff())?;
    after
        .findings
        .retain(|finding| !before.contains(&finding.to_string()));
    let news: Findings = std::mem::take(&mut after.findings);
    super::print(
        out,
        &context.human(&news, &after.sources, context.colour_out),
    )?;
    let Some(changed) = after.checked else {
        super::print(out, "nothing was written\n")?;
        return Ok(ExitStatus::Findings);
    };
    let new = changed.model().role(role(&changed, &args.role)?);
    let gives = new.bounds.boundary.beyond(&old.bounds.boundary, capability);
    let mut text = opens(&gives, old, new, capability);
    if gives == Ok(None) {
        text.push_str("nothing was written\n");
        super::print(out, &text)?;
        return Ok(ExitStatus::Findings);
    }
    if let Some(held) = changed.held(id).get(&capability) {
        let _ = writeln!(text, "held: {} in exec: {}", held.layer, held.by);
    }
    if news.count(Level::Warning) > 0 {
        text.push_str("read the warnings above before you build\n");
    }
    if args.dry_run {
        text.push_str("nothing was written\n");
    } else {
        rewrite::write(&context.root, std::slice::from_ref(&rewrite))?;
        let _ = writeln!(text, "wrote {}; `factory build` compiles it", rewrite.path);
    }
    super::print(out, &text)?;
    Ok(ExitStatus::Success)
}

/// A grant that may be offered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Offer {
    pub(super) role: String,
    pub(super) capability: Capability,
    pub(super) pattern: String,
}

/// What `factory grant` would make of an offer, once all before it are taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Taken {
    /// It is written.
    Written,
    /// It opens nothing: what it names is granted already.
    Already,
    /// It is not, for this reason.
    Refused(String),
}

/// Tries `offers` one after the other, and writes nothing.
pub(super) fn tried(context: &Context, offers: &[Offer]) -> miette::Result<Vec<Taken>> {
    let mut loaded = check::load_checked(context, check::SPEC)?;
    let Some(checked) = loaded.checked.take() else {
        let why = "the factory has errors; `factory check` shows them".to_owned();
        return Ok(vec![Taken::Refused(why); offers.len()]);
    };
    let mut trial = Trial {
        context,
        sources: &loaded.sources,
        first: &checked,
        texts: BTreeMap::new(),
        boundaries: BTreeMap::new(),
        taken: vec![Taken::Already; offers.len()],
    };
    let all: Vec<(usize, &Offer)> = offers.iter().enumerate().collect();
    trial.take(&all)?;
    Ok(trial.taken)
}

struct Trial<'a> {
    context: &'a Context,
    sources: &'a Sources,
    first: &'a Checked,
    // The files of the spec with all that is taken.
    texts: BTreeMap<String, String>,
    // What each role may do with all that is taken.
    boundaries: BTreeMap<String, Boundary>,
    taken: Vec<Taken>,
}

impl Trial<'_> {
    // Takes `group`: all at once, or where that is no factory, one half and then the other.
    fn take(&mut self, group: &[(usize, &Offer)]) -> miette::Result<()> {
        let mut texts = self.texts.clone();
        let mut edited = Vec::new();
        for (index, offer) in group {
            match self.edited(offer, &texts) {
                Ok((path, text)) => {
                    texts.insert(path, text);
                    edited.push((*index, *offer));
                }
                Err(why) => self.set(*index, Taken::Refused(why)),
            }
        }
        let Some((first, _)) = edited.first().copied() else {
            return Ok(());
        };
        let loaded = load_over(self.context, texts.clone())?;
        if let Some(checked) = &loaded.checked {
            for (index, offer) in edited {
                let taken = self.open(offer, checked);
                self.set(index, taken);
            }
            self.texts = texts;
            return Ok(());
        }
        if edited.len() == 1 {
            let mut findings = loaded.findings.iter();
            let fault = findings.find(|finding| finding.level == Level::Error);
            let why = fault.map_or_else(String::new, |finding| finding.fault.to_string());
            self.set(first, Taken::Refused(why));
            return Ok(());
        }
        let (one, two) = edited.split_at(edited.len() / 2);
        self.take(one)?;
        self.take(two)
    }

    fn set(&mut self, index: usize, taken: Taken) {
        if let Some(place) = self.taken.get_mut(index) {
            *place = taken;
        }
    }

    // The file that changes, and its text.
    fn edited(
        &self,
        offer: &Offer,
        texts: &BTreeMap<String, String>,
    ) -> Result<(String, String), String> {
        let role = role(self.first, &offer.role)
            .map_err(|_| format!("the factory has no role `{}` now", offer.role))?;
        let source = self.sources.of(self.first.model().role(role).span);
        let edited = source.and_then(|source| {
            let path = source.path().to_owned();
            let text = texts.get(&path).map_or(source.text(), String::as_str);
            let word = offer.capability.word();
            Some((path, granted(text, &offer.role, word, &offer.pattern)?))
        });
        edited.ok_or_else(|| "the role is not written in a way that can be edited".to_owned())
    }

    // Whether the offer, as `after` has it, opens anything.
    fn open(&mut self, offer: &Offer, after: &Checked) -> Taken {
        let of = |checked: &Checked| {
            let id = role(checked, &offer.role).ok()?;
            Some(checked.model().role(id).bounds.boundary.clone())
        };
        let Some((before, after)) = of(self.first).zip(of(after)) else {
            return Taken::Already;
        };
        let role = offer.role.clone();
        let before = self.boundaries.entry(role).or_insert(before);
        let mut wider = before.clone();
        give(&mut wider, &after, offer);
        match wider.beyond(before, offer.capability) {
            Ok(None) => Taken::Already,
            Ok(Some(_)) | Err(_) => {
                *before = wider;
                Taken::Written
            }
        }
    }
}

// Gives `boundary` what `after` has of the offer.
fn give(boundary: &mut Boundary, after: &Boundary, offer: &Offer) {
    fn from<P: Clone>(to: &mut Grant<P>, after: &Grant<P>, is: impl Fn(&Entry<P>) -> bool) {
        to.may
            .extend(after.may.iter().find(|entry| is(entry)).cloned());
    }
    let text = offer.pattern.as_str();
    match offer.capability {
        Capability::Read => {}
        Capability::Write => from(&mut boundary.write, &after.write, |entry| {
            entry.pattern.as_str() == text
        }),
        Capability::Run => from(&mut boundary.run, &after.run, |entry| {
            entry.pattern.as_str() == text
        }),
        Capability::Reach => from(&mut boundary.reach, &after.reach, |entry| {
            entry.pattern.as_str() == text
        }),
        Capability::Use => from(&mut boundary.uses, &after.uses, |entry| {
            entry.pattern.as_str() == text
        }),
        Capability::Env => from(&mut boundary.env, &after.env, |entry| {
            entry.pattern.as_str() == text
        }),
        Capability::Delegate => from(&mut boundary.delegate, &after.delegate, |entry| {
            entry.pattern.as_str() == text
        }),
    }
}

fn opens(
    gives: &Result<Option<String>, TooComplex>,
    old: &Role,
    new: &Role,
    capability: Capability,
) -> String {
    let name = &new.name.value;
    let (before, after) = (&old.bounds.boundary, &new.bounds.boundary);
    let mut text = match gives {
        Ok(Some(thing)) => format!("opens: {name} may now {capability} `{thing}`, for one\n"),
        Ok(None) => format!("opens nothing: what {name} may {capability} stays the same\n"),
        Err(error) => format!("what it opens can't be said: {error}\n"),
    };
    let known = &before.run.may;
    for entry in &after.run.may {
        if capability == Capability::Run && !known.contains(entry) && is_opaque(&entry.pattern) {
            let _ = writeln!(
                text,
                "`{}` may do anything: nobody knows what it runs or writes",
                entry.pattern
            );
        }
    }
    text
}
