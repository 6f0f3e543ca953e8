"""Every switch of the emulator: what Dynatrace's documentation leaves open or has changed, one field each."""

from dataclasses import dataclass
from typing import Literal, get_args, get_origin, get_type_hints

from dt_otlp_logs.emulator.tokens import STANDARD_TOKENS, AcceptedToken


@dataclass(frozen=True, slots=True)
class RecordLimits:
    """What is cut, not refused, on one record (fact sheet, section 3.3). Sizes are UTF-8 bytes."""

    content_bytes: int
    attributes: int
    key_bytes: int
    value_bytes: int
    array_values: int
    nesting: int


# "kB" is read as 1,024 bytes: a content limit printed as 512 kB was seen to cut at 524,288.
LIMITS = {
    "grail": RecordLimits(10_000_000, 500, 100, 32_768, 32, 5),
    "grail_classic_pipeline": RecordLimits(524_288, 50, 100, 250, 32, 5),
    "classic": RecordLimits(8_192, 50, 100, 250, 32, 5),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class EmulatorSettings:
    """What kind of Dynatrace to be. Sizes are bytes, times are seconds.

    Each field's comment says where Dynatrace's documentation disagrees with itself, or with what was seen.
    """

    # --- Who may send, and where ---
    tokens: tuple[AcceptedToken, ...] = STANDARD_TOKENS
    # Platform tokens (`dt0s16`, Bearer) for ingest: not listed in 2024, used by the operator's pages in 2026.
    platform_tokens: bool = True
    # Seen in the wild: 403. The generic list of response codes says 401.
    missing_scope_status: Literal[401, 403] = 403
    # Environment ids served under /e/<id>/; None serves every id. Others get 404.
    environments: frozenset[str] | None = None
    # A Host with `.apps.` in it: 404 in the troubleshooting page, used by some public samples.
    apps_hosts: Literal["not_found", "served"] = "not_found"
    # An ActiveGate without the module answers 404; which module serves OTLP logs is told in two ways.
    otlp_ingest_enabled: bool = True
    log_collector_enabled: bool = True

    # --- What kind of environment ---
    # `grail` keeps types and case of keys; the other two lower-case keys and make every value text.
    profile: Literal["grail", "grail_classic_pipeline", "classic"] = "grail"
    # The tenant's data model: `raw` in environments made since version 1.331, `flattened` in all older ones and
    # in every Managed cluster, hence the default. A request can ask for the other, except with `classic`.
    structure: Literal["raw", "flattened"] = "flattened"

    # --- Limits on a request ---
    # Printed as 2 MB (access limits page) and as 10 MB (log limits page). "MB" is read as 1,000,000, the
    # reading a sender has to survive.
    otlp_max_request_bytes: int = 10_000_000
    json_max_request_bytes: int = 10_000_000
    # What the limit counts is not said for logs; uncompressed is the stricter reading.
    request_limit_counts: Literal["uncompressed", "compressed"] = "uncompressed"
    max_records_per_request: int = 50_000
    # After resource and scope attributes are copied onto each record.
    max_preprocessed_bytes: int = 16_000_000
    # Never inflate more than this, whatever the limits above say.
    max_inflated_bytes: int = 64_000_000

    # --- Content types ---
    # OTLP/JSON: refused by the OTLP page, yet `otlp/json` is a known value of dt.ingest.format.
    accept_otlp_json: bool = False
    # 415 is documented for traces and metrics only; the logs page lists 400 for what is malformed.
    wrong_content_type_status: Literal[400, 415] = 415

    # --- Timestamps ---
    max_age_seconds: float = 86_400
    max_ahead_seconds: float = 600
    # One record too old: only that record is refused (post-ingest page), or the whole request (drop reasons).
    stale: Literal["partial", "whole_request"] = "partial"
    # Too far ahead: replaced by the time of ingest, or by that plus ten minutes (OpenPipeline limits page).
    ahead: Literal["now", "ten_minutes_ahead"] = "now"
    # OneAgent's local endpoint answers "out of correct time range" to text that is not UTC or has more than
    # milliseconds (Serilog.Sinks.Dynatrace issue 8).
    oneagent_milliseconds_only: bool = True

    # --- Mapping ---
    # The prefix table turns FATAL into EMERGENCY and TRACE into DEBUG; the semantic dictionary lists both.
    fatal_and_trace: Literal["table", "own"] = "table"
    # Which comes first for OTLP: severity_text and _number, or a level found in the record itself (Feb 2026).
    severity_order: Literal["fields_first", "record_first"] = "fields_first"
    # Nested deeper than five: a marker text (OTLP page) or left out with a 200 and a message (JSON page).
    too_deep: Literal["by_route", "marker", "drop"] = "by_route"
    # Arrays of mixed type: all text (the rule) or unchanged (an example on the Managed page).
    mixed_arrays: Literal["uniform", "kept"] = "uniform"
    # A JSON event without content: empty when raw, the whole event when flattened; the Classic page says both.
    without_content: Literal["by_structure", "empty", "whole_event"] = "by_structure"
    # None: the profile's own limit. 8,192, 65,536 and 524,288 have all been printed or seen.
    max_content_bytes: int | None = None

    # --- Answers ---
    # The key of the JSON body of a 200: `details` on the API page, `success` in Dynatrace's own snippet.
    partial_success_key: Literal["details", "success"] = "details"

    # --- The emulator itself ---
    max_stored_records: int = 100_000
    max_stored_bytes: int = 256_000_000
    max_kept_requests: int = 10_000
    # Request bodies being read at the same time; more are answered with 429.
    max_bytes_in_flight: int = 256_000_000
    keep_alive_seconds: int = 60
    # Host names under which the control API may be asked, besides loopback and the bound address.
    control_hosts: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse, with ValueError, a choice that is none and a number that is below zero."""
        for name, kind in get_type_hints(type(self)).items():
            value = getattr(self, name)
            if get_origin(kind) is Literal and value not in get_args(kind):
                allowed = ", ".join(repr(choice) for choice in get_args(kind))
                raise ValueError(f"{name} has to be one of {allowed}, not {value!r}")
            if kind in (int, float) and value < 0:
                raise ValueError(f"{name} cannot be below zero: {value!r}")

    @property
    def limits(self) -> RecordLimits:
        """The limits on one record under this profile."""
        return LIMITS[self.profile]

    @property
    def content_bytes(self) -> int:
        """Where content is cut."""
        return self.max_content_bytes or self.limits.content_bytes

    @property
    def text_only(self) -> bool:
        """Whether keys are lower-cased and values become text (every profile but `grail`)."""
        return self.profile != "grail"
