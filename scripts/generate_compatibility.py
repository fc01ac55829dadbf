"""Write docs/COMPATIBILITY.md: what of AWS's APIs is there, from the table of operations.

python scripts/generate_compatibility.py >docs/COMPATIBILITY.md
"""

from botocore.session import get_session

from stoker.api.operations import OPERATIONS

# What behaves otherwise than on AWS, on purpose, and where a user can notice.
DIFFERENCES = (
    ("Signatures", "parsed, not verified; the server listens on loopback unless told otherwise"),
    ("Account", "an access key of 12 digits is the account; else the configured default account"),
    ("VpcConfig, FileSystemConfigs, KMSKeyArn", "kept and shown, without effect"),
    ("Role", "kept and shown; what a function may do is not taken from it yet"),
    ("Code.Location", "an address of this server, good for ten minutes"),
    (
        "Architectures",
        "a function for another architecture than the machine's is refused at invoke",
    ),
    ("Missing interpreter", "the function ends as State Failed; the reason names the remedy"),
    ("Timeout", "besides REPORT's Status, the older line `Task timed out after …` is logged too"),
    ("AWS_LAMBDA_RUNTIME_API", "127.0.0.1:9001 in a network namespace of the environment's own"),
    ("REPORT", "true Duration, Billed Duration, Init Duration and Max Memory Used of this machine"),
)

SERVICES = (("lambda", "Lambda"), ("logs", "CloudWatch Logs"))


def main() -> None:
    print("# Compatibility")
    print()
    print("*This page is made from `src/stoker/api/operations.py` by `make docs`.*")
    print()
    print(
        "An operation that is not built answers a typed 501 (`NotImplementedException`) that names"
    )
    print("it. So does a member of a request whose effect is not built.")
    print()
    print("## What differs on purpose")
    print()
    print("| | here |")
    print("|---|---|")
    for subject, difference in DIFFERENCES:
        print(f"| {subject} | {difference} |")
    built = {(row.service, row.name) for row in OPERATIONS}
    inside = {(row.service, row.name) for row in OPERATIONS if row.inside}
    for service, title in SERVICES:
        known = get_session().get_service_model(service).operation_names
        there = sorted(name for name in known if (service, name) in built)
        lacking = sorted(name for name in known if (service, name) not in built)
        print(f"\n## {title}: {len(there)} of {len(known)} operations\n")
        print("| operation | may be called from inside a function |")
        print("|---|---|")
        for name in there:
            print(f"| {name} | {'yes' if (service, name) in inside else 'no'} |")
        print(f"\nNot built: {', '.join(lacking)}.")


if __name__ == "__main__":
    main()
