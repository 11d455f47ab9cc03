/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The structs of the interface can grow on both sides: unknown flags are
 * EINVAL, unknown bytes must be zero or are E2BIG, and what is zero there
 * changes nothing. Nobody but the module's helper can donate an address space.
 */
#include "vmtest.h"

static int dev, fd, reg;
static char *p;

/* A struct of the interface as a later version might have it. */
union args {
	struct { __u32 size, flags; } head;
	struct shpt_open_region open;
	struct shpt_region_info info;
	struct shpt_mapping_info mapping;
	struct shpt_set_node set_node;
	struct shpt_reclaim reclaim;
	struct shpt_set_reclaim set_reclaim;
	char bytes[2 * PAGE];
};

static union args fresh(unsigned long request, size_t known)
{
	union args a;

	memset(&a, 0, sizeof(a));
	a.head.size = known;
	if (request == SHPT_IOC_OPEN_REGION)
		a.open.backing_fd = fd;
	if (request == SHPT_IOC_SET_NODE)
		a.set_node.node = SHPT_NODE_ONE;
	if (request == SHPT_IOC_RECLAIM)
		a.reclaim.length = CHUNK;
	if (request == SHPT_IOC_MAPPING_INFO)
		a.mapping.addr = (uintptr_t)p;
	return a;
}

/* Every call answers to its form in the same way. */
static void form(int on, unsigned long request, size_t known, __u32 flags)
{
	static const size_t more[] = { 4, 8, 64, 1000 };
	union args a;
	int ret;

	for (unsigned int i = 0; i < sizeof(more) / sizeof(*more); i++) {
		a = fresh(request, known);
		a.head.size = known + more[i];
		ret = MUST(ioctl(on, request, &a));
		if (ret > 0)
			close(ret);
		for (size_t j = known; j < known + more[i]; j++)
			CHECK(!a.bytes[j], "byte %zu was written", j);
		a = fresh(request, known);
		a.head.size = known + more[i];
		a.bytes[known + more[i] - 1] = 1;
		MUST_FAIL(ioctl(on, request, &a), E2BIG);
	}
	for (int bit = 0; bit < 32; bit++) {
		a = fresh(request, known);
		a.head.flags = 1U << bit;
		if (a.head.flags & flags)
			continue;
		MUST_FAIL(ioctl(on, request, &a), EINVAL);
	}
	for (size_t size = 0; size < 8; size += 4) {
		a = fresh(request, known);
		a.head.size = size;
		MUST_FAIL(ioctl(on, request, &a), EINVAL);
	}
	MUST_FAIL(ioctl(on, request, NULL), EFAULT);
	MUST_FAIL(ioctl(on, request, -4096L), EFAULT);
	/* A sane limit, not as much memory as the caller claims. */
	a = fresh(request, known);
	a.head.size = UINT32_MAX;
	CHECK_EQ(ioctl(on, request, &a), -1);
	/* All is as before. */
	a = fresh(request, known);
	ret = MUST(ioctl(on, request, &a));
	if (ret > 0)
		close(ret);
}

