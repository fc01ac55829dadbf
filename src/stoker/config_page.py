"""The page of all options, docs/guide/configuration.md, made from the fields of Config.

python -m stoker.config_page >docs/guide/configuration.md
"""

from stoker.config import OPTIONS, flag, kind_of, shown_default, variable


def page() -> str:
    """docs/guide/configuration.md."""
    lines = [
        "# Configuration",
        "",
        "*This page is made from `src/stoker/config.py` by `make docs`.*",
        "",
        "An option can be given as a flag of `stoker serve`, as an environment variable, or in",
        "`stoker.toml` in the working directory (or the file that `STOKER_CONFIG` names). The flag",
        "wins over the variable, the variable over the file, the file over the default.",
        "",
        "```toml",
        "# stoker.toml",
        "port = 5000",
        'egress = "none"',
        'allowed_hosts = ["lambda.example"]',
        "```",
    ]
    for o in OPTIONS:
        choices = "one of " + ", ".join(f"`{c}`" for c in o.metadata["choices"])
        lines += [
            "",
            f"## `{o.name}`",
            "",
            f"`{flag(o.name)}` · `{variable(o.name)}` · "
            f"{choices if o.metadata['choices'] else kind_of(o.name)} · "
            f"default: {shown_default(o)}",
            "",
            o.metadata["doc"],
        ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(page(), end="")
