"""What comes in from browsers is one path, and its query is written down nowhere: it carries a code and a state."""

NGINX = "nginx.ingress.kubernetes.io/"
PATH = "/oauth/callback/"
LIMITS = ("limit-connections", "limit-rps")


def problems(resources: list[dict]) -> list[str]:
    """Of every Ingress, what it passes, logs or does not bound."""
    return [problem for one in resources if one["kind"] == "Ingress" for problem in _of(one)]


def _of(ingress: dict) -> list[str]:
    name, annotations = ingress["metadata"]["name"], ingress["metadata"].get("annotations", {})
    paths = {path["path"] for rule in ingress["spec"]["rules"] for path in rule["http"]["paths"]}
    found = [] if paths == {PATH} else [f"Ingress {name} passes {sorted(paths)}, not {PATH} alone"]
    if annotations.get(f"{NGINX}enable-access-log") != "false":
        found.append(f"Ingress {name}: the access log would hold codes")
    return found + [f"Ingress {name} has no {limit}" for limit in LIMITS if f"{NGINX}{limit}" not in annotations]
