const CASES: &[Case] = &[
    // The factory.
    Case {
        edits: &[(r#"factory "shop""#, r#"factory "store""#)],
        there: &["~ the factory is called `store`, before `shop`"],
        back: &["~ the factory is called `shop`, before `store`"],
    },
    Case {
        edits: &[(r#"description "A shop""#, r#"description "A store""#)],
        there: &["~ the description of the factory"],
        back: &["~ the description of the factory"],
    },
    Case {
        edits: &[("    preamble \"roles/_preamble.md\"\n", "")],
        there: &["+ the preamble, which was in every prompt, is gone"],
        back: &["~ the preamble is new, and in every prompt"],
    },
    Case {
        edits: &[("roles/_preamble.md", "Other words.\n")],
        there: &["~ the preamble, which is in every prompt"],
        back: &["~ the preamble, which is in every prompt"],
    },
    Case {
        edits: &[("roles/_preamble.md", "\n")],
        there: &["+ the preamble, which was in every prompt, is gone"],
        back: &["~ the preamble is new, and in every prompt"],
    },
    Case {
        edits: &[(r#"planner "c""#, r#"planner "q""#)],
        there: &["+ `q` now turns sentences into tasks, and rules leave that aside; before it was `c`"],
        back: &["+ `c` now turns sentences into tasks, and rules leave that aside; before it was `q`"],
    },
    Case {
        edits: &[("    planner \"c\"\n", "")],
        there: &["- `c` no longer turns sentences into tasks"],
        back: &["+ `c` now turns sentences into tasks, and rules leave that aside"],
    },
    Case {
        edits: &[(r#"target "claude-code""#, r#"target "agents-md""#)],
        there: &["+ no client asks the guard any more: where a person's client runs a role, its boundary is words", "~ files are now written for `agents-md`, whose clients have a boundary as words alone", "~ nothing is written for `claude-code` any more"],
        back: &["- where a person's client runs a role, it now asks the guard", "~ files are now written for `claude-code`", "~ nothing is written for `agents-md` any more"],
    },
    Case {
        edits: &[(r#"target "claude-code""#, "target \"claude-code\"\n    target \"agents-md\"")],
        there: &["~ files are now written for `agents-md`, whose clients have a boundary as words alone"],
        back: &["~ nothing is written for `agents-md` any more"],
    },
    Case {
        edits: &[(r#"driver "claude-code" { env "CLIENT_KEY"; }"#, r#"driver "command" { command "bin/agent"; env "CLIENT_KEY"; }"#)],
        there: &["+ agents are started as `command bin/agent`, before as `claude-code`"],
        back: &["+ agents are started as `claude-code`, before as `command bin/agent`"],
    },
    Case {
        edits: &[(r#"env "CLIENT_KEY""#, r#"env "CLIENT_KEY" "AWS_SECRET""#)],
        there: &["+ the process of every agent is now given your `AWS_SECRET`"],
        back: &["- the process of every agent is no longer given your `AWS_SECRET`"],
    },
    Case {
        edits: &[("jobs 2", "jobs 4")],
        there: &["~ up to 4 steps run at the same time, before 2"],
        back: &["~ up to 2 steps run at the same time, before 4"],
    },
    Case {
        edits: &[(r#"stop attempts=2 usd="5.00" wall="30m""#, r#"stop attempts=20 usd="500.00" wall="30m""#)],
        there: &["+ `c`, `q`, `adopted` may try 20 times instead of 2", "+ every role may spend `$500.00` instead of `$5.00`"],
        back: &["- `c`, `q`, `adopted` may try 2 times instead of 20", "- every role may spend `$5.00` instead of `$500.00`"],
    },
    Case {
        edits: &[("stop attempts=3", r#"stop attempts=9 wall="5m""#)],
        there: &["+ `a` may try 9 times instead of 3", "- `a` may work 300 seconds an attempt instead of 1800"],
        back: &["+ `a` may work 1800 seconds an attempt instead of 300", "- `a` may try 3 times instead of 9"],
    },
    Case {
        edits: &[("    notify \"failed\" { run \"bin/tell\"; }\n", "")],
        there: &["- `bin/tell` no longer tells of anything"],
        back: &["+ `bin/tell` is now run with your environment, to tell of tasks"],
    },
    Case {
        edits: &[(r#"run "bin/tell""#, r#"run "bin/other""#)],
        there: &["+ `bin/other` is now run with your environment, to tell of tasks", "- `bin/tell` no longer tells of anything"],
        back: &["+ `bin/tell` is now run with your environment, to tell of tasks", "- `bin/other` no longer tells of anything"],
    },
    Case {
        edits: &[(r#"notify "failed""#, r#"notify "failed" "waiting""#)],
        there: &["~ of what `bin/tell` tells"],
        back: &["~ of what `bin/tell` tells"],
    },
    Case {
        edits: &[("    hold in=\"exec\" { write \"rejected\"; }\n", "")],
        there: &["+ it is no longer asked that write of every role be rejected at least in exec"],
        back: &["- it is now asked that write of every role be rejected at least in exec"],
    },
    Case {
        edits: &[(r#"hold in="exec" { write "rejected"; }"#, r#"hold in="exec" { write "guarded"; }"#)],
        there: &["+ it is no longer asked that write of every role be rejected at least in exec"],
        back: &["- it is now asked that write of every role be rejected at least in exec"],
    },
    Case {
        edits: &[("    hold in=\"exec\" { env \"prevented\"; }\n", "")],
        there: &["+ it is no longer asked that env of `a` be prevented at least in exec"],
        back: &["- it is now asked that env of `a` be prevented at least in exec"],
    },
    Case {
        edits: &[(r#"hold in="exec" { write "rejected"; }"#, r#"hold { write "guarded"; }"#)],
        there: &["+ it is no longer asked that write of every role be rejected at least in exec", "- it is now asked that write of every role be guarded at least"],
        back: &["+ it is no longer asked that write of every role be guarded at least", "- it is now asked that write of every role be rejected at least in exec"],
    },
    Case {
        edits: &[(r#"trust "bin/test *" "git *" because="The gates look""#, r#"trust "bin/test *" "git *" "make *" because="Others look""#)],
        there: &["+ the rule `Two hands` now trusts `make *`"],
        back: &["- the rule `Two hands` no longer trusts `make *`"],
    },
    Case {
        edits: &[(r#"hold in="exec" { env "prevented"; }"#, r#"hold in="exec" platform="linux" { env "prevented"; }"#)],
        there: &["+ it is no longer asked that env of `a` be prevented at least in exec"],
        back: &["- it is now asked that env of `a` be prevented at least in exec"],
    },
    Case {
        edits: &[(r#"level="advice" because="Known""#, r#"level="off" because="Known""#)],
        there: &["+ the lint `factory::path::root-only` is off, before advice"],
        back: &["- the lint `factory::path::root-only` is advice, before off"],
    },
    Case {
        edits: &[(r#"level="advice" because="Known""#, r#"level="error" because="Known""#)],
        there: &["- the lint `factory::path::root-only` is error, before advice"],
        back: &["+ the lint `factory::path::root-only` is advice, before error"],
    },
    Case {
        edits: &[("    lint \"factory::path::root-only\" level=\"advice\" because=\"Known\"\n", "")],
        there: &["- the lint `factory::path::root-only` is warning, before advice"],
        back: &["+ the lint `factory::path::root-only` is advice, before warning"],
    },
    Case {
        edits: &[("    lint \"factory::role::boundless-grant\" level=\"error\" because=\"Strict\"\n", "")],
        there: &["+ the lint `factory::role::boundless-grant` for `q` is warning, before error"],
        back: &["- the lint `factory::role::boundless-grant` for `q` is error, before warning"],
    },
    Case {
        edits: &[(r#"input="3.00" output="15.00""#, r#"input="1.00" output="15.00""#)],
        there: &["+ a budget counts `claude-sonnet-5-5` for less than before"],
        back: &["- a budget counts `claude-sonnet-5-5` for more than before"],
    },
    Case {
        edits: &[(r#" { price input="3.00" output="15.00"; }"#, "")],
        there: &["+ a budget counts `claude-sonnet-5-5` for less than before"],
        back: &["- a budget counts `claude-sonnet-5-5` for more than before"],
    },
    Case {
        edits: &[(r#"model "m" id="claude-sonnet-5-5""#, r#"model "m" id="claude-sonnet-5-6""#)],
        there: &["~ `a` runs on `claude-sonnet-5-6`, before on `claude-sonnet-5-5`", "~ `adopted` runs on `claude-sonnet-5-6`, before on `claude-sonnet-5-5`", "~ `c` runs on `claude-sonnet-5-6`, before on `claude-sonnet-5-5`", "~ `q` runs on `claude-sonnet-5-6`, before on `claude-sonnet-5-5`"],
        back: &["~ `a` runs on `claude-sonnet-5-5`, before on `claude-sonnet-5-6`", "~ `adopted` runs on `claude-sonnet-5-5`, before on `claude-sonnet-5-6`", "~ `c` runs on `claude-sonnet-5-5`, before on `claude-sonnet-5-6`", "~ `q` runs on `claude-sonnet-5-5`, before on `claude-sonnet-5-6`"],
    },
    Case {
        edits: &[(r#"has "app/a"; "#, "")],
        there: &["+ that `app/a` is in the set `source` is no longer tested"],
        back: &["- that `app/a` is in the set `source` is now tested"],
    },
    Case {
        edits: &[(r#" lacks "docs/a";"#, "")],
        there: &["+ that `docs/a` is not in the set `source` is no longer tested"],
        back: &["- that `docs/a` is not in the set `source` is now tested"],
    },
    // Servers, and what stands around agents.
    Case {
        edits: &[(r#"server "browser""#, "server \"tracker\" { command \"npx\" \"tracker@1.0.0\"; env \"TOKEN\"; }\nserver \"browser\"")],
        there: &["+ the server `tracker` is new: it starts `npx tracker@1.0.0`", "+ the server `tracker` is now given your `TOKEN`"],
        back: &["- the server `tracker` is gone"],
    },
    Case {
        edits: &[("browser@1.2.3", "browser@1.2.4")],
        there: &["+ the server `browser` starts `npx browser@1.2.4`, before `npx browser@1.2.3`"],
        back: &["+ the server `browser` starts `npx browser@1.2.3`, before `npx browser@1.2.4`"],
    },
    Case {
        edits: &[(r#"env "BROWSER_HOME""#, r#"env "BROWSER_HOME" "AWS_SECRET""#)],
        there: &["+ the server `browser` is now given your `AWS_SECRET`"],
        back: &["- the server `browser` is no longer given your `AWS_SECRET`"],
    },
    Case {
        edits: &[(r#"setup "bin/setup" "bin/seed""#, r#"setup "bin/setup" "bin/other""#)],
        there: &["+ `bin/other` now sets every checkout up, those of gates too", "~ `bin/seed` no longer sets a checkout up"],
        back: &["+ `bin/seed` now sets every checkout up, those of gates too", "~ `bin/other` no longer sets a checkout up"],
    },
    Case {
        edits: &[(r#"setup "bin/setup" "bin/seed""#, r#"setup "bin/seed" "bin/setup""#)],
        there: &["~ the order in which a checkout is set up"],
        back: &["~ the order in which a checkout is set up"],
    },
    Case {
        edits: &[(r#"setup "bin/setup" "bin/seed""#, r#"setup "bin/setup""#)],
        there: &["~ `bin/seed` no longer sets a checkout up"],
        back: &["+ `bin/seed` now sets every checkout up, those of gates too"],
    },
    Case {
        edits: &[(r#"scratch "log/**""#, r#"scratch "log/**" "tmp/**""#)],
        there: &["+ every role may now write `tmp/a`, which never lands"],
        back: &["- `tmp/a` is no longer everyone's to write"],
    },
    Case {
        edits: &[(r#"scratch "log/**""#, r#"scratch "log/**" "log/a""#)],
        there: &[],
        back: &[],
    },
    Case {
        edits: &[(r#"copy "config/master.key" for="gates""#, r#"copy "config/master.key" for="agents""#)],
        there: &["+ agents are now given `config/master.key`"],
        back: &["- agents are no longer given `config/master.key`"],
    },
    Case {
        edits: &[("    copy \"config/master.key\" for=\"gates\"\n", "")],
        there: &["- gates are no longer given `config/master.key`"],
        back: &["+ gates are now given `config/master.key`"],
    },
    Case {
        edits: &[(r#"env "MODE" value="test""#, r#"env "MODE" value="fast""#)],
        there: &["+ `MODE` is `fast` in every checkout, those of gates too"],
        back: &["+ `MODE` is `test` in every checkout, those of gates too"],
    },
    Case {
        edits: &[("    env \"MODE\" value=\"test\"\n", "")],
        there: &["~ `MODE` is no longer set in a checkout"],
        back: &["+ `MODE` is `test` in every checkout, those of gates too"],
    },
    // Gates.
    Case {
        edits: &[(r#"gate "g0""#, "gate \"more\" { run \"bin/more\"; env \"TOKEN\"; }\ngate \"g0\"")],
        there: &["~ the gate `more` is new", "~ the gate `more` is now given your `TOKEN`"],
        back: &["~ the gate `more` is gone"],
    },
    Case {
        edits: &[(r#"gate "g0""#, "gate \"more\" { run \"bin/more\"; env \"TOKEN\"; }\ngate \"g0\""), (r#"gates "g0" "names""#, r#"gates "g0" "more" "names""#)],
        there: &["+ the gate `more` is now given your `TOKEN`", "- gate `more` now judges `a`", "- the gate `more` is new"],
        back: &["+ gate `more` no longer judges `a`", "+ the gate `more` is gone"],
    },
    Case {
        edits: &[("gate \"idle\"  { run \"bin/idle\"; }\n", "")],
        there: &["~ the gate `idle` is gone"],
        back: &["~ the gate `idle` is new"],
    },
    Case {
        edits: &[(r#"run "bin/idle""#, r#"run "true"; env "TOKEN""#)],
        there: &["~ the gate `idle` is now given your `TOKEN`", "~ the gate `idle` runs `true`, before `bin/idle`"],
        back: &["~ the gate `idle` no longer sees your `TOKEN`", "~ the gate `idle` runs `bin/idle`, before `true`"],
    },
    Case {
        edits: &[(r#"gates "g0" "names" "docs" "back""#, r#"gates "g0" "names" "docs""#)],
        there: &["+ gate `back` no longer judges `a`"],
        back: &["- gate `back` now judges `a`"],
    },
    Case {
        edits: &[(r#"run "bin/check""#, r#"run "true""#)],
        there: &["+ the gate `g0` runs `true`, before `bin/check`"],
        back: &["+ the gate `g0` runs `bin/check`, before `true`"],
    },
    Case {
        edits: &[(r#"inputs "app/**" "bin/**""#, r#"inputs "app/**""#)],
        there: &["+ the gate `g0` no longer runs again where `bin/a` changes"],
        back: &["- the gate `g0` now runs again where `bin/a` changes"],
    },
    Case {
        edits: &[("    inputs \"app/**\" \"bin/**\"\n", "")],
        there: &["- the gate `g0` now runs again where `a` changes"],
        back: &["+ the gate `g0` no longer runs again where `a` changes"],
    },
    Case {
        edits: &[(r#"inputs "app/**" "bin/**""#, r#"inputs "bin/**" "app/**" "app/a""#)],
        there: &["~ the gate `g0` names its inputs in another way"],
        back: &["~ the gate `g0` names its inputs in another way"],
    },
    Case {
        edits: &[(r#"outputs "coverage/**""#, r#"outputs "dist/**""#)],
        there: &["~ the gate `g0` no longer keeps `coverage/a`", "~ the gate `g0` now keeps `dist/a`"],
        back: &["~ the gate `g0` no longer keeps `dist/a`", "~ the gate `g0` now keeps `coverage/a`"],
    },
    Case {
        edits: &[("    env \"RAILS_ENV\"\n", "    env \"RAILS_*\"\n")],
        there: &["+ the gate `g0` is now given your `RAILS_A`"],
        back: &["~ the gate `g0` no longer sees your `RAILS_A`"],
    },
    Case {
        edits: &[("    tool \"ruby --version\"\n", "")],
        there: &["+ the gate `g0` no longer goes by what `ruby --version` says"],
        back: &["- the gate `g0` now goes by what `ruby --version` says"],
    },
    Case {
        edits: &[("    sealed \"bin/check\"\n", ""), (r#"run "bin/check""#, "run \"bin/check\"\n    title \"Check\"")],
        there: &["+ the gate `g0` no longer seals `bin/check`", "~ the gate `g0` has the title `Check`, before `g0`"],
        back: &["- the gate `g0` now seals `bin/check`", "~ the gate `g0` has the title `g0`, before `Check`"],
    },
    Case {
        edits: &[(r#"sealed "bin/check""#, r#"sealed "bin/**""#)],
        there: &["- the gate `g0` now seals `bin/a`"],
        back: &["+ the gate `g0` no longer seals `bin/a`"],
    },
    Case {
        edits: &[("    external \"postgres\"\n", "")],
        there: &["+ the gate `g0` no longer depends on `postgres`, beside files"],
        back: &["- the gate `g0` now depends on `postgres`, beside files"],
    },
    Case {
        edits: &[(r#"external "postgres""#, r#"external "postgres" key="date""#)],
        there: &["+ the gate `g0` keeps its pass by another state of `postgres`"],
        back: &["- the gate `g0` now runs always, as it depends on `postgres`"],
    },
    Case {
        edits: &[(r#"external "postgres""#, r#"external "mysql""#)],
        there: &["~ on what the gate `g0` depends is called `mysql`"],
        back: &["~ on what the gate `g0` depends is called `postgres`"],
    },
    Case {
        edits: &[(r#"timeout "5m""#, r#"timeout "9m""#)],
        there: &["~ the gate `g0` may take 540 seconds, before 300"],
        back: &["~ the gate `g0` may take 300 seconds, before 540"],
    },
    Case {
        edits: &[(r#"links "**/*.md""#, r#"links "docs/**""#)],
        there: &["+ the gate `names` no longer reads `a.md`", "- the gate `names` now reads `docs/a`"],
        back: &["+ the gate `names` no longer reads `docs/a`", "- the gate `names` now reads `a.md`"],
    },
    Case {
        edits: &[(r#"mention "app/**""#, r#"mention "app/*""#)],
        there: &["+ the gate `names` no longer asks that `docs/a.md` mentions `app/a/a`"],
        back: &["- the gate `names` now asks that `docs/a.md` mentions `app/a/a`"],
    },
    Case {
        edits: &[(r#"covers "app/**""#, r#"covers "app/*.rb""#)],
        there: &["+ the gate `docs` no longer asks that a change of `app/a` is documented"],
        back: &["- the gate `docs` now asks that a change of `app/a` is documented"],
    },
    Case {
        edits: &[(r#"by "docs/**""#, r#"by "docs/**" "app/**""#)],
        there: &["+ the gate `docs` now takes a change of `app/a` for documentation"],
        back: &["- the gate `docs` no longer takes a change of `app/a` for documentation"],
    },
    Case {
        edits: &[(r#"undo "bin/undo"; "#, "")],
        there: &["+ the gate `back` no longer undoes with `bin/undo`"],
        back: &["- the gate `back` now undoes with `bin/undo`"],
    },
    Case {
        edits: &[(r#"undo "bin/undo""#, r#"undo "true""#)],
        there: &["+ the gate `back` undoes with `true`, before with `bin/undo`"],
        back: &["+ the gate `back` undoes with `bin/undo`, before with `true`"],
    },
    Case {
        edits: &[(r#" passes "g0";"#, "")],
        there: &["+ the gate `back` no longer asks that `g0` passes without the change"],
        back: &["- the gate `back` now asks that `g0` passes without the change"],
    },
    Case {
        edits: &[(r#"builtin="docs"        { covers "app/**"; by "docs/**"; }"#, r#"{ run "true"; }"#)],
        there: &["+ the gate `docs` is another check"],
        back: &["+ the gate `docs` is another check"],
    },
    // Roles: what they may do.
    Case {
        edits: &[(r#""docs/**"; run"#, r#""docs/**" "factory.kdl"; run"#)],
        there: &[],
        back: &[],
    },
    Case {
        edits: &[(r#""docs/**"; run"#, r#""docs/**" "test/**"; run"#)],
        there: &["+ `a` may now write `test/a`: by `test/**`"],
        back: &["- `a` may no longer write `test/a`"],
    },
    Case {
        edits: &[(r#""docs/**"; run"#, r#""docs/**" "docs/a"; run"#)],
        there: &[],
        back: &[],
    },
    Case {
        edits: &[(r#""lib/**" { expect"#, r#""lib/**" "web/**" { expect"#)],
        there: &["+ `a` may now write `web/a`: by `web/**`", "- the rule `Two hands` now says that no role can do all of this: write `web/a`; run `kamal *`"],
        back: &["+ the rule `Two hands` no longer says that no role can do all of this: write `web/a`; run `kamal *`", "- `a` may no longer write `web/a`"],
    },
    Case {
        edits: &[(r#"run "bin/test *" "git *""#, r#"run "bin/test *""#)],
        there: &["- `a` may no longer run `git`"],
        back: &["+ `a` may now run `git`: by `git *`"],
    },
    Case {
        edits: &[(r#"run "bin/test *" "git *""#, r#"run "bin/test *" "git *" "@std/inspect""#)],
        there: &["+ `a` may now run `df`: by `@std/inspect`"],
        back: &["- `a` may no longer run `df`"],
    },
    Case {
        edits: &[(r#"never { run "@deploy"; write "app/secret/**"; }"#, r#"never { run "@deploy"; }"#)],
        there: &["+ `a` may now write `app/secret/a`: no longer taken away: `app/secret/**`"],
        back: &["- `a` may no longer write `app/secret/a`"],
    },
    Case {
        edits: &[(r#"never { read "**/.env*"; }"#, ""), ("rule \"Nobody reads secrets\" { cannot { read \".env\"; }; trust \"bin/test *\" \"git *\" because=\"They have none\"; }\n", "")],
        there: &["+ `a` may now read `.env`: no longer taken away: `**/.env*`", "+ `adopted` may now read `.env`: no longer taken away: `**/.env*`", "+ `c` may now read `.env`: no longer taken away: `**/.env*`", "+ `q` may now read `.env`: no longer taken away: `**/.env*`", "+ the rule `Nobody reads secrets` is gone"],
        back: &["- `a` may no longer read `.env`", "- `adopted` may no longer read `.env`", "- `c` may no longer read `.env`", "- `q` may no longer read `.env`", "- the rule `Nobody reads secrets` is new"],
    },
    Case {
        edits: &[(r#"reach "rubygems.org""#, r#"reach "rubygems.org" "*.org""#)],
        there: &["+ `a` may now reach `a.org`: by `*.org`"],
        back: &["- `a` may no longer reach `a.org`"],
    },
    Case {
        edits: &[(r#"env "RAILS_ENV"; }"#, r#"env "RAILS_ENV" "AWS_*"; }"#)],
        there: &["+ `a` may now see `AWS_A`: by `AWS_*`"],
        back: &["- `a` may no longer see `AWS_A`"],
    },
    Case {
        edits: &[(r#"use "mcp:browser""#, r#"use "mcp:browser/click""#)],
        there: &["- `a` may no longer use `mcp:browser`"],
        back: &["+ `a` may now use `mcp:browser`: by `mcp:browser`"],
    },
    Case {
        edits: &[(r#"may { delegate "a" "q"; }"#, r#"may { delegate "*"; }"#)],
        there: &["+ `c` may now delegate to `adopted`: by `*`"],
        back: &["- `c` may no longer delegate to `adopted`"],
    },
    Case {
        edits: &[(r#"may { delegate "a" "q"; }"#, r#"may { delegate "a"; }"#)],
        there: &["- `c` may no longer delegate to `q`"],
        back: &["+ `c` may now delegate to `q`: by `q`"],
    },
    Case {
        edits: &[(r#"role "q" model="m""#, "role \"new\" model=\"m\" prompt=\"roles/new.md\" {\n    description \"Helps\"\n    may { write \"@source\" \"web/**\"; run \"@std/inspect\" \"@std/commit\"; delegate \"*\"; }\n    gates \"g0\" \"docs\"\n}\nrole \"q\" model=\"m\"")],
        there: &["+ the role `new` is new: it may write `@source`, `web/**`; may run `@std/inspect`, `@std/commit`; may delegate to `*`"],
        back: &["- the role `new` is gone"],
    },
    Case {
        edits: &[(r#"role "q" model="m""#, "role \"new\" model=\"m\" prompt=\"roles/new.md\" {\n    description \"Helps\"\n    may { write \"factory.kdl\"; }\n    gates \"g0\" \"docs\"\n}\nrole \"q\" model=\"m\"")],
        there: &["~ the role `new` is new, and may only read"],
        back: &["- the role `new` is gone"],
    },
    Case {
        edits: &[(r#"role "q" model="m""#, "role \"new\" model=\"m\" prompt=\"roles/new.md\" {\n    description \"Helps\"\n    guard \"observe\"\n    agent \".claude/agents/new.md\" { name; permission-mode \"bypassPermissions\"; hooks as=\"hooks:\\n  Stop:\\n    - x\\n\"; }\n}\nrole \"q\" model=\"m\"")],
        there: &["+ `hooks` in the client's file of `new` is new", "+ `permissionMode` in the client's file of `new` is `bypassPermissions`", "+ the hook lets pass what `new` may not do", "~ the role `new` is new, and may only read"],
        back: &["- the role `new` is gone"],
    },
    Case {
        edits: &[(r#"role "q" model="m""#, "role \"new\" model=\"m\" prompt=\"roles/new.md\" {\n    description \"Helps\"\n    agent \".claude/agents/new.md\" { name; permission-mode \"bypassPermissions\"; mcp-servers \"other\"; color \"red\"; }\n}\nrole \"q\" model=\"m\"")],
        there: &["+ `mcpServers` in the client's file of `new` is `other`", "+ `permissionMode` in the client's file of `new` is `bypassPermissions`", "~ the role `new` is new, and may only read"],
        back: &["- the role `new` is gone"],
    },
    Case {
        edits: &[("role \"c\" model=\"m\" prompt=\"roles/c.md\" {\n    description \"Plans\"\n    may { delegate \"a\" \"q\"; }\n}\n", ""), (r#"rule "Two hands" {"#, "role \"c\" model=\"m\" prompt=\"roles/c.md\" {\n    description \"Plans\"\n    may { delegate \"a\" \"q\"; }\n}\nrule \"Two hands\" {")],
        there: &[],
        back: &[],
    },
    Case {
        edits: &[(r#"may { delegate "a" "q"; }"#, r#"may { delegate "a" "q" "no*"; env "RAILS_*"; reach "*"; use "mcp:*"; }"#)],
        there: &["+ `c` may now reach `a`: by `*`", "+ `c` may now see `RAILS_A`: by `RAILS_*`", "+ `c` may now use `mcp:browser`: by `mcp:*`"],
        back: &["- `c` may no longer reach `a`", "- `c` may no longer see `RAILS_A`", "- `c` may no longer use `mcp:browser`"],
    },
    Case {
        edits: &[(r#""lib/**" { expect"#, r#""lib/**" { except "lib/a"; expect"#)],
        there: &["+ the rule `Two hands` no longer says that no role can do all of this: write `lib/a`; run `kamal *`", "- `a` may no longer write `lib/a`"],
        back: &["+ `a` may now write `lib/a`: by `app/**`, `lib/**`", "- the rule `Two hands` now says that no role can do all of this: write `lib/a`; run `kamal *`"],
    },
    Case {
        edits: &[(r#"commands "deploy" "kamal *" "git push *""#, r#"commands "deploy" "kamal *""#), (r#"run "@deploy"; write "app/secret/**""#, r#"run "@deploy" "git push *"; write "app/secret/**""#)],
        there: &["+ the rule `Two hands` no longer says that `a` can't run `git push`"],
        back: &["- the rule `Two hands` now says that `a` can't run `git push`"],
    },
    // Roles: what holds them, and what they are told.
    Case {
        edits: &[(r#"title "Builder""#, r#"title "Maker""#)],
        there: &["~ `a` has the title `Maker`, before `Builder`"],
        back: &["~ `a` has the title `Builder`, before `Maker`"],
    },
    Case {
        edits: &[(r#"description "Builds""#, r#"description "Builds it""#)],
        there: &["~ the description of `a`, by which it is asked"],
        back: &["~ the description of `a`, by which it is asked"],
    },
    Case {
        edits: &[(r#"role "a" model="m""#, r#"role "a" model="n""#)],
        there: &["~ `a` runs on `claude-opus-5-5`, before on `claude-sonnet-5-5`"],
        back: &["~ `a` runs on `claude-sonnet-5-5`, before on `claude-opus-5-5`"],
    },
    Case {
        edits: &[(r#"role "a" model="m""#, r#"role "a" model="n""#), (r#"id="claude-opus-5-5"   { price input="5.00" output="25.00"; }"#, r#"id="claude-opus-5-5""#)],
        there: &["+ what `a` costs is not counted any more: `claude-opus-5-5` has no price", "~ `a` runs on `claude-opus-5-5`, before on `claude-sonnet-5-5`"],
        back: &["~ `a` runs on `claude-sonnet-5-5`, before on `claude-opus-5-5`"],
    },
    Case {
        edits: &[("roles/a.md", "Other words.\n")],
        there: &["~ the prompt of `a`"],
        back: &["~ the prompt of `a`"],
    },
    Case {
        edits: &[("roles/a.md", "You are a.\r\n")],
        there: &[],
        back: &[],
    },
    Case {
        edits: &[(r#"prompt="roles/a.md" {"#, r#"prompt="roles/a.md" compile="verbatim" {"#)],
        there: &["+ the prompt of `a` no longer says its boundary, the rules that bind it, and its gates"],
        back: &["- the prompt of `a` now says its boundary, the rules that bind it, and its gates"],
    },
    Case {
        edits: &[(r#"title "Builder""#, "title \"Builder\"\n    guard \"observe\"")],
        there: &["+ the hook now lets pass what `a` may not do"],
        back: &["- the hook now refuses what `a` may not do"],
    },
    Case {
        edits: &[(r#"description "A shop""#, "description \"A shop\"\n    guard \"observe\"")],
        there: &["+ the hook now lets pass what every role may not do"],
        back: &["- the hook now refuses what every role may not do"],
    },
    Case {
        edits: &[(r#"memory "notes/a.md" limit="8KiB""#, r#"memory "notes/b.md" limit="80KiB""#)],
        there: &["~ `a` keeps its memory in `notes/b.md`, before in `notes/a.md`", "~ up to 81920 bytes of the memory of `a` are in its prompt, before 8192"],
        back: &["~ `a` keeps its memory in `notes/a.md`, before in `notes/b.md`", "~ up to 8192 bytes of the memory of `a` are in its prompt, before 81920"],
    },
    Case {
        edits: &[("    memory \"notes/a.md\" limit=\"8KiB\"\n", "")],
        there: &["~ `a` keeps no memory any more"],
        back: &["~ `a` now keeps a memory, `notes/a.md`"],
    },
    Case {
        edits: &[(r#"can { write "app/a"; }; "#, "")],
        there: &["~ that `a` can write `app/a` is no longer tested"],
        back: &["~ that `a` can write `app/a` is now tested"],
    },
    Case {
        edits: &[(r#" cannot { write "bin/check"; };"#, "")],
        there: &["+ that `a` can't write `bin/check` is no longer tested"],
        back: &["- that `a` can't write `bin/check` is now tested"],
    },
    // The client's own file.
    Case {
        edits: &[(r#"tools "Read" "Grep""#, r#"tools "Read" "Grep" "Bash""#)],
        there: &["+ `tools` in the client's file of `adopted` is `Read, Grep, Bash`"],
        back: &["- `tools` in the client's file of `adopted` is `Read, Grep`"],
    },
    Case {
        edits: &[(r#"tools "Read" "Grep""#, r#"tools "Read""#)],
        there: &["- `tools` in the client's file of `adopted` is `Read`"],
        back: &["+ `tools` in the client's file of `adopted` is `Read, Grep`"],
    },
    Case {
        edits: &[("        tools \"Read\" \"Grep\"\n", "")],
        there: &["+ `tools` in the client's file of `adopted` is gone"],
        back: &["- `tools` in the client's file of `adopted` is `Read, Grep`"],
    },
    Case {
        edits: &[("        disallowed-tools \"Bash\"\n", "")],
        there: &["+ `disallowedTools` in the client's file of `adopted` is gone"],
        back: &["- `disallowedTools` in the client's file of `adopted` is `Bash`"],
    },
    Case {
        edits: &[(r#"permission-mode "acceptEdits""#, r#"permission-mode "bypassPermissions""#)],
        there: &["+ `permissionMode` in the client's file of `adopted` is `bypassPermissions`"],
        back: &["- `permissionMode` in the client's file of `adopted` is `acceptEdits`"],
    },
    Case {
        edits: &[("        permission-mode \"acceptEdits\"\n", "")],
        there: &["- `permissionMode` in the client's file of `adopted` is gone"],
        back: &["+ `permissionMode` in the client's file of `adopted` is `acceptEdits`"],
    },
    Case {
        edits: &[(r#"max-turns "10""#, r#"max-turns "100""#)],
        there: &["+ `maxTurns` in the client's file of `adopted` is `100`"],
        back: &["- `maxTurns` in the client's file of `adopted` is `10`"],
    },
    Case {
        edits: &[("        max-turns \"10\"\n", "")],
        there: &["+ `maxTurns` in the client's file of `adopted` is gone"],
        back: &["- `maxTurns` in the client's file of `adopted` is `10`"],
    },
    Case {
        edits: &[("        isolation \"worktree\"\n", "")],
        there: &["+ `isolation` in the client's file of `adopted` is gone"],
        back: &["- `isolation` in the client's file of `adopted` is `worktree`"],
    },
    Case {
        edits: &[(r#"color "red""#, r#"color "blue""#)],
        there: &["~ `color` in the client's file of `adopted` is `blue`"],
        back: &["~ `color` in the client's file of `adopted` is `red`"],
    },
    Case {
        edits: &[(r#"color "red""#, "color \"red\"\n        hooks as=\"hooks:\\n  Stop:\\n    - x\\n\"")],
        there: &["+ `hooks` in the client's file of `adopted` is new"],
        back: &["+ `hooks` in the client's file of `adopted` is gone"],
    },
    Case {
        edits: &[(r#"color "red""#, "color \"red\"\n        mcp-servers \"other\"")],
        there: &["+ `mcpServers` in the client's file of `adopted` is `other`"],
        back: &["- `mcpServers` in the client's file of `adopted` is gone"],
    },
    Case {
        edits: &[(".claude/agents/adopted.md", ".claude/agents/b.md")],
        there: &["~ where the client's file of `adopted` stands"],
        back: &["~ where the client's file of `adopted` stands"],
    },
    Case {
        edits: &[("        name\n", "        name \"other\"\n")],
        there: &["~ the client calls `adopted` `other`"],
        back: &["~ the client calls `adopted` `adopted`"],
    },
    Case {
        edits: &[("        model\n", "        model \"inherit\"\n")],
        there: &["~ `model` in the client's file of `adopted` is `inherit`"],
        back: &["~ `model` in the client's file of `adopted` is `claude-sonnet-5-5`"],
    },
    Case {
        edits: &[(r#"role "adopted" model="m""#, r#"role "adopted" model="n""#)],
        there: &["~ `adopted` runs on `claude-opus-5-5`, before on `claude-sonnet-5-5`"],
        back: &["~ `adopted` runs on `claude-sonnet-5-5`, before on `claude-opus-5-5`"],
    },
    Case {
        edits: &[(r#"tools "Read" "Grep""#, "tools")],
        there: &["- `tools` in the client's file of `adopted` names nothing"],
        back: &["+ `tools` in the client's file of `adopted` is `Read, Grep`"],
    },
    // Rules.
    Case {
        edits: &[(r#"rule "Two hands" {"#, r#"rule "Both hands" {"#)],
        there: &["~ the rule `Both hands` is new, and nobody is held by more", "~ the rule `Two hands` is gone, and nobody is held by less"],
        back: &["~ the rule `Both hands` is gone, and nobody is held by less", "~ the rule `Two hands` is new, and nobody is held by more"],
    },
    Case {
        edits: &[(r#"because "It went wrong once""#, r#"because "It went wrong twice""#)],
        there: &["~ why there is the rule `Two hands`"],
        back: &["~ why there is the rule `Two hands`"],
    },
    Case {
        edits: &[(r#"cannot "c" "q" direct-only=#true"#, r#"cannot "c" direct-only=#true"#)],
        there: &["+ the rule `Two hands` no longer says that `q` can't run `git`", "+ the rule `Two hands` no longer says that `q` can't write `a`"],
        back: &["- the rule `Two hands` now says that `q` can't run `git`", "- the rule `Two hands` now says that `q` can't write `a`"],
    },
    Case {
        edits: &[(r#"cannot "c" "q" direct-only=#true { write "**"; run "git *"; }"#, r#"cannot "c" "q" direct-only=#true { write "**"; run "git push *"; }"#)],
        there: &["+ the rule `Two hands` no longer says that `c`, `q` can't run `git`"],
        back: &["- the rule `Two hands` now says that `c`, `q` can't run `git`"],
    },
    Case {
        edits: &[(r#"cannot "a" { run "@deploy"; }"#, r#"cannot "a" direct-only=#true { run "@deploy"; }"#)],
        there: &["+ the rule `Two hands` no longer says that `a` can't have others run `kamal`"],
        back: &["- the rule `Two hands` now says that `a` can't have others run `kamal`"],
    },
    Case {
        edits: &[("    cannot \"a\" { run \"@deploy\"; }\n", "")],
        there: &["+ the rule `Two hands` no longer says that `a` can't run `kamal`"],
        back: &["- the rule `Two hands` now says that `a` can't run `kamal`"],
    },
    Case {
        edits: &[("    cannot \"a\" { run \"@deploy\"; }\n", "    cannot \"a\" { run \"git push *\"; }\n    cannot \"a\" { run \"kamal *\"; }\n")],
        there: &[],
        back: &[],
    },
    Case {
        edits: &[("    cannot-both { write \"@source\"; run \"kamal *\"; }\n", "")],
        there: &["+ the rule `Two hands` no longer says that no role can do all of this: write `app/**`, `lib/**`; run `kamal *`"],
        back: &["- the rule `Two hands` now says that no role can do all of this: write `app/**`, `lib/**`; run `kamal *`"],
    },
    Case {
        edits: &[(r#"cannot-both { write "@source"; run "kamal *"; }"#, r#"cannot-both { write "@source"; run "kamal *"; reach "*"; }"#)],
        there: &["+ the rule `Two hands` no longer says that no role can do all of this: write `app/**`, `lib/**`; run `kamal *`"],
        back: &["- the rule `Two hands` now says that no role can do all of this: write `app/**`, `lib/**`; run `kamal *`"],
    },
    Case {
        edits: &[(r#"require "g0" "docs" { when { write "app/**"; }; }"#, r#"require "g0" { when { write "app/**"; }; }"#)],
        there: &["+ the rule `Two hands` no longer asks that gate `docs` judges whoever can write `app/a`"],
        back: &["- the rule `Two hands` now asks that gate `docs` judges whoever can write `app/a`"],
    },
    Case {
        edits: &[(r#"require "g0" "docs" { when { write "app/**"; }; }"#, r#"require "g0" "docs" { when { write "app/*"; }; }"#)],
        there: &["+ the rule `Two hands` no longer asks that gate `docs` judges whoever can write `app/a/a`", "+ the rule `Two hands` no longer asks that gate `g0` judges whoever can write `app/a/a`"],
        back: &["- the rule `Two hands` now asks that gate `docs` judges whoever can write `app/a/a`", "- the rule `Two hands` now asks that gate `g0` judges whoever can write `app/a/a`"],
    },
    Case {
        edits: &[(r#"{ cannot { read ".env"; }; trust"#, r#"{ cannot "a" "q" { read ".env"; }; trust"#)],
        there: &["+ the rule `Nobody reads secrets` no longer says that `c`, `adopted` can't read `.env`"],
        back: &["- the rule `Nobody reads secrets` now says that `c`, `adopted` can't read `.env`"],
    },
    Case {
        edits: &[("rule \"Nobody reads secrets\" { cannot { read \".env\"; }; trust \"bin/test *\" \"git *\" because=\"They have none\"; }\n", "")],
        there: &["+ the rule `Nobody reads secrets` is gone"],
        back: &["- the rule `Nobody reads secrets` is new"],
    },
    // Rules are compared by what they ask, whatever else changes.
    Case {
        edits: &[("    cannot \"a\" { run \"@deploy\"; }\n", ""), (r#"gate "g0""#, "gate \"more\" { run \"bin/more\"; }\ngate \"g0\"")],
        there: &["+ the rule `Two hands` no longer says that `a` can't run `kamal`", "~ the gate `more` is new"],
        back: &["- the rule `Two hands` now says that `a` can't run `kamal`", "~ the gate `more` is gone"],
    },
    Case {
        edits: &[(r#"cannot "c" "q" direct-only=#true { write "**"; run "git *"; }"#, r#"cannot "c" "q" direct-only=#true { run "git *"; }"#), ("role \"c\" model=\"m\" prompt=\"roles/c.md\" {\n    description \"Plans\"\n    may { delegate \"a\" \"q\"; }\n}\n", ""), (r#"rule "Two hands" {"#, "role \"c\" model=\"m\" prompt=\"roles/c.md\" {\n    description \"Plans\"\n    may { delegate \"a\" \"q\"; }\n}\nrule \"Two hands\" {")],
        there: &["+ the rule `Two hands` no longer says that `c`, `q` can't write `a`"],
        back: &["- the rule `Two hands` now says that `c`, `q` can't write `a`"],
    },
    Case {
        edits: &[(r#"cannot "a" { run "@deploy"; }"#, r#"cannot "a" { run "@deploy"; delegate "*"; reach "*.com"; env "AWS_*"; }"#)],
        there: &["- the rule `Two hands` now says that `a` can't delegate to `c`", "- the rule `Two hands` now says that `a` can't reach `a.com`", "- the rule `Two hands` now says that `a` can't see `AWS_A`"],
        back: &["+ the rule `Two hands` no longer says that `a` can't delegate to `c`", "+ the rule `Two hands` no longer says that `a` can't reach `a.com`", "+ the rule `Two hands` no longer says that `a` can't see `AWS_A`"],
    },
    Case {
        edits: &[(r#"    require "g0" "docs" { when"#, "    require \"docs\"\n    require \"g0\" { when"), (r#"role "c" model="m" prompt="roles/c.md" {"#, "role \"c\" model=\"m\" prompt=\"roles/c.md\" {\n    gates \"docs\""), (r#"description "Judges""#, "description \"Judges\"\n    gates \"docs\""), (r#"description "Came along""#, "description \"Came along\"\n    gates \"docs\"")],
        there: &["- gate `docs` now judges `adopted`", "- gate `docs` now judges `c`", "- gate `docs` now judges `q`", "- the rule `Two hands` now asks that gate `docs` judges every role"],
        back: &["+ gate `docs` no longer judges `adopted`", "+ gate `docs` no longer judges `c`", "+ gate `docs` no longer judges `q`", "+ the rule `Two hands` no longer asks that gate `docs` judges every role"],
    },
    // Documents and templates.
    Case {
        edits: &[("max 5", "max 9")],
        there: &["~ the section `Files` of `CLAUDE.md`: what it says"],
        back: &["~ the section `Files` of `CLAUDE.md`: what it says"],
    },
    Case {
        edits: &[("document \"CLAUDE.md\" { section \"Files\" { files \"app/**\"; max 5; }; }\n", "")],
        there: &["~ the section `Files` of `CLAUDE.md` is no longer kept"],
        back: &["~ the section `Files` of `CLAUDE.md` is new"],
    },
    Case {
        edits: &[("templates/prompt/gates.md.hbs", "Your gates are there.\n")],
        there: &["~ the template `templates/prompt/gates.md.hbs`"],
        back: &["~ the template `templates/prompt/gates.md.hbs`"],
    },
    Case {
        edits: &[("templates/mine.md.hbs", "Words.\n")],
        there: &["~ the template `templates/mine.md.hbs`"],
        back: &["~ the template `templates/mine.md.hbs`"],
    },
    // Tasks.
    Case {
        edits: &[(r#"step "ship""#, "step \"tell\" role=\"q\" yields=\"report\" { after \"land\"; }\n    step \"ship\"")],
        there: &["~ step `tell` of task `pdf` is new"],
        back: &["~ step `tell` of task `pdf` is gone"],
    },
    Case {
        edits: &[(r#"step "polish" role="a" { after "look""#, r#"step "polish" role="a" { after "look" "land""#)],
        there: &["- step `polish` of task `pdf` now waits for the landing"],
        back: &["+ step `polish` of task `pdf` no longer waits for the landing"],
    },
    Case {
        edits: &[(r#"goal "Add an export""#, r#"goal "Add two exports""#)],
        there: &["~ the goal of task `pdf`"],
        back: &["~ the goal of task `pdf`"],
    },
    Case {
        edits: &[("    accept \"It answers\" { run \"bin/test pdf\"; }\n", "")],
        there: &["+ task `pdf` is no longer asked for `It answers`"],
        back: &["- task `pdf` is now asked for `It answers`"],
    },
    Case {
        edits: &[(r#"run "bin/test pdf""#, r#"run "true""#)],
        there: &["+ `It answers` of task `pdf` is proven by `true`, before by `bin/test pdf`"],
        back: &["+ `It answers` of task `pdf` is proven by `bin/test pdf`, before by `true`"],
    },
    Case {
        edits: &[(r#"{ by "q"; }"#, r#"{ by "c"; }"#)],
        there: &["+ `It is clean` of task `pdf` is proven by a verdict of `c`, before by a verdict of `q`"],
        back: &["+ `It is clean` of task `pdf` is proven by a verdict of `q`, before by a verdict of `c`"],
    },
    Case {
        edits: &[(r#"accept "It is clean" { by "q"; }"#, r#"accept "It is clean""#)],
        there: &["+ `It is clean` of task `pdf` is proven by nobody, before by a verdict of `q`"],
        back: &["- `It is clean` of task `pdf` is proven by a verdict of `q`, before by nobody"],
    },
    Case {
        edits: &[(r#"accept "It is liked""#, r#"accept "It is liked" { by "q"; }"#)],
        there: &["- `It is liked` of task `pdf` is proven by a verdict of `q`, before by nobody"],
        back: &["+ `It is liked` of task `pdf` is proven by nobody, before by a verdict of `q`"],
    },
    Case {
        edits: &[(r#"step "build" role="a""#, r#"step "build" role="adopted""#)],
        there: &["+ step `build` of task `pdf` is the work of `adopted`, before of `a`", "- step `build` of task `pdf` may try 2 times instead of 3"],
        back: &["+ step `build` of task `pdf` is the work of `a`, before of `adopted`", "+ step `build` of task `pdf` may try 3 times instead of 2"],
    },
    Case {
        edits: &[(r#"item "Write it""#, r#"item "Write it twice""#)],
        there: &["~ step `build` of task `pdf` asks for something else"],
        back: &["~ step `build` of task `pdf` asks for something else"],
    },
    Case {
        edits: &[("        only { write \"app/**\" \"lib/**\"; run \"bin/test *\"; }\n", "")],
        there: &["+ step `build` of task `pdf` narrows `a` less: it may run `git` there", "+ step `build` of task `pdf` narrows `a` less: it may write `docs/a` there"],
        back: &["- step `build` of task `pdf` narrows `a` more: it may not run `git` there", "- step `build` of task `pdf` narrows `a` more: it may not write `docs/a` there"],
    },
    Case {
        edits: &[(r#"only { write "app/**" "lib/**"; run "bin/test *"; }"#, r#"only { write "**"; run "bin/test *"; }"#)],
        there: &["+ step `build` of task `pdf` narrows `a` less: it may write `docs/a` there"],
        back: &["- step `build` of task `pdf` narrows `a` more: it may not write `docs/a` there"],
    },
    Case {
        edits: &[(r#"only { write "app/**" "lib/**"; run "bin/test *"; }"#, r#"only { write "app/**" "lib/**"; }"#)],
        there: &["+ step `build` of task `pdf` narrows `a` less: it may run `git` there"],
        back: &["- step `build` of task `pdf` narrows `a` more: it may not run `git` there"],
    },
    Case {
        edits: &[(r#"only { write "app/**" "lib/**"; run"#, r#"only { write "app/**"; run"#)],
        there: &["- step `build` of task `pdf` narrows `a` more: it may not write `lib/a` there"],
        back: &["+ step `build` of task `pdf` narrows `a` less: it may write `lib/a` there"],
    },
    Case {
        edits: &[(r#"stop usd="1.00""#, r#"stop usd="9.00""#)],
        there: &["+ step `polish` of task `pdf` may spend `$9.00` instead of `$1.00`"],
        back: &["- step `polish` of task `pdf` may spend `$1.00` instead of `$9.00`"],
    },
    Case {
        edits: &[("    step \"look\"   role=\"q\" yields=\"verdict\" { after \"build\"; sends-back \"build\"; }\n", ""), (r#"after "look"; stop"#, r#"after "build"; stop"#)],
        there: &["+ step `look` of task `pdf` is gone, and with it a verdict"],
        back: &["- step `look` of task `pdf` is new, and gives a verdict"],
    },
    Case {
        edits: &[(r#" sends-back "build";"#, "")],
        there: &["~ step `look` of task `pdf` no longer sends work back"],
        back: &["~ step `look` of task `pdf` sends work back to `build`"],
    },
    Case {
        edits: &[(r#"role="q" yields="verdict" { after "build"; sends-back "build"; }"#, r#"role="q" { after "build"; }"#)],
        there: &["+ step `look` of task `pdf` no longer gives a verdict", "~ step `look` of task `pdf` no longer sends work back"],
        back: &["- step `look` of task `pdf` now gives a verdict, and lands nothing", "~ step `look` of task `pdf` sends work back to `build`"],
    },
    Case {
        edits: &[(r#"role="q" yields="verdict" { after "build""#, r#"role="q" yields="verdict" { after "build" "polish""#), (r#"after "look"; stop"#, r#"after "build"; stop"#)],
        there: &["+ step `polish` of task `pdf` no longer comes after `look`", "- step `look` of task `pdf` now comes after `polish`"],
        back: &["+ step `look` of task `pdf` no longer comes after `polish`", "- step `polish` of task `pdf` now comes after `look`"],
    },
    Case {
        edits: &[(r#"step "polish" role="a" {"#, r#"step "polish" role="a" yields="report" {"#)],
        there: &["- step `polish` of task `pdf` no longer lands what it writes"],
        back: &["+ step `polish` of task `pdf` now lands what it writes"],
    },
    Case {
        edits: &[(r#"approval "founder""#, r#"approval "anyone""#)],
        there: &["+ step `ship` of task `pdf` waits for an approval of `anyone`, before of `founder`"],
        back: &["+ step `ship` of task `pdf` waits for an approval of `founder`, before of `anyone`"],
    },
    Case {
        edits: &[(r#"run "bin/ship""#, r#"run "bin/ship --all""#)],
        there: &["+ step `ship` of task `pdf` runs `bin/ship --all`, before `bin/ship`"],
        back: &["+ step `ship` of task `pdf` runs `bin/ship`, before `bin/ship --all`"],
    },
    Case {
        edits: &[(r#"env "SHIP_KEY""#, r#"env "SHIP_KEY" "AWS_SECRET""#)],
        there: &["+ step `ship` of task `pdf` is now given your `AWS_SECRET`"],
        back: &["- step `ship` of task `pdf` is no longer given your `AWS_SECRET`"],
    },
    Case {
        edits: &[("    step \"ship\"   { after \"land\"; approval \"founder\"; run \"bin/ship\"; env \"SHIP_KEY\"; }\n", "")],
        there: &["- step `ship` of task `pdf` no longer runs `bin/ship` with your `SHIP_KEY`"],
        back: &["+ step `ship` of task `pdf` now runs `bin/ship` with your `SHIP_KEY`"],
    },
    Case {
        edits: &[(r#"step "polish" role="a" { after "look"; stop usd="1.00"; }"#, r#"step "polish" role="a" { after "look"; stop usd="1.00"; approval "founder"; }"#)],
        there: &["- step `polish` of task `pdf` now waits for an approval of `founder`"],
        back: &["+ step `polish` of task `pdf` no longer waits for an approval of `founder`"],
    },
    Case {
        edits: &[(r#"task "pdf" {"#, "task \"more\" {\n    goal \"More\"\n    step \"build\" role=\"a\"\n    step \"ship\" { after \"land\"; approval \"founder\"; run \"bin/ship\"; env \"AWS_SECRET\"; }\n}\ntask \"pdf\" {")],
        there: &["+ step `ship` of task `more` now runs `bin/ship` with your `AWS_SECRET`", "~ the task `more` is new"],
        back: &["- step `ship` of task `more` no longer runs `bin/ship` with your `AWS_SECRET`", "~ the task `more` is gone"],
    },
    Case {
        edits: &[(r#"task "pdf" {"#, "task \"more\" {\n    goal \"More\"\n    step \"build\" role=\"a\"\n}\ntask \"pdf\" {")],
        there: &["~ the task `more` is new"],
        back: &["~ the task `more` is gone"],
    },
    Case {
        edits: &[(r#"task "pdf" {"#, "task \"more\" {\n    goal \"More\"\n    step \"build\" role=\"a\" { stop usd=\"500.00\" attempts=1; }\n}\ntask \"pdf\" {")],
        there: &["+ step `build` of task `more` may spend `$500.00` instead of `$5.00`", "~ the task `more` is new"],
        back: &["~ the task `more` is gone"],
    },
    Case {
        edits: &[(r#"step "polish" role="a" {"#, "step \"more\" role=\"a\" { after \"build\"; stop attempts=30; }\n    step \"polish\" role=\"a\" {")],
        there: &["+ step `more` of task `pdf` may try 30 times instead of 3", "~ step `more` of task `pdf` is new"],
        back: &["~ step `more` of task `pdf` is gone"],
    },
];
