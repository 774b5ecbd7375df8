//! What must hold for any bytes at all. The fuzz targets look for bytes for which it does not; the
//! tests hold it for the seeds and for all that was ever found.

use std::collections::BTreeMap;

use factory::{
    boundary::{CommandPattern, Grant, NamePattern, PathPattern, Scope, judge, standard},
    check::check,
    diagnostics::{Format, render},
    model::resolve,
    spec::load_texts,
    template::{Data, Engine},
};

/// Loading and checking a spec ends with findings, and each of them can be shown.
pub fn spec(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let prompt = |path: &str| (path.to_owned(), "# A role\n\nDoes it well.\n".to_owned());
    let mut texts = BTreeMap::from([prompt("roles/a.md"), prompt("roles/b.md")]);
    texts.insert("factory.kdl".to_owned(), text.to_owned());
    let mut loaded = load_texts("factory.kdl", texts).expect("the text itself is there");
    let mut findings = std::mem::take(&mut loaded.findings);
    if let Some(model) = resolve(&loaded, &mut findings) {
        check(model, &loaded.sources, &mut findings);
    }
    let findings = findings.sorted();
    let human = Format::Human {
        colour: false,
        width: 80,
    };
    for format in [human, Format::Short, Format::Json, Format::Github] {
        render(&findings, &loaded.sources, format);
    }
}

/// A proof over patterns is told or is over its budget, and what it shows is true.
pub fn globs(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    // The first line says what kind of patterns the others are.
    let (kind, rest) = text.split_once('\n').unwrap_or(("", text));
    let lines: Vec<&str> = rest.lines().take(8).collect();
    match kind {
        "commands" => {
            let [left, right] = sides::<CommandPattern>(&lines);
            let _ = (left.overlap(&right), left.beyond(&right));
        }
        "names" => {
            let [left, right] = sides::<NamePattern>(&lines);
            let permits = |grant: &Grant<NamePattern>, name: &str| grant.permits(name);
            witnesses(
                &left,
                &right,
                &permits,
                left.overlap(&right),
                left.beyond(&right),
            );
        }
        _ => {
            let [left, right] = sides::<PathPattern>(&lines);
            let permits = |grant: &Grant<PathPattern>, path: &str| grant.permits(path);
            witnesses(
                &left,
                &right,
                &permits,
                left.overlap(&right),
                left.beyond(&right),
            );
        }
    }
}

// Lines are given to one side and the other in turn, to its `may` and to its `never`.
fn sides<P>(lines: &[&str]) -> [Grant<P>; 2]
where
    P: factory::boundary::Pattern + std::str::FromStr,
{
    let entries = |side: usize, never: bool| {
        let lines = lines.iter().enumerate();
        let own = lines.filter(move |(at, _)| at % 2 == side && (at / 2 % 2 == 1) == never);
        own.filter_map(|(_, line)| line.parse::<P>().ok())
            .map(Into::into)
    };
    [0, 1].map(|side| Grant {
        may: entries(side, false).collect(),
        never: entries(side, true).collect::<Vec<_>>().into(),
        only: None,
    })
}

fn witnesses<P: factory::boundary::Pattern, E>(
    left: &Grant<P>,
    right: &Grant<P>,
    permits: &dyn Fn(&Grant<P>, &str) -> bool,
    overlap: Result<Option<String>, E>,
    beyond: Result<Option<String>, E>,
) {
    if let Ok(Some(both)) = overlap {
        assert!(
            permits(left, &both) && permits(right, &both),
            "{both:?} is in both"
        );
    }
    if let Ok(Some(one)) = beyond {
        assert!(
            permits(left, &one) && !permits(right, &one),
            "{one:?} is in one alone"
        );
    }
}

/// A line is judged, and never allowed under more restrictions where it was not under fewer.
pub fn shell(bytes: &[u8]) {
    let Ok(line) = std::str::from_utf8(bytes) else {
        return;
    };
    let pattern = |text: &str| text.parse::<CommandPattern>().expect("a pattern").into();
    let mut run = Grant {
        may: [
            "git *", "cargo *", "sh *", "make *", "env *", "cp *", "sed *",
        ]
        .map(pattern)
        .to_vec(),
        never: Vec::new().into(),
        only: None,
    };
    for set in ["@std/inspect", "@std/files"] {
        run.may
            .extend_from_slice(standard(set).expect("a set").entries());
    }
    let strict = Grant {
        never: vec![pattern("git push *"), pattern("rm *")].into(),
        ..run.clone()
    };
    let path = |text: &str| text.parse::<PathPattern>().expect("a pattern").into();
    let write = Grant {
        may: vec![path("app/**")],
        never: vec![path("**/.git/**")].into(),
        only: None,
    };
    let read = Grant {
        never: vec![path("**/.env*")].into(),
        ..Grant::default()
    };
    let env = Grant::<NamePattern>::default();
    let says = |run: &Grant<CommandPattern>| {
        let scope = Scope {
            run,
            write: &write,
            read: &read,
            env: &env,
            root: "/srv/shop",
            cwd: "",
            scratch: &[],
            toolchains: &[],
            tree: &(),
        };
        judge(line, &scope).is_ok()
    };
    assert!(!says(&strict) || says(&run), "a never allows nothing");
    assert!(!says(&Grant::default()) || line.trim().is_empty() || is_harmless(line));
}

// What needs no grant starts no program: it is up to the tests of the judge to say what that is.
fn is_harmless(line: &str) -> bool {
    !["git", "cargo", "make", "rm", "cp"].contains(&line.trim())
}

/// A template that is not understood is a fault with a place in it, and one that is can be filled.
pub fn templates(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let overrides = BTreeMap::from([("prompt.md.hbs".to_owned(), text.to_owned())]);
    match Engine::new(&overrides) {
        Ok(engine) => {
            let data = BTreeMap::from([
                ("preamble", "Read this."),
                ("text", "# A role"),
                ("boundary", ""),
                ("rules", ""),
                ("gates", ""),
                ("hand_over", ""),
                ("memory", ""),
            ]);
            let _ = engine.render("prompt.md.hbs", &Data::of(&data));
        }
        Err(faults) => assert!(!faults.is_empty(), "nothing is wrong"),
    }
}
