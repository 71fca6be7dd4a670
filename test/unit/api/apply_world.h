/* A world of one object for tests of apply and managed fields: writes go in as JSON text with ' for ", what
 * comes out is compared as such text.
 *
 *     struct world w;
 *     world_init(&w, thing_pos(), "x.io/v1");
 *     world_apply(&w, "a", "{'spec':{'number':1}}");
 *     assert_object(&w, "{'spec':{'number':1}}");
 *     assert_managers(&w, "a Apply x.io/v1 {'f:spec':{'f:number':{}}}");
 *     world_fini(&w);
 *
 * apiVersion and kind are put in by each write and left out when objects are compared.
 */
#pragma once

#include "api/managed.h"
#include "base/arena.h"
#include "base/err.h"

struct world {
    struct arena a;
    struct pos pos;
    struct managed_request req; /* manager, config, before and after are set by each write */
    const struct jval *live;    /* NULL: not created yet */
    struct managed_result last;
    struct err err;
    int64_t now; /* advances by one second per write */
};

void world_init(struct world *w, struct pos pos, const char *api_version);
void world_fini(struct world *w);

/* ' becomes ", and apiVersion is set. */
const struct jval *world_parse(struct world *w, const char *text);

/* Each returns what managed_apply and managed_update return; the live object changes when that is 0. */
int world_apply_rc(struct world *w, const char *manager, const char *config, bool force);
int world_update_rc(struct world *w, const char *manager, const char *object);

/* The same, and must succeed. */
void world_apply(struct world *w, const char *manager, const char *config);
void world_force(struct world *w, const char *manager, const char *config);
void world_update(struct world *w, const char *manager, const char *object);

/* Writes through a subresource, then goes back. */
void world_update_sub(struct world *w, const char *subresource, const char *manager, const char *object);
void world_apply_sub(struct world *w, const char *subresource, const char *manager, const char *config);

/* The object changes without anybody being told: defaults. */
void world_default(struct world *w, const char *object);

/* Must be a conflict; lines "manager path" joined by "; ". */
void world_conflicts(struct world *w, const char *manager, const char *config, const char *expected);

/* Must be refused, with this in the text of what is wrong. */
void world_refused(struct world *w, const char *manager, const char *config, const char *problem);

/* The live object without managedFields and apiVersion. */
void assert_object(struct world *w, const char *expected);

/* "name operation version[/subresource] set" for each entry, joined by "; ". */
void assert_managers(struct world *w, const char *expected);

/* Live entries. */
struct meta_managed_fields_entry_array world_entries(struct world *w);

/* Text in the world's arena. */
const char *world_text(struct world *w, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* One managedFields entry of an Update manager, as text; the version is x.io/v1. */
const char *world_entry(struct world *w, const char *manager, const char *fields);
