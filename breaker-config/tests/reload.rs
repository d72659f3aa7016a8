//! Reading the file again while the program runs.

mod common;

use std::fs;
use std::sync::mpsc::channel;
use std::time::Duration;

use breaker_config::{Configured, File, Reload};
use breaker_runtime::{Config, EventKind, Registry};
use common::{Folder, Reloads, own};

const ONE: &str = "[circuits.a]\ncooldown = '1s'\n";
const TWO: &str = "[circuits.a]\ncooldown = '2s'\n";
const WRONG: &str = "[circuits.a]\ncooldown = 2\n";

fn cooldown(registry: &Registry) -> u64 {
    registry.get("a").expect("a circuit").snapshot().config.settings().cooldown.as_secs()
}

fn watch(path: impl Into<std::path::PathBuf>) -> (&'static Registry, Configured, Reloads) {
    let own = own();
    own.circuit("a", Config::new()).expect("a good config");
    let (file, reloads) = Reloads::of(File::new(path).registry(own).directives("").watch(true));
    (own, file.apply().expect("good settings"), reloads)
}

#[test]
fn a_file_that_is_replaced_is_read_again() {
    let folder = Folder::new();
    let (own, _config, reloads) = watch(folder.write("breaker.toml", ONE));
    assert_eq!(cooldown(own), 1);
    folder.replace("breaker.toml", TWO);
    assert!(reloads.next().is_applied());
    assert_eq!(cooldown(own), 2);
}

#[test]
fn a_file_that_is_written_in_place_is_read_again() {
    let folder = Folder::new();
    let (own, _config, reloads) = watch(folder.write("breaker.toml", ONE));
    folder.write("breaker.toml", TWO);
    // In place, the empty file between may be seen as well.
    while cooldown(own) != 2 {
        reloads.next();
    }
}

#[test]
fn each_changed_circuit_causes_one_event_with_the_places() {
    let folder = Folder::new();
    let (own, _config, reloads) = watch(folder.write("breaker.toml", ONE));
    own.circuit("b", Config::new()).unwrap();
    let (told, heard) = channel();
    let listening = own.subscribe_to_changes(move |event| {
        if let EventKind::Reconfigured(changes) = &event.kind {
            let change = changes.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
            let _ = told.send((event.name.clone(), change));
        }
    });
    folder.replace("breaker.toml", &format!("# a comment\n{TWO}"));
    reloads.next();
    drop(listening);
    let events: Vec<_> = heard.iter().collect();
    assert_eq!(events.len(), 1, "{events:?}");
    let place = format!("{}/breaker.toml", folder.path().display());
    let change = format!("cooldown=2s (was 1s, {place}:2; from {place}:3)");
    assert_eq!(events[0].0, "a");
    // Then what follows from it: `cooldown_max` is ten times that.
    assert!(events[0].1.starts_with(&change), "{events:?}");
}

#[test]
fn wrong_settings_leave_the_old_ones_and_are_shown_until_they_are_right() {
    let folder = Folder::new();
    let (own, _config, reloads) = watch(folder.write("breaker.toml", ONE));
    folder.replace("breaker.toml", WRONG);
    let Reload::Refused(errors) = reloads.next() else { panic!("they are wrong") };
    assert!(errors.to_string().contains("breaker.toml:2:12: `cooldown` needs a unit"), "{errors}");
    let place = format!("{}/breaker.toml", folder.path().display());
    let mistake = format!("{place}:2:12: `cooldown` needs a unit: write `\"2s\"` or `\"2ms\"`");
    assert_eq!(own.snapshot().refused, [mistake]);
    assert_eq!(cooldown(own), 1);
    // The same text as before the mistake.
    folder.replace("breaker.toml", ONE);
    assert!(reloads.next().is_applied());
    assert!(own.snapshot().refused.is_empty());
}

#[test]
fn a_password_in_a_broken_line_does_not_reach_the_registry() {
    let folder = Folder::new();
    let (own, _config, reloads) = watch(folder.write("breaker.toml", ONE));
    for broken in [
        "redis = \"redis://:secret@host/",
        "redis = 'redis://:secret@host/",
        "redis = redis://:secret@host/",
        "redis = \"redis://:secret@host/\" secret",
        "redis = \"\"\"redis://:secret@host/",
        "redis = \"\\qredis://:secret@host/\"",
        "redis = [\"redis://:secret@host/\"",
        "redis = { url = \"redis://:secret@host/\"",
        "redis \"redis://:secret@host/\"",
        "redis = \"redis://:secret@host/\"\nredis = \"redis://:secret@host/\"",
    ] {
        folder.replace("breaker.toml", &format!("{ONE}[fleet]\n{broken}\n"));
        assert!(matches!(reloads.next(), Reload::Refused(_)), "{broken}");
        let refused = own.snapshot().refused;
        assert!(!refused.is_empty());
        assert!(!refused.concat().contains("secret"), "{refused:#?}");
    }
}

#[test]
fn a_deleted_file_is_told_once_and_may_return() {
    let folder = Folder::new();
    let path = folder.write("breaker.toml", ONE);
    let (own, _config, reloads) = watch(&path);
    fs::remove_file(&path).unwrap();
    assert!(matches!(reloads.next(), Reload::Gone));
    assert_eq!(cooldown(own), 1);
    assert!(own.snapshot().refused[0].ends_with("the file is gone; its last settings stay"));
    folder.write("another file", "");
    folder.replace("breaker.toml", TWO);
    assert!(reloads.next().is_applied(), "not gone twice");
    assert_eq!(cooldown(own), 2);
    assert!(own.snapshot().refused.is_empty());
}

