"""`dt-otlp-logs`: the one place where commands are listed and exceptions become exit statuses.

Exit status: 0 when everything was done, 1 when the command could not do its work, 2 for a wrong command line
or configuration, 130 after Ctrl-C.
"""

# Whatever else is needed is imported where Ctrl-C is already taken for what it is.
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse

COMMANDS = ("status", "demo", "send", "config", "queue", "emulate")

# Packages that come with an extra only; whoever starts the demo needs all of its own.
_EXTRAS = {"starlette": "emulator", "uvicorn": "emulator", "rich": "cli", "flask": "demo", "opentelemetry": "demo"}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and answer its exit status; nothing a user can type ends in a traceback."""
    try:
        return _guarded(sys.argv[1:] if argv is None else argv)
    except KeyboardInterrupt:
        from dt_otlp_logs.cli.standard_output import complain

        complain("stopped")
        return 130


def _guarded(argv: Sequence[str]) -> int:
    from dt_otlp_logs.cli import standard_output

    stand_in = standard_output.stand_in_if_closed()
    try:
        status, problem = _run(argv)
        unwritten = standard_output.flush(stand_in)
    except BrokenPipeError:
        # The reader of our output went away (`| head`): nothing more to say, and not to its closed pipe.
        standard_output.give_up()
        return 1
    except OSError as error:
        status, problem = 1, standard_output.in_words(error)
        unwritten = standard_output.flush(stand_in)
        # What was still buffered could not be written, either: the same problem.
        problem = "" if unwritten else problem
    finally:
        if stand_in is not None:
            sys.stdout = None  # as Python had left it
    for text in (problem, unwritten):
        if text:
            standard_output.complain(text)
    return status or int(bool(unwritten))


def _run(argv: Sequence[str]) -> tuple[int, str]:
    """Exit status, and what went wrong in words."""
    from dt_otlp_logs.cli.failure import CommandFailed, UsageError
    from dt_otlp_logs.config import ConfigError

    try:
        arguments = _parser().parse_args(argv)
        return int(arguments.run(arguments)), ""
    except SystemExit as end:  # argparse: after --help, or after a usage message
        return end.code if isinstance(end.code, int) else 1, ""
    except (UsageError, ConfigError) as error:
        return 2, str(error)
    except CommandFailed as error:
        return 1, str(error)
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        extra = "demo" if argv and argv[0] == "demo" else _EXTRAS.get(package, "all")
        return 1, f"this command needs the package {error.name}: pip install 'dt-otlp-logs[{extra}]'"


def _parser() -> "argparse.ArgumentParser":
    import argparse
    import importlib

    parser = argparse.ArgumentParser(
        prog="dt-otlp-logs",
        description="Python logs to Dynatrace over OTLP, every record accounted for.",
        epilog="Settings come from the environment (DT_ENDPOINT, DT_API_TOKEN, ...); `dt-otlp-logs config` "
        "shows each one, its value and where it came from.",
    )
    parser.add_argument("--version", action="version", version=f"dt-otlp-logs {_version()}")
    commands = parser.add_subparsers(title="commands", dest="command", metavar="COMMAND", required=True)
    for name in COMMANDS:
        module = importlib.import_module(f"dt_otlp_logs.cli.{name}")
        command = commands.add_parser(name, help=module.HELP, description=module.HELP)
        module.add_arguments(command)
        command.set_defaults(run=module.run)
    return parser


def _version() -> str:
    from dt_otlp_logs import __version__

    return __version__


if __name__ == "__main__":
    sys.exit(main())
