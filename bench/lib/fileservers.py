"""The servers of bench/files and bench/slowfs, each set up for files as its manual advises."""

import os
import resource

from daemon import Daemon, find

MUXD = """
loops = 1;
access_log = "off";
listeners: {{ http: {{ address = "127.0.0.1:{port}"; }} }}
routes: {{ all: {{ match = "/"; files: {{ root = "@ROOT@"; cache = "60s"; @SENDFILE@}} }} }}
"""
NGINX = """
worker_processes 1; daemon off; master_process off; error_log /dev/null; pid {dir}/nginx.pid;
events {{ worker_connections 2048; }}
http {{
    include /etc/nginx/mime.types;
    access_log off; keepalive_requests 1000000000;
    sendfile on; tcp_nopush on; tcp_nodelay on;
    open_file_cache max=20000 inactive=60s; open_file_cache_valid 60s;
    client_body_temp_path {dir}/b; proxy_temp_path {dir}/p; fastcgi_temp_path {dir}/f;
    uwsgi_temp_path {dir}/u; scgi_temp_path {dir}/s;
    server {{ listen 127.0.0.1:{port}; root @ROOT@; }}
}}
"""
# It has no bound on the requests of a connection. As root it would change its user to nobody, who
# may not read the files; as another it may not be told any.
H2O = ("user: root" if os.getuid() == 0 else "") + """
num-threads: 1
max-connections: 2048
pid-file: {dir}/h2o.pid
error-log: /dev/null
listen: {{ host: 127.0.0.1, port: {port} }}
hosts:
  default:
    paths:
      /: {{ file.dir: "@ROOT@" }}
"""
# The most requests of a connection that it can count.
LIGHTTPD = """
server.port = {port}
server.bind = "127.0.0.1"
server.document-root = "@ROOT@"
server.errorlog = "/dev/null"
server.pid-file = "{dir}/lighttpd.pid"
server.max-keep-alive-requests = 65535
server.max-fds = 16384
server.stat-cache-engine = "simple"
server.network-backend = "sendfile"
mimetype.assign = (".html" => "text/html", ".css" => "text/css", ".js" => "text/javascript",
                   ".jpg" => "image/jpeg", ".mp4" => "video/mp4")
"""


class Server:
    def __init__(self, name, template, arguments):
        self.name, self.template, self.arguments, self.program = name, template, arguments, find(name)

    def start(self, root, core):
        template = self.template.replace("@ROOT@", os.path.abspath(root))
        most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        return Daemon(self.name, template, [self.program, *self.arguments], core, most)


class Muxd(Server):
    """A build, named by the path to it."""

    def __init__(self, binary, sendfile=False):
        super().__init__(binary, MUXD.replace("@SENDFILE@", "sendfile = true; " * sendfile), ["-c"])
        if sendfile:
            self.name += ", sendfile"


PEERS = {server.name: server for server in (
    Server("nginx", NGINX, ["-c"]),
    Server("h2o", H2O, ["-m", "worker", "-c"]),
    Server("lighttpd", LIGHTTPD, ["-D", "-f"]),
)}


def start(servers, root, core):
    """Those that are installed; says which are not. `core` as for Daemon."""
    for server in servers:
        if not server.program:
            print(f"{server.name} is not installed and is left out")
    started = []
    try:
        for server in servers:
            if server.program:
                started.append(server.start(root, core))
    except BaseException:
        for daemon in started:
            daemon.stop()
        raise
    return started
