//! The client's built-in tools, and what has to be asked before one is used.

/// What one of the client's tools does, as far as a boundary is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ToolKind {
    /// Touches nothing but the session itself.
    Harmless,
    /// Reads one file.
    ReadFile,
    /// Reads the files of a folder.
    Search,
    /// Lists the names in a folder.
    List,
    /// Changes one file.
    WriteFile,
    /// Runs a shell line.
    Shell,
    /// Speaks to a host.
    Fetch,
    /// Asks a search engine.
    SearchWeb,
    /// Starts another agent.
    Delegate,
    /// Reads from MCP servers beside their tools.
    Server,
}

/// One of the client's tools.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tool {
    /// Its name, as the client spells it.
    pub name: &'static str,
    /// What it does.
    pub kind: ToolKind,
    /// The parameter that says what it is about; empty where none does.
    pub subject: &'static str,
}

/// Returns what is known of the tool `name`; what is not known here is to be refused.
///
/// Left out on purpose: tools that run what no boundary was asked about (skills, other shells, code
/// cells, watchers), leave the folder (worktrees), or act later (schedules).
pub fn tool(name: &str) -> Option<&'static Tool> {
    TOOLS.iter().find(|tool| tool.name == name)
}

/// Returns whether the client has a tool called `name`, or may have it of a server; also one that is not
/// for a role.
pub fn tool_exists(name: &str) -> bool {
    name.starts_with("mcp__") || tool_names().any(|known| known == name)
}

/// Returns the tool that a word of an agent's `tools` names, and whether the word speaks of a part of it.
pub fn parted(word: &str) -> (&str, bool) {
    match word.split_once('(') {
        Some((tool, _)) => (tool.trim(), true),
        None => (word, false),
    }
}

/// Returns the names of all tools that the client has, those under which it knows one from before too.
pub fn tool_names() -> impl Iterator<Item = &'static str> {
    let known = TOOLS.iter().map(|tool| tool.name);
    known.filter(|name| !GONE.contains(name)).chain(OTHERS)
}

// What older clients have, and 2.1.330 offers to nobody who names it.
const GONE: [&str; 4] = ["LS", "MultiEdit", "NotebookRead", "TodoRead"];

// Tools that are real, and that no boundary can be asked about.
const OTHERS: [&str; 31] = [
    "ListAgents",
    "ReportFindings",
    "Skill",
    "SlashCommand",
    "Monitor",
    "PowerShell",
    "REPL",
    "LSP",
    "Workflow",
    "SendMessage",
    "TeamCreate",
    "TeamDelete",
    "EnterWorktree",
    "ExitWorktree",
    "CronCreate",
    "CronDelete",
    "CronList",
    "ScheduleWakeup",
    "PushNotification",
    "RemoteTrigger",
    "DesignSync",
    "Artifact",
    "ArtifactComments",
    "ArtifactData",
    "ArtifactCheck",
    "SendUserMessage",
    "ReadMcpResourceDirTool",
    "WaitForMcpServers",
    "Config",
    "Sleep",
    "Brief",
];

const fn of(name: &'static str, kind: ToolKind, subject: &'static str) -> Tool {
    Tool {
        name,
        kind,
        subject,
    }
}

static TOOLS: &[Tool] = &[
    of("Read", ToolKind::ReadFile, "file_path"),
    of("NotebookRead", ToolKind::ReadFile, "notebook_path"),
    of("Grep", ToolKind::Search, "path"),
    of("Glob", ToolKind::List, "path"),
    of("LS", ToolKind::List, "path"),
    of("Edit", ToolKind::WriteFile, "file_path"),
    of("MultiEdit", ToolKind::WriteFile, "file_path"),
    of("Write", ToolKind::WriteFile, "file_path"),
    of("NotebookEdit", ToolKind::WriteFile, "notebook_path"),
    of("Bash", ToolKind::Shell, "command"),
    of("WebFetch", ToolKind::Fetch, "url"),
    of("WebSearch", ToolKind::SearchWeb, "query"),
    of("Agent", ToolKind::Delegate, "subagent_type"),
    of("Task", ToolKind::Delegate, "subagent_type"),
    of("ListMcpResourcesTool", ToolKind::Server, "server"),
    of("ReadMcpResourceTool", ToolKind::Server, "server"),
    of("StructuredOutput", ToolKind::Harmless, ""),
    of("TodoWrite", ToolKind::Harmless, ""),
    of("TodoRead", ToolKind::Harmless, ""),
    of("TaskCreate", ToolKind::Harmless, ""),
    of("TaskGet", ToolKind::Harmless, ""),
    of("TaskList", ToolKind::Harmless, ""),
    of("TaskUpdate", ToolKind::Harmless, ""),
    of("TaskOutput", ToolKind::Harmless, ""),
    of("TaskStop", ToolKind::Harmless, ""),
    of("BashOutput", ToolKind::Harmless, ""),
    of("KillShell", ToolKind::Harmless, ""),
    of("KillBash", ToolKind::Harmless, ""),
    of("ToolSearch", ToolKind::Harmless, ""),
    of("AskUserQuestion", ToolKind::Harmless, ""),
    of("EnterPlanMode", ToolKind::Harmless, ""),
    of("ExitPlanMode", ToolKind::Harmless, ""),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{GONE, TOOLS, ToolKind, tool, tool_exists};

    #[test]
    fn a_tool_stands_once_and_says_what_it_is_about() {
        let names: BTreeSet<_> = TOOLS.iter().map(|tool| tool.name).collect();
        assert_eq!(names.len(), TOOLS.len());
        for tool in TOOLS {
            assert_eq!(
                tool.subject.is_empty(),
                tool.kind == ToolKind::Harmless,
                "{}",
                tool.name
            );
        }
    }

    #[test]
    fn what_older_clients_had_is_judged_and_does_not_exist() {
        for name in GONE {
            assert!(tool(name).is_some() && !tool_exists(name), "{name}");
        }
        for name in ["ListAgents", "ReportFindings", "KillBash", "Read"] {
            assert!(tool_exists(name), "{name}");
        }
    }

    #[test]
    fn a_tool_is_known_by_its_exact_name_only() {
        assert!(tool("Bash").is_some());
        for name in [
            "bash",
            "Bash ",
            "Skill",
            "Monitor",
            "PowerShell",
            "REPL",
            "",
        ] {
            assert!(tool(name).is_none(), "{name}");
        }
    }
}
