"""What schemas cannot see: do the manifests fit one another, and the service that they run?

Every check is a function that yields what is wrong, in words.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from tests.deploy.kubernetes.checks import edge, monitoring, pods, probes, scaling, settings, shutdown, wiring
from tests.deploy.kubernetes.inventory import Inventory
from tests.deploy.kubernetes.tools import Manifest

Check = Callable[[Inventory], Iterator[str]]

CHECKS: tuple[Check, ...] = (
    *wiring.CHECKS,
    *pods.CHECKS,
    *probes.CHECKS,
    *settings.CHECKS,
    *scaling.CHECKS,
    *shutdown.CHECKS,
    *edge.CHECKS,
    *monitoring.CHECKS,
)


def problems(
    manifests: Iterable[Manifest], *, given: Iterable[str] = (), checks: Iterable[Check] = CHECKS
) -> list[str]:
    """What is wrong with a rendering.

    Args:
        manifests: The rendering.
        given: Secrets, claims and accounts that the operator makes, as `Secret/NAME`.
        checks: What is looked at.
    """
    inventory = Inventory(manifests, given=given)
    return [text for check in checks for text in check(inventory)]
