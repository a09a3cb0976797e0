"""The keras-tuner tuner: its trials are ordinary runs below the search's folder."""

import math
import multiprocessing
import os
import signal
import sys
import time
from dataclasses import replace
from multiprocessing.connection import Connection, wait
from typing import Any

import keras_tuner
from keras_tuner.engine import trial as trial_module
from keras_tuner.errors import FailedTrialError, FatalError
from keras_tuner.src import config as keras_tuner_config

from ris_tf.config import Config, dump_config
from ris_tf.engine.reporter import Reporter
from ris_tf.engine.stopping import StopSignals
from ris_tf.errors import UserError
from ris_tf.process import CHECKPOINT
from ris_tf.registry import named_plugins
from ris_tf.runlog import Cause, RunDirectory, RunError
from ris_tf.search import SearchDirectory, Trial, TrialState
from ris_tf.search.ending import STOPPED, Ending
from ris_tf.search.running.budget import trial_config
from ris_tf.search.running.oracle import OBJECTIVE, FromFiles, number_of
from ris_tf.search.running.outcome import with_outcome
from ris_tf.search.running.pruning import unhealthy, worse_than_median
from ris_tf.search.running.results import trial_begins, trial_ended, write_results
from ris_tf.search.running.trial_process import train_trial

LOOK_S = 0.5  # how often a stop is looked for while a trial trains
WAIT_S = 120.0  # for a process of a killed search: it ends after its window
STARTS = 2  # of a process that dies without an epoch more, before the trial counts as failed
IDLE_S = 1.0  # between two requests for a trial


keras_tuner_config.DEBUG = False  # it prints a traceback of every trial that fails


class SearchStopped(FatalError):  # noqa: N818 (not an error)
    """Somebody asked the search to stop; its running trial has a checkpoint."""

    def __init__(self, ending: Ending):
        super().__init__(ending.text)
        self.ending = ending


