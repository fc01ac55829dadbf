"""The guided tour: experiments of a beginner's course, run on the learner's own machine.

    course.py ── experiments/NAME.py    what there is to learn, in order: data, and a pure judge
    learning.py ─► run.py ─► bench.py   one run at a time; every step is AWS's own API
        └─► what the console's pages and `stoker learn` show (console/pages/learn.py, cli/learn.py)

All of it happens in accounts of its own (core/learning.py), so nothing of the learner's is
touched: neither functions nor settings of the account.

How to add an experiment:

1. `experiments/NAME.py` has an `EXPERIMENT` (experiment.py says what each field is). What one
   learns is said in plain words, what AWS does with the page of its documentation that says so.
2. The functions it makes are `Made`: their names begin with `learn-NAME`, their source is shown to
   the learner, so it is short, and says in comments what matters. What else it makes (queues,
   layers) is named in the experiment, too: what is named is removed after the run, and before the
   next one if there was a crash in between. The functions are there before the first step.
3. A `Step` is a sentence and what it does: `bench.invoke("learn-NAME", {…})`, or anything that
   AWS's API has by `bench.call("lambda", "PublishVersion", …)`. It returns an `Outcome`: answers,
   and facts by name, as they are shown. Wait for what must come with `bench.until`; nothing may
   depend on how fast the machine is.
4. `judge` gets the outcomes, one for each step, and says its claims: sentences with what was
   observed, each true or false. It is pure. It holds on a machine that is as busy as can be:
   counters, environments, missing Init Durations, and not "it took less than 100 ms".
5. A row in `course.py`; `tests/conformance/test_learn.py` runs all rows there are, and
   `tests/core/test_learn.py` reads them. If it takes more than half a second, say `slow=True`,
   and the slow tier runs it.
"""
