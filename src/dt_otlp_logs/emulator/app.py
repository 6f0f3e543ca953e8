"""The ASGI app: the control API, and everything else to the ingest endpoint."""

from starlette.applications import Starlette
from starlette.routing import Route

from dt_otlp_logs.emulator.control import control_routes
from dt_otlp_logs.emulator.endpoint import IngestEndpoint
from dt_otlp_logs.emulator.faults import FaultPlan
from dt_otlp_logs.emulator.settings import EmulatorSettings
from dt_otlp_logs.emulator.store import Store


def create_app(settings: EmulatorSettings | None = None, *, bound_host: str = "127.0.0.1") -> Starlette:
    """A local Dynatrace as an ASGI app; its parts are `app.state.store` and `app.state.faults`.

    `bound_host` is the address it is served on, one of the hosts under which the control API may be asked.
    Faults that cut a connection need the server of `running_emulator` or `serve`; others answer 500 to them.
    """
    chosen = settings or EmulatorSettings()
    store = Store(chosen.max_stored_records, chosen.max_stored_bytes, chosen.max_kept_requests)
    faults = FaultPlan()
    ingest = Route("/{path:path}", IngestEndpoint(chosen, store, faults))
    app = Starlette(routes=[*control_routes(chosen, store, faults, bound_host), ingest])
    app.state.store = store
    app.state.faults = faults
    return app
