"""A template's plan, before anything is carried out."""

from hypothesis import given
from hypothesis import strategies as st

from stoker.sandbox.namespaces.plan import (
    Bind,
    CopyOf,
    Directory,
    Language,
    Link,
    Operation,
    explain,
    template_plan,
)

MERGED = (("/bin", "usr/bin"), ("/sbin", "usr/sbin"), ("/lib", "usr/lib"), ("/lib64", "usr/lib64"))
NEVER = ("/root", "/home", "/etc/shadow", "/etc/ssh", "/var/lib", "/run", "/sys", "/proc", "/boot")

languages = st.one_of(
    st.none(),
    st.builds(
        Language,
        st.sampled_from(["/opt/py", "/usr/local/lang"]),
        st.just(()),
        st.sampled_from([None, "", "/data/runtimes/aws-sdk-js/node_modules"]),
    ),
    st.just(Language("", (("bin/python3.11", "/usr/bin/python3.11"),))),
)
plans = st.builds(
    template_plan,
    languages,
    st.one_of(st.none(), st.just("/data/runtimes/x")),
    st.sets(st.sampled_from(MERGED)).map(lambda links: tuple(sorted(links))),
)


def sources(plan: list[Operation]) -> list[str]:
    return [o.source for o in plan if isinstance(o, Bind | CopyOf)]


@given(plans)
def test_nothing_of_the_host_shows_but_the_system_and_the_language(plan: list[Operation]) -> None:
    for source in sources(plan):
        assert source.startswith(
            ("/usr", "/bin", "/sbin", "/lib", "/etc/", "/opt/py", "/data/runtimes/")
        )
        assert source != "/etc"
        assert not source.startswith(NEVER)


@given(plans)
def test_parents_come_before_children(plan: list[Operation]) -> None:
    made: set[str] = set()
    for operation in plan:
        deeper = {path for path in made if path.startswith(operation.path + "/")}
        assert not deeper or isinstance(operation, Directory), operation
        made.add(operation.path)


@given(plans)
def test_every_mount_point_of_a_sandbox_exists(plan: list[Operation]) -> None:
    paths = {operation.path for operation in plan}
    assert {"/proc", "/tmp", "/var/task", "/opt", "/var/runtime", "/var/lang", "/dev"} <= paths


@given(plans)
def test_no_link_leads_out_of_the_template(plan: list[Operation]) -> None:
    for operation in plan:
        if isinstance(operation, Link):
            assert ".." not in operation.target


def test_sh_is_bash_as_on_aws() -> None:
    plan = template_plan(None, None, MERGED)
    assert Bind("/usr/bin/bash", "/usr/bin/sh") in plan


def test_node_finds_its_sdk_from_wherever_a_module_is() -> None:
    """ES modules are looked for in each node_modules upwards from /var/task; NODE_PATH is not."""
    plan = template_plan(Language("/opt/node", modules="/data/sdk/node_modules"), "/data/x", MERGED)
    assert plan[-1] == Bind("/data/sdk/node_modules", "/var/runtime/node_modules")
    assert Link("/node_modules", "/var/runtime/node_modules") in plan
    assert Link("/var/node_modules", "/opt/nodejs/node_modules") in plan
    without = template_plan(Language("/opt/node", modules=""), "/data/x", MERGED)
    assert without == plan[:-1]
    python = template_plan(Language("/opt/node"), "/data/x", MERGED)
    assert not any("node_modules" in operation.path for operation in python)


def test_a_plan_is_explained_line_by_line() -> None:
    rows = explain(template_plan(Language("/opt/py"), "/data/runtimes/x", MERGED))
    assert ("bind ro nosuid", "/var/lang", "/opt/py") in rows
    assert ("link", "/bin", "usr/bin") in rows
    assert rows[-1][0] == "then (cold start)"
