"""What a person can do about an answer: pure words, made from the verdict and where the request went."""

from collections.abc import Mapping

from dt_otlp_logs.delivery.transport import Fault
from dt_otlp_logs.delivery.verdict import Denied, Misdirected, Unsupported, Verdict

_BY_FAULT: Mapping[Fault, str] = {
    "refused": "check that DT_ENDPOINT names the right host and port, and that a firewall lets this machine out",
    "name": "check the host name in DT_ENDPOINT, and this machine's DNS",
    "timeout": "check that this machine may reach the host (firewall, or a proxy in HTTPS_PROXY); "
    "the limit is DT_OTLP_LOGS_TIMEOUT_SECONDS",
    "tls": "if an ActiveGate uses its own certificate, name its CA file in DT_OTLP_LOGS_CA_FILE; "
    "client certificates are DT_OTLP_LOGS_CLIENT_CERTIFICATE_FILE and DT_OTLP_LOGS_CLIENT_KEY_FILE",
    "not tls": "check the port in DT_ENDPOINT, or whether it should begin with http://",
    "proxy": "check DT_OTLP_LOGS_PROXY or HTTPS_PROXY / HTTP_PROXY; hosts in NO_PROXY are reached directly",
}


def advice(verdict: Verdict, fault: Fault | None, *, url: str, token: str, fallback: str = "") -> str:
    """What to do, in one sentence, or "" where waiting is all; `token` says which token, by its public part."""
    if fault is not None:
        return _BY_FAULT.get(fault, "")
    if isinstance(verdict, Denied):
        return _denied(verdict.status, token)
    if isinstance(verdict, Unsupported):
        return (
            f"{url} was tried; it should look like https://<environment>.live.dynatrace.com/api/v2/otlp/v1/logs "
            "or https://<activegate>:9999/e/<environment>/api/v2/otlp/v1/logs, and an ActiveGate must have "
            "its log ingest enabled" + (f"; {fallback}" if fallback else "")
        )
    if isinstance(verdict, Misdirected):
        return (
            f"{url} is answered by something that is not Dynatrace's ingest (a login page, a proxy, another path): "
            "DT_ENDPOINT should name https://<environment>.live.dynatrace.com (not .apps.) or an ActiveGate"
        )
    return ""


def _denied(status: int, token: str) -> str:
    if status == 401:
        return f"{token} is not accepted: it may be expired, revoked, or of another environment"
    if status == 403:
        return f"{token} needs the scope logs.ingest (a platform token: openpipeline:logs:ingest)"
    if status == 407:
        return "the proxy asks for a user and password: put them into DT_OTLP_LOGS_PROXY"
    return "the environment's licence or quota does not allow more log ingest"
