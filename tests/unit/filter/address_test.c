/* address_test.c - networks, and who is let in by them. One thread. */
#include <arpa/inet.h>
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "filter/networks.h"
#include "support/fake_exchange.h"

static struct fake_conf conf, handler;
static struct exchange *x;

static void setup(void)
{
    fake_conf_handler(&handler, "respond");
    ck_assert_uint_eq(fake_conf_check(&handler), 0);
}

static void teardown(void)
{
    fake_conf_done(&handler);
}

static void come_from(const char *peer)
{
    x->address_n = 0;
    if (strcmp(peer, "unix") == 0)
        return;
    x->address_n = strchr(peer, ':') != NULL ? 16 : 4;
    ck_assert_int_eq(inet_pton(x->address_n == 16 ? AF_INET6 : AF_INET, peer, x->address), 1);
}

/* The status a peer gets from that filter with these networks. */
static unsigned status_of(const char *kind, const char *a, const char *b, const char *peer)
{
    fake_conf_filter(&conf, kind);
    fake_conf_strs(&conf, kind, a, b, NULL);
    ck_assert_uint_eq(fake_conf_check(&conf), 0);
    x = fake_exchange_new();
    fake_exchange_request(x, "GET", "/", "/");
    come_from(peer);
    fake_exchange_filter(x, kind, &conf);
    fake_exchange_run(x, &handler, "respond");
    unsigned status = x->response.status;
    fake_exchange_free(x);
    fake_conf_done(&conf);
    return status;
}

static const struct {
    const char *a, *b, *peer;
    bool in;
} peers[] = {
    { "10.0.0.0/8", NULL, "10.0.0.0", true },
    { "10.0.0.0/8", NULL, "10.255.255.255", true },
    { "10.0.0.0/8", NULL, "11.0.0.0", false },
    { "10.0.0.0/8", NULL, "9.255.255.255", false },
    { "192.0.2.7", NULL, "192.0.2.7", true },
    { "192.0.2.7", NULL, "192.0.2.6", false },
    { "192.0.2.7", NULL, "192.0.2.8", false },
    { "192.0.2.7/32", NULL, "192.0.2.7", true },
    { "192.0.2.4/30", "10.0.0.0/8", "192.0.2.7", true },
    { "192.0.2.4/30", "10.0.0.0/8", "192.0.2.8", false },
    { "10.0.0.0/8", "10.1.0.0/16", "10.2.0.0", true }, /* one within the other */
    { "10.1.0.0/16", "10.0.0.0/8", "10.255.0.0", true },
    { "0.0.0.0/0", NULL, "255.255.255.255", true },
    { "0.0.0.0/0", NULL, "::1", false }, /* the families are apart */
    { "::/0", NULL, "192.0.2.1", false },
    { "::/0", NULL, "2001:db8::1", true },
    { "2001:db8::/32", NULL, "2001:db8:ffff::", true },
    { "2001:db8::/32", NULL, "2001:db9::", false },
    { "::1", NULL, "::1", true },
    { "::1", NULL, "::2", false },
    { "::ffff:10.0.0.0/104", NULL, "10.9.9.9", true }, /* IPv4 within IPv6 */
    { "::ffff:10.1.2.3", NULL, "10.1.2.3", true },
    { "::ffff:10.1.2.3", NULL, "10.1.2.4", false },
    { "unix", NULL, "unix", true },
    { "unix", NULL, "127.0.0.1", false },
    { "0.0.0.0/0", "::/1", "unix", false },
};

START_TEST(who_is_in)
{
    ck_assert_uint_eq(status_of("allow", peers[_i].a, peers[_i].b, peers[_i].peer),
                      peers[_i].in ? 200 : 403);
    ck_assert_uint_eq(status_of("deny", peers[_i].a, peers[_i].b, peers[_i].peer),
                      peers[_i].in ? 403 : 200);
}
END_TEST

static const char *const wrong[] = {
    "10.0.0.0/33",       "10.0.0/8",  "10.0.0.0/",  "10.0.0.0/8 ", "10.0.0.0/08a",
    "::1/129",           "all",       "localhost",  "10.0.0.1-9",  "",
    "::ffff:10.0.0.0/8", "/8",        "1.2.3.4:80", "[::1]",       "10.0.0.0/-1",
    "fe80::1%lo",        "010.0.0.1", "unix:/x",    "10.0.0.*",    "10.0.0.0/0008",
    "1.2.3.4/8/16/",     "::/12x",    "256.0.0.1",
};

START_TEST(no_address)
{
    fake_conf_filter(&conf, "deny");
    fake_conf_strs(&conf, "deny", wrong[_i], NULL);
    ck_assert_msg(fake_conf_check(&conf) == 1, "%s", wrong[_i]);
    fake_conf_done(&conf);
}
END_TEST

START_TEST(doubts)
{
    fake_conf_filter(&conf, "deny");
    fake_conf_strs(&conf, "deny", "10.0.0.1/8", NULL);
    ck_assert_uint_eq(fake_conf_check(&conf), 0);
    ck_assert(fake_conf_reported(&conf, "begins at 10.0.0.0/8"));
    fake_conf_done(&conf);
    fake_conf_filter(&conf, "deny");
    fake_conf_strs(&conf, "deny", "0.0.0.0/0", "::/0", NULL);
    ck_assert_uint_eq(fake_conf_check(&conf), 0);
    ck_assert(fake_conf_reported(&conf, "denies every address"));
    fake_conf_done(&conf);
}
END_TEST

/* Many networks against one after the other. */
START_TEST(many)
{
    enum { N = 300 };
    struct option_check *c = &conf.check;
    struct networks set;
    struct str texts[N];
    char buf[N][32];
    unsigned char lows[N][2];
    unsigned bits[N];

    fake_conf_filter(&conf, "deny");
    srandom(7);
    for (int i = 0; i < N; i++) {
        bits[i] = 8 + (unsigned)random() % 9;
        lows[i][0] = (unsigned char)random();
        lows[i][1] = (unsigned char)random();
        snprintf(buf[i], sizeof buf[i], "%u.%u.0.0/%u", lows[i][0], lows[i][1], bits[i]);
        texts[i] = str_of(buf[i]);
    }
    networks_compile(c, "deny", (struct strs){ texts, N }, &set);
    ck_assert_uint_eq(conf.errors, 0);
    x = fake_exchange_new();
    x->address_n = 4;
    for (unsigned peer = 0; peer < 65536; peer++) {
        bool in = false;
        for (int i = 0; i < N && !in; i++)
            in = ((peer ^ ((unsigned)lows[i][0] << 8 | lows[i][1])) >> (16 - bits[i])) == 0;
        x->address[0] = (unsigned char)(peer >> 8);
        x->address[1] = (unsigned char)peer;
        ck_assert_int_eq(networks_have_peer(&set, x), in);
    }
    fake_exchange_free(x);
    fake_conf_done(&conf);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("address");
    TCase *t = tcase_create("address");
    SRunner *r = srunner_create(s);

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_loop_test(t, who_is_in, 0, (int)array_len(peers));
    tcase_add_loop_test(t, no_address, 0, (int)array_len(wrong));
    tcase_add_test(t, doubts);
    tcase_add_test(t, many);
    suite_add_tcase(s, t);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
