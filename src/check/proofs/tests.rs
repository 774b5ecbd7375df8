//! What proofs say, held against what the judge of shell lines decides.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;
use crate::{
    boundary::{CommandPattern, Entry, standard},
    check::{
        meet::deeds,
        question::{Ground, permits, runs_unless},
    },
    diagnostics::Sources,
    model::{Model, resolve},
    spec::{load_texts, quoted},
};

// What is proven of a factory with roles of these names and boundaries, the planner `c` among them.
struct Proven {
    model: Model,
    sources: Sources,
}

impl Proven {
    fn of(nodes: &str) -> Self {
        let spec = format!(
            "factory \"f\" spec=1 {{ planner \"c\"; }}\nmodel \"m\" id=\"claude-sonnet-5-5\"\n\
             gate \"g\" {{ run \"true\"; }}\n{nodes}"
        );
        // `role NAME { … }` is short for a role of this model.
        let spec = spec.replace("role a {", "role \"a\" model=\"m\" prompt=\"a.md\" {");
        let spec = spec.replace("role b {", "role \"b\" model=\"m\" prompt=\"a.md\" {");
        let lead = "role \"c\" model=\"m\" prompt=\"a.md\" { may { delegate \"*\"; }; }\n";
        let texts = [
            ("factory.kdl", format!("{spec}\n{lead}")),
            ("a.md", "Work.\n".to_owned()),
        ];
        let texts: BTreeMap<_, _> = texts
            .into_iter()
            .map(|(path, text)| (path.to_owned(), text))
            .collect();
        let mut loaded = load_texts("factory.kdl", texts).unwrap();
        let mut findings = std::mem::take(&mut loaded.findings);
        let model = resolve(&loaded, &mut findings).unwrap();
        assert!(!findings.has_errors(), "{findings:?} in {spec}");
        Self {
            model,
            sources: loaded.sources,
        }
    }

    fn facts(&self) -> Facts<'_> {
        Facts::new(&self.model, &self.sources, true)
    }

    // The messages, and for each statement the role and the answer.
    fn said(&self) -> (Vec<String>, Vec<(String, &'static str)>) {
        let mut findings = Findings::default();
        let proofs = run(&self.facts(), &mut findings);
        let name = |id| self.model.role(id).name.value.clone();
        let answers = proofs
            .iter()
            .map(|proof| (name(proof.role), proof.answer.word()));
        (
            findings
                .iter()
                .map(|finding| finding.fault.to_string())
                .collect(),
            answers.collect(),
        )
    }

    fn answer(&self, role: &str) -> &'static str {
        let (_, answers) = self.said();
        let mut of_role = answers.iter().filter(|(name, _)| name == role);
        of_role.next().map_or("unasked", |(_, answer)| answer)
    }
}

