/* What the runtime in memory does for each call. See fake.h. */
#include <stdio.h>
#include <stdlib.h>

#include "api/json.h"
#include "api/types/ids.h"
#include "runtime/fake_priv.h"

enum { SANDBOX_READY, SANDBOX_NOTREADY };
enum { CREATED, RUNNING, EXITED };
enum { EVENT_CREATED, EVENT_STARTED, EVENT_STOPPED, EVENT_DELETED };

#define SIGKILL_CODE 137
#define SIGTERM_CODE 143

void *fake_copy(struct arena *a, uint32_t type, const void *object) {
    return api_copy(a, &builtin, type, object);
}

struct fake_sandbox *fake_find_sandbox(struct fake_runtime *f, struct str id) {
    vec_foreach (s, &f->sandboxes)
        if (str_eq((*s)->id, id))
            return *s;
    return NULL;
}

struct fake_container *fake_find_container(struct fake_runtime *f, struct str id) {
    vec_foreach (c, &f->containers)
        if (str_eq((*c)->id, id))
            return *c;
    return NULL;
}

/* By name, or by the id that is made of it. */
struct fake_known *fake_find_image(struct fake_runtime *f, struct str name) {
    if (str_has_prefix(name, S("sha256:")))
        name = str_from_byte(name, 7);
    vec_foreach (i, &f->images)
        if (str_eq((*i)->image.name, name))
            return *i;
    return NULL;
}

static int no_container(struct str id, struct err *err) {
    return err_set(err, ERR_NOT_FOUND, "container \"%.*s\": not found", STR_ARG(id));
}

static int no_sandbox(struct str id, struct err *err) {
    return err_set(err, ERR_NOT_FOUND, "sandbox \"%.*s\": not found", STR_ARG(id));
}

static void tell(struct fake_runtime *f, struct str id, int32_t type) {
    struct fake_event e = {arena_str(&f->arena, id), type};
    vec_push(&f->events, e);
}

void fake_end_container(struct fake_runtime *f, struct fake_container *c, int32_t code, const char *reason) {
    if (c->state != RUNNING)
        return;
    c->state = EXITED;
    c->finished_at = clock_wall_ns(f->clock);
    c->code = code;
    c->reason = arena_str(&c->arena, str_from(reason ? reason : code ? "Error" : "Completed"));
    c->due_ns = INT64_MAX;
    tell(f, c->id, EVENT_STOPPED);
}

void fake_settle(struct fake_runtime *f) {
    int64_t now = clock_mono_ns(f->clock);
    vec_foreach (c, &f->containers)
        if ((*c)->state == RUNNING && (*c)->due_ns <= now)
            fake_end_container(f, *c, (*c)->due_code, NULL);
}

/* --- sandboxes --- */

static int run_sandbox(struct fake_runtime *f, struct arena *a, const void *in, void *out, struct err *err) {
    (void)err;
    const struct cri_run_pod_sandbox_request *q = in;
    struct fake_sandbox *s = calloc(1, sizeof *s);
    if (!s)
        panic("out of memory");
    unsigned n = ++f->next_id;
    s->id = arena_printf(&s->arena, "s%u", n);
    s->ip = arena_printf(&s->arena, "10.88.%u.%u", n >> 8 & 255, n & 255);
    s->handler = arena_str(&s->arena, q->runtime_handler);
    s->config = fake_copy(&s->arena, TY_CRI_POD_SANDBOX_CONFIG, q->config);
    s->created_at = clock_wall_ns(f->clock);
    vec_push(&f->sandboxes, s);
    struct str name = q->config->metadata ? q->config->metadata->name : S("");
    buf_printf(&f->journal, "RunPodSandbox %.*s\n", STR_ARG(name));
    ((struct cri_run_pod_sandbox_response *)out)->pod_sandbox_id = arena_str(a, s->id);
    tell(f, s->id, EVENT_STARTED);
    return 0;
}

static void stop_sandbox_now(struct fake_runtime *f, struct fake_sandbox *s) {
    vec_foreach (c, &f->containers)
        if (str_eq((*c)->sandbox, s->id))
            fake_end_container(f, *c, SIGKILL_CODE, "Error");
    if (s->state == SANDBOX_READY)
        tell(f, s->id, EVENT_STOPPED);
    s->state = SANDBOX_NOTREADY;
}

