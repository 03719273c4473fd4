# What the attempts in escapes.txt share. An attempt ends with "refused: WHY" or with "ESCAPED".
import ctypes
import errno
import os
import platform
import resource
import signal
import socket
import struct
import subprocess
import sys
import threading
import time

libc = ctypes.CDLL(None, use_errno=True)
ARM = platform.machine() == "aarch64"
# Name: number on x86-64, number on 64-bit Arm and everything newer.
CALLS = {
    "ptrace": (101, 117), "process_vm_readv": (310, 270), "process_vm_writev": (311, 271), "pidfd_open": (434, 434),
    "pidfd_getfd": (438, 438), "keyctl": (250, 219), "add_key": (248, 217), "bpf": (321, 280),
    "perf_event_open": (298, 241), "io_uring_setup": (425, 425), "userfaultfd": (323, 282), "memfd_create": (319, 279),
    "unshare": (272, 97), "setns": (308, 268), "clone3": (435, 435), "clone": (56, 220), "mount": (165, 40),
    "umount2": (166, 39), "pivot_root": (155, 41), "fsopen": (430, 430), "open_tree": (428, 428),
    "move_mount": (429, 429), "chroot": (161, 51), "init_module": (175, 105), "kexec_load": (246, 104),
    "reboot": (169, 142), "settimeofday": (164, 170), "sethostname": (170, 161), "acct": (163, 89),
    "open_by_handle_at": (304, 265), "syslog": (103, 116), "shmget": (29, 194), "msgget": (68, 186),
    "swapon": (167, 224), "kcmp": (312, 272), "tgkill": (234, 131), "rt_sigqueueinfo": (129, 138),
    "pidfd_send_signal": (424, 424), "fanotify_init": (300, 262), "sched_setaffinity": (203, 122),
    "mq_open": (240, 180), "statmount": (457, 457), "setxattr": (188, 5), "ioctl": (16, 29),
}


def call(name, *arguments):
    """A system call; OSError as it fails."""
    ctypes.set_errno(0)
    words = [a if isinstance(a, (bytes, ctypes.Array, ctypes.Structure)) else ctypes.c_long(a) for a in arguments]
    result = libc.syscall(ctypes.c_long(CALLS[name][1 if ARM else 0]), *words)
    if result == -1:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result


def refused(why):
    print("refused:", why, flush=True)


def attempt(what, expected=(OSError,)):
    """Does it, and says what came of it. A value that is false counts as refused."""
    try:
        got = what()
    except expected as error:
        refused(error)
        return False
    if not got and got is not None:
        refused(f"got {got!r}")
        return False
    print("ESCAPED:", repr(got)[:200], flush=True)
    return True


def read(path):
    with open(path, "rb") as file:
        return file.read(1 << 20)


def write(path, text="ondol was here\n"):
    with open(path, "w") as file:
        file.write(text)


def processes():
    """Names of folders that may be processes'."""
    try:
        return [name for name in os.listdir("/proc") if name.isdigit()]
    except OSError:
        return range(1, 70000)


def run(*arguments, **options):
    """True when the program says that it did it."""
    try:
        done = subprocess.run(arguments, stdin=subprocess.DEVNULL, capture_output=True, timeout=5, **options)
    except FileNotFoundError as error:
        raise OSError(error.errno, f"{arguments[0]}: not here")
    if done.returncode != 0:
        raise OSError(errno.EPERM, f"exit status {done.returncode}: {done.stderr[-200:]!r}")
    return done.stdout or True


def connect(family, kind, address, protocol=0):
    with socket.socket(family, kind, protocol) as a_socket:
        a_socket.settimeout(2)
        a_socket.connect(address)
        a_socket.send(b"ESCAPED\n")
        return "connected"
