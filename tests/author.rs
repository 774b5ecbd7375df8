//! What an author of a spec asks for and gets: the real program in a folder of its own.

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

use tempfile::TempDir;

const SPEC: &str = r#"factory "shop" spec=1

model "m" id="claude-sonnet-5-5"

paths "source" "app/**" "lib/**" { except "app/secret.rb"; }
commands "deploy" "kamal *" "git push *"

may   { run "@std/inspect"; }   // every role
never { read "**/.env*"; }

workspace { scratch "log/**"; }

gate "tests" { run "sh test.sh"; sealed "test.sh"; }

role "lead" model="m" prompt="roles/a.md" {
    description "Leads"
    may { delegate "builder"; }
}
role "builder" model="m" prompt="roles/a.md" {
    description "Writes"
    may   { write "@source" "docs/**"; run "bin/test *" "git *"; env "RAILS_ENV"; }
    never { run "@deploy"; }
    gates "tests"
}

rule "Leads don't write" { cannot "lead" direct-only=#true { write "**"; }; }
"#;

struct Project(TempDir);

impl Project {
    fn new(spec: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("roles")).unwrap();
        fs::write(folder.path().join("roles/a.md"), "You do the work.\n").unwrap();
        fs::write(folder.path().join("factory.kdl"), spec).unwrap();
        Self(folder)
    }

    fn root(&self) -> &Path {
        self.0.path()
    }

    fn spec(&self) -> String {
        fs::read_to_string(self.root().join("factory.kdl")).unwrap()
    }

    fn run(&self, arguments: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_factory"))
            .args(arguments)
            .current_dir(self.root())
            .env("FACTORY_CACHE_DIR", self.root().join(".cache"))
            .env("COLUMNS", "100")
            .env_remove("GIT_DIR")
            .output()
            .unwrap()
    }

    /// Runs the program and returns what it printed and its exit code.
    fn says(&self, arguments: &[&str]) -> (String, i32) {
        let output = self.run(arguments);
        let mut text = String::from_utf8(output.stdout).unwrap();
        text.push_str(&String::from_utf8(output.stderr).unwrap());
        (text, output.status.code().unwrap())
    }

    fn git(&self, arguments: &[&str]) {
        let done = Command::new("git")
            .args(["-c", "user.name=a", "-c", "user.email=a@example.org"])
            .args(arguments)
            .current_dir(self.root())
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .output()
            .unwrap();
        assert!(done.status.success(), "{arguments:?}: {done:?}");
    }

    fn edit(&self, from: &str, to: &str) {
        let spec = self.spec();
        assert!(spec.contains(from), "{from}");
        fs::write(self.root().join("factory.kdl"), spec.replace(from, to)).unwrap();
    }
}

#[test]
fn what_a_role_may_do_is_answered_with_the_grant_that_decides() {
    let project = Project::new(SPEC);
    fs::create_dir_all(project.root().join("app/models")).unwrap();
    std::os::unix::fs::symlink("../roles", project.root().join("app/link")).unwrap();
    for (question, code, said) in [
        (
            &["builder", "write", "app/models/a.rb"] as &[&str],
            0,
            "factory.kdl:21:19: \"@source\", its member \"app/**\" at factory.kdl:5:16",
        ),
        (&["builder", "write", "./docs/../app/b"], 0, "`app/b`"),
        (
            &["builder", "write", "app/secret.rb"],
            1,
            "nothing grants it",
        ),
        (
            &["builder", "write", "roles/a.md"],
            1,
            "what the factory itself is made of",
        ),
        (&["builder", "write", "app/link/a.md"], 1, "`roles/a.md`"),
        (&["lead", "write", "log/x"], 0, "everyone's"),
        (&["lead", "write", "x"], 1, "may { write \"x\"; }"),
        (&["lead", "read", "app/.env.local"], 1, "\"**/.env*\""),
        (
            &["builder", "run", "git status | head"],
            0,
            "\"@std/inspect\", its `head *`",
        ),
        (
            &["builder", "run", "cd app && env A=1 git -C x push"],
            1,
            "\"@deploy\", its member \"git push *\"",
        ),
        (
            &["builder", "run", "cd app && timeout 5 kamal deploy"],
            1,
            "\"@deploy\", its member \"kamal *\"",
        ),
        (
            &["builder", "run", "bin/test > app/out"],
            0,
            "\"bin/test *\"",
        ),
        (
            &["builder", "run", "bin/test > config/out"],
            1,
            "config/out",
        ),
        (&["lead", "delegate", "builder"], 0, "\"builder\""),
        (&["builder", "delegate", "lead"], 1, "nothing grants it"),
        (&["builder", "env", "RAILS_ENV"], 0, "closed environment"),
        (
            &["builder", "reach", "example.org"],
            1,
            "may { reach \"example.org\"; }",
        ),
        (&["bulider", "run", "ls"], 3, "did you mean `builder`?"),
        (&["builder", "write", "../x"], 1, "outside the project"),
        (&["builder", "read", "../x"], 3, "outside the project"),
    ] {
        let (text, status) = project.says(&[&["can"], question].concat());
        assert_eq!(status, code, "{question:?}: {text}");
        assert!(text.contains(said), "{question:?}: {text}");
    }
    let json = project.run(&["can", "builder", "run", "git push", "--format", "json"]);
    let answer: serde_json::Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!(answer["can"], false);
    assert_eq!(answer["decided"][0]["member"]["text"], "\"git push *\"");
    assert_eq!(answer["held"]["exec"], "guarded");
}

