"""What a command raises to end with one clear line instead of a traceback."""


class UsageError(Exception):
    """The command line or the configuration is wrong: exit status 2."""


class CommandFailed(Exception):  # noqa: N818  # says what happened, as SystemExit does
    """The command was right but could not do its work: exit status 1."""
