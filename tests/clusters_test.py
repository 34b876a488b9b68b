"""The files of docs/clusters and docker/ say what the command reads, as far as it shows here."""

import os
import pathlib
import re
import subprocess
import sys

import pytest
import yaml

from tfcomgan.training import hosts

_ROOT = pathlib.Path(__file__).resolve().parents[1]
_CLUSTERS = _ROOT / "docs/clusters"


def _cluster(text: str) -> hosts.Cluster | None:
    return hosts.cluster({"TF_CONFIG": text})


@pytest.mark.parametrize("task", [0, 1])
def test_slurm_script_makes_a_cluster_of_its_hosts(tmp_path, task):
    """With stand-ins for Slurm's programs and for the command, which prints what it got."""
    programs = {
        "bin/scontrol": "printf 'node-1\\nnode-7\\n'",
        "bin/srun": 'shift; exec "$@"',
        ".venv/bin/tfcomgan": 'echo "$TF_CONFIG"; echo "$@" >&2',
    }
    for name, body in programs.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"#!/bin/bash\n{body}\n")
        path.chmod(0o755)
    done = subprocess.run(
        ["bash", _CLUSTERS / "slurm.sh", "--gin_param=SEED=1"],
        cwd=tmp_path,
        env=os.environ
        | {
            "PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}",
            "SLURM_JOB_NODELIST": "node-[1,7]",
            "SLURM_PROCID": str(task),
        },
        capture_output=True,
        text=True,
        check=True,
    )
    assert _cluster(done.stdout) == hosts.Cluster(("node-1:2222", "node-7:2222"), task)
    assert done.stderr.split() == [
        "--gin_file=gin/cub.gin",
        "--run_dir=runs/cub",
        "--gin_param=SEED=1",
    ]


def test_pods_of_the_kubernetes_job_are_the_workers_of_its_cluster():
    text = (_CLUSTERS / "kubernetes.yaml").read_text()
    made = {part["kind"]: part for part in yaml.safe_load_all(text)}
    job, service = made["Job"]["spec"], made["Service"]
    pod = job["template"]["spec"]
    script = pod["containers"][0]["args"][0].split("exec ")[0] + 'echo "$TF_CONFIG"'
    for index in range(job["completions"]):
        done = subprocess.run(
            ["bash", "-c", script],
            env=os.environ | {"JOB_COMPLETION_INDEX": str(index)},
            capture_output=True,
            text=True,
            check=True,
        )
        cluster = _cluster(done.stdout)
        assert cluster.index == index
        # As Kubernetes names the pods of an indexed Job behind a headless Service.
        names = [f"{made['Job']['metadata']['name']}-{i}" for i in range(2)]
        assert cluster.addresses == tuple(f"{n}.{pod['subdomain']}:2222" for n in names)
    assert job["completionMode"] == "Indexed" and job["parallelism"] == 2
    assert service["spec"]["clusterIP"] == "None"
    assert service["metadata"]["name"] == pod["subdomain"]
    labels = {"job-name": made["Job"]["metadata"]["name"]}  # Set by Kubernetes.
    assert service["spec"]["selector"] == labels
    assert made["NetworkPolicy"]["spec"]["podSelector"]["matchLabels"] == labels


def test_services_of_the_compose_file_are_the_workers_of_its_cluster():
    made = yaml.safe_load((_CLUSTERS / "compose.yaml").read_text())["services"]
    clusters = [_cluster(s["environment"]["TF_CONFIG"]) for s in made.values()]
    assert [c.index for c in clusters] == [0, 1]
    assert {c.addresses for c in clusters} == {tuple(f"{name}:2222" for name in made)}


def test_what_the_dockerfile_copies_is_there_and_not_ignored():
    text = (_ROOT / "docker/Dockerfile").read_text()
    copied = {
        name
        for line in re.findall(r"^COPY (.*)$", text, re.M)
        for name in line.split()[:-1]
    }
    assert {"tfcomgan", "pipelines", "gin", "pyproject.toml"} <= copied
    let_in = (_ROOT / "docker/Dockerfile.dockerignore").read_text().splitlines()
    assert copied == {line[1:] for line in let_in if line.startswith("!")}
    assert all((_ROOT / name).exists() for name in copied)
    assert re.search(r"^USER \d+$", text, re.M)


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
