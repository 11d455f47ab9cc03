// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * pass.c - which passes are run, and in what order
 *
 * For each backing, size and x there are rounds, and in each round every mode
 * has its turn, so that whatever else happens to the machine happens to all. Who
 * begins, and who comes after whom, changes: what a mode leaves behind (memory in
 * pieces, caches, work put off) is not always the same one's to bear.
 */
#include <stdlib.h>
#include <string.h>

#include "bench.h"

const struct mode mode_plain = { "plain", SMALL, false, 0 };
const struct mode mode_thp = { "thp", HUGE, false, 0 };
const struct mode mode_hugetlb = { "hugetlb", HUGETLB, false, 0 };
const struct mode mode_shpt = { "shpt", SMALL, true, 0 };
const struct mode mode_shpt_thp = { "shpt+thp", HUGE, true, 0 };

const struct mode *const usual_modes[] = {
	&mode_plain, &mode_thp, &mode_hugetlb, &mode_shpt, &mode_shpt_thp, NULL,
};

/* What is going on, for people and for what follows. */
struct place {
	const struct run *run;
	enum backing backing;
	uint64_t bytes;
	struct file files[PAGES];
	char *missing[PAGES];
	unsigned int done;
};

static const char *get_file(struct place *place, enum pages pages)
{
	struct file *file = &place->files[pages];
	const char *why;

	if (pages == NO_PAGES || file->fd >= 0 || place->missing[pages])
		return place->missing[pages];
	file->backing = place->backing;
	file->pages = pages;
	file->bytes = place->bytes;
	file->stride = place->run->stride;
	file->sync = place->run->scenario->sync;
	why = file_make(file);
	if (why)
		place->missing[pages] = strdup(why);
	return why;
}

/* Who names no modes wants those that there can be. */
static bool is_wanted(const struct run *run, const struct mode *mode,
		      enum backing backing)
{
	const struct mode *const *modes = run->scenario->modes;
	size_t i = 0;

	while (modes[i] != mode)
		i++;
	return run->modes[i] &&
	       !(run->all_modes && file_unfit(backing, mode->pages));
}

/* The modes that can be measured here; for all others the reason. */
static void find_modes(struct place *place, bool usable[])
{
	const struct mode *const *modes = place->run->scenario->modes;

	for (size_t i = 0; modes[i]; i++) {
		const char *why = file_unfit(place->backing, modes[i]->pages);

		usable[i] = false;
		if (!is_wanted(place->run, modes[i], place->backing))
			continue;
		if (!why && place->run->scenario->unfit)
			why = place->run->scenario->unfit(place->backing);
		if (!why && modes[i]->shpt && !module_loaded())
			why = "the module is not loaded. Run: modprobe shpt";
		if (!why)
			why = get_file(place, modes[i]->pages);
		usable[i] = !why;
		if (!why)
			continue;
		results_skip(modes[i]->name, place->backing, why);
		place->done += place->run->xs.n * place->run->rounds;
	}
}

static void run_one(struct place *place, const struct mode *mode,
		    unsigned int x)
{
	const struct pass pass = {
		.scenario = place->run->scenario,
		.mode = mode,
		.file = mode->pages ? &place->files[mode->pages] : NULL,
		.x = x,
		.parameters = place->run->parameters,
		.texts = place->run->texts,
	};

	progress_now("%s, %llu MiB, %s %u: %s", backing_names[place->backing],
		     (unsigned long long)place->bytes >> 20,
		     pass.scenario->x, x, mode->name);
	pass.scenario->run(&pass);
	/* What it leaves to the kernel to be done later is not the next one's. */
	page_tables();
	progress(++place->done);
}

static void run_round(struct place *place, const bool usable[],
		      unsigned int round, unsigned int x)
{
	const struct mode *const *modes = place->run->scenario->modes;
	size_t n = 0;

	while (modes[n])
		n++;
	for (size_t turn = 0; turn < n; turn++) {
		size_t i = (turn + round / 2) % n;

		if (round % 2)
			i = n - 1 - i;
		if (usable[i])
			run_one(place, modes[i], x);
	}
}

static void run_rounds(struct place *place, const bool usable[])
{
	const struct run *run = place->run;

	for (size_t x = 0; x < run->xs.n; x++)
		for (unsigned int round = 0; round < run->rounds; round++)
			run_round(place, usable, round, run->xs.values[x]);
}

static unsigned int count_passes(const struct run *run)
{
	unsigned int places = 0;

	for (int backing = 0; backing < BACKINGS; backing++)
		for (size_t i = 0; run->scenario->modes[i]; i++)
			places += run->backings[backing] &&
				  is_wanted(run, run->scenario->modes[i],
					    backing);
	return run->xs.n * run->sizes.n * run->rounds * places;
}

void run_passes(const struct run *run)
{
	struct place place = { .run = run };
	bool usable[MAX_MODES];

	progress_begin(count_passes(run));
	for (place.backing = 0; place.backing < BACKINGS; place.backing++) {
		if (!run->backings[place.backing])
			continue;
		for (size_t i = 0; i < run->sizes.n; i++) {
			place.bytes = run->sizes.values[i];
			for (size_t j = 0; j < PAGES; j++) {
				place.files[j].fd = -1;
				place.missing[j] = NULL;
			}
			find_modes(&place, usable);
			run_rounds(&place, usable);
			for (size_t j = 0; j < PAGES; j++) {
				file_close(&place.files[j]);
				free(place.missing[j]);
			}
		}
	}
	progress_end();
}
