"""The recipe for a cluster: the manifest's fields, its versions, and the sizing table."""

import importlib.util
import json
import re
import shlex
from pathlib import Path

import pytest
import typer
import yaml

from cacre.cli import app

ROOT = Path(__file__).parents[2]
# Fields of KubeRay's API ray.io/v1, from its Go types.
JOB = {
    *("entrypoint", "submissionMode", "backoffLimit", "shutdownAfterJobFinishes", "ttlSecondsAfterFinished"),
    *("rayClusterSpec", "activeDeadlineSeconds", "submitterPodTemplate", "submitterConfig", "runtimeEnvYAML"),
    *("entrypointNumCpus", "entrypointResources", "clusterSelector", "metadata", "jobId", "suspend"),
}
CLUSTER = {"rayVersion", "enableInTreeAutoscaling", "autoscalerOptions", "headGroupSpec", "workerGroupSpecs"}
AUTOSCALER = {"upscalingMode", "idleTimeoutSeconds", "resources", "image", "imagePullPolicy", "env", "envFrom"}
HEAD = {"rayStartParams", "template", "serviceType"}
WORKERS = {"groupName", "replicas", "minReplicas", "maxReplicas", "numOfHosts", "rayStartParams", "template"}


@pytest.fixture(scope="module")
def spec():
    manifest = yaml.safe_load((ROOT / "deploy/kuberay/rayjob.yaml").read_text(encoding="utf-8"))
    assert (manifest["apiVersion"], manifest["kind"]) == ("ray.io/v1", "RayJob")
    return manifest["spec"]


def test_the_manifest_has_only_fields_that_kuberay_knows(spec):
    cluster = spec["rayClusterSpec"]
    assert set(spec) <= JOB
    assert set(cluster) <= CLUSTER
    assert set(cluster["autoscalerOptions"]) <= AUTOSCALER
    assert {"rayStartParams", "template"} <= set(cluster["headGroupSpec"]) <= HEAD
    for group in cluster["workerGroupSpecs"]:
        assert {"groupName", "minReplicas", "maxReplicas", "rayStartParams", "template"} <= set(group) <= WORKERS
    for part in (cluster["headGroupSpec"], *cluster["workerGroupSpecs"]):
        assert all(isinstance(value, str) for value in part["rayStartParams"].values()), "a map of strings"


def test_the_job_asks_for_as_many_workers_as_the_cluster_may_have(spec):
    words = shlex.split(spec["entrypoint"])
    group = spec["rayClusterSpec"]["workerGroupSpecs"][0]
    [container] = group["template"]["spec"]["containers"]
    cpus = int(container["resources"]["limits"]["cpu"])
    assert words[:2] == ["cacre", "batch"]
    assert int(words[words.index("--concurrency") + 1]) == cpus * group["maxReplicas"]
    command = typer.main.get_command(app).commands["batch"]
    known = {option for parameter in command.params for option in parameter.opts}
    assert {word for word in words if word.startswith("--")} <= known
    assert spec["rayClusterSpec"]["headGroupSpec"]["rayStartParams"]["num-cpus"] == "0"


def test_image_manifest_and_constraints_name_one_ray(spec):
    pinned = re.search(r"^ray==(.+)$", (ROOT / "constraints.txt").read_text(encoding="utf-8"), flags=re.MULTILINE)[1]
    image = (ROOT / "deploy/Dockerfile").read_text(encoding="utf-8")
    assert f"FROM rayproject/ray:{pinned}-" in image
    assert spec["rayClusterSpec"]["rayVersion"] == pinned


@pytest.fixture(scope="module")
def sizing():
    path = ROOT / "docs/tools/sizing.py"
    module = importlib.util.module_from_spec(specification := importlib.util.spec_from_file_location("sizing", path))
    specification.loader.exec_module(module)
    return module


def test_the_sizing_table_is_that_of_the_measurement(sizing):
    page = sizing.PAGE.read_text(encoding="utf-8")
    measured = json.loads(sizing.MEASURED.read_text(encoding="utf-8"))
    assert sizing.written(page, sizing.sizing(measured, sizing.PRICE)) == page, "run docs/tools/sizing.py"


def test_sizing_goes_from_seconds_to_money(sizing):
    runs = {"filter": {}, "batch 1": {"began": 5.0, "done": 15.0}, "batch 2": {"began": 8.0, "done": 18.0}}
    size = {"candidates": 5000, "rows": 1000, "bytes": 500_000, "runs": runs}
    about = {"model": "m", "machine": {"cores": 2}}
    lines = sizing.sizing({**about, "sizes": {"50": {}, "5000": size}}, 0.36).splitlines()
    # 5,000 in 10 s by 2 workers: 250 a second and core, 10^6 in 4,000 s; 100 bytes each.
    assert "| 10^6 | 100 MB | 24 | 1.1 | 0.011 | 0.4 |" in lines
    assert "| 10^10 | 1 TB | 238,419 | 11,000 | 110 | 4,000 |" in lines
    assert any("250 candidates a second and core" in line for line in lines)
