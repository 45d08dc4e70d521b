"""`image prune`: what it would free, and that it asks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from idlehands_deploy.engine.leftovers import UnnamedImage
from idlehands_deploy.errors import UsageError
from idlehands_deploy.operations.cleanup import prune

if TYPE_CHECKING:
    from tests.support.fake_site import FakeSite

STAGE = UnnamedImage("sha256:7283fc7314b81bc2", 738_000_000, is_stage=True)
EARLIER = UnnamedImage("sha256:9269b825d94d9b74", 20_000_000, is_stage=False)
PLAN = [
    "unnamed build stage 7283fc7314b8: deleted, with 738 MB, because only the next build would use it",
    "earlier image 9269b825d94d: deleted, with 20 MB, because a newer image has its name",
]


def test_it_says_what_each_unnamed_image_holds_and_asks_once(site: FakeSite) -> None:
    site.engine.unnamed = [STAGE, EARLIER]
    asked: list[str] = []
    assert prune.prune(site.session, lambda question: not asked.append(question)) == 758_000_000  # type: ignore[func-returns-value]
    assert asked == ["Delete 2 unnamed images with 758 MB? The next `image build` then takes minutes again."]
    assert site.lines() == PLAN
    assert site.engine.unnamed == []


def test_a_no_deletes_nothing_and_exits_with_2(site: FakeSite) -> None:
    site.engine.unnamed = [STAGE]
    with pytest.raises(UsageError, match="Nothing was deleted: 1 unnamed image with 738 MB") as caught:
        prune.prune(site.session, lambda _: False)
    assert (caught.value.exit_code, site.engine.unnamed) == (2, [STAGE])


def test_an_image_that_something_uses_stays_and_is_not_counted(site: FakeSite) -> None:
    site.engine.unnamed = [STAGE, EARLIER]
    site.engine.used = {STAGE.id: "container 0123 uses it"}
    assert prune.prune(site.session, lambda _: True) == 20_000_000
    assert site.lines()[2:] == ["unnamed build stage 7283fc7314b8 stays: container 0123 uses it"]


def test_without_unnamed_images_it_asks_nothing(site: FakeSite) -> None:
    assert prune.prune(site.session, lambda _: pytest.fail("asked")) is None


def test_a_dry_run_deletes_nothing(site: FakeSite) -> None:
    site.engine.unnamed = [STAGE, EARLIER]
    assert prune.prepare_prune(site.session).plan.lines == PLAN
    assert site.engine.unnamed == [STAGE, EARLIER]