#[test]
fn a_rule_forbids_what_a_never_of_the_same_words_takes() {
    for (may, never, cannot, then) in [
        ("bundle exec kamal *", "", "kamal *", "bundle exec kamal"),
        ("/usr/bin/kamal *", "", "kamal *", "/usr/bin/kamal"),
        ("bin/kamal *", "", "kamal *", "bin/kamal"),
        ("sudo kamal *", "", "kamal *", "sudo kamal"),
        ("sudo -u x kamal *", "", "kamal *", "sudo -u x kamal"),
        (
            "timeout 5 kamal deploy",
            "",
            "kamal *",
            "timeout 5 kamal deploy",
        ),
        ("timeout * kamal *", "", "kamal *", "timeout 1 kamal"),
        ("npx kamal *", "", "kamal *", "npx kamal"),
        ("npx *", "", "kamal *", "npx kamal"),
        ("env *", "", "kamal *", "env kamal"),
        (
            "env timeout 5 kamal *",
            "",
            "kamal *",
            "env timeout 5 kamal",
        ),
        ("bash *", "", "kamal *", "bash -c kamal"),
        (
            "sh -c 'cd app && kamal deploy'",
            "",
            "kamal *",
            "sh -c 'cd app && kamal deploy'",
        ),
        ("command kamal *", "", "kamal *", "command kamal"),
        ("KAMAL *", "", "kamal *", "KAMAL"),
        ("kamal *", "", "KAMAL *", "kamal"),
        ("git -C * *", "", "git push *", "git -C a push"),
        (
            "git --no-pager push *",
            "",
            "git push *",
            "git --no-pager push",
        ),
        ("cp *", "", "cp *", "cp 1 app/q"),
        // Of a grant of which the judge lets nothing through nothing is shown, and nothing is proven.
        ("git -c x=y push *", "", "git push *", "undecided"),
        // A wrapper needs no grant around what is granted, and a builtin needs none.
        ("ls *", "", "timeout *", "timeout 1 ls"),
        ("ls *", "", "bash *", "bash -c ls"),
        ("ls *", "", "nice -n *", "nice -n 1 ls"),
        ("ls *", "", "echo *", "echo"),
        ("cp *", "", "timeout *", "timeout 1 cp app/q app/q"),
        (
            "git commit -m *",
            "",
            "timeout 5 git commit *",
            "timeout 5 git commit -m app/q",
        ),
        ("git commit -m *", "", "timeout 5 git status *", "proven"),
        ("ls *", "", "sudo *", "proven"),
        ("ls *", "", "npm publish *", "proven"),
        ("ls *", "", "bash deploy.sh *", "proven"),
        // What a `never` takes away wherever it stands is taken away.
        ("bundle exec *", "kamal *", "kamal *", "not-held"),
        ("bundle exec rspec *", "", "kamal *", "not-held"),
        ("ls *", "", "kamal *", "proven"),
        ("ls *", "timeout *", "timeout *", "proven"),
        ("git status *", "", "git push *", "proven"),
        ("find *", "", "kamal *", "proven"),
        ("bin/rails test *", "", "kamal *", "project"),
        ("bundle exec rspec", "", "kamal *", "project"),
        // And a way around it is found.
        ("sudo *", "sudo kamal *", "kamal *", "sudo env kamal"),
    ] {
        let never = if never.is_empty() {
            String::new()
        } else {
            format!("never {{ run {}; }};", quoted(never))
        };
        let proven = Proven::of(&format!(
            "role a {{ may {{ run {}; write \"app/**\"; }}; {never} }}\n\
             rule \"r\" {{ cannot \"a\" {{ run {}; }}; }}",
            quoted(may),
            quoted(cannot)
        ));
        let (messages, _) = proven.said();
        let answer = proven.answer("a");
        let found = match answer {
            "broken" => {
                let message = messages.first().map_or("", String::as_str);
                let (_, witness) = message.split_once("can run `").unwrap_or_default();
                witness.trim_end_matches('`')
            }
            answer => answer,
        };
        assert_eq!(
            found, then,
            "{may} less {never} under cannot {cannot}: {messages:?}"
        );
    }
}

#[test]
fn every_kind_of_rule_reads_its_patterns_so() {
    let grants =
        "role a { may { write \"APP/**\"; run \"bundle exec kamal *\"; reach \"Evil.com\"; }; }";
    for (rule, then) in [
        ("cannot \"a\" { write \"app/**\"; }", "broken"),
        ("cannot \"a\" { reach \"evil.com\"; }", "broken"),
        (
            "cannot-both { write \"app/**\"; run \"kamal *\"; }",
            "broken",
        ),
        ("require \"g\" { when { run \"kamal *\"; }; }", "broken"),
        ("require \"g\" { when { run \"cap *\"; }; }", "not-held"),
    ] {
        let proven = Proven::of(&format!("{grants}\nrule \"r\" {{ {rule}; }}"));
        assert_eq!(proven.answer("a"), then, "{rule}");
    }
}

