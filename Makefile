# muxd - build, test, install. `make help` lists the targets.
-include config.mk

CC ?= gcc
BUILD ?= build
CFLAGS ?= -O2 -g
WARN = -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wconversion -Wvla
CPPFLAGS += -D_GNU_SOURCE -Isrc -I$(BUILD)
ALL_CFLAGS = -std=gnu11 -pthread -fno-strict-aliasing $(WARN) $(CFLAGS) $(SAN_CFLAGS)
LIBS ?= -lconfig -lsystemd

# make check SAN=address,undefined
ifneq ($(SAN),)
BUILD := build/san-$(subst $(comma),-,$(SAN))
SAN_CFLAGS = -fsanitize=$(SAN) -fno-omit-frame-pointer -fno-sanitize-recover=all -DMUXD_SLOW_CHECKS
endif
comma := ,

FLOORS := base event http mux handler filter config server
SRC := $(wildcard $(FLOORS:%=src/%/*.c))
OBJ := $(SRC:src/%.c=$(BUILD)/%.o)
BELOW_SERVER := $(filter-out $(BUILD)/server/%,$(OBJ))
SUPPORT_OBJ := $(patsubst tests/%.c,$(BUILD)/tests/%.o,$(wildcard tests/support/*.c))

all: $(BUILD)/muxd

$(BUILD)/muxd: $(OBJ) $(BUILD)/main.o
	$(CC) $(ALL_CFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS)

$(BUILD)/%.o: src/%.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<
$(BUILD)/tests/%.o: tests/%.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) -Itests $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

# A unit test is one program: tests/unit/FOLDER/FILE_test.c. Those below server/ link all floors below
# it and tests/support (a fake exchange among it).
UNIT_SRC := $(wildcard tests/unit/*/*_test.c)
UNIT := $(UNIT_SRC:tests/%.c=$(BUILD)/tests/%)
$(BUILD)/tests/unit/server/%_test: $(BUILD)/tests/unit/server/%_test.o $(OBJ)
	$(CC) $(ALL_CFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS) -lcheck -lsubunit -lm -lrt
$(BUILD)/tests/unit/%_test: $(BUILD)/tests/unit/%_test.o $(BELOW_SERVER) $(SUPPORT_OBJ)
	$(CC) $(ALL_CFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS) -lcheck -lsubunit -lm -lrt

check-unit: $(UNIT)
	@set -e; for t in $(UNIT); do $$t; done

clean:
	rm -rf build

.PHONY: all check-unit clean
.SECONDARY:
-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
