//! The statements of a turn: the difference between what is and what should be, the password last.

use turnlock::{Class, Sensitive, TargetError, VersionId};

use super::catalog::{Scene, User};
use super::comparison;
use super::list::assigned;
use super::mark::Mark;
use super::ownership::{Loss, handing_over};
use super::state::{Key, ROLE, State, named};
use crate::sql::{literal, quoted};

/// From this version on, a grant has options of its own.
pub(super) const GRANTS_HAVE_OPTIONS: i32 = 160_000;

/// The part that the pending user has, with whatever doubt there was resolved.
#[derive(Debug)]
pub(crate) enum Part<'a> {
    /// A second login, of which there may be nothing yet.
    Second { first: &'a User, second: Option<&'a User>, origin: Origin },
    /// The first user; the second login is the current one, and has a mark unless AWS's function made it.
    First { first: &'a User, second: &'a User, mark: Option<Mark> },
}

/// Where a second login comes from.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Origin {
    /// We made it, or AWS's function did for this secret: whatever it owns was meant to be the first user's.
    Ours,
    /// Somebody made it for something else, and `rotation.adopt` hands it over now.
    Adopted,
    /// It was handed over in an earlier rotation.
    Kept,
}

/// What is to be done, and said.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    /// All but the last, which lets the user in.
    pub(crate) statements: Vec<Sensitive>,
    /// What a person should know.
    pub(crate) notes: Vec<String>,
    /// What needs more than CREATEROLE and ADMIN OPTION.
    pub(crate) demands: Vec<String>,
    /// The parameters among that.
    pub(crate) parameters: Vec<String>,
    /// The settings that are copied, in words.
    pub(crate) settings: Vec<String>,
    /// REPLICATION is among that.
    pub(crate) gives_replication: bool,
}

impl Plan {
    /// Makes the plan, or says why there can be none.
    pub(crate) fn of(
        scene: &Scene,
        part: &Part<'_>,
        pending: &str,
        version: &VersionId,
    ) -> Result<Self, TargetError> {
        let mut plan = Self::default();
        let (Part::Second { first, .. } | Part::First { first, .. }) = part;
        if first.expired {
            let user = quoted(&first.name);
            let text = format!(
                "VALID UNTIL of {} is over, and would be copied or come true at its turn: ALTER ROLE {user} \
                 VALID UNTIL 'infinity' ends it",
                first.name
            );
            return Err(TargetError::new(Class::Refused, text));
        }
        let known = match part {
            Part::Second { second, .. } => *second,
            Part::First { first, .. } => Some(*first),
        };
        if known.is_some_and(|user| !user.login) {
            let text = format!(
                "{pending} is locked (NOLOGIN), which no rotation does: somebody wants it so. It stays \
                 locked; ALTER ROLE {} LOGIN lets the rotation go on",
                quoted(pending)
            );
            return Err(TargetError::new(Class::Refused, text));
        }
        let second = if let Part::First { second, .. } = part { &second.name } else { pending };
        if let Some(problem) = State::of(first).acting_in_turn(first, second) {
            let text = format!("{problem}; run ALTER ROLE {} RESET role", quoted(&first.name));
            return Err(TargetError::new(Class::Refused, text));
        }
        match part {
            Part::Second { first, second, origin } => {
                plan.make_second(scene, first, *second, *origin, pending, version);
            }
            Part::First { first, second, mark } => {
                plan.return_to_first(scene, first, second, mark.as_ref(), version)?;
            }
        }
        Ok(plan)
    }

    fn make_second(
        &mut self,
        scene: &Scene,
        first: &User,
        second: Option<&User>,
        origin: Origin,
        name: &str,
        version: &VersionId,
    ) {
        let wanted = State::of(first);
        let new = fresh(name);
        let user = second.unwrap_or(&new);
        if second.is_none() {
            self.add(format!("CREATE ROLE {} NOLOGIN", quoted(name)));
        }
        self.join(scene, first, user);
        self.leave_others(scene, first, user);
        self.strip(first, user);
        let now = State::own(user);
        self.bring(scene, name, &now, &wanted);
        let mut left = user.objects_elsewhere.clone();
        if origin == Origin::Ours {
            self.hand_over(scene, user, first, Loss::Nobodys);
        } else if user.objects > 0 {
            left.push(scene.database.clone());
        }
        if !left.is_empty() && origin != Origin::Kept {
            self.notes.push(format!(
                "{name} owns objects that {} cannot use: {}",
                first.name,
                handing_over(&left, user, first)
            ));
        }
        if origin == Origin::Adopted {
            self.notes.push(format!(
                "{name} is taken over as a second login of {}, as rotation.adopt says: it acts as that role from now on",
                first.name
            ));
        }
        let digest = wanted.digest();
        let mark = Mark {
            first: digest.clone(),
            second: digest,
            version: version.as_str().into(),
            is_adopted: origin != Origin::Ours,
        };
        self.mark(user, &mark, &first.name);
    }

