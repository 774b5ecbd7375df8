//! Puts the texts of sections into a document and leaves the rest alone.

use std::ops::Range;

use similar::TextDiff;

use super::{
    markdown::{LineKind, lines_from},
    region::{Document, DocumentError, Region, begin_marker, end_marker, is_marker, slug},
};

/// A section as it is to stand in a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rendered {
    /// The heading, without its `#`s.
    pub title: String,
    /// What stands below the heading, with line feeds.
    pub text: String,
}

/// What happens to a region that someone has edited by hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnEdit {
    /// It stays, and is reported.
    Keep,
    /// It is replaced.
    Overwrite,
}

/// A document with its sections refreshed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refreshed {
    /// The new text.
    pub text: String,
    /// What was done and what was not, regions in document order before added sections in theirs.
    /// A region that was fresh is not named.
    pub changes: Vec<Change>,
}

/// What became of one section or region.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Its text is new.
    Replaced {
        /// The section's title.
        title: String,
    },
    /// It was missing and stands at the end now.
    Added {
        /// The section's title.
        title: String,
    },
    /// Nobody declares it any more, and it is gone.
    Removed {
        /// The name in its markers.
        slug: String,
    },
    /// It was edited by hand and is left as it is.
    Edited {
        /// The section's title.
        title: String,
        /// Where the region stands.
        span: Range<usize>,
        /// From what stands there to what would.
        diff: String,
    },
    /// Nobody declares it any more, but it was edited by hand, and is left as it is.
    Orphaned {
        /// The name in its markers.
        slug: String,
        /// Where the region stands.
        span: Range<usize>,
    },
    /// The document has a heading of the same words that is not ours: the section is left out.
    Taken {
        /// The section's title.
        title: String,
        /// The heading's line.
        span: Range<usize>,
    },
}

impl Change {
    /// Returns whether a person has to decide before the document says what the spec does.
    pub const fn needs_decision(&self) -> bool {
        match self {
            Self::Edited { .. } | Self::Orphaned { .. } => true,
            Self::Replaced { .. }
            | Self::Added { .. }
            | Self::Removed { .. }
            | Self::Taken { .. } => false,
        }
    }
}

/// Puts `sections` into the document `text`; an empty one is a document that does not exist yet.
///
/// A region of a declared section gets its new text where it stands; a missing section is added at
/// the end, in the order given, with one line end before it, unless a heading outside of every region
/// says the same words; a region that nobody declares goes if nobody has edited it, and with it the
/// line end that was added before it. So adding sections and taking them away leaves the document as
/// it was. A region that is fresh keeps its bytes. Every other byte of the document stays: line ends
/// of both kinds, a byte order mark, a missing last line end. An added section has the line ends of
/// the document's first line, a replaced one those of its marker.
///
/// Refreshing twice is refreshing once.
///
/// # Errors
///
/// Where the document's markers make no regions, or the sections can't all stand in one document.
pub fn refresh(
    text: &str,
    sections: &[Rendered],
    on_edit: OnEdit,
) -> Result<Refreshed, DocumentError> {
    let declared = named(sections)?;
    let document = Document::parse(text)?;
    let crlf = has_crlf(text);
    let mut changes = Vec::new();
    let mut regions = Vec::new();
    for region in document.regions() {
        let as_it_is = text.get(region.span.clone()).unwrap_or_default();
        let may_go = region.untouched || on_edit == OnEdit::Overwrite;
        let kept = match declared.iter().find(|(name, _)| *name == region.slug) {
            Some((_, section)) => match replace(text, region, section, may_go) {
                Ok(None) => Some(as_it_is.to_owned()),
                Ok(Some(new)) => {
                    changes.push(Change::Replaced {
                        title: section.title.clone(),
                    });
                    // The marker at the end keeps its bytes, also a missing line end.
                    let end = region.body.end..region.span.end;
                    let end = text.get(end).unwrap_or_default();
                    Some(ended(&new, has_crlf(as_it_is)) + end)
                }
                Err(diff) => {
                    changes.push(Change::Edited {
                        title: section.title.clone(),
                        span: region.span.clone(),
                        diff,
                    });
                    Some(as_it_is.to_owned())
                }
            },
            None if may_go => {
                changes.push(Change::Removed {
                    slug: region.slug.clone(),
                });
                None
            }
            None => {
                changes.push(Change::Orphaned {
                    slug: region.slug.clone(),
                    span: region.span.clone(),
                });
                Some(as_it_is.to_owned())
            }
        };
        regions.push(kept);
    }
    let mut result = joined(&document, regions);
    for (name, section) in &declared {
        if document.region(name).is_some() {
            continue;
        }
        let title = section.title.clone();
        if let Some(span) = heading_outside(&document, &title) {
            changes.push(Change::Taken { title, span });
            continue;
        }
        if ends_open(&result)? {
            return Err(DocumentError::OpenEnd);
        }
        // One line end, whatever stands before: so it is known what goes again with the region.
        if !is_nothing(&result) {
            let as_before = crlf || result.ends_with('\r');
            result.push_str(if as_before { "\r\n" } else { "\n" });
        }
        let body = body_of(section);
        let region = format!(
            "{}\n{body}{}\n",
            begin_marker(name, &body),
            end_marker(name)
        );
        result.push_str(&ended(&region, crlf));
        changes.push(Change::Added { title });
    }
    Ok(Refreshed {
        text: result,
        changes,
    })
}

