# muxd - build, test, install. `make help` lists the targets.
#
# configure (made by autoconf, run when config.mk is missing) finds compiler, libraries and
# directories; everything else is here. Sources are found by wildcard: a new file in a folder of src/
# is a new part of muxd, a new tests/unit/FOLDER/FILE_test.c a new test.

# These install packages before anything is configured, or compile nothing.
BARE := help run check check-san fuzz fuzz-report bench dist clean distclean
ifneq ($(filter-out $(BARE),$(or $(MAKECMDGOALS),all)),)
include config.mk
endif

BUILD ?= build
comma := ,
WARN := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wconversion -Wvla
ifneq ($(WERROR),)
WARN += -Werror
endif

ifneq ($(FUZZING),)
# make fuzz
BUILD := build/fuzz
CC := clang
SAN_CFLAGS := -fsanitize=fuzzer-no-link,address,undefined -fno-omit-frame-pointer \
	-fno-sanitize-recover=all -DMUXD_SLOW_CHECKS
else ifneq ($(SAN),)
# make check SAN=address,undefined
BUILD := build/san-$(subst $(comma),-,$(SAN))
SAN_CFLAGS := -fsanitize=$(SAN) -fno-omit-frame-pointer -fno-sanitize-recover=all -O1 \
	-DMUXD_SLOW_CHECKS
export UBSAN_OPTIONS ?= print_stacktrace=1
export CK_TIMEOUT_MULTIPLIER ?= 5
# Of tests with tens of thousands of cases of one kind the tenth part: tests/support/share.h.
export MUXD_TEST_SHARE ?= 10
else
# _FORTIFY_SOURCE wants the optimizer, and hides from the sanitizers what they look for.
SAFE_CFLAGS = $(HARDEN_CFLAGS) $(if $(filter -O0,$(CFLAGS)),,$(FORTIFY))
SAFE_LDFLAGS = $(HARDEN_LDFLAGS)
endif

ALL_CPPFLAGS = -D_GNU_SOURCE -Isrc -iquote . $(LIB_CFLAGS) $(CPPFLAGS)
ALL_CFLAGS = -std=gnu11 -pthread -fno-strict-aliasing $(WARN) $(SAFE_CFLAGS) $(CFLAGS) $(SAN_CFLAGS)
# One short line a file; V=1 shows the commands.
quiet = $(if $(V)$(findstring s,$(firstword -$(MAKEFLAGS))),,@printf "  %-6s %s\n" $(1) $@;)
COMPILE = $(call quiet,CC)$(CC) $(ALL_CPPFLAGS) $(1) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<
LINK = $(call quiet,LINK)$(CC) $(ALL_CFLAGS) $(SAFE_LDFLAGS) $(LDFLAGS) -o $@ $^

