"""Reads a whole JetStream stream: every message with its position and the time it was stored."""

import asyncio
import json
import uuid
from dataclasses import dataclass, field

from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy

STREAM = "keptn"
# Messages that are asked for at once; the server never has more on their way.
BATCH = 5_000
# Longest wait for the next message of a batch.
WAIT_SECONDS = 20


@dataclass
class Message:
    """One stored message. `event` is None if the body is no JSON object."""

    position: int
    nanos: int
    subject: str
    body: bytes
    event: dict | None = field(init=False)

    def __post_init__(self):
        try:
            event = json.loads(self.body)
        except (ValueError, RecursionError):
            event = None
        self.event = event if isinstance(event, dict) else None

    def attribute(self, name):
        """Returns a text of the envelope, empty if it is absent or no text."""
        value = (self.event or {}).get(name)
        return value if isinstance(value, str) else ""

    @property
    def data(self):
        """Returns the data, empty if it is no object."""
        data = (self.event or {}).get("data")
        return data if isinstance(data, dict) else {}


async def read(connection):
    """Returns all messages and the state of the stream (JetStream's own words)."""
    stream = connection.jetstream()
    state = (await stream.stream_info(STREAM)).state
    if state.messages == 0:
        return [], state
    consumer = await stream.add_consumer(
        STREAM,
        ConsumerConfig(
            ack_policy=AckPolicy.NONE,
            deliver_policy=DeliverPolicy.ALL,
            inactive_threshold=300,
        ),
    )
    found = []
    arrived = asyncio.Event()

    async def take(message):
        arrived.set()
        words = message.reply.split(".")
        if len(words) < 9 or words[0] != "$JS":
            return
        found.append(Message(int(words[5]), int(words[7]), message.subject, message.data))

    inbox = f"_INBOX.{uuid.uuid4().hex}"
    subscription = await connection.subscribe(inbox, cb=take)
    ask = f"$JS.API.CONSUMER.MSG.NEXT.{STREAM}.{consumer.name}"
    wanted = json.dumps({"batch": BATCH, "no_wait": True}).encode()
    while not found or found[-1].position < state.last_seq:
        goal = len(found) + BATCH
        await connection.publish(ask, wanted, reply=inbox)
        while len(found) < goal and (not found or found[-1].position < state.last_seq):
            arrived.clear()
            await asyncio.wait_for(arrived.wait(), WAIT_SECONDS)
    await subscription.unsubscribe()
    return [message for message in found if message.position <= state.last_seq], state
