"""Warnings and unhandled exceptions as records; the application's own output and exit status stay as they are."""

import logging
import sys
import threading
import warnings

import pytest

from doubles.script import contents, run_script
from dt_otlp_logs import LogPipeline, configure
from dt_otlp_logs.emulator import RunningEmulator

ON = {"DT_OTLP_LOGS_CAPTURE_UNHANDLED": "true"}


def start(emulator: RunningEmulator, **options: object) -> LogPipeline:
    return configure(emulator.url, emulator.api_token, service_name="checkout", set_global=False, **options)


def raised(error: Exception) -> Exception:
    try:
        raise error
    except Exception as caught:  # noqa: BLE001
        return caught


def hook(error: BaseException) -> None:
    sys.excepthook(type(error), error, error.__traceback__)


@pytest.fixture
def quiet_hooks(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the hooks that were there before were asked."""
    asked: list[str] = []
    monkeypatch.setattr(sys, "excepthook", lambda kind, error, trace: asked.append(f"main {error}"))
    monkeypatch.setattr(threading, "excepthook", lambda given: asked.append(f"thread {given.exc_value}"))
    return asked


# --- unhandled exceptions


@pytest.mark.slow
def test_the_exception_that_ends_the_program_arrives_and_is_printed_as_ever(emulator: RunningEmulator) -> None:
    script = """
        import logging, sys
        from dt_otlp_logs import configure
        logging.basicConfig(stream=sys.stdout, level=logging.INFO)
        configure()
        def pay():
            raise ValueError("no money")
        pay()
    """
    plain = run_script(emulator, script)
    assert not emulator.records(), "off unless asked for"
    done = run_script(emulator, script, **ON)
    assert (done.returncode, done.stdout, done.stderr) == (1, plain.stdout, plain.stderr)
    assert done.stderr.count("ValueError: no money") == 1
    (record,) = emulator.records()
    assert record["content"] == "Unhandled exception in MainThread: ValueError: no money"
    assert (record["loglevel"], record["otel.scope.name"]) == ("CRITICAL", "py.unhandled")
    assert (record["exception.type"], record["exception.message"]) == ("ValueError", "no money")
    assert "in pay" in record["exception.stacktrace"]
    assert (record["code.function.name"], record["code.file.path"]) == ("pay", "<string>")


@pytest.mark.slow
def test_the_exception_that_ends_a_thread_arrives_and_is_printed_as_ever(emulator: RunningEmulator) -> None:
    done = run_script(
        emulator,
        """
        import threading
        from dt_otlp_logs import configure
        configure()
        def work():
            raise KeyError("lost")
        threading.Thread(target=work, name="worker").start()
        """,
        **ON,
    )
    assert done.returncode == 0
    assert done.stderr.startswith("Exception in thread worker:")
    assert done.stderr.count("KeyError: 'lost'") == 1
    (record,) = emulator.records()
    assert record["content"] == "Unhandled exception in worker: KeyError: 'lost'"
    assert (record["loglevel"], record["thread.name"]) == ("ERROR", "worker")


@pytest.mark.slow
def test_asyncio_logs_the_exceptions_of_its_tasks_itself(emulator: RunningEmulator) -> None:
    done = run_script(
        emulator,
        """
        import asyncio, gc
        from dt_otlp_logs import configure
        configure()
        async def fail():
            raise RuntimeError("nobody awaits this")
        async def main():
            task = asyncio.create_task(fail())
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            del task
            gc.collect()
        asyncio.run(main())
        """,
        **ON,
    )
    assert done.returncode == 0
    (record,) = emulator.records()
    assert record["content"].startswith("Task exception was never retrieved")
    assert (record["loglevel"], record["otel.scope.name"]) == ("ERROR", "asyncio")
    assert (record["exception.type"], record["exception.message"]) == ("RuntimeError", "nobody awaits this")


@pytest.mark.slow
def test_an_exception_that_leaves_asyncio_run_arrives_once(emulator: RunningEmulator) -> None:
    done = run_script(
        emulator,
        """
        import asyncio
        from dt_otlp_logs import configure
        configure()
        async def main():
            raise RuntimeError("out of it all")
        asyncio.run(main())
        """,
        **ON,
    )
    assert done.returncode == 1
    assert contents(emulator) == ["Unhandled exception in MainThread: RuntimeError: out of it all"]


@pytest.mark.slow
def test_an_exception_that_leaves_the_pipelines_block_arrives_once(emulator: RunningEmulator) -> None:
    done = run_script(
        emulator,
        """
        from dt_otlp_logs import configure
        with configure():
            1 / 0
        """,
        **ON,
    )
    assert done.returncode == 1
    assert done.stderr.count("ZeroDivisionError") == 1
    assert contents(emulator) == ["Unhandled exception in MainThread: ZeroDivisionError: division by zero"]


@pytest.mark.slow
def test_a_childs_exception_is_multiprocessings_own_to_tell(emulator: RunningEmulator) -> None:
    # It prints it and asks no hook (multiprocessing.process.BaseProcess._bootstrap).
    done = run_script(
        emulator,
        """
        import logging, multiprocessing
        from dt_otlp_logs import configure
        configure()
        def fail():
            logging.error("in the child")
            raise ValueError("of the child")
        child = multiprocessing.get_context("fork").Process(target=fail)
        child.start()
        child.join()
        assert child.exitcode == 1
        """,
        **ON,
    )
    assert done.returncode == 0, done.stderr
    assert "ValueError: of the child" in done.stderr
    assert contents(emulator) == ["in the child"]


@pytest.mark.slow
@pytest.mark.parametrize("ending", ["raise SystemExit(3)", "raise KeyboardInterrupt"])
def test_an_end_on_purpose_is_no_error(emulator: RunningEmulator, ending: str) -> None:
    script = f"""
        import threading
        from dt_otlp_logs import configure
        configure()
        def work():
            raise SystemExit
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
        {ending}
    """
    plain = run_script(emulator, script)
    done = run_script(emulator, script, **ON)
    assert (done.returncode, done.stderr) == (plain.returncode, plain.stderr)
    assert not emulator.records()


def test_the_hooks_are_chained_and_taken_away_at_the_end(emulator: RunningEmulator, quiet_hooks: list[str]) -> None:
    before = sys.excepthook, threading.excepthook
    with start(emulator, capture_unhandled=True):
        assert (sys.excepthook, threading.excepthook) != before
        start(emulator, capture_unhandled=True)
        hook(raised(ValueError("a")))
        thread = threading.Thread(target=lambda: 1 / 0)
        thread.start()
        thread.join()
    assert (sys.excepthook, threading.excepthook) == before
    hook(raised(ValueError("b")))
    assert quiet_hooks == ["main a", "thread division by zero", "main b"]
    assert len(emulator.records()) == 2


def test_a_hook_put_in_front_of_ours_stays_and_ours_logs_nothing_more(
    emulator: RunningEmulator, quiet_hooks: list[str]
) -> None:
    with start(emulator, capture_unhandled=True):
        ours = sys.excepthook

        def in_front(*of: object) -> None:
            quiet_hooks.append("in front")
            ours(*of)

        sys.excepthook = in_front
        hook(raised(ValueError("a")))
    assert sys.excepthook is in_front
    with start(emulator):
        hook(raised(ValueError("b")))
    with start(emulator, capture_unhandled=True):
        hook(raised(ValueError("c")))
    assert quiet_hooks == ["in front", "main a", "in front", "main b", "in front", "main c"]
    assert [str(content)[-1] for content in contents(emulator)] == ["a", "c"]


class HostileError(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no words")


def test_whatever_the_exception_is_the_next_hook_runs(emulator: RunningEmulator, monkeypatch) -> None:
    asked = []
    monkeypatch.setattr(sys, "excepthook", lambda kind, error, trace: asked.append(kind))
    with start(emulator, capture_unhandled=True):
        hook(raised(HostileError()))
        hook(HostileError())  # never raised: it has no traceback
        sys.excepthook(ValueError, None, None)
        monkeypatch.setattr("dt_otlp_logs.captures._record", lambda *_: 1 / 0)
        hook(raised(ValueError("cannot be logged")))
    assert asked == [HostileError, HostileError, ValueError, ValueError]
    assert len(emulator.records()) == 2
    assert all("Hostile" in str(content) for content in contents(emulator))


def test_with_the_handler_on_one_logger_only_they_arrive_all_the_same(
    emulator: RunningEmulator, quiet_hooks: list[str]
) -> None:
    with start(emulator, logger="shop", capture_unhandled=True, capture_warnings=True):
        hook(raised(ValueError("a")))
        with warnings.catch_warnings():
            warnings.simplefilter("always")
            logging.captureWarnings(False)  # pytest's own way of looking at warnings goes first
            logging.captureWarnings(True)
            warnings.warn("b", stacklevel=1)
            logging.captureWarnings(False)
    assert {record["otel.scope.name"] for record in emulator.records()} == {"py.unhandled", "py.warnings"}


# --- warnings


WARN = """
    import logging, warnings
    from dt_otlp_logs import configure
    pipeline = configure()
    warnings.warn("old way", stacklevel=1)
    pipeline.shutdown()
    warnings.warn("afterwards", stacklevel=1)
"""


@pytest.mark.slow
def test_warnings_are_printed_unless_they_are_captured(emulator: RunningEmulator) -> None:
    done = run_script(emulator, WARN)
    assert "old way" in done.stderr
    assert not emulator.records()


@pytest.mark.slow
def test_captured_warnings_arrive_until_the_shutdown(emulator: RunningEmulator) -> None:
    done = run_script(emulator, WARN, DT_OTLP_LOGS_CAPTURE_WARNINGS="true")
    assert done.returncode == 0
    assert "old way" not in done.stderr
    assert "afterwards" in done.stderr
    (record,) = emulator.records()
    assert "UserWarning: old way" in record["content"]
    assert (record["loglevel"], record["otel.scope.name"]) == ("WARN", "py.warnings")


@pytest.mark.slow
def test_who_captured_warnings_before_us_goes_on_doing_so(emulator: RunningEmulator) -> None:
    done = run_script(
        emulator,
        "import logging; logging.captureWarnings(True)" + WARN.replace("\n    ", "\n"),
        DT_OTLP_LOGS_CAPTURE_WARNINGS="true",
    )
    assert done.returncode == 0, done.stderr
    assert len(emulator.records()) == 1
    assert "afterwards" not in done.stderr


@pytest.mark.slow
def test_who_shows_warnings_after_us_goes_on_doing_so(emulator: RunningEmulator) -> None:
    done = run_script(
        emulator,
        """
        import warnings
        from dt_otlp_logs import configure
        pipeline = configure(capture_warnings=True)
        warnings.showwarning = lambda message, *_: print("shown:", message)
        pipeline.shutdown()
        warnings.warn("x", stacklevel=1)
        """,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "shown: x\n", "")