#[test]
fn a_change_that_leaves_the_text_the_same_does_nothing() {
    let folder = Folder::new();
    let (_, _config, reloads) = watch(folder.write("breaker.toml", ONE));
    folder.replace("breaker.toml", ONE);
    folder.write("another file", "");
    folder.replace("breaker.toml", TWO);
    assert!(reloads.next().is_applied());
    assert!(reloads.rest().is_empty());
}

#[test]
#[cfg(unix)]
fn a_swap_of_links_is_a_change_as_kubernetes_makes_it() {
    use std::os::unix::fs::symlink;
    let folder = Folder::new();
    let at = |name: &str| folder.path().join(name);
    for (version, text) in [("..v1", ONE), ("..v2", TWO)] {
        fs::create_dir(at(version)).unwrap();
        folder.write(&format!("{version}/breaker.toml"), text);
    }
    symlink("..v1", at("..data")).unwrap();
    symlink("..data/breaker.toml", at("breaker.toml")).unwrap();
    let (own, _config, reloads) = watch(at("breaker.toml"));
    assert_eq!(cooldown(own), 1);
    symlink("..v2", at("..data_tmp")).unwrap();
    fs::rename(at("..data_tmp"), at("..data")).unwrap();
    fs::remove_dir_all(at("..v1")).unwrap();
    assert!(reloads.next().is_applied());
    assert_eq!(cooldown(own), 2);
}

#[test]
#[cfg(unix)]
fn a_link_to_another_folder_is_followed_also_when_it_moves() {
    use std::os::unix::fs::symlink;
    let (here, there, elsewhere) = (Folder::new(), Folder::new(), Folder::new());
    let link = here.path().join("breaker.toml");
    symlink(there.write("a.toml", ONE), &link).unwrap();
    let (own, _config, reloads) = watch(&link);
    there.replace("a.toml", TWO);
    assert!(reloads.next().is_applied());
    assert_eq!(cooldown(own), 2);
    symlink(elsewhere.write("b.toml", ONE), here.path().join("tmp")).unwrap();
    fs::rename(here.path().join("tmp"), &link).unwrap();
    assert!(reloads.next().is_applied());
    elsewhere.replace("b.toml", TWO);
    assert!(reloads.next().is_applied());
    assert_eq!(cooldown(own), 2);
}

#[test]
fn a_folder_that_is_replaced_is_found_again() {
    let folder = Folder::new();
    let inner = folder.path().join("etc");
    fs::create_dir(&inner).unwrap();
    let (own, _config, reloads) = watch(folder.write("etc/breaker.toml", ONE));
    fs::rename(&inner, folder.path().join("old")).unwrap();
    fs::create_dir(&inner).unwrap();
    folder.write("etc/breaker.toml", TWO);
    while cooldown(own) != 2 {
        reloads.next();
    }
}

#[test]
fn what_becomes_unreadable_is_refused_once() {
    let folder = Folder::new();
    let path = folder.write("breaker.toml", ONE);
    let (own, _config, reloads) = watch(&path);
    fs::write(folder.path().join("tmp"), b"\xff").unwrap();
    fs::rename(folder.path().join("tmp"), &path).unwrap();
    assert!(matches!(reloads.next(), Reload::Refused(_)));
    folder.write("another file", "");
    folder.replace("breaker.toml", TWO);
    assert!(reloads.next().is_applied());
    assert_eq!(cooldown(own), 2);
}

#[test]
fn directives_stay_above_a_file_that_changes() {
    let folder = Folder::new();
    let own = own();
    own.circuit("a", Config::new()).unwrap();
    let file = File::new(folder.write("breaker.toml", ONE)).registry(own).watch(true);
    let (file, reloads) = Reloads::of(file.directives("a.cooldown=9s"));
    let _config = file.apply().unwrap();
    folder.replace("breaker.toml", TWO);
    reloads.next();
    assert_eq!(cooldown(own), 9);
}

#[test]
fn dropping_it_ends_the_watch_at_once() {
    let folder = Folder::new();
    let (own, config, reloads) = watch(folder.write("breaker.toml", ONE));
    let began = std::time::Instant::now();
    drop(config);
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
    folder.replace("breaker.toml", TWO);
    // The listener went with the thread, so the channel has no other end.
    assert!(reloads.is_over());
    assert_eq!(cooldown(own), 1);
}

#[test]
fn a_listener_may_panic_or_drop_the_watch() {
    let folder = Folder::new();
    let own = own();
    own.circuit("a", Config::new()).unwrap();
    let (give, take) = channel::<Configured>();
    let (told, heard) = channel();
    let file = File::new(folder.write("breaker.toml", ONE)).registry(own).watch(true);
    let file = file.directives("").on_reload(move |reload| {
        let is_applied = reload.is_applied();
        if is_applied {
            drop(take.recv());
        }
        told.send(is_applied).expect("somebody hears");
        assert!(is_applied, "as this test wants it");
    });
    let config = file.apply().unwrap();
    folder.replace("breaker.toml", WRONG);
    assert!(!heard.recv_timeout(Duration::from_secs(30)).unwrap());
    give.send(config).unwrap();
    folder.replace("breaker.toml", TWO);
    assert!(heard.recv_timeout(Duration::from_secs(30)).unwrap());
    assert!(heard.recv_timeout(Duration::from_secs(30)).is_err(), "the thread ended");
}