#[test]
fn the_resolved_factory_fits_on_a_screen() {
    let project = Project::new(SPEC);
    let (text, code) = project.says(&["show"]);
    assert_eq!(code, 0);
    insta::assert_snapshot!(text, @r"
    shop
    every role: may never read **/.env*; may run @std/inspect

    role     model  gates  write             run                               besides
    lead     m      -      -                 -                                 delegate builder
    builder  m      tests  @source, docs/**  bin/test *, git *, never @deploy  env RAILS_ENV
    ");
    let (text, _) = project.says(&["show", "builder", "--origin"]);
    assert!(
        text.contains("write     may    @source    factory.kdl:21:19\n"),
        "{text}"
    );
    let (text, _) = project.says(&["show", "@deploy", "--origin"]);
    assert_eq!(
        text,
        "@deploy\n  kamal *    factory.kdl:6:19\n  git push *    factory.kdl:6:29\n"
    );
    let (text, _) = project.says(&["show", "--format", "mermaid"]);
    assert!(text.contains("role-lead --> role-builder\n"), "{text}");
    let json = project.run(&["show", "--format", "json"]);
    let shown: serde_json::Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!(
        shown["roles"][1]["boundary"]["write"]["may"][0]["pattern"],
        "@source"
    );
    assert_eq!(project.says(&["show", "@sorce"]).1, 3);
    // A set of the language needs no project.
    let empty = tempfile::tempdir().unwrap();
    let shown = Command::new(env!("CARGO_BIN_EXE_factory"))
        .args(["show", "@std/commit"])
        .current_dir(empty.path())
        .output()
        .unwrap();
    assert!(
        String::from_utf8(shown.stdout)
            .unwrap()
            .contains("git commit *")
    );
}

#[test]
fn a_grant_is_written_where_it_opens_something_and_breaks_nothing() {
    let project = Project::new(SPEC);
    let (text, code) = project.says(&["grant", "lead", "write", "notes/**"]);
    assert_eq!(code, 1, "{text}");
    assert!(
        text.contains("rule `Leads don't write` does not hold"),
        "{text}"
    );
    assert_eq!(project.spec(), SPEC);
    let (text, code) = project.says(&["grant", "lead", "delegate", "builder"]);
    assert_eq!((code, project.spec() == SPEC), (1, true), "{text}");
    let (text, code) = project.says(&["grant", "builder", "run", "make *", "--dry-run"]);
    assert_eq!((code, project.spec() == SPEC), (0, true), "{text}");
    assert!(text.contains("may do anything"), "{text}");
    let (text, code) = project.says(&["grant", "builder", "write", "test/**"]);
    assert_eq!(code, 0, "{text}");
    assert!(
        text.contains("opens: builder may now write `test/a`"),
        "{text}"
    );
    assert_eq!(
        project.spec(),
        SPEC.replace("\"docs/**\";", "\"docs/**\" \"test/**\";")
    );
}

#[test]
fn a_grant_that_opens_nothing_or_too_much_is_refused() {
    let project = Project::new(SPEC);
    for (grant, said) in [
        (["write", "factory.kdl"], "opens nothing"),
        (["write", "roles/a.md"], "opens nothing"),
        (["write", ".git/hooks/pre-commit"], "opens nothing"),
        (
            ["env", "LD_PRELOAD"],
            "no role can be given the variable `LD_PRELOAD`",
        ),
        (["env", "PATH"], "no role can be given the variable `PATH`"),
        (["env", "GIT_SSH_COMMAND"], "no role can be given"),
        (["env", "BASH_ENV"], "no role can be given"),
        (["env", "*"], "which no role can be given"),
        (["env", "/*"], "is in no name of a variable"),
        (["reach", "evil.org:443"], "write `evil.org`"),
    ] {
        let (text, code) = project.says(&[&["grant", "builder"], &grant[..]].concat());
        assert_eq!(
            (code, project.spec() == SPEC),
            (1, true),
            "{grant:?}: {text}"
        );
        assert!(text.contains(said), "{grant:?}: {text}");
        assert!(text.contains("nothing was written"), "{grant:?}: {text}");
        assert_eq!(
            project.says(&[&["can", "builder"], &grant[..]].concat()).1,
            1,
            "{grant:?}"
        );
    }
    // A lint that is turned off opens nothing either.
    project.edit(
        "spec=1\n",
        "spec=1 { lint \"factory::role::swallowed-may\" level=\"off\" because=\"b\"; }\n",
    );
    let (text, code) = project.says(&["grant", "builder", "write", "factory.kdl"]);
    assert_eq!(code, 1, "{text}");
}

#[test]
fn a_grant_is_written_as_the_file_is() {
    for (from, to) in [
        (
            "role \"builder\" model=\"m\"",
            "role #\"builder\"# model=\"m\"",
        ),
        (
            "role \"builder\" model=\"m\"",
            "role model=\"m\" \"builder\"",
        ),
        (
            "role \"builder\" model=\"m\"",
            "\"role\" builder model=\"m\"",
        ),
        ("\n", "\r\n"),
    ] {
        let project = Project::new(&SPEC.replace(from, to));
        let before = project.spec();
        let (text, code) = project.says(&["grant", "builder", "reach", "rubygems.org"]);
        assert_eq!(code, 0, "{to:?}: {text}");
        let end = if to == "\r\n" { to } else { "\n" };
        let may = "may   { reach \"rubygems.org\"; write \"@source\"";
        assert_eq!(
            project.spec(),
            before.replace("may   { write \"@source\"", may)
        );
        let (text, code) = project.says(&["grant", "lead", "reach", "example.org"]);
        assert_eq!(code, 0, "{to:?}: {text}");
        assert_eq!(
            project.spec().matches('\n').count(),
            project.spec().matches(end).count()
        );
        assert_eq!(
            project.says(&["can", "builder", "reach", "rubygems.org"]).1,
            0
        );
    }
}

#[test]
fn nothing_is_written_through_a_link_out_of_the_project() {
    let outside = tempfile::tempdir().unwrap();
    let theirs = outside.path().join("theirs.kdl");
    let text = "task   \"t\" { gaol \"x\"; step \"s\" role=\"builder\"; }\n";
    fs::write(&theirs, text).unwrap();
    let project = Project::new(
        &SPEC
            .replace(
                "spec=1\n",
                "spec=1 { descripton \"A\"; include \"theirs.kdl\"; }\n",
            )
            .replace("model \"m\"", "model   \"m\""),
    );
    std::os::unix::fs::symlink(&theirs, project.root().join("theirs.kdl")).unwrap();
    let before = project.spec();
    for command in [
        &["check", "--fix"] as &[&str],
        &["fmt"],
        &["fmt", "factory.kdl", "theirs.kdl"],
    ] {
        let (said, code) = project.says(command);
        assert_eq!(code, 3, "{command:?}: {said}");
        assert!(
            said.contains("a link that leads out of the project"),
            "{command:?}: {said}"
        );
        assert_eq!(fs::read_to_string(&theirs).unwrap(), text);
        assert_eq!(project.spec(), before, "{command:?}");
    }
    let theirs = theirs.to_str().unwrap();
    let (said, code) = project.says(&["fmt", theirs]);
    assert_eq!(code, 3, "{said}");
    assert_eq!(fs::read_to_string(theirs).unwrap(), text);
}

#[test]
fn a_text_that_is_not_kdl_is_told_with_its_place() {
    let project = Project::new(&format!("{SPEC};;\n"));
    for command in [&["fmt"] as &[&str], &["fmt", "factory.kdl"]] {
        let (said, code) = project.says(command);
        assert_eq!(code, 1, "{said}");
        assert!(said.contains("this `;` ends no node"), "{said}");
        assert!(said.contains("factory.kdl:27:1"), "{said}");
    }
    // What is commented out may end with `;` too.
    let hidden = format!("/- gate \"b\" {{ run \"b\"; }}; {SPEC}");
    let project = Project::new(&hidden);
    assert_eq!(project.says(&["check"]).1, 0);
    assert_eq!(project.says(&["fmt"]).1, 0);
    assert_eq!(project.spec(), hidden);
}

#[test]
fn a_change_of_the_spec_is_told_widened_rights_first() {
    let project = Project::new(SPEC);
    project.git(&["init", "-q"]);
    project.git(&["add", "-A"]);
    project.git(&["commit", "-qm", "a"]);
    assert_eq!(
        project.says(&["diff"]),
        ("nobody can do more or less than at HEAD\n".to_owned(), 0)
    );
    // The same in other words is no change.
    project.edit(
        "write \"@source\" \"docs/**\"",
        "write \"docs/**\" \"@source\" \"lib/a\"",
    );
    assert_eq!(project.says(&["diff"]).1, 0);
    project.edit("run \"bin/test *\" \"git *\"", "run \"git *\"");
    let (text, code) = project.says(&["diff"]);
    assert_eq!(
        (text.as_str(), code),
        (
            "Narrowed rights\n  `builder` may no longer run `bin/test`\n",
            0
        )
    );
    project.edit("    never { run \"@deploy\"; }\n", "");
    project.edit("    gates \"tests\"\n", "");
    project.edit("never { read \"**/.env*\"; }\n", "");
    project.edit("sealed \"test.sh\";", "");
    project.edit(
        "rule \"Leads don't write\" { cannot \"lead\" direct-only=#true { write \"**\"; }; }\n",
        "",
    );
    fs::write(project.root().join("roles/a.md"), "You do it well.\n").unwrap();
    let (text, code) = project.says(&["diff", "HEAD", "--format", "md"]);
    assert_eq!(code, 5, "{text}");
    insta::assert_snapshot!(text, @r#"
    ### Widened rights

    - `builder` may now read `.env`: no longer taken away: `**/.env*`
    - `builder` may now run `git push`: no longer taken away: `@deploy`
    - `lead` may now read `.env`: no longer taken away: `**/.env*`
    - gate `tests` no longer judges `builder`
    - the gate `tests` no longer seals `test.sh`
    - the rule `Leads don't write` is gone

    ### Narrowed rights

    - `builder` may no longer run `bin/test`

    ### Changed besides

    - the prompt of `builder`
    - the prompt of `lead`

    factory::role::ungated-write

      × role `builder` may write, and no gate judges its work
        ╭─[factory.kdl:20:19]
     19 │     description "Writes"
     20 │     may   { write "docs/**" "@source" "lib/a"; run "git *"; env "RAILS_ENV"; }
        ·                   ────┬────
        ·                       ╰── granted here
     21 │ }
        ╰────
      help: add `gates "tests"` to the role, or take the grant away

    the spec has 1 error, and can't be built
    "#);
    let (_, code) = project.says(&["diff", "nowhere"]);
    assert_eq!(code, 3);
}