# Objects are linked one by one, never from an archive: kinds of handlers and filters register
# themselves, and nobody refers to them.
FLOORS := base event http mux handler filter config server command
SRC := $(wildcard $(FLOORS:%=src/%/*.c))
OBJ := $(SRC:src/%.c=$(BUILD)/%.o)
BELOW_SERVER := $(filter-out $(BUILD)/server/% $(BUILD)/command/%,$(OBJ))
TEST_SRC := $(wildcard tests/*/*.c tests/*/*/*.c)
test_objects = $(patsubst tests/%.c,$(BUILD)/tests/%.o,$(wildcard tests/$(1)/*.c))
SUPPORT_OBJ := $(call test_objects,support)
SERVER_SUPPORT_OBJ := $(patsubst tests/%.c,$(BUILD)/tests/%.o,$(wildcard tests/support/server/*.c))

# ---- the program and its pages

all: $(BUILD)/muxd man $(BUILD)/conf/muxd.conf ## the program, its manual and its sample config

$(BUILD)/muxd: $(OBJ) $(BUILD)/main.o
	$(LINK) $(LIBS)

$(BUILD)/%.o: src/%.c config.mk
	@mkdir -p $(@D)
	$(call COMPILE)
$(BUILD)/tests/%.o: tests/%.c config.mk
	@mkdir -p $(@D)
	$(call COMPILE,-Itests)
$(BUILD)/tools/%.o: tools/%.c config.mk
	@mkdir -p $(@D)
	$(call COMPILE)

# muxd-doc prints the option tables; a line "@NAME@" in a frame becomes what `muxd-doc NAME` prints.
$(BUILD)/muxd-doc: $(OBJ) $(BUILD)/tools/muxd-doc.o
	$(LINK) $(LIBS)

PAGES = muxd.8 muxd.conf.5 muxd-routes.7 muxd-migrate.7
man: $(PAGES:%=$(BUILD)/man/%) ## the manual pages
$(BUILD)/man/%: man/%
	@mkdir -p $(@D)
	@cp $< $@
$(BUILD)/man/muxd.conf.5: man/muxd.conf.5.in $(BUILD)/muxd-doc
	@mkdir -p $(@D)
	$(call quiet,DOC)$(BUILD)/muxd-doc $< >$@.new && mv $@.new $@
$(BUILD)/conf/muxd.conf: conf/muxd.conf $(BUILD)/muxd-doc
	@mkdir -p $(@D)
	$(call quiet,DOC)$(BUILD)/muxd-doc $< >$@.new && mv $@.new $@

configure: configure.ac
	@command -v autoconf >/dev/null || \
	{ echo "autoconf is missing; 'tools/packages build' installs what muxd needs" >&2; exit 1; }
	autoconf
config.mk: configure config.mk.in config.h.in
	if test -x config.status; then ./config.status --recheck && ./config.status; else ./configure; fi
config.h: config.mk

# ---- the demo

# Everything else may be made by as many jobs as there are processors, unless you say -j.
AGAIN = +@$(MAKE) --no-print-directory $(if $(filter -j%,$(MAKEFLAGS)),,-j$(shell nproc))

run: ## install what is missing, build, serve the demo site on http://127.0.0.1:8080/
	@tools/packages build
	$(AGAIN) demo
	@echo "The demo: http://127.0.0.1:8080/ (Ctrl-C ends it)"
	@exec $(BUILD)/muxd -c $(BUILD)/demo/muxd.conf

demo: $(BUILD)/muxd $(BUILD)/demo/muxd.conf $(BUILD)/demo/man.done
$(BUILD)/demo/muxd.conf: demo/muxd.conf $(wildcard demo/*/*)
	@mkdir -p $(@D)
	@cp -R demo/. $(@D)
	@touch $@
# mandoc links to a page that stands beside the one it reads, and for others to Debian's.
MAN_LINKS = man=%N.%S.html;https://manpages.debian.org/%N.%S
$(BUILD)/demo/man.done: $(PAGES:%=$(BUILD)/man/%)
	@mkdir -p $(@D)/man
	$(call quiet,HTML)cd $(BUILD)/man && for page in $(PAGES); do \
		$(or $(MANDOC),mandoc) -T html -O "style=/style.css,$(MAN_LINKS)" $$page \
		>$(abspath $(@D))/man/$$page.html || exit; done
	@touch $@

# ---- tests

# Seconds; Check's 4 are few for a processor that others share.
export CK_DEFAULT_TIMEOUT ?= 30

# One program a file: tests/unit/FOLDER/FILE_test.c. Those below server/ link all floors below it and
# tests/support (a fake exchange among it), those of server/ everything and tests/support/server.
UNIT_SRC := $(wildcard tests/unit/*/*_test.c)
UNIT := $(UNIT_SRC:tests/%.c=$(BUILD)/tests/%)
$(BUILD)/tests/unit/server/%_test: $(BUILD)/tests/unit/server/%_test.o $(OBJ) \
		$(SERVER_SUPPORT_OBJ)
	$(LINK) $(LIBS) $(CHECK_LIBS)
$(BUILD)/tests/unit/%_test: $(BUILD)/tests/unit/%_test.o $(BELOW_SERVER) $(SUPPORT_OBJ)
	$(LINK) $(LIBS) $(CHECK_LIBS)

# muxd with handlers and a transport made for tests; what the scenarios in tests/http talk to. What may
# fail on demand is replaced in the objects of muxd: tests/muxd-test/fault.c.
FAULTY := malloc calloc realloc reallocarray aligned_alloc strdup tsearch glob pthread_create epoll_ctl \
	epoll_create1 eventfd signalfd server_new file_way_of file_new file_read file_read_now \
	pool_submit exchange_task \
	$(addprefix arena_,alloc zalloc array str printf vprintf on_reset)
$(BUILD)/muxd-test: LDFLAGS += $(FAULTY:%=-Wl,--wrap=%)
$(BUILD)/muxd-test: $(OBJ) $(BUILD)/main.o $(call test_objects,muxd-test)
	$(LINK) $(LIBS)

# tests/fuzz/NAME_fuzz.c with tests/fuzz/corpus/NAME/: a fuzzer, and a program that tries the corpus.
FUZZ := $(patsubst tests/fuzz/%_fuzz.c,%,$(wildcard tests/fuzz/*_fuzz.c))
CORPUS := $(FUZZ:%=$(BUILD)/tests/fuzz/%_corpus)
$(BUILD)/tests/fuzz/%_corpus: $(BUILD)/tests/fuzz/%_fuzz.o $(BUILD)/tests/fuzz/driver.o \
		$(BELOW_SERVER) $(SUPPORT_OBJ)
	$(LINK) $(LIBS)
$(BUILD)/tests/fuzz/%_fuzz: $(BUILD)/tests/fuzz/%_fuzz.o $(BELOW_SERVER) $(SUPPORT_OBJ)
	$(LINK) -fsanitize=fuzzer $(LIBS)

# That of a connection links the server; it stands in for server.c itself.
CONN_FUZZ_OBJ := $(BUILD)/tests/fuzz/conn_fuzz.o \
	$(addprefix $(BUILD)/tests/support/server/,peer.o replies.o stage.o wire.o) \
	$(filter-out $(BUILD)/server/server.o $(BUILD)/command/%,$(OBJ))
$(BUILD)/tests/fuzz/conn_corpus $(BUILD)/tests/fuzz/conn_fuzz: LDFLAGS += -Wl,--wrap=clock_gettime
$(BUILD)/tests/fuzz/conn_corpus: $(CONN_FUZZ_OBJ) $(BUILD)/tests/fuzz/driver.o
	$(LINK) $(LIBS)
$(BUILD)/tests/fuzz/conn_fuzz: $(CONN_FUZZ_OBJ)
	$(LINK) -fsanitize=fuzzer $(LIBS)

# A file system for the tests of `files` and bench/slowfs.
$(BUILD)/tests/files/slowfs: $(BUILD)/tests/files/slowfs.o
	$(LINK)

# What bench/mux measures with.
$(BUILD)/bench/%.o: bench/lib/%.c config.mk
	@mkdir -p $(@D)
	$(call COMPILE)
$(BUILD)/bench/mux: $(BUILD)/bench/mux.o $(filter $(BUILD)/base/% $(BUILD)/http/% $(BUILD)/mux/%,$(OBJ))
	$(LINK) $(LIBS)

# The parts of the suite, as command lines; tests/run-all runs them side by side and sums their results.
# Those that neither judge times nor end by the clock are `nice` to others. A sanitizer build has fewer:
# none that does not run what was built, or that judges its memory.
HTTP := tests/http/run --muxd $(BUILD)/muxd-test
PARTS_UNIT = $(UNIT)
# All of them, alloc:1-2800 arena:1-20000 start:1-260, take half an hour.
FAULTS := $(if $(SAN),start:1-240/16 alloc:1-2700/137 arena:1-19000/513,\
	start:1-240/5 alloc:1-2700/45 arena:1-19000/171)
# What files can be like: ways to read them, and what the page cache has of them.
FILES := steady$(comma)cold:2 cold:3 fetched$(comma)steady remote$(comma)refuse:2
FILE_SCN := $(wildcard tests/http/08-*.scn tests/http/27-*.scn)
PARTS_HTTP = "nice tests/http/fault --muxd $(BUILD)/muxd-test $(FAULTS)" \
	"$(HTTP)" "$(HTTP) --transport=adverse" "$(HTTP) --split" "$(HTTP) --split --transport=adverse" \
	$(foreach f,$(FILES),"$(HTTP) --files=$f --transport=adverse $(FILE_SCN)" \
		"$(HTTP) --files=$f $(FILE_SCN)") \
	"tests/http/selftest --muxd $(BUILD)/muxd-test"
PARTS_FUZZ = $(foreach name,$(FUZZ),"$(BUILD)/tests/fuzz/$(name)_corpus tests/fuzz/corpus/$(name)")
PARTS_LINT = tests/lint/floors "tests/lint/headers $(CC)" tests/lint/style \
	tests/lint/conformance tests/lint/selftest \
	$(if $(shell command -v systemd-analyze),tests/lint/units)
# Sanitizers keep what is freed, so memory is not judged then.
PARTS_RELOAD = "tests/reload/run --muxd $(BUILD)/muxd-test$(if $(SAN), --no-memory)"
PARTS_LIMITS = "tests/limits/run --muxd $(BUILD)/muxd-test"
OF_FILES = tests/files/$(1) --muxd $(BUILD)/muxd-test
PARTS_FILES = "nice $(call OF_FILES,run)" \
	"nice $(call OF_FILES,run) --transport=adverse-nosendfile --file-cache=4K" \
	"nice $(call OF_FILES,run) --files=remote" \
	$(if $(SAN),,"nice $(call OF_FILES,run) --pool --files=steady$(comma)cold:2" \
		"nice $(call OF_FILES,run) --transport=adverse --files=fetched$(comma)steady" \
		"nice $(call OF_FILES,ranges)") \
	"nice $(call OF_FILES,ranges) --files=remote --cases 500" \
	"nice $(call OF_FILES,ranges) --transport=adverse --files=cold:2 --cases 500" \
	"$(call OF_FILES,edits)" "$(call OF_FILES,fuzz-paths)$(if $(SAN),, --seconds 8)" \
	"$(call OF_FILES,blocked) --slowfs $(BUILD)/tests/files/slowfs"
PARTS_LOG = "tests/log/run --muxd $(BUILD)/muxd-test"
# Judges the memory of the plain build; the sanitizers need more by far.
PARTS_MEMORY = $(if $(SAN),,"bench/upload --muxd $(BUILD)/muxd --mib 96")
PARTS_EXPLAIN = "nice tests/explain/run --muxd $(BUILD)/muxd"
PARTS_DOC = "tests/doc/run $(BUILD)" "tests/doc/examples $(BUILD)" "tests/cli/run $(BUILD)/muxd"
BUILT_DOC = $(BUILD)/muxd $(BUILD)/muxd-doc man $(BUILD)/conf/muxd.conf demo

check: ## install what is missing, build, run all tests (SAN=address,undefined or SAN=thread)
	@tools/packages build test
	$(AGAIN) check-all
check-all: $(UNIT) $(CORPUS) $(BUILD)/muxd-test $(BUILD)/tests/files/slowfs $(BUILT_DOC)
	@tests/run-all $(PARTS_HTTP) $(PARTS_LOG) $(PARTS_FILES) $(PARTS_UNIT) $(PARTS_LIMITS) \
		$(PARTS_RELOAD) $(PARTS_MEMORY) $(PARTS_EXPLAIN) $(PARTS_DOC) $(PARTS_FUZZ) \
		$(if $(SAN),,$(PARTS_LINT))
check-unit: $(UNIT) ## the unit tests alone
	@tests/run-all $(PARTS_UNIT)
check-http: $(BUILD)/muxd-test ## the scenarios alone
	@tests/run-all $(PARTS_HTTP)
check-files: $(BUILD)/muxd-test ## the tests of `files` alone
	@tests/run-all $(PARTS_FILES)
check-doc: $(BUILT_DOC) ## manual, sample and command line alone
	@tests/run-all $(PARTS_DOC)
check-service: all ## as root: the installed service under a systemd that is booted for it
	@rm -rf $(BUILD)/service
	@$(MAKE) --no-print-directory -s install DESTDIR=$(abspath $(BUILD))/service
	@tests/service/boot $(BUILD)/service
check-san: ## all tests under both sanitizer builds
	+@$(MAKE) --no-print-directory check SAN=address,undefined
	+@$(MAKE) --no-print-directory check SAN=thread

TIME ?= 60
QUIET ?= 300
fuzz: ## T=NAME TIME=60: fuzz tests/fuzz/NAME_fuzz.c; what it finds goes to build/fuzz/
	@test -n "$(T)" || { echo "make fuzz T=NAME, one of: $(FUZZ)" >&2; exit 64; }
	@tools/packages build fuzz
	$(AGAIN) FUZZING=1 build/fuzz/tests/fuzz/$(T)_fuzz
	@mkdir -p build/fuzz/corpus/$(T) tests/fuzz/corpus/$(T)
	build/fuzz/tests/fuzz/$(T)_fuzz -max_total_time=$(TIME) -timeout=10 -print_final_stats=1 \
		$(file <tests/fuzz/$(T).options) -artifact_prefix=build/fuzz/$(T)- \
		build/fuzz/corpus/$(T) tests/fuzz/corpus/$(T)
fuzz-report: ## QUIET=300: each of them until so many seconds bring no new coverage; a table
	@tools/packages build fuzz
	$(AGAIN) FUZZING=1 $(FUZZ:%=build/fuzz/tests/fuzz/%_fuzz)
	tests/fuzz/report --quiet=$(QUIET) $(FUZZ)

bench: ## install what is missing, build, run the programs in bench/ one after the other
	@tools/packages build bench
	$(AGAIN) $(BUILD)/muxd $(BUILD)/muxd-test $(BUILD)/bench/mux $(BUILD)/tests/files/slowfs
	bench/mux --program $(BUILD)/bench/mux
	bench/respond --muxd $(BUILD)/muxd
	bench/files --muxd $(BUILD)/muxd
	bench/blocked --muxd $(BUILD)/muxd-test
	bench/slowfs --muxd $(BUILD)/muxd --slowfs $(BUILD)/tests/files/slowfs
	bench/upload --muxd $(BUILD)/muxd
	bench/descriptors --muxd $(BUILD)/muxd
	bench/reload --muxd $(BUILD)/muxd-test
	bench/accesslog --muxd $(BUILD)/muxd
	bench/overload --muxd $(BUILD)/muxd
	bench/limit --muxd $(BUILD)/muxd
	bench/config --muxd $(BUILD)/muxd
	bench/slow --muxd $(BUILD)/muxd
	bench/mixed --muxd $(BUILD)/muxd-test

C_FILES = $(wildcard src/*.c src/*/*.[ch] tools/*.c tests/*/*.[ch] tests/*/*/*.[ch])
LAYOUT = $(if $(shell command -v clang-format),"tests/lint/format $(filter src/%,$(C_FILES))" \
	"tests/lint/format $(filter-out src/%,$(C_FILES))")
lint: config.mk ## style, floors, headers; layout and units, if what judges them is there
	@tests/run-all $(LAYOUT) $(PARTS_LINT)
format: ## lay out all C files by .clang-format
	clang-format -i $(C_FILES)

# ---- installation

# With the directories that were configured.
install_unit = sed 's|/usr/sbin/|$(sbindir)/|; s|/usr/share/doc/muxd/|$(docdir)/|' systemd/$(1) \
	>$(DESTDIR)$(2)/$(1) && chmod 644 $(DESTDIR)$(2)/$(1)

install: all ## to DESTDIR, prefix, sysconfdir; never over an existing config
	install -d $(DESTDIR)$(sbindir) $(DESTDIR)$(docdir)/examples $(DESTDIR)$(sysconfdir)/muxd
	install -m 755 $(BUILD)/muxd $(DESTDIR)$(sbindir)/muxd
	for page in $(PAGES); do install -D -m 644 $(BUILD)/man/$$page \
		$(DESTDIR)$(mandir)/man$${page##*.}/$$page || exit; done
	install -d $(DESTDIR)$(bashdir) $(DESTDIR)$(zshdir)
	install -m 644 completion/muxd.bash $(DESTDIR)$(bashdir)/muxd
	install -m 644 completion/_muxd $(DESTDIR)$(zshdir)/_muxd
	install -m 644 README.md $(DESTDIR)$(docdir)/README.md
	install -m 644 $(BUILD)/conf/muxd.conf $(DESTDIR)$(docdir)/examples/muxd.conf
	test -e $(DESTDIR)$(sysconfdir)/muxd/muxd.conf || \
		install -m 644 $(BUILD)/conf/muxd.conf $(DESTDIR)$(sysconfdir)/muxd/muxd.conf
ifneq ($(WITH_SYSTEMD),)
	install -d $(DESTDIR)$(unitdir) $(DESTDIR)$(sysusersdir)
	$(call install_unit,muxd.service,$(unitdir))
	$(call install_unit,muxd.socket,$(unitdir))
	$(call install_unit,notify-reload.conf,$(docdir)/examples)
	install -m 644 systemd/muxd.sysusers $(DESTDIR)$(sysusersdir)/muxd.conf
endif

uninstall: config.mk ## the contrary; a config that was changed stays
	rm -f $(DESTDIR)$(sbindir)/muxd $(foreach p,$(PAGES),$(DESTDIR)$(mandir)/man$(subst .,,$(suffix $p))/$p) \
		$(DESTDIR)$(unitdir)/muxd.service $(DESTDIR)$(unitdir)/muxd.socket \
		$(DESTDIR)$(sysusersdir)/muxd.conf \
		$(DESTDIR)$(bashdir)/muxd $(DESTDIR)$(zshdir)/_muxd
	if cmp -s $(DESTDIR)$(docdir)/examples/muxd.conf $(DESTDIR)$(sysconfdir)/muxd/muxd.conf; then \
		rm -f $(DESTDIR)$(sysconfdir)/muxd/muxd.conf; rmdir $(DESTDIR)$(sysconfdir)/muxd || :; fi
	rm -rf $(DESTDIR)$(docdir)

dist: configure ## muxd-VERSION.tar.gz of the last commit, with configure
	@set -e; name=muxd-$$(sed -n 's/^PACKAGE_VERSION=.\(.*\).$$/\1/p' configure); \
	git archive --prefix=$$name/ --add-file=configure --format=tar.gz -o $$name.tar.gz HEAD; \
	echo $$name.tar.gz

clean: ## everything that was built
	rm -rf build
distclean: clean ## and everything that was configured
	rm -rf autom4te.cache configure configure~ config.mk config.h config.log config.status

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  \1\t\2/p' $(firstword $(MAKEFILE_LIST)) | expand -t 16
	@echo "Variables: SAN=address,undefined|thread  WERROR=1  V=1  BUILD=DIR  CC=  CFLAGS=  prefix=  DESTDIR="

.PHONY: all man run demo check check-all check-unit check-http check-files check-doc check-service \
	check-san fuzz fuzz-report bench lint \
	format install uninstall dist clean distclean help
.SECONDARY:
.DELETE_ON_ERROR:
-include $(wildcard $(OBJ:.o=.d) $(BUILD)/main.d $(BUILD)/tools/*.d $(BUILD)/bench/*.d \
	$(TEST_SRC:tests/%.c=$(BUILD)/tests/%.d))
