"""Other sets of packages than the one the tests run in: old and new LiteLLM, other instrumentations.

``environment("litellm-oldest")`` returns the Python of a virtual environment that has what the table's
row of that name asks for, what this project and its tests need, and this checkout itself, its entry
points included. So a test runs a program, or pytest, in it::

    from tests.environments import environment

    python = environment("litellm-oldest")
    subprocess.run([python, "-m", "pytest", "tests/component/calls/test_endings.py"], check=True)
    subprocess.run([python.parent / "opentelemetry-instrument", "litellm", "--config", path])

The rows are in ``table.py``. Each is locked, with hashes, in ``requirements/environments/<name>.txt``;
after a change of a row, or to take newer packages::

    python -m tests.environments lock [NAME...]

An environment is made when first asked for, into the user's cache folder (``litellm-otel/environments``
in ``$XDG_CACHE_HOME`` or ``~/.cache``), with uv's own cache behind it, from which files are linked, not
copied. Whatever decides what is in it is in its folder's name; those unused for a week are removed when
another is made. ``python -m tests.environments build [NAME...]`` makes them beforehand.
"""

from tests.environments.building import CannotBuild, environment
from tests.environments.table import ENVIRONMENTS, Environment

__all__ = ["ENVIRONMENTS", "CannotBuild", "Environment", "environment"]
