//! Who may use whom. A new entry in the table below is a decision about the
//! design, not a repair of this test.

use std::collections::BTreeMap;

use cargo_metadata::{DependencyKind, MetadataCommand, Package};

/// Each crate of the workspace with the crates of the workspace that it may
/// use, in its tests too. Imports point down only.
const MAY_USE: [(&str, &[&str]); 9] = [
    ("invert", &[]),
    ("wire", &[]),
    ("hub", &[]),
    ("history", &["hub"]),
    ("negaphone", &["history", "hub", "invert", "wire"]),
    // A black-box judge: it must not take the server's or the hub's word for anything.
    ("loadgen", &["invert", "wire"]),
    ("tests", &["history", "hub", "invert", "loadgen", "negaphone", "wire"]),
    ("benches", &["history", "hub", "invert", "loadgen", "negaphone", "tests", "wire"]),
    ("xtask", &[]),
];

/// A crate with the names of those that it uses.
type Uses = BTreeMap<String, Vec<String>>;

/// What a crate of the workspace depends on, whether of the workspace or not.
fn dependencies(wanted: impl Fn(DependencyKind) -> bool) -> Uses {
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
    let metadata = MetadataCommand::new().manifest_path(manifest).no_deps().exec().expect("cargo metadata works");
    let names = |package: &Package| {
        let dependencies = package.dependencies.iter().filter(|dependency| wanted(dependency.kind));
        dependencies.map(|dependency| dependency.name.clone()).collect()
    };
    metadata.workspace_packages().iter().map(|package| (package.name.to_string(), names(package))).collect()
}

/// Each breach of the table, as a sentence that says what to change.
fn breaches(table: &[(&str, &[&str])], uses: &Uses) -> Vec<String> {
    let mut breaches = Vec::new();
    for (user, used) in uses {
        let Some((_, allowed)) = table.iter().find(|(name, _)| name == user) else {
            breaches.push(format!("{user} is new: add it to MAY_USE with the crates that it may use"));
            continue;
        };
        let ours = used.iter().filter(|name| uses.contains_key(*name));
        let forbidden = ours.filter(|name| !allowed.contains(&name.as_str()));
        breaches
            .extend(forbidden.map(|name| format!("{user} must not use {name}: remove it from {user}'s Cargo.toml")));
    }
    let gone = table.iter().filter(|(name, _)| !uses.contains_key(*name));
    breaches.extend(gone.map(|(name, _)| format!("{name} is no member of the workspace: remove it from MAY_USE")));
    breaches
}

/// Those of `forbidden` that `user` depends on.
fn used_of<'a>(uses: &Uses, user: &str, forbidden: &[&'a str]) -> Vec<&'a str> {
    let used = uses.get(user).unwrap_or_else(|| panic!("{user} is no member of the workspace"));
    forbidden.iter().copied().filter(|name| used.iter().any(|used| used == name)).collect()
}

#[test]
fn every_crate_uses_only_what_the_table_allows() {
    assert_eq!(breaches(&MAY_USE, &dependencies(|_| true)), Vec::<String>::new());
}

#[test]
fn the_table_names_each_kind_of_breach() {
    let uses: Uses = [("hub", ["serde", "wire"].as_slice()), ("wire", &[]), ("new", &[])]
        .map(|(user, used)| (user.to_owned(), used.iter().map(ToString::to_string).collect()))
        .into();
    assert_eq!(
        breaches(&[("hub", &[]), ("wire", &[]), ("old", &[])], &uses),
        [
            "hub must not use wire: remove it from hub's Cargo.toml",
            "new is new: add it to MAY_USE with the crates that it may use",
            "old is no member of the workspace: remove it from MAY_USE",
        ]
    );
}

#[test]
fn the_hub_knows_no_socket_and_no_protocol() {
    let uses = dependencies(|kind| kind == DependencyKind::Normal);
    let forbidden = ["axum", "http", "hyper", "hyper-util", "serde_json", "socket2", "tokio-tungstenite"];
    assert_eq!(used_of(&uses, "hub", &forbidden), [""; 0], "whatever needs these belongs into a door of the server");
}

#[test]
fn images_and_codecs_know_no_async_runtime() {
    let uses = dependencies(|_| true);
    for user in ["invert", "wire"] {
        assert_eq!(used_of(&uses, user, &["tokio", "tokio-util"]), [""; 0], "{user} is bytes in, values out");
    }
}

#[test]
fn a_bare_cargo_run_starts_the_server() {
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml");
    let metadata = MetadataCommand::new().manifest_path(manifest).no_deps().exec().unwrap();
    let packages = metadata.workspace_default_packages();
    let targets = packages.iter().flat_map(|package| &package.targets);
    let binaries: Vec<_> = targets.filter(|target| target.is_bin()).map(|target| target.name.as_str()).collect();
    assert_eq!(binaries, ["negaphone"], "with two, cargo asks which one");
}
