"""One module a subcommand: `add(parser)` says its options, `run(args)` returns the exit code."""
