"""What each party of an environment is at now, and what it waits for, in words for people. Pure."""

from stoker.core.extension_states import ExtensionState
from stoker.core.lifecycle import Lifecycle
from stoker.core.lifecycle_words import RUNTIME, Party, Phase

NEXT = "waits for the next event"
_STARTING = (Phase.INIT, Phase.REINIT)


def doings(life: Lifecycle) -> dict[Party, str]:
    """By party: the runtime first, then the extensions by name. Nobody, where nobody runs."""
    if life.phase in (Phase.BLANK, Phase.DEAD):
        return {}
    parties = [RUNTIME, *sorted(life.externals | life.extensions.keys())]
    return {party: _doing(life, party) for party in parties}


def _doing(life: Lifecycle, party: Party) -> str:
    if party != RUNTIME and party not in life.externals and RUNTIME not in life.alive:
        return "has left with the runtime"  # it is a part of that process
    if life.ending:
        return _leaving(life, party)
    if party == RUNTIME and RUNTIME not in life.alive:
        return "is started when all extensions have registered"
    if party not in life.busy:
        return NEXT
    if life.phase in _STARTING:
        registers = life.extension_state(party) is ExtensionState.STARTED
        return "has not registered yet" if registers else "initializes"
    if party == RUNTIME and life.answered:
        return "has answered, and has not asked for the next event"
    return f"handles invocation {life.request_id}"


def _leaving(life: Lifecycle, party: Party) -> str:
    if party in life.externals and party not in life.alive:
        return "has left"
    if party == RUNTIME and RUNTIME not in life.alive:
        return "has left"
    if life.killed:
        return "is being killed"
    if party != RUNTIME and life.farewell:
        return "hears of the end when the runtime has left"
    return "was told to leave"
