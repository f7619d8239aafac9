"""For all layers."""

from __future__ import annotations

import signal

# A shell has what it starts in the background ignore SIGINT, and with it all that is started in turn:
# then nobody could be interrupted, which some tests are about.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
