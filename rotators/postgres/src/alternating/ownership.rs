//! What a second user owns, and the first has to have.

use turnlock::Sensitive;

use super::catalog::{Scene, User};
use super::plan::{GRANTS_HAVE_OPTIONS, Plan};
use crate::sql::{literal, quoted};

/// Whose loss it is if the first user does not get what the second one owns.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Loss {
    /// The second user acts as itself, and its consumers are about to become the first: they must not lose it.
    Consumers,
    /// Nobody can use it as things are, and no rotation has to wait for it.
    Nobodys,
}

impl Plan {
    /// Gives the first user what the second one owns: what AWS's function had it make as itself, and what a
    /// session makes that is older than the pair or says SET ROLE NONE.
    ///
    /// The admin has to have the privileges of both meanwhile.
    pub(super) fn hand_over(&mut self, scene: &Scene, second: &User, first: &User, loss: Loss) {
        if second.objects == 0 {
            return;
        }
        let me = "CURRENT_USER";
        let mut after = Vec::new();
        for user in [second, first].map(|user| (quoted(&user.name), user)) {
            let (name, user) = user;
            if user.usable && user.settable || scene.me.superuser {
                continue;
            }
            if scene.version >= GRANTS_HAVE_OPTIONS {
                let grantor = user.grantor.as_deref().unwrap_or(&scene.me.name);
                let by = quoted(grantor);
                let grant = |inherit, set| {
                    format!(
                        "GRANT {name} TO {me} WITH INHERIT {inherit}, SET {set} GRANTED BY {by}"
                    )
                };
                self.add(grant(true, true));
                let had = scene.me.own_grants.iter().find(|grant| {
                    grant.role == user.name && grant.grantor.as_deref() == Some(grantor)
                });
                after.push(match had {
                    Some(had) => grant(had.inherit, had.set),
                    None => format!("REVOKE {name} FROM {me} GRANTED BY {by}"),
                });
            } else if !user.member {
                self.add(format!("GRANT {name} TO {me}"));
                after.push(format!("REVOKE {name} FROM {me}"));
            }
        }
        let reassign =
            format!("REASSIGN OWNED BY {} TO {}", quoted(&second.name), quoted(&first.name));
        match loss {
            Loss::Consumers => {
                self.add(reassign);
                self.demands.push(format!("handing over what {} owns", second.name));
            }
            Loss::Nobodys => {
                let attempt = format!(
                    "BEGIN {reassign}; \
                     EXCEPTION WHEN insufficient_privilege OR lock_not_available THEN NULL; END"
                );
                self.add(format!("DO {}", literal(&attempt)));
            }
        }
        self.statements.extend(after.into_iter().map(Sensitive::new));
        let limits = match loss {
            Loss::Consumers => "",
            Loss::Nobodys => " if the admin may and nobody holds a lock on them",
        };
        self.notes.push(format!(
            "{} objects of {} are handed over to {}{limits}: from now on, one acts as the other",
            second.objects, second.name, first.name
        ));
    }
}

/// What to do about the objects that are left in some databases.
pub(crate) fn handing_over(databases: &[String], second: &User, first: &User) -> String {
    format!(
        "in the databases {}, run REASSIGN OWNED BY {} TO {}",
        databases.join(", "),
        quoted(&second.name),
        quoted(&first.name)
    )
}
