"""Checks the manifests as far as that goes without a cluster: `cargo xtask test --only manifests`.

`python checks --write` renews what is made from other files of the repository.
"""

import sys
import tempfile
from pathlib import Path

# Nothing is left beside these files.
sys.dont_write_bytecode = True

import callers
import certificates
import configuration
import ingress
import names
import overlays
import rules
import schemas


def main() -> int:
    if sys.argv[1:] == ["--write"]:
        rules.write()
        return 0
    problems = rules.problems()
    binaries = configuration.build_binaries()
    rendered = {name: overlays.render(name) for name in [*overlays.ALL, overlays.CALLERS]}
    for name, resources in rendered.items():
        found = schemas.problems(resources) + names.problems(resources, binaries)
        found += certificates.problems(resources) + ingress.problems(resources)
        with tempfile.TemporaryDirectory() as directory:
            found += configuration.problems(resources, binaries, Path(directory))
        problems += [f"{name}: {problem}" for problem in found]
        print(f"{name}: {len(resources)} resources, {len(found)} problems")
    for name in overlays.WITH_TOKENS:
        found = callers.problems(rendered[overlays.CALLERS], rendered[name])
        problems += [f"{overlays.CALLERS}, at {name}: {problem}" for problem in found]
    with tempfile.TemporaryDirectory() as directory:
        problems += configuration.compose_problems(binaries["token_broker_under_test"], Path(directory))
    print(f"not in any schema here, checked by a cluster alone: {', '.join(sorted(schemas.CUSTOM))}")
    for problem in problems:
        print(f"  {problem}", file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
