"""One run of a sequence, and the answers to its tasks."""

from data import Carried, values_of

CONTROLLER = "shipyard-controller"
APPROVAL = "approval"


class Task:
    """A task that was triggered."""

    def __init__(self, message, index, named):
        self.id = message.attribute("id")
        self.index = index
        self.name = message.attribute("type").split(".")[-2]
        self.sent = message.data
        self.nanos = message.nanos
        self.bounds = [(message.event or {}).get(key) or 0 for key in ("startwithin", "finishwithin")]
        self.named = named
        self.started = {}
        self.finished = {}
        self.answers = []
        self.outcome = None

    def answer(self, message, kind):
        """Notes an answer; returns False for one that was seen before."""
        of_source = (self.started if kind == "started" else self.finished).setdefault(
            message.attribute("source"), set()
        )
        if message.attribute("id") in of_source:
            return False
        of_source.add(message.attribute("id"))
        if kind == "finished":
            self.answers.append(message.data)
        if self.is_done():
            self.outcome = aggregate(self.answers)
        return True

    def is_done(self):
        """Tells whether everybody who must has answered."""
        if not self.finished:
            return False
        if self.name == APPROVAL:
            return True
        names = {source.rsplit("/", 1)[-1] for source in self.finished}
        if not self.named <= names:
            return False
        for source in set(self.started) | set(self.finished):
            done = len(self.finished.get(source, ()))
            if source.rsplit("/", 1)[-1] in self.named:
                if not done:
                    return False
            elif not done or len(self.started.get(source, ())) > done:
                return False
        return True

    def deadline(self):
        """Returns from when (nanoseconds) a time-out may stand; None if never."""
        start, finish = self.bounds
        waits = [finish] if finish else []
        if start and not self.started and not self.finished:
            waits.append(start)
        return self.nanos + min(waits) * 1_000_000_000 if waits else None


def aggregate(answers):
    """Returns (result, status) of all finished events of a task: the worst of them."""
    results = [one.get("result") for one in answers]
    statuses = [one.get("status") for one in answers]
    if any(one not in ("pass", "warning") for one in results):
        result = "fail"
    else:
        result = "warning" if "warning" in results else "pass"
    for status in ("errored", "aborted"):
        if status in statuses:
            return result, status
    if all(one == "succeeded" for one in statuses):
        return result, "succeeded"
    return "fail", "unknown"


class Run:
    """A run from its trigger to its end."""

    def __init__(self, message, place, follows):
        words = message.attribute("type").split(".")
        data = message.data
        self.trigger_id = message.attribute("id")
        self.context = message.attribute("shkeptncontext")
        self.position = message.position
        # Where it stands in the line: a follow-up in the same stage stands where its leader stood.
        self.place = place
        self.follows = follows
        self.project = data.get("project")
        self.stage, self.sequence = words[3], words[4]
        self.trigger = data
        self.tasks = []
        self.end = None
        self.carried = None
        self.aborted = False
        self.timed_out = False
        services = data.get("services")
        if isinstance(services, dict):
            self.services = set(services)
        else:
            self.services = {data["service"]} if data.get("service") else set()
        self.is_plain = not isinstance(services, dict) and bool(self.services)

    def __str__(self):
        return f"{self.stage}.{self.sequence} of {self.context} (trigger {self.trigger_id})"

    @property
    def open_task(self):
        """Returns the task that waits for answers."""
        last = self.tasks[-1] if self.tasks else None
        return last if last and last.outcome is None else None

    @property
    def last(self):
        """Returns the task before the open one."""
        done = [task for task in self.tasks[-2:] if task.outcome]
        return done[-1] if done else None

    def holds(self):
        """Tells whether it keeps others out of its services."""
        if not self.tasks:
            return False
        if self.end:
            return self.aborted and self.open_task is not None
        task = self.open_task
        return not (task and task.name == APPROVAL)

    def prepare(self, commands, decided):
        """Reads the own values, once, where the trigger is decided."""
        if self.is_plain and self.carried is None:
            (service,) = self.services
            own = commands.own_values((self.project, self.stage, service), decided)
            self.carried = Carried(self.trigger, own, self.follows)

    def image(self):
        """Returns the artifact of a plain run."""
        return values_of(self.trigger).get("image")
