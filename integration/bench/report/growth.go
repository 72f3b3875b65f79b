package report

import (
	"fmt"
	"slices"
	"strings"

	"golang.org/x/text/language"
	"golang.org/x/text/message"

	"github.com/herald-go/herald/integration/bench/contest"
)

// prose writes numbers with commas.
var prose = message.NewPrinter(language.English)

// grown is the part of a broker's section about contests that vary one parameter each: tables, and plots that a reader unfolds.
func grown(r *contest.Results, broker, herald string, contests []contest.Contest) string {
	if len(contests) == 0 {
		return ""
	}
	columns := slices.DeleteFunc(columnsOf(r, broker, herald), func(p contest.Profile) bool {
		return !slices.ContainsFunc(contests, func(c contest.Contest) bool { return len(r.Of(c, p.Name)) > 0 })
	})
	var b strings.Builder
	fmt.Fprintf(&b, "\n#### As one parameter grows on %s\n", titles[broker])
	fmt.Fprintf(&b, "\nEvents a second, as a ratio to the bare client:\n\n%s", table(r, columns, contests, contest.Rate, true))
	fmt.Fprintf(&b, "\nProcessor time of the client, µs for each event:\n\n%s", table(r, columns, contests, contest.CPU, false))
	fmt.Fprintf(&b, "\nMost memory of the client, MiB:\n\n%s", table(r, columns, contests, contest.Peak, false))
	b.WriteString("\n<details><summary>Plots: events a second over each parameter</summary>\n")
	for _, s := range seriesOf(contests) {
		fmt.Fprintf(&b, "\n![%s on %s by %s](img/%s)\n", s.work, titles[broker], s.axis, s.file())
	}
	b.WriteString("\n</details>\n")
	return b.String()
}

// label names a contest in a table of its broker.
func label(c contest.Contest) string {
	if c.Axis == "" {
		return c.Work
	}
	return prose.Sprintf("%s, %s %d", c.Work, c.Axis, c.Value())
}
