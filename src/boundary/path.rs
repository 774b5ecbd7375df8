//! Patterns for paths, relative to the project root.
//!
//! `*` and `?` match leading dots and never `/`; `**` is a whole segment and stands for any number
//! of directories, at the end for everything below; `[a-z]` and `[!a]` are one character; `{a,b}` is
//! one of several texts. A pattern names files, links, and special files, never a directory as such.

use std::{
    borrow::Cow,
    str::FromStr,
    sync::{Arc, OnceLock},
};

use serde::Deserialize;

use super::{
    Pattern, PatternError, automata,
    fold::fold,
    glob::{self, Glob},
    nfa::Nfa,
};

/// A pattern for paths.
///
/// `gives` compares exactly. `takes` also takes whatever differs from a match in case or in Unicode
/// normalisation alone, and first reads `a//b`, `./a/b`, and `a/x/../b` as `a/b`.
///
/// ```
/// # use factory::boundary::{PathPattern, Pattern};
/// let source: PathPattern = "app/**/*.rb".parse()?;
/// assert!(source.gives("app/a.rb") && source.gives("app/models/.b.rb"));
/// assert!(!source.gives("App/a.rb") && source.takes("App/A.RB"));
/// # Ok::<(), factory::boundary::PatternError>(())
/// ```
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "String")]
pub struct PathPattern {
    text: Arc<str>,
    machines: Arc<Machines>,
}

// Most patterns of a spec are compared by their first segments alone: each machine is made when it is first
// asked, once for a pattern and all its copies.
#[derive(Debug)]
struct Machines {
    glob: Glob,
    exact: OnceLock<Nfa>,
    folded: OnceLock<Nfa>,
    // How many bytes of the text are whole segments without a wildcard.
    leading: usize,
    literal: bool,
    // Whether something may match exactly and not when both are folded.
    exact_takes_more: bool,
}

impl Machines {
    fn exact(&self) -> &Nfa {
        self.exact.get_or_init(|| self.glob.compile(false))
    }

    fn folded(&self) -> &Nfa {
        self.folded.get_or_init(|| self.glob.compile(true))
    }
}

impl PathPattern {
    /// Returns the text of a pattern that names `path` and nothing else.
    ///
    /// ```
    /// # use factory::boundary::PathPattern;
    /// assert_eq!(PathPattern::escaped("app/[id]/a.ts"), "app/[[]id[]]/a.ts");
    /// ```
    pub fn escaped(path: &str) -> String {
        escaped(path)
    }

    /// Returns whether it names one path and nothing else.
    pub fn is_literal(&self) -> bool {
        self.machines.literal
    }

    /// Returns the longest directory that everything it names lies below, without a trailing slash;
    /// empty for the project root.
    ///
    /// ```
    /// # use factory::boundary::PathPattern;
    /// assert_eq!("app/models/*.rb".parse::<PathPattern>()?.literal_prefix(), "app/models");
    /// assert_eq!("config/routes.rb".parse::<PathPattern>()?.literal_prefix(), "config");
    /// assert_eq!("**/*.md".parse::<PathPattern>()?.literal_prefix(), "");
    /// # Ok::<(), factory::boundary::PatternError>(())
    /// ```
    pub fn literal_prefix(&self) -> &str {
        let leading = self.leading();
        if leading.len() < self.text.len() {
            return leading;
        }
        leading
            .rsplit_once('/')
            .map_or("", |(directory, _)| directory)
    }

    /// Returns the segments without a wildcard that everything it names begins with: of `app/*.rb` the
    /// first, of `app/a.rb` both, of `**/a` none.
    pub fn leading(&self) -> &str {
        self.text.get(..self.machines.leading).unwrap_or("")
    }

