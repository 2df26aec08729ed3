#!/usr/bin/env python3
"""Measures what hooks cost, and what hostile ones cost the others, at the real supervisor.

    cargo build --release
    python3 proclaunch/benches/hooks/measure.py

Needs Python 3, a C compiler, and some minutes. `--binary OLD --binary NEW` compares builds.

    neighbour   from kill -9 of a service to the first instruction of the next, without a neighbour and beside one of
                each kind of hostile script, by turns; `busy` the same beside 1000 profiles with hooks that never rest
    checks      the share of a core that the supervisor uses while N profiles are checked once a second, by a function
                that only computes (lua), by check.tcp and by check.http at a local server
    memory      what a profile costs beyond one without hooks (PSS, of all threads)

Hostile scripts let every fifth call pass, as five errors in a row would switch them off. What other work takes of the
machine is printed too: figures beside other work are not those of the supervisor."""
import argparse
import os
import random
import shutil
import socket
import statistics
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), 'floor'))
from compare import ROOT, Supervisor, Tools, busy, quiet, write  # noqa: E402

HOSTILE = {
    'loop': 'while true do pcall(function() while true do end end) end',
    'sort': 'table.sort(table.create(1000, 1), function() while true do end end)',
    'pattern': "local s = ('a'):rep(30) s:find(('a?'):rep(30) .. s .. 'b')",
    'memory': "local t = {} while true do t[#t + 1] = ('x'):rep(1000) .. #t end",
}
SPARED = ('local calls = 0\nreturn { every = 0.1, timeout = 5, function()\n'
          '  calls = calls + 1\n'
          '  if calls %% 5 == 0 then return true end\n  %s\nend }\n')
CHECKS = {
    'lua': 'return { every = 1, function(service) return service.uptime >= 0 end }\n',
    'tcp': 'return check.tcp{ port = %d, every = 1 }\n',
    'http': 'return check.http{ url = "http://127.0.0.1:%d/", every = 1 }\n',
}


def hostile(scripts, kinds=('health', 'on_tick')):
    """Gives every profile but the first a hostile script."""
    def equip(profile, index):
        if index:
            text = SPARED % scripts[index % len(scripts)]
            kind = kinds[index % len(kinds)]
            if kind == 'on_tick':
                text = text.replace('timeout = 5, ', '')
            write('%s/%s.lua' % (profile, kind), text)
    return equip


def latencies(tools, binary, count, equip, kills, settle):
    """Milliseconds of `kills` restarts of the first service."""
    supervisor = Supervisor(tools, binary, count, equip)
    time.sleep(settle)
    took = []
    for _ in range(kills):
        time.sleep(0.02 + 0.04 * random.random())
        newest = {name: pid for _, pid, name in supervisor.starts()}
        took.append(supervisor.kill([newest['s0000']]))
    share = cpu_share(supervisor, 1)
    supervisor.stop()
    return took, share


def cpu_share(supervisor, seconds):
    """The share of a core that all threads of its processes use."""
    def used():
        total = 0
        for pid in supervisor.own():
            for task in os.listdir('/proc/%d/task' % pid):
                with open('/proc/%d/task/%s/schedstat' % (pid, task)) as file:
                    total += int(file.read().split()[0])
        return total
    before, began = used(), time.monotonic_ns()
    time.sleep(seconds)
    return (used() - before) / (time.monotonic_ns() - began)


def at(values, share):
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def compare_latencies(tools, binaries, variants, rounds, kills, patience):
    """Takes turns between the variants and builds: name -> (services, equip, seconds to settle)."""
    turns = [(binary, name) for name in variants for binary in binaries]
    all_took, shares, loads = {turn: [] for turn in turns}, {}, []
    for _ in range(rounds):
        for binary, name in turns:
            loads.append(quiet(patience))
            took, shares[binary, name] = latencies(tools, binary, *variants[name][:2], kills, variants[name][2])
            all_took[binary, name] += took
    print('%-40s %6s %8s %8s %8s %8s %12s' % ('', 'kills', 'p50', 'p90', 'p99', 'max', 'supervisor'))
    for (binary, name), took in all_took.items():
        label = name if len(binaries) == 1 else '%s, %s' % (name, os.path.basename(binary))
        print('%-40s %6d %8.2f %8.2f %8.2f %8.2f %10.0f %%' % (
            label, len(took), at(took, 0.5), at(took, 0.9), at(took, 0.99), max(took), 100 * shares[binary, name]))
    print('milliseconds; other work before a turn: median %d %%, most %d %%\n'
          % (100 * statistics.median(loads), 100 * max(loads)))


