//! The hook as the client runs it, with the real binary on the PATH; and what is said of what holds a
//! boundary.

use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use serde_json::{Value, json};

const SPEC: &str = r#"factory "f" spec=1 { target "claude-code"; target "agents-md"; DRIVER }
model "m" id="claude-opus-5-5"
gate "g" { run "true"; }
server "browser" { command "npx" "-y" "browser@1.2.3"; }
role "builder" model="m" prompt="roles/builder.md" {
    description "Builds"
    gates "g"
    may { write "app/**"; run "cat *" "tee *"; use "mcp:browser/click"; }
    never { read "config/deploy.yml"; }
}
role "all" model="m" prompt="roles/all.md" { description "Uses all"; may { use "mcp:browser"; }; }
role "some" model="m" prompt="roles/some.md" { description "Uses some"; may { use "mcp:browser/get-*"; }; }
role "less" model="m" prompt="roles/less.md" {
    description "Uses less"
    may { use "mcp:browser"; }
    never { use "mcp:browser/danger"; }
}
"#;

struct Project {
    folder: tempfile::TempDir,
}

impl Project {
    fn built(driver: &str) -> Self {
        let project = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        project.write("factory.kdl", &SPEC.replace("DRIVER", driver));
        for role in ["builder", "all", "some", "less"] {
            project.write(&format!("roles/{role}.md"), "Do it well.\n");
        }
        project.write("config/deploy.yml", "secret\n");
        project.write("app/a.txt", "old\n");
        fs::create_dir(project.root().join(".git")).unwrap();
        let (code, said) = project.factory(&["build"]);
        assert_eq!(code, 0, "{said}");
        project
    }

    fn root(&self) -> PathBuf {
        self.folder.path().canonicalize().unwrap()
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn read(&self, path: &str) -> String {
        fs::read_to_string(self.root().join(path)).unwrap()
    }

    fn factory(&self, args: &[&str]) -> (i32, String) {
        let output = Command::new(env!("CARGO_BIN_EXE_factory"))
            .args(args)
            .current_dir(self.root())
            .env("NO_COLOR", "1")
            .env_remove("CLAUDE_PROJECT_DIR")
            .output()
            .unwrap();
        let text = [output.stdout, output.stderr].concat();
        let text = String::from_utf8_lossy(&text).into_owned();
        (output.status.code().unwrap(), text)
    }

    // The command of the hook before tools in the settings.
    fn hook(&self) -> String {
        let settings: Value = serde_json::from_str(&self.read(".claude/settings.json")).unwrap();
        command(&settings["hooks"])
    }

    // The command of the hook before tools in the file of a role.
    fn own_hook(&self, role: &str) -> String {
        let file = self.read(&format!(".claude/agents/{role}.md"));
        let hooks = file.lines().find_map(|line| line.strip_prefix("hooks: "));
        command(&serde_json::from_str(hooks.unwrap()).unwrap())
    }
}

// What a hook says to a call in `cwd`: its exit code, its output, its reason.
fn says(hook: &str, cwd: &Path, call: &Value) -> (i32, String, String) {
    let programs = Path::new(env!("CARGO_BIN_EXE_factory")).parent().unwrap();
    let mut call = call.clone();
    call["cwd"] = json!(cwd);
    let mut child = Command::new("/bin/sh")
        .args(["-c", hook])
        .env_clear()
        .env("PATH", format!("{}:/usr/bin:/bin", programs.display()))
        .env("CLAUDE_PROJECT_DIR", cwd)
        .current_dir(cwd)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut pipe = child.stdin.take().unwrap();
    pipe.write_all(call.to_string().as_bytes()).unwrap();
    drop(pipe);
    let output = child.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (
        output.status.code().unwrap(),
        text(output.stdout),
        text(output.stderr),
    )
}

fn command(hooks: &Value) -> String {
    let command = &hooks["PreToolUse"][0]["hooks"][0]["command"];
    command.as_str().unwrap().to_owned()
}

#[test]
fn the_hooks_that_are_written_hold_a_role_and_leave_a_person_alone() {
    let project = Project::built("");
    let root = project.root();
    let write = |agent: Option<&str>, path: &str| json!({"agent_type": agent, "tool_name": "Write", "tool_input": {"file_path": root.join(path), "content": ""}});
    let hook = project.hook();
    let own = project.own_hook("builder");
    for (hook, cwd) in [(&hook, ""), (&own, ""), (&own, "app")] {
        let tries = |call: &Value| says(hook, &root.join(cwd), call);
        let passed = tries(&write(Some("builder"), "app/b.txt"));
        assert_eq!(passed, (0, String::new(), String::new()), "{cwd}");
        let (code, _, why) = tries(&write(Some("builder"), "config/new.yml"));
        assert!(
            code == 2 && why.contains("may not write `config/new.yml`"),
            "{why}"
        );
    }
    let mut person = write(None, "config/new.yml");
    person.as_object_mut().unwrap().remove("agent_type");
    assert_eq!(
        says(&hook, &root, &person),
        (0, String::new(), String::new())
    );
    // In the file of an agent it is that agent's call.
    assert_eq!(says(&own, &root, &person).0, 2);
    person["tool_input"]["file_path"] = json!(root.join("factory.kdl"));
    let (code, asked, _) = says(&hook, &root, &person);
    let asked: Value = serde_json::from_str(&asked).unwrap();
    assert_eq!(code, 0);
    assert_eq!(asked["hookSpecificOutput"]["permissionDecision"], "ask");
}

fn line<'a>(text: &'a str, role: &str, capability: &str) -> &'a str {
    let mut lines = text
        .lines()
        .skip_while(|line| !line.starts_with(&format!("  {role} ")));
    let found = lines.find(|line| line.contains(&format!("  {capability} ")));
    found.unwrap_or_else(|| panic!("{role} {capability}: {text}"))
}

