from tables import for_each

from autograd_cnn.cli import main


def _play(*options):
    """Return the exit code of the command."""
    try:
        return main(["play", *map(str, options)])
    except SystemExit as stop:
        return stop.code


def test_writes_a_page_and_a_moving_picture(tmp_path, capsys, monkeypatch):
    opened = []
    monkeypatch.setattr("autograd_cnn.cli.graph.open_browser", lambda path: opened.append(path) or True)
    page, picture = tmp_path / "conv.html", tmp_path / "loss.svg"
    assert _play("--model", "digits_net", "--call", "conv1", "-o", page) == 0
    assert capsys.readouterr().out == f"{page}: correlate2d in conv1\n"
    assert "<title>correlate2d in conv1</title>" in page.read_text("utf-8")
    assert _play("--model", "digits_net", "-o", picture, "--scene", 1, "--open") == 0
    assert opened == [picture]
    assert 'aria-label="softmax_cross_entropy: Backward"' in picture.read_text("utf-8")


@for_each(
    "options, problem",
    [
        (["-o", "a.pdf"], "--output: unknown kind of file: expected a name that ends in .html or .svg, got 'a.pdf'"),
        (
            ["--model", "FC", "--call", "conv", "-o", "a.html"],
            "viz.play: there is no such call that can be played: expected fc1, softmax_cross_entropy, mean, got 'conv'",
        ),
        (["--scene", "1", "-o", "a.html"], "--scene goes with an .svg; an .html has all scenes"),
        (["--call", "", "-o", "a.html"], "argument --call: expected the name of a call, got ''"),
        (
            ["--model", "FC", "--scene", "2", "-o", "a.svg"],
            "to_svg: there is no such scene: expected 0 to 1, got 2",
        ),
    ],
)
def test_what_cannot_be_played_is_said(options, problem, capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert _play(*options) == 2
    assert capsys.readouterr().err == f"autograd-cnn play: {problem}; see autograd-cnn play --help\n"
