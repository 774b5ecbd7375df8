//! What a command names: the words of it that may be files, folders, or programs.
//!
//! Nothing here looks at a file, and too much is taken rather than too little: a word that names
//! nothing costs nothing. What is put together from variables, or named by a script, is not known.

use std::{
    collections::{BTreeMap, BTreeSet},
    iter::Peekable,
    path::{Component, Path, PathBuf},
    str::Chars,
};

use crate::plan::Gate;

/// How deep texts in quotes are read as commands of their own.
const DEEPEST: u32 = 3;
/// What stands between the parts of a word, each of which may be a name.
const SEPARATORS: [char; 5] = ['=', ':', ',', '@', '%'];
/// What makes a word a pattern, or something that only the shell knows.
const SPECIAL: [char; 5] = ['*', '?', '[', '$', '`'];

/// What a command names.
#[derive(Debug, Default)]
pub(super) struct Names {
    /// Paths below the root.
    pub(super) inside: BTreeSet<String>,
    /// Paths beyond it.
    pub(super) outside: BTreeMap<PathBuf, Outside>,
    /// Words that may be programs on the PATH.
    pub(super) programs: BTreeSet<String>,
    /// What the command itself makes its PATH.
    pub(super) paths: BTreeSet<String>,
}

/// A path beyond the root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Outside {
    /// As the command writes it.
    pub(super) shown: String,
    /// Whether it is meant from where the command is at that word, as far as can be told.
    pub(super) here: bool,
    /// Whether it is the folder that a pattern begins with.
    pub(super) pattern: bool,
}

impl Names {
    /// Returns what a gate's command names that starts in `root`, an absolute path without links. What
    /// the gate makes is none of it.
    pub(super) fn of_gate(gate: &Gate, command: &str, root: &Path) -> Self {
        let mut names = Self::of(command, root);
        let made = |path: &str| gate.outputs.iter().any(|output| output.gives(path));
        names.inside.retain(|path| !made(path));
        names
    }

    /// Returns what a command names that starts in `root`, an absolute path without links.
    pub(super) fn of(command: &str, root: &Path) -> Self {
        let mut reader = Reader {
            names: Self::default(),
            root,
            scopes: vec![Scope {
                here: root.to_owned(),
                others: Vec::new(),
            }],
        };
        reader.read(command, 0);
        reader.names
    }
}

/// Where a command may be.
#[derive(Debug, Clone)]
struct Scope {
    here: PathBuf,
    // Where it has been, or may be: folders are entered under conditions, and by one program alone.
    others: Vec<PathBuf>,
}

/// What the word before says of the next one.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Enters {
    Nothing,
    // The shell goes into it.
    Shell,
    // A program does.
    Program,
}

struct Reader<'r> {
    names: Names,
    root: &'r Path,
    // Invariant: never empty; one more for each open parenthesis.
    scopes: Vec<Scope>,
}

