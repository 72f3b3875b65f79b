package main

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

// snapshot is what a view shows, at one moment.
type snapshot struct {
	broker  string
	phase   string
	elapsed time.Duration
	away    bool // the mail server
	shop    row
	groups  []row
}

// row is the checkout, or a group.
type row struct {
	label                string
	done, of             int64
	rate                 float64
	lag                  int64 // unknownLag when nobody knows
	retries, later, dead int64
}

// column is one number of a row. Where the terminal is narrower than from, it is left out.
type column struct {
	title string
	width int
	from  int
	of    func(r *row) int64
}

var columns = []column{
	{"handled", 8, 44, func(r *row) int64 { return r.done }},
	{"per second", 11, 74, func(r *row) int64 { return int64(r.rate) }},
	{"lag", 8, 52, func(r *row) int64 { return r.lag }},
	{"retries", 9, 62, func(r *row) int64 { return r.retries }},
	{"later", 8, 92, func(r *row) int64 { return r.later }},
	{"dead", 6, 34, func(r *row) int64 { return r.dead }},
}

// text writes a row's number so that it fits, with a space before it: a line that is too long would break the redrawing.
func (c *column) text(r *row) string {
	n := c.of(r)
	text := lagText(n)
	for _, unit := range []string{"k", "M", "G", "T", "P", "E"} {
		if len(text) < c.width {
			break
		}
		n /= 1000
		text = grouped(n) + unit
	}
	return fmt.Sprintf("%*s", c.width, text)
}

func lagText(n int64) string {
	if n == unknownLag {
		return "?"
	}
	return grouped(n)
}

// Widths of what every terminal shows.
const (
	labelWidth = 19
	barMost    = 40
	shareWidth = 5 // " 100%"
)

// ANSI colours.
const (
	red    = "\x1b[31m"
	green  = "\x1b[32m"
	yellow = "\x1b[33m"
	dim    = "\x1b[2m"
	plainC = "\x1b[0m"
)

// painter paints a text, or leaves it alone where colours are not wanted.
type painter bool

func (p painter) paint(colour, text string) string {
	if !p || text == "" {
		return text
	}
	return colour + text + plainC
}

// frame draws a snapshot in lines that fit the width.
func frame(s *snapshot, width int, p painter) []string {
	head := fmt.Sprintf("Herald checkout on %s   %.1f s   %s", s.broker, s.elapsed.Seconds(), s.phase)
	mail := p.paint(dim, cut("mail server: there", width))
	if s.away {
		mail = p.paint(red, cut("mail server: AWAY; the checkout does not notice", width))
	}
	l := newLayout(width)
	lines := []string{cut(head, width), mail, p.paint(dim, l.titles()), l.shop(&s.shop, p)}
	for i := range s.groups {
		lines = append(lines, l.line(&s.groups[i], p))
	}
	return lines
}

// layout is how the width is shared out.
type layout struct {
	width, label, bar int
	columns           []column
}

func newLayout(width int) layout {
	l := layout{width: width, label: min(labelWidth, max(width-shareWidth, 0))}
	left := width - l.label - shareWidth - 1
	for _, c := range columns {
		if width >= c.from {
			l.columns = append(l.columns, c)
			left -= c.width
		}
	}
	if left > 3 {
		l.bar = min(left, barMost)
	}
	return l
}

func (l *layout) titles() string {
	var b strings.Builder
	b.WriteString(strings.Repeat(" ", l.label+1+l.bar+shareWidth))
	for _, c := range l.columns {
		fmt.Fprintf(&b, "%*s", c.width, c.title)
	}
	return cut(b.String(), l.width)
}

// shop draws the checkout, which has neither a lag nor retries.
func (l *layout) shop(r *row, p painter) string {
	text := l.line(r, p)
	short := layout{width: l.width, label: l.label, bar: l.bar}
	for _, c := range l.columns {
		if c.title == "handled" || c.title == "per second" {
			short.columns = append(short.columns, c)
		}
	}
	if len(short.columns) > 0 {
		text = short.line(r, p)
	}
	return text
}

func (l *layout) line(r *row, p painter) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%-*s ", l.label, cut(r.label, l.label))
	share := 0.0
	if r.of > 0 {
		share = min(float64(r.done)/float64(r.of), 1)
	}
	full := int(share * float64(l.bar))
	b.WriteString(p.paint(barColour(r), strings.Repeat("█", full)))
	b.WriteString(p.paint(dim, strings.Repeat("░", l.bar-full)))
	fmt.Fprintf(&b, "%*d%%", shareWidth-1, int(share*100))
	for _, c := range l.columns {
		text := c.text(r)
		if c.title == "dead" && r.dead > 0 {
			text = p.paint(red, text)
		}
		b.WriteString(text)
	}
	if !p {
		return cut(b.String(), l.width)
	}
	return b.String()
}

func barColour(r *row) string {
	if r.lag > r.of/50 {
		return yellow
	}
	return green
}

// cut shortens a text without colours to a number of characters.
func cut(text string, width int) string {
	if utf8.RuneCountInString(text) <= width {
		return text
	}
	return string([]rune(text)[:max(width, 0)])
}

// line draws a snapshot in one line, for where there is no terminal.
func line(s *snapshot) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%5.1f s  sold %s of %s, %s/s", s.elapsed.Seconds(), grouped(s.shop.done), grouped(s.shop.of), grouped(int64(s.shop.rate)))
	if s.away {
		b.WriteString(", mail server away")
	}
	for i := range s.groups {
		r := &s.groups[i]
		fmt.Fprintf(&b, " | %s %s", r.label, grouped(r.done))
		if r.lag != 0 {
			fmt.Fprintf(&b, " lag %s", lagText(r.lag))
		}
		if r.retries+r.later > 0 {
			fmt.Fprintf(&b, " retries %s", grouped(r.retries+r.later))
		}
		if r.dead > 0 {
			fmt.Fprintf(&b, " dead %d", r.dead)
		}
	}
	return b.String()
}