    /// Makes the pattern that names `path` and nothing else, whatever characters it has.
    ///
    /// ```
    /// # use factory::boundary::{PathPattern, Pattern};
    /// let odd = PathPattern::literal("roles/b}x].md")?;
    /// assert!(odd.gives("roles/b}x].md") && odd.is_literal());
    /// assert_eq!(odd.as_str(), "roles/b[}]x[]].md");
    /// # Ok::<(), factory::boundary::PatternError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Where no pattern can name it: it is absolute, leads out of the project, or has a control character.
    pub fn literal(path: &str) -> Result<Self, PatternError> {
        escaped(&clean(path).unwrap_or(Cow::Borrowed(path))).parse()
    }

    /// Makes the pattern that names everything below `directory` (the project root, if empty) and
    /// nothing else, whatever characters its name has.
    pub(super) fn below(directory: &str) -> Result<Self, PatternError> {
        let mut text = escaped(directory);
        if !text.is_empty() {
            text.push('/');
        }
        text.push_str("**");
        text.parse()
    }

    /// Returns the one path that it names, if it is one.
    pub fn path(&self) -> Option<String> {
        self.machines.glob.path()
    }

    /// Returns the pattern of what it names once `from`, a folder or file that all of it lies at or below,
    /// is found at `to`; nothing where that can't be said.
    ///
    /// ```
    /// # use factory::boundary::PathPattern;
    /// let agents: PathPattern = ".claude/agents/*.md".parse()?;
    /// let moved = agents.moved(".claude", "shared/claude");
    /// assert_eq!(moved.unwrap().as_str(), "shared/claude/agents/*.md");
    /// assert_eq!(agents.moved("docs", "lib"), None);
    /// # Ok::<(), factory::boundary::PatternError>(())
    /// ```
    pub fn moved(&self, from: &str, to: &str) -> Option<Self> {
        if self.path().as_deref() == Some(from) {
            return Self::literal(to).ok();
        }
        let rest = self.text.strip_prefix(&escaped(from))?.strip_prefix('/')?;
        match to {
            "" => rest.parse().ok(),
            to => format!("{}/{rest}", escaped(to)).parse().ok(),
        }
    }

    pub(super) fn giving(&self) -> &Nfa {
        self.machines.exact()
    }

    pub(super) fn taking(&self) -> impl Iterator<Item = &Nfa> {
        let machines = &self.machines;
        let exact = machines.exact_takes_more.then(|| machines.exact());
        std::iter::once(machines.folded()).chain(exact)
    }
}

impl FromStr for PathPattern {
    type Err = PatternError;

    fn from_str(text: &str) -> Result<Self, PatternError> {
        let glob = Glob::parse(text)?;
        let plain = glob.is_plain();
        if !plain && automata::accepts_no_path(&glob.compile(false)) {
            return Err(PatternError {
                message: "the pattern can match nothing".to_owned(),
                help: None,
                at: 0,
            });
        }
        Ok(Self {
            text: text.into(),
            machines: Arc::new(Machines {
                leading: leading(text),
                literal: glob.path().is_some(),
                exact_takes_more: !plain,
                exact: OnceLock::new(),
                folded: OnceLock::new(),
                glob,
            }),
        })
    }
}

/// Returns `path` as the text of a pattern that means it and nothing else.
fn escaped(path: &str) -> String {
    let mut text = String::with_capacity(path.len());
    for (at, letter) in path.char_indices() {
        if glob::is_special(letter) || at == 0 && letter == '~' {
            text.extend(['[', letter, ']']);
        } else {
            text.push(letter);
        }
    }
    text
}

// How many bytes of `text` are whole segments without a wildcard, less the slash behind them.
fn leading(text: &str) -> usize {
    match text.find(['*', '?', '[', '{']) {
        Some(wild) => text.get(..wild).and_then(|plain| plain.rfind('/')),
        None => Some(text.len()),
    }
    .unwrap_or_default()
}

impl Pattern for PathPattern {
    type Subject = str;

    fn gives(&self, path: &str) -> bool {
        is_clean(path) && self.machines.exact().matches(path)
    }

    fn takes(&self, path: &str) -> bool {
        let Some(path) = clean(path) else {
            return false;
        };
        self.taking().any(|machine| machine.matches(&path))
    }

