"""Our Python runtime client in a forked child of a zygote: as if it were a new interpreter."""

import json
import sys
from pathlib import Path

import pytest

from stoker.runtimes.found import FoundRuntime, find_runtime, found_runtimes
from stoker.runtimes.runtime_dir import build_runtime_dir
from tests.scripted_runtime_api import Event, Run, play

PYTHONS = [found for found in found_runtimes() if found.runtime.startswith("python")]
HERE = f"python{sys.version_info[0]}.{sys.version_info[1]}"

# What the sandbox's zygote does: import, fork, rehearse, and later become a function.
ZYGOTE = """
import json, os, sys
runtime_dir, preload, environ = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
api = os.environ["AWS_LAMBDA_RUNTIME_API"]
frames = os.environ.get("_LAMBDA_TELEMETRY_LOG_FD")
sys.path.append(runtime_dir)
import bootstrap
for name in filter(None, preload.split(",")):
    __import__(name)
sys.path.remove(runtime_dir)
pid = os.fork()
if pid == 0:
    before = (set(sys.modules), dict(os.environ), os.listdir("/proc/self/fd"))
    bootstrap.rehearse()
    after = (set(sys.modules), dict(os.environ), os.listdir("/proc/self/fd"))
    assert before == after, (before, after)
    environ["AWS_LAMBDA_RUNTIME_API"] = api
    if frames:
        environ["_LAMBDA_TELEMETRY_LOG_FD"] = frames
    if "APPEARS" in os.environ:
        folder, *names = os.environ["APPEARS"].split(",")
        os.mkdir(folder)
        for name in names:
            open(folder + "/" + name, "w").close()
    try:
        bootstrap.main(environ)
    finally:
        os.write(2, b"main returned")
        os._exit(70)
status = os.waitpid(pid, 0)[1]
os._exit(os.WEXITSTATUS(status) if os.WIFEXITED(status) else 128 + os.WTERMSIG(status))
"""


@pytest.fixture(scope="module")
def runtime_dirs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("runtimes")


@pytest.fixture(scope="module")
def runtime_dir(runtime_dirs: Path) -> Path:
    return build_runtime_dir(find_runtime(HERE), runtime_dirs)


def run(
    runtime_dir: Path,
    task: Path,
    events: list[Event],
    *,
    python: FoundRuntime | None = None,
    preload: str = "",
    born_with: dict[str, str] | None = None,
    **more: str,
) -> Run:
    python = python or find_runtime(HERE)
    environ = {
        "_STOKER_LANGUAGE_ROOT": str(python.prefix),  # for the script, if it comes to that
        "_HANDLER": "app.handler",
        "LAMBDA_TASK_ROOT": str(task),
        "LAMBDA_RUNTIME_DIR": str(runtime_dir),
        "PYTHONPATH": str(runtime_dir),
        "TZ": ":UTC",
        "PATH": "/usr/bin:/bin",
        **more,
    }
    arguments = [str(runtime_dir), preload, json.dumps(environ)]
    return play(
        [str(python.executable), "-I", "-S", "-c", ZYGOTE, *arguments],
        {"ZYGOTES_OWN": "1", "TZ": "Asia/Tokyo", **(born_with or {})},
        events,
        cwd=task,
    )


def function(tmp_path: Path, text: str, **more: str) -> Path:
    task = tmp_path / "task"
    task.mkdir()
    for name, content in {"app": text, **more}.items():
        (task / f"{name}.py").write_text(content)
    return task


def result(done: Run) -> object:
    assert [post.path for post in done.posts] == ["invocation/response"], done
    answer: object = json.loads(done.posts[0].body)
    return answer


SEES = """
import ctypes, logging, os, subprocess, sys, time, builtins
getenv = ctypes.CDLL(None).getenv
getenv.restype = ctypes.c_char_p
def handler(event, context):
    logging.warning("framed")
    print("printed")
    return {
        "python": dict(os.environ).get("ZYGOTES_OWN", "gone") + os.environ["MINE"],
        "c": [str(getenv(b"ZYGOTES_OWN")), str(getenv(b"MINE"))],
        "child": subprocess.check_output(["/usr/bin/env"]).decode().count("ZYGOTES_OWN"),
        "hour": time.localtime(0).tm_hour,
        "main": sys.modules["__main__"].__file__,
        "known": [n for n in ("bootstrap", "_stoker_contract") if n in sys.modules],
        "exit": hasattr(builtins, "exit"),
        "argv": sys.argv,
    }
"""


