package chaos

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/herald-go/herald/integration/history"
)

// Result is a run that was judged.
type Result struct {
	// Config is what was run, Origin the broker with its version and where it came from.
	Config Config
	Origin string
	// Sessions are its parts; a run that was never interrupted has one.
	Sessions []Session
}

// Session is a part of a run.
type Session struct {
	// Dir is its folder, and Duration how long it ran. Drained is false for one that was ended early: it proves nothing, and is not judged.
	Dir      string
	Duration time.Duration
	Drained  bool
	Report   history.Report
}

// sessions returns the folders of a run's sessions, and how long those were that came to their end.
func sessions(dir string) (all []Session, done time.Duration, err error) {
	names, err := filepath.Glob(filepath.Join(dir, "session-*"))
	if err != nil {
		return nil, 0, err
	}
	slices.SortFunc(names, func(a, b string) int { return len(a) - len(b) + strings.Compare(a, b)/2 })
	for _, name := range names {
		s := Session{Dir: name}
		text, err := os.ReadFile(filepath.Join(name, doneFile))
		if err == nil {
			s.Duration, err = time.ParseDuration(strings.TrimSpace(string(text)))
			s.Drained = err == nil
			done += s.Duration
		}
		all = append(all, s)
	}
	return all, done, nil
}

// Judge judges the history in a run's folder.
func Judge(dir string) (*Result, error) {
	cfg, err := Load(dir)
	if err != nil {
		return nil, err
	}
	result := &Result{Config: cfg}
	if result.Sessions, _, err = sessions(dir); err != nil {
		return nil, err
	}
	for i := range result.Sessions {
		s := &result.Sessions[i]
		if !s.Drained {
			continue
		}
		if s.Report, err = cfg.rules().Check(history.Read(s.Dir)); err != nil {
			return nil, err
		}
		if result.Origin == "" {
			result.Origin = origin(s.Dir)
		}
	}
	return result, nil
}

func origin(dir string) string {
	for o, err := range history.Read(dir) {
		if err == nil && o.Kind == history.Phase && o.Note == "origin" {
			return o.Member
		}
	}
	return ""
}

// OK reports whether something was judged and nothing violated.
func (r *Result) OK() bool {
	judged := false
	for i := range r.Sessions {
		s := &r.Sessions[i]
		if s.Drained && !s.Report.OK() {
			return false
		}
		judged = judged || s.Drained
	}
	return judged
}

// String is the figures as Markdown, and what Findings tells.
func (r *Result) String() string { return "\n" + Table(r) + r.Findings() }

// Findings tells what faults destroyed, and the events around the first violation of each kind.
func (r *Result) Findings() string {
	out := &strings.Builder{}
	for i := range r.Sessions {
		if s := &r.Sessions[i]; !s.Drained {
			fmt.Fprintf(out, "\n%s was ended early, and is not judged.\n", s.Dir)
		}
	}
	if gaps := r.sum().Gaps; len(gaps) > 0 {
		fmt.Fprintf(out, "\ndestroyed, at most, told, by each fault that destroyed: %s\n", gapsText(gaps))
	}
	for i := range r.Sessions {
		s := &r.Sessions[i]
		for _, v := range s.Report.Violations() {
			s.explain(out, v)
		}
		for _, x := range s.Report.Excessive {
			fmt.Fprintf(out, "\n%d came again after fault %d, %s, which explains %d: it hurt %d members, and made %d publishings unknown\n",
				x.Duplicates, x.Fault, x.Row, x.Bound(window), x.Members, x.Unknown)
		}
		for _, gap := range s.Report.Misreported {
			fmt.Fprintf(out, "\nfault %d destroyed %d of at most %d events, told %d, too little of the streams %q\n", gap.Fault, gap.Lost, gap.Possible, gap.Told, gap.Untold)
		}
		for _, row := range s.Report.Stuck {
			fmt.Fprintf(out, "\nno traffic after %s\n", row)
		}
	}
	if !r.OK() {
		fmt.Fprintf(out, "\nrun again: %s\njudge again: go run ./cmd/chaos -check %s\n", r.Config.command(), r.Config.Dir)
	}
	return out.String()
}

// gapsText tells for each fault that destroyed events how many, out of how many that it could, and what members were told.
func gapsText(gaps []history.GapReport) string {
	text := ""
	for _, g := range gaps {
		told := fmt.Sprint(g.Told)
		switch g.Told {
		case -1:
			told = "of unknown size"
		case -2:
			told = "nothing"
		}
		text += fmt.Sprintf("[%d, %d, %s] ", g.Lost, g.Possible, told)
	}
	return text
}

// command is the command line that runs the same again.
func (c Config) command() string {
	line := fmt.Sprintf("go run ./cmd/chaos -broker %s -duration %v -seed %d -rate %d -members %d -publishers %d",
		c.Broker, c.Duration, c.Seed, c.Rate, c.Members, c.Publishers)
	if len(c.Rows) > 0 {
		line += fmt.Sprintf(" -rows %q", strings.Join(c.Rows, ","))
	}
	if c.Client != "" {
		line += " -client " + c.Client
	}
	if c.Broken != "" {
		line += " -break " + c.Broken
	}
	return line
}

// around is how much of the history is printed about a violation.
const around = 5 * time.Second

// explain prints what happened to the first event of a violation, and to its surroundings.
func (s *Session) explain(out *strings.Builder, v history.Violations) {
	fmt.Fprintf(out, "\n%d %s in %s\n", v.Count, v.Name, s.Dir)
	if len(v.Ops) == 0 {
		return
	}
	at := v.Ops[0]
	fmt.Fprintf(out, "the first: %+v\n", at)
	lines := 0
	for o, err := range history.Read(s.Dir) {
		if err != nil || lines > 200 {
			return
		}
		near := o.At > at.At-int64(around) && o.At < at.At+int64(around)
		of := at.ID != "" && o.ID == at.ID
		what := slices.Contains([]history.Kind{history.Fault, history.Healed, history.Hurt, history.Gap, history.Phase}, o.Kind)
		key := at.Key != "" && o.Key == at.Key && o.Seq >= at.Seq-2 && o.Seq <= at.Seq+2 && o.Kind != history.Attempt
		if of || near && (what || key) {
			lines++
			fmt.Fprintf(out, "  %+9.3f s %-9s %-12s %-10s %s %d %s\n", float64(o.At-at.At)/1e9, o.Kind, o.ID, o.Member, o.Key, o.Count, o.Note)
		}
	}
}
