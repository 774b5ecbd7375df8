//! Whether two boundaries meet: something that a role can do and a list names, as a shortest witness.
//!
//! An automaton is only made for two patterns whose literal beginnings can meet; most can't.

use crate::{
    boundary::{
        Boundary, Capability, CommandPattern, Entry, Grant, NamePattern, PathPattern, Pattern,
        Regular, TooComplex,
    },
    diagnostics::Span,
    model::{Bounds, Origin, Role},
};

/// Something that a role can do and a list names.
#[derive(Debug, Clone)]
pub(super) struct Meeting {
    /// A shortest one.
    pub(super) witness: String,
    /// The index of the `may` that grants it.
    pub(super) may: usize,
    /// The index of the entry of the list.
    pub(super) what: usize,
}

/// What can be told of two patterns by the texts they begin with.
pub(super) trait Near: Regular + Clone + std::fmt::Display + 'static {
    /// Returns what everything that the pattern matches begins with, whatever the case; nothing
    /// where it may begin in many ways.
    fn begin(&self) -> Option<String>;

    /// Returns whether one thing may match both, both read exactly. Never says no where one does.
    fn near(&self, other: &Self) -> bool;

    /// Returns whether `never`, read loosely, may take something that `self` gives.
    fn near_never(&self, never: &Self) -> bool;
}

// Returns whether what begins with the segments `one` may begin with the segments `two` too.
fn may_nest(one: &str, two: &str, same: impl Fn(&str, &str) -> bool) -> bool {
    one.is_empty()
        || two.is_empty()
        || one
            .split('/')
            .zip(two.split('/'))
            .all(|(one, two)| same(one, two))
}

impl Near for PathPattern {
    fn begin(&self) -> Option<String> {
        self.start().map(Into::into)
    }

    fn near(&self, other: &Self) -> bool {
        may_nest(self.leading(), other.leading(), |one, two| one == two)
    }

    fn near_never(&self, never: &Self) -> bool {
        let plain = self.leading().is_ascii() && never.leading().is_ascii();
        let same = |one: &str, two: &str| one.eq_ignore_ascii_case(two);
        !plain || may_nest(self.leading(), never.leading(), same)
    }
}

impl Near for CommandPattern {
    fn begin(&self) -> Option<String> {
        let words = self.literal_words();
        let base = words.first()?.rsplit('/').next()?.to_lowercase();
        base.is_ascii().then_some(base)
    }

    fn near(&self, other: &Self) -> bool {
        let (one, two) = (self.literal_words(), other.literal_words());
        one.iter().zip(two).all(|(one, two)| one == two)
    }

    fn near_never(&self, never: &Self) -> bool {
        match (self.begin(), never.begin()) {
            (Some(one), Some(two)) => one == two,
            (_, _) => true,
        }
    }
}

impl Near for NamePattern {
    fn begin(&self) -> Option<String> {
        let first = self.as_str().chars().next()?;
        (first.is_ascii() && first != '*').then(|| first.to_ascii_lowercase().to_string())
    }

    fn near(&self, other: &Self) -> bool {
        let begin = |pattern: &Self| pattern.as_str().find('*');
        let (one, two) = (self.as_str(), other.as_str());
        let length = begin(self)
            .unwrap_or(one.len())
            .min(begin(other).unwrap_or(two.len()));
        one.bytes()
            .zip(two.bytes())
            .take(length)
            .all(|(one, two)| one == two)
    }

    fn near_never(&self, never: &Self) -> bool {
        let (one, two) = (self.as_str(), never.as_str());
        let length = [one, two].map(|text| text.find('*').unwrap_or(text.len()));
        let length = length.into_iter().min().unwrap_or_default();
        !one.is_ascii()
            || !two.is_ascii()
            || one
                .bytes()
                .zip(two.bytes())
                .take(length)
                .all(|(one, two)| one.eq_ignore_ascii_case(&two))
    }
}

/// Returns entry `index` of what `grant` gives, less what its nevers may take of it.
pub(super) fn alone<P: Near>(grant: &Grant<P>, index: usize) -> Option<Grant<P>> {
    let may = grant.may.get(index)?;
    let near = grant.never.about(&may.pattern);
    let near = near.filter(|never| may.pattern.near_never(&never.pattern));
    Some(Grant {
        may: vec![may.clone()],
        never: near.cloned().collect::<Vec<_>>().into(),
        only: grant.only.clone(),
    })
}

/// Returns a shortest thing that `grant` permits and `what` gives.
pub(super) fn meet<P: Near>(
    grant: &Grant<P>,
    what: &[Entry<P>],
) -> Result<Option<Meeting>, TooComplex> {
    let mut best: Option<Meeting> = None;
    for (may, entry) in grant.may.iter().enumerate() {
        for (at, named) in what.iter().enumerate() {
            if !entry.pattern.near(&named.pattern) {
                continue;
            }
            let Some(alone) = alone(grant, may) else {
                continue;
            };
            let named = Grant {
                may: vec![named.clone()],
                ..Grant::default()
            };
            let Some(witness) = alone.overlap(&named)? else {
                continue;
            };
            let rank = |witness: &str| (witness.len(), witness.to_owned());
            if best
                .as_ref()
                .is_none_or(|best| rank(&witness) < rank(&best.witness))
            {
                best = Some(Meeting {
                    witness,
                    may,
                    what: at,
                });
            }
        }
    }
    Ok(best)
}

