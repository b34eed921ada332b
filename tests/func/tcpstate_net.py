# SPDX-License-Identifier: GPL-2.0
"""Namespaces, sockets and what the kernel says of them; conditions."""
import atexit
import contextlib
import ctypes
import fcntl
import json
import os
import re
import signal
import socket
import struct
import subprocess
import threading
import time

# How many times slower than an emulated machine this one is: a kernel that checks
# each access to memory.
PATIENCE = int(os.environ.get("TCPSTATE_PATIENCE", 1))
LIMIT = 30.0 * PATIENCE     # seconds for a condition

CLONE_NEWNET = 0x40000000
SO_COOKIE = 57
SOL_TCP = socket.IPPROTO_TCP
STATES = ("", "ESTABLISHED", "SYN_SENT", "SYN_RECV", "FIN_WAIT1", "FIN_WAIT2",
          "TIME_WAIT", "CLOSE", "CLOSE_WAIT", "LAST_ACK", "LISTEN", "CLOSING")

_libc = ctypes.CDLL(None, use_errno=True)


class Failure(Exception):
    """The tool did something wrong; the text is one sentence."""


class Skip(Exception):
    """Something that this case needs is missing here; the text says what."""


class Test:
    home = None         # descriptor of the namespace that the program runs in
    inserted = False    # the module, by us
    hidden = None       # what the kernel shows to no BPF program


# ---- conditions ----

def check(condition, sentence):
    if not condition:
        raise Failure(sentence)


def check_equal(got, expected, what):
    check(got == expected, f"{what} is {got!r} and must be {expected!r}")


def wait_until(condition, what, limit=LIMIT):
    """The first true value of condition()."""
    end = time.monotonic() + limit
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise Failure(f"{what} did not happen within {limit:g} s")
        time.sleep(0.002)


@contextlib.contextmanager
def repeated(act):
    """Again and again, beside what the test does meanwhile."""
    stop = threading.Event()

    def work():
        while not stop.is_set():
            act()
            time.sleep(0.02)
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(LIMIT)


# ---- system calls that Python does not have ----

def _checked(result, what):
    if result < 0:
        errno = ctypes.get_errno()
        raise OSError(errno, f"{what}: {os.strerror(errno)}")


def die_with_parent():
    _libc.prctl(1, signal.SIGKILL, 0, 0, 0)


def enter_netns(fd):
    """Move this thread, and only it."""
    _checked(_libc.setns(fd, CLONE_NEWNET), "setns")


class Namespace:
    """A network namespace with a process in it; named if name is given."""

    def __init__(self, name=None):
        self.name = name
        self.resident = None
        if name:
            run("ip", "netns", "add", name)
            atexit.register(self.remove)
            self.fd = os.open(f"/run/netns/{name}", os.O_RDONLY)
        else:
            old = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
            _checked(_libc.unshare(CLONE_NEWNET), "unshare")
            self.fd = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
            enter_netns(old)
            os.close(old)
        self.inode = os.fstat(self.fd).st_ino
        with self.inside():
            interface_up("lo")
            # A namespace of a small machine has few: then TIME_WAIT is never
            # entered.
            sysctl("net.ipv4.tcp_max_tw_buckets", 65536)

    def settle(self):
        """Put a process into it; else nobody could find it (a descriptor is
        no trace that others can follow)."""
        self.resident = subprocess.Popen(
            ["sleep", "infinity"], stdin=subprocess.DEVNULL,
            preexec_fn=lambda: (die_with_parent(), enter_netns(self.fd)))
        return self

    @contextlib.contextmanager
    def inside(self):
        old = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        enter_netns(self.fd)
        try:
            yield self
        finally:
            enter_netns(old)
            os.close(old)

    def remove(self):
        if self.name:
            subprocess.run(["ip", "netns", "del", self.name], check=False)
            self.name = None

    def close(self):
        if self.resident:
            self.resident.kill()
            self.resident.wait()
        os.close(self.fd)
        self.remove()


