package report

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/herald-go/herald/integration/bench/contest"
)

// The part of the page that is rendered stands between these lines.
const (
	Begin = "<!-- bench:begin, written by go run ./cmd/bench -render -->"
	End   = "<!-- bench:end -->"
)

// Write renders results into performance.md of a folder of pages, and plots into img below it.
func Write(docs string, r *contest.Results, herald string) error {
	page := filepath.Join(docs, "performance.md")
	text, err := os.ReadFile(page)
	if err != nil {
		return err
	}
	replaced, err := Replace(string(text), Markdown(r, herald))
	if err != nil {
		return fmt.Errorf("%s: %w", page, err)
	}
	img := filepath.Join(docs, "img")
	if err := os.MkdirAll(img, 0o755); err != nil {
		return err
	}
	for name, svg := range Plots(r, herald) {
		if err := os.WriteFile(filepath.Join(img, name), []byte(svg), 0o644); err != nil {
			return err
		}
	}
	return os.WriteFile(page, []byte(replaced), 0o644)
}

// Plots returns the plots of results by the names of their files.
func Plots(r *contest.Results, herald string) map[string]string {
	plots := map[string]string{}
	var growing []contest.Contest
	for _, c := range r.Contests() {
		if c.Axis != "" {
			growing = append(growing, c)
		}
	}
	for _, broker := range contest.Brokers {
		if svg := bars(r, broker, herald); svg != "" {
			plots[barsFile(broker)] = svg
		}
	}
	for _, s := range seriesOf(growing) {
		if svg := lines(r, s, herald); svg != "" {
			plots[s.file()] = svg
		}
	}
	return plots
}

// Replace returns the page with what stands between the lines Begin and End replaced.
func Replace(page, part string) (string, error) {
	before, rest, found := strings.Cut(page, Begin+"\n")
	_, after, ended := strings.Cut(rest, End)
	if !found || !ended {
		return "", errors.New("the lines that bound the rendered part are missing")
	}
	return before + Begin + "\n" + part + End + after, nil
}
