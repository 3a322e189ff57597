"""The verbs of `hqt`, one file a subject. Exit code 1 is findings, 2 usage, 3 refused input."""
