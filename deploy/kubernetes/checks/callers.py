"""Who uses the broker gets through to it, and is known there: what callers mount and open, against what an installation has."""

import re
from urllib.parse import urlsplit

import overlays
from names import matches

ENDPOINT, TOKEN = "TOKEN_BROKER_ENDPOINT", "TOKEN_BROKER_TOKEN_FILE"


def problems(users: list[dict], installation: list[dict]) -> list[str]:
    """What would keep a caller out, and what brokers wait for that no caller shows."""
    found, shown, accounts = [], set(), set()
    for workload in overlays.workloads(users):
        pod = workload["spec"]["template"]["spec"]
        accounts.add(f"system:serviceaccount:{workload['metadata']['namespace']}:{pod['serviceAccountName']}")
        for container in overlays.containers(workload):
            for endpoint, file in _asks(container):
                audience = _audience(pod, container, file)
                shown.add(audience)
                said = _way(workload, endpoint, audience, users, installation)
                found += [f"{workload['metadata']['name']}, at {endpoint} with {file}: {problem}" for problem in said]
    texts = [text for one in overlays.workloads(installation) for text in _configuration(one, installation)]
    for audience in {audience for text in texts for audience in _audiences(text)} - shown:
        found.append(f"none shows a token of the audience {audience}")
    for operator in {name for text in texts for name in re.findall(r'^principal = "(.*)"$', text, re.MULTILINE)} - accounts:
        found.append(f"none is {operator}, who may operate")
    return found


def _asks(container: dict) -> list[tuple[str, str]]:
    """Whom it asks with which token: by variables, by flags, or by both, for different commands."""
    variables = {one["name"]: one.get("value", "") for one in container.get("env", [])}
    flags = dict(flag[2:].split("=", 1) for flag in container.get("args", []) if flag.startswith("--") and "=" in flag)
    asked = [(variables[ENDPOINT], variables[TOKEN])]
    if "endpoint" in flags:
        asked.append((flags["endpoint"], flags["token-file"]))
    return asked


def _audience(pod: dict, container: dict, file: str) -> str | None:
    """Of the token in that file; `None` where no token is mounted there."""
    volumes = {volume["name"]: volume for volume in pod["volumes"]}
    for mount in container["volumeMounts"]:
        for source in volumes[mount["name"]].get("projected", {}).get("sources", []):
            token = source.get("serviceAccountToken")
            if token and f"{mount['mountPath']}/{token['path']}" == file:
                return token.get("audience")
    return None


def _way(workload: dict, endpoint: str, audience: str | None, users: list[dict], installation: list[dict]) -> list[str]:
    """From the pod through the policies of both sides to pods that know the token."""
    url = urlsplit(endpoint)
    service = next((one for one in installation if one["kind"] == "Service" and _host(one) == url.hostname), None)
    if service is None:
        return ["there is no such Service"]
    port = next((one for one in service["spec"]["ports"] if one["port"] == url.port), None)
    if port is None:
        return ["the Service has no such port"]
    found = []
    selector = {"matchLabels": service["spec"]["selector"]}
    for broker in overlays.workloads(installation):
        template = broker["spec"]["template"]
        if not matches(selector, template["metadata"]["labels"]):
            continue
        name = broker["metadata"]["name"]
        texts = _configuration(broker, installation)
        if not any(audience in _audiences(text) for text in texts):
            found.append(f"{name} takes no token of the audience {audience}")
        named = {one["name"]: one["containerPort"] for one in overlays.containers(broker)[-1]["ports"]}
        target = {port["targetPort"], named.get(port["targetPort"])}
        if not _opens("egress", "to", workload, users, broker, installation, target):
            found.append(f"no policy of {workload['metadata']['namespace']} lets it out to {name}")
        if not _opens("ingress", "from", broker, installation, workload, users, target):
            found.append(f"no policy lets it in to {name}")
    return found


def _host(service: dict) -> str:
    return f"{service['metadata']['name']}.{service['metadata']['namespace']}.svc"


def _opens(
    way: str, ends: str, one: dict, its: list[dict], other: dict, others: list[dict], ports: set
) -> bool:
    """Whether a policy of the side of `one` opens the way between the pods of `one` and those of `other`."""
    namespace = {"kubernetes.io/metadata.name": other["metadata"]["namespace"]}
    for resource in others:
        if resource["kind"] == "Namespace" and resource["metadata"]["name"] == other["metadata"]["namespace"]:
            namespace |= resource["metadata"]["labels"]
    for policy in its:
        here = policy["kind"] == "NetworkPolicy" and policy["metadata"]["namespace"] == one["metadata"]["namespace"]
        if not here or not matches(policy["spec"]["podSelector"], one["spec"]["template"]["metadata"]["labels"]):
            continue
        for rule in policy["spec"].get(way, []):
            if not ports & {port["port"] for port in rule["ports"]}:
                continue
            for peer in rule[ends]:
                in_namespace = "namespaceSelector" in peer and matches(peer["namespaceSelector"], namespace)
                if in_namespace and matches(peer.get("podSelector", {}), other["spec"]["template"]["metadata"]["labels"]):
                    return True
    return False


def _configuration(workload: dict, resources: list[dict]) -> list[str]:
    """The files of the ConfigMaps that a pod mounts."""
    volumes = workload["spec"]["template"]["spec"].get("volumes", [])
    mounted = {volume["configMap"]["name"] for volume in volumes if "configMap" in volume}
    maps = [one for one in resources if one["kind"] == "ConfigMap" and one["metadata"]["name"] in mounted]
    return [text for one in maps for text in one["data"].values()]


def _audiences(text: str) -> set[str]:
    listed = re.findall(r"^audiences = \[(.*)\]$", text, re.MULTILINE)
    return {audience for one in listed for audience in re.findall(r'"([^"]+)"', one)}
