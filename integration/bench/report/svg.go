package report

import (
	"fmt"
	"html"
	"math"
	"slices"
	"strings"

	"github.com/herald-go/herald/integration/bench/contest"
)

// colors of contestants in their order; Herald's is the first.
var colors = []string{"#2563eb", "#475569", "#94a3b8", "#0d9488", "#d97706", "#dc2626", "#7c3aed", "#65a30d", "#db2777", "#0891b2"}

const (
	width    = 760
	left     = 150
	barHigh  = 9
	rowGap   = 12
	fontSize = 11
)

// picture collects the elements of an SVG. Its text is legible on light and on dark pages.
type picture struct {
	b    strings.Builder
	high float64
}

func (p *picture) text(x, y float64, anchor, text string) {
	fmt.Fprintf(&p.b, `<text x="%.1f" y="%.1f" text-anchor="%s" fill="#64748b">%s</text>`+"\n", x, y, anchor, html.EscapeString(text))
}

func (p *picture) line(x1, y1, x2, y2 float64) {
	fmt.Fprintf(&p.b, `<line x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f" stroke="#94a3b8" stroke-opacity="0.5"/>`+"\n", x1, y1, x2, y2)
}

func (p *picture) rect(x, y, w, h float64, color string) {
	fmt.Fprintf(&p.b, `<rect x="%.1f" y="%.1f" width="%.1f" height="%.1f" fill="%s"/>`+"\n", x, y, w, h, color)
}

func (p *picture) done() string {
	return fmt.Sprintf(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %.0f" font-family="sans-serif" font-size="%d">`+"\n%s</svg>\n",
		width, p.high, fontSize, p.b.String())
}

// legend draws the names with their colours, and returns where the plot begins.
func (p *picture) legend(names []string) float64 {
	x, y := float64(left), 14.0
	for i, name := range names {
		need := 18 + 6.5*float64(len(name))
		if x+need > width {
			x, y = left, y+16
		}
		p.rect(x, y-9, 10, 10, colors[i%len(colors)])
		p.text(x+14, y, "start", name)
		x += need + 10
	}
	return y + 16
}

// bars plots the ratio of each contestant's rate to the bare client's, work by work.
func bars(r *contest.Results, broker, herald string) string {
	columns := columnsOf(r, broker, herald)
	names := make([]string, len(columns))
	most := 1.2
	var rates []contest.Contest
	for _, c := range r.Contests() {
		if c.Broker == broker && c.Axis == "" && !figureFor(c).less && r.Basis(c) != "" {
			rates = append(rates, c)
		}
	}
	for i, p := range columns {
		names[i] = p.Name
		for _, c := range rates {
			most = max(most, r.Ratio(c, p.Name, r.Basis(c), contest.Rate).Median)
		}
	}
	if len(rates) == 0 {
		return ""
	}
	p := &picture{}
	y := p.legend(names)
	scale := (width - left - 60) / most
	top := y
	for _, c := range rates {
		var here []int
		for i := range columns {
			if r.Ratio(c, columns[i].Name, r.Basis(c), contest.Rate).Median > 0 {
				here = append(here, i)
			}
		}
		p.text(left-8, y+float64(len(here)*barHigh)/2+4, "end", c.Work)
		for _, i := range here {
			s := r.Ratio(c, columns[i].Name, r.Basis(c), contest.Rate)
			p.rect(left, y, s.Median*scale, barHigh-1, colors[i%len(colors)])
			p.text(left+s.Median*scale+4, y+barHigh-1, "start", number(s.Median))
			y += barHigh
		}
		y += rowGap
	}
	p.line(left+scale, top, left+scale, y-rowGap)
	p.text(left+scale, y+2, "middle", "bare client = 1")
	p.high = y + 12
	return p.done()
}

// series is a parameter that grows.
type series struct {
	broker, work, axis string
	contests           []contest.Contest
}

func (s series) file() string {
	return fmt.Sprintf("bench-%s-%s-%s.svg", s.broker, strings.ReplaceAll(s.work, "/", "-"), s.axis)
}

func barsFile(broker string) string { return "bench-" + broker + ".svg" }

// seriesOf gathers contests by what grows in them.
func seriesOf(contests []contest.Contest) []series {
	var all []series
	for _, c := range contests {
		i := slices.IndexFunc(all, func(s series) bool { return s.work == c.Work && s.axis == c.Axis && s.broker == c.Broker })
		if i < 0 {
			i = len(all)
			all = append(all, series{broker: c.Broker, work: c.Work, axis: c.Axis})
		}
		all[i].contests = append(all[i].contests, c)
	}
	return all
}

const (
	plotHigh = 220
	tickStep = 4
)

// lines plots events a second over the parameter; both axes are logarithmic.
func lines(r *contest.Results, s series, herald string) string {
	columns := columnsOf(r, s.broker, herald)
	slices.SortFunc(s.contests, func(a, b contest.Contest) int { return a.Value() - b.Value() })
	lo, hi := math.MaxFloat64, 0.0
	names := make([]string, len(columns))
	for i, p := range columns {
		names[i] = p.Name
		for _, c := range s.contests {
			if rate := r.Spread(c, p.Name, contest.Rate).Median; rate > 0 {
				lo, hi = min(lo, rate), max(hi, rate)
			}
		}
	}
	if hi == 0 {
		return ""
	}
	lo, hi = lo/1.2, hi*1.2
	p := &picture{}
	top := p.legend(names)
	atY := func(v float64) float64 {
		return top + plotHigh*(1-(math.Log(v)-math.Log(lo))/(math.Log(hi)-math.Log(lo)))
	}
	atX := func(i int) float64 { return left + float64(i)*(width-left-60)/float64(max(1, len(s.contests)-1)) }
	for i := range tickStep + 1 {
		v := lo * math.Pow(hi/lo, float64(i)/tickStep)
		p.line(left, atY(v), width-50, atY(v))
		p.text(left-8, atY(v)+4, "end", number(v)+"/s")
	}
	for i, c := range s.contests {
		p.text(atX(i), top+plotHigh+16, "middle", number(float64(c.Value())))
	}
	p.text(left-8, top+plotHigh+16, "end", s.axis)
	for i, column := range columns {
		var points []string
		for at, c := range s.contests {
			if rate := r.Spread(c, column.Name, contest.Rate).Median; rate > 0 {
				points = append(points, fmt.Sprintf("%.1f,%.1f", atX(at), atY(rate)))
			}
		}
		fmt.Fprintf(&p.b, `<polyline points="%s" fill="none" stroke="%s" stroke-width="2"/>`+"\n", strings.Join(points, " "), colors[i%len(colors)])
	}
	p.high = top + plotHigh + 26
	return p.done()
}
