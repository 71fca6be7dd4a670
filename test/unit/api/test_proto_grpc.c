/* Messages of CRI, etcd and CSI against bytes that Google's encoder made: proto3, packed lists, zeros left
 * out. */
#include "proto_test.h"

#include "api/types/cri.h"
#include "api/types/csi.h"
#include "api/types/etcd.h"
#include "api/types/ids.h"

TEST(test_proto_grpc__cri_container_config) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct str bytes = proto_hex(
        &a,
        "0a070a0377656210031a0273681a022d632a012f32060a014112013132030a01423a110a052f6461746112042f73727618"
        "0128024a0a0a03617070120377656270017a610a2e08a08d0610ffffffffffffffffff01289bf8ffffffffffffff014a12"
        "0a0b6d656d6f72792e6869676812036d6178122f2a00420d00ac02ffffffffffffffffff015801620308e8076a0b2f7072"
        "6f632f6b636f72657a05080212017088010190010f");
    struct cri_container_config *c = proto_read(&a, TY_CRI_CONTAINER_CONFIG, bytes);
    assert_str(c->metadata->name, "web");
    assert_int_equal(c->metadata->attempt, 3);
    assert_int_equal(c->command.n, 2);
    assert_str(c->command.v[1], "-c");
    assert_str(c->working_dir, "/");
    assert_int_equal(c->envs.n, 2);
    assert_str(c->envs.v[1].key, "B");
    assert_str(c->envs.v[1].value, NULL);
    assert_int_equal(c->mounts.v[0].propagation, CRI_MOUNT_PROPAGATION_PROPAGATION_BIDIRECTIONAL);
    assert_true(c->mounts.v[0].readonly);
    assert_str(str_map_get(c->labels, S("app")), "web");
    assert_true(c->tty);
    assert_int_equal(c->stop_signal, CRI_SIGNAL_SIGPOLL);
    const struct cri_linux_container_resources *r = c->linux_->resources;
    assert_int_equal(r->cpu_period, 100000);
    assert_int_equal(r->cpu_quota, -1);
    assert_int_equal(r->oom_score_adj, -997);
    assert_str(str_map_get(r->unified, S("memory.high")), "max");
    const struct cri_linux_container_security_context *s = c->linux_->security_context;
    assert_non_null(s->run_as_user);
    assert_int_equal(s->run_as_user->value, 0);
    assert_int_equal(s->run_as_group->value, 1000);
    assert_int_equal(s->supplemental_groups.n, 3);
    assert_int_equal(s->supplemental_groups.v[0], 0);
    assert_int_equal(s->supplemental_groups.v[1], 300);
    assert_int_equal(s->supplemental_groups.v[2], -1);
    assert_true(s->no_new_privs);
    assert_int_equal(s->seccomp->profile_type, 2);
    proto_same_bytes(TY_CRI_CONTAINER_CONFIG, c, bytes);
}

TEST(test_proto_grpc__cri_doubles) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct str bytes = proto_hex(&a, "08b5b8f0fe2d11000000000000e03f2100000000000002c0");
    struct cri_psi_data *d = proto_read(&a, TY_CRI_PSI_DATA, bytes);
    assert_true(d->total == 12345678901u && d->avg10 == 0.5 && d->avg60 == 0 && d->avg300 == -2.25);
    proto_same_bytes(TY_CRI_PSI_DATA, d, bytes);
    d->avg60 = -0.0;
    assert_int_equal(api_proto_size(&builtin, TY_CRI_PSI_DATA, d), bytes.n + 9);
}

TEST(test_proto_grpc__etcd_transaction) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct str bytes = proto_hex(
        &a, "0a0810031a022f6b30000a0b08011a01613a008204017a120c120a0a022f6b120200011807120622041a020a00"
            "1a0c0a0a0a022f6b180128026809");
    struct etcd_txn_request *t = proto_read(&a, TY_ETCD_TXN_REQUEST, bytes);
    assert_int_equal(t->compare.n, 2);
    assert_int_equal(t->compare.v[0].target, ETCD_COMPARE_COMPARE_TARGET_VALUE);
    assert_true(t->compare.v[0].mod_revision.set && t->compare.v[0].mod_revision.v == 0);
    assert_false(t->compare.v[0].version.set);
    assert_str(t->compare.v[0].value, NULL);
    assert_str(t->compare.v[1].value, "");
    assert_str(t->compare.v[1].range_end, "z");
    assert_int_equal(t->success.n, 2);
    assert_str_equal(t->success.v[0].request_put->value, S("\0\1"));
    assert_non_null(t->success.v[1].request_txn->failure.v[0].request_range);
    assert_int_equal(t->failure.v[0].request_range->sort_order, 2);
    assert_int_equal(t->failure.v[0].request_range->max_create_revision, 9);
    proto_same_bytes(TY_ETCD_TXN_REQUEST, t, bytes);
}

TEST(test_proto_grpc__csi_volume_request) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct str bytes = proto_hex(&a, "0a057076632d311206088080808004220b0a04747970651203737364");
    struct csi_create_volume_request *r = proto_read(&a, TY_CSI_CREATE_VOLUME_REQUEST, bytes);
    assert_str(r->name, "pvc-1");
    assert_int_equal(r->capacity_range->required_bytes, 1 << 30);
    assert_str(str_map_get(r->parameters, S("type")), "ssd");
    proto_same_bytes(TY_CSI_CREATE_VOLUME_REQUEST, r, bytes);
}

TEST(test_proto_grpc__google_timestamp) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct str bytes = proto_hex(&a, "080512017322080880e2cfaa0610052801"), epoch = proto_hex(&a, "2200");
    struct csi_snapshot *s = proto_read(&a, TY_CSI_SNAPSHOT, bytes);
    assert_true(s->creation_time.set);
    assert_int_equal(s->creation_time.sec, 1700000000);
    assert_int_equal(s->creation_time.nsec, 5);
    assert_true(s->ready_to_use);
    proto_same_bytes(TY_CSI_SNAPSHOT, s, bytes);
    s = proto_read(&a, TY_CSI_SNAPSHOT, epoch);
    assert_true(s->creation_time.set);
    assert_int_equal(s->creation_time.sec, 0);
    proto_same_bytes(TY_CSI_SNAPSHOT, s, epoch);
}

TEST(test_proto_grpc__google_bool_value) {
    _cleanup_arena struct arena a = ARENA_INIT;
    const char *const hex[] = {"", "0a00", "0a020801"};
    for (int i = 0; i < 3; i++) {
        struct str bytes = proto_hex(&a, hex[i]);
        struct csi_probe_response *r = proto_read(&a, TY_CSI_PROBE_RESPONSE, bytes);
        assert_int_equal(r->ready.set, i > 0);
        assert_int_equal(r->ready.v, i > 1);
        proto_same_bytes(TY_CSI_PROBE_RESPONSE, r, bytes);
    }
}

TEST(test_proto_grpc__reads_lists_of_numbers_unpacked_too) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct cri_linux_container_security_context *s = proto_read(
        &a, TY_CRI_LINUX_CONTAINER_SECURITY_CONTEXT, proto_hex(&a, "4001 4202 0203 4004 4200 4005"));
    assert_int_equal(s->supplemental_groups.n, 5);
    for (int i = 0; i < 5; i++)
        assert_int_equal(s->supplemental_groups.v[i], i + 1);
    proto_same_bytes(TY_CRI_LINUX_CONTAINER_SECURITY_CONTEXT, s, proto_hex(&a, "42050102030405"));
}
