"""`dt-otlp-logs demo`: an unmodified web app, a local Dynatrace, an outage in the middle, and the count at the end."""

import argparse
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from dt_otlp_logs.cli.demo_screen import Screen, screen_for
from dt_otlp_logs.cli.demo_shop import Shop
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
    parser.add_argument("--port", type=int, default=0, help="the local Dynatrace's port (default: a free one)")


def run(arguments: argparse.Namespace) -> int:
    """Exit status 0 if every record that the app logged is stored once, 1 if not."""
    from dt_otlp_logs.emulator import Fault, running_emulator

    with running_emulator(port=arguments.port) as emulator:
        print(f"A local Dynatrace listens on {emulator.url}.")
        with Shop({"DT_ENDPOINT": emulator.url, "DT_API_TOKEN": emulator.api_token}) as shop:
            print("An ordinary Flask app, which imports nothing of ours, is started by:\n")
            for name, value in {**shop.environment, "DT_API_TOKEN": "<the local Dynatrace's token>"}.items():
                print(f"  {name}={value} \\")
            print("  opentelemetry-instrument python shop.py\n", flush=True)
            shop.wait_until_open()
            screen = screen_for()
            watch = _Watch(screen, emulator.records)
            try:
                _traffic(shop, screen, watch, lambda: emulator.order(Fault(status=503, seconds=_OUTAGE_SECONDS)))
                screen.event("the app is stopped (Ctrl-C) and delivers what it still holds")
                ended_in = shop.stop()
                watch.look(f"{shop.orders} orders placed")
            finally:
                screen.close()
            complete = _summary(shop, emulator.records(), emulator.requests(), ended_in)
        if arguments.serve:
            _serve(emulator.url)
    return 0 if complete else 1


class _Watch:
    """Shows what has arrived since it last looked."""

    def __init__(self, screen: Screen, records: Callable[[], list[dict[str, Any]]]) -> None:
        self._screen = screen
        self._records = records
        self._shown = 0

    def look(self, status: str) -> None:
        records = self._records()
        self._screen.show(records[self._shown :], f"{status}, {len(records)} records stored")
        self._shown = len(records)


def _traffic(shop: Shop, screen: Screen, watch: _Watch, begin_outage: Callable[[], None]) -> None:
    started = looked = time.monotonic()
    # What is to come, latest first: after how many seconds, what is said, what is done.
    ahead: list[tuple[float, str, Callable[[], None]]] = [
        (_OUTAGE_AFTER_SECONDS + _OUTAGE_SECONDS, "the outage is over; what was held arrives", lambda: None),
        (_OUTAGE_AFTER_SECONDS, f"outage: {_OUTAGE_SECONDS:.0f} s of HTTP 503; the app goes on", begin_outage),
    ]
    while (now := time.monotonic()) - started < _TRAFFIC_SECONDS:
        if ahead and now - started >= ahead[-1][0]:
            _, text, act = ahead.pop()
            act()
            screen.event(text)
        shop.order()
        if now - looked >= _SECONDS_BETWEEN_LOOKS:
            looked = now
            watch.look(f"{shop.orders} orders placed")
        time.sleep(_SECONDS_BETWEEN_ORDERS)
    watch.look(f"{shop.orders} orders placed")


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


def _serve(url: str) -> None:
    print(f"\nThe local Dynatrace stays open: {url}/emulator/records?loglevel=ERROR (Ctrl-C ends it)", flush=True)
    try:
        while True:
            time.sleep(3600)
    except KeyboardInterrupt:
        print()
