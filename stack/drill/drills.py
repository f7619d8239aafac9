"""The drills: what fails, how, and how it comes back. ``seconds`` is how long it lasts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from .gate import FORGETFUL, HANG, PASS, RESET
from .site import RESERVE, SMALL_DISK, Site

BACKENDS: Final = ("Prometheus", "Loki", "Datadog", "OTLP")


@dataclass(frozen=True)
class Drill:
    """One way for things to go wrong, while the load goes on."""

    name: str
    story: str
    run: Callable[[Site, float], None]
    small_disk: bool = False

    @property
    def slug(self) -> str:
        return "".join(letter if letter.isalnum() else "-" for letter in self.name.lower())


def _down(*names: str) -> Callable[[Site, float], None]:
    def run(site: Site, seconds: float) -> None:
        for name in names:
            site.backends.down(name)
        site.wait(seconds)
        for name in names:
            site.backends.up(name)

    return run


def _answering(mode: str | int) -> Callable[[Site, float], None]:
    def run(site: Site, seconds: float) -> None:
        for gate in site.backends.gates.values():
            gate.mode = mode
        site.wait(seconds)
        for gate in site.backends.gates.values():
            gate.mode = PASS

    return run


def _killed(site: Site, seconds: float) -> None:
    for _ in range(3):
        site.wait(seconds / 4)
        site.kill()
    site.wait(seconds / 4)


def _killed_while_all_down(site: Site, seconds: float) -> None:
    for name in BACKENDS:
        site.backends.down(name)
    _killed(site, seconds)
    for name in BACKENDS:
        site.backends.up(name)


def _disk_full(site: Site, seconds: float) -> None:
    for gate in site.backends.gates.values():
        gate.mode = 503
    site.padding = 20_000
    site.wait(seconds)
    site.padding = 0
    for gate in site.backends.gates.values():
        gate.mode = PASS
    site.await_acknowledged()


def _bad_item(site: Site, seconds: float) -> None:
    site.wait(seconds / 4)
    site.send_bad_item()
    site.wait(seconds / 4)


DRILLS: Final[tuple[Drill, ...]] = (
    *(Drill(f"{name} down", f"{name} ends, and starts again.", _down(name)) for name in BACKENDS),
    Drill("all down", "All of them end, and start again.", _down(*BACKENDS)),
    Drill("killed", "SIGKILL to the collector, three times.", _killed),
    Drill(
        "killed, all down",
        "SIGKILL to the collector, three times, while no backend is there.",
        _killed_while_all_down,
    ),
    *(
        Drill(f"answer {status}", f"Every backend answers {status}.", _answering(status))
        for status in (429, 500, 503)
    ),
    Drill("hang", "Every backend takes requests and never answers.", _answering(HANG)),
    Drill("reset", "Every backend takes requests and resets the connection.", _answering(RESET)),
    Drill(
        "answer lost",
        "Every backend stores what it is sent and resets the connection.",
        _answering(FORGETFUL),
    ),
    Drill(
        "bad item",
        "Among the others an item that Prometheus and Loki refuse: a sample of long ago, a line of "
        "long ago.",
        _bad_item,
    ),
    Drill(
        "disk full",
        f"No backend takes anything, on a disk of {SMALL_DISK} MB with a reserve of {RESERVE}, until there is "
        "no more room; then they do.",
        _disk_full,
        small_disk=True,
    ),
)
