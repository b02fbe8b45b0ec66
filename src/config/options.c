/* options.c - see options.h. Defaults and ranges stand here and nowhere else. */
#include "config/options.h"

#include "config/config.h"

#define MSEC NSEC_PER_MSEC
#define DAY (24 * 3600 * NSEC_PER_SEC)
#define GIB INT64_C(1073741824)

static const char *const log_levels[] = { "error", "warning", "info", "debug", NULL };

static const char *const on_error_choices[] = { "refuse", "keep", NULL };

const struct option top_options[] = {
    OPT_INT(struct top_conf, loops, "loops", 0, 0, 1024,
            "Event loops, each a thread of its own. 0: as many as the process may use cores. "
            "Changing it needs a restart."),
    OPT_STR(struct top_conf, access_log, "access_log", "off",
            "Where requests are logged: \"off\", \"stdout\", or a file, whose path starts at the "
            "directory of this file if it is relative. A group instead says the format too."),
    OPT_ENUM(struct top_conf, log_level, "log_level", "info", log_levels,
             "What is written to the log on standard error: that and what is more severe, and "
             "always what came of a reload. "
             "\"debug\" also counts the requests of each route, and its time-outs, when it ends; "
             "and at the end of the daemon the files that were known, looked up and read."),
    OPT_STRS(struct top_conf, include, "include", NULL,
             "Further files, as glob patterns relative to this file. Each is read by itself and "
             "may hold listeners, pools, routes, sites and include. A pattern without wildcard "
             "must name a file that exists."),
    OPTION_ROW(struct top_conf, errors, struct strs, OPTION_STRS, "errors", .is_path = true,
               .about = "Pages for errors, each spelled \"404 FILE\" or \"500-599 FILE\", of the "
                        "site default and of sites that have none of their own."),
    OPT_ENUM(struct top_conf, on_error, "on_error", "refuse", on_error_choices,
             "What an error in an included file does to a reload: \"refuse\" refuses all of it, "
             "\"keep\" leaves the sites of that file as they were and loads the rest; see "
             "INCLUDED FILES. A start and muxd check need all files to be good."),
    OPT_END
};

static const char *const access_formats[] = { "combined", "json", NULL };

const struct option access_options[] = {
    OPT_STR(struct access_conf, path, "path", REQUIRED,
            "\"off\", \"stdout\" or a file, as without the group."),
    OPT_ENUM(struct access_conf, format, "format", "combined", access_formats,
             "What a line looks like."),
    OPT_END
};

const struct option listener_options[] = {
    OPT_STR(
        struct conf_listener, address_text, "address", REQUIRED,
        "Where to listen: \"*:8080\", \"127.0.0.1:80\", \"[::1]:80\", \"unix:/run/x.sock\", "
        "or \"systemd:NAME\" for the inherited sockets of that name. The file of a unix socket is "
        "made with the umask of the process, and who connects needs to be allowed to write it. "
        "An IP address may come up later than muxd does, so one that the machine does not have "
        "is no error."),
    OPT_END
};

const struct option timeouts_options[] = {
    OPT_TIME(
        struct timeouts, header, "header", "10s", MSEC, DAY,
        "For a whole request head to arrive, from its first byte on. A new connection has as long "
        "for that first byte."),
    OPT_TIME(struct timeouts, body, "body", "30s", MSEC, DAY,
             "Between two pieces of a request body."),
    OPT_TIME(
        struct timeouts, idle, "idle", "60s", MSEC, DAY,
        "How long a connection without a request stays open once it has had one; before that it "
        "is the time of \"header\"."),
    OPT_TIME(struct timeouts, write, "write", "30s", MSEC, DAY,
             "For a client to take some of what is sent to it."),
    OPT_TIME(
        struct timeouts, handler, "handler", "60s", MSEC, DAY,
        "For a handler to begin its response; the client then gets 504. It begins anew while the "
        "handler takes in a request body, and cuts off a response that pauses as long."),
    OPT_TIME(struct timeouts, drain, "drain", "5s", 0, DAY,
             "How long requests may go on once the daemon is told to stop."),
    OPT_END
};

