#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""The one file is enough: copied alone into a system with nothing but the C
library, or into a minimal Debian, it works. No BTF file, headers, compiler or
shell of its own are needed there."""
import os
import re
import shutil
import subprocess
import tempfile

import tcpstate_test as t

# What every Debian has; the binary may need no other library.
ALLOWED = re.compile(r"(linux-vdso|libc|libm|libpthread|libdl|librt|"
                     r"ld-linux.*)\.so.*")
MOUNTS = (("proc", "proc"), ("sysfs", "sys"))


def needed():
    """The libraries, by the dynamic loader itself."""
    out = t.run("ldd", t.tool())
    t.check("not found" not in out, f"a library is missing: {out}")
    return [word for word in out.split() if word.startswith("/")]


def populate(root):
    shutil.copy(t.tool(), os.path.join(root, "tcpstate-watch"))
    for library in needed():
        t.check(ALLOWED.fullmatch(os.path.basename(library)),
                f"the binary needs {library}")
        target = root + library
        os.makedirs(os.path.dirname(target), exist_ok=True)
        shutil.copy(os.path.realpath(library), target)


def mount_all(root):
    for kind, name in MOUNTS:
        os.makedirs(os.path.join(root, name), exist_ok=True)
        t.run("mount", "-t", kind, kind, os.path.join(root, name))
    os.makedirs(os.path.join(root, "dev"), exist_ok=True)
    t.run("mount", "-t", "devtmpfs", "dev", os.path.join(root, "dev"))
    os.makedirs(os.path.join(root, "sys/fs/cgroup"), exist_ok=True)
    subprocess.run(["mount", "-t", "cgroup2", "cgroup2",
                    os.path.join(root, "sys/fs/cgroup")], check=False,
                   stderr=subprocess.DEVNULL)


def in_root(root, source, prepare):
    """Everything in a mount namespace that ends with this case."""
    t._checked(t._libc.unshare(0x00020000), "unshare")
    t.run("mount", "--make-rprivate", "/")
    t.run("mount", "-t", "tmpfs", "-o", "mode=755", "root", root)
    prepare(root)
    mount_all(root)
    watch = Chrooted(root, source)
    server = t.listener()
    client, child = t.pair(server)
    c, s = t.ends(client, child)
    t.linger0(client)
    client.close()
    t.wait_state(child, "CLOSE")
    watch.expect(t.End(server, "listener"), "CLOSE LISTEN")
    watch.expect(c, "CLOSE SYN_SENT ESTABLISHED CLOSE", reason="abort",
                 detail="linger0")
    watch.expect(s, "LISTEN SYN_RECV ESTABLISHED CLOSE", reason="rst_received")
    watch.finish()
    done = subprocess.run(["chroot", root, "/tcpstate-watch", "leaks",
                           "--source", source, "--duration", "0"],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True, check=False, timeout=t.READY_LIMIT)
    t.check_equal(done.returncode, 0, "the exit status of leaks")


class Chrooted(t.Watch):
    root = None

    def __init__(self, root, source):
        Chrooted.root = root
        super().__init__(source)

    def command(self):
        return ["chroot", Chrooted.root, "/tcpstate-watch"]


def nothing_but_libc(source):
    folder = tempfile.mkdtemp(prefix="tcpstate-root-")
    try:
        in_root(folder, source, populate)
    finally:
        subprocess.run(["umount", "-R", folder], check=False,
                       stderr=subprocess.DEVNULL)
        os.rmdir(folder)


def _cached_debian():
    build = os.environ.get("TCPSTATE_BUILD",
                           os.path.join(t._here, "..", "..", "build"))
    cache = os.path.join(build, "minbase.tar")
    if os.path.exists(cache):
        return cache
    if not shutil.which("debootstrap"):
        raise t.Skip("debootstrap is not installed")
    folder = tempfile.mkdtemp(prefix="tcpstate-minbase-")
    try:
        with t.root_namespace():
            t.run("debootstrap", "--variant=minbase", _codename(), folder)
        t.run("tar", "-C", folder, "--exclude=./proc/*", "--exclude=./sys/*",
              "--exclude=./dev/*", "-cf", cache + ".new", ".")
        os.rename(cache + ".new", cache)
    except RuntimeError as e:
        raise t.Skip(f"no minimal Debian: {str(e)[-200:]}") from None
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return cache


def _codename():
    with open("/etc/os-release", encoding="utf-8") as f:
        m = re.search(r"^VERSION_CODENAME=(\w+)", f.read(), re.M)
    return m[1] if m else "stable"


def minimal_debian(source):
    cache = _cached_debian()

    def prepare(root):
        t.run("tar", "-C", root, "-xf", cache)
        shutil.copy(t.tool(), os.path.join(root, "tcpstate-watch"))
    folder = tempfile.mkdtemp(prefix="tcpstate-root-")
    try:
        in_root(folder, source, prepare)
    finally:
        subprocess.run(["umount", "-R", folder], check=False,
                       stderr=subprocess.DEVNULL)
        os.rmdir(folder)


if __name__ == "__main__":
    # kselftest runs us under stdbuf, which preloads a library of its own.
    os.environ.pop("LD_PRELOAD", None)
    t.main(nothing_but_libc, minimal_debian)
