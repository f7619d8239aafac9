"""Stand-ins of outside services: small HTTP servers that check what they get as strictly as the
real service does, keep it, and remember every violation.

Each runs in a thread of the process that uses it (``with PagerDuty() as pagerduty: ...``) or as a
process of its own (``python -m stack standin pagerduty --port 9001``), and shows what it got as
JSON at ``/_standin/state`` and ``/_standin/failures``.
"""
