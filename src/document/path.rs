//! Paths as texts write them, seen from the folder of the text or from the root of the project.

/// Returns `path`, written in a file of `folder`, as a path below the root; nothing where it leads out
/// of it. A slash at the end stays.
pub fn resolved(folder: &str, path: &str) -> Option<String> {
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    let mut whole = parts.join("/");
    if path.ends_with('/') && !whole.is_empty() {
        whole.push('/');
    }
    Some(whole)
}

/// Returns the folder that the file `path` is in.
pub fn folder_of(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// Returns whether `letter` may be in a path that is recognised in a text.
pub fn is_path_letter(letter: char) -> bool {
    letter.is_alphanumeric() || "/._-+@".contains(letter)
}

/// Returns the extension of a file name: letters and digits behind its last dot, a letter first.
pub fn extension(path: &str) -> Option<&str> {
    let name = path.rsplit('/').next()?;
    let (stem, extension) = name.rsplit_once('.')?;
    let is_one = (1..=8).contains(&extension.len())
        && extension.bytes().all(|byte| byte.is_ascii_alphanumeric())
        && extension.starts_with(|letter: char| letter.is_ascii_alphabetic());
    (is_one && !stem.is_empty()).then_some(extension)
}

/// Returns the text in which each `%XX` is the byte that it means; as it is where that is no text.
pub fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        let hex = tail
            .get(..2)
            .and_then(|pair| std::str::from_utf8(pair).ok());
        let value = hex.filter(|_| *first == b'%');
        if let Some(byte) = value.and_then(|pair| u8::from_str_radix(pair, 16).ok()) {
            bytes.push(byte);
            rest = tail.get(2..).unwrap_or_default();
        } else {
            bytes.push(*first);
            rest = tail;
        }
    }
    String::from_utf8(bytes).unwrap_or_else(|_| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_resolved_below_the_root() {
        for (folder, path, then) in [
            ("docs", "a.md", Some("docs/a.md")),
            ("docs", "../src/", Some("src/")),
            ("", "./a//b", Some("a/b")),
            ("docs", "..", Some("")),
            ("docs", "../..", None),
        ] {
            assert_eq!(resolved(folder, path).as_deref(), then, "{folder} {path}");
        }
        assert_eq!(decoded("a%20b%2"), "a b%2");
    }
}
