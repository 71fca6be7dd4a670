/* Tests of leader election: one leads, another takes over, nobody acts on a lease that ran out. On the fake.
 */
#include "client/leader.h"

#include <stdio.h>

#include "api/meta.h"
#include "api/types/coordination.h"
#include "base/loop.h"
#include "base/rand.h"
#include "base/sim.h"
#include "base/timefmt.h"
#include "fake_client.h"
#include "unit/unit.h"

struct scene {
    struct sim *sim;
    struct fake *fake;
};

struct candidate {
    struct loop *loop;
    struct leader *leader;
    int led, lost;
    bool leads;
    int *leaders; /* how many lead now */
};

static void on_leading(void *arg) {
    struct candidate *c = arg;
    c->led++;
    c->leads = true;
    if (c->leaders)
        assert_int_equal(++*c->leaders, 1);
}

static void on_lost(void *arg) {
    struct candidate *c = arg;
    c->lost++;
    c->leads = false;
    if (c->leaders)
        --*c->leaders;
}

static void setup(struct scene *s) {
    s->sim = sim_new(unit_seed(), 1000 * NS_PER_SEC);
    s->fake = fake_new(s->sim);
}

static void teardown(struct scene *s) {
    fake_free(s->fake);
    sim_free(s->sim);
}

static void enter(struct candidate *c, struct scene *s, const char *identity) {
    struct err err = ERR_INIT;
    if (!c->loop)
        c->loop = sim_loop_new(s->sim, identity);
    struct leader_options o = {
        .client = fake_client(s->fake),
        .loop = c->loop,
        .ns = S("kube-system"),
        .name = S("lock"),
        .identity = str_from(identity),
        .on_leading = on_leading,
        .on_lost = on_lost,
        .arg = c,
    };
    assert_ok(leader_start(&o, &c->leader, &err), &err);
}

static void leave(struct candidate *c) {
    leader_stop(c->leader);
    c->leader = NULL;
    loop_free(c->loop);
}

static struct coordination_lease_spec lease(struct scene *s) {
    struct object *o = fake_get(s->fake, KIND(COORDINATION_LEASE), "kube-system", "lock");
    assert_non_null(o);
    struct coordination_lease_spec spec = ((const struct coordination_lease *)o->body)->spec;
    static char holder[64];
    (void)snprintf(holder, sizeof holder, "%.*s", STR_ARG(spec.holder_identity));
    spec.holder_identity = str_from(holder);
    object_unref(o);
    return spec;
}

TEST(test_leader__the_first_one_leads_and_renews) {
    struct scene s;
    struct candidate a = {0};
    setup(&s);
    enter(&a, &s, "a");
    sim_settle(s.sim);
    assert_true(leader_is(a.leader));
    assert_int_equal(a.led, 1);
    assert_str(lease(&s).holder_identity, "a");
    assert_int_equal(lease(&s).lease_duration_seconds.v, 15);
    assert_int_equal(lease(&s).lease_transitions.v, 0);
    struct timestamp acquired = lease(&s).acquire_time;
    sim_run_ns(s.sim, 60 * NS_PER_SEC);
    assert_true(lease(&s).renew_time.sec >= 1058);
    assert_int_equal(lease(&s).acquire_time.sec, acquired.sec);
    assert_int_equal(a.lost, 0);
    leave(&a);
    teardown(&s);
}

TEST(test_leader__stop_gives_the_lease_back) {
    struct scene s;
    struct candidate a = {0}, b = {0};
    setup(&s);
    enter(&a, &s, "a");
    sim_settle(s.sim);
    enter(&b, &s, "b");
    sim_run_ns(s.sim, 10 * NS_PER_SEC);
    assert_false(leader_is(b.leader));
    leave(&a);
    assert_str(lease(&s).holder_identity, "");
    sim_run_ns(s.sim, 5 * NS_PER_SEC); /* a retry and its jitter, not a whole lease */
    assert_true(leader_is(b.leader));
    assert_int_equal(lease(&s).lease_transitions.v, 1);
    leave(&b);
    teardown(&s);
}

static int refuse_all(void *arg, const struct client_call *call, const char **ret_reason) {
    (void)call;
    *ret_reason = "InternalError";
    return *(int *)arg;
}

