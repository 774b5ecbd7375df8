//! Factories for the tests of this room.

use std::{collections::BTreeMap, fs, path::Path};

use super::Composer;
use crate::{
    check::{self, Checked},
    diagnostics::{Findings, Sources},
    model, spec,
};

/// A checked factory with its texts.
pub(super) struct Factory {
    pub(super) checked: Checked,
    pub(super) sources: Sources,
}

impl Factory {
    /// Returns the factory of the spec `text`, whose role `x` has the prompt `roles/x.md`.
    pub(super) fn of(text: &str, more: &[(&str, &str)]) -> Self {
        let mut texts = BTreeMap::from([("factory.kdl".to_owned(), text.to_owned())]);
        texts.insert(
            "roles/_preamble.md".to_owned(),
            "# Ground rules\n\nBe exact.\n".to_owned(),
        );
        for word in text.split('"').filter(|word| word.starts_with("roles/")) {
            let title = format!("# The role of {word}\n\nDo it well.\n");
            texts.entry(word.to_owned()).or_insert(title);
        }
        for (path, text) in more {
            texts.insert((*path).to_owned(), (*text).to_owned());
        }
        let loaded = spec::load_texts("factory.kdl", texts).unwrap();
        let mut findings = Findings::default();
        let model = model::resolve(&loaded, &mut findings).unwrap();
        let checked = check::check(model, &loaded.sources, &mut findings);
        let found: Vec<_> = findings
            .iter()
            .map(|finding| finding.fault.to_string())
            .collect();
        Self {
            checked: checked.unwrap_or_else(|| panic!("{found:?}")),
            sources: loaded.sources,
        }
    }

    pub(super) fn composer(&self) -> Composer<'_> {
        Composer::new(&self.checked, &self.sources).unwrap()
    }
}

/// Returns the example of the documentation.
pub(super) fn aicpo() -> Factory {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/check/aicpo/factory.kdl");
    Factory::of(&fs::read_to_string(path).unwrap(), &[])
}
