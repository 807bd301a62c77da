"""Projects as the stream tells them: shipyard, executors, services, own values, open commands.

Documents are read if they are JSON, which is YAML, too: the load writes them so, and no YAML
reader is needed that could share a mistake with another one.
"""

import base64
import json
from bisect import bisect_right

from data import values_of

OBJECTS = ("project", "service", "configuration", "resource", "sequence")
PREFIX = "sh.keptn.event."


class Unreadable(Exception):
    """A document that is no JSON; the stream cannot be judged."""


def document(text):
    """Reads a base64 document of a project."""
    try:
        return json.loads(base64.b64decode(text))
    except ValueError as error:
        raise Unreadable(f"a document of a project is no JSON: {error}") from error


class Project:
    """One project at one position."""

    def __init__(self):
        self.stages = {}
        self.executors = {}
        self.services = set()

    def take(self, data):
        """Takes the documents that a `project.*.finished` carries."""
        made = data.get("createdProject") or data
        shipyard = made.get("shipyard") or data.get("shipyard")
        uniform = made.get("uniform") or data.get("uniform")
        if shipyard:
            for stage in document(shipyard)["spec"]["stages"]:
                sequences = {one["name"]: one for one in stage["sequences"]}
                self.stages[stage["name"]] = sequences
        if uniform:
            self.executors = {}
            for service in document(uniform)["spec"]["services"]:
                for event in service["events"]:
                    task = event.removesuffix(".triggered")
                    self.executors.setdefault(task, set()).add(service["name"])

    def following(self, stage, sequence, result, results):
        """Returns (stage, sequence) of every `triggeredOn` that fits this end."""
        event = f"{stage}.{sequence}.finished"
        found = []
        for next_stage, sequences in self.stages.items():
            for name, one in sequences.items():
                for on in one.get("triggeredOn") or []:
                    match = (on.get("selector") or {}).get("match") or {}
                    if on["event"] == event and fits(match, result, results):
                        found.append((next_stage, name))
        return found


def fits(match, result, results):
    """Tells whether a selector fits: without one pass or warning; with one, any key that fits."""
    if not match:
        return result != "fail"
    for key, wanted in match.items():
        wanted = "fail" if wanted == "failed" else wanted
        seen = result if key == "result" else results.get(key.removesuffix(".result"))
        if seen == wanted:
            return True
    return False


class Commands:
    """When the commands of a project were answered, and what a stage's own values then were."""

    def __init__(self, messages):
        answered = {}
        for message in messages:
            kind = message.subject.removeprefix(PREFIX).split(".")
            if len(kind) == 3 and kind[0] in OBJECTS and kind[2] == "finished":
                answered.setdefault(message.attribute("triggeredid"), message)
        self.asked = {}
        self.own = {}
        for message in messages:
            kind = message.subject.removeprefix(PREFIX).split(".")
            if len(kind) != 3 or kind[0] not in OBJECTS or kind[2] != "triggered":
                continue
            answer = answered.get(message.attribute("id"))
            project = message.data.get("project") or message.data.get("projectName")
            until = answer.position if answer else None
            self.asked.setdefault(project, []).append((message.position, until))
            if kind[0] == "configuration" and answer and answer.data.get("status") == "succeeded":
                self._own(answer)

    def _own(self, answer):
        data = answer.data
        key = (data.get("project"), data.get("stage"), data.get("service"))
        self.own.setdefault(key, []).append((answer.position, values_of(data)))

    def decided(self, project, position):
        """Returns where a trigger at this position is decided; None if a command is open."""
        last = position
        for asked, answered in self.asked.get(project, []):
            if asked > position:
                break
            if answered is None:
                return None
            last = max(last, answered)
        return last

    def own_values(self, key, position):
        """Returns the own values of (project, stage, service) at a position."""
        versions = sorted(self.own.get(key, []), key=lambda one: one[0])
        at = bisect_right([position for position, _ in versions], position)
        return versions[at - 1][1] if at else {}
