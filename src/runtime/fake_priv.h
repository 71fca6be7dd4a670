/* runtime/fake_priv: what the files of the runtime in memory share. `lock` guards everything; the functions
 * of fake_pods.c are called with it held. */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/map.h"
#include "base/thread.h"
#include "base/vec.h"
#include "runtime/fake.h"

struct fake_sandbox {
    struct arena arena;
    struct str id, ip, handler;
    const struct cri_pod_sandbox_config *config;
    int32_t state;
    int64_t created_at;
};

struct fake_container {
    struct arena arena;
    struct str id, sandbox, image;
    const struct cri_container_config *config;
    int32_t state;
    int64_t created_at, started_at, finished_at;
    int64_t due_ns; /* exits by itself then, monotonic; INT64_MAX: never */
    int32_t due_code, code;
    struct str reason;
};

struct fake_known {
    struct arena arena;
    struct fake_image image;
};

struct fake_answer {
    struct str command, output;
    int32_t code;
};

struct fake_fault {
    unsigned times;
    int code;
    const char *message;
    bool after;
};

struct fake_event {
    struct str id;
    int32_t type;
};

struct runtime_watch {
    struct runtime_watch *next;
    struct runtime_watch_options o;
    bool ended;
};

struct fake_runtime {
    struct runtime runtime;
    struct clock *clock;
    struct mutex lock;
    struct arena arena; /* texts that live as long as this */
    VEC(struct fake_sandbox *) sandboxes;
    VEC(struct fake_container *) containers;
    VEC(struct fake_known *) images;
    VEC(struct fake_answer) answers;
    VEC(struct cri_runtime_condition) conditions;
    VEC(struct fake_event) events; /* to be told when the lock is let go */
    struct fake_fault faults[RUNTIME_METHOD_COUNT];
    int64_t delays[RUNTIME_METHOD_COUNT];
    unsigned calls[RUNTIME_METHOD_COUNT];
    unsigned next_id;
    bool ignores_term, no_events;
    struct buf journal;
    struct mutex watch_lock; /* watches */
    struct runtime_watch *watches;
};

struct fake_sandbox *fake_find_sandbox(struct fake_runtime *f, struct str id);
struct fake_container *fake_find_container(struct fake_runtime *f, struct str id);
struct fake_known *fake_find_image(struct fake_runtime *f, struct str name);

/* Containers whose time has come exit. */
void fake_settle(struct fake_runtime *f);
void fake_end_container(struct fake_runtime *f, struct fake_container *c, int32_t code, const char *reason);

/* A deep copy in the arena; the type is one of TY_CRI_…. */
void *fake_copy(struct arena *a, uint32_t type, const void *object);

/* The work of a method; err's text is set on failure. */
typedef int (*fake_fn)(struct fake_runtime *f, struct arena *a, const void *in, void *out, struct err *err);
extern const fake_fn fake_methods[RUNTIME_METHOD_COUNT];
