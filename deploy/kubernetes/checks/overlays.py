"""The overlays, as `kubectl kustomize` makes them."""

import subprocess
from pathlib import Path

import yaml

KUBERNETES = Path(__file__).resolve().parent.parent
ROOT = KUBERNETES.parent.parent
ALL = ["overlays/dev", "overlays/production", "overlays/production-spiffe"]
# Where callers show tokens of their service accounts, not certificates.
WITH_TOKENS = ["overlays/dev", "overlays/production"]
# Of whoever uses the broker.
CALLERS = "callers"


def render(directory: str) -> list[dict]:
    """All resources of one overlay, or of callers."""
    if directory == "overlays/dev":
        subprocess.run([KUBERNETES / "overlays/dev/make-secrets"], check=True)
    kustomize = ["kubectl", "kustomize", KUBERNETES / directory]
    made = subprocess.run(kustomize, check=True, stdout=subprocess.PIPE).stdout
    return list(yaml.safe_load_all(made))


def workloads(resources: list[dict]) -> list[dict]:
    """Those that run pods."""
    return [resource for resource in resources if resource["kind"] in ("Deployment", "StatefulSet", "Job")]


def containers(workload: dict) -> list[dict]:
    """Those that run beside each other in a pod, the broker's among them."""
    pod = workload["spec"]["template"]["spec"]
    return [*pod.get("initContainers", []), *pod["containers"]]


def is_broker(container: dict) -> bool:
    """Whether it runs the image of deploy/Dockerfile as it is: with a command of its own it runs brokerctl."""
    return container["image"].split(":")[0].split("/")[-1] == "token-broker" and "command" not in container
