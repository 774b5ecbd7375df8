//! The target `agents-md`: AGENTS.md, which many clients read.
//!
//! It is words and nothing else. No client is known to ask anybody before it does what these words
//! forbid, so each boundary in it is advised, and the file says so.

use super::{Composer, Prompt, TemplateError, artifact::Artifacts};
use crate::document::Rendered;

/// The name of the target in a spec.
pub const TARGET: &str = "agents-md";

/// The document.
const DOCUMENT: &str = "AGENTS.md";

/// Adds the document to `artifacts`: who works here, and a section for each role.
pub(super) fn render(
    composer: &Composer<'_>,
    _: &[Prompt],
    artifacts: &mut Artifacts,
) -> Result<(), TemplateError> {
    let mut sections = vec![Rendered {
        title: "Who works here".to_owned(),
        text: composer.section("targets/agents-md/roles.md.hbs")?,
    }];
    for (id, role) in composer.model().roles() {
        sections.push(Rendered {
            title: format!("Role {}", role.name.value),
            text: composer.of_role("targets/agents-md/role.md.hbs", id)?,
        });
    }
    artifacts.sections(DOCUMENT, sections);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::{
        document::Folder,
        emit::{fixture::Factory, render},
    };

    const SPEC: &str = r#"factory "f" spec=1 { target "agents-md"; }
model "m" id="m-1"
gate "g" { run "true"; }
role "builder" model="m" prompt="roles/builder.md" {
    title "Builder"
    description "Builds"
    gates "g"
    may { write "app/**"; }
    never { read "**/.env"; }
}
role "qa" model="m" prompt="roles/qa.md" { title "QA"; description "Looks"; }
rule "QA never writes" { because "A tester who mends hides the fault"; cannot "qa" { write "**"; }; }
"#;

    #[test]
    fn the_document_says_who_may_do_what_and_that_it_is_advice() {
        let folder = tempfile::tempdir().unwrap();
        let factory = Factory::of(SPEC, &[]);
        let composer = factory.composer();
        let prompts = composer.prompts().unwrap();
        let artifacts = render(&composer, &prompts, &Folder::new(folder.path())).unwrap();
        assert_eq!(artifacts.paths().collect::<Vec<_>>(), ["AGENTS.md"]);
        let text = format!("{:?}", artifacts.by_path).replace("\\n", "\n");
        for told in [
            "advised",
            "**Builder** (`builder`): Builds.",
            "`roles/builder.md`",
            "- Write (create, change, delete, rename): `app/**`.",
            "but `**/.env`",
            "A tester who mends hides the fault",
            "**g**: `true` exits with 0",
        ] {
            assert!(text.contains(told), "{told}: {text}");
        }
    }

    #[test]
    fn a_document_of_the_spec_at_the_same_path_is_a_finding() {
        let folder = tempfile::tempdir().unwrap();
        let document =
            "document \"AGENTS.md\" { section \"R\" { template \"sections/roles.md.hbs\"; }; }\n";
        let factory = Factory::of(&format!("{SPEC}{document}"), &[]);
        let composer = factory.composer();
        let found = render(&composer, &[], &Folder::new(folder.path())).unwrap_err();
        let finding = found.iter().next().unwrap();
        let said = finding.fault.to_string();
        assert_eq!(said, "`AGENTS.md` is written for a target already");
    }
}
