"""Breaks a good stream on purpose, one rule at a time: a checker that notes nothing is no checker.

    controls.py --server URL

Reads a real stream, finds it good, then spoils copies of it in memory. Prints one line for each
control; exits with 1 if a broken rule was not noted, or the stream was not good.
"""

import argparse
import asyncio
import copy
import sys
import tempfile

import nats
import view
from check import judge
from stream import read


class Spoiled:
    """A copy of the stream that is about to be spoiled."""

    def __init__(self, messages):
        self.messages = copy.deepcopy(messages)
        self.by_id = {message.attribute("id"): message for message in self.messages}

    def find(self, kind, skip=0, **data):
        """Returns a message whose type ends so, from the middle of the stream on."""
        middle = len(self.messages) // 2
        for message in self.messages[middle:]:
            fits = all(message.data.get(key) == value for key, value in data.items())
            if message.subject.endswith(kind) and fits:
                if not skip:
                    return message
                skip -= 1
        raise LookupError(f"no {kind} with {data} in the stream")

    def at(self, message):
        return self.messages.index(message)

    def twice(self, message, behind=None, **attributes):
        """Stores a message once more, with other attributes."""
        second = copy.deepcopy(message)
        second.event.update(attributes)
        self.messages.insert(self.at(behind or message) + 1, second)

    def drop(self, fits):
        self.messages = [message for message in self.messages if not fits(message)]

    def renumbered(self):
        for number, message in enumerate(self.messages, 1):
            message.position = number
        return self.messages


def drop_end(stream):
    stream.messages.remove(stream.find("prod.delivery.finished"))


def drop_answer(stream):
    stream.messages.remove(stream.find("evaluation.finished", stage="prod"))


def double_trigger(stream):
    stream.twice(stream.find("release.triggered"), id="another")


def store_twice(stream):
    stream.twice(stream.find("release.triggered"))


def second_end(stream):
    stream.twice(stream.find("prod.delivery.finished"), id="another")


def swap(stream):
    later = stream.find("release.triggered", stage="prod")
    context = later.attribute("shkeptncontext")
    earlier = next(
        message
        for message in stream.messages
        if message.subject.endswith("evaluation.finished")
        and message.attribute("shkeptncontext") == context
        and message.data["stage"] == "prod"
    )
    first, second = stream.at(earlier), stream.at(later)
    stream.messages[first], stream.messages[second] = later, earlier


def wrong_end(stream):
    stream.find("prod.delivery.finished", result="pass").data["result"] = "warning"


def wrong_status(stream):
    stream.find("prod.delivery.finished", result="pass").data["status"] = "unknown"


def ignored_failure(stream):
    stream.find("evaluation.finished", stage="prod").data["result"] = "fail"


def wrong_triggered_id(stream):
    stream.find("prod.delivery.finished").event["triggeredid"] = "nobody"


def foreign_trigger(stream):
    stream.find("release.triggered").event["source"] = "somebody"


def pairs(stream):
    """Yields two runs of one service in the first stage that wait at once: triggers and first tasks."""
    tasks = {}
    for message in stream.messages:
        if message.subject.endswith("deployment.triggered") and message.data["stage"] == "dev":
            tasks[message.attribute("shkeptncontext")] = message
    before = {}
    for message in stream.messages:
        if not message.subject.endswith("dev.delivery.triggered"):
            continue
        key = (message.data["project"], message.data["service"])
        other = before.get(key)
        before[key] = message
        if other is None:
            continue
        first, second = (tasks[one.attribute("shkeptncontext")] for one in (other, message))
        if message.position < first.position:
            yield other, message, first, second


def second_holder(stream):
    """A run that waits begins when the one before it has."""
    _, _, first, second = next(pairs(stream))
    stream.messages.remove(second)
    stream.messages.insert(stream.at(first) + 1, second)


def overtaking(stream):
    """The first of two runs that wait stands behind the second in the line."""
    early, late, _, _ = next(pairs(stream))
    first, second = stream.at(early), stream.at(late)
    stream.messages[first], stream.messages[second] = late, early


def missing_follow_up(stream):
    context = stream.find("prod.delivery.triggered").attribute("shkeptncontext")
    stream.drop(
        lambda message: message.attribute("shkeptncontext") == context
        and (message.data.get("stage") == "prod")
    )


