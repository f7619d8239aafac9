"""``python -m litellm_otel PROGRAM ARGUMENTS`` is ``litellm-otel run PROGRAM ARGUMENTS``."""

import sys

from litellm_otel.cli import main

if __name__ == "__main__":
    sys.exit(main(prog="python -m litellm_otel"))
