"""The two errors a user is meant to read. Everything else is a bug and keeps its traceback."""


class UserError(Exception):
    """Something the user can mend: a missing model, a full disk, a column that is not there.

    The message says what was found, what was expected and what to do.
    """


class ConfigError(UserError):
    """One or more faults of the config, found before any job starts.

    Each fault is one line: `file: key.path: what was found; what was expected; what to change`.
    """

    def __init__(self, faults: list[str]):
        self.faults = faults
        super().__init__("\n".join(faults))
