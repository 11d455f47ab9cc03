// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * screen.c - shptctl top on a terminal
 *
 * Everything is drawn anew each time; what changes on the terminal is ncurses'
 * business, and so is a terminal that gets another size.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <inttypes.h>
#include <ncurses.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <wchar.h>

#include "shptctl.h"
#include "top.h"

#define HEAD_LINES 4
#define ESCAPE 27

/* So many columns are before the one of what it is. */
#define CELLS 8

/* They are wider where there is more in them. */
static const int widths[CELLS] = { 7, 8, 7, 8, 9, 7, 5, 6 };

struct screen {
	struct top_options *o;
	struct look *look;
	enum view view;
	struct print_options print_as; /* its columns */
	int widths[CELLS];
	size_t first; /* line of the list on top */
};

/* Goes to the next character of a text, and returns how many columns this one
 * takes. */
static int pass(const char **text)
{
	mbstate_t state = { 0 };
	wchar_t c;
	size_t n = mbrtowc(&c, *text, MB_CUR_MAX, &state);

	if (n == 0 || n > MB_CUR_MAX) {
		++*text;
		return 1;
	}
	*text += n;
	return wcwidth(c);
}

static int columns_of(const char *text)
{
	int columns = 0;

	while (*text)
		columns += pass(&text);
	return columns;
}

/* How many bytes of a text fit into so many columns. */
static int fitting(const char *text, int columns)
{
	const char *end = text, *next = text;

	while (*next && (columns -= pass(&next)) >= 0)
		end = next;
	return (int)(end - text);
}

/* A line, cut at the edge with a sign that it is. */
static void put_line(int y, const char *text)
{
	int width = getmaxx(stdscr);
	char *line = columns_of(text) <= width ?
			     print("%s", text) :
			     print("%.*s>", fitting(text, width - 1), text);

	mvaddstr(y, 0, line);
	free(line);
}

static void put_summary(const struct screen *s)
{
	char *line = print("shptctl top: %zu regions, %zu processes, every %gs",
			   s->look->lists[REGIONS].n,
			   s->look->lists[PROCESSES].n, s->o->delay);

	put_line(0, line);
	free(line);
	line = sum_text(&s->print_as, &s->look->sum);
	put_line(1, line);
	free(line);
}

/* How many lines of the list there is room for. */
static size_t room(void)
{
	int lines = getmaxy(stdscr) - HEAD_LINES - 1;

	return lines > 0 ? (size_t)lines : 0;
}

static void put_position(const struct screen *s, const struct list *list)
{
	const char *what = s->view == REGIONS ? "regions" : "processes";
	size_t last = s->first + room();
	char *unreadable = print("%s", ""), *line;

	if (last > list->n)
		last = list->n;
	if (s->look->unreadable) {
		free(unreadable);
		unreadable = print("; %zu processes only root may look at",
				   s->look->unreadable);
	}
	if (list->n)
		line = print("%s %zu-%zu of %zu, by %s%s", what, s->first + 1,
			     last, list->n, sort_keys[s->o->key], unreadable);
	else
		line = print("no %s%s", what, unreadable);
	put_line(2, line);
	free(line);
	free(unreadable);
}

/* The end of a path tells it from others, the beginning a command. */
static char *shorten(const char *text, int width, enum view view)
{
	int over = columns_of(text) - width;

	if (over <= 0 || width < 8)
		return print("%s", text);
	if (view == PROCESSES)
		return print("%.*s...", fitting(text, width - 3), text);
	for (over += 3; over > 0;)
		over -= pass(&text);
	return print("...%s", text);
}

/* Sets the widths to what the list, and its headings, take. */
static void measure(struct screen *s, const struct list *list)
{
	char buf[32];

	memcpy(s->widths, widths, sizeof(widths));
	for (size_t i = 0; i < list->n; i++) {
		for (size_t j = 0; j < CELLS; j++) {
			const char *cell = cell_text(
				&s->print_as, &list->items[i],
				s->print_as.columns[j], buf, sizeof(buf));

			if ((int)strlen(cell) > s->widths[j])
				s->widths[j] = (int)strlen(cell);
		}
	}
}

/* The columns of w, or for NULL their headings, and what that is. */
static char *format_row(const struct screen *s, const struct watched *w,
			const char *what)
{
	char *line = print("%s", ""), *longer, buf[32];

	for (size_t i = 0; i < CELLS; i++) {
		const struct column *c = s->print_as.columns[i];
		const char *cell =
			w ? cell_text(&s->print_as, w, c, buf, sizeof(buf)) :
			    c->name;

		longer = print("%s%*s ", line, s->widths[i], cell);
		free(line);
		line = longer;
	}
	longer = print("%s%s", line, what);
	free(line);
	return longer;
}

