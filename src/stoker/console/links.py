"""Which page of the console shows what an ARN names. Pure."""

from stoker.console.asked import Where

_OF_FUNCTIONS = "/aws/lambda/"


def page_of(here: Where, arn: str) -> str:
    """Its address, in the account and region that the ARN names; "" if there is none."""
    parts = arn.split(":", 6)
    if len(parts) < 7:
        return ""
    service, region, account, name = parts[2], parts[3], parts[4], parts[6]
    where = Where(account or here.account, region or here.region)
    if service == "lambda" and parts[5] == "function":
        return where.path("functions", name.partition(":")[0])
    if service == "logs" and name.startswith(_OF_FUNCTIONS):
        return where.path("functions", name.removeprefix(_OF_FUNCTIONS).removesuffix(":*"), "logs")
    return ""
