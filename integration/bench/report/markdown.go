package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/herald-go/herald/integration/bench/contest"
)

// titles are the names of brokers in headings.
var titles = map[string]string{"rabbitmq": "RabbitMQ", "kafka": "Kafka", "redis": "Redis"}

// Markdown returns the page's part about brokers: for each one the contestants, and tables of what was measured.
func Markdown(r *contest.Results, herald string) string {
	var b strings.Builder
	b.WriteString(Head(r.Machine))
	if r.Machine.Busy {
		b.WriteString("\n**Other work ran on this machine.** The figures show that the instrument works and what allocations and memory are; rates and their ratios are noise.\n")
	}
	b.WriteString("\nCells are the median, with the least and the most of the rounds in brackets. A ratio compares each round with the same round of the bare client named in the row. " +
		"CPU, allocations and memory are those of the client's process alone. An asterisk marks a promise that is weaker than the others'.\n")
	for _, broker := range contest.Brokers {
		b.WriteString(section(r, broker, herald))
	}
	return b.String()
}

func section(r *contest.Results, broker, herald string) string {
	var contests, growing []contest.Contest
	for _, c := range r.Contests() {
		switch {
		case c.Broker != broker:
		case c.Axis == "":
			contests = append(contests, c)
		default:
			growing = append(growing, c)
		}
	}
	if len(contests)+len(growing) == 0 {
		return ""
	}
	var b strings.Builder
	fmt.Fprintf(&b, "\n### Side by side on %s\n\n%s", titles[broker], who(r, broker))
	columns := columnsOf(r, broker, herald)
	rates, lates, times := split(contests)
	for _, t := range []struct {
		title    string
		contests []contest.Contest
		figure   figure
		ratio    bool
	}{
		{"Events a second, as a ratio to the bare client", rates, figure{read: contest.Rate}, true},
		{"Processor time of the client, µs for each event", rates, figure{read: contest.CPU}, false},
		{"Allocations for each event", rates, figure{read: contest.Mallocs}, false},
		{"Bytes allocated for each event", rates, figure{read: contest.Bytes}, false},
		{"System calls that write, for each event", rates, figure{read: contest.Writes}, false},
		{"Most memory of the client, MiB", rates, figure{read: contest.Peak}, false},
		{"From publishing to the handler, p50, ms", lates, figure{read: contest.P50}, false},
		{"From publishing to the handler, p99, ms", lates, figure{read: contest.P99}, false},
		{"From publishing to the handler, p99.9, ms", lates, figure{read: contest.P999}, false},
		{"Start-up and reconnecting, ms", times, figure{read: contest.Millis}, false},
	} {
		if len(t.contests) > 0 {
			fmt.Fprintf(&b, "\n%s:\n\n%s", t.title, table(r, columns, t.contests, t.figure.read, t.ratio))
		}
	}
	if len(rates) > 0 {
		fmt.Fprintf(&b, "\n![Events a second on %s, as ratios to the bare client](img/%s)\n", titles[broker], barsFile(broker))
	}
	b.WriteString(grown(r, broker, herald, growing))
	b.WriteString(reasons(r, columns, append(contests, growing...)))
	b.WriteString(failures(r, columns, append(contests, growing...)))
	return b.String()
}

// split parts contests by what they are about.
func split(all []contest.Contest) (rates, lates, times []contest.Contest) {
	for _, c := range all {
		switch {
		case strings.HasPrefix(c.Work, "latency"):
			lates = append(lates, c)
		case figureFor(c).less:
			times = append(times, c)
		default:
			rates = append(rates, c)
		}
	}
	return rates, lates, times
}

// who is the table of contestants.
func who(r *contest.Results, broker string) string {
	var b strings.Builder
	b.WriteString("| contestant | library | settings and promise |\n|---|---|---|\n")
	for _, p := range r.Profiles {
		if p.Broker != broker {
			continue
		}
		settings := p.Settings
		if p.Weaker != "" {
			settings += "; **weaker: " + p.Weaker + "**"
		}
		fmt.Fprintf(&b, "| %s | `%s` | %s |\n", p.Name, p.Library, settings)
	}
	return b.String()
}

