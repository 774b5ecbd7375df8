//! docs/language.md is made from the grammar table.

use std::fs;

use factory::spec::grammar::{ROOT, language};

#[test]
fn the_reference_is_what_the_parser_reads() {
    let path = "docs/language.md";
    let fresh = language();
    if std::env::var_os("FACTORY_WRITE_DOCS").is_some() {
        fs::write(path, &fresh).unwrap();
    }
    let written = fs::read_to_string(path).unwrap_or_default();
    assert!(
        written == fresh,
        "{path} is stale: FACTORY_WRITE_DOCS=1 cargo test --test language"
    );
}

#[test]
fn every_node_says_what_it_is_for() {
    ROOT.walk(&mut |within, node| {
        assert!(
            node.doc.ends_with('.'),
            "{within:?} {}: the doc is a sentence",
            node.name
        );
        for prop in node.props {
            assert!(
                prop.doc.ends_with('.'),
                "{} {}: the doc is a sentence",
                node.name,
                prop.name
            );
        }
    });
}
