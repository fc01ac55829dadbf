"""What the pages of one function make of what there is."""

import base64
import io
import json
import zipfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stoker.console.pages import code, configuration, logs, monitor, trying
from stoker.console.rendering import printed
from stoker.core.errors import InvalidParameterValueException
from stoker.core.sample_events import KINDS
from stoker.core.statistics import summed
from tests.running import make_zip

REPORT = (
    "REPORT RequestId: 1-2\tDuration: 1.50 ms\tBilled Duration: 2 ms\tMemory Size: 128 MB\t"
    "Max Memory Used: 30 MB\t"
)


def test_the_last_report_is_read_into_its_numbers() -> None:
    log = f"START RequestId: 1-2\n{REPORT.replace('30', '29')}\nREPORT\n{REPORT}\n"
    assert trying.report_of(log) == (
        ("Duration", "1.50 ms"),
        ("Billed Duration", "2 ms"),
        ("Memory Size", "128 MB"),
        ("Max Memory Used", "30 MB"),
    )
    assert trying.report_of("no report") == trying.report_of("") == ()


def test_an_outcome_tells_of_a_failure_and_shows_what_is_no_json_as_it_is() -> None:
    told = trying.outcome_of(
        {
            "FunctionError": "Unhandled",
            "ExecutedVersion": "7",
            "Payload": b"\xff{",
            "LogResult": base64.b64encode(b"\xfe\n").decode(),
        }
    )
    assert (told.good, told.head, told.payload) == (False, "Failed: Unhandled (7)", "\ufffd{")
    assert trying.outcome_of({"Payload": b'{"a":1}'}).payload == '{\n  "a": 1\n}'


@pytest.mark.parametrize("kind", KINDS)
def test_every_trigger_has_an_event_to_begin_with(kind: str) -> None:
    assert json.loads(trying.template(kind, "000000000000", "eu-central-1"))


def test_the_handlers_file_is_opened_first() -> None:
    package = make_zip({"a.txt": "a", "main.py": "text", "lib/x.py": ""})
    found = code.opened(package, "", "main")
    assert (found.path, found.text) == ("main.py", "text")
    assert [file.path for file in found.files] == ["a.txt", "lib/x.py", "main.py"]
    assert code.opened(package, "a.txt", "main").text == "a"
    assert code.opened(package, "../etc/passwd", "main").why_not == "There is no such file."


def test_what_is_no_small_text_is_not_shown() -> None:
    large, binary = b"x" * (code.FILE_BYTES + 1), b"\x7fELF\0"
    package = make_zip({"large": large, "binary": binary, "latin": b"\xe9"})
    for path in ("large", "binary", "latin"):
        found = code.opened(package, path, "main")
        assert found.text is None
        assert found.why_not
    assert "cannot be read" in code.opened(b"no zip", "", "main").why_not


def test_a_change_leaves_all_other_files_as_they_are() -> None:
    package = make_zip({"bootstrap": "#!/bin/sh", "main.py": "old"}, ("bootstrap",))
    changed = code.replaced(package, "main.py", "new")
    with zipfile.ZipFile(io.BytesIO(changed)) as archive:
        assert archive.read("main.py") == b"new"
        assert archive.read("bootstrap") == b"#!/bin/sh"
        assert archive.getinfo("bootstrap").external_attr >> 16 == 0o755
    for content, path in ((package, "other.py"), (b"no zip", "main.py")):
        with pytest.raises(InvalidParameterValueException):
            code.replaced(content, path, "new")


@pytest.mark.parametrize(
    ("before", "sent", "after"),
    [
        ("a\nb", "a\r\nc", b"a\nc"),
        ("a\r\nb", "a\r\nc", b"a\r\nc"),
        ("one line", "two\r\nlines \u00e9\r\n", "two\nlines é\n".encode()),
    ],
)
def test_lines_end_as_they_did_whatever_the_browser_sends(
    before: str, sent: str, after: bytes
) -> None:
    package = make_zip({"main.py": before})
    assert code.opened(package, "main.py", "").text == before.replace("\r\n", "\n")
    with zipfile.ZipFile(io.BytesIO(code.replaced(package, "main.py", sent))) as archive:
        assert archive.read("main.py") == after


@pytest.mark.parametrize("text", ["x = '\u202e'", "a\rb", "a\r\nb\n", "\x1b[2J", "\ufeffimport os"])
def test_a_text_that_an_editor_would_change_is_shown_and_not_edited(text: str) -> None:
    package = make_zip({"main.py": text})
    found = code.opened(package, "main.py", "")
    assert (found.text, found.seen) == (None, text)
    assert found.why_not
    with pytest.raises(InvalidParameterValueException, match="no text that can be edited"):
        code.replaced(package, "main.py", "import os")


