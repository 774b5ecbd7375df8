//! Which files git ignores, by the letter of git's own rules, byte for byte.
//!
//! In doubt a file is not ignored: a rule that takes too long to match, or goes too deep, hides
//! nothing.

use std::sync::Arc;

/// The rules of one ignore file, and those of less weight behind it.
#[derive(Debug)]
pub(super) struct Rules {
    // How long the path of the directory is that the rules are relative to, with its last slash.
    base: usize,
    lines: Vec<Rule>,
    behind: Option<Arc<Rules>>,
}

#[derive(Debug, PartialEq, Eq)]
struct Rule {
    negated: bool,
    directories_only: bool,
    // Without a slash it is a rule for names at any depth.
    names: bool,
    // How many bytes at the start are no wildcard.
    literal: usize,
    pattern: Vec<u8>,
}

/// What one rule may take for one path.
struct Budget {
    steps: u32,
    // How many asterisks may still wait for what comes behind them.
    depth: u32,
}

impl Budget {
    const fn new() -> Self {
        Self {
            steps: 20_000,
            depth: 100,
        }
    }
}

impl Rules {
    /// Reads the text of an ignore file that stands in `directory`, seen from the top of the work
    /// tree.
    pub(super) fn parse(directory: &[u8], text: &[u8], behind: Option<Arc<Self>>) -> Self {
        let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
        let lines = text
            .split(|byte| *byte == b'\n')
            .filter_map(Rule::parse)
            .collect();
        let base = if directory.is_empty() {
            0
        } else {
            directory.len() + 1
        };
        Self {
            base,
            lines,
            behind,
        }
    }

    /// Returns whether `path`, seen from the top of the work tree and below the directories of all
    /// these rules, is ignored by itself. Whether a directory above it is ignored is another
    /// question, which its caller has asked already.
    pub(super) fn ignores(&self, path: &[u8], is_directory: bool) -> bool {
        let name = path.rsplit(|byte| *byte == b'/').next().unwrap_or(path);
        let mut rules = Some(self);
        while let Some(list) = rules {
            let relative = path.get(list.base..).unwrap_or_default();
            for rule in list.lines.iter().rev() {
                match rule.matches(relative, name, is_directory) {
                    Some(true) => return !rule.negated,
                    Some(false) => {}
                    None => return false,
                }
            }
            rules = list.behind.as_deref();
        }
        false
    }
}

impl Rule {
    fn parse(line: &[u8]) -> Option<Self> {
        if line.is_empty() || line.starts_with(b"#") {
            return None;
        }
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let line = line.split(|byte| *byte == 0).next().unwrap_or_default();
        let line = without_trailing_spaces(line);
        let (negated, line) = match line.strip_prefix(b"!") {
            Some(rest) => (true, rest),
            None => (false, line),
        };
        let (directories_only, line) = match line.strip_suffix(b"/") {
            Some(rest) => (true, rest),
            None => (false, line),
        };
        let names = !line.contains(&b'/');
        let pattern = line.strip_prefix(b"/").unwrap_or(line);
        if pattern.is_empty() {
            return None;
        }
        let literal = pattern
            .iter()
            .position(|byte| is_special(*byte))
            .unwrap_or(pattern.len());
        Some(Self {
            negated,
            directories_only,
            names,
            literal,
            pattern: pattern.to_vec(),
        })
    }

    /// Returns whether the rule speaks of the path; `None` if that takes too long to tell.
    fn matches(&self, path: &[u8], name: &[u8], is_directory: bool) -> Option<bool> {
        if self.directories_only && !is_directory {
            return Some(false);
        }
        let subject = if self.names { name } else { path };
        let (literal, rest) = self.pattern.split_at_checked(self.literal)?;
        let Some(subject) = subject.strip_prefix(literal) else {
            return Some(false);
        };
        if rest.is_empty() {
            return Some(subject.is_empty());
        }
        if self.names && self.literal == 0 {
            let tail = self.pattern.strip_prefix(b"*").unwrap_or(b"*");
            if !tail.iter().any(|byte| is_special(*byte)) {
                return Some(subject.ends_with(tail));
            }
        }
        match wild(rest, subject, !self.names, &mut Budget::new()) {
            Wild::Match => Some(true),
            Wild::TooLong => None,
            Wild::NoMatch | Wild::Never | Wild::NotBeforeStars => Some(false),
        }
    }
}

