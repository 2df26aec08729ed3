#!/usr/bin/env python3
"""Compares ProcLaunch with the least that any supervisor must do.

    cargo build --release
    python3 proclaunch/benches/floor/compare.py

Needs Python 3, a C compiler, and about a minute. Compiles `floor.c` (a supervisor of 68 lines that only starts, starts
again and stops) and `service.c`, gives both supervisors the same 1, 100 and 1000 services, and takes turns: floor,
ProcLaunch, floor, ProcLaunch. `--binary OLD --binary NEW` takes more builds of ProcLaunch into the same turns.

    start N    from launching the supervisor to the first instruction of the last service
    restart    from kill -9 of one of 100 services to the first instruction of the next
    storm N    from kill -9 of all to the first instruction of the last one that is back
    stop N     from the signal that stops all to the end of the supervisor
    idle       wakeups of its processes in --seconds with 1000 services at which nothing happens

Before each measure it waits until other work takes less than a tenth of the machine, or for --patience seconds: on a
busy one that is most of the time it takes. Prints the median of each, and for each build of ProcLaunch the ratio to the
floor of the same round (median, lowest and highest). Only ratios of one run mean something, and only on a machine that does nothing else: what other work takes
is printed too."""
import argparse
import os
import random
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(HERE)))
TIMEOUT = 60


class Supervisor:
    """One supervisor over its own copy of the services, from its launch to its end."""

    def __init__(self, tools, binary, count, equip=lambda profile, index: None):
        self.tools, self.dir = tools, tempfile.mkdtemp(dir=tools.dir)
        self.count, self.is_floor = count, binary == tools.floor
        self.starts_path = os.path.join(self.dir, 'starts')
        open(self.starts_path, 'w').close()
        for i in range(count):
            profile = '%s/profiles/s%04d' % (self.dir, i)
            os.makedirs(profile)
            write(profile + '/run', '#!%s %s\n' % (tools.service, self.starts_path), 0o755)
            write(profile + '/restart', '')
            write(profile + '/backoff', '0 0\n')
            equip(profile, i)
        os.makedirs(self.dir + '/profiles', exist_ok=True)
        os.makedirs(self.dir + '/state')
        if self.is_floor:
            argv = [binary, self.dir + '/profiles']
        else:
            log = ['--log-level', 'warn', '--log-path', self.dir + '/log']
            argv = [binary, '--foreground', *log, self.dir + '/state', self.dir + '/profiles']
        self.began = time.monotonic_ns()
        self.pid = os.posix_spawn(binary, argv, {'PATH': os.environ.get('PATH', '')})
        tools.running = self
        self.started = self.wait_for_starts(count)

    def starts(self):
        """(nanoseconds, pid, name) of every start so far."""
        with open(self.starts_path) as file:
            lines = [line.split() for line in file.read().splitlines()]
        return [(int(at), int(pid), run.split('/')[-2]) for at, pid, run in lines]

    def wait_for_starts(self, count, after=0):
        """All starts but the first `after`, once there are `count` of them."""
        end = time.monotonic() + TIMEOUT
        while len(found := self.starts()) < after + count:
            if time.monotonic() > end:
                sys.exit('only %d of %d services started' % (len(found) - after, count))
            time.sleep(0.003 if count > 1 else 0.001)
        return found[after:]

    def kill(self, victims):
        """Milliseconds from the first kill -9 to the last start that follows."""
        before = len(self.starts())
        began = time.monotonic_ns()
        for pid in victims:
            os.kill(pid, signal.SIGKILL)
        return ms(max(at for at, _, _ in self.wait_for_starts(len(victims), before)) - began)

    def pids(self):
        """The newest process of each service."""
        return list({name: pid for _, pid, name in self.starts()}.values())

    def own(self):
        """The supervisor's own processes: the one that was launched, and of ProcLaunch its other two."""
        own = [self.pid]
        for task in os.listdir('/proc/%d/task' % self.pid):
            with open('/proc/%d/task/%s/children' % (self.pid, task)) as file:
                own += [int(pid) for pid in file.read().split() if is_part(pid)]
        return own

    def switches(self):
        total = 0
        for pid in self.own():
            for task in os.listdir('/proc/%d/task' % pid):
                with open('/proc/%d/task/%s/status' % (pid, task)) as file:
                    total += sum(int(line.split()[1]) for line in file if 'ctxt_switches' in line)
        return total

    def memory(self):
        total = 0
        for pid in self.own():
            with open('/proc/%d/smaps_rollup' % pid) as file:
                total += next(int(line.split()[1]) for line in file if line.startswith('Pss:'))
        return total

    def stop(self):
        """Milliseconds until all is over."""
        began = time.monotonic_ns()
        os.kill(self.pid, signal.SIGTERM if self.is_floor else signal.SIGHUP)
        os.waitpid(self.pid, 0)
        self.tools.running = None
        took = ms(time.monotonic_ns() - began)
        shutil.rmtree(self.dir, ignore_errors=True)
        return took


class Tools:
    def __init__(self):
        base = '/dev/shm' if os.access('/dev/shm', os.W_OK | os.X_OK) else None
        self.dir = tempfile.mkdtemp(prefix='proclaunch-floor-', dir=base)
        # The supervisor that was started last, until it has been stopped.
        self.running = None
        self.floor, self.service = (self.compile(name) for name in ('floor', 'service'))

    def compile(self, name):
        compiler = shutil.which('musl-gcc') or shutil.which('cc') or sys.exit('there is no C compiler')
        out = os.path.join(self.dir, name)
        source = os.path.join(HERE, name + '.c')
        subprocess.run([compiler, '-D_GNU_SOURCE', '-static', '-O2', '-s', '-o', out, source], check=True)
        return out


