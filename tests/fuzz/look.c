// SPDX-License-Identifier: GPL-2.0-or-later
/* look.c - target: a process as shptctl top sees it, and once more */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "top.h"

#define REGION "sys/class/misc/shpt/region/7/"

static const char *const names[] = { "proc/9/stat",
				     "proc/9/cmdline",
				     "proc/9/comm",
				     "proc/9/status",
				     "proc/9/maps",
				     "proc/9/pagemap",
				     "sys/class/misc/shpt/region/7/backing",
				     NULL };

static void show(struct look *look)
{
	static const struct print_options plainly;
	struct print_options p;

	for (int view = 0; view < VIEWS; view++) {
		struct list *list = &look->lists[view];

		list_sort(list, BY_FAULTS);
		for (size_t i = 0; i < list->n; i++)
			expect(list->items[i].what);
		expect(choose_view(&p, &plainly, view));
		print_rows(&p, list->items, list->n, sizeof(*list->items));
		json_decref(json_rows(&p, list->items, list->n,
				      sizeof(*list->items)));
	}
	free(sum_text(&plainly, &look->sum));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct look *first, *second;

	put("proc/there", "", 0);
	put(REGION "saved_bytes", "-9223372036854775807", 20);
	put(REGION "links", "3", 1);
	put_parts(names, data, size);
	first = look_take(fuzz_root(), NULL);
	put("proc/9/stat", "9 (x) S 1 1 1 0 -1 0 5 0 0 0 1 1 0 0 20 0 1 0 77",
	    49);
	second = look_take(fuzz_root(), first);
	show(first);
	show(second);
	look_free(first);
	look_free(second);
	return 0;
}
