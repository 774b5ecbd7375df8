//! Ways to do more than a line seems to, class by class, and the plain work that lies beside each.

use std::{fs, os::unix::fs::symlink};

use super::*;

/// A checkout on the disk, with what git tracks in it.
struct Checkout {
    disk: Disk,
    tracked: Vec<String>,
    // What git would track besides, if it were told to.
    addable: Vec<String>,
    _directory: tempfile::TempDir,
}

const TRACKED: &[&str] = &[
    "README.md",
    "app/b.rb",
    "app/models/a.rb",
    "bin/rails",
    "docs/a.md",
    "src/f",
];

impl Checkout {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path().canonicalize().unwrap();
        let other = [
            ".env",
            ".git/HEAD",
            "app/bare/HEAD",
            "app/bare/objects/x",
            "app/bare/refs/x",
            "app/cloned/.git/HEAD",
            "app/bin/rails",
            "app/secret_list",
            "secrets/k",
            "config/master.key",
        ];
        for path in TRACKED.iter().chain(&other) {
            let path = root.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "x\n").unwrap();
        }
        symlink("/etc", root.join("docs/etc")).unwrap();
        symlink("../src", root.join("app/out")).unwrap();
        symlink("../.env", root.join("docs/plain")).unwrap();
        Self {
            disk: Disk(root.to_str().unwrap().to_owned()),
            tracked: TRACKED.iter().map(|path| (*path).to_owned()).collect(),
            addable: vec!["app/secret_list".to_owned()],
            _directory: directory,
        }
    }

    fn says(&self, line: &str) -> Result<(), Refusal> {
        judge(line, &worker().scope(&self.disk.0, "", self))
    }
}

impl Tree for Checkout {
    fn kind(&self, path: &str) -> Kind {
        self.disk.kind(path)
    }

    fn resolve(&self, path: &str) -> Resolved {
        self.disk.resolve(path)
    }

    fn below(&self, directory: &str) -> Option<Vec<String>> {
        self.disk.below(directory)
    }

    fn names(&self, directory: &str) -> Option<Vec<String>> {
        self.disk.names(directory)
    }

    fn link(&self, path: &str) -> Option<String> {
        self.disk.link(path)
    }

    // All else is ignored.
    fn searched(&self, directory: &str) -> Option<Vec<String>> {
        let inside = directory.strip_prefix(&self.disk.0)?.trim_matches('/');
        let below = |path: &String| match inside {
            "" => Some(path.clone()),
            inside => Some(path.strip_prefix(inside)?.strip_prefix('/')?.to_owned()),
        };
        Some(self.tracked.iter().filter_map(below).collect())
    }

    fn tracked(&self) -> Option<Vec<String>> {
        Some(self.tracked.clone())
    }

    fn addable(&self) -> Option<Vec<String>> {
        Some(self.addable.clone())
    }
}

// One who may do much: what is refused is refused for what it does, not for want of a grant.
fn worker() -> Role {
    let mut role = Role::builder();
    role.run.may.extend(entries(&[
        "bin/rails *",
        "find *",
        "git -C *",
        "git -c *",
        "git archive *",
        "git clone *",
        "git checkout *",
        "git fetch *",
        "git format-patch *",
        "git hash-object *",
        "git apply *",
        "git stash *",
        "git switch *",
        "cpio *",
        "patch *",
        "rsync *",
        "tar *",
        "unzip *",
        "npm *",
        "npx *",
        "pytest *",
        "go test *",
        "rg *",
        "sleep *",
    ]));
    role
}

fn refused(lines: &[&str]) {
    let checkout = Checkout::new();
    let allowed: Vec<&&str> = lines
        .iter()
        .filter(|line| checkout.says(line).is_ok())
        .collect();
    assert!(allowed.is_empty(), "{allowed:#?}");
}

fn allowed(lines: &[&str]) {
    let checkout = Checkout::new();
    let refusal = |line: &&str| Some(format!("{line}: {}", checkout.says(line).err()?));
    let refused: Vec<String> = lines.iter().filter_map(refusal).collect();
    assert!(refused.is_empty(), "{refused:#?}");
}

#[test]
fn arithmetic_to_one_shell_is_no_command_to_another() {
    refused(&[
        "((kamal deploy))",
        "( (kamal deploy) )",
        "((kamal deploy) )",
        "((kamal deploy); ls)",
        "((echo 1) | (kamal deploy))",
        "echo $((kamal deploy))",
        "echo $((kamal deploy) )",
        "echo $((echo 1) | (kamal deploy))",
        "sh -c '((x > src/f))'",
        "((x > src/f))",
        "if ((x > src/f)); then ls; fi",
        "for ((i=0; i<3; i++)); do kamal deploy; done",
        "x='a[$(kamal deploy)]'; ((x))",
        "read x; echo $((x))",
        "x=$(cat app/b.rb); echo $((x + 1))",
    ]);
    allowed(&[
        "( (echo a); echo b)",
        "i=0; ((i++)); echo $i",
        "n=3; echo $((n * 2))",
        "for ((i=0; i<3; i++)); do echo $i; done",
        "n=$(wc -l < app/b.rb); echo $((n + 1))",
    ]);
}

#[test]
fn jobs_and_waits_run_nothing_and_set_nothing() {
    refused(&[
        "jobs -x kamal deploy",
        "jobs -lx kamal deploy",
        "jobs -x git push",
        "wait -p PATH",
        "wait -pPATH",
        "wait -n -p LD_PRELOAD",
        "wait -np PATH",
        "wait -p \"$x\"",
    ]);
    allowed(&["jobs -l", "sleep 1 & wait", "sleep 1 & wait $!", "wait -n"]);
}

