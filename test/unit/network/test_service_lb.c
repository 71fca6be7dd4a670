/* The load balancer whose machines are the nodes. On the fake API, in a simulation. */
#include "network/service_lb.h"

#include "api/object.h"
#include "api/types/core.h"
#include "base/buf.h"
#include "base/loop.h"
#include "base/sim.h"
#include "base/timefmt.h"
#include "base/workers.h"
#include "client/reconciler.h"
#include "unit/client/fake_client.h"
#include "unit/unit.h"

struct scene {
    struct sim *sim;
    struct fake *fake;
    struct loop *loop;
    struct workers *workers;
    struct reconciler *rc;
};

#define NODE(name, ip, ready)                                                                                \
    "{\"metadata\":{\"name\":\"" name                                                                        \
    "\"},\"status\":{\"conditions\":[{\"type\":\"Ready\",\"status\":\"" ready "\"}],"                        \
    "\"addresses\":[{\"type\":\"InternalIP\",\"address\":\"" ip "\"}]}}"
#define SERVICE(more)                                                                                        \
    "{\"metadata\":{\"namespace\":\"d\",\"name\":\"s\"},\"spec\":{\"ports\":[{\"port\":80}]" more "}}"
#define BALANCER ",\"type\":\"LoadBalancer\""

static void setup(struct scene *s, const char *service) {
    struct err err = ERR_INIT;
    *s = (struct scene){.sim = sim_new(unit_seed(), 1000 * NS_PER_SEC)};
    s->fake = fake_new(s->sim);
    s->loop = sim_loop_new(s->sim, "test");
    struct workers_options wo = {.threads = 1, .queue_max = 64, .sim = s->sim};
    assert_ok(workers_start(&wo, &s->workers, &err), &err);
    fake_put(s->fake, KIND(CORE_NODE), NODE("n2", "192.0.2.2", "True"));
    fake_put(s->fake, KIND(CORE_NODE), NODE("n1", "192.0.2.1", "True"));
    fake_put(s->fake, KIND(CORE_NODE), NODE("n3", "192.0.2.3", "False"));
    fake_put(s->fake, KIND(CORE_SERVICE), service);
    struct service_lb_options o = {.client = fake_client(s->fake), .loop = s->loop, .workers = s->workers};
    assert_ok(service_lb_start(&o, &s->rc, &err), &err);
    sim_run_ns(s->sim, NS_PER_SEC);
}

static void end(struct scene *s) {
    reconciler_stop(s->rc);
    workers_stop(s->workers);
    loop_free(s->loop);
    fake_free(s->fake);
    sim_free(s->sim);
}

static void assert_addresses(struct scene *s, const char *text) {
    struct object *o = fake_get(s->fake, KIND(CORE_SERVICE), "d", "s");
    const struct core_service *service = o->body;
    _cleanup_buf struct buf out = BUF_INIT;
    for (uint32_t i = 0; i < service->status.load_balancer.ingress.n; i++)
        buf_printf(&out, "%.*s ", STR_ARG(service->status.load_balancer.ingress.v[i].ip));
    assert_str(buf_view(&out), text);
    object_unref(o);
}

TEST(test_service_lb__gives_the_addresses_of_ready_nodes) {
    struct scene s;
    setup(&s, SERVICE(BALANCER));
    assert_addresses(&s, "192.0.2.1 192.0.2.2 ");
    fake_calls_clear(s.fake);
    sim_run_ns(s.sim, 60 * NS_PER_SEC);
    assert_string_equal(fake_calls(s.fake), ""); // nothing to do
    end(&s);
}

TEST(test_service_lb__follows_the_nodes) {
    struct scene s;
    setup(&s, SERVICE(BALANCER));
    fake_put(s.fake, KIND(CORE_NODE), NODE("n3", "192.0.2.3", "True"));
    fake_remove(s.fake, KIND(CORE_NODE), "", "n1");
    sim_run_ns(s.sim, NS_PER_SEC);
    assert_addresses(&s, "192.0.2.2 192.0.2.3 ");
    fake_merge(
        s.fake, KIND(CORE_NODE), "", "n2",
        "{\"metadata\":{\"labels\":{\"node.kubernetes.io/exclude-from-external-load-balancers\":\"\"}}}");
    sim_run_ns(s.sim, NS_PER_SEC);
    assert_addresses(&s, "192.0.2.3 ");
    end(&s);
}

TEST(test_service_lb__leaves_other_services_alone) {
    struct scene s;
    setup(&s, SERVICE(BALANCER ",\"loadBalancerClass\":\"example.org/x\""));
    assert_addresses(&s, "");
    end(&s);
    setup(&s, SERVICE(",\"type\":\"NodePort\""));
    assert_addresses(&s, "");
    assert_string_equal(fake_calls(s.fake), "");
    end(&s);
}

TEST(test_service_lb__takes_addresses_back) {
    struct scene s;
    setup(&s, SERVICE(BALANCER));
    fake_merge(s.fake, KIND(CORE_SERVICE), "d", "s", "{\"spec\":{\"type\":\"ClusterIP\"}}");
    sim_run_ns(s.sim, NS_PER_SEC);
    assert_addresses(&s, "");
    end(&s);
}
