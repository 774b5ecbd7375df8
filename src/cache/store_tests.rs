//! A store in real folders: what it gives back, what it refuses, and what it survives.

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    sync::atomic::{AtomicUsize, Ordering},
    thread,
    time::{Duration, SystemTime},
};

use tempfile::TempDir;

use super::{
    Action, Definition, Digest, EnvValue, Input, Kept, Kind, Limits, Lookup, Outcome, Platform,
    Store, Tree, default_dir,
};

fn store() -> (TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path().join("cache"));
    (folder, store)
}

fn action(content: &str) -> Action {
    let digest = Digest::of(content);
    let kind = Kind::File {
        digest,
        size: content.len() as u64,
        executable: false,
    };
    Action {
        definition: Definition {
            kind: "run".to_owned(),
            ..Definition::default()
        },
        environment: BTreeMap::from([("TOKEN".to_owned(), EnvValue::Set(b"hunter2".into()))]),
        tools: BTreeMap::new(),
        platform: Platform::current(),
        sealed: None,
        inputs: [Input {
            path: b"a".as_slice().into(),
            kind,
        }]
        .into_iter()
        .collect(),
    }
}

fn pass(gate: &str, stdout: &str) -> Outcome {
    Outcome {
        gate: gate.to_owned(),
        exit_code: Some(0),
        stdout: stdout.into(),
        stderr: b"\xff warned\n".into(),
        started: SystemTime::UNIX_EPOCH + Duration::from_millis(1_700_000_000_123),
        duration: Duration::from_millis(42),
    }
}

fn keep(store: &Store, action: &Action, outcome: &Outcome) {
    let kept = store.put(action, outcome, None);
    assert!(matches!(kept, Kept::Stored), "{kept:?}");
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let walk = walkdir::WalkDir::new(folder)
        .into_iter()
        .map(Result::unwrap);
    walk.filter(|file| file.file_type().is_file())
        .map(walkdir::DirEntry::into_path)
        .collect()
}

#[test]
fn a_pass_comes_back_byte_for_byte_and_nothing_else_is_kept() {
    let (folder, store) = store();
    let key = action("1").key();
    assert!(matches!(store.get(&key), Lookup::Miss));
    for exit_code in [Some(1), Some(-1), None] {
        let kept = store.put(
            &action("1"),
            &Outcome {
                exit_code,
                ..pass("smoke", "")
            },
            None,
        );
        assert!(matches!(kept, Kept::NotAPass), "{exit_code:?}: {kept:?}");
    }
    assert!(
        !folder.path().join("cache").exists(),
        "looking makes nothing"
    );
    keep(&store, &action("1"), &pass("smoke", "ok\n"));
    let Lookup::Hit(record) = store.get(&key) else {
        panic!("no hit")
    };
    assert_eq!(
        (&record.stdout[..], &record.stderr[..]),
        (&b"ok\n"[..], &b"\xff warned\n"[..])
    );
    assert_eq!(
        (record.started, record.duration),
        (pass("", "").started, pass("", "").duration)
    );
    assert!(matches!(store.get(&action("2").key()), Lookup::Miss));
    for file in files(folder.path()) {
        let text = fs::read(&file).unwrap();
        for secret in [
            &b"hunter2"[..],
            folder.path().as_os_str().as_encoded_bytes(),
        ] {
            assert!(
                !text.windows(secret.len()).any(|part| part == secret),
                "{file:?}"
            );
        }
    }
}

#[test]
fn whatever_is_damaged_is_a_miss_with_a_reason_and_is_put_right_by_the_next_pass() {
    type Damage = fn(&Path);
    let key = action("1").key();
    let damages: [(&str, Damage); 4] = [
        ("truncated", |file| {
            let bytes = fs::read(file).unwrap();
            fs::write(file, &bytes[..bytes.len() / 2]).unwrap();
        }),
        ("emptied", |file| fs::write(file, "").unwrap()),
        ("one bit", |file| {
            let mut bytes = fs::read(file).unwrap();
            let middle = bytes.len() / 2;
            bytes[middle] ^= 1;
            fs::write(file, bytes).unwrap();
        }),
        ("removed", |file| fs::remove_file(file).unwrap()),
    ];
    for (name, damage) in damages {
        let (folder, store) = store();
        keep(&store, &action("1"), &pass("smoke", "a longer output\n"));
        for part in ["records", "blobs"] {
            for file in files(&folder.path().join("cache/v1").join(part)) {
                let manifest = fs::read(&file).unwrap().starts_with(b"factory-tree");
                damage(&file);
                match store.get(&key) {
                    Lookup::Hit(record) => {
                        assert!(manifest, "{name} {file:?}");
                        assert_eq!(record.stdout, b"a longer output\n");
                    }
                    Lookup::Miss => assert_eq!((name, part), ("removed", "records")),
                    Lookup::Damaged(_) => {}
                }
                let removed = part == "records" && name == "removed";
                assert_eq!(
                    store.verify().damaged.len(),
                    usize::from(!removed),
                    "{name} {file:?}"
                );
                keep(&store, &action("1"), &pass("smoke", "a longer output\n"));
                assert!(matches!(store.get(&key), Lookup::Hit(_)), "{name} {file:?}");
                assert_eq!((store.verify().sound, store.verify().damaged.len()), (1, 0));
            }
        }
    }
}

