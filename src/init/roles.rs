//! The fifteen roles that come with the compiler, and what each of them needs.

/// The model that a role runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tier {
    /// For work where a mistake is expensive.
    Opus,
    /// For everything else.
    Sonnet,
}

/// What judges the work of a role.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Judged {
    /// Nothing: the role writes nothing.
    No,
    /// It writes texts, whose links must lead somewhere.
    Author,
    /// It writes what runs.
    Maker,
}

/// A role that comes with the compiler.
#[derive(Debug)]
pub struct ShippedRole {
    /// Its name.
    pub name: &'static str,
    /// What people call it.
    pub title: &'static str,
    /// When to ask it.
    pub description: &'static str,
    /// Its model.
    pub tier: Tier,
    /// Its own text.
    pub prompt: &'static str,
    pub(super) judged: Judged,
    // Patterns, and `@sets` of the generated spec.
    pub(super) write: &'static [&'static str],
    pub(super) run: &'static [&'static str],
    pub(super) reach: &'static [&'static str],
}

/// The rules for everyone.
pub const PREAMBLE: &str = include_str!("../../roles/_preamble.md");

macro_rules! role {
    ($name:literal, $title:literal, $tier:ident, $judged:ident, $description:literal,
     write $write:expr, run $run:expr, reach $reach:expr) => {
        ShippedRole {
            name: $name,
            title: $title,
            description: $description,
            tier: Tier::$tier,
            prompt: include_str!(concat!("../../roles/", $name, ".md")),
            judged: Judged::$judged,
            write: &$write,
            run: &$run,
            reach: &$reach,
        }
    };
}

/// The roles, in the order in which a spec declares them.
pub static ROLES: [ShippedRole; 15] = [
    role!(
        "ceo", "CEO/Orchestrator", Sonnet, No,
        "Turns a wish into a task, delegates it, reviews what comes back, reports to the owner",
        write [], run [], reach []
    ),
    role!(
        "builder", "Builder", Opus, Maker,
        "Writes application code and its tests",
        write ["@source", "@tests", "@docs"], run ["@toolchain"], reach []
    ),
    role!(
        "qa", "QA Tester", Sonnet, Author,
        "Uses the product in a real browser, tries to make it fail, and gives a verdict",
        write ["reports/qa/**"], run ["@checks"], reach []
    ),
    role!(
        "devops", "DevOps", Sonnet, Maker,
        "Deployment, pipelines, servers, recovery",
        write ["@operations"], run ["@deploy"], reach []
    ),
    role!(
        "researcher", "Product Researcher", Sonnet, Author,
        "Market, competitors, jobs to be done, and how sure that is",
        write ["docs/research/**"], run [], reach ["*"]
    ),
    role!(
        "seo", "SEO Specialist", Sonnet, Author,
        "Crawling, indexing, ranking; moves of public addresses",
        write ["docs/seo/**"], run [], reach ["*"]
    ),
    role!(
        "landing-builder", "Landing Builder", Sonnet, Maker,
        "Pages with one audience, one promise, one action",
        write ["@pages", "@docs"], run ["@toolchain"], reach []
    ),
    role!(
        "cto", "CTO", Opus, Author,
        "Decisions that are hard to reverse, structure, technical debt",
        write ["docs/decisions/**", "@architecture"], run [], reach []
    ),
    role!(
        "senior-ruby", "Senior Ruby", Opus, Maker,
        "Rails code in which a mistake is expensive: large tables, concurrency, money",
        write ["@source", "@tests", "@docs"], run ["@toolchain"], reach []
    ),
    role!(
        "content-writer", "Content Writer", Sonnet, Author,
        "Words that let a reader act: interface, help, mail, articles",
        write ["@docs"], run [], reach []
    ),
    role!(
        "data-analyst", "Data Analyst", Sonnet, Author,
        "Questions about use, funnels, and experiments, answered with numbers",
        write ["reports/data/**"], run [], reach []
    ),
    role!(
        "designer", "Designer", Sonnet, Author,
        "Flows and screens in every state, precise enough to build",
        write ["docs/design/**"], run [], reach []
    ),
    role!(
        "security-auditor", "Security Auditor", Sonnet, Author,
        "Ways to make the system do what it should not, proven and ranked",
        write ["reports/security/**"], run ["@checks", "@audits"], reach []
    ),
    role!(
        "performance-engineer", "Performance Engineer", Sonnet, Author,
        "Measured slowness, its cause, and what a cure is worth",
        write ["reports/performance/**"], run ["@checks", "@benchmarks"], reach []
    ),
    role!(
        "transcriber", "Transcriber", Sonnet, Author,
        "Recordings turned into text and subtitles",
        write ["transcripts/**"], run ["ffmpeg *", "ffprobe *", "whisper *"], reach []
    ),
];

/// Returns the role called `name`.
pub fn role(name: &str) -> Option<&'static ShippedRole> {
    ROLES.iter().find(|role| role.name == name)
}
