"""Each broker in the manifests is given a configuration that it accepts: `config check`, run on what its container would see."""

import base64
import os
import re
import subprocess
from pathlib import Path

import overlays

# Where nothing here says what a Secret holds, what it must hold (docs/kubernetes.md).
KEK = "{name}:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
GIVEN = {
    "token-broker-store-api": {"url": "postgres://broker_api@postgres/broker"},
    "token-broker-store-rotator": {"url": "postgres://broker_rotator@postgres/broker"},
    "token-broker-store-owner": {"url": "postgres://broker_owner@postgres/broker"},
    "token-broker-lease": {"url": "rediss://redis.example.com:6379"},
    "token-broker-kek": {"kek-1": KEK.format(name="kek-1")},
    "token-broker-kek-rotation": {"kek-rotation-1": KEK.format(name="kek-rotation-1").replace("AAEC", "BBEC")},
}


def build_binaries() -> dict[str, str]:
    """Those that the tests use too."""
    cargo = ["cargo", "build", "--locked", "--workspace", "--bin", "token_broker_under_test", "--bin", "brokerctl"]
    subprocess.run(cargo, check=True, cwd=overlays.ROOT)
    target = overlays.ROOT / os.environ.get("CARGO_TARGET_DIR", "target")
    return {name: str(target / "debug" / name) for name in ("token_broker_under_test", "brokerctl")}


def problems(resources: list[dict], binaries: dict, directory: Path) -> list[str]:
    """What `config check` says, and ports that the configuration listens on and the container does not name."""
    found = []
    for workload in overlays.workloads(resources):
        for container in filter(overlays.is_broker, overlays.containers(workload)):
            seen = directory / workload["metadata"]["name"]
            _mount(workload, container, resources, seen)
            said = _check(container, binaries["token_broker_under_test"], seen)
            found += [f"{workload['metadata']['name']}: {said}"] if said else []
            found += [f"{workload['metadata']['name']}: {problem}" for problem in _ports(container, seen)]
    return found


def compose_problems(binary: str, directory: Path) -> list[str]:
    """What `config check` says of the laptop's configuration."""
    secrets = {"broker.crt": "tls.crt", "broker.key": "tls.key", "ca.crt": "ca.crt"}
    for name, made in secrets.items():
        (directory / name).write_text(_certificate()[made])
    (directory / "kek").write_text(GIVEN["token-broker-kek"]["kek-1"])
    (directory / "store-url").write_text(GIVEN["token-broker-store-api"]["url"])
    text = (overlays.ROOT / "deploy/compose/broker.toml").read_text()
    (directory / "broker.toml").write_text(re.sub(r'"/(secrets|var/lib/token-broker)/', f'"{directory}/', text))
    command = [binary, "config", "check", "--config", directory / "broker.toml"]
    ended = subprocess.run(command, env={}, capture_output=True, text=True)
    return [f"compose: {ended.stderr}"] if ended.returncode else []


def _check(container: dict, broker: str, seen: Path) -> str:
    """Its complaint, or nothing. What migrates needs [store] alone: a bad database is what it must get to."""
    arguments = [_inside(seen, argument) for argument in container["args"]]
    given = [one for one in container.get("env", []) if "__" in one["name"]]
    environment = {one["name"]: _inside(seen, one["value"]) for one in given}
    command = [broker, "config", "check", *arguments[1:]] if arguments[0] == "serve" else [broker, *arguments]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True)
    if arguments[0] == "migrate":
        return "" if "cannot migrate the store" in ended.stderr else ended.stderr
    return ended.stderr if ended.returncode else ""


def _ports(container: dict, seen: Path) -> list[str]:
    named = {str(port["containerPort"]) for port in container.get("ports", [])}
    texts = [file.read_text() for file in seen.glob("etc/token-broker/*.toml")]
    listened = {port for text in texts for port in re.findall(r'= "0\.0\.0\.0:(\d+)"', text)}
    return [] if named == listened else [f"it names the ports {sorted(named)} and listens on {sorted(listened)}"]


def _inside(seen: Path, text: str) -> str:
    """The text with every path of the container below `seen`."""
    return re.sub(r"(?<![\w.:/])/(etc|run|var)/", rf"{seen}/\1/", text)


def _mount(workload: dict, container: dict, resources: list[dict], seen: Path) -> None:
    volumes = {volume["name"]: volume for volume in workload["spec"]["template"]["spec"].get("volumes", [])}
    for mount in container["volumeMounts"]:
        at = seen / mount["mountPath"].lstrip("/")
        at.mkdir(parents=True)
        for name, content in _files(volumes.get(mount["name"], {}), resources).items():
            (at / name).write_text(_inside(seen, content))


def _files(volume: dict, resources: list[dict]) -> dict[str, str]:
    match volume:
        case {"configMap": {"name": name}}:
            maps = [one for one in resources if one["kind"] == "ConfigMap"]
            return next(one["data"] for one in maps if one["metadata"]["name"] == name)
        case {"secret": {"secretName": name}}:
            return _secret(name, resources)
        case {"projected": _}:
            return {"token": "a token", "ca.crt": _certificate()["ca.crt"]}
        case {"name": "tls", "emptyDir": _}:
            return _certificate()
        case _:
            return {}


def _secret(name: str, resources: list[dict]) -> dict[str, str]:
    for one in resources:
        if one["kind"] == "Secret" and one["metadata"]["name"] == name:
            return {key: base64.b64decode(value).decode() for key, value in one["data"].items()}
    return _certificate() if name.endswith("-tls") else GIVEN.get(name, {})


def _certificate() -> dict[str, str]:
    """One that the dev overlay made for itself."""
    made = overlays.KUBERNETES / "overlays/dev/secrets"
    return {name: (made / name).read_text() for name in ("tls.crt", "tls.key", "ca.crt")}
