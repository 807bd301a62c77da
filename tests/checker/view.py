"""Compares what status-view answers with what the stream says (I9)."""

import asyncio
import json

# Queries on their way; the view answers far more at once.
AT_ONCE = 32
# Longest wait for one answer; the view itself waits two seconds for a position.
WAIT_SECONDS = 20


def state_of(run):
    """Returns the state of an ended run in Keptn's words."""
    if run.aborted:
        return "aborted"
    return "timedOut" if run.timed_out else "finished"


def differences(run, seen):
    """Yields what a view says of an ended run and the stream does not."""
    said = run.end.data
    for key, wanted in (
        ("state", state_of(run)),
        ("result", said.get("result")),
        ("status", said.get("status")),
    ):
        if seen.get(key) != wanted:
            yield f"{key} is {seen.get(key)!r} and should be {wanted!r}"
    tasks = [task for task in seen.get("tasks", []) if task["state"] != "pending"]
    names = [task["name"] for task in tasks]
    if names != [task.name for task in run.tasks]:
        yield f"tasks are {names} and should be {[task.name for task in run.tasks]}"
        return
    for own, task in zip(run.tasks, tasks):
        wanted = own.outcome or (None, None)
        if own.outcome and (task["result"], task["status"]) != wanted:
            yield f"{own.name} is {task['result']}, {task['status']} and should be {wanted}"
        if task["triggeredId"] != own.id:
            yield f"{own.name} has another id"


async def compare(connection, law, position):
    """Asks for every delivery of the stream and notes each difference."""
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(context, runs):
        query = json.dumps({"keptnContext": context, "atLeast": position}).encode()
        async with gate:
            answer = await connection.request("status-view.sequence", query, timeout=WAIT_SECONDS)
        answer = json.loads(answer.data)
        seen = {(run["triggerId"], run["stage"]): run for run in answer.get("sequences", [])}
        for run in runs:
            found = seen.get((run.trigger_id, run.stage))
            if found is None:
                law.broken("I9", run.end, f"the view does not know {run}: {answer.get('error')}")
            elif run.end:
                for what in differences(run, found):
                    law.broken("I9", run.end, f"the view of {run}: {what}")

    await asyncio.gather(*(one(context, runs) for context, runs in law.contexts.items()))
