"""The service as processes: uvicorn around the application, one or several workers, each with its own assembly."""

from __future__ import annotations

import gc
import logging
from functools import partial
from socket import socket
from threading import Event, Thread

import uvicorn
from fastapi import FastAPI

from api.bootstrap import assembled
from api.http.app import service
from api.http.mail import sender_of
from api.http.watching import log_as_json
from api.settings import Settings

CONNECTIONS = 16
"""Database connections of a process at the most. Its 40 threads share them: who waits for a commit holds none."""
HEALTH_S = 60
"""How long a worker may take to answer that it is there; a slow machine needs seconds to start one."""
STOPPING = Event()
"""Set as soon as this process is told to stop, whatever it does: an exception alone can get lost in a finaliser."""
GRACE_S = 10
"""How long requests under way may take to end once the service is told to stop."""


def from_environment() -> FastAPI:
    """The application that a worker runs, with the settings of the environment."""
    log_as_json()
    settings = Settings.from_environment()
    opening = partial(assembled, settings, connections=CONNECTIONS)
    app = service(opening, STOPPING, send_code=sender_of(settings))
    gc.collect()
    gc.freeze()  # what is there from the start is never garbage: looking through it would keep everybody waiting
    return app


def serve(host: str, port: int, workers: int, proxies: str) -> None:
    """Serves until it is told to stop; each worker is a process. From `proxies` alone X-Forwarded-For counts."""
    log_as_json()
    if STOPPING.is_set():
        return
    uvicorn.run(
        "api.http.serving:from_environment",
        factory=True,
        host=host,
        port=port,
        workers=workers,
        log_config=None,
        access_log=False,
        server_header=False,
        loop="uvloop",
        http="httptools",
        forwarded_allow_ips=proxies,
        timeout_graceful_shutdown=GRACE_S,
        timeout_worker_healthcheck=HEALTH_S,
    )


def serve_here(settings: Settings, listening: socket) -> None:
    """Serves this ledger in this process until Ctrl-C, and says nothing of what is asked."""
    logging.getLogger("fenhao").setLevel(logging.WARNING)
    app = service(partial(assembled, settings, connections=CONNECTIONS), STOPPING, sender_of(settings))
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, timeout_graceful_shutdown=GRACE_S))
    thread = Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    try:
        thread.join()
    except KeyboardInterrupt:
        STOPPING.set()
        server.should_exit = True
        thread.join()