#[test]
fn what_nothing_looks_into_is_held_by_a_layer_or_not_at_all() {
    for (may, cannot, trust, then) in [
        ("run \"python *\"", "run \"kamal *\"", "", "not-held"),
        ("run \"make *\"", "run \"kamal *\"", "", "not-held"),
        ("run \"curl *\"", "reach \"evil.com\"", "", "not-held"),
        ("run \"python *\"", "reach \"evil.com\"", "", "not-held"),
        ("run \"git push *\"", "reach \"evil.com\"", "", "not-held"),
        ("run \"git push *\"", "run \"kamal *\"", "", "proven"),
        ("run \"python *\"", "use \"mcp:x*\"", "", "held"),
        ("run \"python *\"", "env \"KEY\"", "", "held"),
        ("run \"python *\"", "write \"app/**\"", "", "held"),
        ("run \"git *\"", "write \"app/**\"", "", "held"),
        ("run \"cp *\"", "write \"app/**\"", "", "proven"),
        ("run \"bin/rails test *\"", "write \"app/**\"", "", "held"),
        ("run \"bin/rails test *\"", "run \"kamal *\"", "", "project"),
        // A program that the role can write does what the role wants.
        (
            "run \"bin/rails test *\"; write \"bin/**\"",
            "run \"kamal *\"",
            "",
            "not-held",
        ),
        ("run \"python *\"", "run \"kamal *\"", "python *", "trusted"),
        (
            "run \"cargo build *\"",
            "run \"kamal *\"",
            "cargo *",
            "trusted",
        ),
        (
            "run \"cargo *\"",
            "run \"kamal *\"",
            "cargo build *",
            "not-held",
        ),
        // Nobody answers for what stands in the words.
        (
            "run \"bundle exec *\"",
            "run \"kamal *\"",
            "bundle *",
            "broken",
        ),
    ] {
        let trust = if trust.is_empty() {
            String::new()
        } else {
            format!("trust {} because=\"x\";", quoted(trust))
        };
        let proven = Proven::of(&format!(
            "role a {{ may {{ {may}; }}; }}\nrule \"r\" {{ cannot \"a\" {{ {cannot}; }}; {trust} }}"
        ));
        assert_eq!(
            proven.answer("a"),
            then,
            "{may} under cannot {cannot}: {:?}",
            proven.said().0
        );
    }
}

#[test]
fn what_a_role_hands_on_may_do_anything_there() {
    let roles = "role a { may { delegate \"b\"; }; }\nrole b { may { run \"python *\"; }; }";
    let rule = |text: &str| format!("{roles}\nrule \"r\" {{ {text} }}");
    let indirect = Proven::of(&rule("cannot \"a\" { run \"kamal *\"; };"));
    assert_eq!(indirect.answer("a"), "not-held");
    let direct = Proven::of(&rule(
        "cannot \"a\" direct-only=#true { run \"kamal *\"; };",
    ));
    assert_eq!(direct.answer("a"), "proven");
    // All statements of a rule together speak of a grant once.
    let twice = Proven::of(&rule(
        "cannot { run \"kamal *\"; }; cannot { run \"cap *\"; }; cannot-both { run \"x *\"; reach \"y\"; };",
    ));
    assert_eq!(twice.said().0.len(), 1, "{:?}", twice.said().0);
}

#[test]
fn both_may_be_done_by_roles_that_work_is_handed_to() {
    let roles = "role a { may { write \"app/**\"; delegate \"b\"; }; gates \"g\"; }\n\
                 role b { may { run \"kamal *\"; }; }\n";
    let both = |more: &str| {
        Proven::of(&format!(
            "{roles}rule \"r\" {{ cannot-both {more} {{ write \"app/**\"; run \"kamal *\"; }}; }}"
        ))
    };
    let followed = both("").said();
    assert_eq!(
        followed.0,
        [
            "rule `r` does not hold: role `a` can write `app/a` and run `kamal` by handing work to `b`"
        ]
    );
    let answers = ["a", "b", "c"].map(|role| both("").answer(role));
    assert_eq!(
        answers,
        ["broken", "held", "proven"],
        "the planner has its own hands"
    );
    assert_eq!(both("direct-only=#true").said().0, [""; 0]);
}

#[test]
fn a_role_that_hands_on_to_one_that_can_do_both_is_not_told_as_well() {
    let proven = Proven::of(
        "role a { may { delegate \"b\"; }; }\n\
         role b { may { write \"app/**\"; run \"kamal *\"; }; gates \"g\"; }\n\
         rule \"r\" { cannot-both { write \"app/**\"; run \"kamal *\"; }; }",
    );
    assert_eq!(proven.said().0.len(), 1);
    assert_eq!(
        [proven.answer("a"), proven.answer("b")],
        ["broken", "broken"]
    );
}

