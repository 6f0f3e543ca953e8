"""What was read, as OpenTelemetry's log records."""

from collections.abc import Mapping

from opentelemetry._logs import LogRecord
from opentelemetry.context import Context
from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import NonRecordingSpan, SpanContext, set_span_in_context

from dt_otlp_logs.cli.entry import Entry

_SCOPE = InstrumentationScope("dt_otlp_logs.send")
_SERVICE_NAME = "service.name"
# A file names a handful of services; one that names more is not worth a resource for each.
_MOST_SERVICES = 100


def describe_sender(service_name: str | None, attributes: Mapping[str, str], default_service_name: str) -> Resource:
    """The resource of what is sent: the arguments, then OTEL_RESOURCE_ATTRIBUTES and OTEL_SERVICE_NAME."""
    # Not Resource.create(): its telemetry.sdk.* would say that this Python SDK wrote the file's lines.
    resource = Resource({_SERVICE_NAME: default_service_name}).merge(OTELResourceDetector().detect())
    given = {**attributes, **({_SERVICE_NAME: service_name} if service_name else {})}
    return resource.merge(Resource(given))


class RecordMaker:
    """Makes log records of one file; `service_is_given`: the service is known, whatever the lines say."""

    def __init__(self, resource: Resource, attributes: Mapping[str, str], *, service_is_given: bool = False) -> None:
        self._resource = resource
        self._attributes = attributes
        self._service_is_given = service_is_given
        self._resources: dict[str, Resource] = {}

    def make(self, entry: Entry, observed_unix_nano: int) -> ReadableLogRecord:
        """The record of one entry."""
        attributes = {**self._attributes, **entry.attributes}
        resource = self._resource_of(attributes)
        record = LogRecord(
            timestamp=entry.time_unix_nano,
            observed_timestamp=observed_unix_nano,
            context=_context(entry.trace_id, entry.span_id),
            severity_text=entry.level.text if entry.level else None,
            severity_number=entry.level.number if entry.level else None,
            body=entry.content,
            attributes=attributes,
        )
        return ReadableLogRecord(record, resource, _SCOPE)

    def _resource_of(self, attributes: dict[str, object]) -> Resource:
        # In Dynatrace a resource's service.name wins over the record's: a line that names its own needs another.
        name = attributes.get(_SERVICE_NAME)
        if self._service_is_given or not isinstance(name, str) or not name:
            return self._resource
        if name not in self._resources:
            if len(self._resources) >= _MOST_SERVICES:
                return self._resource
            self._resources[name] = self._resource.merge(Resource({_SERVICE_NAME: name}))
        del attributes[_SERVICE_NAME]
        return self._resources[name]


def _context(trace_id: int, span_id: int) -> Context | None:
    if not trace_id:
        return None
    return set_span_in_context(NonRecordingSpan(SpanContext(trace_id, span_id, is_remote=True)), Context())
