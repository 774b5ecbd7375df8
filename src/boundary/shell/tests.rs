//! Lines and what is said of them.

mod bash;
mod clever;
mod ways;

use std::path::Path;

use proptest::prelude::*;

use super::*;
use crate::boundary::{CommandPattern, Entry, Grant, NamePattern, PathPattern, Pattern, standard};

struct Role {
    run: Grant<CommandPattern>,
    write: Grant<PathPattern>,
    read: Grant<PathPattern>,
    env: Grant<NamePattern>,
    scratch: Vec<String>,
}

fn entries<P: Pattern + std::str::FromStr<Err: std::fmt::Debug>>(
    patterns: &[&str],
) -> Vec<Entry<P>> {
    patterns
        .iter()
        .map(|pattern| pattern.parse::<P>().unwrap().into())
        .collect()
}

impl Role {
    fn builder() -> Self {
        let mut run = Grant {
            may: entries(&[
                "bin/rails test *",
                "bundle install",
                "npm test *",
                "cargo *",
                "git rebase *",
                "dd *",
            ]),
            never: entries(&["kamal *", "cap * deploy", "git push *"]).into(),
            only: None,
        };
        for set in ["@std/inspect", "@std/files", "@std/commit"] {
            run.may.extend_from_slice(standard(set).unwrap().entries());
        }
        Self {
            run,
            write: Grant {
                may: entries(&["app/**", "docs/**", "test/**", "README.md"]),
                never: entries(&["**/.git", "**/.git/**", "app/generated/**"]).into(),
                only: None,
            },
            read: Grant {
                never: entries(&["**/.env*", "config/master.key", "secrets/**"]).into(),
                ..Grant::default()
            },
            env: Grant {
                may: entries(&["RAILS_ENV"]),
                ..Grant::default()
            },
            scratch: vec!["/scratch/run".to_owned()],
        }
    }

    fn scope<'a>(&'a self, root: &'a str, cwd: &'a str, tree: &'a (dyn Tree + Sync)) -> Scope<'a> {
        Scope {
            run: &self.run,
            write: &self.write,
            read: &self.read,
            env: &self.env,
            root,
            cwd,
            scratch: &self.scratch,
            toolchains: &[],
            tree,
        }
    }

    fn says(&self, line: &str) -> Result<(), Refusal> {
        judge(line, &self.scope("/work/shop", "", &()))
    }
}

