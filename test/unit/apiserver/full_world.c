/* See full_world.h. */
#include "full_world.h"

#include "apiserver/admission.h"
#include "apiserver/alloc_ip.h"
#include "apiserver/alloc_port.h"
#include "apiserver/authz.h"
#include "base/sim.h"
#include "base/vec.h"
#include "unit/unit.h"

void full_world_init(struct server_world *w) {
    struct err err = ERR_INIT;
    server_world_init(w);
    struct apiserver *s = &w->server;
    assert_ok(authz_new(s->cache, &s->authz, &err), &err);
    assert_ok(service_ips_new(s, S("10.96.0.0/24"), &s->service_ips, &err), &err);
    assert_ok(service_ports_new(s, S("30000-30063"), &s->service_ports, &err), &err);
    s->token_issuer = S("https://kubernetes.default.svc");
    s->admission = admission_new(s);
    full_world_make(w, "/api/v1/namespaces", "{\"metadata\":{\"name\":\"default\"}}");
    full_world_make(w, "/api/v1/namespaces/default/serviceaccounts", "{\"metadata\":{\"name\":\"default\"}}");
}

void full_world_end_calls(struct server_world *w) {
    sim_settle(w->sim);
    arena_fini(&w->arena);
}

void full_world_fini(struct server_world *w) {
    full_world_end_calls(w);
    admission_free(w->server.admission);
    service_ips_free(w->server.service_ips);
    service_ports_free(w->server.service_ports);
    authz_free(w->server.authz);
    server_world_fini(w);
}

struct server_answer full_world_make(struct server_world *w, const char *url, const char *json) {
    struct server_answer r = server_post(w, url, json);
    assert_answer(r, 201);
    return r;
}

void full_world_be(struct server_world *w, const char *name, const char *groups) {
    VEC(struct str) v = {0};
    struct str rest = arena_str(&w->arena, str_from(groups)), one;
    while (rest.n) {
        str_split(rest, ',', &one, &rest);
        vec_push_in(&w->arena, &v, one);
    }
    w->user = (struct user){
        .name = arena_str(&w->arena, str_from(name)),
        .groups = {.v = v.v, .n = (uint32_t)v.n},
    };
}

void full_world_pass(struct server_world *w, int64_t seconds) {
    sim_run_ns(w->sim, seconds * 1000000000);
}
