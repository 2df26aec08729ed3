//! The examples of how ProcLaunch itself is run are what systemd, Kubernetes and this program understand.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use proclaunch::cli::Typed;
use proclaunch_tests::sandbox::binary;
use yaml_rust2::{Yaml, YamlLoader};

use super::{printed, skipped};

fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../profiles-examples/deploy").canonicalize().unwrap()
}

/// Understands a command line; the program's path comes first.
#[track_caller]
fn understood(words: &[&str]) -> Typed {
    Typed::parse(words.iter().map(OsString::from)).unwrap_or_else(|error| panic!("{words:?}: {error}"))
}

#[test]
fn the_unit_is_good_and_its_commands_are_understood() {
    let unit = fs::read_to_string(examples().join("proclaunch.service")).unwrap();
    let mut verbs = 0;
    for line in unit.lines().filter(|line| line.starts_with("Exec")) {
        let (what, command) = line.split_once('=').unwrap();
        let words: Vec<&str> = command.split_whitespace().collect();
        assert_eq!(words[0], "/usr/local/bin/proclaunch");
        match understood(&words) {
            Typed::Serve(arguments) => assert!(arguments.foreground && what == "ExecStart", "{line}"),
            Typed::Verb(_) => verbs += 1,
        }
    }
    assert_eq!(verbs, 2);
    // The program need not be installed here: the one that was built stands for it.
    let temp = tempfile::tempdir().unwrap();
    let path = temp.path().join("proclaunch.service");
    fs::write(&path, unit.replace("/usr/local/bin/proclaunch", binary().to_str().unwrap())).unwrap();
    let mut verify = Command::new("systemd-analyze");
    verify.args(["verify", "--man=no"]).arg(&path);
    match verify.output() {
        Ok(output) => {
            let said = String::from_utf8_lossy(&output.stderr);
            let ours: Vec<&str> = said.lines().filter(|line| line.contains("proclaunch")).collect();
            assert!(ours.is_empty(), "{said}");
            assert!(output.status.success() || !said.is_empty(), "{output:?}");
        }
        Err(error) => skipped(&format!("systemd-analyze: {error}")),
    }
}

fn manifests() -> Vec<Yaml> {
    YamlLoader::load_from_str(&fs::read_to_string(examples().join("kubernetes.yaml")).unwrap()).unwrap()
}

#[test]
fn the_manifest_asks_what_is_served() {
    let all = manifests();
    let deployment = all.iter().find(|one| one["kind"].as_str() == Some("Deployment")).unwrap();
    let pod = &deployment["spec"]["template"]["spec"];
    let container = &pod["containers"][0];
    let strings = |list: &'static str| {
        let list = container[list].as_vec().unwrap();
        list.iter().map(|one| one.as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let words = [strings("command"), strings("args")].concat();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    assert!(matches!(understood(&words), Typed::Serve(_)));
    let port = container["ports"].as_vec().unwrap();
    let port = port.iter().find(|port| port["name"].as_str() == Some("proclaunch")).unwrap();
    assert!(
        words.iter().any(|word| word.ends_with(&format!(":{}", port["containerPort"].as_i64().unwrap())))
    );
    for (probe, path) in
        [("livenessProbe", "/livez"), ("readinessProbe", "/readyz"), ("startupProbe", "/livez")]
    {
        let get = &container[probe]["httpGet"];
        assert_eq!((get["path"].as_str(), get["port"].as_str()), (Some(path), Some("proclaunch")), "{probe}");
    }
    let mounts = container["volumeMounts"].as_vec().unwrap();
    let volumes = pod["volumes"].as_vec().unwrap();
    assert_eq!(mounts.len(), volumes.len());
    for mount in mounts {
        assert!(volumes.iter().any(|volume| volume["name"] == mount["name"]), "{mount:?}");
    }
}

#[test]
fn the_profiles_of_the_manifest_are_clean_as_kubernetes_mounts_them() {
    let temp = tempfile::tempdir().unwrap();
    for map in manifests().iter().filter(|one| one["kind"].as_str() == Some("ConfigMap")) {
        let name = map["metadata"]["name"].as_str().unwrap().strip_prefix("shop-").unwrap();
        // A ConfigMap is mounted as links through a link that is switched.
        let data = temp.path().join(name).join("..2026");
        fs::create_dir_all(&data).unwrap();
        std::os::unix::fs::symlink("..2026", temp.path().join(name).join("..data")).unwrap();
        for (file, text) in map["data"].as_hash().unwrap() {
            let file = file.as_str().unwrap();
            // What the manifest runs is not installed here.
            let text = text.as_str().unwrap().replace("/srv/shop/", "/bin/true ");
            fs::write(data.join(file), text).unwrap();
            let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
            fs::set_permissions(data.join(file), mode).unwrap();
            let link = temp.path().join(name).join(file);
            std::os::unix::fs::symlink(Path::new("..data").join(file), link).unwrap();
        }
    }
    let text = printed(temp.path(), &["check", "--strict"], 0);
    assert_eq!(text, "2 profiles checked: 0 errors, 0 warnings\n");
}
