"""The embedded server, with real processes that are really killed."""