static int stop_sandbox(struct fake_runtime *f, struct arena *a, const void *in, void *out, struct err *err) {
    (void)a;
    (void)out;
    (void)err;
    struct str id = ((const struct cri_stop_pod_sandbox_request *)in)->pod_sandbox_id;
    struct fake_sandbox *s = fake_find_sandbox(f, id);
    buf_printf(&f->journal, "StopPodSandbox %.*s\n", STR_ARG(id));
    if (s) /* fine when it is gone */
        stop_sandbox_now(f, s);
    return 0;
}

static void free_container(struct fake_runtime *f, size_t i) {
    struct fake_container *c = f->containers.v[i];
    vec_remove(&f->containers, i);
    tell(f, c->id, EVENT_DELETED);
    arena_fini(&c->arena);
    free(c);
}

static int remove_sandbox(struct fake_runtime *f, struct arena *a, const void *in, void *out,
                          struct err *err) {
    (void)a;
    (void)out;
    (void)err;
    struct str id = ((const struct cri_remove_pod_sandbox_request *)in)->pod_sandbox_id;
    struct fake_sandbox *s = fake_find_sandbox(f, id);
    buf_printf(&f->journal, "RemovePodSandbox %.*s\n", STR_ARG(id));
    if (!s)
        return 0;
    stop_sandbox_now(f, s);
    for (size_t i = f->containers.n; i-- > 0;)
        if (str_eq(f->containers.v[i]->sandbox, id))
            free_container(f, i);
    for (size_t i = 0; i < f->sandboxes.n; i++)
        if (f->sandboxes.v[i] == s) {
            vec_remove(&f->sandboxes, i);
            break;
        }
    arena_fini(&s->arena);
    free(s);
    return 0;
}

static struct cri_pod_sandbox_status *sandbox_status_in(struct arena *a, const struct fake_sandbox *s) {
    struct cri_pod_sandbox_status *out = arena_new(a, struct cri_pod_sandbox_status);
    *out = (struct cri_pod_sandbox_status){.id = s->id,
                                           .metadata = s->config->metadata,
                                           .state = s->state,
                                           .created_at = s->created_at,
                                           .labels = s->config->labels,
                                           .annotations = s->config->annotations,
                                           .runtime_handler = s->handler};
    const struct cri_linux_pod_sandbox_config *l = s->config->linux_;
    out->network = arena_new(a, struct cri_pod_sandbox_network_status);
    bool on_host = l && l->security_context && l->security_context->namespace_options &&
                   l->security_context->namespace_options->network == 2;
    out->network->ip = on_host ? S("") : s->ip;
    return fake_copy(a, TY_CRI_POD_SANDBOX_STATUS, out);
}

static int sandbox_status(struct fake_runtime *f, struct arena *a, const void *in, void *out,
                          struct err *err) {
    struct str id = ((const struct cri_pod_sandbox_status_request *)in)->pod_sandbox_id;
    struct fake_sandbox *s = fake_find_sandbox(f, id);
    if (!s)
        return no_sandbox(id, err);
    ((struct cri_pod_sandbox_status_response *)out)->status = sandbox_status_in(a, s);
    return 0;
}

static bool has_labels(struct str_map have, struct str_map want) {
    for (uint32_t i = 0; i < want.n; i++)
        if (!str_eq(str_map_get(have, want.v[i].key), want.v[i].value))
            return false;
    return true;
}

static bool sandbox_matches(const struct fake_sandbox *s, const struct cri_pod_sandbox_filter *q) {
    return !q || ((!q->id.n || str_eq(q->id, s->id)) && (!q->state || q->state->state == s->state) &&
                  has_labels(s->config->labels, q->label_selector));
}

