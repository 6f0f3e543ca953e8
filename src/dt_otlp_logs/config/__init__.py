"""The configuration: settings from code and environment, endpoints, the token. Reads nothing else."""

from dt_otlp_logs.config.config import CAPTURES, Config, load_config, with_captures
from dt_otlp_logs.config.endpoint import Endpoint, parse_endpoint
from dt_otlp_logs.config.headers import Headers
from dt_otlp_logs.config.problem import BadValueError, ConfigError, Origin, Problem
from dt_otlp_logs.config.proxies import Proxies
from dt_otlp_logs.config.settings import SETTINGS
from dt_otlp_logs.config.token import ApiToken
from dt_otlp_logs.config.token_source import TokenSource

__all__ = [
    "CAPTURES",
    "SETTINGS",
    "ApiToken",
    "BadValueError",
    "Config",
    "ConfigError",
    "Endpoint",
    "Headers",
    "Origin",
    "Problem",
    "Proxies",
    "TokenSource",
    "load_config",
    "parse_endpoint",
    "with_captures",
]
