"""Speaks Keptn's events over plain core NATS: publish, subscribe, nothing else.

Delivers two services to dev, syncs hardening, and plays `deployment-service` all the while.
Prints the Keptn context of the sync when production has finished. Usage: foreign_client.py URL
"""

import asyncio
import json
import sys
import uuid

import nats

PREFIX = "sh.keptn.event."
SOURCE = "https://example.org/deployment-service"
LIMIT_SECONDS = 60


def event(kind, context, data, triggered=None):
    """Returns an event as JSON; every attribute that it has is one that Keptn's events have."""
    attributes = {
        "specversion": "1.0",
        "id": str(uuid.uuid4()),
        "source": SOURCE,
        "type": PREFIX + kind,
        "contenttype": "application/json",
        "shkeptncontext": context,
        "data": data,
    }
    if triggered:
        attributes["triggeredid"] = triggered
    return json.dumps(attributes).encode()


class Client:
    def __init__(self, connection):
        self.connection = connection
        self.ended = {}

    async def say(self, kind, context, data, triggered=None):
        await self.connection.publish(PREFIX + kind, event(kind, context, data, triggered))

    async def deploy(self, message):
        """Answers one `deployment.triggered`, once for all services of the bracket."""
        trigger = json.loads(message.data)
        context, given = trigger["shkeptncontext"], trigger["data"]
        data = {key: given[key] for key in ("project", "stage", "service") if key in given}
        await self.say("deployment.started", context, data, trigger["id"])
        data = {**data, "status": "succeeded", "result": "pass", "deployment": {}}
        await self.say("deployment.finished", context, data, trigger["id"])

    async def note_end(self, message):
        finished = json.loads(message.data)
        key = (finished["shkeptncontext"], message.subject.split(".")[3])
        self.ended.setdefault(key, asyncio.get_running_loop().create_future()).set_result(finished)

    async def end_of(self, context, stage):
        key = (context, stage)
        future = self.ended.setdefault(key, asyncio.get_running_loop().create_future())
        finished = await asyncio.wait_for(future, LIMIT_SECONDS)
        if finished["data"].get("result") != "pass":
            sys.exit(f"{stage} of {context} ended with {finished['data']}")

    async def trigger(self, stage, data):
        context = str(uuid.uuid4())
        data = {"project": "sockshop", "stage": stage, **data}
        await self.say(f"{stage}.artifact-delivery.triggered", context, data)
        return context


async def main(url):
    client = Client(await nats.connect(url))
    subscribe = client.connection.subscribe
    await subscribe(PREFIX + "deployment.triggered", queue="deployment-service", cb=client.deploy)
    await subscribe(PREFIX + "*.artifact-delivery.finished", cb=client.note_end)
    await client.connection.flush()
    for service in ("carts", "carts-db"):
        change = {"values": {"image": f"{service}:1.0.0"}}
        data = {"service": service, "configurationChange": change}
        await client.end_of(await client.trigger("dev", data), "dev")
    context = await client.trigger("hardening", {})
    await client.end_of(context, "hardening")
    await client.end_of(context, "production")
    print(context)
    await client.connection.drain()


asyncio.run(main(sys.argv[1]))