#[test]
fn slips_are_mended_and_what_is_not_certain_is_left() {
    let project = Project::new(
        "factory \"shop\" spec=1 {\n    descripton \"A shop\"\n}\n\
         model \"m\" id=\"claude-sonnet-5-5\"\n\
         gate \"tests\" { run \"sh test.sh\"; }\n\
         role \"builder\" model=\"m\" promt=\"roles/a.md\" {\n    \
         description \"Wri\u{200b}tes\" // as it is\n    \
         may { write src/** \"app/**\"; run git commit *; }\n    \
         nevr { write \"b/**\"; }\n    gates \"tests\"\n}\n",
    );
    let before = project.spec();
    let (text, code) = project.says(&["check", "--fix", "--dry-run"]);
    assert_eq!((code, project.spec() == before), (1, true), "{text}");
    assert!(text.contains("+    never { write \"b/**\"; }"), "{text}");
    let (text, code) = project.says(&["check", "--fix"]);
    assert_eq!(code, 1, "{text}");
    assert_eq!(
        project.spec(),
        before
            .replace("descripton", "description")
            .replace("promt", "prompt")
            .replace('\u{200b}', "")
            .replace("src/**", "\"src/**\"")
            .replace("nevr", "never")
    );
    // Whether that is one pattern or three, only its author knows.
    assert!(text.contains("write `\"git commit *\"`"), "{text}");
    let (_, code) = project.says(&["check", "--dry-run"]);
    assert_eq!(code, 2);
}

