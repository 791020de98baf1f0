"""The README's blocks run in its order, and print what they are said to print."""

import sys

import pytest
from readme import BLOCKS, COMMANDS, OWN, TEST, printed, promised


@pytest.mark.parametrize(
    ("block", "expected"),
    [
        ("print(1)  # 1", ["1"]),
        ("print(\n    1,\n)\n# 1\n#   2\n\n# no output", ["1", "  2"]),
        ("x = 1  # no output\nprint(x)\ny = 2\n# no output", []),
        ("for x in y:\n    print(x)\n    # 1\n    # 2", ["1", "2"]),
    ],
)
def test_what_is_promised(block, expected):
    assert promised(block) == expected


@pytest.mark.slow
def test_the_blocks_print_what_they_promise(tmp_path):
    assert printed(sys.executable, tmp_path, None) == [promised(block) for block in BLOCKS]
    assert {path.name for path in tmp_path.iterdir()} == {"blocks.py", "lenet.svg", "lenet.html"}


def test_the_commands_are_those_that_are_tried():
    assert COMMANDS == [
        "autograd-cnn train --resume runs/photos",
        "autograd-cnn graph --model lenet5 --backward -o lenet.html",
        "autograd-cnn check",
    ]
    assert [command.split()[1] for command in OWN] == ["train", "eval", "report", "predict", "export"]
    assert TEST == 'python -m pip install -e ".[test]" && pytest'  # which runs this
