/* The Thing. See thing.h. */
#include "thing.h"

#include <stdlib.h>

#include "base/err.h"

enum { T_NONE, T_THING, T_META, T_SPEC, T_STATUS, T_SUB, T_ITEM, T_PORT, T_FROZEN, T_OPEN, T_COUNT };
enum { R_NONE, R_SET, R_BY_NAME, R_BY_PORT, R_ATOMIC_MAP, R_COUNT };

static const struct row {
    int type;
    const char *name;
    uint8_t leaf, shape;
    int message, rule;
    const char *dflt;
} rows[] = {
    {T_THING, "apiVersion", LEAF_STRING, SHAPE_ONE, 0, 0, NULL},
    {T_THING, "kind", LEAF_STRING, SHAPE_ONE, 0, 0, NULL},
    {T_THING, "metadata", LEAF_MESSAGE, SHAPE_ONE, T_META, 0, NULL},
    {T_THING, "spec", LEAF_MESSAGE, SHAPE_OPT, T_SPEC, 0, NULL},
    {T_THING, "status", LEAF_MESSAGE, SHAPE_OPT, T_STATUS, 0, NULL},
    {T_META, "annotations", LEAF_STRING, SHAPE_MAP, 0, 0, NULL},
    {T_META, "finalizers", LEAF_STRING, SHAPE_LIST, 0, R_SET, NULL},
    {T_META, "labels", LEAF_STRING, SHAPE_MAP, 0, 0, NULL},
    {T_META, "managedFields", LEAF_TREE, SHAPE_LIST, 0, 0, NULL},
    {T_META, "name", LEAF_STRING, SHAPE_ONE, 0, 0, NULL},
    {T_META, "namespace", LEAF_STRING, SHAPE_ONE, 0, 0, NULL},
    {T_META, "resourceVersion", LEAF_STRING, SHAPE_ONE, 0, 0, NULL},
    {T_META, "uid", LEAF_STRING, SHAPE_ONE, 0, 0, NULL},
    {T_SPEC, "free", LEAF_TREE, SHAPE_ONE, 0, 0, NULL},
    {T_SPEC, "frozen", LEAF_MESSAGE, SHAPE_OPT, T_FROZEN, 0, NULL},
    {T_SPEC, "items", LEAF_MESSAGE, SHAPE_LIST, T_ITEM, R_BY_NAME, NULL},
    {T_SPEC, "labels", LEAF_STRING, SHAPE_MAP, 0, 0, NULL},
    {T_SPEC, "number", LEAF_I64, SHAPE_OPT, 0, 0, NULL},
    {T_SPEC, "open", LEAF_MESSAGE, SHAPE_OPT, T_OPEN, 0, NULL},
    {T_SPEC, "options", LEAF_STRING, SHAPE_MAP, 0, R_ATOMIC_MAP, NULL},
    {T_SPEC, "order", LEAF_I64, SHAPE_LIST, 0, 0, NULL},
    {T_SPEC, "ports", LEAF_MESSAGE, SHAPE_LIST, T_PORT, R_BY_PORT, NULL},
    {T_SPEC, "struct", LEAF_MESSAGE, SHAPE_OPT, T_SUB, 0, NULL},
    {T_SPEC, "subs", LEAF_MESSAGE, SHAPE_MAP, T_SUB, 0, NULL},
    {T_SPEC, "tags", LEAF_I64, SHAPE_LIST, 0, R_SET, NULL},
    {T_SPEC, "text", LEAF_STRING, SHAPE_OPT, 0, 0, NULL},
    {T_STATUS, "phase", LEAF_STRING, SHAPE_OPT, 0, 0, NULL},
    {T_STATUS, "ready", LEAF_BOOL, SHAPE_OPT, 0, 0, NULL},
    {T_SUB, "x", LEAF_I64, SHAPE_OPT, 0, 0, NULL},
    {T_SUB, "y", LEAF_I64, SHAPE_OPT, 0, 0, NULL},
    {T_SUB, "z", LEAF_STRING, SHAPE_OPT, 0, 0, NULL},
    {T_ITEM, "name", LEAF_STRING, SHAPE_ONE, 0, 0, NULL},
    {T_ITEM, "sub", LEAF_MESSAGE, SHAPE_OPT, T_SUB, 0, NULL},
    {T_ITEM, "tags", LEAF_STRING, SHAPE_LIST, 0, R_SET, NULL},
    {T_ITEM, "value", LEAF_I64, SHAPE_OPT, 0, 0, NULL},
    {T_PORT, "name", LEAF_STRING, SHAPE_OPT, 0, 0, NULL},
    {T_PORT, "port", LEAF_I64, SHAPE_ONE, 0, 0, NULL},
    {T_PORT, "protocol", LEAF_STRING, SHAPE_OPT, 0, 0, "\"TCP\""},
    {T_FROZEN, "x", LEAF_I64, SHAPE_OPT, 0, 0, NULL},
    {T_FROZEN, "y", LEAF_I64, SHAPE_OPT, 0, 0, NULL},
    {T_OPEN, "known", LEAF_I64, SHAPE_OPT, 0, 0, NULL},
};
#define ROWS (sizeof rows / sizeof *rows)
#define NAMES_MAX (ROWS + 1)

