"""What an account may have and a function may ask for: AWS's values, which an operator may change.

The numbers that nobody may change are in core/limits.py.
"""

from dataclasses import dataclass

from stoker.core import limits
from stoker.core.limits import MIB


@dataclass(frozen=True, slots=True, kw_only=True)
class Quotas:
    zip_bytes: int = limits.ZIP_BYTES  # of a package sent in the request itself
    unzipped_bytes: int = limits.UNZIPPED_BYTES  # function and layers together
    code_storage_bytes: int = limits.CODE_STORAGE_BYTES  # of one account and region, packed
    layers: int = limits.LAYERS  # of one function
    environment_bytes: int = limits.ENVIRONMENT_BYTES  # of a function's variables, as JSON
    policy_bytes: int = limits.POLICY_BYTES  # of a resource policy, as JSON
    memory_mb: int = limits.MEMORY_MB[-1]  # the most that a function may ask for
    timeout_s: int = limits.TIMEOUT_S[-1]  # likewise
    ephemeral_mb: int = limits.EPHEMERAL_MB[-1]  # likewise

    @property
    def base64_bytes(self) -> int:
        """What the largest package takes in a request; AWS names this size in its refusal."""
        return -(-self.zip_bytes * 4 // 3)

    @property
    def code_request_bytes(self) -> int:
        """AWS: 70,167,211, which is a zip of 50 MiB in base64 and 256 KiB for the rest."""
        return self.base64_bytes + MIB // 4


AWS = Quotas()
