//! Since when the passwords that consumers have are dead, as far as this environment knows.

use std::collections::VecDeque;
use std::time::SystemTime;

use crate::rotation::Old;
use crate::{Outcome, RotationEvent, SecretId, Step, VersionId};

/// As many rotations as an environment is in the middle of at once, and more: of one that was given up nobody tells.
const MOST: usize = 1_000;

/// What is known of each rotation that is under way.
#[derive(Debug, Default)]
pub(super) struct Outages(VecDeque<(SecretId, VersionId, State)>);

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum State {
    /// createSecret has just stored the next credential here, so nobody has set it yet.
    Stored,
    /// The old one works on.
    Works,
    DeadSince(SystemTime),
    /// It may be, since a change was tried whose end nobody knows.
    PerhapsSince(SystemTime),
}

impl Outages {
    /// Whether it is known what a rotation did to the old credential.
    pub(super) fn knows(&self, event: &RotationEvent) -> bool {
        matches!(self.state(event), Some(State::Works | State::DeadSince(_)))
    }

    /// Takes note of a step, and tells since when the old credential is dead where that is to be told now: at the end
    /// of the outage, and as long as it lasts with each step that fails.
    pub(super) fn after(
        &mut self,
        event: &RotationEvent,
        outcome: Option<Outcome>,
        old: Option<Old>,
    ) -> Option<SystemTime> {
        let before = self.state(event);
        let Some(outcome) = outcome else {
            match event.step {
                Step::Set if matches!(before, None | Some(State::Stored)) => {
                    // It may have been set all the same.
                    self.take(event);
                    if let Some(Old::Unknown { since }) = old {
                        self.note(event, State::PerhapsSince(since));
                    }
                }
                // Its version was set before, elsewhere if nothing was seen of that here.
                Step::Finish => {
                    if let Some(state) = old.and_then(|old| state(None, old)) {
                        self.note(event, state);
                    }
                }
                Step::Create | Step::Set | Step::Test => {}
            }
            return dead(self.state(event));
        };
        match event.step {
            Step::Create => {
                match (outcome, before) {
                    (Outcome::Changed, _) => self.note(event, State::Stored),
                    // A retry: whoever took the steps before may have set it.
                    (Outcome::Unchanged, Some(State::Stored)) => drop(self.take(event)),
                    (Outcome::Unchanged, _) => {}
                }
                None
            }
            Step::Set => {
                match (before, old) {
                    // The first to set it is the one that counts: the password has been dead since.
                    (Some(State::Works | State::DeadSince(_)), Some(_)) => {}
                    (_, Some(old)) => match state(before, old) {
                        Some(state) => self.note(event, state),
                        None => drop(self.take(event)),
                    },
                    // Nothing was looked at: the version is current by now, and somebody else has told.
                    (_, None) => drop(self.take(event)),
                }
                None
            }
            Step::Test => None,
            // Whoever moved the label before has told, or nobody can tell any more when that was.
            Step::Finish if outcome == Outcome::Unchanged => {
                self.take(event);
                None
            }
            Step::Finish => {
                let after = self.take(event).filter(|state| *state != State::Stored);
                dead(after.or_else(|| state(None, old?)))
            }
        }
    }

    fn state(&self, event: &RotationEvent) -> Option<State> {
        self.0.iter().find(|entry| is_of(entry, event)).map(|(.., state)| *state)
    }

    fn note(&mut self, event: &RotationEvent, state: State) {
        self.take(event);
        if self.0.len() >= MOST {
            self.0.pop_front();
        }
        self.0.push_back((event.secret_id.clone(), event.version.clone(), state));
    }

    fn take(&mut self, event: &RotationEvent) -> Option<State> {
        let place = self.0.iter().position(|entry| is_of(entry, event))?;
        self.0.remove(place).map(|(.., state)| state)
    }
}

fn is_of((secret, version, _): &(SecretId, VersionId, State), event: &RotationEvent) -> bool {
    *secret == event.secret_id && *version == event.version
}

fn dead(state: Option<State>) -> Option<SystemTime> {
    match state? {
        State::DeadSince(since) | State::PerhapsSince(since) => Some(since),
        State::Stored | State::Works => None,
    }
}