@pytest.mark.parametrize("python", PYTHONS, ids=lambda found: found.runtime)
def test_a_fork_is_like_a_new_interpreter(
    python: FoundRuntime, runtime_dirs: Path, tmp_path: Path
) -> None:
    runtime_dir = build_runtime_dir(python, runtime_dirs)
    task = function(tmp_path, SEES)
    done = run(runtime_dir, task, [Event(b"1", {}, "first")], python=python, MINE="m")
    assert result(done) == {
        "python": "gonem",
        "c": ["None", "b'm'"],
        "child": 0,
        "hour": 0,
        "main": f"{runtime_dir}/bootstrap.py",
        "known": [],
        "exit": True,
        "argv": [f"{runtime_dir}/bootstrap.py"],
    }
    assert done.posts[0].stdout == "printed\n"
    assert done.posts[0].frames[0][1].endswith("Z\tfirst\tframed\n")
    assert done.posts[0].stderr == ""


@pytest.mark.parametrize(
    ("statement", "status"),
    [("sys.exit()", 0), ("sys.exit(3)", 3), ("sys.exit('words')", 1), ("os._exit(9)", 9),
     ("raise KeyboardInterrupt", 1), ("os.kill(os.getpid(), 11)", 139)],
)  # fmt: skip
def test_the_end_of_a_fork_is_the_end_the_function_chose(
    statement: str, status: int, runtime_dir: Path, tmp_path: Path
) -> None:
    text = (
        "import os, sys\ndef handler(event, context):\n"
        f"    print('last', end='')\n    {statement}\n"
    )
    done = run(runtime_dir, function(tmp_path, text), [Event(b"1")])
    assert (done.status, done.posts) == (status, [])
    assert done.stdout == ("last" if status not in (9, 139) else "")
    assert "main returned" not in done.stderr


def test_the_functions_frames_alone_are_in_its_traces(runtime_dir: Path, tmp_path: Path) -> None:
    task = function(tmp_path, "def handler(event, context):\n    raise OSError('x')\n")
    done = run(runtime_dir, task, [Event(b"1")])
    assert json.loads(done.posts[0].body)["stackTrace"] == [
        f"  File \"{task}/app.py\", line 2, in handler\n    raise OSError('x')\n"
    ]


def test_two_forks_draw_different_numbers(runtime_dir: Path, tmp_path: Path) -> None:
    text = "import random\ndef handler(event, context):\n    return random.getrandbits(64)\n"
    task = function(tmp_path, text)
    numbers = {result(run(runtime_dir, task, [Event(b"1")], preload="random")) for _ in range(2)}
    assert len(numbers) == 2


# -- what the zygote had imported ----------------------------------------------------------------


def test_a_preloaded_sdk_is_there_without_importing_it(runtime_dir: Path, tmp_path: Path) -> None:
    text = (
        "import sys\nseen = 'boto3' in sys.modules\nimport boto3\n"
        "def handler(event, context):\n    return [seen, boto3.__file__]\n"
    )
    done = run(runtime_dir, function(tmp_path, text), [Event(b"1")], preload="boto3")
    assert result(done) == [True, f"{runtime_dir}/boto3/__init__.py"]


def test_what_the_function_brings_wins_over_what_was_preloaded(
    runtime_dir: Path, tmp_path: Path
) -> None:
    """Its own six is used by the SDK, too, as if nothing had been imported before."""
    text = (
        "import sys\nseen = 'boto3' in sys.modules\nimport boto3, dateutil.parser, six, wave\n"
        "def handler(event, context):\n"
        "    return [seen, six.MINE, dateutil.parser._parser.six.MINE, wave.MINE]\n"
    )
    six = (runtime_dir / "six.py").read_text() + "\nMINE = 'six'\n"
    task = function(tmp_path, text, six=six, wave="MINE = 'wave'\n")
    done = run(runtime_dir, task, [Event(b"1")], preload="boto3,dateutil.parser,wave")
    assert result(done) == [False, "six", "six", "wave"]


