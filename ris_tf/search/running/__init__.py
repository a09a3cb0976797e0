"""What works on a search: keras-tuner's oracles and tuner, trials' processes, chief and workers.

| module | what is in it |
|---|---|
| `workers` | who does what: one process alone, or keras-tuner's chief and workers |
| `supervisor` | a chief and workers on this machine, started again where they die |
| `oracle` | draws trials: keras-tuner's oracles, whose memory is the trials' files |
| `tuner` | runs the trials that are drawn, each in a process of its own |
| `trial_process` | that process: trains a trial, and asks after every epoch whether to go on |
| `budget` | the configuration of a trial |
| `outcome` | what a trial came to, from its run's log |
| `pruning` | when a trial, or a search, is not worth going on with |
| `results` | what a search prints, best.yaml and trials.csv |

Nothing is imported here: `tuner` and `oracle` load TensorFlow.
"""