    fn example(&self) -> Option<Box<str>> {
        let told = !self.text.contains(['?', '[', '{']);
        told.then(|| self.text.replace("**", "q").replace('*', "q").into())
    }

    fn near_never(&self, never: &Self) -> bool {
        let plain = self.leading().is_ascii() && never.leading().is_ascii();
        let same = |one: &str, two: &str| one.eq_ignore_ascii_case(two);
        !plain || may_nest(self.leading(), never.leading(), same)
    }

    fn show(path: &str) -> String {
        path.to_owned()
    }

    fn start(&self) -> Option<Box<str>> {
        let first = self.leading().split('/').next()?;
        (!first.is_empty()).then(|| fold(first).into())
    }

    fn start_of(path: &str) -> Option<Box<str>> {
        let path = clean(path)?;
        let first = path.split('/').next()?;
        Some(fold(first).into())
    }
}

// Returns whether what begins with the segments `one` may begin with the segments `two` too.
fn may_nest(one: &str, two: &str, same: impl Fn(&str, &str) -> bool) -> bool {
    one.is_empty()
        || two.is_empty()
        || one
            .split('/')
            .zip(two.split('/'))
            .all(|(one, two)| same(one, two))
}

/// Returns whether `path` is relative and written in the one plain way: no empty segment, `.`, `..`,
/// or NUL.
pub(super) fn is_clean(path: &str) -> bool {
    !path.contains('\0')
        && path
            .split('/')
            .all(|segment| !matches!(segment, "" | "." | ".."))
}

/// Returns `path` written in the one plain way, or nothing if it is absolute, leads out of the
/// project, or is the root itself.
pub(super) fn clean(path: &str) -> Option<Cow<'_, str>> {
    if is_clean(path) {
        return Some(Cow::Borrowed(path));
    }
    if path.starts_with('/') || path.contains('\0') {
        return None;
    }
    let mut segments: Vec<&str> = Vec::new();
    for segment in path.split('/') {
        match segment {
            "" | "." => {}
            ".." => {
                segments.pop()?;
            }
            name => segments.push(name),
        }
    }
    (!segments.is_empty()).then(|| Cow::Owned(segments.join("/")))
}

