"""The overlays, as `kubectl kustomize` makes them."""

import subprocess
from pathlib import Path

import yaml

KUBERNETES = Path(__file__).resolve().parent.parent
ROOT = KUBERNETES.parent.parent
ALL = ["dev", "production", "production-spiffe"]


def render(overlay: str) -> list[dict]:
    """All resources of one overlay."""
    if overlay == "dev":
        subprocess.run([KUBERNETES / "overlays/dev/make-secrets"], check=True)
    kustomize = ["kubectl", "kustomize", KUBERNETES / "overlays" / overlay]
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
    """Whether it runs the image of deploy/Dockerfile."""
    return container["image"].split(":")[0].split("/")[-1] == "token-broker"
