"""The PrometheusRule says what deploy/prometheus says: kustomize takes no file from outside its directory, so this is a copy."""

import re
from collections import Counter

from overlays import KUBERNETES, ROOT

COPY = KUBERNETES / "components/monitoring/prometheus-rule.yaml"
HEAD = """\
# Made by `python deploy/kubernetes/checks --write` of deploy/prometheus/*.rules.yaml: change those.
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata: { name: token-broker }
spec:
  groups:
"""


def problems() -> list[str]:
    """Whether the copy is what it is made of."""
    made = _made()
    found = [
        f"deploy/prometheus has {count} groups `{name}`: a PrometheusRule has one of each name, and an API server refuses it"
        for name, count in Counter(re.findall(r"^ +- name: (.+)$", made, re.MULTILINE)).items()
        if count > 1
    ]
    if not COPY.exists() or COPY.read_text() != made:
        found.append(f"{COPY.relative_to(ROOT)} is not what deploy/prometheus says: run deploy/kubernetes/checks --write")
    return found


def write() -> None:
    """Makes the copy anew."""
    COPY.write_text(_made())


def _made() -> str:
    sources = sorted((ROOT / "deploy/prometheus").glob("*.rules.yaml"))
    assert sources, "there are no rules in deploy/prometheus"
    return HEAD + "".join(_groups(source.read_text()) for source in sources)


def _groups(text: str) -> str:
    """What stands below `groups:`, two columns further in."""
    _, _, groups = text.partition("\ngroups:\n")
    assert groups, "a file of rules has a list `groups` and nothing after it"
    return "".join(f"  {line}" if line.strip() else line for line in groups.splitlines(keepends=True))