def test_a_file_of_three_megabytes_is_edited_whole() -> None:
    text = "x = 1\n" * (code.FILE_BYTES // 6)
    found = code.opened(make_zip({"main.py": text}), "main.py", "")
    assert found.text == text
    assert rendered(found.text) == text


def rendered(text: str) -> str:
    """As a page has it."""
    return str(printed(text))


def test_a_package_that_grows_without_end_is_not_edited() -> None:
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("zeros", bytes(code.UNPACKED_BYTES + 1))
        archive.writestr("main.py", "x")
    assert len(bomb.getvalue()) < code.PACKAGE_BYTES
    with pytest.raises(InvalidParameterValueException, match="64 MB"):
        code.replaced(bomb.getvalue(), "main.py", "y")


def test_the_form_says_what_to_change_by_awss_names() -> None:
    form = {
        "MemorySize": " 256 ", "Timeout": "", "EphemeralStorage": "1024", "Handler": "a.b",
        "Variables": "A=1\n\n B =x=y\n", "token": "t",
    }  # fmt: skip
    assert configuration.changes(form) == {
        "Handler": "a.b",
        "MemorySize": 256,
        "EphemeralStorage": {"Size": 1024},
        "Environment": {"Variables": {"A": "1", "B": "x=y"}},
    }
    settings = {
        "Layers": "arn:one\r\narn:two\r\n",
        "DeadLetterConfig": " ",
        "TracingConfig": "Active",
        "SnapStart": "None",
        "LogFormat": "JSON",
        "ApplicationLogLevel": "WARN",
        "SystemLogLevel": "",
        "LogGroup": "/mine",
    }
    asked = configuration.changes(settings)
    assert asked == {
        "Layers": ["arn:one", "arn:two"],
        "DeadLetterConfig": {"TargetArn": ""},
        "TracingConfig": {"Mode": "Active"},
        "SnapStart": {"ApplyOn": "None"},
        "LoggingConfig": {
            "LogFormat": "JSON",
            "ApplicationLogLevel": "WARN",
            "LogGroup": "/mine",
        },
    }
    plain = configuration.changes({**settings, "LogFormat": "Text"})
    assert plain["LoggingConfig"] == {"LogFormat": "Text", "LogGroup": "/mine"}, "no levels"
    about = {**asked, "Layers": [{"Arn": one} for one in asked["Layers"]]}
    assert configuration.settings(about)["Layers"] == "arn:one\narn:two"
    assert configuration.changes(configuration.settings(about)) == asked, "saved as it is shown"
    for bad in ({"MemorySize": "1e9"}, {"Timeout": "²"}, {"Variables": "A"}, {"Variables": '=1'},
                {"Variables": 'A="\\"'}):  # fmt: skip
        with pytest.raises(InvalidParameterValueException):
            configuration.changes(bad)


@settings(max_examples=40)
@given(st.dictionaries(st.from_regex(r"[a-zA-Z][a-zA-Z0-9_]*", fullmatch=True), st.text()))
def test_variables_survive_the_form(variables: dict[str, str]) -> None:
    assert configuration.variables_of(configuration.lines_of(variables)) == variables


def test_log_lines_are_in_order_cut_and_marked() -> None:
    def event(at: int, text: str) -> dict[str, object]:
        return {"timestamp": 1_795_305_600_000 + at, "message": text, "logStreamName": "s"}

    found = logs.lines([event(20, "y" * 5000), event(10, "[ERROR] bad\n"), event(5, "START x")])
    assert [line["at"] for line in found] == ["00:00:00.005", "00:00:00.010", "00:00:00.020"]
    assert [line["kind"] for line in found] == ["START", "ERROR", ""]
    assert found[2]["text"].endswith("… (1000 more characters)")


def test_plots_have_gaps_where_nothing_was() -> None:
    times = [0, 60]
    errors = {0: summed(4, 1, 0, 1)}
    durations = {60: summed(2, 30.0, 10.0, 20.0)}
    drawn = {
        (plot["title"], line["name"]): line["values"]
        for plot in monitor.plots({"Errors": errors, "Duration": durations}, times)
        for line in plot["lines"]
    }
    assert drawn["Errors and success rate", "% good"] == [75.0, None]
    assert drawn["Errors and success rate", "errors"] == [1, None]
    assert drawn["Duration", "mean"] == [None, 15.0]
    assert drawn["Duration", "most"] == [None, 20.0]
    assert drawn["Throttles", "sum"] == [None, None]
    assert monitor.value(summed(1, 0.000123, 0.000123, 0.000123), "total") == 0.000123
    assert len({title for title, _ in drawn}) == 12
