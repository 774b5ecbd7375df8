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
    (
        "tools-null",
        "---\nname: tools-null\ndescription: d\ntools:\n---\nP\n",
        "adopted",
    ),
    (
        "tools-empty",
        "---\nname: tools-empty\ndescription: d\ntools: \"\"\n---\nP\n",
        "adopted",
    ),
    (
        "tools-tilde",
        "---\nname: tools-tilde\ndescription: d\ntools: ~\nmodel: ~\n---\nP\n",
        "adopted",
    ),
    (
        "tools-single",
        "---\nname: tools-single\ndescription: d\ntools: ''\nmodel: ''\n---\nP\n",
        "adopted",
    ),
    (
        "tools-map",
        "---\nname: tools-map\ndescription: d\ntools: {}\n---\nP\n",
        "adopted",
    ),
    (
        "tools-number",
        "---\nname: tools-number\ndescription: d\ntools: 5\nmodel: 5\n---\nP\n",
        "adopted",
    ),
    (
        "tools-spaced",
        "---\nname: tools-spaced\ndescription: d\ntools: [ ]\ndisallowedTools:\n---\nP\n",
        "adopted",
    ),
    (
        "model-null",
        "---\nname: model-null\ndescription: d\nmodel: null\n---\nP\n",
        "adopted",
    ),
    (
        "model-empty",
        "---\nname: model-empty\ndescription: d\nmodel: \"\"\n---\nP\n",
        "adopted",
    ),
    (
        "model-blank",
        "---\nname: model-blank\ndescription: d\nmodel: \"  \"\n---\nP\n",
        "adopted",
    ),
    (
        "model-crlf",
        "---\r\nname: model-crlf\r\ndescription: d\r\nmodel:\r\ntools:\r\n---\r\nP\r\n",
        "adopted",
    ),
    (
        "alias",
        "---\nname: alias\ndescription: d\nown: &t [Read, Grep]\ntools: *t\nother: &m haiku\nmodel: *m\n---\nP\n",
        "adopted",
    ),
    (
        "anchors",
        "---\nname: &n anchors\ndescription: *n\nmodel: &m haiku\ntools: &t [Read]\ndisallowedTools: *t\n---\nP\n",
        "adopted",
    ),
    (
        "inner-dashes",
        "---\nname: a--b-\ndescription: d\n---\nP\n",
        "adopted",
    ),
    (
        "odd-hooks",
        "---\nname: odd-hooks\ndescription: d\nhooks:\n  Bogus: x\n---\nP\n",
        "adopted",
    ),
    (
        "empty-hooks",
        "---\nname: empty-hooks\ndescription: d\nhooks:\n---\nP\n",
        "adopted",
    ),
    (
        "list-hooks",
        "---\nname: list-hooks\ndescription: d\nhooks: []\n---\nP\n",
        "left",
    ),
    (
        "text-hooks",
        "---\nname: text-hooks\ndescription: d\nhooks: x\n---\nP\n",
        "left",
    ),
    ("dash", "---\nname: -x\ndescription: d\n---\nP\n", "left"),
    (
        ".hidden",
        "---\nname: hidden-file\ndescription: d\n---\nP\n",
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
        "c.md:4:21: error[factory::adopt::whole-tool]",
        "c.md:4:14: error[factory::adopt::unknown-tool]",
        "d.md:4:8: error[factory::adopt::unknown-tool]",
        "d.md:4:14: error[factory::adopt::unknown-tool]",
        "a.md:2:1: advice[factory::adopt::everything-allowed]",
        "c.md:5:8: warning[factory::adopt::unknown-model]",
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

const PAIR: [(&str, &str); 2] = [
    (
        ".claude/agents/a.md",
        "---\nname: My Maker\ndescription: d\n---\nP\n",
    ),
    (
        ".claude/agents/b.md",
        "---\nname: My Other\ndescription: d\n---\nP\n",
    ),
];

fn calls(tool: &str, input: Value) -> Value {
    let mut call = json!({"agent_type": "My Maker", "tool_name": tool});
    call["tool_input"] = input;
    call
}

#[test]
fn every_grant_that_is_offered_is_written_and_then_nothing_is_left_to_offer() {
    let project = Project::new(&PAIR);
    project.run(&["adopt"]);
    project.run(&["build"]);
    let write = |path: &str| calls("Write", json!({"file_path": path, "content": "x"}));
    let shell = |line: &str| calls("Bash", json!({"command": line}));
    let agent = |name: &str| {
        calls(
            "Agent",
            json!({"subagent_type": name, "prompt": "p", "description": "d"}),
        )
    };
    let grantable = [
        write("src/a.rs"),
        write("src/b.rs"),
        write("src/c/d.rs"),
        write("app/[id]/page.tsx"),
        shell("make lint && npm test; cargo doc"),
        shell("echo x > out/x.txt"),
        agent("My Other"),
        calls(
            "WebFetch",
            json!({"url": "https://Docs.rs/x", "prompt": "p"}),
        ),
    ];
    let hopeless = [
        agent("general-purpose"),
        calls("mcp__db__query", json!({})),
        shell("a $x"),
        shell("printf '\u{1b}[31mred' | tee $OUT"),
        write("\u{1b}[2Jgone.txt"),
        write("/etc/passwd"),
        write("factory.kdl"),
        calls("Skill", json!({})),
        calls(
            "WebFetch",
            json!({"url": "file:///etc/passwd", "prompt": "p"}),
        ),
    ];
    for call in grantable.iter().chain(&hopeless) {
        assert_eq!(project.hook(call), 0, "{call}");
    }
    let (code, text) = project.run(&["refusals"]);
    assert_eq!(code, 0, "{text}");
    assert!(!text.contains('\u{1b}'), "{text}");
    assert!(text.contains("\\u{1b}[2Jgone.txt"), "{text}");
    let commands = || -> Vec<String> {
        let report = project.json(&["refusals", "--format", "json"]);
        let roles = report["roles"].as_array().unwrap().iter();
        let groups = roles.flat_map(|role| role["groups"].as_array().unwrap());
        groups
            .filter_map(|group| group["command"].as_str().map(str::to_owned))
            .collect()
    };
    let offered = commands();
    for grant in [
        "my-maker write 'src/**'",
        "my-maker write 'app/[[]id[]]/page.tsx'",
        "my-maker run 'make lint *'",
        "my-maker run 'npm test *'",
        "my-maker run 'cargo doc *'",
        "my-maker write out/x.txt",
        "my-maker delegate my-other",
        "my-maker reach docs.rs",
    ] {
        let grant = format!("factory grant {grant}");
        assert!(offered.contains(&grant), "{grant}: {offered:#?}\n{text}");
    }
    let programs = Path::new(env!("CARGO_BIN_EXE_factory")).parent().unwrap();
    let path = format!("{}:/usr/bin:/bin", programs.display());
    for command in &offered {
        let mut shell = Command::new("sh");
        let shell = shell
            .args(["-c", command])
            .current_dir(project.root())
            .env("PATH", &path)
            .env("FACTORY_CACHE_DIR", project.cache.path());
        let (code, text) = said(&shell.output().unwrap());
        assert_eq!(code, 0, "{command}: {text}");
    }
    let (code, text) = project.run(&["check"]);
    assert_eq!(code, 0, "{text}");
    assert!(
        text.contains("role `my-maker` may write, and no gate judges the work"),
        "{text}"
    );
    assert_eq!(project.run(&["build"]).0, 0);
    assert_eq!(commands(), Vec::<String>::new());
    // Once it is held, a gate is asked for.
    let spec = project
        .read("factory.kdl")
        .replace("guard \"observe\"", "guard \"enforce\"");
    project.write("factory.kdl", &spec);
    let (code, text) = project.run(&["check"]);
    assert!(code == 1 && text.contains("ungated-write"), "{text}");
    let gated = spec.replace("may {", "gates \"t\"\n    may {") + "gate \"t\" { run \"true\"; }\n";
    project.write("factory.kdl", &gated);
    assert_eq!(project.run(&["build"]).0, 0);
    for call in &grantable {
        assert_eq!(project.hook(call), 0, "{call}");
    }
}

#[test]
fn a_session_is_told_what_is_refused_only_where_it_is() {
    let project = Project::new(&PAIR);
    project.run(&["adopt"]);
    project.run(&["build"]);
    let told = || {
        use std::io::Write as _;
        let mut child = project
            .command(&["guard", "--context"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let start = json!({"agent_type": "My Maker", "cwd": project.root()});
        let mut pipe = child.stdin.take().unwrap();
        pipe.write_all(start.to_string().as_bytes()).unwrap();
        drop(pipe);
        String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap()
    };
    assert_eq!(told(), "", "nothing is refused to a role that is observed");
    let spec = project
        .read("factory.kdl")
        .replace("guard \"observe\"", "guard \"enforce\"");
    project.write("factory.kdl", &spec);
    project.run(&["build"]);
    let text = told();
    assert!(
        text.contains("session of the role `My Maker`") && text.contains("judged"),
        "{text}"
    );
    assert!(
        !text.contains("in your instructions"),
        "its prompt is its owner's alone\n{text}"
    );
    let spec = project
        .read("factory.kdl")
        .replace(" compile=\"verbatim\"", "");
    project.write("factory.kdl", &spec);
    let (code, text) = project.run(&["build"]);
    assert_eq!(code, 0, "{text}");
    let text = told();
    assert!(text.contains("in your instructions"), "{text}");
    switch_off(&project, 600);
    assert_eq!(told(), "", "nothing is refused while the guard is off");
}

// The guard as it is after a person has turned it off, for so many seconds.
fn switch_off(project: &Project, seconds: u64) {
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap()
        .as_secs();
    project.write(".git/factory/guard-off", &(now + seconds).to_string());
}

#[test]
fn check_says_how_long_each_role_was_observed_and_that_the_guard_is_off() {
    let project = Project::new(&PAIR);
    project.run(&["adopt"]);
    project.run(&["build"]);
    for day in ["20000", "20001"] {
        project.write(&format!(".git/factory/observed/my-maker/{day}"), "");
    }
    let (_, text) = project.run(&["check"]);
    assert!(
        text.contains("2 days: my-maker\n") && text.contains("no day: my-other\n"),
        "{text}"
    );
    assert!(!text.contains("is off"), "{text}");
    switch_off(&project, 600);
    for arguments in [&["check"][..], &["check", "--held"]] {
        let (_, text) = project.run(arguments);
        assert!(text.contains("the guard is off"), "{text}");
    }
    // No role writes there, by whatever way.
    let spec = project
        .read("factory.kdl")
        .replace("guard \"observe\"", "guard \"enforce\"");
    let spec = spec.replace(
        "role \"my-maker\"",
        "gate \"t\" { run \"true\"; }\nrole \"my-maker\"",
    );
    let spec = spec.replacen(
        "agent \".claude/agents/a.md\"",
        "gates \"t\"\n    may { write \"**\"; run \"tee *\" \"cp *\"; }\n    agent \".claude/agents/a.md\"",
        1,
    );
    project.write("factory.kdl", &spec);
    let (code, text) = project.run(&["build"]);
    assert_eq!(code, 0, "{text}");
    fs::remove_file(project.root().join(".git/factory/guard-off")).unwrap();
    let line = |line: &str| calls("Bash", json!({"command": line}));
    assert_eq!(project.hook(&line("cp a src/b")), 0);
    for call in [
        calls(
            "Write",
            json!({"file_path": ".git/factory/guard-off", "content": "9"}),
        ),
        line("echo 9 | tee .git/factory/guard-off"),
        line("cp a .git/factory/guard-off"),
        line("echo 9 > .git/factory/guard-off"),
    ] {
        assert_eq!(project.hook(&call), 2, "{call}");
    }
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
    // Nor does an emptied environment help: those that started it have theirs.
    let factory = env!("CARGO_BIN_EXE_factory");
    let emptied = format!(
        "env -i \"$(command -v script)\" -qec '{factory} guard off --for 30m' /dev/null; echo $?"
    );
    let mut agents = Command::new("sh");
    let agents = agents
        .args(["-c", &emptied])
        .current_dir(project.root())
        .env("CLAUDECODE", "1")
        .stdin(Stdio::null());
    let (_, text) = said(&agents.output().unwrap());
    assert!(text.contains("by a person"), "{text}");
    assert_eq!(project.hook(&call), 2);
    if std::env::vars().any(|(name, _)| name == "CLAUDECODE") {
        eprintln!("skipped: these tests are run by an agent");
        return;
    }
    assert_eq!(on_terminal(&[], "guard off --for 30m").unwrap(), Some(0));
    assert_eq!(project.hook(&call), 0);
    assert_eq!(on_terminal(&[], "guard on").unwrap(), Some(0));
    assert_eq!(project.hook(&call), 2);
}

// The codes of what was found, and of the files that it was found in.
fn codes(report: &Value) -> Vec<String> {
    let findings = report["findings"]["findings"].as_array().unwrap().iter();
    findings
        .map(|finding| finding["code"].as_str().unwrap().to_owned())
        .collect()
}

fn agent(name: &str) -> String {
    format!("---\nname: {name}\ndescription: d\ntools: Read\n---\nP\n")
}

#[test]
fn what_the_client_does_not_read_as_a_plain_file_is_left_and_said() {
    use std::os::unix::fs::symlink;
    let project = Project::new(&[
        (".claude/agents/plain.md", &agent("plain")),
        ("shared/outer.md", &agent("outer")),
        ("shared/folder/inner.md", &agent("inner")),
        (".claude/agents/notes.md", "# Notes\n"),
    ]);
    let agents = project.root().join(".claude/agents");
    symlink(project.root().join("shared/outer.md"), agents.join("a.md")).unwrap();
    symlink(project.root().join("shared/folder"), agents.join("b")).unwrap();
    symlink(agents.join("plain.md"), agents.join("z.md")).unwrap();
    symlink("nowhere.md", agents.join("broken.md")).unwrap();
    let head = agent("large");
    let largest = 1 << 20;
    project.write(
        ".claude/agents/fits.md",
        &format!("{}{}", agent("fitts"), "x".repeat(largest - head.len())),
    );
    project.write(
        ".claude/agents/large.md",
        &format!("{head}{}", "x".repeat(largest - head.len() + 1)),
    );
    fs::write(
        agents.join("latin.md"),
        b"---\nname: latin\ndescription: \xe9\n---\nP\n",
    )
    .unwrap();
    let before = project.tree();
    let report = project.json(&["adopt", "--format", "json"]);
    let fates = fates(&report);
    let adopted: Vec<&str> = fates
        .iter()
        .filter(|(_, fate)| *fate == "adopted")
        .map(|(path, _)| path.as_str())
        .collect();
    assert_eq!(
        adopted,
        [".claude/agents/fits.md", ".claude/agents/plain.md"]
    );
    for left in ["a", "b/inner", "z", "broken", "large", "latin", "notes"] {
        let path = format!(".claude/agents/{left}.md");
        assert_eq!(
            fates.get(&path).map(String::as_str),
            Some("left"),
            "{left}: {fates:#?}"
        );
    }
    let codes = codes(&report);
    let count = |code: &str| codes.iter().filter(|known| known.ends_with(code)).count();
    // The client loads the links and the odd letter; it loads neither the broken nor the large one.
    assert_eq!(count("not-adopted"), 4, "{codes:?}");
    assert_eq!(count("not-loaded"), 2, "{codes:?}");
    assert_eq!(count("no-front-matter"), 1, "{codes:?}");
    for (path, bytes) in &before {
        assert!(fs::read(path).unwrap() == *bytes);
    }
    round_trip(&project);
}

#[test]
fn one_bad_file_or_rule_stops_no_other() {
    // A factory whose rule forbids what the settings allow, and what one agent would be.
    let spec = "factory \"f\" spec=1 { target \"claude-code\"; guard \"observe\"; }\n\
                rule \"sources are kept\" { because \"x\"; cannot { write \"src/**\"; }; }\n";
    let project = Project::new(&[
        ("factory.kdl", spec),
        (
            ".claude/settings.json",
            "{\"permissions\": {\"allow\": [\"Edit(/src/**)\"], \"deny\": [\"Bash(git push:*)\"]}}",
        ),
        (
            ".claude/agents/a.md",
            "---\nname: a\ndescription: d\n---\nP\n",
        ),
        (".claude/agents/b.md", &agent("b")),
    ]);
    let report = project.json(&["adopt", "--format", "json"]);
    let fates = fates(&report);
    assert!(
        fates.values().all(|fate| fate == "adopted"),
        "{fates:?} {report:#}"
    );
    assert!(codes(&report).contains(&"factory::adopt::unfit-rules".to_owned()));
    assert!(
        report["rules"]
            .as_array()
            .unwrap()
            .iter()
            .all(|rule| rule["grant"].is_null())
    );
    let (code, text) = project.run(&["check"]);
    assert_eq!(code, 0, "{text}");
    let (code, text) = project.run(&["build"]);
    assert_eq!(code, 0, "{text}");

    // What was asked for and is not there is said, and the rest adopted.
    let project = Project::new(&[(".claude/agents/b.md", &agent("b"))]);
    let (code, text) = project.run(&["adopt", "b", "missing"]);
    assert_eq!(code, 1, "{text}");
    assert!(
        text.contains("adopted 1 of 2") && text.contains("missing: it is no agent"),
        "{text}"
    );
}

#[test]
fn nothing_is_said_to_be_written_before_it_is() {
    let project = Project::new(&[(".claude/agents/b.md", &agent("b"))]);
    fs::write(
        project.root().join("roles"),
        "a file where a folder belongs",
    )
    .unwrap();
    let (code, text) = project.run(&["adopt"]);
    assert_eq!(code, 3, "{text}");
    assert!(!text.contains("wrote"), "{text}");
    assert!(text.contains("everything is as it was"), "{text}");
    assert!(!project.root().join("factory.kdl").exists());
}

#[test]
fn what_a_killed_adoption_left_is_taken_back_by_whoever_reads_the_spec() {
    let project = Project::new(&[(".claude/agents/b.md", &agent("b"))]);
    project.run(&["adopt"]);
    let spec = project.read("factory.kdl");
    let before = project.tree();
    // Killed between the prompts and the spec: the record, and a prompt that stands.
    project.write("roles/new.md", "New.\n");
    let digest = factory::cache::Digest::of("New.\n");
    let other = factory::cache::Digest::of("another spec");
    let record = format!("{digest} roles/new.md\n{other} factory.kdl\n");
    project.write(".git/factory-adopt/record", &record);
    project.write(".git/factory-adopt/tree/factory.kdl", "another spec");
    assert_eq!(project.run(&["check"]).0, 0);
    assert_eq!(project.tree(), before);
    assert_eq!(project.read("factory.kdl"), spec);
    assert!(!project.root().join(".git/factory-adopt").exists());
}

#[test]
fn settings_are_read_as_the_client_reads_them() {
    let rule = "{\"permissions\": {\"deny\": [\"Bash(git push:*)\"]}}";
    let utf16: Vec<u8> = [0xfeff]
        .into_iter()
        .chain(rule.encode_utf16())
        .flat_map(u16::to_le_bytes)
        .collect();
    let latin = [&b"{\"x\": \"\xe9\", "[..], &rule.as_bytes()[1..]].concat();
    let cases: [(&[u8], bool); 6] = [
        (rule.as_bytes(), true),
        (&[b"\xef\xbb\xbf", rule.as_bytes()].concat(), true),
        (&utf16, true),
        (&latin, true),
        (b"// why\n{}", false),
        (
            b"{\"permissions\": {\"deny\": [\"Bash(git push:*)\"]}, \"model\": 5}",
            false,
        ),
    ];
    for (bytes, is_read) in cases {
        let project = Project::new(&[(".claude/agents/b.md", &agent("b"))]);
        fs::write(project.root().join(".claude/settings.json"), bytes).unwrap();
        let report = project.json(&["adopt", "--format", "json"]);
        let shown = String::from_utf8_lossy(bytes);
        assert_eq!(
            report["rules"].as_array().unwrap().len(),
            usize::from(is_read),
            "{shown}"
        );
        let broken = codes(&report).contains(&"factory::adopt::broken-settings".to_owned());
        assert_eq!(broken, !is_read, "{shown}");
    }
}

#[test]
fn a_profile_of_the_same_name_is_anothers() {
    let spec = "factory \"f\" spec=1 { target \"claude-code\"; guard \"observe\"; }\n\
                profile \"client-commands\" { may { run \"rm *\"; }; }\n";
    let settings = "{\"permissions\": {\"allow\": [\"Bash(make:*)\"]}}";
    let project = Project::new(&[
        ("factory.kdl", spec),
        (".claude/settings.json", settings),
        (
            ".claude/agents/a.md",
            "---\nname: a\ndescription: d\n---\nP\n",
        ),
    ]);
    project.run(&["adopt"]);
    let now = project.read("factory.kdl");
    assert!(
        now.contains("profile \"client-commands-2\" { may { run \"make *\"; }; }"),
        "{now}"
    );
    assert!(now.contains("    profile \"client-commands-2\"\n"), "{now}");
    // The same once more is the same profile.
    project.write(
        ".claude/agents/b.md",
        "---\nname: b\ndescription: d\n---\nP\n",
    );
    project.run(&["adopt"]);
    let now = project.read("factory.kdl");
    assert!(!now.contains("client-commands-3"), "{now}");
    assert_eq!(
        now.matches("    profile \"client-commands-2\"\n").count(),
        2,
        "{now}"
    );
    assert_eq!(project.run(&["check"]).0, 0);
}

const MCP: &str = r#"{"mcpServers": {
  "db" : {"command":"npx","args":["-y","db@1.2.3"],"env":{"KEY":"${KEY}"}},
  "web": {"type": "http", "url": "https://x.org"}
}}"#;

#[test]
fn servers_become_nodes_and_their_file_keeps_its_bytes() {
    let project = Project::new(&[(".mcp.json", MCP), (".claude/agents/a.md", &agent("a"))]);
    let report = project.json(&["adopt", "--format", "json"]);
    assert_eq!(report["servers"][0], json!({"name": "db", "kept": null}));
    assert_eq!(report["servers"][1]["name"], "web");
    assert!(codes(&report).contains(&"factory::adopt::kept-server".to_owned()));
    let spec = project.read("factory.kdl");
    let node = "server \"db\" keep=#true { command \"npx\" \"-y\" \"db@1.2.3\"; env \"KEY\"; }";
    assert!(spec.contains(node), "{spec}");
    let (code, text) = project.run(&["check"]);
    assert!(code == 0 && !text.contains("`db`"), "{text}");
    round_trip(&project);
    let (_, text) = project.run(&["adopt"]);
    assert!(text.contains("nothing is new"), "{text}");
    let (code, text) = project.run(&["grant", "a", "use", "mcp:db/query"]);
    assert_eq!(code, 0, "{text}");
    assert_eq!(project.run(&["build"]).0, 0);
    assert_eq!(project.read(".mcp.json"), MCP);
    assert_eq!(project.run(&["eject"]).0, 0);
    assert_eq!(project.read(".mcp.json"), MCP);
}

#[test]
fn a_document_keeps_its_text_and_is_offered_only_what_no_heading_says() {
    for (text, is_offered) in [
        ("# Mine\n\nWords.\n", true),
        ("# Mine\n\n## Roles\n\nHand-made.\n", false),
        ("# Mine\n\n## 3. `Roles`\n", false),
        ("# Mine\n\nroles\n", true),
    ] {
        let project = Project::new(&[(".claude/agents/a.md", &agent("a")), ("CLAUDE.md", text)]);
        let report = project.json(&["adopt", "--format", "json"]);
        let offers = report["offers"].as_array().unwrap();
        assert_eq!(!offers.is_empty(), is_offered, "{text}");
        assert_eq!(project.read("CLAUDE.md"), text);
        // What is offered is taken as it stands.
        let Some(node) = offers.first().and_then(Value::as_str) else {
            continue;
        };
        let spec = project.read("factory.kdl");
        project.write("factory.kdl", &format!("{spec}\n{node}\n"));
        let (code, said) = project.run(&["build"]);
        assert_eq!(code, 0, "{said}");
        let now = project.read("CLAUDE.md");
        assert!(now.starts_with(text) && now.contains("## Roles"), "{now}");
        assert_eq!(project.run(&["eject"]).0, 0);
        assert!(project.read("CLAUDE.md").starts_with(text));
    }
}

#[test]
fn leaving_gives_settings_back_byte_for_byte_whatever_they_held() {
    for settings in [
        "{}",
        "{\n}\n",
        "\u{feff}{\"model\": \"opus\"}",
        "{\"hooks\": {}}\n",
        "{\"hooks\": {\"PreToolUse\": []}, \"env\": {}}",
        "{\r\n\t\"hooks\": {\r\n\t\t\"PreToolUse\": [ ]\r\n\t}\r\n}\r\n",
        "{\"hooks\": {\"SessionStart\": [], \"Stop\": []}}",
        "{\"hooks\": {\"PreToolUse\": [{\"matcher\": \"Bash\", \"hooks\": []}]}  }",
        "{ \"permissions\" : { \"allow\" : [ ] } ,\n\n \"hooks\":{\"Stop\":[{\"hooks\":[{\"type\":\"command\",\"command\":\"x\"}]}]} }",
        "",
        " \n",
    ] {
        let project = Project::new(&[
            (".claude/settings.json", settings),
            (".claude/agents/a.md", &agent("a")),
        ]);
        let before = project.tree();
        project.run(&["adopt"]);
        let (code, text) = project.run(&["build"]);
        assert_eq!(code, 0, "{settings:?}: {text}");
        assert!(
            project
                .read(".claude/settings.json")
                .contains("factory guard")
        );
        let (code, text) = project.run(&["eject"]);
        assert_eq!(code, 0, "{settings:?}: {text}");
        for (path, bytes) in &before {
            let now = String::from_utf8_lossy(&fs::read(path).unwrap()).into_owned();
            assert_eq!(now, String::from_utf8_lossy(bytes), "{settings:?}");
        }
        assert!(!project.root().join("factory.lock").exists());
    }
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
