"""Who is measured: each peer set up as its own documentation says for production, where anyone may object to it."""
