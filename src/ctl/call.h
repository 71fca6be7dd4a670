/* ctl/call: requests to the API server: what is sent, what came back, and what that means for the user.
 *
 * Answers lie in the invocation's arena. Blocks. Warnings that the server sends along are printed once each.
 */
#pragma once

#include "ctl/ctl.h"

struct resource;
struct watch;

struct request {
    const char *method; /* NULL: GET */
    struct str path;    /* with query, escaped */
    const char *accept; /* NULL: application/json */
    const char *content_type;
    struct str body;     /* absent: none */
    unsigned timeout_ms; /* 0: --request-timeout, or none */
    struct str what;     /* "get pods x", for refusals without a Status; may be absent */
};

struct answer {
    int http_code;
    struct str content_type;
    struct str body;
    struct jval tree; /* of JSON answers */
};

/* 0 for every answer below 400. With p->http_code the server said no; else it was not reached. ret may be
 * NULL. */
int ctl_call(struct ctl *c, const struct request *r, struct answer *ret, struct problem *p);

/* The problem that a Status makes. http_code 0: the Status's own. */
int problem_of_status(struct ctl *c, struct problem *p, int http_code, const struct jval *status);
/* The same for an answer without a Status; what as in struct request. */
int problem_of_code(struct ctl *c, struct problem *p, int http_code, struct str what);
/* What ERR_IO and its like mean when the server could not be reached. */
int problem_of_connection(struct ctl *c, struct problem *p, const struct err *err);

/* "/api/v1/namespaces/x/pods/y/log", escaped. ns: for namespaced resources, "" is all namespaces; name and
 * sub "": none. */
struct str resource_path(struct ctl *c, const struct resource *r, struct str ns, struct str name,
                         struct str sub);
/* Appends name=value to a path in a buffer, behind ? or &; nothing when value is empty. */
void query_add(struct buf *path, const char *name, struct str value);
/* Percent-escapes one step of a path, or a value. */
void url_escape(struct buf *out, struct str s);

/* -- objects -- */

#define ACCEPT_TABLE "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"

struct get_options {
    const char *accept;     /* NULL: the plain object */
    bool include_object;    /* in the rows of tables: all of it */
    struct str subresource; /* "": none */
};
int object_get_as(struct ctl *c, const struct resource *r, struct str ns, struct str name,
                  const struct get_options *o, struct jval *ret, struct problem *p);
int object_get(struct ctl *c, const struct resource *r, struct str ns, struct str name, struct jval *ret,
               struct problem *p);

struct write_options {
    bool dry_run;             /* on the server */
    struct str field_manager; /* "": none */
    struct str validation;    /* Strict, Warn, Ignore; "": none is said */
    struct str subresource;
    bool force; /* apply */
};

/* What was stored is *ret (may be NULL). */
int object_create(struct ctl *c, const struct resource *r, struct str ns, const struct jval *object,
                  const struct write_options *o, struct jval *ret, struct problem *p);
int object_replace(struct ctl *c, const struct resource *r, struct str ns, struct str name,
                   const struct jval *object, const struct write_options *o, struct jval *ret,
                   struct problem *p);

enum patch_type { PATCH_JSON, PATCH_MERGE_DOC, PATCH_STRATEGIC, PATCH_APPLY };
int object_patch(struct ctl *c, const struct resource *r, struct str ns, struct str name,
                 enum patch_type type, struct str patch, const struct write_options *o, struct jval *ret,
                 struct problem *p);

struct delete_options {
    int64_t grace_seconds;  /* < 0: the object's own */
    struct str propagation; /* Background, Foreground, Orphan; "": the kind's default */
    struct str uid;         /* precondition; "": none */
    bool dry_run;           /* on the server */
};
/* *ret: the object when it still is there for a while, or a Status. May be NULL. */
int object_delete(struct ctl *c, const struct resource *r, struct str ns, struct str name,
                  const struct delete_options *o, struct jval *ret, struct problem *p);

/* One page after the other: all items of a list, and the last page's list without them. limit: of a page; 0:
 * one page. */
struct list_options {
    struct str label_selector, field_selector, resource_version;
    const char *accept;  /* NULL: plain objects */
    bool include_object; /* in the rows of tables: all of it */
    int64_t limit;
};
/* each: called per page; nonzero ends it. */
int object_list(struct ctl *c, const struct resource *r, struct str ns, const struct list_options *o,
                int (*each)(void *arg, const struct jval *page), void *arg, struct problem *p);
/* The same as one array. */
int object_list_all(struct ctl *c, const struct resource *r, struct str ns, const struct list_options *o,
                    struct jval *ret_items, struct problem *p);

/* -- watches -- */

struct watch_options {
    struct str label_selector, field_selector, resource_version;
    const char *accept;
    bool include_object;
    bool bookmarks;
};

/* Follows a list from a version on. Free with watch_free. */
int watch_open(struct ctl *c, const struct resource *r, struct str ns, const struct watch_options *o,
               struct watch **ret, struct problem *p);
/* The next event's type (ADDED, …) and object, in `a`. timeout_ms < 0: for ever. *ret_type is "" when time is
 * up, and absent when the server ended the watch (open it again). An ERROR event is a problem. */
int watch_next(struct watch *w, struct arena *a, int64_t timeout_ms, struct str *ret_type,
               struct jval *ret_object, struct problem *p);
void watch_free(struct watch *w);
#define _cleanup_watch __attribute__((cleanup(watch_cleanup)))
void watch_cleanup(struct watch **w);
