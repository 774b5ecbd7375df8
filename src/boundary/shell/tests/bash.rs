//! What real shells run, held against what the judge said of the line.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use proptest::{
    prelude::*,
    test_runner::{Config, TestRunner},
};

use super::*;

// A place with two programs that only tell that they ran, and the real programs that run others.
pub(super) struct Stage {
    directory: tempfile::TempDir,
    shells: Vec<PathBuf>,
}

// What lies in a file that may not be read.
const SECRET: &str = "the-hidden-word";

const REAL: &[&str] = &[
    "bash", "sh", "cat", "env", "nice", "timeout", "xargs", "nohup",
];

impl Stage {
    pub(super) fn new() -> Option<Self> {
        let directory = tempfile::tempdir().unwrap();
        let bin = directory.path().join("bin");
        fs::create_dir_all(&bin).unwrap();
        for name in ["ok", "bad"] {
            let stub = format!(
                "#!/bin/sh\necho ran >> '{}/ran.{name}'\n",
                directory.path().display()
            );
            let path = bin.join(name);
            fs::write(&path, stub).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        }
        for name in REAL {
            let real = ["/bin", "/usr/bin"].map(|place| Path::new(place).join(name));
            let real = real.into_iter().find(|path| path.exists())?;
            std::os::unix::fs::symlink(real, bin.join(name)).unwrap();
        }
        let shells = vec![bin.join("bash"), bin.join("sh")];
        Some(Self { directory, shells })
    }

    // Puts these programs on the stage too, those that the machine has.
    pub(super) fn lend(&self, programs: &[&str]) {
        for name in programs {
            let real = ["/bin", "/usr/bin"].map(|place| Path::new(place).join(name));
            if let Some(real) = real.into_iter().find(|path| path.exists()) {
                std::os::unix::fs::symlink(real, self.directory.path().join("bin").join(name))
                    .unwrap();
            }
        }
    }

    pub(super) fn shells(&self) -> &[PathBuf] {
        &self.shells
    }

    pub(super) fn root(&self) -> String {
        let root = self
            .directory
            .path()
            .canonicalize()
            .unwrap()
            .join("project");
        root.to_str().unwrap().to_owned()
    }

