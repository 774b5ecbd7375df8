//! Texts that have the shape of a credential: one table for specs, prompts, templates, and memories.
//!
//! Only shapes that issued credentials have count, so that what is found can be an error that nobody
//! turns off. What people write in place of one (`sk-…`, `user:password@`, `<token>`, words such as
//! "example", one letter again and again) has none of them. The one exception: the example key of AWS's
//! manual has the very shape of a real one.

use std::{ops::Range, sync::LazyLock};

/// A credential in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Secret {
    /// Where it stands, in bytes.
    pub place: Range<usize>,
    /// What kind it is, with its article.
    pub what: &'static str,
}

/// What a token is made of behind its start.
#[derive(Debug, Clone, Copy)]
enum Letters {
    /// Capital letters and digits.
    Capital,
    /// Letters and digits.
    Plain,
    /// These, `-`, and `_`.
    Word,
}

impl Letters {
    const fn has(self, byte: u8) -> bool {
        match self {
            Self::Capital => byte.is_ascii_uppercase() || byte.is_ascii_digit(),
            Self::Plain => byte.is_ascii_alphanumeric(),
            Self::Word => byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'),
        }
    }
}

struct Shape {
    what: &'static str,
    starts: &'static [&'static str],
    letters: Letters,
    // How many of them there are at least, and whether there can't be more.
    count: usize,
    exact: bool,
}

const fn at_least(
    count: usize,
    letters: Letters,
    what: &'static str,
    starts: &'static [&'static str],
) -> Shape {
    Shape {
        what,
        starts,
        letters,
        count,
        exact: false,
    }
}

const MODEL_KEY: &str = "the key of a model provider";
const GITHUB: &str = "a GitHub token";

// With the three others there are no more starts than a number has bits, and each has two letters or more.
const SHAPES: &[Shape] = &[
    at_least(
        20,
        Letters::Word,
        MODEL_KEY,
        &[
            "sk-ant-",
            "sk-proj-",
            "sk-svcacct-",
            "sk-admin-",
            "sk-or-v1-",
        ],
    ),
    at_least(40, Letters::Plain, MODEL_KEY, &["sk-"]),
    at_least(30, Letters::Plain, "a Hugging Face token", &["hf_"]),
    at_least(
        30,
        Letters::Plain,
        GITHUB,
        &["ghp_", "gho_", "ghu_", "ghs_", "ghr_"],
    ),
    at_least(30, Letters::Word, GITHUB, &["github_pat_"]),
    at_least(20, Letters::Word, "a GitLab token", &["glpat-"]),
    at_least(
        20,
        Letters::Plain,
        "a Stripe key",
        &["sk_live_", "rk_live_"],
    ),
    at_least(36, Letters::Plain, "an npm token", &["npm_"]),
    at_least(
        20,
        Letters::Word,
        "a Slack token",
        &["xoxa-", "xoxb-", "xoxp-", "xoxr-", "xoxs-", "xapp-"],
    ),
    Shape {
        exact: true,
        ..at_least(35, Letters::Word, "a Google API key", &["AIza"])
    },
    Shape {
        exact: true,
        ..at_least(16, Letters::Capital, "an AWS access key", &["AKIA", "ASIA"])
    },
];

/// Returns the credentials that `text` holds, in order.
///
/// ```
/// # use factory::spec::secrets;
/// let found = secrets("postgres://app:c0rrect-h0rse@db.internal/shop");
/// assert_eq!(found.first().map(|secret| secret.what), Some("an address with a password"));
/// assert_eq!(secrets("postgres://app:${PASSWORD}@db.internal/shop"), []);
/// ```
pub fn secrets(text: &str) -> Vec<Secret> {
    let mut found = found(text);
    found.sort_by_key(|secret| (secret.place.start, usize::MAX - secret.place.end));
    let mut end = 0;
    found.retain(|secret| {
        let apart = secret.place.start >= end;
        if apart {
            end = secret.place.end;
        }
        apart
    });
    found
}

