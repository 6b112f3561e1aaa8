"""The verifier as a service over HTTP, and its clients.

Importing this package loads no third-party module: names are looked up when first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cacre.extras import names_on_demand

if TYPE_CHECKING:
    from cacre.service.app import create_app
    from cacre.service.async_client import AsyncClient
    from cacre.service.client import Client
    from cacre.service.errors import RefusalError, ServiceError
    from cacre.service.server import run_server, serving
    from cacre.service.service import VerificationService
    from cacre.service.settings import ServeSettings
    from cacre.service.values import ModelInfo, Proposer

_HOME = {
    "AsyncClient": "cacre.service.async_client",
    "Client": "cacre.service.client",
    "ModelInfo": "cacre.service.values",
    "Proposer": "cacre.service.values",
    "RefusalError": "cacre.service.errors",
    "ServeSettings": "cacre.service.settings",
    "ServiceError": "cacre.service.errors",
    "VerificationService": "cacre.service.service",
    "create_app": "cacre.service.app",
    "run_server": "cacre.service.server",
    "serving": "cacre.service.server",
}

__all__ = [
    "AsyncClient",
    "Client",
    "ModelInfo",
    "Proposer",
    "RefusalError",
    "ServeSettings",
    "ServiceError",
    "VerificationService",
    "create_app",
    "run_server",
    "serving",
]


__getattr__ = names_on_demand("cacre.service", _HOME, "serve")


def __dir__() -> list[str]:
    return list(__all__)
