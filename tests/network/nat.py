"""A NAT with few ports: three network namespaces, and the kernel's own translation.

    client ── nat ── server

The nat namespace gives each connection one of 64 source ports and holds it for
120 s after its last packet, as the NAT gateways of clouds do. The kernel would
give a port in TIME_WAIT to another connection when it runs short; the set
`held` counts a port until its time is over, and drops what would be the 65th.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass

from programs import Debs

PORTS = 64
HOLD_SECONDS = 120
CLIENT = "10.77.1.2"
INSIDE = "10.77.1.1"
OUTSIDE = "10.77.2.1"
SERVER = "10.77.2.2"

NAT_RULES = f"""
table ip nat {{
    set held {{
        type ipv4_addr . inet_service
        size {PORTS}
        flags dynamic,timeout
        timeout {HOLD_SECONDS}s
    }}
    counter refused {{ }}
    chain forward {{
        type filter hook forward priority filter; policy accept;
        iifname "inside" ip protocol tcp update @held {{ ip saddr . tcp sport }} accept
        iifname "inside" counter name refused drop
    }}
    chain postrouting {{
        type nat hook postrouting priority srcnat; policy accept;
        oifname "outside" ip protocol tcp snat to {OUTSIDE}:20000-{20000 + PORTS - 1}
    }}
}}
"""

#: The server listens on its loopback alone, as behind any platform's own proxy.
SERVER_RULES = """
table ip door {{
    chain prerouting {{
        type nat hook prerouting priority dstnat; policy accept;
        ip protocol tcp dnat to 127.0.0.1:{port}
    }}
}}
"""


class NoNat(Exception):
    """This machine cannot have one; the message says why."""


@dataclass(frozen=True)
class Figures:
    """What the NAT saw since it was cleared."""

    ports: int
    refused: int


class Nat:
    """Made by `nat()`."""

    def __init__(self, debs: Debs) -> None:
        self._debs = debs
        self._ip = shutil.which("ip") or debs.path("ip")
        self._names = {role: f"mcp-{role}-{os.getpid()}" for role in ("client", "nat", "server")}

    def within(self, role: str) -> tuple[str, ...]:
        """What a command is put behind to run there."""
        return (self._ip, "netns", "exec", self._names[role])

    def url(self, port: int) -> str:
        return f"http://{SERVER}:{port}/mcp"

    def open_door(self, port: int) -> None:
        """What comes to the server's address goes to this port of its loopback."""
        self._nft("server", "flush ruleset\n" + SERVER_RULES.format(port=port))

    def clear(self) -> None:
        """Let go of every port."""
        self._run(*self.within("nat"), self._debs.path("conntrack"), "-F")
        self._nft("nat", "flush set ip nat held\nreset counters table ip nat\n")

    def figures(self) -> Figures:
        held = self._nft("nat", "list set ip nat held\n")
        refused = self._nft("nat", "list counter ip nat refused\n")
        found = re.search(r"packets (\d+)", refused)
        # Each element of the set says when it expires.
        return Figures(held.count(" expires "), int(found[1]) if found else 0)

    def make(self) -> None:
        for name in self._names.values():
            self._run(self._ip, "netns", "add", name)
        client, nat, server = self._names.values()
        for end, here, address, there, gateway in (
            (client, "eth", CLIENT, "inside", INSIDE),
            (server, "eth", SERVER, "outside", OUTSIDE),
        ):
            self._run(self._ip, "link", "add", here, "netns", end, "type", "veth", "peer", "name", there, "netns", nat)
            for space, link, own in ((end, here, address), (nat, there, gateway)):
                self._run(self._ip, "-n", space, "address", "add", f"{own}/24", "dev", link)
                self._run(self._ip, "-n", space, "link", "set", link, "up")
                self._run(self._ip, "-n", space, "link", "set", "lo", "up")
        self._run(self._ip, "-n", client, "route", "add", "default", "via", INSIDE)
        self._nft("nat", NAT_RULES)
        self._set("nat", "net/ipv4/ip_forward", 1)
        self._set("nat", "net/netfilter/nf_conntrack_tcp_timeout_time_wait", HOLD_SECONDS)
        self._set("server", "net/ipv4/conf/all/route_localnet", 1)

    def remove(self) -> None:
        for name in self._names.values():
            with contextlib.suppress(NoNat):
                self._run(self._ip, "netns", "delete", name)

    def _set(self, role: str, key: str, value: int) -> None:
        self._run(*self.within(role), "sh", "-c", f"echo {value} >/proc/sys/{key}")

    def _nft(self, role: str, rules: str) -> str:
        return self._run(*self.within(role), self._debs.path("nft"), "-f", "-", given=rules)

    def _run(self, *command: str, given: str = "") -> str:
        done = subprocess.run(
            command,
            env=self._debs.environment,
            input=given,
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
        )
        if done.returncode != 0:
            raise NoNat(f"{' '.join(command)}: {done.stderr.strip()[:300]}")
        return done.stdout


@contextlib.contextmanager
def nat(debs: Debs) -> Iterator[Nat]:
    """The three namespaces; gone when the block ends. Raises NoNat where they cannot be."""
    if os.getuid() != 0:
        raise NoNat("network namespaces need root")
    made = Nat(debs)
    try:
        made.make()
        yield made
    finally:
        made.remove()
