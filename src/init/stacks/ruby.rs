//! Ruby, and Rails.

use crate::init::{
    project::Project,
    stack::{Smoke, Stack, all},
};

/// Recognises Ruby by its Gemfile.
pub(super) fn find(project: &Project<'_>) -> Option<Stack> {
    let gems = project.text("Gemfile")?;
    let has_gem = |name: &str| {
        let quoted = [format!("gem \"{name}\""), format!("gem '{name}'")];
        gems.lines().any(|line| {
            quoted
                .iter()
                .any(|gem| line.trim_start().starts_with(gem.as_str()))
        })
    };
    let stack = if has_gem("rails") {
        rails(project, &has_gem)
    } else {
        ruby(project, &has_gem)
    };
    Some(stack)
}

fn rails(project: &Project<'_>, has_gem: &dyn Fn(&str) -> bool) -> Stack {
    let rails = if project.has("bin/rails") {
        "bin/rails"
    } else {
        "bundle exec rails"
    };
    let command = |rest: &str| format!("{rails} {rest}");
    let rspec = project.has_folder("spec") && has_gem("rspec-rails");
    let (run, why) = if rspec {
        ("bundle exec rspec".to_owned(), "all specs")
    } else if project
        .with(&["rb"])
        .any(|path| path.starts_with("test/") && path.ends_with("_test.rb"))
    {
        (command("test"), "all tests")
    } else {
        (
            command("runner 'Rails.application.eager_load!'"),
            "there are no tests yet, so everything must load",
        )
    };
    let mut source = all(&[
        "app/**",
        "lib/**",
        "db/**",
        "config/routes.rb",
        "config/locales/**",
    ]);
    source.extend(project.present(&["config/initializers/**", "config/importmap.rb"]));
    let mut toolchain: Vec<String> = [
        "test *",
        "generate *",
        "db:migrate *",
        "db:rollback *",
        "db:prepare",
        "routes *",
        "zeitwerk:check",
    ]
    .map(command)
    .into();
    toolchain.extend(all(&[
        "bundle install",
        "bundle add *",
        "bundle exec rubocop *",
    ]));
    let mut checks = vec![command("test *")];
    if rspec {
        toolchain.push("bundle exec rspec *".to_owned());
        checks.push("bundle exec rspec *".to_owned());
    }
    let mut setup = all(&["bundle install"]);
    if project.has("db/schema.rb") || project.has("db/structure.sql") {
        setup.push(command("db:prepare"));
    }
    let external = [
        ("pg", "postgres"),
        ("mysql2", "mysql"),
        ("trilogy", "mysql"),
    ];
    Stack {
        name: "Rails",
        slug: "rails",
        source,
        manifests: all(&["Gemfile", "Gemfile.lock"]),
        tests: project.tests("test/**"),
        key_files: all(&["app/**/*.rb", "lib/**/*.rb"]),
        data_model: all(&["app/models/**/*.rb"]),
        pages: all(&["app/views/pages/**", "app/assets/**", "public/**"]),
        toolchain,
        checks,
        audits: all(&["bundle exec brakeman *", "bundle exec bundle-audit *"]),
        deploy: all(&["kamal *", "cap * deploy"]),
        secrets: all(&["config/credentials/**", "config/*.key"]),
        setup,
        scratch: all(&["log/**", "tmp/**", "storage/**"]),
        env: vec![("RAILS_ENV", "test")],
        smoke: Smoke {
            run,
            why,
            tools: vec!["ruby --version"],
            env: Vec::new(),
            external: external
                .into_iter()
                .find(|(gem, _)| has_gem(gem))
                .map(|(_, name)| name),
            timeout: "20m",
            ..Smoke::default()
        },
        ..Stack::default()
    }
}

fn ruby(project: &Project<'_>, has_gem: &dyn Fn(&str) -> bool) -> Stack {
    let rake_test = project.says("Rakefile", "TestTask") || project.says("Rakefile", "Minitest");
    let (run, why) = if project.has_folder("spec") && has_gem("rspec") {
        ("bundle exec rspec", "all specs")
    } else if rake_test {
        ("bundle exec rake test", "all tests")
    } else {
        (
            // A gate also runs in copies that are no repository, so git is not asked.
            "find . -name '.?*' -prune -o -name vendor -prune -o -type f -name '*.rb' -print0 \
             | xargs -0rn1 ruby -c",
            "there are no tests that are known, so every file must parse",
        )
    };
    let mut source = project.source(&["rb"]);
    if source.is_empty() {
        source.push("lib/**".to_owned());
    }
    let checks = all(&["bundle exec rake test *", "bundle exec rspec *"]);
    let mut toolchain = checks.clone();
    toolchain.extend(all(&[
        "bundle install",
        "bundle add *",
        "bundle exec rubocop *",
    ]));
    Stack {
        name: "Ruby",
        slug: "ruby",
        source,
        manifests: all(&["Gemfile", "Gemfile.lock"]),
        tests: project.tests("test/**"),
        key_files: all(&["lib/**/*.rb"]),
        toolchain,
        checks,
        audits: all(&["bundle exec bundle-audit *"]),
        deploy: all(&["gem push *", "bundle exec rake release *"]),
        setup: all(&["bundle install"]),
        smoke: Smoke {
            run: run.to_owned(),
            why,
            tools: vec!["ruby --version"],
            env: Vec::new(),
            timeout: "10m",
            ..Smoke::default()
        },
        ..Stack::default()
    }
}
