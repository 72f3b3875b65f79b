package report

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/herald-go/herald/integration/bench/contest"
)

// Head says where figures come from, for the terminal and for the page.
func Head(m contest.Machine) string {
	var brokers []string
	for _, name := range contest.Brokers {
		if version, ok := m.Brokers[name]; ok {
			brokers = append(brokers, name+" "+version)
		}
	}
	line := fmt.Sprintf("%s, %s/%s, %s, %d cores, %d rounds by turns; brokers on the same machine: %s.",
		m.When.Format("2006-01-02"), m.OS, m.Arch, m.Go, m.Cores, m.Rounds, strings.Join(brokers, ", "))
	if m.Load != "" {
		line += " Load before the run: " + m.Load + "."
	}
	return line + "\n"
}

// Text returns a contest's table for the terminal, the best first.
func Text(r *contest.Results, c contest.Contest, herald string) string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 2, 0, 2, ' ', 0)
	names := contestantsOf(r, c)
	by := figureFor(c)
	slices.SortStableFunc(names, func(a, b string) int {
		x, y := r.Spread(c, a, by.read).Median, r.Spread(c, b, by.read).Median
		if by.less {
			x, y = -orMost(x), -orMost(y)
		}
		return int(math.Copysign(1, y-x))
	})
	basis := r.Basis(c)
	write(w, "  \t%s\tto %s\tCPU µs\tallocs\tbytes\twrites\treads\tpeak MiB\n", by.name, basis)
	for _, name := range names {
		if why := r.Why(c, name); why != "" && len(r.Of(c, name)) == 0 {
			write(w, "  %s\t—\t%s\n", name, firstLine(why))
			continue
		}
		write(w, "  %s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", mark(name, herald), number(r.Spread(c, name, by.read).Median),
			spread(r.Ratio(c, name, basis, by.read)), number(r.Spread(c, name, contest.CPU).Median), number(r.Spread(c, name, contest.Mallocs).Median),
			number(r.Spread(c, name, contest.Bytes).Median), number(r.Spread(c, name, contest.Writes).Median), number(r.Spread(c, name, contest.Reads).Median),
			number(r.Spread(c, name, contest.Peak).Median))
	}
	_ = w.Flush() // into memory
	for _, name := range names {
		if failed := r.Failed(c, name); failed > 0 && len(r.Of(c, name)) > 0 {
			write(&b, "  %s: %d rounds failed: %s\n", name, failed, firstLine(r.Why(c, name)))
		}
	}
	return b.String()
}

// write writes into memory, which does not fail.
func write(w io.Writer, format string, args ...any) { _, _ = fmt.Fprintf(w, format, args...) }

// mark makes one name stand out.
func mark(name, marked string) string {
	if name == marked {
		return name + " *"
	}
	return name
}

func orMost(x float64) float64 {
	if x == 0 {
		return math.MaxFloat64
	}
	return x
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	const most = 120
	if len(line) > most {
		line = strings.ToValidUTF8(line[:most], "") + "…"
	}
	return line
}

// figure is one column.
type figure struct {
	name string
	read contest.Figure
	less bool // less is better
}

// figureFor is what a contest is about.
func figureFor(c contest.Contest) figure {
	switch {
	case strings.HasPrefix(c.Work, "latency"):
		return figure{"p99 ms", contest.P99, true}
	case c.Work == contest.Startup, c.Work == contest.Reconnect:
		return figure{"ms", contest.Millis, true}
	default:
		return figure{"events/s", contest.Rate, false}
	}
}

// contestantsOf are those that a contest has samples of, in their order.
func contestantsOf(r *contest.Results, c contest.Contest) []string {
	var names []string
	for _, p := range r.Profiles {
		if p.Broker == c.Broker && (len(r.Of(c, p.Name)) > 0 || r.Why(c, p.Name) != "") {
			names = append(names, p.Name)
		}
	}
	return names
}

// number prints three digits that count, and a dash where there is no figure.
func number(x float64) string {
	switch {
	case x == 0:
		return "—" // nobody has measured it
	case x >= 1e6:
		return fmt.Sprintf("%.2f M", x/1e6)
	case x >= 10_000:
		return fmt.Sprintf("%.0f k", x/1e3)
	case x >= 100:
		return fmt.Sprintf("%.0f", x)
	case x >= 10:
		return fmt.Sprintf("%.1f", x)
	default:
		return fmt.Sprintf("%.2f", x)
	}
}

// spread prints the middle with the least and the most.
func spread(s contest.Spread) string {
	if s == (contest.Spread{}) {
		return "—"
	}
	return fmt.Sprintf("%s (%s–%s)", number(s.Median), number(s.Min), number(s.Max))
}

// BenchHead returns the lines that stand before benchmarks.
func BenchHead(m contest.Machine) string {
	return fmt.Sprintf("goos: %s\ngoarch: %s\npkg: github.com/herald-go/herald/integration/cmd/bench\n", m.OS, m.Arch)
}

// BenchLine returns a sample as a line of benchmarks, or nothing where it has no figures. named adds the contestant to its name.
func BenchLine(s *contest.Sample, named bool) string {
	if !s.Good() {
		return ""
	}
	name := "BenchmarkContest/" + s.Contest.Name()
	if named {
		name += "/contestant=" + strings.ReplaceAll(s.Contestant, " ", "-")
	}
	line := fmt.Sprintf("%s 1 %.1f ns/op", name, float64(s.Elapsed.Nanoseconds())/float64(s.N))
	for _, f := range []struct {
		unit  string
		value float64
	}{
		{"cpu-ns/op", 1e3 * contest.CPU(s)},
		{"B/op", contest.Bytes(s)},
		{"allocs/op", contest.Mallocs(s)},
		{"writes/op", contest.Writes(s)},
		{"reads/op", contest.Reads(s)},
		{"peak-bytes", float64(s.Peak)},
		{"p50-ns", float64(s.P50)},
		{"p99-ns", float64(s.P99)},
		{"p999-ns", float64(s.P999)},
	} {
		if f.value != 0 {
			line += fmt.Sprintf(" %.4g %s", f.value, f.unit)
		}
	}
	return line + "\n"
}
