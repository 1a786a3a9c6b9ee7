"""How each cloud tells a machine that it will be taken back, as data: where to ask, and what the answer means."""

from __future__ import annotations

import json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


class Token:
    """What has to be fetched before anything may be asked."""

    def __init__(self, path: str, headers: dict[str, str], header: str) -> None:
        self.path = path
        self.headers = headers
        #: The header that it is sent in.
        self.header = header


class Kind:
    """One cloud's metadata service.

    `read` gets a body of status 200 and the machine's own name, if `name_path` told it; it returns None where there is
    no notice, else when the machine is taken, 0 if that is not said. `notice_s` is how long before the notice comes.
    """

    def __init__(
        self,
        path: str,
        read: Callable[[str, str | None], float | None],
        notice_s: float,
        *,
        headers: dict[str, str] | None = None,
        token: Token | None = None,
        name_path: str | None = None,
        statuses_of_nothing: tuple[int, ...] = (),
    ) -> None:
        self.path = path
        self.read = read
        self.notice_s = notice_s
        self.headers = headers or {}
        self.token = token
        self.name_path = name_path
        self.statuses_of_nothing = statuses_of_nothing


def _ec2(body: str, _name: str | None) -> float | None:
    notice = json.loads(body)
    # `stop` and `hibernate` end what runs as surely as `terminate` does.
    return _seconds(str(notice.get("time")), "%Y-%m-%dT%H:%M:%SZ")


def _gce(body: str, _name: str | None) -> float | None:
    return 0.0 if body.strip().upper() == "TRUE" else None


def _azure(body: str, name: str | None) -> float | None:
    times = [
        _seconds(str(event.get("NotBefore") or ""), "%a, %d %b %Y %H:%M:%S GMT")
        for event in json.loads(body).get("Events") or []
        # Machines that belong together hear of each other's events.
        if event.get("EventType") == "Preempt"
        and (name is None or name in (event.get("Resources") or [name]))
    ]
    return min(times) if times else None


def _seconds(text: str, form: str) -> float:
    # Imported late: the supervisor, which stays in memory, needs neither.
    from calendar import timegm
    from time import strptime

    try:
        return float(timegm(strptime(text, form)))
    except ValueError:
        return 0.0


KINDS = {
    "ec2": Kind(
        "/latest/meta-data/spot/instance-action",
        _ec2,
        120.0,
        token=Token(
            "/latest/api/token",
            {"X-aws-ec2-metadata-token-ttl-seconds": "21600"},
            "X-aws-ec2-metadata-token",
        ),
        statuses_of_nothing=(404,),
    ),
    "gce": Kind("/computeMetadata/v1/instance/preempted", _gce, 30.0, headers={"Metadata-Flavor": "Google"}),
    "azure": Kind(
        "/metadata/scheduledevents?api-version=2020-07-01",
        _azure,
        30.0,
        headers={"Metadata": "true"},
        name_path="/metadata/instance/compute/name?api-version=2021-02-01&format=text",
    ),
}
