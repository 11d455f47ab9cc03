// SPDX-License-Identifier: GPL-2.0-or-later
/* html.c - results as one page that needs no script and no other file */
#define _GNU_SOURCE
#include <ctype.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "recordings.h"

static const char head[] =
"<!DOCTYPE html>\n"
"<html lang=\"en\">\n"
"<head>\n"
"<meta charset=\"utf-8\">\n"
"<meta http-equiv=\"Content-Security-Policy\"\n"
" content=\"default-src 'none'; style-src 'unsafe-inline'; img-src data:\">\n"
"<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
"<meta name=\"color-scheme\" content=\"light dark\">\n"
"<link rel=\"icon\" href=\"data:,\">\n"
"<title>shpt: what sharing page tables buys</title>\n"
"<style>\n"
":root { color-scheme: light dark; --ink: #1c2126; --soft: #59636e;\n"
"  --paper: #ffffff; --panel: #f5f7f9; --line: #d3d9df; --link: #0b5ea8;\n"
"  --good: #0a6b3b; --bad: #a3271d; --warn: #fff1d6; }\n"
"@media (prefers-color-scheme: dark) { :root { --ink: #e3e7eb;\n"
"  --soft: #9aa5b1; --paper: #14171a; --panel: #1d2125; --line: #363d44;\n"
"  --link: #7db8ee; --good: #5fd08f; --bad: #ff8f80; --warn: #3d2f12; } }\n"
"* { box-sizing: border-box; }\n"
"body { margin: 0 auto; padding: 1rem; max-width: 84rem; color: var(--ink);\n"
"  background: var(--paper); font: 1rem/1.5 system-ui, sans-serif;\n"
"  overflow-wrap: break-word; }\n"
"h1 { font-size: 1.6rem; line-height: 1.2; }\n"
"h2 { margin-top: 3rem; padding-top: 0.5rem;\n"
"  border-top: 1px solid var(--line); }\n"
"a { color: var(--link); }\n"
".soft, th { color: var(--soft); }\n"
".warn { padding: 0.6rem 0.9rem; border-radius: 0.4rem;\n"
"  background: var(--warn); }\n"
".scroll { overflow-x: auto; }\n"
"table { border-collapse: collapse; font-size: 0.9rem;\n"
"  font-variant-numeric: tabular-nums; }\n"
"th, td { padding: 0.25rem 0.7rem 0.25rem 0; text-align: right;\n"
"  vertical-align: top; border-bottom: 1px solid var(--line); }\n"
"th { font-weight: 600; }\n"
"th:first-child, td:first-child { text-align: left; }\n"
".glance td:first-child { min-width: 9rem; }\n"
".glance th[colspan] { padding-top: 1.5rem; color: var(--ink); }\n"
".facts td { text-align: left; }\n"
".facts td:first-child { color: var(--soft); }\n"
".spread { display: block; color: var(--soft); font-size: 0.8em;\n"
"  white-space: nowrap; }\n"
".good { color: var(--good); font-weight: 600; }\n"
".bad { color: var(--bad); font-weight: 600; }\n"
".figures { display: grid; gap: 1rem; align-items: start;\n"
"  grid-template-columns: repeat(auto-fill, minmax(min(100%, 22rem), 1fr)); }\n"
"figure { margin: 0; padding: 0.8rem; min-width: 0; border-radius: 0.4rem;\n"
"  background: var(--panel); }\n"
"figure svg { display: block; width: 100%; height: auto; }\n"
"figure table { font-size: 0.8rem; }\n"
"figure th, figure td { padding-right: 0.45rem; }\n"
"figure td:first-child { white-space: nowrap; }\n"
"figcaption { font-size: 0.9rem; }\n"
"summary { color: var(--soft); font-size: 0.9rem; cursor: pointer; }\n"
"/* gnuplot writes black, and white is not what is behind it */\n"
"svg g[color=black] { color: var(--ink); }\n"
"svg [fill=black] { fill: var(--ink); }\n"
"svg [stroke=black], svg [stroke='rgb(  0,   0,   0)'] {\n"
"  stroke: var(--ink); }\n"
"svg [font-size^='15'] { font-weight: 600; }\n"
"svg .gridline { stroke: var(--line); }\n"
"</style>\n"
"</head>\n"
"<body>\n";

static void put(FILE *out, const char *text)
{
	for (; *text; text++) {
		switch (*text) {
		case '&':
			fputs("&amp;", out);
			break;
		case '<':
			fputs("&lt;", out);
			break;
		case '>':
			fputs("&gt;", out);
			break;
		case '"':
			fputs("&quot;", out);
			break;
		default:
			fputc(*text, out);
		}
	}
}

