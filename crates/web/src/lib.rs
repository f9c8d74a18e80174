//! HTTP and WebSocket for desktops and integrators.
