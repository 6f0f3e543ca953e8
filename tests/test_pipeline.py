"""`configure()`: one call, and what Python's logging says is in Dynatrace."""

import logging

import pytest
from opentelemetry import _logs, trace
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk.trace import TracerProvider

import dt_otlp_logs
from doubles.script import run_script
from dt_otlp_logs import ConfigError, DeliveryStats, DynatraceLoggingHandler, configure
from dt_otlp_logs.emulator import Fault, RunningEmulator


def start(emulator: RunningEmulator, **options: object) -> dt_otlp_logs.LogPipeline:
    return configure(emulator.url, emulator.api_token, service_name="checkout", set_global=False, **options)


def test_the_example_of_the_readme_delivers_a_typed_record(emulator: RunningEmulator) -> None:
    with start(emulator) as pipeline:
        logging.getLogger("shop").warning("card declined", extra={"order.id": 42})
        assert pipeline.flush(timeout=5.0)
        (record,) = emulator.records()
    assert record["content"] == "card declined"
    assert (record["loglevel"], record["status"]) == ("WARN", "WARN")
    assert record["order.id"] == 42
    assert record["service.name"] == "checkout"
    assert record["otel.scope.name"] == "shop"


def test_leaving_the_block_delivers_and_detaches(emulator: RunningEmulator) -> None:
    with start(emulator):
        logging.getLogger("shop").error("inside")
    logging.getLogger("shop").error("outside")
    assert [record["content"] for record in emulator.records()] == ["inside"]
    assert not any(isinstance(handler, DynatraceLoggingHandler) for handler in logging.getLogger().handlers)


def test_flush_is_false_while_the_server_is_down_and_true_afterwards(emulator: RunningEmulator) -> None:
    emulator.order(Fault(status=503, seconds=1.0))
    with start(emulator) as pipeline:
        logging.getLogger("shop").error("held")
        assert not pipeline.flush(timeout=0.3)
        assert pipeline.stats().queued == 1
        assert pipeline.flush(timeout=10.0)
        assert pipeline.stats() == DeliveryStats(
            accepted=1,
            delivered=1,
            requests=pipeline.stats().requests,
            retries=pipeline.stats().retries,
            route=pipeline.stats().route,
        )


def test_the_records_trace_context_arrives(emulator: RunningEmulator) -> None:
    tracer = TracerProvider().get_tracer("test")
    with start(emulator) as pipeline, tracer.start_as_current_span("checkout") as span:
        logging.getLogger("shop").error("traced")
        pipeline.flush()
    context = span.get_span_context()
    (record,) = emulator.records()
    assert record["trace_id"] == trace.format_trace_id(context.trace_id)
    assert record["span_id"] == trace.format_span_id(context.span_id)


def test_level_opens_the_logger_and_closes_the_handler(emulator: RunningEmulator) -> None:
    logger = logging.getLogger("levelled")
    logger.setLevel(logging.NOTSET)
    with start(emulator, logger="levelled", level=logging.INFO):
        logger.debug("not this")
        logger.info("this")
    assert [record["content"] for record in emulator.records()] == ["this"]


def test_a_second_call_answers_the_running_pipeline_and_says_what_differs(
    emulator: RunningEmulator, capsys: pytest.CaptureFixture[str]
) -> None:
    with start(emulator) as pipeline:
        again = configure(emulator.url, emulator.api_token, timeout_seconds=3, service_name="another")
        assert again is pipeline
        assert "another timeout_seconds, service_name" in capsys.readouterr().err
        logging.getLogger("shop").error("once")
    assert len(emulator.records()) == 1


def test_after_a_shutdown_configure_starts_anew(emulator: RunningEmulator) -> None:
    first = start(emulator)
    assert first.shutdown()
    assert first.shutdown(), "a second shutdown does nothing"
    with start(emulator) as second:
        assert second is not first
        logging.getLogger("shop").error("again")
    assert len(emulator.records()) == 1


def test_every_problem_is_reported_together() -> None:
    with pytest.raises(ConfigError) as error:
        configure("not an endpoint!", stale="maybe")
    assert {problem.key for problem in error.value.problems} >= {"endpoint", "stale"}


def test_an_unknown_exporter_is_refused(emulator: RunningEmulator) -> None:
    with pytest.raises(ConfigError, match="dynatrace_json"):
        start(emulator, exporter="zipkin")


