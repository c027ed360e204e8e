"""Names that one resource uses and another gives: ports, selected pods, mounted objects, variables of brokerctl."""

import re
import subprocess

import overlays

# What the cluster makes by itself, or operators make by hand (docs/kubernetes.md), or an operator makes of a resource here.
CONFIG_MAPS_GIVEN = {"kube-root-ca.crt", "token-broker-ca"}
SECRETS_MADE_BY = {"ExternalSecret": ("spec", "target", "name"), "Certificate": ("spec", "secretName")}


def problems(resources: list[dict], binaries: dict) -> list[str]:
    """What is used and not there."""
    pods = [workload["spec"]["template"] for workload in overlays.workloads(resources)]
    return [
        *_selected(resources, pods),
        *_objects(resources),
        *_accounts(resources),
        *_variables(resources, binaries["brokerctl"]),
    ]


def _selected(resources: list[dict], pods: list[dict]) -> list[str]:
    """Services and policies select pods that have the ports they name."""
    found = []
    for resource in resources:
        name, spec = resource["metadata"]["name"], resource.get("spec", {})
        if resource["kind"] == "Service":
            ports = [port["targetPort"] for port in spec["ports"]]
            found += _ports_of(f"Service {name}", {"matchLabels": spec["selector"]}, ports, pods)
        elif resource["kind"] == "NetworkPolicy" and spec["podSelector"]:
            ports = [port["port"] for rule in spec.get("ingress", []) for port in rule["ports"]]
            found += _ports_of(f"NetworkPolicy {name}", spec["podSelector"], ports, pods)
            peers = [peer for rule in spec.get("egress", []) for peer in rule["to"]]
            here = [peer["podSelector"] for peer in peers if "podSelector" in peer and "namespaceSelector" not in peer]
            found += [problem for peer in here for problem in _ports_of(f"NetworkPolicy {name}, a peer", peer, [], pods)]
        elif resource["kind"] in ("PodDisruptionBudget", "Deployment", "StatefulSet"):
            found += _ports_of(f"{resource['kind']} {name}", spec["selector"], [], pods)
    return found


def _ports_of(what: str, selector: dict, ports: list, pods: list[dict]) -> list[str]:
    chosen = [pod for pod in pods if matches(selector, pod["metadata"]["labels"])]
    if not chosen:
        return [f"{what} selects no pod"]
    found = []
    for pod in chosen:
        listed = [port for container in pod["spec"]["containers"] for port in container.get("ports", [])]
        known = {port["name"] for port in listed} | {port["containerPort"] for port in listed}
        found += [f"{what}: no container has the port {port}" for port in ports if port not in known]
    return found


def matches(selector: dict, labels: dict) -> bool:
    """Whether a selector chooses a pod with these labels."""
    wanted = selector.get("matchLabels", {}).items() <= labels.items()
    return wanted and all(labels.get(one["key"]) in one["values"] for one in selector.get("matchExpressions", []))


def _objects(resources: list[dict]) -> list[str]:
    """What pods mount is made here, or by what is made here."""
    maps = {one["metadata"]["name"] for one in resources if one["kind"] == "ConfigMap"} | CONFIG_MAPS_GIVEN
    secrets = {one["metadata"]["name"] for one in resources if one["kind"] == "Secret"}
    for one in resources:
        if path := SECRETS_MADE_BY.get(one["kind"]):
            value = one
            for step in path:
                value = value[step]
            secrets.add(value)
    found = []
    for workload in overlays.workloads(resources):
        for volume in workload["spec"]["template"]["spec"].get("volumes", []):
            if (secret := volume.get("secret")) and secret["secretName"] not in secrets:
                found.append(f"{workload['metadata']['name']}: nothing makes the Secret {secret['secretName']}")
            for part in [volume, *volume.get("projected", {}).get("sources", [])]:
                if (given := part.get("configMap")) and given["name"] not in maps:
                    found.append(f"{workload['metadata']['name']}: nothing makes the ConfigMap {given['name']}")
    return found


def _accounts(resources: list[dict]) -> list[str]:
    accounts = {one["metadata"]["name"] for one in resources if one["kind"] == "ServiceAccount"}
    used = [workload["spec"]["template"]["spec"].get("serviceAccountName") for workload in overlays.workloads(resources)]
    return [f"nothing makes the ServiceAccount {name}" for name in used if name and name not in accounts]


def _variables(resources: list[dict], brokerctl: str) -> list[str]:
    """Variables with one underscore are brokerctl's; those with two are the broker's, and are checked with its configuration."""
    text = subprocess.run([brokerctl, "--help"], check=True, capture_output=True, text=True).stdout
    known = set(re.findall(r"\[env: (\w+)=", text))
    used = {
        variable["name"]
        for workload in overlays.workloads(resources)
        for container in overlays.containers(workload)
        for variable in container.get("env", [])
        if re.match(r"TOKEN_BROKER_[^_]", variable["name"])
    }
    return [f"brokerctl reads no variable {name}" for name in sorted(used - known)]
