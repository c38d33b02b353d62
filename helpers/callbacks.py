"""What a trainer does besides training: give memory back, tell how far it is, take the time."""

import time

from transformers import TrainerCallback

from helpers.memory import release

SHOWN = ("loss", "grad_norm", "eval_loss")


class GiveBack(TrainerCallback):
    """Before weights are written, which takes half a GB, freed memory goes back to the system."""

    def on_step_end(self, args, state, control, **kwargs) -> None:
        if control.should_save:
            release()

    def on_train_end(self, *args, **kwargs) -> None:
        release()


class Progress(TrainerCallback):
    """One line a log, for the person who waits."""

    def on_log(self, args, state, control, logs=None, **kwargs) -> None:
        shown = {name: logs[name] for name in SHOWN if name in logs}
        if shown:  # the last log sums up the run, and has none of them
            print(f"step {state.global_step:3}", {name: round(v, 3) for name, v in shown.items()})


class StepClock(TrainerCallback):
    """The seconds that each optimizer step takes, in `seconds`."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    def on_step_begin(self, *args, **kwargs) -> None:
        self.begin = time.perf_counter()

    def on_step_end(self, *args, **kwargs) -> None:
        self.seconds.append(time.perf_counter() - self.begin)
