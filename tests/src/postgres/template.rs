use std::path::PathBuf;

use super::installation::Installation;
use super::supervisor::{Owner, Supervisor};
use crate::project;

/// Gives the server a new cluster: a copy of the one that the first server of this version made.
pub(super) fn fill(supervisor: &mut Supervisor, installation: &Installation, owner: Owner) {
    let template = path(installation, owner);
    if template.is_dir() {
        return supervisor.copy_data(&template);
    }
    supervisor.create_data(&installation.program("initdb"));
    supervisor.keep_data(&template);
}

fn path(installation: &Installation, owner: Owner) -> PathBuf {
    let name: String = installation
        .name()
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || c == '.' { c } else { '-' })
        .collect();
    project::target().join("servers").join(format!("{name}-{}", owner.uid))
}
