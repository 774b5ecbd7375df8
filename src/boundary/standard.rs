//! The sets of commands that every spec can name: `@std/inspect` and its like.
//!
//! They are part of the language and versioned with it. An option that would write, run another
//! program, or change a repository is left out here, and the shell judge looks at it once more.

use std::sync::OnceLock;

use super::{CommandPattern, Entry};

/// A set of commands that every spec can name.
#[derive(Debug)]
pub struct StandardSet {
    /// The name, with `@`.
    pub name: &'static str,
    /// What it is for, in one sentence.
    pub doc: &'static str,
    /// The commands in it.
    pub commands: &'static [StandardCommand],
    // Made when they are first asked for.
    entries: OnceLock<Vec<Entry<CommandPattern>>>,
}

/// Commands of a [`StandardSet`].
#[derive(Debug)]
pub struct StandardCommand {
    /// The pattern, as one would write it in a spec.
    pub pattern: &'static str,
    /// Patterns that are not meant although `pattern` matches them.
    pub except: &'static [&'static str],
}

impl StandardSet {
    /// Returns its commands as entries of a grant.
    pub fn entries(&self) -> &[Entry<CommandPattern>] {
        // That every pattern parses is held by a test; one that does not would grant nothing.
        let entry = |command: &StandardCommand| {
            let except = command.except.iter().map(|except| except.parse());
            Some(Entry {
                pattern: command.pattern.parse().ok()?,
                except: except.collect::<Result<_, _>>().ok()?,
            })
        };
        self.entries
            .get_or_init(|| self.commands.iter().filter_map(entry).collect())
    }
}

/// Returns the set of that name, given with its `@`.
///
/// ```
/// let inspect = factory::boundary::standard("@std/inspect").unwrap();
/// let words = |line: &str| line.split(' ').map(str::to_owned).collect::<Vec<_>>();
/// let gives = |line: &str| inspect.entries().iter().any(|entry| entry.gives(&words(line)));
/// assert!(gives("git diff HEAD") && gives("sed -n 1p f"));
/// assert!(!gives("git push") && !gives("sed -i s/a/b/ f"));
/// ```
pub fn standard(name: &str) -> Option<&'static StandardSet> {
    SETS.iter().find(|set| set.name == name)
}

/// Returns the names of all standard sets, in order.
pub fn standard_names() -> impl Iterator<Item = &'static str> {
    SETS.iter().map(|set| set.name)
}

static SETS: [StandardSet; 3] = [
    StandardSet {
        name: "@std/commit",
        doc: "Put work into a commit: git add, commit, mv, rm, restore.",
        commands: COMMIT,
        entries: OnceLock::new(),
    },
    StandardSet {
        name: "@std/files",
        doc: "Make, copy, move, change, and remove files, each path judged by `write`.",
        commands: FILES,
        entries: OnceLock::new(),
    },
    StandardSet {
        name: "@std/inspect",
        doc: "Look at files, text, and the repository without changing anything.",
        commands: INSPECT,
        entries: OnceLock::new(),
    },
];

const fn all(pattern: &'static str) -> StandardCommand {
    StandardCommand {
        pattern,
        except: &[],
    }
}