#[test]
fn a_script_for_sed_is_read_to_its_end() {
    refused(&[
        "sed '#x\\\ne rm x' app/b.rb",
        "sed ':a e rm x' app/b.rb",
        "sed ':a;e rm x' app/b.rb",
        "sed 'b;e rm x' app/b.rb",
        "sed 's/a/b/;}e rm x' app/b.rb",
        "sed -n '/a/{w src/f' -e '}' app/b.rb",
        "sed -e p -e 'w src/f' app/b.rb",
        "sed --expression=e app/b.rb",
        "sed --expr=e app/b.rb",
        "sed 's/a/b/we' app/b.rb",
        "sed 's/a/b/ge' app/b.rb",
        "sed 'R .env' app/b.rb",
        "sed 'r.env' app/b.rb",
        "sed '1!e' app/b.rb",
        "sed '1a foo\nw src/f' app/b.rb",
        "sed --file=app/b.rb app/b.rb",
        "sed -nf app/b.rb app/b.rb",
        "sed -ni p src/f",
        "sed -Ei s/a/b/ src/f",
        "sed -E -n -i.bak p src/f",
        "sed --in-pl=x s/a/b/ src/f",
        "sed -i.bak s/a/b/ README.md",
        "sed -i../src/f s/a/b/ app/b.rb",
        "sed -s -n -e p .env",
        "sed \"$x\" app/b.rb",
        "sed $'s/a\\\\/b/w out/' app/b.rb",
        "sed -i$'.bak' s/a/b/ app/b.rb",
        "sort -o$'src/f' app/b.rb",
        "sort $'-o' src/f app/b.rb",
        "ls | xargs cat",
        "ls app | xargs cat",
        "ls src/* | xargs rm",
    ]);
    allowed(&[
        "sed -n '1,5p;/x/p' app/b.rb",
        "sed -i -e 's/a/b/' -e '/x/d' app/b.rb",
        "sed ':a;N;$!ba;s/\\n/ /g' app/b.rb",
        "sed -E 's|(a+)|<\\1>|g' app/b.rb | head",
        "sed -i.bak s/a/b/ app/b.rb",
        "sed '/^#/d' app/b.rb",
        "n=3; sed -n \"${n}p\" app/b.rb",
    ]);
}

#[test]
fn an_option_is_one_however_it_is_written() {
    refused(&[
        "git grep -O foo",
        "git grep -nO foo",
        "git grep -Okamal foo",
        "git grep --open foo",
        "git grep --op=kamal foo",
        "git grep --open-files-in-pager=kamal foo",
        "git rebase -x 'kamal deploy' main",
        "git rebase -xkamal main",
        "git rebase -fx kamal main",
        "git rebase --ex 'kamal deploy' main",
        "git rebase --exec='kamal deploy' main",
        "git rebase -i main",
        "git fetch --upload-pack=kamal origin",
        "git fetch --upload kamal origin",
        "git fetch --upl=kamal origin",
        "git fetch ext::kamal",
        "git commit -nm x",
        "git commit -anm x",
        "git commit --no-veri -m x",
        "git commit -m x -n",
        "git commit -m x --no-v",
        "git diff --output=src/f",
        "git diff --outp=src/f",
        "git log --output src/f",
        "git diff --ext-diff",
        "git log -p --ext-d",
        "sort -uosrc/f app/b.rb",
        "sort -uo src/f app/b.rb",
        "sort --outp=src/f app/b.rb",
        "sort --compress=kamal app/b.rb",
        "sort -T src app/b.rb",
        "rg --pre kamal x app",
        "rg --pre=kamal x app",
        "rg -n --hostname-bin=kamal x app",
        "tree -o src/f",
        "tree -aosrc/f",
        "tree -R -H . -L 1",
        "tree -aR -L 1",
        "file -C -m app/b.rb",
        "file -bC -m app/b.rb",
        "file --comp -m app/b.rb",
        "yq -ni x app/b.rb",
        "yq -i x src/f",
        "date -us 1",
        "date --se 1",
        "cp --targ=src app/b.rb",
        "cp -tsrc app/b.rb",
        "mv -ft src app/b.rb",
        "cp -b app/b.rb app/models/a.rb",
        "cp --parents app/b.rb docs",
        "install -Dt src app/b.rb",
        "uniq -c app/b.rb src/f",
        "xxd app/b.rb src/f",
        "tee -a src/f",
        "mktemp -p src x.XXXXXX",
        "mktemp --tmpdir=src x.XXXXXX",
        "mktemp src/x.XXXXXX",
    ]);
    allowed(&[
        "git commit -am 'Add a page'",
        "git commit -m 'Leave out -n and --no-verify'",
        "git log -3 --oneline --graph",
        "git log --oneline -n 5 --format='%h %s'",
        "git diff --stat -U3 HEAD~1",
        "git diff --cached --name-only",
        "git grep -n foo",
        "git grep -niE 'foo|bar' -- app",
        "git fetch --prune origin",
        "git rebase main",
        "git rebase --onto main topic~2 topic",
        "sort -t, -k2,2n -u app/b.rb",
        "grep -rnE 'a|b' app/models --include='*.rb'",
        "rg -n -C3 foo app/models -g '*.rb'",
        "tree -L 2 app/models",
        "file -b app/b.rb",
        "date -u +%Y-%m-%d",
        "head -n 20 app/b.rb | tail -5",
        "mktemp -d",
    ]);
}

#[test]
fn git_finds_no_repository_but_the_projects() {
    refused(&[
        "cd app/bare && git status",
        "git -C app/bare log",
        "git -C app -C bare log",
        "cd app/cloned && git commit -m x",
        "git --git-dir=app/bare status",
        "git --work-tree=src restore app/b.rb",
        "mkdir -p app/x/objects app/x/refs && echo 'ref: refs/heads/main' > app/x/HEAD && cd app/x && git status",
        "cp -r app/bare app/new && git -C app/new status",
        "mv app/bare app/new; cd app/new; git log",
        "cd .. && git status",
        "cd /tmp && git status",
        "cd \"$x\" && git status",
    ]);
    allowed(&[
        "cd app && git status",
        "git -C app log --oneline",
        "git -C . diff",
    ]);
}

#[test]
fn git_in_another_directory_is_judged_as_if_the_line_had_gone_there() {
    let checkout = Checkout::new();
    let mut role = Role::builder();
    role.run
        .never
        .push("git log --all *".parse::<CommandPattern>().unwrap().into());
    let says = |line: &str| judge(line, &role.scope(&checkout.disk.0, "", &checkout));
    for line in [
        "git -C app log",
        "git -C app/models -C .. log --oneline",
        "git --no-pager -C app diff --stat",
        "git -C \"$PWD/app\" status",
        "git -C app mv b.rb c.rb",
        "cd app && git -C .. status",
        "cd app && git -C models log",
    ] {
        assert!(says(line).is_ok(), "{line}: {:?}", says(line));
    }
    for (line, reason) in [
        ("git -C app push", "forbids"),
        ("git -C app log --all", "forbids"),
        ("git -C .. log", "may not run"),
        ("git -C docs/etc log", "may not run"),
        (
            "git -C app fetch",
            "it would take `may { run \"git fetch *\"; }`",
        ),
        ("git -C app/bare log", "may hold a repository"),
        ("git -C app mv b.rb ../src/b", "may not write"),
        ("git -C config show HEAD:./master.key", "forbids"),
        ("git -C \"$x\" log", "forbids"),
    ] {
        let said = says(line).unwrap_err().to_string();
        assert!(said.contains(reason), "{line}: {said}");
    }
}

