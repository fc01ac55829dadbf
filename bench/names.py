"""The measures' names and the systems' names, as results and gates spell them."""

WARM = "warm invoke"
RESTED = "warm invoke after 10 ms of rest"  # frozen by then, whatever the grace
THROUGHPUT = "answers per second"  # + " (8 clients)"
COLD = "cold start"
COLD_BOTO3 = "cold start through boto3"
COLD_STEP = "cold start, step"
MEMORY = "memory of one more idle environment"
BURST = "100 environments at once"
CHURN = "environments per second"
CPU = "cpu per warm invoke"

STOKER = "Stoker"
UNFROZEN = "Stoker, never frozen"
UNISOLATED = "Stoker --sandbox process"
STOKER_RIC = "Stoker + awslambdaric"
UNPREPARED = "Stoker, nothing prepared"
RIE_RIC = "RIE + awslambdaric"
RIE_RAW = "RIE + raw bootstrap"
RIE_MANAGED = "RIE managed instances + awslambdaric"
MINISTACK = "ministack"
OFFLINE = "serverless-offline"
BARE = "python3 -I -S"
BWRAP = "bubblewrap + python3"
RUNC = "runc run + python3"


def throughput(clients: int) -> str:
    return f"{THROUGHPUT} ({clients} client{'s' if clients > 1 else ''})"
