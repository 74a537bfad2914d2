"""How long after the answer to a write its notification arrives, at a steady rate of writes.

    python -m bench.notifications FOLDER [URL]     (an empty folder; SQLite in it, or a PostgreSQL at URL)

One Subscription by rest-hook on the loopback address, one worker, 100 writes a second for six seconds. What counts
on a machine that does other things too are the percentiles beside the rate that was reached.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from pathlib import Path

import httpx

from fhirhub.store.opening import migrate
from tests.hub import running_hub
from tests.subscriptions.builders import active, observation, subscription
from tests.subscriptions.receiver import Receiver, events, part, receiving

WRITES = 600
A_SECOND = 100


class Timed(Receiver):
    """A receiver that notes when each event came."""

    def __init__(self) -> None:
        super().__init__()
        self.came: dict[str, float] = {}
        self.all_came = asyncio.Event()

    def took(self, body: bytes) -> None:
        moment = time.perf_counter()
        for event in events(json.loads(body)):
            self.came.setdefault(part(event, "focus")["reference"].rpartition("/")[2], moment)
        if len(self.came) == WRITES:
            self.all_came.set()


async def measure(url: str, folder: Path) -> None:
    """Prints the percentiles and the rate."""
    answered: dict[str, float] = {}
    async with receiving(Timed()) as receiver:
        assert isinstance(receiver, Timed)
        with running_hub(url, folder, 1, {"FHIRHUB_FETCH_ALLOW": "127.0.0.1"}) as hub:
            async with httpx.AsyncClient(base_url=hub.base, timeout=60) as client:
                await active(client, subscription(receiver.url))

                async def write() -> None:
                    answer = await client.post("Observation", json=observation())
                    answered[answer.json()["id"]] = time.perf_counter()

                start = time.perf_counter()
                tasks = []
                for number in range(WRITES):
                    await asyncio.sleep(max(0.0, start + number / A_SECOND - time.perf_counter()))
                    tasks.append(asyncio.create_task(write()))
                await asyncio.gather(*tasks)
                seconds = time.perf_counter() - start
                async with asyncio.timeout(60):
                    await receiver.all_came.wait()
    late = sorted(1000 * (receiver.came[id] - moment) for id, moment in answered.items())
    told = ", ".join(f"p{percent} {late[len(late) * percent // 100]:.0f} ms" for percent in (50, 95, 99))
    print(f"{len(late)} writes at {len(late) / seconds:.0f}/s: notified after {told}")


if __name__ == "__main__":
    home = Path(sys.argv[1])
    database = sys.argv[2] if len(sys.argv) > 2 else f"sqlite://{home.absolute()}/hub.db"
    migrate(database)
    asyncio.run(measure(database, home))
