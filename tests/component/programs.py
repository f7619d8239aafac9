"""Small Python programs as a user would start them, each in an interpreter of its own."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from typing import TYPE_CHECKING

from tests.component.proxy_process import BIN, environment

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

INSTRUMENT = (str(BIN / "opentelemetry-instrument"), sys.executable)
CALL = """
import litellm
def call(text="hello"):
    return litellm.completion(
        model="openai/gpt-4o-mini", messages=[{"role": "user", "content": text}],
        mock_response="Hi", api_key="sk-unused",
    )
"""


def run_program(
    folder: Path,
    code: str,
    *,
    command: Sequence[str] = INSTRUMENT,
    seconds: float = 280.0,
    **env: str,
) -> subprocess.CompletedProcess[str]:
    """Run `code` by `command`, with `env` and no other telemetry settings, to its end."""
    script = folder / "program.py"
    script.write_text(textwrap.dedent(code))
    return subprocess.run(
        [*command, str(script)],
        env=environment(**env),
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )
