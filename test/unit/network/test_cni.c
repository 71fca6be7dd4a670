/* The CNI plugin's answers to what it must refuse before it touches anything. */
#include "base/buf.h"
#include "network/cni.h"
#include "unit/unit.h"

#define CONFIG                                                                                               \
    "{\"cniVersion\":\"1.0.0\",\"name\":\"n\",\"type\":\"coxswain-cni\",\"subnets\":[\"10.1.0.0/24\"]"

static int ask(const char *command, const char *container, const char *netns, const char *ifname,
               const char *config, struct buf *out) {
    struct cni_request r = {command, container, netns, ifname, str_from(config)};
    buf_clear(out);
    return cni_handle(&r, out);
}

static void refuses(const char *config, const char *answer) {
    _cleanup_buf struct buf out = BUF_INIT;
    assert_int_equal(ask("ADD", "c1", "/nonexistent", "eth0", config, &out), 1);
    assert_str(buf_view(&out), answer);
}

TEST(test_cni__says_its_versions) {
    _cleanup_buf struct buf out = BUF_INIT;
    assert_int_equal(ask("VERSION", NULL, NULL, NULL, "{\"cniVersion\":\"0.4.0\"}", &out), 0);
    assert_str(buf_view(&out),
               "{\"cniVersion\":\"0.4.0\",\"supportedVersions\":[\"0.3.0\",\"0.3.1\",\"0.4.0\","
               "\"1.0.0\",\"1.1.0\"]}\n");
    assert_int_equal(ask("VERSION", NULL, NULL, NULL, "", &out), 0);
}

TEST(test_cni__refuses_bad_configurations) {
    refuses("{", "{\"cniVersion\":\"1.0.0\",\"code\":6,\"msg\":\"cannot read the network configuration: "
                 "invalid JSON: the text ends at byte 1 where a member name is expected\"}\n");
    refuses("[]", "{\"cniVersion\":\"1.0.0\",\"code\":6,\"msg\":\"the network configuration is not a JSON "
                  "object\"}\n");
    refuses("{\"cniVersion\":\"9.0.0\"}",
            "{\"cniVersion\":\"1.0.0\",\"code\":1,\"msg\":\"CNI version \\\"9.0.0\\\" "
            "is not supported, 0.3.0 to 1.1.0 are\"}\n");
    refuses("{\"cniVersion\":\"0.4.0\",\"name\":\"n\"}",
            "{\"cniVersion\":\"0.4.0\",\"code\":7,\"msg\":\"subnets must list one network, or one of each IP "
            "family\"}\n");
    refuses(
        "{\"cniVersion\":\"1.0.0\",\"name\":\"n\",\"subnets\":[\"10.1.0.5/24\"]}",
        "{\"cniVersion\":\"1.0.0\",\"code\":7,\"msg\":\"a subnet is not a network like 10.244.0.0/24\"}\n");
    refuses(
        "{\"cniVersion\":\"1.0.0\",\"name\":\"n\",\"subnets\":[\"10.1.0.0/31\"]}",
        "{\"cniVersion\":\"1.0.0\",\"code\":7,\"msg\":\"the subnet 10.1.0.0/31 has no room for pods\"}\n");
    refuses(CONFIG ",\"bridge\":\"../x\"}",
            "{\"cniVersion\":\"1.0.0\",\"code\":7,\"msg\":\"bridge is no name of an interface\"}\n");
    refuses(CONFIG ",\"mtu\":100}",
            "{\"cniVersion\":\"1.0.0\",\"code\":7,\"msg\":\"an MTU of 100 is too small, at least 576\"}\n");
    refuses(CONFIG ",\"stateDir\":\"x\"}",
            "{\"cniVersion\":\"1.0.0\",\"code\":7,\"msg\":\"stateDir is not an absolute path\"}\n");
}

TEST(test_cni__refuses_bad_port_mappings) {
    refuses(CONFIG ",\"runtimeConfig\":{\"portMappings\":[{\"hostPort\":70000,\"containerPort\":1}]}}",
            "{\"cniVersion\":\"1.0.0\",\"code\":7,\"msg\":\"hostPort is not a number from 0 to 65535\"}\n");
    refuses(CONFIG ",\"runtimeConfig\":{\"portMappings\":[{\"hostPort\":80,\"containerPort\":80,"
                   "\"protocol\":\"icmp\"}]}}",
            "{\"cniVersion\":\"1.0.0\",\"code\":7,\"msg\":\"unknown protocol \\\"icmp\\\" in a port "
            "mapping\"}\n");
    refuses(CONFIG ",\"runtimeConfig\":{\"portMappings\":[{\"hostPort\":80}]}}",
            "{\"cniVersion\":\"1.0.0\",\"code\":7,\"msg\":\"a port mapping without containerPort\"}\n");
    refuses(CONFIG ",\"runtimeConfig\":{\"portMappings\":7}}",
            "{\"cniVersion\":\"1.0.0\",\"code\":7,\"msg\":\"portMappings is not a list of at most 256\"}\n");
}

TEST(test_cni__refuses_a_bad_environment) {
    _cleanup_buf struct buf out = BUF_INIT;
    assert_int_equal(ask("ADD", "../c", "/x", "eth0", CONFIG "}", &out), 1);
    assert_str(buf_view(&out),
               "{\"cniVersion\":\"1.0.0\",\"code\":4,\"msg\":\"CNI_CONTAINERID is missing or not an "
               "id\"}\n");
    assert_int_equal(ask("ADD", "c", "/x", "a/b", CONFIG "}", &out), 1);
    assert_str(buf_view(&out),
               "{\"cniVersion\":\"1.0.0\",\"code\":4,\"msg\":\"CNI_IFNAME is missing or no name of an "
               "interface\"}\n");
    assert_int_equal(ask("ADD", "c", NULL, "eth0", CONFIG "}", &out), 1);
    assert_str(buf_view(&out),
               "{\"cniVersion\":\"1.0.0\",\"code\":4,\"msg\":\"CNI_NETNS is missing or not an absolute "
               "path\"}\n");
    assert_int_equal(ask("ADD", "c", "/etc/passwd", "eth0", CONFIG "}", &out), 1);
    assert_str(buf_view(&out), "{\"cniVersion\":\"1.0.0\",\"code\":3,\"msg\":\"/etc/passwd is no network "
                               "namespace\"}\n");
    assert_int_equal(ask("JUMP", "c", NULL, "eth0", CONFIG "}", &out), 1);
    assert_str(buf_view(&out),
               "{\"cniVersion\":\"1.0.0\",\"code\":4,\"msg\":\"unknown CNI_COMMAND \\\"JUMP\\\"\"}\n");
}
