"""The Python runtime client, as it is in /var/runtime with the _stoker_ modules beside it.

Standard library only, Python 3.8 and later, without side effects when imported. Two ways in:

    python3.X /var/runtime/bootstrap.py     a new interpreter, as AWS starts it
    import bootstrap                        in a zygote (an interpreter that is forked later):
      bootstrap.prepare()                     in the zygote, when all is imported
      bootstrap.live()                        in the zygote, as the last that it does
      bootstrap.rehearse()                    in a parked child, while nobody waits
      bootstrap.main(environ)                 in the child, when its function is known

It is short because a program's own file is compiled at every start; the modules are not.
"""

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from stoker.runtimes.python._stoker_ahead import live, prepare, rehearse
    from stoker.runtimes.python._stoker_runtime import main, run
else:
    if __name__ == "__main__":  # PYTHONSAFEPATH may have left it out
        sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))  # noqa: PTH100, PTH120
    from _stoker_runtime import main, run

    if __name__ != "__main__":
        from _stoker_ahead import live, prepare, rehearse

__all__ = ["live", "main", "prepare", "rehearse"]

if __name__ == "__main__":
    run()
