"""Every field of every resource is one that the API knows, by the schemas of kubernetes-validate."""

import kubernetes_validate

VERSION = "1.36"

# Kinds whose schemas come with their operators: nothing here knows them. `deploy/kubernetes/validate-with-cluster` asks a cluster
# that has them.
CUSTOM = {
    "cert-manager.io/v1/Certificate",
    "external-secrets.io/v1/ExternalSecret",
    "monitoring.coreos.com/v1/PrometheusRule",
    "monitoring.coreos.com/v1/ServiceMonitor",
    "spire.spiffe.io/v1alpha1/ClusterSPIFFEID",
}


def problems(resources: list[dict]) -> list[str]:
    """What is wrong, each with its resource."""
    return [problem for resource in resources for problem in _of(resource)]


def _of(resource: dict) -> list[str]:
    kind = f"{resource['apiVersion']}/{resource['kind']}"
    if kind in CUSTOM:
        return []
    try:
        kubernetes_validate.validate(resource, VERSION, strict=True)
    except kubernetes_validate.ValidationError as error:
        path = ".".join(str(step) for step in error.path)
        return [f"{kind} {resource['metadata']['name']}: {path}: {error.message}"]
    except kubernetes_validate.SchemaNotFoundError:
        return [f"{kind} {resource['metadata']['name']}: a kind that nothing knows"]
    return []
