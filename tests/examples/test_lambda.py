"""A handler as AWS Lambda runs it: called, frozen, called again, and in the end killed while it is frozen."""

import json
import signal
import textwrap
import time
from pathlib import Path

from doubles.strict_server import strict_server

from .programs import EXAMPLES, MARKS, Program, arrived, contents, once, started, wait_for
from .relay import relay_to

pytestmark = MARKS

# Lambda's runtime has a handler on the root logger before it imports the function.
RUNTIME = f"""
    import json, logging, sys

    logging.getLogger().addHandler(logging.StreamHandler())
    sys.path.insert(0, {str(EXAMPLES)!r})
    import lambda_function

    for line in sys.stdin:
        try:
            print("answer", lambda_function.handler(json.loads(line), None)["left"])
        except Exception as error:
            print("answer", type(error).__name__)
"""


class Function:
    """The started function, as the runtime sees it."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self._calls = 0

    def call(self, number: int) -> str:
        self._calls += 1
        self._program.hears(json.dumps({"order": number}))
        return self._program.says(r"answer (\w+)", times=self._calls)

    def freeze(self) -> None:
        self._program.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        time.sleep(1.0)
        self._program.process.send_signal(signal.SIGCONT)


def test_every_call_delivers_its_own_records_across_freezes_and_dead_connections(tmp_path: Path) -> None:
    (tmp_path / "runtime.py").write_text(textwrap.dedent(RUNTIME))

    def is_stored(number: int) -> None:
        wait_for(lambda: f"order {number} asked for" in server.stored, lambda: f"order {number}")

    with strict_server() as server, relay_to(server.url) as relay:
        with started("python runtime.py", server, tmp_path, tmp_path, DT_ENDPOINT=relay.url) as program:
            function = Function(program)
            for number, answer in ((7, "2"), (0, "ZeroDivisionError"), (9, "1")):
                assert function.call(number) == answer
                is_stored(number)
                function.freeze()
                relay.cut()
                function.thaw()
            with relay.silence():
                assert function.call(11) == "1", "a call does not wait longer than it wants to"
                assert relay.swallowed_bytes
                function.freeze()
            function.thaw()
            assert function.call(13) == "9"
            is_stored(11)
            is_stored(13)
            function.freeze()
    records = arrived(server)
    assert contents(records, "shop") == once(
        *(f"order {number} asked for" for number in (7, 0, 9, 11, 13)), "order not answered"
    )
    (failed,) = (record for record in records if record.severity == "ERROR")
    assert failed.attributes["exception.type"] == "ZeroDivisionError"