/// Takes the markers out of the document `text` and leaves what stands between them.
///
/// # Errors
///
/// Where the document's markers make no regions.
pub fn eject(text: &str) -> Result<String, DocumentError> {
    let document = Document::parse(text)?;
    let mut result = String::with_capacity(text.len());
    let mut from = 0;
    for region in document.regions() {
        result.push_str(text.get(from..region.span.start).unwrap_or_default());
        result.push_str(text.get(region.body.clone()).unwrap_or_default());
        from = region.span.end;
    }
    result.push_str(text.get(from..).unwrap_or_default());
    Ok(result)
}

// The document with `regions` in place of its own; nothing for one that goes, and with it the line end
// before it, where a blank line or nothing at all follows.
fn joined(document: &Document<'_>, regions: Vec<Option<String>>) -> String {
    let outside = |span| document.text().get(span).unwrap_or_default();
    let mut outsides: Vec<&str> = document.outside().map(outside).collect();
    let mut behind = outsides.pop().unwrap_or_default().to_owned();
    // From the last to the first: what follows is settled then. The pieces are in that order.
    let mut pieces: Vec<String> = Vec::new();
    for (index, region) in regions.into_iter().enumerate().rev() {
        let before = outsides.pop().unwrap_or_default();
        if let Some(region) = region {
            pieces.push(std::mem::take(&mut behind));
            pieces.push(region);
            before.clone_into(&mut behind);
            continue;
        }
        let ends = behind.is_empty() && pieces.is_empty();
        let blank_above = before.ends_with("\n\n")
            || before.ends_with("\n\r\n")
            || matches!(before, "\n" | "\r\n");
        if index == 0 && is_nothing(before) {
            let first =
                usize::from(behind.starts_with('\n')) + 2 * usize::from(behind.starts_with("\r\n"));
            behind.drain(..first);
        }
        // The blank line between two regions is the second one's.
        let region_follows = !pieces.is_empty() && matches!(behind.as_str(), "\n" | "\r\n");
        let blank_follows = behind.starts_with(['\n', '\r']);
        let before = if ends || region_follows || (blank_above && blank_follows) {
            let kept = before.strip_suffix('\n').unwrap_or(before);
            kept.strip_suffix('\r').unwrap_or(kept)
        } else {
            before
        };
        behind.insert_str(0, before);
    }
    pieces.push(behind);
    pieces.reverse();
    pieces.concat()
}

fn is_nothing(text: &str) -> bool {
    matches!(text, "" | "\u{feff}")
}

fn named(sections: &[Rendered]) -> Result<Vec<(String, &Rendered)>, DocumentError> {
    let mut named: Vec<(String, &Rendered)> = Vec::new();
    for section in sections {
        let name = slug(&section.title);
        if let Some((slug, first)) = named.iter().find(|(known, _)| *known == name) {
            return Err(DocumentError::SameName {
                slug: slug.clone(),
                first: first.title.clone(),
                second: section.title.clone(),
            });
        }
        if body_of(section).lines().any(is_marker) {
            return Err(DocumentError::MarkerInText {
                title: section.title.clone(),
            });
        }
        named.push((name, section));
    }
    Ok(named)
}

