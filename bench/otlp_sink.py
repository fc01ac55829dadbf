"""A receiver of OTLP that takes everything: python -m bench.otlp_sink PORT."""

import asyncio
import sys

from aiohttp import web

LARGEST = 32 * 1024**2


async def _taken(request: web.Request) -> web.Response:
    await request.read()
    return web.Response()


async def _serve(port: int) -> None:
    app = web.Application(client_max_size=LARGEST)
    app.router.add_post("/v1/{signal}", _taken)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1])))
