"""Refuses connections that leave the machine, in any Python that has this folder on its path.

Python imports `sitecustomize` when it starts, so notebook kernels and what they start obey too.
"""

import ipaddress
import socket
from collections.abc import Callable


class NetworkRefusedError(RuntimeError):
    """No OSError, so that no library takes it for a passing fault and tries again."""


def is_loopback(host: str | bytes | None) -> bool:
    host = host.decode() if isinstance(host, bytes) else host
    if host in (None, "", "localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def refuse(host: object) -> None:
    raise NetworkRefusedError(
        f"a test asked for {host!r}, and tests run offline: only loopback is open. Make the "
        "answer in the test, or put a server on 127.0.0.1."
    )


def guarded(connect: Callable) -> Callable:
    def connect_on_this_machine(self: socket.socket, address: object) -> object:
        if self.family in (socket.AF_INET, socket.AF_INET6) and not is_loopback(address[0]):
            refuse(address)
        return connect(self, address)

    return connect_on_this_machine


def look_up_on_this_machine(host: str | bytes | None, *args: object, **more: object) -> list:
    return LOOK_UP(host, *args, **more) if is_loopback(host) else refuse(host)


LOOK_UP = socket.getaddrinfo
socket.socket.connect = guarded(socket.socket.connect)
socket.socket.connect_ex = guarded(socket.socket.connect_ex)
socket.getaddrinfo = look_up_on_this_machine
