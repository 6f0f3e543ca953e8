"""The Collector's configuration and the Kubernetes manifests in examples/ hold together: names, ports, sizes."""

import configparser
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from opentelemetry import environment_variables as api_variables
from opentelemetry.sdk import environment_variables as sdk_variables

from doubles.instrumented import run_instrumented
from doubles.strict_server import STRICT_TOKEN, strict_server
from dt_otlp_logs.config import load_config
from dt_otlp_logs.config.quantity import parse_bytes
from dt_otlp_logs.config.settings import SETTINGS

ROOT = Path(__file__).parent.parent
COLLECTOR = ROOT / "examples" / "collector"
KUBERNETES = ROOT / "examples" / "kubernetes"
SCALING = (ROOT / "docs" / "scaling.md").read_text()

OBJECTS: list[dict[str, Any]] = [
    manifest for path in sorted(KUBERNETES.glob("*.yaml")) for manifest in yaml.safe_load_all(path.read_text())
]
BY_NAME = {(manifest["kind"], manifest["metadata"]["name"]): manifest for manifest in OBJECTS}
WORKLOADS = [manifest for manifest in OBJECTS if manifest["kind"] in ("Deployment", "StatefulSet")]
GATEWAY = BY_NAME["StatefulSet", "otel-gateway"]
APP = BY_NAME["Deployment", "checkout"]
CONFIG: dict[str, Any] = yaml.safe_load((COLLECTOR / "config.yaml").read_text())

each_workload = pytest.mark.parametrize("workload", WORKLOADS, ids=lambda manifest: manifest["metadata"]["name"])


def pod(workload: dict[str, Any]) -> dict[str, Any]:
    return workload["spec"]["template"]["spec"]


def labels(workload: dict[str, Any]) -> dict[str, str]:
    return workload["spec"]["template"]["metadata"]["labels"]


def only_container(workload: dict[str, Any]) -> dict[str, Any]:
    (container,) = pod(workload)["containers"]
    return container


