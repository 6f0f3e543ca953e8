"""Names that meet another's, dict messages, and what Dynatrace keeps for itself: nothing is replaced silently.

Sources: "Ingest OTLP logs", docs.dynatrace.com (`overwrittenN`: the resource's value keeps the name), the README
("kept as `overwritten1.<name>`"), the handler's docstring (dict messages).
"""

from typing import Any

from opentelemetry._logs import SeverityNumber

from records.documented import json_text
from records.row import ANYTHING, Check, Row, Source, has


def named(name: str, value: Any, expected: dict[str, Any], id_: str = "", **fields: Any) -> Row:
    return Row(
        f"name-{id_ or name}",
        lambda source: source.log.info("kept", extra=source.extra(**{name: value})),
        {"content": "kept", "loglevel": "INFO", "status": "INFO", "service.name": "shop", **expected},
        **fields,
    )


def emitted(name: str, value: Any, expected: dict[str, Any]) -> Row:
    """The same by OpenTelemetry's logger, with a severity, so that Dynatrace looks for none."""
    return Row(
        f"emitted-name-{name}",
        lambda source: source.otel.emit(
            body="kept",
            severity_text="INFO",
            severity_number=SeverityNumber.INFO,
            attributes=source.extra(**{name: value}),
        ),
        {"content": "kept", "loglevel": "INFO", "status": "INFO", **expected},
    )


# What the record, the resource or the scope has under this name stays; the other value is beside it.
TAKEN = {
    "content": "kept",
    "loglevel": "INFO",
    "status": "INFO",
    "timestamp": ANYTHING,
    "service.name": "shop",
    "shared": "resource",
    "otel.scope.name": "records of the table",
    "telemetry.sdk.language": "python",
    "dt.auth.origin": ANYTHING,
    "dt.openpipeline.source": ANYTHING,
    "dt.ingest.format": ANYTHING,
}
TAKEN_ROWS = [
    make(name, "other", {name: own, f"overwritten1.{name}": "other"})
    for name, own in TAKEN.items()
    for make in (named, emitted)
]

# Names that OneAgent, Dynatrace's semantic dictionary or OpenTelemetry give a meaning, and that are free here.
KEPT = (
    *("dt.trace_id", "dt.span_id", "dt.trace_sampled", "dt.entity.host", "dt.source_entity", "dt.security_context"),
    *("dt.cost.costcenter", "dt.ingest.origin", "log.source", "message", "body", "payload", "log", "event", "level"),
    *("severity", "syslog.severity", "date", "time", "@timestamp", "syslog.timestamp", "ordinal", "event.type", "ts"),
    *("user.id", "a b", "ключ", "a.b.c", "_private", "x" * 100, "trace.id", "overwritten1.free", "emulator", "id"),
)
# logging itself refuses `message` as the name of an extra.
KEPT_ROWS = [named(name, "free", {name: "free"}) for name in KEPT if name != "message"]
KEPT_ROWS += [emitted(name, "free", {name: "free"}) for name in KEPT]

SAME = [
    named("service.name", "shop", {}, "same-as-resource", absent=("overwritten1.service.name",)),
]


def both_kept(*values: str) -> Any:
    return lambda record: all(any(value == found for found in record.values()) for value in values)


MET = [
    Row(
        "names-case-of-resource",
        lambda source: source.log.info("kept", extra=source.extra(team="coffee")),
        holds=both_kept("tea", "coffee"),
    ),
    Row(
        "names-cut-alike",
        lambda source: source.log.info("kept", extra=source.extra(**{"k" * 120 + "a": "one", "k" * 120 + "b": "two"})),
        holds=both_kept("one", "two"),
    ),
    Row(
        "names-case",
        lambda source: source.log.info("kept", extra=source.extra(Order="one", order="two", ORDER="three")),
        holds=both_kept("one", "two", "three"),
    ),
    Row(
        "names-overwritten-given",
        lambda source: source.log.info("kept", extra=source.extra(**{"overwritten1.shared": "one", "shared": "two"})),
        {"shared": "resource"},
        holds=both_kept("one", "two"),
    ),
    Row(
        "names-empty",
        lambda source: source.log.info("kept", extra=source.extra(**{"": "one"})),
        {"_": "one"},
    ),
    Row(
        "names-code-given",
        lambda source: source.log.info("kept", extra=source.extra(**{"code.function.name": "mine"})),
        {"code.function.name": "mine"},
    ),
    Row(
        "names-raw-level-given",
        lambda source: source.log.log(25, "kept", extra=source.extra(**{"log.raw_level": "mine"})),
        holds=both_kept("mine"),
    ),
    Row(
        "names-trace-given",
        lambda source: source.log.info("kept", extra=source.extra(trace_id="mine", span_id="yours")),
        holds=both_kept("mine", "yours"),
    ),
    Row(
        "names-exception-given",
        lambda source: source.log.error(
            "kept", exc_info=ValueError("a"), extra=source.extra(**{"exception.type": "mine"})
        ),
        holds=both_kept("mine", "a"),
    ),
    Row(
        "names-no-text",
        lambda source: source.log.handle(_with_number_as_name(source)),
        {"content": "kept"},
    ),
]


