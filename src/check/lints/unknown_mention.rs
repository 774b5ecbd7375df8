//! A tool, a server, or a role named in a prompt that the role may not use.

use std::{
    cell::OnceCell,
    collections::{BTreeMap, BTreeSet},
    ops::Range,
};

use miette::{Diagnostic, SourceSpan};
use thiserror::Error;

use super::Entry;
use crate::{
    check::{facts::Facts, report::Report},
    client::{Tool, ToolKind, tool},
    diagnostics::{Level, Lint},
    document::{Inline, InlineKind, inlines, lines},
    model::{GuardMode, RoleId},
    spec::nearest,
};

pub(super) static LINT: Entry = Entry {
    lint: Lint {
        code: "factory::prompt::unusable-tool",
        level: Level::Warning,
        safety: false,
        story: include_str!("unknown_mention.md"),
    },
    absence: false,
    run: unknown_mention,
};

#[derive(Debug, Error, Diagnostic)]
#[error("the prompt of role `{role}` speaks of `{named}`, which {fault}")]
#[diagnostic(help("{help}"))]
struct UnusableTool {
    role: String,
    named: String,
    fault: &'static str,
    help: String,
    #[label(primary, "the role can't follow this")]
    span: SourceSpan,
}

/// Something that a prompt names.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Named<'a> {
    at: usize,
    // As it is written.
    text: &'a str,
    what: What,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum What {
    /// A server or one of its tools, in the words of a boundary; and whether they are the prompt's too.
    Server { name: String, own_words: bool },
    /// A tool of the client that the reader is told to use.
    Tool(&'static Tool),
    /// A role that the reader is told to delegate to.
    Role(RoleId),
}

fn unknown_mention(facts: &Facts<'_>, report: &mut Report<'_>) {
    let model = facts.model;
    let roles = model.roles();
    let roles: BTreeMap<&str, RoleId> = roles
        .map(|(id, role)| (role.name.value.as_str(), id))
        .collect();
    let mut known: BTreeMap<&str, Vec<Named<'_>>> = BTreeMap::new();
    for (id, role) in model.roles() {
        let Some(source) = facts.source(&role.prompt.value) else {
            continue;
        };
        let named = known
            .entry(source.path())
            .or_insert_with(|| mentions(source.text(), &roles));
        let mut told = BTreeSet::new();
        for Named { at, text, what } in named {
            // What is only taken down so far is not refused, whatever is granted yet.
            let own_words = matches!(
                what,
                What::Server {
                    own_words: true,
                    ..
                }
            );
            if role.guard == GuardMode::Observe && !own_words {
                continue;
            }
            let wrong = match what {
                What::Server { name, .. } => server(facts, id, name),
                What::Tool(tool) => (!model.offers(id, tool.kind)).then(|| granting(tool.kind)),
                What::Role(other) => {
                    let may = *other == id || facts.delegates(id).contains(other);
                    let name = &model.role(*other).name.value;
                    (!may).then(|| {
                        (
                            "it may not delegate to",
                            format!(
                                "add `may {{ delegate \"{name}\"; }}` to the role, or change the prompt"
                            ),
                        )
                    })
                }
            };
            let Some((fault, help)) = wrong.filter(|_| told.insert(*text)) else {
                continue;
            };
            let fault = UnusableTool {
                role: role.name.value.clone(),
                named: (*text).to_owned(),
                fault,
                help,
                span: source.span_at(*at, text.len()).into(),
            };
            report.of_role(id, fault);
        }
    }
}

// What is wrong with naming `name`, as `mcp:server` or `mcp:server/tool`.
fn server(facts: &Facts<'_>, id: RoleId, name: &str) -> Option<(&'static str, String)> {
    let uses = &facts.model.role(id).bounds.boundary.uses;
    let single = format!("{name}/");
    let mut may = uses.may.iter();
    if uses.permits(name) || may.any(|entry| entry.pattern.as_str().starts_with(&single)) {
        return None;
    }
    let server = name.trim_start_matches("mcp:").split('/').next()?;
    let servers = || {
        let servers = facts.model.servers.iter();
        servers.map(|server| server.name.value.as_str())
    };
    Some(if servers().any(|known| known == server) {
        (
            "it may not use",
            format!("add `may {{ use \"{name}\"; }}` to the role, or change the prompt"),
        )
    } else if let Some(near) = nearest(server, servers()) {
        (
            "is no server of this factory",
            format!("did you mean `mcp:{near}`?"),
        )
    } else {
        (
            "is no server of this factory",
            format!("declare it: `server \"{server}\" {{ command \"…\"; }}`"),
        )
    })
}

// What is wrong with naming a tool that is not offered, and what would offer it.
fn granting(kind: ToolKind) -> (&'static str, String) {
    let may = match kind {
        ToolKind::WriteFile => "write \"…\"",
        ToolKind::Shell => "run \"…\"",
        ToolKind::Fetch => "reach \"…\"",
        ToolKind::SearchWeb => "reach \"*\"",
        ToolKind::Delegate => "delegate \"…\"",
        ToolKind::Server
        | ToolKind::Harmless
        | ToolKind::ReadFile
        | ToolKind::Search
        | ToolKind::List => "use \"…\"",
    };
    (
        "it may not use",
        format!("add `may {{ {may}; }}` to the role, or change the prompt"),
    )
}

// What `text` names beyond doubt. Code blocks and comments name nothing.
fn mentions<'a>(text: &'a str, roles: &BTreeMap<&str, RoleId>) -> Vec<Named<'a>> {
    let mut found = Vec::new();
    // Only a text that names something is read as Markdown.
    let markdown = OnceCell::new();
    let stands = |at: usize, kind: InlineKind| {
        let all: &Vec<Inline> = markdown.get_or_init(|| inlines(text, &lines(text)));
        let next = all.partition_point(|inline| inline.span.end <= at);
        all.get(next)
            .is_some_and(|inline| inline.kind == kind && inline.span.contains(&at))
    };
    for (tick, _) in text.match_indices('`') {
        let at = tick + 1;
        let rest = text.get(at..).unwrap_or_default();
        let end = rest.find(|letter: char| !is_name_letter(letter));
        let (name, rest) = rest.split_at(end.unwrap_or(rest.len()));
        if name.is_empty() || !rest.starts_with('`') {
            continue;
        }
        let Some(what) = what(text, at, name, roles) else {
            continue;
        };
        if stands(at, InlineKind::Code) {
            found.push(Named {
                at,
                text: name,
                what,
            });
        }
    }
    for (sign, mark) in text.match_indices("@agent-") {
        let rest = text.get(sign + mark.len()..).unwrap_or_default();
        let end = rest.find(|letter: char| !(letter.is_ascii_alphanumeric() || letter == '-'));
        let name = rest.get(..end.unwrap_or(rest.len())).unwrap_or_default();
        if let Some(role) = roles.get(name)
            && !is_doubtful(text, sentence(text, sign))
            && stands(sign + 1, InlineKind::Mention)
        {
            found.push(Named {
                at: sign + mark.len(),
                text: name,
                what: What::Role(*role),
            });
        }
    }
    found
}

