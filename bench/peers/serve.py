"""A process that is driven by python.ts: requests and answers of one line of JSON each."""

import contextlib
import json
import sys


def serve(*handlers):
    """Answers each request with what the handler named by "do" returns, or with {"error": text}.

    Whatever else is printed meanwhile goes to standard error.
    """
    by_name = {handler.__name__: handler for handler in handlers}
    for line in sys.stdin:
        request = json.loads(line)
        try:
            with contextlib.redirect_stdout(sys.stderr):
                reply = by_name[request["do"]](request)
        except Exception as error:
            reply = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(reply), flush=True)