static int list_sandboxes(struct fake_runtime *f, struct arena *a, const void *in, void *out,
                          struct err *err) {
    (void)err;
    const struct cri_list_pod_sandbox_request *q = in;
    struct cri_list_pod_sandbox_response *r = out;
    r->items.v = arena_new_n(a, f->sandboxes.n, struct cri_pod_sandbox);
    vec_foreach (at, &f->sandboxes) {
        const struct fake_sandbox *s = *at;
        if (!sandbox_matches(s, q->filter))
            continue;
        struct cri_pod_sandbox p = {.id = s->id,
                                    .metadata = s->config->metadata,
                                    .state = s->state,
                                    .created_at = s->created_at,
                                    .labels = s->config->labels,
                                    .annotations = s->config->annotations,
                                    .runtime_handler = s->handler};
        r->items.v[r->items.n++] = *(struct cri_pod_sandbox *)fake_copy(a, TY_CRI_POD_SANDBOX, &p);
    }
    return 0;
}

/* --- containers --- */

static int create_container(struct fake_runtime *f, struct arena *a, const void *in, void *out,
                            struct err *err) {
    const struct cri_create_container_request *q = in;
    struct str image = q->config->image ? q->config->image->image : S("");
    struct fake_known *known = fake_find_image(f, image);
    if (!fake_find_sandbox(f, q->pod_sandbox_id))
        return no_sandbox(q->pod_sandbox_id, err);
    if (!known || !known->image.pulled)
        return err_set(err, ERR_NOT_FOUND, "image \"%.*s\": not found", STR_ARG(image));
    struct fake_container *c = calloc(1, sizeof *c);
    if (!c)
        panic("out of memory");
    c->id = arena_printf(&c->arena, "c%u", ++f->next_id);
    c->sandbox = arena_str(&c->arena, q->pod_sandbox_id);
    c->image = arena_str(&c->arena, image);
    c->config = fake_copy(&c->arena, TY_CRI_CONTAINER_CONFIG, q->config);
    c->state = CREATED;
    c->created_at = clock_wall_ns(f->clock);
    c->due_ns = INT64_MAX;
    vec_push(&f->containers, c);
    buf_printf(&f->journal, "CreateContainer %.*s\n", STR_ARG(c->config->metadata->name));
    ((struct cri_create_container_response *)out)->container_id = arena_str(a, c->id);
    tell(f, c->id, EVENT_CREATED);
    return 0;
}

static int start_container(struct fake_runtime *f, struct arena *a, const void *in, void *out,
                           struct err *err) {
    (void)a;
    (void)out;
    struct str id = ((const struct cri_start_container_request *)in)->container_id;
    struct fake_container *c = fake_find_container(f, id);
    if (!c)
        return no_container(id, err);
    if (c->state != CREATED)
        return err_set(err, ERR_INTERNAL, "container \"%.*s\" is not in created state", STR_ARG(id));
    c->state = RUNNING;
    c->started_at = clock_wall_ns(f->clock);
    const struct fake_known *known = fake_find_image(f, c->image);
    if (known && !known->image.runs_for_ever) {
        c->due_ns = clock_mono_ns(f->clock) + known->image.exit_after_ns;
        c->due_code = known->image.exit_code;
    }
    buf_printf(&f->journal, "StartContainer %.*s\n", STR_ARG(c->config->metadata->name));
    tell(f, c->id, EVENT_STARTED);
    return 0;
}

/* The clock is not moved with the lock held: the grace time is waited for by fake.c before this is called. */
static int stop_container(struct fake_runtime *f, struct arena *a, const void *in, void *out,
                          struct err *err) {
    (void)a;
    (void)out;
    (void)err;
    const struct cri_stop_container_request *q = in;
    struct fake_container *c = fake_find_container(f, q->container_id);
    if (!c)
        return 0;
    buf_printf(&f->journal, "StopContainer %.*s %lld\n", STR_ARG(c->config->metadata->name),
               (long long)q->timeout);
    bool killed = q->timeout <= 0 || f->ignores_term;
    fake_end_container(f, c, killed ? SIGKILL_CODE : SIGTERM_CODE, "Error");
    return 0;
}

