"""Alerts, channels and preferences: the part of the client that speaks of them.

Their types are loaded when a method needs them: most commands never do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tradewind.client.calls import API, Calls, quoted

if TYPE_CHECKING:
    from tradewind.client.exchange import Parameters
    from tradewind.domain import schemas_alerts as schemas
    from tradewind.domain.secrets import Secret

#: A test waits for the service it is sent to.
_TEST_TIMEOUT_S: Final = 60.0


class AlertCalls(Calls):
    """Methods of `AsyncClient`. Channels and alerts are named by id or by name."""

    async def channels(self) -> schemas.ChannelPage:
        """The caller's channels, without their addresses."""
        from tradewind.domain import schemas_alerts as schemas

        return await self._ask(schemas.ChannelPage, "GET", "/channels")

    async def add_channel(self, name: str, url: Secret, *, key: str | None = None) -> schemas.ChannelView:
        """A new channel. The address is sealed by the server and never given out again."""
        from tradewind.domain import schemas_alerts as schemas

        body = {"name": name, "url": url.reveal()}
        return await self._ask(schemas.ChannelView, "POST", "/channels", body, key=key)

    async def remove_channel(self, channel: str) -> None:
        """Removes a channel, from alerts too."""
        await self._exchange.request("DELETE", f"{API}/channels/{quoted(channel)}")

    async def test_channel(self, channel: str) -> schemas.TestAnswer:
        """Sends a test message; what became of it."""
        from tradewind.domain import schemas_alerts as schemas

        path = f"/channels/{quoted(channel)}/test"
        return await self._ask(schemas.TestAnswer, "POST", path, timeout_s=_TEST_TIMEOUT_S)

    async def alerts(self) -> schemas.AlertPage:
        """The caller's alerts."""
        from tradewind.domain import schemas_alerts as schemas

        return await self._ask(schemas.AlertPage, "GET", "/alerts")

    async def alert(self, alert: str) -> schemas.AlertView:
        """One alert."""
        from tradewind.domain import schemas_alerts as schemas

        return await self._ask(schemas.AlertView, "GET", f"/alerts/{quoted(alert)}")

    async def add_alert(self, request: schemas.AlertRequest, *, key: str | None = None) -> schemas.AlertView:
        """A new alert."""
        from tradewind.domain import schemas_alerts as schemas

        body = request.model_dump(mode="json", exclude_none=True)
        return await self._ask(schemas.AlertView, "POST", "/alerts", body, key=key)

    async def change_alert(self, alert: str, patch: schemas.AlertPatch) -> schemas.AlertView:
        """An alert, changed where the patch says something."""
        from tradewind.domain import schemas_alerts as schemas

        body = patch.model_dump(mode="json", exclude_none=True)
        return await self._ask(schemas.AlertView, "PATCH", f"/alerts/{quoted(alert)}", body)

    async def remove_alert(self, alert: str) -> None:
        """Removes an alert with its history."""
        await self._exchange.request("DELETE", f"{API}/alerts/{quoted(alert)}")

    async def mute_alert(self, alert: str) -> schemas.AlertView:
        """An alert that tells nobody any more."""
        from tradewind.domain import schemas_alerts as schemas

        return await self._ask(schemas.AlertView, "POST", f"/alerts/{quoted(alert)}/mute")

    async def unmute_alert(self, alert: str) -> schemas.AlertView:
        """An alert that tells again, from the next change on."""
        from tradewind.domain import schemas_alerts as schemas

        return await self._ask(schemas.AlertView, "POST", f"/alerts/{quoted(alert)}/unmute")

    async def firings(
        self, alert: str, *, before: int | None = None, limit: int | None = None
    ) -> schemas.FiringPage:
        """What an alert has found, newest first."""
        from tradewind.domain import schemas_alerts as schemas

        parameters: Parameters = {"before": before, "limit": limit}
        path = f"/alerts/{quoted(alert)}/firings"
        return await self._ask(schemas.FiringPage, "GET", path, parameters=parameters)

    async def preview_alert(
        self, condition: schemas.AlertCondition, *, days: int = 30
    ) -> schemas.PreviewAnswer:
        """How often a condition would have fired in the last days."""
        from tradewind.domain import schemas_alerts as schemas

        body = schemas.PreviewRequest(condition=condition, days=days).model_dump(
            mode="json", exclude_none=True
        )
        return await self._ask(schemas.PreviewAnswer, "POST", "/alerts/preview", body)

    async def preferences(self) -> schemas.PreferencesView:
        """The caller's preferences."""
        from tradewind.domain import schemas_alerts as schemas

        return await self._ask(schemas.PreferencesView, "GET", "/preferences")

    async def put_preferences(self, values: schemas.Preferences) -> schemas.PreferencesView:
        """Replaces the caller's preferences."""
        from tradewind.domain import schemas_alerts as schemas

        body = values.model_dump(mode="json", exclude_none=True)
        return await self._ask(schemas.PreferencesView, "PUT", "/preferences", body)
