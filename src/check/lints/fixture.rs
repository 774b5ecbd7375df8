//! Tiny factories for the tests of lints.

use crate::{
    diagnostics::{Format, render},
    model::resolve,
    spec::load_texts,
};

/// Returns what the lint `code` says of the factory that `files` make, a line for each finding:
/// `path:line:column: level: message`.
pub(super) fn said(code: &str, files: &[(&str, &str)]) -> Vec<String> {
    let texts = files
        .iter()
        .map(|(path, text)| ((*path).to_owned(), (*text).to_owned()));
    let mut loaded = load_texts("factory.kdl", texts.collect()).unwrap();
    let mut findings = std::mem::take(&mut loaded.findings);
    let model = resolve(&loaded, &mut findings).unwrap();
    crate::check::check(model, &loaded.sources, &mut findings);
    assert!(!findings.has_errors(), "{findings:?}");
    let text = render(&findings.sorted(), &loaded.sources, Format::Short);
    let code = format!("[{code}]");
    let lines = text.lines().filter(|line| line.contains(&code));
    lines.map(|line| line.replace(&code, "")).collect()
}
