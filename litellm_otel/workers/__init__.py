"""The processes of one start as a group: where they meet, who lives, and what each has counted.

A worker keeps its counts in a file that outlives it, its ledger. `litellm_otel.prometheus` reads those of
the dead for its page, and `heirs` sends them by OTLP; each has a name of its own for the file.
"""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING, Any

from litellm_otel.emit import storage

if TYPE_CHECKING:
    from litellm_otel.workers.ledger import Ledger
    from litellm_otel.workers.meeting import Member

_member: Member | None = None
_ledger: Ledger | None = None


def join(suffix: str, about: dict[str, Any] | None = None) -> Member:
    """This process as one of its start, its ledger to be found under that suffix too.

    Only a child keeps counts in it: where the first process is gone, nobody is left to read them.
    ``about`` is what a reader has to know of this process.

    Raises: `ImportError` where processes can't lock files, `OSError` where there is no place for them.
    """
    from litellm_otel.workers import ledger, meeting

    global _member, _ledger
    if _member is not None and _member.pid != os.getpid():
        _forget()
    if _member is None:
        _member = meeting.Member(meeting.directory())
    _member.show(suffix)
    if _ledger is None and not meeting.is_ours(_member.directory):
        _ledger = ledger.Ledger(_member.descriptor)
        storage.keep_in(_ledger.keep)
    if _ledger is not None and about is not None:
        _ledger.note(about)
    return _member


def supervise() -> None:
    """From now on this process only looks after the others, which meet where it says."""
    global _member, _ledger
    storage.keep_in(None)
    if _member is not None:
        _member.leave()
    _member = _ledger = None
    # No locks on files, as on Windows; or no place for them.
    with contextlib.suppress(ImportError, OSError):
        from litellm_otel.workers import meeting

        meeting.place()


def _forget() -> None:
    """In a forked child: ledger and lock are the parent's."""
    global _member, _ledger
    storage.keep_in(None)
    if _member is not None:
        _member.forget()
    _member = _ledger = None