    fn return_to_first(
        &mut self,
        scene: &Scene,
        first: &User,
        second: &User,
        mark: Option<&Mark>,
        version: &VersionId,
    ) -> Result<(), TargetError> {
        if mark.is_none() {
            let lost = comparison::losses(second, first);
            if !lost.is_empty() {
                return Err(comparison::lacking(&first.name, &second.name, &lost));
            }
            if !second.objects_elsewhere.is_empty() {
                let text = format!(
                    "{} owns objects that {} could not use: {}",
                    second.name,
                    first.name,
                    handing_over(&second.objects_elsewhere, second, first)
                );
                return Err(TargetError::new(Class::Refused, text));
            }
        }
        let (own, mut its) = (State::of(first), State::of(second));
        let alone = its.acts_as(&second.name);
        let is_adopted = mark.is_some_and(|mark| mark.is_adopted);
        if !is_adopted {
            // Consumers are in sessions of the second one, and must not lose what it owns.
            if mark.is_none() && second.objects > 0 {
                self.join(scene, first, second);
            }
            let loss = if mark.is_none() || alone { Loss::Consumers } else { Loss::Nobodys };
            self.hand_over(scene, second, first, loss);
        }
        if alone && mark.is_some_and(|mark| mark.second != its.digest()) {
            let mended = its.acting_like(&own, &second.name);
            self.bring(scene, &second.name, &its, &mended);
            self.notes.push(format!(
                "{} was made to act as itself since the last rotation, and acts as {} again",
                second.name, first.name
            ));
            its = mended;
        }
        let (own_digest, its_digest) = (own.digest(), its.digest());
        let differences = own.differences(&its).join(", ");
        let mut digests = [own_digest.clone(), its_digest.clone()];
        match mark {
            _ if own == its => {}
            Some(mark) if mark.second != its_digest && mark.first == own_digest => {
                self.notes.push(format!(
                    "{} was changed since the last rotation, and {} is changed alike: {differences}",
                    second.name, first.name
                ));
                self.bring(scene, &first.name, &own, &its);
                digests = [its_digest.clone(), its_digest];
            }
            Some(mark) if mark.second != its_digest => {
                let text = format!(
                    "{} and {} were both changed since the last rotation, and differ in {differences}; make \
                     them alike by ALTER ROLE",
                    first.name, second.name
                );
                return Err(TargetError::new(Class::Refused, text));
            }
            Some(_) | None => self.notes.push(format!(
                "{} differs from {}, which is in use so far, and stays as it is: {differences}",
                first.name, second.name
            )),
        }
        let [own_digest, its_digest] = digests;
        let version = version.as_str().to_owned();
        let mark = Mark { first: own_digest, second: its_digest, version, is_adopted };
        self.mark(second, &mark, &first.name);
        Ok(())
    }

    fn join(&mut self, scene: &Scene, first: &User, user: &User) {
        if user.may_act_as(first) && user.inherits(first) {
            return;
        }
        let options =
            if scene.version >= GRANTS_HAVE_OPTIONS { " WITH INHERIT TRUE, SET TRUE" } else { "" };
        self.add(format!("GRANT {} TO {}{options}", quoted(&first.name), quoted(&user.name)));
        if scene.version < GRANTS_HAVE_OPTIONS && !user.inherit {
            self.add(format!("ALTER ROLE {} INHERIT", quoted(&user.name)));
        }
    }

