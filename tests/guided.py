"""Damage that follows coverage: ``python tests/guided.py safetensors -runs=100000`` looks for new ways through a reader.

Atheris keeps each input that reaches code which none before it has reached, and goes on from there. It starts with the
good files of `fuzzing`. With ``each=100000`` it takes all readers in turns, for so many runs each.
"""

import subprocess
import sys
import tempfile
import warnings
from importlib import import_module
from pathlib import Path


def main(name, *options):
    """Damage the files of one reader until it fails, or as long as libFuzzer's options say."""
    atheris = import_module("atheris")  # which no other test needs
    with atheris.instrument_imports(include=["autograd_cnn"]):
        fuzzing = import_module("fuzzing")
    reader = fuzzing.readers()[name]
    with tempfile.TemporaryDirectory() as folder:
        corpus, path = Path(folder, "corpus"), Path(folder, f"x{reader.suffix}")
        corpus.mkdir()
        for number, content in enumerate(reader.good):
            (corpus / str(number)).write_bytes(content)
        atheris.Setup([name, "-timeout=60", "-rss_limit_mb=2048", *options, str(corpus)],
                      lambda content: fuzzing.attempt(reader, content, path))  # fmt: skip
        atheris.Fuzz()


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    if sys.argv[1].startswith("each="):
        runs = sys.argv[1].removeprefix("each=")
        codes = [
            subprocess.call([sys.executable, __file__, name, f"-runs={runs}"])
            for name in import_module("fuzzing").readers()
        ]
        sys.exit(any(codes))
    main(*sys.argv[1:])