def second_follow_up(stream):
    stream.twice(stream.find("prod.delivery.triggered"), id="another")


def follow_up_of_failure(stream):
    stream.find("dev.delivery.finished", result="pass").data["result"] = "fail"


def other_artifact(stream):
    stream.find("release.triggered").data["configurationChange"]["values"]["image"] = "x:1"


def own_value_lost(stream):
    stream.find("release.triggered", stage="prod").data["configurationChange"]["values"]["replicaCount"] = 1


def answer_lost_from_data(stream):
    stream.find("release.triggered").data.pop("labels")


def task_behind_the_end(stream):
    end = stream.find("prod.delivery.finished")
    context = end.attribute("shkeptncontext")
    task = next(
        message
        for message in stream.messages
        if message.subject.endswith("notify.triggered")
        and message.attribute("shkeptncontext") == context
        and message.data["stage"] == "prod"
    )
    stream.twice(task, behind=end, id="another")


def early_time_out(stream):
    task = stream.find("test.triggered")
    stream.twice(
        task,
        id="another",
        type=task.subject.replace("triggered", "finished"),
        triggeredid=task.attribute("id"),
    )
    late = stream.messages[stream.at(task) + 1]
    late.subject = late.attribute("type")


CONTROLS = (
    ("I1", drop_end),
    ("I1", second_end),
    ("I2", store_twice),
    ("I3", drop_answer),
    ("I3", double_trigger),
    ("I3", swap),
    ("I4", wrong_triggered_id),
    ("I4", foreign_trigger),
    ("I5", wrong_end),
    ("I5", wrong_status),
    ("I5", ignored_failure),
    ("I6", missing_follow_up),
    ("I6", second_follow_up),
    ("I6", follow_up_of_failure),
    ("I7", other_artifact),
    ("I7", own_value_lost),
    ("I7", answer_lost_from_data),
    ("I8", task_behind_the_end),
    ("I8", early_time_out),
    ("I11", second_holder),
    ("I11", overtaking),
)


def rules(law):
    return {violation["rule"] for violation in law.violations}


def spoil_each(messages, state):
    """Yields what went wrong with each control."""
    for rule, spoil in CONTROLS:
        stream = Spoiled(messages)
        spoil(stream)
        state.first_seq, state.last_seq = 1, len(stream.messages)
        found = rules(judge(stream.renumbered(), state))
        yield rule, spoil.__name__, rule in found, found


def gap(messages, state):
    """I10 and I12: a message is gone, and it was acknowledged."""
    lost = next(m for m in messages if m.subject.endswith("dev.delivery.triggered"))
    kept = [message for message in messages if message is not lost]
    with tempfile.NamedTemporaryFile("w") as acked:
        acked.write(f"{lost.position}\t{lost.attribute('id')}\n")
        acked.flush()
        return rules(judge(kept, state, acked.name))


async def wrong_view(connection, messages, state):
    """I9: the stream says something else than the view."""
    stream = Spoiled(messages)
    law = judge(stream.messages, state)
    await view.compare(connection, law, state.last_seq)
    before = rules(law)
    wrong_end(stream)
    stream.find("prod.delivery.finished", skip=3).data["status"] = "errored"
    await view.compare(connection, law, state.last_seq)
    return before, rules(law)


async def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--server", required=True)
    connection = await nats.connect(parser.parse_args().server)
    messages, state = await read(connection)
    good = judge(messages, state)
    failed = [f"the stream is not good: {good.violations[:5]}"] if good.violations else []
    first, last = state.first_seq, state.last_seq
    before, after = await wrong_view(connection, messages, state)
    if before or "I9" not in after:
        failed.append(f"I9: {before} before, {after} after")
    found = gap(messages, state)
    if not {"I10", "I12"} <= found:
        failed.append(f"I10, I12: {found}")
    for rule, name, noted, found in spoil_each(messages, state):
        print(f"{rule} {name}: {'noted' if noted else 'NOT NOTED'} {sorted(found)}")
        if not noted:
            failed.append(f"{name}: {rule} expected, {sorted(found)} noted")
    state.first_seq, state.last_seq = first, last
    await connection.close()
    print("\n".join(failed), file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
