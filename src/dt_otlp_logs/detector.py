"""Dynatrace's metadata files as an OpenTelemetry resource detector."""

from opentelemetry.sdk.resources import Resource, ResourceDetector

from dt_otlp_logs.config.enrichment import read_enrichment


class DynatraceResourceDetector(ResourceDetector):
    """Says which host, process and pod this is, from the files of OneAgent and the Dynatrace Operator.

    `configure()` uses it on its own; in zero-code mode it is `OTEL_EXPERIMENTAL_RESOURCE_DETECTORS=dynatrace`.
    Where there are no such files it adds nothing. It never raises.
    """

    def detect(self) -> Resource:
        """The attributes of all files, later files winning."""
        attributes: dict[str, str] = {}
        for file in read_enrichment():
            attributes.update(file.attributes)
        return Resource(attributes)
