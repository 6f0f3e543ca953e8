"""`dt-otlp-logs emulate`: a local Dynatrace to send logs to, until Ctrl-C."""

import argparse
import ipaddress
from dataclasses import replace
from typing import TYPE_CHECKING

from dt_otlp_logs.cli.failure import CommandFailed, UsageError
from dt_otlp_logs.cli.port import cannot_listen, port_number

if TYPE_CHECKING:
    from dt_otlp_logs.emulator import EmulatorSettings

HELP = "run a local Dynatrace: both log ingest paths, faults to order, and a look at what it received"

DEFAULT_PORT = 14680

# Flags that are fields of EmulatorSettings with a few allowed values: (flag, values, help).
_CHOICES = (
    ("profile", ("grail", "grail_classic_pipeline", "classic"), "kind of environment: sets limits and value types"),
    ("structure", ("raw", "flattened"), "data model when a request does not say"),
    ("stale", ("partial", "whole_request"), "what is refused when one record is too old"),
    ("ahead", ("now", "ten_minutes_ahead"), "what becomes of a time stamp too far ahead"),
    ("request_limit_counts", ("uncompressed", "compressed"), "what the request limits count"),
    ("partial_success_key", ("details", "success"), "key of the JSON body of a 200"),
    ("too_deep", ("by_route", "marker", "drop"), "what becomes of attributes nested deeper than five"),
    ("fatal_and_trace", ("table", "own"), "loglevel of FATAL and TRACE"),
    ("apps_hosts", ("not_found", "served"), "answer to a Host with `.apps.` in it"),
)
_SIZES = (
    ("otlp_max_request_bytes", "limit of an OTLP request"),
    ("json_max_request_bytes", "limit of a JSON request"),
    ("max_records_per_request", "limit of records in one request"),
    ("max_stored_records", "how many records are kept, newest first"),
    ("max_stored_bytes", "how many bytes of records are kept, newest first"),
)
_STATUSES = (
    ("missing_scope_status", (403, 401), "answer to a token without logs.ingest"),
    ("wrong_content_type_status", (415, 400), "answer to a content type that is not accepted"),
)
_OFF = (
    ("platform_tokens", "refuse platform tokens (Bearer)"),
    ("otlp_ingest_enabled", "answer 404 on the OTLP path"),
    ("log_collector_enabled", "answer 404 on the JSON path"),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The flags of the command."""
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument(
        "--allow-remote", action="store_true", help="allow a --host that other machines can reach; there is no TLS"
    )
    parser.add_argument(
        "--port", type=port_number, default=DEFAULT_PORT, help="0 takes a free one (default: %(default)s)"
    )
    parser.add_argument("--token", help="a token to accept, in place of the standard ones")
    parser.add_argument(
        "--control-host", action="append", default=[], metavar="NAME", help="host name under which /emulator answers"
    )
    switches = parser.add_argument_group("what kind of Dynatrace to be")
    for name, values, text in _CHOICES:
        switches.add_argument(_flag(name), choices=values, help=text)
    for name, statuses, text in _STATUSES:
        switches.add_argument(_flag(name), type=int, choices=statuses, help=text)
    for name, text in _SIZES:
        switches.add_argument(_flag(name), type=_count, metavar="N", help=text)
    for name, text in _OFF:
        switches.add_argument(_flag(f"no_{name}"), dest=name, action="store_false", default=None, help=text)
    switches.add_argument(
        "--accept-otlp-json", action="store_true", default=None, help="accept OTLP in JSON on the OTLP path"
    )


def run(arguments: argparse.Namespace) -> int:
    """Serve until Ctrl-C and answer 0; raises CommandFailed when the address cannot be used."""
    from dt_otlp_logs.emulator import DEFAULT_TOKEN, serve

    if not _is_loopback(arguments.host) and not arguments.allow_remote:
        raise UsageError(f"--host {arguments.host} can be reached from other machines: add --allow-remote to mean it")
    settings = _settings(arguments)
    # The standard token is no secret; one that was given may be, and the terminal already has it.
    shown = (
        DEFAULT_TOKEN
        if arguments.token is None
        else f"...   # the one given with --token: {settings.tokens[0].identifier}"
    )
    listens = False

    def greet(url: str) -> None:
        nonlocal listens
        listens = True
        print(_greeting(url, shown), flush=True)

    try:
        serve(settings, arguments.host, arguments.port, when_listening=greet)
    except KeyboardInterrupt:
        return 0
    except OSError as problem:
        if listens:  # then it is the greeting that could not be written
            raise
        raise CommandFailed(cannot_listen(arguments.host, arguments.port, problem)) from problem
    return 0


def _settings(arguments: argparse.Namespace) -> "EmulatorSettings":
    from dt_otlp_logs.emulator import AcceptedToken, EmulatorSettings

    names = [name for name, *_ in (*_CHOICES, *_STATUSES, *_SIZES, *_OFF)] + ["accept_otlp_json"]
    chosen = {name: getattr(arguments, name) for name in names if getattr(arguments, name) is not None}
    settings = EmulatorSettings(control_hosts=tuple(arguments.control_host), **chosen)
    if arguments.token is None:
        return settings
    if not arguments.token.isascii() or not arguments.token.isprintable() or " " in arguments.token:
        raise UsageError("--token has to be ASCII without spaces")
    return replace(settings, tokens=(AcceptedToken.with_ingest_scope(arguments.token),))


def _greeting(url: str, token: str) -> str:
    return f"""A local Dynatrace for logs is listening on {url} (not Dynatrace: for tests and trying out).

Send to it:
  export DT_ENDPOINT={url}
  export DT_API_TOKEN={token}

See what came:
  curl '{url}/emulator/records?limit=10'
  curl {url}/emulator/summary

Make it fail, three times:
  curl -X POST {url}/emulator/faults -d '{{"status": 503, "times": 3}}'

Ctrl-C ends it."""


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _flag(name: str) -> str:
    return "--" + name.replace("_", "-")


def _count(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("has to be at least 1")
    return number
