"""Hooks around a snapshot (SnapStart): what functions import under this name on AWS.

    from snapshot_restore_py import register_before_snapshot, register_after_restore

Both work as a decorator and as a plain call. Hooks before the snapshot run last registered first,
those after a restore in the order of registration. (Interface of PyPI's snapshot-restore-py 1.0.)
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeVar

    Function = TypeVar("Function", bound=Callable[..., Any])
    Hooks = list[tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any]]]

__all__ = ["register_after_restore", "register_before_snapshot"]

_before: Hooks = []
_after: Hooks = []


def register_before_snapshot(func: Function, *args: Any, **kwargs: Any) -> Function:
    """Call func(*args, **kwargs) before the snapshot is taken."""
    _before.append((func, args, kwargs))
    return func


def register_after_restore(func: Function, *args: Any, **kwargs: Any) -> Function:
    """Call func(*args, **kwargs) in each environment that is restored, before its first event."""
    _after.append((func, args, kwargs))
    return func


def get_before_snapshot() -> Hooks:
    """For the runtime client, which takes them off the end."""
    return _before


def get_after_restore() -> Hooks:
    return _after
