from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from types import SimpleNamespace

import pytest

from puclassify._devices._shared_setting import SharedSetting


@pytest.fixture
def owner():
    return SimpleNamespace(setting="before")


def test_is_restored_by_the_last_to_leave(owner):
    shared = SharedSetting(owner, "setting", "inside")
    with shared:
        with shared:
            assert owner.setting == "inside"
        assert owner.setting == "inside"
    assert owner.setting == "before"


def test_is_restored_after_an_error(owner):
    with pytest.raises(KeyError), SharedSetting(owner, "setting", "inside"):
        raise KeyError
    assert owner.setting == "before"


def test_many_threads(owner):
    shared, together = SharedSetting(owner, "setting", "inside"), Barrier(4)

    def enter_often(_):
        together.wait(10)
        for _ in range(2000):
            with shared:
                if owner.setting != "inside":
                    return False
        return True

    with ThreadPoolExecutor(4) as executor:
        assert all(executor.map(enter_often, range(4)))
    assert owner.setting == "before"