static void put_headings(const struct screen *s)
{
	char *line = format_row(s, NULL, s->print_as.columns[CELLS]->name);

	attron(A_REVERSE);
	put_line(3, line);
	attroff(A_REVERSE);
	mvchgat(3, 0, -1, A_REVERSE, 0, NULL);
	free(line);
}

static void put_rows(const struct screen *s, const struct list *list)
{
	int left = getmaxx(stdscr);

	for (size_t i = 0; i < CELLS; i++)
		left -= s->widths[i] + 1;
	for (size_t i = 0; i < room() && s->first + i < list->n; i++) {
		const struct watched *w = &list->items[s->first + i];
		char *all = plain(w->what);
		char *what = shorten(all, left, s->view);
		char *line = format_row(s, w, what);

		put_line(HEAD_LINES + (int)i, line);
		free(line);
		free(what);
		free(all);
	}
}

static void draw(struct screen *s)
{
	struct list *list = &s->look->lists[s->view];
	size_t most = list->n > room() ? list->n - room() : 0;

	if (s->first > most)
		s->first = most;
	list_sort(list, s->o->key);
	choose_view(&s->print_as, &s->o->print_as, s->view);
	measure(s, list);
	erase();
	put_rows(s, list);
	put_summary(s);
	put_position(s, list);
	put_headings(s);
	put_line(getmaxy(stdscr) - 1,
		 "q quit  Tab regions/processes  by: s saved l links f faults "
		 "u flushes n number");
	refresh();
}

static void scroll_by(struct screen *s, long lines)
{
	if (lines < 0 && s->first < (size_t)-lines)
		s->first = 0;
	else
		s->first += lines;
}

/* Returns false to quit. */
static bool handle_key(struct screen *s, int key)
{
	switch (key) {
	case 'q':
	case 'Q':
	case ESCAPE:
		return false;
	case '\t':
		s->view = s->view == REGIONS ? PROCESSES : REGIONS;
		s->first = 0;
		break;
	case 'r':
	case 'p':
		s->view = key == 'r' ? REGIONS : PROCESSES;
		s->first = 0;
		break;
	case 's':
		s->o->key = BY_SAVED;
		break;
	case 'l':
		s->o->key = BY_LINKS;
		break;
	case 'f':
		s->o->key = BY_FAULTS;
		break;
	case 'u':
		s->o->key = BY_FLUSHES;
		break;
	case 'n':
		s->o->key = BY_NUMBER;
		break;
	case KEY_UP:
		scroll_by(s, -1);
		break;
	case KEY_DOWN:
		scroll_by(s, 1);
		break;
	case KEY_PPAGE:
		scroll_by(s, -(long)room());
		break;
	case KEY_NPAGE:
		scroll_by(s, (long)room());
		break;
	default:
		break;
	}
	return true;
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/*
 * Until the next look is due, once at least: looking may take longer than that.
 * Returns false to quit, also if the terminal has gone.
 */
static bool wait_for_keys(struct screen *s)
{
	double due = s->look->at + s->o->delay, left;

	do {
		left = due - now();
		timeout(left > 0 ? (int)(left * 1000) + 1 : 0);
		if (!handle_key(s, getch()) || !isatty(STDIN_FILENO))
			return false;
		draw(s);
	} while (left > 0);
	return true;
}

static void look_again(struct screen *s)
{
	struct look *before = s->look;

	if (!shpt_is_loaded(s->o->root)) {
		endwin();
		die(EXIT_FAILURE, "the module has been unloaded");
	}
	s->look = look_take(s->o->root, before);
	if (before)
		look_free(before);
}

void screen_run(struct top_options *o)
{
	struct screen s = { .o = o };
	const char *term = getenv("TERM");
	bool more = true;

	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
		die(EXIT_FAILURE, "this is no terminal: use --batch");
	if (!newterm(NULL, stdout, stdin))
		die(EXIT_FAILURE,
		    "the terminal '%s' is not known (TERM): use --batch",
		    term ? term : "");
	cbreak();
	noecho();
	keypad(stdscr, TRUE);
	set_escdelay(25);
	curs_set(0);
	for (unsigned long i = 0; more && (!o->rounds || i < o->rounds); i++) {
		look_again(&s);
		draw(&s);
		more = wait_for_keys(&s);
	}
	endwin();
	look_free(s.look);
}