#[test]
fn what_decides_which_programs_run_is_set_in_no_way() {
    refused(&[
        "declare PATH=app",
        "declare -x PATH=app",
        "declare -gx PATH=app",
        "typeset PATH=app; ls",
        "readonly PATH=app",
        "export PATH",
        "f() { local PATH=app; ls; }; f",
        "((PATH=1))",
        "let PATH=1",
        "let 'PATH = 1'",
        ": $((PATH=1))",
        "echo $((PATH++))",
        "echo ${PATH:=app}",
        "echo ${IFS:=x}",
        "for PATH in app; do ls; done",
        "for ((PATH=1; PATH<2; PATH++)); do ls; done",
        "read PATH",
        "read -r a PATH",
        "read -a PATH",
        "printf -v PATH app",
        "printf -vPATH app",
        "mapfile PATH < app/b.rb",
        "mapfile -t PATH < app/b.rb",
        "getopts a PATH",
        "PATH+=:app ls",
        "PATH=app",
        "unset PATH",
        "a=PATH; declare \"$a=app\"",
        "declare -n x=PATH; x=app",
        "a[PATH=1]=2",
        "echo ${a[PATH=1]}",
        "echo ${a:PATH=1}",
        "[[ PATH=1 -eq 1 ]]",
        "ls {PATH}>app/x",
        "exec {PATH}>app/x",
        "hash -p app/bin/rails ls",
        "hash -papp/bin/rails ls; ls",
        "hash -rp app/bin/rails ls",
        "command -p ls; enable -f app/x ls",
        "enable -n test",
        "alias ls=kamal",
        "shopt -s expand_aliases",
        "set -o allexport",
        "set -k",
        "path=app",
    ]);
    allowed(&[
        "hash -r",
        "x=1; echo $x",
        "read -r line; echo \"$line\"",
        "export RAILS_ENV=test",
    ]);
}

#[test]
fn what_stands_before_a_command_or_in_env_changes_nothing_that_matters() {
    refused(&[
        "PATH=app ls",
        "LD_PRELOAD=app/x.so ls",
        "LD_LIBRARY_PATH=app ls",
        "GIT_SSH_COMMAND=kamal git fetch",
        "GIT_DIR=app/bare git status",
        "GIT_EXTERNAL_DIFF=kamal git diff",
        "GIT_CONFIG_COUNT=1 git status",
        "PAGER=kamal git log",
        "EDITOR=kamal git commit",
        "HOME=app git status",
        "XDG_CONFIG_HOME=app git status",
        "RIPGREP_CONFIG_PATH=app/rc rg x app/models",
        "LESSOPEN='|kamal' less app/b.rb",
        "env PATH=app ls",
        "env -i PATH=app ls",
        "env -u HOME LD_PRELOAD=x ls",
        "env -S 'kamal deploy'",
        "env --split-string='kamal deploy'",
        "env -C src touch f",
        "env --chdir=src touch f",
        "BASH_ENV=app/x bash -c ls",
        "ENV=app/x sh -c ls",
        "PYTHONPATH=app pytest",
        "NODE_OPTIONS='-r ./app/x' npm test",
        "RUBYOPT=-rx bin/rails test",
        "IFS=x ls",
        "IFS=x; read a",
        "sudo -u x kamal deploy",
        "timeout 5 env PATH=app ls",
        "xargs env PATH=app ls",
        "PYTHONDONTWRITEBYTECODE=1 kamal deploy",
    ]);
    allowed(&[
        "RAILS_ENV=test bin/rails test",
        "env RAILS_ENV=test bin/rails test",
        "while IFS= read -r line; do echo \"$line\"; done < app/b.rb",
    ]);
}

#[test]
fn a_program_of_the_project_is_named_from_where_the_line_is() {
    refused(&[
        "cd app && bin/rails test",
        "cd app; ./bin/rails test",
        "(cd app; bin/rails test)",
        "pushd app; bin/rails test",
        "cd \"$x\" && bin/rails test",
        "app/bin/rails test",
        "app/../src/bin/rails test",
        "./app/bin/rails test",
    ]);
    allowed(&[
        "bin/rails test",
        "cd app && ../bin/rails test",
        "(cd app); bin/rails test",
    ]);
}

#[test]
fn a_function_is_what_it_is_and_stays_it() {
    refused(&[
        "unset -f ls",
        "f() { ls; }; unset -f f; f",
        "f() { ls; }; unset f; f",
        "kamal() { ls; }; kamal deploy",
        "kamal() { ls; }; command kamal deploy",
        "kamal() { ls; }; env kamal deploy",
        "kamal() { ls; }; unset -f kamal; kamal deploy",
        "f() { ls; }; f() { kamal deploy; }; f",
        "ls() { kamal deploy; }; ls",
        "cd() { :; }; cd src; touch f",
        "f() { f; f; }; f",
    ]);
    allowed(&[
        "f() { ls \"$@\"; }; f app",
        "count() { wc -l app/b.rb; }; count",
    ]);
}

#[test]
fn where_the_line_is_is_known_or_it_is_refused() {
    refused(&[
        "f() { cd src; }; f; touch f",
        "f() { touch a; }; cd src; f",
        "trap 'cd src' DEBUG; touch app/x",
        "trap 'cd src' USR1; touch app/x",
        "trap 'touch x' EXIT; cd src",
        "pushd src; touch f",
        "pushd app; popd; touch f",
        "cd app; cd -; touch a",
        "cd app; pushd ../src; touch f",
        "while ls; do cd src; touch f; done",
        "for i in 1 2; do touch app/x; cd src; done",
        "eval 'cd src'; touch f",
        "command cd src; touch f",
        "builtin cd src; touch f",
        "if cd src; then :; fi; touch f",
        "true && cd src; touch f",
        "ls | cd src; touch f",
        "cd ~; touch app/f",
        "cd app/out; touch f",
        "cd -P app/out; touch f",
        "cd -P app/out/../app && touch x && touch ../f",
        "cd -P docs/etc; cat passwd",
        "cd -Px app && touch x.rb",
        "cd app/out && cd .. && touch app/x.rb && cd .. && touch f",
        "ln -s ../src app/l; cd app/l; touch f",
        "CDPATH=src cd app; touch x",
        "find . -execdir touch app/f \\;",
    ]);
    allowed(&[
        "(cd src); touch app/x",
        "cd src & touch app/x",
        "pushd app && touch x && popd",
        "f() { touch app/x; }; f",
        "trap 'echo bye' EXIT; ls",
        "cd app && ls && touch x.rb",
        "cd -P app && touch x.rb",
        "cd -LP -- app && touch x.rb",
        "cd -P app/out && ls && cd -L ../app && touch x",
        "for d in app docs; do (cd $d && ls); done",
    ]);
}

