/* Command lines: what kubectl's flags look like, and what is said of mistakes. */
#include "base/arena.h"
#include "ctl/options.h"
#include "unit/unit.h"

static const struct opt_row rows[] = {
    {"output", 'o', OPT_STRING},
    {"stdin", 'i', OPT_BOOL},
    {"tty", 't', OPT_BOOL},
    {"wait", 0, OPT_BOOL, "true"},
    {"replicas", 'r', OPT_INT, "1"},
    {"timeout", 0, OPT_DURATION, "30s"},
    {"label-columns", 'L', OPT_LIST},
    {"from-literal", 0, OPT_ARRAY},
    {"dry-run", 0, OPT_STRING, "none", "unchanged"},
    {0},
};

struct line {
    struct arena arena;
    struct opts opts;
    struct err err;
    int rc;
};

/* Words with blanks between them. */
static void parse(struct line *l, const char *text, bool mixed) {
    struct str words[32], rest = str_from(text);
    size_t n = 0;
    *l = (struct line){.arena = ARENA_INIT};
    while (rest.n)
        (void)str_split(rest, ' ', &words[n++], &rest);
    opts_init(&l->opts, &l->arena);
    opts_add(&l->opts, rows);
    l->rc = opts_parse(&l->opts, words, n, mixed, &l->err);
}

static void done(struct line *l) {
    arena_fini(&l->arena);
}

static void assert_refused(const char *text, const char *why) {
    struct line l;
    parse(&l, text, true);
    assert_fails(l.rc, ERR_INVALID);
    assert_string_equal(l.err.msg, why);
    done(&l);
}

TEST(test_options__values_in_all_spellings) {
    static const char *const spellings[] = {"--output yaml", "--output=yaml", "-o yaml", "-oyaml", "-o=yaml"};
    for (size_t i = 0; i < 5; i++) {
        struct line l;
        parse(&l, spellings[i], true);
        assert_ok(l.rc, &l.err);
        assert_str(opt_str(&l.opts, "output"), "yaml");
        assert_true(opt_given(&l.opts, "output"));
        assert_int_equal(l.opts.n_args, 0);
        done(&l);
    }
}

TEST(test_options__bundles_of_letters) {
    struct line l;
    parse(&l, "-itojson", true);
    assert_ok(l.rc, &l.err);
    assert_true(opt_bool(&l.opts, "stdin") && opt_bool(&l.opts, "tty"));
    assert_str(opt_str(&l.opts, "output"), "json");
    done(&l);
}

TEST(test_options__defaults) {
    struct line l;
    parse(&l, "", true);
    assert_str(opt_str(&l.opts, "output"), "");
    assert_true(opt_bool(&l.opts, "wait"));
    assert_false(opt_bool(&l.opts, "tty"));
    assert_int_equal(opt_int(&l.opts, "replicas"), 1);
    assert_int_equal(opt_ns(&l.opts, "timeout"), 30000000000);
    assert_false(opt_given(&l.opts, "wait"));
    done(&l);
}

TEST(test_options__flags_and_arguments_mix) {
    struct line l;
    parse(&l, "pods -o name a --wait=false b -- -c d", true);
    assert_ok(l.rc, &l.err);
    assert_int_equal(l.opts.n_args, 5);
    assert_int_equal(l.opts.n_before_dash, 3);
    assert_true(l.opts.dash);
    assert_str(l.opts.args[3], "-c");
    assert_false(opt_bool(&l.opts, "wait"));
    done(&l);
}

TEST(test_options__unmixed_ends_at_the_first_argument) {
    struct line l;
    parse(&l, "-t pod -o x", false);
    assert_ok(l.rc, &l.err);
    assert_int_equal(l.opts.n_args, 3);
    assert_true(opt_bool(&l.opts, "tty"));
    done(&l);
}

TEST(test_options__lists_split_and_arrays_do_not) {
    struct line l;
    size_t n;
    parse(&l, "-L a,b -L \"c,d\" --from-literal=x=1,2 --from-literal y", true);
    assert_ok(l.rc, &l.err);
    const struct str *v = opt_list(&l.opts, "label-columns", &n);
    assert_int_equal(n, 3);
    assert_str(v[2], "c,d");
    v = opt_list(&l.opts, "from-literal", &n);
    assert_int_equal(n, 2);
    assert_str(v[0], "x=1,2");
    done(&l);
}

TEST(test_options__a_bare_flag_takes_no_argument) {
    struct line l;
    parse(&l, "--dry-run client", true);
    assert_str(opt_str(&l.opts, "dry-run"), "unchanged");
    assert_int_equal(l.opts.n_args, 1);
    done(&l);
}

TEST(test_options__underscores_are_hyphens) {
    struct line l;
    parse(&l, "--label_columns=a", true);
    assert_ok(l.rc, &l.err);
    done(&l);
}

TEST(test_options__help_ends_parsing) {
    struct line l;
    parse(&l, "x -h --nonsense", true);
    assert_ok(l.rc, &l.err);
    assert_true(l.opts.help);
    done(&l);
}

TEST(test_options__numbers_in_other_bases) {
    struct line l;
    parse(&l, "--replicas=0x10", true);
    assert_ok(l.rc, &l.err);
    assert_int_equal(opt_int(&l.opts, "replicas"), 16);
    done(&l);
}

TEST(test_options__says_what_is_wrong) {
    assert_refused("--foo", "unknown flag: --foo");
    assert_refused("-tz", "unknown shorthand flag: 'z' in -z");
    assert_refused("-o", "flag needs an argument: 'o' in -o");
    assert_refused("--output", "flag needs an argument: --output");
    assert_refused("---x", "bad flag syntax: ---x");
    assert_refused("-r x",
                   "invalid argument \"x\" for \"-r, --replicas\" flag: strconv.ParseInt: parsing \"x\": "
                   "invalid syntax");
    assert_refused("--wait=maybe",
                   "invalid argument \"maybe\" for \"--wait\" flag: strconv.ParseBool: parsing "
                   "\"maybe\": invalid syntax");
    assert_refused("--timeout=5",
                   "invalid argument \"5\" for \"--timeout\" flag: time: missing unit in duration "
                   "\"5\"");
    assert_refused("--timeout=x",
                   "invalid argument \"x\" for \"--timeout\" flag: time: invalid duration \"x\"");
}