const struct option limits_options[] = {
    OPT_SIZE(struct limits, request_line, "request_line", "8K", 64, MIB(1),
             "Of the request line; a longer one gets 414."),
    OPT_SIZE(struct limits, header, "header", "32K", 256, MIB(16),
             "Of all header field lines together; more get 431."),
    OPT_INT(struct limits, fields, "fields", 100, 1, 10000,
            "How many header fields a request may have; more get 431."),
    OPT_SIZE(struct limits, body, "body", "16G", 0, INT64_MAX,
             "Of a request body; a larger one gets 413."),
    OPT_INT(
        struct limits, connections, "connections", 0, 0, 10000000,
        "Connections at once. At the bound the one that has been idle the longest is closed for "
        "a new one, and where none is idle for a second, the new one gets 503. 0: three "
        "quarters of the descriptors the process may open, for files take some too."),
    OPT_INT(struct limits, connections_per_client, "connections_per_client", 0, 0, 10000000,
            "Connections at once from one IPv4 address, or from one IPv6 network of 64 bits; more "
            "get 503. A change counts connections from then on. 0: no such bound, as behind a "
            "proxy, whose address all share."),
    OPT_SIZE(struct limits, buffers, "buffers", "256M", MIB(1), INT64_C(1) << 50,
             "Memory for requests and responses on their way, of all connections together; past it "
             "requests get 503. Idle connections take none."),
    OPT_SIZE(struct limits, body_rate, "body_rate", "250", 0, GIB,
             "Bytes a second that a request body that is waited for must bring on average; judged "
             "whenever that waiting has come to the time \"body\" of timeouts. A slower one gets "
             "408. 0: no such bound."),
    OPT_SIZE(struct limits, write_rate, "write_rate", "250", 0, GIB,
             "Bytes a second that a client must take on average while it is waited for; judged "
             "whenever that waiting has come to the time \"write\" of timeouts. A slower one is "
             "cut off. 0: no such bound."),
    OPT_SIZE(struct limits, file_cache, "file_cache", "128M", 0, INT64_C(1) << 50,
             "Memory for what is kept of files that are asked for often, of all loops together, "
             "which divide it equally. 0: each request looks for its file."),
    OPT_END
};

const struct option pool_options[] = {
    OPT_INT(struct conf_pool, threads, "threads", 16, 1, 4096, "At most that many threads."),
    OPT_INT(struct conf_pool, queue, "queue", 1024, 0, 1000000,
            "Jobs that may wait for a thread; past it requests get 503."),
    OPT_TIME(struct conf_pool, queue_time, "queue_time", "5s", MSEC, DAY,
             "How long a job may wait for a thread; then its request gets 503."),
    OPT_TIME(struct conf_pool, idle, "idle", "30s", MSEC, DAY,
             "A thread without work ends after that time."),
    OPT_END
};

const struct option site_options[] = {
    OPT_STRS(struct site, hosts, "hosts", REQUIRED,
             "The hosts it answers for: names, \"*.example.org\" for all below a name, \"*\" for "
             "all that no other site has. Of several that fit the most specific wins."),
    OPT_STRS(struct site, listen, "listen", NULL,
             "Names of its listeners. Default: all of them, so where a listener is for one site "
             "alone, the others need this."),
    OPTION_ROW(struct site, errors, struct strs, OPTION_STRS, "errors", .is_path = true,
               .about = "Pages for errors, each spelled \"404 FILE\" or \"500-599 FILE\". Default: "
                        "those of the top level."),
    OPT_END
};

static const char *const run_choices[] = { "loop", "pool", NULL };

const struct option route_options[] = {
    OPT_STR(struct route_conf, match, "match", REQUIRED,
            "The pattern \"[METHOD ][HOST]/path\": \"/x\" is exactly that, \"/x/\" all below, "
            "\"{id}\" one segment, \"{tail...}\" the rest, \"{$}\" the end; see muxd-routes(7)."),
    OPT_ENUM(struct route_conf, run, "run", "loop", run_choices,
             "Where the handler runs; \"pool\" for one that may block."),
    OPT_STR(struct route_conf, pool, "pool", "default", "The pool for what the route offloads."),
    OPT_INT(struct route_conf, share, "share", 0, 0, 1000000,
            "How many of its jobs may be in the pool at once, waiting ones included; past it "
            "requests get 503. 0: no bound but the pool's."),
    OPT_END
};

const struct config_section config_sections[] = {
    { "", top_options, false, false, "Outside of all groups." },
    { "access_log", access_options, false, false,
      "Instead of the string of that name above, where the format is to be said too." },
    { "listeners", listener_options, true, true,
      "Where connections come in. Without this section one listener, http, is at \"*:8080\"." },
    { "timeouts", timeouts_options, false, false, "How long things may take." },
    { "limits", limits_options, false, false,
      "How large requests may be, how many connections, and how slow." },
    { "pools", pool_options, true, true,
      "Pools of threads for what may block. The pool default is always there." },
    { "routes", route_options, true, true,
      "What is served, by pattern. Outside of a site they are the routes of the site default, "
      "which answers for all hosts that no other site has. A route has one handler and any "
      "filters." },
    { "sites", site_options, true, true,
      "Hosts with routes of their own. A request never falls from one site to another." },
    { NULL, NULL, false, false, NULL },
};
