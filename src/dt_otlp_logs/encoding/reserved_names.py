"""Names of attributes that mean something to Dynatrace: those it fills itself, and those that say whose a record is."""

RAW_LEVEL = "log.raw_level"
EVENT_NAME = "event.name"
SCOPE_NAME = "otel.scope.name"
SCOPE_VERSION = "otel.scope.version"
TRACE_ID = "trace_id"
SPAN_ID = "span_id"
LOGLEVEL = "loglevel"

# What our record factory and our handler note on logging's records; OpenTelemetry's handler takes it for attributes.
# Formatters that print `extra` leave out names that begin with an underscore. See `handler.record_note`, `.sent_mark`.
RECORD_NOTE = "_dt_otlp_logs_note"
SENT_MARK = "_dt_otlp_logs_sent"

# Where the exporter says what it cut.
WARNINGS = b"dt_otlp_logs.warnings"

# In lower case: timestamp and loglevel are looked for whatever the case, and Classic lower-cases every name.
# "Log ingestion API" and the semantic dictionary, docs.dynatrace.com.
ALWAYS_FILLED = frozenset(
    {
        "content",
        "timestamp",
        "status",
        "dt.ingest.warnings",
        "dt.auth.origin",
        "dt.openpipeline.source",
        "dt.ingest.format",
        WARNINGS.decode(),
    }
)

# Filled if the record or its scope has something to fill them with.
SOMETIMES_FILLED = frozenset({LOGLEVEL, TRACE_ID, SPAN_ID, EVENT_NAME, SCOPE_NAME, SCOPE_VERSION})

RESERVED = ALWAYS_FILLED | SOMETIMES_FILLED

# JSON ingest takes the first of these for the loglevel, whatever its case; OTLP does where a record has no severity.
LOGLEVEL_KEYS = (LOGLEVEL, "status", "severity", "level", "syslog.severity")

STACK_TRACE = b"exception.stacktrace"

# What is never left out: a closed set, as the server would choose among more than it keeps.
ALWAYS_KEPT = frozenset(
    {"exception.type", "exception.message", "service.name", EVENT_NAME, RAW_LEVEL, TRACE_ID, SPAN_ID}
)
_IDENTITY_PREFIXES = ("service.", "dt.")


def is_identity(name: str) -> bool:
    """Whether a record would not be found, or not be understood, without this attribute: it is left out last."""
    lowered = name.lower()
    return lowered in ALWAYS_KEPT or lowered.startswith(_IDENTITY_PREFIXES)
