"""The service as processes: uvicorn around the application, one or several workers, each with its own assembly."""

from __future__ import annotations

from functools import partial

import uvicorn
from fastapi import FastAPI

from api.bootstrap import assembled
from api.http.app import service
from api.http.mail import sender_of
from api.http.watching import log_as_json
from api.settings import Settings

CONNECTIONS = 16
"""Database connections of a process at the most. Its 40 threads share them: who waits for a commit holds none."""
GRACE_S = 10
"""How long requests under way may take to end once the service is told to stop."""


def from_environment() -> FastAPI:
    """The application that a worker runs, with the settings of the environment."""
    log_as_json()
    settings = Settings.from_environment()
    return service(partial(assembled, settings, connections=CONNECTIONS), send_code=sender_of(settings))


def serve(host: str, port: int, workers: int, proxies: str) -> None:
    """Serves until it is told to stop; each worker is a process. From `proxies` alone X-Forwarded-For counts."""
    log_as_json()
    uvicorn.run(
        "api.http.serving:from_environment",
        factory=True,
        host=host,
        port=port,
        workers=workers,
        log_config=None,
        access_log=False,
        server_header=False,
        forwarded_allow_ips=proxies,
        timeout_graceful_shutdown=GRACE_S,
    )
