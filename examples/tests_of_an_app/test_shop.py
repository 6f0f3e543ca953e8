"""What the shop's logs look like in Dynatrace. Run it with `pytest`, in this directory or with its path."""

import subprocess
import sys

import pytest
import shop

from dt_otlp_logs.emulator import Fault, RunningEmulator
from dt_otlp_logs.pytest_plugin import DynatraceLogs


@pytest.fixture
def started_shop(dynatrace: RunningEmulator) -> None:  # noqa: ARG001  # first comes a Dynatrace, then the shop
    shop.start()


@pytest.mark.usefixtures("started_shop")
def test_a_declined_card_is_a_warning_that_names_the_order(dynatrace_logs: DynatraceLogs) -> None:
    assert not shop.pay(42, 900)
    record = dynatrace_logs.one("card declined")
    assert (record.loglevel, record.status) == ("WARN", "WARN")
    assert record.attributes["order.id"] == 42
    assert record.attributes["service.name"] == "shop"


@pytest.mark.usefixtures("started_shop")
def test_each_payment_is_logged_once(dynatrace_logs: DynatraceLogs) -> None:
    for order_id in range(100):
        shop.pay(order_id, 9.99)
    assert len(dynatrace_logs.find("order paid", loglevel="INFO")) == 100
    dynatrace_logs.one(attributes={"order.id": 99})


def test_the_command_line_logs_in_the_order_of_its_arguments(dynatrace_logs: DynatraceLogs) -> None:
    subprocess.run([sys.executable, shop.__file__, "1=20", "2=700"], check=True, timeout=60)
    assert dynatrace_logs.contents == ["order paid", "card declined"]


@pytest.mark.usefixtures("started_shop")
def test_the_shop_sells_on_while_dynatrace_is_down_and_no_record_is_lost(
    dynatrace: RunningEmulator, dynatrace_logs: DynatraceLogs
) -> None:
    dynatrace.order(Fault(status=503))
    assert shop.pay(1, 20)
    assert not dynatrace_logs.contents
    dynatrace.clear_faults()
    dynatrace_logs.one("order paid")


@pytest.mark.dynatrace(profile="classic")
@pytest.mark.usefixtures("started_shop")
def test_a_classic_environment_keeps_numbers_as_text(dynatrace_logs: DynatraceLogs) -> None:
    shop.pay(42, 20)
    dynatrace_logs.one(attributes={"order.id": "42"})
