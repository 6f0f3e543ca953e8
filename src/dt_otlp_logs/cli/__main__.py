"""`dt-otlp-logs`: the one place where commands are listed and exceptions become exit statuses.

Exit status: 0 when everything was done, 1 when the command could not do its work, 2 for a wrong command line
or configuration, 130 after Ctrl-C.
"""

import argparse
import importlib
import os
import sys
from collections.abc import Sequence

from dt_otlp_logs.cli.failure import CommandFailed, UsageError
from dt_otlp_logs.config import ConfigError

COMMANDS = ("demo", "send", "config", "queue", "emulate")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and answer its exit status; nothing a user can type ends in a traceback."""
    parser = _parser()
    arguments = parser.parse_args(argv)
    try:
        status = int(arguments.run(arguments))
        sys.stdout.flush()
    except (UsageError, ConfigError) as error:
        return _fail(error, 2)
    except CommandFailed as error:
        return _fail(error, 1)
    except ModuleNotFoundError as error:
        return _fail(f"this command needs the package {error.name}: pip install 'dt-otlp-logs[all]'", 1)
    except BrokenPipeError:
        # The reader of our output went away (`| head`): nothing more to say, and not to its closed pipe.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except KeyboardInterrupt:
        return _fail("stopped", 130)
    else:
        return status


def _parser() -> argparse.ArgumentParser:
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


def _fail(problem: object, status: int) -> int:
    print(f"dt-otlp-logs: {problem}", file=sys.stderr)
    return status


if __name__ == "__main__":
    sys.exit(main())
