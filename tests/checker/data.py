"""What the events of a run must carry: the reference for merging and for a stage's own values."""

import copy

# What belongs to the sequence, and what says how a task ended: never taken from an answer.
KEPT = ("project", "stage", "service", "services", "sync", "gitcommitid")
OUTCOME = ("status", "result", "message")
IMAGE = "image"


def merge(older, newer):
    """Returns both: maps key by key, the newest wins, a new array stands before the old one."""
    if isinstance(older, dict) and isinstance(newer, dict):
        merged = dict(older)
        for key, value in newer.items():
            merged[key] = merge(merged[key], value) if key in merged else value
        return merged
    if isinstance(older, list) and isinstance(newer, list):
        return older if older == newer else newer + older
    return older if newer is None else newer


def without_echo(answer, sent):
    """Returns what an answer says that it was not sent."""
    kept = {}
    for key, value in answer.items():
        if key not in sent:
            kept[key] = value
        elif isinstance(value, dict) and isinstance(sent[key], dict):
            inner = without_echo(value, sent[key])
            if inner:
                kept[key] = inner
        elif value != sent[key]:
            kept[key] = value
    return kept


def over(base, top):
    """Returns `top` laid on `base`: maps deep, anything else replaced."""
    result = dict(base)
    for key, value in top.items():
        deep = isinstance(value, dict) and isinstance(result.get(key), dict)
        result[key] = over(result[key], value) if deep else value
    return result


def values_of(data):
    """Returns `configurationChange.values`, empty if absent."""
    change = data.get("configurationChange")
    values = change.get("values") if isinstance(change, dict) else None
    return values if isinstance(values, dict) else {}


class Carried:
    """What one run for one service carries from task to task."""

    def __init__(self, trigger, own, follows):
        self.rest = {key: value for key, value in trigger.items() if key not in OUTCOME}
        self.rest = copy.deepcopy(self.rest)
        change = dict(self.rest.pop("configurationChange", None) or {})
        self.values = change.pop("values", None) or {}
        if change:
            self.rest["configurationChange"] = change
        self.own = own
        self.follows = follows

    def take(self, sent, answer):
        """Adds what a finished event brings."""
        brought = without_echo(answer, sent)
        for key in KEPT + OUTCOME:
            brought.pop(key, None)
        change = dict(brought.pop("configurationChange", None) or {})
        values = dict(change.pop("values", None) or {})
        if change:
            brought["configurationChange"] = change
        if IMAGE in self.values:
            values.pop(IMAGE, None)
        self.values = merge(self.values, values)
        self.rest = merge(self.rest, brought)

    def effective(self):
        """Returns the values that a task is sent."""
        if not self.follows:
            return over(self.own, self.values)
        values = over(self.values, self.own)
        if IMAGE in self.values:
            values[IMAGE] = self.values[IMAGE]
        return values

    def task(self, name, properties):
        """Returns the data of a task's `triggered`, without the outcome of the task before."""
        data = self._with(self.effective())
        return merge(data, {name: properties}) if properties else data

    def follow_up(self, stage):
        """Returns the data of the trigger of a sequence in the next stage, without outcome."""
        return {**self._with(self.values), "stage": stage}

    def _with(self, values):
        data = {"labels": {}, **self.rest}
        return merge(data, {"configurationChange": {"values": values}}) if values else data
