//! Built-in gates whose verdict follows from two trees alone, and is kept like that of a command.

use std::{collections::BTreeMap, time::SystemTime};

use super::{
    session::{Session, SessionError},
    verdict::{Outcome, Verdict},
};
use crate::{
    cache::{self, Action, Definition, Digest, Kept, Platform},
    document::SectionSource,
    plan::{Gate, GateKind, Plan},
};

/// Changes with every change of what a built-in looks at or says within one version of factory.
const VERSION: &str = "2";

impl Session<'_> {
    /// Returns what the built-in gate says, or what it said of the same trees before.
    pub(super) async fn kept_gate(
        &mut self,
        name: &str,
        gate: &Gate,
    ) -> Result<Verdict, SessionError> {
        if self.judge.cache.store().is_none() || !self.uses_cache {
            return self.look(gate).await;
        }
        let action = self.kept_action(name, gate).await?;
        let key = action.key();
        let mut notes = Vec::new();
        if let Some(hit) = self.look_up(&key, &mut notes) {
            if let Some(store) = self.judge.cache.store() {
                store.mark_used(&key);
            }
            return Ok(Verdict::replay(hit, notes));
        }
        let started = SystemTime::now();
        let mut verdict = self.look(gate).await?;
        verdict.notes.splice(0..0, notes);
        verdict.key = Some(key);
        self.forget_scans();
        let steady = self.inputs(name).await?.diff(&action.inputs).is_empty()
            && action.inputs.links_elsewhere().is_empty();
        if let (Outcome::Pass, true, Some(store)) =
            (&verdict.outcome, steady, self.judge.cache.store())
        {
            let outcome = cache::Outcome {
                gate: name.to_owned(),
                exit_code: Some(0),
                stdout: verdict.stdout.clone(),
                stderr: verdict.stderr.clone(),
                started,
                duration: started.elapsed().unwrap_or_default(),
            };
            if let Kept::Failed(error) = store.put(&action, &outcome, None) {
                verdict.notes.push(format!("it is not kept: {error}"));
            }
        }
        Ok(verdict)
    }

    /// Returns all that the verdict of a built-in follows from.
    pub(super) async fn kept_action(
        &mut self,
        name: &str,
        gate: &Gate,
    ) -> Result<Action, SessionError> {
        let plan = &self.judge.plan;
        let text = |value: serde_json::Result<String>| value.unwrap_or_default();
        let outputs: Vec<&String> = plan.outputs.keys().collect();
        let options = BTreeMap::from([
            (
                "version".to_owned(),
                format!("{VERSION} {}", env!("CARGO_PKG_VERSION")),
            ),
            (
                "documents".to_owned(),
                text(serde_json::to_string(&plan.documents)),
            ),
            ("outputs".to_owned(), text(serde_json::to_string(&outputs))),
            (
                "scratch".to_owned(),
                text(serde_json::to_string(&plan.workspace.scratch)),
            ),
        ]);
        let definition = Definition {
            kind: "builtin".to_owned(),
            arguments: vec![text(serde_json::to_string(&gate.kind))],
            options,
            ..Definition::default()
        };
        let bench = self.bench().await?;
        let tools = BTreeMap::from([
            ("base".to_owned(), Digest::of(bench.base())),
            ("excludes".to_owned(), Digest::of(bench.excludes())),
        ]);
        Ok(Action {
            definition,
            environment: BTreeMap::new(),
            tools,
            platform: Platform::current(),
            sealed: None,
            inputs: self.inputs(name).await?,
        })
    }

    async fn look(&mut self, gate: &Gate) -> Result<Verdict, SessionError> {
        match &gate.kind {
            GateKind::Consistency { links, mentions } => self.consistency(links, mentions).await,
            GateKind::Docs { covers, by } => self.docs(covers, by).await,
            GateKind::Run { .. } | GateKind::Rollback { .. } => Ok(Verdict::broken(
                "its verdict depends on more than two trees",
            )),
        }
    }
}

/// Returns which files a built-in looks at: all that git does not ignore, and those that managed
/// sections are made from whatever git does with them.
pub(super) fn selection(plan: &Plan) -> cache::InputSelection {
    let sections = plan.documents.iter().flat_map(|(path, sections)| {
        let files = sections.iter().filter_map(|section| match &section.source {
            SectionSource::File { path } => Some(path.as_str()),
            SectionSource::Text { .. } | SectionSource::Files { .. } => None,
        });
        std::iter::once(path.as_str()).chain(files)
    });
    cache::InputSelection {
        named: sections.map(str::to_owned).collect(),
        ..cache::InputSelection::default()
    }
}