#[test]
fn an_entry_under_the_name_of_another_is_no_hit() {
    let (folder, store) = store();
    keep(&store, &action("1"), &pass("smoke", "one"));
    let [record] = &files(&folder.path().join("cache/v1/records"))[..] else {
        panic!()
    };
    let other = action("2").key().to_string();
    let path = folder.path().join("cache/v1/records").join(&other);
    fs::copy(record, path).unwrap();
    assert!(matches!(store.get(&action("2").key()), Lookup::Damaged(_)));
}

#[test]
fn a_folder_that_cannot_be_made_or_written_is_a_warning() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    let store = Store::open(&file);
    assert!(matches!(
        store.get(&action("1").key()),
        Lookup::Miss | Lookup::Damaged(_)
    ));
    assert!(matches!(
        store.put(&action("1"), &pass("smoke", ""), None),
        Kept::Failed(_)
    ));
    assert!(!store.lock(&action("1").key()).is_held());
    assert!(store.nearest("smoke", &action("1")).is_none());
    assert!(store.gc(&Limits::default()).is_ok());

    // Whoever may write anything, such as root, can't be kept out by permissions.
    let (_folder, store) = self::store();
    keep(&store, &action("1"), &pass("smoke", "ok"));
    let records = store.folder().join("records");
    fs::set_permissions(&records, fs::Permissions::from_mode(0o500)).unwrap();
    assert!(matches!(store.get(&action("1").key()), Lookup::Hit(_)));
    fs::set_permissions(&records, fs::Permissions::from_mode(0o700)).unwrap();
}

#[test]
fn the_nearest_pass_of_a_gate_explains_what_has_changed_since() {
    let (_folder, store) = store();
    let later = pass("smoke", "").started + Duration::from_mins(1);
    keep(&store, &action("1"), &pass("smoke", ""));
    keep(
        &store,
        &action("2"),
        &Outcome {
            started: later,
            ..pass("smoke", "")
        },
    );
    keep(
        &store,
        &action("3"),
        &Outcome {
            started: later + Duration::from_secs(1),
            ..pass("docs", "")
        },
    );
    // Of two that differ as much the later one.
    let (past, _) = store.nearest("smoke", &action("4")).unwrap();
    assert_eq!((past.key, past.started), (action("2").key(), later));
    let (past, differences) = store.nearest("smoke", &action("1")).unwrap();
    assert_eq!(past.key, action("1").key());
    assert!(differences.is_empty());
    let mut now = action("4");
    now.environment = BTreeMap::from([
        ("TOKEN".to_owned(), EnvValue::Set(b"hunter3".into())),
        ("LANG".to_owned(), EnvValue::Unset),
    ]);
    now.tools = BTreeMap::from([("ruby".to_owned(), Digest::of("3.4"))]);
    now.inputs = now
        .inputs
        .inputs()
        .map(|input| input.to_input())
        .chain([Input {
            path: b"b".as_slice().into(),
            kind: Kind::Link {
                text: b"a".as_slice().into(),
                dangling: false,
            },
        }])
        .collect::<Tree>();
    let (_, differences) = store.nearest("smoke", &now).unwrap();
    assert_eq!(differences.environment, ["LANG", "TOKEN"]);
    assert_eq!(differences.tools, ["ruby"]);
    assert_eq!(differences.inputs.changed, [b"a".as_slice().into()]);
    assert_eq!(differences.inputs.added, [b"b".as_slice().into()]);
    assert!(differences.definition.is_empty() && !differences.platform && !differences.sealed);
}