fn without_trailing_spaces(line: &[u8]) -> &[u8] {
    let mut end = 0;
    let mut bytes = line.iter().enumerate();
    while let Some((at, byte)) = bytes.next() {
        match byte {
            b' ' => {}
            b'\\' if bytes.next().is_none() => return line,
            b'\\' => end = at + 2,
            _ => end = at + 1,
        }
    }
    line.get(..end).unwrap_or(line)
}

const fn is_special(byte: u8) -> bool {
    matches!(byte, b'*' | b'?' | b'[' | b'\\')
}

enum Wild {
    Match,
    NoMatch,
    // Nor would any later start.
    Never,
    // Nor would any later start before a `**`.
    NotBeforeStars,
    TooLong,
}

/// Git's `wildmatch`: with `paths`, only `**` as a whole segment goes over a slash.
fn wild(pattern: &[u8], text: &[u8], paths: bool, budget: &mut Budget) -> Wild {
    let Some(depth) = budget.depth.checked_sub(1) else {
        return Wild::TooLong;
    };
    budget.depth = depth;
    let result = wild_here(pattern, text, paths, budget);
    budget.depth += 1;
    result
}

fn wild_here(pattern: &[u8], text: &[u8], paths: bool, budget: &mut Budget) -> Wild {
    let (mut p, mut t) = (0, 0);
    let of = |bytes: &[u8], at: usize| bytes.get(at).copied().unwrap_or(0);
    while p < pattern.len() {
        let Some(left) = budget.steps.checked_sub(1) else {
            return Wild::TooLong;
        };
        budget.steps = left;
        let letter = of(text, t);
        if t >= text.len() && of(pattern, p) != b'*' {
            return Wild::Never;
        }
        match of(pattern, p) {
            b'?' if paths && letter == b'/' => return Wild::NoMatch,
            b'?' => {}
            b'*' => match stars(pattern, p, text, t, paths, budget) {
                Ok(slash) => (p, t) = slash,
                Err(result) => return result,
            },
            b'[' => {
                let Some((end, within)) = class(pattern, p + 1, letter) else {
                    return Wild::Never;
                };
                if !within || (paths && letter == b'/') {
                    return Wild::NoMatch;
                }
                p = end;
            }
            b'\\' => {
                p += 1;
                if of(pattern, p) != letter {
                    return Wild::NoMatch;
                }
            }
            literal if literal != letter => return Wild::NoMatch,
            _ => {}
        }
        p += 1;
        t += 1;
    }
    if t < text.len() {
        Wild::NoMatch
    } else {
        Wild::Match
    }
}