#[test]
fn a_loop_says_what_its_variable_is_only_while_nothing_else_does() {
    refused(&[
        "for f in app/a src/f; do rm $f; done",
        "for f in app/a; do f=src/f; rm $f; done",
        "for f in app/a; do read f; rm \"$f\"; done",
        "for f in app/a; do :; done; rm \"$f\"",
        "for f in app/a; do for f in src/f; do :; done; rm \"$f\"; done",
        "for f in app/a; do eval f=src/f; rm \"$f\"; done",
        "for f in app/a; do g() { f=src/f; }; g; rm \"$f\"; done",
        "for f in app/a; do : ${f:=src/f}; printf -v f src/f; rm \"$f\"; done",
        "for f in \"$@\"; do rm \"$f\"; done",
        "for f in $(cat app/secret_list); do rm \"$f\"; done",
        "for f in app/*; do rm -r \"$f\"; done",
        "for n in push; do git $n; done",
        "for c in kamal; do $c deploy; done",
    ]);
    allowed(&[
        "for f in app/a app/b; do rm \"$f\"; done",
        "for f in app/*.rb; do sed -i s/a/b/ \"$f\"; done",
        "for f in $(git ls-files app); do wc -l \"$f\"; done",
        "for i in 1 2 3; do bin/rails test; done",
    ]);
}

#[test]
fn a_link_that_the_line_makes_is_not_written_or_read_through() {
    refused(&[
        "ln -s ../src app/l && echo x > app/l/f",
        "ln -s /etc app/l; touch app/l/x",
        "ln -s ../docs app/l; echo x > app/l/etc/x",
        "ln -sr src app/l",
        "ln src/f app/f",
        "ln -s ../.env app/l; cat app/l",
        "ln .env app/l",
        "ln -sfn ../src app/models",
        "while ls; do ln -s ../docs/a.md app/l; done; echo x > app/l",
        "ln -s ../docs app/l; ln -s ../docs app/l",
        "cp -P docs/plain app/plain",
        "cp -a docs/etc app/etc; cat app/etc/passwd",
        "cp -s \"$PWD/src/f\" app/f",
        "cp -l src/f app/f",
        "mv docs/plain app/models/plain; cat app/models/plain",
        "mv docs/etc app/etc; cat app/etc/passwd",
        "git checkout main -- app/l; echo x > app/l",
        "git restore app; echo x > app/b.rb",
    ]);
    allowed(&[
        "git restore app/b.rb; git status",
        "ln -s ../docs/a.md app/a.md",
        "ln -s b.rb app/c.rb",
        "cp app/b.rb app/c.rb && echo x >> app/c.rb",
    ]);
}

#[test]
fn a_link_that_a_command_may_bring_is_not_written_or_read_through() {
    refused(&[
        "git checkout topic && cat app/b.rb",
        "git checkout topic; echo x > app/b.rb",
        "git checkout -b topic origin/topic && cat app/b.rb",
        "git switch topic && cat < app/b.rb",
        "git stash pop && sed -i s/a/b/ app/b.rb",
        "git -C app checkout topic && cat README.md",
        "cd app && git switch topic && cat ../docs/a.md",
        "git rebase main && cp app/b.rb app/c.rb",
        "git apply app/x.diff; cat app/x",
        "git clone u app/x && cat app/x/f",
        "git clone u app/x && echo x > app/x/f",
        "cat app/b.rb & git checkout topic",
        "while ls; do cat app/b.rb; git checkout topic; done",
        "f() { cat app/b.rb; }; git checkout topic; f",
        "trap 'cat app/b.rb' EXIT; git checkout topic",
        "(sleep 1; cat app/b.rb) | git checkout topic",
        "ls <(sleep 1; cat app/b.rb); git checkout topic",
        "if git checkout topic; then cat app/b.rb; fi",
        "tar xf app/x.tar && cat app/b.rb",
        "tar -xzf app/x.tgz -C app/models; cat app/models/a.rb",
        "cd docs && tar -C ../app -xf x.tar; cat ../app/b.rb",
        "tar \"$x\" app/x.tar; cat app/b.rb",
        "unzip app/x.zip -d app/models && echo x > app/models/a.rb",
        "cd app && unzip x.zip -d ../docs && cat ../docs/a.md",
        "rsync -a vendor/ app/models && cat app/models/a.rb",
        "patch -p1 < app/x.diff && cat app/b.rb",
        "cpio -i < app/x && cat app/b.rb",
    ]);
    allowed(&[
        "cat app/b.rb && git checkout topic",
        "echo x > app/b.rb; git stash",
        "sed -i s/a/b/ app/b.rb && git add -A && git commit -m x && git switch main",
        "git checkout -b topic && sed -i s/a/b/ app/b.rb",
        "git switch -c topic && echo x > app/b.rb && git add app/b.rb",
        "git checkout topic && git diff -- app && git grep foo -- app",
        "git checkout topic && git status && git log -p -3 -- app",
        "git checkout topic && npm test && bin/rails test",
        "git stash && npm test; git stash pop",
        "git rebase main && git restore app/b.rb",
        "grep -n foo app/b.rb | head -5; git checkout topic",
        "git stash drop && cat app/b.rb",
        "tar czf app/x.tgz app/models && cat app/b.rb",
        "tar tf app/x.tgz && cat app/b.rb",
        "tar xf app/x.tar && ls -la app && bin/rails test",
        "cd app && tar xf x.tar && cat ../docs/a.md",
    ]);
}

