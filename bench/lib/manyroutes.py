"""Configurations with many routes, as a generator would write them: for muxd, and the same for nginx."""

import os

RESOURCES = ["orders", "customers", "invoices", "products", "carts", "payments", "shipments", "reviews"]


def route(i):
    """The i-th: its pattern, its handler and filters, and what nginx has in their place."""
    what, shop = RESOURCES[i // 10 % 8], f"shop-{i // 80:05}"
    api = f"/api/v{1 + i % 3}/{shop}/{what}"
    header = ' headers: { set = [ "Cache-Control: no-store", "X-Shop: %s" ]; }' % shop
    nginx_header = f' add_header Cache-Control no-store; add_header X-Shop {shop};'
    ok = 'respond: { body = "%s\\n"; }' % what
    nginx_ok = f'return 200 "{what}\\n";'
    return [
        (f"GET {api}/{{id}}", ok, f"~ ^{api}/[^/]+$", nginx_ok),
        (f"POST {api}/", 'respond: { status = 202; body = "accepted\\n"; }', f"{api}/",
         'return 202 "accepted\\n";'),
        (f"{api}/search", ok, f"= {api}/search", nginx_ok),
        (f"/old/{shop}/{what}.php", f'redirect: {{ to = "/{shop}/{what}/"; status = 301; }}',
         f"= /old/{shop}/{what}.php", f"return 301 /{shop}/{what}/;"),
        (f"/{shop}/{what}/", ok, f"/{shop}/{what}/", nginx_ok),
        (f"/{shop}/{what}/top", ok + header, f"= /{shop}/{what}/top", nginx_ok + nginx_header),
        (f"GET {api}/{{id}}/items/{{item}}", ok, f"~ ^{api}/[^/]+/items/[^/]+$", nginx_ok),
        (f"/{what}/{shop}", f'redirect: {{ to = "/{shop}/{what}/"; }}', f"= /{what}/{shop}",
         f"return 308 /{shop}/{what}/;"),
        (f"/static/{shop}/{what}/", 'files: { root = "@"; }' if i // 10 % 4 == 0 else ok,
         f"/static/{shop}/{what}/", "root @;" if i // 10 % 4 == 0 else nginx_ok),
        (f"/{shop}/{what}/new", ok, f"= /{shop}/{what}/new", nginx_ok),
    ][i % 10]


def muxd_list(path, n, root):
    """n routes as one list."""
    with open(path, "w") as file:
        file.write("routes = (\n")
        for i in range(n):
            match, rest, _, _ = route(i)
            file.write(f'  {{ name = "route-{i:06}"; match = "{match}"; {rest.replace("@", root)} }}'
                       f'{"," if i + 1 < n else ""}\n')
        file.write(");\n")


def muxd_sites(folder, n_sites, n_routes, root):
    """As many files, each with a site of so many named routes."""
    os.mkdir(folder)
    for site in range(n_sites):
        name = f"site-{site:03}"
        with open(os.path.join(folder, f"{name}.conf"), "w") as file:
            file.write(f'sites: {{\n  {name}: {{\n    hosts = [ "{name}.example.com", '
                       f'"www.{name}.example.com" ];\n    routes: {{\n')
            for i in range(n_routes):
                match, rest, _, _ = route(site * n_routes + i)
                file.write(f'      route-{i:03}: {{ match = "{match}"; {rest.replace("@", root)} }}\n')
            file.write("    }\n  }\n}\n")


def nginx_locations(path, first, n, root):
    """Sorted: nginx sorts them by insertion, which takes minutes for 100,000 in any order."""
    order = sorted((route(i)[2].split()[-1], i) for i in range(first, first + n))
    with open(path, "w") as file:
        for _, i in order:
            _, _, match, body = route(i)
            file.write(f"location {match} {{ {body.replace('@', root)} }}\n")
