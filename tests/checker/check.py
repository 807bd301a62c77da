"""Judges a stream after a run. It shares no code with the services and reads nothing but the stream.

    check.py --server URL [--acked FILE] [--no-view]

FILE has a line `position<TAB>id` for every event that was acknowledged. Prints one JSON object;
exits with 1 if a rule was broken, with 2 if the stream cannot be judged.

I1  every trigger of a sequence has exactly one end      I7  data is merged as the reference does
I2  every task of a run is triggered exactly once        I8  nothing is said of a run behind its end
I3  a task begins when the one before it is done         I9  status-view says what the stream says
I4  the controller refers to what is in the stream       I10 no position is missing
I5  results are the worst of what was answered           I11 one run holds a service of a stage
I6  what `triggeredOn` names follows, once               I12 what was acknowledged is stored
"""

import argparse
import asyncio
import json
import sys

import nats
import view
from law import Law
from project import Unreadable
from stream import read

SHOWN = 20


def gaps(law, messages, state):
    """I10: positions follow each other from the first to the last."""
    before = state.first_seq - 1
    for message in messages:
        if message.position != before + 1:
            law.broken("I10", message, f"positions {before + 1} to {message.position - 1} are missing")
        before = message.position
    if before != state.last_seq and messages:
        law.broken("I10", None, f"the last position is {before} and not {state.last_seq}")


def acknowledged(law, messages, path):
    """I12: each acknowledged event stands at its position."""
    if not path:
        return
    ids = {message.position: message.attribute("id") for message in messages}
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            position, wanted = line.rstrip("\n").split("\t")
            if ids.get(int(position)) != wanted:
                law.broken("I12", None, f"{wanted} was acknowledged at {position} and is lost", "lost")


def judge(messages, state, acked=None):
    """Applies all rules that the stream alone can show."""
    law = Law(messages)
    gaps(law, messages, state)
    acknowledged(law, messages, acked)
    law.replay()
    return law


def summary(law, messages):
    """Returns what is printed."""
    return {
        "events": len(messages),
        "sequences": len(law.runs),
        **law.counts,
        "broken": len(law.violations),
        "violations": law.violations[:SHOWN],
    }


async def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--server", required=True)
    parser.add_argument("--acked")
    parser.add_argument("--no-view", action="store_true")
    given = parser.parse_args()
    connection = await nats.connect(given.server)
    messages, state = await read(connection)
    law = judge(messages, state, given.acked)
    if not given.no_view:
        await view.compare(connection, law, state.last_seq)
    await connection.close()
    print(json.dumps(summary(law, messages)))
    return 1 if law.violations else 0


if __name__ == "__main__":
    try:
        sys.exit(asyncio.run(main()))
    except Unreadable as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
