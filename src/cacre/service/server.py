"""The process: one listening socket, uvicorn, and an end that loses no request."""

from __future__ import annotations

import asyncio
import math
import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType

import uvicorn

from cacre.errors import ConfigError
from cacre.service.app import create_app
from cacre.service.logs import log
from cacre.service.service import VerificationService
from cacre.service.settings import ServeSettings

_BACKLOG = 2048
_SETTLE_SECONDS = 0.5
"""How long connections that were just made may take to send their request once nothing new is accepted."""


class GracefulServer(uvicorn.Server):
    """Uvicorn, which on the first SIGTERM or SIGINT turns `/readyz`, goes on for a while, and only then stops.

    A second signal stops it without the while.

    Args:
        service: Is told to drain.
        settings: How long the steps take.
    """

    def __init__(self, service: VerificationService, settings: ServeSettings) -> None:
        super().__init__(
            uvicorn.Config(
                create_app(service, settings),
                log_config=None,
                access_log=False,
                server_header=False,
                timeout_graceful_shutdown=math.ceil(settings.shutdown_seconds),
                # A proxy's word about addresses is neither needed nor checked.
                proxy_headers=False,
                ws="none",
                lifespan="on",
            )
        )
        self._service, self._settings = service, settings
        self._stop_at = math.inf

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to stop, or stop faster."""
        if not self._service.draining:
            self._service.drain()
            self._stop_at = time.monotonic() + self._settings.drain_seconds
            return
        self._stop_at = -math.inf
        if self.should_exit and sig == signal.SIGINT:
            self.force_exit = True

    async def on_tick(self, counter: int) -> bool:
        """Whether to stop now."""
        if time.monotonic() >= self._stop_at:
            self.should_exit = True
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop accepting, and finish what was accepted."""
        self._service.drain()
        log("stopping", {"at_work": len(self.server_state.tasks)})
        await self._stop_listening(sockets or [])
        end = time.monotonic() + _SETTLE_SECONDS
        while self.server_state.connections and time.monotonic() < end:
            await asyncio.sleep(0.02)
        await super().shutdown()
        log("stopped")

    async def _stop_listening(self, sockets: list[socket.socket]) -> None:
        """Close the sockets, but first take in the connections that the kernel has accepted for us."""
        spares = [sock.dup() for sock in sockets]
        for server in self.servers:
            server.close()
        for spare in spares:
            spare.setblocking(False)
            with spare:
                accepted = list(_accepted(spare))
            for connection in accepted:
                await asyncio.get_running_loop().connect_accepted_socket(self._protocol, connection)

    def _protocol(self) -> asyncio.Protocol:
        make = self.config.http_protocol_class
        return make(config=self.config, server_state=self.server_state, app_state=self.lifespan.state)  # type: ignore[call-arg]


def _accepted(listening: socket.socket) -> Iterator[socket.socket]:
    """The connections that wait to be taken."""
    while True:
        try:
            yield listening.accept()[0]
        except OSError:  # there are none left
            return


def bind(settings: ServeSettings) -> socket.socket:
    """Listen on the address of the settings.

    Raises:
        ConfigError: The address is none of this machine's, or the port is taken or not allowed.
    """
    place = f"{settings.host} port {settings.port}"
    try:
        found = socket.getaddrinfo(settings.host.strip("[]"), settings.port, type=socket.SOCK_STREAM)
        # IPv4 first, which is what clients try for localhost on every machine.
        family, *_, address = min(found, key=lambda entry: entry[0] != socket.AF_INET)
        return socket.create_server((str(address[0]), settings.port), family=family, backlog=_BACKLOG)
    except OSError as error:
        raise ConfigError(f"cannot listen on {place} ({error.strerror or error}): choose another one") from error


def url_of(listening: socket.socket) -> str:
    """The address of a listening socket, as a client takes it."""
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def run_server(service: VerificationService, settings: ServeSettings) -> None:
    """Serve until SIGTERM or SIGINT, and return when what was accepted is answered.

    Raises:
        ConfigError: The address cannot be listened on, or the service did not start.
    """
    with bind(settings) as listening:
        url, server = url_of(listening), GracefulServer(service, settings)
        log("listening", {"url": url})
        _run(server, listening)
    if not server.started:
        raise _not_started(url)


def _run(server: GracefulServer, listening: socket.socket) -> None:
    # Uvicorn ends the whole process when an application does not start, which is for its caller to decide.
    with suppress(SystemExit):
        server.run(sockets=[listening])


def _not_started(url: str) -> ConfigError:
    return ConfigError(f"the service at {url} did not start: its log says why")


@contextmanager
def serving(service: VerificationService, settings: ServeSettings) -> Iterator[str]:
    """Serve in a thread for the time of a block, as in a notebook or a test.

    Yields:
        The address, as a client takes it.

    Raises:
        ConfigError: The address cannot be listened on, or the service did not start.
    """
    listening = bind(settings)
    url, server = url_of(listening), GracefulServer(service, settings)
    thread = threading.Thread(target=_run, args=(server, listening), name="cacre serve", daemon=True)
    thread.start()
    try:
        while not server.started:
            if not thread.is_alive():
                raise _not_started(url)
            time.sleep(0.005)
        yield url
    finally:
        server.should_exit = True
        thread.join()
        listening.close()