// What a mark in a text is the beginning of.
#[derive(Clone, Copy)]
enum Mark {
    Token(&'static Shape),
    WebToken,
    Address,
    PrivateKey,
}

// A text is long and has few marks, so it is read once for all of them, two bytes at a time.
struct Marks {
    all: Vec<(&'static str, Mark)>,
    // Which of the marks have a byte in their first place, and which in their second: a bit for each.
    firsts: [u32; 256],
    seconds: [u32; 256],
}

static MARKS: LazyLock<Marks> = LazyLock::new(|| {
    let tokens = SHAPES.iter().flat_map(|shape| {
        let starts = shape.starts.iter();
        starts.map(move |start| (*start, Mark::Token(shape)))
    });
    let others = [
        (WEB_TOKEN, Mark::WebToken),
        (ADDRESS, Mark::Address),
        (PRIVATE_KEY, Mark::PrivateKey),
    ];
    let all: Vec<_> = tokens.chain(others).collect();
    let of = |place: usize| {
        let mut bits = [0_u32; 256];
        for (number, (mark, _)) in all.iter().enumerate() {
            let byte = mark.as_bytes().get(place).copied().map(usize::from);
            if let Some(bits) = byte.and_then(|byte| bits.get_mut(byte)) {
                *bits |= 1 << number;
            }
        }
        bits
    };
    Marks {
        firsts: of(0),
        seconds: of(1),
        all,
    }
});

fn found(text: &str) -> Vec<Secret> {
    let Marks {
        all,
        firsts,
        seconds,
    } = &*MARKS;
    let bits = |bits: &[u32; 256], byte: u8| bits.get(usize::from(byte)).copied();
    let bytes = text.as_bytes();
    let mut found = Vec::new();
    for (at, pair) in bytes.array_windows().enumerate() {
        let [first, second] = *pair;
        let mut here = bits(firsts, first).unwrap_or_default();
        here &= bits(seconds, second).unwrap_or_default();
        if here == 0 {
            continue;
        }
        let before = at.checked_sub(1).and_then(|before| bytes.get(before));
        if is_word(first) && before.is_some_and(|before| is_word(*before)) {
            continue;
        }
        let rest = bytes.get(at..).unwrap_or_default();
        while let Some((mark, what)) = all.get(here.trailing_zeros() as usize) {
            here &= here - 1;
            if rest.starts_with(mark.as_bytes()) {
                found.extend(match what {
                    Mark::Token(shape) => token(text, shape, at, at + mark.len()),
                    Mark::WebToken => web_token(text, at),
                    Mark::Address => address(text, at),
                    Mark::PrivateKey => private_key(text, at),
                });
            }
        }
    }
    found
}

fn token(text: &str, shape: &Shape, at: usize, from: usize) -> Option<Secret> {
    let body = run(text, from, shape.letters);
    let fits = if shape.exact {
        body.len() == shape.count
    } else {
        body.len() >= shape.count
    };
    let words = body.to_ascii_lowercase();
    let stands_for_one = match shape.letters {
        Letters::Capital => is_monotonous(body),
        Letters::Plain | Letters::Word => is_monotonous(body) || is_said(&words),
    };
    let end = from + body.len();
    (fits && !stands_for_one && ends_word(text, end)).then_some(Secret {
        place: at..end,
        what: shape.what,
    })
}

fn run(text: &str, from: usize, letters: Letters) -> &str {
    let rest = text.get(from..).unwrap_or_default();
    let len = rest.bytes().take_while(|byte| letters.has(*byte)).count();
    rest.get(..len).unwrap_or_default()
}

const fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

fn ends_word(text: &str, at: usize) -> bool {
    let after = text.get(at..).and_then(|after| after.bytes().next());
    after.is_none_or(|byte| !is_word(byte))
}

// Words that people write where a secret would stand.
fn is_said(lower: &str) -> bool {
    let words = [
        "example",
        "placeholder",
        "your",
        "xxxx",
        "changeme",
        "redacted",
        "dummy",
        "insert",
        "0123456789",
        "1234567890",
        "abcdefgh",
    ];
    words.iter().any(|word| lower.contains(word))
}

// A key is drawn from many letters and digits.
fn is_monotonous(body: &str) -> bool {
    let mut bytes: Vec<u8> = body.bytes().filter(u8::is_ascii_alphanumeric).collect();
    bytes.sort_unstable();
    bytes.dedup();
    let long = body.len() >= 30;
    bytes.len() < 8
        || !bytes.iter().any(u8::is_ascii_alphabetic)
        || long && !bytes.iter().any(u8::is_ascii_digit)
}

// How an object of JSON begins in base64.
const WEB_TOKEN: &str = "eyJ";

// Two objects of JSON and a signature, in base64.
fn web_token(text: &str, at: usize) -> Option<Secret> {
    let head = run(text, at, Letters::Word);
    let second = at + head.len() + 1;
    let claims = run(text, second, Letters::Word);
    let third = second + claims.len() + 1;
    let sign = run(text, third, Letters::Word);
    let dot = |at: usize| text.get(at - 1..at) == Some(".");
    let whole = head.len() >= 12 && claims.len() >= 12 && sign.len() >= 20;
    (whole && claims.starts_with(WEB_TOKEN) && dot(second) && dot(third) && !is_monotonous(sign))
        .then_some(Secret {
            place: at..third + sign.len(),
            what: "a signed token",
        })
}

// What stands behind the scheme of an address.
const ADDRESS: &str = "://";

// `scheme://user:password@host`.
fn address(text: &str, at: usize) -> Option<Secret> {
    let scheme = text.get(..at)?.bytes().rev();
    let scheme = scheme
        .take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'.' | b'-'))
        .count();
    let from = at + ADDRESS.len();
    let rest = text.get(from..)?;
    let ends = |letter: char| {
        letter.is_whitespace() || "/?#\"'`<>()|\\,;".contains(letter) || letter.is_control()
    };
    let authority = rest.get(..rest.find(ends).unwrap_or(rest.len()))?;
    let (user_info, _) = authority.rsplit_once('@')?;
    let (user, password) = user_info.split_once(':')?;
    (scheme > 0 && !stands_for_password(user, password)).then_some(Secret {
        place: at - scheme..from + authority.len(),
        what: "an address with a password",
    })
}