static int remove_container(struct fake_runtime *f, struct arena *a, const void *in, void *out,
                            struct err *err) {
    (void)a;
    (void)out;
    (void)err;
    struct str id = ((const struct cri_remove_container_request *)in)->container_id;
    for (size_t i = 0; i < f->containers.n; i++) {
        if (!str_eq(f->containers.v[i]->id, id))
            continue;
        buf_printf(&f->journal, "RemoveContainer %.*s\n",
                   STR_ARG(f->containers.v[i]->config->metadata->name));
        fake_end_container(f, f->containers.v[i], SIGKILL_CODE, "Error");
        free_container(f, i);
        break;
    }
    return 0;
}

static bool container_matches(const struct fake_container *c, const struct cri_container_filter *q) {
    return !q || ((!q->id.n || str_eq(q->id, c->id)) && (!q->state || q->state->state == c->state) &&
                  (!q->pod_sandbox_id.n || str_eq(q->pod_sandbox_id, c->sandbox)) &&
                  has_labels(c->config->labels, q->label_selector));
}

static int list_containers(struct fake_runtime *f, struct arena *a, const void *in, void *out,
                           struct err *err) {
    (void)err;
    const struct cri_list_containers_request *q = in;
    struct cri_list_containers_response *r = out;
    r->containers.v = arena_new_n(a, f->containers.n, struct cri_container);
    vec_foreach (at, &f->containers) {
        const struct fake_container *c = *at;
        if (!container_matches(c, q->filter))
            continue;
        struct cri_container p = {.id = c->id,
                                  .pod_sandbox_id = c->sandbox,
                                  .metadata = c->config->metadata,
                                  .image = c->config->image,
                                  .image_ref = c->image,
                                  .state = c->state,
                                  .created_at = c->created_at,
                                  .labels = c->config->labels,
                                  .annotations = c->config->annotations};
        r->containers.v[r->containers.n++] = *(struct cri_container *)fake_copy(a, TY_CRI_CONTAINER, &p);
    }
    return 0;
}

/* As runtimes tell it: from the root. */
static struct str log_path_of(struct fake_runtime *f, const struct fake_container *c, struct arena *a) {
    const struct fake_sandbox *s = fake_find_sandbox(f, c->sandbox);
    struct str dir = s ? s->config->log_directory : STR_NONE;
    return dir.n ? arena_printf(a, "%.*s/%.*s", STR_ARG(dir), STR_ARG(c->config->log_path))
                 : c->config->log_path;
}

static int container_status(struct fake_runtime *f, struct arena *a, const void *in, void *out,
                            struct err *err) {
    struct str id = ((const struct cri_container_status_request *)in)->container_id;
    const struct fake_container *c = fake_find_container(f, id);
    if (!c)
        return no_container(id, err);
    struct cri_container_status s = {.id = c->id,
                                     .metadata = c->config->metadata,
                                     .state = c->state,
                                     .created_at = c->created_at,
                                     .started_at = c->started_at,
                                     .finished_at = c->finished_at,
                                     .exit_code = c->code,
                                     .image = c->config->image,
                                     .image_ref = c->image,
                                     .reason = c->reason,
                                     .labels = c->config->labels,
                                     .annotations = c->config->annotations,
                                     .mounts = c->config->mounts,
                                     .log_path = log_path_of(f, c, a)};
    ((struct cri_container_status_response *)out)->status = fake_copy(a, TY_CRI_CONTAINER_STATUS, &s);
    return 0;
}

static int update_container(struct fake_runtime *f, struct arena *a, const void *in, void *out,
                            struct err *err) {
    (void)a;
    (void)out;
    struct str id = ((const struct cri_update_container_resources_request *)in)->container_id;
    const struct fake_container *c = fake_find_container(f, id);
    if (!c)
        return no_container(id, err);
    const struct cri_linux_container_resources *l =
        ((const struct cri_update_container_resources_request *)in)->linux_;
    buf_printf(&f->journal, "UpdateContainerResources %.*s shares=%lld quota=%lld memory=%lld\n",
               STR_ARG(c->config->metadata->name), (long long)(l ? l->cpu_shares : 0),
               (long long)(l ? l->cpu_quota : 0), (long long)(l ? l->memory_limit_in_bytes : 0));
    return 0;
}

static int reopen_log(struct fake_runtime *f, struct arena *a, const void *in, void *out, struct err *err) {
    (void)a;
    (void)out;
    struct str id = ((const struct cri_reopen_container_log_request *)in)->container_id;
    return fake_find_container(f, id) ? 0 : no_container(id, err);
}

