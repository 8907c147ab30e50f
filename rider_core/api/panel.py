"""What a plugin shows on the panel: a page in the menu, and cards on the dashboard.

A page is the plugin's own: the menu links to it. A card is data, which the panel draws as text: a plugin's markup never
runs in the panel's page.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from rider_core.api.messages import Message

#: Below the panel's own address; `//host` and `..` would lead elsewhere.
PATH_PATTERN = r"^(/[A-Za-z0-9_-][A-Za-z0-9._-]*)+$"
MAX_CARD_ROWS = 20

_Title = Annotated[str, Field(min_length=1, max_length=24, description="for people")]
_Path = Annotated[str, Field(pattern=PATH_PATTERN, max_length=100)]


class PanelPage(Message):
    """A page of the plugin's own, as an entry of the panel's menu.

    It has the panel's content security policy: scripts and styles come from routes of the plugin, none is inline.
    """

    title: _Title
    path: _Path = Field(description="of a route of the plugin's blueprint that answers with HTML")


class PanelCard(Message):
    """A card on the dashboard."""

    title: _Title
    path: _Path = Field(description="of a route of the plugin's blueprint that answers with a `CardContent` as JSON")


class CardRow(Message):
    """A line of a card."""

    name: str = Field(max_length=80)
    value: str = Field(max_length=200)
    tone: Literal["good", "warn", "bad", "quiet"] = Field("quiet", description="how it is marked")


class CardContent(Message):
    """What a card shows: `return CardContent(rows=(...,)).model_dump()`. The panel asks for it every ten seconds."""

    rows: tuple[CardRow, ...] = Field((), max_length=MAX_CARD_ROWS)
