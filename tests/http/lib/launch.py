"""Becomes the daemon, with inherited sockets and limits: launch.py NOFILE NAME=FD,... COMMAND...

What systemd does before it executes a service: descriptors from 3 on, named in the environment
(sd_listen_fds(3)). NOFILE 0 leaves the limit as it is.
"""

import os
import resource
import sys


def main():
    nofile, sockets, *command = sys.argv[1:]
    pairs = [pair.split("=") for pair in sockets.split(",") if pair]
    # First out of the way of the numbers they shall have.
    fds = [os.dup2(int(fd), 100 + i) for i, (_, fd) in enumerate(pairs)]
    for i, fd in enumerate(fds):
        os.dup2(fd, 3 + i, inheritable=True)
        os.close(fd)
    if fds:
        os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS=str(len(fds)),
                          LISTEN_FDNAMES=":".join(name for name, _ in pairs))
    if int(nofile):
        resource.setrlimit(resource.RLIMIT_NOFILE, (int(nofile), int(nofile)))
    os.execvp(command[0], command)


if __name__ == "__main__":
    main()
