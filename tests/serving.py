"""A site on a free port of this machine, for tests that need a real server."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from starlette.types import ASGIApp


@contextmanager
def serving(site: ASGIApp) -> Iterator[str]:
    """Serve in a thread of its own; yields the address, e.g. `http://127.0.0.1:41234`."""
    server = uvicorn.Server(
        uvicorn.Config(site, host="127.0.0.1", port=0, log_level="error", lifespan="auto")
    )
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    give_up = time.monotonic() + 15
    while not server.started:
        assert thread.is_alive(), "the server ended before it began"
        assert time.monotonic() < give_up, "the server did not start"
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(timeout=15)