// The text between the markers of a section.
fn body_of(section: &Rendered) -> String {
    let words: Vec<_> = section.title.split_whitespace().collect();
    let heading = format!("## {}\n", words.join(" "));
    let text = section.text.replace("\r\n", "\n");
    let text = text.trim_start_matches('\n').trim_end();
    if text.is_empty() {
        heading
    } else {
        format!("{heading}\n{text}\n")
    }
}

// The region's first marker and text as they are to be, nothing if they are; a diff if they may not
// be changed.
fn replace(
    text: &str,
    region: &Region,
    section: &Rendered,
    may_go: bool,
) -> Result<Option<String>, String> {
    let stands = text.get(region.body.clone()).unwrap_or_default();
    let stands = stands.replace("\r\n", "\n");
    let body = body_of(section);
    if stands == body && region.untouched {
        return Ok(None);
    }
    if stands != body && !may_go {
        return Err(TextDiff::from_lines(stands.as_str(), body.as_str())
            .unified_diff()
            .header("edited by hand", "made from the spec")
            .to_string());
    }
    Ok(Some(format!(
        "{}\n{body}",
        begin_marker(&region.slug, &body)
    )))
}

// Whether what is added at the end would be part of a code block or a comment.
fn ends_open(text: &str) -> Result<bool, DocumentError> {
    let tail = Document::parse(text)?
        .outside()
        .last()
        .map_or(0, |outside| outside.start);
    let probe = format!("{text}\n\nprobe");
    Ok(lines_from(&probe, tail)
        .last()
        .is_none_or(|line| line.kind != LineKind::Text))
}

// Whether the first line ends as on Windows.
fn has_crlf(text: &str) -> bool {
    text.split_once('\n')
        .is_some_and(|(first, _)| first.ends_with('\r'))
}

fn ended(text: &str, crlf: bool) -> String {
    if crlf {
        text.replace('\n', "\r\n")
    } else {
        text.to_owned()
    }
}

fn heading_outside(document: &Document<'_>, title: &str) -> Option<Range<usize>> {
    let wanted = words_of(title);
    document.outside().find_map(|outside| {
        let part = document.text().get(..outside.end)?;
        lines_from(part, outside.start)
            .into_iter()
            .find(|line| match line.kind {
                LineKind::Heading { title, .. } => words_of(title) == wanted,
                LineKind::Text
                | LineKind::Blank
                | LineKind::Underline
                | LineKind::Code
                | LineKind::Comment => false,
            })
            .map(|line| line.span.start..line.span.start + line.text.len())
    })
}

// What a heading says, as the name of a section: without its number, the targets of links, comments,
// tags, and a name of its own.
fn words_of(title: &str) -> String {
    let mut text = without(title, "<!--", "-->");
    text = without(&text, "<", ">");
    text = text.replace("](", "]\u{0}(").replace("][", "]\u{0}[");
    text = without(&text, "\u{0}(", ")");
    text = without(&text, "\u{0}[", "]");
    text = without(&text, "{#", "}");
    let text = text.trim_start();
    let number = text.trim_start_matches(|letter: char| letter.is_ascii_digit() || letter == '.');
    let numbered = number.len() < text.len() && text.starts_with(|c: char| c.is_ascii_digit());
    let rest = number.strip_prefix(')').unwrap_or(number);
    let told = text
        .get(..text.len() - rest.len())
        .is_some_and(|lead| lead.contains(['.', ')']));
    let words = rest.trim_start();
    if numbered && told && words.len() < rest.len() && !words.is_empty() {
        slug(words)
    } else {
        slug(text)
    }
}