TEST(test_leader__unable_to_renew_it_stops_in_time) {
    struct scene s;
    struct candidate a = {0};
    setup(&s);
    enter(&a, &s, "a");
    sim_run_ns(s.sim, 20 * NS_PER_SEC);
    int code = 500;
    fake_react(s.fake, refuse_all, &code);
    sim_run_ns(s.sim, 7 * NS_PER_SEC);
    assert_true(leader_is(a.leader));
    sim_run_ns(s.sim, 4 * NS_PER_SEC);
    assert_false(leader_is(a.leader));
    assert_int_equal(a.lost, 1);
    code = 0;
    sim_run_ns(s.sim, 10 * NS_PER_SEC);
    assert_int_equal(a.led, 2);
    leave(&a);
    teardown(&s);
}

TEST(test_leader__one_that_vanished_is_replaced_when_its_lease_ran_out) {
    struct scene s;
    struct candidate b = {0};
    setup(&s);
    /* times long ago: what counts is when we saw it change */
    fake_put(s.fake, KIND(COORDINATION_LEASE),
             "{\"metadata\":{\"name\":\"lock\",\"namespace\":\"kube-system\"},\"spec\":{\"holderIdentity\":"
             "\"gone\",\"leaseDurationSeconds\":15,\"leaseTransitions\":4,"
             "\"renewTime\":\"1970-01-01T00:00:00.000000Z\"}}");
    enter(&b, &s, "b");
    sim_run_ns(s.sim, 14 * NS_PER_SEC);
    assert_false(leader_is(b.leader));
    sim_run_ns(s.sim, 7 * NS_PER_SEC);
    assert_true(leader_is(b.leader));
    assert_int_equal(lease(&s).lease_transitions.v, 5);
    leave(&b);
    teardown(&s);
}

TEST(test_leader__somebody_else_took_it) {
    struct scene s;
    struct candidate a = {0};
    setup(&s);
    enter(&a, &s, "a");
    sim_settle(s.sim);
    fake_merge(s.fake, KIND(COORDINATION_LEASE), "kube-system", "lock",
               "{\"spec\":{\"holderIdentity\":\"b\"}}");
    sim_run_ns(s.sim, 5 * NS_PER_SEC);
    assert_false(leader_is(a.leader));
    assert_int_equal(a.lost, 1);
    leave(&a);
    assert_str(lease(&s).holder_identity, "b"); /* not ours to give back */
    teardown(&s);
}

TEST(test_leader__refuses_times_that_do_not_fit) {
    struct scene s;
    struct candidate a = {0};
    struct err err = ERR_INIT;
    setup(&s);
    a.loop = sim_loop_new(s.sim, "a");
    struct leader_options o = {.client = fake_client(s.fake),
                               .loop = a.loop,
                               .identity = S("a"),
                               .lease_ns = NS_PER_SEC,
                               .renew_ns = 2 * NS_PER_SEC};
    assert_fails(leader_start(&o, &a.leader, &err), ERR_INVALID);
    loop_free(a.loop);
    teardown(&s);
}

/* Three with faults and restarts: never two at once, and somebody leads most of the time. */
TEST(test_leader__never_two_at_once) {
    struct scene s;
    int leaders = 0, led = 0;
    struct candidate all[3] = {{.leaders = &leaders}, {.leaders = &leaders}, {.leaders = &leaders}};
    setup(&s);
    for (int i = 0; i < 3; i++)
        enter(&all[i], &s, (const char *[]){"a", "b", "c"}[i]);
    fake_set_faults(s.fake,
                    &(struct fake_faults){
                        .conflict = 0.1, .unavailable = 0.1, .lost_answer = 0.1, .delay_ns = 3 * NS_PER_SEC});
    for (int round = 0; round < 300; round++) {
        sim_run_ns(s.sim, rand_range(sim_rand(s.sim), 0, 10 * NS_PER_SEC));
        led += leaders;
        if (!rand_chance(sim_rand(s.sim), 0.1))
            continue;
        int i = (int)rand_below(sim_rand(s.sim), 3);
        leader_stop(all[i].leader);
        if (all[i].leads)
            leaders--;
        all[i].leads = false;
        enter(&all[i], &s, (const char *[]){"a", "b", "c"}[i]);
    }
    assert_true(led > 150);
    for (int i = 0; i < 3; i++)
        leave(&all[i]);
    sim_run_ns(s.sim, 10 * NS_PER_SEC);
    teardown(&s);
}