static char pool[1024];
static struct ty_name names[NAMES_MAX];
static uint32_t n_names;
static struct ty_type types[T_COUNT];
static struct ty_field fields[ROWS];
static uint16_t by_name[ROWS];
static struct ty_rule rules[R_COUNT];
static struct ty_name defaults[2] = {{0}, {.n = 5}};
static struct ty_set set;

static int text_cmp(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static uint16_t name_id(const char *name) {
    for (uint32_t i = 0; i < n_names; i++)
        if (names[i].n == strlen(name) && memcmp(pool + names[i].offset, name, names[i].n) == 0)
            return (uint16_t)i;
    panic("no name %s", name);
}

static void make_names(void) {
    const char *all[NAMES_MAX] = {""};
    size_t at = 0;
    for (size_t i = 0; i < ROWS; i++)
        all[i + 1] = rows[i].name;
    qsort(all, NAMES_MAX, sizeof *all, text_cmp);
    for (size_t i = 0; i < NAMES_MAX; i++) {
        if (i && strcmp(all[i - 1], all[i]) == 0)
            continue;
        size_t n = strlen(all[i]);
        check(at + n <= sizeof pool);
        memcpy(pool + at, all[i], n);
        names[n_names++] = (struct ty_name){.offset = (uint32_t)at, .n = (uint16_t)n};
        at += n;
    }
}

/* Rows are given in name order within each type. */
static void make_types(void) {
    for (size_t i = 0; i < ROWS; i++) {
        struct ty_type *t = &types[rows[i].type];
        if (!t->n)
            t->first = (uint16_t)i;
        by_name[i] = t->n++;
        fields[i] = (struct ty_field){.name = name_id(rows[i].name),
                                      .type = (uint16_t)rows[i].message,
                                      .leaf = rows[i].leaf,
                                      .shape = rows[i].shape,
                                      .flags = FIELD_OMITEMPTY,
                                      .rule = (uint16_t)rows[i].rule,
                                      .dflt = rows[i].dflt ? 1 : 0};
    }
    types[T_FROZEN].flags = TYPE_ATOMIC;
    types[T_OPEN].flags = TYPE_PRESERVE;
    types[T_THING].flags = TYPE_ROOT | TYPE_OBJECT_META;
    rules[R_SET].list_type = LIST_SET;
    rules[R_BY_NAME] = (struct ty_rule){.list_type = LIST_MAP, .n_keys = 1, .keys = {name_id("name")}};
    rules[R_BY_PORT] =
        (struct ty_rule){.list_type = LIST_MAP, .n_keys = 2, .keys = {name_id("protocol"), name_id("port")}};
    rules[R_ATOMIC_MAP].map_atomic = 1;
}

struct pos thing_pos(void) {
    if (!set.pool) {
        make_names();
        make_types();
        set = (struct ty_set){.pool = pool,
                              .names = names,
                              .types = types,
                              .fields = fields,
                              .by_name = by_name,
                              .rules = rules,
                              .defaults = defaults,
                              .default_text = "\"TCP\"",
                              .n_names = n_names,
                              .n_types = T_COUNT,
                              .n_fields = ROWS,
                              .n_rules = R_COUNT};
    }
    return pos_type(&set, T_THING);
}