/* Titles begin with a small letter where they stand in a list. */
static void put_heading(FILE *out, const char *text)
{
	const char first[] = { (char)toupper((unsigned char)*text), '\0' };

	put(out, first);
	put(out, *text ? text + 1 : "");
}

static void put_fact(FILE *out, const char *name, const json_t *value)
{
	char *text = format_json(name, value);

	fputs("<tr><td>", out);
	put(out, fact_title(name));
	fputs("</td><td>", out);
	put(out, text);
	fputs("</td></tr>\n", out);
	free(text);
}

static void put_facts(FILE *out, json_t *facts)
{
	const char *name;
	json_t *value;

	fputs("<div class=\"scroll\"><table class=\"facts\">\n", out);
	json_object_foreach(facts, name, value)
		put_fact(out, name, value);
	fputs("</table></div>\n", out);
}

/* ---- one figure --------------------------------------------------------- */

static void put_spread(FILE *out, const char *spread)
{
	if (!*spread)
		return;
	fputs("<span class=\"spread\">", out);
	put(out, spread);
	fputs("</span>", out);
}

static void put_cell(FILE *out, const struct point *p)
{
	char median[VALUE_BYTES], spread[SPREAD_BYTES];

	if (!p) {
		fputs("<td class=\"soft\">-</td>", out);
		return;
	}
	format_value(median, p->metric->unit, p->median);
	format_spread(spread, p);
	fprintf(out, "<td>%s", median);
	put_spread(out, spread);
	if (!isnan(p->predicted)) {
		format_value(median, p->metric->unit, p->predicted);
		fprintf(out, "<span class=\"spread\">predicted %s</span>",
			median);
	}
	fputs("</td>", out);
}

static void put_table(FILE *out, const struct figure *f, bool open)
{
	char where[VALUE_BYTES];

	fprintf(out,
		"<details%s><summary>Numbers</summary>"
		"<div class=\"scroll\"><table>\n<tr><th>",
		open ? " open" : "");
	put(out, f->over_sizes ? "size" : f->x_name);
	fputs("</th>", out);
	for (size_t mode = 0; mode < f->n_modes; mode++) {
		fputs("<th>", out);
		put(out, f->modes[mode]);
		fputs("</th>", out);
	}
	fputs("</tr>\n", out);
	for (size_t x = 0; x < f->n_xs; x++) {
		figure_x(where, f, x);
		fprintf(out, "<tr><td>%s</td>", where);
		for (size_t mode = 0; mode < f->n_modes; mode++)
			put_cell(out, figure_cell(f, mode, x));
		fputs("</tr>\n", out);
	}
	fputs("</table></div></details>\n", out);
}

/*
 * The picture, without what makes it a file of its own, and without the names
 * of gnuplot's parts, which a browser would show. The ids of all the pictures
 * of a page have to differ.
 */
static void put_svg(FILE *out, const char *svg, const char *id)
{
	static const char *const references[] = { " id='", " id=\"",
						  "href='#" };
	bool in_tag = false;
	const char *end;

	svg = strstr(svg, "<svg");
	while (svg && *svg) {
		size_t n = 1;

		if (!strncmp(svg, "<title>", 7) &&
		    (end = strstr(svg, "</title>"))) {
			svg = end + 8;
			continue;
		}
		in_tag = *svg == '<' || (in_tag && *svg != '>');
		for (size_t i = 0; in_tag && i < ARRAY_SIZE(references); i++)
			if (!strncmp(svg, references[i], strlen(references[i])))
				n = strlen(references[i]);
		fwrite(svg, 1, n, out);
		if (n > 1)
			fprintf(out, "%s-", id);
		svg += n;
	}
}

static void put_figure(FILE *out, const struct figure *f, const char *id)
{
	char *sentence = figure_sentences(f);
	char *svg = plot_svg(f);

	fprintf(out, "<figure id=\"%s\">\n", id);
	if (svg) {
		fprintf(out, "<div role=\"img\" aria-labelledby=\"%s-says\">\n",
			id);
		put_svg(out, svg, id);
		fputs("</div>\n", out);
	} else {
		char what[256];

		figure_what(what, sizeof(what), f);
		fputs("<h3>", out);
		put(out, f->metric->title);
		fputs("<br><small class=\"soft\">", out);
		put(out, what);
		if (f->run->emulated)
			fputs("; measured under emulation", out);
		fputs("</small></h3>\n", out);
	}
	fprintf(out, "<figcaption id=\"%s-says\">", id);
	put(out, sentence);
	fputs("</figcaption>\n", out);
	put_table(out, f, !svg);
	fputs("</figure>\n", out);
	free(sentence);
	free(svg);
}

/* ---- one run ------------------------------------------------------------ */