@contextlib.contextmanager
def root_namespace():
    """Out of the case's own namespace, into that of the test program."""
    old = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    if Test.home is not None:
        enter_netns(Test.home)
    try:
        yield
    finally:
        enter_netns(old)
        os.close(old)


def interface_up(name):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        request = struct.pack("16sH14x", name.encode(), 0x1 | 0x40)
        fcntl.ioctl(s, 0x8914, request)


def sysctl(name, value):
    """In the namespace of this thread."""
    with open("/proc/sys/" + name.replace(".", "/"), "w",
              encoding="ascii") as f:
        f.write(str(value))


def kernel():
    """(6, 12)"""
    return tuple(int(n) for n in os.uname().release.split(".")[:2])


def run(*command):
    """What a helper program says; a missing one is a reason to skip. On stderr
    it may complain of what is no matter: ss, of a kernel without FHANDLE."""
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, text=True,
                              capture_output=True, check=False)
    except FileNotFoundError:
        raise Skip(f"{command[0]} is not installed") from None
    if done.returncode:
        words = " ".join((done.stderr + done.stdout).split())
        raise RuntimeError(f"{' '.join(command)}: {words}")
    return done.stdout


# ---- sockets ----

def listener(addr="127.0.0.1", port=0, backlog=16, family=None):
    if family is None:
        family = socket.AF_INET6 if ":" in addr else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind((addr, port))
    sock.listen(backlog)
    return sock


def connect(to, source=None):
    """to: a listener, or an address and port."""
    if isinstance(to, socket.socket):
        to = to.getsockname()[:2]
    family = socket.AF_INET6 if ":" in to[0] else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    sock.settimeout(LIMIT)
    if source:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(source)
    sock.connect(to)
    return sock


def pair(server, source=None):
    """A connection through a listener: the client's end, the server's."""
    client = connect(server, source)
    server.settimeout(LIMIT)
    child, _ = server.accept()
    child.settimeout(LIMIT)
    return client, child


def cookie(sock):
    raw = sock.getsockopt(socket.SOL_SOCKET, SO_COOKIE, 8)
    return f"{struct.unpack('=Q', raw)[0]:x}"


def state(sock):
    """Of a full socket, by TCP_INFO."""
    return STATES[sock.getsockopt(SOL_TCP, socket.TCP_INFO, 1)[0]]


def wait_state(sock, name, limit=LIMIT):
    wait_until(lambda: state(sock) == name, f"{name} of a socket", limit)


def linger0(sock):
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                    struct.pack("ii", 1, 0))


def read_to_end(sock):
    """Everything up to the peer's FIN, which is read too."""
    data = b""
    while True:
        more = sock.recv(65536)
        if not more:
            return data
        data += more


class DiagSocket:
    """A socket as sock_diag shows it to this namespace."""

    def __init__(self, data):
        family, number, self.timer, self.again = struct.unpack_from("=4B", data)
        self.state = STATES[number] if number < 12 else "SYN_RECV"
        size = 4 if family == socket.AF_INET else 16
        self.sport, self.dport = struct.unpack_from("!HH", data, 4)
        self.saddr = socket.inet_ntop(family, data[8:8 + size])
        self.daddr = socket.inet_ntop(family, data[24:24 + size])
        low, high = struct.unpack_from("=II", data, 44)
        self.cookie = f"{low | high << 32:x}"
        (self.expires, self.rqueue, self.wqueue, self.uid,
         self.inode) = struct.unpack_from("=5I", data, 52)


