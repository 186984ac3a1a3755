use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::installation::Installation;
use super::supervisor::Owner;
use crate::project;

/// Fills `data` with a new cluster: a copy of the one that the first server of this version made.
pub(super) fn fill(data: &Path, installation: &Installation, owner: Owner) {
    let template = path(installation, owner);
    if template.is_dir() {
        return copy(&template, data);
    }
    let status = owner
        .run(&mut Command::new(installation.program("initdb")))
        .args(["--auth=trust", "--username=postgres", "--encoding=UTF8", "--locale=C"])
        .args(["--no-sync", "--no-instructions", "--wal-segsize=1", "-D"])
        .arg(data)
        .output()
        .expect("initdb runs");
    assert!(status.status.success(), "initdb: {}", String::from_utf8_lossy(&status.stderr));
    keep(data, &template);
}

/// Copies a cluster with its owner and modes.
pub(super) fn copy(from: &Path, to: &Path) {
    let status = Command::new("cp")
        .args(["-a", "--reflink=auto", "--"])
        .args([from, to])
        .status()
        .expect("cp runs");
    assert!(status.success(), "cannot copy {} to {}", from.display(), to.display());
}

fn path(installation: &Installation, owner: Owner) -> PathBuf {
    let name: String = installation
        .name()
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || c == '.' { c } else { '-' })
        .collect();
    project::target().join("servers").join(format!("{name}-{}", owner.uid))
}

/// Several tests may get here at once: the first whose copy is whole wins.
fn keep(data: &Path, template: &Path) {
    let folder = template.parent().expect("the template is in a folder");
    fs::create_dir_all(folder).expect("the target folder can be written");
    let draft = tempfile::tempdir_in(folder).expect("the target folder can be written");
    let copied = draft.path().join("data");
    copy(data, &copied);
    if fs::rename(&copied, template).is_err() {
        assert!(template.is_dir(), "cannot write {}", template.display());
    }
}
