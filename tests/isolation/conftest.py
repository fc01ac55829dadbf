"""One hostile package, a few functions of it, and a neighbour who must notice nothing."""

import base64
import http.client
import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from botocore.config import Config

from tests.running import REGION, StokerProcess, deploy, wait_for

FILES = {path.name: path.read_text() for path in (Path(__file__).parent / "attacks").glob("*.py")}
ATTACKERS: dict[str, dict[str, Any]] = {
    # The time is for a slow machine: nothing here waits for its end but what says so.
    "attacker": {"MemorySize": 1769, "Timeout": 300},
    "small": {"MemorySize": 128, "Timeout": 300},
    "short": {"MemorySize": 1769, "Timeout": 3},
    "newborn": {"MemorySize": 1769, "Timeout": 10},  # for one question: what it was born with
    "filler": {"MemorySize": 256, "Timeout": 300},
    "victim": {"MemorySize": 1769, "Timeout": 10,
               "Environment": {"Variables": {"SECRET": "the-victims-secret"}}},
}  # fmt: skip
AUTHORIZATION = (
    f"AWS4-HMAC-SHA256 Credential=test/20260101/{REGION}/lambda/aws4_request, "
    "SignedHeaders=host, Signature=0"
)
PATIENCE_S = 60.0


@dataclass
class Answer:
    """What the caller of a hostile function got."""

    value: Any
    error: bool
    request_id: str
    log: str  # its tail

    def fault(self) -> tuple[str, str]:
        """(type, message) of a function error, less the request's own id."""
        assert self.error, self.value
        message = self.value["errorMessage"].replace(self.request_id, "<id>")
        return self.value["errorType"], message

    def report(self, name: str) -> str:
        found = re.search(rf"\t{name}: ([^\t\n]+)", self.log)
        assert found, self.log
        return found[1]


Attack = Callable[..., Answer]


class Neighbour(threading.Thread):
    """Another caller with another function, all the time."""

    def __init__(self, port: int, name: str) -> None:
        super().__init__(name="neighbour", daemon=True)
        self.answers = 0
        self.troubles: list[str] = []
        self._path = f"/2015-03-31/functions/{name}/invocations"
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)
        self._over = threading.Event()

    def run(self) -> None:
        while not self._over.wait(0.01):
            try:
                self._ask()
            except (OSError, http.client.HTTPException) as trouble:
                self.troubles.append(repr(trouble))
                self._connection.close()
        self._connection.close()

    def _ask(self) -> None:
        body = json.dumps({"n": self.answers})
        self._connection.request("POST", self._path, body, {"Authorization": AUTHORIZATION})
        answer = self._connection.getresponse()
        got = answer.read().decode()
        if (answer.status, got, answer.headers["X-Amz-Function-Error"]) == (200, body, None):
            self.answers += 1
        else:
            self.troubles.append(f"{answer.status}: {got}")

    def stop(self) -> None:
        self._over.set()
        self.join()


@pytest.fixture(scope="session")
def neighbour(server: StokerProcess, functions: Any) -> Iterator[Neighbour]:
    code = "def handler(event, context): return event"
    thread = Neighbour(server.port, deploy(functions, code, FunctionName="neighbour"))
    thread.start()
    wait_for(lambda: f"answered: {thread.answers > 0}", "True")
    yield thread
    thread.stop()


@pytest.fixture(autouse=True)
def _undisturbed(neighbour: Neighbour, no_leaks: None) -> Iterator[None]:
    """During and after each attack the neighbour is answered, and rightly."""
    yield
    before, end = neighbour.answers, time.monotonic() + PATIENCE_S
    while neighbour.answers < before + 2 and time.monotonic() < end and not neighbour.troubles:
        time.sleep(0.01)
    troubles, neighbour.troubles = neighbour.troubles, []
    assert not troubles
    assert neighbour.answers >= before + 2, "the neighbour is not answered any more"


@pytest.fixture(scope="session")
def functions(server: StokerProcess) -> Iterator[Any]:
    """boto3's client for Lambda, made once: that takes longer than most attacks."""
    once = Config(read_timeout=330, retries={"total_max_attempts": 1})
    with closing(server.client("lambda", config=once)) as client:
        client.get_account_settings()  # its connection is there before any test looks for leaks
        yield client


@pytest.fixture(scope="session")
def attackers(functions: Any) -> dict[str, str]:
    """The hostile functions. They live as long as the server, as do their environments."""
    return {name: deploy(functions, FILES, FunctionName=name, **settings)
            for name, settings in ATTACKERS.items()}  # fmt: skip


@pytest.fixture(scope="session")
def attack(attackers: dict[str, str], functions: Any) -> Attack:
    """attack("escape.call", what="chroot"): have a hostile function do it, `by` says which."""

    def attack(name: str, by: str = "attacker", **arguments: Any) -> Answer:
        event = json.dumps({"attack": name, "with": arguments})
        response = functions.invoke(
            FunctionName=attackers.get(by, by), Payload=event, LogType="Tail"
        )
        return Answer(
            json.loads(response["Payload"].read()),
            "FunctionError" in response,
            response["ResponseMetadata"]["RequestId"],
            base64.b64decode(response["LogResult"]).decode("utf-8", "replace"),
        )

    return attack


@dataclass
class Host:
    """What the operator sees of the server and of its environments."""

    server: StokerProcess

    def environments(self, function: str) -> list[dict[str, Any]]:
        with closing(http.client.HTTPConnection("127.0.0.1", self.server.port)) as connection:
            connection.request("GET", "/_stoker/api/environments")
            found = json.loads(connection.getresponse().read())["environments"]
        return [one for one in found if one["function"] == function]

    def frozen(self, function: str) -> dict[str, Any]:
        """Its environment, once it stands still."""

        def look() -> str:
            return " ".join(f"frozen={one['frozen']}" for one in self.environments(function))

        wait_for(look, "frozen=True")
        return next(one for one in self.environments(function) if one["frozen"])

    def cpu_ticks(self, pids: list[int]) -> int:
        """Processor time that these have used, in ticks of the kernel."""
        total = 0
        for pid in pids:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            total += int(fields[11]) + int(fields[12])
        return total

    def memory_mb(self) -> float:
        return self._status("VmRSS")

    def forget_peak(self) -> None:
        Path(f"/proc/{self.server.pid}/clear_refs").write_text("5")

    def peak_mb(self) -> float:
        """The most memory that the server has had since forget_peak()."""
        return self._status("VmHWM")

    def _status(self, name: str) -> float:
        text = Path(f"/proc/{self.server.pid}/status").read_text()
        found = re.search(rf"{name}:\s+(\d+) kB", text)
        assert found
        return int(found[1]) / 1024


@pytest.fixture
def host(server: StokerProcess) -> Host:
    return Host(server)


@dataclass
class Alone:
    """A hostile function of one test, with one environment: what it did before, it remembers."""

    name: str
    _attack: Attack
    _host: Host

    def __call__(self, name: str, **arguments: Any) -> Answer:
        # It must be free, or a second environment might be made. Blank: reset, nobody runs.
        free = {"Idle", "Blank"}
        wait_for(
            lambda: f"{all(one['phase'] in free for one in self._host.environments(self.name))}",
            "True",
        )
        return self._attack(name, by=self.name, **arguments)

    def frozen(self) -> dict[str, Any]:
        return self._host.frozen(self.name)


@pytest.fixture
def alone(create: Callable[..., str], attack: Attack, host: Host) -> Alone:
    return Alone(create(FILES, MemorySize=1769, Timeout=10), attack, host)
