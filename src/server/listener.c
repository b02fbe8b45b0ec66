/* listener.c - see listener.h. The main thread. */
#include "server/listener.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "server/notify.h"

#define BACKLOG 4096      /* the kernel cuts it to net.core.somaxconn */
#define INHERITED_MAX 64u /* sockets of one name */

static bool has_file(const struct sock_addr *address)
{
    return address->kind == SOCK_KIND_UNIX && address->un.sun_path[0] != '\0';
}

int listener_open(struct listener *l, const struct conf_listener *conf, unsigned n, bool beside)
{
    int r;

    *l = (struct listener){ .address = conf->address, .conf = conf };
    list_init(&l->node);
    l->fds = calloc(max_of(n, INHERITED_MAX), sizeof *l->fds);
    l->uses = calloc(max_of(n, INHERITED_MAX), sizeof *l->uses);
    if (l->fds == NULL || l->uses == NULL) {
        listener_close(l);
        return -ENOMEM;
    }
    if (conf->address.kind == SOCK_KIND_SYSTEMD) {
        r = notify_listen_fds(conf->address.name, l->fds, INHERITED_MAX);
        l->n_fds = r < 0 ? 0 : (unsigned)r;
    } else {
        r = sock_listen(&conf->address, BACKLOG, beside, n, l->fds, &l->n_fds);
    }
    if (r < 0) {
        listener_close(l);
        return r;
    }
    struct stat st;
    if (has_file(&l->address) && stat(conf->address.un.sun_path, &st) == 0) {
        l->dev = st.st_dev;
        l->ino = st.st_ino;
    }
    l->shared = l->n_fds < n || conf->address.kind == SOCK_KIND_SYSTEMD;
    return 0;
}

void listener_hide(struct listener *l)
{
    struct stat st;

    if (has_file(&l->address) && l->ino != 0 && stat(l->address.un.sun_path, &st) == 0 &&
        st.st_dev == l->dev && st.st_ino == l->ino)
        unlink(l->address.un.sun_path);
    l->ino = 0; /* another's may get its number */
}

void listener_close(struct listener *l)
{
    if (l == NULL)
        return;
    listener_hide(l);
    for (unsigned i = 0; i < l->n_fds; i++)
        if (l->fds[i] >= 0)
            close(l->fds[i]);
    free(l->fds);
    free(l->uses);
    l->fds = NULL;
    l->uses = NULL;
    l->n_fds = 0;
}

void listener_use(struct listener *l, unsigned i)
{
    atomic_fetch_add(&l->uses[i], 1);
}

void listener_unuse(struct listener *l, unsigned i)
{
    if (atomic_fetch_sub(&l->uses[i], 1) != 1)
        return;
    close(l->fds[i]);
    l->fds[i] = -1;
}

void listener_text(const struct listener *l, char *buf)
{
    struct sockaddr_storage addr = { .ss_family = AF_UNSPEC };
    socklen_t len = sizeof addr;

    (void)getsockname(l->fds[0], (struct sockaddr *)&addr, &len);
    sock_text((struct sockaddr *)&addr, len, buf);
}

const char *listener_error(const struct conf_listener *conf, int error)
{
    if (error == -ENOENT && conf->address.kind == SOCK_KIND_SYSTEMD)
        return "the service manager passed no socket of that name";
    if (error == -E2BIG)
        return "the service manager passed more than 64 sockets of that name";
    if (error == -EACCES)
        return "Permission denied (ports below 1024 need CAP_NET_BIND_SERVICE)";
    return strerrordesc_np(-error);
}
