package compat

import (
	"math/big"
	"slices"
	"strconv"
)

// kind checks type, enum and const.
func (c *jsonCheck) kind(w *view, p placed) []Finding {
	m := p.node.object()
	may, takes := w.types(), typesOf(m["type"])
	if p.node.raw == nil {
		takes = p.node.only
	}
	if refused := may &^ takes; refused != 0 {
		return []Finding{c.finding(p.path+"/type", RuleJSONType, c.subject(p.path)+" changed from "+
			c.change(may.String()+" to "+takes.String(), takes.String()+" to "+may.String())+": "+c.events()+" may hold "+refused.example())}
	}
	allowed, ok := p.node.values()
	if !ok {
		return nil
	}
	// A finite view has been tried value by value.
	keyword := "/enum"
	if _, isConst := m["const"]; isConst {
		keyword = "/const"
	}
	list := ""
	for i, v := range allowed[:min(len(allowed), 5)] {
		if i > 0 {
			list += ", "
		}
		list += short(v)
	}
	if len(allowed) > 5 {
		list += ", …"
	}
	return []Finding{c.finding(p.path+keyword, RuleJSONEnum, c.subject(p.path)+c.change(" is now limited to ", " is no longer limited to ")+list+": "+
		c.events()+" may hold another "+may.String())}
}

// bound is an end of a range of numbers; nil is none.
type bound struct {
	at        *big.Rat
	exclusive bool
}

func (b bound) String() string {
	text := b.at.RatString()
	if !b.at.IsInt() {
		text = b.at.FloatString(6)
	}
	if b.exclusive {
		return text + " exclusive"
	}
	return text
}

// lower returns the highest lower bound of a view, upper the lowest upper one. Bounds of integers are made inclusive.
func (v *view) lower() bound { return v.end("minimum", "exclusiveMinimum", 1) }
func (v *view) upper() bound { return v.end("maximum", "exclusiveMaximum", -1) }

func (v *view) end(inclusive, exclusive string, sign int) bound {
	var end bound
	for _, n := range v.nodes {
		m := n.object()
		for _, b := range []bound{{rational(m[inclusive]), false}, {rational(m[exclusive]), true}} {
			if b.at != nil && (end.at == nil || tighter(b, end, sign)) {
				end = b
			}
		}
	}
	if end.at == nil || v.types()&typeFraction != 0 {
		return end
	}
	return wholeBound(end, sign)
}

// tighter reports whether a excludes more than b. sign is 1 for lower bounds and -1 for upper ones.
func tighter(a, b bound, sign int) bool {
	d := a.at.Cmp(b.at) * sign
	return d > 0 || d == 0 && a.exclusive && !b.exclusive
}

// wholeBound moves a bound to the nearest integer within.
func wholeBound(b bound, sign int) bound {
	floor := new(big.Int).Div(b.at.Num(), b.at.Denom())
	at := new(big.Rat).SetInt(floor)
	switch {
	case b.at.IsInt() && b.exclusive:
		at.Add(at, big.NewRat(int64(sign), 1))
	case !b.at.IsInt() && sign > 0:
		at.Add(at, big.NewRat(1, 1))
	}
	return bound{at, false}
}

// number checks the bounds and multipleOf.
func (c *jsonCheck) number(w *view, p placed) []Finding {
	var fs []Finding
	m := p.node.object()
	for _, k := range []struct {
		keyword   string
		exclusive bool
		sign      int
		have      bound
	}{
		{"minimum", false, 1, w.lower()},
		{"exclusiveMinimum", true, 1, w.lower()},
		{"maximum", false, -1, w.upper()},
		{"exclusiveMaximum", true, -1, w.upper()},
	} {
		want := bound{rational(m[k.keyword]), k.exclusive}
		if want.at == nil {
			continue
		}
		if w.types()&typeFraction == 0 {
			want = wholeBound(want, k.sign)
		}
		if k.have.at != nil && !tighter(want, k.have, k.sign) {
			continue
		}
		had := "none"
		if k.have.at != nil {
			had = k.have.String()
		}
		fs = append(fs, c.finding(p.path+"/"+k.keyword, RuleJSONRange, c.subject(p.path)+": "+k.keyword+" changed from "+
			c.change(had+" to "+want.String(), want.String()+" to "+had)+": "+c.events()+" may hold "+beyond(want, k.have, k.sign)))
	}
	if want := rational(m["multipleOf"]); want != nil && !w.multiple(want) {
		fs = append(fs, c.finding(p.path+"/multipleOf", RuleJSONMultipleOf, c.subject(p.path)+c.change(" must now be", " must no longer be")+
			" a multiple of "+want.RatString()+": "+c.events()+" may hold others"))
	}
	return fs
}

