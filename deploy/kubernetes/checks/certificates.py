"""A key speaks for those Services alone that lead to the pods which hold it: an api pod has none of token-broker-admin."""

import base64
import re
import subprocess

import overlays
from names import matches

# A laptop reaches any pod by it.
ANYWHERE = {"localhost"}


def problems(resources: list[dict]) -> list[str]:
    """Names in certificates that are of Services of other pods."""
    found = []
    for workload in overlays.workloads(resources):
        pod = workload["spec"]["template"]
        for holder, names in _held(pod, resources):
            allowed = _names(pod["metadata"]["labels"], resources)
            wrong = sorted(name for name in names if name not in ANYWHERE and name.split(".")[0] not in allowed)
            found += [f"{workload['metadata']['name']} holds a key of {name} by {holder}" for name in wrong]
    return found


def _names(labels: dict, resources: list[dict]) -> set[str]:
    services = [one for one in resources if one["kind"] == "Service"]
    return {one["metadata"]["name"] for one in services if matches({"matchLabels": one["spec"]["selector"]}, labels)}


def _held(pod: dict, resources: list[dict]):
    """What gives the pod a key, and for which names."""
    volumes = pod["spec"].get("volumes", [])
    mounted = {volume["secret"]["secretName"] for volume in volumes if volume.get("secret")}
    for one in resources:
        name, spec = one["metadata"]["name"], one.get("spec", {})
        match one["kind"]:
            case "Certificate" if spec["secretName"] in mounted:
                yield f"Certificate {name}", spec["dnsNames"]
            case "ClusterSPIFFEID" if matches(spec["podSelector"], pod["metadata"]["labels"]):
                yield f"ClusterSPIFFEID {name}", spec["dnsNameTemplates"]
            case "Secret" if name in mounted and "tls.crt" in one["data"]:
                yield f"Secret {name}", _in_certificate(base64.b64decode(one["data"]["tls.crt"]))


def _in_certificate(pem: bytes) -> list[str]:
    command = ["openssl", "x509", "-noout", "-ext", "subjectAltName"]
    text = subprocess.run(command, input=pem, check=True, capture_output=True).stdout.decode()
    return re.findall(r"DNS:([^,\s]+)", text)