// Lines, each within the builder's grants.
const ALLOWED: &[&str] = &[
    "ls -la",
    "ls app/*.rb",
    "cat app/models/user.rb",
    "cat app/*.rb | head -5",
    "cat app/a.rb app/b.rb > docs/all.txt",
    "grep -n foo app/a.rb 2>/dev/null",
    "grep foo app/a.rb 2>&1 | sort | uniq -c",
    "head -20 < app/a.rb",
    "bin/rails test",
    "bin/rails test test/models",
    "RAILS_ENV=test bin/rails test",
    "env RAILS_ENV=test bin/rails test",
    "timeout 60 bin/rails test",
    "timeout -k 5 60s bin/rails test",
    "nice -n 5 bin/rails test",
    "nohup bin/rails test &",
    "time bin/rails test",
    "command ls",
    "bundle install",
    "bundle exec cargo test",
    "npx cargo build",
    "cargo test 2>&1 | tail -40",
    "git status && git diff",
    "git log --oneline -5 || true",
    "git add -A; git commit -m 'Add a page'",
    "git commit -m \"$(cat <<'EOF'\nAdd a page\n\nWhy.\nEOF\n)\"",
    "echo hello > app/a.txt",
    "echo hello >> app/a.txt",
    "echo hello >| app/a.txt",
    "echo hello &> app/a.txt",
    "(cd app; ls) &> app/a.txt",
    "( (echo a); echo b)",
    "echo $((1 + 2)) # three",
    "echo ${HOME}; cat > app/a.rb <<'E'\nclass A {}\nE",
    "[[ -f app/a && -d docs ]] && [[ $x =~ ^(a|b)$ ]]",
    "timeout 60 cargo test &> app/a.txt",
    "cat > app/a.rb <<'EOF'\nclass A; `rm x` $(y)\nEOF",
    "cat > app/a.rb <<EOF\nclass A\nEOF",
    "tee app/a.txt < docs/b.txt",
    "touch app/{a,b}.rb",
    "mkdir -p app/models/x",
    "mkdir app",
    "rm app/a.rb",
    "rm app/*.rb",
    "rm -f README.md",
    "cp app/a.rb app/b/",
    "cp app/a.rb docs/a.rb test/",
    "sed -n '1,5p' app/a.rb",
    "sed -i 's/a/b/' app/a.rb",
    "sed -i.bak 's/a/b/' app/a.rb",
    "sed -i '' s/a/b/ app/a.rb",
    "chmod +x app/run",
    "chmod -x app/run",
    "truncate -s 0 app/log.txt",
    "cd app && touch a.rb",
    "cd app && cd .. && touch app/a.rb",
    "(cd app && touch a.rb) && touch docs/a",
    "cd app || exit 1; touch a.rb",
    "pushd app && touch x && popd",
    "touch $PWD/app/a.rb",
    "echo x > /scratch/run/x",
    "echo x > \"$TMPDIR/x\"",
    "mktemp",
    "for f in app/a.rb app/b.rb; do wc -l \"$f\"; done",
    "for f in app/*.rb; do head -1 \"$f\"; done",
    "for i in {1..3}; do echo $((i * 2)); done",
    "for ((i=0; i<3; i++)); do echo $i; done",
    "while read -r line; do echo \"$line\"; done < app/a.txt",
    "while IFS= read -r line; do echo \"$line\"; done < app/a.txt",
    "if [ -f app/a.rb ]; then cat app/a.rb; else echo no; fi",
    "[[ -f app/a.rb && -n \"$x\" ]] && echo yes",
    "case $x in a) ls;; *) pwd;; esac",
    "f() { ls \"$@\"; }; f app",
    "x=$(git rev-parse HEAD); echo \"$x\"",
    "n=5; echo $((n + 1))",
    "set -euo pipefail; ls",
    "bash -c 'ls app'",
    "bash -lc \"ls app && pwd\"",
    "sh <<'EOF'\nls\nEOF",
    "find app -name '*.rb' | head",
    "find . -type f -name '*.rb'",
    "ls | xargs ls -l",
    "diff <(ls app) <(ls docs)",
    "echo a # rm -rf /",
    "ls $(git rev-parse --show-toplevel)",
    "! grep -q foo app/a.rb",
    "{ ls; pwd; } > docs/list.txt",
    "true && false || :",
    "export RAILS_ENV=test; bin/rails test",
    "trap 'echo bye' EXIT",
    "eval 'ls app'",
    "printf '%s\\n' a b > docs/x",
    "test -f x || echo none",
    "exec ls",
    "",
    "git rm --cached app/a.rb",
    "git show HEAD:app/a.rb",
    "uniq app/a app/b",
    "git rebase main",
    "dd if=app/a of=app/b",
    "cat /usr/share/dict/words",
    "unset x; read -r y",
];