#[test]
fn what_git_writes_is_judged_by_path() {
    refused(&[
        "git restore src/f",
        "git restore .",
        "git restore -- src",
        "git restore -s HEAD~1 src/f",
        "git restore --source=HEAD~1 -SW src/f",
        "git restore 's*'",
        "git restore ':/src'",
        "git restore --pathspec-from-file=app/b.rb",
        "git rm src/f",
        "git rm -r .",
        "git rm -r src",
        "git rm 's*'",
        "git rm -f -- src/f",
        "git rm --pathspec-from-file=app/b.rb",
        "cd src && git rm f",
        "git -C src rm f",
        "git mv app/b.rb src/a",
        "git mv src/f app/f",
        "git mv app/b.rb app/models src",
        "git format-patch HEAD~1",
        "git format-patch -o app/models --suffix=.rb HEAD~1",
        "git format-patch -o app/models --numbered-files HEAD~1",
        "git format-patch -o app/out HEAD~1",
        "git format-patch -o src/patches HEAD~1",
        "git format-patch -o app/patches HEAD~1; rm app/patches/*",
        "git -C app/out/.. mv app/b.rb x",
        "git clone x app/x; cp app/x/* docs/",
        "git format-patch -o src HEAD~1",
        "git format-patch -osrc HEAD~1",
        "git format-patch --output-directory=src HEAD~1",
        "git format-patch --output-d src HEAD~1",
        "git checkout -- src/f",
        "git checkout HEAD src/f",
        "git checkout src/f",
        "git checkout HEAD -- .",
        "git checkout --pathspec-from-file=app/b.rb",
        "git archive -o src/f HEAD",
        "git archive -osrc/f HEAD",
        "git archive --output=src/f HEAD",
        "git archive --remote=x --exec=kamal HEAD",
        "git log --output=src/f",
        "git stash show -p --output=src/f",
    ]);
    allowed(&[
        "git restore app/b.rb",
        "git restore --staged .",
        "git restore --staged src/f",
        "git rm app/b.rb",
        "git rm --cached src/f",
        "git rm -n src/f",
        "git mv app/b.rb app/c.rb",
        "git checkout -- app/b.rb",
        "git checkout -b topic",
        "git checkout main",
        "git switch -c topic",
        "git format-patch --stdout HEAD~1",
        "git format-patch -o app/patches HEAD~1",
        "git format-patch -3 -o app --cover-letter",
        "git -C app format-patch -o patches HEAD~1",
        "git format-patch -o app/patches HEAD~1 && git status",
        "git archive -o app/x.tar HEAD app/models",
        "git stash list",
        "git add -A && git commit -m 'Add a page'",
    ]);
}

#[test]
fn what_find_does_with_what_it_finds_is_judged() {
    refused(&[
        "find app -fprint src/f",
        "find app -fprint0 src/f",
        "find app -fprintf src/f %p",
        "find app -fls src/f",
        "find src -delete",
        "find . -name '*.tmp' -delete",
        "find app -delete",
        "find src -exec rm {} +",
        "find . -exec cat {} +",
        "find app -exec kamal deploy \\;",
        "find app -execdir kamal deploy \\;",
        "find app -ok kamal deploy \\;",
        "find app -exec sh -c 'kamal deploy' \\;",
        "find app -exec sh -c \"$x\" \\;",
        "find app -exec {} \\;",
        "find src -exec sed -i s/a/b/ {} +",
        "find -L docs -exec cat {} +",
        "find src -name f | xargs rm",
        "find . -type f | xargs cat",
        "find \"$x\" -delete",
        "find app -name x \"$y\"",
    ]);
    allowed(&[
        "find app/models -name '*.rb' -delete",
        "find app -name '*.rb' -exec grep -n foo {} +",
        "find app -name '*.rb' -exec wc -l {} +",
        "find app -name '*.rb' -print0 | xargs -0 wc -l",
        "find app/models -type f -name '*.rb' | xargs grep -n foo",
        "find . -maxdepth 2 -name '*.md' -not -path './node_modules/*'",
    ]);
}

#[test]
fn a_name_is_what_the_shell_makes_of_it() {
    refused(&[
        "git {,} push",
        "git {push,}",
        "{git,push}",
        "git pu{s,}h",
        "g[i]t push",
        "gi[t] push",
        "[g]it push",
        "git pus[h]",
        "git pu?h",
        "git p*",
        "git $'push'",
        "git \"pu\"'sh'",
        "git pu\\\nsh",
        "git ${x:-push}",
        "git $(echo push)",
        "${x:-kamal} deploy",
        "$'kamal' deploy",
        "k$(:)amal deploy",
        "ka''mal deploy",
        "KAMAL deploy",
    ]);
}

#[test]
fn settings_that_make_git_run_something_are_not_given() {
    refused(&[
        "git -c alias.x='!kamal deploy' x",
        "git -c alias.status='!kamal deploy' status",
        "git -c core.editor=kamal commit",
        "git -c core.hooksPath=app commit -m x",
        "git -c core.fsmonitor=app/x status",
        "git -c core.pager=kamal log",
        "git -ccore.pager=kamal log",
        "git -c diff.external=kamal diff",
        "git -c include.path=app/x status",
        "git -c gpg.program=kamal commit -S -m x",
        "git --config-env=core.pager=X log",
        "git --exec-path=app status",
        "git -p log --paginate",
        "git config alias.x '!kamal'",
        "git config --global core.pager kamal",
        "git x",
        "git log --show-signature",
    ]);
    allowed(&[
        "git -c user.name=x -c user.email=y commit -m z",
        "git -c color.ui=always diff",
        "git -c core.pager=cat log",
        "git --no-pager log --oneline",
    ]);
}

#[test]
fn what_a_runner_of_packages_calls_is_judged() {
    refused(&[
        "npx --call 'kamal deploy'",
        "npx --call='kamal deploy'",
        "npx --cal 'kamal deploy'",
        "npx -c 'kamal deploy'",
        "npx -yc 'kamal deploy'",
        "npx -y -c 'kamal deploy'",
        "npx -p x -c 'kamal deploy'",
        "npx kamal deploy",
        "npx -y kamal deploy",
        "npx --package=x kamal deploy",
        "npm exec -c 'kamal deploy'",
        "npm exec --call='kamal deploy'",
        "npm exec -- kamal deploy",
        "npm x kamal deploy",
        "npm --silent exec kamal deploy",
        "npx -c 'git push'",
        "npx -c \"$x\"",
    ]);
    allowed(&[
        "npx eslint app",
        "npx --yes jest app/models",
        "npm test",
        "npm run build",
        "npm ci",
    ]);
}

