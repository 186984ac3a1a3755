//! What only Amazon RDS, its replicas and Redshift do: one program, so that its tests share the machine well.

mod endpoints;
mod failovers;
mod managed_admins;
mod redshift;
mod redshift_logins;
mod replicas;