// beyond returns a number that the writer may send and the reader refuses.
func beyond(want, have bound, sign int) string {
	if have.at != nil && !have.exclusive {
		return have.String()
	}
	if have.at == nil {
		return new(big.Rat).Sub(want.at, big.NewRat(int64(sign), 1)).RatString()
	}
	if have.at.Cmp(want.at) == 0 {
		return "others"
	}
	middle := new(big.Rat).Add(want.at, have.at)
	return middle.Quo(middle, big.NewRat(2, 1)).FloatString(6)
}

// multiple reports whether every number of the view is a multiple of m.
func (v *view) multiple(m *big.Rat) bool {
	if m.Sign() == 0 {
		return false
	}
	whole := v.types()&typeFraction == 0
	return slices.ContainsFunc(v.nodes, func(n *jsonNode) bool {
		have := rational(n.object()["multipleOf"])
		return have != nil && new(big.Rat).Quo(have, m).IsInt()
	}) || whole && new(big.Rat).Inv(m).IsInt()
}

// text checks the keywords of strings.
func (c *jsonCheck) text(w *view, p placed) []Finding {
	m := p.node.object()
	fs := c.counts(w, p, "minLength", "maxLength", RuleJSONLength, "characters", w.least("minLength"))
	if pattern, ok := m["pattern"].(string); ok && !w.has("pattern", pattern) {
		if w.has("pattern", nil) {
			fs = append(fs, c.undecided(p.path+"/pattern", c.subject(p.path)+" has another pattern, and whether every text of one matches the other is not known"))
		} else {
			fs = append(fs, c.finding(p.path+"/pattern", RuleJSONPattern, c.subject(p.path)+c.change(" must now match ", " must no longer match ")+
				short(pattern)+": "+c.events()+" may hold any other text"))
		}
	}
	if format, ok := m["format"].(string); ok && !w.has("format", format) {
		fs = append(fs, c.finding(p.path+"/format", RuleJSONFormat, c.subject(p.path)+c.change(" has now", " no longer has")+
			" the format "+short(format)+": "+c.events()+" may hold any other text"))
	}
	return fs
}

// has reports whether a node of the view has the keyword with this value, or with any if value is nil.
func (v *view) has(keyword string, value any) bool {
	return slices.ContainsFunc(v.nodes, func(n *jsonNode) bool {
		have, ok := n.object()[keyword]
		return ok && (value == nil || equalValues(have, value))
	})
}

// counts checks a keyword for the least number of things and one for the most.
func (c *jsonCheck) counts(w *view, p placed, least, most string, rule Rule, things string, has int) []Finding {
	var fs []Finding
	m := p.node.object()
	if want := count(m[least], 0); want > has {
		fs = append(fs, c.finding(p.path+"/"+least, rule, c.subject(p.path)+": "+least+" changed from "+
			c.change(strconv.Itoa(has)+" to "+strconv.Itoa(want), strconv.Itoa(want)+" to "+strconv.Itoa(has))+": "+
			c.events()+" may have "+strconv.Itoa(has)+" "+things))
	}
	want, have := count(m[most], -1), w.most(most)
	if want < 0 || have >= 0 && have <= want {
		return fs
	}
	had := "none"
	if have >= 0 {
		had = strconv.Itoa(have)
	}
	return append(fs, c.finding(p.path+"/"+most, rule, c.subject(p.path)+": "+most+" changed from "+
		c.change(had+" to "+strconv.Itoa(want), strconv.Itoa(want)+" to "+had)+": "+c.events()+" may have "+strconv.Itoa(want+1)+" "+things))
}