super::grant::written_as_text!(PathPattern);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_given_exactly_and_taken_in_any_spelling() {
        for (pattern, path, gives, takes) in [
            ("app/**", "app/a", true, true),
            ("app/**", "app/a/b/.c", true, true),
            ("app/**", "app", false, false),
            ("app/**", "APP/x", false, true),
            ("app/**", "application/x", false, false),
            ("app/**/*.rb", "app/a.rb", true, true),
            ("app/**/*.rb", "app/m/n/a.rb", true, true),
            ("app/**/*.rb", "app/m/n/a.rbx", false, false),
            ("**/.env*", ".env", true, true),
            ("**/.env*", "a/b/.ENV.local", false, true),
            (".env*", "a/.env", false, false),
            ("*", ".hidden", true, true),
            ("*", "a/b", false, false),
            ("?", ".", false, false),
            ("a?c", "a/c", false, false),
            ("a?c", "a\u{e9}c", true, true),
            ("a?c", "ae\u{301}c", false, true),
            ("caf\u{e9}", "CAFE\u{301}", false, true),
            ("[a-c]x", "bx", true, true),
            ("[a-c]x", "Bx", false, true),
            ("[!a-c]x", "dx", true, true),
            ("[!a-c]x", "ax", false, true),
            ("[*]", "*", true, true),
            ("[*]", "a", false, false),
            ("[]a]", "]", true, true),
            ("{app,lib}/**/*.{rb,rake}", "lib/tasks/a.rake", true, true),
            ("{app,lib}/**/*.{rb,rake}", "test/a.rb", false, false),
            ("{app/**,Gemfile}", "Gemfile", true, true),
            ("{a,{b,c}d}", "cd", true, true),
            ("foo{,.bak}", "foo", true, true),
            ("a,b", "a,b", true, true),
            ("app/**", "app/../config/x", false, false),
            ("config/**", "app/../config/x", false, true),
            ("app/**", "./app//x", false, true),
            ("**", "../x", false, false),
            ("**", "/etc/passwd", false, false),
            ("**", "a", true, true),
            ("**/.git/**", "A/.G\u{200c}it/hooks/x", false, true),
            ("a/**/b", "a/b", true, true),
            ("a/**/b", "a/x/y/b", true, true),
            ("a/**/b", "axb", false, false),
            ("stra\u{df}e", "STRASSE", false, true),
        ] {
            let parsed: PathPattern = pattern.parse().unwrap();
            assert_eq!(parsed.gives(path), gives, "{pattern} gives {path}");
            assert_eq!(parsed.takes(path), takes, "{pattern} takes {path}");
        }
    }

    #[test]
    fn a_literal_names_its_path_alone_whatever_its_letters() {
        for path in [
            "factory.kdl",
            "roles/b}x].md",
            "a/[b]{c,d}/*?.md",
            "a\\b",
            "~/x",
            "~",
            "-/!a/^b,c",
            "a b/caf\u{e9}",
        ] {
            let pattern = PathPattern::literal(path).unwrap();
            assert!(
                pattern.gives(path) && pattern.is_literal(),
                "{path}: {pattern}"
            );
            assert_eq!(pattern.path().as_deref(), Some(path));
            for other in ["x", "a/b{c,d}/xy.md", "a/b", "roles/b}x.md"] {
                assert!(!pattern.gives(other), "{path}: {other}");
            }
            // The text of the lock means the same.
            assert_eq!(pattern.as_str().parse::<PathPattern>().unwrap(), pattern);
        }
        assert_eq!(PathPattern::literal("./a//b").unwrap().as_str(), "a/b");
        for path in ["", "/a", "../a", "a\nb"] {
            assert!(PathPattern::literal(path).is_err(), "{path:?}");
        }
        assert_eq!("a/*".parse::<PathPattern>().unwrap().path(), None);
        assert_eq!("{a,b}".parse::<PathPattern>().unwrap().path(), None);
    }

    #[test]
    fn a_pattern_moves_with_the_folder_that_all_of_it_lies_in() {
        for (pattern, from, to, then) in [
            (
                "roles/b.md",
                "roles/b.md",
                "docs/[b].md",
                Some("docs/[[]b[]].md"),
            ),
            ("roles/b.md", "roles", "docs/roles", Some("docs/roles/b.md")),
            ("a[{]b/**", "a{b", "c", Some("c/**")),
            ("snapshots/**", "snapshots", "kept", Some("kept/**")),
            ("snapshots/**", "snap", "kept", None),
            ("**/.git", ".git", "x", None),
            (".claude/**", ".claude", "", Some("**")),
        ] {
            let pattern: PathPattern = pattern.parse().unwrap();
            let moved = pattern.moved(from, to);
            assert_eq!(moved.as_ref().map(PathPattern::as_str), then, "{pattern}");
        }
    }

    #[test]
    fn an_example_is_given_and_begins_as_all_do() {
        for (pattern, leading) in [
            ("app/**/*.rb", "app"),
            ("**", ""),
            ("**/.env*", ""),
            ("config/deploy.yml", "config/deploy.yml"),
            ("app/models/a*", "app/models"),
            ("caf\u{e9}/**/x", "caf\u{e9}"),
        ] {
            let parsed: PathPattern = pattern.parse().unwrap();
            let example = parsed.example().unwrap();
            assert!(parsed.gives(&example), "{pattern} gives {example}");
            assert_eq!(parsed.leading(), leading, "{pattern}");
            let start = parsed.start();
            assert!(
                start.is_none() || start == PathPattern::start_of(&example),
                "{pattern}"
            );
        }
        assert_eq!("a/[b]".parse::<PathPattern>().unwrap().example(), None);
    }

    #[test]
    fn what_means_nothing_is_refused_where_it_goes_wrong() {
        for (pattern, at, message, help) in [
            (
                "",
                0,
                "the pattern is empty",
                "write `**` for everything in the project",
            ),
            (
                "/etc/passwd",
                0,
                "the path is absolute",
                "paths are relative to the project root: write `etc/passwd`",
            ),
            (
                "~/x",
                0,
                "`~` is not expanded",
                "paths are relative to the project root, and nothing outside can be granted",
            ),
            (
                "../x",
                0,
                "`..` as a segment",
                "paths are relative to the project root and never lead out of it",
            ),
            (
                "a/../b",
                2,
                "`..` as a segment",
                "paths are relative to the project root and never lead out of it",
            ),
            ("./a", 0, "`.` as a segment", "write `a`"),
            ("a//b", 2, "an empty segment", "write one `/`"),
            (
                "app/",
                3,
                "a pattern names files, not a directory",
                "write `app/**` for everything in the directory",
            ),
            (
                "a\\b",
                1,
                "a backslash has no meaning in a pattern",
                "segments are separated by `/`; for a literal `*` write `[*]`",
            ),
            (
                "app/**.rb",
                4,
                "`**` within a segment",
                "write `*` within a segment, or give `**` a segment of its own: `a/**/b`",
            ),
            (
                "[a-z",
                0,
                "`[` is never closed",
                "close it with `]`; for a literal `[` write `[[]`",
            ),
            (
                "x{a,b",
                1,
                "`{` is never closed",
                "close it with `}`; for a literal `{` write `[{]`",
            ),
            (
                "x}",
                1,
                "`}` closes nothing",
                "for a literal `}` write `[}]`",
            ),
            (
                "[^a]",
                1,
                "`[^` has no meaning here",
                "write `[!a]` for any character but these",
            ),
            ("[z-a]", 1, "the range `z-a` is empty", "write `a-z`"),
            (
                "[a/b]",
                2,
                "`/` within brackets",
                "`/` only stands between segments",
            ),
            (
                "[[:alpha:]]",
                1,
                "named classes are not known",
                "write a range, for instance `[a-z]`",
            ),
            (
                "{a}",
                0,
                "braces with one alternative",
                "write it without braces, or `[{]` for a literal `{`",
            ),
            (
                "a/{b,..}/c",
                5,
                "`..` as a segment",
                "paths are relative to the project root and never lead out of it",
            ),
        ] {
            let error = pattern.parse::<PathPattern>().unwrap_err();
            let found = (error.at, error.message.as_str(), error.help.as_deref());
            assert_eq!(found, (at, message, Some(help)), "{pattern}");
        }
    }

    #[test]
    fn what_can_match_nothing_is_refused() {
        for (pattern, message) in [
            ("a\0b", "a control character in the pattern"),
            ("[.]", "the pattern can match nothing"),
            ("a/[.][.]/b", "the pattern can match nothing"),
            ("{a,}", "one of the alternatives is empty"),
            (
                "{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}",
                "the braces stand for more than 256 patterns",
            ),
        ] {
            assert_eq!(
                pattern.parse::<PathPattern>().unwrap_err().message,
                message,
                "{pattern}"
            );
        }
    }

    #[test]
    fn a_long_pattern_is_no_slower_than_its_length() {
        let pattern: PathPattern = format!("{}b", "a*/**/".repeat(200)).parse().unwrap();
        assert!(!pattern.gives(&"a".repeat(200).replace('a', "a/")));
        assert!(!pattern.takes(&"a/".repeat(2000)));
    }

    #[test]
    fn a_pattern_is_written_to_the_lock_as_text() {
        let pattern: PathPattern = "app/**".parse().unwrap();
        assert_eq!(serde_json::to_string(&pattern).unwrap(), "\"app/**\"");
        assert_eq!(
            serde_json::from_str::<PathPattern>("\"app/**\"").unwrap(),
            pattern
        );
        assert!(serde_json::from_str::<PathPattern>("\"/app\"").is_err());
        assert!(!pattern.is_literal() && "a/b".parse::<PathPattern>().unwrap().is_literal());
    }
}
