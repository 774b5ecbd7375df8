//! What is nobody's business: told by names, and by what values look like.

/// Words in the names of variables whose values are nobody's business.
const WORDS: [&str; 20] = [
    "APIKEY",
    "AUTH",
    "COOKIE",
    "COOKIES",
    "CRED",
    "CREDENTIAL",
    "CREDENTIALS",
    "CREDS",
    "DSN",
    "KEY",
    "KEYS",
    "PASS",
    "PASSWD",
    "PAT",
    "PRIVATE",
    "PWD",
    "TOKEN",
    "TOKENS",
    "WEBHOOK",
    "WEBHOOKS",
];
/// Parts of names that say the same wherever they stand.
const PARTS: [&str; 5] = ["PASSPHRASE", "PASSWORD", "SECRET", "TOKEN", "CREDENTIAL"];
/// What shells set for themselves.
const PLACES: [&str; 2] = ["PWD", "OLDPWD"];

/// What tokens begin with that a service has given out.
const BEGINNINGS: [&str; 28] = [
    "AIza",
    "AKIA",
    "ASIA",
    "SG.",
    "dop_v1_",
    "eyJ",
    "gho_",
    "ghp_",
    "ghr_",
    "ghs_",
    "ghu_",
    "github_pat_",
    "glpat-",
    "hf_",
    "npm_",
    "pypi-",
    "rk_live_",
    "sk-",
    "sk_live_",
    "whsec_",
    "xapp-",
    "xoxa-",
    "xoxb-",
    "xoxe-",
    "xoxp-",
    "xoxr-",
    "xoxs-",
    "ya29.",
];
/// With how many letters more.
const LETTERS: usize = 12;
/// A user without a password in an address is a token if the name is as long.
const LONG_USER: usize = 10;

/// Returns whether a value is likely to be a secret, by the words of its name or by what it looks like.
pub(super) fn is_secret(name: &str, value: &[u8]) -> bool {
    let name = name.to_ascii_uppercase();
    let says_so = |word: &str| WORDS.contains(&word) || word.ends_with("KEY");
    let by_name = !PLACES.contains(&name.as_str())
        && (name.split('_').any(says_so) || PARTS.iter().any(|part| name.contains(part)));
    by_name || looks_secret(value)
}

/// Returns whether something in these bytes looks like a secret.
pub(super) fn looks_secret(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    let is_part = |letter: char| letter.is_ascii_alphanumeric() || "_-.".contains(letter);
    let is_token = |word: &str| {
        let rest = BEGINNINGS
            .iter()
            .filter_map(|start| word.strip_prefix(start));
        rest.into_iter().any(|rest| rest.len() >= LETTERS)
    };
    let is_private_key = text.contains("-----BEGIN ") && text.contains("PRIVATE KEY-----");
    is_private_key
        || text.split(|letter| !is_part(letter)).any(is_token)
        || text
            .match_indices("://")
            .any(|(at, _)| has_password(text.get(at + 3..)))
}

fn has_password(address: Option<&str>) -> bool {
    let ends = |letter: char| letter == '/' || letter.is_whitespace() || "\"\'".contains(letter);
    let host = address.and_then(|address| address.split(ends).next());
    let user = host
        .and_then(|host| host.rsplit_once('@'))
        .map(|(user, _)| user);
    user.is_some_and(|user| user.contains(':') || user.len() >= LONG_USER)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_what_is_nobodys_business() {
        for name in [
            "API_TOKEN",
            "PGPASSWORD",
            "MYSQL_PWD",
            "COOKIE",
            "SENTRY_DSN",
            "SLACK_WEBHOOK",
            "DB_CREDS",
            "PASSPHRASE",
            "SSH_PRIVATE",
            "LICENSEKEY",
            "MY_KEY",
            "DOCKER_AUTH_CONFIG",
            "APITOKEN",
            "aws_secret_access_key",
        ] {
            assert!(is_secret(name, b"1"), "{name}");
        }
        for name in [
            "PWD",
            "OLDPWD",
            "RAILS_ENV",
            "AUTHOR",
            "PATH",
            "KEYBOARD",
            "PASSENGER",
        ] {
            assert!(!is_secret(name, b"1"), "{name}");
        }
    }

    #[test]
    fn values_tell_it_too() {
        // Put together here, so that nobody takes one for a real one.
        let of = |parts: &[&str]| looks_secret(parts.concat().as_bytes());
        assert!(of(&["gh", "p_", &"a1B2".repeat(9)]));
        assert!(of(&["say AK", "IA", "IOSFODNN7EXAMPLE!"]));
        assert!(of(&["xo", "xb-", "123456789012-abcdef"]));
        assert!(of(&["sk-", "ant-", "api03-aaaaaaaaaaaaaaaaaaaa"]));
        assert!(of(&["-----BEGIN ", "RSA PRIVATE KEY-----\nx"]));
        assert!(of(&["postgres://me:", "swordfish@example.org/db"]));
        assert!(of(&["https://", "x0tokenvalue@example.org/a"]));
        for plain in [
            "ruby 3.4.1",
            "sk-learn",
            "https://example.org/a@b:c",
            "ssh://git@example.org/x",
            "eyJ",
            "-----BEGIN CERTIFICATE-----",
            "npm_config_x",
        ] {
            assert!(!looks_secret(plain.as_bytes()), "{plain}");
        }
    }
}
