"""Which token and headers belong to which endpoint: nothing secret goes where it was not meant to go."""

from dt_otlp_logs.config.endpoint import BASE_VARIABLE, LOGS_VARIABLE, Endpoint, parse_endpoint
from dt_otlp_logs.config.headers import Headers
from dt_otlp_logs.config.loading import Loading
from dt_otlp_logs.config.problem import BadValueError
from dt_otlp_logs.config.setting import Given
from dt_otlp_logs.config.settings import BY_KEY
from dt_otlp_logs.config.token import ApiToken
from dt_otlp_logs.config.token_source import TokenSource

_MISSING_TOKEN = "dt0c01.... (or DT_API_TOKEN_FILE, or api_token in code): a token with the scope logs.ingest"  # noqa: S105


def load_credentials(loading: Loading, endpoints: tuple[Endpoint, ...]) -> tuple[TokenSource, Headers]:
    """Answer the token, and the headers sent beside it.

    The token goes to Dynatrace only. An `authorization` header stands in for a missing token; it stays among
    the headers only where it was written for the very receiver that logs go to.
    """
    headers, came_from = _headers(loading)
    otel = _receiver_of_the_variables(loading)
    ours = otel is not None and any(endpoint.otlp_url == otel.otlp_url for endpoint in endpoints)
    if headers and otel and not ours and came_from != "argument":
        loading.note(f"the headers in {came_from} are those of {otel.host} and are not sent elsewhere")
        headers = Headers()
    authorization = headers.get("authorization")
    receivers_only = bool(endpoints) and all(endpoint.kind == "otlp_receiver" for endpoint in endpoints)
    if authorization and not (receivers_only and (ours or came_from == "argument")):
        headers = headers.without("authorization")
        if receivers_only:
            loading.note(f"authorization in {came_from} is not sent: the endpoint is not from an OTEL_ variable")
    loading.came_from("headers", headers, came_from or "default")
    needed = not endpoints or any(endpoint.needs_token for endpoint in endpoints)
    token = _given_token(loading)
    if token is None and needed and authorization and came_from:
        token = _token_from(loading, authorization, f"authorization in {came_from}")
    if token is None:
        if needed and not (loading.refused("api_token") or loading.refused("api_token_file")):
            loading.missing("api_token", _MISSING_TOKEN)
        elif not loading.refused("api_token"):
            loading.came_from("api_token", None, "default")
        return TokenSource.none(), headers
    if endpoints and not any(endpoint.sends_token for endpoint in endpoints):
        loading.note(f"the token in {token.where} is not sent: {endpoints[0].host} is not an address of Dynatrace")
    return token, headers


def _headers(loading: Loading) -> tuple[Headers, str]:
    """Answer the headers and where they, and the authorization among them, came from.

    The stock exporter lets the variable for logs replace the general one as a whole; here it wins header by
    header, so that one more header for logs does not take the authorization away.
    """
    setting = BY_KEY["headers"]
    if loading.settings.get("headers") is not None:
        given = Given(loading.settings["headers"], "argument", loading.note)
        return loading.parse(setting, given) or Headers(), "argument"
    merged: dict[str, str] = {}
    used: list[str] = []
    authorization_from = ""
    for name in reversed(setting.variables):
        if not (text := loading.environ.get(name, "")).strip():
            continue
        headers = loading.parse(setting, Given(text, name, loading.note))
        merged.update(headers)
        used.insert(0, name)
        if "authorization" in headers:
            authorization_from = name
    return Headers(merged), authorization_from or (used[0] if used else "")


def _receiver_of_the_variables(loading: Loading) -> Endpoint | None:
    """Answer the OTLP receiver that the OTEL variables name, whether or not logs go there."""
    for name in (LOGS_VARIABLE, BASE_VARIABLE):
        if not (text := loading.environ.get(name, "")).strip():
            continue
        try:
            endpoint, _ = parse_endpoint(text, name)
        except BadValueError:
            return None
        return endpoint if endpoint.kind == "otlp_receiver" else None
    return None


def _given_token(loading: Loading) -> TokenSource | None:
    """Answer the token given as a setting; code wins over the environment, a token over a file."""
    token, file = loading.find("api_token"), loading.find("api_token_file")
    if token and file and token.source == file.source == "argument":
        loading.refuse("api_token_file", "argument", "given beside api_token", "one of the two")
        file = None
    if token and file:
        used, unused = (file, token) if file.source == "argument" else (token, file)
        loading.note(f"{unused.source} is not used: the token comes from {used.source}")
        token, file = (token, None) if used is token else (None, file)
    if file is None:
        loading.came_from("api_token_file", None, "default")
    if token:
        value = loading.parse(BY_KEY["api_token"], token)
        return TokenSource.fixed(value, _where(token)) if value else None
    return _from_file(loading, file) if file else None


def _from_file(loading: Loading, given: Given) -> TokenSource | None:
    path = loading.parse(BY_KEY["api_token_file"], given)
    if path is None:
        return None
    source = TokenSource.from_file(path)
    token = source.current()
    if source.problem or token is None:
        loading.refuse("api_token_file", given.source, source.problem or "empty", "a readable file with a token")
        return None
    loading.came_from("api_token", token, source.where)
    return source


def _token_from(loading: Loading, authorization: str, where: str) -> TokenSource | None:
    try:
        token = ApiToken(authorization)
    except BadValueError as bad:
        loading.refuse("api_token", where, bad.found or "not a token", bad.expected)
        return None
    loading.came_from("api_token", token, where)
    return TokenSource.fixed(token, where)


def _where(given: Given) -> str:
    return "api_token in code" if given.source == "argument" else given.source