/* Calls on the region that need the right to write, and may replace its hosts. */
static void steering(void)
{
	union args a;
	int ro;

	form(reg, SHPT_IOC_SET_NODE, sizeof(a.set_node), 0);
	form(reg, SHPT_IOC_RECLAIM, sizeof(a.reclaim), 0);
	form(reg, SHPT_IOC_SET_RECLAIM, sizeof(a.set_reclaim), 0);
	a = fresh(SHPT_IOC_SET_NODE, sizeof(a.set_node));
	a.set_node.node = SHPT_NODE_LOCAL - 1;
	MUST_FAIL(ioctl(reg, SHPT_IOC_SET_NODE, &a), EINVAL);
	a.set_node.node = 1 << 20;
	MUST_FAIL(ioctl(reg, SHPT_IOC_SET_NODE, &a), EINVAL);
	a.set_node.node = 63;
	CHECK_EQ(ioctl(reg, SHPT_IOC_SET_NODE, &a), -1);
	a = fresh(SHPT_IOC_RECLAIM, sizeof(a.reclaim));
	a.reclaim.length = 0;
	MUST_FAIL(ioctl(reg, SHPT_IOC_RECLAIM, &a), EINVAL);
	a.reclaim.length = 2;
	a.reclaim.offset = UINT64_MAX;
	MUST_FAIL(ioctl(reg, SHPT_IOC_RECLAIM, &a), EINVAL);
	a = fresh(SHPT_IOC_SET_RECLAIM, sizeof(a.set_reclaim));
	a.set_reclaim.mode = SHPT_RECLAIM_ALWAYS + 1;
	MUST_FAIL(ioctl(reg, SHPT_IOC_SET_RECLAIM, &a), EINVAL);
	a.set_reclaim.mode = SHPT_RECLAIM_ALWAYS;
	a.set_reclaim.interval_ms = SHPT_RECLAIM_MAX_INTERVAL_MS + 1;
	MUST_FAIL(ioctl(reg, SHPT_IOC_SET_RECLAIM, &a), EINVAL);

	a = fresh(SHPT_IOC_OPEN_REGION, sizeof(a.open));
	a.open.flags = SHPT_OPEN_READ_ONLY;
	ro = MUST(ioctl(dev, SHPT_IOC_OPEN_REGION, &a));
	a = fresh(SHPT_IOC_SET_NODE, sizeof(a.set_node));
	MUST_FAIL(ioctl(ro, SHPT_IOC_SET_NODE, &a), EACCES);
	MUST_FAIL(ioctl(ro, SHPT_IOC_RECLAIM, &a), EACCES);
	MUST_FAIL(ioctl(ro, SHPT_IOC_SET_RECLAIM, &a), EACCES);
	close(ro);
	CHECK_EQ(load(p), 1);
}

static void test(int kind)
{
	union args a;
	char *q;

	dev = device();
	fd = backing(kind, MIB);
	reg = open_region(fd);
	p = map_region(reg, 2, 0);
	store(p, 1);

	form(dev, SHPT_IOC_OPEN_REGION, sizeof(a.open),
	     SHPT_OPEN_READ_ONLY | SHPT_OPEN_SYNC);
	form(dev, SHPT_IOC_MAPPING_INFO, sizeof(a.mapping), 0);
	form(reg, SHPT_IOC_REGION_INFO, sizeof(a.info), 0);
	a = fresh(SHPT_IOC_OPEN_REGION, sizeof(a.open));
	a.open.reserved = 1;
	MUST_FAIL(ioctl(dev, SHPT_IOC_OPEN_REGION, &a), EINVAL);
	a = fresh(SHPT_IOC_OPEN_REGION, sizeof(a.open));
	a.open.flags = SHPT_OPEN_READ_ONLY | SHPT_OPEN_SYNC;
	MUST_FAIL(ioctl(dev, SHPT_IOC_OPEN_REGION, &a), EINVAL);

	/* What the mapping is. */
	a = fresh(SHPT_IOC_MAPPING_INFO, sizeof(a.mapping));
	a.mapping.addr = (uintptr_t)p + CHUNK + 12345;
	MUST(ioctl(dev, SHPT_IOC_MAPPING_INFO, &a));
	CHECK_EQ(a.mapping.start, (uintptr_t)p);
	CHECK_EQ(a.mapping.end, (uintptr_t)p + 2 * CHUNK);
	CHECK_EQ(a.mapping.region_id, region_info(reg).id);
	CHECK_EQ(a.mapping.linked_chunks, 1);
	q = MUST(mmap(NULL, MIB, PROT_READ, MAP_SHARED, fd, 0));
	a.mapping.addr = (uintptr_t)q;
	MUST_FAIL(ioctl(dev, SHPT_IOC_MAPPING_INFO, &a), ENOENT);
	a.mapping.addr = (uintptr_t)p + 2 * CHUNK;
	MUST_FAIL(ioctl(dev, SHPT_IOC_MAPPING_INFO, &a), ENOENT);
	a.mapping.addr = UINT64_MAX;
	MUST_FAIL(ioctl(dev, SHPT_IOC_MAPPING_INFO, &a), ENOENT);

	MUST_FAIL(ioctl(dev, SHPT_IOC_DONATE, 0), EPERM);
	MUST_FAIL(ioctl(dev, SHPT_IOC_DONATE, &a), EPERM);
	/* And the caller is still itself. */
	CHECK_EQ(load(p), 1);
	CHECK_EQ(linked_chunks(p), 1);
	steering();
}

int main(void)
{
	return vmtest(test, MEMFD | DAX, 55);
}
