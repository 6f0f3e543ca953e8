"""The handler is named in LOGGING and configures itself from the environment; nothing else is ours."""

SECRET_KEY = "only for this example"
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "shop.urls"

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {
        "console": {"class": "logging.StreamHandler"},
        "dynatrace": {"class": "dt_otlp_logs.DynatraceLoggingHandler"},
    },
    "root": {"handlers": ["console", "dynatrace"], "level": "INFO"},
}