#[test]
fn what_an_option_names_is_read_like_anything_else() {
    refused(&[
        "grep -f .env app/b.rb",
        "grep -f.env app/b.rb",
        "grep -nf .env app/b.rb",
        "grep --file=.env app/b.rb",
        "grep --fil .env app/b.rb",
        "grep -r x . --include=.env",
        "grep -r --include='*' x .",
        "grep -rn x",
        "grep -d recurse x .",
        "grep x .env",
        "rg -f .env app",
        "rg x -g .env",
        "rg x -g '.e*'",
        "rg --hidden x",
        "rg -uuu x",
        "rg -. x",
        "rg x .env",
        "date -f .env",
        "date --file=.env",
        "date -uf.env",
        "du --files0-from=.env",
        "du -X .env",
        "wc --files0-from=.env",
        "sort --files0-from=.env",
        "tree --fromfile .env",
        "file -f .env",
        "file -bf .env",
        "file -m .env app/b.rb",
        "diff --from-file=.env app/b.rb",
        "diff app/b.rb .env",
        "diff -r . app",
        "cmp .env app/b.rb",
        "comm .env app/b.rb",
        "jq -f .env app/b.rb",
        "jq --rawfile x .env . app/b.rb",
        "jq -L. 'include \"x\"; .' app/b.rb",
        "jq . .env",
        "xxd .env",
        "od .env",
        "strings @.env",
        "sha256sum -c .env",
        "git commit -F .env",
        "git commit -t .env",
        "git commit -aF.env",
        "git grep -f .env",
        "git diff -O.env",
        "git blame --contents .env app/b.rb",
        "git hash-object -w .env",
        "git add --pathspec-from-file=.env",
        "dd if=.env of=app/x",
        "install .env app/x",
        "tee app/x < .env",
        "cat - .env",
        "cat ./.env",
        "cat app/../.env",
        "cat .[e]nv",
        "cat .e*",
        "cat docs/plain",
        "bash -c 'cat .env'",
        "while read l; do echo $l; done < .env",
        "echo \"$(<.env)\"",
        "mapfile x < .env",
        "xargs -a .env echo",
        "xargs --arg-file=.env echo",
        "less +'!kamal' app/b.rb",
    ]);
    allowed(&[
        "grep -rn foo app/models",
        "grep -e a -e b app/b.rb",
        "rg foo app/models",
        "rg foo -t ruby",
        "rg foo",
        "diff app/b.rb app/models/a.rb",
        "jq .name app/b.rb",
        "wc -l app/b.rb docs/a.md",
        "cat app/*.rb",
        "du -sh app",
        "ls -la",
    ]);
}

#[test]
fn git_shows_nothing_that_may_not_be_read() {
    refused(&[
        "git add .env",
        "git add -f .",
        "git show HEAD:.env",
        "git show HEAD:./.env",
        "git show :.env",
        "git show :0:.env",
        "git show ':(top).env'",
        "git show HEAD:config/master.key",
        "git show main~3:secrets/k",
        "git cat-file -p HEAD:.env",
        "git cat-file blob :.env",
        "git cat-file --batch",
        "git cat-file -p 0123abcd",
        "git log -p -- .env",
        "git log -p -- 'secrets/*'",
        "git log -L1,5:.env",
        "git diff HEAD -- .env",
        "git diff -- .env",
        "git diff HEAD~1 HEAD -- config/master.key",
        "git diff --no-index .env app/b.rb",
        "git diff --no-index /etc/passwd app/b.rb",
        "git diff --no-index . app",
        "git grep x -- .env",
        "git grep x HEAD -- .env",
        "git grep --no-index x .",
        "git grep --untracked x",
        "git grep --no-index x /etc",
        "git blame .env",
        "git archive HEAD .env",
        "git archive HEAD secrets",
        "git show \"HEAD:$x\"",
    ]);
    allowed(&[
        "git show HEAD:app/b.rb",
        "git show HEAD",
        "git show --stat HEAD",
        "git log --oneline -5",
        "git log -p -3 -- app/models",
        "git diff",
        "git diff main...HEAD --stat",
        "git diff HEAD~1 -- app",
        "git diff $(git merge-base main HEAD)",
        "git grep foo",
        "git blame app/b.rb",
    ]);
}

#[test]
fn what_git_shows_of_all_files_is_read_like_anything_else() {
    let mut checkout = Checkout::new();
    checkout.tracked.push(".env".to_owned());
    let role = {
        let mut role = worker();
        role.run.may.extend(entries(&["git --literal-pathspecs *"]));
        role
    };
    let says = |line: &str| judge(line, &role.scope(&checkout.disk.0, "", &checkout));
    for line in [
        "git diff",
        "git diff HEAD~1",
        "git diff --cached",
        "git diff main...HEAD",
        "git diff -- .",
        "cd app && git diff",
        "git -C app diff",
        "git diff --stat -p",
        "git show",
        "git show HEAD~2",
        "git log -p",
        "git log -p -3 --stat",
        "git log --oneline -p main..HEAD",
        "git stash show -p",
        "git stash list -p",
        "git format-patch --stdout HEAD~1",
        "git status -v",
        "git add -p",
        "git commit -v -m x",
        "git restore -p --staged .",
        "git grep foo",
        "git grep foo -- . ':!app'",
        "git diff -- . ':!app'",
        "git diff -- . ':!.en?'",
        "git diff -- ':!README.md'",
        "git --literal-pathspecs diff -- . ':!.env'",
        "cd app && git diff -- .. ':!.env'",
        "grep -r foo .",
    ] {
        let said = says(line).map_err(|refusal| refusal.to_string());
        assert!(
            said.as_ref().is_err_and(|said| said.contains("`.env`")),
            "{line}: {said:?}"
        );
    }
    for line in [
        "git diff --stat",
        "git diff --name-only HEAD~1",
        "git diff --quiet",
        "git diff -- app",
        "git diff HEAD~1 -- app docs",
        "git diff -- . ':!.env'",
        "git diff HEAD~1 -- ':!.env'",
        "git diff -- . ':(exclude).env'",
        "cd app && git diff -- .. ':!../.env'",
        "git log --oneline -5",
        "git log --stat",
        "git log -p -- app/models",
        "git log -L1,2:app/b.rb",
        "git show --stat HEAD",
        "git show HEAD:app/b.rb",
        "git show HEAD -- app",
        "git grep foo -- app",
        "git grep foo -- . ':!.env'",
        "git stash list",
        "git status -sb",
        "git add app/b.rb && git commit -m x",
        "git -C app diff -- models",
    ] {
        assert!(says(line).is_ok(), "{line}: {:?}", says(line));
    }
    let said = says("git diff").unwrap_err().to_string();
    assert!(said.starts_with("`git diff` "), "{said}");
    assert!(
        said.ends_with("; leave it out with `-- . ':!.env'`"),
        "{said}"
    );
}