static void put_parameters(FILE *out, const struct recording *run)
{
	const char *name;
	json_t *value;

	fputs("<p class=\"soft\">", out);
	put(out, basename(run->path));
	json_object_foreach(run->parameters, name, value) {
		char *text = format_json(name, value);

		fputs("; ", out);
		put(out, name);
		fputs(" ", out);
		put(out, text);
		free(text);
	}
	fputs("</p>\n", out);
}

static void put_skipped(FILE *out, const struct recording *run)
{
	if (!json_array_size(run->skipped))
		return;
	fputs("<p class=\"soft\">Not measured:</p>\n<ul class=\"soft\">\n",
	      out);
	for (size_t i = 0; i < json_array_size(run->skipped); i++) {
		json_t *one = json_array_get(run->skipped, i);
		const char *mode, *backing, *reason;

		mode = json_string_value(json_object_get(one, "mode"));
		backing = json_string_value(json_object_get(one, "backing"));
		reason = json_string_value(json_object_get(one, "reason"));
		fputs("<li>", out);
		put(out, *mode ? mode : "all modes");
		fputs(" on ", out);
		put(out, backing);
		fputs(": ", out);
		put(out, reason);
		fputs("</li>\n", out);
	}
	fputs("</ul>\n", out);
}

static void put_warnings(FILE *out, const struct recording *run,
			 const struct recording *first)
{
	if (!same_machine(first, run)) {
		char *other = other_machine(first, run);

		fputs("<p class=\"warn\">Made on another machine: ", out);
		put(out, other);
		fputs(".</p>\n", out);
		free(other);
	}
	if (run->complaints > 0)
		fprintf(out,
			"<p class=\"warn\">The kernel's log had %lld "
			"complaints when this run ended.</p>\n",
			(long long)run->complaints);
	if (!json_is_true(json_object_get(run->machine, "module")))
		fputs("<p class=\"warn\">The module shpt was not loaded when "
		      "this run began.</p>\n",
		      out);
}

static void put_run(FILE *out, const struct recordings *runs, size_t number)
{
	const struct recording *run = &runs->list[number];
	char id[64];

	fprintf(out, "<section>\n<h2 id=\"run%zu\">", number);
	put_heading(out, run->title);
	fputs("</h2>\n", out);
	put_parameters(out, run);
	put_warnings(out, run, runs->list);
	fputs("<div class=\"figures\">\n", out);
	for (size_t i = 0; i < run->n_figures; i++) {
		snprintf(id, sizeof(id), "run%zu-figure%zu", number, i);
		put_figure(out, &run->figures[i], id);
	}
	fputs("</div>\n", out);
	put_skipped(out, run);
	fputs("</section>\n", out);
}

/* ---- the beginning of the page ------------------------------------------ */

static void put_comparison(FILE *out, const struct point *base,
			   const struct point *other)
{
	const struct ratio ratio = ratio_of(base, other);
	char *spread = spread_of(base, other, &ratio);
	char median[VALUE_BYTES];

	format_comparison(median, other, &ratio);
	fprintf(out, "<span%s>%s</span>",
		ratio.no_spread || !enough_rounds(base, other) ? "" :
		ratio.min > 1	? " class=\"good\"" :
		ratio.max < 1	? " class=\"bad\"" :
				  "",
		median);
	put_spread(out, spread);
	free(spread);
}

static void put_ratio(FILE *out, const struct figure *f, const char *mode,
		      size_t x)
{
	const size_t both[] = { figure_other_side(f, mode, x), x };
	char where[VALUE_BYTES];

	fputs("<td>", out);
	for (size_t i = both[0] == f->n_xs; i < ARRAY_SIZE(both); i++) {
		fputs("<div>", out);
		if (both[0] < f->n_xs) {
			figure_x(where, f, both[i]);
			fprintf(out, "at %s: ", where);
		}
		put_comparison(out, figure_cell(f, 0, both[i]),
			       figure_find(f, mode, both[i]));
		fputs("</div>", out);
	}
	fputs("</td>", out);
}

static void put_glance_name(FILE *out, const struct figure *f, const char *id,
			    size_t x)
{
	char place[256];

	figure_place(place, sizeof(place), f, x);
	fprintf(out, "<tr><td><a href=\"#%s\">", id);
	put(out, f->metric->title);
	fputs("</a><span class=\"soft\"><br>", out);
	put(out, place);
	fputs("</span></td>", out);
}

static void put_usual(FILE *out, const struct figure *f, const char *id,
		      size_t x)
{
	put_glance_name(out, f, id, x);
	for (const char *const *mode = glance_modes; *mode; mode++) {
		if (figure_find(f, *mode, x))
			put_ratio(out, f, *mode, x);
		else
			put_cell(out, NULL);
	}
	put_cell(out, figure_cell(f, 0, x));
	fputs("</tr>\n", out);
}

