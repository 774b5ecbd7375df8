//! The templates that come with the compiler.

// In the order of their names.
static SHIPPED: &[(&str, &str)] = &[
    ("brief.md.hbs", include_str!("../../templates/brief.md.hbs")),
    (
        "prompt.md.hbs",
        include_str!("../../templates/prompt.md.hbs"),
    ),
    (
        "prompt/boundary.md.hbs",
        include_str!("../../templates/prompt/boundary.md.hbs"),
    ),
    (
        "prompt/gates.md.hbs",
        include_str!("../../templates/prompt/gates.md.hbs"),
    ),
    (
        "prompt/grants.md.hbs",
        include_str!("../../templates/prompt/grants.md.hbs"),
    ),
    (
        "prompt/hand-over.md.hbs",
        include_str!("../../templates/prompt/hand-over.md.hbs"),
    ),
    (
        "prompt/memory.md.hbs",
        include_str!("../../templates/prompt/memory.md.hbs"),
    ),
    (
        "prompt/rules.md.hbs",
        include_str!("../../templates/prompt/rules.md.hbs"),
    ),
    (
        "sections/dev-commands.md.hbs",
        include_str!("../../templates/sections/dev-commands.md.hbs"),
    ),
    (
        "sections/pipelines.md.hbs",
        include_str!("../../templates/sections/pipelines.md.hbs"),
    ),
    (
        "sections/release-gate.md.hbs",
        include_str!("../../templates/sections/release-gate.md.hbs"),
    ),
    (
        "sections/roles.md.hbs",
        include_str!("../../templates/sections/roles.md.hbs"),
    ),
    (
        "sections/service-map.md.hbs",
        include_str!("../../templates/sections/service-map.md.hbs"),
    ),
    (
        "targets/agents-md/role.md.hbs",
        include_str!("../../templates/targets/agents-md/role.md.hbs"),
    ),
    (
        "targets/agents-md/roles.md.hbs",
        include_str!("../../templates/targets/agents-md/roles.md.hbs"),
    ),
];

/// Returns the text of the template called `name` that comes with the compiler.
pub fn shipped(name: &str) -> Option<&'static str> {
    let at = SHIPPED.binary_search_by_key(&name, |(name, _)| name).ok()?;
    SHIPPED.get(at).map(|(_, text)| *text)
}

/// Returns the names of the templates that come with the compiler, in order.
pub fn shipped_names() -> impl Iterator<Item = &'static str> {
    SHIPPED.iter().map(|(name, _)| *name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shipped_template_is_found_by_its_name() {
        for name in shipped_names() {
            assert!(shipped(name).is_some(), "{name}");
        }
        assert_eq!(shipped("prompt"), None);
    }
}