#[test]
fn each_thing_that_is_forbidden_and_done_is_told() {
    let proven = Proven::of(
        "paths \"s\" \"x/**\" \"y/**\"\n\
         role a { may { write \"**\"; run \"kamal *\"; }; gates \"g\"; }\n\
         rule \"r\" { cannot \"a\" { write \"app/**\" \"lib/**\" \"@s\"; run \"kamal *\" \"cap *\"; }; }",
    );
    let (messages, _) = proven.said();
    let witness = |message: &String| message.split('`').nth(5).unwrap_or_default().to_owned();
    let witnesses: Vec<_> = messages.iter().map(witness).collect();
    assert_eq!(witnesses, ["app/a", "lib/a", "x/a", "kamal"]);
}

#[test]
fn what_the_workspace_lends_is_meant_where_a_rule_names_nothing_else() {
    for (scratch, never, cannot, then) in [
        ("tmp/**", "", "**", "proven"),
        ("tmp/**", "", "tmp/**", "broken"),
        ("tmp/**", "", "tmp/cache/**", "broken"),
        ("tmp/**", "", "log/**", "proven"),
        ("tmp/cache/**", "", "tmp/**", "proven"),
        ("tmp/**", "never { write \"tmp/**\"; };", "tmp/**", "proven"),
    ] {
        let proven = Proven::of(&format!(
            "workspace {{ scratch {}; }}\nrole a {{ may {{ run \"ls *\"; }}; {never} }}\n\
             rule \"r\" {{ cannot \"a\" {{ write {}; }}; }}",
            quoted(scratch),
            quoted(cannot)
        ));
        assert_eq!(
            proven.answer("a"),
            then,
            "{cannot} of {scratch} less {never}"
        );
    }
}

#[test]
fn rules_about_what_every_role_may_look_at_are_decided() {
    let set = standard("@std/inspect").unwrap();
    let programs: BTreeSet<String> = set
        .entries()
        .iter()
        .filter_map(|entry| entry.pattern.literal_words().first().cloned())
        .collect();
    let of_programs = programs.iter().map(|program| format!("{program} *"));
    let more = [
        "git push *",
        "git log *",
        "git diff *",
        "git branch -D *",
        "find * -exec *",
        "find * -delete *",
        "sort -o *",
        "rg --pre *",
        "sed -i *",
        "* --output *",
        "* --help",
        "* app/a",
        "date -s *",
        "git status",
        "grep -r *",
        "*",
        "GIT log *",
        "git * log *",
        "git -C * status *",
    ];
    for named in of_programs.chain(more.map(str::to_owned)) {
        let proven = Proven::of(&format!(
            "role a {{ may {{ run \"@std/inspect\"; }}; }}\n\
             rule \"r\" {{ cannot \"a\" {{ run {}; }}; }}",
            quoted(&named)
        ));
        let answer = proven.answer("a");
        assert!(matches!(answer, "broken" | "proven"), "{named}: {answer}");
    }
}

const MAY: &[&str] = &[
    "bundle exec kamal *",
    "bundle exec *",
    "bundle *",
    "/usr/bin/kamal *",
    "bin/kamal *",
    "kamal *",
    "kamal deploy",
    "KAMAL *",
    "kam* *",
    "sudo kamal *",
    "sudo *",
    "timeout 5 kamal deploy",
    "timeout * kamal *",
    "nice -n 5 kamal *",
    "npx kamal *",
    "npx *",
    "env *",
    "env A=1 kamal *",
    "git *",
    "git -C * *",
    "git push *",
    "git -c x=y push *",
    "git --no-pager push *",
    "git status *",
    "ls *",
    "ls",
    "cat *",
    "cp *",
    "bash *",
    "sh -c *",
    "bash -c 'kamal deploy'",
    "xargs *",
    "find *",
    "command kamal *",
    "exec *",
    "* deploy",
    "python *",
    "bin/rails test *",
];

const NAMED: &[&str] = &[
    "kamal *",
    "kamal deploy *",
    "/usr/bin/kamal *",
    "KAMAL *",
    "git push *",
    "git * push *",
    "git -C * push *",
    "env *",
    "bundle *",
    "bundle exec kamal *",
    "timeout *",
    "nice -n *",
    "bash *",
    "npx *",
    "sudo *",
    "sudo kamal *",
    "xargs *",
    "echo *",
    "cd *",
    "exec *",
    "* deploy",
    "ls *",
    "cp *",
    "cat *",
    "*",
];

