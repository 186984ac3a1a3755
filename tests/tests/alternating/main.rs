//! Two PostgreSQL users that take turns: one program, so that its tests share the machine well.

mod calm;
mod compare;
mod equality;
mod guard;
mod hammer;
mod legacy;
mod names;
mod preflight;
mod recovery;
mod repeats;
mod scale;
mod settings;
