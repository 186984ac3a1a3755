//! Two users of MySQL or MariaDB that take turns: one program, so that its tests share the machine well.

mod accounts;
mod equality;
mod guard;
mod hammer;
mod preflight;
mod recovery;
mod scale;
mod statements;
mod switch;
mod zoo;
