"""Following topics over a WebSocket: what to ask for, when to come back, what to print."""
