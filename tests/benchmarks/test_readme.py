import pytest

from benchmarks import readme
from tests.benchmarks.test_report import RESULT


def test_only_what_is_between_the_marks_changes():
    before = f"# Title\n{readme.BEGIN}\nold\n{readme.END}\nrest\n"
    after = readme.rewrite(before, [RESULT])
    assert after.startswith(f"# Title\n{readme.BEGIN}\n\nCPU, 2 of 4 cores")
    assert after.endswith(f"A note.\n\n{readme.END}\nrest\n")
    assert readme.rewrite(after, [RESULT]) == after


def test_one_machine_is_named_once():
    assert readme.section([RESULT, RESULT]).count("CPU, 2 of 4") == 1


def test_a_lost_mark_is_an_error():
    with pytest.raises(ValueError, match="lost") as err:
        readme.rewrite(f"{readme.BEGIN}\n", [RESULT])
    assert str(err.value) == f"README.md has lost a mark: {readme.END}"


def test_the_page_has_both_marks():
    text = readme.README.read_text()
    assert text.index(readme.BEGIN) < text.index(readme.END)
