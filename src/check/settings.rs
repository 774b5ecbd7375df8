//! The levels that the user sets for lints.

use miette::{Diagnostic, SourceSpan};
use thiserror::Error;

use super::lints;
use crate::{
    diagnostics::{Findings, Level},
    model::{LintLevel, Model},
    spec::nearest,
};

#[derive(Debug, Error, Diagnostic)]
enum SettingError {
    #[error("no lint called `{code}`")]
    #[diagnostic(code("factory::lint::unknown-code"), help("{help}"))]
    UnknownCode {
        code: String,
        help: String,
        #[label("not the code of a lint")]
        span: SourceSpan,
    },
    #[error("lint `{code}` guards a boundary and can't be turned {to}")]
    #[diagnostic(
        code("factory::lint::safety-off"),
        help("mend what it finds, or make it a warning: `level=\"warning\"`")
    )]
    SafetyOff {
        code: String,
        to: &'static str,
        #[label("turned {to} here")]
        span: SourceSpan,
    },
    #[error("the level of lint `{code}` is set twice")]
    #[diagnostic(code("factory::lint::set-twice"), help("keep one of them"))]
    SetTwice {
        code: String,
        #[label(primary, "set again here")]
        span: SourceSpan,
        #[label("first set here")]
        first: SourceSpan,
    },
}

/// Reports settings that name no lint, turn one off or into advice that guards a boundary, or stand twice.
pub(super) fn check(model: &Model, findings: &mut Findings) {
    list(&model.lints, findings);
    for role in &model.roles {
        list(&role.lints, findings);
    }
}

fn list(settings: &[LintLevel], findings: &mut Findings) {
    for (at, set) in settings.iter().enumerate() {
        let code = set.code.value.clone();
        let span = set.code.span.into();
        let mut earlier = settings.iter().take(at);
        if let Some(first) = earlier.find(|first| first.code.value == code) {
            let first = first.code.span.into();
            findings.add(SettingError::SetTwice { code, span, first });
            continue;
        }
        match lints::all().find(|lint| lint.code == code) {
            None => {
                let help = help(&code);
                findings.add(SettingError::UnknownCode { code, help, span });
            }
            Some(lint) if lint.safety && set.level.value < Level::Warning => {
                let span = set.level.span.into();
                let to = match set.level.value {
                    Level::Off => "off",
                    Level::Advice | Level::Warning | Level::Error => "into advice",
                };
                findings.add(SettingError::SafetyOff { code, to, span });
            }
            Some(_) => {}
        }
    }
}

fn help(code: &str) -> String {
    let known = || lints::all().map(|lint| lint.code);
    let short = |code: &'static str| code.rsplit("::").next().unwrap_or(code);
    let near = known()
        .find(|known| short(known) == code)
        .or_else(|| nearest(code, known()))
        .or_else(|| {
            let near = nearest(code.rsplit("::").next()?, known().map(short))?;
            known().find(|known| short(known) == near)
        });
    near.map_or_else(
        || "`factory explain` lists the codes; only those of lints can be set".to_owned(),
        |near| format!("did you mean `{near}`?"),
    )
}
