//! One user of MySQL or MariaDB, rotated by the real function: one program, so that its tests share the machine well.

mod accounts;
mod calm;
mod dual_hammer;
mod leaks;
mod lockouts;
mod metrics;
mod odd;
mod policies;
mod preflight;
mod recovery;
mod refusals_of_networks;
mod refusals_of_servers;
mod repeats;
mod replicas;
mod way_back;
