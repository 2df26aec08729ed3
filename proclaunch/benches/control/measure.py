#!/usr/bin/env python3
"""Measures how fast the control socket answers, and what asking costs the services.

    cargo build --release
    python3 proclaunch/benches/control/measure.py

Needs Python 3, a C compiler, and about a minute. Runs ProcLaunch over --profiles (500) services, and asks over one
connection that is kept, one request after the other:

    idle     while nothing happens
    busy     beside --busy (20) profiles whose hooks use up all the CPU that they are given
    restart  from kill -9 of a service to the first instruction of the next: while nobody asks, and while somebody asks
             for the status of one profile --rate (500) times a second, by turns

What other work takes of the machine is printed too."""
import argparse
import os
import random
import shutil
import socket
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), 'floor'))
from compare import ROOT, Supervisor, Tools, busy, quiet, write  # noqa: E402

BUSY = 'return { every = 0.1, timeout = 5, function() while true do end end }\n'


class Client:
    """One connection, kept."""

    def __init__(self, supervisor):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(supervisor.dir + '/state/proclaunch.sock')
        self.rest = b''

    def get(self, path):
        """Milliseconds until the whole answer is there, and how many bytes its body has."""
        began = time.monotonic_ns()
        self.socket.sendall(('GET %s HTTP/1.1\r\nHost: x\r\n\r\n' % path).encode())
        while b'\r\n\r\n' not in self.rest:
            self.more()
        head, self.rest = self.rest.split(b'\r\n\r\n', 1)
        if not head.startswith(b'HTTP/1.1 200'):
            sys.exit('%s: %s' % (path, head.decode()))
        length = next(int(line[15:]) for line in head.split(b'\r\n') if line.lower().startswith(b'content-length:'))
        while len(self.rest) < length:
            self.more()
        self.rest = self.rest[length:]
        return (time.monotonic_ns() - began) / 1e6, length

    def more(self):
        some = self.socket.recv(1 << 20)
        if not some:
            sys.exit('the connection was closed')
        self.rest += some


def at(values, share):
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def row(what, took, more=''):
    print('%-44s %6d %8.2f %8.2f %8.2f %s' % (what, len(took), at(took, 0.5), at(took, 0.99), max(took), more))


def ask(supervisor, label, seconds):
    client = Client(supervisor)
    for path in ('/v1/profiles/s0000', '/v1/profiles', '/metrics'):
        took, end = [], time.monotonic() + seconds
        while time.monotonic() < end:
            one, length = client.get(path)
            took.append(one)
        row('%s: GET %s' % (label, path), took, '%d bytes, %.0f a second' % (length, len(took) / seconds))


def start(tools, binary, count, equip, settle):
    supervisor = Supervisor(tools, binary, count, equip)
    time.sleep(settle)
    return supervisor


def some_are_busy(count):
    def equip(profile, index):
        if 0 < index <= count:
            write(profile + '/health.lua', BUSY)
    return equip


def restarts(supervisor, kills):
    took = []
    for _ in range(kills):
        time.sleep(0.02 + 0.04 * random.random())
        newest = {name: pid for _, pid, name in supervisor.starts()}
        took.append(supervisor.kill([newest['s0000']]))
    return took


class Asker:
    """Asks so often, until the block ends."""

    def __init__(self, supervisor, rate):
        self.client, self.rate, self.ends, self.took = Client(supervisor), rate, False, []
        self.thread = threading.Thread(target=self.run)

    def run(self):
        next_at = time.monotonic()
        while not self.ends:
            self.took.append(self.client.get('/v1/profiles/s0000')[0])
            next_at += 1 / self.rate
            time.sleep(max(0, next_at - time.monotonic()))

    def __enter__(self):
        self.began = time.monotonic()
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.ends = True
        self.thread.join()
        self.seconds = time.monotonic() - self.began


def main():
    ours = os.path.join(ROOT, 'target', 'release', 'proclaunch')
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--binary', default=ours)
    parser.add_argument('--profiles', type=int, default=500)
    parser.add_argument('--busy', type=int, default=20)
    parser.add_argument('--rate', type=int, default=500)
    parser.add_argument('--seconds', type=float, default=3, help='for each path')
    parser.add_argument('--kills', type=int, default=50, help='in each turn, of which there are four')
    parser.add_argument('--patience', type=float, default=20, help='seconds to wait for a quiet machine')
    options = parser.parse_args()
    tools = Tools()
    try:
        load = quiet(options.patience)
        print('%-44s %6s %8s %8s %8s' % ('milliseconds', 'count', 'p50', 'p99', 'max'))
        supervisor = start(tools, options.binary, options.profiles, lambda *_: None, 3)
        ask(supervisor, 'idle', options.seconds)
        alone, asked, answers, seconds = [], [], [], 0
        for _ in range(2):
            alone += restarts(supervisor, options.kills)
            with Asker(supervisor, options.rate) as asker:
                asked += restarts(supervisor, options.kills)
            answers, seconds = answers + asker.took, seconds + asker.seconds
        row('restart while nobody asks', alone)
        row('restart while somebody asks', asked, '%.0f requests a second' % (len(answers) / seconds))
        row('the answers meanwhile', answers)
        supervisor.stop()
        supervisor = start(tools, options.binary, options.profiles, some_are_busy(options.busy), 3)
        ask(supervisor, 'busy', options.seconds)
        supervisor.stop()
        print('other work: %d %% before, %d %% after' % (100 * load, 100 * busy()))
    finally:
        if tools.running:
            tools.running.stop()
        shutil.rmtree(tools.dir, ignore_errors=True)


if __name__ == '__main__':
    main()