fn is_name_letter(letter: char) -> bool {
    letter.is_alphanumeric() || "_-:/.".contains(letter)
}

// What the code span `name` at `at` stands for.
fn what(text: &str, at: usize, name: &str, roles: &BTreeMap<&str, RoleId>) -> Option<What> {
    if name.starts_with("mcp:") {
        let name = name.to_owned();
        let own_words = true;
        return Some(What::Server { name, own_words });
    }
    if let Some(spelled) = name.strip_prefix("mcp__") {
        let name = format!("mcp:{}", spelled.replacen("__", "/", 1));
        let own_words = false;
        return Some(What::Server { name, own_words });
    }
    if name.starts_with(|letter: char| letter.is_ascii_uppercase()) {
        let tool = tool(name)?;
        return is_told(text, at, is_use).then_some(What::Tool(tool));
    }
    let told = || is_told(text, at, |word| word == "to") && speaks_of_delegation(text, at);
    roles
        .get(name)
        .filter(|_| told())
        .map(|role| What::Role(*role))
}

fn is_use(word: &str) -> bool {
    matches!(
        word,
        "call" | "run" | "through" | "use" | "using" | "via" | "with"
    )
}

fn speaks_of_delegation(text: &str, at: usize) -> bool {
    let sentence = text.get(sentence(text, at)).unwrap_or_default();
    words(sentence).any(|word| word.to_lowercase().starts_with("delegat"))
}

// Whether the word before the code span at `at`, or before the list that it is in, is one that tells
// the reader to do something with it.
fn is_told(text: &str, at: usize, tells: impl Fn(&str) -> bool) -> bool {
    let whole = sentence(text, at);
    let ahead = text.get(whole.start..at).unwrap_or_default();
    let mut ahead = ahead.trim_end_matches('`');
    loop {
        ahead = ahead.trim_end_matches([' ', '\n', ',', '/', '*']);
        let word = ahead.rsplit([' ', '\n']).next().unwrap_or_default();
        if matches!(word, "and" | "or" | "the" | "a") {
            ahead = ahead.strip_suffix(word).unwrap_or_default();
        } else if let Some(open) = ahead.strip_suffix('`') {
            let Some((before, _)) = open.rsplit_once('`') else {
                return false;
            };
            ahead = before;
        } else {
            let word = word.trim_start_matches(['*', '_', '(']).to_lowercase();
            return tells(&word) && !is_doubtful(text, whole);
        }
    }
}