const fn less(pattern: &'static str, except: &'static [&'static str]) -> StandardCommand {
    StandardCommand { pattern, except }
}

static COMMIT: &[StandardCommand] = &[
    all("git add *"),
    less(
        "git commit *",
        &["git commit * --no-verify *", "git commit * -n *"],
    ),
    all("git mv *"),
    all("git rm *"),
    all("git restore *"),
];

static FILES: &[StandardCommand] = &[
    all("chmod *"),
    all("cp *"),
    less("install *", &["install * --strip-program* *"]),
    all("ln *"),
    all("mkdir *"),
    all("mktemp *"),
    all("mv *"),
    all("rm *"),
    all("rmdir *"),
    less("sed *", &["sed * -f* *", "sed * --file* *"]),
    all("tee *"),
    all("touch *"),
    all("truncate *"),
    all("unlink *"),
];

static INSPECT: &[StandardCommand] = &[
    all("base64 *"),
    all("basename *"),
    all("cat *"),
    all("cksum *"),
    all("cmp *"),
    all("column *"),
    all("comm *"),
    all("command -v *"),
    all("cut *"),
    less("date *", &["date * -s* *", "date * --set* *"]),
    all("df *"),
    all("diff *"),
    all("dirname *"),
    all("du *"),
    all("echo *"),
    all("egrep *"),
    all("expr *"),
    all("false *"),
    all("fgrep *"),
    less("file *", &["file * -C* *", "file * --compile* *"]),
    less(
        "find *",
        &[
            "find * -delete *",
            "find * -exec* *",
            "find * -ok* *",
            "find * -fprint* *",
            "find * -fls *",
        ],
    ),
    all("fold *"),
    all("grep *"),
    all("head *"),
    all("hexdump *"),
    all("id *"),
    all("join *"),
    all("jq *"),
    all("ls *"),
    all("md5sum *"),
    all("nl *"),
    all("nproc *"),
    all("od *"),
    all("paste *"),
    all("printf *"),
    all("ps *"),
    all("pwd *"),
    all("readlink *"),
    all("realpath *"),
    all("rev *"),
    less(
        "rg *",
        &["rg * --pre *", "rg * --pre=* *", "rg * --hostname-bin* *"],
    ),
    less(
        "sed *",
        &[
            "sed * -i* *",
            "sed * -*i* *",
            "sed * --in-place* *",
            "sed * -f* *",
            "sed * --file* *",
        ],
    ),
    all("seq *"),
    all("sha1sum *"),
    all("sha256sum *"),
    all("shasum *"),
    less(
        "sort *",
        &[
            "sort * -o* *",
            "sort * --output* *",
            "sort * --compress-program* *",
        ],
    ),
    all("stat *"),
    all("strings *"),
    all("tac *"),
    all("tail *"),
    all("test *"),
    all("tr *"),
    less("tree *", &["tree * -o* *", "tree * -R* *"]),
    all("true *"),
    all("type *"),
    all("uname *"),
    all("uniq *"),
    all("wc *"),
    all("which *"),
    all("whoami"),
    less(
        "yq *",
        &[
            "yq * -i* *",
            "yq * --inplace* *",
            "yq * -s* *",
            "yq * --split-exp* *",
        ],
    ),
    all("git --version"),
    all("git blame *"),
    all("git branch"),
    all("git branch --show-current"),
    all("git branch -a"),
    all("git branch -r"),
    all("git branch -v"),
    all("git branch -vv"),
    less("git branch --list *", BRANCH_CHANGES),
    less("git branch --contains *", BRANCH_CHANGES),
    less("git branch --merged *", BRANCH_CHANGES),
    less("git branch --no-merged *", BRANCH_CHANGES),
    all("git cat-file *"),
    all("git check-ignore *"),
    all("git count-objects *"),
    all("git describe *"),
    less("git diff *", WRITES_OUTPUT),
    less("git --no-pager diff *", WRITES_OUTPUT),
    all("git for-each-ref *"),
    less("git grep *", &["git grep * -O* *", "git grep * --open* *"]),
    less("git log *", WRITES_OUTPUT),
    less("git --no-pager log *", WRITES_OUTPUT),
    all("git ls-files *"),
    all("git ls-tree *"),
    all("git merge-base *"),
    all("git name-rev *"),
    all("git reflog"),
    less("git reflog show *", WRITES_OUTPUT),
    all("git remote"),
    all("git remote -v"),
    all("git remote get-url *"),
    all("git rev-list *"),
    all("git rev-parse *"),
    less("git shortlog *", WRITES_OUTPUT),
    less("git show *", WRITES_OUTPUT),
    less("git --no-pager show *", WRITES_OUTPUT),
    all("git show-ref *"),
    all("git stash list *"),
    less("git stash show *", WRITES_OUTPUT),
    all("git status *"),
    all("git tag"),
    less("git tag -l *", TAG_CHANGES),
    less("git tag --list *", TAG_CHANGES),
    all("git var GIT_DEFAULT_BRANCH"),
    all("git worktree list *"),
];

static WRITES_OUTPUT: &[&str] = &[
    "git * --ou* *",
    "git * --ext-diff *",
    "git * --show-signature *",
];

static BRANCH_CHANGES: &[&str] = &[
    "git branch * -d* *",
    "git branch * -D* *",
    "git branch * -m* *",
    "git branch * -M* *",
    "git branch * -c* *",
    "git branch * -C* *",
    "git branch * -f* *",
    "git branch * -u* *",
    "git branch * --d* *",
    "git branch * --mov* *",
    "git branch * --cop* *",
    "git branch * --fo* *",
    "git branch * --set* *",
    "git branch * --uns* *",
    "git branch * --ed* *",
    "git branch * --cr* *",
    "git branch * --tr* *",
];

static TAG_CHANGES: &[&str] = &[
    "git tag * -d* *",
    "git tag * --d* *",
    "git tag * -f* *",
    "git tag * --fo* *",
    "git tag * -a* *",
    "git tag * --an* *",
    "git tag * -s* *",
    "git tag * --sig* *",
    "git tag * -m* *",
    "git tag * -F* *",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pattern_parses_and_names_are_in_order() {
        for set in &SETS {
            assert_eq!(set.entries().len(), set.commands.len(), "{}", set.name);
            for command in set.commands {
                assert!(
                    command.pattern.parse::<CommandPattern>().is_ok(),
                    "{}",
                    command.pattern
                );
                for except in command.except {
                    assert!(except.parse::<CommandPattern>().is_ok(), "{except}");
                }
            }
        }
        assert!(standard_names().is_sorted());
    }

    #[test]
    fn inspecting_changes_nothing() {
        let inspect = standard("@std/inspect").unwrap().entries();
        for (line, given) in [
            ("ls -la", true),
            ("cat a b", true),
            ("rg -n foo app", true),
            ("rg --pre evil foo", false),
            ("rg --pre=evil foo", false),
            ("sed -n 1,5p f", true),
            ("sed -i s/a/b/ f", false),
            ("sed -ni.bak p f", false),
            ("sed --in-place=x p f", false),
            ("sed -f script f", false),
            ("sort -u f", true),
            ("sort -o f f", false),
            ("sort f -of", false),
            ("find . -name x", true),
            ("find . -delete", false),
            ("find . -exec rm {} ;", false),
            ("find . -execdir rm {} ;", false),
            ("find . -fprint0 f", false),
            ("git status", true),
            ("git diff --stat HEAD~1", true),
            ("git --no-pager diff", true),
            ("git diff --output=f", false),
            ("git log --oneline -5", true),
            ("git log --output f", false),
            ("git branch --show-current", true),
            ("git branch --list a*", true),
            ("git branch --list a -D b", false),
            ("git branch -D main", false),
            ("git branch new", false),
            ("git tag v1", false),
            ("git tag -l v*", true),
            ("git grep -O vim x", false),
            ("git remote add a b", false),
            ("git config user.name", false),
            ("git push", false),
            ("rm f", false),
            ("awk 1 f", false),
            ("./ls", false),
            ("date --set x", false),
        ] {
            let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
            assert_eq!(
                inspect.iter().any(|entry| entry.gives(&words)),
                given,
                "{line}"
            );
        }
    }
}