/// Goes on from the asterisk at `p`: to the slash that ends a segment, or to a result.
fn stars(
    pattern: &[u8],
    start: usize,
    text: &[u8],
    mut t: usize,
    paths: bool,
    budget: &mut Budget,
) -> Result<(usize, usize), Wild> {
    let count = pattern
        .iter()
        .skip(start)
        .take_while(|byte| **byte == b'*')
        .count();
    let p = start + count;
    let rest = pattern.get(p..).unwrap_or_default();
    let remaining = |t: usize| text.get(t..).unwrap_or_default();
    let whole_segment = (start == 0 || pattern.get(start - 1) == Some(&b'/'))
        && (rest.is_empty() || rest.starts_with(b"/") || rest.starts_with(b"\\/"));
    let over_slashes = !paths || (count > 1 && whole_segment);
    if paths && count > 1 && whole_segment && rest.starts_with(b"/") {
        let behind = rest.get(1..).unwrap_or_default();
        match wild(behind, remaining(t), paths, budget) {
            found @ (Wild::Match | Wild::TooLong) => return Err(found),
            Wild::NoMatch | Wild::Never | Wild::NotBeforeStars => {}
        }
    }
    let next_slash = remaining(t).iter().position(|byte| *byte == b'/');
    let Some(first) = rest.first().copied() else {
        let stopped = !over_slashes && next_slash.is_some();
        return Err(if stopped {
            Wild::NotBeforeStars
        } else {
            Wild::Match
        });
    };
    if !over_slashes && first == b'/' {
        return next_slash.map(|slash| (p, t + slash)).ok_or(Wild::Never);
    }
    while t < text.len() {
        if !is_special(first) {
            let found = remaining(t)
                .iter()
                .take_while(|byte| over_slashes || **byte != b'/')
                .position(|byte| *byte == first);
            match found {
                Some(skipped) => t += skipped,
                None if over_slashes => return Err(Wild::Never),
                None => return Err(Wild::NotBeforeStars),
            }
        }
        match wild(rest, remaining(t), paths, budget) {
            Wild::NoMatch if !over_slashes && text.get(t) == Some(&b'/') => {
                return Err(Wild::NotBeforeStars);
            }
            Wild::NoMatch => {}
            Wild::NotBeforeStars if over_slashes => {}
            found @ (Wild::Match | Wild::Never | Wild::NotBeforeStars | Wild::TooLong) => {
                return Err(found);
            }
        }
        t += 1;
    }
    Err(Wild::Never)
}

/// Reads the class that starts behind the bracket at `start - 1`. Returns where its closing bracket
/// stands and whether `letter` is in the class; `None` if it has no end or an unknown name.
fn class(pattern: &[u8], start: usize, letter: u8) -> Option<(usize, bool)> {
    let mut p = start;
    let negated = matches!(pattern.get(p)?, b'!' | b'^');
    if negated {
        p += 1;
    }
    let mut matched = false;
    let mut previous = 0;
    loop {
        let mut byte = *pattern.get(p)?;
        let next = pattern.get(p + 1).copied();
        if byte == b'\\' {
            p += 1;
            byte = *pattern.get(p)?;
            matched |= letter == byte;
        } else if byte == b'-' && previous != 0 && next.is_some_and(|next| next != b']') {
            p += 1;
            let mut last = *pattern.get(p)?;
            if last == b'\\' {
                p += 1;
                last = *pattern.get(p)?;
            }
            matched |= (previous..=last).contains(&letter);
            byte = 0;
        } else if byte == b'[' && next == Some(b':') {
            let name = pattern.get(p + 2..)?;
            let length = name.iter().position(|byte| *byte == b']')?;
            if let Some(name) = name.get(..length)?.strip_suffix(b":") {
                matched |= named_class(name, letter)?;
                p += 2 + length;
                byte = 0;
            } else {
                matched |= letter == b'[';
            }
        } else {
            matched |= letter == byte;
        }
        previous = byte;
        p += 1;
        if *pattern.get(p)? == b']' {
            return Some((p, matched != negated));
        }
    }
}

fn named_class(name: &[u8], letter: u8) -> Option<bool> {
    Some(match name {
        b"alnum" => letter.is_ascii_alphanumeric(),
        b"alpha" => letter.is_ascii_alphabetic(),
        b"blank" => matches!(letter, b' ' | b'\t'),
        b"cntrl" => letter.is_ascii_control(),
        b"digit" => letter.is_ascii_digit(),
        b"graph" => letter.is_ascii_graphic(),
        b"lower" => letter.is_ascii_lowercase(),
        b"print" => letter.is_ascii_graphic() || letter == b' ',
        b"punct" => letter.is_ascii_punctuation(),
        b"space" => letter.is_ascii_whitespace(),
        b"upper" => letter.is_ascii_uppercase(),
        b"xdigit" => letter.is_ascii_hexdigit(),
        _ => return None,
    })
}