/// What a change left, never later than it was: where somebody else may have made it, it was after the next credential
/// was stored. `None` where nothing tells.
fn state(before: Option<State>, old: Old) -> Option<State> {
    let (here, worked, stored) = match old {
        Old::Works => return Some(State::Works),
        Old::Unknown { since } => return Some(State::PerhapsSince(since)),
        Old::Overwritten { here, worked, stored } => (here, worked, stored),
    };
    let first = worked.unwrap_or_else(|| before == Some(State::Stored));
    here.filter(|_| first).or(stored).map(State::DeadSince)
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;

    const CREATED: Duration = Duration::from_secs(10);
    const BEGAN: Duration = Duration::from_secs(20);

    fn event(step: Step, secret: &str) -> RotationEvent {
        let (secret_id, version) = (SecretId::new(secret), VersionId::new("v1"));
        RotationEvent { step, secret_id, version, rotation_token: None }
    }

    fn overwritten(here: bool, worked: Option<bool>) -> Old {
        let here = here.then_some(UNIX_EPOCH + BEGAN);
        Old::Overwritten { here, worked, stored: Some(UNIX_EPOCH + CREATED) }
    }

    /// Takes steps of one rotation, of which a failed one has no outcome, and tells what the last one does.
    fn told(steps: &[(Step, Option<Outcome>, Option<Old>)]) -> Option<Duration> {
        let mut outages = Outages::default();
        let mut last = None;
        for (step, outcome, old) in steps {
            last = outages.after(&event(*step, "app"), *outcome, *old);
        }
        last.map(|since| since.duration_since(UNIX_EPOCH).unwrap())
    }

    const CHANGED: Option<Outcome> = Some(Outcome::Changed);
    const UNCHANGED: Option<Outcome> = Some(Outcome::Unchanged);

    #[test]
    fn a_password_that_worked_until_it_was_overwritten_is_dead_since_then() {
        let set = (Step::Set, CHANGED, Some(overwritten(true, Some(true))));
        assert_eq!(told(&[set, (Step::Finish, CHANGED, None)]), Some(BEGAN));
    }

    #[test]
    fn one_that_nobody_has_tried_is_dead_since_the_first_change_after_it_was_stored() {
        let set = (Step::Set, CHANGED, Some(overwritten(true, None)));
        let finish = (Step::Finish, CHANGED, None);
        assert_eq!(told(&[(Step::Create, CHANGED, None), set, finish]), Some(BEGAN));
        for before in [
            &[][..],
            &[(Step::Create, UNCHANGED, None)],
            &[(Step::Create, CHANGED, None), (Step::Create, UNCHANGED, None)],
            &[(Step::Create, CHANGED, None), (Step::Set, None, None)],
        ] {
            assert_eq!(told(&[before, &[set, finish]].concat()), Some(CREATED), "{before:?}");
        }
    }

    #[test]
    fn one_that_somebody_else_overwrote_is_dead_since_the_next_one_was_created_at_the_earliest() {
        let set = (Step::Set, UNCHANGED, Some(overwritten(false, None)));
        assert_eq!(told(&[set, (Step::Finish, CHANGED, None)]), Some(CREATED));
        let unknown = Old::Overwritten { here: None, worked: None, stored: None };
        let set = (Step::Set, UNCHANGED, Some(unknown));
        assert_eq!(told(&[set, (Step::Finish, CHANGED, None)]), None);
    }

    #[test]
    fn one_that_was_dead_before_is_dead_since_the_next_one_was_created_at_the_latest() {
        let create = (Step::Create, CHANGED, None);
        let set = (Step::Set, CHANGED, Some(overwritten(true, Some(false))));
        assert_eq!(told(&[create, set, (Step::Finish, CHANGED, None)]), Some(CREATED));
    }

    #[test]
    fn a_retry_does_not_make_it_shorter() {
        let first = (Step::Set, CHANGED, Some(overwritten(true, Some(true))));
        let later = UNIX_EPOCH + Duration::from_secs(90);
        let again = Old::Overwritten { here: Some(later), worked: Some(true), stored: None };
        let again = (Step::Set, CHANGED, Some(again));
        assert_eq!(told(&[first, again, (Step::Finish, CHANGED, None)]), Some(BEGAN));
    }

    #[test]
    fn one_that_may_have_been_overwritten_is_told_while_steps_fail() {
        let unknown = (Step::Set, None, Some(Old::Unknown { since: UNIX_EPOCH + BEGAN }));
        assert_eq!(told(&[unknown]), Some(BEGAN));
        assert_eq!(told(&[unknown, (Step::Set, None, None)]), Some(BEGAN));
        // The retry finds that it was not, and does it.
        let later = UNIX_EPOCH + Duration::from_secs(90);
        let set = Old::Overwritten { here: Some(later), worked: Some(true), stored: None };
        let finish = (Step::Finish, CHANGED, None);
        let course = [unknown, (Step::Set, CHANGED, Some(set)), finish];
        assert_eq!(told(&course), Some(Duration::from_secs(90)));
        // Or that it was.
        let found = (Step::Set, UNCHANGED, Some(overwritten(false, None)));
        assert_eq!(told(&[unknown, found, finish]), Some(CREATED));
    }

    #[test]
    fn one_that_somebody_else_has_replaced_is_not_told() {
        let set = (Step::Set, CHANGED, Some(overwritten(true, Some(true))));
        assert_eq!(told(&[set, (Step::Finish, UNCHANGED, None)]), None);
        assert_eq!(told(&[set, (Step::Set, UNCHANGED, None), (Step::Test, None, None)]), None);
    }

    #[test]
    fn an_end_that_fails_tells_what_was_done_elsewhere() {
        let asked = (Step::Finish, None, Some(overwritten(false, None)));
        assert_eq!(told(&[asked]), Some(CREATED));
        assert_eq!(told(&[(Step::Create, CHANGED, None), asked]), Some(CREATED));
        assert_eq!(told(&[asked, (Step::Finish, CHANGED, None)]), Some(CREATED));
        assert_eq!(told(&[(Step::Finish, None, Some(Old::Works))]), None);
        assert_eq!(told(&[(Step::Finish, None, None)]), None);
    }

    #[test]
    fn it_is_told_once() {
        let set = (Step::Set, CHANGED, Some(overwritten(true, Some(true))));
        let finish = (Step::Finish, CHANGED, None);
        assert_eq!(told(&[set, finish, (Step::Finish, UNCHANGED, None)]), None);
    }

    #[test]
    fn what_is_remembered_has_a_bound() {
        let mut outages = Outages::default();
        for number in 0..=MOST {
            let set = event(Step::Set, &number.to_string());
            outages.after(&set, CHANGED, Some(overwritten(true, Some(true))));
        }
        assert_eq!(outages.0.len(), MOST);
        assert!(!outages.knows(&event(Step::Finish, "0")));
        assert!(outages.knows(&event(Step::Finish, &MOST.to_string())));
    }
}
