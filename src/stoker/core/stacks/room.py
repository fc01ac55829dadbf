"""How much text the stacks of an account may keep: all of it is in memory.

AWS bounds a template (1 MiB) and the number of stacks (2,000), and no total; 2,000 stacks with
100 change sets each would be 200 GB here.
"""

from collections.abc import Iterable

from stoker.core.errors import LimitExceededException
from stoker.core.stacks.model import Wanted

TEXT_BYTES = 64 * 1024 * 1024  # of an account, in all regions


def text_bytes(wanted: Wanted) -> int:
    """Of its template as given and as transforms have made it, and of its parameters."""
    texts = (wanted.template, *_flat(wanted.parameters.items()), *_flat(wanted.resolved.items()))
    return sum(map(_bytes, texts)) + wanted.processed


def check_room(kept: Iterable[Wanted], added: Wanted) -> None:
    """Refuse what does not fit beside what is kept. What is kept already takes no more room:
    a change set that is carried out is its stack's text from then on.

    Raise LimitExceededException.
    """
    one_each = {id(one): one for one in kept}
    if id(added) in one_each:
        return
    there, more = sum(map(text_bytes, one_each.values())), text_bytes(added)
    if there + more > TEXT_BYTES:
        raise LimitExceededException(
            f"The templates and parameters of all stacks and change sets of an account may have"
            f" {TEXT_BYTES} bytes; {there} are taken, and {more} more are asked for. Delete"
            " stacks or change sets that are not needed."
        )


def _bytes(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode(errors="surrogatepass"))


def _flat(items: Iterable[tuple[str, str]]) -> Iterable[str]:
    return (text for pair in items for text in pair)
