"""What the pages of one function share: its head, and the tabs."""

from typing import Any

from stoker.console.asked import Asked, Shown
from stoker.core.model import FunctionKey

TABS = (
    ("", "Test"),
    ("invocations", "Invocations"),
    ("code", "Code"),
    ("configuration", "Configuration"),
    ("triggers", "Triggers"),
    ("versions", "Versions"),
    ("concurrency", "Concurrency"),
    ("logs", "Logs"),
    ("monitor", "Monitor"),
    ("tune", "Tune"),
)

# What AWS leaves out where there is nothing to say.
SOMETIMES = (
    "State", "StateReason", "LastUpdateStatus", "LastUpdateStatusReason", "Description", "Runtime",
    "Handler", "Role", "EphemeralStorage", "TenancyConfig",
)  # fmt: skip


def key_of(asked: Asked) -> FunctionKey:
    return FunctionKey(asked.where.account, asked.where.region, asked.names["name"])


async def page(asked: Asked, tab: str, template: str, *, status: int = 200, **model: Any) -> Shown:
    """A page of a function that there is; or AWS's refusal."""
    name = asked.names["name"]
    about = await asked.call("lambda", "GetFunctionConfiguration", FunctionName=name)
    about = {**dict.fromkeys(SOMETIMES), **about}
    title = dict(TABS)[tab]
    whole = {"name": name, "about": about, "mood": mood(about), "tab": tab, "tabs": TABS, **model}
    return Shown(template, whole, title=f"{name}: {title}", status=status)


def mood(about: dict[str, Any]) -> str:
    if "Failed" in (about.get("State"), about.get("LastUpdateStatus")):
        return "bad"
    settled = about.get("State") == "Active" and about.get("LastUpdateStatus") != "InProgress"
    return "good" if settled else "busy"
