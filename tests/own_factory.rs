//! The repository's own factory: what it compiles to is what was accepted.

use std::path::Path;

use factory::{check::check, emit::Composer, model::resolve, spec::load};

#[test]
fn the_accepted_prompts_are_what_the_spec_compiles_to() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut loaded = load(root, "factory.kdl").unwrap();
    let mut findings = std::mem::take(&mut loaded.findings);
    let model = resolve(&loaded, &mut findings).unwrap();
    let checked = check(model, &loaded.sources, &mut findings);
    assert!(
        findings.is_empty(),
        "{:?}",
        findings.iter().collect::<Vec<_>>()
    );
    let checked = checked.unwrap();
    assert_eq!(checked.model().roles.len(), 15);
    let composer = Composer::new(&checked, &loaded.sources).unwrap();
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("../snapshots");
    settings.set_prepend_module_to_snapshot(false);
    settings.bind(|| {
        for prompt in composer.prompts().unwrap() {
            // `factory snap` shows the same difference, `factory snap accept` accepts it.
            insta::assert_snapshot!(prompt.role, prompt.text);
        }
    });
}