static void put_other(FILE *out, const struct figure *f, const char *id,
		      size_t x)
{
	for (size_t mode = 1; mode < f->n_modes; mode++) {
		if (!figure_cell(f, mode, x))
			continue;
		put_glance_name(out, f, id, x);
		fputs("<td>", out);
		put(out, f->modes[mode]);
		fputs("</td><td>", out);
		put(out, f->modes[0]);
		fputs("</td>", out);
		put_ratio(out, f, f->modes[mode], x);
		fputs("</tr>\n", out);
	}
}

static void put_glance_heading(FILE *out, const struct recording *run)
{
	fputs("<tr><th colspan=\"6\">", out);
	put_heading(out, run->title);
	fputs(" <span class=\"soft\">", out);
	put(out, basename(run->path));
	fputs("</span></th></tr>\n", out);
}

/* Returns whether there were any. */
static bool put_glances(FILE *out, const struct recordings *runs,
			enum glance wanted, const char *headings,
			void (*put_one)(FILE *, const struct figure *,
					const char *, size_t))
{
	const struct recording *heading = NULL;
	char id[64];

	for (size_t i = 0; i < runs->n; i++) {
		const struct recording *run = &runs->list[i];

		for (size_t j = 0; j < run->n_figures; j++) {
			const struct figure *f = &run->figures[j];
			size_t x = figure_telling_x(f);

			if (figure_glance(f, x) != wanted)
				continue;
			if (!heading)
				fputs(headings, out);
			if (run != heading)
				put_glance_heading(out, run);
			heading = run;
			snprintf(id, sizeof(id), "run%zu-figure%zu", i, j);
			put_one(out, f, id, x);
		}
	}
	return heading;
}

static const char usual_headings[] =
"<h2>At a glance</h2>\n"
"<p>How many times better than <b>plain</b>, ordinary mappings with 4 KiB pages,\n"
"each mode is: above 1 it is better, whether less or more is what is better.\n"
"Medians of the rounds, below them the least and the most of any round; in\n"
"colour where five rounds or more agree which is better. Where fewer, or a smaller\n"
"file, are on the other side of 1, the least such number is there as well.\n"
"<i>In noise</i> is what has a round at 0 or below: the ratio is that of the\n"
"medians then, and the rounds are there from the least to the most. Where a median\n"
"is 0 or below there is no ratio, but the mode's own value.</p>\n"
"<div class=\"scroll\"><table class=\"glance\">\n"
"<tr><th></th><th>shpt</th><th>shpt+thp</th><th>hugetlb</th><th>thp</th>"
"<th>plain itself</th></tr>\n";

static const char other_headings[] =
"<h2>Other modes</h2>\n"
"<p>How many times better than another mode, in the same way.</p>\n"
"<div class=\"scroll\"><table class=\"glance\">\n"
"<tr><th></th><th>mode</th><th>compared with</th><th>times better</th></tr>\n";

static void put_glance(FILE *out, const struct recordings *runs)
{
	if (put_glances(out, runs, GLANCE_USUAL, usual_headings, put_usual))
		fputs("</table></div>\n", out);
	if (put_glances(out, runs, GLANCE_OTHER, other_headings, put_other))
		fputs("</table></div>\n", out);
}

static void put_contents(FILE *out, const struct recordings *runs)
{
	fputs("<nav><ul>\n", out);
	for (size_t i = 0; i < runs->n; i++) {
		fprintf(out, "<li><a href=\"#run%zu\">", i);
		put_heading(out, runs->list[i].title);
		fputs("</a> <span class=\"soft\">", out);
		put(out, basename(runs->list[i].path));
		fputs("</span></li>\n", out);
	}
	fputs("</ul></nav>\n", out);
}

void html_write(FILE *out, const struct recordings *runs)
{
	fputs(head, out);
	fputs("<h1>What sharing page tables buys</h1>\n", out);
	if (made_under_emulation(runs))
		fputs("<p class=\"warn\"><b>Measured under emulation.</b> "
		      "Times are not those of any real machine, and ratios of "
		      "times may be others there; bytes and numbers of faults "
		      "are the same.</p>\n",
		      out);
	if (!made_on_one_machine(runs))
		fputs("<p class=\"warn\">Not all of these runs were made on "
		      "one machine: do not compare those that say so with the "
		      "others.</p>\n",
		      out);
	put_contents(out, runs);
	put_glance(out, runs);
	fputs("<h2>The machine</h2>\n", out);
	put_facts(out, runs->list->machine);
	for (size_t i = 0; i < runs->n; i++)
		put_run(out, runs, i);
	fputs("</body>\n</html>\n", out);
}
