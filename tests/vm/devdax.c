/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is special about a device-dax: it has a size of its own and ends with
 * SIGBUS, all its nodes are one region, it is mapped by 2 MiB entries that all
 * guests share, and what an ordinary mapping of it cannot do, the region's
 * cannot. One that is aligned to 1 GiB has no tables to share: it is refused.
 */
#include "vmtest.h"

#include <sys/sysmacros.h>

#define HUGE	(2 * MIB)

static const char *path;
static size_t size;

static size_t device_bytes(void)
{
	char name[128];
	struct stat st;

	MUST(stat(path, &st));
	snprintf(name, sizeof(name), "/sys/dev/char/%u:%u/size",
		 major(st.st_rdev), minor(st.st_rdev));
	return read_number(name);
}

static char *p;

static void other_guest(void *arg)
{
	long before = faults();

	(void)arg;
	for (size_t off = 0; off < 8 * HUGE; off += PAGE)
		CHECK_EQ(load(p + off), (off % HUGE) ? 0 : word(1, off));
	CHECK_LE(faults() - before, 4);
	CHECK_EQ(linked_chunks(p), 1);
}

static void huge_entries(int reg)
{
	uint64_t served = region_info(reg).faults_served;

	p = map_region(reg, 1, 0);
	for (size_t off = 0; off < 8 * HUGE; off += HUGE)
		store(p + off, word(1, off));
	CHECK_LE(region_info(reg).faults_served - served, 8);
	served = region_info(reg).faults_served;
	join(spawn(other_guest, NULL));
	CHECK_EQ(region_info(reg).faults_served, served);
	MUST(munmap(p, CHUNK));
}

static void ends(int reg)
{
	size_t chunks = (size + CHUNK - 1) / CHUNK;
	struct shpt_populate all = {
		.size = sizeof(all),
		.flags = SHPT_POPULATE_WRITE,
		.length = (chunks + 1) * CHUNK,
	};
	char *q = map_region(reg, chunks + 1, 0);
	long before;

	for (int write = 0; write < 2; write++) {
		CHECK_EQ(probe(q + size - 1, write), 0);
		CHECK_EQ(probe(q + size, write), SIGBUS);
		CHECK_EQ(probe(q + chunks * CHUNK, write), SIGBUS);
	}
	MUST(ioctl(reg, SHPT_IOC_POPULATE, &all));
	CHECK_EQ(all.populated, size);
	before = faults();
	for (size_t off = 0; off < size; off += HUGE)
		(void)load(q + off);
	CHECK_LE(faults() - before, (long)chunks);
	MUST(munmap(q, (chunks + 1) * CHUNK));
}

static void nodes(int reg)
{
	char name[64];
	struct stat st;
	int fd, again;

	MUST(stat(path, &st));
	snprintf(name, sizeof(name), "/dev/vmtest.%d", getpid());
	MUST(mknod(name, S_IFCHR | 0600, st.st_rdev));
	fd = MUST(open(name, O_RDWR | O_CLOEXEC));
	MUST(unlink(name));
	again = open_region(fd);
	CHECK_EQ(region_info(again).id, region_info(reg).id);
	MUST_FAIL(try_open_region(reg), ENODEV);
	close(again);
	close(fd);
}

/* As an ordinary mapping: there is nothing to write back, nor to punch. */
static void cannot(int fd, int reg)
{
	char *q = MUST(mmap(NULL, HUGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
			    0));

	p = map_region(reg, 1, 0);
	stamp(p, HUGE, 3);
	MUST_FAIL(msync(q, HUGE, MS_SYNC), EINVAL);
	MUST_FAIL(msync(p, HUGE, MS_SYNC), EINVAL);
	MUST_FAIL(fsync(reg), EINVAL);
	CHECK_EQ(madvise(p, CHUNK, MADV_REMOVE), -1);
	MUST(madvise(p, CHUNK, MADV_DONTNEED));
	CHECK_STAMP(q, HUGE, 3);
	CHECK_STAMP(p, HUGE, 3);
	MUST(munmap(p, CHUNK));
	MUST(munmap(q, HUGE));
}

/* /dev/daxN.M is made of namespaceN.0. */
static void align(const char *to)
{
	const char *name = strrchr(path, '/') + 1;
	char cmd[256];
	int number;

	CHECK(sscanf(name, "dax%d.", &number) == 1, "%s is no /dev/daxN.M",
	      path);
	snprintf(cmd, sizeof(cmd), "ndctl create-namespace -f -e "
		 "namespace%d.0 -m devdax -a %s -M mem >ndctl.out 2>&1",
		 number, to);
	CHECK(system(cmd) == 0, "%s failed: %s", cmd, "see ndctl.out");
}

static void aligned_to_a_chunk(void)
{
	int fd, ret, err;

	align("1G");
	fd = MUST(open(path, O_RDWR | O_CLOEXEC));
	ret = try_open_region(fd);
	err = errno;
	p = MUST(mmap(NULL, CHUNK, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
	store(p, 1);
	MUST(munmap(p, CHUNK));
	close(fd);
	align("2M");
	CHECK(ret < 0, "a device-dax with 1 GiB entries is a backing");
	CHECK_EQ(err, EOPNOTSUPP);
}

static void test(int kind)
{
	int fd = backing(kind, 8 * HUGE), reg = open_region(fd);

	path = test_env("SHPT_TEST_DEVDAX");
	size = device_bytes();
	CHECK_EQ(region_info(reg).backing_bytes, size);
	CHECK(size % CHUNK && size % HUGE == 0,
	      "%s has %zu bytes, its end lies where the test does not want it",
	      path, size);
	huge_entries(reg);
	ends(reg);
	nodes(reg);
	cannot(fd, reg);
	close(reg);
	close(fd);
	aligned_to_a_chunk();
	/* It is still, or again, what it was. */
	close(open_region(backing(kind, HUGE)));
}

int main(void)
{
	return vmtest(test, DEVDAX, 55);
}
