"""libFuzzer, by way of atheris, against everything that reads bytes from inside an environment.

FUZZ_MINUTES (2 unless it is set) is given to each target. A failure prints the input, and
`python tests/slow/fuzzing/harness.py TARGET FILE` runs it again.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.http_in_memory import LAST, REQUESTS

pytestmark = pytest.mark.slow

ATHERIS = "atheris==3.0.0"
HARNESS = Path(__file__).with_name("harness.py")
ROOT = HARNESS.parents[3]
UV = Path(sys.executable).with_name("uv")
MINUTES = float(os.environ.get("FUZZ_MINUTES", "2"))
INPUT_BYTES = 2048
TEXTS = [
    b'{"events": ["INVOKE", "SHUTDOWN"], "configurationKeys": ["a"]}',
    b"b7f31a6e-0d9d-4bd9-9d0c-7a0a2f1ce1b2",
    b'{"schemaVersion": "2022-12-13", "types": ["platform", "function", "extension"],'
    b' "buffering": {"maxItems": 1000, "maxBytes": 262144, "timeoutMs": 100},'
    b' "destination": {"protocol": "HTTP", "URI": "http://sandbox.localdomain:8080/a?b"}}',
    b'{"types": ["platform"], "destination": {"protocol": "TCP", "port": 9000}}',
    b'{"errorMessage": "m", "errorType": "T", "errorCause": {"working_directory": "/w",'
    b' "paths": ["p"], "message": "m", "exceptions": [{"message": "m", "type": "t",'
    b' "stack": [{"path": "p", "line": 7, "label": "l"}]}]}}',
    b"Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1;Lineage=a:1",
    b'{"name": "n", "id": "53995c3f42cd8ad8", "trace_id": "1-5759e988-bd862e3fe1be46a994272793"}',
    b'{"timestamp": "2026-01-01T00:00:00.000Z", "level": "ERROR", "message": "m", "n": 1.5e3}\n',
    b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nOK",
    b"\xa5\x5a\x00\x0a\x00\x00\x00\x05\x00\x00\x00\x00\x00\x00\x00\x01hello",
    b"one\ntwo\r\n" + b"x" * 200 + "ä€😀".encode() * 30,
]
SEEDS = {
    "parser": [b"\x21\x55\xaa\xe0" + piece for piece in (*REQUESTS, *LAST, b"".join(REQUESTS))],
    "texts": TEXTS,
}
WORDS = (
    "HTTP/1.1", "GET ", "POST ", "HEAD ", "\\x0d\\x0a", "\\x0d\\x0a\\x0d\\x0a", "Content-Length: ",
    "Transfer-Encoding: chunked", "Trailer: ", "Expect: 100-continue", "Connection: ", "close",
    "keep-alive", "Upgrade: h2c", "Content-Encoding: gzip", "0\\x0d\\x0a\\x0d\\x0a",
    "NaN", "1e999", "\\\\ud800", '\\"time\\": \\"', "T00:00:00Z", "9999-12-31T23:59:59-23:59",
    "0001-01-01T00:00:00+23:59", "http://sandbox:", "http://[", "\\xa5\\x5a\\x00",
)  # fmt: skip


@pytest.fixture(scope="module")
def atheris(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that it is imported from: nothing else here wants it."""
    folder = tmp_path_factory.mktemp("atheris")
    subprocess.run(
        [UV, "pip", "install", "-q", "--python", sys.executable, "--target", folder, ATHERIS],
        check=True,
        timeout=300,
    )
    return folder


@pytest.mark.timeout(MINUTES * 60 + 300)
@pytest.mark.parametrize("target", sorted(SEEDS))
def test_no_input_breaks_what_reads_it(target: str, atheris: Path, tmp_path: Path) -> None:
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    for number, seed in enumerate(SEEDS[target]):
        (corpus / f"{number:03}").write_bytes(seed[:INPUT_BYTES])
    words = tmp_path / "words"
    words.write_text("".join(f'"{word}"\n' for word in WORDS))
    done = subprocess.run(
        [sys.executable, HARNESS, target, f"-max_total_time={MINUTES * 60:.0f}", "-seed=1",
         f"-max_len={INPUT_BYTES}", f"-dict={words}", f"-artifact_prefix={tmp_path}/",
         "-timeout=10", "-rss_limit_mb=1024", "-print_final_stats=1", corpus],
        env={**os.environ, "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}:{atheris}"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
    )  # fmt: skip
    told = done.stderr[-2000:]
    kept = [path.read_bytes() for path in tmp_path.glob("*-*") if path.is_file()]
    assert done.returncode == 0, f"{kept}\n{done.stdout[-2000:]}\n{told}"
    executed = re.search(r"stat::number_of_executed_units: (\d+)", told)
    assert executed and int(executed[1]) > len(SEEDS[target]), told
    print(target, *re.findall(r"stat::.*|cov: \d+ ft: \d+", told)[-7:], sep="\n")
