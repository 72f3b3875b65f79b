package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
	"unicode/utf8"
)

// How often the views change.
const (
	framesEvery = 100 * time.Millisecond
	linesEvery  = time.Second
)

// screen is a terminal that can be drawn on.
type screen struct {
	colours painter
	size    func() (width, height int, ok bool)
}

// display shows what happens: a frame that is redrawn in place on a terminal, a line a second anywhere else, and notes above or between.
type display struct {
	out    io.Writer
	screen *screen // nil where there is no terminal
	look   func() snapshot

	mu    sync.Mutex
	drawn int // lines of the frame that is on the screen
}

// run shows snapshots until ctx ends.
func (d *display) run(ctx context.Context) {
	every := linesEvery
	if d.screen != nil {
		every = framesEvery
		d.write("\x1b[?25l") // a cursor that jumps about is unpleasant
		defer d.write("\x1b[?25h")
	}
	for {
		if pause(ctx, every) != nil {
			break
		}
		d.show()
	}
	if d.screen != nil {
		d.show() // the last frame stays
	}
}

func (d *display) write(text string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	fmt.Fprint(d.out, text)
}

func (d *display) show() {
	s := d.look()
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.screen == nil {
		fmt.Fprintln(d.out, line(&s))
		return
	}
	// One write for the whole frame: a terminal shows no half of it.
	fmt.Fprint(d.out, d.erase()+d.draw(&s))
}

// note says something for good. On a terminal it goes above the frame.
func (d *display) note(format string, args ...any) {
	d.mu.Lock()
	defer d.mu.Unlock()
	text := fmt.Sprintf(format, args...)
	if d.screen == nil {
		fmt.Fprintln(d.out, text)
		return
	}
	if width, _, ok := d.screen.size(); ok {
		text = wrap(text, width)
	}
	fmt.Fprint(d.out, d.erase()+text+"\n")
}

// wrap breaks a text between words where it is wider than the screen. What follows is indented as far as a note's time reaches.
func wrap(text string, width int) string {
	const indent = "           "
	var b strings.Builder
	column := 0
	for i, word := range strings.SplitAfter(text, " ") {
		n := utf8.RuneCountInString(word)
		if i > 0 && column > len(indent) && column+n > width {
			b.WriteString("\n" + indent)
			column = len(indent)
		}
		b.WriteString(word)
		column += n
	}
	return b.String()
}

// erase returns what takes the frame off the screen; d.mu is held.
func (d *display) erase() string {
	if d.drawn == 0 {
		return ""
	}
	up := fmt.Sprintf("\x1b[%dA\r\x1b[J", d.drawn)
	d.drawn = 0
	return up
}

// draw returns the frame, cut to the screen; d.mu is held.
func (d *display) draw(s *snapshot) string {
	width, height, ok := d.screen.size()
	if !ok || width < 1 || height < 2 {
		return ""
	}
	lines := frame(s, width-1, d.screen.colours) // in the last column some terminals begin a new line
	lines = lines[:min(len(lines), height-1)]
	d.drawn = len(lines)
	return strings.Join(lines, "\n") + "\n"
}
