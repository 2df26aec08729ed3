//! The control socket: HTTP with JSON over `STATE_DIR/proclaunch.sock`, its server and its clients.

pub mod api;
pub mod bridge;
pub mod client;
pub mod convert;
pub mod glob;
pub mod logs;
pub mod metrics;
pub mod openapi;
pub mod own;
pub mod render;
pub mod routes;
pub mod server;
pub mod usage;
