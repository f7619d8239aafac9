"""The third-party binaries the tests, the demo and the stack run, and how they are built."""