/// Returns a shortest thing of `capability` that `role` can do and `what` names.
pub(super) fn can(
    role: &Role,
    capability: Capability,
    what: &Boundary,
) -> Result<Option<Meeting>, TooComplex> {
    let own = &role.bounds.boundary;
    match capability {
        Capability::Read => meet(&reading(own), &what.read.may),
        Capability::Write => meet(&own.write, &what.write.may),
        Capability::Run => meet(&own.run, &what.run.may),
        Capability::Reach => meet(&own.reach, &what.reach.may),
        Capability::Use => meet(&own.uses, &what.uses.may),
        Capability::Env => meet(&own.env, &what.env.may),
        Capability::Delegate => meet(&own.delegate, &what.delegate.may),
    }
}

// Reading is allowed unless something takes it away.
fn reading(own: &Boundary) -> Grant<PathPattern> {
    let everything = "**".parse::<PathPattern>().ok();
    Grant {
        may: everything.into_iter().map(Into::into).collect(),
        never: own.read.never.clone(),
        only: None,
    }
}

/// Returns whether `never` takes something away that `may` gives.
pub(super) fn takes<P: Near>(never: &Entry<P>, may: &Entry<P>) -> Result<bool, TooComplex> {
    let mut examples = [never, may]
        .into_iter()
        .filter_map(|entry| entry.pattern.example());
    if examples.any(|thing| may.gives(&thing) && never.takes(&thing)) {
        return Ok(true);
    }
    let whole = Grant {
        may: vec![may.clone()],
        ..Grant::default()
    };
    let rest = Grant {
        never: vec![never.clone()].into(),
        ..whole.clone()
    };
    Ok(whole.beyond(&rest)?.is_some())
}

/// What is to be done with the grant of each capability that is granted at all.
pub(super) trait PerGrant {
    /// Does it with the grants of `capability`, which `of` finds in a boundary.
    fn grant<P: Near>(&mut self, capability: Capability, of: fn(&Boundary) -> &Grant<P>);
}

/// Has `visitor` look at the grants of each capability but reading, which nothing needs to grant.
pub(super) fn per_grant(visitor: &mut impl PerGrant) {
    visitor.grant(Capability::Write, |boundary| &boundary.write);
    visitor.grant(Capability::Run, |boundary| &boundary.run);
    visitor.grant(Capability::Reach, |boundary| &boundary.reach);
    visitor.grant(Capability::Use, |boundary| &boundary.uses);
    visitor.grant(Capability::Env, |boundary| &boundary.env);
    visitor.grant(Capability::Delegate, |boundary| &boundary.delegate);
}

/// Returns where entry `index` of what `bounds` give is written.
pub(super) fn may_span(bounds: &Bounds, capability: Capability, index: usize) -> Option<Span> {
    bounds.may_origin(capability, index).and_then(Origin::span)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::boundary::Pattern;

    #[test]
    fn what_can_meet_is_near() {
        for (one, two, near) in [
            ("app/**", "app/models/*.rb", true),
            ("app/**", "lib/**", false),
            ("**/*.rb", "lib/**", true),
            ("app/models/a.rb", "app/views/a.rb", false),
            ("app/a*", "app/b*", true),
            ("Dockerfile", "config/deploy.yml", false),
            ("app/models", "app/**", true),
        ] {
            let [one, two] = [one, two].map(|text| text.parse::<PathPattern>().unwrap());
            assert_eq!(one.near(&two), near, "{one} and {two}");
            assert_eq!(two.near(&one), near, "{two} and {one}");
            assert!(near || !one.near_never(&two), "{one} and {two}");
        }
        for (one, two, near, near_never) in [
            ("git push *", "git *", true, true),
            ("git push *", "git pull", false, true),
            ("bin/rails test", "rails *", false, true),
            ("* deploy", "git *", true, true),
            ("npm test", "yarn test", false, false),
        ] {
            let [one, two] = [one, two].map(|text| text.parse::<CommandPattern>().unwrap());
            assert_eq!(one.near(&two), near, "{one} and {two}");
            assert_eq!(one.near_never(&two), near_never, "{one} and {two}");
        }
        for (one, two, near) in [
            ("AWS_*", "AWS_KEY", true),
            ("AWS_*", "GIT_*", false),
            ("mcp:a", "mcp:a/click", true),
            ("*.org", "gems.example.org", true),
        ] {
            let [one, two] = [one, two].map(|text| text.parse::<NamePattern>().unwrap());
            assert_eq!(one.near(&two), near, "{one} and {two}");
        }
    }

    #[test]
    fn a_never_in_another_case_is_near() {
        let app: PathPattern = "app/**".parse().unwrap();
        let never: PathPattern = "APP/secret/**".parse().unwrap();
        assert!(never.takes("app/secret/a") && app.near_never(&never));
    }

    #[test]
    fn a_witness_is_a_shortest_one_and_names_its_grant() {
        let entry = |text: &str| Entry::from(text.parse::<PathPattern>().unwrap());
        let grant = Grant {
            may: vec![entry("docs/**"), entry("app/**")],
            never: vec![entry("app/a")].into(),
            only: None,
        };
        let meeting = meet(&grant, &[entry("config/**"), entry("app/**")]);
        let meeting = meeting.unwrap().unwrap();
        assert_eq!((meeting.may, meeting.what), (1, 1));
        assert!(meeting.witness.starts_with("app/") && meeting.witness != "app/a");
        assert!(meet(&grant, &[entry("lib/**")]).unwrap().is_none());
    }
}
