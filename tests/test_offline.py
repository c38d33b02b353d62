"""The tests' own guard: nothing but loopback is reached, here and in child processes."""

import socket
import subprocess
import sys

import pytest

REACH_OUT = "import socket; socket.create_connection(('192.0.2.1', 80), timeout=1)"


@pytest.mark.parametrize("host", ["192.0.2.1", "example.org"])
def test_a_connection_that_leaves_the_machine_is_refused(host):
    with pytest.raises(RuntimeError, match="tests run offline"):
        socket.create_connection((host, 80), timeout=1)


def test_a_child_process_is_refused_too():
    result = subprocess.run([sys.executable, "-c", REACH_OUT], capture_output=True, text=True)
    assert "tests run offline" in result.stderr


def test_loopback_is_open():
    with socket.create_server(("127.0.0.1", 0)) as server:
        socket.create_connection(server.getsockname(), timeout=5).close()