def _diag_dump(family):
    sockid = struct.pack("!HH16s16s", 0, 0, b"", b"") + struct.pack("=III", 0, 0, 0)
    body = struct.pack("=BBBBI", family, 6, 0, 0, 0xffffffff) + sockid
    head = struct.pack("=IHHII", 16 + len(body), 20, 0x301, 1, 0)
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 4) as nl:
        nl.send(head + body)
        while True:
            answer = nl.recv(1 << 18)
            at = 0
            while at < len(answer):
                length, kind = struct.unpack_from("=IH", answer, at)
                if kind == 3:
                    return
                if kind == 2:
                    errno = -struct.unpack_from("=i", answer, at + 16)[0]
                    raise OSError(errno, "sock_diag: " + os.strerror(errno))
                yield DiagSocket(answer[at + 16:at + length])
                at += (length + 3) & ~3


def sockets():
    return [s for family in (socket.AF_INET, socket.AF_INET6)
            for s in _diag_dump(family)]


def diag(cookie_hex):
    """The socket, or mini-socket, with this cookie; None if there is none."""
    for s in sockets():
        if s.cookie == cookie_hex:
            return s
    return None


def wait_diag(cookie_hex, name, limit=LIMIT):
    """name None: until it is gone."""
    def done():
        s = diag(cookie_hex)
        return s and s.state == name if name else not s
    wait_until(done, f"{name or 'the end'} of {cookie_hex} in sock_diag", limit)


def bpf_misses(pid):
    """recursion_misses of each BPF program of a process, by its name."""
    ids = set()
    for fd in os.listdir(f"/proc/{pid}/fdinfo"):
        try:
            with open(f"/proc/{pid}/fdinfo/{fd}", encoding="ascii") as f:
                info = f.read()
        except FileNotFoundError:
            continue
        ids |= {int(n) for n in re.findall(r"^prog_id:\s+(\d+)", info, re.M)}
    progs = json.loads(run("bpftool", "-j", "prog", "show"))
    return {p.get("name"): p.get("recursion_misses", 0) for p in progs
            if p["id"] in ids}


class Owner:
    def __init__(self, pid=None, comm=None, uid=None):
        self.pid = pid or os.getpid()
        if comm is None:
            with open(f"/proc/{self.pid}/comm", encoding="ascii") as f:
                comm = f.read().rstrip("\n")
        self.comm = comm
        self.uid = os.getuid() if uid is None else uid


def plain_address(addr):
    """As it is on the wire."""
    return addr[7:] if addr.startswith("::ffff:") else addr


class End:
    """One end of a connection, or a listener."""

    def __init__(self, what, role, netns=None, owner=None):
        """what: a socket, or a DiagSocket for one that has no descriptor."""
        self.role = role
        self.netns = netns or os.stat("/proc/thread-self/ns/net").st_ino
        self.owner = owner or Owner()
        self.daddr = self.dport = None
        if isinstance(what, DiagSocket):
            self.cookie = what.cookie
            self.saddr, self.sport = plain_address(what.saddr), what.sport
            if role != "listener":
                self.daddr, self.dport = plain_address(what.daddr), what.dport
        else:
            self.cookie = cookie(what)
            self.saddr, self.sport = what.getsockname()[:2]
            self.saddr = plain_address(self.saddr)
            if role != "listener":
                self.daddr, self.dport = what.getpeername()[:2]
                self.daddr = plain_address(self.daddr)
        self.family = "ipv6" if ":" in self.saddr else "ipv4"

    def fields(self):
        fields = {"conn_id": self.cookie, "netns": self.netns,
                  "family": self.family, "saddr": self.saddr,
                  "sport": self.sport, "role": self.role}
        if self.dport is not None:
            fields.update(daddr=self.daddr, dport=self.dport)
        return fields

    def __str__(self):
        return f"{self.role} {self.cookie}"


def ends(client, server, **kw):
    return End(client, "client", **kw), End(server, "server", **kw)


def unaccepted(client, server):
    """The End of the child that accept() has not taken, of this client."""
    at = client.getsockname()[:2]

    def find():
        for s in sockets():
            if (s.daddr, s.dport) == at and s.sport == server.getsockname()[1]:
                return s
        return None
    return End(wait_until(find, "the server's end of a connection"), "server")