def write(path, text, mode=0o644):
    with open(path, 'w') as file:
        file.write(text)
    os.chmod(path, mode)


def is_part(pid):
    try:
        with open('/proc/%s/cmdline' % pid, 'rb') as file:
            return file.read().startswith(b'proclaunch: ')
    except OSError:
        return False


def ms(nanos):
    return nanos / 1e6


def start_and_stop(tools, binary, count, settle):
    supervisor = Supervisor(tools, binary, count)
    took = ms(max(at for at, _, _ in supervisor.started) - supervisor.began)
    time.sleep(settle)
    memory = supervisor.memory()
    return {'start %d' % count: [took], 'stop %d' % count: [supervisor.stop()], 'memory %d' % count: [memory]}


def restart(tools, binary, kills):
    supervisor = Supervisor(tools, binary, 100)
    time.sleep(2.2)
    victims = random.sample(supervisor.pids(), kills)
    took = []
    for victim in victims:
        time.sleep(0.03 + 0.05 * random.random())
        took.append(supervisor.kill([victim]))
    supervisor.stop()
    return {'restart': [statistics.median(took)]}


def storm(tools, binary, count):
    supervisor = Supervisor(tools, binary, count)
    took = []
    for _ in range(3):
        time.sleep(1.5)
        took.append(supervisor.kill(supervisor.pids()))
    supervisor.stop()
    return {'storm %d' % count: [statistics.median(took)]}


def idle(tools, binary, seconds):
    supervisor = Supervisor(tools, binary, 1000)
    time.sleep(3)
    before = supervisor.switches()
    time.sleep(seconds)
    woken = supervisor.switches() - before
    supervisor.stop()
    return {'idle': [woken]}


def busy():
    """The share of the processors that other work takes."""
    def read():
        with open('/proc/stat') as file:
            fields = [int(field) for field in file.readline().split()[1:9]]
        return sum(fields), fields[3] + fields[4]
    (total, free) = read()
    time.sleep(0.2)
    (total_after, free_after) = read()
    return 1 - (free_after - free) / max(1, total_after - total)


def quiet(patience):
    end = time.monotonic() + patience
    while (share := busy()) > 0.1 and time.monotonic() < end:
        time.sleep(0.2)
    return share


def report(binaries, results, loads):
    print('%-12s %12s' % ('', 'floor'), *('%34s' % os.path.basename(binary) for binary in binaries[1:]))
    for what in results[binaries[0]]:
        floor = results[binaries[0]][what]
        print('%-12s %12.2f' % (what, statistics.median(floor)), end='')
        for binary in binaries[1:]:
            own = results[binary][what]
            ratios = [a / b for a, b in zip(own, floor) if b]
            text = '%.2f' % statistics.median(own)
            if ratios:
                text += ' = x%.2f (%.2f-%.2f)' % (statistics.median(ratios), min(ratios), max(ratios))
            print(' %34s' % text, end='')
        print()
    print('milliseconds; memory: KiB (PSS of all own processes); idle: wakeups of all')
    print('other work before a measure: median %d %%, most %d %%'
          % (100 * statistics.median(loads), 100 * max(loads)))


def main():
    ours = os.path.join(ROOT, 'target', 'release', 'proclaunch')
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('what', nargs='*', default=[], help='start restart storm idle; all, if none is given')
    parser.add_argument('--binary', action='append', help='default: target/release/proclaunch')
    parser.add_argument('--rounds', type=int, default=5)
    parser.add_argument('--counts', default='1,100,1000', help='for start')
    parser.add_argument('--seconds', type=float, default=10, help='for idle')
    parser.add_argument('--patience', type=float, default=20, help='seconds to wait for a quiet machine, each time')
    options = parser.parse_args()
    # Ended by `timeout` or the like, it still ends what it has started.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit('ended'))
    tools = Tools()
    binaries = [tools.floor] + [os.path.abspath(binary) for binary in options.binary or [ours]]
    measures = []
    if not options.what or 'start' in options.what:
        for count in options.counts.split(','):
            count = int(count)
            measures.append(lambda binary, count=count: start_and_stop(tools, binary, count, 1 if count > 1 else 0.2))
    if not options.what or 'restart' in options.what:
        measures.append(lambda binary: restart(tools, binary, 25))
    if not options.what or 'storm' in options.what:
        for count in (100, 500):
            measures.append(lambda binary, count=count: storm(tools, binary, count))
    results, loads = {binary: {} for binary in binaries}, []
    try:
        for _ in range(options.rounds):
            for measure in measures:
                for binary in binaries:
                    loads.append(quiet(options.patience))
                    for what, values in measure(binary).items():
                        results[binary].setdefault(what, []).extend(values)
        if not options.what or 'idle' in options.what:
            for binary in binaries:
                results[binary].update(idle(tools, binary, options.seconds))
        report(binaries, results, loads or [busy()])
    finally:
        if tools.running:
            tools.running.stop()
        shutil.rmtree(tools.dir, ignore_errors=True)


if __name__ == '__main__':
    main()
