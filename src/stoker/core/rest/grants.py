"""What authorizers of REST APIs answered, kept for as long as they say."""

from collections import OrderedDict

from stoker.core.rest.authorizers import Granted

MOST = 1000  # answers, of 64 KB each at most; those kept longest go first
Key = tuple[str, str, str, tuple[str, ...]]  # API, stage, authorizer, identity


class Grants:
    """`now`: seconds of a clock that is never set back."""

    def __init__(self) -> None:
        self._kept: OrderedDict[Key, tuple[float, Granted]] = OrderedDict()

    def get(self, key: Key, now: float) -> Granted | None:
        found = self._kept.get(key)
        return found[1] if found is not None and now < found[0] else None

    def put(self, key: Key, granted: Granted, until: float) -> None:
        self._kept.pop(key, None)
        self._kept[key] = (until, granted)
        while len(self._kept) > MOST:
            self._kept.popitem(last=False)

    def forget(self, api_id: str, stage: str) -> None:
        for key in [key for key in self._kept if key[:2] == (api_id, stage)]:
            del self._kept[key]