fn stands_for_password(user: &str, password: &str) -> bool {
    let lower = password.to_lowercase();
    let said = matches!(
        lower.as_str(),
        "" | "password" | "passwd" | "secret" | "token" | "changeme"
    );
    let filled = |letter: char| matches!(letter, '*' | '.' | '…' | 'x' | '-' | '_');
    let variable = |letter: char| matches!(letter, '$' | '{' | '}' | '%' | '[' | ']' | '…');
    let name = |byte: u8| byte.is_ascii_uppercase() || byte == b'_';
    said || password == user
        || is_said(&lower)
        || lower.contains("...")
        || password.starts_with(variable)
        || lower.chars().all(filled)
        || password.bytes().all(name)
}

const PRIVATE_KEY: &str = "-----BEGIN ";

fn private_key(text: &str, at: usize) -> Option<Secret> {
    const DASHES: &str = "-----";
    /// Within how many bytes the key itself begins.
    const NEAR: usize = 400;
    let from = at + PRIVATE_KEY.len();
    let rest = text.get(from..)?;
    let title = rest.get(..rest.find(DASHES)?)?;
    let is_key = title.len() < 40 && title.contains("PRIVATE KEY");
    let body_at = from + title.len() + DASHES.len();
    let body = text.get(body_at..).filter(|_| is_key)?;
    let body = body.get(..body.find(DASHES).unwrap_or(body.len()))?;
    let letter = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=');
    let mut start = 0;
    let mut lines = body.as_bytes().split(|byte| !letter(byte)).map(|line| {
        let place = start..start + line.len();
        start = place.end + 1;
        place
    });
    let line = lines.find(|line| line.start < NEAR && line.len() >= 24)?;
    let drawn = body
        .get(line.clone())
        .is_some_and(|line| !is_monotonous(line));
    drawn.then_some(Secret {
        place: at..body_at + line.end,
        what: "a private key",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    // Drawn by chance; written apart from its start, so that no scanner of sources takes it for a key.
    const DRAWN: &str = "u8jzPde0IgxLd6GncfBAepfJBd0Kh8oOOL8dKLzdocJ2isAjIhKtJ0Rl";

    fn what(text: &str) -> Vec<&'static str> {
        secrets(text)
            .into_iter()
            .map(|secret| secret.what)
            .collect()
    }

    fn drawn(start: &str, len: usize) -> String {
        format!("{start}{}", &DRAWN[..len])
    }

    #[test]
    fn issued_credentials_are_named() {
        let claims = format!("eyJ{}", &DRAWN[..30]);
        let key = format!("-----BEGIN {} KEY-----\n", "RSA PRIVATE");
        for (secret, then) in [
            (drawn("sk-", 46), MODEL_KEY),
            (drawn("sk-proj-", 40), MODEL_KEY),
            (drawn("sk-ant-api03-", 40), MODEL_KEY),
            (drawn("AIza", 35), "a Google API key"),
            (drawn("glpat-", 20), "a GitLab token"),
            (drawn("sk_live_", 24), "a Stripe key"),
            (drawn("rk_live_", 24), "a Stripe key"),
            (drawn("npm_", 36), "an npm token"),
            (drawn("hf_", 34), "a Hugging Face token"),
            (drawn("ghp_", 36), GITHUB),
            (drawn("gho_", 36), GITHUB),
            (drawn("github_pat_", 44), GITHUB),
            (drawn("xoxb-12345-", 24), "a Slack token"),
            (drawn("xoxa-2-", 24), "a Slack token"),
            (format!("AKIA{}", "Q3Z7V2KP9LW4XN8B"), "an AWS access key"),
            (format!("ASIA{}", "Q3Z7V2KP9LW4XN8B"), "an AWS access key"),
            (format!("{claims}.{claims}.{DRAWN}"), "a signed token"),
            (
                "postgres://user:pass@host/db".to_owned(),
                "an address with a password",
            ),
            (
                "redis://:h0rse@cache:6379".to_owned(),
                "an address with a password",
            ),
            (
                "https://x-access-token:abc1@github.com/a/b.git".to_owned(),
                "an address with a password",
            ),
            (format!("{key}{DRAWN}\n{DRAWN}\n"), "a private key"),
            (
                format!("{key}Proc-Type: 4,ENCRYPTED\n\n    {DRAWN}"),
                "a private key",
            ),
        ] {
            for text in [
                secret.clone(),
                format!("Use `{secret}` here."),
                format!("KEY={secret}"),
                format!("KEY=\"{secret}\"\n"),
            ] {
                assert_eq!(what(&text), [then], "{text}");
                let [found] = secrets(&text).try_into().unwrap();
                assert!(
                    secret.starts_with(text[found.place.clone()].trim_end()),
                    "{text}"
                );
            }
        }
        assert_eq!(what("AKIAIOSFODNN7EXAMPLE"), ["an AWS access key"]);
        let two = format!("{} {}", drawn("ghp_", 36), drawn("npm_", 36));
        assert_eq!(what(&two), [GITHUB, "an npm token"]);
    }

    #[test]
    fn what_stands_in_for_one_is_none() {
        let alike = "x".repeat(48);
        for text in [
            "sk-...",
            "sk-…",
            "sk-ant-…, sk-proj-, ghp_ and xoxb- are prefixes",
            "sk-ant-api03-your-key-goes-here-0000",
            "sk-proj-example-1234-abcd-5678-efgh",
            &format!("sk-{alike} ghp_{alike} npm_{alike}"),
            "AKIAXXXXXXXXXXXXXXXX",
            "ghp_<token>",
            "npm_config_registry_and_many_further_settings_of_npm",
            "hf_hub_download and hf_transfer",
            // Digests and numbers of things.
            "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
            "550e8400-e29b-41d4-a716-446655440000",
            "task-9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
            "disk-4739891f5fd5b16dd6ab6b1b0f140011c27df82b",
            // Addresses without one, or with what stands for one.
            "https://example.org:8443/a@b",
            "ssh://git@github.com:22/a/b.git",
            "postgres://user:password@localhost/db",
            "postgres://<user>:<token>@localhost/db",
            "postgres://postgres:postgres@localhost/db",
            "postgres://${USER}:${PASSWORD}@localhost/db",
            "postgres://app:{{ password }}@localhost/db",
            "https://USER:PASSWORD@example.org",
            "https://user:***@example.org",
            "https://user:your-password@example.org",
            "https://user:@example.org and http://localhost:3000",
            "://a:b@c",
            "eyJhbGciOi.eyJzdWIi.abc",
            // The frame of a key without one.
            "never print `-----BEGIN RSA PRIVATE KEY-----`",
            "-----BEGIN PRIVATE KEY-----\n...\n-----END PRIVATE KEY-----",
            "-----BEGIN CERTIFICATE-----\nMIIDdzCCAl+gAwIBAgIEAgAAuTANBgkqhkiG9w0BAQUFADBa\n",
        ] {
            assert_eq!(what(text), [] as [&str; 0], "{text}");
        }
    }
}