@pytest.mark.parametrize("exporter", ["stock", "dynatrace_json"])
def test_the_other_exporters_deliver_under_the_same_configuration(emulator: RunningEmulator, exporter: str) -> None:
    with start(emulator, exporter=exporter) as pipeline:
        logging.getLogger("shop").error("by another exporter")
        pipeline.flush()
    (record,) = emulator.records()
    assert record["content"] == "by another exporter"
    (request,) = emulator.requests()
    assert request["path"] == ("/api/v2/otlp/v1/logs" if exporter == "stock" else "/api/v2/logs/ingest")
    assert request["content_encoding"] == "gzip"


def test_a_provider_set_globally_before_is_used(emulator: RunningEmulator, monkeypatch: pytest.MonkeyPatch) -> None:
    provider = LoggerProvider()
    monkeypatch.setattr("dt_otlp_logs.pipeline.get_logger_provider", lambda: provider)
    with start(emulator) as pipeline:
        assert pipeline.provider is provider
        provider.get_logger("direct").emit(body="by the API")
        pipeline.flush()
    assert not provider._multi_log_record_processor._log_record_processors, "nothing is left behind"
    assert [record["content"] for record in emulator.records()] == ["by the API"]


def test_no_second_handler_beside_opentelemetrys_own(
    emulator: RunningEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    from opentelemetry.instrumentation.logging.handler import LoggingHandler

    provider = LoggerProvider()
    monkeypatch.setattr("dt_otlp_logs.pipeline.get_logger_provider", lambda: provider)
    logger = logging.getLogger("instrumented")
    handler = LoggingHandler(logger_provider=provider)
    logger.addHandler(handler)
    try:
        with start(emulator, logger=logger):
            logger.error("once")
    finally:
        logger.removeHandler(handler)
    assert len(emulator.records()) == 1


def test_configure_sets_the_global_provider_in_a_fresh_process(emulator: RunningEmulator) -> None:
    done = run_script(
        emulator,
        """
        import logging, dt_otlp_logs
        from opentelemetry._logs import get_logger_provider
        pipeline = dt_otlp_logs.configure()
        assert get_logger_provider() is pipeline.provider
        get_logger_provider().get_logger("otel").emit(body="by the global provider")
        logging.error("by logging")
        """,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert sorted(record["content"] for record in emulator.records()) == ["by logging", "by the global provider"]


def test_a_script_that_ends_at_once_delivers_its_last_record(emulator: RunningEmulator) -> None:
    done = run_script(emulator, "import logging, dt_otlp_logs; dt_otlp_logs.configure(); logging.error('bye')")
    assert done.returncode == 0
    assert [record["content"] for record in emulator.records()] == ["bye"]


def test_an_uncaught_exception_does_not_cost_the_records_before_it(emulator: RunningEmulator) -> None:
    done = run_script(
        emulator, "import logging, dt_otlp_logs; dt_otlp_logs.configure(); logging.error('before'); 1 / 0"
    )
    assert done.returncode == 1
    assert [record["content"] for record in emulator.records()] == ["before"]


def test_the_handler_alone_from_dictconfig_configures_itself_from_the_environment(emulator: RunningEmulator) -> None:
    done = run_script(
        emulator,
        """
        import logging, logging.config
        logging.config.dictConfig({
            "version": 1,
            "handlers": {"dynatrace": {"class": "dt_otlp_logs.DynatraceLoggingHandler"}},
            "root": {"handlers": ["dynatrace"], "level": "INFO"},
        })
        logging.getLogger("app").info("from dictConfig")
        """,
        OTEL_SERVICE_NAME="configured",
    )
    assert (done.returncode, done.stderr) == (0, "")
    (record,) = emulator.records()
    assert (record["content"], record["service.name"]) == ("from dictConfig", "configured")


def test_the_handler_alone_without_a_configuration_says_so_and_lets_the_application_run(
    emulator: RunningEmulator,
) -> None:
    done = run_script(
        emulator,
        """
        import logging, dt_otlp_logs
        logging.getLogger().addHandler(dt_otlp_logs.DynatraceLoggingHandler())
        for _ in range(3):
            logging.error("nowhere to go")
        print("the application runs on")
        """,
        DT_ENDPOINT="",
    )
    assert (done.returncode, done.stdout) == (0, "the application runs on\n")
    (line,) = done.stderr.splitlines()
    assert "No log record is exported" in line
    assert "DT_ENDPOINT" in line


def test_a_process_whose_endpoint_is_dead_ends_and_says_what_was_lost(emulator: RunningEmulator) -> None:
    script = """
        import logging, dt_otlp_logs
        dt_otlp_logs.configure(endpoint="http://127.0.0.1:9", shutdown_timeout_seconds=0.5)
        logging.error("never arrives")
    """
    done = run_script(emulator, script)
    assert done.returncode == 0
    assert "1 record lost" in done.stderr


def test_opentelemetry_switched_off_is_off(emulator: RunningEmulator) -> None:
    done = run_script(
        emulator,
        "import logging, dt_otlp_logs; dt_otlp_logs.configure(); logging.error('no')",
        OTEL_SDK_DISABLED="true",
    )
    assert done.returncode == 0
    assert not emulator.records()


def test_opentelemetry_switched_off_needs_no_configuration(emulator: RunningEmulator) -> None:
    script = """
        import logging, dt_otlp_logs
        with dt_otlp_logs.configure(level=logging.INFO) as pipeline:
            logging.error("no")
            pipeline.flush(1.0)
    """
    done = run_script(emulator, script, OTEL_SDK_DISABLED="true", DT_ENDPOINT="", DT_API_TOKEN="")
    assert (done.returncode, done.stderr) == (0, "ERROR:root:no\n")


@pytest.mark.parametrize("elsewhere", ["", "https://abc12345.live.dynatrace.com"])
def test_an_exporter_that_opentelemetry_made_is_used_wherever_the_environment_points(
    emulator: RunningEmulator, elsewhere: str
) -> None:
    script = f"""
        import logging
        from opentelemetry._logs import set_logger_provider
        from opentelemetry.sdk._logs import LoggerProvider
        from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
        import dt_otlp_logs

        provider = LoggerProvider()
        exporter = dt_otlp_logs.DynatraceLogExporter(endpoint={emulator.url!r}, api_token={emulator.api_token!r})
        provider.add_log_record_processor(BatchLogRecordProcessor(exporter))
        set_logger_provider(provider)
        for _ in range(2):
            pipeline = dt_otlp_logs.configure(level=logging.INFO)
        assert pipeline.exporter is exporter
        logging.info("hello")
        assert pipeline.flush()
    """
    done = run_script(emulator, script, DT_ENDPOINT=elsewhere, DT_API_TOKEN="dt0c01.NONE.NONE" if elsewhere else "")
    assert done.returncode == 0, done.stderr
    assert [record["content"] for record in emulator.records()] == ["hello"]


def test_configure_mends_what_a_handler_began_without_a_configuration(emulator: RunningEmulator) -> None:
    script = f"""
        import logging, dt_otlp_logs
        logging.getLogger().addHandler(dt_otlp_logs.DynatraceLoggingHandler())
        logging.error("too early")
        pipeline = dt_otlp_logs.configure({emulator.url!r}, {emulator.api_token!r})
        logging.error("hello")
        assert pipeline.flush()
    """
    done = run_script(emulator, script, DT_ENDPOINT="", DT_API_TOKEN="")
    assert done.returncode == 0, done.stderr
    # On a machine so busy that nobody waited for the handler's start to end, the first record is delivered as well.
    assert [record["content"] for record in emulator.records()][-1] == "hello"


def test_a_configuration_that_is_refused_leaves_no_provider_behind(emulator: RunningEmulator) -> None:
    script = """
        import logging, dt_otlp_logs
        from opentelemetry._logs import get_logger_provider
        before = type(get_logger_provider())
        try:
            dt_otlp_logs.configure("http://localhost:14499/v2/logs/ingest", exporter="stock")
        except dt_otlp_logs.ConfigError:
            assert type(get_logger_provider()) is before
            with dt_otlp_logs.configure(service_name="checkout"):
                logging.error("hello")
    """
    done = run_script(emulator, script)
    assert done.returncode == 0, done.stderr
    assert [record["service.name"] for record in emulator.records()] == ["checkout"]


def test_logging_may_be_configured_after_us(emulator: RunningEmulator, tmp_path) -> None:
    done = run_script(
        emulator,
        f"""
        import logging, logging.config
        from logging.config import dictConfig
        import dt_otlp_logs

        dt_otlp_logs.configure(level=logging.INFO)
        logging.basicConfig(level=logging.INFO, filename={str(tmp_path / "own.log")!r}, format="%(message)s")
        logging.info("after basicConfig")
        dictConfig({{
            "version": 1,
            "handlers": {{"console": {{"class": "logging.StreamHandler", "stream": "ext://sys.stdout"}}}},
            "root": {{"handlers": ["console"], "level": "INFO"}},
        }})
        logging.info("after dictConfig")
        """,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert [record["content"] for record in emulator.records()] == ["after basicConfig", "after dictConfig"]
    assert (tmp_path / "own.log").read_text() == "after basicConfig\n", (
        "the application's own logging is what it asked for"
    )
    assert done.stdout == "after dictConfig\n"


def test_a_second_handler_of_ours_sends_nothing_twice(emulator: RunningEmulator) -> None:
    with start(emulator) as pipeline:
        logger = logging.getLogger("shop")
        second = DynatraceLoggingHandler()
        logger.addHandler(second)
        try:
            logger.error("once")
            logger.error("once more")
        finally:
            logger.removeHandler(second)
        pipeline.flush()
    assert [record["content"] for record in emulator.records()] == ["once", "once more"]


def test_a_second_call_attaches_to_the_logger_it_names(emulator: RunningEmulator) -> None:
    quiet = logging.getLogger("quiet")
    quiet.propagate = False
    with start(emulator, logger="shop") as pipeline:
        assert start(emulator, logger=quiet, level=logging.INFO) is pipeline
        quiet.info("from the second logger")
        logging.getLogger("shop").error("from the first")
        pipeline.flush()
    assert len(emulator.records()) == 2
    assert not quiet.handlers


DICT_CONFIG = """
        import logging, logging.config
        logging.config.dictConfig({
            "version": 1,
            "handlers": {"dynatrace": {"class": "dt_otlp_logs.DynatraceLoggingHandler"}},
            "root": {"handlers": ["dynatrace"], "level": "INFO"},
        })
"""


def test_a_resource_detector_that_logs_does_not_freeze_the_first_record(emulator: RunningEmulator) -> None:
    # Detectors run in threads of their own, and this malformed value makes one of them log while we wait for it.
    done = run_script(
        emulator, DICT_CONFIG + "        logging.info('alive')", OTEL_RESOURCE_ATTRIBUTES="team=shop,malformed"
    )
    assert done.returncode == 0
    assert "alive" in [record["content"] for record in emulator.records()]


def test_a_handler_that_finds_its_provider_follows_the_running_pipeline(emulator: RunningEmulator) -> None:
    done = run_script(
        emulator,
        DICT_CONFIG
        + """
        import dt_otlp_logs
        logging.info("first")
        dt_otlp_logs.configure().shutdown()
        logging.info("nobody asked for this any more")
        pipeline = dt_otlp_logs.configure()
        logging.info("second")
        assert pipeline.flush()
        assert pipeline.stats().delivered == 1
        """,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert [record["content"] for record in emulator.records()] == ["first", "second"]


@pytest.mark.parametrize("variable", ["OTEL_BLRP_MAX_QUEUE_SIZE=1024", "OTEL_BLRP_MAX_EXPORT_BATCH_SIZE=50000"])
def test_any_size_of_the_sdks_queue_and_batches_will_do(
    emulator: RunningEmulator, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(*variable.split("="))
    with start(emulator):
        logging.getLogger("shop").error("sized")
    assert [record["content"] for record in emulator.records()] == ["sized"]


def test_records_logged_where_the_stack_is_used_up_are_sent_or_counted(emulator: RunningEmulator) -> None:
    log = logging.getLogger("shop")

    def deeper(depth: int) -> None:
        log.error("depth %d", depth)
        deeper(depth + 1)

    with start(emulator) as pipeline:
        with pytest.raises(RecursionError):
            deeper(0)
        log.error("and up again")
    stats = pipeline.stats()
    stored = [record["content"] for record in emulator.records()]
    # After them may come the exporter's own record of the loss.
    assert stored[0] == "depth 0"
    assert "and up again" in stored
    assert stats.dropped > 0
    assert stats.accepted == stats.delivered + stats.dropped


def test_a_flush_may_wait_for_ever(emulator: RunningEmulator) -> None:
    with start(emulator) as pipeline:
        logging.getLogger("shop").error("x")
        assert pipeline.flush(timeout=float("inf"))
        assert pipeline.exporter.force_flush(1e300)


def test_the_global_provider_of_this_process_was_left_alone() -> None:
    assert not isinstance(_logs.get_logger_provider(), LoggerProvider)


def test_json_ingest_alone_needs_an_endpoint_that_offers_it() -> None:
    with pytest.raises(ConfigError, match="OTLP receivers only"):
        configure("http://127.0.0.1:4318", exporter="dynatrace_json")