// columnsOf are the contestants of a broker, Herald first.
func columnsOf(r *contest.Results, broker, herald string) []contest.Profile {
	var columns []contest.Profile
	for _, p := range r.Profiles {
		if p.Broker == broker {
			columns = append(columns, p)
		}
	}
	slices.SortStableFunc(columns, func(a, b contest.Profile) int {
		switch {
		case a.Name == herald && b.Name != herald:
			return -1
		case b.Name == herald && a.Name != herald:
			return 1
		default:
			return 0
		}
	})
	return columns
}

func table(r *contest.Results, columns []contest.Profile, contests []contest.Contest, read contest.Figure, ratio bool) string {
	var b strings.Builder
	b.WriteString("| work |")
	if ratio {
		b.WriteString(" bare client, events/s |")
	}
	for _, p := range columns {
		name := p.Name
		if p.Weaker != "" {
			name += " \\*"
		}
		fmt.Fprintf(&b, " %s |", name)
	}
	b.WriteString("\n|---|" + strings.Repeat("---|", len(columns)))
	if ratio {
		b.WriteString("---|")
	}
	b.WriteString("\n")
	for _, c := range contests {
		fmt.Fprintf(&b, "| %s |", label(c))
		basis := r.Basis(c)
		if ratio {
			fmt.Fprintf(&b, " %s: %s |", orDash(basis), number(r.Spread(c, basis, contest.Rate).Median))
		}
		for _, p := range columns {
			value := r.Spread(c, p.Name, read)
			if ratio && basis != "" {
				value = r.Ratio(c, p.Name, basis, read)
			}
			text := spread(value)
			if ratio && basis == "" && value != (contest.Spread{}) {
				text += " /s" // nothing to compare with: the rate itself
			}
			fmt.Fprintf(&b, " %s |", text)
		}
		b.WriteString("\n")
	}
	return b.String()
}

func orDash(text string) string {
	if text == "" {
		return "—"
	}
	return text
}

// reasons says why cells are empty.
func reasons(r *contest.Results, columns []contest.Profile, contests []contest.Contest) string {
	why := map[string][]string{} // works by contestant and reason
	var order []string
	for _, p := range columns {
		for _, c := range contests {
			reason := firstLine(r.Why(c, p.Name))
			if reason == "" || len(r.Of(c, p.Name)) > 0 {
				continue
			}
			key := p.Name + ": " + reason
			if why[key] == nil {
				order = append(order, key)
			}
			if !slices.Contains(why[key], c.Work) {
				why[key] = append(why[key], c.Work)
			}
		}
	}
	if len(order) == 0 {
		return ""
	}
	var b strings.Builder
	b.WriteString("\nEmpty cells:\n\n")
	for _, key := range order {
		fmt.Fprintf(&b, "- %s (%s).\n", key, strings.Join(why[key], ", "))
	}
	return b.String()
}

// failures tells of rounds that failed where others did not.
func failures(r *contest.Results, columns []contest.Profile, contests []contest.Contest) string {
	var b strings.Builder
	for _, c := range contests {
		for _, p := range columns {
			good, failed := len(r.Of(c, p.Name)), r.Failed(c, p.Name)
			if good > 0 && failed > 0 {
				fmt.Fprintf(&b, "- %s, %s: %d of %d rounds: %s.\n", p.Name, strings.TrimPrefix(c.Name(), "broker="+c.Broker+"/work="), failed, good+failed,
					firstLine(r.Why(c, p.Name)))
			}
		}
	}
	if b.Len() == 0 {
		return ""
	}
	return "\nRounds that failed, and are in no figure:\n\n" + b.String()
}