impl Reader<'_> {
    fn read(&mut self, command: &str, depth: u32) {
        let outer = self.scopes.len();
        let mut enters = Enters::Nothing;
        let mut is_written = false;
        for token in tokens(command) {
            match token {
                Token::Open | Token::Close | Token::End => {
                    (enters, is_written) = (Enters::Nothing, false);
                    if token == Token::Open {
                        let scope = self.scope();
                        self.scopes.push(scope);
                    } else if token == Token::Close && self.scopes.len() > outer {
                        self.scopes.pop();
                    }
                }
                Token::Into => is_written = true,
                // What a command writes is none of what it depends on.
                Token::Word(_) if is_written => is_written = false,
                Token::Word(word) => {
                    self.word(&word.text);
                    if enters != Enters::Nothing && !word.text.starts_with('-') {
                        self.enter(&word.text, enters);
                    }
                    for quoted in word.quoted.iter().filter(|_| depth < DEEPEST) {
                        let scope = self.scope();
                        self.scopes.push(scope);
                        self.read(quoted, depth + 1);
                        self.scopes.pop();
                    }
                    enters = match word.text.as_str() {
                        "cd" | "pushd" => Enters::Shell,
                        "-C" => Enters::Program,
                        option if option.starts_with('-') => enters,
                        _ => Enters::Nothing,
                    };
                }
            }
        }
        self.scopes.truncate(outer);
    }

    fn scope(&self) -> Scope {
        let root = || Scope {
            here: self.root.to_owned(),
            others: Vec::new(),
        };
        self.scopes.last().cloned().unwrap_or_else(root)
    }

    fn enter(&mut self, folder: &str, enters: Enters) {
        if folder.contains(SPECIAL) {
            return;
        }
        let scope = self.scope();
        let mut entered: Vec<PathBuf> = std::iter::once(&scope.here)
            .chain(&scope.others)
            .map(|from| plain(&from.join(folder)).0)
            .collect();
        if let Some(current) = self.scopes.last_mut() {
            if enters == Enters::Shell && !entered.is_empty() {
                let before = std::mem::replace(&mut current.here, entered.remove(0));
                current.others.push(before);
            }
            current.others.extend(entered);
            current.others.sort();
            current.others.dedup();
        }
    }

    fn word(&mut self, word: &str) {
        if let Some(path) = word.strip_prefix("PATH=") {
            self.names.paths.insert(path.to_owned());
            return;
        }
        let mut parts = BTreeSet::from([word]);
        for (at, _) in word.match_indices(SEPARATORS) {
            parts.extend(word.get(at + 1..));
        }
        parts.extend(word.split(SEPARATORS));
        if word.starts_with('-') && !word.starts_with("--") {
            // The value of an option that has a letter for its name.
            let mut letters = word.chars().skip(2);
            parts.extend(letters.next().and_then(|_| word.get(2..)));
        }
        for part in parts {
            self.part(part);
        }
    }

    fn part(&mut self, part: &str) {
        if part.is_empty() || part.chars().all(|letter| letter == '/') {
            return;
        }
        let scope = self.scope();
        let Some(special) = part.find(SPECIAL) else {
            if !part.contains('/') {
                self.names.programs.insert(part.to_owned());
            }
            self.place(&scope.here, part, &Outside::new(part, true, false));
            for from in &scope.others {
                self.place(from, part, &Outside::new(part, false, false));
            }
            return;
        };
        // In quotes it may be a name all the same.
        for from in std::iter::once(&scope.here).chain(&scope.others) {
            let (place, _) = plain(&from.join(part));
            self.names.inside.extend(self.inside(&place));
        }
        // Of a pattern the folders before it.
        let slash = part.get(..special).and_then(|before| before.rfind('/'));
        if let Some(slash @ 1..) = slash {
            let path = part.get(..slash).unwrap_or_default();
            self.place(&scope.here, path, &Outside::new(part, true, true));
        }
    }

    fn inside(&self, place: &Path) -> Option<String> {
        let below = place.strip_prefix(self.root).ok()?.to_str()?;
        (!below.is_empty()).then(|| below.to_owned())
    }

    fn place(&mut self, from: &Path, path: &str, outside: &Outside) {
        let (place, left) = plain(&from.join(path));
        // What is left again may be a link, and then it is another folder that is gone back to.
        let left: Vec<_> = left.iter().filter_map(|left| self.inside(left)).collect();
        self.names.inside.extend(left);
        if place.starts_with(self.root) {
            let inside = self.inside(&place).filter(|_| !outside.pattern);
            self.names.inside.extend(inside);
            return;
        }
        let known = self.names.outside.entry(place).or_insert(outside.clone());
        known.here |= outside.here;
        known.pattern &= outside.pattern;
    }
}

impl Outside {
    fn new(shown: &str, here: bool, pattern: bool) -> Self {
        Self {
            shown: shown.to_owned(),
            here,
            pattern,
        }
    }
}

/// Returns an absolute path without `.` and `..`, and what it goes back from on the way.
fn plain(path: &Path) -> (PathBuf, Vec<PathBuf>) {
    let (mut plain, mut left) = (PathBuf::new(), Vec::new());
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => {
                left.push(plain.clone());
                plain.pop();
            }
            Component::Prefix(_) | Component::RootDir | Component::Normal(_) => {
                plain.push(component);
            }
        }
    }
    (plain, left)
}

/// A part of a command line.
#[derive(Debug, PartialEq, Eq)]
enum Token {
    Word(Word),
    // What is written to stands next.
    Into,
    // A simple command ends.
    End,
    Open,
    Close,
}

/// A word, as the shell makes it of texts in quotes and others.
#[derive(Debug, Default, PartialEq, Eq)]
struct Word {
    text: String,
    quoted: Vec<String>,
}

/// Takes a command line apart. What a shell would not take is taken somehow.
fn tokens(command: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut word: Option<Word> = None;
    let mut letters = command.chars().peekable();
    while let Some(letter) = letters.next() {
        let token = match letter {
            '\'' | '"' => {
                let text = quoted(letter, &mut letters);
                let word = word.get_or_insert_default();
                word.text.push_str(&text);
                word.quoted.push(text);
                continue;
            }
            '\\' => {
                let next = letters.next().filter(|next| *next != '\n');
                if let Some(next) = next {
                    word.get_or_insert_default().text.push(next);
                }
                continue;
            }
            '>' => {
                // The number of a stream is no word.
                word = word.filter(|word| word.text.chars().any(|c| !c.is_ascii_digit()));
                while letters
                    .next_if(|next| matches!(next, '>' | '|' | '&'))
                    .is_some()
                {}
                Some(Token::Into)
            }
            '<' => {
                // What is read and written is read.
                while letters
                    .next_if(|next| matches!(next, '<' | '>' | '&'))
                    .is_some()
                {}
                None
            }
            '(' => Some(Token::Open),
            ')' => Some(Token::Close),
            '\n' | ';' | '&' | '|' | '`' => Some(Token::End),
            '$' if letters.peek() == Some(&'(') => None,
            letter if letter.is_whitespace() => None,
            letter => {
                word.get_or_insert_default().text.push(letter);
                continue;
            }
        };
        tokens.extend(word.take().map(Token::Word));
        tokens.extend(token);
    }
    tokens.extend(word.map(Token::Word));
    tokens
}