# -- when a fork will not do ---------------------------------------------------------------------

INTERPRETER = """
import os, sys
def handler(event, context):
    return {"flags": [sys.flags.optimize, sys.flags.hash_randomization], "site": sys.flags.no_site,
            "said": os.environ.get("SAID", "")}
"""


@pytest.mark.parametrize(
    ("variables", "flags"),
    [({}, [0, 1]), ({"PYTHONUNBUFFERED": "1"}, [0, 1]), ({"PYTHONHASHSEED": "0"}, [0, 0]),
     ({"PYTHONOPTIMIZE": "2"}, [2, 1]), ({"MALLOC_ARENA_MAX": "2"}, [0, 1])],
)  # fmt: skip
def test_variables_for_the_beginning_of_a_process_get_a_new_process(
    variables: dict[str, str], flags: list[int], runtime_dir: Path, tmp_path: Path
) -> None:
    done = run(runtime_dir, function(tmp_path, INTERPRETER), [Event(b"1")], **variables)
    forked = variables.keys() <= {"PYTHONUNBUFFERED"}
    assert result(done) == {"flags": flags, "site": int(forked), "said": ""}


def test_a_wrapper_is_started_instead_of_the_fork(runtime_dir: Path, tmp_path: Path) -> None:
    wrapper = tmp_path / "wrapper"
    wrapper.write_text('#!/bin/bash\nexport SAID="$#"\nexec "$@"\n')
    wrapper.chmod(0o755)
    task = function(tmp_path, INTERPRETER)
    done = run(runtime_dir, task, [Event(b"1")], AWS_LAMBDA_EXEC_WRAPPER=str(wrapper))
    seen = result(done)
    assert isinstance(seen, dict)
    assert seen["said"] == "2"


@pytest.mark.parametrize(
    ("contents", "forked"),
    [([], 1), (["readme", "_cffi.cpython-311-x86_64-linux-gnu.so"], 1), (["libown.so.1"], 0)],
)
@pytest.mark.parametrize("known", [True, False])
def test_libraries_that_the_linker_would_miss_get_a_new_process(
    known: bool, contents: list[str], forked: int, runtime_dir: Path, tmp_path: Path
) -> None:
    """It looks for directories when the zygote begins, and never again for those it missed;
    nor for those that its variable did not name."""
    text = "import sys\ndef handler(event, context):\n    return sys.flags.no_site\n"
    task = function(tmp_path, text)
    system = f"{sys.base_prefix}/lib"
    path = f"{system}:{task}/lib"
    born_with = {"LD_LIBRARY_PATH": path if known else system, "APPEARS": f"{task}/lib"}
    for name in contents:
        born_with["APPEARS"] += f",{name}"
    done = run(runtime_dir, task, [Event(b"1")], born_with=born_with, LD_LIBRARY_PATH=path)
    assert result(done) == forked


def test_libraries_that_the_linker_finds_need_no_new_process(
    runtime_dir: Path, tmp_path: Path
) -> None:
    text = "import sys\ndef handler(event, context):\n    return sys.flags.no_site\n"
    task = function(tmp_path, text)
    (task / "libown.so").touch()
    path = {"LD_LIBRARY_PATH": f"{sys.base_prefix}/lib:{task}"}
    assert result(run(runtime_dir, task, [Event(b"1")], born_with=path, **path)) == 1


def test_another_library_path_gets_a_new_process(runtime_dir: Path, tmp_path: Path) -> None:
    text = (
        "import os, sys\ndef handler(event, context):\n"
        "    return [sys.flags.no_site, os.environ['LD_LIBRARY_PATH']]\n"
    )
    task = function(tmp_path, text)
    born_with = {"LD_LIBRARY_PATH": f"{sys.base_prefix}/lib"}
    done = run(runtime_dir, task, [Event(b"1")], born_with=born_with, LD_LIBRARY_PATH="/opt/mine")
    # The script adds where the interpreter's own library may be.
    assert result(done) == [0, f"/opt/mine:{sys.base_prefix}/lib"]
