//! A project with a factory, and sessions of the real client in it.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use serde_json::{Value, json};

use crate::service::{Service, words};

const SPEC: &str = r#"
factory "lane" spec=1 {
    description "A project that real sessions are held in"
    preamble "roles/_preamble.md"
    target "claude-code"
    driver "claude-code"
}
model "large" id="claude-opus-5-5"
model "small" id="claude-haiku-5-5"
gate "links" builtin="consistency" { links "**/*.md"; }
server "echo" { command "sh" "tools/echo-server"; }

role "lead" model="large" prompt="roles/lead.md" {
    title "Lead"
    description "Hands the work out"
    may { delegate "builder" "qa"; }
}
role "builder" model="large" prompt="roles/builder.md" {
    title "Builder"
    description "Writes what is in app"
    gates "links"
    may { write "app/**"; run "cat *" "tee *"; }
    never { write "app/secret/**"; }
}
role "qa" model="small" prompt="roles/qa.md" {
    title "QA"
    description "Looks, and writes nothing"
    may { use "mcp:echo"; delegate "builder"; }
}
document "CLAUDE.md" {
    section "Roles" { template "sections/roles.md.hbs"; }
}
"#;

/// The roles of the project, the tools that each is offered, and its model. To an agent that may use the
/// shell, newer clients do not offer the tools that search.
pub const ROLES: [(&str, &[&str], &str); 3] = [
    (
        "lead",
        &["Agent", "Glob", "Grep", "Read"],
        "claude-opus-5-5",
    ),
    (
        "builder",
        &["Bash", "Edit", "Read", "Write"],
        "claude-opus-5-5",
    ),
    (
        "qa",
        &["Agent", "Glob", "Grep", "Read", "mcp__echo__say"],
        "claude-haiku-5-5",
    ),
];

// An MCP server in the shell: one tool, that says what it is told.
const ECHO: &str = r#"#!/bin/sh
while IFS= read -r line; do
    id=$(printf %s "$line" | sed -n 's/.*"id":\("[^"]*"\|[0-9]*\).*/\1/p')
    case $line in
    *'"initialize"'*) said='{"protocolVersion":"2024-11-05","capabilities":{"tools":{}},"serverInfo":{"name":"echo","version":"1.0.0"}}' ;;
    *'"tools/list"'*) said='{"tools":[{"name":"say","description":"Says it","inputSchema":{"type":"object","properties":{}}}]}' ;;
    *'"tools/call"'*) said='{"content":[{"type":"text","text":"echo 4714"}]}' ;;
    *) said='{}' ;;
    esac
    test -n "$id" && printf '{"jsonrpc":"2.0","id":%s,"result":%s}\n' "$id" "$said"
done
"#;

/// A project beside a home that belongs to it alone.
pub struct Project {
    folder: tempfile::TempDir,
    client: PathBuf,
}

impl Project {
    /// The project with its factory built and its prompts accepted, where there is a client.
    pub fn built() -> Option<Self> {
        let project = Self::bare()?;
        project.build("");
        Some(project)
    }

    /// Builds the factory, whose builder may write `more` besides, and accepts its prompts.
    pub fn build(&self, more: &str) {
        let project = self;
        let may = format!("write \"app/**\" {more};");
        project.write("factory.kdl", &SPEC.replace("write \"app/**\";", &may));
        project.write(
            "roles/_preamble.md",
            "# Ground rules\n\nTabs, never spaces: rule 4711.\n",
        );
        for (role, _, _) in ROLES {
            project.write(
                &format!("roles/{role}.md"),
                &format!("# The {role}\n\nYou are the {role} of the lane.\n"),
            );
        }
        project.factory(&["snap", "accept"]);
        project.factory(&["build"]);
    }

    /// Takes back that the person has trusted the project.
    pub fn distrust(&self) {
        fs::write(self.home().join(".claude.json"), "{}").unwrap();
    }

