"""Root may open what is locked, and tests often run as root: here it may not.

Root keeps its name and loses two of Linux's capabilities, so that the mode of a file
counts for it as for its owner.
"""

# Run in a command's process before it has threads, see `command.start`.
FIRST = """
import ctypes, os, struct
if os.geteuid() == 0:
    libc = ctypes.CDLL(None, use_errno=True)
    header = struct.pack("Ii", 0x20080522, 0)  # _LINUX_CAPABILITY_VERSION_3, this process.
    data = ctypes.create_string_buffer(24)  # effective, permitted, inheritable; twice.
    assert not libc.capget(header, data)
    effective, *rest = struct.unpack("6I", data.raw)
    effective &= ~(1 << 1 | 1 << 2)  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH.
    assert not libc.capset(header, struct.pack("6I", effective, *rest))
"""
