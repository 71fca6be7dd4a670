/* runtime/fake: a container runtime in memory, for tests and simulations.
 *
 * It keeps sandboxes, containers and images as a real one does, on a clock that the test moves. What
 * containers do is told per image (exit after so long with this code) or done by the test (fake_exit). Any
 * call can be made to fail, to hang until a time, or to fail after its work was done. Every call is noted, in
 * order.
 *
 * Any thread. A call takes no time unless told so; then it sleeps on the clock. Ids are "s1", "s2", … for
 * sandboxes and "c1", "c2", … for containers; addresses 10.88.0.1, …
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"
#include "runtime/runtime.h"

struct clock;
struct fake_runtime;

/* ready: with the conditions RuntimeReady and NetworkReady true. Ends with runtime_free(fake_runtime(f)). */
struct fake_runtime *fake_runtime_new(struct clock *clock);
struct runtime *fake_runtime(struct fake_runtime *f);

/* -- images -- */

struct fake_image {
    struct str name; /* as a pull or a container asks for it */
    uint64_t size;
    int64_t uid;        /* the image's user; -1: none is named */
    struct str user;    /* by name instead; empty: none */
    bool pulled;        /* there from the start; else it can be pulled */
    bool runs_for_ever; /* else it exits by itself: */
    int64_t exit_after_ns;
    int32_t exit_code;
};
/* Adds or replaces. Images that are not known cannot be pulled (ERR_NOT_FOUND). */
void fake_image(struct fake_runtime *f, const struct fake_image *image);

/* -- what happens to containers -- */

/* The container ends now. reason: NULL: Completed or Error by the code; else e.g. "OOMKilled". */
void fake_exit(struct fake_runtime *f, struct str container, int32_t code, const char *reason);

/* The whole sandbox dies with its containers, as when its pause process was killed. */
void fake_sandbox_die(struct fake_runtime *f, struct str sandbox);

/* How ExecSync of these first words of a command ends; until it is set again. Without any: code 0, no output.
 */
void fake_exec(struct fake_runtime *f, const char *command, int32_t code, const char *output);

/* Whether SIGTERM (StopContainer) ends containers at once, or only the grace time does. At once by default.
 */
void fake_ignore_term(struct fake_runtime *f, bool ignore);

/* -- faults -- */

/* The next `times` calls of the method fail with the code and message; after its work when `after` is set. */
void fake_fail(struct fake_runtime *f, enum runtime_method method, unsigned times, int code,
               const char *message, bool after);

/* Every call of the method takes so long (on the clock). */
void fake_delay(struct fake_runtime *f, enum runtime_method method, int64_t ns);

/* A condition of Status. */
void fake_condition(struct fake_runtime *f, const char *type, bool status, const char *reason);

/* Whether there are events; true by default. Without, watches end with ERR_UNSUPPORTED. */
void fake_events(struct fake_runtime *f, bool supported);

/* -- looking on -- */

/* Calls of the method so far. */
unsigned fake_runtime_calls(struct fake_runtime *f, enum runtime_method method);

/* The journal since the last call of this: "RunPodSandbox ns/name\nCreateContainer main\n…", without the
 * calls that only look. In the arena. */
struct str fake_journal(struct fake_runtime *f, struct arena *a);

/* Containers that run, sandboxes that are ready. */
unsigned fake_running(struct fake_runtime *f);
unsigned fake_ready(struct fake_runtime *f);

/* The configuration a container or sandbox was made with; NULL: there is none. Lives until it is removed. */
const struct cri_container_config *fake_container_config(struct fake_runtime *f, struct str id);
const struct cri_pod_sandbox_config *fake_sandbox_config(struct fake_runtime *f, struct str id);
