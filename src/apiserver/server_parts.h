/* What server.c keeps besides the shared parts, and the parts that need a cache with its first objects. */
#pragma once

#include "apiserver/first_objects.h"
#include "apiserver/server_priv.h"
#include "base/arena.h"
#include "base/thread.h"
#include "base/workers.h"

struct apiserver_options;

#define SERVICE_CIDR_DEFAULT "10.96.0.0/12"
#define NODE_PORTS_DEFAULT "30000-32767"

struct server_state {
    struct apiserver server; /* first */
    struct arena arena;
    struct first_objects first;
    struct str local_url; /* https://127.0.0.1:6443 */
    int reserved_fd;      /* holds the port; -1: none */
    bool own_metrics;
    struct thread keeper;
    struct waiter stop;
    bool keeper_ready;
};

/* Admission and the allocators of service addresses and ports. */
int server_parts_open(struct apiserver *s, const struct apiserver_options *o, struct err *err);
void server_parts_close(struct apiserver *s);