    /// Takes away every other membership: what the first user lost, the second must not keep.
    fn leave_others(&mut self, scene: &Scene, first: &User, user: &User) {
        for grant in user.memberships.iter().filter(|grant| grant.role != first.name) {
            let by = match &grant.grantor {
                Some(grantor) if scene.version >= GRANTS_HAVE_OPTIONS => {
                    format!(" GRANTED BY {}", quoted(grantor))
                }
                _ => String::new(),
            };
            self.add(format!("REVOKE {} FROM {}{by}", quoted(&grant.role), quoted(&user.name)));
            self.demands.push(format!("taking {} away from {}", grant.role, user.name));
        }
    }

    /// Takes away attributes that the first user does not have.
    fn strip(&mut self, first: &User, user: &User) {
        let extra = comparison::attributes(user, first);
        if extra.is_empty() {
            return;
        }
        let all: String = extra.iter().map(|attribute| format!(" NO{attribute}")).collect();
        self.add(format!("ALTER ROLE {}{all}", quoted(&user.name)));
        self.demands.push(format!("taking {} away from {}", extra.join(" and "), user.name));
    }

    /// Changes what is to be kept in step.
    fn bring(&mut self, scene: &Scene, name: &str, now: &State, wanted: &State) {
        let user = quoted(name);
        let scope = |(database, _): &Key| match database {
            Some(database) => format!("ALTER ROLE {user} IN DATABASE {}", quoted(database)),
            None => format!("ALTER ROLE {user}"),
        };
        for key in now.settings.keys().filter(|key| !wanted.settings.contains_key(key)) {
            self.add(format!("{} RESET {}", scope(key), parameter(&key.1)));
            self.demand_parameter(scene, key);
        }
        for (key, value) in &wanted.settings {
            if now.settings.get(key) == Some(value) {
                continue;
            }
            if key.0.is_none() && key.1 == ROLE && value.expose() == name {
                self.add(format!("{} RESET {}", scope(key), parameter(ROLE)));
                continue;
            }
            if key.1 != ROLE {
                self.settings.push(named(key));
            }
            let text = assigned(&key.1, value.expose());
            self.add(format!("{} SET {} = {text}", scope(key), parameter(&key.1)));
            self.demand_parameter(scene, key);
            // Whoever sets it has to be allowed to use them too.
            if key.1 == "temp_tablespaces" && text != assigned(&key.1, "") {
                self.demands.push(format!("{} (GRANT CREATE ON TABLESPACE)", named(key)));
            }
        }
        if now.connection_limit != wanted.connection_limit {
            self.add(format!("ALTER ROLE {user} CONNECTION LIMIT {}", wanted.connection_limit));
        }
        if now.valid_until != wanted.valid_until {
            let until = wanted.valid_until.as_deref().unwrap_or("infinity");
            self.add(format!("ALTER ROLE {user} VALID UNTIL {}", literal(until)));
        }
        if now.replication != wanted.replication {
            let no = if wanted.replication { "" } else { "NO" };
            self.add(format!("ALTER ROLE {user} {no}REPLICATION"));
            self.demands.push("REPLICATION".into());
            self.gives_replication = true;
        }
    }

    fn demand_parameter(&mut self, scene: &Scene, key: &Key) {
        if scene.guards(&key.1) {
            self.demands.push(format!("{} (GRANT SET ON PARAMETER {})", named(key), key.1));
            self.parameters.push(key.1.clone());
        }
    }

    fn mark(&mut self, second: &User, mark: &Mark, first: &str) {
        let comment = mark.written(second.comment.as_deref(), first);
        self.add(format!("COMMENT ON ROLE {} IS {}", quoted(&second.name), literal(&comment)));
    }

    /// People keep tokens in settings, so that a statement is nothing to print.
    pub(super) fn add(&mut self, statement: String) {
        self.statements.push(Sensitive::new(statement));
    }
}

/// A role as `CREATE ROLE` makes it.
fn fresh(name: &str) -> User {
    User { name: name.to_owned(), inherit: true, connection_limit: -1, ..User::default() }
}

/// A parameter's name, each part of it.
fn parameter(name: &str) -> String {
    name.split('.').map(quoted).collect::<Vec<_>>().join(".")
}

/// The last statement: only now can the user log in.
pub(crate) fn let_in(user: &str, verifier: &Sensitive) -> Sensitive {
    Sensitive::new(format!("ALTER ROLE {} LOGIN PASSWORD '{}'", quoted(user), verifier.expose()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_part_of_a_parameters_name_is_quoted() {
        assert_eq!(parameter("my.setting"), r#""my"."setting""#);
    }
}
