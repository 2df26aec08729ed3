#!/usr/bin/env python3
"""Runs schemathesis against a live supervisor: what it answers must be as its own description says.

    .ci/api.py PROCLAUNCH SCHEMATHESIS

Twice: with requests that the description allows, which must be accepted, and with others, which must be refused with a
described error and never be a fault. Exits with 1 if schemathesis finds something, or the supervisor has not survived it.
"""

import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request

PROFILES = {
    "web": {
        "run": "#!/bin/sh\necho hello\nexec sleep 1000\n",
        "restart": "always\n",
        "backoff": "0 0.1\n",
        "health.lua": "return { every = 0.2, function() metrics.counter('seen_total', 1, { by = 'a\"b' }) return true end }\n",
    },
    "tick": {
        "run": "#!/bin/sh\nwhile :; do echo tick; sleep 0.05; done\n",
        "restart": "always\n",
        "backoff": "0 0.1\n",
        "log": "4K 3 timestamps\n",
    },
    "once": {"run": "#!/bin/sh\necho done\n", "oneshot": ""},
    "off": {"run": "#!/bin/sh\nexec sleep 1000\n", "down": ""},
}

# They end what is tested, or replace it amid a request.
LEFT_OUT = ["/v1/shutdown", "/v1/upgrade"]

# 503 and 504 are answers here, and no faults.
CONFIGURATION = """
[checks]
not_a_server_error.expected-statuses = ["2xx", "4xx", 503, 504]
"""


def make(directory):
    for name, files in PROFILES.items():
        os.makedirs(f"{directory}/profiles/{name}")
        for file, text in files.items():
            path = f"{directory}/profiles/{name}/{file}"
            with open(path, "w", encoding="utf-8") as out:
                out.write(text)
            os.chmod(path, 0o755 if file == "run" else 0o644)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def get(url):
    with urllib.request.urlopen(url, timeout=5) as answer:
        return answer.read()


def wait_until_it_answers(url, process):
    for _ in range(200):
        if process.poll() is not None:
            sys.exit(f"the supervisor has ended with {process.returncode}")
        try:
            return get(url + "/livez")
        except OSError:
            time.sleep(0.05)
    sys.exit("the supervisor does not answer")


def narrowed(description):
    """The same without what never ends or takes long, and with names of which most exist."""
    for path in LEFT_OUT:
        del description["paths"][path]
    for operations in description["paths"].values():
        for operation in operations.values():
            for parameter in operation["parameters"]:
                match parameter["in"], parameter["name"]:
                    case "path", "name":
                        parameter["schema"] = {"type": "string", "enum": [*PROFILES, "nobody"]}
                    case "query", "follow":
                        parameter["schema"] = {"type": "boolean", "enum": [False]}
                    case "query", "count":
                        # Not a thousand processes.
                        parameter["schema"] = {"type": "integer", "enum": [0, 1, 2]}
                    case "query", "timeout" | "since":
                        parameter["schema"] = {"type": "number", "enum": [0, 0.25, 2]}
    return description


def check(schemathesis, url, token, directory, mode, checks):
    configuration = f"{directory}/schemathesis.toml"
    with open(configuration, "w", encoding="utf-8") as out:
        out.write(CONFIGURATION)
    command = [schemathesis, "--config-file", configuration, "run", f"{directory}/openapi.json", "--url", url]
    command += ["-H", f"Authorization: Bearer {token}", "--mode", mode, "--checks", checks, "--seed", "1"]
    command += ["--phases", "examples,coverage,fuzzing", "--max-examples", "40", "--request-timeout", "20"]
    return subprocess.run(command, cwd=directory, timeout=600, check=False).returncode


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended"))
    proclaunch, schemathesis = (os.path.abspath(argument) for argument in sys.argv[1:3])
    with tempfile.TemporaryDirectory() as directory:
        make(directory)
        token, port = secrets.token_hex(16), free_port()
        token_file = os.open(f"{directory}/token", os.O_WRONLY | os.O_CREAT, 0o600)
        os.write(token_file, token.encode())
        os.close(token_file)
        options = ["--listen", f"127.0.0.1:{port}", "--token-file", f"{directory}/token"]
        places = [f"{directory}/state", f"{directory}/profiles"]
        with open(f"{directory}/log", "wb") as log:
            # Apart from us, and so it is drained below, however this ends.
            process = subprocess.Popen([proclaunch, "-f", *options, *places], stderr=log, start_new_session=True)
        url = f"http://127.0.0.1:{port}"
        try:
            wait_until_it_answers(url, process)
            description = narrowed(json.loads(get(url + "/v1/openapi.json")))
            with open(f"{directory}/openapi.json", "w", encoding="utf-8") as out:
                json.dump(description, out)
            of_answers = "status_code_conformance,content_type_conformance,response_schema_conformance,not_a_server_error"
            failed = check(schemathesis, url, token, directory, "positive", of_answers + ",positive_data_acceptance")
            failed |= check(schemathesis, url, token, directory, "negative", of_answers + ",unsupported_method")
            get(url + "/livez")
        finally:
            process.send_signal(signal.SIGHUP)
            code = process.wait(60)
        if code != 111:
            sys.exit(f"the supervisor was drained, and ended with {code}")
        sys.exit(failed)


main()
