"""The event of a function URL: one HTTP request in AWS's payload format 2.0.

Which members there are, and which headers stay, follows events recorded on AWS (aws-lambda-go,
lambdaurl/testdata, 18 Apr 2023): `cookie` is also in `headers`; `authorization` is not, once it
was a signature; `connection` never is.
"""

import orjson

from stoker.core.proxy_events import Place, Request, shown_headers, version_2


def event(request: Request, *, url_id: str, domain: str, request_id: str, now: float) -> bytes:
    """JSON. `now`: seconds of the epoch."""
    signer = request.signer
    place = Place(
        account="anonymous" if signer is None else signer.account,
        id=url_id,
        domain=domain,
        authorizer=None if signer is None else signer.shown,
    )
    headers = shown_headers(request, without=() if signer is None else ("authorization",))
    return orjson.dumps(version_2(request, place, headers, request_id=request_id, now=now))
