#!/usr/bin/env python3
"""Measures how soon ProcLaunch is back after one of its processes was killed, and what each of them takes.

    cargo build --release
    python3 proclaunch/benches/survival/measure.py

Needs Python 3 and about half a minute. Runs ProcLaunch over --profiles (100) services that sleep, and --rounds (20)
times kills each of its processes by SIGKILL:

    supervisor  until a new one has answered: USR1 is sent to the keeper each millisecond, until "reopened the log" is said
    keeper      the same, to the new keeper
    logger      until a line that a service wrote after the kill is in its file

Prints the median and the worst, and the memory (PSS) of each process with --profiles and with none. The services are the
same ones before and after, which is checked."""
import argparse
import os
import shutil
import signal
import statistics
import subprocess
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(HERE)))
PATIENCE = 30


class Instance:
    """ProcLaunch over some services, from its start to its end."""

    def __init__(self, binary, count):
        self.dir = tempfile.mkdtemp(prefix='survival.', dir='/dev/shm')
        self.state, self.log = self.dir + '/state', self.dir + '/log'
        for i in range(count):
            profile = '%s/profiles/s%04d' % (self.dir, i)
            os.makedirs(profile)
            write(profile + '/run', '#!/bin/sh\nexec sleep 86400\n')
        os.makedirs(self.dir + '/profiles/talks')
        write(self.dir + '/profiles/talks/run', '#!/bin/sh\nwhile read line; do echo "$line"; done < ../../words\n')
        os.mkfifo(self.dir + '/words')
        subprocess.run([binary, '--log-path', self.log, self.state, self.dir + '/profiles'], check=True)
        self.words = os.open(self.dir + '/words', os.O_RDWR)
        wait(lambda: self.text(self.log).count(' running pid ') == count + 1)
        self.services = self.running()

    def keeper(self):
        return int(self.text(self.state + '/proclaunch.pid') or 0)

    def helper(self, name):
        """The pid of the supervisor or logger."""
        title = ('proclaunch: %s\0%s\0' % (name, self.state)).encode()
        for pid in filter(str.isdigit, os.listdir('/proc')):
            try:
                with open('/proc/%s/cmdline' % pid, 'rb') as file:
                    if file.read().startswith(title):
                        return int(pid)
            except OSError:
                pass
        return 0

    def text(self, path):
        try:
            with open(path) as file:
                return file.read()
        except OSError:
            return ''

    def running(self):
        """The services by their pids, in the words of the log."""
        lines = [line.split() for line in self.text(self.log).splitlines() if ' running pid ' in line]
        return {(line[2], line[5]) for line in lines}

    def answers(self):
        return self.text(self.log).count(' ProcLaunch reopened the log')

    def until_answered(self, victim):
        before = self.answers()
        began = time.monotonic()
        os.kill(victim, signal.SIGKILL)
        while self.answers() == before:
            keeper = self.keeper()
            # The one that was killed may still be named; a pid that is a zombie's hears nothing.
            if keeper:
                try:
                    os.kill(keeper, signal.SIGUSR1)
                except ProcessLookupError:
                    pass
            time.sleep(0.001)
            assert time.monotonic() < began + PATIENCE, self.text(self.log)
        took = time.monotonic() - began
        wait(lambda: self.helper('supervisor') and self.helper('logger'))
        time.sleep(1.1)
        return took

    def until_written(self, number):
        victim, line = self.helper('logger'), 'line %d' % number
        began = time.monotonic()
        os.kill(victim, signal.SIGKILL)
        os.write(self.words, (line + '\n').encode())
        current = self.state + '/log/talks/current'
        while line + '\n' not in self.text(current):
            time.sleep(0.0005)
            assert time.monotonic() < began + PATIENCE, self.text(self.log)
        took = time.monotonic() - began
        time.sleep(1.1)
        return took

    def memory(self):
        pids = {'keeper': self.keeper(), 'supervisor': self.helper('supervisor'), 'logger': self.helper('logger')}
        return {name: pss(pid) for name, pid in pids.items()}

    def end(self):
        assert {name for name, _ in self.running()} == {name for name, _ in self.services}
        assert self.running() == self.services, 'a service was started again:\n' + self.text(self.log)
        os.kill(self.keeper(), signal.SIGHUP)
        wait(lambda: not os.path.exists(self.state + '/proclaunch.pid'))
        os.close(self.words)
        shutil.rmtree(self.dir)


def write(path, text):
    with open(path, 'w') as file:
        file.write(text)
    os.chmod(path, 0o755)


def wait(holds):
    until = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < until, 'waited in vain'
        time.sleep(0.005)


def pss(pid):
    with open('/proc/%d/smaps_rollup' % pid) as file:
        return next(int(line.split()[1]) for line in file if line.startswith('Pss:'))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--binary', default=ROOT + '/target/release/proclaunch')
    parser.add_argument('--profiles', type=int, default=100)
    parser.add_argument('--rounds', type=int, default=20)
    given = parser.parse_args()
    for count in (0, given.profiles):
        instance = Instance(given.binary, count)
        memory = instance.memory()
        words = ', '.join('%s %d' % item for item in memory.items())
        print('%4d profiles: %s KiB; together %d' % (count + 1, words, sum(memory.values())))
        if count:
            for name in ('supervisor', 'keeper'):
                victim = instance.keeper if name == 'keeper' else lambda: instance.helper('supervisor')
                tell(name, [instance.until_answered(victim()) for _ in range(given.rounds)])
            tell('logger', [instance.until_written(number) for number in range(given.rounds)])
        instance.end()


def tell(name, times):
    print('%-11s back after %6.1f ms (worst %6.1f)' % (name, 1e3 * statistics.median(times), 1e3 * max(times)))


if __name__ == '__main__':
    main()
