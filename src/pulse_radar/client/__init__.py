"""Following topics from Python: where a client stands, when it comes back, and the connection in between."""
