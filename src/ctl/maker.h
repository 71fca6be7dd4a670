/* ctl/maker: objects that commands make from flags: built as trees, given the form that upstream's types
 * print, shown or created. First thread; everything lies in the invocation's arena.
 */
#pragma once

#include "ctl/flags_common.h"
#include "ctl/print.h"

struct resource;

#define FLAGS_MAKE(manager_)                                                                                 \
    FLAGS_PRINT, FLAG_DRY_RUN, FLAG_FIELD_MANAGER(manager_), FLAG_VALIDATE, {                                \
        "save-config", 0, OPT_BOOL, .help = "Note the configuration in an annotation, for apply."            \
    }

#define FLAGS_OVERRIDE                                                                                       \
    {"overrides", 0, OPT_STRING, .help = "JSON that is put over what is made."}, {                           \
        "override-type", 0, OPT_STRING, "merge", .help = "How it is put over: json, merge or strategic."     \
    }

struct maker {
    struct ctl *c;
    struct jval object; /* what was stored, afterwards */
    const char *done;   /* NULL: "created" */
    bool quiet;         /* says nothing when it is done */
};

/* The only argument, or what is wrong with their number. */
int maker_name(struct ctl *c, struct str *ret, struct problem *p);
/* Behind "--". */
struct jval maker_command(struct ctl *c);

void maker_init(struct maker *m, struct ctl *c, const char *api_version, const char *kind, struct str name);
/* At dotted paths. */
void maker_set(struct maker *m, const char *dotted, struct jval value);
void maker_str(struct maker *m, const char *dotted, struct str value); /* nothing when it is empty */
void maker_int(struct maker *m, const char *dotted, int64_t value);
/* A map's entry whose key may have dots: path to the map, key. */
void maker_entry(struct maker *m, const char *dotted, struct str key, struct jval value);
/* {"a": …, "b": …} of literal keys, ended by NULL: jpairs. */
struct jval tree_of_pairs(struct ctl *c, const char *key, ...) __attribute__((sentinel));
struct jval tree_of_texts(struct ctl *c, const struct str *v, size_t n);

/* --overrides, --override-type. */
int maker_override(struct maker *m, struct problem *p);

/* As upstream's types print it: fields that always are there are. Objects of unknown kinds stay. */
struct jval typed_form(struct ctl *c, const struct jval *object);
/* The same as JSON text in the order of the types' fields. */
struct str typed_json(struct ctl *c, const struct jval *object);

/* --dry-run, --save-config, -o: creates it and says so. failure: what stands before the server's refusal
 * ("failed to create deployment:"); NULL: nothing does. Returns the exit status. */
int maker_run(struct maker *m, const char *failure);
/* --validate as the server's parameter. */
int ctl_validation(struct ctl *c, struct str *ret, struct problem *p);