#[test]
fn lines_that_stay_within_the_grants_may_run() {
    let builder = Role::builder();
    let mut wrong = Vec::new();
    for line in ALLOWED {
        if let Err(refusal) = builder.says(line) {
            wrong.push(format!("{line}: {refusal}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

// Lines, and of what the refusal must speak; `|` stands between several words that would do.
const REFUSED: &[(&str, &str)] = &[
    // A shell tries arithmetic before it looks for commands and comments.
    ("echo $((0 + :\n#echo ${x:-$(deploy)}\nok))", "a `#` within"),
    ("echo ${x:-cat <<'E' $(deploy)\nE\n}", "a `<<` within"),
    ("echo ${x:-'}' <<'E' $(deploy)\nE\n}", "a `<<` within"),
    ("((echo a); echo b)", "begins as arithmetic does"),
    // What bash reads as one command is two to other shells.
    ("[[ a > src/f ]]", "is a file to another shell"),
    (
        "[[ -f app/a || deploy ]]",
        "starts a command in another shell",
    ),
    (
        "[[ a =~ b|deploy ]]",
        "is more than one command to another shell",
    ),
    (
        "[[ a =~ \\(b|deploy ]]",
        "is more than one command to another shell",
    ),
    (
        "echo hello &> app/a.txt deploy",
        "`&>` means something else",
    ),
    ("cd app &> app/a.txt; ls", "`&>` means something else"),
    ("{ cd app; } &> app/a.txt; ls", "`&>` means something else"),
    (
        "f() { cd app; }; f &> app/a.txt",
        "`&>` means something else",
    ),
    // What a client's own rules let through: ways of writing `src/f`.
    (
        "echo x > src/f",
        "`src/f` would write `src/f`, which this role may not write",
    ),
    ("echo x >> src/f", "may not write"),
    ("echo x > s*/f", "is not known before it runs"),
    ("cat <<'E' > src/f\nx\nE", "may not write"),
    ("cp app/a src/f", "may not write"),
    ("mv app/a src/f", "may not write"),
    ("mv src app/src", "may not write"),
    ("rm src/f", "may not write"),
    ("sed -i s/a/b/ src/f", "may not write"),
    ("touch src/f", "may not write"),
    ("echo x | tee src/f", "may not write"),
    (
        "python -c 'open(\"src/f\",\"w\")'",
        "is a command that this role may not run",
    ),
    ("node -e 'x'", "may not run"),
    ("perl -i -pe s/a/b/ src/f", "may not run"),
    ("awk '{print > \"src/f\"}' app/a", "may not run"),
    ("dd of=src/f if=app/a", "may not write"),
    ("truncate -s 0 src/f", "may not write"),
    ("install app/a src/f", "may not write"),
    ("ln -sf ../app/a src/f", "may not write"),
    ("echo src/f | xargs rm", "might turn out to be an option"),
    ("find src -delete", "may not run"),
    ("git rm src/f", "may not write"),
    ("git apply p.diff", "may not run"),
    ("git show HEAD:app/a | tee src/f", "may not write"),
    ("make", "may not run"),
    ("sh -c 'rm src/f'", "may not write"),
    ("eval 'rm src/f'", "may not write"),
    ("eval \"$x\"", "is not known before it runs"),
    ("f(){ rm src/f; }; f", "may not write"),
    ("echo $(rm src/f)", "may not write"),
    ("echo `rm src/f`", "may not write"),
    ("F=src/f; echo x > $F", "is not known before it runs"),
    ("for f in src/f; do echo x > \"$f\"; done", "may not write"),
    ("for f in a b; do touch \"src/$f\"; done", "may not write"),
    ("cd src && echo x > f", "may not write"),
    ("(cd src && echo x > f)", "may not write"),
    ("echo x > $PWD/src/f", "may not write"),
    ("ln -s ../src app/l; echo x > app/l/f", "may not write"),
    ("ln -s src app/l", "app/src"),
    ("ln -s /work/shop/src app/l", "may not write"),
    // Reading what may never be read.
    (
        "cat .env",
        "would read `.env`, which `never read \"**/.env*\"` forbids",
    ),
    ("grep -r key .", "may not be read"),
    ("cat sec*/k", "may not be read"),
    ("cat < secrets/k", "forbids"),
    ("cp secrets/k app/k", "forbids"),
    ("mv .env app/x", "may not write"),
    ("tar cf - secrets/k", "may not run"),
    ("git show HEAD:secrets/k", "forbids"),
    ("git show 'HEAD:sec*/k'", "may not be read"),
    ("git diff -- .env.local", "forbids"),
    ("base64 config/MASTER.key", "forbids"),
    ("cat \"$f\"", "is not known before it runs"),
    ("cat app/../.env", "forbids"),
    ("cd config && cat master.key", "forbids"),
    ("rg key --hidden .", "may not be read"),
    ("cat /etc/passwd", "outside the project"),
    ("cat ../other/f", "outside the project"),
    ("cat ~/.ssh/id_rsa", "is not known before it runs"),
    ("ls | xargs cat", "is not known before it runs"),
    ("sed -n p .env", "forbids"),
    ("sed 'r .env' app/a", "might write a file or run a command"),
    (
        "sed -n 'w src/f' app/a",
        "might write a file or run a command",
    ),
    (
        "sed '1e rm src/f' app/a",
        "might write a file or run a command",
    ),
    ("jq . --slurpfile x .env", "forbids"),
    ("cargo run .env", "forbids"),
    // Ways of running what is denied.
    (
        "git push",
        "is a command that `never run \"git push *\"` forbids",
    ),
    ("git -C . push", "forbids"),
    ("git -c a=b push", "forbids"),
    ("git --git-dir=.git push", "forbids"),
    ("/usr/bin/git push", "forbids"),
    ("GIT push", "forbids"),
    ("a=1; git push", "forbids"),
    ("ls && git push", "forbids"),
    ("ls | git push", "forbids"),
    ("ls & git push", "forbids"),
    ("ls\ngit push", "forbids"),
    ("git pu\"sh\"", "forbids"),
    ("g\\it push", "forbids"),
    ("'git' push", "forbids"),
    ("git $x", "forbids"),
    ("$x push", "is not known before it runs"),
    ("{git,push}", "forbids"),
    ("g?t push", "is not known before it runs"),
    ("if git push; then :; fi", "forbids"),
    ("while git push; do :; done", "forbids"),
    ("until git push; do :; done", "forbids"),
    ("case x in x) git push;; esac", "forbids"),
    ("! git push", "forbids"),
    ("time git push", "forbids"),
    ("(git push) &", "forbids"),
    ("{ git push; }", "forbids"),
    ("bash -c 'git push'", "forbids"),
    ("bash <<E\ngit push\nE", "forbids"),
    ("bash <<< 'git push'", "forbids"),
    ("bash <<E\n$x\nE", "is not known before it runs"),
    (
        "echo git push | sh",
        "reads a script that the line does not show",
    ),
    (
        "cat app/s.sh | bash -s",
        "reads a script that the line does not show",
    ),
    ("bash app/s.sh", "may not run"),
    ("source app/s.sh", "can't be judged"),
    (". app/s.sh", "can't be judged"),
    ("env A=1 kamal deploy", "forbids"),
    ("bundle exec kamal deploy", "forbids"),
    ("bundle exec rake x", "may not run"),
    ("npx kamal deploy", "forbids"),
    ("npx -p x kamal deploy", "may not run"),
    ("timeout 5 kamal deploy", "forbids"),
    ("nice kamal deploy", "forbids"),
    ("nohup kamal deploy", "forbids"),
    ("sudo kamal deploy", "may not run"),
    ("sudo ls", "may not run"),
    ("xargs kamal < app/a", "forbids"),
    ("find . -exec kamal deploy \\;", "may not run"),
    ("command kamal deploy", "forbids"),
    ("exec kamal deploy", "forbids"),
    ("builtin eval 'kamal deploy'", "forbids"),
    ("uv run kamal deploy", "forbids"),
    ("trap 'kamal deploy' EXIT", "forbids"),
    ("echo $(kamal deploy)", "forbids"),
    ("echo \"$(kamal deploy)\"", "forbids"),
    ("echo <(kamal deploy)", "forbids"),
    ("echo ${x:-$(kamal deploy)}", "forbids"),
    (
        "echo \"${x:-'$(kamal deploy)'}\"",
        "shells read it differently",
    ),
    ("echo ${x:-'$(kamal deploy)'}", "forbids"),
    (
        "echo ${x:-a <<'E'\nf() { ok; }\nE\nls > $x}",
        "shells read it differently",
    ),
    ("echo $((1 + $(kamal deploy)))", "forbids"),
    ("echo $((1 + $(ls)))", "might not be a number"),
    ("cat <<E\n$(kamal deploy)\nE", "forbids"),
    ("a[$(kamal deploy)]=1", "forbids"),
    ("a[$(ls)]=1", "might not be a number"),
    (
        "x='a[$(kamal deploy)]'; echo $((x))",
        "might not be a number",
    ),
    (
        "x='a[$(kamal deploy)]'; [[ $x -eq 1 ]]",
        "might not be a number",
    ),
    ("test -v 'a[$(kamal deploy)]'", "not plain"),
    ("f() { kamal deploy; }", "forbids"),
    (
        "false && ls() { :; }; ls",
        "no name for a function|may or may not",
    ),
    ("alias ls='kamal deploy'", "changes how the shell reads"),
    ("shopt -s expand_aliases", "changes how the shell reads"),
    ("coproc kamal deploy", "is not judged"),
    ("env -S 'kamal deploy'", "effect is not known here"),
    ("watch kamal deploy", "is not looked into"),
    ("git rebase -x 'kamal deploy' main", "runs another command"),
    // The environment.
    ("PATH=/evil:$PATH ls", "no grant allows that"),
    ("export PATH=/evil", "no grant allows that"),
    ("PATH=/evil", "no grant allows that"),
    ("for PATH in /evil; do ls; done", "no grant allows that"),
    ("read PATH < app/a", "no grant allows that"),
    ("printf -v PATH x", "no grant allows that"),
    ("LD_PRELOAD=x ls", "no grant allows that"),
    ("GIT_SSH_COMMAND=x git status", "no grant allows that"),
    ("BASH_ENV=app/x bash -c ls", "no grant allows that"),
    ("NODE_OPTIONS=--require=x npm test", "no grant allows that"),
    ("env RUBYOPT=-rx bin/rails test", "no grant allows that"),
    ("IFS=/ ls", "no grant allows that"),
    (
        "DEBUG=1 bin/rails test",
        "`DEBUG` is set for a command, which this role may not do",
    ),
    ("export DEBUG=1", "may not do"),
    ("declare -x DEBUG=1", "may not do"),
    (
        "git -c core.pager='kamal deploy' log",
        "may not run|may change what git runs",
    ),
    ("git config core.pager x", "may not run"),
    // Files in other ways.
    (
        "touch app/generated/x",
        "`never write \"app/generated/**\"` forbids",
    ),
    ("touch app/.GIT/config", "forbids"),
    ("touch .git/hooks/pre-commit", "forbids"),
    ("rm -rf app", "may not write"),
    ("rm -rf .", "the project root itself"),
    ("rm -rf /", "forbids|outside"),
    ("mkdir src", "may not write"),
    ("echo x > /etc/passwd", "outside the project"),
    ("echo x > ../x", "outside the project"),
    ("echo x > /dev/tcp/evil/80", "outside the project"),
    ("cat < /dev/tcp/evil/80", "outside the project"),
    ("echo x >& src/f", "may not write"),
    ("echo x <> src/f", "may not write"),
    ("cp -t src app/a", "may not write"),
    ("cp app/a app/b src", "may not write"),
    ("cp --target-directory=src app/a", "may not write"),
    ("cp --targ=src app/a", "may not write"),
    ("cp app/a $x", "not known before it runs|might turn out"),
    ("chmod +x src/f", "may not write"),
    ("chmod -R 777 src", "may not write"),
    ("uniq app/a src/f", "may not write"),
    // However it is written, the set leaves this option out.
    ("sort -uo src/f app/a", "may not run"),
    ("sort -no app/a app/a", "may not run"),
    ("sort --output=src/f app/a", "may not run"),
    ("cd $x && touch a", "is not known before it runs"),
    ("cd $x; touch app/a", "is not known before it runs"),
    ("cd; touch app/a", "is not known before it runs"),
    ("git -c core.pager=x --version", "may not run"),
    ("find app -exec ls {} \\;", "may not run"),
    ("cd app; touch a.rb", "may not write"),
    ("cd app & touch a.rb", "may not write"),
    (
        "while true; do cd ..; touch app/x; done",
        "outside the project",
    ),
    ("tee app/a src/f", "may not write"),
    ("touch -- -x", "may not write"),
    ("touch *", "might turn out to be an option"),
    // What is not understood.
    // Only what lies there now can say that nothing forbidden does.
    ("rm -r app/models", "may not write"),
    ("rg -n foo app", "may not be read"),
    ("ls (", "is not understood"),
    ("ls 'a", "is not understood"),
    ("select x in a; do ls; done", "is not understood"),
    ("ls *(e:'kamal deploy':)", "is not understood"),
    ("ls\u{a0}x", "a blank that shells read differently"),
    ("ls \u{7}", "a blank that shells read differently"),
    ("echo ${!x}", "by a name that is not known"),
    ("echo ${x@P}", "runs the commands in what a variable holds"),
    ("set -a", "changes how the shell reads"),
];

#[test]
fn lines_that_go_beyond_the_grants_may_not_run() {
    let builder = Role::builder();
    let mut wrong = Vec::new();
    for (line, reason) in REFUSED {
        match builder.says(line).map_err(|refusal| refusal.to_string()) {
            Ok(()) => wrong.push(format!("{line}: was allowed")),
            Err(said) if reason.split('|').any(|reason| said.contains(reason)) => {}
            Err(said) => wrong.push(format!("{line}: {said}")),
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn a_refusal_is_a_sentence_that_says_what_it_would_take() {
    let builder = Role::builder();
    for (line, sentence) in [
        (
            "ls && git fetch origin",
            "`git fetch origin` is a command that this role may not run; it would take \
             `may { run \"git fetch *\"; }`",
        ),
        (
            "touch src/f",
            "`src/f` would write `src/f`, which this role may not write; it would take \
             `may { write \"src/f\"; }`",
        ),
        (
            "DEBUG=1 ls",
            "`DEBUG` is set for a command, which this role may not do; it would take \
             `may { env \"DEBUG\"; }`",
        ),
    ] {
        assert_eq!(builder.says(line).unwrap_err().to_string(), sentence);
    }
}

#[test]
fn a_word_that_may_make_a_command_a_wrapper_is_not_passed_over() {
    let mut role = Role::builder();
    role.run.may.extend(entries(&["bundle *", "npm *"]));
    for (line, allowed) in [
        ("bundle exec ls", true),
        ("bundle exec kamal deploy", false),
        ("x=exec; bundle $x kamal deploy", false),
        ("x=exec; bundle ex$x kamal deploy", false),
        ("npm run \"$x\"", true),
        ("npm run$x", true),
        ("npm \"$x\" kamal deploy", false),
    ] {
        assert_eq!(role.says(line).is_ok(), allowed, "{line}");
    }
}

#[test]
fn a_line_starts_where_it_is_said_to() {
    let builder = Role::builder();
    let at = |cwd, line: &str| judge(line, &builder.scope("/work/shop", cwd, &())).is_ok();
    assert!(at("app", "touch a.rb") && !at("", "touch a.rb"));
    assert!(at("app", "touch ../docs/a") && !at("app", "touch ../a"));
    assert!(!at("config", "cat master.key"));
}

#[test]
fn what_a_step_narrows_is_said() {
    let mut role = Role::builder();
    role.run.only = Some(entries(&["ls *"]));
    assert!(role.says("ls app").is_ok());
    let said = role.says("bin/rails test").unwrap_err().to_string();
    assert!(said.contains("this step leaves out"), "{said}");
}

/// The tree of a real directory.
struct Disk(String);

impl Tree for Disk {
    fn kind(&self, path: &str) -> Kind {
        match std::fs::metadata(path) {
            Ok(data) if data.is_dir() => Kind::Directory,
            Ok(data) if std::os::unix::fs::MetadataExt::nlink(&data) > 1 => Kind::Linked,
            Ok(_) => Kind::File,
            Err(_) => Kind::Missing,
        }
    }

    fn resolve(&self, path: &str) -> Resolved {
        let mut missing = Vec::new();
        let mut path = Path::new(path).to_owned();
        let real = loop {
            if let Ok(real) = path.canonicalize() {
                break real;
            }
            missing.push(path.file_name().unwrap_or_default().to_owned());
            path.pop();
        };
        let real: std::path::PathBuf = std::iter::once(real.into_os_string())
            .chain(missing.into_iter().rev())
            .collect();
        match real.strip_prefix(&self.0) {
            Ok(inside) => Resolved::Inside(inside.to_str().unwrap().to_owned()),
            Err(_) => Resolved::Outside(real.to_str().unwrap().to_owned()),
        }
    }

    fn names(&self, directory: &str) -> Option<Vec<String>> {
        let entries = std::fs::read_dir(directory).ok()?.filter_map(Result::ok);
        let names = entries.map(|entry| entry.file_name().into_string().unwrap());
        Some(names.collect())
    }

    fn link(&self, path: &str) -> Option<String> {
        Some(std::fs::read_link(path).ok()?.to_str()?.to_owned())
    }

    fn below(&self, directory: &str) -> Option<Vec<String>> {
        let files = walkdir::WalkDir::new(directory)
            .into_iter()
            .filter_map(Result::ok);
        let files = files.filter(|entry| !entry.file_type().is_dir());
        Some(
            files
                .map(|entry| {
                    entry
                        .path()
                        .strip_prefix(directory)
                        .unwrap()
                        .to_str()
                        .unwrap()
                        .to_owned()
                })
                .collect(),
        )
    }
}

#[test]
fn what_lies_there_decides_where_names_do_not() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory
        .path()
        .canonicalize()
        .unwrap()
        .to_str()
        .unwrap()
        .to_owned();
    let write = |path: &str| {
        let path = Path::new(&root).join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, "x\n").unwrap();
    };
    for path in [
        "app/models/a.rb",
        "app/generated/g",
        "docs/a.md",
        "src/f",
        ".env",
        "docs/sub/x",
        "README.md",
    ] {
        write(path);
    }
    std::os::unix::fs::symlink("../src", Path::new(&root).join("app/out")).unwrap();
    std::os::unix::fs::symlink("/etc", Path::new(&root).join("docs/etc")).unwrap();
    let builder = Role::builder();
    let disk = Disk(root.clone());
    for (line, then) in [
        ("rm -r app/models", true),
        ("rm -r app", false),
        ("rm -rf docs/missing", true),
        ("rg foo app/models", true),
        ("rg foo", true),
        ("rg --hidden foo", false),
        ("grep -r foo app/models", true),
        ("grep -r foo .", false),
        ("cp -r app/models docs/models", true),
        ("cp -r app/models src/models", false),
        ("cp docs/a.md README.md", true),
        ("cp docs/a.md src", false),
        ("mv app/models docs/sub", true),
        ("mv docs app/docs", true),
        ("mv src app/src", false),
        ("touch app/out/f", false),
        ("echo x > app/out/f", false),
        ("cat docs/etc/passwd", false),
        ("rm app/models/*.rb", true),
        ("rm app/o*/f", false),
        ("cp -r src docs/src", true),
        ("mv -T app/models/a.rb app/b.rb", true),
        ("ln -s ../docs/a.md app/a.md", true),
        ("ln -s ../src/f app/l", false),
        ("ln -s ../src app/l", false),
        ("ln -s ../docs app/l", true),
        ("ln src/f app/l", false),
    ] {
        let said = judge(line, &builder.scope(&root, "", &disk));
        assert_eq!(said.is_ok(), then, "{line}: {said:?}");
    }
}

#[test]
fn a_file_with_other_names_is_not_written_through_this_one() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().canonicalize().unwrap();
    for path in ["app/a.txt", "app/sub/b.txt", "config/deploy.yml", "docs/x"] {
        std::fs::create_dir_all(root.join(path).parent().unwrap()).unwrap();
        std::fs::write(root.join(path), "old\n").unwrap();
    }
    std::fs::hard_link(root.join("config/deploy.yml"), root.join("app/hard.txt")).unwrap();
    std::os::unix::fs::symlink("../app/hard.txt", root.join("docs/soft.txt")).unwrap();
    let root = root.to_str().unwrap().to_owned();
    let builder = Role::builder();
    let disk = Disk(root.clone());
    // (the line, whether it passes)
    let cases = [
        ("cat app/a.txt | tee app/hard.txt", false),
        ("echo x > app/hard.txt", false),
        ("echo x >> docs/soft.txt", false),
        ("cp app/a.txt app/hard.txt", false),
        ("dd if=app/a.txt of=app/hard.txt", false),
        ("truncate -s 0 app/hard.txt", false),
        ("chmod +x app/hard.txt", false),
        ("tee app/*.txt < app/a.txt", false),
        ("tee app/sub/*.txt < app/a.txt", true),
        ("cat app/hard.txt", true),
        // What is taken away, or gets another file, is the name alone.
        ("rm app/hard.txt", true),
        ("rm app/*.txt", true),
        ("mv app/a.txt app/hard.txt", true),
        ("mv app/hard.txt app/other.txt", true),
        ("rm -r app/sub", true),
    ];
    for (line, then) in cases {
        let said = judge(line, &builder.scope(&root, "", &disk));
        assert_eq!(said.is_ok(), then, "{line}: {said:?}");
        if let Err(refusal) = said {
            let told = refusal.reason.contains("has other names");
            assert!(told || line.contains('*'), "{line}: {refusal}");
        }
    }
}

#[test]
fn what_a_line_writes_is_found_whatever_else_stands_in_it() {
    let person = Role {
        run: Grant {
            may: entries(&["*"]),
            ..Grant::default()
        },
        write: Grant {
            may: entries(&["**"]),
            never: entries(&["factory.lock", "factory.kdl", "snapshots/**", "roles/qa.md"]).into(),
            only: None,
        },
        read: Grant::default(),
        env: Grant {
            may: entries(&["*"]),
            ..Grant::default()
        },
        scratch: vec!["/".to_owned()],
    };
    let said = |line: &str| {
        let refusal = write_against(line, &person.scope("/work/shop", "", &()));
        refusal.map(|refusal| refusal.written().unwrap_or_default().to_owned())
    };
    for (line, written) in [
        ("rm factory.lock", "factory.lock"),
        ("echo x > factory.kdl", "factory.kdl"),
        ("echo x > ./roles/../Factory.KDL", "Factory.KDL"),
        ("rm -rf snapshots", "snapshots/**"),
        ("rm -rf .", "**"),
        ("rm snapshots/*", "snapshots/"),
        ("rm -f factory.*", "factory."),
        ("sed -i s/a/b/ roles/qa.md", "roles/qa.md"),
        ("cd roles && echo x > qa.md", "roles/qa.md"),
        ("make $x; rm factory.lock", "factory.lock"),
        ("$(which make) all | tee factory.kdl", "factory.kdl"),
        ("PATH=/x:$PATH rm factory.lock", "factory.lock"),
        ("bash -c 'rm factory.lock'", "factory.lock"),
        (
            "if make; then echo x > /tmp/x; rm factory.lock; fi",
            "factory.lock",
        ),
        ("git rm factory.lock", "factory.lock"),
        ("cp /tmp/x factory.kdl", "factory.kdl"),
    ] {
        let found = said(line);
        assert!(
            found
                .as_ref()
                .is_some_and(|found| found.starts_with(written)),
            "{line}: {found:?}"
        );
    }
    for line in [
        "cat factory.lock",
        "cp factory.kdl /tmp/x",
        "echo x > app/a",
        "rm -rf node_modules",
        "rm -rf $DIR",
        "cd $DIR && rm factory.lock",
        "make && npm test > out.txt",
        "factory build",
        "git checkout main",
        "echo 'rm factory.lock'",
        "echo 'x",
        "",
    ] {
        assert_eq!(said(line), None, "{line}");
    }
}

proptest! {
    #[test]
    fn whatever_is_written_there_is_an_answer(line in "[-a-z $(){}\\[\\]<>|&;'\"`\\\\\n*?#!=~%@^+:,./0-9\u{e9}]{0,60}") {
        let _ = Role::builder().says(&line);
    }

    #[test]
    fn pieces_of_lines_in_any_order_are_no_harm(
        pieces in prop::collection::vec(prop::sample::select(vec![
            "ls", " ", "(", ")", "{ ", "; }", "$(", "`", "'", "\"", "<<E\n", "\nE\n", "if ", "then ", "fi", "for x in ",
            "do ", "done", "case x in ", "esac", ";;", "$((", "))", "[[ ", " ]]", "${x:-", "}", "&&", "|", ";", "\n", ">",
            "&", "f() ", "a=1 ", "{a,b}", "\\", "#", "~", "*", "[", "!",
        ]), 0..40)
    ) {
        let _ = Role::builder().says(&pieces.concat());
    }
}

#[test]
fn hostile_nesting_is_refused_and_no_crash() {
    let builder = Role::builder();
    for (open, close) in [
        ("(", ")"),
        ("$(", ")"),
        ("{ ", "; }"),
        ("if ls; then ", "; fi"),
        ("\"$(", ")\""),
        ("${x:-", "}"),
        ("$((", "))"),
        ("f() { ", "; }"),
        ("while ls; do ", "; done"),
        ("case a in a) ", ";; esac"),
        ("! ", ""),
        ("cat <(", ")"),
        ("bash -c '", "'"),
        ("eval ", ""),
        ("env ", ""),
        ("{a,", "}"),
        ("[[ ( ", " ) ]]"),
        ("`", "`"),
        ("<(", ")"),
        ("((", "))"),
        ("(( ", " ))"),
        ("( ((", "))"),
        ("((1+(", ")))"),
        ("case a in (a) ", ";; esac"),
        ("case a in a) (", ") ;; esac"),
        ("case a in a) > esac ", ";; esac"),
        ("case a in a) b ;; b) (", ") ;; esac"),
        ("echo esac; case a in a) ", ";; esac"),
        ("for (( ", "; ; )); do ls; done"),
        ("${x[", "]}"),
        ("\"${x[", "]}\""),
        ("${x[${y:-]}", "]}"),
        ("${x[(])", "]}"),
        ("${!x[", "]}"),
        ("x=(", ")"),
        ("$[", "]"),
        ("time ", ""),
        ("select x in a; do ", "; done"),
    ] {
        // What grows with each level as it should not does not come to an end here.
        for times in [25, 60, 30_000] {
            for closed in [times, times / 2, 0] {
                let line = format!("{}ls{}", open.repeat(times), close.repeat(closed));
                let _ = builder.says(&line);
                let _ = builder.says(&format!("echo {line}"));
            }
        }
    }
}

#[test]
fn a_number_that_is_too_large_for_the_parser_is_refused_before_it_reads_it() {
    let builder = Role::builder();
    let many = "4".repeat(40);
    for line in [
        format!("ls {many}>app/a.txt"),
        format!("ls {many}<<E\nE"),
        format!("ls ~{many}/x"),
        format!("ls \"$(ls ~+{many})\""),
        format!("x=a:~-{many} ls"),
    ] {
        let said = builder.says(&line).unwrap_err().to_string();
        assert!(said.contains("there is none"), "{line}: {said}");
    }
    // A word that stands apart is no number of anything.
    builder.says(&format!("echo {many} >app/a.txt")).unwrap();
}
