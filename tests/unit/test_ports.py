"""Ports for what a test starts."""

from __future__ import annotations

import socket
import subprocess
import sys

import pytest

from stack import ports

ALL_IN_TEN = """
from stack import ports
ports._RANGE = range({first}, {first} + 10)
while True:
    try:
        print(ports.free_port(), flush=True)
    except RuntimeError:
        break
print("that is all", flush=True)
input()
"""


def test_a_port_is_its_owners_as_long_as_that_lives(monkeypatch: pytest.MonkeyPatch) -> None:
    ours = ports.free_port()
    monkeypatch.setattr(ports, "_RANGE", range(ours, ours + 10))
    with subprocess.Popen(
        [sys.executable, "-c", ALL_IN_TEN.format(first=ours)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as other:
        assert other.stdout is not None
        theirs = [int(line) for line in iter(other.stdout.readline, "that is all\n")]
        assert theirs
        assert ours not in theirs
        with pytest.raises(RuntimeError):
            ports.free_port()
        other.communicate("")
    assert ports.free_port() in theirs


def test_no_port_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        monkeypatch.setattr(ports, "_RANGE", range(port, port + 1))
        with pytest.raises(RuntimeError, match=f"no free port between {port}"):
            ports.free_port()
