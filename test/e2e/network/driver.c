/* Runs the parts of network/ on objects from files, for tests in network namespaces:
 *
 *     driver overlay NODE MODE FILE     FILE: a JSON list of Node objects
 */
#include <linux/netlink.h>
#include <stdio.h>
#include <stdlib.h>

#include "api/json.h"
#include "api/types/core.h"
#include "api/types/ids.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "network/netlink.h"
#include "network/overlay.h"

static struct arena keep = ARENA_INIT;

static void fail(const struct err *err) {
    fprintf(stderr, "driver: %s\n", err->msg);
    exit(1);
}

static struct str read_text(const char *path) {
    struct buf b = BUF_INIT;
    struct err err = ERR_INIT;
    if (file_read(path, 64u << 20, &b, &err))
        fail(&err);
    struct str text = buf_to_arena(&b, &keep);
    buf_fini(&b);
    return text;
}

/* A list object of that type. */
static void *read_list(const char *path, uint32_t type) {
    void *list;
    struct err err = ERR_INIT;
    if (api_read_json(&keep, &builtin, type, read_text(path), NULL, &list, &err))
        fail(&err);
    return list;
}

static int run_overlay(char **argv) {
    const struct core_node_list *list = read_list(argv[2], TY_CORE_NODE_LIST);
    struct overlay_node *nodes = arena_new_n(&keep, list->items.n, struct overlay_node);
    size_t n = 0;
    for (uint32_t i = 0; i < list->items.n; i++)
        n += overlay_node_of(&list->items.v[i], &nodes[n]);
    struct overlay_config c = {.self = str_from(argv[0]), .mode = (enum overlay_mode)(argv[1][0] - '0')};
    static struct netlink nl = NETLINK_INIT;
    struct err err = ERR_INIT;
    if (netlink_open(&nl, NETLINK_ROUTE, &err) || overlay_apply(&nl, &c, nodes, n, &err))
        fail(&err);
    uint32_t mtu;
    for (size_t i = 0; i < n; i++)
        if (str_eq(nodes[i].name, c.self) && overlay_mtu(&nl, nodes[i].ip, c.mode, &mtu, &err) == 0)
            printf("%u\n", mtu);
    netlink_close(&nl);
    return 0;
}

int main(int argc, char **argv) {
    int status = 2;
    if (argc == 5 && strcmp(argv[1], "overlay") == 0)
        status = run_overlay(argv + 2);
    arena_fini(&keep);
    return status;
}
