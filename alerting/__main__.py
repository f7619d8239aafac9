"""`python -m alerting rules|prometheus|alertmanager`: print a shipped file with other values."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from alerting import configs, rules


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m alerting", description=__doc__)
    files = parser.add_subparsers(dest="file", required=True)

    rule_file = files.add_parser("rules", help="the alerting and recording rules")
    rule_file.add_argument("--name", choices=rules.FILES, default="litellm", help="which file")
    rule_file.add_argument("--window", help="length of every range under an hour, such as 15s")
    rule_file.add_argument("--hold", help="how long each condition must hold before it fires")
    rule_file.add_argument("--interval", help="how often the rules are evaluated")
    rule_file.add_argument("--grafana-url", default=rules.GRAFANA_URL)
    rule_file.add_argument("--runbook-url", default=rules.RUNBOOK_URL)

    server = files.add_parser("prometheus", help="the configuration of Prometheus")
    server.add_argument("--rule-file", action="append", dest="rule_files", metavar="PATH")
    server.add_argument("--alertmanager", action="append", dest="alertmanagers", metavar="ADDRESS")
    server.add_argument(
        "--target", action="append", default=[], type=_target, metavar="JOB=ADDRESS,..."
    )
    server.add_argument("--interval", help="how often to scrape and to evaluate")
    server.add_argument("--remote-write", metavar="URL", help="a store for what is kept longer")

    router = files.add_parser("alertmanager", help="the configuration of Alertmanager")
    router.add_argument("--secrets", type=Path, help="directory of the secret files")
    router.add_argument("--templates", type=Path, help="directory of the *.tmpl files")
    router.add_argument("--pagerduty-url")
    router.add_argument("--group-wait")
    router.add_argument("--group-interval")
    router.add_argument("--repeat-interval")
    return parser


def _target(text: str) -> tuple[str, list[str]]:
    job, equals, addresses = text.partition("=")
    if not equals:
        raise argparse.ArgumentTypeError(f"{text!r} is not JOB=ADDRESS,...")
    return job, [address for address in addresses.split(",") if address]


def main(argv: list[str] | None = None) -> int:
    given = vars(_parser().parse_args(argv))
    file = given.pop("file")
    try:
        if file == "rules":
            text = rules.render(rules.FILES[given.pop("name")], **given)
        elif file == "prometheus":
            text = configs.prometheus(targets=dict(given.pop("target")), **given)
        else:
            text = configs.alertmanager(**given)
    except ValueError as error:
        print(f"alerting: {error}", file=sys.stderr)  # noqa: T201
        return 2
    sys.stdout.write(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
