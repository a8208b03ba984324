"""Who is measured: each peer set up as its own documentation says for production, in a file that anyone may object to."""