#[test]
fn what_holds_is_told_by_driver_platform_and_client() {
    // (the driver, the role, the capability, what holds it: Linux, macOS, claude-code, AGENTS.md)
    let cases = [
        (
            "",
            "builder",
            "read",
            "guarded   / guarded   / guarded   / advised",
        ),
        (
            "",
            "builder",
            "write",
            "prevented / rejected  / guarded   / advised",
        ),
        (
            "",
            "builder",
            "use",
            "prevented / prevented / prevented / advised",
        ),
        (
            "",
            "all",
            "use",
            "prevented / prevented / prevented / advised",
        ),
        (
            "",
            "some",
            "use",
            "guarded   / guarded   / guarded   / advised",
        ),
        (
            "",
            "less",
            "use",
            "guarded   / guarded   / guarded   / advised",
        ),
        (
            "",
            "builder",
            "env",
            "prevented / prevented / advised   / advised",
        ),
        (
            "command",
            "builder",
            "read",
            "advised   / advised   / guarded   / advised",
        ),
        (
            "command",
            "builder",
            "write",
            "prevented / rejected  / guarded   / advised",
        ),
        (
            "command",
            "builder",
            "run",
            "advised   / advised   / guarded   / advised",
        ),
        (
            "command",
            "all",
            "use",
            "advised   / advised   / prevented / advised",
        ),
        (
            "command",
            "builder",
            "delegate",
            "advised   / advised   / guarded   / advised",
        ),
        (
            "command",
            "builder",
            "env",
            "prevented / prevented / advised   / advised",
        ),
    ];
    let projects = ["", "driver \"command\" { command \"bin/agent\"; };"].map(Project::built);
    let said = projects
        .each_ref()
        .map(|project| project.factory(&["check", "--held"]).1);
    for (driver, role, capability, layers) in cases {
        let text = &said[usize::from(driver == "command")];
        let found = line(text, role, capability);
        assert!(found.ends_with(layers), "{driver}: {found}");
    }
    assert!(said[1].contains("with the driver command\n"), "{}", said[1]);
    assert!(
        said[0].contains("Left open where a person starts a role"),
        "{}",
        said[0]
    );

    let lock: Value = serde_json::from_str(&projects[1].read("factory.lock")).unwrap();
    let held = &lock["roles"]["builder"]["held"];
    assert_eq!(held["exec"]["linux"]["write"], "prevented");
    assert_eq!(held["exec"]["macos"]["read"], "advised");
    assert_eq!(held["interactive"]["claude-code"]["read"], "guarded");
    assert_eq!(held["interactive"]["agents-md"]["read"], "advised");
}

#[test]
fn what_is_off_now_is_not_said_to_hold() {
    let project = Project::built("");
    let settings = project.read(".claude/settings.json");
    // (the files, what is said of them)
    let cases = [
        (
            ".claude/settings.local.json",
            "{\"disableAllHooks\": true}\n".to_owned(),
            "disableAllHooks",
        ),
        (
            ".claude/settings.json",
            format!("// mine\n{settings}"),
            "see line 1",
        ),
        (
            ".claude/settings.json",
            "{}\n".to_owned(),
            "has no hook of this guard",
        ),
        (
            ".claude/settings.json",
            settings.replacen('{', "{\"env\": [\"A\"],", 1),
            "an object at `env`",
        ),
    ];
    let (_, text) = project.factory(&["check", "--held"]);
    assert!(!text.contains("not asked now"), "{text}");
    for (path, now, words) in cases {
        project.write(path, &now);
        let (_, text) = project.factory(&["check", "--held"]);
        assert!(
            text.contains("not asked now") && text.contains(words),
            "{words}: {text}"
        );
        let read = line(&text, "builder", "read");
        assert!(
            read.ends_with("guarded   / guarded   / advised   / advised"),
            "{read}"
        );
        fs::remove_file(project.root().join(".claude/settings.local.json")).ok();
        project.write(".claude/settings.json", &settings);
    }
}
