"""`dt-otlp-logs demo`: an unmodified web app, a local Dynatrace, an outage in the middle, and the count at the end."""

import argparse
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from typing import Any

from dt_otlp_logs.cli.demo_screen import Screen, screen_for
from dt_otlp_logs.cli.demo_shop import Shop
from dt_otlp_logs.cli.demo_watch import Watch
from dt_otlp_logs.cli.failure import CommandFailed
from dt_otlp_logs.cli.port import cannot_listen, port_number
from dt_otlp_logs.cli.stop_signals import StopSignals
from dt_otlp_logs.diagnostics import printable

HELP = "see it work on this machine: an ordinary web app, a local Dynatrace, an outage, and nothing lost"

_TRAFFIC_SECONDS = 11.0
_OUTAGE_AFTER_SECONDS = 3.0
_OUTAGE_SECONDS = 5.0
_SECONDS_BETWEEN_ORDERS = 0.1
_SECONDS_BETWEEN_LOOKS = 0.5


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """`--serve` and `--port`."""
    parser.add_argument(
        "--serve", action="store_true", help="keep the local Dynatrace open afterwards, until Ctrl-C, to look around"
    )
    parser.add_argument("--port", type=port_number, default=0, help="the local Dynatrace's port (default: a free one)")


def run(arguments: argparse.Namespace) -> int:
    """Exit status 0 if every record that the app logged is stored once, 1 if not."""
    from dt_otlp_logs.emulator import Fault, running_emulator

    # A terminal that is closed must not leave the app behind.
    with StopSignals("SIGHUP") as signals, ExitStack() as started:
        try:
            emulator = started.enter_context(running_emulator(port=arguments.port))
        except OSError as problem:
            raise CommandFailed(cannot_listen("127.0.0.1", arguments.port, problem)) from problem
        print(f"A local Dynatrace listens on {emulator.url}.")
        shop = started.enter_context(Shop({"DT_ENDPOINT": emulator.url, "DT_API_TOKEN": emulator.api_token}))
        print("An ordinary Flask app, which imports nothing of ours, is started by:\n")
        for name, value in {**shop.environment, "DT_API_TOKEN": "<the local Dynatrace's token>"}.items():
            print(f"  {name}={value} \\")
        print("  opentelemetry-instrument python shop.py\n", flush=True)
        shop.wait_until_open(signals.wait)
        outage = Fault(status=503, seconds=_OUTAGE_SECONDS)
        ended_in = _play(shop, emulator.records, lambda: emulator.order(outage), signals)
        if signals.stopped():
            raise KeyboardInterrupt
        complete = _summary(shop, emulator.records(), emulator.requests(), ended_in)
        if arguments.serve:
            _serve(emulator.url, signals)
    return 0 if complete else 1


def _play(
    shop: Shop, records: Callable[[], list[dict[str, Any]]], begin_outage: Callable[[], None], signals: StopSignals
) -> float:
    """Traffic with an outage in it, then the end of the app; answers how long that took."""
    screen = screen_for()
    try:
        watch = Watch(screen, shop, records)
        _traffic(shop, screen, watch, begin_outage, signals)
        if signals.stopped():
            screen.event("stopping: the app delivers what it holds, for 5 s at most; Ctrl-C again ends at once")
            ended_in = shop.stop(signals.wait_even_if_stopped)
        else:
            screen.event("the app is stopped (Ctrl-C) and delivers what it still holds")
            ended_in = shop.stop(signals.wait)
        watch.look()
    finally:
        screen.close()
    return ended_in


def _traffic(shop: Shop, screen: Screen, watch: Watch, begin_outage: Callable[[], None], signals: StopSignals) -> None:
    def begin() -> None:
        begin_outage()
        screen.event(f"outage: {_OUTAGE_SECONDS:.0f} s of HTTP 503; the app goes on")

    # What is to come, latest first: after how many seconds, and what is done.
    ahead: list[tuple[float, Callable[[], None]]] = [
        (_OUTAGE_AFTER_SECONDS + _OUTAGE_SECONDS, watch.outage_ended),
        (_OUTAGE_AFTER_SECONDS, begin),
    ]
    begun = looked = time.monotonic()
    while (now := time.monotonic()) - begun < _TRAFFIC_SECONDS and not signals.stopped():
        if ahead and now - begun >= ahead[-1][0]:
            _, act = ahead.pop()
            act()
        shop.order()
        if now - looked >= _SECONDS_BETWEEN_LOOKS:
            looked = now
            watch.look()
        signals.wait(_SECONDS_BETWEEN_ORDERS)
    watch.look()


def _summary(
    shop: Shop, records: Sequence[Mapping[str, Any]], requests: Sequence[Mapping[str, Any]], ended_in: float
) -> bool:
    """Compare the app's own log file with what is stored; True if they are the same, record by record."""
    sent = shop.logged()
    stored = Counter(str(record.get("content", "")).split("\n", 1)[0] for record in records)
    missing, surplus = sent - stored, stored - sent
    print("\nWhat the exporter said on the app's stderr:")
    for line in shop.said():
        print(f"  {printable(line)}")
    statuses = Counter(request["status"] for request in requests)
    print("\nRequests by status: " + ", ".join(f"{status}: {count}" for status, count in sorted(statuses.items())))
    print(f"With a trace id:    {sum('trace_id' in record for record in records)}")
    print(f"Time to exit:       {ended_in:.1f} s")
    print(f"Sent:               {sent.total()} (records in the app's own log)")
    print(f"Stored:             {stored.total()}")
    print(f"Missing:            {missing.total()}")
    print(f"Duplicates:         {surplus.total()}")
    for content in [*missing, *surplus][:10]:
        print(f"  differs: {printable(content)}")
    complete = bool(sent) and not missing and not surplus
    print("\nNothing was lost." if complete else "\nThat is not right: sent and stored differ.")
    return complete


def _serve(url: str, signals: StopSignals) -> None:
    print(f"\nThe local Dynatrace stays open: {url}/emulator/records?loglevel=ERROR (Ctrl-C ends it)", flush=True)
    while not signals.wait(3600):
        pass
    print()
