#!/usr/bin/env python3
"""Compares how fast the output of a service reaches its log file.

    cargo build --release
    apt-get install s6
    python3 -m venv venv && venv/bin/pip install supervisor 'setuptools<80'
    python3 proclaunch/benches/output/compare.py --supervisord venv/bin/supervisord

Needs Python 3, a C compiler, 300 MB in --dir, and about two minutes. Compiles `producer.c`, a service that writes
--megabytes (100) in lines of 100 bytes, 4 KiB at a time. It runs under each of these in turns, --rounds times:

    file           the producer writes into the file itself: what no logger can do faster
    proclaunch     by way of the FIFO and the logger, with `log` = `1024G 1`
    supervisord    by way of its pipe, with `stdout_logfile_maxbytes=0`
    s6-log         reads a pipe
    and with the time before each line:
    proclaunch +t  with `log` = `1024G 1 timestamps`
    s6-log t       with TAI64N
    s6-log T       with ISO 8601, which is what ProcLaunch writes

Measured is the time from the word to the producer, which is up and waits for it, until the file has all bytes, which
is looked at each millisecond. After that every line is checked: that it is there, once, in its place and unchanged.

Prints for each the median, and the ratios to the file and to each peer in the same round (median, lowest and highest).
A tool that is not there is skipped; the last line says how many were. `--binary OLD --binary NEW` takes more builds of
ProcLaunch into the same turns. Only ratios of one run mean something, and only on a machine that does nothing else:
what other work takes is printed too. On another, `chrt -r 2 python3 ...` as root keeps the rest out of the way, which
`nice` does not: with `kernel.sched_autogroup_enabled`, it counts within a session only, and a service has its own."""
import argparse
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(HERE)))
TIMEOUT = 120
LINE = 100
# The highest that every version of s6-log takes.
S6_SIZE = 's268435455'


