//! The texts of a first factory.

use super::{
    place::File,
    project::Project,
    roles::{PREAMBLE, ShippedRole},
    spec::spec,
    stack::Stack,
    stacks,
};

/// A factory for a project that has none.
#[derive(Debug, Clone)]
pub struct FirstFactory {
    /// What is written: the spec, the prompts, and nothing that the compiler ships by itself.
    pub files: Vec<File>,
    /// What was recognised.
    pub stacks: Vec<Stack>,
    /// What its owner should know, a sentence each.
    pub notes: Vec<String>,
}

/// Returns a factory with `roles` for `project`. It has no finding, whatever the project and
/// whichever the roles.
pub fn first_factory(project: &Project<'_>, roles: &[&'static ShippedRole]) -> FirstFactory {
    let stacks = stacks::find(project);
    let text = spec(project, &stacks, roles);
    let mut files = vec![
        File::new("factory.kdl", text),
        File::new("roles/_preamble.md", PREAMBLE),
    ];
    files.extend(
        roles
            .iter()
            .map(|role| File::new(format!("roles/{}.md", role.name), role.prompt)),
    );
    FirstFactory {
        files,
        notes: notes(project, &stacks, roles),
        stacks,
    }
}

fn notes(project: &Project<'_>, stacks: &[Stack], roles: &[&'static ShippedRole]) -> Vec<String> {
    let mut notes = Vec::new();
    for folder in stacks.iter().flat_map(|stack| &stack.scratch) {
        // What is made by hand alone, such as `storage`, is the project's own business.
        let Some(name) = folder
            .strip_suffix("/**")
            .filter(|name| ["target", "node_modules", ".venv"].contains(name))
        else {
            continue;
        };
        if !project.ignores(name) && (project.has_folder(name) || name != ".venv") {
            notes.push(format!(
                "`{name}/` is not in .gitignore; add it, or it would be taken for work"
            ));
        }
    }
    if project.has("Cargo.toml") && !project.has("Cargo.lock") && !project.ignores("Cargo.lock") {
        notes.push(
            "there is no Cargo.lock yet, and the first check would write one: `cargo \
             generate-lockfile`, and commit it"
                .to_owned(),
        );
    }
    if !roles.iter().any(|role| role.name == "ceo") {
        notes.push(
            "without the role `ceo` there is no planner: tasks are written by hand in tasks/"
                .to_owned(),
        );
    }
    notes
}