#[test]
fn the_spec_is_formatted_in_place() {
    let project = Project::new(&SPEC.replace("    ", "\t").replace("\n\n", "\n\n\n"));
    let before = project.spec();
    let (text, code) = project.says(&["fmt", "--check"]);
    assert_eq!((code, project.spec() == before), (1, true), "{text}");
    let (text, code) = project.says(&["fmt"]);
    assert_eq!((text.as_str(), code), ("formatted factory.kdl\n", 0));
    assert_eq!(project.spec(), SPEC);
    assert_eq!(
        project.says(&["fmt", "--check"]),
        ("nothing to do\n".to_owned(), 0)
    );
    project.edit("may   {", "may   ");
    let broken = project.spec();
    assert_eq!(project.says(&["fmt"]).1, 1);
    assert_eq!(project.spec(), broken);
}

#[test]
fn every_spec_of_ours_is_formatted() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for path in ["factory.kdl", "tests/fixtures/check/aicpo/factory.kdl"] {
        let text = fs::read_to_string(root.join(path)).unwrap();
        assert_eq!(
            factory::spec::format(&text).as_deref(),
            Ok(text.as_str()),
            "{path}"
        );
    }
}

#[test]
fn what_the_readme_shows_is_what_is_printed() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let readme = fs::read_to_string(root.join("README.md")).unwrap();
    let check = |fixture: &str, format: &str| {
        let done = Command::new(env!("CARGO_BIN_EXE_factory"))
            .args(["-C", fixture, "check", "--format", format])
            .current_dir(root)
            .env("COLUMNS", "100")
            .output()
            .unwrap();
        assert_eq!(done.status.code(), Some(1), "{fixture}");
        String::from_utf8(done.stdout).unwrap()
    };
    for fixture in [
        "tests/fixtures/check/peers",
        "tests/fixtures/spec/broken-role",
    ] {
        assert!(readme.contains(fixture), "{fixture}");
        let said = check(fixture, "short");
        assert!(readme.contains(&format!("```text\n{said}```\n")), "{said}");
    }
    let said = check("tests/fixtures/check/peers", "human");
    let first = said.split("\n\nfactory::").next().unwrap();
    assert!(
        readme.contains(&format!("```text\n{first}\n```\n")),
        "{first}"
    );
}

#[test]
fn the_factory_on_one_screen_checks_clean() {
    let readme =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap();
    let (_, after) = readme.split_once("```kdl\n").unwrap();
    let (spec, _) = after.split_once("```").unwrap();
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("roles")).unwrap();
    let prompts = spec.split('"').filter(|word| word.starts_with("roles/"));
    for prompt in prompts {
        fs::write(folder.path().join(prompt), "# A role\n\nDoes its work.\n").unwrap();
    }
    fs::write(folder.path().join("factory.kdl"), spec).unwrap();
    let done = Command::new(env!("CARGO_BIN_EXE_factory"))
        .args(["check", "--deny", "warnings"])
        .current_dir(folder.path())
        .output()
        .unwrap();
    assert!(
        done.status.success(),
        "{}",
        String::from_utf8_lossy(&done.stdout)
    );
}