static struct str joined(struct arena *a, struct str_array words) {
    return arena_join(a, words.v, words.n, S(" "));
}

static int exec_sync(struct fake_runtime *f, struct arena *a, const void *in, void *out, struct err *err) {
    const struct cri_exec_sync_request *q = in;
    struct cri_exec_sync_response *r = out;
    const struct fake_container *c = fake_find_container(f, q->container_id);
    if (!c)
        return no_container(q->container_id, err);
    if (c->state != RUNNING)
        return err_set(err, ERR_INTERNAL, "container is in CONTAINER_EXITED state");
    struct str command = joined(a, q->cmd);
    buf_printf(&f->journal, "ExecSync %.*s %.*s\n", STR_ARG(c->config->metadata->name), STR_ARG(command));
    vec_foreach (answer, &f->answers)
        if (str_has_prefix(command, answer->command)) {
            r->exit_code = answer->code;
            r->stdout = arena_str(a, answer->output);
        }
    return 0;
}

/* --- streaming: an address nobody listens at, but with the container's name in it --- */

static int stream_url(struct fake_runtime *f, struct arena *a, const char *what, struct str id,
                      struct str *ret_url, struct err *err) {
    if (!fake_find_container(f, id) && !fake_find_sandbox(f, id))
        return no_container(id, err);
    *ret_url = arena_printf(a, "http://127.0.0.1:1/%s/%.*s", what, STR_ARG(id));
    return 0;
}

static int exec_stream(struct fake_runtime *f, struct arena *a, const void *in, void *out, struct err *err) {
    return stream_url(f, a, "exec", ((const struct cri_exec_request *)in)->container_id,
                      &((struct cri_exec_response *)out)->url, err);
}

static int attach_stream(struct fake_runtime *f, struct arena *a, const void *in, void *out,
                         struct err *err) {
    return stream_url(f, a, "attach", ((const struct cri_attach_request *)in)->container_id,
                      &((struct cri_attach_response *)out)->url, err);
}

static int port_forward(struct fake_runtime *f, struct arena *a, const void *in, void *out, struct err *err) {
    return stream_url(f, a, "portforward", ((const struct cri_port_forward_request *)in)->pod_sandbox_id,
                      &((struct cri_port_forward_response *)out)->url, err);
}

/* --- images --- */

static struct cri_image image_in(struct arena *a, const struct fake_image *i) {
    struct cri_image out = {.id = arena_printf(a, "sha256:%.*s", STR_ARG(i->name)),
                            .size = i->size,
                            .username = arena_str(a, i->user)};
    out.repo_tags = (struct str_array){arena_new_n(a, 1, struct str), 1};
    out.repo_tags.v[0] = arena_str(a, i->name);
    out.spec = arena_new(a, struct cri_image_spec);
    out.spec->image = out.id;
    if (i->uid >= 0) {
        out.uid = arena_new(a, struct cri_int64_value);
        out.uid->value = i->uid;
    }
    return out;
}

static int list_images(struct fake_runtime *f, struct arena *a, const void *in, void *out, struct err *err) {
    (void)in;
    (void)err;
    struct cri_list_images_response *r = out;
    r->images.v = arena_new_n(a, f->images.n, struct cri_image);
    vec_foreach (i, &f->images)
        if ((*i)->image.pulled)
            r->images.v[r->images.n++] = image_in(a, &(*i)->image);
    return 0;
}

static struct fake_known *find_pulled(struct fake_runtime *f, struct str name) {
    struct fake_known *k = fake_find_image(f, name);
    return k && k->image.pulled ? k : NULL;
}

static int image_status(struct fake_runtime *f, struct arena *a, const void *in, void *out, struct err *err) {
    (void)err;
    const struct cri_image_status_request *q = in;
    const struct fake_known *k = find_pulled(f, q->image->image);
    if (k) {
        struct cri_image *i = arena_new(a, struct cri_image);
        *i = image_in(a, &k->image);
        ((struct cri_image_status_response *)out)->image = i;
    }
    return 0;
}

