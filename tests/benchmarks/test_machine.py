from benchmarks.machine import peak_gflops, processor


def test_the_peak_is_a_rate():
    assert 0.01 < peak_gflops(sizes=(64,), repeats=2) < 1e5


def test_the_processor_with_its_vectors(tmp_path):
    info = tmp_path / "cpuinfo"
    info.write_text("processor : 0\nmodel name\t: Some CPU\nflags\t\t: fpu avx2 avx512f\n\n")
    assert processor(info) == "Some CPU, AVX-512"
    info.write_text("model name : Other\nflags : avx2\n")
    assert processor(info) == "Other, AVX2"


def test_a_system_that_tells_nothing(tmp_path):
    assert processor(tmp_path / "none")
