"""On which terms AWS would bill a function's invocations, as the server's own API tells them."""

from typing import Any

from stoker.core.invocation_price import Terms, terms
from stoker.core.names import parse_function_ref
from stoker.core.price_list import READ_ON
from stoker.core.report_lines import read_report


def terms_of(aws: Any, function: str, region: str) -> Terms:
    """Of what `function` names, at the region's latest prices that we know."""
    configuration = aws.get_function_configuration(FunctionName=function)
    return terms(configuration, region, READ_ON, provisioned=_provisioned(aws, function))


def price_line(aws: Any, function: str, region: str, log: str, request_id: str) -> str | None:
    """What an invocation would have cost, if its log says how long it was, and we may know the
    rest: of another account's function that is not told."""
    measured = read_report(log, request_id)
    terms = known_terms(aws, function, region) if measured is not None else None
    return None if terms is None or measured is None else terms.line(measured)


def known_terms(aws: Any, function: str, region: str) -> Terms | None:
    """None: of another account's function they are not told."""
    try:
        return terms_of(aws, function, region)
    except aws.exceptions.ClientError:
        return None


def _provisioned(aws: Any, function: str) -> bool:
    """Whether something is ready for this version or alias. What finds no place there runs on
    demand, which nobody tells."""
    ref = parse_function_ref(function)
    if ref.qualifier is None or ref.qualifier == "$LATEST":
        return False
    absent = aws.exceptions.ProvisionedConcurrencyConfigNotFoundException
    try:
        kept = aws.get_provisioned_concurrency_config(
            FunctionName=ref.name, Qualifier=ref.qualifier
        )
    except absent:
        return False
    return bool(kept.get("AvailableProvisionedConcurrentExecutions"))
