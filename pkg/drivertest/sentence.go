package drivertest

import (
	"fmt"
	"slices"

	"github.com/herald-go/herald/pkg/driver"
)

// Sentence is one sentence of the driver contract with its test.
type Sentence struct {
	// Area groups sentences, Text is the sentence.
	Area, Text string

	needs []need
	alone bool // takes the broker away, so nothing else may run beside it
	check func(f *fixture)
}

// Name returns "area/sentence".
func (s Sentence) Name() string { return s.Area + "/" + s.Text }

// Sentences returns all sentences: those that must run alone first, the others after them, each by area.
func Sentences() []Sentence {
	all := slices.Concat(
		faultSentences, roomSentences, reconnectSentences, answerSentences,
		publishSentences, attributeSentences, unroutedSentences, orderSentences, receiveSentences, deliverSentences, windowSentences, settleSentences,
		memberSentences, startSentences, filterSentences, sourceSentences, inboxSentences, delaySentences, broadcastSentences,
		logSentences, historySentences, lagSentences, topologySentences, groupsSentences, capabilitySentences, closeSentences,
		endSentences,
	)
	slices.SortStableFunc(all, func(a, b Sentence) int {
		if a.alone == b.alone {
			return 0
		}
		if a.alone {
			return -1
		}
		return 1
	})
	return all
}

// lacks returns why the sentence can't run, or "".
func (s Sentence) lacks(p probe) string {
	for _, n := range s.needs {
		if why := n.lacks(p); why != "" {
			return why
		}
	}
	return ""
}

// row is the line of the report that the sentence is counted in: the last thing it needs.
func (s Sentence) row() string {
	if len(s.needs) == 0 {
		return rowCore
	}
	return s.needs[len(s.needs)-1].row
}

func (s Sentence) run(t T, h Harness, p probe) {
	t.Helper()
	f := newFixture(t, h, p)
	s.check(f)
}

// rowCore is the row of what every driver must do.
const rowCore = "core"

// need is something that a sentence can't do without.
type need struct {
	row   string
	lacks func(p probe) string
}

// feature needs a feature that is not refused.
func feature(name driver.Feature) need {
	return need{row: string(name), lacks: func(p probe) string {
		c := p.caps.Features[name]
		if c.Level != driver.Refused {
			return ""
		}
		if c.How == "" {
			return fmt.Sprintf("%s is refused", name)
		}
		return fmt.Sprintf("%s is refused: %s", name, c.How)
	}}
}

// without needs a feature that is refused: such sentences say how.
func without(name driver.Feature) need {
	return need{row: string(name), lacks: func(p probe) string {
		if l := p.caps.Features[name].Level; l != driver.Refused {
			return fmt.Sprintf("%s is %s, so there is no refusal to test", name, l)
		}
		return ""
	}}
}

// side needs a side interface.
func side(name string) need {
	return need{row: "interface " + name, lacks: func(p probe) string {
		if p.side[name] {
			return ""
		}
		return "the driver has no side interface for " + name
	}}
}

// control needs a fault control of the harness.
func control(name string, has func(h Harness) bool) need {
	return need{row: "fault " + name, lacks: func(p probe) string {
		if has(p.h) {
			return ""
		}
		return "the harness has no " + name
	}}
}

var (
	groups    = feature(driver.FeatureGroups)
	broadcast = feature(driver.FeatureBroadcast)
	history   = feature(driver.FeatureHistory)
	start     = feature(driver.FeatureStart)
	reset     = feature(driver.FeatureReset)
	replicas  = feature(driver.FeatureReplicaOrder)
	delay     = feature(driver.FeatureDelay)
	inbox     = feature(driver.FeatureInbox)
	plainLog  = feature(driver.FeatureLog)
	keep      = feature(driver.FeatureKeep)
	lag       = feature(driver.FeatureLag)
	once      = feature(driver.FeatureIdempotent)

	away       = control("Disconnect", func(h Harness) bool { return h.Disconnect != nil && h.Reconnect != nil })
	cut        = control("Cut", func(h Harness) bool { return h.Cut != nil })
	refuse     = control("Refuse", func(h Harness) bool { return h.Refuse != nil })
	unanswered = control("Unanswered", func(h Harness) bool { return h.Unanswered != nil })
	inject     = control("Inject", func(h Harness) bool { return h.Inject != nil })

	// rows is the order of the report.
	rows = []string{
		rowCore, string(driver.FeatureGroups), string(driver.FeatureBroadcast), string(driver.FeatureHistory), string(driver.FeatureStart),
		string(driver.FeatureReset), string(driver.FeatureReplicaOrder), string(driver.FeatureDelay), string(driver.FeatureInbox),
		string(driver.FeatureLog), string(driver.FeatureKeep), string(driver.FeatureLag), string(driver.FeatureIdempotent),
		"interface notices", "interface topology", "interface groups",
		"fault Disconnect", "fault Cut", "fault Refuse", "fault Unanswered", "fault Inject",
	}
)
