//! What proofs find, held against what grants decide.

use proptest::prelude::*;

use super::*;

fn paths(may: &[&str], never: &[&str]) -> Grant<PathPattern> {
    grant(may, never)
}

fn grant<P: Pattern + std::str::FromStr<Err: std::fmt::Debug>>(
    may: &[&str],
    never: &[&str],
) -> Grant<P> {
    let entries = |list: &[&str]| -> Vec<Entry<P>> {
        list.iter()
            .map(|text| text.parse::<P>().unwrap().into())
            .collect()
    };
    Grant {
        may: entries(may),
        never: entries(never).into(),
        only: None,
    }
}

#[test]
fn many_options_are_passed_over_in_no_time() {
    let may: CommandPattern = format!("tool {}go", "-a ".repeat(600)).parse().unwrap();
    for (never, near) in [
        ("tool push *", false),
        ("tool go", true),
        ("tool -a go *", true),
    ] {
        assert_eq!(may.near_never(&never.parse().unwrap()), near, "{never}");
    }
}

// Patterns whose words look like options, values, and subcommands.
fn command_pattern() -> impl Strategy<Value = CommandPattern> {
    let program = prop::sample::select(vec!["git", "/bin/git", "cargo", "tool", "*"]);
    let words = vec![
        "-C",
        "-x",
        "--no-pager",
        "+n",
        "push",
        "log",
        "a",
        "p*",
        "*",
    ];
    let words = proptest::collection::vec(prop::sample::select(words), 0..5);
    (program, words).prop_map(|(program, words)| {
        let text = std::iter::once(program).chain(words).collect::<Vec<_>>();
        text.join(" ").parse().unwrap()
    })
}

proptest! {
    #[test]
    fn what_is_not_near_is_not_taken(may in command_pattern(), never in command_pattern()) {
        let near = may.near_never(&never);
        let whole = Grant { may: vec![may.clone().into()], ..Grant::default() };
        let lost = whole.loses(&never.clone().into());
        prop_assert!(near || lost == Ok(None), "{} loses {:?} to {}", may, lost, never);
    }
}

#[test]
fn what_a_never_may_take_is_near() {
    for (one, two, near) in [
        ("app/**", "app/models/*.rb", true),
        ("app/**", "lib/**", false),
        ("**/*.rb", "lib/**", true),
        ("app/models/a.rb", "app/views/a.rb", false),
        ("app/a*", "app/b*", true),
        ("Dockerfile", "config/deploy.yml", false),
        ("app/models", "app/**", true),
        ("APP/**", "app/models/**", true),
    ] {
        let [one, two] = [one, two].map(|text| text.parse::<PathPattern>().unwrap());
        assert_eq!(one.near_never(&two), near, "{one} and {two}");
        assert_eq!(two.near_never(&one), near, "{two} and {one}");
    }
    for (may, never, near) in [
        ("git push *", "git *", true),
        ("git push *", "git pull", false),
        ("git * push", "git pull", true),
        ("git -C * pull", "git push *", true),
        ("cargo +nightly *", "cargo publish *", true),
        ("cargo build *", "cargo publish *", false),
        ("bin/rails test", "rails *", true),
        ("bin/rails test", "RAILS *", true),
        ("* deploy", "git *", true),
        ("npm test", "yarn test", false),
        ("git --no-pager diff *", "git push *", false),
        ("git --no-pager push", "git push *", true),
        ("git -C app log *", "git push *", false),
        ("git -C push *", "git push", true),
        ("git -c a=b push", "git push *", true),
        ("git -C *", "git push", true),
        ("tool --level push *", "tool push", true),
        ("tool --level 3 go", "tool push", false),
    ] {
        let [may, never] = [may, never].map(|text| text.parse::<CommandPattern>().unwrap());
        assert_eq!(may.near_never(&never), near, "{may} and {never}");
        let lost = grant::<CommandPattern>(&[may.as_str()], &[]).loses(&never.into());
        assert!(near || lost == Ok(None), "{may} loses {lost:?}");
    }
    for (one, two, near) in [
        ("AWS_*", "AWS_KEY", true),
        ("AWS_*", "aws_key", true),
        ("AWS_*", "GIT_*", false),
        ("mcp:a", "mcp:a/click", true),
        ("*.org", "gems.example.org", true),
    ] {
        let [one, two] = [one, two].map(|text| text.parse::<NamePattern>().unwrap());
        assert_eq!(one.near_never(&two), near, "{one} and {two}");
    }
}

#[test]
fn a_never_in_another_case_is_near() {
    let app: PathPattern = "app/**".parse().unwrap();
    let never: PathPattern = "APP/secret/**".parse().unwrap();
    assert!(never.takes("app/secret/a") && app.near_never(&never));
}