def _with_number_as_name(source: Any) -> Any:
    record = source.log.makeRecord("records", 20, "f", 1, "kept", (), None, extra=source.extra())
    record.__dict__[42] = "x"
    return record


def dict_message(id_: str, message: Any, expected: dict[str, Any], **fields: Any) -> Row:
    return Row(f"dict-{id_}", lambda source: source.log.info(message, extra=source.extra()), expected, **fields)


DICTS = [
    dict_message("event", {"event": "paid", "order": 42}, {"content": "paid", "order": 42}, absent=("event",)),
    dict_message("message", {"message": "paid", "a": True}, {"content": "paid", "a": True}, absent=("message",)),
    dict_message("msg", {"msg": "paid", "a": 1.5}, {"content": "paid", "a": 1.5}, absent=("msg",)),
    dict_message("both", {"message": "m", "event": "e"}, {"content": "m"}, holds=both_kept("e")),
    dict_message("no-text", {"a": 1, "b": [1]}, {"content": json_text({"a": 1, "b": [1]}), "a": 1, "b": [1]}),
    dict_message("message-no-text", {"message": 7}, {"content": json_text({"message": 7}), "message": 7}),
    dict_message("empty", {}, {"content": "{}"}),
    dict_message("nested", {"event": "e", "a": {"b": 1}}, {"content": "e", "a": {"b": 1}}),
    dict_message("none", {"event": "e", "a": None}, {"content": "e", "a": None}),
    dict_message("percent", {"event": "100 %s"}, {"content": "100 %s"}),
    dict_message("number-keys", {1: "a", "event": "e"}, {"content": "e", "1": "a"}),
    dict_message("level", {"event": "e", "level": "ERROR"}, {"content": "e", "level": "ERROR", "status": "INFO"}),
    dict_message("status", {"event": "e", "status": "x"}, {"status": "INFO", "overwritten1.status": "x"}),
    dict_message("timestamp", {"event": "e", "timestamp": "x"}, {"overwritten1.timestamp": "x"}),
    dict_message("service", {"event": "e", "service.name": "x"}, {"overwritten1.service.name": "x"}),
    dict_message("exception", {"event": "e", "error": ValueError("a")}, {"error": "ValueError: a"}),
    dict_message("multi-line", {"event": "a\nb"}, {"content": "a\nb"}),
    dict_message("hostile", {"event": "a\ud800"}, {"content": has("a")}),
    dict_message("beyond-64-bits", {"event": "e", "n": 2**64}, {"n": str(2**64)}),
    Row(
        "dict-and-extra",
        lambda source: source.log.info({"event": "e", "a": "dict's"}, extra=source.extra(a="extra's")),
        {"content": "e", "a": "extra's", "overwritten1.a": "dict's"},
    ),
    Row(
        "dict-as-argument",
        lambda source: source.log.info("%s", {"a": 1}, extra=source.extra()),
        {"content": "{'a': 1}"},
    ),
    Row(
        "dict-with-exception",
        lambda source: source.log.error({"event": "e"}, exc_info=ValueError("a"), extra=source.extra()),
        {"content": "e", "exception.type": "ValueError", "exception.message": "a"},
    ),
    dict_message("many", {f"n{n}": n for n in range(20)}, {f"n{n}": n for n in range(20)}),
    dict_message("json-content", {"a": "x" * 50}, {"content": Check("JSON", lambda text: text.startswith('{"a"'))}),
]


def scoped(id_: str, scope: dict[str, Any], record: dict[str, Any], expected: dict[str, Any]) -> Row:
    """By a logger whose scope has a version and attributes."""

    def call(source: Source) -> None:
        logger = source.provider.get_logger("shop.cart", "1.2", attributes=scope)
        logger.emit(body="kept", attributes=source.extra(**record))

    named_so = {"otel.scope.name": "shop.cart", "otel.scope.version": "1.2"}
    return Row(f"scope-{id_}", call, {"content": "kept", **named_so, **expected})


SCOPES = [
    scoped("attributes", {"a": 1, "b": "x"}, {}, {"a": 1, "b": "x"}),
    scoped("and-record", {"a": "scope"}, {"a": "record"}, {"a": "scope", "overwritten1.a": "record"}),
    scoped("and-resource", {"shared": "scope"}, {}, {"shared": "resource", "overwritten1.shared": "scope"}),
    scoped(
        "and-both",
        {"shared": "scope"},
        {"shared": "record"},
        {"shared": "resource", "overwritten1.shared": "scope", "overwritten2.shared": "record"},
    ),
    scoped("version-again", {}, {"otel.scope.version": "mine"}, {"overwritten1.otel.scope.version": "mine"}),
]

EVENTS = [
    named("event.name", "order.paid", {"event.name": "order.paid"}),
    named("otel.event.name", "order.paid", {"event.name": "order.paid"}),
]

ROWS: list[Row] = [*TAKEN_ROWS, *KEPT_ROWS, *SAME, *MET, *DICTS, *SCOPES, *EVENTS]