/// Returns the text up to the quote that ends it.
fn quoted(quote: char, letters: &mut Peekable<Chars<'_>>) -> String {
    let mut text = String::new();
    while let Some(letter) = letters.next() {
        if letter == quote {
            break;
        }
        let is_escape = quote == '"' && letter == '\\';
        let escaped = letters.next_if(|next| is_escape && matches!(next, '"' | '\\' | '$' | '`'));
        text.push(escaped.unwrap_or(letter));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inside(command: &str) -> Vec<String> {
        let names = Names::of(command, Path::new("/home/p"));
        names.inside.into_iter().collect()
    }

    #[track_caller]
    fn has(command: &str, wanted: &[&str]) {
        let found = inside(command);
        for path in wanted {
            assert!(found.iter().any(|known| known == path), "{path}: {found:?}");
        }
    }

    #[test]
    fn every_word_and_text_in_quotes_may_be_a_file() {
        has(
            "ruby bin/rails runner 'test/smoke test.rb'",
            &["bin/rails", "test/smoke test.rb"],
        );
        has("sh check", &["check"]);
        has("sh 'my check.sh'", &["my check.sh"]);
        has("sh my\\ check.sh", &["my check.sh"]);
        has("sh a'b'\"c\"", &["abc"]);
        has(
            "bash -c 'sh ./inner.sh && x \"deep er\"'",
            &["inner.sh", "deep er"],
        );
        has("x \"$(cat list.txt)\" `cat other`", &["list.txt", "other"]);
        has(
            "true @args.txt --config=x/y -Iinc/z a:b,c.d",
            &["args.txt", "x/y", "inc/z", "b", "c.d"],
        );
        has("x <in.txt && ! ./run.sh", &["in.txt", "run.sh"]);
    }

    #[test]
    fn words_are_meant_from_where_the_command_is() {
        has(
            "cd sub && sh ./run.sh; cat ../top",
            &["sub", "sub/run.sh", "top"],
        );
        has("cd a && cd b && x c && cd ../.. && x d", &["a/b/c", "d"]);
        has("make -C lib -f own.mk", &["lib/own.mk"]);
        has("(cd a && x b); x c", &["a/b", "c"]);
        has("tools/../x", &["tools", "x"]);
        has("sh /home/p/bin/x", &["bin/x"]);
        // Within parentheses, and behind them.
        assert!(!inside("(cd a && x b); x c").contains(&"a/c".to_owned()));
    }

    #[test]
    fn what_is_written_is_none_of_it() {
        for command in ["x >out", "x >>out", "x 2>out", "x &>out", "x >|out"] {
            assert_eq!(inside(command), ["x"], "{command}");
        }
        assert_eq!(inside("x *.y $Z /"), ["$Z", "*.y", "x"]);
    }

    #[test]
    fn paths_beyond_the_root_are_told_apart() {
        let outside = |command| -> Vec<(String, bool, bool)> {
            Names::of(command, Path::new("/home/p"))
                .outside
                .into_iter()
                .map(|(path, outside)| (path.display().to_string(), outside.here, outside.pattern))
                .collect()
        };
        let path = |path: &str, here, pattern| (path.to_owned(), here, pattern);
        assert_eq!(outside("sh ../o.sh"), [path("/home/o.sh", true, false)]);
        assert_eq!(
            outside("cat /abs/o 2>/dev/null"),
            [path("/abs/o", true, false)]
        );
        assert_eq!(outside("cat /abs/dir/*"), [path("/abs/dir", true, true)]);
        assert_eq!(outside("cat ../../$X/y"), [path("/", true, true)]);
        assert_eq!(outside("--file=/abs/x"), [path("/abs/x", true, false)]);
        assert_eq!(outside("tr / _"), []);
        // There and back is no way out, and what was reached from elsewhere is.
        assert_eq!(
            outside("cd sub && x && cd .."),
            [path("/home", false, false)]
        );
        assert_eq!(outside("cd .."), [path("/home", true, false)]);
    }

    #[test]
    fn programs_are_words_without_a_slash() {
        let names = Names::of(
            "PATH=tools:$PATH A=1 my@tool --x | env ruby",
            Path::new("/p"),
        );
        for program in ["my@tool", "env", "ruby", "1"] {
            assert!(names.programs.contains(program), "{program}");
        }
        assert_eq!(names.paths.into_iter().collect::<Vec<_>>(), ["tools:$PATH"]);
    }
}