const WRAPPERS: &[&str] = &[
    "env ",
    "env A=1 ",
    "/usr/bin/env ",
    "timeout 5 ",
    "timeout -k 1 5 ",
    "nice ",
    "nice -n 5 ",
    "nohup ",
    "bundle exec ",
    "npx ",
    "npx -y ",
    "sudo ",
    "sudo -u x ",
    "xargs ",
    "command ",
    "exec ",
    "bash -c '",
    "sh -c '",
    "find . -exec ",
];

const COMMANDS: &[&str] = &[
    "kamal",
    "kamal deploy",
    "/usr/bin/kamal deploy",
    "bin/kamal x",
    "KAMAL deploy",
    "git push",
    "git -C . push origin main",
    "git --no-pager push",
    "git -c x=y push",
    "git status",
    "ls",
    "ls -la",
    "cat app/a",
    "cp app/a app/b",
    "echo deploy",
    "cd app",
    "x deploy",
    "python a.py",
];

fn some(from: &'static [&'static str], most: usize) -> impl Strategy<Value = Vec<&'static str>> {
    prop::collection::vec(prop::sample::select(from), 0..=most)
}

fn line() -> impl Strategy<Value = String> {
    let command =
        (some(WRAPPERS, 2), prop::sample::select(COMMANDS)).prop_map(|(wrappers, command)| {
            let mut line = String::new();
            let mut ends = String::new();
            for wrapper in wrappers {
                if wrapper.ends_with('\'') && ends.contains('\'') {
                    continue;
                }
                line.push_str(wrapper);
                if wrapper.ends_with('\'') {
                    ends.insert(0, '\'');
                }
                if wrapper.starts_with("find") {
                    ends.insert_str(0, " \\;");
                }
            }
            format!("{line}{command}{ends}")
        });
    let between = prop::sample::select(vec![" && ", "; ", " | "]);
    (prop::collection::vec(command, 1..3), between)
        .prop_map(|(commands, between)| commands.join(between))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 120, ..ProptestConfig::default() })]

    // The law of proofs: what a `never` with the words of a rule would refuse, and the grants allow, is
    // never passed over; and a line that is shown may run.
    #[test]
    fn a_proof_is_never_wrong(
        may in some(MAY, 3),
        never in some(NAMED, 1),
        named in prop::sample::select(NAMED),
        lines in prop::collection::vec(line(), 30),
    ) {
        let list = |node: &str, patterns: &[&str]| {
            let patterns: Vec<_> = patterns.iter().map(|text| quoted(text)).collect();
            if patterns.is_empty() {
                String::new()
            } else {
                format!("{node} {{ run {}; }};", patterns.join(" "))
            }
        };
        let proven = Proven::of(&format!(
            "role a {{ {} {} may {{ write \"app/**\"; env \"A\"; }}; }}\n\
             rule \"r\" {{ cannot \"a\" {{ run {}; }}; }}",
            list("may", &may),
            list("never", &never),
            quoted(named)
        ));
        let answer = proven.answer("a");
        let role = proven.model.roles.first().unwrap();
        let entry = Entry::from(named.parse::<CommandPattern>().unwrap());
        let breaks = |line: &str| runs_unless(&proven.model, role, line, &entry, Ground::UNSEEN);
        // Without a grant there is no shell at all.
        for line in lines.iter().filter(|line| !may.is_empty() && breaks(line)) {
            prop_assert!(
                matches!(answer, "broken" | "not-held" | "undecided"),
                "`{}` with {:?} less {:?} under cannot {}: {}", line, may, never, named, answer
            );
        }
        let facts = proven.facts();
        let rule = proven.model.rules.first().unwrap();
        for cannot in &rule.cannot {
            for deed in deeds(&facts, RoleId(0), &cannot.what) {
                if let Ok(meeting) = deed.met {
                    let line = &meeting.witness;
                    prop_assert!(breaks(line), "{}", line);
                    prop_assert!(permits(&proven.model, role, Capability::Run, line, Ground::UNSEEN));
                }
            }
        }
    }
}