class Run:
    """One producer under one tool, from its launch to its end."""

    def __init__(self, bench):
        self.bench, self.processes = bench, []
        self.dir = tempfile.mkdtemp(dir=bench.dir)
        self.go = self.dir + '/go'
        os.mkfifo(self.go)
        self.producer = [bench.producer, '%s:%d' % (self.go, bench.lines)]

    def start(self, argv, **options):
        process = subprocess.Popen(argv, **{'stdin': subprocess.DEVNULL, **options})
        self.processes.append(process)
        return process

    def measure(self, path, stamp, stop):
        """Milliseconds until the file has everything, with `stamp` bytes before each line."""
        try:
            word = self.wait_for_producer()
            # Whoever has started it is to be done with that.
            time.sleep(0.3)
            size = self.bench.lines * (LINE + stamp)
            began = time.monotonic_ns()
            os.write(word, b'.')
            while (there := length(path)) < size:
                if time.monotonic_ns() - began > TIMEOUT * 1e9:
                    sys.exit('`%s` has only %d of %d bytes' % (path, there, size))
                time.sleep(0.001)
            took = (time.monotonic_ns() - began) / 1e6
            os.close(word)
            check(path, self.bench.lines, stamp)
            return took
        finally:
            for process in self.processes:
                if process.poll() is None:
                    process.send_signal(stop)
            for process in self.processes:
                process.wait()
            shutil.rmtree(self.dir, ignore_errors=True)

    def wait_for_producer(self):
        """The end of the FIFO that the producer has opened the other end of."""
        end = time.monotonic() + TIMEOUT
        while True:
            try:
                return os.open(self.go, os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
            except OSError:
                if time.monotonic() > end or any(process.poll() for process in self.processes):
                    sys.exit('the producer was not started')
                time.sleep(0.01)


def length(path):
    try:
        return os.stat(path).st_size
    except FileNotFoundError:
        return 0


def check(path, lines, stamp):
    """Ends the program unless the file has each line once and in its place."""
    rest = b' ' + b'x' * (LINE - 11) + b'\n'
    with open(path, 'rb') as file:
        for number in range(lines):
            line = file.readline()
            if line[stamp:] != b'%09d' % number + rest or len(line) != stamp + LINE:
                sys.exit('line %d of `%s` is wrong: %r' % (number, path, line))
        if file.read(1):
            sys.exit('`%s` has more than was written' % path)


def direct(run):
    path = run.dir + '/file'
    with open(path, 'ab') as file:
        run.start(run.producer, stdout=file)
    return run.measure(path, 0, signal.SIGKILL)


def proclaunch(binary, log, stamp):
    def measure(run):
        profile = run.dir + '/profiles/out'
        os.makedirs(profile)
        os.makedirs(run.dir + '/state')
        write(profile + '/run', '#!%s\n' % ' '.join(run.producer), 0o755)
        write(profile + '/log', log + '\n')
        own_log = ['--log-level', 'warn', '--log-path', run.dir + '/own-log']
        run.start([binary, '--foreground', *own_log, run.dir + '/state', run.dir + '/profiles'])
        # HUP: ends, and its services with it.
        return run.measure(run.dir + '/state/log/out/current', stamp, signal.SIGHUP)
    return measure


def supervisord(binary):
    def measure(run):
        path = run.dir + '/file'
        write(run.dir + '/conf', '\n'.join([
            '[supervisord]', 'nodaemon=true', 'silent=true', 'user=' + os.environ.get('USER', 'root'),
            'logfile=%s/own-log' % run.dir, 'pidfile=%s/pid' % run.dir, 'childlogdir=' + run.dir,
            '[program:out]', 'command=' + ' '.join(run.producer),
            'stdout_logfile=' + path, 'stdout_logfile_maxbytes=0', '']))
        run.start([binary, '-c', run.dir + '/conf'], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        return run.measure(path, 0, signal.SIGTERM)
    return measure


def s6_log(binary, directives, stamp):
    def measure(run):
        producer = run.start(run.producer, stdout=subprocess.PIPE)
        run.start([binary, *directives, 'n1', S6_SIZE, run.dir + '/log'], stdin=producer.stdout)
        producer.stdout.close()
        return run.measure(run.dir + '/log/current', stamp, signal.SIGKILL)
    return measure


class Bench:
    def __init__(self, base, lines):
        self.dir = tempfile.mkdtemp(prefix='proclaunch-output-', dir=base)
        self.lines = lines
        compiler = shutil.which('musl-gcc') or shutil.which('cc') or sys.exit('there is no C compiler')
        self.producer = os.path.join(self.dir, 'producer')
        source = os.path.join(HERE, 'producer.c')
        subprocess.run([compiler, '-D_GNU_SOURCE', '-static', '-O2', '-s', '-o', self.producer, source], check=True)


def write(path, text, mode=0o644):
    with open(path, 'w') as file:
        file.write(text)
    os.chmod(path, mode)


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


def contestants(options):
    """(kind, name, how it is measured) of each, those of ProcLaunch first, and the names of those that are skipped."""
    found, skipped = [('floor', 'file', direct)], []
    own = [os.path.abspath(binary) for binary in options.binary]
    for index, binary in enumerate(own):
        mark = '' if len(own) == 1 else '#%d' % (index + 1)
        found.append(('plain', 'proclaunch' + mark, proclaunch(binary, '1024G 1', 0)))
        found.append(('times', 'proclaunch%s +t' % mark, proclaunch(binary, '1024G 1 timestamps', 25)))
    s6, other = shutil.which(options.s6_log), shutil.which(options.supervisord)
    for tool, kind, name, how in [
            (other, 'plain', 'supervisord', supervisord(other)),
            (s6, 'plain', 's6-log', s6_log(s6, [], 0)),
            (s6, 'times', 's6-log t', s6_log(s6, ['t'], 26)),
            (s6, 'times', 's6-log T', s6_log(s6, ['T'], 31))]:
        if tool:
            found.append((kind, name, how))
        else:
            skipped.append(name)
            print('skipped: %s: there is no such program' % name)
    return found, skipped


def ratio(ours, theirs):
    ratios = [a / b for a, b in zip(ours, theirs)]
    return 'x%.2f (%.2f-%.2f)' % (statistics.median(ratios), min(ratios), max(ratios))


def report(found, results, megabytes):
    for name, took in results.items():
        median = statistics.median(took)
        print('%-16s %9.1f ms %7.0f MB/s  file %s'
              % (name, median, megabytes * 1000 / median, ratio(took, results['file'])))
    for kind in ('plain', 'times'):
        own, peers = ([name for one, name, _ in found if one == kind and name.startswith('proclaunch') == is_own]
                      for is_own in (True, False))
        fastest = min(peers, key=lambda name: statistics.median(results[name]), default=None)
        for name in own:
            for peer in peers:
                mark = ', the fastest peer' if peer == fastest else ''
                print('%-16s takes %s of the time of %s%s' % (name, ratio(results[name], results[peer]), peer, mark))


def main():
    shm = '/dev/shm' if os.access('/dev/shm', os.W_OK | os.X_OK) else None
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--binary', action='append', help='default: target/release/proclaunch')
    parser.add_argument('--supervisord', default='supervisord')
    parser.add_argument('--s6-log', default='s6-log')
    parser.add_argument('--dir', default=shm, help='where everything is; default: /dev/shm')
    parser.add_argument('--rounds', type=int, default=5)
    parser.add_argument('--megabytes', type=int, default=100)
    parser.add_argument('--patience', type=float, default=20, help='seconds to wait for a quiet machine, each time')
    options = parser.parse_args()
    options.binary = options.binary or [os.path.join(ROOT, 'target', 'release', 'proclaunch')]
    found, skipped = contestants(options)
    bench = Bench(options.dir, options.megabytes * 1_000_000 // LINE)
    results, loads = {name: [] for _, name, _ in found}, []
    try:
        for _ in range(options.rounds):
            for _, name, how in found:
                loads.append(quiet(options.patience))
                results[name].append(how(Run(bench)))
        report(found, results, options.megabytes)
        print('Other work before a measure: median %d %%, most %d %%'
              % (100 * statistics.median(loads), 100 * max(loads)))
        print('%d measured, %d skipped' % (len(found), len(skipped)))
    finally:
        shutil.rmtree(bench.dir, ignore_errors=True)


if __name__ == '__main__':
    main()