    // Runs the line in a fresh project; says what it did that it may not do.
    pub(super) fn misdeed(&self, shell: &Path, line: &str) -> Option<String> {
        let root = PathBuf::from(self.root());
        let _ = fs::remove_dir_all(&root);
        for directory in ["app/sub", "src"] {
            fs::create_dir_all(root.join(directory)).unwrap();
        }
        for file in ["app/a", "src/a"] {
            fs::write(root.join(file), "a\n").unwrap();
        }
        fs::write(root.join(".env"), format!("{SECRET}\n")).unwrap();
        let output = self.directory.path().join("output");
        let ran = self.directory.path().join("ran.bad");
        let _ = fs::remove_file(&ran);
        let mut child = Command::new(shell)
            .args(["-c", line])
            .current_dir(&root)
            .env_clear()
            .env("PATH", self.directory.path().join("bin"))
            .env("EMPTY", "")
            .stdin(Stdio::null())
            .stdout(fs::File::create(&output).unwrap())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let start = Instant::now();
        while child.try_wait().unwrap().is_none() {
            if start.elapsed() > Duration::from_secs(2) {
                child.kill().unwrap();
                child.wait().unwrap();
                break;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        if ran.exists() {
            return Some("ran a command that is not granted".to_owned());
        }
        if String::from_utf8_lossy(&fs::read(&output).unwrap()).contains(SECRET) {
            return Some("showed what may not be read".to_owned());
        }
        let changed = walkdir::WalkDir::new(&root)
            .into_iter()
            .filter_map(Result::ok)
            .find(|entry| {
                let inside = entry.path().strip_prefix(&root).unwrap();
                let text = || fs::read_to_string(entry.path()).unwrap();
                let known = inside == Path::new("src/a") && text() == "a\n"
                    || inside == Path::new(".env") && text() == format!("{SECRET}\n");
                entry.file_type().is_file() && !inside.starts_with("app") && !known
            });
        changed.map(|entry| format!("wrote `{}`", entry.path().display()))
    }
}

pub(super) fn role() -> Role {
    Role {
        run: Grant {
            may: entries(&["ok *", "cat *"]),
            never: entries(&["bad *"]).into(),
            only: None,
        },
        write: Grant {
            may: entries(&["app/**"]),
            ..Grant::default()
        },
        read: Grant::default(),
        env: Grant {
            may: entries(&["V"]),
            ..Grant::default()
        },
        scratch: Vec::new(),
    }
}

const PIECES: &[&str] = &[
    "ok",
    "bad",
    "ok",
    "bad x",
    " ",
    " ",
    " ",
    "\n",
    ";",
    "; ",
    " && ",
    " || ",
    " | ",
    " & ",
    "(",
    ")",
    "{ ",
    "; }",
    "$(",
    ")",
    "`",
    "'",
    "'",
    "\"",
    "\"",
    "\\",
    "#",
    " # ",
    "$",
    "${x:-",
    "${V:=",
    "${#x}",
    "}",
    "$((",
    "))",
    "((",
    "[[ ",
    " ]]",
    "[ ",
    " ]",
    "!",
    "! ",
    " > app/f",
    " > src/f",
    ">src/f",
    " 2>src/f",
    " >& src/f",
    " >| src/f",
    " < src/a",
    " <<E\n",
    " <<'E'\n",
    " <<-E\n",
    "\nE\n",
    "\n\tE\n",
    " <<< ",
    "<(",
    ">(",
    "if ",
    "then ",
    "; then ",
    "else ",
    "; fi",
    "fi",
    "for x in ",
    "; do ",
    "do ",
    "; done",
    "done",
    "while ",
    "until ",
    "case x in ",
    "x) ",
    "(x) ",
    ";; ",
    ";& ",
    "esac",
    "f() ",
    "function f ",
    "f",
    "f",
    "x=",
    "x=1 ",
    "V=1 ",
    "x=(",
    "x[1]=",
    "echo ",
    "echo",
    "cat",
    "cat ",
    "eval ",
    "exec ",
    "command ",
    "builtin ",
    "env ",
    "env V=1 ",
    "nice ",
    "timeout 1 ",
    "xargs ",
    "nohup ",
    "time ",
    "bash -c ",
    "sh -c ",
    "bash ",
    "bash <<< ",
    "trap ",
    " EXIT",
    "cd app",
    "cd src",
    "cd ..",
    "cd - ",
    "pushd src",
    "exit",
    "exit 0",
    "return",
    "break",
    "true",
    "false",
    ":",
    "*",
    "?",
    "[a]",
    "~",
    "{a,b}",
    "{ok,bad}",
    "{",
    ",",
    "a",
    "app/f",
    "src/f",
    "x",
    "$x",
    "\"$x\"",
    "$@",
    "$'\\n",
    "$\"",
    "=",
    "==",
    "=~",
    "-eq ",
    "-v ",
    "-f ",
    "0",
    "1",
    "&>app/f",
    "&>src/f",
    "|&",
    "2>&1",
    ">&2",
    "<&-",
    "1>&-",
    "set -e; ",
    "local ",
    "export ",
    "declare ",
    "read x",
    "let x=",
    "printf ",
    "alias ok=bad",
    "coproc ",
    "select ",
    "in ",
    "a[$(bad)]",
    "'a[$(bad)]'",
    "\\\n",
    "\t",
];

fn whole_lines() -> impl Strategy<Value = String> {
    let leaf = prop::sample::select(vec![
        "ok",
        "ok a",
        "bad",
        "echo bad",
        "echo 'bad'",
        "echo \"; bad\"",
        ":",
        "true",
        "false",
        "cat app/a",
        "x=bad",
        "exit",
        "f",
        "cd app",
        "cd src",
        "cd ..",
        "echo x > f",
        "echo x > app/f",
        "echo x > src/f",
        "echo x > sub/f",
        "f() { ok; }",
        "f() { bad; }",
        "f() { cd src; }",
        "bad() { ok; }",
        "ok() { bad; }",
        "cat <<E\nbad\nE\n",
        "cat <<'E'\n$(bad)\nE\n",
        "[ -f app/a ]",
        "[[ -f app/a ]]",
        "eval ok",
        "x=src/f",
        "echo x > $x",
        "read x",
        "set -e",
        "ok # bad",
        "ok \\\nbad",
        "echo $((1 + 1))",
        "trap bad EXIT",
        "trap ok EXIT",
        "echo ${x:-bad}",
        "echo ${x:-$(bad)}",
        "case bad in bad) ok;; esac",
        "echo {ok,bad}",
        "return",
        "unset x",
        "exec ok",
        "bad",
        "f",
    ])
    .prop_map(str::to_owned);
    leaf.prop_recursive(4, 24, 3, |inner| {
        let wraps = prop::sample::select(vec![
            ("(", ")"), ("{ ", "; }"), ("echo $(", ")"), ("echo \"$(", ")\""), ("echo `", "`"), ("if ", "; then ok; fi"),
            ("if true; then ", "; fi"), ("if false; then ", "; else ok; fi"), ("while ", "; do break; done"),
            ("for x in a b; do ", "; done"), ("for x in bad src/f; do ", "; done"), ("! ", ""), ("time ", ""),
            ("bash -c '", "'"), ("sh -c \"", "\""), ("bash <<'E'\n", "\nE\n"), ("eval '", "'"), ("env V=1 ", ""), ("nice ", ""),
            ("timeout 1 ", ""), ("command ", ""), ("exec ", ""), ("echo x | xargs ", ""), ("cat <(", ")"), ("f() { ", "; }"),
            ("f() { ", "; }; f"), ("case x in x) ", ";; esac"), ("x=$(", ")"), ("trap '", "' EXIT"), ("", " &"), ("", " > app/g"),
            ("", " > src/g"), ("", " 2>/dev/null"), ("", " # bad"), ("echo '", "'"), ("echo \"", "\""), ("cat <<E\n", "\nE\n"),
            ("cat <<'E'\n", "\nE\n"), ("false && ", ""), ("true || ", ""), ("x=y ", ""), ("[[ -n $(", ") ]]"), ("echo $((0 + ", "))"),
            ("until ", "; do break; done"), ("V=2 ", ""), ("bash -ec '", "'"), ("bash -c \"", "\" x y"), ("echo ${x:-", "}"),
            ("echo \"${x:-", "}\""), ("#", "\nok"), ("if ! ", "; then ok; elif ok; then bad; fi"),
        ]);
        prop_oneof![
            2 => (wraps, inner.clone()).prop_map(|((before, after), inner)| format!("{before}{inner}{after}")),
            2 => (inner.clone(), prop::sample::select(vec!["; ", " && ", " || ", " | ", "\n", " & "]), inner)
                .prop_map(|(left, join, right)| format!("{left}{join}{right}")),
        ]
    })
}

// A whole line with a few characters taken out and a few pieces put in.
fn broken_lines() -> impl Strategy<Value = String> {
    let edit = (
        any::<prop::sample::Index>(),
        0..3usize,
        prop::sample::select(PIECES),
    );
    (whole_lines(), prop::collection::vec(edit, 1..3)).prop_map(|(line, edits)| {
        let mut chars: Vec<char> = line.chars().collect();
        for (at, out, piece) in edits {
            let at = at.index(chars.len() + 1);
            let end = (at + out).min(chars.len());
            chars.splice(at..end, piece.chars());
        }
        chars.into_iter().collect()
    })
}

#[test]
fn no_line_that_is_allowed_does_what_is_not() {
    let Some(stage) = Stage::new() else {
        // Without a bash there is nothing to compare.
        return;
    };
    let role = role();
    let root = stage.root();
    let lines = prop_oneof![
        2 => whole_lines(),
        2 => broken_lines(),
        1 => prop::collection::vec(prop::sample::select(PIECES), 1..14)
            .prop_map(|pieces| pieces.concat()),
    ];
    let cases = std::env::var("PROPTEST_CASES")
        .ok()
        .and_then(|cases| cases.parse().ok())
        .unwrap_or(1500);
    let mut runner = TestRunner::new(Config {
        cases,
        failure_persistence: None,
        ..Config::default()
    });
    let mut ran = 0u32;
    let outcome = runner.run(&lines, |line| {
        let risky = line.contains("bad") || line.contains("src") || line.contains('>');
        if !risky || judge(&line, &role.scope(&root, "", &())).is_err() {
            return Ok(());
        }
        for shell in &stage.shells {
            let misdeed = stage.misdeed(shell, &line);
            prop_assert!(
                misdeed.is_none(),
                "{}: {} {}",
                shell.display(),
                line,
                misdeed.unwrap_or_default()
            );
        }
        Ok(())
    });
    outcome.unwrap();
    // The generator must reach lines that are worth running.
    for line in ["echo bad > app/f", "cat <<'E'\nbad\nE\n", "ok # bad"] {
        assert!(judge(line, &role.scope(&root, "", &())).is_ok(), "{line}");
        assert!(stage.misdeed(&stage.shells[0], line).is_none(), "{line}");
        ran += 1;
    }
    assert_eq!(ran, 3);
    assert!(stage.misdeed(&stage.shells[0], "bad").is_some());
    assert!(stage.misdeed(&stage.shells[0], "echo x > src/f").is_some());
}