#[test]
fn two_grants_overlap_in_a_shortest_readable_path() {
    for (left, right, witness) in [
        (
            &["app/**"][..],
            &["app/models/*.rb"][..],
            Some("app/models/a.rb"),
        ),
        (&["app/**"], &["lib/**"], None),
        (&["app/**"], &["**/*.md"], Some("app/a.md")),
        (&["**/.env*"], &["app/**"], Some("app/.env")),
        (&["app/[a-c]*"], &["app/[c-e]?"], Some("app/ca")),
        (&["a/{b,c}/d"], &["*/c/*"], Some("a/c/d")),
        (&["*.rb"], &["*.py"], None),
        (&["**"], &["**"], Some("a")),
    ] {
        let found = paths(left, &[]).overlap(&paths(right, &[])).unwrap();
        assert_eq!(found.as_deref(), witness, "{left:?} and {right:?}");
    }
}

#[test]
fn what_is_never_permitted_is_no_witness() {
    for (may, never, other, overlap) in [
        (
            &["app/**"][..],
            &["app/*.rb"][..],
            &["app/*"][..],
            Some("app/a"),
        ),
        (&["app/**"], &["APP/**"], &["**"], None),
        (&["app/**"], &["**/*"], &["**"], None),
        (&["app/A"], &["app/a"], &["**"], None),
        (&["app/?"], &["app/[a-y]"], &["**"], Some("app/z")),
        (&["**/x"], &["**/X"], &["**"], None),
    ] {
        let found = paths(may, never).overlap(&paths(other, &[])).unwrap();
        assert_eq!(
            found.as_deref(),
            overlap,
            "{may:?} less {never:?}, and {other:?}"
        );
    }
}

#[test]
fn a_grant_goes_beyond_another_or_does_not() {
    let source = paths(&["app/**", "lib/**"], &["app/b*"]);
    for (may, never, witness) in [
        (&["app/*.rb"][..], &[][..], Some("app/b.rb")),
        (&["app/c/**"], &[], None),
        (&["lib/a/*", "app/c/*"], &[], None),
        (&["app/**"], &[], Some("app/b")),
        (&["app/**"], &["app/B*"], None),
        (&["db/schema.rb"], &[], Some("db/schema.rb")),
    ] {
        let found = paths(may, never).beyond(&source).unwrap();
        assert_eq!(found.as_deref(), witness, "{may:?} less {never:?}");
    }
}

#[test]
fn exceptions_and_narrowing_count() {
    let entry = |pattern: &str, except: &[&str]| Entry::<PathPattern> {
        pattern: pattern.parse().unwrap(),
        except: except.iter().map(|text| text.parse().unwrap()).collect(),
    };
    let tests = entry("test/**", &["test/smoke_test.rb"]);
    let smoke = Entry::from("test/smoke*".parse::<PathPattern>().unwrap());
    assert_eq!(
        entry_within(&smoke, std::slice::from_ref(&tests))
            .unwrap()
            .as_deref(),
        Some("test/smoke_test.rb")
    );
    assert_eq!(entry_within(&tests, &[entry("test/**", &[])]), Ok(None));
    let mut narrowed = paths(&["test/**", "app/**"], &[]);
    narrowed.only = Some(vec![tests]);
    assert_eq!(narrowed.overlap(&paths(&["app/**"], &[])), Ok(None));
    assert_eq!(narrowed.shortest().unwrap().as_deref(), Some("test/a"));
    let inverted = Grant {
        may: vec![entry("**", &[])],
        never: vec![entry("app/**", &["app/a"])].into(),
        only: None,
    };
    let found = inverted.overlap(&paths(&["app/*"], &[])).unwrap();
    assert_eq!(found.as_deref(), Some("app/a"));
}

