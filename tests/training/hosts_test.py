"""TF_CONFIG: what it says, and what is refused by name."""

import json
import sys

import pytest

from tfcomgan.errors import UserError
from tfcomgan.training import hosts

A, B, C = "host-a:2222", "host-b:2222", "10.0.0.3:80"


def cluster(jobs, task):
    return hosts.cluster({"TF_CONFIG": json.dumps({"cluster": jobs, "task": task})})


def worker(index):
    return {"type": "worker", "index": index}


def test_workers_are_in_order_and_the_first_is_the_chief():
    jobs = {"worker": [A, B, C]}
    assert cluster(jobs, worker(2)) == hosts.Cluster((A, B, C), 2)
    assert [cluster(jobs, worker(i)).is_chief for i in range(3)] == [True, False, False]


def test_a_chief_comes_before_the_workers():
    jobs = {"worker": [B, C], "chief": [A]}
    assert cluster(jobs, worker(0)) == hosts.Cluster((A, B, C), 1)
    assert cluster(jobs, {"type": "chief", "index": 0}).is_chief


@pytest.mark.parametrize("environment", [{}, {"TF_CONFIG": ""}, {"TF_CONFIG": " "}])
def test_without_tf_config_there_is_no_cluster(environment):
    assert hosts.cluster(environment) is None


def test_one_host_trains_as_without_tf_config():
    assert cluster({"worker": [A]}, worker(0)) is None


@pytest.mark.parametrize(
    "text, message",
    [
        ("{'cluster': ", "is no JSON"),
        ("[]", "is no JSON object"),
        ("{}", "has no `cluster`"),
        ('{"cluster": {"worker": ["a:1", "b:1"]}}', "has no `task`"),
        ('{"cluster": {"worker": ["a:1"]}, "task": {"type": "worker"}}', "no `task`"),
    ],
)
def test_what_is_no_cluster_is_named_with_an_example(text, message):
    with pytest.raises(UserError, match=message) as refused:
        hosts.cluster({"TF_CONFIG": text})
    assert '{"cluster": {"worker": ["host-a:2222"' in str(refused.value)


@pytest.mark.parametrize(
    "jobs, task, message",
    [
        ({"worker": [A, B]}, worker(2), "'worker' 2, and names 2 of that type"),
        ({"worker": [A, B]}, worker(-1), "a number from 0 to 1"),
        ({"worker": [A, B]}, worker("0"), "a number from 0 to 1"),
        ({"worker": [A, B]}, worker(True), "a number from 0 to 1"),
        ({"worker": [A, B]}, {"type": "chief", "index": 0}, "its cluster names none"),
        ({"worker": [A, B]}, {"type": "evaluator", "index": 0}, "type 'evaluator'"),
        ({"worker": [A, B], "ps": [C]}, worker(0), "type 'ps'"),
        ({"worker": [A], "chief": [B, C]}, worker(0), "more than one 'chief'"),
        ({"worker": [A, A]}, worker(0), "names an address twice"),
        ({"worker": []}, worker(0), "no list of addresses"),
        ({"worker": {"0": A}}, worker(0), "no list of addresses"),
        ({"worker": [A, "host-b"]}, worker(0), "'host-b', which is no 'host:port'"),
        ({"worker": [A, ":2222"]}, worker(0), "no 'host:port'"),
        ({"worker": [A, "host-b:99999"]}, worker(0), "no 'host:port'"),
        ({"worker": [A, 7]}, worker(0), "no 'host:port'"),
    ],
)
def test_wrong_clusters_are_refused_by_what_is_wrong(jobs, task, message):
    with pytest.raises(UserError, match=message):
        cluster(jobs, task)


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