#[test]
fn what_was_used_least_recently_goes_first_and_takes_its_outputs_along() {
    let (folder, store) = store();
    let output = |name: &str| name.repeat(10_000);
    for name in ["a", "b", "c"] {
        keep(&store, &action(name), &pass("smoke", &output(name)));
    }
    let old = |name: &str, age| {
        let key = action(name).key().to_string();
        let record = folder.path().join("cache/v1/records").join(&key);
        let time = SystemTime::now() - Duration::from_secs(age);
        fs::File::open(record).unwrap().set_modified(time).unwrap();
    };
    for (name, age) in [("a", 300), ("b", 200), ("c", 100)] {
        old(name, age);
    }
    assert!(
        matches!(store.get(&action("a").key()), Lookup::Hit(_)),
        "it is there"
    );
    store.mark_used(&action("a").key());
    let hour = Duration::from_hours(1);
    let swept = store
        .gc(&Limits {
            bytes: 24_000,
            age: hour,
        })
        .unwrap();
    assert_eq!(swept.records, 1);
    let is_hit = |name| matches!(store.get(&action(name).key()), Lookup::Hit(_));
    assert_eq!(["a", "b", "c"].map(is_hit), [true, false, true]);
    assert!(store.stats().bytes <= 24_000);
    old("c", 7200);
    store
        .gc(&Limits {
            bytes: u64::MAX,
            age: hour,
        })
        .unwrap();
    assert_eq!(["a", "c"].map(is_hit), [true, false]);
    assert_eq!(store.verify().damaged, []);
    store.clear().unwrap();
    assert_eq!(store.stats(), super::Stats::default());
}

#[test]
fn many_who_store_look_and_sweep_at_once_never_see_half_an_entry() {
    let (_folder, store) = store();
    thread::scope(|scope| {
        for worker in 0..4 {
            let store = &store;
            scope.spawn(move || {
                for round in 0..60 {
                    let name = ((round + worker) % 5).to_string();
                    keep(store, &action(&name), &pass("smoke", &name.repeat(5000)));
                    if let Lookup::Hit(record) = store.get(&action(&name).key()) {
                        assert_eq!(record.stdout, name.repeat(5000).into_bytes());
                    }
                    if round % 10 == worker {
                        store
                            .gc(&Limits {
                                bytes: 12_000,
                                ..Limits::default()
                            })
                            .unwrap();
                    }
                    let looked = store.get(&action(&name).key());
                    assert!(!matches!(looked, Lookup::Damaged(_)), "{looked:?}");
                }
            });
        }
    });
    assert_eq!(store.verify().damaged, []);
}

#[test]
fn one_holds_the_lock_and_the_next_gets_it_when_that_is_dropped() {
    let (folder, store) = store();
    let key = action("1").key();
    let first = store.lock(&key);
    assert!(first.is_held());
    assert!(store.try_lock(&key).is_none());
    assert!(store.try_lock(&action("2").key()).is_some(), "another key");
    drop(first);
    let inside = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..50 {
                    let lock = store.lock(&key);
                    assert!(lock.is_held());
                    assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0, "alone");
                    thread::yield_now();
                    inside.fetch_sub(1, Ordering::SeqCst);
                }
            });
        }
    });
    assert_eq!(
        files(&folder.path().join("cache/v1/locks")),
        Vec::<PathBuf>::new()
    );
}

#[test]
fn the_folder_is_where_the_environment_says() {
    type Variables = &'static [(&'static str, &'static str)];
    let cases: [(Variables, Option<&str>); 6] = [
        (&[("FACTORY_CACHE_DIR", "c"), ("HOME", "/h")], Some("c")),
        (
            &[("XDG_CACHE_HOME", "/x"), ("HOME", "/h")],
            Some("/x/factory"),
        ),
        (
            &[("XDG_CACHE_HOME", "x"), ("HOME", "/h")],
            Some("/h/.cache/factory"),
        ),
        (
            &[("FACTORY_CACHE_DIR", ""), ("HOME", "/h")],
            Some("/h/.cache/factory"),
        ),
        (&[("HOME", "")], None),
        (&[], None),
    ];
    for (given, then) in cases {
        let env = |name: &str| {
            given
                .iter()
                .find(|(known, _)| *known == name)
                .map(|(_, value)| (*value).into())
        };
        assert_eq!(default_dir(&env), then.map(PathBuf::from), "{given:?}");
    }
}
