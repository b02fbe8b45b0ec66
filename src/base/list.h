/*
 * list.h - an intrusive doubly linked list with a head. A node is on at most one
 * list; an unlinked node points at itself, so list_remove() may be called twice.
 * No locks: the list belongs to one thread or to a named mutex.
 */
#ifndef MUXD_BASE_LIST_H
#define MUXD_BASE_LIST_H

#include "base/def.h"

struct list {
    struct list *prev, *next;
};

static inline void list_init(struct list *l)
{
    l->prev = l->next = l;
}
static inline bool list_empty(const struct list *l)
{
    return l->next == l;
}
static inline bool list_linked(const struct list *node)
{
    return node->next != node;
}
static inline void list_insert_after(struct list *at, struct list *node)
{
    node->prev = at;
    node->next = at->next;
    at->next->prev = node;
    at->next = node;
}
static inline void list_push_front(struct list *head, struct list *node)
{
    list_insert_after(head, node);
}
static inline void list_push_back(struct list *head, struct list *node)
{
    list_insert_after(head->prev, node);
}
static inline void list_remove(struct list *node)
{
    node->prev->next = node->next;
    node->next->prev = node->prev;
    list_init(node);
}
/* The first node, unlinked, or NULL. */
static inline struct list *list_pop_front(struct list *head)
{
    struct list *node = head->next;

    if (node == head)
        return NULL;
    list_remove(node);
    return node;
}
/* Moves all of `from` behind the last of `to`; `from` is empty then. */
static inline void list_splice_back(struct list *to, struct list *from)
{
    if (list_empty(from))
        return;
    from->next->prev = to->prev;
    to->prev->next = from->next;
    from->prev->next = to;
    to->prev = from->prev;
    list_init(from);
}

#define list_first(head, type, member) container_of((head)->next, type, member)
#define list_last(head, type, member) container_of((head)->prev, type, member)
/* The body must not unlink any node but the current one (list_each_safe). */
#define list_each(it, head, type, member)                                                          \
    for (type *it = container_of((head)->next, type, member); &it->member != (head);               \
         it = container_of(it->member.next, type, member))
#define list_each_safe(it, head, type, member)                                                     \
    for (type *it = container_of((head)->next, type, member),                                      \
              *it##_next = container_of(it->member.next, type, member);                            \
         &it->member != (head);                                                                    \
         it = it##_next, it##_next = container_of(it##_next->member.next, type, member))

#endif
