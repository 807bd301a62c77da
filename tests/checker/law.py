"""Replays a stream in its order and notes every event that should not be there, or is missing.

Written from what is promised, not from what the services do: I1 to I8 and I11 of the checks that
`check.py` lists. What a rule needs and the stream does not say (who was paused, what a sync found)
is taken as the stream has it.
"""

from data import OUTCOME
from project import OBJECTS, PREFIX, Commands, Project
from run import APPROVAL, CONTROLLER, Run, Task

TASK_PARTS, SEQUENCE_PARTS = 2, 3
TOO_LARGE = "bytes, over"


def parts_of(message):
    """Returns the words of a type behind the prefix; empty if it is none of Keptn's events."""
    kind = message.attribute("type")
    if not kind.startswith(PREFIX) or message.subject != kind:
        return []
    return kind.removeprefix(PREFIX).split(".")


class Law:
    """All runs of a stream, and what broke a rule."""

    def __init__(self, messages):
        self.messages = messages
        self.violations = []
        self.counts = {"lost": 0, "doubled": 0, "stuck": 0, "reported": 0}
        self.commands = Commands(messages)
        self.projects = {}
        self.runs = {}
        self.contexts = {}
        self.tasks = {}
        self.said = {}
        # Runs in the line of (project, stage, service), with those that hold it.
        self.lines = {}
        self.expected = []
        self.stopped = set()
        reports = [m for m in messages if m.attribute("type") == "sh.keptn.log.error"]
        self.reported = {}
        for report in reports:
            self.reported.setdefault(report.data.get("position"), []).append(report)

    def broken(self, rule, message, what, count=None):
        """Notes a broken rule; `count` names the figure that it adds to."""
        at = message.position if message else None
        self.violations.append({"rule": rule, "position": at, "what": what})
        if count:
            self.counts[count] += 1

    def replay(self):
        """Replays all messages, then looks for what is missing."""
        for message in self.messages:
            if message.position in self.reported:
                self._reported(message)
                continue
            parts = parts_of(message)
            if not parts or not message.attribute("id"):
                continue
            if message.attribute("source") in (CONTROLLER, "config-store"):
                self._once(message)
            if len(parts) == SEQUENCE_PARTS and parts[0] in OBJECTS:
                self._command(message, parts)
            elif len(parts) == SEQUENCE_PARTS and parts[2] == "triggered":
                self._trigger(message)
            elif len(parts) == SEQUENCE_PARTS and parts[2] == "finished":
                self._end(message)
            elif len(parts) == TASK_PARTS and parts[1] == "triggered":
                self._task(message, parts[0])
            elif len(parts) == TASK_PARTS and parts[1] in ("started", "finished"):
                self._answer(message, *parts)
        self._missing()

    def _reported(self, message):
        self.counts["reported"] += 1
        if len(self.reported[message.position]) > 1:
            self.broken("I2", message, "reported more than once", "doubled")

    def _once(self, message):
        key = message.attribute("id")
        if key in self.said:
            first = self.said[key]
            self.broken("I2", message, f"id {key} is stored at {first}, too", "doubled")
        self.said.setdefault(key, message.position)

    def _command(self, message, parts):
        data = message.data
        name = data.get("project") or data.get("projectName")
        if parts[2] != "finished" or data.get("status") != "succeeded":
            return
        if parts[0] == "sequence":
            self.stopped.add(message.attribute("shkeptncontext"))
        elif parts[:2] == ["project", "delete"]:
            self.projects.pop(name, None)
        elif parts[0] == "project":
            self.projects.setdefault(name, Project()).take(data)
        elif parts[0] == "service" and name in self.projects:
            change = set.add if parts[1] == "create" else set.discard
            change(self.projects[name].services, data.get("service"))

    def _trigger(self, message):
        key = (message.attribute("shkeptncontext"), message.attribute("type"), message.attribute("id"))
        if key in self.runs or not message.data.get("project"):
            return
        place, follows = message.position, message.attribute("source") == CONTROLLER
        if follows:
            leader = self._expected_trigger(message, key)
            if leader and leader.stage == message.data.get("stage"):
                place = leader.place
        run = Run(message, place, follows)
        self.runs[key] = run
        self.contexts.setdefault(key[0], []).append(run)
        for service in run.services:
            self.lines.setdefault((run.project, run.stage, service), {})[id(run)] = run

    def _expected_trigger(self, message, key):
        for index, (run, stage, sequence, data) in enumerate(self.expected):
            wanted = (run.context, f"{PREFIX}{stage}.{sequence}.triggered")
            if wanted != key[:2]:
                continue
            del self.expected[index]
            self._compare(message, data, "what is carried on")
            return run
        if key[0] not in self.stopped:
            self.broken("I6", message, f"nothing is followed by {key[1]}", "doubled")
        return None

    def _task(self, message, name):
        if message.attribute("source") != CONTROLLER:
            return self.broken("I4", message, "somebody else triggers a task")
        context, stage = message.attribute("shkeptncontext"), message.data.get("stage")
        runs = [one for one in self.contexts.get(context, ()) if one.stage == stage]
        live = [one for one in runs if not one.end or one.aborted]
        if not live:
            count = "doubled" if runs else None
            return self.broken("I8", message, f"{name} of no open run", count)
        run = next((one for one in live if self._expects(one, name)), live[0])
        tasks = self._definition(run)
        project = self.projects.get(run.project, Project())
        index = len(run.tasks)
        if run.open_task:
            count = "doubled" if run.open_task.name == name else None
            self.broken("I3", message, f"{name} before {run.open_task.name} is done, {run}", count)
            run.open_task.outcome = ("pass", "succeeded")
        if index >= len(tasks) or tasks[index]["name"] != name:
            done = name in [task.name for task in run.tasks]
            return self.broken(
                "I2", message, f"{name} is not task {index} of {run}", "doubled" if done else None
            )
        if run.last and run.last.outcome[0] == "fail":
            self.broken("I5", message, f"{name} behind a task that failed, {run}")
        if not index:
            self._starts(run, message)
        task = Task(message, index, project.executors.get(name, set()))
        run.tasks.append(task)
        self.tasks[task.id] = (run, task)
        self._compare_task(message, run, tasks[index])

    def _expects(self, run, name):
        tasks = self._definition(run)
        index = len(run.tasks)
        return not run.open_task and index < len(tasks) and tasks[index]["name"] == name

    def _definition(self, run):
        project = self.projects.get(run.project)
        stage = project.stages.get(run.stage, {}) if project else {}
        return (stage.get(run.sequence) or {}).get("tasks") or []

    def _starts(self, run, message):
        """A run takes its services: nobody holds one, and nobody before it in the line wants one."""
        for service in run.services:
            for other in self.lines[(run.project, run.stage, service)].values():
                if other is run or other.context in self.stopped:
                    continue
                if other.holds():
                    self.broken("I11", message, f"{run} runs beside {other}", "doubled")
                elif not other.tasks and not other.end and other.place < run.place:
                    self.broken("I11", message, f"{run} overtakes {other}")

    def _compare_task(self, message, run, spec):
        if not run.is_plain:
            return
        decided = self.commands.decided(run.project, run.position)
        if decided is None or decided > message.position:
            self.broken("I3", message, f"{run} is not decided yet")
            return
        run.prepare(self.commands, decided)
        data = run.carried.task(spec["name"], spec.get("properties"))
        if len(run.tasks) > 1:
            result, status = run.tasks[-2].outcome
            data = {**data, "result": result, "status": status}
        self._compare(message, data, f"the data of {spec['name']}")

    def _compare(self, message, wanted, what):
        if wanted is None:
            return
        seen = {key: value for key, value in message.data.items() if key != "message"}
        if seen != wanted:
            keys = {key for key in (*seen, *wanted) if seen.get(key) != wanted.get(key)}
            self.broken("I7", message, f"{what} differs from the reference in {sorted(keys)}")

    def _answer(self, message, name, kind):
        run, task = self.tasks.get(message.attribute("triggeredid"), (None, None))
        own = message.attribute("source") == CONTROLLER
        fits = task and task.name == name and run.context == message.attribute("shkeptncontext")
        if not fits:
            # Of an executor it is foreign and changes nothing; of the controller it is a mistake.
            if own:
                self.broken("I4", message, f"{name}.{kind} refers to no task")
            return
        if own:
            return self._time_out(message, run, task)
        if task.outcome is not None:
            return
        if task.answer(message, kind) and kind == "finished" and run.carried:
            run.carried.take(task.sent, message.data)

    def _time_out(self, message, run, task):
        deadline = task.deadline()
        if task.outcome is not None and not run.aborted:
            # The answer and the time-out crossed: the first one stands.
            return
        if deadline is None or message.nanos < deadline:
            return self.broken("I8", message, f"time-out of {task.name} before its deadline, {run}")
        task.outcome = ("fail", "errored")
        run.timed_out = not run.end

    def _end(self, message):
        key = (
            message.attribute("shkeptncontext"),
            message.attribute("type").removesuffix("finished") + "triggered",
            message.attribute("triggeredid"),
        )
        run = self.runs.get(key)
        if message.attribute("source") != CONTROLLER:
            return self.broken("I4", message, "somebody else ends a sequence")
        if run is None:
            return self.broken("I4", message, "the end of a sequence that was not triggered")
        if run.end:
            return self.broken("I1", message, f"a second end of {run}", "doubled")
        result, status = message.data.get("result"), message.data.get("status")
        run.end = message
        run.aborted = status == "aborted" and run.context in self.stopped
        if not run.aborted:
            self._judge_end(message, run, (result, status))
        self._let_go(run)

    def _let_go(self, run):
        for service in run.services:
            self.lines[(run.project, run.stage, service)].pop(id(run), None)

    def _judge_end(self, message, run, outcome):
        project = self.projects.get(run.project)
        tasks = self._definition(run)
        too_large = TOO_LARGE in str(message.data.get("message"))
        if not run.tasks:
            known = project and tasks and run.services <= project.services
            if known and run.services and not too_large:
                self.broken("I1", message, f"{run} is refused or ends without a task")
            if not too_large:
                return
        elif run.open_task:
            self.broken("I3", message, f"ends before {run.open_task.name} is done, {run}")
        elif len(run.tasks) < len(tasks) and run.tasks[-1].outcome[0] != "fail" and not too_large:
            self.broken("I1", message, f"ends after {len(run.tasks)} of {len(tasks)} tasks, {run}")
        wanted = ("fail", "errored") if too_large else run.tasks[-1].outcome
        if wanted and outcome != wanted:
            self.broken("I5", message, f"says {outcome} instead of {wanted}, {run}")
        results = {task.name: task.outcome[0] for task in run.tasks if task.outcome}
        if project and not (run.context in self.stopped):
            for stage, sequence in project.following(run.stage, run.sequence, outcome[0], results):
                self.expected.append((run, stage, sequence, self._carried_on(run, stage, outcome)))

    def _carried_on(self, run, stage, outcome):
        if not run.carried or outcome[0] == "fail":
            return None
        result, status = run.tasks[-1].outcome
        data = run.carried.follow_up(stage)
        data = {key: value for key, value in data.items() if key not in OUTCOME}
        return {**data, "result": result, "status": status}

    def _missing(self):
        for run in self.runs.values():
            if not run.end:
                task = run.open_task
                where = f"waits for {task.name}" if task else f"after {len(run.tasks)} tasks"
                if task is None or task.name != APPROVAL:
                    self.broken("I1", None, f"{run} has no end: {where}", "stuck")
        for run, stage, sequence, _ in self.expected:
            self.broken("I6", None, f"{stage}.{sequence} does not follow {run}", "lost")