// Whether a sentence may say that something is not so, or only sometimes.
fn is_doubtful(text: &str, sentence: Range<usize>) -> bool {
    words(text.get(sentence).unwrap_or_default()).any(|word| {
        let word = word.to_lowercase();
        word.ends_with("n't")
            || matches!(
                &*word,
                "avoid"
                    | "available"
                    | "cannot"
                    | "except"
                    | "if"
                    | "instead"
                    | "lack"
                    | "neither"
                    | "never"
                    | "no"
                    | "none"
                    | "nor"
                    | "not"
                    | "other"
                    | "others"
                    | "rather"
                    | "unless"
                    | "whether"
                    | "without"
            )
    })
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|letter: char| !(letter.is_alphanumeric() || letter == '\''))
}

// The sentence that the byte at `at` is in, as far as it is near.
fn sentence(text: &str, at: usize) -> Range<usize> {
    let from = near(text, at, at.saturating_sub(NEAR));
    let to = near(text, at, at.saturating_add(NEAR));
    let before = text.get(from..at).unwrap_or_default();
    let behind = text.get(at..to).unwrap_or_default();
    let starts = SENTENCE.iter().filter_map(|end| {
        let found = before.rfind(end)?;
        Some(from + found + end.len())
    });
    let ends = SENTENCE.iter().filter_map(|end| behind.find(end));
    starts.max().unwrap_or(from)..ends.min().map_or(to, |end| at + end)
}

// The place nearest to `wanted`, going towards `at`, between two letters of `text`.
fn near(text: &str, at: usize, wanted: usize) -> usize {
    let mut place = wanted.min(text.len());
    while !text.is_char_boundary(place) {
        if place < at {
            place += 1;
        } else {
            place -= 1;
        }
    }
    place
}

// How far from a name its sentence is looked at, in bytes.
const NEAR: usize = 400;

// Where one sentence ends and another begins.
const SENTENCE: [&str; 9] = [". ", ".\n", "! ", "!\n", "\n\n", "\n- ", "\n* ", "\n#", "|"];

#[cfg(test)]
mod tests {
    use super::*;

    fn named(text: &str) -> Vec<&str> {
        let roles = BTreeMap::from([("qa", RoleId(0)), ("dev-ops", RoleId(1))]);
        let found = mentions(text, &roles);
        found.into_iter().map(|named| named.text).collect()
    }

    #[test]
    fn only_what_is_named_beyond_doubt_is_a_mention() {
        for (text, then) in [
            ("Use `Bash` to run the tests.", &["Bash"][..]),
            ("Look it up with the `WebFetch` tool.", &["WebFetch"]),
            ("Use `Grep`, `Edit`, and `Bash`.", &["Grep", "Edit", "Bash"]),
            ("- **Using `Write`**, make it.", &["Write"]),
            ("Do not stop.\nUse `Bash`. Never mind.", &["Bash"]),
            ("Call ``Bash``", &["Bash"]),
            // Not told to use it, or perhaps not.
            ("Core tools: `Bash`, `Edit`", &[]),
            ("For `Bash`, use `context`.", &[]),
            ("A hook sees each call of `Bash`.", &[]),
            ("Scripts are written in `Bash`.", &[]),
            ("Never use `Bash`.", &[]),
            ("You don't have to use `Bash`.", &[]),
            ("You must not\nuse `Bash`.", &[]),
            ("Use `Bash` only if you have it.", &[]),
            ("Use `Read` instead of using `Bash`.", &[]),
            ("Use Bash, `bash`, `Bashful`, `Bash(git log)`.", &[]),
            ("```md\nUse `Bash`.\n```\n", &[]),
            ("<!-- use `Bash` -->", &[]),
            ("Use ` Bash `, `Bash", &[]),
            // Servers, in both spellings.
            ("`mcp:db` `mcp:db/query`", &["mcp:db", "mcp:db/query"]),
            ("`mcp__db__query`", &["mcp__db__query"]),
            ("`mcp__db__*` mcp__db__query", &[]),
            // Roles.
            ("Delegate the tests to `qa`.", &["qa"]),
            ("Delegation goes to `qa` or `dev-ops`.", &["qa", "dev-ops"]),
            ("Ask @agent-dev-ops, then (@agent-qa).", &["dev-ops", "qa"]),
            ("Do not delegate to `qa`.", &[]),
            ("Hand what is left to `qa`.", &[]),
            ("What `qa` delegates is done.", &[]),
            ("Delegate it to `somebody` @agent-somebody.", &[]),
            ("Never call @agent-qa. `@agent-qa` a@agent-qa", &[]),
        ] {
            assert_eq!(named(text), then, "{text}");
        }
    }

    #[test]
    fn a_text_full_of_names_is_read_in_one_go() {
        let text = "é use `Bash` ".repeat(2_000);
        assert_eq!(named(&text).len(), 2_000);
    }
}