class TrialTuner(keras_tuner.Tuner):
    """Runs the trials that an oracle draws, one after the other.

    Args:
        oracle: draws them.
        search: their folder.
        config: what is searched around.
        reporter: what a person sees.
        signals: signals that stop this process.
        quiet: trials print nothing themselves.

    Attributes:
        busy: whether a trial is under way.
    """

    def __init__(
        self,
        oracle: FromFiles,
        search: SearchDirectory,
        config: Config,
        reporter: Reporter,
        signals: StopSignals,
        quiet: bool,
    ):
        self.search_directory = search
        self.config = config
        self.reporter = reporter
        self.signals = signals
        self.quiet = quiet
        self.busy = False
        self._asked = 0.0
        folder, name = str(search.path.parent), search.path.name
        super().__init__(oracle=oracle, directory=folder, project_name=name)

    def pre_create_trial(self) -> None:
        """Leave where somebody asked to; request no trial from the oracle without a pause."""
        self._leave_if_asked()
        time.sleep(max(self._asked + IDLE_S - time.monotonic(), 0.0))
        self._asked = time.monotonic()

    def run_trial(
        self, trial: trial_module.Trial, *fit_args: Any, **fit_kwargs: Any
    ) -> dict[str, float]:
        """Train a trial, or go on with it, to its end; its objective.

        Raises:
            FailedTrialError: with the reason.
            SearchStopped: somebody asked for it.
        """
        del fit_args, fit_kwargs
        self.busy = True
        try:
            record = self._record(trial)
            if not record.settled:
                record = self._trained(record)
                self._leave_if_asked()  # the chief may be gone; it reads what became of the trial
        except FatalError:
            raise
        except Exception as error:  # keras-tuner would go on without the trial
            raise FatalError(_in_words(error)) from error
        finally:
            self.busy = False
        self._asked = 0.0
        if (
            record.state == TrialState.FAILED
            or record.left_out
            or not math.isfinite(record.objective)
        ):
            raise FailedTrialError(record.reason)
        return {OBJECTIVE: record.objective}

    def save(self) -> None:
        """Nothing: what there is to know is in the trials' files."""

    def reload(self) -> None:
        """Nothing."""

    def _record(self, trial: trial_module.Trial) -> Trial:
        number = number_of(trial)
        return next(t for t in self.search_directory.trials() if t.number == number)

    def _trained(self, record: Trial) -> Trial:
        """The trial when it has ended for good, which is on disk before keras-tuner knows."""
        trial_begins(self.reporter, self.search_directory, record)
        try:
            run = self._run(record)
        except UserError as error:
            if isinstance(error, RunError):
                raise FatalError(str(error)) from error
            return self._settled(record.failed(Ending(Cause.REFUSED, error.sentence)))
        record = self._until_it_ends(record, run)
        if record.settled:
            return self._settled(record)
        if record.cause == Cause.DISK:  # every other trial would come to the same
            waiting = replace(record, state=TrialState.WAITING, worker="", ended=0.0)
            self.search_directory.write_trial(waiting)
            raise FatalError(f"trial {record.number}: {record.reason}; make room, then --resume")
        if not self._asked_to_stop():  # the trial was, not the search
            return self._settled(replace(record, state=TrialState.PRUNED, ended=time.time()))
        waiting = replace(record, state=TrialState.WAITING, worker="", ended=0.0)
        self.search_directory.write_trial(waiting)
        self._leave_if_asked()
        raise SearchStopped(STOPPED)

    def _settled(self, record: Trial) -> Trial:
        self.search_directory.write_trial(record)
        trial_ended(self.reporter, self.search_directory, record)
        write_results(self.search_directory, self.config)
        return record

    def _run(self, record: Trial) -> RunDirectory:
        """The trial's run, made where there is none."""
        search, drawn = self.search_directory, record.drawn
        path = search.trial_path(record.number)
        if (path / "run.json").exists():
            run = RunDirectory.open(path)
            run.take_over = search.take_over
            self._wait_for_holder(run)
            return run
        made: dict[str, Any] = {"into": True, "plugins": named_plugins()}
        if "tuner/trial_id" in drawn:  # hyperband goes on with one that did well
            source = RunDirectory.open(search.trial_path(int(str(drawn["tuner/trial_id"])) + 1))
            document = source.config_path.read_text("utf-8")
            return RunDirectory.create(path, document, sys.argv, source, **made)
        plan = search.search
        patience = plan.patience if plan.patience >= 0 else None
        config = trial_config(self.config, record.hyperparameters, plan.epochs, patience)
        return RunDirectory.create(path, dump_config(config), sys.argv, **made)

    def _wait_for_holder(self, run: RunDirectory) -> None:
        """Let a process of a killed search come to its end."""
        until = time.monotonic() + WAIT_S
        while run.holder_alive() and time.monotonic() < until:
            self._leave_if_asked()
            time.sleep(LOOK_S)
        if run.holder_alive():
            problem = f"process {run.identity.pid} of a search before is still working on it"
            remedy = "end that process first"
            raise FatalError(str(RunError(problem, source=str(run.path), remedy=remedy)))

    def _until_it_ends(self, record: Trial, run: RunDirectory) -> Trial:
        """Train in a process of its own, once more where that dies without an end event."""
        record, starts = with_outcome(record, run), 0
        while not record.settled:
            epochs, end = record.epochs, run.log(outline=True).end
            failure, died = self._one_process(record, run)
            record = with_outcome(record, run, before=end)
            starts = starts + 1 if record.epochs == epochs else 1
            if record.state == TrialState.RUNNING and failure:
                return record.failed(failure)
            if record.state == TrialState.RUNNING and starts >= STARTS:
                text = f"its process ended twice in one epoch, {died}"
                return record.failed(Ending(Cause.KILLED, text))
            stopped = record.state == TrialState.WAITING and record.cause == Cause.ON_REQUEST
            if stopped or self._asked_to_stop() or record.cause == Cause.DISK:
                break
            if starts >= STARTS and record.state == TrialState.WAITING:
                return record.failed(Ending(Cause.KILLED, f"twice in one epoch: {record.reason}"))
        return record

    def _one_process(self, record: Trial, run: RunDirectory) -> tuple[Ending | None, str]:
        """One process of a trial, to its end: what went wrong in it, and how it ended."""
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        epochs = record.drawn.get("tuner/epochs")
        process = context.Process(
            target=train_trial,
            args=(run.path, epochs, self.quiet, theirs, named_plugins(), run.take_over),
            name=f"trial {record.number}",
        )
        process.start()
        theirs.close()
        try:
            failure = self._answer(record, run, process, ours)
        except BaseException:
            process.terminate()  # which leaves a checkpoint
            raise
        finally:
            ours.close()
        code = process.exitcode or 0
        if code == -signal.SIGKILL:
            return failure, "killed by signal 9: out of memory?"
        return failure, f"by signal {-code}" if code < 0 else f"with exit code {code}"

    def _answer(
        self, record: Trial, run: RunDirectory, process: Any, ours: Connection
    ) -> Ending | None:
        """Answer a trial's process until it ends; what went wrong in it."""
        failure = None
        while process.is_alive() or ours.poll():
            if ours in wait([ours, process.sentinel], timeout=LOOK_S):
                try:
                    word = ours.recv()
                    if isinstance(word, int):
                        ours.send(self._verdict(record, run, word))
                except (EOFError, BrokenPipeError, ConnectionError):
                    process.join()
                    break
                if isinstance(word, RunError):
                    raise FatalError(str(word))
                failure = word if isinstance(word, Ending) else None
            self._pass_on_checkpoint(process)
            if self._asked_to_stop() and not run.stop_requested():
                run.request_stop()  # once more where the process cleared it as it began
        process.join()
        return failure

    def _pass_on_checkpoint(self, process: Any) -> None:
        """Who wants a checkpoint of a search wants one of its trial."""
        wanted, self.signals.checkpoint = self.signals.checkpoint, False
        if wanted and process.is_alive():
            os.kill(process.pid, CHECKPOINT[0])

    def _verdict(self, record: Trial, run: RunDirectory, epochs: int) -> Ending | None:
        """Write an epoch down; why the trial stops after it, or nothing."""
        search = self.search_directory
        now = with_outcome(record, run)
        now = replace(now, state=TrialState.RUNNING, reason="", cause=None, ended=0.0)
        search.write_trial(now)
        objective = now.objectives[epochs - 1]
        if self.quiet:
            of = f"epoch {epochs} of {search.search.epochs}"
            self.reporter.say(f"trial {record.number}  {of}  objective {objective:.4f}")
        if self.config.search.stop_unhealthy and (ending := unhealthy(run.log())):
            return ending
        if search.search.algorithm == "hyperband":  # which stops trials in its own way
            return None
        earlier = [trial for trial in search.trials() if trial.number < record.number]
        return worse_than_median(epochs, objective, earlier)

    def _asked_to_stop(self) -> bool:
        return bool(self.signals.received) or self.search_directory.stop_requested()

    def _leave_if_asked(self) -> None:
        if self.signals.received:
            text = f"interrupted by {self.signals.received}"
            raise SearchStopped(Ending(self.signals.cause, text))
        if self.search_directory.stop_requested():
            raise SearchStopped(STOPPED)


def _in_words(error: Exception) -> str:
    """One line of an error of a folder or a disk; of any other, with what it is."""
    text = " ".join(str(error).split())
    return text if isinstance(error, UserError) else f"{type(error).__name__}: {text}"