#[test]
fn what_is_added_first_is_shown_as_what_is_tracked() {
    let lines = [
        "git add -A && git diff --cached",
        "git add . && git grep foo",
        "git add --all; git commit -qm x; git show",
        "git add -A && git ls-files | xargs cat",
    ];
    allowed(&lines);
    allowed(&[
        "git add app/b.rb && git diff --cached",
        "git add -u && git diff --cached",
        "git commit -am x && git show",
        "git commit -m x && git log -p -1",
    ]);
    let mut checkout = Checkout::new();
    checkout.addable.push(".env".to_owned());
    for line in lines {
        assert!(checkout.says(line).is_err(), "{line}");
    }
    refused(&[
        "git add -f . && git diff --cached",
        "git add app/c.rb .env && git diff --cached",
        "echo x > app/.gitignore && git add -A && git diff --cached",
        "git update-index --add .env && git diff --cached",
    ]);
}

#[test]
fn nothing_outside_is_read_by_a_link_or_a_path() {
    refused(&[
        "cat ~/.ssh/id_rsa",
        "cat ../x",
        "cat $HOME/.netrc",
        "cat docs/etc/shadow",
        "grep -R root docs",
        "rg -L root docs",
        "rg --follow root docs",
        "cp -rL docs app/docs",
        "cp -L docs/etc/passwd app/x",
        "cp docs/etc/passwd app/x",
        "diff -r docs app",
        "head docs/etc/passwd",
        "cat docs/etc/*",
        "cd docs/etc && cat passwd",
        "tail -f /var/log/x",
        "cat /proc/self/environ",
    ]);
    allowed(&["grep -r root docs/a.md", "cat /usr/share/dict/words"]);
}

#[test]
fn plain_work_is_not_in_the_way() {
    allowed(&[
        "git ls-files | xargs wc -l",
        "git ls-files '*.rb' | xargs wc -l",
        "git ls-files -z | xargs -0 wc -l",
        "git ls-files | xargs wc -l | sort -n | tail -5",
        "git ls-files app | xargs cat | wc -l",
        "find app -name '*.rb' | xargs grep -n foo",
        "grep -rl foo app/models | xargs sed -i 's/foo/bar/'",
        "rg -l foo app/models | xargs sed -i 's/foo/bar/g'",
        "wc -l $(git ls-files app)",
        "wc -l app/*.rb",
        "cat app/b.rb | wc -l",
        "ls | wc -l",
        "ls app/*.rb | xargs wc -l",
        "ls -t app/*.rb | head -1 | xargs cat",
        "cut -d$'\\t' -f1 app/b.rb",
        "sort -t $'\\t' -k2 app/b.rb",
        "ls app | xargs -n1 echo",
        "echo a b | xargs echo",
        "touch app/new.rb && mv app/new.rb app/c.rb",
        "echo x > app/n.rb; mv app/n.rb docs/n.rb; cat docs/n.rb",
        "mkdir -p app/x && cp app/models/a.rb app/x/ && rm -r app/x",
        "mkdir -p app/y && mv app/models/a.rb app/y/",
        "cp app/b.rb app/c.rb && sed -i s/x/y/ app/c.rb && rm app/c.rb",
        "cat > app/n.rb <<'E'\nx\nE\nmv app/n.rb app/m.rb && bin/rails test",
        "mv app/b.rb app/c.rb && git add -A && git commit -m 'Rename b'",
        "bin/rails test && git add -A && git commit -m 'Add a page'",
        "n=$(git ls-files | wc -l); echo \"$n files\"",
        "npm test 2>&1 | tail -20",
        "npm run lint -- --fix app",
        "cargo test --lib -- --nocapture 2>&1 | grep -E 'test result|FAILED' | head -20",
        "pytest -x -q app 2>&1 | tail -30",
        "go test ./... 2>&1 | tail -5",
        "set -e; npm test; echo done",
        "if git diff --quiet; then echo clean; else git diff --stat; fi",
        "test -f app/b.rb && echo yes || echo no",
        "printf '%s\\n' a b c | sort | uniq -c",
    ]);
}

// Each stays within the work that one line may take; how long that is, is for the benchmarks.
#[test]
fn a_line_that_is_made_to_take_long_is_refused_and_does_no_harm() {
    let checkout = Checkout::new();
    for (open, close, times) in [
        ("git log $(", ")", 30),
        ("echo $(git rev-parse $(", "))", 15),
        ("for x in {1..9}; do ", "; done", 8),
        ("for x in app/*; do ", "; done", 12),
        ("while ls; do cd app; ", "; done", 30),
        ("f() { cd app; ", "; }", 30),
        ("echo ${x:-'$(", ")'}", 30),
        ("bash -c \"", "\"", 12),
        ("echo $((1 + $(", ")))", 30),
        ("cat <<E\n$(", ")\nE\n", 30),
    ] {
        let line = format!("{}ls{}", open.repeat(times), close.repeat(times));
        let _ = checkout.says(&line);
    }
    for line in [
        "{a,b}".repeat(40),
        format!("touch {}", "{app,docs}/".repeat(20)),
        format!("cat {}", "*/".repeat(40)),
        format!("cat {}", "**/".repeat(40)),
        format!("cat {}", "[a-z]*".repeat(400)),
        format!("ls {}", "a* ".repeat(4000)),
        "ls; ".repeat(20_000),
        format!("rm {}", "app/*$x".repeat(500)),
        format!("git {}", "*$x".repeat(800)),
        format!("x={}", "$y".repeat(5000)),
    ] {
        let _ = checkout.says(&line);
    }
    refused(&[
        &format!("ls {}", "app/* ".repeat(20_000)),
        &"ls; ".repeat(20_000),
    ]);
}

