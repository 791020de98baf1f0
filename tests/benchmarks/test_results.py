from benchmarks.results import Entry, Measurement, Outcome, Result, best_of_starts, in_groups, unreliable


def _entry(peer, value, **options):
    return Entry(peer, Measurement(value, value, value, (value,)), **options)


def _outcome(case="c", *, flops=0, group="", **values):
    return Outcome(case, [_entry(peer, value) for peer, value in values.items()], flops=flops, group=group)


def test_the_best_start_counts_and_not_the_best_time():
    measured = best_of_starts([[1.0, 9.0, 9.0], [5.0, 6.0, 7.0], [8.0]])
    assert measured == Measurement(6.0, 5.5, 6.5, (9.0, 6.0, 8.0))
    assert round(measured.spread, 3) == 0.167


def test_a_share_of_a_sample():
    assert best_of_starts([[4.0]], per=4) == Measurement(1.0, 1.0, 1.0, (1.0,))


def test_ratios_are_to_the_best_of_each_kind():
    outcome = _outcome(ours=2.0, ours_reference=3.0, torch=5.0, torch_compile=4.0, jax=3.5)
    assert (outcome.best_torch(), outcome.best_peer(), outcome.value("jax"), outcome.value("absent")) == (
        4,
        3.5,
        3.5,
        None,
    )


def test_a_copy_takes_no_part_but_in_the_self_test():
    outcome = Outcome("c", [_entry("torch", 4.0), _entry("ours", 1.0), _entry("torch", 3.0, copy=True)])
    assert outcome.best_torch() == 4.0
    assert outcome.self_test() == 0.75
    assert unreliable([outcome, _outcome("d", torch=1.0)]) == {"c": 0.75}


def test_close_copies_are_believed():
    assert unreliable([Outcome("c", [_entry("torch", 1.0), _entry("torch", 1.09, copy=True)])]) == {}


def test_a_peer_without_a_number_has_no_ratio():
    outcome = Outcome("c", [Entry("torch", note="failed: out of memory"), _entry("ours", 1.0)])
    assert (outcome.best_torch(), outcome.self_test()) == (None, None)


def test_rates():
    assert _outcome(flops=6_000_000_000).rate(2.0) == 3.0
    assert _outcome().rate(2.0) is None


def test_groups_add_up_over_those_who_did_all():
    outcomes = [
        _outcome("a", flops=2, group="g", ours=1.0, jax=2.0),
        _outcome("b", flops=3, group="g", ours=10.0),
        _outcome("c", ours=7.0),
    ]
    [total] = in_groups(outcomes)
    assert (total.case, total.flops, total.value("ours"), total.value("jax")) == ("g, all together", 5, 11.0, None)


def test_a_result_survives_the_file(tmp_path):
    result = Result(
        "chain",
        "Chain",
        "A note.",
        {"peak_gflops": 10.0},
        {"threads": 2},
        [Outcome("c", [_entry("ours", 1.5), Entry("jax", note="no chain", lacks=True)], "B", 7, "g")],
        {"ours": "1"},
        {"torch": "not installed"},
    )
    result.save(tmp_path)
    loaded = Result.load(tmp_path / "chain.json")
    assert loaded.outcomes[0].entries[1] == result.outcomes[0].entries[1]
    assert loaded.outcomes[0].value("ours") == 1.5
    assert (loaded.peak, loaded.peers(), loaded.left_out) == (10.0, ["ours"], {"torch": "not installed"})
    loaded.save(tmp_path / "again")
    assert (tmp_path / "again" / "chain.json").read_text() == (tmp_path / "chain.json").read_text()
