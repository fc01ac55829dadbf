"""A Kafka of one node, from Maven's artefacts: the real broker, with a listener for each way to log
in. Certificates are made here."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.slow.kafka_certificates import Certificates

VERSION = "3.9.0"
START_S = 120.0
USER, PASSWORD = "stoker", "quiet-secret"
POM = f"""<project xmlns="http://maven.apache.org/POM/4.0.0">
<modelVersion>4.0.0</modelVersion><groupId>x</groupId><artifactId>x</artifactId><version>1</version>
<dependencies><dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId>
<version>{VERSION}</version></dependency></dependencies></project>
"""
LISTENERS = ("PLAIN", "SASL", "SASLTLS", "MUTUAL")
_PROTOCOLS = "PLAIN:PLAINTEXT,SASL:SASL_PLAINTEXT,SASLTLS:SASL_SSL,MUTUAL:SSL,CONTROL:PLAINTEXT"


def has_tools() -> bool:
    return all(map(shutil.which, ("java", "mvn")))


def jars(folder: Path) -> Path:
    """The broker and what it depends on."""
    (folder / "pom.xml").write_text(POM)
    subprocess.run(
        ["mvn", "-q", "-B", "dependency:copy-dependencies", f"-DoutputDirectory={folder / 'lib'}"],
        cwd=folder, check=True, stdout=subprocess.DEVNULL, timeout=600,
    )  # fmt: skip
    return folder / "lib"


@dataclass
class KafkaBroker:
    """`start()` and `kill()` as often as needed; its log of records stays."""

    lib: Path
    folder: Path
    ports: dict[str, int]
    certificates: Certificates
    process: subprocess.Popen[bytes] | None = None

    def address(self, listener: str = "PLAIN") -> str:
        return f"localhost:{self.ports[listener]}"

    def format(self) -> None:
        (self.folder / "server.properties").write_text(self._properties())
        scram = [
            word
            for kind in ("SCRAM-SHA-256", "SCRAM-SHA-512")
            for word in ("-S", f"{kind}=[name={USER},password={PASSWORD}]")
        ]
        self._java(
            "kafka.tools.StorageTool", "format", "-t", "4L6g3nShT-eMCtK--X86sw",
            "-c", str(self.folder / "server.properties"), *scram,
        ).wait(60)  # fmt: skip

    def start(self) -> None:
        self.process = self._java("kafka.Kafka", str(self.folder / "server.properties"))
        deadline = time.monotonic() + START_S
        while True:
            assert self.process.poll() is None, (self.folder / "log").read_text()[-2000:]
            with closing(socket.socket()) as probe:
                if probe.connect_ex(("127.0.0.1", self.ports["MUTUAL"])) == 0:
                    return
            assert time.monotonic() < deadline, "the broker does not start"
            time.sleep(0.1)

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def _java(self, *words: str) -> subprocess.Popen[bytes]:
        with (self.folder / "log").open("ab") as log:
            return subprocess.Popen(
                ["java", "-Xmx512m", "-cp", f"{self.lib}/*", *words],
                stdout=log, stderr=log, cwd=self.folder, env={**os.environ},
            )  # fmt: skip

    def _properties(self) -> str:
        ports = {**self.ports}
        listeners = ",".join(f"{name}://localhost:{port}" for name, port in ports.items())
        plain = (
            "org.apache.kafka.common.security.plain.PlainLoginModule required "
            f'username="{USER}" password="{PASSWORD}" user_{USER}="{PASSWORD}";'
        )
        scram = "org.apache.kafka.common.security.scram.ScramLoginModule required;"
        lines = [
            "process.roles=broker,controller", "node.id=1",
            f"controller.quorum.voters=1@localhost:{ports['CONTROL']}",
            f"listeners={listeners}",
            "advertised.listeners=" + ",".join(
                f"{name}://localhost:{ports[name]}" for name in LISTENERS
            ),
            "controller.listener.names=CONTROL", "inter.broker.listener.name=PLAIN",
            f"listener.security.protocol.map={_PROTOCOLS}",
            f"log.dirs={self.folder / 'data'}",
            "offsets.topic.replication.factor=1", "offsets.topic.num.partitions=1",
            "transaction.state.log.replication.factor=1", "transaction.state.log.min.isr=1",
            "group.initial.rebalance.delay.ms=0", "num.partitions=2",
            "auto.create.topics.enable=false", "message.max.bytes=12000000",
            "sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512",
            "listener.name.mutual.ssl.client.auth=required",
            "ssl.keystore.type=PEM", "ssl.truststore.type=PEM",
            f"ssl.keystore.location={self.certificates.server}",
            f"ssl.truststore.location={self.certificates.authority}",
        ]  # fmt: skip
        for listener in ("sasl", "sasltls"):
            lines += [
                f"listener.name.{listener}.plain.sasl.jaas.config={plain}",
                f"listener.name.{listener}.scram-sha-256.sasl.jaas.config={scram}",
                f"listener.name.{listener}.scram-sha-512.sasl.jaas.config={scram}",
            ]
        return "\n".join(lines) + "\n"


@contextmanager
def kafka_broker(lib: Path, folder: Path) -> Iterator[KafkaBroker]:
    folder.mkdir(parents=True, exist_ok=True)
    ports = dict(zip((*LISTENERS, "CONTROL"), _free_ports(5), strict=True))
    broker = KafkaBroker(lib, folder, ports, Certificates.made(folder))
    broker.format()
    try:
        broker.start()
        yield broker
    finally:
        broker.kill()


def _free_ports(count: int) -> list[int]:
    held = [socket.socket() for _ in range(count)]
    try:
        for one in held:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in held]
    finally:
        for one in held:
            one.close()
