"""What a live layer declares, for programs: its topics and typed events, as TypeScript, as AsyncAPI, and compared."""
