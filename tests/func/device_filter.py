#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""The module believes nothing of a filter that is not as abi-device.rst says, and
takes none once its session has started."""
import ctypes
import errno
import fcntl

import tcpstate_test as t

DEVICE = "/dev/tcpstate"
IOC_START = 1 << 30 | 32 << 16 | ord("T") << 8 | 0xe1
FILTER_BYTES = 504
IOC_FILTER = 1 << 30 | FILTER_BYTES << 16 | ord("T") << 8 | 0xe3


def refuses_nonsense(source):
    assert source == "kmod"
    good = bytearray(FILTER_BYTES)
    with open(DEVICE, "r+b", buffering=0) as dev:
        # Counts, the family, reserved; then a port of 0, a wrong family.
        for at, value in ((492, 9), (493, 9), (494, 255), (495, 9), (496, 9),
                          (497, 9), (498, 3), (499, 1), (503, 1), (494, 1),
                          (493, 1)):
            bad = bytearray(good)
            bad[at] = value
            t.check_equal(refusal(dev, bad), errno.EINVAL,
                          f"errno of a filter with {value} at {at}")
        t.check_equal(refusal_of_pointer(dev), errno.EFAULT,
                      "errno of a filter that is nowhere")
        t.check_equal(refusal(dev, good), 0, "errno of a filter")
        t.check_equal(refusal(dev, good), 0, "errno of another")
        fcntl.ioctl(dev, IOC_START, bytes(32))
        t.check_equal(refusal(dev, good), errno.EBUSY, "errno after START")


def refusal(dev, filter_bytes):
    try:
        fcntl.ioctl(dev, IOC_FILTER, bytes(filter_bytes))
        return 0
    except OSError as e:
        return e.errno


def refusal_of_pointer(dev):
    libc = ctypes.CDLL(None, use_errno=True)
    libc.ioctl(dev.fileno(), ctypes.c_ulong(IOC_FILTER), ctypes.c_void_p(8))
    return ctypes.get_errno()


if __name__ == "__main__":
    t.main(refuses_nonsense, only_source="kmod")
