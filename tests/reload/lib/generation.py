"""The configs of the load tests, by generation, and what each of them answers.

Generation 0 also has the routes of the long exchanges; later ones have them not, or otherwise. So
what an answer may be follows from the generations there were while it was waited for.
"""

from collections import namedtuple

REPEAT = 1000  # a body mixed of two generations shows

# What a client asks for: where, the path, the host.
Ask = namedtuple("Ask", "listener path host")
ASKS = [Ask(*words.split()) for words in (
    "main / x", "main /r0 x", "main /r1 x", "main /r2 x", "main / s0", "main / s1", "main / kept",
    "main /long/echo x")]


class Generations:
    def __init__(self, ports, folder, long_routes):
        self.ports, self.folder, self.long_routes = ports, folder, long_routes

    def address(self, listener):
        if listener == "unix":
            return f"unix:{self.folder}/extra"
        return f"127.0.0.1:{self.ports[listener]}"

    def listeners(self, g):
        """Name: address."""
        found = {"main": self.address("main"), "side": self.address("side")}
        if g % 2:
            found["side"] = f"*:{self.ports['side']}"
        if g % 3:
            found["tcp"] = self.address("tcp")
        if g % 4 < 2:
            found["unix"] = self.address("unix")
        return found

    def body(self, g, ask):
        """None: no such route."""
        if ask.host == "kept":
            return b"kept\n"
        if ask.host == f"s{g % 3}":
            return f"site {g}\n".encode()
        if ask.path == "/":
            return f"g{g},".encode() * REPEAT
        if ask.path == "/long/echo":
            return b"" if g == 0 else f"long {g}\n".encode() if g % 2 else None
        return f"route {g}\n".encode() if ask.path == f"/r{g % 4}" else None

    def right(self, answer, g, ask):
        """Whether generation g would have said this."""
        body = self.body(g, ask)
        if body is None:
            return answer.status == 404
        told = str(g) if len(body) >= REPEAT else None
        return (answer.status == 200 and answer.body == body and
                answer.fields.get("x-gen") == told)

    def config(self, g):
        listeners = "\n".join(f'  {name}: {{ address = "{address}"; }}'
                              for name, address in self.listeners(g).items())

        def respond(name, path, host="x"):
            body = self.body(g, Ask("main", path, host)).decode().replace("\n", "\\n")
            return f'{name}: {{ match = "{path}"; respond: {{ body = "{body}"; }} }}'

        routes = [f'all: {{ match = "/{{$}}"; headers: {{ set = [ "X-Gen: {g}" ]; }} '
                  f'respond: {{ body = "{self.body(g, ASKS[0]).decode()}"; }} }}']
        if g % 4 < 3:
            routes.append(respond(f"r{g % 4}", f"/r{g % 4}"))
        if g == 0:
            routes += self.long_routes
        elif g % 2:
            routes.append(respond("echo", "/long/echo"))
        sites = [f'kept: {{ hosts = [ "kept" ]; routes: {{ {respond("all", "/", "kept")} }} }}']
        if g % 3 < 2:
            sites.append(f's{g % 3}: {{ hosts = [ "s{g % 3}" ]; '
                         f'routes: {{ {respond("all", "/", f"s{g % 3}")} }} }}')
        pools = f"default: {{ threads = {16 + g % 3}; }}"
        if g % 5 == 0:
            pools += " jobs: { threads = 4; }"
        return "\n".join(["loops = 2;",
                          'timeouts: { handler = "1h"; idle = "1h"; drain = "5s"; }',
                          "listeners: {", listeners, "}", f"pools: {{ {pools} }}",
                          "routes: {", *routes, "}", "sites: {", *sites, "}", ""])
