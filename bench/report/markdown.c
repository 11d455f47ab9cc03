// SPDX-License-Identifier: GPL-2.0-or-later
/* markdown.c - results as a summary in Markdown */
#define _GNU_SOURCE
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "recordings.h"

static void put(FILE *out, const char *text)
{
	for (; *text; text++) {
		if (strchr("\\`*_[]<>|&~#", *text))
			fputc('\\', out);
		fputc(*text, out);
	}
}

static void put_facts(FILE *out, const struct recording *run)
{
	const char *name;
	json_t *value;

	json_object_foreach(run->machine, name, value) {
		char *text = format_json(name, value);

		fputs("- ", out);
		put(out, fact_title(name));
		fputs(": ", out);
		put(out, text);
		free(text);
		fputc('\n', out);
	}
	fputc('\n', out);
}

static void put_comparison(FILE *out, const struct point *base,
			   const struct point *other)
{
	const struct ratio ratio = ratio_of(base, other);
	char *spread = spread_of(base, other, &ratio);
	char median[VALUE_BYTES];

	format_comparison(median, other, &ratio);
	put(out, median);
	if (*spread) {
		fputs(" (", out);
		put(out, spread);
		fputc(')', out);
	}
	free(spread);
}

static void put_ratio(FILE *out, const struct figure *f, const char *mode,
		      size_t x)
{
	const size_t both[] = { figure_other_side(f, mode, x), x };
	const char *separator = " ";
	char where[VALUE_BYTES];

	for (size_t i = both[0] == f->n_xs; i < ARRAY_SIZE(both); i++) {
		fputs(separator, out);
		if (both[0] < f->n_xs) {
			figure_x(where, f, both[i]);
			fprintf(out, "at %s: ", where);
		}
		put_comparison(out, figure_cell(f, 0, both[i]),
			       figure_find(f, mode, both[i]));
		separator = ", ";
	}
	fputs(" |", out);
}

static void put_name(FILE *out, const struct figure *f, size_t x)
{
	char place[256];

	figure_place(place, sizeof(place), f, x);
	fputs("| ", out);
	put(out, f->metric->title);
	fputs(" | ", out);
	put(out, place);
	fputs(" |", out);
}

static void put_usual(FILE *out, const struct figure *f, size_t x)
{
	char plain[VALUE_BYTES];

	format_value(plain, f->metric->unit, figure_cell(f, 0, x)->median);
	put_name(out, f, x);
	for (const char *const *mode = glance_modes; *mode; mode++) {
		if (figure_find(f, *mode, x))
			put_ratio(out, f, *mode, x);
		else
			fputs(" - |", out);
	}
	fprintf(out, " %s |\n", plain);
}

static void put_other(FILE *out, const struct figure *f, size_t x)
{
	for (size_t mode = 1; mode < f->n_modes; mode++) {
		if (!figure_cell(f, mode, x))
			continue;
		put_name(out, f, x);
		fputc(' ', out);
		put(out, f->modes[mode]);
		fputs(" | ", out);
		put(out, f->modes[0]);
		fputs(" |", out);
		put_ratio(out, f, f->modes[mode], x);
		fputc('\n', out);
	}
}

static void put_glances(FILE *out, const struct recordings *runs,
			enum glance wanted, const char *headings,
			void (*put_one)(FILE *, const struct figure *, size_t))
{
	bool any = false;

	for (size_t i = 0; i < runs->n; i++) {
		const struct recording *run = &runs->list[i];

		for (size_t j = 0; j < run->n_figures; j++) {
			const struct figure *f = &run->figures[j];
			size_t x = figure_telling_x(f);

			if (figure_glance(f, x) != wanted)
				continue;
			if (!any)
				fputs(headings, out);
			any = true;
			put_one(out, f, x);
		}
	}
	if (any)
		fputc('\n', out);
}

static const char usual_headings[] =
"How many times better than plain each mode is: above 1 it is better. Medians,\n"
"and the least and the most of any round. Where fewer, or a smaller file, are on\n"
"the other side of 1, the least such number is there as well. In noise is what has\n"
"a round at 0 or below: the ratio is that of the medians then, and the rounds are\n"
"there from the least to the most. Where a median is 0 or below there is no ratio,\n"
"but the mode's own value.\n"
"\n"
"| | | shpt | shpt+thp | hugetlb | thp | plain itself |\n"
"|---|---|--:|--:|--:|--:|--:|\n";

static const char other_headings[] =
"How many times better than another mode, in the same way.\n"
"\n"
"| | | mode | compared with | times better |\n"
"|---|---|---|---|--:|\n";

static void put_run(FILE *out, const struct recording *run,
		    const struct recording *first)
{
	char what[256], *sentence, *other;

	fprintf(out, "## %c", toupper((unsigned char)*run->title));
	put(out, *run->title ? run->title + 1 : "");
	fputs(" (", out);
	put(out, basename(run->path));
	fputs(")\n\n", out);
	if (!same_machine(first, run)) {
		other = other_machine(first, run);
		fputs("Made on another machine: ", out);
		put(out, other);
		fputs(".\n\n", out);
		free(other);
	}
	if (run->complaints > 0)
		fprintf(out,
			"The kernel's log had %lld complaints when this "
			"run ended.\n\n",
			(long long)run->complaints);
	for (size_t i = 0; i < run->n_figures; i++) {
		const struct figure *f = &run->figures[i];

		figure_what(what, sizeof(what), f);
		sentence = figure_sentences(f);
		fputs("- **", out);
		put(out, f->metric->title);
		fputs(*what ? "** (" : "**", out);
		put(out, what);
		fputs(*what ? "): " : ": ", out);
		put(out, sentence);
		fputc('\n', out);
		free(sentence);
	}
	fputc('\n', out);
}

void markdown_write(FILE *out, const struct recordings *runs)
{
	fputs("# What sharing page tables buys\n\n", out);
	if (made_under_emulation(runs))
		fputs("**Measured under emulation.** Times are not those of "
		      "any real machine, and ratios\nof times may be others "
		      "there; bytes and numbers of faults are the same.\n\n",
		      out);
	if (!made_on_one_machine(runs))
		fputs("Not all of these runs were made on one machine: do not "
		      "compare those that say so\nwith the others.\n\n",
		      out);
	put_glances(out, runs, GLANCE_USUAL, usual_headings, put_usual);
	put_glances(out, runs, GLANCE_OTHER, other_headings, put_other);
	for (size_t i = 0; i < runs->n; i++)
		put_run(out, &runs->list[i], runs->list);
	fputs("## The machine\n\n", out);
	put_facts(out, runs->list);
}
