package redis

import (
	"strconv"

	"github.com/herald-go/herald/pkg/driver"
)

// place is one partition of a topic: a stream and all that belongs to it, in one slot of a cluster. Its keys are a wire format.
//
//	{orders}                                      the stream of a topic without partitions
//	{orders:3}                                    the stream of partition 3
//	{orders}:topic                                what the topic is: partitions, bounds
//	{orders}:later                                messages of the topic that are not due yet, a sorted set by time
//	{orders}:herald..group..orders..billing       the members of a group, and its fencing counter
//	{orders:3}:herald..lease..orders..billing     who owns partition 3 in a group that is ordered across members
//	{orders}:herald..inbox..orders..billing       the inbox of a group, a stream
//	{orders}:herald..later..orders..billing       what is to come into the inbox, a sorted set by time
type place struct {
	topic string
	part  int    // -1 without partitions
	tag   string // "{orders}" or "{orders:3}"; the stream's key
}

func placeOf(topic string, part int) place {
	tag := "{" + topic + "}"
	if part >= 0 {
		tag = "{" + topic + ":" + strconv.Itoa(part) + "}"
	}
	return place{topic: topic, part: part, tag: tag}
}

// places returns the partitions of a topic; 0 is a topic without partitions, which has one place.
func places(topic string, partitions int) []place {
	if partitions == 0 {
		return []place{placeOf(topic, -1)}
	}
	all := make([]place, partitions)
	for i := range all {
		all[i] = placeOf(topic, i)
	}
	return all
}

// partitionOf returns the partition of a slot, -1 where there are none.
func partitionOf(slot uint8, partitions int) int {
	if partitions == 0 {
		return -1
	}
	return int(slot) * partitions / driver.Slots
}

func (p place) stream() string { return p.tag }

func (p place) later() string { return p.tag + ":later" }

func (p place) inbox(group string) string {
	return p.tag + ":" + driver.Name(driver.KindInbox, p.topic, group)
}

func (p place) inboxLater(group string) string {
	return p.tag + ":" + driver.Name(driver.KindLater, p.topic, group)
}

func (p place) members(group string) string {
	return p.tag + ":" + driver.Name(driver.KindGroup, p.topic, group)
}

func (p place) lease(group string) string {
	return p.tag + ":" + driver.Name(driver.KindLease, p.topic, group)
}

// topicKey is the hash that says what a topic is.
func topicKey(topic string) string { return "{" + topic + "}:topic" }

// Fields of the hash at topicKey.
const (
	fieldPartitions = "partitions"
	fieldMaxAge     = "max-age" // milliseconds
	fieldMaxBytes   = "max-bytes"
	fieldMaxCount   = "max-count"
)

// released is the consumer that holds what no member holds: given back, or left by a dead member.
const released = "herald..released"

// nudge is the field of an entry that wakes a group's members: something was given back.
const nudge = "herald-nudge"