#[test]
fn everyday_work_passes_under_sensible_grants() {
    let checkout = Checkout::new();
    let mut role = Role::builder();
    role.run.may.extend(entries(&[
        "awk *",
        "bin/rails *",
        "bundle *",
        "curl http://localhost:*",
        "docker compose *",
        "eslint *",
        "find *",
        "git checkout *",
        "git fetch *",
        "git merge *",
        "git pull *",
        "git stash *",
        "git switch *",
        "go *",
        "gofmt *",
        "jq *",
        "make *",
        "mypy *",
        "node *",
        "npm *",
        "npx *",
        "pip *",
        "pnpm *",
        "prettier *",
        "pytest *",
        "python *",
        "python3 *",
        "rake *",
        "rg *",
        "rspec *",
        "rubocop *",
        "ruby *",
        "ruff *",
        "sleep *",
        "tar *",
        "tsc *",
        "uv *",
        "yarn *",
    ]));
    role.run.never.extend(entries(&["deploy *"]));
    role.env
        .may
        .extend(entries(&["CI", "NODE_ENV", "RUST_BACKTRACE", "RUST_LOG"]));
    let says = |line: &str| judge(line, &role.scope(&checkout.disk.0, "", &checkout));
    let lines = [
        // Rails.
        "bin/rails test test/models/user_test.rb:12",
        "RAILS_ENV=test bin/rails db:migrate:status",
        "bin/rails generate model Post title:string && bin/rails db:migrate",
        "bin/rails runner 'puts User.count'",
        "bin/rails routes | grep -i user",
        "bundle exec rspec app/models --format documentation",
        "bundle exec rubocop -a app/models/a.rb",
        "bundle install --quiet && bin/rails test",
        "bundle list | grep rails",
        "ruby -e 'puts RUBY_VERSION'",
        "ruby -c app/b.rb",
        "rake -T | head -20",
        // Node.
        "npm ci && npm run build && npm test",
        "npm run test:unit -- --watch=false --reporter=dot",
        "NODE_ENV=test npx jest app/models --coverage=false",
        "npx tsc --noEmit -p . 2>&1 | head -40",
        "npx prettier --check 'app/**/*.ts'",
        "npx eslint --fix app --ext .ts,.tsx",
        "pnpm --filter web build",
        "pnpm -r test",
        "yarn install --frozen-lockfile",
        "yarn workspace web build",
        "node -e 'console.log(process.env.HOME)'",
        "node -p \"require('./package.json').version\"",
        "npm explain react",
        "npm run deploy:check",
        "jq -r '.scripts | keys[]' app/b.rb",
        // Rust.
        "cargo fmt --check && cargo clippy --all-targets -- -D warnings",
        "RUST_BACKTRACE=1 cargo test --lib judge -- --nocapture 2>&1 | tail -50",
        "cargo test -p factory --test shell | grep -E '^test result'",
        "cargo build --release 2>&1 | grep -E 'warning|error' | sort | uniq -c",
        "cargo --config net.offline=true build",
        "cargo tree -i serde | head",
        "cargo run --example demo -- --name x",
        // Python.
        "python -m pytest -x -q app",
        "python3 -c 'import json,sys; print(json.load(sys.stdin)[\"a\"])' < app/b.rb",
        "python3 - <<'E'\nimport re\nprint(re.sub('a', 'b', 'abc'))\nE",
        "pytest -k 'not slow' --maxfail=1 --tb=short | tail -30",
        "ruff check app --fix && ruff format app && mypy app",
        "uv run pytest -q",
        "uv sync && uv run ruff check .",
        "uv pip list | head",
        "pip install -r requirements.txt",
        // Go.
        "go test ./... -run TestA -count=1",
        "go vet ./... && gofmt -l app",
        "go build -o /scratch/run/x ./cmd/x",
        "go test -race -coverprofile=/scratch/run/c.out ./...",
        "go mod tidy && git diff --stat",
        // All the rest.
        "make -j4 test CFLAGS=-O2",
        "make lint 2>&1 | tee /scratch/run/lint.txt | tail -5",
        "docker compose up -d db && sleep 2",
        "docker compose logs --tail=50 web",
        "curl http://localhost:3000/up",
        "tar czf /scratch/run/x.tgz app",
        "tar tzf /scratch/run/x.tgz | head",
        "awk -F: '{print $1}' app/b.rb | sort -u",
        "awk 'NR>=10 && NR<=20' app/b.rb",
        "awk '/foo|bar/ {n++} END {print n}' app/b.rb",
        "find app -name '*.rb' -newer README.md -print0 | xargs -0 wc -l",
        "find . -path ./node_modules -prune -o -name '*.md' -print",
        "for f in app/*.rb; do echo \"== $f\"; head -3 \"$f\"; done",
        "git log --oneline --graph --all | head -20",
        "git diff --stat main...HEAD && git log --oneline main..HEAD",
        "git add -A && git diff --cached && git commit -m 'Deploy with care'",
        "git fetch origin && git merge --ff-only origin/main",
        "git pull --rebase && npm ci && npm test",
        "git switch -c topic && echo x > app/n.rb && git add app/n.rb && git commit -m 'Add n'",
        "git stash && npm test; git stash pop",
        "git -C app status --short && git -C app log -3",
        "git show HEAD~1 --stat && git show HEAD:app/b.rb | head",
        "git blame -L 1,5 app/b.rb",
        "git log -p -2 -- app/models/a.rb",
        "grep -rn 'TODO' app/models --include='*.rb' | wc -l",
        "rg -n 'def ' app/models -t ruby | head -20",
        "sed -i 's/foo/bar/g' app/models/*.rb && git diff --stat",
        "mkdir -p app/x && cat > app/x/y.rb <<'E'\nclass Y; end\nE\nruby -c app/x/y.rb",
        "timeout 120 npm test > /scratch/run/log.txt 2>&1; tail -20 /scratch/run/log.txt",
        "set -e; bin/rails test; git status --short",
        "if ! npm test; then npm run lint; fi",
        "ls -la app | sort -k5 -n | tail -3",
        "diff <(sort app/b.rb) <(sort app/models/a.rb)",
        "wc -l $(git ls-files '*.rb')",
        "cp app/b.rb app/b2.rb && mv app/b2.rb app/models/ && rm app/models/b2.rb",
        "test -d node_modules || npm ci",
        "echo \"$(git rev-parse --short HEAD) $(date -u +%F)\"",
    ];
    let refusal = |line: &&str| Some(format!("{line}: {}", says(line).err()?));
    let refused: Vec<String> = lines.iter().filter_map(refusal).collect();
    assert!(refused.is_empty(), "{refused:#?}");
}