static int pull_image(struct fake_runtime *f, struct arena *a, const void *in, void *out, struct err *err) {
    const struct cri_pull_image_request *q = in;
    struct fake_known *k = fake_find_image(f, q->image->image);
    buf_printf(&f->journal, "PullImage %.*s\n", STR_ARG(q->image->image));
    if (!k)
        return err_set(err, ERR_NOT_FOUND, "failed to resolve reference \"%.*s\": not found",
                       STR_ARG(q->image->image));
    k->image.pulled = true;
    ((struct cri_pull_image_response *)out)->image_ref =
        arena_printf(a, "sha256:%.*s", STR_ARG(k->image.name));
    return 0;
}

static int remove_image(struct fake_runtime *f, struct arena *a, const void *in, void *out, struct err *err) {
    (void)a;
    (void)out;
    (void)err;
    const struct cri_remove_image_request *q = in;
    struct fake_known *k = find_pulled(f, q->image->image);
    buf_printf(&f->journal, "RemoveImage %.*s\n", STR_ARG(q->image->image));
    if (k)
        k->image.pulled = false;
    return 0;
}

/* --- the runtime itself --- */

static int version(struct fake_runtime *f, struct arena *a, const void *in, void *out, struct err *err) {
    (void)f;
    (void)a;
    (void)in;
    (void)err;
    *(struct cri_version_response *)out = (struct cri_version_response){.version = S("0.1.0"),
                                                                        .runtime_name = S("fake"),
                                                                        .runtime_version = S("1"),
                                                                        .runtime_api_version = S("v1")};
    return 0;
}

static int status(struct fake_runtime *f, struct arena *a, const void *in, void *out, struct err *err) {
    (void)in;
    (void)err;
    struct cri_runtime_status s = {.conditions = {f->conditions.v, (uint32_t)f->conditions.n}};
    ((struct cri_status_response *)out)->status = fake_copy(a, TY_CRI_RUNTIME_STATUS, &s);
    return 0;
}

static int nothing(struct fake_runtime *f, struct arena *a, const void *in, void *out, struct err *err) {
    (void)f;
    (void)a;
    (void)in;
    (void)out;
    (void)err;
    return 0;
}

const fake_fn fake_methods[RUNTIME_METHOD_COUNT] = {
    [RUNTIME_VERSION] = version,
    [RUNTIME_RUN_POD_SANDBOX] = run_sandbox,
    [RUNTIME_STOP_POD_SANDBOX] = stop_sandbox,
    [RUNTIME_REMOVE_POD_SANDBOX] = remove_sandbox,
    [RUNTIME_POD_SANDBOX_STATUS] = sandbox_status,
    [RUNTIME_LIST_POD_SANDBOX] = list_sandboxes,
    [RUNTIME_CREATE_CONTAINER] = create_container,
    [RUNTIME_START_CONTAINER] = start_container,
    [RUNTIME_STOP_CONTAINER] = stop_container,
    [RUNTIME_REMOVE_CONTAINER] = remove_container,
    [RUNTIME_LIST_CONTAINERS] = list_containers,
    [RUNTIME_CONTAINER_STATUS] = container_status,
    [RUNTIME_UPDATE_CONTAINER_RESOURCES] = update_container,
    [RUNTIME_REOPEN_CONTAINER_LOG] = reopen_log,
    [RUNTIME_EXEC_SYNC] = exec_sync,
    [RUNTIME_EXEC] = exec_stream,
    [RUNTIME_ATTACH] = attach_stream,
    [RUNTIME_PORT_FORWARD] = port_forward,
    [RUNTIME_LIST_CONTAINER_STATS] = nothing,
    [RUNTIME_LIST_POD_SANDBOX_STATS] = nothing,
    [RUNTIME_UPDATE_RUNTIME_CONFIG] = nothing,
    [RUNTIME_STATUS] = status,
    [RUNTIME_LIST_IMAGES] = list_images,
    [RUNTIME_IMAGE_STATUS] = image_status,
    [RUNTIME_PULL_IMAGE] = pull_image,
    [RUNTIME_REMOVE_IMAGE] = remove_image,
    [RUNTIME_IMAGE_FS_INFO] = nothing,
};