    /// Puts another program called `factory` in front of the real one.
    pub fn shadow(&self, script: &str) {
        let path = self.folder.path().join("bin/factory");
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// A folder beside the project.
    pub fn elsewhere(&self) -> PathBuf {
        let folder = self.root().parent().unwrap().join("elsewhere");
        fs::create_dir_all(&folder).unwrap();
        folder
    }

    /// The same project without a factory, where there is a client.
    pub fn bare() -> Option<Self> {
        let Some(client) = std::env::var_os("FACTORY_TEST_CLAUDE") else {
            eprintln!("skipped: FACTORY_TEST_CLAUDE names no client");
            return None;
        };
        let project = Self {
            folder: tempfile::tempdir().unwrap(),
            client: client.into(),
        };
        project.write("app/a.txt", "old\n");
        project.write("config/deploy.yml", "old\n");
        project.write("tools/echo-server", ECHO);
        project.write("CLAUDE.md", "# Lane\n\nSay please: rule 4712.\n");
        fs::create_dir(project.home()).unwrap();
        let trusted = json!({"hasTrustDialogAccepted": true, "enabledMcpjsonServers": ["echo"]});
        let root = project.root().display().to_string();
        let state = json!({"projects": {root: trusted}});
        fs::write(project.home().join(".claude.json"), state.to_string()).unwrap();
        Some(project)
    }

    pub fn root(&self) -> PathBuf {
        self.folder.path().canonicalize().unwrap().join("project")
    }

    fn home(&self) -> PathBuf {
        self.folder.path().join("home")
    }

    pub fn write(&self, path: &str, text: &str) {
        let path = self.folder.path().join("project").join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    pub fn read(&self, path: &str) -> Option<String> {
        fs::read_to_string(self.root().join(path)).ok()
    }

    pub fn path(&self, path: &str) -> String {
        self.root().join(path).display().to_string()
    }

    fn command(&self, args: &[&str]) -> Output {
        self.command_in(&self.root(), args)
    }

    /// Takes the agents of the project over, whatever is doubtful of them, and builds.
    pub fn adopted(&self) {
        self.ends(&["adopt"], &[0, 1]);
        self.factory(&["build"]);
    }

    /// Makes the project a repository whose files git passes over: the client tells its agents what git says.
    pub fn init(&self) {
        let done = Command::new("git")
            .args(["init", "-q"])
            .current_dir(self.root())
            .status();
        assert!(done.unwrap().success());
        self.write(".git/info/exclude", "*\n");
    }

    /// Runs `factory` in `folder`.
    pub fn command_in(&self, folder: &Path, args: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_factory"))
            .args(args)
            .current_dir(folder)
            .env("FACTORY_CACHE_DIR", self.folder.path().join("cache"))
            .output()
            .unwrap()
    }

    /// Returns what `factory` says; it has to succeed.
    pub fn factory(&self, args: &[&str]) -> String {
        self.ends(args, &[0])
    }

    fn ends(&self, args: &[&str], codes: &[i32]) -> String {
        let output = self.command(args);
        let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        assert!(
            output
                .status
                .code()
                .is_some_and(|code| codes.contains(&code)),
            "{args:?}: {}{}",
            said(&output.stdout),
            said(&output.stderr)
        );
        said(&output.stdout)
    }

    /// Returns what `factory` says; it has to end otherwise than well.
    pub fn refused(&self, args: &[&str]) -> String {
        let output = self.command(args);
        assert!(!output.status.success(), "{args:?}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Returns the accepted prompt of a role.
    pub fn accepted(&self, role: &str) -> String {
        let file = self.read(&format!("snapshots/{role}.snap")).unwrap();
        file.splitn(3, "---\n").nth(2).unwrap().to_owned()
    }

    /// Returns what the client says of its version.
    pub fn version(&self) -> String {
        let output = Command::new(&self.client).arg("--version").output();
        String::from_utf8(output.unwrap().stdout).unwrap()
    }

    /// Holds one session in the root of the project: `prompt` is what the person types.
    pub fn session(&self, service: &Service, prompt: &str, args: &[&str]) -> Session {
        self.session_in(&self.root(), service, prompt, args)
    }

    /// Holds one session that starts in `folder`.
    pub fn session_in(
        &self,
        folder: &Path,
        service: &Service,
        prompt: &str,
        args: &[&str],
    ) -> Session {
        let shadow = self.folder.path().join("bin");
        let programs = Path::new(env!("CARGO_BIN_EXE_factory")).parent().unwrap();
        let output = Command::new(&self.client)
            .args(["-p", prompt, "--output-format", "stream-json", "--verbose"])
            .arg("--include-hook-events")
            .args(args)
            .current_dir(folder)
            .env_clear()
            .env(
                "PATH",
                format!("{}:{}:/usr/bin:/bin", shadow.display(), programs.display()),
            )
            .env("HOME", self.home())
            .env("TMPDIR", self.folder.path())
            .env("ANTHROPIC_BASE_URL", &service.url)
            .env("ANTHROPIC_API_KEY", "sk-dummy")
            .env("CLAUDE_CODE_MAX_RETRIES", "1")
            .env("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1")
            .env("DISABLE_AUTOUPDATER", "1")
            .env("DISABLE_TELEMETRY", "1")
            // A container's root is not refused where it passes over what would ask.
            .env("IS_SANDBOX", "1")
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let events = String::from_utf8_lossy(&output.stdout)
            .lines()
            .filter_map(|line| serde_json::from_str(line).ok())
            .collect();
        let session = Session { events };
        assert!(
            output.status.success(),
            "{prompt} {args:?}: {:?} {}",
            session.events.last(),
            String::from_utf8_lossy(&output.stderr)
        );
        session
    }
}

/// What the client said of one session.
pub struct Session {
    pub events: Vec<Value>,
}

impl Session {
    /// Returns what the client said when it began.
    pub fn beginning(&self) -> &Value {
        let is_beginning = |event: &&Value| event["subtype"] == "init";
        self.events.iter().find(is_beginning).unwrap()
    }

    pub fn id(&self) -> &str {
        self.beginning()["session_id"].as_str().unwrap()
    }

    /// Returns the events of the client's own whose kind is `subtype`.
    pub fn of<'a>(&'a self, subtype: &'a str) -> impl Iterator<Item = &'a Value> {
        self.events
            .iter()
            .filter(move |event| event["subtype"] == subtype)
    }
}

/// Returns the results of the tools in a request, in order: whether each is an error, and its text.
pub fn results(request: &Value) -> Vec<(bool, String)> {
    let messages = request["messages"].as_array().unwrap().iter();
    let blocks = messages.filter_map(|message| message["content"].as_array());
    blocks
        .flatten()
        .filter(|block| block["type"] == "tool_result")
        .map(|block| (block["is_error"] == true, words(&block["content"])))
        .collect()
}

/// Returns the names of the tools that a request offers, in order of the alphabet.
pub fn offered(request: &Value) -> Vec<&str> {
    let tools = request["tools"].as_array().unwrap().iter();
    let mut names: Vec<_> = tools
        .map(|tool| tool["name"].as_str().unwrap())
        // Newer clients offer one that stands for nothing here.
        .filter(|name| *name != "DeferredToolPlaceholder")
        .collect();
    if names.contains(&"Bash") {
        names.retain(|name| !["Glob", "Grep"].contains(name));
    }
    names.sort_unstable();
    names
}

/// Returns everything that a request says to the model, whoever is said to say it.
pub fn all_words(request: &Value) -> String {
    let messages = request["messages"].as_array().unwrap().iter();
    let said = messages.map(|message| words(&message["content"]));
    [words(&request["system"])]
        .into_iter()
        .chain(said)
        .collect::<Vec<_>>()
        .join("\n")
}