class Server:
    """A local server, until the block ends."""

    def __init__(self, tools):
        self.program = os.path.join(tools.dir, 'server')
        compiler = shutil.which('cc') or sys.exit('there is no C compiler')
        source = os.path.join(HERE, 'server.c')
        subprocess.run([compiler, '-O2', '-o', self.program, source], check=True)

    def __enter__(self):
        with socket.socket() as probe:
            probe.bind(('127.0.0.1', 0))
            self.port = probe.getsockname()[1]
        self.process = subprocess.Popen([self.program, str(self.port)])
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()


def health(text):
    return lambda profile, index: write(profile + '/health.lua', text)


def checks(tools, binary, counts, seconds, server):
    print('%-28s %8s %10s' % (os.path.basename(binary), 'checks/s', 'of a core'))
    for count in counts:
        for kind, text in [('none', None), *CHECKS.items()]:
            equip = health(text % server.port if '%d' in text else text) if text else lambda *_: None
            supervisor = Supervisor(tools, binary, count, equip)
            time.sleep(3 + count / 250)
            share = cpu_share(supervisor, seconds)
            memory = supervisor.memory()
            supervisor.stop()
            print('%-28s %8d %8.1f %% %8d KiB' % (kind, count if text else 0, 100 * share, memory))
    print()


def memory(tools, binary, count, server):
    print('%-28s %s' % (os.path.basename(binary), 'KiB (PSS) for each of %d profiles, beyond those without hooks' % count))
    bare = None
    for kind, text in [('none', None), *CHECKS.items()]:
        equip = health(text % server.port if '%d' in text else text) if text else lambda *_: None
        supervisor = Supervisor(tools, binary, count, equip)
        time.sleep(3.5)
        found = supervisor.memory()
        supervisor.stop()
        bare = found if bare is None else bare
        print('%-28s %.1f' % (kind, (found - bare) / count))
    print()


def main():
    ours = os.path.join(ROOT, 'target', 'release', 'proclaunch')
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('what', nargs='*', default=[], help='neighbour busy checks memory; all, if none is given')
    parser.add_argument('--binary', action='append', help='default: target/release/proclaunch')
    parser.add_argument('--rounds', type=int, default=6)
    parser.add_argument('--only', help='for neighbour: these alone, such as `alone,sort`')
    parser.add_argument('--kills', type=int, default=50, help='in each turn')
    parser.add_argument('--counts', default='100,1000', help='for checks')
    parser.add_argument('--seconds', type=float, default=10, help='for checks')
    parser.add_argument('--patience', type=float, default=20, help='seconds to wait for a quiet machine, each time')
    options = parser.parse_args()
    wanted = options.what or ['neighbour', 'busy', 'checks', 'memory']
    binaries = [os.path.abspath(binary) for binary in options.binary or [ours]]
    tools = Tools()
    try:
        if 'neighbour' in wanted:
            variants = {'alone': (2, lambda *_: None, 1.5)}
            variants.update({name: (2, hostile([text]), 1.5) for name, text in HOSTILE.items()})
            variants['all'] = (1 + 2 * len(HOSTILE), hostile(list(HOSTILE.values())), 1.5)
            if options.only:
                variants = {name: variants[name] for name in options.only.split(',')}
            compare_latencies(tools, binaries, variants, options.rounds, options.kills, options.patience)
        if 'busy' in wanted:
            variants = {'1000 without hooks': (1000, lambda *_: None, 4),
                        '1000 with busy hooks': (1000, hostile(list(HOSTILE.values())), 10)}
            rounds = max(1, options.rounds // 3)
            compare_latencies(tools, binaries, variants, rounds, options.kills, options.patience)
        for binary in binaries:
            with Server(tools) as server:
                if 'checks' in wanted:
                    counts = [int(count) for count in options.counts.split(',')]
                    checks(tools, binary, counts, options.seconds, server)
                if 'memory' in wanted:
                    memory(tools, binary, 100, server)
        print('other work now: %d %%' % (100 * busy()))
    finally:
        if tools.running:
            tools.running.stop()
        shutil.rmtree(tools.dir, ignore_errors=True)


if __name__ == '__main__':
    main()
