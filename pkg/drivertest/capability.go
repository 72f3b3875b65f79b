package drivertest

import (
	"reflect"

	"github.com/herald-go/herald/pkg/driver"
)

var capabilitySentences = []Sentence{
	{Area: "capabilities", Text: "they name the broker and the durability", check: capabilitiesName},
	{Area: "capabilities", Text: "they do not change while the driver is open, and are the same for each connection", check: capabilitiesStay},
	{Area: "capabilities", Text: "what is emulated or refused says how", check: capabilitiesSayHow},
	{Area: "capabilities", Text: "each feature that is there has its side interface", check: capabilitiesHaveInterfaces},
	{Area: "capabilities", Text: "changing the returned value changes nothing", check: capabilitiesAreACopy},
}

func capabilitiesName(f *fixture) {
	c := f.open().Capabilities()
	if c.Broker == "" {
		f.Errorf("Capabilities has no name for the broker")
	}
	switch c.Durability {
	case driver.DurableMemory, driver.DurableOS, driver.DurableDisk, driver.DurableReplicated:
	default:
		f.Errorf("Durability is %q, which is no class", c.Durability)
	}
	if c.MaxMessage < 0 || c.HoldLimit < 0 {
		f.Errorf("MaxMessage is %d and HoldLimit %v, want none below 0", c.MaxMessage, c.HoldLimit)
	}
}

func capabilitiesStay(f *fixture) {
	d, topic := f.open(), f.name("t")
	before := d.Capabilities()
	m := f.reader(d, topic)
	f.publish(d, f.to(topic), f.event("k"))
	m.drain(1)
	after, other := d.Capabilities(), f.open().Capabilities()
	if before.Version == "" {
		before.Version = after.Version // Subscribe may discover the server's version
	}
	for _, c := range []driver.Capabilities{after, other} {
		if c.Version == "" {
			c.Version = before.Version
		}
		if !reflect.DeepEqual(before, c) {
			f.Errorf("Capabilities were %+v and are %+v", before, c)
		}
	}
}

func capabilitiesSayHow(f *fixture) {
	for name, c := range f.open().Capabilities().Features {
		if c.Level > driver.Native {
			f.Errorf("%s has the level %d, which is none", name, c.Level)
		}
		if c.Level != driver.Native && c.How == "" {
			f.Errorf("%s is %v and does not say how or why", name, c.Level)
		}
	}
}

func capabilitiesHaveInterfaces(f *fixture) {
	d := f.open()
	_, history := d.(driver.History)
	_, lag := d.(driver.Lagger)
	_, groups := d.(driver.Groups)
	for name, there := range map[driver.Feature]bool{
		driver.FeatureHistory: history, driver.FeatureLog: history, driver.FeatureLag: lag, driver.FeatureReset: groups,
	} {
		if f.has(name) && !there {
			f.Errorf("%s is promised, and its side interface is missing", name)
		}
	}
}

func capabilitiesAreACopy(f *fixture) {
	d := f.open()
	c := d.Capabilities()
	if c.Features == nil {
		return
	}
	before := c.Features[driver.FeatureGroups]
	c.Features[driver.FeatureGroups] = driver.Capability{Level: driver.Emulated, How: "changed by a caller"}
	if now := d.Capabilities().Features[driver.FeatureGroups]; now != before {
		f.Errorf("a caller changed the driver's capabilities to %+v", now)
		c.Features[driver.FeatureGroups] = before
	}
}
