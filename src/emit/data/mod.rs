//! What templates are given. The names of the fields are those that a template uses.

mod brief;
mod gate;
mod prompt;
mod rule;
mod section;

use serde::Serialize;

use super::phrase::sentence;
use crate::model::Model;

pub(super) use brief::BriefData;
pub(super) use prompt::PromptData;
pub(super) use section::SectionData;

#[derive(Debug, Serialize)]
struct FactoryData {
    name: String,
    description: Option<String>,
}

fn factory(model: &Model) -> FactoryData {
    FactoryData {
        name: model.name.value.clone(),
        description: model.description.as_deref().map(sentence),
    }
}