#[test]
fn commands_overlap_in_a_line_one_could_type() {
    for (left, right, witness) in [
        ("git *", "* push *", Some("git push")),
        ("git push *", "git pull *", None),
        ("bin/rails test *", "bin/* * -v", Some("bin/rails test -v")),
        (r#"echo "*""#, "echo 'a b'", Some("echo 'a b'")),
    ] {
        let found = grant::<CommandPattern>(&[left], &[])
            .overlap(&grant(&[right], &[]))
            .unwrap();
        assert_eq!(found.as_deref(), witness, "{left} and {right}");
    }
    let less = grant::<CommandPattern>(&["/usr/bin/git * push", "git -C * push"], &["git push *"]);
    assert_eq!(less.shortest().unwrap().as_deref(), Some("git -C a a push"));
    let none = grant::<CommandPattern>(&["/usr/bin/git push *"], &["git push *"]);
    assert_eq!(none.shortest(), Ok(None));
}

#[test]
fn a_tree_is_permitted_only_as_a_whole() {
    let grant = paths(
        &["app/**", "l[i]b/**"],
        &["app/views/secret*", "app/[[]id]/x"],
    );
    for (directory, then) in [
        ("app/models", true),
        ("app/views", false),
        ("app", false),
        ("lib", true),
        ("lib/a/../b", true),
        ("app/[id]", false),
        ("app/i", true),
        ("..", false),
        ("", false),
    ] {
        assert_eq!(grant.permits_tree(directory), then, "{directory}");
    }
}

#[test]
fn too_much_is_an_error_and_no_pass() {
    let names: Vec<String> = (0..15).map(|n| format!("*a{}", "?".repeat(n))).collect();
    let mut names: Vec<&str> = names.iter().map(String::as_str).collect();
    names.extend(["*/**", "[!a]*"]);
    let all = paths(&["**"], &[]);
    let most = paths(&names, &[]);
    assert_eq!(all.beyond(&most), Err(TooComplex));
}

// Few states of many places are as much work as many states of few.
#[test]
fn long_patterns_cost_what_they_have_places() {
    let [one, two] = ["*a", "*b"].map(|part| part.repeat(400));
    let [one, two] = [&one, &two].map(|name| paths(&[name], &[]));
    assert_eq!(one.overlap(&two), Err(TooComplex));
    let short = ["*a", "*b"].map(|part| part.repeat(4));
    let [one, two] = [&short[0], &short[1]].map(|name| paths(&[name], &[]));
    assert_eq!(one.overlap(&two), Ok(None));
}

fn pattern() -> impl Strategy<Value = String> {
    let segment = prop_oneof![
        4 => "[ab.]{1,2}",
        2 => r"[ab]?\*[ab]?",
        1 => r"[ab]?\?",
        1 => Just("[a-b]".to_owned()),
        1 => Just("[!a]".to_owned()),
        1 => Just("{a,bA}".to_owned()),
        2 => Just("**".to_owned()),
    ];
    prop::collection::vec(segment, 1..4).prop_map(|segments| segments.join("/"))
}

fn grants() -> impl Strategy<Value = Grant<PathPattern>> {
    let entries = |most| {
        let entry = (pattern(), prop::option::weighted(0.2, pattern()));
        prop::collection::vec(entry, 0..most).prop_map(|entries| {
            let parse = |text: String| text.parse::<PathPattern>().ok();
            let entry = |(pattern, except): (String, Option<String>)| {
                Some(Entry {
                    pattern: parse(pattern)?,
                    except: except.and_then(parse).into_iter().collect(),
                })
            };
            entries.into_iter().filter_map(entry).collect::<Vec<_>>()
        })
    };
    (
        entries(4),
        entries(3),
        prop::option::weighted(0.2, entries(3)),
    )
        .prop_map(|(may, never, only)| Grant {
            may,
            never: Nevers::from(never),
            only,
        })
}

fn path() -> impl Strategy<Value = String> {
    prop::collection::vec("[abcAB.]{1,3}", 1..4).prop_map(|segments| segments.join("/"))
}

proptest! {
    #[test]
    fn a_witness_is_in_the_one_and_not_in_the_other(
        left in grants(),
        right in grants(),
        samples in prop::collection::vec(path(), 30),
    ) {
        let overlap = left.overlap(&right).unwrap();
        let beyond = left.beyond(&right).unwrap();
        let shortest = left.shortest().unwrap();
        if let Some(witness) = &overlap {
            prop_assert!(left.permits(witness) && right.permits(witness), "{}", witness);
        }
        if let Some(witness) = &beyond {
            prop_assert!(left.permits(witness) && !right.permits(witness), "{}", witness);
        }
        prop_assert_eq!(shortest.is_some(), overlap.is_some() || beyond.is_some());
        for sample in samples.iter().filter(|sample| left.permits(sample)) {
            let found = if right.permits(sample) { &overlap } else { &beyond };
            prop_assert!(found.is_some(), "{}", sample);
        }
    }

    #[test]
    fn never_wins_in_any_order(mut given in grants(), sample in path()) {
        let before = given.permits(&sample);
        given.may.reverse();
        let nevers: Vec<_> = given.never.own().iter().rev().cloned().collect();
        given.never = nevers.into();
        prop_assert_eq!(given.permits(&sample), before);
        if given.never.iter().any(|entry| entry.takes(&sample)) {
            prop_assert!(!before);
        }
    }

    #[test]
    fn what_is_given_is_taken_and_so_is_every_spelling(text in pattern(), sample in path()) {
        let Ok(parsed) = text.parse::<PathPattern>() else { return Ok(()) };
        if parsed.gives(&sample) {
            prop_assert!(parsed.takes(&sample));
            prop_assert!(parsed.takes(&sample.to_uppercase()) || text.contains('['));
        }
    }
}
