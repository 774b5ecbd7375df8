//! What stands around agents and gates: the programs that are started beside every boundary, what a
//! checkout is given, and what they see of the owner's environment.

use std::{cmp::Ordering, collections::BTreeSet, sync::Arc};

use super::{Comparison, Direction, Version, find, said};
use crate::{
    boundary::{Boundary, Capability, Entry, PathPattern, Shared},
    model::{Copy, CopyFor, Driver, DriverKind, Notify, Server, ServerCommand, Workspace},
};

impl Comparison<'_> {
    /// Adds what is different of how agents are started.
    pub(super) fn driver(&mut self, old: &Driver, new: &Driver) {
        let Driver {
            kind,
            command,
            recordings,
            env,
        } = new;
        if (old.kind, &old.command, &old.recordings) != (*kind, command, recordings) {
            let text = "agents are started as {}, before as {}";
            self.widened(said(text, [&started(new), &started(old)]));
        }
        self.given(("the process of every agent", &[]), &old.env, env);
    }

    // The variables of the owner that something is given or not any more.
    pub(super) fn given<const N: usize>(
        &mut self,
        (whom, named): (&str, &[&str; N]),
        old: &[String],
        new: &[String],
    ) {
        let whom = || said(whom, *named);
        self.names(
            (old, new),
            |name| {
                let text = whom().and(said(" is no longer given your {}", [name]));
                (Direction::Narrowed, text)
            },
            |name| {
                let text = whom().and(said(" is now given your {}", [name]));
                (Direction::Widened, text)
            },
        );
    }

    /// Adds what is different of whom is told of what: with the owner's whole environment.
    pub(super) fn notify(&mut self, old: &[Notify], new: &[Notify]) {
        let commands = |list: &[Notify]| -> Vec<String> {
            let run = |notify: &Notify| {
                let Notify { on: _, run } = notify;
                run.clone()
            };
            list.iter().map(run).collect()
        };
        let (before, after) = (commands(old), commands(new));
        self.names(
            (&before, &after),
            |run| {
                (
                    Direction::Narrowed,
                    said("{} no longer tells of anything", [run]),
                )
            },
            |run| {
                let text = "{} is now run with your environment, to tell of tasks";
                (Direction::Widened, said(text, [run]))
            },
        );
        for run in after.iter().filter(|run| before.contains(run)) {
            let told = |list: &[Notify]| {
                let these = list.iter().filter(|notify| notify.run == *run);
                let mut on: Vec<_> = these.flat_map(|notify| notify.on.clone()).collect();
                on.sort();
                on.dedup();
                on
            };
            if told(old) != told(new) {
                self.changed(said("of what {} tells", [run]));
            }
        }
    }

    /// Adds what is different of the servers. Each is a program beside every boundary, started wherever
    /// the project is opened.
    pub(super) fn servers(&mut self) {
        let (old, new) = (self.old.model, self.new.model);
        for server in &new.servers {
            // Whose the entry in the client's file is changes nothing of what is started.
            let Server {
                name,
                keep: _,
                start,
            } = server;
            let ServerCommand { command, env } = start;
            let name = name.value.as_str();
            let line = command.join(" ");
            match find(&old.servers, name, |server| &server.name) {
                None => {
                    self.widened(said("the server {} is new: it starts {}", [name, &line]));
                    self.given(("the server {}", &[name]), &[], env);
                }
                Some(known) => {
                    let before = &known.start;
                    if before.command != *command {
                        let text = "the server {} starts {}, before {}";
                        self.widened(said(text, [name, &line, &before.command.join(" ")]));
                    }
                    self.given(("the server {}", &[name]), &before.env, env);
                }
            }
        }
        for server in &old.servers {
            let name = &server.name.value;
            if find(&new.servers, name, |server| &server.name).is_none() {
                self.narrowed(said("the server {} is gone", [name]));
            }
        }
    }

    /// Adds what is different of what a checkout is given. Gates run in it too, so what prepares it may
    /// change what they find.
    pub(super) fn workspace(&mut self, old: &Workspace, new: &Workspace) {
        let Workspace {
            setup,
            scratch,
            copy,
            env,
        } = new;
        self.names(
            (&old.setup, setup),
            |line| {
                (
                    Direction::Changed,
                    said("{} no longer sets a checkout up", [line]),
                )
            },
            |line| {
                let text = "{} now sets every checkout up, those of gates too";
                (Direction::Widened, said(text, [line]))
            },
        );
        let kept = |these: &[String], others: &[String]| -> Vec<String> {
            let kept = these.iter().filter(|line| others.contains(line));
            kept.cloned().collect()
        };
        if kept(&old.setup, setup) != kept(setup, &old.setup) {
            self.changed(said("the order in which a checkout is set up", []));
        }
        self.scratch(&old.scratch, scratch);
        self.copies(&old.copy, copy);
        for (name, value) in env
            .iter()
            .filter(|(name, value)| old.env.get(*name) != Some(value))
        {
            let text = "{} is {} in every checkout, those of gates too";
            self.widened(said(text, [name, value]));
        }
        for name in old.env.keys().filter(|name| !env.contains_key(*name)) {
            self.changed(said("{} is no longer set in a checkout", [name]));
        }
    }

    // What every role may write, but for what no role may.
    fn scratch(&mut self, old: &[Entry<PathPattern>], new: &[Entry<PathPattern>]) {
        let written = |version: Version<'_>, scratch: &[Entry<PathPattern>]| {
            let mut boundary = Boundary::default();
            boundary.write.may = scratch.to_vec();
            let protected = Shared::new(version.model.protected.entries());
            boundary.write.never.share(Arc::new(protected));
            boundary
        };
        let (before, after) = (written(self.old, old), written(self.new, new));
        match after.beyond(&before, Capability::Write) {
            Ok(Some(path)) => {
                let text = "every role may now write {}, which never lands";
                self.widened(said(text, [&path]));
            }
            Ok(None) => {}
            Err(error) => {
                let text = format!("what every role may write, and never lands, changed: {error}");
                self.widened(said(&text, []));
            }
        }
        if let Ok(Some(path)) = before.beyond(&after, Capability::Write) {
            let text = "{} is no longer everyone's to write";
            self.narrowed(said(text, [&path]));
        }
    }

    fn copies(&mut self, old: &[Copy], new: &[Copy]) {
        // How many are given a file: nobody, gates, or agents too.
        let given = |list: &[Copy], path: &str| -> usize {
            let these = list.iter().map(|copy| {
                let Copy {
                    path: known,
                    for_whom,
                } = copy;
                match for_whom {
                    _ if known != path => 0,
                    CopyFor::Gates => 1,
                    CopyFor::Agents => 2,
                }
            });
            these.max().unwrap_or_default()
        };
        let paths: BTreeSet<&String> = old.iter().chain(new).map(|copy| &copy.path).collect();
        for path in paths {
            let (before, after) = (given(old, path), given(new, path));
            let (direction, now) = match after.cmp(&before) {
                Ordering::Greater => (Direction::Widened, "now"),
                Ordering::Less => (Direction::Narrowed, "no longer"),
                Ordering::Equal => continue,
            };
            let whom = if before.max(after) == 2 {
                "agents"
            } else {
                "gates"
            };
            let text = format!("{whom} are {now} given {{}}");
            self.add(direction, said(&text, [path]));
        }
    }
}

fn started(driver: &Driver) -> String {
    let kind = match driver.kind {
        DriverKind::ClaudeCode => "claude-code",
        DriverKind::Command => "command",
        DriverKind::Replay => "replay",
    };
    let mut words = vec![kind];
    words.extend(driver.command.iter().map(String::as_str));
    words.extend(driver.recordings.as_deref());
    words.join(" ")
}
