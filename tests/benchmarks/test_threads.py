import json

from benchmarks import threads
from benchmarks.threads import CASES, KINDS, RECORDS, counts, report
from benchmarks.workload import workloads


def test_every_case_is_one_of_a_workload():
    for workload, case in CASES.values():
        assert case < len(workloads()[workload].cases)


def test_a_kind_takes_the_best_of_its_peers_and_only_what_they_were_told():
    told, untold = ("torch", True), ("torch", False)
    times = {
        (told, 1): [3.0, 5.0, 4.0],
        (("torch_channels_last", True), 1): [2.0],
        (told, 2): [1.0],
        (untold, 2): [9.0],
    }
    assert threads._best(KINDS[2], times) == {"1": 2.0, "2": 1.0}


def test_what_was_measured_is_shown(capsys, tmp_path):
    found = json.loads(RECORDS.read_text())
    report(found)
    shown = capsys.readouterr().out
    assert set(found["cases"]) == set(CASES)
    assert all(f"| {name} | ours, recorded | " in shown for name in CASES)
    assert counts(found["machine"]["cores"]) == [1, 2, 4, 8, 16]
