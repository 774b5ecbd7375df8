//! What people have, taken over and given back: the real binary on real files.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use serde_json::{Value, json};
use tempfile::TempDir;

struct Project {
    folder: TempDir,
    cache: TempDir,
}

impl Project {
    fn new(files: &[(&str, &str)]) -> Self {
        let project = Self {
            folder: tempfile::tempdir().unwrap(),
            cache: tempfile::tempdir().unwrap(),
        };
        let init = Command::new("git")
            .args(["init", "-q"])
            .current_dir(project.root())
            .status();
        assert!(init.unwrap().success());
        for (path, text) in files {
            project.write(path, text);
        }
        project
    }

    fn root(&self) -> &Path {
        self.folder.path()
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.root().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn read(&self, path: &str) -> String {
        fs::read_to_string(self.root().join(path)).unwrap()
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_factory"));
        command
            .args(arguments)
            .current_dir(self.root())
            .env("FACTORY_CACHE_DIR", self.cache.path())
            .env("NO_COLOR", "1")
            .env_remove("CLAUDE_PROJECT_DIR");
        command
    }

    fn run(&self, arguments: &[&str]) -> (i32, String) {
        said(&self.command(arguments).output().unwrap())
    }

    fn json(&self, arguments: &[&str]) -> Value {
        let output = self.command(arguments).output().unwrap();
        serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", said(&output).1))
    }

    // All files but those of git.
    fn tree(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let walk = walkdir::WalkDir::new(self.root())
            .into_iter()
            .filter_entry(|entry| entry.file_name() != ".git");
        walk.flatten()
            .filter(|entry| entry.file_type().is_file())
            .map(|entry| (entry.path().to_owned(), fs::read(entry.path()).unwrap()))
            .collect()
    }

    // What the hook says to one call: its exit code.
    fn hook(&self, call: &Value) -> i32 {
        use std::io::Write as _;
        let mut child = self
            .command(&["guard"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut call = call.clone();
        call["cwd"] = json!(self.root());
        let mut pipe = child.stdin.take().unwrap();
        pipe.write_all(call.to_string().as_bytes()).unwrap();
        drop(pipe);
        child.wait().unwrap().code().unwrap()
    }
}

fn said(output: &Output) -> (i32, String) {
    let text = [output.stdout.as_slice(), output.stderr.as_slice()].concat();
    (
        output.status.code().unwrap_or(-1),
        String::from_utf8_lossy(&text).into_owned(),
    )
}

// Files as people have them, the odd ones among them; each with its fate.
const ODD: &[(&str, &str, &str)] = &[
    (
        "plain",
        "---\nname: plain\ndescription: A plain one\ntools: Read, Grep\nmodel: haiku\n---\n\nPrompt.\n",
        "adopted",
    ),
    (
        "colon",
        "---\nname: colon\ndescription: Use when: things. user: \"x\"\n---\nP\n",
        "adopted",
    ),
    (
        "example",
        "---\nname: example\ndescription: Use it.\\n\\n<example>\\nuser: \"hi: you\"\\n</example>\ntools: Read\n---\nP\n",
        "adopted",
    ),
    (
        "block",
        "---\nname: block\ndescription: |\n  one\n  two: three\ntools:\n  - Read\n  - Bash\n---\nP\n",
        "adopted",
    ),
    (
        "fold",
        "---\ndescription: >-\n  one\n  two\nname: fold\n---\nP\n",
        "adopted",
    ),
    (
        "crlf",
        "---\r\nname: crlf\r\ndescription: d\r\ntools: Read\r\n---\r\nP\r\n",
        "adopted",
    ),
    (
        "mixed",
        "---\r\nname: mixed\ndescription: d\r\n---\nP\r\n",
        "adopted",
    ),
    (
        "bom",
        "\u{feff}---\nname: bom\ndescription: d\n---\nP\n",
        "adopted",
    ),
    (
        "display",
        "---\nname: My Agent\ndescription: d\n---\nP\n",
        "adopted",
    ),
    (
        "dots",
        "---\nname: a.b.c\ndescription: d\n---\nP\n",
        "adopted",
    ),
    (
        "other-name",
        "---\nname: quite-another\ndescription: d\n---\nP\n",
        "adopted",
    ),
    (
        "quoted",
        "---\nname: \"quoted\"\ndescription: 'it''s'\ntools: [\"Read\", \"Grep\"]\ncolor: red\n---\nP\n",
        "adopted",
    ),
    (
        "comment",
        "---\n# mine\nname: comment # x\n\ndescription: d\n---\n\n\nP",
        "adopted",
    ),
    (
        "indented",
        "---\n  name: indented\n  description: d\n---\nP\n",
        "adopted",
    ),
    (
        "hooks",
        "---\nname: hooks\ndescription: d\nhooks:\n  Stop:\n    - hooks:\n        - type: command\n          command: \"true\"\nmaxTurns: 5\n---\nP\n",
        "adopted",
    ),
    (
        "many",
        "---\nname: many\ndescription: d\ntools: Read\npermissionMode: acceptEdits\nmemory: project\nisolation: worktree\nversion: 2\nmetadata:\n  a: [1, 2]\n---\nP\n",
        "adopted",
    ),
    (
        "tabs",
        "---\nname: tabs\ndescription: a\tb\n---\nP\n",
        "adopted",
    ),
    (
        "empty-tools",
        "---\nname: empty-tools\ndescription: d\ntools: []\nmodel:\n---\nP\n",
        "adopted",
    ),
    (
        "twice",
        "---\nname: twice\ndescription: one\ndescription: two\n---\nP\n",
        "adopted",
    ),
    (
        "hidden",
        "---\nname: hidden\ndescription: soft\u{ad}hyphen\n---\nP\n",
        "adopted",
    ),
    (
        "sub/deep/er",
        "---\nname: er\ndescription: d\n---\nP\n",
        "adopted",
    ),
    (
        "nothing",
        "---\nname: nothing\ndescription: d\n---\n",
        "adopted",
    ),
    ("README", "# Agents\n", "left"),
    ("unnamed", "---\ndescription: d\n---\nP\n", "left"),
    ("undescribed", "---\nname: undescribed\n---\nP\n", "left"),
    (
        "raw-lines",
        "---\nname: raw-lines\ndescription: Use this\n\nSome more words\n---\nP\n",
        "left",
    ),
    (
        "crlf-colon",
        "---\r\nname: crlf-colon\r\ndescription: Use: x\r\n---\r\nP\r\n",
        "left",
    ),
    ("dup-a", "---\nname: dup\ndescription: d\n---\nA\n", "left"),
    (
        "dup-b",
        "---\nname: dup\ndescription: d\n---\nB\n",
        "adopted",
    ),
];

fn odd() -> Project {
    let project = Project::new(&[]);
    for (name, text, _) in ODD {
        project.write(&format!(".claude/agents/{name}.md"), text);
    }
    project
}

// Every file with what became of it.
fn fates(report: &Value) -> BTreeMap<String, String> {
    let files = report["files"].as_array().unwrap().iter();
    files
        .map(|file| {
            let word = |key: &str| file[key].as_str().unwrap().to_owned();
            (word("path"), word("fate"))
        })
        .collect()
}

fn round_trip(project: &Project) {
    let before = project.tree();
    let (code, text) = project.run(&["build"]);
    assert_eq!(code, 0, "{text}");
    for (path, bytes) in before
        .iter()
        .filter(|(path, _)| !path.ends_with("factory.lock"))
    {
        assert!(
            fs::read(path).unwrap() == *bytes,
            "{} changed",
            path.display()
        );
    }
    let (code, text) = project.run(&["build", "--check"]);
    assert_eq!(code, 0, "{text}");
}

#[test]
fn every_odd_file_is_adopted_or_left_with_a_reason_and_comes_back_byte_for_byte() {
    let project = odd();
    let before = project.tree();
    let report = project.json(&["adopt", "--dry-run", "--format", "json"]);
    assert_eq!(project.tree(), before, "a dry run writes nothing");
    let (code, text) = project.run(&["adopt"]);
    assert_eq!(code, 1, "something was doubtful\n{text}");
    let fates = fates(&report);
    for (name, _, fate) in ODD {
        let path = format!(".claude/agents/{name}.md");
        assert_eq!(
            fates.get(&path).map(String::as_str),
            Some(*fate),
            "{name}: {text}"
        );
    }
    assert_eq!(project.read("roles/comment.md"), "\n\nP");
    assert_eq!(project.read("roles/crlf.md"), "P\r\n");
    assert!(project.read("roles/my-agent.md") == "P\n");
    for path in before.keys() {
        assert!(fs::read(path).unwrap() == before[path]);
    }
    round_trip(&project);
}

#[test]
fn adopting_twice_is_adopting_once_and_one_at_a_time_is_all_at_once() {
    let project = odd();
    project.run(&["adopt"]);
    let once = project.tree();
    let (_, text) = project.run(&["adopt"]);
    assert!(text.contains("nothing is new"), "{text}");
    assert_eq!(project.tree(), once);
    round_trip(&project);
    project.run(&["adopt"]);
    assert_eq!(project.run(&["build", "--check"]).0, 0);

    let single = odd();
    let (_, text) = single.run(&["adopt", ".claude/agents/plain.md", "My Agent"]);
    assert!(text.contains("adopted 2 of 2 agent files"), "{text}");
    round_trip(&single);
    single.run(&["adopt", ".claude/agents/sub"]);
    single.run(&["adopt"]);
    round_trip(&single);
    let roles = |project: &Project| {
        let mut names: Vec<_> = fs::read_dir(project.root().join("roles"))
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        names.sort();
        names
    };
    assert_eq!(roles(&single), roles(&project));
    let (code, text) = single.run(&["adopt", "src"]);
    assert_eq!(code, 3, "{text}");
}

#[test]
fn what_matters_comes_first() {
    let project = Project::new(&[
        (
            ".claude/agents/a.md",
            "---\nname: a\ndescription: d\ncategory: x\n---\nP\n",
        ),
        (
            ".claude/agents/b.md",
            "---\nname: b\ndescription: d\ntoolz: Read\n---\nP\n",
        ),
        (
            ".claude/agents/c.md",
            "---\nname: c\ndescription: d\ntools: Read, Grepp, Bash(git log:*)\nmodel: gpt-4\n---\nP\n",
        ),
        (
            ".claude/agents/d.md",
            "---\nname: d\ndescription: d\ntools: read, bash\n---\nP\n",
        ),
    ]);
    let (code, text) = project.run(&["adopt", "--format", "short", "--dry-run"]);
    assert_eq!(code, 1);
    let lines: Vec<_> = text
        .lines()
        .filter(|line| line.starts_with(".claude"))
        .collect();
    let order = [
        "b.md:4:1: error[factory::adopt::lost-restriction]",
        "c.md:4:14: error[factory::adopt::unknown-tool]",
        "c.md:4:21: error[factory::adopt::whole-tool]",
        "d.md:4:8: error[factory::adopt::unknown-tool]",
        "d.md:4:14: error[factory::adopt::unknown-tool]",
        "c.md:5:8: warning[factory::adopt::unknown-model]",
        "a.md:2:1: advice[factory::adopt::everything-allowed]",
        "a.md:4:1: advice[factory::adopt::unknown-fields]",
    ];
    assert_eq!(lines.len(), order.len(), "{text}");
    for (line, start) in lines.iter().zip(order) {
        assert!(
            line.starts_with(&format!(".claude/agents/{start}")),
            "{line}\n{text}"
        );
    }
}

const SETTINGS: &str = r#"{
  "model": "opus",
  "permissions": {
    "deny": ["Read(.env)", "Bash(git push:*)", "Write(/db/**)"],
      "allow": [ "Bash(npm run test:*)","Edit(/src/**)", "Bash" ]
  },
  "hooks": {"PreToolUse": [{"matcher": "Bash", "hooks": [{"type": "command", "command": "mine"}]}]}
}"#;

#[test]
fn rules_become_grants_and_every_foreign_entry_keeps_its_bytes_until_we_leave_again() {
    let agents = [
        (
            ".claude/agents/maker.md",
            "---\nname: maker\ndescription: d\n---\nP\n",
        ),
        (
            ".claude/agents/reader.md",
            "---\nname: reader\ndescription: d\ntools: Read\n---\nP\n",
        ),
        (".claude/settings.json", SETTINGS),
        ("CLAUDE.md", "# Mine\n\n## Roles\n\nHand-made.\n"),
    ];
    let project = Project::new(&agents);
    let before = project.tree();
    let report = project.json(&["adopt", "--format", "json"]);
    let grants: Vec<_> = report["rules"]
        .as_array()
        .unwrap()
        .iter()
        .map(|rule| (rule["line"].as_u64().unwrap(), rule["grant"].as_str()))
        .collect();
    assert_eq!(
        grants,
        [
            (4, Some("never { read \"**/.env/**\" \"**/.env\"; }")),
            (4, Some("never { run \"git push *\"; }")),
            (4, None),
            (5, Some("may { run \"npm run test *\"; }")),
            (5, Some("may { write \"src/**\"; }")),
            (5, None),
        ]
    );
    let spec = project.read("factory.kdl");
    let profiles: Vec<_> = spec
        .lines()
        .filter(|line| line.trim().starts_with("profile \"client"))
        .collect();
    assert_eq!(
        profiles.len(),
        3,
        "two declared, one used by the maker alone\n{spec}"
    );
    let (code, text) = project.run(&["build"]);
    assert_eq!(code, 0, "{text}");
    let settings = project.read(".claude/settings.json");
    let foreign = SETTINGS
        .split("\"hooks\": {\"PreToolUse\": [{\"matcher\": \"Bash\"")
        .next()
        .unwrap();
    assert!(settings.starts_with(foreign), "{settings}");
    assert!(
        settings.contains("factory guard") && settings.contains("\"mine\""),
        "{settings}"
    );
    let (code, text) = project.run(&["eject"]);
    assert_eq!(code, 0, "{text}");
    for (path, bytes) in &before {
        let now = String::from_utf8(fs::read(path).unwrap()).unwrap();
        assert_eq!(
            now,
            String::from_utf8(bytes.clone()).unwrap(),
            "{}",
            path.display()
        );
    }
    assert!(!project.root().join("factory.lock").exists());
}

#[test]
fn leaving_takes_out_what_build_made_and_nothing_else() {
    let project = odd();
    let before = project.tree();
    project.run(&["adopt"]);
    project.run(&["build"]);
    assert!(project.root().join(".claude/settings.json").exists());
    let (code, text) = project.run(&["eject", "--dry-run"]);
    assert!(
        code == 0 && project.root().join("factory.lock").exists(),
        "{text}"
    );
    let (code, text) = project.run(&["eject"]);
    assert_eq!(code, 0, "{text}");
    let mut after = project.tree();
    after.retain(|path, _| {
        let inner = path.strip_prefix(project.root()).unwrap();
        inner != Path::new("factory.kdl") && !inner.starts_with("roles")
    });
    assert_eq!(after, before);
    assert_eq!(project.run(&["eject"]).0, 3, "there is nothing to leave");
}

#[test]
fn a_compiled_role_keeps_its_prompt_when_its_owner_leaves() {
    let project = Project::new(&[(
        ".claude/agents/a.md",
        "---\nname: a\ndescription: d\ncolor: red\n---\nPrompt.\n",
    )]);
    project.run(&["adopt"]);
    project.run(&["build"]);
    let spec = project
        .read("factory.kdl")
        .replace(" compile=\"verbatim\"", "");
    project.write("factory.kdl", &spec);
    let (code, text) = project.run(&["build"]);
    assert_eq!(code, 0, "{text}");
    let made = project.read(".claude/agents/a.md");
    assert!(
        made.contains("factory: \"sha256") && made.contains("color: red"),
        "{made}"
    );
    project.run(&["eject"]);
    let left = project.read(".claude/agents/a.md");
    assert!(
        !left.contains("sha256") && left.contains("Prompt."),
        "{left}"
    );
    assert!(made.contains("factory guard"), "{made}");
    let ours = |line: &&str| line.starts_with("factory: ") || line.starts_with("hooks: ");
    let kept: Vec<&str> = made.lines().filter(|line| !ours(line)).collect();
    assert_eq!(left.lines().collect::<Vec<_>>(), kept);
}

#[test]
fn a_hand_edit_of_an_adopted_file_is_found_and_kept() {
    let project = Project::new(&[(
        ".claude/agents/a.md",
        "---\nname: a\ndescription: d\ntools: Read\n---\nP\n",
    )]);
    project.run(&["adopt"]);
    project.run(&["build"]);
    let edited = "---\nname: a\ndescription: d\ntools: Read, Bash\n---\nP\n";
    project.write(".claude/agents/a.md", edited);
    let (code, text) = project.run(&["build"]);
    assert_eq!(code, 1, "{text}");
    assert!(
        text.contains("was edited by hand") && text.contains("tools: Read, Bash"),
        "{text}"
    );
    assert_eq!(project.read(".claude/agents/a.md"), edited);
    assert_eq!(project.run(&["build", "--overwrite"]).0, 0);
    // And a change of the spec reaches the file.
    let spec = project
        .read("factory.kdl")
        .replace("tools \"Read\"", "tools \"Read\" \"Grep\"");
    project.write("factory.kdl", &spec);
    let (code, text) = project.run(&["build"]);
    assert_eq!(code, 0, "{text}");
    assert_eq!(
        project.read(".claude/agents/a.md"),
        "---\nname: a\ndescription: d\ntools: Read, Grep\n---\nP\n"
    );
}

#[test]
fn an_observed_role_passes_and_is_taken_down_until_it_is_held() {
    let project = Project::new(&[
        (
            ".claude/agents/a.md",
            "---\nname: My Maker\ndescription: d\n---\nP\n",
        ),
        (
            ".claude/agents/b.md",
            "---\nname: b\ndescription: d\n---\nP\n",
        ),
    ]);
    project.run(&["adopt"]);
    assert_eq!(project.run(&["build"]).0, 0);
    let call = |agent: &str, tool: &str, input: Value| json!({"agent_type": agent, "tool_name": tool, "tool_input": input});
    let write = |path: &str| {
        call(
            "My Maker",
            "Write",
            json!({"file_path": path, "content": "x"}),
        )
    };
    for path in ["src/a.rs", "src/b.rs", "src/c/d.rs", "factory.kdl"] {
        assert_eq!(project.hook(&write(path)), 0, "{path}");
    }
    assert_eq!(
        project.hook(&call("My Maker", "Bash", json!({"command": "make check"}))),
        0
    );
    assert_eq!(
        project.hook(&call("b", "Read", json!({"file_path": "x"}))),
        0
    );
    let (code, text) = project.run(&["refusals"]);
    assert_eq!(code, 0, "{text}");
    for line in [
        "my-maker: 5 calls that nothing grants, 5 let pass; 1 day observed",
        "factory grant my-maker write 'src/**'",
        "factory grant my-maker run 'make check *'",
        "no grant: My Maker may not",
    ] {
        let line = line.replace("My Maker may not", "");
        assert!(text.contains(line.trim()), "{line}\n{text}");
    }
    let report = project.json(&["refusals", "--format", "json"]);
    assert_eq!(report["roles"][0]["groups"][0]["calls"], 3);
    let (_, text) = project.run(&["check"]);
    assert!(
        text.contains("the guard only observes 2 roles, for 1 day of work so far"),
        "{text}"
    );
    let (_, text) = project.run(&["check", "--held"]);
    assert!(text.contains("/ advised"), "{text}");

    let spec = project
        .read("factory.kdl")
        .replace("guard \"observe\"", "guard \"enforce\"");
    project.write("factory.kdl", &spec);
    assert_eq!(project.run(&["build"]).0, 0);
    assert_eq!(project.hook(&write("src/a.rs")), 2);
    assert_eq!(
        project.hook(&call("b", "Read", json!({"file_path": "x"}))),
        0
    );
    // In a run of the plan nothing is merely observed, whatever the spec says.
    let spec = project
        .read("factory.kdl")
        .replace("guard \"enforce\"", "guard \"observe\"");
    project.write("factory.kdl", &spec);
    assert_eq!(project.run(&["build"]).0, 0);
    let output = {
        use std::io::Write as _;
        let mut child = project
            .command(&["guard", "--role", "my-maker"])
            .stdin(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let call = json!({"cwd": project.root(), "tool_name": "Write", "tool_input": {"file_path": "src/a.rs"}});
        child
            .stdin
            .take()
            .unwrap()
            .write_all(call.to_string().as_bytes())
            .unwrap();
        child.wait_with_output().unwrap()
    };
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn nobody_but_a_person_at_a_terminal_turns_the_guard_off() {
    let project = Project::new(&[(
        ".claude/agents/a.md",
        "---\nname: a\ndescription: d\n---\nP\n",
    )]);
    project.run(&["adopt"]);
    project.run(&["build"]);
    let spec = project
        .read("factory.kdl")
        .replace("\"observe\"", "\"enforce\"");
    project.write("factory.kdl", &spec);
    project.run(&["build"]);
    let (code, text) = project.run(&["guard", "off", "--for", "30m"]);
    assert_eq!(code, 2, "{text}");
    assert!(text.contains("by a person"), "{text}");
    let call = json!({"agent_type": "a", "tool_name": "Write", "tool_input": {"file_path": "x"}});
    assert_eq!(project.hook(&call), 2);
    for time in ["30", "0m", "25h", "m", "-1m"] {
        assert_eq!(project.run(&["guard", "off", "--for", time]).0, 2, "{time}");
    }
    // `script` gives a terminal to what it starts.
    let on_terminal = |variables: &[(&str, &str)], words: &str| {
        let line = format!("{} {words}", env!("CARGO_BIN_EXE_factory"));
        let mut command = Command::new("script");
        command
            .args(["-qec", &line, "/dev/null"])
            .current_dir(project.root())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        for (name, value) in variables {
            command.env(name, value);
        }
        command.status().map(|status| status.code())
    };
    let Ok(first) = on_terminal(&[("CLAUDECODE", "1")], "guard off --for 30m") else {
        eprintln!("skipped: there is no `script` that gives a terminal");
        return;
    };
    assert_eq!(first, Some(2));
    assert_eq!(project.hook(&call), 2);
    assert_eq!(on_terminal(&[], "guard off --for 30m").unwrap(), Some(0));
    assert_eq!(project.hook(&call), 0);
    assert_eq!(on_terminal(&[], "guard on").unwrap(), Some(0));
    assert_eq!(project.hook(&call), 2);
}

#[test]
fn a_factory_that_is_there_is_extended_and_its_text_stays() {
    let spec = "// Mine.\nfactory \"f\" spec=1 { target \"claude-code\"; }\nmodel \"small\" id=\"haiku\"\nrole \"plain\" model=\"small\" prompt=\"roles/plain.md\" { description \"d\"; }";
    let project = Project::new(&[
        ("factory.kdl", spec),
        ("roles/plain.md", "Own.\n"),
        (
            ".claude/agents/other.md",
            "---\nname: plain\ndescription: Theirs\nmodel: haiku\n---\nP\n",
        ),
    ]);
    let (_, text) = project.run(&["adopt"]);
    let now = project.read("factory.kdl");
    assert!(now.starts_with(spec), "{now}\n{text}");
    let added = &now[spec.len()..];
    assert!(
        added.contains("role \"plain-2\" model=\"small\""),
        "{added}"
    );
    assert!(added.contains("guard \"observe\""), "{added}");
    assert_eq!(project.read("roles/plain.md"), "Own.\n");
    let (code, text) = project.run(&["check"]);
    assert_eq!(code, 0, "{text}");
    project.write("factory.kdl", "factory \"f\" spec=1 {");
    let (code, text) = project.run(&["adopt"]);
    assert_eq!(code, 3, "{text}");
    assert_eq!(project.read("factory.kdl"), "factory \"f\" spec=1 {");
}

#[test]
fn a_real_collection_is_adopted_whole() {
    let Some(data) = std::env::var_os("FACTORY_TEST_DATA") else {
        eprintln!("skipped: FACTORY_TEST_DATA names no folder with `data/agents`");
        return;
    };
    let project = Project::new(&[]);
    let data = PathBuf::from(data).join("data/agents");
    let mut count = 0;
    for entry in walkdir::WalkDir::new(&data).into_iter().flatten() {
        let inner = entry.path().strip_prefix(&data).unwrap();
        if entry.file_type().is_file() && inner.extension().is_some_and(|end| end == "md") {
            project.write(
                &format!(".claude/agents/{}", inner.display()),
                &fs::read_to_string(entry.path()).unwrap(),
            );
            count += 1;
        }
    }
    let report = project.json(&["adopt", "--format", "json"]);
    let fates = fates(&report);
    assert_eq!(fates.len(), count);
    assert!(fates.values().all(|fate| fate == "adopted"), "{fates:#?}");
    let (code, text) = project.run(&["check"]);
    assert_eq!(code, 0, "{text}");
    round_trip(&project);
}
