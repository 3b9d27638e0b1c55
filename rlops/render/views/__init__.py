"""One module a command: its own tables, made from the answer's data."""