def environment(workload: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {variable["name"]: variable for variable in only_container(workload)["env"]}


def selects(selector: dict[str, str], workload: dict[str, Any]) -> bool:
    return bool(selector) and selector.items() <= labels(workload).items()


def texts(value: Any) -> Iterator[str]:
    """Every text in nested YAML."""
    if isinstance(value, dict):
        for item in value.values():
            yield from texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from texts(item)
    elif isinstance(value, str):
        yield value


def kubernetes_bytes(quantity: str) -> int:
    number, unit = re.fullmatch(r"(\d+)(Ki|Mi|Gi)", quantity).groups()  # type: ignore[union-attr]
    return int(number) * 1024 ** (["Ki", "Mi", "Gi"].index(unit) + 1)


# The Collector.


def test_every_component_that_the_collectors_pipelines_name_is_defined_and_every_other_way_round() -> None:
    used: dict[str, set[str]] = {"extensions": set(CONFIG["service"]["extensions"])}
    for pipeline in CONFIG["service"]["pipelines"].values():
        for kind in ("receivers", "processors", "exporters"):
            used.setdefault(kind, set()).update(pipeline[kind])
    assert used == {kind: set(CONFIG[kind]) for kind in used}
    assert set(CONFIG) == {*used, "service"}
    assert list(CONFIG["service"]["pipelines"]) == ["logs"]


def test_the_collector_keeps_what_it_accepted_on_disk_and_never_gives_up() -> None:
    exporter = CONFIG["exporters"]["otlp_http"]
    queue = exporter["sending_queue"]
    assert queue["storage"] in CONFIG["service"]["extensions"]
    assert "batch" not in CONFIG["processors"], "it would hold acknowledged records in memory"
    assert exporter["retry_on_failure"]["max_elapsed_time"] == "0s"
    # docs.dynatrace.com, Collector: batch use case.
    assert (queue["batch"]["min_size"], queue["batch"]["max_size"]) == (1800, 2000)
    assert CONFIG["service"]["pipelines"]["logs"]["processors"][0] == "memory_limiter", "first, or it protects nothing"


def test_the_collector_sends_where_we_would_send() -> None:
    exporter = CONFIG["exporters"]["otlp_http"]
    there = {"DT_ENDPOINT": "https://abc12345.live.dynatrace.com", "DT_API_TOKEN": STRICT_TOKEN}

    def filled(text: str) -> str:
        return re.sub(r"\$\{env:(\w+)\}", lambda match: there[match[1]], text)

    ours = load_config({}, there)
    # The exporter adds /v1/logs to its endpoint, as the specification of OTLP has it.
    assert filled(exporter["endpoint"]) + "/v1/logs" == ours.endpoints[0].otlp_url
    token = ours.token.current()
    assert token is not None
    assert filled(exporter["headers"]["Authorization"]) == token.authorization()


def test_the_systemd_unit_runs_this_configuration_with_its_variables_and_its_directory() -> None:
    unit = configparser.RawConfigParser(strict=True)
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read_string((COLLECTOR / "otelcol.service").read_text())
    service = unit["Service"]
    assert service["ExecStart"].split()[1:] == ["--config=/etc/otelcol/config.yaml"]
    directory = Path("/var/lib") / service["StateDirectory"]
    assert Path(CONFIG["extensions"]["file_storage"]["directory"]).is_relative_to(directory)
    assert Path(CONFIG["extensions"]["file_storage"]["compaction"]["directory"]).is_relative_to(directory)
    text = (COLLECTOR / "otelcol.service").read_text()
    assert {f"{name}=" in text for name in collector_variables()} == {True}


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd here")
def test_systemd_understands_the_unit(tmp_path: Path) -> None:
    unit = tmp_path / "otelcol.service"
    text = (COLLECTOR / "otelcol.service").read_text()
    unit.write_text(text.replace("/usr/local/bin/dynatrace-otel-collector", "/bin/true"))
    done = subprocess.run(
        ["systemd-analyze", "verify", str(unit)], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, "otelcol" in done.stderr) == (0, False), done.stderr


def collector_variables() -> set[str]:
    return {name for text in texts(CONFIG) for name in re.findall(r"\$\{env:(\w+)\}", text)}


# Kubernetes.


def test_the_gateways_config_map_is_the_collectors_configuration() -> None:
    assert yaml.safe_load(BY_NAME["ConfigMap", "otel-gateway"]["data"]["config.yaml"]) == CONFIG


def test_every_object_has_a_kind_a_version_and_a_name_of_its_own() -> None:
    assert len(BY_NAME) == len(OBJECTS) == 9
    versions = {manifest["kind"]: manifest["apiVersion"] for manifest in OBJECTS}
    assert versions == {
        "ConfigMap": "v1",
        "Secret": "v1",
        "Service": "v1",
        "Deployment": "apps/v1",
        "StatefulSet": "apps/v1",
        "HorizontalPodAutoscaler": "autoscaling/v2",
        "PodDisruptionBudget": "policy/v1",
    }


@each_workload
def test_a_workload_selects_its_own_pods(workload: dict[str, Any]) -> None:
    assert selects(workload["spec"]["selector"]["matchLabels"], workload)
    others = [other for other in WORKLOADS if other is not workload]
    assert not any(selects(workload["spec"]["selector"]["matchLabels"], other) for other in others)
    for constraint in pod(workload).get("topologySpreadConstraints", []):
        assert selects(constraint["labelSelector"]["matchLabels"], workload)


@pytest.mark.parametrize("name", ["otel-gateway", "otel-gateway-pods"])
def test_a_service_leads_to_the_port_that_the_collector_listens_on(name: str) -> None:
    service = BY_NAME["Service", name]["spec"]
    assert selects(service["selector"], GATEWAY)
    (port,) = service["ports"]
    named = {port["name"]: port["containerPort"] for port in only_container(GATEWAY)["ports"]}
    listening = CONFIG["receivers"]["otlp"]["protocols"]["http"]["endpoint"]
    assert listening == f"0.0.0.0:{named[port['targetPort']]}"
    # The address that app.yaml and the documentation give, read as an application of ours reads it.
    assert f"http://otel-gateway:{port['port']}" in (KUBERNETES / "app.yaml").read_text() + SCALING
    (endpoint,) = load_config({"endpoint": f"http://{name}:{port['port']}"}, {}).endpoints
    assert (endpoint.otlp_url, endpoint.sends_token) == (f"http://{name}:4318/v1/logs", False)


def test_autoscaler_disruption_budget_and_headless_service_are_the_gateways() -> None:
    scaler = BY_NAME["HorizontalPodAutoscaler", "otel-gateway"]["spec"]
    target = scaler["scaleTargetRef"]
    assert (target["kind"], target["name"]) in BY_NAME
    assert BY_NAME[target["kind"], target["name"]]["apiVersion"] == target["apiVersion"]
    assert "replicas" not in GATEWAY["spec"], "each kubectl apply would undo the autoscaler's work"
    assert 2 <= scaler["minReplicas"] <= scaler["maxReplicas"]
    assert "cpu" in only_container(GATEWAY)["resources"]["requests"], "what utilization is counted from"
    budget = BY_NAME["PodDisruptionBudget", "otel-gateway"]["spec"]
    assert selects(budget["selector"]["matchLabels"], GATEWAY)
    headless = BY_NAME["Service", GATEWAY["spec"]["serviceName"]]
    assert headless["spec"]["clusterIP"] == "None"


@each_workload
def test_config_maps_secrets_volumes_and_ports_that_a_pod_names_exist(workload: dict[str, Any]) -> None:
    for variable in only_container(workload)["env"]:
        for kind, reference in (("ConfigMap", "configMapKeyRef"), ("Secret", "secretKeyRef")):
            if wanted := variable.get("valueFrom", {}).get(reference):
                there = BY_NAME[kind, wanted["name"]]
                assert wanted["key"] in {**there.get("data", {}), **there.get("stringData", {})}
    claims = [claim["metadata"]["name"] for claim in workload["spec"].get("volumeClaimTemplates", [])]
    volumes = {volume["name"] for volume in pod(workload).get("volumes", [])} | set(claims)
    assert {mount["name"] for mount in only_container(workload)["volumeMounts"]} == volumes
    for volume in pod(workload)["volumes"]:
        if "configMap" in volume:
            assert ("ConfigMap", volume["configMap"]["name"]) in BY_NAME
    ports = {port["name"] for port in only_container(workload)["ports"]}
    for probe in ("readinessProbe", "livenessProbe"):
        assert only_container(workload)[probe]["httpGet"]["port"] in ports


@each_workload
def test_a_pod_needs_no_rights_and_has_bounds(workload: dict[str, Any]) -> None:
    container = only_container(workload)
    assert pod(workload)["automountServiceAccountToken"] is False
    assert pod(workload)["securityContext"]["runAsNonRoot"] is True
    assert pod(workload)["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert {"cpu", "memory"} <= set(container["resources"]["requests"])
    assert "memory" in container["resources"]["limits"]
    assert re.search(r":\d+\.\d+\.\d+$", container["image"]), "a version, not `latest`"


def test_the_collector_can_write_its_queue_and_reads_its_configuration() -> None:
    mounts = {mount["name"]: mount["mountPath"] for mount in only_container(GATEWAY)["volumeMounts"]}
    assert Path(CONFIG["extensions"]["file_storage"]["directory"]).is_relative_to(mounts["queue"])
    assert only_container(GATEWAY)["args"] == [f"--config={mounts['config']}/config.yaml"]
    assert collector_variables() <= set(environment(GATEWAY))
    ports = {port["name"]: port["containerPort"] for port in only_container(GATEWAY)["ports"]}
    assert CONFIG["extensions"]["health_check"]["endpoint"] == f"0.0.0.0:{ports['health']}"


def test_the_applications_variables_are_ours_opentelemetrys_or_referred_to() -> None:
    known = {name for setting in SETTINGS for name in setting.variables}
    for module in (api_variables, sdk_variables):
        known |= {name for name in dir(module) if name.startswith("OTEL_")}
    referred = {name for text in texts(only_container(APP)["env"]) for name in re.findall(r"\$\((\w+)\)", text)}
    names = list(environment(APP))
    assert set(names) <= known | referred
    assert referred <= set(names)
    # Kubernetes fills in only what stands further up.
    assert all(names.index(name) < names.index("OTEL_RESOURCE_ATTRIBUTES") for name in referred)


def test_the_applications_queue_fits_its_volume() -> None:
    variables = environment(APP)
    mounts = {mount["name"]: Path(mount["mountPath"]) for mount in only_container(APP)["volumeMounts"]}
    directory = Path(variables["DT_OTLP_LOGS_QUEUE_DIRECTORY"]["value"])
    assert directory.parent == mounts["queue"], "a subdirectory: the volume's root is writable by everyone"
    (volume,) = [volume for volume in pod(APP)["volumes"] if volume["name"] == "queue"]
    (workers,) = [
        int(part.removeprefix("--workers=")) for part in only_container(APP)["command"] if part.startswith("--workers=")
    ]
    each = parse_bytes(variables["DT_OTLP_LOGS_QUEUE_MAX_BYTES"]["value"])
    assert (workers + 1) * each <= kubernetes_bytes(volume["emptyDir"]["sizeLimit"])
    shutdown_seconds = float(variables["DT_OTLP_LOGS_SHUTDOWN_TIMEOUT_SECONDS"]["value"])
    assert shutdown_seconds < pod(APP)["terminationGracePeriodSeconds"]


def test_the_applications_variables_work(tmp_path: Path) -> None:
    """What Kubernetes would fill in, filled in here; then an app is started with nothing else."""
    about_the_pod = {
        "metadata.labels['app.kubernetes.io/name']": labels(APP)["app.kubernetes.io/name"],
        "spec.nodeName": "node-1",
        "metadata.namespace": "shop",
        "metadata.name": "checkout-5d7f-x",
        "metadata.uid": "0b9d6c1e-6d0c-4a53-9c4f-1f0f7f5d2c11",
    }
    with strict_server() as server:
        given = {"DT_ENDPOINT": server.url, "DT_API_TOKEN": STRICT_TOKEN}
        variables: dict[str, str] = {}
        for name, variable in environment(APP).items():
            source = variable.get("valueFrom", {})
            if "fieldRef" in source:
                variables[name] = about_the_pod[source["fieldRef"]["fieldPath"]]
            elif source:
                variables[name] = given[name]
            else:
                variables[name] = re.sub(r"\$\((\w+)\)", lambda match: variables[match[1]], variable["value"])
        variables["DT_OTLP_LOGS_QUEUE_DIRECTORY"] = str(tmp_path / "queue")
        done = run_instrumented(tmp_path, "import logging\nlogging.warning('hello')", **variables)
    assert (done.returncode, server.errors, server.stored) == (0, [], ["hello"]), done.stderr
    assert "dt-otlp-logs" not in done.stderr, "nothing to complain about"
    ((_, resource),) = server.records()
    expected = {
        "service.name": "checkout",
        "service.instance.id": about_the_pod["metadata.uid"],
        "k8s.namespace.name": "shop",
        "k8s.node.name": "node-1",
        "k8s.pod.name": "checkout-5d7f-x",
        "k8s.pod.uid": about_the_pod["metadata.uid"],
        "k8s.container.name": "checkout",
        "k8s.workload.kind": "deployment",
        "k8s.workload.name": "checkout",
    }
    assert expected.items() <= resource.items()


def test_no_file_holds_a_token() -> None:
    for path in [*KUBERNETES.iterdir(), *COLLECTOR.iterdir()]:
        assert not re.search(r"dt0[a-z]\d\d\.[A-Z0-9]{8,}", path.read_text()), path


def test_the_documentation_has_the_sizes_of_the_files() -> None:
    queue = CONFIG["exporters"]["otlp_http"]["sending_queue"]
    scaler = BY_NAME["HorizontalPodAutoscaler", "otel-gateway"]["spec"]
    (claim,) = GATEWAY["spec"]["volumeClaimTemplates"]
    volume = claim["spec"]["resources"]["requests"]["storage"]
    for text in (
        f"{queue['queue_size']:,} records",
        f"{queue['batch']['min_size']:,} to {queue['batch']['max_size']:,}",
        f"{volume}",
        f"{scaler['minReplicas']} to {scaler['maxReplicas']}",
        f"{only_container(GATEWAY)['resources']['limits']['memory']}",
    ):
        assert text in SCALING, text
    # A record takes about 0.5 kB there, uncompressed.
    assert queue["queue_size"] * 500 * 2 <= kubernetes_bytes(volume)


@pytest.mark.parametrize("manifest", OBJECTS, ids=lambda it: f"{it['kind']}/{it['metadata']['name']}")
def test_kubernetes_own_schema_takes_every_object(manifest: dict[str, Any]) -> None:
    validate = pytest.importorskip("kubernetes_validate", reason="kubernetes-validate is not installed").validate
    for version in ("1.33", "1.37"):
        validate(manifest, version, strict=True)
