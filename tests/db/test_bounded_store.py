from db.bounded_store import BoundedStore


def store(max_bytes: int = 1600, max_entries: int = 100) -> BoundedStore[str, str]:
    return BoundedStore("test", max_bytes=max_bytes, max_entries=max_entries)


def test_what_was_put_is_found() -> None:
    kept = store()
    kept.put("a", "one", 10)
    assert kept.get("a") == "one"


def test_a_key_that_was_never_put_is_none() -> None:
    assert store().get("a") is None


def test_the_least_recently_used_goes_when_the_bytes_are_full() -> None:
    kept = store(max_bytes=1600)
    for number in range(16):
        kept.put(str(number), "value", 100)
    kept.get("0")
    kept.put("new", "value", 100)
    assert kept.get("0") == "value"
    assert kept.get("1") is None
    assert kept.kept_bytes == 1600


def test_the_least_recently_used_goes_when_there_are_too_many() -> None:
    kept = store(max_entries=2)
    for key in "abc":
        kept.put(key, key, 1)
    assert [kept.get(key) for key in "abc"] == [None, "b", "c"]


def test_an_entry_larger_than_a_sixteenth_is_not_kept_and_pushes_nothing_out() -> None:
    kept = store(max_bytes=1600)
    kept.put("small", "value", 100)
    kept.put("large", "value", 101)
    assert kept.get("large") is None
    assert kept.get("small") == "value"


def test_a_value_that_is_put_again_counts_once() -> None:
    kept = store()
    kept.put("a", "one", 100)
    kept.put("a", "two", 40)
    assert kept.get("a") == "two"
    assert kept.kept_bytes == 40


def test_what_is_discarded_frees_its_bytes() -> None:
    kept = store()
    kept.put("a", "one", 100)
    kept.discard("a")
    assert kept.kept_bytes == 0
    assert len(kept) == 0


def test_metrics_tell_how_full_a_store_is_and_what_was_found() -> None:
    kept = store()
    kept.put("a", "one", 100)
    kept.get("a")
    kept.get("b")
    told = {(each.name, each.labels.get("result")): each.value() for each in kept.metrics()}
    assert told == {
        ("gateway_store_bytes", None): 100,
        ("gateway_store_max_bytes", None): 1600,
        ("gateway_store_entries", None): 1,
        ("gateway_store_lookups", "hit"): 1,
        ("gateway_store_lookups", "miss"): 1,
    }
