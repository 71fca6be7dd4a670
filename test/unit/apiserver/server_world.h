/* An API server without doors for tests: cache over an inline memory store, on a simulated clock, and
 * requests that are given as a client would write them.
 *
 *     struct server_world w;
 *     server_world_init(&w);
 *     struct server_answer r = server_post(&w, "/api/v1/namespaces/default/configmaps", "{…}");
 *     assert_int_equal(r.code, 201);
 *     assert_field(r, "metadata.generation", "1");
 *     server_world_fini(&w);
 *
 * No authorisation and no admission unless the test puts them into w.server. What is returned lives until the
 * world ends.
 */
#pragma once

#include "api/object.h"
#include "apiserver/call.h"
#include "apiserver/server_priv.h"
#include "base/arena.h"
#include "codec/jval.h"

#define SERVER_WORLD_WALL_NS INT64_C(1767225600000000000) /* 2026-01-01T00:00:00Z */

struct server_world {
    struct apiserver server; /* parts may be replaced or added before the first request */
    struct sim *sim;
    struct loop *loop;
    struct user user;      /* who asks; system:admin of system:masters */
    struct str user_agent; /* "unit/1" */
    struct arena arena;
};

void server_world_init(struct server_world *w);
void server_world_fini(struct server_world *w);

struct server_answer {
    int code;
    struct jval tree;            /* what the client would read: object or status */
    struct str text;             /* the same as JSON */
    struct str reason, message;  /* of failures */
    uint64_t rv;                 /* of objects */
    const struct object *object; /* the world holds a reference; NULL: none came */
    const struct str *warnings;
    size_t n_warnings;
};

/* type: a Content-Type; NULL: JSON. body: NULL: none. */
struct server_answer server_request(struct server_world *w, const char *method, const char *url,
                                    const char *type, struct str body);
struct server_answer server_get(struct server_world *w, const char *url);
struct server_answer server_post(struct server_world *w, const char *url, const char *json);
struct server_answer server_put(struct server_world *w, const char *url, const char *json);
/* type: "json", "merge", "strategic", "apply" */
struct server_answer server_patch(struct server_world *w, const char *url, const char *type,
                                  const char *text);
struct server_answer server_delete(struct server_world *w, const char *url, const char *options);

/* A call made by hand: runs it to its done. */
struct call *server_call(struct server_world *w, const char *method, const char *url);
struct server_answer server_run(struct server_world *w, struct call *c);

/* The text of a field of the answer by dotted path ("metadata.labels.app", "items.0.x"); numbers and the rest
 * as JSON; STR_NONE: absent. */
struct str server_field(struct server_world *w, const struct server_answer *r, const char *dotted);
#define assert_field(answer_, dotted_, expected_)                                                            \
    assert_str(server_field(&w, &(answer_), (dotted_)), (expected_))

/* The code, or the answer's text in the failure. */
#define assert_answer(answer_, code_)                                                                        \
    do {                                                                                                     \
        struct server_answer got_ = (answer_);                                                               \
        if (got_.code != (code_))                                                                            \
            print_message("%.*s\n", STR_ARG(got_.text));                                                     \
        assert_int_equal(got_.code, (code_));                                                                \
    } while (0)
