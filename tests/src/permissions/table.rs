//! What was found, as Markdown.

use std::fmt;

use super::{Grant, Way};

/// What the roles let each way do, whole and with one action less.
#[derive(Clone, Debug, Default)]
pub struct Table {
    /// Each way under the whole policy.
    pub whole: Vec<(Way, Result<(), Failure>)>,
    /// Each action that was taken away.
    pub rows: Vec<Row>,
}

/// One action taken away from one role.
#[derive(Clone, Debug)]
pub struct Row {
    /// Whose role.
    pub function: &'static str,
    /// What was taken away.
    pub grant: Grant,
    /// What became of that.
    pub outcome: Outcome,
}

/// What becomes of rotations without an action.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// These fail.
    Needed(Vec<(Way, Failure)>),
    /// None fails.
    Unneeded,
    /// A rotation cannot tell, for this reason.
    Unseen(&'static str),
}

/// How a rotation fails.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Failure {
    /// The step.
    pub step: String,
    /// The class of the error.
    pub class: String,
    /// What is said, without step and secret.
    pub text: String,
}

impl Table {
    /// What keeps the roles from being enough and not more; nothing, if they are proven.
    pub fn objections(&self) -> Vec<String> {
        let failed = self.whole.iter().filter_map(|(way, outcome)| {
            let failure = outcome.as_ref().err()?;
            Some(format!("{} fails under the whole policy: {failure}", way.name))
        });
        let unneeded = self.rows.iter().filter(|row| matches!(row.outcome, Outcome::Unneeded));
        let unneeded = unneeded.map(|Row { function, grant, .. }| {
            format!("{function} needs no {} of {}", grant.action, grant.statement)
        });
        failed.chain(unneeded).collect()
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, `{}`: {}", self.step, self.class, self.text)
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "| under the whole policy | |\n|---|---|")?;
        for (way, outcome) in &self.whole {
            match outcome {
                Ok(()) => writeln!(f, "| {} | rotates |", way.name)?,
                Err(failure) => writeln!(f, "| {} | **fails**: {failure} |", way.name)?,
            }
        }
        writeln!(f, "\n| role | statement | action taken away | what fails |\n|---|---|---|---|")?;
        // Of a statement that no rotation sees, one line is enough.
        let alike = |one: &Row, other: &Row| {
            let is_unseen = |row: &Row| matches!(row.outcome, Outcome::Unseen(_));
            let statement = |row: &Row| (row.function, row.grant.statement.clone());
            is_unseen(one) && is_unseen(other) && statement(one) == statement(other)
        };
        for rows in self.rows.chunk_by(alike) {
            let [Row { function, grant, outcome }, ..] = rows else { continue };
            let actions: Vec<_> =
                rows.iter().map(|row| format!("`{}`", row.grant.action)).collect();
            write!(f, "| {function} | {} | {} | ", grant.statement, actions.join(", "))?;
            match outcome {
                Outcome::Needed(failures) => {
                    let of_role = self.whole.iter().filter(|(way, _)| way.function == *function);
                    write_failures(f, failures, of_role.count())?;
                }
                Outcome::Unneeded => write!(f, "**nothing**")?,
                Outcome::Unseen(reason) => write!(f, "not seen: {reason}")?,
            }
            writeln!(f, " |")?;
        }
        Ok(())
    }
}

/// Those that fail alike are named together, and not by name where they are all there are.
fn write_failures(
    f: &mut fmt::Formatter<'_>,
    failures: &[(Way, Failure)],
    all: usize,
) -> fmt::Result {
    let mut kinds: Vec<&Failure> = Vec::new();
    for (_, failure) in failures {
        if !kinds.contains(&failure) {
            kinds.push(failure);
        }
    }
    for (number, kind) in kinds.into_iter().enumerate() {
        let alike = failures.iter().filter(|(_, failure)| failure == kind);
        let names: Vec<_> = alike.map(|(way, _)| way.name).collect();
        let separator = if number == 0 { "" } else { "<br>" };
        let names = if names.len() == all { "all".to_owned() } else { names.join("; ") };
        write!(f, "{separator}{names} – {kind}")?;
    }
    Ok(())
}