// The text without what stands from each `open` to the next `close`.
fn without(text: &str, open: &str, close: &str) -> String {
    let mut result = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(open)
        && let Some((_, behind)) = after.split_once(close)
    {
        result.push_str(before);
        rest = behind;
    }
    result.push_str(rest);
    result
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn section(title: &str, text: &str) -> Rendered {
        Rendered {
            title: title.into(),
            text: text.into(),
        }
    }

    fn refreshed(text: &str, sections: &[Rendered]) -> Refreshed {
        refresh(text, sections, OnEdit::Keep).unwrap()
    }

    #[test]
    fn a_document_that_does_not_exist_is_made_of_its_sections() {
        let made = refreshed("", &[section("Key files", "- `a`\n"), section("B", "")]);
        insta::assert_snapshot!(made.text, @r"
        <!-- factory:begin key-files sha256=39ad5d9847b8a8e0 (made by `factory build`: edit its source, not this text) -->
        ## Key files

        - `a`
        <!-- factory:end key-files -->

        <!-- factory:begin b sha256=2dbc72f49fb0f3cb (made by `factory build`: edit its source, not this text) -->
        ## B
        <!-- factory:end b -->
        ");
        assert!(
            refreshed(
                &made.text,
                &[section("Key files", "- `a`"), section("B", "\n")]
            )
            .changes
            .is_empty()
        );
    }

    #[test]
    fn what_is_outside_keeps_its_bytes() {
        for outside in [
            "# Mine\n\ntext",
            "# Mine\r\n\r\ntext\r\n",
            "\u{feff}# Mine\nmixed\r\nends\n",
            "\u{feff}",
            "\n\n\n",
            "no line end\r",
        ] {
            let made = refreshed(outside, &[section("A", "one")]);
            assert!(made.text.starts_with(outside), "{outside:?}");
            let crlf = outside.contains("Mine\r\n");
            assert_eq!(made.text.contains("## A\r\n"), crlf, "{outside:?}");
            // Its author goes on writing behind it.
            let more = format!("{}tail without end", made.text);
            let again = refreshed(&more, &[section("A", "two")]).text;
            assert_eq!(
                again,
                more.replace("one", "two").replace(
                    &begin_marker("a", "## A\n\none\n"),
                    &begin_marker("a", "## A\n\ntwo\n"),
                )
            );
        }
    }

    #[test]
    fn a_hand_edit_is_kept_and_shown() {
        let made = refreshed("", &[section("A", "one\n"), section("B", "x")]).text;
        let edited = made.replace("one", "mine");
        let sections = [section("A", "two\n"), section("B", "y")];
        let kept = refreshed(&edited, &sections);
        assert!(kept.text.contains("mine") && kept.text.contains("\ny\n"));
        let Change::Edited { title, span, diff } = &kept.changes[0] else {
            panic!("{:?}", kept.changes);
        };
        assert_eq!((title.as_str(), span.start), ("A", 0));
        insta::assert_snapshot!(diff, @r"
        --- edited by hand
        +++ made from the spec
        @@ -1,3 +1,3 @@
         ## A
         
        -mine
        +two
        ");
        let forced = refresh(&edited, &sections, OnEdit::Overwrite).unwrap();
        assert!(!forced.text.contains("mine"));
        // An edit that says what the spec says now is none.
        let same = refreshed(&made.replace("one", "two"), &sections);
        assert_eq!(same.changes[0], Change::Replaced { title: "A".into() });
    }

    #[test]
    fn sections_that_come_and_go_leave_the_document_as_it_was() {
        let sections = [section("A", "one"), section("B", ""), section("C", "x")];
        for outside in [
            "",
            "\u{feff}",
            "\n",
            "\n\n",
            "# Mine\n\ntext\n",
            "# Mine\n\ntext\n\n",
            "# Mine\n\ntext without end",
            "# Mine\r\n\r\ntext\r\n",
            "# Mine\r\n\r\ntext",
        ] {
            let made = refreshed(outside, &sections).text;
            assert_eq!(refreshed(&made, &[]).text, outside, "{made:?}");
            // One after the other, the first one first.
            let fewer = refreshed(&made, &sections[1..]).text;
            assert_eq!(fewer, refreshed(outside, &sections[1..]).text);
            assert_eq!(refreshed(&fewer, &[]).text, outside, "{fewer:?}");
        }
        // What its author wrote behind them moves to the top.
        let made = refreshed("", &sections).text;
        for (behind, then) in [("\nmine\n", "mine\n"), ("mine\n", "mine\n")] {
            let more = format!("{made}{behind}");
            assert_eq!(refreshed(&more, &[]).text, then);
        }
        let between = made.replacen("end a -->\n\n", "end a -->\n\nmine\n\n", 1);
        assert_ne!(between, made);
        assert_eq!(refreshed(&between, &[]).text, "mine\n");
    }

    #[test]
    fn what_nobody_declares_goes_unless_it_was_edited() {
        let text = "# Mine\n\ntext\n";
        let made = refreshed(text, &[section("A", "one")]).text;
        let gone = refreshed(&made, &[]);
        assert_eq!(gone.text, text);
        assert_eq!(gone.changes, [Change::Removed { slug: "a".into() }]);
        let edited = made.replace("one", "mine");
        let kept = refreshed(&edited, &[]);
        assert_eq!(kept.text, edited);
        assert!(kept.changes[0].needs_decision());
    }

    #[test]
    fn a_heading_says_the_same_words_however_it_is_written() {
        for (heading, title, then) in [
            ("## 3. Roles", "Roles", true),
            ("## 3.1 Roles", "Roles", true),
            ("## 3) Roles", "Roles", true),
            ("## Roles {#roles}", "Roles", true),
            ("## [Roles](x.md)", "Roles", true),
            ("## [Roles][x]", "Roles", true),
            ("## Roles <!-- mine -->", "Roles", true),
            ("## <a id=\"r\"></a>Roles", "Roles", true),
            ("## `Roles`", "Roles", true),
            ("## **Roles** of all", "Roles of all", true),
            ("## Roles", "1. Roles", true),
            ("## 3 roles", "roles", false),
            ("## Roles (old)", "Roles", false),
            ("## 2.", "2", true),
            ("## a < b", "a b", true),
        ] {
            let made = refreshed(&format!("{heading}\n"), &[section(title, "x")]);
            let taken = matches!(made.changes.as_slice(), [Change::Taken { .. }]);
            assert_eq!(taken, then, "{heading} {title}");
        }
    }

    #[test]
    fn a_heading_of_the_same_words_is_left_to_its_author() {
        let text = "### key FILES ###\nmine\n\n```\n## Code\n```\n";
        let made = refreshed(text, &[section("Key files", "x"), section("Code", "y")]);
        assert_eq!(
            made.changes,
            [
                Change::Taken {
                    title: "Key files".into(),
                    span: 0..17
                },
                Change::Added {
                    title: "Code".into()
                },
            ]
        );
    }

    #[test]
    fn sections_that_cannot_stand_together_are_errors() {
        let twice = [section("A b", ""), section("a  B", "")];
        assert!(matches!(
            refresh("", &twice, OnEdit::Keep),
            Err(DocumentError::SameName { .. })
        ));
        let marker = [section("A", "x\n  <!-- factory:end a -->")];
        assert!(matches!(
            refresh("", &marker, OnEdit::Keep),
            Err(DocumentError::MarkerInText { .. })
        ));
    }

    #[test]
    fn eject_leaves_plain_text() {
        let made = refreshed("# T\r\n", &[section("A", "one")]).text;
        assert_eq!(eject(&made).unwrap(), "# T\r\n\r\n## A\r\n\r\none\r\n");
    }

    proptest! {
        #[test]
        fn refreshing_twice_is_refreshing_once(
            outside in "[-#=`~ab\\r\\n\u{feff} ]{0,30}",
            one in "[-#`~ab \\n]{0,12}",
            two in "[-#`~ab \\n]{0,12}",
        ) {
            let first = [section("A", &one), section("B", &one)];
            let first = match refresh(&outside, &first, OnEdit::Keep) {
                Ok(first) => first.text,
                Err(error) => {
                    prop_assert_eq!(error, DocumentError::OpenEnd);
                    prop_assert!(outside.contains("```") || outside.contains("~~~"));
                    return Ok(());
                }
            };
            prop_assert!(first.starts_with(&outside));
            let second = refreshed(&first, &[section("A", &two), section("B", &one)]);
            let again = refreshed(&second.text, &[section("A", &two), section("B", &one)]);
            prop_assert_eq!(&again.text, &second.text);
            let quiet = again.changes.iter().all(|change| matches!(change, Change::Taken { .. }));
            prop_assert!(quiet);
            prop_assert!(second.text.starts_with(&outside));
            prop_assert_eq!(refreshed(&second.text, &[]).text, outside);
        }
    }
}
